/*
 * The event types of one writer or one block: the catalogue's, and the user-defined ones by id.
 *
 * Threads: alog_schema_type may be called while another thread defines (types are published with
 * release and read with acquire); definitions are serialised by the caller. Memory: freed by
 * alog_schema_free; types stay where they are.
 */
#ifndef AGENTLOG_FORMAT_SCHEMA_H
#define AGENTLOG_FORMAT_SCHEMA_H

#include <agentlog/agentlog.h>

/* What every event has by name beside its fields: no field or attribute may be called so. */
#define ALOG_COMMON_NAMES "event", "timestamp", "job_id", "event_id", "environment"
bool alog_is_common_name(struct alog_string name);

struct alog_schema;

enum alog_status alog_schema_new(struct alog_schema **ret_schema);
void alog_schema_free(struct alog_schema *schema);

/* The type with that id, or NULL. Catalogue ids are always there. */
const struct alog_event_type *alog_schema_type(const struct alog_schema *schema, uint32_t id);

/* The type of that name, or NULL. A hash look-up. */
const struct alog_event_type *alog_schema_find(const struct alog_schema *schema,
                                               struct alog_string name);

/*
 * Define a user type. Rules as alog_event_define. `id` 0 = the next free one; a given id (from a
 * block's preamble) must be free or hold an equal definition. Everything is copied.
 */
enum alog_status alog_schema_define(struct alog_schema *schema, uint32_t id,
                                    struct alog_string name, const struct alog_field *fields,
                                    size_t field_count, const struct alog_event_type **ret_type,
                                    struct alog_error *error);

#endif
