/* One figure by day or week, with its change against the period before: how those of
 * trend_metrics.def are made. */
#include "query.h"
#include "query_calibration.h"

#define TREND_COLUMNS(kind)                                                                        \
    {                                                                                              \
        {"period", ALOG_COLUMN_TEXT, "the day, or the Monday of the week, YYYY-MM-DD"},            \
            {"environment", ALOG_COLUMN_TEXT, "the environment"},                                  \
            {"n", ALOG_COLUMN_INTEGER,                                                             \
             "how many the figure was made of; without any there is no row, but for counts"},      \
            {"value", (kind), "the figure: a rate as 0..1, times in ms, cost in dollars"},         \
            {"value_low", (kind), "of a rate of n, lower end of its 95 % interval (Wilson)"},      \
            {"value_high", (kind), "upper end of it"},                                             \
            {"source", ALOG_COLUMN_TEXT,                                                           \
             "what it was made from: exact (counts and sums) or sketch (latencies and times by "   \
             "class, within 1.1 %)"},                                                              \
            {"previous", (kind), "the value of the period just before; NULL when it has none"},    \
            {"change", (kind), "value - previous"}, {                                              \
            "change_ratio", ALOG_COLUMN_RATE, "change / previous"                                  \
        }                                                                                          \
    }
static const struct alog_column columns_REAL[] = TREND_COLUMNS(ALOG_COLUMN_REAL);
static const struct alog_column columns_RATE[] = TREND_COLUMNS(ALOG_COLUMN_RATE);
static const struct alog_column columns_MS[] = TREND_COLUMNS(ALOG_COLUMN_MS);
static const struct alog_column columns_USD[] = TREND_COLUMNS(ALOG_COLUMN_USD);

/* ---- Rows: period, environment, and what is added up ---- */

#define PERIOD_S " (86400 * (CASE :weekly WHEN 1 THEN 7 ELSE 1 END))"

/* The start of the period that a day belongs to. */
#define START                                                                                      \
    " day_epoch - :weekly * (((day_epoch + :time_zone_offset_s) / 86400 + 3) % 7) * 86400 AS "     \
    "start"

/* The period before the window too: its value is the first one's `previous`. */
#define IN_DAYS                                                                                    \
    ALOG_QUERY_ENVIRONMENTS " AND day_epoch >= :since_day -" PERIOD_S " AND day_epoch < "          \
                            ":until_day"

/* A table's sums by day, which its key gives in order: what follows sorts days and not rows. */
#define ROWS(sums, table, filters)                                                                 \
    "SELECT" START ", environment, " sums " FROM " table " WHERE" IN_DAYS filters                  \
    " GROUP BY environment, day_epoch"

#define N(n)         " SUM(" n ") AS n"
#define NS(n, s)     N(n) ", SUM(" s ") AS s"
#define NSD(n, s, d) NS(n, s) ", SUM(" d ") AS d"
#define NH(n, h)     N(n) ", sketch_merge(" h ") AS h"

#define ONLY(column)    " AND (:" column " IS NULL OR " column " = :" column ")"
#define SUBJECT(column) " AND (:subject IS NULL OR " column " = :subject)"

#define AGENT_FILTERS   ONLY("agent_name") ONLY("issue_type") ONLY("provider_id") ONLY("model")
#define CALL_FILTERS    ONLY("agent_name") ONLY("provider_id") ONLY("model")
#define ATTEMPT_FILTERS ONLY("agent_name") ONLY("issue_type")

/* The smaller table when its dimensions will do: a filter that is given rules it out before it is
 * read. `day` and `group` are the same sums of the one table and the other. */
#define AGENT_ROWS(day, group)                                                                     \
    ROWS(day, "daily_agents", " AND :provider_id IS NULL AND :model IS NULL" ATTEMPT_FILTERS)      \
    " UNION ALL " ROWS(group, "rollup_agents_day",                                                 \
                       " AND (:provider_id IS NOT NULL OR :model IS NOT NULL)" AGENT_FILTERS)
#define CALL_ROWS(day, group)                                                                      \
    ROWS(day, "daily_providers", " AND :agent_name IS NULL" ONLY("provider_id") ONLY("model"))     \
    " UNION ALL " ROWS(group, "rollup_providers_day", " AND :agent_name IS NOT NULL" CALL_FILTERS)
