/* Writing segments: what is in the file, and what failures leave behind. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/file_bytes.h"
#include "support/scratch_dir.h"
#include "support/scripted_io.h"
#include "support/segment_dump.h"
#include "support/segment_maker.h"

#define HOOK                                                                                       \
    "{\"event\":\"hook_execution\",\"timestamp\":5,\"hook_name\":\"ruff\",\"status\":\"success\"}"

struct fixture {
    char *dir;
    struct scripted_io script;
    struct segment_maker maker;
};

static int setup(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->dir = scratch_dir_make();
    scripted_io_init(&fixture->script);
    segment_maker_init(&fixture->maker, &fixture->script.io, fixture->dir, 7);
    *state = fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    segment_maker_free(&fixture->maker);
    scratch_dir_remove(fixture->dir);
    free(fixture);
    return 0;
}

static void add_block(struct segment_maker *maker, unsigned events) {
    for (unsigned i = 0; i < events; i++) {
        segment_maker_add_line(maker, HOOK);
    }
    assert_int_equal(segment_maker_end_block(maker), ALOG_OK);
}

static uint64_t events_in(const char *path, uint64_t expected_damages) {
    struct segment_dump dump;
    assert_int_equal(segment_dump_read(path, NULL, &dump), ALOG_OK);
    assert_int_equal(dump.damage_count, expected_damages);
    uint64_t events = dump.event_count;
    segment_dump_free(&dump);
    return events;
}

static void test_created_appended_sealed(void **state) {
    struct fixture *fixture = *state;
    struct segment_maker *maker = &fixture->maker;
    segment_maker_begin(maker);
    char open_path[PATH_MAX];
    strcpy(open_path, maker->path);
    assert_non_null(strstr(open_path, "/2026-02-04/20260204T120000.123456789Z-0000000000000007-"
                                      "000001.msgpack.zst.open"));
    assert_int_equal(alog_segment_blocks(maker->segment), 0);
    assert_int_equal(alog_segment_last_sequence(maker->segment), 0);
    assert_int_equal(alog_segment_created_ns(maker->segment), INT64_C(1770206400123456789));
    uint64_t before = alog_segment_bytes(maker->segment);
    add_block(maker, 3);
    add_block(maker, 2);
    assert_true(alog_segment_bytes(maker->segment) > before);
    assert_int_equal(alog_segment_blocks(maker->segment), 2);
    assert_int_equal(alog_segment_last_sequence(maker->segment), 5);
    assert_int_equal(events_in(open_path, 0), 5); /* also while it is open */
    segment_maker_seal(maker);
    assert_int_equal(access(open_path, F_OK), -1);
    assert_int_equal(events_in(maker->path, 0), 5);
    assert_int_equal(events_in(open_path, 0), 5); /* found under its final name */
}

static void test_empty_segment_is_removed(void **state) {
    struct fixture *fixture = *state;
    segment_maker_begin(&fixture->maker);
    assert_int_equal(access(fixture->maker.path, F_OK), 0);
    segment_maker_seal(&fixture->maker);
    assert_int_equal(scratch_dir_count(fixture->dir, ".zst"), 0);
    assert_int_equal(scratch_dir_count(fixture->dir, ".open"), 0);
}

static void test_predecessor_chain(void **state) {
    struct fixture *fixture = *state;
    struct segment_maker *maker = &fixture->maker;
    uint8_t first_id[16];
    segment_maker_begin(maker);
    add_block(maker, 4);
    memcpy(first_id, alog_segment_file_id(maker->segment), sizeof first_id);
    segment_maker_seal(maker);
    segment_maker_begin(maker);
    add_block(maker, 1);
    segment_maker_seal(maker);
    struct alog_segment_info info;
    assert_int_equal(alog_segment_inspect(maker->path, true, NULL, NULL, &info, NULL), ALOG_OK);
    assert_memory_equal(info.predecessor_id, first_id, sizeof first_id);
    assert_int_equal(info.predecessor_last_sequence, 4);
    assert_int_equal(info.first_sequence, 5);
    assert_int_equal(info.damages, 0);
    alog_segment_info_free(&info);
}

