/* The later events of a block, as a block of their own. */
#include "block_tail.h"

#include <stdlib.h>

#define MOST_BYTES (32u << 20)

static enum alog_status add_events(struct alog_block_tail *tail,
                                   const struct alog_block_facts *facts, uint64_t from) {
    struct alog_mp_cursor cursor = tail->block.events;
    int64_t timestamp_ns = tail->block.base_timestamp_ns;
    for (uint64_t sequence = facts->first_sequence; sequence <= facts->last_sequence; sequence++) {
        struct alog_event event;
        enum alog_status status = alog_event_decode(&tail->decoder, &cursor, tail->block.schema,
                                                    &tail->block.strings, &timestamp_ns, &event);
        if (status == ALOG_OK && sequence >= from) {
            free(tail->plain);
            tail->plain = malloc(alog_event_encoded_bound(&event));
            if (tail->plain == NULL) {
                return ALOG_NO_MEMORY;
            }
            const uint8_t *end = alog_event_encode(tail->plain, event.type->id, event.timestamp_ns,
                                                   event.job_id, &event);
            status =
                alog_block_builder_add(tail->builder, tail->plain, (size_t)(end - tail->plain));
        }
        if (status != ALOG_OK) {
            return status;
        }
    }
    return ALOG_OK;
}

enum alog_status alog_block_tail_make(struct alog_block_tail *tail, const uint8_t *frame,
                                      const struct alog_block_facts *facts, uint64_t from,
                                      struct alog_error *error) {
    enum alog_status status = alog_block_open(&tail->block, frame, facts, error);
    if (status != ALOG_OK) {
        return status;
    }
    const struct alog_block_builder_options options = {.writer_id = tail->block.writer_id,
                                                       .environment = tail->block.environment,
                                                       .schema = tail->block.schema,
                                                       .block_bytes = MOST_BYTES};
    const uint8_t *raw;
    status = alog_block_builder_new(&options, &tail->builder);
    if (status == ALOG_OK) {
        status = alog_block_compressor_new(1, &tail->compressor);
    }
    if (status == ALOG_OK) {
        status = add_events(tail, facts, from);
    }
    if (status == ALOG_OK) {
        status = alog_block_builder_finish(tail->builder, from, &raw, &tail->facts);
    }
    if (status == ALOG_OK) {
        status = alog_block_compress(tail->compressor, raw, tail->facts.raw_bytes, &tail->frame,
                                     &tail->facts);
    }
    return status;
}

void alog_block_tail_free(struct alog_block_tail *tail) {
    alog_block_builder_free(tail->builder);
    alog_block_compressor_free(tail->compressor);
    alog_block_close(&tail->block);
    alog_event_decoder_free(&tail->decoder);
    free(tail->plain);
    *tail = (struct alog_block_tail){0};
}
