/* agentlog job: what happened in one job. */
#include "commands.h"
#include "db_query.h"
#include "messages.h"

static const struct cli_option options[] = {
    {.name = "environment",
     .argument = "NAME",
     .kind = CLI_TEXT,
     CLI_MEMBER(environment),
     .fallback = "all of them",
     .doc = "the environment of the job, where several have one of that id"},
    CLI_OPTION_JSON,
    {.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "fine"},
    {EXIT_FAILED, "this is no agentlog database, or it could not be read"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_NOT_FOUND, "there is no such database, or no such job in it"},
    {EXIT_LOCKED, "another program has locked the database for more than five seconds"},
    {EXIT_FINE, NULL}};

/* One part of the story: its table is optional, except the first. Of the columns, the first is
 * shown when several environments have such a job. */
struct section {
    enum alog_query_kind kind;
    const char *key;     /* in JSON */
    const char *heading; /* in text */
    const char *columns[16];
};

static const struct section sections[] = {
    {ALOG_QUERY_JOB, "job", NULL, {NULL}},
    {ALOG_QUERY_JOB_AGENTS,
     "agents",
     "Agents",
     {"environment", "agent_name", "issue_type", "provider_id", "model", "attempts", "successes",
      "success_rate", "confidence_avg", "fixes_applied", "total_execution_time_ms",
      "failed_time_ms", "ended_well", "first_seen"}},
    {ALOG_QUERY_JOB_PROVIDERS,
     "providers",
     "Providers",
     {"environment", "provider_id", "model", "agent_name", "calls", "successes",
      "availability_failures", "execution_failures", "avg_latency_ms", "retries", "fallbacks",
      "input_tokens", "output_tokens", "cost_usd"}},
    {ALOG_QUERY_JOB_STRATEGIES,
     "strategies",
     "Strategies",
     {"environment", "strategy", "decisions", "scores", "avg_effectiveness", "first_seen",
      "last_seen"}},
    {ALOG_QUERY_JOB_TESTS,
     "failed_tests",
     "Failed tests",
     {"environment", "test_id", "failed", "errors", "first_seen", "last_seen", "sample"}},
    {ALOG_QUERY_JOB_ERRORS,
     "errors",
     "Errors",
     {"environment", "error_type", "error_category", "errors", "first_seen", "last_seen",
      "sample"}},
    {ALOG_QUERY_JOB_TIMELINE,
     "timeline",
     "Time line",
     {"environment", "at", "until", "what", "name", "detail", "count", "failures"}},
};
#define SECTION_COUNT (sizeof sections / sizeof *sections)

static void print_text(struct output *output, struct alog_table *const tables[SECTION_COUNT]) {
    output_records(output, tables[0]);
    for (size_t i = 1; i < SECTION_COUNT; i++) {
        output_format(output, "\n%s\n", sections[i].heading);
        if (tables[i]->row_count == 0) {
            output_format(output, "none\n");
        } else {
            output_table(output, tables[i],
                         sections[i].columns + (tables[0]->row_count > 1 ? 0 : 1));
        }
    }
}

static json_t *json_rows(const struct alog_table *table) {
    json_t *rows = json_array();
    for (size_t row = 0; rows != NULL && row < table->row_count; row++) {
        json_array_append_new(rows, output_json_row(table, row));
    }
    return rows;
}

static void print_json(struct output *output, struct alog_table *const tables[SECTION_COUNT]) {
    json_t *story = json_object();
    json_object_set_new(story, sections[0].key,
                        tables[0]->row_count == 1 ? output_json_row(tables[0], 0)
                                                  : json_rows(tables[0]));
    for (size_t i = 1; i < SECTION_COUNT; i++) {
        json_object_set_new(story, sections[i].key, json_rows(tables[i]));
    }
    output_json(output, story);
}

/* Ask for all sections. The tables that were made are to be freed in every case. */
static enum alog_status ask(const char *db_path, const struct cli_arguments *arguments,
                            struct alog_table *tables[SECTION_COUNT], struct alog_error *error) {
    struct alog_db *db = NULL;
    enum alog_status status = alog_db_open(db_path, &db, error);
    if (status == ALOG_OK) {
        status = alog_db_hold(db, error); /* one story, whatever is ingested meanwhile */
    }
    for (size_t i = 0; i < SECTION_COUNT && status == ALOG_OK; i++) {
        struct alog_query query = db_query_from(sections[i].kind, arguments);
        query.job_id = alog_str(arguments->operands[1]);
        if (query.environment.data == NULL) {
            query.environment = ALOG_STR("*");
        }
        status = alog_db_query(db, &query, &tables[i], error);
    }
    alog_db_close(db);
    return status;
}

static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    (void)command;
    struct alog_table *tables[SECTION_COUNT] = {NULL};
    struct output output = {0};
    struct alog_error error = {.message = ""};
    enum exit_code code = EXIT_FINE;
    const enum alog_status status = ask(arguments->operands[0], arguments, tables, &error);
    if (status != ALOG_OK) {
        code = message_failure(status, &error);
    } else if (arguments->json) {
        print_json(&output, tables);
    } else {
        print_text(&output, tables);
    }
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        alog_table_free(tables[i]);
    }
    return output_finish(&output, code);
}

const struct cli_command cmd_job = {
    .name = "job",
    .operands = "DB JOB_ID",
    .min_operands = 2,
    .max_operands = 2,
    .summary = "one job: its facts, agents, providers, errors and time line",
    .description =
        "Print what happened in one job, from the database alone: "
        "how it ended, which agents worked on what, which "
        "providers they called, what failed. JSON is one object "
        "with job (a list, when several environments have one), agents, providers, strategies, "
        "failed_tests, errors and timeline.",
    .examples = "agentlog job agents.db job-17\n"
                "agentlog job agents.db job-17 --json | jq .agents",
    .options = options,
    .exits = exits,
    .run = run};
