/* Data on stdout: bytes and JSON values. Tables are in output_table.c. */
#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "messages.h"
#include "safe_text.h"

/* Enough for exact dollars up to a million and for every rate; 17 would print 0.92300000000000004.
 */
#define JSON_DIGITS 15

void *output_allocate(size_t count, size_t bytes) {
    void *memory = calloc(count > 0 ? count : 1, bytes);
    if (memory == NULL) {
        message("out of memory");
        exit(EXIT_FAILED);
    }
    return memory;
}

void *output_grow(void *array, size_t count, size_t *capacity, size_t bytes) {
    if (count < *capacity) {
        return array;
    }
    *capacity = count == 0 ? 64 : 2 * count;
    void *grown = output_allocate(*capacity, bytes);
    if (count > 0) {
        memcpy(grown, array, count * bytes);
    }
    free(array);
    return grown;
}

bool output_bytes(struct output *output, const char *data, size_t len) {
    if (output->error == 0 && fwrite(data, 1, len, stdout) != len) {
        output->error = errno;
    }
    return output->error == 0;
}

bool output_json_text(struct output *output, const char *json, size_t len) {
    if (!safe_json_needed(json, len)) {
        return output_bytes(output, json, len);
    }
    const size_t room = SAFE_TEXT_BYTES(len) + 8;
    char *safe = output_allocate(room, 1);
    const size_t safe_len = safe_json((struct alog_string){json, len}, safe, room);
    const bool written = output_bytes(output, safe, safe_len);
    free(safe);
    return written;
}

bool output_format(struct output *output, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (output->error == 0 && vfprintf(stdout, format, arguments) < 0) {
        output->error = errno;
    }
    va_end(arguments);
    return output->error == 0;
}

enum exit_code output_finish(struct output *output, enum exit_code code) {
    if (output->error == 0 && fflush(stdout) != 0) {
        output->error = errno;
    }
    if (output->error == 0 || output->error == EPIPE) {
        return code;
    }
    message("cannot write to stdout: %s", strerror(output->error));
    return EXIT_FAILED;
}

static json_t *made(json_t *value) {
    if (value == NULL) {
        message("out of memory");
        exit(EXIT_FAILED);
    }
    return value;
}

json_t *output_json_string(struct alog_string text) {
    json_t *value = json_stringn(text.data == NULL ? "" : text.data, text.len);
    if (value != NULL) {
        return value;
    }
    size_t len = 0;
    char *valid = valid_utf8(text, &len);
    value = valid == NULL ? NULL : json_stringn(valid, len);
    free(valid);
    return made(value);
}

static json_t *json_cell(const struct alog_column *column, const struct alog_value *value) {
    char time[ALOG_TIME_BYTES];
    switch (value->kind) {
    case ALOG_VALUE_BOOL:
        return json_boolean(value->boolean);
    case ALOG_VALUE_I64:
        if (column->kind == ALOG_COLUMN_TIME) {
            alog_time_format(value->i64, time);
            return made(json_string(time));
        }
        if (column->kind == ALOG_COLUMN_BOOL) {
            return json_boolean(value->i64 != 0);
        }
        return made(json_integer(value->i64));
    case ALOG_VALUE_F64: {
        json_t *real = json_real(value->f64); /* NULL for NaN and infinity */
        return real != NULL ? real : json_null();
    }
    case ALOG_VALUE_STRING:
    case ALOG_VALUE_JSON:
        return output_json_string(value->string);
    default:
        return json_null();
    }
}

json_t *output_json_row(const struct alog_table *table, size_t row) {
    json_t *object = made(json_object());
    for (size_t i = 0; i < table->column_count; i++) {
        const struct alog_column *column = &table->columns[i];
        const struct alog_value *cell = &table->cells[row * table->column_count + i];
        if (json_object_set_new(object, column->name, json_cell(column, cell)) != 0) {
            made(NULL);
        }
    }
    return object;
}

static void dump(struct output *output, json_t *value) {
    char *text = json_dumps(value, JSON_REAL_PRECISION(JSON_DIGITS));
    json_decref(value);
    if (text == NULL) {
        made(NULL);
        return;
    }
    output_json_text(output, text, strlen(text));
    free(text);
}

void output_json(struct output *output, json_t *value) {
    dump(output, value);
    output_bytes(output, "\n", 1);
}

void output_json_table(struct output *output, const struct alog_table *table) {
    output_bytes(output, "[", 1);
    for (size_t row = 0; row < table->row_count; row++) {
        output_format(output, row == 0 ? "\n" : ",\n");
        dump(output, output_json_row(table, row));
    }
    output_format(output, table->row_count > 0 ? "\n]\n" : "]\n");
}
