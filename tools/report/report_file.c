#include "report/report_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
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

/*
 * The file beside the old one, empty and this process's alone; one that a killed run left is used
 * again. -errno on failure.
 */
static int open_fresh(const char *fresh) {
    for (;;) {
        struct stat opened, named;
        const int fd = open(fresh, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
        if (fd < 0) {
            return -errno;
        }
        int cause = 0;
        if (flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &opened) != 0) {
            cause = errno == EWOULDBLOCK ? EBUSY : errno;
        } else if (!S_ISREG(opened.st_mode)) {
            cause = EEXIST;
        } else if (lstat(fresh, &named) == 0 && named.st_ino == opened.st_ino &&
                   named.st_dev == opened.st_dev) {
            cause = ftruncate(fd, 0) == 0 ? 0 : errno;
            if (cause == 0) {
                return fd;
            }
        }
        close(fd);
        if (cause != 0) {
            return -cause;
        }
        /* Another run has just given it its final name. */
    }
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
    if (asprintf(&fresh, "%s.new", path) < 0) {
        return refuse(path, ENOMEM);
    }
    const int fd = open_fresh(fresh);
    int cause = fd < 0 ? -fd : fill(fd, mode, data, len);
    if (cause == 0 && rename(fresh, path) != 0) {
        cause = errno;
    }
    if (fd >= 0 && cause != 0) {
        unlink(fresh);
    }
    if (fd >= 0) {
        close(fd); /* and the lock with it */
    }
    free(fresh);
    return cause == 0 ? EXIT_FINE : refuse(path, cause);
}
