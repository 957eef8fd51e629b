/* The cap of distinct values a day: visible, bounded, and the same in any order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/database_fixture.h"
#include "support/db_dump.h"
#include "support/ingest_fixture.h"
#include "support/scratch_dir.h"

#define SEGMENTS 6

struct fixture {
    char *dir;
    char log[300], db[300];
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    f->dir = scratch_dir_make();
    snprintf(f->log, sizeof(f->log), "%s/log", f->dir);
    snprintf(f->db, sizeof(f->db), "%s/a.db", f->dir);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    scratch_dir_remove(f->dir);
    free(f);
    return 0;
}

static void expect(const char *db, const char *sql, const char *expected) {
    char *actual = fixture_select(db, sql);
    assert_string_equal(actual, expected);
    free(actual);
}

/* Segments with `names` runaway agents, calls and errors over two days, and a few real ones. */
static void make_log(const struct fixture *f, unsigned names, unsigned events) {
    static const char *const real[] = {"fixer", "reviewer", "a-much-longer-name-that-people-gave"};
    struct test_random random = {test_random_seed(21)};
    struct segment_maker maker;
    segment_maker_init(&maker, alog_io_system(), f->log, 9);
    for (unsigned segment = 0; segment < SEGMENTS; segment++) {
        segment_maker_begin(&maker);
        for (unsigned event = 0; event < events; event++) {
            char line[300], name[64];
            snprintf(name, sizeof(name), "agent-%05u", test_random_below(&random, names));
            const char *agent = event % 10 == 0 ? real[event / 10 % 3] : name;
            long long at = 1770163200 + (long long)test_random_below(&random, 2 * 86400);
            switch (test_random_below(&random, 3)) {
            case 0:
                snprintf(line, sizeof(line),
                         "{\"event\":\"provider_performance\",\"timestamp\":%lld000000000,"
                         "\"provider_id\":\"p\",\"agent_name\":\"%s\",\"success\":true,"
                         "\"latency_ms\":%u}",
                         at, agent, test_random_below(&random, 9000));
                break;
            case 1:
                snprintf(line, sizeof(line),
                         "{\"event\":\"error\",\"timestamp\":%lld000000000,\"error_type\":\"%s\","
                         "\"error_message\":\"of %.*s\"}",
                         at, agent, (int)test_random_below(&random, 9), agent);
                break;
            default:
                snprintf(line, sizeof(line),
                         "{\"event\":\"agent_execution\",\"timestamp\":%lld000000000,"
                         "\"agent_name\":\"%s\",\"success\":true,\"confidence\":0.%u,"
                         "\"execution_time_ms\":%u}",
                         at, agent, test_random_below(&random, 900), event);
                break;
            }
            segment_maker_add_line(&maker, line);
        }
        assert_int_equal(segment_maker_end_block(&maker), ALOG_OK);
        segment_maker_seal(&maker);
    }
    segment_maker_free(&maker);
}

static void ingest(const char *log, const char *db, uint32_t cap, uint32_t threads) {
    struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
    struct alog_error error = {0};
    options.dimension_cap = cap;
    options.threads = threads;
    if (alog_ingest(log, db, &options, NULL, &error) != ALOG_OK) {
        fail_msg("%s", error.message);
    }
}

static void test_names_that_people_gave_stay(void **state) {
    struct fixture *f = *state;
    make_log(f, 4000, 700);
    ingest(f->log, f->db, 50, 2);
    /* Kept by day over all tables that have the column: the three real ones and 47 others. */
    expect(f->db,
           "SELECT COUNT(*), SUM(name LIKE '%-name-%' OR name IN ('fixer', 'reviewer')),"
           " SUM(name = '_OTHER') FROM (SELECT day_epoch, agent_name AS name FROM rollup_agents_day"
           " UNION SELECT day_epoch, agent_name FROM rollup_providers_day)",
           "102|6|2\n");
    expect(f->db,
           "SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM rollup_agents"
           " GROUP BY hour_epoch HAVING n > 51)",
           "-\n");
    /* Nothing is lost in it. */
    assert_int_equal(ingest_fixture_integer(f->db, "SELECT SUM(executions) FROM rollup_agents"),
                     ingest_fixture_integer(f->db, "SELECT SUM(events) FROM rollup_events"
                                                   " WHERE event = 'agent_execution'"));
    assert_int_equal(ingest_fixture_integer(f->db, "SELECT SUM(errors) FROM rollup_errors_month"),
                     ingest_fixture_integer(f->db, "SELECT SUM(events) FROM rollup_events"
                                                   " WHERE event = 'error'"));
    assert_true(ingest_fixture_integer(f->db, "SELECT SUM(executions) FROM daily_agents"
                                              " WHERE agent_name = '_OTHER'") > 500);
}

