/* Latency sketches: bucket bounds, error, merging, bytes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "aggregator/sketch.h"
#include "support/random_event.h"

static void buckets_are_where_they_should_be(void **state) {
    (void)state;
    assert_int_equal(alog_sketch_bucket(1), 0);
    assert_int_equal(alog_sketch_bucket(2), 32);
    assert_int_equal(alog_sketch_bucket(3), 51); /* 2^(50/32) < 3 <= 2^(51/32) */
    assert_int_equal(alog_sketch_bucket(4), 64);
    assert_int_equal(alog_sketch_bucket(5), 75);
    assert_int_equal(alog_sketch_bucket(INT64_MAX), ALOG_SKETCH_BUCKETS - 1);
    for (unsigned e = 0; e < 63; e++) {
        uint64_t power = UINT64_C(1) << e;
        assert_int_equal(alog_sketch_bucket(power), 32 * e);
        if (e > 5) { /* before, a bucket is narrower than a microsecond */
            assert_int_equal(alog_sketch_bucket(power + 1), 32 * e + 1);
            assert_true(alog_sketch_bucket(power - 1) <= 32 * e);
        }
    }
    /* The last value of each bucket and the first of the next, by a wider float. */
    for (unsigned b = 1; b < 32 * 50; b++) {
        uint64_t last = (uint64_t)floorl(exp2l((long double)b / 32));
        assert_true(alog_sketch_bucket(last) <= b);
        assert_true(alog_sketch_bucket(last + 1) > b);
    }
}

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double unit(struct test_random *random) {
    return (double)(test_random_next(random) >> 11) * 0x1p-53;
}

static int64_t uniform(struct test_random *random) {
    return (int64_t)test_random_below(random, 1000000);
}

static int64_t lognormal(struct test_random *random) {
    double gauss = sqrt(-2 * log(unit(random) + 0x1p-54)) * cos(6.283185307179586 * unit(random));
    return (int64_t)(900000 * exp(0.8 * gauss));
}

static int64_t bimodal(struct test_random *random) {
    return test_random_below(random, 2) ? 40 + (int64_t)test_random_below(random, 20)
                                        : 30000000 + (int64_t)test_random_below(random, 5000000);
}

static int64_t constant(struct test_random *random) {
    (void)random;
    return 1234567;
}

static int64_t wide(struct test_random *random) {
    return (int64_t)(test_random_next(random) >> (1 + test_random_below(random, 63)));
}

static int64_t on_bounds(struct test_random *random) {
    int64_t bound = (int64_t)exp2(test_random_below(random, 1500) / 32.0);
    return bound + (int64_t)test_random_below(random, 3) - 1;
}

static int64_t powers(struct test_random *random) {
    return (INT64_C(1) << test_random_below(random, 62)) + (int64_t)test_random_below(random, 3) -
           1;
}

static int64_t tiny(struct test_random *random) {
    return test_random_below(random, 3) == 0 ? (int64_t)test_random_below(random, 4) : 0;
}

static int64_t huge(struct test_random *random) {
    return INT64_MAX - (int64_t)test_random_below(random, 1u << 31);
}

static void error_is_bounded(void **state) {
    (void)state;
    int64_t (*const makers[])(struct test_random *) = {
        uniform, lognormal, bimodal, constant, wide, on_bounds, powers, tiny, huge};
    static const size_t counts[] = {1, 2, 3, 10, 1000, 20000};
    int64_t *values = malloc(20000 * sizeof(*values));
    struct test_random random = {test_random_seed(1)};
    for (size_t m = 0; m < sizeof(makers) / sizeof(makers[0]); m++) {
        for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
            struct alog_sketch sketch = {0};
            for (size_t i = 0; i < counts[c]; i++) {
                values[i] = makers[m](&random);
                assert_int_equal(alog_sketch_add(&sketch, values[i], NULL), ALOG_OK);
            }
            qsort(values, counts[c], sizeof(*values), by_value);
            for (int thousandth = 0; thousandth <= 1000; thousandth++) {
                const double quantile = thousandth / 1000.0;
                double rank = ceil(quantile * (double)counts[c]);
                double exact = (double)values[rank < 1 ? 0 : (size_t)rank - 1], estimate = -1;
                assert_true(alog_sketch_quantile_us(&sketch, quantile, &estimate));
                if (fabs(estimate - exact) > 0.011 * exact) {
                    fail_msg("maker %zu, %zu values, q %g: %g, exactly %g", m, counts[c], quantile,
                             estimate, exact);
                }
            }
            alog_sketch_free(&sketch);
        }
    }
    free(values);
}

