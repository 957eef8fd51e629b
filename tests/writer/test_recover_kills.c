/*
 * The kill loop. Children log from several threads and acknowledge each event that was stored in
 * memory that outlives them; they are killed at random instants, or end by SIGSEGV, abort or _exit.
 * Recoveries are killed as well. Then an oracle reads the log with the public reader: every
 * acknowledged event is there exactly once, in its thread's order, with at most one more per thread
 * that was stored and not acknowledged yet.
 *
 *     ALOG_KILLS=2000 ALOG_KILL_SEED=7 test_recover_kills
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <agentlog/recover.h>
#include <agentlog/writer.h>

#include "support/log_walk.h"
#include "support/scratch_dir.h"

#define DEFAULT_KILLS   40
#define LIVES_PER_LOG   4
#define MOST_THREADS    8
#define MOST_RECOVERIES 4

/* splitmix64, by Sebastiano Vigna (public domain). */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static uint64_t below(uint64_t *state, uint64_t bound) {
    return next_random(state) % bound;
}

/* ---- Children that log ----------------------------------------------------------------------- */

/* What a thread of a child did; shared with the parent, and apart from its neighbours. */
struct acknowledged {
    _Alignas(128) _Atomic uint64_t stored; /* events 1 to this were stored */
    _Atomic uint64_t dropped;              /* log calls that said so */
};

enum end { END_KILL, END_SEGV, END_ABORT, END_EXIT, ENDS };

struct life {
    enum end end;
    uint32_t threads;
    uint64_t events_until_end; /* SEGV, ABORT, EXIT: of thread 0 */
    uint64_t pace;             /* nanoseconds between events, 0 = none */
    struct alog_writer_options options;
    struct acknowledged *acknowledged; /* MOST_THREADS of them */
    const char *log_dir;
    unsigned number;
};

struct worker {
    const struct life *life;
    struct alog_writer *writer;
    uint32_t user_type;
    uint32_t index;
};

static void die(enum end end) {
    switch (end) {
    case END_SEGV:
        raise(SIGSEGV);
        break;
    case END_ABORT:
        abort();
    default:
        _exit(0);
    }
}

/* Events of three kinds in turn, one of them the application's own. */
static enum alog_status log_one(const struct worker *worker, struct alog_string key, uint64_t n) {
    if (n % 3 == 0) {
        struct alog_value values[2] = {{.kind = ALOG_VALUE_STRING, .string = key},
                                       {.kind = ALOG_VALUE_I64, .i64 = (int64_t)n}};
        return alog_log_user(worker->writer, worker->user_type, values, 2, NULL);
    }
    if (n % 3 == 1) {
        return alog_log_hook_execution(
            worker->writer,
            &(struct alog_hook_execution){.hook_name = key,
                                          .status = ALOG_HOOK_STATUS_SUCCESS,
                                          .execution_time_ms = ALOG_F64((double)n)});
    }
    return alog_log_error(worker->writer,
                          &(struct alog_error_event){.error_type = ALOG_STR("hook"),
                                                     .error_category = key,
                                                     .line_number = ALOG_I64((int64_t)n)});
}

static void *work(void *argument) {
    const struct worker *worker = argument;
    const struct life *life = worker->life;
    struct acknowledged *acknowledged = &life->acknowledged[worker->index];
    char text[32];
    int len = snprintf(text, sizeof text, "life-%u-%u", life->number, worker->index);
    struct alog_string key = {text, (size_t)len};
    for (uint64_t n = 1;;) {
        enum alog_status status = log_one(worker, key, n);
        if (status == ALOG_OK) {
            atomic_store(&acknowledged->stored, n);
            if (worker->index == 0 && life->end != END_KILL && n == life->events_until_end) {
                die(life->end);
            }
            n++;
        } else if (status == ALOG_DROPPED) {
            atomic_fetch_add(&acknowledged->dropped, 1);
        } else {
            _exit(3);
        }
        if (life->pace > 0) {
            nanosleep(&(struct timespec){0, (long)life->pace}, NULL);
        }
    }
    return NULL;
}

