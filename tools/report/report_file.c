#include "report/report_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "messages.h"

#define USUAL_MODE 0640

static enum exit_code refuse(const char *path, int cause) {
    message("cannot write %s: %s", path, strerror(cause));
    return EXIT_FAILED;
}

/* 0, or errno. */
static int write_all(int fd, const char *data, size_t len) {
    while (len > 0) {
        const ssize_t written = write(fd, data, len);
        if (written < 0 && errno != EINTR) {
            return errno;
        }
        if (written > 0) {
            data += written;
            len -= (size_t)written;
        }
    }
    return 0;
}

/* Into what is no file. */
static enum exit_code write_through(const char *path, const char *data, size_t len) {
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return refuse(path, errno);
    }
    const int cause = write_all(fd, data, len);
    close(fd);
    return cause == 0 ? EXIT_FINE : refuse(path, cause);
}

/* Give the new file its content and permissions. 0, or errno. */
static int fill(int fd, mode_t mode, const char *data, size_t len) {
    const int cause = write_all(fd, data, len);
    if (cause != 0) {
        return cause;
    }
    return fchmod(fd, mode) == 0 && fsync(fd) == 0 ? 0 : errno;
}

enum exit_code report_file_put(const char *path, const char *data, size_t len) {
    struct stat there;
    char *fresh = NULL;
    const mode_t mask = umask(0);
    umask(mask);
    mode_t mode = USUAL_MODE & ~mask;
    if (lstat(path, &there) == 0) {
        if (S_ISREG(there.st_mode)) {
            mode = there.st_mode & 0777;
        } else if (!S_ISLNK(there.st_mode)) {
            return write_through(path, data, len);
        }
    }
    if (asprintf(&fresh, "%s.XXXXXX", path) < 0) {
        return refuse(path, ENOMEM);
    }
    const int fd = mkostemp(fresh, O_CLOEXEC);
    int cause = fd < 0 ? errno : fill(fd, mode, data, len);
    if (fd >= 0 && close(fd) != 0 && cause == 0) {
        cause = errno;
    }
    if (cause == 0 && rename(fresh, path) != 0) {
        cause = errno;
    }
    if (cause != 0 && fd >= 0) {
        unlink(fresh);
    }
    free(fresh);
    return cause == 0 ? EXIT_FINE : refuse(path, cause);
}
