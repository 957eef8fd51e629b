/* The Wilson interval against published values, its symmetry and its bounds. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aggregator/wilson.h"

/*
 * To four places: R. G. Newcombe, "Two-sided confidence intervals for the single proportion:
 * comparison of seven methods", Statistics in Medicine 17 (1998), 857-872, table I, method 3.
 */
static void test_published_values(void **state) {
    (void)state;
    static const struct {
        int64_t successes, count;
        double low, high;
    } cases[] = {
        {81, 263, 0.2553, 0.3662},
        {15, 148, 0.0624, 0.1605},
        {0, 20, 0.0000, 0.1611},
        {1, 29, 0.0061, 0.1718},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        double low = -1;
        double high = -1;
        assert_true(alog_wilson(cases[i].successes, cases[i].count, &low, &high));
        assert_true(fabs(low - cases[i].low) < 0.00005);
        assert_true(fabs(high - cases[i].high) < 0.00005);
    }
}

static void test_none(void **state) {
    (void)state;
    double low = -1;
    double high = -1;
    assert_false(alog_wilson(0, 0, &low, &high));
    assert_false(alog_wilson(-1, 5, &low, &high));
    assert_false(alog_wilson(6, 5, &low, &high));
    assert_false(alog_wilson(0, -5, &low, &high));
    assert_true(low == -1 && high == -1);
}

/* Successes and failures are mirror images, the rate lies within, and 0 and 1 are met exactly. */
static void test_shape(void **state) {
    (void)state;
    for (int64_t n = 1; n <= 60; n++) {
        for (int64_t k = 0; k <= n; k++) {
            double low, high, mirror_low, mirror_high;
            assert_true(alog_wilson(k, n, &low, &high));
            assert_true(alog_wilson(n - k, n, &mirror_low, &mirror_high));
            assert_true(fabs(low - (1 - mirror_high)) < 1e-12);
            double p = (double)k / (double)n;
            assert_true(0 <= low && low <= p && p <= high && high <= 1);
            assert_true((low == 0) == (k == 0) && (high == 1) == (k == n));
        }
    }
    double low, high;
    assert_true(alog_wilson(INT64_MAX / 2, INT64_MAX, &low, &high));
    assert_true(low > 0.499999 && high < 0.500001);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_values),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
