/* The system's calls, recorded; see crash_io.h. */
#include "crash_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *memory) {
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static const struct alog_io *real(void) {
    return alog_io_system();
}

/* ---- Names ---------------------------------------------------------------------------------- */

struct crash_name *crash_find_name(const struct crash_names *names, const char *path) {
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->all[i].path, path) == 0) {
            return &names->all[i];
        }
    }
    return NULL;
}

static void remove_name(struct crash_names *names, const char *path) {
    struct crash_name *found = crash_find_name(names, path);
    if (found != NULL) {
        free(found->path);
        *found = names->all[--names->count];
    }
}

static void add_name(struct crash_names *names, const char *path, uint32_t inode) {
    remove_name(names, path);
    if (names->count == names->capacity) {
        names->capacity = 2 * names->capacity + 16;
        names->all = must(realloc(names->all, names->capacity * sizeof *names->all));
    }
    names->all[names->count++] = (struct crash_name){must(strdup(path)), inode};
}

void crash_free_names(struct crash_names *names) {
    while (names->count > 0) {
        free(names->all[--names->count].path);
    }
    free(names->all);
}

/* The length of a path's directory; 0 = the root. */
size_t crash_dir_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path);
}

static bool is_in(const char *path, const char *dir) {
    size_t len = strlen(dir);
    return crash_dir_length(path) == len && memcmp(path, dir, len) == 0;
}

void crash_apply_name(struct crash_names *names, const struct crash_op *op) {
    switch (op->kind) {
    case OP_CREATE:
        add_name(names, op->path, op->inode);
        break;
    case OP_RENAME:
        /* Also if the name that it had before never got to the disk. */
        remove_name(names, op->path);
        add_name(names, op->path_to, op->inode);
        break;
    case OP_UNLINK:
        remove_name(names, op->path);
        break;
    default:
        break;
    }
}

/* ---- Recording ------------------------------------------------------------------------------ */

static struct crash_op *record(struct crash_io *disk, enum crash_op_kind kind) {
    if (disk->count == disk->capacity) {
        disk->capacity = 2 * disk->capacity + 256;
        disk->ops = must(realloc(disk->ops, disk->capacity * sizeof *disk->ops));
    }
    struct crash_op *op = &disk->ops[disk->count++];
    *op = (struct crash_op){.kind = kind, .inode = NO_INODE};
    return op;
}

/* The path below the root, or NULL when it is elsewhere. The root itself is "". */
static const char *below(const struct crash_io *disk, const char *path) {
    size_t len = strlen(disk->root);
    if (strncmp(path, disk->root, len) != 0 || (path[len] != '/' && path[len] != '\0')) {
        return NULL;
    }
    path += len;
    while (*path == '/') {
        path++;
    }
    return path;
}

static void record_open(struct crash_io *disk, const char *path, int flags, int fd) {
    const char *ours = below(disk, path);
    if (ours == NULL || fd < 0) {
        return;
    }
    if (fd >= MAX_FDS) {
        abort();
    }
    struct crash_file *file = &disk->files[fd];
    *file = (struct crash_file){.inode = NO_INODE};
    if ((flags & O_DIRECTORY) != 0) {
        file->dir = must(strdup(ours));
        return;
    }
    struct crash_name *known = crash_find_name(&disk->names, ours);
    if (known == NULL) {
        struct crash_op *op = record(disk, OP_CREATE);
        op->path = must(strdup(ours));
        op->inode = disk->inodes++;
        add_name(&disk->names, ours, op->inode);
        file->inode = op->inode;
    } else {
        file->inode = known->inode;
        if ((flags & O_TRUNC) != 0) {
            record(disk, OP_RESIZE)->inode = known->inode;
        }
    }
}

static int crash_open(void *context, const char *path, int flags, mode_t mode) {
    struct crash_io *disk = context;
    pthread_mutex_lock(&disk->mutex);
    int fd = real()->open(NULL, path, flags, mode);
    record_open(disk, path, flags, fd);
    pthread_mutex_unlock(&disk->mutex);
    return fd;
}

static int crash_close(void *context, int fd) {
    struct crash_io *disk = context;
    pthread_mutex_lock(&disk->mutex);
    if (fd >= 0 && fd < MAX_FDS) {
        free(disk->files[fd].dir);
        disk->files[fd] = (struct crash_file){.inode = NO_INODE};
    }
    int result = real()->close(NULL, fd);
    pthread_mutex_unlock(&disk->mutex);
    return result;
}

static int64_t crash_pread(void *context, int fd, void *buffer, size_t bytes, uint64_t offset) {
    (void)context;
    return real()->pread(NULL, fd, buffer, bytes, offset);
}

