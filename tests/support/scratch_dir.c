/* Directories of tests; see scratch_dir.h. */
#include "scratch_dir.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *scratch_dir_make(void) {
    const char *base = getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/agentlog-test-XXXXXX", base != NULL ? base : "/tmp");
    return mkdtemp(path) == NULL ? NULL : strdup(path);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

void scratch_dir_remove(char *path) {
    if (path != NULL) {
        nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        free(path);
    }
}

static size_t count_in(const char *dir, const char *suffix, int depth) {
    DIR *stream = depth < 8 ? opendir(dir) : NULL;
    if (stream == NULL) {
        return 0;
    }
    size_t count = 0;
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        size_t len = strlen(entry->d_name);
        size_t suffix_len = strlen(suffix);
        char path[4096];
        if (snprintf(path, sizeof path, "%s/%s", dir, entry->d_name) >= (int)sizeof path) {
            continue;
        }
        count += len >= suffix_len && strcmp(entry->d_name + len - suffix_len, suffix) == 0;
        count += count_in(path, suffix, depth + 1);
    }
    closedir(stream);
    return count;
}

size_t scratch_dir_count(const char *dir, const char *suffix) {
    return dir == NULL ? 0 : count_in(dir, suffix, 0);
}

int scratch_dir_set_up(void **state) {
    *state = scratch_dir_make();
    return *state != NULL ? 0 : -1;
}

int scratch_dir_tear_down(void **state) {
    scratch_dir_remove(*state);
    return 0;
}
