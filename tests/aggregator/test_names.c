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

/* Names that begin alike for longer or shorter, that end in one another, that hold NUL: in the
 * order of their texts. */
static void test_ranks_of_alike_names(void **state) {
    (void)state;
    struct alog_names names = {0};
    uint32_t seed = 1;
    for (unsigned i = 0; i < 4000; i++) {
        char text[64];
        seed = seed * 1664525u + 1013904223u;
        size_t len = 1 + (seed >> 8) % 40;
        for (size_t at = 0; at < len; at++) {
            seed = seed * 1664525u + 1013904223u;
            text[at] = (seed >> 24) % 16 != 0 ? 'x' : "\0y\xff"[(seed >> 16) % 3];
        }
        assert_int_not_equal(alog_names_add(&names, (struct alog_string){text, len}),
                             ALOG_NAME_NONE);
    }
    uint32_t *ranks;
    uint32_t *order = calloc(names.count, sizeof(*order));
    assert_non_null(order);
    assert_int_equal(alog_names_rank(&names, &ranks), ALOG_OK);
    assert_true(names.count > 1000);
    for (uint32_t id = 0; id < names.count; id++) {
        assert_true(ranks[id] < names.count);
        order[ranks[id]] = id;
    }
    for (uint32_t i = 1; i < names.count; i++) {
        assert_true(alog_string_compare(names.texts[order[i - 1]], names.texts[order[i]]) < 0);
    }
    free(order);
    free(ranks);
    alog_names_free(&names);
}

/* With ids of their own, and once. */
static void test_from_other_names(void **state) {
    (void)state;
    struct texts *t = new_texts();
    struct alog_names from = {0}, names = {0};
    for (uint32_t i = 0; i < TEXTS; i++) {
        alog_names_add(&from, t->strings[i]);
    }
    for (uint32_t i = TEXTS; i-- > 1;) {
        assert_int_equal(alog_names_add_from(&names, &from, i), TEXTS - i);
    }
    for (uint32_t i = 1; i < TEXTS; i++) {
        assert_int_equal(alog_names_add_from(&names, &from, i), TEXTS - i);
        assert_int_equal(alog_names_find(&names, t->strings[i]), TEXTS - i);
    }
    assert_int_equal(alog_names_add_from(&names, &from, 0), ALOG_NAME_EMPTY);
    assert_int_equal(names.count, TEXTS);
    alog_names_free(&from);
    alog_names_free(&names);
    free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_together),
        cmocka_unit_test(test_ranks),
        cmocka_unit_test(test_ranks_of_alike_names),
        cmocka_unit_test(test_from_other_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
