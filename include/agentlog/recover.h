/*
 * agentlog recovery: finish what killed writers left behind.
 *
 * A writer that dies without closing (kill -9, a crash, the OOM killer, _exit) leaves an unsealed
 * segment, its rings with the events that the drain thread had not stored yet, and its control file
 * LOGDIR/.writers/<id>.writer. Recovery brings every event whose log call returned ALOG_OK into a
 * sealed segment, exactly once, each thread's in order, and removes what is then needed no more. A
 * new writer of the log does this in the background, `agentlog ingest` and `rebuild` do it first,
 * `agentlog recover` does it and says so.
 *
 * Caveats
 *   - A writer is dead when the kernel has dropped its lock on the control file. Its process id is
 *     never looked at. A child that the process forked does not keep the lock.
 *   - Everything is written to new files, which are read back and checked before they get their
 *     names; the originals stay until then. Kill a recovery at any instant, run it again: the log
 *     has the same events. Two at once: each dead writer is finished by one of them.
 *   - The disk must have room for a copy of each unsealed segment (segment_bytes at most, plus what
 *     the rings hold).
 *   - What a dead writer had counted as dropped for a full ring, and had not logged yet, is logged
 *     now as writer_loss. Refusals for other reasons that were not logged yet (at most a flush
 *     interval's) are known to nobody.
 *   - Rings in shared memory do not outlive the machine's boot. Rings in files do, but the end of a
 *     boot may have torn them page by page, so that old events could pass for new ones: those of an
 *     earlier boot are not read. Both count as `rings_lost`.
 *   - Rings that lie where this process cannot look (another container's /dev/shm, another user's
 *     files) keep the whole writer from being finished: nothing of it is touched, see `problems`.
 *   - Rings that a living process has mapped are left alone, and so is their writer: the control
 *     file is then a copy of that writer's.
 *   - Bytes in a segment or ring that cannot be what they claim cost only themselves: they are
 *     counted, and a damaged unsealed segment is kept beside the finished one as `<name>.damaged`.
 *   - Threads: any; calls do not share anything. The call may be long: it reads and writes files.
 */
#ifndef AGENTLOG_RECOVER_H
#define AGENTLOG_RECOVER_H

#include <agentlog/agentlog.h>

#ifdef __cplusplus
extern "C" {
#endif

struct alog_io;

enum alog_recover_kind {
    ALOG_RECOVER_DONE = 1,   /* a writer was finished */
    ALOG_RECOVER_LOST = 2,   /* … but something of it is lost */
    ALOG_RECOVER_PROBLEM = 3 /* something was left as it is; another recovery tries again */
};

/* What happened, for people. Valid during the call. */
struct alog_recover_note {
    enum alog_recover_kind kind;
    uint64_t writer_id;
    enum alog_status status; /* PROBLEM: why; else ALOG_OK */
    const char *message;     /* a sentence without a full stop */
};
typedef void alog_recover_tell_fn(void *context, const struct alog_recover_note *note);

/* Options. Start from ALOG_RECOVER_OPTIONS_INIT (zeros and the size): 0 means the default. */
struct alog_recover_options {
    size_t struct_bytes;
    alog_recover_tell_fn *tell; /* may be NULL */
    void *context;
    bool give_up_rings;       /* take rings that cannot be looked at for lost */
    int compression_level;    /* zstd level of the new blocks, -7..19; default 1 */
    const struct alog_io *io; /* system calls and clock; default the real ones; for tests */
};
#define ALOG_RECOVER_OPTIONS_INIT                                                                  \
    { .struct_bytes = sizeof(struct alog_recover_options) }

/* Events of one type that are lost for one reason; each is in the log as writer_loss. */
struct alog_recover_loss {
    char event[ALOG_MAX_NAME_BYTES + 1];
    const char *reason; /* "ring_full", "unreadable"; static */
    uint64_t count;
};

struct alog_recover_report {
    uint64_t writers_alive;     /* that live, or that another recovery is at */
    uint64_t writers_unknown;   /* of other users: this process may not even look */
    uint64_t writers_dead;      /* that were found dead, */
    uint64_t writers_finished;  /* … and of them, those of which nothing is left to do */
    uint64_t segments_finished; /* sealed now */
    uint64_t segments_damaged;  /* of them, those with damage before their end */
    uint64_t missing_events;    /* sequence numbers that the damage cost */
    uint64_t events_recovered;  /* out of rings */
    uint64_t events_lost;       /* the sum of `losses` */
    uint64_t rings_removed;
    uint64_t rings_lost; /* used, and then gone, of an earlier boot, or not readable: how many
                            events they held is not known */
    uint64_t bytes_lost; /* of rings, that were no records */
    uint64_t problems;   /* what was left as it is */
    struct alog_recover_loss *losses;
    size_t loss_count;
};

/*
 * Finish every dead writer of `log_dir`. `options` and `ret_report` may be NULL; a report is freed
 * with alog_recover_report_free. ALOG_OK also when there was nothing to do, or something was left
 * as it is (`problems` says so). ALOG_NOT_FOUND: no such directory; ALOG_INVALID (an option;
 * everybody may write to the directory, or a symbolic link is in place of one of its own);
 * ALOG_IO, ALOG_NO_MEMORY: the log could not be looked at.
 */
ALOG_API ALOG_MUST_CHECK enum alog_status alog_recover(const char *log_dir,
                                                       const struct alog_recover_options *options,
                                                       struct alog_recover_report *ret_report,
                                                       struct alog_error *error);
ALOG_API void alog_recover_report_free(struct alog_recover_report *report);

struct alog_salvage_report {
    char path[4096];        /* of the new segment */
    uint64_t faults;        /* that were found in the damaged one */
    uint64_t events;        /* in the new one */
    uint64_t missing;       /* sequence numbers that it should have, as far as that is known */
    uint64_t damaged_bytes; /* between blocks, which are left out */
    bool header_rebuilt;    /* the file header was damaged */
};

/*
 * Save what is good in a damaged segment, sealed or not, whose writer is gone: a new segment of the
 * same name and file id in `to_dir` (a log directory, made if absent), in which damage is a hole
 * that says what is missing. It is synced, and every byte of it checked, before the call returns;
 * `path` itself is only read. `path` must be called like a segment; `.open` or `.damaged` may
 * follow. Put in the place of the damaged one, it goes on counting once in a database that was at
 * it before.
 *
 * ALOG_NOT_FOUND (no such file), ALOG_EXISTS (`to_dir` has such a segment), ALOG_LOCKED (a writer
 * is at it), ALOG_CORRUPT (nothing in it can be saved), ALOG_UNSUPPORTED (an archive, or a newer
 * format), ALOG_INVALID (not a segment's name; everybody may write to `to_dir`), ALOG_IO,
 * ALOG_NO_MEMORY. Cost: reads the file five times, writes it twice.
 */
ALOG_API ALOG_MUST_CHECK enum alog_status alog_salvage(const char *path, const char *to_dir,
                                                       struct alog_salvage_report *ret_report,
                                                       struct alog_error *error);

#ifdef __cplusplus
}
#endif

#endif
