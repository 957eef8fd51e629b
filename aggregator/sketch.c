#include "sketch.h"

#include <math.h>
#include <stdlib.h>

#define PER_DOUBLING ALOG_SKETCH_PER_DOUBLING

const uint64_t alog_sketch_bounds[PER_DOUBLING] = {
    UINT64_C(0x8000000000000000), UINT64_C(0x82cd8698ac2ba1d7), UINT64_C(0x85aac367cc487b14),
    UINT64_C(0x88980e8092da8527), UINT64_C(0x8b95c1e3ea8bd6e6), UINT64_C(0x8ea4398b45cd53c0),
    UINT64_C(0x91c3d373ab11c336), UINT64_C(0x94f4efa8fef70961), UINT64_C(0x9837f0518db8a96f),
    UINT64_C(0x9b8d39b9d54e5538), UINT64_C(0x9ef5326091a111ad), UINT64_C(0xa27043030c496818),
    UINT64_C(0xa5fed6a9b15138ea), UINT64_C(0xa9a15ab4ea7c0ef8), UINT64_C(0xad583eea42a14ac6),
    UINT64_C(0xb123f581d2ac258f), UINT64_C(0xb504f333f9de6484), UINT64_C(0xb8fbaf4762fb9ee9),
    UINT64_C(0xbd08a39f580c36be), UINT64_C(0xc12c4cca66709456), UINT64_C(0xc5672a115506dadd),
    UINT64_C(0xc9b9bd866e2f27a2), UINT64_C(0xce248c151f8480e3), UINT64_C(0xd2a81d91f12ae45a),
    UINT64_C(0xd744fccad69d6af4), UINT64_C(0xdbfbb797daf23755), UINT64_C(0xe0ccdeec2a94e111),
    UINT64_C(0xe5b906e77c8348a8), UINT64_C(0xeac0c6e7dd24392e), UINT64_C(0xefe4b99bdcdaf5cb),
    UINT64_C(0xf5257d152486cc2c), UINT64_C(0xfa83b2db722a033a)};

const uint8_t alog_sketch_bounds_below[64] = {
    0,  1,  2,  3,  3,  4,  5,  5,  6,  7,  7,  8,  8,  9,  10, 10, 11, 11, 12, 13, 13, 14,
    14, 15, 15, 16, 16, 17, 17, 18, 18, 19, 19, 20, 20, 21, 21, 22, 22, 22, 23, 23, 24, 24,
    25, 25, 26, 26, 26, 27, 27, 28, 28, 28, 29, 29, 30, 30, 30, 31, 31, 31, 32, 32};

void alog_sketch_free(struct alog_sketch *sketch) {
    free(sketch->narrow);
    free(sketch->wide);
    *sketch = (struct alog_sketch){0};
}

double alog_sketch_bucket_upper_us(uint32_t bucket) {
    double within = (double)alog_sketch_bounds[bucket % PER_DOUBLING] * 0x1p-63;
    return ldexp(within, (int)(bucket / PER_DOUBLING));
}

double alog_sketch_bucket_estimate_us(uint32_t bucket) {
    if (bucket == 0) {
        return 1;
    }
    /* 2lu / (l + u): the same relative error towards both ends. */
    double lower = alog_sketch_bucket_upper_us(bucket - 1);
    double upper = alog_sketch_bucket_upper_us(bucket);
    return 2 * lower / (lower + upper) * upper;
}

static uint64_t count_at(const struct alog_sketch *sketch, uint32_t i) {
    return sketch->narrow ? sketch->narrow[i] : sketch->wide[i];
}

/* ---- Memory ---- */

static void *take(struct alog_arena *arena, size_t bytes) {
    return arena ? alog_arena_take(arena, bytes, sizeof(uint64_t)) : malloc(bytes);
}

/* In the place of those that it has. */
static void put_counts(struct alog_sketch *sketch, void *counts, bool is_wide,
                       const struct alog_arena *arena) {
    if (!arena) {
        free(sketch->narrow);
        free(sketch->wide);
    }
    sketch->narrow = is_wide ? NULL : counts;
    sketch->wide = is_wide ? counts : NULL;
}

/* ---- Counting ---- */

