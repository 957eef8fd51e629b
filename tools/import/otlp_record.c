/*
 * Spans and log records of OTLP/JSON as events.
 *
 *   what agentlog exported (agentlog.event)          the same event again
 *   a span with gen_ai.operation.name invoke_agent   agent_execution
 *   … execute_tool                                   execute_tool, a user-defined event
 *   … any other, or with a provider and a model      provider_performance
 *   a span with test.case.name                       individual_test_execution
 *   any other span                                   span, a user-defined event
 *   a log record of severity ERROR (17) or above     error
 *   any other log record                             log, a user-defined event
 */
#include "import/otlp_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "otlp/otlp_map.h"
#include "output.h"

#define TRACE_BYTES   16
#define SPAN_BYTES    8
#define ID_BYTES      128
#define NS_PER_MS     1e6
#define SEVERITY_MOST 24

/* One span or log record. */
struct record {
    const json_t *json;
    const json_t *attributes;
    bool is_span;
    bool is_own;              /* exported by agentlog */
    int64_t start_ns, end_ns; /* 0 = not known; of a log record its time is the end */
    char trace[2 * TRACE_BYTES + 1];
    char span[2 * SPAN_BYTES + 1];
    bool has_trace, has_span;
    bool failed;
};

/* Keys that other versions of the conventions, and other tools, have for a field. */
static const struct {
    const char *event, *field, *key;
} aliases[] = {{"provider_performance", "provider_id", "gen_ai.system"},
               {"provider_performance", "model", "gen_ai.response.model"},
               {"provider_performance", "input_tokens", "gen_ai.usage.prompt_tokens"},
               {"provider_performance", "output_tokens", "gen_ai.usage.completion_tokens"},
               {"provider_performance", "cost_usd", "gen_ai.usage.cost"},
               {"provider_performance", "provider_id", "server.address"},
               {"agent_execution", "provider_id", "gen_ai.system"},
               {"agent_execution", "agent_name", "gen_ai.agent.id"},
               {"individual_test_execution", "status", "test.case.result.status"},
               {"error", "error_type", "exception.type"},
               {"error", "file_path", "code.filepath"},
               {"error", "line_number", "code.lineno"}};

/* What kept a call from running, in error.type or as the HTTP status. */
static const char *const unavailable[] = {"401",        "403",     "408",        "429",
                                          "timeout",    "connect", "rate_limit", "unavailable",
                                          "overloaded", "auth",    "dns",        NULL};

/* ---- Attributes ------------------------------------------------------------------------------ */

static struct alog_string key_at(const json_t *attributes, size_t at) {
    return otlp_text(otlp_member(json_array_get(attributes, at), "key", NULL));
}

/* The place of a key, or the number of attributes. */
static size_t find_key(const json_t *attributes, const char *key) {
    const struct alog_string wanted = alog_str(key);
    size_t at = 0;
    while (at < json_array_size(attributes) && !alog_string_equal(key_at(attributes, at), wanted)) {
        at++;
    }
    return at;
}

static struct alog_value value_at(struct otlp_records *records, const json_t *attributes,
                                  size_t at) {
    return otlp_value_read(otlp_member(json_array_get(attributes, at), "value", NULL),
                           &records->texts);
}

/* The text of a key, absent without it. */
static struct alog_string text_of_key(struct otlp_records *records, const json_t *attributes,
                                      const char *key) {
    const struct alog_value value = value_at(records, attributes, find_key(attributes, key));
    return value.kind == ALOG_VALUE_STRING ? value.string : (struct alog_string){NULL, 0};
}

static struct alog_value *place_of(struct otlp_records *records, const char *field) {
    const int at = event_draft_field(&records->draft, field);
    return at < 0 ? NULL : &records->draft.values[at];
}

/* Give a field that is still absent a value. */
static bool offer(struct otlp_records *records, const char *field, struct alog_value value) {
    struct alog_value *place = place_of(records, field);
    bool respelled = false;
    const char *reason = "";
    if (place == NULL || place->kind != ALOG_VALUE_ABSENT) {
        return false;
    }
    const struct alog_field *to = &records->draft.event.type->fields[place - records->draft.values];
    struct alog_value converted;
    if (!import_convert(to, value, &converted, &respelled, &reason)) {
        return false;
    }
    *place = converted;
    return converted.kind != ALOG_VALUE_ABSENT;
}

