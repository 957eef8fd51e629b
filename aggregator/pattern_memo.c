#include "pattern_memo.h"

/* Eight characters, each digit as '0'. */
static inline uint64_t without_digits(uint64_t word) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t low = word & 0x7f * ones;
    uint64_t from_0 = low + (0x80 - '0') * ones;     /* the high bit: '0' and above, */
    uint64_t from_colon = low + (0x80 - ':') * ones; /* … ':' and above */
    uint64_t digits = from_0 & ~from_colon & ~word & 0x80 * ones;
    return word & ~((digits >> 7) * 0x0f);
}

/* Returns a hash. */
static uint64_t shape_of(struct alog_string message, uint64_t words[ALOG_PATTERN_MEMO_WORDS]) {
    const uint64_t factor = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t hash = message.len;
    const char *at = message.data;
    size_t left = message.len;
    for (; left >= 8; at += 8, left -= 8) {
        memcpy(words, at, 8);
        *words = without_digits(*words);
        hash = (hash ^ *words++) * factor;
        hash ^= hash >> 32;
    }
    if (left != 0) {
        *words = 0;
        memcpy(words, at, left);
        *words = without_digits(*words);
        hash = (hash ^ *words) * factor;
        hash ^= hash >> 32;
    }
    return hash;
}

bool alog_pattern_memo_find(struct alog_pattern_memo *memo, struct alog_string message,
                            struct alog_pattern_shape **ret_shape) {
    *ret_shape = NULL;
    if (message.len == 0 || message.len > ALOG_PATTERN_MEMO_BYTES) {
        return false;
    }
    uint64_t words[ALOG_PATTERN_MEMO_WORDS];
    uint64_t hash = shape_of(message, words);
    struct alog_pattern_shape *shape = &memo->shapes[hash % ALOG_PATTERN_MEMO_SHAPES];
    *ret_shape = shape;
    bool same = shape->len == message.len;
    for (size_t i = 0; same && i < (message.len + 7) / 8; i++) {
        same = shape->words[i] == words[i];
    }
    return same;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* What alog_message_pattern looks at beyond a character's class: 0x, and the digits that it leaves
 * as they are. */
static bool digits_matter(struct alog_string message, struct alog_string pattern) {
    bool matter = false;
    for (size_t i = 0; i + 1 < message.len; i++) {
        matter |= is_digit(message.data[i]) && (message.data[i + 1] | 0x20) == 'x';
    }
    for (size_t i = 0; i < pattern.len; i++) {
        matter |= is_digit(pattern.data[i]);
    }
    return matter;
}

void alog_pattern_memo_put(struct alog_pattern_shape *shape, struct alog_string message,
                           struct alog_string pattern, uint32_t name) {
    if (shape && !digits_matter(message, pattern)) {
        shape->len = (uint32_t)message.len;
        shape->name = name;
        shape_of(message, shape->words);
    }
}
