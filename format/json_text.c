/* JSON text: growing buffers, strings, doubles, and the places of members. */
#include "json_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The longest escape of one byte is \u00xx; the replacement character is 3 bytes. */
#define MAX_ESCAPED_BYTES 6
#define DOUBLE_BYTES      32

enum alog_status alog_text_reserve(struct alog_text *text, size_t more) {
    if (more <= text->capacity - text->len) {
        return ALOG_OK;
    }
    if (more > SIZE_MAX / 2 - text->len) {
        return ALOG_NO_MEMORY;
    }
    size_t capacity = text->capacity < 256 ? 256 : text->capacity * 2;
    if (capacity < text->len + more) {
        capacity = text->len + more;
    }
    char *data = realloc(text->data, capacity);
    if (data == NULL) {
        return ALOG_NO_MEMORY;
    }
    text->data = data;
    text->capacity = capacity;
    return ALOG_OK;
}

void alog_text_free(struct alog_text *text) {
    free(text->data);
    *text = (struct alog_text){0};
}

enum alog_status alog_text_append(struct alog_text *text, const char *data, size_t len) {
    const enum alog_status status = alog_text_reserve(text, len);
    if (status != ALOG_OK || len == 0) {
        return status;
    }
    memcpy(text->data + text->len, data, len);
    text->len += len;
    return ALOG_OK;
}

/*
 * The length of the well-formed UTF-8 sequence at `at`, or minus the number of bytes that one
 * replacement character stands for (the Unicode standard's "maximal subpart"). Ranges are those of
 * its table 3-7.
 */
static int utf8_sequence(const unsigned char *at, size_t left) {
    const unsigned char lead = at[0];
    if (lead < 0x80) {
        return 1;
    }
    if (lead < 0xc2 || lead > 0xf4) {
        return -1;
    }
    const int length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
    if (lead == 0xe0) {
        low = 0xa0;
    } else if (lead == 0xed) {
        high = 0x9f;
    } else if (lead == 0xf0) {
        low = 0x90;
    } else if (lead == 0xf4) {
        high = 0x8f;
    }
    for (int i = 1; i < length; i++) {
        if ((size_t)i >= left || at[i] < low || at[i] > high) {
            return -i;
        }
        low = 0x80;
        high = 0xbf;
    }
    return length;
}

static bool is_c1_control(const unsigned char *at, int length) {
    return length == 2 && at[0] == 0xc2 && at[1] < 0xa0;
}

static char *put_control(char *out, unsigned char code) {
    static const char hex[] = "0123456789abcdef";
    const char escape[MAX_ESCAPED_BYTES] = {'\\', 'u', '0', '0', hex[code >> 4], hex[code & 15]};
    memcpy(out, escape, sizeof escape);
    return out + sizeof escape;
}

