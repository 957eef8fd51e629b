/* Signals, full rings and a disk that comes and goes, all at once: the books agree at every moment,
 * and the log agrees with them in the end. */
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
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include <agentlog/writer.h>

#include "support/fake_io.h"
#include "support/loss_check.h"
#include "support/scratch_dir.h"

enum { THREADS = 4 };

struct fixture {
    char *dir;
    struct fake_io fake;
    struct alog_writer_options options;
    struct alog_writer *writer;
    struct loss_check check;
    atomic_bool stop;
    atomic_bool disagreed;
    _Atomic int ready;
};

/* What the handler works on. */
static struct fixture *stormed;
static _Atomic uint64_t handled;

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    fake_io_init(&f->fake);
    f->options = (struct alog_writer_options)ALOG_WRITER_OPTIONS_INIT;
    f->options.ring_bytes = 64 * 1024;
    f->options.block_bytes = 16 * 1024;
    f->options.flush_interval_ms = 2;
    f->options.sync_interval_ms = 2;
    f->options.io = &f->fake.io;
    stormed = f;
    atomic_store(&handled, 0);
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

static uint64_t begun(struct fixture *f) {
    return atomic_load(&f->check.begun);
}

static void close_and_check(struct fixture *f) {
    struct alog_error error = {0};
    if (alog_writer_close(f->writer, &error) != ALOG_OK) {
        fail_msg("%s", error.message);
    }
    f->writer = NULL;
    assert_false(atomic_load(&f->disagreed));
    assert_true(loss_check_read(&f->check, f->dir));
}

/* ---- Signals --------------------------------------------------------------------------------- */

static void log_in_handler(int signal) {
    (void)signal;
    int before = errno;
    loss_check_log(&stormed->check, stormed->writer, LOSS_CHECK_B);
    atomic_fetch_add(&handled, 1);
    errno = before;
}

static void handle(int signal, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    assert_int_equal(sigaction(signal, &action, NULL), 0);
}

static void set_timer(suseconds_t every_us) {
    struct itimerval every = {{0, every_us}, {0, every_us}};
    assert_int_equal(setitimer(ITIMER_REAL, &every, NULL), 0);
}

/* Signals of the process go to threads that do not block them. */
static void block(int signal, bool blocked) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    assert_int_equal(pthread_sigmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL), 0);
}

static void *log_under_signals(void *context) {
    struct fixture *f = context;
    loss_check_log(&f->check, f->writer, LOSS_CHECK_A);
    block(SIGALRM, false);
    atomic_fetch_add(&f->ready, 1);
    while (!atomic_load(&f->stop)) {
        loss_check_log(&f->check, f->writer, LOSS_CHECK_A);
    }
    block(SIGALRM, true);
    return NULL;
}

static void handlers_log_in_a_storm(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    handle(SIGUSR1, log_in_handler);
    handle(SIGALRM, log_in_handler);
    block(SIGALRM, true);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, log_under_signals, f), 0);
    }
    while (atomic_load(&f->ready) < THREADS) {
        usleep(100);
    }
    set_timer(100);
    struct loss_check_sample sample = {0};
    for (int i = 0; atomic_load(&handled) < 3000; i++) {
        pthread_kill(threads[i % THREADS], SIGUSR1);
        if (i % 100 == 0) {
            assert_true(loss_check_sample(&f->check, f->writer, &sample));
            usleep(1000);
        }
    }
    set_timer(0);
    atomic_store(&f->stop, true);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    handle(SIGUSR1, SIG_IGN);
    handle(SIGALRM, SIG_IGN);
    block(SIGALRM, false);
    close_and_check(f);
    assert_true(f->check.found[LOSS_CHECK_B] > 0);
}

static void *wait_for_handler(void *context) {
    struct fixture *f = context;
    atomic_fetch_add(&f->ready, 1);
    while (!atomic_load(&f->stop)) {
    }
    return NULL;
}

/* Such a thread has never logged itself, nor is it allocating. */
static void a_first_event_may_come_from_a_handler(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    handle(SIGUSR1, log_in_handler);
    for (int round = 0; round < 20; round++) {
        pthread_t thread;
        atomic_store(&f->ready, 0);
        atomic_store(&f->stop, false);
        assert_int_equal(pthread_create(&thread, NULL, wait_for_handler, f), 0);
        while (atomic_load(&f->ready) == 0) {
            usleep(100);
        }
        uint64_t before = atomic_load(&handled);
        for (int i = 0; i < 5; i++) {
            pthread_kill(thread, SIGUSR1);
        }
        while (atomic_load(&handled) == before) {
            usleep(100);
        }
        atomic_store(&f->stop, true);
        pthread_join(thread, NULL);
    }
    handle(SIGUSR1, SIG_IGN);
    close_and_check(f);
    assert_true(f->check.found[LOSS_CHECK_B] >= 20);
}

/* ---- Backpressure ---------------------------------------------------------------------------- */

static void *log_much(void *context) {
    struct fixture *f = context;
    for (int i = 0; !atomic_load(&f->stop); i++) {
        loss_check_log(&f->check, f->writer, i % 2);
        if (i % 64 == 0 && begun(f) > 400000) {
            usleep(1000);
        }
    }
    return NULL;
}

static void *look_at_the_books(void *context) {
    struct fixture *f = context;
    struct loss_check_sample sample = {0};
    while (!atomic_load(&f->stop)) {
        if (!loss_check_sample(&f->check, f->writer, &sample)) {
            atomic_store(&f->disagreed, true);
        }
    }
    return NULL;
}

/* Four threads, rings of 64 KiB, a disk that takes nothing for a while, again and again. */
static void press(struct fixture *f) {
    open_writer(f);
    pthread_t threads[THREADS + 1];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, log_much, f), 0);
    }
    assert_int_equal(pthread_create(&threads[THREADS], NULL, look_at_the_books, f), 0);
    static const enum fake_call calls[] = {FAKE_PWRITEV, FAKE_FSYNC, FAKE_OPEN};
    for (int round = 0; round < 24; round++) {
        enum fake_call call = calls[round % 3];
        usleep(8000);
        atomic_store(&f->fake.failures[call], round % 2 == 0 ? -ENOSPC : -EIO);
        usleep(8000);
        atomic_store(&f->fake.failures[call], 0);
    }
    atomic_store(&f->stop, true);
    for (int i = 0; i <= THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    fake_io_advance(&f->fake, INT64_C(60000000000));
    assert_int_equal(alog_writer_flush(f->writer, 60000, NULL), ALOG_OK);
    close_and_check(f);
    assert_true(f->check.lost[0] + f->check.lost[1] > 0);
}

static void what_finds_no_room_is_dropped(void **state) {
    press(*state);
}

static void or_waits_for_it(void **state) {
    struct fixture *f = *state;
    f->options.full_wait_ns = 200000;
    press(f);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(handlers_log_in_a_storm),
        CASE(a_first_event_may_come_from_a_handler),
        CASE(what_finds_no_room_is_dropped),
        CASE(or_waits_for_it),
    };
    return cmocka_run_group_tests_name("storm", tests, NULL, NULL);
}
