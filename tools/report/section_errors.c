/* Errors by type over time, and the messages that come most. */
#include <math.h>

#include "report/answer_table.h"
#include "table_cells.h"

static const struct answer_column columns[] = {{"pattern", "Message"},
                                               {"error_type", "Type"},
                                               {"error_category", "Category"},
                                               {"errors", "Errors"},
                                               {"share", "Share"},
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

/* Sums by bucket. False when there is no error at all. */
static bool sum_up(struct page *page, double *sums[TYPE_COUNT]) {
    const struct alog_table *days = page_ask_kind(page, ALOG_QUERY_SUMMARY);
    bool found = false;
    for (size_t row = 0; row < days->row_count; row++) {
        int64_t day;
        size_t bucket;
        const struct alog_string text = table_text(days, row, "day");
        if (!day_parse(text.data, text.len, &day) || !time_axis_bucket(&page->axis, day, &bucket)) {
            continue;
        }
        double rest = table_number(days, row, "total_errors");
        found = found || rest > 0;
        for (size_t i = 0; i + 1 < TYPE_COUNT; i++) {
            const double errors = table_number(days, row, types[i].column);
            sums[i][bucket] += errors;
            rest -= errors;
        }
        sums[TYPE_COUNT - 1][bucket] += rest;
    }
    return found;
}

void section_errors(struct page *page) {
    double *sums[TYPE_COUNT];
    struct chart_series series[TYPE_COUNT];
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        sums[i] = page_buckets(page, 0);
        series[i] = (struct chart_series){alog_str(types[i].name), sums[i], NULL, NULL};
    }
    page_section(page, "errors", "Errors");
    if (!sum_up(page, sums)) {
        page_nothing(page, "No error was logged in this window.");
        page_section_end(page);
        return;
    }
    const struct chart chart = {
        "errors-trend", "Errors by type over time",
        "Stacked bars of how many errors of each type were logged. The figures are in the table "
        "below.",
        NUMBER_COUNT};
    html_raw(&page->html, "<div class=\"charts\">\n");
    chart_stacks(&page->html, &chart, &page->axis, series, TYPE_COUNT);
    html_raw(&page->html, "</div>\n");
    answer_table(page, page_ask_kind(page, ALOG_QUERY_ERROR_PATTERNS),
                 &(struct answer_table){.id = "errors-table",
                                        .caption = "Messages, numbers, paths and ids folded",
                                        .command = "stats error-patterns",
                                        .columns = columns});
    answer_series(page, "errors-days", "Errors over time", NUMBER_COUNT, series, TYPE_COUNT);
    page_section_end(page);
}
