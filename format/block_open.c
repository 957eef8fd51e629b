/* Opening a block: a zstd frame back to msgpack, and its preamble. Nothing here trusts its input.
 */
#include <stdlib.h>
#include <xxhash.h>
#define ZSTD_STATIC_LINKING_ONLY /* ZSTD_d_forceIgnoreChecksum */
#include <zstd.h>

#include "block.h"
#include "block_strings.h"
#include "error.h"

/* A value under an unknown key is passed over; no version nests more deeply. */
#define MAX_UNKNOWN_DEPTH 16u

/* Offsets in a file say nothing about content that was compressed: the message names the place in
 * the block. */
static enum alog_status corrupt(const struct alog_block *block, const struct alog_mp_cursor *in,
                                struct alog_error *error, const char *what) {
    return alog_fail(error, ALOG_CORRUPT, 0, -1, "block: %s, near byte %zu of its content", what,
                     (size_t)(in->at - block->raw));
}

/* ---- The preamble's values --------------------------------------------------------------------
 */

static bool take_uint(struct alog_mp_cursor *in, uint64_t *ret_number) {
    struct alog_mp_token token;
    if (!alog_mp_next(in, &token)) {
        return false;
    }
    if (token.type == ALOG_MP_UINT) {
        *ret_number = token.u64;
        return true;
    }
    *ret_number = token.type == ALOG_MP_INT ? (uint64_t)token.i64 : 0;
    return token.type == ALOG_MP_INT && token.i64 >= 0;
}

static bool take_text(struct alog_mp_cursor *in, struct alog_string *ret_text) {
    struct alog_mp_token token;
    if (!alog_mp_next(in, &token) || token.type != ALOG_MP_STR) {
        return false;
    }
    *ret_text = (struct alog_string){(const char *)token.data, token.len};
    return true;
}

static bool take_array(struct alog_mp_cursor *in, uint32_t *ret_count) {
    struct alog_mp_token token;
    if (!alog_mp_next(in, &token) || token.type != ALOG_MP_ARRAY) {
        return false;
    }
    *ret_count = token.len;
    return true;
}

static enum alog_status read_version(struct alog_block *block, struct alog_mp_cursor *in,
                                     struct alog_error *error) {
    uint64_t version;
    if (!take_uint(in, &version) || version == 0) {
        return corrupt(block, in, error, "no format version");
    }
    if (version > ALOG_FORMAT_VERSION) {
        return alog_fail(error, ALOG_UNSUPPORTED, 0, -1,
                         "block: format version %llu, this library reads up to %d",
                         (unsigned long long)version, ALOG_FORMAT_VERSION);
    }
    return ALOG_OK;
}

static enum alog_status read_writer(struct alog_block *block, struct alog_mp_cursor *in,
                                    struct alog_error *error) {
    struct alog_string text;
    if (!take_text(in, &text) || text.len != 16) {
        return corrupt(block, in, error, "bad writer id");
    }
    uint64_t id = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.data[i];
        if (c >= '0' && c <= '9') {
            id = id << 4 | (uint64_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            id = id << 4 | (uint64_t)(c - 'a' + 10);
        } else {
            return corrupt(block, in, error, "bad writer id");
        }
    }
    block->writer_id = id;
    return ALOG_OK;
}

static enum alog_status read_environment(struct alog_block *block, struct alog_mp_cursor *in,
                                         struct alog_error *error) {
    if (!take_text(in, &block->environment) || block->environment.len > ALOG_MAX_NAME_BYTES) {
        return corrupt(block, in, error, "bad environment");
    }
    return ALOG_OK;
}

static enum alog_status read_sequence(struct alog_block *block, struct alog_mp_cursor *in,
                                      struct alog_error *error) {
    if (!take_uint(in, &block->first_sequence) || block->first_sequence == 0) {
        return corrupt(block, in, error, "bad first sequence number");
    }
    return ALOG_OK;
}

static enum alog_status read_timestamp(struct alog_block *block, struct alog_mp_cursor *in,
                                       struct alog_error *error) {
    uint64_t base;
    if (!take_uint(in, &base) || base > INT64_MAX) {
        return corrupt(block, in, error, "bad timestamp");
    }
    block->base_timestamp_ns = (int64_t)base;
    return ALOG_OK;
}

