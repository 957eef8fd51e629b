/*
 * What whole jobs say of the day that they belong to: how they ended, attempts per operation, and
 * the jobs of a strategy. None of it is a sum over events, so what a job said is taken back before
 * what it says now is counted: the sums are those of the jobs as they are, however they came.
 */
#ifndef AGENTLOG_AGGREGATOR_JOB_DAYS_H
#define AGENTLOG_AGGREGATOR_JOB_DAYS_H

#include "groups.h"

/* A job as it is. */
struct alog_job_facts {
    struct alog_string environment;
    int64_t day_epoch;
    const struct alog_groups *names; /* which the lists' names are of */
    const struct alog_row_jobs *row; /* its sums and lists, and its end, */
    struct alog_string status;       /* … of which this is the status; absent = none was seen */
};

/*
 * Add (sign 1) or take back (sign -1) what a job says, in the groups of rollup_jobs,
 * rollup_attempts and rollup_strategy_jobs. ALOG_NO_MEMORY.
 */
enum alog_status alog_job_days_count(struct alog_groups *into, const struct alog_job_facts *job,
                                     int sign);

#endif
