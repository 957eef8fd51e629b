/* From a block of events to bytes on the disk: facts, compression, the write, and its retry. */
#include <stdlib.h>

#include "drain.h"

/* After a failed write, the next attempt waits so long, unless somebody asks for it. */
#define RETRY_AFTER_NS INT64_C(50000000)

/* ---- Closing a block ------------------------------------------------------------------------ */

static uint32_t list_drops(struct alog_drain *drain) {
    uint32_t count = 0;
    for (uint32_t type = 0; type < ALOG_MAX_TYPES && drain->lost_total > 0; type++) {
        if (drain->lost[type] > 0) {
            drain->drops[count++] = (struct alog_type_tally){type, drain->lost[type]};
        }
    }
    return count;
}

/* The rings that this block holds something of, and how far. */
static enum alog_status list_marks(struct alog_drain *drain, uint32_t *ret_count) {
    uint32_t count = 0;
    for (struct alog_ring_slot *slot = alog_ring_set_first(&drain->writer->rings); slot != NULL;
         slot = slot->next) {
        if (slot->consumer.taken == slot->marked) {
            continue;
        }
        if (count == drain->mark_capacity) {
            uint32_t capacity = count == 0 ? 16 : 2 * count;
            struct alog_ring_mark *grown = realloc(drain->marks, capacity * sizeof *grown);
            if (grown == NULL) {
                return ALOG_NO_MEMORY;
            }
            drain->marks = grown;
            drain->mark_capacity = capacity;
        }
        drain->marks[count++] =
            (struct alog_ring_mark){slot->consumer.header->ring_id, slot->consumer.taken};
    }
    *ret_count = count;
    return ALOG_OK;
}

static enum alog_status close_block(struct alog_drain *drain) {
    struct alog_block_facts facts;
    uint32_t mark_count = 0;
    const uint8_t *raw = NULL;
    enum alog_status status = list_marks(drain, &mark_count);
    if (status == ALOG_OK) {
        status = alog_block_builder_finish(drain->builder, drain->next_sequence, &raw, &facts);
    }
    if (status == ALOG_OK) {
        status =
            alog_block_compress(drain->compressor, raw, facts.raw_bytes, &drain->frame, &facts);
    }
    if (status != ALOG_OK) {
        return status;
    }
    facts.drop_count = list_drops(drain);
    facts.drops = drain->drops;
    facts.dropped = drain->lost_total;
    facts.emitted = drain->taken_total + drain->lost_total;
    facts.rings = drain->marks;
    facts.ring_count = mark_count;
    drain->facts = facts;
    drain->pending = true;
    return ALOG_OK;
}

/* ---- Writing a block ------------------------------------------------------------------------ */

/* The block is in the file: give back the rings' room, count, and begin the next block. */
static void block_is_stored(struct alog_drain *drain) {
    struct alog_writer *writer = drain->writer;
    uint64_t events = drain->facts.last_sequence - drain->facts.first_sequence + 1;
    /* Before the room is given back: whoever waits for room must not see it stored later. */
    alog_drain_count(&writer->counters.stored, events - drain->own_events);
    alog_drain_count(&writer->counters.raw_bytes, drain->facts.raw_bytes);
    alog_drain_count_segment_bytes(drain);
    alog_drain_note_drops(drain);
    for (struct alog_ring_slot *slot = alog_ring_set_first(&writer->rings); slot != NULL;
         slot = slot->next) {
        if (slot->marked != slot->consumer.taken) {
            slot->marked = slot->consumer.taken;
            alog_ring_release(&slot->consumer, slot->marked);
        }
    }
    drain->next_sequence += events;
    drain->own_events = 0;
    drain->pending = false;
    alog_block_builder_reset(drain->builder);
}

static enum alog_status append_block(struct alog_drain *drain, struct alog_error *error) {
    enum alog_status status = ALOG_OK;
    if (drain->segment == NULL) {
        status = alog_drain_make_segment(drain, error);
    }
    if (status == ALOG_OK) {
        status = alog_segment_append(drain->segment, &drain->facts, drain->frame, error);
    }
    return status;
}

static enum alog_status write_block(struct alog_drain *drain, struct alog_error *error) {
    alog_drain_rotate(drain);
    enum alog_status status = append_block(drain, error);
    if (status == ALOG_LIMIT) {
        /* Its index is full, which takes hundreds of thousands of small blocks: no trouble, the
         * next segment takes this one. A failed seal is kept for close. */
        (void)alog_drain_seal(drain);
        status = append_block(drain, error);
    }
    return status;
}

enum alog_status alog_drain_cut(struct alog_drain *drain) {
    if (!drain->pending) {
        if (alog_block_builder_events(drain->builder) == 0) {
            return ALOG_OK;
        }
        enum alog_status status = close_block(drain);
        if (status != ALOG_OK) {
            return status;
        }
    }
    int64_t now = drain->io->monotonic_ns(drain->io->context);
    if (now < drain->retry_at_ns && !drain->forced) {
        return ALOG_IO;
    }
    int named = alog_control_retry(&drain->writer->control);
    if (named < 0) {
        alog_writer_note_failure(drain->writer, named);
    }
    struct alog_error error = {0};
    enum alog_status status = write_block(drain, &error);
    if (status != ALOG_OK) {
        alog_drain_failed(drain, status, &error, false);
        drain->retry_at_ns = now + RETRY_AFTER_NS;
        return status;
    }
    drain->retry_at_ns = 0;
    if (!drain->unsynced) {
        drain->unsynced = true;
        drain->unsynced_since_ns = now;
    }
    block_is_stored(drain);
    if (drain->writer->options.sync == ALOG_SYNC_BLOCK) {
        return alog_drain_sync(drain);
    }
    return ALOG_OK;
}
