/* Writing a segment: created as .open, appended to block by block, sealed into its final name. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "segment_frame.h"
#include "segment_writing.h"
#include "trust.h"

void alog_segment_writer_free(struct alog_segment_writer *segment) {
    if (segment->source_fd >= 0) {
        segment->io->close(segment->io->context, segment->source_fd);
    }
    if (segment->fd >= 0) {
        segment->io->close(segment->io->context, segment->fd);
    }
    alog_buffer_free(&segment->index);
    alog_buffer_free(&segment->header);
    alog_buffer_free(&segment->file_header);
    free(segment);
}

enum alog_status alog_segment_io_failed(struct alog_error *error, int result, const char *what,
                                        const char *path) {
    enum alog_status status = result == -EEXIST  ? ALOG_EXISTS
                              : result == -EROFS ? ALOG_READ_ONLY
                                                 : ALOG_IO;
    return alog_fail(error, status, -result, -1, "cannot %s %s", what, path);
}

enum alog_status alog_segment_no_memory(struct alog_error *error, const char *path) {
    return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory to write %s", path);
}

/* Cut off what is beyond the last good byte. Best effort: the reader copes with a torn tail, but
 * must not find there a block that its writer was told had failed. */
static void cut_remains(struct alog_segment_writer *segment) {
    segment->io->ftruncate(segment->io->context, segment->fd, segment->end);
}

void alog_segment_directory(const char *path, char dir[PATH_MAX]) {
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        strcpy(dir, ".");
        return;
    }
    size_t len = slash == path ? 1 : (size_t)(slash - path);
    memcpy(dir, path, len);
    dir[len] = '\0';
}

/* A directory that cannot be opened may be synced later. One whose sync fails must not be: what the
 * kernel could not write, it has forgotten. */
static int sync_directory(struct alog_segment_writer *segment, const char *path) {
    const struct alog_io *io = segment->io;
    int fd = io->open(io->context, path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) {
        return fd;
    }
    int result = io->fsync(io->context, fd);
    io->close(io->context, fd);
    segment->sync_failed |= result < 0;
    return result;
}

/* The day's directory, and the log directory, where the day's name may be new. */
static int sync_names(struct alog_segment_writer *segment) {
    char day[PATH_MAX], log_dir[PATH_MAX];
    alog_segment_directory(segment->path, day);
    int result = sync_directory(segment, day);
    if (result < 0 || segment->names_synced) {
        return result;
    }
    alog_segment_directory(day, log_dir);
    result = sync_directory(segment, log_dir);
    segment->names_synced = result == 0;
    return result;
}

/* ---- Create ---------------------------------------------------------------------------------- */

static enum alog_status make_path(struct alog_segment_writer *segment, const char *log_dir,
                                  uint64_t writer_id, uint64_t number, const char *suffix,
                                  struct alog_error *error) {
    char name[ALOG_SEGMENT_NAME_BYTES];
    alog_segment_name_format(segment->created_ns, writer_id, number, false, name);
    /* The name begins with the date that is the directory's: 20260204T… in 2026-02-04. */
    int len = snprintf(segment->path, sizeof segment->path, "%s/%.4s-%.2s-%.2s", log_dir, name,
                       name + 4, name + 6);
    if (len < 0 || (size_t)len + 1 + strlen(name) + strlen(suffix) >= sizeof segment->path) {
        return alog_fail(error, ALOG_IO, ENAMETOOLONG, -1, "cannot create a segment in %.256s",
                         log_dir);
    }
    int result = alog_io_make_dirs(segment->io, segment->path, ALOG_DIRECTORY_MODE);
    if (result < 0) {
        return alog_segment_io_failed(error, result, "create", segment->path);
    }
    enum alog_status status = alog_trust_own_dir(segment->io, segment->path, error);
    if (status != ALOG_OK) {
        return status;
    }
    segment->path[len] = '/';
    strcpy(stpcpy(segment->path + len + 1, name), suffix);
    return ALOG_OK;
}

/* The lock says that the writer lives. A file system without locks is no reason not to log. */
static enum alog_status lock_file(struct alog_segment_writer *segment, struct alog_error *error) {
    int result = segment->io->lock(segment->io->context, segment->fd);
    if (result == -EWOULDBLOCK) {
        return alog_fail(error, ALOG_LOCKED, -result, -1, "%s is being written", segment->path);
    }
    return ALOG_OK;
}

