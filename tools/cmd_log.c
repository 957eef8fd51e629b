/* agentlog log: events from NDJSON into a log. */
#include <agentlog/ndjson.h>
#include <agentlog/writer.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "line_reader.h"
#include "messages.h"
#include "progress.h"

/* Room for the largest event (a quarter of the ring), and patience: an import waits where an agent
 * would drop. */
#define RING_BYTES       (UINT64_C(64) << 20)
#define FULL_WAIT_NS     UINT64_C(10000000000)
#define FLUSH_TIMEOUT_MS UINT64_C(600000)

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
    int stop_fd; /* a signalfd */
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

/* The log takes no more: say why, with the system's reason, and stop. `reason` NULL: the event
 * found no room. */
static void cannot_go_on(struct import *import, const char *reason) {
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    (void)alog_writer_get_stats(import->writer, &stats);
    if (reason == NULL) {
        reason = stats.rings == 0 ? "there is no shared memory to keep events in"
                                  : "there is no room for the event in memory, nor has there been "
                                    "for ten seconds";
    }
    progress_clear(&import->progress);
    message("the log takes no more events: %s%s%s", reason, stats.last_errno != 0 ? ": " : "",
            stats.last_errno != 0 ? strerror(stats.last_errno) : "");
    import_fail(import);
}

static void log_line(struct import *import, const struct place *place, const char *line,
                     size_t len) {
    const struct alog_event *event = NULL;
    struct alog_error error = {.offset = -1};
    enum alog_status status = alog_ndjson_parse(import->parser, line, len, &event, &error);
    if (status == ALOG_OK) {
        status = alog_log_event(import->writer, event, &error);
    }
    switch (status) {
    case ALOG_OK:
        break;
    case ALOG_INVALID:
    case ALOG_LIMIT:
        bad_line(import, place, error.message, error.offset);
        break;
    case ALOG_TOO_BIG:
        bad_line(import, place, "the event is larger than 16 MiB", -1);
        break;
    case ALOG_DROPPED:
        cannot_go_on(import, NULL);
        break;
    default:
        cannot_go_on(import, error.message[0] != '\0' ? error.message : alog_status_name(status));
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
    line_reader_begin(&reader, fd, import->stop_fd, ALOG_MAX_EVENT_BYTES);
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

/*
 * Everything into the file, and the handle closed. *ret_stored events are there; *ret_lost are not:
 * those that the writer counted as dropped, and, when it could not be closed well, those that were
 * still on their way.
 */
static void close_writer(struct import *import, uint64_t *ret_stored, uint64_t *ret_lost) {
    struct alog_error error = {.message = ""};
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    enum alog_status status = alog_writer_flush(import->writer, FLUSH_TIMEOUT_MS, &error);
    (void)alog_writer_get_stats(import->writer, &stats);
    const enum alog_status closed =
        alog_writer_close(import->writer, status == ALOG_OK ? &error : NULL);
    status = status == ALOG_OK ? closed : status;
    if (status != ALOG_OK) {
        message_failure(status, &error);
        import->code = EXIT_FAILED;
    }
    *ret_stored = stats.stored + (closed == ALOG_OK ? stats.in_flight : 0);
    *ret_lost = stats.dropped + (closed == ALOG_OK ? 0 : stats.in_flight);
}

static void finish(struct import *import) {
    uint64_t stored, lost;
    close_writer(import, &stored, &lost);
    if (lost > 0) {
        message("%" PRIu64 " event%s did not get into the log", lost, lost == 1 ? "" : "s");
        import->code = EXIT_FAILED;
    }
    message("logged %" PRIu64 " event%s, skipped %" PRIu64 " line%s", stored,
            stored == 1 ? "" : "s", import->skipped, import->skipped == 1 ? "" : "s");
}

static enum alog_status open_writer(struct import *import, const struct cli_arguments *arguments,
                                    struct alog_error *error) {
    struct alog_writer_options writer_options = ALOG_WRITER_OPTIONS_INIT;
    writer_options.environment = alog_str(arguments->environment);
    writer_options.ring_bytes = RING_BYTES;
    writer_options.max_event_bytes = ALOG_MAX_EVENT_BYTES;
    writer_options.full_wait_ns = FULL_WAIT_NS;
    return alog_writer_open(arguments->operands[0], &writer_options, &import->writer, error);
}

static enum exit_code import_run(struct import *import, const struct cli_arguments *arguments) {
    struct alog_error error = {.message = ""};
    enum alog_status status = alog_ndjson_parser_new(&import->parser);
    if (status == ALOG_OK) {
        status = open_writer(import, arguments, &error);
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

/*
 * A signal to stop must not lose what was read: it is taken as an event of the input, the log is
 * closed, and only then the program dies of it.
 */
static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    (void)command;
    sigset_t stops;
    sigset_t before;
    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGHUP);
    sigprocmask(SIG_BLOCK, &stops, &before);
    struct import import = {.strict = arguments->strict,
                            .stop_fd = signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK),
                            .code = EXIT_FINE,
                            .progress = progress_begin("logging")};
    const enum exit_code code = import_run(&import, arguments);
    /* Unblocking delivers it. */
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (import.stop_fd >= 0) {
        close(import.stop_fd);
    }
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
