/* The texts of schema.sql and views.sql, embedded when the library is built. */
#ifndef AGENTLOG_AGGREGATOR_SQL_TEXT_H
#define AGENTLOG_AGGREGATOR_SQL_TEXT_H

/* NUL-terminated; static memory. */
const char *alog_schema_sql(void);
const char *alog_views_sql(void);

#endif
