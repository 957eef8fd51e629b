#include "job_rows.h"

#include "calendar.h"
#include "format/error.h"
#include "job_parts.h"
#include "sql_error.h"

/* The columns of jobs that edges and the day make; the others come from rollups.def, and follow.
 * Before them come id, environment and job_id. */
#define EDGE_COLUMNS                                                                               \
    "day_epoch, start_ns, start_event_id, metadata,"                                               \
    " end_ns, end_event_id, status, iterations, error_message"
enum {
    AT_DAY,
    AT_START,
    AT_START_ID,
    AT_METADATA,
    AT_END,
    AT_END_ID,
    AT_STATUS,
    AT_ITERATIONS,
    AT_MESSAGE,
    EDGE_COLUMN_COUNT
};

/* What is selected of a job: its id and first_ns, then as above. */
enum { SELECTED_ID, SELECTED_FIRST, SELECTED_EDGES };

static enum alog_status no_memory(struct alog_deltas *deltas) {
    return alog_fail(deltas->error, ALOG_NO_MEMORY, 0, -1, "out of memory");
}

/* Not one of the table's own integers. */
static bool is_apart(const struct alog_rollup_column *column) {
    return column->merge == ALOG_MERGE_START || column->merge == ALOG_MERGE_END ||
           column->merge == ALOG_MERGE_PARTS;
}

int64_t alog_job_rows_day(const struct alog_deltas *deltas, const struct alog_row_jobs *job) {
    return alog_bucket_of_ns(job->start ? job->start->timestamp_ns : job->first_ns, ALOG_DAY_S,
                             deltas->time_zone_offset_s);
}

/* ---- Statements ---- */

/* Prepare `sql`, which is freed. */
static enum alog_status prepare(struct alog_deltas *deltas, char *sql,
                                sqlite3_stmt **ret_statement) {
    enum alog_status status =
        sql ? alog_deltas_prepare(deltas, sql, ret_statement) : no_memory(deltas);
    sqlite3_free(sql);
    return status;
}

/* The names in a list of columns, one after the other; *at is 0 at first. */
static bool next_column(const char *columns, int *at, int *ret_from, int *ret_len) {
    if (columns[*at] == '\0') {
        return false;
    }
    *ret_from = *at;
    *ret_len = (int)strcspn(columns + *at, ",");
    *at += *ret_len;
    *at += columns[*at] == ',' ? 2 : 0;
    return true;
}

/* "(?, ?), (?, ?)". */
static char *places_of(int columns, uint32_t row_count) {
    sqlite3_str *places = sqlite3_str_new(NULL);
    for (uint32_t row = 0; row < row_count; row++) {
        sqlite3_str_appendall(places, row == 0 ? "(?" : ", (?");
        for (int i = 1; i < columns; i++) {
            sqlite3_str_appendall(places, ", ?");
        }
        sqlite3_str_appendall(places, ")");
    }
    return sqlite3_str_finish(places);
}

/* What an upsert sets: all columns but the first `skipped`. */
static char *changes_of(const char *columns, int skipped) {
    sqlite3_str *changes = sqlite3_str_new(NULL);
    int at = 0, from, len;
    for (int i = 0; next_column(columns, &at, &from, &len); i++) {
        if (i >= skipped) {
            sqlite3_str_appendf(changes, "%s%.*s = excluded.%.*s", i == skipped ? "" : ", ", len,
                                columns + from, len, columns + from);
        }
    }
    return sqlite3_str_finish(changes);
}

static enum alog_status prepare_insert(struct alog_deltas *deltas,
                                       const struct alog_job_table *table, const char *columns,
                                       uint32_t row_count, const char *conflict,
                                       sqlite3_stmt **ret_statement) {
    char *places = places_of(table->columns, row_count);
    enum alog_status status = places
                                  ? prepare(deltas,
                                            sqlite3_mprintf("INSERT INTO %s (%s) VALUES %s%s",
                                                            table->name, columns, places, conflict),
                                            ret_statement)
                                  : no_memory(deltas);
    sqlite3_free(places);
    return status;
}

/* Prepare the statements of a table: `columns` are all that it has, of which the first `skipped`
 * stay as they are when a row is replaced, `key` those that say which row that is; `conflict` says
 * what an insert does where that row is there. */
