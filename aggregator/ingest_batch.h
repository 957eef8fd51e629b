/*
 * Writing what an ingest has read, while it reads on: a batch at a time goes to a thread that
 * merges the folds' groups and adds them to the database. Sums, ledger and summaries are committed
 * together every few batches, so that whatever a reader or a killed run leaves behind is whole.
 *
 * The store is the thread's until alog_batch_writer_wait.
 */
#ifndef AGENTLOG_AGGREGATOR_INGEST_BATCH_H
#define AGENTLOG_AGGREGATOR_INGEST_BATCH_H

#include <pthread.h>
#include <stdatomic.h>

#include "day_sums.h"
#include "groups.h"
#include "ledger.h"
#include "store.h"

struct alog_batch {
    struct alog_groups *groups; /* malloc'ed, some apart from each other */
    uint32_t group_count;
    struct alog_ledger_row *rows; /* malloc'ed */
    size_t row_count;
    const struct alog_bad_segments *bad; /* what the table is to be; NULL = what it is */
    bool commit;
    bool ending; /* less than this is still to come */
};

/* Zero-initialise but for the first three; end with alog_batch_writer_end. */
struct alog_batch_writer {
    struct alog_store *store;
    int32_t time_zone_offset_s;
    struct alog_day_sums day_sums; /* begun; of what is written */
    uint64_t days;                 /* summarised, */
    uint64_t events_lost;          /* … and counted as lost, by what was written */
    bool in_transaction;
    struct alog_groups open_hour; /* of batches that are written; this is not yet */
    /* of the batch that is being written */
    bool running;
    pthread_t thread;
    atomic_bool busy; /* the thread has not come to its end */
    struct alog_batch batch;
    enum alog_status status;
    struct alog_error error;
};

/* Wait for the batch before, then write this one, which is freed in every case. The result is that
 * of the one before. */
enum alog_status alog_batch_writer_put(struct alog_batch_writer *writer, struct alog_batch *batch,
                                       struct alog_error *error);

/* Whether a batch is being written: alog_batch_writer_put would wait. */
bool alog_batch_writer_is_busy(const struct alog_batch_writer *writer);

/* Wait until nothing is being written; what became of it. */
enum alog_status alog_batch_writer_wait(struct alog_batch_writer *writer, struct alog_error *error);

/* The same, and what is not committed is undone. */
void alog_batch_writer_end(struct alog_batch_writer *writer);

#endif
