/*
 * The recovery of dead writers, in parts:
 *
 *   recover.c         the public call: finds dead writers, by their locks
 *   recover_writer.c  one dead writer, from its lock to the removal of what it left
 *   recover_files.c   what lies in the log directory, by writer
 *   recover_past.c    what the log says of the writer: sequence, counters, ring marks, losses
 *   recover_rings.c   the rings: where they are, what of them can be read
 *   recover_drain.c   events of rings into blocks of a segment
 *   recover_check.c   reads a segment back before it gets its name
 *
 * The order of the steps on the disk is what makes a recovery repeatable at any instant:
 *
 *   1. each `.open` is copied to `.recovering`; the last one (or a new file) takes what the rings
 *      hold beyond the last ring marks; it is sealed, synced, read back, and gets its final name.
 *      Killed here: `.recovering` files are removed and made again. A `.open` whose final name
 *      exists is done; the marks in that file say that its rings are empty.
 *   2. {"finished": true} is appended to the control file.
 *      Killed before: as above. Killed after: only 3 is left.
 *   3. rings, then `.open` files, then the control file are removed. */
#ifndef AGENTLOG_WRITER_RECOVER_STATE_H
#define AGENTLOG_WRITER_RECOVER_STATE_H

#include <stdatomic.h>

#include <agentlog/recover.h>

#include "control_read.h"
#include "format/block.h"
#include "format/io.h"
#include "format/segment.h"
#include "ring.h"

/* ---- One run (recover.c) --------------------------------------------------------------------- */

/* So many writers are locked at a time, for one look at all the log's files. */
#define ALOG_RECOVER_BATCH 32

struct alog_recover_run {
    const struct alog_io *io;
    const char *log_dir;
    char *own_dir; /* LOGDIR/.writers */
    uid_t log_owner;
    struct alog_recover_options options;
    struct alog_recover_report report;
    const atomic_bool *stop; /* begin nothing more; may be NULL */
    char boot[64];           /* of this boot, "" = not known */
};

/* Tell the caller; PROBLEM is counted as one. */
ALOG_PRINTF(5, 6)
void alog_recover_tell(struct alog_recover_run *run, enum alog_recover_kind kind,
                       uint64_t writer_id, enum alog_status status, const char *format, ...);

/* As alog_recover; `stop` (may be NULL) may be set by another thread. */
enum alog_status alog_recover_until(const char *log_dir, const struct alog_recover_options *options,
                                    const atomic_bool *stop, struct alog_recover_report *ret_report,
                                    struct alog_error *error);

/* ---- Files (recover_files.c) ----------------------------------------------------------------- */

enum alog_log_file_kind {
    ALOG_FILE_SEALED = 0,
    ALOG_FILE_OPEN = 1,
    ALOG_FILE_RECOVERING = 2 /* a recovery was killed, or is at work */
};

struct alog_log_file {
    char *path;
    uint64_t writer_id, number;
    int64_t start_ns;
    enum alog_log_file_kind kind;
    /* For the recovery of its writer. */
    bool superseded; /* OPEN: its final name exists, and is the same segment finished */
    bool done;       /* OPEN: nothing of it is needed any more */
    bool damaged;    /* OPEN: … but it is kept under another name */
};

struct alog_log_files {
    struct alog_log_file *files; /* by writer, number, start, kind */
    size_t count;
};

/* Everything with a segment's name below `log_dir`. ALOG_NOT_FOUND, ALOG_IO, ALOG_NO_MEMORY. */
enum alog_status alog_log_files_list(const char *log_dir, struct alog_log_files *ret_files,
                                     struct alog_error *error);
void alog_log_files_free(struct alog_log_files *files);

/* The files of one writer, a part of the list. */
struct alog_log_files alog_log_files_of(const struct alog_log_files *files, uint64_t writer_id);

/* ---- Past (recover_past.c) ------------------------------------------------------------------- */

struct alog_past_loss {
    uint64_t ring_id;
    uint32_t type;
    uint64_t count;
};

/* What the log says of a writer. */
struct alog_past {
    uint64_t segments;      /* that it has at all */
    uint64_t last_number;   /* of its segments, 0 = none */
    uint8_t last_id[16];    /* file id of the last one with blocks, zeros = none */
    uint64_t last_sequence; /* that was given, 0 = none */
    uint64_t emitted, dropped;
    uint64_t drops[ALOG_MAX_TYPES];
    struct alog_ring_mark *marks; /* the furthest of each ring */
    size_t mark_count;
    struct alog_past_loss *losses; /* by ring and type, logged as ring_full; see read_losses */
    size_t loss_count;
    bool losses_known; /* every segment from the writer's first on is there */
    bool has_environment;
    char environment[ALOG_MAX_NAME_BYTES];
    size_t environment_len;
};

/*
 * Read the headers of the writer's latest segments, and all unsealed ones. ALOG_IO, ALOG_NO_MEMORY;
 * what is damaged tells nothing.
 */
enum alog_status alog_past_read(const struct alog_io *io, const struct alog_log_files *files,
                                struct alog_past *ret_past, struct alog_error *error);

/* Read all writer_loss events of the writer; `schema` has its types. */
enum alog_status alog_past_read_losses(const struct alog_io *io, const struct alog_log_files *files,
                                       const struct alog_schema *schema, struct alog_past *past,
                                       struct alog_error *error);
void alog_past_free(struct alog_past *past);

uint64_t alog_past_mark(const struct alog_past *past, uint64_t ring_id);
uint64_t alog_past_loss(const struct alog_past *past, uint64_t ring_id, uint32_t type);

