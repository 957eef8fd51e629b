/* Confidence by class, as the questions about calibration and their trends count it. */
#ifndef AGENTLOG_AGGREGATOR_QUERY_CALIBRATION_H
#define AGENTLOG_AGGREGATOR_QUERY_CALIBRATION_H

/* Classes of confidence in thousandths, [[from, below], …], as rows. */
#define ALOG_CLASSES                                                                               \
    "e AS (SELECT json_extract(value, '$[0]') AS low, json_extract(value, '$[1]') AS high"         \
    " FROM json_each(:classes))"

/* Of a rollup's rows. */
#define ALOG_CALIBRATION_SUMS                                                                      \
    " sketch_merge(success_hist, failure_hist) AS whole, sketch_merge(success_hist) AS yes,"       \
    " sketch_merge(rest_hist) AS rest"

/* Of one class: how many, how many successful, sum of confidence in millionths. */
#define ALOG_CLASS_FIGURES                                                                         \
    " sketch_count_between(whole, low, high) AS n,"                                                \
    " sketch_count_between(yes, low, high) AS successes,"                                          \
    " sketch_sum_between(whole, low, high) * 1000 + sketch_count_between(rest, low, high) AS e6"

/*
 * Over the rows of all classes, each with `total` and `total_successes` of them together. Murphy,
 * "A New Vector Partition of the Probability Score" (1973).
 */
#define ALOG_RELIABILITY                                                                           \
    " SUM((e6 / 1e6 - successes) * (e6 / 1e6 - successes) / NULLIF(n, 0)) / total"
#define ALOG_RESOLUTION                                                                            \
    " SUM((successes * 1.0 / NULLIF(n, 0) - total_successes * 1.0 / total)"                        \
    "   * (successes - total_successes * 1.0 * n / total)) / total"
#define ALOG_ECE " SUM(ABS(e6 / 1e6 - successes)) / total"

#endif
