#include <errno.h>
#include <unistd.h>

#include "calendar.h"
#include "format/error.h"
#include "format/trust.h"
#include "ingest_run.h"
#include "rebuild_day.h"
#include "sql_error.h"

/* Raw data may be gone on purpose: what the database still knows of it must not be lost with it. */
static enum alog_status check_nothing_is_lost(struct alog_store *store,
                                              const struct alog_ingest_plan *plan,
                                              struct alog_error *error) {
    sqlite3 *db = alog_store_db(store);
    sqlite3_stmt *select = NULL;
    if (sqlite3_prepare_v2(db, "SELECT segment_id, name, events FROM segments ORDER BY segment_id",
                           -1, &select, NULL) != SQLITE_OK) {
        return alog_sql_fail(db, error, "segments");
    }
    enum alog_status status = ALOG_OK;
    while (status == ALOG_OK && sqlite3_step(select) == SQLITE_ROW) {
        struct alog_string id = alog_str((const char *)sqlite3_column_text(select, 0));
        if (alog_names_find(&plan->ids, id) == ALOG_NAME_NONE &&
            sqlite3_column_int64(select, 2) != 0) {
            status =
                alog_fail(error, ALOG_CORRUPT, 0, -1,
                          "segment %s is in the database but can no longer be read in the log:"
                          " a rebuild would lose its %lld events; to do without them, remove the"
                          " database and ingest",
                          (const char *)sqlite3_column_text(select, 1),
                          (long long)sqlite3_column_int64(select, 2));
        }
    }
    if (sqlite3_finalize(select) != SQLITE_OK && status == ALOG_OK) {
        status = alog_sql_fail(db, error, "segments");
    }
    return status;
}

/* Of a sealed file the log cannot come to hold less but by damage. (What was ingested of an
 * unsealed one may be lost to a failed sync, which its writer says in the log.) */
static enum alog_status check_nothing_is_damaged(struct alog_store *store,
                                                 struct alog_store *beside,
                                                 struct alog_error *error) {
    sqlite3_stmt *had = NULL, *has = NULL;
    if (sqlite3_prepare_v2(alog_store_db(store),
                           "SELECT segment_id, name, events FROM segments WHERE state = 'sealed'"
                           " ORDER BY segment_id",
                           -1, &had, NULL) != SQLITE_OK) {
        return alog_sql_fail(alog_store_db(store), error, "segments");
    }
    enum alog_status status = ALOG_OK;
    if (sqlite3_prepare_v2(alog_store_db(beside),
                           "SELECT events FROM segments WHERE segment_id = ?", -1, &has,
                           NULL) != SQLITE_OK) {
        status = alog_sql_fail(alog_store_db(beside), error, "segments");
    }
    while (status == ALOG_OK && sqlite3_step(had) == SQLITE_ROW) {
        sqlite3_bind_value(has, 1, sqlite3_column_value(had, 0));
        long long events = sqlite3_column_int64(had, 2);
        long long left = sqlite3_step(has) == SQLITE_ROW ? sqlite3_column_int64(has, 0) : 0;
        if (left < events) {
            status =
                alog_fail(error, ALOG_CORRUPT, 0, -1,
                          "segment %s has been damaged since it was ingested: a rebuild would"
                          " lose %lld of its %lld events; put a good copy in its place, or, to do"
                          " without them, remove the database and ingest",
                          (const char *)sqlite3_column_text(had, 1), events - left, events);
        }
        sqlite3_reset(has);
    }
    if (sqlite3_finalize(had) != SQLITE_OK && status == ALOG_OK) {
        status = alog_sql_fail(alog_store_db(store), error, "segments");
    }
    sqlite3_finalize(has);
    return status;
}

