/* agentlog export: events for other programs. The forms are in export/. */
#include <agentlog/reader.h>

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "commands.h"
#include "export/export_form.h"
#include "messages.h"
#include "output.h"
#include "segment_args.h"

#define DIRECTORY_MODE 0770

static const struct cli_option options[] = {
    {.name = "format",
     .argument = "FORM",
     .kind = CLI_TEXT,
     CLI_MEMBER(format),
     .fallback = "ndjson",
     .doc = "ndjson, csv or otlp"},
    {.name = "output",
     .letter = 'o',
     .argument = "PATH",
     .kind = CLI_TEXT,
     CLI_MEMBER(output),
     .fallback = "stdout",
     .doc = "a file; '-' is stdout; csv of several types, and otlp where PATH ends in '/' or is a "
            "directory: a "
            "new or empty directory"},
    CLI_OPTION_SINCE,
    CLI_OPTION_UNTIL,
    {.name = "type",
     .argument = "EVENT",
     .kind = CLI_LIST,
     CLI_MEMBER(types),
     .doc = "only events of this type; may be given several times"},
    {.name = "job",
     .argument = "JOB_ID",
     .kind = CLI_TEXT,
     CLI_MEMBER(job),
     .doc = "only the events of this job"},
    {.name = "environment",
     .argument = "NAME",
     .kind = CLI_TEXT,
     CLI_MEMBER(environment),
     .doc = "only the events of this environment"},
    {.name = "spreadsheet",
     .kind = CLI_FLAG,
     CLI_MEMBER(spreadsheet),
     .doc = "csv: put an apostrophe in front of texts that a spreadsheet would take for a formula "
            "(that begin with = + - @, a tab or a carriage return)"},
    {.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "everything was written"},
    {EXIT_FAILED, "a segment could not be read, or the output not be written"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_PARTLY, "damage was passed over; each place was named on stderr"},
    {EXIT_NOT_FOUND, "there is no such log or file (the others were read)"},
    {EXIT_FINE, NULL}};

/* One run of the command. */
struct export {
    struct alog_reader_filter filter;
    struct alog_string environment; /* absent = all */
    struct damage_report damage;
    struct export_form form;
    enum exit_code code;
};

/* False when there is no use in going on. */
static bool export_segment(struct export *export, const char *path) {
    struct alog_reader *reader = NULL;
    struct alog_error error = {.message = ""};
    const struct alog_event *event = NULL;
    bool more = true;
    enum alog_status status = alog_reader_open(path, &export->filter, damage_report_tell,
                                               &export->damage, &reader, &error);
    while (more && status == ALOG_OK &&
           (status = alog_reader_next(reader, &event, &error)) == ALOG_OK && event != NULL) {
        if (export->environment.data == NULL ||
            alog_string_equal(export->environment, event->environment)) {
            more = export->form.event(export->form.state, event);
        }
    }
    alog_reader_close(reader);
    damage_report_end(&export->damage, status, &error, &export->code);
    return more;
}

/* A directory that is there must be empty: old files beside the new would tell of two exports. */
static bool make_directory(const char *path) {
    if (mkdir(path, DIRECTORY_MODE) == 0) {
        return true;
    }
    if (errno != EEXIST) {
        message("%s: %s", path, strerror(errno));
        return false;
    }
    DIR *directory = opendir(path);
    if (directory == NULL) {
        message("%s: %s", path, strerror(errno));
        return false;
    }
    bool empty = true;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL && empty;) {
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    }
    closedir(directory);
    if (!empty) {
        message("%s: the directory is not empty", path);
    }
    return empty;
}

static bool is_directory(const char *path) {
    struct stat facts;
    return path[strlen(path) - 1] == '/' || (stat(path, &facts) == 0 && S_ISDIR(facts.st_mode));
}

