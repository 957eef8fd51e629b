/* The daily tables against figures computed by hand from rollups written by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "aggregator/sql_functions.h"
#include "aggregator/summarise.h"
#include "support/database_fixture.h"
#include "support/scratch_dir.h"

/* Two production days, one hour of a test environment, and rows on both sides of midnight. */
static const char rows[] =
    "INSERT INTO rollup_events VALUES"
    " (:day, 'production', 'agent_execution', 7, 2), (:day, 'production', 'job_start', 4, 0),"
    " (:day + 82800, 'production', 'agent_execution', 1, 1),"
    " (:day, 'production', 'writer_stats', 9, 9), (:day, 'production', 'writer_loss', 1, 1),"
    " (:day + 86400, 'production', 'error', 5, 5), (:day - 3600, 'production', 'error', 100, 0),"
    " (:day, 'test', 'mine', 1, 1), (:day + 172800, 'idle', 'writer_stats', 3, 3);"
    "INSERT INTO rollup_losses VALUES (:day, 'production', 'error', 'ring_full', 6),"
    " (:day + 3600, 'production', '', 'gap', 4), (:day + 259200, 'lossy', '', 'gap', 2);"
    /* Jobs: three ended (1 s, 2 s, 3.5 s), one still runs, one only ended, one never named either.
     */
    "INSERT INTO rollup_jobs (environment, day_epoch, seen, jobs, successful_jobs, failed_jobs,"
    "  cancelled_jobs, ended_jobs, timed_jobs, duration_us_sum, ai_jobs, ai_successful_jobs,"
    "  iterations_count, iterations_sum, orchestrated_jobs) VALUES"
    " ('production', :day, 6, 5, 2, 1, 1, 3, 3, 6500000, 2, 1, 0, 0, 2);"
    "INSERT INTO rollup_errors (hour_epoch, environment, error_type, error_category, errors, "
    "first_ns, last_ns, sample) VALUES"
    " (:day, 'production', 'hook', 'x', 2, 50, 60, 'later'),"
    " (:day + 3600, 'production', 'hook', 'x', 1, 40, 70, 'earliest'),"
    " (:day, 'production', 'lint', '', 4, 1, 2, 'l'), (:day, 'production', 'test', '', 8, 1, 2, "
    "''),"
    " (:day, 'production', 'type_check', '', 16, 1, 2, 't'),"
    " (:day, 'production', 'other', '', 32, 1, 2, 'o');"
    "INSERT INTO rollup_orchestrations VALUES"
    " (:day, 'production', 'p', '', '', 3, 2, 7, 0, 0, 0, 0, 0, 0, 0),"
    " (:day, 'production', 'q', '', '', 2, 2, 3, 0, 0, 0, 0, 0, 0, 0);"
    /* Used: b and c tie with 6, _OTHER does not count. Effective: a has too few scores. */
    "INSERT INTO rollup_strategies VALUES"
    " (:day, 'production', 'a', '', 4, 4, 4000000, 0), (:day, 'production', 'b', '', 6, 5, "
    "2500000, 0),"
    " (:day, 'production', 'c', '', 2, 2, 1800000, 0), (:day, 'production', 'c', 'b', 4, 4, "
    "3000000, 0),"
    " (:day, 'production', '_OTHER', '', 50, 50, 50000000, 0);"
    "INSERT INTO rollup_agents (hour_epoch, environment, agent_name, issue_type, provider_id,"
    "  model, executions, successes, confidence_count, confidence_e6_sum, fixes_applied_sum,"
    "  execution_time_count, execution_time_us_sum, success_time_hist, failure_time_hist) VALUES"
    " (:day, 'production', 'Fix', 'lint', 'p', 'm', 3, 2, 2, 1500000, 5, 2, 3000000,"
    "  sketch(1000000), sketch(2000000)),"
    " (:day + 82800, 'production', 'Fix', 'lint', 'p', 'n', 1, 1, 1, 300000, 2, 1, 9000000,"
    "  sketch(9000000), x''),"
    " (:day, 'production', 'Idle', '', '', '', 2, 0, 0, 0, 0, 0, 0, x'', x'');"
    "INSERT INTO rollup_providers (hour_epoch, environment, provider_id, model, agent_name, calls,"
    "  successes, availability_failures, execution_failures, cancelled, unclassified_failures,"
    "  success_latency_count, success_latency_us_sum, success_latency_hist, retried_calls,"
    "  fallbacks, input_tokens_sum, output_tokens_sum, cost_count, cost_nusd_sum) VALUES"
    " (:day, 'production', 'acme', 'm', 'Fix', 10, 5, 2, 1, 1, 1, 3, 6000,"
    "  sketch(1000, 2000, 3000), 2, 1, 100, 10, 5, 1500000001),"
    " (:day + 3600, 'production', 'acme', 'm', '', 2, 2, 0, 0, 0, 0, 1, 9000, sketch(9000),"
    "  0, 0, 1, 1, 1, 2);"
    "INSERT INTO rollup_hooks VALUES"
    " (:day, 'production', 'ruff', 'fast', 5, 3, 1, 1, 2, 30000, sketch(10000, 20000), 0);"
    "INSERT INTO rollup_tests VALUES"
    " (:day, 'production', 't1', 3, 1, 2, 1, 2, 50, 40, 0),"
    " (:day + 3600, 'production', 't1', 1, 0, 0, 0, 1, 7, 7, 0),"
    " (:day, 'production', 't2', 0, 0, 9, 0, 0, 0, 0, 0);"
    "INSERT INTO dirty_days VALUES ('production', :day), ('production', :day + 86400),"
    " ('test', :day), ('idle', :day + 172800), ('lossy', :day + 259200), ('gone', :day);";

