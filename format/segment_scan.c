/* Walking a segment block by block, past whatever is damaged. */
#include "segment_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "error.h"
#include "file_window.h"
#include "little_endian.h"
#include "segment_frame.h"
#include "segment_tables.h"

#define SEARCH_CHUNK_BYTES (64u << 10)

/* A file made to look like headers everywhere must not cost a megabyte of hashing for each: after
 * this much in vain the search gives up. Honest damage comes nowhere near. */
#define SEARCH_BUDGET_BYTES (256u << 20)

/* A decoded block header with the bytes that it points into. */
struct header_slot {
    struct alog_buffer frame;
    struct alog_block_header_room room;
    struct alog_block_header header;
};

/* Where the walk stands. A block that turns out to be a torn tail puts it back. */
struct position {
    uint64_t end; /* where the next part begins */
    uint64_t next_block_number;
    uint64_t next_sequence; /* 0 = not known */
    struct alog_index_totals totals;
};

struct alog_segment_scan {
    struct alog_window window;
    char *path;
    alog_damage_fn *damage;
    void *damage_context;
    bool named_open; /* .open: not sealed by its name, so a torn tail is no fault */
    uint64_t file_bytes;
    struct alog_file_header file_header;
    bool header_lost;
    struct alog_buffer file_header_frame; /* what file_header points into */
    struct alog_tables tables;
    struct position position, before; /* after and before the current block */
    uint64_t block_offset;            /* of the current block's header frame */
    struct header_slot slots[2];      /* the current block's, and one to try candidates in */
    unsigned current;
    struct alog_buffer frame; /* the current block's */
    bool has_block, has_frame;
    bool whole;          /* walked from the start and no block missed: the totals mean something */
    bool done;           /* the end was reached and reported, */
    uint64_t done_bytes; /* … when the file was so long */
    uint64_t tail_reported_at;
    uint64_t search_budget;
    uint64_t damages;
};

/* ---- Reporting ----------------------------------------------------------------------------- */

struct range {
    uint64_t offset, bytes;
    uint64_t first_sequence, last_sequence;
};

ALOG_PRINTF(5, 6)
static void report(struct alog_segment_scan *scan, enum alog_damage_kind kind, bool harmless,
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

/* The events from the next expected one to `last` are missing, unless that is none or not known. */
static void set_missing(const struct alog_segment_scan *scan, uint64_t last, struct range *range) {
    uint64_t next = scan->position.next_sequence;
    if (next != 0 && last >= next) {
        range->first_sequence = next;
        range->last_sequence = last;
    }
}

/* ---- Parts --------------------------------------------------------------------------------- */

enum part_kind {
    PART_BAD,   /* nothing that can be believed */
    PART_BLOCK, /* a block header with its check, and its frame lies within the file */
    PART_INDEX, /* an index of this file with its check */
    PART_OURS,  /* a frame of ours, checked, of a kind that this version does not know */
    PART_ALIEN  /* somebody's skippable frame: no check, so its length is only tried */
};

struct part {
    enum part_kind kind;
    uint64_t bytes; /* frames that are passed over */
};

/* Where blocks must end: at the index, if a sane seek table says where that is. */
static uint64_t blocks_limit(const struct alog_segment_scan *scan) {
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
    uint64_t left = blocks_limit(scan) - offset;
    /* A file's first block may go back behind its predecessor's end, no later one may. */
    bool goes_on =
        header->number >= scan->position.next_block_number &&
        (header->number == 0 || header->facts.first_sequence >= scan->position.next_sequence);
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
    } else if (alog_frame_check_of(payload, payload_bytes) ==
               alog_le_load64(frame + bytes - ALOG_FRAME_CHECK_BYTES)) {
        ret_part->kind = PART_OURS;
    }
    if (ret_part->kind == PART_BAD) {
        scan->search_budget -= bytes < scan->search_budget ? bytes : scan->search_budget;
    }
    return status;
}

