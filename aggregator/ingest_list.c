#include "ingest_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "format/error.h"

static enum alog_status no_memory(struct alog_error *error) {
    return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory to list a log");
}

void alog_ingest_list_free(struct alog_ingest_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->segments[i].path);
        free(list->sources[i]);
    }
    free(list->segments);
    free(list->sources);
    *list = (struct alog_ingest_list){0};
}

/* Room for `more` further segments. */
static bool reserve(struct alog_ingest_list *list, size_t more) {
    struct alog_segment_path *segments =
        realloc(list->segments, (list->count + more + 1) * sizeof *segments);
    list->segments = segments != NULL ? segments : list->segments;
    struct alog_archive_source **sources =
        realloc(list->sources, (list->count + more + 1) * sizeof(struct alog_archive_source *));
    list->sources = sources != NULL ? sources : list->sources;
    return segments != NULL && sources != NULL;
}

static bool add(struct alog_ingest_list *list, const struct alog_segment_path *file,
                const struct alog_archive_source *source) {
    struct alog_segment_path segment = *file;
    struct alog_archive_source *own = NULL;
    segment.path = strdup(file->path);
    if (segment.path == NULL) {
        return false;
    }
    segment.name = segment.path + (file->name - file->path);
    if (source != NULL) {
        own = malloc(sizeof *own);
        if (own == NULL) {
            free(segment.path);
            return false;
        }
        *own = *source;
    }
    list->segments[list->count] = segment;
    list->sources[list->count++] = own;
    return true;
}

static enum alog_status add_file(struct alog_ingest_list *list,
                                 const struct alog_segment_path *file, struct alog_error *error) {
    struct alog_archive_source *sources = NULL;
    size_t count = 0;
    uint64_t orphans = 0;
    enum alog_status status = ALOG_OK;
    if (file->writer_id == ALOG_ARCHIVE_WRITER_ID && !file->open) {
        status = alog_archive_sources_list(alog_io_system(), file->path, &sources, &count, &orphans,
                                           NULL);
    }
    bool fits = status != ALOG_NO_MEMORY && reserve(list, count + 1);
    if (fits && (count == 0 || orphans > 0)) {
        fits = add(list, file, NULL);
    }
    for (size_t i = 0; fits && i < count; i++) {
        fits = add(list, file, &sources[i]);
    }
    free(sources);
    return fits ? ALOG_OK : no_memory(error);
}

static enum alog_status add_directory(struct alog_ingest_list *list, const char *directory,
                                      struct alog_error *error) {
    struct alog_segment_list files;
    enum alog_status status = alog_segments_list(directory, &files, error);
    if (status != ALOG_OK) {
        return status;
    }
    for (size_t i = 0; status == ALOG_OK && i < files.count; i++) {
        status = add_file(list, &files.segments[i], error);
    }
    alog_segments_free(&files);
    return status;
}

enum alog_status alog_ingest_list_make(const char *log_dir, const char *archive_dir,
                                       struct alog_ingest_list *ret_list,
                                       struct alog_error *error) {
    struct alog_ingest_list list = {0};
    enum alog_status status = reserve(&list, 0) ? ALOG_OK : no_memory(error);
    /* The log first: what is archived meanwhile is then met in the archive at least. */
    if (status == ALOG_OK) {
        status = add_directory(&list, log_dir, error);
    }
    if (status == ALOG_OK && archive_dir != NULL) {
        status = add_directory(&list, archive_dir, error);
    }
    if (status != ALOG_OK) {
        alog_ingest_list_free(&list);
        return status;
    }
    *ret_list = list;
    return ALOG_OK;
}

enum alog_status alog_ingest_list_open(const struct alog_ingest_list *list, size_t index,
                                       alog_damage_fn *damage, void *damage_context,
                                       struct alog_segment_scan **ret_scan,
                                       struct alog_error *error) {
    const char *path = list->segments[index].path;
    const struct alog_io *io = alog_io_system();
    if (list->sources[index] != NULL) {
        return alog_segment_scan_open_source(io, path, list->sources[index], damage, damage_context,
                                             ret_scan, error);
    }
    struct alog_segment_scan *scan;
    enum alog_status status =
        alog_segment_scan_open(io, path, damage, damage_context, &scan, error);
    if (status == ALOG_OK && alog_segment_scan_is_archive(scan)) {
        alog_segment_scan_close(scan);
        return alog_fail(error, ALOG_CORRUPT, 0, -1,
                         "%s: the frame that says which segment it was is damaged for some of this "
                         "archive's blocks: their events cannot be counted",
                         path);
    }
    if (status == ALOG_OK) {
        *ret_scan = scan;
    }
    return status;
}

void alog_ingest_list_label(const struct alog_ingest_list *list, size_t index,
                            char ret_label[ALOG_SEGMENT_LABEL_BYTES]) {
    const struct alog_segment_path *path = &list->segments[index];
    const struct alog_archive_source *source = list->sources[index];
    if (source != NULL) {
        char name[ALOG_SEGMENT_NAME_BYTES];
        alog_segment_name_format(source->created_ns, source->writer_id, source->segment_number,
                                 false, name);
        snprintf(ret_label, ALOG_SEGMENT_LABEL_BYTES, "%.4s-%.2s-%.2s/%s", name, name + 4, name + 6,
                 name);
        return;
    }
    const char *start = path->name;
    if (start > path->path) {
        start--; /* the slash before the file, then back to the one before the day */
        while (start > path->path && start[-1] != '/') {
            start--;
        }
    }
    size_t len = strlen(start);
    if (path->open && len > 5) {
        len -= 5;
    }
    snprintf(ret_label, ALOG_SEGMENT_LABEL_BYTES, "%.*s", (int)len, start);
}

uint64_t alog_ingest_list_bytes(const struct alog_ingest_list *list, size_t index) {
    struct stat facts;
    if (list->sources[index] != NULL) {
        return list->sources[index]->file_bytes;
    }
    return stat(list->segments[index].path, &facts) == 0 ? (uint64_t)facts.st_size : 0;
}