/* Make room for buckets low .. high, and some more on the way there. */
static enum alog_status cover(struct alog_sketch *sketch, uint32_t low, uint32_t high,
                              struct alog_arena *arena) {
    /* Those that have more than one value come to some doublings, and grow in strides. */
    const uint32_t slack = sketch->len == 0 ? 24 : 96;
    uint32_t first = low > slack ? low - slack : 0;
    uint32_t end = high + slack < ALOG_SKETCH_BUCKETS ? high + slack + 1 : ALOG_SKETCH_BUCKETS;
    if (sketch->len != 0) {
        if (low >= sketch->first && high < sketch->first + sketch->len) {
            return ALOG_OK;
        }
        first = low >= sketch->first ? sketch->first : first;
        end = high < sketch->first + sketch->len ? sketch->first + sketch->len : end;
    }
    const bool is_wide = sketch->wide != NULL;
    const size_t unit = is_wide ? sizeof(*sketch->wide) : sizeof(*sketch->narrow);
    void *counts = take(arena, (end - first) * unit);
    if (!counts) {
        return ALOG_NO_MEMORY;
    }
    memset(counts, 0, (end - first) * unit);
    if (sketch->len != 0) {
        const void *before = is_wide ? (const void *)sketch->wide : sketch->narrow;
        memcpy((char *)counts + (sketch->first - first) * unit, before, sketch->len * unit);
    }
    put_counts(sketch, counts, is_wide, arena);
    sketch->first = first;
    sketch->len = end - first;
    return ALOG_OK;
}

static enum alog_status widen(struct alog_sketch *sketch, struct alog_arena *arena) {
    uint64_t *wide = take(arena, sketch->len * sizeof(*wide));
    if (!wide) {
        return ALOG_NO_MEMORY;
    }
    for (uint32_t i = 0; i < sketch->len; i++) {
        wide[i] = sketch->narrow[i];
    }
    put_counts(sketch, wide, true, arena);
    return ALOG_OK;
}

/* Add to the i-th bucket that there is room for. ALOG_LIMIT: it leaves 64 bits. */
static inline enum alog_status add_to(struct alog_sketch *sketch, uint32_t i, uint64_t count,
                                      struct alog_arena *arena) {
    if (sketch->narrow) {
        if (count <= UINT16_MAX - (uint64_t)sketch->narrow[i]) {
            sketch->narrow[i] = (uint16_t)(sketch->narrow[i] + count);
            return ALOG_OK;
        }
        enum alog_status status = widen(sketch, arena);
        if (status != ALOG_OK) {
            return status;
        }
    }
    return __builtin_add_overflow(sketch->wide[i], count, &sketch->wide[i]) ? ALOG_LIMIT : ALOG_OK;
}

enum alog_status alog_sketch_add_at(struct alog_sketch *sketch, uint32_t bucket, uint64_t count,
                                    struct alog_arena *arena) {
    if (bucket - sketch->first >= sketch->len) {
        enum alog_status status = cover(sketch, bucket, bucket, arena);
        if (status != ALOG_OK) {
            return status;
        }
    }
    return add_to(sketch, bucket - sketch->first, count, arena);
}

enum alog_status alog_sketch_add(struct alog_sketch *sketch, int64_t value_us,
                                 struct alog_arena *arena) {
    if (value_us <= 0) {
        sketch->zeros++;
        return ALOG_OK;
    }
    return alog_sketch_add_at(sketch, alog_sketch_bucket((uint64_t)value_us), 1, arena);
}

/* Add 16-bit counts unless one would leave 16 bits. */
static bool add_narrow(uint16_t *restrict to, const uint16_t *restrict from, uint32_t len) {
    uint32_t sums = 0;
    for (uint32_t i = 0; i < len; i++) {
        sums |= (uint32_t)to[i] + from[i];
    }
    for (uint32_t i = 0; sums <= UINT16_MAX && i < len; i++) {
        to[i] = (uint16_t)(to[i] + from[i]);
    }
    return sums <= UINT16_MAX;
}

/* The buckets of `from` into a sketch that has none. */
static enum alog_status copy_buckets(struct alog_sketch *into, const struct alog_sketch *from,
                                     struct alog_arena *arena) {
    const bool is_wide = from->wide != NULL;
    const size_t bytes = from->len * (is_wide ? sizeof(*from->wide) : sizeof(*from->narrow));
    void *counts = take(arena, bytes);
    if (!counts) {
        return ALOG_NO_MEMORY;
    }
    memcpy(counts, is_wide ? (const void *)from->wide : from->narrow, bytes);
    put_counts(into, counts, is_wide, arena);
    into->first = from->first;
    into->len = from->len;
    return ALOG_OK;
}

