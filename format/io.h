/*
 * The one seam to the system: files and clocks. Everything in format/ and writer/ that touches
 * either goes through a `struct alog_io`, so that tests can bend time and fail any call.
 *
 * Every call returns >= 0 (or a pointer) on success and -errno on failure; it never touches errno's
 * meaning for the caller. `context` is the first argument of each. The system's own is
 * alog_io_system().
 */
#ifndef AGENTLOG_FORMAT_IO_H
#define AGENTLOG_FORMAT_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

struct alog_io {
    void *context;
    int (*open)(void *context, const char *path, int flags, mode_t mode); /* O_CLOEXEC is added */
    int (*close)(void *context, int fd);
    int64_t (*pread)(void *context, int fd, void *buffer, size_t bytes, uint64_t offset);
    int64_t (*pwritev)(void *context, int fd, const struct iovec *parts, int count,
                       uint64_t offset);
    int (*fsync)(void *context, int fd);
    int (*fdatasync)(void *context, int fd);
    int (*ftruncate)(void *context, int fd, uint64_t bytes);
    int (*fallocate)(void *context, int fd,
                     uint64_t bytes); /* real blocks for [0, bytes): posix_fallocate */
    int (*fstat)(void *context, int fd, struct stat *ret_stat);
    int (*lock)(void *context,
                int fd); /* exclusive, non-blocking, dropped by the kernel at death: flock */
    int (*rename)(void *context, const char *from,
                  const char *to); /* never onto an existing file */
    int (*unlink)(void *context, const char *path);
    int (*mkdir)(void *context, const char *path, mode_t mode);
    void *(*map)(void *context, int fd, size_t bytes,
                 int *ret_error); /* shared, read-write, faulted in; NULL on failure */
    int (*unmap)(void *context, void *address, size_t bytes);
    int64_t (*realtime_ns)(void *context); /* since 1970-01-01 UTC */
    int64_t (*monotonic_ns)(void *context);
    int (*random)(void *context, void *buffer, size_t bytes); /* getrandom */
};

/* The system's own calls; static, any thread. */
const struct alog_io *alog_io_system(void);

/* pwritev until everything is written (EINTR, within reason, and short writes are continued); 0 or
 * -errno. */
int alog_io_write_all(const struct alog_io *io, int fd, struct iovec *parts, int count,
                      uint64_t offset);

/* pread until `bytes` or the end of the file; bytes read or -errno. */
int64_t alog_io_read_full(const struct alog_io *io, int fd, void *buffer, size_t bytes,
                          uint64_t offset);

/*
 * mkdir with missing parents; 0 or -errno. Existing directories are fine. The names of parents that
 * are made are synced; that of `path` itself is the caller's to sync (in its parent).
 */
int alog_io_make_dirs(const struct alog_io *io, const char *path, mode_t mode);

/* fsync of a directory, so that names in it survive; 0 or -errno. */
int alog_io_sync_dir(const struct alog_io *io, const char *path);

/* That of the directory that `path` is in, so that its own name survives. Who may not read that
 * directory cannot sync it, and does without: 0. */
int alog_io_sync_name(const struct alog_io *io, const char *path);

#endif
