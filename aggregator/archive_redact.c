/* Taking values out of archive files that are there already: each is made anew in its place. */
#include <agentlog/archive.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "archive_manifest.h"
#include "archive_merge.h"
#include "archive_place.h"
#include "format/error.h"
#include "format/segment_writing.h"

#define DAY_NS     INT64_C(86400000000000)
#define DAY_LENGTH 10 /* YYYY-MM-DD */
#define MOST_NAMES (ALOG_REDACTED_BYTES / 2)

struct redacting {
    const struct alog_archive_options *options;
    const struct alog_io *io;
    const char *archive_dir;
    struct alog_archive_report *report;
    struct alog_error *error;
};

/* Names of fields, parted by commas, taken apart: of the caller, and of a source. */
struct names {
    char text[ALOG_REDACTED_BYTES];
    const char *list[MOST_NAMES + 1];
    size_t count;
};

static bool has_name(const struct names *names, const char *name) {
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->list[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void split(struct names *names, const char *text) {
    char *rest = NULL;
    names->count = 0;
    snprintf(names->text, sizeof names->text, "%s", text);
    for (char *name = strtok_r(names->text, ",", &rest); name != NULL;
         name = strtok_r(NULL, ",", &rest)) {
        names->list[names->count++] = name;
    }
    names->list[names->count] = NULL;
}

/* What was left out of the source, and what is to be. *ret_more: that is more. */
static enum alog_status join(const struct redacting *run, const struct alog_archive_source *source,
                             struct names *names, bool *ret_more) {
    split(names, source->redacted);
    *ret_more = false;
    for (const char *const *name = run->options->redact; *name != NULL; name++) {
        if (has_name(names, *name)) {
            continue;
        }
        if (names->count == MOST_NAMES) {
            return alog_fail(run->error, ALOG_INVALID, 0, -1, "too many fields to redact");
        }
        names->list[names->count++] = *name;
        names->list[names->count] = NULL;
        *ret_more = true;
    }
    return ALOG_OK;
}

/* ---- One file -------------------------------------------------------------------------------- */

struct file {
    const char *path;
    struct alog_archive_source *sources;
    size_t count;
    uint64_t number; /* in its name */
};

static enum alog_status needs_redaction(const struct redacting *run, const struct file *file,
                                        bool *ret_needs) {
    *ret_needs = false;
    for (size_t i = 0; i < file->count; i++) {
        struct names names;
        bool more;
        enum alog_status status = join(run, &file->sources[i], &names, &more);
        if (status != ALOG_OK) {
            return status;
        }
        *ret_needs |= more;
    }
    return ALOG_OK;
}

static enum alog_status merge_all(struct redacting *run, const struct file *file,
                                  struct alog_segment_writer *fresh, uint64_t *ret_values) {
    const struct alog_merge_options merge = {.compression_level = run->options->compression_level,
                                             .block_bytes = (uint32_t)run->options->block_bytes};
    enum alog_status status = ALOG_OK;
    for (size_t i = 0; status == ALOG_OK && i < file->count; i++) {
        struct alog_archive_source source = file->sources[i];
        struct names names;
        bool more;
        status = join(run, &file->sources[i], &names, &more);
        struct alog_redaction redaction = {.names = names.list};
        if (status == ALOG_OK && alog_redaction_join(&redaction, source.redacted) != ALOG_OK) {
            status = alog_fail(run->error, ALOG_INVALID, 0, -1, "too many fields to redact");
        }
        source.number = (uint32_t)i + 1;
        if (status == ALOG_OK) {
            status = alog_archive_merge(run->io, file->path, &file->sources[i], &source, &merge,
                                        &redaction, fresh, run->error);
        }
        *ret_values += redaction.values;
    }
    return status;
}

static enum alog_status compare_all(struct redacting *run, const struct file *file,
                                    const char *path) {
    struct alog_archive_source *sources = NULL;
    size_t count = 0;
    enum alog_status status =
        alog_archive_sources_list(run->io, path, &sources, &count, NULL, run->error);
    if (status == ALOG_OK && count != file->count) {
        status = alog_fail(run->error, ALOG_CORRUPT, 0, -1,
                           "%s does not hold what was written to it", path);
    }
    for (size_t i = 0; status == ALOG_OK && i < count; i++) {
        struct alog_error why = {0};
        status =
            alog_archive_compare(run->io, file->path, &file->sources[i], path, &sources[i], &why);
        if (status != ALOG_OK) {
            alog_fail(run->error, status, 0, -1, "%s: %.256s; it was left as it is", file->path,
                      why.message);
        }
    }
    free(sources);
    return status;
}

/* A file without a manifest is whole, and gets it from the next run. */
static enum alog_status remove_manifest(struct redacting *run, const char *path) {
    char manifest[PATH_MAX], directory[PATH_MAX];
    snprintf(manifest, sizeof manifest, "%s" ALOG_MANIFEST_SUFFIX, path);
    alog_segment_directory(path, directory);
    int result = run->io->unlink(run->io->context, manifest);
    if (result >= 0 || result == -ENOENT) {
        result = alog_io_sync_dir(run->io, directory);
    }
    return result < 0 ? alog_fail(run->error, ALOG_IO, -result, -1, "cannot remove %s", manifest)
                      : ALOG_OK;
}

/* The new file in the place of the old one, which the rename of alog_io does not do, then its
 * manifest.
 */
static enum alog_status take_place(struct redacting *run, const char *path, const char *fresh) {
    char directory[PATH_MAX];
    alog_segment_directory(path, directory);
    int result = rename(fresh, path) != 0 ? -errno : alog_io_sync_dir(run->io, directory);
    return result < 0
               ? alog_fail(run->error, ALOG_IO, -result, -1, "cannot put %s in its place", fresh)
               : alog_manifest_write(run->io, path, run->error);
}

static enum alog_status make_anew(struct redacting *run, const struct file *file) {
    struct alog_segment_writer *fresh = NULL;
    char path[PATH_MAX];
    uint64_t values = 0;
    enum alog_status status = alog_segment_create_archive(
        run->io, run->archive_dir, file->sources[0].created_ns, file->number, &fresh, run->error);
    if (status != ALOG_OK) {
        return status;
    }
    snprintf(path, sizeof path, "%s", alog_segment_path(fresh));
    status = merge_all(run, file, fresh, &values);
    if (status == ALOG_OK) {
        status = alog_segment_complete(fresh, true, run->error);
    }
    if (status == ALOG_OK) {
        status = compare_all(run, file, path);
    }
    if (status == ALOG_OK) {
        status = remove_manifest(run, file->path);
    }
    if (status != ALOG_OK) {
        alog_segment_discard(fresh);
        return status;
    }
    run->report->bytes_after += alog_segment_bytes(fresh);
    run->report->values_redacted += values;
    alog_segment_writer_free(fresh);
    return take_place(run, file->path, path);
}

static void leave(const struct redacting *run, const struct file *file, const char *why) {
    run->report->segments_left += file->count > 0 ? file->count : 1;
    if (run->options->tell != NULL) {
        run->options->tell(run->options->tell_context, ALOG_ARCHIVE_LEFT, file->path, why);
    }
}

/* Missing events are no damage: they were missing before. */
static void note_damage(void *context, const struct alog_damage *damage) {
    struct alog_error *why = context;
    if (!damage->harmless && damage->kind != ALOG_DAMAGE_GAP && why->status == ALOG_OK) {
        alog_fail(why, ALOG_CORRUPT, 0, (int64_t)damage->offset, "it is damaged: %s",
                  damage->message);
    }
}

/* What is damaged could not be told from what was lost on the way. */
static bool is_whole(const struct file *file, struct alog_error *why) {
    struct alog_segment_info info;
    *why = (struct alog_error){0};
    if (alog_segment_inspect(file->path, true, note_damage, why, &info, why) != ALOG_OK) {
        return false;
    }
    alog_segment_info_free(&info);
    return why->status == ALOG_OK;
}

static enum alog_status redact_sources(struct redacting *run, const struct file *file) {
    bool needs;
    struct alog_error why = {0};
    enum alog_status status = needs_redaction(run, file, &needs);
    if (status != ALOG_OK) {
        return status;
    }
    enum alog_status manifest = alog_archive_check(file->path, &why);
    if (manifest == ALOG_NOT_FOUND) {
        manifest = alog_manifest_write(run->io, file->path, &why); /* of a run that was killed */
    }
    if (!needs && manifest == ALOG_OK) {
        return ALOG_OK;
    }
    if (manifest != ALOG_OK || !is_whole(file, &why)) {
        leave(run, file, why.message);
        return ALOG_OK;
    }
    struct stat facts;
    const uint64_t bytes = stat(file->path, &facts) == 0 ? (uint64_t)facts.st_size : 0;
    status = make_anew(run, file);
    if (status != ALOG_OK) {
        return status;
    }
    run->report->files++;
    run->report->segments += file->count;
    run->report->bytes_before += bytes;
    for (size_t i = 0; i < file->count; i++) {
        run->report->events += file->sources[i].events;
    }
    if (run->options->tell != NULL) {
        run->options->tell(run->options->tell_context, ALOG_ARCHIVE_FILE, file->path, "");
    }
    return ALOG_OK;
}

static enum alog_status redact_file(struct redacting *run, const struct alog_segment_path *path) {
    struct file file = {.path = path->path, .number = path->number};
    struct alog_error why = {0};
    uint64_t orphans = 0;
    enum alog_status status =
        alog_archive_sources_list(run->io, path->path, &file.sources, &file.count, &orphans, &why);
    if (status == ALOG_NO_MEMORY) {
        return alog_fail(run->error, status, 0, -1, "no memory for %.256s", path->path);
    }
    if (status != ALOG_OK) {
        leave(run, &file, why.message);
        return ALOG_OK;
    }
    if (orphans > 0) {
        leave(run, &file, "it is damaged: nobody knows which segment some of its blocks are of");
    } else if (file.count > 0) {
        status = redact_sources(run, &file);
    }
    free(file.sources);
    return status;
}

/* ---- All of them ----------------------------------------------------------------------------- */

static bool is_over(const struct redacting *run, const struct alog_segment_path *file) {
    return file->start_ns - file->start_ns % DAY_NS + DAY_NS <= run->options->before_ns.value;
}

static enum alog_status redact_files(struct redacting *run, const struct alog_segment_list *list) {
    enum alog_status status = ALOG_OK;
    bool any = false;
    for (size_t i = 0; status == ALOG_OK && i < list->count; i++) {
        const struct alog_segment_path *file = &list->segments[i];
        any |= file->writer_id == ALOG_ARCHIVE_WRITER_ID;
        if (file->writer_id == ALOG_ARCHIVE_WRITER_ID && !file->open && is_over(run, file)) {
            alog_archive_sweep_day(run->io, run->archive_dir, file->name - DAY_LENGTH - 1);
            status = redact_file(run, file);
        }
        if (run->options->progress != NULL) {
            run->options->progress(run->options->progress_context, i + 1, list->count);
        }
    }
    if (status == ALOG_OK && !any) {
        status = alog_fail(run->error, ALOG_NOT_FOUND, 0, -1, "%.256s holds no archive file",
                           run->archive_dir);
    }
    return status;
}

enum alog_status alog_archive_redact(const char *archive_dir,
                                     const struct alog_archive_options *given,
                                     struct alog_archive_report *ret_report,
                                     struct alog_error *error) {
    struct alog_archive_options options;
    struct alog_archive_report report = {0};
    struct alog_segment_list list;
    int lock_fd = -1;
    enum alog_status status = alog_archive_fill_options(given, &options, error);
    const struct alog_redaction redaction = {.names = options.redact};
    if (status == ALOG_OK && (options.redact == NULL || options.redact[0] == NULL)) {
        status = alog_fail(error, ALOG_INVALID, 0, -1, "no field is named to be redacted");
    }
    if (status == ALOG_OK) {
        status = alog_redaction_check(&redaction, error);
    }
    if (status == ALOG_OK) {
        status = alog_segments_list(archive_dir, &list, error);
    }
    if (status != ALOG_OK) {
        return status;
    }
    struct redacting run = {.options = &options,
                            .io = options.io,
                            .archive_dir = archive_dir,
                            .report = &report,
                            .error = error};
    status = alog_archive_lock(run.io, archive_dir, &lock_fd, error);
    if (status == ALOG_OK) {
        status = redact_files(&run, &list);
        run.io->close(run.io->context, lock_fd);
    }
    alog_segments_free(&list);
    if (ret_report != NULL) {
        *ret_report = report;
    }
    return status;
}
