/* Opening a segment for a scan, also one whose first bytes are gone, and what a scan knows. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "little_endian.h"
#include "scan_state.h"
#include "segment_frame.h"

/* ---- Opening ------------------------------------------------------------------------------- */

#define OPEN_SUFFIX ".open"

static enum alog_status not_a_segment(const struct alog_segment_scan *scan, const char *why,
                                      struct alog_error *error) {
    return alog_fail(error, ALOG_CORRUPT, 0, 0, "%s is not an agentlog segment: %s", scan->path,
                     why);
}

static enum alog_status open_file(struct alog_segment_scan *scan, struct alog_error *error) {
    const struct alog_io *io = scan->window.io;
    /* Not to hang on a FIFO, nor to take over a terminal. */
    const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    int fd = io->open(io->context, scan->path, flags, 0);
    if (fd == -ENOENT && scan->named_open) {
        /* Sealed since somebody found it under this name? */
        char *suffix = scan->path + strlen(scan->path) - strlen(OPEN_SUFFIX);
        *suffix = '\0';
        fd = io->open(io->context, scan->path, flags, 0);
        if (fd < 0) {
            *suffix = OPEN_SUFFIX[0];
        }
        scan->named_open = fd < 0;
    }
    if (fd == -ELOOP) {
        return not_a_segment(scan, "it is a symbolic link", error);
    }
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
    enum alog_status status = alog_scan_search(scan, 0, &part, &offset, error);
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
    const struct alog_block_header *first = &scan->slots[1 - scan->current].header;
    header.incompatible_flags = first->facts.source != 0 ? ALOG_FLAG_ARCHIVE : 0;
    scan->file_header = header;
    scan->header_lost = false;
    scan->whole = false;
    if (first->facts.source != 0) {
        status = alog_scan_search(scan, 0, &part, &offset, error); /* its source, if that is good */
        if (status != ALOG_OK) {
            return status;
        }
    }
    scan->position.end = offset;
    alog_scan_report(scan, ALOG_DAMAGE_HEADER, false, (struct range){.bytes = offset},
                     "the file header is damaged; the first block begins at byte %" PRIu64, offset);
    return ALOG_OK;
}

