/* Everything so far, or in a window of days, in one row per environment. */
#include "query.h"

static const struct alog_column all_time_columns[] = {
    {"environment", ALOG_COLUMN_TEXT, "the environment"},
    {"first_day", ALOG_COLUMN_TEXT, "first day with any events, YYYY-MM-DD"},
    {"last_day", ALOG_COLUMN_TEXT, "last day with any events"},
    {"days", ALOG_COLUMN_INTEGER, "days with any events"},
    {"total_jobs", ALOG_COLUMN_INTEGER, "jobs"},
    {"successful_jobs", ALOG_COLUMN_INTEGER, "of them, ended with success"},
    {"failed_jobs", ALOG_COLUMN_INTEGER, "of them, ended with failed"},
    {"cancelled_jobs", ALOG_COLUMN_INTEGER, "of them, ended with cancelled"},
    {"finished_jobs", ALOG_COLUMN_INTEGER, "those three together: n of job_success_rate"},
    ALOG_RATE_COLUMNS("job_success_rate", "successful_jobs / finished_jobs"),
    {"ai_jobs", ALOG_COLUMN_INTEGER, "jobs that an AI agent took part in"},
    ALOG_RATE_COLUMNS("ai_share", "ai_jobs / total_jobs"),
    {"total_ai_fixes", ALOG_COLUMN_INTEGER, "successful jobs that had an AI agent"},
    {"timed_jobs", ALOG_COLUMN_INTEGER, "jobs whose end is not before their start"},
    {"avg_job_duration_ms", ALOG_COLUMN_MS, "mean duration of those, NULL without any"},
    {"avg_iterations", ALOG_COLUMN_REAL, "mean rounds of jobs that said, NULL when none did"},
    {"total_errors", ALOG_COLUMN_INTEGER, "error events"},
    {"hook_errors", ALOG_COLUMN_INTEGER, "of them, type hook"},
    {"test_errors", ALOG_COLUMN_INTEGER, "of them, type test"},
    {"lint_errors", ALOG_COLUMN_INTEGER, "of them, type lint"},
    {"type_errors", ALOG_COLUMN_INTEGER, "of them, type type_check"},
    {"most_common_error", ALOG_COLUMN_TEXT,
     "type and category with most errors; on a tie the first by name; NULL without any"},
    {"most_common_error_count", ALOG_COLUMN_INTEGER, "how many of those; the rest: ERRORS"},
    {"agent_executions", ALOG_COLUMN_INTEGER, "agent_execution events: n"},
    {"agent_successes", ALOG_COLUMN_INTEGER, "of them, successful"},
    ALOG_RATE_COLUMNS("agent_success_rate", "agent_successes / agent_executions"),
    {"provider_calls", ALOG_COLUMN_INTEGER, "provider_performance events"},
    {"provider_not_cancelled", ALOG_COLUMN_INTEGER, "of them, not cancelled: n of availability"},
    ALOG_RATE_COLUMNS("provider_availability", "calls that got to run / calls not cancelled"),
    {"provider_p50_ms", ALOG_COLUMN_MS, "median latency of successful calls, NULL without any"},
    {"provider_p95_ms", ALOG_COLUMN_MS, "95th percentile of it"},
    {"input_tokens", ALOG_COLUMN_INTEGER, "sum over provider calls"},
    {"output_tokens", ALOG_COLUMN_INTEGER, "sum over provider calls"},
    {"cost_usd", ALOG_COLUMN_USD, "sum over provider calls, NULL when none said"},
    {"orchestrated_jobs", ALOG_COLUMN_INTEGER, "jobs with an orchestration_execution"},
    {"hook_runs", ALOG_COLUMN_INTEGER, "hook_execution events"},
    {"hook_failures", ALOG_COLUMN_INTEGER, "of them, failed"},
    {"tests_run", ALOG_COLUMN_INTEGER, "individual tests that ran (skipped ones not): n"},
    {"tests_failed", ALOG_COLUMN_INTEGER, "of them, failed or in error"},
    ALOG_RATE_COLUMNS("test_failure_rate", "tests_failed / tests_run"),
    {"events", ALOG_COLUMN_INTEGER, "all events, the writers' own not"},
    {"events_lost", ALOG_COLUMN_INTEGER, "known to be missing"},
};

