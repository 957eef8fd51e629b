/* From a block of events to bytes on the disk: facts, compression, the write, and its retry. */
#include <errno.h>
#include <stdlib.h>

#include "drain.h"

/* After a failed write, the next attempt waits so long, unless somebody asks for it. */
#define RETRY_AFTER_NS INT64_C(50000000)

/* ---- Blocks ---------------------------------------------------------------------------------- */

enum alog_status alog_drain_block_new(struct alog_drain *drain) {
    const struct alog_writer *writer = drain->writer;
    struct alog_drain_block block = {.drops = calloc(ALOG_MAX_TYPES, sizeof *block.drops)};
    struct alog_block_builder_options options = {
        .writer_id = writer->writer_id,
        .environment = writer->options.environment,
        .schema = writer->schema,
        .block_bytes = (uint32_t)writer->options.block_bytes,
    };
    enum alog_status status = block.drops == NULL ? ALOG_NO_MEMORY : ALOG_OK;
    if (status == ALOG_OK) {
        status = alog_block_builder_new(&options, &block.builder);
    }
    if (status == ALOG_OK) {
        status = alog_block_compressor_new(writer->options.compression_level, &block.compressor);
    }
    if (status != ALOG_OK) {
        alog_drain_block_free(&block);
        return status;
    }
    drain->blocks[drain->block_count++] = block;
    return ALOG_OK;
}

void alog_drain_block_free(struct alog_drain_block *block) {
    if (block->builder != NULL) {
        alog_block_builder_free(block->builder);
    }
    if (block->compressor != NULL) {
        alog_block_compressor_free(block->compressor);
    }
    free(block->drops);
    free(block->marks);
    free(block->reaches);
}

/* ---- Closing a block ------------------------------------------------------------------------ */

static uint32_t list_drops(const struct alog_drain *drain, struct alog_type_tally *drops) {
    uint32_t count = 0;
    for (uint32_t type = 0; type < ALOG_MAX_TYPES && drain->lost_total > 0; type++) {
        if (drain->lost[type] > 0) {
            drops[count++] = (struct alog_type_tally){type, drain->lost[type]};
        }
    }
    return count;
}

static bool reserve_mark(struct alog_drain_block *block, uint32_t count) {
    if (count < block->mark_capacity) {
        return true;
    }
    uint32_t capacity = count == 0 ? 16 : 2 * count;
    struct alog_ring_mark *marks = realloc(block->marks, capacity * sizeof *marks);
    if (marks == NULL) {
        return false;
    }
    block->marks = marks;
    struct alog_drain_reach *reaches = realloc(block->reaches, capacity * sizeof *reaches);
    if (reaches == NULL) {
        return false;
    }
    block->reaches = reaches;
    block->mark_capacity = capacity;
    return true;
}

/* The rings that this block holds something of, and how far. */
static enum alog_status list_marks(struct alog_drain *drain, struct alog_drain_block *block,
                                   uint32_t *ret_count) {
    uint32_t count = 0;
    for (struct alog_ring_slot *slot = alog_ring_set_first(&drain->writer->rings); slot != NULL;
         slot = slot->next) {
        if (slot->consumer.taken == slot->marked) {
            continue;
        }
        if (!reserve_mark(block, count)) {
            return ALOG_NO_MEMORY;
        }
        block->marks[count] =
            (struct alog_ring_mark){slot->consumer.header->ring_id, slot->consumer.taken};
        block->reaches[count++] = (struct alog_drain_reach){slot, slot->consumer.taken};
    }
    *ret_count = count;
    return ALOG_OK;
}

/* The block being filled is closed; what is taken from now on is the next one's. */
static enum alog_status close_block(struct alog_drain *drain) {
    struct alog_drain_block *block = alog_drain_filling(drain);
    struct alog_block_facts facts;
    uint32_t mark_count = 0;
    enum alog_status status = list_marks(drain, block, &mark_count);
    if (status == ALOG_OK) {
        status =
            alog_block_builder_finish(block->builder, drain->next_sequence, &block->raw, &facts);
    }
    if (status != ALOG_OK) {
        return status;
    }
    facts.compressed_bytes = 0;
    facts.drop_count = list_drops(drain, block->drops);
    facts.drops = block->drops;
    facts.dropped = drain->lost_total;
    facts.emitted = drain->taken_total + drain->lost_total;
    facts.rings = block->marks;
    facts.ring_count = mark_count;
    for (uint32_t i = 0; i < mark_count; i++) {
        block->reaches[i].slot->marked = block->reaches[i].end;
    }
    block->facts = facts;
    block->frame = NULL;
    block->handed_over = false;
    drain->next_sequence = facts.last_sequence + 1;
    drain->closed++;
    return ALOG_OK;
}

