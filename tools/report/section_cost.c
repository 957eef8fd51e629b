/* Tokens and cost by model. */
#include <math.h>

#include "report/answer_table.h"
#include "table_cells.h"

#define CHARTED (CHART_MAX_SERIES - 1) /* models with bars of their own; the last is the rest */

static const struct answer_column columns[] = {{"model", "Model"},
                                               {"calls", "Calls"},
                                               {"success_rate", "Success"},
                                               {"success_rate_low", "95&nbsp;% interval"},
                                               {"input_tokens", "Tokens sent"},
                                               {"output_tokens", "Tokens received"},
                                               {"cost_usd", "Cost"},
                                               {"cost_per_success_usd", "Cost per success"},
                                               {"tokens_per_success", "Tokens per success"},
                                               {NULL, NULL}};

/* Whether a row is among the CHARTED that cost most. */
static bool is_charted(const struct alog_table *models, size_t row) {
    const double cost = table_number(models, row, "cost_usd");
    size_t dearer = 0;
    for (size_t i = 0; i < models->row_count; i++) {
        const double other = table_number(models, i, "cost_usd");
        dearer += other > cost || (other == cost && i < row);
    }
    return cost > 0 && dearer < CHARTED && table_text(models, row, "model").len > 0;
}

/* The models that cost most, and what all others cost together. */
static size_t ask_costs(struct page *page, const struct alog_table *models,
                        struct chart_series series[CHART_MAX_SERIES]) {
    const struct page_trend all =
        page_ask_trend(page, page_query(page, ALOG_QUERY_TREND), ALOG_METRIC_COST);
    size_t count = 0;
    bool others = false;
    for (size_t row = 0; row < models->row_count; row++) {
        if (!is_charted(models, row)) {
            others = others || table_number(models, row, "cost_usd") > 0;
            continue;
        }
        struct alog_query query = page_query(page, ALOG_QUERY_TREND);
        query.model = table_text(models, row, "model");
        const struct page_trend trend = page_ask_trend(page, query, ALOG_METRIC_COST);
        series[count++] = (struct chart_series){query.model, trend.values, NULL, NULL};
    }
    if (others) {
        double *rest = page_buckets(page, NAN);
        for (size_t bucket = 0; bucket < page->axis.count; bucket++) {
            rest[bucket] = all.values[bucket];
            for (size_t i = 0; i < count; i++) {
                rest[bucket] -= isnan(series[i].values[bucket]) ? 0 : series[i].values[bucket];
            }
            rest[bucket] = rest[bucket] < 1e-9 ? 0 : rest[bucket]; /* but for rounding */
        }
        series[count++] = (struct chart_series){ALOG_STR("all others"), rest, NULL, NULL};
    }
    return count;
}

static void chart_cost(struct page *page, const struct chart_series *series, size_t count) {
    const struct chart chart = {
        "cost-trend", "Cost by model over time",
        "Stacked bars: what the calls to each of the models that cost most came to. The figures "
        "are in the table below.",
        NUMBER_USD};
    chart_stacks(&page->html, &chart, &page->axis, series, count);
}

static void chart_tokens(struct page *page, const struct chart_series *series, size_t count) {
    const struct chart chart = {"cost-tokens", "Tokens over time",
                                "Stacked bars: tokens sent, and on top of them tokens received. "
                                "The figures are in the table below.",
                                NUMBER_COUNT};
    chart_stacks(&page->html, &chart, &page->axis, series, count);
}

void section_cost(struct page *page) {
    const struct alog_table *models = page_ask_kind(page, ALOG_QUERY_MODELS);
    page_section(page, "cost", "Tokens and cost");
    if (models->row_count == 0) {
        page_nothing(page, "No call or execution with a model was logged in this window.");
        page_section_end(page);
        return;
    }
    struct chart_series costs[CHART_MAX_SERIES];
    const size_t cost_count = ask_costs(page, models, costs);
    const struct chart_series tokens[] = {
        {ALOG_STR("sent"), page_sum_days(page, "input_tokens"), NULL, NULL},
        {ALOG_STR("received"), page_sum_days(page, "output_tokens"), NULL, NULL}};
    if (cost_count == 0) {
        page_nothing(page, "No call said what it cost.");
    }
    html_raw(&page->html, "<div class=\"charts\">\n");
    if (cost_count > 0) {
        chart_cost(page, costs, cost_count);
    }
    chart_tokens(page, tokens, 2);
    html_raw(&page->html, "</div>\n");
    answer_table(page, models,
                 &(struct answer_table){.id = "cost-table",
                                        .caption = "Models",
                                        .command = "stats models",
                                        .columns = columns});
    if (cost_count > 0) {
        answer_series(page, "cost-days", "Cost over time", NUMBER_USD, costs, cost_count);
    }
    answer_series(page, "cost-tokens-days", "Tokens over time", NUMBER_COUNT, tokens, 2);
    page_section_end(page);
}
