/* One job: its facts, its agents, its providers, its errors. */
#include "query.h"

#define OF_THE_JOB " WHERE" ALOG_QUERY_ENVIRONMENTS " AND job_id = :job_id"

static const struct alog_column job_columns[] = {
    {"environment", ALOG_COLUMN_TEXT, "the job's environment"},
    {"job_id", ALOG_COLUMN_TEXT, "the job"},
    {"day", ALOG_COLUMN_TEXT, "the day that it belongs to, in the reporting time zone"},
    {"status", ALOG_COLUMN_TEXT, "how it ended; NULL = no end was seen"},
    {"ai_agent", ALOG_COLUMN_BOOL, "an AI agent took part; NULL = not said"},
    {"start", ALOG_COLUMN_TIME, "its job_start; NULL = none was seen"},
    {"end", ALOG_COLUMN_TIME, "its job_end; NULL = none was seen"},
    {"duration_ms", ALOG_COLUMN_MS, "from start to end; NULL when the clock was set back between"},
    {"iterations", ALOG_COLUMN_INTEGER, "rounds that it took, as its end says"},
    {"error_message", ALOG_COLUMN_TEXT, "why it failed, as its end says"},
    {"events", ALOG_COLUMN_INTEGER, "all its events"},
    {"first_seen", ALOG_COLUMN_TIME, "its earliest event"},
    {"last_seen", ALOG_COLUMN_TIME, "its latest event"},
    {"agent_executions", ALOG_COLUMN_INTEGER, "what its agents did: n"},
    {"agent_successes", ALOG_COLUMN_INTEGER, "of them, successful"},
    ALOG_RATE_COLUMNS("agent_success_rate", "agent_successes / agent_executions"),
    {"provider_calls", ALOG_COLUMN_INTEGER, "its provider calls: n"},
    {"provider_successes", ALOG_COLUMN_INTEGER, "of them, successful"},
    ALOG_RATE_COLUMNS("provider_success_rate", "provider_successes / provider_calls"),
    {"input_tokens", ALOG_COLUMN_INTEGER, "tokens sent"},
    {"output_tokens", ALOG_COLUMN_INTEGER, "tokens received"},
    {"cost_usd", ALOG_COLUMN_USD, "sum of what its calls said they cost, NULL when none did"},
    {"decisions", ALOG_COLUMN_INTEGER, "strategy decisions"},
    {"orchestrations", ALOG_COLUMN_INTEGER, "orchestrated runs"},
    {"orchestration_iterations", ALOG_COLUMN_INTEGER, "sum of their iterations"},
    {"strategy_switches", ALOG_COLUMN_INTEGER, "sum of their changes of strategy"},
    {"orchestration_time_ms", ALOG_COLUMN_MS, "sum of their times"},
    {"hooks_time_ms", ALOG_COLUMN_MS, "of it, hooks"},
    {"tests_time_ms", ALOG_COLUMN_MS, "of it, tests"},
    {"ai_time_ms", ALOG_COLUMN_MS, "of it, AI analysis"},
    {"hook_runs", ALOG_COLUMN_INTEGER, "hooks run"},
    {"hook_failures", ALOG_COLUMN_INTEGER, "of them, failed"},
    {"tests_run", ALOG_COLUMN_INTEGER, "individual tests"},
    {"tests_failed", ALOG_COLUMN_INTEGER, "of them, failed or in error"},
    {"errors", ALOG_COLUMN_INTEGER, "error events"},
    {"metadata", ALOG_COLUMN_TEXT, "what its start says of it, JSON text"},
    {"start_event_id", ALOG_COLUMN_TEXT, "that job_start"},
    {"end_event_id", ALOG_COLUMN_TEXT, "that job_end"},
};

