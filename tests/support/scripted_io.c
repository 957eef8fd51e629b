/* The system's io with time, randomness and failures that a test decides. */
#include "scripted_io.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* 2026-02-04T12:00:00.123456789Z */
#define START_NS INT64_C(1770206400123456789)

/* The process is killed here, if that is what the test wants; what a write had written stays. */
static void end_process(const struct scripted_io *script) {
    if (script->exit_code != 0) {
        _exit(script->exit_code);
    }
}

/* 0, or -errno when this call has to fail. */
static int count_call(struct scripted_io *script, enum scripted_call call) {
    script->calls++;
    script->calls_of[call]++;
    if (script->fail_always[call] != 0) {
        script->failures++;
        return -script->fail_always[call];
    }
    if (script->fail_at != 0 && (script->calls == script->fail_at ||
                                 (script->fail_for_ever && script->calls > script->fail_at))) {
        script->failures++;
        if (call != SCRIPTED_PWRITEV) {
            end_process(script);
        }
        return -script->fail_errno;
    }
    return 0;
}

static const struct alog_io *real(void) {
    return alog_io_system();
}

static int scripted_open(void *context, const char *path, int flags, mode_t mode) {
    int fault = count_call(context, SCRIPTED_OPEN);
    return fault != 0 ? fault : real()->open(NULL, path, flags, mode);
}

static int scripted_close(void *context, int fd) {
    struct scripted_io *script = context;
    script->calls_of[SCRIPTED_CLOSE]++;
    return real()->close(NULL, fd);
}

static int64_t scripted_pread(void *context, int fd, void *buffer, size_t bytes, uint64_t offset) {
    int fault = count_call(context, SCRIPTED_PREAD);
    return fault != 0 ? fault : real()->pread(NULL, fd, buffer, bytes, offset);
}

/* Write at most `limit` bytes of the parts. */
static int64_t write_some(int fd, const struct iovec *parts, int count, uint64_t offset,
                          uint64_t limit) {
    struct iovec some[8];
    int used = 0;
    for (; used < count && used < 8 && limit > 0; used++) {
        some[used] = parts[used];
        if (some[used].iov_len > limit) {
            some[used].iov_len = (size_t)limit;
        }
        limit -= some[used].iov_len;
    }
    return used == 0 ? 0 : real()->pwritev(NULL, fd, some, used, offset);
}

static int64_t scripted_pwritev(void *context, int fd, const struct iovec *parts, int count,
                                uint64_t offset) {
    struct scripted_io *script = context;
    int fault = count_call(script, SCRIPTED_PWRITEV);
    if (fault != 0) {
        write_some(fd, parts, count, offset, script->fail_after_bytes);
        end_process(script);
        return fault;
    }
    if (script->write_at_most != 0) {
        return write_some(fd, parts, count, offset, script->write_at_most);
    }
    return real()->pwritev(NULL, fd, parts, count, offset);
}

static int scripted_fsync(void *context, int fd) {
    int fault = count_call(context, SCRIPTED_FSYNC);
    return fault != 0 ? fault : real()->fsync(NULL, fd);
}

static int scripted_fdatasync(void *context, int fd) {
    int fault = count_call(context, SCRIPTED_FDATASYNC);
    return fault != 0 ? fault : real()->fdatasync(NULL, fd);
}

static int scripted_ftruncate(void *context, int fd, uint64_t bytes) {
    int fault = count_call(context, SCRIPTED_FTRUNCATE);
    return fault != 0 ? fault : real()->ftruncate(NULL, fd, bytes);
}

static int scripted_fallocate(void *context, int fd, uint64_t bytes) {
    int fault = count_call(context, SCRIPTED_FALLOCATE);
    return fault != 0 ? fault : real()->fallocate(NULL, fd, bytes);
}

static int scripted_fstat(void *context, int fd, struct stat *ret_stat) {
    int fault = count_call(context, SCRIPTED_FSTAT);
    return fault != 0 ? fault : real()->fstat(NULL, fd, ret_stat);
}

static int scripted_lock(void *context, int fd) {
    int fault = count_call(context, SCRIPTED_LOCK);
    return fault != 0 ? fault : real()->lock(NULL, fd);
}

static int scripted_rename(void *context, const char *from, const char *to) {
    int fault = count_call(context, SCRIPTED_RENAME);
    return fault != 0 ? fault : real()->rename(NULL, from, to);
}

static int scripted_unlink(void *context, const char *path) {
    int fault = count_call(context, SCRIPTED_UNLINK);
    return fault != 0 ? fault : real()->unlink(NULL, path);
}

static int scripted_mkdir(void *context, const char *path, mode_t mode) {
    int fault = count_call(context, SCRIPTED_MKDIR);
    return fault != 0 ? fault : real()->mkdir(NULL, path, mode);
}

static void *scripted_map(void *context, int fd, size_t bytes, int *ret_error) {
    int fault = count_call(context, SCRIPTED_MAP);
    if (fault != 0) {
        *ret_error = fault;
        return NULL;
    }
    return real()->map(NULL, fd, bytes, ret_error);
}

static int scripted_unmap(void *context, void *address, size_t bytes) {
    (void)context;
    return real()->unmap(NULL, address, bytes);
}

static int64_t scripted_clock_ns(void *context) {
    struct scripted_io *script = context;
    int64_t now_ns = script->now_ns;
    script->now_ns += script->step_ns;
    return now_ns;
}

/* splitmix64, by Sebastiano Vigna (public domain): the same bytes on every machine. */
static int scripted_random(void *context, void *buffer, size_t bytes) {
    struct scripted_io *script = context;
    int fault = count_call(script, SCRIPTED_RANDOM);
    if (fault != 0) {
        return fault;
    }
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t z = (script->seed += UINT64_C(0x9E3779B97F4A7C15));
        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        z ^= z >> 31;
        memcpy((char *)buffer + i, &z, bytes - i < 8 ? bytes - i : 8);
    }
    return 0;
}

void scripted_io_init(struct scripted_io *script) {
    *script = (struct scripted_io){
        .io =
            {
                .open = scripted_open,
                .close = scripted_close,
                .pread = scripted_pread,
                .pwritev = scripted_pwritev,
                .fsync = scripted_fsync,
                .fdatasync = scripted_fdatasync,
                .ftruncate = scripted_ftruncate,
                .fallocate = scripted_fallocate,
                .fstat = scripted_fstat,
                .lock = scripted_lock,
                .rename = scripted_rename,
                .unlink = scripted_unlink,
                .mkdir = scripted_mkdir,
                .map = scripted_map,
                .unmap = scripted_unmap,
                .realtime_ns = scripted_clock_ns,
                .monotonic_ns = scripted_clock_ns,
                .random = scripted_random,
            },
        .now_ns = START_NS,
        .fail_errno = EIO,
    };
    script->io.context = script;
}
