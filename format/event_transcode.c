/* An event of plain form to block form. Each helper returns where the input goes on, or NULL if it
 * is malformed. */
#include "event_transcode.h"

/* Both sides of a copy have slack for one fixed-size store of this many bytes. */
#define WIDEST_NUMBER 9

/* What the typed log calls write: a short array, an id below 128, a timestamp of 8 bytes. */
static inline bool open_usual_form(const uint8_t *plain, size_t len,
                                   struct alog_plain_opening *ret_opening) {
    if (len < 11 || (plain[0] & 0xf0) != 0x90 || plain[0] < 0x93 || plain[1] >= 0x80 ||
        plain[2] != 0xcf || plain[3] >= 0x80) {
        return false;
    }
    ret_opening->type = plain[1];
    ret_opening->timestamp_ns = (int64_t)alog_mp_load64(plain + 3);
    ret_opening->elements = (plain[0] & 0x0fu) - 2;
    ret_opening->rest = (struct alog_mp_cursor){.at = plain + 11, .end = plain + len};
    return true;
}

bool alog_plain_open(const uint8_t *plain, size_t len, struct alog_plain_opening *ret_opening) {
    if (open_usual_form(plain, len, ret_opening)) {
        return true;
    }
    struct alog_mp_cursor in = {.at = plain, .end = plain + len};
    struct alog_mp_token head, type, timestamp;
    if (!alog_mp_next(&in, &head) || head.type != ALOG_MP_ARRAY || head.len < 3 ||
        !alog_mp_next(&in, &type) || type.type != ALOG_MP_INT || type.i64 < 0 ||
        type.i64 >= ALOG_MAX_TYPES || !alog_mp_next(&in, &timestamp) ||
        timestamp.type != ALOG_MP_INT || timestamp.i64 < 0) {
        return false;
    }
    *ret_opening = (struct alog_plain_opening){.type = (uint32_t)type.i64,
                                               .timestamp_ns = timestamp.i64,
                                               .elements = head.len - 2,
                                               .rest = in};
    return true;
}

/* Finds the text of a string; NULL if there is none. */
static inline const uint8_t *string_text(const uint8_t *at, const uint8_t *end, uint32_t *ret_len) {
    const uint8_t tag = *at++;
    const size_t left = (size_t)(end - at);
    uint32_t len;
    if (__builtin_expect((tag & 0xe0) == 0xa0, true)) {
        len = tag & 0x1f;
    } else if (tag == 0xd9 && left >= 1) {
        len = *at;
        at += 1;
    } else if (tag == 0xda && left >= 2) {
        len = alog_mp_load16(at);
        at += 2;
    } else if (tag == 0xdb && left >= 4) {
        len = alog_mp_load32(at);
        at += 4;
    } else {
        return NULL;
    }
    *ret_len = len;
    return len <= (size_t)(end - at) ? at : NULL;
}

/* As its index if the table has room, else in place. */
static inline uint8_t *put_name(uint8_t *out, struct alog_block_strings *strings,
                                const uint8_t *text, uint32_t len, uint32_t *ret_index) {
    const struct alog_string_cache_slot *slot = alog_block_strings_look(strings, text, len);
    if (__builtin_expect(slot == NULL, false)) {
        *ret_index = UINT32_MAX;
        return alog_mp_str(out, (const char *)text, len);
    }
    *ret_index = slot->index;
    memcpy(out, slot->code, sizeof slot->code);
    return out + slot->code[3];
}

static inline const uint8_t *copy_name(struct alog_block_strings *strings, const uint8_t *at,
                                       const uint8_t *end, uint8_t **out) {
    uint32_t len, index;
    const uint8_t *text = string_text(at, end, &len);
    if (text == NULL) {
        return NULL;
    }
    *out = put_name(*out, strings, text, len, &index);
    return text + len;
}

