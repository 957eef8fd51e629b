#include "summarise_sql.h"

/* The rows of a rollup that belong to the day. */
#define OF_THE_DAY                                                                                 \
    " WHERE environment = :env AND hour_epoch >= :bucket AND hour_epoch < :bucket_end"

/* The rows of a rollup's level that are the day. */
#define IS_THE_DAY " WHERE environment = :env AND day_epoch = :bucket"

/* The writers' own events are no one's work. */
#define NOT_THE_WRITERS " AND event NOT IN ('writer_loss', 'writer_stats')"

/* The first columns of every daily table. */
#define DAY " :day, :bucket, :env"

/* Each part is one row, also when the day has nothing of it. */
static const char daily_summary[] =
    "INSERT INTO daily_summary WITH"
    " e AS (SELECT COALESCE(SUM(events), 0) AS events FROM rollup_events" OF_THE_DAY NOT_THE_WRITERS
    "),"
    " l AS (SELECT COALESCE(SUM(events_lost), 0) AS lost FROM losses" OF_THE_DAY "),"
    " j AS (SELECT COALESCE(SUM(seen), 0) AS seen, COALESCE(SUM(jobs), 0) AS total,"
    " COALESCE(SUM(successful_jobs), 0) AS successful, COALESCE(SUM(failed_jobs), 0) AS failed,"
    " COALESCE(SUM(cancelled_jobs), 0) AS cancelled, COALESCE(SUM(ended_jobs), 0) AS ended,"
    " COALESCE(SUM(timed_jobs), 0) AS timed, COALESCE(SUM(duration_us_sum), 0) AS duration_us,"
    " COALESCE(SUM(ai_jobs), 0) AS ai_jobs, COALESCE(SUM(ai_successful_jobs), 0) AS ai_fixes,"
    " COALESCE(SUM(iterations_count), 0) AS iterations_n,"
    " COALESCE(SUM(iterations_sum), 0) AS iterations,"
    " COALESCE(SUM(orchestrated_jobs), 0) AS orchestrated FROM rollup_jobs" IS_THE_DAY "),"
    " r AS (SELECT COALESCE(SUM(errors), 0) AS total,"
    " COALESCE(SUM(errors) FILTER (WHERE error_type = 'hook'), 0) AS hook,"
    " COALESCE(SUM(errors) FILTER (WHERE error_type = 'test'), 0) AS test,"
    " COALESCE(SUM(errors) FILTER (WHERE error_type = 'lint'), 0) AS lint,"
    " COALESCE(SUM(errors) FILTER (WHERE error_type = 'type_check'), 0) AS type_check"
    " FROM rollup_errors_day" IS_THE_DAY "),"
    " o AS (SELECT SUM(iteration_count_sum) AS iterations, SUM(iteration_count_count) AS n"
    " FROM rollup_orchestrations_day" IS_THE_DAY "),"
    " s AS (SELECT selected_strategy AS strategy, SUM(decisions) AS decisions,"
    " SUM(effectiveness_count) AS n, SUM(effectiveness_e6_sum) AS e6"
    " FROM rollup_strategies_day" IS_THE_DAY
    " AND selected_strategy <> '_OTHER' GROUP BY selected_strategy),"
    " a AS (SELECT COALESCE(SUM(executions), 0) AS executions,"
    " COALESCE(SUM(successes), 0) AS successes FROM rollup_agents_day" IS_THE_DAY "),"
    " p AS (SELECT COALESCE(SUM(calls), 0) AS calls, COALESCE(SUM(successes), 0) AS successes,"
    " COALESCE(SUM(availability_failures), 0) AS not_run,"
    " COALESCE(SUM(cancelled), 0) AS cancelled,"
    " COALESCE(SUM(input_tokens_sum), 0) AS sent,"
    " COALESCE(SUM(output_tokens_sum), 0) AS received,"
    " COALESCE(SUM(cost_nusd_sum), 0) AS nusd, SUM(cost_count) AS costs,"
    " sketch_merge(success_latency_hist) AS latency"
    " FROM rollup_providers_day" IS_THE_DAY "),"
    " h AS (SELECT COALESCE(SUM(runs), 0) AS runs, COALESCE(SUM(failures), 0) AS failures"
    " FROM rollup_hooks_day" IS_THE_DAY "),"
    " t AS (SELECT COALESCE(SUM(passed + failed + errors), 0) AS runs,"
    " COALESCE(SUM(failed + errors), 0) AS failures FROM rollup_tests_day" IS_THE_DAY ")"
    " SELECT" DAY ","
    " j.total, j.successful, j.failed, j.cancelled,"
    " j.ended, j.timed, j.duration_us, j.duration_us / (1000.0 * NULLIF(j.timed, 0)),"
    " j.ai_jobs, j.iterations_n, j.iterations,"
    " r.total, r.hook, r.test, r.lint, r.type_check,"
    " j.ai_fixes, j.orchestrated, o.iterations * 1.0 / NULLIF(o.n, 0),"
    " (SELECT strategy FROM s ORDER BY decisions DESC, strategy LIMIT 1),"
    " (SELECT strategy FROM s WHERE n >= 5 ORDER BY e6 * 1.0 / n DESC, strategy LIMIT 1),"
    " a.executions, a.successes, a.successes * 1.0 / NULLIF(a.executions, 0),"
    " p.calls, p.successes,"
    " (p.calls - p.cancelled - p.not_run) * 1.0 / NULLIF(p.calls - p.cancelled, 0),"
    " sketch_quantile_ms(p.latency, 0.5), sketch_quantile_ms(p.latency, 0.9),"
    " sketch_quantile_ms(p.latency, 0.95), sketch_quantile_ms(p.latency, 0.99),"
    " p.sent, p.received, p.nusd,"
    " CASE WHEN p.costs > 0 THEN p.nusd / 1e9 END,"
    " h.runs, h.failures, t.runs, t.failures, e.events, l.lost"
    " FROM e, l, j, r, o, a, p, h, t"
    " WHERE e.events > 0 OR l.lost > 0 OR j.seen > 0";

