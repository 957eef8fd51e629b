/* The views for other tools say what the questions say. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "aggregator/sql_text.h"
#include "aggregator/wilson.h"
#include "support/database_fixture.h"
#include "support/ingest_fixture.h"
#include "support/scratch_dir.h"

static char db_path[300];
static char *scratch;

static int set_up(void **state) {
    (void)state;
    char log[300];
    scratch = scratch_dir_make();
    snprintf(log, sizeof(log), "%s/log", scratch);
    snprintf(db_path, sizeof(db_path), "%s/a.db", scratch);
    ingest_fixture_make_log(log, test_random_seed(21), 2, 3, 2, 300);
    ingest_fixture_ingest(log, db_path, 1, NULL);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    scratch_dir_remove(scratch);
    return 0;
}

static const struct {
    const char *name;
    struct alog_query query;
    const char *columns; /* of the question */
    const char *view;    /* what should be the same rows */
} cases[] = {
    {"availability",
     {.kind = ALOG_QUERY_AVAILABILITY},
     "provider_id model calls successes availability_failures execution_failures cancelled "
     "not_cancelled availability availability_low availability_high",
     "SELECT provider_id, model, calls, successes, availability_failures, execution_failures,"
     " cancelled, not_cancelled, availability, availability_low, availability_high"
     " FROM v_availability"
     " WHERE environment = 'production'"},
    {"agents with providers",
     {.kind = ALOG_QUERY_AGENTS_PROVIDERS},
     "agent_name provider_id executions successes success_rate success_rate_low success_rate_high "
     "other_executions other_success_rate other_success_rate_low other_success_rate_high "
     "difference",
     /* The question also has those that only provider calls name. */
     "SELECT agent_name, provider_id, executions, successes, success_rate, success_rate_low,"
     " success_rate_high, other_executions, other_success_rate, other_success_rate_low,"
     " other_success_rate_high, difference FROM v_agents_providers WHERE environment = 'production'"
     " UNION ALL SELECT DISTINCT agent_name, provider_id, 0, 0, NULL, NULL, NULL, 0, NULL, NULL,"
     " NULL, NULL"
     " FROM rollup_providers_month p WHERE environment = 'production' AND agent_name <> ''"
     " AND NOT EXISTS (SELECT 1 FROM v_agents_providers v WHERE v.environment = p.environment"
     "   AND v.agent_name = p.agent_name AND v.provider_id = p.provider_id)"},
    {"problem hooks",
     {.kind = ALOG_QUERY_PROBLEM_HOOKS},
     "hook_name named orchestrations named_rate named_rate_low named_rate_high",
     "SELECT hook_name, named, orchestrations, named_rate, named_rate_low, named_rate_high"
     " FROM v_problem_hooks"
     " WHERE environment = 'production'"},
    {"all time",
     {.kind = ALOG_QUERY_ALL_TIME, .environment = {"*", 1}},
     "environment first_day last_day total_jobs successful_jobs failed_jobs cancelled_jobs "
     "ai_share ai_share_low ai_share_high avg_iterations agent_executions agent_success_rate "
     "agent_success_rate_low agent_success_rate_high provider_calls cost_usd "
     "total_errors hook_errors test_errors lint_errors type_errors events events_lost",
     "SELECT environment, first_day, last_day, jobs, successful_jobs, failed_jobs, cancelled_jobs,"
     " ai_share, ai_share_low, ai_share_high, avg_iterations, agent_executions, agent_success_rate,"
     " agent_success_rate_low, agent_success_rate_high, provider_calls, cost_usd,"
     " errors, hook_errors, test_errors, lint_errors, type_errors, events, events_lost"
     " FROM v_all_time"},
    {"agents",
     {.kind = ALOG_QUERY_SUCCESS_RATE},
     "agent_name issue_type executions successes success_rate success_rate_low success_rate_high "
     "confidence_avg fixes_applied retries",
     "SELECT agent_name, issue_type, executions, successes, success_rate, success_rate_low,"
     " success_rate_high, avg_confidence, fixes_applied, retries FROM v_agents WHERE environment = "
     "'production'"},
    {"tests",
     {.kind = ALOG_QUERY_TESTS},
     "test_id runs failure_rate failure_rate_low failure_rate_high skipped flaky",
     "SELECT test_id, runs, failure_rate, failure_rate_low, failure_rate_high, skipped,"
     " iif(flaky, 'yes', 'no') FROM v_tests WHERE environment = 'production'"},
    {"hooks",
     {.kind = ALOG_QUERY_HOOKS},
     "hook_name hook_type runs successes failures skips failure_rate failure_rate_low "
     "failure_rate_high",
     "SELECT hook_name, hook_type, not_skipped, successes, failures, skips, failure_rate,"
     " failure_rate_low, failure_rate_high"
     " FROM v_hooks WHERE environment = 'production'"},
    {"summary",
     {.kind = ALOG_QUERY_SUMMARY},
     "day total_jobs agent_executions agent_success_rate agent_success_rate_low "
     "agent_success_rate_high provider_calls provider_not_cancelled provider_availability "
     "provider_availability_low provider_availability_high",
     "SELECT day, jobs, agent_executions, agent_success_rate, agent_success_rate_low,"
     " agent_success_rate_high, provider_calls, provider_not_cancelled, provider_availability,"
     " provider_availability_low, provider_availability_high FROM v_days"
     " WHERE environment = 'production'"},
    {"providers",
     {.kind = ALOG_QUERY_PROVIDERS},
     "provider_id calls successes success_rate success_rate_low success_rate_high not_cancelled "
     "availability availability_low availability_high retried_calls fallbacks input_tokens "
     "output_tokens cost_usd",
     "SELECT provider_id, calls, successes, success_rate, success_rate_low, success_rate_high,"
     " not_cancelled, availability, availability_low, availability_high, retried_calls, fallbacks,"
     " input_tokens, output_tokens, cost_usd FROM v_providers WHERE environment = 'production'"},
    {"models",
     {.kind = ALOG_QUERY_MODELS},
     "model calls successes success_rate success_rate_low success_rate_high input_tokens "
     "output_tokens cost_usd cost_per_success_usd",
     "SELECT model, calls, successes, success_rate, success_rate_low, success_rate_high,"
     " input_tokens, output_tokens, cost_usd, cost_per_success_usd FROM v_models"
     " WHERE environment = 'production'"
     /* The question also has those that only executions name. */
     " UNION ALL SELECT DISTINCT model, 0, 0, NULL, NULL, NULL, 0, 0, NULL, NULL"
     " FROM rollup_agents_month WHERE environment = 'production' AND model NOT IN"
     " (SELECT model FROM v_models WHERE environment = 'production')"},
    {"retries",
     {.kind = ALOG_QUERY_RETRIES},
     "agent_name issue_type operations retried recovered recovered_rate recovered_rate_low "
     "recovered_rate_high given_up",
     "SELECT agent_name, issue_type, operations, retried, recovered, recovered_rate,"
     " recovered_rate_low, recovered_rate_high, given_up FROM v_retries"
     " WHERE environment = 'production'"},
    {"fallbacks",
     {.kind = ALOG_QUERY_FALLBACKS},
     "fallback_from provider_id fallback_reason calls successes success_rate success_rate_low "
     "success_rate_high",
     "SELECT fallback_from, provider_id, fallback_reason, calls, successes, success_rate,"
     " success_rate_low, success_rate_high FROM v_fallbacks WHERE environment = 'production'"},
#define TREND(which, name)                                                                         \
    {                                                                                              \
        "trend of " name, {.kind = ALOG_QUERY_TREND, .metric = (which), .environment = {"*", 1}},  \
            "environment period n value value_low value_high previous change",                     \
            "SELECT environment, day, n, value, value_low, value_high, previous, change"           \
            " FROM v_trend WHERE metric = '" name "'"                                              \
    }
    TREND(ALOG_METRIC_SUCCESS_RATE, "success_rate"),
    TREND(ALOG_METRIC_EXECUTIONS, "executions"),
    TREND(ALOG_METRIC_CALLS, "calls"),
    TREND(ALOG_METRIC_INPUT_TOKENS, "input_tokens"),
    TREND(ALOG_METRIC_OUTPUT_TOKENS, "output_tokens"),
    TREND(ALOG_METRIC_TEST_FAILURES, "test_failure_rate"),
    TREND(ALOG_METRIC_ERRORS, "errors"),
    TREND(ALOG_METRIC_JOBS, "jobs"),
    TREND(ALOG_METRIC_JOB_SUCCESS, "job_success_rate"),
    TREND(ALOG_METRIC_FAILED_JOBS, "failed_job_rate"),
    TREND(ALOG_METRIC_CANCELLED_JOBS, "cancelled_job_rate"),
    TREND(ALOG_METRIC_AI_SHARE, "ai_share"),
    TREND(ALOG_METRIC_AI_FIXES, "ai_fixes"),
    TREND(ALOG_METRIC_JOB_TIME, "job_time_ms"),
    TREND(ALOG_METRIC_JOB_ITERATIONS, "job_iterations"),
    TREND(ALOG_METRIC_EVENTS, "events"),
    TREND(ALOG_METRIC_EVENTS_LOST, "events_lost"),
    TREND(ALOG_METRIC_LATENCY_P50, "latency_p50_ms"),
    TREND(ALOG_METRIC_LATENCY_P90, "latency_p90_ms"),
    TREND(ALOG_METRIC_LATENCY_P95, "latency_p95_ms"),
    TREND(ALOG_METRIC_LATENCY_P99, "latency_p99_ms"),
    TREND(ALOG_METRIC_AVAILABILITY, "availability"),
    TREND(ALOG_METRIC_CALL_SUCCESS, "call_success_rate"),
    TREND(ALOG_METRIC_EXECUTION_FAILURES, "execution_failure_rate"),
    TREND(ALOG_METRIC_CANCELLED_CALLS, "cancelled_call_rate"),
    TREND(ALOG_METRIC_FALLBACKS, "fallback_rate"),
    TREND(ALOG_METRIC_COST, "cost_usd"),
    TREND(ALOG_METRIC_COST_PER_SUCCESS, "cost_per_success_usd"),
    TREND(ALOG_METRIC_TOKENS_PER_SUCCESS, "tokens_per_success"),
    TREND(ALOG_METRIC_FIXES_APPLIED, "fixes_applied"),
    TREND(ALOG_METRIC_CONFIDENCE, "confidence"),
    TREND(ALOG_METRIC_ECE, "ece"),
    TREND(ALOG_METRIC_DECISIONS, "decisions"),
    TREND(ALOG_METRIC_EFFECTIVENESS, "effectiveness"),
    TREND(ALOG_METRIC_ORCHESTRATION_ITERATIONS, "orchestration_iterations"),
    TREND(ALOG_METRIC_ORCHESTRATION_TIME, "orchestration_time_ms"),
    TREND(ALOG_METRIC_HOOKS_TIME_SHARE, "hooks_time_share"),
    TREND(ALOG_METRIC_TESTS_TIME_SHARE, "tests_time_share"),
    TREND(ALOG_METRIC_AI_TIME_SHARE, "ai_time_share"),
    TREND(ALOG_METRIC_FLAKY_TESTS, "flaky_test_rate"),
    TREND(ALOG_METRIC_HOOK_RUNS, "hook_runs"),
    TREND(ALOG_METRIC_HOOK_FAILURES, "hook_failure_rate"),
    TREND(ALOG_METRIC_ATTEMPTS, "attempts_per_operation"),
    TREND(ALOG_METRIC_RETRIED, "retried_rate"),
    TREND(ALOG_METRIC_RECOVERED, "recovered_rate"),
    TREND(ALOG_METRIC_ENDED_WELL, "ended_well_rate"),
    TREND(ALOG_METRIC_TIME_LOST, "time_lost_ms"),
};

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The same lines in the order of their texts. */
static char *sorted(const char *text) {
    char *copy = strdup(text), *lines[4000], *rest = NULL;
    size_t count = 0;
    for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        assert_true(count < sizeof(lines) / sizeof(lines[0]));
        lines[count++] = line;
    }
    qsort(lines, count, sizeof(lines[0]), by_text);
    char *out = calloc(1, strlen(text) + 2), *at = out;
    for (size_t i = 0; i < count; i++) {
        at = stpcpy(stpcpy(at, lines[i]), "\n");
    }
    free(copy);
    return out;
}

