/* Memory that is soon looked at, in no order that a processor would see by itself. */
#ifndef AGENTLOG_AGGREGATOR_PREFETCH_H
#define AGENTLOG_AGGREGATOR_PREFETCH_H

/* Have it in the processor's cache by then; waits for nothing, and any address will do. */
static inline void alog_prefetch(const void *from, const void *until) {
    for (const char *at = from; at < (const char *)until; at += 64) {
        __builtin_prefetch(at);
    }
}

#endif
