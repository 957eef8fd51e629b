#include "report/answer_table.h"

#include <math.h>

#include <agentlog/ndjson.h>

#include "table_cells.h"

#define MAX_COLUMNS   16
#define SHORT_BYTES   32  /* a text of so many is not broken into lines */
#define CELL_COLUMNS  300 /* a longer one is cut: names and messages may be of any length */
#define NAME_COLUMNS  60  /* of a series, and of what a command is given */
#define NS_PER_MINUTE (INT64_C(60) * 1000000000)

static bool is_interval(const char *name) {
    const size_t len = strlen(name);
    return len > 4 && strcmp(name + len - 4, "_low") == 0;
}

static bool is_text(enum alog_column_kind kind) {
    return kind == ALOG_COLUMN_TEXT || kind == ALOG_COLUMN_TIME || kind == ALOG_COLUMN_BOOL;
}

static enum number_unit unit_of(enum alog_column_kind kind) {
    switch (kind) {
    case ALOG_COLUMN_INTEGER:
        return NUMBER_COUNT;
    case ALOG_COLUMN_RATE:
        return NUMBER_RATE;
    case ALOG_COLUMN_MS:
        return NUMBER_MS;
    case ALOG_COLUMN_USD:
        return NUMBER_USD;
    default:
        return NUMBER_PLAIN;
    }
}

/* "2026-02-04 12:00" in UTC. */
static void put_time(struct html *html, int64_t time_ns) {
    char text[ALOG_TIME_BYTES];
    alog_time_format(time_ns - time_ns % NS_PER_MINUTE, text);
    text[10] = ' ';
    html_format(html, "%.16s", text);
}

static void put_cell(struct html *html, const struct alog_table *table, size_t row, int column) {
    const enum alog_column_kind kind = table->columns[column].kind;
    const char *name = table->columns[column].name;
    const struct alog_value *value = table_cell(table, row, name);
    const double number = table_number(table, row, name);
    if (is_interval(name)) {
        const struct number_text low = number_full(NUMBER_RATE, number);
        const struct number_text high =
            number_full(NUMBER_RATE, table_number(table, row, table->columns[column + 1].name));
        html_format(html, isnan(number) ? "–" : "%s – %s", low.text, high.text);
    } else if (kind == ALOG_COLUMN_TEXT) {
        const struct alog_string text = table_text(table, row, name);
        html_text_cut(html, text, CELL_COLUMNS);
    } else if (isnan(number)) {
        html_raw(html, "–");
    } else if (kind == ALOG_COLUMN_BOOL) {
        html_raw(html, number != 0 ? "yes" : "no");
    } else if (kind == ALOG_COLUMN_TIME) {
        put_time(html, value->i64);
    } else {
        const struct number_text text = number_full(unit_of(kind), number);
        html_raw(html, text.text);
    }
}

static bool is_null(const struct alog_table *table, size_t row, int column) {
    const enum alog_value_kind kind = table->cells[row * table->column_count + (size_t)column].kind;
    return kind == ALOG_VALUE_NULL || kind == ALOG_VALUE_ABSENT;
}

static void begin_table(struct html *html, const char *id, const char *caption, bool folded) {
    if (folded) {
        html_format(html, "<details>\n<summary>%s, as a table</summary>\n", caption);
    }
    html_format(html,
                "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"%s\">\n"
                "<table>\n<caption id=\"%s\">%s</caption>\n",
                id, id, caption);
}

static void end_table(struct html *html) {
    html_raw(html, "</tbody>\n</table>\n</div>\n");
}

/* The columns that the answer has, by index. */
static size_t pick(const struct alog_table *table, const struct answer_column *columns,
                   int indexes[MAX_COLUMNS], const char *headings[MAX_COLUMNS]) {
    size_t count = 0;
    for (; columns->name != NULL && count < MAX_COLUMNS; columns++) {
        const int index = table_column(table, columns->name);
        if (index >= 0) {
            indexes[count] = index;
            headings[count++] = columns->heading;
        }
    }
    return count;
}

static void put_head(struct html *html, const struct alog_table *table, const int *indexes,
                     const char *const *headings, size_t count) {
    html_raw(html, "<thead><tr>");
    for (size_t i = 0; i < count; i++) {
        const struct alog_column *column = &table->columns[indexes[i]];
        html_format(html, "<th scope=\"col\"%s title=\"",
                    is_text(column->kind) ? "" : " class=\"n\"");
        html_text(html, alog_str(column->doc));
        html_format(html, "\">%s</th>", headings[i]);
    }
    html_raw(html, "</tr></thead>\n<tbody>\n");
}

/* What a cell's text is when it has none: an absent name is '' in the database. */
static const char *stand_in(const struct alog_table *table, size_t row, int column,
                            const char *unnamed) {
    if (table->columns[column].kind != ALOG_COLUMN_TEXT ||
        table_text(table, row, table->columns[column].name).len > 0) {
        return NULL;
    }
    return is_null(table, row, column) ? unnamed : "<span class=\"none\">not said</span>";
}

