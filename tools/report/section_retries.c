/* Second attempts, and calls in place of another provider's. */
#include <math.h>

#include "report/answer_table.h"
#include "table_cells.h"

#define CHARTED 8

static const struct answer_column retry_columns[] = {{"agent_name", "Agent"},
                                                     {"issue_type", "Issue type"},
                                                     {"operations", "Operations"},
                                                     {"attempts_per_operation", "Attempts each"},
                                                     {"retried", "Retried"},
                                                     {"recovered", "Recovered"},
                                                     {"recovered_rate", "Recovered of retried"},
                                                     {"recovered_rate_low", "95&nbsp;% interval"},
                                                     {"given_up", "Given up"},
                                                     {"time_lost_ms", "Time lost"},
                                                     {NULL, NULL}};

static const struct answer_column fallback_columns[] = {{"fallback_from", "Instead of"},
                                                        {"provider_id", "Called"},
                                                        {"fallback_reason", "Because of"},
                                                        {"calls", "Calls"},
                                                        {"share", "Share"},
                                                        {"share_low", "95&nbsp;% interval"},
                                                        {"success_rate", "Success"},
                                                        {"success_rate_low", "95&nbsp;% interval"},
                                                        {"avg_latency_ms", "Mean latency"},
                                                        {NULL, NULL}};

static double sum(const struct alog_table *table, const char *name) {
    double result = 0;
    for (size_t row = 0; row < table->row_count; row++) {
        const double value = table_number(table, row, name);
        result += isnan(value) ? 0 : value;
    }
    return result;
}

static void put_lead(struct page *page, const struct alog_table *retries,
                     const struct alog_table *fallbacks) {
    const struct number_text operations = number_full(NUMBER_COUNT, sum(retries, "operations"));
    const struct number_text retried = number_full(NUMBER_COUNT, sum(retries, "retried"));
    const struct number_text recovered = number_full(NUMBER_COUNT, sum(retries, "recovered"));
    const struct number_text lost = number_full(NUMBER_MS, sum(retries, "time_lost_ms"));
    const struct number_text calls = number_full(NUMBER_COUNT, sum(fallbacks, "calls"));
    html_format(
        &page->html,
        "<p class=\"lead\">Operations: %s. More than one attempt: %s, of which %s recovered. "
        "Time of failed attempts: %s. Calls in place of another provider's: %s.</p>\n",
        operations.text, retried.text, recovered.text, lost.text, calls.text);
}

static void chart_recovered(struct page *page, const struct alog_table *table) {
    struct chart_rate rates[CHARTED];
    size_t count = 0;
    for (size_t i = 0; i < table->row_count && count < CHARTED; i++) {
        if (table_number(table, i, "retried") > 0) {
            rates[count++] =
                (struct chart_rate){.name = table_text(table, i, "agent_name"),
                                    .detail = table_text(table, i, "issue_type"),
                                    .rate = table_number(table, i, "recovered_rate"),
                                    .low = table_number(table, i, "recovered_rate_low"),
                                    .high = table_number(table, i, "recovered_rate_high"),
                                    .count = table_number(table, i, "retried")};
        }
    }
    const struct chart chart = {
        "retries-rates", "Recovered after a failed attempt",
        "A point for each agent and issue type, those with most retries first: the share of "
        "retried operations that ended well, with its 95 % interval. The figures are in the table "
        "below.",
        NUMBER_RATE};
    chart_rates(&page->html, &chart, rates, count);
}

static void chart_fallbacks(struct page *page, const struct alog_table *table) {
    struct chart_rate rates[CHARTED];
    const size_t count = table->row_count < CHARTED ? table->row_count : CHARTED;
    for (size_t i = 0; i < count; i++) {
        rates[i] = (struct chart_rate){.name = table_text(table, i, "provider_id"),
                                       .detail = table_text(table, i, "fallback_from"),
                                       .detail_prefix = "for ",
                                       .rate = table_number(table, i, "success_rate"),
                                       .low = table_number(table, i, "success_rate_low"),
                                       .high = table_number(table, i, "success_rate_high"),
                                       .count = table_number(table, i, "calls")};
    }
    const struct chart chart = {
        "fallbacks-rates", "Success of the calls that replaced another",
        "A point for each provider called in place of another: the share of such calls "
        "that were successful, with its 95 % interval. The figures are in the table below.",
        NUMBER_RATE};
    chart_rates(&page->html, &chart, rates, count);
}

void section_retries(struct page *page) {
    const struct alog_table *retries = page_ask_kind(page, ALOG_QUERY_RETRIES);
    const struct alog_table *fallbacks = page_ask_kind(page, ALOG_QUERY_FALLBACKS);
    page_section(page, "retries", "Retries and fallbacks");
    if (retries->row_count == 0 && fallbacks->row_count == 0) {
        page_nothing(page, "Neither an attempt nor a fallback was logged in this window.");
        page_section_end(page);
        return;
    }
    put_lead(page, retries, fallbacks);
    html_raw(&page->html, "<div class=\"charts\">\n");
    chart_recovered(page, retries);
    chart_fallbacks(page, fallbacks);
    html_raw(&page->html, "</div>\n");
    if (retries->row_count > 0) {
        answer_table(page, retries,
                     &(struct answer_table){.id = "retries-table",
                                            .caption = "Attempts by agent and issue type",
                                            .command = "stats retries",
                                            .columns = retry_columns,
                                            .folded = true});
    }
    if (fallbacks->row_count > 0) {
        answer_table(page, fallbacks,
                     &(struct answer_table){.id = "fallbacks-table",
                                            .caption = "Fallbacks",
                                            .command = "stats fallbacks",
                                            .columns = fallback_columns,
                                            .folded = true});
    }
    page_section_end(page);
}
