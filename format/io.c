/* The system's files and clocks behind `struct alog_io`, and the few helpers every caller wants. */
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* A call that returned -1 becomes -errno; a call that a signal interrupted is simply made again. */
#define RESULT_OF(call)                                                                            \
    do {                                                                                           \
        int result;                                                                                \
        do {                                                                                       \
            result = (call);                                                                       \
        } while (result < 0 && errno == EINTR);                                                    \
        return result < 0 ? -errno : result;                                                       \
    } while (0)

static int system_open(void *context, const char *path, int flags, mode_t mode) {
    (void)context;
    RESULT_OF(open(path, flags | O_CLOEXEC, mode));
}

/* Linux frees the descriptor even when close is interrupted: closing again could hit another's. */
static int system_close(void *context, int fd) {
    (void)context;
    return close(fd) < 0 && errno != EINTR ? -errno : 0;
}

static int64_t system_pread(void *context, int fd, void *buffer, size_t bytes, uint64_t offset) {
    (void)context;
    if (offset > INT64_MAX) {
        return -EINVAL;
    }
    ssize_t got = pread(fd, buffer, bytes, (off_t)offset);
    return got < 0 ? -errno : got;
}

static int64_t system_pwritev(void *context, int fd, const struct iovec *parts, int count,
                              uint64_t offset) {
    (void)context;
    if (offset > INT64_MAX) {
        return -EINVAL;
    }
    ssize_t put = pwritev(fd, parts, count, (off_t)offset);
    return put < 0 ? -errno : put;
}

/* Never repeated, not even after EINTR: the kernel reports a failed write-back once, so that a
 * second call may succeed although data was lost. */
static int system_fsync(void *context, int fd) {
    (void)context;
    return fsync(fd) < 0 ? -errno : 0;
}

static int system_fdatasync(void *context, int fd) {
    (void)context;
    return fdatasync(fd) < 0 ? -errno : 0;
}

static int system_ftruncate(void *context, int fd, uint64_t bytes) {
    (void)context;
    if (bytes > INT64_MAX) {
        return -EINVAL;
    }
    RESULT_OF(ftruncate(fd, (off_t)bytes));
}

static int system_fallocate(void *context, int fd, uint64_t bytes) {
    (void)context;
    if (bytes > INT64_MAX) {
        return -EINVAL;
    }
    int error;
    do {
        error = posix_fallocate(fd, 0, (off_t)bytes);
    } while (error == EINTR);
    return -error;
}

static int system_fstat(void *context, int fd, struct stat *ret_stat) {
    (void)context;
    return fstat(fd, ret_stat) < 0 ? -errno : 0;
}

static int system_lock(void *context, int fd) {
    (void)context;
    RESULT_OF(flock(fd, LOCK_EX | LOCK_NB));
}

static int system_rename(void *context, const char *from, const char *to) {
    (void)context;
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return -errno;
    }
    /* A file system without that flag: link refuses an existing name as well, and a crash between
     * the two calls leaves both names of one file, which a listing shows once. */
    if (link(from, to) < 0) {
        return -errno;
    }
    return unlink(from) < 0 ? -errno : 0;
}

static int system_unlink(void *context, const char *path) {
    (void)context;
    return unlink(path) < 0 ? -errno : 0;
}

static int system_mkdir(void *context, const char *path, mode_t mode) {
    (void)context;
    return mkdir(path, mode) < 0 ? -errno : 0;
}

static void *system_map(void *context, int fd, size_t bytes, int *ret_error) {
    (void)context;
    void *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (address == MAP_FAILED) {
        *ret_error = -errno;
        return NULL;
    }
    return address;
}

static int system_unmap(void *context, void *address, size_t bytes) {
    (void)context;
    return munmap(address, bytes) < 0 ? -errno : 0;
}

static int64_t clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t system_realtime_ns(void *context) {
    (void)context;
    return clock_ns(CLOCK_REALTIME);
}

static int64_t system_monotonic_ns(void *context) {
    (void)context;
    return clock_ns(CLOCK_MONOTONIC);
}

static int system_random(void *context, void *buffer, size_t bytes) {
    (void)context;
    char *at = buffer;
    while (bytes > 0) {
        ssize_t got = getrandom(at, bytes, 0);
        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            return -errno;
        }
        at += got;
        bytes -= (size_t)got;
    }
    return 0;
}

