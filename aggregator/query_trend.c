/* One figure by day or week, with its change against the period before. */
#include "query.h"

static const struct alog_column trend_columns[] = {
    {"period", ALOG_COLUMN_TEXT, "the day, or the Monday of the week, YYYY-MM-DD"},
    {"environment", ALOG_COLUMN_TEXT, "the environment"},
    {"n", ALOG_COLUMN_INTEGER, "how many the figure was made of"},
    {"value", ALOG_COLUMN_REAL, "the figure: a rate as 0..1, latencies in ms, cost in dollars"},
    {"value_low", ALOG_COLUMN_REAL, "of a rate, lower end of its 95 % interval (Wilson)"},
    {"value_high", ALOG_COLUMN_REAL, "upper end of it"},
    {"previous", ALOG_COLUMN_REAL, "the value of the period just before; NULL when it has none"},
    {"change", ALOG_COLUMN_REAL, "value - previous"},
    {"change_ratio", ALOG_COLUMN_REAL, "change / previous"},
};

/* The start of the period that a day belongs to. */
#define START                                                                                      \
    " day_epoch - :weekly * (((day_epoch + :time_zone_offset_s) / 86400 + 3) % 7) * 86400 AS "     \
    "start"

#define DAYS                                                                                       \
    " WHERE" ALOG_QUERY_ENVIRONMENTS " AND day_epoch >= :since_day AND day_epoch < :until_day"

#define ONLY(column) " AND (:" column " IS NULL OR " column " = :" column ")"

/* With LIMIT, the latest periods stay. */
#define TREND(rows)                                                                                \
    "SELECT strftime('%Y-%m-%d', start + :time_zone_offset_s, 'unixepoch'), environment, n, "      \
    "value,"                                                                                       \
    " low, high, previous, value - previous, (value - previous) / NULLIF(previous, 0)"             \
    " FROM (SELECT *, CASE WHEN LAG(start) OVER w = start - 86400 * (CASE :weekly WHEN 1 THEN 7"   \
    "     ELSE 1 END) THEN LAG(value) OVER w END AS previous FROM (" rows ")"                      \
    "   WINDOW w AS (PARTITION BY environment ORDER BY start)"                                     \
    "   ORDER BY start DESC, environment LIMIT :limit)"                                            \
    " ORDER BY start, environment"

#define RATE(rows)                                                                                 \
    TREND("SELECT start, environment, n, s * 1.0 / NULLIF(n, 0) AS value,"                         \
          " wilson_low(s, n) AS low, wilson_high(s, n) AS high"                                    \
          " FROM (SELECT start, environment, SUM(n) AS n, SUM(s) AS s FROM (" rows ")"             \
          " GROUP BY start, environment)")

/* The smaller table when its dimensions will do: a filter that is given rules it out before it is
 * read. */
static const char success_rate[] = RATE(
    "SELECT" START ", environment, executions AS n, successes AS s FROM daily_agents" DAYS
    " AND :provider_id IS NULL AND :model IS NULL" ONLY("agent_name") ONLY(
        "issue_type") " UNION ALL SELECT" START ", environment, executions, successes"
                      " FROM rollup_agents_day" DAYS
                      " AND (:provider_id IS NOT NULL OR :model IS NOT NULL)" ONLY("agent_name")
                          ONLY("issue_type") ONLY("provider_id") ONLY("model"));

/* Of provider calls by day; `day` and `group` are the same columns of the one table and the other.
 */
/* clang-format off */
#define CALLS(day, group)                                                                          \
    "SELECT" START ", environment, " day " FROM daily_providers" DAYS " AND :agent_name IS NULL"   \
    ONLY("provider_id") ONLY("model")                                                              \
    " UNION ALL SELECT" START ", environment, " group " FROM rollup_providers_day" DAYS            \
    " AND :agent_name = agent_name" ONLY("provider_id") ONLY("model")

static const char availability[] = RATE(
    CALLS("calls - cancelled AS n, calls - cancelled - availability_failures AS s",
          "calls - cancelled, calls - cancelled - availability_failures"));

#define LATENCY(quantile)                                                                          \
    TREND("SELECT start, environment, SUM(n) AS n,"                                                \
          " sketch_quantile_ms(sketch_merge(latencies), " quantile ") AS value,"                   \
          " NULL AS low, NULL AS high FROM ("                                                      \
          CALLS("success_latency_count AS n, success_latency_hist AS latencies",                   \
                "success_latency_count, success_latency_hist")                                     \
          ") GROUP BY start, environment")

static const char latency_p50[] = LATENCY("0.5");
static const char latency_p95[] = LATENCY("0.95");
static const char latency_p99[] = LATENCY("0.99");

static const char cost[] = TREND(
    "SELECT start, environment, SUM(n) AS n,"
    " CASE WHEN SUM(n) > 0 THEN SUM(nusd) / 1e9 END AS value, NULL AS low, NULL AS high FROM ("
    CALLS("cost_count AS n, cost_nusd AS nusd", "cost_count, cost_nusd_sum")
    ") GROUP BY start, environment");
/* clang-format on */

static const char errors[] =
    TREND("SELECT start, environment, SUM(total_errors) AS n, SUM(total_errors) * 1.0 AS value,"
          " NULL AS low, NULL AS high FROM (SELECT" START ", environment, total_errors"
          " FROM daily_summary" DAYS ") GROUP BY start, environment");

static const char test_failures[] =
    RATE("SELECT" START ", environment, tests_run AS n, tests_failed AS s FROM daily_summary" DAYS);

static const char hook_failures[] =
    RATE("SELECT" START ", environment, runs - skips AS n, failures AS s FROM daily_hooks" DAYS);

static const char job_success[] =
    RATE("SELECT" START ", environment, successful_jobs + failed_jobs + cancelled_jobs AS n,"
         " successful_jobs AS s FROM daily_summary" DAYS);

const struct alog_query_form alog_query_trends[ALOG_METRIC_COUNT] = {
    [ALOG_METRIC_SUCCESS_RATE] = ALOG_QUERY_FORM(success_rate, trend_columns),
    [ALOG_METRIC_AVAILABILITY] = ALOG_QUERY_FORM(availability, trend_columns),
    [ALOG_METRIC_LATENCY_P95] = ALOG_QUERY_FORM(latency_p95, trend_columns),
    [ALOG_METRIC_COST] = ALOG_QUERY_FORM(cost, trend_columns),
    [ALOG_METRIC_ERRORS] = ALOG_QUERY_FORM(errors, trend_columns),
    [ALOG_METRIC_TEST_FAILURES] = ALOG_QUERY_FORM(test_failures, trend_columns),
    [ALOG_METRIC_HOOK_FAILURES] = ALOG_QUERY_FORM(hook_failures, trend_columns),
    [ALOG_METRIC_JOB_SUCCESS] = ALOG_QUERY_FORM(job_success, trend_columns),
    [ALOG_METRIC_LATENCY_P50] = ALOG_QUERY_FORM(latency_p50, trend_columns),
    [ALOG_METRIC_LATENCY_P99] = ALOG_QUERY_FORM(latency_p99, trend_columns),
};
