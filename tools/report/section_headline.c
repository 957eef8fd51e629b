/* The figures that people ask for first, each with its change against the period before. */
#include <math.h>
#include <stdio.h>

#include "report/number_text.h"
#include "report/page.h"
#include "table_cells.h"

/* A rate of the row of ALL_TIME: the column, its n, and what that counts. */
struct rate_tile {
    const char *label, *rate, *count, *of;
    bool more_is_better;
};

/* A sum, or a percentile; what stands below it is up to `put_detail`. */
struct sum_tile {
    const char *label, *column;
    enum number_unit unit;
    void (*put_detail)(struct html *html, const struct alog_table *now);
};

static double interval_end(const struct alog_table *table, const char *rate, const char *end) {
    char name[64];
    snprintf(name, sizeof name, "%s_%s", rate, end);
    return table_number(table, 0, name);
}

/* +1, -1: surely more, surely less than before; 0: chance will do. The difference's interval after
 * R. G. Newcombe, "Interval estimation for the difference between independent proportions",
 * Statistics in Medicine 17 (1998), 873-890, method 10. */
static int sure_change(const struct alog_table *now, const struct alog_table *before,
                       const char *rate) {
    const double p1 = table_number(now, 0, rate);
    const double p2 = table_number(before, 0, rate);
    const double low1 = p1 - interval_end(now, rate, "low");
    const double high1 = interval_end(now, rate, "high") - p1;
    const double low2 = p2 - interval_end(before, rate, "low");
    const double high2 = interval_end(before, rate, "high") - p2;
    if (p1 - p2 - hypot(low1, high2) > 0) {
        return 1;
    }
    return p1 - p2 + hypot(high1, low2) < 0 ? -1 : 0;
}

static void put_rate_change(struct html *html, const struct alog_table *now,
                            const struct alog_table *before, const struct rate_tile *tile) {
    const double was = table_number(before, 0, tile->rate);
    const double points = (table_number(now, 0, tile->rate) - was) * 100;
    const struct number_text before_text = number_full(NUMBER_RATE, was);
    const struct number_text n = number_short(NUMBER_COUNT, table_number(before, 0, tile->count));
    if (isnan(points)) {
        html_raw(html, "<p class=\"change none\">nothing before to compare</p>\n");
        return;
    }
    const int change = sure_change(now, before, tile->rate);
    if (fabs(points) < 0.05) {
        html_raw(html, "<p class=\"change\">as before<br>");
    } else if (change == 0) {
        html_format(html, "<p class=\"change\">%s %.1f points, may be chance<br>",
                    points < 0 ? "▼" : "▲", fabs(points));
    } else {
        const bool good = (change > 0) == tile->more_is_better;
        html_format(html, "<p class=\"change %s\">%s %.1f points, %s<br>", good ? "good" : "bad",
                    points < 0 ? "▼" : "▲", fabs(points), good ? "better" : "worse");
    }
    html_format(html, "<span class=\"small\">before: %s, n&nbsp;=&nbsp;%s</span></p>\n",
                before_text.text, n.text);
}

static void put_rate(struct html *html, const struct alog_table *now,
                     const struct alog_table *before, const struct rate_tile *tile) {
    const double rate = table_number(now, 0, tile->rate);
    const struct number_text value = number_full(NUMBER_RATE, rate);
    const struct number_text low = number_full(NUMBER_RATE, interval_end(now, tile->rate, "low"));
    const struct number_text high = number_full(NUMBER_RATE, interval_end(now, tile->rate, "high"));
    const struct number_text n = number_full(NUMBER_COUNT, table_number(now, 0, tile->count));
    html_format(html, "<li><h3>%s</h3>\n<p class=\"value\">%s</p>\n", tile->label, value.text);
    if (isnan(rate)) {
        html_raw(html, "<p class=\"small\">no data</p></li>\n");
        return;
    }
    html_format(html, "<p class=\"small\">%s – %s<br>n&nbsp;=&nbsp;%s %s</p>\n", low.text,
                high.text, n.text, tile->of);
    put_rate_change(html, now, before, tile);
    html_raw(html, "</li>\n");
}

/* Sums of fewer days are no fair comparison. */
static void put_sum_change(struct html *html, const struct alog_table *now, double value,
                           const struct alog_table *before, double was, enum number_unit unit) {
    const struct number_text before_text = number_short(unit, was);
    const double days = table_number(before, 0, "days");
    const bool fair = unit == NUMBER_MS || days >= table_number(now, 0, "days");
    if (isnan(value) || isnan(was)) {
        html_raw(html, "<p class=\"change none\">nothing before to compare</p>\n");
        return;
    }
    html_raw(html, "<p class=\"change\">");
    if (fair && was > 0 && value != was) {
        const double ratio = value / was - 1;
        html_format(html, "%s %.*f&nbsp;%%<br>", ratio < 0 ? "▼" : "▲",
                    fabs(ratio) < 0.0995 ? 1 : 0, fabs(ratio) * 100);
    } else if (fair) {
        html_raw(html, value == was ? "as before<br>" : "▲ from nothing<br>");
    }
    html_format(html, "<span class=\"small\">before: %s", before_text.text);
    if (!fair) {
        html_format(html, " in %.0f day%s", days, days == 1 ? "" : "s");
    }
    html_raw(html, "</span></p>\n");
}

static void put_cost_detail(struct html *html, const struct alog_table *now) {
    const double jobs = table_number(now, 0, "successful_jobs");
    const double cost = table_number(now, 0, "cost_usd");
    const struct number_text each = number_full(NUMBER_USD, cost / jobs);
    if (jobs > 0 && !isnan(cost)) {
        html_format(html, "<p class=\"small\">%s per successful job</p>\n", each.text);
    }
}

