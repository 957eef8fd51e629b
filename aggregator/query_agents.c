/* What agents did: success rates by agent and issue type, and each agent as a whole. */
#include "query.h"

#define AGENT_FILTERS "agent_name issue_type provider_id model"

/* The rows that are asked for, with what AGENT_SUMS adds up. */
#define AGENT_ROWS                                                                                 \
    " FROM {rollup_agents: agent_name, issue_type, provider_id, model, executions, successes,"     \
    " retries, confidence_count, confidence_e6_sum, confidence_success_e6_sum,"                    \
    " fixes_applied_sum, files_modified_sum, remaining_issues_sum, execution_time_count,"          \
    " execution_time_us_sum, success_time_hist, failure_time_hist / " AGENT_FILTERS "}"

#define AGENT_SUMS                                                                                 \
    " SUM(executions) AS executions, SUM(successes) AS successes, SUM(retries) AS retries,"        \
    " SUM(confidence_count) AS confidence_count, SUM(confidence_e6_sum) AS confidence_e6,"         \
    " SUM(confidence_success_e6_sum) AS confidence_success_e6,"                                    \
    " SUM(fixes_applied_sum) AS fixes_applied, SUM(files_modified_sum) AS files_modified,"         \
    " SUM(remaining_issues_sum) AS remaining_issues,"                                              \
    " SUM(execution_time_count) AS time_count, SUM(execution_time_us_sum) AS time_us,"             \
    " sketch_merge(success_time_hist, failure_time_hist) AS times"

static const struct alog_column success_rate_columns[] = {
    {"agent_name", ALOG_COLUMN_TEXT, "the agent; NULL when rows are not told apart by it"},
    {"issue_type", ALOG_COLUMN_TEXT, "what it worked on, likewise; empty = not said"},
    {"provider_id", ALOG_COLUMN_TEXT, "with which provider, likewise; empty = not said"},
    {"model", ALOG_COLUMN_TEXT, "and which model, likewise; empty = not said"},
    {"executions", ALOG_COLUMN_INTEGER, "agent_execution events: n"},
    {"successes", ALOG_COLUMN_INTEGER, "of them, successful"},
    ALOG_RATE_COLUMNS("success_rate", "successes / executions"),
    {"confidence_count", ALOG_COLUMN_INTEGER, "executions with a confidence: n of the next two"},
    {"confidence_avg", ALOG_COLUMN_RATE, "mean confidence, NULL without any"},
    {"confidence_weighted_rate", ALOG_COLUMN_RATE,
     "sum of confidence over successes / sum of confidence, NULL without any; no interval: weights "
     "are no counts"},
    {"avg_execution_time_ms", ALOG_COLUMN_MS, "mean time, NULL without any"},
    {"execution_time_p50_ms", ALOG_COLUMN_MS, "median time"},
    {"execution_time_p95_ms", ALOG_COLUMN_MS, "95th percentile of it"},
    {"fixes_applied", ALOG_COLUMN_INTEGER, "sum of fixes applied"},
    {"retries", ALOG_COLUMN_INTEGER, "executions whose attempt was above 1"},
};

/* clang-format off */
static const char success_rate_sql[] =
    "SELECT agent, issue, provider, with_model, executions, successes,"
      ALOG_QUERY_RATE("successes", "executions") ","
    " confidence_count, confidence_e6 / (1e6 * NULLIF(confidence_count, 0)),"
    " confidence_success_e6 * 1.0 / NULLIF(confidence_e6, 0),"
      ALOG_QUERY_MEAN_MS("time_us", "time_count") ","
    " sketch_quantile_ms(times, 0.5), sketch_quantile_ms(times, 0.95), fixes_applied, retries"
    " FROM (SELECT CASE WHEN :by & 1 THEN agent_name END AS agent,"
    "   CASE WHEN :by & 2 THEN issue_type END AS issue,"
    "   CASE WHEN :by & 4 THEN provider_id END AS provider,"
    "   CASE WHEN :by & 8 THEN model END AS with_model," AGENT_SUMS
      AGENT_ROWS
    "   GROUP BY 1, 2, 3, 4)"
    " ORDER BY executions DESC, agent, issue, provider, with_model LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_success_rate =
    ALOG_QUERY_FORM(success_rate_sql, success_rate_columns);

