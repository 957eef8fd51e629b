/* Hours and days of the reporting time zone, as the second at which they start. */
#ifndef AGENTLOG_AGGREGATOR_CALENDAR_H
#define AGENTLOG_AGGREGATOR_CALENDAR_H

#include <agentlog/agentlog.h>

#define ALOG_HOUR_S INT64_C(3600)
#define ALOG_DAY_S  INT64_C(86400)

/* The start of the hour or day (`bucket_s` long) that `epoch_s` lies in, `offset_s` east of UTC. */
static inline int64_t alog_bucket_start(int64_t epoch_s, int64_t bucket_s, int32_t offset_s) {
    int64_t local = epoch_s + offset_s;
    int64_t within = local % bucket_s;
    return epoch_s - (within < 0 ? within + bucket_s : within);
}

/* The same for a time in ns, which is never negative. */
static inline int64_t alog_bucket_of_ns(int64_t timestamp_ns, int64_t bucket_s, int32_t offset_s) {
    return alog_bucket_start(timestamp_ns / 1000000000, bucket_s, offset_s);
}

/* The Monday of the week that the start of a day lies in. */
static inline int64_t alog_week_start(int64_t day_epoch_s, int32_t offset_s) {
    /* 1970-01-01 was a Thursday; local days before it are not asked for. */
    int64_t day = (day_epoch_s + offset_s) / ALOG_DAY_S;
    return day_epoch_s - (day + 3) % 7 * ALOG_DAY_S;
}

/* The start of the month that `epoch_s` lies in, and of the one `months` later. */
int64_t alog_month_start(int64_t epoch_s, int months, int32_t offset_s);

/* "UTC", "Z", "+08:00", "-0330": seconds east of UTC, at most 18 hours. ALOG_INVALID. */
enum alog_status alog_time_zone_parse(const char *text, int32_t *ret_offset_s,
                                      struct alog_error *error);

/* "2026-02-04" as the start of that day in the zone. ALOG_INVALID. */
enum alog_status alog_day_parse(const char *text, int32_t offset_s, int64_t *ret_day_epoch,
                                struct alog_error *error);

#endif
