/* What providers and models did: availability, latency, tokens, cost. */
#include "query.h"

#define CALL_FILTERS "agent_name provider_id model"

/* The rows that are asked for, with what CALL_SUMS adds up. */
#define CALL_ROWS_WITH(more)                                                                       \
    " FROM {rollup_providers:" more                                                                \
    " provider_id, model, calls, successes, availability_failures,"                                \
    " execution_failures, cancelled, unclassified_failures, success_latency_count,"                \
    " success_latency_us_sum, retried_calls, fallbacks, input_tokens_sum, output_tokens_sum,"      \
    " cost_count, cost_nusd_sum, success_latency_hist / " CALL_FILTERS "}"
#define CALL_ROWS CALL_ROWS_WITH("")

#define CALL_SUMS                                                                                  \
    " SUM(calls) AS calls, SUM(successes) AS successes,"                                           \
    " SUM(availability_failures) AS not_run, SUM(execution_failures) AS execution_failures,"       \
    " SUM(cancelled) AS cancelled, SUM(unclassified_failures) AS unclassified,"                    \
    " SUM(success_latency_count) AS latency_count, SUM(success_latency_us_sum) AS latency_us,"     \
    " SUM(retried_calls) AS retried_calls, SUM(fallbacks) AS fallbacks,"                           \
    " SUM(input_tokens_sum) AS input_tokens, SUM(output_tokens_sum) AS output_tokens,"             \
    " SUM(cost_count) AS cost_count, SUM(cost_nusd_sum) AS cost_nusd,"                             \
    " sketch_merge(success_latency_hist) AS latency"

/* A call without a failure_class is not known to have failed to run, so it counts as having run. */
#define AVAILABILITY ALOG_QUERY_RATE("calls - cancelled - not_run", "calls - cancelled")

/* Successful calls whose latency is not known are neither fast nor slow. */
#define FAST_COUNT "calls - cancelled - (successes - latency_count)"

#define PERCENTILES                                                                                \
    " sketch_quantile_ms(latency, 0.5), sketch_quantile_ms(latency, 0.9),"                         \
    " sketch_quantile_ms(latency, 0.95), sketch_quantile_ms(latency, 0.99)"

#define PERCENTILE_COLUMNS                                                                         \
    {"latency_p50_ms", ALOG_COLUMN_MS, "median latency of successful calls, NULL without any"},    \
        {"latency_p90_ms", ALOG_COLUMN_MS, "90th percentile of it"},                               \
        {"latency_p95_ms", ALOG_COLUMN_MS, "95th percentile of it"}, {                             \
        "latency_p99_ms", ALOG_COLUMN_MS, "99th percentile of it"                                  \
    }

static const struct alog_column availability_columns[] = {
    {"provider_id", ALOG_COLUMN_TEXT, "the provider"},
    {"model", ALOG_COLUMN_TEXT, "the model; empty = not said"},
    {"calls", ALOG_COLUMN_INTEGER, "provider_performance events"},
    {"successes", ALOG_COLUMN_INTEGER, "of them, successful"},
    {"availability_failures", ALOG_COLUMN_INTEGER, "failed: never got to run"},
    {"execution_failures", ALOG_COLUMN_INTEGER, "failed: ran and gave a bad result"},
    {"cancelled", ALOG_COLUMN_INTEGER, "failed: cancelled"},
    {"unclassified_failures", ALOG_COLUMN_INTEGER,
     "failed without saying how; they count as having run"},
    {"not_cancelled", ALOG_COLUMN_INTEGER, "calls not cancelled: n of availability"},
    ALOG_RATE_COLUMNS("availability", "calls that got to run / calls not cancelled"),
    ALOG_RATE_COLUMNS("success_rate", "successes / calls"),
    {"fast_enough", ALOG_COLUMN_INTEGER,
     "successful calls of at most the latency asked for; NULL when none was asked for"},
    {"fast_enough_count", ALOG_COLUMN_INTEGER,
     "its n: calls not cancelled, without successful ones of unknown latency"},
    ALOG_RATE_COLUMNS("fast_enough_rate",
                      "available and fast enough: slow calls are failures here"),
    {"latency_source", ALOG_COLUMN_TEXT,
     "what fast_enough was counted from: exact (a threshold of the ingest) or sketch (within 1.1 "
     "%)"},
    PERCENTILE_COLUMNS,
    {"latest_day", ALOG_COLUMN_TEXT,
     "its last day with calls in the window, YYYY-MM-DD; NULL when it was silent from eight days "
     "before the last of all calls on: then nothing is judged"},
    {"latest_calls", ALOG_COLUMN_INTEGER, "calls of that day that were not cancelled"},
    {"latest_p95_ms", ALOG_COLUMN_MS, "latency_p95_ms of that day"},
    {"trailing_p95_ms", ALOG_COLUMN_MS,
     "median of the same over the days with calls among the 7 before it; NULL without any"},
    ALOG_RATE_COLUMNS("latest_availability", "availability of that day, of latest_calls"),
    {"trailing_days", ALOG_COLUMN_INTEGER, "how many those days are: n of the next"},
    {"trailing_availability", ALOG_COLUMN_RATE,
     "median of the availability of those days; no interval, since it is no rate of a count"},
    {"degraded", ALOG_COLUMN_BOOL,
     "that day's p95 is above 1.5 times the trailing one, or its availability's interval is below "
     "the "
     "trailing one; NULL when the day has fewer than min_count calls or there is nothing to "
     "compare"},
};

