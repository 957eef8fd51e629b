/* File headers and block headers, to and from the skippable frames that carry them. */
#include "segment_frame.h"

#include <stdlib.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY /* the streaming state on the stack */
#include <xxhash.h>

#include "error.h"
#include "little_endian.h"

/* ---- Buffers ------------------------------------------------------------------------------- */

enum alog_status alog_buffer_reserve(struct alog_buffer *buffer, size_t more) {
    if (more <= buffer->capacity - buffer->len) {
        return ALOG_OK;
    }
    size_t needed;
    if (__builtin_add_overflow(buffer->len, more, &needed)) {
        return ALOG_NO_MEMORY;
    }
    size_t capacity = buffer->capacity < 256 ? 256 : buffer->capacity;
    while (capacity < needed) {
        if (__builtin_mul_overflow(capacity, 2, &capacity)) {
            return ALOG_NO_MEMORY;
        }
    }
    uint8_t *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        return ALOG_NO_MEMORY;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return ALOG_OK;
}

void alog_buffer_free(struct alog_buffer *buffer) {
    free(buffer->data);
    *buffer = (struct alog_buffer){0};
}

/* ---- What all frames share ----------------------------------------------------------------- */

uint8_t *alog_frame_begin(struct alog_buffer *buffer, const char *kind, uint16_t fixed_bytes,
                          const uint8_t file_id[16]) {
    size_t bytes = ALOG_FRAME_PREFIX_BYTES + fixed_bytes;
    if (alog_buffer_reserve(buffer, bytes) != ALOG_OK) {
        return NULL;
    }
    uint8_t *frame = buffer->data + buffer->len;
    memset(frame, 0, bytes);
    alog_le_store32(frame, ALOG_SKIPPABLE_MAGIC);
    uint8_t *payload = frame + ALOG_FRAME_PREFIX_BYTES;
    memcpy(payload + ALOG_HEAD_KIND, kind, 4);
    alog_le_store16(payload + ALOG_HEAD_VERSION, ALOG_FORMAT_VERSION);
    alog_le_store16(payload + ALOG_HEAD_FIXED_BYTES, fixed_bytes);
    memcpy(payload + ALOG_HEAD_FILE_ID, file_id, 16);
    buffer->len += bytes;
    return payload;
}

enum alog_status alog_frame_finish(struct alog_buffer *buffer, size_t frame_at,
                                   uint32_t max_payload_bytes) {
    size_t payload_bytes =
        buffer->len - frame_at - ALOG_FRAME_PREFIX_BYTES + ALOG_FRAME_CHECK_BYTES;
    if (payload_bytes > max_payload_bytes) {
        return ALOG_LIMIT;
    }
    if (alog_buffer_reserve(buffer, ALOG_FRAME_CHECK_BYTES) != ALOG_OK) {
        return ALOG_NO_MEMORY;
    }
    uint8_t *frame = buffer->data + frame_at;
    alog_le_store32(frame + 4, (uint32_t)payload_bytes);
    alog_le_store64(buffer->data + buffer->len, XXH3_64bits(frame, buffer->len - frame_at));
    buffer->len += ALOG_FRAME_CHECK_BYTES;
    return ALOG_OK;
}

uint64_t alog_frame_check_of(const uint8_t *payload, size_t payload_bytes) {
    uint8_t prefix[ALOG_FRAME_PREFIX_BYTES];
    alog_le_store32(prefix, ALOG_SKIPPABLE_MAGIC);
    alog_le_store32(prefix + 4, (uint32_t)payload_bytes);
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, prefix, sizeof prefix);
    XXH3_64bits_update(&state, payload, payload_bytes - ALOG_FRAME_CHECK_BYTES);
    return XXH3_64bits_digest(&state);
}

