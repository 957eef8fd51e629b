/* What the threads of soak_agent acknowledge: a file of these, mapped, by life and thread. */
#ifndef AGENTLOG_TESTS_SOAK_LEDGER_H
#define AGENTLOG_TESTS_SOAK_LEDGER_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

/* soak_test.py has the same numbers. */
#define SOAK_MOST_THREADS 4u
#define SOAK_MOST_LIVES   16384u

struct soak_ledger {
    alignas(64) _Atomic uint64_t stored; /* events 1 to this were stored */
    _Atomic uint64_t dropped;            /* log calls that said so */
};
#define SOAK_LEDGER_BYTES (sizeof(struct soak_ledger) * SOAK_MOST_THREADS * SOAK_MOST_LIVES)

#endif
