/*
 * What the framing's own skippable frames have in common, and where their fields stand. Offsets
 * count from the payload's first byte; format/FORMAT.md has them as tables with their meaning.
 *
 *   frame    u32 magic, u32 payload length, payload
 *   payload  head (32 bytes), the kind's further fixed fields, variable part, u64 check
 *
 * Internal to the segment files.
 */
#ifndef AGENTLOG_FORMAT_SEGMENT_FRAME_H
#define AGENTLOG_FORMAT_SEGMENT_FRAME_H

#include "segment.h"

#define ALOG_FRAME_PREFIX_BYTES 8u /* magic and length */
#define ALOG_FRAME_CHECK_BYTES  8u

#define ALOG_KIND_FILE_HEADER  "ALGF"
#define ALOG_KIND_BLOCK_HEADER "ALGB"
#define ALOG_KIND_INDEX        "ALGI"
#define ALOG_KIND_HOLE         "ALGH"
#define ALOG_KIND_SOURCE       "ALGS"

/* Incompatible flag of a file header: the file is an archive, its blocks are of several segments.
 */
#define ALOG_FLAG_ARCHIVE 0x0001u

/* The head, the same in every version and kind. */
enum {
    ALOG_HEAD_KIND = 0,
    ALOG_HEAD_VERSION = 4,
    ALOG_HEAD_INCOMPATIBLE_FLAGS = 6,
    ALOG_HEAD_COMPATIBLE_FLAGS = 8,
    ALOG_HEAD_FIXED_BYTES = 10,
    ALOG_HEAD_UNUSED = 12,
    ALOG_HEAD_FILE_ID = 16,
    ALOG_HEAD_END = 32
};

enum {
    ALOG_FILE_WRITER_ID = 32,
    ALOG_FILE_NUMBER = 40,
    ALOG_FILE_CREATED_NS = 48,
    ALOG_FILE_PREDECESSOR_ID = 56,
    ALOG_FILE_PREDECESSOR_LAST_SEQUENCE = 72,
    ALOG_FILE_ENVIRONMENT_BYTES = 80,
    ALOG_FILE_UNUSED = 84,
    ALOG_FILE_FIXED_END = 88
};

enum {
    ALOG_BLOCK_NUMBER = 32,
    ALOG_BLOCK_FIRST_SEQUENCE = 40,
    ALOG_BLOCK_LAST_SEQUENCE = 48,
    ALOG_BLOCK_MIN_TIMESTAMP_NS = 56,
    ALOG_BLOCK_MAX_TIMESTAMP_NS = 64,
    ALOG_BLOCK_EMITTED = 72,
    ALOG_BLOCK_DROPPED = 80,
    ALOG_BLOCK_RAW_BYTES = 88,
    ALOG_BLOCK_COMPRESSED_BYTES = 92,
    ALOG_BLOCK_HASH = 96,
    ALOG_BLOCK_COUNT_COUNT = 112,
    ALOG_BLOCK_DROP_COUNT = 116,
    ALOG_BLOCK_RING_COUNT = 120,
    ALOG_BLOCK_BLOOM_BYTES = 124,
    ALOG_BLOCK_FIXED_END = 128,
    /* In an archive alone, whose block headers are that much longer. */
    ALOG_BLOCK_SOURCE = 128,
    ALOG_BLOCK_ARCHIVED_END = 136,

    ALOG_TALLY_BYTES = 12, /* u32 type, u64 count */
    ALOG_RING_BYTES = 16   /* u64 ring id, u64 end */
};

enum {
    ALOG_INDEX_BLOCKS = 32,
    ALOG_INDEX_EVENTS = 40,
    ALOG_INDEX_FIRST_SEQUENCE = 48,
    ALOG_INDEX_LAST_SEQUENCE = 56,
    ALOG_INDEX_MIN_TIMESTAMP_NS = 64,
    ALOG_INDEX_MAX_TIMESTAMP_NS = 72,
    ALOG_INDEX_RAW_BYTES = 80,
    ALOG_INDEX_COMPRESSED_BYTES = 88,
    ALOG_INDEX_DROPPED = 96,
    ALOG_INDEX_UNUSED = 104,
    ALOG_INDEX_FIXED_END = 112,

