/* Success by agent and issue type, and over time. */
#include <math.h>

#include "report/answer_table.h"
#include "table_cells.h"

#define CHARTED 12

static const struct answer_column columns[] = {{"agent_name", "Agent"},
                                               {"issue_type", "Issue type"},
                                               {"executions", "Executions"},
                                               {"success_rate", "Success"},
                                               {"success_rate_low", "95&nbsp;% interval"},
                                               {"confidence_avg", "Mean confidence"},
                                               {"execution_time_p50_ms", "Time p50"},
                                               {"execution_time_p95_ms", "Time p95"},
                                               {"fixes_applied", "Fixes"},
                                               {"retries", "Retries"},
                                               {NULL, NULL}};

static void chart_agents(struct page *page, const struct alog_table *table) {
    struct chart_rate rates[CHARTED];
    const size_t count = table->row_count < CHARTED ? table->row_count : CHARTED;
    for (size_t i = 0; i < count; i++) {
        rates[i] = (struct chart_rate){.name = table_text(table, i, "agent_name"),
                                       .detail = table_text(table, i, "issue_type"),
                                       .rate = table_number(table, i, "success_rate"),
                                       .low = table_number(table, i, "success_rate_low"),
                                       .high = table_number(table, i, "success_rate_high"),
                                       .count = table_number(table, i, "executions")};
    }
    const struct chart chart = {
        "agents-rates", "Success by agent and issue type",
        "A point for each agent and issue type, those with most executions first, with its 95 % "
        "interval. The figures are in the table below.",
        NUMBER_RATE};
    chart_rates(&page->html, &chart, rates, count);
}

static void chart_days(struct page *page, const struct page_trend *trend) {
    const struct chart_series series = {ALOG_STR("Success"), trend->values, trend->low,
                                        trend->high};
    const struct chart chart = {
        "agents-trend", "Success of agent executions over time",
        "A line of the success rate, with its 95 % interval as a band. The figures are in the "
        "table below.",
        NUMBER_RATE};
    chart_lines(&page->html, &chart, &page->axis, &series, 1, false);
}

void section_agents(struct page *page) {
    const struct alog_table *table = page_ask_kind(page, ALOG_QUERY_SUCCESS_RATE);
    page_section(page, "agents", "Agents");
    if (table->row_count == 0) {
        page_nothing(page, "No agent execution was logged in this window.");
        page_section_end(page);
        return;
    }
    const struct page_trend trend =
        page_ask_trend(page, page_query(page, ALOG_QUERY_TREND), ALOG_METRIC_SUCCESS_RATE);
    const struct chart_series series = {ALOG_STR("Success"), trend.values, trend.low, trend.high};
    html_raw(&page->html, "<div class=\"charts\">\n");
    chart_agents(page, table);
    chart_days(page, &trend);
    html_raw(&page->html, "</div>\n");
    answer_table(page, table,
                 &(struct answer_table){.id = "agents-table",
                                        .caption = "Agents and issue types",
                                        .command = "stats success-rate",
                                        .columns = columns,
                                        .folded = true});
    answer_series(page, "agents-days", "Success over time", NUMBER_RATE, &series, 1);
    page_section_end(page);
}