static const char *class_of(const struct alog_table *table, size_t row, int column) {
    const struct alog_column *shown = &table->columns[column];
    if (!is_text(shown->kind)) {
        return "n";
    }
    return table_text(table, row, shown->name).len <= SHORT_BYTES ? "short" : "long";
}

static void put_row(struct html *html, const struct alog_table *table, size_t row,
                    const int *indexes, size_t count, const char *unnamed) {
    html_raw(html, "<tr>");
    for (size_t i = 0; i < count; i++) {
        const char *instead =
            stand_in(table, row, indexes[i], i == 0 && unnamed != NULL ? unnamed : "–");
        html_format(html, "<%s class=\"%s\">", i == 0 ? "th scope=\"row\"" : "td",
                    class_of(table, row, indexes[i]));
        if (instead != NULL) {
            html_raw(html, instead);
        } else {
            put_cell(html, table, row, indexes[i]);
        }
        html_raw(html, i == 0 ? "</th>" : "</td>");
    }
    html_raw(html, "</tr>\n");
}

void answer_more(struct page *page, size_t more, const char *command) {
    struct html *html = &page->html;
    char first[DAY_BYTES];
    char end[DAY_BYTES];
    day_format(page->first_day, first);
    day_format(page->end_day, end);
    html_format(html, "<p class=\"more\">and %s%zu more: <code>agentlog %s ",
                more + ANSWER_ROWS >= PAGE_MAX_ROWS ? "at least " : "", more, command);
    html_text(html, alog_str(page->options->db_path));
    html_format(html, " --since %s --until %s", first, end);
    if (page->options->environment != NULL) {
        html_raw(html, " --environment ");
        html_text_cut(html, page->environment, NAME_COLUMNS);
    }
    html_raw(html, "</code></p>\n");
}

void answer_table(struct page *page, const struct alog_table *table,
                  const struct answer_table *form) {
    int indexes[MAX_COLUMNS];
    const char *headings[MAX_COLUMNS];
    struct html *html = &page->html;
    const size_t count = pick(table, form->columns, indexes, headings);
    const size_t rows = table->row_count < ANSWER_ROWS ? table->row_count : ANSWER_ROWS;
    begin_table(html, form->id, form->caption, form->folded);
    put_head(html, table, indexes, headings, count);
    for (size_t row = 0; row < rows; row++) {
        put_row(html, table, row, indexes, count, form->unnamed);
    }
    end_table(html);
    if (table->row_count > rows) {
        answer_more(page, table->row_count - rows, form->command);
    }
    if (form->folded) {
        html_raw(html, "</details>\n");
    }
}

static bool has_value(const struct chart_series *series, size_t count, size_t bucket) {
    for (size_t i = 0; i < count; i++) {
        if (!isnan(series[i].values[bucket])) {
            return true;
        }
    }
    return false;
}

static void put_series_row(struct html *html, const struct time_axis *axis, enum number_unit unit,
                           const struct chart_series *series, size_t count, size_t bucket) {
    char name[BUCKET_BYTES];
    time_axis_name(axis, bucket, name);
    html_format(html, "<tr><th scope=\"row\">%s</th>", name);
    for (size_t i = 0; i < count; i++) {
        const struct number_text value = number_full(unit, series[i].values[bucket]);
        html_format(html, "<td class=\"n\">%s</td>", value.text);
        if (series[i].low != NULL) {
            const struct number_text low = number_full(unit, series[i].low[bucket]);
            const struct number_text high = number_full(unit, series[i].high[bucket]);
            html_format(html, "<td class=\"n\">%s – %s</td>", low.text, high.text);
        }
    }
    html_raw(html, "</tr>\n");
}

void answer_series(struct page *page, const char *id, const char *caption, enum number_unit unit,
                   const struct chart_series *series, size_t count) {
    struct html *html = &page->html;
    size_t rows = 0;
    for (size_t bucket = 0; bucket < page->axis.count; bucket++) {
        rows += has_value(series, count, bucket);
    }
    if (rows == 0) {
        return;
    }
    begin_table(html, id, caption, true);
    html_format(html, "<thead><tr><th scope=\"col\">%s</th>",
                page->axis.step == 7 ? "Week" : "Day");
    for (size_t i = 0; i < count; i++) {
        html_raw(html, "<th scope=\"col\" class=\"n\">");
        html_text_cut(html, series[i].name, NAME_COLUMNS);
        html_raw(html, series[i].low != NULL
                           ? "</th><th scope=\"col\" class=\"n\">95&nbsp;% interval</th>"
                           : "</th>");
    }
    html_raw(html, "</tr></thead>\n<tbody>\n");
    for (size_t bucket = 0; bucket < page->axis.count; bucket++) {
        if (has_value(series, count, bucket)) {
            put_series_row(html, &page->axis, unit, series, count, bucket);
        }
    }
    end_table(html);
    html_raw(html, "</details>\n");
}
