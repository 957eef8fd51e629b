/* Walking a segment block by block, past whatever is damaged. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "error.h"
#include "little_endian.h"
#include "scan_state.h"
#include "segment_frame.h"

/* The events from the next expected one to `last` are missing, unless that is none or not known. */
static void set_missing(const struct alog_segment_scan *scan, uint64_t last, struct range *range) {
    uint64_t next = scan->position.next_sequence;
    if (next != 0 && last != 0 && last >= next) {
        range->first_sequence = next;
        range->last_sequence = last;
    }
}

/* Before a block of another source the current one's events are over. */
static uint64_t last_before(const struct alog_segment_scan *scan,
                            const struct alog_block_facts *facts) {
    return alog_scan_same_source(&scan->position, facts) ? facts->first_sequence - 1
                                                         : scan->position.source_last;
}

/* ---- Frames -------------------------------------------------------------------------------- */

/* Read the current block's frame into `room`, of its length, and compare its hash. */
static enum alog_status read_frame(struct alog_segment_scan *scan, uint8_t *room, bool *ret_matches,
                                   struct alog_error *error) {
    const struct alog_block_facts *facts = &scan->slots[scan->current].header.facts;
    uint64_t offset = scan->position.end - facts->compressed_bytes;
    int64_t got =
        alog_io_read_full(scan->window.io, scan->window.fd, room, facts->compressed_bytes, offset);
    if (got < 0) {
        return alog_fail(error, ALOG_IO, (int)-got, (int64_t)offset, "cannot read %s", scan->path);
    }
    XXH128_canonical_t hash;
    XXH128_canonicalFromHash(&hash, XXH3_128bits(room, (size_t)got));
    *ret_matches = (uint64_t)got == facts->compressed_bytes &&
                   memcmp(hash.digest, facts->hash, sizeof facts->hash) == 0;
    return ALOG_OK;
}

/* The same into the scan's own room. */
static enum alog_status load_frame(struct alog_segment_scan *scan, bool *ret_matches,
                                   struct alog_error *error) {
    const uint32_t bytes = scan->slots[scan->current].header.facts.compressed_bytes;
    if (alog_buffer_reserve(&scan->frame, bytes) != ALOG_OK) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for a block of %" PRIu32 " bytes",
                         bytes);
    }
    enum alog_status status = read_frame(scan, scan->frame.data, ret_matches, error);
    scan->has_frame = status == ALOG_OK && *ret_matches;
    return status;
}

static void report_tail(struct alog_segment_scan *scan, uint64_t offset) {
    if (scan->tail_reported_at == offset) {
        return;
    }
    scan->tail_reported_at = offset;
    alog_scan_report(scan, ALOG_DAMAGE_TAIL, true,
                     (struct range){.offset = offset, .bytes = scan->file_bytes - offset},
                     "the last %" PRIu64 " bytes of an unsealed segment are no whole block",
                     scan->file_bytes - offset);
}

/* The current block's frame does not match. At the end of an unsealed file that is the torn tail,
 * and the walk waits before it; elsewhere it is damage, and the walk is past it. */
static enum alog_status frame_mismatch(struct alog_segment_scan *scan, bool *ret_tail,
                                       struct alog_error *error) {
    struct part part = {.kind = PART_BAD};
    uint64_t found;
    if (scan->named_open && !alog_segment_scan_sealed(scan)) {
        enum alog_status status = alog_scan_search(scan, scan->position.end, &part, &found, error);
        if (status != ALOG_OK) {
            return status;
        }
        if (part.kind == PART_BAD) {
            scan->position = scan->before;
            scan->has_block = false;
            scan->done = true;
            scan->done_bytes = scan->file_bytes;
            report_tail(scan, scan->position.end);
            *ret_tail = true;
            return ALOG_OK;
        }
    }
    const struct alog_block_facts *facts = &scan->slots[scan->current].header.facts;
    alog_scan_report(scan, ALOG_DAMAGE_BLOCK, false,
                     (struct range){scan->block_offset, scan->position.end - scan->block_offset,
                                    facts->first_sequence, facts->last_sequence},
                     "the content of block %" PRIu64 " does not match its hash",
                     scan->slots[scan->current].header.number);
    scan->has_block = false;
    *ret_tail = false;
    return ALOG_OK;
}

