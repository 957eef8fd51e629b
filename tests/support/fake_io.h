/*
 * The system's calls with time that can be moved and calls that fail on demand. Thread-safe: the
 * test turns the knobs while a writer runs.
 */
#ifndef AGENTLOG_TESTS_SUPPORT_FAKE_IO_H
#define AGENTLOG_TESTS_SUPPORT_FAKE_IO_H

#include <stdatomic.h>
#include <stdbool.h>

#include "format/io.h"

enum fake_call {
    FAKE_OPEN,
    FAKE_PWRITEV,
    FAKE_FSYNC, /* fdatasync as well */
    FAKE_FALLOCATE,
    FAKE_MAP,
    FAKE_RENAME,
    FAKE_UNLINK,
    FAKE_MKDIR,
    FAKE_LOCK,
    FAKE_PREAD,
    FAKE_FTRUNCATE,
    FAKE_FSTAT,
    FAKE_CLOSE, /* which closes all the same */
    FAKE_RANDOM,
    FAKE_CALLS
};

struct fake_io {
    struct alog_io io;                    /* what is handed in */
    _Atomic int failures[FAKE_CALLS];     /* 0, or the -errno that each call gives */
    const char *_Atomic only[FAKE_CALLS]; /* if set, only paths that contain this (calls that have
                                             a path) */
    _Atomic int64_t skip[FAKE_CALLS];     /* let so many calls pass before one fails */
    _Atomic int64_t times[FAKE_CALLS];    /* fail so many, then no more; 0 = for ever */
    _Atomic uint64_t counts[FAKE_CALLS];  /* calls made, failed ones included */
    _Atomic uint64_t failed;              /* calls that were made to fail */
    _Atomic uint64_t write_at_most;       /* bytes of each pwritev; 0 = all */
    void (*on_failed_sync)(void *context, int fd); /* called before a sync is made to fail */
    void *on_failed_sync_context;
    _Atomic int64_t realtime_shift_ns; /* added to the system's clock */
    _Atomic int64_t monotonic_shift_ns;
};

void fake_io_init(struct fake_io *fake);

/* Let both clocks jump. */
void fake_io_advance(struct fake_io *fake, int64_t ns);

/* Set the wall clock to that time, from where it runs on. */
void fake_io_set_realtime(struct fake_io *fake, int64_t ns);

#endif
