/* What providers and models did: availability, latency, tokens, cost. */
#include "query.h"

#define CALL_ROWS                                                                                  \
    " FROM rollup_providers" ALOG_QUERY_WINDOW ALOG_QUERY_FILTER("agent_name")                     \
        ALOG_QUERY_FILTER("provider_id") ALOG_QUERY_FILTER("model")

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
     "what fast_enough was counted from: sketch (within 1.1 %)"},
    PERCENTILE_COLUMNS,
};

/* clang-format off */
static const char availability_sql[] =
    "SELECT provider_id, model, calls, successes, not_run, execution_failures, cancelled,"
    " unclassified, calls - cancelled,"
      AVAILABILITY ","
      ALOG_QUERY_RATE("successes", "calls") ","
    " fast, fast_count,"
      ALOG_QUERY_RATE("fast", "fast_count") ","
    " CASE WHEN :max_latency_ms IS NOT NULL THEN 'sketch' END,"
      PERCENTILES
    " FROM (SELECT *, sketch_count_until_ms(latency, :max_latency_ms) AS fast,"
    "   CASE WHEN :max_latency_ms IS NOT NULL THEN " FAST_COUNT " END AS fast_count"
    "   FROM (SELECT provider_id, model," CALL_SUMS
          CALL_ROWS
    "     GROUP BY provider_id, model))"
    " ORDER BY calls DESC, provider_id, model LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_availability =
    ALOG_QUERY_FORM(availability_sql, availability_columns);

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
    "   FROM rollup_agents" ALOG_QUERY_WINDOW
      ALOG_QUERY_FILTER("agent_name") ALOG_QUERY_FILTER("provider_id") ALOG_QUERY_FILTER("model")
    "   GROUP BY model)"
    " SELECT model, COALESCE(calls, 0), COALESCE(successes, 0),"
      ALOG_QUERY_RATE("successes", "calls") ","
      ALOG_QUERY_MEAN_MS("latency_us", "latency_count") ","
      PERCENTILES ","
    " COALESCE(input_tokens, 0), COALESCE(output_tokens, 0),"
      ALOG_QUERY_USD("cost_nusd", "cost_count") ","
      ALOG_QUERY_USD("cost_nusd", "cost_count") " / NULLIF(successes, 0),"
    " COALESCE(executions, 0), COALESCE(execution_successes, 0),"
      ALOG_QUERY_RATE("execution_successes", "executions")
    " FROM (SELECT model FROM c UNION SELECT model FROM e)"
    " LEFT JOIN c USING (model) LEFT JOIN e USING (model)"
    " ORDER BY COALESCE(calls, 0) + COALESCE(executions, 0) DESC, model LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_models = ALOG_QUERY_FORM(models_sql, models_columns);