static enum alog_status write_file_header(struct alog_segment_writer *segment,
                                          const struct alog_file_header *header,
                                          struct alog_error *error) {
    enum alog_status status = alog_file_header_encode(header, &segment->header);
    if (status == ALOG_OK) {
        status = alog_index_begin(&segment->index, header->file_id);
    }
    if (status != ALOG_OK) {
        return alog_segment_no_memory(error, segment->path);
    }
    struct iovec part = {segment->header.data, segment->header.len};
    int result = alog_io_write_all(segment->io, segment->fd, &part, 1, 0);
    if (result < 0) {
        return alog_segment_io_failed(error, result, "write", segment->path);
    }
    segment->file_header_bytes = segment->header.len;
    segment->end = segment->header.len;
    /* Kept, for the file may have to be made anew; the other buffer begins empty. */
    segment->file_header = segment->header;
    segment->header = (struct alog_buffer){0};
    return ALOG_OK;
}

static enum alog_status create_file(struct alog_segment_writer *segment, const char *log_dir,
                                    const char *suffix, struct alog_file_header *header,
                                    struct alog_error *error) {
    const struct alog_io *io = segment->io;
    int64_t now_ns = io->realtime_ns(io->context);
    if ((header->incompatible_flags & ALOG_FLAG_ARCHIVE) == 0) { /* an archive's is its day's */
        header->created_ns = now_ns < 0 ? 0 : now_ns;
    }
    segment->created_ns = header->created_ns;
    int result = io->random(io->context, segment->file_id, sizeof segment->file_id);
    if (result < 0) {
        return alog_fail(error, ALOG_IO, -result, -1, "no random bytes for a new segment's id");
    }
    memcpy(header->file_id, segment->file_id, sizeof header->file_id);
    enum alog_status status =
        make_path(segment, log_dir, header->writer_id, header->number, suffix, error);
    if (status != ALOG_OK) {
        return status;
    }
    segment->fd = io->open(io->context, segment->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
                           ALOG_FILE_MODE);
    if (segment->fd < 0) {
        return alog_segment_io_failed(error, segment->fd, "create", segment->path);
    }
    status = lock_file(segment, error);
    if (status == ALOG_OK) {
        status = write_file_header(segment, header, error);
    }
    if (status != ALOG_OK) {
        io->unlink(io->context, segment->path);
    }
    return status;
}

static enum alog_status make(const struct alog_io *io, const char *log_dir, const char *suffix,
                             struct alog_file_header *header,
                             struct alog_segment_writer **ret_segment, struct alog_error *error) {
    struct alog_segment_writer *segment = calloc(1, sizeof *segment);
    if (segment == NULL) {
        return alog_segment_no_memory(error, log_dir);
    }
    segment->io = io;
    segment->fd = -1;
    segment->source_fd = -1;
    enum alog_status status = create_file(segment, log_dir, suffix, header, error);
    if (status != ALOG_OK) {
        alog_segment_writer_free(segment);
        return status;
    }
    *ret_segment = segment;
    return ALOG_OK;
}

static enum alog_status create(const struct alog_io *io, const char *log_dir, const char *suffix,
                               uint64_t writer_id, uint64_t number, struct alog_string environment,
                               const uint8_t predecessor_id[16], uint64_t predecessor_last_sequence,
                               struct alog_segment_writer **ret_segment, struct alog_error *error) {
    if (number == 0 || environment.len > ALOG_MAX_NAME_BYTES ||
        predecessor_last_sequence >= ALOG_MAX_SEQUENCE) {
        return alog_fail(error, ALOG_INVALID, 0, -1,
                         "a segment's number, environment or predecessor is out of bounds");
    }
    struct alog_file_header header = {
        .version = ALOG_FORMAT_VERSION,
        .writer_id = writer_id,
        .number = number,
        .predecessor_last_sequence = predecessor_last_sequence,
        .environment = environment,
    };
    memcpy(header.predecessor_id, predecessor_id, sizeof header.predecessor_id);
    return make(io, log_dir, suffix, &header, ret_segment, error);
}

enum alog_status
alog_segment_create(const struct alog_io *io, const char *log_dir, uint64_t writer_id,
                    uint64_t number, struct alog_string environment,
                    const uint8_t predecessor_id[16], uint64_t predecessor_last_sequence,
                    struct alog_segment_writer **ret_segment, struct alog_error *error) {
    return create(io, log_dir, ALOG_OPEN_SUFFIX, writer_id, number, environment, predecessor_id,
                  predecessor_last_sequence, ret_segment, error);
}

enum alog_status
alog_segment_create_unlisted(const struct alog_io *io, const char *log_dir, uint64_t writer_id,
                             uint64_t number, struct alog_string environment,
                             const uint8_t predecessor_id[16], uint64_t predecessor_last_sequence,
                             struct alog_segment_writer **ret_segment, struct alog_error *error) {
    return create(io, log_dir, ALOG_RECOVERING_SUFFIX, writer_id, number, environment,
                  predecessor_id, predecessor_last_sequence, ret_segment, error);
}

