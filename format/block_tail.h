/* The later events of a block, as a block of their own. */
#ifndef AGENTLOG_FORMAT_BLOCK_TAIL_H
#define AGENTLOG_FORMAT_BLOCK_TAIL_H

#include "block.h"

/* Zero-initialise; free with alog_block_tail_free. */
struct alog_block_tail {
    struct alog_block_builder *builder;
    struct alog_block_compressor *compressor;
    struct alog_block block;
    struct alog_event_decoder decoder;
    uint8_t *plain;
    const uint8_t *frame;
    struct alog_block_facts facts; /* of the new block: sequence, times, counts, sizes, hash */
};

/*
 * Make `tail` the events of the block from sequence number `from` on, which must be within it. It
 * is valid until it is freed. ALOG_CORRUPT, ALOG_UNSUPPORTED, ALOG_NO_MEMORY, ALOG_LIMIT.
 */
enum alog_status alog_block_tail_make(struct alog_block_tail *tail, const uint8_t *frame,
                                      const struct alog_block_facts *facts, uint64_t from,
                                      struct alog_error *error);
void alog_block_tail_free(struct alog_block_tail *tail);

#endif
