/*
 * Where the timestamps of events come from. One inline place, because it is the dearest step of a
 * log call and the first that one wants to replace.
 */
#ifndef AGENTLOG_WRITER_CLOCK_H
#define AGENTLOG_WRITER_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "format/io.h"

struct alog_clock {
    const struct alog_io *io;
    bool system; /* io's clock is the system's: ask it without the detour through io */
};

void alog_clock_init(struct alog_clock *clock, const struct alog_io *io);

/* Nanoseconds since 1970-01-01 UTC, never negative. Any thread; signal handlers too. */
static inline int64_t alog_clock_now(const struct alog_clock *clock) {
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

#endif
