/* A sync that fails costs nothing that can be read back, and what cannot is counted exactly. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <agentlog/recover.h>
#include <agentlog/writer.h>

#include "support/fake_io.h"
#include "support/log_walk.h"
#include "support/scratch_dir.h"

struct fixture {
    char *dir;
    struct fake_io fake;
    struct alog_writer_options options;
    struct alog_writer *writer;
    uint64_t next; /* number of the next event */

    /* What the log says. */
    uint64_t errors, hooks;
    int64_t last_number;
    uint64_t disorder; /* errors whose number is not greater than the one before */
    uint64_t lost_errors, lost_hooks, lost_others;
    char reasons[256];
    int64_t stats_emitted, stats_stored, stats_dropped;

    /* A failing sync loses 8 bytes that begin so many before the file's end; 0 = none. */
    uint64_t lose_back;
};

/* The kernel drops pages that it could not write: they read as what is on the disk. */
static void lose_bytes(void *context, int fd) {
    struct fixture *f = context;
    struct stat facts;
    if (f->lose_back == 0 || fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        return;
    }
    const uint8_t zeros[8] = {0};
    off_t at = facts.st_size - (off_t)f->lose_back;
    assert_int_equal(pwrite(fd, zeros, sizeof zeros, at), sizeof zeros);
    f->lose_back = 0;
}

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    fake_io_init(&f->fake);
    f->fake.on_failed_sync = lose_bytes;
    f->fake.on_failed_sync_context = f;
    f->options = (struct alog_writer_options)ALOG_WRITER_OPTIONS_INIT;
    f->options.ring_bytes = 64 * 1024;
    f->options.block_bytes = 16 * 1024;
    f->options.ring_dir = f->dir;
    f->options.sync_interval_ms = 3600000; /* when the test says so */
    f->options.io = &f->fake.io;
    f->last_number = -1;
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
    assert_int_equal(alog_writer_open(f->dir, &f->options, &f->writer, NULL), ALOG_OK);
}

static void fail_syncs(struct fixture *f, int result, int times) {
    atomic_store(&f->fake.times[FAKE_FSYNC], times);
    atomic_store(&f->fake.failures[FAKE_FSYNC], result);
}

static enum alog_status log_error(struct fixture *f) {
    enum alog_status status = alog_log_error(
        f->writer, &(struct alog_error_event){.error_type = ALOG_STR("hook"),
                                              .line_number = ALOG_I64((int64_t)f->next)});
    f->next += status == ALOG_OK;
    return status;
}

static enum alog_status log_hook(struct fixture *f) {
    return alog_log_hook_execution(
        f->writer, &(struct alog_hook_execution){.hook_name = ALOG_STR("ruff"),
                                                 .status = ALOG_HOOK_STATUS_SUCCESS});
}

static void log_errors(struct fixture *f, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        assert_int_equal(log_error(f), ALOG_OK);
    }
}

static enum alog_status flush(struct fixture *f) {
    return alog_writer_flush(f->writer, 60000, NULL);
}

static struct alog_writer_stats stats_of(struct fixture *f) {
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    assert_int_equal(alog_writer_get_stats(f->writer, &stats), ALOG_OK);
    assert_int_equal(stats.emitted, stats.stored + stats.dropped + stats.in_flight);
    return stats;
}

static void see_loss(struct fixture *f, const struct alog_event *event) {
    uint64_t count = (uint64_t)event->values[1].i64;
    if (alog_string_equal(event->values[0].string, ALOG_STR("error"))) {
        f->lost_errors += count;
    } else if (alog_string_equal(event->values[0].string, ALOG_STR("hook_execution"))) {
        f->lost_hooks += count;
    } else {
        f->lost_others += count;
    }
    strncat(f->reasons, event->values[2].string.data, event->values[2].string.len);
    strcat(f->reasons, " ");
}

static void see(void *context, const struct alog_event *event) {
    struct fixture *f = context;
    if (alog_string_equal(event->name, ALOG_STR("error"))) {
        f->errors++;
        f->disorder += event->values[4].i64 <= f->last_number;
        f->last_number = event->values[4].i64;
    }
    f->hooks += alog_string_equal(event->name, ALOG_STR("hook_execution"));
    if (alog_string_equal(event->name, ALOG_STR("writer_loss"))) {
        see_loss(f, event);
    }
    if (alog_string_equal(event->name, ALOG_STR("writer_stats"))) {
        f->stats_emitted = event->values[0].i64;
        f->stats_stored = event->values[1].i64;
        f->stats_dropped = event->values[2].i64;
    }
}

