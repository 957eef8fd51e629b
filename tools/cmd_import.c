/* agentlog import: events out of what other programs wrote. The sources are in import/. */
#include "commands.h"
#include "import/import_run.h"

static const struct cli_option options[] = {
    {.name = "environment",
     .argument = "NAME",
     .kind = CLI_TEXT,
     CLI_MEMBER(environment),
     .fallback = "production",
     .doc = "environment of the events whose source does not say it"},
    {.name = "time-zone",
     .argument = "ZONE",
     .kind = CLI_TEXT,
     CLI_MEMBER(time_zone),
     .fallback = "utc",
     .doc = "what times without an offset are taken for: utc, local (of this machine, or of TZ, "
            "with its daylight saving time), or an offset such as +02:00"},
    {.name = "job",
     .argument = "JOB_ID",
     .kind = CLI_TEXT,
     CLI_MEMBER(job),
     .doc = "junit, otlp: the job of all events"},
    {.name = "job-attribute",
     .argument = "KEY",
     .kind = CLI_TEXT,
     CLI_MEMBER(job_attribute),
     .fallback = "the trace id",
     .doc = "otlp: the attribute, of the record or its resource, that is the job id"},
    {.name = "archive",
     .argument = "DIR",
     .kind = CLI_TEXT,
     CLI_MEMBER(archive),
     .doc = "where segments of LOGDIR were archived: look there too for what an import that was "
            "killed got into the log"},
    {.name = "dry-run",
     .kind = CLI_FLAG,
     CLI_MEMBER(dry_run),
     .doc = "read and judge everything, log nothing"},
    CLI_OPTION_JSON,
    {.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "everything is in the log, now or before"},
    {EXIT_FAILED, "a source could not be read to its end (the others were), or the log not "
                  "written; the same command goes on where it stopped"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_PARTLY, "records were skipped; each was named on stderr"},
    {EXIT_NOT_FOUND, "there is no such source"},
    {EXIT_LOCKED, "another import into the log is running, or the source is locked"},
    {EXIT_FINE, NULL}};

static const struct cli_choice choices[] = {
    {"sqlite", "databases with the tables jobs, errors, hook_executions, test_executions, "
               "individual_test_executions, orchestration_executions, strategy_decisions, "
               "agent_executions, provider_performance: columns as the fields of the catalogue, "
               "and timestamp; jobs have start_time and end_time"},
    {"junit",
     "test reports in JUnit's XML, as pytest, Maven, Googletest and jest write them; '-' is "
     "stdin"},
    {"otlp", "OpenTelemetry's spans and log records as OTLP/JSON, one document a line or several; "
             "'-' is stdin"},
    {NULL, NULL}};

/* In the order of `choices`. */
static import_source_fn *const sources[] = {import_sqlite, import_junit, import_otlp};

static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    const char *kind = arguments->operands[0];
    struct import import = {.arguments = arguments,
                            .log_dir = arguments->operands[arguments->operand_count - 1],
                            .zone_is_assumed = arguments->time_zone == NULL};
    if (arguments->time_zone != NULL && !import_zone_parse(arguments->time_zone, &import.zone)) {
        return cli_usage_error(command,
                               "--time-zone is utc, local or an offset such as +02:00, "
                               "not '%s'",
                               arguments->time_zone);
    }
    size_t at = 0;
    while (choices[at].name != NULL && strcmp(choices[at].name, kind) != 0) {
        at++;
    }
    if (choices[at].name == NULL) {
        return cli_usage_error(command, "there is no KIND '%s' of sources", kind);
    }
    return import_run(&import, sources[at], arguments->operands + 1, arguments->operand_count - 2);
}

const struct cli_command cmd_import = {
    .name = "import",
    .operands = "KIND FILE... LOGDIR",
    .min_operands = 3,
    .max_operands = SIZE_MAX,
    .summary = "events out of what other programs wrote",
    .description =
        "Read the records of each FILE as events of the catalogue, and append those that are new "
        "to the log in LOGDIR, which is made if it is not there. What the catalogue has no field "
        "for is kept as an attribute. A record that cannot be read is named with its place and "
        "reason, counted and skipped.\n"
        "\n"
        "The same source twice adds nothing; one that has grown adds what is new. Every event gets "
        "an id from its source, and LOGDIR/.imports remembers which were imported. An import that "
        "is killed is run again: each event gets into the log exactly once. Remove LOGDIR/.imports "
        "and the next import asks the log itself what it has.\n"
        "\n"
        "sqlite: the row is the event; one that is changed after it was imported counts as a "
        "further event. A job is a job_start and, once it has an end_time, a job_end. Times are "
        "text, with or without an offset, or numbers since 1970 in seconds (below 1e11), "
        "milliseconds (1e14), microseconds (1e17) or nanoseconds. Words such as 'passed' where the "
        "catalogue has 'success' are translated, and kept as source.status.\n"
        "\n"
        "junit: a test case is an individual_test_execution, at its own or its suite's timestamp, "
        "else when the file was written; an earlier try, that it failed before it passed, is one "
        "too. A suite that has test cases is a test_execution; tests in error count as failed. "
        "Properties are kept as property.NAME. The same report with another --job is that job's. A "
        "report that is not whole is skipped.\n"
        "\n"
        "otlp: a span with gen_ai.operation.name invoke_agent is an agent_execution, with "
        "execute_tool a user-defined event of that name, with another one (or with a provider and "
        "a model) a provider_performance; with test.case.name an individual_test_execution; any "
        "other a user-defined event span. A log record of severity ERROR or above is an error, any "
        "other a user-defined event log. Its time is its end. Attributes that OpenTelemetry's "
        "conventions define are fields where 'agentlog help events' names them, all others are "
        "kept, those of the resource as resource.KEY. What 'agentlog export --format otlp' wrote "
        "becomes the same events again.",
    .examples = "agentlog import sqlite metrics.db ./log --time-zone local\n"
                "agentlog import sqlite metrics.db ./log --dry-run\n"
                "agentlog import junit build/reports/*.xml ./log --job nightly-17\n"
                "agentlog import otlp traces.jsonl logs.jsonl ./log --job-attribute session.id",
    .options = options,
    .choices_title = "Kinds",
    .choices = choices,
    .exits = exits,
    .run = run};
