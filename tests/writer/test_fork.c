/* fork: the child's events are the child's, the parent's are the parent's, and all appear once. */
#include <errno.h>
#include <fcntl.h>
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
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <agentlog/reader.h>
#include <agentlog/writer.h>

#include "support/fake_io.h"
#include "support/log_walk.h"
#include "support/scratch_dir.h"

#define SECOND_NS INT64_C(1000000000)

#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER 1
#endif
#endif

#if defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER 1
#endif
#endif

/* A child that starts a thread dies of the thread sanitizer itself: "dup thread with used id". */
static void skip_where_a_child_has_no_threads(void) {
#ifdef THREAD_SANITIZER
    skip();
#endif
}

/* The address sanitizer's allocator takes no locks around fork: whoever allocates meanwhile leaves
 * them locked in the child. */
static void skip_where_nobody_may_allocate(void) {
#ifdef ADDRESS_SANITIZER
    skip();
#endif
    skip_where_a_child_has_no_threads();
}

/* Producers are numbered; each numbers its events from 0. */
#define MAX_PRODUCERS 512

struct fixture {
    char *dir;
    struct fake_io fake;
    struct alog_writer_options options;
    struct alog_writer *writer;

    /* What the log says. */
    uint64_t next[MAX_PRODUCERS];    /* the number that must come next */
    uint64_t faults, allowed_faults; /* events that came out of order, twice, or not at all */
    uint64_t without_job;            /* of those that have to have one */
    uint64_t user_events;
    uint64_t lost;
    char reasons[256];
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    fake_io_init(&f->fake);
    f->options = (struct alog_writer_options)ALOG_WRITER_OPTIONS_INIT;
    f->options.ring_bytes = 64 * 1024;
    f->options.full_wait_ns = UINT64_C(600000000000);
    f->options.flush_interval_ms = 5;
    f->options.sync = ALOG_SYNC_NONE;
    f->options.io = &f->fake.io;
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    alog_writer_close(f->writer, NULL);
    scratch_dir_remove(f->dir);
    free(f);
    return 0;
}

static void open_writer(struct fixture *f) {
    assert_int_equal(alog_writer_open(f->dir, &f->options, &f->writer, NULL), ALOG_OK);
}

static enum alog_status log_one(struct alog_writer *writer, uint32_t id, uint64_t number) {
    char name[16];
    int len = snprintf(name, sizeof name, "p%u", id);
    return alog_log_error(writer,
                          &(struct alog_error_event){.error_type = {name, (size_t)len},
                                                     .line_number = ALOG_I64((int64_t)number)});
}

/* Log as producer `id`; false unless all are stored. */
static bool log_many(struct alog_writer *writer, uint32_t id, uint64_t from, uint64_t to) {
    for (uint64_t i = from; i < to; i++) {
        if (log_one(writer, id, i) != ALOG_OK) {
            return false;
        }
    }
    return true;
}

static void see(void *context, const struct alog_event *event) {
    struct fixture *f = context;
    if (alog_string_equal(event->name, ALOG_STR("writer_loss"))) {
        f->lost += (uint64_t)event->values[1].i64;
        strncat(f->reasons, event->values[2].string.data, event->values[2].string.len);
    }
    f->user_events += alog_string_equal(event->name, ALOG_STR("mine"));
    if (!alog_string_equal(event->name, ALOG_STR("error"))) {
        return;
    }
    uint32_t id = 0;
    for (size_t i = 1; i < event->values[0].string.len; i++) {
        id = id * 10 + (uint32_t)(event->values[0].string.data[i] - '0');
    }
    if (id >= MAX_PRODUCERS || (uint64_t)event->values[4].i64 != f->next[id]) {
        f->faults++;
        return;
    }
    f->next[id]++;
    f->without_job += !alog_string_equal(event->job_id, ALOG_STR("job"));
}

