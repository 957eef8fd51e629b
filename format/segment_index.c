/* Building the tables at the end of a sealed segment. */
#include "segment_index.h"

#include <string.h>

#include "little_endian.h"
#include "segment_frame.h"

void alog_index_totals_add(struct alog_index_totals *totals, const struct alog_block_facts *facts) {
    if (totals->blocks == 0) {
        totals->first_sequence = facts->first_sequence;
        totals->min_timestamp_ns = facts->min_timestamp_ns;
        totals->max_timestamp_ns = facts->max_timestamp_ns;
    }
    totals->blocks++;
    totals->events += facts->last_sequence - facts->first_sequence + 1;
    totals->last_sequence = facts->last_sequence;
    if (facts->min_timestamp_ns < totals->min_timestamp_ns) {
        totals->min_timestamp_ns = facts->min_timestamp_ns;
    }
    if (facts->max_timestamp_ns > totals->max_timestamp_ns) {
        totals->max_timestamp_ns = facts->max_timestamp_ns;
    }
    totals->raw_bytes += facts->raw_bytes;
    totals->compressed_bytes += facts->compressed_bytes;
    totals->dropped = facts->dropped;
}

bool alog_index_totals_equal(const struct alog_index_totals *a, const struct alog_index_totals *b) {
    return a->blocks == b->blocks && a->events == b->events &&
           a->first_sequence == b->first_sequence && a->last_sequence == b->last_sequence &&
           a->min_timestamp_ns == b->min_timestamp_ns &&
           a->max_timestamp_ns == b->max_timestamp_ns && a->raw_bytes == b->raw_bytes &&
           a->compressed_bytes == b->compressed_bytes && a->dropped == b->dropped;
}

void alog_index_totals_load(const uint8_t *payload, struct alog_index_totals *ret_totals) {
    *ret_totals = (struct alog_index_totals){
        .blocks = alog_le_load64(payload + ALOG_INDEX_BLOCKS),
        .events = alog_le_load64(payload + ALOG_INDEX_EVENTS),
        .first_sequence = alog_le_load64(payload + ALOG_INDEX_FIRST_SEQUENCE),
        .last_sequence = alog_le_load64(payload + ALOG_INDEX_LAST_SEQUENCE),
        .min_timestamp_ns = (int64_t)alog_le_load64(payload + ALOG_INDEX_MIN_TIMESTAMP_NS),
        .max_timestamp_ns = (int64_t)alog_le_load64(payload + ALOG_INDEX_MAX_TIMESTAMP_NS),
        .raw_bytes = alog_le_load64(payload + ALOG_INDEX_RAW_BYTES),
        .compressed_bytes = alog_le_load64(payload + ALOG_INDEX_COMPRESSED_BYTES),
        .dropped = alog_le_load64(payload + ALOG_INDEX_DROPPED),
    };
}

static void store_totals(uint8_t *payload, const struct alog_index_totals *totals) {
    alog_le_store64(payload + ALOG_INDEX_BLOCKS, totals->blocks);
    alog_le_store64(payload + ALOG_INDEX_EVENTS, totals->events);
    alog_le_store64(payload + ALOG_INDEX_FIRST_SEQUENCE, totals->first_sequence);
    alog_le_store64(payload + ALOG_INDEX_LAST_SEQUENCE, totals->last_sequence);
    alog_le_store64(payload + ALOG_INDEX_MIN_TIMESTAMP_NS, (uint64_t)totals->min_timestamp_ns);
    alog_le_store64(payload + ALOG_INDEX_MAX_TIMESTAMP_NS, (uint64_t)totals->max_timestamp_ns);
    alog_le_store64(payload + ALOG_INDEX_RAW_BYTES, totals->raw_bytes);
    alog_le_store64(payload + ALOG_INDEX_COMPRESSED_BYTES, totals->compressed_bytes);
    alog_le_store64(payload + ALOG_INDEX_DROPPED, totals->dropped);
}

enum alog_status alog_index_begin(struct alog_buffer *index, const uint8_t file_id[16]) {
    return alog_frame_begin(index, ALOG_KIND_INDEX, ALOG_INDEX_FIXED_END, file_id) ? ALOG_OK
                                                                                   : ALOG_NO_MEMORY;
}