static enum alog_status merge_buckets(struct alog_sketch *into, const struct alog_sketch *from,
                                      struct alog_arena *arena) {
    enum alog_status status = cover(into, from->first, from->first + from->len - 1, arena);
    const uint32_t skipped = from->first - into->first;
    if (status == ALOG_OK && into->narrow) {
        if (from->narrow && add_narrow(into->narrow + skipped, from->narrow, from->len)) {
            return ALOG_OK;
        }
        status = widen(into, arena); /* before anything is added */
    }
    for (uint32_t i = 0; status == ALOG_OK && i < from->len; i++) {
        status = add_to(into, skipped + i, count_at(from, i), arena);
    }
    return status;
}

enum alog_status alog_sketch_merge(struct alog_sketch *into, const struct alog_sketch *from,
                                   struct alog_arena *arena) {
    enum alog_status status = from->len == 0   ? ALOG_OK
                              : into->len == 0 ? copy_buckets(into, from, arena)
                                               : merge_buckets(into, from, arena);
    if (status == ALOG_OK) {
        into->zeros += from->zeros;
    }
    return status;
}

/* The shortest form only, so that equal sketches have equal bytes. */
static inline const uint8_t *read_varint(const uint8_t *at, const uint8_t *end,
                                         uint64_t *ret_value) {
    if (at != end && *at < 0x80) { /* nearly all are so short */
        *ret_value = *at;
        return at + 1;
    }
    uint64_t value = 0;
    for (unsigned shift = 0; at != end && shift < 64; shift += 7) {
        uint8_t byte = *at++;
        uint64_t part = (uint64_t)(byte & 0x7f);
        if (shift == 63 && part > 1) {
            return NULL;
        }
        value |= part << shift;
        if ((byte & 0x80) == 0) {
            *ret_value = value;
            return byte == 0 && shift != 0 ? NULL : at;
        }
    }
    return NULL;
}

static uint8_t *write_varint(uint8_t *at, uint64_t value) {
    for (; value >= 0x80; value >>= 7) {
        *at++ = (uint8_t)(value | 0x80);
    }
    *at++ = (uint8_t)value;
    return at;
}

/* The buckets of a sketch's bytes, ascending. */
struct pairs {
    uint64_t counts[ALOG_SKETCH_BUCKETS];
    uint16_t buckets[ALOG_SKETCH_BUCKETS];
    uint32_t count;
};

/* A step of one byte and a count of one or two, which nearly all are, are read without a guess at
 * which; else NULL. */
static inline const uint8_t *read_short_pair(const uint8_t *at, const uint8_t *end,
                                             uint64_t *ret_step, uint64_t *ret_count) {
    if (end - at < 3) {
        return NULL;
    }
    const unsigned more = at[1] >> 7, high = at[2] & (0u - more);
    if (at[0] >= 0x80 || high >= 0x80 || high < more) {
        return NULL;
    }
    *ret_step = at[0];
    *ret_count = (at[1] & 0x7fu) | high << 7;
    return at + 2 + more;
}

static enum alog_status read_pairs(const uint8_t *at, const uint8_t *end, struct pairs *pairs) {
    uint64_t bucket = 0;
    uint32_t pair = 0;
    for (; at != end; pair++) {
        uint64_t step, count;
        const uint8_t *next = read_short_pair(at, end, &step, &count);
        if (!next) {
            next = read_varint(at, end, &step);
            next = next ? read_varint(next, end, &count) : NULL;
        }
        if (!next || count == 0 || (step == 0 && pair != 0) || step >= ALOG_SKETCH_BUCKETS ||
            bucket + step >= ALOG_SKETCH_BUCKETS) {
            return ALOG_CORRUPT;
        }
        at = next;
        bucket += step;
        pairs->buckets[pair] = (uint16_t)bucket;
        pairs->counts[pair] = count;
    }
    pairs->count = pair;
    return ALOG_OK;
}

