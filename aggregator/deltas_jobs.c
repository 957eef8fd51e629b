#include <stdlib.h>

#include "calendar.h"
#include "deltas_internal.h"
#include "format/error.h"
#include "job_days.h"
#include "job_parts.h"
#include "prefetch.h"
#include "sql_error.h"

/* The columns that edges and the day make; the others come from rollups.def, and follow. */
#define EDGE_COLUMNS                                                                               \
    "day_epoch, start_ns, start_event_id, metadata,"                                               \
    " end_ns, end_event_id, status, iterations, error_message"
#define EDGE_COLUMN_COUNT 9

/* Not one of the table's own integers. */
static bool is_apart(const struct alog_rollup_column *column) {
    return column->merge == ALOG_MERGE_START || column->merge == ALOG_MERGE_END ||
           column->merge == ALOG_MERGE_PARTS;
}

static struct alog_string column_text(sqlite3_stmt *row, int at) {
    if (sqlite3_column_type(row, at) == SQLITE_NULL) {
        return (struct alog_string){NULL, 0};
    }
    const char *text = (const char *)sqlite3_column_text(row, at);
    return (struct alog_string){text ? text : "", (size_t)sqlite3_column_bytes(row, at)};
}

/* Offer what the database knows of the job's start and end. */
static enum alog_status merge_edges(struct alog_groups *groups, struct alog_row_jobs *job,
                                    sqlite3_stmt *row) {
    enum alog_status status = ALOG_OK;
    if (sqlite3_column_type(row, 1) != SQLITE_NULL) {
        struct alog_job_edge start = {.timestamp_ns = sqlite3_column_int64(row, 1),
                                      .event_id = column_text(row, 2),
                                      .text = column_text(row, 3)};
        status = alog_groups_offer_edge(groups, ALOG_JOB_START, &job->start, &start);
    }
    if (status == ALOG_OK && sqlite3_column_type(row, 4) != SQLITE_NULL) {
        struct alog_job_edge end = {.timestamp_ns = sqlite3_column_int64(row, 4),
                                    .event_id = column_text(row, 5),
                                    .status = column_text(row, 6),
                                    .iterations = {sqlite3_column_int64(row, 7),
                                                   sqlite3_column_type(row, 7) != SQLITE_NULL},
                                    .text = column_text(row, 8)};
        status = alog_groups_offer_edge(groups, ALOG_JOB_END, &job->end, &end);
    }
    return status;
}

/* Take the row that the database has into the group. */
static enum alog_status merge_existing(struct alog_groups *groups, struct alog_row_jobs *job,
                                       sqlite3_stmt *row) {
    const struct alog_rollup_kind *kind = alog_rollup_kind(ALOG_IN_jobs);
    int at = EDGE_COLUMN_COUNT;
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
    return merge_edges(groups, job, row);
}

static void bind_edges(sqlite3_stmt *insert, const struct alog_row_jobs *job, int64_t day_epoch) {
    sqlite3_bind_int64(insert, 3, day_epoch);
    for (int at = 4; at < 12; at++) {
        sqlite3_bind_null(insert, at);
    }
    if (job->start) {
        sqlite3_bind_int64(insert, 4, job->start->timestamp_ns);
        alog_deltas_bind_text(insert, 5, job->start->event_id);
        alog_deltas_bind_text(insert, 6, job->start->text);
    }
    if (job->end) {
        sqlite3_bind_int64(insert, 7, job->end->timestamp_ns);
        alog_deltas_bind_text(insert, 8, job->end->event_id);
        alog_deltas_bind_text(insert, 9, job->end->status);
        if (job->end->iterations.present) {
            sqlite3_bind_int64(insert, 10, job->end->iterations.value);
        }
        alog_deltas_bind_text(insert, 11, job->end->text);
    }
}

static void bind_numbers(sqlite3_stmt *insert, const struct alog_row_jobs *job) {
    const struct alog_rollup_kind *kind = alog_rollup_kind(ALOG_IN_jobs);
    int at = 3 + EDGE_COLUMN_COUNT;
    for (unsigned i = 0; i < kind->column_count; i++) {
        const struct alog_rollup_column *column = &kind->columns[i];
        if (is_apart(column)) {
            continue;
        }
        int64_t number = *(const int64_t *)((const char *)job + column->offset);
        if (column->merge == ALOG_MERGE_MAYBE && number < 0) {
            sqlite3_bind_null(insert, at++);
        } else {
            sqlite3_bind_int64(insert, at++, number);
        }
    }
}

