/* Every event that is not stored is counted, by type, in the stats and in the log: exactly. */
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

#include <cmocka.h>

#include <agentlog/writer.h>

#include "support/fake_io.h"
#include "support/log_walk.h"
#include "support/scratch_dir.h"

struct fixture {
    char *dir;
    struct fake_io fake;
    struct alog_writer_options options;
    struct alog_writer *writer;

    /* What the log says. */
    uint64_t errors, hooks;           /* stored events of two types */
    uint64_t lost_errors, lost_hooks; /* by writer_loss */
    uint64_t lost_others;
    char reasons[256];
    uint64_t last_error_sequence;
    uint64_t after_faults; /* writer_loss whose after_sequence is no event of that ring before it */
    int64_t stats_emitted, stats_stored, stats_dropped; /* of the last writer_stats */
    char by_type[1024];
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    fake_io_init(&f->fake);
    f->options = (struct alog_writer_options)ALOG_WRITER_OPTIONS_INIT;
    f->options.ring_bytes = 64 * 1024;
    f->options.block_bytes = 16 * 1024;
    f->options.flush_interval_ms = 20;
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

static enum alog_status log_error(struct alog_writer *writer) {
    return alog_log_error(writer, &(struct alog_error_event){.error_type = ALOG_STR("hook")});
}

static enum alog_status log_hook(struct alog_writer *writer) {
    return alog_log_hook_execution(
        writer, &(struct alog_hook_execution){.hook_name = ALOG_STR("ruff"),
                                              .status = ALOG_HOOK_STATUS_SUCCESS});
}

static bool is_named(const struct alog_event *event, const char *name) {
    return alog_string_equal(event->name, alog_str(name));
}

static void see_loss(struct fixture *f, const struct alog_event *event) {
    struct alog_string type = event->values[0].string;
    uint64_t count = (uint64_t)event->values[1].i64;
    struct alog_string reason = event->values[2].string;
    if (alog_string_equal(type, ALOG_STR("error"))) {
        f->lost_errors += count;
    } else if (alog_string_equal(type, ALOG_STR("hook_execution"))) {
        f->lost_hooks += count;
    } else {
        f->lost_others += count;
    }
    char text[64] = "";
    strncat(text, reason.data, reason.len);
    if (strstr(f->reasons, text) == NULL) {
        strcat(strcat(f->reasons, text), " ");
    }
    if (alog_string_equal(reason, ALOG_STR("ring_full")) &&
        (uint64_t)event->values[3].i64 >= event->sequence) {
        f->after_faults++;
    }
}

static void see(void *context, const struct alog_event *event) {
    struct fixture *f = context;
    f->errors += is_named(event, "error");
    f->hooks += is_named(event, "hook_execution");
    if (is_named(event, "writer_loss")) {
        see_loss(f, event);
    }
    if (is_named(event, "writer_stats")) {
        f->stats_emitted = event->values[0].i64;
        f->stats_stored = event->values[1].i64;
        f->stats_dropped = event->values[2].i64;
        struct alog_string json = event->values[5].string;
        memcpy(f->by_type, json.data, json.len);
        f->by_type[json.len] = '\0';
    }
}

static struct alog_writer_stats stats_of(struct alog_writer *writer) {
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    assert_int_equal(alog_writer_get_stats(writer, &stats), ALOG_OK);
    assert_int_equal(stats.emitted, stats.stored + stats.dropped + stats.in_flight);
    return stats;
}

/* Close, read the log, and check that it agrees with itself. */
static struct log_walk_result close_and_read(struct fixture *f) {
    struct alog_error error;
    enum alog_status status = alog_writer_close(f->writer, &error);
    f->writer = NULL;
    if (status != ALOG_OK) {
        fail_msg("%s", error.message);
    }
    struct log_walk_result result = log_walk(f->dir, see, f);
    assert_int_equal(result.damages, 0);
    assert_int_equal(result.sequence_faults, 0);
    assert_int_equal(result.chain_faults, 0);
    assert_int_equal(f->stats_stored, f->errors + f->hooks);
    assert_int_equal(f->stats_dropped, f->lost_errors + f->lost_hooks + f->lost_others);
    assert_int_equal(f->stats_emitted, f->stats_stored + f->stats_dropped);
    assert_int_equal(result.dropped, f->stats_dropped);
    assert_int_equal(f->after_faults, 0);
    return result;
}

/* The disk fills up and is freed again, twice; each time the ring overflows meanwhile. */
static void a_full_disk_costs_what_the_log_says(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    uint64_t errors = 0;
    uint64_t hooks = 0;
    uint64_t dropped_errors = 0;
    uint64_t dropped_hooks = 0;
    for (int round = 0; round < 2; round++) {
        atomic_store(&f->fake.failures[FAKE_PWRITEV], -ENOSPC);
        uint64_t more = 0;
        while (more < 500) {
            enum alog_status error = log_error(f->writer);
            enum alog_status hook = log_hook(f->writer);
            errors += error == ALOG_OK;
            hooks += hook == ALOG_OK;
            dropped_errors += error == ALOG_DROPPED;
            dropped_hooks += hook == ALOG_DROPPED;
            more += error == ALOG_DROPPED;
        }
        assert_int_equal(alog_writer_flush(f->writer, 10000, NULL), ALOG_IO);
        atomic_store(&f->fake.failures[FAKE_PWRITEV], 0);
        assert_int_equal(alog_writer_flush(f->writer, 10000, NULL), ALOG_OK);
        struct alog_writer_stats stats = stats_of(f->writer);
        assert_int_equal(stats.stored, errors + hooks);
        assert_int_equal(stats.dropped, dropped_errors + dropped_hooks);
        assert_int_equal(stats.in_flight, 0);
        assert_true(stats.io_errors > 0);
        assert_int_equal(stats.last_errno, ENOSPC);
    }
    close_and_read(f);
    assert_int_equal(f->errors, errors);
    assert_int_equal(f->hooks, hooks);
    assert_int_equal(f->lost_errors, dropped_errors);
    assert_int_equal(f->lost_hooks, dropped_hooks);
    assert_string_equal(f->reasons, "ring_full ");
    char expected[256];
    snprintf(expected, sizeof expected,
             "{\"hook_execution\":{\"stored\":%llu,\"dropped\":%llu},"
             "\"error\":{\"stored\":%llu,\"dropped\":%llu}}",
             (unsigned long long)hooks, (unsigned long long)dropped_hooks,
             (unsigned long long)errors, (unsigned long long)dropped_errors);
    assert_string_equal(f->by_type, expected);
}

/* The loss stands where it happened: after the last event before it, before the first after it. */
static void a_loss_stands_in_its_place(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    atomic_store(&f->fake.failures[FAKE_PWRITEV], -EIO);
    uint64_t stored = 0;
    while (log_error(f->writer) == ALOG_OK) {
        stored++;
    }
    atomic_store(&f->fake.failures[FAKE_PWRITEV], 0);
    assert_int_equal(alog_writer_flush(f->writer, 10000, NULL), ALOG_OK);
    assert_int_equal(log_error(f->writer), ALOG_OK);
    close_and_read(f);
    assert_int_equal(f->lost_errors, 1);
    struct alog_segment_list list;
    assert_int_equal(alog_segments_list(f->dir, &list, NULL), ALOG_OK);
    assert_int_equal(list.count, 1);
    struct alog_reader *reader = NULL;
    assert_int_equal(alog_reader_open(list.segments[0].path, NULL, NULL, NULL, &reader, NULL),
                     ALOG_OK);
    const struct alog_event *event = NULL;
    while (alog_reader_next(reader, &event, NULL) == ALOG_OK && event != NULL &&
           !is_named(event, "writer_loss")) {
    }
    assert_non_null(event);
    assert_int_equal(event->sequence, stored + 1);
    assert_int_equal(event->values[3].i64, stored);
    assert_int_equal(event->values[4].i64, 1);
    alog_reader_close(reader);
    alog_segments_free(&list);
}

static void a_thread_without_a_ring_loses_and_says_so(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    atomic_store(&f->fake.failures[FAKE_FALLOCATE], -ENOSPC);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(log_error(f->writer), ALOG_DROPPED);
    }
    assert_int_equal(stats_of(f->writer).dropped, 5);
    assert_int_equal(stats_of(f->writer).rings, 0);
    /* Not one attempt per event: that would be a system call on each. */
    assert_true(atomic_load(&f->fake.counts[FAKE_FALLOCATE]) <= 4);
    atomic_store(&f->fake.failures[FAKE_FALLOCATE], 0);
    fake_io_advance(&f->fake, 200000000);
    assert_int_equal(log_error(f->writer), ALOG_OK);
    close_and_read(f);
    assert_int_equal(f->errors, 1);
    assert_int_equal(f->lost_errors, 5);
    assert_string_equal(f->reasons, "no_ring ");
    /* Nothing is left of the rings that were not made. */
    assert_int_equal(scratch_dir_count(f->dir, ".ring"), 0);
}

