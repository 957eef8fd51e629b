/*
 * fleet: an example of the public API. A small fleet of agents works on jobs, one agent thread
 * each, and logs what it does: strategies, model calls with failures, retries and fallbacks, hooks,
 * tests on helper threads, errors, and an event of the application's own. What the agents do is
 * made up, out of a fixed seed; how it is logged is real.
 *
 *     fleet LOGDIR [THREADS [JOBS_PER_THREAD [SEED [DAYS]]]]
 */
#include <agentlog/writer.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))
#define MAX_THREADS     64
#define NS_PER_MS       INT64_C(1000000)
#define NS_PER_DAY      (INT64_C(86400) * 1000 * NS_PER_MS)
#define USUAL_DAYS      3

/* Providers: the first is asked first, the next is its fallback. */
static const struct provider {
    struct alog_string id;
    struct alog_string model;
    double unavailable; /* how often a call does not get to run */
    double poor;        /* how often it runs and gives nothing useful */
    double latency_ms;
    double usd_per_token;
} providers[] = {
    {{"cloud-a", 7}, {"large-2", 7}, 0.12, 0.05, 900.0, 8e-6},
    {{"cloud-b", 7}, {"medium-5", 8}, 0.03, 0.10, 600.0, 2e-6},
    {{"local", 5}, {"small-1", 7}, 0.01, 0.25, 250.0, 0.0},
};

static const struct specialist {
    struct alog_string agent_name;
    struct alog_string issue_type;
    double skill; /* how often it solves its issue, given an answer */
} specialists[] = {
    {{"refactoring", 11}, {"complexity", 10}, 0.70},
    {{"type-fixer", 10}, {"type_error", 10}, 0.85},
    {{"formatter", 9}, {"formatting", 10}, 0.98},
    {{"test-fixer", 10}, {"test_failure", 12}, 0.60},
    {{"security", 8}, {"security", 8}, 0.75},
};

static const struct alog_string strategies[] = {
    {"one_by_one", 10}, {"batch", 5}, {"test_first", 10}};

static const struct alog_string hooks[] = {{"format", 6}, {"lint", 4}, {"type-check", 10}};

/* What is the same for all agents. */
struct fleet {
    struct alog_writer *writer;
    uint32_t cache_event; /* a user-defined event type */
    uint64_t seed;
    unsigned jobs_per_thread;
    int64_t start_ns;
    unsigned days;
};

/* One agent thread. Its clock runs in the fleet's own time: days pass in a blink. */
struct agent {
    const struct fleet *fleet;
    unsigned number;
    uint64_t random;
    int64_t now_ns;
    struct alog_context context;
    uint64_t logged, refused;
    bool had_fallback, had_retry; /* in the current job */
    char story[64];               /* a job worth looking at */
};

/* ---- Chance and time ---- */

static double chance(struct agent *agent) {
    agent->random ^= agent->random << 13;
    agent->random ^= agent->random >> 7;
    agent->random ^= agent->random << 17;
    return (double)(agent->random >> 11) / 9007199254740992.0;
}

static int64_t between(struct agent *agent, int64_t low, int64_t high) {
    return low + (int64_t)(chance(agent) * (double)(high - low + 1));
}

/* Time passes; returns how much, in ms. */
static double spend(struct agent *agent, double typical_ms) {
    const double ms = typical_ms * (0.5 + chance(agent) * chance(agent) * 4.0);
    agent->now_ns += (int64_t)(ms * (double)NS_PER_MS);
    return ms;
}

/* The moment that the next event is about. Leave `context` out in an application: the time is then
 * now. */
static const struct alog_context *now(struct agent *agent) {
    agent->context = (struct alog_context){.timestamp_ns = ALOG_I64(agent->now_ns)};
    return &agent->context;
}

/* A log call never fails the work it observes; an application would not even look at its result. */
static void count(struct agent *agent, enum alog_status status) {
    if (status == ALOG_OK) {
        agent->logged++;
    } else {
        agent->refused++;
    }
}

/* ---- What an agent does ---- */

