/*
 * The cap of distinct values: beyond it, the rest of a day's agents, models, tests and so on is
 * _OTHER.
 *
 * Which values stay does not depend on the order in which they come, nor on how often: of two
 * values the one with fewer digits stays, then the shorter, then the smaller. So names that people
 * gave stay, and those with a counter or an id in them go. The kept values of a day are the first
 * `cap` by that order of all that were ever seen on it, for once out of that number a value stays
 * out; hence any sequence of ingests ends alike.
 *
 * Test ids may be ten times as many. It holds for the columns of the hourly rollups, by column
 * name: a value that is kept in one of the tables is kept in all. Event types of the catalogue and
 * the reasons `gap` and `sync_failed` stay and are not counted. The tables by the day of jobs have
 * a cap of their own, cap_job_days.h.
 */
#ifndef AGENTLOG_AGGREGATOR_CAP_H
#define AGENTLOG_AGGREGATOR_CAP_H

#include <agentlog/agentlog.h>
#include <sqlite3.h>

/*
 * Apply it to the hours of one day and environment, by what the levels of the day, made before,
 * hold. *ret_changed: rows were merged, and the levels must be made again. `db` has the functions
 * of sql_functions.h. ALOG_NO_MEMORY, ALOG_IO, …
 */
enum alog_status alog_cap_day(sqlite3 *db, int64_t cap, sqlite3_value *environment,
                              int64_t day_epoch, bool *ret_changed, struct alog_error *error);

#endif
