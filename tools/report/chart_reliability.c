/*
 * A reliability diagram: for each bin of confidence, how often what was promised happened. On the
 * diagonal, confidence is right; below it, agents are too sure. Source: A. H. Murphy and R. L.
 * Winkler, "Reliability of Subjective Probability Forecasts of Precipitation and Temperature",
 * Journal of the Royal Statistical Society C 26 (1977), 41-47.
 */
#include <math.h>

#include "report/svg.h"

#define HEIGHT      420
#define CAP         4
#define LEAST_POINT 3.0
#define MOST_POINT  8.0

static const struct svg_plot plot = {60, 10, 468, 290};
static const double counts_top = 330;
static const double counts_bottom = 394;

static void draw_frame(struct html *html, const struct scale *x, const struct scale *y) {
    svg_value_axis(html, &plot, y, NUMBER_RATE);
    for (size_t i = 0; i < scale_marks(x); i++) {
        const double value = scale_mark(x, i);
        const struct number_text mark = number_mark(NUMBER_RATE, value, x->step);
        html_format(html, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>", scale_at(x, value),
                    plot.top, plot.bottom);
        svg_text(html, scale_at(x, value), plot.bottom + 18,
                 i == 0                    ? "start"
                 : i + 1 == scale_marks(x) ? "end"
                                           : "middle",
                 "mark", mark.text);
    }
    html_format(html, "<path class=\"diagonal\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", plot.left,
                plot.bottom, plot.right, plot.top);
    svg_text(html, plot.left + 10, plot.top + 20, "start", "mark", "happened more often than said");
    svg_text(html, plot.right - 10, plot.bottom - 12, "end", "mark", "too sure");
}

static void draw_bin(struct html *html, const struct scale *x, const struct scale *y,
                     const struct chart_bin *bin, double share) {
    const double at = scale_at(x, bin->confidence);
    const double low = scale_at(y, bin->low);
    const double high = scale_at(y, bin->high);
    const struct number_text said = number_full(NUMBER_RATE, bin->confidence);
    const struct number_text happened = number_full(NUMBER_RATE, bin->rate);
    const struct number_text n = number_full(NUMBER_COUNT, bin->count);
    html_format(html,
                "<path class=\"whisker s1\" d=\"M%.1f %.1fV%.1fM%.1f %.1fh%dM%.1f %.1fh%d\"/>", at,
                low, high, at - CAP, low, 2 * CAP, at - CAP, high, 2 * CAP);
    html_format(html,
                "<circle class=\"point s1\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"><title>said %s, "
                "happened %s, n = %s</title></circle>\n",
                at, scale_at(y, bin->rate), LEAST_POINT + (MOST_POINT - LEAST_POINT) * sqrt(share),
                said.text, happened.text, n.text);
}

/* The step that leaves two digits of a count of thousands. */
static double two_digits(double count) {
    return count < 1000 ? 1 : pow(10, floor(log10(count)) - 1);
}

/* How many there are in each bin, on a scale of its own. */
static void draw_counts(struct html *html, const struct scale *x, const struct chart_bin *bins,
                        size_t count, double most) {
    const struct scale y = {.low = 0, .high = most, .from = counts_bottom, .to = counts_top + 16};
    for (size_t i = 0; i < count; i++) {
        const double left = scale_at(x, bins[i].from) + 2;
        const double right = scale_at(x, bins[i].to) - 2;
        const double height = counts_bottom - scale_at(&y, bins[i].count);
        const struct number_text n =
            number_mark(NUMBER_COUNT, bins[i].count, two_digits(bins[i].count));
        if (bins[i].count > 0) {
            html_format(html,
                        "<rect class=\"bar s6\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                        "height=\"%.1f\"/>",
                        left, counts_bottom - height, right - left, height);
            svg_text(html, (left + right) / 2, counts_bottom - height - 4, "middle", "mark small",
                     n.text);
        }
    }
    html_format(html, "<path class=\"base\" d=\"M%.1f %.1fH%.1f\"/>\n", plot.left, counts_bottom,
                plot.right);
    svg_text(html, plot.left - 8, counts_bottom, "end", "mark", "n");
}

void chart_reliability(struct html *html, const struct chart *chart, const struct chart_bin *bins,
                       size_t count) {
    const struct scale x = scale_make(0, 1, 5, plot.left, plot.right);
    const struct scale y = scale_make(0, 1, 5, plot.bottom, plot.top);
    double most = 1;
    for (size_t i = 0; i < count; i++) {
        most = fmax(most, bins[i].count);
    }
    svg_begin(html, chart, HEIGHT);
    draw_frame(html, &x, &y);
    for (size_t i = 0; i < count; i++) {
        if (bins[i].count > 0) {
            draw_bin(html, &x, &y, &bins[i], bins[i].count / most);
        }
    }
    draw_counts(html, &x, bins, count, most);
    svg_text(html, (plot.left + plot.right) / 2, HEIGHT - 8, "middle", "mark",
             "confidence that the agents gave");
    svg_end(html);
}
