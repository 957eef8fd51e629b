/* Whether agents know how sure they may be: success by confidence, and scores of it. */
#include "query_calibration.h"
#include "query.h"

#define CALIBRATION_ROWS                                                                           \
    " FROM {rollup_calibration: agent_name, success_hist, failure_hist, rest_hist / agent_name}"

#define CLASS_COLUMNS(shared)                                                                      \
    {"confidence_from", ALOG_COLUMN_REAL, "the class's least confidence"},                         \
        {"confidence_to", ALOG_COLUMN_REAL,                                                        \
         "where the next class begins; the last class includes 1"},                                \
        {"executions", ALOG_COLUMN_INTEGER, "executions with a confidence in the class: n"},       \
        ALOG_SHARE_COLUMNS("executions", shared),                                                  \
        {"successes", ALOG_COLUMN_INTEGER, "of them, successful"},                                 \
        ALOG_RATE_COLUMNS("success_rate", "successes / executions"), {                             \
        "confidence_avg", ALOG_COLUMN_RATE, "mean confidence, NULL without any"                    \
    }

static const struct alog_column confidence_columns[] = {
    {"agent_name", ALOG_COLUMN_TEXT, "the agent"},
    CLASS_COLUMNS("the agent's executions with a confidence"),
};

/* clang-format off */
static const char confidence_sql[] =
    "WITH " ALOG_CLASSES ","
    " s AS MATERIALIZED (SELECT agent_name," ALOG_CALIBRATION_SUMS CALIBRATION_ROWS
    "   GROUP BY agent_name),"
    " c AS MATERIALIZED (SELECT agent_name, low, high," ALOG_CLASS_FIGURES " FROM s, e)"
    " SELECT agent_name, low / 1000.0, MIN(high, 1000) / 1000.0, n,"
      ALOG_QUERY_SHARE("n", "PARTITION BY agent_name") ", successes,"
      ALOG_QUERY_RATE("successes", "n") ", e6 / (1e6 * NULLIF(n, 0))"
    " FROM c ORDER BY agent_name, low LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_confidence =
    ALOG_QUERY_FORM(confidence_sql, confidence_columns);

static const struct alog_column bins_columns[] = {
    CLASS_COLUMNS("all executions with a confidence"),
    {"gap", ALOG_COLUMN_REAL, "confidence_avg - success_rate: above 0 = too sure"},
};

/* clang-format off */
static const char bins_sql[] =
    "WITH " ALOG_CLASSES ","
    " s AS MATERIALIZED (SELECT" ALOG_CALIBRATION_SUMS CALIBRATION_ROWS "),"
    " c AS MATERIALIZED (SELECT low, high," ALOG_CLASS_FIGURES " FROM s, e)"
    " SELECT low / 1000.0, MIN(high, 1000) / 1000.0, n," ALOG_QUERY_SHARE("n", "") ","
    " successes," ALOG_QUERY_RATE("successes", "n") ", e6 / (1e6 * NULLIF(n, 0)),"
    " (e6 / 1e6 - successes) / NULLIF(n, 0)"
    " FROM c ORDER BY low LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_calibration_bins = ALOG_QUERY_FORM(bins_sql, bins_columns);

static const struct alog_column calibration_columns[] = {
    {"agent_name", ALOG_COLUMN_TEXT, "the agent; NULL = all that were asked for, together"},
    {"executions", ALOG_COLUMN_INTEGER, "executions with a confidence: n"},
    {"successes", ALOG_COLUMN_INTEGER, "of them, successful"},
    ALOG_RATE_COLUMNS("success_rate", "successes / executions"),
    {"confidence_avg", ALOG_COLUMN_RATE, "mean confidence"},
    {"brier_score", ALOG_COLUMN_REAL,
     "mean squared distance of confidence from what happened (1 or 0): 0 is perfect"},
    {"reliability", ALOG_COLUMN_REAL,
     "mean squared distance of a bin's mean confidence from its success rate: 0 is perfect"},
    {"resolution", ALOG_COLUMN_REAL,
     "mean squared distance of a bin's success rate from that of all: more is better"},
    {"uncertainty", ALOG_COLUMN_REAL, "success_rate * (1 - success_rate): nobody's fault"},
    {"within_bins", ALOG_COLUMN_REAL,
     "what bins hide: brier_score - (reliability - resolution + uncertainty)"},
    {"ece", ALOG_COLUMN_REAL,
     "expected calibration error: mean distance of a bin's mean confidence from its success rate"},
    {"above_max_ece", ALOG_COLUMN_BOOL,
     "ece is above the max_ece asked for; NULL when none was, or with fewer than min_count "
     "executions"},
    {"max_gap", ALOG_COLUMN_REAL, "the largest of those distances"},
};

/* For what lies within bins see Stephenson, Coelho and Jolliffe (2008). Sums of c, c² and c *
 * success are exact, and so are a bin's. */
/* clang-format off */
static const char calibration_sql[] =
    "WITH " ALOG_CLASSES ","
    " s AS (SELECT agent_name," ALOG_CALIBRATION_SUMS CALIBRATION_ROWS " GROUP BY agent_name),"
    " a AS (SELECT agent_name, SUM(confidence_count) AS n, SUM(confidence_e6_sum) AS e6,"
    "   SUM(confidence_success_e6_sum) AS success_e6, SUM(confidence_square_e9_sum) AS square_e9"
    "   FROM {rollup_agents: agent_name, confidence_count, confidence_e6_sum,"
    "     confidence_success_e6_sum, confidence_square_e9_sum / agent_name}"
    "   GROUP BY agent_name),"
    " t AS MATERIALIZED (SELECT * FROM a JOIN s USING (agent_name) WHERE n > 0),"
    " u AS MATERIALIZED (SELECT agent_name, n, e6, success_e6, square_e9, whole, yes, rest FROM t"
    "   UNION ALL SELECT NULL, SUM(n), SUM(e6), SUM(success_e6), SUM(square_e9), sketch_merge(whole),"
    "   sketch_merge(yes), sketch_merge(rest) FROM t HAVING SUM(n) > 0),"
    " c AS (SELECT agent_name, n AS total, sketch_count_between(yes, 0, 1001) AS total_successes,"
    "   low, e6 AS total_e6, success_e6, square_e9, whole, yes, rest, high FROM u, e),"
    " k AS MATERIALIZED (SELECT agent_name, total, total_successes, total_e6, success_e6, square_e9,"
      ALOG_CLASS_FIGURES " FROM c),"
    " g AS (SELECT agent_name, total AS n, total_successes AS successes, total_e6 AS e6,"
    "   (square_e9 / 1e9 - 2 * success_e6 / 1e6 + total_successes) / total AS brier,"
    "  " ALOG_RELIABILITY " AS reliability," ALOG_RESOLUTION " AS resolution," ALOG_ECE " AS ece,"
    "   MAX(ABS(e6 / 1e6 - successes) / NULLIF(n, 0)) AS max_gap"
    "   FROM k GROUP BY agent_name)"
    " SELECT agent_name, n, successes," ALOG_QUERY_RATE("successes", "n") ", e6 / (1e6 * n), brier,"
    " reliability, resolution, successes * 1.0 / n * (1 - successes * 1.0 / n),"
    " brier - reliability + resolution - successes * 1.0 / n * (1 - successes * 1.0 / n),"
    " ece, CASE WHEN n >= :min_count THEN ece > :max_ece END, max_gap"
    " FROM g ORDER BY agent_name IS NOT NULL, n DESC, agent_name LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_calibration =
    ALOG_QUERY_FORM(calibration_sql, calibration_columns);
