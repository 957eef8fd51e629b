/*
 * The two tables at the end of a sealed segment: the index (a copy of what the block headers say)
 * and zstd's seek table. Both are derived from the blocks and never the authority.
 *
 * Internal to the segment files.
 */
#ifndef AGENTLOG_FORMAT_SEGMENT_INDEX_H
#define AGENTLOG_FORMAT_SEGMENT_INDEX_H

#include "segment.h"

/* The seek table's parts beside its entries: prefix, entry, footer. */
#define ALOG_SEEK_PREFIX_BYTES 8u
#define ALOG_SEEK_ENTRY_BYTES  8u
#define ALOG_SEEK_FOOTER_BYTES 9u

/* What an index says of all its blocks together. All zero: no blocks. */
struct alog_index_totals {
    uint64_t blocks, events;
    uint64_t first_sequence, last_sequence;
    int64_t min_timestamp_ns, max_timestamp_ns;
    uint64_t raw_bytes, compressed_bytes;
    uint64_t dropped; /* cumulative, as the last block says */
};

void alog_index_totals_add(struct alog_index_totals *totals, const struct alog_block_facts *facts);
bool alog_index_totals_equal(const struct alog_index_totals *a, const struct alog_index_totals *b);

/* The totals in an index's payload of at least ALOG_INDEX_FIXED_END bytes. */
void alog_index_totals_load(const uint8_t *payload, struct alog_index_totals *ret_totals);

/*
 * Build the index's frame in an empty buffer: begin, then an entry per block, then finish.
 * `header_frame` is the block's whole header frame. ALOG_NO_MEMORY; ALOG_LIMIT when the index would
 * be longer than ALOG_MAX_INDEX_BYTES; the buffer is then as it was.
 */
enum alog_status alog_index_begin(struct alog_buffer *index, const uint8_t file_id[16]);
enum alog_status alog_index_append(struct alog_buffer *index, uint64_t offset,
                                   const uint8_t *header_frame, size_t header_frame_bytes,
                                   uint32_t frame_bytes);
enum alog_status alog_index_finish(struct alog_buffer *index,
                                   const struct alog_index_totals *totals);

/* Append the seek table that belongs to a finished index, for all frames from the file header
 * (`file_header_bytes` long, prefix included) to the index itself. */
enum alog_status alog_seek_table_encode(const struct alog_buffer *index, size_t file_header_bytes,
                                        struct alog_buffer *append_to);

#endif