const struct alog_io *alog_io_system(void) {
    static const struct alog_io system_io = {
        .open = system_open,
        .close = system_close,
        .pread = system_pread,
        .pwritev = system_pwritev,
        .fsync = system_fsync,
        .fdatasync = system_fdatasync,
        .ftruncate = system_ftruncate,
        .fallocate = system_fallocate,
        .fstat = system_fstat,
        .lock = system_lock,
        .rename = system_rename,
        .unlink = system_unlink,
        .mkdir = system_mkdir,
        .map = system_map,
        .unmap = system_unmap,
        .realtime_ns = system_realtime_ns,
        .monotonic_ns = system_monotonic_ns,
        .random = system_random,
    };
    return &system_io;
}

/* A call that signals interrupt so often in a row is not interrupted by signals. */
#define MOST_INTERRUPTIONS 100

int alog_io_write_all(const struct alog_io *io, int fd, struct iovec *parts, int count,
                      uint64_t offset) {
    int interruptions = 0;
    while (count > 0) {
        if (parts->iov_len == 0) {
            parts++;
            count--;
            continue;
        }
        int64_t put = io->pwritev(io->context, fd, parts, count, offset);
        if (put == -EINTR && interruptions++ < MOST_INTERRUPTIONS) {
            continue;
        }
        if (put <= 0) {
            /* A regular file never takes nothing; if it did, looping on it would hang. */
            return put < 0 ? (int)put : -EIO;
        }
        offset += (uint64_t)put;
        while (count > 0 && (uint64_t)put >= parts->iov_len) {
            put -= (int64_t)parts->iov_len;
            parts++;
            count--;
        }
        if (count > 0) {
            parts->iov_base = (char *)parts->iov_base + put;
            parts->iov_len -= (size_t)put;
        }
    }
    return 0;
}

int64_t alog_io_read_full(const struct alog_io *io, int fd, void *buffer, size_t bytes,
                          uint64_t offset) {
    size_t have = 0;
    int interruptions = 0;
    while (have < bytes) {
        int64_t got =
            io->pread(io->context, fd, (char *)buffer + have, bytes - have, offset + have);
        if (got == -EINTR && interruptions++ < MOST_INTERRUPTIONS) {
            continue;
        }
        if (got < 0) {
            return got;
        }
        if (got == 0) {
            break;
        }
        have += (size_t)got;
    }
    return (int64_t)have;
}

/* One mkdir, for which a directory that is there already is fine, and a file is not. */
static int make_dir(const struct alog_io *io, const char *path, mode_t mode) {
    int result = io->mkdir(io->context, path, mode);
    if (result != -EEXIST) {
        return result;
    }
    int fd = io->open(io->context, path, O_PATH | O_DIRECTORY, 0);
    if (fd < 0) {
        return fd;
    }
    io->close(io->context, fd);
    return 0;
}

int alog_io_sync_name(const struct alog_io *io, const char *path) {
    char above[PATH_MAX];
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    while (len > 0 && path[len - 1] != '/') {
        len--;
    }
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    if (len >= sizeof above) {
        return -ENAMETOOLONG;
    }
    memcpy(above, path, len);
    above[len] = '\0';
    int result = alog_io_sync_dir(io, len == 0 ? "." : above);
    return result == -EACCES || result == -EPERM || result == -EINVAL ? 0 : result;
}

/* A parent that was missing: its own name must outlive a power loss as what will be in it does. */
static int make_parent(const struct alog_io *io, const char *path, mode_t mode) {
    int result = io->mkdir(io->context, path, mode);
    if (result < 0) {
        return result == -EEXIST ? make_dir(io, path, mode) : result;
    }
    return alog_io_sync_name(io, path);
}

int alog_io_make_dirs(const struct alog_io *io, const char *path, mode_t mode) {
    /* The usual case, all but the last are there, costs one call. */
    int result = make_dir(io, path, mode);
    if (result != -ENOENT) {
        return result;
    }
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof part) {
        return -ENAMETOOLONG;
    }
    memcpy(part, path, len + 1);
    for (size_t i = 1; i < len; i++) {
        if (part[i] != '/') {
            continue;
        }
        part[i] = '\0';
        result = make_parent(io, part, mode);
        if (result < 0) {
            return result;
        }
        part[i] = '/';
    }
    return make_dir(io, path, mode);
}

int alog_io_sync_dir(const struct alog_io *io, const char *path) {
    int fd = io->open(io->context, path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) {
        return fd;
    }
    int result = io->fsync(io->context, fd);
    io->close(io->context, fd);
    return result;
}
