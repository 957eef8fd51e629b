#include "unfinished_writers.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/error.h"

#define ID_LEN 16

/* <writer id>.writer, and with another suffix while it is made. */
static bool parse_name(const char *name, uint64_t *ret_writer_id) {
    if (strspn(name, "0123456789abcdef") != ID_LEN || strncmp(name + ID_LEN, ".writer", 7) != 0) {
        return false;
    }
    *ret_writer_id = strtoull(name, NULL, 16);
    return true;
}

static bool add(struct alog_unfinished_writers *unfinished, uint64_t writer_id) {
    struct alog_unfinished_writer *grown =
        realloc(unfinished->writers, (unfinished->count + 1) * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    grown[unfinished->count++] = (struct alog_unfinished_writer){.writer_id = writer_id};
    unfinished->writers = grown;
    return true;
}

static enum alog_status read_names(DIR *directory, struct alog_unfinished_writers *unfinished,
                                   struct alog_error *error) {
    const struct dirent *entry;
    uint64_t writer_id;
    errno = 0;
    while ((entry = readdir(directory)) != NULL) {
        if (parse_name(entry->d_name, &writer_id) && !add(unfinished, writer_id)) {
            return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory to list writers");
        }
    }
    return errno == 0 ? ALOG_OK : alog_fail(error, ALOG_IO, errno, -1, "cannot list writers");
}

static struct alog_unfinished_writer *find(const struct alog_unfinished_writers *unfinished,
                                           uint64_t writer_id) {
    for (size_t i = 0; i < unfinished->count; i++) {
        if (unfinished->writers[i].writer_id == writer_id) {
            return &unfinished->writers[i];
        }
    }
    return NULL;
}

static void note_newest(struct alog_unfinished_writers *unfinished,
                        const struct alog_segment_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        const struct alog_segment_path *segment = &list->segments[i];
        struct alog_unfinished_writer *writer = find(unfinished, segment->writer_id);
        if (writer != NULL && !segment->open && segment->number > writer->newest) {
            writer->newest = segment->number;
        }
    }
}

enum alog_status alog_unfinished_writers_find(const char *log_dir,
                                              const struct alog_segment_list *list,
                                              struct alog_unfinished_writers *ret_unfinished,
                                              struct alog_error *error) {
    struct alog_unfinished_writers unfinished = {.count = 0};
    enum alog_status status = ALOG_OK;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/.writers", log_dir);
    DIR *directory = opendir(path);
    if (directory != NULL) {
        status = read_names(directory, &unfinished, error);
        closedir(directory);
    } else if (errno != ENOENT) {
        status = alog_fail(error, ALOG_IO, errno, -1, "cannot open %.256s/.writers", log_dir);
    }
    if (status != ALOG_OK) {
        alog_unfinished_writers_free(&unfinished);
        return status;
    }
    note_newest(&unfinished, list);
    *ret_unfinished = unfinished;
    return ALOG_OK;
}

void alog_unfinished_writers_free(struct alog_unfinished_writers *unfinished) {
    free(unfinished->writers);
    *unfinished = (struct alog_unfinished_writers){.count = 0};
}

bool alog_unfinished_writers_need(const struct alog_unfinished_writers *unfinished,
                                  const struct alog_segment_path *segment) {
    const struct alog_unfinished_writer *writer = find(unfinished, segment->writer_id);
    return writer != NULL && segment->number >= writer->newest;
}
