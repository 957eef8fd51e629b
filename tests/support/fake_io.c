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
    return atomic_load(&fake->failures[call]);
}

static int fake_open(void *context, const char *path, int flags, mode_t mode) {
    int failed = failure(context, FAKE_OPEN, path);
    return failed < 0 ? failed : real()->open(NULL, path, flags, mode);
}

static int fake_close(void *context, int fd) {
    (void)context;
    return real()->close(NULL, fd);
}

static int64_t fake_pread(void *context, int fd, void *buffer, size_t bytes, uint64_t offset) {
    (void)context;
    return real()->pread(NULL, fd, buffer, bytes, offset);
}

static int64_t fake_pwritev(void *context, int fd, const struct iovec *parts, int count,
                            uint64_t offset) {
    int failed = failure(context, FAKE_PWRITEV, NULL);
    return failed < 0 ? failed : real()->pwritev(NULL, fd, parts, count, offset);
}

static int fake_fsync(void *context, int fd) {
    int failed = failure(context, FAKE_FSYNC, NULL);
    return failed < 0 ? failed : real()->fsync(NULL, fd);
}

static int fake_fdatasync(void *context, int fd) {
    int failed = failure(context, FAKE_FSYNC, NULL);
    return failed < 0 ? failed : real()->fdatasync(NULL, fd);
}

static int fake_ftruncate(void *context, int fd, uint64_t bytes) {
    (void)context;
    return real()->ftruncate(NULL, fd, bytes);
}

static int fake_fallocate(void *context, int fd, uint64_t bytes) {
    int failed = failure(context, FAKE_FALLOCATE, NULL);
    return failed < 0 ? failed : real()->fallocate(NULL, fd, bytes);
}

static int fake_fstat(void *context, int fd, struct stat *ret_stat) {
    (void)context;
    return real()->fstat(NULL, fd, ret_stat);
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
    (void)context;
    return real()->random(NULL, buffer, bytes);
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
