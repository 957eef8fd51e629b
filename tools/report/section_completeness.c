/* How far the page can be trusted: what came, what is known to be missing. */
#include <math.h>
#include <stdio.h>

#include <agentlog/ndjson.h>

#include "report/answer_table.h"
#include "table_cells.h"

static void put_fact(struct html *html, const char *name, const char *value, bool bad) {
    html_format(html, "<tr%s><th scope=\"row\">%s</th><td>%s</td></tr>\n",
                bad ? " class=\"bad\"" : "", name, value);
}

static void put_count(struct html *html, const struct alog_table *table, const char *name,
                      const char *column, bool bad_if_any) {
    const double value = table_number(table, 0, column);
    const struct number_text text = number_full(NUMBER_COUNT, value);
    put_fact(html, name, text.text, bad_if_any && value > 0);
}

/* "2026-11-22 (1 day before this page was made)". */
static void put_last_day(struct page *page, const struct alog_table *table) {
    int64_t last;
    char day[DAY_BYTES];
    char text[80];
    const struct alog_string last_day = table_text(table, 0, "last_day");
    if (!day_parse(last_day.data, last_day.len, &last)) {
        put_fact(&page->html, "Last day with events", "–", false);
        return;
    }
    day_format(last, day);
    const int64_t ago = (page->options->now_ns / 1000000000 + page->offset_s) / 86400 - last;
    if (ago > 0) {
        snprintf(text, sizeof text, "%s (%lld day%s before this page was made)", day,
                 (long long)ago, ago == 1 ? "" : "s");
    } else {
        snprintf(text, sizeof text, "%s", day);
    }
    put_fact(&page->html, "Last day with events", text, false);
}

static void put_set_aside(struct page *page, const struct alog_table *table) {
    struct html *html = &page->html;
    const double count = table_number(table, 0, "segments_set_aside");
    if (count > 0) {
        html_format(html,
                    "<p class=\"nothing bad\">%.0f segment%s of the log could not be read and "
                    "%s set aside: ",
                    count, count == 1 ? "" : "s", count == 1 ? "was" : "were");
        html_text_cut(html, table_text(table, 0, "set_aside_segment"), 300);
        html_raw(html, " (");
        html_text_cut(html, table_text(table, 0, "set_aside_reason"), 300);
        html_format(html,
                    "%s). <code>agentlog verify</code> says more; the next ingest tries %s "
                    "again.</p>\n",
                    count == 1 ? "" : ", and others", count == 1 ? "it" : "them");
    }
}

static size_t ask_events(struct page *page, struct chart_series series[2]) {
    const double *lost = page_sum_days(page, "events_lost");
    size_t count = 1;
    for (size_t bucket = 0; bucket < page->axis.count; bucket++) {
        count = lost[bucket] > 0 ? 2 : count;
    }
    series[0] =
        (struct chart_series){ALOG_STR("stored"), page_sum_days(page, "events"), NULL, NULL};
    series[1] = (struct chart_series){ALOG_STR("known to be lost"), lost, NULL, NULL};
    return count;
}

static void put_facts(struct page *page, const struct alog_table *table) {
    struct html *html = &page->html;
    char text[64];
    const double days = table_number(table, 0, "days");
    snprintf(text, sizeof text, "%.0f of %lld", isnan(days) ? 0 : days,
             (long long)(page->end_day - page->first_day));
    html_raw(html,
             "<table class=\"facts\">\n<caption>How complete the data is</caption>\n<tbody>\n");
    put_count(html, table, "Events", "events", false);
    put_count(html, table, "Events known to be lost", "events_lost", true);
    put_fact(html, "Days with events", text, false);
    put_last_day(page, table);
    put_count(html, table, "Segments with gaps", "segments_with_gaps", true);
    put_count(html, table, "Segments set aside", "segments_set_aside", true);
    put_count(html, table, "Numbers left out (NaN, infinite, out of range)", "not_finite", true);
    put_count(html, table, "Writers", "writers", false);
    put_count(html, table, "Segments", "segments", false);
    put_count(html, table, "of them still open", "open_segments", false);
    put_count(html, table, "Days that retention took rows from", "pruned_days", false);
    html_raw(html, "</tbody>\n</table>\n");
}

void section_completeness(struct page *page) {
    const struct alog_table *table = page_ask_kind(page, ALOG_QUERY_COMPLETENESS);
    struct chart_series series[2];
    const size_t count = ask_events(page, series);
    const struct chart chart = {"completeness-events", "Events over time",
                                "Bars of how many events came, and on top of them how many are "
                                "known to be lost. The figures are in the table below.",
                                NUMBER_COUNT};
    page_section(page, "completeness", "Data completeness");
    put_set_aside(page, table);
    html_raw(&page->html, "<div class=\"charts\">\n");
    put_facts(page, table);
    if (page->has_events) {
        chart_stacks(&page->html, &chart, &page->axis, series, count);
    }
    html_raw(&page->html, "</div>\n");
    if (page->has_events) {
        answer_series(page, "completeness-days", "Events over time", NUMBER_COUNT, series, count);
    }
    page_section_end(page);
}
