/* agentlog log: events from NDJSON into a log. */
#include <agentlog/ndjson.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bulk_writer.h"
#include "commands.h"
#include "line_reader.h"
#include "messages.h"
#include "output.h"
#include "stop_signals.h"

static const struct cli_option options[] = {
    {.name = "environment",
     .argument = "NAME",
     .kind = CLI_TEXT,
     CLI_MEMBER(environment),
     .fallback = "production",
     .doc = "environment of the events that do not say theirs, such as production or test"},
    {.name = "strict",
     .kind = CLI_FLAG,
     CLI_MEMBER(strict),
     .doc = "stop at the first bad line; what stood before it is logged"},
    {.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "every line was logged"},
    {EXIT_FAILED, "a file could not be read (the others were logged), events were lost, the log "
                  "could not be written, or --strict met a bad line"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_PARTLY, "bad lines were skipped; each was named on stderr"},
    {EXIT_FINE, NULL}};

/* One import. */
struct import {
    struct alog_writer *writer;
    struct alog_ndjson_parser *parser;
    bool strict;
    struct stop_signals stop;
    bool stopped;
    enum exit_code code;
    uint64_t skipped;
    uint64_t bytes_done, bytes_total;
    struct progress progress;
};

static void import_fail(struct import *import) {
    import->code = EXIT_FAILED;
    import->stopped = true;
}

/* A place in the input, as messages name it. */
struct place {
    const char *file;
    uint64_t line;
};

static void bad_line(struct import *import, const struct place *place, const char *reason,
                     int64_t offset) {
    progress_clear(&import->progress);
    if (offset >= 0) {
        message("%s:%" PRIu64 ": %s (byte %" PRId64 " of the line)", place->file, place->line,
                reason, offset + 1);
    } else {
        message("%s:%" PRIu64 ": %s", place->file, place->line, reason);
    }
    import->skipped++;
    if (import->strict) {
        import_fail(import);
    } else {
        import->code = exit_code_worse(import->code, EXIT_PARTLY);
    }
}

static void log_line(struct import *import, const struct place *place, const char *line,
                     size_t len) {
    const struct alog_event *event = NULL;
    struct alog_error error = {.offset = -1};
    const enum alog_status status = alog_ndjson_parse(import->parser, line, len, &event, &error);
    if (status == ALOG_NO_MEMORY) {
        message_failure(status, &error);
        import_fail(import);
        return;
    }
    if (status != ALOG_OK) {
        bad_line(import, place, error.message, error.offset);
        return;
    }
    switch (bulk_writer_log(import->writer, event, &import->progress, &error)) {
    case BULK_LOGGED:
        break;
    case BULK_REFUSED:
        bad_line(import, place, error.message, error.offset);
        break;
    case BULK_STUCK:
        import_fail(import);
        break;
    }
}

static bool is_blank(const char *line, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') {
            return false;
        }
    }
    return true;
}

static void log_found_line(struct import *import, const struct place *place, const char *line,
                           size_t len) {
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    const size_t mark_len = sizeof byte_order_mark - 1;
    if (place->line == 1 && len >= mark_len && memcmp(line, byte_order_mark, mark_len) == 0) {
        line += mark_len;
        len -= mark_len;
    }
    if (!is_blank(line, len)) {
        log_line(import, place, line, len);
    }
}

static void log_stream(struct import *import, const char *name, int fd) {
    struct line_reader reader;
    line_reader_begin(&reader, fd, import->stop.fd, ALOG_MAX_EVENT_BYTES);
    bool more = true;
    while (more && !import->stopped) {
        const char *line = NULL;
        size_t len = 0;
        const enum line_result result = line_reader_next(&reader, &line, &len);
        const struct place place = {name, reader.line_number};
        switch (result) {
        case LINE_FOUND:
            log_found_line(import, &place, line, len);
            break;
        case LINE_TOO_LONG:
            bad_line(import, &place, "the line is longer than 16 MiB", -1);
            break;
        case LINE_STOPPED:
            import->stopped = true;
            break;
        case LINE_FAILED:
            progress_clear(&import->progress);
            message("%s: %s", name, strerror(errno));
            import->code = EXIT_FAILED;
            more = false;
            break;
        case LINE_END:
            more = false;
            break;
        }
        progress_update(&import->progress, import->bytes_done + reader.bytes_read,
                        import->bytes_total);
    }
    import->bytes_done += reader.bytes_read;
    line_reader_free(&reader);
}