/* Close the parent's, then read everybody's. */
static struct log_walk_result close_and_read(struct fixture *f) {
    assert_int_equal(alog_writer_close(f->writer, NULL), ALOG_OK);
    f->writer = NULL;
    struct log_walk_result result = log_walk(f->dir, see, f);
    assert_int_equal(result.damages, 0);
    assert_int_equal(result.sequence_faults, 0);
    assert_int_equal(result.chain_faults, 0);
    assert_int_equal(result.open_segments, 0);
    assert_in_range(f->faults, 0, f->allowed_faults);
    assert_int_equal(scratch_dir_count(f->dir, ".writer"), 0);
    return result;
}

static void wait_for(pid_t child) {
    int status = 0;
    pid_t got;
    do {
        got = waitpid(child, &status, 0);
    } while (got < 0 && errno == EINTR);
    assert_int_equal(got, child);
    assert_int_equal(status, 0);
}

static bool stats_are(struct alog_writer *writer, uint64_t emitted, uint64_t dropped) {
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    return alog_writer_get_stats(writer, &stats) == ALOG_OK && stats.emitted == emitted &&
           stats.dropped == dropped && stats.emitted == stats.stored + dropped + stats.in_flight;
}

/* fork while the drain thread sleeps, for the address sanitizer. */
static pid_t fork_quietly(struct fixture *f) {
#ifdef ADDRESS_SANITIZER
    (void)alog_writer_flush(f->writer, 60000, NULL);
    usleep(20000);
#else
    (void)f;
#endif
    return fork();
}

/* ---- What a child has ------------------------------------------------------------------------ */

static bool child_that_logs(struct fixture *f, uint64_t parents_id, uint32_t mine) {
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    struct alog_value value = {.kind = ALOG_VALUE_I64, .i64 = 1};
    return stats_are(f->writer, 0, 0) && log_many(f->writer, 1, 0, 1000) &&
           alog_log_user(f->writer, mine, &value, 1, NULL) == ALOG_OK &&
           alog_writer_flush(f->writer, 60000, NULL) == ALOG_OK && stats_are(f->writer, 1001, 0) &&
           alog_writer_get_stats(f->writer, &stats) == ALOG_OK && stats.writer_id != parents_id &&
           stats.rings == 1 &&
           alog_job_finish(f->writer, &(struct alog_job_end){.status = ALOG_JOB_STATUS_SUCCESS}) ==
               ALOG_OK &&
           alog_writer_close(f->writer, NULL) == ALOG_OK;
}

static void a_child_has_a_writer_of_its_own(void **state) {
    skip_where_a_child_has_no_threads();
    struct fixture *f = *state;
    open_writer(f);
    uint32_t mine = 0;
    struct alog_field field = {.name = "x", .kind = ALOG_FIELD_I64, .required = true};
    assert_int_equal(alog_event_define(f->writer, ALOG_STR("mine"), &field, 1, &mine, NULL),
                     ALOG_OK);
    assert_int_equal(alog_job_begin(f->writer, &(struct alog_job_start){.job_id = ALOG_STR("job")}),
                     ALOG_OK);
    assert_true(log_many(f->writer, 0, 0, 1000));
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    assert_int_equal(alog_writer_get_stats(f->writer, &stats), ALOG_OK);
    pid_t child = fork_quietly(f);
    if (child == 0) {
        _exit(child_that_logs(f, stats.writer_id, mine) ? 0 : 1);
    }
    assert_true(log_many(f->writer, 0, 1000, 2000));
    wait_for(child);
    assert_true(log_many(f->writer, 0, 2000, 2100));
    assert_int_equal(
        alog_job_finish(f->writer, &(struct alog_job_end){.status = ALOG_JOB_STATUS_SUCCESS}),
        ALOG_OK);
    struct log_walk_result result = close_and_read(f);
    assert_int_equal(f->next[0], 2100);
    assert_int_equal(f->next[1], 1000);
    assert_int_equal(f->without_job, 0);
    assert_int_equal(f->user_events, 1);
    assert_int_equal(result.segments, 2);
}

