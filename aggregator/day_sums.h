/*
 * Sums by day of what an ingest adds to a new database, kept beside the sums by hour that it
 * writes: making them of those again, at the end, would be waited for by all.
 */
#ifndef AGENTLOG_AGGREGATOR_DAY_SUMS_H
#define AGENTLOG_AGGREGATOR_DAY_SUMS_H

#include <sqlite3.h>

#include "groups.h"

/* Zero-initialise; free with alog_day_sums_free. */
struct alog_day_sums {
    struct alog_groups groups; /* by day */
    /* Of days from here on everything that the database's hours have is in the groups; of earlier
     * ones nothing need be. */
    int64_t from_day_epoch;
    int64_t last_day_epoch; /* that was added to */
};

void alog_day_sums_free(struct alog_day_sums *sums);

/* Before anything is added to the database: one with hours, or with days that are not to be made
 * again, has no day that is whole here. ALOG_IO, … */
enum alog_status alog_day_sums_begin(struct alog_day_sums *sums, sqlite3 *db,
                                     struct alog_error *error);

/* Add the groups that go into hourly tables: those before that hour. They stay as they are. When
 * days are too many, all so far are given up. ALOG_NO_MEMORY. */
enum alog_status alog_day_sums_add(struct alog_day_sums *sums, struct alog_groups *groups,
                                   int64_t before_hour_epoch, int32_t time_zone_offset_s);

/* Insert the rows of the levels by day (levels.h) from `*ret_from_day_epoch` on, within the
 * caller's transaction, and give these days up. ALOG_CORRUPT: a sum leaves 64 bits. ALOG_NO_MEMORY,
 * … */
enum alog_status alog_day_sums_write(struct alog_day_sums *sums, sqlite3 *db,
                                     int64_t *ret_from_day_epoch, struct alog_error *error);

#endif
