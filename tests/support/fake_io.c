/* A bent system; see fake_io.h. */
#include "fake_io.h"

#include <string.h>

static const struct alog_io *real(void) {
    return alog_io_system();
}

/* Count a call; the -errno that it shall give, or 0. */
static int failure(struct fake_io *fake, enum fake_call call, const char *path) {
    atomic_fetch_add(&fake->counts[call], 1);
    const char *only = atomic_load(&fake->only[call]);
    if (only != NULL && (path == NULL || strstr(path, only) == NULL)) {
        return 0;
    }
    int result = atomic_load(&fake->failures[call]);
    if (result == 0 ||
        (atomic_load(&fake->skip[call]) > 0 && atomic_fetch_sub(&fake->skip[call], 1) > 0)) {
        return 0;
    }
    if (atomic_load(&fake->times[call]) > 0 && atomic_fetch_sub(&fake->times[call], 1) == 1) {
        atomic_store(&fake->failures[call], 0);
    }
    atomic_fetch_add(&fake->failed, 1);
    return result;
}

static int fake_open(void *context, const char *path, int flags, mode_t mode) {
    int failed = failure(context, FAKE_OPEN, path);
    return failed < 0 ? failed : real()->open(NULL, path, flags, mode);
}

static int fake_close(void *context, int fd) {
    int failed = failure(context, FAKE_CLOSE, NULL);
    int result = real()->close(NULL, fd);
    return failed < 0 ? failed : result;
}

static int64_t fake_pread(void *context, int fd, void *buffer, size_t bytes, uint64_t offset) {
    int failed = failure(context, FAKE_PREAD, NULL);
    return failed < 0 ? failed : real()->pread(NULL, fd, buffer, bytes, offset);
}

static int64_t fake_pwritev(void *context, int fd, const struct iovec *parts, int count,
                            uint64_t offset) {
    struct fake_io *fake = context;
    int failed = failure(fake, FAKE_PWRITEV, NULL);
    uint64_t most = atomic_load(&fake->write_at_most);
    if (failed == 0 && most != 0) {
        struct iovec part = parts[0];
        part.iov_len = part.iov_len < most ? part.iov_len : (size_t)most;
        return real()->pwritev(NULL, fd, &part, 1, offset);
    }
    return failed < 0 ? failed : real()->pwritev(NULL, fd, parts, count, offset);
}

static int sync_failure(struct fake_io *fake, int fd) {
    int failed = failure(fake, FAKE_FSYNC, NULL);
    if (failed < 0 && fake->on_failed_sync != NULL) {
        fake->on_failed_sync(fake->on_failed_sync_context, fd);
    }
    return failed;
}

static int fake_fsync(void *context, int fd) {
    int failed = sync_failure(context, fd);
    return failed < 0 ? failed : real()->fsync(NULL, fd);
}

static int fake_fdatasync(void *context, int fd) {
    int failed = sync_failure(context, fd);
    return failed < 0 ? failed : real()->fdatasync(NULL, fd);
}

static int fake_ftruncate(void *context, int fd, uint64_t bytes) {
    int failed = failure(context, FAKE_FTRUNCATE, NULL);
    return failed < 0 ? failed : real()->ftruncate(NULL, fd, bytes);
}

static int fake_fallocate(void *context, int fd, uint64_t bytes) {
    int failed = failure(context, FAKE_FALLOCATE, NULL);
    return failed < 0 ? failed : real()->fallocate(NULL, fd, bytes);
}

static int fake_fstat(void *context, int fd, struct stat *ret_stat) {
    int failed = failure(context, FAKE_FSTAT, NULL);
    return failed < 0 ? failed : real()->fstat(NULL, fd, ret_stat);
}

static int fake_lock(void *context, int fd) {
    int failed = failure(context, FAKE_LOCK, NULL);
    return failed < 0 ? failed : real()->lock(NULL, fd);
}

static int fake_rename(void *context, const char *from, const char *to) {
    int failed = failure(context, FAKE_RENAME, from);
    return failed < 0 ? failed : real()->rename(NULL, from, to);
}

static int fake_unlink(void *context, const char *path) {
    int failed = failure(context, FAKE_UNLINK, path);
    return failed < 0 ? failed : real()->unlink(NULL, path);
}

static int fake_mkdir(void *context, const char *path, mode_t mode) {
    int failed = failure(context, FAKE_MKDIR, path);
    return failed < 0 ? failed : real()->mkdir(NULL, path, mode);
}

static void *fake_map(void *context, int fd, size_t bytes, int *ret_error) {
    int failed = failure(context, FAKE_MAP, NULL);
    if (failed < 0) {
        *ret_error = failed;
        return NULL;
    }
    return real()->map(NULL, fd, bytes, ret_error);
}

static int fake_unmap(void *context, void *address, size_t bytes) {
    (void)context;
    return real()->unmap(NULL, address, bytes);
}

static int64_t fake_realtime_ns(void *context) {
    struct fake_io *fake = context;
    return real()->realtime_ns(NULL) + atomic_load(&fake->realtime_shift_ns);
}

static int64_t fake_monotonic_ns(void *context) {
    struct fake_io *fake = context;
    return real()->monotonic_ns(NULL) + atomic_load(&fake->monotonic_shift_ns);
}

static int fake_random(void *context, void *buffer, size_t bytes) {
    int failed = failure(context, FAKE_RANDOM, NULL);
    return failed < 0 ? failed : real()->random(NULL, buffer, bytes);
}

void fake_io_init(struct fake_io *fake) {
    memset(fake, 0, sizeof *fake);
    fake->io = (struct alog_io){
        .context = fake,
        .open = fake_open,
        .close = fake_close,
        .pread = fake_pread,
        .pwritev = fake_pwritev,
        .fsync = fake_fsync,
        .fdatasync = fake_fdatasync,
        .ftruncate = fake_ftruncate,
        .fallocate = fake_fallocate,
        .fstat = fake_fstat,
        .lock = fake_lock,
        .rename = fake_rename,
        .unlink = fake_unlink,
        .mkdir = fake_mkdir,
        .map = fake_map,
        .unmap = fake_unmap,
        .realtime_ns = fake_realtime_ns,
        .monotonic_ns = fake_monotonic_ns,
        .random = fake_random,
    };
}

void fake_io_advance(struct fake_io *fake, int64_t ns) {
    atomic_fetch_add(&fake->realtime_shift_ns, ns);
    atomic_fetch_add(&fake->monotonic_shift_ns, ns);
}

void fake_io_set_realtime(struct fake_io *fake, int64_t ns) {
    atomic_store(&fake->realtime_shift_ns, ns - real()->realtime_ns(NULL));
}
