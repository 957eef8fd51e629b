/* Calls of providers' models. */
#include "fold_fields.h"

/* Count the latency of a successful call in one of the row's bands, success_band_1, …: by which of
 * the limits it kept. */
static void count_band(const struct alog_latency_limits *limits,
                       struct alog_row_rollup_providers *row, int64_t latency_us) {
    const size_t first = offsetof(struct alog_row_rollup_providers, success_band_1);
    _Static_assert(offsetof(struct alog_row_rollup_providers, success_band_8) -
                           offsetof(struct alog_row_rollup_providers, success_band_1) ==
                       (ALOG_LATENCY_BANDS - 1) * sizeof(int64_t),
                   "one band behind the other");
    uint32_t band = 0; /* how many limits it did not keep, which are the lowest */
    for (uint32_t i = 0; i < limits->count; i++) {
        band += latency_us > limits->us[i];
    }
    if (band < limits->count) {
        int64_t *bands = (int64_t *)(void *)((uint8_t *)row + first);
        bands[band]++;
    }
}

static void add_call_to_hour(struct alog_fold *fold, const struct alog_fold_call *c) {
    struct alog_row_rollup_providers *row = c->target.row;
    row->calls++;
    row->successes += c->success;
    row->availability_failures += c->not_run;
    row->execution_failures += c->bad_result;
    row->cancelled += c->cancelled;
    row->unclassified_failures += !c->success && !c->not_run && !c->bad_result && !c->cancelled;
    struct alog_fold_number success_us = only_if(c->success, c->latency_us);
    struct alog_fold_number failure_us = only_if(!c->success, c->latency_us);
    row->success_latency_count += success_us.present;
    row->failure_latency_count += failure_us.present;
    add(fold, &row->success_latency_us_sum, success_us);
    add(fold, &row->failure_latency_us_sum, failure_us);
    struct alog_sketch *const hists[] = {&row->failure_latency_hist, &row->success_latency_hist};
    count_time(fold, hists[c->success], c->latency_us);
    if (success_us.present) {
        count_band(&fold->scope->latency_limits, row, success_us.units);
    }
    row->retried_calls += c->retries.units > 0;
    add(fold, &row->retry_count_sum, c->retries);
    row->fallbacks += c->fallback;
    add(fold, &row->input_tokens_sum, c->input_tokens);
    add(fold, &row->output_tokens_sum, c->output_tokens);
    row->cost_count += c->cost_nusd.present;
    add(fold, &row->cost_nusd_sum, c->cost_nusd);
    row->not_finite += c->excluded;
}

static void add_call_to_job(struct alog_fold *fold, const struct alog_fold_call *c) {
    struct alog_row_jobs *job = c->target.job;
    job->provider_calls++;
    job->provider_successes += c->success;
    add(fold, &job->input_tokens, c->input_tokens);
    add(fold, &job->output_tokens, c->output_tokens);
    job->cost_count += c->cost_nusd.present;
    add(fold, &job->cost_nusd, c->cost_nusd);
    struct alog_row_job_providers *row =
        PART_OF(fold, job_providers, &job->provider_parts, c->dimensions);
    if (!row) {
        return;
    }
    row->calls++;
    row->successes += c->success;
    row->availability_failures += c->not_run;
    row->execution_failures += c->bad_result;
    row->cancelled += c->cancelled;
    row->latency_count += c->latency_us.present;
    add(fold, &row->latency_us_sum, c->latency_us);
    add(fold, &row->failure_latency_us_sum, only_if(!c->success, c->latency_us));
    add(fold, &row->retry_count_sum, c->retries);
    row->fallbacks += c->fallback;
    add(fold, &row->input_tokens_sum, c->input_tokens);
    add(fold, &row->output_tokens_sum, c->output_tokens);
    row->cost_count += c->cost_nusd.present;
    add(fold, &row->cost_nusd_sum, c->cost_nusd);
    cover(&row->first_ns, &row->last_ns, c->target.timestamp_ns);
}

