/* agentlog stats: success rates, availability and other figures over a window of time. */
#include <errno.h>
#include <stdlib.h>

#include "commands.h"
#include "db_query.h"
#include "messages.h"
#include "table_cells.h"

#define MAX_WORDS      ALOG_METRIC_COUNT /* kinds, metrics */
#define MAX_THRESHOLDS 20

/* The options for what a metric may take. */
static const struct metric_filter {
    uint32_t bit;
    const char *option;
} metric_filters[] = {
    {ALOG_TAKES_AGENT, "--agent"},           {ALOG_TAKES_ISSUE_TYPE, "--issue-type"},
    {ALOG_TAKES_PROVIDER, "--provider"},     {ALOG_TAKES_MODEL, "--model"},
    {ALOG_TAKES_SUBJECT, "--subject"},       {ALOG_TAKES_MAX_LATENCY, "--max-latency-ms"},
    {ALOG_TAKES_THRESHOLDS, "--thresholds"}, {ALOG_TAKES_BINS, "--bins"}};
#define METRIC_FILTERS (sizeof metric_filters / sizeof *metric_filters)

/* What a metric is, and what it takes. */
static bool metric_value(size_t index, struct cli_value *ret_value) {
    const struct alog_metric_info *info = alog_metric_describe((enum alog_metric)index);
    if (info == NULL) {
        return false;
    }
    ret_value->name = info->name;
    size_t len = (size_t)snprintf(ret_value->doc, sizeof ret_value->doc, "%s", info->doc);
    const char *before = "; filters: ";
    for (size_t i = 0; i < METRIC_FILTERS; i++) {
        const struct metric_filter *filter = &metric_filters[i];
        if ((info->takes & filter->bit) != 0 && len < sizeof ret_value->doc) {
            const bool subject = filter->bit == ALOG_TAKES_SUBJECT;
            len += (size_t)snprintf(ret_value->doc + len, sizeof ret_value->doc - len,
                                    "%s%s%s%s%s%s", before, filter->option, subject ? " (" : "",
                                    subject ? info->subject : "", subject ? ")" : "",
                                    (info->needs & filter->bit) != 0 ? " (needed)" : "");
            before = ", ";
        }
    }
    return true;
}

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
     .doc = "availability, fast-enough: a slower call is not fast enough, and counts as such"},
    {.name = "by",
     .argument = "WHAT",
     .kind = CLI_TEXT,
     CLI_MEMBER(by),
     .fallback = "agent,issue-type; day",
     .doc = "success-rate: agent, issue-type, provider, model, or several divided by commas; "
            "trend: day or week"},
    {.name = "thresholds",
     .argument = "C,...",
     .kind = CLI_TEXT,
     CLI_MEMBER(thresholds),
     .fallback = "0.5,0.8",
     .doc = "confidence, confident-share, confident-success: where classes begin, in thousandths"},
    {.name = "bins",
     .argument = "N",
     .kind = CLI_NUMBER,
     CLI_MEMBER(bins),
     .minimum = 1,
     .maximum = 1000,
     .fallback = "10",
     .doc = "calibration, and its metrics: bins of equal width"},
    {.name = "max-ece",
     .argument = "X",
     .kind = CLI_REAL,
     CLI_MEMBER(max_ece),
     .minimum = 0,
     .maximum = 1,
     .doc =
         "calibration: say which rows of at least --min-count executions have an ece above X, and "
         "exit with 4 when any has"},
    {.name = "sort",
     .argument = "ORDER",
     .kind = CLI_TEXT,
     CLI_MEMBER(sort),
     .fallback = "failing",
     .doc = "tests: failing, flaky or slowest first"},
    {.name = "metric",
     .argument = "NAME",
     .kind = CLI_TEXT,
     CLI_MEMBER(metric),
     .fallback = "success-rate",
     .value = metric_value,
     .doc = "trend: of what; see below"},
    {.name = "subject",
     .argument = "NAME",
     .kind = CLI_TEXT,
     CLI_MEMBER(subject),
     .doc = "trend: only this strategy, hook, test, …, whichever the metric is of"},
    {.name = "min-count",
     .argument = "N",
     .kind = CLI_NUMBER,
     CLI_MEMBER(min_count),
     .minimum = 1,
     .maximum = 1000000000,
     .fallback = "30; orchestration: 5",
     .doc = "availability, calibration, orchestration, regress: fewer are not judged"},
    {.name = "max-ratio",
     .argument = "X",
     .kind = CLI_REAL,
     CLI_MEMBER(max_ratio),
     .minimum = 0,
     .maximum = 1000000,
     .fallback = "1.5",
     .doc = "regress: how many times the usual p95 and cost may be"},
    CLI_OPTION_LIMIT,
    CLI_OPTION_WIDE,
    CLI_OPTION_JSON,
    {.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "fine, also when nothing matches"},
    {EXIT_FAILED, "this is no agentlog database, or it could not be read"},
    {EXIT_USAGE, "the command line is wrong, or the KIND does not know one of the filters"},
    {EXIT_THRESHOLD, "regress found something worse, or calibration an ece above --max-ece"},
    {EXIT_NOT_FOUND, "there is no such database"},
    {EXIT_LOCKED, "another program has locked the database for more than five seconds"},
    {EXIT_FINE, NULL}};

