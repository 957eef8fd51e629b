/* agentlog verify: check every byte of segments. */
#include <agentlog/reader.h>

#include <inttypes.h>

#include "commands.h"
#include "messages.h"
#include "output.h"
#include "progress.h"
#include "segment_args.h"

static const struct cli_option options[] = {{.name = "json",
                                             .kind = CLI_FLAG,
                                             CLI_MEMBER(json),
                                             .doc = "print the result as a JSON object"},
                                            {.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "every byte is as it should be"},
    {EXIT_FAILED, "a file could not be read"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_PARTLY, "there is damage; each fault was named on stderr"},
    {EXIT_NOT_FOUND, "there is no such log or file"},
    {EXIT_FINE, NULL}};

/* What was found over all segments. */
struct verdict {
    struct damage_report damage;
    uint64_t segments, segments_damaged, unsealed, events;
    enum exit_code code;
};

static void verify_segment(struct verdict *verdict, const char *path) {
    struct alog_segment_info info;
    struct alog_error error = {.message = ""};
    const uint64_t before = verdict->damage.faults;
    const enum alog_status status =
        alog_segment_inspect(path, true, damage_report_tell, &verdict->damage, &info, &error);
    verdict->segments++;
    if (status == ALOG_OK) {
        verdict->events += info.events;
        verdict->unsealed += !info.sealed;
        alog_segment_info_free(&info);
    } else {
        if (verdict->damage.progress != NULL) {
            progress_clear(verdict->damage.progress);
        }
        const enum exit_code code = message_failure(status, &error);
        if (status == ALOG_CORRUPT) {
            verdict->damage.faults++;
        } else {
            verdict->code = exit_code_worse(verdict->code, code);
        }
    }
    verdict->segments_damaged += verdict->damage.faults > before;
}

static void print_verdict(const struct verdict *verdict, bool json, struct output *output) {
    const uint64_t faults = verdict->damage.faults;
    if (json) {
        output_json(output, json_pack("{s:I, s:I, s:I, s:I, s:I}", "segments",
                                      (json_int_t)verdict->segments, "segments_damaged",
                                      (json_int_t)verdict->segments_damaged, "segments_unsealed",
                                      (json_int_t)verdict->unsealed, "events",
                                      (json_int_t)verdict->events, "faults", (json_int_t)faults));
        return;
    }
    output_format(output, "%" PRIu64 " segment%s, %" PRIu64 " event%s: ", verdict->segments,
                  verdict->segments == 1 ? "" : "s", verdict->events,
                  verdict->events == 1 ? "" : "s");
    if (faults == 0) {
        output_format(output, "no fault found\n");
    } else {
        output_format(output, "%" PRIu64 " fault%s in %" PRIu64 " segment%s\n", faults,
                      faults == 1 ? "" : "s", verdict->segments_damaged,
                      verdict->segments_damaged == 1 ? "" : "s");
    }
}

static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    (void)command;
    struct segment_args segments;
    struct output output = {0};
    struct progress progress = progress_begin("verifying");
    segment_args_collect(arguments, &segments);
    struct verdict verdict = {.damage = {.progress = &progress}, .code = segments.code};
    for (size_t i = 0; i < segments.count; i++) {
        progress_update(&progress, i, segments.count);
        verify_segment(&verdict, segments.paths[i]);
    }
    progress_clear(&progress);
    segment_args_free(&segments);
    if (verdict.segments > 0 || verdict.code == EXIT_FINE) {
        print_verdict(&verdict, arguments->json, &output);
    }
    if (verdict.damage.faults > 0) {
        verdict.code = exit_code_worse(verdict.code, EXIT_PARTLY);
    }
    return output_finish(&output, verdict.code);
}

const struct cli_command cmd_verify = {
    .name = "verify",
    .operands = "LOGDIR|FILE...",
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .summary = "check every byte of segments",
    .description =
        "Check headers, hashes and checksums, decode every event, and compare index and seek table "
        "with the blocks. Each fault is a line on stderr: "
        "file, byte, what is wrong, how many bytes and which events are lost. Nothing is changed.\n"
        "\n"
        "A segment that is still being written, or was cut off by a crash, is not damaged: its "
        "torn end is reported as harmless.",
    .examples = "agentlog verify ./log\n"
                "agentlog verify ./log/2026-02-04/*.zst",
    .options = options,
    .exits = exits,
    .run = run};
