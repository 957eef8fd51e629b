/* time_text.c: RFC 3339 both ways, against a table and against a slow calendar of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "support/random_event.h"
#include <agentlog/ndjson.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define S               INT64_C(1000000000)

static void times_are_formatted(void **state) {
    (void)state;
    static const struct {
        int64_t ns;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1, "1970-01-01T00:00:00.000000001Z"},
        {999, "1970-01-01T00:00:00.000000999Z"},
        {1000, "1970-01-01T00:00:00.000001Z"},
        {1000000, "1970-01-01T00:00:00.001Z"},
        {100000000, "1970-01-01T00:00:00.100Z"},
        {S - 1, "1970-01-01T00:00:00.999999999Z"},
        {86399 * S, "1970-01-01T23:59:59Z"},
        {86400 * S, "1970-01-02T00:00:00Z"},
        {951782400 * S, "2000-02-29T00:00:00Z"},
        {951868800 * S, "2000-03-01T00:00:00Z"},
        {1709164800 * S, "2024-02-29T00:00:00Z"},
        {1770206400 * S + 123000000, "2026-02-04T12:00:00.123Z"},
        {INT64_C(4107542400) * S, "2100-03-01T00:00:00Z"},
        {INT64_C(4107542400) * S - 1, "2100-02-28T23:59:59.999999999Z"},
        {INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
        {-1, "1969-12-31T23:59:59.999999999Z"},
        {-86400 * S, "1969-12-31T00:00:00Z"},
        {INT64_MIN, "1677-09-21T00:12:43.145224192Z"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[ALOG_TIME_BYTES];
        alog_time_format(rows[i].ns, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void times_are_parsed(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01 00:00:01Z", S},
        {"1970-01-01T00:00:00.5Z", S / 2},
        {"1970-01-01T00:00:00.000000001Z", 1},
        {"1970-01-01T00:00:00.0000000019Z", 1},
        {"1970-01-01T00:00:00.123456789123456789123456789Z", 123456789},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1969-12-31T23:00:00-01:00", 0},
        {"1970-01-01T23:59:00+23:59", 0},
        {"1969-12-31T00:01:00-23:59", 0},
        {"2026-02-04T12:00:00+05:30", (INT64_C(1770206400) - 19800) * S},
        {"2026-02-04T12:00:00-00:00", INT64_C(1770206400) * S},
        {"2000-02-29T00:00:00Z", 951782400 * S},
        {"2024-02-29T23:59:59Z", 1709251199 * S},
        {"2016-12-31T23:59:60Z", 1483228800 * S},
        {"2017-01-01T00:59:60+01:00", 1483228800 * S},
        {"2262-04-11T23:47:16.854775807Z", INT64_MAX},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t ns = -1;
        assert_int_equal(alog_time_parse(alog_str(rows[i].text), &ns, NULL), ALOG_OK);
        assert_true(ns == rows[i].ns);
    }
}

static void bad_times_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t offset; /* where the fault is, -1 = any */
    } rows[] = {
        {"", 0},
        {"2026", -1},
        {"2026-02-04", 10},
        {"2026-02-04T12:00Z", -1},
        {"2026-02-04T12:00:00", 19},
        {"2026-02-04T12:00:00Zx", 20},
        {"2026-02-04T12:00:00 Z", 19},
        {" 2026-02-04T12:00:00Z", 0},
        {"26-02-04T12:00:00Z", -1},
        {"12026-02-04T12:00:00Z", 4},
        {"2026-2-04T12:00:00Z", -1},
        {"2026/02/04T12:00:00Z", 4},
        {"2026-00-04T12:00:00Z", -1},
        {"2026-13-04T12:00:00Z", -1},
        {"2026-02-00T12:00:00Z", -1},
        {"2026-02-29T12:00:00Z", -1},
        {"2100-02-29T12:00:00Z", -1},
        {"2024-02-30T12:00:00Z", -1},
        {"2026-04-31T12:00:00Z", -1},
        {"2026-02-04X12:00:00Z", 10},
        {"2026-02-04T24:00:00Z", -1},
        {"2026-02-04T12:60:00Z", -1},
        {"2026-02-04T12:00:61Z", -1},
        {"2026-02-04T12:00:60Z", -1},
        {"2026-02-04T23:59:60+01:00", -1},
        {"2026-02-04T12:00:00.Z", 20},
        {"2026-02-04T12:00:00,5Z", 19},
        {"2026-02-04T12:00:00+0100", -1},
        {"2026-02-04T12:00:00+1", -1},
        {"2026-02-04T12:00:00+24:00", -1},
        {"2026-02-04T12:00:00+01:60", -1},
        {"2026-02-04T12:00:00+01:00Z", 25},
        {"-026-02-04T12:00:00Z", 0},
        {"+2026-02-04T12:00:00Z", 0},
        {"1969-12-31T23:59:59.999999999Z", -1},
        {"1970-01-01T00:00:00+00:01", -1},
        {"2262-04-11T23:47:16.854775808Z", -1},
        {"9999-12-31T23:59:59Z", -1},
        {"0000-01-01T00:00:00Z", -1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct alog_error error = {0};
        int64_t ns = -7;
        assert_int_equal(alog_time_parse(alog_str(rows[i].text), &ns, &error), ALOG_INVALID);
        assert_true(ns == -7);
        assert_true(strlen(error.message) > 0);
        if (rows[i].offset >= 0) {
            assert_int_equal(error.offset, rows[i].offset);
        }
    }
    int64_t ns = -7;
    assert_int_equal(alog_time_parse(alog_str(NULL), &ns, NULL), ALOG_INVALID);
    assert_int_equal(alog_time_parse(ALOG_STR("2026-02-04T12:00:00Z\0"), &ns, NULL), ALOG_INVALID);
    assert_int_equal(alog_time_parse(ALOG_STR("2026-02-04T12:00:00\0"), &ns, NULL), ALOG_INVALID);
}

/* Every day from 1970 to 2262, counted one by one. */
static void every_day_is_right(void **state) {
    (void)state;
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t day = 0;
    for (int year = 1970; year < 2262; year++) {
        for (int month = 1; month <= 12; month++) {
            const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
            const int days = month_days[month - 1] + (leap && month == 2);
            for (int date = 1; date <= days; date++, day++) {
                char expected[64], text[ALOG_TIME_BYTES];
                int64_t ns;
                snprintf(expected, sizeof expected, "%04d-%02d-%02dT00:00:00Z", year, month, date);
                alog_time_format(day * 86400 * S, text);
                assert_string_equal(text, expected);
                assert_int_equal(alog_time_parse(alog_str(text), &ns, NULL), ALOG_OK);
                assert_true(ns == day * 86400 * S);
            }
        }
    }
}

static void any_time_comes_back(void **state) {
    (void)state;
    struct test_random random = {test_random_seed(11)};
    for (int i = 0; i < 20000; i++) {
        const int64_t ns = (int64_t)(test_random_next(&random) >> 1);
        char text[ALOG_TIME_BYTES];
        int64_t back = -1;
        alog_time_format(ns, text);
        assert_int_equal(alog_time_parse(alog_str(text), &back, NULL), ALOG_OK);
        assert_true(back == ns);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_formatted),   cmocka_unit_test(times_are_parsed),
        cmocka_unit_test(bad_times_are_refused), cmocka_unit_test(every_day_is_right),
        cmocka_unit_test(any_time_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
