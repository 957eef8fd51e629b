/*
 * The drain thread: takes events out of the rings, builds blocks of them, and puts the blocks into
 * segments. Files: drain.c decides when, drain_take.c takes, drain_block.c gets blocks to the disk,
 * drain_helper.c has them compressed by a second thread, drain_segment.c makes, syncs and seals
 * their files, drain_report.c makes the writer's own events.
 *
 * Everything here is the drain thread's alone, apart from the counters in the writer's handle and
 * what the helper is given. After a fork the child has neither thread and leaves all of it alone.
 */
#ifndef AGENTLOG_WRITER_DRAIN_H
#define AGENTLOG_WRITER_DRAIN_H

#include <agentlog/agentlog.h>

#include "format/block.h"
#include "format/segment.h"
#include "writer_state.h"

/*
 * Blocks go round: one is filled, those before it are closed and wait, oldest first, to be
 * compressed and written. Without a helper there is one. With it three: one is filled while another
 * is compressed and a third is written.
 */
#define ALOG_DRAIN_BLOCKS 3u

/* How far a closed block goes in a ring: what may be given back when it is in the file. */
struct alog_drain_reach {
    struct alog_ring_slot *slot;
    uint64_t end;
};

struct alog_drain_block {
    struct alog_block_builder *builder;
    struct alog_block_compressor *compressor;
    uint64_t own_events;           /* in it, the writer's own */
    const uint8_t *raw;            /* once it is closed; in the builder */
    const uint8_t *frame;          /* once it is compressed; in the compressor */
    struct alog_block_facts facts; /* once it is closed; what compression adds, after that */
    struct alog_type_tally *drops;
    struct alog_ring_mark *marks;
    struct alog_drain_reach *reaches; /* the rings of `marks` */
    uint32_t mark_capacity;
    bool handed_over; /* the helper has it until alog_drain_helper_has says so */
};

struct alog_drain_helper;

/* A growing text, for the JSON in writer_stats. */
struct alog_drain_text {
    char *data;
    size_t len, capacity;
    bool failed; /* no memory: sticky */
};

/* A segment that is not sealed and not written to any more: its sync failed, its name is gone, or
 * it could not be sealed. */
struct alog_displaced {
    struct alog_segment_writer *segment;
    uint64_t *drops_before; /* stored_drops when it was begun */
    uint64_t counted;       /* its bytes that are in the counters */
};

/* So many wait at most to be sealed or made anew; then the oldest is left to a recovery. */
#define ALOG_MAX_DISPLACED 8u

struct alog_drain {
    struct alog_writer *writer;
    const struct alog_io *io;
    /* The blocks; the one being filled is blocks[(oldest + closed) % block_count], if any is left.
     */
    struct alog_drain_block blocks[ALOG_DRAIN_BLOCKS];
    uint32_t block_count, oldest, closed;
    struct alog_drain_helper *helper; /* NULL: this thread compresses */
    bool no_helper;                   /* it could not be had: do not try again */
    uint64_t next_sequence;           /* of the first event of the block being filled */
    int64_t began_ns;                 /* monotonic: no event in that was logged before */
    struct alog_block_facts facts;    /* of the block being written */

    /* The segment. */
    struct alog_segment_writer *segment; /* NULL: the next block makes one */
    uint64_t segment_number;
    int64_t segment_began_ns; /* monotonic */
    uint64_t segment_counted; /* its bytes that are in the counters */
    uint8_t predecessor_id[16];
    uint64_t predecessor_last_sequence;
    uint64_t *drops_before;                /* as in struct alog_displaced */
    uint64_t stored_drops[ALOG_MAX_TYPES]; /* as the last block's header says */
    bool unsynced;
    int64_t unsynced_since_ns;
    struct alog_displaced displaced[ALOG_MAX_DISPLACED];
    uint32_t displaced_count;
    int64_t settle_at_ns, settle_wait_ns; /* when they are tried next, and how long after that */
    int64_t look_at_ns;                   /* when the names are looked at next */
    uint64_t left;                        /* segments that stay unsealed */

    /* What the log says so far, the block being filled included. */
    uint64_t taken_total, lost_total;
    uint64_t taken[ALOG_MAX_TYPES], lost[ALOG_MAX_TYPES];
    uint64_t reported_losses; /* of writer->losses */
    uint64_t reported[ALOG_LOSS_REASONS][ALOG_MAX_TYPES];
    uint64_t *unsaid; /* losses, by type, that the log said until that was lost; NULL = none ever */
    bool has_unsaid;
    uint64_t stats_taken, stats_lost; /* at the last writer_stats */
    int64_t stats_ns;
    struct alog_drain_text text;
    uint8_t *scratch;
    size_t scratch_bytes;

    /* The loop. */
    int64_t pass_ns, previous_pass_ns; /* monotonic: when this pass began, and the one before */
    int64_t nap_ns;
    int64_t clock_at_ns; /* the clock is calibrated then */
    int64_t retry_at_ns; /* after a failed write, not before this */
    bool emptied;        /* at the end: nothing is left in the rings, */
    bool settled;        /* … and every segment is sealed */
    bool forced;         /* a flush or the end: do not wait for retry_at_ns */

    enum alog_status result; /* the first failure that cost something, for close */
    struct alog_error error;
};

