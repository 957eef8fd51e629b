/* Some of the events of a block, as a block of their own. */
#ifndef AGENTLOG_FORMAT_BLOCK_PART_H
#define AGENTLOG_FORMAT_BLOCK_PART_H

#include "block.h"

/* Zero-initialise; free with alog_block_part_free. */
struct alog_block_part {
    struct alog_block_builder *builder;
    struct alog_block_compressor *compressor;
    struct alog_block block;
    struct alog_event_decoder decoder;
    uint8_t *plain;
    const uint8_t *frame;
    struct alog_block_facts facts; /* of the new block: sequence, times, counts, sizes, hash */
};

/*
 * Make `part` the events of the block from sequence number `first` to `last`, which must be within
 * it. It is valid until it is freed. ALOG_CORRUPT, ALOG_UNSUPPORTED, ALOG_NO_MEMORY, ALOG_LIMIT.
 */
enum alog_status alog_block_part_make(struct alog_block_part *part, const uint8_t *frame,
                                      const struct alog_block_facts *facts, uint64_t first,
                                      uint64_t last, struct alog_error *error);
void alog_block_part_free(struct alog_block_part *part);

#endif