/* ---- Details ---- */

#define MAX_PART_COLUMNS 8

/* One writing of jobs. */
struct writing {
    struct alog_deltas *deltas;
    sqlite3_stmt *insert, *select, *replace;                         /* jobs */
    sqlite3_stmt *insert_details, *select_details, *replace_details; /* job_details */
    const struct alog_rollup_column *parts[MAX_PART_COLUMNS];
    unsigned part_count;
    struct alog_part_names names; /* those of the groups */
    struct alog_buffer texts[MAX_PART_COLUMNS];
};

static struct alog_part_list *list_of(struct alog_row_jobs *job,
                                      const struct alog_rollup_column *column) {
    return (void *)((char *)job + column->offset);
}

static enum alog_status no_memory(struct alog_deltas *deltas) {
    return alog_fail(deltas->error, ALOG_NO_MEMORY, 0, -1, "out of memory");
}

static enum alog_status damaged_details(struct alog_deltas *deltas, enum alog_status status) {
    return status == ALOG_CORRUPT
               ? alog_fail(deltas->error, status, 0, -1,
                           "job_details holds something else than this program writes; rebuild the"
                           " database")
               : no_memory(deltas);
}

/* Read the details that the select statement, bound and not stepped, is about. */
static enum alog_status read_details(struct writing *writing, struct alog_groups *groups,
                                     struct alog_row_jobs *job) {
    sqlite3_stmt *select = writing->select_details;
    enum alog_status status = ALOG_OK;
    if (sqlite3_step(select) == SQLITE_ROW) {
        int64_t first_ns = sqlite3_column_int64(select, 0);
        for (unsigned i = 0; status == ALOG_OK && i < writing->part_count; i++) {
            const struct alog_rollup_column *column = writing->parts[i];
            status = alog_job_parts_read(groups, column->part, column_text(select, (int)i + 1),
                                         first_ns, list_of(job, column));
        }
        status = status == ALOG_OK ? status : damaged_details(writing->deltas, status);
    }
    if (sqlite3_reset(select) != SQLITE_OK && status == ALOG_OK) {
        status = alog_sql_fail(writing->deltas->db, writing->deltas->error, "job_details");
    }
    return status;
}

/* Take what the database knows of the job's details into its lists. */
static enum alog_status merge_details(struct writing *writing, const struct alog_group *group,
                                      struct alog_row_jobs *job) {
    struct alog_deltas *deltas = writing->deltas;
    alog_deltas_bind_name(deltas, writing->select_details, 1, group->key.environment);
    alog_deltas_bind_text(writing->select_details, 2, deltas->groups->jobs.texts[group->key.job]);
    return read_details(writing, deltas->groups, job);
}

static enum alog_status write_details(struct writing *writing, sqlite3_stmt *statement,
                                      const struct alog_group *group, struct alog_row_jobs *job) {
    struct alog_deltas *deltas = writing->deltas;
    bool any = false;
    if (alog_part_names_add(&writing->names, &deltas->groups->names) != ALOG_OK) {
        return no_memory(deltas);
    }
    alog_deltas_bind_name(deltas, statement, 1, group->key.environment);
    alog_deltas_bind_text(statement, 2, deltas->groups->jobs.texts[group->key.job]);
    sqlite3_bind_int64(statement, 3, job->first_ns);
    for (unsigned i = 0; i < writing->part_count; i++) {
        const struct alog_rollup_column *column = writing->parts[i];
        const struct alog_part_list *list = list_of(job, column);
        struct alog_buffer *text = &writing->texts[i];
        text->len = 0;
        enum alog_status status = alog_job_parts_write(deltas->groups, &writing->names,
                                                       column->part, list, job->first_ns, text);
        if (status != ALOG_OK) {
            return damaged_details(deltas, status);
        }
        sqlite3_bind_text64(statement, 4 + (int)i, (const char *)text->data, text->len,
                            SQLITE_STATIC, SQLITE_UTF8);
        any |= list->count != 0;
    }
    return any ? alog_deltas_run(deltas, statement, "job_details") : ALOG_OK;
}

/* ---- What jobs say of their days ---- */

