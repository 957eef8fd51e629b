#include "fault_vfs.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

/* A file of ours: the real one follows it. */
struct fault_file {
    sqlite3_file base;
    sqlite3_io_methods methods; /* the real ones, with ours in their places */
};

/* SQLite asks for one VFS per process; a test program has one of these. */
static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    enum fault_vfs_action action;
    unsigned at, calls;
} state;

static sqlite3_file *real_of(sqlite3_file *file) {
    return (sqlite3_file *)((struct fault_file *)file + 1);
}

static int strike(void) {
    if (++state.calls < state.at || state.action == FAULT_VFS_COUNT) {
        return SQLITE_OK;
    }
    if (state.action == FAULT_VFS_KILL) {
        kill(getpid(), SIGKILL);
    }
    return SQLITE_FULL;
}

static int file_close(sqlite3_file *file) {
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int file_read(sqlite3_file *file, void *to, int bytes, sqlite3_int64 offset) {
    return real_of(file)->pMethods->xRead(real_of(file), to, bytes, offset);
}

static int file_write(sqlite3_file *file, const void *from, int bytes, sqlite3_int64 offset) {
    int result = strike();
    return result != SQLITE_OK
               ? result
               : real_of(file)->pMethods->xWrite(real_of(file), from, bytes, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 bytes) {
    int result = strike();
    return result != SQLITE_OK ? result : real_of(file)->pMethods->xTruncate(real_of(file), bytes);
}

/* Nothing is waited for: it is the process that dies here, not the machine. */
static int file_sync(sqlite3_file *file, int flags) {
    (void)file;
    (void)flags;
    return strike() != SQLITE_OK ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *ret_bytes) {
    return real_of(file)->pMethods->xFileSize(real_of(file), ret_bytes);
}

static int file_lock(sqlite3_file *file, int level) {
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int file_unlock(sqlite3_file *file, int level) {
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int file_check_lock(sqlite3_file *file, int *ret_locked) {
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), ret_locked);
}

static int file_control(sqlite3_file *file, int operation, void *argument) {
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int file_sector(sqlite3_file *file) {
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_traits(sqlite3_file *file) {
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int file_shm_map(sqlite3_file *file, int page, int bytes, int extend, void volatile **ret) {
    return real_of(file)->pMethods->xShmMap(real_of(file), page, bytes, extend, ret);
}

static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *file) {
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int file_shm_unmap(sqlite3_file *file, int delete_it) {
    return real_of(file)->pMethods->xShmUnmap(real_of(file), delete_it);
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *ret_flags) {
    (void)vfs;
    struct fault_file *ours = (struct fault_file *)file;
    ours->base.pMethods = NULL;
    int result = state.real->xOpen(state.real, name, real_of(file), flags, ret_flags);
    if (result == SQLITE_OK) {
        /* No xFetch: version 2. */
        ours->methods = (sqlite3_io_methods){
            2,           file_close,   file_read,     file_write,       file_truncate,  file_sync,
            file_size,   file_lock,    file_unlock,   file_check_lock,  file_control,   file_sector,
            file_traits, file_shm_map, file_shm_lock, file_shm_barrier, file_shm_unmap, NULL,
            NULL};
        ours->base.pMethods = &ours->methods;
    }
    return result;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync) {
    (void)vfs;
    int result = strike();
    return result != SQLITE_OK ? SQLITE_IOERR_DELETE : state.real->xDelete(state.real, name, sync);
}

void fault_vfs_install(enum fault_vfs_action action, unsigned at) {
    if (!state.real) {
        state.real = sqlite3_vfs_find(NULL);
        state.vfs = *state.real;
        state.vfs.zName = "fault";
        state.vfs.szOsFile = (int)sizeof(struct fault_file) + state.real->szOsFile;
        state.vfs.xOpen = vfs_open;
        state.vfs.xDelete = vfs_delete;
        sqlite3_vfs_register(&state.vfs, 1);
    }
    state.action = action;
    state.at = at;
    state.calls = 0;
}

unsigned fault_vfs_calls(void) {
    return state.calls;
}
