/* Runs of hooks. */
#include "fold_fields.h"

/* ---- Waiting ---- */

struct gathering {
    struct alog_fold *fold;
    struct alog_fold_hook *hook; /* zero where fields are absent */
    bool sure;                   /* the event is not corrupt */
};

/* A field that is there. False: it is not known yet what it stands for. */
ALOG_IN_PLACE bool gather(struct gathering *g, unsigned at, struct alog_fold_field field) {
    struct alog_fold_hook *hook = g->hook;
    switch (at) {
    case ALOG_AT_hook_execution_hook_name:
        return alog_fold_name_in(g->fold, g->sure, field, &hook->dimensions[0]);
    case ALOG_AT_hook_execution_hook_type:
        return alog_fold_name_in(g->fold, g->sure, field, &hook->dimensions[1]);
    case ALOG_AT_hook_execution_status:
        return alog_fold_word_in(g->fold, g->sure, field, &hook->status);
    case ALOG_AT_hook_execution_execution_time_ms:
        hook->time_us = real_in(FIELD(hook_execution, execution_time_ms), field, MICROSECONDS_OF_MS,
                                &hook->excluded);
        return true;
    default:
        return true;
    }
}

#define ALOG_TAKER      struct gathering
#define ALOG_TAKE_FIELD gather
#include "fold_take.h"

static inline struct gathering begin(struct alog_fold *fold, bool sure) {
    struct alog_fold_hook *hook = &fold->hooks[fold->hook_count];
    hook->status = ALOG_WORD_OTHER;
    clear_number(&hook->time_us);
    hook->excluded = 0;
    memset(hook->dimensions, 0, sizeof(hook->dimensions));
    return (struct gathering){fold, hook, sure};
}

static inline void wait_for_others(struct alog_fold *fold, struct alog_fold_hook *hook,
                                   int64_t timestamp_ns) {
    alog_fold_aim(fold, &hook->target, timestamp_ns);
    alog_fold_aim_at_row(fold, &hook->target, ALOG_IN_rollup_hooks, hook->dimensions, 2);
    if (fold->job) {
        __builtin_prefetch(&fold->job->hook_runs);
    }
    if (++fold->hook_count == ALOG_FOLD_WAITING) {
        alog_fold_settle_hooks(fold);
    }
}

void alog_fold_hook_execution(struct alog_fold *fold) {
    struct gathering g = begin(fold, true);
    give_fields(&g, &fold->cells, ALOG_FIELDS_OF_hook_execution);
    wait_for_others(fold, g.hook, fold->cells.timestamp_ns);
}

const uint8_t *alog_fold_take_hook(struct alog_fold *fold, const struct alog_event_head *head,
                                   const uint8_t *at) {
    struct gathering g = begin(fold, false);
    uint32_t present;
    at = take_mostly(&g, &fold->block, head, ALOG_ID_hook_execution, ALOG_FIELDS_OF_hook_execution,
                     at, &present);
    if (at && alog_fold_begin(fold, head, present)) {
        wait_for_others(fold, g.hook, head->timestamp_ns);
    }
    return at;
}

/* ---- Settling ---- */

static void add_hook_to_hour(struct alog_fold *fold, const struct alog_fold_hook *hook) {
    struct alog_row_rollup_hooks *row = hook->target.row;
    row->runs++;
    row->successes += hook->status == ALOG_WORD_SUCCESS;
    row->failures += hook->status == ALOG_WORD_FAILED;
    row->skips += hook->status == ALOG_WORD_SKIPPED;
    row->execution_time_count += hook->time_us.present;
    add(fold, &row->execution_time_us_sum, hook->time_us);
    count_time(fold, &row->time_hist, hook->time_us);
    row->not_finite += hook->excluded;
}

static void add_hook_to_job(const struct alog_fold_hook *hook) {
    struct alog_row_jobs *job = hook->target.job;
    alog_fold_count_in_job(job, hook->target.timestamp_ns);
    job->hook_runs++;
    job->hook_failures += hook->status == ALOG_WORD_FAILED;
}

void alog_fold_settle_hooks(struct alog_fold *fold) {
    for (uint32_t i = 0; fold->hourly && i < fold->hook_count; i++) {
        struct alog_fold_hook *hook = &fold->hooks[i];
        struct alog_row_rollup_hooks *row = alog_fold_row_at(
            fold, hook->target.memo, hook->target.key, ALOG_IN_rollup_hooks, hook->dimensions, 2);
        if (row) {
            alog_prefetch(row, row + 1);
        }
        hook->target.row = row;
    }
    for (uint32_t i = 0; i < fold->hook_count; i++) {
        const struct alog_fold_hook *hook = &fold->hooks[i];
        if (hook->target.row) {
            add_hook_to_hour(fold, hook);
        }
        if (hook->target.job) {
            add_hook_to_job(hook);
        }
    }
    alog_fold_count_pending(fold);
    fold->hook_count = 0;
}