    /* One entry: u64 offset of the block's header, u32 length of the header's payload, u32 length
     * of its zstd frame, then the header's payload once more. */
    ALOG_ENTRY_OFFSET = 0,
    ALOG_ENTRY_HEADER_BYTES = 8,
    ALOG_ENTRY_FRAME_BYTES = 12,
    ALOG_ENTRY_FIXED_END = 16
};

enum {
    ALOG_SOURCE_NUMBER = 32,
    ALOG_SOURCE_UNUSED = 36,
    ALOG_SOURCE_WRITER_ID = 40,
    ALOG_SOURCE_SEGMENT_NUMBER = 48,
    ALOG_SOURCE_CREATED_NS = 56,
    ALOG_SOURCE_FILE_ID = 64,
    ALOG_SOURCE_PREDECESSOR_ID = 80,
    ALOG_SOURCE_PREDECESSOR_LAST_SEQUENCE = 96,
    ALOG_SOURCE_SHA256 = 104,
    ALOG_SOURCE_DIGEST = 136,
    ALOG_SOURCE_FILE_BYTES = 152,
    ALOG_SOURCE_BLOCKS = 160,
    ALOG_SOURCE_EVENTS = 168,
    ALOG_SOURCE_FIRST_SEQUENCE = 176,
    ALOG_SOURCE_LAST_SEQUENCE = 184,
    ALOG_SOURCE_MIN_TIMESTAMP_NS = 192,
    ALOG_SOURCE_MAX_TIMESTAMP_NS = 200,
    ALOG_SOURCE_DROPPED = 208,
    ALOG_SOURCE_ENVIRONMENT_BYTES = 216,
    ALOG_SOURCE_REDACTED_BYTES = 220,
    ALOG_SOURCE_FIXED_END = 224
};

enum { ALOG_HOLE_FIRST_MISSING = 32, ALOG_HOLE_LAST_MISSING = 40, ALOG_HOLE_FIXED_END = 48 };

/* A stretch of `bytes` is filled with holes one after the other: the length of the first. */
uint64_t alog_hole_frame_bytes(uint64_t bytes);

/*
 * Append a hole of `bytes` to the buffer. The missing events are 0, 0 when not known. ALOG_INVALID:
 * no frame is so short, or so long.
 */
enum alog_status alog_hole_encode(const uint8_t file_id[16], uint64_t bytes, uint64_t first_missing,
                                  uint64_t last_missing, struct alog_buffer *append_to);

/*
 * Begin a frame of that kind: prefix, head and zeroed fixed part, appended to `buffer`. Returns
 * where its payload begins, or NULL when there is no memory. `alog_frame_finish` appends the check
 * and sets the length; ALOG_NO_MEMORY then leaves the buffer as it was. ALOG_LIMIT: the payload
 * would be longer than `max_payload_bytes`.
 */
uint8_t *alog_frame_begin(struct alog_buffer *buffer, const char *kind, uint16_t fixed_bytes,
                          const uint8_t file_id[16]);
enum alog_status alog_frame_finish(struct alog_buffer *buffer, size_t frame_at,
                                   uint32_t max_payload_bytes);

/* XXH3-64 over the prefix and the payload before its check: what the check must be. */
uint64_t alog_frame_check_of(const uint8_t *payload, size_t payload_bytes);

/*
 * A payload whose head is in order: kind, check, version, flags, length of the fixed part (at least
 * `fixed_bytes`, what this version knows). *ret_variable is where the variable part begins,
 * *ret_end where the check does.
 */
enum alog_status alog_payload_check(const uint8_t *payload, size_t payload_bytes, const char *kind,
                                    uint16_t fixed_bytes, const uint8_t **ret_variable,
                                    const uint8_t **ret_end, struct alog_error *error);

/* As alog_block_header_decode, for the copy in an index, which has no prefix. */
enum alog_status alog_block_payload_decode(const uint8_t *payload, size_t payload_bytes,
                                           struct alog_block_header_room *room,
                                           struct alog_block_header *ret_header,
                                           struct alog_error *error);

#endif
