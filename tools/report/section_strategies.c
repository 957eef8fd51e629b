/* Strategies: how often they were chosen, how they did, and where the time went. */
#include <math.h>

#include "report/answer_table.h"
#include "table_cells.h"

#define CHARTED 8

static const struct answer_column columns[] = {{"strategy", "Strategy"},
                                               {"decisions", "Decisions"},
                                               {"share", "Share"},
                                               {"share_low", "95&nbsp;% interval"},
                                               {"avg_effectiveness", "Mean effectiveness"},
                                               {"scores", "Scores"},
                                               {"finished_jobs", "Jobs that ended"},
                                               {"job_success_rate", "Jobs that succeeded"},
                                               {"job_success_rate_low", "95&nbsp;% interval"},
                                               {"avg_iterations", "Rounds per job"},
                                               {"most_used", "Most used"},
                                               {"most_effective", "Most effective"},
                                               {NULL, NULL}};

static const struct answer_column time_columns[] = {{"execution_strategy", "Execution strategy"},
                                                    {"executions", "Executions"},
                                                    {"avg_iterations", "Rounds"},
                                                    {"avg_total_time_ms", "Mean time"},
                                                    {"hooks_share", "Hooks"},
                                                    {"tests_share", "Tests"},
                                                    {"ai_share", "AI analysis"},
                                                    {NULL, NULL}};

/* The strategy of which `flag` is true. */
static struct alog_string flagged(const struct alog_table *table, const char *flag) {
    for (size_t row = 0; row < table->row_count; row++) {
        if (table_number(table, row, flag) > 0) {
            return table_text(table, row, "strategy");
        }
    }
    return (struct alog_string){"", 0};
}

static void put_verdict(struct page *page, const struct alog_table *table) {
    struct html *html = &page->html;
    const struct alog_string used = flagged(table, "most_used");
    const struct alog_string effective = flagged(table, "most_effective");
    html_raw(html, "<p class=\"lead\">Most used: <strong>");
    html_text_cut(html, used, 60);
    html_raw(html, "</strong>. ");
    if (effective.len > 0) {
        html_raw(html, "Most effective by its scores: <strong>");
        html_text_cut(html, effective, 60);
        html_raw(html, "</strong>.</p>\n");
    } else {
        html_raw(html, "None has scores enough to be called the most effective.</p>\n");
    }
}

static void chart_strategies(struct page *page, const struct alog_table *table) {
    struct chart_rate rates[CHARTED];
    const size_t count = table->row_count < CHARTED ? table->row_count : CHARTED;
    for (size_t i = 0; i < count; i++) {
        rates[i] = (struct chart_rate){.name = table_text(table, i, "strategy"),
                                       .rate = table_number(table, i, "job_success_rate"),
                                       .low = table_number(table, i, "job_success_rate_low"),
                                       .high = table_number(table, i, "job_success_rate_high"),
                                       .count = table_number(table, i, "finished_jobs")};
    }
    const struct chart chart = {"strategies-rates", "Success of the jobs that chose a strategy",
                                "A point for each strategy, those chosen most first, with its 95 % "
                                "interval. The figures are in the table below.",
                                NUMBER_RATE};
    chart_rates(&page->html, &chart, rates, count);
}

static void chart_times(struct page *page, const struct alog_table *times) {
    static const char *const parts[] = {"hooks", "tests", "AI analysis"};
    struct chart_share shares[CHARTED];
    const size_t count = times->row_count < CHARTED ? times->row_count : CHARTED;
    for (size_t i = 0; i < count; i++) {
        shares[i] = (struct chart_share){.name = table_text(times, i, "execution_strategy"),
                                         .parts = {table_number(times, i, "hooks_share"),
                                                   table_number(times, i, "tests_share"),
                                                   table_number(times, i, "ai_share")}};
    }
    const struct chart chart = {
        "strategies-times-chart", "Where the time of orchestrations went",
        "A bar for each execution strategy: the shares of hooks, of tests and of AI analysis in "
        "its total time; the rest is blank. The figures are in the table below.",
        NUMBER_RATE};
    chart_shares(&page->html, &chart, parts, sizeof parts / sizeof *parts, shares, count);
}

static void put_tables(struct page *page, const struct alog_table *table,
                       const struct alog_table *times) {
    if (table->row_count > 0) {
        answer_table(page, table,
                     &(struct answer_table){.id = "strategies-table",
                                            .caption = "Use and effect of strategies",
                                            .command = "stats orchestration",
                                            .columns = columns});
    }
    if (times->row_count > 0) {
        answer_table(page, times,
                     &(struct answer_table){.id = "strategies-times",
                                            .caption = "Where the time of orchestrations went",
                                            .command = "stats orchestration-time",
                                            .columns = time_columns,
                                            .folded = true});
    }
}

void section_strategies(struct page *page) {
    const struct alog_table *table = page_ask_kind(page, ALOG_QUERY_ORCHESTRATION);
    const struct alog_table *times = page_ask_kind(page, ALOG_QUERY_ORCHESTRATION_TIME);
    page_section(page, "strategies", "Strategies");
    if (table->row_count > 0) {
        put_verdict(page, table);
    } else {
        page_nothing(page, "No strategy decision was logged in this window.");
    }
    html_raw(&page->html, "<div class=\"charts\">\n");
    if (table->row_count > 0) {
        chart_strategies(page, table);
    }
    if (times->row_count > 0) {
        chart_times(page, times);
    }
    html_raw(&page->html, "</div>\n");
    put_tables(page, table, times);
    page_section_end(page);
}
