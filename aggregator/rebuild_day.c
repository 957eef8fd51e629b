#include "rebuild_day.h"

#include <stdlib.h>

#include "calendar.h"
#include "deltas.h"
#include "format/error.h"
#include "sql_error.h"

struct day_run {
    struct alog_store *store;
    sqlite3 *db;
    const struct alog_ingest_setup *setup;
    struct alog_ingest_report *report;
    struct alog_error *error;
    struct alog_ingest_list list;
    int64_t from_epoch_s, until_epoch_s;
    struct alog_fold_scope scope;
    struct alog_fold_pool *pool;
    struct alog_groups groups;
    struct alog_names jobs;        /* ids of the jobs to be added up again */
    uint64_t *job_hashes;          /* their hashes in the blocks' Bloom filters */
    struct alog_names segment_ids; /* of the segments that were found */
    uint64_t done_bytes, total_bytes;
};

static enum alog_status no_memory(struct day_run *run) {
    return alog_fail(run->error, ALOG_NO_MEMORY, 0, -1, "out of memory, or of threads");
}

/* Run statements with ?1 = the day's start and ?2 = its end. */
static enum alog_status run_sql(struct day_run *run, const char *sql) {
    while (*sql != '\0') {
        sqlite3_stmt *statement = NULL;
        if (sqlite3_prepare_v2(run->db, sql, -1, &statement, &sql) != SQLITE_OK) {
            return alog_sql_fail(run->db, run->error, "rebuilding a day");
        }
        if (sqlite3_bind_parameter_count(statement) >= 1) {
            sqlite3_bind_int64(statement, 1, run->from_epoch_s);
        }
        if (sqlite3_bind_parameter_count(statement) >= 2) {
            sqlite3_bind_int64(statement, 2, run->until_epoch_s);
        }
        sqlite3_step(statement);
        if (sqlite3_finalize(statement) != SQLITE_OK) {
            return alog_sql_fail(run->db, run->error, "rebuilding a day");
        }
    }
    return ALOG_OK;
}

/* ---- Which blocks ---- */

static bool touches_day(void *context, const struct alog_block_facts *facts) {
    const struct day_run *run = context;
    return facts->max_timestamp_ns / 1000000000 >= run->from_epoch_s &&
           facts->min_timestamp_ns / 1000000000 < run->until_epoch_s;
}

static bool may_hold_jobs(void *context, const struct alog_block_facts *facts) {
    const struct day_run *run = context;
    if (facts->bloom_bytes == 0) {
        return true;
    }
    for (uint32_t i = 1; i < run->jobs.count; i++) {
        if (alog_bloom_maybe(facts->bloom, facts->bloom_bytes, run->job_hashes[i])) {
            return true;
        }
    }
    return false;
}

/* ---- Reading ---- */

static enum alog_status write_groups(struct day_run *run) {
    if (alog_fold_pool_collect(run->pool, &run->groups, &run->jobs) != ALOG_OK) {
        return no_memory(run);
    }
    return alog_deltas_write(run->db, &run->groups, INT64_MAX, run->scope.time_zone_offset_s,
                             run->error);
}

static enum alog_status after_block(void *context, struct alog_feed_segment *segment,
                                    const uint8_t *frame, size_t frame_bytes,
                                    struct alog_error *error) {
    (void)segment;
    (void)frame;
    (void)frame_bytes;
    (void)error;
    struct day_run *run = context;
    size_t bytes = alog_fold_pool_bytes(run->pool) + alog_groups_bytes(&run->groups);
    return bytes < run->setup->groups_limit_bytes ? ALOG_OK : write_groups(run);
}

static enum alog_status read_ingested(struct day_run *run, const struct alog_feed *feed,
                                      struct alog_segment_scan *scan,
                                      const struct alog_ledger_row *ledger) {
    struct alog_feed_segment segment = {0};
    alog_feed_begin(alog_segment_scan_file_header(scan), ledger->name, &segment.row);
    uint64_t until = ledger->bytes;
    if (alog_segment_scan_source(scan) != NULL) {
        until = UINT64_MAX; /* an archive's blocks have other places */
        segment.until_sequence = ledger->sealed ? 0 : ledger->last_sequence;
    }
    enum alog_status status = ALOG_OK;
    if (ledger->sealed || ledger->blocks > 0) {
        status = alog_feed_blocks(feed, scan, until, &segment, run->error);
    }
    if (status == ALOG_OK && ledger->sealed && alog_feed_end(feed, &segment) != ALOG_OK) {
        status = no_memory(run);
    }
    /* The blocks point at `segment`. */
    if (status == ALOG_OK &&
        alog_fold_pool_collect(run->pool, &run->groups, &run->jobs) != ALOG_OK) {
        status = no_memory(run);
    }
    if (status == ALOG_OK && alog_groups_bytes(&run->groups) >= run->setup->groups_limit_bytes) {
        status = write_groups(run);
    }
    if (alog_names_add(&run->segment_ids, alog_str(ledger->segment_id)) == ALOG_NAME_NONE) {
        status = no_memory(run);
    }
    return status;
}

