/* How often providers got to run, and how fast. */
#include <math.h>

#include "report/answer_table.h"
#include "table_cells.h"

#define CHARTED 4 /* providers with a line of their own */

static const struct answer_column columns[] = {{"provider_id", "Provider"},
                                               {"model", "Model"},
                                               {"calls", "Calls"},
                                               {"availability", "Availability"},
                                               {"availability_low", "95&nbsp;% interval"},
                                               {"success_rate", "Success"},
                                               {"latency_p50_ms", "Latency p50"},
                                               {"latency_p95_ms", "Latency p95"},
                                               {"latency_p99_ms", "Latency p99"},
                                               {"degraded", "Worse than the week before"},
                                               {NULL, NULL}};

/* The providers called most, each with its own line. */
static size_t ask_availability(struct page *page, struct chart_series series[CHARTED]) {
    const struct alog_table *providers = page_ask_kind(page, ALOG_QUERY_PROVIDERS);
    const size_t count = providers->row_count < CHARTED ? providers->row_count : CHARTED;
    for (size_t i = 0; i < count; i++) {
        struct alog_query query = page_query(page, ALOG_QUERY_TREND);
        query.provider_id = table_text(providers, i, "provider_id");
        const struct page_trend trend = page_ask_trend(page, query, ALOG_METRIC_AVAILABILITY);
        series[i] = (struct chart_series){query.provider_id, trend.values, NULL, NULL};
        if (count == 1) {
            series[i].low = trend.low;
            series[i].high = trend.high;
        }
    }
    return count;
}

static size_t ask_latency(struct page *page, struct chart_series series[3]) {
    static const struct {
        const char *name;
        enum alog_metric metric;
    } percentiles[] = {{"p50 (median)", ALOG_METRIC_LATENCY_P50},
                       {"p95", ALOG_METRIC_LATENCY_P95},
                       {"p99", ALOG_METRIC_LATENCY_P99}};
    for (size_t i = 0; i < 3; i++) {
        const struct page_trend trend =
            page_ask_trend(page, page_query(page, ALOG_QUERY_TREND), percentiles[i].metric);
        series[i] = (struct chart_series){alog_str(percentiles[i].name), trend.values, NULL, NULL};
    }
    return 3;
}

void section_providers(struct page *page) {
    const struct alog_table *table = page_ask_kind(page, ALOG_QUERY_AVAILABILITY);
    page_section(page, "providers", "Providers");
    if (table->row_count == 0) {
        page_nothing(page, "No provider call was logged in this window.");
        page_section_end(page);
        return;
    }
    struct chart_series availability[CHARTED];
    struct chart_series latency[3];
    const size_t providers = ask_availability(page, availability);
    const size_t percentiles = ask_latency(page, latency);
    const struct chart availability_chart = {
        "providers-availability", "Availability over time",
        "A line for each of the providers that were called most: the share of calls that got to "
        "run. The figures are in the table below.",
        NUMBER_RATE};
    const struct chart latency_chart = {
        "providers-latency", "Latency of successful calls over time",
        "Three lines: the median, the 95th and the 99th percentile of all providers together. The "
        "figures are in the table below.",
        NUMBER_MS};
    html_raw(&page->html, "<div class=\"charts\">\n");
    chart_lines(&page->html, &availability_chart, &page->axis, availability, providers, false);
    chart_lines(&page->html, &latency_chart, &page->axis, latency, percentiles, true);
    html_raw(&page->html, "</div>\n");
    answer_table(page, table,
                 &(struct answer_table){.id = "providers-table",
                                        .caption = "Providers and models",
                                        .command = "stats availability",
                                        .columns = columns});
    answer_series(page, "providers-days", "Availability over time", NUMBER_RATE, availability,
                  providers);
    answer_series(page, "providers-times", "Latency over time", NUMBER_MS, latency, percentiles);
    page_section_end(page);
}