static void no_data_has_no_quantile(void **state) {
    (void)state;
    struct alog_sketch sketch = {0};
    double us = 7;
    assert_false(alog_sketch_quantile_us(&sketch, 0.5, &us));
    assert_int_equal(alog_sketch_add(&sketch, 0, NULL), ALOG_OK);
    assert_false(alog_sketch_quantile_us(&sketch, 1.1, &us));
    assert_false(alog_sketch_quantile_us(&sketch, NAN, &us));
    assert_true(us == 7);
    assert_true(alog_sketch_quantile_us(&sketch, 0.5, &us));
    assert_true(us == 0);
    alog_sketch_free(&sketch);
}

#define PARTS 8

static size_t encode(const struct alog_sketch *sketch, uint8_t bytes[32768]) {
    assert_true(alog_sketch_encoded_bound(sketch) <= 32768);
    return alog_sketch_encode(sketch, bytes);
}

static void merging_forgets_the_order(void **state) {
    (void)state;
    struct test_random random = {test_random_seed(2)};
    uint8_t expected[32768], bytes[32768];
    for (int round = 0; round < 50; round++) {
        struct alog_sketch parts[PARTS] = {{0}}, whole = {0};
        for (int i = 0; i < 400; i++) {
            int64_t value = test_random_below(&random, 10) ? lognormal(&random) : wide(&random);
            value = test_random_below(&random, 20) ? value : 0;
            assert_int_equal(
                alog_sketch_add(&parts[test_random_below(&random, PARTS)], value, NULL), ALOG_OK);
            assert_int_equal(alog_sketch_add(&whole, value, NULL), ALOG_OK);
        }
        size_t len = encode(&whole, expected);
        /* One half as sketches, the other as bytes, from a random start. */
        struct alog_sketch merged = {0};
        uint32_t start = test_random_below(&random, PARTS);
        for (uint32_t i = 0; i < PARTS; i++) {
            struct alog_sketch *part = &parts[(start + i * 3) % PARTS];
            if (i % 2 == 0) {
                assert_int_equal(alog_sketch_merge(&merged, part, NULL), ALOG_OK);
            } else {
                size_t part_len = encode(part, bytes);
                assert_int_equal(alog_sketch_merge_bytes(&merged, bytes, part_len, NULL), ALOG_OK);
            }
        }
        assert_int_equal(alog_sketch_count(&merged), 400);
        assert_int_equal(encode(&merged, bytes), len);
        assert_memory_equal(bytes, expected, len);
        for (int i = 0; i < PARTS; i++) {
            alog_sketch_free(&parts[i]);
        }
        alog_sketch_free(&whole);
        alog_sketch_free(&merged);
    }
}

/* into = a + b, which stay as they are. */
static void add_up(struct alog_sketch *into, const struct alog_sketch *a,
                   const struct alog_sketch *b) {
    assert_int_equal(alog_sketch_merge(into, a, NULL), ALOG_OK);
    assert_int_equal(alog_sketch_merge(into, b, NULL), ALOG_OK);
}

static void merging_is_associative_and_commutative(void **state) {
    (void)state;
    int64_t (*const makers[])(struct test_random *) = {lognormal, wide, powers, tiny, huge};
    struct test_random random = {test_random_seed(3)};
    uint8_t expected[32768], bytes[32768];
    for (int round = 0; round < 200; round++) {
        struct alog_sketch part[3] = {{0}};
        for (int i = 0; i < 3; i++) {
            int64_t (*const maker)(struct test_random *) = makers[test_random_below(&random, 5)];
            /* Empty ones too, and counts beyond 16 bits. */
            for (uint32_t n = test_random_below(&random, 60); n > 0; n--) {
                const int64_t value = maker(&random);
                if (value > 0 && test_random_below(&random, 8) == 0) {
                    assert_int_equal(alog_sketch_add_at(&part[i],
                                                        alog_sketch_bucket((uint64_t)value),
                                                        test_random_below(&random, 200000), NULL),
                                     ALOG_OK);
                } else {
                    assert_int_equal(alog_sketch_add(&part[i], value, NULL), ALOG_OK);
                }
            }
        }
        size_t len = 0;
        static const int orders[][3] = {{0, 1, 2}, {1, 2, 0}, {2, 0, 1}, {1, 0, 2}};
        for (size_t order = 0; order < 4; order++) {
            const struct alog_sketch *a = &part[orders[order][0]], *b = &part[orders[order][1]];
            const struct alog_sketch *c = &part[orders[order][2]];
            struct alog_sketch pair = {0}, left = {0}, other = {0}, right = {0};
            add_up(&pair, a, b);
            add_up(&left, &pair, c);
            add_up(&other, b, c);
            add_up(&right, a, &other);
            if (order == 0) {
                len = encode(&left, expected);
            }
            assert_int_equal(encode(&left, bytes), len);
            assert_memory_equal(bytes, expected, len);
            assert_int_equal(encode(&right, bytes), len);
            assert_memory_equal(bytes, expected, len);
            struct alog_sketch back = {0};
            assert_int_equal(alog_sketch_merge_bytes(&back, bytes, len, NULL), ALOG_OK);
            assert_int_equal(encode(&back, bytes), len);
            assert_memory_equal(bytes, expected, len);
            alog_sketch_free(&pair);
            alog_sketch_free(&left);
            alog_sketch_free(&other);
            alog_sketch_free(&right);
            alog_sketch_free(&back);
        }
        for (int i = 0; i < 3; i++) {
            alog_sketch_free(&part[i]);
        }
    }
}