static const char daily_events[] =
    "INSERT INTO daily_events"
    " SELECT" DAY ", event, SUM(events), SUM(without_job)"
    " FROM rollup_events" OF_THE_DAY NOT_THE_WRITERS " GROUP BY event";

static const char daily_agents[] =
    "INSERT INTO daily_agents"
    " SELECT" DAY ", agent_name, issue_type, executions, successes,"
    " successes * 1.0 / NULLIF(executions, 0),"
    " wilson_low(successes, executions), wilson_high(successes, executions),"
    " confidence_e6 / (1e6 * NULLIF(confidence_count, 0)), fixes_applied, time_us,"
    " sketch_quantile_ms(time_hist, 0.5), sketch_quantile_ms(time_hist, 0.95)"
    " FROM (SELECT agent_name, issue_type,"
    " SUM(executions) AS executions, SUM(successes) AS successes,"
    " SUM(confidence_count) AS confidence_count,"
    " SUM(confidence_e6_sum) AS confidence_e6,"
    " SUM(fixes_applied_sum) AS fixes_applied, SUM(execution_time_us_sum) AS time_us,"
    " sketch_merge(success_time_hist, failure_time_hist) AS time_hist"
    " FROM rollup_agents_day" IS_THE_DAY " GROUP BY agent_name, issue_type)";

static const char daily_providers[] =
    "INSERT INTO daily_providers"
    " SELECT" DAY ", provider_id, model, calls, successes,"
    " not_run, execution_failures, cancelled, unclassified,"
    " (calls - cancelled - not_run) * 1.0 / NULLIF(calls - cancelled, 0),"
    " wilson_low(calls - cancelled - not_run, calls - cancelled),"
    " wilson_high(calls - cancelled - not_run, calls - cancelled),"
    " sketch_quantile_ms(latency, 0.5), sketch_quantile_ms(latency, 0.9),"
    " sketch_quantile_ms(latency, 0.95), sketch_quantile_ms(latency, 0.99),"
    " retried_calls, fallbacks, input_tokens, output_tokens, cost_nusd, costs, timed, latency"
    " FROM (SELECT provider_id, model, SUM(calls) AS calls, SUM(successes) AS successes,"
    " SUM(availability_failures) AS not_run,"
    " SUM(execution_failures) AS execution_failures, SUM(cancelled) AS cancelled,"
    " SUM(unclassified_failures) AS unclassified,"
    " sketch_merge(success_latency_hist) AS latency,"
    " SUM(retried_calls) AS retried_calls, SUM(fallbacks) AS fallbacks,"
    " SUM(input_tokens_sum) AS input_tokens, SUM(output_tokens_sum) AS output_tokens,"
    " SUM(cost_nusd_sum) AS cost_nusd, SUM(cost_count) AS costs,"
    " SUM(success_latency_count) AS timed"
    " FROM rollup_providers_day" IS_THE_DAY " GROUP BY provider_id, model)";

