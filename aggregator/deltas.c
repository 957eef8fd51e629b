#include "deltas.h"

#include <stdlib.h>

#include "calendar.h"
#include "deltas_internal.h"
#include "format/error.h"
#include "levels.h"
#include "sql_error.h"

/* ---- Statements ---- */

enum alog_status alog_deltas_prepare(struct alog_deltas *deltas, const char *sql,
                                     sqlite3_stmt **ret_statement) {
    if (sqlite3_prepare_v2(deltas->db, sql, -1, ret_statement, NULL) != SQLITE_OK) {
        return alog_sql_fail(deltas->db, deltas->error, "preparing the rollups");
    }
    return ALOG_OK;
}

static enum alog_status overflow(struct alog_deltas *deltas, const char *table) {
    return alog_fail(deltas->error, ALOG_CORRUPT, 0, -1,
                     "a sum in %s would leave 64 bits: the log holds absurd numbers", table);
}

enum alog_status alog_deltas_run(struct alog_deltas *deltas, sqlite3_stmt *statement,
                                 const char *table) {
    sqlite3_step(statement);
    int code = sqlite3_reset(statement);
    if (code == SQLITE_OK) {
        return ALOG_OK;
    }
    /* SQLite turns an overflowing sum into a real number, which a STRICT column refuses. */
    return sqlite3_extended_errcode(deltas->db) == SQLITE_CONSTRAINT_DATATYPE
               ? overflow(deltas, table)
               : alog_sql_fail(deltas->db, deltas->error, table);
}

void alog_deltas_bind_text(sqlite3_stmt *statement, int at, struct alog_string text) {
    if (text.data) {
        sqlite3_bind_text64(statement, at, text.data, text.len, SQLITE_STATIC, SQLITE_UTF8);
    } else {
        sqlite3_bind_null(statement, at);
    }
}

void alog_deltas_bind_name(const struct alog_deltas *deltas, sqlite3_stmt *statement, int at,
                           uint32_t name) {
    alog_deltas_bind_text(statement, at, deltas->groups->names.texts[name]);
}

enum alog_status alog_deltas_mark_day(struct alog_deltas *deltas, uint32_t environment,
                                      int64_t day_epoch) {
    if (deltas->marked_day == day_epoch && deltas->marked_environment == environment) {
        return ALOG_OK;
    }
    deltas->marked_day = day_epoch;
    deltas->marked_environment = environment;
    alog_deltas_bind_name(deltas, deltas->mark, 1, environment);
    sqlite3_bind_int64(deltas->mark, 2, day_epoch);
    return alog_deltas_run(deltas, deltas->mark, "dirty_days");
}

/* ---- Upserts ---- */

static void append_merge(sqlite3_str *sql, const struct alog_rollup_column *column) {
    const char *name = column->name;
    switch (column->merge) {
    case ALOG_MERGE_SUM:
        sqlite3_str_appendf(sql, "%s = %s + excluded.%s", name, name, name);
        break;
    case ALOG_MERGE_BITS:
        sqlite3_str_appendf(sql, "%s = %s | excluded.%s", name, name, name);
        break;
    case ALOG_MERGE_LEAST:
        sqlite3_str_appendf(sql, "%s = min(%s, excluded.%s)", name, name, name);
        break;
    case ALOG_MERGE_MOST:
        sqlite3_str_appendf(sql, "%s = max(%s, excluded.%s)", name, name, name);
        break;
    case ALOG_MERGE_HISTOGRAM:
        sqlite3_str_appendf(sql, "%s = sketch_add(%s, excluded.%s)", name, name, name);
        break;
    case ALOG_MERGE_SAMPLE:
        sqlite3_str_appendf(sql,
                            "%s = CASE WHEN excluded.first_ns < first_ns OR (excluded.first_ns ="
                            " first_ns AND excluded.%s < %s) THEN excluded.%s ELSE %s END",
                            name, name, name, name, name);
        break;
    case ALOG_MERGE_MAYBE:
    case ALOG_MERGE_START:
    case ALOG_MERGE_END:
    case ALOG_MERGE_PARTS:
        break; /* only jobs have these */
    }
}