static void test_existing_names_are_left_alone(void **state) {
    struct fixture *fixture = *state;
    struct segment_maker *maker = &fixture->maker;
    const uint8_t none[16] = {0};
    struct alog_segment_writer *second = NULL;
    struct alog_error error = {0};
    segment_maker_begin(maker);
    assert_int_equal(alog_segment_create(&fixture->script.io, fixture->dir, 7, 1, ALOG_STR("x"),
                                         none, 0, &second, &error),
                     ALOG_EXISTS);
    assert_int_equal(error.system_errno, EEXIST);
    assert_null(second);
    /* A final name that is there is not written over, and the events stay in the .open file. */
    add_block(maker, 1);
    char final_path[PATH_MAX];
    snprintf(final_path, sizeof final_path, "%.*s", (int)strlen(maker->path) - 5, maker->path);
    file_bytes_write(final_path, "precious", 8);
    assert_int_equal(alog_segment_seal(maker->segment, true, &error), ALOG_EXISTS);
    maker->segment = NULL;
    size_t bytes;
    uint8_t *data = file_bytes_read(final_path, &bytes);
    assert_int_equal(bytes, 8);
    free(data);
    assert_int_equal(events_in(maker->path, 0), 1);
}

static void test_arguments_are_checked(void **state) {
    struct fixture *fixture = *state;
    const uint8_t none[16] = {0};
    struct alog_segment_writer *segment = NULL;
    char longest[ALOG_MAX_NAME_BYTES + 1] = {0};
    const struct {
        uint64_t number;
        struct alog_string environment;
        uint64_t predecessor_last_sequence;
    } bad[] = {{0, ALOG_STR("x"), 0},
               {1, {longest, sizeof longest}, 0},
               {1, ALOG_STR("x"), ALOG_MAX_SEQUENCE}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(alog_segment_create(&fixture->script.io, fixture->dir, 7, bad[i].number,
                                             bad[i].environment, none,
                                             bad[i].predecessor_last_sequence, &segment, NULL),
                         ALOG_INVALID);
    }
    assert_null(segment);
    char *too_long = malloc(2 * PATH_MAX);
    memset(too_long, 'x', 2 * PATH_MAX - 1);
    too_long[2 * PATH_MAX - 1] = '\0';
    struct alog_error error = {0};
    assert_int_equal(alog_segment_create(&fixture->script.io, too_long, 7, 1, ALOG_STR("x"), none,
                                         0, &segment, &error),
                     ALOG_IO);
    assert_int_equal(error.system_errno, ENAMETOOLONG);
    free(too_long);
}

/* One life of a segment, every step allowed to fail; what was acknowledged must be readable. */
static uint64_t write_what_goes(struct fixture *fixture, enum alog_status *ret_seal) {
    struct alog_segment_writer *segment = NULL;
    const uint8_t none[16] = {0};
    struct segment_maker *maker = &fixture->maker;
    maker->next_sequence = 1;
    if (alog_segment_create(&fixture->script.io, fixture->dir, 7, 1, ALOG_STR("production"), none,
                            0, &segment, NULL) != ALOG_OK) {
        *ret_seal = ALOG_IO;
        return 0;
    }
    uint64_t acknowledged = 0;
    maker->segment = segment;
    for (unsigned i = 0; i < 3; i++) {
        segment_maker_add_line(maker, HOOK);
        if (segment_maker_end_block(maker) == ALOG_OK) {
            acknowledged = maker->next_sequence - 1;
        }
        enum alog_status synced = alog_segment_sync(segment, NULL);
        (void)synced;
    }
    maker->segment = NULL;
    *ret_seal = alog_segment_seal(segment, true, NULL);
    alog_block_builder_reset(maker->builder);
    return acknowledged;
}

static uint64_t count_everything(const char *dir) {
    struct alog_segment_list list;
    if (alog_segments_list(dir, &list, NULL) != ALOG_OK) {
        return 0;
    }
    uint64_t events = 0;
    for (size_t i = 0; i < list.count; i++) {
        struct segment_dump dump;
        enum alog_status status = segment_dump_read(list.segments[i].path, NULL, &dump);
        assert_true(status == ALOG_OK || status == ALOG_CORRUPT); /* an empty .open file */
        assert_int_equal(dump.damage_count, 0);
        events += dump.event_count;
        segment_dump_free(&dump);
    }
    alog_segments_free(&list);
    return events;
}