static enum alog_status read_segment(struct day_run *run, const struct alog_feed *feed,
                                     size_t index) {
    const struct alog_segment_path *path = &run->list.segments[index];
    struct alog_segment_scan *scan;
    if (alog_ingest_list_open(&run->list, index, NULL, NULL, &scan, NULL) != ALOG_OK) {
        return ALOG_OK; /* missed below if it is needed */
    }
    char id[ALOG_SEGMENT_ID_BYTES];
    alog_hex(alog_segment_scan_file_header(scan)->file_id, 16, id);
    struct alog_ledger_row ledger;
    bool known;
    enum alog_status status = alog_ledger_find(run->db, id, &ledger, &known, run->error);
    bool first = alog_names_find(&run->segment_ids, alog_str(id)) == ALOG_NAME_NONE;
    if (status == ALOG_OK && known && first && !(ledger.sealed && path->open)) {
        status = read_ingested(run, feed, scan, &ledger);
        run->report->bytes += ledger.bytes;
    }
    alog_segment_scan_close(scan);
    return status;
}

static void tell_progress(struct day_run *run) {
    const struct alog_ingest_options *options = &run->setup->options;
    if (options->progress) {
        options->progress(options->progress_context, run->done_bytes, run->total_bytes);
    }
}

/* Every segment once, with `scope` and the blocks that are `wanted`. */
static enum alog_status pass(struct day_run *run,
                             bool (*wanted)(void *, const struct alog_block_facts *)) {
    if (alog_fold_pool_new(run->setup->options.threads, &run->scope, &run->pool) != ALOG_OK) {
        return no_memory(run);
    }
    struct alog_feed feed = {.pool = run->pool,
                             .groups = &run->groups,
                             .scope = &run->scope,
                             .context = run,
                             .wanted = wanted,
                             .after_block = after_block};
    alog_names_free(&run->segment_ids);
    enum alog_status status = ALOG_OK;
    for (size_t i = 0; status == ALOG_OK && i < run->list.count; i++) {
        status = read_segment(run, &feed, i);
        run->done_bytes++;
        tell_progress(run);
    }
    if (status == ALOG_OK) {
        status = write_groups(run);
    }
    alog_fold_pool_free(run->pool);
    run->pool = NULL;
    return status;
}

/* ---- The two passes ---- */

static enum alog_status count_hours(struct day_run *run) {
    /* Also the environments that will have nothing left are summarised again. */
    static const char erase[] =
        "INSERT OR IGNORE INTO dirty_days SELECT DISTINCT environment, ?1 FROM rollup_events"
        " WHERE hour_epoch >= ?1 AND hour_epoch < ?2;"
        "INSERT OR IGNORE INTO dirty_days SELECT environment, ?1 FROM daily_summary"
        " WHERE day_epoch = ?1;"
        /* Everything of the day is counted again, or the rebuild is refused. */
        "DELETE FROM pruned_days WHERE day_epoch = ?1;";
    enum alog_status status = run_sql(run, erase);
    for (enum alog_rollup rollup = 0; status == ALOG_OK && rollup < ALOG_ROLLUP_COUNT; rollup++) {
        const struct alog_rollup_kind *kind = alog_rollup_kind(rollup);
        char sql[128];
        if (kind->scope == ALOG_SCOPE_HOUR) {
            sqlite3_snprintf(sizeof(sql), sql,
                             "DELETE FROM %s WHERE hour_epoch >= ?1 AND hour_epoch < ?2",
                             kind->table);
            status = run_sql(run, sql);
        } else if (kind->scope == ALOG_SCOPE_DAY) {
            /* All jobs of the day are counted again. */
            sqlite3_snprintf(sizeof(sql), sql, "DELETE FROM %s WHERE day_epoch = ?1", kind->table);
            status = run_sql(run, sql);
        }
    }
    run->scope.rollups = true;
    run->scope.note_jobs = true;
    return status == ALOG_OK ? pass(run, touches_day) : status;
}

