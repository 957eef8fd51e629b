/* From a block of events to bytes on the disk: facts, compression, segments, rotation, sync. */
#include <stdlib.h>
#include <string.h>

#include "drain.h"

#define DAY_NS INT64_C(86400000000000)

/* After a failed write, the next attempt waits so long, unless somebody asks for it. */
#define RETRY_AFTER_NS INT64_C(50000000)

void alog_drain_failed(struct alog_drain *drain, enum alog_status status,
                       const struct alog_error *error, bool costs_something) {
    alog_writer_note_failure(drain->writer, -error->system_errno);
    if (costs_something && drain->result == ALOG_OK) {
        drain->result = status;
        drain->error = *error;
    }
}

/* Counters of ours: one writer, this thread, so a load and a store will do. Release: pairs with the
 * acquire in alog_writer_get_stats; who sees an event stored sees that it was published. */
static void add_to(_Atomic uint64_t *counter, uint64_t more) {
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + more, memory_order_release);
}

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

/* ---- Segments ------------------------------------------------------------------------------- */

static enum alog_status make_segment(struct alog_drain *drain, struct alog_error *error) {
    struct alog_writer *writer = drain->writer;
    enum alog_status status = alog_segment_create(
        drain->io, writer->log_dir, writer->writer_id, drain->segment_number + 1,
        writer->options.environment, drain->predecessor_id, drain->predecessor_last_sequence,
        &drain->segment, error);
    if (status != ALOG_OK) {
        drain->segment = NULL;
        return status;
    }
    drain->segment_number++;
    drain->segment_began_ns = drain->io->monotonic_ns(drain->io->context);
    drain->segment_counted = 0;
    add_to(&writer->counters.segments, 1);
    return ALOG_OK;
}

static void count_segment_bytes(struct alog_drain *drain) {
    uint64_t bytes = alog_segment_bytes(drain->segment);
    add_to(&drain->writer->counters.segment_bytes, bytes - drain->segment_counted);
    drain->segment_counted = bytes;
}

/* The next segment names the one that ends here. */
static void remember_predecessor(struct alog_drain *drain) {
    if (alog_segment_blocks(drain->segment) > 0) {
        memcpy(drain->predecessor_id, alog_segment_file_id(drain->segment), 16);
        drain->predecessor_last_sequence = alog_segment_last_sequence(drain->segment);
    }
}

enum alog_status alog_drain_seal(struct alog_drain *drain) {
    if (drain->segment == NULL) {
        return ALOG_OK;
    }
    remember_predecessor(drain);
    struct alog_error error = {0};
    enum alog_status status =
        alog_segment_seal(drain->segment, drain->writer->options.sync != ALOG_SYNC_NONE, &error);
    drain->segment = NULL;
    drain->unsynced = false;
    if (status != ALOG_OK) {
        alog_drain_failed(drain, status, &error, true);
    }
    return status;
}

void alog_drain_rotate(struct alog_drain *drain) {
    if (drain->segment == NULL) {
        return;
    }
    const struct alog_writer_options *options = &drain->writer->options;
    int64_t age = drain->io->monotonic_ns(drain->io->context) - drain->segment_began_ns;
    int64_t today = drain->io->realtime_ns(drain->io->context) / DAY_NS;
    if (alog_segment_bytes(drain->segment) >= options->segment_bytes ||
        age >= (int64_t)options->segment_age_ms * 1000000 ||
        today != alog_segment_created_ns(drain->segment) / DAY_NS) {
        /* A failure is kept for close; the next segment is begun all the same. */
        (void)alog_drain_seal(drain);
    }
}

enum alog_status alog_drain_sync(struct alog_drain *drain) {
    if (!drain->unsynced || drain->segment == NULL) {
        return ALOG_OK;
    }
    struct alog_error error = {0};
    enum alog_status status = alog_segment_sync(drain->segment, &error);
    drain->unsynced = false;
    if (status != ALOG_OK) {
        /* After a failed fsync the kernel has forgotten what it could not write: a second call on
         * this file would succeed and mean nothing. */
        alog_drain_failed(drain, status, &error, true);
        remember_predecessor(drain);
        alog_segment_abandon(drain->segment);
        drain->segment = NULL;
    }
    return status;
}

/* ---- Writing a block ------------------------------------------------------------------------ */

/* The block is in the file: give back the rings' room, count, and begin the next block. */
static void block_is_stored(struct alog_drain *drain) {
    struct alog_writer *writer = drain->writer;
    uint64_t events = drain->facts.last_sequence - drain->facts.first_sequence + 1;
    /* Before the room is given back: whoever waits for room must not see it stored later. */
    add_to(&writer->counters.stored, events - drain->own_events);
    add_to(&writer->counters.raw_bytes, drain->facts.raw_bytes);
    count_segment_bytes(drain);
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
        status = make_segment(drain, error);
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
