/* Lines over time. */
#include <math.h>

#include "report/svg.h"

#define HEIGHT       220
#define MOST_MARKS   5
#define POINTS_UP_TO 40 /* with more buckets a line is clear without its points */
#define POINT_RADIUS 3

static const struct svg_plot plot = {60, 10, 468, 188};

/* The scale of all series and their intervals; false when they have no value. */
static bool value_scale(enum number_unit unit, size_t buckets, const struct chart_series *series,
                        size_t count, bool from_zero, struct scale *ret_scale) {
    double low = 0;
    double high = 1;
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        const double *const columns[] = {series[i].values, series[i].low, series[i].high};
        for (size_t k = 0; k < sizeof columns / sizeof *columns; k++) {
            double least, most;
            if (columns[k] != NULL && scale_range(columns[k], buckets, &least, &most)) {
                low = found && low < least ? low : least;
                high = found && high > most ? high : most;
                found = true;
            }
        }
    }
    if (from_zero && low > 0) {
        low = 0;
    }
    if (unit == NUMBER_RATE && low == high) {
        low = low > 0.1 ? low - 0.1 : 0; /* all alike: some room, and not above 100 % */
    }
    struct scale scale = scale_make(low, high, MOST_MARKS, plot.bottom, plot.top);
    if (unit == NUMBER_RATE && scale.high > 1 && high <= 1) {
        scale.high = 1;
        scale.low = scale.low < 0 ? 0 : scale.low;
    }
    *ret_scale = scale;
    return found;
}

/* The values from `from` on until the next gap; returns where it ends. */
static size_t run_end(const double *values, size_t from, size_t count) {
    while (from < count && !isnan(values[from])) {
        from++;
    }
    return from;
}

static void draw_band(struct html *html, const struct time_axis *axis, const struct scale *scale,
                      const struct chart_series *series, size_t number) {
    for (size_t from = 0; from < axis->count; from++) {
        const size_t end = run_end(series->low, from, axis->count);
        if (end <= from) {
            continue;
        }
        if (end == from + 1) { /* between two gaps a band has no width */
            html_format(html, "<path class=\"whisker s%zu\" d=\"M%.1f %.1fV%.1f\"/>\n", number,
                        svg_bucket_at(&plot, axis, from), scale_at(scale, series->high[from]),
                        scale_at(scale, series->low[from]));
            continue;
        }
        html_format(html, "<path class=\"band s%zu\" d=\"", number);
        for (size_t i = from; i < end; i++) {
            html_format(html, "%c%.1f %.1f", i == from ? 'M' : 'L', svg_bucket_at(&plot, axis, i),
                        scale_at(scale, series->high[i]));
        }
        for (size_t i = end; i-- > from;) {
            html_format(html, "L%.1f %.1f", svg_bucket_at(&plot, axis, i),
                        scale_at(scale, series->low[i]));
        }
        html_raw(html, "Z\"/>\n");
        from = end;
    }
}

static void draw_line(struct html *html, const struct time_axis *axis, const struct scale *scale,
                      const struct chart_series *series, size_t number) {
    html_format(html, "<path class=\"line s%zu\" d=\"", number);
    bool pen_down = false;
    for (size_t i = 0; i < axis->count; i++) {
        if (!isnan(series->values[i])) {
            html_format(html, "%c%.1f %.1f", pen_down ? 'L' : 'M', svg_bucket_at(&plot, axis, i),
                        scale_at(scale, series->values[i]));
        }
        pen_down = !isnan(series->values[i]);
    }
    html_raw(html, "\"/>\n");
}

/* A value between two gaps has no line, so it always has a point. */
static void draw_points(struct html *html, const struct chart *chart, const struct time_axis *axis,
                        const struct scale *scale, const struct chart_series *series,
                        size_t number) {
    for (size_t i = 0; i < axis->count; i++) {
        const bool alone = (i == 0 || isnan(series->values[i - 1])) &&
                           (i + 1 == axis->count || isnan(series->values[i + 1]));
        if (!isnan(series->values[i]) && (alone || axis->count <= POINTS_UP_TO)) {
            html_format(html, "<circle class=\"point s%zu\" cx=\"%.1f\" cy=\"%.1f\" r=\"%d\">",
                        number, svg_bucket_at(&plot, axis, i), scale_at(scale, series->values[i]),
                        POINT_RADIUS);
            svg_tip(html, series->name, axis, i, number_full(chart->unit, series->values[i]));
            html_raw(html, "</circle>\n");
        }
    }
}

void chart_lines(struct html *html, const struct chart *chart, const struct time_axis *axis,
                 const struct chart_series *series, size_t count, bool from_zero) {
    count = count < CHART_MAX_SERIES ? count : CHART_MAX_SERIES;
    struct scale scale;
    if (!value_scale(chart->unit, axis->count, series, count, from_zero, &scale)) {
        svg_nothing(html, chart);
        return;
    }
    svg_begin_with_legend(html, chart, HEIGHT, series, count, "line");
    svg_value_axis(html, &plot, &scale, chart->unit);
    svg_time_axis(html, &plot, axis);
    for (size_t i = 0; i < count; i++) {
        if (series[i].low != NULL && series[i].high != NULL) {
            draw_band(html, axis, &scale, &series[i], i + 1);
        }
    }
    for (size_t i = 0; i < count; i++) {
        draw_line(html, axis, &scale, &series[i], i + 1);
        draw_points(html, chart, axis, &scale, &series[i], i + 1);
    }
    svg_end(html);
}
