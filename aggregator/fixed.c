#include "fixed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

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

bool alog_fixed_from_any_double(double value, unsigned digits, int64_t *ret_units) {
    if (!(fabs(value) <= (double)ALOG_FIXED_MAX)) {
        return false;
    }
    char shortest[18];
    int exponent;
    int count = shortest_digits(fabs(value), shortest, &exponent);
    int64_t units;
    if (!round_decimal(shortest, count, exponent, (int)digits, &units)) {
        return false;
    }
    *ret_units = value < 0 ? -units : units;
    return true;
}
