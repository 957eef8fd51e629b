#include "fold_event.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "catalogue_fields.h"
#include "fixed.h"
#include "insights.h"
#include "message_pattern.h"

#define MAX_SAMPLE_BYTES 500u

/* ---- Fields ---- */

static bool flag_of(const struct alog_fold *fold, unsigned at) {
    return alog_cells_has(&fold->cells, at) && fold->cells.cells[at].number != 0;
}

/* A TEXT or JSON; data NULL when it is absent. */
static struct alog_string text_of(const struct alog_fold *fold, unsigned at) {
    return alog_cells_has(&fold->cells, at) ? alog_fold_text(fold, at)
                                            : (struct alog_string){NULL, 0};
}

/* A NAME or ENUM as a text. */
static struct alog_string name_text_of(const struct alog_fold *fold, unsigned at) {
    return alog_cells_is_usual(&fold->cells, at)
               ? fold->block.strings.strings[fold->cells.cells[at].number]
               : text_of(fold, at);
}

/* A number that counts. */
struct number {
    int64_t units;
    bool present;
};

/* The numbers that are in their field's range, and those of its usual form, by type and field. */
struct range {
    double least, most;
};
struct small_range {
    uint32_t least, most;
};

/* clang-format off */
#define SMALL(number) ((number) >= UINT32_MAX ? UINT32_MAX : (uint32_t)(number))
#define RANGE(from, to) {(from) == 0 && (to) == 0 ? -HUGE_VAL : (double)(from), (from) == 0 && (to) == 0 ? HUGE_VAL : (double)(to)}
static const struct range ranges[][ALOG_MAX_FIELDS] = {
#define ALOG_INTEGER(event, field, presence, unit, from, to, otel, doc) [ALOG_ID_##event][ALOG_AT_##event##_##field] = RANGE(from, to),
#define ALOG_REAL(event, field, presence, unit, from, to, otel, doc) [ALOG_ID_##event][ALOG_AT_##event##_##field] = RANGE(from, to),
#include "format/catalogue.def"
};
#define SMALL_RANGE(from, to, unit) {SMALL((double)(from) * (unit)), (from) == 0 && (to) == 0 ? UINT32_MAX : SMALL((double)(to) * (unit))}
static const struct small_range small_ranges[][ALOG_MAX_FIELDS] = {
#define ALOG_INTEGER(event, field, presence, unit, from, to, otel, doc) [ALOG_ID_##event][ALOG_AT_##event##_##field] = SMALL_RANGE(from, to, 1),
#define ALOG_REAL(event, field, presence, unit, from, to, otel, doc) [ALOG_ID_##event][ALOG_AT_##event##_##field] = SMALL_RANGE(from, to, 1000),
#include "format/catalogue.def"
};
/* clang-format on */

/* The number of a field in its usual form, times `factor`. */
static inline struct number usual_of(const struct alog_fold *fold, unsigned id, unsigned at,
                                     int64_t factor, int64_t *excluded) {
    const struct small_range *range = &small_ranges[id][at];
    uint32_t value = (uint32_t)fold->cells.cells[at].number;
    if (value < range->least || value > range->most) {
        ++*excluded;
        return (struct number){0, false};
    }
    return (struct number){value * factor, true};
}

static inline bool in_range(unsigned id, unsigned at, double value) {
    return value >= ranges[id][at].least && value <= ranges[id][at].most;
}

static inline struct number any_integer(const struct alog_fold *fold, unsigned id, unsigned at,
                                        int64_t *excluded) {
    if (!alog_cells_has(&fold->cells, at)) {
        return (struct number){0, false};
    }
    int64_t value = fold->cells.cells[at].number;
    if (value > ALOG_FIXED_MAX || value < -ALOG_FIXED_MAX || !in_range(id, at, (double)value)) {
        ++*excluded;
        return (struct number){0, false};
    }
    return (struct number){value, true};
}

static inline struct number any_real(const struct alog_fold *fold, unsigned id, unsigned at,
                                     unsigned digits, int64_t *excluded) {
    struct number number = {0, false};
    if (alog_cells_has(&fold->cells, at)) {
        double value = fold->cells.cells[at].real;
        number.present =
            in_range(id, at, value) && alog_fixed_from_double(value, digits, &number.units);
        *excluded += !number.present;
    }
    return number;
}

