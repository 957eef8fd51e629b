/*
 * The books of a writer: what its log calls returned, what its stats say, and what is in the log
 * must agree, by type and exactly. Events are `error` (A) and `hook_execution` (B); any number of
 * threads may log.
 */
#ifndef AGENTLOG_TESTS_SUPPORT_LOSS_CHECK_H
#define AGENTLOG_TESTS_SUPPORT_LOSS_CHECK_H

#include <stdatomic.h>

#include <agentlog/writer.h>

#include "log_walk.h"

enum { LOSS_CHECK_A, LOSS_CHECK_B, LOSS_CHECK_TYPES };

struct loss_check {
    /* By what the calls returned. */
    _Atomic uint64_t begun, stored[LOSS_CHECK_TYPES], dropped[LOSS_CHECK_TYPES], closed, other;
    /* By what the log says. */
    uint64_t found[LOSS_CHECK_TYPES], lost[LOSS_CHECK_TYPES], lost_others;
    char reasons[512];
    int64_t stats_emitted, stats_stored, stats_dropped; /* of the last writer_stats */
    struct log_walk_result walk;
};

/* Log one of the two; safe in a signal handler. */
enum alog_status loss_check_log(struct loss_check *check, struct alog_writer *writer, int type);

/*
 * Look at the stats while others log: what was returned before is in them, what has not begun yet
 * is not, and nothing goes back but `stored`, when a sync fails. False, with a line on stderr, if
 * not.
 */
struct loss_check_sample {
    uint64_t emitted, dropped;
};
bool loss_check_sample(struct loss_check *check, struct alog_writer *writer,
                       struct loss_check_sample *last);

/*
 * Read the log of a closed writer and compare. `synced_badly`: blocks may have been lost after they
 * were stored. False, with a line on stderr for each difference, if the books do not agree.
 */
bool loss_check_read(struct loss_check *check, const char *log_dir);

#endif
