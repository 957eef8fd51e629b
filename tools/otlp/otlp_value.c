/* Values of events as OTLP/JSON's AnyValue, both ways. */
#include "otlp/otlp_value.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "messages.h"
#include "output.h"

#define NUMBER_BYTES 40

static json_t *made(json_t *value) {
    if (value == NULL) {
        message("out of memory");
        exit(EXIT_FAILED);
    }
    return value;
}

/* ---- Base64 ---------------------------------------------------------------------------------- */

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *base64_encode(struct alog_string bytes) {
    const unsigned char *in = (const unsigned char *)bytes.data;
    char *out = output_allocate(bytes.len / 3 * 4 + 5, 1);
    size_t at = 0;
    for (size_t i = 0; i < bytes.len; i += 3) {
        const size_t left = bytes.len - i;
        const uint32_t group = (uint32_t)in[i] << 16 | (uint32_t)(left > 1 ? in[i + 1] : 0) << 8 |
                               (uint32_t)(left > 2 ? in[i + 2] : 0);
        out[at++] = base64_digits[group >> 18];
        out[at++] = base64_digits[group >> 12 & 63];
        out[at++] = left > 1 ? base64_digits[group >> 6 & 63] : '=';
        out[at++] = left > 2 ? base64_digits[group & 63] : '=';
    }
    return out;
}

static int base64_digit(char c) {
    const char *found = c == '\0' ? NULL
                                  : strchr(base64_digits, c == '-'   ? '+'
                                                          : c == '_' ? '/'
                                                                     : c);
    return found == NULL ? -1 : (int)(found - base64_digits);
}

/* Both alphabets, with or without padding. False: not base64. `out` has room for len / 4 * 3 + 3.
 */
static bool base64_decode(struct alog_string text, unsigned char *out, size_t *ret_len) {
    while (text.len > 0 && text.data[text.len - 1] == '=') {
        text.len--;
    }
    uint32_t bits = 0;
    unsigned held = 0;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        const int digit = base64_digit(text.data[i]);
        if (digit < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)digit;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[len++] = (unsigned char)(bits >> held & 0xff);
        }
    }
    *ret_len = len;
    return text.len % 4 != 1;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static json_t *one_member(const char *name, json_t *value) {
    json_t *object = made(json_object());
    json_object_set_new(object, name, made(value));
    return object;
}

json_t *otlp_string_value(struct alog_string text) {
    json_t *string = json_stringn(text.data == NULL ? "" : text.data, text.len);
    if (string != NULL) {
        return one_member("stringValue", string);
    }
    char *encoded = base64_encode(text);
    json_t *value = one_member("bytesValue", json_string(encoded));
    free(encoded);
    return value;
}

static json_t *integer_value(int64_t number) {
    char text[NUMBER_BYTES];
    snprintf(text, sizeof text, "%" PRId64, number);
    return one_member("intValue", json_string(text));
}

static json_t *real_value(double number) {
    return one_member("doubleValue", isnan(number) ? json_string("NaN")
                                     : isinf(number)
                                         ? json_string(number < 0 ? "-Infinity" : "Infinity")
                                         : json_real(number));
}

static json_t *nested_value(const json_t *value);

static json_t *nested_object(const json_t *object) {
    json_t *values = made(json_array());
    for (void *at = json_object_iter((json_t *)(uintptr_t)object); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)object, at)) {
        json_t *pair = one_member("key", json_string(json_object_iter_key(at)));
        json_object_set_new(pair, "value", nested_value(json_object_iter_value(at)));
        json_array_append_new(values, pair);
    }
    return one_member("kvlistValue", one_member("values", values));
}

static json_t *nested_value(const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return nested_object(value);
    case JSON_ARRAY: {
        json_t *values = made(json_array());
        for (size_t i = 0; i < json_array_size(value); i++) {
            json_array_append_new(values, nested_value(json_array_get(value, i)));
        }
        return one_member("arrayValue", one_member("values", values));
    }
    case JSON_STRING:
        return otlp_string_value(otlp_text(value));
    case JSON_INTEGER:
        return integer_value(json_integer_value(value));
    case JSON_REAL:
        return real_value(json_real_value(value));
    case JSON_TRUE:
    case JSON_FALSE:
        return one_member("boolValue", json_boolean(json_is_true(value)));
    default:
        return made(json_object());
    }
}

