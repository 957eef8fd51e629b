/* Finding the segments of a log directory. */
#include <agentlog/reader.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "segment.h"

/* A directory that changes while it is read may show a renamed file under both of its names or
 * under none; it is read again, so often at most. */
#define MAX_READS_OF_A_DAY 5

#define DAY_BYTES 10 /* YYYY-MM-DD */

struct listing {
    struct alog_segment_list list;
    size_t capacity;
    const char *log_dir;
};

static bool is_day(const char *name) {
    for (int i = 0; i < DAY_BYTES; i++) {
        bool fits = i == 4 || i == 7 ? name[i] == '-' : name[i] >= '0' && name[i] <= '9';
        if (!fits) {
            return false;
        }
    }
    return name[DAY_BYTES] == '\0';
}

static enum alog_status no_memory(const struct listing *listing, struct alog_error *error) {
    return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory to list %.256s", listing->log_dir);
}

/* A directory that is no symbolic link, or NULL with errno. */
static DIR *open_directory(int parent, const char *name, int more_flags) {
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | more_flags);
    if (fd < 0) {
        return NULL;
    }
    DIR *directory = fdopendir(fd);
    if (directory == NULL) {
        close(fd);
    }
    return directory;
}

static enum alog_status add_segment(struct listing *listing, const char *day, const char *name,
                                    struct alog_error *error) {
    struct alog_segment_path segment;
    if (!alog_segment_name_parse(name, &segment.start_ns, &segment.writer_id, &segment.number,
                                 &segment.open)) {
        return ALOG_OK;
    }
    if (listing->list.count == listing->capacity) {
        size_t capacity = listing->capacity ? 2 * listing->capacity : 64;
        struct alog_segment_path *grown = realloc(listing->list.segments, capacity * sizeof *grown);
        if (grown == NULL) {
            return no_memory(listing, error);
        }
        listing->list.segments = grown;
        listing->capacity = capacity;
    }
    if (asprintf(&segment.path, "%s/%s/%s", listing->log_dir, day, name) < 0) {
        return no_memory(listing, error);
    }
    segment.name = strrchr(segment.path, '/') + 1;
    listing->list.segments[listing->list.count++] = segment;
    return ALOG_OK;
}

static void cut_list(struct listing *listing, size_t count) {
    while (listing->list.count > count) {
        free(listing->list.segments[--listing->list.count].path);
    }
}

static enum alog_status read_day_once(struct listing *listing, DIR *directory, const char *day,
                                      struct alog_error *error) {
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (entry == NULL) {
            return errno == 0 ? ALOG_OK
                              : alog_fail(error, ALOG_IO, errno, -1, "cannot read %.256s/%s",
                                          listing->log_dir, day);
        }
        /* Also what is no file: whoever opens it is told, and does not take the events that should
         * be there for none. */
        enum alog_status status = add_segment(listing, day, entry->d_name, error);
        if (status != ALOG_OK) {
            return status;
        }
    }
}

static enum alog_status read_day(struct listing *listing, int log_fd, const char *day,
                                 struct alog_error *error) {
    DIR *directory = open_directory(log_fd, day, O_NOFOLLOW);
    if (directory == NULL) {
        int reason = errno;
        struct stat facts;
        if (fstatat(log_fd, day, &facts, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(facts.st_mode)) {
            return alog_fail(error, ALOG_INVALID, 0, -1,
                             "%.256s/%s is a symbolic link; a log's days are its own directories",
                             listing->log_dir, day);
        }
        errno = reason;
        return errno == ENOTDIR || errno == ELOOP || errno == ENOENT
                   ? ALOG_OK
                   : alog_fail(error, ALOG_IO, errno, -1, "cannot open %.256s/%s", listing->log_dir,
                               day);
    }
    size_t before = listing->list.count;
    enum alog_status status = ALOG_OK;
    bool changed = true;
    for (int reads = 0; status == ALOG_OK && changed && reads < MAX_READS_OF_A_DAY; reads++) {
        struct stat first, last;
        cut_list(listing, before);
        rewinddir(directory);
        bool known = fstat(dirfd(directory), &first) == 0;
        status = read_day_once(listing, directory, day, error);
        changed = known && fstat(dirfd(directory), &last) == 0 &&
                  (first.st_mtim.tv_sec != last.st_mtim.tv_sec ||
                   first.st_mtim.tv_nsec != last.st_mtim.tv_nsec);
    }
    closedir(directory);
    return status;
}

static int compare_numbers(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

static int compare_segments(const void *left, const void *right) {
    const struct alog_segment_path *a = left, *b = right;
    int order = strncmp(a->name - DAY_BYTES - 1, b->name - DAY_BYTES - 1, DAY_BYTES);
    if (order == 0) {
        order = (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
    }
    if (order == 0) {
        order = compare_numbers(a->writer_id, b->writer_id);
    }
    if (order == 0) {
        order = compare_numbers(a->number, b->number);
    }
    return order != 0 ? order : (int)a->open - (int)b->open;
}

/* A segment that was sealed while its directory was read, or whose rename was cut short between
 * link and unlink, has two names: the sealed one stays. */
static void drop_doubles(struct alog_segment_list *list) {
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct alog_segment_path *last = kept > 0 ? &list->segments[kept - 1] : NULL;
        size_t len = last ? strlen(last->path) : 0;
        if (last && !last->open && list->segments[i].open &&
            strncmp(last->path, list->segments[i].path, len) == 0) {
            free(list->segments[i].path);
        } else {
            list->segments[kept++] = list->segments[i];
        }
    }
    list->count = kept;
}

static enum alog_status read_days(struct listing *listing, DIR *directory,
                                  struct alog_error *error) {
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (entry == NULL) {
            return errno == 0
                       ? ALOG_OK
                       : alog_fail(error, ALOG_IO, errno, -1, "cannot read %s", listing->log_dir);
        }
        if (!is_day(entry->d_name)) {
            continue;
        }
        enum alog_status status = read_day(listing, dirfd(directory), entry->d_name, error);
        if (status != ALOG_OK) {
            return status;
        }
    }
}

enum alog_status alog_segments_list(const char *log_dir, struct alog_segment_list *ret_list,
                                    struct alog_error *error) {
    DIR *directory = open_directory(AT_FDCWD, log_dir, 0);
    if (directory == NULL) {
        enum alog_status status = errno == ENOENT || errno == ENOTDIR ? ALOG_NOT_FOUND : ALOG_IO;
        return alog_fail(error, status, errno, -1, "cannot open the log directory %.256s", log_dir);
    }
    struct listing listing = {.log_dir = log_dir};
    enum alog_status status = read_days(&listing, directory, error);
    closedir(directory);
    if (status != ALOG_OK) {
        alog_segments_free(&listing.list);
        return status;
    }
    if (listing.list.count > 0) {
        qsort(listing.list.segments, listing.list.count, sizeof *listing.list.segments,
              compare_segments);
        drop_doubles(&listing.list);
    }
    *ret_list = listing.list;
    return ALOG_OK;
}

void alog_segments_free(struct alog_segment_list *list) {
    if (list == NULL) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        free(list->segments[i].path);
    }
    free(list->segments);
    *list = (struct alog_segment_list){0};
}
