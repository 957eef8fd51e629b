/* agentlog verify: check every byte of segments. */
#include <agentlog/archive.h>
#include <agentlog/reader.h>

#include <inttypes.h>
#include <stdio.h>

#include "commands.h"
#include "messages.h"
#include "output.h"
#include "progress.h"
#include "segment_args.h"
#include "segment_links.h"

static const struct cli_option options[] = {
    {.name = "archive",
     .argument = "DIR",
     .kind = CLI_TEXT,
     CLI_MEMBER(archive),
     .doc = "check the archive DIR as well, and that log and archive together miss no segment"},
    {.name = "json",
     .kind = CLI_FLAG,
     CLI_MEMBER(json),
     .doc = "print the result as a JSON object, with each fault that was found"},
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
    struct progress *progress;
    json_t *found; /* of --json: an object for each fault */
    uint64_t segments, segments_damaged, unsealed, unread, events, faults;
    uint64_t lost_to; /* the last event that the segment at hand is known to have lost */
    bool may_lack;    /* not all segments were asked for: one that is missing is no fault */
    struct segment_links links;
    enum exit_code code;
};

/* ---- Telling --------------------------------------------------------------------------------- */

/* What to do about damage of a segment; after a colon. */
static const char *advice_of(const struct alog_damage *damage) {
    static const char *const advice[] = {
        [ALOG_DAMAGE_HEADER] = "put a copy in its place if there is one; else what is good in it "
                               "can be saved with 'agentlog recover FILE --to DIR'",
        [ALOG_DAMAGE_BLOCK] = "put a copy of the file in its place if there is one, and rebuild "
                              "databases that read it; else leave it: the blocks around it are "
                              "read, and a database counts its events as lost",
        [ALOG_DAMAGE_EVENT] = "its writer made a mistake, which should be reported; the events "
                              "before it are read",
        [ALOG_DAMAGE_GAP] = "a power loss or an earlier repair took them; a copy of the file from "
                            "before has them, and a database counts them as lost",
        [ALOG_DAMAGE_TAIL] = "put a copy of the file in its place if there is one, and rebuild "
                             "databases that read it; all blocks before it are read",
        [ALOG_DAMAGE_INDEX] = "no event is lost, and nothing needs to be done: the blocks are read "
                              "without it",
        [ALOG_DAMAGE_TRUNCATED] = "put a copy of the file in its place if there is one, and "
                                  "rebuild databases that read it; all blocks that are left are "
                                  "read",
    };
    if (damage->harmless) {
        return "its writer is still at it, or 'agentlog recover' will finish it";
    }
    return advice[damage->kind];
}

static json_t *place_json(const char *path, const char *fault, const char *advice) {
    return json_pack("{s:o, s:o, s:s}", "segment", output_json_string(alog_str(path)), "fault",
                     output_json_string(alog_str(fault)), "advice", advice);
}

static void add_found(struct verdict *verdict, json_t *found, uint64_t first_sequence,
                      uint64_t last_sequence) {
    if (first_sequence > 0 && first_sequence <= last_sequence) {
        json_object_set_new(found, "first_missing", json_integer((json_int_t)first_sequence));
        json_object_set_new(found, "last_missing", json_integer((json_int_t)last_sequence));
    }
    json_array_append_new(verdict->found, found);
}

static void tell_damage(void *context, const struct alog_damage *damage) {
    struct verdict *verdict = context;
    struct damage_report telling = {.progress = verdict->progress, .advice = advice_of(damage)};
    damage_report_tell(&telling, damage);
    verdict->faults += telling.faults;
    if (damage->last_sequence > verdict->lost_to) {
        verdict->lost_to = damage->last_sequence;
    }
    if (!damage->harmless) {
        json_t *found = place_json(damage->path, damage->message, telling.advice);
        json_object_set_new(found, "byte", json_integer((json_int_t)damage->offset));
        json_object_set_new(found, "bytes", json_integer((json_int_t)damage->bytes));
        add_found(verdict, found, damage->first_sequence, damage->last_sequence);
    }
}

/* A fault of a whole file. */
static void tell_file(struct verdict *verdict, const char *path, const char *fault,
                      const char *advice) {
    progress_clear(verdict->progress);
    message("%s: %s", fault, advice);
    verdict->faults++;
    add_found(verdict, place_json(path, fault, advice), 0, 0);
}

