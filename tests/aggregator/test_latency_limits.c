/* The latency thresholds of a database: given, written, read. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "aggregator/latency_limits.h"

static void test_given(void **state) {
    (void)state;
    struct alog_latency_limits limits, again;
    char text[ALOG_LATENCY_LIMITS_BYTES];
    static const double ms[] = {5000, 0.5, 1200.0005};
    assert_int_equal(alog_latency_limits_from_ms(ms, 3, &limits, NULL), ALOG_OK);
    alog_latency_limits_write(&limits, text);
    assert_string_equal(text, "500,1200000,5000000"); /* a tie goes to even */
    assert_int_equal(alog_latency_limits_read(text, &again), ALOG_OK);
    assert_true(alog_latency_limits_equal(&limits, &again));
    again.us[1]++;
    assert_false(alog_latency_limits_equal(&limits, &again));
    alog_latency_limits_default(&limits);
    assert_int_equal(limits.count, ALOG_LATENCY_BANDS);
    for (uint32_t i = 1; i < limits.count; i++) {
        assert_true(limits.us[i] > limits.us[i - 1]);
    }
    assert_int_equal(alog_latency_limits_from_ms(ms, 0, &limits, NULL), ALOG_OK);
    assert_int_equal(limits.count, 0);
}

static void test_refused(void **state) {
    (void)state;
    struct alog_latency_limits limits;
    static const double bad[][2] = {{0, 1}, {-1, 1}, {NAN, 1}, {INFINITY, 1}, {2, 2}, {1e17, 1}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(alog_latency_limits_from_ms(bad[i], 2, &limits, NULL), ALOG_INVALID);
    }
    static const double nine[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    assert_int_equal(alog_latency_limits_from_ms(nine, 9, &limits, NULL), ALOG_INVALID);
    static const char *const texts[] = {"1,1", "2,1", "0", "-1", "x", "1;2", "1,2,3,4,5,6,7,8,9"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(alog_latency_limits_read(texts[i], &limits), ALOG_CORRUPT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_given),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
