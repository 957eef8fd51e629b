/* msgpack.c: golden bytes at every boundary, msgpack-c as an independent reader, and hostile input.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>
#include <msgpack.h>

#include "format/msgpack.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void assert_bytes(const uint8_t *start, const uint8_t *end, const char *golden, size_t len) {
    assert_int_equal(end - start, len);
    assert_memory_equal(start, golden, len);
}

/* A golden row: a value and its bytes. */
#define ROW(value, bytes)                                                                          \
    { value, bytes, sizeof bytes - 1 }

static void integers_take_the_shortest_form(void **state) {
    (void)state;
    static const struct {
        int64_t value;
        const char *bytes;
        size_t len;
    } rows[] = {
        ROW(0, "\x00"),
        ROW(1, "\x01"),
        ROW(127, "\x7f"),
        ROW(128, "\xcc\x80"),
        ROW(255, "\xcc\xff"),
        ROW(256, "\xcd\x01\x00"),
        ROW(65535, "\xcd\xff\xff"),
        ROW(65536, "\xce\x00\x01\x00\x00"),
        ROW(UINT32_MAX, "\xce\xff\xff\xff\xff"),
        ROW(INT64_C(1) << 32, "\xcf\x00\x00\x00\x01\x00\x00\x00\x00"),
        ROW(INT64_MAX, "\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"),
        ROW(-1, "\xff"),
        ROW(-32, "\xe0"),
        ROW(-33, "\xd0\xdf"),
        ROW(-128, "\xd0\x80"),
        ROW(-129, "\xd1\xff\x7f"),
        ROW(-32768, "\xd1\x80\x00"),
        ROW(-32769, "\xd2\xff\xff\x7f\xff"),
        ROW(INT32_MIN, "\xd2\x80\x00\x00\x00"),
        ROW((int64_t)INT32_MIN - 1, "\xd3\xff\xff\xff\xff\x7f\xff\xff\xff"),
        ROW(INT64_MIN, "\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t room[ALOG_MP_MAX_INT];
        const uint8_t *end = alog_mp_int(room, rows[i].value);
        assert_bytes(room, end, rows[i].bytes, rows[i].len);
        struct alog_mp_cursor in = {.at = room, .end = end};
        struct alog_mp_token token;
        assert_true(alog_mp_next(&in, &token));
        assert_int_equal(token.type, ALOG_MP_INT);
        assert_true(token.i64 == rows[i].value);
        assert_ptr_equal(in.at, end);
    }
}

static void integers_above_the_signed_range_are_unsigned(void **state) {
    (void)state;
    uint8_t room[ALOG_MP_MAX_INT];
    const uint8_t *end = alog_mp_uint(room, UINT64_MAX);
    assert_bytes(room, end, "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9);
    struct alog_mp_cursor in = {.at = room, .end = end};
    struct alog_mp_token token;
    assert_true(alog_mp_next(&in, &token));
    assert_int_equal(token.type, ALOG_MP_UINT);
    assert_true(token.u64 == UINT64_MAX);
}

static void scalars_have_their_bytes(void **state) {
    (void)state;
    uint8_t room[ALOG_MP_MAX_F64];
    assert_bytes(room, alog_mp_nil(room), "\xc0", 1);
    assert_bytes(room, alog_mp_bool(room, false), "\xc2", 1);
    assert_bytes(room, alog_mp_bool(room, true), "\xc3", 1);
    assert_bytes(room, alog_mp_f64(room, 1.5), "\xcb\x3f\xf8\0\0\0\0\0\0", 9);
    assert_bytes(room, alog_mp_f64(room, -0.0), "\xcb\x80\0\0\0\0\0\0\0", 9);
    assert_bytes(room, alog_mp_f64(room, (double)INFINITY), "\xcb\x7f\xf0\0\0\0\0\0\0", 9);
}

static void heads_take_the_shortest_form(void **state) {
    (void)state;
    static const struct {
        uint8_t *(*put)(uint8_t *at, uint32_t count);
        uint32_t count;
        const char *bytes;
        size_t len;
    } rows[] = {
#define HEAD(put, count, bytes) {put, count, bytes, sizeof bytes - 1}
        HEAD(alog_mp_str_head, 0, "\xa0"),
        HEAD(alog_mp_str_head, 31, "\xbf"),
        HEAD(alog_mp_str_head, 32, "\xd9\x20"),
        HEAD(alog_mp_str_head, 255, "\xd9\xff"),
        HEAD(alog_mp_str_head, 256, "\xda\x01\x00"),
        HEAD(alog_mp_str_head, 65535, "\xda\xff\xff"),
        HEAD(alog_mp_str_head, 65536, "\xdb\x00\x01\x00\x00"),
        HEAD(alog_mp_str_head, UINT32_MAX, "\xdb\xff\xff\xff\xff"),
        HEAD(alog_mp_array_head, 0, "\x90"),
        HEAD(alog_mp_array_head, 15, "\x9f"),
        HEAD(alog_mp_array_head, 16, "\xdc\x00\x10"),
        HEAD(alog_mp_array_head, 65535, "\xdc\xff\xff"),
        HEAD(alog_mp_array_head, 65536, "\xdd\x00\x01\x00\x00"),
        HEAD(alog_mp_map_head, 0, "\x80"),
        HEAD(alog_mp_map_head, 15, "\x8f"),
        HEAD(alog_mp_map_head, 16, "\xde\x00\x10"),
        HEAD(alog_mp_map_head, 65535, "\xde\xff\xff"),
        HEAD(alog_mp_map_head, 65536, "\xdf\x00\x01\x00\x00"),
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t room[8];
        assert_bytes(room, rows[i].put(room, rows[i].count), rows[i].bytes, rows[i].len);
    }
}

static void extensions_have_their_bytes(void **state) {
    (void)state;
    uint8_t room[70000];
    char text[66000] = {0};
    assert_bytes(room, alog_mp_ext(room, 1, "{}", 2), "\xc7\x02\x01{}", 5);
    assert_bytes(room, alog_mp_ext(room, 1, "", 0), "\xc7\x00\x01", 3);
    (void)alog_mp_ext(room, 1, text, 256);
    assert_memory_equal(room, "\xc8\x01\x00\x01", 4);
    (void)alog_mp_ext(room, 1, text, 65536);
    assert_memory_equal(room, "\xc9\x00\x01\x00\x00\x01", 6);
}

/* Forms that we never write are read all the same. */
static void foreign_forms_are_read(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        enum alog_mp_type type;
        int64_t number; /* the integer, or the length */
    } rows[] = {
#define FORM(bytes, type, number) {bytes, sizeof bytes - 1, type, number}
        FORM("\xcc\x05", ALOG_MP_INT, 5),
        FORM("\xcd\x00\x05", ALOG_MP_INT, 5),
        FORM("\xce\x00\x00\x00\x05", ALOG_MP_INT, 5),
        FORM("\xcf\x00\x00\x00\x00\x00\x00\x00\x05", ALOG_MP_INT, 5),
        FORM("\xd0\x05", ALOG_MP_INT, 5),
        FORM("\xd0\xff", ALOG_MP_INT, -1),
        FORM("\xd1\xff\xff", ALOG_MP_INT, -1),
        FORM("\xd2\xff\xff\xff\xff", ALOG_MP_INT, -1),
        FORM("\xd3\xff\xff\xff\xff\xff\xff\xff\xff", ALOG_MP_INT, -1),
        FORM("\xd9\x01z", ALOG_MP_STR, 1),
        FORM("\xda\x00\x01z", ALOG_MP_STR, 1),
        FORM("\xdb\x00\x00\x00\x01z", ALOG_MP_STR, 1),
        FORM("\xc4\x01z", ALOG_MP_BIN, 1),
        FORM("\xc5\x00\x01z", ALOG_MP_BIN, 1),
        FORM("\xc6\x00\x00\x00\x01z", ALOG_MP_BIN, 1),
        FORM("\xd4\x05z", ALOG_MP_EXT, 1),
        FORM("\xd5\x05zz", ALOG_MP_EXT, 2),
        FORM("\xd6\x05zzzz", ALOG_MP_EXT, 4),
        FORM("\xd7\x05zzzzzzzz", ALOG_MP_EXT, 8),
        FORM("\xd8\x05zzzzzzzzzzzzzzzz", ALOG_MP_EXT, 16),
        FORM("\xc8\x00\x01\x05z", ALOG_MP_EXT, 1),
        FORM("\xc9\x00\x00\x00\x01\x05z", ALOG_MP_EXT, 1),
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const uint8_t *bytes = (const uint8_t *)rows[i].bytes;
        struct alog_mp_cursor in = {.at = bytes, .end = bytes + rows[i].len};
        struct alog_mp_token token;
        assert_true(alog_mp_next(&in, &token));
        assert_int_equal(token.type, rows[i].type);
        assert_true((token.type == ALOG_MP_INT ? token.i64 : (int64_t)token.len) == rows[i].number);
        if (token.type == ALOG_MP_EXT) {
            assert_int_equal(token.ext_type, 5);
        }
        assert_ptr_equal(in.at, in.end);
        assert_false(alog_mp_next(&in, &token));
        assert_false(in.failed);

        /* Cut anywhere, it is a fault, and the next call fails as well. */
        for (size_t len = 1; len < rows[i].len; len++) {
            in = (struct alog_mp_cursor){.at = bytes, .end = bytes + len};
            assert_false(alog_mp_next(&in, &token));
            assert_true(in.failed);
            assert_false(alog_mp_next(&in, &token));
        }
    }
}

static void float32_is_widened(void **state) {
    (void)state;
    static const uint8_t bytes[] = {0xca, 0x3f, 0xc0, 0x00, 0x00};
    struct alog_mp_cursor in = {.at = bytes, .end = bytes + sizeof bytes};
    struct alog_mp_token token;
    assert_true(alog_mp_next(&in, &token));
    assert_int_equal(token.type, ALOG_MP_F64);
    assert_true(token.f64 == 1.5);
}

static void faults_are_found(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
#define BYTES(bytes) {bytes, sizeof bytes - 1}
        BYTES("\xc1"),                 /* reserved */
        BYTES("\xa2z"),                /* a string longer than what is left */
        BYTES("\xdb\xff\xff\xff\xff"), /* likewise, by 4 GiB */
        BYTES("\x92\xc0"),             /* more elements than bytes */
        BYTES("\xdd\xff\xff\xff\xff"), /* likewise */
        BYTES("\x82\xc0\xc0\xc0"),     /* two pairs take four bytes at least */
        BYTES("\xdf\x80\x00\x00\x00"), /* twice this count is no 32-bit number */
        BYTES("\xc9\x00\x00\x00\x00"), /* no extension type */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        /* On the heap, and exactly as long, so that the address sanitizer sees any byte too many.
         */
        uint8_t *copy = malloc(rows[i].len);
        assert_non_null(copy);
        memcpy(copy, rows[i].bytes, rows[i].len);
        struct alog_mp_cursor in = {.at = copy, .end = copy + rows[i].len};
        struct alog_mp_token token;
        assert_false(alog_mp_next(&in, &token));
        assert_true(in.failed);
        free(copy);
    }
}

