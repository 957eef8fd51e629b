/* A segment that was ingested while it was open, and made anew after a failed sync: its events
 * count once, and where some were lost after all, the ingest says so and changes nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <agentlog/aggregator.h>
#include <agentlog/writer.h>

#include "support/db_dump.h"
#include "support/fake_io.h"
#include "support/log_walk.h"
#include "support/scratch_dir.h"

struct fixture {
    char *dir;
    char log_dir[512], db[512], other_db[512];
    struct fake_io fake;
    struct alog_writer *writer;
    bool lose; /* the end of the file at the next failed sync */
};

static void lose_bytes(void *context, int fd) {
    struct fixture *f = context;
    struct stat facts;
    const uint8_t zeros[8] = {0};
    if (f->lose && fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode)) {
        assert_int_equal(pwrite(fd, zeros, sizeof zeros, facts.st_size - 8), sizeof zeros);
    }
}

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    snprintf(f->log_dir, sizeof f->log_dir, "%s/log", f->dir);
    snprintf(f->db, sizeof f->db, "%s/db", f->dir);
    snprintf(f->other_db, sizeof f->other_db, "%s/other", f->dir);
    fake_io_init(&f->fake);
    f->fake.on_failed_sync = lose_bytes;
    f->fake.on_failed_sync_context = f;
    struct alog_writer_options options = ALOG_WRITER_OPTIONS_INIT;
    options.sync_interval_ms = 3600000;
    options.flush_interval_ms = 5;
    options.io = &f->fake.io;
    assert_int_equal(alog_writer_open(f->log_dir, &options, &f->writer, NULL), ALOG_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    alog_writer_close(f->writer, NULL);
    scratch_dir_remove(f->dir);
    free(f);
    return 0;
}

static void log_errors(struct fixture *f, int count) {
    for (int i = 0; i < count; i++) {
        assert_int_equal(
            alog_log_error(f->writer, &(struct alog_error_event){.error_type = ALOG_STR("hook")}),
            ALOG_OK);
    }
}

static void wait_until_stored(struct fixture *f, uint64_t events) {
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    while (alog_writer_get_stats(f->writer, &stats) == ALOG_OK && stats.stored < events) {
        usleep(1000);
    }
}

/* 100 events that are synced, 100 that are not, all of them ingested; then the sync fails. */
static void ingest_then_fail(struct fixture *f) {
    struct alog_ingest_report report = {0};
    log_errors(f, 100);
    assert_int_equal(alog_writer_flush(f->writer, 60000, NULL), ALOG_OK);
    log_errors(f, 100);
    wait_until_stored(f, 200);
    assert_int_equal(alog_ingest(f->log_dir, f->db, NULL, &report, NULL), ALOG_OK);
    assert_int_equal(report.events, 200);
    atomic_store(&f->fake.times[FAKE_FSYNC], 1);
    atomic_store(&f->fake.failures[FAKE_FSYNC], -EIO);
    assert_int_equal(alog_writer_flush(f->writer, 60000, NULL), ALOG_OK);
    log_errors(f, 100);
    assert_int_equal(alog_writer_close(f->writer, NULL), ALOG_OK);
    f->writer = NULL;
}

static void nothing_counts_twice(void **state) {
    struct fixture *f = *state;
    struct alog_ingest_report report = {0};
    ingest_then_fail(f);
    uint64_t events = log_walk(f->log_dir, NULL, NULL).events;
    assert_int_equal(alog_ingest(f->log_dir, f->db, NULL, &report, NULL), ALOG_OK);
    assert_int_equal(report.events, events - 200);
    assert_int_equal(report.segments_bad, 0);
    assert_int_equal(report.events_lost, 0);
    assert_int_equal(alog_ingest(f->log_dir, f->other_db, NULL, &report, NULL), ALOG_OK);
    assert_int_equal(report.events, events);
    char *expected = db_dump(f->other_db, NULL);
    db_dump_assert_equal(f->db, expected, "the ingest that went on");
    free(expected);
}

static void what_was_ingested_and_lost_is_loud(void **state) {
    struct fixture *f = *state;
    f->lose = true;
    ingest_then_fail(f);
    struct alog_ingest_report report = {0};
    uint64_t before = db_dump_hash(f->db);
    assert_int_equal(alog_ingest(f->log_dir, f->db, NULL, &report, NULL), ALOG_CORRUPT);
    assert_int_equal(db_dump_hash(f->db), before);
    assert_int_equal(alog_rebuild(f->log_dir, f->db, NULL, &report, NULL), ALOG_OK);
    assert_true(report.events_lost >= 100);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(nothing_counts_twice),
        CASE(what_was_ingested_and_lost_is_loud),
    };
    return cmocka_run_group_tests_name("ingest_renewed", tests, NULL, NULL);
}