static void look_into_cache(struct agent *agent) {
    const bool hit = chance(agent) < 0.6;
    const struct alog_value values[] = {
        {.kind = ALOG_VALUE_STRING, .string = ALOG_STR("answers")},
        {.kind = ALOG_VALUE_BOOL, .boolean = hit},
        {.kind = ALOG_VALUE_I64, .i64 = hit ? between(agent, 200, 9000) : 0}};
    count(agent, alog_log_user(agent->fleet->writer, agent->fleet->cache_event, values,
                               COUNT_OF(values), now(agent)));
}

/* What a call came to, beyond its success. */
enum outcome { RAN, TIMED_OUT, REFUSED };

/* Ask one provider once. `fallback_from` is the one that could not be had before, or absent. */
static bool ask_provider(struct agent *agent, const struct specialist *specialist,
                         const struct provider *provider, int64_t retry_count,
                         struct alog_string fallback_from, enum outcome *ret_outcome) {
    const bool available = chance(agent) >= provider->unavailable;
    const bool refused = chance(agent) < 0.6;
    const bool success = available && chance(agent) >= provider->poor;
    const int64_t input_tokens = between(agent, 400, 9000);
    const int64_t output_tokens = between(agent, 50, 1500);
    struct alog_provider_performance call = {
        .provider_id = provider->id,
        .model = provider->model,
        .success = success,
        .latency_ms = ALOG_F64(spend(agent, available ? provider->latency_ms
                                            : refused ? 50.0
                                                      : 5000.0)),
        .retry_count = ALOG_I64(retry_count),
        .fallback_from = fallback_from,
        .agent_name = specialist->agent_name};
    if (fallback_from.data != NULL) {
        call.fallback_reason = ALOG_STR("unavailable");
        agent->had_fallback = true;
    }
    if (available) {
        call.input_tokens = ALOG_I64(input_tokens);
        call.output_tokens = ALOG_I64(output_tokens);
        call.cost_usd =
            ALOG_F64((double)(input_tokens + 3 * output_tokens) * provider->usd_per_token);
    } else {
        call.failure_class = ALOG_FAILURE_CLASS_AVAILABILITY;
        call.error_type = refused ? ALOG_STR("rate_limit") : ALOG_STR("timeout");
        call.error_message = ALOG_STR("the provider did not take the request");
    }
    if (available && !success) {
        call.failure_class = ALOG_FAILURE_CLASS_EXECUTION;
        call.error_type = ALOG_STR("unusable_answer");
    }
    call.context = now(agent);
    count(agent, alog_log_provider_performance(agent->fleet->writer, &call));
    *ret_outcome = available ? RAN : refused ? REFUSED : TIMED_OUT;
    return success;
}

/* An answer from the first provider that can be had: a time-out is tried again once, a refusal is
 * not. NULL = none. */
static const struct provider *get_answer(struct agent *agent, const struct specialist *specialist) {
    struct alog_string fallback_from = {NULL, 0};
    for (size_t i = 0; i < COUNT_OF(providers); i++) {
        enum outcome outcome = TIMED_OUT;
        for (int64_t retry = 0; retry < 2 && outcome == TIMED_OUT; retry++) {
            if (ask_provider(agent, specialist, &providers[i], retry, fallback_from, &outcome)) {
                return &providers[i];
            }
        }
        if (outcome == RAN) {
            return NULL; /* the answer was no good: what now is the agent's to decide */
        }
        fallback_from = providers[i].id;
    }
    return NULL;
}