/* Where a field is: what the next two want. */
#define FIELD(event, field) ALOG_ID_##event, ALOG_AT_##event##_##field

/* An integer field; one that is out of range is counted in *excluded. */
static inline struct number integer_of(const struct alog_fold *fold, unsigned id, unsigned at,
                                       int64_t *excluded) {
    return alog_cells_is_usual(&fold->cells, at) ? usual_of(fold, id, at, 1, excluded)
                                                 : any_integer(fold, id, at, excluded);
}

/* A real field in units of 10^-digits, 3 or more; one that is not finite or out of range is
 * counted. The usual one is written in thousandths, which are whole units at once: a decimal of so
 * few digits is the shortest text of its double. */
static inline struct number real_of(const struct alog_fold *fold, unsigned id, unsigned at,
                                    unsigned digits, int64_t *excluded) {
    static const int64_t units_of_thousandth[] = {0,   0,    0,     1,      10,
                                                  100, 1000, 10000, 100000, 1000000};
    return alog_cells_is_usual(&fold->cells, at)
               ? usual_of(fold, id, at, units_of_thousandth[digits], excluded)
               : any_real(fold, id, at, digits, excluded);
}

#define MICROSECONDS_OF_MS 3u
#define MILLIONTHS         6u
#define NANO_USD           9u

/* ---- Rows ---- */

/* Where the row of these dimensions was found last in the list, or in another one. */
static inline uint8_t *hint_of(struct alog_fold *fold, const struct alog_part_list *list,
                               const uint32_t dimensions[ALOG_MAX_DIMENSIONS]) {
    const uint64_t factor = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t hash = (uint64_t)(uintptr_t)list;
    hash ^= (uint64_t)dimensions[1] << 32 | dimensions[0];
    hash ^= ((uint64_t)dimensions[3] << 32 | dimensions[2]) * factor;
    return &fold->part_hints[hash * factor >> 32 & (ALOG_FOLD_HINTS - 1)];
}

/* The row of the event's job in one of its lists: a struct of `row_bytes`. NULL when there is no
 * memory. */
