/* Many threads and processes: no event is lost or repeated, and each thread's stay in order. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <agentlog/reader.h>
#include <agentlog/writer.h>

#include "support/scratch_dir.h"
#include "writer/writer_state.h"

#define MAX_PRODUCERS 4096

struct fixture {
    char *dir;
    struct alog_writer *writer;
    struct alog_writer_options options;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    f->options = (struct alog_writer_options)ALOG_WRITER_OPTIONS_INIT;
    f->options.full_wait_ns = UINT64_C(600000000000);
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

static void close_writer(struct fixture *f) {
    assert_int_equal(alog_writer_close(f->writer, NULL), ALOG_OK);
    f->writer = NULL;
}

/* ALOG_TEST_EVENTS: events per thread; fewer under sanitizers. */
static uint64_t events_per_thread(void) {
    const char *text = getenv("ALOG_TEST_EVENTS");
    return text != NULL ? strtoull(text, NULL, 10) : 1000000;
}

/* ---- Logging -------------------------------------------------------------------------------- */

/* Events of producer `id`: error_type names it, line_number counts from 0. */
static enum alog_status log_one(struct alog_writer *writer, uint32_t id, uint64_t number) {
    char name[16];
    int len = snprintf(name, sizeof name, "p%u", id);
    return alog_log_error(writer,
                          &(struct alog_error_event){.error_type = {name, (size_t)len},
                                                     .line_number = ALOG_I64((int64_t)number)});
}

struct producer {
    struct alog_writer *writer;
    uint32_t id;
    uint64_t events;
    uint64_t stored, dropped;
    enum alog_status last;
};

static void *produce(void *argument) {
    struct producer *producer = argument;
    char name[16];
    int len = snprintf(name, sizeof name, "p%u", producer->id);
    struct alog_error_event event = {.error_type = {name, (size_t)len}};
    /* A number that was dropped is given to the next event: what is stored has no gaps. */
    while (producer->stored < producer->events && producer->last != ALOG_CLOSED) {
        event.line_number = ALOG_I64((int64_t)producer->stored);
        producer->last = alog_log_error(producer->writer, &event);
        producer->stored += producer->last == ALOG_OK;
        producer->dropped += producer->last == ALOG_DROPPED;
    }
    return NULL;
}

/* ---- Reading -------------------------------------------------------------------------------- */

struct tally {
    uint64_t next[MAX_PRODUCERS]; /* by producer: the number that must come next */
    uint64_t faults;
    uint64_t events;
    uint64_t losses;
};

static void count_event(struct tally *tally, const struct alog_event *event) {
    if (alog_string_equal(event->name, ALOG_STR("writer_loss"))) {
        tally->losses++;
    }
    if (!alog_string_equal(event->name, ALOG_STR("error"))) {
        return;
    }
    struct alog_string name = event->values[0].string;
    uint32_t id = 0;
    for (size_t i = 1; i < name.len; i++) {
        id = id * 10 + (uint32_t)(name.data[i] - '0');
    }
    tally->events++;
    if (id >= MAX_PRODUCERS || (uint64_t)event->values[4].i64 != tally->next[id]) {
        tally->faults++;
        return;
    }
    tally->next[id]++;
}

static struct tally *read_log(struct fixture *f) {
    struct tally *tally = calloc(1, sizeof *tally);
    struct alog_segment_list list;
    assert_int_equal(alog_segments_list(f->dir, &list, NULL), ALOG_OK);
    for (size_t i = 0; i < list.count; i++) {
        struct alog_reader *reader = NULL;
        assert_false(list.segments[i].open);
        assert_int_equal(alog_reader_open(list.segments[i].path, NULL, NULL, NULL, &reader, NULL),
                         ALOG_OK);
        const struct alog_event *event = NULL;
        while (alog_reader_next(reader, &event, NULL) == ALOG_OK && event != NULL) {
            count_event(tally, event);
        }
        alog_reader_close(reader);
    }
    alog_segments_free(&list);
    assert_int_equal(tally->faults, 0);
    return tally;
}

static struct alog_writer_stats stats_of(struct alog_writer *writer) {
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    assert_int_equal(alog_writer_get_stats(writer, &stats), ALOG_OK);
    assert_int_equal(stats.emitted, stats.stored + stats.dropped + stats.in_flight);
    return stats;
}

/* ---- Tests ---------------------------------------------------------------------------------- */

static void eight_threads_lose_nothing(void **state) {
    struct fixture *f = *state;
    enum { THREADS = 8 };
    struct producer producers[THREADS];
    pthread_t threads[THREADS];
    uint64_t events = events_per_thread();
    open_writer(f);
    for (uint32_t i = 0; i < THREADS; i++) {
        producers[i] = (struct producer){.writer = f->writer, .id = i, .events = events};
        assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
    }
    /* The sums hold at every moment. */
    for (int i = 0; i < 100; i++) {
        stats_of(f->writer);
        usleep(1000);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(producers[i].stored, events);
    }
    assert_int_equal(alog_writer_flush(f->writer, 600000, NULL), ALOG_OK);
    struct alog_writer_stats stats = stats_of(f->writer);
    assert_int_equal(stats.stored, THREADS * events);
    assert_int_equal(stats.dropped, 0);
    close_writer(f);
    struct tally *tally = read_log(f);
    assert_int_equal(tally->losses, 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(tally->next[i], events);
    }
    free(tally);
}