enum alog_status alog_index_append(struct alog_buffer *index, uint64_t offset,
                                   const uint8_t *header_frame, size_t header_frame_bytes,
                                   uint32_t frame_bytes) {
    size_t payload_bytes = header_frame_bytes - ALOG_FRAME_PREFIX_BYTES;
    size_t bytes = ALOG_ENTRY_FIXED_END + payload_bytes;
    /* The check that finish appends must fit as well: a segment that took a block can be sealed. */
    if (index->len + bytes > ALOG_MAX_INDEX_BYTES) {
        return ALOG_LIMIT;
    }
    enum alog_status status = alog_buffer_reserve(index, bytes + ALOG_FRAME_CHECK_BYTES);
    if (status != ALOG_OK) {
        return status;
    }
    uint8_t *entry = index->data + index->len;
    alog_le_store64(entry + ALOG_ENTRY_OFFSET, offset);
    alog_le_store32(entry + ALOG_ENTRY_HEADER_BYTES, (uint32_t)payload_bytes);
    alog_le_store32(entry + ALOG_ENTRY_FRAME_BYTES, frame_bytes);
    memcpy(entry + ALOG_ENTRY_FIXED_END, header_frame + ALOG_FRAME_PREFIX_BYTES, payload_bytes);
    index->len += bytes;
    return ALOG_OK;
}

enum alog_status alog_index_finish(struct alog_buffer *index,
                                   const struct alog_index_totals *totals) {
    store_totals(index->data + ALOG_FRAME_PREFIX_BYTES, totals);
    return alog_frame_finish(index, 0, ALOG_MAX_INDEX_BYTES);
}

static uint8_t *store_seek_entry(uint8_t *at, size_t compressed_bytes, uint32_t raw_bytes) {
    alog_le_store32(at, (uint32_t)compressed_bytes);
    alog_le_store32(at + 4, raw_bytes);
    return at + ALOG_SEEK_ENTRY_BYTES;
}

/* Frames without content that fill a stretch between two blocks: holes. */
static uint8_t *store_gap(uint8_t *at, uint64_t bytes, size_t *entries) {
    while (bytes > 0) {
        uint64_t frame_bytes = alog_hole_frame_bytes(bytes);
        if (at != NULL) {
            at = store_seek_entry(at, (size_t)frame_bytes, 0);
        }
        ++*entries;
        bytes -= frame_bytes;
    }
    return at;
}

/* The entries of file header and blocks, stored unless `at` is NULL. */
static uint8_t *store_entries(uint8_t *at, const uint8_t *payload, uint64_t file_header_bytes,
                              size_t *ret_entries) {
    uint64_t blocks = alog_le_load64(payload + ALOG_INDEX_BLOCKS);
    const uint8_t *entry = payload + ALOG_INDEX_FIXED_END;
    uint64_t end = file_header_bytes;
    *ret_entries = 1 + 2 * (size_t)blocks;
    if (at != NULL) {
        at = store_seek_entry(at, (size_t)file_header_bytes, 0);
    }
    for (uint64_t i = 0; i < blocks; i++) {
        uint64_t offset = alog_le_load64(entry + ALOG_ENTRY_OFFSET);
        uint32_t header_bytes = alog_le_load32(entry + ALOG_ENTRY_HEADER_BYTES);
        uint32_t frame_bytes = alog_le_load32(entry + ALOG_ENTRY_FRAME_BYTES);
        const uint8_t *header = entry + ALOG_ENTRY_FIXED_END;
        at = store_gap(at, offset - end, ret_entries);
        if (at != NULL) {
            at = store_seek_entry(at, ALOG_FRAME_PREFIX_BYTES + header_bytes, 0);
            at = store_seek_entry(at, frame_bytes, alog_le_load32(header + ALOG_BLOCK_RAW_BYTES));
        }
        end = offset + ALOG_FRAME_PREFIX_BYTES + header_bytes + frame_bytes;
        entry = header + header_bytes;
    }
    return at;
}

enum alog_status alog_seek_table_encode(const struct alog_buffer *index, size_t file_header_bytes,
                                        struct alog_buffer *append_to) {
    const uint8_t *payload = index->data + ALOG_FRAME_PREFIX_BYTES;
    /* An index that fits keeps this small. */
    size_t entries;
    store_entries(NULL, payload, file_header_bytes, &entries);
    entries++; /* the index itself */
    size_t bytes =
        ALOG_SEEK_PREFIX_BYTES + entries * ALOG_SEEK_ENTRY_BYTES + ALOG_SEEK_FOOTER_BYTES;
    enum alog_status status = alog_buffer_reserve(append_to, bytes);
    if (status != ALOG_OK) {
        return status;
    }
    uint8_t *at = append_to->data + append_to->len;
    alog_le_store32(at, ALOG_SEEK_TABLE_SKIPPABLE_MAGIC);
    alog_le_store32(at + 4, (uint32_t)(bytes - ALOG_SEEK_PREFIX_BYTES));
    size_t stored;
    at = store_entries(at + ALOG_SEEK_PREFIX_BYTES, payload, file_header_bytes, &stored);
    at = store_seek_entry(at, index->len, 0);
    alog_le_store32(at, (uint32_t)entries);
    at[4] = 0; /* descriptor: entries without checksums */
    alog_le_store32(at + 5, ALOG_SEEK_TABLE_FOOTER_MAGIC);
    append_to->len += bytes;
    return ALOG_OK;
}
