/*
 * Many different values in one day: job ids all stay, names go into _OTHER beyond the cap.
 *
 * ALOG_CARDINALITY_JOBS=N    so many job ids (default 20000)
 * ALOG_CARDINALITY_NAMES=N   so many agent names (default 3000); a tenth of them is the cap
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "support/database_fixture.h"
#include "support/ingest_fixture.h"
#include "support/scratch_dir.h"

#define DAY_S            86400
#define EVENTS_PER_BLOCK 5000

struct fixture {
    char *dir;
    char log[300], db[300];
    struct segment_maker maker;
    unsigned in_block;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    snprintf(f->log, sizeof f->log, "%s/log", f->dir);
    snprintf(f->db, sizeof f->db, "%s/a.db", f->dir);
    segment_maker_init(&f->maker, alog_io_system(), f->log, 1);
    segment_maker_begin(&f->maker);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    segment_maker_free(&f->maker);
    scratch_dir_remove(f->dir);
    free(f);
    return 0;
}

static int64_t number_of(const char *variable, int64_t fallback) {
    const char *text = getenv(variable);
    return text != NULL ? strtoll(text, NULL, 0) : fallback;
}

/* An event in the second `at` of the fixtures' day. */
ALOG_PRINTF(3, 4)
static void add(struct fixture *f, int64_t at, const char *format, ...) {
    char line[300];
    int len = snprintf(line, sizeof line, "{\"timestamp\":%" PRId64 "000000000,", FIXTURE_DAY + at);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + len, sizeof line - (size_t)len, format, arguments);
    va_end(arguments);
    segment_maker_add_line(&f->maker, line);
    if (++f->in_block == EVENTS_PER_BLOCK) {
        f->in_block = 0;
        assert_int_equal(segment_maker_end_block(&f->maker), ALOG_OK);
    }
}

static double cpu_s(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void ingest(struct fixture *f, uint32_t cap) {
    struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
    struct alog_error error = {0};
    options.threads = 2;
    options.dimension_cap = cap;
    if (f->in_block != 0) {
        assert_int_equal(segment_maker_end_block(&f->maker), ALOG_OK);
    }
    segment_maker_seal(&f->maker);
    const double before = cpu_s();
    if (alog_ingest(f->log, f->db, &options, NULL, &error) != ALOG_OK) {
        fail_msg("%s", error.message);
    }
    struct stat info;
    struct rusage usage;
    assert_int_equal(stat(f->db, &info), 0);
    getrusage(RUSAGE_SELF, &usage);
    printf("  ingest: %.2f s of CPU; database %.1f MiB; the process's peak %.0f MiB\n",
           cpu_s() - before, (double)info.st_size / 0x1p20, (double)usage.ru_maxrss / 1024);
}

static int64_t integer(const struct fixture *f, const char *sql) {
    return ingest_fixture_integer(f->db, sql);
}

static void every_job_id_of_a_day(void **state) {
    struct fixture *f = *state;
    const int64_t jobs = number_of("ALOG_CARDINALITY_JOBS", 20000);
    printf("ALOG_CARDINALITY_JOBS=%" PRId64 "\n", jobs);
    for (int64_t i = 0; i < jobs; i++) {
        const int64_t at = i * (DAY_S - 600) / jobs;
        add(f, at, "\"event\":\"job_start\",\"job_id\":\"job-%012" PRId64 "\",\"ai_agent\":true}",
            i);
        add(f, at + 30,
            "\"event\":\"agent_execution\",\"job_id\":\"job-%012" PRId64
            "\",\"agent_name\":\"a%d\","
            "\"success\":%s,\"execution_time_ms\":%" PRId64 "}",
            i, (int)(i % 7), i % 3 == 0 ? "false" : "true", 100 + i % 1000);
        add(f, at + 60,
            "\"event\":\"job_end\",\"job_id\":\"job-%012" PRId64 "\",\"status\":\"%s\"}", i,
            i % 5 == 0 ? "failed" : "success");
    }
    ingest(f, 0);
    assert_int_equal(integer(f, "SELECT COUNT(*) FROM jobs"), jobs);
    assert_int_equal(integer(f, "SELECT total_jobs FROM daily_summary"), jobs);
    assert_int_equal(integer(f, "SELECT failed_jobs FROM daily_summary"), (jobs + 4) / 5);
    assert_int_equal(integer(f, "SELECT SUM(operations) FROM rollup_attempts"), jobs);
    assert_int_equal(integer(f, "SELECT avg_job_duration_ms FROM daily_summary"), 60000);
    char *row = fixture_ask(
        f->db, &(struct alog_query){.kind = ALOG_QUERY_JOB, .job_id = ALOG_STR("job-000000000123")},
        "status agent_executions events");
    assert_string_equal(row, "success|1|3\n");
    free(row);
}

/* Every name in each of four hours, and five that people gave. */
static void names_beyond_the_cap(void **state) {
    struct fixture *f = *state;
    const int64_t names = number_of("ALOG_CARDINALITY_NAMES", 3000);
    const int64_t cap = names / 10;
    static const char *const given[] = {"fixer", "formatter", "reviewer", "security", "planner"};
    printf("ALOG_CARDINALITY_NAMES=%" PRId64 "\n", names);
    for (int64_t i = 0; i < 4 * names; i++) {
        add(f, i / names * 3600 + i % 3600,
            "\"event\":\"agent_execution\",\"agent_name\":\"agent-%08" PRId64 "\",\"success\":true,"
            "\"execution_time_ms\":5}",
            i % names);
    }
    for (int i = 0; i < 5; i++) {
        add(f, 100, "\"event\":\"agent_execution\",\"agent_name\":\"%s\",\"success\":false}",
            given[i]);
    }
    ingest(f, (uint32_t)cap);
    /* Nothing is lost, */
    assert_int_equal(integer(f, "SELECT SUM(executions) FROM rollup_agents"), 4 * names + 5);
    /* … no table has more names than the cap, and the rest, */
    static const char *const tables[] = {"rollup_agents", "rollup_agents_day",
                                         "rollup_agents_month", "daily_agents"};
    for (size_t i = 0; i < 4; i++) {
        char sql[120];
        snprintf(sql, sizeof sql, "SELECT COUNT(DISTINCT agent_name) FROM %s", tables[i]);
        assert_int_equal(integer(f, sql), cap + 1);
    }
    assert_int_equal(integer(f, "SELECT COUNT(*) FROM rollup_agents"), 4 * (cap - 5 + 1) + 5);
    /* … names that people gave stay, */
    assert_int_equal(integer(f, "SELECT COUNT(*) FROM daily_agents WHERE agent_name IN ('fixer',"
                                " 'formatter', 'reviewer', 'security', 'planner')"),
                     5);
    /* … and the answer shows the rest. */
    char *answer = fixture_ask(f->db, &(struct alog_query){.kind = ALOG_QUERY_AGENTS, .limit = 1},
                               "agent_name executions");
    char expected[64];
    snprintf(expected, sizeof expected, "_OTHER|%" PRId64 "\n", 4 * (names - (cap - 5)));
    assert_string_equal(answer, expected);
    free(answer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_job_id_of_a_day, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_beyond_the_cap, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
