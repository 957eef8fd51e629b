#include "writer_counts.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define WRITER_SUFFIX ".writer"

/* A writer holds a lock on its control file that the kernel drops when it dies. */
static void count_writer(struct writer_counts *counts, int directory, const char *name) {
    const int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        counts->unknown++;
    } else if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
        counts->dead++;
    } else {
        counts->alive++;
    }
    if (fd >= 0) {
        close(fd);
    }
}

void writer_counts_add(struct writer_counts *counts, const char *log_dir) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/.writers", log_dir);
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return;
    }
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        const size_t len = strlen(entry->d_name);
        const size_t suffix = strlen(WRITER_SUFFIX);
        if (len > suffix && strcmp(entry->d_name + len - suffix, WRITER_SUFFIX) == 0) {
            count_writer(counts, dirfd(directory), entry->d_name);
        }
    }
    closedir(directory);
}