/* A handle that the child never logs to is as good as one: flush, stats and close are fine. */
static void a_child_that_logs_nothing_leaves_nothing(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    assert_true(log_many(f->writer, 0, 0, 10));
    pid_t child = fork_quietly(f);
    if (child == 0) {
        uint32_t type = 0;
        bool fine =
            alog_writer_flush(f->writer, 1000, NULL) == ALOG_OK && stats_are(f->writer, 0, 0) &&
            alog_event_define(f->writer, ALOG_STR("its"), NULL, 0, &type, NULL) == ALOG_OK &&
            alog_writer_close(f->writer, NULL) == ALOG_OK;
        _exit(fine ? 0 : 1);
    }
    wait_for(child);
    pid_t silent = fork_quietly(f);
    if (silent == 0) {
        _exit(0);
    }
    wait_for(silent);
    pid_t other = fork_quietly(f);
    if (other == 0) {
        execlp("true", "true", (char *)NULL);
        _exit(127);
    }
    wait_for(other);
    assert_true(log_many(f->writer, 0, 10, 20));
    assert_int_equal(close_and_read(f).segments, 1);
    assert_int_equal(f->next[0], 20);
}

/* Its type was defined before it had a control file, or after: both are in the log. */
static void a_child_defines_types_of_its_own(void **state) {
    skip_where_a_child_has_no_threads();
    struct fixture *f = *state;
    open_writer(f);
    pid_t child = fork_quietly(f);
    if (child == 0) {
        uint32_t type = 0;
        bool fine =
            alog_event_define(f->writer, ALOG_STR("mine"), NULL, 0, &type, NULL) == ALOG_OK &&
            alog_log_user(f->writer, type, NULL, 0, NULL) == ALOG_OK &&
            alog_writer_close(f->writer, NULL) == ALOG_OK;
        _exit(fine ? 0 : 1);
    }
    wait_for(child);
    close_and_read(f);
    assert_int_equal(f->user_events, 1);
}

static bool maps_a_ring(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[1024];
    bool found = false;
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        found = found || strstr(line, ".ring") != NULL;
    }
    if (maps != NULL) {
        fclose(maps);
    }
    return found;
}

static void a_child_holds_nothing_of_its_parent(void **state) {
    struct fixture *f = *state;
    open_writer(f);
    assert_true(log_many(f->writer, 0, 0, 10));
    assert_int_equal(alog_writer_flush(f->writer, 60000, NULL), ALOG_OK);
    assert_true(maps_a_ring());
    pid_t child = fork_quietly(f);
    if (child == 0) {
        for (int fd = 3; fd < 64; fd++) {
            char name[64];
            char path[512] = "";
            snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
            ssize_t len = readlink(name, path, sizeof path - 1);
            if (len > 0 && strstr(path, f->dir) != NULL) {
                _exit(2);
            }
        }
        _exit(maps_a_ring() ? 1 : 0);
    }
    wait_for(child);
    close_and_read(f);
}

/* Whether somebody holds the lock of the first file in `dir` with that suffix. */
static bool is_locked(const char *command_dir, const char *suffix) {
    char command[1024];
    char path[512] = "";
    snprintf(command, sizeof command, "find %s -name '*%s'", command_dir, suffix);
    FILE *found = popen(command, "r");
    assert_non_null(found);
    char *line = fgets(path, sizeof path, found);
    pclose(found);
    assert_non_null(line);
    path[strcspn(path, "\n")] = '\0';
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    bool locked = flock(fd, LOCK_EX | LOCK_NB) != 0;
    close(fd);
    return locked;
}

