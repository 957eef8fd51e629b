#include "cap.h"

#include "format/error.h"
#include "levels.h"
#include "sql_error.h"

#define OF_THE_DAY "hour_epoch >= :day AND hour_epoch < :day + 86400"

struct capping {
    sqlite3 *db;
    int64_t cap;
    sqlite3_value *environment;
    int64_t day_epoch;
    struct alog_error *error;
};

/* Run `sql`, which is freed; *ret_value (may be NULL) is its first number. */
static enum alog_status run(const struct capping *c, char *sql, int64_t *ret_value) {
    sqlite3_stmt *statement = NULL;
    if (!sql) {
        return alog_fail(c->error, ALOG_NO_MEMORY, 0, -1, "out of memory");
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
    if (sqlite3_step(statement) == SQLITE_ROW && ret_value) {
        *ret_value = sqlite3_column_int64(statement, 0);
    }
    return sqlite3_finalize(statement) == SQLITE_OK
               ? ALOG_OK
               : alog_sql_fail(c->db, c->error, "the cap of distinct values");
}

static bool has_dimension(const struct alog_rollup_kind *kind, const char *name) {
    for (unsigned i = 0; i < kind->dimension_count; i++) {
        if (strcmp(kind->dimensions[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Rows by the day of jobs are taken back when a job's day changes: what was merged could not be. */
static bool is_capped(enum alog_rollup rollup) {
    return alog_rollup_kind(rollup)->scope == ALOG_SCOPE_HOUR;
}

/* Values with a meaning, which stay and are not counted, as a list in brackets. */
static void append_kept_names(sqlite3_str *sql, const char *dimension) {
    sqlite3_str_appendall(sql, "('" ALOG_OTHER_NAME "'");
    if (strcmp(dimension, "event") == 0) {
        size_t count;
        const struct alog_event_type *types = alog_catalogue(&count);
        for (size_t i = 0; i < count; i++) {
            sqlite3_str_appendf(sql, ", %Q", types[i].name);
        }
        sqlite3_str_appendall(sql, ", ''"); /* of a loss: not known */
    } else if (strcmp(dimension, "reason") == 0) {
        sqlite3_str_appendall(sql, ", 'gap', 'sync_failed'");
    }
    sqlite3_str_appendall(sql, ")");
}

/* The distinct values of a dimension on the day, in all tables that have it, as a subquery. */
static char *values_sql(const char *dimension) {
    sqlite3_str *sql = sqlite3_str_new(NULL);
    bool first = true;
    for (enum alog_rollup rollup = 0; rollup < ALOG_ROLLUP_COUNT; rollup++) {
        const struct alog_rollup_kind *kind = alog_rollup_kind(rollup);
        if (is_capped(rollup) && has_dimension(kind, dimension)) {
            const bool by_day = alog_level_wanted(rollup);
            sqlite3_str_appendf(sql,
                                "%sSELECT DISTINCT %s AS value FROM %s%s WHERE environment = :env"
                                " AND %s AND %s NOT IN ",
                                first ? "" : " UNION ", dimension, kind->table,
                                by_day ? "_day" : "", by_day ? "day_epoch = :day" : OF_THE_DAY,
                                dimension);
            append_kept_names(sql, dimension);
            first = false;
        }
    }
    return sqlite3_str_finish(sql);
}

/* Merge a table's rows of the day whose value is among temp.dropped. Temporary tables stay as long
 * as the connection: none can be dropped while a statement is running. */
static enum alog_status fold_table(const struct capping *c, enum alog_rollup rollup,
                                   const char *dimension) {
    const struct alog_rollup_kind *kind = alog_rollup_kind(rollup);
    char of_the_day[256];
    sqlite3_snprintf(sizeof(of_the_day), of_the_day,
                     "environment = :env AND " OF_THE_DAY
                     " AND %s IN (SELECT value FROM temp.dropped)",
                     dimension);
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
    enum alog_status status =
        columns && sums ? ALOG_OK : alog_fail(c->error, ALOG_NO_MEMORY, 0, -1, "out of memory");
    if (status == ALOG_OK) {
        status = run(c,
                     sqlite3_mprintf("CREATE TEMP TABLE IF NOT EXISTS folded_%s_%s AS"
                                     " SELECT environment, hour_epoch%s FROM %s WHERE 0",
                                     kind->table, dimension, columns, kind->table),
                     NULL);
    }
    if (status == ALOG_OK) {
        status =
            run(c,
                sqlite3_mprintf("INSERT INTO temp.folded_%s_%s SELECT environment, hour_epoch%s"
                                " FROM %s WHERE %s GROUP BY hour_epoch%s",
                                kind->table, dimension, sums, kind->table, of_the_day,
                                others ? others : ""),
                NULL);
    }
    if (status == ALOG_OK) {
        status = run(c, sqlite3_mprintf("DELETE FROM %s WHERE %s", kind->table, of_the_day), NULL);
    }
    if (status == ALOG_OK) {
        status = run(c,
                     sqlite3_mprintf("INSERT INTO %s (environment, hour_epoch%s)"
                                     " SELECT * FROM temp.folded_%s_%s",
                                     kind->table, columns, kind->table, dimension),
                     NULL);
    }
    if (status == ALOG_OK) {
        status =
            run(c, sqlite3_mprintf("DELETE FROM temp.folded_%s_%s", kind->table, dimension), NULL);
    }
    sqlite3_free(columns);
    sqlite3_free(sums);
    sqlite3_free(others);
    return status;
}

/* A suite has more tests than a fleet has agents: a day of the real data has 14,559. */
static int64_t cap_of(const struct capping *c, const char *dimension) {
    return strcmp(dimension, "test_id") == 0 ? 10 * c->cap : c->cap;
}

static enum alog_status cap_dimension(const struct capping *c, const char *dimension,
                                      bool *changed) {
    char *values = values_sql(dimension);
    if (!values) {
        return alog_fail(c->error, ALOG_NO_MEMORY, 0, -1, "out of memory");
    }
    int64_t count = 0;
    enum alog_status status = run(c, sqlite3_mprintf("SELECT COUNT(*) FROM (%s)", values), &count);
    if (status != ALOG_OK || count <= cap_of(c, dimension)) {
        sqlite3_free(values);
        return status;
    }
    *changed = true;
    status = run(c,
                 sqlite3_mprintf("CREATE TEMP TABLE IF NOT EXISTS dropped (value TEXT PRIMARY KEY)"
                                 " WITHOUT ROWID"),
                 NULL);
    if (status == ALOG_OK) {
        status = run(c,
                     sqlite3_mprintf("INSERT INTO temp.dropped SELECT value FROM (%s)"
                                     " ORDER BY digit_count(value), length(CAST(value AS BLOB)),"
                                     " value LIMIT -1 OFFSET %lld",
                                     values, (long long)cap_of(c, dimension)),
                     NULL);
    }
    sqlite3_free(values);
    if (status == ALOG_OK) {
        status = run(c, sqlite3_mprintf("INSERT INTO temp.dropped VALUES ('" ALOG_OTHER_NAME "')"),
                     NULL);
    }
    for (enum alog_rollup rollup = 0; status == ALOG_OK && rollup < ALOG_ROLLUP_COUNT; rollup++) {
        if (is_capped(rollup) && has_dimension(alog_rollup_kind(rollup), dimension)) {
            status = fold_table(c, rollup, dimension);
        }
    }
    return status == ALOG_OK ? run(c, sqlite3_mprintf("DELETE FROM temp.dropped"), NULL) : status;
}

/* Whether a table before this one has the dimension. */
static bool was_seen(enum alog_rollup rollup, const char *dimension) {
    for (enum alog_rollup before = 0; before < rollup; before++) {
        if (is_capped(before) && has_dimension(alog_rollup_kind(before), dimension)) {
            return true;
        }
    }
    return false;
}

enum alog_status alog_cap_day(sqlite3 *db, int64_t cap, sqlite3_value *environment,
                              int64_t day_epoch, bool *ret_changed, struct alog_error *error) {
    const struct capping c = {db, cap, environment, day_epoch, error};
    enum alog_status status = ALOG_OK;
    *ret_changed = false;
    for (enum alog_rollup rollup = 0; status == ALOG_OK && rollup < ALOG_ROLLUP_COUNT; rollup++) {
        const struct alog_rollup_kind *kind = alog_rollup_kind(rollup);
        for (unsigned i = 0; is_capped(rollup) && status == ALOG_OK && i < kind->dimension_count;
             i++) {
            if (!was_seen(rollup, kind->dimensions[i])) {
                status = cap_dimension(&c, kind->dimensions[i], ret_changed);
            }
        }
    }
    return status;
}
