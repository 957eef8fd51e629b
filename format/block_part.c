/* Some of the events of a block, as a block of their own. */
#include "block_part.h"

#include <stdlib.h>

#define MOST_BYTES (32u << 20)

static enum alog_status add_events(struct alog_block_part *part,
                                   const struct alog_block_facts *facts, uint64_t first,
                                   uint64_t last) {
    struct alog_mp_cursor cursor = part->block.events;
    int64_t timestamp_ns = part->block.base_timestamp_ns;
    for (uint64_t sequence = facts->first_sequence; sequence <= last; sequence++) {
        struct alog_event event;
        enum alog_status status = alog_event_decode(&part->decoder, &cursor, part->block.schema,
                                                    &part->block.strings, &timestamp_ns, &event);
        if (status == ALOG_OK && sequence >= first) {
            free(part->plain);
            part->plain = malloc(alog_event_encoded_bound(&event));
            if (part->plain == NULL) {
                return ALOG_NO_MEMORY;
            }
            const uint8_t *end = alog_event_encode(part->plain, event.type->id, event.timestamp_ns,
                                                   event.job_id, &event);
            status =
                alog_block_builder_add(part->builder, part->plain, (size_t)(end - part->plain));
        }
        if (status != ALOG_OK) {
            return status;
        }
    }
    return ALOG_OK;
}

enum alog_status alog_block_part_make(struct alog_block_part *part, const uint8_t *frame,
                                      const struct alog_block_facts *facts, uint64_t first,
                                      uint64_t last, struct alog_error *error) {
    enum alog_status status = alog_block_open(&part->block, frame, facts, error);
    if (status != ALOG_OK) {
        return status;
    }
    const struct alog_block_builder_options options = {.writer_id = part->block.writer_id,
                                                       .environment = part->block.environment,
                                                       .schema = part->block.schema,
                                                       .block_bytes = MOST_BYTES};
    const uint8_t *raw;
    status = alog_block_builder_new(&options, &part->builder);
    if (status == ALOG_OK) {
        status = alog_block_compressor_new(1, &part->compressor);
    }
    if (status == ALOG_OK) {
        status = add_events(part, facts, first, last);
    }
    if (status == ALOG_OK) {
        status = alog_block_builder_finish(part->builder, first, &raw, &part->facts);
    }
    if (status == ALOG_OK) {
        status = alog_block_compress(part->compressor, raw, part->facts.raw_bytes, &part->frame,
                                     &part->facts);
    }
    return status;
}

void alog_block_part_free(struct alog_block_part *part) {
    alog_block_builder_free(part->builder);
    alog_block_compressor_free(part->compressor);
    alog_block_close(&part->block);
    alog_event_decoder_free(&part->decoder);
    free(part->plain);
    *part = (struct alog_block_part){0};
}
