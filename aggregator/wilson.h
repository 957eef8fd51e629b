/* The interval that goes with every rate. */
#ifndef AGENTLOG_AGGREGATOR_WILSON_H
#define AGENTLOG_AGGREGATOR_WILSON_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Wilson's score interval at 95 % for `successes` of `count` trials, 0 <= successes <= count: the
 * range in which the true rate plausibly lies. It stays within 0..1 and is sound for small counts
 * and for rates of 0 and 1, where the usual p ± 1.96 s is not. False when there is none: count is
 * 0, or the arguments are out of range. Any thread; no memory.
 *
 * Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
 * Journal of the American Statistical Association 22 (1927), 209-212.
 */
bool alog_wilson(int64_t successes, int64_t count, double *ret_low, double *ret_high);

#endif
