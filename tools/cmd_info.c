/* agentlog info: what segments hold, from their headers alone. */
#include <agentlog/reader.h>

#include "commands.h"
#include "messages.h"
#include "output.h"
#include "segment_args.h"
#include "segment_facts.h"

static const struct cli_option options[] = {
    CLI_OPTION_ARCHIVE,
    {.name = "segments",
     .kind = CLI_FLAG,
     CLI_MEMBER(segments),
     .fallback = "only where files are named",
     .doc = "print the facts of each segment as well"},
    {.name = "json",
     .kind = CLI_FLAG,
     CLI_MEMBER(json),
     .doc = "print a JSON object: total, types, and with --segments an array of segments, each "
            "with its types"},
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
    for (size_t i = 0; i < arguments->operand_count; i++) {
        writer_counts_add(&facts.glance.writers, arguments->operands[i]);
    }
    for (size_t i = 0; i < segments.count; i++) {
        struct alog_segment_info info;
        struct alog_error error = {.message = ""};
        const enum alog_status status = alog_segment_inspect(
            segments.paths[i], false, damage_report_tell, &damage, &info, &error);
        if (status == ALOG_OK) {
            segment_facts_add(&facts, segments.paths[i], &info);
        }
        damage_report_end(&damage, status, &error, &code);
    }
    const bool rows = arguments->segments || segments.picked;
    if (arguments->json) {
        segment_facts_print_json(&facts, &output, rows);
    } else if (facts.count > 0 || code == EXIT_FINE) {
        segment_facts_print(&facts, &output, rows);
    }
    segment_facts_free(&facts);
    segment_args_free(&segments);
    return output_finish(&output, damage.faults > 0 ? exit_code_worse(code, EXIT_PARTLY) : code);
}

const struct cli_command cmd_info = {
    .name = "info",
    .operands = "LOGDIR|FILE...",
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .summary = "a log at a glance: writers, events, times, sizes, gaps, types",
    .description =
        "Print a log at a glance: its writers, how many of them live, its segments, the time that "
        "they span, their size before and after compression, what was lost or is missing, and the "
        "events by type. With --segments, or for files, the facts of each segment come first. "
        "Only headers are read; 'agentlog verify' checks every byte.\n"
        "\n"
        "events_dropped is what writers say they could not keep; events_missing counts the numbers "
        "that no event has, of which some may be dropped ones. A segment that log and archive "
        "both have (segments_repeated) counts once; sizes are those of all files.",
    .examples = "agentlog info ./log\n"
                "agentlog info ./log --archive ./archive --json\n"
                "agentlog info ./log/2026-02-04/*.zst",
    .options = options,
    .exits = exits,
    .run = run};
