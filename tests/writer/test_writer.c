/* writer/writer.c and the drain: open, flush, stats, close, rotation, and what is left behind. */
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

#include <agentlog/writer.h>

#include "support/fake_io.h"
#include "support/log_walk.h"
#include "support/scratch_dir.h"

#define SECOND_NS INT64_C(1000000000)
#define DAY_NS    (86400 * SECOND_NS)

struct fixture {
    char *dir;
    struct fake_io fake;
    struct alog_writer_options options;
    struct alog_writer *writer;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    fake_io_init(&f->fake);
    f->options = (struct alog_writer_options)ALOG_WRITER_OPTIONS_INIT;
    f->options.ring_bytes = 64 * 1024;
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
    struct alog_error error;
    if (alog_writer_open(f->dir, &f->options, &f->writer, &error) != ALOG_OK) {
        fail_msg("%s", error.message);
    }
}

static enum alog_status log_error(struct fixture *f) {
    return alog_log_error(f->writer, &(struct alog_error_event){.error_type = ALOG_STR("hook")});
}

static enum alog_status flush(struct fixture *f) {
    return alog_writer_flush(f->writer, 30000, NULL);
}

static struct alog_writer_stats stats_of(struct fixture *f) {
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    assert_int_equal(alog_writer_get_stats(f->writer, &stats), ALOG_OK);
    return stats;
}

static void close_writer(struct fixture *f) {
    struct alog_error error;
    enum alog_status status = alog_writer_close(f->writer, &error);
    f->writer = NULL;
    if (status != ALOG_OK) {
        fail_msg("%s", error.message);
    }
}

static struct log_walk_result read_log(struct fixture *f) {
    struct log_walk_result result = log_walk(f->dir, NULL, NULL);
    assert_int_equal(result.damages, 0);
    assert_int_equal(result.sequence_faults, 0);
    assert_int_equal(result.chain_faults, 0);
    return result;
}

/* ---- Open ----------------------------------------------------------------------------------- */

static void a_writer_that_logs_nothing_leaves_nothing(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    assert_int_equal(scratch_dir_count(f->dir, ".writer"), 1);
    close_writer(f);
    assert_int_equal(scratch_dir_count(f->dir, ".writer"), 0);
    assert_int_equal(read_log(f).segments, 0);
}

static void missing_directories_are_made(void **state) {
    struct fixture *f = *state;
    char path[4096];
    snprintf(path, sizeof path, "%s/a/b/c", f->dir);
    assert_int_equal(alog_writer_open(path, NULL, &f->writer, NULL), ALOG_OK);
    assert_int_equal(log_error(f), ALOG_OK);
    close_writer(f);
    assert_int_equal(scratch_dir_count(path, ".msgpack.zst"), 1);
}

static void open_says_why_it_cannot(void **state) {
    struct fixture *f = *state;
    struct alog_error error;
    static const struct {
        enum fake_call call;
        int failure;
        enum alog_status status;
    } cases[] = {
        {FAKE_MKDIR, -EROFS, ALOG_READ_ONLY}, {FAKE_MKDIR, -EACCES, ALOG_READ_ONLY},
        {FAKE_MKDIR, -ENOSPC, ALOG_IO},       {FAKE_OPEN, -EROFS, ALOG_READ_ONLY},
        {FAKE_OPEN, -EMFILE, ALOG_IO},        {FAKE_LOCK, -ENOLCK, ALOG_IO},
        {FAKE_PWRITEV, -ENOSPC, ALOG_IO},     {FAKE_RENAME, -EIO, ALOG_IO},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        atomic_store(&f->fake.failures[cases[i].call], cases[i].failure);
        struct alog_writer *untouched = (struct alog_writer *)f;
        struct alog_writer *writer = untouched;
        assert_int_equal(alog_writer_open(f->dir, &f->options, &writer, &error), cases[i].status);
        assert_int_equal(error.system_errno, -cases[i].failure);
        assert_non_null(strstr(error.message, f->dir));
        assert_ptr_equal(writer, untouched);
        atomic_store(&f->fake.failures[cases[i].call], 0);
        assert_int_equal(scratch_dir_count(f->dir, ".new"), 0);
        assert_int_equal(scratch_dir_count(f->dir, ".writer"), 0);
    }
    assert_int_equal(alog_writer_open("", NULL, &f->writer, &error), ALOG_INVALID);
    assert_int_equal(alog_writer_open(NULL, NULL, &f->writer, &error), ALOG_INVALID);
    f->options.ring_bytes = 1;
    assert_int_equal(alog_writer_open(f->dir, &f->options, &f->writer, &error), ALOG_INVALID);
    assert_null(f->writer);
    /* A file where the directory should be. */
    char path[4096];
    snprintf(path, sizeof path, "%s/file", f->dir);
    fclose(fopen(path, "w"));
    assert_int_equal(alog_writer_open(path, NULL, &f->writer, &error), ALOG_IO);
}

