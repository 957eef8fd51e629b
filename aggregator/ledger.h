/* The ledger: which segments are in the sums, and how far; and the segments that were set aside. */
#ifndef AGENTLOG_AGGREGATOR_LEDGER_H
#define AGENTLOG_AGGREGATOR_LEDGER_H

#include <agentlog/agentlog.h>
#include <sqlite3.h>

#define ALOG_SEGMENT_ID_BYTES   33 /* 32 hex digits and NUL */
#define ALOG_SEGMENT_HASH_BYTES 65

/* A row of `segments`. */
struct alog_ledger_row {
    char segment_id[ALOG_SEGMENT_ID_BYTES];
    char predecessor_id[ALOG_SEGMENT_ID_BYTES]; /* "" = the writer's first */
    char writer_id[17];
    uint64_t number;
    char environment[ALOG_MAX_NAME_BYTES + 1];
    size_t environment_len;
    char name[256];
    bool sealed;
    char sha256[ALOG_SEGMENT_HASH_BYTES];
    char digest[ALOG_SEGMENT_ID_BYTES]; /* "" when not sealed */
    uint64_t bytes, blocks, events;
    uint64_t first_sequence, last_sequence;
    int64_t min_timestamp_ns, max_timestamp_ns;
    uint64_t missing_events;
    uint64_t predecessor_last_sequence;
};

/* Lower-case hex digits and a NUL. */
void alog_hex(const uint8_t *bytes, size_t count, char *ret_text);

/* *ret_found: there is such a row. */
enum alog_status alog_ledger_find(sqlite3 *db, const char *segment_id,
                                  struct alog_ledger_row *ret_row, bool *ret_found,
                                  struct alog_error *error);

enum alog_status alog_ledger_put(sqlite3 *db, const struct alog_ledger_row *row,
                                 struct alog_error *error);

/* ALOG_CORRUPT unless the rollups hold as many events as the ledger says. */
enum alog_status alog_ledger_reconcile(sqlite3 *db, struct alog_error *error);

/* A segment that was set aside. */
struct alog_bad_segment {
    char *name, *reason; /* malloc'ed */
};
struct alog_bad_segments {
    struct alog_bad_segment *items;
    size_t count;
};
void alog_bad_segments_free(struct alog_bad_segments *bad);

/* Copies both. ALOG_NO_MEMORY. */
enum alog_status alog_bad_segments_add(struct alog_bad_segments *bad, const char *name,
                                       const char *reason);

/* Whether the table bad_segments has a segment with this reason: it was told of before. */
enum alog_status alog_bad_segments_known(sqlite3 *db, const char *name, const char *reason,
                                         bool *ret_known, struct alog_error *error);

/* Whether the table bad_segments differs from the list; and make it the list. */
enum alog_status alog_bad_segments_differ(sqlite3 *db, const struct alog_bad_segments *bad,
                                          bool *ret_differ, struct alog_error *error);
enum alog_status alog_bad_segments_put(sqlite3 *db, const struct alog_bad_segments *bad,
                                       struct alog_error *error);

#endif
