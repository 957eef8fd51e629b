/*
 * Events as OTLP/JSON: lines of TracesData and LogsData, as the collector's file exporter writes
 * them. Executions that have a duration are spans that end at the event's time, all else is a log
 * record. The events of a job are a trace: its id is the job's, where that has the form of one,
 * else a hash of it.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "export/export_form.h"
#include "import/id_set.h"
#include "messages.h"
#include "otlp/otlp_map.h"
#include "otlp/otlp_value.h"
#include "output.h"

#define BATCH_RECORDS  500 /* in a line */
#define TRACE_BYTES    16
#define SPAN_BYTES     8
#define NUMBER_BYTES   24
#define TITLE_BYTES    512
#define NANOSECONDS_MS 1e6

/* One kind of signal, with the line in the making. In a directory each has a file of its own, since
 * a file of the file exporter holds one kind; else its lines go among the others. */
struct signal_lines {
    const char *file_name, *resources, *scopes, *records_name;
    FILE *file;
    json_t *records;
};

struct otlp {
    struct export_target *target;
    char environment[ALOG_MAX_NAME_BYTES + 1]; /* of the lines in the making */
    struct signal_lines traces, logs;
};

/* ---- Lines ----------------------------------------------------------------------------------- */

static json_t *pair(const char *key, json_t *value) {
    return json_pack("{s:s, s:o}", "key", key, "value", value);
}

static void add_attribute(json_t *attributes, struct alog_string key, json_t *value) {
    json_t *attribute = json_object();
    json_object_set_new(attribute, "key", output_json_string(key));
    json_object_set_new(attribute, "value", value);
    json_array_append_new(attributes, attribute);
}

static bool write_line(struct otlp *otlp, struct signal_lines *lines) {
    if (json_array_size(lines->records) == 0) {
        return true;
    }
    json_t *resource = json_pack(
        "{s:[o, o]}", "attributes", pair("service.name", otlp_string_value(ALOG_STR("agentlog"))),
        pair(OTLP_KEY_ENVIRONMENT, otlp_string_value(alog_str(otlp->environment))));
    json_t *scope = json_pack("{s:s, s:s}", "name", OTLP_SCOPE, "version", ALOG_VERSION_TEXT);
    json_t *line = json_pack("{s:[{s:o, s:[{s:o, s:o}]}]}", lines->resources, "resource", resource,
                             lines->scopes, "scope", scope, lines->records_name, lines->records);
    lines->records = json_array();
    char *text = line == NULL ? NULL : json_dumps(line, otlp_dump_flags(line));
    json_decref(line);
    if (text == NULL) {
        message("out of memory");
        exit(EXIT_FAILED);
    }
    const bool written = export_target_write_json(otlp->target, lines->file, text, strlen(text)) &&
                         export_target_write(otlp->target, lines->file, "\n", 1);
    free(text);
    return written;
}

/* The record goes into a line with others of its environment. */
static bool add_record(struct otlp *otlp, struct signal_lines *lines, json_t *record) {
    json_array_append_new(lines->records, record);
    return json_array_size(lines->records) < BATCH_RECORDS || write_line(otlp, lines);
}

/* ---- Ids and times --------------------------------------------------------------------------- */

static void hex(uint64_t high, uint64_t low, size_t bytes, char *out) {
    char text[ID_HASH_TEXT_BYTES];
    snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64, high, low);
    memcpy(out, text + 2 * (TRACE_BYTES - bytes), 2 * bytes + 1);
}

/* "<trace id>-<span id>", as import gives it to a span. */
static bool imported_ids(struct alog_string event_id, char trace[2 * TRACE_BYTES + 1],
                         char span[2 * SPAN_BYTES + 1]) {
    if (event_id.len != 2 * TRACE_BYTES + 1 + 2 * SPAN_BYTES ||
        event_id.data[2 * TRACE_BYTES] != '-') {
        return false;
    }
    json_t *first = json_stringn(event_id.data, 2 * TRACE_BYTES);
    json_t *second = json_stringn(event_id.data + 2 * TRACE_BYTES + 1, 2 * SPAN_BYTES);
    const bool are_ids = first != NULL && second != NULL &&
                         otlp_id_read(first, TRACE_BYTES, trace) &&
                         otlp_id_read(second, SPAN_BYTES, span);
    json_decref(first);
    json_decref(second);
    return are_ids;
}

static void trace_of(const struct alog_event *event, char trace[2 * TRACE_BYTES + 1]) {
    const struct alog_string named = event->job_id.data != NULL ? event->job_id : event->event_id;
    json_t *text = json_stringn(named.data == NULL ? "" : named.data, named.len);
    const bool is_id =
        text != NULL && named.len == 2 * TRACE_BYTES && otlp_id_read(text, TRACE_BYTES, trace);
    json_decref(text);
    if (!is_id) {
        const struct id_hash id = id_hash_of(named.data, named.len);
        hex(id.high, id.low, TRACE_BYTES, trace);
    }
}

