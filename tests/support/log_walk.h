/* Every event of a log directory, in order, with the checks that any log must pass. */
#ifndef AGENTLOG_TESTS_SUPPORT_LOG_WALK_H
#define AGENTLOG_TESTS_SUPPORT_LOG_WALK_H

#include <agentlog/agentlog.h>
#include <agentlog/reader.h>

typedef void log_walk_fn(void *context, const struct alog_event *event);

struct log_walk_result {
    uint64_t segments, open_segments;
    uint64_t events; /* the writers' own included */
    uint64_t damages;
    uint64_t sequence_faults; /* an event whose number is not its predecessor's plus one */
    uint64_t chain_faults;    /* a segment that does not name the one before it of its writer */
    uint64_t blocks;
    uint64_t dropped; /* as the last block's header of each writer says, summed */
};

/*
 * Read all of `log_dir`, telling `each` (may be NULL) of every event. A directory without segments
 * gives zeros.
 */
struct log_walk_result log_walk(const char *log_dir, log_walk_fn *each, void *context);

#endif
