#include "query_window.h"

#include "calendar.h"
#include "query.h"
#include "window_table.h"

/* ---- Layout ---- */

/* The start of the day, or of the month, at or after a time. */
static int64_t day_from(int64_t at_s, int32_t offset_s) {
    if (at_s == INT64_MIN || at_s == INT64_MAX) {
        return at_s;
    }
    int64_t start = alog_bucket_start(at_s, ALOG_DAY_S, offset_s);
    return start == at_s ? start : start + ALOG_DAY_S;
}

static int64_t month_from(int64_t at_s, int32_t offset_s) {
    if (at_s == INT64_MIN || at_s == INT64_MAX) {
        return at_s;
    }
    int64_t start = alog_month_start(at_s, 0, offset_s);
    return start == at_s ? start : alog_month_start(at_s, 1, offset_s);
}

/* The start of the day, or of the month, at or before a time. */
static int64_t day_until(int64_t at_s, int32_t offset_s) {
    return at_s == INT64_MIN || at_s == INT64_MAX ? at_s
                                                  : alog_bucket_start(at_s, ALOG_DAY_S, offset_s);
}

static int64_t month_until(int64_t at_s, int32_t offset_s) {
    return at_s == INT64_MIN || at_s == INT64_MAX ? at_s : alog_month_start(at_s, 0, offset_s);
}

void alog_query_window_lay_out(int64_t since_s, int64_t until_s, int32_t time_zone_offset_s,
                               struct alog_query_window *ret_window) {
    struct alog_query_window w = {since_s, until_s, until_s, until_s, until_s, until_s};
    int64_t first_day = day_from(since_s, time_zone_offset_s);
    int64_t end_day = day_until(until_s, time_zone_offset_s);
    if (since_s < until_s && first_day < end_day) {
        w.head_day = first_day;
        w.head_month = w.tail_month = w.tail_day = end_day;
        int64_t first_month = month_from(first_day, time_zone_offset_s);
        int64_t end_month = month_until(end_day, time_zone_offset_s);
        if (first_month < end_month) {
            w.head_month = first_month;
            w.tail_month = end_month;
        }
    }
    *ret_window = w;
}

/* ---- SQL ---- */

/* A marker's parts; none is terminated. */
struct marker {
    const char *rollup, *window, *columns, *filters;
    int rollup_len, window_len, columns_len, filters_len;
};

/* Whether the marker's filters, words divided by spaces, have the name. */
static bool has_filter(const struct marker *marker, const char *name) {
    const char *at = marker->filters, *end = at + marker->filters_len;
    while (at < end) {
        size_t len = strcspn(at, " }");
        if (len == strlen(name) && memcmp(at, name, len) == 0) {
            return true;
        }
        at += len + 1;
    }
    return false;
}

static void append_window(sqlite3_str *sql, const struct marker *marker) {
    static const char *const bounds[] = {"head_hour",  "head_day", "head_month",
                                         "tail_month", "tail_day", "tail_hour"};
    enum alog_rollup rollup = alog_window_rollup(marker->rollup, (size_t)marker->rollup_len);
    const struct alog_rollup_kind *kind = alog_rollup_kind(rollup);
    sqlite3_str_appendf(sql, "(SELECT %.*s FROM window_%s(:environment", marker->columns_len,
                        marker->columns, kind->table);
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        sqlite3_str_appendf(sql, ", :%.*s%s", marker->window_len, marker->window, bounds[i]);
    }
    for (unsigned i = 0; i < kind->dimension_count; i++) {
        bool filtered = has_filter(marker, kind->dimensions[i]);
        sqlite3_str_appendf(sql, ", %s%s", filtered ? ":" : "",
                            filtered ? kind->dimensions[i] : "NULL");
    }
    sqlite3_str_appendall(sql, "))");
}

/* Behind a "{". Returns what stands behind the "}". */
static const char *read_marker(const char *at, struct marker *ret_marker) {
    size_t end = strcspn(at, "}"), colon = strcspn(at, ":"), slash = strcspn(at, "/}");
    size_t name = strcspn(at, "@:"), window = name + (name < colon);
    *ret_marker = (struct marker){.rollup = at,
                                  .rollup_len = (int)name,
                                  .window = at + window,
                                  .window_len = (int)(colon - window),
                                  .columns = at + colon + 1,
                                  .columns_len = (int)(slash - colon - 1),
                                  .filters = at + slash + (slash < end),
                                  .filters_len = (int)(end - slash - (slash < end))};
    return at + end + 1;
}

static void append_expanded(sqlite3_str *text, const char *sql) {
    for (;;) {
        size_t plain = strcspn(sql, "{");
        sqlite3_str_append(text, sql, (int)plain);
        if (sql[plain] == '\0') {
            return;
        }
        struct marker marker;
        sql = read_marker(sql + plain + 1, &marker);
        append_window(text, &marker);
    }
}

char *alog_query_expand(const char *head, const char *sql) {
    sqlite3_str *text = sqlite3_str_new(NULL);
    append_expanded(text, head);
    append_expanded(text, sql);
    return sqlite3_str_finish(text);
}
