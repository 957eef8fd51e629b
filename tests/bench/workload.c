/* The fleet's stream of events; see workload.h. */
#include "workload.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const agents[] = {
    "RefactoringAgent",  "SecurityAgent",     "PerformanceAgent", "DocumentationAgent",
    "FormattingAgent",   "TestCreationAgent", "ImportAgent",      "DeduplicationAgent",
    "TypeCheckingAgent", "ArchitectAgent",    "PlanningAgent",    "ReviewAgent"};
static const char *const issue_types[] = {"complexity",    "security",   "performance",
                                          "documentation", "formatting", "test_failure",
                                          "import_error",  "type_error", "dead_code"};
static const char *const providers[] = {"anthropic", "openai", "google", "mistral", "local"};
static const char *const models[][3] = {
    {"claude-3-7-sonnet-20250219", "claude-3-5-haiku-20241022", "claude-opus-4"},
    {"gpt-4o-2024-08-06", "gpt-4o-mini", "o3-mini"},
    {"gemini-2.5-pro", "gemini-2.0-flash", "gemini-2.5-flash"},
    {"mistral-large-2411", "codestral-2501", "ministral-8b"},
    {"qwen2.5-coder-32b", "llama-3.3-70b", "deepseek-r1-distill"}};
static const char *const strategies[] = {"sequential", "parallel", "adaptive", "focused", "broad"};
static const char *const hooks[] = {"ruff",      "mypy",    "bandit", "trailing-whitespace",
                                    "codespell", "vulture", "pytest"};
static const char *const error_types[] = {"hook", "test", "lint", "type_check"};

uint64_t workload_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545F4914F6CDD1DULL;
}

static uint32_t below(struct workload *w, uint32_t limit) {
    return (uint32_t)((workload_random(&w->random) >> 32) * limit >> 32);
}

static double unit(struct workload *w) {
    return (double)(workload_random(&w->random) >> 11) * 0x1p-53;
}

/* Log-normal milliseconds, whole microseconds, as a timer gives them. */
static double duration_ms(struct workload *w, double median_ms, double sigma) {
    double u = unit(w) + 0x1p-54;
    double gauss = sqrt(-2 * log(u)) * cos(6.283185307179586 * unit(w));
    return (double)llround(median_ms * exp(sigma * gauss) * 1000) / 1000;
}

void workload_init(struct workload *workload, uint64_t seed, uint32_t stream, uint64_t events,
                   int64_t start_ns, int64_t span_ns) {
    *workload = (struct workload){.random = seed * 0x9E3779B97F4A7C15ULL + stream + 1,
                                  .stream = stream,
                                  .events = events,
                                  .start_ns = start_ns,
                                  .span_ns = span_ns};
}

static void begin_job(struct workload *w, struct workload_job *job) {
    w->jobs_begun++;
    int len = snprintf(job->job_id, sizeof job->job_id, "job-%02u-%010llu", w->stream,
                       (unsigned long long)w->jobs_begun);
    job->job_id_len = (uint32_t)len;
    job->steps = WORKLOAD_EVENTS_PER_JOB / 2 + below(w, WORKLOAD_EVENTS_PER_JOB);
    job->step = 0;
    job->provider = below(w, COUNT(providers));
    job->model = below(w, 3);
    job->first_agent = below(w, COUNT(agents));
}

/* One of the job's four agents. */
static uint32_t pick_agent(struct workload *w, const struct workload_job *job) {
    return (job->first_agent + below(w, 4)) % COUNT(agents);
}

static enum alog_status log_agent(struct workload *w, const struct workload_job *job,
                                  struct alog_writer *writer, const struct alog_context *context) {
    uint32_t agent = pick_agent(w, job);
    double confidence = (double)(500 + below(w, 500)) / 1000;
    bool success = unit(w) < confidence;
    return alog_log_agent_execution(
        writer, &(struct alog_agent_execution){
                    .agent_name = alog_str(agents[agent]),
                    .issue_type = alog_str(issue_types[(agent + below(w, 2)) % COUNT(issue_types)]),
                    .success = success,
                    .confidence = ALOG_F64(confidence),
                    .fixes_applied = ALOG_I64(success ? (int64_t)below(w, 6) : 0),
                    .files_modified = ALOG_I64((int64_t)below(w, 4)),
                    .remaining_issues = ALOG_I64((int64_t)below(w, 3)),
                    .execution_time_ms = ALOG_F64(duration_ms(w, 1500, 0.9)),
                    .provider_id = alog_str(providers[job->provider]),
                    .model = alog_str(models[job->provider][job->model]),
                    .attempt = ALOG_I64(1 + (int64_t)(below(w, 10) == 0)),
                    .context = context});
}