static void skip_passes_over_whole_values(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        unsigned depth; /* the least that it needs */
    } rows[] = {
#define NESTED(depth, bytes) {bytes, sizeof bytes - 1, depth}
        NESTED(0, "\x05"),
        NESTED(0, "\xa3zzz"),
        NESTED(1, "\x90"),
        NESTED(1, "\x80"),
        NESTED(1, "\x93\x01\xc0\xa1z"),
        NESTED(2, "\x82\xa1z\x91\x01\xa1y\x80"),
        NESTED(5, "\x91\x91\x91\x91\x90"),
        NESTED(3, "\x92\x90\x92\x01\x91\x01"),
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const uint8_t *bytes = (const uint8_t *)rows[i].bytes;
        struct alog_mp_cursor in = {.at = bytes, .end = bytes + rows[i].len};
        assert_true(alog_mp_skip(&in, rows[i].depth));
        assert_ptr_equal(in.at, in.end);
        if (rows[i].depth > 0) {
            in = (struct alog_mp_cursor){.at = bytes, .end = bytes + rows[i].len};
            assert_false(alog_mp_skip(&in, rows[i].depth - 1));
            assert_true(in.failed);
        }
        for (size_t len = 1; len < rows[i].len; len++) {
            in = (struct alog_mp_cursor){.at = bytes, .end = bytes + len};
            assert_false(alog_mp_skip(&in, 64));
            assert_true(in.failed);
        }
    }
    struct alog_mp_cursor empty = {.at = (const uint8_t *)"", .end = (const uint8_t *)""};
    assert_false(alog_mp_skip(&empty, 1));
    assert_false(empty.failed);
}

