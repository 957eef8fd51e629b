/* File and block headers: round trips, limits, and what later versions may add. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/little_endian.h"
#include "format/segment_frame.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static const uint8_t file_id[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static struct alog_file_header example_file_header(void) {
    struct alog_file_header header = {
        .version = ALOG_FORMAT_VERSION,
        .writer_id = UINT64_C(0x0123456789abcdef),
        .number = 42,
        .created_ns = INT64_C(1770206400123456789),
        .predecessor_id = {16, 15, 14},
        .predecessor_last_sequence = 99,
        .environment = ALOG_STR("production"),
    };
    memcpy(header.file_id, file_id, sizeof file_id);
    return header;
}

static const struct alog_type_tally counts[] = {{1, 2}, {3, 7}, {70, 1}};
static const struct alog_type_tally drops[] = {{3, 4}, {1023, UINT32_MAX}};
static const struct alog_ring_mark rings[] = {{1, 4096}, {UINT64_MAX, UINT64_MAX}};
static const uint8_t bloom[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static struct alog_block_facts example_facts(void) {
    struct alog_block_facts facts = {
        .first_sequence = 100,
        .last_sequence = 109,
        .min_timestamp_ns = 0,
        .max_timestamp_ns = INT64_MAX,
        .emitted = 1000,
        .dropped = UINT64_C(4) + UINT32_MAX,
        .raw_bytes = 1000,
        .compressed_bytes = 300,
        .hash = {9, 8, 7},
        .counts = counts,
        .count_count = COUNT_OF(counts),
        .drops = drops,
        .drop_count = COUNT_OF(drops),
        .rings = rings,
        .ring_count = COUNT_OF(rings),
        .bloom = bloom,
        .bloom_bytes = sizeof bloom,
    };
    return facts;
}

/* Field by field: the bytes between them are anybody's. */
static void assert_arrays_are_the_examples(const struct alog_block_facts *facts) {
    assert_int_equal(facts->count_count, COUNT_OF(counts));
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        assert_int_equal(facts->counts[i].type, counts[i].type);
        assert_int_equal(facts->counts[i].count, counts[i].count);
    }
    assert_int_equal(facts->drop_count, COUNT_OF(drops));
    for (size_t i = 0; i < COUNT_OF(drops); i++) {
        assert_int_equal(facts->drops[i].type, drops[i].type);
        assert_int_equal(facts->drops[i].count, drops[i].count);
    }
    assert_int_equal(facts->ring_count, COUNT_OF(rings));
    for (size_t i = 0; i < COUNT_OF(rings); i++) {
        assert_int_equal(facts->rings[i].ring_id, rings[i].ring_id);
        assert_int_equal(facts->rings[i].end, rings[i].end);
    }
    assert_int_equal(facts->bloom_bytes, sizeof bloom);
    assert_memory_equal(facts->bloom, bloom, sizeof bloom);
}

/* Put the right check at the end of a frame that was changed by hand. */
static void repair(struct alog_buffer *frame) {
    uint8_t *payload = frame->data + ALOG_FRAME_PREFIX_BYTES;
    size_t bytes = frame->len - ALOG_FRAME_PREFIX_BYTES;
    alog_le_store32(frame->data + 4, (uint32_t)bytes);
    alog_le_store64(payload + bytes - ALOG_FRAME_CHECK_BYTES, alog_frame_check_of(payload, bytes));
}

static void test_file_header_round_trip(void **state) {
    (void)state;
    struct alog_file_header header = example_file_header(), back;
    struct alog_buffer frame = {0};
    assert_int_equal(alog_file_header_encode(&header, &frame), ALOG_OK);
    assert_int_equal(frame.len, 8 + 88 + strlen("production") + 8);
    assert_int_equal(alog_file_header_decode(frame.data, frame.len, &back, NULL), ALOG_OK);
    assert_true(alog_string_equal(back.environment, header.environment));
    assert_int_equal(back.writer_id, header.writer_id);
    assert_int_equal(back.number, 42);
    assert_int_equal(back.created_ns, header.created_ns);
    assert_int_equal(back.predecessor_last_sequence, 99);
    assert_memory_equal(back.predecessor_id, header.predecessor_id, 16);
    assert_memory_equal(back.file_id, file_id, sizeof file_id);
    assert_int_equal(back.version, ALOG_FORMAT_VERSION);
    alog_buffer_free(&frame);
}