static enum alog_status log_call(struct workload *w, const struct workload_job *job,
                                 struct alog_writer *writer, const struct alog_context *context) {
    uint32_t dice = below(w, 1000);
    bool fell_back = dice >= 980;
    uint32_t provider =
        fell_back ? (job->provider + 1) % (uint32_t)COUNT(providers) : job->provider;
    bool failed = dice < 30;
    int64_t input = 200 + (int64_t)below(w, 8000), output = 20 + (int64_t)below(w, 1500);
    struct alog_provider_performance call = {.provider_id = alog_str(providers[provider]),
                                             .model = alog_str(models[provider][job->model]),
                                             .success = !failed,
                                             .latency_ms = ALOG_F64(duration_ms(w, 900, 0.8)),
                                             .retry_count = ALOG_I64(dice < 50),
                                             .agent_name = alog_str(agents[pick_agent(w, job)]),
                                             .input_tokens = ALOG_I64(input),
                                             .output_tokens = ALOG_I64(output),
                                             .cost_usd =
                                                 ALOG_F64((double)(input * 3 + output * 15) / 1e6),
                                             .context = context};
    if (failed) {
        call.failure_class =
            dice < 20 ? ALOG_FAILURE_CLASS_AVAILABILITY : ALOG_FAILURE_CLASS_EXECUTION;
        call.error_type = dice < 10   ? ALOG_STR("rate_limit")
                          : dice < 20 ? ALOG_STR("timeout")
                                      : ALOG_STR("bad_output");
        call.error_message = ALOG_STR("the provider did not give a usable answer in time");
    }
    if (fell_back) {
        call.fallback_from = alog_str(providers[job->provider]);
        call.fallback_reason = ALOG_STR("rate_limit");
    }
    return alog_log_provider_performance(writer, &call);
}

static enum alog_status log_test(struct workload *w, struct alog_writer *writer,
                                 const struct alog_context *context) {
    char test_id[64];
    uint32_t test = below(w, 2000);
    int len = snprintf(test_id, sizeof test_id, "tests/test_module_%02u.py::test_case_%04u",
                       test % 40, test);
    uint32_t dice = below(w, 100);
    return alog_log_individual_test_execution(
        writer, &(struct alog_individual_test_execution){
                    .test_id = {test_id, (size_t)len},
                    .status = dice < 92   ? ALOG_TEST_STATUS_PASSED
                              : dice < 96 ? ALOG_TEST_STATUS_FAILED
                                          : ALOG_TEST_STATUS_SKIPPED,
                    .execution_time_ms = ALOG_F64(duration_ms(w, 12, 1)),
                    .context = context});
}

static enum alog_status log_hook(struct workload *w, struct alog_writer *writer,
                                 const struct alog_context *context) {
    return alog_log_hook_execution(
        writer, &(struct alog_hook_execution){.hook_name = alog_str(hooks[below(w, COUNT(hooks))]),
                                              .hook_type = ALOG_STR("comprehensive"),
                                              .execution_time_ms = ALOG_F64(duration_ms(w, 300, 1)),
                                              .status = below(w, 12) ? ALOG_HOOK_STATUS_SUCCESS
                                                                     : ALOG_HOOK_STATUS_FAILED,
                                              .context = context});
}

static enum alog_status log_error(struct workload *w, struct alog_writer *writer,
                                  const struct alog_context *context) {
    char message[96];
    int len = snprintf(message, sizeof message, "line %u: cannot resolve name 'symbol_%u'",
                       below(w, 900), below(w, 60));
    return alog_log_error(
        writer, &(struct alog_error_event){.error_type = alog_str(error_types[below(w, 4)]),
                                           .error_category = ALOG_STR("resolution"),
                                           .error_message = {message, (size_t)len},
                                           .line_number = ALOG_I64((int64_t)below(w, 900)),
                                           .context = context});
}

