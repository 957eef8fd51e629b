/*
 * One process of agents for the soak test: its threads run jobs at a given rate and acknowledge, in
 * a file that is mapped and outlives the process, each event that was stored and each that was
 * dropped. Ends when it gets SIGTERM: then the writer is closed, and its status is the exit code.
 *
 *     soak_agent LOGDIR RINGDIR LEDGER LIFE THREADS EVENTS_PER_SECOND DAYS_BACK SEED
 *
 * Event n of a thread carries n as an attribute, and its job is named LIFE-THREAD-…: from that, and
 * the ledger, an oracle tells what is missing and what is there twice. A thread ends after a few
 * jobs and another goes on in its place. SEED decides the writer's options and the bursts.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <agentlog/writer.h>

#include "format/io.h"
#include "soak_ledger.h"

#define EVENTS_PER_JOB  250
#define JOBS_PER_THREAD 20
#define DAY_NS          INT64_C(86400000000000)
#define SLICE_NS        20000000 /* a thread sees so late that it is to end */

enum exit_code { ENDED, BAD_ARGUMENTS, NO_LEDGER, NOT_CLOSED, STRANGE_RESULT, NO_THREAD };

static atomic_bool ending;

static void on_sigterm(int signal_number) {
    (void)signal_number;
    atomic_store(&ending, true);
}

