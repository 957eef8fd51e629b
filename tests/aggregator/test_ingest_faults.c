/* Segments and databases that are not what they should be. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "support/db_dump.h"
#include "support/ingest_fixture.h"
#include "support/scratch_dir.h"

struct fixture {
    char *dir;
    char log[300], db[300];
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    f->dir = scratch_dir_make();
    snprintf(f->log, sizeof(f->log), "%s/log", f->dir);
    snprintf(f->db, sizeof(f->db), "%s/a.db", f->dir);
    ingest_fixture_make_log(f->log, 3, 1, 3, 3, 20);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    scratch_dir_remove(f->dir);
    free(f);
    return 0;
}

ALOG_PRINTF(1, 2)
static void shell(const char *format, ...) {
    char command[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof(command), format, arguments);
    va_end(arguments);
    if (system(command) != 0) {
        fail_msg("%s", command);
    }
}

/* The path of the n-th segment. */
static void segment_path(const struct fixture *f, size_t n, char path[512]) {
    struct alog_segment_list list;
    assert_int_equal(alog_segments_list(f->log, &list, NULL), ALOG_OK);
    assert_true(n < list.count);
    snprintf(path, 512, "%s", list.segments[n].path);
    alog_segments_free(&list);
}

static void flip(const char *path, long offset) {
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, offset, offset < 0 ? SEEK_END : SEEK_SET), 0);
    int byte = fgetc(file);
    assert_int_equal(fseek(file, offset, offset < 0 ? SEEK_END : SEEK_SET), 0);
    fputc(byte ^ 0x40, file);
    fclose(file);
}

static enum alog_status ingest(const struct fixture *f, struct alog_ingest_report *report,
                               struct alog_error *error) {
    struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
    options.threads = 2;
    return alog_ingest(f->log, f->db, &options, report, error);
}

static void bad_segment_is_set_aside_until_it_reads(void **state) {
    struct fixture *f = *state;
    char path[512], other[560];
    struct alog_ingest_report report;
    segment_path(f, 1, path);
    snprintf(other, sizeof(other), "%s/kept", f->dir);
    shell("mv '%s' '%s' && head -c 3000 /dev/urandom > '%s'", path, other, path);
    ingest_fixture_ingest(f->log, f->db, 2, &report);
    assert_int_equal(report.segments_bad, 1);
    assert_int_equal(report.segments_ingested, 2);
    assert_int_equal(report.events, 120);
    assert_int_equal(ingest_fixture_integer(f->db, "SELECT count(*) FROM bad_segments WHERE"
                                                   " length(reason) > 10"),
                     1);
    ingest_fixture_ingest(f->log, f->db, 2, &report);
    assert_int_equal(report.segments_bad, 1);
    shell("mv '%s' '%s'", other, path);
    ingest_fixture_ingest(f->log, f->db, 2, &report);
    assert_int_equal(report.segments_bad, 0);
    assert_int_equal(report.segments_ingested, 1);
    assert_int_equal(ingest_fixture_integer(f->db, "SELECT count(*) FROM bad_segments"), 0);
    char once[340];
    snprintf(once, sizeof(once), "%s/once.db", f->dir);
    ingest_fixture_ingest(f->log, once, 1, NULL);
    char *expected = db_dump(once, NULL);
    db_dump_assert_equal(f->db, expected, "read in the end");
    free(expected);
}

static void note_damage(void *context, const struct alog_damage *damage) {
    (void)damage;
    ++*(unsigned *)context;
}

