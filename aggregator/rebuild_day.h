/* One day anew from the log, in one transaction. */
#ifndef AGENTLOG_AGGREGATOR_REBUILD_DAY_H
#define AGENTLOG_AGGREGATOR_REBUILD_DAY_H

#include "ingest_run.h"

/*
 * Delete the day's rollups and the jobs that have an event in it or belong to it, and add them up
 * again from the segments that the ledger has, as far as it has them. A job's other days are read
 * as well, so that it is whole again. ALOG_NOT_FOUND: a segment that would be needed is gone.
 */
enum alog_status alog_rebuild_day(struct alog_store *store, const char *log_dir,
                                  const struct alog_ingest_setup *setup, int64_t day_epoch,
                                  struct alog_ingest_report *report, struct alog_error *error);

#endif
