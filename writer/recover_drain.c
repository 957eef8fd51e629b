/* What a dead writer's rings hold, into blocks; as drain.c does it for a living one. */
#include <stdlib.h>
#include <string.h>

#include "format/error.h"
#include "losses.h"
#include "recover_state.h"

#define BLOCK_BYTES (512u << 10)

/* The id of writer_loss, as in format/catalogue.def. */
enum {
#define ALOG_EVENT(id, event, doc) TYPE_OF_##event = (id),
#include "format/catalogue.def"
};

const char *alog_recover_reason_name(enum alog_recover_reason reason) {
    return reason == ALOG_RECOVER_RING_FULL ? ALOG_LOSS_RING_FULL_NAME
                                            : alog_loss_reason_name(ALOG_LOSS_UNREADABLE);
}

static enum alog_status no_memory(struct alog_error *error) {
    return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory to recover events");
}

enum alog_status alog_recover_drain_begin(struct alog_recover_drain *drain, uint64_t writer_id,
                                          struct alog_string environment, int compression_level) {
    struct alog_block_builder_options options = {
        .writer_id = writer_id,
        .environment = environment,
        .schema = drain->schema,
        .block_bytes = BLOCK_BYTES,
    };
    drain->drops = calloc(ALOG_MAX_TYPES, sizeof *drain->drops);
    if (drain->drops == NULL) {
        return ALOG_NO_MEMORY;
    }
    enum alog_status status = alog_block_builder_new(&options, &drain->builder);
    if (status == ALOG_OK) {
        status = alog_block_compressor_new(compression_level, &drain->compressor);
    }
    return status;
}

void alog_recover_drain_free(struct alog_recover_drain *drain) {
    if (drain->builder != NULL) {
        alog_block_builder_free(drain->builder);
    }
    if (drain->compressor != NULL) {
        alog_block_compressor_free(drain->compressor);
    }
    free(drain->drops);
    free(drain->marks);
    free(drain->scratch);
}

/* ---- Blocks ---------------------------------------------------------------------------------- */

static uint32_t list_drops(struct alog_recover_drain *drain) {
    uint32_t count = 0;
    for (uint32_t type = 0; type < ALOG_MAX_TYPES; type++) {
        if (drain->past->drops[type] > 0) {
            drain->drops[count++] = (struct alog_type_tally){type, drain->past->drops[type]};
        }
    }
    return count;
}

static enum alog_status cut(struct alog_recover_drain *drain, struct alog_error *error) {
    if (alog_block_builder_events(drain->builder) == 0) {
        return ALOG_OK;
    }
    struct alog_past *past = drain->past;
    struct alog_block_facts facts = {0};
    const uint8_t *raw = NULL;
    const uint8_t *frame = NULL;
    enum alog_status status =
        alog_block_builder_finish(drain->builder, past->last_sequence + 1, &raw, &facts);
    if (status == ALOG_OK) {
        status = alog_block_compress(drain->compressor, raw, facts.raw_bytes, &frame, &facts);
    }
    if (status != ALOG_OK) {
        return no_memory(error);
    }
    past->emitted += drain->taken;
    facts.drop_count = list_drops(drain);
    facts.drops = drain->drops;
    facts.dropped = past->dropped;
    facts.emitted = past->emitted;
    facts.rings = drain->marks;
    facts.ring_count = (uint32_t)drain->mark_count;
    status = alog_segment_append(drain->segment, &facts, frame, error);
    if (status != ALOG_OK) {
        return status;
    }
    past->last_sequence = facts.last_sequence;
    memcpy(past->last_id, alog_segment_file_id(drain->segment), sizeof past->last_id);
    drain->recovered += drain->taken;
    drain->written += drain->taken + drain->own;
    drain->taken = 0;
    drain->own = 0;
    drain->mark_count = 0;
    alog_block_builder_reset(drain->builder);
    return ALOG_OK;
}

enum alog_status alog_recover_drain_end(struct alog_recover_drain *drain,
                                        struct alog_error *error) {
    return cut(drain, error);
}

