/* Archiving: which segments, in which files, and in which order nothing can be lost. */
#include <agentlog/archive.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive_manifest.h"
#include "archive_merge.h"
#include "archive_place.h"
#include "format/error.h"
#include "format/segment_writing.h"
#include "format/trust.h"
#include "unfinished_writers.h"

#define DAY_NS     INT64_C(86400000000000)
#define DAY_LENGTH 10 /* YYYY-MM-DD */

/* A segment on its way into the file that is being made. */
struct taken {
    const char *path;
    struct alog_archive_source source;
};

/* A source that the archive has of the day at hand. */
struct present {
    char *path; /* of the archive file */
    struct alog_archive_source source;
};

struct archiving {
    const struct alog_archive_options *options;
    const struct alog_io *io;
    const char *log_dir, *archive_dir;
    struct alog_merge_options merge;
    struct alog_redaction redaction;
    struct alog_archive_report *report;
    struct alog_error *error;
    struct alog_segment_list archived; /* the archive's files */
    struct alog_unfinished_writers unfinished;
    struct present *present;
    size_t present_count;
    struct taken *taken; /* as many as the log has segments */
    size_t taken_count;
    uint64_t taken_raw_bytes;
    struct alog_segment_writer *file; /* NULL = none is being made */
    uint64_t done_bytes, total_bytes;
};

static void tell(const struct archiving *run, enum alog_archive_step step, const char *path,
                 const char *reason) {
    if (run->options->tell != NULL) {
        run->options->tell(run->options->tell_context, step, path, reason);
    }
}

static enum alog_status no_memory(const struct archiving *run) {
    return alog_fail(run->error, ALOG_NO_MEMORY, 0, -1, "no memory to archive %.256s",
                     run->log_dir);
}

/* ---- What the archive has of a day ---- */

static const char *day_of(const struct alog_segment_path *segment) {
    return segment->name - DAY_LENGTH - 1;
}

static void forget_present(struct archiving *run) {
    for (size_t i = 0; i < run->present_count; i++) {
        free(run->present[i].path);
    }
    free(run->present);
    run->present = NULL;
    run->present_count = 0;
}

static enum alog_status add_present(struct archiving *run, const char *path) {
    struct alog_archive_source *sources = NULL;
    size_t count = 0;
    enum alog_status status =
        alog_archive_sources_list(run->io, path, &sources, &count, NULL, run->error);
    if (status != ALOG_OK) {
        return status;
    }
    struct present *grown = realloc(run->present, (run->present_count + count + 1) * sizeof *grown);
    if (grown == NULL) {
        free(sources);
        return no_memory(run);
    }
    run->present = grown;
    for (size_t i = 0; i < count; i++) {
        struct present *present = &run->present[run->present_count];
        present->source = sources[i];
        present->path = strdup(path);
        if (present->path == NULL) {
            free(sources);
            return no_memory(run);
        }
        run->present_count++;
    }
    free(sources);
    return ALOG_OK;
}

static enum alog_status ensure_manifest(struct archiving *run, const char *path) {
    char manifest[PATH_MAX];
    snprintf(manifest, sizeof manifest, "%s" ALOG_MANIFEST_SUFFIX, path);
    return access(manifest, F_OK) == 0 ? ALOG_OK : alog_manifest_write(run->io, path, run->error);
}

/* The archive's files of the day, each with its manifest, and what they hold. */
static enum alog_status find_present(struct archiving *run, const char *day) {
    enum alog_status status = ALOG_OK;
    forget_present(run);
    for (size_t i = 0; status == ALOG_OK && i < run->archived.count; i++) {
        const struct alog_segment_path *file = &run->archived.segments[i];
        if (strncmp(day_of(file), day, DAY_LENGTH) == 0 && !file->open) {
            status = add_present(run, file->path);
            if (status == ALOG_OK) {
                status = ensure_manifest(run, file->path);
            }
        }
    }
    return status;
}