static void damage_costs_only_its_block(void **state) {
    struct fixture *f = *state;
    char path[512];
    struct stat info;
    segment_path(f, 1, path);
    assert_int_equal(stat(path, &info), 0);
    /* In the middle block's frame: each of three is about a third. */
    flip(path, info.st_size / 2);
    unsigned damages = 0;
    struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
    options.damage = note_damage;
    options.damage_context = &damages;
    struct alog_ingest_report report;
    struct alog_error error = {0};
    if (alog_ingest(f->log, f->db, &options, &report, &error) != ALOG_OK) {
        fail_msg("%s", error.message);
    }
    assert_true(damages >= 1);
    assert_int_equal(report.events, 180 - 20);
    assert_int_equal(report.segments_bad, 0);
    assert_true(ingest_fixture_integer(f->db, "SELECT max(missing_events) FROM segments") >= 20);
    assert_int_equal(ingest_fixture_integer(f->db, "SELECT sum(missing_events) FROM segments"),
                     ingest_fixture_integer(
                         f->db, "SELECT sum(events_lost) FROM rollup_losses WHERE reason = 'gap'"));
    /* Days rebuilt one by one find the same. */
    char *expected = db_dump(f->db, NULL);
    options.day = "2026-02-03";
    assert_int_equal(alog_rebuild(f->log, f->db, &options, NULL, NULL), ALOG_OK);
    options.day = "2026-02-04";
    assert_int_equal(alog_rebuild(f->log, f->db, &options, NULL, NULL), ALOG_OK);
    db_dump_assert_equal(f->db, expected, "with a damaged block");
    free(expected);
}

/* The last of `blocks` blocks of a sealed segment is destroyed: its header, or its frame. */
static void check_lost_end(const struct fixture *f, const char *name, int blocks, bool header) {
    char log[320], db[320], once[320];
    snprintf(log, sizeof(log), "%s/%s", f->dir, name);
    snprintf(db, sizeof(db), "%s/%s.db", f->dir, name);
    snprintf(once, sizeof(once), "%s/%s-once.db", f->dir, name);
    struct segment_maker maker;
    struct test_random random = {1};
    segment_maker_init(&maker, alog_io_system(), log, 77);
    segment_maker_begin(&maker);
    long before_last = 0, end = 0;
    for (int block = 0; block < blocks; block++) {
        for (int i = 0; i < 20; i++) {
            ingest_fixture_add(&maker, &random);
        }
        ingest_fixture_ingest(log, db, 1, NULL);
        before_last = (long)alog_segment_bytes(maker.segment);
        assert_int_equal(segment_maker_end_block(&maker), ALOG_OK);
        end = (long)alog_segment_bytes(maker.segment);
    }
    segment_maker_seal(&maker);
    flip(maker.path, header ? before_last + 60 : end - 10);
    struct alog_ingest_report report;
    ingest_fixture_ingest(log, db, 1, NULL);
    ingest_fixture_ingest(log, once, 2, &report);
    assert_int_equal(report.segments_bad, 0);
    assert_int_equal(report.events, 20 * (blocks - 1));
    assert_int_equal(report.events_lost,
                     20 + ingest_fixture_integer(
                              once, "SELECT COALESCE(sum("
                                    "events_lost), 0) FROM rollup_losses WHERE reason <> 'gap'"));
    assert_int_equal(ingest_fixture_integer(once, "SELECT missing_events FROM segments"), 20);
    assert_int_equal(ingest_fixture_integer(once, "SELECT sum(events_lost) FROM rollup_losses"
                                                  " WHERE reason = 'gap'"),
                     20);
    char *expected = db_dump(once, NULL);
    db_dump_assert_equal(db, expected, "block by block");
    static const char *const days[] = {"2026-02-03", "2026-02-04", NULL};
    for (size_t i = 0; i < 3; i++) {
        struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
        options.day = days[i];
        assert_int_equal(alog_rebuild(log, db, &options, NULL, NULL), ALOG_OK);
        db_dump_assert_equal(db, expected, "rebuilt");
    }
    free(expected);
    segment_maker_free(&maker);
}

static void lost_end_of_a_sealed_segment_is_counted(void **state) {
    const struct fixture *f = *state;
    check_lost_end(f, "last-header", 3, true);
    check_lost_end(f, "last-frame", 3, false);
    check_lost_end(f, "only-header", 1, true);
    check_lost_end(f, "only-frame", 1, false);
}

