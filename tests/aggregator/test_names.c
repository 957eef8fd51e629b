/* Names keep their number, one by one and looked up together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aggregator/names.h"

#define TEXTS 1000u

/* "", "name 1", …: every length up to 40 bytes. */
struct texts {
    char bytes[TEXTS][64];
    struct alog_string strings[TEXTS];
    uint32_t ids[TEXTS];
};

static struct texts *new_texts(void) {
    struct texts *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    for (uint32_t i = 1; i < TEXTS; i++) {
        int len = snprintf(t->bytes[i], sizeof(t->bytes[i]), "%*u", (int)(4 + i % 37), i);
        t->strings[i] = (struct alog_string){t->bytes[i], (size_t)len};
    }
    t->strings[0] = (struct alog_string){"", 0};
    return t;
}

static void check_found(const struct alog_names *names, struct texts *t, uint32_t known) {
    const uint32_t counts[] = {0, 1, 31, 32, 33, TEXTS};
    for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        memset(t->ids, 0xa5, sizeof(t->ids));
        alog_names_find_all(names, t->strings, counts[c], t->ids);
        for (uint32_t i = 0; i < counts[c]; i++) {
            assert_int_equal(t->ids[i], i < known ? i : ALOG_NAME_NONE);
            assert_int_equal(t->ids[i], alog_names_find(names, t->strings[i]));
        }
        assert_true(counts[c] == TEXTS || t->ids[counts[c]] == UINT32_C(0xa5a5a5a5));
    }
}

static void test_found_together(void **state) {
    (void)state;
    struct texts *t = new_texts();
    struct alog_names names = {0};
    check_found(&names, t, 0);
    for (uint32_t i = 0; i < TEXTS; i++) {
        assert_int_equal(alog_names_add(&names, t->strings[i]), i);
        if (i % 100 == 50) {
            check_found(&names, t, i + 1);
        }
    }
    check_found(&names, t, TEXTS);
    alog_names_free(&names);
    free(t);
}

static void test_ranks(void **state) {
    (void)state;
    static const struct alog_string strings[] = {{"b", 1}, {"ab", 2}, {"\xff", 1}, {"a", 1}};
    static const uint32_t expected[] = {0, 3, 2, 4, 1}; /* of the empty one first */
    struct alog_names names = {0};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(alog_names_add(&names, strings[i]), i + 1);
    }
    uint32_t *ranks;
    assert_int_equal(alog_names_rank(&names, &ranks), ALOG_OK);
    assert_memory_equal(ranks, expected, sizeof(expected));
    free(ranks);
    alog_names_free(&names);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_together),
        cmocka_unit_test(test_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
