/*
 * Every kind of system call fails, once and for ever, in every way: log calls return, the books
 * agree at every moment, and when the fault is gone the writer goes on and the log says what is
 * missing.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <agentlog/writer.h>

#include "support/fake_io.h"
#include "support/loss_check.h"
#include "support/scratch_dir.h"

struct fixture {
    char *dir;
    struct fake_io fake;
    struct alog_writer_options options;
    struct alog_writer *writer;
    struct loss_check check;
};

static void begin(struct fixture *f) {
    memset(f, 0, sizeof *f);
    f->dir = scratch_dir_make();
    fake_io_init(&f->fake);
    f->options = (struct alog_writer_options)ALOG_WRITER_OPTIONS_INIT;
    f->options.ring_bytes = 64 * 1024;
    f->options.ring_dir = f->dir;
    f->options.block_bytes = 16 * 1024;
    f->options.segment_bytes = 64 * 1024;
    f->options.flush_interval_ms = 2;
    f->options.sync_interval_ms = 2;
    f->options.io = &f->fake.io;
}

static void mend(struct fixture *f) {
    for (int call = 0; call < FAKE_CALLS; call++) {
        atomic_store(&f->fake.failures[call], 0);
    }
}

static void end(struct fixture *f) {
    mend(f);
    alog_writer_close(f->writer, NULL);
    scratch_dir_remove(f->dir);
}

static const char *const call_names[FAKE_CALLS] = {
    [FAKE_OPEN] = "open",
    [FAKE_PWRITEV] = "pwritev",
    [FAKE_FSYNC] = "fsync",
    [FAKE_FALLOCATE] = "fallocate",
    [FAKE_MAP] = "map",
    [FAKE_RENAME] = "rename",
    [FAKE_UNLINK] = "unlink",
    [FAKE_MKDIR] = "mkdir",
    [FAKE_LOCK] = "lock",
    [FAKE_PREAD] = "pread",
    [FAKE_FTRUNCATE] = "ftruncate",
    [FAKE_FSTAT] = "fstat",
    [FAKE_CLOSE] = "close",
    [FAKE_RANDOM] = "random",
};

static const int errors[] = {ENOSPC, EIO, EMFILE, EACCES, EINTR};

/* ---- While events are logged ----------------------------------------------------------------- */

static void *log_thousands(void *context) {
    struct fixture *f = context;
    for (int i = 0; i < 2500; i++) {
        loss_check_log(&f->check, f->writer, i % 3 == 0);
        if (i % 250 == 0) {
            usleep(300);
        }
    }
    return NULL;
}

/* What a fault costs, and that it is over when it is over. */
static bool survives(struct fixture *f, int call, int error, int skip, int times) {
    assert_int_equal(alog_writer_open(f->dir, &f->options, &f->writer, NULL), ALOG_OK);
    struct loss_check_sample sample = {0};
    bool fine = true;
    if (times == 0) {
        /* For ever: from some call on, in the middle of it all. */
        for (int i = 0; i < 200; i++) {
            loss_check_log(&f->check, f->writer, i % 2);
        }
    }
    atomic_store(&f->fake.skip[call], skip);
    atomic_store(&f->fake.times[call], times);
    atomic_store(&f->fake.failures[call], -error);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, log_thousands, f), 0);
    }
    for (int i = 0; i < 2; i++) {
        fine &= loss_check_sample(&f->check, f->writer, &sample);
        pthread_join(threads[i], NULL);
    }
    fine &= loss_check_sample(&f->check, f->writer, &sample);
    (void)alog_writer_flush(f->writer, 20, NULL);
    mend(f);
    fake_io_advance(&f->fake, INT64_C(60000000000)); /* whatever waits tries again */
    fine &= alog_writer_flush(f->writer, 60000, NULL) == ALOG_OK;
    fine &= loss_check_log(&f->check, f->writer, 1) == ALOG_OK;
    struct alog_error told = {0};
    if (alog_writer_close(f->writer, &told) != ALOG_OK) {
        fprintf(stderr, "close: %s\n", told.message);
        fine = false;
    }
    f->writer = NULL;
    fine &= loss_check_read(&f->check, f->dir);
    /* What could not be removed stays, and nothing else. */
    fine &= f->check.walk.open_segments == 0;
    return fine;
}