static void offer_text(struct otlp_records *records, const char *field, struct alog_string text) {
    if (text.data != NULL) {
        (void)offer(records, field, value_of_text(text));
    }
}

static void forget_used(struct otlp_records *records, size_t count) {
    if (count > records->used_capacity) {
        free(records->used);
        records->used = output_allocate(count, sizeof *records->used);
        records->used_capacity = count;
    }
    if (count > 0) {
        memset(records->used, 0, count * sizeof *records->used);
    }
}

/* The attributes that the catalogue has a field for. What does not fit the field stays one. */
static void take_fields(struct otlp_records *records, const struct record *record) {
    const size_t count = json_array_size(record->attributes);
    const struct alog_event_type *type = records->draft.event.type;
    forget_used(records, count);
    for (size_t i = 0; i < count; i++) {
        const int field = otlp_field_of_key(type, key_at(record->attributes, i));
        if (field >= 0) {
            records->used[i] =
                offer(records, type->fields[field].name, value_at(records, record->attributes, i));
        }
    }
    for (size_t i = 0; !record->is_own && i < sizeof aliases / sizeof *aliases; i++) {
        const size_t at = find_key(record->attributes, aliases[i].key);
        if (strcmp(aliases[i].event, type->name) == 0 && at < count) {
            records->used[at] |=
                offer(records, aliases[i].field, value_at(records, record->attributes, at));
        }
    }
}

/* All others. Of our own, those that are no attributes of the event are left out. */
static void take_attributes(struct otlp_records *records, const struct record *record) {
    static const char *const own[] = {OTLP_KEY_EVENT, OTLP_KEY_EVENT_ID, OTLP_KEY_JOB_ID,
                                      OTLP_KEY_OPERATION};
    for (size_t i = 0; i < json_array_size(record->attributes); i++) {
        struct alog_string key = key_at(record->attributes, i);
        bool is_ours = records->used[i] || key.data == NULL || key.len == 0;
        for (size_t k = 0; record->is_own && k < sizeof own / sizeof *own; k++) {
            is_ours = is_ours || alog_string_equal(key, alog_str(own[k]));
        }
        if (is_ours) {
            continue;
        }
        if (record->is_own && otlp_has_prefix(key, OTLP_ATTRIBUTE_PREFIX)) {
            key.data += sizeof OTLP_ATTRIBUTE_PREFIX - 1;
            key.len -= sizeof OTLP_ATTRIBUTE_PREFIX - 1;
        }
        event_draft_attribute(&records->draft, key, value_at(records, record->attributes, i));
    }
}

/* A text of the record itself, as an attribute. */
static void keep_text(struct otlp_records *records, const char *name, const json_t *value) {
    const struct alog_string text = otlp_text(value);
    if (text.data != NULL && text.len > 0) {
        event_draft_attribute(&records->draft, alog_str(name), value_of_text(text));
    }
}

static void keep_json(struct otlp_records *records, const char *name, const json_t *value) {
    if (json_array_size(value) > 0) {
        const struct alog_string text = otlp_json_text(value, &records->texts);
        event_draft_attribute(&records->draft, alog_str(name),
                              (struct alog_value){.kind = ALOG_VALUE_JSON, .string = text});
    }
}

/* What the resource says, as resource.<key>, and what made the record. */
static void keep_origin(struct otlp_records *records) {
    const json_t *attributes = otlp_member(records->resource, "attributes", NULL);
    for (size_t i = 0; i < json_array_size(attributes); i++) {
        static const char prefix[] = "resource.";
        const struct alog_string key = key_at(attributes, i);
        if (key.data == NULL || key.len == 0 ||
            alog_string_equal(key, ALOG_STR(OTLP_KEY_ENVIRONMENT)) ||
            alog_string_equal(key, ALOG_STR(OTLP_KEY_ENVIRONMENT_OLD))) {
            continue;
        }
        event_draft_attribute_named(&records->draft, prefix, key, value_at(records, attributes, i));
    }
    keep_text(records, "scope.name", otlp_member(records->scope, "name", NULL));
    keep_text(records, "scope.version", otlp_member(records->scope, "version", NULL));
}