static void changed_segment_is_refused(void **state) {
    struct fixture *f = *state;
    char path[512];
    ingest_fixture_ingest(f->log, f->db, 1, NULL);
    char *before = db_dump(f->db, NULL);
    segment_path(f, 2, path);
    /* Also when there is something new: nothing is committed. */
    ingest_fixture_make_log(f->log, 99, 1, 1, 1, 20);
    shell("head -c -100 '%s' > '%s.x' && mv '%s.x' '%s'", path, path, path, path);
    struct alog_error error = {0};
    assert_int_equal(ingest(f, NULL, &error), ALOG_CORRUPT);
    assert_non_null(strstr(error.message, path));
    db_dump_assert_equal(f->db, before, "refused");
    free(before);
}

static void changed_open_segment_is_refused(void **state) {
    struct fixture *f = *state;
    struct segment_maker maker;
    struct test_random random = {1};
    segment_maker_init(&maker, alog_io_system(), f->log, 77);
    segment_maker_begin(&maker);
    for (int block = 0; block < 2; block++) {
        for (int i = 0; i < 20; i++) {
            ingest_fixture_add(&maker, &random);
        }
        assert_int_equal(segment_maker_end_block(&maker), ALOG_OK);
        if (block == 0) {
            ingest_fixture_ingest(f->log, f->db, 1, NULL);
        }
    }
    char *before = db_dump(f->db, NULL);
    flip(maker.path, 200);
    struct alog_error error = {0};
    assert_int_equal(ingest(f, NULL, &error), ALOG_CORRUPT);
    db_dump_assert_equal(f->db, before, "refused");
    flip(maker.path, 200);
    assert_int_equal(ingest(f, NULL, &error), ALOG_OK);
    assert_int_equal(truncate(maker.path, 150), 0);
    assert_int_equal(ingest(f, NULL, &error), ALOG_CORRUPT);
    free(before);
    segment_maker_free(&maker);
}

static void copies_count_once(void **state) {
    struct fixture *f = *state;
    char path[512];
    segment_path(f, 0, path);
    shell("mkdir '%s/2031-01-01' && cp '%s' '%s/2031-01-01/' && head -c 600 '%s' > '%s.open'",
          f->log, path, f->log, path, path);
    struct alog_ingest_report report;
    ingest_fixture_ingest(f->log, f->db, 2, &report);
    assert_int_equal(report.events, 180);
    assert_int_equal(report.segments_skipped, 1);
    ingest_fixture_ingest(f->log, f->db, 2, &report);
    assert_int_equal(report.events, 0);
}

static void vanished_segment_keeps_its_sums(void **state) {
    struct fixture *f = *state;
    char path[512];
    ingest_fixture_ingest(f->log, f->db, 1, NULL);
    char *before = db_dump(f->db, NULL);
    segment_path(f, 1, path);
    unlink(path);
    ingest_fixture_ingest(f->log, f->db, 1, NULL);
    db_dump_assert_equal(f->db, before, "purged");
    struct alog_error error = {0};
    assert_int_equal(alog_rebuild(f->log, f->db, NULL, NULL, &error), ALOG_CORRUPT);
    struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
    options.day = "2026-02-04";
    assert_int_equal(alog_rebuild(f->log, f->db, &options, NULL, &error), ALOG_CORRUPT);
    db_dump_assert_equal(f->db, before, "never rebuilt to less");
    free(before);
}

static void no_log(void **state) {
    struct fixture *f = *state;
    struct alog_error error = {0};
    char nowhere[340];
    snprintf(nowhere, sizeof(nowhere), "%s/nowhere", f->dir);
    assert_int_equal(alog_ingest(nowhere, f->db, NULL, NULL, &error), ALOG_NOT_FOUND);
    assert_int_not_equal(access(f->db, F_OK), 0);
}

