/*
 * Values of events as OTLP/JSON's AnyValue, both ways.
 *
 *   text     stringValue; bytes that are no UTF-8: bytesValue (base64)
 *   bool     boolValue
 *   integer  intValue, a decimal string; above 2^63 - 1: stringValue (it comes back as text)
 *   real     doubleValue; "NaN", "Infinity" and "-Infinity" are strings
 *   nested   kvlistValue and arrayValue; what is no JSON, or has integers beyond 64 bits:
 * stringValue null     {}, an AnyValue without a value
 */
#ifndef AGENTLOG_TOOLS_OTLP_VALUE_H
#define AGENTLOG_TOOLS_OTLP_VALUE_H

#include <agentlog/agentlog.h>

#include <jansson.h>

/* Never NULL: without memory the program ends. */
json_t *otlp_value_write(const struct alog_value *value);
json_t *otlp_string_value(struct alog_string text);

/* Texts that values refer to, kept until they are freed together. Start with zeros. */
struct otlp_texts {
    void **texts;
    size_t count, capacity;
};
void otlp_texts_free(struct otlp_texts *texts);

/* The value of an AnyValue; text points into `any` or `texts`. An unknown form is null. */
struct alog_value otlp_value_read(const json_t *any, struct otlp_texts *texts);

/* A whole JSON value as JSON text, kept in `texts`. */
struct alog_string otlp_json_text(const json_t *value, struct otlp_texts *texts);

/* A member by its lowerCamelCase or its original name. */
const json_t *otlp_member(const json_t *object, const char *camel, const char *snake);

/* A member that is an unsigned integer of 64 bits, as a number or a string; 0 without it. False: it
 * is something else. */
bool otlp_integer(const json_t *value, uint64_t *ret_value);

/* The members' values are the same text: for conventions such as "spanId". */
struct alog_string otlp_text(const json_t *value);

/* The flags for json_dumps with which every real number in `value` comes back as it is. */
size_t otlp_dump_flags(const json_t *value);

/*
 * An id of `bytes` bytes as lower-case hex: out of hex, or out of the base64 that some exporters
 * write. False when it is neither, or all zero.
 */
bool otlp_id_read(const json_t *value, size_t bytes, char *out);

#endif
