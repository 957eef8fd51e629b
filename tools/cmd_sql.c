/* agentlog sql: what there is to ask with SQL, and three examples. */
#include <agentlog/aggregator.h>

#include "commands.h"
#include "messages.h"
#include "output.h"

static const struct cli_option options[] = {{.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "fine"},
    {EXIT_FAILED, "this is no agentlog database, or it could not be read"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_NOT_FOUND, "there is no such database"},
    {EXIT_FINE, NULL}};

static const struct {
    const char *name, *doc;
} views[] = {
    {"v_days", "one row per day and environment: jobs, agents, providers, cost"},
    {"v_all_time", "one row per environment: jobs, agents, providers, cost"},
    {"v_environments", "the environments that there are"},
    {"v_agents", "each agent and issue type: executions, success rate, confidence"},
    {"v_providers", "each provider: calls, availability, latency, tokens, cost"},
    {"v_availability", "each provider and model: how often it got to run, what failed"},
    {"v_models", "each model: calls, success rate, cost, cost per success"},
    {"v_agents_providers", "each agent with each provider, against its others"},
    {"v_calibration", "each agent by tenth of confidence: is it as sure as it may be?"},
    {"v_retries", "attempts per operation, success after retry, time lost"},
    {"v_fallbacks", "calls in place of another provider's: from, to, why"},
    {"v_jobs", "each job: how it went, what it took, what it cost"},
    {"v_strategies", "strategies: decisions and effectiveness"},
    {"v_orchestrations", "time by execution strategy: hooks, tests, AI"},
    {"v_problem_hooks", "hooks that correlation_insights name"},
    {"v_errors", "errors by type and category"},
    {"v_error_patterns", "errors by message, numbers, paths and ids folded"},
    {"v_tests", "tests that fail most, and flaky ones"},
    {"v_hooks", "hooks: runs, failures, time"},
    {"v_events", "events by type: how many, without a job, first and last day"},
    {"v_trend", "figures by day, with their change"},
    {"v_regress", "the latest day that is over against the day and the week before"},
};

static const char examples[] =
    "-- Which agents earn their keep: success rate where there is enough to say so\n"
    "SELECT agent_name, issue_type, executions, round(100 * success_rate, 1) AS percent\n"
    "FROM v_agents WHERE environment = 'production' AND executions >= 20\n"
    "ORDER BY success_rate DESC;\n"
    "\n"
    "-- What each day cost, and how much of it went into jobs that failed\n"
    "SELECT substr(started, 1, 10) AS day, round(SUM(cost_usd), 2) AS usd,\n"
    "       round(SUM(CASE WHEN status = 'failed' THEN cost_usd END), 2) AS usd_failed\n"
    "FROM v_jobs WHERE started IS NOT NULL GROUP BY day ORDER BY day DESC LIMIT 14;\n"
    "\n"
    "-- What every column means\n"
    "SELECT column_name, doc FROM schema_docs WHERE table_name = 'v_providers';\n";

/* As a word of a shell command, in one line. */
static void print_word(struct output *output, const char *text) {
    output_format(output, "'");
    for (; *text != '\0'; text++) {
        const unsigned char byte = (unsigned char)*text;
        if (byte == '\'') {
            output_format(output, "'\\''");
        } else {
            output_format(output, "%c", byte < ' ' || byte == 0x7f ? '?' : byte);
        }
    }
    output_format(output, "'");
}

static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    (void)command;
    struct alog_db *db = NULL;
    struct alog_error error = {.message = ""};
    struct output output = {0};
    const enum alog_status status = alog_db_open(arguments->operands[0], &db, &error);
    alog_db_close(db);
    if (status != ALOG_OK) {
        return message_failure(status, &error);
    }
    output_format(&output, "-- sqlite3 -readonly ");
    print_word(&output, arguments->operands[0]);
    output_format(&output, "; views made to be asked:\n");
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        output_format(&output, "--   %-18s %s\n", views[i].name, views[i].doc);
    }
    output_format(&output, "-- All tables and columns are described in schema_docs.\n\n%s",
                  examples);
    return output_finish(&output, EXIT_FINE);
}

const struct cli_command cmd_sql = {
    .name = "sql",
    .operands = "DB",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "the views to ask with SQL, and three example queries",
    .description = "Print the documented views of a database and three example queries. What comes "
                   "out is SQL: it can be fed to sqlite3 as it is.",
    .examples = "agentlog sql agents.db\n"
                "agentlog sql agents.db | sqlite3 -readonly -box agents.db",
    .options = options,
    .exits = exits,
    .run = run};
