/*
 * msgpack, the part that agentlog needs, inline because both hot paths live on it. Encoders write
 * to a place that the caller has made large enough and return the new end. The cursor reads
 * untrusted bytes: it is bounded by `end`, and its first fault is sticky (`failed`), so that one
 * check at the end of a value is enough. The encoding is the msgpack specification's; always the
 * shortest form for integers and strings.
 */
#ifndef AGENTLOG_FORMAT_MSGPACK_H
#define AGENTLOG_FORMAT_MSGPACK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <agentlog/agentlog.h>

/* Most bytes that each encoder writes (strings: plus their length). */
#define ALOG_MP_MAX_INT        9
#define ALOG_MP_MAX_F64        9
#define ALOG_MP_MAX_STR_HEAD   5
#define ALOG_MP_MAX_EXT_HEAD   6
#define ALOG_MP_MAX_ARRAY_HEAD 5

/* No value that is passed over may be nested more deeply. */
#define ALOG_MP_MAX_DEPTH 64u

/* The extension type of JSON text: a nested value, kept as it was. */
#define ALOG_MP_EXT_JSON 1

enum alog_mp_type {
    ALOG_MP_NIL = 1,
    ALOG_MP_BOOL,
    ALOG_MP_INT,  /* fits int64_t */
    ALOG_MP_UINT, /* above INT64_MAX */
    ALOG_MP_F64,  /* float32 is widened */
    ALOG_MP_STR,
    ALOG_MP_BIN,
    ALOG_MP_ARRAY, /* len elements follow */
    ALOG_MP_MAP,   /* len pairs follow */
    ALOG_MP_EXT
};

struct alog_mp_token {
    enum alog_mp_type type;
    int8_t ext_type;
    union {
        bool boolean;
        int64_t i64;
        uint64_t u64;
        double f64;
        const uint8_t *data; /* STR, BIN, EXT */
    };
    uint32_t len; /* STR, BIN, EXT: bytes; ARRAY, MAP: count */
};

struct alog_mp_cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool failed; /* sticky: truncated, reserved byte 0xc1, or nested too deeply */
};

#include "msgpack_inline.h"

#endif
