/* Holes: frames without content that stand in a damaged block's place. */
#include <string.h>

#include "little_endian.h"
#include "segment_frame.h"

/* The least that a hole of ours takes; what is shorter is somebody's skippable frame, without a
 * check. */
#define LEAST_BYTES (ALOG_FRAME_PREFIX_BYTES + ALOG_HOLE_FIXED_END + ALOG_FRAME_CHECK_BYTES)
#define MOST_BYTES  (ALOG_FRAME_PREFIX_BYTES + ALOG_MAX_HEADER_BYTES)

#define PLAIN_SKIPPABLE_MAGIC 0x184D2A5Bu

uint64_t alog_hole_frame_bytes(uint64_t bytes) {
    if (bytes <= MOST_BYTES) {
        return bytes;
    }
    return bytes - MOST_BYTES < LEAST_BYTES ? MOST_BYTES - LEAST_BYTES : MOST_BYTES;
}

enum alog_status alog_hole_encode(const uint8_t file_id[16], uint64_t bytes, uint64_t first_missing,
                                  uint64_t last_missing, struct alog_buffer *append_to) {
    if (bytes < ALOG_FRAME_PREFIX_BYTES || bytes > MOST_BYTES) {
        return ALOG_INVALID;
    }
    size_t frame_at = append_to->len;
    if (bytes < LEAST_BYTES) {
        if (alog_buffer_reserve(append_to, (size_t)bytes) != ALOG_OK) {
            return ALOG_NO_MEMORY;
        }
        memset(append_to->data + frame_at, 0, (size_t)bytes);
        alog_le_store32(append_to->data + frame_at, PLAIN_SKIPPABLE_MAGIC);
        alog_le_store32(append_to->data + frame_at + 4, (uint32_t)bytes - ALOG_FRAME_PREFIX_BYTES);
        append_to->len += (size_t)bytes;
        return ALOG_OK;
    }
    uint8_t *payload = alog_frame_begin(append_to, ALOG_KIND_HOLE, ALOG_HOLE_FIXED_END, file_id);
    size_t fill = (size_t)bytes - LEAST_BYTES;
    if (payload == NULL || alog_buffer_reserve(append_to, fill) != ALOG_OK) {
        append_to->len = frame_at;
        return ALOG_NO_MEMORY;
    }
    payload = append_to->data + frame_at + ALOG_FRAME_PREFIX_BYTES;
    alog_le_store64(payload + ALOG_HOLE_FIRST_MISSING, first_missing);
    alog_le_store64(payload + ALOG_HOLE_LAST_MISSING, last_missing);
    memset(append_to->data + append_to->len, 0, fill);
    append_to->len += fill;
    enum alog_status status = alog_frame_finish(append_to, frame_at, ALOG_MAX_HEADER_BYTES);
    if (status != ALOG_OK) {
        append_to->len = frame_at;
    }
    return status;
}