/* clang-format off */
static const char job_sql[] =
    "SELECT environment, job_id,"
    " strftime('%Y-%m-%d', day_epoch + COALESCE((SELECT CAST(value AS INTEGER) FROM settings"
    "   WHERE name = 'time_zone_offset_s'), 0), 'unixepoch'),"
    " status, ai_agent, start_ns, end_ns, CASE WHEN end_ns >= start_ns THEN (end_ns - start_ns) / 1e6 END, iterations, error_message,"
    " events, first_ns, last_ns, agent_executions, agent_successes,"
      ALOG_QUERY_RATE("agent_successes", "agent_executions") ","
    " provider_calls, provider_successes,"
      ALOG_QUERY_RATE("provider_successes", "provider_calls") ","
    " input_tokens, output_tokens, CASE WHEN cost_count > 0 THEN cost_nusd / 1e9 END,"
    " decisions, orchestrations, orchestration_iterations, strategy_switches,"
    " orchestration_time_us / 1000.0, hooks_time_us / 1000.0, tests_time_us / 1000.0,"
    " ai_time_us / 1000.0, hook_runs, hook_failures,"
    " tests_run, tests_failed, errors, metadata, start_event_id, end_event_id"
    " FROM jobs" OF_THE_JOB
    " ORDER BY environment LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_job = ALOG_QUERY_FORM(job_sql, job_columns);

static const struct alog_column job_agents_columns[] = {
    {"environment", ALOG_COLUMN_TEXT, "the job's environment"},
    {"agent_name", ALOG_COLUMN_TEXT, "the agent"},
    {"issue_type", ALOG_COLUMN_TEXT, "what it worked on; empty = not said"},
    {"provider_id", ALOG_COLUMN_TEXT, "with which provider; empty = not said"},
    {"model", ALOG_COLUMN_TEXT, "and which model; empty = not said"},
    {"attempts", ALOG_COLUMN_INTEGER, "agent_execution events: n"},
    {"successes", ALOG_COLUMN_INTEGER, "of them, successful"},
    ALOG_RATE_COLUMNS("success_rate", "successes / attempts"),
    {"confidence_avg", ALOG_COLUMN_RATE, "mean confidence, NULL without any"},
    {"total_execution_time_ms", ALOG_COLUMN_MS, "sum of times, NULL without any"},
    {"avg_execution_time_ms", ALOG_COLUMN_MS, "mean time, NULL without any"},
    {"failed_time_ms", ALOG_COLUMN_MS, "time of the failed attempts, NULL when none said"},
    {"ended_well", ALOG_COLUMN_BOOL, "the last attempt was successful"},
    {"fixes_applied", ALOG_COLUMN_INTEGER, "sum of fixes applied"},
    {"first_seen", ALOG_COLUMN_TIME, "the first attempt"},
    {"last_seen", ALOG_COLUMN_TIME, "the last attempt"},
};

/* In the order in which things happened. */
/* clang-format off */
static const char job_agents_sql[] =
    "SELECT environment, agent_name, issue_type, provider_id, model, executions, successes,"
      ALOG_QUERY_RATE("successes", "executions") ","
    " confidence_e6_sum / (1e6 * NULLIF(confidence_count, 0)),"
    " CASE WHEN execution_time_count > 0 THEN execution_time_us_sum / 1000.0 END,"
      ALOG_QUERY_MEAN_MS("execution_time_us_sum", "execution_time_count") ","
    " CASE WHEN execution_time_count > 0 THEN failure_time_us_sum / 1000.0 END,"
    " last_success_ns = last_ns, fixes_applied_sum, first_ns, last_ns"
    " FROM job_agents" OF_THE_JOB
    " ORDER BY first_ns, agent_name, issue_type, provider_id, model, environment LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_job_agents =
    ALOG_QUERY_FORM(job_agents_sql, job_agents_columns);