static const uint8_t *copy_text(const uint8_t *at, const uint8_t *end, bool json, uint8_t **out) {
    struct alog_mp_cursor in = {.at = at, .end = end};
    struct alog_mp_token token;
    if (!alog_mp_next(&in, &token)) {
        return NULL;
    }
    if (token.type != ALOG_MP_STR &&
        !(json && token.type == ALOG_MP_EXT && token.ext_type == ALOG_MP_EXT_JSON)) {
        return NULL;
    }
    memcpy(*out, at, (size_t)(in.at - at));
    *out += in.at - at;
    return in.at;
}

/* Whole reals are integers here: an importer may have given 3.0. */
static const uint8_t *copy_odd_integer(const uint8_t *at, const uint8_t *end, uint8_t **out) {
    struct alog_mp_cursor in = {.at = at, .end = end};
    struct alog_mp_token token;
    if (!alog_mp_next(&in, &token)) {
        return NULL;
    }
    if (token.type == ALOG_MP_INT) {
        *out = alog_mp_int(*out, token.i64);
        return in.at;
    }
    if (token.type == ALOG_MP_F64 && token.f64 >= -0x1p63 && token.f64 < 0x1p63 &&
        (double)(int64_t)token.f64 == token.f64) {
        *out = alog_mp_int(*out, (int64_t)token.f64);
        return in.at;
    }
    return NULL;
}

/* alog_mp_int without its branches, for numbers whose widths come at random. */
static inline uint8_t *put_mixed_int(uint8_t *out, int64_t value) {
    /* By the number of bits: payload bytes, and the tag, or 0 for a fixint, which is its own. */
    static const uint8_t payloads[33] = {
        [8] = 1,  [9] = 2,  [10] = 2, [11] = 2, [12] = 2, [13] = 2, [14] = 2, [15] = 2, [16] = 2,
        [17] = 4, [18] = 4, [19] = 4, [20] = 4, [21] = 4, [22] = 4, [23] = 4, [24] = 4, [25] = 4,
        [26] = 4, [27] = 4, [28] = 4, [29] = 4, [30] = 4, [31] = 4, [32] = 4,
    };
    static const uint8_t tags[5] = {[1] = 0xcc, [2] = 0xcd, [4] = 0xce};
    const uint64_t bits = (uint64_t)value;
    if (__builtin_expect(bits > UINT32_MAX, false)) {
        return alog_mp_int(out, value);
    }
    const unsigned bytes = payloads[63 - __builtin_clzll(bits << 1 | 1)];
    *out = (uint8_t)(bytes == 0 ? bits : tags[bytes]);
    alog_mp_store64(out + 1, bits << ((64 - 8 * bytes) & 63));
    return out + 1 + bytes;
}

/* As the integer n if it is n / 1000 to the last bit, which durations and scores mostly are. */
static inline uint8_t *put_real(uint8_t *out, uint64_t bits) {
    /* Adding 1.5 * 2^52 leaves no bits below the point, and the integer in the lowest ones. */
    static const double shift = 0x1.8p52;
    static const uint64_t shift_bits = UINT64_C(0x4338000000000000);
    double value;
    memcpy(&value, &bits, sizeof value);
    const double scaled = value * 1000.0;
    const double shifted = scaled + shift;
    const double back = (shifted - shift) / 1000.0;
    uint64_t back_bits, shifted_bits;
    memcpy(&back_bits, &back, sizeof back);
    memcpy(&shifted_bits, &shifted, sizeof shifted);
    /* Compared as bits: -0.0 is not 0. The range is false for NaN too. */
    if (scaled < 0x1p51 && scaled > -0x1p51 && back_bits == bits) {
        return put_mixed_int(out, (int64_t)(shifted_bits - shift_bits));
    }
    return alog_mp_f64(out, value);
}

static const uint8_t *copy_odd_real(const uint8_t *at, const uint8_t *end, uint8_t **out) {
    struct alog_mp_cursor in = {.at = at, .end = end};
    struct alog_mp_token token;
    double value;
    if (!alog_mp_next(&in, &token)) {
        return NULL;
    }
    if (token.type == ALOG_MP_INT) {
        value = (double)token.i64;
    } else if (token.type == ALOG_MP_UINT) {
        value = (double)token.u64;
    } else if (token.type == ALOG_MP_F64) {
        value = token.f64;
    } else {
        return NULL;
    }
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    *out = put_real(*out, bits);
    return in.at;
}

