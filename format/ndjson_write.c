/* One event as one line of NDJSON, with its members in a fixed order. */
#include <agentlog/ndjson.h>

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "json_text.h"

#define INTEGER_BYTES 24

/* A line being written; the first failure wins, later calls do nothing. */
struct line {
    struct alog_text *text;
    enum alog_status status;
};

static void put(struct line *line, const char *data, size_t len) {
    if (line->status == ALOG_OK) {
        line->status = alog_text_append(line->text, data, len);
    }
}

static void put_string(struct line *line, struct alog_string string) {
    if (line->status == ALOG_OK) {
        line->status = alog_json_append_string(line->text, string);
    }
}

static void put_name(struct line *line, struct alog_string name) {
    if (line->status == ALOG_OK && line->text->data[line->text->len - 1] != '{') {
        put(line, ",", 1);
    }
    put_string(line, name);
    put(line, ":", 1);
}

/* The flags of ndjson_parse.c: what is written as JSON must be what the parser takes back. */
static bool is_valid_json(struct alog_string json) {
    json_t *root = json_loadb(
        json.data, json.len,
        JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL | JSON_DECODE_ANY, NULL);
    const bool valid = root != NULL;
    json_decref(root);
    return valid;
}

/* A value that claims to be JSON comes from a file that may be hostile: what is not JSON becomes a
 * string. */
static void put_json(struct line *line, struct alog_string json) {
    if (line->status != ALOG_OK) {
        return;
    }
    line->status = is_valid_json(json) ? alog_json_append_compact(line->text, json.data, json.len)
                                       : alog_json_append_string(line->text, json);
}

static void put_value(struct line *line, const struct alog_value *value) {
    char digits[INTEGER_BYTES];
    switch (value->kind) {
    case ALOG_VALUE_ABSENT:
    case ALOG_VALUE_NULL:
        put(line, "null", 4);
        break;
    case ALOG_VALUE_BOOL:
        put(line, value->boolean ? "true" : "false", value->boolean ? 4 : 5);
        break;
    case ALOG_VALUE_I64:
        put(line, digits, (size_t)snprintf(digits, sizeof digits, "%" PRId64, value->i64));
        break;
    case ALOG_VALUE_U64:
        put(line, digits, (size_t)snprintf(digits, sizeof digits, "%" PRIu64, value->u64));
        break;
    case ALOG_VALUE_F64:
        if (line->status == ALOG_OK) {
            line->status = alog_json_append_double(line->text, value->f64);
        }
        break;
    case ALOG_VALUE_STRING:
        put_string(line, value->string);
        break;
    case ALOG_VALUE_JSON:
        put_json(line, value->string);
        break;
    }
}

static void put_common(struct line *line, const char *name, struct alog_string value) {
    if (value.data != NULL) {
        put_name(line, alog_str(name));
        put_string(line, value);
    }
}

static void put_timestamp(struct line *line, const struct alog_event *event) {
    char time[ALOG_TIME_BYTES];
    if (event->has_timestamp) {
        alog_time_format(event->timestamp_ns, time);
        put_common(line, "timestamp", alog_str(time));
    }
}

enum alog_status alog_ndjson_write(const struct alog_event *event, struct alog_text *text) {
    const size_t start = text->len;
    struct line line = {text, ALOG_OK};
    put(&line, "{", 1);
    put_common(&line, "event", event->name);
    put_timestamp(&line, event);
    put_common(&line, "job_id", event->job_id);
    for (uint32_t i = 0; i < event->value_count; i++) {
        if (event->values[i].kind != ALOG_VALUE_ABSENT) {
            put_name(&line, alog_str(event->type->fields[i].name));
            put_value(&line, &event->values[i]);
        }
    }
    for (uint32_t i = 0; i < event->attribute_count; i++) {
        put_name(&line, event->attributes[i].name);
        put_value(&line, &event->attributes[i].value);
    }
    put_common(&line, "event_id", event->event_id);
    put_common(&line, "environment", event->environment);
    put(&line, "}\n", 2);
    if (line.status != ALOG_OK) {
        text->len = start;
    }
    return line.status;
}