static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    const char *format = arguments->format == NULL ? "ndjson" : arguments->format;
    const bool csv = strcmp(format, "csv") == 0;
    const bool otlp = strcmp(format, "otlp") == 0;
    const bool one_type = arguments->types[0] != NULL && arguments->types[1] == NULL;
    const bool to_stdout = arguments->output == NULL || strcmp(arguments->output, "-") == 0;
    struct export_target target = {.path = to_stdout ? NULL : arguments->output};
    struct export export = {
        .filter = {.since_ns = arguments->since_ns,
                   .until_ns = arguments->until_ns,
                   .job_id = alog_str(arguments->job),
                   .events = arguments->types[0] != NULL ? arguments->types : NULL},
        .environment = alog_str(arguments->environment),
        .code = EXIT_FINE};
    if (!csv && !otlp && strcmp(format, "ndjson") != 0) {
        return cli_usage_error(command, "--format is ndjson, csv or otlp, not '%s'", format);
    }
    if (arguments->spreadsheet && !csv) {
        return cli_usage_error(command, "--spreadsheet is for --format csv");
    }
    if (csv && !one_type && target.path == NULL) {
        return cli_usage_error(command, "csv has a table for each type: name one with --type, or a "
                                        "directory with --output");
    }
    if (target.path != NULL && !otlp && !(csv && !one_type) && is_directory(target.path)) {
        return cli_usage_error(
            command, "%s is a directory: what comes is one file, and needs a name", target.path);
    }
    target.is_directory =
        target.path != NULL && ((csv && !one_type) || (otlp && is_directory(target.path)));
    if (target.is_directory && !make_directory(target.path)) {
        return EXIT_FAILED;
    }
    if (csv) {
        export.form = export_csv_begin(&target, alog_str(one_type ? arguments->types[0] : NULL),
                                       arguments->spreadsheet);
    } else {
        export.form = otlp ? export_otlp_begin(&target) : export_ndjson_begin(&target);
    }
    struct segment_args segments;
    segment_args_collect(arguments, &segments);
    export.code = segments.code;
    bool more = target.error == 0;
    for (size_t i = 0; i < segments.count && more; i++) {
        more = export_segment(&export, segments.paths[i]);
    }
    segment_args_free(&segments);
    (void)export.form.end(export.form.state);
    export.form.free(export.form.state);
    if (export.damage.faults > 0) {
        export.code = exit_code_worse(export.code, EXIT_PARTLY);
    }
    if (target.error != 0 && !(target.path == NULL && target.error == EPIPE)) {
        message("%s: %s", target.failed_path, strerror(target.error));
        export.code = EXIT_FAILED;
    }
    return export.code;
}

const struct cli_command cmd_export = {
    .name = "export",
    .operands = "LOGDIR|FILE...",
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .summary = "events for other programs: NDJSON, CSV, OpenTelemetry",
    .description =
        "Write the events of logs, archives and segments in a form that other programs read. What "
        "the writer logs of itself is left out.\n"
        "\n"
        "ndjson: what 'agentlog cat' prints and 'agentlog log' reads.\n"
        "\n"
        "csv: RFC 4180, a table for each type of event: timestamp and job_id, the type's fields, "
        "event_id, environment, and attributes as one JSON object; of a user-defined event all "
        "values are in that object. Absent is an empty cell, an empty text is \"\".\n"
        "\n"
        "otlp: lines of OTLP/JSON. Executions with a duration are spans that end at the event's "
        "timestamp, all else is log records; in a directory, traces.jsonl and logs.jsonl. The "
        "attributes are those of OpenTelemetry's conventions where 'agentlog help events' names "
        "one, else agentlog.FIELD. A job's events have one trace id, the job's own if it has the "
        "form of one. 'agentlog import otlp' makes the same events of it.",
    .examples = "agentlog export ./log --format csv --type error > errors.csv\n"
                "agentlog export ./log --format csv -o tables --spreadsheet\n"
                "agentlog export ./log --format otlp --since 24h -o otlp/",
    .options = options,
    .exits = exits,
    .run = run};