/* Fail the 1st, the 2nd, … call, once or for ever, until the whole life of a segment passes. */
static void test_every_call_fails(void **state) {
    struct fixture *fixture = *state;
    for (unsigned for_ever = 0; for_ever < 2; for_ever++) {
        for (unsigned torn = 0; torn < 2; torn++) {
            bool passed = false;
            for (uint64_t fail_at = 1; !passed; fail_at++) {
                struct scripted_io *script = &fixture->script;
                scratch_dir_remove(fixture->dir);
                fixture->dir = scratch_dir_make();
                scripted_io_init(script);
                script->fail_at = fail_at;
                script->fail_for_ever = for_ever != 0;
                script->fail_after_bytes = torn ? 150 : 0;
                script->fail_errno = ENOSPC;
                enum alog_status sealed;
                uint64_t acknowledged = write_what_goes(fixture, &sealed);
                uint64_t found = count_everything(fixture->dir);
                if (found != acknowledged) {
                    fail_msg("call %lu failed %s: %lu events acknowledged, %lu in the file",
                             (unsigned long)fail_at, for_ever ? "for ever" : "once",
                             (unsigned long)acknowledged, (unsigned long)found);
                }
                passed = script->failures == 0;
                assert_true(!passed || sealed == ALOG_OK);
                assert_true(fail_at < 100);
            }
        }
    }
}

static void test_short_writes_are_continued(void **state) {
    struct fixture *fixture = *state;
    fixture->script.write_at_most = 7;
    segment_maker_begin(&fixture->maker);
    add_block(&fixture->maker, 3);
    segment_maker_seal(&fixture->maker);
    assert_int_equal(events_in(fixture->maker.path, 0), 3);
    assert_true(fixture->script.calls_of[SCRIPTED_PWRITEV] > 20);
}

static void test_block_is_one_write(void **state) {
    struct fixture *fixture = *state;
    segment_maker_begin(&fixture->maker);
    uint64_t before = fixture->script.calls_of[SCRIPTED_PWRITEV];
    add_block(&fixture->maker, 3);
    assert_int_equal(fixture->script.calls_of[SCRIPTED_PWRITEV], before + 1);
}

static void test_failed_append_goes_to_the_same_place(void **state) {
    struct fixture *fixture = *state;
    struct segment_maker *maker = &fixture->maker;
    segment_maker_begin(maker);
    add_block(maker, 2);
    uint64_t bytes = alog_segment_bytes(maker->segment);
    /* Torn, and the truncation afterwards fails as well. */
    fixture->script.fail_always[SCRIPTED_PWRITEV] = EIO;
    fixture->script.fail_always[SCRIPTED_FTRUNCATE] = EIO;
    fixture->script.fail_after_bytes = 200;
    segment_maker_add_line(maker, HOOK);
    assert_int_equal(segment_maker_end_block(maker), ALOG_IO);
    assert_int_equal(alog_segment_bytes(maker->segment), bytes);
    assert_int_equal(alog_segment_blocks(maker->segment), 1);
    struct segment_dump dump;
    assert_int_equal(segment_dump_read(maker->path, NULL, &dump), ALOG_OK);
    assert_int_equal(dump.event_count, 2);
    assert_int_equal(dump.damage_count, 0);
    assert_int_equal(dump.harmless_count, 1);
    segment_dump_free(&dump);
    fixture->script.fail_always[SCRIPTED_PWRITEV] = 0;
    fixture->script.fail_always[SCRIPTED_FTRUNCATE] = 0;
    assert_int_equal(segment_maker_end_block(maker), ALOG_OK);
    segment_maker_seal(maker);
    assert_int_equal(events_in(maker->path, 0), 3);
}

/* A write may fail after all of it is in the file. The writer was told that the block is not there,
 * so no reader may find it. */
static void test_failed_block_is_taken_back(void **state) {
    struct fixture *fixture = *state;
    struct segment_maker *maker = &fixture->maker;
    segment_maker_begin(maker);
    add_block(maker, 2);
    fixture->script.fail_always[SCRIPTED_PWRITEV] = EIO;
    fixture->script.fail_after_bytes = UINT64_MAX;
    segment_maker_add_line(maker, HOOK);
    assert_int_equal(segment_maker_end_block(maker), ALOG_IO);
    segment_maker_abandon(maker);
    assert_int_equal(events_in(maker->path, 0), 2);
}

