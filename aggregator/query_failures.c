/* What went wrong: errors by type and category, and the tests that fail or waver. */
#include "query.h"

static const struct alog_column errors_columns[] = {
    {"error_type", ALOG_COLUMN_TEXT, "hook, test, lint, type_check, …"},
    {"error_category", ALOG_COLUMN_TEXT, "a finer class; empty = not said"},
    {"errors", ALOG_COLUMN_INTEGER, "error events"},
    {"share", ALOG_COLUMN_RATE, "of all errors in the window"},
    {"first_seen", ALOG_COLUMN_TIME, "the earliest of them"},
    {"last_seen", ALOG_COLUMN_TIME, "the latest of them"},
    {"sample", ALOG_COLUMN_TEXT, "message of the earliest"},
};

/* The inner window ranks hours by their first error, so the sample is the earliest's. */
/* clang-format off */
static const char errors_sql[] =
    "SELECT error_type, error_category, errors, errors * 1.0 / SUM(errors) OVER (),"
    " first_ns, last_ns, sample"
    " FROM (SELECT error_type, error_category, SUM(errors) AS errors,"
    "   MIN(first_ns) AS first_ns, MAX(last_ns) AS last_ns,"
    "   MAX(sample) FILTER (WHERE place = 1) AS sample"
    "   FROM (SELECT error_type, error_category, errors, first_ns, last_ns, sample,"
    "     ROW_NUMBER() OVER (PARTITION BY error_type, error_category"
    "                        ORDER BY first_ns, sample) AS place"
    "     FROM rollup_errors" ALOG_QUERY_WINDOW ")"
    "   GROUP BY error_type, error_category)"
    " ORDER BY errors DESC, error_type, error_category LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_errors = ALOG_QUERY_FORM(errors_sql, errors_columns);

static const struct alog_column tests_columns[] = {
    {"test_id", ALOG_COLUMN_TEXT, "the test"},
    {"runs", ALOG_COLUMN_INTEGER, "runs, skipped ones not: n"},
    {"passed", ALOG_COLUMN_INTEGER, "of them, passed"},
    {"failed", ALOG_COLUMN_INTEGER, "of them, failed"},
    {"errors", ALOG_COLUMN_INTEGER, "of them, ended in an error"},
    {"skipped", ALOG_COLUMN_INTEGER, "besides, skipped"},
    ALOG_RATE_COLUMNS("failure_rate", "(failed + errors) / runs"),
    {"flaky", ALOG_COLUMN_BOOL, "both passed and failed in the window"},
    {"avg_execution_time_ms", ALOG_COLUMN_MS, "mean time, NULL without any"},
    {"max_execution_time_ms", ALOG_COLUMN_MS, "longest time, NULL without any"},
};

/* clang-format off */
static const char tests_sql[] =
    "SELECT test_id, runs, passed, failed, errors, skipped,"
      ALOG_QUERY_RATE("failed + errors", "runs") ","
    " passed > 0 AND failed + errors > 0 AS flaky,"
      ALOG_QUERY_MEAN_MS("time_us", "time_count") ","
    " CASE WHEN time_count > 0 THEN longest_us / 1000.0 END"
    " FROM (SELECT test_id, SUM(passed + failed + errors) AS runs, SUM(passed) AS passed,"
    "   SUM(failed) AS failed, SUM(errors) AS errors, SUM(skipped) AS skipped,"
    "   SUM(execution_time_count) AS time_count, SUM(execution_time_us_sum) AS time_us,"
    "   MAX(execution_time_us_max) AS longest_us"
    "   FROM rollup_tests" ALOG_QUERY_WINDOW
    "   GROUP BY test_id)"
    " ORDER BY failed + errors DESC, flaky DESC, runs DESC, test_id LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_tests = ALOG_QUERY_FORM(tests_sql, tests_columns);