static bool is_extras_value(const struct alog_mp_token *token) {
    switch (token->type) {
    case ALOG_MP_NIL:
    case ALOG_MP_BOOL:
    case ALOG_MP_INT:
    case ALOG_MP_UINT:
    case ALOG_MP_F64:
    case ALOG_MP_STR:
        return true;
    case ALOG_MP_EXT:
        return token->ext_type == ALOG_MP_EXT_JSON;
    case ALOG_MP_BIN:
    case ALOG_MP_ARRAY:
    case ALOG_MP_MAP:
        break;
    }
    return false;
}

/* "event_id" and "environment" are the event's own texts; the other keys are attributes. */
static bool is_own_text(const struct alog_mp_token *key) {
    return (key->len == 8 && memcmp(key->data, "event_id", 8) == 0) ||
           (key->len == 11 && memcmp(key->data, "environment", 11) == 0);
}

/* The map of extras is checked, then copied as it is. */
static const uint8_t *copy_extras(const uint8_t *at, const uint8_t *end, uint8_t **out) {
    struct alog_mp_cursor in = {.at = at, .end = end};
    struct alog_mp_token head;
    if (!alog_mp_next(&in, &head) || head.len > ALOG_MAX_ATTRIBUTES + 2) {
        return NULL;
    }
    for (uint32_t i = 0; i < head.len; i++) {
        struct alog_mp_token key, value;
        if (!alog_mp_next(&in, &key) || key.type != ALOG_MP_STR || key.len == 0 ||
            key.len > ALOG_MAX_NAME_BYTES || !alog_mp_next(&in, &value) ||
            !is_extras_value(&value)) {
            return NULL;
        }
        if (is_own_text(&key) && (value.type != ALOG_MP_STR || value.len > ALOG_MAX_NAME_BYTES)) {
            return NULL;
        }
    }
    memcpy(*out, at, (size_t)(in.at - at));
    *out += in.at - at;
    return in.at;
}

static inline bool is_map(uint8_t tag) {
    return (tag & 0xf0) == 0x80 || tag == 0xde || tag == 0xdf;
}

/* What a field seldom is: absent, or of another width than the typed calls write. */
static __attribute__((noinline)) const uint8_t *copy_odd_field(enum alog_field_kind kind,
                                                               struct alog_block_strings *strings,
                                                               const uint8_t *at,
                                                               const uint8_t *end, uint8_t **out) {
    switch (kind) {
    case ALOG_FIELD_NAME:
    case ALOG_FIELD_ENUM:
        return copy_name(strings, at, end, out);
    case ALOG_FIELD_TEXT:
    case ALOG_FIELD_JSON:
        return copy_text(at, end, kind == ALOG_FIELD_JSON, out);
    case ALOG_FIELD_I64:
        return copy_odd_integer(at, end, out);
    case ALOG_FIELD_F64:
        return copy_odd_real(at, end, out);
    case ALOG_FIELD_BOOL:
        break;
    }
    return NULL;
}

/*
 * The fields and extras. Absent fields at the end are cut off again. Returns the end of the output,
 * and in *ret_count how many elements there are.
 */
