/* Memory that is soon looked at, in no order that a processor would see by itself. */
#ifndef AGENTLOG_AGGREGATOR_PREFETCH_H
#define AGENTLOG_AGGREGATOR_PREFETCH_H

#include <stdint.h>

/* Have it in the processor's cache by then; waits for nothing, and any address will do. The line of
 * the last byte is asked for by itself, wherever in a line the first is: so the steps are as many
 * each time where the length is a constant, and need no loop. */
static inline void alog_prefetch(const void *from, const void *until) {
    const uintptr_t bytes = (uintptr_t)until - (uintptr_t)from;
#pragma GCC unroll 8
    for (uintptr_t at = 0; at < bytes; at += 64) {
        __builtin_prefetch((const char *)from + at);
    }
    __builtin_prefetch((const void *)((uintptr_t)until - 1));
}

#endif
