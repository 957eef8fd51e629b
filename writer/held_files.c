/* Open files that a child of fork must not keep; see held_files.h. */
#include "held_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>

static const struct alog_io *under(void *context) {
    struct alog_held_files *files = context;
    return files->under;
}

/* Under the mutex. False: no memory. */
static bool remember(struct alog_held_files *files, int fd) {
    if (files->count == files->capacity) {
        size_t capacity = 2 * files->capacity + 8;
        int *grown = realloc(files->fds, capacity * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        files->fds = grown;
        files->capacity = capacity;
    }
    files->fds[files->count++] = fd;
    return true;
}

static void forget(struct alog_held_files *files, int fd) {
    for (size_t i = 0; i < files->count; i++) {
        if (files->fds[i] == fd) {
            files->fds[i] = files->fds[--files->count];
            return;
        }
    }
}

static uint64_t count_forks(struct alog_held_files *files) {
    pthread_mutex_lock(&files->mutex);
    uint64_t forks = files->forks;
    pthread_mutex_unlock(&files->mutex);
    return forks;
}

/*
 * No lock is held while a slow disk opens the file, for fork would have to wait. So a child that
 * was made meanwhile may have it unnoticed: then the file is opened once more, and what is locked
 * later is not what that child has.
 */
static int held_open(void *context, const char *path, int flags, mode_t mode) {
    struct alog_held_files *files = context;
    const struct alog_io *io = files->under;
    for (;;) {
        uint64_t forks = count_forks(files);
        int fd = io->open(io->context, path, flags, mode);
        if (fd < 0) {
            return fd;
        }
        pthread_mutex_lock(&files->mutex);
        bool alone = forks == files->forks;
        bool remembered = alone && remember(files, fd);
        pthread_mutex_unlock(&files->mutex);
        if (remembered) {
            return fd;
        }
        io->close(io->context, fd);
        if (alone) {
            return -ENOMEM;
        }
        flags &= ~(O_CREAT | O_EXCL);
    }
}

/* As one step for fork: a number that is free again may be somebody else's file. */
static int held_close(void *context, int fd) {
    struct alog_held_files *files = context;
    pthread_mutex_lock(&files->mutex);
    int result = files->under->close(files->under->context, fd);
    forget(files, fd);
    pthread_mutex_unlock(&files->mutex);
    return result;
}

static int64_t held_pread(void *context, int fd, void *buffer, size_t bytes, uint64_t offset) {
    return under(context)->pread(under(context)->context, fd, buffer, bytes, offset);
}

static int64_t held_pwritev(void *context, int fd, const struct iovec *parts, int count,
                            uint64_t offset) {
    return under(context)->pwritev(under(context)->context, fd, parts, count, offset);
}

static int held_fsync(void *context, int fd) {
    return under(context)->fsync(under(context)->context, fd);
}

static int held_fdatasync(void *context, int fd) {
    return under(context)->fdatasync(under(context)->context, fd);
}

static int held_ftruncate(void *context, int fd, uint64_t bytes) {
    return under(context)->ftruncate(under(context)->context, fd, bytes);
}

static int held_fallocate(void *context, int fd, uint64_t bytes) {
    return under(context)->fallocate(under(context)->context, fd, bytes);
}

static int held_fstat(void *context, int fd, struct stat *ret_stat) {
    return under(context)->fstat(under(context)->context, fd, ret_stat);
}

static int held_lock(void *context, int fd) {
    return under(context)->lock(under(context)->context, fd);
}

static int held_rename(void *context, const char *from, const char *to) {
    return under(context)->rename(under(context)->context, from, to);
}

static int held_unlink(void *context, const char *path) {
    return under(context)->unlink(under(context)->context, path);
}

static int held_mkdir(void *context, const char *path, mode_t mode) {
    return under(context)->mkdir(under(context)->context, path, mode);
}

static void *held_map(void *context, int fd, size_t bytes, int *ret_error) {
    return under(context)->map(under(context)->context, fd, bytes, ret_error);
}

static int held_unmap(void *context, void *address, size_t bytes) {
    return under(context)->unmap(under(context)->context, address, bytes);
}

static int64_t held_realtime_ns(void *context) {
    return under(context)->realtime_ns(under(context)->context);
}

static int64_t held_monotonic_ns(void *context) {
    return under(context)->monotonic_ns(under(context)->context);
}

static int held_random(void *context, void *buffer, size_t bytes) {
    return under(context)->random(under(context)->context, buffer, bytes);
}

void alog_held_files_init(struct alog_held_files *files, const struct alog_io *io) {
    *files = (struct alog_held_files){
        .under = io,
        .io =
            {
                .context = files,
                .open = held_open,
                .close = held_close,
                .pread = held_pread,
                .pwritev = held_pwritev,
                .fsync = held_fsync,
                .fdatasync = held_fdatasync,
                .ftruncate = held_ftruncate,
                .fallocate = held_fallocate,
                .fstat = held_fstat,
                .lock = held_lock,
                .rename = held_rename,
                .unlink = held_unlink,
                .mkdir = held_mkdir,
                .map = held_map,
                .unmap = held_unmap,
                .realtime_ns = held_realtime_ns,
                .monotonic_ns = held_monotonic_ns,
                .random = held_random,
            },
    };
    pthread_mutex_init(&files->mutex, NULL);
}

void alog_held_files_free(struct alog_held_files *files) {
    free(files->fds);
    pthread_mutex_destroy(&files->mutex);
}

void alog_held_files_before_fork(struct alog_held_files *files) {
    pthread_mutex_lock(&files->mutex);
    files->forks++;
}

void alog_held_files_after_fork_in_parent(struct alog_held_files *files) {
    pthread_mutex_unlock(&files->mutex);
}

void alog_held_files_after_fork_in_child(struct alog_held_files *files) {
    for (size_t i = 0; i < files->count; i++) {
        files->under->close(files->under->context, files->fds[i]);
    }
    files->count = 0;
    pthread_mutex_unlock(&files->mutex);
}
