/* Days of a window, or weeks when it is a long one, as the buckets of charts over time. */
#ifndef AGENTLOG_TOOLS_REPORT_TIME_AXIS_H
#define AGENTLOG_TOOLS_REPORT_TIME_AXIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIME_AXIS_DAYS 92 /* more days than that are shown by week */

struct time_axis {
    int64_t first; /* the first bucket's day, counted from 1970-01-01 */
    size_t count;  /* of buckets, at least 1 */
    int step;      /* days per bucket: 1 or 7 */
};

/* For the days from `first` to before `end`. Weeks begin on Monday and are whole, so that the first
 * and the last may reach beyond the window. */
struct time_axis time_axis_make(int64_t first, int64_t end);

/* The bucket that a day lies in; false when it is outside of the axis. */
bool time_axis_bucket(const struct time_axis *axis, int64_t day, size_t *ret_bucket);

/* "2026-02-04" read and written. False when it is no day. */
#define DAY_BYTES 24
bool day_parse(const char *text, size_t len, int64_t *ret_day);
void day_format(int64_t day, char text[DAY_BYTES]);

/* "4 Feb", and with the year "4 Feb 2026". */
void day_format_short(int64_t day, char text[DAY_BYTES]);
void day_format_long(int64_t day, char text[DAY_BYTES]);

/* Of a bucket: "2026-02-04", or "week of 2026-02-02". */
#define BUCKET_BYTES 48
void time_axis_name(const struct time_axis *axis, size_t bucket, char text[BUCKET_BYTES]);

#endif