static struct log_walk_result read_log(struct fixture *f) {
    struct log_walk_result result = log_walk(f->dir, see, f);
    assert_int_equal(f->disorder, 0);
    assert_int_equal(f->lost_others, 0);
    assert_int_equal(scratch_dir_count(f->dir, ".recovering"), 0);
    return result;
}

static void close_writer(struct fixture *f) {
    struct alog_error error = {0};
    enum alog_status status = alog_writer_close(f->writer, &error);
    f->writer = NULL;
    if (status != ALOG_OK) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(scratch_dir_count(f->dir, ".open"), 0);
    assert_int_equal(scratch_dir_count(f->dir, ".writer"), 0);
    assert_int_equal(scratch_dir_count(f->dir, ".ring"), 0);
}

/* Close, read; everything is there, once, in sealed segments that follow each other. */
static struct log_walk_result close_and_find_all(struct fixture *f, uint64_t segments) {
    close_writer(f);
    struct log_walk_result result = read_log(f);
    assert_int_equal(result.damages, 0);
    assert_int_equal(result.sequence_faults, 0);
    assert_int_equal(result.chain_faults, 0);
    assert_int_equal(result.open_segments, 0);
    assert_int_equal(result.segments, segments);
    assert_int_equal(f->errors, f->next);
    assert_string_equal(f->reasons, "");
    return result;
}

/* ---- Nothing is lost ------------------------------------------------------------------------- */

static void the_segment_is_made_anew(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    log_errors(f, 1000);
    assert_int_equal(flush(f), ALOG_OK);
    log_errors(f, 1000);
    fail_syncs(f, -EIO, 1);
    assert_int_equal(flush(f), ALOG_OK); /* the new file is synced */
    assert_int_equal(atomic_load(&f->fake.failed), 1);
    assert_int_equal(scratch_dir_count(f->dir, ".open"), 0);
    struct alog_writer_stats stats = stats_of(f);
    assert_int_equal(stats.stored, 2000);
    assert_int_equal(stats.last_errno, EIO);
    log_errors(f, 10);
    close_and_find_all(f, 2);
}

static void every_block_may_be_synced(void **state) {
    struct fixture *f = *state;
    f->options.sync = ALOG_SYNC_BLOCK;
    open_writer(f);
    for (int i = 0; i < 5; i++) {
        log_errors(f, 10);
        fail_syncs(f, -ENOSPC, 1);
        assert_int_equal(flush(f), ALOG_OK);
    }
    close_and_find_all(f, 6); /* the last has the heartbeat */
}

/* While the disk syncs nothing, it still takes blocks, and catches up when it does. */
static void a_disk_that_syncs_nothing_is_waited_for(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    log_errors(f, 100);
    assert_int_equal(flush(f), ALOG_OK);
    fail_syncs(f, -EIO, 0);
    for (int i = 0; i < 5; i++) {
        log_errors(f, 100);
        assert_int_equal(flush(f), ALOG_IO);
    }
    assert_int_equal(stats_of(f).stored, 600);
    fail_syncs(f, 0, 0);
    assert_int_equal(flush(f), ALOG_OK);
    assert_int_equal(stats_of(f).segments, 2);
    close_and_find_all(f, 2);
}

static void a_failed_seal_is_made_good(void **state) {
    struct fixture *f = *state;
    f->options.segment_age_ms = 1000;
    open_writer(f);
    log_errors(f, 100);
    assert_int_equal(flush(f), ALOG_OK);
    fail_syncs(f, -EIO, 1);
    fake_io_advance(&f->fake, INT64_C(2000000000));
    while (atomic_load(&f->fake.failed) == 0) {
        usleep(1000);
    }
    log_errors(f, 100);
    assert_int_equal(flush(f), ALOG_OK);
    close_and_find_all(f, 2);
}

static void directories_fail_as_well(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    log_errors(f, 100);
    atomic_store(&f->fake.skip[FAKE_FSYNC], 1); /* the file's own passes */
    fail_syncs(f, -EIO, 1);
    assert_int_equal(flush(f), ALOG_OK);
    assert_int_equal(atomic_load(&f->fake.failed), 1);
    log_errors(f, 100);
    close_and_find_all(f, 2);
}

