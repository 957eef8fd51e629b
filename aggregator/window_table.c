#include "window_table.h"

#include <stdlib.h>

#include "levels.h"
#include "sql_error.h"

/* The arguments, hidden columns behind the rollup's own; then one for each dimension. */
enum argument {
    ENVIRONMENT,
    HEAD_HOUR,
    HEAD_DAY,
    HEAD_MONTH,
    TAIL_MONTH,
    TAIL_DAY,
    TAIL_HOUR,
    FIRST_FILTER
};
static const char *const argument_names[FIRST_FILTER] = {
    "asked_environment", "head_hour", "head_day", "head_month",
    "tail_month",        "tail_day",  "tail_hour"};

struct window_table {
    sqlite3_vtab base;
    sqlite3 *db;
    enum alog_rollup rollup;
};

struct window_cursor {
    sqlite3_vtab_cursor base;
    uint64_t used; /* columns, as bits */
    struct alog_groups groups;
    /* What the last row read said, and the name that it has there: rows come in key order. */
    uint32_t names[1 + ALOG_MAX_DIMENSIONS];
    uint32_t at;
};

static const struct alog_rollup_kind *kind_of(const struct window_cursor *cursor) {
    return alog_rollup_kind(((const struct window_table *)cursor->base.pVtab)->rollup);
}

/* Columns: environment, dimensions, what is counted, arguments. */
static unsigned first_counted(const struct alog_rollup_kind *kind) {
    return 1 + kind->dimension_count;
}

static unsigned first_argument(const struct alog_rollup_kind *kind) {
    return first_counted(kind) + kind->column_count;
}

static unsigned argument_count(const struct alog_rollup_kind *kind) {
    return FIRST_FILTER + kind->dimension_count;
}

static bool is_used(const struct window_cursor *cursor, unsigned column) {
    return (cursor->used >> column & 1) != 0;
}

static int fail(struct window_cursor *cursor, int code, const char *why) {
    sqlite3_free(cursor->base.pVtab->zErrMsg);
    cursor->base.pVtab->zErrMsg = sqlite3_mprintf("%s: %s", kind_of(cursor)->table, why);
    return code;
}

/* ---- The table ---- */

static char *declaration(const struct alog_rollup_kind *kind) {
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendall(sql, "CREATE TABLE x (environment TEXT");
    for (unsigned i = 0; i < kind->dimension_count; i++) {
        sqlite3_str_appendf(sql, ", %s TEXT", kind->dimensions[i]);
    }
    for (unsigned i = 0; i < kind->column_count; i++) {
        sqlite3_str_appendf(sql, ", %s", kind->columns[i].name);
    }
    for (unsigned i = 0; i < FIRST_FILTER; i++) {
        sqlite3_str_appendf(sql, ", %s HIDDEN", argument_names[i]);
    }
    for (unsigned i = 0; i < kind->dimension_count; i++) {
        sqlite3_str_appendf(sql, ", only_%s HIDDEN", kind->dimensions[i]);
    }
    sqlite3_str_appendall(sql, ")");
    return sqlite3_str_finish(sql);
}

static int connect(sqlite3 *db, void *context, int argc, const char *const *argv,
                   sqlite3_vtab **ret_table, char **ret_message) {
    (void)argc;
    (void)argv;
    (void)ret_message;
    const struct alog_rollup_kind *kind = context;
    struct window_table *table = sqlite3_malloc(sizeof(*table));
    char *sql = declaration(kind);
    int code = table && sql ? sqlite3_declare_vtab(db, sql) : SQLITE_NOMEM;
    sqlite3_free(sql);
    if (code != SQLITE_OK) {
        sqlite3_free(table);
        return code;
    }
    *table = (struct window_table){.db = db,
                                   .rollup = alog_window_rollup(kind->table, strlen(kind->table))};
    *ret_table = &table->base;
    return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *base) {
    sqlite3_free(base);
    return SQLITE_OK;
}

/* One plan only: all arguments given. It carries which columns the statement names. */
static int best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    const struct alog_rollup_kind *kind = alog_rollup_kind(((struct window_table *)base)->rollup);
    unsigned first = first_argument(kind), given = 0;
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *constraint = &info->aConstraint[i];
        if (constraint->usable && constraint->op == SQLITE_INDEX_CONSTRAINT_EQ &&
            constraint->iColumn >= (int)first) {
            info->aConstraintUsage[i].argvIndex = constraint->iColumn - (int)first + 1;
            info->aConstraintUsage[i].omit = 1;
            given++;
        }
    }
    info->idxStr = sqlite3_mprintf("%llx", (unsigned long long)info->colUsed);
    info->needToFreeIdxStr = 1;
    info->estimatedCost = 10000;
    info->estimatedRows = 1000;
    return given != argument_count(kind) ? SQLITE_CONSTRAINT
           : info->idxStr                ? SQLITE_OK
                                         : SQLITE_NOMEM;
}

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **ret_cursor) {
    (void)base;
    struct window_cursor *cursor = calloc(1, sizeof(*cursor));
    if (!cursor) {
        return SQLITE_NOMEM;
    }
    *ret_cursor = &cursor->base;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base) {
    struct window_cursor *cursor = (struct window_cursor *)base;
    alog_groups_free(&cursor->groups);
    free(cursor);
    return SQLITE_OK;
}

