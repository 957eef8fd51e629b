/*
 * How events and OpenTelemetry's spans and logs correspond: one table for both directions.
 *
 * A field's attribute is the one of the catalogue's OpenTelemetry column, else agentlog.<field>.
 * What every event has is agentlog.event, agentlog.event_id and agentlog.job_id; its environment is
 * the resource's deployment.environment.name. Further attributes keep their names; one that would
 * be taken for something of the above is agentlog.attribute.<name>.
 */
#ifndef AGENTLOG_TOOLS_OTLP_MAP_H
#define AGENTLOG_TOOLS_OTLP_MAP_H

#include <agentlog/agentlog.h>

#define OTLP_KEY_EVENT           "agentlog.event"
#define OTLP_KEY_EVENT_ID        "agentlog.event_id"
#define OTLP_KEY_JOB_ID          "agentlog.job_id"
#define OTLP_KEY_OPERATION       "gen_ai.operation.name"
#define OTLP_KEY_ENVIRONMENT     "deployment.environment.name"
#define OTLP_KEY_ENVIRONMENT_OLD "deployment.environment"
#define OTLP_ATTRIBUTE_PREFIX    "agentlog.attribute."
#define OTLP_SCOPE               "agentlog"

#define OTLP_KIND_INTERNAL  1
#define OTLP_KIND_CLIENT    3
#define OTLP_STATUS_ERROR   2
#define OTLP_SEVERITY_INFO  9
#define OTLP_SEVERITY_ERROR 17

/* An event type that is a span where it has a duration; else it is a log, as all others are. */
struct otlp_span_type {
    const char *event;
    const char *duration;  /* the field that is the span's length, in ms */
    const char *title;     /* the span's name begins with it … */
    const char *subject;   /* … and goes on with this field; NULL = nothing */
    const char *operation; /* gen_ai.operation.name, or NULL */
    int kind;
};

/* Of that event, or NULL. */
const struct otlp_span_type *otlp_span_type_of(struct alog_string event);

#define OTLP_KEY_BYTES 320

/* The attribute that a field of a catalogue type is. */
const char *otlp_field_key(const struct alog_field *field, char room[OTLP_KEY_BYTES]);

/* The field of `type` whose attribute `key` is, or -1. */
int otlp_field_of_key(const struct alog_event_type *type, struct alog_string key);

/* Whether an attribute of that name would be taken for something else. */
bool otlp_key_is_taken(const struct alog_event_type *type, struct alog_string name);

/* Begins the text with it? */
bool otlp_has_prefix(struct alog_string text, const char *prefix);

#endif
