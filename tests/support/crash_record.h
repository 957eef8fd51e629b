/* What crash_io.c records and crash_state.c makes states of. */
#ifndef AGENTLOG_TESTS_SUPPORT_CRASH_RECORD_H
#define AGENTLOG_TESTS_SUPPORT_CRASH_RECORD_H

#include <pthread.h>

#include "crash_io.h"

#define NO_INODE UINT32_MAX
#define MAX_FDS  1024

enum crash_op_kind {
    OP_CREATE, /* path, inode; inode NO_INODE: a directory */
    OP_RENAME, /* path to path_to */
    OP_UNLINK, /* path */
    OP_SYNC_DIR,
    OP_WRITE, /* inode, offset, bytes */
    OP_RESIZE,
    OP_SYNC,
    OP_SYNC_FAILED,
    OP_PROMISE
};

struct crash_op {
    enum crash_op_kind kind;
    uint32_t inode;
    char *path, *path_to; /* relative to the root */
    uint64_t offset;      /* also: the new size, the promise */
    uint8_t *bytes;
    size_t count;
};

/* A descriptor of something below the root. */
struct crash_file {
    uint32_t inode; /* NO_INODE: a directory, or not ours */
    char *dir;      /* of a directory: its path */
};

struct crash_name {
    char *path;
    uint32_t inode;
};

struct crash_names {
    struct crash_name *all;
    size_t count, capacity;
};

struct crash_io {
    struct alog_io io;
    char *root;
    pthread_mutex_t mutex;
    struct crash_op *ops;
    size_t count, capacity;
    struct crash_file files[MAX_FDS];
    struct crash_names names; /* as they are now */
    uint32_t inodes;
    int failing_syncs;
    _Atomic int64_t shift_ns;
};

/* Names as calls make, move and remove them. */
struct crash_name *crash_find_name(const struct crash_names *names, const char *path);
void crash_apply_name(struct crash_names *names, const struct crash_op *op);
void crash_free_names(struct crash_names *names);

/* The length of a path's directory; 0 = the root. */
size_t crash_dir_length(const char *path);

/* Does a call before `at` make this one durable? */
bool crash_is_synced(const struct crash_io *disk, size_t index, size_t at);

#endif
