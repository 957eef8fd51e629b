/*
 * Power loss at any moment, on a disk that keeps no more than POSIX says: whatever state a file
 * system may be found in, what was said to be safe is there, nothing in it is wrong or twice, and
 * what is missing is named.
 *
 * ALOG_CRASH_STATES: how many states of each run are looked at. ALOG_CRASH_KEEP: keep the files.
 */
#include <inttypes.h>
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

#include <agentlog/reader.h>
#include <agentlog/recover.h>
#include <agentlog/writer.h>

#include "format/segment.h"
#include "support/crash_io.h"
#include "support/scratch_dir.h"

#define SECOND_NS  INT64_C(1000000000)
#define MAX_EVENTS 20000u

/* Below the root: no directory of it is there before. */
#define LOG_DIR "var/log/agents"

struct fixture {
    char *dir; /* root/ is the disk, state/ one of its states */
    char root[512], log_dir[640], state[512];
    struct crash_io *disk;
    struct test_random random;
    struct alog_writer_options options;
    struct alog_writer *writer;
    uint64_t logged;
    bool fails_syncs;
    bool breaks_promises; /* it has to be found that it does */
    uint64_t broken_promises;

    /* The log as it was before the crash, by sequence. */
    uint64_t digests[MAX_EVENTS]; /* 0 = there is no such event */
    uint64_t numbers[MAX_EVENTS]; /* of the caller's events: 1 … logged; else 0 */
    uint64_t last_sequence;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    snprintf(f->root, sizeof f->root, "%s/root", f->dir);
    snprintf(f->state, sizeof f->state, "%s/state", f->dir);
    snprintf(f->log_dir, sizeof f->log_dir, "%s/" LOG_DIR, f->root);
    assert_int_equal(mkdir(f->root, 0700), 0);
    f->disk = crash_io_new(f->root);
    f->random.state = test_random_seed(20261123);
    f->options = (struct alog_writer_options)ALOG_WRITER_OPTIONS_INIT;
    f->options.io = crash_io_calls(f->disk);
    f->options.block_bytes = 16 * 1024;
    f->options.segment_bytes = 64 * 1024;
    f->options.segment_age_ms = 10000;
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    alog_writer_close(f->writer, NULL);
    crash_io_free(f->disk);
    if (getenv("ALOG_CRASH_KEEP") != NULL) {
        printf("kept: %s\n", f->state);
        free(f->dir);
    } else {
        scratch_dir_remove(f->dir);
    }
    free(f);
    return 0;
}

static unsigned states_per_run(void) {
    const char *text = getenv("ALOG_CRASH_STATES");
    return text != NULL ? (unsigned)strtoul(text, NULL, 10) : 300;
}

/* ---- The run -------------------------------------------------------------------------------- */

static void open_writer(struct fixture *f) {
    struct alog_error error;
    if (alog_writer_open(f->log_dir, &f->options, &f->writer, &error) != ALOG_OK) {
        fail_msg("%s", error.message);
    }
}

static void log_some(struct fixture *f, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        /* Bytes that do not compress, so that files grow. */
        char text[512];
        size_t len = 16 + 16 * test_random_below(&f->random, 30);
        for (size_t at = 0; at < len; at += 16) {
            snprintf(text + at, sizeof text - at, "%016" PRIx64, test_random_next(&f->random));
        }
        struct alog_error_event event = {.error_type = ALOG_STR("hook"),
                                         .error_message = {text, len},
                                         .line_number = ALOG_I64((int64_t)f->logged + 1)};
        assert_int_equal(alog_log_error(f->writer, &event), ALOG_OK);
        f->logged++;
    }
}

static void flush(struct fixture *f, bool promise) {
    if (alog_writer_flush(f->writer, 60000, NULL) == ALOG_OK && promise) {
        crash_io_promise(f->disk, f->logged);
    }
}

