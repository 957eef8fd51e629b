/* FORMAT.md's segment byte by byte, and the limits that it states. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/segment_frame.h"
#include "support/file_bytes.h"

static char *read_document(void) {
    char path[PATH_MAX];
    size_t bytes;
    snprintf(path, sizeof path, "%s/format/FORMAT.md", getenv("ALOG_SOURCE_DIR"));
    return (char *)file_bytes_read(path, &bytes);
}

/* The bytes of a line up to its comment. */
static size_t parse_line(const char *line, uint8_t *bytes) {
    size_t count = 0;
    int used;
    unsigned byte;
    while (sscanf(line, " %2x%n", &byte, &used) == 1) {
        bytes[count++] = (uint8_t)byte;
        line += used;
    }
    return count;
}

static void test_example_is_the_tiny_segment(void **state) {
    (void)state;
    char path[PATH_MAX];
    uint8_t bytes[8192];
    size_t count = 0, tiny_bytes;
    snprintf(path, sizeof path, "%s/tests/golden/good/tiny.msgpack.zst", getenv("ALOG_SOURCE_DIR"));
    uint8_t *tiny = file_bytes_read(path, &tiny_bytes);
    char *document = read_document();
    char *at = strstr(document, "```hex\n");
    assert_non_null(at);
    char *end = strstr(at + 7, "```");
    assert_non_null(end);
    *end = '\0';
    char *rest = NULL;
    for (char *line = strtok_r(at + 7, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        assert_true(count + 64 < sizeof bytes);
        count += parse_line(line, bytes + count);
        unsigned offset;
        if (sscanf(line, "; %4x ", &offset) == 1) { /* a heading says where its part begins */
            assert_int_equal(offset, count);
        }
    }
    assert_int_equal(count, tiny_bytes);
    assert_memory_equal(bytes, tiny, tiny_bytes);
    free(document);
    free(tiny);
}

/* A row "| <offset> | <bytes> | <field> |" of a field table. */
static void assert_row(const char *document, const char *section, int offset, const char *field) {
    const char *at = strstr(document, section);
    assert_non_null(at);
    const char *end = strstr(at + 4, "\n##");
    char row[64];
    snprintf(row, sizeof row, "\n| %d | ", offset);
    const char *found = strstr(at, row);
    if (found == NULL || (end != NULL && found > end)) {
        fail_msg("%s: no row for offset %d", section, offset);
    }
    const char *name = strchr(found + strlen(row), '|') + 2;
    if (strncmp(name, field, strlen(field)) != 0 || name[strlen(field)] != ' ') {
        fail_msg("%s: offset %d is not %s but %.20s", section, offset, field, name);
    }
}

static void test_field_tables_are_the_code(void **state) {
    (void)state;
    static const struct {
        const char *section;
        int offset;
        const char *field;
    } rows[] = {
        {"## Frames of ours", ALOG_HEAD_VERSION, "version"},
        {"## Frames of ours", ALOG_HEAD_INCOMPATIBLE_FLAGS, "incompatible flags"},
        {"## Frames of ours", ALOG_HEAD_COMPATIBLE_FLAGS, "compatible flags"},
        {"## Frames of ours", ALOG_HEAD_FIXED_BYTES, "fixed bytes"},
        {"## Frames of ours", ALOG_HEAD_FILE_ID, "file id"},
        {"### File header", ALOG_FILE_WRITER_ID, "writer id"},
        {"### File header", ALOG_FILE_NUMBER, "number"},
        {"### File header", ALOG_FILE_CREATED_NS, "created_ns"},
        {"### File header", ALOG_FILE_PREDECESSOR_ID, "predecessor id"},
        {"### File header", ALOG_FILE_PREDECESSOR_LAST_SEQUENCE, "predecessor last sequence"},
        {"### File header", ALOG_FILE_ENVIRONMENT_BYTES, "environment bytes"},
        {"### File header", ALOG_FILE_FIXED_END, "environment"},
        {"### Block header", ALOG_BLOCK_NUMBER, "number"},
        {"### Block header", ALOG_BLOCK_FIRST_SEQUENCE, "first sequence"},
        {"### Block header", ALOG_BLOCK_LAST_SEQUENCE, "last sequence"},
        {"### Block header", ALOG_BLOCK_MIN_TIMESTAMP_NS, "min timestamp_ns"},
        {"### Block header", ALOG_BLOCK_MAX_TIMESTAMP_NS, "max timestamp_ns"},
        {"### Block header", ALOG_BLOCK_EMITTED, "emitted"},
        {"### Block header", ALOG_BLOCK_DROPPED, "dropped"},
        {"### Block header", ALOG_BLOCK_RAW_BYTES, "raw bytes"},
        {"### Block header", ALOG_BLOCK_COMPRESSED_BYTES, "compressed bytes"},
        {"### Block header", ALOG_BLOCK_HASH, "hash"},
        {"### Block header", ALOG_BLOCK_COUNT_COUNT, "count count"},
        {"### Block header", ALOG_BLOCK_DROP_COUNT, "drop count"},
        {"### Block header", ALOG_BLOCK_RING_COUNT, "ring count"},
        {"### Block header", ALOG_BLOCK_BLOOM_BYTES, "bloom bytes"},
        {"### Block header", ALOG_BLOCK_FIXED_END, "counts"},
        {"### Index", ALOG_INDEX_BLOCKS, "blocks"},
        {"### Index", ALOG_INDEX_EVENTS, "events"},
        {"### Index", ALOG_INDEX_FIRST_SEQUENCE, "first sequence"},
        {"### Index", ALOG_INDEX_LAST_SEQUENCE, "last sequence"},
        {"### Index", ALOG_INDEX_MIN_TIMESTAMP_NS, "min timestamp_ns"},
        {"### Index", ALOG_INDEX_MAX_TIMESTAMP_NS, "max timestamp_ns"},
        {"### Index", ALOG_INDEX_RAW_BYTES, "raw bytes"},
        {"### Index", ALOG_INDEX_COMPRESSED_BYTES, "compressed bytes"},
        {"### Index", ALOG_INDEX_DROPPED, "dropped"},
        {"### Index", ALOG_INDEX_FIXED_END, "entries"},
    };
    char *document = read_document();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_row(document, rows[i].section, rows[i].offset, rows[i].field);
    }
    free(document);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example_is_the_tiny_segment),
        cmocka_unit_test(test_field_tables_are_the_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
