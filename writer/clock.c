/* The timestamp source's slow side: may the counter be used, and what is its line; see clock.h. */
#include "clock.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

/* After ALOG_CLOCK_BASELINE_NS the rate is measured over 1 to 2 times that many ticks. */
#define BASELINE_TICKS (UINT64_C(1) << 28)

/* Wider samples say nothing: an interrupt came between (8 us at 2.6 GHz). */
#define WIDEST_SAMPLE UINT64_C(20000)
#define SAMPLE_TRIES  4

/* What the counter may differ from CLOCK_MONOTONIC: two samples' noise, and 1000 ppm, twice what
 * NTP steers by. */
#define SURPRISE_NS   INT64_C(20000)
#define SURPRISE_PART 1000

/* Counters between 1 and 10 GHz. */
#define SLOWEST_RATE ((UINT64_C(1) << ALOG_CLOCK_RATE_BITS) / 10)
#define FASTEST_RATE (UINT64_C(1) << ALOG_CLOCK_RATE_BITS)

int64_t alog_clock_ask(const struct alog_clock *clock) {
    int64_t now;
    if (__builtin_expect(clock->system, 1)) {
        struct timespec time;
        clock_gettime(CLOCK_REALTIME, &time); /* no system call: the kernel maps it into us */
        now = (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
    } else {
        now = clock->io->realtime_ns(clock->io->context);
    }
    return now < 0 ? 0 : now;
}

/* ---- May the counter be used? -----------------------------------------------------------------
 */

#if defined(__x86_64__)

/* It runs at one rate in every power state: Intel SDM 3, 18.17.1; AMD APM 3, CPUID Fn8000_0007. */
static bool is_invariant(void) {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & (1u << 8)) != 0;
}

/*
 * Does the kernel itself tell time by it? Then it is in step on all processors, which only the
 * kernel has checked, and readable from user space, where the kernel's own clock_gettime reads it.
 */
