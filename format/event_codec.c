/* One event to and from its msgpack array. Decoding is half of what an ingest costs. */
#include "event_codec.h"

#include <stdlib.h>

/* ---- Encoding ---------------------------------------------------------------------------------
 */

static const struct alog_string event_id_key = {"event_id", 8};
static const struct alog_string environment_key = {"environment", 11};

static size_t value_bound(const struct alog_value *value) {
    const bool text = value->kind == ALOG_VALUE_STRING || value->kind == ALOG_VALUE_JSON;
    return text ? ALOG_MP_MAX_EXT_HEAD + value->string.len : ALOG_MP_MAX_INT;
}

static size_t pair_bound(struct alog_string key, size_t value_bytes) {
    return ALOG_MP_MAX_STR_HEAD + key.len + value_bytes;
}

size_t alog_event_encoded_bound(const struct alog_event *event) {
    /* Array, type, timestamp, job id, and the head of the extras. */
    size_t bytes = ALOG_MP_MAX_ARRAY_HEAD + 2 * ALOG_MP_MAX_INT + ALOG_MP_MAX_STR_HEAD +
                   ALOG_MAX_NAME_BYTES + ALOG_MP_MAX_ARRAY_HEAD;
    for (uint32_t i = 0; i < event->value_count; i++) {
        bytes += value_bound(&event->values[i]);
    }
    bytes += pair_bound(event_id_key, ALOG_MP_MAX_STR_HEAD + event->event_id.len);
    bytes += pair_bound(environment_key, ALOG_MP_MAX_STR_HEAD + event->environment.len);
    for (uint32_t i = 0; i < event->attribute_count; i++) {
        bytes += pair_bound(event->attributes[i].name, value_bound(&event->attributes[i].value));
    }
    return bytes;
}

static uint8_t *put_string(uint8_t *at, struct alog_string text) {
    return alog_mp_str(at, text.data, (uint32_t)text.len);
}

static uint8_t *put_value(uint8_t *at, const struct alog_value *value) {
    switch (value->kind) {
    case ALOG_VALUE_ABSENT:
    case ALOG_VALUE_NULL:
        return alog_mp_nil(at);
    case ALOG_VALUE_BOOL:
        return alog_mp_bool(at, value->boolean);
    case ALOG_VALUE_I64:
        return alog_mp_int(at, value->i64);
    case ALOG_VALUE_U64:
        return alog_mp_uint(at, value->u64);
    case ALOG_VALUE_F64:
        return alog_mp_f64(at, value->f64);
    case ALOG_VALUE_STRING:
        return put_string(at, value->string);
    case ALOG_VALUE_JSON:
        return alog_mp_ext(at, ALOG_MP_EXT_JSON, value->string.data, (uint32_t)value->string.len);
    }
    return alog_mp_nil(at);
}

static uint8_t *put_extras(uint8_t *at, uint32_t count, const struct alog_event *event) {
    at = alog_mp_map_head(at, count);
    if (event->event_id.data != NULL) {
        at = put_string(put_string(at, event_id_key), event->event_id);
    }
    if (event->environment.data != NULL) {
        at = put_string(put_string(at, environment_key), event->environment);
    }
    for (uint32_t i = 0; i < event->attribute_count; i++) {
        at = put_string(at, event->attributes[i].name);
        at = put_value(at, &event->attributes[i].value);
    }
    return at;
}

uint8_t *alog_event_encode(uint8_t *at, uint32_t type, int64_t timestamp_ns,
                           struct alog_string job_id, const struct alog_event *event) {
    const uint32_t extras = (event->event_id.data != NULL ? 1u : 0u) +
                            (event->environment.data != NULL ? 1u : 0u) + event->attribute_count;
    at = alog_mp_array_head(at, 3 + event->value_count + (extras != 0));
    at = alog_mp_uint(at, type);
    at = alog_mp_int(at, timestamp_ns);
    at = job_id.data != NULL ? put_string(at, job_id) : alog_mp_nil(at);
    for (uint32_t i = 0; i < event->value_count; i++) {
        at = put_value(at, &event->values[i]);
    }
    return extras != 0 ? put_extras(at, extras, event) : at;
}

/* ---- Decoding ---------------------------------------------------------------------------------
 */

void alog_event_decoder_free(struct alog_event_decoder *decoder) {
    free(decoder->attributes);
    decoder->attributes = NULL;
    decoder->attribute_capacity = 0;
}

static struct alog_string token_text(const struct alog_mp_token *token) {
    return (struct alog_string){(const char *)token->data, token->len};
}

