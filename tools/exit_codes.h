/* The exit codes of `agentlog`, the same for every command; scripts and cron depend on them. */
#ifndef AGENTLOG_TOOLS_EXIT_CODES_H
#define AGENTLOG_TOOLS_EXIT_CODES_H

#include <agentlog/agentlog.h>

enum exit_code {
    EXIT_FINE = 0,
    EXIT_FAILED = 1, /* something that was asked for was not done */
    EXIT_USAGE = 2,  /* the command line is wrong; nothing was done */
    EXIT_PARTLY =
        3, /* done but for bad input: lines skipped, segments set aside, damage passed over */
    EXIT_THRESHOLD = 4, /* a threshold was breached */
    EXIT_NOT_FOUND = 10,
    EXIT_LOCKED = 11
};

/* The exit code of a library call's status. */
static inline enum exit_code exit_code_of(enum alog_status status) {
    switch (status) {
    case ALOG_OK:
        return EXIT_FINE;
    case ALOG_NOT_FOUND:
        return EXIT_NOT_FOUND;
    case ALOG_LOCKED:
        return EXIT_LOCKED;
    default:
        return EXIT_FAILED;
    }
}

/* Of two results the one to report: fine < partly < not found < locked < failed. */
static inline enum exit_code exit_code_worse(enum exit_code a, enum exit_code b) {
    static const enum exit_code order[] = {EXIT_FAILED, EXIT_LOCKED, EXIT_NOT_FOUND, EXIT_PARTLY};
    for (unsigned i = 0; i < sizeof order / sizeof *order; i++) {
        if (a == order[i] || b == order[i]) {
            return order[i];
        }
    }
    return EXIT_FINE;
}

#endif