static bool is_trusted(const struct alog_io *io) {
    static const char path[] = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    static const char *const trusted[] = {"tsc\n", "kvm-clock\n", "hyperv_clocksource_tsc_page\n"};
    char name[64];
    int fd = io->open(io->context, path, O_RDONLY, 0);
    if (fd < 0) {
        return false;
    }
    int64_t bytes = io->pread(io->context, fd, name, sizeof name - 1, 0);
    io->close(io->context, fd);
    name[bytes > 0 ? bytes : 0] = '\0';
    for (size_t i = 0; i < sizeof trusted / sizeof trusted[0]; i++) {
        if (strcmp(name, trusted[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_counter(const struct alog_io *io) {
    return is_invariant() && is_trusted(io);
}

/* Fenced: neither before what stands above it nor after what stands below. */
static uint64_t read_counter(void) {
    _mm_lfence();
    uint64_t ticks = __rdtsc();
    _mm_lfence();
    return ticks;
}

#else

static bool has_counter(const struct alog_io *io) {
    (void)io;
    return false;
}

static uint64_t read_counter(void) {
    return 0;
}

#endif

void alog_clock_init(struct alog_clock *clock, const struct alog_io *io) {
    memset(clock, 0, sizeof *clock);
    clock->io = io;
    clock->system = io->realtime_ns == alog_io_system()->realtime_ns;
    clock->counter = io == alog_io_system() && has_counter(io);
    clock->calibration.line = ALOG_CLOCK_NO_LINE;
    /* Both: a reader may find the version changed, but never a line of zeros. */
    alog_clock_publish(clock, &clock->calibration.line);
    alog_clock_publish(clock, &clock->calibration.line);
}

/* ---- Calibration ------------------------------------------------------------------------------
 */

static bool is_rate(uint64_t rate) {
    return rate >= SLOWEST_RATE && rate < FASTEST_RATE;
}

/* Forget everything but this sample. */
static void begin_anew(struct alog_clock_calibration *calibration,
                       const struct alog_clock_sample *sample) {
    *calibration = (struct alog_clock_calibration){.line = ALOG_CLOCK_NO_LINE,
                                                   .latest = *sample,
                                                   .rate_from = *sample,
                                                   .rate_from_next = *sample,
                                                   .begun = true};
}

/* Did counter and steady clock go on together since the latest sample, as far as one can tell? */
static bool is_surprising(const struct alog_clock_calibration *calibration,
                          const struct alog_clock_sample *sample) {
    uint64_t ticks = sample->ticks - calibration->latest.ticks;
    int64_t ns = sample->steady_ns - calibration->latest.steady_ns;
    /* More ns than ticks: a counter below 1 GHz, or one that was set. */
    if (ticks >= ALOG_CLOCK_TICKS || ns < 0 || (uint64_t)ns > ticks) {
        return true;
    }
    if (calibration->rate == 0) {
        return false;
    }
    int64_t expected = (int64_t)(ticks * calibration->rate >> ALOG_CLOCK_RATE_BITS);
    int64_t off = ns > expected ? ns - expected : expected - ns;
    return off > SURPRISE_NS + expected / SURPRISE_PART;
}

/* The rate since rate_from, once that is long enough ago; moves rate_from along. */
static void measure_rate(struct alog_clock_calibration *calibration,
                         const struct alog_clock_sample *sample) {
    int64_t ns = sample->steady_ns - calibration->rate_from.steady_ns;
    if (ns >= ALOG_CLOCK_BASELINE_NS) {
        /* No overflow: no more ns than ticks (is_surprising), and those are below
         * 2 * (BASELINE_TICKS + ALOG_CLOCK_TICKS) < 2^32. */
        uint64_t ticks = sample->ticks - calibration->rate_from.ticks;
        calibration->rate = ((uint64_t)ns << ALOG_CLOCK_RATE_BITS) / ticks;
    }
    if (sample->ticks - calibration->rate_from_next.ticks >= BASELINE_TICKS) {
        calibration->rate_from = calibration->rate_from_next;
        calibration->rate_from_next = *sample;
    }
}

/*
 * The line from `sample` on. It begins where the one before arrives and meets the wall clock when
 * it runs out: as long as one line lasts, no difference is overdone, however late the next comes.
 */
static struct alog_clock_line next_line(const struct alog_clock_line *line, uint64_t rate,
                                        const struct alog_clock_sample *sample) {
    struct alog_clock_line next = {.ticks = sample->ticks, .ns = sample->wall_ns, .rate = rate};
    if (alog_clock_covers(line, sample->ticks)) {
        int64_t arrived = alog_clock_at(line, sample->ticks);
        int64_t behind = sample->wall_ns - arrived;
        if (behind >= -ALOG_CLOCK_JUMP_NS && behind <= ALOG_CLOCK_JUMP_NS) {
            int64_t slope = behind * (1 << (ALOG_CLOCK_RATE_BITS - ALOG_CLOCK_TICKS_BITS));
            next.ns = arrived;
            next.rate = rate + (uint64_t)slope;
        }
    }
    return next;
}

void alog_clock_take(struct alog_clock_calibration *calibration,
                     const struct alog_clock_sample *sample) {
    if (sample->width > WIDEST_SAMPLE) {
        return;
    }
    if (!calibration->begun || is_surprising(calibration, sample)) {
        begin_anew(calibration, sample);
        return;
    }
    calibration->latest = *sample;
    measure_rate(calibration, sample);
    if (calibration->rate == 0) {
        return;
    }
    struct alog_clock_line next = next_line(&calibration->line, calibration->rate, sample);
    if (!is_rate(calibration->rate) || !is_rate(next.rate) || next.ns < 0) {
        begin_anew(calibration, sample);
        return;
    }
    calibration->line = next;
}

void alog_clock_publish(struct alog_clock *clock, const struct alog_clock_line *line) {
    /* Relaxed: this thread alone writes it. */
    uint64_t version = atomic_load_explicit(&clock->version, memory_order_relaxed) + 1;
    /* Release: pair with the acquires in alog_clock_read. The store of the present version comes
     * before them, so a reader of the line that counted before it finds out. */
    atomic_store_explicit(&clock->lines[version & 1].ticks, line->ticks, memory_order_release);
    atomic_store_explicit(&clock->lines[version & 1].ns, line->ns, memory_order_release);
    atomic_store_explicit(&clock->lines[version & 1].rate, line->rate, memory_order_release);
    /* Release: pairs with the first acquire in alog_clock_read. */
    atomic_store_explicit(&clock->version, version, memory_order_release);
}

/* The tightest of a few. */
static struct alog_clock_sample take_sample(const struct alog_io *io) {
    struct alog_clock_sample best = {.width = UINT64_MAX};
    for (int i = 0; i < SAMPLE_TRIES; i++) {
        struct alog_clock_sample sample;
        uint64_t begin = read_counter();
        sample.wall_ns = io->realtime_ns(io->context);
        sample.ticks = read_counter();
        sample.steady_ns = io->monotonic_ns(io->context);
        sample.width = read_counter() - begin;
        if (sample.width < best.width) {
            best = sample;
        }
    }
    return best;
}

int64_t alog_clock_calibrate(struct alog_clock *clock) {
    if (!clock->counter) {
        return INT64_C(1) << 60;
    }
    struct alog_clock_sample sample = take_sample(clock->io);
    alog_clock_take(&clock->calibration, &sample);
    alog_clock_publish(clock, &clock->calibration.line);
    return clock->calibration.rate == 0 ? ALOG_CLOCK_BASELINE_NS : ALOG_CLOCK_INTERVAL_NS;
}
