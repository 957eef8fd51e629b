/*
 * Power is lost while segments are archived: in every state that POSIX leaves open then, each event
 * is in the log or in the archive, and another run archives them all. See support/crash_io.h.
 *
 *     ALOG_CRASH_STATES=20000 test_archive_crash
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <agentlog/archive.h>

#include "support/crash_io.h"
#include "support/event_set.h"
#include "support/ingest_fixture.h"
#include "support/scratch_dir.h"

#define SEGMENTS       3
#define EVENTS         12
#define DEFAULT_STATES 300

struct fixture {
    char *dir;
    char root[300], state[300];
    struct crash_io *disk;
    struct event_set events;
    size_t logged; /* recorded calls when the log was there, and synced */
};

static struct alog_archive_options options_with(const struct alog_io *io) {
    struct alog_archive_options options = ALOG_ARCHIVE_OPTIONS_INIT;
    options.before_ns = ALOG_I64(INT64_MAX);
    options.compression_level = 1;
    options.io = io;
    return options;
}

static void make_log(struct fixture *f, const char *log_dir) {
    struct segment_maker maker;
    struct test_random random = {11};
    segment_maker_init(&maker, crash_io_calls(f->disk), log_dir, 0xabc);
    for (int segment = 0; segment < SEGMENTS; segment++) {
        segment_maker_begin(&maker);
        for (int event = 0; event < EVENTS; event++) {
            ingest_fixture_add(&maker, &random);
        }
        assert_int_equal(segment_maker_end_block(&maker), ALOG_OK);
        segment_maker_seal(&maker);
    }
    segment_maker_free(&maker);
}

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    char log_dir[320], archive_dir[320];
    f->dir = scratch_dir_make();
    snprintf(f->root, sizeof f->root, "%s/root", f->dir);
    snprintf(f->state, sizeof f->state, "%s/state", f->dir);
    snprintf(log_dir, sizeof log_dir, "%s/log", f->root);
    snprintf(archive_dir, sizeof archive_dir, "%s/archive", f->root);
    assert_int_equal(mkdir(f->root, 0700), 0);
    f->disk = crash_io_new(f->root);
    make_log(f, log_dir);
    f->logged = crash_io_count(f->disk);
    event_set_add(&f->events, log_dir);
    assert_int_equal(f->events.count, SEGMENTS * EVENTS);
    struct alog_archive_report report;
    const struct alog_archive_options options = options_with(crash_io_calls(f->disk));
    assert_int_equal(alog_archive(log_dir, archive_dir, &options, &report, NULL), ALOG_OK);
    assert_int_equal(report.segments_removed, SEGMENTS);
    assert_true(crash_io_count(f->disk) > f->logged);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    crash_io_free(f->disk);
    event_set_free(&f->events);
    scratch_dir_remove(f->dir);
    free(f);
    return 0;
}

static void check_state(const struct fixture *f) {
    char log_dir[320], archive_dir[320];
    struct event_set both = {0}, archived = {0};
    snprintf(log_dir, sizeof log_dir, "%s/log", f->state);
    snprintf(archive_dir, sizeof archive_dir, "%s/archive", f->state);
    event_set_add(&both, log_dir);
    event_set_add(&both, archive_dir);
    assert_int_equal(both.damages, 0);
    assert_true(event_set_equal(&both, &f->events));
    event_set_free(&both);
    mkdir(log_dir, 0700); /* its name may be gone when nothing is in it any more */
    const struct alog_archive_options options = options_with(NULL);
    assert_int_equal(alog_archive(log_dir, archive_dir, &options, NULL, NULL), ALOG_OK);
    event_set_add(&archived, archive_dir);
    assert_int_equal(archived.damages + archived.repeats, 0);
    assert_true(event_set_equal(&archived, &f->events));
    event_set_free(&archived);
    assert_int_equal(scratch_dir_count(f->state, ".archiving"), 0);
}

static uint64_t number_from(const char *name, uint64_t fallback) {
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? strtoull(text, NULL, 10) : fallback;
}

static void nothing_is_lost(void **state) {
    const struct fixture *f = *state;
    struct test_random random = {number_from("ALOG_CRASH_SEED", 1)};
    const uint64_t states = number_from("ALOG_CRASH_STATES", DEFAULT_STATES);
    const uint32_t calls = (uint32_t)(crash_io_count(f->disk) - f->logged);
    for (uint64_t i = 0; i < states; i++) {
        const size_t at = f->logged + test_random_below(&random, calls + 1);
        assert_int_equal(mkdir(f->state, 0700), 0);
        (void)crash_io_state(f->disk, at, &random, f->state);
        check_state(f);
        char *made = strdup(f->state);
        scratch_dir_remove(made);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_lost, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("archive_crash", tests, NULL, NULL);
}