/* Time passes, and nobody flushes: the writer itself must do it. */
static void wait_for_sync(struct fixture *f) {
    for (int i = 0; i < 60000; i++) {
        struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
        assert_int_equal(alog_writer_get_stats(f->writer, &stats), ALOG_OK);
        if (stats.in_flight == 0 && !crash_io_is_unsynced(f->disk, "msgpack")) {
            crash_io_promise(f->disk, f->logged);
            return;
        }
        crash_io_advance(f->disk, SECOND_NS);
        usleep(1000);
    }
    fail_msg("what was logged is never synced");
}

static uint64_t mix(uint64_t digest, uint64_t more) {
    digest = (digest ^ more) * UINT64_C(0x9E3779B97F4A7C15);
    return digest ^ (digest >> 29);
}

static uint64_t digest_of(const struct alog_event *event) {
    uint64_t digest = mix(alog_bloom_hash(event->name), (uint64_t)event->timestamp_ns);
    digest = mix(mix(digest, event->writer_id), event->value_count);
    for (uint32_t i = 0; i < event->value_count; i++) {
        const struct alog_value *value = &event->values[i];
        uint64_t bits = 0;
        switch (value->kind) {
        case ALOG_VALUE_STRING:
        case ALOG_VALUE_JSON:
            bits = alog_bloom_hash(value->string);
            break;
        case ALOG_VALUE_ABSENT:
            break;
        default:
            assert_int_equal(value->kind, ALOG_VALUE_I64);
            bits = (uint64_t)value->i64;
            break;
        }
        digest = mix(mix(digest, (uint64_t)value->kind), bits);
    }
    return digest;
}

static void remember_event(struct fixture *f, const struct alog_event *event) {
    assert_true(event->sequence < MAX_EVENTS);
    assert_int_equal(f->digests[event->sequence], 0);
    f->digests[event->sequence] = digest_of(event);
    if (alog_string_equal(event->name, ALOG_STR("error"))) {
        f->numbers[event->sequence] = (uint64_t)event->values[4].i64;
    }
    f->last_sequence = event->sequence > f->last_sequence ? event->sequence : f->last_sequence;
}

/* Close, and read the log as it is when nothing crashes. */
static void end_run(struct fixture *f) {
    (void)alog_writer_close(f->writer, NULL);
    f->writer = NULL;
    struct alog_segment_list list;
    assert_int_equal(alog_segments_list(f->log_dir, &list, NULL), ALOG_OK);
    for (size_t i = 0; i < list.count; i++) {
        struct alog_reader *reader;
        assert_int_equal(alog_reader_open(list.segments[i].path, NULL, NULL, NULL, &reader, NULL),
                         ALOG_OK);
        const struct alog_event *event;
        while (alog_reader_next(reader, &event, NULL) == ALOG_OK && event != NULL) {
            remember_event(f, event);
        }
        alog_reader_close(reader);
    }
    alog_segments_free(&list);
}

/* ---- A state -------------------------------------------------------------------------------- */

struct reading {
    struct fixture *f;
    bool seen[MAX_EVENTS], missing[MAX_EVENTS];
    uint64_t end; /* the last sequence seen, or known to be missing */
    uint64_t last_seen;
    uint64_t events;
    bool header_lost; /* of the segment that is being read, which was told */
};

static void name_missing(struct reading *reading, uint64_t first, uint64_t last) {
    for (uint64_t sequence = first; sequence <= last && sequence < MAX_EVENTS; sequence++) {
        reading->missing[sequence] = true;
    }
    reading->end = last > reading->end ? last : reading->end;
}

/* What a segment lacks before its first event, its header says; if that is lost, which was told,
 * nothing says it but the first number. */
static void begin_at(struct reading *reading, uint64_t sequence) {
    if (reading->header_lost && sequence > reading->end) {
        name_missing(reading, reading->end + 1, sequence - 1);
    }
    reading->header_lost = false;
}

static void on_damage(void *context, const struct alog_damage *damage) {
    struct reading *reading = context;
    reading->header_lost = reading->header_lost || damage->kind == ALOG_DAMAGE_HEADER;
    if (damage->kind == ALOG_DAMAGE_GAP || damage->last_sequence > 0) {
        assert_true(damage->last_sequence < MAX_EVENTS);
        begin_at(reading, damage->first_sequence);
        name_missing(reading, damage->first_sequence, damage->last_sequence);
    }
}

