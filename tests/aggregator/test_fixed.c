/* Doubles to decimal units: against a table, and against Python's decimal module. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "aggregator/fixed.h"
#include "support/random_event.h"

#define REFUSED INT64_MIN

static void table(void **state) {
    (void)state;
    static const struct {
        double value;
        unsigned digits;
        int64_t units;
    } cases[] = {
        {0, 9, 0},
        {-0.0, 9, 0},
        {0.1, 9, 100000000},
        {0.3, 3, 300},
        {0.0001107, 9, 110700},
        /* ties go to the even neighbour */
        {5e-10, 9, 0},
        {1.5e-9, 9, 2},
        {2.5e-9, 9, 2},
        {0.0000000035, 9, 4},
        {0.0005, 3, 0},
        {0.0015, 3, 2},
        {0.0025, 3, 2},
        {1.0005, 3, 1000},
        {1.0015, 3, 1002},
        {2.0015, 3, 2002},
        {1234.5675, 3, 1234568},
        {1234.5665, 3, 1234566},
        {4503599627370.4985, 3, 4503599627370498},
        /* next to a tie */
        {4.999999999999999e-10, 9, 0},
        {5.000000000000001e-10, 9, 1},
        {1.0004999999999997, 3, 1000},
        {1.0005000000000002, 3, 1001},
        {0.5, 6, 500000},
        {0.0000005, 6, 0},
        {0.9999995, 6, 1000000},
        {0.9999985, 6, 999998},
        {-1.5e-9, 9, -2},
        {-0.0025, 3, -2},
        /* small and large */
        {1e-300, 9, 0},
        {4.9e-324, 9, 0},
        {9007199.25474099, 9, INT64_C(9007199254740990)},
        {9007199.254740993, 9, REFUSED},
        {9007199254740.992, 3, INT64_C(9007199254740992)},
        {9007199254740.994, 3, REFUSED},
        {9e15, 3, REFUSED},
        {9e9, 9, REFUSED},
        {1e300, 9, REFUSED},
        {-1e300, 9, REFUSED},
        {HUGE_VAL, 3, REFUSED},
        {-HUGE_VAL, 3, REFUSED},
        {NAN, 3, REFUSED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t units = REFUSED;
        bool taken = alog_fixed_from_double(cases[i].value, cases[i].digits, &units);
        if (units != cases[i].units || taken != (cases[i].units != REFUSED)) {
            fail_msg("%.17g with %u digits: %lld, expected %lld", cases[i].value, cases[i].digits,
                     (long long)units, (long long)cases[i].units);
        }
    }
}

static void divide(void **state) {
    (void)state;
    static const int64_t cases[][3] = {
        {0, 1000, 0},     {499, 1000, 0},  {500, 1000, 0},    {501, 1000, 1},
        {1500, 1000, 2},  {2500, 1000, 2}, {-1500, 1000, -2}, {-500, 1000, 0},
        {-501, 1000, -1}, {7, 2, 4},       {5, 2, 2},         {1000000000000, 1000, 1000000000}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(alog_fixed_divide(cases[i][0], cases[i][1]), cases[i][2]);
    }
}

/* Prices, durations, shares, ties on purpose, and any double at all. */
static double random_value(struct test_random *random, unsigned *ret_digits) {
    static const unsigned digits[] = {3, 6, 9};
    unsigned d = digits[test_random_below(random, 3)];
    *ret_digits = d;
    double scale = pow(10, d);
    switch (test_random_below(random, 5)) {
    case 0:
        return (double)test_random_below(random, 100000000) / 1e7;
    case 1:
        return (double)test_random_below(random, UINT32_MAX) / 1000;
    case 2:
        return ((double)test_random_below(random, 1000000) + 0.5) / scale;
    case 3: {
        double tie = ((double)test_random_below(random, UINT32_MAX) + 0.5) / scale;
        return nextafter(tie, test_random_below(random, 2) ? 0 : HUGE_VAL);
    }
    default: {
        uint64_t bits = test_random_next(random) >> 1;
        double value;
        memcpy(&value, &bits, sizeof(value));
        return value;
    }
    }
}

static const char oracle[] =
    "import sys, decimal\n"
    "decimal.getcontext().prec = 2000\n"
    "for line in sys.stdin:\n"
    "    x, digits, units = line.split()\n"
    "    d = decimal.Decimal(repr(float.fromhex(x)))\n"
    "    e = 'no'\n"
    "    if d.is_finite():\n"
    "        e = int((d * 10 ** int(digits)).to_integral_value(rounding=decimal.ROUND_HALF_EVEN))\n"
    "        e = str(e) if e <= 2 ** 53 else 'no'\n"
    "    if e != units:\n"
    "        sys.exit(f'{float.fromhex(x)!r} with {digits} digits: {units}, expected {e}')\n";

static void as_python_does(void **state) {
    (void)state;
    if (system("python3 -c 'import decimal' 2>/dev/null") != 0) {
        print_message("[  SKIPPED ] no python3 to compare with\n");
        skip();
    }
    char name[] = "/tmp/agentlog-fixed-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    FILE *script = fdopen(fd, "w");
    assert_non_null(script);
    fputs(oracle, script);
    fclose(script);
    char command[64];
    snprintf(command, sizeof(command), "python3 %s", name);
    FILE *python = popen(command, "w");
    assert_non_null(python);
    struct test_random random = {test_random_seed(20260204)};
    for (int i = 0; i < 40000; i++) {
        unsigned digits;
        int64_t units;
        double value = random_value(&random, &digits);
        if (alog_fixed_from_double(value, digits, &units)) {
            fprintf(python, "%a %u %lld\n", value, digits, (long long)units);
        } else {
            fprintf(python, "%a %u no\n", value, digits);
        }
    }
    assert_int_equal(pclose(python), 0);
    remove(name);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(table), cmocka_unit_test(divide),
                                       cmocka_unit_test(as_python_does)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
