/* agentlog archive: the small segments of old days into large files. */
#include <agentlog/archive.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "commands.h"
#include "messages.h"
#include "name_list.h"
#include "output.h"
#include "progress.h"

#define DEFAULT_AGE   "30d"
#define NS_PER_SECOND 1000000000

static const struct cli_option options[] = {
    {.name = "to",
     .argument = "DIR",
     .kind = CLI_TEXT,
     CLI_MEMBER(to),
     .doc = "the archive, a directory that is made if it is not there"},
    {.name = "older-than",
     .argument = "TIME",
     .kind = CLI_TIME,
     CLI_MEMBER(older_than_ns),
     .fallback = DEFAULT_AGE,
     .doc = "only days that were over by then: " TIME_WINDOW_FORMS},
    {.name = "redact",
     .argument = "FIELD,...",
     .kind = CLI_TEXT,
     CLI_MEMBER(redact),
     .doc = "leave out the values of these fields and attributes for good; a text that an event "
            "must have becomes [redacted]"},
    {.name = "level",
     .argument = "N",
     .kind = CLI_NUMBER,
     CLI_MEMBER(level),
     .minimum = 1,
     .maximum = 19,
     .fallback = "19",
     .doc = "zstd's level: higher is smaller and slower"},
    {.name = "block-mib",
     .argument = "N",
     .kind = CLI_NUMBER,
     CLI_MEMBER(block_mib),
     .minimum = 1,
     .maximum = 8,
     .fallback = "1",
     .doc = "MiB of msgpack in a block: larger ones compress better (4 MiB by some 5 to 7 %), and "
            "'agentlog trace' must read more to find a job"},
    {.name = "keep",
     .kind = CLI_FLAG,
     CLI_MEMBER(keep),
     .doc = "do not remove the segments that were archived"},
    {.name = "json",
     .kind = CLI_FLAG,
     CLI_MEMBER(json),
     .doc = "print the report as a JSON object"},
    {.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "everything that was old enough is archived; or there was nothing to do"},
    {EXIT_FAILED, "stopped, and no segment was removed that is not in the archive; the reason is "
                  "on stderr"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_PARTLY, "archived but for segments that are damaged or not sealed; each was named on "
                  "stderr and left as it is"},
    {EXIT_NOT_FOUND, "there is no such log"},
    {EXIT_LOCKED, "another process is archiving there"},
    {EXIT_FINE, NULL}};

static void tell(void *context, enum alog_archive_step step, const char *path, const char *reason) {
    if (step == ALOG_ARCHIVE_LEFT || step == ALOG_ARCHIVE_UNSEALED) {
        progress_clear(context);
    }
    if (step == ALOG_ARCHIVE_LEFT) {
        message("%s: left as it is: %s", path, reason);
    } else if (step == ALOG_ARCHIVE_UNSEALED) {
        message("%s: left as it is: it is not sealed; see 'agentlog help recover'", path);
    }
}

static int64_t now_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

static void print_text(struct output *output, const struct alog_archive_report *report,
                       double seconds) {
    if (report->segments == 0) {
        output_format(output, "nothing to archive\n");
    } else {
        output_format(output,
                      "archived %" PRIu64 " segment%s of %" PRIu64 " day%s, %" PRIu64
                      " event%s, into %" PRIu64 " file%s\n",
                      report->segments, output_plural(report->segments), report->days,
                      output_plural(report->days), report->events, output_plural(report->events),
                      report->files, output_plural(report->files));
        output_format(output,
                      "%" PRIu64 " bytes became %" PRIu64 " (%.1f %%), %.1f times smaller than "
                      "their msgpack, %.1f MB of it a second\n",
                      report->bytes_before, report->bytes_after,
                      100.0 * (double)report->bytes_after / (double)report->bytes_before,
                      (double)report->raw_bytes / (double)report->bytes_after,
                      seconds > 0 ? (double)report->raw_bytes / 1e6 / seconds : 0.0);
    }
    if (report->values_redacted > 0) {
        output_format(output, "%" PRIu64 " value%s redacted\n", report->values_redacted,
                      output_plural(report->values_redacted));
    }
    if (report->segments_removed > 0) {
        output_format(output, "%" PRIu64 " segment%s removed from the log\n",
                      report->segments_removed, output_plural(report->segments_removed));
    }
    if (report->segments_needed > 0) {
        output_format(output,
                      "%" PRIu64
                      " segment%s for a later run: the newest of a writer that lives, or "
                      "was killed and not recovered yet\n",
                      report->segments_needed, output_plural(report->segments_needed));
    }
}

