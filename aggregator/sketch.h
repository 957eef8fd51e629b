/*
 * A latency sketch: counts of whole microseconds in the buckets of OpenTelemetry's base-2
 * exponential histogram at scale 5 (32 buckets per doubling, ratio 2^(1/32)), and of zeros.
 *
 * Bucket b holds the values v with 2^((b-1)/32) < v <= 2^(b/32), which is OpenTelemetry's index
 * b - 1 at scale 5; bucket 0 holds 1 alone. Any estimate is within 1.09 % of the value it stands
 * for: (g - 1) / (g + 1) with g = 2^(1/32). Adding and merging are sums of integers, so order never
 * matters.
 *
 * As bytes (version 1): nothing at all for an empty sketch, else
 *     0x01, varint zeros, then for each bucket with a count, ascending: varint step, varint count
 * where step is the bucket's number, then the distance from the bucket before. Varints are LEB128,
 * always the shortest; so one sketch has one form, and equal sketches are equal bytes.
 *
 * Source of bucket mapping and scale: OpenTelemetry, Metrics Data Model, "ExponentialHistogram".
 */
#ifndef AGENTLOG_AGGREGATOR_SKETCH_H
#define AGENTLOG_AGGREGATOR_SKETCH_H

#include <agentlog/agentlog.h>

#include "arena.h"

#define ALOG_SKETCH_VERSION 1
#define ALOG_SKETCH_BUCKETS 2017u /* 0 .. 32 * 63, for values up to INT64_MAX */

/*
 * Zero-initialise. What counts in it takes an arena that its counts are put into, the same each
 * time (they go with the arena, and what the sketch grew out of stays there until then), or NULL:
 * then they are on the heap, and alog_sketch_free frees them. Buckets first .. first + len - 1 are
 * in `narrow`, or in `wide` once a count has left 16 bits; the other is NULL. (While events are
 * folded thousands of sketches are counted in, and hardly a bucket gets that far: what counts is
 * that they stay in the processor's cache.)
 */
struct alog_sketch {
    uint64_t zeros;
    uint16_t *narrow;
    uint64_t *wide;
    uint32_t first, len;
};

/* Of one on the heap. */
void alog_sketch_free(struct alog_sketch *sketch);

#define ALOG_SKETCH_PER_DOUBLING 32u

/* floor(2^(j/32) * 2^63): the bounds within one doubling. Irrational but for j = 0, so an integer m
 * is above the bound exactly when it is above its floor. */
extern const uint64_t alog_sketch_bounds[ALOG_SKETCH_PER_DOUBLING];

/* How many bounds lie below the start of each 64th of a doubling. A 64th is narrower than a bucket,
 * so at most one more bound lies within it. */
extern const uint8_t alog_sketch_bounds_below[64];

/* The bucket of a value >= 1. Integers only: exact for every value. */
static inline uint32_t alog_sketch_bucket(uint64_t value_us) {
    uint32_t zeros_in_front = (uint32_t)__builtin_clzll(value_us);
    uint64_t mantissa = value_us << zeros_in_front;
    uint32_t below = alog_sketch_bounds_below[(mantissa >> 57) & 63];
    if (below < ALOG_SKETCH_PER_DOUBLING && mantissa > alog_sketch_bounds[below]) {
        below++;
    }
    return ALOG_SKETCH_PER_DOUBLING * (63 - zeros_in_front) + below;
}

/* The bucket's upper bound and the estimate for a value in it, in microseconds. */
double alog_sketch_bucket_upper_us(uint32_t bucket);
double alog_sketch_bucket_estimate_us(uint32_t bucket);

/* Count a value >= 0. ALOG_NO_MEMORY. Cost: a table look-up, once the range has been seen. */
enum alog_status alog_sketch_add(struct alog_sketch *sketch, int64_t value_us,
                                 struct alog_arena *arena);

/* Add `count` to a bucket below ALOG_SKETCH_BUCKETS: the buckets may count something other than
 * latencies, as rollup_calibration's do. ALOG_NO_MEMORY. */
enum alog_status alog_sketch_add_at(struct alog_sketch *sketch, uint32_t bucket, uint64_t count,
                                    struct alog_arena *arena);

/* Add `from` to `into`; on failure (ALOG_NO_MEMORY) `into` is unchanged. */
enum alog_status alog_sketch_merge(struct alog_sketch *into, const struct alog_sketch *from,
                                   struct alog_arena *arena);

/* The same with a sketch as bytes. ALOG_CORRUPT: they are none (`into` is then unchanged).
 * ALOG_UNSUPPORTED: a newer version. ALOG_LIMIT: a count leaves 64 bits. */
enum alog_status alog_sketch_merge_bytes(struct alog_sketch *into, const void *bytes, size_t len,
                                         struct alog_arena *arena);

/* How many values are in it. */
uint64_t alog_sketch_count(const struct alog_sketch *sketch);

/* The quantile 0..1 by nearest rank: the estimate for the ceil(q * n)-th smallest value (the first
 * for q = 0). False when the sketch is empty or q is not in 0..1. */
bool alog_sketch_quantile_us(const struct alog_sketch *sketch, double q, double *ret_us);

/* How many values are at most `limit_us`, to the width of one bucket. */
uint64_t alog_sketch_count_until_us(const struct alog_sketch *sketch, double limit_us);

/* What is in the buckets from `from` and below `below`, and the sum of bucket times count. */
uint64_t alog_sketch_count_between(const struct alog_sketch *sketch, uint32_t from, uint32_t below);
uint64_t alog_sketch_sum_between(const struct alog_sketch *sketch, uint32_t from, uint32_t below);

/* Bytes that alog_sketch_encode may write, at most. */
size_t alog_sketch_encoded_bound(const struct alog_sketch *sketch);

/* Write the bytes; returns how many (0 for an empty sketch). */
size_t alog_sketch_encode(const struct alog_sketch *sketch, uint8_t *bytes);

#endif
