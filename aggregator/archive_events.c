#include "archive_events.h"

#include <stdlib.h>

#include "format/error.h"
#include "format/segment_scan.h"

static const struct alog_string redacted_text = {"[redacted]", 10};

/* ---- Redaction ---- */

static const struct alog_field *find_field(const struct alog_event_type *type, const char *name) {
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (strcmp(type->fields[i].name, name) == 0) {
            return &type->fields[i];
        }
    }
    return NULL;
}

static bool is_text(enum alog_field_kind kind) {
    return kind == ALOG_FIELD_NAME || kind == ALOG_FIELD_TEXT;
}

enum alog_status alog_redaction_check(const struct alog_redaction *redaction,
                                      struct alog_error *error) {
    size_t type_count;
    const struct alog_event_type *types = alog_catalogue(&type_count);
    for (size_t i = 0; redaction->names != NULL && redaction->names[i] != NULL; i++) {
        const char *name = redaction->names[i];
        if (name[0] == '\0' || strchr(name, ',') != NULL || strlen(name) > ALOG_MAX_NAME_BYTES) {
            return alog_fail(error, ALOG_INVALID, 0, -1, "'%.64s' is no field's name", name);
        }
        if (alog_is_common_name(alog_str(name))) {
            return alog_fail(error, ALOG_INVALID, 0, -1,
                             "%s cannot be redacted: no event can be told from others without it",
                             name);
        }
        for (size_t j = 0; j < type_count; j++) {
            const struct alog_field *field = find_field(&types[j], name);
            if (field != NULL && field->required && !is_text(field->kind)) {
                return alog_fail(error, ALOG_INVALID, 0, -1,
                                 "%s cannot be redacted: every %s has it, and it is no text", name,
                                 types[j].name);
            }
        }
    }
    return ALOG_OK;
}

enum alog_status alog_redaction_join(const struct alog_redaction *redaction,
                                     char ret_text[ALOG_REDACTED_BYTES]) {
    size_t len = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; redaction->names != NULL && redaction->names[i] != NULL; i++) {
        const char *name = redaction->names[i];
        if (len + strlen(name) + 2 > ALOG_REDACTED_BYTES) {
            return ALOG_LIMIT;
        }
        if (len > 0) {
            ret_text[len++] = ',';
        }
        strcpy(ret_text + len, name);
        len += strlen(name);
    }
    return ALOG_OK;
}

static bool is_redacted(const struct alog_redaction *redaction, struct alog_string name) {
    for (size_t i = 0; redaction->names[i] != NULL; i++) {
        if (alog_string_equal(alog_str(redaction->names[i]), name)) {
            return true;
        }
    }
    return false;
}

/* A block's schema does not tell what is required; the catalogue does. */
static bool is_required(const struct alog_event *event, uint32_t field) {
    const struct alog_event_type *type = alog_catalogue_find(event->name);
    return type != NULL && field < type->field_count && type->fields[field].required;
}

/* The event's values and attributes are the decoder's. */
static void redact(struct alog_event_decoder *decoder, struct alog_redaction *redaction,
                   struct alog_event *event) {
    for (uint32_t i = 0; i < event->value_count; i++) {
        struct alog_value *value = &decoder->values[i];
        if (value->kind == ALOG_VALUE_ABSENT ||
            !is_redacted(redaction, alog_str(event->type->fields[i].name))) {
            continue;
        }
        if (is_required(event, i)) {
            if (value->kind == ALOG_VALUE_STRING &&
                alog_string_equal(value->string, redacted_text)) {
                continue;
            }
            *value = (struct alog_value){.kind = ALOG_VALUE_STRING, .string = redacted_text};
        } else {
            *value = (struct alog_value){.kind = ALOG_VALUE_ABSENT};
        }
        redaction->values++;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < event->attribute_count; i++) {
        if (is_redacted(redaction, decoder->attributes[i].name)) {
            redaction->values++;
        } else {
            decoder->attributes[kept++] = decoder->attributes[i];
        }
    }
    event->attribute_count = kept;
}

/* ---- Events ---- */

void alog_archive_events_free(struct alog_archive_events *events) {
    alog_block_close(&events->block);
    alog_event_decoder_free(&events->decoder);
    free(events->plain);
    *events = (struct alog_archive_events){0};
}

static enum alog_status next_block(struct alog_archive_events *events, bool *ret_any,
                                   struct alog_error *error) {
    enum alog_status status = alog_segment_scan_next(events->scan, &events->header, error);
    *ret_any = status == ALOG_OK && events->header != NULL;
    if (!*ret_any) {
        return status;
    }
    status = alog_segment_scan_open_block(events->scan, &events->block, error);
    if (status == ALOG_UNSUPPORTED) {
        status = ALOG_CORRUPT;
    }
    if (status != ALOG_OK) {
        return status;
    }
    events->cursor = events->block.events;
    events->timestamp_ns = events->block.base_timestamp_ns;
    events->next_sequence = events->header->facts.first_sequence;
    events->block_begins = true;
    return ALOG_OK;
}

static enum alog_status encode(struct alog_archive_events *events, const struct alog_event *event,
                               struct alog_error *error) {
    size_t bound = alog_event_encoded_bound(event);
    if (bound > events->plain_capacity) {
        free(events->plain);
        events->plain_capacity = 0;
        events->plain = malloc(2 * bound);
        if (events->plain == NULL) {
            return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for an event");
        }
        events->plain_capacity = 2 * bound;
    }
    const uint8_t *end = alog_event_encode(events->plain, event->type->id, event->timestamp_ns,
                                           event->job_id, event);
    events->plain_bytes = (size_t)(end - events->plain);
    return ALOG_OK;
}

enum alog_status alog_archive_events_next(struct alog_archive_events *events,
                                          struct alog_redaction *redaction, bool *ret_any,
                                          struct alog_error *error) {
    enum alog_status status = ALOG_OK;
    events->block_begins = false;
    *ret_any = true;
    if (events->header == NULL || events->next_sequence > events->header->facts.last_sequence) {
        status = next_block(events, ret_any, error);
        if (status != ALOG_OK || !*ret_any) {
            return status;
        }
    }
    struct alog_event event;
    status = alog_event_decode(&events->decoder, &events->cursor, events->block.schema,
                               &events->block.strings, &events->timestamp_ns, &event);
    events->sequence = events->next_sequence++;
    events->block_ends = events->sequence == events->header->facts.last_sequence;
    if (status == ALOG_OK && events->block_ends && events->cursor.at != events->cursor.end) {
        status = ALOG_CORRUPT;
    }
    if (status != ALOG_OK) {
        return alog_fail(error, status, 0, -1, "event %llu cannot be decoded",
                         (unsigned long long)events->sequence);
    }
    if (redaction->names != NULL) {
        redact(&events->decoder, redaction, &event);
    }
    return encode(events, &event, error);
}