static void print_json(struct output *output, const struct alog_archive_report *report,
                       double seconds) {
    const struct {
        const char *name;
        uint64_t count;
    } counts[] = {
        {"days", report->days},
        {"files", report->files},
        {"segments", report->segments},
        {"segments_removed", report->segments_removed},
        {"segments_left", report->segments_left},
        {"segments_unsealed", report->segments_unsealed},
        {"segments_needed", report->segments_needed},
        {"events", report->events},
        {"bytes_before", report->bytes_before},
        {"bytes_after", report->bytes_after},
        {"raw_bytes", report->raw_bytes},
        {"values_redacted", report->values_redacted},
    };
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        json_object_set_new(object, counts[i].name, json_integer((json_int_t)counts[i].count));
    }
    json_object_set_new(object, "seconds", json_real(seconds));
    output_json(output, object);
}

static void print_redacted(struct output *output, const struct alog_archive_report *report) {
    if (report->files == 0) {
        output_format(output, "nothing to redact\n");
    } else {
        output_format(output,
                      "made %" PRIu64 " file%s anew, with %" PRIu64 " event%s of %" PRIu64
                      " segment%s; %" PRIu64 " value%s redacted\n",
                      report->files, output_plural(report->files), report->events,
                      output_plural(report->events), report->segments,
                      output_plural(report->segments), report->values_redacted,
                      output_plural(report->values_redacted));
    }
}

/* Without --to: what is archived already. */
static enum exit_code redact(const struct cli_arguments *arguments,
                             struct alog_archive_options *redacting) {
    struct progress progress = progress_begin("redacting");
    struct alog_archive_report report = {0};
    struct alog_error error = {.message = ""};
    struct output output = {0};
    redacting->tell = tell;
    redacting->tell_context = &progress;
    redacting->progress = progress_update;
    redacting->progress_context = &progress;
    if (!arguments->older_than_ns.present) {
        redacting->before_ns = ALOG_I64(INT64_MAX);
    }
    const int64_t begun_ns = now_ns(CLOCK_MONOTONIC);
    const enum alog_status status =
        alog_archive_redact(arguments->operands[0], redacting, &report, &error);
    const double seconds = (double)(now_ns(CLOCK_MONOTONIC) - begun_ns) / NS_PER_SECOND;
    progress_clear(&progress);
    if (status != ALOG_OK) {
        return message_failure(status, &error);
    }
    if (arguments->json) {
        print_json(&output, &report, seconds);
    } else {
        print_redacted(&output, &report);
    }
    return output_finish(&output, report.segments_left == 0 ? EXIT_FINE : EXIT_PARTLY);
}