static enum alog_status read_strings(struct alog_block *block, struct alog_mp_cursor *in,
                                     struct alog_error *error) {
    uint32_t count;
    if (!take_array(in, &count) || count > ALOG_BLOCK_MAX_STRINGS) {
        return corrupt(block, in, error, "bad string table");
    }
    if (count > block->string_capacity) {
        free(block->string_room);
        block->string_capacity = 0;
        block->string_room = malloc(count * sizeof *block->string_room);
        if (block->string_room == NULL) {
            return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "block: no memory for %u strings",
                             count);
        }
        block->string_capacity = count;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!take_text(in, &block->string_room[i])) {
            return corrupt(block, in, error, "bad string table");
        }
    }
    block->strings = (struct alog_string_table){block->string_room, count};
    return ALOG_OK;
}

/* ---- The schema -------------------------------------------------------------------------------
 */

static bool kind_of(struct alog_string name, enum alog_field_kind *ret_kind) {
    static const struct {
        const char *name;
        enum alog_field_kind kind;
    } kinds[] = {{"name", ALOG_FIELD_NAME}, {"text", ALOG_FIELD_TEXT}, {"json", ALOG_FIELD_JSON},
                 {"bool", ALOG_FIELD_BOOL}, {"i64", ALOG_FIELD_I64},   {"f64", ALOG_FIELD_F64},
                 {"enum", ALOG_FIELD_ENUM}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (alog_string_equal(name, alog_str(kinds[i].name))) {
            *ret_kind = kinds[i].kind;
            return true;
        }
    }
    return false;
}

/* The NUL-terminated names of one type's fields. */
struct field_names {
    char text[ALOG_MAX_FIELDS][ALOG_MAX_NAME_BYTES + 1];
};

static bool take_field(struct alog_mp_cursor *in, char *name, struct alog_field *ret_field) {
    uint32_t parts;
    struct alog_string text, kind;
    if (!take_array(in, &parts) || parts < 2 || !take_text(in, &text) || !take_text(in, &kind) ||
        text.len > ALOG_MAX_NAME_BYTES || memchr(text.data, '\0', text.len) != NULL) {
        return false;
    }
    for (uint32_t i = 2; i < parts; i++) {
        if (!alog_mp_skip(in, MAX_UNKNOWN_DEPTH)) {
            return false;
        }
    }
    memcpy(name, text.data, text.len);
    name[text.len] = '\0';
    *ret_field = (struct alog_field){.name = name};
    return kind_of(kind, &ret_field->kind);
}

static enum alog_status read_type(struct alog_block *block, struct alog_mp_cursor *in,
                                  struct field_names *names, struct alog_error *error) {
    struct alog_field fields[ALOG_MAX_FIELDS];
    uint32_t parts, field_count;
    uint64_t id;
    struct alog_string name;
    if (!take_array(in, &parts) || parts < 3 || !take_uint(in, &id) || id == 0 ||
        id >= ALOG_MAX_TYPES || !take_text(in, &name) || !take_array(in, &field_count) ||
        field_count > ALOG_MAX_FIELDS) {
        return corrupt(block, in, error, "bad schema");
    }
    for (uint32_t i = 0; i < field_count; i++) {
        if (!take_field(in, names->text[i], &fields[i])) {
            return corrupt(block, in, error, "bad field in the schema");
        }
    }
    for (uint32_t i = 3; i < parts; i++) {
        if (!alog_mp_skip(in, MAX_UNKNOWN_DEPTH)) {
            return corrupt(block, in, error, "bad schema");
        }
    }
    const struct alog_event_type *type;
    const enum alog_status status =
        alog_schema_define(block->schema, (uint32_t)id, name, fields, field_count, &type, error);
    if (status == ALOG_EXISTS) {
        return alog_fail(error, ALOG_UNSUPPORTED, 0, -1,
                         "block: type %u is not the one that this version knows", (unsigned)id);
    }
    return status == ALOG_INVALID ? corrupt(block, in, error, "bad type in the schema") : status;
}

static enum alog_status read_schema(struct alog_block *block, struct alog_mp_cursor *in,
                                    struct alog_error *error) {
    uint32_t count;
    if (!take_array(in, &count) || count > ALOG_MAX_TYPES) {
        return corrupt(block, in, error, "bad schema");
    }
    struct field_names *names = malloc(sizeof *names);
    if (names == NULL) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "block: no memory for its schema");
    }
    enum alog_status status = ALOG_OK;
    for (uint32_t i = 0; i < count && status == ALOG_OK; i++) {
        status = read_type(block, in, names, error);
    }
    free(names);
    return status;
}

