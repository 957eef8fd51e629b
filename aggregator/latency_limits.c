#include "latency_limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "fixed.h"
#include "format/error.h"

void alog_latency_limits_default(struct alog_latency_limits *ret_limits) {
    *ret_limits = (struct alog_latency_limits){
        8, {500000, 1000000, 2000000, 5000000, 10000000, 20000000, 30000000, 60000000}};
}

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

enum alog_status alog_latency_limits_from_ms(const double *ms, size_t count,
                                             struct alog_latency_limits *ret_limits,
                                             struct alog_error *error) {
    struct alog_latency_limits limits = {.count = (uint32_t)count};
    if (count > ALOG_LATENCY_BANDS) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "there may be %u latency thresholds, not %zu",
                         ALOG_LATENCY_BANDS, count);
    }
    for (size_t i = 0; i < count; i++) {
        if (!alog_fixed_from_double(ms[i], 3, &limits.us[i]) || limits.us[i] <= 0) {
            return alog_fail(error, ALOG_INVALID, 0, -1,
                             "a latency threshold must be greater than 0, and not absurd");
        }
    }
    qsort(limits.us, count, sizeof(limits.us[0]), by_value);
    for (size_t i = 1; i < count; i++) {
        if (limits.us[i] == limits.us[i - 1]) {
            return alog_fail(error, ALOG_INVALID, 0, -1, "a latency threshold is there twice");
        }
    }
    *ret_limits = limits;
    return ALOG_OK;
}

bool alog_latency_limits_equal(const struct alog_latency_limits *a,
                               const struct alog_latency_limits *b) {
    return a->count == b->count && memcmp(a->us, b->us, a->count * sizeof(a->us[0])) == 0;
}

void alog_latency_limits_write(const struct alog_latency_limits *limits,
                               char ret_text[ALOG_LATENCY_LIMITS_BYTES]) {
    size_t len = 0;
    ret_text[0] = '\0';
    for (uint32_t i = 0; i < limits->count; i++) {
        len += (size_t)snprintf(ret_text + len, ALOG_LATENCY_LIMITS_BYTES - len, "%s%" PRId64,
                                i == 0 ? "" : ",", limits->us[i]);
    }
}

enum alog_status alog_latency_limits_read(const char *text,
                                          struct alog_latency_limits *ret_limits) {
    struct alog_latency_limits limits = {0};
    while (*text != '\0') {
        char *end;
        long long us = strtoll(text, &end, 10);
        bool ascending = us > (limits.count == 0 ? 0 : limits.us[limits.count - 1]);
        if (end == text || (*end != ',' && *end != '\0') || !ascending ||
            limits.count == ALOG_LATENCY_BANDS) {
            return ALOG_CORRUPT;
        }
        limits.us[limits.count++] = us;
        text = *end == ',' ? end + 1 : end;
    }
    *ret_limits = limits;
    return ALOG_OK;
}
