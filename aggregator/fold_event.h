/* Folding one event: what fold.c and fold_event.c share. */
#ifndef AGENTLOG_AGGREGATOR_FOLD_EVENT_H
#define AGENTLOG_AGGREGATOR_FOLD_EVENT_H

#include "fold.h"
#include "fold_cells.h"
#include "pattern_memo.h"

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

/* What a string is as a job id. */
enum alog_fold_job_id {
    ALOG_JOB_UNKNOWN, /* not looked at yet */
    ALOG_JOB_NONE,    /* it is empty */
    ALOG_JOB_KNOWN
};

struct alog_fold_job {
    struct alog_row_jobs *row; /* NULL = not wanted */
    enum alog_fold_job_id id;
};

/* What is known of the strings of the block's table, by index. The names, which most are looked up
 * for, stand side by side. */
struct alog_fold_strings {
    struct alog_fold_job *jobs; /* as a job id in the block's environment */
    uint32_t *names;            /* ALOG_NAME_NONE = not a name yet */
    uint8_t *words;             /* enum alog_word */
    uint32_t capacity;
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

/* What is still to be counted in a sketch, whose counters are on their way into the cache. */
struct alog_fold_pending {
    struct alog_sketch *sketch; /* NULL = nothing */
    uint32_t bucket, count;
};
#define ALOG_FOLD_PENDING 16u

#define ALOG_FOLD_HINTS 4096u

struct alog_fold {
    const struct alog_fold_scope *scope;
    struct alog_groups groups;
    struct alog_names seen_jobs;
    bool no_memory; /* sticky */

    /* of the block */
    struct alog_block block;
    struct alog_fold_strings strings;
    struct alog_fold_tally tallies[ALOG_MAX_TYPES];
    uint32_t block_environment;

    /* of the event */
    struct alog_cells cells;
    uint64_t sequence;
    uint32_t environment;
    int64_t hour_epoch, hour_from_ns, hour_until_ns;
    bool hour_wanted;
    bool hourly;               /* it counts in the rollups */
    bool has_job;              /* it has a job id */
    struct alog_row_jobs *job; /* it counts in this job; NULL = in none */
    uint32_t bucket;           /* number of its hour and environment */

    /* a ring, empty between blocks */
    struct alog_fold_pending pending[ALOG_FOLD_PENDING];
    uint32_t next_pending;

