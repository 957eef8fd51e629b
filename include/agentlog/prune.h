/*
 * agentlog retention: delete what a database has kept long enough.
 *
 * Three ages: rows of single jobs, hourly rollups, daily summaries; each kept at least as long as
 * the one before. Whole days of the reporting time zone go, by event time. A day that has lost rows
 * is recorded in the table `pruned_days` and never summarised again to less: what comes late for it
 * is counted in its rollups, and its daily rows stay as they are. A rebuild of the day from raw
 * segments that are all still there makes it whole again; one from fewer is refused.
 */
#ifndef AGENTLOG_PRUNE_H
#define AGENTLOG_PRUNE_H

#include <agentlog/agentlog.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ALOG_KEEP_FOREVER UINT32_MAX

/* Options. Start from ALOG_PRUNE_OPTIONS_INIT (zeros and the size): 0 means the default. */
struct alog_prune_options {
    size_t struct_bytes;
    uint32_t keep_rows_days;      /* jobs and what belongs to single jobs; default 90 */
    uint32_t keep_rollups_days;   /* hourly sums; default 400 */
    uint32_t keep_summaries_days; /* daily and monthly rows, whole months of them; default
                                     ALOG_KEEP_FOREVER */
    bool dry_run;                 /* only count; the database is opened for reading */
    struct alog_opt_i64 now_ns;   /* count back from this; default: the system's clock */
};
#define ALOG_PRUNE_OPTIONS_INIT                                                                    \
    { .struct_bytes = sizeof(struct alog_prune_options) }

/* Whether they fit each other; why not is in `error`. */
ALOG_API bool alog_prune_options_valid(const struct alog_prune_options *options,
                                       struct alog_error *error);

struct alog_pruned_table {
    char table[64];
    uint64_t rows; /* deleted, or with dry_run to be deleted */
};

struct alog_prune_report {
    struct alog_pruned_table
        *tables; /* in the order of deletion, children first; also those with 0 */
    size_t table_count;
    uint64_t rows;         /* the sum */
    uint64_t bytes_before; /* of the database file */
    uint64_t bytes_after;  /* the same with dry_run */
};

/*
 * Delete in one transaction, then give the space back to the file system. Readers are not blocked.
 * Killed at any point, the database is as before or as after; run it again. Free the report with
 * alog_prune_report_free. ALOG_INVALID (an age shorter than the one before it), ALOG_NOT_FOUND,
 * ALOG_LOCKED, ALOG_READ_ONLY, ALOG_UNSUPPORTED, ALOG_IO, ALOG_NO_MEMORY. Cost: of the deleted
 * rows.
 */
ALOG_API ALOG_MUST_CHECK enum alog_status alog_prune(const char *db_path,
                                                     const struct alog_prune_options *options,
                                                     struct alog_prune_report *ret_report,
                                                     struct alog_error *error);
ALOG_API void alog_prune_report_free(struct alog_prune_report *report);

#ifdef __cplusplus
}
#endif

#endif