static void put_token_detail(struct html *html, const struct alog_table *now) {
    const struct number_text in = number_short(NUMBER_COUNT, table_number(now, 0, "input_tokens"));
    const struct number_text out =
        number_short(NUMBER_COUNT, table_number(now, 0, "output_tokens"));
    html_format(html, "<p class=\"small\">%s sent, %s received</p>\n", in.text, out.text);
}

static void put_latency_detail(struct html *html, const struct alog_table *now) {
    const struct number_text median =
        number_full(NUMBER_MS, table_number(now, 0, "provider_p50_ms"));
    html_format(html, "<p class=\"small\">median %s, of successful calls</p>\n", median.text);
}

static void put_error_detail(struct html *html, const struct alog_table *now) {
    if (table_text(now, 0, "most_common_error").len > 0) {
        html_raw(html, "<p class=\"small\">most often: ");
        html_text_cut(html, table_text(now, 0, "most_common_error"), 30);
        html_raw(html, "</p>\n");
    }
}

static double sum_of(const struct alog_table *table, const struct sum_tile *tile) {
    const double sum = table_number(table, 0, tile->column);
    return strcmp(tile->column, "input_tokens") == 0 ? sum + table_number(table, 0, "output_tokens")
                                                     : sum;
}

static void put_sum(struct html *html, const struct alog_table *now,
                    const struct alog_table *before, const struct sum_tile *tile) {
    const double value = sum_of(now, tile);
    const struct number_text text = number_short(tile->unit, value);
    html_format(html, "<li><h3>%s</h3>\n<p class=\"value\">%s</p>\n", tile->label, text.text);
    tile->put_detail(html, now);
    put_sum_change(html, now, value, before, sum_of(before, tile), tile->unit);
    html_raw(html, "</li>\n");
}

/* ---- All tiles, in their order ---- */

static const struct rate_tile job_success = {"Job success", "job_success_rate", "finished_jobs",
                                             "jobs that ended", true};
static const struct rate_tile agent_success = {"Agent success", "agent_success_rate",
                                               "agent_executions", "executions", true};
static const struct rate_tile availability = {"Provider availability", "provider_availability",
                                              "provider_not_cancelled", "calls", true};
static const struct rate_tile test_failures = {"Test failures", "test_failure_rate", "tests_run",
                                               "tests that ran", false};
static const struct sum_tile latency = {"Provider latency, p95", "provider_p95_ms", NUMBER_MS,
                                        put_latency_detail};
static const struct sum_tile errors = {"Errors", "total_errors", NUMBER_COUNT, put_error_detail};
static const struct sum_tile cost = {"Cost", "cost_usd", NUMBER_USD, put_cost_detail};
static const struct sum_tile tokens = {"Tokens", "input_tokens", NUMBER_COUNT, put_token_detail};

static void put_tiles(struct html *html, const struct alog_table *now,
                      const struct alog_table *before) {
    html_raw(html, "<ul class=\"tiles\">\n");
    put_rate(html, now, before, &job_success);
    put_rate(html, now, before, &agent_success);
    put_rate(html, now, before, &availability);
    put_sum(html, now, before, &latency);
    put_rate(html, now, before, &test_failures);
    put_sum(html, now, before, &errors);
    put_sum(html, now, before, &cost);
    put_sum(html, now, before, &tokens);
    html_raw(html, "</ul>\n");
}

/* Which environments there are, for a reader who asked for the wrong one. */
static void put_environments(struct page *page) {
    const struct alog_query query = {.kind = ALOG_QUERY_ALL_TIME, .environment = ALOG_STR("*")};
    const struct alog_table *table = page_ask(page, &query);
    struct html *html = &page->html;
    html_raw(html, "<p class=\"nothing\">There are no events of the environment ");
    html_text_cut(html, page->environment, 60);
    html_raw(html, " in these days.");
    for (size_t row = 0; row < table->row_count && row < 20; row++) {
        html_raw(html, row == 0 ? " The database has events of " : "; ");
        html_raw(html, "<strong>");
        html_text_cut(html, table_text(table, row, "environment"), 60);
        html_raw(html, "</strong> from ");
        html_text(html, table_text(table, row, "first_day"));
        html_raw(html, " to ");
        html_text(html, table_text(table, row, "last_day"));
    }
    html_raw(html, table->row_count > 0 ? ".</p>\n" : " The database is empty.</p>\n");
}

/* How much there was before, when that is less than a whole window. */
static void put_before(struct page *page, const struct alog_table *before) {
    const double days = table_number(before, 0, "days");
    const int64_t window = page->end_day - page->first_day;
    struct html *html = &page->html;
    html_format(html, "<p class=\"lead\">Compared with the %lld day%s before.", (long long)window,
                window == 1 ? "" : "s");
    if (isnan(days)) {
        html_raw(html, " There are no events of that time.");
    } else if ((int64_t)days < window) {
        html_format(html, " Only %.0f of them have any events.", days);
    }
    html_raw(html, "</p>\n");
}

void section_headline(struct page *page) {
    const struct alog_query query_before = page_query_before(page, ALOG_QUERY_ALL_TIME);
    const struct alog_table *now = page_ask_kind(page, ALOG_QUERY_ALL_TIME);
    const struct alog_table *before = page_ask(page, &query_before);
    page->has_events = table_number(now, 0, "events") > 0;
    page_section(page, "headline", "At a glance");
    if (!page->has_events) {
        put_environments(page);
        page_section_end(page);
        return;
    }
    put_before(page, before);
    put_tiles(&page->html, now, before);
    page_section_end(page);
}
