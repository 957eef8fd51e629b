/* Events on stdout, as NDJSON or as TSV, with all fields or some. */
#ifndef AGENTLOG_TOOLS_EVENT_PRINT_H
#define AGENTLOG_TOOLS_EVENT_PRINT_H

#include <agentlog/ndjson.h>

#include "cli_options.h"
#include "output.h"

#define CLI_OPTION_FIELDS                                                                          \
    {                                                                                              \
        .name = "fields", .argument = "NAME,...", .kind = CLI_TEXT, CLI_MEMBER(fields),            \
        .doc = "only these fields and attributes; NDJSON always has event and timestamp"           \
    }
#define CLI_OPTION_OUTPUT                                                                          \
    {                                                                                              \
        .name = "output", .argument = "FORM", .kind = CLI_TEXT, CLI_MEMBER(output),                \
        .fallback = "ndjson",                                                                      \
        .doc = "ndjson, or tsv: a line of names, then a line an event, what a terminal would "     \
               "obey escaped"                                                                      \
    }

#define EVENT_PRINT_MAX_FIELDS 64

/* Free with event_print_free. */
struct event_print {
    struct output output;
    bool tsv, headed;
    bool on_terminal;
    char *text;                                     /* what `fields` points into */
    const char *fields[EVENT_PRINT_MAX_FIELDS + 1]; /* NULL-terminated */
    size_t field_count;                             /* 0 = all */
    struct alog_text line;
    bool no_memory;
};

/* What the options say; false after saying what is wrong with them. */
bool event_print_begin(struct event_print *print, const struct cli_command *command,
                       const struct cli_arguments *arguments);

/* False when there is no use in going on. */
bool event_print_event(struct event_print *print, const struct alog_event *event);
void event_print_free(struct event_print *print);

#endif
