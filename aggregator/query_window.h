/*
 * The window of a question, laid out over months, days and hours:
 *
 *     head_hour ..hours.. head_day ..days.. head_month ..months.. tail_month ..days.. tail_day
 * ..hours.. tail_hour
 *
 * each part from and below, any of them empty. And the SQL that reads a rollup that way.
 */
#ifndef AGENTLOG_AGGREGATOR_QUERY_WINDOW_H
#define AGENTLOG_AGGREGATOR_QUERY_WINDOW_H

#include <stdint.h>

/* Seconds since 1970; INT64_MIN and INT64_MAX where there is no bound. */
struct alog_query_window {
    int64_t head_hour, head_day, head_month, tail_month, tail_day, tail_hour;
};

/* The layout of the hours from `since_s` and below `until_s`, both starts of hours (or no bounds).
 */
void alog_query_window_lay_out(int64_t since_s, int64_t until_s, int32_t time_zone_offset_s,
                               struct alog_query_window *ret_window);

/*
 * Replace each "{rollup: columns / filters}" of a question's SQL, head and rest, by a subquery: the
 * columns of window_<rollup> (see window_table.h), in the window (:head_hour … :tail_hour) and the
 * environments asked for; each of the filters, dimensions divided by spaces, restricts it to
 * :dimension, unless that is NULL. "{rollup@before_: …}" reads the window that
 * :before_head_hour and so on say. Returns text that the caller frees with sqlite3_free; NULL: no
 * memory.
 */
char *alog_query_expand(const char *head, const char *sql);

#endif
