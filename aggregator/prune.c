/* Retention: whole days of rows, children before parents, and their space; see agentlog/prune.h. */
#include <agentlog/prune.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "calendar.h"
#include "format/error.h"
#include "groups.h"
#include "levels.h"
#include "sql_error.h"
#include "store.h"
#include "summarise_sql.h"

#define DEFAULT_ROWS_DAYS    90u
#define DEFAULT_ROLLUPS_DAYS 400u

/* Jobs that go: they began on such a day, and nothing of them is newer. */
#define OLD_JOBS "day_epoch < :rows AND last_ns < :rows * 1000000000"

/* The day of a rollup's hour in the reporting time zone. */
#define DAY_OF_HOUR "hour_epoch - ((hour_epoch + :offset) % 86400 + 86400) % 86400"

/* What goes from a kind of table. */
static const char old_jobs[] = OLD_JOBS;
static const char old_details[] = "job IN (SELECT id FROM jobs WHERE " OLD_JOBS ")";
static const char old_hours[] = "hour_epoch < :rollups";
static const char old_days[] = "day_epoch < :summaries";

struct pruning {
    const struct alog_prune_options *options;
    sqlite3 *db;
    int64_t offset_s;
    int64_t rows_epoch, rollups_epoch, summaries_epoch; /* days before these go */
    struct alog_prune_report report;
    struct alog_error *error;
};

static enum alog_status fail(struct pruning *p, const char *doing) {
    return alog_sql_fail(p->db, p->error, doing);
}

static void bind(sqlite3_stmt *statement, const char *name, int64_t value) {
    int index = sqlite3_bind_parameter_index(statement, name);
    if (index > 0) {
        sqlite3_bind_int64(statement, index, value);
    }
}

/* Run a statement with the ages that it names; *ret_value is its first row's first column, if the
 * caller wants it. */
static enum alog_status run(struct pruning *p, const char *sql, int64_t *ret_value) {
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(p->db, sql, -1, &statement, NULL) != SQLITE_OK) {
        return fail(p, "pruning");
    }
    bind(statement, ":rows", p->rows_epoch);
    bind(statement, ":rollups", p->rollups_epoch);
    bind(statement, ":summaries", p->summaries_epoch);
    bind(statement, ":offset", p->offset_s);
    int step = sqlite3_step(statement);
    if (step == SQLITE_ROW && ret_value != NULL) {
        *ret_value = sqlite3_column_int64(statement, 0);
    }
    /* Some statements give their rows away one by one (incremental_vacuum). */
    while (step == SQLITE_ROW) {
        step = sqlite3_step(statement);
    }
    if (sqlite3_finalize(statement) != SQLITE_OK || step != SQLITE_DONE) {
        return fail(p, "pruning");
    }
    return ALOG_OK;
}

/* ---- Tables ---------------------------------------------------------------------------------- */

/* Count or delete what is old in one table, and note it. */
static enum alog_status prune_table(struct pruning *p, const char *table, const char *old) {
    char sql[320];
    int64_t rows = 0;
    sqlite3_snprintf(sizeof(sql), sql, "SELECT COUNT(*) FROM %s WHERE %s", table, old);
    enum alog_status status = run(p, sql, &rows);
    if (status == ALOG_OK && rows > 0 && !p->options->dry_run) {
        sqlite3_snprintf(sizeof(sql), sql, "DELETE FROM %s WHERE %s", table, old);
        status = run(p, sql, NULL);
    }
    struct alog_prune_report *report = &p->report;
    struct alog_pruned_table *grown =
        realloc(report->tables, (report->table_count + 1) * sizeof *grown);
    if (grown == NULL) {
        return alog_fail(p->error, ALOG_NO_MEMORY, 0, -1, "out of memory");
    }
    report->tables = grown;
    struct alog_pruned_table *entry = &grown[report->table_count++];
    entry->rows = (uint64_t)rows;
    snprintf(entry->table, sizeof entry->table, "%s", table);
    report->rows += (uint64_t)rows;
    return status;
}

static enum alog_status prune_rollups(struct pruning *p) {
    enum alog_status status = ALOG_OK;
    for (enum alog_rollup rollup = 0; status == ALOG_OK && rollup < ALOG_ROLLUP_COUNT; rollup++) {
        const struct alog_rollup_kind *kind = alog_rollup_kind(rollup);
        if (kind->scope == ALOG_SCOPE_HOUR) {
            status = prune_table(p, kind->table, old_hours);
        }
    }
    return status;
}

/* The rollups' sums by day or by month. */
static enum alog_status prune_level(struct pruning *p, enum alog_level level) {
    enum alog_status status = ALOG_OK;
    for (enum alog_rollup rollup = 0; status == ALOG_OK && rollup < ALOG_ROLLUP_COUNT; rollup++) {
        if (alog_level_wanted(rollup)) {
            char table[64];
            char old[64];
            snprintf(table, sizeof table, "%s%s", alog_rollup_kind(rollup)->table,
                     alog_level_suffix(level));
            snprintf(old, sizeof old, "%s < :summaries", alog_level_epoch(level));
            status = prune_table(p, table, old);
        }
    }
    return status;
}

