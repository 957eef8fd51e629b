/* agentlog ingest and rebuild: a log into its database. */
#include <agentlog/aggregator.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "commands.h"
#include "dead_writers.h"
#include "messages.h"
#include "output.h"
#include "progress.h"
#include "segment_args.h"

#define MAX_THRESHOLDS 8

#define OPTION_JOBS                                                                                \
    {                                                                                              \
        .name = "jobs", .argument = "N", .kind = CLI_NUMBER, CLI_MEMBER(jobs), .minimum = 1,       \
        .maximum = 64, .fallback = "the processors there are",                                     \
        .doc = "threads that decode segments"                                                      \
    }
#define OPTION_TIME_ZONE                                                                           \
    {                                                                                              \
        .name = "time-zone", .argument = "ZONE", .kind = CLI_TEXT, CLI_MEMBER(time_zone),          \
        .fallback = "that of the database; UTC for a new one",                                     \
        .doc = "where days begin: UTC or an offset such as +08:00; recorded when the database "    \
               "is made; only a rebuild of the whole changes it"                                   \
    }
#define OPTION_LATENCY_THRESHOLDS                                                                  \
    {                                                                                              \
        .name = "latency-thresholds-ms", .argument = "MS,...", .kind = CLI_TEXT,                   \
        CLI_MEMBER(latency_thresholds),                                                            \
        .fallback = "those of the database; 500 to 60000 for a new one",                           \
        .doc = "latencies, at most 8, for which 'stats availability --max-latency-ms' counts "     \
               "exactly; recorded when the database is made; only a rebuild of the whole changes " \
               "them"                                                                              \
    }
#define OPTION_DIMENSION_CAP                                                                       \
    {                                                                                              \
        .name = "dimension-cap", .argument = "N", .kind = CLI_NUMBER, CLI_MEMBER(dimension_cap),   \
        .minimum = 1, .maximum = 1000000, .fallback = "that of the database; 10000 for a new one", \
        .doc = "different agents, models and so on that a day may have, and ten times as many "    \
               "tests; the rest counts "                                                           \
               "as _OTHER; recorded likewise"                                                      \
    }

static const struct cli_option ingest_options[] = {OPTION_JOBS,
                                                   OPTION_TIME_ZONE,
                                                   OPTION_LATENCY_THRESHOLDS,
                                                   OPTION_DIMENSION_CAP,
                                                   CLI_OPTION_ARCHIVE,
                                                   {.name = "json",
                                                    .kind = CLI_FLAG,
                                                    CLI_MEMBER(json),
                                                    .doc = "print the report as a JSON object"},
                                                   {.name = NULL}};

static const struct cli_option rebuild_options[] = {{.name = "day",
                                                     .argument = "DAY",
                                                     .kind = CLI_DAY,
                                                     CLI_MEMBER(day),
                                                     .doc = "only this day, like 2026-02-04"},
                                                    OPTION_JOBS,
                                                    OPTION_TIME_ZONE,
                                                    OPTION_LATENCY_THRESHOLDS,
                                                    OPTION_DIMENSION_CAP,
                                                    CLI_OPTION_ARCHIVE,
                                                    {.name = "json",
                                                     .kind = CLI_FLAG,
                                                     CLI_MEMBER(json),
                                                     .doc = "print the report as a JSON object"},
                                                    {.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "the database is up to date"},
    {EXIT_FAILED, "nothing was changed; the reason is on stderr"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_PARTLY,
     "up to date but for what is damaged: a segment that was set aside (the next run tries it "
     "again), or a block that was passed over; or a killed writer of the log could not be "
     "finished without loss"},
    {EXIT_NOT_FOUND, "there is no such log"},
    {EXIT_LOCKED, "another process works on the database"},
    {EXIT_FINE, NULL}};

typedef enum alog_status ingest_fn(const char *log_dir, const char *db_path,
                                   const struct alog_ingest_options *options,
                                   struct alog_ingest_report *ret_report, struct alog_error *error);

static void print_text(struct output *output, const struct alog_ingest_report *report) {
    output_format(output,
                  "ingested %" PRIu64 " event%s (the writers' own included) from %" PRIu64
                  " of %" PRIu64 " segment%s; %" PRIu64 " day%s summarised\n",
                  report->events, output_plural(report->events), report->segments_ingested,
                  report->segments_seen, output_plural(report->segments_seen), report->days,
                  output_plural(report->days));
    if (report->events_lost > 0) {
        output_format(output, "%" PRIu64 " event%s known to be lost\n", report->events_lost,
                      output_plural(report->events_lost));
    }
    if (report->segments_bad > 0) {
        output_format(output,
                      "%" PRIu64
                      " segment%s set aside: bad_segments says why, see also 'agentlog verify'\n",
                      report->segments_bad, output_plural(report->segments_bad));
    }
}

