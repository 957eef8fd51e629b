/* What an arena gives is aligned and stays; what it gives back to a reserve the next one gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aggregator/arena.h"

#define PIECE_BYTES (64u << 10)
#define PIECES      200u /* 12 MiB: mostly large chunks, which alone go to a reserve */

/* How many of the pieces had been written in before: what the kernel gives anew is zero. */
static unsigned fill(struct alog_arena *arena) {
    uint8_t *pieces[PIECES];
    unsigned used = 0;
    for (unsigned i = 0; i < PIECES; i++) {
        const size_t align = (size_t)1 << i % 5;
        pieces[i] = alog_arena_take(arena, PIECE_BYTES, align);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % align, 0);
        used += pieces[i][PIECE_BYTES / 2] != 0;
        memset(pieces[i], (int)(i + 1), PIECE_BYTES);
    }
    for (unsigned i = 0; i < PIECES; i++) {
        assert_int_equal(pieces[i][0], (uint8_t)(i + 1));
        assert_int_equal(pieces[i][PIECE_BYTES - 1], (uint8_t)(i + 1));
    }
    return used;
}

static void a_reserve_is_taken_from(void **state) {
    (void)state;
    struct alog_arena_reserve *reserve = alog_arena_reserve_new();
    assert_non_null(reserve);
    struct alog_arena one = {.reserve = reserve}, two = {.reserve = reserve};
    fill(&one);
    assert_true(fill(&two) < PIECES / 2);
    alog_arena_free(&one);
    assert_null(one.chunks);
    /* Only now is there something in it. */
    struct alog_arena three = {.reserve = reserve};
    assert_true(fill(&three) > PIECES / 2);
    /* Its reserve goes with what is joined, so that it is freed where it came from. */
    struct alog_arena joined = {0};
    alog_arena_join(&joined, &two);
    alog_arena_join(&joined, &three);
    assert_null(three.chunks);
    assert_ptr_equal(joined.reserve, reserve);
    alog_arena_free(&joined);
    alog_arena_reserve_free(reserve);
}

static void there_need_not_be_one(void **state) {
    (void)state;
    struct alog_arena arena = {0};
    fill(&arena);
    alog_arena_free(&arena);
    assert_true(fill(&arena) < PIECES / 2);
    alog_arena_free(&arena);
    assert_null(arena.chunks);
    alog_arena_reserve_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_reserve_is_taken_from),
                                       cmocka_unit_test(there_need_not_be_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
