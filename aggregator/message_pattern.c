#include "message_pattern.h"

/* What stands further on does not tell messages apart. */
#define MAX_LINE_BYTES 1024u

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Any byte of a longer character is part of a word. */
static bool is_word(char c) {
    return is_letter(c) || is_digit(c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_separator(char c) {
    return c == '/' || c == '\\';
}

static bool is_path(char c) {
    return is_word(c) || is_separator(c) || (c != '\0' && strchr(".~+@%-:", c) != NULL);
}

static bool is_blank(char c) {
    return (unsigned char)c <= ' ' || c == 0x7f;
}

struct folding {
    const char *at, *end;
    char *out;
    size_t len;
    bool full;
    char before; /* the character of the message in front of `at`; 0 = none */
};

static void put(struct folding *f, const char *text, size_t len) {
    f->full |= len > ALOG_PATTERN_BYTES - f->len;
    if (!f->full) {
        memcpy(f->out + f->len, text, len);
        f->len += len;
    }
}

/* Write `text` for the next `len` bytes of the message. */
static void replace(struct folding *f, size_t len, const char *text) {
    f->before = f->at[len - 1];
    f->at += len;
    put(f, text, strlen(text));
}

/* ---- What stands here: its length, or 0 ---- */

/* Punctuation at the end belongs to the sentence. */
static size_t path_here(const struct folding *f) {
    const char *at = f->at;
    unsigned separators = 0;
    const char *last = NULL;
    while (at != f->end && is_path(*at)) {
        if (is_separator(*at)) {
            separators += last != at - 1 || !last;
            last = at;
        }
        at++;
    }
    while (at != f->at && strchr(".:-", at[-1]) != NULL) {
        at--;
    }
    size_t len = (size_t)(at - f->at);
    if (separators == 0 || len < 2) {
        return 0;
    }
    const char *start = f->at;
    while (start + 1 < at && *start == '.' && start - f->at < 2) {
        start++;
    }
    bool rooted = is_separator(*start) || (*start == '~' && is_separator(start[1]));
    bool named = false; /* a.b behind the last separator */
    for (const char *dot = last + 1; dot < at; dot++) {
        named |= *dot == '.' && dot > last + 1 && dot + 1 < at && is_letter(dot[1]);
    }
    return rooted || separators >= 2 || named ? len : 0;
}

static size_t word_here(const struct folding *f) {
    const char *at = f->at;
    while (at != f->end && is_word(*at)) {
        at++;
    }
    return (size_t)(at - f->at);
}

/* Hexadecimal digits, in groups divided by single hyphens: a UUID, a hash. */
static size_t hex_here(const struct folding *f) {
    const char *at = f->at;
    size_t digits = 0;
    bool decimal = false;
    if (f->end - at > 2 && at[0] == '0' && (at[1] | 0x20) == 'x' && is_hex(at[2])) {
        for (at += 2; at != f->end && is_hex(*at); at++) {
        }
        return at == f->end || !is_word(*at) ? (size_t)(at - f->at) : 0;
    }
    for (; at != f->end; at++) {
        if (is_hex(*at)) {
            digits++;
            decimal |= is_digit(*at);
        } else if (*at != '-' || at == f->at || at + 1 == f->end || !is_hex(at[1])) {
            break;
        }
    }
    return digits >= 8 && decimal && (at == f->end || !is_word(*at)) ? (size_t)(at - f->at) : 0;
}

/* A word that no one would say. */
static bool is_scrambled(const char *word, size_t len) {
    unsigned changes = 0;
    for (size_t i = 1; i < len; i++) {
        changes += (is_digit(word[i - 1]) && is_letter(word[i])) ||
                   (is_letter(word[i - 1]) && is_digit(word[i]));
    }
    return len >= 8 && changes >= 3;
}

static size_t number_here(const struct folding *f) {
    const char *at = f->at;
    while (at != f->end && is_digit(*at)) {
        at++;
    }
    if (at != f->at && f->end - at > 1 && *at == '.' && is_digit(at[1])) {
        for (at++; at != f->end && is_digit(*at); at++) {
        }
    }
    return (size_t)(at - f->at);
}

/* ---- Folding ---- */

static void fold_digits(struct folding *f) {
    size_t digits = 0;
    while (f->at + digits != f->end && is_digit(f->at[digits])) {
        digits++;
    }
    if (is_letter(f->before) && digits <= 4) {
        put(f, f->at, digits);
        f->before = f->at[digits - 1];
        f->at += digits;
    } else {
        replace(f, number_here(f), "<n>");
    }
}

/* At the start of a word or path. */
static bool fold_whole(struct folding *f) {
    size_t len = path_here(f);
    if (len != 0) {
        replace(f, len, "<path>");
        return true;
    }
    if (is_word(*f->at)) {
        len = hex_here(f);
        if (len == 0 && is_scrambled(f->at, word_here(f))) {
            len = word_here(f);
        }
        /* Digits alone are a number, however many. */
        if (len != 0 && number_here(f) < len) {
            replace(f, len, "<id>");
            return true;
        }
    }
    return false;
}

static void fold_next(struct folding *f) {
    char c = *f->at;
    if (!is_word(f->before) && is_path(c) && fold_whole(f)) {
        return;
    }
    if (is_digit(c)) {
        fold_digits(f);
        return;
    }
    if (is_blank(c)) {
        if (!is_blank(f->before)) {
            put(f, " ", 1);
        }
    } else {
        put(f, f->at, 1);
    }
    f->before = c;
    f->at++;
}

static struct alog_string first_line(struct alog_string message) {
    while (message.len != 0 && is_blank(*message.data)) {
        message.data++;
        message.len--;
    }
    message.len = message.len < MAX_LINE_BYTES ? message.len : MAX_LINE_BYTES;
    for (size_t i = 0; i < message.len; i++) {
        if (message.data[i] == '\n' || message.data[i] == '\r') {
            message.len = i;
        }
    }
    while (message.len != 0 && is_blank(message.data[message.len - 1])) {
        message.len--;
    }
    return message;
}

struct alog_string alog_message_pattern(struct alog_string message, char room[ALOG_PATTERN_BYTES]) {
    if (!message.data) {
        return (struct alog_string){"", 0};
    }
    struct alog_string line = first_line(message);
    struct folding f = {.at = line.data, .end = line.data + line.len, .out = room};
    while (f.at != f.end && !f.full) {
        fold_next(&f);
    }
    /* Not in the middle of a character. */
    while (f.full && f.len != 0 && ((unsigned char)room[f.len - 1] & 0xc0) == 0x80) {
        f.len--;
    }
    if (f.full && f.len != 0 && (unsigned char)room[f.len - 1] >= 0xc0) {
        f.len--;
    }
    return (struct alog_string){room, f.len};
}
