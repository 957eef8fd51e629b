/* One run of the batch aggregator: what ingest.c, ingest_plan.c and rebuild.c share. */
#ifndef AGENTLOG_AGGREGATOR_INGEST_RUN_H
#define AGENTLOG_AGGREGATOR_INGEST_RUN_H

#include <agentlog/aggregator.h>

#include "day_sums.h"
#include "feed.h"
#include "ingest_list.h"
#include "store.h"

/* Groups held in memory before they are written, all threads together; as many again may be on
 * their way into the database. */
#define ALOG_GROUPS_LIMIT_BYTES (40u << 20)

/* What a killed run may have to do again, and how far the database's journal grows. */
#define ALOG_BATCHES_PER_COMMIT 32u

/* Checked options with their defaults filled in. `settings` are for a new database. */
struct alog_ingest_setup {
    struct alog_ingest_options options;
    struct alog_store_settings settings;
    size_t groups_limit_bytes; /* more than that goes to the writer */
    uint32_t batches_per_commit;
};
enum alog_status alog_ingest_setup(const struct alog_ingest_options *given,
                                   struct alog_ingest_setup *ret_setup, struct alog_error *error);

/* ALOG_INVALID when the caller asked for another zone or cap than the database was made with. */
enum alog_status alog_ingest_check_settings(const struct alog_ingest_setup *setup,
                                            const struct alog_store_settings *recorded,
                                            struct alog_error *error);

/* Which segments are to be read. */
struct alog_ingest_plan {
    struct alog_ingest_list list;
    bool *read;            /* by segment of the list */
    bool *is_new;          /* likewise: the ledger does not know it */
    struct alog_names ids; /* the segment ids that are there */
    uint32_t *holders;     /* by id: the segment of the list that counts */
    uint32_t holder_capacity;
    uint64_t bytes; /* of those to be read */
    uint64_t skipped;
    struct alog_bad_segments bad;
};
void alog_ingest_plan_free(struct alog_ingest_plan *plan);

/*
 * Look at every segment's headers and the ledger of `db`; nothing is read that the ledger already
 * has. ALOG_CORRUPT: a segment is not what was ingested under its id.
 */
enum alog_status alog_ingest_plan_make(sqlite3 *db, const char *log_dir,
                                       const struct alog_ingest_setup *setup,
                                       struct alog_ingest_plan *ret_plan, struct alog_error *error);

/* Read what the plan says into `store`, commit by commit; a thread of its own writes. */
enum alog_status alog_ingest_execute(struct alog_store *store, struct alog_ingest_plan *plan,
                                     const struct alog_ingest_setup *setup,
                                     struct alog_ingest_report *report, struct alog_error *error);

/* Make the content of `store`, which may be of an older schema, anew from the log. */
enum alog_status alog_rebuild_all(struct alog_store *store, const char *log_dir,
                                  const struct alog_ingest_setup *setup,
                                  struct alog_ingest_report *report, struct alog_error *error);

/* Find the segments that are missing, summarise the dirty days (`sums`, if not NULL, has what it
 * takes of some) and check that the sums are the ledger's, within a transaction. Adds to *days and
 * *events_lost. */
enum alog_status alog_ingest_conclude(sqlite3 *db, struct alog_day_sums *sums, uint64_t *days,
                                      uint64_t *events_lost, struct alog_error *error);

#endif
