/* job_json.c: numbers and strings are written as JSON has them, and read back. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "aggregator/job_json.h"

static void expect_number(int64_t number) {
    char expected[32], text[ALOG_JSON_NUMBER_BYTES];
    int len = snprintf(expected, sizeof(expected), "%" PRId64, number);
    char *end = alog_json_put_number(text, number);
    assert_int_equal(end - text, len);
    assert_memory_equal(text, expected, (size_t)len);
    struct alog_json_reader in = {text, end, {NULL, 0, 0}};
    int64_t back;
    assert_true(alog_json_take_number(&in, &back));
    assert_true(back == number && in.at == end);
}

static void numbers_of_any_length(void **state) {
    (void)state;
    for (int64_t number = 0; number < 100000; number++) {
        expect_number(number);
    }
    for (int64_t power = 1;; power *= 10) {
        for (int64_t factor = 1; factor < 10 && power <= INT64_MAX / factor; factor++) {
            for (int64_t more = -3; more <= 3 && power * factor <= INT64_MAX - 3; more++) {
                expect_number(power * factor + more);
                expect_number(-(power * factor + more));
            }
        }
        expect_number(power + power / 9);
        if (power > INT64_MAX / 10) {
            break;
        }
    }
    expect_number(INT64_MAX);
    expect_number(-INT64_MAX);
}

static void no_numbers(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        "-",
                                        "+1",
                                        " 1",
                                        "x",
                                        "9223372036854775808",
                                        "-9223372036854775808",
                                        "99999999999999999999"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct alog_json_reader in = {texts[i], texts[i] + strlen(texts[i]), {NULL, 0, 0}};
        int64_t number;
        assert_false(alog_json_take_number(&in, &number));
    }
}

static void check_string(struct alog_string string, const char *expected) {
    char *text = malloc(alog_json_string_room(string));
    char *end = alog_json_put_string(text, string);
    assert_true((size_t)(end - text) < alog_json_string_room(string));
    if (expected) {
        assert_int_equal(end - text, strlen(expected));
        assert_memory_equal(text, expected, strlen(expected));
    }
    struct alog_json_reader in = {text, end, {NULL, 0, 0}};
    struct alog_string back;
    assert_int_equal(alog_json_take_string(&in, &back), ALOG_OK);
    assert_true(in.at == end && alog_string_equal(back, string));
    alog_buffer_free(&in.string);
    free(text);
}

static void strings(void **state) {
    (void)state;
    check_string(ALOG_STR(""), "\"\"");
    check_string(ALOG_STR("plain \x7f \xff text"), "\"plain \x7f \xff text\"");
    check_string(ALOG_STR("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
    check_string((struct alog_string){"\0\n\x1f", 3}, "\"\\u0000\\u000a\\u001f\"");
    /* Any byte at any place of a string of any length: each is written and read alone. */
    for (size_t len = 1; len <= 20; len++) {
        for (size_t at = 0; at < len; at++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                char bytes[20];
                memset(bytes, 'x', sizeof(bytes));
                bytes[at] = (char)byte;
                check_string((struct alog_string){bytes, len}, NULL);
            }
        }
    }
}

/* Only those three kinds of bytes are escaped. */
static void nothing_else_is_escaped(void **state) {
    (void)state;
    for (unsigned byte = 0x20; byte < 256; byte++) {
        char bytes[9], text[64];
        memset(bytes, (int)byte, sizeof(bytes));
        char *end = alog_json_put_string(text, (struct alog_string){bytes, sizeof(bytes)});
        bool escaped = byte == '"' || byte == '\\';
        assert_int_equal(end - text, escaped ? 20 : 11);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_any_length),
        cmocka_unit_test(no_numbers),
        cmocka_unit_test(strings),
        cmocka_unit_test(nothing_else_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
