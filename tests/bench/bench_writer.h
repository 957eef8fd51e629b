/* What the two halves of bench_writer share: its events, its options and its results. */
#ifndef AGENTLOG_TESTS_BENCH_WRITER_H
#define AGENTLOG_TESTS_BENCH_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include <agentlog/writer.h>

#define BENCH_MAX_THREADS 4u
#define BENCH_CHURN       1000u /* threads that come and go */

/*
 * Prepared events, cycled through, so that making them costs nothing while they are logged: names
 * out of small sets, numbers as they come.
 */
#define BENCH_PREPARED 65536u

enum bench_event {
    BENCH_FLOOR,        /* no event: a timestamp and 104 prepared bytes into a ring, one store */
    BENCH_FIVE_STRINGS, /* strings of 16 (job), 16, 12, 8 and 16 bytes, success, 2 reals, 4 integers
                         */
    BENCH_SMALL,        /* one string, success, 2 reals, one integer */
    BENCH_EVENTS
};

struct bench_options {
    const char *dir;     /* where the logs go */
    uint64_t events;     /* per sustained run */
    uint64_t calls;      /* per latency run and thread */
    uint64_t ring_bytes; /* of the sustained runs; 0 = the writer's default */
    int compression_level;
    uint32_t drain_threads;
    enum bench_event event; /* only this one; BENCH_EVENTS = each */
    uint32_t threads;       /* only so many; 0 = one, and BENCH_MAX_THREADS */
    bool json;
};

/* Nanoseconds per call, the timer's own cost subtracted. */
struct bench_latency {
    double p50, p99, p999, max, mean;
    uint64_t dropped;
};

/* `threads` threads log `event`, in bursts or paced at 100,000 a second each. */
struct bench_latency bench_latency_run(const struct bench_options *options, enum bench_event event,
                                       uint32_t threads, bool paced);

/* Another way to keep an event than this project's. Its state is what `open` returns. */
struct bench_other {
    const char *name;
    uint64_t fewer_calls; /* it is slow: this fraction of the calls */
    void *(*open)(const char *dir);
    bool (*log)(void *state, const struct alog_agent_execution *event);
    void (*close)(void *state);
};
const struct bench_other *bench_others(size_t *ret_count);

/* One thread logs five strings in bursts, with `other`, or the writer where it is NULL. */
struct bench_latency bench_latency_run_other(const struct bench_options *options,
                                             const struct bench_other *other,
                                             double *ret_bytes_per_event);

struct bench_sustained {
    double seconds; /* from the first event until the last byte is synced and the file sealed */
    double events_per_second;
    double file_bytes_per_event;
    double raw_bytes_per_event;
    double drain_seconds; /* CPU time of the whole process less that of the logging threads */
    double logging_seconds;
    double zstd_seconds; /* CPU time of compressing the same blocks once more */
    double peak_mib;     /* memory of the process at its peak, less that before: rings and blocks */
    uint64_t rings;
    uint64_t dropped;
};
/* More threads than BENCH_MAX_THREADS come and go, so many at once. */
struct bench_sustained bench_sustained_run(const struct bench_options *options,
                                           enum bench_event event, uint32_t threads);

/* Prepared event `i`, of either kind. */
const struct alog_agent_execution *bench_event_at(enum bench_event event, uint64_t i);
void bench_events_init(void);

/* A fresh directory below options->dir, and its end. */
char *bench_dir_make(const struct bench_options *options);
void bench_dir_remove(char *dir);

/* A message to stderr, and exit 1. */
_Noreturn void bench_die(const char *what);

#endif