/* `suffix`, `epoch`: the table's and its time column's, if that is not the rollup itself. */
static char *upsert_sql(const struct alog_rollup_kind *kind, const char *suffix,
                        const char *epoch) {
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendf(sql, "INSERT INTO %s%s (environment, %s", kind->table, suffix, epoch);
    for (unsigned i = 0; i < kind->dimension_count; i++) {
        sqlite3_str_appendf(sql, ", %s", kind->dimensions[i]);
    }
    for (unsigned i = 0; i < kind->column_count; i++) {
        sqlite3_str_appendf(sql, ", %s", kind->columns[i].name);
    }
    sqlite3_str_appendall(sql, ") VALUES (?, ?");
    for (unsigned i = 0; i < kind->dimension_count + kind->column_count; i++) {
        sqlite3_str_appendall(sql, ", ?");
    }
    sqlite3_str_appendall(sql, ") ON CONFLICT DO UPDATE SET ");
    for (unsigned i = 0; i < kind->column_count; i++) {
        if (i != 0) {
            sqlite3_str_appendall(sql, ", ");
        }
        append_merge(sql, &kind->columns[i]);
    }
    return sqlite3_str_finish(sql);
}

static enum alog_status bind_sketch(struct alog_deltas *deltas, sqlite3_stmt *statement, int at,
                                    const struct alog_sketch *sketch) {
    size_t bound = alog_sketch_encoded_bound(sketch);
    if (bound > deltas->byte_capacity) {
        uint8_t *bytes = realloc(deltas->bytes, bound);
        if (!bytes) {
            return alog_fail(deltas->error, ALOG_NO_MEMORY, 0, -1, "out of memory");
        }
        deltas->bytes = bytes;
        deltas->byte_capacity = bound;
    }
    size_t len = alog_sketch_encode(sketch, deltas->bytes);
    if (len == 0) {
        sqlite3_bind_zeroblob(statement, at, 0);
    } else {
        /* A row may have two: the room is used again before the statement runs. */
        sqlite3_bind_blob64(statement, at, deltas->bytes, len, SQLITE_TRANSIENT);
    }
    return ALOG_OK;
}

static enum alog_status bind_row(struct alog_deltas *deltas, sqlite3_stmt *statement,
                                 const struct alog_rollup_kind *kind,
                                 const struct alog_group *group) {
    int at = 1;
    alog_deltas_bind_name(deltas, statement, at++, group->key.environment);
    if (kind->scope == ALOG_SCOPE_JOB) {
        alog_deltas_bind_text(statement, at++, deltas->groups->jobs.texts[group->key.job]);
    } else {
        sqlite3_bind_int64(statement, at++, group->key.hour_epoch);
    }
    for (unsigned i = 0; i < kind->dimension_count; i++) {
        alog_deltas_bind_name(deltas, statement, at++, group->key.dimensions[i]);
    }
    enum alog_status status = ALOG_OK;
    for (unsigned i = 0; status == ALOG_OK && i < kind->column_count; i++, at++) {
        const void *value = (const char *)group->row + kind->columns[i].offset;
        if (kind->columns[i].merge == ALOG_MERGE_HISTOGRAM) {
            status = bind_sketch(deltas, statement, at, value);
        } else if (kind->columns[i].merge == ALOG_MERGE_SAMPLE) {
            alog_deltas_bind_text(statement, at,
                                  alog_sample_text(*(const struct alog_sample *const *)value));
        } else {
            sqlite3_bind_int64(statement, at, *(const int64_t *)value);
        }
    }
    return status;
}

