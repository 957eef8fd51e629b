/* A row of a database of the older kind as events. */
#ifndef AGENTLOG_TOOLS_SQLITE_ROW_H
#define AGENTLOG_TOOLS_SQLITE_ROW_H

#include <sqlite3.h>

#include "import/id_set.h"
#include "import/import_event.h"
#include "import/import_run.h"

#define SQLITE_ROW_MAX_COLUMNS 256

/* A table, and a SELECT of its rows: the rowid, then every column. */
struct sqlite_table {
    struct import *import;
    struct import_count *count;
    const char *path; /* of the database, for messages */
    const char *name;
    const char *event; /* what its rows are; NULL = jobs */
    sqlite3_stmt *rows;
    bool keyed;                          /* some column tells its rows apart */
    int columns[SQLITE_ROW_MAX_COLUMNS]; /* in the order of their names, for hashing */
    int column_count;
    struct event_draft draft;
    struct id_hasher *hasher;
    struct id_counts seen; /* rows of a table that is not keyed */
};

/* Find out the columns. False after saying why it cannot be read. */
bool sqlite_table_begin(struct sqlite_table *table);
void sqlite_table_end(struct sqlite_table *table);

/* The row that `rows` is at. */
void sqlite_table_row(struct sqlite_table *table);

#endif