#define SAME_CALL_ROWS(sums) CALL_ROWS(sums, sums)

/* How many of a calibration sketch are in the highest class. */
#define HIGHEST(sketch)                                                                            \
    " sketch_count_between(" sketch ", json_extract(:classes, '$[#-1][0]'), 1001)"

/* ---- Figures ---- */

/* With LIMIT, the latest periods stay. */
#define TREND(figures)                                                                             \
    "SELECT strftime('%Y-%m-%d', start + :time_zone_offset_s, 'unixepoch'), environment, n,"       \
    " value, low, high, source, previous, value - previous,"                                       \
    " (value - previous) / NULLIF(previous, 0)"                                                    \
    " FROM (SELECT * FROM (SELECT *, CASE WHEN LAG(start) OVER w = start -" PERIOD_S               \
    "     THEN LAG(value) OVER w END AS previous FROM (" figures ")"                               \
    "     WINDOW w AS (PARTITION BY environment ORDER BY start))"                                  \
    "   WHERE start >= :since_day ORDER BY start DESC, environment LIMIT :limit)"                  \
    " ORDER BY start, environment"

/* What a figure was made from. */
#define EXACT  "'exact'"
#define SKETCH "'sketch'"

/* `value` and the ends of its interval of n and the other `sums` of a period's rows. */
#define FIGURE_WHERE(condition, source, value, low, high, sums, rows)                              \
    TREND("SELECT start, environment, n, " value " AS value, " low " AS low, " high                \
          " AS high, " source " AS source FROM (SELECT start, environment, " sums " FROM (" rows   \
          ") GROUP BY start, environment)" condition)

/* Of periods that have any. */
#define FIGURE_FROM(source, value, low, high, sums, rows)                                          \
    FIGURE_WHERE(" WHERE n > 0", source, value, low, high, sums, rows)
#define FIGURE_OF(value, low, high, sums, rows) FIGURE_FROM(EXACT, value, low, high, sums, rows)

/* s / n, of n events that each count as 1 or 0. */
#define RATE_FROM(source, rows)                                                                    \
    FIGURE_FROM(source, "s * 1.0 / n", "wilson_low(s, n)", "wilson_high(s, n)", NS("n", "s"), rows)
#define RATE_OF(rows) RATE_FROM(EXACT, rows)

/* s / n, s in units of 1 / scale. */
#define MEAN_OF(scale, rows) FIGURE_OF("s / (" scale " * n)", "NULL", "NULL", NS("n", "s"), rows)

/* s / d, likewise. */
#define RATIO_OF(scale, rows)                                                                      \
    FIGURE_OF("s / (" scale " * NULLIF(d, 0))", "NULL", "NULL", NSD("n", "s", "d"), rows)

/* s, likewise. */
#define SUM_OF(scale, rows) FIGURE_OF("s / " scale, "NULL", "NULL", NS("n", "s"), rows)

/* n; 0 on days that have other events. */
#define COUNT_OF(rows)                                                                             \
    FIGURE_WHERE("", EXACT, "n * 1.0", "NULL", "NULL", N("n"),                                     \
                 rows " UNION ALL " ROWS("0", "daily_summary", ""))

#define QUANTILE_OF(quantile, rows)                                                                \
    FIGURE_FROM(SKETCH, "sketch_quantile_ms(h, " quantile ")", "NULL", "NULL", NH("n", "h"), rows)

#define EXECUTION_TIME_OF(quantile)                                                                \
    QUANTILE_OF(quantile, ROWS(NH("execution_time_count", "success_time_hist, failure_time_hist"), \
                               "rollup_agents_day", AGENT_FILTERS))

#define LATENCY_OF(quantile)                                                                       \
    QUANTILE_OF(quantile, SAME_CALL_ROWS(NH("success_latency_count", "success_latency_hist")))

#define TIME_SHARE_OF(part)                                                                        \
    RATIO_OF("1.0", ROWS(NSD("total_time_count", part "_time_us_sum", "total_time_us_sum"),        \
                         "rollup_orchestrations_day", SUBJECT("execution_strategy")))

#define JOB_RATE_OF(jobs)                                                                          \
    RATE_OF(ROWS(NS("successful_jobs + failed_jobs + cancelled_jobs", jobs), "daily_summary", ""))

