/* Taking events out of the rings, a batch at a time. */
#include "drain.h"

/* A ring that gave this part of itself in one pass may be full before a nap is over. */
#define RUSH_PART 8

/* Records that are looked at before they are transcoded, and how far ahead of them the ring's lines
 * are asked for, which lie in the other processor's cache. */
#define BATCH_RECORDS 32u
#define LINE_BYTES    64u
#define AHEAD_BYTES   1024u

struct batch {
    uint32_t count;
    struct alog_plain_event events[BATCH_RECORDS];
    uint32_t types[BATCH_RECORDS];
    uint64_t ends[BATCH_RECORDS]; /* how far the ring is taken with this one */
};

/* What the ring held is no event. It was accepted once, so it counts as lost. */
static void count_unreadable(struct alog_drain *drain, uint32_t type, uint64_t events) {
    /* As one for alog_writer_get_stats: an event is in flight or lost. */
    pthread_mutex_lock(&drain->writer->mutex);
    alog_drain_count(&drain->writer->counters.unreadable, events);
    alog_losses_count_many(&drain->writer->losses, ALOG_LOSS_UNREADABLE,
                           type < ALOG_MAX_TYPES ? type : 0, events);
    pthread_mutex_unlock(&drain->writer->mutex);
}

static uint64_t last_sequence_taken(const struct alog_drain *drain) {
    return drain->next_sequence + alog_drain_events(drain) - 1;
}

/* A block that may be added to. */
static enum alog_status begin(struct alog_drain *drain) {
    enum alog_status status = alog_drain_make_room(drain);
    if (status == ALOG_OK && alog_drain_events(drain) == 0) {
        drain->began_ns = drain->previous_pass_ns;
    }
    return status;
}

enum alog_status alog_drain_add_own(struct alog_drain *drain, const uint8_t *plain,
                                    uint32_t bytes) {
    for (;;) {
        enum alog_status status = begin(drain);
        if (status != ALOG_OK) {
            return status;
        }
        struct alog_drain_block *block = alog_drain_filling(drain);
        status = alog_block_builder_add(block->builder, plain, bytes);
        if (status != ALOG_LIMIT) {
            block->own_events += status == ALOG_OK;
            return status;
        }
        status = alog_drain_turn(drain);
        if (status != ALOG_OK) {
            return status;
        }
    }
}

/*
 * A ring must get room back before it is full: not all of it may wait for the block to fill. With
 * a helper, two more blocks may hold parts of it.
 */
static bool is_holding_much(const struct alog_drain *drain, const struct alog_ring_slot *slot) {
    return slot->consumer.taken - slot->marked >
           slot->consumer.mask / (drain->helper != NULL ? 4 : 2);
}

/* The records below `end`, up to a batch; says what follows them. */
static enum alog_ring_take gather(const struct alog_drain *drain, struct alog_ring_slot *slot,
                                  uint64_t end, struct batch *batch) {
    struct alog_ring_consumer ahead = slot->consumer;
    struct alog_ring_record record;
    const uint64_t most = slot->marked + slot->consumer.mask / (drain->helper != NULL ? 4 : 2);
    enum alog_ring_take took = ALOG_RING_TOOK;
    batch->count = 0;
    /* One at least: what is no event cannot be written, and must not be waited for. */
    while (batch->count == 0 || (batch->count < BATCH_RECORDS && ahead.taken <= most)) {
        took = alog_ring_take(&ahead, end, &record);
        if (took != ALOG_RING_TOOK) {
            break;
        }
        if (end - ahead.taken > AHEAD_BYTES) {
            const uint8_t *next = ahead.data + ((ahead.taken + AHEAD_BYTES) & ahead.mask);
            __builtin_prefetch(next);
            __builtin_prefetch(next + LINE_BYTES);
        }
        batch->events[batch->count] = (struct alog_plain_event){record.payload, record.bytes};
        batch->types[batch->count] = record.tag;
        batch->ends[batch->count++] = ahead.taken;
    }
    return took;
}