/* By day, for what is compared with the days before. */
/* clang-format off */
static const char availability_head[] =
    "WITH v AS (SELECT provider_id, model, day_epoch, SUM(calls - cancelled) AS n,"
    "   SUM(calls - cancelled - availability_failures) AS ran,"
    "   sketch_quantile_ms(sketch_merge(success_latency_hist), 0.95) AS p95"
    "   FROM rollup_providers_day WHERE" ALOG_QUERY_ENVIRONMENTS
    "   AND day_epoch >= (SELECT MAX(day_epoch) - 8 * 86400 FROM daily_providers"
    "     WHERE" ALOG_QUERY_ENVIRONMENTS " AND day_epoch < :until_day)"
    "   AND day_epoch < :until_day"
    "   AND (:agent_name IS NULL OR agent_name = :agent_name)"
    "   AND (:provider_id IS NULL OR provider_id = :provider_id)"
    "   AND (:model IS NULL OR model = :model)"
    "   GROUP BY provider_id, model, day_epoch HAVING n > 0),"
    " m AS (SELECT provider_id, model, MAX(day_epoch) AS day_epoch FROM v"
    "   WHERE day_epoch >= :since_day GROUP BY provider_id, model),"
    " d AS (SELECT m.provider_id, m.model, m.day_epoch, n AS latest_n, ran AS latest_ran,"
    "   p95 AS latest_p95,"
    "   (SELECT median(p95) FROM v b WHERE b.provider_id = m.provider_id AND b.model = m.model"
    "     AND b.day_epoch >= m.day_epoch - 7 * 86400 AND b.day_epoch < m.day_epoch)"
    "     AS trailing_p95,"
    "   (SELECT median(ran * 1.0 / n) FROM v b WHERE b.provider_id = m.provider_id"
    "     AND b.model = m.model AND b.day_epoch >= m.day_epoch - 7 * 86400"
    "     AND b.day_epoch < m.day_epoch) AS trailing_rate,"
    "   (SELECT COUNT(*) FROM v b WHERE b.provider_id = m.provider_id AND b.model = m.model"
    "     AND b.day_epoch >= m.day_epoch - 7 * 86400 AND b.day_epoch < m.day_epoch)"
    "     AS trailing_days"
    "   FROM m JOIN v USING (provider_id, model, day_epoch))";

