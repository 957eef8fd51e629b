/* Merging the rows of a day that hold a dropped value into those of _OTHER: what the caps do. */
#ifndef AGENTLOG_AGGREGATOR_CAP_FOLD_H
#define AGENTLOG_AGGREGATOR_CAP_FOLD_H

#include <agentlog/agentlog.h>
#include <sqlite3.h>

#include "groups.h"

#define ALOG_OTHER_NAME "_OTHER"

/* The order of a dimension's values: those that come first stay. See cap.h. */
#define ALOG_CAP_ORDER(value)                                                                      \
    " ORDER BY digit_count(" value "), length(CAST(" value " AS BLOB)), " value

/* One day of an environment. */
struct alog_capping {
    sqlite3 *db;
    int64_t cap;
    sqlite3_value *environment;
    int64_t day_epoch;
    struct alog_error *error;
};

/*
 * Prepare `sql`, which is freed (NULL: no memory), and bind :env and :day where it has them.
 * *ret_statement is the caller's to finalize.
 */
enum alog_status alog_cap_prepare(const struct alog_capping *c, char *sql,
                                  sqlite3_stmt **ret_statement);

/* The same, and step it to its end; *ret_value (may be NULL) is its first number. */
enum alog_status alog_cap_run(const struct alog_capping *c, char *sql, int64_t *ret_value);

/* How many values of a dimension stay: a suite has more tests than a fleet has agents (a day of the
 * real data has 14,559), so that of test ids ten times as many do. */
int64_t alog_cap_of(const struct alog_capping *c, const char *dimension);

/* Make temp.dropped (value TEXT), empty, if it is not there. */
enum alog_status alog_cap_make_dropped(const struct alog_capping *c);

/*
 * Merge the day's rows of a table by hour or by day whose value is in temp.dropped with those of
 * _OTHER, which temp.dropped must hold as well. Temporary tables stay as long as the connection:
 * none can be dropped while a statement is running.
 */
enum alog_status alog_cap_fold(const struct alog_capping *c, enum alog_rollup rollup,
                               const char *dimension);

#endif
