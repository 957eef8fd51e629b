#include "fold_event.h"

#include "fold_fields.h"
#include "format/event_id.h"
#include "insights.h"
#include "message_pattern.h"

#define MAX_SAMPLE_BYTES 500u

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

void alog_fold_sample(struct alog_fold *fold, struct alog_string message, int64_t at_ns,
                      const struct alog_sample **sample, int64_t *first_ns, int64_t *last_ns) {
    struct alog_string text = sample_of(message);
    if (alog_groups_offer_sample(&fold->groups, sample, *first_ns, at_ns, text) != ALOG_OK) {
        fold->no_memory = true;
    }
    cover(first_ns, last_ns, at_ns);
}

/* ---- Jobs ---- */

static void offer_edge(struct alog_fold *fold, enum alog_job_edge_kind kind,
                       struct alog_job_edge **place, struct alog_job_edge *edge) {
    char id[ALOG_EVENT_ID_BYTES];
    edge->timestamp_ns = fold->cells.timestamp_ns;
    edge->event_id = fold->cells.has_own ? fold->cells.event_id : (struct alog_string){NULL, 0};
    if (!edge->event_id.data) {
        edge->event_id = alog_event_id(fold->block.writer_id, fold->sequence, id);
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
    struct alog_fold_number iterations = integer_of(fold, FIELD(job_end, iterations), &excluded);
    struct alog_job_edge edge = {.status = name_text_of(fold, ALOG_AT_job_end_status),
                                 .iterations = {iterations.units, iterations.present},
                                 .text = text_of(fold, ALOG_AT_job_end_error_message)};
    offer_edge(fold, ALOG_JOB_END, &fold->job->end, &edge);
}

/* ---- Strategies and orchestrations ---- */

static void fold_strategy_decision(struct alog_fold *fold) {
    int64_t excluded = 0;
    struct alog_fold_number score =
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
    struct alog_fold_number iterations, switches, total_us, hooks_us, tests_us, ai_us;
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
            alog_fold_name_row(fold, ALOG_IN_rollup_problem_hooks, hook);
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
    const struct alog_string message = text_of(fold, ALOG_AT_error_error_message);
    const int64_t at_ns = fold->cells.timestamp_ns;
    uint32_t dimensions[] = {alog_fold_name(fold, ALOG_AT_error_error_type),
                             alog_fold_name(fold, ALOG_AT_error_error_category),
                             name_of_pattern(fold, message)};
    if (fold->job) {
        uint32_t key[ALOG_MAX_DIMENSIONS] = {dimensions[0], dimensions[1]};
        fold->job->errors++;
        struct alog_row_job_errors *row = PART_OF(fold, job_errors, &fold->job->error_parts, key);
        if (row) {
            row->errors++;
            alog_fold_sample(fold, message, at_ns, &row->sample, &row->first_ns, &row->last_ns);
        }
    }
    if (fold->hourly) {
        struct alog_row_rollup_errors *row =
            alog_fold_hour_row(fold, ALOG_IN_rollup_errors, dimensions, 3);
        if (row) {
            row->errors++;
            alog_fold_sample(fold, message, at_ns, &row->sample, &row->first_ns, &row->last_ns);
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
    [ALOG_ID_agent_execution] = alog_fold_agent_execution,
    [ALOG_ID_provider_performance] = alog_fold_provider_performance,
    [ALOG_ID_strategy_decision] = fold_strategy_decision,
    [ALOG_ID_orchestration_execution] = fold_orchestration_execution,
    [ALOG_ID_hook_execution] = alog_fold_hook_execution,
    [ALOG_ID_test_execution] = alog_fold_test_execution,
    [ALOG_ID_individual_test_execution] = alog_fold_individual_test_execution,
    [ALOG_ID_error] = fold_error,
    [ALOG_ID_writer_loss] = fold_writer_loss,
};

/* Events of these types wait, and are counted in their job later. */
static bool waits(uint32_t id) {
    return id == ALOG_ID_agent_execution || id == ALOG_ID_provider_performance ||
           id == ALOG_ID_hook_execution || id == ALOG_ID_individual_test_execution;
}

void alog_fold_by_type(struct alog_fold *fold) {
    const uint32_t id = fold->cells.type_id;
    if (fold->job && !waits(id)) {
        alog_fold_count_in_job(fold->job, fold->cells.timestamp_ns);
    }
    if (id < sizeof(folds) / sizeof(folds[0]) && folds[id]) {
        folds[id](fold);
    }
}

void alog_fold_settle(struct alog_fold *fold) {
    alog_fold_settle_executions(fold);
    alog_fold_settle_calls(fold);
    alog_fold_settle_hooks(fold);
    alog_fold_settle_tests(fold);
}