/* Jobs of two days, with many agents and strategies. Some begin the day before, which is often
 * known last: they leave the day of their first event, with all their names. */
static void make_jobs(const struct fixture *f) {
    struct test_random random = {test_random_seed(23)};
    struct segment_maker maker;
    segment_maker_init(&maker, alog_io_system(), f->log, 9);
    for (unsigned segment = 0; segment < SEGMENTS; segment++) {
        segment_maker_begin(&maker);
        for (unsigned event = 0; event < 150; event++) {
            char line[300];
            const unsigned job = test_random_below(&random, 120);
            const long long day = 1770163200 + 86400 * (job % 2);
            const unsigned at = 1 + test_random_below(&random, 80000);
            switch (test_random_below(&random, 6)) {
            case 0:
                snprintf(line, sizeof(line),
                         "{\"event\":\"job_start\",\"job_id\":\"job-%u\",\"timestamp\":%lld}", job,
                         (day - 86400 * (job % 3 == 0) + at) * 1000000000);
                break;
            case 1:
                snprintf(line, sizeof(line),
                         "{\"event\":\"strategy_decision\",\"job_id\":\"job-%u\","
                         "\"timestamp\":%lld,\"selected_strategy\":\"strategy-%u\"}",
                         job, (day + at) * 1000000000, test_random_below(&random, 90));
                break;
            default:
                snprintf(line, sizeof(line),
                         "{\"event\":\"agent_execution\",\"job_id\":\"job-%u\","
                         "\"timestamp\":%lld,\"agent_name\":\"agent-%u\",\"issue_type\":\"i%u\","
                         "\"success\":%s,\"execution_time_ms\":%u}",
                         job, (day + at) * 1000000000, (job + test_random_below(&random, 3)) * 7,
                         test_random_below(&random, 30), event % 3 == 0 ? "true" : "false", event);
                break;
            }
            segment_maker_add_line(&maker, line);
        }
        assert_int_equal(segment_maker_end_block(&maker), ALOG_OK);
        segment_maker_seal(&maker);
    }
    segment_maker_free(&maker);
}

/* Segments one by one, in any order; a day alone; all again: one result. */
static void check_any_order(const struct fixture *f) {
    ingest(f->log, f->db, 20, 1);
    char *expected = db_dump(f->db, NULL);
    struct test_random random = {test_random_seed(5)};
    struct alog_segment_list list;
    assert_int_equal(alog_segments_list(f->log, &list, NULL), ALOG_OK);
    for (int round = 0; round < 8; round++) {
        char log[340], db[340], command[900];
        snprintf(log, sizeof(log), "%s/log-%d", f->dir, round);
        snprintf(db, sizeof(db), "%s/%d.db", f->dir, round);
        for (size_t left = list.count; left > 0; left--) {
            size_t at = test_random_below(&random, (uint32_t)left);
            struct alog_segment_path path = list.segments[at];
            list.segments[at] = list.segments[left - 1];
            list.segments[left - 1] = path;
            snprintf(command, sizeof(command), "mkdir -p %s/%.10s && ln %s %s/%.10s/", log,
                     path.name - 11, path.path, log, path.name - 11);
            assert_int_equal(system(command), 0);
            ingest(log, db, 20, 1 + (uint32_t)round % 3);
        }
        db_dump_assert_equal(db, expected, "one by one");
    }
    alog_segments_free(&list);
    struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
    options.day = "2026-02-05";
    assert_int_equal(alog_rebuild(f->log, f->db, &options, NULL, NULL), ALOG_OK);
    db_dump_assert_equal(f->db, expected, "a day");
    options.day = NULL;
    assert_int_equal(alog_rebuild(f->log, f->db, &options, NULL, NULL), ALOG_OK);
    db_dump_assert_equal(f->db, expected, "all");
    free(expected);
}

static void test_any_order(void **state) {
    struct fixture *f = *state;
    make_log(f, 300, 120);
    check_any_order(f);
}

