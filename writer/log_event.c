/* Events in their general form: importers, bindings, user-defined types, and context. */
#include "log_event.h"

#include "format/error.h"
#include "format/event_codec.h"
#include "record.h"
#include "writer_fork.h"

/* Check, encode and publish; `event` has everything but the job scope's id. */
static enum alog_status log_one(struct alog_writer *writer, const struct alog_event_type *type,
                                struct alog_event *event, struct alog_error *error) {
    if (event->job_id.data == NULL) {
        event->job_id = alog_self.job->job_id;
    }
    enum alog_status status = alog_event_check(type, event, error);
    if (status == ALOG_TOO_BIG) {
        /* Counted like one that turns out too big later; enter first, for a closed writer. */
        struct alog_record record;
        status = alog_record_begin(&record, writer, type->id, 0);
        return status == ALOG_OK ? alog_record_too_big(&record) : status;
    }
    if (status != ALOG_OK) {
        (void)alog_writer_refuse(writer);
        return status;
    }
    struct alog_record record;
    status = alog_record_begin(&record, writer, type->id, alog_event_encoded_bound(event));
    if (status != ALOG_OK) {
        return status;
    }
    int64_t timestamp =
        event->has_timestamp ? event->timestamp_ns : alog_record_now(writer, record.ticks);
    return alog_record_end(
        &record, alog_event_encode(record.payload, type->id, timestamp, event->job_id, event));
}

enum alog_status alog_log_values(struct alog_writer *writer, const struct alog_event_type *type,
                                 const struct alog_value *values, uint32_t value_count,
                                 struct alog_string job_id, const struct alog_context *context) {
    struct alog_event event = {
        .type = type, .values = values, .value_count = value_count, .job_id = job_id};
    if (context != NULL) {
        if (context->attribute_count > ALOG_MAX_ATTRIBUTES) {
            return alog_writer_refuse(writer); /* before it is narrowed to 32 bits */
        }
        event.has_timestamp = context->timestamp_ns.present;
        event.timestamp_ns = context->timestamp_ns.value;
        event.event_id = context->event_id;
        event.environment = context->environment;
        event.attributes = context->attributes;
        event.attribute_count = (uint32_t)context->attribute_count;
        if (event.job_id.data == NULL) {
            event.job_id = context->job_id;
        }
    }
    return log_one(writer, type, &event, NULL);
}

enum alog_status alog_log_catalogue_values(struct alog_writer *writer, uint32_t type,
                                           const struct alog_value *values, uint32_t value_count,
                                           struct alog_string job_id,
                                           const struct alog_context *context) {
    if (writer == NULL) {
        return ALOG_CLOSED;
    }
    return alog_log_values(writer, alog_schema_type(writer->schema, type), values, value_count,
                           job_id, context);
}

enum alog_status alog_log_user(struct alog_writer *writer, uint32_t type,
                               const struct alog_value *values, size_t value_count,
                               const struct alog_context *context) {
    if (writer == NULL) {
        return ALOG_CLOSED;
    }
    const struct alog_event_type *definition =
        type < ALOG_FIRST_USER_TYPE ? NULL : alog_schema_type(writer->schema, type);
    if (definition == NULL || value_count > ALOG_MAX_FIELDS) {
        return alog_writer_refuse(writer);
    }
    return alog_log_values(writer, definition, values, (uint32_t)value_count,
                           (struct alog_string){NULL, 0}, context);
}

/* Define a type and write it where a recovery finds it, before its first event is in a ring. Under
 * the mutex. */
static enum alog_status define(struct alog_writer *writer, struct alog_string name,
                               const struct alog_field *fields, size_t field_count,
                               const struct alog_event_type **ret_type, struct alog_error *error) {
    const struct alog_event_type *known = alog_schema_find(writer->schema, name);
    enum alog_status status =
        alog_schema_define(writer->schema, 0, name, fields, field_count, ret_type, error);
    /* In a child of fork the first event makes the control file, with all types that there are. */
    if (status == ALOG_OK && known == NULL && !alog_writer_is_forked(writer)) {
        int saved = alog_control_add_type(&writer->control, *ret_type);
        if (saved < 0) {
            alog_writer_note_failure(writer, saved); /* the drain thread tries again */
        }
    }
    return status;
}

static enum alog_status find_or_define(struct alog_writer *writer, struct alog_string name,
                                       const struct alog_event_type **ret_type,
                                       struct alog_error *error) {
    pthread_mutex_lock(&writer->define_mutex);
    enum alog_status status = ALOG_OK;
    *ret_type = alog_schema_find(writer->schema, name);
    if (*ret_type == NULL) {
        status = define(writer, name, NULL, 0, ret_type, error);
    }
    pthread_mutex_unlock(&writer->define_mutex);
    return status;
}

enum alog_status alog_event_define(struct alog_writer *writer, struct alog_string name,
                                   const struct alog_field *fields, size_t field_count,
                                   uint32_t *ret_type, struct alog_error *error) {
    if (writer == NULL) {
        return ALOG_CLOSED;
    }
    const struct alog_event_type *type = NULL;
    pthread_mutex_lock(&writer->define_mutex);
    enum alog_status status = define(writer, name, fields, field_count, &type, error);
    pthread_mutex_unlock(&writer->define_mutex);
    if (status == ALOG_OK) {
        *ret_type = type->id;
    }
    return status;
}

enum alog_status alog_log_event_of_type(struct alog_writer *writer,
                                        const struct alog_event_type *type,
                                        const struct alog_event *event, struct alog_error *error) {
    if (writer == NULL) {
        return ALOG_CLOSED;
    }
    if (type == NULL) {
        enum alog_status status = find_or_define(writer, event->name, &type, error);
        if (status != ALOG_OK) {
            return status;
        }
    }
    struct alog_event copy = *event;
    return log_one(writer, type, &copy, error);
}

enum alog_status alog_log_event(struct alog_writer *writer, const struct alog_event *event,
                                struct alog_error *error) {
    return alog_log_event_of_type(writer, alog_catalogue_find(event->name), event, error);
}
