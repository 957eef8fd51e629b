/* What should be in the log and is not. */
#include "report/answer_table.h"

static const struct answer_column columns[] = {
    {"subject", "What"}, {"check_name", "Check"},          {"found", "Found"},
    {"total", "Of"},     {"last_seen", "Last seen (UTC)"}, {"explanation", "Why it is here"},
    {NULL, NULL}};

void section_coverage(struct page *page) {
    const struct alog_table *table = page_ask_coverage(page);
    page_section(page, "coverage", "Silent instrumentation");
    if (!page->has_events) {
        page_nothing(page, "Nothing was logged in this window, so everything is silent.");
    } else if (table->row_count == 0) {
        page_nothing(page, "Nothing is silent: every event and field of the catalogue came.");
    } else {
        html_format(&page->html,
                    "<p class=\"lead\">%zu finding%s: events and fields that never came, that "
                    "stopped, or that lack a job. What is silent on purpose belongs on the "
                    "allow-list of <code>agentlog coverage</code>; this page knows no such "
                    "list.</p>\n",
                    table->row_count, table->row_count == 1 ? "" : "s");
        answer_table(page, table,
                     &(struct answer_table){.id = "coverage-table",
                                            .caption = "Findings",
                                            .command = "coverage",
                                            .columns = columns});
    }
    page_section_end(page);
}