static const char availability_sql[] =
    " SELECT provider_id, model, calls, successes, not_run, execution_failures, cancelled,"
    " unclassified, calls - cancelled,"
      AVAILABILITY ","
      ALOG_QUERY_RATE("successes", "calls") ","
    " fast, fast_count,"
      ALOG_QUERY_RATE("fast", "fast_count") ","
    " CASE WHEN :max_latency_ms IS NOT NULL THEN"
    "   CASE WHEN :latency_bands > 0 THEN 'exact' ELSE 'sketch' END END,"
      PERCENTILES ","
    " strftime('%Y-%m-%d', day_epoch + :time_zone_offset_s, 'unixepoch'), latest_n, latest_p95,"
    " trailing_p95," ALOG_QUERY_RATE("latest_ran", "latest_n") ", trailing_days, trailing_rate,"
    " CASE WHEN latest_n >= :min_count AND trailing_rate IS NOT NULL THEN"
    "   COALESCE(latest_p95 > 1.5 * trailing_p95, 0)"
    "   OR wilson_high(latest_ran, latest_n) < trailing_rate END"
    " FROM (SELECT *, CASE WHEN :latency_bands > 0 THEN in_bands"
    "     ELSE sketch_count_until_ms(latency, :max_latency_ms) END AS fast,"
    "   CASE WHEN :max_latency_ms IS NOT NULL THEN " FAST_COUNT " END AS fast_count"
    "   FROM (SELECT provider_id, model, SUM(" ALOG_IN_BANDS ") AS in_bands," CALL_SUMS
          CALL_ROWS_WITH(" success_band_1, success_band_2, success_band_3, success_band_4,"
                         " success_band_5, success_band_6, success_band_7, success_band_8,")
    "     GROUP BY provider_id, model))"
    " LEFT JOIN d USING (provider_id, model)"
    " ORDER BY calls DESC, provider_id, model LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_availability =
    ALOG_QUERY_LONG_FORM(availability_head, availability_sql, availability_columns);

static const struct alog_column providers_columns[] = {
    {"provider_id", ALOG_COLUMN_TEXT, "the provider"},
    {"models", ALOG_COLUMN_INTEGER, "different models called"},
    {"calls", ALOG_COLUMN_INTEGER, "provider_performance events: n"},
    {"successes", ALOG_COLUMN_INTEGER, "of them, successful"},
    ALOG_RATE_COLUMNS("success_rate", "successes / calls"),
    {"not_cancelled", ALOG_COLUMN_INTEGER, "calls not cancelled: n of availability"},
    ALOG_RATE_COLUMNS("availability", "calls that got to run / calls not cancelled"),
    {"avg_latency_ms", ALOG_COLUMN_MS, "mean latency of successful calls, NULL without any"},
    PERCENTILE_COLUMNS,
    {"retried_calls", ALOG_COLUMN_INTEGER, "calls that were tried before"},
    {"fallbacks", ALOG_COLUMN_INTEGER, "calls made in place of another provider's"},
    {"input_tokens", ALOG_COLUMN_INTEGER, "tokens sent"},
    {"output_tokens", ALOG_COLUMN_INTEGER, "tokens received"},
    {"cost_usd", ALOG_COLUMN_USD, "what the calls cost, NULL when none said"},
};

/* clang-format off */
static const char providers_sql[] =
    "SELECT provider_id, models, calls, successes,"
      ALOG_QUERY_RATE("successes", "calls") ","
    " calls - cancelled,"
      AVAILABILITY ","
      ALOG_QUERY_MEAN_MS("latency_us", "latency_count") ","
      PERCENTILES ","
    " retried_calls, fallbacks, input_tokens, output_tokens,"
      ALOG_QUERY_USD("cost_nusd", "cost_count")
    " FROM (SELECT provider_id, COUNT(DISTINCT NULLIF(model, '')) AS models," CALL_SUMS
      CALL_ROWS
    "   GROUP BY provider_id)"
    " ORDER BY calls DESC, provider_id LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_providers =
    ALOG_QUERY_FORM(providers_sql, providers_columns);

