/* The parts of bench_ingest. */
#ifndef AGENTLOG_TESTS_BENCH_INGEST_H
#define AGENTLOG_TESTS_BENCH_INGEST_H

#include "bench_tools.h"

/* Hash, decompress and walk every value of every segment; how many events that were. */
uint64_t bench_floor(const char *log_dir, unsigned threads);

/* The first `limit` events of the log as rows of SQLite, grouped with SQL afterwards; and, from the
 * same events as NDJSON in `dir`, with DuckDB where Node and its package are. Prints what came out.
 */
void bench_rows(const char *log_dir, const char *dir, uint64_t limit);

#endif
