#include "job_json.h"

/* ---- Writing ---- */

/* Which of eight bytes are below 0x20, a quotation mark or a backslash: not 0, if any is. A byte
 * above such a one may be said to be one too. */
static uint64_t special_bytes(uint64_t bytes) {
    const uint64_t ones = UINT64_C(0x0101010101010101), high = UINT64_C(0x8080808080808080);
    uint64_t quotes = bytes ^ ones * '"', slashes = bytes ^ ones * '\\';
    return (((bytes - ones * 0x20) & ~bytes) | ((quotes - ones) & ~quotes) |
            ((slashes - ones) & ~slashes)) &
           high;
}

/* Whether a byte of it has to be written as something else. */
static bool has_special(struct alog_string string) {
    uint64_t special = 0, bytes = UINT64_C(0x2020202020202020);
    size_t at = 0;
    for (; string.len - at >= 8; at += 8) {
        memcpy(&bytes, string.data + at, 8);
        special |= special_bytes(bytes);
    }
    if (at != 0 && at != string.len) {
        memcpy(&bytes, string.data + string.len - 8, 8); /* some of them once more */
    } else if (at == 0 && string.len != 0) {
        memcpy(&bytes, string.data, string.len);
    }
    return (special | special_bytes(bytes)) != 0;
}

static char *put_escaped(char *at, struct alog_string string) {
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < string.len; i++) {
        unsigned char c = (unsigned char)string.data[i];
        if (c < 0x20) {
            memcpy(at, "\\u00", 4);
            at[4] = hex[c >> 4];
            at[5] = hex[c & 15];
            at += 6;
            continue;
        }
        if (c == '"' || c == '\\') {
            *at++ = '\\';
        }
        *at++ = (char)c;
    }
    return at;
}

char *alog_json_put_string(char *at, struct alog_string string) {
    *at++ = '"';
    if (has_special(string)) {
        at = put_escaped(at, string);
    } else {
        memcpy(at, string.data, string.len);
        at += string.len;
    }
    *at++ = '"';
    return at;
}

/* ---- Reading ---- */

bool alog_json_take_number(struct alog_json_reader *in, int64_t *ret_number) {
    bool negative = alog_json_take(in, '-');
    const char *first = in->at;
    uint64_t number = 0;
    while (in->at < in->end && *in->at >= '0' && *in->at <= '9') {
        uint64_t digit = (uint64_t)(*in->at - '0');
        if (number > (INT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
        in->at++;
    }
    *ret_number = negative ? -(int64_t)number : (int64_t)number;
    return in->at != first;
}

static int digit_of(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind a backslash. */
static bool take_escape(struct alog_json_reader *in, char *ret_byte) {
    if (in->at == in->end) {
        return false;
    }
    char c = *in->at++;
    if (c == '"' || c == '\\') {
        *ret_byte = c;
        return true;
    }
    if (c != 'u' || in->end - in->at < 4 || in->at[0] != '0' || in->at[1] != '0') {
        return false;
    }
    int high = digit_of(in->at[2]), low = digit_of(in->at[3]);
    in->at += 4;
    *ret_byte = (char)(high * 16 + low);
    return high >= 0 && high < 2 && low >= 0;
}

enum alog_status alog_json_take_string(struct alog_json_reader *in,
                                       struct alog_string *ret_string) {
    if (!alog_json_take(in, '"')) {
        return ALOG_CORRUPT;
    }
    in->string.len = 0;
    if (alog_buffer_reserve(&in->string, (size_t)(in->end - in->at)) != ALOG_OK) {
        return ALOG_NO_MEMORY;
    }
    char *out = (char *)in->string.data;
    while (in->at < in->end && *in->at != '"') {
        char byte = *in->at++;
        if (byte == '\\' && !take_escape(in, &byte)) {
            return ALOG_CORRUPT;
        }
        *out++ = byte;
    }
    const char *first = (const char *)in->string.data;
    *ret_string = (struct alog_string){first, (size_t)(out - first)};
    return alog_json_take(in, '"') ? ALOG_OK : ALOG_CORRUPT;
}
