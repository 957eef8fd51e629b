/* Segments that follow each other, and those that do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "segment_chain.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))
#define MAX_LINKS       4
#define UNREAD          UINT64_MAX

struct brief {
    uint64_t writer, number;
    uint8_t id, predecessor;
    uint64_t before, last; /* last 0: no events, UNREAD: not read */
};

static const struct {
    const char *name;
    struct brief links[MAX_LINKS];
    const char *told;
} chains[] = {
    {"no segment", {{0, 0, 0, 0, 0, 0}}, ""},
    {"healthy", {{1, 1, 1, 0, 0, 9}, {1, 2, 2, 1, 9, 20}, {1, 3, 3, 2, 20, 30}}, ""},
    {"in any order", {{1, 3, 3, 2, 20, 30}, {1, 1, 1, 0, 0, 9}, {1, 2, 2, 1, 9, 20}}, ""},
    {"missing", {{1, 1, 1, 0, 0, 9}, {1, 3, 3, 2, 20, 30}}, "1: missing 2-2, 10-20;"},
    {"two missing", {{1, 1, 1, 0, 0, 9}, {1, 4, 4, 3, 30, 40}}, "1: missing 2-3, 10-30;"},
    {"first missing", {{1, 2, 2, 1, 9, 20}, {1, 3, 3, 2, 20, 30}}, ""},
    {"cut", {{1, 1, 1, 0, 0, 5}, {1, 2, 2, 1, 9, 20}}, "1: cut 1-1, 6-9;"},
    {"cut to nothing",
     {{1, 1, 1, 0, 0, 9}, {1, 2, 2, 1, 9, 0}, {1, 3, 3, 2, 20, 30}},
     "1: cut 2-2, 10-20;"},
    {"two writers",
     {{2, 1, 3, 0, 0, 5}, {1, 1, 1, 0, 0, 9}, {2, 3, 4, 9, 8, 10}, {1, 2, 2, 1, 9, 20}},
     "2: missing 2-2, 6-8;"},
    {"one writer after another", {{1, 1, 1, 0, 0, 9}, {2, 2, 2, 7, 3, 20}}, ""},
    {"removed without events", {{1, 1, 1, 0, 0, 9}, {1, 3, 3, 1, 9, 20}}, ""},
    {"left behind without events",
     {{1, 1, 1, 0, 0, 9}, {1, 2, 2, 1, 9, 0}, {1, 3, 3, 1, 9, 20}},
     ""},
    {"left behind, the one before it missing",
     {{1, 1, 1, 0, 0, 9}, {1, 3, 3, 2, 20, 0}, {1, 4, 4, 2, 20, 30}},
     "1: missing 2-2, 10-20;"},
    {"never any events before", {{1, 1, 1, 0, 0, 0}, {1, 2, 2, 0, 0, 9}}, ""},
    {"another file in its place",
     {{1, 1, 1, 0, 0, 9}, {1, 2, 7, 1, 9, 20}, {1, 3, 3, 2, 20, 30}},
     "1: missing 2-2, 21-20;"},
    {"given twice",
     {{1, 1, 1, 0, 0, 9}, {1, 1, 1, 0, 0, 9}, {1, 2, 2, 1, 9, 20}, {1, 2, 2, 1, 9, 20}},
     ""},
    {"a copy that is cut", {{1, 1, 1, 0, 0, 5}, {1, 1, 1, 0, 0, 9}, {1, 2, 2, 1, 9, 20}}, ""},
    {"not read", {{1, 1, 1, 0, 0, 9}, {1, 2, 0, 0, 0, UNREAD}, {1, 3, 3, 2, 20, 30}}, ""},
};

struct told {
    char text[256];
    size_t len;
};

static void note(void *context, const struct segment_break *found) {
    struct told *told = context;
    told->len += (size_t)snprintf(
        told->text + told->len, sizeof told->text - told->len, "%d: %s %d-%d, %d-%d;",
        (int)found->writer_id, found->cut ? "cut" : "missing", (int)found->first_number,
        (int)found->last_number, (int)found->first_sequence, (int)found->last_sequence);
}

static void test_chains(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(chains); i++) {
        struct segment_link links[MAX_LINKS];
        size_t count = 0;
        for (; count < MAX_LINKS && chains[i].links[count].number > 0; count++) {
            const struct brief *brief = &chains[i].links[count];
            links[count] = (struct segment_link){.writer_id = brief->writer,
                                                 .number = brief->number,
                                                 .file_id = {brief->id},
                                                 .predecessor_id = {brief->predecessor},
                                                 .predecessor_last_sequence = brief->before,
                                                 .last_sequence = brief->last,
                                                 .empty = brief->last == 0,
                                                 .unread = brief->last == UNREAD};
        }
        struct told told = {.len = 0};
        segment_chain_check(links, count, note, &told);
        if (strcmp(told.text, chains[i].told) != 0) {
            fail_msg("%s: %s", chains[i].name, told.text);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_chains)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