static const struct present *find_source(const struct archiving *run, const uint8_t file_id[16]) {
    for (size_t i = 0; i < run->present_count; i++) {
        if (memcmp(run->present[i].source.file_id, file_id, 16) == 0) {
            return &run->present[i];
        }
    }
    return NULL;
}

/* ---- Removing ---- */

static enum alog_status remove_segment(struct archiving *run, const char *path) {
    if (run->options->keep_segments) {
        return ALOG_OK;
    }
    int result = run->io->unlink(run->io->context, path);
    if (result < 0 && result != -ENOENT) {
        return alog_fail(run->error, ALOG_IO, -result, -1, "cannot remove %s", path);
    }
    run->report->segments_removed++;
    tell(run, ALOG_ARCHIVE_REMOVED, path, "");
    return ALOG_OK;
}

/* The removals last; a day without segments has no directory. */
static enum alog_status settle_day(struct archiving *run, const char *day) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%.10s", run->log_dir, day);
    int result = alog_io_sync_dir(run->io, path);
    if (rmdir(path) == 0) {
        result = alog_io_sync_dir(run->io, run->log_dir);
    }
    return result < 0 && result != -ENOENT
               ? alog_fail(run->error, ALOG_IO, -result, -1, "cannot sync %s", path)
               : ALOG_OK;
}

static void leave(struct archiving *run, const char *path, const struct alog_error *why) {
    run->report->segments_left++;
    tell(run, ALOG_ARCHIVE_LEFT, path, why->message);
}

/* ---- One archive file ---- */

/* A file's name carries a time; the number tells several of one day apart. */
static enum alog_status begin_file(struct archiving *run, const struct alog_archive_source *first) {
    uint64_t number = 1;
    for (size_t i = 0; i < run->archived.count; i++) {
        if (run->archived.segments[i].number >= number) {
            number = run->archived.segments[i].number + 1;
        }
    }
    number += run->report->files;
    return alog_segment_create_archive(run->io, run->archive_dir, first->created_ns, number,
                                       &run->file, run->error);
}

static enum alog_status compare_all(struct archiving *run, const char *path) {
    struct alog_archive_source *sources = NULL;
    size_t count = 0;
    enum alog_status status =
        alog_archive_sources_list(run->io, path, &sources, &count, NULL, run->error);
    if (status == ALOG_OK && count != run->taken_count) {
        status = alog_fail(run->error, ALOG_CORRUPT, 0, -1,
                           "%s does not hold what was written to it", path);
    }
    for (size_t i = 0; status == ALOG_OK && i < count; i++) {
        struct alog_error why = {0};
        status = alog_archive_compare(run->io, run->taken[i].path, NULL, path, &sources[i], &why);
        if (status != ALOG_OK) {
            alog_fail(run->error, status, 0, -1, "%s: %.256s; nothing was removed",
                      run->taken[i].path, why.message);
        }
    }
    free(sources);
    return status;
}

static enum alog_status publish(struct archiving *run, char final_path[PATH_MAX]) {
    struct alog_segment_writer *file = run->file;
    const char *path = alog_segment_path(file);
    enum alog_status status = alog_segment_complete(file, true, run->error);
    if (status == ALOG_OK) {
        status = compare_all(run, path);
    }
    if (status != ALOG_OK) {
        alog_segment_discard(file);
        run->file = NULL;
        return status;
    }
    size_t len = strlen(path) - (sizeof ALOG_ARCHIVING_SUFFIX - 1);
    memcpy(final_path, path, len);
    final_path[len] = '\0';
    run->report->bytes_after += alog_segment_bytes(file);
    run->file = NULL;
    return alog_segment_publish(file, true, run->error);
}