static enum alog_status prune_summaries(struct pruning *p) {
    enum alog_status status = prune_level(p, ALOG_LEVEL_DAY);
    if (status == ALOG_OK) {
        status = prune_level(p, ALOG_LEVEL_MONTH);
    }
    for (enum alog_rollup rollup = 0; status == ALOG_OK && rollup < ALOG_ROLLUP_COUNT; rollup++) {
        const struct alog_rollup_kind *kind = alog_rollup_kind(rollup);
        if (kind->scope == ALOG_SCOPE_DAY) {
            status = prune_table(p, kind->table, old_days);
        }
    }
    for (const struct alog_daily_table *table = alog_daily_tables();
         status == ALOG_OK && table->name != NULL; table++) {
        status = prune_table(p, table->name, old_days);
    }
    return status;
}

/* Before anything goes: which days lose rows, and the events that the reconciliation will miss. */
static enum alog_status mark_days(struct pruning *p) {
    static const char jobs[] =
        "INSERT INTO pruned_days SELECT DISTINCT day_epoch, environment, 1, 0, 0 FROM jobs"
        " WHERE " OLD_JOBS " ON CONFLICT (day_epoch, environment) DO UPDATE SET rows_pruned = 1";
    static const char rollups[] =
        "INSERT INTO pruned_days SELECT " DAY_OF_HOUR " AS day, environment, 0, 1, SUM(events)"
        " FROM rollup_events WHERE hour_epoch < :rollups GROUP BY day, environment"
        " ON CONFLICT (day_epoch, environment) DO UPDATE SET rollups_pruned = 1,"
        " events = events + excluded.events";
    enum alog_status status = run(p, jobs, NULL);
    return status == ALOG_OK ? run(p, rollups, NULL) : status;
}

static enum alog_status prune_tables(struct pruning *p) {
    enum alog_status status = p->options->dry_run ? ALOG_OK : mark_days(p);
    if (status == ALOG_OK) {
        status = prune_table(p, "job_details", old_details);
    }
    if (status == ALOG_OK) {
        status = prune_table(p, "jobs", old_jobs);
    }
    if (status == ALOG_OK) {
        status = prune_rollups(p);
    }
    return status == ALOG_OK ? prune_summaries(p) : status;
}

/* ---- Space ----------------------------------------------------------------------------------- */

static enum alog_status measure(struct pruning *p, uint64_t *ret_bytes) {
    int64_t pages = 0;
    int64_t page_bytes = 0;
    enum alog_status status = run(p, "PRAGMA page_count", &pages);
    if (status == ALOG_OK) {
        status = run(p, "PRAGMA page_size", &page_bytes);
    }
    *ret_bytes = (uint64_t)(pages * page_bytes);
    return status;
}

/* Databases from before version 2 have to be copied once, to learn to give pages back. */
static enum alog_status give_back_space(struct pruning *p) {
    int64_t free_pages = 0;
    int64_t mode = 0;
    enum alog_status status = run(p, "PRAGMA freelist_count", &free_pages);
    if (status == ALOG_OK) {
        status = run(p, "PRAGMA auto_vacuum", &mode);
    }
    if (status != ALOG_OK || free_pages == 0) {
        return status;
    }
    if (mode == 2) {
        return run(p, "PRAGMA incremental_vacuum", NULL);
    }
    status = run(p, "PRAGMA auto_vacuum = INCREMENTAL", NULL);
    return status == ALOG_OK ? run(p, "VACUUM", NULL) : status;
}

/* ---- The call -------------------------------------------------------------------------------- */

