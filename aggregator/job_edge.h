/* A job's start or end: the one of possibly several events that counts, with what it said. */
#ifndef AGENTLOG_AGGREGATOR_JOB_EDGE_H
#define AGENTLOG_AGGREGATOR_JOB_EDGE_H

#include <agentlog/agentlog.h>

#include "arena.h"

enum alog_job_edge_kind { ALOG_JOB_START, ALOG_JOB_END };

/* Absent strings stay absent. */
struct alog_job_edge {
    int64_t timestamp_ns;
    struct alog_string event_id;
    struct alog_string status; /* end only */
    struct alog_opt_i64 iterations;
    struct alog_string text; /* start: metadata; end: error_message */
};

/* A copy with its strings, in the arena; NULL: no memory. */
struct alog_job_edge *alog_job_edge_copy(struct alog_arena *arena,
                                         const struct alog_job_edge *edge);

/*
 * Which of two counts: negative when `a` is the job's start rather than `b` (the earlier), or its
 * end rather than `b` (the later), 0 when they are equal. On equal times the event id decides,
 * then whatever else is different, so that the order of arrival never does.
 */
int alog_job_edge_compare(enum alog_job_edge_kind kind, const struct alog_job_edge *a,
                          const struct alog_job_edge *b);

#endif
