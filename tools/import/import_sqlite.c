/*
 * agentlog import sqlite: a database of the older kind, with one table for each kind of event.
 *
 * The database is opened for reading alone, all of it in one transaction. Tables and columns that
 * are not there are passed over; columns that the catalogue does not know become attributes. Views
 * and virtual tables are not read: those run code of whoever made the file.
 */
#include <agentlog/aggregator.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "import/sqlite_row.h"
#include "output.h"

#define BUSY_TIMEOUT_MS 10000
#define CHECK_OPS       100000 /* virtual machine steps between two looks for a signal */
#define SQL_BYTES       256

/* Jobs first, so that a reader of the log meets a job before its events. */
static const struct {
    const char *table, *event;
} tables[] = {{"jobs", NULL},
              {"errors", "error"},
              {"hook_executions", "hook_execution"},
              {"test_executions", "test_execution"},
              {"individual_test_executions", "individual_test_execution"},
              {"orchestration_executions", "orchestration_execution"},
              {"strategy_decisions", "strategy_decision"},
              {"agent_executions", "agent_execution"},
              {"provider_performance", "provider_performance"}};
#define TABLE_COUNT (sizeof tables / sizeof *tables)

/* An open database. */
struct source {
    struct import *import;
    const char *path;
    sqlite3 *db;
};

static void fail(const struct source *source, const char *what) {
    const int code = sqlite3_errcode(source->db) & 0xff;
    if (source->import->stopped) {
        return;
    }
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
        import_fail(source->import, EXIT_LOCKED,
                    "%s: another program has kept it locked for %d seconds", source->path,
                    BUSY_TIMEOUT_MS / 1000);
    } else if (code == SQLITE_NOTADB) {
        import_fail(source->import, EXIT_FAILED, "%s: this is not an SQLite database",
                    source->path);
    } else {
        import_fail(source->import, EXIT_FAILED, "%s: %s%s%s", source->path, what,
                    what[0] != '\0' ? ": " : "", sqlite3_errmsg(source->db));
    }
}

static int stop_asked(void *context) {
    return import_is_stopped(context);
}

