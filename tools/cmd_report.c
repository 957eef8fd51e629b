/* agentlog report: one page of HTML about how the agents did. */
#include <stdlib.h>

#include <time.h>

#include "commands.h"
#include "report/report.h"

static const struct cli_option options[] = {
    {.name = "output",
     .letter = 'o',
     .argument = "FILE",
     .kind = CLI_TEXT,
     CLI_MEMBER(output),
     .doc = "write the page to FILE, which is replaced as a whole; '-' is stdout; must be given"},
    CLI_OPTION_SINCE_WHOLE("day", "days"),
    {.name = "until",
     .argument = "TIME",
     .kind = CLI_TIME,
     CLI_MEMBER(until_ns),
     .fallback = "the last day with events",
     .doc = "only whole days before TIME; the day that holds TIME is included, unless it begins at "
            "TIME"},
    {.name = "environment",
     .argument = "NAME",
     .kind = CLI_TEXT,
     CLI_MEMBER(environment),
     .fallback = "production",
     .doc = "the environment that the page is about"},
    {.name = "title",
     .argument = "TEXT",
     .kind = CLI_TEXT,
     CLI_MEMBER(title),
     .fallback = "How the agents did",
     .doc = "the page's title"},
    {.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "fine, also when there is nothing to report"},
    {EXIT_FAILED, "this is no agentlog database, it could not be read, or FILE not be written"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_NOT_FOUND, "there is no such database"},
    {EXIT_LOCKED, "another program has locked the database for more than five seconds"},
    {EXIT_FINE, NULL}};

static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    if (arguments->output == NULL) {
        return cli_usage_error(command, "where to? Give --output FILE, or -o - for stdout");
    }
    if (arguments->environment != NULL && strcmp(arguments->environment, "*") == 0) {
        return cli_usage_error(command,
                               "a report is about one environment: test runs are no real data");
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const struct report_options report = {.db_path = arguments->operands[0],
                                          .environment = arguments->environment,
                                          .title = arguments->title,
                                          .since_ns = arguments->since_ns,
                                          .until_ns = arguments->until_ns,
                                          .since_is_local = arguments->since_is_local,
                                          .until_is_local = arguments->until_is_local,
                                          .now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec};
    return report_write(&report, arguments->output);
}

const struct cli_command cmd_report = {
    .name = "report",
    .operands = "DB",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "one page of HTML, with charts, about how the agents did",
    .description =
        "Make a page that needs nothing but itself: no script, no network, light and dark, for "
        "screens, phones and paper. It shows the headline figures with their change against as "
        "many days before, what got worse, agents, providers, confidence, strategies, retries, "
        "cost, tests, "
        "errors, silent instrumentation, and how complete the data is. Every chart has its table.\n"
        "Without --since it is about 30 days, with it about two years at most.",
    .examples = "agentlog report agents.db -o report.html\n"
                "agentlog report agents.db -o week.html --since 7d --title 'Agents, this week'\n"
                "agentlog report agents.db -o - --environment staging | gzip > report.html.gz",
    .options = options,
    .exits = exits,
    .run = run};
