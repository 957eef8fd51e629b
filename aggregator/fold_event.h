/* Folding one event: what fold.c and fold_event.c share. */
#ifndef AGENTLOG_AGGREGATOR_FOLD_EVENT_H
#define AGENTLOG_AGGREGATOR_FOLD_EVENT_H

#include "fold.h"
#include "fold_take.h"
#include "pattern_memo.h"
#include "prefetch.h"

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

/* What events of one type come to in one bucket, until there is one of another bucket or the block
 * ends. */
struct alog_fold_tally {
    struct alog_row_rollup_events *row;    /* NULL = no memory */
    struct alog_row_rollup_fields *fields; /* NULL: not a type of the catalogue */
    uint64_t present;                      /* in any of them */
    uint32_t events, without_job;
    uint32_t bucket; /* 0 = there was none in the block */
};

/* Rows that were found: so that most events find theirs without touching the groups' tables, which
 * are too large for the processor's cache. */
struct alog_fold_memo {
    uint64_t key; /* table and dimensions */
    void *row;
    uint32_t bucket;
};
#define ALOG_FOLD_MEMOS 8192u

/* The same of tables with one dimension. */
struct alog_fold_name_memo {
    void *row;
    uint32_t bucket;
    uint32_t key; /* name and table */
};
#define ALOG_FOLD_NAME_MEMOS 4096u

/* What is to be counted in a sketch when its counter has come into the cache. */
struct alog_fold_pending {
    struct alog_sketch *sketch;
    uint32_t bucket, count;
};

#define ALOG_FOLD_HINTS 4096u

/* A number that counts. */
struct alog_fold_number {
    int64_t units;
    bool present;
};

/*
 * Where an event counts: in a row of its hour and in its job. Those of the types that come most
 * often wait until there are ALOG_FOLD_WAITING of them. Their rows are too many for the processor's
 * cache, and are fetched into it meanwhile; and what is done sixteen times over is done faster.
 * They never wait longer than their hour or their block lasts.
 */
struct alog_fold_target {
    int64_t timestamp_ns;
    struct alog_row_jobs *job;   /* NULL = in none */
    struct alog_fold_memo *memo; /* of the row */
    uint64_t key;                /* … and what it says if it is about this row */
    void *row;                   /* NULL = in none, or not found yet */
};
#define ALOG_FOLD_WAITING 16u

/* An execution counts in three sketches, at most. */
#define ALOG_FOLD_PENDING (3 * ALOG_FOLD_WAITING)

struct alog_fold_execution {
    struct alog_fold_target target;
    bool success;
    struct alog_fold_number confidence_e6, time_us, fixes, files, remaining, attempt;
    int64_t excluded;
    uint32_t dimensions[ALOG_MAX_DIMENSIONS];
};

struct alog_fold_call {
    struct alog_fold_target target;
    bool success;
    uint8_t failure_class; /* enum alog_word; OTHER of a success */
    struct alog_fold_number latency_us, retries, input_tokens, output_tokens, cost_nusd;
    int64_t excluded;
    uint32_t dimensions[ALOG_MAX_DIMENSIONS];
    uint32_t fallback_from, fallback_reason;
};

struct alog_fold_hook {
    struct alog_fold_target target;
    uint8_t status; /* enum alog_word */
    struct alog_fold_number time_us;
    int64_t excluded;
    uint32_t dimensions[ALOG_MAX_DIMENSIONS];
};

struct alog_fold_test {
    struct alog_fold_target target; /* without a memo */
    uint8_t status;                 /* enum alog_word */
    struct alog_fold_number time_us;
    int64_t excluded;
    uint32_t test_id;
    struct alog_string message;
};

struct alog_fold {
    const struct alog_fold_scope *scope;
    struct alog_groups groups;
    struct alog_names seen_jobs;
    bool no_memory; /* sticky */

    /* of the block */
    struct alog_block block;
    struct alog_fold_strings strings;
    struct alog_fold_tally tallies[ALOG_MAX_TYPES];
    uint32_t counted_types[ALOG_MAX_TYPES]; /* ids of those that have a bucket */
    uint32_t counted_type_count;
    uint32_t block_environment;

    /* of the event */
    struct alog_cells cells;
    uint64_t sequence;
    uint32_t environment;
    int64_t hour_epoch, hour_from_ns, hour_until_ns;
    bool hourly;               /* it counts in the rollups */
    bool noted;                /* its job is one of seen_jobs */
    bool has_job;              /* it has a job id */
    struct alog_row_jobs *job; /* it counts in this job; NULL = in none */
    uint32_t bucket;           /* number of its hour and environment */