static void test_file_header_without_environment(void **state) {
    (void)state;
    struct alog_file_header header = example_file_header(), back;
    struct alog_buffer frame = {0};
    header.environment = (struct alog_string){"", 0};
    assert_int_equal(alog_file_header_encode(&header, &frame), ALOG_OK);
    assert_int_equal(alog_file_header_decode(frame.data, frame.len, &back, NULL), ALOG_OK);
    assert_int_equal(back.environment.len, 0);
    char longest[ALOG_MAX_NAME_BYTES + 1] = {0};
    header.environment = (struct alog_string){longest, sizeof longest};
    size_t len = frame.len;
    assert_int_equal(alog_file_header_encode(&header, &frame), ALOG_INVALID);
    assert_int_equal(frame.len, len);
    alog_buffer_free(&frame);
}

static void test_block_header_round_trip(void **state) {
    (void)state;
    struct alog_block_facts facts = example_facts();
    struct alog_buffer frame = {0};
    struct alog_block_header_room room = {0};
    struct alog_block_header back;
    assert_int_equal(alog_block_header_encode(file_id, 17, &facts, &frame), ALOG_OK);
    assert_int_equal(frame.len, 8 + 128 + 5 * 12 + 2 * 16 + 8 + 8);
    assert_int_equal(alog_block_header_decode(frame.data, frame.len, &room, &back, NULL), ALOG_OK);
    assert_int_equal(back.number, 17);
    assert_memory_equal(back.file_id, file_id, sizeof file_id);
    assert_arrays_are_the_examples(&back.facts);
    assert_int_equal(back.facts.first_sequence, 100);
    assert_int_equal(back.facts.last_sequence, 109);
    assert_int_equal(back.facts.min_timestamp_ns, 0);
    assert_int_equal(back.facts.max_timestamp_ns, INT64_MAX);
    /* What was read is written as the same bytes. */
    struct alog_buffer again = {0};
    assert_int_equal(alog_block_header_encode(file_id, 17, &back.facts, &again), ALOG_OK);
    assert_int_equal(again.len, frame.len);
    assert_memory_equal(again.data, frame.data, frame.len);
    alog_buffer_free(&again);
    alog_block_header_room_free(&room);
    alog_buffer_free(&frame);
}

/* Every fact that cannot be is refused by the encoder; a reader refuses it from whoever encodes. */
static const struct {
    const char *what;
    size_t offset; /* in the payload */
    uint64_t value;
    size_t bytes;
} impossible[] = {
    {"sequence 0", ALOG_BLOCK_FIRST_SEQUENCE, 0, 8},
    {"last before first", ALOG_BLOCK_LAST_SEQUENCE, 99, 8},
    {"more events than counted", ALOG_BLOCK_LAST_SEQUENCE, 110, 8},
    {"fewer events than counted", ALOG_BLOCK_LAST_SEQUENCE, 108, 8},
    {"sequence too large", ALOG_BLOCK_LAST_SEQUENCE, UINT64_MAX, 8},
    {"negative time", ALOG_BLOCK_MIN_TIMESTAMP_NS, UINT64_MAX, 8},
    {"max before min", ALOG_BLOCK_MAX_TIMESTAMP_NS, UINT64_MAX, 8},
    {"drops do not add up", ALOG_BLOCK_DROPPED, 5, 8},
    {"no content", ALOG_BLOCK_RAW_BYTES, 0, 4},
    {"too much content", ALOG_BLOCK_RAW_BYTES, ALOG_BLOCK_MAX_RAW_BYTES + 1, 4},
    {"no frame", ALOG_BLOCK_COMPRESSED_BYTES, 0, 4},
    {"too long a frame", ALOG_BLOCK_COMPRESSED_BYTES, ALOG_BLOCK_MAX_COMPRESSED_BYTES + 1, 4},
    {"no counts", ALOG_BLOCK_COUNT_COUNT, 0, 4},
    {"too many counts", ALOG_BLOCK_COUNT_COUNT, UINT32_MAX, 4},
    {"more drops than fit", ALOG_BLOCK_DROP_COUNT, 1000, 4},
    {"more rings than fit", ALOG_BLOCK_RING_COUNT, UINT32_MAX, 4},
    {"a filter that does not fit", ALOG_BLOCK_BLOOM_BYTES, 16, 4},
    {"a filter of a strange size", ALOG_BLOCK_BLOOM_BYTES, 7, 4},
    {"too large a filter", ALOG_BLOCK_BLOOM_BYTES, 2 * ALOG_BLOOM_MAX_BYTES, 4},
    {"types not ascending", ALOG_BLOCK_FIXED_END + 12, 1, 4},
    {"a type too large", ALOG_BLOCK_FIXED_END + 24, ALOG_MAX_TYPES, 4},
    {"a count of zero", ALOG_BLOCK_FIXED_END + 4, 0, 8},
    {"a sum that wraps", ALOG_BLOCK_FIXED_END + 4, UINT64_MAX, 8},
    {"a fixed part that is too short", ALOG_HEAD_FIXED_BYTES, ALOG_BLOCK_FIXED_END - 1, 2},
    {"a fixed part beyond the end", ALOG_HEAD_FIXED_BYTES, UINT16_MAX, 2},
    {"version 0", ALOG_HEAD_VERSION, 0, 2},
};

