/* A pattern that is remembered is the one that would be found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "aggregator/message_pattern.h"
#include "aggregator/pattern_memo.h"
#include "support/random_event.h"

/* A memo, and what was put in its places. */
struct patterns {
    struct alog_pattern_memo memo;
    char texts[ALOG_PATTERN_MEMO_SHAPES][ALOG_PATTERN_BYTES];
    size_t lens[ALOG_PATTERN_MEMO_SHAPES];
};

/* True: it was remembered, rightly. */
static bool look_up(struct patterns *p, const char *data, size_t len) {
    struct alog_string message = {data, len};
    char room[ALOG_PATTERN_BYTES];
    struct alog_string pattern = alog_message_pattern(message, room);
    struct alog_pattern_shape *shape;
    if (alog_pattern_memo_find(&p->memo, message, &shape)) {
        assert_in_range(shape->name, 0, ALOG_PATTERN_MEMO_SHAPES - 1);
        struct alog_string known = {p->texts[shape->name], p->lens[shape->name]};
        if (!alog_string_equal(known, pattern)) {
            fail_msg("'%.*s' is remembered as '%.*s'", (int)len, data, (int)known.len, known.data);
        }
        return true;
    }
    uint32_t place = shape ? (uint32_t)(shape - p->memo.shapes) : 0;
    alog_pattern_memo_put(shape, message, pattern, place);
    if (alog_pattern_memo_find(&p->memo, message, &shape)) {
        memcpy(p->texts[place], pattern.data, pattern.len);
        p->lens[place] = pattern.len;
    }
    return false;
}

static bool look_up_text(struct patterns *p, const char *text) {
    return look_up(p, text, strlen(text));
}

static struct patterns *new_patterns(void) {
    struct patterns *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    return p;
}

static void test_digits(void **state) {
    (void)state;
    struct patterns *p = new_patterns();
    assert_false(look_up_text(p, "line 12: no 'symbol_7'"));
    assert_true(look_up_text(p, "line 12: no 'symbol_7'"));
    assert_true(look_up_text(p, "line 90: no 'symbol_0'"));
    assert_false(look_up_text(p, "line 123: no 'symbol_0'"));
    assert_false(look_up_text(p, "line 12: no 'symbol_7';"));
    /* What digits they are tells these apart. */
    assert_false(look_up_text(p, "E501 line too long"));
    assert_false(look_up_text(p, "E302 line too long"));
    assert_false(look_up_text(p, "object at 9x7f3a2c"));
    assert_false(look_up_text(p, "object at 0x7f3a2c"));
    free(p);
}

static void test_lengths(void **state) {
    (void)state;
    struct patterns *p = new_patterns();
    char message[2 * ALOG_PATTERN_MEMO_BYTES];
    memset(message, 'a', sizeof(message));
    for (size_t len = 0; len < sizeof(message); len++) {
        assert_false(look_up(p, message, len));
    }
    assert_false(look_up(p, NULL, 0));
    for (size_t len = 1; len <= 8; len++) {
        memset(message, '\0', len); /* not what a shorter one is filled up with */
        assert_false(look_up(p, message, len));
        assert_true(look_up(p, message, len));
    }
    free(p);
}

/* Few shapes of messages and many digits, so that most are remembered. */
static void test_any_bytes(void **state) {
    (void)state;
    static const char alphabet[] = "aEx/.-_ :\xc3/9";
    struct test_random random = {test_random_seed(5)};
    struct patterns *p = new_patterns();
    uint32_t remembered = 0;
    char message[24];
    for (int round = 0; round < 200000; round++) {
        size_t len = 1 + test_random_below(&random, round % 8 == 0 ? sizeof(message) - 1 : 5);
        for (size_t i = 0; i < len; i++) {
            message[i] = test_random_below(&random, 2) != 0
                             ? (char)('0' + test_random_below(&random, 10))
                             : alphabet[test_random_below(&random, sizeof(alphabet) - 1)];
        }
        char *copy = test_malloc(len);
        memcpy(copy, message, len);
        remembered += look_up(p, copy, len);
        test_free(copy);
    }
    assert_true(remembered > 1000);
    free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digits),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
