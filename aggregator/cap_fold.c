#include "cap_fold.h"

#include "format/error.h"
#include "levels.h"
#include "sql_error.h"

static enum alog_status no_memory(const struct alog_capping *c) {
    return alog_fail(c->error, ALOG_NO_MEMORY, 0, -1, "out of memory");
}

enum alog_status alog_cap_prepare(const struct alog_capping *c, char *sql,
                                  sqlite3_stmt **ret_statement) {
    sqlite3_stmt *statement = NULL;
    if (!sql) {
        return no_memory(c);
    }
    int result = sqlite3_prepare_v2(c->db, sql, -1, &statement, NULL);
    sqlite3_free(sql);
    if (result != SQLITE_OK) {
        return alog_sql_fail(c->db, c->error, "the cap of distinct values");
    }
    int at = sqlite3_bind_parameter_index(statement, ":env");
    if (at > 0) {
        sqlite3_bind_value(statement, at, c->environment);
    }
    at = sqlite3_bind_parameter_index(statement, ":day");
    if (at > 0) {
        sqlite3_bind_int64(statement, at, c->day_epoch);
    }
    *ret_statement = statement;
    return ALOG_OK;
}

enum alog_status alog_cap_run(const struct alog_capping *c, char *sql, int64_t *ret_value) {
    sqlite3_stmt *statement = NULL;
    enum alog_status status = alog_cap_prepare(c, sql, &statement);
    if (status != ALOG_OK) {
        return status;
    }
    if (sqlite3_step(statement) == SQLITE_ROW && ret_value) {
        *ret_value = sqlite3_column_int64(statement, 0);
    }
    return sqlite3_finalize(statement) == SQLITE_OK
               ? ALOG_OK
               : alog_sql_fail(c->db, c->error, "the cap of distinct values");
}

int64_t alog_cap_of(const struct alog_capping *c, const char *dimension) {
    return strcmp(dimension, "test_id") == 0 ? 10 * c->cap : c->cap;
}

enum alog_status alog_cap_make_dropped(const struct alog_capping *c) {
    return alog_cap_run(c,
                        sqlite3_mprintf("CREATE TEMP TABLE IF NOT EXISTS dropped"
                                        " (value TEXT PRIMARY KEY) WITHOUT ROWID"),
                        NULL);
}

enum alog_status alog_cap_fold(const struct alog_capping *c, enum alog_rollup rollup,
                               const char *dimension) {
    const struct alog_rollup_kind *kind = alog_rollup_kind(rollup);
    const bool by_day = kind->scope == ALOG_SCOPE_DAY;
    const char *epoch = by_day ? "day_epoch" : "hour_epoch";
    char of_the_day[256];
    sqlite3_snprintf(sizeof(of_the_day), of_the_day,
                     "environment = :env AND %s >= :day AND %s < :day + 86400"
                     " AND %s IN (SELECT value FROM temp.dropped)",
                     epoch, epoch, dimension);
    sqlite3_str *names = sqlite3_str_new(NULL), *merged = sqlite3_str_new(NULL);
    sqlite3_str *groups = sqlite3_str_new(NULL);
    for (unsigned i = 0; i < kind->dimension_count; i++) {
        bool capped = strcmp(kind->dimensions[i], dimension) == 0;
        sqlite3_str_appendf(names, ", %s", kind->dimensions[i]);
        sqlite3_str_appendf(merged, capped ? ", '" ALOG_OTHER_NAME "'" : ", %s",
                            kind->dimensions[i]);
        if (!capped) {
            sqlite3_str_appendf(groups, ", %s", kind->dimensions[i]);
        }
    }
    for (unsigned i = 0; i < kind->column_count; i++) {
        sqlite3_str_appendf(names, ", %s", kind->columns[i].name);
        alog_level_append_merged(merged, &kind->columns[i]);
    }
    char *columns = sqlite3_str_finish(names), *sums = sqlite3_str_finish(merged);
    char *others = sqlite3_str_finish(groups);
    enum alog_status status = columns && sums ? ALOG_OK : no_memory(c);
    if (status == ALOG_OK) {
        status = alog_cap_run(c,
                              sqlite3_mprintf("CREATE TEMP TABLE IF NOT EXISTS folded_%s_%s AS"
                                              " SELECT environment, %s%s FROM %s WHERE 0",
                                              kind->table, dimension, epoch, columns, kind->table),
                              NULL);
    }
    if (status == ALOG_OK) {
        status = alog_cap_run(c,
                              sqlite3_mprintf("INSERT INTO temp.folded_%s_%s SELECT environment,"
                                              " %s%s FROM %s WHERE %s GROUP BY %s%s",
                                              kind->table, dimension, epoch, sums, kind->table,
                                              of_the_day, epoch, others ? others : ""),
                              NULL);
    }
    if (status == ALOG_OK) {
        status = alog_cap_run(
            c, sqlite3_mprintf("DELETE FROM %s WHERE %s", kind->table, of_the_day), NULL);
    }
    if (status == ALOG_OK) {
        status = alog_cap_run(c,
                              sqlite3_mprintf("INSERT INTO %s (environment, %s%s)"
                                              " SELECT * FROM temp.folded_%s_%s",
                                              kind->table, epoch, columns, kind->table, dimension),
                              NULL);
    }
    if (status == ALOG_OK) {
        status = alog_cap_run(
            c, sqlite3_mprintf("DELETE FROM temp.folded_%s_%s", kind->table, dimension), NULL);
    }
    sqlite3_free(columns);
    sqlite3_free(sums);
    sqlite3_free(others);
    return status;
}