enum alog_status alog_segment_create_archive(const struct alog_io *io, const char *archive_dir,
                                             int64_t created_ns, uint64_t number,
                                             struct alog_segment_writer **ret_segment,
                                             struct alog_error *error) {
    struct alog_file_header header = {
        .version = ALOG_FORMAT_VERSION,
        .incompatible_flags = ALOG_FLAG_ARCHIVE,
        .writer_id = ALOG_ARCHIVE_WRITER_ID,
        .number = number,
        .created_ns = created_ns,
        .environment = ALOG_STR(""),
    };
    return make(io, archive_dir, ALOG_ARCHIVING_SUFFIX, &header, ret_segment, error);
}

/* ---- Append and sync ----------------------------------------------------------------------- */

enum alog_status alog_segment_append_source(struct alog_segment_writer *segment,
                                            const struct alog_archive_source *source,
                                            struct alog_error *error) {
    segment->header.len = 0;
    enum alog_status status =
        alog_archive_source_encode(segment->file_id, source, &segment->header);
    if (status == ALOG_INVALID) {
        return alog_fail(error, status, 0, -1, "a source for %s has impossible facts",
                         segment->path);
    }
    if (status != ALOG_OK) {
        return alog_segment_no_memory(error, segment->path);
    }
    struct iovec part = {segment->header.data, segment->header.len};
    int result = alog_io_write_all(segment->io, segment->fd, &part, 1, segment->end);
    if (result < 0) {
        cut_remains(segment);
        return alog_segment_io_failed(error, result, "write", segment->path);
    }
    segment->end += segment->header.len;
    return ALOG_OK;
}

enum alog_status alog_segment_append(struct alog_segment_writer *segment,
                                     const struct alog_block_facts *facts, const uint8_t *frame,
                                     struct alog_error *error) {
    segment->header.len = 0;
    enum alog_status status = alog_block_header_encode(segment->file_id, segment->next_block_number,
                                                       facts, &segment->header);
    if (status == ALOG_INVALID || status == ALOG_LIMIT) {
        return alog_fail(error, ALOG_INVALID, 0, -1,
                         "a block for %s has impossible facts, or too many", segment->path);
    }
    /* Indexed first: once the block is in the file, nothing can fail any more. */
    size_t index_len = segment->index.len;
    if (status == ALOG_OK) {
        status = alog_index_append(&segment->index, segment->end, segment->header.data,
                                   segment->header.len, facts->compressed_bytes);
    }
    if (status == ALOG_LIMIT) {
        return alog_fail(error, status, 0, -1, "%s holds all the blocks that it can: seal it",
                         segment->path);
    }
    if (status != ALOG_OK) {
        return alog_segment_no_memory(error, segment->path);
    }
    struct iovec parts[2] = {{segment->header.data, segment->header.len},
                             {(void *)(uintptr_t)frame, facts->compressed_bytes}};
    int result = alog_io_write_all(segment->io, segment->fd, parts, 2, segment->end);
    if (result < 0) {
        segment->index.len = index_len;
        cut_remains(segment);
        return alog_segment_io_failed(error, result, "write", segment->path);
    }
    segment->end += segment->header.len + facts->compressed_bytes;
    segment->next_block_number++;
    alog_index_totals_add(&segment->totals, facts);
    return ALOG_OK;
}

enum alog_status alog_segment_sync(struct alog_segment_writer *segment, struct alog_error *error) {
    int result = segment->io->fdatasync(segment->io->context, segment->fd);
    segment->sync_failed |= result < 0;
    if (result == 0 && !segment->names_synced) {
        result = sync_names(segment);
    }
    return result < 0 ? alog_segment_io_failed(error, result, "sync", segment->path) : ALOG_OK;
}

uint64_t alog_segment_bytes(const struct alog_segment_writer *segment) {
    return segment->end;
}

uint64_t alog_segment_blocks(const struct alog_segment_writer *segment) {
    return segment->totals.blocks;
}

uint64_t alog_segment_last_sequence(const struct alog_segment_writer *segment) {
    return segment->totals.last_sequence;
}

int64_t alog_segment_created_ns(const struct alog_segment_writer *segment) {
    return segment->created_ns;
}

const uint8_t *alog_segment_file_id(const struct alog_segment_writer *segment) {
    return segment->file_id;
}

/* ---- Seal ---------------------------------------------------------------------------------- */