static const struct alog_column agents_columns[] = {
    {"agent_name", ALOG_COLUMN_TEXT, "the agent"},
    {"executions", ALOG_COLUMN_INTEGER, "agent_execution events: n"},
    {"successes", ALOG_COLUMN_INTEGER, "of them, successful"},
    ALOG_RATE_COLUMNS("success_rate", "successes / executions"),
    {"confidence_avg", ALOG_COLUMN_RATE, "mean confidence, NULL without any"},
    {"issue_types", ALOG_COLUMN_INTEGER, "different issue types it worked on"},
    {"providers", ALOG_COLUMN_INTEGER, "different providers it worked with"},
    {"models", ALOG_COLUMN_INTEGER, "different models it worked with"},
    {"fixes_applied", ALOG_COLUMN_INTEGER, "sum of fixes applied"},
    {"files_modified", ALOG_COLUMN_INTEGER, "sum of files modified"},
    {"remaining_issues", ALOG_COLUMN_INTEGER, "sum of issues left"},
    {"retries", ALOG_COLUMN_INTEGER, "executions whose attempt was above 1"},
    {"avg_execution_time_ms", ALOG_COLUMN_MS, "mean time, NULL without any"},
    {"execution_time_p50_ms", ALOG_COLUMN_MS, "median time"},
    {"execution_time_p95_ms", ALOG_COLUMN_MS, "95th percentile of it"},
};

/* clang-format off */
static const char agents_sql[] =
    "SELECT agent_name, executions, successes,"
      ALOG_QUERY_RATE("successes", "executions") ","
    " confidence_e6 / (1e6 * NULLIF(confidence_count, 0)),"
    " issue_types, providers, models, fixes_applied, files_modified, remaining_issues, retries,"
      ALOG_QUERY_MEAN_MS("time_us", "time_count") ","
    " sketch_quantile_ms(times, 0.5), sketch_quantile_ms(times, 0.95)"
    " FROM (SELECT agent_name," AGENT_SUMS ","
    "   COUNT(DISTINCT NULLIF(issue_type, '')) AS issue_types,"
    "   COUNT(DISTINCT NULLIF(provider_id, '')) AS providers,"
    "   COUNT(DISTINCT NULLIF(model, '')) AS models"
      AGENT_ROWS
    "   GROUP BY agent_name)"
    " ORDER BY executions DESC, agent_name LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_agents = ALOG_QUERY_FORM(agents_sql, agents_columns);

static const struct alog_column agents_providers_columns[] = {
    {"agent_name", ALOG_COLUMN_TEXT, "the agent"},
    {"provider_id", ALOG_COLUMN_TEXT, "the provider; empty = not said"},
    {"executions", ALOG_COLUMN_INTEGER, "the agent's executions with the provider: n"},
    {"successes", ALOG_COLUMN_INTEGER, "of them, successful"},
    ALOG_RATE_COLUMNS("success_rate", "successes / executions"),
    {"other_executions", ALOG_COLUMN_INTEGER, "its executions with other providers: n of the next"},
    ALOG_RATE_COLUMNS("other_success_rate", "of them, successful"),
    {"difference", ALOG_COLUMN_REAL, "success_rate - other_success_rate"},
    {"correlation", ALOG_COLUMN_REAL,
     "phi of using the provider and success, -1 to 1; NULL when either never differs"},
    {"calls", ALOG_COLUMN_INTEGER, "the agent's calls to the provider"},
    {"not_cancelled", ALOG_COLUMN_INTEGER, "of them, not cancelled: n of availability"},
    ALOG_RATE_COLUMNS("availability", "calls that got to run / calls not cancelled"),
    {"latency_p95_ms", ALOG_COLUMN_MS, "95th percentile of successful calls, NULL without any"},
};

