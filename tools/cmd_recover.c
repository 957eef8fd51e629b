/* agentlog recover: finish what killed writers left. */
#include <agentlog/recover.h>

#include <inttypes.h>
#include <stdio.h>

#include "commands.h"
#include "dead_writers.h"
#include "messages.h"
#include "output.h"
#include "safe_text.h"

static const struct cli_option options[] = {
    {.name = "to",
     .argument = "DIR",
     .kind = CLI_TEXT,
     CLI_MEMBER(to),
     .doc = "save what is good in damaged segments, FILE..., in a log directory of their own; the "
            "files themselves stay as they are"},
    {.name = "give-up-rings",
     .kind = CLI_FLAG,
     CLI_MEMBER(give_up_rings),
     .doc = "finish writers whose last events lie where this process cannot look, such as another "
            "container's /dev/shm; those events are lost"},
    {.name = "json",
     .kind = CLI_FLAG,
     CLI_MEMBER(json),
     .doc = "print the report as a JSON object"},
    {.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "every event that killed writers had accepted is in the log; or there was nothing "
                "to do"},
    {EXIT_FAILED, "something was left as it is; the reason is on stderr, the next run tries again"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_PARTLY, "recovered or saved, but something is lost; how much is in the report"},
    {EXIT_NOT_FOUND, "there is no such log or file"},
    {EXIT_LOCKED, "a writer is still at FILE"},
    {EXIT_FINE, NULL}};

static bool is_lossy(const struct alog_recover_report *report) {
    return report->events_lost > 0 || report->rings_lost > 0 || report->bytes_lost > 0 ||
           report->segments_damaged > 0;
}

static void print_losses(struct output *output, const struct alog_recover_report *report) {
    for (size_t i = 0; i < report->loss_count; i++) {
        const struct alog_recover_loss *loss = &report->losses[i];
        char event[SAFE_TEXT_BYTES(sizeof loss->event)];
        safe_text(alog_str(loss->event), event, sizeof event);
        output_format(output, "lost: %" PRIu64 " %s event%s (%s)\n", loss->count, event,
                      output_plural(loss->count), loss->reason);
    }
    if (report->segments_damaged > 0) {
        output_format(output,
                      "lost: %" PRIu64 " event%s in %" PRIu64 " damaged segment%s; what was there "
                      "is kept as .damaged\n",
                      report->missing_events, output_plural(report->missing_events),
                      report->segments_damaged, output_plural(report->segments_damaged));
    }
    if (report->rings_lost > 0) {
        output_format(output,
                      "lost: what %" PRIu64 " ring%s held, which %s gone, damaged or of an earlier "
                      "boot\n",
                      report->rings_lost, output_plural(report->rings_lost),
                      report->rings_lost == 1 ? "is" : "are");
    }
    if (report->bytes_lost > 0) {
        output_format(output, "lost: %" PRIu64 " bytes of rings that were no events\n",
                      report->bytes_lost);
    }
}

static void print_text(struct output *output, const struct alog_recover_report *report) {
    if (report->writers_dead == 0) {
        output_format(output, "nothing to recover\n");
    } else {
        output_format(output,
                      "finished %" PRIu64 " of %" PRIu64 " killed writer%s: %" PRIu64
                      " segment%s, %" PRIu64 " event%s taken out of rings\n",
                      report->writers_finished, report->writers_dead,
                      output_plural(report->writers_dead), report->segments_finished,
                      output_plural(report->segments_finished), report->events_recovered,
                      output_plural(report->events_recovered));
    }
    print_losses(output, report);
    if (report->writers_unknown > 0) {
        output_format(
            output, "%" PRIu64 " writer%s of other users: not looked at, for want of permission\n",
            report->writers_unknown, output_plural(report->writers_unknown));
    }
}

static json_t *losses_json(const struct alog_recover_report *report) {
    json_t *losses = json_array();
    for (size_t i = 0; i < report->loss_count; i++) {
        const struct alog_recover_loss *loss = &report->losses[i];
        json_array_append_new(losses, json_pack("{s:o, s:s, s:I}", "event",
                                                output_json_string(alog_str(loss->event)), "reason",
                                                loss->reason, "count", (json_int_t)loss->count));
    }
    return losses;
}

static void print_json(struct output *output, const struct alog_recover_report *report) {
    const struct {
        const char *name;
        uint64_t count;
    } counts[] = {
        {"writers_alive", report->writers_alive},
        {"writers_unknown", report->writers_unknown},
        {"writers_dead", report->writers_dead},
        {"writers_finished", report->writers_finished},
        {"segments_finished", report->segments_finished},
        {"segments_damaged", report->segments_damaged},
        {"missing_events", report->missing_events},
        {"events_recovered", report->events_recovered},
        {"events_lost", report->events_lost},
        {"rings_removed", report->rings_removed},
        {"rings_lost", report->rings_lost},
        {"bytes_lost", report->bytes_lost},
        {"problems", report->problems},
    };
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        json_object_set_new(object, counts[i].name, json_integer((json_int_t)counts[i].count));
    }
    json_object_set_new(object, "losses", losses_json(report));
    output_json(output, object);
}

