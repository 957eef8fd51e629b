#include "statistics.h"

#include <math.h>
#include <stdlib.h>

bool alog_lower_rate_p(int64_t successes, int64_t count, int64_t other_successes,
                       int64_t other_count, double *ret_p) {
    if (count <= 0 || other_count <= 0 || successes < 0 || successes > count ||
        other_successes < 0 || other_successes > other_count) {
        return false;
    }
    double n = (double)count, m = (double)other_count;
    double pooled = ((double)successes + (double)other_successes) / (n + m);
    double variance = pooled * (1 - pooled) * (1 / n + 1 / m);
    if (!(variance > 0)) {
        *ret_p = 1;
        return true;
    }
    double z = ((double)successes / n - (double)other_successes / m) / sqrt(variance);
    *ret_p = 0.5 * erfc(-z / sqrt(2));
    return true;
}

bool alog_phi(int64_t a, int64_t b, int64_t c, int64_t d, double *ret_phi) {
    double product = ((double)a + (double)b) * ((double)c + (double)d) * ((double)a + (double)c) *
                     ((double)b + (double)d);
    if (!(product > 0)) {
        return false;
    }
    *ret_phi = ((double)a * (double)d - (double)b * (double)c) / sqrt(product);
    return true;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

bool alog_median(double *values, size_t count, double *ret_median) {
    if (count == 0) {
        return false;
    }
    qsort(values, count, sizeof(*values), by_value);
    double upper = values[count / 2];
    *ret_median = count % 2 != 0 ? upper : (values[count / 2 - 1] + upper) / 2;
    return true;
}
