/* Saving what is good in a damaged segment: a copy of it, taken over as that of a dead writer. */
#include <agentlog/reader.h>
#include <agentlog/recover.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "format/archive_source.h"
#include "format/error.h"
#include "format/segment_scan.h"
#include "format/segment_writing.h"
#include "format/trust.h"

#define SEGMENT_SUFFIX ".msgpack.zst"
#define COPY_BYTES     65536

struct salvage {
    const struct alog_io *io;
    const char *path;
    int fd;               /* of it */
    char day[PATH_MAX];   /* the directory of the new segment */
    char final[PATH_MAX]; /* its path, */
    char open[PATH_MAX];  /* … and while it is made */
    char environment[ALOG_MAX_NAME_BYTES + 1];
    struct alog_segment_remains remains;
    uint64_t faults;        /* of it */
    uint64_t last_sequence; /* that it should have, as far as that is known */
    struct alog_error *error;
};

static enum alog_status failed(const struct salvage *salvage, int result, const char *what,
                               const char *path) {
    return alog_segment_io_failed(salvage->error, result, what, path);
}

/* ---- What it is, and where it goes ----------------------------------------------------------- */

static enum alog_status name_it(struct salvage *salvage, const char *to_dir) {
    const char *slash = strrchr(salvage->path, '/');
    const char *name = slash != NULL ? slash + 1 : salvage->path;
    const char *suffix = strstr(name, SEGMENT_SUFFIX);
    char own[ALOG_SEGMENT_NAME_BYTES];
    int64_t start_ns;
    uint64_t writer_id, number;
    bool open;
    const size_t len = suffix != NULL ? (size_t)(suffix - name) + strlen(SEGMENT_SUFFIX) : 0;
    if (len == 0 || len >= sizeof own) {
        return alog_fail(salvage->error, ALOG_INVALID, 0, -1, "%.256s is not called like a segment",
                         salvage->path);
    }
    memcpy(own, name, len);
    own[len] = '\0';
    if (!alog_segment_name_parse(own, &start_ns, &writer_id, &number, &open)) {
        return alog_fail(salvage->error, ALOG_INVALID, 0, -1, "%.256s is not called like a segment",
                         salvage->path);
    }
    if (writer_id == ALOG_ARCHIVE_WRITER_ID) {
        return alog_fail(salvage->error, ALOG_UNSUPPORTED, 0, -1,
                         "%.256s is an archive file: its good blocks are read where they are, and "
                         "what is missing is in its segments alone",
                         salvage->path);
    }
    const int fits = snprintf(salvage->open, sizeof salvage->open, "%s/%.4s-%.2s-%.2s/%s.open",
                              to_dir, own, own + 4, own + 6, own);
    if (fits < 0 || (size_t)fits >= sizeof salvage->open) {
        return failed(salvage, -ENAMETOOLONG, "create", to_dir);
    }
    snprintf(salvage->final, sizeof salvage->final, "%s", salvage->open);
    salvage->final[(size_t)fits - strlen(".open")] = '\0';
    alog_segment_directory(salvage->open, salvage->day);
    return ALOG_OK;
}

