/* The names of segment files, and how they are read back. */
#include "segment.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS_PER_SECOND INT64_C(1000000000)

void alog_segment_name_format(int64_t start_ns, uint64_t writer_id, uint64_t number, bool open,
                              char name[ALOG_SEGMENT_NAME_BYTES]) {
    /* A clock before 1970 has no name; the time in a name only orders and finds segments. */
    if (start_ns < 0) {
        start_ns = 0;
    }
    time_t seconds = (time_t)(start_ns / NS_PER_SECOND);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    char start[16]; /* years end at 2262 */
    strftime(start, sizeof start, "%Y%m%dT%H%M%S", &utc);
    snprintf(name, ALOG_SEGMENT_NAME_BYTES,
             "%s.%09" PRId64 "Z-%016" PRIx64 "-%06" PRIu64 ".msgpack.zst%s", start,
             start_ns % NS_PER_SECOND, writer_id, number, open ? ".open" : "");
}

/* Exactly `digits` digits of `base` (10, or 16 in lower case) at *at, which moves on. */
static bool parse_digits(const char **at, unsigned digits, unsigned base, uint64_t *ret_value) {
    uint64_t value = 0;
    for (unsigned i = 0; i < digits; i++) {
        char c = (*at)[i];
        unsigned digit;
        if (c >= '0' && c <= '9') {
            digit = (unsigned)(c - '0');
        } else if (base == 16 && c >= 'a' && c <= 'f') {
            digit = (unsigned)(c - 'a') + 10;
        } else {
            return false;
        }
        value = value * base + digit;
    }
    *at += digits;
    *ret_value = value;
    return true;
}

static bool parse_char(const char **at, char c) {
    if (**at != c) {
        return false;
    }
    (*at)++;
    return true;
}

static bool parse_start(const char **at, int64_t *ret_start_ns) {
    uint64_t year, month, day, hour, minute, second, ns;
    if (!parse_digits(at, 4, 10, &year) || !parse_digits(at, 2, 10, &month) ||
        !parse_digits(at, 2, 10, &day) || !parse_char(at, 'T') || !parse_digits(at, 2, 10, &hour) ||
        !parse_digits(at, 2, 10, &minute) || !parse_digits(at, 2, 10, &second) ||
        !parse_char(at, '.') || !parse_digits(at, 9, 10, &ns) || !parse_char(at, 'Z')) {
        return false;
    }
    struct tm utc = {
        .tm_year = (int)year - 1900,
        .tm_mon = (int)month - 1,
        .tm_mday = (int)day,
        .tm_hour = (int)hour,
        .tm_min = (int)minute,
        .tm_sec = (int)second,
    };
    int64_t seconds = timegm(&utc);
    if (seconds < 0 || __builtin_mul_overflow(seconds, NS_PER_SECOND, ret_start_ns)) {
        return false;
    }
    return !__builtin_add_overflow(*ret_start_ns, (int64_t)ns, ret_start_ns);
}

static bool parse_number(const char **at, uint64_t *ret_number) {
    size_t digits = strspn(*at, "0123456789");
    /* 19 digits always fit; no writer comes near the twentieth. */
    return digits >= 1 && digits <= 19 && parse_digits(at, (unsigned)digits, 10, ret_number) &&
           *ret_number > 0;
}

bool alog_segment_name_parse(const char *name, int64_t *ret_start_ns, uint64_t *ret_writer_id,
                             uint64_t *ret_number, bool *ret_open) {
    const char *at = name;
    int64_t start_ns;
    uint64_t writer_id, number;
    if (!parse_start(&at, &start_ns) || !parse_char(&at, '-') ||
        !parse_digits(&at, 16, 16, &writer_id) || !parse_char(&at, '-') ||
        !parse_number(&at, &number)) {
        return false;
    }
    /* One name for one segment: whatever formats differently (February 30, stray zeros) is none. */
    char canonical[ALOG_SEGMENT_NAME_BYTES];
    bool open = strcmp(at, ".msgpack.zst.open") == 0;
    alog_segment_name_format(start_ns, writer_id, number, open, canonical);
    if (strcmp(name, canonical) != 0) {
        return false;
    }
    *ret_start_ns = start_ns;
    *ret_writer_id = writer_id;
    *ret_number = number;
    *ret_open = open;
    return true;
}
