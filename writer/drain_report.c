/* The writer's own events: what was lost, and the heartbeat. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drain.h"

/* Ids of the two, as in format/catalogue.def. */
enum {
#define ALOG_EVENT(id, event, doc) TYPE_OF_##event = (id),
#include "format/catalogue.def"
};

static enum alog_status add_own(struct alog_drain *drain, uint32_t type,
                                const struct alog_value *values, uint32_t value_count) {
    struct alog_event event = {.values = values, .value_count = value_count};
    size_t bound = alog_event_encoded_bound(&event);
    if (bound > drain->scratch_bytes) {
        uint8_t *grown = realloc(drain->scratch, bound);
        if (grown == NULL) {
            return ALOG_NO_MEMORY;
        }
        drain->scratch = grown;
        drain->scratch_bytes = bound;
    }
    int64_t now = alog_clock_now(&drain->writer->clock);
    struct alog_string no_job = {NULL, 0};
    uint8_t *end = alog_event_encode(drain->scratch, type, now, no_job, &event);
    return alog_drain_add_own(drain, drain->scratch, (uint32_t)(end - drain->scratch));
}

static struct alog_value text_value(const char *data, size_t len) {
    return (struct alog_value){.kind = ALOG_VALUE_STRING, .string = {data, len}};
}

static struct alog_value count_value(uint64_t count) {
    return (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = (int64_t)count};
}

/* ---- writer_loss ---------------------------------------------------------------------------- */

static struct alog_value type_name(const struct alog_drain *drain, uint32_t type) {
    const struct alog_event_type *known = alog_schema_type(drain->writer->schema, type);
    return known != NULL ? text_value(known->name, known->name_len) : text_value("unknown", 7);
}

static enum alog_status report(struct alog_drain *drain, uint32_t type, uint64_t count,
                               const char *reason, const struct alog_ring_slot *slot) {
    struct alog_value values[5] = {
        type_name(drain, type),
        count_value(count),
        text_value(reason, strlen(reason)),
    };
    if (slot != NULL) {
        values[3] = count_value(slot->last_sequence);
        values[4] = count_value(slot->consumer.header->ring_id);
    }
    enum alog_status status = add_own(drain, TYPE_OF_writer_loss, values, slot != NULL ? 5 : 3);
    if (status == ALOG_OK) {
        drain->lost[type] += count;
        drain->lost_total += count;
    }
    return status;
}

enum alog_status alog_drain_report_ring(struct alog_drain *drain, struct alog_ring_slot *slot) {
    const struct alog_ring_header *header = slot->consumer.header;
    if (slot->reported == NULL) {
        slot->reported = calloc(ALOG_MAX_TYPES, sizeof *slot->reported);
        if (slot->reported == NULL) {
            return ALOG_NO_MEMORY;
        }
    }
    for (uint32_t type = 0; type < ALOG_MAX_TYPES; type++) {
        /* Relaxed: alog_ring_lost acquired them; a count that is newer still is as good. */
        uint64_t lost = atomic_load_explicit(&header->lost[type], memory_order_relaxed);
        uint64_t fresh = lost - slot->reported[type];
        if (fresh == 0) {
            continue;
        }
        enum alog_status status = report(drain, type, fresh, ALOG_LOSS_RING_FULL_NAME, slot);
        if (status != ALOG_OK) {
            return status;
        }
        slot->reported[type] = lost;
        slot->reported_total += fresh;
    }
    return ALOG_OK;
}

static enum alog_status report_reason(struct alog_drain *drain, enum alog_loss_reason reason) {
    for (uint32_t type = 0; type < ALOG_MAX_TYPES; type++) {
        /* Relaxed: as in alog_drain_report_ring, after alog_losses_total. */
        uint64_t lost =
            atomic_load_explicit(&drain->writer->losses.counts[reason][type], memory_order_relaxed);
        uint64_t fresh = lost - drain->reported[reason][type];
        if (fresh == 0) {
            continue;
        }
        enum alog_status status = report(drain, type, fresh, alog_loss_reason_name(reason), NULL);
        if (status != ALOG_OK) {
            return status;
        }
        if (reason == ALOG_LOSS_SYNC_FAILED) {
            /* It was taken once, and is lost instead from here on. */
            drain->taken[type] -= fresh;
            drain->taken_total -= fresh;
        }
        drain->reported[reason][type] = lost;
        drain->reported_losses += fresh;
    }
    return ALOG_OK;
}

