/* Retention: what goes, what stays, and that nothing is ever made less by it afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include <agentlog/prune.h>

#include "support/db_dump.h"
#include "support/fault_vfs.h"
#include "support/ingest_fixture.h"
#include "support/scratch_dir.h"

/* The fixture's events lie on 2026-02-03 and 04; seen from here, an age of one day takes the 3rd.
 */
#define NOON_OF_THE_5TH INT64_C(1770292800000000000)
#define THE_4TH         "1770163200"

struct fixture {
    char *dir;
    char log[300], db[300];
    char *whole; /* the database before anything was pruned */
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    snprintf(f->log, sizeof f->log, "%s/log", f->dir);
    snprintf(f->db, sizeof f->db, "%s/a.db", f->dir);
    ingest_fixture_make_log(f->log, test_random_seed(11), 2, 2, 3, 80);
    ingest_fixture_ingest(f->log, f->db, 1, NULL);
    f->whole = db_dump(f->db, NULL);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    scratch_dir_remove(f->dir);
    free(f->whole);
    free(f);
    return 0;
}

static struct alog_prune_options ages(uint32_t rows, uint32_t rollups, uint32_t summaries) {
    struct alog_prune_options options = ALOG_PRUNE_OPTIONS_INIT;
    options.keep_rows_days = rows;
    options.keep_rollups_days = rollups;
    options.keep_summaries_days = summaries;
    options.now_ns = ALOG_I64(NOON_OF_THE_5TH);
    return options;
}

static struct alog_prune_report prune(const struct fixture *f,
                                      const struct alog_prune_options *options) {
    struct alog_prune_report report;
    struct alog_error error = {.message = ""};
    if (alog_prune(f->db, options, &report, &error) != ALOG_OK) {
        fail_msg("%s", error.message);
    }
    return report;
}

static int64_t integer(const struct fixture *f, const char *sql) {
    return ingest_fixture_integer(f->db, sql);
}

static uint64_t rows_of(const struct alog_prune_report *report, const char *table) {
    for (size_t i = 0; i < report->table_count; i++) {
        if (strcmp(report->tables[i].table, table) == 0) {
            return report->tables[i].rows;
        }
    }
    fail_msg("%s is not in the report", table);
    return 0;
}

/* The daily tables' part of the dump: "-- <table>" stands before its rows.
 */
