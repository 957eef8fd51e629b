/*
 * What people use today instead, called with the same event: a line of text, a datagram to a
 * collector, a row in SQLite. Each does what its name says and no more: the text is made with the
 * library's own formatting, the collector receives and forgets, the row goes into one table.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "bench_writer.h"

#define LINE_BYTES  512
#define JOB_ID      "job-000000000042"
#define STRING(s)   (int)(s).len, (s).data
#define COUNT_OF(a) (sizeof(a) / sizeof *(a))

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- Text ------------------------------------------------------------------------------------ */

static size_t make_line(char *line, const struct alog_agent_execution *e) {
    int len = snprintf(
        line, LINE_BYTES,
        "{\"event\":\"agent_execution\",\"timestamp\":%" PRId64 ",\"job_id\":\"" JOB_ID
        "\",\"agent_name\":\"%.*s\",\"issue_type\":\"%.*s\",\"success\":%s,\"confidence\":%g,"
        "\"fixes_applied\":%" PRId64 ",\"files_modified\":%" PRId64 ",\"remaining_issues\":%" PRId64
        ",\"execution_time_ms\":%g,\"provider_id\":\"%.*s\",\"model\":\"%.*s\",\"attempt\":%" PRId64
        "}\n",
        now_ns(), STRING(e->agent_name), STRING(e->issue_type), e->success ? "true" : "false",
        e->confidence.value, e->fixes_applied.value, e->files_modified.value,
        e->remaining_issues.value, e->execution_time_ms.value, STRING(e->provider_id),
        STRING(e->model), e->attempt.value);
    return len < LINE_BYTES ? (size_t)len : LINE_BYTES;
}

static FILE *open_text(const char *dir) {
    char path[1024];
    snprintf(path, sizeof path, "%s/events.ndjson", dir);
    FILE *file = fopen(path, "ae");
    if (file == NULL) {
        bench_die("cannot open a text file");
    }
    return file;
}

static void *open_line_buffered(const char *dir) {
    return open_text(dir);
}

static bool log_flushed(void *state, const struct alog_agent_execution *event) {
    char line[LINE_BYTES];
    size_t len = make_line(line, event);
    return fwrite(line, 1, len, state) == len && fflush(state) == 0;
}

static bool log_synced(void *state, const struct alog_agent_execution *event) {
    return log_flushed(state, event) && fdatasync(fileno(state)) == 0;
}

static void close_text(void *state) {
    fclose(state);
}

/* ---- A collector ------------------------------------------------------------------------------
 */

struct collector {
    int agent, daemon;
    pthread_t thread;
};

static void *collect(void *argument) {
    struct collector *collector = argument;
    char line[LINE_BYTES];
    while (recv(collector->daemon, line, sizeof line, 0) > 0) {
    }
    return NULL;
}

static void *open_collector(const char *dir) {
    (void)dir;
    int ends[2];
    struct collector *collector = malloc(sizeof *collector);
    if (collector == NULL || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) != 0) {
        bench_die("cannot make a socket");
    }
    *collector = (struct collector){.agent = ends[0], .daemon = ends[1]};
    if (pthread_create(&collector->thread, NULL, collect, collector) != 0) {
        bench_die("cannot start a thread");
    }
    return collector;
}

static bool log_datagram(void *state, const struct alog_agent_execution *event) {
    const struct collector *collector = state;
    char line[LINE_BYTES];
    size_t len = make_line(line, event);
    return send(collector->agent, line, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static void close_collector(void *state) {
    struct collector *collector = state;
    (void)send(collector->agent, "", 0, MSG_NOSIGNAL); /* an empty one ends it */
    pthread_join(collector->thread, NULL);
    close(collector->agent);
    close(collector->daemon);
    free(collector);
}

/* ---- SQLite -----------------------------------------------------------------------------------
 */

struct rows {
    sqlite3 *db;
    sqlite3_stmt *insert;
};

static void *open_rows(const char *dir, const char *pragmas) {
    char path[1024];
    snprintf(path, sizeof path, "%s/metrics.db", dir);
    struct rows *rows = malloc(sizeof *rows);
    if (rows == NULL || sqlite3_open(path, &rows->db) != SQLITE_OK ||
        sqlite3_exec(rows->db, pragmas, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(rows->db,
                     "CREATE TABLE agent_executions(id INTEGER PRIMARY KEY, timestamp INTEGER,"
                     " job_id TEXT, agent_name TEXT, issue_type TEXT, success INTEGER,"
                     " confidence REAL, fixes_applied INTEGER, files_modified INTEGER,"
                     " remaining_issues INTEGER, execution_time_ms REAL, provider_id TEXT,"
                     " model TEXT, attempt INTEGER)",
                     NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(rows->db,
                           "INSERT INTO agent_executions"
                           " VALUES(NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                           -1, &rows->insert, NULL) != SQLITE_OK) {
        bench_die("cannot make a table");
    }
    return rows;
}

static void *open_wal(const char *dir) {
    return open_rows(dir, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
}

static void *open_default(const char *dir) {
    return open_rows(dir, "");
}

static void bind_text(sqlite3_stmt *statement, int at, struct alog_string text) {
    sqlite3_bind_text(statement, at, text.data, (int)text.len, SQLITE_STATIC);
}

static bool log_row(void *state, const struct alog_agent_execution *e) {
    sqlite3_stmt *insert = ((struct rows *)state)->insert;
    sqlite3_bind_int64(insert, 1, now_ns());
    bind_text(insert, 2, ALOG_STR(JOB_ID));
    bind_text(insert, 3, e->agent_name);
    bind_text(insert, 4, e->issue_type);
    sqlite3_bind_int(insert, 5, e->success);
    sqlite3_bind_double(insert, 6, e->confidence.value);
    sqlite3_bind_int64(insert, 7, e->fixes_applied.value);
    sqlite3_bind_int64(insert, 8, e->files_modified.value);
    sqlite3_bind_int64(insert, 9, e->remaining_issues.value);
    sqlite3_bind_double(insert, 10, e->execution_time_ms.value);
    bind_text(insert, 11, e->provider_id);
    bind_text(insert, 12, e->model);
    sqlite3_bind_int64(insert, 13, e->attempt.value);
    bool stored = sqlite3_step(insert) == SQLITE_DONE;
    sqlite3_reset(insert);
    return stored;
}

static void close_rows(void *state) {
    struct rows *rows = state;
    sqlite3_finalize(rows->insert);
    sqlite3_close(rows->db);
    free(rows);
}

/* ---- All of them ------------------------------------------------------------------------------
 */

static const struct bench_other others[] = {
    {"text, a line and fflush", 1, open_line_buffered, log_flushed, close_text},
    {"text, and fdatasync", 100, open_line_buffered, log_synced, close_text},
    {"datagram to a collector", 1, open_collector, log_datagram, close_collector},
    {"SQLite INSERT, WAL, NORMAL", 10, open_wal, log_row, close_rows},
    {"SQLite INSERT, its defaults", 500, open_default, log_row, close_rows},
};

const struct bench_other *bench_others(size_t *ret_count) {
    *ret_count = COUNT_OF(others);
    return others;
}