static void test_same_as_questions(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *asked = fixture_ask(db_path, &cases[i].query, cases[i].columns);
        char *viewed = fixture_select(db_path, cases[i].view);
        char *a = sorted(asked), *b = sorted(viewed);
        if (strcmp(a, b) != 0 || a[0] == '\0') {
            fail_msg("%s:\n%s\n%s", cases[i].name, a, b);
        }
        free(asked);
        free(viewed);
        free(a);
        free(b);
    }
}

/* The question's default is the latest day with events, too. */
static void test_regress(void **state) {
    (void)state;
    struct alog_query query = {.kind = ALOG_QUERY_REGRESS, .min_count = 1};
    char *asked =
        fixture_ask(db_path, &query,
                    "metric subject last_day n value value_low value_high n_before value_before"
                    " value_before_low value_before_high change ratio");
    char *viewed = fixture_select(db_path, "SELECT metric, subject, day, n, value, value_low,"
                                           " value_high, n_before, value_before, value_before_low,"
                                           " value_before_high, change, ratio FROM v_regress"
                                           " WHERE environment = 'production'");
    char *a = sorted(asked), *b = sorted(viewed);
    assert_string_equal(a, b);
    assert_non_null(strstr(a, "success_rate|"));
    assert_non_null(strstr(a, "latency_p95_ms|"));
    assert_non_null(strstr(a, "cost_usd|"));
    free(asked);
    free(viewed);
    free(a);
    free(b);
}

