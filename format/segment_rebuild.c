/* Taking over a segment that a dead writer left unsealed: a new file with all that is good in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "segment_frame.h"
#include "segment_writing.h"
#include "trust.h"

/* What is shorter, and has no header, is a header that was torn while it was written. */
#define LEAST_HEADER_AND_BLOCK                                                                     \
    (2 * (ALOG_FRAME_PREFIX_BYTES + ALOG_FRAME_CHECK_BYTES) + ALOG_FILE_FIXED_END +                \
     ALOG_BLOCK_FIXED_END)

struct rebuild {
    struct alog_segment_writer *segment;
    struct alog_segment_scan *scan;
    char source[PATH_MAX]; /* the .open file */
    struct alog_segment_remains remains;
    bool known_dead;
    bool harmed; /* damage since the last good block */
};

static void note_damage(void *context, const struct alog_damage *damage) {
    struct rebuild *rebuild = context;
    rebuild->remains.header_rebuilt |= damage->kind == ALOG_DAMAGE_HEADER;
    /* Missing events do not make a file illegal; bytes that are no block do. */
    rebuild->harmed |= !damage->harmless && damage->kind != ALOG_DAMAGE_GAP;
}

static enum alog_status write_at(struct rebuild *rebuild, struct iovec *parts, int count,
                                 uint64_t bytes, struct alog_error *error) {
    struct alog_segment_writer *segment = rebuild->segment;
    int result = alog_io_write_all(segment->io, segment->fd, parts, count, segment->end);
    if (result < 0) {
        return alog_segment_io_failed(error, result, "write", segment->path);
    }
    segment->end += bytes;
    return ALOG_OK;
}

/* ---- What stands between good blocks -------------------------------------------------------- */

/* Frames without content as long as the damage, so that what follows keeps its place. */
static enum alog_status write_hole(struct rebuild *rebuild, uint64_t bytes, uint64_t first_missing,
                                   uint64_t last_missing, struct alog_error *error) {
    struct alog_segment_writer *segment = rebuild->segment;
    rebuild->remains.holes++;
    rebuild->remains.hole_bytes += bytes;
    while (bytes > 0) {
        uint64_t frame_bytes = alog_hole_frame_bytes(bytes);
        segment->header.len = 0;
        enum alog_status status = alog_hole_encode(segment->file_id, frame_bytes, first_missing,
                                                   last_missing, &segment->header);
        if (status == ALOG_INVALID) {
            return alog_fail(error, ALOG_CORRUPT, 0, (int64_t)segment->end,
                             "%s has a damaged place too short to be filled", rebuild->source);
        }
        if (status != ALOG_OK) {
            return alog_segment_no_memory(error, segment->path);
        }
        struct iovec part = {segment->header.data, segment->header.len};
        status = write_at(rebuild, &part, 1, frame_bytes, error);
        if (status != ALOG_OK) {
            return status;
        }
        bytes -= frame_bytes;
    }
    return ALOG_OK;
}

/* Copy bytes of the source up to `end`, as they are. */
static enum alog_status copy_until(struct rebuild *rebuild, uint64_t end,
                                   struct alog_error *error) {
    struct alog_segment_writer *segment = rebuild->segment;
    uint8_t chunk[4096];
    while (segment->end < end) {
        uint64_t left = end - segment->end;
        size_t want = left < sizeof chunk ? (size_t)left : sizeof chunk;
        int64_t got = alog_io_read_full(segment->io, segment->source_fd, chunk, want, segment->end);
        if (got < 0 || (size_t)got < want) {
            return alog_segment_io_failed(error, got < 0 ? (int)got : -EIO, "read",
                                          rebuild->source);
        }
        struct iovec part = {chunk, want};
        enum alog_status status = write_at(rebuild, &part, 1, want, error);
        if (status != ALOG_OK) {
            return status;
        }
    }
    return ALOG_OK;
}

