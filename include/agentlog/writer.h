/*
 * agentlog writer: log events from any thread of an agent's process.
 *
 *     struct alog_writer *writer;
 *     struct alog_writer_options options = ALOG_WRITER_OPTIONS_INIT;
 *     if (alog_writer_open("/var/log/agents", &options, &writer, NULL) != ALOG_OK) { … }
 *     alog_job_begin(writer, &(struct alog_job_start){.job_id = ALOG_STR("job-1")});
 *     alog_log_agent_execution(
 *         writer, &(struct alog_agent_execution){.agent_name = ALOG_STR("fixer"),
 *                                                .success = true,
 *                                                .confidence = ALOG_F64(0.9)});
 *     alog_job_finish(writer, &(struct alog_job_end){.status = ALOG_JOB_STATUS_SUCCESS});
 *     alog_writer_close(writer, NULL);
 *
 * Caveats, before the first symbol
 *   - Threads: every call may be made from any thread. Each thread gets a ring of its own at its
 *     first event (that call maps memory and takes a lock; later ones do neither); it is drained
 *     and used again after the thread ends. `alog_writer_close` may run while others log: their
 *     calls return ALOG_CLOSED. After `close` has returned the handle must not be used again.
 *   - Blocking: an `alog_log_…` call never blocks, allocates, makes a system call (past the
 *     thread's first) or formats text, unless `full_wait_ns` asks it to wait for room.
 *   - Loss is never silent: an event that finds its ring full is counted by type, and `writer_loss`
 *     events in the log say how many of which type were lost. At every moment emitted = stored +
 *     dropped + in flight.
 *   - Processes: many writers share one log directory without talking to each other.
 *   - Death: what a log call accepted (ALOG_OK) outlives the process, however it ends: kill -9, a
 *     crash, _exit without close. It lies in the rings until a block of it is in the file; the next
 *     writer of the log (in a background thread, unless `no_recovery`), `agentlog ingest` or
 *     `agentlog recover` brings it into the log, exactly once. It does not outlive the machine:
 * what is not synced yet (see `sync`) may be gone after a power cut.
 *   - fork: the parent's events appear once, and the child's copy of the handle becomes a writer of
 *     its own at the child's first event (that call costs what open does; when no writer can be
 * had, events are dropped, counted, and it is tried again every 100 ms). Options, user-defined
 * types and the forking thread's job scope are kept; stats, flush and close are about the child's
 * own events. The child keeps nothing of its parent's files and rings; memory of the parent's drain
 *     thread, a few block_bytes, stays behind in it. A child that _exits or execs needs no close if
 *     it logged nothing. A copy that was made without fork's handlers (_Fork, clone) must not log.
 *   - Signal handlers may log. What interrupts a log call of its own thread is dropped and counted.
 *     A thread's first event, and the first after fork, takes locks and memory: from a handler only
 *     if what it interrupts was neither allocating nor in a call of this library.
 *   - Failures: whatever system call fails, log calls return, and the writer goes on when the fault
 *     is gone. A segment whose sync failed is made anew from what was written to it, so nothing is
 *     lost unless the kernel lost it; that is counted as dropped after all (`sync_failed`), and
 *     `stored` goes back by it. Directories that are removed are made anew within 200 ms, and the
 *     unsealed segment with them; sealed ones that were removed are gone. Rings whose directory
 * fails lie in LOGDIR/.writers (`ring_fallbacks`); what a removed ring file held would not survive
 * a kill.
 *   - No writer: with NULL for the writer, every call here returns ALOG_CLOSED (alog_job_begin and
 *     alog_job_finish ALOG_INVALID), so a program may go on without a log after a failed open. A
 * NULL event is the caller's fault.
 *   - Refusals: a typed call that returns ALOG_INVALID (a required field is absent, a number out of
 *     its range) gives no reason; alog_log_event gives it. Both are counted, `refused` in the
 * stats.
 *   - Order: events of one thread stay in order. Between threads the timestamps tell.
 *   - Time: a timestamp is CLOCK_REALTIME to within a few microseconds (1 ms while the kernel
 *     corrects its clock), read from the processor's counter where the kernel trusts it. A clock
 *     that is set is followed within about 25 ms (longer while the disk keeps the drain thread
 *     waiting, at most about 1 s); a thread's timestamps go back only if it was set back by more
 *     than 1 ms.
 *   - Memory: per thread `ring_bytes` + 12 KiB (and 8 KiB once it lost something); rings are used
 *     again, so that it is the threads at once that count. Per writer 128 KiB of counters and one
 *     block, three from the first rush on, each at most about 4 x `block_bytes` + the zstd context
 *     (level 1: 1 MiB) + 90 bytes per different string in it. Measured in bench_writer: beside the
 *     rings 2 MiB with one block, 5 MiB with three, all defaults. The index of the segment being
 *     written is beside that: about 200 bytes a block (24 KiB at the default sizes; more where
 *     every event is flushed), until the segment is sealed.
 */
