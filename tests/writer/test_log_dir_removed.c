/* What the writer needs is removed while it logs: it is made anew, and nothing that was accepted is
 * missing from the log. And a clock that jumps. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <agentlog/recover.h>
#include <agentlog/writer.h>

#include "support/fake_io.h"
#include "support/loss_check.h"
#include "support/scratch_dir.h"

#define SECOND_NS INT64_C(1000000000)
#define DAY_NS    (INT64_C(86400) * SECOND_NS)

struct fixture {
    char *dir;
    char log_dir[512];
    char ring_dir[512];
    struct fake_io fake;
    struct alog_writer_options options;
    struct alog_writer *writer;
    struct loss_check check;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    snprintf(f->log_dir, sizeof f->log_dir, "%s/log", f->dir);
    snprintf(f->ring_dir, sizeof f->ring_dir, "%s/rings", f->dir);
    assert_int_equal(mkdir(f->ring_dir, 0777), 0);
    fake_io_init(&f->fake);
    f->options = (struct alog_writer_options)ALOG_WRITER_OPTIONS_INIT;
    f->options.ring_bytes = 64 * 1024;
    f->options.block_bytes = 16 * 1024;
    f->options.flush_interval_ms = 5;
    f->options.ring_dir = f->ring_dir;
    f->options.io = &f->fake.io;
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

static void open_writer(struct fixture *f) {
    assert_int_equal(alog_writer_open(f->log_dir, &f->options, &f->writer, NULL), ALOG_OK);
}

static void remove_all(const char *path, const char *below) {
    char command[1200];
    snprintf(command, sizeof command, "rm -rf %s%s 2>/dev/null", path, below);
    (void)!system(command); /* rm may find a directory that is filled again */
}

static void log_some(struct fixture *f, int count) {
    for (int i = 0; i < count; i++) {
        assert_int_equal(loss_check_log(&f->check, f->writer, i % 2), ALOG_OK);
    }
}

static void flush(struct fixture *f) {
    struct alog_error error = {0};
    if (alog_writer_flush(f->writer, 60000, &error) != ALOG_OK) {
        fail_msg("%s", error.message);
    }
}

static struct alog_writer_stats stats_of(struct fixture *f) {
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    assert_int_equal(alog_writer_get_stats(f->writer, &stats), ALOG_OK);
    return stats;
}

static void close_and_check(struct fixture *f) {
    struct alog_error error = {0};
    if (alog_writer_close(f->writer, &error) != ALOG_OK) {
        fail_msg("%s", error.message);
    }
    f->writer = NULL;
    assert_true(loss_check_read(&f->check, f->log_dir));
    assert_int_equal(f->check.walk.open_segments, 0);
    assert_int_equal(f->check.lost[0] + f->check.lost[1], 0);
    assert_int_equal(scratch_dir_count(f->dir, ".writer"), 0);
    assert_int_equal(scratch_dir_count(f->dir, ".ring"), 0);
}

static void everything_is_removed(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    log_some(f, 100);
    flush(f);
    remove_all(f->log_dir, "");
    log_some(f, 100);
    fake_io_advance(&f->fake, SECOND_NS);
    flush(f);
    fake_io_advance(&f->fake, SECOND_NS);
    flush(f);
    /* For whoever finishes this writer's work, should it die. */
    assert_int_equal(scratch_dir_count(f->log_dir, ".writer"), 1);
    log_some(f, 100);
    close_and_check(f);
}

static void the_day_is_removed(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    log_some(f, 100);
    flush(f);
    remove_all(f->log_dir, "/2*");
    fake_io_advance(&f->fake, SECOND_NS);
    log_some(f, 100);
    flush(f);
    close_and_check(f);
}

/* What was renamed away, and is written to meanwhile, comes back with the events. */
static void the_directory_is_moved(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    log_some(f, 100);
    flush(f);
    char moved[600];
    snprintf(moved, sizeof moved, "%s.old", f->log_dir);
    assert_int_equal(rename(f->log_dir, moved), 0);
    log_some(f, 100);
    flush(f);
    assert_int_equal(alog_writer_close(f->writer, NULL), ALOG_OK);
    f->writer = NULL;
    assert_true(loss_check_read(&f->check, f->log_dir));
}

static atomic_bool stop_removing;

static void *remove_again_and_again(void *context) {
    struct fixture *f = context;
    while (!atomic_load(&stop_removing)) {
        remove_all(f->log_dir, "");
        fake_io_advance(&f->fake, SECOND_NS);
        usleep(2000);
    }
    return NULL;
}

/*
 * Whatever the moment, segments that were sealed and then removed are gone, which is what removing
 * means; the books of the rest agree, and the writer goes on.
 */
static void a_writer_outlives_its_directories(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    pthread_t thread;
    atomic_store(&stop_removing, false);
    assert_int_equal(pthread_create(&thread, NULL, remove_again_and_again, f), 0);
    struct loss_check_sample sample = {0};
    for (int i = 0; i < 20000; i++) {
        loss_check_log(&f->check, f->writer, i % 2);
        if (i % 200 == 0) {
            assert_true(loss_check_sample(&f->check, f->writer, &sample));
            usleep(500);
        }
    }
    atomic_store(&stop_removing, true);
    pthread_join(thread, NULL);
    fake_io_advance(&f->fake, 60 * SECOND_NS);
    flush(f);
    log_some(f, 1);
    flush(f);
    assert_int_equal(stats_of(f).in_flight, 0);
    assert_int_equal(alog_writer_close(f->writer, NULL), ALOG_OK);
    f->writer = NULL;
    struct log_walk_result result = log_walk(f->log_dir, NULL, NULL);
    assert_int_equal(result.damages, 0);
    assert_true(result.events > 0);
}

