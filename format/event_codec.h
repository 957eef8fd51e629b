/*
 * One event <-> its msgpack array, in two forms.
 *
 *     plain (rings)    [type, timestamp, job_id | nil, field…, {extras}?]
 *     in a block       [type, delta, job_id | nil, field…, {extras}?]
 *
 * `type` is the id; `timestamp` ns since 1970, `delta` the same less the timestamp of the event
 * before it in the block. The fields stand in catalogue order, nil = absent, absent ones at the end
 * may be cut off. The last element may be a map of extras: "event_id" and "environment" where they
 * were given, then the attributes by name. In a block, job_id and fields of kind NAME and ENUM may
 * be integers, indexes into the block's string table, and an integer n in a field of kind F64 means
 * n / 1000. format/FORMAT.md is normative.
 */
#ifndef AGENTLOG_FORMAT_EVENT_CODEC_H
#define AGENTLOG_FORMAT_EVENT_CODEC_H

#include <agentlog/agentlog.h>

#include "msgpack.h"
#include "schema.h"

/*
 * Check an event against its type (kinds, required fields, ranges, names, lengths). A number field
 * takes integers and reals (an I64 field only whole ones that fit), NaN and infinity pass.
 * job_start and job_end need a job_id: put that of the job scope in before the check. ALOG_OK, or
 * ALOG_INVALID / ALOG_TOO_BIG with the field and the reason in `error`.
 */
enum alog_status alog_event_check(const struct alog_event_type *type,
                                  const struct alog_event *event, struct alog_error *error);

/* Bytes that alog_event_encode may write for it, at most; `job_id` as there. */
size_t alog_event_encoded_bound(const struct alog_event *event);

/*
 * Encode a checked event in plain form; `timestamp_ns` and `job_id` (at most ALOG_MAX_NAME_BYTES)
 * are given apart. Numbers keep the form they were given in: an integer in an F64 field means
 * itself here, and a whole real in an I64 field becomes an integer in a block. Returns the end.
 */
uint8_t *alog_event_encode(uint8_t *at, uint32_t type, int64_t timestamp_ns,
                           struct alog_string job_id, const struct alog_event *event);

/* The strings of a block, by index; views into the decompressed block. */
struct alog_string_table {
    const struct alog_string *strings;
    uint32_t count;
};

/* In place of an index: the string is not in the table, or it is no string at all. */
#define ALOG_NO_STRING UINT32_MAX

/*
 * Room for one decoded event; reused from event to event. Zero-initialise; free with
 * alog_event_decoder_free. Beside the values stand the indexes of their strings in the block's
 * table, so that whoever counts by name looks each string up once per block and not once per event.
 */
struct alog_event_decoder {
    struct alog_value values[ALOG_MAX_FIELDS];
    uint32_t string_indexes[ALOG_MAX_FIELDS]; /* by field: index, or ALOG_NO_STRING */
    uint32_t job_index;                       /* of the job_id; likewise */
    struct alog_attribute *attributes;
    uint32_t attribute_capacity;
};
void alog_event_decoder_free(struct alog_event_decoder *decoder);

/*
 * Decode the event at the cursor, which then stands behind it. `strings` NULL = plain form; else
 * block form, where *timestamp_ns is the timestamp of the event before it and becomes this one's
 * (plain form leaves it alone). The result points into the decoder, the block and the schema; it
 * has a value for every field of its type. `writer_id` and `sequence` are 0, `event_id` and
 * `environment` absent unless the event carries its own.
 *
 * ALOG_CORRUPT: a field of another kind than its type says, more fields than the type has, a type
 * that is not in the schema, a timestamp out of range, or no whole value; ALOG_NO_MEMORY. Then
 * cursor and *timestamp_ns are as before: what stands there can be passed over with alog_mp_skip,
 * but the timestamps behind it in a block are lost.
 */
enum alog_status alog_event_decode(struct alog_event_decoder *decoder,
                                   struct alog_mp_cursor *cursor, const struct alog_schema *schema,
                                   const struct alog_string_table *strings, int64_t *timestamp_ns,
                                   struct alog_event *ret_event);

#endif
