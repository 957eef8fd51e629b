/*
 * One line of NDJSON as one event. jansson judges the grammar and unescapes strings; numbers and
 * nested values are taken from the text itself, which keeps integers beyond int64_t and every digit
 * of nested values.
 */
#include <agentlog/ndjson.h>

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "error.h"
#include "event_codec.h"
#include "json_text.h"

struct alog_ndjson_parser {
    json_t *root; /* holds the strings of the latest event */
    struct alog_text
        nested; /* its nested values as compact text; never moves while an event is made */
    struct alog_value values[ALOG_MAX_FIELDS];
    struct alog_attribute *attributes;
    size_t attribute_capacity;
    struct alog_event_type user_type; /* stands for a type that is not in the catalogue */
    struct alog_event event;
};

/* One member of the object, with its place in the line. */
struct member {
    const char *line;
    size_t line_len;
    struct alog_string name;
    const json_t *value;
    struct alog_json_span span;
};

enum alog_status alog_ndjson_parser_new(struct alog_ndjson_parser **ret_parser) {
    struct alog_ndjson_parser *parser = calloc(1, sizeof *parser);
    if (parser == NULL) {
        return ALOG_NO_MEMORY;
    }
    *ret_parser = parser;
    return ALOG_OK;
}

void alog_ndjson_parser_free(struct alog_ndjson_parser *parser) {
    if (parser == NULL) {
        return;
    }
    json_decref(parser->root);
    alog_text_free(&parser->nested);
    free(parser->attributes);
    free(parser);
}

static enum alog_status no_memory(struct alog_error *error) {
    return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "out of memory");
}

static struct alog_string string_of(const json_t *value) {
    return (struct alog_string){json_string_value(value), json_string_length(value)};
}

/* ---- Numbers, from the text ---- */

static bool is_integer_text(const struct member *member) {
    const char *text = member->line + member->span.offset;
    for (size_t i = 0; i < member->span.len; i++) {
        if (text[i] == '.' || text[i] == 'e' || text[i] == 'E') {
            return false;
        }
    }
    return true;
}

