/*
 * Every golden segment cut at every byte, and with every byte flipped: never an event that was not
 * there, every event of an undamaged block, and no damage that goes unsaid.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/segment.h"
#include "support/file_bytes.h"
#include "support/scratch_dir.h"
#include "support/segment_dump.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))
#define MAX_BLOCKS      8

/* Where a block stands, and its events as NDJSON. */
struct known_block {
    uint64_t offset, end;
    char *lines;
    size_t len;
};

struct known_segment {
    uint8_t *data;
    size_t bytes;
    struct known_block blocks[MAX_BLOCKS];
    size_t block_count;
    bool open; /* its copy is named .open */
    char path[PATH_MAX];
};

static size_t line_bytes(const char *text, uint64_t lines) {
    const char *at = text;
    while (lines-- > 0) {
        at = strchr(at, '\n') + 1;
    }
    return (size_t)(at - text);
}

/* The events of the good file, cut up by the blocks that they are in. */
static void learn(struct known_segment *segment, const char *good) {
    struct segment_dump dump;
    assert_int_equal(segment_dump_read(good, NULL, &dump), ALOG_OK);
    struct alog_segment_scan *scan;
    assert_int_equal(alog_segment_scan_open(alog_io_system(), good, NULL, NULL, &scan, NULL),
                     ALOG_OK);
    const char *at = dump.events.data;
    const struct alog_block_header *header;
    assert_int_equal(alog_segment_scan_next(scan, &header, NULL), ALOG_OK);
    while (header != NULL) {
        struct known_block *block = &segment->blocks[segment->block_count++];
        block->offset = alog_segment_scan_offset(scan);
        block->end = alog_segment_scan_end(scan);
        block->len = line_bytes(at, header->facts.last_sequence - header->facts.first_sequence + 1);
        block->lines = strndup(at, block->len);
        at += block->len;
        assert_int_equal(alog_segment_scan_next(scan, &header, NULL), ALOG_OK);
    }
    alog_segment_scan_close(scan);
    segment_dump_free(&dump);
}

static void open_segment(struct known_segment *segment, const char *name, const char *dir) {
    char good[PATH_MAX];
    *segment = (struct known_segment){0};
    snprintf(good, sizeof good, "%s/tests/golden/good/%s", getenv("ALOG_SOURCE_DIR"), name);
    segment->data = file_bytes_read(good, &segment->bytes);
    segment->open = strstr(name, ".open") != NULL;
    snprintf(segment->path, sizeof segment->path, "%s/%s", dir, name);
    learn(segment, good);
}

static void close_segment(struct known_segment *segment) {
    for (size_t i = 0; i < segment->block_count; i++) {
        free(segment->blocks[i].lines);
    }
    free(segment->data);
}

/* Read the changed file and hold it against what must be there: all events of the blocks that
 * `intact` says, nothing else. */
static void check_events(const struct known_segment *segment, const struct segment_dump *dump,
                         const bool *intact, const char *what, size_t offset) {
    const char *at = dump->events.data;
    size_t left = dump->events.len;
    for (size_t i = 0; i < segment->block_count; i++) {
        const struct known_block *block = &segment->blocks[i];
        if (!intact[i]) {
            continue;
        }
        if (left < block->len || memcmp(at, block->lines, block->len) != 0) {
            fail_msg("%s, %s at byte %zu: block %zu is not read as it was", segment->path, what,
                     offset, i);
        }
        at += block->len;
        left -= block->len;
    }
    if (left != 0) {
        fail_msg("%s, %s at byte %zu: events that were not there: %.*s", segment->path, what,
                 offset, (int)left, at);
    }
}

static void check_flip(const struct known_segment *segment, size_t offset) {
    bool intact[MAX_BLOCKS];
    for (size_t i = 0; i < segment->block_count; i++) {
        intact[i] = offset < segment->blocks[i].offset || offset >= segment->blocks[i].end;
    }
    struct segment_dump dump;
    enum alog_status status = segment_dump_read(segment->path, NULL, &dump);
    if (status != ALOG_OK) {
        fail_msg("%s, flip at byte %zu: %s", segment->path, offset, alog_status_name(status));
    }
    check_events(segment, &dump, intact, "flip", offset);
    /* In the last block of an unsealed file a flip looks like a torn write and is reported as
     * such, harmless; everywhere else it is damage. */
    bool last = offset >= segment->blocks[segment->block_count - 1].offset;
    if (segment->open && last ? dump.harmless_count == 0 || dump.damage_count != 0
                              : dump.damage_count == 0) {
        fail_msg("%s, flip at byte %zu: %lu faults, %lu harmless: %s", segment->path, offset,
                 (unsigned long)dump.damage_count, (unsigned long)dump.harmless_count,
                 dump.damages.data ? dump.damages.data : "");
    }
    struct alog_segment_info info;
    assert_int_equal(alog_segment_inspect(segment->path, true, NULL, NULL, &info, NULL), ALOG_OK);
    assert_int_equal(info.damages, dump.damage_count);
    alog_segment_info_free(&info);
    segment_dump_free(&dump);
}

