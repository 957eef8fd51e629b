/* Groups into the database: one upsert per group, in key order, within the caller's transaction. */
#ifndef AGENTLOG_AGGREGATOR_DELTAS_H
#define AGENTLOG_AGGREGATOR_DELTAS_H

#include <sqlite3.h>

#include "groups.h"

/* Make known to a connection what the upserts need: sketch_add(blob, blob). */
enum alog_status alog_deltas_register(sqlite3 *db, struct alog_error *error);

/*
 * Add the groups to their tables, but for those of hourly tables from `before_hour_epoch` on
 * (INT64_MAX: all), and mark the days that they touch as dirty. The groups are changed on the way
 * (jobs take in what the database knew of them) and freed. ALOG_CORRUPT: a sum leaves 64 bits.
 * ALOG_NO_MEMORY, ALOG_IO, …: the caller rolls back.
 */
enum alog_status alog_deltas_write(sqlite3 *db, struct alog_groups *groups,
                                   int64_t before_hour_epoch, int32_t time_zone_offset_s,
                                   struct alog_error *error);

/*
 * Insert groups that stand for days (alog_groups_copy_days) into the levels by day (levels.h),
 * which have no rows of these days. They stay as they are. ALOG_CORRUPT: a sum leaves 64 bits.
 * ALOG_NO_MEMORY, ALOG_IO, …: the caller rolls back.
 */
enum alog_status alog_deltas_insert_days(sqlite3 *db, struct alog_groups *days,
                                         struct alog_error *error);

/*
 * Add (sign 1) or take back (sign -1), into `groups`, what the jobs in the database say of their
 * days: those that `ids` selects (environment, job_id), at most `limit` of what it has left.
 * *ret_done: it has no more. ALOG_NO_MEMORY, ALOG_CORRUPT, ALOG_IO.
 */
enum alog_status alog_deltas_count_jobs(sqlite3 *db, sqlite3_stmt *ids, int sign, uint64_t limit,
                                        struct alog_groups *groups, bool *ret_done,
                                        struct alog_error *error);

#endif