static void log_file(struct import *import, const char *path) {
    if (strcmp(path, "-") == 0) {
        log_stream(import, "stdin", STDIN_FILENO);
        return;
    }
    int fd;
    do {
        fd = open(path, O_RDONLY | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    struct stat facts;
    if (fd < 0 || fstat(fd, &facts) != 0) {
        message("%s: %s", path, strerror(errno));
        import->code = EXIT_FAILED;
    } else if (S_ISDIR(facts.st_mode)) {
        message("%s: this is a directory, not a file of events", path);
        import->code = EXIT_FAILED;
    } else {
        log_stream(import, path, fd);
    }
    if (fd >= 0) {
        close(fd);
    }
}

/* Bytes of the files named, for the bar; 0 (no bar) as soon as one is no regular file. */
static uint64_t total_bytes(char **files, size_t count) {
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        struct stat facts;
        if (stat(files[i], &facts) != 0 || !S_ISREG(facts.st_mode)) {
            return 0;
        }
        total += (uint64_t)facts.st_size;
    }
    return total;
}

static void log_files(struct import *import, char **files, size_t count) {
    static char standard_input[] = "-";
    char *only[] = {standard_input};
    if (count == 0) {
        files = only;
        count = 1;
    }
    import->bytes_total = total_bytes(files, count);
    for (size_t i = 0; i < count && !import->stopped; i++) {
        log_file(import, files[i]);
    }
    progress_clear(&import->progress);
}

static void finish(struct import *import) {
    uint64_t stored, lost;
    if (!bulk_writer_close(import->writer, &stored, &lost)) {
        import->code = EXIT_FAILED;
    }
    message("logged %" PRIu64 " event%s, skipped %" PRIu64 " line%s", stored, output_plural(stored),
            import->skipped, output_plural(import->skipped));
}

static enum exit_code import_run(struct import *import, const struct cli_arguments *arguments) {
    struct alog_error error = {.message = ""};
    enum alog_status status = alog_ndjson_parser_new(&import->parser);
    if (status == ALOG_OK) {
        status = bulk_writer_open(arguments->operands[0], arguments->environment, true,
                                  &import->writer, &error);
    }
    if (status != ALOG_OK) {
        alog_ndjson_parser_free(import->parser);
        message_failure(status, &error);
        return EXIT_FAILED;
    }
    if (arguments->operand_count == 1 && isatty(STDIN_FILENO) == 1) {
        message("reading events from the terminal, one JSON object a line; Ctrl-D ends");
    }
    log_files(import, arguments->operands + 1, arguments->operand_count - 1);
    finish(import);
    alog_ndjson_parser_free(import->parser);
    return import->code;
}

static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    (void)command;
    struct import import = {.strict = arguments->strict,
                            .stop = stop_signals_hold(),
                            .code = EXIT_FINE,
                            .progress = progress_begin("logging")};
    const enum exit_code code = import_run(&import, arguments);
    stop_signals_release(&import.stop);
    return code;
}

const struct cli_command cmd_log = {
    .name = "log",
    .operands = "LOGDIR [FILE...]",
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .summary = "append events from NDJSON to a log",
    .description = "Append events to the log in LOGDIR, which is made if it is not there. Events "
                   "are read from each FILE, one JSON object a line; "
                   "'-' or no FILE at all is stdin.\n"
                   "\n"
                   "A line has an \"event\" (its type), a \"timestamp\" (RFC 3339 with offset, or "
                   "whole nanoseconds since 1970; now, if absent), "
                   "often a \"job_id\", and the fields of its type by name. A type that is not in "
                   "the catalogue is an event of your own; a field that is not is kept "
                   "as an attribute; a nested value is kept as JSON text. 'agentlog help events' "
                   "lists the catalogue.\n"
                   "\n"
                   "A bad line is named with its file, number and reason, counted and skipped. "
                   "Lines may have 16 MiB.",
    .examples = "agentlog log ./log events.ndjson\n"
                "agentlog log ./log --environment test *.ndjson\n"
                "echo '{\"event\":\"error\",\"error_type\":\"lint\",\"job_id\":\"job-17\"}' | "
                "agentlog log ./log",
    .options = options,
    .exits = exits,
    .run = run};