/* ---- Reading ---- */

/* Parameters 1 and 2 are the part's bounds, 3 the environment, 4 and on the dimensions. */
static char *part_sql(const struct window_cursor *cursor, const char *suffix, const char *epoch,
                      sqlite3_value **arguments) {
    const struct alog_rollup_kind *kind = kind_of(cursor);
    const char *environment = (const char *)sqlite3_value_text(arguments[ENVIRONMENT]);
    bool everywhere = environment && strcmp(environment, "*") == 0;
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendall(sql, "SELECT environment");
    for (unsigned i = 0; i < kind->dimension_count; i++) {
        if (is_used(cursor, 1 + i)) {
            sqlite3_str_appendf(sql, ", %s", kind->dimensions[i]);
        }
    }
    for (unsigned i = 0; i < kind->column_count; i++) {
        if (is_used(cursor, first_counted(kind) + i)) {
            sqlite3_str_appendf(sql, ", %s", kind->columns[i].name);
        }
    }
    sqlite3_str_appendf(
        sql, " FROM %s%s WHERE environment %s AND %s >= ?1 AND %s < ?2", kind->table, suffix,
        everywhere ? "IN (SELECT environment FROM v_environments)" : "= ?3", epoch, epoch);
    for (unsigned i = 0; i < kind->dimension_count; i++) {
        if (sqlite3_value_type(arguments[FIRST_FILTER + i]) != SQLITE_NULL) {
            sqlite3_str_appendf(sql, " AND %s = ?%u", kind->dimensions[i], 4 + i);
        }
    }
    return sqlite3_str_finish(sql);
}

/* The name that a text has in the groups. False: no memory. */
static bool name_of(struct window_cursor *cursor, sqlite3_stmt *row, int column, uint32_t *last) {
    struct alog_string text = {(const char *)sqlite3_column_text(row, column), 0};
    text.len = (size_t)sqlite3_column_bytes(row, column);
    if (!text.data) {
        return false;
    }
    if (cursor->groups.names.count == 0 ||
        !alog_string_equal(cursor->groups.names.texts[*last], text)) {
        *last = alog_names_add(&cursor->groups.names, text);
    }
    return *last != ALOG_NAME_NONE;
}

static int merge_column(struct window_cursor *cursor, const struct alog_rollup_column *column,
                        void *to_row, sqlite3_stmt *row, int at) {
    void *to = (char *)to_row + column->offset;
    int64_t *number = to;
    enum alog_status status = ALOG_OK;
    switch (column->merge) {
    case ALOG_MERGE_BITS:
        *number |= sqlite3_column_int64(row, at);
        break;
    case ALOG_MERGE_LEAST:
        *number = *number < sqlite3_column_int64(row, at) ? *number : sqlite3_column_int64(row, at);
        break;
    case ALOG_MERGE_MOST:
        *number = *number > sqlite3_column_int64(row, at) ? *number : sqlite3_column_int64(row, at);
        break;
    case ALOG_MERGE_HISTOGRAM: {
        const void *bytes = sqlite3_column_blob(row, at);
        status = alog_sketch_merge_bytes(to, bytes, (size_t)sqlite3_column_bytes(row, at),
                                         &cursor->groups.arena);
        break;
    }
    case ALOG_MERGE_SAMPLE: { /* its time is the column behind it */
        const char *text = (const char *)sqlite3_column_text(row, at);
        struct alog_string sample = {text, (size_t)sqlite3_column_bytes(row, at)};
        status =
            text ? alog_groups_offer_sample(&cursor->groups, to,
                                            *(int64_t *)((char *)to_row + column->first_ns_offset),
                                            sqlite3_column_int64(row, at + 1), sample)
                 : ALOG_NO_MEMORY;
        break;
    }
    default:
        alog_groups_add(&cursor->groups, number, sqlite3_column_int64(row, at));
        break;
    }
    switch (status) {
    case ALOG_OK:
        return SQLITE_OK;
    case ALOG_NO_MEMORY:
        return SQLITE_NOMEM;
    case ALOG_LIMIT:
        return fail(cursor, SQLITE_ERROR, "the counts of a latency sketch leave 64 bits");
    default:
        return fail(cursor, SQLITE_CORRUPT, "a latency sketch cannot be read");
    }
}

