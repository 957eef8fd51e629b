/* What benchmarks of the aggregator share: a log, processes, times. */
#ifndef AGENTLOG_TESTS_BENCH_TOOLS_H
#define AGENTLOG_TESTS_BENCH_TOOLS_H

#include <sys/types.h>

#include <agentlog/agentlog.h>

/* The start of what bench_make_log logs, 2026-02-04 00:00 UTC, in seconds. */
#define BENCH_START_S INT64_C(1770163200)

double bench_now_s(void);

/* Sorts the values. */
double bench_median(double *values, int count);

/* Says what failed on stderr, and exits. */
_Noreturn void bench_die(const char *what, const struct alog_error *error);

/* Write `events` events of the realistic mix, spread over `days` days, through a writer, from two
 * threads. */
void bench_make_log(const char *log_dir, uint64_t events, double days);

/* The program agentlog beside the benchmark `self`; the caller frees it. */
char *bench_find_program(const char *self);

/* A program as a process of its own, its output thrown away. bench_run waits, and exits unless it
 * succeeds, or finds a threshold breached. */
struct bench_process {
    double seconds;
    double processor_seconds;
    double peak_mib;
};
pid_t bench_start(char *const argv[]);
struct bench_process bench_run(char *const argv[]);

#endif