static void see(struct reading *reading, const struct alog_event *event) {
    const struct fixture *f = reading->f;
    if (event->sequence > f->last_sequence || digest_of(event) != f->digests[event->sequence]) {
        fail_msg("event %" PRIu64 " is not what was logged", event->sequence);
    }
    if (reading->seen[event->sequence]) {
        fail_msg("event %" PRIu64 " is there twice", event->sequence);
    }
    begin_at(reading, event->sequence);
    reading->seen[event->sequence] = true;
    reading->events++;
    reading->end = event->sequence > reading->end ? event->sequence : reading->end;
    reading->last_seen =
        event->sequence > reading->last_seen ? event->sequence : reading->last_seen;
}

static void read_segment(struct reading *reading, const char *path) {
    struct alog_segment_info info;
    struct alog_error error;
    /* Every byte is checked, which must not end in anything but an answer. */
    enum alog_status status = alog_segment_inspect(path, true, NULL, NULL, &info, &error);
    if (status != ALOG_OK) {
        assert_int_equal(status, ALOG_CORRUPT);
        return;
    }
    if (info.predecessor_last_sequence > reading->end) {
        name_missing(reading, reading->end + 1, info.predecessor_last_sequence);
    }
    alog_segment_info_free(&info);
    struct alog_reader *reader;
    reading->header_lost = false;
    assert_int_equal(alog_reader_open(path, NULL, on_damage, reading, &reader, NULL), ALOG_OK);
    const struct alog_event *event;
    do {
        assert_int_equal(alog_reader_next(reader, &event, NULL), ALOG_OK);
        if (event != NULL) {
            see(reading, event);
        }
    } while (event != NULL);
    alog_reader_close(reader);
}

static struct reading *read_state(struct fixture *f, const char *log_dir, uint64_t promised) {
    struct reading *reading = calloc(1, sizeof *reading);
    reading->f = f;
    struct alog_segment_list list = {0};
    enum alog_status status = alog_segments_list(log_dir, &list, NULL);
    assert_true(status == ALOG_OK || status == ALOG_NOT_FOUND);
    for (size_t i = 0; status == ALOG_OK && i < list.count; i++) {
        read_segment(reading, list.segments[i].path);
    }
    alog_segments_free(&list);
    for (uint64_t s = 1; s <= f->last_sequence; s++) {
        bool safe = f->numbers[s] != 0 && f->numbers[s] <= promised;
        if (safe && !reading->seen[s] && !f->breaks_promises) {
            fail_msg("event %" PRIu64 " was synced and is gone", s);
        }
        f->broken_promises += safe && !reading->seen[s];
        if (s < reading->last_seen && reading->seen[s] == reading->missing[s]) {
            fail_msg("event %" PRIu64 " is %s", s,
                     reading->seen[s] ? "there and said to be missing" : "missing in silence");
        }
    }
    return reading;
}

/* Without syncs a segment may be so damaged that no legal one can be made of it: it stays. */
static void on_note(void *context, const struct alog_recover_note *note) {
    const struct fixture *f = context;
    if (note->kind == ALOG_RECOVER_PROBLEM && f->options.sync != ALOG_SYNC_NONE) {
        fail_msg("recovery: %s", note->message);
    }
}

/* The state is no disk; what a recovery syncs is not in question here. */
static int sync_nothing(void *context, int fd) {
    (void)context;
    (void)fd;
    return 0;
}

