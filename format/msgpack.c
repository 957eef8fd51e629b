/* Reading msgpack: the long forms of tokens, and passing over whole values. */
#include "msgpack.h"

static bool fail(struct alog_mp_cursor *cursor) {
    cursor->failed = true;
    return false;
}

static size_t left(const struct alog_mp_cursor *cursor) {
    return (size_t)(cursor->end - cursor->at);
}

/* An unsigned big-endian number of 1, 2, 4 or 8 bytes at `at`. */
static uint64_t load_uint(const uint8_t *at, size_t bytes) {
    switch (bytes) {
    case 1:
        return *at;
    case 2:
        return alog_mp_load16(at);
    case 4:
        return alog_mp_load32(at);
    default:
        return alog_mp_load64(at);
    }
}

/* The number of `bytes` behind the tag; the cursor moves behind it. */
static bool take_uint(struct alog_mp_cursor *cursor, size_t bytes, uint64_t *ret_number) {
    if (left(cursor) < 1 + bytes) {
        return fail(cursor);
    }
    *ret_number = load_uint(cursor->at + 1, bytes);
    cursor->at += 1 + bytes;
    return true;
}

static bool take_unsigned(struct alog_mp_cursor *cursor, size_t bytes,
                          struct alog_mp_token *ret_token) {
    uint64_t number;
    if (!take_uint(cursor, bytes, &number)) {
        return false;
    }
    if (number > INT64_MAX) {
        ret_token->type = ALOG_MP_UINT;
        ret_token->u64 = number;
    } else {
        ret_token->type = ALOG_MP_INT;
        ret_token->i64 = (int64_t)number;
    }
    return true;
}

static bool take_signed(struct alog_mp_cursor *cursor, size_t bytes,
                        struct alog_mp_token *ret_token) {
    uint64_t number;
    if (!take_uint(cursor, bytes, &number)) {
        return false;
    }
    const unsigned shift = (unsigned)(64 - 8 * bytes);
    ret_token->type = ALOG_MP_INT;
    ret_token->i64 = (int64_t)(number << shift) >> shift;
    return true;
}

static bool take_float(struct alog_mp_cursor *cursor, size_t bytes,
                       struct alog_mp_token *ret_token) {
    uint64_t bits;
    if (!take_uint(cursor, bytes, &bits)) {
        return false;
    }
    ret_token->type = ALOG_MP_F64;
    if (bytes == sizeof(float)) {
        const uint32_t narrow_bits = (uint32_t)bits;
        float narrow;
        memcpy(&narrow, &narrow_bits, sizeof narrow);
        ret_token->f64 = (double)narrow;
    } else {
        memcpy(&ret_token->f64, &bits, sizeof bits);
    }
    return true;
}

/* STR, BIN or EXT with its length in `length_bytes` behind the tag (0: `len` is known). */
static bool take_bytes(struct alog_mp_cursor *cursor, enum alog_mp_type type, size_t length_bytes,
                       uint64_t len, struct alog_mp_token *ret_token) {
    if (length_bytes == 0) {
        cursor->at++;
    } else if (!take_uint(cursor, length_bytes, &len)) {
        return false;
    }
    if (type == ALOG_MP_EXT) {
        if (left(cursor) < 1) {
            return fail(cursor);
        }
        ret_token->ext_type = (int8_t)*cursor->at++;
    }
    if (left(cursor) < len) {
        return fail(cursor);
    }
    ret_token->type = type;
    ret_token->data = cursor->at;
    ret_token->len = (uint32_t)len;
    cursor->at += len;
    return true;
}

/* ARRAY or MAP; as take_bytes. */
static bool take_container(struct alog_mp_cursor *cursor, enum alog_mp_type type,
                           size_t length_bytes, uint64_t len, struct alog_mp_token *ret_token) {
    if (length_bytes == 0) {
        cursor->at++;
    } else if (!take_uint(cursor, length_bytes, &len)) {
        return false;
    }
    if ((type == ALOG_MP_MAP ? 2 * len : len) > left(cursor)) {
        return fail(cursor);
    }
    ret_token->type = type;
    ret_token->len = (uint32_t)len;
    return true;
}

