/* success-rate and agents, against figures computed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/database_fixture.h"
#include "support/scratch_dir.h"

static const char rows[] =
    "INSERT INTO rollup_agents (hour_epoch, environment, agent_name, issue_type, provider_id, "
    "model, executions, successes, confidence_count, confidence_e6_sum, confidence_success_e6_sum, "
    "confidence_square_e9_sum, fixes_applied_sum, files_modified_sum, remaining_issues_sum, "
    "execution_time_count, execution_time_us_sum, success_time_hist, failure_time_hist, retries, "
    "not_finite) VALUES"
    " (:day, 'production', 'Fix', 'lint', 'p', 'm', 4, 3, 4, 3200000, 2400000, 0, 5, 2, 1, 4,"
    "  10000000, sketch(1000000, 2000000, 3000000), sketch(4000000), 1, 0),"
    " (:day + 3600, 'production', 'Fix', 'lint', 'q', 'n', 2, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0,"
    "  x'', x'', 0, 0),"
    " (:day + 7200, 'production', 'Fix', 'type', 'p', 'm', 10, 0, 10, 5000000, 0, 0, 0, 0, 3, 1,"
    "  5000, x'', sketch(5000), 2, 0),"
    " (:day, 'production', 'Other', '', '', '', 6, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, x'', x'', 0, 0),"
    " (:day, 'test', 'Fix', 'lint', 'p', 'm', 100, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, x'', x'', 0, 0);"
    "INSERT INTO rollup_events VALUES (:day, 'production', 'agent_execution', 22, 0),"
    " (:day, 'test', 'agent_execution', 100, 0);"
    "INSERT INTO dirty_days VALUES ('production', :day), ('test', :day);";

static const struct {
    const char *name;
    struct alog_query query;
    const char *columns;
    const char *expected;
} cases[] = {
    {"counts and the plain rate, most executions first",
     {.kind = ALOG_QUERY_SUCCESS_RATE},
     "agent_name issue_type executions successes success_rate success_rate_low success_rate_high",
     "Fix|type|10|0|0|0|0.277533\n"
     "Fix|lint|6|4|0.666667|0.299993|0.903229\n"
     "Other||6|6|1|0.609666|1\n"},
    {"confidence and times; no data is NULL",
     {.kind = ALOG_QUERY_SUCCESS_RATE},
     "confidence_count confidence_avg confidence_weighted_rate avg_execution_time_ms fixes_applied "
     "retries",
     "10|0.5|0|5|0|2\n"
     "4|0.8|0.75|2500|6|1\n"
     "0|-|-|-|0|0\n"},
    {"another environment",
     {.kind = ALOG_QUERY_SUCCESS_RATE, .environment = {"test", 4}},
     "agent_name executions successes",
     "Fix|100|1\n"},
    {"all environments",
     {.kind = ALOG_QUERY_SUCCESS_RATE, .environment = {"*", 1}},
     "agent_name issue_type executions",
     "Fix|lint|106\nFix|type|10\nOther||6\n"},
    {"an environment that is not there",
     {.kind = ALOG_QUERY_SUCCESS_RATE, .environment = {"prod", 4}},
     "agent_name",
     ""},
    {"by agent",
     {.kind = ALOG_QUERY_SUCCESS_RATE, .agent_name = {"Other", 5}},
     "agent_name executions",
     "Other|6\n"},
    {"by issue type",
     {.kind = ALOG_QUERY_SUCCESS_RATE, .issue_type = {"lint", 4}},
     "agent_name executions",
     "Fix|6\n"},
    {"by absent issue type, which is an empty one",
     {.kind = ALOG_QUERY_SUCCESS_RATE, .issue_type = {"", 0}},
     "agent_name executions",
     "Other|6\n"},
    {"by provider",
     {.kind = ALOG_QUERY_SUCCESS_RATE, .provider_id = {"q", 1}},
     "agent_name executions",
     "Fix|2\n"},
    {"by model and agent",
     {.kind = ALOG_QUERY_SUCCESS_RATE, .model = {"m", 1}, .agent_name = {"Fix", 3}},
     "issue_type executions",
     "type|10\nlint|4\n"},
    {"a filter is text, not SQL",
     {.kind = ALOG_QUERY_SUCCESS_RATE, .agent_name = {"' OR 1=1 --", 11}},
     "agent_name",
     ""},
    {"hours: from the second, below the third, rounded outwards",
     {.kind = ALOG_QUERY_SUCCESS_RATE,
      .since_ns = {(FIXTURE_DAY + 3601) * 1000000000, true},
      .until_ns = {(FIXTURE_DAY + 7199) * 1000000000, true}},
     "issue_type executions",
     "lint|2\n"},
    {"until is exclusive at the full hour",
     {.kind = ALOG_QUERY_SUCCESS_RATE, .until_ns = {(FIXTURE_DAY + 3600) * 1000000000, true}},
     "agent_name issue_type executions",
     "Other||6\nFix|lint|4\n"},
    {"a nanosecond later the hour counts",
     {.kind = ALOG_QUERY_SUCCESS_RATE, .until_ns = {(FIXTURE_DAY + 3600) * 1000000000 + 1, true}},
     "agent_name issue_type executions",
     "Fix|lint|6\nOther||6\n"},
    {"the first rows only",
     {.kind = ALOG_QUERY_SUCCESS_RATE, .limit = 2},
     "issue_type executions",
     "type|10\nlint|6\n"},
    {"agents as a whole",
     {.kind = ALOG_QUERY_AGENTS},
     "agent_name executions successes success_rate success_rate_low success_rate_high "
     "confidence_avg",
     "Fix|16|4|0.25|0.101821|0.494983|0.585714\n"
     "Other|6|6|1|0.609666|1|-\n"},
    {"what they worked on and with; absent is none",
     {.kind = ALOG_QUERY_AGENTS},
     "agent_name issue_types providers models fixes_applied files_modified remaining_issues "
     "retries",
     "Fix|2|2|2|6|3|5|3\n"
     "Other|0|0|0|0|0|0|0\n"},
    {"agents' times", {.kind = ALOG_QUERY_AGENTS}, "avg_execution_time_ms", "2001\n-\n"},
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

/* Percentiles are over all executions, successful or not. */
static void test_percentiles(void **state) {
    char *path = fixture_database_fill(*state, 0, rows);
    struct alog_query query = {.kind = ALOG_QUERY_SUCCESS_RATE, .issue_type = ALOG_STR("lint")};
    fixture_assert_near(fixture_ask_real(path, &query, 0, "execution_time_p50_ms"), 2000);
    fixture_assert_near(fixture_ask_real(path, &query, 0, "execution_time_p95_ms"), 4000);
    query = (struct alog_query){.kind = ALOG_QUERY_AGENTS};
    fixture_assert_near(fixture_ask_real(path, &query, 0, "execution_time_p50_ms"), 2000);
    free(path);
}

static void test_empty(void **state) {
    char *path = fixture_database_fill(*state, 0, "SELECT 1");
    for (int kind = ALOG_QUERY_SUMMARY; kind <= ALOG_QUERY_TESTS; kind++) {
        struct alog_query query = {.kind = (enum alog_query_kind)kind, .environment = {"*", 1}};
        char *text = fixture_ask(path, &query, "");
        assert_string_equal(text, "");
        free(text);
    }
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, scratch_dir_set_up, scratch_dir_tear_down),
        cmocka_unit_test_setup_teardown(test_percentiles, scratch_dir_set_up,
                                        scratch_dir_tear_down),
        cmocka_unit_test_setup_teardown(test_empty, scratch_dir_set_up, scratch_dir_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
