/* Times as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "time_window.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))
#define S               INT64_C(1000000000)
#define NOW             (INT64_C(1770206400) * S + 5) /* 2026-02-04T12:00:00.000000005Z */

static void test_times_taken(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } times[] = {
        {"now", NOW},
        {"0s", NOW},
        {"90s", NOW - 90 * S},
        {"15m", NOW - 900 * S},
        {"24h", NOW - 86400 * S},
        {"7d", NOW - 7 * 86400 * S},
        {"2w", NOW - 14 * 86400 * S},
        {"100000w", 0}, /* before 1970 is 1970 */
        {"99999999999999999999d", 0},
        {"1970-01-01", 0},
        {"2026-02-04", INT64_C(1770163200) * S},
        {"2026-02-04T12:00", INT64_C(1770206400) * S},
        {"2026-02-04 12:00", INT64_C(1770206400) * S},
        {"2026-02-04T12:00Z", INT64_C(1770206400) * S},
        {"2026-02-04T12:00:30", INT64_C(1770206430) * S},
        {"2026-02-04T12:00:30.25", INT64_C(1770206430) * S + S / 4},
        {"2026-02-04T12:00:30.000000001Z", INT64_C(1770206430) * S + 1},
        {"2026-02-04T20:00+08:00", INT64_C(1770206400) * S},
        {"2026-02-04T20:00:30+08:00", INT64_C(1770206430) * S},
        {"2026-02-04T07:00-05:00", INT64_C(1770206400) * S},
    };
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        int64_t ns = -1;
        if (time_window_parse(times[i].text, NOW, &ns, NULL) != ALOG_OK || ns != times[i].ns) {
            fail_msg("%s: %lld", times[i].text, (long long)ns);
        }
    }
}

static void test_times_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "7",
        "d",
        "7x",
        "7dd",
        "7 d",
        "-7d",
        "+7d",
        " 7d",
        "1.5h",
        "yesterday",
        "2026",
        "2026-02",
        "2026-02-30",
        "2026-13-01",
        "2026-2-4",
        "1969-12-31",
        "2026-02-04X12:00",
        "2026-02-04T12",
        "2026-02-04T25:00",
        "2026-02-04T12:00.5",
        "2026-02-04T12:00:00 UTC",
        "2026-02-04T12:00:00+8",
        "2026-02-04T12:00:00ZZ",
        ("2026-02-04T12:00:00.0000000000000000000000000000000000000Z"
         "00000000000000000")};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        int64_t ns = -1;
        struct alog_error error = {.message = ""};
        if (time_window_parse(texts[i], NOW, &ns, &error) != ALOG_INVALID || ns != -1 ||
            strstr(error.message, "is not a time") == NULL) {
            fail_msg("%s: %lld", texts[i], (long long)ns);
        }
    }
}

static void test_local_times(void **state) {
    (void)state;
    static const char *const local[] = {"2026-02-04", "2026-02-04T12:00", "2026-02-04 12:00:30.5"};
    static const char *const absolute[] = {"7d", "now", "2026-02-04T12:00Z",
                                           "2026-02-04T12:00:00+08:00", "2026-02-04T12:00-03:00"};
    for (size_t i = 0; i < sizeof local / sizeof *local; i++) {
        assert_true(time_window_is_local(local[i]));
    }
    for (size_t i = 0; i < sizeof absolute / sizeof *absolute; i++) {
        assert_false(time_window_is_local(absolute[i]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_taken),
        cmocka_unit_test(test_local_times),
        cmocka_unit_test(test_times_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
