#include "summarise.h"

#include "calendar.h"
#include "cap.h"
#include "cap_job_days.h"
#include "format/error.h"
#include "levels.h"
#include "sql_error.h"
#include "summarise_sql.h"

#define MAX_DAILY_TABLES 16

/* What makes the rows of one table anew. */
struct maker {
    sqlite3_stmt *erase, *insert;
    const char *table;
};

/* The makers, in the order in which they run: levels of a day, what is swept, daily tables, levels
 * of a month. */
struct statements {
    sqlite3_stmt *day_text;
    struct maker days[ALOG_ROLLUP_COUNT];
    size_t day_count;
    struct maker swept[3]; /* erased only: rows that no job is behind any more */
    size_t swept_count;
    struct maker tables[MAX_DAILY_TABLES];
    size_t table_count;
    struct maker months[ALOG_ROLLUP_COUNT];
    size_t month_count;
    int64_t time_zone_offset_s, dimension_cap, summed_from_day_epoch;
};

static enum alog_status prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_statement,
                                struct alog_error *error) {
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_statement, NULL) !=
        SQLITE_OK) {
        return alog_sql_fail(db, error, "preparing the daily tables");
    }
    return ALOG_OK;
}

static enum alog_status prepare_levels(sqlite3 *db, enum alog_level level, struct maker *makers,
                                       size_t *count, struct alog_error *error) {
    enum alog_status status = ALOG_OK;
    for (enum alog_rollup rollup = 0; status == ALOG_OK && rollup < ALOG_ROLLUP_COUNT; rollup++) {
        if (!alog_level_wanted(rollup)) {
            continue;
        }
        struct maker *maker = &makers[(*count)++];
        maker->table = alog_rollup_kind(rollup)->table;
        char *erase = alog_level_erase_sql(rollup, level);
        char *insert = alog_level_insert_sql(rollup, level);
        status = erase && insert ? prepare(db, erase, &maker->erase, error)
                                 : alog_fail(error, ALOG_NO_MEMORY, 0, -1, "out of memory");
        if (status == ALOG_OK) {
            status = prepare(db, insert, &maker->insert, error);
        }
        sqlite3_free(erase);
        sqlite3_free(insert);
    }
    return status;
}

static enum alog_status prepare_tables(sqlite3 *db, struct statements *all,
                                       struct alog_error *error) {
    enum alog_status status = ALOG_OK;
    const struct alog_daily_table *table = alog_daily_tables();
    for (; status == ALOG_OK && table->name != NULL; table++) {
        char erase[128];
        struct maker *maker = &all->tables[all->table_count++];
        maker->table = table->name;
        sqlite3_snprintf(sizeof(erase), erase,
                         "DELETE FROM %s WHERE day_epoch = :bucket"
                         " AND environment = :env",
                         table->name);
        status = prepare(db, erase, &maker->erase, error);
        if (status == ALOG_OK) {
            status = prepare(db, table->insert, &maker->insert, error);
        }
    }
    return status;
}

static enum alog_status prepare_swept(sqlite3 *db, struct statements *all,
                                      struct alog_error *error) {
    static const char *const sql[] = {
        "DELETE FROM rollup_jobs WHERE environment = :env AND day_epoch = :bucket AND seen = 0",
        "DELETE FROM rollup_attempts WHERE environment = :env AND day_epoch = :bucket"
        " AND operations = 0",
        "DELETE FROM rollup_strategy_jobs WHERE environment = :env"
        " AND day_epoch = :bucket AND jobs = 0"};
    enum alog_status status = ALOG_OK;
    for (size_t i = 0; status == ALOG_OK && i < sizeof(sql) / sizeof(sql[0]); i++) {
        struct maker *maker = &all->swept[all->swept_count++];
        maker->table = "what jobs say of their days";
        status = prepare(db, sql[i], &maker->erase, error);
    }
    return status;
}

/* A setting that is a number. */
static enum alog_status read_setting(sqlite3 *db, const char *name, int64_t *ret_value,
                                     struct alog_error *error) {
    sqlite3_stmt *statement = NULL;
    enum alog_status status = prepare(
        db, "SELECT CAST(value AS INTEGER) FROM settings WHERE name = ?", &statement, error);
    if (status == ALOG_OK &&
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        *ret_value = sqlite3_column_int64(statement, 0);
    }
    return sqlite3_finalize(statement) == SQLITE_OK ? status : alog_sql_fail(db, error, "settings");
}