static bool take_simple(struct alog_mp_cursor *cursor, struct alog_mp_token *ret_token) {
    const uint8_t tag = *cursor->at++;
    ret_token->type = tag == 0xc0 ? ALOG_MP_NIL : ALOG_MP_BOOL;
    ret_token->boolean = tag == 0xc3;
    return true;
}

bool alog_mp_next_long(struct alog_mp_cursor *cursor, struct alog_mp_token *ret_token) {
    if (cursor->failed || cursor->at >= cursor->end) {
        return false;
    }
    const uint8_t tag = *cursor->at;
    if (tag >= 0xe0) {
        ret_token->type = ALOG_MP_INT;
        ret_token->i64 = (int64_t)tag - 256;
        cursor->at++;
        return true;
    }
    switch (tag & 0xf0) {
    case 0x80:
        return take_container(cursor, ALOG_MP_MAP, 0, tag & 0x0fu, ret_token);
    case 0x90:
        return take_container(cursor, ALOG_MP_ARRAY, 0, tag & 0x0fu, ret_token);
    case 0xa0:
    case 0xb0:
        return take_bytes(cursor, ALOG_MP_STR, 0, tag & 0x1fu, ret_token);
    default:
        break;
    }
    switch (tag) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
        return take_simple(cursor, ret_token);
    case 0xc4:
    case 0xc5:
    case 0xc6:
        return take_bytes(cursor, ALOG_MP_BIN, (size_t)1 << (tag - 0xc4), 0, ret_token);
    case 0xc7:
    case 0xc8:
    case 0xc9:
        return take_bytes(cursor, ALOG_MP_EXT, (size_t)1 << (tag - 0xc7), 0, ret_token);
    case 0xca:
    case 0xcb:
        return take_float(cursor, (size_t)4 << (tag - 0xca), ret_token);
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        return take_unsigned(cursor, (size_t)1 << (tag - 0xcc), ret_token);
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return take_signed(cursor, (size_t)1 << (tag - 0xd0), ret_token);
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        return take_bytes(cursor, ALOG_MP_EXT, 0, UINT64_C(1) << (tag - 0xd4), ret_token);
    case 0xd9:
    case 0xda:
    case 0xdb:
        return take_bytes(cursor, ALOG_MP_STR, (size_t)1 << (tag - 0xd9), 0, ret_token);
    case 0xdc:
    case 0xdd:
        return take_container(cursor, ALOG_MP_ARRAY, (size_t)2 << (tag - 0xdc), 0, ret_token);
    case 0xde:
    case 0xdf:
        return take_container(cursor, ALOG_MP_MAP, (size_t)2 << (tag - 0xde), 0, ret_token);
    default: /* 0xc1 is reserved */
        return fail(cursor);
    }
}

bool alog_mp_skip(struct alog_mp_cursor *cursor, unsigned max_depth) {
    uint64_t pending[ALOG_MP_MAX_DEPTH]; /* by open container: values that it still lacks */
    unsigned depth = 0;
    const unsigned limit = max_depth < ALOG_MP_MAX_DEPTH ? max_depth : ALOG_MP_MAX_DEPTH;
    struct alog_mp_token token;
    if (!alog_mp_next(cursor, &token)) {
        return false;
    }
    for (;;) {
        if (token.type == ALOG_MP_ARRAY || token.type == ALOG_MP_MAP) {
            if (depth == limit) {
                return fail(cursor);
            }
            pending[depth++] = token.type == ALOG_MP_MAP ? 2 * (uint64_t)token.len : token.len;
        }
        while (depth > 0 && pending[depth - 1] == 0) {
            depth--;
        }
        if (depth == 0) {
            return true;
        }
        pending[depth - 1]--;
        if (!alog_mp_next(cursor, &token)) {
            return fail(cursor);
        }
    }
}