/* Count what the job that `row` stands at says of its day, or (sign -1) take it back. */
static enum alog_status count_known(struct writing *writing, struct alog_string environment,
                                    struct alog_string job_id, sqlite3_stmt *row, int sign) {
    struct alog_deltas *deltas = writing->deltas;
    struct alog_groups known = {0};
    struct alog_group_key key = {.environment = alog_names_add(&known.names, environment),
                                 .job = alog_names_add(&known.jobs, job_id)};
    struct alog_row_jobs *job = key.environment != ALOG_NAME_NONE && key.job != ALOG_NAME_NONE
                                    ? alog_groups_row(&known, ALOG_IN_jobs, &key)
                                    : NULL;
    enum alog_status status = job ? merge_existing(&known, job, row) : ALOG_NO_MEMORY;
    if (status != ALOG_OK) {
        alog_groups_free(&known);
        return no_memory(deltas);
    }
    alog_deltas_bind_text(writing->select_details, 1, environment);
    alog_deltas_bind_text(writing->select_details, 2, job_id);
    status = read_details(writing, &known, job);
    struct alog_job_facts facts = {.environment = environment,
                                   .day_epoch = sqlite3_column_int64(row, 0),
                                   .names = &known,
                                   .row = job,
                                   .status = column_text(row, 6)};
    if (status == ALOG_OK && alog_job_days_count(deltas->groups, &facts, sign) != ALOG_OK) {
        status = no_memory(deltas);
    }
    alog_groups_free(&known);
    return status;
}

static enum alog_status count_job(struct alog_deltas *deltas, const struct alog_group *group,
                                  int64_t day_epoch) {
    const struct alog_row_jobs *job = (const void *)group->row;
    struct alog_job_facts facts = {
        .environment = deltas->groups->names.texts[group->key.environment],
        .day_epoch = day_epoch,
        .names = deltas->groups,
        .row = job,
        .status = job->end ? job->end->status : (struct alog_string){NULL, 0}};
    return alog_job_days_count(deltas->groups, &facts, 1) == ALOG_OK ? ALOG_OK : no_memory(deltas);
}

/* ---- Jobs ---- */

/* Take what the database knows of the job into its group, and mark the day that it may have to
 * leave. */
static enum alog_status merge_known(struct writing *writing, struct alog_group *group) {
    struct alog_deltas *deltas = writing->deltas;
    struct alog_row_jobs *job = (void *)group->row;
    sqlite3_stmt *select = writing->select;
    alog_deltas_bind_name(deltas, select, 1, group->key.environment);
    alog_deltas_bind_text(select, 2, deltas->groups->jobs.texts[group->key.job]);
    enum alog_status status = ALOG_OK;
    if (sqlite3_step(select) == SQLITE_ROW) {
        status = count_known(writing, deltas->groups->names.texts[group->key.environment],
                             deltas->groups->jobs.texts[group->key.job], select, -1);
        if (status == ALOG_OK && merge_existing(deltas->groups, job, select) != ALOG_OK) {
            status = no_memory(deltas);
        }
        if (status != ALOG_OK) {
            sqlite3_reset(select);
            return status;
        }
        status =
            alog_deltas_mark_day(deltas, group->key.environment, sqlite3_column_int64(select, 0));
    }
    if (sqlite3_reset(select) != SQLITE_OK && status == ALOG_OK) {
        status = alog_sql_fail(deltas->db, deltas->error, "jobs");
    }
    return status == ALOG_OK ? merge_details(writing, group, job) : status;
}

static enum alog_status put_job(struct writing *writing, sqlite3_stmt *statement,
                                struct alog_group *group, int64_t *ret_day_epoch) {
    struct alog_deltas *deltas = writing->deltas;
    const struct alog_row_jobs *job = (void *)group->row;
    *ret_day_epoch = alog_bucket_of_ns(job->start ? job->start->timestamp_ns : job->first_ns,
                                       ALOG_DAY_S, deltas->time_zone_offset_s);
    alog_deltas_bind_name(deltas, statement, 1, group->key.environment);
    alog_deltas_bind_text(statement, 2, deltas->groups->jobs.texts[group->key.job]);
    bind_edges(statement, job, *ret_day_epoch);
    bind_numbers(statement, job);
    return alog_deltas_run(deltas, statement, "jobs");
}

