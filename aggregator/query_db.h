/* A database that is open for questions. */
#ifndef AGENTLOG_AGGREGATOR_QUERY_DB_H
#define AGENTLOG_AGGREGATOR_QUERY_DB_H

#include "latency_limits.h"
#include "query.h"

#define ALOG_QUERY_KINDS 32 /* one more than the last kind */

struct alog_db {
    sqlite3 *sqlite;
    int32_t time_zone_offset_s;
    struct alog_latency_limits latency_limits;
    /* Prepared at a kind's first question; a trend's metrics are behind the kinds. */
    sqlite3_stmt *statements[ALOG_QUERY_KINDS + ALOG_METRIC_COUNT];
};

#endif