/* A score of all agents together over classes of confidence: tenths are counted by day already. */
#define IN_TENTHS " json_array_length(:classes) = 10"
/* clang-format off */
#define SCORE_OF(score)                                                                            \
    TREND("WITH " ALOG_CLASSES ","                                                                 \
          " p AS MATERIALIZED (SELECT start, environment, sketch_merge(whole) AS whole,"           \
          "   sketch_merge(yes) AS yes, sketch_merge(rest) AS rest FROM ("                         \
          ROWS(ALOG_CALIBRATION_SUMS, "rollup_calibration_day",                                    \
               " AND NOT" IN_TENTHS ONLY("agent_name"))                                            \
          ") GROUP BY start, environment),"                                                        \
          " k AS MATERIALIZED (SELECT start, environment," ALOG_CLASS_FIGURES " FROM p, e"         \
          "   UNION ALL SELECT" START ", environment, SUM(executions), SUM(successes),"            \
          "   SUM(confidence_e6_sum) FROM daily_calibration"                                       \
          "   WHERE" IN_TENTHS " AND" IN_DAYS ONLY("agent_name")                                   \
          "   GROUP BY start, environment, confidence_tenth),"                                     \
          " g AS (SELECT start, environment, n, successes, e6, SUM(n) OVER w AS total,"            \
          "   SUM(successes) OVER w AS total_successes FROM k"                                     \
          "   WINDOW w AS (PARTITION BY start, environment))"                                      \
          " SELECT start, environment, total AS n," score " AS value, NULL AS low, NULL AS high,"  \
          " " EXACT " AS source FROM g WHERE total > 0 GROUP BY start, environment")
/* clang-format on */

/* ---- The metrics ---- */

#define A ALOG_TAKES_AGENT
#define I ALOG_TAKES_ISSUE_TYPE
#define P ALOG_TAKES_PROVIDER
#define M ALOG_TAKES_MODEL
#define S ALOG_TAKES_SUBJECT
#define L ALOG_TAKES_MAX_LATENCY
#define C ALOG_TAKES_THRESHOLDS
#define B ALOG_TAKES_BINS

static const struct {
    struct alog_metric_info info;
    struct alog_query_form form;
} metrics[ALOG_METRIC_COUNT] = {
#define ALOG_TREND(id, name, unit, takes, needs, subject, doc, sql)                                \
    [ALOG_METRIC_##id] = {                                                                         \
        {(name), (doc), ALOG_COLUMN_##unit, (takes), (needs), (subject)},                          \
        ALOG_QUERY_FORM(sql, columns_##unit),                                                      \
    },
#include "trend_metrics.def"
};

const struct alog_metric_info *alog_metric_describe(enum alog_metric metric) {
    return (unsigned)metric < ALOG_METRIC_COUNT ? &metrics[metric].info : NULL;
}

const struct alog_query_form *alog_trend_form(enum alog_metric metric) {
    return (unsigned)metric < ALOG_METRIC_COUNT ? &metrics[metric].form : NULL;
}

/* ---- What is taken ---- */

static const struct {
    uint32_t bit;
    const char *name;
} filters[] = {{A, "agent_name"}, {I, "issue_type"},     {P, "provider_id"}, {M, "model"},
               {S, "subject"},    {L, "max_latency_ms"}, {C, "thresholds"},  {B, "bins"}};

static uint32_t given(const struct alog_query *query) {
    return (query->agent_name.data ? A : 0) | (query->issue_type.data ? I : 0) |
           (query->provider_id.data ? P : 0) | (query->model.data ? M : 0) |
           (query->subject.data ? S : 0) | (query->max_latency_ms.present ? L : 0) |
           (query->thresholds ? C : 0) | (query->bins != 0 ? B : 0);
}

bool alog_trend_takes(const struct alog_query *query, const char **ret_misplaced,
                      const char **ret_missing) {
    const struct alog_metric_info *info = alog_metric_describe(query->metric);
    *ret_misplaced = *ret_missing = NULL;
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        if (given(query) & ~info->takes & filters[i].bit) {
            *ret_misplaced = filters[i].name;
        }
        if (info->needs & ~given(query) & filters[i].bit) {
            *ret_missing = filters[i].name;
        }
    }
    return !*ret_misplaced && !*ret_missing;
}
