/* Random events out of a seed, to find what no table of cases would: the same on every machine. */
#ifndef AGENTLOG_TESTS_RANDOM_EVENT_H
#define AGENTLOG_TESTS_RANDOM_EVENT_H

#include <agentlog/agentlog.h>

/* splitmix64, by Sebastiano Vigna. */
struct test_random {
    uint64_t state;
};
uint64_t test_random_next(struct test_random *random);

/* A number in 0 .. bound - 1. */
uint32_t test_random_below(struct test_random *random, uint32_t bound);

/* The seed for a test: ALOG_TEST_SEED if that is set, else `fallback`. It is printed, so that a
 * failure can be repeated. */
uint64_t test_random_seed(uint64_t fallback);

#define TEST_EVENT_ATTRIBUTES 6
#define TEST_EVENT_TEXT_BYTES (64u << 10)

/* An event and everything that it points to. */
struct test_event {
    struct alog_event event;
    struct alog_value values[ALOG_MAX_FIELDS];
    struct alog_attribute attributes[TEST_EVENT_ATTRIBUTES];
    char text[TEST_EVENT_TEXT_BYTES];
    size_t text_used;
};

/*
 * Make a valid event of the type: fields present or absent, names from a few or unique, texts with
 * NUL and invalid UTF-8, reals as thousandths, as anything, and as NaN or infinity, timestamps that
 * step back, with and without extras.
 */
void test_event_random(struct test_random *random, const struct alog_event_type *type,
                       struct test_event *ret_event);

/*
 * Are the two the same event, once numbers have the form that their fields say? Reals are compared
 * as bits. On a difference *ret_what names the place.
 */
bool test_event_equal(const struct alog_event *a, const struct alog_event *b,
                      const char **ret_what);

#endif
