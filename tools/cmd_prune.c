/* agentlog prune: delete what a database has kept long enough. */
#include <agentlog/prune.h>

#include <inttypes.h>

#include "commands.h"
#include "messages.h"
#include "output.h"

static const struct cli_option options[] = {
    {.name = "keep-rows",
     .argument = "AGE",
     .kind = CLI_AGE,
     CLI_MEMBER(keep_rows_days),
     .fallback = "90d",
     .doc = "keep what belongs to single jobs for so long: 30d, 8w, 2y, or forever"},
    {.name = "keep-rollups",
     .argument = "AGE",
     .kind = CLI_AGE,
     CLI_MEMBER(keep_rollups_days),
     .fallback = "400d, or as long as rows",
     .doc = "keep hourly sums for so long"},
    {.name = "keep-summaries",
     .argument = "AGE",
     .kind = CLI_AGE,
     CLI_MEMBER(keep_summaries_days),
     .fallback = "forever",
     .doc = "keep daily rows for so long"},
    {.name = "dry-run",
     .kind = CLI_FLAG,
     CLI_MEMBER(dry_run),
     .doc = "only say what would be deleted"},
    CLI_OPTION_JSON,
    {.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "fine, also when there was nothing to delete"},
    {EXIT_FAILED, "this is no agentlog database, or it could not be written"},
    {EXIT_USAGE, "the command line is wrong, or rows would be kept longer than their sums"},
    {EXIT_NOT_FOUND, "there is no such database"},
    {EXIT_LOCKED, "another process writes the database"},
    {EXIT_FINE, NULL}};

static void print_text(struct output *output, const struct alog_prune_report *report,
                       bool dry_run) {
    for (size_t i = 0; i < report->table_count; i++) {
        if (report->tables[i].rows > 0) {
            output_format(output, "%-22s %12" PRIu64 "\n", report->tables[i].table,
                          report->tables[i].rows);
        }
    }
    output_format(output, "%" PRIu64 " row%s %s", report->rows, report->rows == 1 ? "" : "s",
                  dry_run ? "would be deleted\n" : "deleted");
    if (!dry_run) {
        output_format(output, "; the database is %.1f MiB, it was %.1f MiB\n",
                      (double)report->bytes_after / 1048576,
                      (double)report->bytes_before / 1048576);
    }
}

static void print_json(struct output *output, const struct alog_prune_report *report,
                       bool dry_run) {
    json_t *tables = json_object();
    for (size_t i = 0; i < report->table_count; i++) {
        json_object_set_new(tables, report->tables[i].table,
                            json_integer((json_int_t)report->tables[i].rows));
    }
    output_json(output, json_pack("{s:b, s:I, s:o, s:I, s:I}", "dry_run", dry_run, "rows",
                                  (json_int_t)report->rows, "tables", tables, "bytes_before",
                                  (json_int_t)report->bytes_before, "bytes_after",
                                  (json_int_t)report->bytes_after));
}

/* 0 stands for the default. */
static uint32_t days_of(struct alog_opt_i64 age) {
    return age.present ? (uint32_t)age.value : 0;
}

static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    struct alog_prune_options prune = ALOG_PRUNE_OPTIONS_INIT;
    struct alog_prune_report report = {0};
    struct alog_error error = {.message = ""};
    prune.keep_rows_days = days_of(arguments->keep_rows_days);
    prune.keep_rollups_days = days_of(arguments->keep_rollups_days);
    prune.keep_summaries_days = days_of(arguments->keep_summaries_days);
    prune.dry_run = arguments->dry_run;
    if (!alog_prune_options_valid(&prune, &error)) {
        return cli_usage_error(command, "%s", error.message);
    }
    const enum alog_status status = alog_prune(arguments->operands[0], &prune, &report, &error);
    if (status != ALOG_OK) {
        return message_failure(status, &error);
    }
    struct output output = {0};
    if (arguments->json) {
        print_json(&output, &report, prune.dry_run);
    } else {
        print_text(&output, &report, prune.dry_run);
    }
    alog_prune_report_free(&report);
    return output_finish(&output, EXIT_FINE);
}

const struct cli_command cmd_prune = {
    .name = "prune",
    .operands = "DB",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "delete what a database has kept long enough",
    .description = "Delete whole days of rows from the database DB, by the time of their events, "
                   "and give the space back. Rows of single jobs go first, hourly sums later, "
                   "daily summaries last or never. A day that has lost rows keeps its summary: "
                   "it is never made again from less. Segments are not touched.",
    .examples = "agentlog prune agents.db --dry-run\n"
                "agentlog prune agents.db --keep-rows 30d --keep-rollups 2y",
    .options = options,
    .exits = exits,
    .in_background = true,
    .run = run};
