/* agentlog cat: events back out of segments, as NDJSON or TSV. */
#include <agentlog/reader.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "commands.h"
#include "event_print.h"
#include "messages.h"
#include "segment_args.h"

#define OPEN_SUFFIX            ".open"
#define FOLLOW_INTERVAL_US     200000
#define ROUNDS_UNTIL_FORGOTTEN 3

static const struct cli_option options[] = {
    CLI_OPTION_SINCE,
    CLI_OPTION_UNTIL,
    {.name = "type",
     .argument = "EVENT",
     .kind = CLI_LIST,
     CLI_MEMBER(types),
     .doc = "only events of this type; may be given several times"},
    {.name = "job",
     .argument = "JOB_ID",
     .kind = CLI_TEXT,
     CLI_MEMBER(job),
     .doc = "only the events of this job; blocks that cannot have any are not read"},
    {.name = "all",
     .kind = CLI_FLAG,
     CLI_MEMBER(all),
     .doc = "also what the writer logs of itself: writer_stats and writer_loss"},
    {.name = "follow",
     .kind = CLI_FLAG,
     CLI_MEMBER(follow),
     .doc = "go on with what is logged from now on, in all segments and new ones, until it is "
            "ended; with '--since now', that alone"},
    CLI_OPTION_FIELDS,
    CLI_OPTION_OUTPUT,
    {.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "everything was read"},
    {EXIT_FAILED, "a file could not be read, or stdout not be written"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_PARTLY, "damage was passed over; each place was named on stderr"},
    {EXIT_NOT_FOUND, "there is no such log or file (the others were read)"},
    {EXIT_FINE, NULL}};

/* One run of the command. */
struct cat {
    struct alog_reader_filter filter;
    struct damage_report damage;
    struct event_print print;
    enum exit_code code;
};

/* Everything that the reader has by now. False when there is no use in going on. */
static bool print_events(struct cat *cat, struct alog_reader *reader, struct alog_error *error,
                         enum alog_status *ret_status) {
    const struct alog_event *event = NULL;
    for (;;) {
        *ret_status = alog_reader_next(reader, &event, error);
        if (*ret_status != ALOG_OK || event == NULL) {
            return true;
        }
        if (!event_print_event(&cat->print, event)) {
            return false;
        }
    }
}

static bool print_segment(struct cat *cat, const char *path) {
    struct alog_reader *reader = NULL;
    struct alog_error error = {.message = ""};
    bool more = true;
    enum alog_status status =
        alog_reader_open(path, &cat->filter, damage_report_tell, &cat->damage, &reader, &error);
    if (status == ALOG_OK) {
        more = print_events(cat, reader, &error, &status);
    }
    alog_reader_close(reader);
    damage_report_end(&cat->damage, status, &error, &cat->code);
    return more;
}

/* ---- Following ---- */

/* A segment that was met, by its final name; its reader stays while it is written. */
struct followed {
    char *name;
    struct alog_reader *reader; /* NULL = all of it was printed */
    uint64_t last_round;        /* in which it was there */
};

struct follow {
    struct cat *cat;
    struct followed *segments;
    size_t count, capacity;
    uint64_t round; /* one a look at the log */
};

static size_t final_length(const struct alog_segment_path *segment) {
    return strlen(segment->name) - (segment->open ? strlen(OPEN_SUFFIX) : 0);
}

static struct followed *find_followed(struct follow *follow,
                                      const struct alog_segment_path *segment) {
    const size_t len = final_length(segment);
    /* The latest are looked for most. */
    for (size_t i = follow->count; i-- > 0;) {
        const char *name = follow->segments[i].name;
        if (strlen(name) == len && memcmp(name, segment->name, len) == 0) {
            return &follow->segments[i];
        }
    }
    return NULL;
}

static struct followed *add_followed(struct follow *follow,
                                     const struct alog_segment_path *segment) {
    follow->segments =
        output_grow(follow->segments, follow->count, &follow->capacity, sizeof *follow->segments);
    struct followed *followed = &follow->segments[follow->count++];
    const size_t len = final_length(segment);
    followed->name = output_allocate(len + 1, 1);
    memcpy(followed->name, segment->name, len);
    return followed;
}

