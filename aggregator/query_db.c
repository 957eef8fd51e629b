#include "query_db.h"

#include <stdlib.h>

#include "format/error.h"
#include "ledger.h"
#include "sql_error.h"
#include "sql_functions.h"
#include "store.h"
#include "window_table.h"

static enum alog_status read_settings(struct alog_db *db, struct alog_error *error) {
    struct alog_store_settings settings;
    enum alog_status status = alog_store_read_settings(db->sqlite, &settings, error);
    if (status == ALOG_OK) {
        db->time_zone_offset_s = settings.time_zone_offset_s;
        db->latency_limits = settings.latency_limits;
    }
    return status;
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
        status = alog_window_tables_register(db->sqlite, error);
    }
    if (status == ALOG_OK) {
        status = read_settings(db, error);
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

enum alog_status alog_db_find_segment(struct alog_db *db, const uint8_t file_id[16],
                                      struct alog_db_segment *ret_segment,
                                      struct alog_error *error) {
    char id[ALOG_SEGMENT_ID_BYTES];
    struct alog_ledger_row row = {.events = 0};
    bool known;
    alog_hex(file_id, 16, id);
    enum alog_status status = alog_ledger_find(db->sqlite, id, &row, &known, error);
    if (status == ALOG_OK) {
        *ret_segment = (struct alog_db_segment){
            .known = known, .sealed = known && row.sealed, .events = known ? row.events : 0};
    }
    return status;
}

/* A transaction reads from its first statement that reads on. */
enum alog_status alog_db_hold(struct alog_db *db, struct alog_error *error) {
    if (!sqlite3_get_autocommit(db->sqlite)) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "the database is held already");
    }
    if (sqlite3_exec(db->sqlite, "BEGIN; SELECT 1 FROM settings", NULL, NULL, NULL) != SQLITE_OK) {
        enum alog_status status = alog_sql_fail(db->sqlite, error, "holding the database");
        alog_db_let_go(db);
        return status;
    }
    return ALOG_OK;
}

void alog_db_let_go(struct alog_db *db) {
    if (!sqlite3_get_autocommit(db->sqlite)) {
        sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
    }
}

void alog_db_close(struct alog_db *db) {
    if (!db) {
        return;
    }
    for (size_t i = 0; i < ALOG_QUERY_KINDS + ALOG_METRIC_COUNT; i++) {
        sqlite3_finalize(db->statements[i]);
    }
    sqlite3_close(db->sqlite);
    free(db);
}
