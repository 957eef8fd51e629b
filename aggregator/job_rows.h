/*
 * The rows of jobs and job_details: how groups become parameters of statements, and rows groups.
 * New rows are inserted several to a statement, which then opens its tables, and finds their ends,
 * once for all of them.
 */
#ifndef AGENTLOG_AGGREGATOR_JOB_ROWS_H
#define AGENTLOG_AGGREGATOR_JOB_ROWS_H

#include "deltas_internal.h"
#include "format/segment.h"

/* New rows of one statement. */
#define ALOG_JOBS_AT_ONCE 8u

#define ALOG_JOB_LISTS 8u

/* A row of job_details. */
struct alog_job_lists {
    int64_t job;
    struct alog_buffer texts[ALOG_JOB_LISTS];
};

/* The statements of a table, NULL where they are not needed. */
struct alog_job_table {
    const char *name;
    int columns; /* parameters of a row */
    sqlite3_stmt *insert, *insert_many, *replace, *select;
};

/* One writing, or reading, of jobs. Zero-initialise; close it also when it could not be opened. */
struct alog_job_rows {
    struct alog_deltas *deltas;
    struct alog_job_table jobs, details;
    const struct alog_rollup_column *lists[ALOG_JOB_LISTS]; /* of a job's row */
    unsigned list_count;
    int64_t next_id;
    struct alog_job_lists waiting[ALOG_JOBS_AT_ONCE]; /* to be inserted together */
    unsigned waiting_count;
};

/* `count` jobs are about to be written. ALOG_NO_MEMORY, ALOG_IO, … */
enum alog_status alog_job_rows_open(struct alog_job_rows *rows, struct alog_deltas *deltas,
                                    uint32_t count);
void alog_job_rows_close(struct alog_job_rows *rows);

/* A column of a row; data NULL when it is NULL. It stays until the statement goes on. */
struct alog_string alog_job_column_text(sqlite3_stmt *row, int at);

/* The start of the day that the job belongs to. */
int64_t alog_job_rows_day(const struct alog_deltas *deltas, const struct alog_row_jobs *job);

/* Insert at most ALOG_JOBS_AT_ONCE jobs, but those that the table has: for these, *ret_ids is 0. */
enum alog_status alog_job_rows_insert(struct alog_job_rows *rows, struct alog_group *const *groups,
                                      uint32_t count, int64_t *ret_ids);

/* Put the job in the place of its row. */
enum alog_status alog_job_rows_replace(struct alog_job_rows *rows, const struct alog_group *group);

/* Have a look at a job's row: its columns are those of alog_job_rows_merge. *ret_row is NULL where
 * there is none; if not, the caller ends with alog_job_rows_leave. */
enum alog_status alog_job_rows_find(struct alog_job_rows *rows, struct alog_string environment,
                                    struct alog_string job_id, sqlite3_stmt **ret_row);
enum alog_status alog_job_rows_leave(struct alog_job_rows *rows, enum alog_status status);

/* What the row that was found says beside that. */
int64_t alog_job_rows_found_id(const struct alog_job_rows *rows);
int64_t alog_job_rows_found_day(const struct alog_job_rows *rows);
struct alog_string alog_job_rows_found_status(const struct alog_job_rows *rows);

/* Take the row that was found, and its lists, into a job of `groups`. ALOG_CORRUPT: they are not
 * what was written. */
enum alog_status alog_job_rows_merge(struct alog_job_rows *rows, struct alog_groups *groups,
                                     struct alog_row_jobs *job);

/* Room for the lists of the job that comes next; each is empty. */
struct alog_job_lists *alog_job_rows_lists(struct alog_job_rows *rows);

/* Put what is in that room: in the place of the job's lists, or (soon) as new ones. */
enum alog_status alog_job_rows_replace_lists(struct alog_job_rows *rows);
enum alog_status alog_job_rows_insert_lists(struct alog_job_rows *rows);

/* Insert those that wait. */
enum alog_status alog_job_rows_flush(struct alog_job_rows *rows);

#endif
