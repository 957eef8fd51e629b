/*
 * agentlog NDJSON: one JSON object a line <-> one event. Reading and writing are each other's
 * inverse.
 *
 *   event       the type's name; one that is not in the catalogue is a user-defined event
 *   timestamp   RFC 3339 with offset, or integer nanoseconds since 1970 (>= 0); absent = now
 *   job_id, event_id, environment, then the type's fields by name; null = absent
 *   every other name is an attribute: scalars as they are, a nested value kept as JSON text
 *   NaN and infinity, which JSON has not, are the strings "NaN", "Infinity", "-Infinity" in number
 * fields
 */
#ifndef AGENTLOG_NDJSON_H
#define AGENTLOG_NDJSON_H

#include <agentlog/agentlog.h>

#ifdef __cplusplus
extern "C" {
#endif

struct alog_ndjson_parser;

/* A parser that can be used again line by line; one thread at a time. */
ALOG_API ALOG_MUST_CHECK enum alog_status
alog_ndjson_parser_new(struct alog_ndjson_parser **ret_parser);
ALOG_API void alog_ndjson_parser_free(struct alog_ndjson_parser *parser);

/*
 * Parse one line (without its newline, <= ALOG_MAX_EVENT_BYTES). *ret_event points into the parser
 * and is valid until its next call. ALOG_INVALID with offset (byte in the line, from 0; 'agentlog
 * log' counts from 1) and reason: broken JSON, no `event`, a missing required field, a wrong type,
 * a value out of range, a bad time.
 */
ALOG_API ALOG_MUST_CHECK enum alog_status alog_ndjson_parse(struct alog_ndjson_parser *parser,
                                                            const char *line, size_t len,
                                                            const struct alog_event **ret_event,
                                                            struct alog_error *error);

/* A growing text buffer: start with zeros, free with alog_text_free. `data` is not NUL-terminated.
 */
struct alog_text {
    char *data;
    size_t len;
    size_t capacity;
};
ALOG_API void alog_text_free(struct alog_text *text);

/* Append `event` as one line with its newline. Invalid UTF-8 becomes U+FFFD. ALOG_NO_MEMORY leaves
 * `text` as it was. */
ALOG_API ALOG_MUST_CHECK enum alog_status alog_ndjson_write(const struct alog_event *event,
                                                            struct alog_text *text);

/* RFC 3339 text of a time in UTC ("2026-02-04T12:00:00.123Z"; 0, 3, 6 or 9 digits), NUL-terminated.
 */
#define ALOG_TIME_BYTES 40
ALOG_API void alog_time_format(int64_t timestamp_ns, char text[ALOG_TIME_BYTES]);

/* The inverse: RFC 3339 with 'Z' or an offset, 0..9+ fraction digits (more are cut). ALOG_INVALID
 * with the reason. */
ALOG_API ALOG_MUST_CHECK enum alog_status
alog_time_parse(struct alog_string text, int64_t *ret_timestamp_ns, struct alog_error *error);

#ifdef __cplusplus
}
#endif

#endif
