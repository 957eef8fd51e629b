/* agentlog info: what segments hold, from their headers alone. */
#include <agentlog/reader.h>

#include "commands.h"
#include "messages.h"
#include "output.h"
#include "segment_args.h"
#include "segment_facts.h"

static const struct cli_option options[] = {
    {.name = "json",
     .kind = CLI_FLAG,
     CLI_MEMBER(json),
     .doc = "print an array of objects, a segment each, with counts by event type"},
    {.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "fine"},
    {EXIT_FAILED, "a file could not be read"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_PARTLY, "damage was found; each place was named on stderr"},
    {EXIT_NOT_FOUND, "there is no such log or file"},
    {EXIT_FINE, NULL}};

static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    (void)command;
    struct segment_args segments;
    struct damage_report damage = {0};
    struct output output = {0};
    segment_args_collect(arguments, &segments);
    enum exit_code code = segments.code;
    struct segment_facts facts = {0};
    for (size_t i = 0; i < segments.count; i++) {
        struct alog_segment_info info;
        struct alog_error error = {.message = ""};
        const enum alog_status status = alog_segment_inspect(
            segments.paths[i], false, damage_report_tell, &damage, &info, &error);
        if (status == ALOG_OK) {
            segment_facts_add(&facts, segments.paths[i], &info);
        } else if (status == ALOG_CORRUPT) {
            message_failure(status, &error);
            damage.faults++;
        } else {
            code = exit_code_worse(code, message_failure(status, &error));
        }
    }
    segment_facts_print(&facts, &output, arguments->json);
    segment_facts_free(&facts);
    segment_args_free(&segments);
    return output_finish(&output, damage.faults > 0 ? exit_code_worse(code, EXIT_PARTLY) : code);
}

const struct cli_command cmd_info = {
    .name = "info",
    .operands = "LOGDIR|FILE...",
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .summary = "what segments hold: events, times, sizes, types",
    .description = "Print the facts of each segment and their sum: events, sequence numbers, first "
                   "and last time, sizes, events by type. "
                   "Only headers are read; 'agentlog verify' checks every byte.",
    .examples = "agentlog info ./log\n"
                "agentlog info ./log/2026-02-04/*.zst --json",
    .options = options,
    .exits = exits,
    .run = run};
