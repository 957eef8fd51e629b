#include "message_pattern.h"

/* What stands further on does not tell messages apart. */
#define MAX_LINE_BYTES 1024u

/* What a byte is; any of a longer character is part of a word. */
enum {
    DIGIT = 1,
    LETTER = 2,
    HEX = 4,
    WORD = 8,
    SEPARATOR = 16,
    PATH = 32, /* may stand in a path */
    BLANK = 64 /* white space and control characters */
};

#define TIMES_4(...)  __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__
#define TIMES_16(...) TIMES_4(TIMES_4(__VA_ARGS__))
#define D             (DIGIT | HEX | WORD | PATH)
#define H             (LETTER | HEX | WORD | PATH)
#define L             (LETTER | WORD | PATH)
#define X             (WORD | PATH)
#define S             (SEPARATOR | PATH)
#define P             PATH
#define B             BLANK
#define O             0
/* clang-format off */
static const uint8_t classes[256] = {
    TIMES_16(B), TIMES_16(B),
    B, O, O, O, O, P, O, O, O, O, O, P, O, P, P, S, /*   ! " # $ % & ' ( ) * + , - . / */
    D, D, D, D, D, D, D, D, D, D, P, O, O, O, O, O, /* 0 … 9 : ; < = > ? */
    P, H, H, H, H, H, H, L, L, L, L, L, L, L, L, L, /* @ A … O */
    L, L, L, L, L, L, L, L, L, L, L, O, S, O, O, X, /* P … Z [ \ ] ^ _ */
    O, H, H, H, H, H, H, L, L, L, L, L, L, L, L, L, /* ` a … o */
    L, L, L, L, L, L, L, L, L, L, L, O, O, O, P, B, /* p … z { | } ~ DEL */
    TIMES_16(X), TIMES_16(X), TIMES_16(X), TIMES_16(X),
    TIMES_16(X), TIMES_16(X), TIMES_16(X), TIMES_16(X),
};
/* clang-format on */

static inline bool is(char c, unsigned class) {
    return (classes[(unsigned char)c] & class) != 0;
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
    while (at != f->end && is(*at, PATH)) {
        if (is(*at, SEPARATOR)) {
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
    bool rooted = is(*start, SEPARATOR) || (*start == '~' && is(start[1], SEPARATOR));
    bool named = false; /* a.b behind the last separator */
    for (const char *dot = last + 1; dot < at; dot++) {
        named |= *dot == '.' && dot > last + 1 && dot + 1 < at && is(dot[1], LETTER);
    }
    return rooted || separators >= 2 || named ? len : 0;
}

static size_t word_here(const struct folding *f) {
    const char *at = f->at;
    while (at != f->end && is(*at, WORD)) {
        at++;
    }
    return (size_t)(at - f->at);
}

/* Hexadecimal digits, in groups divided by single hyphens: a UUID, a hash. */
static size_t hex_here(const struct folding *f) {
    const char *at = f->at;
    size_t digits = 0;
    bool decimal = false;
    if (f->end - at > 2 && at[0] == '0' && (at[1] | 0x20) == 'x' && is(at[2], HEX)) {
        for (at += 2; at != f->end && is(*at, HEX); at++) {
        }
        return at == f->end || !is(*at, WORD) ? (size_t)(at - f->at) : 0;
    }
    for (; at != f->end; at++) {
        if (is(*at, HEX)) {
            digits++;
            decimal |= is(*at, DIGIT);
        } else if (*at != '-' || at == f->at || at + 1 == f->end || !is(at[1], HEX)) {
            break;
        }
    }
    return digits >= 8 && decimal && (at == f->end || !is(*at, WORD)) ? (size_t)(at - f->at) : 0;
}

/* A word that no one would say. */
static bool is_scrambled(const char *word, size_t len) {
    unsigned changes = 0;
    for (size_t i = 1; i < len; i++) {
        changes += (is(word[i - 1], DIGIT) && is(word[i], LETTER)) ||
                   (is(word[i - 1], LETTER) && is(word[i], DIGIT));
    }
    return len >= 8 && changes >= 3;
}

static size_t number_here(const struct folding *f) {
    const char *at = f->at;
    while (at != f->end && is(*at, DIGIT)) {
        at++;
    }
    if (at != f->at && f->end - at > 1 && *at == '.' && is(at[1], DIGIT)) {
        for (at++; at != f->end && is(*at, DIGIT); at++) {
        }
    }
    return (size_t)(at - f->at);
}

/* ---- Folding ---- */

static void fold_digits(struct folding *f) {
    size_t digits = 0;
    while (f->at + digits != f->end && is(f->at[digits], DIGIT)) {
        digits++;
    }
    if (is(f->before, LETTER) && digits <= 4) {
        put(f, f->at, digits);
        f->before = f->at[digits - 1];
        f->at += digits;
    } else {
        replace(f, number_here(f), "<n>");
    }
}

/* How many characters may belong to a path that begins here, and all that they are. */
static size_t run_here(const struct folding *f, unsigned *ret_classes) {
    const char *at = f->at;
    unsigned all = 0;
    for (; at != f->end && is(*at, PATH); at++) {
        all |= classes[(unsigned char)*at];
    }
    *ret_classes = all;
    return (size_t)(at - f->at);
}

/* Write the next `len` bytes of the message as they are, or as many as there is room for. */
static void keep(struct folding *f, size_t len) {
    if (len > ALOG_PATTERN_BYTES - f->len) {
        len = ALOG_PATTERN_BYTES - f->len;
        f->full = true;
    }
    if (len != 0) {
        memcpy(f->out + f->len, f->at, len);
        f->len += len;
        f->before = f->at[len - 1];
        f->at += len;
    }
}

/* At the start of a word or path. */
static bool fold_whole(struct folding *f) {
    unsigned all;
    size_t run = run_here(f, &all);
    if ((all & (SEPARATOR | DIGIT)) == 0) { /* neither a path nor an id nor a number in it */
        keep(f, run);
        return true;
    }
    size_t len = (all & SEPARATOR) != 0 ? path_here(f) : 0;
    if (len != 0) {
        replace(f, len, "<path>");
        return true;
    }
    if (is(*f->at, WORD) && (all & DIGIT) != 0) {
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

/* What goes on from here without a digit or the start of another word: one character at least. */
static size_t rest_here(const struct folding *f) {
    const char *at = f->at + 1;
    if (is(at[-1], WORD)) {
        while (at != f->end && is(*at, WORD) && !is(*at, DIGIT)) {
            at++;
        }
    }
    return (size_t)(at - f->at);
}

static void fold_next(struct folding *f) {
    char c = *f->at;
    if (!is(f->before, WORD) && is(c, PATH) && fold_whole(f)) {
        return;
    }
    if (is(c, DIGIT)) {
        fold_digits(f);
    } else if (!is(c, BLANK)) {
        keep(f, rest_here(f));
    } else {
        if (!is(f->before, BLANK)) {
            put(f, " ", 1);
        }
        f->before = c;
        f->at++;
    }
}

static struct alog_string first_line(struct alog_string message) {
    while (message.len != 0 && is(*message.data, BLANK)) {
        message.data++;
        message.len--;
    }
    message.len = message.len < MAX_LINE_BYTES ? message.len : MAX_LINE_BYTES;
    for (size_t i = 0; i < message.len; i++) {
        if (message.data[i] == '\n' || message.data[i] == '\r') {
            message.len = i;
        }
    }
    while (message.len != 0 && is(message.data[message.len - 1], BLANK)) {
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