static const struct alog_column models_columns[] = {
    {"model", ALOG_COLUMN_TEXT, "the model; empty = not said"},
    {"calls", ALOG_COLUMN_INTEGER, "provider_performance events: n of success_rate"},
    {"successes", ALOG_COLUMN_INTEGER, "of them, successful"},
    ALOG_RATE_COLUMNS("success_rate", "successes / calls"),
    {"avg_latency_ms", ALOG_COLUMN_MS, "mean latency of successful calls, NULL without any"},
    PERCENTILE_COLUMNS,
    {"input_tokens", ALOG_COLUMN_INTEGER, "tokens sent"},
    {"output_tokens", ALOG_COLUMN_INTEGER, "tokens received"},
    {"cost_usd", ALOG_COLUMN_USD, "what the calls cost, NULL when none said"},
    {"cost_per_success_usd", ALOG_COLUMN_USD, "cost_usd / successes"},
    {"tokens_per_success", ALOG_COLUMN_REAL, "tokens sent and received / successes"},
    {"executions", ALOG_COLUMN_INTEGER, "agent_execution events with the model: n of the next"},
    {"execution_successes", ALOG_COLUMN_INTEGER, "of them, successful"},
    ALOG_RATE_COLUMNS("execution_success_rate", "execution_successes / executions"),
};

/* Either kind of event may be the only one that names a model. */
/* clang-format off */
static const char models_sql[] =
    "WITH c AS (SELECT model," CALL_SUMS
      CALL_ROWS
    "   GROUP BY model),"
    " e AS (SELECT model, SUM(executions) AS executions, SUM(successes) AS execution_successes"
    "   FROM {rollup_agents: model, executions, successes / agent_name provider_id model}"
    "   GROUP BY model)"
    " SELECT model, COALESCE(calls, 0), COALESCE(successes, 0),"
      ALOG_QUERY_RATE("successes", "calls") ","
      ALOG_QUERY_MEAN_MS("latency_us", "latency_count") ","
      PERCENTILES ","
    " COALESCE(input_tokens, 0), COALESCE(output_tokens, 0),"
      ALOG_QUERY_USD("cost_nusd", "cost_count") ","
      ALOG_QUERY_USD("cost_nusd", "cost_count") " / NULLIF(successes, 0),"
    " (input_tokens + output_tokens) * 1.0 / NULLIF(successes, 0),"
    " COALESCE(executions, 0), COALESCE(execution_successes, 0),"
      ALOG_QUERY_RATE("execution_successes", "executions")
    " FROM (SELECT model FROM c UNION SELECT model FROM e)"
    " LEFT JOIN c USING (model) LEFT JOIN e USING (model)"
    " ORDER BY COALESCE(calls, 0) + COALESCE(executions, 0) DESC, model LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_models = ALOG_QUERY_FORM(models_sql, models_columns);

static const struct alog_column fallbacks_columns[] = {
    {"fallback_from", ALOG_COLUMN_TEXT, "the provider that was replaced"},
    {"provider_id", ALOG_COLUMN_TEXT, "the provider called in its place"},
    {"fallback_reason", ALOG_COLUMN_TEXT, "why; empty = not said"},
    {"calls", ALOG_COLUMN_INTEGER, "such calls: n"},
    ALOG_SHARE_COLUMNS("calls", "all fallbacks in the window"),
    {"successes", ALOG_COLUMN_INTEGER, "of them, successful"},
    ALOG_RATE_COLUMNS("success_rate", "successes / calls"),
    {"avg_latency_ms", ALOG_COLUMN_MS, "mean latency of the replacing calls, NULL without any"},
};

/* clang-format off */
static const char fallbacks_sql[] =
    "SELECT fallback_from, provider_id, fallback_reason, calls," ALOG_QUERY_SHARE("calls", "") ","
    " successes," ALOG_QUERY_RATE("successes", "calls") ","
      ALOG_QUERY_MEAN_MS("latency_us", "latency_count")
    " FROM (SELECT fallback_from, provider_id, fallback_reason, SUM(calls) AS calls,"
    "   SUM(successes) AS successes, SUM(latency_count) AS latency_count,"
    "   SUM(latency_us_sum) AS latency_us"
    "   FROM {rollup_fallbacks: fallback_from, provider_id, fallback_reason, calls, successes,"
    "     latency_count, latency_us_sum / provider_id}"
    "   GROUP BY fallback_from, provider_id, fallback_reason)"
    " ORDER BY calls DESC, fallback_from, provider_id, fallback_reason LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_fallbacks =
    ALOG_QUERY_FORM(fallbacks_sql, fallbacks_columns);