static void check_call(int call) {
    static const struct { int skip, times; } ways[] = {{0, 1}, {3, 1}, {2, 3}, {0, 0}};
    bool few = getenv("ALOG_FEW_FAULTS") != NULL; /* one error for each way, not all */
    for (size_t e = 0; e < sizeof errors / sizeof errors[0]; e++) {
        for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
            if (few && e != ((size_t)call + w) % (sizeof errors / sizeof errors[0])) {
                continue;
            }
            struct fixture f;
            begin(&f);
            bool fine = survives(&f, call, errors[e], ways[w].skip, ways[w].times);
            end(&f);
            if (!fine) {
                fail_msg("%s fails with %s: skip %d, times %d", call_names[call],
                         strerror(errors[e]), ways[w].skip, ways[w].times);
            }
        }
    }
}

#define CALL_CASE(name, call)                                                                      \
    static void name(void **state) {                                                               \
        (void)state;                                                                               \
        check_call(call);                                                                          \
    }
CALL_CASE(open_fails, FAKE_OPEN)
CALL_CASE(pwritev_fails, FAKE_PWRITEV)
CALL_CASE(fsync_fails, FAKE_FSYNC)
CALL_CASE(fallocate_fails, FAKE_FALLOCATE)
CALL_CASE(map_fails, FAKE_MAP)
CALL_CASE(rename_fails, FAKE_RENAME)
CALL_CASE(unlink_fails, FAKE_UNLINK)
CALL_CASE(mkdir_fails, FAKE_MKDIR)
CALL_CASE(lock_fails, FAKE_LOCK)
CALL_CASE(pread_fails, FAKE_PREAD)
CALL_CASE(ftruncate_fails, FAKE_FTRUNCATE)
CALL_CASE(fstat_fails, FAKE_FSTAT)
CALL_CASE(close_fails, FAKE_CLOSE)
CALL_CASE(random_fails, FAKE_RANDOM)

/* Two at once: what is done about the first meets the second. */
static void two_kinds_fail_at_once(void **state) {
    (void)state;
    for (int second = 0; second < FAKE_CALLS; second++) {
        struct fixture f;
        begin(&f);
        f.options.full_wait_ns = 100000;
        atomic_store(&f.fake.skip[second], 40);
        atomic_store(&f.fake.times[second], 20);
        atomic_store(&f.fake.failures[second], -EIO);
        bool fine = survives(&f, FAKE_FSYNC, EIO, 1, 20);
        end(&f);
        if (!fine) {
            fail_msg("fsync and %s fail", call_names[second]);
        }
    }
}

static void writes_may_be_short(void **state) {
    (void)state;
    struct fixture f;
    begin(&f);
    atomic_store(&f.fake.write_at_most, 777);
    bool fine = survives(&f, FAKE_PWRITEV, EIO, 5, 50);
    end(&f);
    assert_true(fine);
}

/* ---- While a writer is opened ---------------------------------------------------------------- */

static int count_open_files(void) {
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;
    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count;
}

/* The n-th call of that kind fails, for each n until open makes no more of them. */
static void open_whatever_fails(int call, int error) {
    for (int skip = 0;; skip++) {
        struct fixture f;
        begin(&f);
        int files = count_open_files();
        atomic_store(&f.fake.skip[call], skip);
        atomic_store(&f.fake.times[call], 1);
        atomic_store(&f.fake.failures[call], -error);
        struct alog_error told = {0};
        enum alog_status status = alog_writer_open(f.dir, &f.options, &f.writer, &told);
        bool failed = atomic_load(&f.fake.failed) > 0;
        if (status != ALOG_OK) {
            f.writer = NULL;
            assert_true(failed);
            assert_int_not_equal(told.message[0], '\0');
            assert_int_equal(count_open_files(), files);
            atomic_store(&f.fake.failures[call], 0);
            assert_int_equal(alog_writer_open(f.dir, &f.options, &f.writer, &told), ALOG_OK);
        }
        atomic_store(&f.fake.failures[call], 0);
        assert_int_equal(loss_check_log(&f.check, f.writer, 0), ALOG_OK);
        assert_int_equal(alog_writer_close(f.writer, NULL), ALOG_OK);
        f.writer = NULL;
        assert_true(loss_check_read(&f.check, f.dir));
        assert_int_equal(count_open_files(), files);
        /* A temporary file that could not be removed is all that may be left. */
        assert_int_equal(scratch_dir_count(f.dir, ".writer"), call == FAKE_UNLINK ? skip : 0);
        assert_int_equal(scratch_dir_count(f.dir, ".ring"), 0);
        end(&f);
        if (!failed) {
            return;
        }
    }
}