/* Most jobs are new: they are inserted, and only one that is there is looked at. */
static enum alog_status write_job(struct writing *writing, struct alog_group *group) {
    struct alog_row_jobs *job = (void *)group->row;
    int64_t day_epoch;
    enum alog_status status = put_job(writing, writing->insert, group, &day_epoch);
    bool known = status == ALOG_OK && sqlite3_changes(writing->deltas->db) == 0;
    if (known) {
        status = merge_known(writing, group);
        if (status == ALOG_OK) {
            status = put_job(writing, writing->replace, group, &day_epoch);
        }
    }
    if (status == ALOG_OK) {
        status = write_details(writing, known ? writing->replace_details : writing->insert_details,
                               group, job);
    }
    if (status == ALOG_OK) {
        status = count_job(writing->deltas, group, day_epoch);
    }
    return status == ALOG_OK
               ? alog_deltas_mark_day(writing->deltas, group->key.environment, day_epoch)
               : status;
}

/* ---- Memory ---- */

/* Jobs lie in the order in which they came and are written in another, so that each would be waited
 * for, line by line. */
static void fetch_group(const struct alog_group *group) {
    alog_prefetch(group, (const char *)group->row + sizeof(struct alog_row_jobs));
}

/* What a group that was fetched a while ago points to: its job's id, start and end, its lists. */
static void fetch_parts(const struct writing *writing, struct alog_group *group) {
    struct alog_row_jobs *job = (void *)group->row;
    const struct alog_string *id = &writing->deltas->groups->jobs.texts[group->key.job];
    alog_prefetch(id, id + 1);
    alog_prefetch(job->start, job->start ? job->start + 1 : NULL);
    alog_prefetch(job->end, job->end ? job->end + 1 : NULL);
    for (unsigned i = 0; i < writing->part_count; i++) {
        const struct alog_rollup_column *column = writing->parts[i];
        const struct alog_part_list *list = list_of(job, column);
        if (list->count != 0) {
            alog_prefetch(list->keys, list->keys + list->count);
            alog_prefetch(alog_groups_part_at(column->part, list, 0),
                          alog_groups_part_at(column->part, list, list->count));
        }
    }
}