static void live(const struct life *life) {
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGSEGV, SIG_DFL);
    signal(SIGABRT, SIG_DFL);
    struct alog_writer *writer = NULL;
    if (alog_writer_open(life->log_dir, &life->options, &writer, NULL) != ALOG_OK) {
        _exit(4);
    }
    static const struct alog_field fields[] = {{.name = "who", .kind = ALOG_FIELD_NAME},
                                               {.name = "count", .kind = ALOG_FIELD_I64}};
    uint32_t user_type = 0;
    if (alog_event_define(writer, ALOG_STR("tick"), fields, 2, &user_type, NULL) != ALOG_OK) {
        _exit(5);
    }
    struct worker workers[MOST_THREADS];
    for (uint32_t i = 0; i < life->threads; i++) {
        workers[i] = (struct worker){life, writer, user_type, i};
        pthread_t thread;
        if (i + 1 == life->threads) {
            work(&workers[i]);
        } else if (pthread_create(&thread, NULL, work, &workers[i]) != 0) {
            _exit(6);
        }
    }
}

static uint64_t pick(uint64_t *random, const uint64_t *choices, size_t count) {
    return choices[below(random, count)];
}
#define PICK(random, ...)                                                                          \
    pick((random), (const uint64_t[]){__VA_ARGS__},                                                \
         sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static struct life choose_life(uint64_t *random) {
    struct life life = {.end = below(random, 2) == 0 ? END_KILL : (enum end)below(random, ENDS),
                        .threads = 1 + (uint32_t)below(random, MOST_THREADS),
                        .events_until_end = 1 + below(random, 20000),
                        .pace = PICK(random, 0, 0, 1000, 100000)};
    struct alog_writer_options options = ALOG_WRITER_OPTIONS_INIT;
    options.environment = ALOG_STR("test");
    options.ring_bytes = PICK(random, 64 << 10, 256 << 10, 1 << 20);
    options.block_bytes = PICK(random, 16 << 10, 64 << 10, 512 << 10);
    options.segment_bytes = PICK(random, 64 << 10, 256 << 10, 64 << 20);
    options.segment_age_ms = PICK(random, 100, 3600000);
    options.flush_interval_ms = PICK(random, 1, 5, 50, 3600000);
    options.stats_interval_ms = PICK(random, 5, 60000);
    options.sync =
        (enum alog_sync)PICK(random, ALOG_SYNC_NONE, ALOG_SYNC_INTERVAL, ALOG_SYNC_BLOCK);
    options.sync_interval_ms = 10;
    options.no_recovery = below(random, 2) == 0;
    options.drain_threads = 1 + (uint32_t)below(random, 2);
    life.options = options;
    return life;
}

/* ---- Killing --------------------------------------------------------------------------------- */

static void sleep_us(uint64_t us) {
    struct timespec span = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
    nanosleep(&span, NULL);
}

/* A child that ended in another way than it was meant to has found a fault. */
static void expect_end(pid_t child, enum end end) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    bool as_meant = killed ||
                    (end == END_SEGV && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) ||
                    (end == END_ABORT && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) ||
                    (end == END_EXIT && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    if (!as_meant) {
        fail_msg("a child meant for end %d ended with status %#x", (int)end, (unsigned)status);
    }
}

static void live_and_die(const struct life *life, uint64_t *random) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        live(life);
        _exit(7);
    }
    /* Long enough for some blocks, short enough to hit the opening too. */
    uint64_t longest_us = PICK(random, 2000, 20000, 150000);
    uint64_t until_us = below(random, longest_us);
    if (life->end != END_KILL) {
        until_us += 100000; /* its own end comes first, mostly */
    }
    sleep_us(until_us);
    kill(child, SIGKILL);
    expect_end(child, life->end);
}

static void tell(void *context, const struct alog_recover_note *note) {
    bool *problem = context;
    if (note->kind == ALOG_RECOVER_PROBLEM) {
        fprintf(stderr, "writer %016" PRIx64 ": %s\n", note->writer_id, note->message);
        *problem = true;
    }
}

static void recover_and_die(const char *log_dir, uint64_t *random) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool problem = false;
        struct alog_recover_options options = ALOG_RECOVER_OPTIONS_INIT;
        options.tell = tell;
        options.context = &problem;
        enum alog_status status = alog_recover(log_dir, &options, NULL, NULL);
        /* A writer that was killed early enough has not made the log. */
        _exit((status == ALOG_OK || status == ALOG_NOT_FOUND) && !problem ? 0 : 8);
    }
    sleep_us(below(random, PICK(random, 300, 3000, 30000)));
    kill(child, SIGKILL);
    expect_end(child, END_EXIT);
}

