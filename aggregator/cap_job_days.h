/*
 * The cap of distinct values in the tables by the day of jobs: rollup_attempts and
 * rollup_strategy_jobs.
 *
 * They follow the order of cap.h, each column for itself: the first `cap` values of the jobs that
 * belong to the day stay, and what those jobs say of others is _OTHER's. Unlike events, jobs leave
 * a day (an earlier event moves them), so that values can go again, and a job's part is taken back
 * from where it was put. That works since sums are linear: what is added and taken back under a
 * dropped name is merged into _OTHER, and rows of names that stay are always whole. Only when one
 * of those goes are all jobs of the day counted again, for nobody knows who in _OTHER comes next.
 */
#ifndef AGENTLOG_AGGREGATOR_CAP_JOB_DAYS_H
#define AGENTLOG_AGGREGATOR_CAP_JOB_DAYS_H

#include <agentlog/agentlog.h>
#include <sqlite3.h>

/*
 * Apply it to one day and environment, whose jobs are all there. `db` has the functions of
 * sql_functions.h and deltas.h. ALOG_NO_MEMORY, ALOG_CORRUPT, ALOG_IO, …
 */
enum alog_status alog_cap_job_days(sqlite3 *db, int64_t cap, sqlite3_value *environment,
                                   int64_t day_epoch, struct alog_error *error);

#endif
