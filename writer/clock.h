/*
 * Where the timestamps of events come from: the processor's time-stamp counter where it can be
 * trusted, else clock_gettime, or the test's clock.
 *
 * The counter becomes wall time through a line, ns = line.ns + (ticks - line.ticks) * line.rate.
 * The drain thread samples the counter beside CLOCK_REALTIME and CLOCK_MONOTONIC every
 * ALOG_CLOCK_INTERVAL_NS while it is awake and publishes the next line (alog_clock_calibrate). A
 * line is valid for ALOG_CLOCK_TICKS only; without one, or after that, the kernel is asked, as it
 * is while the first line is not there yet. So nothing waits for a calibration, and a drain thread
 * that is stuck, a suspended machine or a counter that was reset cost time, not truth.
 *
 * How far off: where two lines meet they agree. In between the error grows with the time since the
 * sample and the error of the rate, which is the samples' noise (tens of ns over at least 10 ms)
 * plus what the kernel changed since, at most 500 ppm by NTP. Over the drain thread's longest nap,
 * 25 ms, that is at most 12.5 us, and far below 1 us as long as the kernel keeps its rate; at the
 * very end of a line 205 us (2.6 GHz) or 540 us (1 GHz). A difference up to ALOG_CLOCK_JUMP_NS is
 * worked off by the next line's slope, a larger one is a clock that was set: it is followed at
 * once.
 */
#ifndef AGENTLOG_WRITER_CLOCK_H
#define AGENTLOG_WRITER_CLOCK_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "format/io.h"

#define ALOG_CLOCK_INTERVAL_NS INT64_C(20000000)
#define ALOG_CLOCK_BASELINE_NS INT64_C(10000000) /* no rate is measured over less */
#define ALOG_CLOCK_JUMP_NS     INT64_C(1000000)
#define ALOG_CLOCK_TICKS_BITS  30 /* how long a line is valid: 0.2 s at 5 GHz, 1.1 s at 1 GHz */
#define ALOG_CLOCK_TICKS       (UINT64_C(1) << ALOG_CLOCK_TICKS_BITS)
#define ALOG_CLOCK_RATE_BITS   32

/* Wall time as a function of the counter. */
struct alog_clock_line {
    uint64_t ticks; /* where it begins, */
    int64_t ns;     /* … the wall time there, */
    uint64_t rate;  /* … and ns per tick * 2^32; below 2^32, so that no product overflows */
};

/* It covers no counter (short of 97 years of ticks). */
#define ALOG_CLOCK_NO_LINE ((struct alog_clock_line){.ticks = UINT64_C(1) << 63})

/* The counter and what the clocks showed at that moment. */
struct alog_clock_sample {
    uint64_t ticks;
    uint64_t width; /* ticks that taking it took: it is exact to this */
    int64_t wall_ns;
    int64_t steady_ns; /* never set, so the rate is taken from it */
};

/* What the drain thread knows. Zeroed = nothing. */
struct alog_clock_calibration {
    struct alog_clock_line line;                        /* as published last */
    struct alog_clock_sample latest;                    /* the one taken last, */
    struct alog_clock_sample rate_from, rate_from_next; /* … where the rate's baseline begins */
    uint64_t rate;                                      /* 0 = not known yet */
    bool begun;
};

struct alog_clock {
    /*
     * Two lines, of which lines[version & 1] counts and the other one is being written: a reader
     * never waits for a drain thread that was interrupted. One cache line, and no other data.
     * tests/model/clock.pml proves that no reader takes a line that is half one, half another.
     */
    alignas(64) _Atomic uint64_t version;
    struct {
        _Atomic uint64_t ticks;
        _Atomic int64_t ns;
        _Atomic uint64_t rate;
    } lines[2];

    alignas(64) const struct alog_io *io;
    bool system;  /* io's clock is the system's: ask it without the detour through io */
    bool counter; /* the processor has one, the kernel trusts it, and the clock is the system's */
    struct alog_clock_calibration calibration; /* the drain thread's */
};