static void recover_to_the_end(const char *log_dir, struct alog_recover_report *ret_report) {
    bool problem = false;
    struct alog_recover_options options = ALOG_RECOVER_OPTIONS_INIT;
    options.tell = tell;
    options.context = &problem;
    assert_int_equal(alog_recover(log_dir, &options, ret_report, NULL), ALOG_OK);
    assert_false(problem);
    assert_int_equal(ret_report->problems, 0);
    assert_int_equal(ret_report->rings_lost + ret_report->bytes_lost, 0);
    assert_int_equal(ret_report->writers_alive + ret_report->writers_unknown, 0);
    assert_int_equal(ret_report->writers_finished, ret_report->writers_dead);
}

/* ---- The oracle ------------------------------------------------------------------------------ */

struct oracle {
    uint64_t next[LIVES_PER_LOG][MOST_THREADS]; /* the number that must come next */
    uint64_t lost;                              /* as writer_loss events say */
    uint64_t faults;
};

static void fault(struct oracle *oracle, const struct alog_event *event, const char *what,
                  uint64_t number, uint64_t expected) {
    if (oracle->faults++ < 10) {
        fprintf(stderr, "%.*s %.*s: %s: %" PRIu64 ", expected %" PRIu64 "\n",
                (int)event->event_id.len, event->event_id.data, (int)event->name.len,
                event->name.data, what, number, expected);
    }
}

static void check_event(void *context, const struct alog_event *event) {
    struct oracle *oracle = context;
    struct alog_string key;
    uint64_t n;
    if (alog_string_equal(event->name, ALOG_STR("writer_stats"))) {
        return;
    }
    if (alog_string_equal(event->name, ALOG_STR("writer_loss"))) {
        oracle->lost += (uint64_t)event->values[1].i64;
        return;
    }
    if (alog_string_equal(event->name, ALOG_STR("tick"))) {
        key = event->values[0].string;
        n = (uint64_t)event->values[1].i64;
    } else if (alog_string_equal(event->name, ALOG_STR("hook_execution"))) {
        key = event->values[0].string;
        n = (uint64_t)event->values[2].f64;
    } else {
        key = event->values[1].string;
        n = (uint64_t)event->values[4].i64;
    }
    char text[32] = "";
    unsigned life, thread;
    if (key.data == NULL || key.len >= sizeof text) {
        fault(oracle, event, "no key", n, 0);
        return;
    }
    memcpy(text, key.data, key.len);
    if (sscanf(text, "life-%u-%u", &life, &thread) != 2 || life >= LIVES_PER_LOG ||
        thread >= MOST_THREADS) {
        fault(oracle, event, "a strange key", n, 0);
        return;
    }
    if (n != ++oracle->next[life][thread]) {
        fault(oracle, event, text, n, oracle->next[life][thread]);
        oracle->next[life][thread] = n;
    }
}

static void check_log(const char *log_dir,
                      struct acknowledged acknowledged[LIVES_PER_LOG][MOST_THREADS]) {
    struct oracle oracle = {.lost = 0};
    struct log_walk_result result = log_walk(log_dir, check_event, &oracle);
    assert_int_equal(oracle.faults, 0);
    assert_int_equal(result.damages, 0);
    assert_int_equal(result.open_segments, 0);
    assert_int_equal(result.sequence_faults, 0);
    assert_int_equal(result.chain_faults, 0);
    uint64_t dropped = 0;
    for (unsigned life = 0; life < LIVES_PER_LOG; life++) {
        for (unsigned thread = 0; thread < MOST_THREADS; thread++) {
            uint64_t stored = atomic_load(&acknowledged[life][thread].stored);
            uint64_t found = oracle.next[life][thread];
            if (found < stored || found > stored + 1) {
                fail_msg("life %u thread %u: %" PRIu64 " acknowledged, %" PRIu64 " in the log",
                         life, thread, stored, found);
            }
            dropped += atomic_load(&acknowledged[life][thread].dropped);
        }
    }
    /* A loss is counted before the call says so. */
    if (oracle.lost < dropped || oracle.lost > dropped + LIVES_PER_LOG * MOST_THREADS) {
        fail_msg("%" PRIu64 " log calls said dropped, %" PRIu64 " are in the log", dropped,
                 oracle.lost);
    }
    assert_int_equal(result.dropped, oracle.lost);
}