static json_t *json_value(struct alog_string text) {
    json_t *parsed = json_loadb(text.data, text.len, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
    json_t *value = parsed == NULL ? otlp_string_value(text) : nested_value(parsed);
    json_decref(parsed);
    return value;
}

json_t *otlp_value_write(const struct alog_value *value) {
    char text[NUMBER_BYTES];
    switch (value->kind) {
    case ALOG_VALUE_BOOL:
        return one_member("boolValue", json_boolean(value->boolean));
    case ALOG_VALUE_I64:
        return integer_value(value->i64);
    case ALOG_VALUE_U64:
        snprintf(text, sizeof text, "%" PRIu64, value->u64);
        return one_member("stringValue", json_string(text));
    case ALOG_VALUE_F64:
        return real_value(value->f64);
    case ALOG_VALUE_STRING:
        return otlp_string_value(value->string);
    case ALOG_VALUE_JSON:
        return json_value(value->string);
    default:
        return made(json_object());
    }
}

/* The fewest digits from 15 on that give the same double back. */
static unsigned digits_of(double number) {
    char text[NUMBER_BYTES];
    for (unsigned digits = 15; digits < 17; digits++) {
        snprintf(text, sizeof text, "%.*g", (int)digits, number);
        if (strtod(text, NULL) == number) {
            return digits;
        }
    }
    return 17;
}

static unsigned most_digits(const json_t *value) {
    unsigned most = 15;
    if (json_is_real(value)) {
        return digits_of(json_real_value(value));
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const unsigned digits = most_digits(json_array_get(value, i));
        most = digits > most ? digits : most;
    }
    for (void *at = json_object_iter((json_t *)(uintptr_t)value); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)value, at)) {
        const unsigned digits = most_digits(json_object_iter_value(at));
        most = digits > most ? digits : most;
    }
    return most;
}