enum alog_status alog_payload_check(const uint8_t *payload, size_t payload_bytes, const char *kind,
                                    uint16_t fixed_bytes, const uint8_t **ret_variable,
                                    const uint8_t **ret_end, struct alog_error *error) {
    if (payload_bytes < ALOG_HEAD_END + ALOG_FRAME_CHECK_BYTES || payload_bytes > UINT32_MAX ||
        memcmp(payload, kind, 4) != 0) {
        return alog_fail(error, ALOG_CORRUPT, 0, -1, "not an agentlog %.4s frame", kind);
    }
    const uint8_t *end = payload + payload_bytes - ALOG_FRAME_CHECK_BYTES;
    if (alog_le_load64(end) != alog_frame_check_of(payload, payload_bytes)) {
        return alog_fail(error, ALOG_CORRUPT, 0, -1, "the check of an agentlog %.4s frame fails",
                         kind);
    }
    /* Only now: what a flipped bit says of version and flags is damage, not a newer format. */
    unsigned version = alog_le_load16(payload + ALOG_HEAD_VERSION);
    unsigned flags = alog_le_load16(payload + ALOG_HEAD_INCOMPATIBLE_FLAGS);
    unsigned known = memcmp(kind, ALOG_KIND_FILE_HEADER, 4) == 0 ? ALOG_FLAG_ARCHIVE : 0;
    if (version > ALOG_FORMAT_VERSION || (flags & ~known) != 0) {
        return alog_fail(error, ALOG_UNSUPPORTED, 0, -1,
                         "format version %u with incompatible flags 0x%04x; this agentlog reads "
                         "versions up to %d: update it",
                         version, flags, ALOG_FORMAT_VERSION);
    }
    unsigned stated = alog_le_load16(payload + ALOG_HEAD_FIXED_BYTES);
    if (version == 0 || stated < fixed_bytes || stated > (size_t)(end - payload)) {
        return alog_fail(error, ALOG_CORRUPT, 0, -1,
                         "version or length of an agentlog %.4s frame is bad", kind);
    }
    *ret_variable = payload + stated;
    *ret_end = end;
    return ALOG_OK;
}

/* The prefix of a whole frame: then its payload is the rest. */
static enum alog_status check_prefix(const uint8_t *frame, size_t bytes, struct alog_error *error) {
    if (bytes < ALOG_FRAME_PREFIX_BYTES || alog_le_load32(frame) != ALOG_SKIPPABLE_MAGIC ||
        alog_le_load32(frame + 4) != bytes - ALOG_FRAME_PREFIX_BYTES) {
        return alog_fail(error, ALOG_CORRUPT, 0, -1, "not an agentlog frame");
    }
    if (bytes - ALOG_FRAME_PREFIX_BYTES > ALOG_MAX_HEADER_BYTES) {
        return alog_fail(error, ALOG_CORRUPT, 0, -1,
                         "a header of %zu bytes is longer than any can be", bytes);
    }
    return ALOG_OK;
}

/* ---- File header --------------------------------------------------------------------------- */

enum alog_status alog_file_header_encode(const struct alog_file_header *header,
                                         struct alog_buffer *append_to) {
    if (header->environment.len > ALOG_MAX_NAME_BYTES) {
        return ALOG_INVALID;
    }
    size_t frame_at = append_to->len;
    uint8_t *payload =
        alog_frame_begin(append_to, ALOG_KIND_FILE_HEADER, ALOG_FILE_FIXED_END, header->file_id);
    if (payload == NULL || alog_buffer_reserve(append_to, header->environment.len) != ALOG_OK) {
        append_to->len = frame_at;
        return ALOG_NO_MEMORY;
    }
    payload = append_to->data + frame_at + ALOG_FRAME_PREFIX_BYTES;
    alog_le_store16(payload + ALOG_HEAD_COMPATIBLE_FLAGS, header->compatible_flags);
    alog_le_store16(payload + ALOG_HEAD_INCOMPATIBLE_FLAGS, header->incompatible_flags);
    alog_le_store64(payload + ALOG_FILE_WRITER_ID, header->writer_id);
    alog_le_store64(payload + ALOG_FILE_NUMBER, header->number);
    alog_le_store64(payload + ALOG_FILE_CREATED_NS, (uint64_t)header->created_ns);
    memcpy(payload + ALOG_FILE_PREDECESSOR_ID, header->predecessor_id, 16);
    alog_le_store64(payload + ALOG_FILE_PREDECESSOR_LAST_SEQUENCE,
                    header->predecessor_last_sequence);
    alog_le_store32(payload + ALOG_FILE_ENVIRONMENT_BYTES, (uint32_t)header->environment.len);
    if (header->environment.len > 0) {
        memcpy(payload + ALOG_FILE_FIXED_END, header->environment.data, header->environment.len);
        append_to->len += header->environment.len;
    }
    enum alog_status status = alog_frame_finish(append_to, frame_at, ALOG_MAX_HEADER_BYTES);
    if (status != ALOG_OK) {
        append_to->len = frame_at;
    }
    return status;
}

