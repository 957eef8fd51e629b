/* One job: its facts, agents, providers and errors; and what is said of a job that is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/database_fixture.h"
#include "support/scratch_dir.h"

static const char rows[] =
    "INSERT INTO jobs (id, environment, job_id, day_epoch, start_ns, end_ns, status, ai_agent, "
    "iterations, error_message, metadata, start_event_id, end_event_id, first_ns, last_ns, events, "
    "agent_executions, agent_successes, provider_calls, provider_successes, input_tokens, "
    "output_tokens, cost_count, cost_nusd, decisions, orchestrations, orchestration_iterations, "
    "hook_runs, hook_failures, tests_run, tests_failed, errors) VALUES"
    " (7, 'production', 'j1', :day, 1000000000, 3500000000, 'failed', 1, 4, 'gave up', '{\"a\":1}',"
    "  's-1', 'e-9', 1000000000, 3600000000, 30, 4, 3, 5, 5, 700, 80, 2, 2500000, 2, 1, 3, 6, "
    "1, 9, 2, 3),"
    " (8, 'production', 'running', :day, 5, NULL, NULL, NULL, NULL, NULL, NULL, 's-2', NULL, 5, 5, "
    "1,"
    "  0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),"
    " (9, 'test', 'j2', :day, 5, NULL, NULL, NULL, NULL, NULL, NULL, 's-3', NULL, 5, 5, 1,"
    "  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),"
    " (10, 'test', 'j1', :day, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, 2, 1,"
    "  1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);"
    "INSERT INTO job_details VALUES"
    " (7, '[[\"A\",\"\",\"\",\"\",1,1,0,0,0,0,0,0,5,0,25],"
    "[\"B\",\"lint\",\"p\",\"m\",3,2,2,1000000,2,3000,0,4,0,10,0]]',"
    "  '[[\"acme\",\"m\",\"B\",5,3,1,1,0,4,8000,0,2,1,700,80,2,2500000,1,8],"
    "[\"b\",\"\",\"\",1,0,0,0,1,0,0,0,0,0,0,0,0,0,2,0]]',"
    "  '[[\"hook\",\"early\",2,\"a\",20,30],[\"lint\",\"late\",1,\"z\",70,0]]', '[]', '[]'),"
    " (10, '[[\"Z\",\"\",\"\",\"\",1,1,0,0,0,0,0,0,0,0,1]]', '[]', '[]', '[]', '[]');"
    "INSERT INTO rollup_events VALUES (:day, 'production', 'x', 31, 0), (:day, 'test', 'x', 1, 0);"
    "INSERT INTO dirty_days VALUES ('production', :day), ('test', :day);";

#define J1                                                                                         \
    { "j1", 2 }

static const struct {
    const char *name;
    struct alog_query query;
    const char *columns;
    const char *expected;
} cases[] = {
    {"facts",
     {.kind = ALOG_QUERY_JOB, .job_id = J1},
     "environment job_id day status ai_agent start end duration_ms iterations error_message",
     "production|j1|2026-02-04|failed|yes|1000000000|3500000000|2500|4|gave up\n"},
    {"agents and providers",
     {.kind = ALOG_QUERY_JOB, .job_id = J1},
     "events first_seen last_seen agent_executions agent_successes agent_success_rate "
     "provider_calls provider_successes provider_success_rate input_tokens output_tokens cost_usd",
     "30|1000000000|3600000000|4|3|0.75|5|5|1|700|80|0.0025\n"},
    {"the rest",
     {.kind = ALOG_QUERY_JOB, .job_id = J1},
     "decisions orchestrations orchestration_iterations hook_runs hook_failures tests_run "
     "tests_failed errors metadata start_event_id end_event_id",
     "2|1|3|6|1|9|2|3|{\"a\":1}|s-1|e-9\n"},
    {"a job that still runs",
     {.kind = ALOG_QUERY_JOB, .job_id = {"running", 7}},
     "status ai_agent start end duration_ms agent_success_rate agent_success_rate_low cost_usd "
     "end_event_id",
     "-|-|5|-|-|-|-|-|-\n"},
    {"of another environment",
     {.kind = ALOG_QUERY_JOB, .job_id = {"j2", 2}, .environment = {"*", 1}},
     "environment job_id",
     "test|j2\n"},
    {"its agents, in order of time",
     {.kind = ALOG_QUERY_JOB_AGENTS, .job_id = J1},
     "agent_name issue_type provider_id model attempts successes success_rate confidence_avg "
     "total_execution_time_ms avg_execution_time_ms fixes_applied first_seen last_seen",
     "B|lint|p|m|3|2|0.666667|0.5|3|1.5|4|1000000000|1000000010\n"
     "A||||1|1|1|-|-|-|0|1000000005|1000000005\n"},
    {"its providers",
     {.kind = ALOG_QUERY_JOB_PROVIDERS, .job_id = J1},
     "provider_id model agent_name calls successes availability_failures execution_failures "
     "cancelled success_rate avg_latency_ms total_latency_ms retries fallbacks input_tokens "
     "output_tokens cost_usd first_seen",
     "acme|m|B|5|3|1|1|0|0.6|2|8|2|1|700|80|0.0025|1000000001\n"
     "b|||1|0|0|0|1|0|-|-|0|0|0|0|-|1000000002\n"},
    {"its errors",
     {.kind = ALOG_QUERY_JOB_ERRORS, .job_id = J1},
     "error_type error_category errors first_seen last_seen sample",
     "hook|early|2|1000000020|1000000050|a\nlint|late|1|1000000070|1000000070|z\n"},
    {"agents of a job whose id two environments have",
     {.kind = ALOG_QUERY_JOB_AGENTS, .job_id = J1, .environment = {"*", 1}},
     "environment agent_name attempts",
     "test|Z|1\nproduction|B|3\nproduction|A|1\n"},
    {"a job without any",
     {.kind = ALOG_QUERY_JOB_ERRORS, .job_id = {"running", 7}},
     "error_type",
     ""},
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

static void test_no_such_job(void **state) {
    static const enum alog_query_kind kinds[] = {ALOG_QUERY_JOB, ALOG_QUERY_JOB_AGENTS,
                                                 ALOG_QUERY_JOB_PROVIDERS, ALOG_QUERY_JOB_ERRORS};
    char *path = fixture_database_fill(*state, 0, rows);
    struct alog_db *db = NULL;
    assert_int_equal(alog_db_open(path, &db, NULL), ALOG_OK);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct alog_table *table = NULL;
        struct alog_error error = {0};
        struct alog_query query = {.kind = kinds[i], .job_id = ALOG_STR("nobody")};
        assert_int_equal(alog_db_query(db, &query, &table, &error), ALOG_NOT_FOUND);
        assert_string_equal(error.message, "no job nobody in the environment production");
        query.job_id = ALOG_STR("j2");
        assert_int_equal(alog_db_query(db, &query, &table, &error), ALOG_NOT_FOUND);
        assert_string_equal(error.message,
                            "no job j2 in the environment production; there is one in test");
        query.job_id = ALOG_STR("nobody");
        query.environment = ALOG_STR("*");
        assert_int_equal(alog_db_query(db, &query, &table, &error), ALOG_NOT_FOUND);
        assert_string_equal(error.message, "no job nobody");
        query.job_id = (struct alog_string){NULL, 0};
        assert_int_equal(alog_db_query(db, &query, &table, &error), ALOG_INVALID);
        assert_null(table);
    }
    alog_db_close(db);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, scratch_dir_set_up, scratch_dir_tear_down),
        cmocka_unit_test_setup_teardown(test_no_such_job, scratch_dir_set_up,
                                        scratch_dir_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