static void test_impossible_block_headers(void **state) {
    (void)state;
    struct alog_block_header_room room = {0};
    for (size_t i = 0; i < COUNT_OF(impossible); i++) {
        struct alog_block_facts facts = example_facts();
        struct alog_block_header back;
        struct alog_buffer frame = {0};
        assert_int_equal(alog_block_header_encode(file_id, 0, &facts, &frame), ALOG_OK);
        uint8_t *at = frame.data + ALOG_FRAME_PREFIX_BYTES + impossible[i].offset;
        memcpy(at, &impossible[i].value, impossible[i].bytes);
        repair(&frame);
        enum alog_status status =
            alog_block_header_decode(frame.data, frame.len, &room, &back, NULL);
        if (status != ALOG_CORRUPT) {
            fail_msg("%s: %s", impossible[i].what, alog_status_name(status));
        }
        alog_buffer_free(&frame);
    }
    alog_block_header_room_free(&room);
}

static void test_encoder_refuses_what_readers_would(void **state) {
    (void)state;
    struct alog_buffer frame = {0};
    static const struct alog_type_tally backwards[] = {{3, 7}, {1, 3}};
    struct alog_block_facts facts = example_facts();
    facts.last_sequence++;
    assert_int_equal(alog_block_header_encode(file_id, 0, &facts, &frame), ALOG_INVALID);
    facts = example_facts();
    facts.counts = backwards;
    facts.count_count = COUNT_OF(backwards);
    assert_int_equal(alog_block_header_encode(file_id, 0, &facts, &frame), ALOG_INVALID);
    facts = example_facts();
    facts.ring_count = ALOG_MAX_HEADER_BYTES / ALOG_RING_BYTES;
    assert_int_equal(alog_block_header_encode(file_id, 0, &facts, &frame), ALOG_LIMIT);
    assert_int_equal(frame.len, 0);
    alog_buffer_free(&frame);
}

static void test_every_cut_and_every_flip_is_noticed(void **state) {
    (void)state;
    struct alog_block_facts facts = example_facts();
    struct alog_file_header header = example_file_header(), file_back;
    struct alog_block_header_room room = {0};
    struct alog_block_header back;
    struct alog_buffer frames[2] = {{0}, {0}};
    assert_int_equal(alog_block_header_encode(file_id, 0, &facts, &frames[0]), ALOG_OK);
    assert_int_equal(alog_file_header_encode(&header, &frames[1]), ALOG_OK);
    for (size_t k = 0; k < 2; k++) {
        struct alog_buffer *frame = &frames[k];
        for (size_t i = 0; i < frame->len; i++) {
            /* A copy of exactly that length, so that a read beyond it is a fault. */
            uint8_t *cut = malloc(i + 1);
            memcpy(cut, frame->data, i);
            assert_int_equal(k == 0 ? alog_block_header_decode(cut, i, &room, &back, NULL)
                                    : alog_file_header_decode(cut, i, &file_back, NULL),
                             ALOG_CORRUPT);
            free(cut);
            for (unsigned bit = 0; bit < 8; bit++) {
                frame->data[i] ^= (uint8_t)(1u << bit);
                assert_int_equal(
                    k == 0 ? alog_block_header_decode(frame->data, frame->len, &room, &back, NULL)
                           : alog_file_header_decode(frame->data, frame->len, &file_back, NULL),
                    ALOG_CORRUPT);
                frame->data[i] ^= (uint8_t)(1u << bit);
            }
        }
        alog_buffer_free(frame);
    }
    alog_block_header_room_free(&room);
}

