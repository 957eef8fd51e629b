/* Inspecting: quick and thorough agree on good files, and thorough finds what lies. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/little_endian.h"
#include "format/segment_frame.h"
#include "support/file_bytes.h"
#include "support/scratch_dir.h"
#include "support/segment_dump.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static void golden_path(const char *name, char path[PATH_MAX]) {
    snprintf(path, PATH_MAX, "%s/tests/golden/good/%s", getenv("ALOG_SOURCE_DIR"), name);
}

static void test_quick_and_thorough_agree(void **state) {
    (void)state;
    static const char *const names[] = {"all_types.msgpack.zst", "three_blocks.msgpack.zst",
                                        "tiny.msgpack.zst", "unsealed.msgpack.zst.open"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char path[PATH_MAX];
        struct alog_segment_info quick, thorough;
        golden_path(names[i], path);
        assert_int_equal(alog_segment_inspect(path, false, NULL, NULL, &quick, NULL), ALOG_OK);
        assert_int_equal(alog_segment_inspect(path, true, NULL, NULL, &thorough, NULL), ALOG_OK);
        assert_int_equal(quick.damages, 0);
        assert_int_equal(thorough.damages, 0);
        assert_int_equal(quick.sealed, strstr(names[i], ".open") == NULL);
        assert_int_equal(quick.sealed, thorough.sealed);
        assert_int_equal(quick.blocks, thorough.blocks);
        assert_int_equal(quick.events, thorough.events);
        assert_int_equal(quick.first_sequence, thorough.first_sequence);
        assert_int_equal(quick.last_sequence, thorough.last_sequence);
        assert_int_equal(quick.min_timestamp_ns, thorough.min_timestamp_ns);
        assert_int_equal(quick.max_timestamp_ns, thorough.max_timestamp_ns);
        assert_int_equal(quick.raw_bytes, thorough.raw_bytes);
        assert_int_equal(quick.compressed_bytes, thorough.compressed_bytes);
        assert_memory_equal(quick.file_id, thorough.file_id, 16);
        assert_int_equal(quick.type_count, thorough.type_count);
        for (size_t k = 0; k < quick.type_count; k++) {
            assert_int_equal(quick.types[k].type, thorough.types[k].type);
            assert_int_equal(quick.types[k].events, thorough.types[k].events);
        }
        alog_segment_info_free(&quick);
        alog_segment_info_free(&thorough);
        alog_segment_info_free(NULL);
    }
}

static void test_names_of_user_types(void **state) {
    (void)state;
    char path[PATH_MAX];
    struct alog_segment_info info;
    golden_path("all_types.msgpack.zst", path);
    for (int verify = 0; verify < 2; verify++) {
        assert_int_equal(alog_segment_inspect(path, verify, NULL, NULL, &info, NULL), ALOG_OK);
        assert_string_equal(info.types[0].name, "job_start");
        assert_string_equal(info.types[info.type_count - 1].name, "cache_lookup");
        alog_segment_info_free(&info);
    }
}

/* Offset of the index's frame: the only kind of its name in a golden file. */
static size_t find_index(const uint8_t *data, size_t bytes) {
    const uint8_t *at = memmem(data, bytes, ALOG_KIND_INDEX, 4);
    assert_non_null(at);
    return (size_t)(at - data) - ALOG_FRAME_PREFIX_BYTES;
}

/* An index whose own check is right and that yet says something else than the blocks. */
static void test_index_that_lies(void **state) {
    static const struct {
        size_t offset;
        const char *message;
        bool quick; /* seen without reading the blocks */
    } lies[] = {
        {ALOG_INDEX_EVENTS, "totals in the index", false},
        {ALOG_INDEX_MAX_TIMESTAMP_NS, "totals in the index", false},
        {ALOG_INDEX_BLOCKS, "disagree", true},
        {ALOG_INDEX_FIXED_END + ALOG_ENTRY_OFFSET, "disagree", true},
        {ALOG_INDEX_FIXED_END + ALOG_ENTRY_FRAME_BYTES, "disagree", true},
        {ALOG_INDEX_FIXED_END + ALOG_ENTRY_FIXED_END + ALOG_BLOCK_RAW_BYTES, "disagree", true},
        {ALOG_INDEX_FIXED_END + ALOG_ENTRY_FIXED_END + ALOG_BLOCK_HASH, "true copy", false},
        {ALOG_INDEX_FIXED_END + ALOG_ENTRY_FIXED_END + ALOG_BLOCK_COUNT_COUNT, "true copy", false},
    };
    char path[PATH_MAX], copy[PATH_MAX];
    golden_path("three_blocks.msgpack.zst", path);
    snprintf(copy, sizeof copy, "%s/copy.msgpack.zst", (const char *)*state);
    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        size_t bytes;
        uint8_t *data = file_bytes_read(path, &bytes);
        uint8_t *payload = data + find_index(data, bytes) + ALOG_FRAME_PREFIX_BYTES;
        size_t payload_bytes = alog_le_load32(payload - 4);
        payload[lies[i].offset] ^= 2;
        alog_le_store64(payload + payload_bytes - 8, alog_frame_check_of(payload, payload_bytes));
        file_bytes_write(copy, data, bytes);
        free(data);
        struct segment_dump dump = {0};
        struct alog_segment_info info;
        assert_int_equal(alog_segment_inspect(copy, true, segment_dump_note, &dump, &info, NULL),
                         ALOG_OK);
        if (info.damages == 0 || !strstr(dump.damages.data, lies[i].message) ||
            !strstr(dump.damages.data, "\"kind\":\"index\"")) {
            fail_msg("lie %zu: %s", i, dump.damages.data ? dump.damages.data : "not seen");
        }
        assert_int_equal(info.events, 4); /* the blocks are the authority */
        assert_int_equal(info.sealed, !lies[i].quick);
        alog_segment_info_free(&info);
        segment_dump_free(&dump);
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
        cmocka_unit_test(test_quick_and_thorough_agree),
        cmocka_unit_test(test_names_of_user_types),
        cmocka_unit_test(test_index_that_lies),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
