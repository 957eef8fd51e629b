/* Files of the documentation; see docs_file.h. */
#include "docs/docs_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

FILE *docs_file_open(const struct docs_place *place, const char *folder, const char *name) {
    char path[4096];
    const int len = snprintf(path, sizeof path, "%s/%s/%s", place->directory, folder, name);
    if (len < 0 || (size_t)len >= sizeof path) {
        fprintf(stderr, "agentlog_docs: the path of %s is too long\n", name);
        return NULL;
    }
    for (size_t i = strlen(place->directory); path[i] != '\0'; i++) {
        if (path[i] == '/') {
            path[i] = '\0';
            if (mkdir(path, 0777) != 0 && errno != EEXIST) {
                perror(path);
                return NULL;
            }
            path[i] = '/';
        }
    }
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        perror(path);
    }
    return file;
}

bool docs_file_close(FILE *file, const char *name) {
    const bool failed = ferror(file) != 0;
    if (fclose(file) != 0 || failed) {
        perror(name);
        return false;
    }
    return true;
}

bool docs_page_open(const struct docs_place *place, const char *name, const char *section,
                    struct manual *ret_manual) {
    char folder[16];
    char file_name[128];
    snprintf(folder, sizeof folder, "man/man%s", section);
    snprintf(file_name, sizeof file_name, "%s.%s", name, section);
    *ret_manual = (struct manual){.date = place->date, .source = place->source};
    ret_manual->out = docs_file_open(place, folder, file_name);
    if (ret_manual->out == NULL) {
        return false;
    }
    manual_begin(ret_manual, name, section);
    return true;
}

bool docs_page_alias(const struct docs_place *place, const char *name, const char *page,
                     const char *section) {
    char path[4096];
    char target[128];
    snprintf(path, sizeof path, "%s/man/man%s/%s.%s", place->directory, section, name, section);
    snprintf(target, sizeof target, "%s.%s", page, section);
    if (symlink(target, path) != 0) {
        perror(path);
        return false;
    }
    return true;
}
