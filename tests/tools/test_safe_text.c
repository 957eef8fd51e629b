/* What a terminal would obey is made visible. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "safe_text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static const struct {
    const char *data;
    size_t len;
    const char *safe;
    size_t width;
} texts[] = {
    {"", 0, "", 0},
    {"plain", 5, "plain", 5},
    {"gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f", 4},
    {"\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80", 1},
    {"\x1b[31m", 5, "\\x1b[31m", 8},
    {"a\0b", 3, "a\\x00b", 6},
    {"a\nb\t", 4, "a\\x0ab\\x09", 10},
    {"\x7f", 1, "\\x7f", 4},
    {"\xc2\x9b"
     "31m",
     5, "\\u009b31m", 9},
    {"\xc2\xa0", 2, "\xc2\xa0", 1},
    {"\xe2\x80\xae", 3, "\\u202e", 6}, /* turns the text around */
    {"\xe2\x81\xa6", 3, "\\u2066", 6},
    {"\xff", 1, "\\xff", 4},
    {"\x80", 1, "\\x80", 4},
    {"\xc3", 1, "\\xc3", 4},                             /* cut short */
    {"\xc0\xaf", 2, "\\xc0\\xaf", 8},                    /* overlong */
    {"\xed\xa0\x80", 3, "\\xed\\xa0\\x80", 12},          /* a surrogate */
    {"\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80", 16}, /* beyond Unicode */
};

static void test_safe(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        char out[64];
        const struct alog_string text = {texts[i].data, texts[i].len};
        assert_true(SAFE_TEXT_BYTES(text.len) <= sizeof out);
        const size_t len = safe_text(text, out, SAFE_TEXT_BYTES(text.len));
        assert_string_equal(out, texts[i].safe);
        assert_int_equal(len, strlen(out));
        assert_int_equal(safe_width(out), texts[i].width);
    }
}

static void test_lines_stay(void **state) {
    (void)state;
    char out[32];
    safe_lines(ALOG_STR("a\nb\rc"), out, sizeof out);
    assert_string_equal(out, "a\nb\\x0dc");
}

/* A cut never leaves half a character or half an escape, and never writes past the room. */
static void test_cut(void **state) {
    (void)state;
    const struct alog_string text = ALOG_STR("a\x1b\xc3\xbcz");
    static const char *const cut[] = {
        "", "", "a", "a", "a", "a", "a\\x1b", "a\\x1b", "a\\x1b\xc3\xbc", "a\\x1b\xc3\xbcz"};
    for (size_t room = 1; room < COUNT_OF(cut); room++) {
        char out[16];
        memset(out, '#', sizeof out);
        safe_text(text, out, room);
        assert_string_equal(out, cut[room]);
        assert_int_equal(out[room], '#');
    }
}

static void test_valid_utf8(void **state) {
    (void)state;
    size_t len = 0;
    char *valid = valid_utf8((struct alog_string){"a\xff\xc3\xbc\0\xe2\x82", 7}, &len);
    assert_non_null(valid);
    assert_int_equal(len, 13);
    assert_memory_equal(valid, "a\xef\xbf\xbd\xc3\xbc\0\xef\xbf\xbd\xef\xbf\xbd", 14);
    free(valid);
}

static void test_json(void **state) {
    (void)state;
    static const struct {
        const char *json, *safe;
    } cases[] = {
        {"{\"a\":1}\n", "{\"a\":1}\n"},
        {"[\"\x7f\xc2\x9b"
         "2J\"]",
         "[\"\\u007f\\u009b2J\"]"},
        {"\"\xe2\x80\xae\xe2\x81\xa9\"", "\"\\u202e\\u2069\""},
        {"\"\xc3\xa9\xf0\x9f\x98\x80\"", "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {"\"\x9b\xff\"", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char safe[128];
        const struct alog_string json = alog_str(cases[i].json);
        const size_t len = safe_json(json, safe, sizeof safe);
        assert_int_equal(len, strlen(cases[i].safe));
        assert_memory_equal(safe, cases[i].safe, len);
        assert_true(safe_json_needed(json.data, json.len) ||
                    strcmp(cases[i].json, cases[i].safe) == 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safe),       cmocka_unit_test(test_json),
        cmocka_unit_test(test_lines_stay), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_valid_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
