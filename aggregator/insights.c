#include "insights.h"

/* A place in the text; `at` becomes NULL at what is not JSON. */
struct scan {
    const char *at, *end;
};

static void skip_space(struct scan *scan) {
    while (scan->at != scan->end && strchr(" \t\r\n", *scan->at) != NULL && *scan->at != '\0') {
        scan->at++;
    }
}

static char peek(struct scan *scan) {
    if (!scan->at) {
        return '\0';
    }
    skip_space(scan);
    return scan->at != scan->end ? *scan->at : '\0';
}

static bool take(struct scan *scan, char c) {
    if (peek(scan) != c || c == '\0') {
        return false;
    }
    scan->at++;
    return true;
}

static void fail(struct scan *scan) {
    scan->at = NULL;
}

/* ---- Strings ---- */

static bool hex4(struct scan *scan, uint32_t *ret_value) {
    uint32_t value = 0;
    if (scan->end - scan->at < 4) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        char c = *scan->at++;
        char low = (char)(c | 0x20);
        if (c >= '0' && c <= '9') {
            value = value << 4 | (uint32_t)(c - '0');
        } else if (low >= 'a' && low <= 'f') {
            value = value << 4 | (uint32_t)(low - 'a' + 10);
        } else {
            return false;
        }
    }
    *ret_value = value;
    return true;
}

static size_t put_utf8(uint32_t c, char out[4]) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* Behind "\u": one character, of two surrogates if need be. */
static size_t unescape_unicode(struct scan *scan, char out[4]) {
    uint32_t c = 0xfffd, low;
    if (!hex4(scan, &c)) {
        fail(scan);
        return 0;
    }
    if (c >= 0xd800 && c < 0xdc00 && scan->end - scan->at >= 6 && scan->at[0] == '\\' &&
        scan->at[1] == 'u') {
        struct scan ahead = {scan->at + 2, scan->end};
        if (hex4(&ahead, &low) && low >= 0xdc00 && low < 0xe000) {
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            *scan = ahead;
        }
    }
    return put_utf8(c >= 0xd800 && c < 0xe000 ? 0xfffd : c, out);
}

/* Behind the backslash. */
static size_t unescape(struct scan *scan, char out[4]) {
    static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = *scan->at++;
    if (c == 'u') {
        return unescape_unicode(scan, out);
    }
    const char *letter = c != '\0' ? strchr(letters, c) : NULL;
    if (!letter) {
        fail(scan);
        return 0;
    }
    out[0] = values[letter - letters];
    return 1;
}

/* The string that stands here, into `out`; what does not fit is cut off. Its length, or 0. */
static size_t read_string(struct scan *scan, char *out, size_t capacity) {
    size_t len = 0;
    bool cut = false;
    if (!take(scan, '"')) {
        fail(scan);
        return 0;
    }
    while (scan->at && scan->at != scan->end && *scan->at != '"') {
        char bytes[4] = {*scan->at++};
        size_t count = 1;
        if (bytes[0] == '\\') {
            if (scan->at == scan->end) {
                break;
            }
            count = unescape(scan, bytes);
        }
        cut |= len + count > capacity;
        if (!cut && count != 0) {
            memcpy(out + len, bytes, count);
            len += count;
        }
    }
    if (!scan->at || scan->at == scan->end) {
        fail(scan);
        return 0;
    }
    scan->at++;
    return len;
}

/* ---- Values ---- */

/* Pass over a value, however deep: brackets are counted, strings skipped. */
static void skip_value(struct scan *scan) {
    size_t depth = 0;
    do {
        char c = peek(scan);
        if (c == '\0') {
            fail(scan);
        } else if (c == '"') {
            read_string(scan, NULL, 0);
        } else if (c == '{' || c == '[') {
            depth++;
            scan->at++;
        } else if (c == '}' || c == ']') {
            if (depth == 0) {
                fail(scan);
                return;
            }
            depth--;
            scan->at++;
        } else if ((c == ',' || c == ':') && depth != 0) {
            scan->at++;
        } else if (c == ',' || c == ':') {
            fail(scan);
        } else {
            while (scan->at != scan->end && strchr(" \t\r\n,:]}[{\"", *scan->at) == NULL) {
                scan->at++;
            }
        }
    } while (scan->at && depth != 0);
}

/* The string here as a further name. */
static void add_name(struct scan *scan, struct alog_insight_hooks *hooks) {
    char *text = hooks->text + hooks->text_used;
    size_t len = read_string(scan, text, sizeof(hooks->text) - hooks->text_used);
    if (!scan->at || len == 0 || hooks->count == ALOG_INSIGHT_HOOKS) {
        return;
    }
    struct alog_string name = {text, len};
    for (unsigned i = 0; i < hooks->count; i++) {
        if (alog_string_equal(hooks->names[i], name)) {
            return;
        }
    }
    hooks->names[hooks->count++] = name;
    hooks->text_used += len;
}

/* A member's key, up to its value. */
static struct alog_string next_key(struct scan *scan, char *room, size_t capacity) {
    size_t len = read_string(scan, room, capacity);
    if (scan->at && !take(scan, ':')) {
        fail(scan);
    }
    return (struct alog_string){room, len};
}

static bool is_hook_key(struct alog_string key) {
    return alog_string_equal(key, ALOG_STR("hook_name")) ||
           alog_string_equal(key, ALOG_STR("hook")) || alog_string_equal(key, ALOG_STR("name"));
}

/* Whether an array or object goes on: its next item stands here. */
static bool goes_on(struct scan *scan, char close, bool first) {
    if (take(scan, close)) {
        return false;
    }
    if (!first && !take(scan, ',')) {
        fail(scan);
    }
    return scan->at != NULL;
}

static void read_hook_object(struct scan *scan, struct alog_insight_hooks *hooks) {
    char room[16];
    take(scan, '{');
    for (bool first = true; goes_on(scan, '}', first); first = false) {
        struct alog_string key = next_key(scan, room, sizeof(room));
        if (is_hook_key(key) && peek(scan) == '"') {
            add_name(scan, hooks);
        } else {
            skip_value(scan);
        }
    }
}

static void read_hooks(struct scan *scan, struct alog_insight_hooks *hooks) {
    if (take(scan, '[')) {
        for (bool first = true; goes_on(scan, ']', first); first = false) {
            if (peek(scan) == '"') {
                add_name(scan, hooks);
            } else if (peek(scan) == '{') {
                read_hook_object(scan, hooks);
            } else {
                skip_value(scan);
            }
        }
    } else if (take(scan, '{')) {
        for (bool first = true; goes_on(scan, '}', first); first = false) {
            add_name(scan, hooks);
            if (scan->at && !take(scan, ':')) {
                fail(scan);
            }
            skip_value(scan);
        }
    } else {
        skip_value(scan);
    }
}

void alog_insights_read(struct alog_string json, struct alog_insight_hooks *ret_hooks) {
    char room[32];
    ret_hooks->count = 0;
    ret_hooks->text_used = 0;
    struct scan scan = {json.data, json.data ? json.data + json.len : NULL};
    if (!take(&scan, '{')) {
        return;
    }
    for (bool first = true; goes_on(&scan, '}', first); first = false) {
        struct alog_string key = next_key(&scan, room, sizeof(room));
        if (alog_string_equal(key, ALOG_STR("problematic_hooks"))) {
            read_hooks(&scan, ret_hooks);
        } else {
            skip_value(&scan);
        }
    }
}
