/*
 * Decimal fixed point: a double as a whole number of small units, exactly as a person reads it.
 *
 * The amount is the shortest decimal text that reads back as the double (what Python's repr and
 * JSON writers give: 0.1 is one tenth, not 0.1000000000000000055...), times 10^digits, rounded half
 * to even. So sums do not depend on how a price was written, and equal those of a decimal library.
 */
#ifndef AGENTLOG_AGGREGATOR_FIXED_H
#define AGENTLOG_AGGREGATOR_FIXED_H

#include <agentlog/agentlog.h>

/* Larger results are refused: every integer up to here is a double of its own, and a thousand of
 * them still add up within 64 bits. */
#define ALOG_FIXED_MAX (INT64_C(1) << 53)

#define ALOG_FIXED_MAX_DIGITS 9u

/* `value` in units of 10^-digits (digits <= 9). False for NaN, infinity and results beyond
 * ±ALOG_FIXED_MAX. Cost: a multiplication, unless the result is within a few ulps of a tie. */
bool alog_fixed_from_double(double value, unsigned digits, int64_t *ret_units);

/* numerator / denominator (> 0), rounded half to even. */
int64_t alog_fixed_divide(int64_t numerator, int64_t denominator);

#endif
