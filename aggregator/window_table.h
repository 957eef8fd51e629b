/*
 * A window of a rollup as a table that questions read: window_rollup_agents(…) has the columns of
 * rollup_agents but the hour, and one row for each combination of the environment and dimensions
 * that the statement names, with the window's sums. Adding up in hash tables, straight from the
 * rows of hours, days and months, takes a third of what GROUP BY over the same rows does, which
 * sorts them first, sketches and all.
 */
#ifndef AGENTLOG_AGGREGATOR_WINDOW_TABLE_H
#define AGENTLOG_AGGREGATOR_WINDOW_TABLE_H

#include <agentlog/agentlog.h>
#include <sqlite3.h>

#include "groups.h"

/*
 * Make the tables known to a connection: one for each rollup that has levels, called with
 *
 *     window_<rollup>(environment, head_hour, head_day, head_month, tail_month, tail_day,
 *                     tail_hour, only_<dimension>, …)
 *
 * where environment is one, or '*' for all; the hours are those of struct alog_query_window; and a
 * dimension is NULL for all its values. All are needed. A sum that leaves 64 bits, or a sketch that
 * cannot be read, is an SQL error. ALOG_NO_MEMORY.
 */
enum alog_status alog_window_tables_register(sqlite3 *db, struct alog_error *error);

/* The rollup of that name, which has a window table; ALOG_ROLLUP_COUNT = none. */
enum alog_rollup alog_window_rollup(const char *table, size_t len);

#endif