static void span_of(const struct alog_event *event, char span[2 * SPAN_BYTES + 1]) {
    const struct id_hash id = id_hash_of(event->event_id.data, event->event_id.len);
    hex(0, id.low != 0 ? id.low : id.high, SPAN_BYTES, span);
}

static json_t *time_text(int64_t ns) {
    char text[NUMBER_BYTES];
    snprintf(text, sizeof text, "%" PRId64, ns);
    return json_string(text);
}

/* ---- Records --------------------------------------------------------------------------------- */

/* The event's value of that field, or NULL. */
static const struct alog_value *value_of(const struct alog_event *event, const char *field) {
    for (uint32_t i = 0; field != NULL && i < event->value_count; i++) {
        if (strcmp(event->type->fields[i].name, field) == 0) {
            return event->values[i].kind == ALOG_VALUE_ABSENT ? NULL : &event->values[i];
        }
    }
    return NULL;
}

static struct alog_string text_of(const struct alog_event *event, const char *field) {
    const struct alog_value *value = value_of(event, field);
    const bool is_text = value != NULL && value->kind == ALOG_VALUE_STRING;
    return is_text ? value->string : (struct alog_string){NULL, 0};
}

static void add_values(json_t *attributes, const struct alog_event_type *known,
                       const struct alog_event *event) {
    char room[OTLP_KEY_BYTES];
    for (uint32_t i = 0; i < event->value_count; i++) {
        if (event->values[i].kind == ALOG_VALUE_ABSENT) {
            continue;
        }
        const char *key = event->type->fields[i].name;
        for (uint32_t k = 0; known != NULL && k < known->field_count; k++) {
            if (strcmp(known->fields[k].name, event->type->fields[i].name) == 0) {
                key = otlp_field_key(&known->fields[k], room);
                break;
            }
        }
        add_attribute(attributes, alog_str(key), otlp_value_write(&event->values[i]));
    }
}

static void add_further(json_t *attributes, const struct alog_event_type *known,
                        const struct alog_event *event) {
    static const struct alog_event_type unknown = {.id = ALOG_FIRST_USER_TYPE, .name = ""};
    const size_t prefix_len = sizeof OTLP_ATTRIBUTE_PREFIX - 1;
    for (uint32_t i = 0; i < event->attribute_count; i++) {
        char room[sizeof OTLP_ATTRIBUTE_PREFIX + ALOG_MAX_NAME_BYTES] = OTLP_ATTRIBUTE_PREFIX;
        struct alog_string name = event->attributes[i].name;
        if (otlp_key_is_taken(known != NULL ? known : &unknown, name) &&
            name.len <= ALOG_MAX_NAME_BYTES) {
            memcpy(room + prefix_len, name.data, name.len);
            name = (struct alog_string){room, prefix_len + name.len};
        }
        add_attribute(attributes, name, otlp_value_write(&event->attributes[i].value));
    }
}

static json_t *attributes_of(const struct alog_event *event, const struct otlp_span_type *span) {
    const struct alog_event_type *known = alog_catalogue_find(event->name);
    json_t *attributes = json_array();
    if (span != NULL && span->operation != NULL) {
        add_attribute(attributes, ALOG_STR(OTLP_KEY_OPERATION),
                      otlp_string_value(alog_str(span->operation)));
    }
    add_values(attributes, known, event);
    add_attribute(attributes, ALOG_STR(OTLP_KEY_EVENT), otlp_string_value(event->name));
    add_attribute(attributes, ALOG_STR(OTLP_KEY_EVENT_ID), otlp_string_value(event->event_id));
    if (event->job_id.data != NULL) {
        add_attribute(attributes, ALOG_STR(OTLP_KEY_JOB_ID), otlp_string_value(event->job_id));
    }
    add_further(attributes, known, event);
    return attributes;
}

static bool has_failed(const struct alog_event *event) {
    const struct alog_value *success = value_of(event, "success");
    const struct alog_string status = text_of(event, "status");
    return (success != NULL && success->kind == ALOG_VALUE_BOOL && !success->boolean) ||
           alog_string_equal(status, ALOG_STR("failed")) ||
           alog_string_equal(status, ALOG_STR("error"));
}

/* The span's length in ns, or -1: the event has none, or one that began before 1970. */
static int64_t duration_of(const struct alog_event *event, const struct otlp_span_type *span) {
    const struct alog_value *ms = span == NULL ? NULL : value_of(event, span->duration);
    if (ms == NULL || (ms->kind != ALOG_VALUE_F64 && ms->kind != ALOG_VALUE_I64)) {
        return -1;
    }
    const double ns = (ms->kind == ALOG_VALUE_F64 ? ms->f64 : (double)ms->i64) * NANOSECONDS_MS;
    return ns >= 0 && ns <= (double)event->timestamp_ns && ns < 0x1p62 ? (int64_t)llround(ns) : -1;
}

