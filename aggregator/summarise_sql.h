/* What each daily table is made of, as SQL. */
#ifndef AGENTLOG_AGGREGATOR_SUMMARISE_SQL_H
#define AGENTLOG_AGGREGATOR_SUMMARISE_SQL_H

#include <stddef.h>

/*
 * `insert` makes the rows of one day and environment. Its parameters: :env, :bucket and :bucket_end
 * (the day's start and end, seconds since 1970), :day (YYYY-MM-DD).
 */
struct alog_daily_table {
    const char *name;
    const char *insert;
};

/* All of them, ended by a NULL name. Static. */
const struct alog_daily_table *alog_daily_tables(void);

#endif
