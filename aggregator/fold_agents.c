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
    job->agent_executions++;
    job->agent_successes += x->success;
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

void alog_fold_agent_execution(struct alog_fold *fold) {
    struct alog_fold_execution *x = &fold->executions[fold->execution_count++];
    x->excluded = 0;
    x->success = flag_of(fold, ALOG_AT_agent_execution_success);
    x->dimensions[0] = alog_fold_name(fold, ALOG_AT_agent_execution_agent_name);
    x->dimensions[1] = alog_fold_name(fold, ALOG_AT_agent_execution_issue_type);
    x->dimensions[2] = alog_fold_name(fold, ALOG_AT_agent_execution_provider_id);
    x->dimensions[3] = alog_fold_name(fold, ALOG_AT_agent_execution_model);
    alog_fold_aim(fold, &x->target, ALOG_IN_rollup_agents, x->dimensions, 4);
    if (fold->job) {
        __builtin_prefetch(&fold->job->agent_parts);
    }
    x->confidence_e6 = real_of(fold, FIELD(agent_execution, confidence), MILLIONTHS, &x->excluded);
    x->time_us =
        real_of(fold, FIELD(agent_execution, execution_time_ms), MICROSECONDS_OF_MS, &x->excluded);
    x->fixes = integer_of(fold, FIELD(agent_execution, fixes_applied), &x->excluded);
    x->files = integer_of(fold, FIELD(agent_execution, files_modified), &x->excluded);
    x->remaining = integer_of(fold, FIELD(agent_execution, remaining_issues), &x->excluded);
    x->attempt = integer_of(fold, FIELD(agent_execution, attempt), &x->excluded);
    if (fold->execution_count == ALOG_FOLD_WAITING) {
        alog_fold_settle_executions(fold);
    }
}

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
    fold->execution_count = 0;
}
