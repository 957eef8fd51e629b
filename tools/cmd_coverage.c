/* agentlog coverage: instrumentation that is silent. */
#include <agentlog/coverage.h>

#include "allow_list.h"
#include "commands.h"
#include "db_query.h"
#include "messages.h"
#include "output.h"

static const struct cli_option options[] = {
    {.name = "environment",
     .argument = "NAME",
     .kind = CLI_TEXT,
     CLI_MEMBER(environment),
     .fallback = "production",
     .doc = "only this environment; '*' for every one but test"},
    CLI_OPTION_SINCE_WHOLE("day", "days"),
    CLI_OPTION_UNTIL_WHOLE("day", "days"),
    {.name = "allow",
     .argument = "FILE",
     .kind = CLI_TEXT,
     CLI_MEMBER(allow),
     .doc = "what is silent on purpose: lines of CHECK SUBJECT [ENVIRONMENT], with * and ? for any "
            "text; # begins a comment"},
    CLI_OPTION_JSON,
    {.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "nothing is silent, but for what is allowed to be"},
    {EXIT_FAILED, "this is no agentlog database, or a file could not be read"},
    {EXIT_USAGE, "the command line or a line of the allow-list is wrong"},
    {EXIT_THRESHOLD, "something is silent that should not be"},
    {EXIT_NOT_FOUND, "there is no such database"},
    {EXIT_LOCKED, "another program has locked the database for more than five seconds"},
    {EXIT_FINE, NULL}};

static enum exit_code print(const struct cli_arguments *arguments, struct alog_table *table,
                            size_t allowed) {
    struct output output = {0};
    if (arguments->json) {
        output_json_table(&output, table);
    } else if (table->row_count > 0) {
        output_table(&output, table, NULL);
    } else {
        output_format(&output, "nothing is silent");
        output_format(&output, allowed > 0 ? ", but for %zu that may be\n" : "\n", allowed);
    }
    return output_finish(&output, table->row_count > 0 ? EXIT_THRESHOLD : EXIT_FINE);
}

static enum exit_code ask(const struct cli_arguments *arguments, struct allow_list *list) {
    struct alog_coverage_options coverage = ALOG_COVERAGE_OPTIONS_INIT;
    struct alog_error error = {.message = ""};
    struct alog_db *db;
    struct alog_table *table;
    coverage.environment = alog_str(arguments->environment);
    enum alog_status status = alog_db_open(arguments->operands[0], &db, &error);
    if (status != ALOG_OK) {
        return message_failure(status, &error);
    }
    struct cli_arguments local = *arguments;
    db_query_localise(db, &local);
    coverage.since_ns = local.since_ns;
    coverage.until_ns = local.until_ns;
    status = alog_db_coverage(db, &coverage, &table, &error);
    if (status == ALOG_OK) {
        db_query_tell_unknown_environment(db, coverage.environment);
    }
    alog_db_close(db);
    if (status != ALOG_OK) {
        return message_failure(status, &error);
    }
    size_t allowed = allow_list_apply(list, table);
    enum exit_code code = print(arguments, table, allowed);
    alog_table_free(table);
    return code;
}

static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    (void)command;
    struct allow_list list = {0};
    enum exit_code code =
        arguments->allow != NULL ? allow_list_read(arguments->allow, &list) : EXIT_FINE;
    if (code == EXIT_FINE) {
        code = ask(arguments, &list);
        if (code == EXIT_FINE || code == EXIT_THRESHOLD) {
            allow_list_tell_unused(&list, arguments->allow);
        }
    }
    allow_list_free(&list);
    return code;
}

const struct cli_command cmd_coverage = {
    .name = "coverage",
    .operands = "DB",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "find instrumentation that is silent",
    .description =
        "Say what should be in the log and is not: events and fields of the catalogue that were "
        "never seen, or only in the environment test; events that stopped arriving; events "
        "without a job; jobs without an end, without agents, without provider calls; agents whose "
        "confidence is always the same; lost events. "
        "Put what is silent on purpose on an allow-list, and run this every night.",
    .examples = "agentlog coverage agents.db --since 30d\n"
                "agentlog coverage agents.db --allow silent.txt --json",
    .options = options,
    .exits = exits,
    .run = run};
