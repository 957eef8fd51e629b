/* A row of a database of the older kind as events. */
#include "import/sqlite_row.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define FIRST_COLUMN 1 /* behind the rowid */
#define ID_BYTES     160
#define PLACE_BYTES  320

/* ---- Columns --------------------------------------------------------------------------------- */

static const char *column_name(const struct sqlite_table *table, int column) {
    const char *name = sqlite3_column_name(table->rows, column);
    return name == NULL ? "" : name;
}

static int find_column(const struct sqlite_table *table, const char *name) {
    for (int i = 0; i < table->column_count; i++) {
        if (strcasecmp(column_name(table, table->columns[i]), name) == 0) {
            return table->columns[i];
        }
    }
    return -1;
}

bool sqlite_table_begin(struct sqlite_table *table) {
    const int count = sqlite3_column_count(table->rows);
    if (count > SQLITE_ROW_MAX_COLUMNS) {
        import_fail(table->import, EXIT_PARTLY, "%s: %s: the table has %d columns, the most is %d",
                    table->path, table->name, count - FIRST_COLUMN, SQLITE_ROW_MAX_COLUMNS - 1);
        return false;
    }
    /* By name, so that a row stays the same when its table is made anew in another order. */
    for (int column = FIRST_COLUMN; column < count; column++) {
        int at = table->column_count++;
        for (; at > 0 && strcasecmp(column_name(table, table->columns[at - 1]),
                                    column_name(table, column)) > 0;
             at--) {
            table->columns[at] = table->columns[at - 1];
        }
        table->columns[at] = column;
    }
    table->hasher = id_hasher_new();
    return true;
}

void sqlite_table_end(struct sqlite_table *table) {
    event_draft_free(&table->draft);
    id_counts_free(&table->seen);
    if (table->hasher != NULL) {
        id_hasher_free(table->hasher);
    }
}

/* ---- Values ---------------------------------------------------------------------------------- */

static struct alog_string column_bytes(const struct sqlite_table *table, int column) {
    const void *data = sqlite3_column_blob(table->rows, column);
    const int len = sqlite3_column_bytes(table->rows, column);
    return (struct alog_string){data == NULL ? "" : data, (size_t)len};
}

static struct alog_value column_value(const struct sqlite_table *table, int column) {
    switch (column < 0 ? SQLITE_NULL : sqlite3_column_type(table->rows, column)) {
    case SQLITE_INTEGER:
        return value_of_integer(sqlite3_column_int64(table->rows, column));
    case SQLITE_FLOAT:
        return value_of_real(sqlite3_column_double(table->rows, column));
    case SQLITE_TEXT:
    case SQLITE_BLOB:
        return value_of_text(column_bytes(table, column));
    default:
        return (struct alog_value){.kind = ALOG_VALUE_ABSENT};
    }
}

/* Likewise, a number as its text. */
static struct alog_value column_as_text(const struct sqlite_table *table, int column) {
    const int type = column < 0 ? SQLITE_NULL : sqlite3_column_type(table->rows, column);
    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) {
        const void *text = sqlite3_column_text(table->rows, column);
        const int len = sqlite3_column_bytes(table->rows, column);
        return value_of_text((struct alog_string){text == NULL ? "" : text, (size_t)len});
    }
    return column_value(table, column);
}

static enum alog_status column_time(const struct sqlite_table *table, int column,
                                    struct alog_opt_i64 *ret_ns, struct alog_error *error) {
    struct import *import = table->import;
    const struct alog_value value = column_value(table, column);
    enum alog_status status = ALOG_OK;
    int64_t ns = 0;
    switch (value.kind) {
    case ALOG_VALUE_I64:
        status = import_time_of_integer(value.i64, &ns, error);
        break;
    case ALOG_VALUE_F64:
        status = import_time_of_real(value.f64, &ns, error);
        break;
    case ALOG_VALUE_STRING:
        status = import_time_parse(value.string, &import->zone, &ns, &import->zone_was_used, error);
        break;
    default:
        return ALOG_OK;
    }
    if (status == ALOG_OK) {
        *ret_ns = ALOG_I64(ns);
    }
    return status;
}

/* ---- Ids ------------------------------------------------------------------------------------- */