/* The filters that kinds take, as the help and the refusal of another name them. */
#define NO_FILTERS           "none"
#define AGENT_FILTERS        "--agent, --issue-type, --provider, --model"
#define CALL_FILTERS         "--agent, --provider, --model"
#define RATE_FILTERS         AGENT_FILTERS ", --by"
#define AVAILABILITY_FILTERS CALL_FILTERS ", --max-latency-ms, --min-count"
#define CONFIDENCE_FILTERS   "--agent, --thresholds"
#define CALIBRATION_FILTERS  "--agent, --bins, --max-ece, --min-count"
#define BIN_FILTERS          "--agent, --bins"
#define STRATEGY_FILTERS     "--min-count"
#define TEST_FILTERS         "--sort"
#define RETRY_FILTERS        "--agent, --issue-type"
#define FALLBACK_FILTERS     "--provider"
#define TREND_FILTERS                                                                              \
    "--metric, --by, and those of the metric (" AGENT_FILTERS                                      \
    ", --subject, --max-latency-ms, --thresholds, --bins)"
#define REGRESS_FILTERS AGENT_FILTERS ", --min-count, --max-ratio"

/* A kind, the filters that it takes, and the columns that a table for people shows. */
struct stats_kind {
    const char *name;
    enum alog_query_kind kind;
    const char *filters;
    const char *columns[16];
    const char *breach; /* a column: true is a breach */
};