/* *ret_taken false: these bytes are no event. */
static enum alog_status add(struct alog_recover_drain *drain, const uint8_t *plain, uint32_t bytes,
                            bool *ret_taken, struct alog_error *error) {
    enum alog_status status = alog_block_builder_add(drain->builder, plain, bytes);
    if (status == ALOG_LIMIT) {
        status = cut(drain, error);
        if (status != ALOG_OK) {
            return status;
        }
        status = alog_block_builder_add(drain->builder, plain, bytes);
    }
    *ret_taken = status == ALOG_OK;
    return status == ALOG_OK || status == ALOG_CORRUPT ? ALOG_OK : no_memory(error);
}

/* The block being filled has everything of the ring below `end`. */
static enum alog_status mark(struct alog_recover_drain *drain, uint64_t ring_id, uint64_t end,
                             struct alog_error *error) {
    size_t count = drain->mark_count;
    if (count > 0 && drain->marks[count - 1].ring_id == ring_id) {
        drain->marks[count - 1].end = end;
        return ALOG_OK;
    }
    if (count == drain->mark_capacity) {
        size_t capacity = count == 0 ? 16 : 2 * count;
        struct alog_ring_mark *grown = realloc(drain->marks, capacity * sizeof *grown);
        if (grown == NULL) {
            return no_memory(error);
        }
        drain->marks = grown;
        drain->mark_capacity = capacity;
    }
    drain->marks[drain->mark_count++] = (struct alog_ring_mark){ring_id, end};
    return ALOG_OK;
}

/* ---- Losses ---------------------------------------------------------------------------------- */

static struct alog_value text_value(struct alog_string text) {
    return (struct alog_value){.kind = ALOG_VALUE_STRING, .string = text};
}

static struct alog_value count_value(uint64_t count) {
    return (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = (int64_t)count};
}

static struct alog_string type_name(const struct alog_recover_drain *drain, uint32_t type) {
    const struct alog_event_type *known = alog_schema_type(drain->schema, type);
    return known != NULL ? (struct alog_string){known->name, known->name_len} : ALOG_STR("unknown");
}

/* `ring_id` 0: of no ring in particular; `after` 0: the events before it are not known here. */
static enum alog_status log_loss(struct alog_recover_drain *drain, uint32_t type, uint64_t count,
                                 enum alog_recover_reason reason, uint64_t ring_id, uint64_t after,
                                 struct alog_error *error) {
    struct alog_value values[5] = {
        text_value(type_name(drain, type)),
        count_value(count),
        text_value(alog_str(alog_recover_reason_name(reason))),
    };
    if (after != 0) {
        values[3] = count_value(after);
    }
    if (ring_id != 0) {
        values[4] = count_value(ring_id);
    }
    struct alog_event event = {.values = values, .value_count = ring_id != 0 ? 5 : 3};
    size_t bound = alog_event_encoded_bound(&event);
    if (bound > drain->scratch_bytes) {
        uint8_t *grown = realloc(drain->scratch, bound);
        if (grown == NULL) {
            return no_memory(error);
        }
        drain->scratch = grown;
        drain->scratch_bytes = bound;
    }
    int64_t now = drain->io->realtime_ns(drain->io->context);
    uint8_t *end = alog_event_encode(drain->scratch, TYPE_OF_writer_loss, now > 0 ? now : 0,
                                     (struct alog_string){NULL, 0}, &event);
    bool taken = false;
    enum alog_status status =
        add(drain, drain->scratch, (uint32_t)(end - drain->scratch), &taken, error);
    if (status != ALOG_OK || !taken) {
        return status;
    }
    drain->own++;
    drain->losses[reason][type] += count;
    drain->past->drops[type] += count;
    drain->past->dropped += count;
    drain->past->emitted += count;
    return ALOG_OK;
}

enum alog_status alog_recover_drain_loss(struct alog_recover_drain *drain, uint32_t type,
                                         uint64_t count, enum alog_recover_reason reason,
                                         struct alog_error *error) {
    return log_loss(drain, type, count, reason, 0, 0, error);
}

/* ---- Rings ----------------------------------------------------------------------------------- */

struct taking {
    struct alog_recover_drain *drain;
    const struct alog_dead_ring *ring;
    struct alog_ring_consumer consumer;
    uint64_t last_sequence;              /* of the last event taken from it, 0 = none */
    uint64_t unreadable[ALOG_MAX_TYPES]; /* not logged yet, by type; 0 also for unknown */
    uint64_t unreadable_total;
};

