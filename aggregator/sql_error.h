/* A failed SQLite call as a status and a sentence. */
#ifndef AGENTLOG_AGGREGATOR_SQL_ERROR_H
#define AGENTLOG_AGGREGATOR_SQL_ERROR_H

#include <agentlog/agentlog.h>
#include <sqlite3.h>

/*
 * Describe what the last call on `db` ran into while `doing` ("reading rollup_agents") and return
 * its status: ALOG_LOCKED (busy), ALOG_READ_ONLY, ALOG_NO_MEMORY, ALOG_CORRUPT (the file is
 * damaged, or a sum leaves 64 bits), else ALOG_IO. `error` may be NULL.
 */
enum alog_status alog_sql_fail(sqlite3 *db, struct alog_error *error, const char *doing);

#endif
