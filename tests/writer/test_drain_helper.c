/* The helper that compresses: every event once and in order, whatever the disk does, and no helper
 * where there is no rush or no thread to be had. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <agentlog/recover.h>
#include <agentlog/writer.h>

#include "support/fake_io.h"
#include "support/log_walk.h"
#include "support/scratch_dir.h"

#define PRODUCERS 4
#define RUSH      20000 /* events: some MiB of ring, far more than the smallest holds */

struct fixture {
    char *dir;
    struct alog_writer *writer;
    struct alog_writer_options options;
    struct fake_io fake;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    fake_io_init(&f->fake);
    f->options = (struct alog_writer_options)ALOG_WRITER_OPTIONS_INIT;
    f->options.io = &f->fake.io;
    f->options.ring_bytes = 64 << 10;
    f->options.block_bytes = 16 << 10;
    f->options.full_wait_ns = UINT64_C(60000000000);
    f->options.sync = ALOG_SYNC_NONE;
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

/* ---- Logging and reading --------------------------------------------------------------------- */

struct producer {
    struct alog_writer *writer;
    uint32_t id;
    uint64_t events;
    _Atomic uint64_t *acknowledged; /* may be NULL */
    uint64_t faults;
};

/* Event `line_number` of thread `error_type`. */
static void *produce(void *argument) {
    struct producer *p = argument;
    char name[16];
    struct alog_string id = {name, (size_t)snprintf(name, sizeof name, "p%u", p->id)};
    for (uint64_t i = 0; i < p->events; i++) {
        struct alog_error_event event = {.error_type = id, .line_number = ALOG_I64((int64_t)i)};
        p->faults += alog_log_error(p->writer, &event) != ALOG_OK;
        if (p->acknowledged != NULL) {
            /* Relaxed: read after this process is dead, or by nobody. */
            atomic_store_explicit(p->acknowledged, i + 1, memory_order_relaxed);
        }
    }
    return NULL;
}

static void produce_from_threads(struct alog_writer *writer, uint64_t events) {
    struct producer producers[PRODUCERS];
    pthread_t threads[PRODUCERS];
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.writer = writer, .id = i, .events = events};
        assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
    }
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(producers[i].faults, 0);
    }
}

struct tally {
    uint64_t next[PRODUCERS];
    uint64_t faults;
};

static void tally_event(void *context, const struct alog_event *event) {
    struct tally *tally = context;
    if (!alog_string_equal(event->name, ALOG_STR("error"))) {
        return;
    }
    uint32_t id = (uint32_t)(event->values[0].string.data[1] - '0');
    if (id >= PRODUCERS || event->values[4].i64 != (int64_t)tally->next[id]) {
        tally->faults++;
        return;
    }
    tally->next[id]++;
}

static struct tally read_log(const struct fixture *f) {
    struct tally tally = {{0}, 0};
    struct log_walk_result walk = log_walk(f->dir, tally_event, &tally);
    assert_int_equal(walk.damages, 0);
    assert_int_equal(walk.sequence_faults, 0);
    assert_int_equal(walk.chain_faults, 0);
    assert_int_equal(walk.open_segments, 0);
    assert_int_equal(tally.faults, 0);
    return tally;
}

static void close_and_check(struct fixture *f, uint64_t events, uint32_t producers) {
    assert_int_equal(alog_writer_close(f->writer, NULL), ALOG_OK);
    f->writer = NULL;
    struct tally tally = read_log(f);
    for (uint32_t i = 0; i < producers; i++) {
        assert_int_equal(tally.next[i], events);
    }
}

/* Is there a thread of that name in this process? */
static bool has_thread(const char *name) {
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    bool found = false;
    for (struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
        char path[300];
        char text[64] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        FILE *file = fopen(path, "r");
        if (file != NULL) {
            found |= fgets(text, sizeof text, file) != NULL &&
                     strncmp(text, name, strlen(name)) == 0 && text[strlen(name)] == '\n';
            fclose(file);
        }
    }
    closedir(tasks);
    return found;
}

/* ---- Refusing threads ------------------------------------------------------------------------ */

/* The linker puts this in pthread_create's place: see tests.cmake. */
static _Atomic int refuse_threads;
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*body)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*body)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*body)(void *), void *argument) {
    int refusal = atomic_load(&refuse_threads);
    return refusal != 0 ? refusal : __real_pthread_create(thread, attributes, body, argument);
}

