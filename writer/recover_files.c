/* What lies in a log directory, unfinished and half-made segments included. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/error.h"
#include "recover_state.h"

#define RECOVERING_SUFFIX ".recovering"

struct listing {
    struct alog_log_files files;
    size_t capacity;
    const char *log_dir;
};

/* Directories named like days; others hold nothing of ours. */
static bool is_day(const char *name) {
    size_t len = strlen(name);
    return len == 10 && strspn(name, "0123456789-") == len && name[4] == '-' && name[7] == '-';
}

/* What a name says; false: it is no segment's. */
static bool parse_name(const char *name, struct alog_log_file *file) {
    char stem[ALOG_SEGMENT_NAME_BYTES];
    size_t len = strlen(name);
    size_t suffix = strlen(RECOVERING_SUFFIX);
    bool open;
    file->kind = ALOG_FILE_SEALED;
    if (len > suffix && strcmp(name + len - suffix, RECOVERING_SUFFIX) == 0) {
        len -= suffix;
        file->kind = ALOG_FILE_RECOVERING;
    }
    if (len >= sizeof stem) {
        return false;
    }
    memcpy(stem, name, len);
    stem[len] = '\0';
    if (!alog_segment_name_parse(stem, &file->start_ns, &file->writer_id, &file->number, &open)) {
        return false;
    }
    if (open && file->kind == ALOG_FILE_RECOVERING) {
        return false;
    }
    file->kind = open ? ALOG_FILE_OPEN : file->kind;
    return true;
}

static enum alog_status no_memory(const struct listing *listing, struct alog_error *error) {
    return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory to list %.256s", listing->log_dir);
}

static enum alog_status add_file(struct listing *listing, const char *day, const char *name,
                                 struct alog_error *error) {
    struct alog_log_file file = {0};
    if (!parse_name(name, &file)) {
        return ALOG_OK;
    }
    struct alog_log_files *files = &listing->files;
    if (files->count == listing->capacity) {
        size_t capacity = listing->capacity == 0 ? 64 : 2 * listing->capacity;
        struct alog_log_file *grown = realloc(files->files, capacity * sizeof *grown);
        if (grown == NULL) {
            return no_memory(listing, error);
        }
        files->files = grown;
        listing->capacity = capacity;
    }
    if (asprintf(&file.path, "%s/%s/%s", listing->log_dir, day, name) < 0) {
        return no_memory(listing, error);
    }
    files->files[files->count++] = file;
    return ALOG_OK;
}

static enum alog_status read_day(struct listing *listing, int log_fd, const char *day,
                                 struct alog_error *error) {
    int fd = openat(log_fd, day, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (directory == NULL) {
        int reason = errno;
        struct stat facts;
        if (fd >= 0) {
            close(fd);
        } else if (fstatat(log_fd, day, &facts, AT_SYMLINK_NOFOLLOW) == 0 &&
                   S_ISLNK(facts.st_mode)) {
            return alog_fail(error, ALOG_INVALID, 0, -1,
                             "%.256s/%s is a symbolic link; a log's days are its own directories",
                             listing->log_dir, day);
        }
        return reason == ENOTDIR || reason == ELOOP || reason == ENOENT
                   ? ALOG_OK
                   : alog_fail(error, ALOG_IO, reason, -1, "cannot open %.256s/%s",
                               listing->log_dir, day);
    }
    enum alog_status status = ALOG_OK;
    const struct dirent *entry;
    errno = 0;
    while (status == ALOG_OK && (entry = readdir(directory)) != NULL) {
        if (entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN) {
            status = add_file(listing, day, entry->d_name, error);
        }
        errno = 0;
    }
    if (status == ALOG_OK && errno != 0) {
        status =
            alog_fail(error, ALOG_IO, errno, -1, "cannot read %.256s/%s", listing->log_dir, day);
    }
    closedir(directory);
    return status;
}

static int compare(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

static int compare_files(const void *left, const void *right) {
    const struct alog_log_file *a = left;
    const struct alog_log_file *b = right;
    int order = compare(a->writer_id, b->writer_id);
    order = order != 0 ? order : compare(a->number, b->number);
    order = order != 0 ? order : compare((uint64_t)a->start_ns, (uint64_t)b->start_ns);
    return order != 0 ? order : compare(a->kind, b->kind);
}

enum alog_status alog_log_files_list(const char *log_dir, struct alog_log_files *ret_files,
                                     struct alog_error *error) {
    DIR *directory = opendir(log_dir);
    if (directory == NULL) {
        enum alog_status status = errno == ENOENT || errno == ENOTDIR ? ALOG_NOT_FOUND : ALOG_IO;
        return alog_fail(error, status, errno, -1, "cannot open the log directory %.256s", log_dir);
    }
    struct listing listing = {.log_dir = log_dir};
    enum alog_status status = ALOG_OK;
    const struct dirent *entry;
    errno = 0;
    while (status == ALOG_OK && (entry = readdir(directory)) != NULL) {
        if (is_day(entry->d_name)) {
            status = read_day(&listing, dirfd(directory), entry->d_name, error);
        }
        errno = 0;
    }
    if (status == ALOG_OK && errno != 0) {
        status = alog_fail(error, ALOG_IO, errno, -1, "cannot read %.256s", log_dir);
    }
    closedir(directory);
    if (status != ALOG_OK) {
        alog_log_files_free(&listing.files);
        return status;
    }
    if (listing.files.count > 0) {
        qsort(listing.files.files, listing.files.count, sizeof *listing.files.files, compare_files);
    }
    *ret_files = listing.files;
    return ALOG_OK;
}

void alog_log_files_free(struct alog_log_files *files) {
    for (size_t i = 0; i < files->count; i++) {
        free(files->files[i].path);
    }
    free(files->files);
    *files = (struct alog_log_files){0};
}

struct alog_log_files alog_log_files_of(const struct alog_log_files *files, uint64_t writer_id) {
    size_t first = 0;
    while (first < files->count && files->files[first].writer_id < writer_id) {
        first++;
    }
    size_t end = first;
    while (end < files->count && files->files[end].writer_id == writer_id) {
        end++;
    }
    return (struct alog_log_files){files->files + first, end - first};
}