static int64_t crash_pwritev(void *context, int fd, const struct iovec *parts, int count,
                             uint64_t offset) {
    struct crash_io *disk = context;
    pthread_mutex_lock(&disk->mutex);
    int64_t put = real()->pwritev(NULL, fd, parts, count, offset);
    if (put > 0 && fd < MAX_FDS && disk->files[fd].inode != NO_INODE) {
        struct crash_op *op = record(disk, OP_WRITE);
        op->inode = disk->files[fd].inode;
        op->offset = offset;
        op->count = (size_t)put;
        op->bytes = must(malloc(op->count));
        size_t at = 0;
        for (int i = 0; i < count && at < op->count; i++) {
            size_t part = parts[i].iov_len < op->count - at ? parts[i].iov_len : op->count - at;
            memcpy(op->bytes + at, parts[i].iov_base, part);
            at += part;
        }
    }
    pthread_mutex_unlock(&disk->mutex);
    return put;
}

static int crash_sync(void *context, int fd) {
    struct crash_io *disk = context;
    int result = 0;
    pthread_mutex_lock(&disk->mutex);
    if (fd >= 0 && fd < MAX_FDS && disk->files[fd].dir != NULL) {
        record(disk, OP_SYNC_DIR)->path = must(strdup(disk->files[fd].dir));
    } else if (fd >= 0 && fd < MAX_FDS && disk->files[fd].inode != NO_INODE) {
        uint32_t inode = disk->files[fd].inode;
        bool fails = disk->failing_syncs > 0;
        disk->failing_syncs -= fails;
        record(disk, fails ? OP_SYNC_FAILED : OP_SYNC)->inode = inode;
        result = fails ? -EIO : 0;
    }
    pthread_mutex_unlock(&disk->mutex);
    return result;
}

static int resize(struct crash_io *disk, int fd, uint64_t bytes, int result) {
    if (result >= 0 && fd < MAX_FDS && disk->files[fd].inode != NO_INODE) {
        struct crash_op *op = record(disk, OP_RESIZE);
        op->inode = disk->files[fd].inode;
        op->offset = bytes;
    }
    return result;
}

static int crash_ftruncate(void *context, int fd, uint64_t bytes) {
    struct crash_io *disk = context;
    pthread_mutex_lock(&disk->mutex);
    int result = resize(disk, fd, bytes, real()->ftruncate(NULL, fd, bytes));
    pthread_mutex_unlock(&disk->mutex);
    return result;
}

/* Only rings are allocated, and those are elsewhere. */
static int crash_fallocate(void *context, int fd, uint64_t bytes) {
    struct crash_io *disk = context;
    if (fd < MAX_FDS && disk->files[fd].inode != NO_INODE) {
        abort();
    }
    return real()->fallocate(NULL, fd, bytes);
}

static int crash_fstat(void *context, int fd, struct stat *ret_stat) {
    (void)context;
    return real()->fstat(NULL, fd, ret_stat);
}

static int crash_lock(void *context, int fd) {
    (void)context;
    return real()->lock(NULL, fd);
}

static int crash_rename(void *context, const char *from, const char *to) {
    struct crash_io *disk = context;
    pthread_mutex_lock(&disk->mutex);
    int result = real()->rename(NULL, from, to);
    const char *ours = below(disk, from);
    if (result >= 0 && ours != NULL && below(disk, to) != NULL) {
        struct crash_name *known = crash_find_name(&disk->names, ours);
        struct crash_op *op = record(disk, OP_RENAME);
        op->path = must(strdup(ours));
        op->path_to = must(strdup(below(disk, to)));
        op->inode = known == NULL ? NO_INODE : known->inode;
        crash_apply_name(&disk->names, op);
    }
    pthread_mutex_unlock(&disk->mutex);
    return result;
}

static int crash_unlink(void *context, const char *path) {
    struct crash_io *disk = context;
    pthread_mutex_lock(&disk->mutex);
    int result = real()->unlink(NULL, path);
    if (result >= 0 && below(disk, path) != NULL) {
        struct crash_op *op = record(disk, OP_UNLINK);
        op->path = must(strdup(below(disk, path)));
        crash_apply_name(&disk->names, op);
    }
    pthread_mutex_unlock(&disk->mutex);
    return result;
}

static int crash_mkdir(void *context, const char *path, mode_t mode) {
    struct crash_io *disk = context;
    pthread_mutex_lock(&disk->mutex);
    int result = real()->mkdir(NULL, path, mode);
    if (result >= 0 && below(disk, path) != NULL) {
        struct crash_op *op = record(disk, OP_CREATE);
        op->path = must(strdup(below(disk, path)));
        crash_apply_name(&disk->names, op);
    }
    pthread_mutex_unlock(&disk->mutex);
    return result;
}

static void *crash_map(void *context, int fd, size_t bytes, int *ret_error) {
    (void)context;
    return real()->map(NULL, fd, bytes, ret_error);
}

