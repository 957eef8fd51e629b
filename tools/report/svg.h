/* What charts have in common: the figure around them, axes, marks, legend. Lengths are in the units
 * of the picture's view box, of which one is about a pixel. */
#ifndef AGENTLOG_TOOLS_REPORT_SVG_H
#define AGENTLOG_TOOLS_REPORT_SVG_H

#include "report/chart.h"
#include "report/scale.h"

#define SVG_WIDTH 480 /* of every chart */

/* The part of the picture that is drawn on. */
struct svg_plot {
    double left, top, right, bottom;
};

/* Begin the figure and the picture, `height` high; end both. */
void svg_begin(struct html *html, const struct chart *chart, double height);
void svg_end(struct html *html);

/* In place of the picture, when there is not one value to draw. */
void svg_nothing(struct html *html, const struct chart *chart);

/* The names of several series, each with a sample of how it is drawn: `shape` is "line" or "bar".
 * Stands before svg_begin's picture: give it between figure and picture by svg_begin_with_legend.
 */
void svg_begin_with_legend(struct html *html, const struct chart *chart, double height,
                           const struct chart_series *series, size_t count, const char *shape);

/* Horizontal lines at the marks of `scale`, with their values to the left. */
void svg_value_axis(struct html *html, const struct svg_plot *plot, const struct scale *scale,
                    enum number_unit unit);

/* Days below the plot, as many as there is room for; the middle of the i-th bucket. */
void svg_time_axis(struct html *html, const struct svg_plot *plot, const struct time_axis *axis);
double svg_bucket_at(const struct svg_plot *plot, const struct time_axis *axis, size_t bucket);

/* A tip that browsers show: "name, 2026-02-04: 88.2 %". Inside an element that is pointed at. */
void svg_tip(struct html *html, struct alog_string name, const struct time_axis *axis,
             size_t bucket, struct number_text value);

/* A line of text; `anchor` is start, middle or end, `more` further attributes of our own. */
void svg_text(struct html *html, double x, double y, const char *anchor, const char *kind,
              const char *text);

#endif