/* What a later version may do without breaking this one: set compatible flags, lengthen the fixed
 * part, add behind the variable part. */
static void test_later_additions_are_skipped(void **state) {
    (void)state;
    struct alog_block_facts facts = example_facts();
    struct alog_block_header_room room = {0};
    struct alog_block_header back;
    struct alog_buffer frame = {0}, later = {0};
    assert_int_equal(alog_block_header_encode(file_id, 5, &facts, &frame), ALOG_OK);
    const size_t fixed = ALOG_FRAME_PREFIX_BYTES + ALOG_BLOCK_FIXED_END;
    const size_t variable = frame.len - fixed - ALOG_FRAME_CHECK_BYTES;
    const size_t more = 24, behind = 40;
    assert_int_equal(alog_buffer_reserve(&later, frame.len + more + behind), ALOG_OK);
    memset(later.data, 0xEE, frame.len + more + behind);
    memcpy(later.data, frame.data, fixed);
    memcpy(later.data + fixed + more, frame.data + fixed, variable);
    later.len = frame.len + more + behind;
    uint8_t *payload = later.data + ALOG_FRAME_PREFIX_BYTES;
    alog_le_store16(payload + ALOG_HEAD_FIXED_BYTES, (uint16_t)(ALOG_BLOCK_FIXED_END + more));
    alog_le_store16(payload + ALOG_HEAD_COMPATIBLE_FLAGS, 0x8001);
    alog_le_store32(payload + ALOG_HEAD_UNUSED, 0xFFFFFFFF);
    repair(&later);
    assert_int_equal(alog_block_header_decode(later.data, later.len, &room, &back, NULL), ALOG_OK);
    assert_int_equal(back.number, 5);
    assert_arrays_are_the_examples(&back.facts);
    alog_block_header_room_free(&room);
    alog_buffer_free(&frame);
    alog_buffer_free(&later);
}

static void test_newer_formats_are_named_as_such(void **state) {
    (void)state;
    static const struct {
        size_t offset;
        uint16_t value;
    } newer[] = {{ALOG_HEAD_VERSION, ALOG_FORMAT_VERSION + 1},
                 {ALOG_HEAD_INCOMPATIBLE_FLAGS, 2},
                 {ALOG_HEAD_INCOMPATIBLE_FLAGS, 0x8000}};
    for (size_t i = 0; i < COUNT_OF(newer); i++) {
        struct alog_file_header header = example_file_header(), back;
        struct alog_buffer frame = {0};
        struct alog_error error = {0};
        assert_int_equal(alog_file_header_encode(&header, &frame), ALOG_OK);
        alog_le_store16(frame.data + ALOG_FRAME_PREFIX_BYTES + newer[i].offset, newer[i].value);
        repair(&frame);
        assert_int_equal(alog_file_header_decode(frame.data, frame.len, &back, &error),
                         ALOG_UNSUPPORTED);
        assert_non_null(strstr(error.message, "update"));
        alog_buffer_free(&frame);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_header_round_trip),
        cmocka_unit_test(test_file_header_without_environment),
        cmocka_unit_test(test_block_header_round_trip),
        cmocka_unit_test(test_impossible_block_headers),
        cmocka_unit_test(test_encoder_refuses_what_readers_would),
        cmocka_unit_test(test_every_cut_and_every_flip_is_noticed),
        cmocka_unit_test(test_later_additions_are_skipped),
        cmocka_unit_test(test_newer_formats_are_named_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