static void threads_that_come_and_go_share_rings(void **state) {
    struct fixture *f = *state;
    enum { ROUNDS = 125, AT_ONCE = 16, EACH = 10 };
    f->options.ring_bytes = 64 * 1024;
    open_writer(f);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct producer producers[AT_ONCE];
        pthread_t threads[AT_ONCE];
        for (uint32_t i = 0; i < AT_ONCE; i++) {
            producers[i] =
                (struct producer){.writer = f->writer, .id = round * AT_ONCE + i, .events = EACH};
            assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
        }
        for (uint32_t i = 0; i < AT_ONCE; i++) {
            pthread_join(threads[i], NULL);
            assert_int_equal(producers[i].stored, EACH);
        }
    }
    assert_true(stats_of(f->writer).rings <= AT_ONCE);
    close_writer(f);
    struct tally *tally = read_log(f);
    assert_int_equal(tally->events, ROUNDS * AT_ONCE * EACH);
    free(tally);
}

static void *produce_until_closed(void *argument) {
    struct producer *producer = argument;
    producer->events = UINT64_MAX;
    return produce(producer);
}

static void close_while_others_log(void **state) {
    struct fixture *f = *state;
    enum { ROUNDS = 10, THREADS = 4 };
    f->options.ring_bytes = 64 * 1024;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct producer producers[THREADS];
        pthread_t threads[THREADS];
        /* Every other round drops, so that close also meets calls that do not wait for room. */
        f->options.full_wait_ns = round % 2 == 0 ? UINT64_C(600000000000) : 0;
        open_writer(f);
        /* And as it is on a kernel without membarrier. */
        f->writer->asymmetric = f->writer->asymmetric && round < ROUNDS / 2;
        for (uint32_t i = 0; i < THREADS; i++) {
            producers[i] = (struct producer){.writer = f->writer, .id = round * THREADS + i};
            assert_int_equal(pthread_create(&threads[i], NULL, produce_until_closed, &producers[i]),
                             0);
        }
        /* A thread that has a ring may go on calling after close: it holds the handle. */
        while (stats_of(f->writer).rings < THREADS) {
            usleep(100);
        }
        usleep(2000);
        close_writer(f);
        for (uint32_t i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
            assert_int_equal(producers[i].last, ALOG_CLOSED);
        }
        struct tally *tally = read_log(f);
        for (uint32_t i = 0; i < THREADS; i++) {
            assert_int_equal(tally->next[round * THREADS + i], producers[i].stored);
        }
        free(tally);
    }
    assert_int_equal(scratch_dir_count(f->dir, ".writer"), 0);
}

/* A child process with a writer and threads of its own; its exit status. */
static int log_in_child(struct fixture *f, uint32_t id, uint64_t events) {
    struct producer producer = {.id = id, .events = events};
    if (alog_writer_open(f->dir, &f->options, &producer.writer, NULL) != ALOG_OK) {
        return 1;
    }
    produce(&producer);
    return alog_writer_close(producer.writer, NULL) == ALOG_OK && producer.stored == events ? 0 : 2;
}

static void processes_share_a_directory(void **state) {
    struct fixture *f = *state;
    enum { PROCESSES = 3, EACH = 5000 };
    pid_t children[PROCESSES];
    for (uint32_t i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            _exit(log_in_child(f, i, EACH));
        }
    }
    open_writer(f);
    for (uint64_t i = 0; i < EACH; i++) {
        assert_int_equal(log_one(f->writer, PROCESSES, i), ALOG_OK);
    }
    for (uint32_t i = 0; i < PROCESSES; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    close_writer(f);
    struct tally *tally = read_log(f);
    for (uint32_t i = 0; i <= PROCESSES; i++) {
        assert_int_equal(tally->next[i], EACH);
    }
    free(tally);
}

static void *define_types(void *argument) {
    struct fixture *f = argument;
    uint64_t ids = 0;
    for (int i = 0; i < 50; i++) {
        char name[16];
        int len = snprintf(name, sizeof name, "type%d", i);
        struct alog_field field = {.name = "x", .kind = ALOG_FIELD_I64, .required = true};
        uint32_t type = 0;
        if (alog_event_define(f->writer, (struct alog_string){name, (size_t)len}, &field, 1, &type,
                              NULL) != ALOG_OK) {
            return NULL;
        }
        struct alog_value value = {.kind = ALOG_VALUE_I64, .i64 = i};
        if (alog_log_user(f->writer, type, &value, 1, NULL) != ALOG_OK) {
            return NULL;
        }
        ids = ids * 31 + type;
    }
    return (void *)(uintptr_t)ids;
}

static void threads_define_the_same_types(void **state) {
    struct fixture *f = *state;
    pthread_t threads[4];
    void *ids[4];
    open_writer(f);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, define_types, f), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &ids[i]);
        assert_non_null(ids[i]);
        assert_ptr_equal(ids[i], ids[0]);
    }
    assert_int_equal(alog_writer_flush(f->writer, 60000, NULL), ALOG_OK);
    assert_int_equal(stats_of(f->writer).stored, 200);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(eight_threads_lose_nothing),    CASE(threads_that_come_and_go_share_rings),
        CASE(close_while_others_log),        CASE(processes_share_a_directory),
        CASE(threads_define_the_same_types),
    };
    return cmocka_run_group_tests_name("writer_threads", tests, NULL, NULL);
}
