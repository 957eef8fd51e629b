/* The caller's side of bench_writer: nanoseconds per call, and the floor below them. */
#include <fts.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "bench_writer.h"
#include "writer/ring.h"

#define FLOOR_BYTES  104u
#define BURST_EVENTS 1000u
#define PAUSE_NS     3000000
#define PACE_NS      10000
#define WARM_UP      5000u

/* ---- The timer ------------------------------------------------------------------------------ */

#if defined(__x86_64__)
#include <x86intrin.h>

static inline uint64_t ticks(void) {
    return __rdtsc();
}
/* Fenced on both sides: nothing of the call is done outside, nothing else inside. */
static inline uint64_t ticks_begin(void) {
    _mm_lfence();
    uint64_t now = __rdtsc();
    _mm_lfence();
    return now;
}
static inline uint64_t ticks_end(void) {
    unsigned processor;
    uint64_t now = __rdtscp(&processor);
    _mm_lfence();
    return now;
}
#else
static inline uint64_t ticks(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
#define ticks_begin ticks
#define ticks_end   ticks
#endif

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

struct timer {
    double ticks_per_ns;
    double step; /* the counter moves in steps of so many ticks */
    double cost; /* of one measurement of nothing, in ticks */
};

/*
 * A quantile of sorted samples. Where the counter moves in coarse steps (100 MHz on some machines),
 * all samples of a step stand for durations spread over it, and the quantile is taken within.
 */
static double quantile(const uint32_t *samples, uint64_t count, double q, double step) {
    uint64_t at = (uint64_t)((double)(count - 1) * q);
    uint64_t first = at;
    uint64_t end = at + 1;
    while (first > 0 && samples[first - 1] == samples[at]) {
        first--;
    }
    while (end < count && samples[end] == samples[at]) {
        end++;
    }
    double within = ((double)(at - first) + 0.5) / (double)(end - first) - 0.5;
    return (double)samples[at] + within * step;
}

/* The smallest difference between two of the sorted samples. */
static double step_of(const uint32_t *samples, uint64_t count) {
    uint32_t least = UINT32_MAX;
    for (uint64_t i = 1; i < count; i++) {
        uint32_t more = samples[i] - samples[i - 1];
        least = more > 0 && more < least ? more : least;
    }
    return least == UINT32_MAX ? 1 : (double)least;
}

static struct timer calibrate(void) {
    struct timespec a;
    struct timespec b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    uint64_t from = ticks();
    do {
        clock_gettime(CLOCK_MONOTONIC, &b);
    } while ((b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec < 50000000);
    uint64_t to = ticks();
    double ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
    enum { SAMPLES = 20001 };
    static uint32_t samples[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        uint64_t begin = ticks_begin();
        samples[i] = (uint32_t)(ticks_end() - begin);
    }
    qsort(samples, SAMPLES, sizeof samples[0], by_size);
    double step = step_of(samples, SAMPLES);
    return (struct timer){(double)(to - from) / ns, step, quantile(samples, SAMPLES, 0.5, step)};
}

/* ---- The floor ------------------------------------------------------------------------------ */

/* A ring as the writer has it, and a thread that empties it about as often. */
struct floor_ring {
    void *memory;
    struct alog_ring_producer producer;
    struct alog_ring_consumer consumer;
};

static const uint64_t floor_capacity = 1 << 20;

static void floor_ring_make(struct floor_ring *ring) {
    ring->memory = mmap(NULL, alog_ring_total_bytes(floor_capacity), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (ring->memory == MAP_FAILED) {
        bench_die("cannot map a ring");
    }
    alog_ring_format(ring->memory, floor_capacity, 1, 1);
    alog_ring_producer_init(&ring->producer, ring->memory);
    alog_ring_consumer_init(&ring->consumer, ring->memory);
}

static void floor_ring_drain(struct floor_ring *ring) {
    struct alog_ring_record record;
    uint64_t end = alog_ring_published(ring->consumer.header);
    volatile uint8_t sink = 0;
    while (alog_ring_take(&ring->consumer, end, &record) == ALOG_RING_TOOK) {
        for (uint32_t i = 0; i < record.bytes; i += 64) {
            sink = record.payload[i];
        }
    }
    (void)sink;
    alog_ring_release(&ring->consumer, end);
}

struct floor_drain {
    struct floor_ring *rings;
    uint32_t count;
    atomic_bool stop;
};

static void *drain_floor(void *argument) {
    struct floor_drain *drain = argument;
    while (!atomic_load(&drain->stop)) {
        for (uint32_t i = 0; i < drain->count; i++) {
            floor_ring_drain(&drain->rings[i]);
        }
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    return NULL;
}

static inline bool log_floor(struct floor_ring *ring, const uint8_t *prepared) {
    uint8_t *at = alog_ring_reserve(&ring->producer, FLOOR_BYTES);
    if (at == NULL) {
        return false;
    }
    memcpy(at, prepared, FLOOR_BYTES);
    uint64_t now = ticks();
    memcpy(at, &now, sizeof now);
    alog_ring_publish(&ring->producer, at, FLOOR_BYTES, 3);
    return true;
}

/* ---- A measuring thread ---------------------------------------------------------------------- */

struct measurer {
    enum bench_event event;
    bool paced;
    uint64_t calls;
    const struct bench_other *other; /* NULL = the writer, or the floor */
    void *other_state;
    struct alog_writer *writer;
    struct floor_ring *ring;
    struct timer timer;
    uint32_t *samples;
    uint64_t dropped;
    pthread_barrier_t *start;
};

static inline bool one_call(struct measurer *m, const struct alog_agent_execution *event,
                            const uint8_t *prepared) {
    if (m->event == BENCH_FLOOR) {
        return log_floor(m->ring, prepared);
    }
    if (m->other != NULL) {
        return m->other->log(m->other_state, event);
    }
    return alog_log_agent_execution(m->writer, event) == ALOG_OK;
}

/* The event as an agent has it at hand: just made, on the stack. */
static inline struct alog_agent_execution make_event(const struct measurer *m, uint64_t i) {
    struct alog_agent_execution event = *bench_event_at(m->event, i);
    __asm__ volatile("" : : "r"(&event) : "memory");
    return event;
}

/* Wait until the next call is due. */
static uint64_t wait_turn(const struct measurer *m, uint64_t i, uint64_t due) {
    if (!m->paced) {
        if (i % BURST_EVENTS == 0) {
            nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
        }
        return 0;
    }
    while (ticks() < due) {
    }
    return due + (uint64_t)(PACE_NS * m->timer.ticks_per_ns);
}

static void *measure(void *argument) {
    struct measurer *m = argument;
    static const uint8_t prepared[FLOOR_BYTES] = {0x9e, 3};
    struct alog_job_scope scope = {.job_id_len = 16, .job_id = "job-000000000042"};
    if (alog_job_attach(&scope) != ALOG_OK) {
        bench_die("no job scope");
    }
    memset(m->samples, 0, m->calls * sizeof *m->samples); /* touch the pages beforehand */
    for (uint64_t i = 0; i < WARM_UP && i < m->calls; i++) {
        if (i % BURST_EVENTS == 0) {
            nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
        }
        struct alog_agent_execution event = make_event(m, i);
        one_call(m, &event, prepared);
    }
    pthread_barrier_wait(m->start);
    uint64_t due = ticks();
    for (uint64_t i = 0; i < m->calls; i++) {
        due = wait_turn(m, i, due);
        struct alog_agent_execution event = make_event(m, i);
        uint64_t begin = ticks_begin();
        bool stored = one_call(m, &event, prepared);
        uint64_t took = ticks_end() - begin;
        m->samples[i] = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
        m->dropped += !stored;
    }
    alog_job_detach();
    return NULL;
}

static struct bench_latency summarise(uint32_t *samples, uint64_t count, struct timer timer) {
    qsort(samples, count, sizeof *samples, by_size);
    double sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        sum += samples[i];
    }
#define NS(ticks) (((ticks)-timer.cost) / timer.ticks_per_ns)
    return (struct bench_latency){.p50 = NS(quantile(samples, count, 0.5, timer.step)),
                                  .p99 = NS(quantile(samples, count, 0.99, timer.step)),
                                  .p999 = NS(quantile(samples, count, 0.999, timer.step)),
                                  .max = NS((double)samples[count - 1]),
                                  .mean = NS(sum / (double)count)};
}

static struct bench_latency run_threads(struct measurer *measurers, uint32_t threads) {
    pthread_barrier_t start;
    pthread_t ids[BENCH_MAX_THREADS];
    uint64_t calls = measurers[0].calls;
    uint32_t *samples = malloc(threads * calls * sizeof *samples);
    pthread_barrier_init(&start, NULL, threads);
    for (uint32_t i = 0; i < threads; i++) {
        measurers[i].samples = samples + i * calls;
        measurers[i].start = &start;
        if (pthread_create(&ids[i], NULL, measure, &measurers[i]) != 0) {
            bench_die("cannot start a thread");
        }
    }
    uint64_t dropped = 0;
    for (uint32_t i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        dropped += measurers[i].dropped;
    }
    pthread_barrier_destroy(&start);
    struct bench_latency result = summarise(samples, threads * calls, measurers[0].timer);
    result.dropped = dropped;
    free(samples);
    return result;
}

static struct bench_latency run_floor(struct measurer *measurers, uint32_t threads) {
    struct floor_ring rings[BENCH_MAX_THREADS];
    struct floor_drain drain = {.rings = rings, .count = threads};
    for (uint32_t i = 0; i < threads; i++) {
        floor_ring_make(&rings[i]);
        measurers[i].ring = &rings[i];
    }
    pthread_t drainer;
    if (pthread_create(&drainer, NULL, drain_floor, &drain) != 0) {
        bench_die("cannot start a thread");
    }
    struct bench_latency result = run_threads(measurers, threads);
    atomic_store(&drain.stop, true);
    pthread_join(drainer, NULL);
    for (uint32_t i = 0; i < threads; i++) {
        munmap(rings[i].memory, alog_ring_total_bytes(floor_capacity));
    }
    return result;
}

struct bench_latency bench_latency_run(const struct bench_options *options, enum bench_event event,
                                       uint32_t threads, bool paced) {
    struct measurer measurers[BENCH_MAX_THREADS];
    struct timer timer = calibrate();
    char *dir = bench_dir_make(options);
    struct alog_writer *writer = NULL;
    if (alog_writer_open(dir, NULL, &writer, NULL) != ALOG_OK) {
        bench_die("cannot open a writer");
    }
    for (uint32_t i = 0; i < threads; i++) {
        measurers[i] = (struct measurer){.event = event,
                                         .paced = paced,
                                         .calls = options->calls,
                                         .writer = writer,
                                         .timer = timer};
    }
    struct bench_latency result =
        event == BENCH_FLOOR ? run_floor(measurers, threads) : run_threads(measurers, threads);
    if (alog_writer_close(writer, NULL) != ALOG_OK) {
        bench_die("the log is not whole");
    }
    bench_dir_remove(dir);
    return result;
}

/* Of the files in `dir`, in all. */
static double bytes_below(const char *dir) {
    char *const paths[] = {(char *)(uintptr_t)dir, NULL};
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    double bytes = 0;
    for (FTSENT *at = NULL; walk != NULL && (at = fts_read(walk)) != NULL;) {
        bytes += at->fts_info == FTS_F ? (double)at->fts_statp->st_size : 0;
    }
    if (walk != NULL) {
        fts_close(walk);
    }
    return bytes;
}

struct bench_latency bench_latency_run_other(const struct bench_options *options,
                                             const struct bench_other *other,
                                             double *ret_bytes_per_event) {
    char *dir = bench_dir_make(options);
    struct measurer m = {.event = BENCH_FIVE_STRINGS,
                         .calls = options->calls / (other != NULL ? other->fewer_calls : 1) + 1,
                         .other = other,
                         .timer = calibrate()};
    if (other != NULL) {
        m.other_state = other->open(dir);
    } else if (alog_writer_open(dir, NULL, &m.writer, NULL) != ALOG_OK) {
        bench_die("cannot open a writer");
    }
    struct bench_latency result = run_threads(&m, 1);
    if (other != NULL) {
        other->close(m.other_state);
    } else if (alog_writer_close(m.writer, NULL) != ALOG_OK) {
        bench_die("the log is not whole");
    }
    uint64_t warm_up = m.calls < WARM_UP ? m.calls : WARM_UP;
    *ret_bytes_per_event = bytes_below(dir) / (double)(m.calls + warm_up);
    bench_dir_remove(dir);
    return result;
}
