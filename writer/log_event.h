/* The general way of an event into the log: checked and encoded value by value. */
#ifndef AGENTLOG_WRITER_LOG_EVENT_H
#define AGENTLOG_WRITER_LOG_EVENT_H

#include <agentlog/writer.h>

/* As alog_log_event, for an event whose type of the catalogue is known; NULL: it goes by its name.
 */
enum alog_status alog_log_event_of_type(struct alog_writer *writer,
                                        const struct alog_event_type *type,
                                        const struct alog_event *event, struct alog_error *error);

/*
 * Log an event of `type` out of its values, with what `context` (may be NULL) says. `job_id`, where
 * present, goes before the context's and the scope's. Results as alog_log_user.
 */
enum alog_status alog_log_values(struct alog_writer *writer, const struct alog_event_type *type,
                                 const struct alog_value *values, uint32_t value_count,
                                 struct alog_string job_id, const struct alog_context *context);

/* As alog_log_values, for a catalogue type by its id. */
enum alog_status alog_log_catalogue_values(struct alog_writer *writer, uint32_t type,
                                           const struct alog_value *values, uint32_t value_count,
                                           struct alog_string job_id,
                                           const struct alog_context *context);

#endif