static enum exit_code archive(const struct cli_arguments *arguments,
                              struct alog_archive_options *archiving) {
    struct progress progress = progress_begin("archiving");
    struct alog_archive_report report = {0};
    struct alog_error error = {.message = ""};
    struct output output = {0};
    archiving->tell = tell;
    archiving->tell_context = &progress;
    archiving->progress = progress_update;
    archiving->progress_context = &progress;
    const int64_t begun_ns = now_ns(CLOCK_MONOTONIC);
    const enum alog_status status =
        alog_archive(arguments->operands[0], arguments->to, archiving, &report, &error);
    const double seconds = (double)(now_ns(CLOCK_MONOTONIC) - begun_ns) / NS_PER_SECOND;
    progress_clear(&progress);
    if (status != ALOG_OK) {
        return message_failure(status, &error);
    }
    if (archiving->redact != NULL && report.segments > 0 && report.values_redacted == 0) {
        message("nothing was redacted: no event has any of these fields");
    }
    if (arguments->json) {
        print_json(&output, &report, seconds);
    } else {
        print_text(&output, &report, seconds);
    }
    const bool whole = report.segments_left == 0 && report.segments_unsealed == 0;
    return output_finish(&output, whole ? EXIT_FINE : EXIT_PARTLY);
}

static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    struct alog_archive_options archiving = ALOG_ARCHIVE_OPTIONS_INIT;
    const char *names[NAME_LIST_MAX + 1];
    if (arguments->to == NULL && arguments->redact == NULL) {
        return cli_usage_error(command, "--to DIR is missing, or --redact for an archive that is "
                                        "there already");
    }
    if (arguments->to == NULL && arguments->keep) {
        return cli_usage_error(command, "--keep is for segments, which need --to DIR");
    }
    archiving.before_ns = arguments->older_than_ns;
    if (!archiving.before_ns.present) {
        archiving.before_ns.present =
            time_window_parse(DEFAULT_AGE, now_ns(CLOCK_REALTIME), &archiving.before_ns.value,
                              NULL) == ALOG_OK;
    }
    archiving.compression_level = (int)arguments->level.value;
    archiving.block_bytes = (uint64_t)arguments->block_mib.value << 20;
    archiving.keep_segments = arguments->keep;
    if (arguments->redact == NULL) {
        return archive(arguments, &archiving);
    }
    const size_t bytes = strlen(arguments->redact) + 1;
    char *text = output_allocate(bytes, 1);
    memcpy(text, arguments->redact, bytes);
    enum exit_code code;
    if (name_list_split(text, names)) {
        archiving.redact = names;
        code =
            arguments->to != NULL ? archive(arguments, &archiving) : redact(arguments, &archiving);
    } else {
        code = cli_usage_error(command, "--redact needs 1 to %d names parted by commas, not '%s'",
                               NAME_LIST_MAX, arguments->redact);
    }
    free(text);
    return code;
}

const struct cli_command cmd_archive = {
    .name = "archive",
    .operands = "LOGDIR --to DIR | ARCHIVE --redact FIELD,...",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "merge old segments into large files, recompressed",
    .description =
        "Merge the segments of each whole day into one file in the archive DIR, compressed for the "
        "long term. Every file is read back and compared with the segments event for event, and "
        "has a manifest with SHA-256 sums beside it, before the segments are removed from LOGDIR. "
        "This may be interrupted at any time and run again.\n"
        "\n"
        "An archive is read like a log: 'cat', 'trace', 'info', 'verify', 'ingest' and 'rebuild' "
        "take DIR for LOGDIR. Each event keeps its writer, number and environment, and a database "
        "counts it once, whether it met the segment, the archive, or both. "
        "Run 'agentlog ingest' first: it reads LOGDIR alone.\n"
        "\n"
        "What is redacted is gone for good once the segments are removed. Without --to, what is in "
        "an archive already is redacted: each file is made anew, compared with the old one event "
        "for event, and takes its place, with a new manifest; all days, unless --older-than says "
        "which. Databases keep what they have. Damaged and unsealed "
        "segments are left as they are, and the newest of each writer that lives, or was killed "
        "and not recovered yet: a recovery tells from it what is in the log already.",
    .examples = "agentlog archive ./log --to ./archive --older-than 30d\n"
                "agentlog archive ./log --to ./archive --redact error_message,error_traceback\n"
                "agentlog archive ./archive --redact error_message\n"
                "agentlog rebuild ./archive again.db",
    .options = options,
    .exits = exits,
    .in_background = true,
    .run = run};