static enum alog_status prepare_table(struct alog_deltas *deltas, struct alog_job_table *table,
                                      const char *columns, int skipped, const char *key,
                                      const char *conflict, uint32_t count) {
    char *changes = changes_of(columns, skipped);
    char *replace =
        changes ? sqlite3_mprintf(" ON CONFLICT (%s) DO UPDATE SET %s", key, changes) : NULL;
    sqlite3_free(changes);
    if (!replace) {
        return no_memory(deltas);
    }
    int at = 0, from, len;
    while (next_column(columns, &at, &from, &len)) {
        table->columns++;
    }
    enum alog_status status = prepare_insert(deltas, table, columns, 1, conflict, &table->insert);
    if (status == ALOG_OK && count >= ALOG_JOBS_AT_ONCE) {
        status = prepare_insert(deltas, table, columns, ALOG_JOBS_AT_ONCE, conflict,
                                &table->insert_many);
    }
    if (status == ALOG_OK) {
        status = prepare_insert(deltas, table, columns, 1, replace, &table->replace);
    }
    sqlite3_free(replace);
    return status;
}

static enum alog_status prepare_jobs(struct alog_job_rows *rows, const char *numbers,
                                     uint32_t count) {
    struct alog_deltas *deltas = rows->deltas;
    rows->jobs.name = "jobs";
    char *columns = sqlite3_mprintf("id, environment, job_id, " EDGE_COLUMNS "%s", numbers);
    enum alog_status status =
        columns ? prepare_table(deltas, &rows->jobs, columns, 3, "job_id, environment",
                                " ON CONFLICT (job_id, environment) DO NOTHING", count)
                : no_memory(deltas);
    sqlite3_free(columns);
    return status == ALOG_OK
               ? prepare(deltas,
                         sqlite3_mprintf("SELECT id, first_ns, " EDGE_COLUMNS "%s FROM jobs"
                                         " WHERE environment = ? AND job_id = ?",
                                         numbers),
                         &rows->jobs.select)
               : status;
}

static enum alog_status prepare_details(struct alog_job_rows *rows, const char *lists,
                                        uint32_t count) {
    struct alog_deltas *deltas = rows->deltas;
    rows->details.name = "job_details";
    char *columns = sqlite3_mprintf("job%s", lists);
    enum alog_status status =
        columns ? prepare_table(deltas, &rows->details, columns, 1, "job", "", count)
                : no_memory(deltas);
    sqlite3_free(columns);
    return status == ALOG_OK
               ? prepare(deltas,
                         sqlite3_mprintf("SELECT job%s FROM job_details WHERE job = ?", lists),
                         &rows->details.select)
               : status;
}

static enum alog_status read_next_id(struct alog_job_rows *rows) {
    sqlite3_stmt *last = NULL;
    enum alog_status status =
        alog_deltas_prepare(rows->deltas, "SELECT COALESCE(max(id), 0) FROM jobs", &last);
    if (status == ALOG_OK && sqlite3_step(last) == SQLITE_ROW) {
        rows->next_id = sqlite3_column_int64(last, 0) + 1;
    }
    if (sqlite3_finalize(last) != SQLITE_OK && status == ALOG_OK) {
        status = alog_sql_fail(rows->deltas->db, rows->deltas->error, "jobs");
    }
    return status;
}

enum alog_status alog_job_rows_open(struct alog_job_rows *rows, struct alog_deltas *deltas,
                                    uint32_t count) {
    const struct alog_rollup_kind *kind = alog_rollup_kind(ALOG_IN_jobs);
    sqlite3_str *number_names = sqlite3_str_new(NULL), *list_names = sqlite3_str_new(NULL);
    rows->deltas = deltas;
    for (unsigned i = 0; i < kind->column_count; i++) {
        const struct alog_rollup_column *column = &kind->columns[i];
        if (column->merge == ALOG_MERGE_PARTS && rows->list_count < ALOG_JOB_LISTS) {
            rows->lists[rows->list_count++] = column;
            sqlite3_str_appendf(list_names, ", %s", column->name);
        } else if (!is_apart(column)) {
            sqlite3_str_appendf(number_names, ", %s", column->name);
        }
    }
    char *numbers = sqlite3_str_finish(number_names), *lists = sqlite3_str_finish(list_names);
    enum alog_status status = numbers && lists ? ALOG_OK : no_memory(deltas);
    if (status == ALOG_OK) {
        status = prepare_jobs(rows, numbers, count);
    }
    if (status == ALOG_OK) {
        status = prepare_details(rows, lists, count);
    }
    sqlite3_free(numbers);
    sqlite3_free(lists);
    return status == ALOG_OK ? read_next_id(rows) : status;
}