#define DAYS                                                                                       \
    " WHERE" ALOG_QUERY_ENVIRONMENTS " AND day_epoch >= :since_day AND day_epoch < :until_day"

/* clang-format off */
static const char all_time_sql[] =
    "WITH s AS (SELECT environment, MIN(day) AS first_day, MAX(day) AS last_day, COUNT(*) AS days,"
    "   SUM(total_jobs) AS jobs, SUM(successful_jobs) AS successful, SUM(failed_jobs) AS failed,"
    "   SUM(cancelled_jobs) AS cancelled_jobs, SUM(ai_jobs) AS ai_jobs,"
    "   SUM(total_ai_fixes) AS fixes, SUM(timed_jobs) AS timed, SUM(job_duration_us_sum) AS us,"
    "   SUM(job_iterations_sum) AS iterations, SUM(job_iterations_count) AS iterations_n,"
    "   SUM(total_errors) AS errors, SUM(hook_errors) AS hook_errors,"
    "   SUM(test_errors) AS test_errors, SUM(lint_errors) AS lint_errors,"
    "   SUM(type_errors) AS type_errors, SUM(agent_executions) AS executions,"
    "   SUM(agent_successes) AS successes, SUM(provider_calls) AS calls,"
    "   SUM(input_tokens) AS sent, SUM(output_tokens) AS received, SUM(cost_nusd) AS nusd,"
    "   COUNT(cost_usd) AS costs, SUM(orchestrated_jobs) AS orchestrated,"
    "   SUM(hook_runs) AS hook_runs, SUM(hook_failures) AS hook_failures,"
    "   SUM(tests_run) AS tests, SUM(tests_failed) AS tests_failed, SUM(events) AS events,"
    "   SUM(events_lost) AS lost FROM daily_summary" DAYS " GROUP BY environment),"
    " p AS (SELECT environment, SUM(calls - cancelled) AS not_cancelled,"
    "   SUM(calls - cancelled - availability_failures) AS ran FROM daily_providers" DAYS
    "   GROUP BY environment),"
    " l AS (SELECT environment, sketch_merge(success_latency_hist) AS latency"
    "   FROM {rollup_providers: environment, success_latency_hist} GROUP BY environment),"
    " e AS (SELECT environment, error_type || CASE error_category WHEN '' THEN '' ELSE ' ' END"
    "     || error_category AS name, SUM(errors) AS n, ROW_NUMBER() OVER (PARTITION BY environment"
    "     ORDER BY SUM(errors) DESC, error_type, error_category) AS place"
    "   FROM daily_errors" DAYS " GROUP BY environment, error_type, error_category)"
    " SELECT environment, first_day, last_day, days, jobs, successful, failed, cancelled_jobs,"
    " successful + failed + cancelled_jobs,"
      ALOG_QUERY_RATE("successful", "(successful + failed + cancelled_jobs)") ","
    " ai_jobs," ALOG_QUERY_RATE("ai_jobs", "jobs") ", fixes, timed,"
      ALOG_QUERY_MEAN_MS("us", "timed") ", iterations * 1.0 / NULLIF(iterations_n, 0),"
    " errors, hook_errors, test_errors, lint_errors, type_errors, e.name, e.n,"
    " executions, successes," ALOG_QUERY_RATE("successes", "executions") ","
    " calls, COALESCE(not_cancelled, 0)," ALOG_QUERY_RATE("ran", "not_cancelled") ","
    " sketch_quantile_ms(latency, 0.5), sketch_quantile_ms(latency, 0.95),"
    " sent, received," ALOG_QUERY_USD("nusd", "costs") ", orchestrated, hook_runs, hook_failures,"
    " tests, tests_failed," ALOG_QUERY_RATE("tests_failed", "tests") ", events, lost"
    " FROM s LEFT JOIN p USING (environment) LEFT JOIN l USING (environment)"
    " LEFT JOIN e USING (environment)"
    " WHERE place IS NULL OR place = 1 ORDER BY environment LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_all_time = ALOG_QUERY_FORM(all_time_sql, all_time_columns);
