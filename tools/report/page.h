/* A page in the making: what it is about, what has been asked, what has been written. Its sections
 * are each in a file of its own, section_<name>.c: the question and how its answer is shown. */
#ifndef AGENTLOG_TOOLS_REPORT_PAGE_H
#define AGENTLOG_TOOLS_REPORT_PAGE_H

#include <agentlog/aggregator.h>

#include "report/html.h"
#include "report/report.h"
#include "report/time_axis.h"

#define PAGE_MAX_TABLES 128
#define PAGE_MAX_ROWS   1000 /* of an answer that are asked for */

struct page {
    const struct report_options *options;
    struct html html;
    struct alog_db *db;
    struct alog_string environment;
    int32_t offset_s;              /* of the database's zone */
    int64_t first_day;             /* of the window, counted from 1970-01-01 in that zone */
    int64_t end_day;               /* the day after its last */
    struct time_axis axis;         /* of what is drawn over time */
    bool has_events;               /* in the window */
    enum alog_status status;       /* of the first question that failed */
    struct alog_error error;       /* and why */
    const struct alog_table *days; /* the daily summaries, once they were asked for */
    struct alog_table *tables[PAGE_MAX_TABLES]; /* every answer, until the page is done */
    size_t table_count;
    double *buckets[PAGE_MAX_TABLES];
    size_t bucket_count;
};

/* A question about the page's window and environment, to be refined; and about as many days before
 * the window. */
struct alog_query page_query(const struct page *page, enum alog_query_kind kind);
struct alog_query page_query_before(const struct page *page, enum alog_query_kind kind);

/* Ask. The answer is the page's. When a question failed, this and all further ones have no rows,
 * and the page is not used. */
const struct alog_table *page_ask(struct page *page, const struct alog_query *query);
const struct alog_table *page_ask_kind(struct page *page, enum alog_query_kind kind);

/* What is silent, see agentlog/coverage.h; no rows without any event. */
const struct alog_table *page_ask_coverage(struct page *page);

/* A trend and its interval, spread over the page's axis: NaN where there is none. The page frees
 * them. */
struct page_trend {
    double *values, *low, *high;
};
struct page_trend page_ask_trend(struct page *page, struct alog_query query,
                                 enum alog_metric metric);

/* A column of the daily summaries, added up by bucket. */
double *page_sum_days(struct page *page, const char *column);

/* Room for a value per bucket, each `value` at first; the page frees it. */
double *page_buckets(struct page *page, double value);

void page_free(struct page *page);

/* A section of the page: <section> with its heading, and its end. `id` is its anchor. */
void page_section(struct page *page, const char *id, const char *heading);
void page_section_end(struct page *page);

/* A paragraph that says that there is nothing to see, and why. */
void page_nothing(struct page *page, const char *sentence);

/* The sections, in their order on the page. */
void section_headline(struct page *page);
void section_worse(struct page *page);
void section_agents(struct page *page);
void section_providers(struct page *page);
void section_confidence(struct page *page);
void section_strategies(struct page *page);
void section_retries(struct page *page);
void section_cost(struct page *page);
void section_tests(struct page *page);
void section_errors(struct page *page);
void section_coverage(struct page *page);
void section_completeness(struct page *page);

#endif
