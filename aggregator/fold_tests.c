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

static void add_failure_to_job(struct alog_fold *fold, uint32_t test_id, bool failed) {
    uint32_t key[ALOG_MAX_DIMENSIONS] = {test_id};
    struct alog_row_job_tests *row = PART_OF(fold, job_tests, &fold->job->test_parts, key);
    if (row) {
        row->failed += failed;
        row->errors += !failed;
        alog_fold_sample(fold, ALOG_AT_individual_test_execution_error_message, &row->sample,
                         &row->first_ns, &row->last_ns);
    }
}

void alog_fold_individual_test_execution(struct alog_fold *fold) {
    enum alog_word status = alog_fold_word(fold, ALOG_AT_individual_test_execution_status);
    bool failed = status == ALOG_WORD_FAILED;
    bool in_error = status == ALOG_WORD_ERROR;
    uint32_t test_id = alog_fold_name(fold, ALOG_AT_individual_test_execution_test_id);
    if (fold->job) {
        fold->job->tests_run++;
        fold->job->tests_failed += failed || in_error;
        if (failed || in_error) {
            add_failure_to_job(fold, test_id, failed);
        }
    }
    if (!fold->hourly) {
        return;
    }
    struct alog_fold_test *test = &fold->tests[fold->test_count++];
    test->excluded = 0;
    test->test_id = test_id;
    __builtin_prefetch(alog_fold_name_memo_of(fold, test_id));
    test->passed = status == ALOG_WORD_PASSED;
    test->failed = failed;
    test->skipped = status == ALOG_WORD_SKIPPED;
    test->in_error = in_error;
    test->time_us = real_of(fold, FIELD(individual_test_execution, execution_time_ms),
                            MICROSECONDS_OF_MS, &test->excluded);
    if (fold->test_count == ALOG_FOLD_WAITING) {
        alog_fold_settle_tests(fold);
    }
}

static void add_test_to_hour(struct alog_fold *fold, const struct alog_fold_test *test) {
    struct alog_row_rollup_tests *row = test->row;
    row->passed += test->passed;
    row->failed += test->failed;
    row->skipped += test->skipped;
    row->errors += test->in_error;
    row->execution_time_count += test->time_us.present;
    add(fold, &row->execution_time_us_sum, test->time_us);
    if (test->time_us.units > row->execution_time_us_max) {
        row->execution_time_us_max = test->time_us.units;
    }
    row->not_finite += test->excluded;
}

void alog_fold_settle_tests(struct alog_fold *fold) {
    for (uint32_t i = 0; i < fold->test_count; i++) {
        struct alog_fold_test *test = &fold->tests[i];
        test->row = alog_fold_name_row(fold, ALOG_IN_rollup_tests, test->test_id);
        if (test->row) {
            alog_prefetch(test->row, test->row + 1);
        }
    }
    for (uint32_t i = 0; i < fold->test_count; i++) {
        if (fold->tests[i].row) {
            add_test_to_hour(fold, &fold->tests[i]);
        }
    }
    fold->test_count = 0;
}