static void print_json(struct output *output, const struct alog_ingest_report *report) {
    output_json(output,
                json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "segments_seen",
                          (json_int_t)report->segments_seen, "segments_ingested",
                          (json_int_t)report->segments_ingested, "segments_skipped",
                          (json_int_t)report->segments_skipped, "segments_bad",
                          (json_int_t)report->segments_bad, "events", (json_int_t)report->events,
                          "events_lost", (json_int_t)report->events_lost, "days",
                          (json_int_t)report->days, "bytes", (json_int_t)report->bytes));
}

/* "500,2000" as numbers; false when it is something else. */
static bool read_thresholds(const char *text, double ms[MAX_THRESHOLDS], size_t *ret_count) {
    size_t count = 0;
    do {
        char *end;
        errno = 0;
        ms[count] = strtod(text, &end);
        if (end == text || errno != 0 || (*end != ',' && *end != '\0')) {
            return false;
        }
        count++;
        text = *end == ',' ? end + 1 : NULL;
    } while (text != NULL && count < MAX_THRESHOLDS);
    *ret_count = count;
    return text == NULL;
}

static enum exit_code ingest_with(ingest_fn *ingest, const char *label,
                                  const struct cli_command *command,
                                  const struct cli_arguments *arguments) {
    double thresholds_ms[MAX_THRESHOLDS];
    size_t threshold_count = 0;
    if (arguments->latency_thresholds != NULL &&
        !read_thresholds(arguments->latency_thresholds, thresholds_ms, &threshold_count)) {
        return cli_usage_error(command,
                               "--latency-thresholds-ms takes at most %d numbers divided by "
                               "commas, not '%s'",
                               MAX_THRESHOLDS, arguments->latency_thresholds);
    }
    struct progress progress = progress_begin(label);
    struct damage_report damage = {.progress = &progress};
    struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
    struct alog_ingest_report report = {0};
    struct alog_error error = {.message = ""};
    const enum exit_code recovered = dead_writers_finish(arguments->operands[0]);
    options.threads = arguments->jobs.present ? (uint32_t)arguments->jobs.value : 0;
    options.time_zone = arguments->time_zone;
    options.day = arguments->day;
    options.archive_dir = arguments->archive;
    options.dimension_cap =
        arguments->dimension_cap.present ? (uint32_t)arguments->dimension_cap.value : 0;
    options.latency_thresholds_ms = threshold_count > 0 ? thresholds_ms : NULL;
    options.latency_threshold_count = threshold_count;
    options.progress = progress_update;
    options.progress_context = &progress;
    options.damage = damage_report_tell;
    options.damage_context = &damage;
    const enum alog_status status =
        ingest(arguments->operands[0], arguments->operands[1], &options, &report, &error);
    progress_clear(&progress);
    if (status != ALOG_OK) {
        return message_failure(status, &error);
    }
    struct output output = {0};
    if (arguments->json) {
        print_json(&output, &report);
    } else {
        print_text(&output, &report);
    }
    const bool whole = report.segments_bad == 0 && damage.faults == 0;
    return output_finish(&output, exit_code_worse(recovered, whole ? EXIT_FINE : EXIT_PARTLY));
}

static enum exit_code run_ingest(const struct cli_command *command,
                                 const struct cli_arguments *arguments) {
    return ingest_with(alog_ingest, "ingesting", command, arguments);
}

static enum exit_code run_rebuild(const struct cli_command *command,
                                  const struct cli_arguments *arguments) {
    return ingest_with(alog_rebuild, "rebuilding", command, arguments);
}

const struct cli_command cmd_ingest = {
    .name = "ingest",
    .operands = "LOGDIR DB",
    .min_operands = 2,
    .max_operands = 2,
    .summary = "bring a database up to date with a log",
    .description = "Finish what killed writers left (see 'agentlog help recover'), read what is "
                   "new in LOGDIR into the database file DB, which is made if it is "
                   "not there, and summarise the days that it touches. "
                   "Every event is counted exactly once, however often this runs and wherever it "
                   "is interrupted: run it from cron, or every minute. "
                   "Readers of the database are not blocked.",
    .examples = "agentlog ingest ./log agents.db\n"
                "agentlog ingest ./log agents.db --jobs 2 --json",
    .options = ingest_options,
    .exits = exits,
    .in_background = true,
    .run = run_ingest};

const struct cli_command cmd_rebuild = {
    .name = "rebuild",
    .operands = "LOGDIR DB",
    .min_operands = 2,
    .max_operands = 2,
    .summary = "make a database anew from its log",
    .description = "Make the database DB anew from everything in LOGDIR. It is built beside the "
                   "old one and put in its place when it is whole. "
                   "The result is what ingesting the same log would have given. With --day, only "
                   "that day's rows are made again. LOGDIR may be an archive, which gives what "
                   "the segments gave that it was made of; where some of them are archived and "
                   "others not, name both: LOGDIR, and the archive with --archive.",
    .examples = "agentlog rebuild ./log agents.db\n"
                "agentlog rebuild ./log agents.db --day 2026-02-04",
    .options = rebuild_options,
    .exits = exits,
    .in_background = true,
    .run = run_rebuild};
