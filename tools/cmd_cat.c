/* agentlog cat: events back out of segments, as NDJSON. */
#include <agentlog/ndjson.h>
#include <agentlog/reader.h>

#include <inttypes.h>
#include <unistd.h>

#include "commands.h"
#include "messages.h"
#include "output.h"
#include "segment_args.h"

static const struct cli_option options[] = {
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
     .doc = "only the events of this job; blocks that cannot have any are not read"},
    {.name = "all",
     .kind = CLI_FLAG,
     CLI_MEMBER(all),
     .doc = "also what the writer logs of itself: writer_stats and writer_loss"},
    {.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "everything was read"},
    {EXIT_FAILED, "a file could not be read, or stdout not be written"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_PARTLY, "damage was passed over; each place was named on stderr"},
    {EXIT_NOT_FOUND, "there is no such log or file (the others were read)"},
    {EXIT_FINE, NULL}};

/* One run of the command. */
struct cat {
    struct alog_reader_filter filter;
    struct damage_report damage;
    struct alog_text line;
    struct output output;
    bool on_terminal;
    enum exit_code code;
};

static bool print_event(struct cat *cat, const struct alog_event *event) {
    cat->line.len = 0;
    if (alog_ndjson_write(event, &cat->line) != ALOG_OK) {
        message("out of memory");
        cat->code = EXIT_FAILED;
        return false;
    }
    /* Strings may hold characters that reorder text; a file gets them as they are. */
    return cat->on_terminal ? output_json_text(&cat->output, cat->line.data, cat->line.len)
                            : output_bytes(&cat->output, cat->line.data, cat->line.len);
}

/* False when there is no use in going on. */
static bool print_segment(struct cat *cat, const char *path) {
    struct alog_reader *reader = NULL;
    const struct alog_event *event = NULL;
    struct alog_error error = {.message = ""};
    bool more = true;
    enum alog_status status =
        alog_reader_open(path, &cat->filter, damage_report_tell, &cat->damage, &reader, &error);
    while (status == ALOG_OK && more) {
        status = alog_reader_next(reader, &event, &error);
        if (status != ALOG_OK || event == NULL) {
            break;
        }
        more = print_event(cat, event);
    }
    alog_reader_close(reader);
    if (status == ALOG_CORRUPT) {
        message_failure(status, &error);
        cat->damage.faults++;
    } else if (status != ALOG_OK) {
        cat->code = exit_code_worse(cat->code, message_failure(status, &error));
    }
    return more;
}

static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    (void)command;
    struct segment_args segments;
    segment_args_collect(arguments, &segments);
    struct cat cat = {.filter = {.since_ns = arguments->since_ns,
                                 .until_ns = arguments->until_ns,
                                 .job_id = alog_str(arguments->job),
                                 .events = arguments->types[0] != NULL ? arguments->types : NULL,
                                 .include_writer_events = arguments->all},
                      .on_terminal = isatty(STDOUT_FILENO) == 1,
                      .code = segments.code};
    bool more = true;
    for (size_t i = 0; i < segments.count && more; i++) {
        more = print_segment(&cat, segments.paths[i]);
    }
    if (cat.damage.faults > 0) {
        cat.code = exit_code_worse(cat.code, EXIT_PARTLY);
    }
    alog_text_free(&cat.line);
    segment_args_free(&segments);
    return output_finish(&cat.output, cat.code);
}

const struct cli_command cmd_cat = {
    .name = "cat",
    .operands = "LOGDIR|FILE...",
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .summary = "print raw events as NDJSON",
    .description = "Print the events of logs and segments as NDJSON, segment after segment in "
                   "order of their start, each in the order it was written. "
                   "What comes out can go in again: 'agentlog log' reads the same form.\n"
                   "\n"
                   "Segments that are still being written are read up to their last whole block.",
    .examples = "agentlog cat ./log --since 24h --type error\n"
                "agentlog cat ./log --job job-17 | jq .event\n"
                "agentlog cat ./log/2026-02-04/*.zst > events.ndjson",
    .options = options,
    .exits = exits,
    .run = run};
