/*
 * The hot path: from a log call's entry to its event's publication in the thread's ring.
 *
 *     struct alog_record record;
 *     status = alog_record_begin(&record, writer, type, bound);    room, or why there is none
 *     … encode at record.payload, at most `bound` bytes …
 *     status = alog_record_end(&record, end);                      one release store
 *
 * Between the two the slot is `busy`. That keeps a signal handler that logs from writing into the
 * half-made record, and lets close wait until the last call is over.
 *
 * The typed calls (log_typed.c) go the same way with what they know already. Where their
 * instructions go, for the event with five strings of tests/bench (GCC 12, x86-64, counted with
 * callgrind and by eye):
 *
 *     is it a usual one: lengths, ranges, what is required    37
 *     enter the slot, find room                               22
 *     timestamp: counter to wall clock, in order              26
 *     array head, type, timestamp, the job's id               18
 *     five fields of text                                     65
 *     seven numbers                                           43
 *     publish, leave                                          18
 *
 * 229 of them, the reading of the counter (10 ns by itself) included; the event with one string
 * and three numbers takes 197.
 */
#ifndef AGENTLOG_WRITER_RECORD_H
#define AGENTLOG_WRITER_RECORD_H

#include <agentlog/writer.h>

#include "job_scope.h"
#include "ring_set.h"
#include "thread_state.h"
#include "writer_state.h"

#define ALOG_LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define ALOG_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

struct alog_record {
    struct alog_ring_slot *slot;
    uint8_t *payload;
    struct alog_writer *writer;
    uint64_t ticks; /* of the counter, at entry: it takes long, and what follows does not need it */
    uint32_t type;
};

/* The thread has no slot at this writer yet, or a closed one, or is interrupted in a log call. */
enum alog_status alog_record_begin_slowly(struct alog_record *record, struct alog_writer *writer,
                                          uint32_t type, uint64_t bound);

/* Entered, but the ring has no room for it. Leaves the slot unless it returns ALOG_OK. */
enum alog_status alog_record_no_room(struct alog_record *record, struct alog_writer *writer,
                                     struct alog_ring_slot *slot, uint32_t type, uint64_t bound);

/* Leave the slot, count the event as too big. */
enum alog_status alog_record_too_big(struct alog_record *record);

/* Begin to log into `slot`, one's own. False, and nothing happened, when it is busy or closed. */
static inline bool alog_slot_enter(struct alog_ring_slot *slot) {
    /* Relaxed: only this thread and its signal handlers store it, and a handler that comes between
     * here and the store below is over before the store is made. */
    if (ALOG_UNLIKELY(atomic_load_explicit(&slot->busy, memory_order_relaxed) != 0)) {
        return false;
    }
    if (ALOG_UNLIKELY(slot->needs_fence)) {
        /* Sequentially consistent: pairs with alog_ring_set_close, see below. */
        atomic_exchange_explicit(&slot->busy, 1, memory_order_seq_cst);
    } else {
        /* Relaxed: close runs membarrier between its store of `closed` and its load of `busy`,
         * which orders this store and the load below as if a fence stood between them. */
        atomic_store_explicit(&slot->busy, 1, memory_order_relaxed);
        atomic_signal_fence(memory_order_seq_cst);
    }
    if (ALOG_UNLIKELY(atomic_load_explicit(&slot->closed, memory_order_relaxed) != 0)) {
        atomic_store_explicit(&slot->busy, 0, memory_order_release);
        return false;
    }
    return true;
}

static inline void alog_slot_leave(struct alog_ring_slot *slot) {
    /* Release: pairs with the acquire in alog_ring_set_close. */
    atomic_store_explicit(&slot->busy, 0, memory_order_release);
}

static inline enum alog_status alog_record_begin(struct alog_record *record,
                                                 struct alog_writer *writer, uint32_t type,
                                                 uint64_t bound) {
    record->ticks = alog_clock_ticks();
    struct alog_ring_slot *slot = alog_self.slot;
    if (ALOG_UNLIKELY(alog_self.writer != writer || !alog_slot_enter(slot))) {
        return alog_record_begin_slowly(record, writer, type, bound);
    }
    uint8_t *payload = alog_ring_reserve(&slot->producer, bound);
    if (ALOG_UNLIKELY(payload == NULL)) {
        return alog_record_no_room(record, writer, slot, type, bound);
    }
    record->slot = slot;
    record->payload = payload;
    record->writer = writer;
    record->type = type;
    return ALOG_OK;
}

/* The timestamp of a record that was begun at `ticks`, unless it brings its own. */
static inline int64_t alog_record_now(const struct alog_writer *writer, uint64_t ticks) {
    int64_t now = alog_clock_in_order(alog_clock_when(&writer->clock, ticks), alog_self.last_ns);
    alog_self.last_ns = now;
    return now;
}

static inline enum alog_status alog_record_end(struct alog_record *record, const uint8_t *end) {
    uint64_t bytes = (uint64_t)(end - record->payload);
    if (ALOG_UNLIKELY(bytes > record->slot->max_event_bytes)) {
        return alog_record_too_big(record);
    }
    alog_ring_publish(&record->slot->producer, record->payload, (uint32_t)bytes, record->type);
    alog_slot_leave(record->slot);
    return ALOG_OK;
}

#endif
