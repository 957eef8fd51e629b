/* What agents did: success rates by agent and issue type, and each agent as a whole. */
#include "query.h"

#define AGENT_ROWS                                                                                 \
    " FROM rollup_agents" ALOG_QUERY_WINDOW ALOG_QUERY_FILTER("agent_name")                        \
        ALOG_QUERY_FILTER("issue_type") ALOG_QUERY_FILTER("provider_id")                           \
            ALOG_QUERY_FILTER("model")

#define AGENT_SUMS                                                                                 \
    " SUM(executions) AS executions, SUM(successes) AS successes, SUM(retries) AS retries,"        \
    " SUM(confidence_count) AS confidence_count, SUM(confidence_e6_sum) AS confidence_e6,"         \
    " SUM(confidence_success_e6_sum) AS confidence_success_e6,"                                    \
    " SUM(fixes_applied_sum) AS fixes_applied, SUM(files_modified_sum) AS files_modified,"         \
    " SUM(remaining_issues_sum) AS remaining_issues,"                                              \
    " SUM(execution_time_count) AS time_count, SUM(execution_time_us_sum) AS time_us,"             \
    " sketch_merge(success_time_hist, failure_time_hist) AS times"

static const struct alog_column success_rate_columns[] = {
    {"agent_name", ALOG_COLUMN_TEXT, "the agent"},
    {"issue_type", ALOG_COLUMN_TEXT, "what it worked on; empty = not said"},
    {"executions", ALOG_COLUMN_INTEGER, "agent_execution events: n"},
    {"successes", ALOG_COLUMN_INTEGER, "of them, successful"},
    ALOG_RATE_COLUMNS("success_rate", "successes / executions"),
    {"confidence_count", ALOG_COLUMN_INTEGER, "executions with a confidence: n of the next two"},
    {"confidence_avg", ALOG_COLUMN_RATE, "mean confidence, NULL without any"},
    {"confidence_weighted_rate", ALOG_COLUMN_RATE,
     "sum of confidence over successes / sum of confidence, NULL without any"},
    {"avg_execution_time_ms", ALOG_COLUMN_MS, "mean time, NULL without any"},
    {"execution_time_p50_ms", ALOG_COLUMN_MS, "median time"},
    {"execution_time_p95_ms", ALOG_COLUMN_MS, "95th percentile of it"},
    {"fixes_applied", ALOG_COLUMN_INTEGER, "sum of fixes applied"},
    {"retries", ALOG_COLUMN_INTEGER, "executions that were a second or later attempt"},
};

/* clang-format off */
static const char success_rate_sql[] =
    "SELECT agent_name, issue_type, executions, successes,"
      ALOG_QUERY_RATE("successes", "executions") ","
    " confidence_count, confidence_e6 / (1e6 * NULLIF(confidence_count, 0)),"
    " confidence_success_e6 * 1.0 / NULLIF(confidence_e6, 0),"
      ALOG_QUERY_MEAN_MS("time_us", "time_count") ","
    " sketch_quantile_ms(times, 0.5), sketch_quantile_ms(times, 0.95), fixes_applied, retries"
    " FROM (SELECT agent_name, issue_type," AGENT_SUMS
      AGENT_ROWS
    "   GROUP BY agent_name, issue_type)"
    " ORDER BY executions DESC, agent_name, issue_type LIMIT :limit";
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
    {"retries", ALOG_COLUMN_INTEGER, "executions that were a second or later attempt"},
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
