/* Reading the tables at the end of a sealed segment. */
#include "segment_tables.h"

#include <string.h>

#define XXH_STATIC_LINKING_ONLY /* streaming states on the stack */
#include <xxhash.h>

#include "error.h"
#include "little_endian.h"
#include "segment_frame.h"

#define CHUNK_BYTES (64u << 10)

/* Exactly `bytes` at `offset`, or *ret_at NULL when the file ends before. */
static enum alog_status get(struct alog_window *window, uint64_t offset, size_t bytes,
                            const uint8_t **ret_at, struct alog_error *error) {
    size_t have;
    enum alog_status status = alog_window_get(window, offset, bytes, ret_at, &have, error);
    if (status == ALOG_OK && have < bytes) {
        *ret_at = NULL;
    }
    return status;
}

/* ---- The index ----------------------------------------------------------------------------- */

/* Both hashes of an index in one pass: the check's over prefix and payload, the digest's over the
 * whole payload. */
static enum alog_status hash_index(struct alog_window *window, uint64_t offset,
                                   uint64_t frame_bytes, uint64_t *ret_check,
                                   struct alog_tables *tables, const char **ret_fault,
                                   struct alog_error *error) {
    XXH3_state_t check, digest;
    XXH3_64bits_reset(&check);
    XXH3_128bits_reset(&digest);
    uint64_t done = 0;
    while (done < frame_bytes) {
        uint64_t left = frame_bytes - done;
        size_t chunk = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
        const uint8_t *at;
        enum alog_status status = get(window, offset + done, chunk, &at, error);
        if (status != ALOG_OK) {
            return status;
        }
        if (at == NULL) {
            *ret_fault = "the index is cut off";
            return ALOG_OK;
        }
        uint64_t checked = frame_bytes - ALOG_FRAME_CHECK_BYTES;
        if (done < checked) {
            XXH3_64bits_update(&check, at,
                               checked - done < chunk ? (size_t)(checked - done) : chunk);
        }
        size_t prefix = done == 0 ? ALOG_FRAME_PREFIX_BYTES : 0;
        XXH3_128bits_update(&digest, at + prefix, chunk - prefix);
        done += chunk;
    }
    *ret_check = XXH3_64bits_digest(&check);
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&digest));
    memcpy(tables->digest, canonical.digest, sizeof tables->digest);
    return ALOG_OK;
}

static const char *index_head_fault(const uint8_t *frame, uint64_t frame_bytes,
                                    const uint8_t file_id[16]) {
    const uint8_t *payload = frame + ALOG_FRAME_PREFIX_BYTES;
    unsigned fixed = alog_le_load16(payload + ALOG_HEAD_FIXED_BYTES);
    if (alog_le_load32(frame) != ALOG_SKIPPABLE_MAGIC ||
        alog_le_load32(frame + 4) != frame_bytes - ALOG_FRAME_PREFIX_BYTES ||
        memcmp(payload + ALOG_HEAD_KIND, ALOG_KIND_INDEX, 4) != 0) {
        return "there is no index before the seek table";
    }
    if (memcmp(payload + ALOG_HEAD_FILE_ID, file_id, 16) != 0) {
        return "the index is another file's";
    }
    if (alog_le_load16(payload + ALOG_HEAD_VERSION) > ALOG_FORMAT_VERSION ||
        alog_le_load16(payload + ALOG_HEAD_INCOMPATIBLE_FLAGS) != 0) {
        return "the index is of a newer format";
    }
    if (fixed < ALOG_INDEX_FIXED_END ||
        fixed > frame_bytes - ALOG_FRAME_PREFIX_BYTES - ALOG_FRAME_CHECK_BYTES) {
        return "the index states a length that cannot be";
    }
    return NULL;
}