static enum alog_status resolve(const struct alog_prune_options *given,
                                struct alog_prune_options *ret_options, struct alog_error *error) {
    struct alog_prune_options options = ALOG_PRUNE_OPTIONS_INIT;
    if (given != NULL) {
        if (given->struct_bytes < sizeof given->struct_bytes ||
            given->struct_bytes > sizeof options) {
            return alog_fail(error, ALOG_INVALID, 0, -1,
                             "struct_bytes is %zu; start from ALOG_PRUNE_OPTIONS_INIT",
                             given->struct_bytes);
        }
        memcpy(&options, given, given->struct_bytes);
    }
    if (options.keep_rows_days == 0) {
        options.keep_rows_days = DEFAULT_ROWS_DAYS;
    }
    if (options.keep_rollups_days == 0) {
        options.keep_rollups_days = options.keep_rows_days > DEFAULT_ROLLUPS_DAYS
                                        ? options.keep_rows_days
                                        : DEFAULT_ROLLUPS_DAYS;
    }
    if (options.keep_summaries_days == 0) {
        options.keep_summaries_days = ALOG_KEEP_FOREVER;
    }
    if (options.keep_rollups_days < options.keep_rows_days) {
        return alog_fail(error, ALOG_INVALID, 0, -1,
                         "rollups would be kept for %u days and the rows below them for %u: sums "
                         "stay at least as long",
                         options.keep_rollups_days, options.keep_rows_days);
    }
    if (options.keep_summaries_days < options.keep_rollups_days) {
        return alog_fail(error, ALOG_INVALID, 0, -1,
                         "summaries would be kept for %u days and the rollups below them for %u: "
                         "sums stay at least as long",
                         options.keep_summaries_days, options.keep_rollups_days);
    }
    if (!options.now_ns.present) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        options.now_ns = ALOG_I64((int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
    }
    *ret_options = options;
    return ALOG_OK;
}

bool alog_prune_options_valid(const struct alog_prune_options *options, struct alog_error *error) {
    struct alog_prune_options resolved;
    return resolve(options, &resolved, error) == ALOG_OK;
}

/* The start of the first day that is kept. */
static int64_t first_kept(const struct pruning *p, uint32_t days) {
    int64_t now_s = p->options->now_ns.value / 1000000000;
    if (days == ALOG_KEEP_FOREVER || (int64_t)days * ALOG_DAY_S > now_s) {
        return -ALOG_DAY_S; /* before every event: times are never negative */
    }
    return alog_bucket_start(now_s - (int64_t)days * ALOG_DAY_S, ALOG_DAY_S, (int32_t)p->offset_s);
}

/* Summaries go by whole months, whose sums are made of their days'. */
static enum alog_status set_ages(struct pruning *p, int32_t offset_s) {
    p->offset_s = offset_s;
    p->rows_epoch = first_kept(p, p->options->keep_rows_days);
    p->rollups_epoch = first_kept(p, p->options->keep_rollups_days);
    p->summaries_epoch = first_kept(p, p->options->keep_summaries_days);
    if (p->summaries_epoch < 0) {
        return ALOG_OK;
    }
    return run(p,
               "SELECT CAST(strftime('%s', :summaries + :offset, 'unixepoch', 'start of month') AS"
               " INTEGER) - :offset",
               &p->summaries_epoch);
}

static enum alog_status count_only(struct pruning *p, const char *db_path) {
    enum alog_status status = alog_store_open_read(db_path, &p->db, p->error);
    if (status != ALOG_OK) {
        return status;
    }
    int64_t offset_s = 0;
    status = run(p, "BEGIN", NULL);
    if (status == ALOG_OK) {
        status = run(p,
                     "SELECT CAST(value AS INTEGER) FROM settings"
                     " WHERE name = 'time_zone_offset_s'",
                     &offset_s);
    }
    if (status == ALOG_OK) {
        status = set_ages(p, (int32_t)offset_s);
    }
    if (status == ALOG_OK) {
        status = prune_tables(p);
    }
    if (status == ALOG_OK) {
        status = measure(p, &p->report.bytes_before);
    }
    p->report.bytes_after = p->report.bytes_before;
    sqlite3_close(p->db);
    return status;
}

static enum alog_status prune_store(struct pruning *p, struct alog_store *store) {
    p->db = alog_store_db(store);
    enum alog_status status = set_ages(p, alog_store_settings_of(store)->time_zone_offset_s);
    if (status == ALOG_OK) {
        status = measure(p, &p->report.bytes_before);
    }
    if (status == ALOG_OK) {
        status = alog_store_begin(store, p->error);
    }
    if (status == ALOG_OK) {
        status = prune_tables(p);
        if (status == ALOG_OK) {
            status = alog_store_commit(store, p->error);
        }
        alog_store_rollback(store);
    }
    if (status == ALOG_OK) {
        status = give_back_space(p);
    }
    return status == ALOG_OK ? measure(p, &p->report.bytes_after) : status;
}

static enum alog_status prune(struct pruning *p, const char *db_path) {
    /* Opening for writing would make a database that is not there. */
    sqlite3 *there;
    enum alog_status status = alog_store_open_read(db_path, &there, p->error);
    if (status != ALOG_OK) {
        return status;
    }
    sqlite3_close(there);
    struct alog_store *store;
    const struct alog_store_settings settings = {.dimension_cap = ALOG_DEFAULT_DIMENSION_CAP};
    status = alog_store_open(db_path, &settings, &store, p->error);
    if (status != ALOG_OK) {
        return status;
    }
    status = prune_store(p, store);
    enum alog_status closed = alog_store_close(store, status == ALOG_OK ? p->error : NULL);
    return status == ALOG_OK ? closed : status;
}

enum alog_status alog_prune(const char *db_path, const struct alog_prune_options *options,
                            struct alog_prune_report *ret_report, struct alog_error *error) {
    struct alog_prune_options resolved;
    enum alog_status status = resolve(options, &resolved, error);
    if (status != ALOG_OK) {
        return status;
    }
    struct pruning p = {.options = &resolved, .error = error};
    status = resolved.dry_run ? count_only(&p, db_path) : prune(&p, db_path);
    if (status == ALOG_OK && ret_report != NULL) {
        *ret_report = p.report;
    } else {
        free(p.report.tables);
    }
    return status;
}

void alog_prune_report_free(struct alog_prune_report *report) {
    if (report != NULL) {
        free(report->tables);
        *report = (struct alog_prune_report){0};
    }
}
