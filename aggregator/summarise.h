/* The daily tables: made again from the rollups and jobs for the days that changed. */
#ifndef AGENTLOG_AGGREGATOR_SUMMARISE_H
#define AGENTLOG_AGGREGATOR_SUMMARISE_H

#include <agentlog/agentlog.h>
#include <sqlite3.h>

/*
 * For each (environment, day_epoch) in dirty_days, replace the rows of all daily_* tables by what
 * the rollups and jobs now say, then empty dirty_days. The rows depend on those tables alone: real
 * numbers are made of integer sums in one division. Days in pruned_days stay as they are. Of days
 * from `summed_from_day_epoch` on (INT64_MAX: of none) the levels by day are there already.
 * *ret_days = how many rows daily_summary got.
 *
 * `db` has the functions of sql_functions.h; the caller holds the transaction. After a failure
 * (ALOG_NO_MEMORY, ALOG_IO, ALOG_CORRUPT: a sum leaves 64 bits, a sketch cannot be read) the caller
 * rolls back.
 */
enum alog_status alog_summarise_dirty(sqlite3 *db, int64_t summed_from_day_epoch,
                                      uint64_t *ret_days, struct alog_error *error);

#endif