/* In the order of `choices`. */
static const struct stats_kind kinds[] = {
    {"success-rate",
     ALOG_QUERY_SUCCESS_RATE,
     RATE_FILTERS,
     {"agent_name", "issue_type", "provider_id", "model", "executions", "successes", "success_rate",
      "success_rate_low", "confidence_weighted_rate", "confidence_avg", "execution_time_p50_ms",
      "execution_time_p95_ms", "retries"},
     NULL},
    {"availability",
     ALOG_QUERY_AVAILABILITY,
     AVAILABILITY_FILTERS,
     {"provider_id", "model", "calls", "availability", "availability_low", "success_rate",
      "fast_enough_rate", "fast_enough_rate_low", "latency_source", "latency_p50_ms",
      "latency_p95_ms", "latency_p99_ms", "degraded"},
     NULL},
    {"confidence",
     ALOG_QUERY_CONFIDENCE,
     CONFIDENCE_FILTERS,
     {"agent_name", "confidence_from", "confidence_to", "executions", "share", "share_low",
      "success_rate", "success_rate_low", "confidence_avg"},
     NULL},
    {"calibration",
     ALOG_QUERY_CALIBRATION,
     CALIBRATION_FILTERS,
     {"agent_name", "executions", "confidence_avg", "success_rate", "success_rate_low",
      "brier_score", "reliability", "resolution", "uncertainty", "ece", "above_max_ece", "max_gap"},
     "above_max_ece"},
    {"calibration-bins",
     ALOG_QUERY_CALIBRATION_BINS,
     BIN_FILTERS,
     {"confidence_from", "confidence_to", "executions", "share", "share_low", "confidence_avg",
      "success_rate", "success_rate_low", "gap"},
     NULL},
    {"orchestration",
     ALOG_QUERY_ORCHESTRATION,
     STRATEGY_FILTERS,
     {"strategy", "decisions", "share", "share_low", "scores", "avg_effectiveness", "jobs",
      "job_success_rate", "job_success_rate_low", "avg_iterations", "most_used", "most_effective"},
     NULL},
    {"orchestration-time",
     ALOG_QUERY_ORCHESTRATION_TIME,
     NO_FILTERS,
     {"execution_strategy", "executions", "avg_iterations", "strategy_switches",
      "avg_total_time_ms", "total_time_ms", "hooks_share", "tests_share", "ai_share"},
     NULL},
    {"problem-hooks",
     ALOG_QUERY_PROBLEM_HOOKS,
     NO_FILTERS,
     {"hook_name", "named", "orchestrations", "named_rate", "named_rate_low", "runs", "failures",
      "failure_rate", "failure_rate_low"},
     NULL},
    {"agents",
     ALOG_QUERY_AGENTS,
     AGENT_FILTERS,
     {"agent_name", "executions", "successes", "success_rate", "success_rate_low", "confidence_avg",
      "fixes_applied", "retries", "execution_time_p50_ms", "execution_time_p95_ms"},
     NULL},
    {"providers",
     ALOG_QUERY_PROVIDERS,
     CALL_FILTERS,
     {"provider_id", "calls", "success_rate", "success_rate_low", "availability", "latency_p50_ms",
      "latency_p95_ms", "retried_calls", "fallbacks", "input_tokens", "output_tokens", "cost_usd"},
     NULL},
    {"models",
     ALOG_QUERY_MODELS,
     CALL_FILTERS,
     {"model", "calls", "success_rate", "success_rate_low", "latency_p50_ms", "latency_p95_ms",
      "input_tokens", "output_tokens", "cost_usd", "cost_per_success_usd", "tokens_per_success",
      "executions", "execution_success_rate"},
     NULL},
    {"agents-providers",
     ALOG_QUERY_AGENTS_PROVIDERS,
     AGENT_FILTERS,
     {"agent_name", "provider_id", "executions", "success_rate", "success_rate_low",
      "other_success_rate", "difference", "correlation", "calls", "availability", "latency_p95_ms"},
     NULL},
    {"retries",
     ALOG_QUERY_RETRIES,
     RETRY_FILTERS,
     {"agent_name", "issue_type", "operations", "attempts_per_operation", "ended_well_rate",
      "retried", "recovered", "recovered_rate", "recovered_rate_low", "given_up", "time_lost_ms"},
     NULL},
    {"fallbacks",
     ALOG_QUERY_FALLBACKS,
     FALLBACK_FILTERS,
     {"fallback_from", "provider_id", "fallback_reason", "calls", "share", "share_low",
      "success_rate", "success_rate_low", "avg_latency_ms"},
     NULL},
    {"errors",
     ALOG_QUERY_ERRORS,
     NO_FILTERS,
     {"error_type", "error_category", "errors", "share", "share_low", "first_seen", "last_seen"},
     NULL},
    {"error-patterns",
     ALOG_QUERY_ERROR_PATTERNS,
     NO_FILTERS,
     {"error_type", "error_category", "errors", "share", "share_low", "first_seen", "last_seen",
      "pattern"},
     NULL},
    {"hooks",
     ALOG_QUERY_HOOKS,
     NO_FILTERS,
     {"hook_name", "hook_type", "runs", "failures", "skips", "failure_rate", "failure_rate_low",
      "total_execution_time_ms", "execution_time_p50_ms", "execution_time_p95_ms"},
     NULL},
    {"tests",
     ALOG_QUERY_TESTS,
     TEST_FILTERS,
     {"test_id", "runs", "failed", "errors", "skipped", "failure_rate", "failure_rate_low", "flaky",
      "avg_execution_time_ms"},
     NULL},
    {"all-time", ALOG_QUERY_ALL_TIME, NO_FILTERS, {NULL}, NULL},
    {"completeness", ALOG_QUERY_COMPLETENESS, NO_FILTERS, {NULL}, NULL},
    {"trend",
     ALOG_QUERY_TREND,
     TREND_FILTERS,
     {"period", "environment", "n", "value", "value_low", "source", "previous", "change",
      "change_ratio"},
     NULL},
    {"regress",
     ALOG_QUERY_REGRESS,
     REGRESS_FILTERS,
     {"metric", "environment", "subject", "last_day", "n", "value", "value_low", "n_before",
      "value_before", "value_before_low", "change", "ratio", "p_value", "worse"},
     "worse"},
};

