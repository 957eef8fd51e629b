/* Runs of tests, and each test of them. */
#include "fold_fields.h"

void alog_fold_test_execution(struct alog_fold *fold) {
    if (!fold->hourly) {
        return;
    }
    struct alog_row_rollup_test_runs *row =
        alog_fold_name_row(fold, ALOG_IN_rollup_test_runs, ALOG_NAME_EMPTY);
    if (!row) {
        return;
    }
    int64_t *excluded = &row->not_finite;
    struct alog_fold_number time =
        real_of(fold, FIELD(test_execution, execution_time_ms), MICROSECONDS_OF_MS, excluded);
    struct alog_fold_number coverage =
        real_of(fold, FIELD(test_execution, coverage_percent), MILLIONTHS, excluded);
    row->runs++;
    add(fold, &row->total_tests_sum,
        integer_of(fold, FIELD(test_execution, total_tests), excluded));
    add(fold, &row->passed_sum, integer_of(fold, FIELD(test_execution, passed), excluded));
    add(fold, &row->failed_sum, integer_of(fold, FIELD(test_execution, failed), excluded));
    add(fold, &row->skipped_sum, integer_of(fold, FIELD(test_execution, skipped), excluded));
    row->execution_time_count += time.present;
    add(fold, &row->execution_time_us_sum, time);
    row->coverage_count += coverage.present;
    add(fold, &row->coverage_e6_sum, coverage);
}

/* ---- Waiting ---- */

struct gathering {
    struct alog_fold *fold;
    struct alog_fold_test *test; /* zero where fields are absent */
    bool sure;                   /* the event is not corrupt */
};

/* A field that is there. False: it is not known yet what it stands for. */
ALOG_IN_PLACE bool gather(struct gathering *g, unsigned at, struct alog_fold_field field) {
    struct alog_fold_test *test = g->test;
    switch (at) {
    case ALOG_AT_individual_test_execution_test_id:
        return alog_fold_name_in(g->fold, g->sure, field, &test->test_id);
    case ALOG_AT_individual_test_execution_status:
        return alog_fold_word_in(g->fold, g->sure, field, &test->status);
    case ALOG_AT_individual_test_execution_execution_time_ms:
        test->time_us = real_in(FIELD(individual_test_execution, execution_time_ms), field,
                                MICROSECONDS_OF_MS, &test->excluded);
        return true;
    case ALOG_AT_individual_test_execution_error_message:
        test->message = (struct alog_string){field.cell.text, field.len};
        return true;
    default:
        return true;
    }
}

#define ALOG_TAKER      struct gathering
#define ALOG_TAKE_FIELD gather
#include "fold_take.h"

static inline struct gathering begin(struct alog_fold *fold, bool sure) {
    struct alog_fold_test *test = &fold->tests[fold->test_count];
    test->status = ALOG_WORD_OTHER;
    clear_number(&test->time_us);
    test->excluded = 0;
    test->test_id = ALOG_NAME_EMPTY;
    test->message = (struct alog_string){NULL, 0};
    return (struct gathering){fold, test, sure};
}

static inline void wait_for_others(struct alog_fold *fold, struct alog_fold_test *test,
                                   int64_t timestamp_ns) {
    alog_fold_aim(fold, &test->target, timestamp_ns);
    __builtin_prefetch(alog_fold_name_memo_of(fold, test->test_id));
    if (fold->job) {
        __builtin_prefetch(&fold->job->tests_run);
    }
    if (++fold->test_count == ALOG_FOLD_WAITING) {
        alog_fold_settle_tests(fold);
    }
}

void alog_fold_individual_test_execution(struct alog_fold *fold) {
    struct gathering g = begin(fold, true);
    give_fields(&g, &fold->cells, ALOG_FIELDS_OF_individual_test_execution);
    wait_for_others(fold, g.test, fold->cells.timestamp_ns);
}

const uint8_t *alog_fold_take_test(struct alog_fold *fold, const struct alog_event_head *head,
                                   const uint8_t *at) {
    struct gathering g = begin(fold, false);
    uint32_t present;
    at = take_mostly(&g, &fold->block, head, ALOG_ID_individual_test_execution,
                     ALOG_AT_individual_test_execution_error_message, at, &present);
    if (at && alog_fold_begin(fold, head, present)) {
        wait_for_others(fold, g.test, head->timestamp_ns);
    }
    return at;
}

/* ---- Settling ---- */

static void add_test_to_hour(struct alog_fold *fold, const struct alog_fold_test *test) {
    struct alog_row_rollup_tests *row = test->target.row;
    row->passed += test->status == ALOG_WORD_PASSED;
    row->failed += test->status == ALOG_WORD_FAILED;
    row->skipped += test->status == ALOG_WORD_SKIPPED;
    row->errors += test->status == ALOG_WORD_ERROR;
    row->execution_time_count += test->time_us.present;
    add(fold, &row->execution_time_us_sum, test->time_us);
    if (test->time_us.units > row->execution_time_us_max) {
        row->execution_time_us_max = test->time_us.units;
    }
    row->not_finite += test->excluded;
}

static void add_failure_to_job(struct alog_fold *fold, const struct alog_fold_test *test) {
    uint32_t key[ALOG_MAX_DIMENSIONS] = {test->test_id};
    struct alog_row_job_tests *row = PART_OF(fold, job_tests, &test->target.job->test_parts, key);
    if (row) {
        row->failed += test->status == ALOG_WORD_FAILED;
        row->errors += test->status == ALOG_WORD_ERROR;
        alog_fold_sample(fold, test->message, test->target.timestamp_ns, &row->sample,
                         &row->first_ns, &row->last_ns);
    }
}

static void add_test_to_job(struct alog_fold *fold, const struct alog_fold_test *test) {
    const bool failed = test->status == ALOG_WORD_FAILED || test->status == ALOG_WORD_ERROR;
    struct alog_row_jobs *job = test->target.job;
    alog_fold_count_in_job(job, test->target.timestamp_ns);
    job->tests_run++;
    job->tests_failed += failed;
    if (failed) {
        add_failure_to_job(fold, test);
    }
}

void alog_fold_settle_tests(struct alog_fold *fold) {
    for (uint32_t i = 0; fold->hourly && i < fold->test_count; i++) {
        struct alog_fold_test *test = &fold->tests[i];
        test->target.row = alog_fold_name_row(fold, ALOG_IN_rollup_tests, test->test_id);
        if (test->target.row) {
            alog_prefetch(test->target.row, (struct alog_row_rollup_tests *)test->target.row + 1);
        }
    }
    for (uint32_t i = 0; i < fold->test_count; i++) {
        const struct alog_fold_test *test = &fold->tests[i];
        if (test->target.row) {
            add_test_to_hour(fold, test);
        }
        if (test->target.job) {
            add_test_to_job(fold, test);
        }
    }
    fold->test_count = 0;
}
