/* Times as other programs write them. */
#ifndef AGENTLOG_TOOLS_IMPORT_TIME_H
#define AGENTLOG_TOOLS_IMPORT_TIME_H

#include <agentlog/agentlog.h>

/* What a time without an offset is taken for. */
struct import_zone {
    bool local;       /* the zone of the machine (TZ), with its daylight saving time */
    int32_t offset_s; /* else: east of UTC */
};

/* "utc", "local", "+02:00", "-0530". False when it is none of them. */
bool import_zone_parse(const char *text, struct import_zone *ret_zone);

/*
 * "2026-02-04 12:00:00.123456", with 'T' or a space, with or without seconds, fraction (after '.'
 * or ','), and 'Z' or an offset (+hh:mm, +hhmm, +hh); "2026-02-04"; or a number as text, see
 * import_time_of_number. *ret_zone_used is set to true (never to false) when `zone` decided. Of a
 * local time that a clock showed twice the earlier is taken. ALOG_INVALID with the reason.
 */
enum alog_status import_time_parse(struct alog_string text, const struct import_zone *zone,
                                   int64_t *ret_ns, bool *ret_zone_used, struct alog_error *error);

/*
 * A time since 1970 in a unit that its size tells: below 1e11 seconds, below 1e14 milliseconds,
 * below 1e17 microseconds, else nanoseconds. A real number keeps whole microseconds. ALOG_INVALID
 * before 1970 or after 2262.
 */
enum alog_status import_time_of_integer(int64_t number, int64_t *ret_ns, struct alog_error *error);
enum alog_status import_time_of_real(double number, int64_t *ret_ns, struct alog_error *error);

#endif