static void close_table(const struct alog_job_table *table) {
    sqlite3_finalize(table->insert);
    sqlite3_finalize(table->insert_many);
    sqlite3_finalize(table->replace);
    sqlite3_finalize(table->select);
}

void alog_job_rows_close(struct alog_job_rows *rows) {
    close_table(&rows->jobs);
    close_table(&rows->details);
    for (unsigned i = 0; i < ALOG_JOBS_AT_ONCE; i++) {
        for (unsigned j = 0; j < ALOG_JOB_LISTS; j++) {
            alog_buffer_free(&rows->waiting[i].texts[j]);
        }
    }
}

/* ---- Writing jobs ---- */

/* From parameter `at` on: EDGE_COLUMNS. */
static void bind_edges(sqlite3_stmt *statement, int at, const struct alog_row_jobs *job,
                       int64_t day_epoch) {
    sqlite3_bind_int64(statement, at + AT_DAY, day_epoch);
    for (int i = AT_START; i < EDGE_COLUMN_COUNT; i++) {
        sqlite3_bind_null(statement, at + i);
    }
    if (job->start) {
        sqlite3_bind_int64(statement, at + AT_START, job->start->timestamp_ns);
        alog_deltas_bind_text(statement, at + AT_START_ID, job->start->event_id);
        alog_deltas_bind_text(statement, at + AT_METADATA, job->start->text);
    }
    if (job->end) {
        sqlite3_bind_int64(statement, at + AT_END, job->end->timestamp_ns);
        alog_deltas_bind_text(statement, at + AT_END_ID, job->end->event_id);
        alog_deltas_bind_text(statement, at + AT_STATUS, job->end->status);
        if (job->end->iterations.present) {
            sqlite3_bind_int64(statement, at + AT_ITERATIONS, job->end->iterations.value);
        }
        alog_deltas_bind_text(statement, at + AT_MESSAGE, job->end->text);
    }
}

static void bind_numbers(sqlite3_stmt *statement, int at, const struct alog_row_jobs *job) {
    const struct alog_rollup_kind *kind = alog_rollup_kind(ALOG_IN_jobs);
    for (unsigned i = 0; i < kind->column_count; i++) {
        const struct alog_rollup_column *column = &kind->columns[i];
        if (is_apart(column)) {
            continue;
        }
        int64_t number = *(const int64_t *)((const char *)job + column->offset);
        if (column->merge == ALOG_MERGE_MAYBE && number < 0) {
            sqlite3_bind_null(statement, at++);
        } else {
            sqlite3_bind_int64(statement, at++, number);
        }
    }
}

/* Bind the index-th row of a statement, without its id. */
static void bind_job(const struct alog_job_rows *rows, sqlite3_stmt *statement, uint32_t index,
                     const struct alog_group *group) {
    const struct alog_deltas *deltas = rows->deltas;
    const struct alog_row_jobs *job = (const void *)group->row;
    const int at = 1 + (int)index * rows->jobs.columns;
    alog_deltas_bind_name(deltas, statement, at + 1, group->key.environment);
    alog_deltas_bind_text(statement, at + 2, deltas->groups->jobs.texts[group->key.job]);
    bind_edges(statement, at + 3, job, alog_job_rows_day(deltas, job));
    bind_numbers(statement, at + 3 + EDGE_COLUMN_COUNT, job);
}

/* Those that the statement has not inserted have an older id. */
static enum alog_status forget_known(struct alog_job_rows *rows, struct alog_group *const *groups,
                                     uint32_t count, int64_t *ids) {
    const struct alog_groups *all = rows->deltas->groups;
    enum alog_status status = ALOG_OK;
    for (uint32_t i = 0; status == ALOG_OK && i < count; i++) {
        sqlite3_stmt *row;
        status = alog_job_rows_find(rows, all->names.texts[groups[i]->key.environment],
                                    all->jobs.texts[groups[i]->key.job], &row);
        if (status == ALOG_OK && row) {
            ids[i] = alog_job_rows_found_id(rows) == ids[i] ? ids[i] : 0;
            status = alog_job_rows_leave(rows, ALOG_OK);
        }
    }
    return status;
}

