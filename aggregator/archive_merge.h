/* One segment into an archive, and the comparison of the two. */
#ifndef AGENTLOG_AGGREGATOR_ARCHIVE_MERGE_H
#define AGENTLOG_AGGREGATOR_ARCHIVE_MERGE_H

#include "archive_events.h"

/*
 * What an archive's source must say of a segment, after every byte of it was checked; its number is
 * left 0. ALOG_CORRUPT with the first fault when it is damaged: missing events are none. Not sealed
 * is ALOG_CORRUPT as well.
 */
enum alog_status alog_archive_examine(const struct alog_io *io, const char *path,
                                      const struct alog_redaction *redaction,
                                      struct alog_archive_source *ret_source,
                                      uint64_t *ret_raw_bytes, struct alog_error *error);

struct alog_merge_options {
    int compression_level;
    uint32_t block_bytes;
};

/*
 * Append the segment at `path` to the archive as that source; or, unless `of` is NULL, that source
 * of the archive at `path`. Its blocks are merged into larger
 * ones; where sequence numbers are missing a block begins, and the first original block behind it
 * stays one by itself, so that the loss keeps its time. Failures: those of the file; ALOG_CORRUPT.
 */
enum alog_status alog_archive_merge(const struct alog_io *io, const char *path,
                                    const struct alog_archive_source *of,
                                    const struct alog_archive_source *source,
                                    const struct alog_merge_options *options,
                                    struct alog_redaction *redaction,
                                    struct alog_segment_writer *archive, struct alog_error *error);

/* Hold every event of the source in the file at `archive_path` against the segment at `path`, or
 * the source `of` of the archive there, with what the source says of redaction. ALOG_CORRUPT: they
 * differ, and where. */
enum alog_status alog_archive_compare(const struct alog_io *io, const char *path,
                                      const struct alog_archive_source *of,
                                      const char *archive_path,
                                      const struct alog_archive_source *source,
                                      struct alog_error *error);

#endif