static enum alog_status no_block(struct alog_error *error) {
    return alog_fail(error, ALOG_INVALID, 0, -1, "there is no block to read");
}

/* The current block's frame was read, and is damaged. */
static enum alog_status refuse_frame(struct alog_segment_scan *scan, struct alog_error *error) {
    bool tail;
    enum alog_status status = frame_mismatch(scan, &tail, error);
    return status == ALOG_OK
               ? alog_fail(error, ALOG_CORRUPT, 0, (int64_t)scan->block_offset,
                           "%s: the content of a block does not match its hash", scan->path)
               : status;
}

enum alog_status alog_segment_scan_frame(struct alog_segment_scan *scan, const uint8_t **ret_frame,
                                         struct alog_error *error) {
    if (!scan->has_block) {
        return no_block(error);
    }
    bool matches = true;
    enum alog_status status = scan->has_frame ? ALOG_OK : load_frame(scan, &matches, error);
    if (status == ALOG_OK && !matches) {
        status = refuse_frame(scan, error);
    }
    if (status == ALOG_OK) {
        *ret_frame = scan->frame.data;
    }
    return status;
}

enum alog_status alog_segment_scan_frame_into(struct alog_segment_scan *scan, uint8_t *room,
                                              struct alog_error *error) {
    if (!scan->has_block) {
        return no_block(error);
    }
    if (scan->has_frame) {
        memcpy(room, scan->frame.data, scan->slots[scan->current].header.facts.compressed_bytes);
        return ALOG_OK;
    }
    bool matches = false;
    enum alog_status status = read_frame(scan, room, &matches, error);
    return status == ALOG_OK && !matches ? refuse_frame(scan, error) : status;
}

enum alog_status alog_segment_scan_open_block(struct alog_segment_scan *scan,
                                              struct alog_block *block, struct alog_error *error) {
    const uint8_t *frame = NULL;
    enum alog_status status = alog_segment_scan_frame(scan, &frame, error);
    if (status != ALOG_OK) {
        return status;
    }
    const struct alog_block_header *header = &scan->slots[scan->current].header;
    struct alog_error reason = {0};
    status = alog_block_open(block, frame, &header->facts, &reason);
    if (status == ALOG_CORRUPT || status == ALOG_UNSUPPORTED) {
        alog_scan_report(scan, ALOG_DAMAGE_BLOCK, false,
                         (struct range){scan->block_offset, scan->position.end - scan->block_offset,
                                        header->facts.first_sequence, header->facts.last_sequence},
                         "block %" PRIu64 " cannot be opened: %.160s", header->number,
                         reason.message);
    }
    if (status != ALOG_OK && error != NULL) {
        *error = reason;
    }
    return status;
}

void alog_segment_scan_report_events(struct alog_segment_scan *scan, uint64_t first,
                                     uint64_t last) {
    struct range range = {scan->block_offset, scan->position.end - scan->block_offset, 0, 0};
    uint64_t number = scan->slots[scan->current].header.number;
    if (first > last) {
        alog_scan_report(scan, ALOG_DAMAGE_EVENT, false, range,
                         "block %" PRIu64 " holds more events than its header says", number);
        return;
    }
    range.first_sequence = first;
    range.last_sequence = last;
    alog_scan_report(scan, ALOG_DAMAGE_EVENT, false, range,
                     "event %" PRIu64 " in block %" PRIu64
                     " cannot be decoded, and those behind it in the block are lost with it",
                     first, number);
}

void alog_segment_scan_report_header(struct alog_segment_scan *scan, enum alog_damage_kind kind,
                                     const char *what) {
    alog_scan_report(
        scan, kind, false,
        (struct range){scan->block_offset, scan->position.end - scan->block_offset, 0, 0},
        "block %" PRIu64 ": %s", scan->slots[scan->current].header.number, what);
}

struct alog_window alog_segment_scan_window(const struct alog_segment_scan *scan) {
    return (struct alog_window){.io = scan->window.io, .fd = scan->window.fd};
}

