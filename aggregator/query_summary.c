/* The daily summaries, a row per day and environment; and which environments there are. */
#include "query.h"

static const struct alog_column summary_columns[] = {
    {"day", ALOG_COLUMN_TEXT, "YYYY-MM-DD in the reporting time zone"},
    {"environment", ALOG_COLUMN_TEXT, "the environment"},
    {"total_jobs", ALOG_COLUMN_INTEGER, "jobs that belong to the day: those that started on it"},
    {"successful_jobs", ALOG_COLUMN_INTEGER, "of them, ended with success"},
    {"failed_jobs", ALOG_COLUMN_INTEGER, "of them, ended with failed"},
    {"cancelled_jobs", ALOG_COLUMN_INTEGER, "of them, ended with cancelled"},
    {"ended_jobs", ALOG_COLUMN_INTEGER, "of them, with a start and an end"},
    {"timed_jobs", ALOG_COLUMN_INTEGER, "of those, whose end is not before their start"},
    {"avg_job_duration_ms", ALOG_COLUMN_MS, "mean duration of those, NULL without any"},
    {"ai_jobs", ALOG_COLUMN_INTEGER, "jobs of the day that an AI agent took part in"},
    {"total_errors", ALOG_COLUMN_INTEGER, "error events"},
    {"hook_errors", ALOG_COLUMN_INTEGER, "of them, type hook"},
    {"test_errors", ALOG_COLUMN_INTEGER, "of them, type test"},
    {"lint_errors", ALOG_COLUMN_INTEGER, "of them, type lint"},
    {"type_errors", ALOG_COLUMN_INTEGER, "of them, type type_check"},
    {"total_ai_fixes", ALOG_COLUMN_INTEGER, "successful jobs that had an AI agent"},
    {"orchestrated_jobs", ALOG_COLUMN_INTEGER, "jobs with an orchestration_execution"},
    {"avg_orchestration_iterations", ALOG_COLUMN_REAL, "mean iterations of the orchestrations"},
    {"most_used_strategy", ALOG_COLUMN_TEXT, "the strategy selected most often"},
    {"most_effective_strategy", ALOG_COLUMN_TEXT,
     "the strategy with the best mean score, of those with at least 5 scores"},
    {"agent_executions", ALOG_COLUMN_INTEGER, "agent_execution events"},
    {"agent_successes", ALOG_COLUMN_INTEGER, "of them, successful"},
    ALOG_RATE_COLUMNS("agent_success_rate", "agent_successes / agent_executions"),
    {"provider_calls", ALOG_COLUMN_INTEGER, "provider_performance events"},
    {"provider_successes", ALOG_COLUMN_INTEGER, "of them, successful"},
    {"provider_not_cancelled", ALOG_COLUMN_INTEGER, "of them, not cancelled: n of availability"},
    ALOG_RATE_COLUMNS("provider_availability", "calls that got to run / calls not cancelled"),
    {"provider_p50_ms", ALOG_COLUMN_MS, "median latency of successful calls"},
    {"provider_p90_ms", ALOG_COLUMN_MS, "90th percentile of it"},
    {"provider_p95_ms", ALOG_COLUMN_MS, "95th percentile of it"},
    {"provider_p99_ms", ALOG_COLUMN_MS, "99th percentile of it"},
    {"input_tokens", ALOG_COLUMN_INTEGER, "sum over provider calls"},
    {"output_tokens", ALOG_COLUMN_INTEGER, "sum over provider calls"},
    {"cost_usd", ALOG_COLUMN_USD, "sum over provider calls"},
    {"hook_runs", ALOG_COLUMN_INTEGER, "hook_execution events"},
    {"hook_failures", ALOG_COLUMN_INTEGER, "of them, failed"},
    {"tests_run", ALOG_COLUMN_INTEGER, "individual tests that ran (skipped ones not)"},
    {"tests_failed", ALOG_COLUMN_INTEGER, "of them, failed or in error"},
    {"events", ALOG_COLUMN_INTEGER, "all events, the writers' own not"},
    {"events_lost", ALOG_COLUMN_INTEGER, "known to be missing"},
};

/* With a limit, the latest days stay. */
/* clang-format off */
static const char summary_sql[] =
    "SELECT day, environment, total_jobs, successful_jobs, failed_jobs, cancelled_jobs, ended_jobs,"
    " timed_jobs, avg_job_duration_ms, ai_jobs, total_errors, hook_errors, test_errors, lint_errors, type_errors,"
    " total_ai_fixes, orchestrated_jobs, avg_orchestration_iterations, most_used_strategy,"
    " most_effective_strategy, agent_executions, agent_successes,"
      ALOG_QUERY_RATE("agent_successes", "agent_executions") ","
    " provider_calls, provider_successes, not_cancelled,"
      ALOG_QUERY_RATE("available", "not_cancelled") ","
    " provider_p50_ms, provider_p90_ms, provider_p95_ms, provider_p99_ms,"
    " input_tokens, output_tokens, cost_usd, hook_runs, hook_failures, tests_run, tests_failed,"
    " events, events_lost"
    " FROM (SELECT * FROM daily_summary WHERE" ALOG_QUERY_ENVIRONMENTS
    "   AND day_epoch >= :since_day AND day_epoch < :until_day"
    "   ORDER BY day_epoch DESC, environment LIMIT :limit)"
    " LEFT JOIN (SELECT day_epoch, environment, SUM(calls - cancelled) AS not_cancelled,"
    "   SUM(calls - cancelled - availability_failures) AS available"
    "   FROM daily_providers WHERE day_epoch >= :since_day AND day_epoch < :until_day"
    "   GROUP BY day_epoch, environment) USING (day_epoch, environment)"
    " ORDER BY day_epoch, environment";
/* clang-format on */

const struct alog_query_form alog_query_summary = ALOG_QUERY_FORM(summary_sql, summary_columns);

static const struct alog_column known_environments_columns[] = {
    {"environment", ALOG_COLUMN_TEXT, "the environment"},
};

static const char known_environments_sql[] =
    "SELECT environment FROM v_environments WHERE :environment IN ('*', environment)"
    " ORDER BY environment LIMIT :limit";

const struct alog_query_form alog_query_known_environments =
    ALOG_QUERY_FORM(known_environments_sql, known_environments_columns);