size_t otlp_dump_flags(const json_t *value) {
    return JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(most_digits(value));
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Takes over the memory. */
static void *keep(struct otlp_texts *texts, void *text) {
    if (text == NULL) {
        message("out of memory");
        exit(EXIT_FAILED);
    }
    if (texts->count == texts->capacity) {
        const size_t capacity = texts->capacity == 0 ? 16 : 2 * texts->capacity;
        void **larger = output_allocate(capacity, sizeof *larger);
        if (texts->count > 0) {
            memcpy(larger, texts->texts, texts->count * sizeof *larger);
        }
        free(texts->texts);
        texts->texts = larger;
        texts->capacity = capacity;
    }
    texts->texts[texts->count++] = text;
    return text;
}

void otlp_texts_free(struct otlp_texts *texts) {
    for (size_t i = 0; i < texts->count; i++) {
        free(texts->texts[i]);
    }
    free(texts->texts);
    *texts = (struct otlp_texts){0};
}

const json_t *otlp_member(const json_t *object, const char *camel, const char *snake) {
    const json_t *value = json_object_get(object, camel);
    return value != NULL || snake == NULL ? value : json_object_get(object, snake);
}

struct alog_string otlp_text(const json_t *value) {
    return (struct alog_string){json_string_value(value), json_string_length(value)};
}

bool otlp_integer(const json_t *value, uint64_t *ret_value) {
    if (value == NULL || json_is_null(value)) {
        *ret_value = 0;
        return true;
    }
    if (json_is_integer(value)) {
        *ret_value = (uint64_t)json_integer_value(value);
        return json_integer_value(value) >= 0;
    }
    const char *text = json_string_value(value);
    if (text == NULL || strspn(text, "0123456789") != json_string_length(value) ||
        text[0] == '\0') {
        return false;
    }
    errno = 0;
    *ret_value = strtoull(text, NULL, 10);
    return errno == 0;
}

/* Without the wrappings, as JSON of its own. */
static json_t *unwrapped(const json_t *any);

static json_t *unwrapped_list(const json_t *list) {
    json_t *object = made(json_object());
    const json_t *values = otlp_member(list, "values", NULL);
    for (size_t i = 0; i < json_array_size(values); i++) {
        const json_t *pair = json_array_get(values, i);
        const char *key = json_string_value(otlp_member(pair, "key", NULL));
        if (key != NULL) {
            json_object_set_new(object, key, unwrapped(otlp_member(pair, "value", NULL)));
        }
    }
    return object;
}

static json_t *unwrapped(const json_t *any) {
    struct otlp_texts texts = {0};
    const json_t *list = otlp_member(any, "kvlistValue", "kvlist_value");
    const json_t *array = otlp_member(any, "arrayValue", "array_value");
    json_t *result = NULL;
    if (list != NULL) {
        return unwrapped_list(list);
    }
    if (array != NULL) {
        const json_t *values = otlp_member(array, "values", NULL);
        result = made(json_array());
        for (size_t i = 0; i < json_array_size(values); i++) {
            json_array_append_new(result, unwrapped(json_array_get(values, i)));
        }
        return result;
    }
    const struct alog_value value = otlp_value_read(any, &texts);
    switch (value.kind) {
    case ALOG_VALUE_BOOL:
        result = json_boolean(value.boolean);
        break;
    case ALOG_VALUE_I64:
        result = json_integer(value.i64);
        break;
    case ALOG_VALUE_F64:
        result = json_real(value.f64); /* NULL for NaN and infinity, which JSON has not */
        break;
    case ALOG_VALUE_STRING:
        result = output_json_string(value.string);
        break;
    default:
        break;
    }
    otlp_texts_free(&texts);
    return result == NULL ? json_null() : result;
}

struct alog_string otlp_json_text(const json_t *value, struct otlp_texts *texts) {
    char *text = keep(texts, json_dumps(value, otlp_dump_flags(value)));
    return (struct alog_string){text, strlen(text)};
}

static struct alog_value nested_read(const json_t *any, struct otlp_texts *texts) {
    json_t *plain = unwrapped(any);
    const struct alog_value value = {.kind = ALOG_VALUE_JSON,
                                     .string = otlp_json_text(plain, texts)};
    json_decref(plain);
    return value;
}

static struct alog_value integer_read(const json_t *value) {
    const struct alog_value absent = {.kind = ALOG_VALUE_NULL};
    char *end = NULL;
    if (json_is_integer(value)) {
        return (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = json_integer_value(value)};
    }
    const char *text = json_string_value(value);
    if (text == NULL) {
        return absent;
    }
    errno = 0;
    const long long number = strtoll(text, &end, 10);
    return end == text || *end != '\0' || errno != 0
               ? absent
               : (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = number};
}

static struct alog_value real_read(const json_t *value) {
    struct alog_value result = {.kind = ALOG_VALUE_F64};
    char *end = NULL;
    if (json_is_number(value)) {
        result.f64 = json_number_value(value);
        return result;
    }
    const char *text = json_string_value(value); /* strtod knows NaN and Infinity */
    if (text != NULL) {
        result.f64 = strtod(text, &end);
    }
    if (text == NULL || end == text || *end != '\0') {
        result.kind = ALOG_VALUE_NULL;
    }
    return result;
}

static struct alog_value bytes_read(const json_t *value, struct otlp_texts *texts) {
    const struct alog_string text = otlp_text(value);
    size_t len = 0;
    if (text.data == NULL) {
        return (struct alog_value){.kind = ALOG_VALUE_NULL};
    }
    unsigned char *bytes = keep(texts, output_allocate(text.len / 4 * 3 + 4, 1));
    if (!base64_decode(text, bytes, &len)) {
        return (struct alog_value){.kind = ALOG_VALUE_STRING, .string = text};
    }
    return (struct alog_value){.kind = ALOG_VALUE_STRING, .string = {(const char *)bytes, len}};
}

struct alog_value otlp_value_read(const json_t *any, struct otlp_texts *texts) {
    const json_t *value;
    if ((value = otlp_member(any, "stringValue", "string_value")) != NULL &&
        json_is_string(value)) {
        return (struct alog_value){.kind = ALOG_VALUE_STRING, .string = otlp_text(value)};
    }
    if ((value = otlp_member(any, "intValue", "int_value")) != NULL) {
        return integer_read(value);
    }
    if ((value = otlp_member(any, "boolValue", "bool_value")) != NULL && json_is_boolean(value)) {
        return (struct alog_value){.kind = ALOG_VALUE_BOOL, .boolean = json_is_true(value)};
    }
    if ((value = otlp_member(any, "doubleValue", "double_value")) != NULL) {
        return real_read(value);
    }
    if ((value = otlp_member(any, "bytesValue", "bytes_value")) != NULL) {
        return bytes_read(value, texts);
    }
    if (otlp_member(any, "kvlistValue", "kvlist_value") != NULL ||
        otlp_member(any, "arrayValue", "array_value") != NULL) {
        return nested_read(any, texts);
    }
    return (struct alog_value){.kind = ALOG_VALUE_NULL};
}

static bool hex_read(struct alog_string text, size_t bytes, char *out) {
    if (text.len != 2 * bytes || strspn(text.data, "0123456789abcdefABCDEF") < text.len) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        out[i] =
            (char)(text.data[i] >= 'A' && text.data[i] <= 'F' ? text.data[i] + 32 : text.data[i]);
    }
    out[text.len] = '\0';
    return true;
}

bool otlp_id_read(const json_t *value, size_t bytes, char *out) {
    unsigned char raw[64];
    const struct alog_string text = otlp_text(value);
    size_t len = 0;
    if (text.data == NULL || text.len > 48) {
        return false;
    }
    if (!hex_read(text, bytes, out)) {
        if (!base64_decode(text, raw, &len) || len != bytes) {
            return false;
        }
        for (size_t i = 0; i < len; i++) {
            snprintf(out + 2 * i, 3, "%02x", raw[i]);
        }
    }
    return strspn(out, "0") < 2 * bytes;
}
