#include "schema_docs.h"

#include <stdio.h>

#include "sql_error.h"

#define DOC_BYTES 1024

struct docs {
    sqlite3 *db;
    sqlite3_stmt *insert;
    char doc[DOC_BYTES]; /* comment so far: of the next object, or of the last column */
    struct alog_string object, column;
};

static struct alog_string trim(struct alog_string s) {
    while (s.len != 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s.data++;
        s.len--;
    }
    while (s.len != 0 && strchr(" \t\r,;", s.data[s.len - 1]) != NULL) {
        s.len--;
    }
    return s;
}

static bool starts(struct alog_string s, const char *with) {
    size_t len = strlen(with);
    return s.len >= len && memcmp(s.data, with, len) == 0;
}

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static struct alog_string first_word(struct alog_string s) {
    size_t len = 0;
    while (len < s.len && is_word(s.data[len])) {
        len++;
    }
    return (struct alog_string){s.data, len};
}

static void append_doc(struct docs *docs, struct alog_string text) {
    size_t have = strlen(docs->doc);
    if (text.len != 0) {
        snprintf(docs->doc + have, DOC_BYTES - have, "%s%.*s", have != 0 ? " " : "", (int)text.len,
                 text.data);
    }
}

/* Write down the comment of the current object or column, if there is both, and forget it. */
static enum alog_status flush(struct docs *docs, struct alog_error *error) {
    enum alog_status status = ALOG_OK;
    if (docs->object.data && docs->column.data && docs->doc[0] != '\0') {
        sqlite3_bind_text(docs->insert, 1, docs->object.data, (int)docs->object.len, SQLITE_STATIC);
        sqlite3_bind_text(docs->insert, 2, docs->column.data, (int)docs->column.len, SQLITE_STATIC);
        sqlite3_bind_text(docs->insert, 3, docs->doc, -1, SQLITE_STATIC);
        sqlite3_step(docs->insert);
        if (sqlite3_reset(docs->insert) != SQLITE_OK) {
            status = alog_sql_fail(docs->db, error, "schema_docs");
        }
    }
    docs->column.data = NULL;
    docs->doc[0] = '\0';
    return status;
}

/* A line with SQL in it, and its comment. */
static enum alog_status take_code(struct docs *docs, struct alog_string code,
                                  struct alog_string comment, struct alog_error *error) {
    static const char table[] = "CREATE TABLE ", view[] = "CREATE VIEW ";
    if (starts(code, table) || starts(code, view)) {
        size_t skip = starts(code, view) ? sizeof(view) - 1 : sizeof(table) - 1;
        docs->object = first_word((struct alog_string){code.data + skip, code.len - skip});
        docs->column = (struct alog_string){"", 0};
        return flush(docs, error); /* the lines before it were about it */
    }
    enum alog_status status = flush(docs, error);
    if (comment.len != 0) {
        docs->column = first_word(code);
        append_doc(docs, comment);
    }
    return status;
}

static enum alog_status take_line(struct docs *docs, const char *line, size_t len,
                                  struct alog_error *error) {
    const char *dashes = memmem(line, len, "--", 2);
    struct alog_string code = {line, dashes ? (size_t)(dashes - line) : len};
    struct alog_string comment = {"", 0};
    if (dashes) {
        comment = trim((struct alog_string){dashes + 2, len - code.len - 2});
    }
    bool statement_ends = memchr(code.data, ';', code.len) != NULL;
    code = trim(code);
    if (code.len == 0 && comment.len != 0) {
        append_doc(docs, comment);
        return ALOG_OK;
    }
    if (code.len == 0) {
        return statement_ends ? ALOG_OK : flush(docs, error);
    }
    enum alog_status status = take_code(docs, code, comment, error);
    if (status == ALOG_OK && statement_ends) {
        status = flush(docs, error);
        docs->object.data = NULL;
    }
    return status;
}

enum alog_status alog_schema_docs_insert(sqlite3 *db, const char *sql, struct alog_error *error) {
    struct docs docs = {.db = db};
    if (sqlite3_prepare_v2(db, "INSERT INTO schema_docs VALUES (?, ?, ?)", -1, &docs.insert,
                           NULL) != SQLITE_OK) {
        return alog_sql_fail(db, error, "schema_docs");
    }
    enum alog_status status = ALOG_OK;
    while (*sql != '\0' && status == ALOG_OK) {
        size_t len = strcspn(sql, "\n");
        status = take_line(&docs, sql, len, error);
        sql += len + (sql[len] == '\n');
    }
    sqlite3_finalize(docs.insert);
    return status;
}
