/* Folding one event: what fold.c and fold_event.c share. */
#ifndef AGENTLOG_AGGREGATOR_FOLD_EVENT_H
#define AGENTLOG_AGGREGATOR_FOLD_EVENT_H

#include "fold.h"
#include "fold_cells.h"

/* The words that enumerations and the counting of them are about. */
enum alog_word {
    ALOG_WORD_UNKNOWN, /* not looked at yet */
    ALOG_WORD_OTHER,
    ALOG_WORD_SUCCESS,
    ALOG_WORD_FAILED,
    ALOG_WORD_CANCELLED,
    ALOG_WORD_SKIPPED,
    ALOG_WORD_PASSED,
    ALOG_WORD_ERROR,
    ALOG_WORD_AVAILABILITY,
    ALOG_WORD_EXECUTION
};

/* What is known of one string of the block's table. */
struct alog_fold_string {
    struct alog_row_jobs *job; /* as a job id in the block's environment */
    uint32_t name;             /* id + 1; 0 = not looked up yet */
    bool job_known;
    uint8_t word; /* enum alog_word */
};

/* An hour of an environment that events are being counted in. Those of several threads may take
 * turns between two. */
struct alog_fold_bucket {
    int64_t hour_epoch;
    uint32_t environment;
    uint32_t number; /* never used again; 0 = none */
};
#define ALOG_FOLD_BUCKETS 4u

/* Where events of one type are counted in one bucket. */
struct alog_fold_tally {
    struct alog_row_rollup_events *row;
    struct alog_row_rollup_fields *fields; /* NULL: not a type of the catalogue */
    uint32_t bucket;
};

/* Rows that were found: so that most events find theirs without touching the groups' tables, which
 * are too large for the processor's cache. */
struct alog_fold_memo {
    uint64_t key; /* table and dimensions */
    void *row;
    uint32_t bucket;
};
#define ALOG_FOLD_MEMOS 8192u

/* Counts that were begun: the place in memory is on its way while other events are decoded. */
struct alog_fold_count {
    struct alog_sketch *sketch;
    uint64_t count;
    uint32_t bucket;
};
#define ALOG_FOLD_COUNTS 16u

struct alog_fold {
    const struct alog_fold_scope *scope;
    struct alog_groups groups;
    struct alog_names seen_jobs;
    bool no_memory; /* sticky */

    /* of the block */
    struct alog_block block;
    struct alog_fold_string *strings;
    uint32_t string_capacity;
    struct alog_fold_tally tallies[ALOG_MAX_TYPES];
    uint32_t block_environment;

    /* of the event */
    struct alog_cells cells;
    uint64_t sequence;
    uint32_t environment;
    int64_t hour_epoch, hour_from_ns, hour_until_ns;
    bool hour_wanted;
    bool hourly;               /* it counts in the rollups */
    struct alog_row_jobs *job; /* it counts in this job; NULL = in none */
    uint32_t bucket;           /* number of its hour and environment */

    /* across events */
    struct alog_fold_bucket buckets[ALOG_FOLD_BUCKETS];
    uint32_t last_bucket;                           /* number */
    struct alog_fold_memo memos[ALOG_FOLD_MEMOS];   /* by hash, of several dimensions, */
    struct alog_fold_memo by_name[ALOG_FOLD_MEMOS]; /* … and by name, of one */
    struct alog_fold_count counts[ALOG_FOLD_COUNTS];
    uint32_t next_count;
};

/* A name of the fold's groups; sets fold->no_memory. */
uint32_t alog_fold_intern(struct alog_fold *fold, struct alog_string text);

/* The event's field at a position, a NAME or ENUM, as a name; absent is ALOG_NAME_EMPTY. */
uint32_t alog_fold_name(struct alog_fold *fold, unsigned at);

/* The event's field at a position as a word; ALOG_WORD_OTHER when it is absent or none of them. */
enum alog_word alog_fold_word(struct alog_fold *fold, unsigned at);

/* The row of the event's hour with these dimensions. NULL when there is no memory. */
void *alog_fold_hour_row(struct alog_fold *fold, enum alog_rollup rollup,
                         const uint32_t *dimensions, unsigned count);

/* Count in a sketch of a row, now or before the block ends. */
void alog_fold_count(struct alog_fold *fold, struct alog_sketch *sketch, uint32_t bucket,
                     uint64_t count);

/* alog_groups_row, but sets fold->no_memory. */
static inline void *alog_fold_row(struct alog_fold *fold, enum alog_rollup rollup,
                                  const struct alog_group_key *key) {
    void *row = alog_groups_row(&fold->groups, rollup, key);
    fold->no_memory |= !row;
    return row;
}

/* Add what the event's type has to say to its rollup and to its job. */
void alog_fold_by_type(struct alog_fold *fold);

#endif