/* ---- Rings (recover_rings.c) ----------------------------------------------------------------- */

enum alog_dead_ring_state {
    ALOG_DEAD_RING_GOOD = 0,
    ALOG_DEAD_RING_UNUSED = 1,      /* made, and never logged into */
    ALOG_DEAD_RING_GONE = 2,        /* no file */
    ALOG_DEAD_RING_OLD_BOOT = 3,    /* a file that may be torn */
    ALOG_DEAD_RING_BROKEN = 4,      /* its header cannot be */
    ALOG_DEAD_RING_ELSEWHERE = 5,   /* it may exist, where this process cannot look */
    ALOG_DEAD_RING_UNKNOWN_BOOT = 6 /* a file that may be torn, or may not */
};

struct alog_dead_ring {
    uint64_t id;
    char *path; /* NULL: no file was found */
    enum alog_dead_ring_state state;
    uint64_t file_bytes;
    /* GOOD, as its header says. */
    uint64_t capacity, tail, head;
    uint64_t lost_total, lost_at;
    uint64_t *lost; /* by type; NULL: none */
    uint64_t from;  /* what lies below is in the log */
    int error;      /* ELSEWHERE: why, an errno */
};

struct alog_dead_rings {
    struct alog_dead_ring *rings; /* by id */
    size_t count;
};

/*
 * The writer's rings, those that its control file names and those that lie where it made them.
 * `past` says how far each is in the log. ALOG_IO, ALOG_NO_MEMORY.
 */
enum alog_status alog_dead_rings_find(const struct alog_recover_run *run, uint64_t writer_id,
                                      const struct alog_control_facts *facts,
                                      const struct alog_past *past,
                                      struct alog_dead_rings *ret_rings, struct alog_error *error);
void alog_dead_rings_free(struct alog_dead_rings *rings);

/* What the header of a ring's open file says; `id`, `path` and `file_bytes` are given. ALOG_IO,
 * ALOG_NO_MEMORY. */
enum alog_status alog_dead_ring_examine(const struct alog_io *io, int fd, uint64_t writer_id,
                                        const struct alog_past *past, struct alog_dead_ring *ring,
                                        struct alog_error *error);

/*
 * Read a GOOD ring into memory of its own: header, and everything from `from` to `head`; freed with
 * free. ALOG_IO, ALOG_NO_MEMORY, ALOG_CORRUPT (it is not what it was).
 */
enum alog_status alog_dead_ring_load(const struct alog_io *io, const struct alog_dead_ring *ring,
                                     void **ret_memory, struct alog_error *error);

/* ---- Blocks (recover_drain.c) ---------------------------------------------------------------- */

struct alog_recover_drain {
    const struct alog_io *io;
    const struct alog_schema *schema;
    struct alog_past *past; /* goes on as blocks are written */
    struct alog_block_builder *builder;
    struct alog_block_compressor *compressor;
    struct alog_segment_writer *segment;
    struct alog_ring_mark *marks; /* of the block being filled */
    size_t mark_count, mark_capacity;
    uint64_t taken; /* in the block being filled, events of callers, */
    uint64_t own;   /* … and of the recovery itself */
    uint64_t recovered, written;
    uint64_t bytes_lost;
    uint64_t losses[2][ALOG_MAX_TYPES]; /* that were logged, by enum alog_recover_reason */
    struct alog_type_tally *drops;
    uint8_t *scratch;
    size_t scratch_bytes;
};

enum alog_recover_reason { ALOG_RECOVER_RING_FULL = 0, ALOG_RECOVER_UNREADABLE = 1 };
const char *alog_recover_reason_name(enum alog_recover_reason reason);

/* What is to be drained belongs to `segment`. ALOG_NO_MEMORY, ALOG_INVALID (compression level). */
enum alog_status alog_recover_drain_begin(struct alog_recover_drain *drain, uint64_t writer_id,
                                          struct alog_string environment, int compression_level);
void alog_recover_drain_free(struct alog_recover_drain *drain);

/* Take what a ring holds, and log what it lost. ALOG_IO, ALOG_NO_MEMORY. */
enum alog_status alog_recover_drain_ring(struct alog_recover_drain *drain,
                                         const struct alog_dead_ring *ring, void *memory,
                                         struct alog_error *error);

/* Losses that cannot be said of one ring. */
enum alog_status alog_recover_drain_loss(struct alog_recover_drain *drain, uint32_t type,
                                         uint64_t count, enum alog_recover_reason reason,
                                         struct alog_error *error);

/* Write the last block. */
enum alog_status alog_recover_drain_end(struct alog_recover_drain *drain, struct alog_error *error);

/* ---- Checking (recover_check.c) -------------------------------------------------------------- */

/*
 * Read a complete segment back, before it has its final name: every block's hash, and from
 * `new_from` on every event, decoded. ALOG_CORRUPT unless it is sealed and holds `blocks` blocks
 * and `new_events` events from there.
 */
enum alog_status alog_recover_check(const struct alog_io *io, const char *path, uint64_t new_from,
                                    uint64_t blocks, uint64_t new_events, struct alog_error *error);

/* ---- One writer (recover_writer.c) ----------------------------------------------------------- */

/* A dead writer: its control file is locked by us, or it has none. */
struct alog_dead_writer {
    uint64_t writer_id;
    int control_fd; /* -1: there is no control file, only unsealed segments */
    char *control_path;
};

/* Finish it. What cannot be done is told and counted; nothing is returned. */
void alog_recover_writer(struct alog_recover_run *run, const struct alog_dead_writer *writer,
                         const struct alog_log_files *files);

#endif