/* Reads a file, nothing else; there is no line yet. */
void alog_clock_init(struct alog_clock *clock, const struct alog_io *io);

/*
 * Sample, and publish the next line; in how many ns to do it again. Drain thread only. Cost: well
 * below a microsecond.
 */
int64_t alog_clock_calibrate(struct alog_clock *clock);

/* The kernel's clock, or the test's; never negative. */
int64_t alog_clock_ask(const struct alog_clock *clock);

/* ---- The parts, without state of their own ----------------------------------------------------
 */

/*
 * Take one more sample into account; the line to go on with is calibration->line. A sample that is
 * too wide changes nothing. Lines stop (ALOG_CLOCK_NO_LINE), and everything begins anew, when the
 * counter and CLOCK_MONOTONIC no longer fit each other or the line has run out.
 */
void alog_clock_take(struct alog_clock_calibration *calibration,
                     const struct alog_clock_sample *sample);

void alog_clock_publish(struct alog_clock *clock, const struct alog_clock_line *line);

static inline bool alog_clock_covers(const struct alog_clock_line *line, uint64_t ticks) {
    return (ticks - line->ticks) >> ALOG_CLOCK_TICKS_BITS == 0;
}

static inline int64_t alog_clock_at(const struct alog_clock_line *line, uint64_t ticks) {
    return line->ns + (int64_t)((ticks - line->ticks) * line->rate >> ALOG_CLOCK_RATE_BITS);
}

/* The line that counts; false when the next one was published meanwhile. */
static inline bool alog_clock_read(const struct alog_clock *clock, struct alog_clock_line *line) {
    /* Acquire: pairs with the release of `version` in alog_clock_publish; the line is then whole.
     */
    uint64_t version = atomic_load_explicit(&clock->version, memory_order_acquire);
    /* Acquire: pair with the releases of the members in alog_clock_publish: who sees a member of a
     * later line sees the version before it as well, below. */
    line->ticks = atomic_load_explicit(&clock->lines[version & 1].ticks, memory_order_acquire);
    line->ns = atomic_load_explicit(&clock->lines[version & 1].ns, memory_order_acquire);
    line->rate = atomic_load_explicit(&clock->lines[version & 1].rate, memory_order_acquire);
    /* Relaxed: ordered by the three above. */
    return atomic_load_explicit(&clock->version, memory_order_relaxed) == version;
}

/* ---- Reading ----------------------------------------------------------------------------------
 */

/* The counter; 0 where there is none. */
static inline uint64_t alog_clock_ticks(void) {
#if defined(__x86_64__)
    return __rdtsc();
#else
    return 0;
#endif
}

/*
 * The time when the counter stood at `ticks`, a moment ago; now, if there is no line for it.
 * Nanoseconds since 1970-01-01 UTC, never negative. Any thread; signal handlers too.
 */
static inline int64_t alog_clock_when(const struct alog_clock *clock, uint64_t ticks) {
    struct alog_clock_line line;
    if (__builtin_expect(alog_clock_read(clock, &line) && alog_clock_covers(&line, ticks), 1)) {
        return alog_clock_at(&line, ticks);
    }
    return alog_clock_ask(clock);
}

static inline int64_t alog_clock_now(const struct alog_clock *clock) {
    return alog_clock_when(clock, alog_clock_ticks());
}

/*
 * The same for a thread whose previous timestamp was `last_ns`: lines that meet are still seen by
 * each thread at a time of its own, and processors' counters may differ by some ticks. Only a clock
 * that was set back by more than ALOG_CLOCK_JUMP_NS lets a thread's timestamps go back.
 */
static inline int64_t alog_clock_in_order(int64_t now, int64_t last_ns) {
    return now < last_ns && last_ns - now <= ALOG_CLOCK_JUMP_NS ? last_ns : now;
}

#endif
