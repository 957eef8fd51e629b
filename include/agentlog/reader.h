/*
 * agentlog reader: events back out of segments, and what there is to know of a segment.
 *
 * Segments are untrusted input: every length is bounded by what is left, every declared size by a
 * limit, and nothing that a file says is believed before its checks pass. A bad segment costs only
 * itself: damage is reported to the caller with offset, bytes and the missing sequence numbers, and
 * the rest is still read.
 *
 * Threads: a handle is used by one thread at a time; different handles are independent.
 * Memory: one block (<= 64 MiB, usually 512 KiB) and its decoded strings per handle.
 */
#ifndef AGENTLOG_READER_H
#define AGENTLOG_READER_H

#include <agentlog/agentlog.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Finding segments ------------------------------------------------------------------------ */

struct alog_segment_path {
    char *path;         /* as it can be opened */
    const char *name;   /* its last component, points into path */
    int64_t start_ns;   /* UTC start in its name */
    uint64_t writer_id; /* in its name */
    uint64_t number;    /* in its name, from 1 */
    bool open;          /* ends in .open: not sealed (yet) */
};

struct alog_segment_list {
    struct alog_segment_path *segments; /* in order of day, start, writer id, number */
    size_t count;
};

/*
 * The segments below `log_dir` (LOGDIR/YYYY-MM-DD/<UTC start>-<writer
 * id>-<number>.msgpack.zst[.open]). Other names are passed over; what has a
 * segment's name is listed, and who opens it is told when it is no plain file. The caller frees the
 * list. ALOG_NOT_FOUND when there is no such directory, ALOG_INVALID when a day is a symbolic link.
 */
ALOG_API ALOG_MUST_CHECK enum alog_status alog_segments_list(const char *log_dir,
                                                             struct alog_segment_list *ret_list,
                                                             struct alog_error *error);
ALOG_API void alog_segments_free(struct alog_segment_list *list);

/* ---- Damage
 * -----------------------------------------------------------------------------------------------
 */

enum alog_damage_kind {
    ALOG_DAMAGE_HEADER =
        1, /* the file header is unusable: not a segment, or its first bytes are gone */
    ALOG_DAMAGE_BLOCK = 2, /* bytes that are no valid block; reading went on at the next one */
    ALOG_DAMAGE_EVENT =
        3, /* a block passed its checks, yet an event in it cannot be decoded (a writer's fault) */
    ALOG_DAMAGE_GAP = 4, /* sequence numbers are missing between two blocks */
    ALOG_DAMAGE_TAIL =
        5, /* the end is torn: normal in an unsealed file after a crash, damage in a sealed one */
    ALOG_DAMAGE_INDEX = 6,    /* index or seek table disagree with the blocks */
    ALOG_DAMAGE_TRUNCATED = 7 /* a sealed file ends before its seek table */
};

/* One fault. `message` is a sentence for people. A torn tail of an unsealed file is reported with
 * harmless = true. */
struct alog_damage {
    enum alog_damage_kind kind;
    bool harmless;
    const char *path;
    uint64_t offset;         /* where it begins in the file */
    uint64_t bytes;          /* how much was passed over */
    uint64_t first_sequence; /* events known to be missing: first and last, */
    uint64_t last_sequence;  /* … 0, 0 when not known */
    const char *message;     /* valid during the call */
};
typedef void alog_damage_fn(void *context, const struct alog_damage *damage);

/* ---- Reading events -------------------------------------------------------------------------- */

struct alog_reader;

/* What to read. Zeros = everything. Blocks that cannot match are skipped unread. */
struct alog_reader_filter {
    struct alog_opt_i64 since_ns; /* timestamp >= */
    struct alog_opt_i64 until_ns; /* timestamp < */
    struct alog_string job_id;    /* absent = any */
    const char *const *events;    /* names, NULL-terminated; NULL = any */
    bool include_writer_events;   /* also writer_loss and writer_stats (which `events` may name as
                                     well) */
};

/*
 * Open one segment, sealed or not, for reading its events in file order. `filter` may be NULL (then
 * the writer's own events are included); it is copied. `damage` (may be NULL) is told of each
 * fault, during open and next. Errors: ALOG_NOT_FOUND, ALOG_IO, ALOG_CORRUPT (not a segment at
 * all), ALOG_UNSUPPORTED (newer format), ALOG_NO_MEMORY.
 */
ALOG_API ALOG_MUST_CHECK enum alog_status
alog_reader_open(const char *path, const struct alog_reader_filter *filter, alog_damage_fn *damage,
                 void *damage_context, struct alog_reader **ret_reader, struct alog_error *error);

/*
 * The next event; *ret_event is NULL at the end. The event is valid until the next call. In an
 * unsealed segment the end is the last whole block; call again later to go on when it has grown.
 * Errors: ALOG_IO, ALOG_NO_MEMORY. Damage is no error: it is reported and passed over.
 */
ALOG_API ALOG_MUST_CHECK enum alog_status alog_reader_next(struct alog_reader *reader,
                                                           const struct alog_event **ret_event,
                                                           struct alog_error *error);
ALOG_API void alog_reader_close(struct alog_reader *reader);

/* How many blocks the reader has come by so far, and how many of them it read: the others cannot
 * match the filter, by what their headers say. Of a sealed segment whose index shows that none can,
 * no block is looked at, and all count as come by. */
ALOG_API void alog_reader_blocks(const struct alog_reader *reader, uint64_t *ret_blocks,
                                 uint64_t *ret_read);

/* ---- Facts about a segment ------------------------------------------------------------------- */

struct alog_type_count {
    char name[ALOG_MAX_NAME_BYTES + 1]; /* "type 70" when no readable block names it */
    uint32_t type;
    uint64_t events;
};

struct alog_segment_info {
    uint8_t file_id[16];
    uint64_t writer_id;
    uint64_t number;
    char environment[ALOG_MAX_NAME_BYTES + 1];
    int64_t created_ns;
    uint16_t format_version;
    bool sealed;
    uint8_t predecessor_id[16]; /* all zero: the writer's first */
    uint64_t predecessor_last_sequence;
    uint64_t file_bytes;
    uint64_t blocks;
    uint64_t events;
    uint64_t first_sequence, last_sequence; /* 0, 0 when there are no events, and of an archive */
    int64_t min_timestamp_ns, max_timestamp_ns;
    uint64_t raw_bytes, compressed_bytes;
    uint64_t dropped;              /* cumulative at its last block: since the writer opened */
    uint64_t damages;              /* faults found (harmless ones not counted) */
    uint64_t archived_segments;    /* of an archive: the segments that it was made of; else 0. Its
                                      blocks tell writer, environment and sequence numbers */
    struct alog_type_count *types; /* by type id */
    size_t type_count;
};

/*
 * Facts of one segment. Fast (false `verify`): from the index of a sealed file, else from the block
 * headers. With `verify`, every byte is checked: headers, hashes, zstd checksums, every event
 * decoded, index and seek table against the blocks; each fault goes to `damage`. The caller frees
 * the info.
 */
ALOG_API ALOG_MUST_CHECK enum alog_status
alog_segment_inspect(const char *path, bool verify, alog_damage_fn *damage, void *damage_context,
                     struct alog_segment_info *ret_info, struct alog_error *error);
ALOG_API void alog_segment_info_free(struct alog_segment_info *info);

#ifdef __cplusplus
}
#endif

#endif