static int take_row(struct window_cursor *cursor, sqlite3_stmt *row) {
    const struct window_table *table = (const struct window_table *)cursor->base.pVtab;
    const struct alog_rollup_kind *kind = kind_of(cursor);
    struct alog_group_key key = {.hour_epoch = 0};
    int at = 1;
    if (is_used(cursor, 0)) {
        if (!name_of(cursor, row, 0, &cursor->names[0])) {
            return SQLITE_NOMEM;
        }
        key.environment = cursor->names[0];
    }
    for (unsigned i = 0; i < kind->dimension_count; i++) {
        if (is_used(cursor, 1 + i)) {
            if (!name_of(cursor, row, at++, &cursor->names[1 + i])) {
                return SQLITE_NOMEM;
            }
            key.dimensions[i] = cursor->names[1 + i];
        }
    }
    void *to = alog_groups_row(&cursor->groups, table->rollup, &key);
    int code = to ? SQLITE_OK : SQLITE_NOMEM;
    for (unsigned i = 0; code == SQLITE_OK && i < kind->column_count; i++) {
        if (is_used(cursor, first_counted(kind) + i)) {
            code = merge_column(cursor, &kind->columns[i], to, row, at++);
        }
    }
    return code;
}

static int take_rows(struct window_cursor *cursor, sqlite3_stmt *rows, sqlite3_int64 from,
                     sqlite3_int64 below) {
    if (from >= below) {
        return SQLITE_OK;
    }
    sqlite3_bind_int64(rows, 1, from);
    sqlite3_bind_int64(rows, 2, below);
    int code, taken = SQLITE_OK;
    while (taken == SQLITE_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        taken = take_row(cursor, rows);
    }
    code = sqlite3_reset(rows);
    return taken != SQLITE_OK ? taken : code;
}

/* One level of the window: what stands before its middle and what stands behind it. */
static int take_level(struct window_cursor *cursor, const char *suffix, const char *epoch,
                      const enum argument bounds[4], sqlite3_value **arguments) {
    sqlite3_int64 at[4];
    for (int i = 0; i < 4; i++) {
        at[i] = sqlite3_value_int64(arguments[bounds[i]]);
    }
    if (at[0] >= at[1] && at[2] >= at[3]) {
        return SQLITE_OK;
    }
    const struct window_table *table = (const struct window_table *)cursor->base.pVtab;
    char *sql = part_sql(cursor, suffix, epoch, arguments);
    sqlite3_stmt *rows = NULL;
    int code = sql ? sqlite3_prepare_v2(table->db, sql, -1, &rows, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    if (code == SQLITE_OK) {
        sqlite3_bind_value(rows, 3, arguments[ENVIRONMENT]);
        for (unsigned i = 0; i < kind_of(cursor)->dimension_count; i++) {
            sqlite3_bind_value(rows, 4 + (int)i, arguments[FIRST_FILTER + i]);
        }
        code = take_rows(cursor, rows, at[0], at[1]);
    }
    if (code == SQLITE_OK) {
        code = take_rows(cursor, rows, at[2], at[3]);
    }
    if (code != SQLITE_OK && !cursor->base.pVtab->zErrMsg) {
        fail(cursor, code, sqlite3_errmsg(table->db));
    }
    sqlite3_finalize(rows);
    return code;
}

static int filter(sqlite3_vtab_cursor *base, int index, const char *used, int argc,
                  sqlite3_value **arguments) {
    static const struct {
        const char *suffix, *epoch;
        enum argument bounds[4];
    } levels[] = {{"_month", "month_epoch", {HEAD_MONTH, TAIL_MONTH, TAIL_MONTH, TAIL_MONTH}},
                  {"_day", "day_epoch", {HEAD_DAY, HEAD_MONTH, TAIL_MONTH, TAIL_DAY}},
                  {"", "hour_epoch", {HEAD_HOUR, HEAD_DAY, TAIL_DAY, TAIL_HOUR}}};
    (void)index;
    (void)argc;
    struct window_cursor *cursor = (struct window_cursor *)base;
    const struct alog_rollup_kind *kind = kind_of(cursor);
    alog_groups_free(&cursor->groups);
    memset(cursor->names, 0, sizeof(cursor->names));
    cursor->at = 0;
    cursor->used = strtoull(used, NULL, 16);
    for (unsigned i = 0; i + 1 < kind->column_count; i++) { /* a sample needs its time */
        if (kind->columns[i].merge == ALOG_MERGE_SAMPLE &&
            is_used(cursor, first_counted(kind) + i)) {
            cursor->used |= UINT64_C(2) << (first_counted(kind) + i);
        }
    }
    int code = SQLITE_OK;
    for (size_t i = 0; code == SQLITE_OK && i < sizeof(levels) / sizeof(levels[0]); i++) {
        code = take_level(cursor, levels[i].suffix, levels[i].epoch, levels[i].bounds, arguments);
    }
    if (code == SQLITE_OK && cursor->groups.overflow) {
        code = fail(cursor, SQLITE_ERROR, "integer overflow");
    }
    return code;
}

/* ---- Giving ---- */

static int next(sqlite3_vtab_cursor *base) {
    ((struct window_cursor *)base)->at++;
    return SQLITE_OK;
}

static uint32_t row_count(const struct window_cursor *cursor) {
    return cursor->groups.tables[((const struct window_table *)cursor->base.pVtab)->rollup].count;
}

static int at_end(sqlite3_vtab_cursor *base) {
    const struct window_cursor *cursor = (const struct window_cursor *)base;
    return cursor->at >= row_count(cursor);
}

static int row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *ret_id) {
    *ret_id = ((struct window_cursor *)base)->at;
    return SQLITE_OK;
}

