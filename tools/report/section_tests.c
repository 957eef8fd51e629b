/* Tests that fail, and those that cannot make up their mind. */
#include <math.h>

#include "report/answer_table.h"
#include "table_cells.h"

#define CHARTED 5

static const struct answer_column columns[] = {{"test_id", "Test"},
                                               {"runs", "Runs"},
                                               {"passed", "Passed"},
                                               {"failed", "Failed"},
                                               {"errors", "Errors"},
                                               {"failure_rate", "Failure rate"},
                                               {"failure_rate_low", "95&nbsp;% interval"},
                                               {"flaky", "Flaky"},
                                               {"avg_execution_time_ms", "Mean time"},
                                               {NULL, NULL}};

/* "tests/test_a.py::test_b" is shown as test_b, and below it where. */
static struct chart_rate rate_of(const struct alog_table *table, size_t row) {
    struct alog_string name = table_text(table, row, "test_id");
    struct alog_string where = {"", 0};
    for (size_t i = name.len; i-- > 1;) {
        if (name.data[i] == ':' && name.data[i - 1] == ':' && i + 1 < name.len) {
            where = (struct alog_string){name.data, i - 1};
            name = (struct alog_string){name.data + i + 1, name.len - i - 1};
            break;
        }
    }
    return (struct chart_rate){.name = name,
                               .detail = where,
                               .rate = table_number(table, row, "failure_rate"),
                               .low = table_number(table, row, "failure_rate_low"),
                               .high = table_number(table, row, "failure_rate_high"),
                               .count = table_number(table, row, "runs")};
}

static void chart_failing(struct page *page, const struct alog_table *failing) {
    struct chart_rate rates[CHARTED];
    const size_t count = failing->row_count < CHARTED ? failing->row_count : CHARTED;
    for (size_t i = 0; i < count; i++) {
        rates[i] = rate_of(failing, i);
    }
    const struct chart chart = {
        "tests-rates", "Failure rates of the tests that failed most",
        "A point for each test, those with most failures first: the share of its runs that failed, "
        "with its 95 % interval. The figures are in the table below.",
        NUMBER_RATE};
    chart_rates(&page->html, &chart, rates, count);
}

/* The rows that are of interest come first: of how many `name` is above zero. */
static struct alog_table first_rows(const struct alog_table *table, const char *name,
                                    const char *or_name) {
    struct alog_table rows = *table;
    rows.row_count = 0;
    while (rows.row_count < table->row_count &&
           (table_number(table, rows.row_count, name) > 0 ||
            (or_name != NULL && table_number(table, rows.row_count, or_name) > 0))) {
        rows.row_count++;
    }
    return rows;
}

static const struct alog_table *ask_sorted(struct page *page, enum alog_test_sort sort) {
    struct alog_query query = page_query(page, ALOG_QUERY_TESTS);
    query.sort = sort;
    return page_ask(page, &query);
}

void section_tests(struct page *page) {
    const struct alog_table *all = ask_sorted(page, ALOG_SORT_FAILING);
    page_section(page, "tests", "Tests");
    if (all->row_count == 0) {
        page_nothing(page, "No single test was logged in this window.");
        page_section_end(page);
        return;
    }
    const struct alog_table failing = first_rows(all, "failed", "errors");
    const struct alog_table flaky = first_rows(ask_sorted(page, ALOG_SORT_FLAKY), "flaky", NULL);
    const struct page_trend trend =
        page_ask_trend(page, page_query(page, ALOG_QUERY_TREND), ALOG_METRIC_TEST_FAILURES);
    const struct chart_series series = {ALOG_STR("Failures"), trend.values, trend.low, trend.high};
    const struct chart chart = {
        "tests-trend", "Share of tests that failed over time",
        "A line of the share of single tests that failed or ended in an error, with its 95 % "
        "interval as a band. The figures are in the table below.",
        NUMBER_RATE};
    html_raw(&page->html, "<div class=\"charts\">\n");
    chart_lines(&page->html, &chart, &page->axis, &series, 1, true);
    chart_failing(page, &failing);
    html_raw(&page->html, "</div>\n");
    if (failing.row_count > 0) {
        answer_table(page, &failing,
                     &(struct answer_table){.id = "tests-failing",
                                            .caption = "Failing tests, most failures first",
                                            .command = "stats tests",
                                            .columns = columns});
    } else {
        page_nothing(page, "No test failed.");
    }
    if (flaky.row_count > 0) {
        answer_table(page, &flaky,
                     &(struct answer_table){.id = "tests-flaky",
                                            .caption = "Flaky tests: they both passed and failed",
                                            .command = "stats tests --sort flaky",
                                            .columns = columns,
                                            .folded = true});
    }
    answer_series(page, "tests-days", "Failures over time", NUMBER_RATE, &series, 1);
    page_section_end(page);
}
