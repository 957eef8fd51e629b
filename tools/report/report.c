#include "report/report.h"

#include <agentlog/ndjson.h>

#include "db_query.h"
#include "messages.h"
#include "output.h"
#include "report/page.h"
#include "report/report_file.h"
#include "report/report_style.h"
#include "table_cells.h"

#define NS_PER_S INT64_C(1000000000)
#define DAY_NS   (86400 * NS_PER_S)

/* ---- The window ------------------------------------------------------------------------------ */

/* The day that a time lies in, in the database's zone. */
static int64_t day_of(const struct page *page, int64_t time_ns) {
    const int64_t local_ns = time_ns + page->offset_s * NS_PER_S;
    return local_ns / DAY_NS - (local_ns % DAY_NS < 0);
}

/* The first and last days with events, of those that have begun; false when there is none. */
static bool days_with_events(struct page *page, int64_t *ret_first, int64_t *ret_last) {
    const struct alog_query query = {.kind = ALOG_QUERY_ALL_TIME,
                                     .environment = page->environment,
                                     .until_ns = ALOG_I64(page->options->now_ns)};
    const struct alog_table *table = page_ask(page, &query);
    const struct alog_string first = table_text(table, 0, "first_day");
    const struct alog_string last = table_text(table, 0, "last_day");
    return day_parse(first.data, first.len, ret_first) && day_parse(last.data, last.len, ret_last);
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static void lay_out_window(struct page *page) {
    const struct report_options *options = page->options;
    struct cli_arguments times = {.since_ns = options->since_ns,
                                  .until_ns = options->until_ns,
                                  .since_is_local = options->since_is_local,
                                  .until_is_local = options->until_is_local};
    db_query_localise(page->db, &times);
    const int64_t today = day_of(page, options->now_ns);
    int64_t first = today + 1 - REPORT_DAYS;
    int64_t last = today;
    const bool any = days_with_events(page, &first, &last);
    if (times.since_ns.present) {
        first = day_of(page, times.since_ns.value);
        last = larger(last, first);
    }
    if (times.until_ns.present) {
        last = day_of(page, times.until_ns.value - 1);
    }
    if (!times.since_ns.present) {
        first =
            any && first <= last ? larger(first, last + 1 - REPORT_DAYS) : last + 1 - REPORT_DAYS;
    }
    page->first_day = first < last ? larger(first, 0) : last;
    page->end_day = last + 1;
    page->axis = time_axis_make(page->first_day, page->end_day);
}

/* ---- The page's head and foot ---------------------------------------------------------------- */

static const struct {
    const char *id, *name;
    void (*write)(struct page *page);
} sections[] = {
    {"worse", "What got worse", section_worse},
    {"agents", "Agents", section_agents},
    {"providers", "Providers", section_providers},
    {"confidence", "Confidence", section_confidence},
    {"strategies", "Strategies", section_strategies},
    {"retries", "Retries and fallbacks", section_retries},
    {"cost", "Tokens and cost", section_cost},
    {"tests", "Tests", section_tests},
    {"errors", "Errors", section_errors},
    {"coverage", "Silent instrumentation", section_coverage},
    {"completeness", "Completeness", section_completeness},
};

static void put_head(struct page *page, struct alog_string title) {
    struct html *html = &page->html;
    html_raw(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                   "style-src 'sha256-");
    html_raw(html, report_style_sha256);
    html_raw(html, "'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"color-scheme\" content=\"light dark\">\n"
                   "<meta name=\"referrer\" content=\"no-referrer\">\n"
                   "<meta name=\"generator\" content=\"agentlog " ALOG_VERSION_TEXT "\">\n"
                   "<link rel=\"icon\" href=\"data:,\">\n<title>");
    html_text(html, title);
    html_raw(html, "</title>\n<style>");
    html_raw(html, report_style);
    html_raw(html, "</style>\n</head>\n<body>\n"
                   "<a class=\"skip\" href=\"#headline\">Skip to the figures</a>\n");
}

/* "UTC", "UTC+08:00". */
static void put_zone(struct html *html, int32_t offset_s) {
    const int32_t minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
    html_raw(html, "UTC");
    if (offset_s != 0) {
        html_format(html, "%s%02d:%02d", offset_s < 0 ? "−" : "+", minutes / 60, minutes % 60);
    }
}

static void put_window(struct page *page) {
    struct html *html = &page->html;
    char first[DAY_BYTES];
    char last[DAY_BYTES];
    char now[ALOG_TIME_BYTES];
    const int64_t days = page->end_day - page->first_day;
    day_format_long(page->first_day, first);
    day_format_long(page->end_day - 1, last);
    alog_time_format(page->options->now_ns / NS_PER_S * NS_PER_S, now);
    html_raw(html, "<p class=\"window\">");
    if (days > 1) {
        html_format(html, "<strong>%s – %s</strong>, %lld days", first, last, (long long)days);
    } else {
        html_format(html, "<strong>%s</strong>, one day", first);
    }
    html_raw(html, ", environment <strong>");
    html_text(html, page->environment);
    html_raw(html, "</strong></p>\n<p class=\"made\">Days begin at midnight ");
    put_zone(html, page->offset_s);
    html_format(html, ". Made %.10s %.5s UTC from ", now, now + 11);
    html_text(html, alog_str(page->options->db_path));
    html_raw(html, page->end_day > day_of(page, page->options->now_ns)
                       ? ". The last day is not over yet."
                       : ".");
    html_raw(html, page->axis.step == 7 ? " What is drawn over time is by week, Monday to Sunday; "
                                          "the first and the last week are shown whole.</p>\n"
                                        : "</p>\n");
}

static void put_patterns(struct html *html) {
    static const char *const shapes[] = {"M0 0H5", "M0 5L5 0", "M2 0V5", "M0 0L5 5",
                                         "M1 1h2v2h-2z"};
    html_raw(html, "<svg class=\"away\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>\n");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        html_format(html,
                    "<pattern id=\"pattern-%zu\" width=\"5\" height=\"5\" "
                    "patternUnits=\"userSpaceOnUse\"><path class=\"stroke\" d=\"%s\"/></pattern>\n",
                    i + 2, shapes[i]);
    }
    html_raw(html, "</defs></svg>\n");
}

