/* One run of `agentlog import`. */
#include "import/import_run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bulk_writer.h"
#include "messages.h"
#include "output.h"

/* ---- Counting -------------------------------------------------------------------------------- */

struct import_count *import_count_of(struct import *import, const char *name) {
    for (size_t i = 0; i < import->count_count; i++) {
        if (strcmp(import->counts[i].name, name) == 0) {
            return &import->counts[i];
        }
    }
    if (import->count_count == IMPORT_MAX_COUNTS) {
        return &import->counts[IMPORT_MAX_COUNTS - 1];
    }
    if (import->count_count == IMPORT_MAX_COUNTS - 1) {
        name = "others";
    }
    struct import_count *count = &import->counts[import->count_count++];
    const size_t bytes = strlen(name) + 1;
    *count = (struct import_count){.name = output_allocate(bytes, 1)};
    memcpy(count->name, name, bytes);
    return count;
}

static struct import_count total_of(const struct import *import) {
    static char name[] = "total";
    struct import_count total = {.name = name};
    for (size_t i = 0; i < import->count_count; i++) {
        total.records += import->counts[i].records;
        total.events += import->counts[i].events;
        total.known += import->counts[i].known;
        total.bad += import->counts[i].bad;
    }
    return total;
}

void import_skip(struct import *import, struct import_count *count, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    progress_clear(&import->progress);
    message_v(format, arguments);
    va_end(arguments);
    count->bad++;
    import->code = exit_code_worse(import->code, EXIT_PARTLY);
}

void import_fail(struct import *import, enum exit_code code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    progress_clear(&import->progress);
    message_v(format, arguments);
    va_end(arguments);
    import->code = exit_code_worse(import->code, code);
}

bool import_is_stopped(struct import *import) {
    import->stopped = import->stopped || stop_signals_came(&import->stop);
    return import->stopped;
}

/* ---- Events ---------------------------------------------------------------------------------- */

/* What the log would say of it. */
static enum import_result check(struct import *import, const struct alog_event *event,
                                struct alog_error *error) {
    const struct alog_event *unused = NULL;
    import->line.len = 0;
    enum alog_status status = alog_ndjson_write(event, &import->line);
    if (status == ALOG_OK) {
        status = alog_ndjson_parse(import->checker, import->line.data, import->line.len - 1,
                                   &unused, error);
    }
    return status == ALOG_OK ? IMPORT_LOGGED : IMPORT_REFUSED;
}

static enum import_result log_event(struct import *import, const struct alog_event *event,
                                    struct alog_error *error) {
    if (import->writer == NULL) {
        return check(import, event, error);
    }
    switch (bulk_writer_log(import->writer, event, &import->progress, error)) {
    case BULK_LOGGED:
        return IMPORT_LOGGED;
    case BULK_REFUSED:
        return IMPORT_REFUSED;
    default:
        import->stopped = true;
        import->code = EXIT_FAILED;
        return IMPORT_STUCK;
    }
}

enum import_result import_event(struct import *import, struct import_count *count,
                                const struct alog_event *event, struct alog_error *error) {
    if (import_ids_has(import->ids, event->event_id)) {
        count->known++;
        return IMPORT_KNOWN;
    }
    const enum import_result result = log_event(import, event, error);
    if (result == IMPORT_LOGGED) {
        import_ids_add(import->ids, event->event_id);
        count->events++;
    }
    return result;
}

/* ---- Sources --------------------------------------------------------------------------------- */

int import_open(struct import *import, const char **path, uint64_t *ret_bytes) {
    struct stat facts;
    *ret_bytes = 0;
    if (strcmp(*path, "-") == 0) {
        *path = "stdin";
        return STDIN_FILENO;
    }
    const int fd = open(*path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &facts) != 0) {
        import_fail(import, errno == ENOENT ? EXIT_NOT_FOUND : EXIT_FAILED, "%s: %s", *path,
                    strerror(errno));
        import_close(fd);
        return -1;
    }
    if (S_ISDIR(facts.st_mode)) {
        import_fail(import, EXIT_FAILED, "%s: this is a directory", *path);
        import_close(fd);
        return -1;
    }
    *ret_bytes = S_ISREG(facts.st_mode) ? (uint64_t)facts.st_size : 0;
    return fd;
}

void import_close(int fd) {
    if (fd > STDIN_FILENO) {
        close(fd);
    }
}

/* ---- What was done --------------------------------------------------------------------------- */