static enum alog_status add_pairs(struct alog_sketch *into, const struct pairs *pairs,
                                  struct alog_arena *arena) {
    if (pairs->count == 0) {
        return ALOG_OK;
    }
    enum alog_status status =
        cover(into, pairs->buckets[0], pairs->buckets[pairs->count - 1], arena);
    for (uint32_t i = 0; status == ALOG_OK && i < pairs->count; i++) {
        status = add_to(into, pairs->buckets[i] - into->first, pairs->counts[i], arena);
    }
    return status;
}

enum alog_status alog_sketch_merge_bytes(struct alog_sketch *into, const void *bytes, size_t len,
                                         struct alog_arena *arena) {
    if (len == 0) {
        return ALOG_OK;
    }
    const uint8_t *at = bytes, *end = at + len;
    if (*at++ != ALOG_SKETCH_VERSION) {
        return at[-1] > ALOG_SKETCH_VERSION ? ALOG_UNSUPPORTED : ALOG_CORRUPT;
    }
    uint64_t zeros;
    at = read_varint(at, end, &zeros);
    if (!at || (at == end && zeros == 0)) {
        return ALOG_CORRUPT;
    }
    struct pairs pairs;
    enum alog_status status = read_pairs(at, end, &pairs);
    if (status == ALOG_OK) {
        status = add_pairs(into, &pairs, arena);
    }
    if (status == ALOG_OK && __builtin_add_overflow(into->zeros, zeros, &into->zeros)) {
        status = ALOG_LIMIT;
    }
    return status;
}

uint64_t alog_sketch_count(const struct alog_sketch *sketch) {
    uint64_t count = sketch->zeros;
    for (uint32_t i = 0; i < sketch->len; i++) {
        count += count_at(sketch, i);
    }
    return count;
}

bool alog_sketch_quantile_us(const struct alog_sketch *sketch, double q, double *ret_us) {
    uint64_t count = alog_sketch_count(sketch);
    if (count == 0 || !(q >= 0 && q <= 1)) {
        return false;
    }
    double rank_real = ceil(q * (double)count);
    uint64_t rank = rank_real < 1 ? 1 : (uint64_t)rank_real;
    uint64_t seen = sketch->zeros;
    double estimate = 0;
    for (uint32_t i = 0; seen < rank && i < sketch->len; i++) {
        seen += count_at(sketch, i);
        if (count_at(sketch, i) != 0) {
            estimate = alog_sketch_bucket_estimate_us(sketch->first + i);
        }
    }
    *ret_us = estimate;
    return true;
}

uint64_t alog_sketch_count_until_us(const struct alog_sketch *sketch, double limit_us) {
    if (!(limit_us >= 0)) {
        return 0;
    }
    uint64_t count = sketch->zeros;
    for (uint32_t i = 0; i < sketch->len; i++) {
        if (count_at(sketch, i) != 0 &&
            alog_sketch_bucket_estimate_us(sketch->first + i) <= limit_us) {
            count += count_at(sketch, i);
        }
    }
    return count;
}

uint64_t alog_sketch_count_between(const struct alog_sketch *sketch, uint32_t from,
                                   uint32_t below) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < sketch->len; i++) {
        bool within = sketch->first + i >= from && sketch->first + i < below;
        count += within ? count_at(sketch, i) : 0;
    }
    return count;
}

uint64_t alog_sketch_sum_between(const struct alog_sketch *sketch, uint32_t from, uint32_t below) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < sketch->len; i++) {
        bool within = sketch->first + i >= from && sketch->first + i < below;
        sum += within ? count_at(sketch, i) * (sketch->first + i) : 0;
    }
    return sum;
}

size_t alog_sketch_encoded_bound(const struct alog_sketch *sketch) {
    return 1 + 10 + (size_t)sketch->len * (2 + 10);
}

size_t alog_sketch_encode(const struct alog_sketch *sketch, uint8_t *bytes) {
    uint8_t *at = bytes;
    *at++ = ALOG_SKETCH_VERSION;
    at = write_varint(at, sketch->zeros);
    bool empty = sketch->zeros == 0;
    uint32_t before = 0;
    for (uint32_t i = 0; i < sketch->len; i++) {
        if (count_at(sketch, i) != 0) {
            at = write_varint(at, sketch->first + i - before);
            at = write_varint(at, count_at(sketch, i));
            before = sketch->first + i;
            empty = false;
        }
    }
    return empty ? 0 : (size_t)(at - bytes);
}