static int crash_unmap(void *context, void *address, size_t bytes) {
    (void)context;
    return real()->unmap(NULL, address, bytes);
}

static int64_t crash_realtime_ns(void *context) {
    struct crash_io *disk = context;
    return real()->realtime_ns(NULL) + atomic_load(&disk->shift_ns);
}

static int64_t crash_monotonic_ns(void *context) {
    struct crash_io *disk = context;
    return real()->monotonic_ns(NULL) + atomic_load(&disk->shift_ns);
}

static int crash_random(void *context, void *buffer, size_t bytes) {
    (void)context;
    return real()->random(NULL, buffer, bytes);
}

struct crash_io *crash_io_new(const char *root) {
    struct crash_io *disk = must(calloc(1, sizeof *disk));
    disk->root = must(strdup(root));
    pthread_mutex_init(&disk->mutex, NULL);
    for (size_t i = 0; i < MAX_FDS; i++) {
        disk->files[i].inode = NO_INODE;
    }
    disk->io = (struct alog_io){
        .context = disk,
        .open = crash_open,
        .close = crash_close,
        .pread = crash_pread,
        .pwritev = crash_pwritev,
        .fsync = crash_sync,
        .fdatasync = crash_sync,
        .ftruncate = crash_ftruncate,
        .fallocate = crash_fallocate,
        .fstat = crash_fstat,
        .lock = crash_lock,
        .rename = crash_rename,
        .unlink = crash_unlink,
        .mkdir = crash_mkdir,
        .map = crash_map,
        .unmap = crash_unmap,
        .realtime_ns = crash_realtime_ns,
        .monotonic_ns = crash_monotonic_ns,
        .random = crash_random,
    };
    return disk;
}

void crash_io_free(struct crash_io *disk) {
    for (size_t i = 0; i < disk->count; i++) {
        free(disk->ops[i].path);
        free(disk->ops[i].path_to);
        free(disk->ops[i].bytes);
    }
    for (size_t i = 0; i < MAX_FDS; i++) {
        free(disk->files[i].dir);
    }
    free(disk->ops);
    crash_free_names(&disk->names);
    pthread_mutex_destroy(&disk->mutex);
    free(disk->root);
    free(disk);
}

const struct alog_io *crash_io_calls(struct crash_io *disk) {
    return &disk->io;
}

void crash_io_fail_syncs(struct crash_io *disk, int count) {
    pthread_mutex_lock(&disk->mutex);
    disk->failing_syncs = count;
    pthread_mutex_unlock(&disk->mutex);
}

void crash_io_advance(struct crash_io *disk, int64_t ns) {
    atomic_fetch_add(&disk->shift_ns, ns);
}

void crash_io_promise(struct crash_io *disk, uint64_t count) {
    pthread_mutex_lock(&disk->mutex);
    record(disk, OP_PROMISE)->offset = count;
    pthread_mutex_unlock(&disk->mutex);
}

size_t crash_io_count(struct crash_io *disk) {
    pthread_mutex_lock(&disk->mutex);
    size_t count = disk->count;
    pthread_mutex_unlock(&disk->mutex);
    return count;
}

/* ---- What a sync covers --------------------------------------------------------------------- */

/* Does a call before `at` make this one durable? */
bool crash_is_synced(const struct crash_io *disk, size_t index, size_t at) {
    const struct crash_op *op = &disk->ops[index];
    bool is_data = op->kind == OP_WRITE || op->kind == OP_RESIZE;
    for (size_t i = index + 1; i < at; i++) {
        const struct crash_op *later = &disk->ops[i];
        if (is_data && later->inode == op->inode) {
            if (later->kind == OP_SYNC) {
                return true;
            }
            if (later->kind == OP_SYNC_FAILED) {
                return false;
            }
        } else if (!is_data && later->kind == OP_SYNC_DIR && is_in(op->path, later->path)) {
            return true;
        }
    }
    return false;
}

bool crash_io_is_unsynced(struct crash_io *disk, const char *only) {
    bool found = false;
    pthread_mutex_lock(&disk->mutex);
    for (size_t i = 0; i < disk->count && !found; i++) {
        const struct crash_op *op = &disk->ops[i];
        const char *path = op->path;
        for (size_t n = 0; path == NULL && n < disk->names.count; n++) {
            path = disk->names.all[n].inode == op->inode ? disk->names.all[n].path : NULL;
        }
        bool changes = op->kind <= OP_UNLINK || op->kind == OP_WRITE || op->kind == OP_RESIZE;
        found = changes && path != NULL && strstr(path, only) != NULL &&
                !crash_is_synced(disk, i, disk->count);
    }
    pthread_mutex_unlock(&disk->mutex);
    return found;
}
