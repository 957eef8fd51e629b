/*
 * Any bytes as the content of a block whose checks all pass (as a broken or hostile writer could
 * make it): the preamble is read and every event decoded. Then the same bytes as events in plain
 * form into a block builder, as from a ring.
 */
#include <stdint.h>

#include "format/block.h"

static void open_content(const uint8_t *data, size_t size) {
    struct alog_block block = {0};
    struct alog_event_decoder decoder = {0};
    if (alog_block_open_raw(&block, data, size, NULL) == ALOG_OK) {
        struct alog_mp_cursor cursor = block.events;
        int64_t timestamp_ns = block.base_timestamp_ns;
        struct alog_event event;
        while (cursor.at < cursor.end &&
               alog_event_decode(&decoder, &cursor, block.schema, &block.strings, &timestamp_ns,
                                 &event) == ALOG_OK) {
        }
    }
    alog_event_decoder_free(&decoder);
    alog_block_close(&block);
}

static void build_from(const uint8_t *data, size_t size) {
    struct alog_schema *schema;
    struct alog_block_builder *builder;
    if (alog_schema_new(&schema) != ALOG_OK) {
        return;
    }
    struct alog_block_builder_options options = {
        .writer_id = 1, .environment = ALOG_STR("test"), .schema = schema, .block_bytes = 16384};
    if (alog_block_builder_new(&options, &builder) == ALOG_OK) {
        (void)alog_block_builder_add(builder, data, size);
        if (alog_block_builder_events(builder) > 0) {
            const uint8_t *raw;
            struct alog_block_facts facts;
            (void)alog_block_builder_finish(builder, 1, &raw, &facts);
        }
        alog_block_builder_free(builder);
    }
    alog_schema_free(schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    open_content(data, size);
    build_from(data, size);
    return 0;
}