static const struct cli_choice choices[] = {
    {"success-rate", "how often agents succeed, plain and weighted by confidence; "
                     "filters: " RATE_FILTERS},
    {"availability", "how often each provider and model got to run, how fast, and whether it got "
                     "worse against the week before; filters: " AVAILABILITY_FILTERS},
    {"confidence", "success by class of confidence; filters: " CONFIDENCE_FILTERS},
    {"calibration",
     "whether agents are as sure as they may be, first all together, then each: Brier score and "
     "its parts, expected calibration error; filters: " CALIBRATION_FILTERS},
    {"calibration-bins", "success by bin of confidence; filters: " BIN_FILTERS},
    {"orchestration", "each strategy: use, effectiveness, its jobs; whole days; "
                      "filters: " STRATEGY_FILTERS},
    {"orchestration-time", "time by execution strategy: hooks, tests, AI; filters: " NO_FILTERS},
    {"problem-hooks", "hooks that correlation_insights name; filters: " NO_FILTERS},
    {"agents", "each agent: executions, success, confidence, time; filters: " AGENT_FILTERS},
    {"providers", "each provider: calls, success, latency, tokens, cost; filters: " CALL_FILTERS},
    {"models", "each model: calls, success, latency, tokens, cost, also per success; "
               "filters: " CALL_FILTERS},
    {"agents-providers", "each agent with each provider, against its others; "
                         "filters: " AGENT_FILTERS},
    {"retries", "attempts per operation, success after retry, time lost; whole days; "
                "filters: " RETRY_FILTERS},
    {"fallbacks", "calls in place of another provider's: from, to, why; "
                  "filters: " FALLBACK_FILTERS},
    {"errors", "errors by type and category; filters: " NO_FILTERS},
    {"error-patterns", "errors by message, numbers, paths and ids folded; filters: " NO_FILTERS},
    {"hooks", "hooks: runs, failures, time; filters: " NO_FILTERS},
    {"tests", "tests: failing, flaky or slowest first; filters: " TEST_FILTERS},
    {"all-time", "everything in one row; whole days; filters: " NO_FILTERS},
    {"completeness", "what is missing: days without events, lost events, gaps, segments set aside; "
                     "whole days; filters: " NO_FILTERS},
    {"trend", "one figure by day or week, with its change; filters: " TREND_FILTERS},
    {"regress",
     "what got worse: the latest day that is over, the day before --until, or --since to --until, "
     "against as long before it and the week before; filters: " REGRESS_FILTERS},
    {NULL, NULL}};

static const char *kind_name(size_t index) {
    return choices[index].name;
}

static const char *metric_name(size_t index) {
    const struct alog_metric_info *info = alog_metric_describe((enum alog_metric)index);
    return info != NULL ? info->name : NULL;
}

/* `what` is KIND or metric, and `name` gives those that there are, by index. */
static enum exit_code no_such_word(const struct cli_command *command, const char *what,
                                   const char *word, const char *(*name)(size_t index)) {
    const char *names[MAX_WORDS];
    size_t count = 0;
    while (count < MAX_WORDS && name(count) != NULL) {
        names[count] = name(count);
        count++;
    }
    const char *nearest = cli_nearest(word, names, count);
    if (nearest != NULL) {
        return cli_usage_error(command, "there is no %s '%s'; did you mean '%s'?", what, word,
                               nearest);
    }
    return cli_usage_error(command, "there is no %s '%s'", what, word);
}

static bool read_metric(const char *text, enum alog_metric *ret_metric) {
    for (size_t i = 0; metric_name(i) != NULL; i++) {
        if (strcmp(metric_name(i), text) == 0) {
            *ret_metric = (enum alog_metric)i;
            return true;
        }
    }
    return false;
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
                   {"--max-latency-ms", arguments->max_latency_ms.present},
                   {"--by", arguments->by != NULL},
                   {"--thresholds", arguments->thresholds != NULL},
                   {"--bins", arguments->bins.present},
                   {"--max-ece", arguments->max_ece.present},
                   {"--sort", arguments->sort != NULL},
                   {"--metric", arguments->metric != NULL},
                   {"--subject", arguments->subject != NULL},
                   {"--min-count", arguments->min_count.present},
                   {"--max-ratio", arguments->max_ratio.present}};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        if (filters[i].given && strstr(kind->filters, filters[i].option) == NULL) {
            return filters[i].option;
        }
    }
    return NULL;
}

/* Which of `words` (NULL-terminated) the `len` bytes of `text` are; -1 = none. */
static int word_index(const char *text, size_t len, const char *const *words) {
    for (int i = 0; words[i] != NULL; i++) {
        if (strlen(words[i]) == len && memcmp(words[i], text, len) == 0) {
            return i;
        }
    }
    return -1;
}