/* The bytes up to the next good block, which begins at `offset` with event `first_sequence`. */
static enum alog_status bridge(struct rebuild *rebuild, uint64_t offset, uint64_t first_sequence,
                               struct alog_error *error) {
    struct alog_segment_writer *segment = rebuild->segment;
    uint64_t expected = segment->totals.last_sequence + 1;
    if (segment->totals.blocks == 0) {
        expected = alog_segment_scan_file_header(rebuild->scan)->predecessor_last_sequence + 1;
    }
    /* Without the file header nobody knows where the file began. */
    bool known = segment->totals.blocks > 0 || !rebuild->remains.header_rebuilt;
    bool missing = known && first_sequence > expected;
    if (missing) {
        rebuild->remains.missing_events += first_sequence - expected;
    }
    if (segment->end == offset) {
        return ALOG_OK;
    }
    if (!rebuild->harmed) {
        return copy_until(rebuild, offset, error); /* frames that a later version put there */
    }
    return write_hole(rebuild, offset - segment->end, missing ? expected : 0,
                      missing ? first_sequence - 1 : 0, error);
}

/* ---- Blocks ---------------------------------------------------------------------------------- */

static enum alog_status take_block(struct rebuild *rebuild, const struct alog_block_header *header,
                                   const uint8_t *frame, struct alog_error *error) {
    struct alog_segment_writer *segment = rebuild->segment;
    uint64_t offset = alog_segment_scan_offset(rebuild->scan);
    enum alog_status status = bridge(rebuild, offset, header->facts.first_sequence, error);
    if (status != ALOG_OK) {
        return status;
    }
    size_t header_bytes;
    const uint8_t *header_frame = alog_segment_scan_header_frame(rebuild->scan, &header_bytes);
    uint32_t frame_bytes = header->facts.compressed_bytes;
    if (alog_index_append(&segment->index, offset, header_frame, header_bytes, frame_bytes) !=
        ALOG_OK) {
        return alog_segment_no_memory(error, segment->path);
    }
    struct iovec parts[2] = {{(void *)(uintptr_t)header_frame, header_bytes},
                             {(void *)(uintptr_t)frame, frame_bytes}};
    status = write_at(rebuild, parts, 2, header_bytes + frame_bytes, error);
    if (status != ALOG_OK) {
        return status;
    }
    alog_index_totals_add(&segment->totals, &header->facts);
    segment->next_block_number = header->number + 1;
    rebuild->harmed = false;
    return ALOG_OK;
}

static enum alog_status take_blocks(struct rebuild *rebuild, struct alog_error *error) {
    for (;;) {
        const struct alog_block_header *header;
        enum alog_status status = alog_segment_scan_next(rebuild->scan, &header, error);
        if (status != ALOG_OK || header == NULL) {
            return status;
        }
        const uint8_t *frame;
        status = alog_segment_scan_frame(rebuild->scan, &frame, error);
        if (status == ALOG_CORRUPT) {
            continue; /* reported, as harmless when it is the torn tail */
        }
        if (status == ALOG_OK) {
            status = take_block(rebuild, header, frame, error);
        }
        if (status != ALOG_OK) {
            return status;
        }
    }
}

/* ---- The file header ------------------------------------------------------------------------- */

/* What the damaged header said, as far as it is known, and where blocks begin nothing moves. */
static enum alog_status write_new_header(struct rebuild *rebuild,
                                         const struct alog_file_header *fallback,
                                         struct alog_error *error) {
    struct alog_segment_writer *segment = rebuild->segment;
    struct alog_file_header header = *alog_segment_scan_file_header(rebuild->scan);
    header.environment = fallback->environment;
    header.predecessor_last_sequence = fallback->predecessor_last_sequence;
    memcpy(header.predecessor_id, fallback->predecessor_id, sizeof header.predecessor_id);
    uint64_t until = alog_segment_scan_end(rebuild->scan);
    segment->header.len = 0;
    if (header.number == 0 || alog_file_header_encode(&header, &segment->header) != ALOG_OK ||
        segment->header.len > until) {
        return alog_fail(error, ALOG_CORRUPT, 0, 0, "%s has lost its header", rebuild->source);
    }
    segment->file_header_bytes = segment->header.len;
    struct iovec part = {segment->header.data, segment->header.len};
    enum alog_status status = write_at(rebuild, &part, 1, segment->header.len, error);
    if (status == ALOG_OK && segment->end < until) {
        status = write_hole(rebuild, until - segment->end, 0, 0, error);
    }
    return status;
}

/*
 * Which number came before the file only its own header knew. Not known, it is the one before its
 * first good block: then nothing of other segments is said to be missing.
 */
