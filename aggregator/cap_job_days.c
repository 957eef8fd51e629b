#include "cap_job_days.h"

#include "cap_fold.h"
#include "deltas.h"
#include "format/error.h"
#include "sql_error.h"

/* So many jobs are counted again at a time, for the names that they have are in memory. */
#define JOBS_AT_A_TIME 10000

/* ---- Counting all jobs of the day again ---- */

static enum alog_status erase_day(const struct alog_capping *c) {
    enum alog_status status = ALOG_OK;
    for (enum alog_rollup rollup = 0; status == ALOG_OK && rollup < ALOG_ROLLUP_COUNT; rollup++) {
        const struct alog_rollup_kind *kind = alog_rollup_kind(rollup);
        if (kind->scope == ALOG_SCOPE_DAY) {
            status = alog_cap_run(
                c,
                sqlite3_mprintf("DELETE FROM %s WHERE environment = :env AND day_epoch = :day",
                                kind->table),
                NULL);
        }
    }
    return status;
}

static enum alog_status count_again(const struct alog_capping *c) {
    sqlite3_stmt *ids = NULL;
    struct alog_groups groups = {0};
    bool done = false;
    enum alog_status status = erase_day(c);
    if (status == ALOG_OK) {
        status = alog_cap_prepare(c,
                                  sqlite3_mprintf("SELECT environment, job_id FROM jobs"
                                                  " WHERE day_epoch = :day AND environment = :env"),
                                  &ids);
    }
    while (status == ALOG_OK && !done) {
        status = alog_deltas_count_jobs(c->db, ids, 1, JOBS_AT_A_TIME, &groups, &done, c->error);
        if (status == ALOG_OK) {
            /* Sums by day alone, which need no time zone. */
            status = alog_deltas_write(c->db, &groups, INT64_MAX, 0, c->error);
        }
    }
    alog_groups_free(&groups);
    sqlite3_finalize(ids);
    return status;
}

/* ---- Which values stay ---- */

/* What there is of a dimension. */
struct present {
    int64_t values; /* different ones, but _OTHER; also those that nothing is left of */
    bool other;     /* there is a row of _OTHER: of the rest some names are not known */
};

static enum alog_status look(const struct alog_capping *c, const struct alog_rollup_kind *kind,
                             const char *dimension, struct present *ret) {
    sqlite3_stmt *row;
    enum alog_status status = alog_cap_prepare(
        c,
        sqlite3_mprintf("SELECT COUNT(DISTINCT %s) FILTER (WHERE %s <> '" ALOG_OTHER_NAME "'),"
                        " COALESCE(MAX(%s = '" ALOG_OTHER_NAME "'), 0) FROM %s"
                        " WHERE environment = :env AND day_epoch = :day",
                        dimension, dimension, dimension, kind->table),
        &row);
    if (status != ALOG_OK) {
        return status;
    }
    if (sqlite3_step(row) == SQLITE_ROW) {
        *ret = (struct present){sqlite3_column_int64(row, 0), sqlite3_column_int(row, 1) != 0};
    }
    return sqlite3_finalize(row) == SQLITE_OK
               ? ALOG_OK
               : alog_sql_fail(c->db, c->error, "the cap of distinct values");
}

/*
 * Put all values behind the first `cap` into temp.dropped. *ret_short: there are fewer, or one of
 * those that came first is gone, so that who comes next may be within _OTHER.
 */