static inline uint8_t *copy_fields(const uint8_t *at, const uint8_t *end, uint32_t elements,
                                   const uint8_t *kinds, uint32_t field_count,
                                   struct alog_block_strings *strings, uint8_t *out,
                                   uint32_t *ret_count) {
    const uint32_t fields = elements < field_count ? elements : field_count;
    uint32_t absent = 0; /* in a row, up to here */
    uint32_t i = 0;
    for (; i < fields; i++) {
        if (at >= end) {
            return NULL;
        }
        const uint8_t tag = *at;
        const enum alog_field_kind kind = (enum alog_field_kind)kinds[i];
        switch (kind) {
        case ALOG_FIELD_NAME:
        case ALOG_FIELD_ENUM: {
            const uint32_t len = tag & 0x1f;
            if ((tag & 0xe0) == 0xa0 && len < (size_t)(end - at)) {
                uint32_t index;
                out = put_name(out, strings, at + 1, len, &index);
                at += 1 + len;
                absent = 0;
                continue;
            }
            break;
        }
        case ALOG_FIELD_BOOL:
            if ((tag & 0xfe) == 0xc2) {
                *out++ = tag;
                at++;
                absent = 0;
                continue;
            }
            break;
        case ALOG_FIELD_I64:
            if (tag < 0x80) {
                *out++ = tag;
                at++;
                absent = 0;
                continue;
            }
            /* uint8 to uint32 as they are: their widths are in the low bits of their tags. */
            if (tag >= 0xcc && tag <= 0xce && end - at >= WIDEST_NUMBER) {
                const size_t bytes = 1 + ((size_t)1 << (tag & 3));
                memcpy(out, at, WIDEST_NUMBER);
                out += bytes;
                at += bytes;
                absent = 0;
                continue;
            }
            break;
        case ALOG_FIELD_F64:
            if (tag == 0xcb && end - at >= 9) {
                out = put_real(out, alog_mp_load64(at + 1));
                at += 9;
                absent = 0;
                continue;
            }
            break;
        case ALOG_FIELD_TEXT:
        case ALOG_FIELD_JSON:
            break;
        default:
            /* The builder's plan has none: no check. */
            __builtin_unreachable();
        }
        if (tag == 0xc0) {
            *out++ = tag;
            at++;
            absent++;
            continue;
        }
        if (i + 1 == elements && is_map(tag)) {
            break;
        }
        uint8_t *next = out;
        at = copy_odd_field(kind, strings, at, end, &next);
        if (at == NULL) {
            return NULL;
        }
        out = next;
        absent = 0;
    }
    out -= absent;
    uint32_t count = i - absent;
    if (i < elements) {
        if (i + 1 != elements || at >= end || !is_map(*at)) {
            return NULL;
        }
        uint8_t *next = out;
        at = copy_extras(at, end, &next);
        out = next;
        count++;
    }
    *ret_count = count;
    return at == end ? out : NULL;
}

/* The job id, or nil. */
static const uint8_t *copy_job(struct alog_block_strings *strings, const uint8_t *at,
                               const uint8_t *end, uint8_t **out, struct alog_string *ret_job,
                               uint32_t *ret_job_index) {
    *ret_job = (struct alog_string){NULL, 0};
    *ret_job_index = UINT32_MAX;
    if (at == end) {
        return NULL;
    }
    if (*at == 0xc0) {
        *(*out)++ = 0xc0;
        return at + 1;
    }
    uint32_t len;
    const uint8_t *text = string_text(at, end, &len);
    if (text == NULL || len > ALOG_MAX_NAME_BYTES) {
        return NULL;
    }
    *ret_job = (struct alog_string){(const char *)text, len};
    *out = put_name(*out, strings, text, len, ret_job_index);
    return text + len;
}

uint8_t *alog_plain_transcode(const struct alog_plain_opening *opening, int64_t delta_ns,
                              const uint8_t *kinds, uint32_t field_count,
                              struct alog_block_strings *strings, uint8_t *out,
                              struct alog_string *ret_job, uint32_t *ret_job_index) {
    const uint8_t *end = opening->rest.end;
    /* The array's head is written last, when its count is known, and may be shorter than its room.
     */
    uint8_t *const body = out + (opening->elements + 2 < 16 ? 1 : 3);
    uint8_t *next = put_mixed_int(alog_mp_uint(body, opening->type), delta_ns);
    const uint8_t *at = copy_job(strings, opening->rest.at, end, &next, ret_job, ret_job_index);
    uint32_t count;
    if (at != NULL) {
        next =
            copy_fields(at, end, opening->elements - 1, kinds, field_count, strings, next, &count);
    }
    if (at == NULL || next == NULL) {
        return NULL;
    }
    uint8_t *const start = alog_mp_array_head(out, 3 + count);
    if (start != body) {
        memmove(start, body, (size_t)(next - body));
        next -= body - start;
    }
    return next;
}