static enum alog_status open_it(struct salvage *salvage) {
    struct stat facts;
    salvage->fd = salvage->io->open(salvage->io->context, salvage->path,
                                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (salvage->fd < 0) {
        return salvage->fd == -ENOENT ? alog_fail(salvage->error, ALOG_NOT_FOUND, ENOENT, -1,
                                                  "there is no segment %.256s", salvage->path)
                                      : failed(salvage, salvage->fd, "open", salvage->path);
    }
    int result = salvage->io->fstat(salvage->io->context, salvage->fd, &facts);
    if (result < 0 || !S_ISREG(facts.st_mode)) {
        return failed(salvage, result < 0 ? result : -EINVAL, "read", salvage->path);
    }
    if (salvage->io->lock(salvage->io->context, salvage->fd) == -EWOULDBLOCK) {
        return alog_fail(salvage->error, ALOG_LOCKED, 0, -1, "%.256s is being written",
                         salvage->path);
    }
    return ALOG_OK;
}

/* The blocks know it as well as the header, which may be damaged. */
static enum alog_status find_environment(struct salvage *salvage) {
    struct alog_segment_scan *scan;
    struct alog_block block = {0};
    const struct alog_block_header *header = NULL;
    enum alog_status status =
        alog_segment_scan_open(salvage->io, salvage->path, NULL, NULL, &scan, salvage->error);
    if (status != ALOG_OK) {
        return status;
    }
    do {
        status = alog_segment_scan_next(scan, &header, salvage->error);
        if (status == ALOG_OK && header != NULL &&
            alog_segment_scan_open_block(scan, &block, NULL) == ALOG_OK) {
            snprintf(salvage->environment, sizeof salvage->environment, "%.*s",
                     (int)block.environment.len, block.environment.data);
        }
    } while (status == ALOG_OK && header != NULL && salvage->environment[0] == '\0');
    alog_block_close(&block);
    alog_segment_scan_close(scan);
    return status;
}

static void count_fault(void *context, const struct alog_damage *damage) {
    struct salvage *salvage = context;
    salvage->faults += !damage->harmless;
    if (damage->last_sequence > salvage->last_sequence) {
        salvage->last_sequence = damage->last_sequence;
    }
}

/* What is wrong with it; its index, if that is good, knows the end of what it should hold. */
static enum alog_status look_through(struct salvage *salvage) {
    struct alog_segment_info info;
    enum alog_status status =
        alog_segment_inspect(salvage->path, true, count_fault, salvage, &info, salvage->error);
    if (status != ALOG_OK) {
        return status;
    }
    if (info.last_sequence > salvage->last_sequence) {
        salvage->last_sequence = info.last_sequence;
    }
    alog_segment_info_free(&info);
    return ALOG_OK;
}

/* ---- The new segment ------------------------------------------------------------------------- */

static bool is_there(const struct salvage *salvage, const char *path) {
    const int fd = salvage->io->open(salvage->io->context, path, O_PATH | O_NOFOLLOW, 0);
    if (fd >= 0) {
        salvage->io->close(salvage->io->context, fd);
    }
    return fd >= 0;
}

static enum alog_status copy_bytes(struct salvage *salvage, int to) {
    uint8_t bytes[COPY_BYTES];
    for (uint64_t at = 0;;) {
        const int64_t got = alog_io_read_full(salvage->io, salvage->fd, bytes, sizeof bytes, at);
        if (got <= 0) {
            return got == 0 ? ALOG_OK : failed(salvage, (int)got, "read", salvage->path);
        }
        struct iovec part = {bytes, (size_t)got};
        const int result = alog_io_write_all(salvage->io, to, &part, 1, at);
        if (result < 0) {
            return failed(salvage, result, "write", salvage->open);
        }
        at += (uint64_t)got;
    }
}

static enum alog_status copy(struct salvage *salvage, const char *to_dir) {
    const struct alog_io *io = salvage->io;
    const int result = alog_io_make_dirs(io, salvage->day, ALOG_DIRECTORY_MODE);
    if (result < 0) {
        return failed(salvage, result, "create", salvage->day);
    }
    enum alog_status status = alog_trust_log_dir(io, to_dir, NULL, salvage->error);
    if (status != ALOG_OK) {
        return status;
    }
    if (is_there(salvage, salvage->final)) {
        return alog_fail(salvage->error, ALOG_EXISTS, 0, -1,
                         "%.256s is there already: name another directory", salvage->final);
    }
    const int to = io->open(io->context, salvage->open, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
                            ALOG_FILE_MODE);
    if (to < 0) {
        return to == -EEXIST
                   ? alog_fail(salvage->error, ALOG_EXISTS, 0, -1,
                               "%.256s is there already: name another directory", salvage->open)
                   : failed(salvage, to, "create", salvage->open);
    }
    status = copy_bytes(salvage, to);
    io->close(io->context, to);
    if (status != ALOG_OK) {
        io->unlink(io->context, salvage->open);
    }
    return status;
}

static enum alog_status finish(struct salvage *salvage) {
    const struct alog_file_header fallback = {.environment = alog_str(salvage->environment)};
    struct alog_segment_writer *segment;
    enum alog_status status = alog_segment_rebuild(salvage->io, salvage->open, true, &fallback,
                                                   &segment, &salvage->remains, salvage->error);
    if (status == ALOG_OK) {
        status = alog_segment_complete(segment, true, salvage->error);
        if (status == ALOG_OK) {
            status = alog_segment_publish(segment, true, salvage->error);
        } else {
            alog_segment_discard(segment);
        }
    }
    salvage->io->unlink(salvage->io->context, salvage->open);
    (void)alog_io_sync_dir(salvage->io, salvage->day);
    return status == ALOG_NOT_FOUND ? alog_fail(salvage->error, ALOG_CORRUPT, 0, -1,
                                                "%.256s holds no block", salvage->path)
                                    : status;
}

static void note_fault(void *context, const struct alog_damage *damage) {
    struct alog_error *fault = context;
    if (!damage->harmless && damage->kind != ALOG_DAMAGE_GAP && fault->status == ALOG_OK) {
        alog_fail(fault, ALOG_CORRUPT, 0, (int64_t)damage->offset, "%s", damage->message);
    }
}

/* Missing events are no fault of it: they were missing before. */
static enum alog_status check(struct salvage *salvage, uint64_t *ret_events) {
    struct alog_segment_info info;
    struct alog_error fault = {.status = ALOG_OK};
    enum alog_status status =
        alog_segment_inspect(salvage->final, true, note_fault, &fault, &info, salvage->error);
    if (status != ALOG_OK) {
        return status;
    }
    *ret_events = info.events;
    if (salvage->last_sequence > info.last_sequence) {
        salvage->remains.missing_events += salvage->last_sequence - info.last_sequence;
    }
    alog_segment_info_free(&info);
    return fault.status == ALOG_OK
               ? ALOG_OK
               : alog_fail(salvage->error, ALOG_CORRUPT, 0, fault.offset,
                           "%.256s, just written, is damaged: %s", salvage->final, fault.message);
}

enum alog_status alog_salvage(const char *path, const char *to_dir,
                              struct alog_salvage_report *ret_report, struct alog_error *error) {
    struct salvage salvage = {.io = alog_io_system(), .path = path, .fd = -1, .error = error};
    uint64_t events = 0;
    enum alog_status status = name_it(&salvage, to_dir);
    if (status == ALOG_OK) {
        status = open_it(&salvage);
    }
    if (status == ALOG_OK) {
        status = find_environment(&salvage);
    }
    if (status == ALOG_OK) {
        status = look_through(&salvage);
    }
    if (status == ALOG_OK) {
        status = copy(&salvage, to_dir);
    }
    if (status == ALOG_OK) {
        status = finish(&salvage);
    }
    if (status == ALOG_OK) {
        status = check(&salvage, &events);
    }
    if (salvage.fd >= 0) {
        salvage.io->close(salvage.io->context, salvage.fd);
    }
    if (status == ALOG_OK && ret_report != NULL) {
        *ret_report = (struct alog_salvage_report){
            .faults = salvage.faults,
            .events = events,
            .missing = salvage.remains.missing_events,
            .damaged_bytes = salvage.remains.hole_bytes,
            .header_rebuilt = salvage.remains.header_rebuilt,
        };
        snprintf(ret_report->path, sizeof ret_report->path, "%s", salvage.final);
    }
    return status;
}
