/* Errors by type over time, and the messages that come most. */
#include <math.h>

#include "report/answer_table.h"
#include "report/scale.h"
#include "table_cells.h"

static const struct answer_column columns[] = {{"pattern", "Message"},
                                               {"error_type", "Type"},
                                               {"error_category", "Category"},
                                               {"errors", "Errors"},
                                               {"share", "Share"},
                                               {"share_low", "95&nbsp;% interval"},
                                               {"first_seen", "First seen (UTC)"},
                                               {"last_seen", "Last seen (UTC)"},
                                               {"sample", "Sample"},
                                               {NULL, NULL}};

/* The types that the daily summaries count; the rest of total_errors is others'. */
static const struct {
    const char *column, *name;
} types[] = {{"hook_errors", "hook"},
             {"test_errors", "test"},
             {"lint_errors", "lint"},
             {"type_errors", "type check"},
             {NULL, "others"}};
#define TYPE_COUNT (sizeof types / sizeof *types)

static bool has_any(const struct page *page, const struct chart_series *series) {
    double low, high;
    return scale_range(series->values, page->axis.count, &low, &high) && high > 0;
}

/* What is left of all errors is the last type's. Returns how many types have any. */
static size_t sum_up(struct page *page, struct chart_series series[TYPE_COUNT]) {
    double *rest = page_sum_days(page, "total_errors");
    size_t count = 0;
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        const double *sums = types[i].column != NULL ? page_sum_days(page, types[i].column) : rest;
        series[count] = (struct chart_series){alog_str(types[i].name), sums, NULL, NULL};
        for (size_t bucket = 0; bucket < page->axis.count && sums != rest; bucket++) {
            rest[bucket] -= sums[bucket];
        }
        count += has_any(page, &series[count]);
    }
    return count;
}

static struct chart_series ask_hooks(struct page *page) {
    const struct page_trend trend =
        page_ask_trend(page, page_query(page, ALOG_QUERY_TREND), ALOG_METRIC_HOOK_FAILURES);
    return (struct chart_series){ALOG_STR("Hooks that failed"), trend.values, trend.low,
                                 trend.high};
}

static void chart_hooks(struct page *page, const struct chart_series *hooks) {
    const struct chart chart = {
        "errors-hooks", "Share of hooks that failed over time",
        "A line of the share of hook runs that failed, skipped ones not counted, with its 95 % "
        "interval as a band. The figures are in the table below.",
        NUMBER_RATE};
    chart_lines(&page->html, &chart, &page->axis, hooks, 1, true);
}

void section_errors(struct page *page) {
    struct chart_series series[TYPE_COUNT];
    page_section(page, "errors", "Errors");
    const size_t count = sum_up(page, series);
    if (count == 0) {
        page_nothing(page, "No error was logged in this window.");
        page_section_end(page);
        return;
    }
    const struct chart_series hooks = ask_hooks(page);
    const struct chart chart = {
        "errors-trend", "Errors by type over time",
        "Stacked bars of how many errors of each type were logged. The figures are in the table "
        "below.",
        NUMBER_COUNT};
    html_raw(&page->html, "<div class=\"charts\">\n");
    chart_stacks(&page->html, &chart, &page->axis, series, count);
    chart_hooks(page, &hooks);
    html_raw(&page->html, "</div>\n");
    answer_table(page, page_ask_kind(page, ALOG_QUERY_ERROR_PATTERNS),
                 &(struct answer_table){.id = "errors-table",
                                        .caption = "Messages, numbers, paths and ids folded",
                                        .command = "stats error-patterns",
                                        .columns = columns});
    answer_series(page, "errors-days", "Errors over time", NUMBER_COUNT, series, count);
    answer_series(page, "errors-hooks-days", "Hooks that failed over time", NUMBER_RATE, &hooks, 1);
    page_section_end(page);
}
