/* What deltas.c and deltas_jobs.c share. */
#ifndef AGENTLOG_AGGREGATOR_DELTAS_INTERNAL_H
#define AGENTLOG_AGGREGATOR_DELTAS_INTERNAL_H

#include "deltas.h"

/* One writing of groups. */
struct alog_deltas {
    sqlite3 *db;
    struct alog_groups *groups;
    int32_t time_zone_offset_s;
    int64_t before_hour_epoch; /* what is hourly and later is left out */
    sqlite3_stmt *mark;        /* a day is dirty */
    int64_t marked_day;        /* the last one marked, in marked_environment */
    uint32_t marked_environment;
    const uint32_t *name_ranks; /* of the groups' first `ranked_names` names */
    uint32_t ranked_names;
    uint8_t *bytes; /* room for a sketch */
    size_t byte_capacity;
    struct alog_error *error;
};

enum alog_status alog_deltas_prepare(struct alog_deltas *deltas, const char *sql,
                                     sqlite3_stmt **ret_statement);

/* Run to the end and reset. */
enum alog_status alog_deltas_run(struct alog_deltas *deltas, sqlite3_stmt *statement,
                                 const char *table);

void alog_deltas_bind_name(const struct alog_deltas *deltas, sqlite3_stmt *statement, int at,
                           uint32_t name);

/* An absent string is NULL. */
void alog_deltas_bind_text(sqlite3_stmt *statement, int at, struct alog_string text);

enum alog_status alog_deltas_mark_day(struct alog_deltas *deltas, uint32_t environment,
                                      int64_t day_epoch);

/* The tables jobs, whose rows say more than sums, and job_details. */
enum alog_status alog_deltas_write_jobs(struct alog_deltas *deltas, struct alog_group **sorted,
                                        uint32_t count);

#endif
