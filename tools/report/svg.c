#include "report/svg.h"

#define MARK_ROOM      84 /* a day's label and the space around it, on a phone too */
#define YEAR_ROOM      28 /* more for its year, which weeks have */
#define LEGEND_COLUMNS 28

static void begin_figure(struct html *html, const struct chart *chart) {
    html_format(html, "<figure class=\"chart\">\n<figcaption>%s</figcaption>\n", chart->title);
}

static void begin_picture(struct html *html, const struct chart *chart, double height) {
    html_format(html, "<svg viewBox=\"0 0 %d %.0f\" role=\"img\" aria-labelledby=\"%s-t %s-d\">\n",
                SVG_WIDTH, height, chart->id, chart->id);
    html_format(html, "<title id=\"%s-t\">%s</title>\n<desc id=\"%s-d\">", chart->id, chart->title,
                chart->id);
    html_text(html, alog_str(chart->description));
    html_raw(html, "</desc>\n");
}

void svg_nothing(struct html *html, const struct chart *chart) {
    begin_figure(html, chart);
    html_raw(html, "<p class=\"nothing\">There is nothing to draw: no event said it.</p>\n"
                   "</figure>\n");
}

void svg_begin(struct html *html, const struct chart *chart, double height) {
    begin_figure(html, chart);
    begin_picture(html, chart, height);
}

void svg_begin_with_legend(struct html *html, const struct chart *chart, double height,
                           const struct chart_series *series, size_t count, const char *shape) {
    begin_figure(html, chart);
    if (count > 1) {
        html_raw(html, "<ul class=\"legend\">\n");
        for (size_t i = 0; i < count; i++) {
            html_raw(html, "<li><svg viewBox=\"0 0 22 10\" aria-hidden=\"true\">");
            if (shape[0] == 'l') {
                html_format(html, "<path class=\"line s%zu\" d=\"M0 5H22\"/>", i + 1);
            } else {
                html_format(html,
                            "<rect class=\"bar s%zu\" width=\"22\" height=\"10\"/>"
                            "<rect class=\"pattern p%zu\" width=\"22\" height=\"10\"/>",
                            i + 1, i + 1);
            }
            html_raw(html, "</svg>");
            html_text_cut(html, series[i].name, LEGEND_COLUMNS);
            html_raw(html, "</li>\n");
        }
        html_raw(html, "</ul>\n");
    }
    begin_picture(html, chart, height);
}

void svg_end(struct html *html) {
    html_raw(html, "</svg>\n</figure>\n");
}

void svg_text(struct html *html, double x, double y, const char *anchor, const char *kind,
              const char *text) {
    html_format(html, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">%s</text>\n", x,
                y, anchor, kind, text);
}

void svg_value_axis(struct html *html, const struct svg_plot *plot, const struct scale *scale,
                    enum number_unit unit) {
    for (size_t i = 0; i < scale_marks(scale); i++) {
        const double value = scale_mark(scale, i);
        const double y = scale_at(scale, value);
        const struct number_text mark = number_mark(unit, value, scale->step);
        html_format(html, "<path class=\"%s\" d=\"M%.1f %.1fH%.1f\"/>", i == 0 ? "base" : "grid",
                    plot->left, y, plot->right);
        svg_text(html, plot->left - 8, y + 4, "end", "mark", mark.text);
    }
}

double svg_bucket_at(const struct svg_plot *plot, const struct time_axis *axis, size_t bucket) {
    const double width = (plot->right - plot->left) / (double)axis->count;
    return plot->left + ((double)bucket + 0.5) * width;
}

void svg_time_axis(struct html *html, const struct svg_plot *plot, const struct time_axis *axis) {
    const bool with_year = axis->step == 7;
    const size_t most =
        (size_t)((plot->right - plot->left) / (MARK_ROOM + (with_year ? YEAR_ROOM : 0)));
    const size_t stride = (axis->count + most - 1) / most;
    for (size_t i = 0; i < axis->count; i += stride) {
        char day[DAY_BYTES];
        const double x = svg_bucket_at(plot, axis, i);
        (with_year ? day_format_long : day_format_short)(axis->first + (int64_t)i * axis->step,
                                                         day);
        html_format(html, "<path class=\"base\" d=\"M%.1f %.1fv4\"/>", x, plot->bottom);
        svg_text(html, x, plot->bottom + 20, "middle", "mark", day);
    }
}

void svg_tip(struct html *html, struct alog_string name, const struct time_axis *axis,
             size_t bucket, struct number_text value) {
    char when[BUCKET_BYTES];
    time_axis_name(axis, bucket, when);
    html_raw(html, "<title>");
    html_text_cut(html, name, LEGEND_COLUMNS);
    html_format(html, ", %s: %s</title>", when, value.text);
}
