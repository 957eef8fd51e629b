/* How wholes are made up, one below the other. */
#include "report/svg.h"

#define ROW_HEIGHT    34
#define BAR_HEIGHT    18
#define LABEL_COLUMNS 22

static const double left = 160;
static const double right = 468;
static const double top = 4;

static void draw_row(struct html *html, const char *const *part_names, size_t part_count,
                     const struct chart_share *share, double middle) {
    double x = left;
    html_format(html, "<text x=\"3\" y=\"%.1f\" class=\"name\">", middle + 4);
    html_text_cut(html, share->name.len > 0 ? share->name : ALOG_STR("(not said)"), LABEL_COLUMNS);
    html_format(html, "</text>\n<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>\n", left, middle,
                right);
    for (size_t i = 0; i < part_count; i++) {
        const double room = right - x;
        const double wanted = share->parts[i] > 0 ? share->parts[i] * (right - left) : 0;
        const double width = wanted < room ? wanted : room;
        const struct number_text percent = number_full(NUMBER_RATE, share->parts[i]);
        for (int layer = 0; layer < 2 && width > 0; layer++) {
            html_format(html,
                        "<rect class=\"%s%zu\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                        "height=\"%d\"><title>%s: %s</title></rect>\n",
                        layer == 0 ? "bar s" : "pattern p", i + 1, x, middle - BAR_HEIGHT / 2.0,
                        width, BAR_HEIGHT, part_names[i], percent.text);
        }
        x += width;
    }
}

static bool any_part(const struct chart_share *shares, size_t count, size_t part_count) {
    for (size_t i = 0; i < count * part_count; i++) {
        if (shares[i / part_count].parts[i % part_count] > 0) {
            return true;
        }
    }
    return false;
}

void chart_shares(struct html *html, const struct chart *chart, const char *const *part_names,
                  size_t part_count, const struct chart_share *shares, size_t count) {
    struct chart_series legend[CHART_MAX_SERIES];
    part_count = part_count < CHART_MAX_SERIES ? part_count : CHART_MAX_SERIES;
    for (size_t i = 0; i < part_count; i++) {
        legend[i] = (struct chart_series){alog_str(part_names[i]), NULL, NULL, NULL};
    }
    if (!any_part(shares, count, part_count)) {
        svg_nothing(html, chart);
        return;
    }
    const double bottom = top + (double)count * ROW_HEIGHT;
    svg_begin_with_legend(html, chart, bottom + 26, legend, part_count, "bar");
    for (size_t i = 0; i < count; i++) {
        draw_row(html, part_names, part_count, &shares[i], top + ((double)i + 0.5) * ROW_HEIGHT);
    }
    svg_text(html, left, bottom + 18, "start", "mark", "0 %");
    svg_text(html, right, bottom + 18, "end", "mark", "100 %");
    svg_end(html);
}