static void tell_break(void *context, const struct segment_break *found) {
    struct verdict *verdict = context;
    char what[160];
    char events[64] = "";
    if (!found->cut && verdict->may_lack) {
        return;
    }
    if (found->first_sequence <= found->last_sequence) {
        snprintf(events, sizeof events, "events %" PRIu64 " to %" PRIu64, found->first_sequence,
                 found->last_sequence);
    }
    if (found->cut) {
        snprintf(what, sizeof what,
                 "segment %" PRIu64 " of writer %016" PRIx64
                 " ends before its successor says: %s are missing",
                 found->first_number, found->writer_id, events);
    } else if (found->first_number == found->last_number) {
        snprintf(what, sizeof what, "segment %" PRIu64 " of writer %016" PRIx64 " is missing%s%s",
                 found->first_number, found->writer_id, events[0] != '\0' ? ": " : "", events);
    } else {
        snprintf(what, sizeof what,
                 "segments %" PRIu64 " to %" PRIu64 " of writer %016" PRIx64
                 " are missing (%" PRIu64 " by their numbers)%s%s",
                 found->first_number, found->last_number, found->writer_id,
                 found->last_number - found->first_number + 1, events[0] != '\0' ? ": " : "",
                 events);
    }
    const char *advice = found->cut
                             ? "put a copy of it in its place if there is one"
                             : "put a copy back, or name the archive they are in with --archive";
    message("%s; %s", what, advice);
    json_t *json = json_pack("{s:s, s:s}", "fault", what, "advice", advice);
    add_found(verdict, json, found->first_sequence, found->last_sequence);
    verdict->faults++;
    verdict->segments_damaged++;
}

/* ---- Checking -------------------------------------------------------------------------------- */

/* An archive file against the manifest beside it. */
static void verify_manifest(struct verdict *verdict, const char *path) {
    struct alog_error error = {.message = ""};
    const enum alog_status status = alog_archive_check(path, &error);
    if (status == ALOG_CORRUPT) {
        tell_file(verdict, path, error.message,
                  "put a copy of the one that was changed in its place");
    } else if (status == ALOG_NOT_FOUND) {
        tell_file(verdict, path, error.message,
                  "put a copy of the manifest there, or let the next 'agentlog archive' of that "
                  "day write it anew");
    } else if (status != ALOG_OK) {
        progress_clear(verdict->progress);
        verdict->code = exit_code_worse(verdict->code, message_failure(status, &error));
    }
}

static void verify_segment(struct verdict *verdict, const char *path) {
    struct alog_segment_info info;
    struct alog_error error = {.message = ""};
    const uint64_t before = verdict->faults;
    verdict->lost_to = 0;
    const enum alog_status status =
        alog_segment_inspect(path, true, tell_damage, verdict, &info, &error);
    verdict->segments++;
    if (status == ALOG_OK) {
        verdict->events += info.events;
        verdict->unsealed += !info.sealed;
        segment_links_add(&verdict->links, path, &info, verdict->lost_to);
        if (info.archived_segments > 0) {
            verify_manifest(verdict, path);
        }
        alog_segment_info_free(&info);
    } else {
        segment_links_add_unread(&verdict->links, path);
        if (status == ALOG_CORRUPT) {
            tell_file(verdict, path, error.message,
                      "put a copy in its place if there is one; else move it away, or it is "
                      "named by every run");
        } else {
            progress_clear(verdict->progress);
            verdict->unread++;
            verdict->code = exit_code_worse(verdict->code, message_failure(status, &error));
        }
    }
    verdict->segments_damaged += verdict->faults > before;
}

/* ---- The command ----------------------------------------------------------------------------- */

static void print_verdict(const struct verdict *verdict, bool json, struct output *output) {
    const uint64_t faults = verdict->faults;
    if (json) {
        output_json(output,
                    json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:O}", "segments",
                              (json_int_t)verdict->segments, "segments_damaged",
                              (json_int_t)verdict->segments_damaged, "segments_unsealed",
                              (json_int_t)verdict->unsealed, "segments_unread",
                              (json_int_t)verdict->unread, "events", (json_int_t)verdict->events,
                              "faults", (json_int_t)faults, "found", verdict->found));
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
    struct verdict verdict = {.progress = &progress,
                              .found = json_array(),
                              .may_lack = segments.picked,
                              .code = segments.code};
    for (size_t i = 0; i < segments.count; i++) {
        progress_update(&progress, i, segments.count);
        verify_segment(&verdict, segments.paths[i]);
    }
    progress_clear(&progress);
    segment_chain_check(verdict.links.links, verdict.links.count, tell_break, &verdict);
    segment_links_free(&verdict.links);
    segment_args_free(&segments);
    if (verdict.segments > 0 || verdict.code == EXIT_FINE) {
        print_verdict(&verdict, arguments->json, &output);
    }
    json_decref(verdict.found);
    if (verdict.faults > 0) {
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
        "with the blocks. Each fault is a line on stderr: file, byte, what is wrong, how many "
        "bytes and which events are lost, and what to do. Nothing is changed.\n"
        "\n"
        "Each segment names the one before it: one that is missing in a LOGDIR, or ends too early, "
        "is a fault as well. What a writer's first segment there follows may be kept elsewhere. "
        "With --archive, or several LOGDIRs, a segment may be in any of them.\n"
        "\n"
        "A segment that is still being written, or was cut off by a crash, is not damaged: its "
        "torn end is reported as harmless.",
    .examples = "agentlog verify ./log\n"
                "agentlog verify ./log --archive ./archive --json\n"
                "agentlog verify ./log/2026-02-04/*.zst",
    .options = options,
    .exits = exits,
    .run = run};
