/* The event catalogue as C tables, out of catalogue.def. */
#include <agentlog/agentlog.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The texts of each enumeration: job_status_values, … */
#define ALOG_ENUM(enumeration)                     static const char *const enumeration##_values[] = {
#define ALOG_ENUM_VALUE(enumeration, text, symbol) #text,
/* clang-format off */
#define ALOG_ENUM_END(enumeration) NULL };
/* clang-format on */
#include "catalogue.def"

/* The fields of each event: job_start_fields, … */
#define REQUIRED_FLAG_REQUIRED true
#define REQUIRED_FLAG_OPTIONAL false
#define FIELD(field, field_kind, presence, otel_name, text, ...)                                   \
    {.name = #field,                                                                               \
     .kind = (field_kind),                                                                         \
     .required = REQUIRED_FLAG_##presence,                                                         \
     .otel = (otel_name),                                                                          \
     .doc = (text),                                                                                \
     __VA_ARGS__},
#define ALOG_EVENT(id, event, doc) static const struct alog_field event##_fields[] = {
#define ALOG_NAME(event, field, presence, otel, doc)                                               \
    FIELD(field, ALOG_FIELD_NAME, presence, otel, doc, .unit = "")
#define ALOG_TEXT(event, field, presence, otel, doc)                                               \
    FIELD(field, ALOG_FIELD_TEXT, presence, otel, doc, .unit = "")
#define ALOG_JSON(event, field, presence, otel, doc)                                               \
    FIELD(field, ALOG_FIELD_JSON, presence, otel, doc, .unit = "")
#define ALOG_BOOLEAN(event, field, presence, otel, doc)                                            \
    FIELD(field, ALOG_FIELD_BOOL, presence, otel, doc, .unit = "")
#define ALOG_INTEGER(event, field, presence, of_unit, from, to, otel, doc)                         \
    FIELD(field, ALOG_FIELD_I64, presence, otel, doc, .unit = (of_unit),                           \
          .minimum = (double)(from), .maximum = (double)(to))
#define ALOG_REAL(event, field, presence, of_unit, from, to, otel, doc)                            \
    FIELD(field, ALOG_FIELD_F64, presence, otel, doc, .unit = (of_unit),                           \
          .minimum = (double)(from), .maximum = (double)(to))
#define ALOG_ENUMERATED(event, field, presence, enumeration, otel, doc)                            \
    FIELD(field, ALOG_FIELD_ENUM, presence, otel, doc, .unit = "", .values = enumeration##_values)
/* clang-format off */
#define ALOG_EVENT_END(event) };
/* clang-format on */
#include "catalogue.def"

static const struct alog_event_type types[] = {
#define ALOG_EVENT(type_id, event, text)                                                           \
    {.id = (type_id),                                                                              \
     .name = #event,                                                                               \
     .name_len = sizeof #event - 1,                                                                \
     .doc = (text),                                                                                \
     .fields = event##_fields,                                                                     \
     .field_count = COUNT_OF(event##_fields)},
#include "catalogue.def"
};

/* Ids are pinned: they are in every segment ever written. */
#define ALOG_EVENT(type_id, event, text)                                                           \
    _Static_assert((type_id) >= 1 && (type_id) < ALOG_FIRST_USER_TYPE, #event ": id");             \
    _Static_assert(COUNT_OF(event##_fields) <= ALOG_MAX_FIELDS, #event ": fields");
#include "catalogue.def"

const struct alog_event_type *alog_catalogue(size_t *ret_count) {
    *ret_count = COUNT_OF(types);
    return types;
}

const struct alog_event_type *alog_catalogue_find(struct alog_string name) {
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (types[i].name_len == name.len && memcmp(types[i].name, name.data, name.len) == 0) {
            return &types[i];
        }
    }
    return NULL;
}