/* Make the file what readers see, then let go of what it replaces. */
static enum alog_status end_file(struct archiving *run) {
    char path[PATH_MAX];
    if (run->file == NULL) {
        return ALOG_OK;
    }
    enum alog_status status = publish(run, path);
    if (status == ALOG_OK) {
        status = alog_manifest_write(run->io, path, run->error);
    }
    if (status != ALOG_OK) {
        return status;
    }
    run->report->files++;
    run->report->segments += run->taken_count;
    run->report->raw_bytes += run->taken_raw_bytes;
    tell(run, ALOG_ARCHIVE_FILE, path, "");
    for (size_t i = 0; status == ALOG_OK && i < run->taken_count; i++) {
        run->report->events += run->taken[i].source.events;
        run->report->bytes_before += run->taken[i].source.file_bytes;
        tell(run, ALOG_ARCHIVE_MERGED, run->taken[i].path, "");
        status = remove_segment(run, run->taken[i].path);
    }
    run->taken_count = 0;
    run->taken_raw_bytes = 0;
    return status;
}

/* ---- One segment ---- */

static enum alog_status take_segment(struct archiving *run, const struct alog_segment_path *segment,
                                     struct alog_archive_source *source) {
    enum alog_status status = ALOG_OK;
    if (run->file != NULL && alog_segment_bytes(run->file) >= run->options->file_bytes) {
        status = end_file(run);
    }
    if (status == ALOG_OK && run->file == NULL) {
        status = begin_file(run, source);
    }
    if (status != ALOG_OK) {
        return status;
    }
    source->number = (uint32_t)run->taken_count + 1;
    run->taken[run->taken_count++] = (struct taken){segment->path, *source};
    return alog_archive_merge(run->io, segment->path, NULL, source, &run->merge, &run->redaction,
                              run->file, run->error);
}

static enum alog_status look_at(struct archiving *run, const struct alog_segment_path *segment) {
    struct alog_archive_source source;
    struct alog_error why = {0};
    uint64_t raw_bytes = 0;
    if (segment->open) {
        run->report->segments_unsealed++;
        tell(run, ALOG_ARCHIVE_UNSEALED, segment->path, "");
        return ALOG_OK;
    }
    if (alog_unfinished_writers_need(&run->unfinished, segment)) {
        run->report->segments_needed++;
        tell(run, ALOG_ARCHIVE_NEEDED, segment->path, "");
        return ALOG_OK;
    }
    enum alog_status status =
        alog_archive_examine(run->io, segment->path, &run->redaction, &source, &raw_bytes, &why);
    const struct present *present = status == ALOG_OK ? find_source(run, source.file_id) : NULL;
    if (status == ALOG_OK && present != NULL) {
        status = alog_archive_compare(run->io, segment->path, NULL, present->path, &present->source,
                                      &why);
        if (status == ALOG_OK) {
            return remove_segment(run, segment->path);
        }
    }
    if (status == ALOG_CORRUPT || status == ALOG_UNSUPPORTED || status == ALOG_NOT_FOUND) {
        leave(run, segment->path, &why);
        return ALOG_OK;
    }
    if (status != ALOG_OK) {
        return alog_fail(run->error, status, 0, -1, "%s: %.256s", segment->path, why.message);
    }
    run->taken_raw_bytes += raw_bytes;
    return take_segment(run, segment, &source);
}

/* ---- A day, and all of them ---- */

static enum alog_status archive_day(struct archiving *run, const struct alog_segment_path *segments,
                                    size_t count) {
    const char *day = day_of(segments);
    const uint64_t files = run->report->files;
    enum alog_status status = find_present(run, day);
    for (size_t i = 0; status == ALOG_OK && i < count; i++) {
        struct stat facts;
        status = look_at(run, &segments[i]);
        run->done_bytes += stat(segments[i].path, &facts) == 0 ? (uint64_t)facts.st_size : 0;
        if (run->options->progress != NULL) {
            run->options->progress(run->options->progress_context, run->done_bytes,
                                   run->total_bytes);
        }
    }
    if (status == ALOG_OK) {
        status = end_file(run);
    }
    if (status == ALOG_OK && !run->options->keep_segments) {
        status = settle_day(run, day);
    }
    run->report->days += run->report->files > files;
    return status;
}