static void check_cut(const struct known_segment *segment, size_t bytes) {
    bool intact[MAX_BLOCKS];
    bool boundary = bytes == segment->blocks[0].offset || bytes == segment->bytes;
    for (size_t i = 0; i < segment->block_count; i++) {
        intact[i] = segment->blocks[i].end <= bytes;
        boundary = boundary || segment->blocks[i].end == bytes;
    }
    struct segment_dump dump;
    enum alog_status status = segment_dump_read(segment->path, NULL, &dump);
    if (bytes < segment->blocks[0].offset) {
        assert_int_equal(status, ALOG_CORRUPT);
        return;
    }
    assert_int_equal(status, ALOG_OK);
    check_events(segment, &dump, intact, "cut", bytes);
    /* An unsealed file may end anywhere; a sealed one only where it ends. */
    if (dump.damage_count != (segment->open ? 0 : bytes < segment->bytes) ||
        dump.harmless_count != (segment->open && !boundary)) {
        fail_msg("%s, cut at byte %zu: %lu faults, %lu harmless: %s", segment->path, bytes,
                 (unsigned long)dump.damage_count, (unsigned long)dump.harmless_count,
                 dump.damages.data ? dump.damages.data : "");
    }
    segment_dump_free(&dump);
}

static const char *const names[] = {"tiny.msgpack.zst", "three_blocks.msgpack.zst",
                                    "all_types.msgpack.zst", "unsealed.msgpack.zst.open"};

static void test_every_byte_flipped(void **state) {
    static const uint8_t patterns[] = {0x01, 0x80, 0xFF};
    for (size_t n = 0; n < COUNT_OF(names); n++) {
        struct known_segment segment;
        open_segment(&segment, names[n], *state);
        for (size_t i = 0; i < segment.bytes; i++) {
            for (size_t p = 0; p < COUNT_OF(patterns); p++) {
                segment.data[i] ^= patterns[p];
                file_bytes_write(segment.path, segment.data, segment.bytes);
                check_flip(&segment, i);
                segment.data[i] ^= patterns[p];
            }
        }
        close_segment(&segment);
    }
}

static void test_cut_at_every_byte(void **state) {
    for (size_t n = 0; n < COUNT_OF(names); n++) {
        struct known_segment segment;
        open_segment(&segment, names[n], *state);
        for (size_t i = 0; i <= segment.bytes; i++) {
            file_bytes_write(segment.path, segment.data, i);
            check_cut(&segment, i);
        }
        close_segment(&segment);
    }
}

/* What a file system leaves of writes that never reached the disk: zeros from somewhere on. */
static void test_zeros_from_every_byte(void **state) {
    for (size_t n = 0; n < COUNT_OF(names); n++) {
        struct known_segment segment;
        open_segment(&segment, names[n], *state);
        uint8_t *data = malloc(segment.bytes);
        for (size_t i = segment.blocks[0].offset; i < segment.bytes; i++) {
            bool intact[MAX_BLOCKS];
            for (size_t b = 0; b < segment.block_count; b++) {
                /* Zeros that stood there anyway change nothing. */
                size_t zeros = i < segment.blocks[b].end ? segment.blocks[b].end - i : 0;
                const uint8_t *at = segment.data + i;
                while (zeros > 0 && *at == 0) {
                    at++;
                    zeros--;
                }
                intact[b] = zeros == 0;
            }
            memcpy(data, segment.data, i);
            memset(data + i, 0, segment.bytes - i);
            file_bytes_write(segment.path, data, segment.bytes);
            struct segment_dump dump;
            assert_int_equal(segment_dump_read(segment.path, NULL, &dump), ALOG_OK);
            check_events(&segment, &dump, intact, "zeros", i);
            assert_int_equal(dump.damage_count > 0, !segment.open);
            segment_dump_free(&dump);
        }
        free(data);
        close_segment(&segment);
    }
}

static int make_scratch(void **state) {
    *state = scratch_dir_make();
    return 0;
}

static int remove_scratch(void **state) {
    scratch_dir_remove(*state);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte_flipped),
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_zeros_from_every_byte),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