static const struct alog_column columns[] = {
    {"source", ALOG_COLUMN_TEXT, "what was read"},
    {"records", ALOG_COLUMN_INTEGER, "that were read"},
    {"imported", ALOG_COLUMN_INTEGER, "events that are new in the log"},
    {"already_there", ALOG_COLUMN_INTEGER, "events that were imported before"},
    {"skipped", ALOG_COLUMN_INTEGER, "records that could not be read"}};
#define COLUMN_COUNT (sizeof columns / sizeof *columns)

static void fill_row(struct alog_value *cells, const struct import_count *count) {
    const uint64_t numbers[] = {count->records, count->events, count->known, count->bad};
    cells[0] = (struct alog_value){.kind = ALOG_VALUE_STRING, .string = alog_str(count->name)};
    for (size_t i = 1; i < COLUMN_COUNT; i++) {
        cells[i] = (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = (int64_t)numbers[i - 1]};
    }
}

static void print_report(const struct import *import, struct output *output) {
    struct alog_value *cells =
        output_allocate(import->count_count + 1, COLUMN_COUNT * sizeof *cells);
    const struct import_count total = total_of(import);
    for (size_t i = 0; i < import->count_count; i++) {
        fill_row(cells + i * COLUMN_COUNT, &import->counts[i]);
    }
    fill_row(cells + import->count_count * COLUMN_COUNT, &total);
    struct alog_table table = {columns, COLUMN_COUNT, cells, import->count_count};
    if (import->arguments->json) {
        json_t *rows = json_array();
        for (size_t i = 0; i < table.row_count; i++) {
            json_array_append_new(rows, output_json_row(&table, i));
        }
        output_json(output, json_pack("{s:b, s:o, s:I, s:I, s:I, s:I}", "dry_run",
                                      import->arguments->dry_run, "sources", rows, "records",
                                      (json_int_t)total.records, "imported",
                                      (json_int_t)total.events, "already_there",
                                      (json_int_t)total.known, "skipped", (json_int_t)total.bad));
    } else if (import->count_count > 0) {
        table.row_count += import->count_count > 1;
        output_table(output, &table, NULL);
    }
    free(cells);
}

/* ---- The run --------------------------------------------------------------------------------- */

static enum exit_code open_log(struct import *import) {
    struct alog_error error = {.message = ""};
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    if (import->arguments->dry_run) {
        const enum alog_status status = alog_ndjson_parser_new(&import->checker);
        return status == ALOG_OK ? import_ids_open(import->log_dir, import->arguments->archive,
                                                   true, &import->progress, &import->ids)
                                 : message_failure(status, &error);
    }
    /* It also makes the directory. What killed imports left is recovered before the first event,
     * not meanwhile. */
    const enum alog_status status = bulk_writer_open(
        import->log_dir, import->arguments->environment, false, &import->writer, &error);
    if (status != ALOG_OK) {
        return message_failure(status, &error);
    }
    enum exit_code code = import_ids_open(import->log_dir, import->arguments->archive, false,
                                          &import->progress, &import->ids);
    if (code == EXIT_FINE) {
        (void)alog_writer_get_stats(import->writer, &stats);
        code = import_ids_begin(import->ids, stats.writer_id);
    }
    return code;
}

/* Only what is in sealed segments is remembered; the rest the next import finds out. */
static void close_log(struct import *import, bool opened) {
    uint64_t stored, lost;
    if (import->writer != NULL) {
        const bool whole = bulk_writer_close(import->writer, &stored, &lost);
        const enum exit_code code = !whole   ? EXIT_FAILED
                                    : opened ? import_ids_commit(import->ids)
                                             : EXIT_FINE;
        import->code = exit_code_worse(import->code, code);
    }
    import_ids_close(import->ids);
    alog_ndjson_parser_free(import->checker);
    alog_text_free(&import->line);
}

enum exit_code import_run(struct import *import, import_source_fn *source, char **paths,
                          size_t count) {
    struct output output = {0};
    import->stop = stop_signals_hold();
    import->progress = progress_begin("importing");
    import->code = open_log(import);
    const bool opened = import->code == EXIT_FINE;
    if (opened) {
        source(import, paths, count);
    }
    progress_clear(&import->progress);
    close_log(import, opened);
    if (opened) {
        if (import->zone_is_assumed && import->zone_was_used) {
            message("times without an offset were taken for UTC; --time-zone says otherwise");
        }
        if (import->stopped) {
            message("stopped before the end; the same command goes on");
        }
        print_report(import, &output);
    }
    for (size_t i = 0; i < import->count_count; i++) {
        free(import->counts[i].name);
    }
    const enum exit_code code = output_finish(&output, import->code);
    stop_signals_release(&import->stop);
    return code;
}
