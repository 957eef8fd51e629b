/*
 * The lists that a job's row has (what its agents, its providers and its errors were) as the
 * database keeps them: one JSON array a list, an array for each row,
 *
 *     [dimension…, column…]      in the order of rollups.def
 *
 * sorted by the dimensions, dimensions and samples as strings, sums as integers, times as the
 * nanoseconds from another: the first from the job's first event, the last from the first, and what
 * follows back from the last, which is mostly 0. Only a NUL, which SQLite's JSON functions would
 * stop at, sets the text apart from what they take; so it is read back here and not by them.
 */
#ifndef AGENTLOG_AGGREGATOR_JOB_PARTS_H
#define AGENTLOG_AGGREGATOR_JOB_PARTS_H

#include "format/segment.h"
#include "groups.h"
#include "part_names.h"

/* Append the list to `text`. `names` has all the groups' names. ALOG_NO_MEMORY. */
enum alog_status alog_job_parts_write(const struct alog_groups *groups,
                                      const struct alog_part_names *names, enum alog_rollup part,
                                      const struct alog_part_list *list, int64_t first_ns,
                                      struct alog_buffer *text);

/* Have the rows' samples in the processor's cache when the list is written. */
void alog_job_parts_fetch_samples(enum alog_rollup part, const struct alog_part_list *list);

/* Add the rows of a list that was written with `first_ns`. ALOG_CORRUPT: it was not.
 * ALOG_NO_MEMORY. */
enum alog_status alog_job_parts_read(struct alog_groups *groups, enum alog_rollup part,
                                     struct alog_string json, int64_t first_ns,
                                     struct alog_part_list *list);

#endif
