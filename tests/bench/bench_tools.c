#include "bench_tools.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include <agentlog/writer.h>

#include "workload.h"

#define PRODUCERS 2
#define THRESHOLD 4 /* the exit code */

extern char **environ;

double bench_now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

_Noreturn void bench_die(const char *what, const struct alog_error *error) {
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
            error ? error->message : "failed");
    exit(1);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[count / 2];
}

/* ---- Making the log ---- */

struct producer {
    struct alog_writer *writer;
    struct workload workload;
    uint64_t events;
};

static void *produce(void *context) {
    struct producer *p = context;
    for (uint64_t i = 0; i < p->events; i++) {
        if (workload_next(&p->workload, p->writer) != ALOG_OK) {
            bench_die("an event was not stored", NULL);
        }
    }
    return NULL;
}

void bench_make_log(const char *log_dir, uint64_t events, double days) {
    struct alog_error error;
    struct alog_writer_options options = ALOG_WRITER_OPTIONS_INIT;
    options.ring_bytes = 4u << 20;
    options.full_wait_ns = 60ull * 1000000000;
    struct alog_writer *writer;
    if (alog_writer_open(log_dir, &options, &writer, &error) != ALOG_OK) {
        bench_die("cannot open a writer", &error);
    }
    struct producer producers[PRODUCERS];
    pthread_t threads[PRODUCERS];
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        producers[i].writer = writer;
        producers[i].events = events / PRODUCERS + (i == 0 ? events % PRODUCERS : 0);
        workload_init(&producers[i].workload, 20260204, i, producers[i].events,
                      BENCH_START_S * 1000000000, (int64_t)(days * 86400e9));
        if (pthread_create(&threads[i], NULL, produce, &producers[i]) != 0) {
            bench_die("cannot start a thread", NULL);
        }
    }
    for (int i = 0; i < PRODUCERS; i++) {
        pthread_join(threads[i], NULL);
    }
    if (alog_writer_close(writer, &error) != ALOG_OK) {
        bench_die("cannot close the writer", &error);
    }
}

/* ---- Processes ---- */

pid_t bench_start(char *const argv[]) {
    posix_spawn_file_actions_t actions;
    pid_t child;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (posix_spawn(&child, argv[0], &actions, NULL, argv, environ) != 0) {
        bench_die(argv[0], NULL);
    }
    posix_spawn_file_actions_destroy(&actions);
    return child;
}

static double seconds_of(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

struct bench_process bench_run(char *const argv[]) {
    double start = bench_now_s();
    pid_t child = bench_start(argv);
    int status;
    struct rusage usage;
    if (wait4(child, &status, 0, &usage) != child || !WIFEXITED(status) ||
        (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != THRESHOLD)) {
        bench_die(argv[0], NULL);
    }
    double took = bench_now_s() - start;
    return (struct bench_process){took, seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime),
                                  (double)usage.ru_maxrss / 1024};
}

char *bench_find_program(const char *self) {
    char *path = malloc(strlen(self) + 32);
    if (!path) {
        bench_die("out of memory", NULL);
    }
    strcpy(path, self);
    char *slash = strrchr(path, '/');
    strcpy(slash ? slash + 1 : path, "../tools/agentlog");
    return path;
}
