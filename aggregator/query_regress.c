/* What got worse: a window against the one before it, and against the week before. */
#include "query.h"

static const struct alog_column regress_columns[] = {
    {"metric", ALOG_COLUMN_TEXT,
     "success_rate, availability, hook_failure_rate, test_failure_rate, job_success_rate,"
     " latency_p95_ms, cost_usd"},
    {"environment", ALOG_COLUMN_TEXT, "the environment"},
    {"subject", ALOG_COLUMN_TEXT, "whose: an agent, a provider and its model, a hook; empty = all"},
    {"first_day", ALOG_COLUMN_TEXT, "the window's first day, YYYY-MM-DD"},
    {"last_day", ALOG_COLUMN_TEXT,
     "its last one; when nobody said, the latest day with events that is over"},
    {"n", ALOG_COLUMN_INTEGER, "n of value"},
    {"value", ALOG_COLUMN_REAL, "in the window; cost per day"},
    {"value_low", ALOG_COLUMN_RATE, "of a rate, lower end of its 95 % interval (Wilson)"},
    {"value_high", ALOG_COLUMN_RATE, "upper end of it"},
    {"n_before", ALOG_COLUMN_INTEGER, "n of value_before; of medians, how many days"},
    {"value_before", ALOG_COLUMN_REAL,
     "rates: in the window before, of the same length; p95 and cost: the median of the days with "
     "any among the 7 before the window"},
    {"value_before_low", ALOG_COLUMN_RATE, "of a rate, lower end of its 95 % interval (Wilson)"},
    {"value_before_high", ALOG_COLUMN_RATE, "upper end of it"},
    {"change", ALOG_COLUMN_REAL, "value - value_before"},
    {"ratio", ALOG_COLUMN_REAL, "value / value_before, of p95 and cost"},
    {"p_value", ALOG_COLUMN_REAL,
     "of rates: the chance of such a change for the worse when nothing changed (two-proportion "
     "test)"},
    {"worse", ALOG_COLUMN_BOOL,
     "p_value is below 0.01 divided by how many rates were compared (Bonferroni), or ratio above "
     "max_ratio"},
};

#define ONLY(column) " AND (:" column " IS NULL OR " column " = :" column ")"

#define SUBJECT " CASE model WHEN '' THEN provider_id ELSE provider_id || ' ' || model END"

#define DAY(epoch) " strftime('%Y-%m-%d', " epoch " + :time_zone_offset_s, 'unixepoch')"

/* Nothing but agents and providers can be filtered by an agent and so on: the others fall away. */
#define NO_FILTER                                                                                  \
    " :agent_name IS NULL AND :issue_type IS NULL AND :provider_id IS NULL AND :model IS NULL"

/* n and s of a rate in the window, n2 and s2 in the one before; a good rate is one that is high. */
#define RATES(metric, subject, count, good, from, rest)                                            \
    "SELECT " metric " AS metric, environment, " subject " AS subject, " count " AS n, " good      \
    " AS s, 0 AS n2, 0 AS s2 FROM {" from ": " rest " UNION ALL SELECT " metric                    \
    ", environment, " subject ", 0, 0, " count ", " good " FROM {" from "@before_: " rest

#define DAY_RATES(metric, count, good)                                                             \
    "SELECT " metric ", environment, '', within * (" count "), within * (" good "),"               \
    " (1 - within) * (" count "), (1 - within) * (" good ")"                                       \
    " FROM (SELECT *, day_epoch >= :since_day AS within FROM daily_summary"                        \
    "   WHERE" ALOG_QUERY_ENVIRONMENTS                                                             \
    "   AND day_epoch >= :since_day - (:until_day - :since_day) AND day_epoch < :until_day"        \
    "   AND" NO_FILTER ")"