/* ---- The walk ------------------------------------------------------------------------------ */

/* The block in the spare slot, at `offset`, is the next one. */
static void adopt(struct alog_segment_scan *scan, uint64_t offset, uint64_t bytes) {
    scan->current = 1 - scan->current;
    const struct alog_block_header *header = &scan->slots[scan->current].header;
    scan->before = scan->position;
    scan->before.end = offset;
    scan->block_offset = offset;
    scan->position.end = offset + bytes;
    scan->position.next_block_number = header->number + 1;
    scan->position.next_sequence = header->facts.last_sequence + 1;
    scan->position.source_begins = false;
    if (!alog_scan_same_source(&scan->position, &header->facts)) {
        scan->position.source = header->facts.source;
        scan->position.source_last = 0;
    }
    alog_index_totals_add(&scan->position.totals, &header->facts);
    scan->has_block = true;
    scan->has_frame = false;
}

static void report_gap(struct alog_segment_scan *scan, uint64_t offset) {
    struct range range = {.offset = offset};
    set_missing(scan, last_before(scan, &scan->slots[1 - scan->current].header.facts), &range);
    if (range.last_sequence != 0) {
        alog_scan_report(scan, ALOG_DAMAGE_GAP, false, range,
                         "events %" PRIu64 " to %" PRIu64 " are missing before this block",
                         range.first_sequence, range.last_sequence);
    }
}

/* Whether another block header seems to follow the current block: then this one was written whole,
 * since each is written after the one before. */
static enum alog_status is_followed(struct alog_segment_scan *scan, bool *ret_followed,
                                    struct alog_error *error) {
    const uint8_t *at;
    size_t have;
    const size_t bytes = ALOG_FRAME_PREFIX_BYTES + ALOG_HEAD_END;
    enum alog_status status =
        alog_window_get(&scan->window, scan->position.end, bytes, &at, &have, error);
    if (status == ALOG_OK) {
        *ret_followed = have == bytes && alog_le_load32(at) == ALOG_SKIPPABLE_MAGIC &&
                        alog_scan_looks_like_ours(scan, at);
    }
    return status;
}

/* The last block of an unsealed file may be a header whose data never reached the disk. It is only
 * returned once its data is known to be there. */
static enum alog_status check_last_block(struct alog_segment_scan *scan, bool *ret_torn,
                                         struct alog_error *error) {
    bool followed = true, matches = true;
    enum alog_status status = ALOG_OK;
    *ret_torn = false;
    if (scan->named_open && !alog_segment_scan_sealed(scan)) {
        status = is_followed(scan, &followed, error);
    }
    if (status == ALOG_OK && !followed) {
        status = load_frame(scan, &matches, error);
    }
    if (status == ALOG_OK && !matches) {
        bool tail;
        status = frame_mismatch(scan, &tail, error);
        *ret_torn = true;
    }
    return status;
}

/* A source begins at `offset`: the sequence is now that of the segment that it was. */
static enum alog_status begin_source(struct alog_segment_scan *scan, uint64_t offset,
                                     uint64_t bytes, struct alog_error *error) {
    if (scan->source_count == scan->source_capacity) {
        size_t capacity = scan->source_capacity != 0 ? 2 * scan->source_capacity : 8;
        struct alog_archive_source *grown = realloc(scan->sources, capacity * sizeof *grown);
        if (grown == NULL) {
            return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for an archive's sources");
        }
        scan->sources = grown;
        scan->source_capacity = capacity;
    }
    if (scan->source_count > 0) {
        scan->sources[scan->source_count - 1].end = offset;
    }
    struct alog_archive_source *source = &scan->sources[scan->source_count++];
    *source = scan->candidate;
    source->offset = offset + bytes;
    source->end = alog_scan_blocks_limit(scan);
    source->first_block = scan->position.next_block_number;
    scan->position.end = source->offset;
    scan->position.source = source->number;
    scan->position.source_begins = true;
    scan->position.source_last = source->last_sequence;
    scan->position.next_sequence = source->predecessor_last_sequence + 1;
    return ALOG_OK;
}