static void a_ring_directory_that_fails_has_a_stand_in(void **state) {
    struct fixture *f = *state;
    f->options.ring_dir = "/nonexistent/rings";
    open_writer(f);
    assert_int_equal(log_error(f->writer), ALOG_OK);
    assert_int_equal(scratch_dir_count(f->dir, ".ring"), 1);
    struct alog_writer_stats stats = stats_of(f->writer);
    assert_int_equal(stats.rings, 1);
    assert_int_equal(stats.last_errno, ENOENT);
    close_and_read(f);
    assert_int_equal(f->errors, 1);
    assert_int_equal(scratch_dir_count(f->dir, ".ring"), 0);
}

static void waiting_for_room_loses_nothing(void **state) {
    struct fixture *f = *state;
    f->options.full_wait_ns = UINT64_C(60000000000);
    open_writer(f);
    for (int i = 0; i < 20000; i++) {
        assert_int_equal(log_error(f->writer), ALOG_OK);
    }
    close_and_read(f);
    assert_int_equal(f->errors, 20000);
    assert_int_equal(f->lost_errors, 0);
}

static void waiting_has_an_end(void **state) {
    struct fixture *f = *state;
    f->options.full_wait_ns = 1000000;
    open_writer(f);
    atomic_store(&f->fake.failures[FAKE_PWRITEV], -EIO);
    uint64_t stored = 0;
    while (log_error(f->writer) == ALOG_OK) {
        stored++;
    }
    atomic_store(&f->fake.failures[FAKE_PWRITEV], 0);
    close_and_read(f);
    assert_int_equal(f->errors, stored);
    assert_int_equal(f->lost_errors, 1);
}

