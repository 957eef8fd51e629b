#include "db_dump.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

static void require(sqlite3 *db, bool good) {
    if (!good) {
        fprintf(stderr, "db_dump: %s\n", sqlite3_errmsg(db));
        abort();
    }
}

static void dump_value(sqlite3_stmt *row, int column, FILE *out) {
    int type = sqlite3_column_type(row, column);
    if (type == SQLITE_NULL) {
        fputs("NULL", out);
        return;
    }
    if (type == SQLITE_INTEGER) {
        fprintf(out, "%lld", (long long)sqlite3_column_int64(row, column));
        return;
    }
    if (type == SQLITE_FLOAT) {
        fprintf(out, "%a", sqlite3_column_double(row, column));
        return;
    }
    const unsigned char *bytes = sqlite3_column_blob(row, column);
    int count = sqlite3_column_bytes(row, column);
    fputs(type == SQLITE_TEXT ? "'" : "x'", out);
    for (int i = 0; i < count; i++) {
        bool plain = type == SQLITE_TEXT && bytes[i] >= ' ' && bytes[i] < 127 && bytes[i] != '\'';
        fprintf(out, plain ? "%c" : "\\%02x", bytes[i]);
    }
    fputc('\'', out);
}

static void dump_query(sqlite3 *db, const char *sql, FILE *out) {
    sqlite3_stmt *row = NULL;
    require(db, sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK);
    while (sqlite3_step(row) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(row); i++) {
            fputs(i != 0 ? " | " : "", out);
            dump_value(row, i, out);
        }
        fputc('\n', out);
    }
    require(db, sqlite3_finalize(row) == SQLITE_OK);
}

/* A text that a query, which is freed, makes. */
static char *text_of(sqlite3 *db, char *sql) {
    sqlite3_stmt *row = NULL;
    require(db, sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK &&
                    sqlite3_step(row) == SQLITE_ROW);
    char *text = sqlite3_mprintf("%s", sqlite3_column_text(row, 0));
    sqlite3_finalize(row);
    sqlite3_free(sql);
    return text;
}

static char *primary_key(sqlite3 *db, const char *table) {
    return text_of(db, sqlite3_mprintf("SELECT group_concat(name, ', ') FROM (SELECT name FROM"
                                       " pragma_table_info(%Q) WHERE pk > 0 ORDER BY pk)",
                                       table));
}

static char *columns_but(sqlite3 *db, const char *table, const char *column) {
    return text_of(db, sqlite3_mprintf("SELECT group_concat(%Q || '.' || name, ', ') FROM"
                                       " pragma_table_info(%Q) WHERE name <> %Q",
                                       table, table, column));
}

/* What is dumped of a table, in the order of its key; numbers of jobs, which depend on the order of
 * the ingests, are what they stand for. */
static char *table_query(sqlite3 *db, const char *table) {
    char *key = primary_key(db, table);
    char *columns = columns_but(db, table, key);
    char *sql = strcmp(table, "jobs") == 0
                    ? sqlite3_mprintf("SELECT %s FROM jobs ORDER BY job_id, environment", columns)
                : strcmp(table, "job_details") == 0
                    ? sqlite3_mprintf("SELECT environment, job_id, %s FROM job_details"
                                      " LEFT JOIN jobs ON jobs.id = job ORDER BY job_id,"
                                      " environment",
                                      columns)
                    : sqlite3_mprintf("SELECT * FROM %s ORDER BY %s", table, key);
    sqlite3_free(columns);
    sqlite3_free(key);
    return sql;
}

static void dump_tables(sqlite3 *db, const char *except, FILE *out) {
    sqlite3_stmt *tables = NULL;
    require(db, sqlite3_prepare_v2(db,
                                   "SELECT name FROM sqlite_schema WHERE type = 'table' AND name"
                                   " IS NOT ? ORDER BY name",
                                   -1, &tables, NULL) == SQLITE_OK);
    sqlite3_bind_text(tables, 1, except, -1, SQLITE_STATIC);
    while (sqlite3_step(tables) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(tables, 0);
        char *sql = table_query(db, table);
        fprintf(out, "-- %s\n", table);
        dump_query(db, sql, out);
        sqlite3_free(sql);
    }
    require(db, sqlite3_finalize(tables) == SQLITE_OK);
}

char *db_dump(const char *db_path, const char *except) {
    sqlite3 *db = NULL;
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    if (!out) {
        abort();
    }
    require(db, sqlite3_open_v2(db_path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK);
    dump_query(db, "PRAGMA user_version", out);
    dump_query(db, "PRAGMA application_id", out);
    dump_tables(db, except, out);
    sqlite3_close(db);
    fclose(out);
    return text;
}

uint64_t db_dump_hash(const char *db_path) {
    char *text = db_dump(db_path, NULL);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *at = text; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    }
    free(text);
    return hash;
}

void db_dump_assert_equal(const char *actual_path, const char *expected_dump, const char *what) {
    char *actual = db_dump(actual_path, NULL);
    if (strcmp(actual, expected_dump) == 0) {
        free(actual);
        return;
    }
    size_t line = 0;
    for (size_t i = 0; actual[i] == expected_dump[i]; i++) {
        line = actual[i] == '\n' ? i + 1 : line;
    }
    print_error("%s: the databases differ:\n  actual   %.*s\n  expected %.*s\n", what,
                (int)strcspn(actual + line, "\n"), actual + line,
                (int)strcspn(expected_dump + line, "\n"), expected_dump + line);
    free(actual);
    fail();
}