enum alog_status alog_tables_check_index(struct alog_window *window, uint64_t offset,
                                         uint64_t frame_bytes, const uint8_t file_id[16],
                                         struct alog_tables *tables, const char **ret_fault,
                                         struct alog_error *error) {
    const uint64_t least = ALOG_FRAME_PREFIX_BYTES + ALOG_INDEX_FIXED_END + ALOG_FRAME_CHECK_BYTES;
    if (frame_bytes < least || frame_bytes - ALOG_FRAME_PREFIX_BYTES > ALOG_MAX_INDEX_BYTES) {
        *ret_fault = "there is no index before the seek table";
        return ALOG_OK;
    }
    uint64_t check = 0;
    const char *fault = NULL;
    enum alog_status status =
        hash_index(window, offset, frame_bytes, &check, tables, &fault, error);
    if (status != ALOG_OK || fault != NULL) {
        *ret_fault = fault;
        return status;
    }
    const uint8_t *at;
    status = get(window, offset + frame_bytes - ALOG_FRAME_CHECK_BYTES, ALOG_FRAME_CHECK_BYTES, &at,
                 error);
    if (status != ALOG_OK) {
        return status;
    }
    if (at == NULL || alog_le_load64(at) != check) {
        *ret_fault = "the index fails its check";
        return ALOG_OK;
    }
    status = get(window, offset, (size_t)least, &at, error);
    if (status != ALOG_OK) {
        return status;
    }
    *ret_fault = at ? index_head_fault(at, frame_bytes, file_id) : "the index is cut off";
    if (*ret_fault == NULL) {
        alog_index_totals_load(at + ALOG_FRAME_PREFIX_BYTES, &tables->totals);
    }
    return ALOG_OK;
}

enum alog_status alog_index_cursor_open(struct alog_window *window,
                                        const struct alog_tables *tables,
                                        struct alog_index_cursor *ret_cursor,
                                        struct alog_error *error) {
    const uint8_t *at;
    uint64_t payload = tables->index_offset + ALOG_FRAME_PREFIX_BYTES;
    enum alog_status status = get(window, payload, ALOG_HEAD_END, &at, error);
    if (status != ALOG_OK) {
        return status;
    }
    *ret_cursor = (struct alog_index_cursor){
        .at = payload + (at ? alog_le_load16(at + ALOG_HEAD_FIXED_BYTES) : 0),
        .end = tables->seek_offset - ALOG_FRAME_CHECK_BYTES,
        .left = at ? tables->totals.blocks : 0,
    };
    return ALOG_OK;
}

enum alog_status alog_index_cursor_next(struct alog_index_cursor *cursor,
                                        struct alog_window *window,
                                        struct alog_index_entry *ret_entry,
                                        struct alog_error *error) {
    const size_t least = ALOG_BLOCK_FIXED_END + ALOG_FRAME_CHECK_BYTES;
    const uint8_t *at = NULL;
    enum alog_status status = ALOG_OK;
    uint64_t left = cursor->end - cursor->at;
    if (left >= ALOG_ENTRY_FIXED_END) {
        status = get(window, cursor->at, ALOG_ENTRY_FIXED_END, &at, error);
    }
    if (status != ALOG_OK) {
        return status;
    }
    struct alog_index_entry entry = {0};
    if (at != NULL) {
        entry.offset = alog_le_load64(at + ALOG_ENTRY_OFFSET);
        entry.payload_bytes = alog_le_load32(at + ALOG_ENTRY_HEADER_BYTES);
        entry.frame_bytes = alog_le_load32(at + ALOG_ENTRY_FRAME_BYTES);
    }
    if (entry.payload_bytes < least || entry.payload_bytes > ALOG_MAX_HEADER_BYTES ||
        entry.payload_bytes > left - ALOG_ENTRY_FIXED_END) {
        return alog_fail(error, ALOG_CORRUPT, 0, (int64_t)cursor->at,
                         "an index entry does not fit");
    }
    status =
        get(window, cursor->at + ALOG_ENTRY_FIXED_END, entry.payload_bytes, &entry.payload, error);
    if (status == ALOG_OK && entry.payload == NULL) {
        status = alog_fail(error, ALOG_CORRUPT, 0, (int64_t)cursor->at, "the index is cut off");
    }
    if (status != ALOG_OK) {
        return status;
    }
    cursor->at += ALOG_ENTRY_FIXED_END + entry.payload_bytes;
    cursor->left--;
    *ret_entry = entry;
    return ALOG_OK;
}

