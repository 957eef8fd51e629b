/* Databases for tests, filled by SQL, and answers as text to compare. */
#ifndef AGENTLOG_TESTS_DATABASE_FIXTURE_H
#define AGENTLOG_TESTS_DATABASE_FIXTURE_H

#include <agentlog/aggregator.h>
#include <sqlite3.h>

/* 2026-02-04 00:00 UTC, a day for tests. */
#define FIXTURE_DAY INT64_C(1770163200)

/*
 * Make (or add to) the database DIRECTORY/test.db in the reporting zone `offset_s`: run `sql`, then
 * summarise what is in dirty_days, in one transaction. In `sql`, the function sketch(us, …) makes a
 * latency sketch, and :day stands for FIXTURE_DAY; columns that an INSERT does not name are 0 or
 * empty. Returns the path, which the caller frees.
 */
char *fixture_database_fill(const char *directory, int offset_s, const char *sql);

/* The rows of a SELECT as text: a line per row, columns divided by '|', NULL as '-', reals as %.6g.
 * The caller frees it. */
char *fixture_select(const char *path, const char *sql);

/* Ask, and give the columns named in `columns` (divided by spaces) likewise; booleans are yes and
 * no. The caller frees it. */
char *fixture_ask(const char *path, const struct alog_query *query, const char *columns);

/* One real number of the answer. Fails the test when it is NULL or not there. */
double fixture_ask_real(const char *path, const struct alog_query *query, size_t row,
                        const char *column);

/* Fails unless `actual` is within 1.1 % of `expected`. */
void fixture_assert_near(double actual, double expected);

#endif
