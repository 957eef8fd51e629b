/*
 * Levels: the hourly rollups added up again by day and by month, so that a question about a year
 * reads a few thousand rows. rollup_agents has rollup_agents_day and rollup_agents_month, with the
 * same columns but day_epoch and month_epoch for hour_epoch.
 */
#ifndef AGENTLOG_AGGREGATOR_LEVELS_H
#define AGENTLOG_AGGREGATOR_LEVELS_H

#include <sqlite3.h>

#include "groups.h"

enum alog_level { ALOG_LEVEL_DAY, ALOG_LEVEL_MONTH };

/* Whether a rollup has levels: those by hour have, but for rollup_events and rollup_losses, which
 * daily_events and daily_summary are for. */
bool alog_level_wanted(enum alog_rollup rollup);

/* What a level's tables add to the rollup's name, and their time column. Static. */
const char *alog_level_suffix(enum alog_level level);
const char *alog_level_epoch(enum alog_level level);

/*
 * The CREATE TABLE statements of all levels, with comments for schema_docs, made out of the
 * schema's text. NULL: no memory. The caller frees it with sqlite3_free.
 */
char *alog_level_schema(const char *schema_sql);

/*
 * "DELETE FROM …; INSERT INTO …" as two statements that make a rollup's rows of one level anew from
 * those of the level below, for one environment and one day or month. Parameters: :environment,
 * :bucket (the level's epoch), :bucket_end. NULL: no memory. The caller frees them with
 * sqlite3_free.
 */
char *alog_level_erase_sql(enum alog_rollup rollup, enum alog_level level);
char *alog_level_insert_sql(enum alog_rollup rollup, enum alog_level level);

/* Append ", SUM(column)", or what else merges the rows of a group. */
void alog_level_append_merged(sqlite3_str *sql, const struct alog_rollup_column *column);

#endif