/* The child of a writer that is killed lives on: nobody may think that the writer does. */
static void a_dead_parent_looks_dead(void **state) {
    struct fixture *f = *state;
    int pipe_of[2];
    assert_int_equal(pipe(pipe_of), 0);
    pid_t parent = fork();
    if (parent == 0) {
        if (alog_writer_open(f->dir, &f->options, &f->writer, NULL) != ALOG_OK ||
            !log_many(f->writer, 0, 0, 10) ||
            alog_writer_flush(f->writer, 60000, NULL) != ALOG_OK) {
            _exit(1);
        }
        pid_t child = fork_quietly(f);
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, 0);
            alarm(60);
            pause();
            _exit(0);
        }
        if (write(pipe_of[1], &child, sizeof child) != sizeof child) {
            _exit(1);
        }
        pause();
    }
    pid_t child = 0;
    assert_int_equal(read(pipe_of[0], &child, sizeof child), sizeof child);
    assert_true(is_locked(f->dir, ".writer"));
    assert_true(is_locked(f->dir, ".open"));
    kill(parent, SIGKILL);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    assert_int_equal(kill(child, 0), 0);
    assert_false(is_locked(f->dir, ".writer"));
    assert_false(is_locked(f->dir, ".open"));
    kill(child, SIGKILL);
    close(pipe_of[0]);
    close(pipe_of[1]);
    char command[600];
    snprintf(command, sizeof command,
             "find %s -name '*.writer' | xargs grep -ao '/dev/shm/[^ ]*ring' "
             "| cut -d: -f2 | xargs -r rm -f",
             f->dir);
    assert_int_equal(system(command), 0);
}

/* ---- Many ------------------------------------------------------------------------------------ */

/* Producer `depth` logs, forks the next, logs again, waits. */
static bool descend(struct fixture *f, uint32_t depth, uint32_t deepest) {
    if (!log_many(f->writer, depth, 0, 100)) {
        return false;
    }
    pid_t child = -1;
    if (depth < deepest) {
        child = fork_quietly(f);
        if (child == 0) {
            bool fine =
                descend(f, depth + 1, deepest) && alog_writer_close(f->writer, NULL) == ALOG_OK;
            _exit(fine ? 0 : 1);
        }
    }
    int status = 0;
    return log_many(f->writer, depth, 100, 200) &&
           (child < 0 || (waitpid(child, &status, 0) == child && status == 0));
}

static void children_have_children(void **state) {
    skip_where_a_child_has_no_threads();
    struct fixture *f = *state;
    open_writer(f);
    assert_true(descend(f, 0, 6));
    assert_int_equal(close_and_read(f).segments, 7);
    for (uint32_t i = 0; i <= 6; i++) {
        assert_int_equal(f->next[i], 200);
    }
}

struct noise {
    struct alog_writer *writer;
    uint32_t id;
    uint64_t stored;
    atomic_bool stop;
};

static void *make_noise(void *argument) {
    struct noise *noise = argument;
    while (!atomic_load(&noise->stop)) {
        if (log_one(noise->writer, noise->id, noise->stored) == ALOG_OK) {
            noise->stored++;
        }
        if (noise->stored % 64 == 0) {
            usleep(noise->stored < 100000 ? 100 : 5000);
        }
    }
    return NULL;
}

struct forker {
    struct fixture *f;
    uint32_t first_id, children;
    bool failed;
};

static void *fork_many(void *argument) {
    struct forker *forker = argument;
    struct fixture *f = forker->f;
    for (uint32_t i = 0; i < forker->children; i++) {
        pid_t child = fork();
        if (child == 0) {
            bool fine = log_many(f->writer, forker->first_id + i, 0, 50) &&
                        alog_writer_close(f->writer, NULL) == ALOG_OK;
            _exit(fine ? 0 : 1);
        }
        int status = 0;
        forker->failed |= child < 0 || waitpid(child, &status, 0) != child || status != 0;
    }
    return NULL;
}

/* Two threads fork while two others log so much that segments are made and sealed all the time. */
static void threads_fork_while_others_log(void **state) {
    skip_where_nobody_may_allocate();
    struct fixture *f = *state;
    f->options.segment_bytes = 64 * 1024;
    f->options.block_bytes = 16 * 1024;
    enum { CHILDREN = 25 };
    open_writer(f);
    struct noise noise[2] = {{.writer = f->writer, .id = 0}, {.writer = f->writer, .id = 1}};
    struct forker forkers[2] = {{.f = f, .first_id = 2, .children = CHILDREN},
                                {.f = f, .first_id = 2 + CHILDREN, .children = CHILDREN}};
    pthread_t threads[4];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, make_noise, &noise[i]), 0);
        assert_int_equal(pthread_create(&threads[2 + i], NULL, fork_many, &forkers[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[2 + i], NULL);
        assert_false(forkers[i].failed);
        atomic_store(&noise[i].stop, true);
    }
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    close_and_read(f);
    assert_int_equal(f->next[0], noise[0].stored);
    assert_int_equal(f->next[1], noise[1].stored);
    for (uint32_t i = 2; i < 2 + 2 * CHILDREN; i++) {
        assert_int_equal(f->next[i], 50);
    }
}

