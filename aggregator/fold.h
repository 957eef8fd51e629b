/*
 * Folding: the events of a block, added up into groups. One fold per decoding thread.
 *
 * What counts, and what not: numbers that are NaN, infinite, outside their field's range in the
 * catalogue, or beyond 2^53 units (ALOG_FIXED_MAX) are left out and counted in not_finite. Absent
 * is not zero. An event whose bytes cannot be decoded ends its block: it and those behind it are
 * missing.
 */
#ifndef AGENTLOG_AGGREGATOR_FOLD_H
#define AGENTLOG_AGGREGATOR_FOLD_H

#include "format/block.h"
#include "groups.h"
#include "latency_limits.h"

/* What is wanted. */
struct alog_fold_scope {
    int32_t time_zone_offset_s;
    struct alog_latency_limits latency_limits;
    bool rollups;                        /* the rollup_* tables, */
    int64_t from_epoch_s, until_epoch_s; /* … of the hours from and below */
    bool jobs;                           /* jobs and the job_* tables, */
    const struct alog_names *only_jobs;  /* … of these ids; NULL = all */
    bool note_jobs;                      /* fold->seen_jobs gets the jobs of the wanted hours */
};

struct alog_fold;

/* `scope` must outlive the fold. NULL: no memory. */
struct alog_fold *alog_fold_new(const struct alog_fold_scope *scope);
void alog_fold_free(struct alog_fold *fold);

/* What has been added up so far; the caller may merge it away (alog_groups_free leaves it as new)
 * between blocks. */
struct alog_groups *alog_fold_groups(struct alog_fold *fold);
struct alog_names *alog_fold_seen_jobs(struct alog_fold *fold);

struct alog_fold_result {
    uint64_t events;    /* decoded and counted */
    uint64_t undecoded; /* by the block's header, there should be so many more */
    int64_t min_timestamp_ns,
        max_timestamp_ns; /* of those counted; meaningless when there are none */
};

/*
 * Add a block, given by its compressed frame, whose hash has been compared, and its header's facts.
 * Missing events are a loss of `environment`, the segment's. ALOG_NO_MEMORY: the fold is
 * incomplete.
 */
enum alog_status alog_fold_block(struct alog_fold *fold, const uint8_t *frame,
                                 const struct alog_block_facts *facts,
                                 struct alog_string environment,
                                 struct alog_fold_result *ret_result);

/* Count a loss of events whose type is not known, in the hour of `timestamp_ns`, if that is
 * wanted. ALOG_NO_MEMORY. */
enum alog_status alog_fold_gap(struct alog_groups *groups, const struct alog_fold_scope *scope,
                               struct alog_string environment, int64_t timestamp_ns,
                               uint64_t events);

#endif
