/* Memory that is taken piece by piece and given back all at once. One thread at a time. */
#ifndef AGENTLOG_AGGREGATOR_ARENA_H
#define AGENTLOG_AGGREGATOR_ARENA_H

#include <stddef.h>

struct alog_arena_chunk;

/* Zero-initialise; free with alog_arena_free, which leaves it as new. */
struct alog_arena {
    struct alog_arena_chunk *chunks;
    size_t bytes; /* on the heap, all together */
};

/* `bytes` at a multiple of `align`, a power of two and at most that of max_align_t; they stay where
 * they are. NULL: no memory. Cost: an addition; an allocation every 64 KiB, and from a megabyte on
 * every 2 MiB, in huge pages if the kernel has some: what is touched in no order costs a tenth less
 * there. */
void *alog_arena_take(struct alog_arena *arena, size_t bytes, size_t align);

/* What `from` has belongs to `into` from now on; `from` is as new. */
void alog_arena_join(struct alog_arena *into, struct alog_arena *from);

void alog_arena_free(struct alog_arena *arena);

#endif
