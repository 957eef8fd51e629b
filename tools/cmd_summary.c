/* agentlog summary: the daily summaries. */
#include "commands.h"
#include "db_query.h"

static const struct cli_option options[] = {CLI_OPTION_SINCE_WHOLE("day", "days"),
                                            CLI_OPTION_UNTIL_WHOLE("day", "days"),
                                            CLI_OPTION_FILTER_ENVIRONMENT,
                                            CLI_OPTION_LIMIT,
                                            CLI_OPTION_WIDE,
                                            CLI_OPTION_JSON,
                                            {.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "fine, also when no day matches"},
    {EXIT_FAILED, "this is no agentlog database, or it could not be read"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_NOT_FOUND, "there is no such database"},
    {EXIT_LOCKED, "another program has locked the database for more than five seconds"},
    {EXIT_FINE, NULL}};

static const char *const columns[] = {"day",
                                      "environment",
                                      "total_jobs",
                                      "successful_jobs",
                                      "agent_executions",
                                      "agent_success_rate",
                                      "provider_calls",
                                      "provider_availability",
                                      "cost_usd",
                                      "total_errors",
                                      "tests_run",
                                      "tests_failed",
                                      "events",
                                      "events_lost",
                                      NULL};

static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    const struct alog_query query = db_query_from(ALOG_QUERY_SUMMARY, arguments);
    return db_query_print(command, arguments, arguments->operands[0], &query, columns);
}

const struct cli_command cmd_summary = {
    .name = "summary",
    .operands = "DB",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "the daily summaries: jobs, agents, providers, tests, errors, cost",
    .description = "Print a row per day and environment. Days begin in the time zone that the "
                   "database was made with. "
                   "'-' means that there is no data, which is not zero.",
    .examples =
        "agentlog summary agents.db\n"
        "agentlog summary agents.db --since 7d --json\n"
        "agentlog summary agents.db --environment '*' --since 2026-02-01 --until 2026-03-01",
    .options = options,
    .exits = exits,
    .run = run};