enum alog_status alog_file_header_decode(const uint8_t *frame, size_t bytes,
                                         struct alog_file_header *ret_header,
                                         struct alog_error *error) {
    enum alog_status status = check_prefix(frame, bytes, error);
    if (status != ALOG_OK) {
        return status;
    }
    const uint8_t *payload = frame + ALOG_FRAME_PREFIX_BYTES;
    const uint8_t *variable, *end;
    status = alog_payload_check(payload, bytes - ALOG_FRAME_PREFIX_BYTES, ALOG_KIND_FILE_HEADER,
                                ALOG_FILE_FIXED_END, &variable, &end, error);
    if (status != ALOG_OK) {
        return status;
    }
    uint32_t environment_bytes = alog_le_load32(payload + ALOG_FILE_ENVIRONMENT_BYTES);
    if (environment_bytes > ALOG_MAX_NAME_BYTES || environment_bytes > (size_t)(end - variable)) {
        return alog_fail(error, ALOG_CORRUPT, 0, -1,
                         "the environment in a file header is too long");
    }
    struct alog_file_header header = {
        .version = alog_le_load16(payload + ALOG_HEAD_VERSION),
        .compatible_flags = alog_le_load16(payload + ALOG_HEAD_COMPATIBLE_FLAGS),
        .incompatible_flags = alog_le_load16(payload + ALOG_HEAD_INCOMPATIBLE_FLAGS),
        .writer_id = alog_le_load64(payload + ALOG_FILE_WRITER_ID),
        .number = alog_le_load64(payload + ALOG_FILE_NUMBER),
        .created_ns = (int64_t)alog_le_load64(payload + ALOG_FILE_CREATED_NS),
        .predecessor_last_sequence = alog_le_load64(payload + ALOG_FILE_PREDECESSOR_LAST_SEQUENCE),
        .environment = {(const char *)variable, environment_bytes},
    };
    memcpy(header.file_id, payload + ALOG_HEAD_FILE_ID, 16);
    memcpy(header.predecessor_id, payload + ALOG_FILE_PREDECESSOR_ID, 16);
    if (header.created_ns < 0 || header.predecessor_last_sequence >= ALOG_MAX_SEQUENCE) {
        return alog_fail(error, ALOG_CORRUPT, 0, -1,
                         "a time or sequence in a file header is impossible");
    }
    *ret_header = header;
    return ALOG_OK;
}

/* ---- Block header -------------------------------------------------------------------------- */

/* Types in ascending order, nothing counted as zero, and a sum that is `total`. */
static bool tallies_are_possible(const struct alog_type_tally *tallies, uint32_t count,
                                 uint64_t total) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (tallies[i].type >= ALOG_MAX_TYPES || tallies[i].count == 0 ||
            (i > 0 && tallies[i].type <= tallies[i - 1].type) ||
            __builtin_add_overflow(sum, tallies[i].count, &sum)) {
            return false;
        }
    }
    return sum == total;
}

