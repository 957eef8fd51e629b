/* Is an event one of its type? Everything that comes from outside passes here before it is encoded.
 */
#include <stdio.h>
#include <stdlib.h>

#include "error.h"
#include "event_codec.h"

#define NUMBER_BYTES       32
#define QUOTED_TEXT_BYTES  (4 * 32 + 1) /* 32 bytes, each an escape at worst */
#define ENUM_LISTING_BYTES 256

static enum alog_status invalid(struct alog_error *error, const struct alog_event_type *type,
                                const char *field, const char *reason) {
    return alog_fail(error, ALOG_INVALID, 0, -1, "%s.%s %s", type->name, field, reason);
}

static bool in_range(const struct alog_field *field, double value) {
    if (field->minimum == 0 && field->maximum == 0) {
        return true;
    }
    /* NaN and infinity are kept in the log: they say that something was measured, and went wrong.
     */
    return !__builtin_isfinite(value) || (value >= field->minimum && value <= field->maximum);
}

/* The shortest of the forms that tell the number from its neighbours. */
static void write_number(double number, char out[NUMBER_BYTES]) {
    snprintf(out, NUMBER_BYTES, "%.15g", number);
    if (strtod(out, NULL) != number) {
        snprintf(out, NUMBER_BYTES, "%.17g", number);
    }
}

static enum alog_status check_range(const struct alog_event_type *type,
                                    const struct alog_field *field, double number,
                                    struct alog_error *error) {
    if (in_range(field, number)) {
        return ALOG_OK;
    }
    char given[NUMBER_BYTES], minimum[NUMBER_BYTES], maximum[NUMBER_BYTES];
    write_number(number, given);
    write_number(field->minimum, minimum);
    write_number(field->maximum, maximum);
    return alog_fail(error, ALOG_INVALID, 0, -1, "%s.%s is %s, which is not within %s..%s",
                     type->name, field->name, given, minimum, maximum);
}

/* The text as a message may show it: cut, with everything but printable ASCII escaped. */
static void write_quoted(struct alog_string text, char out[QUOTED_TEXT_BYTES]) {
    const size_t shown = (QUOTED_TEXT_BYTES - 1) / 4;
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < text.len && i < shown; i++) {
        const unsigned char at = (unsigned char)text.data[i];
        const bool plain = at >= 0x20 && at < 0x7f && at != '\\';
        len += (size_t)snprintf(out + len, QUOTED_TEXT_BYTES - len, plain ? "%c" : "\\x%02x", at);
    }
}

static enum alog_status not_an_enum_text(const struct alog_event_type *type,
                                         const struct alog_field *field, struct alog_string text,
                                         struct alog_error *error) {
    char given[QUOTED_TEXT_BYTES];
    char listing[ENUM_LISTING_BYTES] = "";
    size_t len = 0;
    write_quoted(text, given);
    for (const char *const *value = field->values; *value != NULL && len < sizeof listing;
         value++) {
        len += (size_t)snprintf(listing + len, sizeof listing - len, "%s%s", len > 0 ? ", " : "",
                                *value);
    }
    return alog_fail(error, ALOG_INVALID, 0, -1, "%s.%s is \"%s\"%s, which is none of %s",
                     type->name, field->name, given,
                     text.len > (QUOTED_TEXT_BYTES - 1) / 4 ? "..." : "", listing);
}

static bool is_enum_text(const struct alog_field *field, struct alog_string text) {
    if (field->values == NULL) {
        return true;
    }
    for (const char *const *value = field->values; *value != NULL; value++) {
        if (alog_string_equal(text, alog_str(*value))) {
            return true;
        }
    }
    return false;
}

static enum alog_status check_text(const struct alog_event_type *type,
                                   const struct alog_field *field, const struct alog_value *value,
                                   struct alog_error *error) {
    const bool json = value->kind == ALOG_VALUE_JSON && field->kind == ALOG_FIELD_JSON;
    if (value->kind != ALOG_VALUE_STRING && !json) {
        return invalid(error, type, field->name, "must be text");
    }
    if (value->string.data == NULL) {
        return invalid(error, type, field->name, "is text without data");
    }
    if (field->kind == ALOG_FIELD_ENUM && !is_enum_text(field, value->string)) {
        return not_an_enum_text(type, field, value->string, error);
    }
    return ALOG_OK;
}

static enum alog_status check_integer(const struct alog_event_type *type,
                                      const struct alog_field *field,
                                      const struct alog_value *value, struct alog_error *error) {
    double number;
    if (value->kind == ALOG_VALUE_I64) {
        number = (double)value->i64;
    } else if (value->kind == ALOG_VALUE_F64) {
        /* The bounds are exact doubles; the negated form also refuses NaN. */
        number = value->f64;
        if (!(number >= -0x1p63 && number < 0x1p63) || (double)(int64_t)number != number) {
            return invalid(error, type, field->name, "must be a whole number of 64 bits");
        }
    } else if (value->kind == ALOG_VALUE_U64) {
        return invalid(error, type, field->name, "is larger than a signed 64-bit integer holds");
    } else {
        return invalid(error, type, field->name, "must be an integer");
    }
    return check_range(type, field, number, error);
}