static void open_fails_cleanly(void **state) {
    (void)state;
    for (int call = 0; call < FAKE_CALLS; call++) {
        for (size_t e = 0; e < sizeof errors / sizeof errors[0]; e++) {
            if (call != FAKE_UNLINK && call != FAKE_CLOSE) {
                open_whatever_fails(call, errors[e]);
            }
        }
    }
}

/* ---- Threads --------------------------------------------------------------------------------- */

static bool no_threads;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument) {
    return no_threads ? EAGAIN : __real_pthread_create(thread, attributes, run, argument);
}

static void no_thread_is_no_writer(void **state) {
    (void)state;
    struct fixture f;
    begin(&f);
    int files = count_open_files();
    struct alog_error told = {0};
    no_threads = true;
    assert_int_equal(alog_writer_open(f.dir, &f.options, &f.writer, &told), ALOG_NO_MEMORY);
    no_threads = false;
    f.writer = NULL;
    assert_int_equal(told.system_errno, EAGAIN);
    assert_non_null(strstr(told.message, "thread"));
    assert_int_equal(count_open_files(), files);
    assert_int_equal(scratch_dir_count(f.dir, ".writer"), 0);
    assert_int_equal(alog_writer_open(f.dir, &f.options, &f.writer, NULL), ALOG_OK);
    end(&f);
}

/* ---- What is refused ------------------------------------------------------------------------- */

static void refused_calls_are_counted(void **state) {
    (void)state;
    struct fixture f;
    begin(&f);
    assert_int_equal(alog_writer_open(f.dir, &f.options, &f.writer, NULL), ALOG_OK);
    assert_int_equal(alog_log_error(f.writer, &(struct alog_error_event){0}), ALOG_INVALID);
    assert_int_equal(alog_log_user(f.writer, 12345, NULL, 0, NULL), ALOG_INVALID);
    assert_int_equal(alog_job_begin(f.writer, &(struct alog_job_start){0}), ALOG_INVALID);
    assert_int_equal(
        alog_job_finish(f.writer, &(struct alog_job_end){.status = ALOG_JOB_STATUS_SUCCESS}),
        ALOG_INVALID);
    assert_int_equal(
        alog_log_event(f.writer, &(struct alog_event){.name = ALOG_STR("error")}, NULL),
        ALOG_INVALID);
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    assert_int_equal(alog_writer_get_stats(f.writer, &stats), ALOG_OK);
    assert_int_equal(stats.refused, 5);
    assert_int_equal(stats.emitted, 0);
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_fails),
        cmocka_unit_test(pwritev_fails),
        cmocka_unit_test(fsync_fails),
        cmocka_unit_test(fallocate_fails),
        cmocka_unit_test(map_fails),
        cmocka_unit_test(rename_fails),
        cmocka_unit_test(unlink_fails),
        cmocka_unit_test(mkdir_fails),
        cmocka_unit_test(lock_fails),
        cmocka_unit_test(pread_fails),
        cmocka_unit_test(ftruncate_fails),
        cmocka_unit_test(fstat_fails),
        cmocka_unit_test(close_fails),
        cmocka_unit_test(random_fails),
        cmocka_unit_test(two_kinds_fail_at_once),
        cmocka_unit_test(writes_may_be_short),
        cmocka_unit_test(open_fails_cleanly),
        cmocka_unit_test(no_thread_is_no_writer),
        cmocka_unit_test(refused_calls_are_counted),
    };
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