/* Threads of the child are the first to log there. */
static void a_child_has_threads_too(void **state) {
    skip_where_a_child_has_no_threads();
    struct fixture *f = *state;
    open_writer(f);
    assert_true(log_many(f->writer, 0, 0, 10));
    pid_t child = fork_quietly(f);
    if (child == 0) {
        struct noise noise[4];
        pthread_t threads[4];
        bool fine = true;
        for (uint32_t i = 0; i < 4; i++) {
            noise[i] = (struct noise){.writer = f->writer, .id = 1 + i};
            fine &= pthread_create(&threads[i], NULL, make_noise, &noise[i]) == 0;
        }
        usleep(20000);
        for (uint32_t i = 0; i < 4; i++) {
            atomic_store(&noise[i].stop, true);
            pthread_join(threads[i], NULL);
        }
        fine &= alog_writer_close(f->writer, NULL) == ALOG_OK;
        _exit(fine ? 0 : 1);
    }
    wait_for(child);
    assert_int_equal(close_and_read(f).segments, 2);
}

/* ---- What can go wrong ----------------------------------------------------------------------- */

static bool child_without_a_disk(struct fixture *f) {
    atomic_store(&f->fake.failures[FAKE_MKDIR], -EROFS);
    bool fine =
        log_one(f->writer, 1, 0) == ALOG_DROPPED && log_one(f->writer, 1, 0) == ALOG_DROPPED;
    fine &= stats_are(f->writer, 2, 2) && alog_writer_flush(f->writer, 1000, NULL) == ALOG_OK;
    atomic_store(&f->fake.failures[FAKE_MKDIR], 0);
    fake_io_advance(&f->fake, SECOND_NS);
    return fine && log_many(f->writer, 1, 0, 100) && stats_are(f->writer, 102, 2) &&
           alog_writer_close(f->writer, NULL) == ALOG_OK;
}

static bool child_that_never_gets_one(struct fixture *f) {
    atomic_store(&f->fake.failures[FAKE_OPEN], -EMFILE);
    struct alog_error error = {0};
    return log_one(f->writer, 2, 0) == ALOG_DROPPED && stats_are(f->writer, 1, 1) &&
           alog_writer_close(f->writer, &error) == ALOG_IO && error.system_errno == EMFILE &&
           strstr(error.message, "1 events were lost") != NULL;
}

static void a_child_without_a_disk_says_so(void **state) {
    skip_where_a_child_has_no_threads();
    struct fixture *f = *state;
    open_writer(f);
    assert_true(log_many(f->writer, 0, 0, 10));
    pid_t child = fork_quietly(f);
    if (child == 0) {
        _exit(child_without_a_disk(f) ? 0 : 1);
    }
    wait_for(child);
    child = fork_quietly(f);
    if (child == 0) {
        _exit(child_that_never_gets_one(f) ? 0 : 1);
    }
    wait_for(child);
    close_and_read(f);
    assert_int_equal(f->next[1], 100);
    assert_int_equal(f->lost, 2);
    assert_string_equal(f->reasons, "no_ring");
}

