#include "archive_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

#include "format/archive_source.h"
#include "format/error.h"
#include "format/segment_writing.h"
#include "format/trust.h"

#define LOCK_NAME ".archive.lock"

static enum alog_status check_options(struct alog_archive_options *options,
                                      struct alog_error *error) {
    struct {
        const char *name;
        uint64_t value, minimum, maximum;
    } const bounds[] = {
        {"compression_level", (uint64_t)options->compression_level, 1, 19},
        {"block_bytes", options->block_bytes, 64u << 10, 8u << 20},
        {"file_bytes", options->file_bytes, 1u << 20, UINT64_C(16) << 30},
    };
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        if (bounds[i].value < bounds[i].minimum || bounds[i].value > bounds[i].maximum) {
            return alog_fail(error, ALOG_INVALID, 0, -1, "%s is %llu; it may be %llu to %llu",
                             bounds[i].name, (unsigned long long)bounds[i].value,
                             (unsigned long long)bounds[i].minimum,
                             (unsigned long long)bounds[i].maximum);
        }
    }
    return ALOG_OK;
}

enum alog_status alog_archive_fill_options(const struct alog_archive_options *given,
                                           struct alog_archive_options *options,
                                           struct alog_error *error) {
    *options = (struct alog_archive_options)ALOG_ARCHIVE_OPTIONS_INIT;
    if (given != NULL) {
        if (given->struct_bytes == 0 || given->struct_bytes > sizeof *options) {
            return alog_fail(error, ALOG_INVALID, 0, -1,
                             "struct_bytes is %zu; start from ALOG_ARCHIVE_OPTIONS_INIT",
                             given->struct_bytes);
        }
        memcpy(options, given, given->struct_bytes);
    }
    if (options->io == NULL) {
        options->io = alog_io_system();
    }
    if (!options->before_ns.present) {
        options->before_ns = ALOG_I64(options->io->realtime_ns(options->io->context));
    }
    options->compression_level = options->compression_level ? options->compression_level : 19;
    options->block_bytes = options->block_bytes ? options->block_bytes : 1u << 20;
    options->file_bytes = options->file_bytes ? options->file_bytes : 1u << 30;
    return check_options(options, error);
}

/* The lock is the kernel's: a killed run leaves none. */
enum alog_status alog_archive_lock(const struct alog_io *io, const char *archive_dir, int *ret_fd,
                                   struct alog_error *error) {
    char path[PATH_MAX];
    int result = alog_io_make_dirs(io, archive_dir, ALOG_DIRECTORY_MODE);
    if (result == 0) {
        result = alog_io_sync_name(io, archive_dir); /* or all that is moved into it may go */
    }
    if (result < 0) {
        return alog_fail(error, result == -EROFS ? ALOG_READ_ONLY : ALOG_IO, -result, -1,
                         "cannot create the archive %.256s", archive_dir);
    }
    enum alog_status status = alog_trust_log_dir(io, archive_dir, NULL, error);
    if (status != ALOG_OK) {
        return status;
    }
    snprintf(path, sizeof path, "%s/" LOCK_NAME, archive_dir);
    int fd = io->open(io->context, path, O_RDWR | O_CREAT | O_NOFOLLOW, ALOG_FILE_MODE);
    if (fd < 0) {
        return alog_fail(error, ALOG_IO, -fd, -1, "cannot open %s", path);
    }
    result = io->lock(io->context, fd);
    if (result == -EWOULDBLOCK) {
        io->close(io->context, fd);
        return alog_fail(error, ALOG_LOCKED, 0, -1, "another process is archiving into %.256s",
                         archive_dir);
    }
    *ret_fd = fd;
    return ALOG_OK;
}

/* What a killed run left half made, in the directory of a day. */
void alog_archive_sweep_day(const struct alog_io *io, const char *archive_dir, const char *day) {
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/%.10s", archive_dir, day);
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return;
    }
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        size_t name_len = strlen(entry->d_name);
        const size_t suffix = sizeof ALOG_ARCHIVING_SUFFIX - 1;
        if (name_len > suffix &&
            strcmp(entry->d_name + name_len - suffix, ALOG_ARCHIVING_SUFFIX) == 0 &&
            (size_t)len + 1 + name_len < sizeof path) {
            path[len] = '/';
            strcpy(path + len + 1, entry->d_name);
            io->unlink(io->context, path);
            path[len] = '\0';
        }
    }
    closedir(directory);
}