static enum alog_status open_scan(struct alog_segment_scan *scan, struct alog_error *error) {
    enum alog_status status = open_file(scan, error);
    if (status == ALOG_OK) {
        status = read_file_header(scan, error);
        if (status == ALOG_OK) {
            scan->position.next_sequence = alog_segment_scan_is_archive(scan)
                                               ? 0
                                               : scan->file_header.predecessor_last_sequence + 1;
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
    const size_t suffix = strlen(OPEN_SUFFIX);
    scan->named_open = len > suffix && strcmp(path + len - suffix, OPEN_SUFFIX) == 0;
    scan->whole = true;
    scan->search_budget = ALOG_SEARCH_BUDGET_BYTES;
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
    free(scan->sources);
    free(scan->path);
    free(scan);
}

const struct alog_file_header *alog_segment_scan_file_header(const struct alog_segment_scan *scan) {
    return scan->only.number != 0 ? &scan->only_header : &scan->file_header;
}

/* What a source was made of was sealed. */
bool alog_segment_scan_sealed(const struct alog_segment_scan *scan) {
    return scan->only.number != 0 || scan->tables.state == ALOG_TABLES_GOOD;
}

bool alog_segment_scan_named_open(const struct alog_segment_scan *scan) {
    return scan->named_open;
}

int alog_segment_scan_fd(const struct alog_segment_scan *scan) {
    return scan->window.fd;
}

uint64_t alog_segment_scan_file_bytes(const struct alog_segment_scan *scan) {
    return scan->only.number != 0 ? scan->only.file_bytes : scan->file_bytes;
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

uint64_t alog_segment_scan_holes(const struct alog_segment_scan *scan) {
    return scan->holes;
}

bool alog_segment_scan_index_end(const struct alog_segment_scan *scan, uint64_t *ret_last_sequence,
                                 int64_t *ret_max_timestamp_ns) {
    const struct alog_index_totals *totals = &scan->tables.totals;
    if (scan->only.number != 0) {
        *ret_last_sequence = scan->only.last_sequence;
        *ret_max_timestamp_ns = scan->only.max_timestamp_ns;
        return true;
    }
    if (!alog_segment_scan_sealed(scan) || totals->last_sequence == 0 ||
        totals->last_sequence >= ALOG_MAX_SEQUENCE) {
        return false;
    }
    *ret_last_sequence = totals->last_sequence;
    *ret_max_timestamp_ns = totals->max_timestamp_ns;
    return true;
}

enum alog_status alog_segment_scan_digest(struct alog_segment_scan *scan, uint8_t ret_digest[16]) {
    if (!alog_segment_scan_sealed(scan)) {
        return ALOG_NOT_FOUND;
    }
    memcpy(ret_digest, scan->only.number != 0 ? scan->only.digest : scan->tables.digest, 16);
    return ALOG_OK;
}

/* ---- Archives ------------------------------------------------------------------------------ */

bool alog_segment_scan_is_archive(const struct alog_segment_scan *scan) {
    return (scan->file_header.incompatible_flags & ALOG_FLAG_ARCHIVE) != 0;
}

const struct alog_archive_source *alog_segment_scan_source(const struct alog_segment_scan *scan) {
    if (scan->only.number != 0) {
        return &scan->only;
    }
    const struct alog_archive_source *last =
        scan->source_count > 0 ? &scan->sources[scan->source_count - 1] : NULL;
    return last != NULL && last->number == scan->position.source ? last : NULL;
}

const struct alog_archive_source *alog_segment_scan_sources(const struct alog_segment_scan *scan,
                                                            size_t *ret_count) {
    *ret_count = scan->source_count;
    return scan->sources;
}

enum alog_status alog_archive_sources_list(const struct alog_io *io, const char *path,
                                           struct alog_archive_source **ret_sources,
                                           size_t *ret_count, uint64_t *ret_orphans,
                                           struct alog_error *error) {
    struct alog_segment_scan *scan;
    enum alog_status status = alog_segment_scan_open(io, path, NULL, NULL, &scan, error);
    if (status != ALOG_OK) {
        return status;
    }
    const struct alog_block_header *header = NULL;
    uint64_t orphans = 0;
    do {
        orphans += header != NULL && alog_segment_scan_source(scan) == NULL;
        status = alog_segment_scan_is_archive(scan) ? alog_segment_scan_next(scan, &header, error)
                                                    : ALOG_OK;
    } while (status == ALOG_OK && header != NULL);
    if (status == ALOG_OK) {
        *ret_sources = scan->sources;
        *ret_count = scan->source_count;
        if (ret_orphans != NULL) {
            *ret_orphans = orphans;
        }
        scan->sources = NULL;
    }
    alog_segment_scan_close(scan);
    return status;
}

enum alog_status alog_segment_scan_open_source(const struct alog_io *io, const char *path,
                                               const struct alog_archive_source *source,
                                               alog_damage_fn *damage, void *damage_context,
                                               struct alog_segment_scan **ret_scan,
                                               struct alog_error *error) {
    struct alog_segment_scan *scan;
    /* Damage of the file's header is not the source's. */
    enum alog_status status = alog_segment_scan_open(io, path, NULL, NULL, &scan, error);
    if (status != ALOG_OK) {
        return status;
    }
    if (!alog_segment_scan_is_archive(scan) || source->end > scan->file_bytes ||
        source->offset > source->end) {
        alog_segment_scan_close(scan);
        return alog_fail(error, ALOG_CORRUPT, 0, -1, "%s is not the archive that it was", path);
    }
    scan->damage = damage;
    scan->damage_context = damage_context;
    scan->damages = 0;
    scan->whole = false;
    scan->only = *source;
    scan->only_header = alog_archive_source_header(&scan->only);
    scan->position = (struct position){.end = source->offset,
                                       .next_block_number = source->first_block,
                                       .next_sequence = source->predecessor_last_sequence + 1,
                                       .source = source->number,
                                       .source_begins = true,
                                       .source_last = source->last_sequence};
    *ret_scan = scan;
    return ALOG_OK;
}
