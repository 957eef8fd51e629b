/* Bodies of msgpack.h; included by it alone. */
#ifndef AGENTLOG_FORMAT_MSGPACK_INLINE_H
#define AGENTLOG_FORMAT_MSGPACK_INLINE_H

static inline uint8_t *alog_mp_store16(uint8_t *at, uint16_t v) {
    v = __builtin_bswap16(v);
    memcpy(at, &v, 2);
    return at + 2;
}

static inline uint8_t *alog_mp_store32(uint8_t *at, uint32_t v) {
    v = __builtin_bswap32(v);
    memcpy(at, &v, 4);
    return at + 4;
}

static inline uint8_t *alog_mp_store64(uint8_t *at, uint64_t v) {
    v = __builtin_bswap64(v);
    memcpy(at, &v, 8);
    return at + 8;
}

static inline uint8_t *alog_mp_nil(uint8_t *at) {
    *at = 0xc0;
    return at + 1;
}

static inline uint8_t *alog_mp_bool(uint8_t *at, bool v) {
    *at = (uint8_t)(0xc2 | (uint8_t)v);
    return at + 1;
}

static inline uint8_t *alog_mp_uint(uint8_t *at, uint64_t v) {
    if (v < 0x80) {
        *at = (uint8_t)v;
        return at + 1;
    }
    if (v <= UINT8_MAX) {
        at[0] = 0xcc;
        at[1] = (uint8_t)v;
        return at + 2;
    }
    if (v <= UINT16_MAX) {
        *at = 0xcd;
        return alog_mp_store16(at + 1, (uint16_t)v);
    }
    if (v <= UINT32_MAX) {
        *at = 0xce;
        return alog_mp_store32(at + 1, (uint32_t)v);
    }
    *at = 0xcf;
    return alog_mp_store64(at + 1, v);
}

static inline uint8_t *alog_mp_int(uint8_t *at, int64_t v) {
    if (v >= 0) {
        return alog_mp_uint(at, (uint64_t)v);
    }
    if (v >= -32) {
        *at = (uint8_t)v;
        return at + 1;
    }
    if (v >= INT8_MIN) {
        at[0] = 0xd0;
        at[1] = (uint8_t)v;
        return at + 2;
    }
    if (v >= INT16_MIN) {
        *at = 0xd1;
        return alog_mp_store16(at + 1, (uint16_t)v);
    }
    if (v >= INT32_MIN) {
        *at = 0xd2;
        return alog_mp_store32(at + 1, (uint32_t)v);
    }
    *at = 0xd3;
    return alog_mp_store64(at + 1, (uint64_t)v);
}

static inline uint8_t *alog_mp_f64(uint8_t *at, double v) {
    uint64_t bits;
    memcpy(&bits, &v, 8);
    *at = 0xcb;
    return alog_mp_store64(at + 1, bits);
}

static inline uint8_t *alog_mp_str_head(uint8_t *at, uint32_t len) {
    if (len < 32) {
        *at = (uint8_t)(0xa0 | len);
        return at + 1;
    }
    if (len <= UINT8_MAX) {
        at[0] = 0xd9;
        at[1] = (uint8_t)len;
        return at + 2;
    }
    if (len <= UINT16_MAX) {
        *at = 0xda;
        return alog_mp_store16(at + 1, (uint16_t)len);
    }
    *at = 0xdb;
    return alog_mp_store32(at + 1, len);
}

static inline uint8_t *alog_mp_str(uint8_t *at, const char *data, uint32_t len) {
    at = alog_mp_str_head(at, len);
    if (len != 0) {
        memcpy(at, data, len);
    }
    return at + len;
}

/* Extensions always take the ext8/16/32 form, never fixext: one form less to read. */
static inline uint8_t *alog_mp_ext(uint8_t *at, int8_t type, const char *data, uint32_t len) {
    if (len <= UINT8_MAX) {
        at[0] = 0xc7;
        at[1] = (uint8_t)len;
        at += 2;
    } else if (len <= UINT16_MAX) {
        *at = 0xc8;
        at = alog_mp_store16(at + 1, (uint16_t)len);
    } else {
        *at = 0xc9;
        at = alog_mp_store32(at + 1, len);
    }
    *at++ = (uint8_t)type;
    if (len != 0) {
        memcpy(at, data, len);
    }
    return at + len;
}

static inline uint8_t *alog_mp_array_head(uint8_t *at, uint32_t count) {
    if (count < 16) {
        *at = (uint8_t)(0x90 | count);
        return at + 1;
    }
    if (count <= UINT16_MAX) {
        *at = 0xdc;
        return alog_mp_store16(at + 1, (uint16_t)count);
    }
    *at = 0xdd;
    return alog_mp_store32(at + 1, count);
}

static inline uint8_t *alog_mp_map_head(uint8_t *at, uint32_t count) {
    if (count < 16) {
        *at = (uint8_t)(0x80 | count);
        return at + 1;
    }
    if (count <= UINT16_MAX) {
        *at = 0xde;
        return alog_mp_store16(at + 1, (uint16_t)count);
    }
    *at = 0xdf;
    return alog_mp_store32(at + 1, count);
}

static inline uint16_t alog_mp_load16(const uint8_t *at) {
    uint16_t v;
    memcpy(&v, at, 2);
    return __builtin_bswap16(v);
}

static inline uint32_t alog_mp_load32(const uint8_t *at) {
    uint32_t v;
    memcpy(&v, at, 4);
    return __builtin_bswap32(v);
}

static inline uint64_t alog_mp_load64(const uint8_t *at) {
    uint64_t v;
    memcpy(&v, at, 8);
    return __builtin_bswap64(v);
}

/* What alog_mp_next does not do in place: every form that takes more than one byte for its head. */
bool alog_mp_next_long(struct alog_mp_cursor *cursor, struct alog_mp_token *ret_token);

/*
 * Read the next token. Containers give their head only; the elements are the next tokens. A length
 * or count is never larger than what is left of the input (an element takes a byte at least). False
 * at a fault (then the cursor has failed) and false, without a fault, at the end.
 */
static inline bool alog_mp_next(struct alog_mp_cursor *cursor, struct alog_mp_token *ret_token) {
    if (cursor->at < cursor->end && !cursor->failed) {
        const uint8_t tag = *cursor->at;
        if (tag < 0x80) {
            ret_token->type = ALOG_MP_INT;
            ret_token->i64 = tag;
            cursor->at++;
            return true;
        }
        const uint32_t len = tag & 0x1f;
        if ((tag & 0xe0) == 0xa0 && len < (size_t)(cursor->end - cursor->at)) {
            ret_token->type = ALOG_MP_STR;
            ret_token->data = cursor->at + 1;
            ret_token->len = len;
            cursor->at += 1 + len;
            return true;
        }
    }
    return alog_mp_next_long(cursor, ret_token);
}

/*
 * Pass over one whole value, at most `max_depth` containers deep (0: scalars only; never more than
 * ALOG_MP_MAX_DEPTH). False as alog_mp_next.
 */
bool alog_mp_skip(struct alog_mp_cursor *cursor, unsigned max_depth);

#endif
