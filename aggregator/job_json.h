/*
 * The JSON that the database keeps of jobs (see job_parts.h), piece by piece: numbers and strings
 * are put where the caller has made room for them, and only what was put is taken back.
 */
#ifndef AGENTLOG_AGGREGATOR_JOB_JSON_H
#define AGENTLOG_AGGREGATOR_JOB_JSON_H

#include "format/segment.h"

/* ---- Writing ---- */

/* What a number takes at most, with a comma; eight bytes are written even where there are fewer. */
#define ALOG_JSON_NUMBER_BYTES 28u

/* What a string takes at most, with a comma. */
static inline size_t alog_json_string_room(struct alog_string string) {
    return 6 * string.len + 3;
}

/* The digits of a number below 10^8, one in each byte, the first in the lowest: all eight in a few
 * steps and without a guess at how many they are. */
static inline uint64_t alog_json_eight_digits(uint32_t number) {
    uint64_t fours = number / 10000 | (uint64_t)(number % 10000) << 32;
    uint64_t hundreds = (fours * 10486 >> 20) & UINT64_C(0x0000007f0000007f);
    uint64_t pairs = hundreds | (fours - 100 * hundreds) << 16;
    uint64_t tens = (pairs * 103 >> 10) & UINT64_C(0x000f000f000f000f);
    return tens | (pairs - 10 * tens) << 8;
}

static inline char *alog_json_put_eight(char *at, uint32_t number) {
    uint64_t text = alog_json_eight_digits(number) + UINT64_C(0x3030303030303030);
    memcpy(at, &text, 8);
    return at + 8;
}

/* Without zeros in front. Most numbers are short, and a processor soon knows in which columns. */
static inline char *alog_json_put_below_1e8(char *at, uint32_t number) {
    if (number < 10) {
        *at = (char)('0' + number);
        return at + 1;
    }
    if (number < 100) {
        at[0] = (char)('0' + number / 10);
        at[1] = (char)('0' + number % 10);
        return at + 2;
    }
    uint64_t digits = alog_json_eight_digits(number);
    unsigned zeros = (unsigned)__builtin_ctzll(digits) / 8;
    uint64_t text = (digits + UINT64_C(0x3030303030303030)) >> 8 * zeros;
    memcpy(at, &text, 8);
    return at + 8 - zeros;
}

static inline char *alog_json_put_number(char *at, int64_t number) {
    const uint64_t limit = 100000000;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    if (number < 0) {
        *at++ = '-';
    }
    if (left < limit) {
        return alog_json_put_below_1e8(at, (uint32_t)left);
    }
    uint64_t high = left / limit;
    if (high < limit) {
        at = alog_json_put_below_1e8(at, (uint32_t)high);
    } else {
        at = alog_json_put_below_1e8(at, (uint32_t)(high / limit));
        at = alog_json_put_eight(at, (uint32_t)(high % limit));
    }
    return alog_json_put_eight(at, (uint32_t)(left % limit));
}

char *alog_json_put_string(char *at, struct alog_string string);

/* ---- Reading: what was written and nothing else ---- */

/* Zero-initialise but for at and end; free `string`. */
struct alog_json_reader {
    const char *at, *end;
    struct alog_buffer string; /* the last one taken, unescaped */
};

/* Whether `c` comes next; if so, pass it. */
static inline bool alog_json_take(struct alog_json_reader *in, char c) {
    bool there = in->at < in->end && *in->at == c;
    in->at += there;
    return there;
}

/* False: there is none, or it leaves 64 bits. */
bool alog_json_take_number(struct alog_json_reader *in, int64_t *ret_number);

/* *ret_string stays until the next is taken. ALOG_CORRUPT, ALOG_NO_MEMORY. */
enum alog_status alog_json_take_string(struct alog_json_reader *in, struct alog_string *ret_string);

#endif
