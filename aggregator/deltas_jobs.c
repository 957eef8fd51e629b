#include "format/error.h"
#include "job_days.h"
#include "job_parts.h"
#include "job_rows.h"
#include "prefetch.h"
#include "sql_error.h"

static enum alog_status no_memory(struct alog_deltas *deltas) {
    return alog_fail(deltas->error, ALOG_NO_MEMORY, 0, -1, "out of memory");
}

/* One writing of jobs. */
struct writing {
    struct alog_deltas *deltas;
    struct alog_job_rows rows;
    struct alog_part_names names; /* those of the groups */
    struct alog_group **sorted;
    uint32_t count;
};

static struct alog_part_list *list_of(struct alog_row_jobs *job,
                                      const struct alog_rollup_column *column) {
    return (void *)((char *)job + column->offset);
}

/* ---- What lists say together ---- */

static void add_up_agents(struct alog_groups *groups, struct alog_row_jobs *job) {
    job->agent_executions = job->agent_successes = 0;
    for (uint32_t i = 0; i < job->agent_parts.count; i++) {
        const struct alog_row_job_agents *row =
            alog_groups_part_at(ALOG_IN_job_agents, &job->agent_parts, i);
        alog_groups_add(groups, &job->agent_executions, row->executions);
        alog_groups_add(groups, &job->agent_successes, row->successes);
    }
}

static void add_up_providers(struct alog_groups *groups, struct alog_row_jobs *job) {
    job->provider_calls = job->provider_successes = 0;
    job->input_tokens = job->output_tokens = 0;
    job->cost_count = job->cost_nusd = 0;
    for (uint32_t i = 0; i < job->provider_parts.count; i++) {
        const struct alog_row_job_providers *row =
            alog_groups_part_at(ALOG_IN_job_providers, &job->provider_parts, i);
        alog_groups_add(groups, &job->provider_calls, row->calls);
        alog_groups_add(groups, &job->provider_successes, row->successes);
        alog_groups_add(groups, &job->input_tokens, row->input_tokens_sum);
        alog_groups_add(groups, &job->output_tokens, row->output_tokens_sum);
        alog_groups_add(groups, &job->cost_count, row->cost_count);
        alog_groups_add(groups, &job->cost_nusd, row->cost_nusd_sum);
    }
}

/* Once for each job, instead of with each of its executions and calls. */
static void add_up_lists(struct alog_groups *groups, struct alog_group *group) {
    add_up_agents(groups, (void *)group->row);
    add_up_providers(groups, (void *)group->row);
}

/* ---- What jobs say of their days ---- */

/* Count what the row that was found says of its day, or (sign -1) take it back. */
static enum alog_status count_found(struct alog_job_rows *rows, struct alog_string environment,
                                    struct alog_string job_id, int sign) {
    struct alog_deltas *deltas = rows->deltas;
    struct alog_groups known = {0};
    struct alog_group_key key = {.environment = alog_names_add(&known.names, environment),
                                 .job = alog_names_add(&known.jobs, job_id)};
    struct alog_row_jobs *job = key.environment != ALOG_NAME_NONE && key.job != ALOG_NAME_NONE
                                    ? alog_groups_row(&known, ALOG_IN_jobs, &key)
                                    : NULL;
    enum alog_status status = job ? alog_job_rows_merge(rows, &known, job) : no_memory(deltas);
    struct alog_job_facts facts = {.environment = environment,
                                   .day_epoch = alog_job_rows_found_day(rows),
                                   .names = &known,
                                   .row = job,
                                   .status = alog_job_rows_found_status(rows)};
    if (status == ALOG_OK && alog_job_days_count(deltas->groups, &facts, sign) != ALOG_OK) {
        status = no_memory(deltas);
    }
    alog_groups_free(&known);
    return status;
}

static enum alog_status count_job(struct alog_deltas *deltas, const struct alog_group *group) {
    const struct alog_row_jobs *job = (const void *)group->row;
    struct alog_job_facts facts = {
        .environment = deltas->groups->names.texts[group->key.environment],
        .day_epoch = alog_job_rows_day(deltas, job),
        .names = deltas->groups,
        .row = job,
        .status = job->end ? job->end->status : (struct alog_string){NULL, 0}};
    return alog_job_days_count(deltas->groups, &facts, 1) == ALOG_OK
               ? alog_deltas_mark_day(deltas, group->key.environment, facts.day_epoch)
               : no_memory(deltas);
}