static void not_a_database(void **state) {
    struct fixture *f = *state;
    static const char *const contents[] = {"x", "this is no database at all",
                                           "head -c 100 /dev/urandom", "head -c 8192 /dev/urandom"};
    for (size_t i = 0; i < 4; i++) {
        if (i < 2) {
            shell("printf '%%s' '%s' > '%s'", contents[i], f->db);
        } else {
            shell("%s > '%s'", contents[i], f->db);
        }
        struct stat before, after;
        struct alog_error error = {0};
        stat(f->db, &before);
        assert_int_equal(ingest(f, NULL, &error), ALOG_INVALID);
        stat(f->db, &after);
        assert_int_equal(before.st_size, after.st_size);
        struct alog_db *db;
        assert_int_equal(alog_db_open(f->db, &db, &error), ALOG_INVALID);
    }
    unlink(f->db);
    shell("mkdir '%s'", f->db);
    struct alog_error error = {0};
    assert_int_equal(ingest(f, NULL, &error), ALOG_INVALID);
}

static void run_sql(const char *path, const char *sql) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s", sqlite3_errmsg(db));
    }
    sqlite3_close(db);
}

static void somebody_elses_database(void **state) {
    struct fixture *f = *state;
    struct alog_error error = {0};
    run_sql(f->db, "CREATE TABLE mine (x)");
    assert_int_equal(ingest(f, NULL, &error), ALOG_INVALID);
    assert_int_equal(alog_rebuild(f->log, f->db, NULL, NULL, &error), ALOG_INVALID);
}

/* Lists that are there without their job are in the way of a new one's, which must not get lost. */
static void lists_without_a_job_are_said(void **state) {
    struct fixture *f = *state;
    struct alog_error error = {0};
    char log[300];
    ingest_fixture_ingest(f->log, f->db, 1, NULL);
    run_sql(f->db, "DELETE FROM jobs");
    snprintf(log, sizeof(log), "%s/other", f->dir);
    ingest_fixture_make_log(log, 4, 1, 1, 3, 200);
    assert_int_not_equal(alog_ingest(log, f->db, NULL, NULL, &error), ALOG_OK);
    assert_non_null(strstr(error.message, "job_details"));
    assert_null(strstr(error.message, "64 bits"));
}

static void newer_schema_is_refused(void **state) {
    struct fixture *f = *state;
    struct alog_error error = {0};
    ingest_fixture_ingest(f->log, f->db, 1, NULL);
    run_sql(f->db, "PRAGMA user_version = 7");
    assert_int_equal(ingest(f, NULL, &error), ALOG_UNSUPPORTED);
    assert_int_equal(alog_rebuild(f->log, f->db, NULL, NULL, &error), ALOG_UNSUPPORTED);
}

/* Version 1 had no latency thresholds, no levels, and smaller pages; version 3 did not sum
 * up the jobs of a day, nor count which of a job's calls said what they cost; in version 4 all
 * times of a job's lists counted from its first event; in version 5 jobs had no number. */
static void make_older(const char *db, int version) {
    run_sql(db, "PRAGMA journal_mode = DELETE");
    if (version == 1) {
        run_sql(db, "DROP TABLE rollup_agents_day; DROP TABLE rollup_calibration;"
                    "DELETE FROM settings WHERE name = 'latency_thresholds_us';"
                    "PRAGMA page_size = 4096; VACUUM; PRAGMA user_version = 1");
    } else if (version == 4) {
        run_sql(db, "UPDATE job_details SET provider_parts ="
                    " '[[\"p\",\"m\",\"\",1,1,0,0,0,1,5,0,0,0,0,0,0,0,7000000000,9000000000]]';"
                    "PRAGMA user_version = 4");
    } else if (version == 5) {
        run_sql(db, "DROP VIEW job_agents; DROP TABLE job_details; PRAGMA user_version = 5");
    } else {
        run_sql(db,
                "DROP VIEW v_jobs; DROP TABLE rollup_jobs; ALTER TABLE jobs DROP COLUMN cost_count;"
                "UPDATE job_details SET provider_parts ="
                " '[[\"p\",\"m\",\"\",1,1,0,0,0,1,5,0,0,0,0,0,0,5,5]]';"
                "PRAGMA user_version = 3");
    }
    run_sql(db, "UPDATE daily_summary SET events = 0");
}