static void expect(const char *path, const char *sql, const char *expected) {
    char *text = fixture_select(path, sql);
    assert_string_equal(text, expected);
    free(text);
}

static void test_summary(void **state) {
    char *path = fixture_database_fill(*state, 0, rows);
    static const struct {
        const char *columns;
        const char *expected;
    } cases[] = {
        {"day, day_epoch, environment", "2026-02-04|1770163200|production\n"},
        {"total_jobs, successful_jobs, failed_jobs, cancelled_jobs", "5|2|1|1\n"},
        {"ended_jobs, job_duration_us_sum, avg_job_duration_ms", "3|6500000|2166.67\n"},
        {"total_errors, hook_errors, test_errors, lint_errors, type_errors", "63|3|8|4|16\n"},
        {"total_ai_fixes, orchestrated_jobs, avg_orchestration_iterations", "1|2|2.5\n"},
        {"most_used_strategy, most_effective_strategy", "b|c\n"},
        {"agent_executions, agent_successes, agent_success_rate", "6|3|0.5\n"},
        {"provider_calls, provider_successes, provider_availability", "12|7|0.818182\n"},
        {"input_tokens, output_tokens, cost_nusd, cost_usd", "101|11|1500000003|1.5\n"},
        {"hook_runs, hook_failures, tests_run, tests_failed", "5|1|6|2\n"},
        {"events, events_lost", "12|10\n"},
        {"provider_p50_ms BETWEEN 1.978 AND 2.022, provider_p90_ms BETWEEN 8.9 AND 9.1", "1|1\n"},
        {"provider_p95_ms BETWEEN 8.9 AND 9.1, provider_p99_ms BETWEEN 8.9 AND 9.1", "1|1\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char sql[512];
        sqlite3_snprintf(sizeof(sql), sql,
                         "SELECT %s FROM daily_summary"
                         " WHERE day = '2026-02-04' AND environment = 'production'",
                         cases[i].columns);
        expect(path, sql, cases[i].expected);
    }
    free(path);
}

/* A day has a row when there is something of it: not for heartbeats alone, nor for nothing. */
static void test_days(void **state) {
    char *path = fixture_database_fill(*state, 0, rows);
    expect(
        path,
        "SELECT day, environment, events, events_lost, total_jobs, avg_job_duration_ms,"
        " most_used_strategy, most_effective_strategy, agent_success_rate, provider_availability,"
        " provider_p50_ms, avg_orchestration_iterations, cost_usd"
        " FROM daily_summary WHERE NOT (day = '2026-02-04' AND environment = 'production')",
        "2026-02-04|test|1|0|0|-|-|-|-|-|-|-|-\n"
        "2026-02-05|production|5|0|0|-|-|-|-|-|-|-|-\n"
        "2026-02-07|lossy|0|2|0|-|-|-|-|-|-|-|-\n");
    expect(path, "SELECT COUNT(*) FROM dirty_days", "0\n");
    free(path);
}

static void test_daily_tables(void **state) {
    char *path = fixture_database_fill(*state, 0, rows);
    static const struct {
        const char *sql;
        const char *expected;
    } cases[] = {
        {"SELECT environment, event, events, without_job FROM daily_events WHERE day_epoch = "
         "1770163200",
         "production|agent_execution|8|3\nproduction|job_start|4|0\ntest|mine|1|1\n"},
        {"SELECT agent_name, issue_type, executions, successes, success_rate, success_rate_low,"
         " success_rate_high, confidence_avg, fixes_applied, execution_time_us_sum FROM "
         "daily_agents",
         "Fix|lint|4|3|0.75|0.300642|0.954413|0.6|7|12000000\n"
         "Idle||2|0|0|0|0.65762|-|0|0\n"},
        {"SELECT execution_time_p50_ms BETWEEN 1978 AND 2022, execution_time_p95_ms BETWEEN 8901 "
         "AND"
         " 9099 FROM daily_agents",
         "1|1\n-|-\n"},
        {"SELECT provider_id, model, calls, successes, availability_failures, execution_failures,"
         " cancelled, unclassified_failures, availability, retried_calls, fallbacks, input_tokens,"
         " output_tokens, cost_nusd FROM daily_providers",
         "acme|m|12|7|2|1|1|1|0.818182|2|1|101|11|1500000003\n"},
        {"SELECT availability_low, availability_high FROM daily_providers", "0.523019|0.948632\n"},
        {"SELECT strategy, decisions, effectiveness_count, effectiveness_avg FROM daily_strategies",
         "_OTHER|50|50|1\na|4|4|1\nb|6|5|0.5\nc|6|6|0.8\n"},
        {"SELECT hook_name, hook_type, runs, successes, failures, skips, execution_time_us_sum,"
         " execution_time_p50_ms BETWEEN 9.89 AND 10.11 FROM daily_hooks",
         "ruff|fast|5|3|1|1|30000|1\n"},
        {"SELECT test_id, passed, failed, skipped, errors, execution_time_us_sum FROM daily_tests",
         "t1|4|1|2|1|57\nt2|0|0|9|0|0\n"},
        {"SELECT error_type, errors, first_ns, last_ns, sample FROM daily_errors"
         " WHERE error_type IN ('hook', 'test')",
         "hook|3|40|70|earliest\ntest|8|1|2|\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect(path, cases[i].sql, cases[i].expected);
    }
    free(path);
}

/* Late data changes its own day alone, and a day made twice is the day made once. */
static void test_only_dirty_days(void **state) {
    static const char all[] = "SELECT * FROM daily_summary";
    char *path = fixture_database_fill(*state, 0, rows);
    char *before = fixture_select(path, all);
    free(fixture_database_fill(*state, 0,
                               "INSERT INTO dirty_days VALUES ('production', :day);"
                               "UPDATE rollup_events SET events = events + 7"
                               " WHERE hour_epoch = :day + 86400"));
    char *same = fixture_select(path, all);
    assert_string_equal(same, before);
    free(fixture_database_fill(*state, 0,
                               "INSERT INTO dirty_days VALUES ('production', :day + 86400);"
                               "DELETE FROM rollup_events WHERE hour_epoch < :day;"));
    expect(path, "SELECT day, events FROM daily_summary WHERE environment = 'production'",
           "2026-02-04|12\n2026-02-05|12\n");
    free(before);
    free(same);
    free(path);
}

/* A day whose rows are gone loses its summary. */
static void test_emptied_day(void **state) {
    free(fixture_database_fill(*state, 0, rows));
    char *path = fixture_database_fill(*state, 0,
                                       "DELETE FROM rollup_events WHERE environment = 'test';"
                                       "INSERT INTO dirty_days VALUES ('test', :day)");
    expect(path, "SELECT COUNT(*) FROM daily_summary WHERE environment = 'test'", "0\n");
    expect(path, "SELECT COUNT(*) FROM daily_events WHERE environment = 'test'", "0\n");
    free(path);
}

/* East of UTC a day begins the evening before. */
static void test_reporting_zone(void **state) {
    char *path = fixture_database_fill(
        *state, 8 * 3600,
        "INSERT INTO rollup_events VALUES (:day - 28800, 'production', 'x', 1, 0),"
        " (:day + 54000, 'production', 'x', 2, 0), (:day + 57600, 'production', 'x', 4, 0);"
        "INSERT INTO dirty_days VALUES ('production', :day - 28800), ('production', :day + 57600)");
    expect(path, "SELECT day, day_epoch, events FROM daily_summary",
           "2026-02-04|1770134400|3\n2026-02-05|1770220800|4\n");
    free(path);
}

/* What cannot be summed is refused, with the table's name. */
static void test_refusals(void **state) {
    (void)state;
    static const struct {
        const char *sql;
        const char *message;
    } cases[] = {
        {"INSERT INTO rollup_events VALUES (0, 'p', 'a', 9223372036854775807, 0),"
         " (0, 'p', 'b', 1, 0)",
         "daily_summary: integer overflow"},
        {"INSERT INTO rollup_hooks VALUES (0, 'p', 'h', '', 1, 1, 0, 0, 0, 0, x'01', 0)",
         "rollup_hooks: a latency sketch cannot be read"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *directory = scratch_dir_make();
        char *path = fixture_database_fill(directory, 0, "SELECT 1");
        sqlite3 *db = NULL;
        struct alog_error error = {0};
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(alog_sql_functions_register(db, &error), ALOG_OK);
        assert_int_equal(sqlite3_exec(db, cases[i].sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_exec(db, "INSERT INTO dirty_days VALUES ('p', 0)", NULL, NULL, NULL);
        uint64_t days = 77;
        assert_int_equal(alog_summarise_dirty(db, INT64_MAX, &days, &error), ALOG_CORRUPT);
        assert_string_equal(error.message, cases[i].message);
        assert_int_equal(days, 77);
        sqlite3_close(db);
        free(path);
        scratch_dir_remove(directory);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_summary, scratch_dir_set_up, scratch_dir_tear_down),
        cmocka_unit_test_setup_teardown(test_days, scratch_dir_set_up, scratch_dir_tear_down),
        cmocka_unit_test_setup_teardown(test_daily_tables, scratch_dir_set_up,
                                        scratch_dir_tear_down),
        cmocka_unit_test_setup_teardown(test_only_dirty_days, scratch_dir_set_up,
                                        scratch_dir_tear_down),
        cmocka_unit_test_setup_teardown(test_emptied_day, scratch_dir_set_up,
                                        scratch_dir_tear_down),
        cmocka_unit_test_setup_teardown(test_reporting_zone, scratch_dir_set_up,
                                        scratch_dir_tear_down),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