/* ---- Jobs ---- */

/* Take what the database knows of the job into its group, and mark the day that it may have to
 * leave. */
static enum alog_status merge_found(struct alog_job_rows *rows, struct alog_group *group) {
    struct alog_deltas *deltas = rows->deltas;
    enum alog_status status = count_found(rows, deltas->groups->names.texts[group->key.environment],
                                          deltas->groups->jobs.texts[group->key.job], -1);
    if (status == ALOG_OK) {
        status = alog_job_rows_merge(rows, deltas->groups, (void *)group->row);
    }
    return status == ALOG_OK
               ? alog_deltas_mark_day(deltas, group->key.environment, alog_job_rows_found_day(rows))
               : status;
}

/* Of a job that the database has; *ret_id is what it has there. */
static enum alog_status update_job(struct alog_job_rows *rows, struct alog_group *group,
                                   int64_t *ret_id) {
    const struct alog_groups *groups = rows->deltas->groups;
    sqlite3_stmt *row;
    enum alog_status status = alog_job_rows_find(rows, groups->names.texts[group->key.environment],
                                                 groups->jobs.texts[group->key.job], &row);
    if (status == ALOG_OK && row) {
        *ret_id = alog_job_rows_found_id(rows);
        status = alog_job_rows_leave(rows, merge_found(rows, group));
    }
    add_up_lists(rows->deltas->groups, group);
    return status == ALOG_OK ? alog_job_rows_replace(rows, group) : status;
}

static enum alog_status write_lists(struct writing *writing, struct alog_group *group, int64_t id,
                                    bool is_new) {
    struct alog_deltas *deltas = writing->deltas;
    struct alog_row_jobs *job = (void *)group->row;
    struct alog_job_lists *lists = alog_job_rows_lists(&writing->rows);
    bool any = false;
    if (alog_part_names_add(&writing->names, &deltas->groups->names) != ALOG_OK) {
        return no_memory(deltas);
    }
    lists->job = id;
    for (unsigned i = 0; i < writing->rows.list_count; i++) {
        const struct alog_rollup_column *column = writing->rows.lists[i];
        const struct alog_part_list *list = list_of(job, column);
        if (alog_job_parts_write(deltas->groups, &writing->names, column->part, list, job->first_ns,
                                 &lists->texts[i]) != ALOG_OK) {
            return no_memory(deltas);
        }
        any |= list->count != 0;
    }
    return !any     ? ALOG_OK
           : is_new ? alog_job_rows_insert_lists(&writing->rows)
                    : alog_job_rows_replace_lists(&writing->rows);
}

/* ---- Memory ---- */

/* Jobs lie in the order in which they came and are written in another, so that each would be waited
 * for, line by line. */
static void fetch_group(const struct alog_group *group) {
    alog_prefetch(group, (const char *)group->row + sizeof(struct alog_row_jobs));
}

/* What a group that was fetched a while ago points to, of what its row in jobs is made of. */
static void fetch_edges(const struct writing *writing, const struct alog_group *group) {
    const struct alog_row_jobs *job = (const void *)group->row;
    const struct alog_string *id = &writing->deltas->groups->jobs.texts[group->key.job];
    alog_prefetch(id, id + 1);
    alog_prefetch(job->start, job->start ? job->start + 1 : NULL);
    alog_prefetch(job->end, job->end ? job->end + 1 : NULL);
}

static void fetch_id(const struct writing *writing, const struct alog_group *group) {
    __builtin_prefetch(writing->deltas->groups->jobs.texts[group->key.job].data);
}

static void fetch_lists(const struct writing *writing, struct alog_group *group) {
    for (unsigned i = 0; i < writing->rows.list_count; i++) {
        const struct alog_rollup_column *column = writing->rows.lists[i];
        const struct alog_part_list *list = list_of((void *)group->row, column);
        if (list->count != 0) {
            alog_prefetch(list->keys, list->keys + list->count);
            alog_prefetch(alog_groups_part_at(column->part, list, 0),
                          alog_groups_part_at(column->part, list, list->count));
        }
    }
}

static void fetch_samples(const struct writing *writing, struct alog_group *group) {
    for (unsigned i = 0; i < writing->rows.list_count; i++) {
        const struct alog_rollup_column *column = writing->rows.lists[i];
        alog_job_parts_fetch_samples(column->part, list_of((void *)group->row, column));
    }
}

