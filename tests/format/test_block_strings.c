/* block_strings.c: each string once, in its order; full tables; taking back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "format/block_strings.h"
#include "support/random_event.h"

static int make_strings(void **state) {
    struct alog_block_strings *strings = calloc(1, sizeof *strings);
    if (strings == NULL) {
        return -1;
    }
    alog_block_strings_reset(strings);
    *state = strings;
    return 0;
}

static int free_strings(void **state) {
    alog_block_strings_free(*state);
    free(*state);
    return 0;
}

/* Looks it up in memory of exactly that length; UINT32_MAX = the table is full. */
static uint32_t look(struct alog_block_strings *strings, const char *text, size_t len) {
    uint8_t *copy = malloc(len != 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    const struct alog_string_cache_slot *slot =
        alog_block_strings_look(strings, copy, (uint32_t)len);
    const uint32_t index = slot != NULL ? slot->index : UINT32_MAX;
    if (slot != NULL) {
        uint8_t code[ALOG_MP_MAX_INT];
        const size_t bytes = (size_t)(alog_mp_uint(code, index) - code);
        assert_int_equal(slot->code[3], bytes);
        assert_memory_equal(slot->code, code, bytes);
    }
    free(copy);
    return index;
}

static uint32_t look_number(struct alog_block_strings *strings, unsigned number) {
    char text[32];
    const int len = snprintf(text, sizeof text, "%u", number);
    return look(strings, text, (size_t)len);
}

/* All prefixes of one text differ in length alone, or in bytes that the cache's key leaves out. */
static void strings_of_every_length_are_told_apart(void **state) {
    struct alog_block_strings *strings = *state;
    enum { LENGTHS = 300 };
    char text[UINT16_MAX + 1]; /* the compiler warns of less: it follows each form of a length */
    memset(text, 'x', sizeof text);
    for (int round = 0; round < 2; round++) {
        for (uint32_t len = 0; len < LENGTHS; len++) {
            assert_int_equal(look(strings, text, len), len);
        }
    }
    assert_int_equal(strings->count, LENGTHS);
}

static void one_byte_makes_a_difference(void **state) {
    struct alog_block_strings *strings = *state;
    char text[40];
    for (uint32_t len = 1; len <= sizeof text; len++) {
        alog_block_strings_reset(strings);
        memset(text, 'x', sizeof text);
        assert_int_equal(look(strings, text, len), 0);
        for (uint32_t at = 0; at < len; at++) {
            text[at] = '\0';
            assert_int_equal(look(strings, text, len), at + 1);
            assert_int_equal(look(strings, text, len), at + 1);
            text[at] = 'x';
            assert_int_equal(look(strings, text, len), 0);
        }
    }
}

/* More strings with the same first 8 bytes than the cache has slots: some share one, and only the
 * last bytes differ. */
static void strings_that_share_a_slot_are_told_apart(void **state) {
    struct alog_block_strings *strings = *state;
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 10000; i++) {
            char text[32];
            snprintf(text, sizeof text, "same-head-%06u", i);
            assert_int_equal(look(strings, text, 16), i);
        }
    }
}

static void the_text_is_a_msgpack_array_body(void **state) {
    struct alog_block_strings *strings = *state;
    (void)look(strings, "", 0);
    (void)look(strings, "job", 3);
    (void)look(strings, "job", 3);
    (void)look(strings, "n\0l", 3);
    assert_int_equal(strings->count, 3);
    assert_int_equal(strings->text_bytes, 9);
    assert_memory_equal(strings->text, "\xa0\xa3job\xa3n\0l", 9);
}

static void a_reset_table_is_empty(void **state) {
    struct alog_block_strings *strings = *state;
    assert_int_equal(look(strings, "a", 1), 0);
    assert_int_equal(look(strings, "b", 1), 1);
    alog_block_strings_reset(strings);
    assert_int_equal(strings->count, 0);
    assert_int_equal(strings->text_bytes, 0);
    assert_int_equal(look(strings, "b", 1), 0);
    assert_int_equal(look(strings, "a", 1), 1);
    /* The epoch comes round, and nothing of its first time is mistaken for new. */
    strings->epoch = UINT32_MAX;
    alog_block_strings_reset(strings);
    assert_int_equal(strings->epoch, 1);
    assert_int_equal(look(strings, "a", 1), 0);
}

static void there_are_at_most_so_many(void **state) {
    struct alog_block_strings *strings = *state;
    for (unsigned i = 0; i < ALOG_BLOCK_MAX_STRINGS; i++) {
        assert_int_equal(look_number(strings, i), i);
    }
    assert_int_equal(look_number(strings, ALOG_BLOCK_MAX_STRINGS), UINT32_MAX);
    for (unsigned i = 0; i < ALOG_BLOCK_MAX_STRINGS; i += 97) {
        assert_int_equal(look_number(strings, i), i);
    }
    assert_int_equal(look_number(strings, ALOG_BLOCK_MAX_STRINGS), UINT32_MAX);
    assert_int_equal(strings->count, ALOG_BLOCK_MAX_STRINGS);
}

static void there_is_at_most_so_much_text(void **state) {
    struct alog_block_strings *strings = *state;
    char *text = calloc(1, ALOG_BLOCK_MAX_STRING_TEXT);
    assert_non_null(text);
    assert_int_equal(look(strings, text, ALOG_BLOCK_MAX_STRING_TEXT), UINT32_MAX);
    assert_int_equal(look(strings, text, ALOG_BLOCK_MAX_STRING_TEXT - 5), 0);
    assert_int_equal(look(strings, text, 1), UINT32_MAX);
    assert_int_equal(look(strings, text, ALOG_BLOCK_MAX_STRING_TEXT - 5), 0);
    free(text);
}

static void what_was_added_can_be_taken_back(void **state) {
    struct alog_block_strings *strings = *state;
    for (unsigned i = 0; i < 2000; i++) {
        (void)look_number(strings, i);
    }
    const size_t text_bytes = strings->text_bytes;
    for (unsigned i = 5000; i < 8000; i++) {
        (void)look_number(strings, i);
    }
    alog_block_strings_rollback(strings, 2000, text_bytes);
    assert_int_equal(strings->count, 2000);
    assert_int_equal(strings->text_bytes, text_bytes);
    assert_int_equal(look_number(strings, 7000), 2000);
    for (unsigned i = 0; i < 2000; i++) {
        assert_int_equal(look_number(strings, i), i);
    }
    alog_block_strings_rollback(strings, 0, 0);
    assert_int_equal(look_number(strings, 1), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_strings, free_strings)
        TEST(strings_of_every_length_are_told_apart),
        TEST(one_byte_makes_a_difference),
        TEST(strings_that_share_a_slot_are_told_apart),
        TEST(the_text_is_a_msgpack_array_body),
        TEST(a_reset_table_is_empty),
        TEST(there_are_at_most_so_many),
        TEST(there_is_at_most_so_much_text),
        TEST(what_was_added_can_be_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
