/* Disks that are really full: a tmpfs of a few hundred KiB holds the log, or the rings. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <agentlog/writer.h>

#include "support/loss_check.h"
#include "support/scratch_dir.h"

struct fixture {
    char *dir;
    char small[512]; /* where the small disk is mounted */
    char large[512];
    bool mounted;
    struct alog_writer_options options;
    struct alog_writer *writer;
    struct loss_check check;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    snprintf(f->small, sizeof f->small, "%s/small", f->dir);
    snprintf(f->large, sizeof f->large, "%s/large", f->dir);
    assert_int_equal(mkdir(f->small, 0777), 0);
    assert_int_equal(mkdir(f->large, 0777), 0);
    f->mounted = mount("agentlog-test", f->small, "tmpfs", 0, "size=400k,mode=0700") == 0;
    if (!f->mounted) {
        fprintf(stderr, "skipped: cannot mount a tmpfs: %s\n", strerror(errno));
    }
    f->options = (struct alog_writer_options)ALOG_WRITER_OPTIONS_INIT;
    f->options.ring_bytes = 64 * 1024;
    f->options.block_bytes = 16 * 1024;
    f->options.segment_bytes = 64 * 1024;
    f->options.flush_interval_ms = 5;
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    alog_writer_close(f->writer, NULL);
    if (f->mounted) {
        umount2(f->small, MNT_DETACH);
    }
    scratch_dir_remove(f->dir);
    free(f);
    return 0;
}

static struct alog_writer_stats stats_of(struct fixture *f) {
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    assert_int_equal(alog_writer_get_stats(f->writer, &stats), ALOG_OK);
    return stats;
}

/* Fill what is left of the disk; the path is the caller's to unlink. */
static void fill(struct fixture *f, char path[600]) {
    snprintf(path, 600, "%s/filling", f->small);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    char bytes[4096] = {1};
    assert_true(fd >= 0);
    while (write(fd, bytes, sizeof bytes) > 0) {
    }
    close(fd);
}

static void close_and_check(struct fixture *f, const char *log_dir) {
    struct alog_error error = {0};
    if (alog_writer_close(f->writer, &error) != ALOG_OK) {
        fail_msg("%s", error.message);
    }
    f->writer = NULL;
    assert_true(loss_check_read(&f->check, log_dir));
}

/* The log's disk fills up while threads log, and is emptied again: twice. */
static void the_log_fills_its_disk(void **state) {
    struct fixture *f = *state;
    if (!f->mounted) {
        skip();
    }
    f->options.ring_dir = f->large;
    assert_int_equal(alog_writer_open(f->small, &f->options, &f->writer, NULL), ALOG_OK);
    struct loss_check_sample sample = {0};
    for (int round = 0; round < 2; round++) {
        char path[600];
        fill(f, path);
        uint64_t before = stats_of(f).dropped;
        uint64_t failures = stats_of(f).io_errors;
        while (stats_of(f).dropped < before + 1000 || stats_of(f).io_errors == failures) {
            loss_check_log(&f->check, f->writer, 0);
            assert_true(loss_check_sample(&f->check, f->writer, &sample));
        }
        assert_int_equal(stats_of(f).last_errno, ENOSPC);
        assert_int_equal(alog_writer_flush(f->writer, 1000, NULL), ALOG_IO);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(alog_writer_flush(f->writer, 60000, NULL), ALOG_OK);
        assert_int_equal(loss_check_log(&f->check, f->writer, 1), ALOG_OK);
    }
    close_and_check(f, f->small);
    assert_true(f->check.lost[0] >= 2000);
}

static void *log_in_thread(void *context) {
    struct fixture *f = context;
    for (int i = 0; i < 200; i++) {
        loss_check_log(&f->check, f->writer, i % 2);
        usleep(200);
    }
    return NULL;
}

/* Twelve rings do not fit into a disk that has room for five: the others lie beside the log. Space
 * is taken when a ring is made, so that no write to it ends in SIGBUS. */
static void the_rings_fill_theirs(void **state) {
    struct fixture *f = *state;
    if (!f->mounted) {
        skip();
    }
    f->options.ring_dir = f->small;
    assert_int_equal(alog_writer_open(f->large, &f->options, &f->writer, NULL), ALOG_OK);
    pthread_t threads[12];
    for (int i = 0; i < 12; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, log_in_thread, f), 0);
    }
    for (int i = 0; i < 12; i++) {
        pthread_join(threads[i], NULL);
    }
    struct alog_writer_stats stats = stats_of(f);
    assert_int_equal(stats.dropped, 0);
    assert_true(stats.ring_fallbacks > 0);
    assert_true(stats.ring_fallbacks < stats.rings);
    assert_int_equal(stats.last_errno, ENOSPC);
    close_and_check(f, f->large);
}

/* No room anywhere: counted, and over when there is. */
static void nothing_fits_anywhere(void **state) {
    struct fixture *f = *state;
    if (!f->mounted) {
        skip();
    }
    f->options.ring_dir = f->small;
    assert_int_equal(alog_writer_open(f->small, &f->options, &f->writer, NULL), ALOG_OK);
    char path[600];
    fill(f, path);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(loss_check_log(&f->check, f->writer, i % 2), ALOG_DROPPED);
    }
    assert_int_equal(unlink(path), 0);
    usleep(150000); /* the ring is not tried again before */
    assert_int_equal(loss_check_log(&f->check, f->writer, 0), ALOG_OK);
    close_and_check(f, f->small);
    assert_int_equal(f->check.lost[0] + f->check.lost[1], 100);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(the_log_fills_its_disk),
        CASE(the_rings_fill_theirs),
        CASE(nothing_fits_anywhere),
    };
    return cmocka_run_group_tests_name("full_disk", tests, NULL, NULL);
}
