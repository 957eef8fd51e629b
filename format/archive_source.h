/*
 * Sources: the segments that an archive file was made of. A source's frame stands in front of its
 * blocks and carries everything that the original's file header and its ledger entry said, so that
 * an archive is counted as the segments that it replaces. format/FORMAT.md, "Archives".
 */
#ifndef AGENTLOG_FORMAT_ARCHIVE_SOURCE_H
#define AGENTLOG_FORMAT_ARCHIVE_SOURCE_H

#include "segment.h"

/* The writer id in the file header of an archive: its blocks tell theirs. */
#define ALOG_ARCHIVE_WRITER_ID 0u

/* Names of redacted fields in a source, parted by commas, and a NUL. */
#define ALOG_REDACTED_BYTES 512

/* Plain data. Of the original: everything but the last three. */
struct alog_archive_source {
    uint32_t number; /* of the source in the archive, from 1 */
    uint8_t file_id[16];
    uint64_t writer_id;
    uint64_t segment_number;
    int64_t created_ns;
    uint8_t predecessor_id[16];
    uint64_t predecessor_last_sequence;
    char environment[ALOG_MAX_NAME_BYTES + 1];
    uint32_t environment_len;
    uint8_t sha256[32]; /* of the whole file */
    uint8_t digest[16]; /* of its index, as alog_segment_scan_digest */
    uint64_t file_bytes, blocks, events;
    uint64_t first_sequence, last_sequence;
    int64_t min_timestamp_ns, max_timestamp_ns;
    uint64_t dropped;
    char redacted[ALOG_REDACTED_BYTES]; /* "" = nothing was taken out of its events */

    /* In the archive, as a reader finds them: */
    uint64_t offset, end; /* where its blocks begin, and where the next source or the index does */
    uint64_t first_block; /* its first block's number, or less where blocks are lost */
};

/* The file header that the original had; its environment points into the source. */
struct alog_file_header alog_archive_source_header(const struct alog_archive_source *source);

enum alog_status alog_archive_source_encode(const uint8_t archive_id[16],
                                            const struct alog_archive_source *source,
                                            struct alog_buffer *append_to);
/* ALOG_CORRUPT, ALOG_UNSUPPORTED. */
enum alog_status alog_archive_source_decode(const uint8_t *frame, size_t bytes,
                                            struct alog_archive_source *ret_source,
                                            struct alog_error *error);

/* ---- Writing (segment_writer.c) -------------------------------------------------------------- */

/*
 * As alog_segment_create, but an archive file: under `<final name>.archiving`, which no reader
 * takes; `created_ns` says which day it is of, and `number` tells it from others of that
 * nanosecond.
 */
enum alog_status alog_segment_create_archive(const struct alog_io *io, const char *archive_dir,
                                             int64_t created_ns, uint64_t number,
                                             struct alog_segment_writer **ret_segment,
                                             struct alog_error *error);

/* Begin the next source: the blocks appended from here on are its own, and their facts must have
 * its number, which is one more than that of the source before. */
enum alog_status alog_segment_append_source(struct alog_segment_writer *segment,
                                            const struct alog_archive_source *source,
                                            struct alog_error *error);

/* ---- Reading (segment_open.c) ---------------------------------------------------------------- */

bool alog_segment_scan_is_archive(const struct alog_segment_scan *scan);

/* The source of the block that scan_next returned; NULL when its frame is damaged, and in a file
 * that is no archive. */
const struct alog_archive_source *alog_segment_scan_source(const struct alog_segment_scan *scan);

/* The sources that were met so far: all of them when scan_next has come to the end. */
const struct alog_archive_source *alog_segment_scan_sources(const struct alog_segment_scan *scan,
                                                            size_t *ret_count);

/*
 * The sources of a file, by a walk over its headers; none for a file that is no archive.
 * *ret_orphans (may be NULL) counts the blocks whose source's frame is damaged. The caller frees
 * *ret_sources. Errors as alog_segment_scan_open.
 */
enum alog_status alog_archive_sources_list(const struct alog_io *io, const char *path,
                                           struct alog_archive_source **ret_sources,
                                           size_t *ret_count, uint64_t *ret_orphans,
                                           struct alog_error *error);

/*
 * Scan one source as the segment that it was: file header, size, digest and end are the original's;
 * offsets are the archive's.
 */
enum alog_status alog_segment_scan_open_source(const struct alog_io *io, const char *path,
                                               const struct alog_archive_source *source,
                                               alog_damage_fn *damage, void *damage_context,
                                               struct alog_segment_scan **ret_scan,
                                               struct alog_error *error);

#endif