static char *daily_part(const struct fixture *f) {
    char *dump = db_dump(f->db, NULL);
    char *part = calloc(1, strlen(dump) + 1);
    bool daily = false;
    for (char *line = strtok(dump, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (line[0] == '-') {
            daily = strncmp(line, "-- daily_", 9) == 0 ||
                    (strstr(line, "_day") != NULL && strstr(line, "_days") == NULL) ||
                    strstr(line, "_month") != NULL;
        }
        if (daily) {
            strcat(strcat(part, line), "\n");
        }
    }
    free(dump);
    assert_true(strlen(part) > 1000);
    return part;
}

static void a_dry_run_says_what_will_go(void **state) {
    struct fixture *f = *state;
    struct alog_prune_options options = ages(1, 1, 1);
    options.dry_run = true;
    struct alog_prune_report dry = prune(f, &options);
    db_dump_assert_equal(f->db, f->whole, "after a dry run");
    options.dry_run = false;
    struct alog_prune_report wet = prune(f, &options);
    assert_true(wet.rows > 100);
    assert_int_equal(dry.rows, wet.rows);
    assert_int_equal(dry.table_count, wet.table_count);
    for (size_t i = 0; i < wet.table_count; i++) {
        assert_string_equal(dry.tables[i].table, wet.tables[i].table);
        assert_int_equal(dry.tables[i].rows, wet.tables[i].rows);
    }
    struct alog_prune_report again = prune(f, &options);
    assert_int_equal(again.rows, 0);
    alog_prune_report_free(&dry);
    alog_prune_report_free(&wet);
    alog_prune_report_free(&again);
}

static void rows_of_jobs_go_and_their_days_stay(void **state) {
    struct fixture *f = *state;
    char *days = daily_part(f);
    int64_t old = integer(f, "SELECT count(*) FROM jobs WHERE day_epoch < " THE_4TH
                             " AND last_ns < " THE_4TH " * 1000000000");
    int64_t kept = integer(f, "SELECT count(*) FROM jobs") - old;
    assert_true(old > 0 && kept > 0);
    struct alog_prune_options options = ages(1, 0, 0);
    struct alog_prune_report report = prune(f, &options);
    assert_int_equal(rows_of(&report, "jobs"), old);
    assert_int_equal(rows_of(&report, "rollup_agents"), 0);
    assert_int_equal(rows_of(&report, "daily_summary"), 0);
    assert_int_equal(integer(f, "SELECT count(*) FROM jobs"), kept);
    char *after = daily_part(f);
    assert_string_equal(after, days);
    free(after);
    free(days);
    alog_prune_report_free(&report);
}

/* An event of the 3rd that comes after its day was pruned. */
static void log_late_event(const struct fixture *f) {
    struct segment_maker maker;
    segment_maker_init(&maker, alog_io_system(), f->log, 0x77);
    segment_maker_begin(&maker);
    segment_maker_add_line(&maker,
                           "{\"event\":\"agent_execution\",\"timestamp\":\"2026-02-03T23:00:00Z\","
                           "\"agent_name\":\"late\",\"issue_type\":\"x\",\"success\":true}");
    assert_int_equal(segment_maker_end_block(&maker), ALOG_OK);
    segment_maker_seal(&maker);
    segment_maker_free(&maker);
}

static void what_comes_late_makes_no_day_less(void **state) {
    struct fixture *f = *state;
    char *days = daily_part(f);
    struct alog_prune_options options = ages(1, 1, 0);
    struct alog_prune_report report = prune(f, &options);
    assert_int_equal(integer(f, "SELECT count(*) FROM rollup_events WHERE hour_epoch < " THE_4TH),
                     0);
    log_late_event(f);
    struct alog_ingest_report ingested;
    ingest_fixture_ingest(f->log, f->db, 1, &ingested);
    assert_int_equal(ingested.events, 1);
    assert_int_equal(
        integer(f, "SELECT sum(executions) FROM rollup_agents WHERE agent_name = 'late'"), 1);
    char *after = daily_part(f);
    assert_string_equal(after, days);
    /* It goes too, and the ledger still adds up: an ingest reconciles. */
    alog_prune_report_free(&report);
    report = prune(f, &options);
    assert_int_equal(rows_of(&report, "rollup_agents"), 1);
    ingest_fixture_ingest(f->log, f->db, 1, NULL);
    free(after);
    free(days);
    alog_prune_report_free(&report);
}

static void a_rebuild_makes_a_day_whole_or_is_refused(void **state) {
    struct fixture *f = *state;
    struct alog_prune_options options = ages(1, 1, 1);
    struct alog_prune_report report = prune(f, &options);
    assert_int_equal(rows_of(&report, "daily_summary"), 0);
    alog_prune_report_free(&report);
    char *pruned = db_dump(f->db, NULL);
    struct alog_ingest_options day = ALOG_INGEST_OPTIONS_INIT;
    day.day = "2026-02-03";

    char command[1200];
    snprintf(command, sizeof command, "mv '%s' '%s.away' && mkdir '%s'", f->log, f->log, f->log);
    assert_int_equal(system(command), 0);
    assert_int_equal(alog_rebuild(f->log, f->db, &day, NULL, NULL), ALOG_CORRUPT);
    assert_int_equal(alog_rebuild(f->log, f->db, NULL, NULL, NULL), ALOG_CORRUPT);
    db_dump_assert_equal(f->db, pruned, "after refused rebuilds");

    snprintf(command, sizeof command, "rmdir '%s' && mv '%s.away' '%s'", f->log, f->log, f->log);
    assert_int_equal(system(command), 0);
    assert_int_equal(alog_rebuild(f->log, f->db, &day, NULL, NULL), ALOG_OK);
    db_dump_assert_equal(f->db, f->whole, "after the day was rebuilt");
    free(pruned);
}

static void the_space_is_given_back(void **state) {
    struct fixture *f = *state;
    struct alog_prune_options options = ages(1, 1, 1);
    /* Summaries go by whole months: February's in March. */
    options.now_ns = ALOG_I64(NOON_OF_THE_5TH + INT64_C(30) * 86400 * 1000000000);
    struct stat before, after;
    /* More than what tables take that are nearly empty. */
    ingest_fixture_make_log(f->log, test_random_seed(12), 2, 2, 3, 1000);
    ingest_fixture_ingest(f->log, f->db, 1, NULL);
    assert_int_equal(stat(f->db, &before), 0);
    struct alog_prune_report report = prune(f, &options);
    assert_int_equal(stat(f->db, &after), 0);
    assert_int_equal(report.bytes_before, before.st_size);
    assert_int_equal(report.bytes_after, after.st_size);
    assert_true(after.st_size < before.st_size);
    assert_int_equal(integer(f, "SELECT count(*) FROM jobs"), 0);
    assert_int_equal(integer(f, "SELECT count(*) FROM daily_summary"), 0);
    assert_int_equal(integer(f, "SELECT count(*) FROM rollup_agents_month"), 0);
    assert_int_equal(integer(f, "PRAGMA freelist_count"), 0);
    ingest_fixture_ingest(f->log, f->db, 1, NULL);
    alog_prune_report_free(&report);
}

static void what_cannot_be_is_refused(void **state) {
    struct fixture *f = *state;
    struct alog_error error = {.message = ""};
    struct alog_prune_options options = ages(30, 20, 0);
    assert_int_equal(alog_prune(f->db, &options, NULL, &error), ALOG_INVALID);
    assert_non_null(strstr(error.message, "20 days and the rows below them for 30"));
    options = ages(30, 40, 35);
    assert_int_equal(alog_prune(f->db, &options, NULL, NULL), ALOG_INVALID);
    options = ages(1, 1, 1);
    char nowhere[400];
    snprintf(nowhere, sizeof nowhere, "%s/nowhere.db", f->dir);
    assert_int_equal(alog_prune(nowhere, &options, NULL, NULL), ALOG_NOT_FOUND);
    assert_int_equal(access(nowhere, F_OK), -1);
    options.struct_bytes = 3;
    assert_int_equal(alog_prune(f->db, &options, NULL, NULL), ALOG_INVALID);
    options = ages(ALOG_KEEP_FOREVER, ALOG_KEEP_FOREVER, ALOG_KEEP_FOREVER);
    struct alog_prune_report report = prune(f, &options);
    assert_int_equal(report.rows, 0);
    alog_prune_report_free(&report);
    db_dump_assert_equal(f->db, f->whole, "after everything was refused");
}

/* ---- Killed, and on a full disk ---- */

static void copy(const char *from, const char *to) {
    char command[1400];
    snprintf(command, sizeof command, "rm -f '%s'* && cp '%s' '%s'", to, from, to);
    assert_int_equal(system(command), 0);
}

static unsigned prune_with_fault(const char *db, enum fault_vfs_action action, unsigned at) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fault_vfs_install(action, at);
        struct alog_prune_options options = ages(1, 1, 1);
        (void)!alog_prune(db, &options, NULL, NULL);
        unsigned calls = fault_vfs_calls();
        _exit(write(ends[1], &calls, sizeof calls) == sizeof calls ? 0 : 99);
    }
    close(ends[1]);
    unsigned calls = 0;
    int status;
    assert_true(read(ends[0], &calls, sizeof calls) >= 0);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return calls;
}

