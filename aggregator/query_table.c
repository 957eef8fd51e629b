/* A table of answers: an array of cells, and the chunks that hold their texts. */
#include <stdlib.h>

#include "format/error.h"
#include "query.h"
#include "sql_error.h"

#define CHUNK_BYTES (16u << 10)

struct chunk {
    struct chunk *next;
    size_t used, capacity;
    char bytes[];
};

/* `table` comes first: alog_table_free gets its address. */
struct owned_table {
    struct alog_table table;
    size_t row_capacity;
    struct chunk *chunks;
};

void alog_table_free(struct alog_table *table) {
    struct owned_table *owned = (struct owned_table *)table;
    if (!owned) {
        return;
    }
    while (owned->chunks) {
        struct chunk *next = owned->chunks->next;
        free(owned->chunks);
        owned->chunks = next;
    }
    free(owned->table.cells);
    free(owned);
}

/* `len` bytes and a NUL, which spares callers a copy. NULL when there is no memory. */
static const char *keep_text(struct owned_table *owned, const void *text, size_t len) {
    struct chunk *chunk = owned->chunks;
    if (!chunk || len >= chunk->capacity - chunk->used) {
        size_t capacity = len < CHUNK_BYTES ? CHUNK_BYTES : len + 1;
        chunk = malloc(sizeof(*chunk) + capacity);
        if (!chunk) {
            return NULL;
        }
        *chunk = (struct chunk){.next = owned->chunks, .capacity = capacity};
        owned->chunks = chunk;
    }
    char *copy = chunk->bytes + chunk->used;
    memcpy(copy, text, len);
    copy[len] = '\0';
    chunk->used += len + 1;
    return copy;
}

/* False when there is no memory. A cell without data is NULL, whatever its column. */
static bool take_cell(struct owned_table *owned, sqlite3_stmt *statement, int index,
                      enum alog_column_kind kind, struct alog_value *cell) {
    if (sqlite3_column_type(statement, index) == SQLITE_NULL) {
        cell->kind = ALOG_VALUE_NULL;
        return true;
    }
    switch (kind) {
    case ALOG_COLUMN_TEXT: {
        const unsigned char *text = sqlite3_column_text(statement, index);
        size_t len = (size_t)sqlite3_column_bytes(statement, index);
        cell->kind = ALOG_VALUE_STRING;
        cell->string.data = text ? keep_text(owned, text, len) : NULL;
        cell->string.len = len;
        return cell->string.data != NULL;
    }
    case ALOG_COLUMN_INTEGER:
    case ALOG_COLUMN_TIME:
        cell->kind = ALOG_VALUE_I64;
        cell->i64 = sqlite3_column_int64(statement, index);
        return true;
    case ALOG_COLUMN_BOOL:
        cell->kind = ALOG_VALUE_BOOL;
        cell->boolean = sqlite3_column_int64(statement, index) != 0;
        return true;
    case ALOG_COLUMN_REAL:
    case ALOG_COLUMN_RATE:
    case ALOG_COLUMN_MS:
    case ALOG_COLUMN_USD:
        break;
    }
    cell->kind = ALOG_VALUE_F64;
    cell->f64 = sqlite3_column_double(statement, index);
    return true;
}

/* Room for one more row; false when there is no memory. */
static bool add_row(struct owned_table *owned, size_t column_count) {
    if (owned->table.row_count == owned->row_capacity) {
        size_t capacity = owned->row_capacity == 0 ? 16 : owned->row_capacity * 2;
        struct alog_value *cells =
            reallocarray(owned->table.cells, capacity, column_count * sizeof(*cells));
        if (!cells) {
            return false;
        }
        owned->table.cells = cells;
        owned->row_capacity = capacity;
    }
    owned->table.row_count++;
    return true;
}

static bool take_row(struct owned_table *owned, sqlite3_stmt *statement,
                     const struct alog_query_form *form) {
    if (!add_row(owned, form->column_count)) {
        return false;
    }
    struct alog_value *cells =
        owned->table.cells + (owned->table.row_count - 1) * form->column_count;
    for (size_t i = 0; i < form->column_count; i++) {
        if (!take_cell(owned, statement, (int)i, form->columns[i].kind, &cells[i])) {
            return false;
        }
    }
    return true;
}

enum alog_status alog_table_collect(sqlite3 *db, sqlite3_stmt *statement,
                                    const struct alog_query_form *form,
                                    struct alog_table **ret_table, struct alog_error *error) {
    struct owned_table *owned = calloc(1, sizeof(*owned));
    if (!owned) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for the answer");
    }
    owned->table.columns = form->columns;
    owned->table.column_count = form->column_count;
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        if (!take_row(owned, statement, form)) {
            alog_table_free(&owned->table);
            return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for the answer");
        }
    }
    if (step != SQLITE_DONE) {
        alog_table_free(&owned->table);
        return alog_sql_fail(db, error, "reading the answer");
    }
    *ret_table = &owned->table;
    return ALOG_OK;
}
