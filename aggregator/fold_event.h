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

/* Where events of one type are counted, while hour and environment stay the same. */
struct alog_fold_tally {
    struct alog_row_rollup_events *row;
    struct alog_row_rollup_fields *fields; /* NULL: not a type of the catalogue */
    int64_t hour_epoch;
    uint32_t environment;
};

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
    uint32_t job_name;
};

/* A name of the fold's groups; sets fold->no_memory. */
uint32_t alog_fold_intern(struct alog_fold *fold, struct alog_string text);

/* The event's field at a position, a NAME or ENUM, as a name; absent is ALOG_NAME_EMPTY. */
uint32_t alog_fold_name(struct alog_fold *fold, unsigned at);

/* The event's field at a position as a word; ALOG_WORD_OTHER when it is absent or none of them. */
enum alog_word alog_fold_word(struct alog_fold *fold, unsigned at);

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