static void count_unreadable(struct taking *taking, uint32_t type) {
    taking->unreadable[type < ALOG_MAX_TYPES ? type : 0]++;
    taking->unreadable_total++;
}

static enum alog_status take_record(struct taking *taking, const struct alog_ring_record *record,
                                    struct alog_error *error) {
    struct alog_recover_drain *drain = taking->drain;
    bool taken = false;
    /* A block that is cut on the way is not marked with this record: the mark comes after it. */
    enum alog_status status = add(drain, record->payload, record->bytes, &taken, error);
    if (status != ALOG_OK) {
        return status;
    }
    if (taken) {
        drain->taken++;
        taking->last_sequence =
            drain->past->last_sequence + alog_block_builder_events(drain->builder);
    } else {
        count_unreadable(taking, record->tag);
        drain->bytes_lost += record->bytes;
    }
    return mark(drain, taking->ring->id, taking->consumer.taken, error);
}

static enum alog_status take_until(struct taking *taking, uint64_t end, struct alog_error *error) {
    for (;;) {
        struct alog_ring_record record;
        enum alog_ring_take took = alog_ring_take(&taking->consumer, end, &record);
        if (took == ALOG_RING_EMPTY) {
            return ALOG_OK;
        }
        if (took == ALOG_RING_BROKEN) {
            /* Where the next record would begin nobody knows. At least one event is lost. */
            taking->drain->bytes_lost += taking->ring->head - taking->consumer.taken;
            count_unreadable(taking, 0);
            taking->consumer.taken = taking->ring->head;
            return ALOG_OK;
        }
        enum alog_status status = take_record(taking, &record, error);
        if (status != ALOG_OK) {
            return status;
        }
    }
}

/* What it lost for want of room, beyond what the log says already. */
static enum alog_status log_ring_losses(struct taking *taking, struct alog_error *error) {
    struct alog_recover_drain *drain = taking->drain;
    const struct alog_dead_ring *ring = taking->ring;
    enum alog_status status = ALOG_OK;
    for (uint32_t type = 0; type < ALOG_MAX_TYPES && status == ALOG_OK; type++) {
        uint64_t logged = alog_past_loss(drain->past, ring->id, type);
        if (ring->lost[type] > logged) {
            status = log_loss(drain, type, ring->lost[type] - logged, ALOG_RECOVER_RING_FULL,
                              ring->id, taking->last_sequence, error);
        }
    }
    return status;
}

static enum alog_status log_unreadable(struct taking *taking, struct alog_error *error) {
    enum alog_status status = ALOG_OK;
    for (uint32_t type = 0; type < ALOG_MAX_TYPES && status == ALOG_OK; type++) {
        if (taking->unreadable[type] > 0) {
            status =
                log_loss(taking->drain, type, taking->unreadable[type], ALOG_RECOVER_UNREADABLE,
                         taking->ring->id, taking->last_sequence, error);
        }
    }
    return status;
}

enum alog_status alog_recover_drain_ring(struct alog_recover_drain *drain,
                                         const struct alog_dead_ring *ring, void *memory,
                                         struct alog_error *error) {
    struct taking *taking = calloc(1, sizeof *taking);
    if (taking == NULL) {
        return no_memory(error);
    }
    taking->drain = drain;
    taking->ring = ring;
    alog_ring_consumer_init(&taking->consumer, memory);
    taking->consumer.taken = ring->from;
    /* As in life: a loss stands behind what was logged before it. */
    enum alog_status status = ALOG_OK;
    if (ring->lost_total > 0 && drain->past->losses_known) {
        if (ring->lost_at > ring->from && ring->lost_at <= ring->head) {
            status = take_until(taking, ring->lost_at, error);
        }
        if (status == ALOG_OK) {
            status = log_ring_losses(taking, error);
        }
    }
    if (status == ALOG_OK) {
        status = take_until(taking, ring->head, error);
    }
    if (status == ALOG_OK && taking->unreadable_total > 0) {
        status = log_unreadable(taking, error);
    }
    if (status == ALOG_OK && ring->head > ring->from) {
        status = mark(drain, ring->id, ring->head, error);
    }
    free(taking);
    return status;
}