static void put_header(struct page *page, struct alog_string title) {
    struct html *html = &page->html;
    html_raw(html, "<header>\n<h1>");
    html_text(html, title);
    html_raw(html, "</h1>\n");
    put_window(page);
    html_raw(html, "<nav aria-label=\"Sections\"><ul>\n");
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        html_format(html, "<li><a href=\"#%s\">%s</a></li>\n", sections[i].id, sections[i].name);
    }
    html_raw(html, "</ul></nav>\n</header>\n");
    put_patterns(html);
}

static void put_footer(struct page *page) {
    html_raw(&page->html,
             "</main>\n<footer>\n<h2>How to read this</h2>\n<p>Intervals are 95 % intervals "
             "(Wilson): the range in which the true rate plausibly lies, so that 3 of 3 does not "
             "look better than 290 of 300; shares of time have none, since time is no count. n is "
             "how many a figure was made of. “–” means that "
             "there is no data, which is not zero. Percentiles of latency are within 1.1 %. A "
             "change against the period before is called better or worse only when the intervals "
             "of both rates allow no other reading. Availability is the share of calls that got "
             "to run; cancelled ones do not count.</p>\n"
             "<p>Made by agentlog " ALOG_VERSION_TEXT
             ", on this machine: the page holds no script and loads nothing.</p>\n"
             "</footer>\n</body>\n</html>\n");
}

static void put_page(struct page *page) {
    const struct alog_string title =
        alog_str(page->options->title != NULL ? page->options->title : "How the agents did");
    put_head(page, title);
    put_header(page, title);
    html_raw(&page->html, "<main>\n");
    section_headline(page);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        sections[i].write(page);
    }
    put_footer(page);
}

/* ---- Making it ------------------------------------------------------------------------------- */

static enum exit_code deliver(const struct html *html, const char *path) {
    if (strcmp(path, "-") != 0) {
        return report_file_put(path, html->data, html->len);
    }
    struct output output = {0};
    output_bytes(&output, html->data, html->len);
    return output_finish(&output, EXIT_FINE);
}

enum exit_code report_write(const struct report_options *options, const char *path) {
    struct page page = {.options = options,
                        .environment = alog_str(options->environment != NULL ? options->environment
                                                                             : "production")};
    page.status = alog_db_open(options->db_path, &page.db, &page.error);
    if (page.status == ALOG_OK) {
        page.offset_s = alog_db_time_zone_offset_s(page.db);
        page.status = alog_db_hold(page.db, &page.error);
    }
    bool too_long = false;
    if (page.status == ALOG_OK) {
        lay_out_window(&page);
        too_long = page.end_day - page.first_day > REPORT_MOST_DAYS;
    }
    if (page.status == ALOG_OK && !too_long) {
        db_query_tell_unknown_environment(page.db, page.environment);
        put_page(&page);
    }
    alog_db_close(page.db);
    enum exit_code code = EXIT_USAGE;
    if (page.status != ALOG_OK) {
        code = message_failure(page.status, &page.error);
    } else if (too_long) {
        message("a report is about %d days at most, not %lld: give --since and --until",
                REPORT_MOST_DAYS, (long long)(page.end_day - page.first_day));
    } else {
        code = deliver(&page.html, path);
    }
    page_free(&page);
    return code;
}
