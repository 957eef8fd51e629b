/* agentlog trace: every raw event of one job. */
#include <agentlog/reader.h>

#include <inttypes.h>

#include "commands.h"
#include "event_print.h"
#include "import/id_set.h"
#include "messages.h"
#include "segment_args.h"

static const struct cli_option options[] = {CLI_OPTION_ARCHIVE,
                                            CLI_OPTION_SINCE,
                                            CLI_OPTION_UNTIL,
                                            CLI_OPTION_FIELDS,
                                            CLI_OPTION_OUTPUT,
                                            {.name = "verbose",
                                             .kind = CLI_FLAG,
                                             CLI_MEMBER(verbose),
                                             .doc = "say how many blocks of how many were read"},
                                            {.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "the job's events were printed"},
    {EXIT_FAILED, "a file could not be read, or stdout not be written"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_PARTLY, "damage was passed over; each place was named on stderr"},
    {EXIT_NOT_FOUND, "there is no such log, or no event of such a job in it"},
    {EXIT_FINE, NULL}};

struct trace {
    struct alog_reader_filter filter;
    struct damage_report damage;
    struct event_print print;
    bool in_archive;        /* what is being read */
    struct id_set archived; /* events that the archive had: the log may still have them, too */
    uint64_t events, segments, blocks, blocks_read;
    enum exit_code code;
};

/* Was it printed out of the archive? Segments that were archived may lie in the log still. */
static bool seen_archived(struct trace *trace, const struct alog_event *event) {
    const uint64_t number[2] = {event->writer_id, event->sequence};
    const struct id_hash id = id_hash_of(number, sizeof number);
    if (trace->in_archive) {
        id_set_add(&trace->archived, id);
        return false;
    }
    return trace->archived.count > 0 && id_set_has(&trace->archived, id);
}

static bool trace_segment(struct trace *trace, const char *path) {
    struct alog_reader *reader = NULL;
    const struct alog_event *event = NULL;
    struct alog_error error = {.message = ""};
    bool more = true;
    enum alog_status status =
        alog_reader_open(path, &trace->filter, damage_report_tell, &trace->damage, &reader, &error);
    while (status == ALOG_OK && more) {
        status = alog_reader_next(reader, &event, &error);
        if (status != ALOG_OK || event == NULL) {
            break;
        }
        if (seen_archived(trace, event)) {
            continue;
        }
        trace->events++;
        more = event_print_event(&trace->print, event);
    }
    if (reader != NULL) {
        uint64_t blocks, blocks_read;
        alog_reader_blocks(reader, &blocks, &blocks_read);
        trace->blocks += blocks;
        trace->blocks_read += blocks_read;
        trace->segments++;
    }
    alog_reader_close(reader);
    damage_report_end(&trace->damage, status, &error, &trace->code);
    return more && !trace->print.no_memory;
}

static void trace_directory(struct trace *trace, char *directory) {
    struct cli_arguments of_one = {.operands = &directory, .operand_count = 1};
    struct segment_args segments;
    segment_args_collect(&of_one, &segments);
    trace->code = exit_code_worse(trace->code, segments.code);
    bool more = true;
    for (size_t i = 0; i < segments.count && more; i++) {
        more = trace_segment(trace, segments.paths[i]);
    }
    segment_args_free(&segments);
}

static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    struct trace trace = {.filter = {.since_ns = arguments->since_ns,
                                     .until_ns = arguments->until_ns,
                                     .job_id = alog_str(arguments->operands[1])},
                          .code = EXIT_FINE};
    if (!event_print_begin(&trace.print, command, arguments)) {
        return EXIT_USAGE;
    }
    /* What is archived is older. */
    if (arguments->archive != NULL) {
        trace.in_archive = true;
        trace_directory(&trace, (char *)(uintptr_t)arguments->archive);
        trace.in_archive = false;
    }
    trace_directory(&trace, arguments->operands[0]);
    if (arguments->verbose) {
        message("read %" PRIu64 " of %" PRIu64 " blocks in %" PRIu64 " segment%s: %" PRIu64
                " event%s",
                trace.blocks_read, trace.blocks, trace.segments, trace.segments == 1 ? "" : "s",
                trace.events, trace.events == 1 ? "" : "s");
    }
    if (trace.events == 0 && trace.code == EXIT_FINE) {
        message("no event of job %s", arguments->operands[1]);
        trace.code = EXIT_NOT_FOUND;
    }
    if (trace.damage.faults > 0) {
        trace.code = exit_code_worse(trace.code, EXIT_PARTLY);
    }
    if (trace.print.no_memory) {
        trace.code = EXIT_FAILED;
    }
    id_set_free(&trace.archived);
    event_print_free(&trace.print);
    return output_finish(&trace.print.output, trace.code);
}

const struct cli_command cmd_trace = {
    .name = "trace",
    .operands = "LOGDIR JOB_ID",
    .min_operands = 2,
    .max_operands = 2,
    .summary = "every raw event of one job",
    .description = "Print every event of a job, in the log's order. Each block of a segment has a "
                   "filter of the jobs in it, so that only blocks are read that may hold the job: "
                   "--verbose says how many. LOGDIR may be an archive; --archive names one to "
                   "read before it: an event that both have is printed once.\n"
                   "\n"
                   "'agentlog job' tells a job's story from the database, without the raw events.",
    .examples = "agentlog trace ./log job-17 --verbose\n"
                "agentlog trace ./log job-17 --archive ./archive --output tsv",
    .options = options,
    .exits = exits,
    .run = run};