/* What is new in a segment. One that was just made, and has no header yet, is met the next time. */
static bool follow_segment(struct follow *follow, const struct alog_segment_path *segment) {
    struct cat *cat = follow->cat;
    struct followed *followed = find_followed(follow, segment);
    struct alog_error error = {.message = ""};
    enum alog_status status = ALOG_OK;
    if (followed != NULL) {
        followed->last_round = follow->round;
        if (followed->reader == NULL) {
            return true;
        }
    } else {
        struct alog_reader *reader = NULL;
        status = alog_reader_open(segment->path, &cat->filter, damage_report_tell, &cat->damage,
                                  &reader, &error);
        if (status != ALOG_OK && (segment->open || status == ALOG_NOT_FOUND)) {
            return true;
        }
        followed = add_followed(follow, segment);
        followed->last_round = follow->round;
        followed->reader = reader;
    }
    bool more = true;
    if (status == ALOG_OK) {
        more = print_events(cat, followed->reader, &error, &status);
    }
    if (!segment->open || status != ALOG_OK) {
        alog_reader_close(followed->reader);
        followed->reader = NULL;
    }
    damage_report_end(&cat->damage, status, &error, &cat->code);
    return more;
}

static void forget(struct followed *followed) {
    alog_reader_close(followed->reader);
    free(followed->name);
}

/* Archived or removed, after what was left of them was printed. One that is being renamed may be
 * missing from a list once. */
static bool forget_removed(struct follow *follow) {
    size_t kept = 0;
    bool more = true;
    for (size_t i = 0; i < follow->count; i++) {
        struct followed *followed = &follow->segments[i];
        if (followed->last_round + ROUNDS_UNTIL_FORGOTTEN > follow->round || !more) {
            follow->segments[kept++] = *followed;
            continue;
        }
        struct alog_error error = {.message = ""};
        enum alog_status status = ALOG_OK;
        if (followed->reader != NULL) {
            more = print_events(follow->cat, followed->reader, &error, &status);
            damage_report_end(&follow->cat->damage, status, &error, &follow->cat->code);
        }
        forget(followed);
    }
    follow->count = kept;
    return more;
}

/* Until somebody ends the program, or its reader goes away. */
static void follow_log(struct cat *cat, const char *log_dir) {
    struct follow follow = {.cat = cat};
    bool more = true;
    while (more) {
        struct alog_segment_list list;
        struct alog_error error = {.message = ""};
        const enum alog_status status = alog_segments_list(log_dir, &list, &error);
        if (status != ALOG_OK) {
            cat->code = exit_code_worse(cat->code, message_failure(status, &error));
            break;
        }
        for (size_t i = 0; i < list.count && more; i++) {
            more = follow_segment(&follow, &list.segments[i]);
        }
        alog_segments_free(&list);
        more = more && forget_removed(&follow);
        follow.round++;
        more = more && fflush(stdout) == 0 && usleep(FOLLOW_INTERVAL_US) == 0;
    }
    for (size_t i = 0; i < follow.count; i++) {
        forget(&follow.segments[i]);
    }
    free(follow.segments);
}

/* ---- The command ---- */

static void print_all(struct cat *cat, const struct cli_arguments *arguments) {
    struct segment_args segments;
    segment_args_collect(arguments, &segments);
    cat->code = segments.code;
    bool more = true;
    for (size_t i = 0; i < segments.count && more; i++) {
        more = print_segment(cat, segments.paths[i]);
    }
    segment_args_free(&segments);
}

static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    struct cat cat = {.filter = {.since_ns = arguments->since_ns,
                                 .until_ns = arguments->until_ns,
                                 .job_id = alog_str(arguments->job),
                                 .events = arguments->types[0] != NULL ? arguments->types : NULL,
                                 .include_writer_events = arguments->all},
                      .code = EXIT_FINE};
    if (arguments->follow && arguments->operand_count != 1) {
        return cli_usage_error(command, "--follow takes one LOGDIR");
    }
    if (!event_print_begin(&cat.print, command, arguments)) {
        return EXIT_USAGE;
    }
    if (arguments->follow) {
        follow_log(&cat, arguments->operands[0]);
    } else {
        print_all(&cat, arguments);
    }
    if (cat.damage.faults > 0) {
        cat.code = exit_code_worse(cat.code, EXIT_PARTLY);
    }
    if (cat.print.no_memory) {
        cat.code = EXIT_FAILED;
    }
    event_print_free(&cat.print);
    return output_finish(&cat.print.output, cat.code);
}

const struct cli_command cmd_cat = {
    .name = "cat",
    .operands = "LOGDIR|FILE...",
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .summary = "print raw events as NDJSON",
    .description =
        "Print the events of logs and segments as NDJSON, segment after segment in "
        "order of their start, each in the order it was written. "
        "What comes out can go in again: 'agentlog log' reads the same form.\n"
        "\n"
        "Segments that are still being written are read up to their last whole block. Segments "
        "and blocks that cannot match are not read. LOGDIR may be an archive.",
    .examples = "agentlog cat ./log --since 24h --type error\n"
                "agentlog cat ./log --follow --since now --output tsv --fields event,job_id\n"
                "agentlog cat ./log --job job-17 | jq .event\n"
                "agentlog cat ./log/2026-02-04/*.zst > events.ndjson",
    .options = options,
    .exits = exits,
    .run = run};