/* A directory that cannot be opened is no failed sync: the segment goes on. */
static void a_directory_is_opened_later(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    log_errors(f, 100);
    f->fake.only[FAKE_OPEN] = "-";
    while (stats_of(f).stored < 100) {
        usleep(1000);
    }
    atomic_store(&f->fake.failures[FAKE_OPEN], -EMFILE);
    assert_int_equal(flush(f), ALOG_IO);
    atomic_store(&f->fake.failures[FAKE_OPEN], 0);
    assert_int_equal(flush(f), ALOG_OK);
    assert_int_equal(stats_of(f).segments, 1);
    close_and_find_all(f, 1);
}

/* Until the end: what close could not sync it names, and a recovery finds it. */
static void a_disk_that_never_syncs_is_named(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    log_errors(f, 100);
    fail_syncs(f, -EIO, 0);
    assert_int_equal(flush(f), ALOG_IO);
    log_errors(f, 100);
    struct alog_error error = {0};
    assert_int_equal(alog_writer_close(f->writer, &error), ALOG_IO);
    f->writer = NULL;
    assert_int_equal(error.system_errno, EIO);
    assert_non_null(strstr(error.message, "may not survive a power cut"));
    assert_int_equal(scratch_dir_count(f->dir, ".open"), 2);
    assert_int_equal(scratch_dir_count(f->dir, ".writer"), 1);
    struct log_walk_result result = read_log(f);
    assert_int_equal(result.damages + result.sequence_faults + result.chain_faults, 0);
    assert_int_equal(f->errors, 200);
    f->errors = 0;
    f->last_number = -1;
    assert_int_equal(alog_recover(f->dir, NULL, NULL, NULL), ALOG_OK);
    result = read_log(f);
    assert_int_equal(result.damages + result.sequence_faults + result.chain_faults, 0);
    assert_int_equal(result.open_segments, 0);
    assert_int_equal(f->errors, 200);
    assert_int_equal(scratch_dir_count(f->dir, ".writer"), 0);
}

/* Many segments whose seal fails: memory and open files are bounded, and nothing is lost. */
static void many_segments_may_wait(void **state) {
    struct fixture *f = *state;
    f->options.segment_bytes = 64 * 1024;
    f->options.full_wait_ns = UINT64_C(60000000000);
    open_writer(f);
    fail_syncs(f, -EIO, 0);
    while (stats_of(f).segments < 12) {
        log_errors(f, 1000);
    }
    fail_syncs(f, 0, 0);
    struct alog_error error = {0};
    assert_int_equal(alog_writer_close(f->writer, &error), ALOG_IO);
    f->writer = NULL;
    assert_in_range(scratch_dir_count(f->dir, ".open"), 1, 5);
    struct log_walk_result result = read_log(f);
    assert_int_equal(result.damages + result.sequence_faults + result.chain_faults, 0);
    assert_int_equal(f->errors, f->next);
}

/* ---- What the kernel lost -------------------------------------------------------------------- */

static void check_losses(struct fixture *f, const struct log_walk_result *result) {
    assert_int_equal(f->stats_stored, f->errors + f->hooks);
    assert_int_equal(f->stats_dropped, f->lost_errors + f->lost_hooks);
    assert_int_equal(f->stats_emitted, f->stats_stored + f->stats_dropped);
    assert_int_equal(result->dropped, f->stats_dropped);
}

static void a_lost_block_is_counted(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    log_errors(f, 100);
    assert_int_equal(flush(f), ALOG_OK);
    log_errors(f, 30);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(log_hook(f), ALOG_OK);
    }
    fail_syncs(f, -EIO, 1);
    f->lose_back = 8;
    assert_int_equal(flush(f), ALOG_OK);
    struct alog_writer_stats stats = stats_of(f);
    assert_int_equal(stats.emitted, 150);
    assert_int_equal(stats.stored, 100);
    assert_int_equal(stats.dropped, 50);
    log_errors(f, 10);
    close_writer(f);
    struct log_walk_result result = read_log(f);
    assert_int_equal(f->errors, 110);
    assert_int_equal(f->lost_errors, 30);
    assert_int_equal(f->lost_hooks, 20);
    assert_non_null(strstr(f->reasons, "sync_failed"));
    assert_true(result.chain_faults + result.sequence_faults > 0); /* the numbers are missing */
    check_losses(f, &result);
}

