/* Untrusted text made safe for terminals and for JSON. */
#include "safe_text.h"

#include <stdio.h>
#include <stdlib.h>

#define LONGEST_PIECE 8

static const char replacement[] = "\xef\xbf\xbd";

/* The character at `at` and its length; length 1 and *ret_code < 0 for a byte that begins no
 * well-formed one. */
static size_t next_character(const unsigned char *at, size_t left, int32_t *ret_code) {
    static const int32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const size_t length = at[0] < 0x80   ? 1
                          : at[0] < 0xc0 ? 0
                          : at[0] < 0xe0 ? 2
                          : at[0] < 0xf0 ? 3
                          : at[0] < 0xf8 ? 4
                                         : 0;
    *ret_code = -1;
    if (length == 0 || length > left) {
        return 1;
    }
    int32_t code = length == 1 ? at[0] : at[0] & (0xff >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 1;
        }
        code = (code << 6) | (at[i] & 0x3f);
    }
    if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        return 1;
    }
    *ret_code = code;
    return length;
}

/* Bidirectional controls can make a text look like another one. */
static bool is_reordering(int32_t code) {
    return (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
           code == 0x200e || code == 0x200f || code == 0x2028 || code == 0x2029;
}

static size_t make_safe(struct alog_string text, char *out, size_t room, bool keep_lines) {
    const unsigned char *at = (const unsigned char *)text.data;
    size_t left = text.len;
    size_t len = 0;
    while (left > 0) {
        int32_t code;
        char piece[LONGEST_PIECE];
        size_t piece_len;
        const size_t taken = next_character(at, left, &code);
        if (code < 0 || (code < 0x20 && !(keep_lines && code == '\n')) || code == 0x7f) {
            piece_len = (size_t)snprintf(piece, sizeof piece, "\\x%02x", at[0]);
        } else if ((code >= 0x80 && code < 0xa0) || is_reordering(code)) {
            piece_len = (size_t)snprintf(piece, sizeof piece, "\\u%04x", (unsigned)code & 0xffff);
        } else {
            memcpy(piece, at, taken);
            piece_len = taken;
        }
        if (len + piece_len >= room) {
            break;
        }
        memcpy(out + len, piece, piece_len);
        len += piece_len;
        at += taken;
        left -= taken;
    }
    out[len] = '\0';
    return len;
}

size_t safe_text(struct alog_string text, char *out, size_t room) {
    return make_safe(text, out, room, false);
}

size_t safe_lines(struct alog_string text, char *out, size_t room) {
    return make_safe(text, out, room, true);
}

bool safe_json_needed(const char *json, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)json[i] >= 0x7f) {
            return true;
        }
    }
    return false;
}

size_t safe_json(struct alog_string json, char *out, size_t room) {
    const unsigned char *at = (const unsigned char *)json.data;
    size_t left = json.len;
    size_t len = 0;
    while (left > 0 && len + LONGEST_PIECE < room) {
        int32_t code;
        const size_t taken = next_character(at, left, &code);
        if (code < 0) {
            memcpy(out + len, replacement, sizeof replacement - 1);
            len += sizeof replacement - 1;
        } else if ((code >= 0x7f && code < 0xa0) || is_reordering(code)) {
            len += (size_t)snprintf(out + len, LONGEST_PIECE, "\\u%04x", (unsigned)code & 0xffff);
        } else {
            memcpy(out + len, at, taken);
            len += taken;
        }
        at += taken;
        left -= taken;
    }
    return len;
}

size_t safe_width(const char *text) {
    size_t width = 0;
    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return width;
}

char *valid_utf8(struct alog_string text, size_t *ret_len) {
    char *out = malloc(text.len * 3 + 1);
    if (out == NULL) {
        return NULL;
    }
    const unsigned char *at = (const unsigned char *)text.data;
    size_t len = 0;
    for (size_t left = text.len; left > 0;) {
        int32_t code;
        const size_t taken = next_character(at, left, &code);
        const size_t piece_len = code < 0 ? sizeof replacement - 1 : taken;
        memcpy(out + len, code < 0 ? replacement : (const char *)at, piece_len);
        len += piece_len;
        at += taken;
        left -= taken;
    }
    out[len] = '\0';
    *ret_len = len;
    return out;
}