static enum alog_status upsert_table(struct alog_deltas *deltas,
                                     const struct alog_rollup_kind *kind,
                                     struct alog_group **sorted, uint32_t count) {
    char *sql = upsert_sql(kind, "", kind->scope == ALOG_SCOPE_DAY ? "day_epoch" : "hour_epoch");
    sqlite3_stmt *upsert = NULL;
    enum alog_status status = sql ? alog_deltas_prepare(deltas, sql, &upsert) : ALOG_NO_MEMORY;
    for (uint32_t i = 0; status == ALOG_OK && i < count; i++) {
        if (kind->scope == ALOG_SCOPE_HOUR &&
            sorted[i]->key.hour_epoch >= deltas->before_hour_epoch) {
            continue;
        }
        status = bind_row(deltas, upsert, kind, sorted[i]);
        if (status == ALOG_OK) {
            status = alog_deltas_run(deltas, upsert, kind->table);
        }
        if (status == ALOG_OK && kind->scope == ALOG_SCOPE_DAY) {
            status =
                alog_deltas_mark_day(deltas, sorted[i]->key.environment, sorted[i]->key.hour_epoch);
        }
        if (status == ALOG_OK && kind->scope == ALOG_SCOPE_HOUR) {
            int64_t day = alog_bucket_start(sorted[i]->key.hour_epoch, ALOG_DAY_S,
                                            deltas->time_zone_offset_s);
            status = alog_deltas_mark_day(deltas, sorted[i]->key.environment, day);
        }
    }
    sqlite3_finalize(upsert);
    sqlite3_free(sql);
    return status;
}

static enum alog_status write_table(struct alog_deltas *deltas, enum alog_rollup rollup,
                                    const struct alog_group_ranks *ranks) {
    uint32_t count = deltas->groups->tables[rollup].count;
    if (count == 0) {
        return ALOG_OK;
    }
    struct alog_group **sorted;
    enum alog_status status = alog_groups_sort(deltas->groups, rollup, ranks, &sorted);
    if (status != ALOG_OK) {
        return alog_fail(deltas->error, status, 0, -1, "out of memory");
    }
    status = rollup == ALOG_IN_jobs ? alog_deltas_write_jobs(deltas, sorted, count)
                                    : upsert_table(deltas, alog_rollup_kind(rollup), sorted, count);
    free(sorted);
    return status;
}

enum alog_status alog_deltas_write(sqlite3 *db, struct alog_groups *groups,
                                   int64_t before_hour_epoch, int32_t time_zone_offset_s,
                                   struct alog_error *error) {
    struct alog_deltas deltas = {.db = db,
                                 .groups = groups,
                                 .before_hour_epoch = before_hour_epoch,
                                 .time_zone_offset_s = time_zone_offset_s,
                                 .marked_environment = ALOG_NAME_NONE,
                                 .error = error};
    struct alog_group_ranks ranks = {NULL, NULL};
    enum alog_status status = alog_deltas_prepare(
        &deltas, "INSERT OR IGNORE INTO dirty_days VALUES (?, ?)", &deltas.mark);
    if (status == ALOG_OK && (alog_names_rank(&groups->names, &ranks.names) != ALOG_OK ||
                              alog_names_rank(&groups->jobs, &ranks.jobs) != ALOG_OK)) {
        status = alog_fail(error, ALOG_NO_MEMORY, 0, -1, "out of memory");
    }
    uint32_t ranked = groups->names.count;
    for (enum alog_rollup rollup = 0; status == ALOG_OK && rollup < ALOG_ROLLUP_COUNT; rollup++) {
        if (groups->names.count != ranked) { /* jobs that the database knew had other names */
            free(ranks.names);
            ranks.names = NULL;
            status = alog_names_rank(&groups->names, &ranks.names);
            ranked = groups->names.count;
        }
        deltas.name_ranks = ranks.names;
        deltas.ranked_names = ranked;
        status = status == ALOG_OK ? write_table(&deltas, rollup, &ranks)
                                   : alog_fail(error, ALOG_NO_MEMORY, 0, -1, "out of memory");
    }
    if (status == ALOG_OK && groups->overflow) {
        status = overflow(&deltas, "the rollups");
    }
    free(ranks.names);
    free(ranks.jobs);
    free(deltas.bytes);
    sqlite3_finalize(deltas.mark);
    alog_groups_free(groups);
    return status;
}

