/*
 * What a command takes: its options, operands and help live in one table per command, from which
 * parsing and help come.
 */
#ifndef AGENTLOG_TOOLS_CLI_OPTIONS_H
#define AGENTLOG_TOOLS_CLI_OPTIONS_H

#include <agentlog/agentlog.h>

#include "exit_codes.h"
#include "time_window.h"

#define CLI_MAX_TYPES 64

/* Every option's value has a member here; an option that is not given leaves it zero (absent). */
struct cli_arguments {
    char **operands;
    size_t operand_count;
    bool json;
    bool all;
    bool strict;
    bool give_up_rings;
    bool keep;
    bool segments;
    bool verbose;
    bool follow;
    bool spreadsheet;
    const char *environment;
    const char *agent;
    const char *issue_type;
    const char *provider;
    const char *model;
    const char *job;
    const char *job_attribute;
    const char *time_zone;
    const char *latency_thresholds;
    const char *thresholds;
    const char *by;
    const char *sort;
    const char *metric;
    const char *subject;
    const char *day;
    const char *allow;
    const char *to;
    const char *archive;
    const char *redact;
    const char *report;
    const char *fields;
    const char *output;
    const char *title;
    const char *format;
    const char *types[CLI_MAX_TYPES + 1]; /* NULL-terminated */
    struct alog_opt_i64 since_ns;
    struct alog_opt_i64 until_ns;
    bool since_is_local; /* given without an offset: for a database, in its zone */
    bool until_is_local;
    struct alog_opt_f64 max_latency_ms;
    struct alog_opt_f64 max_ece;
    struct alog_opt_f64 max_ratio;
    struct alog_opt_i64 limit;
    struct alog_opt_i64 jobs;
    struct alog_opt_i64 dimension_cap;
    struct alog_opt_i64 bins;
    struct alog_opt_i64 min_count;
    struct alog_opt_i64 keep_raw_days;
    struct alog_opt_i64 keep_rows_days;
    struct alog_opt_i64 keep_rollups_days;
    struct alog_opt_i64 keep_summaries_days;
    bool dry_run;
    struct alog_opt_i64 older_than_ns;
    struct alog_opt_i64 level;
    struct alog_opt_i64 block_mib;
};

enum cli_option_kind {
    CLI_FLAG,   /* bool */
    CLI_TEXT,   /* const char *, not empty */
    CLI_LIST,   /* const char *[], may be given several times */
    CLI_NUMBER, /* struct alog_opt_i64, within minimum and maximum */
    CLI_REAL,   /* struct alog_opt_f64, likewise */
    CLI_TIME,   /* struct alog_opt_i64, nanoseconds since 1970 */
    CLI_DAY,    /* const char *, YYYY-MM-DD */
    CLI_AGE     /* struct alog_opt_i64, days: 30d, 8w, 2y; or forever: CLI_FOREVER */
};

/* An age without an end. */
#define CLI_FOREVER UINT32_MAX

/* A word that an option takes. */
struct cli_value {
    const char *name;
    char doc[512];
};

struct cli_option {
    const char *name;     /* without its dashes; NULL ends a table */
    char letter;          /* its short form, as in -o; '\0' = none */
    const char *argument; /* what to call it in the help; NULL for a flag */
    const char *doc;      /* a sentence without a full stop */
    const char *fallback; /* what holds when it is not given; NULL = nothing to say */
    enum cli_option_kind kind;
    size_t offset; /* of its member in struct cli_arguments */
    int64_t minimum, maximum;
    /* CLI_TEXT that takes one of fixed words, too many for `doc`: the one at `index`, or false
     * behind the last. NULL = none, or they are in `doc`. */
    bool (*value)(size_t index, struct cli_value *ret_value);
};

#define CLI_MEMBER(member) .offset = offsetof(struct cli_arguments, member)

/* Options that several commands share. */
#define CLI_OPTION_JSON                                                                            \
    { .name = "json", .kind = CLI_FLAG, CLI_MEMBER(json), .doc = "print JSON instead of a table" }