static json_t *span_record(const struct alog_event *event, const struct otlp_span_type *span,
                           int64_t duration_ns) {
    char trace[2 * TRACE_BYTES + 1], id[2 * SPAN_BYTES + 1], title[TITLE_BYTES];
    if (!imported_ids(event->event_id, trace, id)) {
        trace_of(event, trace);
        span_of(event, id);
    }
    const struct alog_string subject = text_of(event, span->subject);
    snprintf(title, sizeof title, "%s%s%.*s", span->title, subject.len > 0 ? " " : "",
             (int)(subject.len < 255 ? subject.len : 255), subject.len > 0 ? subject.data : "");
    json_t *record = json_object();
    json_object_set_new(record, "traceId", json_string(trace));
    json_object_set_new(record, "spanId", json_string(id));
    json_object_set_new(record, "name", output_json_string(alog_str(title)));
    json_object_set_new(record, "kind", json_integer(span->kind));
    json_object_set_new(record, "startTimeUnixNano", time_text(event->timestamp_ns - duration_ns));
    json_object_set_new(record, "endTimeUnixNano", time_text(event->timestamp_ns));
    json_object_set_new(record, "attributes", attributes_of(event, span));
    json_t *status = json_object();
    if (has_failed(event)) {
        const struct alog_string reason = text_of(event, "error_message");
        if (reason.data != NULL) {
            json_object_set_new(status, "message", output_json_string(reason));
        }
        json_object_set_new(status, "code", json_integer(OTLP_STATUS_ERROR));
    }
    json_object_set_new(record, "status", status);
    return record;
}

static json_t *log_record(const struct alog_event *event) {
    char trace[2 * TRACE_BYTES + 1];
    const bool failed = has_failed(event) || alog_string_equal(event->name, ALOG_STR("error"));
    const struct alog_string reason = text_of(event, "error_message");
    json_t *record = json_object();
    json_object_set_new(record, "timeUnixNano", time_text(event->timestamp_ns));
    json_object_set_new(record, "observedTimeUnixNano", time_text(event->timestamp_ns));
    json_object_set_new(record, "severityNumber",
                        json_integer(failed ? OTLP_SEVERITY_ERROR : OTLP_SEVERITY_INFO));
    json_object_set_new(record, "severityText", json_string(failed ? "ERROR" : "INFO"));
    json_object_set_new(record, "body",
                        otlp_string_value(reason.data != NULL ? reason : event->name));
    json_object_set_new(record, "attributes", attributes_of(event, NULL));
    if (event->job_id.data != NULL) {
        trace_of(event, trace);
        json_object_set_new(record, "traceId", json_string(trace));
    }
    json_object_set_new(record, "eventName", output_json_string(event->name));
    return record;
}

/* ---- The form -------------------------------------------------------------------------------- */

static bool otlp_event(void *state, const struct alog_event *event) {
    struct otlp *otlp = state;
    const struct otlp_span_type *span = otlp_span_type_of(event->name);
    const int64_t duration_ns = duration_of(event, span);
    if (!alog_string_equal(event->environment, alog_str(otlp->environment))) {
        if (!write_line(otlp, &otlp->traces) || !write_line(otlp, &otlp->logs)) {
            return false;
        }
        const size_t len = event->environment.len < ALOG_MAX_NAME_BYTES ? event->environment.len
                                                                        : ALOG_MAX_NAME_BYTES;
        memset(otlp->environment, 0, sizeof otlp->environment);
        if (len > 0) {
            memcpy(otlp->environment, event->environment.data, len);
        }
    }
    return duration_ns >= 0 ? add_record(otlp, &otlp->traces, span_record(event, span, duration_ns))
                            : add_record(otlp, &otlp->logs, log_record(event));
}

static bool otlp_end(void *state) {
    struct otlp *otlp = state;
    const bool written = write_line(otlp, &otlp->traces) && write_line(otlp, &otlp->logs);
    const bool traces =
        export_target_close(otlp->target, otlp->traces.file, otlp->traces.file_name);
    const bool logs = !otlp->target->is_directory ||
                      export_target_close(otlp->target, otlp->logs.file, otlp->logs.file_name);
    return written && traces && logs;
}

static void otlp_free(void *state) {
    struct otlp *otlp = state;
    json_decref(otlp->traces.records);
    json_decref(otlp->logs.records);
    free(otlp);
}

struct export_form export_otlp_begin(struct export_target *target) {
    struct otlp *otlp = output_allocate(1, sizeof *otlp);
    *otlp = (struct otlp){
        .target = target,
        .traces = {"traces.jsonl", "resourceSpans", "scopeSpans", "spans", NULL, json_array()},
        .logs = {"logs.jsonl", "resourceLogs", "scopeLogs", "logRecords", NULL, json_array()}};
    otlp->traces.file = export_target_open(target, otlp->traces.file_name);
    otlp->logs.file =
        target->is_directory ? export_target_open(target, otlp->logs.file_name) : otlp->traces.file;
    return (struct export_form){otlp_event, otlp_end, otlp_free, otlp};
}