/* A writer_loss that was in a block which a failed sync lost: said again, counted once. */
static enum alog_status report_unsaid(struct alog_drain *drain) {
    for (uint32_t type = 0; type < ALOG_MAX_TYPES; type++) {
        uint64_t count = drain->unsaid[type];
        if (count == 0) {
            continue;
        }
        enum alog_status status =
            report(drain, type, count, alog_loss_reason_name(ALOG_LOSS_SYNC_FAILED), NULL);
        if (status != ALOG_OK) {
            return status;
        }
        drain->lost[type] -= count;
        drain->lost_total -= count;
        drain->unsaid[type] = 0;
    }
    drain->has_unsaid = false;
    return ALOG_OK;
}

enum alog_status alog_drain_report_losses(struct alog_drain *drain) {
    if (drain->has_unsaid) {
        enum alog_status status = report_unsaid(drain);
        if (status != ALOG_OK) {
            return status;
        }
    }
    if (alog_losses_total(&drain->writer->losses) == drain->reported_losses) {
        return ALOG_OK;
    }
    enum alog_status status = ALOG_OK;
    for (int reason = 0; reason < ALOG_LOSS_REASONS && status == ALOG_OK; reason++) {
        status = report_reason(drain, (enum alog_loss_reason)reason);
    }
    return status;
}

/* ---- writer_stats --------------------------------------------------------------------------- */

static void put_bytes(struct alog_drain_text *text, const char *data, size_t len) {
    if (text->capacity - text->len < len) {
        size_t capacity = 2 * text->capacity + len + 256;
        char *grown = realloc(text->data, capacity);
        if (grown == NULL) {
            text->failed = true;
            return;
        }
        text->data = grown;
        text->capacity = capacity;
    }
    memcpy(text->data + text->len, data, len);
    text->len += len;
}

static void put_text(struct alog_drain_text *text, const char *data) {
    put_bytes(text, data, strlen(data));
}

static void put_name(struct alog_drain_text *text, struct alog_string name) {
    put_text(text, "\"");
    for (size_t i = 0; i < name.len; i++) {
        unsigned char byte = (unsigned char)name.data[i];
        if (byte < 0x20 || byte == '"' || byte == '\\') {
            char escaped[8];
            snprintf(escaped, sizeof escaped, "\\u%04x", byte);
            put_text(text, escaped);
        } else {
            put_bytes(text, &name.data[i], 1);
        }
    }
    put_text(text, "\"");
}

/* {"<event>":{"stored":n,"dropped":n},…}; only types that occurred. False: no memory. */
static bool put_by_type(struct alog_drain *drain, struct alog_drain_text *text) {
    text->len = 0;
    text->failed = false;
    put_text(text, "{");
    for (uint32_t type = 0; type < ALOG_MAX_TYPES; type++) {
        if (drain->taken[type] == 0 && drain->lost[type] == 0) {
            continue;
        }
        put_text(text, text->len > 1 ? "," : "");
        put_name(text, type_name(drain, type).string);
        char counts[96];
        snprintf(counts, sizeof counts, ":{\"stored\":%" PRIu64 ",\"dropped\":%" PRIu64 "}",
                 drain->taken[type], drain->lost[type]);
        put_text(text, counts);
    }
    put_text(text, "}");
    return !text->failed;
}

enum alog_status alog_drain_report_stats(struct alog_drain *drain) {
    if (drain->taken_total == drain->stats_taken && drain->lost_total == drain->stats_lost) {
        return ALOG_OK;
    }
    const struct alog_writer_counters *counters = &drain->writer->counters;
    struct alog_value values[6] = {
        count_value(drain->taken_total + drain->lost_total),
        count_value(drain->taken_total),
        count_value(drain->lost_total),
        count_value(atomic_load_explicit(&counters->raw_bytes, memory_order_relaxed)),
        count_value(atomic_load_explicit(&counters->segment_bytes, memory_order_relaxed)),
    };
    if (put_by_type(drain, &drain->text)) {
        values[5] = text_value(drain->text.data, drain->text.len);
    }
    enum alog_status status = add_own(drain, TYPE_OF_writer_stats, values, 6);
    if (status == ALOG_OK) {
        drain->stats_taken = drain->taken_total;
        drain->stats_lost = drain->lost_total;
        drain->stats_ns = drain->io->monotonic_ns(drain->io->context);
    }
    return status;
}
