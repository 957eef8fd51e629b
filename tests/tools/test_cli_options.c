/* The parser: what it takes, in which order, and what it suggests. Wrong command lines are
 * cli/usage_errors.case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "cli_options.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))
#define MAX_WORDS       16

static const struct cli_option options[] = {
    CLI_OPTION_SINCE,
    CLI_OPTION_JSON,
    CLI_OPTION_LIMIT,
    {.name = "type", .argument = "EVENT", .kind = CLI_LIST, CLI_MEMBER(types), .doc = "a list"},
    {.name = "agent",
     .letter = 'a',
     .argument = "NAME",
     .kind = CLI_TEXT,
     CLI_MEMBER(agent),
     .doc = "a text"},
    {.name = "max-latency-ms",
     .argument = "MS",
     .kind = CLI_REAL,
     CLI_MEMBER(max_latency_ms),
     .minimum = 0,
     .maximum = 1000,
     .doc = "a number"},
    {.name = NULL}};

static const struct cli_command command = {
    .name = "try", .operands = "A [B]", .min_operands = 1, .max_operands = 2, .options = options};

/* Words apart by one space each, and what comes of them. */
struct line {
    const char *words;
    enum cli_parse_result result;
    const char *outcome;
};

static const struct line lines[] = {
    {"a", CLI_RUN, "a;json=0 limit=- type= agent= ms=- since=-"},
    {"a b", CLI_RUN, "a b;json=0 limit=- type= agent= ms=- since=-"},
    {"--json a --limit 5 b", CLI_RUN, "a b;json=1 limit=5 type= agent= ms=- since=-"},
    {"a --limit=5 --limit 7", CLI_RUN, "a;json=0 limit=7 type= agent= ms=- since=-"},
    {"a --type x --type=y --agent --json", CLI_RUN,
     "a;json=0 limit=- type=x,y, agent=--json ms=- since=-"},
    {"a --agent=a=b --max-latency-ms 0.5", CLI_RUN,
     "a;json=0 limit=- type= agent=a=b ms=0.5 since=-"},
    {"a --since 1s", CLI_RUN, "a;json=0 limit=- type= agent= ms=- since=4000000000"},
    {"- --", CLI_RUN, "-;json=0 limit=- type= agent= ms=- since=-"},
    {"-- --json -x", CLI_RUN, "--json -x;json=0 limit=- type= agent= ms=- since=-"},
    {"-a x b", CLI_RUN, "b;json=0 limit=- type= agent=x ms=- since=-"},
    {"-ax b", CLI_RUN, "b;json=0 limit=- type= agent=x ms=- since=-"},
    {"b -a -", CLI_RUN, "b;json=0 limit=- type= agent=- ms=- since=-"},
    {"b -a", CLI_WRONG, NULL},
    {"b -x", CLI_WRONG, NULL},
    {"b --=x", CLI_WRONG, NULL},
    {"--help", CLI_HELP, NULL},
    {"a b c d --help", CLI_HELP, NULL},
    {"-h --nonsense", CLI_HELP, NULL},
    {"--nonsense --help", CLI_WRONG, NULL},
    {"a b c", CLI_WRONG, NULL},
    {"--json", CLI_WRONG, NULL},
    {"a --jso", CLI_WRONG, NULL},
    {"a --", CLI_RUN, "a;json=0 limit=- type= agent= ms=- since=-"},
    {"a --limit 0x5", CLI_WRONG, NULL},
    {"a --max-latency-ms inf", CLI_WRONG, NULL},
};

static void describe(const struct cli_arguments *arguments, char *out, size_t room) {
    size_t at = 0;
    for (size_t i = 0; i < arguments->operand_count; i++) {
        at +=
            (size_t)snprintf(out + at, room - at, "%s%s", i > 0 ? " " : "", arguments->operands[i]);
    }
    at += (size_t)snprintf(out + at, room - at, ";json=%d limit=", arguments->json);
    at += arguments->limit.present
              ? (size_t)snprintf(out + at, room - at, "%lld", (long long)arguments->limit.value)
              : (size_t)snprintf(out + at, room - at, "-");
    at += (size_t)snprintf(out + at, room - at, " type=");
    for (const char *const *type = arguments->types; *type != NULL; type++) {
        at += (size_t)snprintf(out + at, room - at, "%s,", *type);
    }
    at += (size_t)snprintf(out + at, room - at,
                           " agent=%s ms=", arguments->agent ? arguments->agent : "");
    at += arguments->max_latency_ms.present
              ? (size_t)snprintf(out + at, room - at, "%g", arguments->max_latency_ms.value)
              : (size_t)snprintf(out + at, room - at, "-");
    if (arguments->since_ns.present) {
        snprintf(out + at, room - at, " since=%lld", (long long)arguments->since_ns.value);
    } else {
        snprintf(out + at, room - at, " since=-");
    }
}

static void test_lines(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        char words[256];
        char out[512];
        char *argv[MAX_WORDS];
        int argc = 0;
        char *rest = words;
        struct cli_arguments arguments;
        snprintf(words, sizeof words, "%s", lines[i].words);
        for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " ")) {
            argv[argc++] = word;
        }
        if (cli_parse(&command, argc, argv, INT64_C(5000000000), &arguments) != lines[i].result) {
            fail_msg("%s", lines[i].words);
        }
        if (lines[i].outcome != NULL) {
            describe(&arguments, out, sizeof out);
            assert_string_equal(out, lines[i].outcome);
        }
    }
}

static void test_list_is_bounded(void **state) {
    (void)state;
    char option[] = "--type=x";
    char operand[] = "a";
    char *argv[CLI_MAX_TYPES + 2];
    struct cli_arguments arguments;
    argv[0] = operand;
    for (int i = 1; i < CLI_MAX_TYPES + 2; i++) {
        argv[i] = option;
    }
    assert_int_equal(cli_parse(&command, CLI_MAX_TYPES + 1, argv, 0, &arguments), CLI_RUN);
    assert_null(arguments.types[CLI_MAX_TYPES]);
    assert_int_equal(cli_parse(&command, CLI_MAX_TYPES + 2, argv, 0, &arguments), CLI_WRONG);
}

static void test_nearest(void **state) {
    (void)state;
    static const char *const names[] = {"log", "ingest", "summary", "stats", "success-rate"};
    static const struct {
        const char *word;
        const char *nearest;
    } words[] = {{"lgo", NULL},
                 {"logs", "log"},
                 {"summry", "summary"},
                 {"sumary", "summary"},
                 {"stat", "stats"},
                 {"ingset", "ingest"},
                 {"in", "ingest"},
                 {"suc", "success-rate"},
                 {"frobnicate", NULL},
                 {"", NULL},
                 {"sucess-rate", "success-rate"},
                 {"a-word-that-is-longer-than-any-option-could-ever-be", NULL}};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        const char *found = cli_nearest(words[i].word, names, COUNT_OF(names));
        if (found != words[i].nearest &&
            (found == NULL || words[i].nearest == NULL || strcmp(found, words[i].nearest) != 0)) {
            fail_msg("%s: %s", words[i].word, found ? found : "nothing");
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_list_is_bounded),
        cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
