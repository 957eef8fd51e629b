/* From values to places on a chart, with marks at round numbers. */
#ifndef AGENTLOG_TOOLS_REPORT_SCALE_H
#define AGENTLOG_TOOLS_REPORT_SCALE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scale {
    double low, high; /* of the values; both are marks, and low < high */
    double step;      /* from mark to mark: 1, 2 or 5 times a power of ten */
    double from, to;  /* where low and high lie on the chart */
};

/*
 * A scale that holds `low` to `high`, widened to marks, of which there are at most `marks` + 1.
 * What is not finite, or upside down, becomes 0 to 1.
 */
struct scale scale_make(double low, double high, int marks, double from, double to);

/* Where a value lies; outside of the scale, at its end. */
double scale_at(const struct scale *scale, double value);

/* How many marks; the value of the i-th. */
size_t scale_marks(const struct scale *scale);
double scale_mark(const struct scale *scale, size_t i);

/* The range of values that are not NaN; false when there is none. */
bool scale_range(const double *values, size_t count, double *low, double *high);

#endif