static void a_killed_writer_without_directories_is_recovered(void **state) {
    struct fixture *f = *state;
    f->options.flush_interval_ms = 3600000;
    pid_t child = fork();
    if (child == 0) {
        open_writer(f);
        log_some(f, 50);
        flush(f);
        remove_all(f->log_dir, "");
        for (int i = 0; i < 3; i++) {
            fake_io_advance(&f->fake, SECOND_NS);
            flush(f);
        }
        log_some(f, 50);
        kill(getpid(), SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(alog_recover(f->log_dir, NULL, NULL, NULL), ALOG_OK);
    struct log_walk_result result = log_walk(f->log_dir, NULL, NULL);
    assert_int_equal(result.damages + result.sequence_faults + result.chain_faults, 0);
    assert_int_equal(result.open_segments, 0);
    assert_int_equal(result.events, 100);
}

/* ---- The rings' directory -------------------------------------------------------------------- */

static void *log_one_event(void *context) {
    struct fixture *f = context;
    loss_check_log(&f->check, f->writer, 0);
    usleep(20000); /* two at a time need two rings */
    return NULL;
}

static void log_in_new_threads(struct fixture *f) {
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, log_one_event, f), 0);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void a_vanished_ring_directory_has_a_stand_in(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    log_some(f, 10);
    remove_all(f->ring_dir, "");
    log_in_new_threads(f);
    struct alog_writer_stats stats = stats_of(f);
    assert_int_equal(stats.dropped, 0);
    assert_true(stats.ring_fallbacks >= 1);
    assert_int_equal(stats.ring_fallbacks, stats.rings - 1);
    assert_non_null(strstr(stats.last_error, f->ring_dir));
    assert_int_equal(stats.last_errno, ENOENT);
    log_some(f, 10);
    close_and_check(f);
}

static void a_read_only_ring_directory_has_one_too(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    f->fake.only[FAKE_OPEN] = "/rings/";
    atomic_store(&f->fake.failures[FAKE_OPEN], -EROFS);
    log_in_new_threads(f);
    struct alog_writer_stats stats = stats_of(f);
    assert_int_equal(stats.dropped, 0);
    assert_int_equal(stats.ring_fallbacks, stats.rings);
    assert_int_equal(stats.last_errno, EROFS);
    close_and_check(f);
}

/* Both gone: the stand-in is made anew with its directories. */
static void every_directory_is_gone(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    log_some(f, 10);
    flush(f);
    remove_all(f->dir, "/*");
    log_in_new_threads(f);
    assert_int_equal(stats_of(f).dropped, 0);
    fake_io_advance(&f->fake, SECOND_NS);
    flush(f);
    close_and_check(f);
}

/* ---- The clock ------------------------------------------------------------------------------- */

static void the_clock_jumps(void **state) {
    struct fixture *f = *state;
    static const int64_t jumps[] = {-3600 * SECOND_NS, 365 * DAY_NS, -365 * DAY_NS,    40 * DAY_NS,
                                    -3600 * SECOND_NS, -40 * DAY_NS, 86399 * SECOND_NS};
    fake_io_set_realtime(&f->fake, 20000 * DAY_NS + DAY_NS / 48);
    open_writer(f);
    log_some(f, 50);
    flush(f);
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        atomic_fetch_add(&f->fake.realtime_shift_ns, jumps[i]);
        log_some(f, 50);
        flush(f);
    }
    close_and_check(f);
    /* Each jump but the one within a day began a segment, in the directory of its day. */
    assert_in_range(f->check.walk.segments, 5, 9);
}

/* Two writers of one process and one of a child share a directory. */
static void several_writers_share_a_directory(void **state) {
    struct fixture *f = *state;
    struct alog_writer *second = NULL;
    pid_t child = fork();
    if (child == 0) {
        struct alog_writer *third = NULL;
        bool fine = alog_writer_open(f->log_dir, &f->options, &third, NULL) == ALOG_OK;
        for (int i = 0; i < 100; i++) {
            fine &= loss_check_log(&f->check, third, i % 2) == ALOG_OK;
        }
        _exit(fine && alog_writer_close(third, NULL) == ALOG_OK ? 0 : 1);
    }
    open_writer(f);
    assert_int_equal(alog_writer_open(f->log_dir, &f->options, &second, NULL), ALOG_OK);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(loss_check_log(&f->check, i % 3 == 0 ? second : f->writer, 0), ALOG_OK);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(alog_writer_close(second, NULL), ALOG_OK);
    assert_int_equal(alog_writer_close(f->writer, NULL), ALOG_OK);
    f->writer = NULL;
    struct log_walk_result result = log_walk(f->log_dir, NULL, NULL);
    assert_int_equal(result.damages + result.sequence_faults + result.chain_faults, 0);
    assert_int_equal(result.segments, 3);
    assert_int_equal(result.events, 200 + 3); /* three heartbeats */
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(everything_is_removed),
        CASE(the_day_is_removed),
        CASE(the_directory_is_moved),
        CASE(a_writer_outlives_its_directories),
        CASE(a_killed_writer_without_directories_is_recovered),
        CASE(a_vanished_ring_directory_has_a_stand_in),
        CASE(a_read_only_ring_directory_has_one_too),
        CASE(every_directory_is_gone),
        CASE(the_clock_jumps),
        CASE(several_writers_share_a_directory),
    };
    return cmocka_run_group_tests_name("log_dir_removed", tests, NULL, NULL);
}
