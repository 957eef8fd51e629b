/*
 * The system's io with time, randomness and failures that a test decides: the clock stands or
 * steps, random bytes are always the same, and any call can be made to fail, once or for ever.
 *
 *     struct scripted_io script;
 *     scripted_io_init(&script);
 *     script.fail_at = 3;          the third counted call fails with script.fail_errno
 *     … &script.io …
 */
#ifndef AGENTLOG_TESTS_SCRIPTED_IO_H
#define AGENTLOG_TESTS_SCRIPTED_IO_H

#include <stdbool.h>

#include "format/io.h"

enum scripted_call {
    SCRIPTED_OPEN,
    SCRIPTED_CLOSE,
    SCRIPTED_PREAD,
    SCRIPTED_PWRITEV,
    SCRIPTED_FSYNC,
    SCRIPTED_FDATASYNC,
    SCRIPTED_FTRUNCATE,
    SCRIPTED_FALLOCATE,
    SCRIPTED_FSTAT,
    SCRIPTED_LOCK,
    SCRIPTED_RENAME,
    SCRIPTED_UNLINK,
    SCRIPTED_MKDIR,
    SCRIPTED_MAP,
    SCRIPTED_RANDOM,
    SCRIPTED_CALLS
};

struct scripted_io {
    struct alog_io io; /* context points back to this struct */
    int64_t now_ns;    /* what both clocks show, and */
    int64_t step_ns;   /* … by how much each look moves them on */
    uint64_t seed;     /* of the random bytes */

    uint64_t calls;                    /* that could have been made to fail, so far */
    uint64_t calls_of[SCRIPTED_CALLS]; /* likewise by kind */
    uint64_t fail_at;                  /* fail this one, counted from 1; 0 = none */
    bool fail_for_ever;                /* and all after it */
    int fail_errno;                    /* default EIO */
    uint64_t write_at_most;            /* of each pwritev, so many bytes; 0 = all */
    uint64_t fail_after_bytes;         /* a failing pwritev writes so many bytes first */
    int fail_always[SCRIPTED_CALLS];   /* errno with which each call of a kind fails; 0 = none */
    uint64_t failures;                 /* calls that were made to fail */
    int exit_code; /* not 0: what should fail ends the process with it instead */
};

/* `close` is never made to fail: a test that leaks descriptors would only confuse. */
void scripted_io_init(struct scripted_io *script);

#endif