    /* of the events before it, of its hour and environment; nothing between blocks: */
    uint32_t execution_count, call_count, hook_count, test_count;
    struct alog_fold_execution executions[ALOG_FOLD_WAITING];
    struct alog_fold_call calls[ALOG_FOLD_WAITING];
    struct alog_fold_hook hooks[ALOG_FOLD_WAITING];
    struct alog_fold_test tests[ALOG_FOLD_WAITING];
    struct alog_fold_pending pending[ALOG_FOLD_PENDING]; /* of those that are being settled */
    uint32_t pending_count;

    /* across events */
    struct alog_fold_bucket buckets[ALOG_FOLD_BUCKETS];
    uint32_t last_bucket;                /* number */
    struct alog_pattern_memo patterns;   /* of errors */
    uint8_t part_hints[ALOG_FOLD_HINTS]; /* places in jobs' lists, by hash; any may be wrong */
    struct alog_fold_memo memos[ALOG_FOLD_MEMOS]; /* by hash, of several dimensions, */
    /* … and by name, of one: of two buckets that threads' events take turns between */
    struct alog_fold_name_memo by_name[2][ALOG_FOLD_NAME_MEMOS];
};

/* A name of the fold's groups; sets fold->no_memory. */
uint32_t alog_fold_intern(struct alog_fold *fold, struct alog_string text);

/* A string of the block's table as a name; sets fold->no_memory. */
uint32_t alog_fold_name_of_string(struct alog_fold *fold, uint32_t index);
/* … or as a word, enum alog_word. */
uint8_t alog_fold_word_of_string(struct alog_fold *fold, uint32_t index);
uint8_t alog_fold_word_of(struct alog_string text);

/*
 * The next two say what a NAME or ENUM that is there stands for. An event that may still prove to
 * be corrupt leaves no trace: unless it is `sure` that it is none, what is not known of the block's
 * string yet is not looked up, and the result is false.
 */
ALOG_IN_PLACE bool alog_fold_name_in(struct alog_fold *fold, bool sure,
                                     struct alog_fold_field field, uint32_t *ret_name) {
    if (field.kind == ALOG_CELL_USUAL) {
        const uint32_t index = (uint32_t)field.cell.number;
        const uint32_t known = fold->strings.names[index];
        *ret_name = known == ALOG_NAME_NONE && sure ? alog_fold_name_of_string(fold, index) : known;
        return known != ALOG_NAME_NONE || sure;
    }
    *ret_name = alog_fold_intern(fold, (struct alog_string){field.cell.text, field.len});
    return true;
}

ALOG_IN_PLACE bool alog_fold_word_in(struct alog_fold *fold, bool sure,
                                     struct alog_fold_field field, uint8_t *ret_word) {
    if (field.kind == ALOG_CELL_USUAL) {
        const uint32_t index = (uint32_t)field.cell.number;
        const uint8_t known = fold->strings.words[index];
        *ret_word =
            known == ALOG_WORD_UNKNOWN && sure ? alog_fold_word_of_string(fold, index) : known;
        return known != ALOG_WORD_UNKNOWN || sure;
    }
    *ret_word = alog_fold_word_of((struct alog_string){field.cell.text, field.len});
    return true;
}

/* A NAME or ENUM of the event in fold->cells as a name; absent is ALOG_NAME_EMPTY. */
static inline uint32_t alog_fold_name(struct alog_fold *fold, unsigned at) {
    uint32_t name = ALOG_NAME_EMPTY;
    if (alog_cells_has(&fold->cells, at)) {
        (void)alog_fold_name_in(fold, true, alog_cells_field(&fold->cells, at), &name);
    }
    return name;
}

/* A row of the event's hour that is not in the memos. NULL when there is no memory. */
void *alog_fold_find_row(struct alog_fold *fold, enum alog_rollup rollup,
                         const uint32_t *dimensions, unsigned count);

/* The memo of a row of the event's hour with two dimensions or more, and what it says if it is
 * about this row: 0 = there is none that can. The one behind it may be about it too. */
