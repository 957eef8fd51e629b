#include "sql_functions.h"

#include <stdlib.h>

#include "names.h"
#include "sketch.h"
#include "sql_error.h"
#include "statistics.h"
#include "wilson.h"

/* Add a value's sketch to `into`, or say on `context` why not. NULL adds nothing. */
static bool merge_value(sqlite3_context *context, struct alog_sketch *into, sqlite3_value *value) {
    const void *bytes = sqlite3_value_blob(value);
    size_t len = (size_t)sqlite3_value_bytes(value);
    switch (alog_sketch_merge_bytes(into, bytes, len, NULL)) {
    case ALOG_OK:
        return true;
    case ALOG_NO_MEMORY:
        sqlite3_result_error_nomem(context);
        return false;
    case ALOG_LIMIT:
        sqlite3_result_error(context, "the counts of a latency sketch leave 64 bits", -1);
        return false;
    default:
        sqlite3_result_error(context, "a latency sketch cannot be read", -1);
        return false;
    }
}

static void sketch_merge_step(sqlite3_context *context, int count, sqlite3_value **values) {
    struct alog_sketch *sketch = sqlite3_aggregate_context(context, sizeof(*sketch));
    if (!sketch) {
        sqlite3_result_error_nomem(context);
        return;
    }
    for (int i = 0; i < count && merge_value(context, sketch, values[i]); i++) {
    }
}

static void sketch_merge_final(sqlite3_context *context) {
    struct alog_sketch *sketch = sqlite3_aggregate_context(context, 0);
    if (!sketch) {
        return;
    }
    uint8_t *bytes = sqlite3_malloc64(alog_sketch_encoded_bound(sketch));
    if (bytes) {
        size_t len = alog_sketch_encode(sketch, bytes);
        sqlite3_result_blob64(context, bytes, len, sqlite3_free);
    } else {
        sqlite3_result_error_nomem(context);
    }
    alog_sketch_free(sketch);
}

static void sketch_quantile_ms(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    struct alog_sketch sketch = {0};
    double us;
    if (sqlite3_value_type(values[1]) != SQLITE_NULL && merge_value(context, &sketch, values[0]) &&
        alog_sketch_quantile_us(&sketch, sqlite3_value_double(values[1]), &us)) {
        sqlite3_result_double(context, us / 1000);
    }
    alog_sketch_free(&sketch);
}

static void sketch_count_until_ms(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    struct alog_sketch sketch = {0};
    if (sqlite3_value_type(values[1]) != SQLITE_NULL && merge_value(context, &sketch, values[0])) {
        uint64_t n = alog_sketch_count_until_us(&sketch, sqlite3_value_double(values[1]) * 1000);
        sqlite3_result_int64(context, n > INT64_MAX ? INT64_MAX : (sqlite3_int64)n);
    }
    alog_sketch_free(&sketch);
}

static void bits_or_step(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    sqlite3_int64 *bits = sqlite3_aggregate_context(context, sizeof(*bits));
    if (bits) {
        *bits |= sqlite3_value_int64(values[0]);
    } else {
        sqlite3_result_error_nomem(context);
    }
}

static void bits_or_final(sqlite3_context *context) {
    const sqlite3_int64 *bits = sqlite3_aggregate_context(context, 0);
    if (bits) {
        sqlite3_result_int64(context, *bits);
    }
}

typedef uint64_t between_fn(const struct alog_sketch *sketch, uint32_t from, uint32_t below);

static void between(sqlite3_context *context, sqlite3_value **values, between_fn *add_up) {
    struct alog_sketch sketch = {0};
    if (merge_value(context, &sketch, values[0])) {
        uint64_t n = add_up(&sketch, (uint32_t)sqlite3_value_int64(values[1]),
                            (uint32_t)sqlite3_value_int64(values[2]));
        sqlite3_result_int64(context, n > INT64_MAX ? INT64_MAX : (sqlite3_int64)n);
    }
    alog_sketch_free(&sketch);
}

static void sketch_count_between(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    between(context, values, alog_sketch_count_between);
}

static void sketch_sum_between(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    between(context, values, alog_sketch_sum_between);
}

/* The values so far. */
struct values {
    double *items;
    size_t count, capacity;
};

static void median_step(sqlite3_context *context, int count, sqlite3_value **arguments) {
    (void)count;
    struct values *values = sqlite3_aggregate_context(context, sizeof(*values));
    if (!values || sqlite3_value_type(arguments[0]) == SQLITE_NULL) {
        return;
    }
    if (values->count == values->capacity) {
        size_t capacity = values->capacity == 0 ? 8 : values->capacity * 2;
        double *items = realloc(values->items, capacity * sizeof(*items));
        if (!items) {
            sqlite3_result_error_nomem(context);
            return;
        }
        values->items = items;
        values->capacity = capacity;
    }
    values->items[values->count++] = sqlite3_value_double(arguments[0]);
}

static void median_final(sqlite3_context *context) {
    struct values *values = sqlite3_aggregate_context(context, 0);
    double median;
    if (values) {
        if (alog_median(values->items, values->count, &median)) {
            sqlite3_result_double(context, median);
        }
        free(values->items);
        values->items = NULL;
    }
}