/* The blocks of the one source that is walked are over at `offset`. */
static void end_source(struct alog_segment_scan *scan, uint64_t offset) {
    struct range range = {.offset = offset, .bytes = scan->only.end - offset};
    set_missing(scan, scan->only.last_sequence, &range);
    if (range.bytes > 0 || range.last_sequence != 0) {
        alog_scan_report(scan, ALOG_DAMAGE_BLOCK, false, range,
                         "%" PRIu64 " bytes at the end of a source are no block", range.bytes);
    }
}

/* The blocks of a file with good tables are over at `offset`. */
static void end_sealed(struct alog_segment_scan *scan, uint64_t offset) {
    const struct alog_tables *tables = &scan->tables;
    if (offset < tables->index_offset) {
        struct range range = {.offset = offset, .bytes = tables->index_offset - offset};
        set_missing(scan,
                    alog_segment_scan_is_archive(scan) ? scan->position.source_last
                                                       : tables->totals.last_sequence,
                    &range);
        alog_scan_report(scan, ALOG_DAMAGE_BLOCK, false, range,
                         "%" PRIu64 " bytes before the index are no block", range.bytes);
    } else if (scan->whole && scan->damages == 0 &&
               !alog_index_totals_equal(&tables->totals, &scan->position.totals)) {
        alog_scan_report(scan, ALOG_DAMAGE_INDEX, false,
                         (struct range){.offset = tables->index_offset,
                                        .bytes = scan->file_bytes - tables->index_offset},
                         "the totals in the index are not those of the blocks");
    }
}

/* Whether a good index at `offset` is followed by too few bytes for its seek table. */
static bool is_cut_after(const struct alog_segment_scan *scan, uint64_t offset,
                         const struct part *index) {
    uint64_t entries = 2 * index->blocks + 2;
    return scan->file_bytes - offset - index->bytes <
           ALOG_SEEK_PREFIX_BYTES + entries * ALOG_SEEK_ENTRY_BYTES + ALOG_SEEK_FOOTER_BYTES;
}

/* The blocks of a file without good tables are over: `offset` is where nothing more is understood,
 * or where `part`, a good index, begins. */
static void end_unsealed(struct alog_segment_scan *scan, uint64_t offset, const struct part *part) {
    struct range range = {.offset = offset, .bytes = scan->file_bytes - offset};
    if (scan->named_open) {
        if (range.bytes > 0) {
            report_tail(scan, offset);
        }
    } else if (scan->tables.state == ALOG_TABLES_BAD) {
        alog_scan_report(scan, ALOG_DAMAGE_INDEX, false, range, "%s", scan->tables.fault);
    } else if (part->kind == PART_INDEX && !is_cut_after(scan, offset, part)) {
        alog_scan_report(scan, ALOG_DAMAGE_INDEX, false, range,
                         "what follows the index is no seek table");
    } else {
        alog_scan_report(scan, ALOG_DAMAGE_TRUNCATED, false, range,
                         "a sealed segment is cut off; %" PRIu64
                         " bytes follow the last whole block",
                         range.bytes);
    }
}

static void end_walk(struct alog_segment_scan *scan, uint64_t offset, const struct part *part) {
    scan->done = true;
    scan->done_bytes = scan->file_bytes;
    if (scan->only.number != 0) {
        end_source(scan, offset);
    } else if (scan->tables.state == ALOG_TABLES_GOOD) {
        end_sealed(scan, offset);
    } else {
        end_unsealed(scan, offset, part);
    }
}

/* Nothing valid begins at `position.end`, and the parts from `offset` up to there were passed over
 * on trial only. Go on at the next thing that can be believed, or end. */