static enum alog_status prepare_all(sqlite3 *db, struct statements *all, struct alog_error *error) {
    enum alog_status status =
        read_setting(db, "time_zone_offset_s", &all->time_zone_offset_s, error);
    if (status == ALOG_OK) {
        status = read_setting(db, "dimension_cap", &all->dimension_cap, error);
    }
    if (status == ALOG_OK) {
        status = prepare(db, "SELECT strftime('%Y-%m-%d', :local_epoch, 'unixepoch')",
                         &all->day_text, error);
    }
    if (status == ALOG_OK) {
        status = prepare_levels(db, ALOG_LEVEL_DAY, all->days, &all->day_count, error);
    }
    if (status == ALOG_OK) {
        status = prepare_swept(db, all, error);
    }
    if (status == ALOG_OK) {
        status = prepare_tables(db, all, error);
    }
    if (status == ALOG_OK) {
        status = prepare_levels(db, ALOG_LEVEL_MONTH, all->months, &all->month_count, error);
    }
    return status;
}

static void finalize_makers(struct maker *makers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        sqlite3_finalize(makers[i].erase);
        sqlite3_finalize(makers[i].insert);
    }
}

static void finalize_all(struct statements *all) {
    sqlite3_finalize(all->day_text);
    finalize_makers(all->days, all->day_count);
    finalize_makers(all->swept, all->swept_count);
    finalize_makers(all->tables, all->table_count);
    finalize_makers(all->months, all->month_count);
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

/* A day or a month of an environment, as the statements want to have it. */
struct bucket {
    sqlite3_value *environment;
    sqlite3_value *day_text; /* NULL: a month */
    int64_t start_s, end_s;
};

static enum alog_status run(sqlite3 *db, sqlite3_stmt *statement, const char *table,
                            const struct bucket *bucket, struct alog_error *error) {
    bind_value(statement, ":env", bucket->environment);
    bind_integer(statement, ":bucket", bucket->start_s);
    bind_integer(statement, ":bucket_end", bucket->end_s);
    if (bucket->day_text) {
        bind_value(statement, ":day", bucket->day_text);
    }
    sqlite3_step(statement);
    if (sqlite3_reset(statement) != SQLITE_OK) {
        return alog_sql_fail(db, error, table);
    }
    return ALOG_OK;
}

static enum alog_status make(sqlite3 *db, const struct maker *makers, size_t count,
                             const struct bucket *bucket, uint64_t *summaries,
                             struct alog_error *error) {
    enum alog_status status = ALOG_OK;
    for (size_t i = 0; status == ALOG_OK && i < count; i++) {
        status = run(db, makers[i].erase, makers[i].table, bucket, error);
        if (status == ALOG_OK && makers[i].insert) {
            status = run(db, makers[i].insert, makers[i].table, bucket, error);
        }
        if (status == ALOG_OK && strcmp(makers[i].table, "daily_summary") == 0) {
            *summaries += (uint64_t)sqlite3_changes(db);
        }
    }
    return status;
}

/* *days counts those that have something to say: not one with the writers' own events alone. */
static enum alog_status summarise_day(sqlite3 *db, struct statements *all, sqlite3_stmt *dirty,
                                      uint64_t *days, struct alog_error *error) {
    int64_t day_epoch = sqlite3_column_int64(dirty, 1);
    bind_integer(all->day_text, ":local_epoch", day_epoch + all->time_zone_offset_s);
    if (sqlite3_step(all->day_text) != SQLITE_ROW) {
        return alog_sql_fail(db, error, "the name of a day");
    }
    struct bucket bucket = {.environment = sqlite3_column_value(dirty, 0),
                            .day_text = sqlite3_column_value(all->day_text, 0),
                            .start_s = day_epoch,
                            .end_s = day_epoch + ALOG_DAY_S};
    enum alog_status status = ALOG_OK;
    if (day_epoch < all->summed_from_day_epoch) {
        status = make(db, all->days, all->day_count, &bucket, days, error);
    }
    bool capped = false;
    if (status == ALOG_OK) {
        status =
            alog_cap_day(db, all->dimension_cap, bucket.environment, day_epoch, &capped, error);
    }
    if (status == ALOG_OK && capped) {
        status = make(db, all->days, all->day_count, &bucket, days, error);
    }
    if (status == ALOG_OK) {
        status = alog_cap_job_days(db, all->dimension_cap, bucket.environment, day_epoch, error);
    }
    if (status == ALOG_OK) {
        status = make(db, all->swept, all->swept_count, &bucket, days, error);
    }
    if (status == ALOG_OK) {
        status = make(db, all->tables, all->table_count, &bucket, days, error);
    }
    sqlite3_reset(all->day_text);
    return status;
}

static enum alog_status summarise_days(sqlite3 *db, struct statements *all, uint64_t *days,
                                       struct alog_error *error) {
    sqlite3_stmt *dirty = NULL;
    enum alog_status status =
        prepare(db,
                "SELECT environment, day_epoch FROM dirty_days WHERE (day_epoch, environment)"
                " NOT IN (SELECT day_epoch, environment FROM pruned_days)"
                " ORDER BY day_epoch, environment",
                &dirty, error);
    int step = SQLITE_DONE;
    while (status == ALOG_OK && (step = sqlite3_step(dirty)) == SQLITE_ROW) {
        status = summarise_day(db, all, dirty, days, error);
    }
    if (status == ALOG_OK && step != SQLITE_DONE) {
        status = alog_sql_fail(db, error, "dirty_days");
    }
    sqlite3_finalize(dirty);
    return status;
}

/* The months that those days are in, each once. */
static enum alog_status summarise_months(sqlite3 *db, struct statements *all,
                                         struct alog_error *error) {
    sqlite3_stmt *dirty = NULL;
    uint64_t ignored = 0;
    enum alog_status status =
        prepare(db, "SELECT environment, day_epoch FROM dirty_days ORDER BY environment, day_epoch",
                &dirty, error);
    struct alog_names environments = {0};
    uint32_t last_environment = ALOG_NAME_NONE;
    int64_t done_until_s = INT64_MIN;
    int step = SQLITE_DONE;
    while (status == ALOG_OK && (step = sqlite3_step(dirty)) == SQLITE_ROW) {
        struct alog_string text = {(const char *)sqlite3_column_text(dirty, 0),
                                   (size_t)sqlite3_column_bytes(dirty, 0)};
        uint32_t environment = text.data ? alog_names_add(&environments, text) : ALOG_NAME_NONE;
        int64_t day_epoch = sqlite3_column_int64(dirty, 1);
        if (environment == ALOG_NAME_NONE) {
            status = alog_fail(error, ALOG_NO_MEMORY, 0, -1, "out of memory");
        } else if (environment != last_environment || day_epoch >= done_until_s) {
            struct bucket bucket = {
                .environment = sqlite3_column_value(dirty, 0),
                .start_s = alog_month_start(day_epoch, 0, (int32_t)all->time_zone_offset_s),
                .end_s = alog_month_start(day_epoch, 1, (int32_t)all->time_zone_offset_s)};
            status = make(db, all->months, all->month_count, &bucket, &ignored, error);
            last_environment = environment;
            done_until_s = bucket.end_s;
        }
    }
    if (status == ALOG_OK && step != SQLITE_DONE) {
        status = alog_sql_fail(db, error, "dirty_days");
    }
    sqlite3_finalize(dirty);
    alog_names_free(&environments);
    return status;
}

static enum alog_status summarise_each(sqlite3 *db, struct statements *all, uint64_t *ret_days,
                                       struct alog_error *error) {
    uint64_t days = 0;
    enum alog_status status = summarise_days(db, all, &days, error);
    if (status == ALOG_OK) {
        status = summarise_months(db, all, error);
    }
    if (status == ALOG_OK &&
        sqlite3_exec(db, "DELETE FROM dirty_days", NULL, NULL, NULL) != SQLITE_OK) {
        status = alog_sql_fail(db, error, "dirty_days");
    }
    if (status == ALOG_OK) {
        *ret_days = days;
    }
    return status;
}

enum alog_status alog_summarise_dirty(sqlite3 *db, int64_t summed_from_day_epoch,
                                      uint64_t *ret_days, struct alog_error *error) {
    struct statements all = {.summed_from_day_epoch = summed_from_day_epoch};
    enum alog_status status = prepare_all(db, &all, error);
    if (status == ALOG_OK) {
        status = summarise_each(db, &all, ret_days, error);
    }
    finalize_all(&all);
    return status;
}
