/* What agents do: their executions. */
#include "fold_fields.h"

static void add_execution_to_hour(struct alog_fold *fold, const struct alog_fold_execution *x) {
    struct alog_row_rollup_agents *row = x->target.row;
    row->executions++;
    row->successes += x->success;
    if (x->confidence_e6.present) {
        int64_t e6 = x->confidence_e6.units;
        row->confidence_count++;
        row->confidence_e6_sum += e6;
        row->confidence_success_e6_sum += only_if(x->success, x->confidence_e6).units;
        row->confidence_square_e9_sum += alog_fixed_divide(e6 * e6, 1000);
    }
    add(fold, &row->fixes_applied_sum, x->fixes);
    add(fold, &row->files_modified_sum, x->files);
    add(fold, &row->remaining_issues_sum, x->remaining);
    row->execution_time_count += x->time_us.present;
    add(fold, &row->execution_time_us_sum, x->time_us);
    add(fold, &row->failure_time_us_sum, only_if(!x->success, x->time_us));
    struct alog_sketch *const hists[] = {&row->failure_time_hist, &row->success_time_hist};
    count_time(fold, hists[x->success], x->time_us);
    row->retries += x->attempt.units > 1;
    row->not_finite += x->excluded;
}

/* Its confidence in thousandths, and what that leaves out. */
static void add_execution_to_calibration(struct alog_fold *fold,
                                         const struct alog_fold_execution *x) {
    struct alog_row_rollup_calibration *row =
        alog_fold_name_row(fold, ALOG_IN_rollup_calibration, x->dimensions[0]);
    if (!row) {
        return;
    }
    uint32_t thousandths = (uint32_t)(x->confidence_e6.units / 1000);
    uint32_t rest_e6 = (uint32_t)(x->confidence_e6.units % 1000);
    struct alog_sketch *const hists[] = {&row->failure_hist, &row->success_hist};
    row->executions++;
    alog_fold_count(fold, hists[x->success], thousandths, 1);
    if (rest_e6 != 0) {
        alog_fold_count(fold, &row->rest_hist, thousandths, rest_e6);
    }
}

static void add_execution_to_job(struct alog_fold *fold, const struct alog_fold_execution *x) {
    struct alog_row_jobs *job = x->target.job;
    alog_fold_count_in_job(job, x->target.timestamp_ns);
    struct alog_row_job_agents *row = PART_OF(fold, job_agents, &job->agent_parts, x->dimensions);
    if (!row) {
        return;
    }
    row->executions++;
    row->successes += x->success;
    row->confidence_count += x->confidence_e6.present;
    row->confidence_e6_sum += x->confidence_e6.units;
    row->execution_time_count += x->time_us.present;
    add(fold, &row->execution_time_us_sum, x->time_us);
    add(fold, &row->fixes_applied_sum, x->fixes);
    cover(&row->first_ns, &row->last_ns, x->target.timestamp_ns);
    add(fold, &row->failure_time_us_sum, only_if(!x->success, x->time_us));
    int64_t success_ns = x->success ? x->target.timestamp_ns : row->last_success_ns;
    row->last_success_ns = success_ns > row->last_success_ns ? success_ns : row->last_success_ns;
}

/* ---- Waiting ---- */

struct gathering {
    struct alog_fold *fold;
    struct alog_fold_execution *x; /* zero where fields are absent */
    bool sure;                     /* the event is not corrupt */
};

