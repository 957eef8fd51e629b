#include "summarise.h"

#include "sql_error.h"
#include "summarise_sql.h"

#define MAX_DAILY_TABLES 16

/* One statement pair per daily table, in the order of alog_daily_tables(). */
struct statements {
    sqlite3_stmt *day_text;
    sqlite3_stmt *erase[MAX_DAILY_TABLES];
    sqlite3_stmt *insert[MAX_DAILY_TABLES];
    size_t count;
};

static enum alog_status prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_statement,
                                struct alog_error *error) {
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_statement, NULL) !=
        SQLITE_OK) {
        return alog_sql_fail(db, error, "preparing the daily tables");
    }
    return ALOG_OK;
}

static enum alog_status prepare_all(sqlite3 *db, struct statements *all, struct alog_error *error) {
    enum alog_status status =
        prepare(db,
                "SELECT strftime('%Y-%m-%d', :day_epoch + COALESCE((SELECT CAST(value AS INTEGER)"
                " FROM settings WHERE name = 'time_zone_offset_s'), 0), 'unixepoch')",
                &all->day_text, error);
    const struct alog_daily_table *table = alog_daily_tables();
    for (; status == ALOG_OK && table->name != NULL; table++, all->count++) {
        char erase[128];
        sqlite3_snprintf(sizeof(erase), erase,
                         "DELETE FROM %s WHERE day_epoch = :day_epoch"
                         " AND environment = :environment",
                         table->name);
        status = prepare(db, erase, &all->erase[all->count], error);
        if (status == ALOG_OK) {
            status = prepare(db, table->insert, &all->insert[all->count], error);
        }
    }
    return status;
}

static void finalize_all(struct statements *all) {
    sqlite3_finalize(all->day_text);
    for (size_t i = 0; i < all->count; i++) {
        sqlite3_finalize(all->erase[i]);
        sqlite3_finalize(all->insert[i]);
    }
}

/* Not every statement has every parameter. */
static void bind_integer(sqlite3_stmt *statement, const char *name, int64_t value) {
    int index = sqlite3_bind_parameter_index(statement, name);
    if (index > 0) {
        sqlite3_bind_int64(statement, index, value);
    }
}

static void bind_value(sqlite3_stmt *statement, const char *name, sqlite3_value *value) {
    int index = sqlite3_bind_parameter_index(statement, name);
    if (index > 0) {
        sqlite3_bind_value(statement, index, value);
    }
}

/* Run one statement for the day that `dirty` stands at. */
static enum alog_status run(sqlite3 *db, sqlite3_stmt *statement, const char *table,
                            sqlite3_stmt *dirty, sqlite3_stmt *day_text, struct alog_error *error) {
    int64_t day_epoch = sqlite3_column_int64(dirty, 1);
    bind_integer(statement, ":day_epoch", day_epoch);
    bind_integer(statement, ":day_end", day_epoch + 86400);
    bind_value(statement, ":environment", sqlite3_column_value(dirty, 0));
    bind_value(statement, ":day", sqlite3_column_value(day_text, 0));
    sqlite3_step(statement);
    if (sqlite3_reset(statement) != SQLITE_OK) {
        return alog_sql_fail(db, error, table);
    }
    return ALOG_OK;
}

/* *days counts those that have something to say: not one with the writers' own events alone. */
static enum alog_status summarise_day(sqlite3 *db, struct statements *all, sqlite3_stmt *dirty,
                                      uint64_t *days, struct alog_error *error) {
    bind_integer(all->day_text, ":day_epoch", sqlite3_column_int64(dirty, 1));
    if (sqlite3_step(all->day_text) != SQLITE_ROW) {
        return alog_sql_fail(db, error, "the name of a day");
    }
    enum alog_status status = ALOG_OK;
    const struct alog_daily_table *tables = alog_daily_tables();
    for (size_t i = 0; status == ALOG_OK && i < all->count; i++) {
        status = run(db, all->erase[i], tables[i].name, dirty, all->day_text, error);
        if (status == ALOG_OK) {
            status = run(db, all->insert[i], tables[i].name, dirty, all->day_text, error);
        }
        if (status == ALOG_OK && strcmp(tables[i].name, "daily_summary") == 0) {
            *days += (uint64_t)sqlite3_changes(db);
        }
    }
    sqlite3_reset(all->day_text);
    return status;
}

static enum alog_status summarise_each(sqlite3 *db, struct statements *all, uint64_t *ret_days,
                                       struct alog_error *error) {
    sqlite3_stmt *dirty = NULL;
    enum alog_status status =
        prepare(db, "SELECT environment, day_epoch FROM dirty_days ORDER BY day_epoch, environment",
                &dirty, error);
    uint64_t days = 0;
    int step = SQLITE_DONE;
    while (status == ALOG_OK && (step = sqlite3_step(dirty)) == SQLITE_ROW) {
        status = summarise_day(db, all, dirty, &days, error);
    }
    if (status == ALOG_OK && step != SQLITE_DONE) {
        status = alog_sql_fail(db, error, "dirty_days");
    }
    sqlite3_finalize(dirty);
    if (status == ALOG_OK &&
        sqlite3_exec(db, "DELETE FROM dirty_days", NULL, NULL, NULL) != SQLITE_OK) {
        status = alog_sql_fail(db, error, "dirty_days");
    }
    if (status == ALOG_OK) {
        *ret_days = days;
    }
    return status;
}

enum alog_status alog_summarise_dirty(sqlite3 *db, uint64_t *ret_days, struct alog_error *error) {
    struct statements all = {0};
    enum alog_status status = prepare_all(db, &all, error);
    if (status == ALOG_OK) {
        status = summarise_each(db, &all, ret_days, error);
    }
    finalize_all(&all);
    return status;
}