/* While the index-th job's lists are written: its row was, with those of its run. */
static void fetch_ahead(const struct writing *writing, uint32_t index) {
    struct alog_group **const sorted = writing->sorted + index;
    const uint32_t left = writing->count - index;
    if (left > ALOG_JOBS_AT_ONCE + 6) {
        fetch_group(sorted[ALOG_JOBS_AT_ONCE + 6]);
    }
    if (left > ALOG_JOBS_AT_ONCE + 3) {
        fetch_edges(writing, sorted[ALOG_JOBS_AT_ONCE + 3]);
    }
    if (left > ALOG_JOBS_AT_ONCE + 1) {
        fetch_id(writing, sorted[ALOG_JOBS_AT_ONCE + 1]);
    }
    if (left > ALOG_JOBS_AT_ONCE) {
        fetch_lists(writing, sorted[ALOG_JOBS_AT_ONCE]);
    }
    if (left > 2) {
        fetch_samples(writing, sorted[2]);
    }
}

/* ---- All of them ---- */

/* Most jobs are new: they are inserted, and only one that is there is looked at. */
static enum alog_status write_run(struct writing *writing, uint32_t from, uint32_t count) {
    int64_t ids[ALOG_JOBS_AT_ONCE];
    for (uint32_t i = 0; i < count; i++) {
        add_up_lists(writing->deltas->groups, writing->sorted[from + i]);
    }
    enum alog_status status =
        alog_job_rows_insert(&writing->rows, writing->sorted + from, count, ids);
    for (uint32_t i = 0; status == ALOG_OK && i < count; i++) {
        struct alog_group *group = writing->sorted[from + i];
        const bool is_new = ids[i] != 0;
        fetch_ahead(writing, from + i);
        if (!is_new) {
            status = update_job(&writing->rows, group, &ids[i]);
        }
        if (status == ALOG_OK) {
            status = write_lists(writing, group, ids[i], is_new);
        }
        if (status == ALOG_OK) {
            status = count_job(writing->deltas, group);
        }
    }
    return status;
}

enum alog_status alog_deltas_write_jobs(struct alog_deltas *deltas, struct alog_group **sorted,
                                        uint32_t count) {
    struct writing writing = {
        .deltas = deltas,
        .names = {.ranks = deltas->name_ranks, .ranked = deltas->ranked_names},
        .sorted = sorted,
        .count = count};
    enum alog_status status = alog_job_rows_open(&writing.rows, deltas, count);
    for (uint32_t i = 0; status == ALOG_OK && i < count; i += ALOG_JOBS_AT_ONCE) {
        const uint32_t left = count - i;
        status = write_run(&writing, i, left < ALOG_JOBS_AT_ONCE ? left : ALOG_JOBS_AT_ONCE);
    }
    if (status == ALOG_OK) {
        status = alog_job_rows_flush(&writing.rows);
    }
    alog_job_rows_close(&writing.rows);
    alog_part_names_free(&writing.names);
    return status;
}

enum alog_status alog_deltas_count_jobs(sqlite3 *db, sqlite3_stmt *ids, int sign, uint64_t limit,
                                        struct alog_groups *groups, bool *ret_done,
                                        struct alog_error *error) {
    struct alog_deltas deltas = {.db = db, .groups = groups, .error = error};
    struct alog_job_rows rows = {0};
    enum alog_status status = alog_job_rows_open(&rows, &deltas, 0);
    int step = SQLITE_ROW;
    for (uint64_t i = 0; status == ALOG_OK && i < limit; i++) {
        if ((step = sqlite3_step(ids)) != SQLITE_ROW) {
            break;
        }
        struct alog_string environment = alog_job_column_text(ids, 0);
        struct alog_string job_id = alog_job_column_text(ids, 1);
        sqlite3_stmt *row;
        status = alog_job_rows_find(&rows, environment, job_id, &row);
        if (status == ALOG_OK && row) {
            status = alog_job_rows_leave(&rows, count_found(&rows, environment, job_id, sign));
        }
    }
    if (status == ALOG_OK && step != SQLITE_ROW && step != SQLITE_DONE) {
        status = alog_sql_fail(db, error, "jobs");
    }
    *ret_done = step == SQLITE_DONE;
    alog_job_rows_close(&rows);
    return status;
}
