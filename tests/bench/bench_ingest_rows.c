/* The other ways: a row per event in SQLite, and DuckDB over NDJSON. */
#include <fcntl.h>
#include <spawn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <agentlog/ndjson.h>
#include <agentlog/reader.h>

#include "bench_ingest.h"

extern char **environ;

static void sql(sqlite3 *db, const char *text) {
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "bench_ingest: %s: %s\n", text, sqlite3_errmsg(db));
        exit(1);
    }
}

/* A table for each event type of the catalogue: what every event has, and its fields. */
static sqlite3_stmt *make_table(sqlite3 *db, const struct alog_event_type *type) {
    sqlite3_str *table = sqlite3_str_new(NULL), *insert = sqlite3_str_new(NULL);
    sqlite3_str_appendf(table, "CREATE TABLE \"%s\" (timestamp INTEGER, job_id TEXT", type->name);
    sqlite3_str_appendf(insert, "INSERT INTO \"%s\" VALUES (?, ?", type->name);
    for (uint32_t i = 0; i < type->field_count; i++) {
        sqlite3_str_appendf(table, ", \"f_%s\"", type->fields[i].name);
        sqlite3_str_appendall(insert, ", ?");
    }
    sqlite3_str_appendall(table, ")");
    sqlite3_str_appendall(insert, ")");
    char *create = sqlite3_str_finish(table), *into = sqlite3_str_finish(insert);
    sql(db, create);
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, into, -1, &statement, NULL) != SQLITE_OK) {
        bench_die(sqlite3_errmsg(db), NULL);
    }
    sqlite3_free(create);
    sqlite3_free(into);
    return statement;
}

static void bind(sqlite3_stmt *row, int at, const struct alog_value *value) {
    switch (value->kind) {
    case ALOG_VALUE_BOOL:
        sqlite3_bind_int(row, at, value->boolean);
        break;
    case ALOG_VALUE_I64:
        sqlite3_bind_int64(row, at, value->i64);
        break;
    case ALOG_VALUE_F64:
        sqlite3_bind_double(row, at, value->f64);
        break;
    case ALOG_VALUE_STRING:
    case ALOG_VALUE_JSON:
        sqlite3_bind_text64(row, at, value->string.data, value->string.len, SQLITE_STATIC,
                            SQLITE_UTF8);
        break;
    default:
        sqlite3_bind_null(row, at);
        break;
    }
}

static void insert(sqlite3_stmt *row, const struct alog_event *event) {
    sqlite3_bind_int64(row, 1, event->timestamp_ns);
    sqlite3_bind_text64(row, 2, event->job_id.data, event->job_id.len, SQLITE_STATIC, SQLITE_UTF8);
    for (uint32_t i = 0; i < event->value_count; i++) {
        bind(row, 3 + (int)i, &event->values[i]);
    }
    sqlite3_step(row);
    if (sqlite3_reset(row) != SQLITE_OK) {
        bench_die("inserting a row", NULL);
    }
}

typedef void take_fn(void *context, const struct alog_event *event);

static uint64_t for_each(const char *log_dir, uint64_t limit, take_fn *take, void *context) {
    struct alog_segment_list list;
    struct alog_error error;
    uint64_t events = 0;
    if (alog_segments_list(log_dir, &list, &error) != ALOG_OK) {
        bench_die(log_dir, &error);
    }
    for (size_t i = 0; i < list.count && events < limit; i++) {
        struct alog_reader *reader;
        const struct alog_event *event;
        if (alog_reader_open(list.segments[i].path, NULL, NULL, NULL, &reader, &error) != ALOG_OK) {
            bench_die(list.segments[i].path, &error);
        }
        while (events < limit && alog_reader_next(reader, &event, &error) == ALOG_OK && event) {
            take(context, event);
            events++;
        }
        alog_reader_close(reader);
    }
    alog_segments_free(&list);
    return events;
}

static void take_row(void *context, const struct alog_event *event) {
    sqlite3_stmt **rows = context;
    if (event->type->id < ALOG_FIRST_USER_TYPE && rows[event->type->id]) {
        insert(rows[event->type->id], event);
    }
}

