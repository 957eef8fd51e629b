/*
 * Encoders of single fields for the typed log calls: msgpack straight from the caller's struct.
 *
 * They know more than format/msgpack.h may assume: the place has room to spare (every bound has
 * ALOG_TYPED_SPARE_BYTES on top), so they store whole words and advance by what counts, which
 * leaves few branches and no call to memcpy for the strings that names are.
 */
#ifndef AGENTLOG_WRITER_TYPED_ENCODE_H
#define AGENTLOG_WRITER_TYPED_ENCODE_H

#include <agentlog/agentlog.h>

#include "format/msgpack.h"
#include "job_scope.h"

#define ALOG_TYPED_SPARE_BYTES 32u

/* Bytes that a field takes at most, a string's own aside. */
#define ALOG_TYPED_STRING_BYTES 5u
#define ALOG_TYPED_NUMBER_BYTES 9u

/* Strings below this are what names mostly are: one byte of head. */
#define ALOG_TYPED_SHORT_BYTES 32u

/* Copy 0..31 bytes without reading past them. */
static inline void alog_copy_short(uint8_t *to, const char *from, size_t bytes) {
    if (bytes >= 16) {
        uint64_t a[2];
        uint64_t b[2];
        memcpy(a, from, 16);
        memcpy(b, from + bytes - 16, 16);
        memcpy(to, a, 16);
        memcpy(to + bytes - 16, b, 16);
    } else if (bytes >= 8) {
        uint64_t a;
        uint64_t b;
        memcpy(&a, from, 8);
        memcpy(&b, from + bytes - 8, 8);
        memcpy(to, &a, 8);
        memcpy(to + bytes - 8, &b, 8);
    } else if (bytes >= 4) {
        uint32_t a;
        uint32_t b;
        memcpy(&a, from, 4);
        memcpy(&b, from + bytes - 4, 4);
        memcpy(to, &a, 4);
        memcpy(to + bytes - 4, &b, 4);
    } else if (bytes > 0) {
        to[0] = (uint8_t)from[0];
        to[bytes / 2] = (uint8_t)from[bytes / 2];
        to[bytes - 1] = (uint8_t)from[bytes - 1];
    }
}

/* A string of less than ALOG_TYPED_SHORT_BYTES, or none. */
static inline uint8_t *alog_put_short_string(uint8_t *at, struct alog_string text) {
    if (text.data == NULL) {
        return alog_mp_nil(at);
    }
    *at = (uint8_t)(0xa0 | text.len);
    alog_copy_short(at + 1, text.data, text.len);
    return at + 1 + text.len;
}

static inline uint8_t *alog_put_string(uint8_t *at, struct alog_string text) {
    if (text.data == NULL || text.len < ALOG_TYPED_SHORT_BYTES) {
        return alog_put_short_string(at, text);
    }
    return alog_mp_str(at, text.data, (uint32_t)text.len);
}

static inline uint8_t *alog_put_job(uint8_t *at, const struct alog_job_frame *job) {
    memcpy(at, job->encoded, ALOG_JOB_WIDE_COPY_BYTES);
    if (__builtin_expect(job->encoded_bytes > ALOG_JOB_WIDE_COPY_BYTES, 0)) {
        memcpy(at, job->encoded, job->encoded_bytes);
    }
    return at + job->encoded_bytes;
}

/* Small counts in one byte, everything else in nine: two lengths predict better than five. */
static inline uint8_t *alog_put_i64(uint8_t *at, int64_t value) {
    if (__builtin_expect((uint64_t)value < 0x80, 1)) {
        *at = (uint8_t)value;
        return at + 1;
    }
    *at = 0xd3;
    return alog_mp_store64(at + 1, (uint64_t)value);
}

static inline uint8_t *alog_put_opt_i64(uint8_t *at, struct alog_opt_i64 value) {
    return value.present ? alog_put_i64(at, value.value) : alog_mp_nil(at);
}

/* Without a branch: nil is 0xc0, a double 0xcb and eight bytes more. */
static inline uint8_t *alog_put_opt_f64(uint8_t *at, struct alog_opt_f64 value) {
    unsigned present = value.present;
    alog_mp_f64(at, value.value);
    *at = (uint8_t)(0xc0 + 11 * present);
    return at + 1 + 8 * present;
}

static inline uint8_t *alog_put_opt_bool(uint8_t *at, struct alog_opt_bool value) {
    *at = value.present ? (uint8_t)(0xc2 | (uint8_t)value.value) : 0xc0;
    return at + 1;
}

#endif
