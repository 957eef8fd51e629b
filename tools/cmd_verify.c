/* agentlog verify: check every byte of segments. */
#include <agentlog/archive.h>
#include <agentlog/reader.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "messages.h"
#include "output.h"
#include "progress.h"
#include "segment_args.h"
#include "segment_chain.h"

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
    uint64_t segments, segments_damaged, unsealed, unread, events;
    uint64_t lost_to; /* the last event that the segment at hand is known to have lost */
    bool may_lack;    /* not all segments were asked for: one that is missing is no fault */
    enum exit_code code;
};

static void tell_damage(void *context, const struct alog_damage *damage) {
    struct verdict *verdict = context;
    damage_report_tell(&verdict->damage, damage);
    if (damage->last_sequence > verdict->lost_to) {
        verdict->lost_to = damage->last_sequence;
    }
}

/* What a segment's name tells when nothing else does. Number 0: it is no segment's name. */
static struct segment_link link_of_name(const char *path) {
    struct segment_link link = {.unread = true};
    const char *slash = strrchr(path, '/');
    const char *writer = strchr(slash != NULL ? slash : path, '-');
    if (writer != NULL) {
        char *end;
        link.writer_id = strtoull(writer + 1, &end, 16);
        link.number = *end == '-' ? strtoull(end + 1, NULL, 10) : 0;
    }
    return link;
}

static struct segment_link link_of_info(const struct alog_segment_info *info, uint64_t lost_to) {
    struct segment_link link = {
        .writer_id = info->writer_id,
        .number = info->number,
        .predecessor_last_sequence = info->predecessor_last_sequence,
        .last_sequence = info->last_sequence > lost_to ? info->last_sequence : lost_to,
        .empty = info->events == 0,
    };
    memcpy(link.file_id, info->file_id, sizeof link.file_id);
    memcpy(link.predecessor_id, info->predecessor_id, sizeof link.predecessor_id);
    return link;
}

static void tell_break(void *context, const struct segment_break *found) {
    struct verdict *verdict = context;
    char events[64] = "";
    if (!found->cut && verdict->may_lack) {
        return;
    }
    if (found->first_sequence <= found->last_sequence) {
        snprintf(events, sizeof events, "events %" PRIu64 " to %" PRIu64, found->first_sequence,
                 found->last_sequence);
    }
    if (found->cut) {
        message("segment %" PRIu64 " of writer %016" PRIx64
                " ends before its successor says: %s are missing",
                found->first_number, found->writer_id, events);
    } else if (found->first_number == found->last_number) {
        message("segment %" PRIu64 " of writer %016" PRIx64 " is missing%s%s", found->first_number,
                found->writer_id, events[0] != '\0' ? ": " : "", events);
    } else {
        message("segments %" PRIu64 " to %" PRIu64 " of writer %016" PRIx64 " are missing (%" PRIu64
                " by their numbers)%s%s",
                found->first_number, found->last_number, found->writer_id,
                found->last_number - found->first_number + 1, events[0] != '\0' ? ": " : "",
                events);
    }
    verdict->damage.faults++;
    verdict->segments_damaged++;
}

/* An archive file against the manifest beside it. */
static void verify_manifest(struct verdict *verdict, const char *path) {
    struct alog_error error = {.message = ""};
    const enum alog_status status = alog_archive_check(path, &error);
    if (status == ALOG_OK) {
        return;
    }
    if (verdict->damage.progress != NULL) {
        progress_clear(verdict->damage.progress);
    }
    const enum exit_code code = message_failure(status, &error);
    if (status == ALOG_CORRUPT || status == ALOG_NOT_FOUND) {
        verdict->damage.faults++;
    } else {
        verdict->code = exit_code_worse(verdict->code, code);
    }
}

static struct segment_link verify_segment(struct verdict *verdict, const char *path) {
    struct segment_link link = link_of_name(path);
    struct alog_segment_info info;
    struct alog_error error = {.message = ""};
    const uint64_t before = verdict->damage.faults;
    verdict->lost_to = 0;
    const enum alog_status status =
        alog_segment_inspect(path, true, tell_damage, verdict, &info, &error);
    verdict->segments++;
    if (status == ALOG_OK) {
        verdict->events += info.events;
        verdict->unsealed += !info.sealed;
        link = link_of_info(&info, verdict->lost_to);
        if (info.archived_segments > 0) {
            verify_manifest(verdict, path);
        }
        alog_segment_info_free(&info);
    } else {
        if (verdict->damage.progress != NULL) {
            progress_clear(verdict->damage.progress);
        }
        const enum exit_code code = message_failure(status, &error);
        if (status == ALOG_CORRUPT) {
            verdict->damage.faults++;
        } else {
            verdict->unread++;
            verdict->code = exit_code_worse(verdict->code, code);
        }
    }
    verdict->segments_damaged += verdict->damage.faults > before;
    return link;
}

static void print_verdict(const struct verdict *verdict, bool json, struct output *output) {
    const uint64_t faults = verdict->damage.faults;
    if (json) {
        output_json(output, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "segments",
                                      (json_int_t)verdict->segments, "segments_damaged",
                                      (json_int_t)verdict->segments_damaged, "segments_unsealed",
                                      (json_int_t)verdict->unsealed, "segments_unread",
                                      (json_int_t)verdict->unread, "events",
                                      (json_int_t)verdict->events, "faults", (json_int_t)faults));
        return;
    }
    output_format(output, "%" PRIu64 " segment%s, %" PRIu64 " event%s: ", verdict->segments,
                  verdict->segments == 1 ? "" : "s", verdict->events,
                  verdict->events == 1 ? "" : "s");
    if (verdict->unread > 0) {
        output_format(output, "%" PRIu64 " not read%s", verdict->unread,
                      faults > 0 || verdict->unread < verdict->segments ? ", " : "\n");
    }
    if (faults == 0 && verdict->unread > 0) {
        if (verdict->unread < verdict->segments) {
            output_format(output, "no fault found in the others\n");
        }
    } else if (faults == 0) {
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
    struct verdict verdict = {
        .damage = {.progress = &progress}, .may_lack = segments.picked, .code = segments.code};
    struct segment_link *links = output_allocate(segments.count, sizeof *links);
    size_t link_count = 0;
    for (size_t i = 0; i < segments.count; i++) {
        progress_update(&progress, i, segments.count);
        links[link_count] = verify_segment(&verdict, segments.paths[i]);
        link_count += links[link_count].number > 0;
    }
    progress_clear(&progress);
    segment_chain_check(links, link_count, tell_break, &verdict);
    free(links);
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
        "Each segment names the one before it: one that is missing in a LOGDIR, or ends too early, "
        "is "
        "a fault as well. What a writer's first segment there follows may be kept elsewhere.\n"
        "\n"
        "A segment that is still being written, or was cut off by a crash, is not damaged: its "
        "torn end is reported as harmless.",
    .examples = "agentlog verify ./log\n"
                "agentlog verify ./log/2026-02-04/*.zst",
    .options = options,
    .exits = exits,
    .run = run};