/* ---- Flush, stats, close --------------------------------------------------------------------- */

static void a_flush_puts_events_into_the_file(void **state) {
    struct fixture *f = *state;
    f->options.flush_interval_ms = 3600000;
    open_writer(f);
    assert_int_equal(flush(f), ALOG_OK);
    assert_int_equal(scratch_dir_count(f->dir, ".open"), 0);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(log_error(f), ALOG_OK);
    }
    struct alog_writer_stats stats = stats_of(f);
    assert_int_equal(stats.emitted, 10);
    assert_int_equal(stats.stored + stats.in_flight, 10);
    uint64_t syncs = atomic_load(&f->fake.counts[FAKE_FSYNC]);
    assert_int_equal(flush(f), ALOG_OK);
    assert_true(atomic_load(&f->fake.counts[FAKE_FSYNC]) > syncs);
    stats = stats_of(f);
    assert_int_equal(stats.stored, 10);
    assert_int_equal(stats.in_flight, 0);
    assert_int_equal(stats.segments, 1);
    assert_int_equal(stats.rings, 1);
    assert_int_equal(stats.ring_bytes, 64 * 1024 + 12288);
    assert_true(stats.segment_bytes > 0 && stats.raw_bytes > 0);
    struct log_walk_result result = read_log(f);
    assert_int_equal(result.events, 10);
    assert_int_equal(result.open_segments, 1);
    close_writer(f);
    result = read_log(f);
    assert_int_equal(result.events, 11); /* and writer_stats */
    assert_int_equal(result.open_segments, 0);
}

static void events_reach_the_file_by_themselves(void **state) {
    struct fixture *f = *state;
    f->options.flush_interval_ms = 10;
    open_writer(f);
    assert_int_equal(log_error(f), ALOG_OK);
    for (int i = 0; i < 3000 && stats_of(f).stored == 0; i++) {
        usleep(10000);
    }
    assert_int_equal(stats_of(f).stored, 1);
}

static void a_flush_that_cannot_says_so(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    atomic_store(&f->fake.failures[FAKE_PWRITEV], -EIO);
    assert_int_equal(log_error(f), ALOG_OK);
    struct alog_error error;
    assert_int_equal(alog_writer_flush(f->writer, 30000, &error), ALOG_IO);
    assert_int_equal(error.system_errno, EIO);
    assert_int_equal(stats_of(f).in_flight, 1);
    atomic_store(&f->fake.failures[FAKE_PWRITEV], 0);
    assert_int_equal(flush(f), ALOG_OK);
    assert_int_equal(stats_of(f).in_flight, 0);
    close_writer(f);
    assert_int_equal(read_log(f).events, 2);
}

static void close_keeps_what_it_cannot_write(void **state) {
    struct fixture *f = *state;
    f->options.ring_dir = f->dir;
    open_writer(f);
    assert_int_equal(log_error(f), ALOG_OK);
    assert_int_equal(flush(f), ALOG_OK);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(log_error(f), ALOG_OK);
    }
    atomic_store(&f->fake.failures[FAKE_PWRITEV], -ENOSPC);
    struct alog_error error;
    assert_int_equal(alog_writer_close(f->writer, &error), ALOG_IO);
    f->writer = NULL;
    assert_non_null(strstr(error.message, "5 events"));
    assert_int_equal(error.system_errno, ENOSPC);
    /* The control file and the ring stay, for whoever finishes this. */
    assert_int_equal(scratch_dir_count(f->dir, ".writer"), 1);
    assert_int_equal(scratch_dir_count(f->dir, ".ring"), 1);
}

