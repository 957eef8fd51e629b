/*
 * How a question is answered: one fixed SQL text per kind, with the table of its columns beside it.
 *
 * The parameters that a text may have, bound by name; a filter that the caller gives and the text
 * does not have is ALOG_INVALID, so that no filter is ever silently without effect:
 *   :environment                  the environment, or '*' for all
 *   :head_hour … :tail_hour       the window, see query_window.h, whose {markers} the texts use;
 *                                 REGRESS: :before_head_hour … as well, the one before
 *   :since_day :until_day         day_epoch, from and below
 *   :agent_name :issue_type :provider_id :model :job_id :subject   NULL = any
 *   :max_latency_ms               NULL = none given
 *   :latency_bands                how many success_bands are of at most that; 0: no threshold
 *   :by :sort :weekly             as in struct alog_query
 *   :min_count :max_ratio :max_ece   the same
 *   :classes                      of confidence in thousandths, JSON: [[from, below], …]
 *   :time_zone_offset_s           of the reporting zone
 *   :limit                        rows; -1 = all
 */
#ifndef AGENTLOG_AGGREGATOR_QUERY_H
#define AGENTLOG_AGGREGATOR_QUERY_H

#include <agentlog/aggregator.h>
#include <sqlite3.h>

struct alog_query_form {
    const char *head; /* of the text, where it is longer than a literal may be; else "" */
    const char *sql;
    const struct alog_column *columns; /* of the SELECT, in its order */
    size_t column_count;
};

#define ALOG_QUERY_LONG_FORM(head, sql, columns)                                                   \
    { (head), (sql), (columns), sizeof(columns) / sizeof((columns)[0]) }
#define ALOG_QUERY_FORM(sql, columns) ALOG_QUERY_LONG_FORM("", sql, columns)

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
extern const struct alog_query_form alog_query_job_strategies;
extern const struct alog_query_form alog_query_job_tests;
extern const struct alog_query_form alog_query_job_timeline;
extern const struct alog_query_form alog_query_confidence;
extern const struct alog_query_form alog_query_calibration;
extern const struct alog_query_form alog_query_calibration_bins;
extern const struct alog_query_form alog_query_agents_providers;
extern const struct alog_query_form alog_query_fallbacks;
extern const struct alog_query_form alog_query_error_patterns;
extern const struct alog_query_form alog_query_hooks;
extern const struct alog_query_form alog_query_orchestration;
extern const struct alog_query_form alog_query_orchestration_time;
extern const struct alog_query_form alog_query_problem_hooks;
extern const struct alog_query_form alog_query_retries;
extern const struct alog_query_form alog_query_all_time;
extern const struct alog_query_form alog_query_regress;
extern const struct alog_query_form alog_query_completeness;
extern const struct alog_query_form alog_query_known_environments;

/* TREND: that of a metric, or NULL when there is no such metric. */
const struct alog_query_form *alog_trend_form(enum alog_metric metric);

/* TREND: whether the metric takes all that is given, and has all that it needs; else the name of
 * one that it does not take, or that is missing (or NULL, each). */
bool alog_trend_takes(const struct alog_query *query, const char **ret_misplaced,
                      const char **ret_missing);

/* The form of what is asked, or NULL when there is no such kind or metric. */
const struct alog_query_form *alog_query_form(const struct alog_query *query);

/* The environments asked for: a list rather than an OR, so that the primary keys are used. */
#define ALOG_QUERY_ENVIRONMENTS                                                                    \
    " environment IN (SELECT :environment WHERE :environment <> '*' UNION ALL"                     \
    " SELECT environment FROM v_environments WHERE :environment = '*')"

/* Calls of a row of rollup_providers of at most the k-th threshold, which :latency_bands says the
 * latency asked for is. */
#define ALOG_IN_BANDS                                                                              \
    " (:latency_bands >= 1) * success_band_1 + (:latency_bands >= 2) * success_band_2"             \
    " + (:latency_bands >= 3) * success_band_3 + (:latency_bands >= 4) * success_band_4"           \
    " + (:latency_bands >= 5) * success_band_5 + (:latency_bands >= 6) * success_band_6"           \
    " + (:latency_bands >= 7) * success_band_7 + (:latency_bands >= 8) * success_band_8"

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

/* What share of all rows a row's count is: the count of all, and the columns of ALOG_QUERY_RATE.
 * `over` is of a window of rows, "" for all. */
#define ALOG_QUERY_SHARE(count, over)                                                              \
    " SUM(" count ") OVER (" over ")," ALOG_QUERY_RATE(count, "SUM(" count ") OVER (" over ")")

/* The columns of ALOG_QUERY_SHARE. */
#define ALOG_SHARE_COLUMNS(count, all)                                                             \
    {"share_count", ALOG_COLUMN_INTEGER, all ": n of the next"},                                   \
        ALOG_RATE_COLUMNS("share", count " / share_count")

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
