/* What went wrong: errors by type and category, and the tests that fail or waver. */
#include "query.h"

static const struct alog_column errors_columns[] = {
    {"error_type", ALOG_COLUMN_TEXT, "hook, test, lint, type_check, …"},
    {"error_category", ALOG_COLUMN_TEXT, "a finer class; empty = not said"},
    {"errors", ALOG_COLUMN_INTEGER, "error events"},
    ALOG_SHARE_COLUMNS("errors", "all errors in the window"),
    {"first_seen", ALOG_COLUMN_TIME, "the earliest of them"},
    {"last_seen", ALOG_COLUMN_TIME, "the latest of them"},
    {"sample", ALOG_COLUMN_TEXT, "message of the earliest"},
};

/* clang-format off */
static const char errors_sql[] =
    "SELECT error_type, error_category, errors," ALOG_QUERY_SHARE("errors", "") ","
    " first_ns, last_ns, sample"
    " FROM (SELECT error_type, error_category, SUM(errors) AS errors,"
    "   MIN(first_ns) AS first_ns, MAX(last_ns) AS last_ns,"
    "   earliest_text(first_ns, sample) AS sample"
    "   FROM {rollup_errors: error_type, error_category, errors, first_ns, last_ns, sample}"
    "   GROUP BY error_type, error_category)"
    " ORDER BY errors DESC, error_type, error_category LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_errors = ALOG_QUERY_FORM(errors_sql, errors_columns);

static const struct alog_column error_patterns_columns[] = {
    {"error_type", ALOG_COLUMN_TEXT, "hook, test, lint, type_check, …"},
    {"error_category", ALOG_COLUMN_TEXT, "a finer class; empty = not said"},
    {"pattern", ALOG_COLUMN_TEXT,
     "the message's first line, numbers, paths and ids folded to <n>, <path> and <id>"},
    {"errors", ALOG_COLUMN_INTEGER, "error events"},
    ALOG_SHARE_COLUMNS("errors", "all errors in the window"),
    {"first_seen", ALOG_COLUMN_TIME, "the earliest of them"},
    {"last_seen", ALOG_COLUMN_TIME, "the latest of them"},
    {"sample", ALOG_COLUMN_TEXT, "message of the earliest"},
};

/* clang-format off */
static const char error_patterns_sql[] =
    "SELECT error_type, error_category, pattern, errors," ALOG_QUERY_SHARE("errors", "") ","
    " first_ns, last_ns, sample"
    " FROM (SELECT error_type, error_category, pattern, SUM(errors) AS errors,"
    "   MIN(first_ns) AS first_ns, MAX(last_ns) AS last_ns,"
    "   earliest_text(first_ns, sample) AS sample"
    "   FROM {rollup_errors: error_type, error_category, pattern, errors, first_ns, last_ns, sample}"
    "   GROUP BY error_type, error_category, pattern)"
    " ORDER BY errors DESC, error_type, error_category, pattern LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_error_patterns =
    ALOG_QUERY_FORM(error_patterns_sql, error_patterns_columns);

static const struct alog_column hooks_columns[] = {
    {"hook_name", ALOG_COLUMN_TEXT, "the hook"},
    {"hook_type", ALOG_COLUMN_TEXT, "its kind; empty = not said"},
    {"runs", ALOG_COLUMN_INTEGER, "runs, skipped ones not: n"},
    {"successes", ALOG_COLUMN_INTEGER, "of them, successful"},
    {"failures", ALOG_COLUMN_INTEGER, "of them, failed"},
    {"skips", ALOG_COLUMN_INTEGER, "besides, skipped"},
    ALOG_RATE_COLUMNS("failure_rate", "failures / runs"),
    {"total_execution_time_ms", ALOG_COLUMN_MS, "sum of times, NULL without any"},
    {"avg_execution_time_ms", ALOG_COLUMN_MS, "mean time, NULL without any"},
    {"execution_time_p50_ms", ALOG_COLUMN_MS, "median time"},
    {"execution_time_p95_ms", ALOG_COLUMN_MS, "95th percentile of it"},
};

/* clang-format off */
static const char hooks_sql[] =
    "SELECT hook_name, hook_type, runs, successes, failures, skips,"
      ALOG_QUERY_RATE("failures", "runs") ","
    " CASE WHEN time_count > 0 THEN time_us / 1000.0 END,"
      ALOG_QUERY_MEAN_MS("time_us", "time_count") ","
    " sketch_quantile_ms(times, 0.5), sketch_quantile_ms(times, 0.95)"
    " FROM (SELECT hook_name, hook_type, SUM(runs - skips) AS runs, SUM(successes) AS successes,"
    "   SUM(failures) AS failures, SUM(skips) AS skips, SUM(execution_time_count) AS time_count,"
    "   SUM(execution_time_us_sum) AS time_us, sketch_merge(time_hist) AS times"
    "   FROM {rollup_hooks: hook_name, hook_type, runs, successes, failures, skips,"
    "     execution_time_count, execution_time_us_sum, time_hist}"
    "   GROUP BY hook_name, hook_type)"
    " ORDER BY failures DESC, runs DESC, hook_name, hook_type LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_hooks = ALOG_QUERY_FORM(hooks_sql, hooks_columns);

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
    "   FROM {rollup_tests: test_id, passed, failed, errors, skipped, execution_time_count,"
    "     execution_time_us_sum, execution_time_us_max}"
    "   GROUP BY test_id)"
    " ORDER BY CASE :sort WHEN 2 THEN time_us * 1.0 / NULLIF(time_count, 0)"
    "                     WHEN 1 THEN MIN(passed, failed + errors) END DESC,"
    " failed + errors DESC, flaky DESC, runs DESC, test_id LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_tests = ALOG_QUERY_FORM(tests_sql, tests_columns);
