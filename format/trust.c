/* Whom a log directory may be trusted to; see trust.h. */
#include "trust.h"

#include <fcntl.h>

#include "error.h"

/* O_PATH: looking needs no right to read, and a link itself can be looked at. */
static enum alog_status look(const struct alog_io *io, const char *path, int flags,
                             uid_t *ret_owner, struct alog_error *error) {
    struct stat facts;
    int fd = io->open(io->context, path, O_PATH | flags, 0);
    if (fd < 0) {
        return ALOG_OK;
    }
    int result = io->fstat(io->context, fd, &facts);
    io->close(io->context, fd);
    if (result < 0) {
        return alog_fail(error, ALOG_IO, -result, -1, "cannot look at %.256s", path);
    }
    if (S_ISLNK(facts.st_mode)) {
        return alog_fail(error, ALOG_INVALID, 0, -1,
                         "%.256s is a symbolic link; the log has a directory of its own there",
                         path);
    }
    if (S_ISDIR(facts.st_mode) && (facts.st_mode & S_IWOTH) != 0) {
        return alog_fail(error, ALOG_INVALID, 0, -1,
                         "everybody may write to %.256s; a log must be its owner's and group's "
                         "alone (chmod o-w)",
                         path);
    }
    if (ret_owner != NULL) {
        *ret_owner = facts.st_uid;
    }
    return ALOG_OK;
}

enum alog_status alog_trust_log_dir(const struct alog_io *io, const char *log_dir, uid_t *ret_owner,
                                    struct alog_error *error) {
    return look(io, log_dir, O_DIRECTORY, ret_owner, error);
}

enum alog_status alog_trust_own_dir(const struct alog_io *io, const char *path,
                                    struct alog_error *error) {
    return look(io, path, O_NOFOLLOW, NULL, error);
}