/* ---- Damaged files ---- */

static enum exit_code salvage_file(const char *path, const char *to_dir, struct output *output,
                                   json_t *saved) {
    struct alog_salvage_report report;
    struct alog_error error = {.message = ""};
    const enum alog_status status = alog_salvage(path, to_dir, &report, &error);
    if (status != ALOG_OK) {
        return message_failure(status, &error);
    }
    if (saved != NULL) {
        json_array_append_new(saved, json_pack("{s:o, s:I, s:I, s:I, s:I, s:b}", "segment",
                                               output_json_string(alog_str(report.path)), "faults",
                                               (json_int_t)report.faults, "events",
                                               (json_int_t)report.events, "missing_events",
                                               (json_int_t)report.missing, "damaged_bytes",
                                               (json_int_t)report.damaged_bytes, "header_rebuilt",
                                               (int)report.header_rebuilt));
    } else {
        char name[SAFE_TEXT_BYTES(sizeof report.path)];
        safe_text(alog_str(report.path), name, sizeof name);
        output_format(output,
                      "%s: %" PRIu64 " event%s saved, %" PRIu64 " missing; %" PRIu64
                      " fault%s, %" PRIu64 " bytes between good blocks left out\n",
                      name, report.events, output_plural(report.events), report.missing,
                      report.faults, output_plural(report.faults), report.damaged_bytes);
    }
    return report.faults > 0 ? EXIT_PARTLY : EXIT_FINE;
}

static enum exit_code salvage(const struct cli_arguments *arguments) {
    struct output output = {0};
    enum exit_code code = EXIT_FINE;
    json_t *saved = arguments->json ? json_array() : NULL;
    for (size_t i = 0; i < arguments->operand_count; i++) {
        code = exit_code_worse(code,
                               salvage_file(arguments->operands[i], arguments->to, &output, saved));
    }
    if (saved != NULL) {
        output_json(&output, saved);
    }
    return output_finish(&output, code);
}

/* ---- The command ---- */

static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    if (arguments->to != NULL) {
        return salvage(arguments);
    }
    if (arguments->operand_count > 1) {
        return cli_usage_error(command, "several files need --to DIR");
    }
    struct alog_recover_options recover = ALOG_RECOVER_OPTIONS_INIT;
    struct alog_recover_report report;
    struct alog_error error = {.message = ""};
    recover.tell = dead_writers_tell;
    recover.give_up_rings = arguments->give_up_rings;
    const enum alog_status status = alog_recover(arguments->operands[0], &recover, &report, &error);
    if (status != ALOG_OK) {
        return message_failure(status, &error);
    }
    struct output output = {0};
    if (arguments->json) {
        print_json(&output, &report);
    } else {
        print_text(&output, &report);
    }
    enum exit_code code = is_lossy(&report) ? EXIT_PARTLY : EXIT_FINE;
    if (report.problems > 0) {
        code = EXIT_FAILED;
    }
    alog_recover_report_free(&report);
    return output_finish(&output, code);
}

const struct cli_command cmd_recover = {
    .name = "recover",
    .operands = "LOGDIR|FILE...",
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .summary = "finish what killed writers left; save what is good in damaged files",
    .description =
        "A process that is killed, or crashes, leaves an unsealed segment, and its last events in "
        "shared memory. Bring them into the log, each exactly once, and remove what is then "
        "needed no more. Writers that live are left alone.\n"
        "\n"
        "New files are written, read back and checked before the old ones go; this may be "
        "interrupted at any time and run again. "
        "A new writer of the log does the same in the background, and 'agentlog ingest' and "
        "'rebuild' do it first.\n"
        "\n"
        "With --to DIR, what is good in damaged segments, FILE..., is saved in new ones of the "
        "same "
        "name in DIR, in which holes say what is missing; every byte of them is checked. They can "
        "be put in the place of the damaged ones: a database counts each event once all the same.\n"
        "\n"
        "What is lost is named: events that found no room while the writer lived and were not "
        "counted in the log yet (they are now), damaged bytes, and memory that is gone.",
    .examples = "agentlog recover ./log\n"
                "agentlog recover ./log --json\n"
                "agentlog recover ./log/2026-02-04/*.zst.damaged --to ./saved",
    .options = options,
    .exits = exits,
    .run = run};