/* What the value is, for messages. */
static const char *kind_of(const struct member *member) {
    switch (json_typeof(member->value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    case JSON_NULL:
        return "null";
    default:
        return is_integer_text(member) ? "an integer" : "a real number";
    }
}

static enum alog_status wrong_type(const struct member *member, const char *expected,
                                   struct alog_error *error) {
    return alog_fail(error, ALOG_INVALID, 0, (int64_t)member->span.offset,
                     "%.*s must be %s, not %s", alog_quoted_len(member->name), member->name.data,
                     expected, kind_of(member));
}

/* strtoll stops at the comma, brace or space that follows a number in a valid object. False: too
 * big for int64_t. */
static bool integer_of(const struct member *member, int64_t *ret_value) {
    errno = 0;
    const long long value = strtoll(member->line + member->span.offset, NULL, 10);
    if (errno != 0) {
        return false;
    }
    *ret_value = value;
    return true;
}

static enum alog_status too_big(const struct member *member, struct alog_error *error) {
    return alog_fail(error, ALOG_INVALID, 0, (int64_t)member->span.offset,
                     "%.*s is an integer beyond 64 bits", alog_quoted_len(member->name),
                     member->name.data);
}

/* ---- Values ---- */

static enum alog_status nested_value(struct alog_ndjson_parser *parser, const struct member *member,
                                     struct alog_value *ret_value, struct alog_error *error) {
    /* Room for the whole line at once, so that earlier values do not move. */
    if (parser->nested.len == 0 &&
        alog_text_reserve(&parser->nested,
                          alog_json_compact_bound(member->line, member->line_len)) != ALOG_OK) {
        return no_memory(error);
    }
    const size_t begin = parser->nested.len;
    const char *text = member->line + member->span.offset;
    if (alog_json_append_compact(&parser->nested, text, member->span.len) != ALOG_OK) {
        return no_memory(error);
    }
    ret_value->kind = ALOG_VALUE_JSON;
    ret_value->string =
        (struct alog_string){parser->nested.data + begin, parser->nested.len - begin};
    return ALOG_OK;
}

static enum alog_status integer_field(const struct member *member, struct alog_value *ret_value,
                                      struct alog_error *error) {
    if (!json_is_number(member->value)) {
        return wrong_type(member, "an integer", error);
    }
    ret_value->kind = ALOG_VALUE_I64;
    if (is_integer_text(member)) {
        return integer_of(member, &ret_value->i64) ? ALOG_OK : too_big(member, error);
    }
    const double real = json_real_value(member->value);
    if (real != floor(real) || real < -0x1p63 || real >= 0x1p63) {
        return wrong_type(member, "an integer", error);
    }
    ret_value->i64 = (int64_t)real;
    return ALOG_OK;
}

static enum alog_status real_field(const struct member *member, struct alog_value *ret_value,
                                   struct alog_error *error) {
    ret_value->kind = ALOG_VALUE_F64;
    if (json_is_number(member->value)) {
        ret_value->f64 = json_real_value(member->value);
        return ALOG_OK;
    }
    if (json_is_string(member->value)) {
        const struct alog_string text = string_of(member->value);
        if (alog_string_equal(text, ALOG_STR("NaN"))) {
            ret_value->f64 = (double)NAN;
            return ALOG_OK;
        }
        if (alog_string_equal(text, ALOG_STR("Infinity")) ||
            alog_string_equal(text, ALOG_STR("-Infinity"))) {
            ret_value->f64 = text.data[0] == '-' ? -(double)INFINITY : (double)INFINITY;
            return ALOG_OK;
        }
    }
    return wrong_type(member, "a number", error);
}

static enum alog_status field_value(struct alog_ndjson_parser *parser, enum alog_field_kind kind,
                                    const struct member *member, struct alog_value *ret_value,
                                    struct alog_error *error) {
    if (json_is_null(member->value)) {
        ret_value->kind = ALOG_VALUE_ABSENT;
        return ALOG_OK;
    }
    switch (kind) {
    case ALOG_FIELD_BOOL:
        if (!json_is_boolean(member->value)) {
            return wrong_type(member, "true or false", error);
        }
        ret_value->kind = ALOG_VALUE_BOOL;
        ret_value->boolean = json_is_true(member->value);
        return ALOG_OK;
    case ALOG_FIELD_I64:
        return integer_field(member, ret_value, error);
    case ALOG_FIELD_F64:
        return real_field(member, ret_value, error);
    case ALOG_FIELD_JSON:
        if (!json_is_string(member->value)) {
            return nested_value(parser, member, ret_value, error);
        }
        break;
    default:
        if (!json_is_string(member->value)) {
            return wrong_type(member, "text", error);
        }
        break;
    }
    ret_value->kind = ALOG_VALUE_STRING;
    ret_value->string = string_of(member->value);
    return ALOG_OK;
}

static enum alog_status number_attribute(const struct member *member, struct alog_value *ret_value,
                                         struct alog_error *error) {
    if (!is_integer_text(member)) {
        ret_value->kind = ALOG_VALUE_F64;
        ret_value->f64 = json_real_value(member->value);
        return ALOG_OK;
    }
    if (integer_of(member, &ret_value->i64)) {
        ret_value->kind = ALOG_VALUE_I64;
        return ALOG_OK;
    }
    const char *text = member->line + member->span.offset;
    errno = 0;
    const unsigned long long value = strtoull(text, NULL, 10);
    if (*text == '-' || errno != 0) {
        return too_big(member, error);
    }
    ret_value->kind = ALOG_VALUE_U64;
    ret_value->u64 = value;
    return ALOG_OK;
}

static enum alog_status attribute_value(struct alog_ndjson_parser *parser,
                                        const struct member *member, struct alog_value *ret_value,
                                        struct alog_error *error) {
    switch (json_typeof(member->value)) {
    case JSON_NULL:
        ret_value->kind = ALOG_VALUE_NULL;
        return ALOG_OK;
    case JSON_TRUE:
    case JSON_FALSE:
        ret_value->kind = ALOG_VALUE_BOOL;
        ret_value->boolean = json_is_true(member->value);
        return ALOG_OK;
    case JSON_STRING:
        ret_value->kind = ALOG_VALUE_STRING;
        ret_value->string = string_of(member->value);
        return ALOG_OK;
    case JSON_OBJECT:
    case JSON_ARRAY:
        return nested_value(parser, member, ret_value, error);
    default:
        return number_attribute(member, ret_value, error);
    }
}

/* ---- What every event has ---- */

static enum alog_status common_text(const struct member *member, struct alog_string *ret_text,
                                    struct alog_error *error) {
    if (json_is_null(member->value)) {
        return ALOG_OK;
    }
    if (!json_is_string(member->value)) {
        return wrong_type(member, "text", error);
    }
    *ret_text = string_of(member->value);
    return ALOG_OK;
}

static enum alog_status timestamp(const struct member *member, struct alog_event *event,
                                  struct alog_error *error) {
    static const char hint[] = "an RFC 3339 time with offset, or whole nanoseconds since 1970";
    const int64_t offset = (int64_t)member->span.offset;
    int64_t value = 0;
    if (json_is_null(member->value)) {
        return ALOG_OK;
    }
    if (json_is_string(member->value)) {
        struct alog_error reason = {.message = ""};
        if (alog_time_parse(string_of(member->value), &value, &reason) != ALOG_OK) {
            return alog_fail(error, ALOG_INVALID, 0, offset, "timestamp: %s", reason.message);
        }
    } else if (!json_is_number(member->value) || !is_integer_text(member)) {
        return wrong_type(member, hint, error);
    } else if (!integer_of(member, &value)) {
        return too_big(member, error);
    }
    if (value < 0) {
        return alog_fail(error, ALOG_INVALID, 0, offset, "timestamp is before 1970: %" PRId64 " ns",
                         value);
    }
    event->timestamp_ns = value;
    event->has_timestamp = true;
    return ALOG_OK;
}

/* ---- The event ---- */

static enum alog_status find_type(struct alog_ndjson_parser *parser, struct alog_error *error) {
    const json_t *name = json_object_get(parser->root, "event");
    if (name == NULL || json_is_null(name)) {
        return alog_fail(error, ALOG_INVALID, 0, 0,
                         "no event: every line needs an \"event\", its type");
    }
    if (!json_is_string(name)) {
        return ALOG_OK; /* the walk over the members knows its place and says so */
    }
    parser->event.name = string_of(name);
    if (parser->event.name.len == 0 || parser->event.name.len > ALOG_MAX_NAME_BYTES) {
        return alog_fail(error, ALOG_INVALID, 0, 0, "an event's name has 1 to %u bytes, not %zu",
                         ALOG_MAX_NAME_BYTES, parser->event.name.len);
    }
    parser->event.type = alog_catalogue_find(parser->event.name);
    if (parser->event.type == NULL) {
        parser->user_type = (struct alog_event_type){
            .name = parser->event.name.data, .name_len = parser->event.name.len, .doc = ""};
        parser->event.type = &parser->user_type;
    }
    return ALOG_OK;
}

/* The common part that a member is, or NULL. */
static struct alog_string *common_place(struct alog_event *event, struct alog_string name) {
    if (alog_string_equal(name, ALOG_STR("event"))) {
        return &event->name;
    }
    if (alog_string_equal(name, ALOG_STR("job_id"))) {
        return &event->job_id;
    }
    if (alog_string_equal(name, ALOG_STR("event_id"))) {
        return &event->event_id;
    }
    if (alog_string_equal(name, ALOG_STR("environment"))) {
        return &event->environment;
    }
    return NULL;
}

static enum alog_status take_member(struct alog_ndjson_parser *parser, const struct member *member,
                                    struct alog_error *error) {
    struct alog_event *event = &parser->event;
    struct alog_string *common = common_place(event, member->name);
    if (common != NULL) {
        return common_text(member, common, error);
    }
    if (alog_string_equal(member->name, ALOG_STR("timestamp"))) {
        return timestamp(member, event, error);
    }
    for (uint32_t i = 0; i < event->type->field_count; i++) {
        const struct alog_field *field = &event->type->fields[i];
        if (alog_string_equal(member->name, alog_str(field->name))) {
            return field_value(parser, field->kind, member, &parser->values[i], error);
        }
    }
    struct alog_attribute *attribute = &parser->attributes[event->attribute_count++];
    attribute->name = member->name;
    return attribute_value(parser, member, &attribute->value, error);
}

static enum alog_status reserve_attributes(struct alog_ndjson_parser *parser,
                                           struct alog_error *error) {
    const size_t count = json_object_size(parser->root);
    if (count <= parser->attribute_capacity) {
        return ALOG_OK;
    }
    struct alog_attribute *attributes =
        realloc(parser->attributes, count * sizeof *parser->attributes);
    if (attributes == NULL) {
        return no_memory(error);
    }
    parser->attributes = attributes;
    parser->attribute_capacity = count;
    return ALOG_OK;
}

/* The members stand in jansson's object in the order of the text, so that both are walked side by
 * side. */
static enum alog_status take_members(struct alog_ndjson_parser *parser, const char *line,
                                     size_t len, struct alog_error *error) {
    struct alog_json_walk walk = {line, len, 0};
    struct member member = {.line = line, .line_len = len};
    for (void *at = json_object_iter(parser->root); at != NULL;
         at = json_object_iter_next(parser->root, at)) {
        if (!alog_json_walk_next(&walk, &member.span)) {
            return alog_fail(error, ALOG_INVALID, 0, (int64_t)walk.at, "broken JSON");
        }
        member.name = alog_str(json_object_iter_key(at));
        member.value = json_object_iter_value(at);
        const enum alog_status status = take_member(parser, &member, error);
        if (status != ALOG_OK) {
            return status;
        }
    }
    return ALOG_OK;
}

static enum alog_status load(struct alog_ndjson_parser *parser, const char *line, size_t len,
                             struct alog_error *error) {
    json_error_t fault;
    json_decref(parser->root);
    /* Integers as reals only to get them past jansson's own limit: their value comes from the text.
     */
    parser->root = json_loadb(
        line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &fault);
    if (parser->root == NULL) {
        if (json_error_code(&fault) == json_error_out_of_memory) {
            return no_memory(error);
        }
        const char *what =
            json_error_code(&fault) == json_error_invalid_utf8 ? "invalid UTF-8" : "broken JSON";
        return alog_fail(error, ALOG_INVALID, 0, fault.position, "%s: %s", what, fault.text);
    }
    if (!json_is_object(parser->root)) {
        return alog_fail(error, ALOG_INVALID, 0, 0, "a line must be one JSON object, not an array");
    }
    return ALOG_OK;
}

enum alog_status alog_ndjson_parse(struct alog_ndjson_parser *parser, const char *line, size_t len,
                                   const struct alog_event **ret_event, struct alog_error *error) {
    if (len > ALOG_MAX_EVENT_BYTES) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "the line has %zu bytes, the most is %u", len,
                         ALOG_MAX_EVENT_BYTES);
    }
    parser->nested.len = 0;
    parser->event = (struct alog_event){.values = parser->values};
    enum alog_status status = load(parser, line, len, error);
    if (status == ALOG_OK) {
        status = find_type(parser, error);
    }
    if (status == ALOG_OK) {
        status = reserve_attributes(parser, error);
    }
    if (status != ALOG_OK) {
        return status;
    }
    parser->event.attributes = parser->attributes;
    if (parser->event.type == NULL) {
        parser->event.type = &parser->user_type;
    }
    memset(parser->values, 0, sizeof parser->values);
    parser->event.value_count = parser->event.type->field_count;
    status = take_members(parser, line, len, error);
    if (status == ALOG_OK) {
        status = alog_event_check(parser->event.type, &parser->event, error);
    }
    if (status == ALOG_OK) {
        *ret_event = &parser->event;
    }
    /* An event that is too big is one more way for a line to be refused. */
    return status == ALOG_TOO_BIG ? ALOG_INVALID : status;
}
