/*
 * A signal to stop must not lose what was read: while it is held it is taken as an event of the
 * input, the work at hand is finished well, and only when it is let go the program dies of it.
 */
#ifndef AGENTLOG_TOOLS_STOP_SIGNALS_H
#define AGENTLOG_TOOLS_STOP_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

struct stop_signals {
    int fd; /* a signalfd, readable when SIGINT, SIGTERM or SIGHUP came; -1 = could not be made */
    sigset_t before;
};

struct stop_signals stop_signals_hold(void);

/* Deliver what came. */
void stop_signals_release(struct stop_signals *signals);

/* Whether one came. Cost: a system call. */
bool stop_signals_came(const struct stop_signals *signals);

#endif
