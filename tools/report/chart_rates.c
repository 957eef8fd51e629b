/* Rates below one another, each with its interval. */
#include <math.h>

#include "report/svg.h"

#define ROW_HEIGHT    38
#define LABEL_COLUMNS 22
#define CAP           4
#define MOST_MARKS    5

static const double plot_left = 176;
static const double plot_right = 396;
static const double top = 6;

/* Every other mark has its label, which phones have room for. */
static void draw_marks(struct html *html, const struct scale *scale, double bottom) {
    for (size_t i = 0; i < scale_marks(scale); i++) {
        const double value = scale_mark(scale, i);
        const double x = scale_at(scale, value);
        const struct number_text mark = number_mark(NUMBER_RATE, value, scale->step);
        html_format(html, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>", x, top, bottom);
        if (i % 2 == 0) {
            svg_text(html, x, bottom + 18, "middle", "mark", mark.text);
        }
    }
}

/* From the lowest end of an interval to the highest; false when there is none. */
static bool rate_scale(const struct chart_rate *rates, size_t count, struct scale *ret_scale) {
    double low = INFINITY;
    double high = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        low = fmin(low, rates[i].low); /* NaN is passed over */
        high = fmax(high, rates[i].high);
    }
    *ret_scale = scale_make(low, high, MOST_MARKS, plot_left, plot_right);
    return low <= high;
}

static void draw_label(struct html *html, const struct chart_rate *rate, double middle) {
    const bool two_lines = rate->detail.len > 0;
    html_format(html, "<text x=\"3\" y=\"%.1f\" class=\"name\">", middle + (two_lines ? -2 : 4));
    html_text_cut(html, rate->name.len > 0 ? rate->name : ALOG_STR("(not said)"), LABEL_COLUMNS);
    html_raw(html, "</text>\n");
    if (two_lines) {
        html_format(html, "<text x=\"3\" y=\"%.1f\" class=\"mark\">", middle + 13);
        const char *prefix = rate->detail_prefix != NULL ? rate->detail_prefix : "";
        html_raw(html, prefix);
        html_text_cut(html, rate->detail, LABEL_COLUMNS - strlen(prefix));
        html_raw(html, "</text>\n");
    }
}

static void draw_rate(struct html *html, const struct scale *scale, const struct chart_rate *rate,
                      double middle) {
    const double x = scale_at(scale, rate->rate);
    const double low = scale_at(scale, rate->low);
    const double high = scale_at(scale, rate->high);
    const struct number_text percent = number_full(NUMBER_RATE, rate->rate);
    const struct number_text n = number_short(NUMBER_COUNT, rate->count);
    html_format(html,
                "<path class=\"whisker s1\" d=\"M%.1f %.1fH%.1fM%.1f %.1fv%dM%.1f %.1fv%d\"/>", low,
                middle, high, low, middle - CAP, 2 * CAP, high, middle - CAP, 2 * CAP);
    html_format(html, "<circle class=\"point s1\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>\n", x, middle);
    svg_text(html, SVG_WIDTH - 2, middle - 2, "end", "value", percent.text);
    html_format(html,
                "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" class=\"mark\">n = %s</text>\n",
                SVG_WIDTH - 2, middle + 13, n.text);
}

void chart_rates(struct html *html, const struct chart *chart, const struct chart_rate *rates,
                 size_t count) {
    const double bottom = top + (double)count * ROW_HEIGHT;
    struct scale scale;
    if (!rate_scale(rates, count, &scale)) {
        svg_nothing(html, chart);
        return;
    }
    svg_begin(html, chart, bottom + 26);
    draw_marks(html, &scale, bottom);
    for (size_t i = 0; i < count; i++) {
        const double middle = top + ((double)i + 0.5) * ROW_HEIGHT;
        draw_label(html, &rates[i], middle);
        if (isnan(rates[i].rate)) {
            svg_text(html, SVG_WIDTH - 2, middle + 4, "end", "mark", "no data");
        } else {
            draw_rate(html, &scale, &rates[i], middle);
        }
    }
    svg_end(html);
}