static void an_older_schema_is_made_anew(void **state) {
    struct fixture *f = *state;
    struct alog_error error = {0};
    ingest_fixture_ingest(f->log, f->db, 1, NULL);
    char *expected = db_dump(f->db, NULL);
    const int versions[] = {1, 3, 4, 5};
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        const int version = versions[i];
        struct alog_db *reader;
        struct alog_ingest_options day = ALOG_INGEST_OPTIONS_INIT;
        make_older(f->db, version);
        assert_int_equal(alog_db_open(f->db, &reader, &error), ALOG_UNSUPPORTED);
        assert_non_null(strstr(error.message, "ingest"));
        day.day = "2026-02-04";
        assert_int_equal(alog_rebuild(f->log, f->db, &day, NULL, &error), ALOG_UNSUPPORTED);
        assert_int_equal(ingest(f, NULL, &error), ALOG_OK);
        db_dump_assert_equal(f->db, expected, "migrated");
        make_older(f->db, version);
        run_sql(f->db, "PRAGMA journal_mode = WAL");
        assert_int_equal(alog_rebuild(f->log, f->db, NULL, NULL, &error), ALOG_OK);
        db_dump_assert_equal(f->db, expected, "rebuilt");
    }
    /* What cannot be made anew stays. */
    make_older(f->db, 1);
    run_sql(f->db, "UPDATE segments SET segment_id = 'gone' WHERE number = 1");
    assert_int_equal(ingest(f, NULL, &error), ALOG_CORRUPT);
    assert_non_null(strstr(error.message, "remove the database"));
    free(expected);
}

static void sums_that_do_not_reconcile(void **state) {
    struct fixture *f = *state;
    struct alog_error error = {0};
    char path[512];
    segment_path(f, 2, path);
    shell("mv '%s' '%s/kept'", path, f->dir);
    ingest_fixture_ingest(f->log, f->db, 1, NULL);
    shell("mv '%s/kept' '%s'", f->dir, path);
    run_sql(f->db, "UPDATE rollup_events SET events = events + 1 WHERE event = 'job_start'");
    char *before = db_dump(f->db, NULL);
    assert_int_equal(ingest(f, NULL, &error), ALOG_CORRUPT);
    db_dump_assert_equal(f->db, before, "not reconciled");
    free(before);
    assert_int_equal(alog_rebuild(f->log, f->db, NULL, NULL, &error), ALOG_OK);
    assert_int_equal(ingest_fixture_integer(f->db, "SELECT sum(events) FROM rollup_events"), 180);
}

static void second_ingest_is_locked_out(void **state) {
    struct fixture *f = *state;
    char lock[340];
    struct alog_error error = {0};
    snprintf(lock, sizeof(lock), "%s.lock", f->db);
    int fd = open(lock, O_RDWR | O_CREAT, 0666);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(ingest(f, NULL, &error), ALOG_LOCKED);
    assert_int_equal(alog_rebuild(f->log, f->db, NULL, NULL, &error), ALOG_LOCKED);
    close(fd);
    assert_int_equal(ingest(f, NULL, &error), ALOG_OK);
    assert_int_not_equal(access(lock, F_OK), 0);
}

