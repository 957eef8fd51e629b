/* Logs for tests of ingest: random but the same for the same seed, and ways to bring them in. */
#ifndef AGENTLOG_TESTS_INGEST_FIXTURE_H
#define AGENTLOG_TESTS_INGEST_FIXTURE_H

#include <agentlog/aggregator.h>

#include "support/random_event.h"
#include "support/segment_maker.h"

/* 2026-02-03 22:00 UTC: events of a fixture lie in the five hours after it, over a midnight. */
#define FIXTURE_START_NS INT64_C(1770156000000000000)

/*
 * Add a random event: every type, few jobs and names so that groups meet, times that go back and
 * forth over midnight, equal times, several starts and ends of one job, numbers that are absent,
 * NaN, infinite, absurd or on a rounding tie, other environments, user-defined types, no job.
 */
void ingest_fixture_add(struct segment_maker *maker, struct test_random *random);

/* `segments` sealed segments of each of `writers` writers with `blocks` blocks of `events` events;
 * sequence numbers are missing here and there. */
void ingest_fixture_make_log(const char *log_dir, uint64_t seed, unsigned writers,
                             unsigned segments, unsigned blocks, unsigned events);

/* Ingest or fail the test. The report may be NULL. */
void ingest_fixture_ingest(const char *log_dir, const char *db_path, uint32_t threads,
                           struct alog_ingest_report *ret_report);

/* Ingest with so little room for groups that every block is written on its own, and so many of them
 * committed together. `options` may be NULL. */
enum alog_status ingest_fixture_by_blocks(const char *log_dir, const char *db_path,
                                          uint32_t blocks_per_commit,
                                          const struct alog_ingest_options *options,
                                          struct alog_error *error);

/* The first integer of a SELECT. */
int64_t ingest_fixture_integer(const char *db_path, const char *sql);

#endif