/* Either kind of event may be the only one that names the two. */
/* clang-format off */
static const char agents_providers_sql[] =
    "WITH x AS (SELECT agent_name, provider_id, SUM(executions) AS n, SUM(successes) AS s"
    "   FROM {rollup_agents: agent_name, provider_id, executions, successes / " AGENT_FILTERS "}"
    "   GROUP BY agent_name, provider_id),"
    " w AS (SELECT *, SUM(n) OVER (PARTITION BY agent_name) - n AS other_n,"
    "   SUM(s) OVER (PARTITION BY agent_name) - s AS other_s FROM x),"
    " c AS (SELECT agent_name, provider_id, SUM(calls) AS calls, SUM(cancelled) AS cancelled,"
    "   SUM(availability_failures) AS not_run, sketch_merge(success_latency_hist) AS latency"
    "   FROM {rollup_providers: agent_name, provider_id, calls, cancelled, availability_failures,"
    "     success_latency_hist / agent_name provider_id model}"
    "   WHERE agent_name <> '' GROUP BY agent_name, provider_id)"
    " SELECT agent_name, provider_id, COALESCE(n, 0), COALESCE(s, 0)," ALOG_QUERY_RATE("s", "n") ","
    " COALESCE(other_n, 0)," ALOG_QUERY_RATE("other_s", "other_n") ","
    " s * 1.0 / NULLIF(n, 0) - other_s * 1.0 / NULLIF(other_n, 0),"
    " phi(s, n - s, other_s, other_n - other_s),"
    " COALESCE(calls, 0), COALESCE(calls - cancelled, 0),"
      ALOG_QUERY_RATE("calls - cancelled - not_run", "calls - cancelled") ","
    " sketch_quantile_ms(latency, 0.95)"
    " FROM (SELECT agent_name, provider_id FROM x UNION SELECT agent_name, provider_id FROM c)"
    " LEFT JOIN w USING (agent_name, provider_id) LEFT JOIN c USING (agent_name, provider_id)"
    " ORDER BY COALESCE(n, 0) DESC, COALESCE(calls, 0) DESC, agent_name, provider_id LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_agents_providers =
    ALOG_QUERY_FORM(agents_providers_sql, agents_providers_columns);

static const struct alog_column retries_columns[] = {
    {"agent_name", ALOG_COLUMN_TEXT, "the agent"},
    {"issue_type", ALOG_COLUMN_TEXT, "what it worked on; empty = not said"},
    {"operations", ALOG_COLUMN_INTEGER, "what it did about that, once a job: n"},
    {"attempts", ALOG_COLUMN_INTEGER, "agent_execution events of them"},
    {"attempts_per_operation", ALOG_COLUMN_REAL, "attempts / operations"},
    {"ended_well", ALOG_COLUMN_INTEGER, "operations whose last attempt was successful"},
    ALOG_RATE_COLUMNS("ended_well_rate", "ended_well / operations"),
    {"retried", ALOG_COLUMN_INTEGER, "operations with more than one attempt: n of the next"},
    {"recovered", ALOG_COLUMN_INTEGER, "of them, with a failed attempt and a successful last one"},
    ALOG_RATE_COLUMNS("recovered_rate", "success after retry: recovered / retried"),
    {"given_up", ALOG_COLUMN_INTEGER, "of the retried, with a failed last attempt"},
    {"attempts_2", ALOG_COLUMN_INTEGER, "operations with two attempts"},
    {"attempts_3", ALOG_COLUMN_INTEGER, "operations with three"},
    {"attempts_4_up", ALOG_COLUMN_INTEGER, "operations with more"},
    {"time_lost_ms", ALOG_COLUMN_MS, "time of failed attempts"},
};

/* clang-format off */
static const char retries_sql[] =
    "SELECT agent_name, issue_type, operations, attempts, attempts * 1.0 / operations, well,"
      ALOG_QUERY_RATE("well", "operations") ", retried, recovered,"
      ALOG_QUERY_RATE("recovered", "retried") ", given_up, two, three, more, lost_us / 1000.0"
    " FROM (SELECT agent_name, issue_type, SUM(operations) AS operations,"
    "   SUM(attempts) AS attempts, SUM(ended_well) AS well, SUM(retried) AS retried,"
    "   SUM(recovered) AS recovered, SUM(given_up) AS given_up, SUM(attempts_2) AS two,"
    "   SUM(attempts_3) AS three, SUM(attempts_4_up) AS more, SUM(time_lost_us_sum) AS lost_us"
    "   FROM rollup_attempts WHERE" ALOG_QUERY_ENVIRONMENTS
    "   AND day_epoch >= :since_day AND day_epoch < :until_day"
    "   AND (:agent_name IS NULL OR agent_name = :agent_name)"
    "   AND (:issue_type IS NULL OR issue_type = :issue_type)"
    "   GROUP BY agent_name, issue_type)"
    " ORDER BY retried DESC, attempts DESC, agent_name, issue_type LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_retries = ALOG_QUERY_FORM(retries_sql, retries_columns);
