#include "report/html.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "output.h"
#include "safe_text.h"

#define FIRST_BYTES 65536
#define WIDE_FROM   0x2e80 /* East Asian scripts and emoji, by and large */

void html_free(struct html *html) {
    free(html->data);
    *html = (struct html){0};
}

static void append(struct html *html, const char *data, size_t len) {
    if (len == 0) {
        return;
    }
    if (html->capacity - html->len < len) {
        size_t capacity = html->capacity == 0 ? FIRST_BYTES : html->capacity * 2;
        while (capacity - html->len < len) {
            capacity *= 2;
        }
        char *grown = output_allocate(capacity, 1);
        if (html->len > 0) {
            memcpy(grown, html->data, html->len);
        }
        free(html->data);
        html->data = grown;
        html->capacity = capacity;
    }
    memcpy(html->data + html->len, data, len);
    html->len += len;
}

void html_raw(struct html *html, const char *markup) {
    append(html, markup, strlen(markup));
}

void html_format(struct html *html, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    const int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    append(html, text, len < (int)sizeof text ? (size_t)len : sizeof text - 1);
}

static const char *entity_of(char character) {
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* `text` has no more bytes that would have to be made safe. */
static void append_escaped(struct html *html, const char *text, size_t len) {
    size_t plain = 0;
    for (size_t i = 0; i < len; i++) {
        const char *entity = entity_of(text[i]);
        if (entity != NULL) {
            append(html, text + plain, i - plain);
            html_raw(html, entity);
            plain = i + 1;
        }
    }
    append(html, text + plain, len - plain);
}

/* Malloc'ed: valid UTF-8 without anything that is not to be shown as it is. */
static char *shown(struct alog_string text, size_t *ret_len) {
    size_t len = 0;
    char *valid = valid_utf8(text, &len);
    if (valid == NULL) {
        valid = output_allocate(1, 1);
    }
    char *safe = output_allocate(SAFE_TEXT_BYTES(len), 1);
    *ret_len = safe_text((struct alog_string){valid, len}, safe, SAFE_TEXT_BYTES(len));
    free(valid);
    return safe;
}

void html_text(struct html *html, struct alog_string text) {
    size_t len = 0;
    char *safe = shown(text, &len);
    append_escaped(html, safe, len);
    free(safe);
}

static size_t bytes_of(unsigned char first) {
    return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* The least code that begins with this byte says whether the character is a wide one. */
static bool is_wide(const char *character) {
    const unsigned char *at = (const unsigned char *)character;
    return at[0] >= 0xf0 || (at[0] >= 0xe0 && (((at[0] & 0x0f) << 12) | ((at[1] & 0x3f) << 6)) >=
                                                  (WIDE_FROM & ~0x3f));
}

void html_text_cut(struct html *html, struct alog_string text, size_t columns) {
    size_t len = 0;
    size_t width = 0;
    size_t cut_at = 0; /* where there is still room for the sign of the cut */
    char *safe = shown(text, &len);
    for (size_t at = 0; at < len; at += bytes_of((unsigned char)safe[at])) {
        width += is_wide(safe + at) ? 2 : 1;
        if (width < columns) {
            cut_at = at + bytes_of((unsigned char)safe[at]);
        }
    }
    if (width <= columns) {
        append_escaped(html, safe, len);
    } else {
        append_escaped(html, safe, cut_at);
        html_raw(html, "…");
    }
    free(safe);
}
