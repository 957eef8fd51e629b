/* What the parts of the writer share: the handle behind `struct alog_writer`. */
#ifndef AGENTLOG_WRITER_WRITER_STATE_H
#define AGENTLOG_WRITER_WRITER_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include <agentlog/writer.h>

#include "clock.h"
#include "control_file.h"
#include "format/io.h"
#include "format/schema.h"
#include "held_files.h"
#include "losses.h"
#include "ring_set.h"

struct alog_background;
struct alog_drain;

/* Counters that the drain thread alone writes; anybody reads them, relaxed: each stands alone. */
struct alog_writer_counters {
    _Atomic uint64_t stored; /* events of callers in segment files */
    _Atomic uint64_t raw_bytes;
    _Atomic uint64_t segment_bytes;
    _Atomic uint64_t segments;
    _Atomic uint64_t unreadable; /* published, then counted as lost */
};

/*
 * Lifetime: one reference is the owner's, from open to close; each thread that has a slot holds
 * another, so that a log call which finds the writer closed still has something to look at. Rings
 * and drain go at close, the rest with the last reference.
 */
struct alog_writer {
    struct alog_clock clock;

    /* Set before open returns, then only read; in a child of fork once more, at its first event. */
    const struct alog_io *io; /* held_files.h's, over options.io */
    struct alog_held_files files;
    struct alog_writer_options options;
    uint64_t writer_id;
    char *log_dir; /* absolute: the process may change its directory */
    char *own_dir; /* LOGDIR/.writers */
    struct alog_schema *schema;
    bool asymmetric; /* membarrier works: log calls need no fence of their own */

    _Atomic uint32_t references;
    struct alog_losses losses;
    struct alog_writer_counters counters;
    _Atomic uint64_t io_errors;
    _Atomic int last_errno;
    _Atomic uint64_t refused;        /* log calls that returned ALOG_INVALID */
    _Atomic uint64_t ring_fallbacks; /* rings that the first directory did not take */

    /* The mutex guards what follows; nobody holds it over a system call on a file. */
    pthread_mutex_t mutex;
    pthread_cond_t wake; /* the drain thread sleeps on it */
    pthread_cond_t done; /* flush waits on it */
    struct alog_ring_set rings;
    bool closing; /* no new slots; log calls return ALOG_CLOSED */
    bool finish;  /* every log call is over: the drain thread empties the rings and ends */
    uint64_t flush_wanted, flush_done;
    enum alog_status flush_status;
    char last_error[ALOG_LAST_ERROR_BYTES]; /* the latest failure in words; "" = none */

    pthread_mutex_t define_mutex; /* serialises definitions; taken before the control file's */
    struct alog_control_file control;

    pthread_t thread;
    struct alog_drain *drain;

    struct alog_background *background; /* NULL: no dead writers were there, or it was not wanted */
    _Atomic uint64_t recovered;         /* events that it brought into the log */

    /* In a child of fork, until its first event makes it a writer of its own; see writer_fork.h.
     * Changes under both mutexes. */
    _Atomic bool forked;
    bool untouched; /* nothing was counted here yet: the counters are the parent's */
    uint32_t forks; /* between this process's copy and the one that was opened */
    struct alog_ring_slot *inherited; /* the parent's, unmapped */

    struct alog_writer *process_next, *process_previous; /* the process's list */
};

/* Count a failed system call: `result` is its -errno. */
void alog_writer_note_failure(struct alog_writer *writer, int result);

/* … and say what it was. Not under the writer's mutex. */
void alog_writer_note_error(struct alog_writer *writer, const struct alog_error *error);

/* Count a log call that is refused, out of the way of those that are not; NULL is fine. Returns
 * ALOG_INVALID. */
enum alog_status alog_writer_refuse(struct alog_writer *writer);

/*
 * What open and a child's first event have in common: an id, the directories, a control file with
 * the user-defined types, a drain thread. The handle is left as it was on failure. Under the
 * define_mutex.
 */
enum alog_status alog_writer_start(struct alog_writer *writer, struct alog_error *error);

void alog_writer_retain(struct alog_writer *writer);
void alog_writer_release(struct alog_writer *writer);

#endif