/* What begins at `offset`. A block is decoded into the spare slot. */
static enum alog_status try_part(struct alog_segment_scan *scan, uint64_t offset,
                                 struct part *ret_part, struct alog_error *error) {
    *ret_part = (struct part){PART_BAD, 0};
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
static bool looks_like_ours(const struct alog_segment_scan *scan, const uint8_t *at) {
    const uint8_t *payload = at + ALOG_FRAME_PREFIX_BYTES;
    return (memcmp(payload, ALOG_KIND_BLOCK_HEADER, 4) == 0 ||
            (!scan->header_lost && memcmp(payload, ALOG_KIND_INDEX, 4) == 0)) &&
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
            if (looks_like_ours(scan, found)) {
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
static enum alog_status search(struct alog_segment_scan *scan, uint64_t offset,
                               struct part *ret_part, uint64_t *ret_offset,
                               struct alog_error *error) {
    uint64_t limit = blocks_limit(scan);
    *ret_part = (struct part){PART_BAD, 0};
    while (offset < limit && scan->search_budget > 0) {
        enum alog_status status = find_candidate(scan, offset, limit, &offset, error);
        if (status == ALOG_OK && offset < limit) {
            status = try_part(scan, offset, ret_part, error);
        }
        if (status != ALOG_OK) {
            return status;
        }
        if (ret_part->kind == PART_BLOCK || ret_part->kind == PART_INDEX) {
            *ret_offset = offset;
            return ALOG_OK;
        }
        *ret_part = (struct part){PART_BAD, 0};
        offset++;
    }
    *ret_offset = limit;
    return ALOG_OK;
}

/* ---- Opening ------------------------------------------------------------------------------- */

static enum alog_status not_a_segment(const struct alog_segment_scan *scan, const char *why,
                                      struct alog_error *error) {
    return alog_fail(error, ALOG_CORRUPT, 0, 0, "%s is not an agentlog segment: %s", scan->path,
                     why);
}

static enum alog_status open_file(struct alog_segment_scan *scan, struct alog_error *error) {
    const struct alog_io *io = scan->window.io;
    /* Not to hang on a FIFO, nor to take over a terminal. */
    int fd = io->open(io->context, scan->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0) {
        enum alog_status status = fd == -ENOENT || fd == -ENOTDIR ? ALOG_NOT_FOUND : ALOG_IO;
        return alog_fail(error, status, -fd, -1, "cannot open %s", scan->path);
    }
    scan->window.fd = fd;
    struct stat facts;
    int result = io->fstat(io->context, fd, &facts);
    if (result < 0) {
        return alog_fail(error, ALOG_IO, -result, -1, "cannot look at %s", scan->path);
    }
    if (!S_ISREG(facts.st_mode)) {
        return not_a_segment(
            scan, S_ISDIR(facts.st_mode) ? "it is a directory" : "it is not a regular file", error);
    }
    if (facts.st_size <= 0) {
        return not_a_segment(scan, "it is empty", error);
    }
    scan->file_bytes = (uint64_t)facts.st_size;
    return ALOG_OK;
}

/* Read the file header. ALOG_CORRUPT when there is none, without a message yet. */
static enum alog_status read_file_header(struct alog_segment_scan *scan, struct alog_error *error) {
    const uint8_t *at;
    size_t have;
    enum alog_status status =
        alog_window_get(&scan->window, 0, ALOG_FRAME_PREFIX_BYTES, &at, &have, error);
    if (status != ALOG_OK) {
        return status;
    }
    uint64_t bytes = ALOG_FRAME_PREFIX_BYTES;
    if (have == bytes) {
        bytes += alog_le_load32(at + 4);
    }
    if (have < ALOG_FRAME_PREFIX_BYTES || alog_le_load32(at) != ALOG_SKIPPABLE_MAGIC ||
        bytes > scan->file_bytes || bytes - ALOG_FRAME_PREFIX_BYTES > ALOG_MAX_HEADER_BYTES) {
        return ALOG_CORRUPT;
    }
    status = alog_window_get(&scan->window, 0, (size_t)bytes, &at, &have, error);
    if (status != ALOG_OK || have < bytes) {
        return status != ALOG_OK ? status : ALOG_CORRUPT;
    }
    if (alog_buffer_reserve(&scan->file_header_frame, have) != ALOG_OK) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory to open %s", scan->path);
    }
    memcpy(scan->file_header_frame.data, at, have);
    struct alog_error reason;
    status =
        alog_file_header_decode(scan->file_header_frame.data, have, &scan->file_header, &reason);
    if (status == ALOG_UNSUPPORTED) {
        return alog_fail(error, status, 0, 0, "%s: %s", scan->path, reason.message);
    }
    scan->position.end = bytes;
    return status;
}

/* Without a file header the first block that can be found says whose file it is. What only the
 * header knew (predecessor, environment) is gone; the name tells the rest. */
static enum alog_status salvage_file_header(struct alog_segment_scan *scan,
                                            struct alog_error *error) {
    scan->header_lost = true;
    struct part part;
    uint64_t offset;
    enum alog_status status = search(scan, 0, &part, &offset, error);
    if (status != ALOG_OK) {
        return status;
    }
    if (part.kind != PART_BLOCK) {
        return not_a_segment(scan, "it has neither a valid header nor any block", error);
    }
    const char *slash = strrchr(scan->path, '/');
    struct alog_file_header header = {
        .version = ALOG_FORMAT_VERSION,
        .environment = {"", 0},
    };
    bool open;
    alog_segment_name_parse(slash ? slash + 1 : scan->path, &header.created_ns, &header.writer_id,
                            &header.number, &open);
    memcpy(header.file_id, scan->slots[1 - scan->current].header.file_id, 16);
    scan->file_header = header;
    scan->header_lost = false;
    scan->whole = false;
    scan->position.end = offset;
    report(scan, ALOG_DAMAGE_HEADER, false, (struct range){.bytes = offset},
           "the file header is damaged; the first block begins at byte %" PRIu64, offset);
    return ALOG_OK;
}

static enum alog_status open_scan(struct alog_segment_scan *scan, struct alog_error *error) {
    enum alog_status status = open_file(scan, error);
    if (status == ALOG_OK) {
        status = read_file_header(scan, error);
        if (status == ALOG_OK) {
            scan->position.next_sequence = scan->file_header.predecessor_last_sequence + 1;
        } else if (status == ALOG_CORRUPT) {
            status = salvage_file_header(scan, error);
        }
    }
    if (status == ALOG_OK) {
        status = alog_tables_find(&scan->window, scan->file_bytes, scan->file_header.file_id,
                                  &scan->tables, error);
    }
    return status;
}

enum alog_status alog_segment_scan_open(const struct alog_io *io, const char *path,
                                        alog_damage_fn *damage, void *damage_context,
                                        struct alog_segment_scan **ret_scan,
                                        struct alog_error *error) {
    struct alog_segment_scan *scan = calloc(1, sizeof *scan);
    char *own_path = strdup(path);
    if (scan == NULL || own_path == NULL) {
        free(scan);
        free(own_path);
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory to open %.256s", path);
    }
    size_t len = strlen(path);
    scan->window = (struct alog_window){.io = io, .fd = -1};
    scan->path = own_path;
    scan->damage = damage;
    scan->damage_context = damage_context;
    scan->named_open = len > 5 && strcmp(path + len - 5, ".open") == 0;
    scan->whole = true;
    scan->search_budget = SEARCH_BUDGET_BYTES;
    enum alog_status status = open_scan(scan, error);
    if (status != ALOG_OK) {
        alog_segment_scan_close(scan);
        return status;
    }
    *ret_scan = scan;
    return ALOG_OK;
}

void alog_segment_scan_close(struct alog_segment_scan *scan) {
    if (scan == NULL) {
        return;
    }
    if (scan->window.fd >= 0) {
        scan->window.io->close(scan->window.io->context, scan->window.fd);
    }
    alog_window_free(&scan->window);
    alog_buffer_free(&scan->file_header_frame);
    alog_buffer_free(&scan->frame);
    for (unsigned i = 0; i < 2; i++) {
        alog_buffer_free(&scan->slots[i].frame);
        alog_block_header_room_free(&scan->slots[i].room);
    }
    free(scan->path);
    free(scan);
}

const struct alog_file_header *alog_segment_scan_file_header(const struct alog_segment_scan *scan) {
    return &scan->file_header;
}

bool alog_segment_scan_sealed(const struct alog_segment_scan *scan) {
    return scan->tables.state == ALOG_TABLES_GOOD;
}

uint64_t alog_segment_scan_file_bytes(const struct alog_segment_scan *scan) {
    return scan->file_bytes;
}

uint64_t alog_segment_scan_damages(const struct alog_segment_scan *scan) {
    return scan->damages;
}

enum alog_status alog_segment_scan_seek(struct alog_segment_scan *scan, uint64_t offset,
                                        uint64_t next_block_number, uint64_t next_sequence) {
    if (offset > scan->file_bytes || offset < scan->position.end) {
        return ALOG_INVALID;
    }
    scan->whole = scan->whole && offset == scan->position.end;
    scan->position.end = offset;
    scan->position.next_block_number = next_block_number;
    scan->position.next_sequence = next_sequence;
    return ALOG_OK;
}

uint64_t alog_segment_scan_offset(const struct alog_segment_scan *scan) {
    return scan->block_offset;
}

uint64_t alog_segment_scan_end(const struct alog_segment_scan *scan) {
    return scan->position.end;
}

const uint8_t *alog_segment_scan_header_frame(const struct alog_segment_scan *scan,
                                              size_t *ret_bytes) {
    const struct header_slot *slot = &scan->slots[scan->current];
    *ret_bytes = slot->frame.len;
    return slot->frame.data;
}

const struct alog_tables *alog_segment_scan_tables(const struct alog_segment_scan *scan) {
    return &scan->tables;
}

enum alog_status alog_segment_scan_digest(struct alog_segment_scan *scan, uint8_t ret_digest[16]) {
    if (!alog_segment_scan_sealed(scan)) {
        return ALOG_NOT_FOUND;
    }
    memcpy(ret_digest, scan->tables.digest, sizeof scan->tables.digest);
    return ALOG_OK;
}

/* ---- Frames -------------------------------------------------------------------------------- */

/* Read the current block's frame and compare its hash. */
static enum alog_status load_frame(struct alog_segment_scan *scan, bool *ret_matches,
                                   struct alog_error *error) {
    const struct alog_block_facts *facts = &scan->slots[scan->current].header.facts;
    scan->frame.len = 0;
    if (alog_buffer_reserve(&scan->frame, facts->compressed_bytes) != ALOG_OK) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for a block of %" PRIu32 " bytes",
                         facts->compressed_bytes);
    }
    uint64_t offset = scan->position.end - facts->compressed_bytes;
    int64_t got = alog_io_read_full(scan->window.io, scan->window.fd, scan->frame.data,
                                    facts->compressed_bytes, offset);
    if (got < 0) {
        return alog_fail(error, ALOG_IO, (int)-got, (int64_t)offset, "cannot read %s", scan->path);
    }
    scan->frame.len = (size_t)got;
    XXH128_canonical_t hash;
    XXH128_canonicalFromHash(&hash, XXH3_128bits(scan->frame.data, scan->frame.len));
    *ret_matches = (uint64_t)got == facts->compressed_bytes &&
                   memcmp(hash.digest, facts->hash, sizeof facts->hash) == 0;
    scan->has_frame = *ret_matches;
    return ALOG_OK;
}