/* Records `from` to `to` of the batch are in the block. */
static void note_taken(struct alog_drain *drain, struct alog_ring_slot *slot,
                       const struct batch *batch, uint32_t from, uint32_t to) {
    if (from == to) {
        return;
    }
    for (uint32_t i = from; i < to; i++) {
        drain->taken[batch->types[i]]++;
    }
    drain->taken_total += to - from;
    slot->events_taken += to - from;
    slot->consumer.taken = batch->ends[to - 1];
    slot->last_sequence = last_sequence_taken(drain);
}

static enum alog_status add_batch(struct alog_drain *drain, struct alog_ring_slot *slot,
                                  const struct batch *batch) {
    uint32_t at = 0;
    while (at < batch->count) {
        enum alog_status status = begin(drain);
        if (status != ALOG_OK) {
            return status;
        }
        uint32_t added;
        status = alog_block_builder_add_all(alog_drain_filling(drain)->builder, batch->events + at,
                                            batch->count - at, &added);
        /* A block that is closed on the way must not claim the record that comes after it. */
        note_taken(drain, slot, batch, at, at + added);
        at += added;
        if (status == ALOG_LIMIT) {
            status = alog_drain_turn(drain);
        } else if (status == ALOG_CORRUPT) {
            count_unreadable(drain, batch->types[at], 1);
            slot->events_taken++;
            slot->consumer.taken = batch->ends[at++];
            status = ALOG_OK;
        }
        if (status != ALOG_OK) {
            return status;
        }
    }
    return ALOG_OK;
}

/* Take the ring's events up to `end`, a position that is published. */
static enum alog_status take_until(struct alog_drain *drain, struct alog_ring_slot *slot,
                                   uint64_t end) {
    for (;;) {
        struct batch batch;
        enum alog_ring_take took = gather(drain, slot, end, &batch);
        enum alog_status status = add_batch(drain, slot, &batch);
        if (status == ALOG_OK && is_holding_much(drain, slot)) {
            status = alog_drain_turn(drain);
        }
        if (status != ALOG_OK) {
            return status;
        }
        if (took == ALOG_RING_EMPTY) {
            return ALOG_OK;
        }
        if (took == ALOG_RING_BROKEN) {
            /* Relaxed: nobody can say any more what exactly was there. */
            uint64_t published =
                atomic_load_explicit(&slot->consumer.header->published, memory_order_relaxed);
            count_unreadable(drain, 0, published - slot->events_taken);
            slot->events_taken = published;
            slot->consumer.taken = end;
            return ALOG_OK;
        }
    }
}

/*
 * Take what the ring has. Losses are reported where they happened: after the events that were
 * logged before the latest of them, and before those that came later.
 */
static enum alog_status take_ring(struct alog_drain *drain, struct alog_ring_slot *slot) {
    const struct alog_ring_header *header = slot->consumer.header;
    uint64_t lost = alog_ring_lost(header);
    uint64_t head = alog_ring_published(header);
    if (lost != slot->reported_total) {
        /* Relaxed: alog_ring_lost acquired it. */
        uint64_t lost_at = atomic_load_explicit(&header->lost_at, memory_order_relaxed);
        enum alog_status status = take_until(drain, slot, lost_at < head ? lost_at : head);
        if (status == ALOG_OK) {
            status = alog_drain_report_ring(drain, slot);
        }
        if (status != ALOG_OK) {
            return status;
        }
    }
    return take_until(drain, slot, head);
}

enum alog_status alog_drain_take_all(struct alog_drain *drain, bool *ret_rush) {
    enum alog_status status = alog_drain_report_losses(drain);
    for (struct alog_ring_slot *slot = alog_ring_set_first(&drain->writer->rings);
         slot != NULL && status == ALOG_OK; slot = slot->next) {
        uint64_t before = slot->consumer.taken;
        status = take_ring(drain, slot);
        *ret_rush |= slot->consumer.taken - before > slot->consumer.mask / RUSH_PART;
    }
    return status;
}

bool alog_drain_is_empty(const struct alog_drain *drain) {
    if (drain->closed > 0 || alog_drain_events(drain) > 0) {
        return false;
    }
    for (struct alog_ring_slot *slot = alog_ring_set_first(&drain->writer->rings); slot != NULL;
         slot = slot->next) {
        if (slot->consumer.taken != alog_ring_published(slot->consumer.header)) {
            return false;
        }
    }
    return true;
}