/* What the check cannot know: a faulty writer checks what it writes as well. */
static bool limits_are_kept(const struct alog_block_facts *facts) {
    return facts->first_sequence >= 1 && facts->first_sequence <= facts->last_sequence &&
           facts->last_sequence < ALOG_MAX_SEQUENCE && facts->min_timestamp_ns >= 0 &&
           facts->min_timestamp_ns <= facts->max_timestamp_ns && facts->raw_bytes > 0 &&
           facts->raw_bytes <= ALOG_BLOCK_MAX_RAW_BYTES && facts->compressed_bytes > 0 &&
           facts->compressed_bytes <= ALOG_BLOCK_MAX_COMPRESSED_BYTES &&
           facts->count_count <= ALOG_MAX_TYPES && facts->drop_count <= ALOG_MAX_TYPES &&
           facts->bloom_bytes <= ALOG_BLOOM_MAX_BYTES &&
           (facts->bloom_bytes & (facts->bloom_bytes - 1)) == 0;
}

static bool counts_add_up(const struct alog_block_facts *facts) {
    return tallies_are_possible(facts->counts, facts->count_count,
                                facts->last_sequence - facts->first_sequence + 1) &&
           tallies_are_possible(facts->drops, facts->drop_count, facts->dropped);
}

static uint8_t *store_tallies(uint8_t *at, const struct alog_type_tally *tallies, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        alog_le_store32(at, tallies[i].type);
        alog_le_store64(at + 4, tallies[i].count);
        at += ALOG_TALLY_BYTES;
    }
    return at;
}

static uint8_t *store_rings(uint8_t *at, const struct alog_ring_mark *rings, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        alog_le_store64(at, rings[i].ring_id);
        alog_le_store64(at + 8, rings[i].end);
        at += ALOG_RING_BYTES;
    }
    return at;
}

/* Bytes of the variable part; 64 bits hold any sum of these. */
static uint64_t variable_bytes(uint64_t counts, uint64_t drops, uint64_t rings, uint64_t bloom) {
    return (counts + drops) * ALOG_TALLY_BYTES + rings * ALOG_RING_BYTES + bloom;
}

static void store_block_fixed(uint8_t *payload, uint64_t number,
                              const struct alog_block_facts *facts) {
    alog_le_store64(payload + ALOG_BLOCK_NUMBER, number);
    alog_le_store64(payload + ALOG_BLOCK_FIRST_SEQUENCE, facts->first_sequence);
    alog_le_store64(payload + ALOG_BLOCK_LAST_SEQUENCE, facts->last_sequence);
    alog_le_store64(payload + ALOG_BLOCK_MIN_TIMESTAMP_NS, (uint64_t)facts->min_timestamp_ns);
    alog_le_store64(payload + ALOG_BLOCK_MAX_TIMESTAMP_NS, (uint64_t)facts->max_timestamp_ns);
    alog_le_store64(payload + ALOG_BLOCK_EMITTED, facts->emitted);
    alog_le_store64(payload + ALOG_BLOCK_DROPPED, facts->dropped);
    alog_le_store32(payload + ALOG_BLOCK_RAW_BYTES, facts->raw_bytes);
    alog_le_store32(payload + ALOG_BLOCK_COMPRESSED_BYTES, facts->compressed_bytes);
    memcpy(payload + ALOG_BLOCK_HASH, facts->hash, 16);
    alog_le_store32(payload + ALOG_BLOCK_COUNT_COUNT, facts->count_count);
    alog_le_store32(payload + ALOG_BLOCK_DROP_COUNT, facts->drop_count);
    alog_le_store32(payload + ALOG_BLOCK_RING_COUNT, facts->ring_count);
    alog_le_store32(payload + ALOG_BLOCK_BLOOM_BYTES, facts->bloom_bytes);
    if (facts->source != 0) {
        alog_le_store32(payload + ALOG_BLOCK_SOURCE, facts->source);
    }
}