static void test_any_order_of_jobs(void **state) {
    struct fixture *f = *state;
    make_jobs(f);
    check_any_order(f);
    /* More than the cap on each day, and nothing is lost in the rest. */
    expect(
        f->db,
        "SELECT day_epoch, COUNT(DISTINCT agent_name), SUM(operations) FILTER (WHERE agent_name ="
        " '_OTHER') > 0, COUNT(DISTINCT issue_type), SUM(operations) FILTER (WHERE issue_type ="
        " '_OTHER') > 0 FROM rollup_attempts WHERE day_epoch >= 1770163200 GROUP BY day_epoch",
        "1770163200|21|1|21|1\n1770249600|21|1|21|1\n");
    expect(f->db,
           "SELECT COUNT(*), MAX(n), MIN(others > 0) FROM (SELECT COUNT(*) AS n,"
           " SUM(jobs) FILTER (WHERE strategy = '_OTHER') AS others FROM rollup_strategy_jobs"
           " WHERE day_epoch >= 1770163200 GROUP BY day_epoch)",
           "2|21|1\n");
    assert_int_equal(ingest_fixture_integer(f->db, "SELECT SUM(attempts) FROM rollup_attempts"),
                     ingest_fixture_integer(f->db, "SELECT SUM(agent_executions) FROM jobs"));
    assert_int_equal(ingest_fixture_integer(f->db, "SELECT SUM(jobs) FROM rollup_strategy_jobs"),
                     ingest_fixture_integer(f->db, "SELECT COUNT(*) FROM job_strategies"));
}

/* A value that comes back after its rows were folded is folded again. */
static void test_under_the_cap(void **state) {
    struct fixture *f = *state;
    make_log(f, 300, 60);
    ingest(f->log, f->db, 100000, 1);
    expect(f->db, "SELECT COUNT(*) FROM rollup_agents WHERE agent_name = '_OTHER'", "0\n");
    assert_true(ingest_fixture_integer(f->db, "SELECT COUNT(DISTINCT agent_name)"
                                              " FROM rollup_agents") > 50);
}

/* User-defined events and losses by the hundred; the catalogue's events stay what they are. */
static void test_types_of_events(void **state) {
    struct fixture *f = *state;
    struct segment_maker maker;
    segment_maker_init(&maker, alog_io_system(), f->log, 5);
    for (int part = 0; part < 2; part++) {
        segment_maker_begin(&maker);
        for (int i = part; i < 200; i += 2) {
            char line[300];
            snprintf(line, sizeof line,
                     "{\"event\":\"made.up.%03d\",\"timestamp\":1770163200000000000}", i);
            segment_maker_add_line(&maker, line);
            snprintf(line, sizeof line,
                     "{\"event\":\"writer_loss\",\"timestamp\":1770163200000000000,"
                     "\"lost_event\":\"made.up.%03d\",\"lost_count\":2,\"reason\":\"because %d\"}",
                     i, i);
            segment_maker_add_line(&maker, line);
        }
        segment_maker_add_line(&maker, "{\"event\":\"individual_test_execution\",\"test_id\":\"t\","
                                       "\"status\":\"passed\",\"timestamp\":1770163200000000000}");
        maker.next_sequence += 7;
        assert_int_equal(segment_maker_end_block(&maker), ALOG_OK);
        segment_maker_seal(&maker);
        ingest(f->log, f->db, 10, 1);
    }
    segment_maker_free(&maker);
    expect(f->db,
           "SELECT COUNT(*), SUM(events), SUM(events) FILTER (WHERE event = '_OTHER'),"
           " SUM(events) FILTER (WHERE event = 'writer_loss'),"
           " SUM(events) FILTER (WHERE event = 'individual_test_execution') FROM rollup_events",
           "13|402|190|200|2\n");
    expect(f->db,
           "SELECT COUNT(DISTINCT event), COUNT(DISTINCT reason), SUM(events_lost),"
           " SUM(events_lost) FILTER (WHERE reason = 'gap') FROM rollup_losses",
           "12|12|414|14\n");
    char *expected = db_dump(f->db, NULL);
    struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
    options.day = "2026-02-04";
    assert_int_equal(alog_rebuild(f->log, f->db, &options, NULL, NULL), ALOG_OK);
    db_dump_assert_equal(f->db, expected, "a day");
    options.day = NULL;
    assert_int_equal(alog_rebuild(f->log, f->db, &options, NULL, NULL), ALOG_OK);
    db_dump_assert_equal(f->db, expected, "all");
    free(expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names_that_people_gave_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_any_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_any_order_of_jobs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_under_the_cap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_types_of_events, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