/* ---- Signal handlers that log ---------------------------------------------------------------- */

static struct alog_writer *signalled_writer;
static volatile sig_atomic_t handled_ok, handled_dropped;

static void log_in_handler(int signal) {
    (void)signal;
    enum alog_status status = log_error(signalled_writer);
    if (status == ALOG_OK) {
        handled_ok++;
    } else if (status == ALOG_DROPPED) {
        handled_dropped++;
    }
}

struct pest {
    pthread_t victim;
    atomic_bool stop;
};

static void *send_signals(void *argument) {
    struct pest *pest = argument;
    while (!atomic_load(&pest->stop)) {
        pthread_kill(pest->victim, SIGUSR1);
        sched_yield();
    }
    return NULL;
}

static void a_signal_handler_may_log(void **state) {
    struct fixture *f = *state;
    f->options.ring_bytes = 4 << 20;
    open_writer(f);
    signalled_writer = f->writer;
    struct sigaction action = {.sa_handler = log_in_handler};
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    assert_int_equal(log_hook(f->writer), ALOG_OK);
    struct pest pest = {.victim = pthread_self()};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, send_signals, &pest), 0);
    uint64_t hooks = 1;
    uint64_t dropped_hooks = 0;
    for (int i = 0; i < 50000 || handled_ok == 0; i++) {
        enum alog_status status = log_hook(f->writer);
        hooks += status == ALOG_OK;
        dropped_hooks += status == ALOG_DROPPED;
    }
    atomic_store(&pest.stop, true);
    pthread_join(thread, NULL);
    signal(SIGUSR1, SIG_IGN);
    close_and_read(f);
    assert_int_equal(f->hooks, hooks);
    assert_int_equal(f->lost_hooks, dropped_hooks);
    assert_int_equal(f->errors, (uint64_t)handled_ok);
    assert_int_equal(f->lost_errors, (uint64_t)handled_dropped);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_full_disk_costs_what_the_log_says),
        CASE(a_loss_stands_in_its_place),
        CASE(a_thread_without_a_ring_loses_and_says_so),
        CASE(a_ring_directory_that_fails_has_a_stand_in),
        CASE(waiting_for_room_loses_nothing),
        CASE(waiting_has_an_end),
        CASE(a_signal_handler_may_log),
    };
    return cmocka_run_group_tests_name("loss", tests, NULL, NULL);
}