/* Up to three attempts at one issue. */
static bool solve_issue(struct agent *agent, const struct specialist *specialist) {
    for (int64_t attempt = 1; attempt <= 3; attempt++) {
        const int64_t began_ns = agent->now_ns;
        look_into_cache(agent);
        const struct provider *provider = get_answer(agent, specialist);
        const bool success = provider != NULL && chance(agent) < specialist->skill;
        const double confidence = success ? 0.6 + 0.4 * chance(agent) : 0.2 + 0.6 * chance(agent);
        struct alog_agent_execution execution = {
            .agent_name = specialist->agent_name,
            .issue_type = specialist->issue_type,
            .success = success,
            .confidence = ALOG_F64(confidence),
            .fixes_applied = ALOG_I64(success ? between(agent, 1, 6) : 0),
            .remaining_issues = ALOG_I64(success ? 0 : between(agent, 1, 4)),
            .attempt = ALOG_I64(attempt)};
        execution.files_modified = execution.fixes_applied;
        if (provider != NULL) {
            execution.provider_id = provider->id;
            execution.model = provider->model;
        }
        execution.execution_time_ms =
            ALOG_F64((double)(agent->now_ns - began_ns) / (double)NS_PER_MS);
        execution.context = now(agent);
        count(agent, alog_log_agent_execution(agent->fleet->writer, &execution));
        agent->had_retry = agent->had_retry || attempt > 1;
        if (success) {
            return true;
        }
    }
    return false;
}

static double run_hooks(struct agent *agent) {
    double total_ms = 0.0;
    for (size_t i = 0; i < COUNT_OF(hooks); i++) {
        const bool failed = chance(agent) < 0.1;
        const double ms = spend(agent, 400.0);
        const struct alog_hook_execution hook = {.hook_name = hooks[i],
                                                 .hook_type = ALOG_STR("pre_commit"),
                                                 .execution_time_ms = ALOG_F64(ms),
                                                 .status = failed ? ALOG_HOOK_STATUS_FAILED
                                                                  : ALOG_HOOK_STATUS_SUCCESS,
                                                 .context = now(agent)};
        count(agent, alog_log_hook_execution(agent->fleet->writer, &hook));
        if (failed) {
            const struct alog_error_event error = {.error_type =
                                                       i == 1 ? ALOG_STR("lint") : ALOG_STR("hook"),
                                                   .error_message = ALOG_STR("the hook failed"),
                                                   .file_path = ALOG_STR("src/main.c"),
                                                   .line_number = ALOG_I64(between(agent, 1, 400)),
                                                   .context = now(agent)};
            count(agent, alog_log_error(agent->fleet->writer, &error));
        }
        total_ms += ms;
    }
    return total_ms;
}

/* ---- Tests, on a thread of their own that takes the job along ---- */

struct test_run {
    struct agent *agent;
    struct alog_job_scope scope;
    double total_ms;
    int64_t failed;
};

static void *run_tests(void *argument) {
    struct test_run *run = argument;
    struct agent *agent = run->agent;
    struct alog_writer *writer = agent->fleet->writer;
    int64_t total = between(agent, 8, 20);
    const bool attached = alog_job_attach(&run->scope) == ALOG_OK;
    for (int64_t i = 0; i < total; i++) {
        char test_id[64];
        snprintf(test_id, sizeof test_id, "tests/test_core.py::test_%02" PRId64, i);
        const bool failed = chance(agent) < (i == 3 ? 0.3 : 0.02);
        const double ms = spend(agent, 30.0);
        struct alog_individual_test_execution test = {.test_id = alog_str(test_id),
                                                      .test_file = ALOG_STR("tests/test_core.py"),
                                                      .status = failed ? ALOG_TEST_STATUS_FAILED
                                                                       : ALOG_TEST_STATUS_PASSED,
                                                      .execution_time_ms = ALOG_F64(ms),
                                                      .context = now(agent)};
        if (failed) {
            test.error_message = ALOG_STR("expected 3, got 4");
        }
        count(agent, alog_log_individual_test_execution(writer, &test));
        run->total_ms += ms;
        run->failed += failed;
    }
    const struct alog_test_execution suite = {.total_tests = ALOG_I64(total),
                                              .passed = ALOG_I64(total - run->failed),
                                              .failed = ALOG_I64(run->failed),
                                              .skipped = ALOG_I64(0),
                                              .execution_time_ms = ALOG_F64(run->total_ms),
                                              .coverage_percent = ALOG_F64(80.0 + chance(agent)),
                                              .context = now(agent)};
    count(agent, alog_log_test_execution(writer, &suite));
    if (attached) {
        (void)alog_job_detach();
    }
    return NULL;
}