/* ---- The seek table ------------------------------------------------------------------------ */

struct seek_table {
    uint64_t offset; /* of its frame */
    uint32_t count;
    uint32_t last_bytes; /* compressed length in its last entry */
};

/* Read the footer and the prefix. *ret_table->count stays 0 when no seek table ends the file. */
static enum alog_status find_seek_table(struct alog_window *window, uint64_t file_bytes,
                                        struct seek_table *ret_table, const char **ret_fault,
                                        struct alog_error *error) {
    const uint32_t least = ALOG_SEEK_PREFIX_BYTES + ALOG_SEEK_FOOTER_BYTES;
    const uint8_t *at;
    if (file_bytes < least) {
        return ALOG_OK;
    }
    enum alog_status status =
        get(window, file_bytes - ALOG_SEEK_FOOTER_BYTES, ALOG_SEEK_FOOTER_BYTES, &at, error);
    if (status != ALOG_OK || at == NULL || alog_le_load32(at + 5) != ALOG_SEEK_TABLE_FOOTER_MAGIC) {
        return status;
    }
    uint32_t count = alog_le_load32(at);
    uint64_t bytes = least + (uint64_t)count * ALOG_SEEK_ENTRY_BYTES;
    if (count < 2 || at[4] != 0 || bytes > file_bytes) {
        *ret_fault = "the footer of the seek table is wrong";
        return ALOG_OK;
    }
    uint64_t offset = file_bytes - bytes;
    status = get(window, offset, ALOG_SEEK_PREFIX_BYTES, &at, error);
    if (status != ALOG_OK) {
        return status;
    }
    if (at == NULL || alog_le_load32(at) != ALOG_SEEK_TABLE_SKIPPABLE_MAGIC ||
        alog_le_load32(at + 4) != bytes - ALOG_SEEK_PREFIX_BYTES) {
        *ret_fault = "the seek table does not begin where its footer says";
        return ALOG_OK;
    }
    status = get(window, file_bytes - ALOG_SEEK_FOOTER_BYTES - ALOG_SEEK_ENTRY_BYTES,
                 ALOG_SEEK_ENTRY_BYTES, &at, error);
    if (status == ALOG_OK && at != NULL) {
        *ret_table = (struct seek_table){offset, count, alog_le_load32(at)};
    }
    return status;
}

static enum alog_status seek_entry(struct alog_window *window, const struct seek_table *table,
                                   uint64_t i, uint32_t *ret_bytes, uint32_t *ret_raw_bytes,
                                   struct alog_error *error) {
    const uint8_t *at;
    enum alog_status status =
        get(window, table->offset + ALOG_SEEK_PREFIX_BYTES + i * ALOG_SEEK_ENTRY_BYTES,
            ALOG_SEEK_ENTRY_BYTES, &at, error);
    if (status == ALOG_OK && at == NULL) {
        status = alog_fail(error, ALOG_IO, 0, (int64_t)table->offset, "the file has shrunk");
    }
    if (status == ALOG_OK) {
        *ret_bytes = alog_le_load32(at);
        *ret_raw_bytes = alog_le_load32(at + 4);
    }
    return status;
}

/* Whether the lengths add up to the table's own place. Then the index's place is known, whatever
 * the index says. */
static enum alog_status locate_index(struct alog_window *window, const struct seek_table *table,
                                     struct alog_tables *tables, struct alog_error *error) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < table->count; i++) {
        uint32_t bytes, raw_bytes;
        enum alog_status status = seek_entry(window, table, i, &bytes, &raw_bytes, error);
        if (status != ALOG_OK) {
            return status;
        }
        sum += bytes;
    }
    tables->located = sum == table->offset;
    tables->seek_offset = table->offset;
    tables->index_offset = table->offset - table->last_bytes;
    return ALOG_OK;
}

/* Whether an index and a seek table agree: every block's header and frame have entries of their
 * own in the right places, and every other entry stands for a frame without content. */