/* What could be read before can be read after, and no segment is left unsealed. */
static void recover(struct fixture *f, const char *log_dir, uint64_t promised,
                    const struct reading *before) {
    struct alog_recover_report report;
    struct alog_error error;
    struct alog_recover_options options = ALOG_RECOVER_OPTIONS_INIT;
    options.tell = on_note;
    options.context = f;
    struct alog_io io = *alog_io_system();
    io.fsync = io.fdatasync = sync_nothing;
    options.io = &io;
    enum alog_status status = alog_recover(log_dir, &options, &report, &error);
    if (status != ALOG_OK) {
        assert_int_equal(status, ALOG_NOT_FOUND);
        return;
    }
    alog_recover_report_free(&report);
    assert_true(scratch_dir_count(log_dir, ".open") <= report.problems);
    /* One that a writer had begun after a failed sync, if nothing else of that segment is there. */
    assert_true(f->fails_syncs || scratch_dir_count(log_dir, ".recovering") == 0);
    struct reading *after = read_state(f, log_dir, promised);
    assert_int_equal(after->events, before->events);
    free(after);
}

static void check_state(struct fixture *f, size_t at) {
    char log_dir[640];
    snprintf(log_dir, sizeof log_dir, "%s/" LOG_DIR, f->state);
    assert_int_equal(mkdir(f->state, 0700), 0);
    uint64_t promised = crash_io_state(f->disk, at, &f->random, f->state);
    struct reading *before = read_state(f, log_dir, promised);
    recover(f, log_dir, promised, before);
    free(before);
    scratch_dir_remove(strdup(f->state));
}

static void check_states(struct fixture *f) {
    end_run(f);
    size_t calls = crash_io_count(f->disk);
    unsigned states = states_per_run();
    for (unsigned i = 0; i < states; i++) {
        check_state(f, 1 + test_random_below(&f->random, (uint32_t)calls));
    }
    printf("%u states of a log of %" PRIu64 " events after some of %zu calls\n", states,
           f->last_sequence, calls);
}

/* ---- Tests ---------------------------------------------------------------------------------- */

/* Flushed now and then, rotated by size and by age. */
static void run(struct fixture *f, bool promise) {
    open_writer(f);
    for (int i = 0; i < 60; i++) {
        if (f->fails_syncs && test_random_below(&f->random, 6) == 0) {
            crash_io_fail_syncs(f->disk, 1 + (int)test_random_below(&f->random, 2));
        }
        log_some(f, 1 + test_random_below(&f->random, 60));
        switch (test_random_below(&f->random, 4)) {
        case 0:
        case 1:
            flush(f, promise);
            break;
        case 2:
            crash_io_advance(f->disk, test_random_below(&f->random, 8) * SECOND_NS);
            break;
        default:
            break;
        }
    }
}

static void what_was_flushed_survives(void **state) {
    struct fixture *f = *state;
    run(f, true);
    check_states(f);
}

static void every_block_is_safe_if_asked_for(void **state) {
    struct fixture *f = *state;
    f->options.sync = ALOG_SYNC_BLOCK;
    run(f, true);
    check_states(f);
}

static void nothing_is_wrong_without_syncs(void **state) {
    struct fixture *f = *state;
    f->options.sync = ALOG_SYNC_NONE;
    run(f, false);
    check_states(f);
}

/* What a failed sync covered is written once more, and promised only then. */
static void failed_syncs_cost_nothing_that_was_promised(void **state) {
    struct fixture *f = *state;
    f->fails_syncs = true;
    run(f, true);
    check_states(f);
}

/* If promises were given without a sync, the states would show it. */
static void a_disk_without_syncs_keeps_no_promise(void **state) {
    struct fixture *f = *state;
    f->options.sync = ALOG_SYNC_NONE;
    f->breaks_promises = true;
    run(f, true);
    check_states(f);
    assert_true(f->broken_promises > 0);
}

static void what_waits_longer_than_the_interval_survives(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    for (int i = 0; i < 8; i++) {
        log_some(f, 100);
        wait_for_sync(f);
    }
    check_states(f);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(what_was_flushed_survives),
        CASE(every_block_is_safe_if_asked_for),
        CASE(nothing_is_wrong_without_syncs),
        CASE(failed_syncs_cost_nothing_that_was_promised),
        CASE(a_disk_without_syncs_keeps_no_promise),
        CASE(what_waits_longer_than_the_interval_survives),
    };
    return cmocka_run_group_tests_name("crash_states", tests, NULL, NULL);
}