static enum alog_status correct_new_header(struct rebuild *rebuild,
                                           const struct alog_file_header *fallback,
                                           struct alog_error *error) {
    struct alog_segment_writer *segment = rebuild->segment;
    if (!rebuild->remains.header_rebuilt || segment->totals.blocks == 0 ||
        fallback->predecessor_last_sequence != 0) {
        return ALOG_OK;
    }
    struct alog_file_header header = *alog_segment_scan_file_header(rebuild->scan);
    header.environment = fallback->environment;
    header.predecessor_last_sequence = segment->totals.first_sequence - 1;
    memcpy(header.predecessor_id, fallback->predecessor_id, sizeof header.predecessor_id);
    segment->header.len = 0;
    if (alog_file_header_encode(&header, &segment->header) != ALOG_OK) {
        return alog_segment_no_memory(error, segment->path);
    }
    struct iovec part = {segment->header.data, segment->header.len};
    int result = alog_io_write_all(segment->io, segment->fd, &part, 1, 0);
    return result < 0 ? alog_segment_io_failed(error, result, "write", segment->path) : ALOG_OK;
}

static enum alog_status begin_file(struct rebuild *rebuild, const struct alog_file_header *fallback,
                                   struct alog_error *error) {
    struct alog_segment_writer *segment = rebuild->segment;
    const struct alog_file_header *header = alog_segment_scan_file_header(rebuild->scan);
    memcpy(segment->file_id, header->file_id, sizeof segment->file_id);
    segment->created_ns = header->created_ns;
    if (alog_index_begin(&segment->index, header->file_id) != ALOG_OK) {
        return alog_segment_no_memory(error, segment->path);
    }
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;
    segment->fd = segment->io->open(segment->io->context, segment->path, flags, ALOG_FILE_MODE);
    if (segment->fd == -EEXIST) {
        /* Of a recovery that was killed: we hold the lock. */
        segment->io->unlink(segment->io->context, segment->path);
        segment->fd = segment->io->open(segment->io->context, segment->path, flags, ALOG_FILE_MODE);
    }
    if (segment->fd < 0) {
        return alog_segment_io_failed(error, segment->fd, "create", segment->path);
    }
    if (rebuild->remains.header_rebuilt) {
        return write_new_header(rebuild, fallback, error);
    }
    segment->file_header_bytes = (size_t)alog_segment_scan_end(rebuild->scan);
    return copy_until(rebuild, segment->file_header_bytes, error);
}

/* ---- Taking over ----------------------------------------------------------------------------- */

/* Whether the file's header never got to the disk: no bytes, or zeros, which is what a file system
 * leaves of a write that it lost. */