static void test_sync_makes_names_durable_once(void **state) {
    struct fixture *fixture = *state;
    segment_maker_begin(&fixture->maker);
    add_block(&fixture->maker, 1);
    assert_int_equal(alog_segment_sync(fixture->maker.segment, NULL), ALOG_OK);
    assert_int_equal(fixture->script.calls_of[SCRIPTED_FDATASYNC], 1);
    assert_int_equal(fixture->script.calls_of[SCRIPTED_FSYNC], 2); /* day and log directory */
    assert_int_equal(alog_segment_sync(fixture->maker.segment, NULL), ALOG_OK);
    assert_int_equal(fixture->script.calls_of[SCRIPTED_FSYNC], 2);
}

static void test_seal_without_sync_syncs_nothing(void **state) {
    struct fixture *fixture = *state;
    struct segment_maker *maker = &fixture->maker;
    segment_maker_begin(maker);
    add_block(maker, 1);
    assert_int_equal(alog_segment_seal(maker->segment, false, NULL), ALOG_OK);
    maker->segment = NULL;
    assert_int_equal(fixture->script.calls_of[SCRIPTED_FSYNC], 0);
}

static void test_impossible_facts_are_refused(void **state) {
    struct fixture *fixture = *state;
    segment_maker_begin(&fixture->maker);
    uint64_t bytes = alog_segment_bytes(fixture->maker.segment);
    const struct alog_type_tally counts[] = {{1, 1}};
    struct alog_block_facts facts = {.first_sequence = 5,
                                     .last_sequence = 4,
                                     .raw_bytes = 1,
                                     .compressed_bytes = 1,
                                     .counts = counts,
                                     .count_count = 1};
    uint8_t frame[1] = {0};
    struct alog_error error = {0};
    assert_int_equal(alog_segment_append(fixture->maker.segment, &facts, frame, &error),
                     ALOG_INVALID);
    assert_int_equal(alog_segment_bytes(fixture->maker.segment), bytes);
}

/* Write nothing, so that a test need not fill the disk. */
static int64_t swallow(void *context, int fd, const struct iovec *parts, int count,
                       uint64_t offset) {
    (void)context;
    (void)fd;
    (void)offset;
    int64_t bytes = 0;
    for (int i = 0; i < count; i++) {
        bytes += (int64_t)parts[i].iov_len;
    }
    return bytes;
}

/* The largest headers fill the index fastest: 1 MiB of ring marks each. */
static void test_full_index(void **state) {
    struct fixture *fixture = *state;
    const uint32_t ring_count = (ALOG_MAX_HEADER_BYTES - 200) / 16;
    struct alog_ring_mark *rings = calloc(ring_count, sizeof *rings);
    const struct alog_type_tally counts[] = {{1, 1}};
    struct alog_block_facts facts = {.raw_bytes = 1,
                                     .compressed_bytes = 1,
                                     .counts = counts,
                                     .count_count = 1,
                                     .rings = rings,
                                     .ring_count = ring_count};
    const uint8_t frame[1] = {0};
    segment_maker_begin(&fixture->maker);
    fixture->script.io.pwritev = swallow;
    struct alog_segment_writer *segment = fixture->maker.segment;
    enum alog_status status = ALOG_OK;
    uint64_t blocks = 0;
    while (status == ALOG_OK && blocks < 300) {
        facts.first_sequence = facts.last_sequence = blocks + 1;
        status = alog_segment_append(segment, &facts, frame, NULL);
        blocks += status == ALOG_OK;
    }
    assert_int_equal(status, ALOG_LIMIT);
    assert_int_equal(blocks, 256);
    assert_int_equal(alog_segment_blocks(segment), blocks);
    facts.ring_count = ring_count + 100; /* more than any header holds: sealing would not help */
    rings = realloc(rings, facts.ring_count * sizeof *rings);
    memset(rings + ring_count, 0, 100 * sizeof *rings);
    facts.rings = rings;
    assert_int_equal(alog_segment_append(segment, &facts, frame, NULL), ALOG_INVALID);
    free(rings);
}

/* ---- Going on after a crash ---------------------------------------------------------------- */

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_created_appended_sealed),
        TEST(test_empty_segment_is_removed),
        TEST(test_predecessor_chain),
        TEST(test_existing_names_are_left_alone),
        TEST(test_arguments_are_checked),
        TEST(test_every_call_fails),
        TEST(test_short_writes_are_continued),
        TEST(test_block_is_one_write),
        TEST(test_failed_append_goes_to_the_same_place),
        TEST(test_failed_block_is_taken_back),
        TEST(test_sync_makes_names_durable_once),
        TEST(test_seal_without_sync_syncs_nothing),
        TEST(test_impossible_facts_are_refused),
        TEST(test_full_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
