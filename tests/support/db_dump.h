/* A database as text, for comparing two of them: every table in the order of its primary key, and
 * without the numbers that jobs have got in it. */
#ifndef AGENTLOG_TESTS_DB_DUMP_H
#define AGENTLOG_TESTS_DB_DUMP_H

#include <stddef.h>
#include <stdint.h>

/*
 * All rows of all tables but `except` (NULL = none), a line each, after a line with the table's
 * name: the same content gives the same text. It begins with user_version and application_id. The
 * caller frees it; a failure ends the test program.
 */
char *db_dump(const char *db_path, const char *except);

/* FNV-1a over the dump. */
uint64_t db_dump_hash(const char *db_path);

/* Fails the test and shows the first line that differs. */
void db_dump_assert_equal(const char *actual_path, const char *expected_dump, const char *what);

#endif
