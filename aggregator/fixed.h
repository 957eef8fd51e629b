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

/* What alog_fixed_from_double does not do in place. */
bool alog_fixed_from_any_double(double value, unsigned digits, int64_t *ret_units);

/* What alog_fixed_from_double does not do in place. */
bool alog_fixed_from_any_double(double value, unsigned digits, int64_t *ret_units);

/* `value` in units of 10^-digits (digits <= 9). False for NaN, infinity and results beyond
 * ±ALOG_FIXED_MAX. Cost: a multiplication, unless the result is within a few ulps of a tie. */
static inline bool alog_fixed_from_double(double value, unsigned digits, int64_t *ret_units) {
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    double product = value * powers[digits];
    double size = product < 0 ? -product : product;
    if (size < 0x1p48) {
        /* The shortest text is within half an ulp of the double and the product within half an ulp
         * of the true one: away from a tie by four ulps, both round alike. */
        int64_t down = (int64_t)size;
        double above_tie = size - (double)down - 0.5;
        if ((above_tie < 0 ? -above_tie : above_tie) > size * 0x1p-50) {
            int64_t units = down + (above_tie > 0);
            *ret_units = value < 0 ? -units : units;
            return true;
        }
    }
    return alog_fixed_from_any_double(value, digits, ret_units);
}

/* numerator / denominator (> 0), rounded half to even. */
static inline int64_t alog_fixed_divide(int64_t numerator, int64_t denominator) {
    int64_t quotient = numerator / denominator, rest = numerator % denominator;
    int64_t twice = 2 * (rest < 0 ? -rest : rest);
    if (twice > denominator || (twice == denominator && quotient % 2 != 0)) {
        quotient += numerator < 0 ? -1 : 1;
    }
    return quotient;
}

#endif