static void close_of_nothing_is_fine(void **state) {
    (void)state;
    assert_int_equal(alog_writer_close(NULL, NULL), ALOG_OK);
}

static void stats_know_older_callers(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    struct alog_writer_stats stats;
    memset(&stats, 0xee, sizeof stats);
    stats.struct_bytes = offsetof(struct alog_writer_stats, stored);
    assert_int_equal(alog_writer_get_stats(f->writer, &stats), ALOG_OK);
    assert_int_equal(stats.emitted, 0);
    assert_int_equal(stats.stored, UINT64_C(0xeeeeeeeeeeeeeeee));
    stats.struct_bytes = 0;
    assert_int_equal(alog_writer_get_stats(f->writer, &stats), ALOG_INVALID);
    stats.struct_bytes = sizeof stats + 8;
    assert_int_equal(alog_writer_get_stats(f->writer, &stats), ALOG_INVALID);
}

static void two_writers_of_one_thread(void **state) {
    struct fixture *f = *state;
    struct alog_writer *second = NULL;
    open_writer(f);
    assert_int_equal(alog_writer_open(f->dir, &f->options, &second, NULL), ALOG_OK);
    struct alog_error_event event = {.error_type = ALOG_STR("hook")};
    for (int i = 0; i < 100; i++) {
        assert_int_equal(alog_log_error(f->writer, &event), ALOG_OK);
        assert_int_equal(alog_log_error(second, &event), ALOG_OK);
    }
    assert_int_equal(stats_of(f).rings, 1);
    assert_int_equal(alog_writer_close(second, NULL), ALOG_OK);
    assert_int_equal(alog_log_error(f->writer, &event), ALOG_OK);
    close_writer(f);
    struct log_walk_result result = read_log(f);
    assert_int_equal(result.segments, 2);
    assert_int_equal(result.events, 203);
}

static void many_writers_one_after_another(void **state) {
    struct fixture *f = *state;
    for (int i = 0; i < 20; i++) {
        open_writer(f);
        assert_int_equal(log_error(f), ALOG_OK);
        close_writer(f);
    }
    assert_int_equal(read_log(f).events, 40);
}

/* ---- Rotation ------------------------------------------------------------------------------- */

static void rotation_by_size(void **state) {
    struct fixture *f = *state;
    f->options.segment_bytes = 64 * 1024;
    f->options.block_bytes = 16 * 1024;
    f->options.full_wait_ns = UINT64_C(60000000000);
    open_writer(f);
    uint64_t random = 1;
    for (int i = 0; i < 20000; i++) {
        /* Text that does not compress. */
        char text[32];
        for (size_t k = 0; k < sizeof text; k++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            text[k] = (char)('!' + (random >> 33) % 90);
        }
        assert_int_equal(
            alog_log_error(f->writer,
                           &(struct alog_error_event){.error_type = ALOG_STR("hook"),
                                                      .error_message = {text, sizeof text}}),
            ALOG_OK);
    }
    close_writer(f);
    struct log_walk_result result = read_log(f);
    assert_int_equal(result.events, 20001);
    assert_true(result.segments >= 5);
    assert_int_equal(result.open_segments, 0);
}

/* Wait until the drain thread has sealed what it should. */
static bool is_sealed(struct fixture *f) {
    for (int i = 0; i < 3000; i++) {
        if (scratch_dir_count(f->dir, ".open") == 0) {
            return true;
        }
        usleep(10000);
    }
    return false;
}

/* Of the files in the log. */
static uint64_t file_bytes(struct fixture *f) {
    struct alog_segment_list list;
    uint64_t bytes = 0;
    assert_int_equal(alog_segments_list(f->dir, &list, NULL), ALOG_OK);
    for (size_t i = 0; i < list.count; i++) {
        struct stat facts;
        assert_int_equal(stat(list.segments[i].path, &facts), 0);
        bytes += (uint64_t)facts.st_size;
    }
    alog_segments_free(&list);
    return bytes;
}