static enum alog_status add_jobs_of_day(struct day_run *run) {
    sqlite3_stmt *select = NULL;
    if (sqlite3_prepare_v2(run->db, "SELECT job_id FROM jobs WHERE day_epoch = ?", -1, &select,
                           NULL) != SQLITE_OK) {
        return alog_sql_fail(run->db, run->error, "jobs");
    }
    sqlite3_bind_int64(select, 1, run->from_epoch_s);
    enum alog_status status = ALOG_OK;
    while (status == ALOG_OK && sqlite3_step(select) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(select, 0);
        struct alog_string job = {text ? text : "", (size_t)sqlite3_column_bytes(select, 0)};
        if (alog_names_add(&run->jobs, job) == ALOG_NAME_NONE) {
            status = no_memory(run);
        }
    }
    if (sqlite3_finalize(select) != SQLITE_OK && status == ALOG_OK) {
        status = alog_sql_fail(run->db, run->error, "jobs");
    }
    return status;
}

static enum alog_status for_each_job(struct day_run *run, const char *sql) {
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(run->db, sql, -1, &statement, NULL) != SQLITE_OK) {
        return alog_sql_fail(run->db, run->error, "rebuilding jobs");
    }
    enum alog_status status = ALOG_OK;
    for (uint32_t i = 1; status == ALOG_OK && i < run->jobs.count; i++) {
        struct alog_string job = run->jobs.texts[i];
        sqlite3_bind_text64(statement, 1, job.data, job.len, SQLITE_STATIC, SQLITE_UTF8);
        sqlite3_step(statement);
        if (sqlite3_reset(statement) != SQLITE_OK) {
            status = alog_sql_fail(run->db, run->error, "rebuilding jobs");
        }
    }
    sqlite3_finalize(statement);
    return status;
}

/* Out of the sums by day of jobs: those of the day itself were erased as a whole. */
static enum alog_status take_back_jobs_of_other_days(struct day_run *run) {
    sqlite3_stmt *ids = NULL;
    bool done;
    if (sqlite3_prepare_v2(run->db,
                           "SELECT environment, job_id FROM jobs WHERE job_id IN"
                           " (SELECT job_id FROM temp.rebuilt_ids) AND day_epoch <> ?",
                           -1, &ids, NULL) != SQLITE_OK) {
        return alog_sql_fail(run->db, run->error, "jobs");
    }
    sqlite3_bind_int64(ids, 1, run->from_epoch_s);
    enum alog_status status =
        alog_deltas_count_jobs(run->db, ids, -1, UINT64_MAX, &run->groups, &done, run->error);
    sqlite3_finalize(ids);
    return status;
}

/* temp.rebuilt_jobs keeps what the database knew of them: their days and how far they span. */
static enum alog_status erase_jobs(struct day_run *run) {
    static const char note[] =
        "CREATE TEMP TABLE rebuilt_jobs AS SELECT environment, day_epoch, first_ns, last_ns"
        " FROM jobs WHERE job_id IN (SELECT job_id FROM temp.rebuilt_ids);"
        "INSERT OR IGNORE INTO dirty_days SELECT DISTINCT environment, day_epoch"
        " FROM temp.rebuilt_jobs;";
    enum alog_status status =
        run_sql(run, "CREATE TEMP TABLE rebuilt_ids (job_id TEXT PRIMARY KEY) WITHOUT ROWID");
    if (status == ALOG_OK) {
        status = for_each_job(run, "INSERT INTO temp.rebuilt_ids VALUES (?1)");
    }
    if (status == ALOG_OK) {
        status = run_sql(run, note);
    }
    if (status == ALOG_OK) {
        status = take_back_jobs_of_other_days(run);
    }
    if (status == ALOG_OK) {
        status = run_sql(run, "DELETE FROM job_details WHERE job IN (SELECT id FROM jobs"
                              " WHERE job_id IN (SELECT job_id FROM temp.rebuilt_ids))");
    }
    for (enum alog_rollup rollup = 0; status == ALOG_OK && rollup < ALOG_ROLLUP_COUNT; rollup++) {
        const struct alog_rollup_kind *kind = alog_rollup_kind(rollup);
        char sql[160];
        if (kind->scope == ALOG_SCOPE_JOB) {
            sqlite3_snprintf(sizeof(sql), sql,
                             "DELETE FROM %s WHERE job_id IN"
                             " (SELECT job_id FROM temp.rebuilt_ids)",
                             kind->table);
            status = run_sql(run, sql);
        }
    }
    return status;
}