/* splitmix64, by Sebastiano Vigna (public domain). */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static uint64_t pick(uint64_t *random, const uint64_t *choices, size_t count) {
    return choices[next_random(random) % count];
}
#define PICK(random, ...)                                                                          \
    pick((random), (const uint64_t[]){__VA_ARGS__},                                                \
         sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* ---- A thread ------------------------------------------------------------------------------- */

struct agent {
    struct alog_writer *writer;
    struct soak_ledger *ledger; /* this thread's */
    uint64_t life, thread;
    uint64_t events_per_second;
    uint64_t burst; /* log calls between pauses */
    uint64_t calls; /* so far */
    uint64_t n;     /* of the event to be logged: one more than were stored */
    uint64_t job;
    int64_t due_ns; /* when the next burst begins */
    uint32_t user_type;
};

static void take_result(struct agent *agent, enum alog_status status) {
    agent->calls++;
    if (status == ALOG_OK) {
        atomic_store(&agent->ledger->stored, agent->n);
        agent->n++;
    } else if (status == ALOG_DROPPED) {
        atomic_fetch_add(&agent->ledger->dropped, 1);
    } else {
        fprintf(stderr, "a log call returned %d\n", (int)status);
        _exit(STRANGE_RESULT);
    }
}

static enum alog_status log_one(const struct agent *agent, const struct alog_context *context) {
    static const char *const names[] = {"fixer", "linter", "typist", "tester"};
    const struct alog_string name = alog_str(names[agent->n % 4]);
    const uint64_t n = agent->n;
    switch (n % 7) {
    case 0: {
        const struct alog_value value = {.kind = ALOG_VALUE_I64, .i64 = (int64_t)n};
        return alog_log_user(agent->writer, agent->user_type, &value, 1, context);
    }
    case 1:
        return alog_log_hook_execution(
            agent->writer, &(struct alog_hook_execution){.hook_name = name,
                                                         .status = ALOG_HOOK_STATUS_SUCCESS,
                                                         .execution_time_ms = ALOG_F64(12.5),
                                                         .context = context});
    case 2:
        return alog_log_error(agent->writer,
                              &(struct alog_error_event){.error_type = ALOG_STR("lint"),
                                                         .error_message = name,
                                                         .context = context});
    case 3:
    case 4:
        return alog_log_provider_performance(
            agent->writer, &(struct alog_provider_performance){
                               .provider_id = ALOG_STR("cloud-a"),
                               .model = name,
                               .success = n % 5 != 0,
                               .failure_class = n % 5 != 0 ? ALOG_FAILURE_CLASS_ABSENT
                                                           : ALOG_FAILURE_CLASS_EXECUTION,
                               .latency_ms = ALOG_F64((double)(n % 1000)),
                               .input_tokens = ALOG_I64((int64_t)(n % 10007)),
                               .context = context});
    default:
        return alog_log_agent_execution(
            agent->writer, &(struct alog_agent_execution){.agent_name = name,
                                                          .issue_type = ALOG_STR("complexity"),
                                                          .success = n % 3 != 0,
                                                          .confidence = ALOG_F64(0.75),
                                                          .fixes_applied = ALOG_I64((int64_t)n % 9),
                                                          .context = context});
    }
}

/* Bursts, each when it is due; whoever is late does not catch up for ever. */
static void pause_if_due(struct agent *agent) {
    if (agent->calls % agent->burst != 0) {
        return;
    }
    const struct alog_io *io = alog_io_system();
    agent->due_ns += (int64_t)(agent->burst * UINT64_C(1000000000) / agent->events_per_second);
    const int64_t now_ns = io->monotonic_ns(NULL);
    if (agent->due_ns < now_ns) {
        agent->due_ns = now_ns;
        return;
    }
    while (!atomic_load(&ending) && io->monotonic_ns(NULL) < agent->due_ns) {
        const int64_t left_ns = agent->due_ns - io->monotonic_ns(NULL);
        const struct timespec slice = {0,
                                       left_ns < SLICE_NS ? left_ns > 0 ? left_ns : 0 : SLICE_NS};
        nanosleep(&slice, NULL);
    }
}

static void run_job(struct agent *agent) {
    char id[64];
    const int len = snprintf(id, sizeof id, "%" PRIu64 "-%" PRIu64 "-%" PRIu64, agent->life,
                             agent->thread, agent->job++);
    struct alog_attribute number = {.name = ALOG_STR("n"), .value = {.kind = ALOG_VALUE_I64}};
    const struct alog_context context = {.attributes = &number, .attribute_count = 1};
    number.value.i64 = (int64_t)agent->n;
    take_result(agent,
                alog_job_begin(agent->writer, &(struct alog_job_start){.job_id = {id, (size_t)len},
                                                                       .ai_agent = ALOG_BOOL(true),
                                                                       .context = &context}));
    for (uint64_t i = 0; i < EVENTS_PER_JOB && !atomic_load(&ending); i++) {
        pause_if_due(agent);
        number.value.i64 = (int64_t)agent->n;
        take_result(agent, log_one(agent, &context));
    }
    number.value.i64 = (int64_t)agent->n;
    take_result(agent, alog_job_finish(agent->writer,
                                       &(struct alog_job_end){.status = ALOG_JOB_STATUS_SUCCESS,
                                                              .context = &context}));
}

static void *run_jobs(void *argument) {
    struct agent *agent = argument;
    for (int i = 0; i < JOBS_PER_THREAD && !atomic_load(&ending); i++) {
        run_job(agent);
    }
    return NULL;
}

static void *run_threads(void *argument) {
    while (!atomic_load(&ending)) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, run_jobs, argument) != 0) {
            _exit(NO_THREAD);
        }
        pthread_join(thread, NULL);
    }
    return NULL;
}

/* ---- The process ---------------------------------------------------------------------------- */

static int64_t days_back;

static int64_t earlier_ns(void *context) {
    return alog_io_system()->realtime_ns(context) - days_back * DAY_NS;
}

static struct alog_writer_options choose_options(uint64_t *random, const char *ring_dir) {
    struct alog_writer_options options = ALOG_WRITER_OPTIONS_INIT;
    options.ring_dir = ring_dir;
    options.ring_bytes = PICK(random, 64 << 10, 256 << 10, 1 << 20);
    options.block_bytes = PICK(random, 16 << 10, 64 << 10, 512 << 10);
    options.segment_bytes = PICK(random, 64 << 10, 256 << 10, 1 << 20);
    options.segment_age_ms = PICK(random, 500, 5000, 30000);
    options.flush_interval_ms = PICK(random, 5, 100, 1000);
    options.stats_interval_ms = PICK(random, 500, 60000);
    options.sync =
        (enum alog_sync)PICK(random, ALOG_SYNC_NONE, ALOG_SYNC_INTERVAL, ALOG_SYNC_BLOCK);
    options.sync_interval_ms = PICK(random, 10, 1000);
    options.no_recovery = next_random(random) % 2 == 0;
    options.drain_threads = 1 + (uint32_t)(next_random(random) % 2);
    return options;
}