static enum alog_status drop(const struct alog_capping *c, const struct alog_rollup_kind *kind,
                             const char *dimension, bool *ret_short) {
    sqlite3_stmt *values = NULL, *insert = NULL;
    int64_t kept = 0;
    int step = SQLITE_DONE;
    *ret_short = false;
    enum alog_status status =
        alog_cap_prepare(c, sqlite3_mprintf("INSERT INTO temp.dropped VALUES (?)"), &insert);
    if (status == ALOG_OK) { /* a table's first sum is how many there are */
        status = alog_cap_prepare(
            c,
            sqlite3_mprintf("SELECT value, n FROM (SELECT %s AS value, SUM(%s) AS n FROM %s"
                            " WHERE environment = :env AND day_epoch = :day AND %s <>"
                            " '" ALOG_OTHER_NAME "' GROUP BY %s)" ALOG_CAP_ORDER("value"),
                            dimension, kind->columns[0].name, kind->table, dimension, dimension),
            &values);
    }
    while (status == ALOG_OK && (step = sqlite3_step(values)) == SQLITE_ROW) {
        if (kept < alog_cap_of(c, dimension)) {
            const bool gone = sqlite3_column_int64(values, 1) == 0;
            *ret_short |= gone;
            kept += !gone;
            continue;
        }
        sqlite3_bind_value(insert, 1, sqlite3_column_value(values, 0));
        sqlite3_step(insert);
        if (sqlite3_reset(insert) != SQLITE_OK) {
            status = alog_sql_fail(c->db, c->error, "the cap of distinct values");
        }
    }
    if (status == ALOG_OK && step != SQLITE_DONE) {
        status = alog_sql_fail(c->db, c->error, "the cap of distinct values");
    }
    *ret_short |= kept < alog_cap_of(c, dimension);
    sqlite3_finalize(values);
    sqlite3_finalize(insert);
    return status;
}

/* *ret_short: nothing was merged, since the jobs have to be counted again. */
static enum alog_status cap_dimension(const struct alog_capping *c, enum alog_rollup rollup,
                                      const char *dimension, bool whole, bool *ret_short) {
    const struct alog_rollup_kind *kind = alog_rollup_kind(rollup);
    struct present present = {0, false};
    bool is_short = false;
    enum alog_status status = look(c, kind, dimension, &present);
    if (status != ALOG_OK ||
        (present.values <= alog_cap_of(c, dimension) && (whole || !present.other))) {
        return status;
    }
    status = alog_cap_make_dropped(c);
    if (status == ALOG_OK) {
        status = drop(c, kind, dimension, &is_short);
    }
    *ret_short = is_short && present.other && !whole;
    if (status == ALOG_OK && !*ret_short) {
        status = alog_cap_run(
            c, sqlite3_mprintf("INSERT INTO temp.dropped VALUES ('" ALOG_OTHER_NAME "')"), NULL);
        if (status == ALOG_OK) {
            status = alog_cap_fold(c, rollup, dimension);
        }
    }
    return status == ALOG_OK ? alog_cap_run(c, sqlite3_mprintf("DELETE FROM temp.dropped"), NULL)
                             : status;
}

/* `whole`: the rows are those of all jobs, and _OTHER is a name like others. */
static enum alog_status cap_all(const struct alog_capping *c, bool whole, bool *ret_short) {
    enum alog_status status = ALOG_OK;
    *ret_short = false;
    for (enum alog_rollup rollup = 0; rollup < ALOG_ROLLUP_COUNT; rollup++) {
        const struct alog_rollup_kind *kind = alog_rollup_kind(rollup);
        for (unsigned i = 0; kind->scope == ALOG_SCOPE_DAY && i < kind->dimension_count; i++) {
            if (status == ALOG_OK && !*ret_short) {
                status = cap_dimension(c, rollup, kind->dimensions[i], whole, ret_short);
            }
        }
    }
    return status;
}

enum alog_status alog_cap_job_days(sqlite3 *db, int64_t cap, sqlite3_value *environment,
                                   int64_t day_epoch, struct alog_error *error) {
    const struct alog_capping c = {db, cap, environment, day_epoch, error};
    bool is_short;
    enum alog_status status = cap_all(&c, false, &is_short);
    if (status == ALOG_OK && is_short) {
        status = count_again(&c);
        if (status == ALOG_OK) {
            status = cap_all(&c, true, &is_short);
        }
    }
    return status;
}
