/* Tables for people. */
#include <agentlog/ndjson.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "output.h"
#include "safe_text.h"
#include "terminal.h"

#define COLUMN_GAP    2
#define HEADING_BYTES 96
#define NS_PER_SECOND INT64_C(1000000000)

static bool is_right_aligned(enum alog_column_kind kind) {
    return kind != ALOG_COLUMN_TEXT && kind != ALOG_COLUMN_TIME && kind != ALOG_COLUMN_BOOL;
}

static char *text_cell(struct alog_string text) {
    char *cell = output_allocate(SAFE_TEXT_BYTES(text.len), 1);
    safe_text(text, cell, SAFE_TEXT_BYTES(text.len));
    return cell;
}

static double number_of(const struct alog_value *value) {
    return value->kind == ALOG_VALUE_F64 ? value->f64 : (double)value->i64;
}

/* Decimals enough for two significant digits, so that a price a token is not shown as nothing. */
static void format_money(double dollars, char cell[OUTPUT_CELL_BYTES]) {
    int decimals = 4;
    double smallest = 1e-3; /* has two significant digits with so many decimals */
    while (decimals < 9 && dollars != 0.0 && fabs(dollars) < smallest) {
        decimals++;
        smallest /= 10;
    }
    snprintf(cell, OUTPUT_CELL_BYTES, "%.*f", decimals, dollars);
}

static void format_number(const struct alog_column *column, const struct alog_value *value,
                          char cell[OUTPUT_CELL_BYTES]) {
    const double number = number_of(value);
    switch (column->kind) {
    case ALOG_COLUMN_RATE:
        snprintf(cell, OUTPUT_CELL_BYTES, "%.1f %%", number * 100.0);
        break;
    case ALOG_COLUMN_MS:
        snprintf(cell, OUTPUT_CELL_BYTES, "%.1f", number);
        break;
    case ALOG_COLUMN_USD:
        format_money(number, cell);
        break;
    case ALOG_COLUMN_BOOL:
        snprintf(cell, OUTPUT_CELL_BYTES, number != 0.0 ? "yes" : "no");
        break;
    case ALOG_COLUMN_TIME:
        alog_time_format(value->i64 - value->i64 % NS_PER_SECOND, cell);
        break;
    default:
        if (value->kind == ALOG_VALUE_F64) {
            /* Scores and differences of rates are small. */
            snprintf(cell, OUTPUT_CELL_BYTES, fabs(number) < 1 ? "%.4f" : "%.2f", number);
        } else {
            snprintf(cell, OUTPUT_CELL_BYTES, "%" PRId64, value->i64);
        }
        break;
    }
}

char *output_cell(const struct alog_column *column, const struct alog_value *value) {
    char *cell;
    switch (value->kind) {
    case ALOG_VALUE_STRING:
    case ALOG_VALUE_JSON:
        /* An absent dimension is '' in the database. */
        return text_cell(value->string.len > 0 ? value->string : ALOG_STR("-"));
    case ALOG_VALUE_BOOL:
        return text_cell(value->boolean ? ALOG_STR("yes") : ALOG_STR("no"));
    case ALOG_VALUE_I64:
    case ALOG_VALUE_F64:
        cell = output_allocate(OUTPUT_CELL_BYTES, 1);
        format_number(column, value, cell);
        return cell;
    default:
        return text_cell(ALOG_STR("-"));
    }
}

/* ---- Rows under columns ---- */

/* A column as it is shown; the two ends of an interval share one. */
struct shown_column {
    size_t index;  /* in the table */
    bool interval; /* from the column at `index` to the one after it */
    char heading[HEADING_BYTES];
    size_t width;
};

/* The columns to show, and the text of every cell of them, row by row. */
struct layout {
    const struct alog_table *table;
    struct shown_column *columns;
    size_t count;
    char **cells;
};

static bool ends_in(const char *text, const char *end) {
    const size_t text_len = strlen(text);
    const size_t end_len = strlen(end);
    return text_len >= end_len && strcmp(text + text_len - end_len, end) == 0;
}

/* Show the column at `index`; returns how many columns of the table that took. */
static size_t layout_add(struct layout *layout, size_t index) {
    const struct alog_table *table = layout->table;
    struct shown_column *shown = &layout->columns[layout->count++];
    shown->index = index;
    const char *name = table->columns[index].name;
    shown->interval = ends_in(name, "_low") && index + 1 < table->column_count &&
                      ends_in(table->columns[index + 1].name, "_high");
    if (shown->interval) {
        snprintf(shown->heading, sizeof shown->heading, "%.*s 95 %%",
                 (int)(strlen(name) - strlen("_low")), name);
    } else {
        snprintf(shown->heading, sizeof shown->heading, "%s", name);
    }
    return shown->interval ? 2 : 1;
}