/* The usual forms of small numbers, in place; false (and nothing taken): some other form. */
static inline bool take_small(struct alog_mp_cursor *in, uint32_t *ret_number) {
    const uint8_t *at = in->at;
    if (__builtin_expect(in->end - at < 5, false)) {
        return false;
    }
    if (*at < 0x80) {
        *ret_number = *at;
        in->at = at + 1;
    } else if (*at == 0xcc) {
        *ret_number = at[1];
        in->at = at + 2;
    } else if (*at == 0xcd) {
        *ret_number = alog_mp_load16(at + 1);
        in->at = at + 3;
    } else if (*at == 0xce) {
        *ret_number = alog_mp_load32(at + 1);
        in->at = at + 5;
    } else {
        return false;
    }
    return true;
}

static inline bool take_nil(struct alog_mp_cursor *in) {
    const bool nil = in->at < in->end && *in->at == 0xc0;
    in->at += nil;
    return nil;
}

/* A string in place, or its index where there is a table. */
static inline bool take_string(struct alog_mp_cursor *in, const struct alog_string_table *strings,
                               struct alog_string *ret_text, uint32_t *ret_index) {
    uint32_t index;
    if (strings != NULL && take_small(in, &index)) {
        if (index >= strings->count) {
            return false;
        }
        *ret_text = strings->strings[index];
        *ret_index = index;
        return true;
    }
    struct alog_mp_token token;
    if (!alog_mp_next(in, &token)) {
        return false;
    }
    if (token.type == ALOG_MP_STR) {
        *ret_text = token_text(&token);
        *ret_index = ALOG_NO_STRING;
        return true;
    }
    /* The last few bytes of a block, where take_small does not look, or a needlessly wide index. */
    if (strings == NULL || token.type != ALOG_MP_INT || token.i64 < 0 ||
        token.i64 >= (int64_t)strings->count) {
        return false;
    }
    *ret_text = strings->strings[token.i64];
    *ret_index = (uint32_t)token.i64;
    return true;
}

static bool take_text(struct alog_mp_cursor *in, bool json, struct alog_value *ret_value) {
    struct alog_mp_token token;
    if (!alog_mp_next(in, &token)) {
        return false;
    }
    if (token.type == ALOG_MP_STR) {
        ret_value->kind = ALOG_VALUE_STRING;
    } else if (json && token.type == ALOG_MP_EXT && token.ext_type == ALOG_MP_EXT_JSON) {
        ret_value->kind = ALOG_VALUE_JSON;
    } else {
        return false;
    }
    ret_value->string = token_text(&token);
    return true;
}

static bool take_bool(struct alog_mp_cursor *in, struct alog_value *ret_value) {
    if (in->at == in->end || (*in->at & 0xfe) != 0xc2) {
        return false;
    }
    ret_value->kind = ALOG_VALUE_BOOL;
    ret_value->boolean = *in->at++ == 0xc3;
    return true;
}

static inline bool take_integer(struct alog_mp_cursor *in, bool plain,
                                struct alog_value *ret_value) {
    uint32_t small;
    ret_value->kind = ALOG_VALUE_I64;
    if (take_small(in, &small)) {
        ret_value->i64 = small;
        return true;
    }
    struct alog_mp_token token;
    if (!alog_mp_next(in, &token)) {
        return false;
    }
    if (token.type == ALOG_MP_INT) {
        ret_value->i64 = token.i64;
        return true;
    }
    if (plain && token.type == ALOG_MP_F64 && token.f64 >= -0x1p63 && token.f64 < 0x1p63 &&
        (double)(int64_t)token.f64 == token.f64) {
        ret_value->i64 = (int64_t)token.f64;
        return true;
    }
    return false;
}

/* An integer stands for thousandths in a block, and for itself in plain form. */
static inline bool take_real(struct alog_mp_cursor *in, bool plain, struct alog_value *ret_value) {
    uint32_t small;
    ret_value->kind = ALOG_VALUE_F64;
    if (take_small(in, &small)) {
        ret_value->f64 = plain ? (double)small : (double)small / 1000.0;
        return true;
    }
    struct alog_mp_token token;
    if (!alog_mp_next(in, &token)) {
        return false;
    }
    if (token.type == ALOG_MP_F64) {
        ret_value->f64 = token.f64;
    } else if (token.type == ALOG_MP_INT) {
        ret_value->f64 = plain ? (double)token.i64 : (double)token.i64 / 1000.0;
    } else if (token.type == ALOG_MP_UINT && plain) {
        ret_value->f64 = (double)token.u64;
    } else {
        return false;
    }
    return true;
}

