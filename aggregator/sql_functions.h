/* The SQL functions that summaries and queries use; they never appear in the database's views. */
#ifndef AGENTLOG_AGGREGATOR_SQL_FUNCTIONS_H
#define AGENTLOG_AGGREGATOR_SQL_FUNCTIONS_H

#include <agentlog/agentlog.h>
#include <sqlite3.h>

/*
 * Make them known to a connection, on which no statement may be running. ALOG_NO_MEMORY,
 * ALOG_LOCKED.
 *
 *   sketch_merge(blob, …)          aggregate: one sketch of all the rows' and arguments' sketches
 *   bits_or(n)                     aggregate: the bits that any row has; NULL without rows
 *   earliest_text(time, text)      aggregate: the text of the least time, the smallest on equal
 * times sketch_quantile_ms(blob, q)    the quantile 0..1, in ms; NULL of an empty sketch
 *   sketch_count_until_ms(blob, x) how many of its values are at most x ms, to the sketch's error
 *   sketch_count_between(blob, from, below)  counts of the buckets from and below
 *   sketch_sum_between(blob, from, below)    sum of bucket times count of them
 *   median(x)                      aggregate: of the values that are not NULL; NULL without any
 *   lower_rate_p(s, n, s2, n2)     one-sided p value of s/n being lower than s2/n2; NULL without
 * trials phi(a, b, c, d)                phi coefficient of the two by two table; NULL when a side
 * is empty wilson_low(successes, count)   ends of the 95 % interval; NULL when count is 0
 *   wilson_high(successes, count)
 *
 * A NULL sketch is an empty one, a NULL number gives NULL. A blob that is no sketch is an SQL
 * error.
 */
enum alog_status alog_sql_functions_register(sqlite3 *db, struct alog_error *error);

#endif
