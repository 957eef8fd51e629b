/*
 * The rings of a writer: files that are made when a thread first logs, handed on when it ends, and
 * removed when the writer closes.
 */
#ifndef AGENTLOG_WRITER_RING_SET_H
#define AGENTLOG_WRITER_RING_SET_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <agentlog/agentlog.h>

#include "ring.h"

struct alog_writer;

/* Where rings go when no directory was asked for: shared memory, which a killed process leaves. */
#define ALOG_SHARED_MEMORY_DIR "/dev/shm"

/*
 * One ring of this process. The first line belongs to the thread that logs (and `closed` to the one
 * that closes), the rest to the drain thread. They are 128 bytes apart, because processors fetch
 * cache lines in pairs.
 */
struct alog_ring_slot {
    alignas(128) struct alog_ring_producer producer;
    /* The thread is between entry and publication. Seen by its own signal handlers and by close. */
    _Atomic uint32_t busy;
    _Atomic uint32_t closed;
    uint32_t max_event_bytes;
    bool needs_fence; /* there is no membarrier: entry must fence by itself */

    alignas(128) struct alog_ring_consumer consumer;
    uint64_t events_taken;
    uint64_t last_sequence;  /* of the last event taken from this ring, 0 = none */
    uint64_t marked;         /* `taken` as the last block's header recorded it */
    uint64_t reported_total; /* losses that are in the log */
    uint64_t *reported;      /* … by type; NULL until there is one */

    void *memory; /* NULL once unmapped */
    bool keep;    /* of the thread that forked: a call that it was entering may still look */
    char *path;
    struct alog_ring_slot *next;      /* in the set's list; fixed once published */
    struct alog_ring_slot *next_free; /* guarded by the writer's mutex */
};

struct alog_ring_set {
    _Atomic(struct alog_ring_slot *) first; /* every slot, latest first; only ever prepended to */
    struct alog_ring_slot *free;            /* whose threads are gone */
    uint64_t count;
    uint64_t next_id;         /* ring ids count from 1 */
    _Atomic int64_t retry_at; /* monotonic: after a failure, no attempt before this */
    uint64_t bytes_each;
};

/* The first slot; the others follow by `next`. Any thread, no lock. */
static inline struct alog_ring_slot *alog_ring_set_first(const struct alog_ring_set *set) {
    /* Acquire: pairs with the release that publishes a slot in ring_set.c. */
    return atomic_load_explicit(&set->first, memory_order_acquire);
}

/*
 * A slot for the calling thread: one that a thread left, or a new one. ALOG_CLOSED; ALOG_IO or
 * ALOG_NO_MEMORY (then not tried again for a while).
 */
enum alog_status alog_ring_set_take(struct alog_writer *writer, struct alog_ring_slot **ret_slot);

/* The thread that used it is gone; what it left will still be drained. */
void alog_ring_set_give_back(struct alog_writer *writer, struct alog_ring_slot *slot);

/*
 * Make every log call from now on return ALOG_CLOSED, and wait until those under way are over.
 * After this nothing is published any more: tests/model/close.pml proves it.
 */
void alog_ring_set_close(struct alog_writer *writer);

/* Where this writer's rings are to be; another place when that fails. */
const char *alog_ring_set_dir(const struct alog_writer *writer);

/* Unmap all rings; with `remove`, remove their files too. */
void alog_ring_set_unmap(struct alog_writer *writer, bool remove);

/* In a child of fork: the rings are the parent's. Unmap them, leave their slots in
 * writer->inherited, and begin with none. */
void alog_ring_set_disown(struct alog_writer *writer);

/* Free a list of slots, when nobody can have one any more. */
void alog_ring_slots_free(struct alog_ring_slot *first);

#endif