static enum alog_status fill_beside(struct alog_store *store, struct alog_store *beside,
                                    const char *log_dir, const struct alog_ingest_setup *setup,
                                    struct alog_ingest_report *report, struct alog_error *error) {
    struct alog_ingest_plan plan = {0};
    enum alog_status status =
        alog_ingest_plan_make(alog_store_db(beside), log_dir, setup, &plan, error);
    if (status == ALOG_OK) {
        status = check_nothing_is_lost(store, &plan, error);
    }
    if (status == ALOG_OK) {
        status = alog_ingest_execute(beside, &plan, setup, report, error);
    }
    if (status == ALOG_OK) {
        status = check_nothing_is_damaged(store, beside, error);
    }
    if (status == ALOG_OK) {
        status = alog_store_replace(store, beside, error);
    }
    alog_ingest_plan_free(&plan);
    return status;
}

enum alog_status alog_rebuild_all(struct alog_store *store, const char *log_dir,
                                  const struct alog_ingest_setup *setup,
                                  struct alog_ingest_report *report, struct alog_error *error) {
    struct alog_store_settings settings = *alog_store_settings_of(store);
    if (setup->options.time_zone) {
        settings.time_zone_offset_s = setup->settings.time_zone_offset_s;
    }
    if (setup->options.dimension_cap) {
        settings.dimension_cap = setup->settings.dimension_cap;
    }
    if (setup->options.latency_thresholds_ms) {
        settings.latency_limits = setup->settings.latency_limits;
    }
    struct alog_store *beside;
    enum alog_status status = alog_store_open_beside(store, &settings, &beside, error);
    if (status != ALOG_OK) {
        return status;
    }
    status = fill_beside(store, beside, log_dir, setup, report, error);
    enum alog_status closed = alog_store_close(beside, NULL);
    return status == ALOG_OK ? closed : status;
}

static enum alog_status rebuild_one_day(struct alog_store *store, const char *log_dir,
                                        const struct alog_ingest_setup *setup,
                                        struct alog_ingest_report *report,
                                        struct alog_error *error) {
    enum alog_status status =
        alog_ingest_check_settings(setup, alog_store_settings_of(store), error);
    int64_t day_epoch;
    if (status == ALOG_OK) {
        status =
            alog_day_parse(setup->options.day, alog_store_settings_of(store)->time_zone_offset_s,
                           &day_epoch, error);
    }
    if (status == ALOG_OK) {
        status = alog_rebuild_day(store, log_dir, setup, day_epoch, report, error);
    }
    return status;
}

enum alog_status alog_rebuild(const char *log_dir, const char *db_path,
                              const struct alog_ingest_options *options,
                              struct alog_ingest_report *ret_report, struct alog_error *error) {
    struct alog_ingest_setup setup;
    struct alog_ingest_report report = {0};
    struct alog_segment_list list;
    enum alog_status status = alog_ingest_setup(options, &setup, error);
    if (status == ALOG_OK) {
        status = alog_trust_log_dir(alog_io_system(), log_dir, NULL, error);
    }
    if (status == ALOG_OK) {
        status = alog_segments_list(log_dir, &list, error);
    }
    if (status != ALOG_OK) {
        return status;
    }
    alog_segments_free(&list);
    if (setup.options.day && access(db_path, F_OK) != 0) {
        return alog_fail(error, ALOG_NOT_FOUND, errno, -1, "there is no database %s", db_path);
    }
    struct alog_store *store;
    status = setup.options.day ? alog_store_open(db_path, &setup.settings, &store, error)
                               : alog_store_open_any(db_path, &setup.settings, &store, error);
    if (status != ALOG_OK) {
        return status;
    }
    status = setup.options.day ? rebuild_one_day(store, log_dir, &setup, &report, error)
                               : alog_rebuild_all(store, log_dir, &setup, &report, error);
    enum alog_status closed = alog_store_close(store, status == ALOG_OK ? error : NULL);
    status = status == ALOG_OK ? closed : status;
    if (status == ALOG_OK && ret_report) {
        *ret_report = report;
    }
    return status;
}