struct comparison {
    struct alog_index_cursor cursor;
    struct alog_index_entry entry; /* of the next block whose header is not found yet */
    bool has_entry;
    uint64_t at;              /* offset in the file of the next frame */
    uint32_t frame_bytes;     /* of the frame that must come next, */
    uint32_t frame_raw_bytes; /* … and its content; 0 = none must */
};

/* The next frame of the file is `bytes` long and has `raw_bytes` of content. */
static bool compare_frame(struct comparison *comparison, uint32_t bytes, uint32_t raw_bytes) {
    bool agrees;
    if (comparison->frame_raw_bytes != 0) {
        agrees = bytes == comparison->frame_bytes && raw_bytes == comparison->frame_raw_bytes;
        comparison->frame_raw_bytes = 0;
    } else if (comparison->has_entry && comparison->at == comparison->entry.offset) {
        const struct alog_index_entry *entry = &comparison->entry;
        agrees = raw_bytes == 0 && bytes == ALOG_FRAME_PREFIX_BYTES + entry->payload_bytes;
        comparison->frame_bytes = entry->frame_bytes;
        comparison->frame_raw_bytes = alog_le_load32(entry->payload + ALOG_BLOCK_RAW_BYTES);
        comparison->has_entry = false;
    } else {
        agrees = raw_bytes == 0;
    }
    comparison->at += bytes;
    return agrees;
}

static enum alog_status compare_tables(struct alog_window *index_window,
                                       struct alog_window *seek_window,
                                       const struct seek_table *table,
                                       const struct alog_tables *tables, bool *ret_agree,
                                       struct alog_error *error) {
    struct comparison comparison = {0};
    enum alog_status status =
        alog_index_cursor_open(index_window, tables, &comparison.cursor, error);
    bool agree = true;
    for (uint64_t i = 0; status == ALOG_OK && agree && i < table->count; i++) {
        if (!comparison.has_entry && comparison.cursor.left > 0) {
            status =
                alog_index_cursor_next(&comparison.cursor, index_window, &comparison.entry, error);
            comparison.has_entry = status == ALOG_OK;
        }
        uint32_t bytes, raw_bytes;
        if (status == ALOG_OK) {
            status = seek_entry(seek_window, table, i, &bytes, &raw_bytes, error);
        }
        if (status == ALOG_OK) {
            agree = compare_frame(&comparison, bytes, raw_bytes);
        }
    }
    *ret_agree = status == ALOG_OK && agree && !comparison.has_entry &&
                 comparison.cursor.left == 0 && comparison.frame_raw_bytes == 0;
    return status == ALOG_CORRUPT ? ALOG_OK : status; /* an entry that does not fit disagrees */
}

enum alog_status alog_tables_find(struct alog_window *window, uint64_t file_bytes,
                                  const uint8_t file_id[16], struct alog_tables *ret_tables,
                                  struct alog_error *error) {
    struct alog_tables tables = {0};
    struct seek_table table = {0};
    enum alog_status status = find_seek_table(window, file_bytes, &table, &tables.fault, error);
    if (status == ALOG_OK && table.count > 0) {
        status = locate_index(window, &table, &tables, error);
        if (status == ALOG_OK && !tables.located) {
            tables.fault = "the lengths in the seek table do not add up";
        }
    }
    if (status == ALOG_OK && tables.located) {
        status = alog_tables_check_index(window, tables.index_offset, table.last_bytes, file_id,
                                         &tables, &tables.fault, error);
    }
    if (status == ALOG_OK && tables.located && tables.fault == NULL) {
        struct alog_window seek_window = {.io = window->io, .fd = window->fd};
        bool agree = false;
        status = compare_tables(window, &seek_window, &table, &tables, &agree, error);
        alog_window_free(&seek_window);
        tables.state = ALOG_TABLES_GOOD;
        tables.fault = agree ? NULL : "index and seek table disagree";
    }
    if (status != ALOG_OK) {
        return status;
    }
    if (tables.fault != NULL) {
        tables.state = ALOG_TABLES_BAD;
    }
    *ret_tables = tables;
    return ALOG_OK;
}