/* Run the tests on another thread and wait for them. */
static struct test_run test(struct agent *agent) {
    struct test_run run = {.agent = agent, .scope = alog_job_capture()};
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_tests, &run) == 0) {
        pthread_join(thread, NULL);
    }
    return run;
}

/* ---- Jobs ---- */

static struct alog_string choose_strategy(struct agent *agent, int64_t iteration,
                                          struct alog_string previous) {
    const struct alog_string selected = strategies[between(agent, 0, COUNT_OF(strategies) - 1)];
    const struct alog_strategy_decision decision = {
        .iteration = ALOG_I64(iteration),
        .previous_strategy = previous,
        .selected_strategy = selected,
        .decision_reason = iteration == 1 ? ALOG_STR("first round") : ALOG_STR("issues are left"),
        .effectiveness_score = ALOG_F64(chance(agent)),
        .context = now(agent)};
    count(agent, alog_log_strategy_decision(agent->fleet->writer, &decision));
    return selected;
}

/* One round: a strategy, some issues, hooks and tests. True when nothing is left to do. */
static bool work_round(struct agent *agent, int64_t iteration, struct alog_string *strategy) {
    const int64_t began_ns = agent->now_ns;
    *strategy = choose_strategy(agent, iteration, *strategy);
    bool solved = true;
    for (int64_t issues = between(agent, 1, 3); issues > 0; issues--) {
        solved = solve_issue(agent, &specialists[between(agent, 0, COUNT_OF(specialists) - 1)]) &&
                 solved;
    }
    const int64_t analysed_ns = agent->now_ns;
    const double hooks_ms = run_hooks(agent);
    const struct test_run tests = test(agent);
    const struct alog_orchestration_execution run = {
        .execution_strategy = *strategy,
        .ai_mode = ALOG_STR("autonomous"),
        .iteration_count = ALOG_I64(iteration),
        .total_execution_time_ms = ALOG_F64((double)(agent->now_ns - began_ns) / (double)NS_PER_MS),
        .hooks_execution_time_ms = ALOG_F64(hooks_ms),
        .tests_execution_time_ms = ALOG_F64(tests.total_ms),
        .ai_analysis_time_ms = ALOG_F64((double)(analysed_ns - began_ns) / (double)NS_PER_MS),
        .context = now(agent)};
    count(agent, alog_log_orchestration_execution(agent->fleet->writer, &run));
    return solved && tests.failed == 0;
}

static void do_job(struct agent *agent, unsigned number) {
    struct alog_writer *writer = agent->fleet->writer;
    char job_id[64];
    snprintf(job_id, sizeof job_id, "job-%u-%03u", agent->number, number);
    const struct alog_job_start start = {.job_id = alog_str(job_id),
                                         .ai_agent = ALOG_BOOL(true),
                                         .metadata = ALOG_STR("{\"branch\":\"main\"}"),
                                         .context = now(agent)};
    agent->had_fallback = false;
    agent->had_retry = false;
    count(agent, alog_job_begin(writer, &start));
    bool done = false;
    int64_t iteration = 0;
    struct alog_string strategy = {NULL, 0};
    while (!done && iteration < 3) {
        done = work_round(agent, ++iteration, &strategy);
    }
    struct alog_job_end end = {.status = done ? ALOG_JOB_STATUS_SUCCESS : ALOG_JOB_STATUS_FAILED,
                               .iterations = ALOG_I64(iteration),
                               .context = now(agent)};
    if (!done) {
        end.error_message = ALOG_STR("issues are left after three rounds");
    }
    count(agent, alog_job_finish(writer, &end));
    if (agent->had_fallback && agent->had_retry && agent->story[0] == '\0') {
        memcpy(agent->story, job_id, sizeof agent->story);
    }
}

static void *work(void *argument) {
    struct agent *agent = argument;
    const struct fleet *fleet = agent->fleet;
    const int64_t pause_ns = fleet->days * NS_PER_DAY / (int64_t)fleet->jobs_per_thread;
    for (unsigned job = 0; job < fleet->jobs_per_thread; job++) {
        agent->now_ns = fleet->start_ns + (int64_t)job * pause_ns +
                        (int64_t)(chance(agent) * (double)pause_ns / 2.0);
        do_job(agent, job);
    }
    return NULL;
}