/* "agent,model" as bits; false when a word is another. */
static bool read_by(const char *text, uint32_t *ret_by) {
    static const char *const words[] = {"agent", "issue-type", "provider", "model", NULL};
    uint32_t by = 0;
    for (;;) {
        const size_t len = strcspn(text, ",");
        const int index = word_index(text, len, words);
        if (index < 0) {
            return false;
        }
        by |= 1u << index;
        if (text[len] == '\0') {
            *ret_by = by;
            return true;
        }
        text += len + 1;
    }
}

/* "0.5,0.8" as numbers; what they may be is the library's to say. */
static bool read_thresholds(const char *text, double thresholds[MAX_THRESHOLDS],
                            size_t *ret_count) {
    for (size_t count = 0; count < MAX_THRESHOLDS; text++) {
        char *end;
        errno = 0;
        thresholds[count++] = strtod(text, &end);
        if (end == text || errno != 0 || (*end != ',' && *end != '\0')) {
            return false;
        }
        if (*end == '\0') {
            *ret_count = count;
            return true;
        }
        text = end;
    }
    return false;
}

/* The choices that are words; says what is wrong with one. */
static enum exit_code read_choices(const struct cli_command *command, const struct stats_kind *kind,
                                   const struct cli_arguments *arguments,
                                   double thresholds[MAX_THRESHOLDS], struct alog_query *query) {
    static const char *const sorts[] = {"failing", "flaky", "slowest", NULL};
    static const char *const periods[] = {"day", "week", NULL};
    int index = 0;
    if (arguments->sort != NULL) {
        index = word_index(arguments->sort, strlen(arguments->sort), sorts);
        query->sort = (enum alog_test_sort)index;
    }
    if (index < 0) {
        return cli_usage_error(command, "--sort takes failing, flaky or slowest, not '%s'",
                               arguments->sort);
    }
    if (arguments->metric != NULL && !read_metric(arguments->metric, &query->metric)) {
        return no_such_word(command, "metric", arguments->metric, metric_name);
    }
    if (arguments->by != NULL && kind->kind == ALOG_QUERY_TREND) {
        index = word_index(arguments->by, strlen(arguments->by), periods);
        query->weekly = index == 1;
    }
    if (index < 0 || (arguments->by != NULL && kind->kind == ALOG_QUERY_SUCCESS_RATE &&
                      !read_by(arguments->by, &query->by))) {
        return cli_usage_error(command, "--by does not take '%s' here", arguments->by);
    }
    if (arguments->thresholds != NULL) {
        query->thresholds = thresholds;
        if (!read_thresholds(arguments->thresholds, thresholds, &query->threshold_count)) {
            return cli_usage_error(command,
                                   "--thresholds takes at most %d numbers divided by commas, not "
                                   "'%s'",
                                   MAX_THRESHOLDS, arguments->thresholds);
        }
    }
    query->bins = (uint32_t)arguments->bins.value;
    query->min_count = (uint32_t)arguments->min_count.value;
    query->max_ratio = arguments->max_ratio;
    query->max_ece = arguments->max_ece;
    return EXIT_FINE;
}

/* Whether TREND's metric takes the options that were given, and has those that it needs; says what
 * is wrong. */
static enum exit_code check_metric(const struct cli_command *command,
                                   const struct cli_arguments *arguments,
                                   const struct alog_query *query) {
    const bool given[METRIC_FILTERS] = {
        arguments->agent != NULL,      arguments->issue_type != NULL,
        arguments->provider != NULL,   arguments->model != NULL,
        arguments->subject != NULL,    arguments->max_latency_ms.present,
        arguments->thresholds != NULL, arguments->bins.present};
    const struct alog_metric_info *info = alog_metric_describe(query->metric);
    for (size_t i = 0; i < METRIC_FILTERS; i++) {
        const struct metric_filter *filter = &metric_filters[i];
        if (given[i] && (info->takes & filter->bit) == 0) {
            return cli_usage_error(command, "the metric %s does not take %s", info->name,
                                   filter->option);
        }
        if (!given[i] && (info->needs & filter->bit) != 0) {
            return cli_usage_error(command, "the metric %s needs %s", info->name, filter->option);
        }
    }
    return EXIT_FINE;
}

/* Whether a row is what an alarm is about. */
static bool is_breached(const struct stats_kind *kind, const struct alog_table *table) {
    for (size_t row = 0; kind->breach != NULL && row < table->row_count; row++) {
        const struct alog_value *value = table_cell(table, row, kind->breach);
        if (value != NULL && value->kind == ALOG_VALUE_BOOL && value->boolean) {
            return true;
        }
    }
    return false;
}