static void skip_has_a_limit_of_its_own(void **state) {
    (void)state;
    uint8_t bytes[10000];
    memset(bytes, 0x91, sizeof bytes);
    bytes[sizeof bytes - 1] = 0xc0;
    struct alog_mp_cursor in = {.at = bytes, .end = bytes + sizeof bytes};
    assert_false(alog_mp_skip(&in, UINT32_MAX));
    assert_true(in.failed);
}

/* What our encoder writes, msgpack-c reads as the same values. */
static void another_library_reads_it(void **state) {
    (void)state;
    uint8_t room[512];
    uint8_t *at = alog_mp_array_head(room, 9);
    at = alog_mp_nil(at);
    at = alog_mp_bool(at, true);
    at = alog_mp_int(at, -70000);
    at = alog_mp_uint(at, UINT64_MAX);
    at = alog_mp_f64(at, 0.1);
    at = alog_mp_str(at, "text\0with a NUL", 15);
    at = alog_mp_ext(at, ALOG_MP_EXT_JSON, "[1]", 3);
    at = alog_mp_map_head(at, 1);
    at = alog_mp_str(at, "key", 3);
    at = alog_mp_int(at, 300);
    at = alog_mp_array_head(at, 0);

    msgpack_unpacked result;
    msgpack_unpacked_init(&result);
    size_t offset = 0;
    assert_int_equal(msgpack_unpack_next(&result, (const char *)room, (size_t)(at - room), &offset),
                     MSGPACK_UNPACK_SUCCESS);
    assert_int_equal(offset, at - room);
    assert_int_equal(result.data.type, MSGPACK_OBJECT_ARRAY);
    assert_int_equal(result.data.via.array.size, 9);
    const msgpack_object *items = result.data.via.array.ptr;
    assert_int_equal(items[0].type, MSGPACK_OBJECT_NIL);
    assert_int_equal(items[1].type, MSGPACK_OBJECT_BOOLEAN);
    assert_true(items[1].via.boolean);
    assert_int_equal(items[2].type, MSGPACK_OBJECT_NEGATIVE_INTEGER);
    assert_int_equal(items[2].via.i64, -70000);
    assert_true(items[3].via.u64 == UINT64_MAX);
    assert_true(items[4].via.f64 == 0.1);
    assert_int_equal(items[5].via.str.size, 15);
    assert_memory_equal(items[5].via.str.ptr, "text\0with a NUL", 15);
    assert_int_equal(items[6].via.ext.type, ALOG_MP_EXT_JSON);
    assert_int_equal(items[6].via.ext.size, 3);
    assert_int_equal(items[7].via.map.ptr[0].val.via.u64, 300);
    assert_int_equal(items[8].via.array.size, 0);
    msgpack_unpacked_destroy(&result);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_take_the_shortest_form),
        cmocka_unit_test(integers_above_the_signed_range_are_unsigned),
        cmocka_unit_test(scalars_have_their_bytes),
        cmocka_unit_test(heads_take_the_shortest_form),
        cmocka_unit_test(extensions_have_their_bytes),
        cmocka_unit_test(foreign_forms_are_read),
        cmocka_unit_test(float32_is_widened),
        cmocka_unit_test(faults_are_found),
        cmocka_unit_test(skip_passes_over_whole_values),
        cmocka_unit_test(skip_has_a_limit_of_its_own),
        cmocka_unit_test(another_library_reads_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