/* ALOG_NO_MEMORY, ALOG_INVALID (compression level). */
enum alog_status alog_drain_new(struct alog_writer *writer, struct alog_drain **ret_drain);
void alog_drain_free(struct alog_drain *drain);

/* The thread's body: runs until writer->finish, then empties the rings and seals. */
void *alog_drain_run(void *drain);

/* ---- drain_take.c --------------------------------------------------------------------------- */

/* Take one of the writer's own events into the block. On failure nothing was taken. */
enum alog_status alog_drain_add_own(struct alog_drain *drain, const uint8_t *plain, uint32_t bytes);

/* One look at every ring; *ret_rush: one of them fills so fast that there is no time to sleep. */
enum alog_status alog_drain_take_all(struct alog_drain *drain, bool *ret_rush);

/* Is there anything that is not in the file? */
bool alog_drain_is_empty(const struct alog_drain *drain);

/* ---- drain_block.c -------------------------------------------------------------------------- */

/* Make one more block, at the place of the next. ALOG_NO_MEMORY, ALOG_INVALID (level). */
enum alog_status alog_drain_block_new(struct alog_drain *drain);
void alog_drain_block_free(struct alog_drain_block *block);

/* The block being filled; NULL if all are closed. */
static inline struct alog_drain_block *alog_drain_filling(struct alog_drain *drain) {
    return drain->closed < drain->block_count
               ? &drain->blocks[(drain->oldest + drain->closed) % drain->block_count]
               : NULL;
}

/* Events in the block being filled. */
static inline uint64_t alog_drain_events(const struct alog_drain *drain) {
    return drain->closed < drain->block_count
               ? alog_block_builder_events(
                     drain->blocks[(drain->oldest + drain->closed) % drain->block_count].builder)
               : 0;
}

/* See that there is a block to fill; the oldest is written if there is none. */
enum alog_status alog_drain_make_room(struct alog_drain *drain);

/* The block is full, or holds much of a ring: close it and go on with another. It is written now,
 * or later if there is a helper. */
enum alog_status alog_drain_turn(struct alog_drain *drain);

/* Write what the helper is done with. */
enum alog_status alog_drain_collect(struct alog_drain *drain);

/* Close the block and write it and those before it; nothing to do when there are none. On failure
 * they stay. */
enum alog_status alog_drain_cut(struct alog_drain *drain);

/* ---- drain_helper.c ------------------------------------------------------------------------- */

/* Start the thread. NULL and a positive errno in *ret_errno: there is none to be had. */
struct alog_drain_helper *alog_drain_helper_start(int *ret_errno);

/* Have a closed block compressed; at most ALOG_DRAIN_BLOCKS are under way. */
void alog_drain_helper_give(struct alog_drain_helper *helper, struct alog_drain_block *block);

/* Is it compressed? With `wait`, after waiting for it. */
bool alog_drain_helper_has(struct alog_drain_helper *helper, const struct alog_drain_block *block,
                           bool wait);

/* End the thread, when it has nothing to do, and free it. NULL is fine. */
void alog_drain_helper_stop(struct alog_drain_helper *helper);

/* ---- drain_segment.c ------------------------------------------------------------------------ */

/* Begin the next segment; drain->segment is NULL before, and after a failure. */
enum alog_status alog_drain_make_segment(struct alog_drain *drain, struct alog_error *error);

/* Seal the segment if its size, its age or the day says so. See that files still have names, and
 * that displaced segments get into their places. */
void alog_drain_rotate(struct alog_drain *drain);

/* Seal the segment, if there is one. When that fails it is displaced, and the next can begin. */
enum alog_status alog_drain_seal(struct alog_drain *drain);

/* Sync what was written and is not synced yet. A segment whose sync fails is made anew at once, or
 * displaced until that works. */
enum alog_status alog_drain_sync(struct alog_drain *drain);

/* Try once more to get every displaced segment into its place, at the end of the writer. What
 * stays unsealed is left to a recovery, and counts as a failure. */
void alog_drain_settle_all(struct alog_drain *drain);

/* Free what belongs to segments, whose files are left as they are. */
void alog_drain_free_segments(struct alog_drain *drain);

/* The block that `facts` describes is in the segment. */
void alog_drain_note_drops(struct alog_drain *drain);

/* Add to the counters what the segment grew by. */
void alog_drain_count_segment_bytes(struct alog_drain *drain);

/*
 * Add to a counter that this thread alone writes, so a load and a store will do. Release: pairs
 * with the acquire in alog_writer_get_stats; who sees an event stored sees that it was published.
 */
static inline void alog_drain_count(_Atomic uint64_t *counter, uint64_t more) {
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + more, memory_order_release);
}

/* Keep the first failure for close, count it. */
void alog_drain_failed(struct alog_drain *drain, enum alog_status status,
                       const struct alog_error *error, bool costs_something);

/* ---- drain_report.c ------------------------------------------------------------------------- */

/* writer_loss for the ring's losses that are not in the log yet. */
enum alog_status alog_drain_report_ring(struct alog_drain *drain, struct alog_ring_slot *slot);

/* writer_loss for the losses that no ring counted. */
enum alog_status alog_drain_report_losses(struct alog_drain *drain);

/* writer_stats, unless nothing was logged since the last. */
enum alog_status alog_drain_report_stats(struct alog_drain *drain);

#endif