static void report_tail(struct alog_segment_scan *scan, uint64_t offset) {
    if (scan->tail_reported_at == offset) {
        return;
    }
    scan->tail_reported_at = offset;
    report(scan, ALOG_DAMAGE_TAIL, true,
           (struct range){.offset = offset, .bytes = scan->file_bytes - offset},
           "the last %" PRIu64 " bytes of an unsealed segment are no whole block",
           scan->file_bytes - offset);
}

/* The current block's frame does not match. At the end of an unsealed file that is the torn tail,
 * and the walk waits before it; elsewhere it is damage, and the walk is past it. */
static enum alog_status frame_mismatch(struct alog_segment_scan *scan, bool *ret_tail,
                                       struct alog_error *error) {
    struct part part = {PART_BAD, 0};
    uint64_t found;
    if (scan->named_open && !alog_segment_scan_sealed(scan)) {
        enum alog_status status = search(scan, scan->position.end, &part, &found, error);
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
    report(scan, ALOG_DAMAGE_BLOCK, false,
           (struct range){scan->block_offset, scan->position.end - scan->block_offset,
                          facts->first_sequence, facts->last_sequence},
           "the content of block %" PRIu64 " does not match its hash",
           scan->slots[scan->current].header.number);
    scan->has_block = false;
    *ret_tail = false;
    return ALOG_OK;
}

enum alog_status alog_segment_scan_frame(struct alog_segment_scan *scan, const uint8_t **ret_frame,
                                         struct alog_error *error) {
    if (!scan->has_block) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "there is no block to read");
    }
    if (!scan->has_frame) {
        bool matches, tail;
        enum alog_status status = load_frame(scan, &matches, error);
        if (status == ALOG_OK && !matches) {
            status = frame_mismatch(scan, &tail, error);
            if (status == ALOG_OK) {
                status =
                    alog_fail(error, ALOG_CORRUPT, 0, (int64_t)scan->block_offset,
                              "%s: the content of a block does not match its hash", scan->path);
            }
        }
        if (status != ALOG_OK) {
            return status;
        }
    }
    *ret_frame = scan->frame.data;
    return ALOG_OK;
}