enum alog_status alog_job_rows_insert(struct alog_job_rows *rows, struct alog_group *const *groups,
                                      uint32_t count, int64_t *ret_ids) {
    const bool many = count == ALOG_JOBS_AT_ONCE;
    sqlite3_stmt *statement = many ? rows->jobs.insert_many : rows->jobs.insert;
    int inserted = 0;
    enum alog_status status = ALOG_OK;
    for (uint32_t i = 0; status == ALOG_OK && i < count; i++) {
        const uint32_t index = many ? i : 0;
        ret_ids[i] = rows->next_id++;
        bind_job(rows, statement, index, groups[i]);
        sqlite3_bind_int64(statement, 1 + (int)index * rows->jobs.columns, ret_ids[i]);
        if (!many || i + 1 == count) {
            status = alog_deltas_run(rows->deltas, statement, rows->jobs.name);
            inserted += sqlite3_changes(rows->deltas->db);
        }
    }
    return status == ALOG_OK && (uint32_t)inserted != count
               ? forget_known(rows, groups, count, ret_ids)
               : status;
}

enum alog_status alog_job_rows_replace(struct alog_job_rows *rows, const struct alog_group *group) {
    sqlite3_bind_null(rows->jobs.replace, 1); /* it keeps its own */
    bind_job(rows, rows->jobs.replace, 0, group);
    return alog_deltas_run(rows->deltas, rows->jobs.replace, rows->jobs.name);
}

/* ---- Writing lists ---- */

struct alog_job_lists *alog_job_rows_lists(struct alog_job_rows *rows) {
    struct alog_job_lists *lists = &rows->waiting[rows->waiting_count];
    for (unsigned i = 0; i < rows->list_count; i++) {
        lists->texts[i].len = 0;
    }
    return lists;
}

static void bind_lists(const struct alog_job_rows *rows, sqlite3_stmt *statement, uint32_t index,
                       const struct alog_job_lists *lists) {
    int at = 1 + (int)index * rows->details.columns;
    sqlite3_bind_int64(statement, at++, lists->job);
    for (unsigned i = 0; i < rows->list_count; i++) {
        sqlite3_bind_text64(statement, at++, (const char *)lists->texts[i].data,
                            lists->texts[i].len, SQLITE_STATIC, SQLITE_UTF8);
    }
}

enum alog_status alog_job_rows_replace_lists(struct alog_job_rows *rows) {
    bind_lists(rows, rows->details.replace, 0, &rows->waiting[rows->waiting_count]);
    return alog_deltas_run(rows->deltas, rows->details.replace, rows->details.name);
}

enum alog_status alog_job_rows_insert_lists(struct alog_job_rows *rows) {
    rows->waiting_count++;
    return rows->waiting_count == ALOG_JOBS_AT_ONCE ? alog_job_rows_flush(rows) : ALOG_OK;
}

enum alog_status alog_job_rows_flush(struct alog_job_rows *rows) {
    const uint32_t count = rows->waiting_count;
    const bool many = count == ALOG_JOBS_AT_ONCE;
    sqlite3_stmt *statement = many ? rows->details.insert_many : rows->details.insert;
    enum alog_status status = ALOG_OK;
    for (uint32_t i = 0; status == ALOG_OK && i < count; i++) {
        bind_lists(rows, statement, many ? i : 0, &rows->waiting[i]);
        if (!many || i + 1 == count) {
            status = alog_deltas_run(rows->deltas, statement, rows->details.name);
        }
    }
    rows->waiting_count = 0;
    return status;
}

/* ---- Reading ---- */

struct alog_string alog_job_column_text(sqlite3_stmt *row, int at) {
    if (sqlite3_column_type(row, at) == SQLITE_NULL) {
        return (struct alog_string){NULL, 0};
    }
    const char *text = (const char *)sqlite3_column_text(row, at);
    return (struct alog_string){text ? text : "", (size_t)sqlite3_column_bytes(row, at)};
}

enum alog_status alog_job_rows_find(struct alog_job_rows *rows, struct alog_string environment,
                                    struct alog_string job_id, sqlite3_stmt **ret_row) {
    sqlite3_stmt *select = rows->jobs.select;
    alog_deltas_bind_text(select, 1, environment);
    alog_deltas_bind_text(select, 2, job_id);
    *ret_row = sqlite3_step(select) == SQLITE_ROW ? select : NULL;
    return *ret_row ? ALOG_OK : alog_job_rows_leave(rows, ALOG_OK);
}

enum alog_status alog_job_rows_leave(struct alog_job_rows *rows, enum alog_status status) {
    const int code = sqlite3_reset(rows->jobs.select);
    return code != SQLITE_OK && status == ALOG_OK
               ? alog_sql_fail(rows->deltas->db, rows->deltas->error, rows->jobs.name)
               : status;
}

int64_t alog_job_rows_found_id(const struct alog_job_rows *rows) {
    return sqlite3_column_int64(rows->jobs.select, SELECTED_ID);
}

