/*
 * What a busy fleet logs in a day: a deterministic stream of catalogue events in a realistic mix,
 * for benchmarks.
 *
 * A job is about 250 events: a start and an end, strategy decisions, agent executions, provider
 * calls with retries and fallbacks, hooks, test runs with their tests, errors. Jobs run
 * interleaved; times move through `span_ns`. A workload belongs to one thread; the same seed gives
 * the same events.
 */
#ifndef AGENTLOG_TESTS_BENCH_WORKLOAD_H
#define AGENTLOG_TESTS_BENCH_WORKLOAD_H

#include <stdint.h>

#include <agentlog/writer.h>

#define WORKLOAD_JOBS_AT_ONCE   16
#define WORKLOAD_EVENTS_PER_JOB 250

struct workload_job {
    char job_id[24];
    uint32_t job_id_len;
    uint32_t step; /* 0 = not begun */
    uint32_t steps;
    uint32_t provider, model;
    uint32_t first_agent;
};

struct workload {
    uint64_t random;
    uint64_t jobs_begun;
    uint32_t stream;
    uint64_t logged;
    uint64_t events; /* how many it will be asked for: spreads them over the span */
    int64_t start_ns, span_ns;
    struct workload_job jobs[WORKLOAD_JOBS_AT_ONCE];
};

/* `stream` keeps the job ids of several workloads apart. */
void workload_init(struct workload *workload, uint64_t seed, uint32_t stream, uint64_t events,
                   int64_t start_ns, int64_t span_ns);

/* Log the next event; the log call's result. */
enum alog_status workload_next(struct workload *workload, struct alog_writer *writer);

/* xorshift64*: uniform 64 bits. Source: S. Vigna, "An experimental exploration of Marsaglia's
 * xorshift generators", 2016. */
uint64_t workload_random(uint64_t *state);

#endif