/* The disk may be full just now. */
static struct alog_writer *open_writer(const char *log_dir,
                                       const struct alog_writer_options *options) {
    struct alog_writer *writer = NULL;
    while (!atomic_load(&ending) && alog_writer_open(log_dir, options, &writer, NULL) != ALOG_OK) {
        nanosleep(&(struct timespec){0, 50000000}, NULL);
    }
    return writer;
}

static enum exit_code run_agents(struct alog_writer *writer, struct soak_ledger *ledgers,
                                 uint64_t life, uint64_t threads, uint64_t events_per_second,
                                 uint64_t burst) {
    static const struct alog_field field = {.name = "value", .kind = ALOG_FIELD_I64};
    uint32_t user_type = 0;
    struct agent agents[SOAK_MOST_THREADS];
    pthread_t ids[SOAK_MOST_THREADS];
    struct alog_error error = {.message = ""};
    if (writer == NULL) {
        return ENDED;
    }
    if (alog_event_define(writer, ALOG_STR("tick"), &field, 1, &user_type, NULL) != ALOG_OK) {
        return STRANGE_RESULT;
    }
    for (uint64_t i = 0; i < threads; i++) {
        agents[i] = (struct agent){.writer = writer,
                                   .ledger = &ledgers[life * SOAK_MOST_THREADS + i],
                                   .life = life,
                                   .thread = i,
                                   .events_per_second = events_per_second / threads + 1,
                                   .burst = burst,
                                   .n = 1,
                                   .due_ns = alog_io_system()->monotonic_ns(NULL),
                                   .user_type = user_type};
        if (pthread_create(&ids[i], NULL, run_threads, &agents[i]) != 0) {
            return NO_THREAD;
        }
    }
    for (uint64_t i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
    }
    if (alog_writer_close(writer, &error) != ALOG_OK) {
        fprintf(stderr, "life %" PRIu64 ": close: %s\n", life, error.message);
        return NOT_CLOSED;
    }
    return ENDED;
}

int main(int argc, char **argv) {
    if (argc != 9) {
        return BAD_ARGUMENTS;
    }
    const uint64_t life = strtoull(argv[4], NULL, 10);
    const uint64_t threads = strtoull(argv[5], NULL, 10);
    const uint64_t events_per_second = strtoull(argv[6], NULL, 10);
    uint64_t random = strtoull(argv[8], NULL, 10);
    days_back = strtoll(argv[7], NULL, 10);
    if (threads < 1 || threads > SOAK_MOST_THREADS || life >= SOAK_MOST_LIVES) {
        return BAD_ARGUMENTS;
    }
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_sigterm}, NULL);
    const int fd = open(argv[3], O_RDWR | O_CLOEXEC);
    struct soak_ledger *ledgers =
        fd < 0 ? MAP_FAILED
               : mmap(NULL, SOAK_LEDGER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ledgers == MAP_FAILED) {
        return NO_LEDGER;
    }
    close(fd);
    struct alog_writer_options options = choose_options(&random, argv[2]);
    struct alog_io earlier = *alog_io_system();
    earlier.realtime_ns = earlier_ns;
    if (days_back > 0) {
        options.io = &earlier;
    }
    const uint64_t burst = PICK(&random, 10, 100, 1000, 10000);
    struct alog_writer *writer = open_writer(argv[1], &options);
    return (int)run_agents(writer, ledgers, life, threads, events_per_second, burst);
}