/* What that points to. */
static void fetch_texts(const struct writing *writing, struct alog_group *group) {
    const struct alog_groups *groups = writing->deltas->groups;
    __builtin_prefetch(groups->jobs.texts[group->key.job].data);
    for (unsigned i = 0; i < writing->part_count; i++) {
        const struct alog_rollup_column *column = writing->parts[i];
        alog_job_parts_fetch_samples(groups, column->part, list_of((void *)group->row, column));
    }
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

/* For each of `columns`, a place for a value and what an update with it says. */
static void append_each(const char *columns, sqlite3_str *places, sqlite3_str *changes) {
    for (const char *at = columns;;) {
        int len = (int)strcspn(at, ",");
        sqlite3_str_appendall(places, ", ?");
        sqlite3_str_appendf(changes, "%s%.*s = excluded.%.*s", at == columns ? "" : ", ", len, at,
                            len, at);
        if (at[len] == '\0') {
            return;
        }
        at += len + 2;
    }
}

/* Prepare the statements of a table; its columns after environment and job_id are `names`. */
static enum alog_status prepare_three(struct alog_deltas *deltas, const char *table,
                                      sqlite3_str *names, sqlite3_stmt **insert,
                                      sqlite3_stmt **select, sqlite3_stmt **replace) {
    static const char insert_sql[] = "INSERT INTO %s (environment, job_id, %s) VALUES (?, ?%s)"
                                     " ON CONFLICT (job_id, environment) DO %s%s";
    sqlite3_str *marks = sqlite3_str_new(NULL), *updates = sqlite3_str_new(NULL);
    char *columns = sqlite3_str_finish(names);
    if (columns) {
        append_each(columns, marks, updates);
    }
    char *places = sqlite3_str_finish(marks), *changes = sqlite3_str_finish(updates);
    enum alog_status status = columns && places && changes ? ALOG_OK : no_memory(deltas);
    if (status == ALOG_OK) {
        status = prepare(deltas, sqlite3_mprintf(insert_sql, table, columns, places, "NOTHING", ""),
                         insert);
    }
    if (status == ALOG_OK) {
        status = prepare(
            deltas, sqlite3_mprintf(insert_sql, table, columns, places, "UPDATE SET ", changes),
            replace);
    }
    if (status == ALOG_OK) {
        status = prepare(deltas,
                         sqlite3_mprintf("SELECT %s FROM %s WHERE environment = ? AND job_id = ?",
                                         columns, table),
                         select);
    }
    sqlite3_free(columns);
    sqlite3_free(places);
    sqlite3_free(changes);
    return status;
}

static enum alog_status prepare_all(struct writing *writing) {
    const struct alog_rollup_kind *kind = alog_rollup_kind(ALOG_IN_jobs);
    sqlite3_str *names = sqlite3_str_new(NULL), *lists = sqlite3_str_new(NULL);
    sqlite3_str_appendall(names, EDGE_COLUMNS);
    sqlite3_str_appendall(lists, "first_ns");
    for (unsigned i = 0; i < kind->column_count; i++) {
        const struct alog_rollup_column *column = &kind->columns[i];
        if (column->merge == ALOG_MERGE_PARTS && writing->part_count < MAX_PART_COLUMNS) {
            writing->parts[writing->part_count++] = column;
            sqlite3_str_appendf(lists, ", %s", column->name);
        } else if (!is_apart(column)) {
            sqlite3_str_appendf(names, ", %s", column->name);
        }
    }
    enum alog_status status = prepare_three(writing->deltas, "jobs", names, &writing->insert,
                                            &writing->select, &writing->replace);
    enum alog_status details =
        prepare_three(writing->deltas, "job_details", lists, &writing->insert_details,
                      &writing->select_details, &writing->replace_details);
    return status == ALOG_OK ? details : status;
}

static void end_writing(struct writing *writing) {
    sqlite3_finalize(writing->insert);
    sqlite3_finalize(writing->select);
    sqlite3_finalize(writing->replace);
    sqlite3_finalize(writing->insert_details);
    sqlite3_finalize(writing->select_details);
    sqlite3_finalize(writing->replace_details);
    for (unsigned i = 0; i < MAX_PART_COLUMNS; i++) {
        alog_buffer_free(&writing->texts[i]);
    }
    alog_part_names_free(&writing->names);
}

enum alog_status alog_deltas_write_jobs(struct alog_deltas *deltas, struct alog_group **sorted,
                                        uint32_t count) {
    struct writing writing = {
        .deltas = deltas, .names = {.ranks = deltas->name_ranks, .ranked = deltas->ranked_names}};
    enum alog_status status = prepare_all(&writing);
    for (uint32_t i = 0; status == ALOG_OK && i < count; i++) {
        if (i + 4 < count) {
            fetch_group(sorted[i + 4]);
        }
        if (i + 2 < count) {
            fetch_parts(&writing, sorted[i + 2]);
        }
        if (i + 1 < count) {
            fetch_texts(&writing, sorted[i + 1]);
        }
        status = write_job(&writing, sorted[i]);
    }
    end_writing(&writing);
    return status;
}

enum alog_status alog_deltas_count_jobs(sqlite3 *db, sqlite3_stmt *ids, int sign, uint64_t limit,
                                        struct alog_groups *groups, bool *ret_done,
                                        struct alog_error *error) {
    struct alog_deltas deltas = {.db = db, .groups = groups, .error = error};
    struct writing writing = {.deltas = &deltas};
    enum alog_status status = prepare_all(&writing);
    int step = SQLITE_ROW;
    for (uint64_t i = 0; status == ALOG_OK && i < limit; i++) {
        if ((step = sqlite3_step(ids)) != SQLITE_ROW) {
            break;
        }
        struct alog_string environment = column_text(ids, 0), job_id = column_text(ids, 1);
        alog_deltas_bind_text(writing.select, 1, environment);
        alog_deltas_bind_text(writing.select, 2, job_id);
        if (sqlite3_step(writing.select) == SQLITE_ROW) {
            status = count_known(&writing, environment, job_id, writing.select, sign);
        }
        if (sqlite3_reset(writing.select) != SQLITE_OK && status == ALOG_OK) {
            status = alog_sql_fail(db, error, "jobs");
        }
    }
    if (status == ALOG_OK && step != SQLITE_ROW && step != SQLITE_DONE) {
        status = alog_sql_fail(db, error, "jobs");
    }
    *ret_done = step == SQLITE_DONE;
    end_writing(&writing);
    return status;
}
