#include "database_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "aggregator/sketch.h"
#include "aggregator/sql_functions.h"
#include "aggregator/store.h"
#include "aggregator/summarise.h"

static void sketch(sqlite3_context *context, int count, sqlite3_value **values) {
    struct alog_sketch made = {0};
    for (int i = 0; i < count; i++) {
        assert_int_equal(alog_sketch_add(&made, sqlite3_value_int64(values[i]), NULL), ALOG_OK);
    }
    uint8_t bytes[4096];
    assert_true(alog_sketch_encoded_bound(&made) <= sizeof(bytes));
    size_t len = alog_sketch_encode(&made, bytes);
    sqlite3_result_blob64(context, bytes, len, SQLITE_TRANSIENT);
    alog_sketch_free(&made);
}

/* Statement by statement, because exec cannot bind. */
static void run_all(sqlite3 *db, const char *sql) {
    while (*sql != '\0') {
        sqlite3_stmt *statement = NULL;
        if (sqlite3_prepare_v2(db, sql, -1, &statement, &sql) != SQLITE_OK) {
            fail_msg("%s", sqlite3_errmsg(db));
        }
        if (statement) {
            int index = sqlite3_bind_parameter_index(statement, ":day");
            if (index > 0) {
                sqlite3_bind_int64(statement, index, FIXTURE_DAY);
            }
            while (sqlite3_step(statement) == SQLITE_ROW) {
            }
            if (sqlite3_finalize(statement) != SQLITE_OK) {
                fail_msg("%s", sqlite3_errmsg(db));
            }
        }
    }
}

/* Give all columns defaults, so that a test names only those that it is about. */
static void add_defaults(const char *path) {
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    run_all(db, "PRAGMA writable_schema = 1;"
                "UPDATE sqlite_schema SET sql = replace(replace(replace(sql,"
                " 'INTEGER NOT NULL', 'INTEGER NOT NULL DEFAULT 0'),"
                " 'BLOB NOT NULL', 'BLOB NOT NULL DEFAULT (x'''')'),"
                " 'TEXT NOT NULL', 'TEXT NOT NULL DEFAULT ''''')"
                " WHERE type = 'table' AND sql NOT LIKE '%DEFAULT%'");
    sqlite3_close(db);
}

static struct alog_store *open_store(const char *path, const struct alog_store_settings *settings) {
    struct alog_store *store = NULL;
    struct alog_error error = {0};
    if (alog_store_open(path, settings, &store, &error) != ALOG_OK) {
        fail_msg("%s", error.message);
    }
    return store;
}

char *fixture_database_fill(const char *directory, int offset_s, const char *sql) {
    char path[600];
    snprintf(path, sizeof(path), "%s/test.db", directory);
    struct alog_store_settings settings = {.time_zone_offset_s = offset_s,
                                           .dimension_cap = ALOG_DEFAULT_DIMENSION_CAP};
    struct alog_error error = {0};
    alog_latency_limits_default(&settings.latency_limits);
    struct alog_store *store = open_store(path, &settings);
    assert_int_equal(alog_store_close(store, &error), ALOG_OK);
    add_defaults(path);
    store = open_store(path, &settings);
    sqlite3 *db = alog_store_db(store);
    sqlite3_create_function(db, "sketch", -1, SQLITE_UTF8, NULL, sketch, NULL, NULL);
    assert_int_equal(alog_store_begin(store, &error), ALOG_OK);
    run_all(db, sql);
    uint64_t days = 0;
    if (alog_summarise_dirty(db, INT64_MAX, &days, &error) != ALOG_OK) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(alog_store_commit(store, &error), ALOG_OK);
    assert_int_equal(alog_store_close(store, &error), ALOG_OK);
    return strdup(path);
}

char *fixture_select(const char *path, const char *sql) {
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        fail_msg("%s", sqlite3_errmsg(db));
    }
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            fputs(i == 0 ? "" : "|", out);
            switch (sqlite3_column_type(statement, i)) {
            case SQLITE_NULL:
                fputc('-', out);
                break;
            case SQLITE_FLOAT:
                fprintf(out, "%.6g", sqlite3_column_double(statement, i));
                break;
            default:
                fputs((const char *)sqlite3_column_text(statement, i), out);
            }
        }
        fputc('\n', out);
    }
    if (sqlite3_finalize(statement) != SQLITE_OK) {
        fail_msg("%s", sqlite3_errmsg(db));
    }
    sqlite3_close(db);
    fclose(out);
    return text;
}

static struct alog_table *ask(const char *path, const struct alog_query *query) {
    struct alog_db *db = NULL;
    struct alog_table *table = NULL;
    struct alog_error error = {0};
    if (alog_db_open(path, &db, &error) != ALOG_OK ||
        alog_db_query(db, query, &table, &error) != ALOG_OK) {
        fail_msg("%s", error.message);
    }
    alog_db_close(db); /* a table outlives its database */
    return table;
}

static size_t column_of(const struct alog_table *table, const char *name, size_t len) {
    for (size_t i = 0; i < table->column_count; i++) {
        if (strlen(table->columns[i].name) == len &&
            memcmp(table->columns[i].name, name, len) == 0) {
            return i;
        }
    }
    fail_msg("no column %.*s", (int)len, name);
    return 0;
}

static void print_cell(FILE *out, const struct alog_value *cell) {
    switch (cell->kind) {
    case ALOG_VALUE_NULL:
        fputc('-', out);
        break;
    case ALOG_VALUE_BOOL:
        fputs(cell->boolean ? "yes" : "no", out);
        break;
    case ALOG_VALUE_I64:
        fprintf(out, "%lld", (long long)cell->i64);
        break;
    case ALOG_VALUE_F64:
        fprintf(out, "%.6g", cell->f64);
        break;
    case ALOG_VALUE_STRING:
        assert_int_equal(cell->string.data[cell->string.len], '\0');
        fwrite(cell->string.data, 1, cell->string.len, out);
        break;
    default:
        fail_msg("a cell of kind %d", (int)cell->kind);
    }
}

char *fixture_ask(const char *path, const struct alog_query *query, const char *columns) {
    struct alog_table *table = ask(path, query);
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    for (size_t row = 0; row < table->row_count; row++) {
        for (const char *name = columns; *name != '\0';) {
            size_t len = strcspn(name, " ");
            size_t column = column_of(table, name, len);
            print_cell(out, &table->cells[row * table->column_count + column]);
            name += len + strspn(name + len, " ");
            fputs(*name != '\0' ? "|" : "\n", out);
        }
    }
    fclose(out);
    alog_table_free(table);
    return text;
}

double fixture_ask_real(const char *path, const struct alog_query *query, size_t row,
                        const char *column) {
    struct alog_table *table = ask(path, query);
    assert_true(row < table->row_count);
    size_t index = column_of(table, column, strlen(column));
    const struct alog_value *cell = &table->cells[row * table->column_count + index];
    assert_int_equal(cell->kind, ALOG_VALUE_F64);
    double real = cell->f64;
    alog_table_free(table);
    return real;
}

void fixture_assert_near(double actual, double expected) {
    if (!(fabs(actual - expected) <= 0.011 * fabs(expected))) {
        fail_msg("%.9g is not within 1.1 %% of %.9g", actual, expected);
    }
}
