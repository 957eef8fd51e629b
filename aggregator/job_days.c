#include "job_days.h"

/* What is common to one counting. */
struct counting {
    struct alog_groups *into;
    const struct alog_job_facts *job;
    uint32_t environment;
    int64_t sign;
};

/* A name of the job's as one of the groups'. */
static uint32_t name_of(const struct counting *c, uint32_t name) {
    return c->job->names == c->into
               ? name
               : alog_names_add(&c->into->names, c->job->names->names.texts[name]);
}

static void *row_of(const struct counting *c, enum alog_rollup rollup, const uint32_t *names,
                    unsigned count) {
    struct alog_group_key key = {.hour_epoch = c->job->day_epoch, .environment = c->environment};
    for (unsigned i = 0; i < count; i++) {
        key.dimensions[i] = name_of(c, names[i]);
        if (key.dimensions[i] == ALOG_NAME_NONE) {
            return NULL;
        }
    }
    return alog_groups_row(c->into, rollup, &key);
}

static void add(const struct counting *c, int64_t *sum, int64_t value) {
    alog_groups_add(c->into, sum, c->sign * value);
}

/* ---- Jobs ---- */

static void count_duration(const struct counting *c, struct alog_row_rollup_jobs *row,
                           int64_t start_ns, int64_t end_ns) {
    add(c, &row->ended_jobs, 1);
    if (end_ns >= start_ns) {
        add(c, &row->timed_jobs, 1);
        add(c, &row->duration_us_sum, (end_ns - start_ns) / 1000);
    }
}

static enum alog_status count_job(const struct counting *c) {
    const struct alog_row_jobs *job = c->job->row;
    const struct alog_string status = c->job->status;
    struct alog_row_rollup_jobs *row = row_of(c, ALOG_IN_rollup_jobs, NULL, 0);
    if (!row) {
        return ALOG_NO_MEMORY;
    }
    add(c, &row->seen, 1);
    if (!job->start && !job->end) {
        return ALOG_OK;
    }
    const bool successful = alog_string_equal(status, ALOG_STR("success"));
    add(c, &row->jobs, 1);
    add(c, &row->successful_jobs, successful);
    add(c, &row->failed_jobs, alog_string_equal(status, ALOG_STR("failed")));
    add(c, &row->cancelled_jobs, alog_string_equal(status, ALOG_STR("cancelled")));
    add(c, &row->ai_jobs, job->ai_agent == 1);
    add(c, &row->ai_successful_jobs, job->ai_agent == 1 && successful);
    add(c, &row->orchestrated_jobs, job->orchestrations > 0);
    if (job->start && job->end) {
        count_duration(c, row, job->start->timestamp_ns, job->end->timestamp_ns);
    }
    if (job->end && job->end->iterations.present) {
        add(c, &row->iterations_count, 1);
        add(c, &row->iterations_sum, job->end->iterations.value);
    }
    return ALOG_OK;
}

/* ---- Attempts ---- */

/* An operation: the attempts of an agent at an issue type, whichever models it used. */
struct operation {
    int64_t attempts, successes, time_lost_us, last_ns, last_success_ns;
};

/* Whether the part's operation was there before it in the list; if not, `ret` is all of it. */
static bool add_up_operation(const struct alog_part_list *list, uint32_t at,
                             struct operation *ret) {
    *ret = (struct operation){0};
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->keys[i][0] != list->keys[at][0] || list->keys[i][1] != list->keys[at][1]) {
            continue;
        }
        if (i < at) {
            return false;
        }
        const struct alog_row_job_agents *row = alog_groups_part_at(ALOG_IN_job_agents, list, i);
        ret->attempts += row->executions;
        ret->successes += row->successes;
        ret->time_lost_us += row->failure_time_us_sum;
        ret->last_ns = row->last_ns > ret->last_ns ? row->last_ns : ret->last_ns;
        ret->last_success_ns = row->last_success_ns > ret->last_success_ns ? row->last_success_ns
                                                                           : ret->last_success_ns;
    }
    return true;
}

static enum alog_status count_operation(const struct counting *c, const uint32_t *names,
                                        const struct operation *o) {
    struct alog_row_rollup_attempts *row = row_of(c, ALOG_IN_rollup_attempts, names, 2);
    if (!row) {
        return ALOG_NO_MEMORY;
    }
    bool ended_well = o->successes != 0 && o->last_success_ns == o->last_ns;
    bool retried = o->attempts > 1;
    add(c, &row->operations, 1);
    add(c, &row->attempts, o->attempts);
    add(c, &row->ended_well, ended_well);
    add(c, &row->retried, retried);
    add(c, &row->recovered, retried && ended_well && o->successes < o->attempts);
    add(c, &row->given_up, retried && !ended_well);
    add(c, &row->attempts_2, o->attempts == 2);
    add(c, &row->attempts_3, o->attempts == 3);
    add(c, &row->attempts_4_up, o->attempts > 3);
    add(c, &row->time_lost_us_sum, o->time_lost_us);
    return ALOG_OK;
}

static enum alog_status count_operations(const struct counting *c) {
    const struct alog_part_list *list = &c->job->row->agent_parts;
    enum alog_status status = ALOG_OK;
    for (uint32_t i = 0; status == ALOG_OK && i < list->count; i++) {
        struct operation operation;
        if (add_up_operation(list, i, &operation)) {
            status = count_operation(c, list->keys[i], &operation);
        }
    }
    return status;
}

/* ---- Strategies ---- */

static enum alog_status count_strategies(const struct counting *c) {
    const struct alog_row_jobs *job = c->job->row;
    const struct alog_part_list *list = &job->strategy_parts;
    for (uint32_t i = 0; i < list->count; i++) {
        struct alog_row_rollup_strategy_jobs *row =
            row_of(c, ALOG_IN_rollup_strategy_jobs, list->keys[i], 1);
        if (!row) {
            return ALOG_NO_MEMORY;
        }
        add(c, &row->jobs, 1);
        add(c, &row->orchestrated_jobs, job->orchestrations != 0);
        add(c, &row->orchestration_iterations_sum,
            job->orchestrations != 0 ? job->orchestration_iterations : 0);
        add(c, &row->finished_jobs, c->job->status.data != NULL);
        add(c, &row->successful_jobs,
            c->job->status.data && alog_string_equal(c->job->status, ALOG_STR("success")));
    }
    return ALOG_OK;
}

enum alog_status alog_job_days_count(struct alog_groups *into, const struct alog_job_facts *job,
                                     int sign) {
    struct counting c = {.into = into, .job = job, .sign = sign};
    c.environment = alog_names_add(&into->names, job->environment);
    if (c.environment == ALOG_NAME_NONE) {
        return ALOG_NO_MEMORY;
    }
    enum alog_status status = count_job(&c);
    if (status == ALOG_OK) {
        status = count_operations(&c);
    }
    return status == ALOG_OK ? count_strategies(&c) : status;
}