/* Readers look on all the while: each sees whole states only. */
static void readers_see_whole_states(void **state) {
    struct fixture *f = *state;
    char path[512];
    segment_path(f, 2, path);
    shell("mv '%s' '%s/kept'", path, f->dir);
    ingest_fixture_ingest(f->log, f->db, 1, NULL);
    sqlite3 *db;
    sqlite3_stmt *look;
    assert_int_equal(sqlite3_open_v2(f->db, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT (SELECT sum(events) FROM rollup_events WHERE event"
                                        " NOT LIKE 'writer_%'), (SELECT sum(events) FROM"
                                        " daily_summary), (SELECT count(*) FROM dirty_days)",
                                        -1, &look, NULL),
                     SQLITE_OK);
    shell("mv '%s/kept' '%s'", f->dir, path);
    pid_t child = fork();
    if (child == 0) {
        _exit(ingest(f, NULL, NULL) == ALOG_OK ? 0 : 1);
    }
    sqlite3_busy_timeout(db, 5000);
    int status = -1, looks = 0;
    while (waitpid(child, &status, WNOHANG) == 0 || looks < 3) {
        assert_int_equal(sqlite3_step(look), SQLITE_ROW);
        assert_int_equal(sqlite3_column_int64(look, 0), sqlite3_column_int64(look, 1));
        assert_int_equal(sqlite3_column_int64(look, 2), 0);
        sqlite3_reset(look);
        looks++;
    }
    assert_int_equal(status, 0);
    sqlite3_finalize(look);
    sqlite3_close(db);
    /* It was kept in WAL mode by the reader; the next run puts it to rest. */
    ingest_fixture_ingest(f->log, f->db, 1, NULL);
    char wal[340];
    snprintf(wal, sizeof(wal), "%s-wal", f->db);
    assert_int_not_equal(access(wal, F_OK), 0);
}

static void opens_from_a_read_only_directory(void **state) {
    struct fixture *f = *state;
    ingest_fixture_ingest(f->log, f->db, 1, NULL);
    char wal[340];
    snprintf(wal, sizeof(wal), "%s-wal", f->db);
    assert_int_not_equal(access(wal, F_OK), 0);
    assert_int_equal(chmod(f->dir, 0555), 0);
    pid_t child = fork();
    if (child == 0) {
        /* Permissions mean nothing to root. The group stays: it may read what is made, not write.
         */
        if (geteuid() == 0 && setuid(65534) != 0) {
            _exit(77);
        }
        struct alog_db *db;
        struct alog_error error = {0};
        int fault = 0;
        fault |= alog_db_open(f->db, &db, &error) != ALOG_OK ? 1 : 0;
        fault |= ingest(f, NULL, &error) != ALOG_READ_ONLY ? 2 : 0;
        _exit(fault);
    }
    int status = -1;
    waitpid(child, &status, 0);
    chmod(f->dir, 0755);
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void every_column_is_documented(void **state) {
    struct fixture *f = *state;
    ingest_fixture_ingest(f->log, f->db, 1, NULL);
    assert_int_equal(
        ingest_fixture_integer(
            f->db, "SELECT count(*) FROM sqlite_schema AS s, pragma_table_xinfo(s.name) AS c"
                   " WHERE s.type IN ('table', 'view') AND NOT EXISTS (SELECT 1 FROM schema_docs"
                   " WHERE table_name = s.name AND column_name = c.name)"),
        0);
    assert_int_equal(
        ingest_fixture_integer(f->db, "SELECT count(*) FROM sqlite_schema WHERE type IN ('table',"
                                      " 'view') AND name NOT IN (SELECT table_name FROM"
                                      " schema_docs WHERE column_name = '')"),
        0);
    assert_int_equal(
        ingest_fixture_integer(f->db, "SELECT count(*) FROM schema_docs WHERE table_name = 'jobs'"
                                      " AND column_name = 'end_ns' AND doc LIKE 'its job_end;%'"),
        1);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(bad_segment_is_set_aside_until_it_reads),
        CASE(damage_costs_only_its_block),
        CASE(lost_end_of_a_sealed_segment_is_counted),
        CASE(changed_segment_is_refused),
        CASE(changed_open_segment_is_refused),
        CASE(copies_count_once),
        CASE(vanished_segment_keeps_its_sums),
        CASE(no_log),
        CASE(not_a_database),
        CASE(somebody_elses_database),
        CASE(lists_without_a_job_are_said),
        CASE(newer_schema_is_refused),
        CASE(an_older_schema_is_made_anew),
        CASE(sums_that_do_not_reconcile),
        CASE(second_ingest_is_locked_out),
        CASE(readers_see_whole_states),
        CASE(opens_from_a_read_only_directory),
        CASE(every_column_is_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
