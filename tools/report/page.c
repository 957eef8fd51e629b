#include "report/page.h"

#include <math.h>
#include <stdlib.h>

#include <agentlog/coverage.h>

#include "output.h"
#include "report/time_axis.h"
#include "table_cells.h"

#define NS_PER_S INT64_C(1000000000)
#define DAY_S    INT64_C(86400)

static const struct alog_table no_rows = {NULL, 0, NULL, 0};

void page_free(struct page *page) {
    for (size_t i = 0; i < page->table_count; i++) {
        alog_table_free(page->tables[i]);
    }
    for (size_t i = 0; i < page->bucket_count; i++) {
        free(page->buckets[i]);
    }
    html_free(&page->html);
}

/* ---- Questions ------------------------------------------------------------------------------- */

static struct alog_opt_i64 day_start(const struct page *page, int64_t day) {
    return ALOG_I64((day * DAY_S - page->offset_s) * NS_PER_S);
}

struct alog_query page_query(const struct page *page, enum alog_query_kind kind) {
    return (struct alog_query){.kind = kind,
                               .since_ns = day_start(page, page->first_day),
                               .until_ns = day_start(page, page->end_day),
                               .environment = page->environment,
                               .limit = PAGE_MAX_ROWS};
}

struct alog_query page_query_before(const struct page *page, enum alog_query_kind kind) {
    struct alog_query query = page_query(page, kind);
    const int64_t first = page->first_day - (page->end_day - page->first_day);
    query.since_ns = day_start(page, first > 0 ? first : 0);
    query.until_ns = day_start(page, page->first_day);
    return query;
}

/* Keep an answer, or remember why there is none. */
static const struct alog_table *keep(struct page *page, enum alog_status status,
                                     struct alog_table *table) {
    page->status = status;
    if (status != ALOG_OK || page->table_count == PAGE_MAX_TABLES) {
        return &no_rows;
    }
    page->tables[page->table_count++] = table;
    return table;
}

const struct alog_table *page_ask(struct page *page, const struct alog_query *query) {
    struct alog_table *table = NULL;
    if (page->status != ALOG_OK) {
        return &no_rows;
    }
    const enum alog_status status = alog_db_query(page->db, query, &table, &page->error);
    return keep(page, status, table);
}

const struct alog_table *page_ask_kind(struct page *page, enum alog_query_kind kind) {
    const struct alog_query query = page_query(page, kind);
    return page_ask(page, &query);
}

const struct alog_table *page_ask_coverage(struct page *page) {
    struct alog_coverage_options options = ALOG_COVERAGE_OPTIONS_INIT;
    struct alog_table *table = NULL;
    if (page->status != ALOG_OK || !page->has_events) {
        return &no_rows;
    }
    options.since_ns = day_start(page, page->first_day);
    options.until_ns = day_start(page, page->end_day);
    options.environment = page->environment;
    if (options.until_ns.value > page->options->now_ns) {
        options.until_ns.value = page->options->now_ns; /* what is to come is not silent yet */
    }
    const enum alog_status status = alog_db_coverage(page->db, &options, &table, &page->error);
    return keep(page, status, table);
}

double *page_buckets(struct page *page, double value) {
    double *values = output_allocate(page->axis.count, sizeof *values);
    for (size_t i = 0; i < page->axis.count; i++) {
        values[i] = value;
    }
    if (page->bucket_count == PAGE_MAX_TABLES) {
        abort(); /* the sections ask for fewer, whatever the data */
    }
    page->buckets[page->bucket_count++] = values;
    return values;
}

struct page_trend page_ask_trend(struct page *page, struct alog_query query,
                                 enum alog_metric metric) {
    struct page_trend trend = {page_buckets(page, NAN), page_buckets(page, NAN),
                               page_buckets(page, NAN)};
    query.kind = ALOG_QUERY_TREND;
    query.metric = metric;
    query.weekly = page->axis.step == 7;
    query.limit = 0;
    const struct alog_table *table = page_ask(page, &query);
    for (size_t row = 0; row < table->row_count; row++) {
        int64_t day;
        size_t bucket;
        const struct alog_string period = table_text(table, row, "period");
        if (day_parse(period.data, period.len, &day) &&
            time_axis_bucket(&page->axis, day, &bucket)) {
            trend.values[bucket] = table_number(table, row, "value");
            trend.low[bucket] = table_number(table, row, "value_low");
            trend.high[bucket] = table_number(table, row, "value_high");
        }
    }
    return trend;
}

double *page_sum_days(struct page *page, const char *column) {
    double *sums = page_buckets(page, 0);
    if (page->days == NULL) {
        struct alog_query query = page_query(page, ALOG_QUERY_SUMMARY);
        query.limit = 0;
        /* Weeks are whole, as those of trends are. */
        query.since_ns = day_start(page, page->axis.first);
        query.until_ns =
            day_start(page, page->axis.first + (int64_t)page->axis.count * page->axis.step);
        page->days = page_ask(page, &query);
    }
    for (size_t row = 0; row < page->days->row_count; row++) {
        int64_t day;
        size_t bucket;
        const struct alog_string text = table_text(page->days, row, "day");
        const double value = table_number(page->days, row, column);
        if (day_parse(text.data, text.len, &day) && time_axis_bucket(&page->axis, day, &bucket) &&
            !isnan(value)) {
            sums[bucket] += value;
        }
    }
    return sums;
}

/* ---- Markup ---------------------------------------------------------------------------------- */

void page_section(struct page *page, const char *id, const char *heading) {
    html_format(&page->html,
                "\n<section aria-labelledby=\"%s\">\n<h2 id=\"%s\" tabindex=\"-1\">%s</h2>\n", id,
                id, heading);
}

void page_section_end(struct page *page) {
    html_raw(&page->html, "</section>\n");
}

void page_nothing(struct page *page, const char *sentence) {
    html_format(&page->html, "<p class=\"nothing\">%s</p>\n", sentence);
}
