/* How events and OpenTelemetry's spans and logs correspond. */
#include "otlp/otlp_map.h"

#include <stdio.h>

#define OWN_PREFIX "agentlog."

static const struct otlp_span_type span_types[] = {
    {"agent_execution", "execution_time_ms", "invoke_agent", "agent_name", "invoke_agent",
     OTLP_KIND_INTERNAL},
    {"provider_performance", "latency_ms", "chat", "model", "chat", OTLP_KIND_CLIENT},
    {"orchestration_execution", "total_execution_time_ms", "orchestration", "execution_strategy",
     NULL, OTLP_KIND_INTERNAL},
    {"hook_execution", "execution_time_ms", "hook", "hook_name", NULL, OTLP_KIND_INTERNAL},
    {"test_execution", "execution_time_ms", "test suite", NULL, NULL, OTLP_KIND_INTERNAL},
    {"individual_test_execution", "execution_time_ms", "test", "test_id", NULL,
     OTLP_KIND_INTERNAL}};

const struct otlp_span_type *otlp_span_type_of(struct alog_string event) {
    for (size_t i = 0; i < sizeof span_types / sizeof *span_types; i++) {
        if (alog_string_equal(event, alog_str(span_types[i].event))) {
            return &span_types[i];
        }
    }
    return NULL;
}

const char *otlp_field_key(const struct alog_field *field, char room[OTLP_KEY_BYTES]) {
    if (field->otel != NULL && field->otel[0] != '\0') {
        return field->otel;
    }
    snprintf(room, OTLP_KEY_BYTES, OWN_PREFIX "%s", field->name);
    return room;
}

int otlp_field_of_key(const struct alog_event_type *type, struct alog_string key) {
    char room[OTLP_KEY_BYTES];
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (alog_string_equal(key, alog_str(otlp_field_key(&type->fields[i], room)))) {
            return (int)i;
        }
    }
    return -1;
}

bool otlp_has_prefix(struct alog_string text, const char *prefix) {
    const size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

bool otlp_key_is_taken(const struct alog_event_type *type, struct alog_string name) {
    return otlp_has_prefix(name, OWN_PREFIX) ||
           alog_string_equal(name, ALOG_STR(OTLP_KEY_OPERATION)) ||
           (type->id < ALOG_FIRST_USER_TYPE && otlp_field_of_key(type, name) >= 0);
}