static void hash_value(struct sqlite_table *table, int column) {
    const char type = (char)sqlite3_column_type(table->rows, column);
    const struct alog_value value = column_value(table, column);
    id_hasher_add(table->hasher, &type, 1);
    if (value.kind == ALOG_VALUE_STRING) {
        id_hasher_add(table->hasher, value.string.data, value.string.len);
    } else {
        id_hasher_add(table->hasher, &value.i64, sizeof value.i64);
    }
}

/* Of all that is not NULL, so that a column that is added later changes nothing. */
static struct id_hash hash_row(struct sqlite_table *table) {
    char name[ALOG_MAX_NAME_BYTES + 1];
    id_hasher_begin(table->hasher);
    for (int i = 0; i < table->column_count; i++) {
        const int column = table->columns[i];
        if (sqlite3_column_type(table->rows, column) == SQLITE_NULL) {
            continue;
        }
        size_t len = 0;
        for (const char *at = column_name(table, column); *at != '\0' && len < sizeof name; at++) {
            name[len++] = (char)(*at >= 'A' && *at <= 'Z' ? *at + ('a' - 'A') : *at);
        }
        id_hasher_add(table->hasher, name, len);
        hash_value(table, column);
    }
    return id_hasher_end(table->hasher);
}

static void row_id(struct sqlite_table *table, char id[ID_BYTES]) {
    char hash_text[ID_HASH_TEXT_BYTES];
    const struct id_hash hash = hash_row(table);
    id_hash_text(hash, hash_text);
    const uint64_t again = table->keyed ? 1 : id_counts_add(&table->seen, hash);
    if (again == 1) {
        snprintf(id, ID_BYTES, "sqlite-%s-%s", table->name, hash_text);
    } else {
        snprintf(id, ID_BYTES, "sqlite-%s-%s-%" PRIu64, table->name, hash_text, again);
    }
}