#ifndef AGENTLOG_WRITER_H
#define AGENTLOG_WRITER_H

#include <agentlog/agentlog.h>

#ifdef __cplusplus
extern "C" {
#endif

struct alog_writer;
struct alog_io;

/*
 * What an event may carry beside its fields. Every member may be left out (zero). Put a pointer to
 * it in the event's `context`; it is read during the call only.
 */
struct alog_context {
    struct alog_opt_i64 timestamp_ns; /* absent = now; >= 0 */
    struct alog_string
        job_id; /* absent = that of the thread's innermost job scope, if any; <= 255 bytes */
    struct alog_string
        event_id; /* absent = writer id and sequence number; given on import; <= 255 bytes */
    struct alog_string environment;          /* absent = the writer's; <= 255 bytes */
    const struct alog_attribute *attributes; /* further scalars; costs per attribute */
    size_t attribute_count;                  /* <= ALOG_MAX_ATTRIBUTES */
};

#ifdef __cplusplus
}
#endif

/* struct alog_<event> (for `error`: struct alog_error_event) and alog_log_<event>() for each type
 * of the catalogue, generated from it. */
#include <agentlog/events.h>

#ifdef __cplusplus
extern "C" {
#endif

enum alog_sync {
    ALOG_SYNC_NONE = 1, /* leave it to the kernel */
    ALOG_SYNC_INTERVAL =
        2,              /* fdatasync at most sync_interval_ms after a block was written (default) */
    ALOG_SYNC_BLOCK = 3 /* after every block */
};

/*
 * Options. Start from ALOG_WRITER_OPTIONS_INIT (zeros and the size): 0 or absent always means the
 * default. A value out of bounds is ALOG_INVALID and the error names the member.
 */
struct alog_writer_options {
    size_t struct_bytes; /* sizeof of the caller's struct: lets the struct grow */
    struct alog_string
        environment;            /* `production`, `test`, …; default "production"; 1..255 bytes */
    uint64_t ring_bytes;        /* per thread; power of two, 64 KiB..1 GiB; default 1 MiB */
    uint64_t max_event_bytes;   /* largest event, msgpack; 1 KiB..16 MiB and <= ring_bytes / 4;
                                   default ring_bytes / 4 */
    uint64_t block_bytes;       /* msgpack per block; 16 KiB..8 MiB; default 512 KiB */
    uint64_t segment_bytes;     /* rotate at this file size; 64 KiB..4 GiB; default 64 MiB */
    uint64_t segment_age_ms;    /* rotate at this age; 100 ms..1 day; default 1 hour; midnight UTC
                                   always rotates */
    uint64_t flush_interval_ms; /* an event is in the file after at most this; 1 ms..1 hour; default
                                   1000 */
    uint64_t sync_interval_ms;  /* for ALOG_SYNC_INTERVAL; 1 ms..1 hour; default 1000 */
    enum alog_sync sync;        /* default ALOG_SYNC_INTERVAL */
    uint64_t full_wait_ns; /* wait at most this for room in a full ring; default 0 = drop at once */
    uint64_t stats_interval_ms; /* between writer_stats events while something is logged; default
                                   60000 */
    int compression_level;      /* zstd level, -7..19; default 1 */
    const char
        *ring_dir; /* directory for the rings; default: a tmpfs, else inside the log directory */
    const struct alog_io *io; /* system calls and clock; default the real ones; for tests */
    bool no_recovery; /* leave alone what killed writers of this log left, see agentlog/recover.h;
                         default: a thread of a new writer finishes it, and ends. `close` waits for
                         the dead writer that it is at: a segment may have to be copied */
    uint32_t drain_threads; /* threads that empty the rings, 1..2; default 2: the second compresses
                               what the first has taken. It is made at the first rush, when a block
                               is full long before the flush interval is over. Without a thread or
                               memory for it, the first compresses too, as with 1 */
};
#define ALOG_WRITER_OPTIONS_INIT                                                                   \
    { .struct_bytes = sizeof(struct alog_writer_options) }

/*
 * Open a writer on `log_dir` (created if absent, with its missing parents). `options` may be NULL
 * for the defaults. Starts one drain thread. On success the caller owns *ret_writer and ends it
 * with alog_writer_close. Errors: ALOG_INVALID (an option; a directory that everybody may write to;
 * a symbolic link in place of LOGDIR/.writers), ALOG_IO, ALOG_READ_ONLY, ALOG_NO_MEMORY. Files are
 * made 0640, directories 0770, rings 0600, less the umask. Cost: milliseconds.
 */
ALOG_API ALOG_MUST_CHECK enum alog_status
alog_writer_open(const char *log_dir, const struct alog_writer_options *options,
                 struct alog_writer **ret_writer, struct alog_error *error);

/*
 * Log one event in its general form, for importers and bindings; the typed calls are faster. The
 * type is looked up by `event->name` in the catalogue, then among the user-defined ones (an unknown
 * name is defined without fields; its values must then come as attributes). `writer_id` and
 * `sequence` are ignored. Results: as the typed calls, and ALOG_INVALID with the reason in `error`
 * (a required field is absent, a value of the wrong kind or out of range), ALOG_LIMIT (too many
 * user-defined types).
 */
ALOG_API enum alog_status alog_log_event(struct alog_writer *writer, const struct alog_event *event,
                                         struct alog_error *error);

/* ---- User-defined events --------------------------------------------------------------------- */

/*
 * Define an event type of the application's own: `name` (1..255 bytes, not one of the catalogue's),
 * and up to ALOG_MAX_FIELDS fields (name, kind, required; ENUM is not available). Everything is
 * copied. The same name with the same fields gives the same id again; with other fields
 * ALOG_EXISTS. Takes a lock; do it once at start.
 */
ALOG_API ALOG_MUST_CHECK enum alog_status alog_event_define(struct alog_writer *writer,
                                                            struct alog_string name,
                                                            const struct alog_field *fields,
                                                            size_t field_count, uint32_t *ret_type,
                                                            struct alog_error *error);

/*
 * Log a user-defined event: `values` in the order of its fields; fewer = the rest is absent.
 * `context` may be NULL. Results: ALOG_OK, ALOG_DROPPED, ALOG_TOO_BIG, ALOG_CLOSED, ALOG_INVALID
 * (unknown type, wrong kind, required absent).
 */
ALOG_API enum alog_status alog_log_user(struct alog_writer *writer, uint32_t type,
                                        const struct alog_value *values, size_t value_count,
                                        const struct alog_context *context);

/* ---- Job scope ------------------------------------------------------------------------------- */

/*
 * Begin a job: log job_start and open a scope on this thread; every event that the thread logs
 * until the matching alog_job_finish carries the job's id. Scopes nest. Returns the log call's
 * result; the scope is opened even when the event itself was dropped. ALOG_INVALID without a job_id
 * (1..255 bytes); ALOG_LIMIT at 64 nested scopes. The scope is the thread's: events to other
 * writers carry the job's id as well.
 */
ALOG_API enum alog_status alog_job_begin(struct alog_writer *writer,
                                         const struct alog_job_start *event);

/*
 * End the innermost job of this thread: log job_end with its id (event->job_id may be left out) and
 * close the scope. ALOG_INVALID, and nothing changes, when the innermost scope is not one that
 * alog_job_begin opened with this writer, for another job's id, and without a status.
 */
ALOG_API enum alog_status alog_job_finish(struct alog_writer *writer,
                                          const struct alog_job_end *event);

/* A job scope taken along to another thread. Plain data: copy it freely; it holds no resource. */
struct alog_job_scope {
    uint32_t job_id_len;
    char job_id[ALOG_MAX_NAME_BYTES + 1];
};

/* The innermost scope of this thread; job_id_len 0 if there is none. */
ALOG_API struct alog_job_scope alog_job_capture(void);

/*
 * Open that scope on this thread (no event is logged); one that was captured where there was no job
 * means none here. ALOG_LIMIT at 64 nested scopes.
 */
ALOG_API enum alog_status alog_job_attach(const struct alog_job_scope *scope);

/*
 * Close the innermost scope of this thread without logging anything: what belongs to an attach, and
 * the way out of a job whose writer is gone. ALOG_INVALID when there is none.
 */
ALOG_API enum alog_status alog_job_detach(void);

/* ---- Flush, stats, close --------------------------------------------------------------------- */

/*
 * Wait until everything that this call's caller saw logged before is in the file (and synced,
 * unless ALOG_SYNC_NONE), at most timeout_ms. ALOG_OK, or ALOG_IO when the disk refuses (the events
 * stay in memory or are counted as dropped), ALOG_DROPPED at the time-out, ALOG_CLOSED. Blocks; not
 * for the hot path.
 */
ALOG_API enum alog_status alog_writer_flush(struct alog_writer *writer, uint64_t timeout_ms,
                                            struct alog_error *error);

#define ALOG_LAST_ERROR_BYTES 160

/* Counters since open; each is exact at some moment during the call, and emitted = stored + dropped
 * + in_flight. */
struct alog_writer_stats {
    size_t struct_bytes;     /* set by the caller */
    uint64_t emitted;        /* log calls that were not refused as invalid or closed */
    uint64_t stored;         /* of them, in a segment file */
    uint64_t dropped;        /* of them, lost and counted */
    uint64_t in_flight;      /* of them, still in a ring or in the open block */
    uint64_t raw_bytes;      /* msgpack bytes of the blocks written */
    uint64_t segment_bytes;  /* of segment files, index and seek table included once it is sealed */
    uint64_t segments;       /* segment files begun */
    uint64_t rings;          /* rings in use or waiting to be used again */
    uint64_t ring_bytes;     /* memory that they take */
    uint64_t io_errors;      /* system calls that failed */
    int last_errno;          /* of the latest failure, 0 if none */
    uint64_t writer_id;      /* as in the segments' names */
    uint64_t recovered;      /* events of killed writers of this log that came into it since open */
    uint64_t refused;        /* log calls that returned ALOG_INVALID; not in `emitted` */
    uint64_t ring_fallbacks; /* rings that lie in LOGDIR/.writers because their directory refused */
    char last_error[ALOG_LAST_ERROR_BYTES]; /* the latest failure in words, cut; "" if none */
};
ALOG_API enum alog_status alog_writer_get_stats(struct alog_writer *writer,
                                                struct alog_writer_stats *ret_stats);

/*
 * Drain every ring, seal the segment, stop the drain thread, free the handle. NULL is fine. Returns
 * ALOG_OK when every event that was accepted is in sealed segments, otherwise the first failure,
 * with what was lost in `error`.
 */
ALOG_API enum alog_status alog_writer_close(struct alog_writer *writer, struct alog_error *error);

#ifdef __cplusplus
}
#endif

#endif