static inline struct alog_fold_memo *alog_fold_memo_of(struct alog_fold *fold,
                                                       enum alog_rollup rollup,
                                                       const uint32_t *dimensions, unsigned count,
                                                       uint64_t *ret_key) {
    const unsigned bits = 14; /* of each dimension: names are numbered from 0 as they come */
    uint64_t packed = rollup + 1u;
    uint32_t all = 0;
    for (unsigned i = 0; i < count; i++) {
        packed = packed << bits | dimensions[i];
        all |= dimensions[i];
    }
    *ret_key = all >> bits == 0 ? packed : 0;
    uint64_t hash = (packed ^ fold->bucket) * UINT64_C(0x9E3779B97F4A7C15);
    return &fold->memos[hash >> 32 & (ALOG_FOLD_MEMOS - 2)];
}

static inline bool alog_fold_is_about(const struct alog_fold_memo *memo, uint64_t memo_key,
                                      uint32_t bucket) {
    return memo->key == memo_key && memo->bucket == bucket;
}

static inline void *alog_fold_row_at(struct alog_fold *fold, struct alog_fold_memo *memo,
                                     uint64_t memo_key, enum alog_rollup rollup,
                                     const uint32_t *dimensions, unsigned count) {
    if (memo_key == 0) {
        return alog_fold_find_row(fold, rollup, dimensions, count);
    }
    if (alog_fold_is_about(memo, memo_key, fold->bucket)) {
        return memo->row;
    }
    if (alog_fold_is_about(&memo[1], memo_key, fold->bucket)) {
        return memo[1].row;
    }
    void *row = alog_fold_find_row(fold, rollup, dimensions, count);
    if (row) {
        memo[1] = memo[0];
        *memo = (struct alog_fold_memo){memo_key, row, fold->bucket};
    }
    return row;
}

/* The row of the event's hour with these two dimensions or more. NULL when there is no memory. */
static inline void *alog_fold_hour_row(struct alog_fold *fold, enum alog_rollup rollup,
                                       const uint32_t *dimensions, unsigned count) {
    uint64_t key;
    struct alog_fold_memo *memo = alog_fold_memo_of(fold, rollup, dimensions, count, &key);
    return alog_fold_row_at(fold, memo, key, rollup, dimensions, count);
}

/* Names are numbered densely: those of one table, of which there may be thousands, do not get into
 * each other's way. */
static inline struct alog_fold_name_memo *alog_fold_name_memo_of(struct alog_fold *fold,
                                                                 uint32_t name) {
    return &fold->by_name[fold->bucket & 1][name & (ALOG_FOLD_NAME_MEMOS - 1)];
}

/* The row of the event's hour with this one dimension (ALOG_NAME_EMPTY: its table has none). NULL
 * when there is no memory. */
static inline void *alog_fold_name_row(struct alog_fold *fold, enum alog_rollup rollup,
                                       uint32_t name) {
    struct alog_fold_name_memo *memo = alog_fold_name_memo_of(fold, name);
    const uint32_t key = name * ALOG_ROLLUP_COUNT + rollup;
    if (memo->key == key && memo->bucket == fold->bucket && name < UINT32_MAX / ALOG_ROLLUP_COUNT) {
        return memo->row;
    }
    void *row = alog_fold_find_row(fold, rollup, &name, 1);
    if (row) {
        *memo = (struct alog_fold_name_memo){row, fold->bucket, key};
    }
    return row;
}

/* What an event begins with: its job is found, and it is counted as one of its type. That it is one
 * of its job's is counted with what it says. */
void alog_fold_begin_tally(struct alog_fold *fold, struct alog_fold_tally *tally, uint32_t type_id);
void alog_fold_look_up_string(struct alog_fold *fold, uint32_t index);
void alog_fold_note_job(struct alog_fold *fold, struct alog_string job_id);

static inline void alog_fold_find_job(struct alog_fold *fold, uint32_t index) {
    struct alog_fold_job *known = &fold->strings.jobs[index];
    if (known->id == ALOG_JOB_UNKNOWN) {
        alog_fold_look_up_string(fold, index);
    }
    fold->has_job = known->id == ALOG_JOB_KNOWN;
    fold->job = known->row;
}

static inline void alog_fold_count_event(struct alog_fold *fold, uint32_t type_id,
                                         uint64_t present) {
    struct alog_fold_tally *tally = &fold->tallies[type_id];
    if (tally->bucket != fold->bucket) {
        alog_fold_begin_tally(fold, tally, type_id);
    }
    tally->present |= present;
    tally->events++;
    tally->without_job += !fold->has_job;
}

static inline void alog_fold_count_in_job(struct alog_row_jobs *job, int64_t at_ns) {
    job->events++;
    job->first_ns = at_ns < job->first_ns ? at_ns : job->first_ns;
    job->last_ns = at_ns > job->last_ns ? at_ns : job->last_ns;
}

