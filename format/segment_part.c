/* What stands at a place of a segment file, and where the next thing stands that can be believed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "little_endian.h"
#include "scan_state.h"
#include "segment_frame.h"

#define SEARCH_CHUNK_BYTES (64u << 10)

void alog_scan_report(struct alog_segment_scan *scan, enum alog_damage_kind kind, bool harmless,
                      struct range range, const char *format, ...) {
    scan->damages += !harmless;
    if (scan->damage == NULL) {
        return;
    }
    char message[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    struct alog_damage damage = {
        .kind = kind,
        .harmless = harmless,
        .path = scan->path,
        .offset = range.offset,
        .bytes = range.bytes,
        .first_sequence = range.first_sequence,
        .last_sequence = range.last_sequence,
        .message = message,
    };
    scan->damage(scan->damage_context, &damage);
}

/* ---- Parts --------------------------------------------------------------------------------- */

/* Where blocks must end: at the index, if a sane seek table says where that is. */
uint64_t alog_scan_blocks_limit(const struct alog_segment_scan *scan) {
    if (scan->only.number != 0) {
        return scan->only.end;
    }
    return scan->tables.located ? scan->tables.index_offset : scan->file_bytes;
}

static bool is_our_file(const struct alog_segment_scan *scan, const uint8_t *file_id) {
    return scan->header_lost || memcmp(file_id, scan->file_header.file_id, 16) == 0;
}

/* Decode a header into the spare slot. What cannot be a next block of this file is PART_BAD. */
static enum alog_status try_block(struct alog_segment_scan *scan, uint64_t offset,
                                  const uint8_t *frame, size_t bytes, struct part *ret_part,
                                  struct alog_error *error) {
    struct header_slot *slot = &scan->slots[1 - scan->current];
    slot->frame.len = 0;
    if (alog_buffer_reserve(&slot->frame, bytes) != ALOG_OK) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for a block header");
    }
    memcpy(slot->frame.data, frame, bytes);
    slot->frame.len = bytes;
    enum alog_status status =
        alog_block_header_decode(slot->frame.data, bytes, &slot->room, &slot->header, NULL);
    if (status == ALOG_NO_MEMORY) {
        return alog_fail(error, status, 0, -1, "no memory for a block header");
    }
    if (status != ALOG_OK) {
        return ALOG_OK;
    }
    const struct alog_block_header *header = &slot->header;
    uint64_t left = alog_scan_blocks_limit(scan) - offset;
    /* A file's first block may go back behind its predecessor's end, no later one may. */
    bool goes_on = header->number >= scan->position.next_block_number &&
                   (header->facts.source != 0) == alog_segment_scan_is_archive(scan);
    if (scan->header_lost) {
        goes_on = true;
    }
    if (alog_scan_same_source(&scan->position, &header->facts)) {
        goes_on &= header->number == 0 || scan->position.source_begins ||
                   header->facts.first_sequence >= scan->position.next_sequence;
    } else {
        goes_on &= header->facts.source > scan->position.source && scan->only.number == 0;
    }
    if (is_our_file(scan, header->file_id) && goes_on && bytes <= left &&
        header->facts.compressed_bytes <= left - bytes) {
        ret_part->kind = PART_BLOCK;
        ret_part->bytes = bytes + header->facts.compressed_bytes;
    }
    return ALOG_OK;
}

/* A frame with our magic, `bytes` long, that begins with these bytes. */
static enum alog_status try_ours(struct alog_segment_scan *scan, uint64_t offset, uint64_t bytes,
                                 const uint8_t *head, struct part *ret_part,
                                 struct alog_error *error) {
    const uint8_t *payload = head + ALOG_FRAME_PREFIX_BYTES;
    if (memcmp(payload + ALOG_HEAD_KIND, ALOG_KIND_INDEX, 4) == 0) {
        struct alog_tables tables = {.index_offset = offset};
        const char *fault;
        enum alog_status status = alog_tables_check_index(
            &scan->window, offset, bytes, scan->file_header.file_id, &tables, &fault, error);
        if (status == ALOG_OK && fault == NULL) {
            ret_part->kind = PART_INDEX;
            ret_part->blocks = tables.totals.blocks;
        }
        scan->search_budget -= bytes < scan->search_budget ? bytes : scan->search_budget;
        return status;
    }
    if (bytes - ALOG_FRAME_PREFIX_BYTES > ALOG_MAX_HEADER_BYTES) {
        return ALOG_OK;
    }
    const uint8_t *frame;
    size_t have;
    enum alog_status status =
        alog_window_get(&scan->window, offset, (size_t)bytes, &frame, &have, error);
    if (status != ALOG_OK || have < bytes) {
        return status;
    }
    payload = frame + ALOG_FRAME_PREFIX_BYTES;
    size_t payload_bytes = (size_t)bytes - ALOG_FRAME_PREFIX_BYTES;
    if (memcmp(payload + ALOG_HEAD_KIND, ALOG_KIND_BLOCK_HEADER, 4) == 0) {
        status = try_block(scan, offset, frame, (size_t)bytes, ret_part, error);
    } else if (alog_segment_scan_is_archive(scan) &&
               memcmp(payload + ALOG_HEAD_KIND, ALOG_KIND_SOURCE, 4) == 0) {
        bool good =
            alog_archive_source_decode(frame, (size_t)bytes, &scan->candidate, NULL) == ALOG_OK &&
            memcmp(payload + ALOG_HEAD_FILE_ID, scan->file_header.file_id, 16) == 0 &&
            scan->candidate.number > scan->position.source;
        ret_part->kind = good ? PART_SOURCE : PART_BAD;
    } else if (alog_frame_check_of(payload, payload_bytes) ==
               alog_le_load64(frame + bytes - ALOG_FRAME_CHECK_BYTES)) {
        ret_part->kind = PART_OURS;
        ret_part->hole = memcmp(payload + ALOG_HEAD_KIND, ALOG_KIND_HOLE, 4) == 0;
    }
    if (ret_part->kind == PART_BAD) {
        scan->search_budget -= bytes < scan->search_budget ? bytes : scan->search_budget;
    }
    return status;
}