/* Agent executions by hour, agent and issue type with a 95th percentile: one of the rollups. */
static const char grouping[] =
    "SELECT hour, f_agent_name, f_issue_type, COUNT(*), SUM(f_success), AVG(f_confidence),"
    " MAX(f_execution_time_ms) FILTER (WHERE place <= 0.95) FROM (SELECT"
    " timestamp / 3600000000000 AS hour, f_agent_name, f_issue_type, f_success, f_confidence,"
    " f_execution_time_ms, PERCENT_RANK() OVER (PARTITION BY timestamp / 3600000000000,"
    " f_agent_name, f_issue_type ORDER BY f_execution_time_ms) AS place FROM agent_execution)"
    " GROUP BY 1, 2, 3";

static void rows_in_sqlite(const char *log_dir, const char *dir, uint64_t limit) {
    char path[640];
    sqlite3 *db;
    sqlite3_stmt *rows[ALOG_FIRST_USER_TYPE] = {NULL};
    snprintf(path, sizeof path, "%s/rows.db", dir);
    if (sqlite3_open(path, &db) != SQLITE_OK) {
        bench_die(path, NULL);
    }
    sql(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    size_t count;
    const struct alog_event_type *types = alog_catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        rows[types[i].id] = make_table(db, &types[i]);
    }
    double start = bench_now_s();
    sql(db, "BEGIN");
    uint64_t events = for_each(log_dir, limit, take_row, rows);
    sql(db, "COMMIT");
    double inserted = bench_now_s();
    sql(db, grouping);
    double grouped = bench_now_s();
    for (size_t i = 0; i < count; i++) {
        sqlite3_finalize(rows[types[i].id]);
    }
    int64_t executions = 0;
    sqlite3_stmt *select;
    if (sqlite3_prepare_v2(db, "SELECT COUNT(*) FROM agent_execution", -1, &select, NULL) ==
            SQLITE_OK &&
        sqlite3_step(select) == SQLITE_ROW) {
        executions = sqlite3_column_int64(select, 0);
    }
    sqlite3_finalize(select);
    printf("rows in SQLite, %llu events: %.2f M events/s in; one grouping of %lld executions %.2f"
           " s, %.2f M/s\n",
           (unsigned long long)events, (double)events / (inserted - start) / 1e6,
           (long long)executions, grouped - inserted,
           (double)executions / (grouped - inserted) / 1e6);
    sqlite3_close(db);
    unlink(path);
}

struct text_file {
    FILE *file;
    struct alog_text text;
};

static void take_text(void *context, const struct alog_event *event) {
    struct text_file *out = context;
    out->text.len = 0;
    if (alog_ndjson_write(event, &out->text) != ALOG_OK ||
        fwrite(out->text.data, 1, out->text.len, out->file) != out->text.len) {
        bench_die("writing NDJSON", NULL);
    }
}

static void duckdb(const char *log_dir, const char *dir, uint64_t limit) {
    char path[640];
    snprintf(path, sizeof path, "%s/events.ndjson", dir);
    struct text_file out = {.file = fopen(path, "w")};
    if (!out.file) {
        bench_die(path, NULL);
    }
    uint64_t events = for_each(log_dir, limit, take_text, &out);
    fclose(out.file);
    alog_text_free(&out.text);
    const char *source = getenv("ALOG_SOURCE_DIR");
    char script[640], count[32];
    snprintf(script, sizeof script, "%s/tests/bench/duckdb_ndjson.mjs", source ? source : ".");
    snprintf(count, sizeof count, "%llu", (unsigned long long)events);
    char *argv[] = {"node", script, path, count, NULL};
    pid_t child;
    int status = 0;
    fflush(stdout);
    if (access(script, R_OK) != 0 || posix_spawnp(&child, "node", NULL, NULL, argv, environ) != 0 ||
        waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        printf("DuckDB over NDJSON: skipped: no Node, no package @duckdb/node-api, or not run from"
               " the source directory\n");
    }
    unlink(path);
}

void bench_rows(const char *log_dir, const char *dir, uint64_t limit) {
    rows_in_sqlite(log_dir, dir, limit);
    duckdb(log_dir, dir, limit);
}