/* ---- The preamble -----------------------------------------------------------------------------
 */

struct preamble_key {
    const char *name;
    enum alog_status (*read)(struct alog_block *block, struct alog_mp_cursor *in,
                             struct alog_error *error);
};

static const struct preamble_key preamble_keys[] = {
    {"agentlog", read_version},        {"writer", read_writer},
    {"environment", read_environment}, {"first_sequence", read_sequence},
    {"timestamp", read_timestamp},     {"schema", read_schema},
    {"strings", read_strings},
};
enum { KEY_COUNT = sizeof preamble_keys / sizeof preamble_keys[0] };

/* The key's place in preamble_keys, or KEY_COUNT. */
static unsigned find_key(struct alog_string name) {
    unsigned i = 0;
    while (i < KEY_COUNT && !alog_string_equal(name, alog_str(preamble_keys[i].name))) {
        i++;
    }
    return i;
}

static enum alog_status read_preamble(struct alog_block *block, struct alog_error *error) {
    struct alog_mp_cursor in = {.at = block->raw, .end = block->raw + block->raw_bytes};
    struct alog_mp_token head;
    if (!alog_mp_next(&in, &head) || head.type != ALOG_MP_MAP) {
        return corrupt(block, &in, error, "no preamble");
    }
    unsigned seen = 0;
    for (uint32_t i = 0; i < head.len; i++) {
        struct alog_string name;
        if (!take_text(&in, &name)) {
            return corrupt(block, &in, error, "bad key in the preamble");
        }
        const unsigned key = find_key(name);
        if (key == KEY_COUNT) {
            if (!alog_mp_skip(&in, MAX_UNKNOWN_DEPTH)) {
                return corrupt(block, &in, error, "bad value in the preamble");
            }
            continue;
        }
        if ((seen & 1u << key) != 0) {
            return corrupt(block, &in, error, "key twice in the preamble");
        }
        seen |= 1u << key;
        const enum alog_status status = preamble_keys[key].read(block, &in, error);
        if (status != ALOG_OK) {
            return status;
        }
    }
    if (seen != (1u << KEY_COUNT) - 1) {
        return corrupt(block, &in, error, "incomplete preamble");
    }
    block->events = in;
    return ALOG_OK;
}

/* ---- Opening ----------------------------------------------------------------------------------
 */

static bool reserve_raw(struct alog_block *block, size_t bytes) {
    if (bytes <= block->raw_capacity) {
        return true;
    }
    /* Not realloc: what the buffer held is of no use any more. */
    free(block->raw);
    block->raw = malloc(bytes);
    block->raw_capacity = block->raw != NULL ? bytes : 0;
    return block->raw != NULL;
}

/*
 * The schema is made anew for each block, since ids of user-defined types are the writer's own, and
 * a block must mean the same whatever was read before it. It costs a few microseconds.
 */
static enum alog_status begin(struct alog_block *block, size_t raw_bytes,
                              struct alog_error *error) {
    alog_schema_free(block->schema);
    block->schema = NULL;
    block->strings = (struct alog_string_table){NULL, 0};
    block->events = (struct alog_mp_cursor){NULL, NULL, false};
    block->raw_bytes = 0;
    if (raw_bytes == 0 || raw_bytes > ALOG_BLOCK_MAX_RAW_BYTES) {
        return alog_fail(error, ALOG_CORRUPT, 0, -1, "block: impossible length of %zu bytes",
                         raw_bytes);
    }
    if (!reserve_raw(block, raw_bytes) || alog_schema_new(&block->schema) != ALOG_OK) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "block: no memory for %zu bytes", raw_bytes);
    }
    block->raw_bytes = raw_bytes;
    return ALOG_OK;
}

static enum alog_status check_hash(const uint8_t *frame, const struct alog_block_facts *facts,
                                   struct alog_error *error) {
    const size_t bytes = facts->compressed_bytes;
    if (bytes > ALOG_BLOCK_MAX_COMPRESSED_BYTES) {
        return alog_fail(error, ALOG_CORRUPT, 0, -1, "block: impossible compressed length");
    }
    XXH128_canonical_t hash;
    XXH128_canonicalFromHash(&hash, XXH3_128bits(frame, bytes));
    if (memcmp(hash.digest, facts->hash, sizeof facts->hash) != 0) {
        return alog_fail(error, ALOG_CORRUPT, 0, -1, "block: its hash does not match");
    }
    return ALOG_OK;
}