static void layout_pick(struct layout *layout, const char *const *names) {
    const struct alog_table *table = layout->table;
    layout->columns = output_allocate(table->column_count, sizeof *layout->columns);
    if (names == NULL) {
        for (size_t i = 0; i < table->column_count;) {
            i += layout_add(layout, i);
        }
        return;
    }
    for (; *names != NULL && layout->count < table->column_count; names++) {
        for (size_t i = 0; i < table->column_count; i++) {
            if (strcmp(table->columns[i].name, *names) == 0) {
                layout_add(layout, i);
                break;
            }
        }
    }
}

static char *shown_cell(const struct layout *layout, const struct shown_column *shown, size_t row) {
    const struct alog_table *table = layout->table;
    const struct alog_value *value = &table->cells[row * table->column_count + shown->index];
    if (!shown->interval || value[0].kind != ALOG_VALUE_F64 || value[1].kind != ALOG_VALUE_F64) {
        return output_cell(&table->columns[shown->index], value);
    }
    char *cell = output_allocate(OUTPUT_CELL_BYTES, 1);
    snprintf(cell, OUTPUT_CELL_BYTES, "%.1f - %.1f %%", value[0].f64 * 100.0, value[1].f64 * 100.0);
    return cell;
}

static void layout_make(struct layout *layout, const struct alog_table *table,
                        const char *const *names) {
    *layout = (struct layout){.table = table};
    layout_pick(layout, names);
    layout->cells = output_allocate(layout->count * table->row_count, sizeof *layout->cells);
    for (size_t i = 0; i < layout->count; i++) {
        struct shown_column *shown = &layout->columns[i];
        shown->width = safe_width(shown->heading);
        for (size_t row = 0; row < table->row_count; row++) {
            char *cell = shown_cell(layout, shown, row);
            const size_t width = safe_width(cell);
            shown->width = width > shown->width ? width : shown->width;
            layout->cells[row * layout->count + i] = cell;
        }
    }
}

static void layout_free(struct layout *layout) {
    for (size_t i = 0; i < layout->count * layout->table->row_count; i++) {
        free(layout->cells[i]);
    }
    free(layout->cells);
    free(layout->columns);
}

/* One cell; the last of a line is not padded on its right. */
static void put_cell(struct output *output, const struct layout *layout, size_t i,
                     const char *cell) {
    const struct shown_column *shown = &layout->columns[i];
    const bool right = is_right_aligned(layout->table->columns[shown->index].kind);
    const int padding = (int)(shown->width - safe_width(cell));
    const int gap = i + 1 == layout->count ? 0 : right ? COLUMN_GAP : padding + COLUMN_GAP;
    output_format(output, "%*s%s%*s", right ? padding : 0, "", cell, gap, "");
}

static void put_rows(struct output *output, const struct layout *layout) {
    for (size_t i = 0; i < layout->count; i++) {
        put_cell(output, layout, i, layout->columns[i].heading);
    }
    output_bytes(output, "\n", 1);
    for (size_t row = 0; row < layout->table->row_count; row++) {
        for (size_t i = 0; i < layout->count; i++) {
            put_cell(output, layout, i, layout->cells[row * layout->count + i]);
        }
        output_bytes(output, "\n", 1);
    }
}

/* ---- Rows one below the other ---- */

/* A row as "heading  value" lines, an empty line before the next one. */
static void put_records(struct output *output, const struct layout *layout) {
    size_t widest = 0;
    for (size_t i = 0; i < layout->count; i++) {
        const size_t width = safe_width(layout->columns[i].heading);
        widest = width > widest ? width : widest;
    }
    for (size_t row = 0; row < layout->table->row_count; row++) {
        output_format(output, "%s", row == 0 ? "" : "\n");
        for (size_t i = 0; i < layout->count; i++) {
            output_format(output, "%-*s%s\n", (int)widest + COLUMN_GAP, layout->columns[i].heading,
                          layout->cells[row * layout->count + i]);
        }
    }
}

void output_table(struct output *output, const struct alog_table *table, const char *const *names) {
    struct layout layout;
    const size_t room = terminal_columns();
    size_t width = 0;
    layout_make(&layout, table, names);
    for (size_t i = 0; i < layout.count; i++) {
        width += layout.columns[i].width + (i > 0 ? COLUMN_GAP : 0);
    }
    if (room > 0 && width > room && table->row_count > 0) {
        put_records(output, &layout);
    } else {
        put_rows(output, &layout);
    }
    layout_free(&layout);
}

void output_records(struct output *output, const struct alog_table *table) {
    struct layout layout;
    layout_make(&layout, table, NULL);
    put_records(output, &layout);
    layout_free(&layout);
}