#define CLI_OPTION_SINCE                                                                           \
    {                                                                                              \
        .name = "since", .argument = "TIME", .kind = CLI_TIME, CLI_MEMBER(since_ns),               \
        .doc = "only what happened at or after TIME: " TIME_WINDOW_FORMS TIME_WINDOW_UTC           \
    }
#define CLI_OPTION_UNTIL                                                                           \
    {                                                                                              \
        .name = "until", .argument = "TIME", .kind = CLI_TIME, CLI_MEMBER(until_ns),               \
        .doc = "only what happened before TIME"                                                    \
    }
#define CLI_OPTION_ARCHIVE                                                                         \
    {                                                                                              \
        .name = "archive", .argument = "DIR", .kind = CLI_TEXT, CLI_MEMBER(archive),               \
        .doc = "read the archive DIR as well, see 'agentlog help archive'"                         \
    }
/* Of a database, which knows times by its buckets alone: ("day", "days") or ("hour", "hours"). */
#define CLI_OPTION_SINCE_WHOLE(bucket, buckets)                                                    \
    {                                                                                              \
        .name = "since", .argument = "TIME", .kind = CLI_TIME, CLI_MEMBER(since_ns),               \
        .doc = "only whole " buckets ", from the " bucket                                          \
               " that holds TIME: " TIME_WINDOW_FORMS TIME_WINDOW_LOCAL                            \
    }
#define CLI_OPTION_UNTIL_WHOLE(bucket, buckets)                                                    \
    {                                                                                              \
        .name = "until", .argument = "TIME", .kind = CLI_TIME, CLI_MEMBER(until_ns),               \
        .doc = "only whole " buckets " before TIME; the " bucket " that holds TIME is included, "  \
               "unless it begins at TIME"                                                          \
    }
#define CLI_OPTION_FILTER_ENVIRONMENT                                                              \
    {                                                                                              \
        .name = "environment", .argument = "NAME", .kind = CLI_TEXT, CLI_MEMBER(environment),      \
        .fallback = "production", .doc = "only this environment; '*' for all of them"              \
    }
#define CLI_OPTION_LIMIT                                                                           \
    {                                                                                              \
        .name = "limit", .argument = "N", .kind = CLI_NUMBER, CLI_MEMBER(limit), .minimum = 1,     \
        .maximum = 1000000000, .doc = "at most N rows"                                             \
    }

/* A word of a fixed list that a command takes as its first operand, as `stats` its KIND. */
struct cli_choice {
    const char *name; /* NULL ends a table */
    const char *doc;
};

/* What an exit code means for one command. */
struct cli_exit {
    enum exit_code code;
    const char *meaning; /* NULL ends a table */
};

struct cli_command {
    const char *name; /* NULL ends a table */
    const char *operands;
    size_t min_operands, max_operands;
    const char *summary;     /* one line */
    const char *description; /* paragraphs, parted by line feeds */
    const char *examples;    /* lines */
    const struct cli_option *options;
    const char *choices_title;
    const struct cli_choice *choices; /* NULL = none */
    const struct cli_exit *exits;
    bool in_background; /* it lets every other process go first */
    enum exit_code (*run)(const struct cli_command *command, const struct cli_arguments *arguments);
};

enum cli_parse_result {
    CLI_RUN,  /* the arguments are complete */
    CLI_HELP, /* --help was among them */
    CLI_WRONG /* said so on stderr */
};

/*
 * Parse `argc` words after the command's name. Operands point into `argv`, whose order is changed;
 * they may stand before, between and after options, and `--` ends the options. `now_ns` is what
 * durations count back from.
 */
enum cli_parse_result cli_parse(const struct cli_command *command, int argc, char **argv,
                                int64_t now_ns, struct cli_arguments *ret_arguments);

/* Say what is wrong with the command line and where help is. Returns EXIT_USAGE. */
ALOG_PRINTF(2, 3)
enum exit_code cli_usage_error(const struct cli_command *command, const char *format, ...);

/* Of `count` names, the one that `word` may have been meant for, or NULL. */
const char *cli_nearest(const char *word, const char *const *names, size_t count);

#endif