static const struct alog_column job_providers_columns[] = {
    {"environment", ALOG_COLUMN_TEXT, "the job's environment"},
    {"provider_id", ALOG_COLUMN_TEXT, "the provider"},
    {"model", ALOG_COLUMN_TEXT, "the model; empty = not said"},
    {"agent_name", ALOG_COLUMN_TEXT, "the agent that called; empty = not said"},
    {"calls", ALOG_COLUMN_INTEGER, "provider_performance events: n"},
    {"successes", ALOG_COLUMN_INTEGER, "of them, successful"},
    {"availability_failures", ALOG_COLUMN_INTEGER, "failed: never got to run"},
    {"execution_failures", ALOG_COLUMN_INTEGER, "failed: ran and gave a bad result"},
    {"cancelled", ALOG_COLUMN_INTEGER, "failed: cancelled"},
    ALOG_RATE_COLUMNS("success_rate", "successes / calls"),
    {"avg_latency_ms", ALOG_COLUMN_MS, "mean latency, NULL without any"},
    {"total_latency_ms", ALOG_COLUMN_MS, "sum of latencies, NULL without any"},
    {"failed_latency_ms", ALOG_COLUMN_MS, "of it, failed calls'"},
    {"retries", ALOG_COLUMN_INTEGER, "sum of retry counts"},
    {"fallbacks", ALOG_COLUMN_INTEGER, "calls made in place of another provider's"},
    {"input_tokens", ALOG_COLUMN_INTEGER, "tokens sent"},
    {"output_tokens", ALOG_COLUMN_INTEGER, "tokens received"},
    {"cost_usd", ALOG_COLUMN_USD, "sum of what the calls said they cost, NULL when none did"},
    {"first_seen", ALOG_COLUMN_TIME, "the first call"},
    {"last_seen", ALOG_COLUMN_TIME, "the last call"},
};

/* clang-format off */
static const char job_providers_sql[] =
    "SELECT environment, provider_id, model, agent_name, calls, successes,"
    " availability_failures, execution_failures, cancelled,"
      ALOG_QUERY_RATE("successes", "calls") ","
      ALOG_QUERY_MEAN_MS("latency_us_sum", "latency_count") ","
    " CASE WHEN latency_count > 0 THEN latency_us_sum / 1000.0 END,"
    " CASE WHEN latency_count > 0 THEN failure_latency_us_sum / 1000.0 END,"
    " retry_count_sum, fallbacks, input_tokens_sum, output_tokens_sum,"
    " CASE WHEN cost_count > 0 THEN cost_nusd_sum / 1e9 END,"
    " first_ns, last_ns"
    " FROM job_providers" OF_THE_JOB
    " ORDER BY first_ns, provider_id, model, agent_name, environment LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_job_providers =
    ALOG_QUERY_FORM(job_providers_sql, job_providers_columns);

static const struct alog_column job_errors_columns[] = {
    {"environment", ALOG_COLUMN_TEXT, "the job's environment"},
    {"error_type", ALOG_COLUMN_TEXT, "hook, test, lint, type_check, …"},
    {"error_category", ALOG_COLUMN_TEXT, "a finer class; empty = not said"},
    {"errors", ALOG_COLUMN_INTEGER, "error events"},
    {"first_seen", ALOG_COLUMN_TIME, "the first of them"},
    {"last_seen", ALOG_COLUMN_TIME, "the last of them"},
    {"sample", ALOG_COLUMN_TEXT, "message of the first"},
};

/* clang-format off */
static const char job_errors_sql[] =
    "SELECT environment, error_type, error_category, errors, first_ns, last_ns, sample"
    " FROM job_errors" OF_THE_JOB
    " ORDER BY first_ns, error_type, error_category, environment LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_job_errors =
    ALOG_QUERY_FORM(job_errors_sql, job_errors_columns);

static const struct alog_column job_strategies_columns[] = {
    {"environment", ALOG_COLUMN_TEXT, "the job's environment"},
    {"strategy", ALOG_COLUMN_TEXT, "the strategy chosen"},
    {"decisions", ALOG_COLUMN_INTEGER, "how often: n"},
    {"scores", ALOG_COLUMN_INTEGER, "of them, with an effectiveness score: n of the mean"},
    {"avg_effectiveness", ALOG_COLUMN_RATE, "mean score, NULL without any"},
    {"first_seen", ALOG_COLUMN_TIME, "the first of them"},
    {"last_seen", ALOG_COLUMN_TIME, "the last of them"},
};

