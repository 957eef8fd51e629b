/* The frame that begins a source in an archive, to and from bytes. */
#include "archive_source.h"

#include <string.h>

#include "error.h"
#include "little_endian.h"
#include "segment_frame.h"

struct alog_file_header alog_archive_source_header(const struct alog_archive_source *source) {
    struct alog_file_header header = {
        .version = ALOG_FORMAT_VERSION,
        .writer_id = source->writer_id,
        .number = source->segment_number,
        .created_ns = source->created_ns,
        .predecessor_last_sequence = source->predecessor_last_sequence,
        .environment = {source->environment, source->environment_len},
    };
    memcpy(header.file_id, source->file_id, sizeof header.file_id);
    memcpy(header.predecessor_id, source->predecessor_id, sizeof header.predecessor_id);
    return header;
}

static bool limits_are_kept(const struct alog_archive_source *source) {
    return source->number > 0 && source->created_ns >= 0 &&
           source->predecessor_last_sequence < ALOG_MAX_SEQUENCE && source->first_sequence > 0 &&
           source->first_sequence <= source->last_sequence &&
           source->last_sequence < ALOG_MAX_SEQUENCE && source->min_timestamp_ns >= 0 &&
           source->min_timestamp_ns <= source->max_timestamp_ns && source->blocks > 0 &&
           source->events > 0 && source->environment_len <= ALOG_MAX_NAME_BYTES;
}

enum alog_status alog_archive_source_encode(const uint8_t archive_id[16],
                                            const struct alog_archive_source *source,
                                            struct alog_buffer *append_to) {
    size_t redacted_bytes = strlen(source->redacted);
    if (!limits_are_kept(source)) {
        return ALOG_INVALID;
    }
    size_t frame_at = append_to->len;
    uint8_t *payload =
        alog_frame_begin(append_to, ALOG_KIND_SOURCE, ALOG_SOURCE_FIXED_END, archive_id);
    if (payload == NULL ||
        alog_buffer_reserve(append_to, source->environment_len + redacted_bytes) != ALOG_OK) {
        append_to->len = frame_at;
        return ALOG_NO_MEMORY;
    }
    payload = append_to->data + frame_at + ALOG_FRAME_PREFIX_BYTES;
    alog_le_store32(payload + ALOG_SOURCE_NUMBER, source->number);
    alog_le_store64(payload + ALOG_SOURCE_WRITER_ID, source->writer_id);
    alog_le_store64(payload + ALOG_SOURCE_SEGMENT_NUMBER, source->segment_number);
    alog_le_store64(payload + ALOG_SOURCE_CREATED_NS, (uint64_t)source->created_ns);
    memcpy(payload + ALOG_SOURCE_FILE_ID, source->file_id, 16);
    memcpy(payload + ALOG_SOURCE_PREDECESSOR_ID, source->predecessor_id, 16);
    alog_le_store64(payload + ALOG_SOURCE_PREDECESSOR_LAST_SEQUENCE,
                    source->predecessor_last_sequence);
    memcpy(payload + ALOG_SOURCE_SHA256, source->sha256, 32);
    memcpy(payload + ALOG_SOURCE_DIGEST, source->digest, 16);
    alog_le_store64(payload + ALOG_SOURCE_FILE_BYTES, source->file_bytes);
    alog_le_store64(payload + ALOG_SOURCE_BLOCKS, source->blocks);
    alog_le_store64(payload + ALOG_SOURCE_EVENTS, source->events);
    alog_le_store64(payload + ALOG_SOURCE_FIRST_SEQUENCE, source->first_sequence);
    alog_le_store64(payload + ALOG_SOURCE_LAST_SEQUENCE, source->last_sequence);
    alog_le_store64(payload + ALOG_SOURCE_MIN_TIMESTAMP_NS, (uint64_t)source->min_timestamp_ns);
    alog_le_store64(payload + ALOG_SOURCE_MAX_TIMESTAMP_NS, (uint64_t)source->max_timestamp_ns);
    alog_le_store64(payload + ALOG_SOURCE_DROPPED, source->dropped);
    alog_le_store32(payload + ALOG_SOURCE_ENVIRONMENT_BYTES, source->environment_len);
    alog_le_store32(payload + ALOG_SOURCE_REDACTED_BYTES, (uint32_t)redacted_bytes);
    memcpy(append_to->data + append_to->len, source->environment, source->environment_len);
    append_to->len += source->environment_len;
    memcpy(append_to->data + append_to->len, source->redacted, redacted_bytes);
    append_to->len += redacted_bytes;
    enum alog_status status = alog_frame_finish(append_to, frame_at, ALOG_MAX_HEADER_BYTES);
    if (status != ALOG_OK) {
        append_to->len = frame_at;
    }
    return status;
}

