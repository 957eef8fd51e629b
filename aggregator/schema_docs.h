/* The table schema_docs: what every table, view and column means, out of the comments in our SQL.
 */
#ifndef AGENTLOG_AGGREGATOR_SCHEMA_DOCS_H
#define AGENTLOG_AGGREGATOR_SCHEMA_DOCS_H

#include <agentlog/agentlog.h>
#include <sqlite3.h>

/*
 * Insert a row for each documented object in `sql`, which is laid out as ours is:
 *
 *     -- What the table is: the comment lines right before it.
 *     CREATE TABLE name (
 *         column TYPE …, -- what the column is
 *                        -- and the rest of that
 *     CREATE VIEW name (
 *         column, -- what the column is
 *
 * The column is a line's first word.
 */
enum alog_status alog_schema_docs_insert(sqlite3 *db, const char *sql, struct alog_error *error);

#endif
