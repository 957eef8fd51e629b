/* Times as other programs write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "import/import_time.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))
#define S               INT64_C(1000000000)
#define NOON            (INT64_C(1770206400) * S) /* 2026-02-04T12:00:00Z */

static void test_texts_taken(void **state) {
    (void)state;
    static const struct {
        const char *text, *zone;
        int64_t ns;
        bool zone_used;
    } times[] = {
        {"2026-02-04 12:00:00", "utc", NOON, true},
        {"2026-02-04T12:00:00", "utc", NOON, true},
        {"2026-02-04 12:00", "utc", NOON, true},
        {"2026-02-04", "utc", NOON - 43200 * S, true},
        {"2026-02-04 12:00:00,5", "utc", NOON + S / 2, true},
        {"2026-02-04 12:00:00.123456", "+02:00", NOON - 7200 * S + 123456000, true},
        {"2026-02-04 12:00:00", "-0530", NOON + 19800 * S, true},
        {"2026-02-04 12:00:00Z", "+02:00", NOON, false},
        {"2026-02-04 12:00:00+00", "+02:00", NOON, false},
        {"2026-02-04 14:00:00 +0200", "utc", NOON, false},
        {"2026-02-04 12:00:00 UTC", "+02:00", NOON, false},
        {"1770206400", "+02:00", NOON, false},
        {"1770206400.25", "utc", NOON + S / 4, false},
        {"1770206400123", "utc", NOON + 123000000, false},
        {"0", "utc", 0, false},
        {"9223372036854775807", "utc", INT64_MAX, false},
    };
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        struct import_zone zone;
        struct alog_error error;
        int64_t ns = -1;
        bool used = false;
        assert_true(import_zone_parse(times[i].zone, &zone));
        assert_int_equal(import_time_parse(alog_str(times[i].text), &zone, &ns, &used, &error),
                         ALOG_OK);
        assert_int_equal(ns, times[i].ns);
        assert_int_equal(used, times[i].zone_used);
    }
}

static void test_texts_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "now",
        "2026-02-30",
        "2026-13-01 00:00:00",
        "12:00",
        "1969-01-01",
        "2026-02-04x",
        "2026-02-04 25:00:00",
        "-1",
        "1e400",
        "nan",
        "inf",
        "0x10",
        "2026-02-04 12:00:00 CET",
        "2026-02-04 12:00:00+2",
        "2262-04-12",
        "99999999999999999999",
        "1970-01-01T00:30:00+01:00",
        "2026-02-04 12:00:00.123456789012345678901234567890123456789012345678901234567890"};
    const struct import_zone utc = {false, 0};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct alog_error error = {.message = ""};
        int64_t ns = -1;
        bool used = false;
        if (import_time_parse(alog_str(texts[i]), &utc, &ns, &used, &error) != ALOG_INVALID) {
            fail_msg("\"%s\" was taken", texts[i]);
        }
        assert_true(error.message[0] != '\0');
        assert_int_equal(ns, -1);
    }
}

/* Where clocks are set: a time that was shown twice is the earlier, one that never was is near. */
static void test_daylight_saving(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t s;
    } times[] = {{"2026-03-29 01:59:59", 1774745999}, {"2026-03-29 03:00:00", 1774746000},
                 {"2026-03-29 02:30:00", 1774747800}, {"2026-10-25 01:59:59", 1792886399},
                 {"2026-10-25 02:30:00", 1792888200}, {"2026-10-25 03:00:00", 1792893600}};
    const struct import_zone local = {true, 0};
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        struct alog_error error;
        int64_t ns = -1;
        bool used = false;
        assert_int_equal(import_time_parse(alog_str(times[i].text), &local, &ns, &used, &error),
                         ALOG_OK);
        assert_int_equal(ns / S, times[i].s);
    }
}

static void test_zones_refused(void **state) {
    (void)state;
    static const char *const zones[] = {"",       "Berlin", "+",    "+2",
                                        "+24:00", "+02:60", "+02:", "02:00"};
    struct import_zone zone;
    for (size_t i = 0; i < COUNT_OF(zones); i++) {
        assert_false(import_zone_parse(zones[i], &zone));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_taken), cmocka_unit_test(test_texts_refused),
        cmocka_unit_test(test_daylight_saving), cmocka_unit_test(test_zones_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
