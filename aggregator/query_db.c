#include "query_db.h"

#include <stdlib.h>

#include "format/error.h"
#include "sql_error.h"
#include "sql_functions.h"
#include "store.h"

static enum alog_status read_offset(sqlite3 *sqlite, int32_t *ret_offset_s,
                                    struct alog_error *error) {
    static const char sql[] =
        "SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'time_zone_offset_s'";
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL) != SQLITE_OK) {
        return alog_sql_fail(sqlite, error, "settings");
    }
    if (sqlite3_step(statement) == SQLITE_ROW) {
        *ret_offset_s = sqlite3_column_int(statement, 0);
    }
    if (sqlite3_finalize(statement) != SQLITE_OK) {
        return alog_sql_fail(sqlite, error, "settings");
    }
    return ALOG_OK;
}

enum alog_status alog_db_open(const char *db_path, struct alog_db **ret_db,
                              struct alog_error *error) {
    if (!db_path || !ret_db) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "no database was named");
    }
    struct alog_db *db = calloc(1, sizeof(*db));
    if (!db) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory to open %s", db_path);
    }
    enum alog_status status = alog_store_open_read(db_path, &db->sqlite, error);
    if (status == ALOG_OK) {
        status = alog_sql_functions_register(db->sqlite, error);
    }
    if (status == ALOG_OK) {
        status = read_offset(db->sqlite, &db->time_zone_offset_s, error);
    }
    if (status != ALOG_OK) {
        alog_db_close(db);
        return status;
    }
    *ret_db = db;
    return ALOG_OK;
}

int32_t alog_db_time_zone_offset_s(const struct alog_db *db) {
    return db->time_zone_offset_s;
}

void alog_db_close(struct alog_db *db) {
    if (!db) {
        return;
    }
    for (size_t i = 0; i < ALOG_QUERY_KINDS; i++) {
        sqlite3_finalize(db->statements[i]);
    }
    sqlite3_close(db->sqlite);
    free(db);
}