enum alog_status alog_block_header_encode(const uint8_t file_id[16], uint64_t block_number,
                                          const struct alog_block_facts *facts,
                                          struct alog_buffer *append_to) {
    if (!limits_are_kept(facts) || !counts_add_up(facts)) {
        return ALOG_INVALID; /* no reader would believe it */
    }
    uint64_t variable = variable_bytes(facts->count_count, facts->drop_count, facts->ring_count,
                                       facts->bloom_bytes);
    if (variable > ALOG_MAX_HEADER_BYTES) {
        return ALOG_LIMIT;
    }
    size_t frame_at = append_to->len;
    uint16_t fixed_bytes = facts->source != 0 ? ALOG_BLOCK_ARCHIVED_END : ALOG_BLOCK_FIXED_END;
    uint8_t *payload = alog_frame_begin(append_to, ALOG_KIND_BLOCK_HEADER, fixed_bytes, file_id);
    if (payload == NULL || alog_buffer_reserve(append_to, (size_t)variable) != ALOG_OK) {
        append_to->len = frame_at;
        return ALOG_NO_MEMORY;
    }
    payload = append_to->data + frame_at + ALOG_FRAME_PREFIX_BYTES;
    store_block_fixed(payload, block_number, facts);
    uint8_t *at = payload + fixed_bytes;
    at = store_tallies(at, facts->counts, facts->count_count);
    at = store_tallies(at, facts->drops, facts->drop_count);
    at = store_rings(at, facts->rings, facts->ring_count);
    if (facts->bloom_bytes > 0) {
        memcpy(at, facts->bloom, facts->bloom_bytes);
    }
    append_to->len += (size_t)variable;
    enum alog_status status = alog_frame_finish(append_to, frame_at, ALOG_MAX_HEADER_BYTES);
    if (status != ALOG_OK) {
        append_to->len = frame_at;
    }
    return status;
}

static enum alog_status reserve_room(struct alog_block_header_room *room, uint32_t tallies,
                                     uint32_t rings) {
    if (tallies > room->tally_capacity) {
        struct alog_type_tally *grown = realloc(room->tallies, tallies * sizeof *grown);
        if (grown == NULL) {
            return ALOG_NO_MEMORY;
        }
        room->tallies = grown;
        room->tally_capacity = tallies;
    }
    if (rings > room->ring_capacity) {
        struct alog_ring_mark *grown = realloc(room->rings, rings * sizeof *grown);
        if (grown == NULL) {
            return ALOG_NO_MEMORY;
        }
        room->rings = grown;
        room->ring_capacity = rings;
    }
    return ALOG_OK;
}

void alog_block_header_room_free(struct alog_block_header_room *room) {
    free(room->tallies);
    free(room->rings);
    *room = (struct alog_block_header_room){0};
}

static void load_tallies(const uint8_t *at, uint32_t count, struct alog_type_tally *ret_tallies) {
    for (uint32_t i = 0; i < count; i++, at += ALOG_TALLY_BYTES) {
        ret_tallies[i] = (struct alog_type_tally){alog_le_load32(at), alog_le_load64(at + 4)};
    }
}

static void load_rings(const uint8_t *at, uint32_t count, struct alog_ring_mark *ret_rings) {
    for (uint32_t i = 0; i < count; i++, at += ALOG_RING_BYTES) {
        ret_rings[i] = (struct alog_ring_mark){alog_le_load64(at), alog_le_load64(at + 8)};
    }
}

