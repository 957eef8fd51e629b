/* availability, providers and models, against figures computed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/database_fixture.h"
#include "support/scratch_dir.h"

/* acme/m: 20 calls in two hours and by two agents; acme/n: never any latency or cost; b: cancelled
 * calls only. */
static const char rows[] =
    "INSERT INTO rollup_providers (hour_epoch, environment, provider_id, model, agent_name, calls, "
    "successes, availability_failures, execution_failures, cancelled, unclassified_failures, "
    "success_latency_count, success_latency_us_sum, failure_latency_count, failure_latency_us_sum, "
    "success_latency_hist, failure_latency_hist, retried_calls, retry_count_sum, fallbacks, "
    "input_tokens_sum, output_tokens_sum, cost_count, cost_nusd_sum, not_finite) VALUES"
    " (:day, 'production', 'acme', 'm', 'Fix', 12, 6, 3, 1, 1, 1, 4, 10000000, 2, 30,"
    "  sketch(1000000, 2000000, 3000000, 4000000), sketch(10, 20), 2, 5, 1, 600, 60, 6,"
    "  1234567890, 0),"
    " (:day + 3600, 'production', 'acme', 'm', '', 8, 8, 0, 0, 0, 0, 6, 54000000, 0, 0,"
    "  sketch(5000000, 7000000, 8000000, 9000000, 10000000, 15000000), x'', 0, 0, 0, 400, 40, 2,"
    "  3, 0),"
    " (:day, 'production', 'acme', 'n', 'Fix', 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, x'', x'', 0, 0, 0, 9,"
    "  9, 0, 0, 0),"
    " (:day, 'production', 'b', '', '', 2, 0, 0, 0, 2, 0, 0, 0, 0, 0, x'', x'', 0, 0, 2, 0, 0, 0,"
    "  0, 0);"
    "INSERT INTO rollup_agents (hour_epoch, environment, agent_name, issue_type, provider_id, "
    "model, executions, successes, confidence_count, confidence_e6_sum, confidence_success_e6_sum, "
    "confidence_square_e9_sum, fixes_applied_sum, files_modified_sum, remaining_issues_sum, "
    "execution_time_count, execution_time_us_sum, success_time_hist, failure_time_hist, retries, "
    "not_finite) VALUES"
    " (:day, 'production', 'Fix', 'lint', 'acme', 'm', 5, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, x'', x'', "
    "0, 0),"
    " (:day, 'production', 'Fix', 'lint', '', 'solo', 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, x'', x'', "
    "0, 0);"
    "INSERT INTO rollup_events VALUES (:day, 'production', 'provider_performance', 25, 0);"
    "INSERT INTO dirty_days VALUES ('production', :day);";

