/* Comparing proportions. Wilson's interval is in wilson.h. */
#ifndef AGENTLOG_AGGREGATOR_STATISTICS_H
#define AGENTLOG_AGGREGATOR_STATISTICS_H

#include <agentlog/agentlog.h>

/*
 * The one-sided p value of "the first rate is lower than the second": the chance of such a
 * difference, or a larger one, when both are equal (two-proportion z test, pooled). 1 when nothing
 * can differ (no rate, or all alike). False without trials.
 */
bool alog_lower_rate_p(int64_t successes, int64_t count, int64_t other_successes,
                       int64_t other_count, double *ret_p);

/* The phi coefficient of a two by two table: -1 to 1. False when a row or column is empty. */
bool alog_phi(int64_t a, int64_t b, int64_t c, int64_t d, double *ret_phi);

/* The median; sorts `values`. False when there are none. */
bool alog_median(double *values, size_t count, double *ret_median);

#endif