static enum alog_status check_real(const struct alog_event_type *type,
                                   const struct alog_field *field, const struct alog_value *value,
                                   struct alog_error *error) {
    double number;
    if (value->kind == ALOG_VALUE_F64) {
        number = value->f64;
    } else if (value->kind == ALOG_VALUE_I64) {
        number = (double)value->i64;
    } else if (value->kind == ALOG_VALUE_U64) {
        number = (double)value->u64;
    } else {
        return invalid(error, type, field->name, "must be a number");
    }
    return check_range(type, field, number, error);
}

static enum alog_status check_field(const struct alog_event_type *type,
                                    const struct alog_field *field, const struct alog_value *value,
                                    struct alog_error *error) {
    if (value->kind == ALOG_VALUE_ABSENT) {
        return field->required ? invalid(error, type, field->name, "is required") : ALOG_OK;
    }
    switch (field->kind) {
    case ALOG_FIELD_NAME:
    case ALOG_FIELD_TEXT:
    case ALOG_FIELD_JSON:
    case ALOG_FIELD_ENUM:
        return check_text(type, field, value, error);
    case ALOG_FIELD_BOOL:
        return value->kind == ALOG_VALUE_BOOL
                   ? ALOG_OK
                   : invalid(error, type, field->name, "must be true or false");
    case ALOG_FIELD_I64:
        return check_integer(type, field, value, error);
    case ALOG_FIELD_F64:
        return check_real(type, field, value, error);
    }
    return invalid(error, type, field->name, "is of an unknown kind");
}

static bool is_field(const struct alog_event_type *type, struct alog_string name) {
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (alog_string_equal(name, alog_str(type->fields[i].name))) {
            return true;
        }
    }
    return false;
}

static enum alog_status check_attribute(const struct alog_event_type *type,
                                        const struct alog_attribute *attribute,
                                        struct alog_error *error) {
    const struct alog_string name = attribute->name;
    if (name.data == NULL || name.len == 0 || name.len > ALOG_MAX_NAME_BYTES) {
        return alog_fail(error, ALOG_INVALID, 0, -1,
                         "%s: an attribute's name must have 1 to %u bytes", type->name,
                         ALOG_MAX_NAME_BYTES);
    }
    if (alog_is_common_name(name) || is_field(type, name)) {
        return alog_fail(error, ALOG_INVALID, 0, -1,
                         "%s: attribute %.*s has the name of a field of the event", type->name,
                         alog_quoted_len(name), name.data);
    }
    const enum alog_value_kind kind = attribute->value.kind;
    const bool text = kind == ALOG_VALUE_STRING || kind == ALOG_VALUE_JSON;
    if (kind < ALOG_VALUE_NULL || kind > ALOG_VALUE_JSON ||
        (text && attribute->value.string.data == NULL)) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "%s: attribute %.*s has no value", type->name,
                         alog_quoted_len(name), name.data);
    }
    return ALOG_OK;
}

static enum alog_status check_common(const struct alog_event_type *type,
                                     const struct alog_event *event, struct alog_error *error) {
    if (event->has_timestamp && event->timestamp_ns < 0) {
        return invalid(error, type, "timestamp", "is before 1970");
    }
    const struct {
        const char *name;
        struct alog_string text;
    } texts[] = {{"job_id", event->job_id},
                 {"event_id", event->event_id},
                 {"environment", event->environment}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].text.data != NULL && texts[i].text.len > ALOG_MAX_NAME_BYTES) {
            return invalid(error, type, texts[i].name, "is longer than 255 bytes");
        }
    }
    const bool is_job = strcmp(type->name, "job_start") == 0 || strcmp(type->name, "job_end") == 0;
    if (is_job && (event->job_id.data == NULL || event->job_id.len == 0)) {
        return invalid(error, type, "job_id", "is required");
    }
    return ALOG_OK;
}

enum alog_status alog_event_check(const struct alog_event_type *type,
                                  const struct alog_event *event, struct alog_error *error) {
    enum alog_status status = check_common(type, event, error);
    if (status == ALOG_OK && event->value_count > type->field_count) {
        status = alog_fail(error, ALOG_INVALID, 0, -1, "%s has %u fields, not %u", type->name,
                           type->field_count, event->value_count);
    }
    static const struct alog_value absent = {.kind = ALOG_VALUE_ABSENT};
    for (uint32_t i = 0; i < type->field_count && status == ALOG_OK; i++) {
        const struct alog_value *value = i < event->value_count ? &event->values[i] : &absent;
        status = check_field(type, &type->fields[i], value, error);
    }
    if (status == ALOG_OK && event->attribute_count > ALOG_MAX_ATTRIBUTES) {
        status = alog_fail(error, ALOG_INVALID, 0, -1, "%s: more than %u attributes", type->name,
                           ALOG_MAX_ATTRIBUTES);
    }
    for (uint32_t i = 0; i < event->attribute_count && status == ALOG_OK; i++) {
        status = check_attribute(type, &event->attributes[i], error);
    }
    if (status == ALOG_OK && alog_event_encoded_bound(event) > ALOG_MAX_EVENT_BYTES) {
        status = alog_fail(error, ALOG_TOO_BIG, 0, -1, "%s: the event exceeds %u bytes", type->name,
                           ALOG_MAX_EVENT_BYTES);
    }
    return status;
}
