/*
 * Feeding: the blocks of one segment, in file order, to the folding threads, with the ledger's row
 * kept up to date and missing sequence numbers counted.
 *
 * The row always describes a state from which reading can go on: its bytes end with the last block
 * that could be read, and damage behind that is looked at again when there is more.
 */
#ifndef AGENTLOG_AGGREGATOR_FEED_H
#define AGENTLOG_AGGREGATOR_FEED_H

#include "fold_pool.h"
#include "format/segment.h"
#include "ledger.h"

/* A segment on its way. */
struct alog_feed_segment {
    struct alog_ledger_row row;         /* without what `progress` has yet to add */
    struct alog_fold_progress progress; /* of the blocks fed since the last alog_feed_settle */
    uint64_t until_sequence;            /* later events are not wanted; 0 = all are */
    /* What should stand behind the row's end, as unreadable blocks or the index say. */
    uint64_t unread_last_sequence; /* 0 = nothing known */
    int64_t unread_timestamp_ns;   /* when the last such block begins; else the index's latest */
};

struct alog_feed {
    struct alog_fold_pool *pool;
    struct alog_groups *groups; /* what this thread counts: gaps */
    const struct alog_fold_scope *scope;
    void *context;
    /* Whether a block's events are needed; NULL = always. */
    bool (*wanted)(void *context, const struct alog_block_facts *facts);
    /* After each block that was read: the row's bytes end with its frame, of `frame_bytes`. NULL =
     * nothing to do. */
    enum alog_status (*after_block)(void *context, struct alog_feed_segment *segment,
                                    const uint8_t *frame, size_t frame_bytes,
                                    struct alog_error *error);
};

/* The row of a segment of which nothing was read yet. */
void alog_feed_begin(const struct alog_file_header *header, const char *name,
                     struct alog_ledger_row *ret_row);

/*
 * Feed the blocks from where the row ends to the end of the file, or to `until` bytes. `segment`
 * must stay in place until the pool is idle. ALOG_IO: the file could not be read on; the row stands
 * at what was. ALOG_NO_MEMORY, or what after_block gave.
 */
enum alog_status alog_feed_blocks(const struct alog_feed *feed, struct alog_segment_scan *scan,
                                  uint64_t until, struct alog_feed_segment *segment,
                                  struct alog_error *error);

/* Nothing more will come: count what is missing at the end. ALOG_NO_MEMORY. */
enum alog_status alog_feed_end(const struct alog_feed *feed, struct alog_feed_segment *segment);

/* Add the progress to the row; the pool must be idle. */
void alog_feed_settle(struct alog_feed_segment *segment);

#endif
