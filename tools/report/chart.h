/*
 * Charts as SVG: no script, so that they work in mail, on paper and in ten years. Each is a figure
 * with a title, a legend where there are several series, and a description for those who do not see
 * it; colours come from the style sheet, by class, and no series is told by its colour alone.
 */
#ifndef AGENTLOG_TOOLS_REPORT_CHART_H
#define AGENTLOG_TOOLS_REPORT_CHART_H

#include "report/html.h"
#include "report/number_text.h"
#include "report/time_axis.h"

#define CHART_MAX_SERIES 6 /* as many colours, dashes and patterns as the style sheet knows */

struct chart {
    const char *id;          /* unique on the page */
    const char *title;       /* of the figure */
    const char *description; /* what is drawn, a sentence */
    enum number_unit unit;   /* of the values */
};

/* One value per bucket of the axis, NaN where there is none. */
struct chart_series {
    struct alog_string name;
    const double *values;
    const double *low, *high; /* ends of an interval, drawn as a band; NULL = none */
};

/* Lines over time, broken where there is no value. `from_zero`: the scale begins at 0. */
void chart_lines(struct html *html, const struct chart *chart, const struct time_axis *axis,
                 const struct chart_series *series, size_t count, bool from_zero);

/* Bars over time, stacked in the order of the series. */
void chart_stacks(struct html *html, const struct chart *chart, const struct time_axis *axis,
                  const struct chart_series *series, size_t count);

/* A rate with its interval; `detail` is a second line below the name, or empty, and begins with
 * `detail_prefix` if that is not NULL. */
struct chart_rate {
    struct alog_string name, detail;
    const char *detail_prefix;
    double rate, low, high; /* NaN = no data */
    double count;           /* n */
};

/* Rates below one another, each a point with its interval, on one scale. */
void chart_rates(struct html *html, const struct chart *chart, const struct chart_rate *rates,
                 size_t count);

/* How a whole is made up, a bar for each, all of the same length. */
struct chart_share {
    struct alog_string name;
    double parts[CHART_MAX_SERIES]; /* 0..1; what they leave is left blank; NaN counts as 0 */
};
void chart_shares(struct html *html, const struct chart *chart, const char *const *part_names,
                  size_t part_count, const struct chart_share *shares, size_t count);

/* One bin of confidence. */
struct chart_bin {
    double from, to;        /* its edges, 0..1 */
    double confidence;      /* mean; NaN = nothing in the bin */
    double rate, low, high; /* what happened, with its interval */
    double count;           /* n */
};

/* A reliability diagram: what happened over what was promised, and below how often. */
void chart_reliability(struct html *html, const struct chart *chart, const struct chart_bin *bins,
                       size_t count);

#endif
