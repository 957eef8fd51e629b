/* Memory that is taken piece by piece and given back all at once. One thread at a time. */
#ifndef AGENTLOG_AGGREGATOR_ARENA_H
#define AGENTLOG_AGGREGATOR_ARENA_H

#include <stddef.h>

struct alog_arena_chunk;

/*
 * Large chunks that arenas gave back, for those that take next: the kernel clears each page that it
 * gives, which costs more than what is put there. Any thread.
 */
struct alog_arena_reserve;

/* NULL: no memory. */
struct alog_arena_reserve *alog_arena_reserve_new(void);
/* Behind all arenas that have it. */
void alog_arena_reserve_free(struct alog_arena_reserve *reserve);

/* Zero-initialise; free with alog_arena_free, which leaves it as new. */
struct alog_arena {
    struct alog_arena_chunk *chunks;
    size_t bytes;                       /* on the heap, all together */
    struct alog_arena_reserve *reserve; /* NULL = none */
};

/* `bytes` at a multiple of `align`, a power of two and at most that of max_align_t; they stay where
 * they are. NULL: no memory. Cost: an addition; an allocation every 64 KiB, and from a megabyte on
 * every 2 MiB, in huge pages if the kernel has some: what is touched in no order costs a tenth less
 * there. */
void *alog_arena_take(struct alog_arena *arena, size_t bytes, size_t align);

/* What `from` has, its reserve too, belongs to `into` from now on; `from` is as new. */
void alog_arena_join(struct alog_arena *into, struct alog_arena *from);

void alog_arena_free(struct alog_arena *arena);

#endif