/* The views write the interval out in SQL, so that any SQLite can open them: for every size of n.
 */
static void test_intervals(void **state) {
    (void)state;
    sqlite3 *db;
    sqlite3_stmt *put, *get;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, alog_schema_sql(), NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, alog_views_sql(), NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db,
                           "INSERT INTO daily_calibration (day, day_epoch, environment, agent_name,"
                           " confidence_tenth, executions, successes, confidence_e6_sum)"
                           " VALUES ('2026-02-04', ?1, 'e', 'a', ?1, ?2, ?3, 0)",
                           -1, &put, NULL),
        SQLITE_OK);
    struct test_random random = {test_random_seed(3)};
    for (int i = 0; i < 2000; i++) {
        const int64_t n = 1 + (int64_t)(test_random_next(&random) >> (24 + i % 40));
        const int64_t few = n < 9 ? n : 9;
        const int64_t some = test_random_below(&random, (uint32_t)few + 1);
        const int64_t s = i % 3 == 0   ? some
                          : i % 3 == 1 ? n - some
                                       : (int64_t)(test_random_next(&random) % (uint64_t)(n + 1));
        sqlite3_bind_int64(put, 1, i);
        sqlite3_bind_int64(put, 2, n);
        sqlite3_bind_int64(put, 3, s);
        assert_int_equal(sqlite3_step(put), SQLITE_DONE);
        sqlite3_reset(put);
    }
    sqlite3_finalize(put);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT executions, successes, success_rate_low,"
                                        " success_rate_high FROM v_calibration",
                                        -1, &get, NULL),
                     SQLITE_OK);
    int rows = 0;
    for (; sqlite3_step(get) == SQLITE_ROW; rows++) {
        const int64_t n = sqlite3_column_int64(get, 0), s = sqlite3_column_int64(get, 1);
        const double low = sqlite3_column_double(get, 2), high = sqlite3_column_double(get, 3);
        double expected_low, expected_high;
        assert_true(alog_wilson(s, n, &expected_low, &expected_high));
        if (!(fabs(low - expected_low) < 1e-12 && fabs(high - expected_high) < 1e-12) ||
            (s == 0 && low != 0) || (s == n && high != 1)) {
            fail_msg("%lld of %lld: %.17g to %.17g", (long long)s, (long long)n, low, high);
        }
    }
    assert_int_equal(rows, 2000);
    sqlite3_finalize(get);
    sqlite3_close(db);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_as_questions),
                                       cmocka_unit_test(test_intervals),
                                       cmocka_unit_test(test_regress)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
