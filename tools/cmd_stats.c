/* agentlog stats: success rates, availability and other figures over a window of time. */
#include "commands.h"
#include "db_query.h"

#define MAX_KINDS 16

static const struct cli_option options[] = {
    CLI_OPTION_SINCE_WHOLE("hour", "hours"),
    CLI_OPTION_UNTIL_WHOLE("hour", "hours"),
    CLI_OPTION_FILTER_ENVIRONMENT,
    {.name = "agent",
     .argument = "NAME",
     .kind = CLI_TEXT,
     CLI_MEMBER(agent),
     .doc = "only this agent"},
    {.name = "issue-type",
     .argument = "TYPE",
     .kind = CLI_TEXT,
     CLI_MEMBER(issue_type),
     .doc = "only issues of this type"},
    {.name = "provider",
     .argument = "ID",
     .kind = CLI_TEXT,
     CLI_MEMBER(provider),
     .doc = "only this provider"},
    {.name = "model",
     .argument = "NAME",
     .kind = CLI_TEXT,
     CLI_MEMBER(model),
     .doc = "only this model"},
    {.name = "max-latency-ms",
     .argument = "MS",
     .kind = CLI_REAL,
     CLI_MEMBER(max_latency_ms),
     .minimum = 0,
     .maximum = INT64_C(9000000000000000),
     .doc = "availability: a slower call is not fast enough, and counts as such"},
    CLI_OPTION_LIMIT,
    CLI_OPTION_WIDE,
    CLI_OPTION_JSON,
    {.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "fine, also when nothing matches"},
    {EXIT_FAILED, "this is no agentlog database, or it could not be read"},
    {EXIT_USAGE, "the command line is wrong, or the KIND does not know one of the filters"},
    {EXIT_NOT_FOUND, "there is no such database"},
    {EXIT_FINE, NULL}};

/* The filters that kinds take, as the help and the refusal of another name them. */
#define NO_FILTERS           "none"
#define AGENT_FILTERS        "--agent, --issue-type, --provider, --model"
#define CALL_FILTERS         "--agent, --provider, --model"
#define AVAILABILITY_FILTERS CALL_FILTERS ", --max-latency-ms"

/* A kind, the filters that it takes, and the columns that a table for people shows. */
struct stats_kind {
    const char *name;
    enum alog_query_kind kind;
    const char *filters;
    const char *columns[16];
};

/* In the order of `choices`. */
static const struct stats_kind kinds[] = {
    {"success-rate",
     ALOG_QUERY_SUCCESS_RATE,
     AGENT_FILTERS,
     {"agent_name", "issue_type", "executions", "successes", "success_rate", "success_rate_low",
      "confidence_avg", "execution_time_p50_ms", "execution_time_p95_ms", "retries"}},
    {"availability",
     ALOG_QUERY_AVAILABILITY,
     AVAILABILITY_FILTERS,
     {"provider_id", "model", "calls", "availability", "availability_low", "success_rate",
      "fast_enough_rate", "fast_enough_rate_low", "latency_p50_ms", "latency_p95_ms",
      "latency_p99_ms"}},
    {"agents",
     ALOG_QUERY_AGENTS,
     AGENT_FILTERS,
     {"agent_name", "executions", "successes", "success_rate", "success_rate_low", "confidence_avg",
      "fixes_applied", "retries", "execution_time_p50_ms", "execution_time_p95_ms"}},
    {"providers",
     ALOG_QUERY_PROVIDERS,
     CALL_FILTERS,
     {"provider_id", "calls", "success_rate", "success_rate_low", "availability", "latency_p50_ms",
      "latency_p95_ms", "retried_calls", "fallbacks", "input_tokens", "output_tokens", "cost_usd"}},
    {"models",
     ALOG_QUERY_MODELS,
     CALL_FILTERS,
     {"model", "calls", "success_rate", "success_rate_low", "latency_p50_ms", "latency_p95_ms",
      "input_tokens", "output_tokens", "cost_usd", "cost_per_success_usd", "executions",
      "execution_success_rate"}},
    {"errors",
     ALOG_QUERY_ERRORS,
     NO_FILTERS,
     {"error_type", "error_category", "errors", "share", "first_seen", "last_seen"}},
    {"tests",
     ALOG_QUERY_TESTS,
     NO_FILTERS,
     {"test_id", "runs", "failed", "errors", "skipped", "failure_rate", "failure_rate_low", "flaky",
      "avg_execution_time_ms"}},
};

static const struct cli_choice choices[] = {
    {"success-rate", "how often each agent solves each type of issue; filters: " AGENT_FILTERS},
    {"availability",
     "how often each provider and model got to run; filters: " AVAILABILITY_FILTERS},
    {"agents", "each agent: executions, success, confidence, time; filters: " AGENT_FILTERS},
    {"providers", "each provider: calls, success, latency, tokens, cost; filters: " CALL_FILTERS},
    {"models", "each model: calls, success, latency, tokens, cost; filters: " CALL_FILTERS},
    {"errors", "errors by type and category; filters: " NO_FILTERS},
    {"tests", "tests, the failing and flaky ones first; filters: " NO_FILTERS},
    {NULL, NULL}};

static enum exit_code no_such_kind(const struct cli_command *command, const char *word) {
    const char *names[MAX_KINDS];
    size_t count = 0;
    for (; count < MAX_KINDS && choices[count].name != NULL; count++) {
        names[count] = choices[count].name;
    }
    const char *nearest = cli_nearest(word, names, count);
    if (nearest != NULL) {
        return cli_usage_error(command, "there is no KIND '%s'; did you mean '%s'?", word, nearest);
    }
    return cli_usage_error(command, "there is no KIND '%s'", word);
}

/* The first filter that was given and that the kind does not take, or NULL. */
static const char *misplaced_filter(const struct stats_kind *kind,
                                    const struct cli_arguments *arguments) {
    const struct {
        const char *option;
        bool given;
    } filters[] = {{"--agent", arguments->agent != NULL},
                   {"--issue-type", arguments->issue_type != NULL},
                   {"--provider", arguments->provider != NULL},
                   {"--model", arguments->model != NULL},
                   {"--max-latency-ms", arguments->max_latency_ms.present}};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        if (filters[i].given && strstr(kind->filters, filters[i].option) == NULL) {
            return filters[i].option;
        }
    }
    return NULL;
}

static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    const char *word = arguments->operands[0];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(word, kinds[i].name) == 0) {
            const char *misplaced = misplaced_filter(&kinds[i], arguments);
            if (misplaced != NULL) {
                return cli_usage_error(command, "%s does not take %s; its filters: %s", word,
                                       misplaced, kinds[i].filters);
            }
            const struct alog_query query = db_query_from(kinds[i].kind, arguments);
            return db_query_print(command, arguments, arguments->operands[1], &query,
                                  kinds[i].columns);
        }
    }
    return no_such_kind(command, word);
}

const struct cli_command cmd_stats = {
    .name = "stats",
    .operands = "KIND DB",
    .min_operands = 2,
    .max_operands = 2,
    .summary = "success rates, availability, agents, providers, models, errors, tests",
    .description =
        "Print figures over a window of time (all of it, without --since and --until). Rates come "
        "with their 95 % interval, so that 3 of 3 does not "
        "look better than 290 of 300. '-' means that there is no data, which is not zero.",
    .examples = "agentlog stats success-rate agents.db --since 30d\n"
                "agentlog stats availability agents.db --provider openai --max-latency-ms 10000\n"
                "agentlog stats tests agents.db --limit 20 --json",
    .options = options,
    .choices_title = "Kinds",
    .choices = choices,
    .exits = exits,
    .run = run};
