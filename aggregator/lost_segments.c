#include "lost_segments.h"

#include "sql_error.h"

static const char make_noted[] = "CREATE TEMP TABLE IF NOT EXISTS noted_writers"
                                 " (writer_id TEXT PRIMARY KEY) WITHOUT ROWID";

enum alog_status alog_lost_segments_note(sqlite3 *db, const char *writer_id,
                                         struct alog_error *error) {
    sqlite3_stmt *put = NULL;
    if (sqlite3_exec(db, make_noted, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "INSERT OR IGNORE INTO temp.noted_writers VALUES (?)", -1, &put,
                           NULL) != SQLITE_OK) {
        return alog_sql_fail(db, error, "lost_segments");
    }
    sqlite3_bind_text(put, 1, writer_id, -1, SQLITE_STATIC);
    sqlite3_step(put);
    return sqlite3_finalize(put) == SQLITE_OK ? ALOG_OK : alog_sql_fail(db, error, "lost_segments");
}

/* clang-format off */

/*
 * begin: the last sequence number before a segment, as its header says; if that is lost, as its
 * first block says. reached: how far it comes, with what is missing within it or known to be
 * missing at its end, which the sums have already. Both of copies of one segment go together.
 */
static const char find[] =
    "CREATE TEMP TABLE found_lost AS WITH"
    " offset AS (SELECT CAST(value AS INTEGER) AS s FROM settings"
    "   WHERE name = 'time_zone_offset_s'),"
    " one AS (SELECT writer_id, number, environment, events, min_timestamp_ns, max_timestamp_ns,"
    "   CASE WHEN environment = '' THEN MAX(first_sequence - 1, 0)"
    "     ELSE predecessor_last_sequence END AS begin,"
    "   MAX(last_sequence, events + missing_events + CASE WHEN first_sequence = 0"
    "     THEN predecessor_last_sequence"
    "     WHEN environment = '' THEN first_sequence - 1"
    "     ELSE MIN(first_sequence - 1, predecessor_last_sequence) END) AS reached"
    "   FROM segments WHERE writer_id IN (SELECT writer_id FROM temp.noted_writers)),"
    " each AS (SELECT writer_id, number, MAX(environment) AS environment, MAX(begin) AS begin,"
    "   MAX(reached, begin) AS reached,"
    "   MIN(min_timestamp_ns) FILTER (WHERE events > 0) AS from_ns,"
    "   MAX(max_timestamp_ns) FILTER (WHERE events > 0) AS until_ns"
    "   FROM one GROUP BY writer_id, number),"
    " chain AS (SELECT writer_id, number, begin,"
    "   COALESCE(NULLIF(environment, ''), MAX(environment) OVER before, '') AS environment,"
    "   MAX(reached) OVER before AS known,"
    "   COALESCE(from_ns, MAX(until_ns) OVER before) / 1000000000 + offset.s AS local_s"
    "   FROM each, offset WINDOW before AS (PARTITION BY writer_id ORDER BY number"
    "   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))"
    " SELECT writer_id, number, environment,"
    "   local_s - (local_s % 3600 + 3600) % 3600 - offset.s AS hour_epoch,"
    "   known + 1 AS first_sequence, begin AS last_sequence, begin - known AS events_lost,"
    "   local_s - (local_s % 86400 + 86400) % 86400 - offset.s AS day_epoch"
    " FROM chain, offset WHERE begin > known AND local_s IS NOT NULL";

#define OF_THE_TABLE                                                                               \
    "writer_id, number, environment, hour_epoch, first_sequence, last_sequence, events_lost,"      \
    " day_epoch"
#define KNOWN                                                                                      \
    "SELECT " OF_THE_TABLE " FROM lost_segments"                                                   \
    " WHERE writer_id IN (SELECT writer_id FROM temp.noted_writers)"
#define FOUND "SELECT " OF_THE_TABLE " FROM temp.found_lost"

static const char more[] =
    "SELECT COALESCE((SELECT SUM(events_lost) FROM temp.found_lost), 0)"
    " - COALESCE((SELECT SUM(events_lost) FROM (" KNOWN ")), 0)";

static const char replace[] =
    "INSERT OR IGNORE INTO dirty_days SELECT environment, day_epoch FROM ("
    " SELECT * FROM (" KNOWN " EXCEPT " FOUND ")"
    " UNION ALL SELECT * FROM (" FOUND " EXCEPT " KNOWN "));"
    "DELETE FROM lost_segments WHERE writer_id IN (SELECT writer_id FROM temp.noted_writers);"
    "INSERT INTO lost_segments (" OF_THE_TABLE ") " FOUND ";"
    "DROP TABLE temp.found_lost;"
    "DELETE FROM temp.noted_writers;";

/* clang-format on */

enum alog_status alog_lost_segments_update(sqlite3 *db, uint64_t *events_lost,
                                           struct alog_error *error) {
    sqlite3_stmt *select = NULL;
    if (sqlite3_exec(db, make_noted, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(db, find, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, more, -1, &select, NULL) != SQLITE_OK) {
        return alog_sql_fail(db, error, "lost_segments");
    }
    if (sqlite3_step(select) == SQLITE_ROW && sqlite3_column_int64(select, 0) > 0) {
        *events_lost += (uint64_t)sqlite3_column_int64(select, 0);
    }
    if (sqlite3_finalize(select) != SQLITE_OK ||
        sqlite3_exec(db, replace, NULL, NULL, NULL) != SQLITE_OK) {
        return alog_sql_fail(db, error, "lost_segments");
    }
    return ALOG_OK;
}