int64_t alog_job_rows_found_day(const struct alog_job_rows *rows) {
    return sqlite3_column_int64(rows->jobs.select, SELECTED_EDGES + AT_DAY);
}

struct alog_string alog_job_rows_found_status(const struct alog_job_rows *rows) {
    return alog_job_column_text(rows->jobs.select, SELECTED_EDGES + AT_STATUS);
}

/* Offer what the database knows of the job's start and end. */
static enum alog_status merge_edges(struct alog_groups *groups, struct alog_row_jobs *job,
                                    sqlite3_stmt *row) {
    const int at = SELECTED_EDGES;
    enum alog_status status = ALOG_OK;
    if (sqlite3_column_type(row, at + AT_START) != SQLITE_NULL) {
        struct alog_job_edge start = {.timestamp_ns = sqlite3_column_int64(row, at + AT_START),
                                      .event_id = alog_job_column_text(row, at + AT_START_ID),
                                      .text = alog_job_column_text(row, at + AT_METADATA)};
        status = alog_groups_offer_edge(groups, ALOG_JOB_START, &job->start, &start);
    }
    if (status == ALOG_OK && sqlite3_column_type(row, at + AT_END) != SQLITE_NULL) {
        struct alog_job_edge end = {
            .timestamp_ns = sqlite3_column_int64(row, at + AT_END),
            .event_id = alog_job_column_text(row, at + AT_END_ID),
            .status = alog_job_column_text(row, at + AT_STATUS),
            .iterations = {sqlite3_column_int64(row, at + AT_ITERATIONS),
                           sqlite3_column_type(row, at + AT_ITERATIONS) != SQLITE_NULL},
            .text = alog_job_column_text(row, at + AT_MESSAGE)};
        status = alog_groups_offer_edge(groups, ALOG_JOB_END, &job->end, &end);
    }
    return status;
}

static void merge_numbers(struct alog_groups *groups, struct alog_row_jobs *job,
                          sqlite3_stmt *row) {
    const struct alog_rollup_kind *kind = alog_rollup_kind(ALOG_IN_jobs);
    int at = SELECTED_EDGES + EDGE_COLUMN_COUNT;
    for (unsigned i = 0; i < kind->column_count; i++) {
        const struct alog_rollup_column *column = &kind->columns[i];
        if (is_apart(column)) {
            continue;
        }
        int64_t *number = (void *)((char *)job + column->offset);
        bool known = sqlite3_column_type(row, at) != SQLITE_NULL;
        int64_t value = sqlite3_column_int64(row, at++);
        if (column->merge == ALOG_MERGE_SUM) {
            alog_groups_add(groups, number, value);
        } else if (column->merge == ALOG_MERGE_LEAST ? value < *number : known && value > *number) {
            *number = value;
        }
    }
}

static enum alog_status merge_lists(struct alog_job_rows *rows, struct alog_groups *groups,
                                    sqlite3_stmt *row, struct alog_row_jobs *job) {
    struct alog_deltas *deltas = rows->deltas;
    sqlite3_stmt *select = rows->details.select;
    const int64_t first_ns = sqlite3_column_int64(row, SELECTED_FIRST);
    enum alog_status status = ALOG_OK;
    sqlite3_bind_int64(select, 1, sqlite3_column_int64(row, SELECTED_ID));
    if (sqlite3_step(select) == SQLITE_ROW) {
        for (unsigned i = 0; status == ALOG_OK && i < rows->list_count; i++) {
            const struct alog_rollup_column *column = rows->lists[i];
            status =
                alog_job_parts_read(groups, column->part, alog_job_column_text(select, (int)i + 1),
                                    first_ns, (void *)((char *)job + column->offset));
        }
    }
    if (sqlite3_reset(select) != SQLITE_OK && status == ALOG_OK) {
        return alog_sql_fail(deltas->db, deltas->error, rows->details.name);
    }
    return status == ALOG_CORRUPT
               ? alog_fail(deltas->error, status, 0, -1,
                           "job_details holds something else than this program writes; rebuild the"
                           " database")
           : status == ALOG_NO_MEMORY ? no_memory(deltas)
                                      : status;
}

enum alog_status alog_job_rows_merge(struct alog_job_rows *rows, struct alog_groups *groups,
                                     struct alog_row_jobs *job) {
    sqlite3_stmt *row = rows->jobs.select;
    merge_numbers(groups, job, row);
    return merge_edges(groups, job, row) == ALOG_OK ? merge_lists(rows, groups, row, job)
                                                    : no_memory(rows->deltas);
}
