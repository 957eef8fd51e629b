/*
 * Groups: the rows that events are added up in before they reach the database. Each decoding thread
 * has its own; they are merged, then written in key order. Merging is associative and commutative.
 */
#ifndef AGENTLOG_AGGREGATOR_GROUPS_H
#define AGENTLOG_AGGREGATOR_GROUPS_H

#include <stddef.h>

#include "job_edge.h"
#include "names.h"
#include "sketch.h"

#define ALOG_MAX_DIMENSIONS 4

/* The tables: ALOG_IN_rollup_events, … */
enum alog_rollup {
#define ALOG_ROLLUP(table, scope) ALOG_IN_##table,
#include "rollups.def"
    ALOG_ROLLUP_COUNT
};

/* Rows that belong to one row of another table; few, so that they are searched one by one. Their
 * keys are dimensions. The memory is that of the groups' arena. */
struct alog_part_list {
    uint32_t count, capacity;
    uint32_t (*keys)[ALOG_MAX_DIMENSIONS]; /* of `capacity`; the rows stand behind them */
};

/* A text that is in no key; its memory is that of the groups' arena. */
struct alog_sample {
    uint32_t len;
    char text[];
};

/* NULL is the empty one. */
static inline struct alog_string alog_sample_text(const struct alog_sample *sample) {
    return sample ? (struct alog_string){sample->text, sample->len} : (struct alog_string){"", 0};
}

/* What is counted of one group: struct alog_row_rollup_events, … */
/* clang-format off */
#define ALOG_ROLLUP(table, scope) struct alog_row_##table {
#define ALOG_SUM(table, column) int64_t column;
#define ALOG_LEAST(table, column) int64_t column;
#define ALOG_BITS(table, column) int64_t column;
#define ALOG_MOST(table, column) int64_t column;
#define ALOG_MAYBE(table, column) int64_t column;
#define ALOG_HISTOGRAM(table, column) struct alog_sketch column;
#define ALOG_SAMPLE(table, column) const struct alog_sample *column;
#define ALOG_EDGE(table, column, which) struct alog_job_edge *column;
#define ALOG_PARTS(table, column, part) struct alog_part_list column;
#define ALOG_ROLLUP_END(table) };
#include "rollups.def"
/* clang-format on */

enum alog_column_merge {
    ALOG_MERGE_SUM,
    ALOG_MERGE_BITS,
    ALOG_MERGE_LEAST,
    ALOG_MERGE_MOST,
    ALOG_MERGE_MAYBE,
    ALOG_MERGE_HISTOGRAM,
    ALOG_MERGE_SAMPLE,
    ALOG_MERGE_START,
    ALOG_MERGE_END,
    ALOG_MERGE_PARTS
};

struct alog_rollup_column {
    const char *name;
    enum alog_column_merge merge;
    size_t offset;          /* in the row */
    size_t first_ns_offset; /* SAMPLE: of the time that it belongs to */
    enum alog_rollup part;  /* PARTS: the table that they are of */
};

enum alog_rollup_scope { ALOG_SCOPE_HOUR, ALOG_SCOPE_JOB, ALOG_SCOPE_DAY, ALOG_SCOPE_PART };

struct alog_rollup_kind {
    const char *table;
    enum alog_rollup_scope scope;
    const char *const *dimensions;
    unsigned dimension_count;
    const struct alog_rollup_column *columns;
    unsigned column_count;
    size_t row_bytes;
    const void *empty_row; /* nothing has been counted in it */
};

/* Static memory. */
const struct alog_rollup_kind *alog_rollup_kind(enum alog_rollup rollup);

/* Names are ids of the groups' own `names`, a job is one of `jobs`; what a table does not use is 0.
 */
struct alog_group_key {
    int64_t hour_epoch; /* or day_epoch */
    uint32_t environment, job;
    uint32_t dimensions[ALOG_MAX_DIMENSIONS];
};

/* A group as it is stored: its key, then its row. */
struct alog_group {
    struct alog_group_key key;
    max_align_t row[];
};

struct alog_group_table {
    uint64_t *slots; /* hash tag above index + 1; 0 = free */
    uint32_t slot_count, count;
    uint8_t **pages;
    uint32_t page_count, group_bytes;
};

/* Room that lists have grown out of: for 4, 8, … rows. */
#define ALOG_PART_ROOMS 8u

