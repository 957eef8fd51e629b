/* The parts of bench_ingest. */
#ifndef AGENTLOG_TESTS_BENCH_INGEST_H
#define AGENTLOG_TESTS_BENCH_INGEST_H

#include <agentlog/agentlog.h>

double bench_now_s(void);
double bench_median(double *values, int count);

/* Says what failed on stderr, and exits. */
_Noreturn void bench_die(const char *what, const struct alog_error *error);

/* Hash, decompress and walk every value of every segment; how many events that were. */
uint64_t bench_floor(const char *log_dir, unsigned threads);

/* A program as a process of its own, its output thrown away; exits unless it succeeds. */
struct bench_process {
    double seconds;
    double peak_mib;
};
struct bench_process bench_run(char *const argv[]);

/* The first `limit` events of the log as rows of SQLite, grouped with SQL afterwards; and, from the
 * same events as NDJSON in `dir`, with DuckDB where Node and its package are. Prints what came out.
 */
void bench_rows(const char *log_dir, const char *dir, uint64_t limit);

#endif