/* Days begin at multiples of DAY_NS: there are no leap seconds in this time. */
static bool is_over(const struct archiving *run, const struct alog_segment_path *segment) {
    return segment->start_ns - segment->start_ns % DAY_NS + DAY_NS <= run->options->before_ns.value;
}

static enum alog_status archive_days(struct archiving *run, const struct alog_segment_list *list) {
    enum alog_status status = ALOG_OK;
    for (size_t i = 0; i < list->count; i++) {
        struct stat facts;
        if (is_over(run, &list->segments[i]) && stat(list->segments[i].path, &facts) == 0) {
            run->total_bytes += (uint64_t)facts.st_size;
        }
    }
    for (size_t i = 0; i < run->archived.count; i++) {
        alog_archive_sweep_day(run->io, run->archive_dir, day_of(&run->archived.segments[i]));
    }
    for (size_t i = 0; status == ALOG_OK && i < list->count;) {
        size_t end = i + 1;
        const char *day = day_of(&list->segments[i]);
        while (end < list->count && strncmp(day_of(&list->segments[end]), day, DAY_LENGTH) == 0) {
            end++;
        }
        if (is_over(run, &list->segments[i])) {
            alog_archive_sweep_day(run->io, run->archive_dir, day);
            status = archive_day(run, &list->segments[i], end - i);
        }
        i = end;
    }
    return status;
}

static enum alog_status archive_list(struct archiving *run, const struct alog_segment_list *list) {
    int lock_fd = -1;
    enum alog_status status = alog_archive_lock(run->io, run->archive_dir, &lock_fd, run->error);
    if (status == ALOG_OK) {
        status = alog_segments_list(run->archive_dir, &run->archived, run->error);
    }
    if (status == ALOG_OK) {
        status = alog_unfinished_writers_find(run->log_dir, list, &run->unfinished, run->error);
    }
    if (status == ALOG_OK) {
        run->taken = calloc(list->count + 1, sizeof *run->taken);
        status = run->taken == NULL ? no_memory(run) : archive_days(run, list);
    }
    if (run->file != NULL) {
        alog_segment_discard(run->file);
    }
    run->report->values_redacted = run->redaction.values;
    forget_present(run);
    alog_unfinished_writers_free(&run->unfinished);
    free(run->taken);
    alog_segments_free(&run->archived);
    if (lock_fd >= 0) {
        run->io->close(run->io->context, lock_fd);
    }
    return status;
}

static bool same_directory(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

enum alog_status alog_archive(const char *log_dir, const char *archive_dir,
                              const struct alog_archive_options *given,
                              struct alog_archive_report *ret_report, struct alog_error *error) {
    struct alog_archive_options options;
    struct alog_archive_report report = {0};
    struct alog_segment_list list;
    enum alog_status status = alog_archive_fill_options(given, &options, error);
    struct archiving run = {.options = &options,
                            .io = options.io,
                            .log_dir = log_dir,
                            .archive_dir = archive_dir,
                            .redaction = {.names = options.redact},
                            .report = &report,
                            .error = error};
    if (status == ALOG_OK) {
        status = alog_redaction_check(&run.redaction, error);
    }
    if (status == ALOG_OK && same_directory(log_dir, archive_dir)) {
        status = alog_fail(error, ALOG_INVALID, 0, -1,
                           "an archive must be another directory than its log");
    }
    if (status == ALOG_OK) {
        status = alog_trust_log_dir(run.io, log_dir, NULL, error);
    }
    if (status == ALOG_OK) {
        status = alog_segments_list(log_dir, &list, error);
    }
    if (status != ALOG_OK) {
        return status;
    }
    run.merge = (struct alog_merge_options){.compression_level = options.compression_level,
                                            .block_bytes = (uint32_t)options.block_bytes};
    status = archive_list(&run, &list);
    alog_segments_free(&list);
    if (ret_report != NULL) {
        *ret_report = report;
    }
    return status;
}