/* Zero-initialise; free with alog_groups_free, which leaves it as new. */
struct alog_groups {
    struct alog_names names;
    struct alog_names jobs; /* their ids: many, and each soon forgotten */
    struct alog_group_table tables[ALOG_ROLLUP_COUNT];
    struct alog_arena arena; /* the groups, their sketches and samples, jobs' edges and lists */
    void *rooms[ALOG_ROLLUP_COUNT][ALOG_PART_ROOMS]; /* each begins with a pointer to the next */
    size_t bytes;  /* on the heap, without the names and the arena */
    bool overflow; /* a sum left 64 bits */
};

void alog_groups_free(struct alog_groups *groups);

/* All memory that the groups hold. */
static inline size_t alog_groups_bytes(const struct alog_groups *groups) {
    return groups->bytes + groups->arena.bytes + groups->names.bytes + groups->jobs.bytes;
}

/* The row of a group, made if there is none: a struct alog_row_<table>, which stays where it is.
 * NULL: no memory. */
void *alog_groups_row(struct alog_groups *groups, enum alog_rollup rollup,
                      const struct alog_group_key *key);

/* The row of a part, made if there is none: a struct alog_row_<table>, which stays where it is
 * until another is made in the list. NULL: no memory. */
void *alog_groups_part(struct alog_groups *groups, enum alog_rollup rollup,
                       struct alog_part_list *list, const uint32_t dimensions[ALOG_MAX_DIMENSIONS]);

/* The index-th row of a list, in no particular order. */
void *alog_groups_part_at(enum alog_rollup rollup, const struct alog_part_list *list,
                          uint32_t index);

/* The index-th group of a table, in no particular order. */
struct alog_group *alog_groups_at(const struct alog_groups *groups, enum alog_rollup rollup,
                                  uint32_t index);

/* Parts of a row; false or a status other than ALOG_OK: no memory. */
enum alog_status alog_groups_count_at(struct alog_groups *groups, struct alog_sketch *sketch,
                                      uint32_t bucket, uint64_t count);
enum alog_status alog_groups_offer_edge(struct alog_groups *groups, enum alog_job_edge_kind kind,
                                        struct alog_job_edge **edge,
                                        const struct alog_job_edge *offered);
enum alog_status alog_groups_offer_sample(struct alog_groups *groups,
                                          const struct alog_sample **sample, int64_t first_ns,
                                          int64_t offered_ns, struct alog_string offered);

/* A sum; sets groups->overflow instead of wrapping. */
static inline void alog_groups_add(struct alog_groups *groups, int64_t *sum, int64_t value) {
    if (__builtin_add_overflow(*sum, value, sum)) {
        groups->overflow = true;
    }
}

/* Add everything of `from` to `into` and free it. ALOG_NO_MEMORY: both are incomplete. */
enum alog_status alog_groups_merge(struct alog_groups *into, struct alog_groups *from);

/* The latest hour that has events; INT64_MAX: none has. */
int64_t alog_groups_last_hour(const struct alog_groups *groups);

/* Add the groups of hourly tables from that hour on to `into`; `from` keeps them too.
 * ALOG_NO_MEMORY: `into` is incomplete. */
enum alog_status alog_groups_copy_hours(struct alog_groups *into, struct alog_groups *from,
                                        int64_t from_hour_epoch);

/* Add the groups of hourly tables before that hour to those of their days (which an hour of the key
 * then stands for), from that day on; `from` keeps them too. *ret_last_day_epoch becomes the latest
 * day of all if that is later. ALOG_NO_MEMORY: `into` is incomplete. */
struct alog_day_span {
    int64_t from_day_epoch, before_hour_epoch;
    int32_t time_zone_offset_s;
};
enum alog_status alog_groups_copy_days(struct alog_groups *into, struct alog_groups *from,
                                       const struct alog_day_span *span,
                                       int64_t *ret_last_day_epoch);

/*
 * The groups of a table in the order of its primary key (environment, hour or job, dimensions);
 * the ranks come from alog_names_rank. *ret_sorted is freed by the caller.
 */
struct alog_group_ranks {
    uint32_t *names, *jobs;
};
enum alog_status alog_groups_sort(const struct alog_groups *groups, enum alog_rollup rollup,
                                  const struct alog_group_ranks *ranks,
                                  struct alog_group ***ret_sorted);

#endif