/* A log directory that was given relative to where the process was stays where it is. */
static void a_child_may_go_elsewhere(void **state) {
    skip_where_a_child_has_no_threads();
    struct fixture *f = *state;
    char *before = getcwd(NULL, 0);
    assert_int_equal(chdir(f->dir), 0);
    assert_int_equal(alog_writer_open("log", &f->options, &f->writer, NULL), ALOG_OK);
    assert_int_equal(chdir("/"), 0);
    pid_t child = fork_quietly(f);
    if (child == 0) {
        bool fine = log_many(f->writer, 1, 0, 10) && alog_writer_close(f->writer, NULL) == ALOG_OK;
        _exit(fine ? 0 : 1);
    }
    wait_for(child);
    assert_true(log_many(f->writer, 0, 0, 10));
    assert_int_equal(alog_writer_close(f->writer, NULL), ALOG_OK);
    f->writer = NULL;
    assert_int_equal(chdir(before), 0);
    free(before);
    char log_dir[600];
    snprintf(log_dir, sizeof log_dir, "%s/log", f->dir);
    assert_int_equal(log_walk(log_dir, see, f).segments, 2);
    assert_int_equal(f->next[0], 10);
    assert_int_equal(f->next[1], 10);
}

/* A closed writer stays closed in a child. */
static void a_closed_writer_stays_closed(void **state) {
    skip_where_a_child_has_no_threads();
    struct fixture *f = *state;
    struct alog_writer *other = NULL;
    assert_int_equal(alog_writer_open(f->dir, &f->options, &other, NULL), ALOG_OK);
    open_writer(f);
    assert_int_equal(log_one(other, 1, 0), ALOG_OK);
    assert_true(log_many(f->writer, 0, 0, 10));
    assert_int_equal(alog_writer_close(other, NULL), ALOG_OK);
    pid_t child = fork_quietly(f);
    if (child == 0) {
        bool fine = log_many(f->writer, 2, 0, 10) && alog_writer_close(f->writer, NULL) == ALOG_OK;
        _exit(fine ? 0 : 1);
    }
    wait_for(child);
    close_and_read(f);
    assert_int_equal(f->next[0], 10);
    assert_int_equal(f->next[1], 1);
    assert_int_equal(f->next[2], 10);
}

/* ---- fork in a signal handler ---------------------------------------------------------------- */

static volatile sig_atomic_t in_child;
static pid_t handled_child;

static void fork_in_handler(int signal) {
    (void)signal;
    pid_t child = fork();
    if (child == 0) {
        in_child = 1;
    } else {
        handled_child = child;
    }
}

/*
 * What the handler interrupts may be a log call. Where it has begun, it is the parent's, and the
 * child goes on without; a call that has hardly been entered is made in both, as for any function.
 */
static void a_handler_may_fork(void **state) {
    skip_where_nobody_may_allocate();
    struct fixture *f = *state;
    open_writer(f);
    struct sigaction action = {.sa_handler = fork_in_handler};
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    uint64_t number = 0;
    assert_true(log_many(f->writer, 0, number++, 1));
    for (uint32_t i = 1; i <= 20; i++) {
        handled_child = 0;
        ualarm(500 + 37 * i, 0);
        while (handled_child == 0 && !in_child) {
            number += log_one(f->writer, 0, number) == ALOG_OK;
        }
        if (in_child) {
            bool fine =
                log_many(f->writer, i, 0, 50) && alog_writer_close(f->writer, NULL) == ALOG_OK;
            _exit(fine ? 0 : 1);
        }
        wait_for(handled_child);
    }
    signal(SIGALRM, SIG_DFL);
    f->allowed_faults = 20;
    close_and_read(f);
    assert_int_equal(f->next[0], number);
    for (uint32_t i = 1; i <= 20; i++) {
        assert_int_equal(f->next[i], 50);
    }
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_child_has_a_writer_of_its_own),  CASE(a_child_that_logs_nothing_leaves_nothing),
        CASE(a_child_defines_types_of_its_own), CASE(a_child_holds_nothing_of_its_parent),
        CASE(a_dead_parent_looks_dead),         CASE(children_have_children),
        CASE(threads_fork_while_others_log),    CASE(a_child_has_threads_too),
        CASE(a_child_without_a_disk_says_so),   CASE(a_child_may_go_elsewhere),
        CASE(a_closed_writer_stays_closed),     CASE(a_handler_may_fork),
    };
    return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
