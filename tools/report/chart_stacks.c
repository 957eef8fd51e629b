/* Stacked bars over time. */
#include <math.h>

#include "report/svg.h"

#define HEIGHT     220
#define MOST_MARKS 5
#define GAP_SHARE  0.2 /* of a bucket's width, between two bars */
#define WIDEST     48

static const struct svg_plot plot = {60, 10, 468, 188};

static double sum_at(const struct chart_series *series, size_t count, size_t bucket) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += series[i].values[bucket] > 0 ? series[i].values[bucket] : 0; /* NaN is not */
    }
    return sum;
}

static void draw_part(struct html *html, const struct chart *chart, const struct time_axis *axis,
                      const struct scale *scale, const struct chart_series *series, size_t number,
                      size_t bucket, double below) {
    const double value = series->values[bucket];
    const double bucket_width = (plot.right - plot.left) / (double)axis->count;
    const double width = fmin(bucket_width * (1 - GAP_SHARE), WIDEST);
    const double x = svg_bucket_at(&plot, axis, bucket) - width / 2;
    const double y = scale_at(scale, below + value);
    const double height = scale_at(scale, below) - y;
    html_format(
        html, "<g><rect class=\"bar s%zu\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
        number, x, y, width, height);
    html_format(
        html, "<rect class=\"pattern p%zu\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
        number, x, y, width, height);
    svg_tip(html, series->name, axis, bucket, number_full(chart->unit, value));
    html_raw(html, "</g>\n");
}

void chart_stacks(struct html *html, const struct chart *chart, const struct time_axis *axis,
                  const struct chart_series *series, size_t count) {
    double highest = 0;
    count = count < CHART_MAX_SERIES ? count : CHART_MAX_SERIES;
    for (size_t i = 0; i < axis->count; i++) {
        highest = fmax(highest, sum_at(series, count, i));
    }
    if (highest <= 0) {
        svg_nothing(html, chart);
        return;
    }
    /* Nobody counts by halves. */
    const bool few = chart->unit == NUMBER_COUNT && highest < MOST_MARKS;
    const struct scale scale =
        scale_make(0, few ? ceil(highest) : highest, few ? (int)ceil(highest) : MOST_MARKS,
                   plot.bottom, plot.top);
    svg_begin_with_legend(html, chart, HEIGHT, series, count, "bar");
    svg_value_axis(html, &plot, &scale, chart->unit);
    svg_time_axis(html, &plot, axis);
    for (size_t bucket = 0; bucket < axis->count; bucket++) {
        for (size_t i = 0; i < count; i++) {
            if (series[i].values[bucket] > 0) {
                draw_part(html, chart, axis, &scale, &series[i], i + 1, bucket,
                          sum_at(series, i, bucket));
            }
        }
    }
    svg_end(html);
}
