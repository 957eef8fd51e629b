/*
 * How a question is answered: one fixed SQL text per kind, with the table of its columns beside it.
 *
 * The parameters that a text may have, bound by name; a filter that the caller gives and the text
 * does not have is ALOG_INVALID, so that no filter is ever silently without effect:
 *   :environment                  the environment, or '*' for all
 *   :since_hour :until_hour       hour_epoch, from and below
 *   :since_day :until_day         day_epoch, from and below
 *   :agent_name :issue_type :provider_id :model :job_id   NULL = any
 *   :max_latency_ms               NULL = none given
 *   :limit                        rows; -1 = all
 */
#ifndef AGENTLOG_AGGREGATOR_QUERY_H
#define AGENTLOG_AGGREGATOR_QUERY_H

#include <agentlog/aggregator.h>
#include <sqlite3.h>

struct alog_query_form {
    const char *sql;
    const struct alog_column *columns; /* of the SELECT, in its order */
    size_t column_count;
};

#define ALOG_QUERY_FORM(sql, columns)                                                              \
    { (sql), (columns), sizeof(columns) / sizeof((columns)[0]) }

extern const struct alog_query_form alog_query_summary;
extern const struct alog_query_form alog_query_success_rate;
extern const struct alog_query_form alog_query_agents;
extern const struct alog_query_form alog_query_availability;
extern const struct alog_query_form alog_query_providers;
extern const struct alog_query_form alog_query_models;
extern const struct alog_query_form alog_query_errors;
extern const struct alog_query_form alog_query_tests;
extern const struct alog_query_form alog_query_job;
extern const struct alog_query_form alog_query_job_agents;
extern const struct alog_query_form alog_query_job_providers;
extern const struct alog_query_form alog_query_job_errors;

/* The kind's form, or NULL when there is no such kind. */
const struct alog_query_form *alog_query_form(enum alog_query_kind kind);

/* The environments asked for: a list rather than an OR, so that the primary keys are used. */
#define ALOG_QUERY_ENVIRONMENTS                                                                    \
    " environment IN (SELECT :environment WHERE :environment <> '*' UNION ALL"                     \
    " SELECT environment FROM v_environments WHERE :environment = '*')"

/* The rows of a rollup that are asked for. */
#define ALOG_QUERY_WINDOW                                                                          \
    " WHERE" ALOG_QUERY_ENVIRONMENTS " AND hour_epoch >= :since_hour AND hour_epoch < :until_hour"

/* ` AND column = what was asked for`, when something was. */
#define ALOG_QUERY_FILTER(column) " AND (:" column " IS NULL OR " column " = :" column ")"

/* A rate, NULL without trials, and the ends of its interval: three columns. */
#define ALOG_QUERY_RATE(successes, count)                                                          \
    " (" successes ") * 1.0 / NULLIF(" count ", 0),"                                               \
    " wilson_low(" successes ", " count "), wilson_high(" successes ", " count ")"

/* The columns of ALOG_QUERY_RATE. */
#define ALOG_RATE_COLUMNS(rate, doc)                                                               \
    {rate, ALOG_COLUMN_RATE, doc ", NULL without any"},                                            \
        {rate "_low", ALOG_COLUMN_RATE, "lower end of its 95 % interval (Wilson)"}, {              \
        rate "_high", ALOG_COLUMN_RATE, "upper end of it"                                          \
    }

/* A mean in ms of sums in us, NULL without any. */
#define ALOG_QUERY_MEAN_MS(sum, count) " " sum " / (1000.0 * NULLIF(" count ", 0))"

/* Dollars of a sum in billionths, NULL when no row says what it cost. */
#define ALOG_QUERY_USD(sum, count) " CASE WHEN " count " > 0 THEN " sum " / 1e9 END"

/* ---- Tables
 * -----------------------------------------------------------------------------------------------
 */

/*
 * Step `statement` to its end and collect the rows. The table is one allocation, which also holds
 * its texts. ALOG_NO_MEMORY, or what the statement ran into.
 */
enum alog_status alog_table_collect(sqlite3 *db, sqlite3_stmt *statement,
                                    const struct alog_query_form *form,
                                    struct alog_table **ret_table, struct alog_error *error);

#endif