/* See that the oldest block is compressed. */
static enum alog_status compress_oldest(struct alog_drain *drain) {
    struct alog_drain_block *block = &drain->blocks[drain->oldest];
    if (block->handed_over) {
        alog_drain_helper_has(drain->helper, block, true);
        block->handed_over = false;
    }
    return block->frame != NULL
               ? ALOG_OK
               : alog_block_compress(block->compressor, block->raw, block->facts.raw_bytes,
                                     &block->frame, &block->facts);
}

/* ---- Writing a block ------------------------------------------------------------------------ */

/* The oldest block is in the file: give back the rings' room, count, and make it fit for another.
 */
static void block_is_stored(struct alog_drain *drain) {
    struct alog_writer *writer = drain->writer;
    struct alog_drain_block *block = &drain->blocks[drain->oldest];
    uint64_t events = block->facts.last_sequence - block->facts.first_sequence + 1;
    /* Before the room is given back: whoever waits for room must not see it stored later. */
    alog_drain_count(&writer->counters.stored, events - block->own_events);
    alog_drain_count(&writer->counters.raw_bytes, block->facts.raw_bytes);
    alog_drain_count_segment_bytes(drain);
    alog_drain_note_drops(drain);
    for (uint32_t i = 0; i < block->facts.ring_count; i++) {
        alog_ring_release(&block->reaches[i].slot->consumer, block->reaches[i].end);
    }
    block->own_events = 0;
    alog_block_builder_reset(block->builder);
    drain->oldest = (drain->oldest + 1) % drain->block_count;
    drain->closed--;
}

static enum alog_status append_block(struct alog_drain *drain, struct alog_error *error) {
    enum alog_status status = ALOG_OK;
    if (drain->segment == NULL) {
        status = alog_drain_make_segment(drain, error);
    }
    if (status == ALOG_OK) {
        status = alog_segment_append(drain->segment, &drain->facts,
                                     drain->blocks[drain->oldest].frame, error);
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

static enum alog_status write_oldest(struct alog_drain *drain) {
    int64_t now = drain->io->monotonic_ns(drain->io->context);
    if (now < drain->retry_at_ns && !drain->forced) {
        return ALOG_IO;
    }
    enum alog_status status = compress_oldest(drain);
    if (status != ALOG_OK) {
        return status;
    }
    int named = alog_control_retry(&drain->writer->control);
    if (named < 0) {
        alog_writer_note_failure(drain->writer, named);
    }
    struct alog_error error = {0};
    drain->facts = drain->blocks[drain->oldest].facts;
    status = write_block(drain, &error);
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

/* ---- When -------------------------------------------------------------------------------------
 */

enum alog_status alog_drain_make_room(struct alog_drain *drain) {
    return drain->closed < drain->block_count ? ALOG_OK : write_oldest(drain);
}

/* The helper and its blocks, at the first rush; false: this thread compresses. */
static bool has_helper(struct alog_drain *drain) {
    if (drain->helper != NULL || drain->no_helper || drain->writer->options.drain_threads < 2) {
        return drain->helper != NULL;
    }
    int reason = ENOMEM;
    while (drain->closed == 0 && drain->block_count < ALOG_DRAIN_BLOCKS &&
           alog_drain_block_new(drain) == ALOG_OK) {
    }
    if (drain->block_count == ALOG_DRAIN_BLOCKS) {
        drain->helper = alog_drain_helper_start(&reason);
    }
    if (drain->helper == NULL) {
        drain->no_helper = true;
        alog_writer_note_failure(drain->writer, -reason);
    }
    return drain->helper != NULL;
}

enum alog_status alog_drain_collect(struct alog_drain *drain) {
    while (drain->closed > 0) {
        const struct alog_drain_block *block = &drain->blocks[drain->oldest];
        if (block->handed_over && !alog_drain_helper_has(drain->helper, block, false)) {
            return ALOG_OK;
        }
        enum alog_status status = write_oldest(drain);
        if (status != ALOG_OK) {
            return status;
        }
    }
    return ALOG_OK;
}

enum alog_status alog_drain_turn(struct alog_drain *drain) {
    if (!has_helper(drain)) {
        return alog_drain_cut(drain);
    }
    enum alog_status status = alog_drain_make_room(drain);
    if (status == ALOG_OK && alog_drain_events(drain) > 0) {
        struct alog_drain_block *block = alog_drain_filling(drain);
        status = close_block(drain);
        if (status == ALOG_OK) {
            alog_drain_helper_give(drain->helper, block);
        }
    }
    if (status == ALOG_OK) {
        status = alog_drain_collect(drain);
    }
    return status == ALOG_OK ? alog_drain_make_room(drain) : status;
}

enum alog_status alog_drain_cut(struct alog_drain *drain) {
    if (alog_drain_events(drain) > 0) {
        enum alog_status status = close_block(drain);
        if (status != ALOG_OK) {
            return status;
        }
    }
    while (drain->closed > 0) {
        enum alog_status status = write_oldest(drain);
        if (status != ALOG_OK) {
            return status;
        }
    }
    return ALOG_OK;
}