static enum alog_status write_tables(struct alog_segment_writer *segment,
                                     struct alog_error *error) {
    segment->header.len = 0; /* its room serves for the seek table */
    size_t index_len = segment->index.len;
    if (alog_index_finish(&segment->index, &segment->totals) != ALOG_OK ||
        alog_seek_table_encode(&segment->index, segment->file_header_bytes, &segment->header) !=
            ALOG_OK) {
        segment->index.len = index_len;
        return alog_segment_no_memory(error, segment->path);
    }
    struct iovec parts[2] = {{segment->index.data, segment->index.len},
                             {segment->header.data, segment->header.len}};
    const char *what = "write";
    uint64_t end = segment->end + segment->index.len + segment->header.len;
    int result = alog_io_write_all(segment->io, segment->fd, parts, 2, segment->end);
    if (result == 0) {
        what = "truncate";
        result = segment->io->ftruncate(segment->io->context, segment->fd, end);
    }
    if (result < 0) {
        segment->index.len = index_len; /* without its check, as before */
        cut_remains(segment);
        return alog_segment_io_failed(error, result, what, segment->path);
    }
    segment->end = end;
    segment->tables_written = true;
    return ALOG_OK;
}

enum alog_status alog_segment_complete(struct alog_segment_writer *segment, bool sync,
                                       struct alog_error *error) {
    if (!segment->tables_written) {
        enum alog_status status = write_tables(segment, error);
        if (status != ALOG_OK) {
            return status;
        }
    }
    if (sync && !segment->synced_whole) {
        int result = segment->io->fsync(segment->io->context, segment->fd);
        if (result < 0) {
            segment->sync_failed = true;
            return alog_segment_io_failed(error, result, "sync", segment->path);
        }
        segment->synced_whole = true;
    }
    return ALOG_OK;
}

enum alog_status alog_segment_name_finally(struct alog_segment_writer *segment, bool sync,
                                           struct alog_error *error) {
    const struct alog_io *io = segment->io;
    int result = 0;
    if (!segment->renamed) {
        char final_path[PATH_MAX];
        size_t len = (size_t)(strrchr(segment->path, '.') - segment->path);
        memcpy(final_path, segment->path, len);
        final_path[len] = '\0';
        result = io->rename(io->context, segment->path, final_path);
        segment->renamed = result == 0;
        segment->name_lost |= result == -ENOENT;
    }
    if (result == 0 && sync) {
        result = sync_names(segment);
    }
    return result < 0
               ? alog_segment_io_failed(error, result, "rename to its final name", segment->path)
               : ALOG_OK;
}

enum alog_status alog_segment_publish(struct alog_segment_writer *segment, bool sync,
                                      struct alog_error *error) {
    enum alog_status status = alog_segment_name_finally(segment, sync, error);
    alog_segment_writer_free(segment);
    return status;
}

static enum alog_status seal_file(struct alog_segment_writer *segment, bool sync,
                                  struct alog_error *error) {
    const struct alog_io *io = segment->io;
    if (segment->totals.blocks == 0) {
        int result = io->unlink(io->context, segment->path);
        return result < 0 ? alog_segment_io_failed(error, result, "remove", segment->path)
                          : ALOG_OK;
    }
    enum alog_status status = alog_segment_complete(segment, sync, error);
    return status == ALOG_OK ? alog_segment_name_finally(segment, sync, error) : status;
}

enum alog_status alog_segment_seal(struct alog_segment_writer *segment, bool sync,
                                   struct alog_error *error) {
    enum alog_status status = seal_file(segment, sync, error);
    alog_segment_writer_free(segment);
    return status;
}

enum alog_status alog_segment_try_seal(struct alog_segment_writer *segment, bool sync,
                                       uint64_t *ret_bytes, struct alog_error *error) {
    enum alog_status status = seal_file(segment, sync, error);
    if (status == ALOG_OK) {
        *ret_bytes = segment->totals.blocks > 0 ? segment->end : 0;
        alog_segment_writer_free(segment);
    }
    return status;
}

bool alog_segment_is_lost(struct alog_segment_writer *segment) {
    struct stat facts;
    if (!segment->name_lost && segment->io->fstat(segment->io->context, segment->fd, &facts) == 0) {
        segment->name_lost = facts.st_nlink == 0;
    }
    return segment->sync_failed || segment->name_lost;
}

void alog_segment_abandon(struct alog_segment_writer *segment) {
    if (segment != NULL) {
        alog_segment_writer_free(segment);
    }
}

void alog_segment_discard(struct alog_segment_writer *segment) {
    if (segment != NULL) {
        segment->io->unlink(segment->io->context, segment->path);
        alog_segment_writer_free(segment);
    }
}

const char *alog_segment_path(const struct alog_segment_writer *segment) {
    return segment->path;
}