static enum alog_status log_rare(struct workload *w, struct alog_writer *writer,
                                 const struct alog_context *context) {
    switch (below(w, 3)) {
    case 0:
        return alog_log_strategy_decision(
            writer, &(struct alog_strategy_decision){
                        .iteration = ALOG_I64((int64_t)below(w, 8)),
                        .previous_strategy = alog_str(strategies[below(w, 5)]),
                        .selected_strategy = alog_str(strategies[below(w, 5)]),
                        .decision_reason = ALOG_STR("fewer failures in the last round"),
                        .effectiveness_score = ALOG_F64((double)below(w, 1000) / 1000),
                        .context = context});
    case 1:
        return alog_log_test_execution(
            writer, &(struct alog_test_execution){
                        .total_tests = ALOG_I64(200),
                        .passed = ALOG_I64(200 - (int64_t)below(w, 9)),
                        .failed = ALOG_I64((int64_t)below(w, 9)),
                        .skipped = ALOG_I64(0),
                        .execution_time_ms = ALOG_F64(duration_ms(w, 20000, 0.5)),
                        .coverage_percent = ALOG_F64((double)(700 + below(w, 250)) / 10),
                        .context = context});
    default:
        return alog_log_orchestration_execution(
            writer, &(struct alog_orchestration_execution){
                        .execution_strategy = alog_str(strategies[below(w, 5)]),
                        .ai_mode = ALOG_STR("single-agent"),
                        .iteration_count = ALOG_I64(1 + (int64_t)below(w, 6)),
                        .strategy_switches = ALOG_I64((int64_t)below(w, 3)),
                        .total_execution_time_ms = ALOG_F64(duration_ms(w, 60000, 0.5)),
                        .hooks_execution_time_ms = ALOG_F64(duration_ms(w, 9000, 0.5)),
                        .tests_execution_time_ms = ALOG_F64(duration_ms(w, 30000, 0.5)),
                        .ai_analysis_time_ms = ALOG_F64(duration_ms(w, 15000, 0.5)),
                        .context = context});
    }
}

enum alog_status workload_next(struct workload *workload, struct alog_writer *writer) {
    struct workload *w = workload;
    struct workload_job *job = &w->jobs[below(w, WORKLOAD_JOBS_AT_ONCE)];
    if (job->steps == 0) {
        begin_job(w, job);
    }
    int64_t at = w->start_ns +
                 (int64_t)((double)w->span_ns * ((double)w->logged / (double)w->events)) +
                 (int64_t)below(w, 1000000);
    w->logged++;
    struct alog_context context = {.timestamp_ns = ALOG_I64(at),
                                   .job_id = {job->job_id, job->job_id_len}};
    if (job->step++ == 0) {
        return alog_log_job_start(writer,
                                  &(struct alog_job_start){.job_id = context.job_id,
                                                           .ai_agent = ALOG_BOOL(below(w, 4) != 0),
                                                           .context = &context});
    }
    if (job->step >= job->steps) {
        struct workload_job ended = *job;
        job->steps = 0;
        context.job_id.data = ended.job_id;
        return alog_log_job_end(
            writer, &(struct alog_job_end){.job_id = context.job_id,
                                           .status = below(w, 5) ? ALOG_JOB_STATUS_SUCCESS
                                                                 : ALOG_JOB_STATUS_FAILED,
                                           .iterations = ALOG_I64(1 + (int64_t)below(w, 9)),
                                           .context = &context});
    }
    uint32_t dice = below(w, 100);
    if (dice < 30) {
        return log_agent(w, job, writer, &context);
    }
    if (dice < 60) {
        return log_call(w, job, writer, &context);
    }
    if (dice < 80) {
        return log_test(w, writer, &context);
    }
    if (dice < 92) {
        return log_hook(w, writer, &context);
    }
    if (dice < 97) {
        return log_error(w, writer, &context);
    }
    return log_rare(w, writer, &context);
}
