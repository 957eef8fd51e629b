/* Taking over what a dead writer left: cut anywhere, damaged anywhere, every call failed. */
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
#include "support/segment_maker.h"

#define BLOCKS 4

struct fixture {
    char *dir;
    struct scripted_io script;
    struct segment_maker maker;
    char open_path[PATH_MAX];
    char final_path[PATH_MAX];
    char recovering_path[PATH_MAX];
    uint64_t ends[BLOCKS + 1]; /* of the file header, then of each block */
    uint8_t *bytes;            /* the whole .open file */
    size_t count;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    scripted_io_init(&f->script);
    segment_maker_init(&f->maker, &f->script.io, f->dir, 7);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    segment_maker_free(&f->maker);
    scratch_dir_remove(f->dir);
    free(f->bytes);
    free(f);
    return 0;
}

static void add_block(struct segment_maker *maker, unsigned events) {
    for (unsigned i = 0; i < events; i++) {
        segment_maker_add_line(maker, "{\"event\":\"hook_execution\",\"timestamp\":5,\"hook_name\":"
                                      "\"ruff\",\"status\":\"success\"}");
    }
    assert_int_equal(segment_maker_end_block(maker), ALOG_OK);
}

/* BLOCKS blocks of one event each, abandoned. */
static void leave(struct fixture *f) {
    struct segment_maker *maker = &f->maker;
    segment_maker_begin(maker);
    strcpy(f->open_path, maker->path);
    strcpy(f->final_path, maker->path);
    f->final_path[strlen(f->final_path) - strlen(".open")] = '\0';
    strcpy(stpcpy(f->recovering_path, f->final_path), ".recovering");
    f->ends[0] = alog_segment_bytes(maker->segment);
    for (unsigned i = 1; i <= BLOCKS; i++) {
        add_block(maker, 1);
        f->ends[i] = alog_segment_bytes(maker->segment);
    }
    segment_maker_abandon(maker);
    f->bytes = file_bytes_read(f->open_path, &f->count);
}

static const struct alog_file_header fallback = {.environment = {"production", 10}};

static enum alog_status rebuild(struct fixture *f, struct alog_segment_remains *remains) {
    return alog_segment_rebuild(&f->script.io, f->open_path, false, &fallback, &f->maker.segment,
                                remains, NULL);
}

struct findings {
    uint64_t gaps, others;
};

static void count_finding(void *context, const struct alog_damage *damage) {
    struct findings *findings = context;
    if (damage->kind == ALOG_DAMAGE_GAP) {
        findings->gaps++;
    } else if (!damage->harmless) {
        findings->others++;
    }
}

/* Check every byte of the final segment; all that may be wrong with it is that events are missing.
 */
static struct alog_segment_info check_final(struct fixture *f, uint64_t *ret_gaps) {
    struct findings findings = {0};
    struct alog_segment_info info;
    assert_int_equal(
        alog_segment_inspect(f->final_path, true, count_finding, &findings, &info, NULL), ALOG_OK);
    assert_int_equal(findings.others, 0);
    assert_true(info.sealed);
    alog_segment_info_free(&info);
    *ret_gaps = findings.gaps;
    return info;
}

static void a_live_segment_is_locked(void **state) {
    struct fixture *f = *state;
    struct alog_segment_writer *second = NULL;
    struct alog_segment_remains remains;
    segment_maker_begin(&f->maker);
    add_block(&f->maker, 1);
    assert_int_equal(alog_segment_rebuild(&f->script.io, f->maker.path, false, &fallback, &second,
                                          &remains, NULL),
                     ALOG_LOCKED);
    assert_null(second);
    assert_int_equal(scratch_dir_count(f->dir, ".recovering"), 0);
    /* A child that its dead writer forked may hold the lock on; other locks decide then. */
    assert_int_equal(alog_segment_rebuild(&f->script.io, f->maker.path, true, &fallback, &second,
                                          &remains, NULL),
                     ALOG_OK);
    alog_segment_discard(second);
}

/* Cut the abandoned file at every byte: what is whole stays, byte for byte, new blocks follow, and
 * the result is a perfect segment. The original is not touched. */
