/*
 * Small random logs for property tests: writers in several environments whose segments grow, are
 * sealed, left open, lost, damaged, or arrive late and in any order. The same for the same seed.
 */
#ifndef AGENTLOG_TESTS_RANDOM_LOG_H
#define AGENTLOG_TESTS_RANDOM_LOG_H

#include "support/random_event.h"
#include "support/segment_maker.h"

#define RANDOM_LOG_WRITERS  4
#define RANDOM_LOG_SEGMENTS 16 /* of writers whose segments arrive as whole files */

/* What the events of one log have in common. */
struct random_log_profile {
    int64_t start_ns, span_ns; /* where their times lie, but for some that are anywhere */
    uint32_t names, jobs;      /* how many different ones */
    uint32_t events_per_block; /* at most */
    bool with_anything;        /* also absurd times, names and numbers */
};

struct random_log {
    struct test_random *random;
    struct random_log_profile profile;
    char dir[300], log_dir[320];
    struct segment_maker live[RANDOM_LOG_WRITERS]; /* they write where the log is read, */
    uint32_t live_count, live_segments;            /* … so many segments more */
    char *arriving[RANDOM_LOG_SEGMENTS];           /* … or elsewhere: paths of sealed segments */
    size_t arriving_count;
    bool damaged; /* a segment that has arrived is not as it was written */
    struct test_event event;
};

/* Begin a log in `dir`/log: the segments that are to arrive are written, none is there yet. */
void random_log_begin(struct random_log *log, struct test_random *random, const char *dir);

/* Something happens: events are written, a block or a segment ends, a segment arrives. False when
 * there is nothing left to happen. */
bool random_log_step(struct random_log *log);

/* What is open is sealed, or left. */
void random_log_end(struct random_log *log);

#endif