static inline bool take_field(struct alog_mp_cursor *in, enum alog_field_kind kind,
                              const struct alog_string_table *strings, struct alog_value *ret_value,
                              uint32_t *ret_index) {
    *ret_index = ALOG_NO_STRING;
    if (take_nil(in)) {
        ret_value->kind = ALOG_VALUE_ABSENT;
        return true;
    }
    switch (kind) {
    case ALOG_FIELD_NAME:
    case ALOG_FIELD_ENUM:
        ret_value->kind = ALOG_VALUE_STRING;
        return take_string(in, strings, &ret_value->string, ret_index);
    case ALOG_FIELD_TEXT:
    case ALOG_FIELD_JSON:
        return take_text(in, kind == ALOG_FIELD_JSON, ret_value);
    case ALOG_FIELD_BOOL:
        return take_bool(in, ret_value);
    case ALOG_FIELD_I64:
        return take_integer(in, strings == NULL, ret_value);
    case ALOG_FIELD_F64:
        return take_real(in, strings == NULL, ret_value);
    }
    return false;
}

static bool take_attribute_value(struct alog_mp_cursor *in, struct alog_value *ret_value) {
    struct alog_mp_token token;
    if (!alog_mp_next(in, &token)) {
        return false;
    }
    switch (token.type) {
    case ALOG_MP_NIL:
        ret_value->kind = ALOG_VALUE_NULL;
        return true;
    case ALOG_MP_BOOL:
        ret_value->kind = ALOG_VALUE_BOOL;
        ret_value->boolean = token.boolean;
        return true;
    case ALOG_MP_INT:
        ret_value->kind = ALOG_VALUE_I64;
        ret_value->i64 = token.i64;
        return true;
    case ALOG_MP_UINT:
        ret_value->kind = ALOG_VALUE_U64;
        ret_value->u64 = token.u64;
        return true;
    case ALOG_MP_F64:
        ret_value->kind = ALOG_VALUE_F64;
        ret_value->f64 = token.f64;
        return true;
    case ALOG_MP_STR:
        ret_value->kind = ALOG_VALUE_STRING;
        ret_value->string = token_text(&token);
        return true;
    case ALOG_MP_EXT:
        ret_value->kind = ALOG_VALUE_JSON;
        ret_value->string = token_text(&token);
        return token.ext_type == ALOG_MP_EXT_JSON;
    case ALOG_MP_BIN:
    case ALOG_MP_ARRAY:
    case ALOG_MP_MAP:
        break;
    }
    return false;
}

static bool reserve_attributes(struct alog_event_decoder *decoder, uint32_t count) {
    if (count <= decoder->attribute_capacity) {
        return true;
    }
    struct alog_attribute *grown =
        realloc(decoder->attributes, count * sizeof *decoder->attributes);
    if (grown == NULL) {
        return false;
    }
    decoder->attributes = grown;
    decoder->attribute_capacity = count;
    return true;
}

/* What an event carries beside its fields; the attributes are in the decoder. */
struct extras {
    struct alog_string event_id, environment;
    uint32_t attribute_count;
};

/* The map of extras; its head is next. */
static enum alog_status take_extras(struct alog_event_decoder *decoder, struct alog_mp_cursor *in,
                                    struct extras *ret_extras) {
    struct alog_mp_token head;
    if (!alog_mp_next(in, &head) || head.type != ALOG_MP_MAP ||
        head.len > ALOG_MAX_ATTRIBUTES + 2) {
        return ALOG_CORRUPT;
    }
    if (!reserve_attributes(decoder, head.len)) {
        return ALOG_NO_MEMORY;
    }
    for (uint32_t i = 0; i < head.len; i++) {
        struct alog_mp_token key;
        struct alog_value value;
        if (!alog_mp_next(in, &key) || key.type != ALOG_MP_STR || key.len == 0 ||
            key.len > ALOG_MAX_NAME_BYTES || !take_attribute_value(in, &value)) {
            return ALOG_CORRUPT;
        }
        const struct alog_string name = token_text(&key);
        const bool is_event_id = alog_string_equal(name, event_id_key);
        if (is_event_id || alog_string_equal(name, environment_key)) {
            if (value.kind != ALOG_VALUE_STRING || value.string.len > ALOG_MAX_NAME_BYTES) {
                return ALOG_CORRUPT;
            }
            *(is_event_id ? &ret_extras->event_id : &ret_extras->environment) = value.string;
        } else {
            decoder->attributes[ret_extras->attribute_count++] =
                (struct alog_attribute){name, value};
        }
    }
    return ALOG_OK;
}

static bool is_map(const struct alog_mp_cursor *in) {
    return in->at < in->end && ((*in->at & 0xf0) == 0x80 || *in->at == 0xde || *in->at == 0xdf);
}

