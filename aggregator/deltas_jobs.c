#include <stdlib.h>

#include "calendar.h"
#include "deltas_internal.h"
#include "format/error.h"
#include "sql_error.h"

/* The columns that edges and the day make; the others come from rollups.def, and follow. */
#define EDGE_COLUMNS                                                                               \
    "day_epoch, start_ns, start_event_id, metadata,"                                               \
    " end_ns, end_event_id, status, iterations, error_message"
#define EDGE_COLUMN_COUNT 9

static bool is_edge(const struct alog_rollup_column *column) {
    return column->merge == ALOG_MERGE_START || column->merge == ALOG_MERGE_END;
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
        if (is_edge(column)) {
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
        if (is_edge(column)) {
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

static enum alog_status write_job(struct alog_deltas *deltas, sqlite3_stmt *select,
                                  sqlite3_stmt *insert, struct alog_group *group) {
    struct alog_row_jobs *job = (void *)group->row;
    uint32_t environment = group->key.environment;
    alog_deltas_bind_name(deltas, select, 1, environment);
    alog_deltas_bind_name(deltas, select, 2, group->key.job);
    enum alog_status status = ALOG_OK;
    if (sqlite3_step(select) == SQLITE_ROW) {
        status = merge_existing(deltas->groups, job, select);
        if (status != ALOG_OK) {
            return alog_fail(deltas->error, status, 0, -1, "out of memory");
        }
        /* The day that it may have to leave. */
        status = alog_deltas_mark_day(deltas, environment, sqlite3_column_int64(select, 0));
    }
    if (sqlite3_reset(select) != SQLITE_OK && status == ALOG_OK) {
        status = alog_sql_fail(deltas->db, deltas->error, "jobs");
    }
    if (status != ALOG_OK) {
        return status;
    }
    int64_t day_epoch = alog_bucket_of_ns(job->start ? job->start->timestamp_ns : job->first_ns,
                                          ALOG_DAY_S, deltas->time_zone_offset_s);
    alog_deltas_bind_name(deltas, insert, 1, environment);
    alog_deltas_bind_name(deltas, insert, 2, group->key.job);
    bind_edges(insert, job, day_epoch);
    bind_numbers(insert, job);
    status = alog_deltas_run(deltas, insert, "jobs");
    return status == ALOG_OK ? alog_deltas_mark_day(deltas, environment, day_epoch) : status;
}

/* "SELECT day_epoch, … FROM jobs WHERE …", and "INSERT OR REPLACE INTO jobs …" with environment and
 * job_id in front. */
static enum alog_status prepare_jobs(struct alog_deltas *deltas, sqlite3_stmt **ret_select,
                                     sqlite3_stmt **ret_insert) {
    const struct alog_rollup_kind *kind = alog_rollup_kind(ALOG_IN_jobs);
    sqlite3_str *columns = sqlite3_str_new(NULL), *marks = sqlite3_str_new(NULL);
    for (unsigned i = 0; i < kind->column_count; i++) {
        if (!is_edge(&kind->columns[i])) {
            sqlite3_str_appendf(columns, ", %s", kind->columns[i].name);
            sqlite3_str_appendall(marks, ", ?");
        }
    }
    char *names = sqlite3_str_finish(columns), *places = sqlite3_str_finish(marks);
    char *select = sqlite3_mprintf(
        "SELECT " EDGE_COLUMNS "%s FROM jobs WHERE environment = ? AND job_id = ?", names);
    char *insert = sqlite3_mprintf("INSERT OR REPLACE INTO jobs (environment, job_id, " EDGE_COLUMNS
                                   "%s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?%s)",
                                   names, places);
    enum alog_status status =
        names && places && select && insert
            ? alog_deltas_prepare(deltas, select, ret_select)
            : alog_fail(deltas->error, ALOG_NO_MEMORY, 0, -1, "out of memory");
    if (status == ALOG_OK) {
        status = alog_deltas_prepare(deltas, insert, ret_insert);
    }
    sqlite3_free(names);
    sqlite3_free(places);
    sqlite3_free(select);
    sqlite3_free(insert);
    return status;
}

enum alog_status alog_deltas_write_jobs(struct alog_deltas *deltas, struct alog_group **sorted,
                                        uint32_t count) {
    sqlite3_stmt *select = NULL, *insert = NULL;
    enum alog_status status = prepare_jobs(deltas, &select, &insert);
    for (uint32_t i = 0; status == ALOG_OK && i < count; i++) {
        status = write_job(deltas, select, insert, sorted[i]);
    }
    sqlite3_finalize(select);
    sqlite3_finalize(insert);
    return status;
}