/* Whether the column has an answer to this question: of what rows may be told apart by, what they
 * are, a threshold's when there is one, and where a figure comes from when that depends on what was
 * asked. */
static bool is_asked_for(const struct stats_kind *kind, const struct alog_query *query,
                         const char *name) {
    static const char *const words[] = {"agent_name", "issue_type", "provider_id", "model", NULL};
    if (strcmp(name, "environment") == 0) {
        return alog_string_equal(query->environment, ALOG_STR("*"));
    }
    if (strcmp(name, "above_max_ece") == 0) {
        return query->max_ece.present;
    }
    if (strcmp(name, "source") == 0) {
        return query->max_latency_ms.present;
    }
    const uint32_t by = query->by != 0 ? query->by : ALOG_BY_AGENT | ALOG_BY_ISSUE_TYPE;
    const int index = word_index(name, strlen(name), words);
    return kind->kind != ALOG_QUERY_SUCCESS_RATE || index < 0 || (by & 1u << index) != 0;
}

static void pick_columns(const struct stats_kind *kind, const struct alog_query *query,
                         const char *picked[16]) {
    size_t count = 0;
    for (size_t i = 0; i < 15 && kind->columns[i] != NULL; i++) {
        if (is_asked_for(kind, query, kind->columns[i])) {
            picked[count++] = kind->columns[i];
        }
    }
    picked[count] = NULL;
}

static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    const char *word = arguments->operands[0];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const struct stats_kind *kind = &kinds[i];
        if (strcmp(word, kind->name) != 0) {
            continue;
        }
        const char *misplaced = misplaced_filter(kind, arguments);
        if (misplaced != NULL) {
            return cli_usage_error(command, "%s does not take %s; its filters: %s", word, misplaced,
                                   kind->filters);
        }
        double thresholds[MAX_THRESHOLDS];
        struct alog_query query = db_query_from(kind->kind, arguments);
        enum exit_code code = read_choices(command, kind, arguments, thresholds, &query);
        if (code == EXIT_FINE && kind->kind == ALOG_QUERY_TREND) {
            code = check_metric(command, arguments, &query);
        }
        if (code != EXIT_FINE) {
            return code;
        }
        if (kind->breach != NULL) {
            query.limit = 0; /* an alarm is about all rows; the limit is for those shown */
        }
        struct alog_table *table = NULL;
        struct cli_arguments local = *arguments;
        code = db_query_ask(command, &local, arguments->operands[1], &query, &table);
        if (code != EXIT_FINE) {
            return code;
        }
        const bool breached = is_breached(kind, table);
        if (arguments->limit.present && table->row_count > (size_t)arguments->limit.value) {
            table->row_count = (size_t)arguments->limit.value;
        }
        const char *columns[16];
        pick_columns(kind, &query, columns);
        code = db_query_show(&local, table, columns);
        if (kind->kind == ALOG_QUERY_REGRESS && table->row_count == 0 && !local.json) {
            message("nothing was compared: too little (--min-count) in the window%s, or before it",
                    local.until_ns.present ? "" : ", which ends with the latest day that is over");
        }
        alog_table_free(table);
        return code == EXIT_FINE && breached ? EXIT_THRESHOLD : code;
    }
    return no_such_word(command, "KIND", word, kind_name);
}

const struct cli_command cmd_stats = {
    .name = "stats",
    .operands = "KIND DB",
    .min_operands = 2,
    .max_operands = 2,
    .summary = "success rates, availability, calibration, retries, trends and other figures",
    .description =
        "Print figures over a window of time (all of it, without --since and --until). Rates come "
        "with their 95 % interval, so that 3 of 3 does not "
        "look better than 290 of 300; what is weighted by confidence or time is no rate of a "
        "count, "
        "and has none. '-' means that there is no data, which is not zero.",
    .examples = "agentlog stats success-rate agents.db --since 30d --by agent,model\n"
                "agentlog stats availability agents.db --provider openai --max-latency-ms 10000\n"
                "agentlog stats calibration agents.db --max-ece 0.1\n"
                "agentlog stats trend agents.db --metric latency-p95 --by week --provider openai\n"
                "agentlog stats regress agents.db || mail -s 'worse' ops\n"
                "agentlog stats tests agents.db --sort flaky --limit 20 --json",
    .options = options,
    .choices_title = "Kinds",
    .choices = choices,
    .exits = exits,
    .run = run};