/* ---- The fleet ---- */

static enum alog_status define_cache_event(struct fleet *fleet, struct alog_error *error) {
    static const struct alog_field fields[] = {
        {.name = "cache", .kind = ALOG_FIELD_NAME, .required = true},
        {.name = "hit", .kind = ALOG_FIELD_BOOL, .required = true},
        {.name = "bytes", .kind = ALOG_FIELD_I64}};
    return alog_event_define(fleet->writer, ALOG_STR("cache_lookup"), fields, COUNT_OF(fields),
                             &fleet->cache_event, error);
}

static unsigned start_agents(const struct fleet *fleet, struct agent *agents, pthread_t *threads,
                             unsigned count_wanted) {
    unsigned started = 0;
    for (; started < count_wanted; started++) {
        agents[started] =
            (struct agent){.fleet = fleet,
                           .number = started + 1,
                           .random = fleet->seed + (started + 1) * 0x9e3779b97f4a7c15};
        if (pthread_create(&threads[started], NULL, work, &agents[started]) != 0) {
            break;
        }
    }
    return started;
}

static int run_fleet(struct fleet *fleet, unsigned thread_count) {
    struct agent agents[MAX_THREADS];
    pthread_t threads[MAX_THREADS];
    uint64_t logged = 0;
    uint64_t refused = 0;
    const char *story = "";
    const unsigned started = start_agents(fleet, agents, threads, thread_count);
    for (unsigned i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        logged += agents[i].logged;
        refused += agents[i].refused;
        story = story[0] == '\0' ? agents[i].story : story;
    }
    printf("%u agents worked on %u jobs and logged %" PRIu64 " events (%" PRIu64 " not taken)\n",
           started, started * fleet->jobs_per_thread, logged, refused);
    printf("a job worth a look: %s\n", story[0] == '\0' ? "job-1-000" : story);
    return started == thread_count && refused == 0 ? 0 : 1;
}

static int64_t midnight_before(int64_t days) {
    const int64_t today_ns = (int64_t)time(NULL) / 86400 * NS_PER_DAY;
    return today_ns - days * NS_PER_DAY;
}

static unsigned number_argument(int argc, char **argv, int index, unsigned fallback,
                                unsigned most) {
    if (index >= argc) {
        return fallback;
    }
    const unsigned long value = strtoul(argv[index], NULL, 10);
    return value >= 1 && value <= most ? (unsigned)value : fallback;
}

int main(int argc, char **argv) {
    struct alog_error error = {.message = ""};
    if (argc < 2) {
        fputs("usage: fleet LOGDIR [THREADS [JOBS_PER_THREAD [SEED [DAYS]]]]\n", stderr);
        return 2;
    }
    const unsigned thread_count = number_argument(argc, argv, 2, 4, MAX_THREADS);
    struct fleet fleet = {.jobs_per_thread = number_argument(argc, argv, 3, 60, 100000),
                          .seed = number_argument(argc, argv, 4, 20260204, 4000000000u),
                          .days = number_argument(argc, argv, 5, USUAL_DAYS, 3650)};
    fleet.start_ns = midnight_before(fleet.days);
    enum alog_status status = alog_writer_open(argv[1], NULL, &fleet.writer, &error);
    if (status != ALOG_OK) {
        fprintf(stderr, "fleet: %s\n", error.message);
        return 1;
    }
    int result = 1;
    status = define_cache_event(&fleet, &error);
    if (status == ALOG_OK) {
        result = run_fleet(&fleet, thread_count);
    }
    const enum alog_status closed =
        alog_writer_close(fleet.writer, status == ALOG_OK ? &error : NULL);
    if (status != ALOG_OK || closed != ALOG_OK) {
        fprintf(stderr, "fleet: %s\n", error.message);
        return 1;
    }
    return result;
}
