/* The states that a crash may leave; see crash_io.h. */
#include "crash_record.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR 512u

static void *must(void *memory) {
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static const struct alog_io *real(void) {
    return alog_io_system();
}

/* How the crash is: from "everything got there", as at a kill, to "nothing did". */
struct crash {
    const struct crash_io *disk;
    struct test_random *random;
    size_t at;
    uint32_t percent; /* of what is not synced, so much got there */
    bool in_order;    /* … and it is what came first */
    size_t reached;   /* up to this call, if in order */
    bool stale;       /* what did not, shows what lay on the disk before, else zeros */
};

static bool happens(struct crash *crash, size_t index) {
    if (crash->in_order) {
        return index < crash->reached;
    }
    return test_random_below(crash->random, 100) < crash->percent;
}

struct content {
    uint8_t *bytes;
    uint64_t size, capacity;
};

static void grow(struct content *content, uint64_t size) {
    if (size > content->capacity) {
        content->bytes = must(realloc(content->bytes, size));
        memset(content->bytes + content->capacity, 0, size - content->capacity);
        content->capacity = size;
    }
}

static void set_size(struct content *content, uint64_t size, bool cut) {
    grow(content, size);
    if (cut && size < content->capacity) {
        memset(content->bytes + size, 0, content->capacity - size);
    }
    content->size = size;
}

/*
 * Bytes of another file, so that they look like ours; and any bytes in a file of which nothing is
 * safe yet: with another file's header it would simply be that other file.
 */
static void put_stale(struct crash *crash, uint8_t *to, size_t count, uint32_t inode, bool ours) {
    const struct crash_io *disk = crash->disk;
    for (size_t i = 0; i < count; i++) {
        to[i] = (uint8_t)test_random_next(crash->random);
    }
    size_t start = test_random_below(crash->random, (uint32_t)disk->count);
    for (size_t i = 0; i < disk->count && ours; i++) {
        const struct crash_op *op = &disk->ops[(start + i) % disk->count];
        if (op->kind == OP_WRITE && op->inode != inode) {
            memcpy(to, op->bytes, op->count < count ? op->count : count);
            return;
        }
    }
}

/*
 * A write whose sectors got there, or not, each by itself. What gets there is the sector as it was
 * in memory then, with all that was written to it before: `now`.
 */
static void write_some(struct crash *crash, struct content *content, const struct content *now,
                       size_t index, bool any_safe) {
    const struct crash_op *op = &crash->disk->ops[index];
    uint64_t end = op->offset + op->count;
    grow(content, end);
    bool torn = crash->in_order && index + 1 == crash->reached;
    uint64_t tear = torn ? op->offset + test_random_below(crash->random, (uint32_t)op->count) : 0;
    for (uint64_t at = op->offset / SECTOR * SECTOR; at < end; at += SECTOR) {
        uint64_t next = at + SECTOR < end ? at + SECTOR : end;
        if (torn ? next <= tear : happens(crash, index)) {
            memcpy(content->bytes + at, now->bytes + at, next - at);
        } else if (crash->stale && at >= content->size) {
            put_stale(crash, content->bytes + at, next - at, op->inode, any_safe);
        }
    }
}

static void write_all(struct content *content, const struct crash_op *op, uint64_t size) {
    grow(content, op->offset + op->count);
    if (op->kind == OP_WRITE) {
        memcpy(content->bytes + op->offset, op->bytes, op->count);
    }
    set_size(content, size, op->kind == OP_RESIZE);
}

static struct content file_content(struct crash *crash, uint32_t inode) {
    const struct crash_io *disk = crash->disk;
    struct content content = {0};
    struct content now = {0}; /* as the calls made it */
    bool any_safe = false;
    for (size_t i = 0; i < crash->at; i++) {
        const struct crash_op *op = &disk->ops[i];
        if (op->inode != inode || (op->kind != OP_WRITE && op->kind != OP_RESIZE)) {
            continue;
        }
        uint64_t end = op->offset + op->count;
        uint64_t size = op->kind == OP_RESIZE ? op->offset : now.size > end ? now.size : end;
        write_all(&now, op, size);
        if (crash_is_synced(disk, i, crash->at)) {
            write_all(&content, op, size);
            any_safe = true;
            continue;
        }
        if (op->kind == OP_WRITE) {
            write_some(crash, &content, &now, i, any_safe);
        }
        if (happens(crash, i)) {
            set_size(&content, size, op->kind == OP_RESIZE);
        }
    }
    free(now.bytes);
    return content;
}

static struct crash_names surviving_names(struct crash *crash) {
    struct crash_names names = {0};
    for (size_t i = 0; i < crash->at; i++) {
        const struct crash_op *op = &crash->disk->ops[i];
        if (op->kind <= OP_UNLINK &&
            (crash_is_synced(crash->disk, i, crash->at) || happens(crash, i))) {
            crash_apply_name(&names, op);
        }
    }
    return names;
}

/* Is every directory on the way there? */
static bool is_reachable(const struct crash_names *names, const char *path) {
    char dir[PATH_MAX];
    snprintf(dir, sizeof dir, "%s", path);
    for (size_t len = crash_dir_length(dir); len > 0; len = crash_dir_length(dir)) {
        dir[len] = '\0';
        if (crash_find_name(names, dir) == NULL) {
            return false;
        }
    }
    return true;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(((const struct crash_name *)a)->path, ((const struct crash_name *)b)->path);
}

static void make_file(const char *path, const struct content *content) {
    int fd = real()->open(NULL, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    struct iovec part = {content->bytes, content->size};
    if (fd < 0 || alog_io_write_all(real(), fd, &part, 1, 0) < 0 || real()->close(NULL, fd) < 0) {
        abort();
    }
}

static void choose(struct crash *crash) {
    static const uint32_t percents[] = {0, 10, 50, 90, 100};
    crash->percent = percents[test_random_below(crash->random, 5)];
    crash->in_order = test_random_below(crash->random, 3) == 0;
    crash->reached = test_random_below(crash->random, (uint32_t)crash->at + 1);
    crash->stale = test_random_below(crash->random, 4) == 0;
}

uint64_t crash_io_state(struct crash_io *disk, size_t at, struct test_random *random,
                        const char *to) {
    struct crash crash = {.disk = disk, .random = random, .at = at};
    choose(&crash);
    uint64_t promised = 0;
    for (size_t i = 0; i < at; i++) {
        promised = disk->ops[i].kind == OP_PROMISE ? disk->ops[i].offset : promised;
    }
    struct crash_names names = surviving_names(&crash);
    if (names.count > 0) {
        qsort(names.all, names.count, sizeof *names.all, compare_names);
    }
    for (size_t i = 0; i < names.count; i++) {
        const struct crash_name *name = &names.all[i];
        char path[PATH_MAX];
        if (!is_reachable(&names, name->path) ||
            snprintf(path, sizeof path, "%s/%s", to, name->path) >= (int)sizeof path) {
            continue;
        }
        if (name->inode == NO_INODE) {
            if (real()->mkdir(NULL, path, 0700) < 0) {
                abort();
            }
            continue;
        }
        struct content content = file_content(&crash, name->inode);
        make_file(path, &content);
        free(content.bytes);
    }
    crash_free_names(&names);
    return promised;
}