static const struct {
    const char *name;
    struct alog_query query;
    const char *columns;
    const char *expected;
} cases[] = {
    {"how calls ended",
     {.kind = ALOG_QUERY_AVAILABILITY},
     "provider_id model calls successes availability_failures execution_failures cancelled "
     "unclassified_failures not_cancelled",
     "acme|m|20|14|3|1|1|1|19\n"
     "acme|n|3|3|0|0|0|0|3\n"
     "b||2|0|0|0|2|0|0\n"},
    {"availability is of calls not cancelled; without such it is NULL",
     {.kind = ALOG_QUERY_AVAILABILITY},
     "availability availability_low availability_high success_rate",
     "0.842105|0.624345|0.944795|0.7\n"
     "1|0.438503|1|1\n"
     "-|-|-|0\n"},
    {"no limit asked for, no answer on it",
     {.kind = ALOG_QUERY_AVAILABILITY},
     "fast_enough fast_enough_count fast_enough_rate fast_enough_rate_low latency_source",
     "-|-|-|-|-\n-|-|-|-|-\n-|-|-|-|-\n"},
    {"slow and failed calls are in the denominator, those of unknown latency in neither",
     {.kind = ALOG_QUERY_AVAILABILITY, .max_latency_ms = {4500, true}},
     "fast_enough fast_enough_count fast_enough_rate latency_source",
     "4|15|0.266667|sketch\n0|0|-|sketch\n0|0|-|sketch\n"},
    {"everything is fast enough",
     {.kind = ALOG_QUERY_AVAILABILITY, .max_latency_ms = {1e12, true}, .model = {"m", 1}},
     "fast_enough fast_enough_count",
     "10|15\n"},
    {"by model",
     {.kind = ALOG_QUERY_AVAILABILITY, .model = {"n", 1}},
     "provider_id calls",
     "acme|3\n"},
    {"by agent",
     {.kind = ALOG_QUERY_AVAILABILITY, .agent_name = {"Fix", 3}},
     "provider_id model calls",
     "acme|m|12\nacme|n|3\n"},
    {"providers",
     {.kind = ALOG_QUERY_PROVIDERS},
     "provider_id models calls successes success_rate not_cancelled availability avg_latency_ms "
     "retried_calls fallbacks",
     "acme|2|23|17|0.73913|22|0.863636|6400|2|1\n"
     "b|0|2|0|0|0|-|-|0|2\n"},
    {"providers' tokens and cost: NULL when no call says",
     {.kind = ALOG_QUERY_PROVIDERS},
     "input_tokens output_tokens cost_usd",
     "1009|109|1.23457\n0|0|-\n"},
    {"one provider",
     {.kind = ALOG_QUERY_PROVIDERS, .provider_id = {"b", 1}},
     "provider_id calls",
     "b|2\n"},
    {"models of calls and of executions",
     {.kind = ALOG_QUERY_MODELS},
     "model calls successes success_rate executions execution_successes execution_success_rate",
     "m|20|14|0.7|5|4|0.8\n"
     "n|3|3|1|0|0|-\n"
     "solo|0|0|-|3|0|0\n"
     "|2|0|0|0|0|-\n"},
    {"models' money",
     {.kind = ALOG_QUERY_MODELS},
     "input_tokens output_tokens cost_usd cost_per_success_usd avg_latency_ms",
     "1000|100|1.23457|0.0881834|6400\n"
     "9|9|-|-|-\n"
     "0|0|-|-|-\n"
     "0|0|-|-|-\n"},
    {"models of one provider",
     {.kind = ALOG_QUERY_MODELS, .provider_id = {"acme", 4}, .model = {"m", 1}},
     "model calls executions",
     "m|20|5\n"},
};

static void test_answers(void **state) {
    char *path = fixture_database_fill(*state, 0, rows);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("%s\n", cases[i].name);
        char *text = fixture_ask(path, &cases[i].query, cases[i].columns);
        assert_string_equal(text, cases[i].expected);
        free(text);
    }
    free(path);
}

/* Hours merge: the quantiles are those of all ten latencies, failed calls' not among them. */
static void test_percentiles(void **state) {
    static const struct {
        const char *column;
        double expected;
    } percentiles[] = {
        {"latency_p50_ms", 5000},
        {"latency_p90_ms", 10000},
        {"latency_p95_ms", 15000},
        {"latency_p99_ms", 15000},
    };
    static const enum alog_query_kind kinds[] = {ALOG_QUERY_AVAILABILITY, ALOG_QUERY_PROVIDERS,
                                                 ALOG_QUERY_MODELS};
    char *path = fixture_database_fill(*state, 0, rows);
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        for (size_t i = 0; i < sizeof(percentiles) / sizeof(percentiles[0]); i++) {
            struct alog_query query = {.kind = kinds[k]};
            double actual = fixture_ask_real(path, &query, 0, percentiles[i].column);
            fixture_assert_near(actual, percentiles[i].expected);
        }
    }
    free(path);
}

/* A double holds every sum below nine million dollars to the billionth. */
static void test_money_is_exact(void **state) {
    char *path = fixture_database_fill(*state, 0, rows);
    struct alog_query query = {.kind = ALOG_QUERY_PROVIDERS};
    assert_true(fixture_ask_real(path, &query, 0, "cost_usd") == 1.234567893);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, scratch_dir_set_up, scratch_dir_tear_down),
        cmocka_unit_test_setup_teardown(test_percentiles, scratch_dir_set_up,
                                        scratch_dir_tear_down),
        cmocka_unit_test_setup_teardown(test_money_is_exact, scratch_dir_set_up,
                                        scratch_dir_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