static const char daily_strategies[] =
    "INSERT INTO daily_strategies"
    " SELECT" DAY ", selected_strategy, SUM(decisions), SUM(effectiveness_count),"
    " SUM(effectiveness_e6_sum), SUM(effectiveness_e6_sum) / (1e6 * "
    "NULLIF(SUM(effectiveness_count), 0))"
    " FROM rollup_strategies_day" IS_THE_DAY " GROUP BY selected_strategy";

static const char daily_calibration[] =
    "INSERT INTO daily_calibration"
    " WITH RECURSIVE t (tenth) AS (SELECT 0 UNION ALL SELECT tenth + 1 FROM t WHERE tenth < 9),"
    " c AS (SELECT agent_name, tenth, success_hist AS yes, failure_hist AS no, rest_hist AS rest,"
    " tenth * 100 AS low, CASE tenth WHEN 9 THEN 1001 ELSE tenth * 100 + 100 END AS high"
    " FROM rollup_calibration_day, t" IS_THE_DAY ")"
    " SELECT" DAY ", agent_name, tenth,"
    " sketch_count_between(yes, low, high) + sketch_count_between(no, low, high) AS n,"
    " sketch_count_between(yes, low, high),"
    " (sketch_sum_between(yes, low, high) + sketch_sum_between(no, low, high)) * 1000"
    " + sketch_count_between(rest, low, high)"
    " FROM c WHERE sketch_count_between(yes, low, high) + sketch_count_between(no, low, high) > 0";

static const char daily_hooks[] =
    "INSERT INTO daily_hooks"
    " SELECT" DAY ", hook_name, hook_type, runs, successes, failures, skips, time_us,"
    " sketch_quantile_ms(time_hist, 0.5), sketch_quantile_ms(time_hist, 0.95)"
    " FROM (SELECT hook_name, hook_type, SUM(runs) AS runs, SUM(successes) AS successes,"
    " SUM(failures) AS failures, SUM(skips) AS skips,"
    " SUM(execution_time_us_sum) AS time_us, sketch_merge(time_hist) AS time_hist"
    " FROM rollup_hooks_day" IS_THE_DAY " GROUP BY hook_name, hook_type)";

static const char daily_tests[] =
    "INSERT INTO daily_tests"
    " SELECT" DAY ", test_id, SUM(passed), SUM(failed), SUM(skipped), SUM(errors),"
    " SUM(execution_time_us_sum)"
    " FROM rollup_tests_day" IS_THE_DAY " GROUP BY test_id";

static const char daily_errors[] =
    "INSERT INTO daily_errors"
    " SELECT" DAY ", error_type, error_category, SUM(errors), MIN(first_ns), MAX(last_ns),"
    " earliest_text(first_ns, sample)"
    " FROM rollup_errors_day" IS_THE_DAY " GROUP BY error_type, error_category";

const struct alog_daily_table *alog_daily_tables(void) {
    static const struct alog_daily_table tables[] = {
        {"daily_summary", daily_summary},       {"daily_events", daily_events},
        {"daily_agents", daily_agents},         {"daily_providers", daily_providers},
        {"daily_strategies", daily_strategies}, {"daily_calibration", daily_calibration},
        {"daily_hooks", daily_hooks},           {"daily_tests", daily_tests},
        {"daily_errors", daily_errors},         {NULL, NULL},
    };
    return tables;
}