/* What stands after the backslash in the short escape of a byte, or 0. */
static char short_escape(unsigned char byte) {
    switch (byte) {
    case '"':
    case '\\':
        return (char)byte;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

/* Write one sequence of a string's content; returns the new end. */
static char *put_sequence(char *out, const unsigned char *at, int length) {
    if (length < 0) {
        memcpy(out, "\xef\xbf\xbd", 3);
        return out + 3;
    }
    if (is_c1_control(at, length)) {
        return put_control(out, at[1]);
    }
    if (length == 1) {
        const char escape = short_escape(at[0]);
        if (escape != 0) {
            out[0] = '\\';
            out[1] = escape;
            return out + 2;
        }
        if (at[0] < 0x20 || at[0] == 0x7f) {
            return put_control(out, at[0]);
        }
    }
    memcpy(out, at, (size_t)length);
    return out + length;
}

enum alog_status alog_json_append_string(struct alog_text *text, struct alog_string string) {
    if (string.len > (SIZE_MAX / 2 - 2) / MAX_ESCAPED_BYTES) {
        return ALOG_NO_MEMORY;
    }
    const enum alog_status status = alog_text_reserve(text, string.len * MAX_ESCAPED_BYTES + 2);
    if (status != ALOG_OK) {
        return status;
    }
    const unsigned char *at = (const unsigned char *)string.data;
    size_t left = string.len;
    char *out = text->data + text->len;
    *out++ = '"';
    while (left > 0) {
        const int length = utf8_sequence(at, left);
        const size_t taken = (size_t)abs(length);
        out = put_sequence(out, at, length);
        at += taken;
        left -= taken;
    }
    *out++ = '"';
    text->len = (size_t)(out - text->data);
    return ALOG_OK;
}

/* A locale may write the decimal point otherwise; JSON does not. Returns the new length. */
static size_t normalise_point(char *digits) {
    char *out = digits;
    for (const char *in = digits; *in != '\0'; in++) {
        if (strchr("0123456789+-eE", *in) != NULL) {
            *out++ = *in;
        } else if (out == digits || out[-1] != '.') {
            *out++ = '.';
        }
    }
    *out = '\0';
    return (size_t)(out - digits);
}

enum alog_status alog_json_append_double(struct alog_text *text, double value) {
    char digits[DOUBLE_BYTES];
    if (isnan(value)) {
        return alog_text_append(text, "\"NaN\"", 5);
    }
    if (isinf(value)) {
        return value > 0 ? alog_text_append(text, "\"Infinity\"", 10)
                         : alog_text_append(text, "\"-Infinity\"", 11);
    }
    /* 17 significant digits always read back as the same double; most need 15. */
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        const double back = strtod(digits, NULL);
        if (memcmp(&back, &value, sizeof back) == 0) {
            break;
        }
    }
    size_t len = normalise_point(digits);
    if (strpbrk(digits, ".e") == NULL) {
        memcpy(digits + len, ".0", 3);
        len += 2;
    }
    return alog_text_append(text, digits, len);
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

size_t alog_json_compact_bound(const char *json, size_t len) {
    size_t bound = len;
    for (size_t i = 0; i < len; i++) {
        const unsigned char byte = (unsigned char)json[i];
        if (byte == 0x7f || byte == 0xc2) {
            bound += MAX_ESCAPED_BYTES - 1;
        }
    }
    return bound;
}

enum alog_status alog_json_append_compact(struct alog_text *text, const char *json, size_t len) {
    const enum alog_status status = alog_text_reserve(text, alog_json_compact_bound(json, len));
    if (status != ALOG_OK) {
        return status;
    }
    char *out = text->data + text->len;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        const unsigned char byte = (unsigned char)json[i];
        const unsigned char next = i + 1 < len ? (unsigned char)json[i + 1] : 0;
        if (!in_string && is_space(json[i])) {
            continue;
        }
        if (byte == 0x7f) {
            out = put_control(out, byte);
            continue;
        }
        if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {
            out = put_control(out, next);
            i++;
            continue;
        }
        *out++ = (char)byte;
        if (in_string && byte == '\\' && next != 0) {
            *out++ = json[++i];
        } else if (byte == '"') {
            in_string = !in_string;
        }
    }
    text->len = (size_t)(out - text->data);
    return ALOG_OK;
}

static void skip_space(struct alog_json_walk *walk) {
    while (walk->at < walk->len && is_space(walk->line[walk->at])) {
        walk->at++;
    }
}

/* Past the string that begins here. */
static void skip_string(struct alog_json_walk *walk) {
    for (walk->at++; walk->at < walk->len && walk->line[walk->at] != '"'; walk->at++) {
        if (walk->line[walk->at] == '\\') {
            walk->at++;
        }
    }
    walk->at++;
}

/* Past the value that begins here: to the comma or brace that follows it in the outer object. */
static void skip_value(struct alog_json_walk *walk) {
    size_t depth = 0;
    while (walk->at < walk->len) {
        const char c = walk->line[walk->at];
        if (c == '"') {
            skip_string(walk);
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}')) {
            return;
        }
        if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
        }
        walk->at++;
    }
}

bool alog_json_walk_next(struct alog_json_walk *walk, struct alog_json_span *ret_value) {
    skip_space(walk);
    if (walk->at < walk->len && (walk->line[walk->at] == '{' || walk->line[walk->at] == ',')) {
        walk->at++;
        skip_space(walk);
    }
    if (walk->at >= walk->len || walk->line[walk->at] != '"') {
        return false;
    }
    skip_string(walk);
    skip_space(walk);
    walk->at++; /* the colon */
    skip_space(walk);
    const size_t begin = walk->at;
    skip_value(walk);
    size_t end = walk->at;
    while (end > begin && is_space(walk->line[end - 1])) {
        end--;
    }
    *ret_value = (struct alog_json_span){begin, end - begin};
    return true;
}
