/* Messages are folded to patterns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "aggregator/message_pattern.h"
#include "support/random_event.h"

static void expect(const char *message, const char *expected) {
    char room[ALOG_PATTERN_BYTES];
    struct alog_string pattern = alog_message_pattern(alog_str(message), room);
    if (!alog_string_equal(pattern, alog_str(expected))) {
        fail_msg("'%s' gives '%.*s', not '%s'", message, (int)pattern.len, pattern.data, expected);
    }
}

static void test_patterns(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {" \n\t", ""},
        {"nothing to fold", "nothing to fold"},
        /* numbers */
        {"line 12: cannot resolve name 'symbol_7'", "line <n>: cannot resolve name 'symbol_<n>'"},
        {"timed out after 12.5 s (3/10)", "timed out after <n> s (<n>/<n>)"},
        {"took 12ms, -3 left", "took <n>ms, -<n> left"},
        {"version 1.2.3", "version <n>.<n>"},
        {"1234567890123", "<n>"},
        {"E501 line too long (120 > 100)", "E501 line too long (<n> > <n>)"},
        {"python3 and utf8 but job12345", "python3 and utf8 but job<n>"},
        {"test_case_0042 failed", "test_case_<n> failed"},
        {"at 12:30:45", "at <n>:<n>:<n>"},
        /* paths */
        {"/usr/lib/x.py:12: no", "<path>: no"},
        {"in src/main.c:12:3.", "in <path>."},
        {"in ./a and ../b, ~/c", "in <path> and <path>, <path>"},
        {"C:\\Users\\me\\a.txt is gone", "<path> is gone"},
        {"GET https://host/a/b?x=1 failed", "GET <path>?x=<n> failed"},
        {"File \"/tmp/a b.py\", line 3", "File \"<path> b.py\", line <n>"},
        {"either/or I/O, n/a", "either/or I/O, n/a"},
        {"a/b/c and a/b.c", "<path> and <path>"},
        {"/", "/"},
        {"main.py is no path", "main.py is no path"},
        /* ids */
        {"request 3f2504e0-4f89-11d3-9a0c-0305e82c3301 failed", "request <id> failed"},
        {"commit 7866b172 not found", "commit <id> not found"},
        {"object at 0x7f3a2c", "object at <id>"},
        {"session req8f3a9c21x closed", "session <id> closed"},
        {"deadbeef is a word, facade too", "deadbeef is a word, facade too"},
        {"0x is nothing", "<n>x is nothing"},
        /* space */
        {"  two\t\x01lines \r\nof which one counts", "two lines"},
        {"\n\nthe first line", "the first line"},
        {"gr\xc3\xbc\xc3\x9f"
         "e 5",
         "gr\xc3\xbc\xc3\x9f"
         "e <n>"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect(cases[i][0], cases[i][1]);
    }
}

static void test_absent(void **state) {
    (void)state;
    char room[ALOG_PATTERN_BYTES];
    assert_int_equal(alog_message_pattern((struct alog_string){NULL, 0}, room).len, 0);
}

static void test_cut_between_characters(void **state) {
    (void)state;
    char message[400], room[ALOG_PATTERN_BYTES];
    for (size_t lead = 150; lead < 170; lead++) {
        memset(message, 'x', lead);
        snprintf(message + lead, sizeof(message) - lead,
                 "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac");
        struct alog_string pattern = alog_message_pattern(alog_str(message), room);
        assert_in_range(pattern.len, ALOG_PATTERN_BYTES - 4, ALOG_PATTERN_BYTES);
        size_t tail = pattern.len > lead ? pattern.len - lead : 0;
        assert_int_equal(tail % 3, 0);
    }
}

/* A pattern is a pattern of itself, but for the <n> that a cut has split; and any bytes will do. */
static void test_any_bytes(void **state) {
    (void)state;
    static const char alphabet[] = "ab1209/\\.:-_~ \t\n'<\xc3\xa9\xff\x7f";
    struct test_random random = {test_random_seed(3)};
    char message[3000], room[ALOG_PATTERN_BYTES];
    for (int round = 0; round < 20000; round++) {
        size_t len = test_random_below(&random, round % 50 == 0 ? sizeof(message) : 60);
        for (size_t i = 0; i < len; i++) {
            message[i] = alphabet[test_random_below(&random, sizeof(alphabet) - 1)];
        }
        char *copy = test_malloc(len + 1);
        memcpy(copy, message, len);
        struct alog_string pattern = alog_message_pattern((struct alog_string){copy, len}, room);
        assert_true(pattern.len <= ALOG_PATTERN_BYTES);
        for (size_t i = 0; i < pattern.len; i++) {
            assert_false((unsigned char)pattern.data[i] < ' ' || pattern.data[i] == 0x7f);
        }
        test_free(copy);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_cut_between_characters),
        cmocka_unit_test(test_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