/* Of an event in its usual form. False: it counts nowhere. */
static inline bool alog_fold_begin(struct alog_fold *fold, const struct alog_event_head *head,
                                   uint32_t present) {
    if (head->job_index != ALOG_NO_STRING) {
        alog_fold_find_job(fold, head->job_index);
    } else {
        fold->has_job = false;
        fold->job = NULL;
    }
    if (fold->noted && fold->has_job) {
        alog_fold_note_job(fold, fold->block.strings.strings[head->job_index]);
    }
    if (!fold->hourly) {
        return fold->job != NULL;
    }
    alog_fold_count_event(fold, head->type_id, present);
    return true;
}

/* Where the event counts; what that takes is fetched. */
static inline void alog_fold_aim(struct alog_fold *fold, struct alog_fold_target *target,
                                 int64_t timestamp_ns) {
    target->timestamp_ns = timestamp_ns;
    target->job = fold->job;
    target->row = NULL;
    if (fold->job) {
        __builtin_prefetch(&fold->job->first_ns);
    }
}

/* Also in which row; of which the memo is fetched. */
static inline void alog_fold_aim_at_row(struct alog_fold *fold, struct alog_fold_target *target,
                                        enum alog_rollup rollup, const uint32_t *dimensions,
                                        unsigned count) {
    target->memo = alog_fold_memo_of(fold, rollup, dimensions, count, &target->key);
    __builtin_prefetch(target->memo);
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

/* Count in a sketch of a row once the events that wait have been added up: thousands of sketches
 * are counted in in turn, and hardly one is in the processor's cache. */
static inline void alog_fold_count(struct alog_fold *fold, struct alog_sketch *sketch,
                                   uint32_t bucket, uint32_t count) {
    uint32_t i = bucket - sketch->first;
    if (i < sketch->len && sketch->narrow) {
        __builtin_prefetch(&sketch->narrow[i], 1);
    }
    fold->pending[fold->pending_count++] = (struct alog_fold_pending){sketch, bucket, count};
}

static inline void alog_fold_count_pending(struct alog_fold *fold) {
    for (uint32_t i = 0; i < fold->pending_count; i++) {
        const struct alog_fold_pending *due = &fold->pending[i];
        alog_fold_count_now(fold, due->sketch, due->bucket, due->count);
    }
    fold->pending_count = 0;
}

/* alog_groups_row, but sets fold->no_memory. */
static inline void *alog_fold_row(struct alog_fold *fold, enum alog_rollup rollup,
                                  const struct alog_group_key *key) {
    void *row = alog_groups_row(&fold->groups, rollup, key);
    fold->no_memory |= !row;
    return row;
}

/* Add what the type of the event in fold->cells has to say to its rollup and to its job, now or
 * later; also that it is one of its job's events. */
void alog_fold_by_type(struct alog_fold *fold);

/* Add what the events that wait have to say. */
void alog_fold_settle(struct alog_fold *fold);

/*
 * By type, where they have files of their own. An event of the types that come most often goes
 * straight from the block to those that wait if it is of the usual form: alog_fold_take_… returns
 * where its fields end, or NULL if it is not, and then nothing has been counted.
 */
const uint8_t *alog_fold_take_execution(struct alog_fold *fold, const struct alog_event_head *head,
                                        const uint8_t *at);
void alog_fold_agent_execution(struct alog_fold *fold);
void alog_fold_settle_executions(struct alog_fold *fold);
const uint8_t *alog_fold_take_call(struct alog_fold *fold, const struct alog_event_head *head,
                                   const uint8_t *at);
void alog_fold_provider_performance(struct alog_fold *fold);
void alog_fold_settle_calls(struct alog_fold *fold);
const uint8_t *alog_fold_take_hook(struct alog_fold *fold, const struct alog_event_head *head,
                                   const uint8_t *at);
void alog_fold_hook_execution(struct alog_fold *fold);
void alog_fold_settle_hooks(struct alog_fold *fold);
const uint8_t *alog_fold_take_test(struct alog_fold *fold, const struct alog_event_head *head,
                                   const uint8_t *at);
void alog_fold_test_execution(struct alog_fold *fold);
void alog_fold_individual_test_execution(struct alog_fold *fold);
void alog_fold_settle_tests(struct alog_fold *fold);

/* Offer a message as a sample, for the time that it is of. */
void alog_fold_sample(struct alog_fold *fold, struct alog_string message, int64_t at_ns,
                      const struct alog_sample **sample, int64_t *first_ns, int64_t *last_ns);

#endif