/* ---- Spans ----------------------------------------------------------------------------------- */

/* The latest exception that the span recorded, or NULL. */
static const json_t *exception_of(const json_t *span) {
    const json_t *events = otlp_member(span, "events", NULL);
    for (size_t i = json_array_size(events); i-- > 0;) {
        const json_t *event = json_array_get(events, i);
        if (alog_string_equal(otlp_text(otlp_member(event, "name", NULL)), ALOG_STR("exception"))) {
            return otlp_member(event, "attributes", NULL);
        }
    }
    return NULL;
}

/* The name without the operation that it begins with: "invoke_agent fixer". */
static struct alog_string subject_of(const json_t *span, const char *operation) {
    struct alog_string name = otlp_text(otlp_member(span, "name", NULL));
    const size_t len = strlen(operation);
    if (otlp_has_prefix(name, operation) && name.len > len + 1 && name.data[len] == ' ') {
        name.data += len + 1;
        name.len -= len + 1;
    }
    return name;
}

static bool contains(struct alog_string text, const char *word) {
    return text.len > 0 && memmem(text.data, text.len, word, strlen(word)) != NULL;
}

static void offer_failure_class(struct otlp_records *records, const struct record *record) {
    const struct alog_value *type = place_of(records, "error_type");
    const struct alog_string text = type != NULL && type->kind == ALOG_VALUE_STRING
                                        ? type->string
                                        : (struct alog_string){NULL, 0};
    const struct alog_value http = value_at(
        records, record->attributes, find_key(record->attributes, "http.response.status_code"));
    bool away = http.kind == ALOG_VALUE_I64 && (http.i64 == 429 || http.i64 >= 500);
    away = away || (text.len == 3 && text.data[0] == '5');
    for (size_t i = 0; unavailable[i] != NULL; i++) {
        away = away || contains(text, unavailable[i]);
    }
    if (contains(text, "cancel")) {
        offer_text(records, "failure_class", ALOG_STR("cancelled"));
    } else if (away) {
        offer_text(records, "failure_class", ALOG_STR("availability"));
    }
}

static void offer_outcome(struct otlp_records *records, const struct record *record) {
    const json_t *exception = exception_of(record->json);
    const json_t *status = otlp_member(record->json, "status", NULL);
    (void)offer(records, "success", value_of_bool(!record->failed));
    offer_text(records, "error_type", text_of_key(records, exception, "exception.type"));
    offer_text(records, "error_message", text_of_key(records, exception, "exception.message"));
    offer_text(records, "error_traceback", text_of_key(records, exception, "exception.stacktrace"));
    if (record->failed) {
        offer_text(records, "error_message", otlp_text(otlp_member(status, "message", NULL)));
    }
}

static bool has_duration(const struct record *record) {
    return record->start_ns > 0 && record->end_ns >= record->start_ns;
}

static double duration_ms(const struct record *record) {
    return (double)(record->end_ns - record->start_ns) / NS_PER_MS;
}

/* A span that the catalogue has no event for. */
static void describe_span(struct otlp_records *records, const struct record *record) {
    static const char *const kinds[] = {"", "internal", "server", "client", "producer", "consumer"};
    const json_t *status = otlp_member(record->json, "status", NULL);
    uint64_t kind = 0;
    (void)otlp_integer(otlp_member(record->json, "kind", NULL), &kind);
    keep_text(records, "name", otlp_member(record->json, "name", NULL));
    if (kind > 0 && kind < sizeof kinds / sizeof *kinds) {
        event_draft_attribute(&records->draft, ALOG_STR("kind"),
                              value_of_text(alog_str(kinds[kind])));
    }
    if (has_duration(record)) {
        event_draft_attribute(&records->draft, ALOG_STR("duration_ms"),
                              value_of_real(duration_ms(record)));
    }
    event_draft_attribute(&records->draft, ALOG_STR("success"), value_of_bool(!record->failed));
    keep_text(records, "status_message", otlp_member(status, "message", NULL));
}

