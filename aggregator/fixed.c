#include "fixed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t powers[] = {1,      10,      100,      1000,      10000,
                                 100000, 1000000, 10000000, 100000000, 1000000000};

int64_t alog_fixed_divide(int64_t numerator, int64_t denominator) {
    int64_t quotient = numerator / denominator, rest = numerator % denominator;
    int64_t twice = 2 * (rest < 0 ? -rest : rest);
    if (twice > denominator || (twice == denominator && quotient % 2 != 0)) {
        quotient += numerator < 0 ? -1 : 1;
    }
    return quotient;
}

/* The shortest digits that read back as `value` (positive): "d.ddd" without the point, at most 17,
 * and the power of ten of the first. A shorter text is tried first; 17 digits always suffice. */
static int shortest_digits(double value, char digits[18], int *ret_exponent) {
    char text[32];
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision - 1, value);
        if (precision == 17 || strtod(text, NULL) == value) {
            break;
        }
    }
    int count = 0;
    char *at = text;
    /* The point may be another character in some locales. */
    for (; *at != 'e'; at++) {
        if (*at >= '0' && *at <= '9') {
            digits[count++] = *at;
        }
    }
    *ret_exponent = atoi(at + 1);
    return count;
}

/* Round the decimal number with these digits, times 10^scale, half to even. */
static bool round_decimal(const char *digits, int count, int exponent, int scale,
                          int64_t *ret_units) {
    int whole = exponent + 1 + scale; /* how many digits stand before the point */
    if (whole > 17) {
        return false;
    }
    int64_t units = 0;
    for (int i = 0; i < whole; i++) {
        units = units * 10 + (i < count ? digits[i] - '0' : 0);
    }
    if (whole >= 0 && whole < count) {
        bool more = false;
        for (int i = whole + 1; i < count; i++) {
            more |= digits[i] != '0';
        }
        int next = digits[whole] - '0';
        units += next > 5 || (next == 5 && (more || units % 2 != 0));
    }
    if (units > ALOG_FIXED_MAX) {
        return false;
    }
    *ret_units = units;
    return true;
}

static bool from_text(double value, unsigned scale, int64_t *ret_units) {
    char digits[18];
    int exponent;
    int count = shortest_digits(fabs(value), digits, &exponent);
    int64_t units;
    if (!round_decimal(digits, count, exponent, (int)scale, &units)) {
        return false;
    }
    *ret_units = value < 0 ? -units : units;
    return true;
}

bool alog_fixed_from_double(double value, unsigned digits, int64_t *ret_units) {
    double product = value * (double)powers[digits];
    double size = fabs(product);
    if (!(size <= 0x1p54)) {
        return false;
    }
    if (size == 0) {
        /* Underflow cannot happen: the factor is at least one. */
        *ret_units = 0;
        return true;
    }
    /* The shortest text is within half an ulp of the double and the product within half an ulp of
     * the true one: away from a tie by four ulps, both round alike. */
    double down = floor(size);
    double above = size - down;
    if (size < 0x1p48 && fabs(above - 0.5) > size * 0x1p-50) {
        int64_t units = (int64_t)down + (above > 0.5);
        *ret_units = value < 0 ? -units : units;
        return true;
    }
    return from_text(value, digits, ret_units);
}
