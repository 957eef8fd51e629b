/* The segments that a command is asked to read: the operands `LOGDIR|FILE…` spelled out, and how
 * damage is told. */
#ifndef AGENTLOG_TOOLS_SEGMENT_ARGS_H
#define AGENTLOG_TOOLS_SEGMENT_ARGS_H

#include <agentlog/reader.h>

#include "cli_options.h"

struct segment_args {
    char **paths;
    size_t count, capacity;
    bool picked;         /* some operand was a file: segments beside it may be left out */
    enum exit_code code; /* of the operands that could not be read; each was named on stderr */
};

/* Directories become the segments in them, in order of time; files are taken as they are; --archive
 * comes first. Says so when there is nothing. */
void segment_args_collect(const struct cli_arguments *arguments, struct segment_args *ret_args);
void segment_args_free(struct segment_args *args);

/* What was said of damage; an alog_damage_fn's context. */
struct damage_report {
    struct progress *progress; /* cleared before each message; NULL = none */
    const char *advice;        /* what to do, added to each message; NULL = nothing */
    uint64_t faults;           /* harmless ones not counted */
};

/* An alog_damage_fn: tell on stderr, one line a fault, and count. */
void damage_report_tell(void *context, const struct alog_damage *damage);

/* How reading a segment ended: damage is told and counted as a fault, any other failure told and
 * kept in `code`. */
void damage_report_end(struct damage_report *report, enum alog_status status,
                       const struct alog_error *error, enum exit_code *code);

#endif
