/* Times as people write them on a command line: `7d`, `24h`, `now`, a date, an ISO time. */
#ifndef AGENTLOG_TOOLS_TIME_WINDOW_H
#define AGENTLOG_TOOLS_TIME_WINDOW_H

#include <agentlog/agentlog.h>

/*
 * Read one time; `now_ns` is what the durations count back from.
 *     90s 15m 24h 7d 2w    that long before now
 *     now                  now
 *     2026-02-04           the beginning of that day, UTC
 *     2026-02-04T12:00Z    RFC 3339; without seconds they are 0, without 'Z' or offset it is UTC
 * ALOG_INVALID with the reason; *ret_ns is never negative.
 */
enum alog_status time_window_parse(const char *text, int64_t now_ns, int64_t *ret_ns,
                                   struct alog_error *error);

/* What the option tables say of such an argument. */
#define TIME_WINDOW_FORMS "a duration back from now (90s, 15m, 24h, 7d, 2w), a date, or an ISO time"
#define TIME_WINDOW_UTC   "; UTC without an offset"
#define TIME_WINDOW_LOCAL "; without an offset in the database's time zone"

/* Whether such a text is a date or a time without an offset, which a database takes for one in its
 * own zone: time_window_parse has read it as UTC. */
bool time_window_is_local(const char *text);

#endif