/* clang-format off */
static const char regress_head[] =
    "WITH rates AS (SELECT metric, environment, subject, SUM(n) AS n, SUM(s) AS s, SUM(n2) AS n2,"
    "   SUM(s2) AS s2 FROM ("
      RATES("'success_rate'", "agent_name", "executions", "successes", "rollup_agents",
            "environment, agent_name, executions, successes /"
            " agent_name issue_type provider_id model}")
    " UNION ALL "
      RATES("'availability'", SUBJECT, "calls - cancelled",
            "calls - cancelled - availability_failures", "rollup_providers",
            "environment, provider_id, model, calls, cancelled, availability_failures /"
            " agent_name provider_id model} WHERE :issue_type IS NULL")
    " UNION ALL "
      RATES("'hook_failure_rate'", "hook_name", "runs - skips", "runs - skips - failures",
            "rollup_hooks", "environment, hook_name, runs, skips, failures} WHERE" NO_FILTER)
    " UNION ALL "
      DAY_RATES("'test_failure_rate'", "tests_run", "tests_run - tests_failed")
    " UNION ALL "
      DAY_RATES("'job_success_rate'", "successful_jobs + failed_jobs + cancelled_jobs",
                "successful_jobs")
    ") GROUP BY metric, environment, subject),";

static const char regress_sql[] =
    " tests AS (SELECT *, lower_rate_p(s, n, s2, n2) AS p, COUNT(*) OVER () AS comparisons,"
    "   CASE WHEN metric LIKE '%failure%' THEN n - s ELSE s END AS k,"
    "   CASE WHEN metric LIKE '%failure%' THEN n2 - s2 ELSE s2 END AS k2"
    "   FROM rates WHERE n >= :min_count AND n2 >= :min_count),"
    " days AS MATERIALIZED (SELECT environment, subject, SUM(n >= :min_count) AS days,"
    "   median(p95) FILTER (WHERE n >= :min_count) AS p95, SUM(costs > 0) AS cost_days,"
    "   median(usd) FILTER (WHERE costs > 0) AS usd FROM ("
    "   SELECT environment," SUBJECT " AS subject, SUM(success_latency_count) AS n,"
    "   sketch_quantile_ms(sketch_merge(success_latency_hist), 0.95) AS p95,"
    "   SUM(cost_count) AS costs, SUM(cost_nusd_sum) / 1e9 AS usd"
    "   FROM rollup_providers_day WHERE" ALOG_QUERY_ENVIRONMENTS
    "   AND day_epoch >= :since_day - 7 * 86400 AND day_epoch < :since_day"
    "   AND :issue_type IS NULL" ONLY("agent_name") ONLY("provider_id") ONLY("model")
    "   GROUP BY environment, 2, day_epoch) GROUP BY environment, subject),"
    " calls AS MATERIALIZED (SELECT environment," SUBJECT " AS subject,"
    "   SUM(success_latency_count) AS n,"
    "   sketch_quantile_ms(sketch_merge(success_latency_hist), 0.95) AS p95,"
    "   SUM(cost_count) AS costs, SUM(cost_nusd_sum) / 1e9 AS usd"
    "   FROM {rollup_providers: environment, provider_id, model, success_latency_count,"
    "     success_latency_hist, cost_count, cost_nusd_sum / agent_name provider_id model}"
    "   WHERE :issue_type IS NULL GROUP BY environment, 2),"
    " figures AS (SELECT 'latency_p95_ms' AS metric, environment, subject, n, calls.p95 AS value,"
    "   days, days.p95 AS usual FROM calls JOIN days USING (environment, subject)"
    "   UNION ALL SELECT 'cost_usd', environment, subject, costs,"
    "   calls.usd * 86400 / (:until_day - :since_day), cost_days, days.usd"
    "   FROM calls JOIN days USING (environment, subject))"
    " SELECT metric, environment, subject," DAY(":since_day") "," DAY(":until_day - 86400") ","
    " n, value, wilson_low(k, n), wilson_high(k, n),"
    " n_before, value_before, wilson_low(k2, n_before), wilson_high(k2, n_before),"
    " value - value_before, ratio, p, worse FROM ("
    "   SELECT metric, environment, subject, n, k, k * 1.0 / n AS value, n2 AS n_before, k2,"
    "     k2 * 1.0 / n2 AS value_before, NULL AS ratio, p, p < 0.01 / comparisons AS worse"
    "     FROM tests"
    "   UNION ALL SELECT metric, environment, subject, n, NULL, value, days, NULL, usual,"
    "     value / NULLIF(usual, 0), NULL, COALESCE(value / NULLIF(usual, 0) > :max_ratio, 0)"
    "     FROM figures WHERE n >= :min_count AND days > 0 AND value IS NOT NULL)"
    " ORDER BY worse DESC, metric, environment, subject LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_regress =
    ALOG_QUERY_LONG_FORM(regress_head, regress_sql, regress_columns);