static void bytes_are_as_documented(void **state) {
    (void)state;
    struct alog_sketch sketch = {0};
    uint8_t bytes[32768];
    assert_int_equal(encode(&sketch, bytes), 0);
    static const int64_t values[] = {0, 1, 1, 2, 1000000, 1000000};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        assert_int_equal(alog_sketch_add(&sketch, values[i], NULL), ALOG_OK);
    }
    /* 1,000,000 is in bucket 638 = 32 + 606; varint 606 = 0xde 0x04 */
    static const uint8_t expected[] = {1, 1, 0, 2, 32, 1, 0xde, 0x04, 2};
    assert_int_equal(encode(&sketch, bytes), sizeof(expected));
    assert_memory_equal(bytes, expected, sizeof(expected));
    alog_sketch_free(&sketch);
}

static void bad_bytes_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        enum alog_status status;
    } cases[] = {
        {"\0", 1, ALOG_CORRUPT},
        {"\1", 1, ALOG_CORRUPT},
        {"\2\1", 2, ALOG_UNSUPPORTED},
        {"\1\0", 2, ALOG_CORRUPT},             /* empty, but not by no bytes */
        {"\1\1\5", 3, ALOG_CORRUPT},           /* a bucket without a count */
        {"\1\1\5\0", 4, ALOG_CORRUPT},         /* a count of none */
        {"\1\1\5\1\0\1", 6, ALOG_CORRUPT},     /* the same bucket twice */
        {"\1\x81\0", 3, ALOG_CORRUPT},         /* a longer varint than needed */
        {"\1\1\5\x81\0", 5, ALOG_CORRUPT},     /* the same for a count */
        {"\1\1\5\x81\0\1\1", 7, ALOG_CORRUPT}, /* … with more behind it */
        {"\1\1\5\x81\1\1\1", 7, ALOG_OK},
        {"\1\1\5\x81\x80\1", 6, ALOG_OK},
        {"\1\1\5\x81\x80", 5, ALOG_CORRUPT},
        {"\1\0\xe1\x0f\1", 5, ALOG_CORRUPT},                              /* bucket 2017 */
        {"\1\0\xe0\x0f\1\1\1", 7, ALOG_CORRUPT},                          /* 2016, then 2017 */
        {"\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11, ALOG_CORRUPT}, /* above 64 bits */
        {"\1\xff", 2, ALOG_CORRUPT},
        {"\1\0\xe0\x0f\1", 5, ALOG_OK},
        {"\1\1", 2, ALOG_OK},
        {"", 0, ALOG_OK},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct alog_sketch sketch = {0};
        if (alog_sketch_merge_bytes(&sketch, cases[i].bytes, cases[i].len, NULL) !=
            cases[i].status) {
            fail_msg("case %zu", i);
        }
        assert_true(cases[i].status == ALOG_OK || alog_sketch_count(&sketch) == 0);
        alog_sketch_free(&sketch);
    }
}

static void counts_do_not_wrap(void **state) {
    (void)state;
    static const char most[] = "\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                               "\5\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    struct alog_sketch sketch = {0};
    assert_int_equal(alog_sketch_merge_bytes(&sketch, most, sizeof(most) - 1, NULL), ALOG_OK);
    assert_int_equal(alog_sketch_merge_bytes(&sketch, most, sizeof(most) - 1, NULL), ALOG_LIMIT);
    alog_sketch_free(&sketch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_are_where_they_should_be),
        cmocka_unit_test(error_is_bounded),
        cmocka_unit_test(no_data_has_no_quantile),
        cmocka_unit_test(merging_forgets_the_order),
        cmocka_unit_test(merging_is_associative_and_commutative),
        cmocka_unit_test(bytes_are_as_documented),
        cmocka_unit_test(bad_bytes_are_refused),
        cmocka_unit_test(counts_do_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
