/* A database that is open for questions. */
#ifndef AGENTLOG_AGGREGATOR_QUERY_DB_H
#define AGENTLOG_AGGREGATOR_QUERY_DB_H

#include "query.h"

#define ALOG_QUERY_KINDS 13 /* one more than the last kind */

struct alog_db {
    sqlite3 *sqlite;
    int32_t time_zone_offset_s;
    sqlite3_stmt *statements[ALOG_QUERY_KINDS]; /* prepared at a kind's first question */
};

#endif
