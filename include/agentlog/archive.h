/*
 * agentlog archive: the small segments of a day, of any number of writers, merged into one large
 * file for the long term.
 *
 * An archive is laid out like a log (DIR/YYYY-MM-DD/<name>.msgpack.zst, and beside each file a
 * manifest, <name>.msgpack.zst.manifest.json) and is read by everything that reads logs:
 * alog_reader_open, alog_segment_inspect, alog_ingest, alog_rebuild. It keeps which segment each
 * block came from, so that a database counts each event once, whether it met the segment itself,
 * the archive, or both; and gets the same rows from either.
 *
 * Threads: calls on different archives are independent; two on one archive give ALOG_LOCKED.
 */
#ifndef AGENTLOG_ARCHIVE_H
#define AGENTLOG_ARCHIVE_H

#include <agentlog/agentlog.h>
#include <agentlog/reader.h>

#ifdef __cplusplus
extern "C" {
#endif

struct alog_io;

/* What became of a segment. */
enum alog_archive_step {
    ALOG_ARCHIVE_MERGED = 1,   /* it is in an archive file, which is verified */
    ALOG_ARCHIVE_REMOVED = 2,  /* … and the segment itself is gone */
    ALOG_ARCHIVE_LEFT = 3,     /* it is damaged, or was changed: left as it is; `reason` says why */
    ALOG_ARCHIVE_UNSEALED = 4, /* it is not sealed: its writer lives, or left it to be recovered */
    ALOG_ARCHIVE_FILE = 5,     /* `path` is an archive file that was finished */
    ALOG_ARCHIVE_NEEDED = 6    /* it is the newest sealed one of a writer that lives, or was killed
                                  and not recovered yet: what is in the log already is told from it.
                                  A later run takes it */
};

/* Told of each segment and file; `reason` is "" unless it was LEFT. Valid during the call. */
typedef void alog_archive_fn(void *context, enum alog_archive_step step, const char *path,
                             const char *reason);

struct alog_archive_options {
    size_t struct_bytes;
    struct alog_opt_i64 before_ns; /* only days (UTC) that were over at this time; absent = those
                                      that are over now */
    const char *const *redact;     /* names of fields and attributes, NULL-terminated, whose values
                                      are left out for good; NULL = none. A text that an event must
                                      have becomes "[redacted]" */
    int compression_level;         /* zstd level, 1..19; default 19 */
    uint64_t block_bytes;          /* msgpack per block; 64 KiB..8 MiB; default 1 MiB */
    uint64_t file_bytes;           /* begin another file beyond this size; 1 MiB..16 GiB; default
                                      1 GiB */
    bool keep_segments;            /* do not remove the segments that were archived */
    alog_archive_fn *tell;
    void *tell_context;
    void (*progress)(void *context, uint64_t done, uint64_t total); /* bytes of segments */
    void *progress_context;
    const struct alog_io *io; /* system calls and clock; default the real ones; for tests */
};
#define ALOG_ARCHIVE_OPTIONS_INIT                                                                  \
    { .struct_bytes = sizeof(struct alog_archive_options) }

struct alog_archive_report {
    uint64_t days;              /* with at least one segment archived */
    uint64_t files;             /* archive files made */
    uint64_t segments;          /* archived in this run */
    uint64_t segments_removed;  /* also those that an earlier run had archived */
    uint64_t segments_left;     /* damaged, or not what the archive has under their id */
    uint64_t segments_unsealed; /* of days that were asked for */
    uint64_t events;            /* archived in this run */
    uint64_t bytes_before;      /* of the segments archived in this run, */
    uint64_t bytes_after;       /* … of the archive files made of them, */
    uint64_t raw_bytes;         /* … and their msgpack */
    uint64_t values_redacted;
    uint64_t segments_needed; /* of days that were asked for; see ALOG_ARCHIVE_NEEDED */
};

/*
 * Archive the sealed segments of whole days of `log_dir` into `archive_dir` (made if absent). Each
 * file is written under another name, synced, read back and compared with the segments event for
 * event; it gets its name and its manifest, and only then the segments are removed. A run that is
 * killed anywhere loses nothing and is simply run again.
 *
 * ALOG_OK also when segments were left: look at the report. Errors: ALOG_NOT_FOUND (no log),
 * ALOG_INVALID (an option; a field that events cannot be without), ALOG_LOCKED, ALOG_IO,
 * ALOG_NO_MEMORY, ALOG_CORRUPT (what was written does not read back as the segments: nothing was
 * removed). Memory: a block or two. Cost: a few MB of msgpack a second at level 19.
 */
ALOG_API ALOG_MUST_CHECK enum alog_status alog_archive(const char *log_dir, const char *archive_dir,
                                                       const struct alog_archive_options *options,
                                                       struct alog_archive_report *ret_report,
                                                       struct alog_error *error);

/*
 * Take the values of `options->redact` out of the files of an archive that is there already, for
 * good. Each file is made anew under another name, with what had been left out of it before left
 * out as well, synced, read back and compared event for event; it takes the place of the old one,
 * and gets a new manifest. Files without such values yet to take out, or of days after `before_ns`,
 * stay as they are. A run that is killed anywhere loses nothing and is simply run again.
 *
 * `keep_segments` and `file_bytes` are without meaning. The report counts files and segments that
 * were made anew, `segments_left` those of files that are damaged or are not what their manifest
 * says: `tell` says why. Errors as alog_archive; ALOG_NOT_FOUND: there is no such archive.
 */
ALOG_API ALOG_MUST_CHECK enum alog_status
alog_archive_redact(const char *archive_dir, const struct alog_archive_options *options,
                    struct alog_archive_report *ret_report, struct alog_error *error);

/*
 * Compare an archive file with the manifest beside it. ALOG_OK; ALOG_NOT_FOUND (no archive, or
 * without a manifest); ALOG_CORRUPT: its SHA-256 is not the manifest's; ALOG_IO. Cost: reads the
 * file.
 */
ALOG_API ALOG_MUST_CHECK enum alog_status alog_archive_check(const char *path,
                                                             struct alog_error *error);

/* A segment that an archive file was made of: what it said of itself. */
struct alog_archived_segment {
    uint8_t file_id[16];
    uint64_t writer_id;
    uint64_t number;
    char environment[ALOG_MAX_NAME_BYTES + 1];
    int64_t created_ns;
    uint8_t predecessor_id[16]; /* all zero: the writer's first */
    uint64_t predecessor_last_sequence;
    uint64_t file_bytes; /* of the segment, before it was archived */
    uint64_t events;
    uint64_t first_sequence, last_sequence;
    int64_t min_timestamp_ns, max_timestamp_ns;
    uint64_t dropped; /* cumulative at its end: since the writer opened */
};

/*
 * The segments that the archive file at `path` was made of, from its headers, in its order; none
 * when it is no archive. The caller frees them with alog_archived_segments_free. Errors: those of
 * alog_reader_open.
 */
ALOG_API ALOG_MUST_CHECK enum alog_status
alog_archived_segments_list(const char *path, struct alog_archived_segment **ret_segments,
                            size_t *ret_count, struct alog_error *error);
ALOG_API void alog_archived_segments_free(struct alog_archived_segment *segments);

#ifdef __cplusplus
}
#endif

#endif
