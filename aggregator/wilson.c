#include "wilson.h"

#include <math.h>

/* The standard normal distribution's 97.5 % quantile: two tails of 2.5 %. */
#define Z_95 1.959963984540054

bool alog_wilson(int64_t successes, int64_t count, double *ret_low, double *ret_high) {
    if (count <= 0 || successes < 0 || successes > count) {
        return false;
    }
    double n = (double)count;
    double p = (double)successes / n;
    double z2 = Z_95 * Z_95;
    double center = p + z2 / (2 * n);
    double spread = Z_95 * sqrt(p * (1 - p) / n + z2 / (4 * n * n));
    double scale = 1 + z2 / n;
    /* The ends are exactly 0 and 1 there; rounding would leave them a hair off. */
    *ret_low = successes == 0 ? 0 : fmax(0, (center - spread) / scale);
    *ret_high = successes == count ? 1 : fmin(1, (center + spread) / scale);
    return true;
}