static const char *event_of_span(struct otlp_records *records, const struct record *record) {
    const json_t *attributes = record->attributes;
    const struct alog_string operation = text_of_key(records, attributes, OTLP_KEY_OPERATION);
    const size_t count = json_array_size(attributes);
    if (alog_string_equal(operation, ALOG_STR("invoke_agent"))) {
        return "agent_execution";
    }
    if (alog_string_equal(operation, ALOG_STR("execute_tool"))) {
        return "execute_tool";
    }
    if (alog_string_equal(operation, ALOG_STR("create_agent")) ||
        alog_string_equal(operation, ALOG_STR("invoke_workflow"))) {
        return "span";
    }
    const bool has_provider = find_key(attributes, "gen_ai.provider.name") < count ||
                              find_key(attributes, "gen_ai.system") < count;
    if (operation.data != NULL ||
        (has_provider && find_key(attributes, "gen_ai.request.model") < count)) {
        return "provider_performance";
    }
    return find_key(attributes, "test.case.name") < count ? "individual_test_execution" : "span";
}

static void foreign_span(struct otlp_records *records, const struct record *record) {
    const char *name = event_of_span(records, record);
    event_draft_begin(&records->draft, name);
    take_fields(records, record);
    if (strcmp(name, "agent_execution") == 0) {
        offer_text(records, "agent_name", subject_of(record->json, "invoke_agent"));
    } else if (strcmp(name, "provider_performance") == 0) {
        offer_text(records, "provider_id", ALOG_STR("unknown"));
    } else if (strcmp(name, "individual_test_execution") == 0) {
        offer_text(records, "status", record->failed ? ALOG_STR("failed") : ALOG_STR("passed"));
    } else {
        describe_span(records, record);
    }
    if (records->draft.event.type->field_count > 0) {
        offer_outcome(records, record);
        if (has_duration(record)) {
            (void)offer(records, "latency_ms", value_of_real(duration_ms(record)));
            (void)offer(records, "execution_time_ms", value_of_real(duration_ms(record)));
        }
        if (record->failed) {
            offer_failure_class(records, record);
        }
    }
    take_attributes(records, record);
    keep_text(records, "parent_span_id",
              otlp_member(record->json, "parentSpanId", "parent_span_id"));
    keep_text(records, "trace_state", otlp_member(record->json, "traceState", "trace_state"));
    keep_json(records, "span.events", otlp_member(record->json, "events", NULL));
    keep_json(records, "span.links", otlp_member(record->json, "links", NULL));
    keep_origin(records);
}

/* ---- Log records ----------------------------------------------------------------------------- */

static void foreign_log(struct otlp_records *records, const struct record *record) {
    uint64_t severity = 0;
    (void)otlp_integer(otlp_member(record->json, "severityNumber", "severity_number"), &severity);
    const json_t *event_name = otlp_member(record->json, "eventName", "event_name");
    const struct alog_value body =
        otlp_value_read(otlp_member(record->json, "body", NULL), &records->texts);
    const bool is_error = severity >= OTLP_SEVERITY_ERROR && severity <= SEVERITY_MOST;
    event_draft_begin(&records->draft, is_error ? "error" : "log");
    take_fields(records, record);
    bool body_taken = body.kind == ALOG_VALUE_NULL;
    if (is_error) {
        const struct alog_string named = otlp_text(event_name);
        offer_text(records, "error_type", named.len > 0 ? named : ALOG_STR("log"));
        body_taken = body_taken || offer(records, "error_message", body);
    }
    if (!body_taken) {
        event_draft_attribute(&records->draft, ALOG_STR("body"), body);
    }
    if (severity > 0) {
        event_draft_attribute(&records->draft, ALOG_STR("severity_number"),
                              value_of_integer((int64_t)(severity & 0xff)));
    }
    keep_text(records, "severity_text", otlp_member(record->json, "severityText", "severity_text"));
    keep_text(records, "event_name", event_name);
    take_attributes(records, record);
    if (record->has_span) {
        event_draft_attribute(&records->draft, ALOG_STR("span_id"),
                              value_of_text(alog_str(record->span)));
    }
    keep_origin(records);
}

