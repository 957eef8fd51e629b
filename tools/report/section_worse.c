/* What got worse than chance explains, in words. */
#include "report/answer_table.h"
#include "table_cells.h"

#define LISTED 10

/* The metrics of ALOG_QUERY_REGRESS. */
static const struct {
    const char *metric, *name;
    enum number_unit unit;
} metrics[] = {
    {"success_rate", "success", NUMBER_RATE},
    {"availability", "availability", NUMBER_RATE},
    {"hook_failure_rate", "failures of the hook", NUMBER_RATE},
    {"test_failure_rate", "test failures", NUMBER_RATE},
    {"job_success_rate", "job success", NUMBER_RATE},
    {"latency_p95_ms", "latency p95", NUMBER_MS},
    {"cost_usd", "cost per day", NUMBER_USD},
};

static void put_item(struct html *html, const struct alog_table *table, size_t row) {
    const struct alog_string metric = table_text(table, row, "metric");
    const struct alog_string subject = table_text(table, row, "subject");
    enum number_unit unit = NUMBER_PLAIN;
    html_raw(html, "<li><strong>");
    if (subject.len > 0) {
        html_text_cut(html, subject, 80);
        html_raw(html, ": ");
    }
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        if (alog_string_equal(metric, alog_str(metrics[i].metric))) {
            html_raw(html, metrics[i].name);
            unit = metrics[i].unit;
        }
    }
    const struct number_text value = number_full(unit, table_number(table, row, "value"));
    const struct number_text before = number_full(unit, table_number(table, row, "value_before"));
    html_format(html, " %s</strong>, before %s", value.text, before.text);
    if (unit == NUMBER_RATE) {
        const struct number_text n = number_full(NUMBER_COUNT, table_number(table, row, "n"));
        const struct number_text n_before =
            number_full(NUMBER_COUNT, table_number(table, row, "n_before"));
        html_format(html, " (n&nbsp;=&nbsp;%s and %s)", n.text, n_before.text);
    }
    html_raw(html, "</li>\n");
}

void section_worse(struct page *page) {
    struct alog_query query = page_query(page, ALOG_QUERY_REGRESS);
    query.limit = 0;
    const struct alog_table *table = page_ask(page, &query);
    size_t count = 0;
    page_section(page, "worse", "What got worse");
    for (size_t row = 0; row < table->row_count; row++) {
        if (table_number(table, row, "worse") > 0) {
            if (count == 0) {
                html_raw(&page->html,
                         "<p class=\"lead\">Rates are compared with as many days before, p95 and "
                         "cost with the week before; what chance explains is left out.</p>\n"
                         "<ul class=\"list\">\n");
            }
            if (count < LISTED) {
                put_item(&page->html, table, row);
            }
            count++;
        }
    }
    if (count > 0) {
        html_raw(&page->html, "</ul>\n");
    } else if (table->row_count > 0) {
        page_nothing(page, "Nothing did, beyond what chance explains.");
    } else {
        page_nothing(page, "There is nothing to compare with.");
    }
    if (count > LISTED) {
        answer_more(page, count - LISTED, "stats regress");
    }
    page_section_end(page);
}
