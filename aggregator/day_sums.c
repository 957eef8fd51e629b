#include "day_sums.h"

#include "calendar.h"
#include "deltas.h"
#include "sql_error.h"

/* Of a few days with a few thousand groups each; more are made of their hours. */
#define MAX_BYTES (12u << 20)

void alog_day_sums_free(struct alog_day_sums *sums) {
    alog_groups_free(&sums->groups);
}

/* Only a later day than any so far will be whole. */
static void give_up(struct alog_day_sums *sums) {
    alog_groups_free(&sums->groups);
    if (sums->last_day_epoch >= sums->from_day_epoch) {
        sums->from_day_epoch = sums->last_day_epoch + ALOG_DAY_S;
    }
}

enum alog_status alog_day_sums_begin(struct alog_day_sums *sums, sqlite3 *db,
                                     struct alog_error *error) {
    static const char is_known[] = "SELECT EXISTS (SELECT 1 FROM rollup_events)"
                                   " OR EXISTS (SELECT 1 FROM pruned_days)";
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, is_known, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        sums->from_day_epoch = sqlite3_column_int(statement, 0) ? INT64_MAX : INT64_MIN;
        sums->last_day_epoch = INT64_MIN;
    }
    return sqlite3_finalize(statement) == SQLITE_OK ? ALOG_OK
                                                    : alog_sql_fail(db, error, "rollup_events");
}

enum alog_status alog_day_sums_add(struct alog_day_sums *sums, struct alog_groups *groups,
                                   int64_t before_hour_epoch, int32_t time_zone_offset_s) {
    if (sums->from_day_epoch == INT64_MAX) {
        return ALOG_OK;
    }
    const struct alog_day_span span = {sums->from_day_epoch, before_hour_epoch, time_zone_offset_s};
    enum alog_status status =
        alog_groups_copy_days(&sums->groups, groups, &span, &sums->last_day_epoch);
    if (status == ALOG_OK && alog_groups_bytes(&sums->groups) > MAX_BYTES) {
        give_up(sums);
    }
    return status;
}

enum alog_status alog_day_sums_write(struct alog_day_sums *sums, sqlite3 *db,
                                     int64_t *ret_from_day_epoch, struct alog_error *error) {
    enum alog_status status = alog_deltas_insert_days(db, &sums->groups, error);
    *ret_from_day_epoch = sums->from_day_epoch;
    give_up(sums);
    return status;
}