static void rotation_by_age(void **state) {
    struct fixture *f = *state;
    f->options.stats_interval_ms = 86400000;
    /* Noon: no midnight is near. */
    fake_io_set_realtime(&f->fake, 20000 * DAY_NS + DAY_NS / 2);
    f->options.segment_age_ms = 3600000;
    open_writer(f);
    assert_int_equal(log_error(f), ALOG_OK);
    assert_int_equal(flush(f), ALOG_OK);
    fake_io_advance(&f->fake, 3599 * SECOND_NS);
    assert_int_equal(log_error(f), ALOG_OK);
    assert_int_equal(flush(f), ALOG_OK);
    assert_int_equal(stats_of(f).segments, 1);
    fake_io_advance(&f->fake, 2 * SECOND_NS);
    assert_true(is_sealed(f));
    assert_int_equal(flush(f), ALOG_OK); /* the drain thread has counted it */
    assert_int_equal(stats_of(f).segment_bytes, file_bytes(f));
    assert_int_equal(log_error(f), ALOG_OK);
    close_writer(f);
    assert_int_equal(read_log(f).segments, 2);
}

static void rotation_at_midnight(void **state) {
    struct fixture *f = *state;
    fake_io_set_realtime(&f->fake, 20000 * DAY_NS + DAY_NS - 60 * SECOND_NS);
    f->options.stats_interval_ms = 86400000; /* no heartbeat that begins the next segment */
    open_writer(f);
    assert_int_equal(log_error(f), ALOG_OK);
    assert_int_equal(flush(f), ALOG_OK);
    fake_io_advance(&f->fake, 60 * SECOND_NS);
    assert_true(is_sealed(f));
    assert_int_equal(log_error(f), ALOG_OK);
    close_writer(f);
    assert_int_equal(read_log(f).segments, 2);
    char path[4096];
    snprintf(path, sizeof path, "%s/2024-10-04", f->dir);
    assert_int_equal(scratch_dir_count(path, ".msgpack.zst"), 1);
    snprintf(path, sizeof path, "%s/2024-10-05", f->dir);
    assert_int_equal(scratch_dir_count(path, ".msgpack.zst"), 1);
}

/* A segment in which nothing was logged for hours has no successor until something is. */
static void an_idle_writer_makes_no_segments(void **state) {
    struct fixture *f = *state;
    fake_io_set_realtime(&f->fake, 20000 * DAY_NS + DAY_NS / 2);
    open_writer(f);
    assert_int_equal(log_error(f), ALOG_OK);
    assert_int_equal(flush(f), ALOG_OK);
    for (int hour = 0; hour < 30; hour++) {
        fake_io_advance(&f->fake, 3601 * SECOND_NS);
        usleep(1000);
    }
    assert_true(is_sealed(f));
    close_writer(f);
    /* The heartbeat may have been written on the way or at the end. */
    struct log_walk_result result = read_log(f);
    assert_int_equal(result.events, 2);
    assert_true(result.segments <= 2);
}

static void a_clock_that_steps_back_breaks_nothing(void **state) {
    struct fixture *f = *state;
    fake_io_set_realtime(&f->fake, 20000 * DAY_NS + DAY_NS / 2);
    open_writer(f);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(log_error(f), ALOG_OK);
        assert_int_equal(flush(f), ALOG_OK);
        atomic_fetch_add(&f->fake.realtime_shift_ns, i % 2 == 0 ? -3600 * SECOND_NS : 60);
    }
    close_writer(f);
    struct log_walk_result result = read_log(f);
    assert_int_equal(result.events, 7);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_writer_that_logs_nothing_leaves_nothing),
        CASE(missing_directories_are_made),
        CASE(open_says_why_it_cannot),
        CASE(a_flush_puts_events_into_the_file),
        CASE(events_reach_the_file_by_themselves),
        CASE(a_flush_that_cannot_says_so),
        CASE(close_keeps_what_it_cannot_write),
        CASE(close_of_nothing_is_fine),
        CASE(stats_know_older_callers),
        CASE(two_writers_of_one_thread),
        CASE(many_writers_one_after_another),
        CASE(rotation_by_size),
        CASE(rotation_by_age),
        CASE(rotation_at_midnight),
        CASE(an_idle_writer_makes_no_segments),
        CASE(a_clock_that_steps_back_breaks_nothing),
    };
    return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