static void at_every_cut(void **state) {
    struct fixture *f = *state;
    leave(f);
    for (size_t cut = (size_t)f->ends[0]; cut <= f->count; cut += cut == f->count ? 1 : 3) {
        file_bytes_write(f->open_path, f->bytes, cut);
        uint64_t whole = 0;
        while (whole < BLOCKS && f->ends[whole + 1] <= cut) {
            whole++;
        }
        struct alog_segment_remains remains;
        assert_int_equal(rebuild(f, &remains), ALOG_OK);
        assert_int_equal(alog_segment_blocks(f->maker.segment), whole);
        assert_int_equal(alog_segment_bytes(f->maker.segment), f->ends[whole]);
        assert_int_equal(remains.tail_bytes, cut - f->ends[whole]);
        assert_int_equal(remains.holes + remains.missing_events, 0);
        f->maker.next_sequence = whole + 1;
        add_block(&f->maker, 2);
        assert_int_equal(access(f->final_path, F_OK), -1);
        segment_maker_seal(&f->maker);
        uint64_t gaps;
        assert_int_equal(check_final(f, &gaps).events, whole + 2);
        assert_int_equal(gaps, 0);
        size_t after;
        uint8_t *final = file_bytes_read(f->final_path, &after);
        assert_memory_equal(final, f->bytes, f->ends[whole]);
        free(final);
        uint8_t *unchanged = file_bytes_read(f->open_path, &after);
        assert_int_equal(after, cut);
        assert_memory_equal(unchanged, f->bytes, cut);
        free(unchanged);
        unlink(f->final_path);
    }
}

static void after_the_tables(void **state) {
    struct fixture *f = *state;
    segment_maker_begin(&f->maker);
    strcpy(f->open_path, f->maker.path);
    strcpy(f->final_path, f->maker.path);
    f->final_path[strlen(f->final_path) - strlen(".open")] = '\0';
    add_block(&f->maker, 3);
    f->script.fail_always[SCRIPTED_RENAME] = EIO;
    assert_int_equal(alog_segment_seal(f->maker.segment, true, NULL), ALOG_IO);
    f->script.fail_always[SCRIPTED_RENAME] = 0;
    f->maker.segment = NULL;
    struct alog_segment_remains remains;
    assert_int_equal(rebuild(f, &remains), ALOG_OK);
    assert_true(remains.tail_bytes > 0);
    segment_maker_seal(&f->maker);
    uint64_t gaps;
    assert_int_equal(check_final(f, &gaps).events, 3);
}

static void what_is_blank_is_nothing(void **state) {
    struct fixture *f = *state;
    static const uint8_t zeros[100];
    struct alog_segment_remains remains;
    snprintf(f->open_path, sizeof f->open_path, "%s/x.open", f->dir);
    for (size_t bytes = 0; bytes <= sizeof zeros; bytes += sizeof zeros) {
        file_bytes_write(f->open_path, zeros, bytes);
        assert_int_equal(rebuild(f, &remains), ALOG_NOT_FOUND);
    }
    unlink(f->open_path);
    assert_int_equal(rebuild(f, &remains), ALOG_NOT_FOUND);
    snprintf(f->open_path, sizeof f->open_path, "%s/x", f->dir);
    assert_int_equal(rebuild(f, &remains), ALOG_INVALID);
    assert_null(f->maker.segment);
    assert_int_equal(scratch_dir_count(f->dir, ".recovering"), 0);
}

/* Flip a bit anywhere: the good blocks stay where they are, a hole stands for the bad one, and what
 * is missing is named. */
static void around_damage_anywhere(void **state) {
    struct fixture *f = *state;
    leave(f);
    for (size_t at = 0; at < f->count; at += 5) {
        uint8_t bit = (uint8_t)(1u << (at % 8));
        f->bytes[at] ^= bit;
        file_bytes_write(f->open_path, f->bytes, f->count);
        f->bytes[at] ^= bit;
        struct alog_segment_remains remains;
        assert_int_equal(rebuild(f, &remains), ALOG_OK);
        bool in_header = at < f->ends[0];
        bool in_last = at >= f->ends[BLOCKS - 1];
        assert_int_equal(remains.header_rebuilt, in_header);
        assert_int_equal(remains.holes, in_header || in_last ? 0 : 1);
        assert_int_equal(remains.missing_events, in_header || in_last ? 0 : 1);
        assert_int_equal(alog_segment_blocks(f->maker.segment), in_header ? BLOCKS : BLOCKS - 1);
        assert_int_equal(alog_segment_bytes(f->maker.segment),
                         f->ends[in_last ? BLOCKS - 1 : BLOCKS]);
        f->maker.next_sequence = BLOCKS + 1;
        add_block(&f->maker, 1);
        segment_maker_seal(&f->maker);
        uint64_t gaps;
        struct alog_segment_info info = check_final(f, &gaps);
        assert_int_equal(info.events, in_header ? BLOCKS + 1 : BLOCKS);
        assert_int_equal(gaps, in_header ? 0 : 1);
        assert_int_equal(info.number, 1);
        assert_string_equal(info.environment, "production");
        unlink(f->final_path);
    }
}

/* The header said how many events came before the file. Without it, none of those is said to be
 * missing. */
