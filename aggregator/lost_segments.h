/*
 * Whole segments that are missing between others of their writer, or end too early: each file
 * header says how far the writer's sequence had come before it. What the ledger's segments leave
 * open between them is in the table lost_segments, which follows from the ledger alone: whatever
 * the order in which segments arrive, and gone again when a missing one does.
 *
 * What a writer had before its first segment in the ledger is not counted: old segments may be gone
 * on purpose.
 */
#ifndef AGENTLOG_AGGREGATOR_LOST_SEGMENTS_H
#define AGENTLOG_AGGREGATOR_LOST_SEGMENTS_H

#include <agentlog/agentlog.h>
#include <sqlite3.h>

/* A segment of this writer goes into the ledger. */
enum alog_status alog_lost_segments_note(sqlite3 *db, const char *writer_id,
                                         struct alog_error *error);

/*
 * Look at the writers that were noted since the last time; days that change become dirty. Adds to
 * *events_lost by how much they have lost more than was known. Within the transaction that the
 * ledger's rows are written in. Cost: the ledger's rows of those writers.
 */
enum alog_status alog_lost_segments_update(sqlite3 *db, uint64_t *events_lost,
                                           struct alog_error *error);

#endif