/* A job is its id and start; its end may come later, and the rest may change. */
static void job_id(struct sqlite_table *table, int job, int start, const char *which,
                   char id[ID_BYTES]) {
    char hash_text[ID_HASH_TEXT_BYTES];
    id_hasher_begin(table->hasher);
    hash_value(table, job);
    if (start >= 0) {
        hash_value(table, start);
    }
    id_hash_text(id_hasher_end(table->hasher), hash_text);
    snprintf(id, ID_BYTES, "sqlite-jobs-%s-%s", hash_text, which);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* "row 17, column status" */
static void place_of(const struct sqlite_table *table, const char *column,
                     char place[PLACE_BYTES]) {
    const bool has_rowid = sqlite3_column_type(table->rows, 0) == SQLITE_INTEGER;
    if (has_rowid) {
        snprintf(place, PLACE_BYTES, "%s row %" PRId64 "%s%.200s", table->name,
                 (int64_t)sqlite3_column_int64(table->rows, 0),
                 column[0] != '\0' ? ", column " : "", column);
    } else {
        snprintf(place, PLACE_BYTES, "%s row number %" PRIu64 "%s%.200s", table->name,
                 table->count->records, column[0] != '\0' ? ", column " : "", column);
    }
}

static void skip_row(struct sqlite_table *table, const char *column, const char *reason) {
    char place[PLACE_BYTES];
    place_of(table, column, place);
    import_skip(table->import, table->count, "%s: %s: %s", table->path, place, reason);
}

static bool names_one_of(const char *name, const char *const *names) {
    for (; *names != NULL; names++) {
        if (strcasecmp(name, *names) == 0) {
            return true;
        }
    }
    return false;
}

/* The catalogue's field of that name, or -1. */
static int field_of(const struct sqlite_table *table, const char *name) {
    for (uint32_t i = 0; i < table->draft.event.type->field_count; i++) {
        if (strcasecmp(table->draft.event.type->fields[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* One column as a field. False after saying what is wrong. */
static bool take_field(struct sqlite_table *table, int column, int field) {
    struct event_draft *draft = &table->draft;
    const struct alog_field *to = &draft->event.type->fields[field];
    const bool takes_text =
        to->kind == ALOG_FIELD_NAME || to->kind == ALOG_FIELD_TEXT || to->kind == ALOG_FIELD_JSON;
    const struct alog_value given =
        takes_text ? column_as_text(table, column) : column_value(table, column);
    const char *reason = "";
    bool respelled = false;
    if (!import_convert(to, given, &draft->values[field], &respelled, &reason)) {
        skip_row(table, to->name, reason);
        return false;
    }
    if (respelled) {
        event_draft_attribute(draft, alog_str(to->name), given);
    }
    return true;
}

/*
 * Every column that is not in `elsewhere`: a field, or an attribute (with `attributes`). False
 * after saying what is wrong.
 */
static bool take_columns(struct sqlite_table *table, const char *const *elsewhere,
                         bool attributes) {
    static const char *const common[] = {"timestamp", "job_id", "environment", NULL};
    for (int i = 0; i < table->column_count; i++) {
        const int column = table->columns[i];
        const char *name = column_name(table, column);
        const int field = field_of(table, name);
        if (names_one_of(name, common) || sqlite3_column_type(table->rows, column) == SQLITE_NULL) {
            continue;
        }
        if (field >= 0) {
            if (!take_field(table, column, field)) {
                return false;
            }
        } else if (attributes && !names_one_of(name, elsewhere)) {
            event_draft_attribute(&table->draft, alog_str(name), column_value(table, column));
        }
    }
    return true;
}

static void log_draft(struct sqlite_table *table, int64_t timestamp_ns, const char *id) {
    struct alog_event *event = &table->draft.event;
    struct alog_error error = {.message = ""};
    const struct alog_value job = column_as_text(table, find_column(table, "job_id"));
    const struct alog_value environment = column_as_text(table, find_column(table, "environment"));
    event->timestamp_ns = timestamp_ns;
    event->has_timestamp = true;
    event->event_id = alog_str(id);
    if (job.kind == ALOG_VALUE_STRING && job.string.len > 0) {
        event->job_id = job.string;
    }
    if (environment.kind == ALOG_VALUE_STRING && environment.string.len > 0) {
        event->environment = environment.string;
    }
    if (import_event(table->import, table->count, event, &error) == IMPORT_REFUSED) {
        skip_row(table, "", error.message);
    }
}

static void event_row(struct sqlite_table *table) {
    static const char *const none[] = {NULL};
    char id[ID_BYTES];
    struct alog_opt_i64 time = {0, false};
    struct alog_error error = {.message = ""};
    row_id(table, id);
    if (column_time(table, find_column(table, "timestamp"), &time, &error) != ALOG_OK) {
        skip_row(table, "timestamp", error.message);
    } else if (!time.present) {
        skip_row(table, "timestamp", "there is no time");
    } else {
        event_draft_begin(&table->draft, table->event);
        if (take_columns(table, none, true)) {
            log_draft(table, time.value, id);
        }
    }
}

/* Which columns are no attributes, of a job that is over and of one that is not. */
static const char *const over_columns[] = {"start_time",    "end_time", "status",   "iterations",
                                           "error_message", "ai_agent", "metadata", NULL};
static const char *const begun_columns[] = {"start_time", "end_time", NULL};

/*
 * A job that has started is a job_start; one that is over a job_end as well, now or when the
 * database is imported again. What our events have no field for goes with the last of them.
 */
static void job_row(struct sqlite_table *table) {
    char start_id[ID_BYTES], end_id[ID_BYTES];
    struct alog_opt_i64 start = {0, false}, end = {0, false};
    struct alog_error error = {.message = ""};
    const int job = find_column(table, "job_id");
    const int start_column = find_column(table, "start_time");
    if (job < 0 || sqlite3_column_type(table->rows, job) == SQLITE_NULL) {
        skip_row(table, "job_id", "there is no job id");
        return;
    }
    job_id(table, job, start_column, "start", start_id);
    job_id(table, job, start_column, "end", end_id);
    if (column_time(table, start_column, &start, &error) != ALOG_OK) {
        skip_row(table, "start_time", error.message);
    } else if (column_time(table, find_column(table, "end_time"), &end, &error) != ALOG_OK) {
        skip_row(table, "end_time", error.message);
    } else if (!start.present && !end.present) {
        skip_row(table, "start_time", "there is neither a start nor an end");
    }
    if (start.present) {
        event_draft_begin(&table->draft, "job_start");
        if (take_columns(table, end.present ? over_columns : begun_columns, !end.present)) {
            log_draft(table, start.value, start_id);
        }
    }
    if (end.present && !table->import->stopped) {
        event_draft_begin(&table->draft, "job_end");
        if (take_columns(table, over_columns, true)) {
            log_draft(table, end.value, end_id);
        }
    }
}

void sqlite_table_row(struct sqlite_table *table) {
    table->count->records++;
    if (table->event != NULL) {
        event_row(table);
    } else {
        job_row(table);
    }
}
