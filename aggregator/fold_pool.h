/* Threads that fold blocks, fed one block at a time. The pool is used by one thread. */
#ifndef AGENTLOG_AGGREGATOR_FOLD_POOL_H
#define AGENTLOG_AGGREGATOR_FOLD_POOL_H

#include "fold.h"

/* What became of the blocks of one segment; its owner reads it when the pool is idle. */
struct alog_fold_progress {
    struct alog_string environment; /* the segment's; must outlive the blocks */
    uint64_t events, undecoded;
    int64_t min_timestamp_ns, max_timestamp_ns;
};

struct alog_fold_pool;

/* The threads go after others of the process where there are too few processors (setpriority): they
 * have work at all times, and whoever feeds them or takes what they made is waited for by all.
 * `scope` must outlive the pool. ALOG_NO_MEMORY: also when threads cannot be started. */
enum alog_status alog_fold_pool_new(uint32_t threads, const struct alog_fold_scope *scope,
                                    struct alog_fold_pool **ret_pool);
/* Waits for blocks that are being folded; those not yet begun are dropped. */
void alog_fold_pool_free(struct alog_fold_pool *pool);

/* Room for the frame of the next block, so that alog_fold_pool_add need not copy it; waits while
 * all threads are busy and the queue is full. It is good until the next call. NULL: no memory, also
 * for an earlier block. */
uint8_t *alog_fold_pool_room(struct alog_fold_pool *pool, size_t bytes);

/* Hand over a block. The frame (facts->compressed_bytes), whose hash has been compared, is in that
 * room, or is copied, which waits likewise. `progress` must live until the pool is idle.
 * ALOG_NO_MEMORY, also for an earlier block. */
enum alog_status alog_fold_pool_add(struct alog_fold_pool *pool, const uint8_t *frame,
                                    const struct alog_block_facts *facts,
                                    struct alog_fold_progress *progress);

/* Bytes of all groups, as of each thread's last block. */
size_t alog_fold_pool_bytes(struct alog_fold_pool *pool);

/* Wait until every block is folded, then move each thread's groups into one of `ret_groups`, which
 * are empty and as many as the threads; they are freed before the pool. ALOG_NO_MEMORY: some are
 * incomplete. */
enum alog_status alog_fold_pool_take(struct alog_fold_pool *pool, struct alog_groups *ret_groups);

/* Wait until every block is folded, then move all groups, and the jobs seen, to the caller's.
 * `seen_jobs` may be NULL. ALOG_NO_MEMORY. */
enum alog_status alog_fold_pool_collect(struct alog_fold_pool *pool, struct alog_groups *into,
                                        struct alog_names *seen_jobs);

#endif