static bool is_blank(const struct alog_segment_writer *segment, uint64_t source_bytes) {
    uint8_t bytes[512];
    int64_t got = alog_io_read_full(segment->io, segment->source_fd, bytes, sizeof bytes, 0);
    if (got < 0 || source_bytes > (uint64_t)got) {
        return false;
    }
    for (int64_t i = 0; i < got; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static bool has_final_name(const struct rebuild *rebuild) {
    const struct alog_io *io = rebuild->segment->io;
    char path[PATH_MAX];
    size_t len = strlen(rebuild->source) - strlen(ALOG_OPEN_SUFFIX);
    memcpy(path, rebuild->source, len);
    path[len] = '\0';
    int fd = io->open(io->context, path, O_PATH | O_NOFOLLOW, 0);
    if (fd >= 0) {
        io->close(io->context, fd);
    }
    return fd >= 0;
}

/* Open and lock the .open file; that it still has its name shows that nobody finished it while we
 * waited. */
static enum alog_status open_source(struct rebuild *rebuild, uint64_t *ret_bytes,
                                    struct alog_error *error) {
    struct alog_segment_writer *segment = rebuild->segment;
    const struct alog_io *io = segment->io;
    const char *path = rebuild->source;
    segment->source_fd = io->open(io->context, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (segment->source_fd < 0) {
        return segment->source_fd == -ENOENT
                   ? alog_fail(error, ALOG_NOT_FOUND, ENOENT, -1, "no segment %s", path)
                   : alog_segment_io_failed(error, segment->source_fd, "open", path);
    }
    /* A file system without locks is no reason not to go on: the caller has others. */
    int locked = io->lock(io->context, segment->source_fd);
    if (locked == -EWOULDBLOCK && !rebuild->known_dead) {
        return alog_fail(error, ALOG_LOCKED, EWOULDBLOCK, -1, "%s is being written", path);
    }
    struct stat facts;
    int result = io->fstat(io->context, segment->source_fd, &facts);
    if (result < 0) {
        return alog_segment_io_failed(error, result, "look at", path);
    }
    if (facts.st_nlink == 0) {
        return alog_fail(error, ALOG_NOT_FOUND, 0, -1, "%s was finished meanwhile", path);
    }
    if (has_final_name(rebuild)) {
        return alog_fail(error, ALOG_EXISTS, 0, -1, "%s has its final name already", path);
    }
    *ret_bytes = (uint64_t)facts.st_size;
    if (S_ISREG(facts.st_mode) && is_blank(segment, *ret_bytes)) {
        return alog_fail(error, ALOG_NOT_FOUND, 0, -1, "%s is empty", path);
    }
    return ALOG_OK;
}

static enum alog_status rebuild_file(struct rebuild *rebuild,
                                     const struct alog_file_header *fallback,
                                     struct alog_error *error) {
    struct alog_segment_writer *segment = rebuild->segment;
    uint64_t source_bytes = 0;
    enum alog_status status = open_source(rebuild, &source_bytes, error);
    if (status == ALOG_OK) {
        status = alog_segment_scan_open(segment->io, rebuild->source, note_damage, rebuild,
                                        &rebuild->scan, error);
        rebuild->remains.no_segment = status == ALOG_CORRUPT;
        if (status == ALOG_CORRUPT && source_bytes < LEAST_HEADER_AND_BLOCK) {
            status = alog_fail(error, ALOG_NOT_FOUND, 0, -1, "%s holds no block", rebuild->source);
        }
    }
    if (status == ALOG_OK) {
        status = begin_file(rebuild, fallback, error);
    }
    rebuild->harmed = false;
    if (status == ALOG_OK) {
        status = take_blocks(rebuild, error);
    }
    if (status == ALOG_OK) {
        status = correct_new_header(rebuild, fallback, error);
    }
    if (status == ALOG_OK) {
        rebuild->remains.tail_bytes = source_bytes - segment->end;
    } else if (segment->fd >= 0) {
        segment->io->unlink(segment->io->context, segment->path);
    }
    alog_segment_scan_close(rebuild->scan);
    return status;
}

enum alog_status alog_segment_rebuild(const struct alog_io *io, const char *path, bool known_dead,
                                      const struct alog_file_header *fallback,
                                      struct alog_segment_writer **ret_segment,
                                      struct alog_segment_remains *ret_remains,
                                      struct alog_error *error) {
    size_t len = strlen(path);
    size_t suffix = strlen(ALOG_OPEN_SUFFIX);
    if (len <= suffix || strcmp(path + len - suffix, ALOG_OPEN_SUFFIX) != 0 ||
        len - suffix + sizeof ALOG_RECOVERING_SUFFIX > PATH_MAX) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "%.256s is not an unsealed segment's name",
                         path);
    }
    struct alog_segment_writer *segment = calloc(1, sizeof *segment);
    struct rebuild *rebuild = calloc(1, sizeof *rebuild);
    if (segment == NULL || rebuild == NULL) {
        free(segment);
        free(rebuild);
        return alog_segment_no_memory(error, path);
    }
    segment->io = io;
    segment->fd = -1;
    segment->source_fd = -1;
    memcpy(segment->path, path, len - suffix);
    strcpy(segment->path + len - suffix, ALOG_RECOVERING_SUFFIX);
    memcpy(rebuild->source, path, len + 1);
    rebuild->segment = segment;
    rebuild->known_dead = known_dead;
    enum alog_status status = rebuild_file(rebuild, fallback, error);
    if (status == ALOG_OK || status == ALOG_CORRUPT) {
        *ret_remains = rebuild->remains;
    }
    if (status == ALOG_OK) {
        *ret_segment = segment;
    } else {
        alog_segment_writer_free(segment);
    }
    free(rebuild);
    return status;
}
