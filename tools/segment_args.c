/* The segments that a command is asked to read, and how their damage is told. */
#include "segment_args.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "messages.h"
#include "output.h"
#include "progress.h"

static void add_path(struct segment_args *args, const char *path) {
    args->paths = output_grow(args->paths, args->count, &args->capacity, sizeof *args->paths);
    const size_t bytes = strlen(path) + 1;
    args->paths[args->count] = output_allocate(bytes, 1);
    memcpy(args->paths[args->count++], path, bytes);
}

/* Is the last part of the path a day, as the directories of a log are called? */
static bool is_day_directory(const char *path) {
    static const char shape[] = "0000-00-00";
    size_t len = strlen(path);
    while (len > 0 && path[len - 1] == '/') {
        len--;
    }
    size_t start = len;
    while (start > 0 && path[start - 1] != '/') {
        start--;
    }
    if (len - start != sizeof shape - 1) {
        return false;
    }
    for (size_t i = 0; shape[i] != '\0'; i++) {
        const char at = path[start + i];
        if (shape[i] == '0' ? !isdigit((unsigned char)at) : at != shape[i]) {
            return false;
        }
    }
    return true;
}

static void add_directory(struct segment_args *args, const char *path) {
    struct alog_segment_list list;
    struct alog_error error = {.message = ""};
    const enum alog_status status = alog_segments_list(path, &list, &error);
    if (status != ALOG_OK) {
        args->code = exit_code_worse(args->code, message_failure(status, &error));
        return;
    }
    if (list.count == 0 && is_day_directory(path)) {
        message("%s is one day of a log: give the log directory, or %s/*.zst", path, path);
        args->code = exit_code_worse(args->code, EXIT_NOT_FOUND);
    } else if (list.count == 0) {
        message("%s: there are no segments in it", path);
    }
    for (size_t i = 0; i < list.count; i++) {
        add_path(args, list.segments[i].path);
    }
    alog_segments_free(&list);
}

static void add_operand(struct segment_args *args, const char *path) {
    struct stat facts;
    if (stat(path, &facts) != 0) {
        const enum exit_code code =
            errno == ENOENT || errno == ENOTDIR ? EXIT_NOT_FOUND : EXIT_FAILED;
        message("%s: %s", path, strerror(errno));
        args->code = exit_code_worse(args->code, code);
    } else if (S_ISDIR(facts.st_mode)) {
        add_directory(args, path);
    } else {
        add_path(args, path);
        args->picked = true;
    }
}

void segment_args_collect(const struct cli_arguments *arguments, struct segment_args *ret_args) {
    *ret_args = (struct segment_args){.code = EXIT_FINE};
    if (arguments->archive != NULL) {
        add_operand(ret_args, arguments->archive); /* what is archived is older */
    }
    for (size_t i = 0; i < arguments->operand_count; i++) {
        add_operand(ret_args, arguments->operands[i]);
    }
}

void segment_args_free(struct segment_args *args) {
    for (size_t i = 0; i < args->count; i++) {
        free(args->paths[i]);
    }
    free(args->paths);
    *args = (struct segment_args){.code = EXIT_FINE};
}

/* Of a file as a whole there is no place to name, and its reason may begin with its name. */
static void tell_of_file(const struct alog_damage *damage, const char *advice) {
    const bool named = strncmp(damage->message, damage->path, strlen(damage->path)) == 0;
    message("%s%s%s%s%s", named ? "" : damage->path, named ? "" : ": ", damage->message,
            advice != NULL ? "; " : "", advice != NULL ? advice : "");
}

void damage_report_tell(void *context, const struct alog_damage *damage) {
    struct damage_report *report = context;
    char missing[64] = "";
    if (report->progress != NULL) {
        progress_clear(report->progress);
    }
    report->faults += !damage->harmless;
    if (damage->offset == 0 && damage->bytes == 0 && !damage->harmless) {
        tell_of_file(damage, report->advice);
        return;
    }
    if (damage->first_sequence != 0) {
        snprintf(missing, sizeof missing, "; events %" PRIu64 " to %" PRIu64 " are missing",
                 damage->first_sequence, damage->last_sequence);
    }
    message("%s: byte %" PRIu64 ": %s (%" PRIu64 " bytes%s)%s%s%s", damage->path, damage->offset,
            damage->message, damage->bytes, missing, damage->harmless ? ", harmless" : "",
            report->advice != NULL ? "; " : "", report->advice != NULL ? report->advice : "");
}

void damage_report_end(struct damage_report *report, enum alog_status status,
                       const struct alog_error *error, enum exit_code *code) {
    if (status == ALOG_CORRUPT) {
        message_failure(status, error);
        report->faults++;
    } else if (status != ALOG_OK) {
        *code = exit_code_worse(*code, message_failure(status, error));
    }
}