/* ---- Every record ---------------------------------------------------------------------------- */

ALOG_PRINTF(3, 4)
static void skip(struct otlp_records *records, const char *event, const char *format, ...) {
    char reason[ALOG_ERROR_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    import_skip(records->import, import_count_of(records->import, event),
                "%s: line %" PRIu64 ", record %" PRIu64 ": %s", records->path, records->line,
                records->number, reason);
}

static bool read_time(const json_t *json, const char *camel, const char *snake, int64_t *ret_ns) {
    uint64_t ns = 0;
    if (!otlp_integer(otlp_member(json, camel, snake), &ns) || ns > INT64_MAX - 1) {
        return false;
    }
    *ret_ns = (int64_t)ns;
    return true;
}

static bool read_times(struct record *record) {
    if (record->is_span) {
        return read_time(record->json, "startTimeUnixNano", "start_time_unix_nano",
                         &record->start_ns) &&
               read_time(record->json, "endTimeUnixNano", "end_time_unix_nano", &record->end_ns);
    }
    return read_time(record->json, "timeUnixNano", "time_unix_nano", &record->end_ns) &&
           (record->end_ns > 0 || read_time(record->json, "observedTimeUnixNano",
                                            "observed_time_unix_nano", &record->end_ns));
}

static void hash_json(struct otlp_records *records, const json_t *value) {
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY |
                                       JSON_REAL_PRECISION(17));
    id_hasher_add(records->hasher, text == NULL ? "" : text, text == NULL ? 0 : strlen(text));
    free(text);
}

/* A span is its trace and span id; what has none is all that it says, and which of its like. */
static void make_id(struct otlp_records *records, const struct record *record, char id[ID_BYTES]) {
    char hash_text[ID_HASH_TEXT_BYTES];
    if (record->is_span && record->has_trace && record->has_span) {
        snprintf(id, ID_BYTES, "%s-%s", record->trace, record->span);
        return;
    }
    id_hasher_begin(records->hasher);
    hash_json(records, record->json);
    hash_json(records, records->resource);
    hash_json(records, records->scope);
    const struct id_hash hash = id_hasher_end(records->hasher);
    id_hash_text(hash, hash_text);
    const uint64_t again = id_counts_add(&records->seen, hash);
    snprintf(id, ID_BYTES, "otlp-%s", hash_text);
    if (again > 1) {
        snprintf(id + strlen(id), ID_BYTES - strlen(id), "-%" PRIu64, again);
    }
}

static struct alog_string job_of(struct otlp_records *records, const struct record *record) {
    const struct cli_arguments *arguments = records->import->arguments;
    if (arguments->job != NULL) {
        return alog_str(arguments->job);
    }
    struct alog_string job = {NULL, 0};
    if (arguments->job_attribute != NULL) {
        job = text_of_key(records, record->attributes, arguments->job_attribute);
        if (job.data == NULL) {
            job = text_of_key(records, otlp_member(records->resource, "attributes", NULL),
                              arguments->job_attribute);
        }
    }
    if (job.data == NULL) {
        job = text_of_key(records, record->attributes, OTLP_KEY_JOB_ID);
    }
    if (job.data == NULL && !record->is_own && record->has_trace) {
        job = alog_str(record->trace);
    }
    return job;
}

static void log_draft(struct otlp_records *records, const struct record *record, const char *id) {
    struct alog_event *event = &records->draft.event;
    struct alog_error error = {.message = ""};
    const json_t *resource = otlp_member(records->resource, "attributes", NULL);
    struct import_count *count = import_count_of(records->import, event->type->name);
    count->records++;
    event->environment = text_of_key(records, resource, OTLP_KEY_ENVIRONMENT);
    if (event->environment.data == NULL) {
        event->environment = text_of_key(records, resource, OTLP_KEY_ENVIRONMENT_OLD);
    }
    event->job_id = job_of(records, record);
    const struct alog_string given = text_of_key(records, record->attributes, OTLP_KEY_EVENT_ID);
    event->event_id = given.data != NULL ? given : alog_str(id);
    event->timestamp_ns = record->end_ns > 0 ? record->end_ns : record->start_ns;
    event->has_timestamp = true;
    if (event->timestamp_ns == 0 && !record->is_own) {
        skip(records, event->type->name, "there is no time");
    } else if (import_event(records->import, count, event, &error) == IMPORT_REFUSED) {
        skip(records, event->type->name, "%s", error.message);
    }
}