static void a_lost_header_accuses_no_other_segment(void **state) {
    struct fixture *f = *state;
    f->maker.next_sequence = 100;
    leave(f);
    memset(f->bytes, 0, (size_t)f->ends[0]);
    file_bytes_write(f->open_path, f->bytes, f->count);
    struct alog_segment_remains remains;
    assert_int_equal(rebuild(f, &remains), ALOG_OK);
    assert_true(remains.header_rebuilt);
    f->maker.next_sequence = 100 + BLOCKS;
    segment_maker_seal(&f->maker);
    uint64_t gaps;
    struct alog_segment_info info = check_final(f, &gaps);
    assert_int_equal(gaps, 0);
    assert_int_equal(info.predecessor_last_sequence, 99);
    assert_int_equal(info.events, BLOCKS);
}

static void bytes_that_are_no_segment_are_told_apart(void **state) {
    struct fixture *f = *state;
    leave(f);
    memset(f->bytes, 0x5a, f->count);
    file_bytes_write(f->open_path, f->bytes, f->count);
    struct alog_segment_remains remains;
    assert_int_equal(rebuild(f, &remains), ALOG_CORRUPT);
    assert_true(remains.no_segment);
}

/* Damage of every length: as one hole, as several, and where there is hardly room for one. */
static void holes_of_many_lengths(void **state) {
    struct fixture *f = *state;
    leave(f);
    static const size_t lengths[] = {8, 9, 63, 64, 65, 200, 1 << 20, (1 << 20) + 30, 3 << 20};
    size_t place = (size_t)f->ends[1];
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t count = f->count + lengths[i];
        uint8_t *bytes = malloc(count);
        memcpy(bytes, f->bytes, place);
        memset(bytes + place, 0xa5, lengths[i]);
        memcpy(bytes + place + lengths[i], f->bytes + place, f->count - place);
        file_bytes_write(f->open_path, bytes, count);
        free(bytes);
        struct alog_segment_remains remains;
        assert_int_equal(rebuild(f, &remains), ALOG_OK);
        assert_int_equal(remains.hole_bytes, lengths[i]);
        segment_maker_seal(&f->maker);
        uint64_t gaps;
        assert_int_equal(check_final(f, &gaps).events, BLOCKS);
        assert_int_equal(gaps, 0);
        char command[PATH_MAX + 64];
        snprintf(command, sizeof command, "! command -v zstd >/dev/null || zstd -tq '%s'",
                 f->final_path);
        assert_int_equal(system(command), 0);
        unlink(f->final_path);
    }
}

/* No frame is so short: the file is left to its readers, who pass over the place. */
static void a_place_too_short_to_fill(void **state) {
    struct fixture *f = *state;
    leave(f);
    size_t place = (size_t)f->ends[1];
    uint8_t *bytes = malloc(f->count + 7);
    memcpy(bytes, f->bytes, place);
    memset(bytes + place, 0xa5, 7);
    memcpy(bytes + place + 7, f->bytes + place, f->count - place);
    file_bytes_write(f->open_path, bytes, f->count + 7);
    free(bytes);
    struct alog_segment_remains remains;
    assert_int_equal(rebuild(f, &remains), ALOG_CORRUPT);
    assert_int_equal(scratch_dir_count(f->dir, ".recovering"), 0);
}

/* Whichever call fails, either all is done or nothing is left but the original. */
static void every_call_fails(void **state) {
    struct fixture *f = *state;
    leave(f);
    for (uint64_t call = 1;; call++) {
        struct alog_segment_remains remains;
        f->script.fail_at = f->script.calls + call;
        enum alog_status status = rebuild(f, &remains);
        if (status == ALOG_OK && f->maker.segment != NULL) {
            status = alog_segment_seal(f->maker.segment, true, NULL);
            f->maker.segment = NULL;
        } else {
            assert_int_equal(access(f->recovering_path, F_OK), -1);
        }
        bool over = f->script.fail_at > f->script.calls;
        f->script.fail_at = 0;
        unlink(f->recovering_path);
        size_t after;
        uint8_t *unchanged = file_bytes_read(f->open_path, &after);
        assert_int_equal(after, f->count);
        assert_memory_equal(unchanged, f->bytes, after);
        free(unchanged);
        if (access(f->final_path, F_OK) == 0) {
            uint64_t gaps;
            assert_int_equal(check_final(f, &gaps).events, BLOCKS);
            unlink(f->final_path);
        }
        if (over) {
            assert_int_equal(status, ALOG_OK);
            assert_true(call > 10);
            return;
        }
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_live_segment_is_locked),
        TEST(at_every_cut),
        TEST(after_the_tables),
        TEST(what_is_blank_is_nothing),
        TEST(around_damage_anywhere),
        TEST(holes_of_many_lengths),
        TEST(a_place_too_short_to_fill),
        TEST(every_call_fails),
        TEST(a_lost_header_accuses_no_other_segment),
        TEST(bytes_that_are_no_segment_are_told_apart),
    };
    return cmocka_run_group_tests_name("segment_rebuild", tests, NULL, NULL);
}