static void add_call_to_fallbacks(struct alog_fold *fold, const struct alog_fold_call *c) {
    uint32_t dimensions[] = {c->fallback_from, c->dimensions[0], c->fallback_reason};
    struct alog_row_rollup_fallbacks *row =
        alog_fold_hour_row(fold, ALOG_IN_rollup_fallbacks, dimensions, 3);
    if (row) {
        row->calls++;
        row->successes += c->success;
        row->latency_count += c->latency_us.present;
        add(fold, &row->latency_us_sum, c->latency_us);
    }
}

void alog_fold_provider_performance(struct alog_fold *fold) {
    struct alog_fold_call *c = &fold->calls[fold->call_count++];
    c->excluded = 0;
    c->success = flag_of(fold, ALOG_AT_provider_performance_success);
    c->not_run = c->bad_result = c->cancelled = false;
    c->dimensions[0] = alog_fold_name(fold, ALOG_AT_provider_performance_provider_id);
    c->dimensions[1] = alog_fold_name(fold, ALOG_AT_provider_performance_model);
    c->dimensions[2] = alog_fold_name(fold, ALOG_AT_provider_performance_agent_name);
    c->dimensions[3] = ALOG_NAME_EMPTY;
    alog_fold_aim(fold, &c->target, ALOG_IN_rollup_providers, c->dimensions, 3);
    if (fold->job) {
        __builtin_prefetch(&fold->job->provider_parts);
    }
    c->fallback = name_text_of(fold, ALOG_AT_provider_performance_fallback_from).len != 0;
    if (c->fallback) {
        c->fallback_from = alog_fold_name(fold, ALOG_AT_provider_performance_fallback_from);
        c->fallback_reason = alog_fold_name(fold, ALOG_AT_provider_performance_fallback_reason);
    }
    if (!c->success) {
        enum alog_word class = alog_fold_word(fold, ALOG_AT_provider_performance_failure_class);
        c->not_run = class == ALOG_WORD_AVAILABILITY;
        c->bad_result = class == ALOG_WORD_EXECUTION;
        c->cancelled = class == ALOG_WORD_CANCELLED;
    }
    c->latency_us =
        real_of(fold, FIELD(provider_performance, latency_ms), MICROSECONDS_OF_MS, &c->excluded);
    c->retries = integer_of(fold, FIELD(provider_performance, retry_count), &c->excluded);
    c->input_tokens = integer_of(fold, FIELD(provider_performance, input_tokens), &c->excluded);
    c->output_tokens = integer_of(fold, FIELD(provider_performance, output_tokens), &c->excluded);
    c->cost_nusd = real_of(fold, FIELD(provider_performance, cost_usd), NANO_USD, &c->excluded);
    if (fold->call_count == ALOG_FOLD_WAITING) {
        alog_fold_settle_calls(fold);
    }
}

/* Find the rows, and fetch them. */
static void fetch(struct alog_fold *fold) {
    for (uint32_t i = 0; i < fold->call_count; i++) {
        struct alog_fold_call *c = &fold->calls[i];
        if (fold->hourly) {
            struct alog_row_rollup_providers *row = alog_fold_row_at(
                fold, c->target.memo, c->target.key, ALOG_IN_rollup_providers, c->dimensions, 3);
            if (row) {
                alog_prefetch(row, row + 1);
            }
            c->target.row = row;
        }
        if (c->target.job) {
            fetch_part(fold, sizeof(struct alog_row_job_providers), &c->target.job->provider_parts,
                       c->dimensions);
        }
    }
}

void alog_fold_settle_calls(struct alog_fold *fold) {
    fetch(fold);
    for (uint32_t i = 0; i < fold->call_count; i++) {
        const struct alog_fold_call *c = &fold->calls[i];
        if (c->target.row) {
            add_call_to_hour(fold, c);
            if (c->fallback) {
                add_call_to_fallbacks(fold, c);
            }
        }
        if (c->target.job) {
            add_call_to_job(fold, c);
        }
    }
    fold->call_count = 0;
}