static enum alog_status check_lengths(const uint8_t *frame, const struct alog_block_facts *facts,
                                      struct alog_error *error) {
    const size_t bytes = facts->compressed_bytes;
    if (ZSTD_findFrameCompressedSize(frame, bytes) != bytes ||
        ZSTD_getFrameContentSize(frame, bytes) != facts->raw_bytes) {
        return alog_fail(error, ALOG_CORRUPT, 0, -1,
                         "block: not one zstd frame of the length that its header says");
    }
    return ALOG_OK;
}

/* Where zstd does not know how to leave a frame's checksum alone, it compares it all the same. */
static void set_ignore_checksum(ZSTD_DCtx *decompressor, bool ignore) {
#if ZSTD_VERSION_NUMBER >= 10407
    (void)ZSTD_DCtx_setParameter(decompressor, ZSTD_d_forceIgnoreChecksum,
                                 ignore ? ZSTD_d_ignoreChecksum : ZSTD_d_validateChecksum);
#else
    (void)decompressor;
    (void)ignore;
#endif
}

/* `hashed`: the frame is what was written, so that its checksum has nothing to add. */
static enum alog_status decompress(struct alog_block *block, const uint8_t *frame,
                                   const struct alog_block_facts *facts, bool hashed,
                                   struct alog_error *error) {
    if (block->decompressor == NULL) {
        block->decompressor = ZSTD_createDCtx();
        if (block->decompressor == NULL) {
            return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "block: no memory for zstd");
        }
    }
    set_ignore_checksum(block->decompressor, hashed);
    const size_t result = ZSTD_decompressDCtx(block->decompressor, block->raw, block->raw_bytes,
                                              frame, facts->compressed_bytes);
    if (ZSTD_isError(result)) {
        return alog_fail(error, ALOG_CORRUPT, 0, -1, "block: zstd: %s", ZSTD_getErrorName(result));
    }
    if (result != block->raw_bytes) {
        return alog_fail(error, ALOG_CORRUPT, 0, -1, "block: its content is too short");
    }
    return ALOG_OK;
}

static enum alog_status open_frame(struct alog_block *block, const uint8_t *frame,
                                   const struct alog_block_facts *facts, bool hashed,
                                   struct alog_error *error) {
    enum alog_status status = begin(block, facts->raw_bytes, error);
    if (status == ALOG_OK && !hashed) {
        status = check_hash(frame, facts, error);
    }
    if (status == ALOG_OK) {
        status = check_lengths(frame, facts, error);
    }
    if (status == ALOG_OK) {
        status = decompress(block, frame, facts, hashed, error);
    }
    if (status == ALOG_OK) {
        status = read_preamble(block, error);
    }
    if (status == ALOG_OK && block->first_sequence != facts->first_sequence) {
        status = alog_fail(
            error, ALOG_CORRUPT, 0, -1, "block: begins with event %llu, its header says %llu",
            (unsigned long long)block->first_sequence, (unsigned long long)facts->first_sequence);
    }
    return status;
}

enum alog_status alog_block_open(struct alog_block *block, const uint8_t *frame,
                                 const struct alog_block_facts *facts, struct alog_error *error) {
    return open_frame(block, frame, facts, false, error);
}

enum alog_status alog_block_open_hashed(struct alog_block *block, const uint8_t *frame,
                                        const struct alog_block_facts *facts,
                                        struct alog_error *error) {
    return open_frame(block, frame, facts, true, error);
}

enum alog_status alog_block_open_raw(struct alog_block *block, const uint8_t *raw, size_t raw_bytes,
                                     struct alog_error *error) {
    const enum alog_status status = begin(block, raw_bytes, error);
    if (status != ALOG_OK) {
        return status;
    }
    memcpy(block->raw, raw, raw_bytes);
    return read_preamble(block, error);
}

void alog_block_close(struct alog_block *block) {
    alog_schema_free(block->schema);
    free(block->raw);
    free(block->string_room);
    ZSTD_freeDCtx(block->decompressor);
    *block = (struct alog_block){0};
}