/* An array's head; those of events are nearly always of the one-byte form. */
static inline bool take_array(struct alog_mp_cursor *in, uint32_t *ret_count) {
    if (in->at < in->end && (*in->at & 0xf0) == 0x90) {
        *ret_count = *in->at++ & 0x0fu;
        return true;
    }
    struct alog_mp_token head;
    if (!alog_mp_next(in, &head) || head.type != ALOG_MP_ARRAY) {
        return false;
    }
    *ret_count = head.len;
    return true;
}

/* The timestamp from its second element: absolute, or as the distance from `before`. */
static inline bool take_timestamp(struct alog_mp_cursor *in, const int64_t *before,
                                  int64_t *ret_ns) {
    uint32_t small;
    int64_t number;
    if (take_small(in, &small)) {
        number = small;
    } else {
        struct alog_mp_token token;
        if (!alog_mp_next(in, &token) || token.type != ALOG_MP_INT) {
            return false;
        }
        number = token.i64;
    }
    /* Unsigned, since a hostile distance must not overflow a signed sum. */
    *ret_ns = before == NULL ? number : (int64_t)((uint64_t)*before + (uint64_t)number);
    return *ret_ns >= 0;
}

/* What stands in front of the fields. */
struct opening {
    const struct alog_event_type *type;
    int64_t timestamp_ns;
    struct alog_string job_id;
    uint32_t elements; /* that follow */
};

static inline bool take_opening(struct alog_event_decoder *decoder, struct alog_mp_cursor *in,
                                const struct alog_schema *schema,
                                const struct alog_string_table *strings, const int64_t *before,
                                struct opening *ret_opening) {
    uint32_t count;
    struct alog_mp_token id;
    if (!take_array(in, &count) || count < 3 || !alog_mp_next(in, &id) || id.type != ALOG_MP_INT ||
        id.i64 < 0 || id.i64 >= ALOG_MAX_TYPES) {
        return false;
    }
    ret_opening->type = alog_schema_type(schema, (uint32_t)id.i64);
    if (ret_opening->type == NULL || !take_timestamp(in, before, &ret_opening->timestamp_ns)) {
        return false;
    }
    decoder->job_index = ALOG_NO_STRING;
    ret_opening->job_id = (struct alog_string){NULL, 0};
    if (!take_nil(in) && !take_string(in, strings, &ret_opening->job_id, &decoder->job_index)) {
        return false;
    }
    ret_opening->elements = count - 3;
    return true;
}

/* Member by member: an event is large enough for a copy of it to be seen in a profile. */
static void fill_event(struct alog_event *event, const struct alog_event_decoder *decoder,
                       const struct opening *opening, const struct extras *extras) {
    event->name = (struct alog_string){opening->type->name, opening->type->name_len};
    event->type = opening->type;
    event->timestamp_ns = opening->timestamp_ns;
    event->has_timestamp = true;
    event->job_id = opening->job_id;
    event->event_id = extras->event_id;
    event->environment = extras->environment;
    event->values = decoder->values;
    event->value_count = opening->type->field_count;
    event->attributes = decoder->attributes;
    event->attribute_count = extras->attribute_count;
    event->writer_id = 0;
    event->sequence = 0;
}

enum alog_status alog_event_decode(struct alog_event_decoder *decoder,
                                   struct alog_mp_cursor *cursor, const struct alog_schema *schema,
                                   const struct alog_string_table *strings, int64_t *timestamp_ns,
                                   struct alog_event *ret_event) {
    struct alog_mp_cursor in = *cursor;
    struct opening opening;
    struct extras extras = {.attribute_count = 0};
    const int64_t *before = strings != NULL ? timestamp_ns : NULL;
    if (!take_opening(decoder, &in, schema, strings, before, &opening)) {
        return ALOG_CORRUPT;
    }
    const struct alog_field *fields = opening.type->fields;
    const uint32_t field_count = opening.type->field_count;
    const uint32_t elements = opening.elements;
    uint32_t i = 0;
    for (; i < elements && (i + 1 < elements || !is_map(&in)); i++) {
        if (i == field_count || !take_field(&in, fields[i].kind, strings, &decoder->values[i],
                                            &decoder->string_indexes[i])) {
            return ALOG_CORRUPT;
        }
    }
    if (i < elements) {
        const enum alog_status status = take_extras(decoder, &in, &extras);
        if (status != ALOG_OK) {
            return status;
        }
    }
    for (; i < field_count; i++) {
        decoder->values[i].kind = ALOG_VALUE_ABSENT;
        decoder->string_indexes[i] = ALOG_NO_STRING;
    }
    fill_event(ret_event, decoder, &opening, &extras);
    if (strings != NULL) {
        *timestamp_ns = opening.timestamp_ns;
    }
    *cursor = in;
    return ALOG_OK;
}
