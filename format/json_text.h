/*
 * JSON text, the parts that a general JSON library does not give us: numbers that keep their kind
 * and every bit, strings out of bytes that may not be UTF-8, and the places of an object's members,
 * so that nested values are kept as they stand.
 */
#ifndef AGENTLOG_FORMAT_JSON_TEXT_H
#define AGENTLOG_FORMAT_JSON_TEXT_H

#include <agentlog/agentlog.h>
#include <agentlog/ndjson.h>

/* Make room for `more` further bytes. ALOG_NO_MEMORY leaves `text` as it was. */
enum alog_status alog_text_reserve(struct alog_text *text, size_t more);

/* Append bytes as they are. ALOG_NO_MEMORY leaves `text` as it was. */
enum alog_status alog_text_append(struct alog_text *text, const char *data, size_t len);

/*
 * Append a quoted JSON string. Control characters (C0, DEL and C1: a terminal obeys those too) are
 * escaped, each ill-formed UTF-8 sequence becomes U+FFFD. ALOG_NO_MEMORY leaves `text` as it was.
 */
enum alog_status alog_json_append_string(struct alog_text *text, struct alog_string string);

/*
 * Append the shortest decimal that reads back as the same double, always with '.' or 'e', so that
 * it is never taken for an integer. NaN and infinity, which JSON has not, become the strings "NaN",
 * "Infinity" and "-Infinity".
 */
enum alog_status alog_json_append_double(struct alog_text *text, double value);

/*
 * Append valid JSON text without the white space between its tokens. DEL and C1 controls, which can
 * only stand in its strings, are escaped; everything else stays as it was written.
 */
enum alog_status alog_json_append_compact(struct alog_text *text, const char *json, size_t len);

/* Bytes that alog_json_append_compact may write for this text, at most. Cost: one pass. */
size_t alog_json_compact_bound(const char *json, size_t len);

/* A walk over the members of an object. Start with {line, len, 0}; the line must be one valid JSON
 * object. */
struct alog_json_walk {
    const char *line;
    size_t len;
    size_t at;
};

/* Where the value of a member stands in the line. */
struct alog_json_span {
    size_t offset;
    size_t len;
};

/* The value of the next member, in the order of the text; false at the end. Nesting is counted, not
 * recursed into. */
bool alog_json_walk_next(struct alog_json_walk *walk, struct alog_json_span *ret_value);

#endif