static bool any_null(int count, sqlite3_value **values) {
    for (int i = 0; i < count; i++) {
        if (sqlite3_value_type(values[i]) == SQLITE_NULL) {
            return true;
        }
    }
    return false;
}

static void lower_rate_p(sqlite3_context *context, int count, sqlite3_value **values) {
    double p;
    if (!any_null(count, values) &&
        alog_lower_rate_p(sqlite3_value_int64(values[0]), sqlite3_value_int64(values[1]),
                          sqlite3_value_int64(values[2]), sqlite3_value_int64(values[3]), &p)) {
        sqlite3_result_double(context, p);
    }
}

static void phi(sqlite3_context *context, int count, sqlite3_value **values) {
    double result;
    if (!any_null(count, values) &&
        alog_phi(sqlite3_value_int64(values[0]), sqlite3_value_int64(values[1]),
                 sqlite3_value_int64(values[2]), sqlite3_value_int64(values[3]), &result)) {
        sqlite3_result_double(context, result);
    }
}

/* The text with the least time; on equal times the smallest text. */
struct earliest {
    char *text;
    size_t len;
    sqlite3_int64 at;
};

static void earliest_text_step(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    struct earliest *earliest = sqlite3_aggregate_context(context, sizeof(*earliest));
    const char *text = (const char *)sqlite3_value_text(values[1]);
    struct alog_string offered = {text, (size_t)sqlite3_value_bytes(values[1])};
    sqlite3_int64 at = sqlite3_value_int64(values[0]);
    if (!earliest || !text) {
        if (!earliest || sqlite3_value_type(values[1]) != SQLITE_NULL) {
            sqlite3_result_error_nomem(context);
        }
        return;
    }
    struct alog_string kept = {earliest->text, earliest->len};
    if (earliest->text &&
        (at > earliest->at || (at == earliest->at && alog_string_compare(offered, kept) >= 0))) {
        return;
    }
    char *copy = sqlite3_malloc64(offered.len + 1);
    if (!copy) {
        sqlite3_result_error_nomem(context);
        return;
    }
    memcpy(copy, offered.data, offered.len);
    sqlite3_free(earliest->text);
    *earliest = (struct earliest){copy, offered.len, at};
}

static void earliest_text_final(sqlite3_context *context) {
    struct earliest *earliest = sqlite3_aggregate_context(context, 0);
    if (earliest && earliest->text) {
        sqlite3_result_text64(context, earliest->text, earliest->len, sqlite3_free, SQLITE_UTF8);
        earliest->text = NULL;
    }
}

static void digit_count(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    const unsigned char *text = sqlite3_value_text(values[0]);
    int len = sqlite3_value_bytes(values[0]), digits = 0;
    for (int i = 0; text && i < len; i++) {
        digits += text[i] >= '0' && text[i] <= '9';
    }
    sqlite3_result_int(context, digits);
}

static bool wilson(sqlite3_value **values, double *ret_low, double *ret_high) {
    return sqlite3_value_type(values[0]) != SQLITE_NULL &&
           sqlite3_value_type(values[1]) != SQLITE_NULL &&
           alog_wilson(sqlite3_value_int64(values[0]), sqlite3_value_int64(values[1]), ret_low,
                       ret_high);
}

static void wilson_low(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    double low, high;
    if (wilson(values, &low, &high)) {
        sqlite3_result_double(context, low);
    }
}

static void wilson_high(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    double low, high;
    if (wilson(values, &low, &high)) {
        sqlite3_result_double(context, high);
    }
}

enum alog_status alog_sql_functions_register(sqlite3 *db, struct alog_error *error) {
    static const struct {
        const char *name;
        int arguments;
        void (*scalar)(sqlite3_context *, int, sqlite3_value **);
        void (*step)(sqlite3_context *, int, sqlite3_value **);
        void (*final)(sqlite3_context *);
    } functions[] = {
        {"sketch_merge", -1, NULL, sketch_merge_step, sketch_merge_final},
        {"bits_or", 1, NULL, bits_or_step, bits_or_final},
        {"earliest_text", 2, NULL, earliest_text_step, earliest_text_final},
        {"median", 1, NULL, median_step, median_final},
        {"sketch_count_between", 3, sketch_count_between, NULL, NULL},
        {"sketch_sum_between", 3, sketch_sum_between, NULL, NULL},
        {"digit_count", 1, digit_count, NULL, NULL},
        {"lower_rate_p", 4, lower_rate_p, NULL, NULL},
        {"phi", 4, phi, NULL, NULL},
        {"sketch_quantile_ms", 2, sketch_quantile_ms, NULL, NULL},
        {"sketch_count_until_ms", 2, sketch_count_until_ms, NULL, NULL},
        {"wilson_low", 2, wilson_low, NULL, NULL},
        {"wilson_high", 2, wilson_high, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        int result = sqlite3_create_function_v2(
            db, functions[i].name, functions[i].arguments,
            SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL, functions[i].scalar,
            functions[i].step, functions[i].final, NULL);
        if (result != SQLITE_OK) {
            return alog_sql_fail(db, error, "registering SQL functions");
        }
    }
    return ALOG_OK;
}
