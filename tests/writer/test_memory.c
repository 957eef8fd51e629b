/*
 * Memory is what agentlog/writer.h says: rings are handed on when threads end, and threads that all
 * live at once cost a ring each, and nothing stays when the writer is closed.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <agentlog/writer.h>

#include "support/log_walk.h"
#include "support/scratch_dir.h"

#define THREADS 1000u

/* What a sanitizer keeps of each thread and block is not ours. */
#ifdef ALOG_SANITIZED
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif

/* As in writer.h, "Memory". */
#define RING_HEADER_BYTES (12u << 10)

struct fixture {
    char *dir, *rings;
    struct alog_writer_options options;
    struct alog_writer *writer;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    f->rings = scratch_dir_make();
    f->options = (struct alog_writer_options)ALOG_WRITER_OPTIONS_INIT;
    f->options.ring_bytes = 64 * 1024;
    f->options.ring_dir = f->rings;
    f->options.sync = ALOG_SYNC_NONE;
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    alog_writer_close(f->writer, NULL);
    scratch_dir_remove(f->dir);
    scratch_dir_remove(f->rings);
    free(f);
    return 0;
}

static void open_writer(struct fixture *f) {
    assert_int_equal(alog_writer_open(f->dir, &f->options, &f->writer, NULL), ALOG_OK);
}

static struct alog_writer_stats stats_of(struct fixture *f) {
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    assert_int_equal(alog_writer_get_stats(f->writer, &stats), ALOG_OK);
    return stats;
}

/* Close, and count what is in the log. */
static uint64_t close_and_count(struct fixture *f) {
    assert_int_equal(alog_writer_close(f->writer, NULL), ALOG_OK);
    f->writer = NULL;
    assert_int_equal(scratch_dir_count(f->rings, ".ring"), 0);
    struct log_walk_result result = log_walk(f->dir, NULL, NULL);
    assert_int_equal(result.damages + result.sequence_faults + result.dropped, 0);
    return result.events;
}

/* Pages of this process that are in memory, by /proc/self/status: "RssAnon", "RssShmem", … in
 * bytes. */
static uint64_t resident(const char *what) {
    char line[256];
    unsigned long long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    assert_non_null(status);
    while (fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, what, strlen(what)) == 0) {
            kib = strtoull(line + strlen(what) + 1, NULL, 10);
        }
    }
    fclose(status);
    return (uint64_t)kib * 1024;
}

/* Files and shared memory. */
static uint64_t mapped(void) {
    return resident("RssFile:") + resident("RssShmem:");
}

static void *log_one(void *writer) {
    struct alog_error_event event = {.error_type = ALOG_STR("hook")};
    return alog_log_error(writer, &event) == ALOG_OK ? writer : NULL;
}

static void threads_that_come_and_go_need_few_rings(void **state) {
    struct fixture *f = *state;
    enum { AT_ONCE = 8 };
    open_writer(f);
    uint64_t before = 0;
    for (unsigned done = 0; done < THREADS; done += AT_ONCE) {
        pthread_t threads[AT_ONCE];
        for (unsigned i = 0; i < AT_ONCE; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, log_one, f->writer), 0);
        }
        for (unsigned i = 0; i < AT_ONCE; i++) {
            void *logged;
            pthread_join(threads[i], &logged);
            assert_non_null(logged);
        }
        if (done == 10 * AT_ONCE) {
            before = resident("RssAnon:");
        }
    }
    struct alog_writer_stats stats = stats_of(f);
    assert_in_range(stats.rings, 1, AT_ONCE);
    assert_int_equal(stats.ring_bytes, stats.rings * (f->options.ring_bytes + RING_HEADER_BYTES));
    assert_int_equal(scratch_dir_count(f->rings, ".ring"), stats.rings);
    /* Ninety in a hundred threads later it is what it was: 1 KiB a thread would be 900 KiB. */
    uint64_t after = resident("RssAnon:");
    assert_true(IS_SANITIZED || after < before + (900u << 10));
    assert_int_equal(close_and_count(f), THREADS + 1);
}

struct crowd {
    struct alog_writer *writer;
    pthread_barrier_t logged, leave;
    _Atomic unsigned stored;
};

static void *log_and_stay(void *argument) {
    struct crowd *crowd = argument;
    atomic_fetch_add(&crowd->stored, log_one(crowd->writer) != NULL);
    pthread_barrier_wait(&crowd->logged);
    pthread_barrier_wait(&crowd->leave);
    return NULL;
}

static unsigned start(struct crowd *crowd, pthread_t threads[THREADS]) {
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 256 << 10);
    pthread_barrier_init(&crowd->logged, NULL, THREADS + 1);
    pthread_barrier_init(&crowd->leave, NULL, THREADS + 1);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], &small, log_and_stay, crowd), 0);
    }
    pthread_attr_destroy(&small);
    pthread_barrier_wait(&crowd->logged);
    return atomic_load(&crowd->stored);
}

static void leave(struct crowd *crowd, const pthread_t threads[THREADS]) {
    pthread_barrier_wait(&crowd->leave);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_barrier_destroy(&crowd->logged);
    pthread_barrier_destroy(&crowd->leave);
}

/* Twice: the second thousand use the rings of the first. All of a ring is there from the start. */
static void a_thousand_at_once_have_a_ring_each(void **state) {
    struct fixture *f = *state;
    pthread_t threads[THREADS];
    open_writer(f);
    uint64_t before = mapped();
    uint64_t rings = THREADS * (f->options.ring_bytes + RING_HEADER_BYTES);
    for (unsigned round = 1; round <= 2; round++) {
        struct crowd crowd = {.writer = f->writer};
        assert_int_equal(start(&crowd, threads), THREADS);
        struct alog_writer_stats stats = stats_of(f);
        assert_int_equal(stats.rings, THREADS);
        assert_int_equal(stats.ring_bytes, rings);
        assert_int_equal(scratch_dir_count(f->rings, ".ring"), THREADS);
        assert_in_range(mapped() - before, rings, rings + (8u << 20));
        leave(&crowd, threads);
    }
    assert_int_equal(close_and_count(f), 2 * THREADS + 1);
}

/* The rings are unmapped and their files gone, and little else was taken. */
static void a_closed_writer_leaves_nothing(void **state) {
    struct fixture *f = *state;
    uint64_t before = 0;
    for (unsigned round = 0; round < 20; round++) {
        open_writer(f);
        assert_non_null(log_one(f->writer));
        assert_true(close_and_count(f) > 0);
        if (round == 4) {
            before = resident("RssAnon:");
        }
    }
    /* Of a writer's 2 MiB and more, fifteen times. */
    assert_true(IS_SANITIZED || resident("RssAnon:") < before + (2u << 20));
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(threads_that_come_and_go_need_few_rings),
        CASE(a_thousand_at_once_have_a_ring_each),
        CASE(a_closed_writer_leaves_nothing),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