static void load_fixed(const uint8_t *payload, struct alog_archive_source *source) {
    *source = (struct alog_archive_source){
        .number = alog_le_load32(payload + ALOG_SOURCE_NUMBER),
        .writer_id = alog_le_load64(payload + ALOG_SOURCE_WRITER_ID),
        .segment_number = alog_le_load64(payload + ALOG_SOURCE_SEGMENT_NUMBER),
        .created_ns = (int64_t)alog_le_load64(payload + ALOG_SOURCE_CREATED_NS),
        .predecessor_last_sequence =
            alog_le_load64(payload + ALOG_SOURCE_PREDECESSOR_LAST_SEQUENCE),
        .environment_len = alog_le_load32(payload + ALOG_SOURCE_ENVIRONMENT_BYTES),
        .file_bytes = alog_le_load64(payload + ALOG_SOURCE_FILE_BYTES),
        .blocks = alog_le_load64(payload + ALOG_SOURCE_BLOCKS),
        .events = alog_le_load64(payload + ALOG_SOURCE_EVENTS),
        .first_sequence = alog_le_load64(payload + ALOG_SOURCE_FIRST_SEQUENCE),
        .last_sequence = alog_le_load64(payload + ALOG_SOURCE_LAST_SEQUENCE),
        .min_timestamp_ns = (int64_t)alog_le_load64(payload + ALOG_SOURCE_MIN_TIMESTAMP_NS),
        .max_timestamp_ns = (int64_t)alog_le_load64(payload + ALOG_SOURCE_MAX_TIMESTAMP_NS),
        .dropped = alog_le_load64(payload + ALOG_SOURCE_DROPPED),
    };
    memcpy(source->file_id, payload + ALOG_SOURCE_FILE_ID, 16);
    memcpy(source->predecessor_id, payload + ALOG_SOURCE_PREDECESSOR_ID, 16);
    memcpy(source->sha256, payload + ALOG_SOURCE_SHA256, 32);
    memcpy(source->digest, payload + ALOG_SOURCE_DIGEST, 16);
}

enum alog_status alog_archive_source_decode(const uint8_t *frame, size_t bytes,
                                            struct alog_archive_source *ret_source,
                                            struct alog_error *error) {
    const uint8_t *payload = frame + ALOG_FRAME_PREFIX_BYTES;
    const uint8_t *variable, *end;
    enum alog_status status =
        alog_payload_check(payload, bytes - ALOG_FRAME_PREFIX_BYTES, ALOG_KIND_SOURCE,
                           ALOG_SOURCE_FIXED_END, &variable, &end, error);
    if (status != ALOG_OK) {
        return status;
    }
    struct alog_archive_source source;
    load_fixed(payload, &source);
    uint32_t redacted_bytes = alog_le_load32(payload + ALOG_SOURCE_REDACTED_BYTES);
    if (!limits_are_kept(&source) || redacted_bytes >= sizeof source.redacted ||
        source.environment_len + redacted_bytes > (size_t)(end - variable)) {
        return alog_fail(error, ALOG_CORRUPT, 0, -1, "an archive's source states what cannot be");
    }
    memcpy(source.environment, variable, source.environment_len);
    memcpy(source.redacted, variable + source.environment_len, redacted_bytes);
    *ret_source = source;
    return ALOG_OK;
}
