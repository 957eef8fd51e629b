/*
 * Data on stdout: text, tables for people, JSON for programs. A failed write is remembered and
 * reported once, at the end; a reader that went away (`| head`) is no failure.
 */
#ifndef AGENTLOG_TOOLS_OUTPUT_H
#define AGENTLOG_TOOLS_OUTPUT_H

#include <agentlog/aggregator.h>
#include <agentlog/ndjson.h>

#include <jansson.h>

#include "exit_codes.h"

struct output {
    int error; /* errno of the first write that failed, 0 = none */
};

/* Write bytes or formatted text. False once a write has failed: there is no use in going on. */
bool output_bytes(struct output *output, const char *data, size_t len);
/* JSON text, with what a terminal would obey written as escapes that mean the same. */
bool output_json_text(struct output *output, const char *json, size_t len);
ALOG_PRINTF(2, 3)
bool output_format(struct output *output, const char *format, ...);

/* The end of a word that `count` things are called by. */
static inline const char *output_plural(uint64_t count) {
    return count == 1 ? "" : "s";
}

/* Flush. Returns `code`, or EXIT_FAILED after saying why when stdout did not take everything. */
enum exit_code output_finish(struct output *output, enum exit_code code);

/* Room for a cell in text form, without that of its text. */
#define OUTPUT_CELL_BYTES 64

/*
 * A cell in the form for people, malloc'ed: "92.3 %", milliseconds, dollars, times in UTC; "-" when
 * there is no data.
 */
char *output_cell(const struct alog_column *column, const struct alog_value *value);

/*
 * Rows aligned under the columns' names, numbers to the right. `names` (NULL-terminated) picks and
 * orders columns; those that the table does not have are left out; NULL = all. A table that is
 * wider than the terminal is printed as records instead, a line for each column.
 */
void output_table(struct output *output, const struct alog_table *table, const char *const *names);

/* Every row as "name  value" lines, an empty line before the next one. */
void output_records(struct output *output, const struct alog_table *table);

/* A row as a JSON object: rates as 0..1, times as RFC 3339 text, no data as null. Never NULL. */
json_t *output_json_row(const struct alog_table *table, size_t row);

/* The whole table as an array, a row a line. */
void output_json_table(struct output *output, const struct alog_table *table);

/* A JSON value on a line of its own; takes over the reference. */
void output_json(struct output *output, json_t *value);

/* A JSON string out of any bytes: what is no UTF-8 becomes U+FFFD. Never NULL. */
json_t *output_json_string(struct alog_string text);

/* Memory, or the program ends with a message. */
void *output_allocate(size_t count, size_t bytes);

/* An array of `count` elements of so many bytes, malloc'ed or NULL, with room for one more: the
 * same, or a longer one in its place, its elements elsewhere; or the program ends likewise. */
void *output_grow(void *array, size_t count, size_t *capacity, size_t bytes);

#endif
