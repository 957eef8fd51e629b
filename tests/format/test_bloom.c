/* bloom.c: what was added is found, other ids mostly are not, and the bits are those of the format.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "format/block.h"

static uint64_t hash_of(unsigned number) {
    char id[32];
    const int len = snprintf(id, sizeof id, "job-%u", number);
    return alog_bloom_hash((struct alog_string){id, (size_t)len});
}

static void sizes_grow_by_powers_of_two(void **state) {
    (void)state;
    static const struct {
        uint32_t jobs, bytes;
    } rows[] = {{0, 8},     {1, 8},         {6, 8},           {7, 16},
                {100, 128}, {13107, 16384}, {1000000, 16384}, {UINT32_MAX, 16384}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(alog_bloom_bytes(rows[i].jobs), rows[i].bytes);
    }
}

static void members_are_found_and_others_mostly_not(void **state) {
    (void)state;
    static const uint32_t job_counts[] = {1, 10, 100, 1000, 10000};
    for (size_t i = 0; i < sizeof job_counts / sizeof job_counts[0]; i++) {
        const uint32_t jobs = job_counts[i];
        const uint32_t bytes = alog_bloom_bytes(jobs);
        uint8_t bloom[ALOG_BLOOM_MAX_BYTES] = {0};
        for (unsigned j = 0; j < jobs; j++) {
            alog_bloom_add(bloom, bytes, hash_of(j));
        }
        unsigned false_positives = 0;
        for (unsigned j = 0; j < jobs; j++) {
            assert_true(alog_bloom_maybe(bloom, bytes, hash_of(j)));
        }
        for (unsigned j = 0; j < 10000; j++) {
            false_positives += alog_bloom_maybe(bloom, bytes, hash_of(1000000 + j));
        }
        /* In theory 0.8 % when it is filled to 10 bits a job, its worst. */
        assert_true(false_positives < 200);
    }
}

/* Two implementations of the format must set the same bits. */
static void bits_are_pinned(void **state) {
    (void)state;
    uint8_t bloom[16] = {0};
    /* low = 5, high = 8, so that the step is 9: bits 5, 14, 23, 32, 41, 50, 59. */
    alog_bloom_add(bloom, sizeof bloom, UINT64_C(8) << 32 | 5);
    static const uint8_t golden[16] = {0x20, 0x40, 0x80, 0x00, 0x01, 0x02, 0x04, 0x08};
    assert_memory_equal(bloom, golden, sizeof golden);
    assert_true(alog_bloom_hash(ALOG_STR("job-1")) == UINT64_C(0x2e0b2cbdf4a8b6cc));
}

static void odd_filters_exclude_nothing(void **state) {
    (void)state;
    static const uint8_t zeros[32] = {0};
    assert_true(alog_bloom_maybe(NULL, 0, 1));
    assert_true(alog_bloom_maybe(zeros, 12, 1));
    assert_true(alog_bloom_maybe(zeros, 1u << 31, 1));
    assert_false(alog_bloom_maybe(zeros, 32, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_grow_by_powers_of_two),
        cmocka_unit_test(members_are_found_and_others_mostly_not),
        cmocka_unit_test(bits_are_pinned),
        cmocka_unit_test(odd_filters_exclude_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