/* ---- Days ---- */

/* The rows of one table by day, which has none of these yet. */
static enum alog_status insert_days(struct alog_deltas *deltas, enum alog_rollup rollup,
                                    const struct alog_group_ranks *ranks) {
    const struct alog_rollup_kind *kind = alog_rollup_kind(rollup);
    const uint32_t count = deltas->groups->tables[rollup].count;
    char *sql =
        upsert_sql(kind, alog_level_suffix(ALOG_LEVEL_DAY), alog_level_epoch(ALOG_LEVEL_DAY));
    sqlite3_stmt *insert = NULL;
    struct alog_group **sorted = NULL;
    enum alog_status status = sql ? alog_deltas_prepare(deltas, sql, &insert) : ALOG_NO_MEMORY;
    if (status == ALOG_OK) {
        status = alog_groups_sort(deltas->groups, rollup, ranks, &sorted);
    }
    for (uint32_t i = 0; status == ALOG_OK && i < count; i++) {
        status = bind_row(deltas, insert, kind, sorted[i]);
        if (status == ALOG_OK) {
            status = alog_deltas_run(deltas, insert, kind->table);
        }
    }
    free(sorted);
    sqlite3_finalize(insert);
    sqlite3_free(sql);
    return status;
}

enum alog_status alog_deltas_insert_days(sqlite3 *db, struct alog_groups *days,
                                         struct alog_error *error) {
    struct alog_deltas deltas = {.db = db, .groups = days, .error = error};
    struct alog_group_ranks ranks = {NULL, NULL};
    enum alog_status status = alog_names_rank(&days->names, &ranks.names);
    for (enum alog_rollup rollup = 0; status == ALOG_OK && rollup < ALOG_ROLLUP_COUNT; rollup++) {
        if (alog_level_wanted(rollup) && days->tables[rollup].count != 0) {
            status = insert_days(&deltas, rollup, &ranks);
        }
    }
    if (status == ALOG_NO_MEMORY) {
        alog_fail(error, status, 0, -1, "out of memory");
    } else if (status == ALOG_OK && days->overflow) {
        status = overflow(&deltas, "the sums by day");
    }
    free(ranks.names);
    free(deltas.bytes);
    return status;
}

/* ---- SQL function ---- */

static void sketch_add(sqlite3_context *context, int count, sqlite3_value **values) {
    struct alog_sketch sum = {0};
    enum alog_status status = ALOG_OK;
    for (int i = 0; status == ALOG_OK && i < count; i++) {
        const void *bytes = sqlite3_value_blob(values[i]);
        status = alog_sketch_merge_bytes(&sum, bytes, (size_t)sqlite3_value_bytes(values[i]), NULL);
    }
    uint8_t *bytes = NULL;
    if (status == ALOG_OK) {
        bytes = sqlite3_malloc64(alog_sketch_encoded_bound(&sum));
        status = bytes ? ALOG_OK : ALOG_NO_MEMORY;
    }
    if (status == ALOG_OK) {
        size_t len = alog_sketch_encode(&sum, bytes);
        sqlite3_result_blob64(context, bytes, len, sqlite3_free);
    } else if (status == ALOG_NO_MEMORY) {
        sqlite3_result_error_nomem(context);
    } else {
        sqlite3_result_error(context, "a latency sketch in the database cannot be read", -1);
    }
    alog_sketch_free(&sum);
}

enum alog_status alog_deltas_register(sqlite3 *db, struct alog_error *error) {
    if (sqlite3_create_function_v2(db, "sketch_add", 2,
                                   SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
                                   sketch_add, NULL, NULL, NULL) != SQLITE_OK) {
        return alog_sql_fail(db, error, "registering SQL functions");
    }
    return ALOG_OK;
}