enum alog_status alog_segment_scan_open_block(struct alog_segment_scan *scan,
                                              struct alog_block *block, struct alog_error *error) {
    const uint8_t *frame;
    enum alog_status status = alog_segment_scan_frame(scan, &frame, error);
    if (status != ALOG_OK) {
        return status;
    }
    const struct alog_block_header *header = &scan->slots[scan->current].header;
    struct alog_error reason = {0};
    status = alog_block_open(block, frame, &header->facts, &reason);
    if (status == ALOG_CORRUPT || status == ALOG_UNSUPPORTED) {
        report(scan, ALOG_DAMAGE_BLOCK, false,
               (struct range){scan->block_offset, scan->position.end - scan->block_offset,
                              header->facts.first_sequence, header->facts.last_sequence},
               "block %" PRIu64 " cannot be opened: %.160s", header->number, reason.message);
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
        report(scan, ALOG_DAMAGE_EVENT, false, range,
               "block %" PRIu64 " holds more events than its header says", number);
        return;
    }
    range.first_sequence = first;
    range.last_sequence = last;
    report(scan, ALOG_DAMAGE_EVENT, false, range,
           "event %" PRIu64 " in block %" PRIu64
           " cannot be decoded, and those behind it in the block are lost with it",
           first, number);
}

void alog_segment_scan_report_header(struct alog_segment_scan *scan, enum alog_damage_kind kind,
                                     const char *what) {
    report(scan, kind, false,
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
    alog_index_totals_add(&scan->position.totals, &header->facts);
    scan->has_block = true;
    scan->has_frame = false;
}

static void report_gap(struct alog_segment_scan *scan, uint64_t offset) {
    uint64_t first = scan->slots[1 - scan->current].header.facts.first_sequence;
    struct range range = {.offset = offset};
    set_missing(scan, first - 1, &range);
    if (range.last_sequence != 0) {
        report(scan, ALOG_DAMAGE_GAP, false, range,
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
                        looks_like_ours(scan, at);
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

/* The blocks of a file with good tables are over at `offset`. */
static void end_sealed(struct alog_segment_scan *scan, uint64_t offset) {
    const struct alog_tables *tables = &scan->tables;
    if (offset < tables->index_offset) {
        struct range range = {.offset = offset, .bytes = tables->index_offset - offset};
        set_missing(scan, tables->totals.last_sequence, &range);
        report(scan, ALOG_DAMAGE_BLOCK, false, range,
               "%" PRIu64 " bytes before the index are no block", range.bytes);
    } else if (scan->whole && scan->damages == 0 &&
               !alog_index_totals_equal(&tables->totals, &scan->position.totals)) {
        report(scan, ALOG_DAMAGE_INDEX, false,
               (struct range){.offset = tables->index_offset,
                              .bytes = scan->file_bytes - tables->index_offset},
               "the totals in the index are not those of the blocks");
    }
}

/* The blocks of a file without good tables are over: `offset` is where nothing more is understood,
 * or where a good index begins. */
static void end_unsealed(struct alog_segment_scan *scan, uint64_t offset, bool at_index) {
    struct range range = {.offset = offset, .bytes = scan->file_bytes - offset};
    if (scan->named_open) {
        if (range.bytes > 0) {
            report_tail(scan, offset);
        }
    } else if (scan->tables.state == ALOG_TABLES_BAD) {
        report(scan, ALOG_DAMAGE_INDEX, false, range, "%s", scan->tables.fault);
    } else if (at_index) {
        report(scan, ALOG_DAMAGE_INDEX, false, range, "no whole seek table follows the index");
    } else {
        report(scan, ALOG_DAMAGE_TRUNCATED, false, range,
               "a sealed segment ends before its tables; %" PRIu64 " bytes after the last block",
               range.bytes);
    }
}

/* Nothing valid begins at `position.end`, and the parts from `offset` up to there were passed over
 * on trial only. Go on at the next thing that can be believed, or end. */
static enum alog_status pass_damage(struct alog_segment_scan *scan, uint64_t offset,
                                    bool *ret_found, struct alog_error *error) {
    struct part part;
    uint64_t found;
    enum alog_status status = search(scan, offset + 1, &part, &found, error);
    if (status != ALOG_OK) {
        return status;
    }
    struct range range = {.offset = offset, .bytes = found - offset};
    if (part.kind == PART_BLOCK) {
        set_missing(scan, scan->slots[1 - scan->current].header.facts.first_sequence - 1, &range);
        report(scan, ALOG_DAMAGE_BLOCK, false, range,
               "%" PRIu64 " bytes are no block; the next one begins at byte %" PRIu64, range.bytes,
               found);
        adopt(scan, found, part.bytes);
        *ret_found = true;
        return ALOG_OK;
    }
    if (part.kind == PART_INDEX) {
        report(scan, ALOG_DAMAGE_BLOCK, false, range,
               "%" PRIu64 " bytes before the index are no block", range.bytes);
        offset = found;
    }
    scan->done = true;
    scan->done_bytes = scan->file_bytes;
    if (alog_segment_scan_sealed(scan)) {
        end_sealed(scan, offset);
    } else {
        end_unsealed(scan, offset, part.kind == PART_INDEX);
    }
    return ALOG_OK;
}

/* Walk on from `position.end` to the next block, or to the end. */
static enum alog_status walk(struct alog_segment_scan *scan, bool *ret_found,
                             struct alog_error *error) {
    uint64_t limit = blocks_limit(scan);
    uint64_t at = scan->position.end;
    uint64_t sure = at; /* nothing was passed over on trial before this */
    while (at < limit) {
        struct part part;
        enum alog_status status = try_part(scan, at, &part, error);
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
            scan->done = true;
            scan->done_bytes = scan->file_bytes;
            end_unsealed(scan, at, true);
            return ALOG_OK;
        }
        at += part.bytes;
        sure = part.kind == PART_OURS && sure == at - part.bytes ? at : sure;
    }
    scan->done = true;
    scan->done_bytes = scan->file_bytes;
    if (alog_segment_scan_sealed(scan)) {
        end_sealed(scan, limit);
    } else {
        end_unsealed(scan, at, scan->tables.located);
    }
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
