/* What got worse: a window against the one before it, and against the week before. */
#include "query.h"

static const struct alog_column regress_columns[] = {
    {"metric", ALOG_COLUMN_TEXT,
     "success_rate, availability, hook_failure_rate, test_failure_rate, job_success_rate,"
     " latency_p95_ms, cost_usd"},
    {"environment", ALOG_COLUMN_TEXT, "the environment"},
    {"subject", ALOG_COLUMN_TEXT, "whose: an agent, a provider and its model, a hook; empty = all"},
    {"n", ALOG_COLUMN_INTEGER, "n of value"},
    {"value", ALOG_COLUMN_REAL, "in the window; cost per day"},
    {"n_before", ALOG_COLUMN_INTEGER, "n of value_before; of medians, how many days"},
    {"value_before", ALOG_COLUMN_REAL,
     "rates: in the window before, of the same length; p95 and cost: the median of the days with "
     "any "
     "among the 7 before the window"},
    {"change", ALOG_COLUMN_REAL, "value - value_before"},
    {"ratio", ALOG_COLUMN_REAL, "value / value_before, of p95 and cost"},
    {"p_value", ALOG_COLUMN_REAL,
     "of rates: the chance of such a change for the worse when nothing changed (two-proportion "
     "test)"},
    {"worse", ALOG_COLUMN_BOOL,
     "p_value is below 0.01 divided by how many rates were compared (Bonferroni), or ratio above "
     "max_ratio"},
};

#define BEFORE   " day_epoch >= :since_day - (:until_day - :since_day) AND day_epoch < :since_day"
#define WITHIN   " day_epoch >= :since_day AND day_epoch < :until_day"
#define TRAILING " day_epoch >= :since_day - 7 * 86400 AND day_epoch < :since_day"

#define ONLY(column) " AND (:" column " IS NULL OR " column " = :" column ")"

/* A day's n and s; a good rate is one that is high. */
#define DAYS(metric, subject, table, count, good, filters)                                         \
    "SELECT " metric " AS metric, environment, " subject " AS subject, day_epoch, " count " AS n," \
    " " good " AS s FROM " table " WHERE" ALOG_QUERY_ENVIRONMENTS                                  \
    " AND day_epoch >= :since_day - (:until_day - :since_day) AND day_epoch < :until_day" filters

#define SUBJECT " CASE model WHEN '' THEN provider_id ELSE provider_id || ' ' || model END"

/* Nothing but agents and providers can be filtered by an agent and so on: the others fall away. */
#define NO_FILTER                                                                                  \
    " AND :agent_name IS NULL AND :issue_type IS NULL AND :provider_id IS NULL AND :model IS NULL"

/* clang-format off */
static const char regress_head[] =
    "WITH days AS ("
      DAYS("'success_rate'", "agent_name", "rollup_agents_day", "executions", "successes",
           ONLY("agent_name") ONLY("issue_type") ONLY("provider_id") ONLY("model"))
    " UNION ALL "
      DAYS("'availability'", SUBJECT, "rollup_providers_day", "calls - cancelled",
           "calls - cancelled - availability_failures",
           " AND :issue_type IS NULL" ONLY("agent_name") ONLY("provider_id") ONLY("model"))
    " UNION ALL "
      DAYS("'hook_failure_rate'", "hook_name", "daily_hooks", "runs - skips",
           "runs - skips - failures", NO_FILTER)
    " UNION ALL "
      DAYS("'test_failure_rate'", "''", "daily_summary", "tests_run", "tests_run - tests_failed",
           NO_FILTER)
    " UNION ALL "
      DAYS("'job_success_rate'", "''", "daily_summary",
           "successful_jobs + failed_jobs + cancelled_jobs", "successful_jobs", NO_FILTER)
    "),"
    " rates AS (SELECT metric, environment, subject,"
    "   SUM(n) FILTER (WHERE" WITHIN ") AS n, SUM(s) FILTER (WHERE" WITHIN ") AS s,"
    "   SUM(n) FILTER (WHERE" BEFORE ") AS n2, SUM(s) FILTER (WHERE" BEFORE ") AS s2"
    "   FROM days GROUP BY metric, environment, subject),";

static const char regress_sql[] =
    " tests AS (SELECT *, lower_rate_p(s, n, s2, n2) AS p, COUNT(*) OVER () AS comparisons,"
    "   metric LIKE '%failure%' AS inverse FROM rates WHERE n >= :min_count AND n2 >= :min_count),"
    " calls AS (SELECT environment," SUBJECT " AS subject, day_epoch,"
    "   SUM(success_latency_count) AS n, sketch_merge(success_latency_hist) AS hist,"
    "   SUM(cost_count) AS costs, SUM(cost_nusd_sum) / 1e9 AS usd"
    "   FROM rollup_providers_day WHERE" ALOG_QUERY_ENVIRONMENTS
    "   AND day_epoch >= :since_day - 7 * 86400 AND day_epoch < :until_day"
    "   AND :issue_type IS NULL" ONLY("agent_name") ONLY("provider_id") ONLY("model")
    "   GROUP BY environment, 2, day_epoch),"
    " figures AS (SELECT 'latency_p95_ms' AS metric, environment, subject,"
    "   SUM(n) FILTER (WHERE" WITHIN ") AS n,"
    "   sketch_quantile_ms(sketch_merge(hist) FILTER (WHERE" WITHIN "), 0.95) AS value,"
    "   COUNT(*) FILTER (WHERE" TRAILING " AND n >= :min_count) AS days,"
    "   median(sketch_quantile_ms(hist, 0.95)) FILTER (WHERE" TRAILING " AND n >= :min_count)"
    "     AS usual FROM calls GROUP BY environment, subject"
    "   UNION ALL SELECT 'cost_usd', environment, subject,"
    "   SUM(costs) FILTER (WHERE" WITHIN "),"
    "   SUM(usd) FILTER (WHERE" WITHIN ") * 86400 / (:until_day - :since_day),"
    "   COUNT(*) FILTER (WHERE" TRAILING " AND costs > 0),"
    "   median(usd) FILTER (WHERE" TRAILING " AND costs > 0)"
    "   FROM calls GROUP BY environment, subject)"
    " SELECT metric, environment, subject, n, value, n_before, value_before, value - value_before,"
    " ratio, p, worse FROM ("
    "   SELECT metric, environment, subject, n,"
    "     CASE inverse WHEN 1 THEN n - s ELSE s END * 1.0 / n AS value, n2 AS n_before,"
    "     CASE inverse WHEN 1 THEN n2 - s2 ELSE s2 END * 1.0 / n2 AS value_before, NULL AS ratio,"
    "     p, p < 0.01 / comparisons AS worse FROM tests"
    "   UNION ALL SELECT metric, environment, subject, n, value, days, usual,"
    "     value / NULLIF(usual, 0), NULL, COALESCE(value / NULLIF(usual, 0) > :max_ratio, 0)"
    "     FROM figures WHERE n >= :min_count AND days > 0 AND value IS NOT NULL)"
    " ORDER BY worse DESC, metric, environment, subject LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_regress =
    ALOG_QUERY_LONG_FORM(regress_head, regress_sql, regress_columns);