static void produce_here(struct fixture *f, uint64_t events) {
    struct producer producer = {.writer = f->writer, .id = 0, .events = events};
    produce(&producer);
    assert_int_equal(producer.faults, 0);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void test_every_event_once_and_in_order(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    produce_from_threads(f->writer, RUSH);
    assert_int_equal(alog_writer_flush(f->writer, 60000, NULL), ALOG_OK);
    assert_true(has_thread("agentlog-zstd"));
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    assert_int_equal(alog_writer_get_stats(f->writer, &stats), ALOG_OK);
    assert_int_equal(stats.stored, PRODUCERS * RUSH);
    assert_int_equal(stats.in_flight, 0);
    close_and_check(f, RUSH, PRODUCERS);
    assert_false(has_thread("agentlog-zstd"));
}

static void test_small_segments_and_every_block_synced(void **state) {
    struct fixture *f = *state;
    f->options.segment_bytes = 64 << 10;
    f->options.sync = ALOG_SYNC_BLOCK;
    f->options.compression_level = 5;
    open_writer(f);
    produce_from_threads(f->writer, RUSH);
    close_and_check(f, RUSH, PRODUCERS);
}

static void test_a_quiet_process_has_no_helper(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    produce_here(f, 100);
    assert_int_equal(alog_writer_flush(f->writer, 60000, NULL), ALOG_OK);
    assert_false(has_thread("agentlog-zstd"));
    close_and_check(f, 100, 1);
}

static void test_not_asked_for(void **state) {
    struct fixture *f = *state;
    f->options.drain_threads = 1;
    open_writer(f);
    produce_here(f, RUSH);
    assert_int_equal(alog_writer_flush(f->writer, 60000, NULL), ALOG_OK);
    assert_false(has_thread("agentlog-zstd"));
    close_and_check(f, RUSH, 1);
}

static void test_without_a_thread_it_goes_on(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    atomic_store(&refuse_threads, EAGAIN);
    produce_here(f, RUSH);
    assert_int_equal(alog_writer_flush(f->writer, 60000, NULL), ALOG_OK);
    atomic_store(&refuse_threads, 0);
    assert_false(has_thread("agentlog-zstd"));
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    assert_int_equal(alog_writer_get_stats(f->writer, &stats), ALOG_OK);
    assert_int_equal(stats.io_errors, 1); /* tried once, and said so */
    assert_int_equal(stats.last_errno, EAGAIN);
    close_and_check(f, RUSH, 1);
}

static void *produce_all(void *argument) {
    struct fixture *f = argument;
    produce_from_threads(f->writer, RUSH);
    return NULL;
}

static void test_a_failing_disk_loses_and_repeats_nothing(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, produce_all, f), 0);
    for (int i = 0; i < 10; i++) {
        atomic_store(&f->fake.failures[FAKE_PWRITEV], -ENOSPC);
        nanosleep(&(struct timespec){0, 20000000}, NULL);
        atomic_store(&f->fake.failures[FAKE_PWRITEV], 0);
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    }
    pthread_join(thread, NULL);
    close_and_check(f, RUSH, PRODUCERS);
}

/* With blocks under way in the helper, a ring's marks still say exactly what is in the file. */
static void test_killed_with_blocks_under_way(void **state) {
    struct fixture *f = *state;
    _Atomic uint64_t *acknowledged =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(acknowledged != MAP_FAILED);
    f->options.io = NULL;
    for (int i = 0; i < 8; i++) {
        char *dir = scratch_dir_make();
        atomic_store(acknowledged, 0);
        pid_t child = fork();
        if (child == 0) {
            struct alog_writer *writer;
            if (alog_writer_open(dir, &f->options, &writer, NULL) == ALOG_OK) {
                struct producer producer = {
                    .writer = writer, .events = UINT64_MAX, .acknowledged = acknowledged};
                produce(&producer);
            }
            _exit(1);
        }
        while (atomic_load(acknowledged) < (uint64_t)(3000 + 1777 * i)) {
            nanosleep(&(struct timespec){0, 100000}, NULL);
        }
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        assert_int_equal(alog_recover(dir, NULL, NULL, NULL), ALOG_OK);
        struct tally tally = {{0}, 0};
        struct log_walk_result walk = log_walk(dir, tally_event, &tally);
        assert_int_equal(tally.faults + walk.damages + walk.sequence_faults, 0);
        uint64_t stored = atomic_load(acknowledged);
        assert_in_range(tally.next[0], stored, stored + 1);
        scratch_dir_remove(dir);
    }
    munmap(acknowledged, 4096);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_event_once_and_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_small_segments_and_every_block_synced, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_quiet_process_has_no_helper, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_not_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_a_thread_it_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_failing_disk_loses_and_repeats_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_killed_with_blocks_under_way, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
