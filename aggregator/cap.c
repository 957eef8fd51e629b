#include "cap.h"

#include "cap_fold.h"
#include "format/error.h"
#include "levels.h"

static bool has_dimension(const struct alog_rollup_kind *kind, const char *name) {
    for (unsigned i = 0; i < kind->dimension_count; i++) {
        if (strcmp(kind->dimensions[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_hourly(enum alog_rollup rollup) {
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
        if (is_hourly(rollup) && has_dimension(kind, dimension)) {
            const bool by_day = alog_level_wanted(rollup);
            sqlite3_str_appendf(
                sql,
                "%sSELECT DISTINCT %s AS value FROM %s%s WHERE environment = :env"
                " AND %s AND %s NOT IN ",
                first ? "" : " UNION ", dimension, kind->table, by_day ? "_day" : "",
                by_day ? "day_epoch = :day" : "hour_epoch >= :day AND hour_epoch < :day + 86400",
                dimension);
            append_kept_names(sql, dimension);
            first = false;
        }
    }
    return sqlite3_str_finish(sql);
}

static enum alog_status cap_dimension(const struct alog_capping *c, const char *dimension,
                                      bool *changed) {
    char *values = values_sql(dimension);
    if (!values) {
        return alog_fail(c->error, ALOG_NO_MEMORY, 0, -1, "out of memory");
    }
    int64_t count = 0;
    enum alog_status status =
        alog_cap_run(c, sqlite3_mprintf("SELECT COUNT(*) FROM (%s)", values), &count);
    if (status != ALOG_OK || count <= alog_cap_of(c, dimension)) {
        sqlite3_free(values);
        return status;
    }
    *changed = true;
    status = alog_cap_make_dropped(c);
    if (status == ALOG_OK) {
        status = alog_cap_run(c,
                              sqlite3_mprintf("INSERT INTO temp.dropped SELECT value FROM (%s)" //
                                              ALOG_CAP_ORDER("value") " LIMIT -1 OFFSET %lld",
                                              values, (long long)alog_cap_of(c, dimension)),
                              NULL);
    }
    sqlite3_free(values);
    if (status == ALOG_OK) {
        status = alog_cap_run(
            c, sqlite3_mprintf("INSERT INTO temp.dropped VALUES ('" ALOG_OTHER_NAME "')"), NULL);
    }
    for (enum alog_rollup rollup = 0; status == ALOG_OK && rollup < ALOG_ROLLUP_COUNT; rollup++) {
        if (is_hourly(rollup) && has_dimension(alog_rollup_kind(rollup), dimension)) {
            status = alog_cap_fold(c, rollup, dimension);
        }
    }
    return status == ALOG_OK ? alog_cap_run(c, sqlite3_mprintf("DELETE FROM temp.dropped"), NULL)
                             : status;
}

/* Whether a table before this one has the dimension. */
static bool was_seen(enum alog_rollup rollup, const char *dimension) {
    for (enum alog_rollup before = 0; before < rollup; before++) {
        if (is_hourly(before) && has_dimension(alog_rollup_kind(before), dimension)) {
            return true;
        }
    }
    return false;
}

enum alog_status alog_cap_day(sqlite3 *db, int64_t cap, sqlite3_value *environment,
                              int64_t day_epoch, bool *ret_changed, struct alog_error *error) {
    const struct alog_capping c = {db, cap, environment, day_epoch, error};
    enum alog_status status = ALOG_OK;
    *ret_changed = false;
    for (enum alog_rollup rollup = 0; status == ALOG_OK && rollup < ALOG_ROLLUP_COUNT; rollup++) {
        const struct alog_rollup_kind *kind = alog_rollup_kind(rollup);
        for (unsigned i = 0; is_hourly(rollup) && status == ALOG_OK && i < kind->dimension_count;
             i++) {
            if (!was_seen(rollup, kind->dimensions[i])) {
                status = cap_dimension(&c, kind->dimensions[i], ret_changed);
            }
        }
    }
    return status;
}
