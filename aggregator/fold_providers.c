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

static inline bool is_fallback(const struct alog_fold_call *c) {
    return c->fallback_from != ALOG_NAME_EMPTY;
}

static void add_call_to_hour(struct alog_fold *fold, const struct alog_fold_call *c) {
    struct alog_row_rollup_providers *row = c->target.row;
    row->calls++;
    row->successes += c->success;
    const bool not_run = c->failure_class == ALOG_WORD_AVAILABILITY;
    const bool bad_result = c->failure_class == ALOG_WORD_EXECUTION;
    const bool cancelled = c->failure_class == ALOG_WORD_CANCELLED;
    row->availability_failures += not_run;
    row->execution_failures += bad_result;
    row->cancelled += cancelled;
    row->unclassified_failures += !(c->success | not_run | bad_result | cancelled);
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
    row->fallbacks += is_fallback(c);
    add(fold, &row->input_tokens_sum, c->input_tokens);
    add(fold, &row->output_tokens_sum, c->output_tokens);
    row->cost_count += c->cost_nusd.present;
    add(fold, &row->cost_nusd_sum, c->cost_nusd);
    row->not_finite += c->excluded;
}

static void add_call_to_job(struct alog_fold *fold, const struct alog_fold_call *c) {
    struct alog_row_jobs *job = c->target.job;
    alog_fold_count_in_job(job, c->target.timestamp_ns);
    struct alog_row_job_providers *row =
        PART_OF(fold, job_providers, &job->provider_parts, c->dimensions);
    if (!row) {
        return;
    }
    row->calls++;
    row->successes += c->success;
    row->availability_failures += c->failure_class == ALOG_WORD_AVAILABILITY;
    row->execution_failures += c->failure_class == ALOG_WORD_EXECUTION;
    row->cancelled += c->failure_class == ALOG_WORD_CANCELLED;
    row->latency_count += c->latency_us.present;
    add(fold, &row->latency_us_sum, c->latency_us);
    add(fold, &row->failure_latency_us_sum, only_if(!c->success, c->latency_us));
    add(fold, &row->retry_count_sum, c->retries);
    row->fallbacks += is_fallback(c);
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

/* ---- Waiting ---- */

struct gathering {
    struct alog_fold *fold;
    struct alog_fold_call *c; /* zero where fields are absent */
    bool sure;                /* the event is not corrupt */
};

/* A field that is there. False: it is not known yet what it stands for. */
ALOG_IN_PLACE bool gather(struct gathering *g, unsigned at, struct alog_fold_field field) {
    struct alog_fold_call *c = g->c;
    switch (at) {
    case ALOG_AT_provider_performance_provider_id:
        return alog_fold_name_in(g->fold, g->sure, field, &c->dimensions[0]);
    case ALOG_AT_provider_performance_model:
        return alog_fold_name_in(g->fold, g->sure, field, &c->dimensions[1]);
    case ALOG_AT_provider_performance_agent_name:
        return alog_fold_name_in(g->fold, g->sure, field, &c->dimensions[2]);
    case ALOG_AT_provider_performance_fallback_from:
        return alog_fold_name_in(g->fold, g->sure, field, &c->fallback_from);
    case ALOG_AT_provider_performance_fallback_reason:
        return alog_fold_name_in(g->fold, g->sure, field, &c->fallback_reason);
    case ALOG_AT_provider_performance_failure_class:
        return alog_fold_word_in(g->fold, g->sure, field, &c->failure_class);
    case ALOG_AT_provider_performance_success:
        c->success = field.cell.number != 0;
        return true;
    case ALOG_AT_provider_performance_latency_ms:
        c->latency_us = real_in(FIELD(provider_performance, latency_ms), field, MICROSECONDS_OF_MS,
                                &c->excluded);
        return true;
    case ALOG_AT_provider_performance_retry_count:
        c->retries = integer_in(FIELD(provider_performance, retry_count), field, &c->excluded);
        return true;
    case ALOG_AT_provider_performance_input_tokens:
        c->input_tokens =
            integer_in(FIELD(provider_performance, input_tokens), field, &c->excluded);
        return true;
    case ALOG_AT_provider_performance_output_tokens:
        c->output_tokens =
            integer_in(FIELD(provider_performance, output_tokens), field, &c->excluded);
        return true;
    case ALOG_AT_provider_performance_cost_usd:
        c->cost_nusd =
            real_in(FIELD(provider_performance, cost_usd), field, NANO_USD, &c->excluded);
        return true;
    default:
        return true;
    }
}

#define ALOG_TAKER      struct gathering
#define ALOG_TAKE_FIELD gather
#include "fold_take.h"

static inline struct gathering begin(struct alog_fold *fold, bool sure) {
    struct alog_fold_call *c = &fold->calls[fold->call_count];
    c->success = false;
    c->failure_class = ALOG_WORD_OTHER;
    clear_number(&c->latency_us);
    clear_number(&c->retries);
    clear_number(&c->input_tokens);
    clear_number(&c->output_tokens);
    clear_number(&c->cost_nusd);
    c->excluded = 0;
    memset(c->dimensions, 0, sizeof(c->dimensions));
    c->fallback_from = c->fallback_reason = ALOG_NAME_EMPTY;
    return (struct gathering){fold, c, sure};
}

static inline void wait_for_others(struct alog_fold *fold, struct alog_fold_call *c,
                                   int64_t timestamp_ns) {
    if (c->success) {
        c->failure_class = ALOG_WORD_OTHER;
    }
    alog_fold_aim(fold, &c->target, timestamp_ns);
    alog_fold_aim_at_row(fold, &c->target, ALOG_IN_rollup_providers, c->dimensions, 3);
    if (fold->job) {
        __builtin_prefetch(&fold->job->provider_parts);
    }
    if (++fold->call_count == ALOG_FOLD_WAITING) {
        alog_fold_settle_calls(fold);
    }
}

void alog_fold_provider_performance(struct alog_fold *fold) {
    struct gathering g = begin(fold, true);
    give_fields(&g, &fold->cells, ALOG_FIELDS_OF_provider_performance);
    wait_for_others(fold, g.c, fold->cells.timestamp_ns);
}

const uint8_t *alog_fold_take_call(struct alog_fold *fold, const struct alog_event_head *head,
                                   const uint8_t *at) {
    struct gathering g = begin(fold, false);
    uint32_t present;
    at = take_mostly(&g, &fold->block, head, ALOG_ID_provider_performance,
                     ALOG_FIELDS_OF_provider_performance, at, &present);
    if (at && alog_fold_begin(fold, head, present)) {
        wait_for_others(fold, g.c, head->timestamp_ns);
    }
    return at;
}

/* ---- Settling ---- */

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
            if (is_fallback(c)) {
                add_call_to_fallbacks(fold, c);
            }
        }
        if (c->target.job) {
            add_call_to_job(fold, c);
        }
    }
    alog_fold_count_pending(fold);
    fold->call_count = 0;
}