static inline void *part_of(struct alog_fold *fold, enum alog_rollup rollup, size_t row_bytes,
                            struct alog_part_list *list,
                            const uint32_t dimensions[ALOG_MAX_DIMENSIONS]) {
    uint8_t *hint = hint_of(fold, list, dimensions);
    const uint32_t i = *hint;
    if (i < list->count && memcmp(list->keys[i], dimensions, sizeof(list->keys[i])) == 0) {
        return (uint8_t *)(list->keys + list->capacity) + i * row_bytes;
    }
    uint8_t *row = alog_groups_part(&fold->groups, rollup, list, dimensions);
    if (!row) {
        fold->no_memory = true;
        return NULL;
    }
    *hint = (uint8_t)((size_t)(row - (uint8_t *)(list->keys + list->capacity)) / row_bytes);
    return row;
}
#define PART_OF(fold, part, list, dimensions)                                                      \
    part_of(fold, ALOG_IN_##part, sizeof(struct alog_row_##part), list, dimensions)

static void add(struct alog_fold *fold, int64_t *sum, struct number number) {
    alog_groups_add(&fold->groups, sum, number.units);
}

/* The number, or 0: without a branch, for what nobody can predict. */
static inline struct number only_if(bool condition, struct number number) {
    return (struct number){number.units & -(int64_t)condition, number.present & condition};
}

static inline __attribute__((always_inline)) void
count_time(struct alog_fold *fold, struct alog_sketch *sketch, struct number time) {
    if (time.present && time.units > 0) {
        alog_fold_count(fold, sketch, alog_sketch_bucket((uint64_t)time.units), 1);
    } else {
        sketch->zeros += time.present;
    }
}

static void cover(int64_t *first_ns, int64_t *last_ns, int64_t at_ns) {
    *first_ns = at_ns < *first_ns ? at_ns : *first_ns;
    *last_ns = at_ns > *last_ns ? at_ns : *last_ns;
}

/* ---- Samples ---- */

/* At most MAX_SAMPLE_BYTES, cut between characters. */
static struct alog_string sample_of(struct alog_string text) {
    if (!text.data) {
        return (struct alog_string){"", 0};
    }
    if (text.len > MAX_SAMPLE_BYTES) {
        text.len = MAX_SAMPLE_BYTES;
        for (int back = 0; back < 3 && ((unsigned char)text.data[text.len] & 0xc0) == 0x80;
             back++) {
            text.len--;
        }
    }
    return text;
}

static void note_sample(struct alog_fold *fold, unsigned at, uint32_t *sample, int64_t *first_ns,
                        int64_t *last_ns) {
    int64_t at_ns = fold->cells.timestamp_ns;
    struct alog_string text = sample_of(text_of(fold, at));
    if (alog_groups_offer_sample(&fold->groups, sample, *first_ns, at_ns, text) != ALOG_OK) {
        fold->no_memory = true;
    }
    cover(first_ns, last_ns, at_ns);
}

/* ---- Jobs ---- */

static void offer_edge(struct alog_fold *fold, enum alog_job_edge_kind kind,
                       struct alog_job_edge **place, struct alog_job_edge *edge) {
    char id[40];
    edge->timestamp_ns = fold->cells.timestamp_ns;
    edge->event_id = fold->cells.has_own ? fold->cells.event_id : (struct alog_string){NULL, 0};
    if (!edge->event_id.data) {
        int len = snprintf(id, sizeof(id), "%016" PRIx64 "-%" PRIu64, fold->block.writer_id,
                           fold->sequence);
        edge->event_id = (struct alog_string){id, (size_t)len};
    }
    if (alog_groups_offer_edge(&fold->groups, kind, place, edge) != ALOG_OK) {
        fold->no_memory = true;
    }
}

static void fold_job_start(struct alog_fold *fold) {
    if (!fold->job) {
        return;
    }
    struct alog_job_edge edge = {.text = text_of(fold, ALOG_AT_job_start_metadata)};
    offer_edge(fold, ALOG_JOB_START, &fold->job->start, &edge);
    if (alog_cells_has(&fold->cells, ALOG_AT_job_start_ai_agent)) {
        int64_t said = flag_of(fold, ALOG_AT_job_start_ai_agent);
        fold->job->ai_agent = said > fold->job->ai_agent ? said : fold->job->ai_agent;
    }
}

static void fold_job_end(struct alog_fold *fold) {
    if (!fold->job) {
        return;
    }
    int64_t excluded = 0;
    struct number iterations = integer_of(fold, FIELD(job_end, iterations), &excluded);
    struct alog_job_edge edge = {.status = name_text_of(fold, ALOG_AT_job_end_status),
                                 .iterations = {iterations.units, iterations.present},
                                 .text = text_of(fold, ALOG_AT_job_end_error_message)};
    offer_edge(fold, ALOG_JOB_END, &fold->job->end, &edge);
}

/* ---- Agents ---- */

struct execution {
    bool success;
    struct number confidence_e6, time_us, fixes, files, remaining, attempt;
    int64_t excluded;
    uint32_t dimensions[ALOG_MAX_DIMENSIONS];
};

static void add_execution_to_hour(struct alog_fold *fold, const struct execution *x) {
    struct alog_row_rollup_agents *row =
        alog_fold_hour_row(fold, ALOG_IN_rollup_agents, x->dimensions, 4);
    if (!row) {
        return;
    }
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
static void add_execution_to_calibration(struct alog_fold *fold, const struct execution *x) {
    struct alog_row_rollup_calibration *row =
        alog_fold_hour_row(fold, ALOG_IN_rollup_calibration, x->dimensions, 1);
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

static void add_execution_to_job(struct alog_fold *fold, const struct execution *x) {
    fold->job->agent_executions++;
    fold->job->agent_successes += x->success;
    struct alog_row_job_agents *row =
        PART_OF(fold, job_agents, &fold->job->agent_parts, x->dimensions);
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
    cover(&row->first_ns, &row->last_ns, fold->cells.timestamp_ns);
    add(fold, &row->failure_time_us_sum, only_if(!x->success, x->time_us));
    int64_t success_ns = x->success ? fold->cells.timestamp_ns : row->last_success_ns;
    row->last_success_ns = success_ns > row->last_success_ns ? success_ns : row->last_success_ns;
}

static void fold_agent_execution(struct alog_fold *fold) {
    struct execution x; /* member by member: to clear it first costs more than most of this */
    x.excluded = 0;
    x.success = flag_of(fold, ALOG_AT_agent_execution_success);
    x.dimensions[0] = alog_fold_name(fold, ALOG_AT_agent_execution_agent_name);
    x.dimensions[1] = alog_fold_name(fold, ALOG_AT_agent_execution_issue_type);
    x.dimensions[2] = alog_fold_name(fold, ALOG_AT_agent_execution_provider_id);
    x.dimensions[3] = alog_fold_name(fold, ALOG_AT_agent_execution_model);
    x.confidence_e6 = real_of(fold, FIELD(agent_execution, confidence), MILLIONTHS, &x.excluded);
    x.time_us =
        real_of(fold, FIELD(agent_execution, execution_time_ms), MICROSECONDS_OF_MS, &x.excluded);
    x.fixes = integer_of(fold, FIELD(agent_execution, fixes_applied), &x.excluded);
    x.files = integer_of(fold, FIELD(agent_execution, files_modified), &x.excluded);
    x.remaining = integer_of(fold, FIELD(agent_execution, remaining_issues), &x.excluded);
    x.attempt = integer_of(fold, FIELD(agent_execution, attempt), &x.excluded);
    if (fold->hourly) {
        add_execution_to_hour(fold, &x);
        if (x.confidence_e6.present) {
            add_execution_to_calibration(fold, &x);
        }
    }
    if (fold->job) {
        add_execution_to_job(fold, &x);
    }
}

/* ---- Providers ---- */

struct call {
    bool success, not_run, bad_result, cancelled, fallback;
    struct number latency_us, retries, input_tokens, output_tokens, cost_nusd;
    int64_t excluded;
    uint32_t dimensions[ALOG_MAX_DIMENSIONS];
};

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

static void add_call_to_hour(struct alog_fold *fold, const struct call *c) {
    struct alog_row_rollup_providers *row =
        alog_fold_hour_row(fold, ALOG_IN_rollup_providers, c->dimensions, 3);
    if (!row) {
        return;
    }
    row->calls++;
    row->successes += c->success;
    row->availability_failures += c->not_run;
    row->execution_failures += c->bad_result;
    row->cancelled += c->cancelled;
    row->unclassified_failures += !c->success && !c->not_run && !c->bad_result && !c->cancelled;
    struct number success_us = only_if(c->success, c->latency_us);
    struct number failure_us = only_if(!c->success, c->latency_us);
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

static void add_call_to_job(struct alog_fold *fold, const struct call *c) {
    struct alog_row_jobs *job = fold->job;
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
    cover(&row->first_ns, &row->last_ns, fold->cells.timestamp_ns);
}

static void add_call_to_fallbacks(struct alog_fold *fold, const struct call *c) {
    uint32_t dimensions[] = {alog_fold_name(fold, ALOG_AT_provider_performance_fallback_from),
                             c->dimensions[0],
                             alog_fold_name(fold, ALOG_AT_provider_performance_fallback_reason)};
    struct alog_row_rollup_fallbacks *row =
        alog_fold_hour_row(fold, ALOG_IN_rollup_fallbacks, dimensions, 3);
    if (row) {
        row->calls++;
        row->successes += c->success;
        row->latency_count += c->latency_us.present;
        add(fold, &row->latency_us_sum, c->latency_us);
    }
}

static void fold_provider_performance(struct alog_fold *fold) {
    struct call c; /* member by member, as above */
    c.excluded = 0;
    c.success = flag_of(fold, ALOG_AT_provider_performance_success);
    c.fallback = name_text_of(fold, ALOG_AT_provider_performance_fallback_from).len != 0;
    c.not_run = c.bad_result = c.cancelled = false;
    c.dimensions[0] = alog_fold_name(fold, ALOG_AT_provider_performance_provider_id);
    c.dimensions[1] = alog_fold_name(fold, ALOG_AT_provider_performance_model);
    c.dimensions[2] = alog_fold_name(fold, ALOG_AT_provider_performance_agent_name);
    c.dimensions[3] = ALOG_NAME_EMPTY;
    if (!c.success) {
        enum alog_word class = alog_fold_word(fold, ALOG_AT_provider_performance_failure_class);
        c.not_run = class == ALOG_WORD_AVAILABILITY;
        c.bad_result = class == ALOG_WORD_EXECUTION;
        c.cancelled = class == ALOG_WORD_CANCELLED;
    }
    c.latency_us =
        real_of(fold, FIELD(provider_performance, latency_ms), MICROSECONDS_OF_MS, &c.excluded);
    c.retries = integer_of(fold, FIELD(provider_performance, retry_count), &c.excluded);
    c.input_tokens = integer_of(fold, FIELD(provider_performance, input_tokens), &c.excluded);
    c.output_tokens = integer_of(fold, FIELD(provider_performance, output_tokens), &c.excluded);
    c.cost_nusd = real_of(fold, FIELD(provider_performance, cost_usd), NANO_USD, &c.excluded);
    if (fold->hourly) {
        add_call_to_hour(fold, &c);
        if (c.fallback) {
            add_call_to_fallbacks(fold, &c);
        }
    }
    if (fold->job) {
        add_call_to_job(fold, &c);
    }
}

/* ---- Strategies and orchestrations ---- */

static void fold_strategy_decision(struct alog_fold *fold) {
    int64_t excluded = 0;
    struct number score =
        real_of(fold, FIELD(strategy_decision, effectiveness_score), MILLIONTHS, &excluded);
    uint32_t dimensions[] = {alog_fold_name(fold, ALOG_AT_strategy_decision_selected_strategy),
                             alog_fold_name(fold, ALOG_AT_strategy_decision_previous_strategy)};
    if (fold->job) {
        uint32_t key[ALOG_MAX_DIMENSIONS] = {dimensions[0]};
        fold->job->decisions++;
        struct alog_row_job_strategies *row =
            PART_OF(fold, job_strategies, &fold->job->strategy_parts, key);
        if (row) {
            row->decisions++;
            row->effectiveness_count += score.present;
            row->effectiveness_e6_sum += score.units;
            cover(&row->first_ns, &row->last_ns, fold->cells.timestamp_ns);
        }
    }
    if (fold->hourly) {
        struct alog_row_rollup_strategies *row =
            alog_fold_hour_row(fold, ALOG_IN_rollup_strategies, dimensions, 2);
        if (row) {
            row->decisions++;
            row->effectiveness_count += score.present;
            row->effectiveness_e6_sum += score.units;
            row->not_finite += excluded;
        }
    }
}

struct orchestration {
    struct number iterations, switches, total_us, hooks_us, tests_us, ai_us;
    int64_t excluded;
};

static void add_orchestration_to_hour(struct alog_fold *fold, const struct orchestration *o) {
    uint32_t dimensions[] = {
        alog_fold_name(fold, ALOG_AT_orchestration_execution_execution_strategy),
        alog_fold_name(fold, ALOG_AT_orchestration_execution_ai_mode),
        alog_fold_name(fold, ALOG_AT_orchestration_execution_progress_level)};
    struct alog_row_rollup_orchestrations *row =
        alog_fold_hour_row(fold, ALOG_IN_rollup_orchestrations, dimensions, 3);
    if (!row) {
        return;
    }
    row->executions++;
    row->iteration_count_count += o->iterations.present;
    add(fold, &row->iteration_count_sum, o->iterations);
    add(fold, &row->strategy_switches_sum, o->switches);
    row->total_time_count += o->total_us.present;
    add(fold, &row->total_time_us_sum, o->total_us);
    add(fold, &row->hooks_time_us_sum, o->hooks_us);
    add(fold, &row->tests_time_us_sum, o->tests_us);
    add(fold, &row->ai_time_us_sum, o->ai_us);
    row->not_finite += o->excluded;
}

/* The hooks that it found to go wrong together. */
static void count_problem_hooks(struct alog_fold *fold) {
    struct alog_insight_hooks hooks;
    alog_insights_read(text_of(fold, ALOG_AT_orchestration_execution_correlation_insights), &hooks);
    for (unsigned i = 0; i < hooks.count; i++) {
        uint32_t hook = alog_fold_intern(fold, hooks.names[i]);
        struct alog_row_rollup_problem_hooks *row =
            alog_fold_hour_row(fold, ALOG_IN_rollup_problem_hooks, &hook, 1);
        if (row) {
            row->executions++;
        }
    }
}

static void fold_orchestration_execution(struct alog_fold *fold) {
    struct orchestration o = {.excluded = 0};
    o.iterations = integer_of(fold, FIELD(orchestration_execution, iteration_count), &o.excluded);
    o.switches = integer_of(fold, FIELD(orchestration_execution, strategy_switches), &o.excluded);
    o.total_us = real_of(fold, FIELD(orchestration_execution, total_execution_time_ms),
                         MICROSECONDS_OF_MS, &o.excluded);
    o.hooks_us = real_of(fold, FIELD(orchestration_execution, hooks_execution_time_ms),
                         MICROSECONDS_OF_MS, &o.excluded);
    o.tests_us = real_of(fold, FIELD(orchestration_execution, tests_execution_time_ms),
                         MICROSECONDS_OF_MS, &o.excluded);
    o.ai_us = real_of(fold, FIELD(orchestration_execution, ai_analysis_time_ms), MICROSECONDS_OF_MS,
                      &o.excluded);
    if (fold->job) {
        struct alog_row_jobs *job = fold->job;
        job->orchestrations++;
        add(fold, &job->orchestration_iterations, o.iterations);
        add(fold, &job->strategy_switches, o.switches);
        add(fold, &job->orchestration_time_us, o.total_us);
        add(fold, &job->hooks_time_us, o.hooks_us);
        add(fold, &job->tests_time_us, o.tests_us);
        add(fold, &job->ai_time_us, o.ai_us);
    }
    if (fold->hourly) {
        add_orchestration_to_hour(fold, &o);
        count_problem_hooks(fold);
    }
}

/* ---- Hooks and tests ---- */

static void fold_hook_execution(struct alog_fold *fold) {
    enum alog_word status = alog_fold_word(fold, ALOG_AT_hook_execution_status);
    bool failed = status == ALOG_WORD_FAILED;
    if (fold->job) {
        fold->job->hook_runs++;
        fold->job->hook_failures += failed;
    }
    if (!fold->hourly) {
        return;
    }
    uint32_t dimensions[] = {alog_fold_name(fold, ALOG_AT_hook_execution_hook_name),
                             alog_fold_name(fold, ALOG_AT_hook_execution_hook_type)};
    struct alog_row_rollup_hooks *row =
        alog_fold_hour_row(fold, ALOG_IN_rollup_hooks, dimensions, 2);
    if (!row) {
        return;
    }
    struct number time = real_of(fold, FIELD(hook_execution, execution_time_ms), MICROSECONDS_OF_MS,
                                 &row->not_finite);
    row->runs++;
    row->successes += status == ALOG_WORD_SUCCESS;
    row->failures += failed;
    row->skips += status == ALOG_WORD_SKIPPED;
    row->execution_time_count += time.present;
    add(fold, &row->execution_time_us_sum, time);
    count_time(fold, &row->time_hist, time);
}

static void fold_test_execution(struct alog_fold *fold) {
    if (!fold->hourly) {
        return;
    }
    struct alog_row_rollup_test_runs *row =
        alog_fold_hour_row(fold, ALOG_IN_rollup_test_runs, NULL, 0);
    if (!row) {
        return;
    }
    int64_t *excluded = &row->not_finite;
    struct number time =
        real_of(fold, FIELD(test_execution, execution_time_ms), MICROSECONDS_OF_MS, excluded);
    struct number coverage =
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
        note_sample(fold, ALOG_AT_individual_test_execution_error_message, &row->sample,
                    &row->first_ns, &row->last_ns);
    }
}

static void fold_individual_test_execution(struct alog_fold *fold) {
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
    struct alog_row_rollup_tests *row = alog_fold_hour_row(fold, ALOG_IN_rollup_tests, &test_id, 1);
    if (!row) {
        return;
    }
    struct number time = real_of(fold, FIELD(individual_test_execution, execution_time_ms),
                                 MICROSECONDS_OF_MS, &row->not_finite);
    row->passed += status == ALOG_WORD_PASSED;
    row->failed += failed;
    row->skipped += status == ALOG_WORD_SKIPPED;
    row->errors += in_error;
    row->execution_time_count += time.present;
    add(fold, &row->execution_time_us_sum, time);
    if (time.units > row->execution_time_us_max) {
        row->execution_time_us_max = time.units;
    }
}

/* ---- Errors and losses ---- */

static uint32_t name_of_pattern(struct alog_fold *fold, struct alog_string message) {
    struct alog_pattern_shape *shape;
    if (alog_pattern_memo_find(&fold->patterns, message, &shape)) {
        return shape->name;
    }
    char room[ALOG_PATTERN_BYTES];
    struct alog_string pattern = alog_message_pattern(message, room);
    uint32_t name = alog_fold_intern(fold, pattern);
    alog_pattern_memo_put(shape, message, pattern, name);
    return name;
}

static void fold_error(struct alog_fold *fold) {
    const unsigned at = ALOG_AT_error_error_message;
    uint32_t dimensions[] = {alog_fold_name(fold, ALOG_AT_error_error_type),
                             alog_fold_name(fold, ALOG_AT_error_error_category),
                             name_of_pattern(fold, text_of(fold, at))};
    if (fold->job) {
        uint32_t key[ALOG_MAX_DIMENSIONS] = {dimensions[0], dimensions[1]};
        fold->job->errors++;
        struct alog_row_job_errors *row = PART_OF(fold, job_errors, &fold->job->error_parts, key);
        if (row) {
            row->errors++;
            note_sample(fold, at, &row->sample, &row->first_ns, &row->last_ns);
        }
    }
    if (fold->hourly) {
        struct alog_row_rollup_errors *row =
            alog_fold_hour_row(fold, ALOG_IN_rollup_errors, dimensions, 3);
        if (row) {
            row->errors++;
            note_sample(fold, at, &row->sample, &row->first_ns, &row->last_ns);
        }
    }
}

static void fold_writer_loss(struct alog_fold *fold) {
    if (!fold->hourly) {
        return;
    }
    int64_t excluded = 0;
    uint32_t dimensions[] = {alog_fold_name(fold, ALOG_AT_writer_loss_lost_event),
                             alog_fold_name(fold, ALOG_AT_writer_loss_reason)};
    struct alog_row_rollup_losses *row =
        alog_fold_hour_row(fold, ALOG_IN_rollup_losses, dimensions, 2);
    if (row) {
        add(fold, &row->events_lost, integer_of(fold, FIELD(writer_loss, lost_count), &excluded));
    }
}

/* Types that are not here are counted by type, like every event. */
static void (*const folds[])(struct alog_fold *) = {
    [ALOG_ID_job_start] = fold_job_start,
    [ALOG_ID_job_end] = fold_job_end,
    [ALOG_ID_agent_execution] = fold_agent_execution,
    [ALOG_ID_provider_performance] = fold_provider_performance,
    [ALOG_ID_strategy_decision] = fold_strategy_decision,
    [ALOG_ID_orchestration_execution] = fold_orchestration_execution,
    [ALOG_ID_hook_execution] = fold_hook_execution,
    [ALOG_ID_test_execution] = fold_test_execution,
    [ALOG_ID_individual_test_execution] = fold_individual_test_execution,
    [ALOG_ID_error] = fold_error,
    [ALOG_ID_writer_loss] = fold_writer_loss,
};

void alog_fold_by_type(struct alog_fold *fold) {
    const uint32_t id = fold->cells.type_id;
    if (id < sizeof(folds) / sizeof(folds[0]) && folds[id]) {
        folds[id](fold);
    }
}