/* The segments that the day, or a job of it, needs must all have been there. */
static enum alog_status check_nothing_is_missing(struct day_run *run) {
    sqlite3_stmt *select = NULL;
    if (sqlite3_prepare_v2(
            run->db,
            "SELECT segment_id, name FROM segments WHERE events > 0"
            " AND max_timestamp_ns >= min(?1 * 1000000000, COALESCE((SELECT min(first_ns)"
            " FROM temp.rebuilt_jobs), ?1 * 1000000000))"
            " AND min_timestamp_ns <= max(?2 * 1000000000 - 1, COALESCE((SELECT max(last_ns)"
            " FROM temp.rebuilt_jobs), 0)) ORDER BY segment_id",
            -1, &select, NULL) != SQLITE_OK) {
        return alog_sql_fail(run->db, run->error, "segments");
    }
    sqlite3_bind_int64(select, 1, run->from_epoch_s);
    sqlite3_bind_int64(select, 2, run->until_epoch_s);
    enum alog_status status = ALOG_OK;
    while (status == ALOG_OK && sqlite3_step(select) == SQLITE_ROW) {
        struct alog_string id = alog_str((const char *)sqlite3_column_text(select, 0));
        if (alog_names_find(&run->segment_ids, id) == ALOG_NAME_NONE) {
            status = alog_fail(run->error, ALOG_CORRUPT, 0, -1,
                               "segment %s, which the day needs, can no longer be read in the log:"
                               " the day stays as it is",
                               (const char *)sqlite3_column_text(select, 1));
        }
    }
    if (sqlite3_finalize(select) != SQLITE_OK && status == ALOG_OK) {
        status = alog_sql_fail(run->db, run->error, "segments");
    }
    return status;
}

static enum alog_status count_jobs(struct day_run *run) {
    enum alog_status status = add_jobs_of_day(run);
    if (status == ALOG_OK) {
        status = erase_jobs(run);
    }
    if (status == ALOG_OK) {
        status = check_nothing_is_missing(run);
    }
    if (status != ALOG_OK || run->jobs.count == 0) {
        return status;
    }
    run->job_hashes = malloc(run->jobs.count * sizeof(*run->job_hashes));
    if (!run->job_hashes) {
        return no_memory(run);
    }
    for (uint32_t i = 0; i < run->jobs.count; i++) {
        run->job_hashes[i] = alog_bloom_hash(run->jobs.texts[i]);
    }
    run->scope.rollups = run->scope.note_jobs = false;
    run->scope.jobs = true;
    run->scope.only_jobs = &run->jobs;
    return pass(run, may_hold_jobs);
}

static enum alog_status rebuild(struct day_run *run) {
    uint64_t days = 0;
    enum alog_status status = count_hours(run);
    if (status == ALOG_OK) {
        status = count_jobs(run);
    }
    if (status == ALOG_OK) {
        status = run_sql(run, "DROP TABLE temp.rebuilt_jobs; DROP TABLE temp.rebuilt_ids;");
    }
    if (status == ALOG_OK) {
        status = alog_ingest_conclude(run->db, NULL, &days, &run->report->events_lost, run->error);
    }
    run->report->days = days;
    return status;
}

enum alog_status alog_rebuild_day(struct alog_store *store, const char *log_dir,
                                  const struct alog_ingest_setup *setup, int64_t day_epoch,
                                  struct alog_ingest_report *report, struct alog_error *error) {
    struct day_run run = {
        .store = store,
        .db = alog_store_db(store),
        .setup = setup,
        .report = report,
        .error = error,
        .from_epoch_s = day_epoch,
        .until_epoch_s = day_epoch + ALOG_DAY_S,
        .scope = {.time_zone_offset_s = alog_store_settings_of(store)->time_zone_offset_s,
                  .latency_limits = alog_store_settings_of(store)->latency_limits,
                  .from_epoch_s = day_epoch,
                  .until_epoch_s = day_epoch + ALOG_DAY_S}};
    enum alog_status status =
        alog_ingest_list_make(log_dir, setup->options.archive_dir, &run.list, error);
    run.total_bytes = 2 * run.list.count;
    report->segments_seen = run.list.count;
    if (status == ALOG_OK) {
        status = alog_deltas_register(run.db, error);
    }
    if (status == ALOG_OK) {
        status = alog_store_begin(store, error);
    }
    if (status == ALOG_OK) {
        status = rebuild(&run);
        if (status == ALOG_OK) {
            status = alog_store_commit(store, error);
        }
        alog_store_rollback(store);
    }
    alog_ingest_list_free(&run.list);
    alog_groups_free(&run.groups);
    alog_names_free(&run.jobs);
    alog_names_free(&run.segment_ids);
    free(run.job_hashes);
    return status;
}