/* clang-format off */
static const char job_strategies_sql[] =
    "SELECT environment, strategy, decisions, effectiveness_count,"
    " effectiveness_e6_sum / (1e6 * NULLIF(effectiveness_count, 0)), first_ns, last_ns"
    " FROM job_strategies" OF_THE_JOB
    " ORDER BY first_ns, strategy, environment LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_job_strategies =
    ALOG_QUERY_FORM(job_strategies_sql, job_strategies_columns);

static const struct alog_column job_tests_columns[] = {
    {"environment", ALOG_COLUMN_TEXT, "the job's environment"},
    {"test_id", ALOG_COLUMN_TEXT, "the test"},
    {"failed", ALOG_COLUMN_INTEGER, "runs that failed"},
    {"errors", ALOG_COLUMN_INTEGER, "runs that ended in an error"},
    {"first_seen", ALOG_COLUMN_TIME, "the first of them"},
    {"last_seen", ALOG_COLUMN_TIME, "the last of them"},
    {"sample", ALOG_COLUMN_TEXT, "message of the first"},
};

/* clang-format off */
static const char job_tests_sql[] =
    "SELECT environment, test_id, failed, errors, first_ns, last_ns, sample"
    " FROM job_tests" OF_THE_JOB
    " ORDER BY first_ns, test_id, environment LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_job_tests =
    ALOG_QUERY_FORM(job_tests_sql, job_tests_columns);

static const struct alog_column job_timeline_columns[] = {
    {"environment", ALOG_COLUMN_TEXT, "the job's environment"},
    {"at", ALOG_COLUMN_TIME, "when it was first seen"},
    {"until", ALOG_COLUMN_TIME, "when it was last seen"},
    {"what", ALOG_COLUMN_TEXT, "start, strategy, agent, provider, test, error or end"},
    {"name", ALOG_COLUMN_TEXT, "which"},
    {"detail", ALOG_COLUMN_TEXT, "what it worked on, its model, its message, how the job ended"},
    {"count", ALOG_COLUMN_INTEGER, "how many events"},
    {"failures", ALOG_COLUMN_INTEGER, "of them, failed"},
};

/* clang-format off */
static const char job_timeline_sql[] =
    "SELECT environment, at, until, what, name, detail, n, failures FROM ("
    " SELECT environment, start_ns AS at, start_ns AS until, 0 AS place, 'start' AS what,"
    "   CASE ai_agent WHEN 1 THEN 'with AI' WHEN 0 THEN 'without AI' END AS name,"
    "   metadata AS detail, 1 AS n, 0 AS failures"
    "   FROM jobs" OF_THE_JOB " AND start_ns IS NOT NULL"
    " UNION ALL SELECT environment, first_ns, last_ns, 1, 'strategy', strategy, NULL, decisions, 0"
    "   FROM job_strategies" OF_THE_JOB
    " UNION ALL SELECT environment, first_ns, last_ns, 2, 'agent', agent_name, issue_type,"
    "   executions, executions - successes FROM job_agents" OF_THE_JOB
    " UNION ALL SELECT environment, first_ns, last_ns, 3, 'provider', provider_id, model, calls,"
    "   calls - successes FROM job_providers" OF_THE_JOB
    " UNION ALL SELECT environment, first_ns, last_ns, 4, 'test', test_id, sample, failed + errors,"
    "   failed + errors FROM job_tests" OF_THE_JOB
    " UNION ALL SELECT environment, first_ns, last_ns, 5, 'error',"
    "   error_type || CASE error_category WHEN '' THEN '' ELSE ' ' END || error_category, sample,"
    "   errors, errors FROM job_errors" OF_THE_JOB
    " UNION ALL SELECT environment, end_ns, end_ns, 6, 'end', status, error_message, 1,"
    "   status = 'failed' FROM jobs" OF_THE_JOB " AND end_ns IS NOT NULL)"
    " ORDER BY at, place, name, detail, environment LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_job_timeline =
    ALOG_QUERY_FORM(job_timeline_sql, job_timeline_columns);