static void load_block_fixed(const uint8_t *payload, struct alog_block_header *ret_header) {
    struct alog_block_facts *facts = &ret_header->facts;
    memcpy(ret_header->file_id, payload + ALOG_HEAD_FILE_ID, 16);
    ret_header->number = alog_le_load64(payload + ALOG_BLOCK_NUMBER);
    facts->first_sequence = alog_le_load64(payload + ALOG_BLOCK_FIRST_SEQUENCE);
    facts->last_sequence = alog_le_load64(payload + ALOG_BLOCK_LAST_SEQUENCE);
    facts->min_timestamp_ns = (int64_t)alog_le_load64(payload + ALOG_BLOCK_MIN_TIMESTAMP_NS);
    facts->max_timestamp_ns = (int64_t)alog_le_load64(payload + ALOG_BLOCK_MAX_TIMESTAMP_NS);
    facts->emitted = alog_le_load64(payload + ALOG_BLOCK_EMITTED);
    facts->dropped = alog_le_load64(payload + ALOG_BLOCK_DROPPED);
    facts->raw_bytes = alog_le_load32(payload + ALOG_BLOCK_RAW_BYTES);
    facts->compressed_bytes = alog_le_load32(payload + ALOG_BLOCK_COMPRESSED_BYTES);
    memcpy(facts->hash, payload + ALOG_BLOCK_HASH, 16);
    facts->count_count = alog_le_load32(payload + ALOG_BLOCK_COUNT_COUNT);
    facts->drop_count = alog_le_load32(payload + ALOG_BLOCK_DROP_COUNT);
    facts->ring_count = alog_le_load32(payload + ALOG_BLOCK_RING_COUNT);
    facts->bloom_bytes = alog_le_load32(payload + ALOG_BLOCK_BLOOM_BYTES);
}

enum alog_status alog_block_payload_decode(const uint8_t *payload, size_t payload_bytes,
                                           struct alog_block_header_room *room,
                                           struct alog_block_header *ret_header,
                                           struct alog_error *error) {
    const uint8_t *variable, *end;
    enum alog_status status = alog_payload_check(payload, payload_bytes, ALOG_KIND_BLOCK_HEADER,
                                                 ALOG_BLOCK_FIXED_END, &variable, &end, error);
    if (status != ALOG_OK) {
        return status;
    }
    struct alog_block_header header = {.number = 0};
    load_block_fixed(payload, &header);
    struct alog_block_facts *facts = &header.facts;
    if (variable - payload >= ALOG_BLOCK_ARCHIVED_END) {
        facts->source = alog_le_load32(payload + ALOG_BLOCK_SOURCE);
    }
    if (!limits_are_kept(facts) ||
        variable_bytes(facts->count_count, facts->drop_count, facts->ring_count,
                       facts->bloom_bytes) > (uint64_t)(end - variable)) {
        return alog_fail(error, ALOG_CORRUPT, 0, -1, "a block header states what cannot be");
    }
    /* One more: without any there would be no memory to point into. */
    if (reserve_room(room, facts->count_count + facts->drop_count + 1, facts->ring_count) !=
        ALOG_OK) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for a block header");
    }
    struct alog_type_tally *drops = room->tallies + facts->count_count;
    const uint8_t *drops_at = variable + facts->count_count * ALOG_TALLY_BYTES;
    const uint8_t *rings_at = drops_at + facts->drop_count * ALOG_TALLY_BYTES;
    load_tallies(variable, facts->count_count, room->tallies);
    load_tallies(drops_at, facts->drop_count, drops);
    load_rings(rings_at, facts->ring_count, room->rings);
    facts->counts = room->tallies;
    facts->drops = drops;
    facts->rings = room->rings;
    facts->bloom = rings_at + facts->ring_count * ALOG_RING_BYTES;
    if (!counts_add_up(facts)) {
        return alog_fail(error, ALOG_CORRUPT, 0, -1, "the counts in a block header do not add up");
    }
    *ret_header = header;
    return ALOG_OK;
}

enum alog_status alog_block_header_decode(const uint8_t *frame, size_t bytes,
                                          struct alog_block_header_room *room,
                                          struct alog_block_header *ret_header,
                                          struct alog_error *error) {
    enum alog_status status = check_prefix(frame, bytes, error);
    if (status != ALOG_OK) {
        return status;
    }
    return alog_block_payload_decode(frame + ALOG_FRAME_PREFIX_BYTES,
                                     bytes - ALOG_FRAME_PREFIX_BYTES, room, ret_header, error);
}
