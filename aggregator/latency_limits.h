/* The latencies that calls are counted against as they are ingested: a setting of the database. */
#ifndef AGENTLOG_AGGREGATOR_LATENCY_LIMITS_H
#define AGENTLOG_AGGREGATOR_LATENCY_LIMITS_H

#include <agentlog/agentlog.h>

#define ALOG_LATENCY_BANDS 8u

/* Ascending, each greater than 0. */
struct alog_latency_limits {
    uint32_t count;
    int64_t us[ALOG_LATENCY_BANDS];
};

/* 0.5, 1, 2, 5, 10, 20, 30 and 60 seconds. */
void alog_latency_limits_default(struct alog_latency_limits *ret_limits);

/* From milliseconds in any order, to the microsecond. ALOG_INVALID: too many, the same twice, not
 * greater than 0, or above 2^53 microseconds. */
enum alog_status alog_latency_limits_from_ms(const double *ms, size_t count,
                                             struct alog_latency_limits *ret_limits,
                                             struct alog_error *error);

bool alog_latency_limits_equal(const struct alog_latency_limits *a,
                               const struct alog_latency_limits *b);

/* The text of the setting: "500000,1000000". */
#define ALOG_LATENCY_LIMITS_BYTES 192
void alog_latency_limits_write(const struct alog_latency_limits *limits,
                               char ret_text[ALOG_LATENCY_LIMITS_BYTES]);
/* What was written; ALOG_CORRUPT for anything else. */
enum alog_status alog_latency_limits_read(const char *text, struct alog_latency_limits *ret_limits);

#endif