/* What begins at `offset`. A block is decoded into the spare slot. */
enum alog_status alog_scan_try_part(struct alog_segment_scan *scan, uint64_t offset,
                                    struct part *ret_part, struct alog_error *error) {
    *ret_part = (struct part){.kind = PART_BAD};
    const uint8_t *at;
    size_t have;
    enum alog_status status = alog_window_get(
        &scan->window, offset, ALOG_FRAME_PREFIX_BYTES + ALOG_HEAD_END, &at, &have, error);
    if (status != ALOG_OK || have < ALOG_FRAME_PREFIX_BYTES) {
        return status;
    }
    uint32_t magic = alog_le_load32(at);
    uint64_t bytes = ALOG_FRAME_PREFIX_BYTES + (uint64_t)alog_le_load32(at + 4);
    if ((magic & 0xFFFFFFF0u) != (ALOG_SKIPPABLE_MAGIC & 0xFFFFFFF0u) ||
        bytes > scan->file_bytes - offset) {
        return ALOG_OK;
    }
    ret_part->bytes = bytes;
    if (magic != ALOG_SKIPPABLE_MAGIC) {
        ret_part->kind = PART_ALIEN;
        return ALOG_OK;
    }
    if (have < ALOG_FRAME_PREFIX_BYTES + ALOG_HEAD_END ||
        bytes < ALOG_FRAME_PREFIX_BYTES + ALOG_HEAD_END + ALOG_FRAME_CHECK_BYTES) {
        return ALOG_OK;
    }
    return try_ours(scan, offset, bytes, at, ret_part, error);
}

/* ---- Searching after damage ---------------------------------------------------------------- */

/* Whether a header or an index of this file seems to begin with these 40 bytes. */
bool alog_scan_looks_like_ours(const struct alog_segment_scan *scan, const uint8_t *at) {
    const uint8_t *payload = at + ALOG_FRAME_PREFIX_BYTES;
    return (memcmp(payload, ALOG_KIND_BLOCK_HEADER, 4) == 0 ||
            (!scan->header_lost && (memcmp(payload, ALOG_KIND_INDEX, 4) == 0 ||
                                    memcmp(payload, ALOG_KIND_SOURCE, 4) == 0))) &&
           is_our_file(scan, payload + ALOG_HEAD_FILE_ID);
}

/* The next place from `offset` where the magic, a kind and the file id stand; the limit if none. */
static enum alog_status find_candidate(struct alog_segment_scan *scan, uint64_t offset,
                                       uint64_t limit, uint64_t *ret_offset,
                                       struct alog_error *error) {
    static const uint8_t magic[4] = {0x5A, 0x2A, 0x4D, 0x18};
    const size_t least = ALOG_FRAME_PREFIX_BYTES + ALOG_HEAD_END;
    while (offset < limit) {
        const uint8_t *at;
        size_t have;
        enum alog_status status =
            alog_window_get(&scan->window, offset, SEARCH_CHUNK_BYTES, &at, &have, error);
        if (status != ALOG_OK) {
            return status;
        }
        if (have < least) {
            break;
        }
        const uint8_t *found = at;
        const uint8_t *last = at + have - least;
        while (found <= last && (found = memmem(found, (size_t)(last - found) + sizeof magic, magic,
                                                sizeof magic)) != NULL) {
            if (alog_scan_looks_like_ours(scan, found)) {
                offset += (uint64_t)(found - at);
                *ret_offset = offset < limit ? offset : limit;
                return ALOG_OK;
            }
            found++;
        }
        offset += have - least + 1;
    }
    *ret_offset = limit;
    return ALOG_OK;
}

/* Find the next block or index from `offset` on: its kind, or PART_BAD and the limit. */
enum alog_status alog_scan_search(struct alog_segment_scan *scan, uint64_t offset,
                                  struct part *ret_part, uint64_t *ret_offset,
                                  struct alog_error *error) {
    uint64_t limit = alog_scan_blocks_limit(scan);
    *ret_part = (struct part){.kind = PART_BAD};
    while (offset < limit && scan->search_budget > 0) {
        enum alog_status status = find_candidate(scan, offset, limit, &offset, error);
        if (status == ALOG_OK && offset < limit) {
            status = alog_scan_try_part(scan, offset, ret_part, error);
        }
        if (status != ALOG_OK) {
            return status;
        }
        if (ret_part->kind == PART_BLOCK || ret_part->kind == PART_INDEX ||
            ret_part->kind == PART_SOURCE) {
            *ret_offset = offset;
            return ALOG_OK;
        }
        *ret_part = (struct part){.kind = PART_BAD};
        offset++;
    }
    *ret_offset = limit;
    return ALOG_OK;
}