/* A block before the last: the ones after it keep their places. */
static void a_hole_is_left_where_a_block_was(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    log_errors(f, 100);
    assert_int_equal(flush(f), ALOG_OK);
    log_errors(f, 100);
    while (stats_of(f).stored < 200) {
        usleep(1000);
    }
    uint64_t end = stats_of(f).segment_bytes;
    log_errors(f, 100);
    while (stats_of(f).stored < 300) {
        usleep(1000);
    }
    f->lose_back = stats_of(f).segment_bytes - end + 8;
    fail_syncs(f, -EIO, 1);
    assert_int_equal(flush(f), ALOG_OK);
    struct alog_writer_stats stats = stats_of(f);
    assert_int_equal(stats.stored, 200);
    assert_int_equal(stats.dropped, 100);
    close_writer(f);
    struct log_walk_result result = read_log(f);
    assert_int_equal(f->errors, 200);
    assert_int_equal(f->last_number, 299);
    assert_int_equal(f->lost_errors, 100);
    assert_int_equal(result.damages, 2); /* the gap, said by both walks, and nothing else */
    assert_int_equal(result.sequence_faults, 1);
    assert_int_equal(result.chain_faults, 0);
    check_losses(f, &result);
}

/* What the lost block said was lost is said again. */
static void a_lost_loss_is_said_again(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    log_errors(f, 10);
    assert_int_equal(flush(f), ALOG_OK);
    atomic_store(&f->fake.failures[FAKE_PWRITEV], -ENOSPC);
    uint64_t dropped = 0;
    while (dropped < 7) {
        dropped += log_error(f) == ALOG_DROPPED;
    }
    atomic_store(&f->fake.failures[FAKE_PWRITEV], 0);
    assert_int_equal(flush(f), ALOG_OK);
    uint64_t stored = stats_of(f).stored;
    while (log_error(f) != ALOG_DROPPED) {
        if (stats_of(f).in_flight == 0) {
            atomic_store(&f->fake.failures[FAKE_PWRITEV], -ENOSPC);
        }
    }
    atomic_store(&f->fake.failures[FAKE_PWRITEV], 0);
    fail_syncs(f, -EIO, 1);
    f->lose_back = 8; /* of the last block, which has the writer_loss */
    assert_int_equal(flush(f), ALOG_OK);
    assert_true(stats_of(f).stored >= stored);
    close_writer(f);
    struct log_walk_result result = read_log(f);
    check_losses(f, &result);
    assert_int_equal(f->errors + f->lost_errors, f->next + 8);
}

/* Reading back fails, once and for ever. */
static void what_cannot_be_read_back_waits_or_is_lost(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    log_errors(f, 100);
    atomic_store(&f->fake.failures[FAKE_PREAD], -ENOMEM);
    fail_syncs(f, -EIO, 1);
    assert_int_equal(flush(f), ALOG_IO);
    assert_int_equal(stats_of(f).stored, 100);
    atomic_store(&f->fake.failures[FAKE_PREAD], 0);
    assert_int_equal(flush(f), ALOG_OK);
    log_errors(f, 100);
    atomic_store(&f->fake.failures[FAKE_PREAD], -EIO);
    fail_syncs(f, -EIO, 1);
    assert_int_equal(flush(f), ALOG_OK);
    atomic_store(&f->fake.failures[FAKE_PREAD], 0);
    assert_int_equal(stats_of(f).stored, 100);
    assert_int_equal(stats_of(f).dropped, 100);
    close_writer(f);
    struct log_walk_result result = read_log(f);
    assert_int_equal(f->errors, 100);
    assert_int_equal(f->lost_errors, 100);
    check_losses(f, &result);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(the_segment_is_made_anew),
        CASE(every_block_may_be_synced),
        CASE(a_disk_that_syncs_nothing_is_waited_for),
        CASE(a_failed_seal_is_made_good),
        CASE(directories_fail_as_well),
        CASE(a_directory_is_opened_later),
        CASE(a_disk_that_never_syncs_is_named),
        CASE(many_segments_may_wait),
        CASE(a_lost_block_is_counted),
        CASE(a_hole_is_left_where_a_block_was),
        CASE(a_lost_loss_is_said_again),
        CASE(what_cannot_be_read_back_waits_or_is_lost),
    };
    return cmocka_run_group_tests_name("failed_sync", tests, NULL, NULL);
}