static enum alog_status pass_damage(struct alog_segment_scan *scan, uint64_t offset,
                                    bool *ret_found, struct alog_error *error) {
    struct part part;
    uint64_t found;
    enum alog_status status = alog_scan_search(scan, offset + 1, &part, &found, error);
    if (status != ALOG_OK) {
        return status;
    }
    struct range range = {.offset = offset, .bytes = found - offset};
    if (part.kind == PART_SOURCE) {
        set_missing(scan, scan->position.source_last, &range);
        alog_scan_report(scan, ALOG_DAMAGE_BLOCK, false, range,
                         "%" PRIu64 " bytes are no block; the next source begins at byte %" PRIu64,
                         range.bytes, found);
        return begin_source(scan, found, part.bytes, error);
    }
    if (part.kind == PART_BLOCK) {
        set_missing(scan, last_before(scan, &scan->slots[1 - scan->current].header.facts), &range);
        alog_scan_report(scan, ALOG_DAMAGE_BLOCK, false, range,
                         "%" PRIu64 " bytes are no block; the next one begins at byte %" PRIu64,
                         range.bytes, found);
        adopt(scan, found, part.bytes);
        *ret_found = true;
        return ALOG_OK;
    }
    if (!alog_segment_scan_sealed(scan) && (part.kind == PART_INDEX || scan->tables.located)) {
        alog_scan_report(scan, ALOG_DAMAGE_BLOCK, false, range,
                         "%" PRIu64 " bytes before the index are no block", range.bytes);
        offset = found;
    }
    end_walk(scan, offset, &part);
    return ALOG_OK;
}

/* Walk on from `position.end` to the next block, or to the end. */
static enum alog_status walk(struct alog_segment_scan *scan, bool *ret_found,
                             struct alog_error *error) {
    uint64_t limit = alog_scan_blocks_limit(scan);
    uint64_t at = scan->position.end;
    uint64_t sure = at; /* nothing was passed over on trial before this */
    while (at < limit) {
        struct part part;
        enum alog_status status = alog_scan_try_part(scan, at, &part, error);
        if (status != ALOG_OK) {
            return status;
        }
        if (part.kind == PART_BLOCK) {
            report_gap(scan, at);
            adopt(scan, at, part.bytes);
            *ret_found = true;
            return ALOG_OK;
        }
        if (part.kind == PART_BAD || part.bytes > limit - at) {
            return pass_damage(scan, sure, ret_found, error);
        }
        if (part.kind == PART_INDEX) {
            end_walk(scan, at, &part);
            return ALOG_OK;
        }
        if (part.kind == PART_SOURCE && sure == at) {
            status = begin_source(scan, at, part.bytes, error);
            if (status != ALOG_OK) {
                return status;
            }
            sure = at + part.bytes;
        }
        at += part.bytes;
        scan->holes += part.hole;
        sure = part.kind == PART_OURS && sure == at - part.bytes ? at : sure;
    }
    end_walk(scan, at, &(struct part){.kind = PART_BAD});
    return ALOG_OK;
}

/* At the end: has an unsealed file grown since? */
static enum alog_status look_again(struct alog_segment_scan *scan, struct alog_error *error) {
    const struct alog_io *io = scan->window.io;
    struct stat facts;
    if (!scan->named_open || alog_segment_scan_sealed(scan)) {
        return ALOG_OK;
    }
    int result = io->fstat(io->context, scan->window.fd, &facts);
    if (result < 0) {
        return alog_fail(error, ALOG_IO, -result, -1, "cannot look at %s", scan->path);
    }
    uint64_t bytes = (uint64_t)facts.st_size;
    if (bytes == scan->done_bytes || bytes < scan->position.end) {
        return ALOG_OK;
    }
    alog_window_drop(&scan->window);
    scan->file_bytes = bytes;
    scan->done = false;
    return alog_tables_find(&scan->window, bytes, scan->file_header.file_id, &scan->tables, error);
}

enum alog_status alog_segment_scan_next(struct alog_segment_scan *scan,
                                        const struct alog_block_header **ret_header,
                                        struct alog_error *error) {
    scan->has_block = false;
    enum alog_status status = ALOG_OK;
    if (scan->done) {
        status = look_again(scan, error);
    }
    while (status == ALOG_OK && !scan->done) {
        bool found = false, torn = false;
        status = walk(scan, &found, error);
        if (status == ALOG_OK && found) {
            status = check_last_block(scan, &torn, error);
            if (status == ALOG_OK && !torn) {
                *ret_header = &scan->slots[scan->current].header;
                return ALOG_OK;
            }
        }
    }
    if (status == ALOG_OK) {
        *ret_header = NULL;
    }
    return status;
}
