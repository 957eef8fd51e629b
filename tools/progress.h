/* A bar on stderr while long work goes on; only where stderr is a terminal. */
#ifndef AGENTLOG_TOOLS_PROGRESS_H
#define AGENTLOG_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *label;
    bool wanted;     /* stderr is a terminal */
    bool drawn;      /* the bar stands on the current line */
    int64_t last_ns; /* when it was drawn, monotonic */
};

/* A bar that says `label`, which must outlive it. */
struct progress progress_begin(const char *label);

/* `done` of `total`; draws a few times a second at most. `context` is the bar: it fits
 * alog_progress_fn. */
void progress_update(void *context, uint64_t done, uint64_t total);

/* Take the bar off its line, before a message or at the end. */
void progress_clear(struct progress *progress);

#endif