    /* across events */
    struct alog_fold_bucket buckets[ALOG_FOLD_BUCKETS];
    uint32_t last_bucket;                /* number */
    struct alog_pattern_memo patterns;   /* of errors */
    uint8_t part_hints[ALOG_FOLD_HINTS]; /* places in jobs' lists, by hash; any may be wrong */
    struct alog_fold_memo memos[ALOG_FOLD_MEMOS];   /* by hash, of several dimensions, */
    struct alog_fold_memo by_name[ALOG_FOLD_MEMOS]; /* … and by name, of one */
};

/* A name of the fold's groups; sets fold->no_memory. */
uint32_t alog_fold_intern(struct alog_fold *fold, struct alog_string text);

/* A string of the block's table as a name; sets fold->no_memory. */
uint32_t alog_fold_name_of_string(struct alog_fold *fold, uint32_t index);
enum alog_word alog_fold_word_of_string(struct alog_fold *fold, uint32_t index);
enum alog_word alog_fold_word_of(struct alog_string text);

/* A text that stands in the event itself. */
static inline struct alog_string alog_fold_text(const struct alog_fold *fold, unsigned at) {
    return (struct alog_string){fold->cells.cells[at].text, fold->cells.lens[at]};
}

/* The event's field at a position, a NAME or ENUM, as a name; absent is ALOG_NAME_EMPTY. */
static inline uint32_t alog_fold_name(struct alog_fold *fold, unsigned at) {
    if (alog_cells_is_usual(&fold->cells, at)) {
        uint32_t index = (uint32_t)fold->cells.cells[at].number;
        uint32_t known = fold->strings.names[index];
        return known != ALOG_NAME_NONE ? known : alog_fold_name_of_string(fold, index);
    }
    return alog_cells_has(&fold->cells, at) ? alog_fold_intern(fold, alog_fold_text(fold, at))
                                            : ALOG_NAME_EMPTY;
}

/* The event's field at a position as a word; ALOG_WORD_OTHER when it is absent or none of them. */
static inline enum alog_word alog_fold_word(struct alog_fold *fold, unsigned at) {
    if (alog_cells_is_usual(&fold->cells, at)) {
        uint32_t index = (uint32_t)fold->cells.cells[at].number;
        enum alog_word known = (enum alog_word)fold->strings.words[index];
        return known != ALOG_WORD_UNKNOWN ? known : alog_fold_word_of_string(fold, index);
    }
    return alog_cells_has(&fold->cells, at) ? alog_fold_word_of(alog_fold_text(fold, at))
                                            : ALOG_WORD_OTHER;
}

/* A row of the event's hour that is not in the memos. NULL when there is no memory. */
void *alog_fold_find_row(struct alog_fold *fold, enum alog_rollup rollup,
                         const uint32_t *dimensions, unsigned count);

/* The row of the event's hour with these dimensions. NULL when there is no memory. */
static inline void *alog_fold_hour_row(struct alog_fold *fold, enum alog_rollup rollup,
                                       const uint32_t *dimensions, unsigned count) {
    const unsigned bits = 14; /* of each dimension: names are numbered from 0 as they come */
    uint64_t packed = rollup + 1u;
    uint32_t all = 0;
    for (unsigned i = 0; i < count; i++) {
        packed = packed << bits | dimensions[i];
        all |= dimensions[i];
    }
    if (all >> bits != 0) {
        return alog_fold_find_row(fold, rollup, dimensions, count);
    }
    uint64_t hash = (packed ^ fold->bucket) * UINT64_C(0x9E3779B97F4A7C15);
    /* Names are numbered densely: those of one dimension, of which there may be thousands, do not
     * get into each other's way. */
    struct alog_fold_memo *memo = count == 1 ? &fold->by_name[dimensions[0] & (ALOG_FOLD_MEMOS - 1)]
                                             : &fold->memos[hash >> 32 & (ALOG_FOLD_MEMOS - 1)];
    if (memo->key != packed || memo->bucket != fold->bucket) {
        void *row = alog_fold_find_row(fold, rollup, dimensions, count);
        if (!row) {
            return NULL;
        }
        *memo = (struct alog_fold_memo){packed, row, fold->bucket};
    }
    return memo->row;
}

/* What alog_fold_count_now does not do in place. */
void alog_fold_count_slowly(struct alog_fold *fold, struct alog_sketch *sketch, uint32_t bucket,
                            uint32_t count);

static inline void alog_fold_count_now(struct alog_fold *fold, struct alog_sketch *sketch,
                                       uint32_t bucket, uint32_t count) {
    uint32_t i = bucket - sketch->first;
    if (i < sketch->len && sketch->narrow && count <= UINT16_MAX - (uint32_t)sketch->narrow[i]) {
        sketch->narrow[i] = (uint16_t)(sketch->narrow[i] + count);
    } else {
        alog_fold_count_slowly(fold, sketch, bucket, count);
    }
}

/* Count in a sketch of a row, some events later: thousands of sketches are counted in in turn, and
 * hardly one is in the processor's cache. */
static inline void alog_fold_count(struct alog_fold *fold, struct alog_sketch *sketch,
                                   uint32_t bucket, uint32_t count) {
    uint32_t i = bucket - sketch->first;
    if (i < sketch->len && sketch->narrow) {
        __builtin_prefetch(&sketch->narrow[i], 1);
    }
    struct alog_fold_pending *place = &fold->pending[fold->next_pending++ % ALOG_FOLD_PENDING];
    struct alog_fold_pending due = *place;
    *place = (struct alog_fold_pending){sketch, bucket, count};
    if (due.sketch) {
        alog_fold_count_now(fold, due.sketch, due.bucket, due.count);
    }
}

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