/* The first column of the first row as a number; -1 after saying why not. */
static int64_t number_of(const struct source *source, const char *sql) {
    sqlite3_stmt *statement = NULL;
    int64_t number = -1;
    if (sqlite3_prepare_v2(source->db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        number = sqlite3_column_int64(statement, 0);
    } else {
        fail(source, "");
    }
    sqlite3_finalize(statement);
    return number;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static bool has_wal(const char *path) {
    struct stat facts;
    const size_t bytes = strlen(path) + sizeof "-wal";
    char *wal = output_allocate(bytes, 1);
    snprintf(wal, bytes, "%s-wal", path);
    const bool there = stat(wal, &facts) == 0 && facts.st_size > 0;
    free(wal);
    return there;
}

/* As a file: URI, whatever its name holds. */
static char *uri_of(const char *path, bool immutable) {
    const size_t bytes = 3 * strlen(path) + sizeof "file:///?immutable=1";
    char *uri = output_allocate(bytes, 1);
    size_t len = (size_t)snprintf(uri, bytes, "file:%s", path[0] == '/' ? "//" : "");
    for (const char *at = path; *at != '\0'; at++) {
        const bool plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                           (*at >= '0' && *at <= '9') || strchr("/._-", *at) != NULL;
        len +=
            (size_t)snprintf(uri + len, bytes - len, plain ? "%c" : "%%%02X", (unsigned char)*at);
    }
    snprintf(uri + len, bytes - len, "%s", immutable ? "?immutable=1" : "");
    return uri;
}

static int open_as(struct source *source, bool immutable) {
    char *uri = uri_of(source->path, immutable);
    int code = sqlite3_open_v2(uri, &source->db,
                               SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
    free(uri);
    if (code == SQLITE_OK) {
        sqlite3_busy_timeout(source->db, BUSY_TIMEOUT_MS);
        sqlite3_db_config(source->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(source->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        sqlite3_progress_handler(source->db, CHECK_OPS, stop_asked, source->import);
        code =
            sqlite3_exec(source->db, "BEGIN; SELECT COUNT(*) FROM sqlite_schema", NULL, NULL, NULL);
    }
    return code;
}

/*
 * A database with a write-ahead log needs a file beside it for its readers. Where none can be made,
 * and no log is there that holds changes, the file alone is read.
 */
static bool open_source(struct source *source) {
    struct stat facts;
    if (stat(source->path, &facts) != 0) {
        import_fail(source->import, errno == ENOENT ? EXIT_NOT_FOUND : EXIT_FAILED, "%s: %s",
                    source->path, strerror(errno));
        return false;
    }
    if (!S_ISREG(facts.st_mode)) {
        import_fail(source->import, EXIT_FAILED, "%s: this is not a file", source->path);
        return false;
    }
    int code = open_as(source, false);
    if ((code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_READONLY) {
        if (has_wal(source->path)) {
            import_fail(source->import, EXIT_FAILED,
                        "%s: its changes in %s-wal cannot be read where nothing can be written: "
                        "copy both files to another directory, and import the copy",
                        source->path, source->path);
            return false;
        }
        sqlite3_close(source->db);
        source->db = NULL;
        code = open_as(source, true);
    }
    if (code != SQLITE_OK) {
        fail(source, "");
        return false;
    }
    if (number_of(source, "PRAGMA application_id") == ALOG_APPLICATION_ID) {
        import_fail(source->import, EXIT_FAILED,
                    "%s: this is a database of agentlog itself: its events are in its log",
                    source->path);
        return false;
    }
    return true;
}

/* ---- Tables ---------------------------------------------------------------------------------- */

static bool has_table(const struct source *source, const char *name) {
    char sql[SQL_BYTES];
    snprintf(sql, sizeof sql,
             "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND "
             "lower(name) = '%s'",
             name);
    return number_of(source, sql) > 0;
}

/* Whether an INTEGER PRIMARY KEY, which is never NULL, tells the rows apart. */
static bool is_keyed(const struct source *source, const char *name) {
    char sql[SQL_BYTES];
    snprintf(sql, sizeof sql,
             "SELECT COUNT(*) = 1 AND SUM(upper(type) = 'INTEGER') = 1 FROM "
             "pragma_table_info('%s') WHERE pk > 0",
             name);
    return number_of(source, sql) > 0;
}

static sqlite3_stmt *select_rows(const struct source *source, const char *name) {
    sqlite3_stmt *rows = NULL;
    char sql[SQL_BYTES];
    snprintf(sql, sizeof sql, "SELECT rowid, * FROM \"%s\"", name);
    if (sqlite3_prepare_v2(source->db, sql, -1, &rows, NULL) == SQLITE_ERROR) {
        /* A table without rowids. */
        snprintf(sql, sizeof sql, "SELECT NULL, * FROM \"%s\"", name);
        (void)sqlite3_prepare_v2(source->db, sql, -1, &rows, NULL);
    }
    if (rows == NULL) {
        fail(source, name);
    }
    return rows;
}

static void import_table(const struct source *source, size_t at) {
    struct import *import = source->import;
    char sql[SQL_BYTES];
    snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM \"%s\"", tables[at].table);
    const int64_t total = number_of(source, sql);
    struct sqlite_table table = {.import = import,
                                 .count = import_count_of(import, tables[at].table),
                                 .path = source->path,
                                 .name = tables[at].table,
                                 .event = tables[at].event,
                                 .keyed = is_keyed(source, tables[at].table),
                                 .rows = total < 0 ? NULL : select_rows(source, tables[at].table)};
    if (table.rows != NULL && sqlite_table_begin(&table)) {
        int code = SQLITE_ROW;
        while (!import->stopped && (code = sqlite3_step(table.rows)) == SQLITE_ROW) {
            sqlite_table_row(&table);
            progress_update(&import->progress, table.count->records, (uint64_t)total);
        }
        if (code != SQLITE_ROW && code != SQLITE_DONE) {
            fail(source, table.name);
        }
        sqlite_table_end(&table);
    }
    sqlite3_finalize(table.rows);
}

void import_sqlite(struct import *import, char **paths, size_t count) {
    for (size_t i = 0; i < count && !import->stopped; i++) {
        struct source source = {.import = import, .path = paths[i]};
        if (open_source(&source)) {
            size_t found = 0;
            for (size_t at = 0; at < TABLE_COUNT && !import->stopped; at++) {
                if (has_table(&source, tables[at].table)) {
                    import_table(&source, at);
                    found++;
                }
            }
            if (found == 0 && import->code == EXIT_FINE) {
                import_fail(import, EXIT_FAILED,
                            "%s: it has none of the tables jobs, errors, hook_executions, "
                            "test_executions, …; 'agentlog help import' lists them",
                            source.path);
            }
        }
        sqlite3_close(source.db);
    }
}