static void own_event(struct otlp_records *records, const struct record *record,
                      struct alog_string name) {
    event_draft_begin_named(&records->draft, name);
    take_fields(records, record);
    take_attributes(records, record);
}

static void read_record(struct otlp_records *records, const json_t *json, bool is_span) {
    char id[ID_BYTES];
    struct record record = {
        .json = json, .attributes = otlp_member(json, "attributes", NULL), .is_span = is_span};
    uint64_t status = 0;
    records->number++;
    otlp_texts_free(&records->texts);
    if (!json_is_object(json)) {
        skip(records, is_span ? "span" : "log", "this is not an object");
        return;
    }
    if (!read_times(&record)) {
        skip(records, is_span ? "span" : "log", "its time is not nanoseconds since 1970");
        return;
    }
    record.has_trace =
        otlp_id_read(otlp_member(json, "traceId", "trace_id"), TRACE_BYTES, record.trace);
    record.has_span = otlp_id_read(otlp_member(json, "spanId", "span_id"), SPAN_BYTES, record.span);
    (void)otlp_integer(otlp_member(otlp_member(json, "status", NULL), "code", NULL), &status);
    const struct alog_string error_type = text_of_key(records, record.attributes, "error.type");
    record.failed = status == OTLP_STATUS_ERROR || error_type.len > 0;
    make_id(records, &record, id);
    const struct alog_string own = text_of_key(records, record.attributes, OTLP_KEY_EVENT);
    record.is_own = own.len > 0;
    if (record.is_own) {
        own_event(records, &record, own);
    } else if (is_span) {
        foreign_span(records, &record);
    } else {
        foreign_log(records, &record);
    }
    log_draft(records, &record, id);
}

/* ---- Documents ------------------------------------------------------------------------------- */

static void read_scopes(struct otlp_records *records, const json_t *scopes, const char *camel,
                        const char *snake, bool are_spans) {
    for (size_t i = 0; i < json_array_size(scopes); i++) {
        const json_t *scope = json_array_get(scopes, i);
        const json_t *list = otlp_member(scope, camel, snake);
        records->scope = otlp_member(scope, "scope", NULL);
        for (size_t k = 0; k < json_array_size(list) && !import_is_stopped(records->import); k++) {
            read_record(records, json_array_get(list, k), are_spans);
        }
    }
}

static void read_resources(struct otlp_records *records, const json_t *resources, bool are_spans) {
    for (size_t i = 0; i < json_array_size(resources); i++) {
        const json_t *resource = json_array_get(resources, i);
        records->resource = otlp_member(resource, "resource", NULL);
        if (are_spans) {
            read_scopes(records, otlp_member(resource, "scopeSpans", "scope_spans"), "spans", NULL,
                        true);
        } else {
            read_scopes(records, otlp_member(resource, "scopeLogs", "scope_logs"), "logRecords",
                        "log_records", false);
        }
    }
}

bool otlp_records_read(struct otlp_records *records, const json_t *document) {
    const json_t *spans = otlp_member(document, "resourceSpans", "resource_spans");
    const json_t *logs = otlp_member(document, "resourceLogs", "resource_logs");
    if (records->hasher == NULL) {
        records->hasher = id_hasher_new();
    }
    records->number = 0;
    read_resources(records, spans, true);
    read_resources(records, logs, false);
    return json_is_array(spans) || json_is_array(logs);
}

void otlp_records_free(struct otlp_records *records) {
    otlp_texts_free(&records->texts);
    event_draft_free(&records->draft);
    id_counts_free(&records->seen);
    free(records->used);
    if (records->hasher != NULL) {
        id_hasher_free(records->hasher);
    }
}