/* ---- The loop -------------------------------------------------------------------------------- */

static uint64_t number_from(const char *name, uint64_t fallback) {
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? strtoull(text, NULL, 10) : fallback;
}

/* What all rounds together did: a loop that never hits a ring with events in it proves nothing. */
struct totals {
    uint64_t acknowledged, recovered, segments, dropped;
};

static void add_totals(struct totals *totals, const struct alog_recover_report *report,
                       const struct acknowledged *shared) {
    totals->recovered += report->events_recovered;
    totals->segments += report->segments_finished;
    for (unsigned i = 0; i < LIVES_PER_LOG * MOST_THREADS; i++) {
        totals->acknowledged += atomic_load(&shared[i].stored);
        totals->dropped += atomic_load(&shared[i].dropped);
    }
}

static void one_log(uint64_t *random, struct acknowledged *shared, struct totals *totals) {
    char *dir = scratch_dir_make();
    char log_dir[4096], ring_dir[4096];
    snprintf(log_dir, sizeof log_dir, "%s/log", dir);
    snprintf(ring_dir, sizeof ring_dir, "%s/rings", dir);
    assert_int_equal(mkdir(ring_dir, 0777), 0);
    memset(shared, 0, sizeof(struct acknowledged) * LIVES_PER_LOG * MOST_THREADS);
    for (unsigned i = 0; i < LIVES_PER_LOG; i++) {
        struct life life = choose_life(random);
        life.number = i;
        life.log_dir = log_dir;
        life.acknowledged = shared + (size_t)i * MOST_THREADS;
        life.options.ring_dir = below(random, 2) == 0 ? ring_dir : NULL;
        live_and_die(&life, random);
        if (below(random, 3) == 0) {
            recover_and_die(log_dir, random);
        }
    }
    for (uint64_t left = below(random, MOST_RECOVERIES + 1); left > 0; left--) {
        recover_and_die(log_dir, random);
    }
    if (access(log_dir, F_OK) == 0) {
        struct alog_recover_report report;
        recover_to_the_end(log_dir, &report);
        add_totals(totals, &report, shared);
        alog_recover_report_free(&report);
        /* Nothing is left to do, and nothing lies about. */
        recover_to_the_end(log_dir, &report);
        assert_int_equal(report.writers_dead + report.segments_finished, 0);
        alog_recover_report_free(&report);
        check_log(log_dir, (struct acknowledged(*)[MOST_THREADS])shared);
    }
    assert_int_equal(scratch_dir_count(dir, ".ring"), 0);
    assert_int_equal(scratch_dir_count(dir, ".writer"), 0);
    assert_int_equal(scratch_dir_count(dir, ".open"), 0);
    assert_int_equal(scratch_dir_count(dir, ".recovering"), 0);
    scratch_dir_remove(dir);
}

static void no_acknowledged_event_is_lost_or_doubled(void **state) {
    (void)state;
    uint64_t kills = number_from("ALOG_KILLS", DEFAULT_KILLS);
    uint64_t seed = number_from("ALOG_KILL_SEED", (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32);
    uint64_t random = seed;
    struct totals totals = {.recovered = 0};
    printf("%" PRIu64 " kills; ALOG_KILL_SEED=%" PRIu64 "\n", kills, seed);
    fflush(stdout);
    struct acknowledged *shared = mmap(NULL, sizeof *shared * LIVES_PER_LOG * MOST_THREADS,
                                       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    for (uint64_t done = 0; done < kills; done += LIVES_PER_LOG) {
        one_log(&random, shared, &totals);
    }
    printf("%" PRIu64 " events acknowledged, %" PRIu64 " dropped; the last recoveries took %" PRIu64
           " out of rings and finished %" PRIu64 " segments\n",
           totals.acknowledged, totals.dropped, totals.recovered, totals.segments);
    assert_true(kills < DEFAULT_KILLS || (totals.recovered > 0 && totals.segments > 0));
    munmap(shared, sizeof *shared * LIVES_PER_LOG * MOST_THREADS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_acknowledged_event_is_lost_or_doubled),
    };
    return cmocka_run_group_tests_name("recover_kills", tests, NULL, NULL);
}