/* What a killed process leaves has a journal beside it, which a dump does not take in. */
static void settle(const char *path) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void killed_or_without_room(void **state) {
    struct fixture *f = *state;
    char db[340];
    snprintf(db, sizeof db, "%s/fault.db", f->dir);
    copy(f->db, db);
    unsigned calls = prune_with_fault(db, FAULT_VFS_COUNT, 0);
    assert_true(calls > 10);
    char *pruned = db_dump(db, NULL);
    for (enum fault_vfs_action action = FAULT_VFS_FULL; action <= FAULT_VFS_KILL; action++) {
        for (unsigned at = 1; at <= calls; at += 1 + calls / 40) {
            copy(f->db, db);
            prune_with_fault(db, action, at);
            settle(db);
            char *between = db_dump(db, NULL);
            if (strcmp(between, f->whole) != 0 && strcmp(between, pruned) != 0) {
                fail_msg("action %d at call %u: neither as before nor as after", action, at);
            }
            free(between);
            struct alog_prune_options options = ages(1, 1, 1);
            assert_int_equal(alog_prune(db, &options, NULL, NULL), ALOG_OK);
            db_dump_assert_equal(db, pruned, "run again");
        }
    }
    free(pruned);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_dry_run_says_what_will_go),
        CASE(rows_of_jobs_go_and_their_days_stay),
        CASE(what_comes_late_makes_no_day_less),
        CASE(a_rebuild_makes_a_day_whole_or_is_refused),
        CASE(the_space_is_given_back),
        CASE(what_cannot_be_is_refused),
        CASE(killed_or_without_room),
    };
    return cmocka_run_group_tests_name("prune", tests, NULL, NULL);
}
