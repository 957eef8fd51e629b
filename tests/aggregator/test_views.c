/* The views for other tools say what the questions say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

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
     "not_cancelled availability",
     "SELECT provider_id, model, calls, successes, availability_failures, execution_failures,"
     " cancelled, not_cancelled, availability FROM v_availability"
     " WHERE environment = 'production'"},
    {"agents with providers",
     {.kind = ALOG_QUERY_AGENTS_PROVIDERS},
     "agent_name provider_id executions successes success_rate other_executions "
     "other_success_rate difference",
     /* The question also has those that only provider calls name. */
     "SELECT agent_name, provider_id, executions, successes, success_rate, other_executions,"
     " other_success_rate, difference FROM v_agents_providers WHERE environment = 'production'"
     " UNION ALL SELECT DISTINCT agent_name, provider_id, 0, 0, NULL, 0, NULL, NULL"
     " FROM rollup_providers_month p WHERE environment = 'production' AND agent_name <> ''"
     " AND NOT EXISTS (SELECT 1 FROM v_agents_providers v WHERE v.environment = p.environment"
     "   AND v.agent_name = p.agent_name AND v.provider_id = p.provider_id)"},
    {"problem hooks",
     {.kind = ALOG_QUERY_PROBLEM_HOOKS},
     "hook_name named orchestrations named_rate",
     "SELECT hook_name, named, orchestrations, named_rate FROM v_problem_hooks"
     " WHERE environment = 'production'"},
    {"all time",
     {.kind = ALOG_QUERY_ALL_TIME, .environment = {"*", 1}},
     "environment first_day last_day total_jobs successful_jobs failed_jobs cancelled_jobs "
     "ai_share avg_iterations agent_executions agent_success_rate provider_calls cost_usd "
     "total_errors hook_errors test_errors lint_errors type_errors events events_lost",
     "SELECT environment, first_day, last_day, jobs, successful_jobs, failed_jobs, cancelled_jobs,"
     " ai_share, avg_iterations, agent_executions, agent_success_rate, provider_calls, cost_usd,"
     " errors, hook_errors, test_errors, lint_errors, type_errors, events, events_lost"
     " FROM v_all_time"},
    {"agents",
     {.kind = ALOG_QUERY_SUCCESS_RATE},
     "agent_name issue_type executions successes success_rate confidence_avg fixes_applied "
     "retries",
     "SELECT agent_name, issue_type, executions, successes, success_rate, avg_confidence,"
     " fixes_applied, retries FROM v_agents WHERE environment = 'production'"},
    {"tests",
     {.kind = ALOG_QUERY_TESTS},
     "test_id runs failure_rate skipped",
     "SELECT test_id, runs, failure_rate, skipped FROM v_tests WHERE environment = 'production'"},
    {"hooks",
     {.kind = ALOG_QUERY_HOOKS},
     "hook_name hook_type runs successes failures skips failure_rate",
     "SELECT hook_name, hook_type, runs - skips, successes, failures, skips, failure_rate"
     " FROM v_hooks WHERE environment = 'production'"},
#define TREND(which, name)                                                                         \
    {                                                                                              \
        "trend of " name, {.kind = ALOG_QUERY_TREND, .metric = (which), .environment = {"*", 1}},  \
            "environment period n value previous change",                                          \
            "SELECT environment, day, n, value, previous, change FROM v_trend WHERE metric = "     \
            "'" name "'"                                                                           \
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
        fixture_ask(db_path, &query, "metric subject n value n_before value_before change ratio");
    char *viewed = fixture_select(db_path, "SELECT metric, subject, n, value, n_before,"
                                           " value_before, change, ratio FROM v_regress"
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

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_as_questions),
                                       cmocka_unit_test(test_regress)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