/* A field that is there. False: it is not known yet what it stands for. */
ALOG_IN_PLACE bool gather(struct gathering *g, unsigned at, struct alog_fold_field field) {
    struct alog_fold_execution *x = g->x;
    switch (at) {
    case ALOG_AT_agent_execution_agent_name:
        return alog_fold_name_in(g->fold, g->sure, field, &x->dimensions[0]);
    case ALOG_AT_agent_execution_issue_type:
        return alog_fold_name_in(g->fold, g->sure, field, &x->dimensions[1]);
    case ALOG_AT_agent_execution_provider_id:
        return alog_fold_name_in(g->fold, g->sure, field, &x->dimensions[2]);
    case ALOG_AT_agent_execution_model:
        return alog_fold_name_in(g->fold, g->sure, field, &x->dimensions[3]);
    case ALOG_AT_agent_execution_success:
        x->success = field.cell.number != 0;
        return true;
    case ALOG_AT_agent_execution_confidence:
        x->confidence_e6 =
            real_in(FIELD(agent_execution, confidence), field, MILLIONTHS, &x->excluded);
        return true;
    case ALOG_AT_agent_execution_execution_time_ms:
        x->time_us = real_in(FIELD(agent_execution, execution_time_ms), field, MICROSECONDS_OF_MS,
                             &x->excluded);
        return true;
    case ALOG_AT_agent_execution_fixes_applied:
        x->fixes = integer_in(FIELD(agent_execution, fixes_applied), field, &x->excluded);
        return true;
    case ALOG_AT_agent_execution_files_modified:
        x->files = integer_in(FIELD(agent_execution, files_modified), field, &x->excluded);
        return true;
    case ALOG_AT_agent_execution_remaining_issues:
        x->remaining = integer_in(FIELD(agent_execution, remaining_issues), field, &x->excluded);
        return true;
    case ALOG_AT_agent_execution_attempt:
        x->attempt = integer_in(FIELD(agent_execution, attempt), field, &x->excluded);
        return true;
    default:
        return true;
    }
}

#define ALOG_TAKER      struct gathering
#define ALOG_TAKE_FIELD gather
#include "fold_take.h"

static inline struct gathering begin(struct alog_fold *fold, bool sure) {
    struct alog_fold_execution *x = &fold->executions[fold->execution_count];
    x->success = false;
    clear_number(&x->confidence_e6);
    clear_number(&x->time_us);
    clear_number(&x->fixes);
    clear_number(&x->files);
    clear_number(&x->remaining);
    clear_number(&x->attempt);
    x->excluded = 0;
    memset(x->dimensions, 0, sizeof(x->dimensions));
    return (struct gathering){fold, x, sure};
}

static inline void wait_for_others(struct alog_fold *fold, struct alog_fold_execution *x,
                                   int64_t timestamp_ns) {
    alog_fold_aim(fold, &x->target, timestamp_ns);
    alog_fold_aim_at_row(fold, &x->target, ALOG_IN_rollup_agents, x->dimensions, 4);
    if (fold->job) {
        __builtin_prefetch(&fold->job->agent_parts);
    }
    if (++fold->execution_count == ALOG_FOLD_WAITING) {
        alog_fold_settle_executions(fold);
    }
}

void alog_fold_agent_execution(struct alog_fold *fold) {
    struct gathering g = begin(fold, true);
    give_fields(&g, &fold->cells, ALOG_FIELDS_OF_agent_execution);
    wait_for_others(fold, g.x, fold->cells.timestamp_ns);
}

const uint8_t *alog_fold_take_execution(struct alog_fold *fold, const struct alog_event_head *head,
                                        const uint8_t *at) {
    struct gathering g = begin(fold, false);
    uint32_t present;
    at = take_mostly(&g, &fold->block, head, ALOG_ID_agent_execution,
                     ALOG_FIELDS_OF_agent_execution, at, &present);
    if (at && alog_fold_begin(fold, head, present)) {
        wait_for_others(fold, g.x, head->timestamp_ns);
    }
    return at;
}

/* ---- Settling ---- */

/* Find the rows, and fetch them. */
static void fetch(struct alog_fold *fold) {
    for (uint32_t i = 0; i < fold->execution_count; i++) {
        struct alog_fold_execution *x = &fold->executions[i];
        if (fold->hourly) {
            struct alog_row_rollup_agents *row = alog_fold_row_at(
                fold, x->target.memo, x->target.key, ALOG_IN_rollup_agents, x->dimensions, 4);
            if (row) {
                alog_prefetch(row, row + 1);
            }
            x->target.row = row;
        }
        if (x->target.job) {
            fetch_part(fold, sizeof(struct alog_row_job_agents), &x->target.job->agent_parts,
                       x->dimensions);
        }
    }
}

void alog_fold_settle_executions(struct alog_fold *fold) {
    fetch(fold);
    for (uint32_t i = 0; i < fold->execution_count; i++) {
        const struct alog_fold_execution *x = &fold->executions[i];
        if (x->target.row) {
            add_execution_to_hour(fold, x);
            if (x->confidence_e6.present) {
                add_execution_to_calibration(fold, x);
            }
        }
        if (x->target.job) {
            add_execution_to_job(fold, x);
        }
    }
    alog_fold_count_pending(fold);
    fold->execution_count = 0;
}