static void give_text(sqlite3_context *context, struct alog_string text) {
    sqlite3_result_text64(context, text.data, text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static void give_sketch(sqlite3_context *context, const struct alog_sketch *sketch) {
    uint8_t *bytes = sqlite3_malloc64(alog_sketch_encoded_bound(sketch));
    if (bytes) {
        sqlite3_result_blob64(context, bytes, alog_sketch_encode(sketch, bytes), sqlite3_free);
    } else {
        sqlite3_result_error_nomem(context);
    }
}

static void give_counted(sqlite3_context *context, const struct alog_rollup_column *column,
                         const void *row) {
    const void *value = (const char *)row + column->offset;
    if (column->merge == ALOG_MERGE_HISTOGRAM) {
        give_sketch(context, value);
    } else if (column->merge == ALOG_MERGE_SAMPLE) {
        give_text(context, alog_sample_text(*(const struct alog_sample *const *)value));
    } else {
        sqlite3_result_int64(context, *(const int64_t *)value);
    }
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int index) {
    const struct window_cursor *cursor = (const struct window_cursor *)base;
    const struct alog_rollup_kind *kind = kind_of(cursor);
    const struct alog_group *group = alog_groups_at(
        &cursor->groups, ((const struct window_table *)base->pVtab)->rollup, cursor->at);
    unsigned at = (unsigned)index;
    if (at == 0) {
        give_text(context, cursor->groups.names.texts[group->key.environment]);
    } else if (at < first_counted(kind)) {
        give_text(context, cursor->groups.names.texts[group->key.dimensions[at - 1]]);
    } else if (at < first_argument(kind)) {
        give_counted(context, &kind->columns[at - first_counted(kind)], group->row);
    }
    return SQLITE_OK;
}

/* ---- Registering ---- */

enum alog_rollup alog_window_rollup(const char *table, size_t len) {
    enum alog_rollup rollup = 0;
    while (rollup < ALOG_ROLLUP_COUNT &&
           !(strlen(alog_rollup_kind(rollup)->table) == len &&
             memcmp(alog_rollup_kind(rollup)->table, table, len) == 0)) {
        rollup++;
    }
    return rollup < ALOG_ROLLUP_COUNT && alog_level_wanted(rollup) ? rollup : ALOG_ROLLUP_COUNT;
}

enum alog_status alog_window_tables_register(sqlite3 *db, struct alog_error *error) {
    /* Without xCreate: a table that is simply there, under the module's name. */
    static const sqlite3_module module = {.xConnect = connect,
                                          .xBestIndex = best_index,
                                          .xDisconnect = disconnect,
                                          .xOpen = open_cursor,
                                          .xClose = close_cursor,
                                          .xFilter = filter,
                                          .xNext = next,
                                          .xEof = at_end,
                                          .xColumn = column,
                                          .xRowid = row_id};
    for (enum alog_rollup rollup = 0; rollup < ALOG_ROLLUP_COUNT; rollup++) {
        if (alog_level_wanted(rollup)) {
            const struct alog_rollup_kind *kind = alog_rollup_kind(rollup);
            char name[64];
            sqlite3_snprintf(sizeof(name), name, "window_%s", kind->table);
            /* Only read: the module's context is not const in SQLite's signature. */
            void *context = (void *)(uintptr_t)kind;
            if (sqlite3_create_module(db, name, &module, context) != SQLITE_OK) {
                return alog_sql_fail(db, error, "registering tables");
            }
        }
    }
    return ALOG_OK;
}
