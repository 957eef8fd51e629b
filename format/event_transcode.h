/* An event of plain form to block form: what a drain thread does with each one. */
#ifndef AGENTLOG_FORMAT_EVENT_TRANSCODE_H
#define AGENTLOG_FORMAT_EVENT_TRANSCODE_H

#include "block_strings.h"
#include "msgpack.h"

/* An event in block form is at most this much larger than in plain form: short strings become
 * indexes of 3 bytes, small integers in real fields 9 bytes, and every store may write a few bytes
 * too many. */
#define ALOG_TRANSCODE_GROWTH 1024u

/* The opening of a plain event, with what follows still in the cursor. */
struct alog_plain_opening {
    uint32_t type;
    int64_t timestamp_ns;
    uint32_t elements; /* job id, fields and extras that follow */
    struct alog_mp_cursor rest;
};

/* Read it; false: these bytes are no event. The type is not looked up. */
bool alog_plain_open(const uint8_t *plain, size_t len, struct alog_plain_opening *ret_opening);

/*
 * Write the event at `out`, which has room for the plain form's length and ALOG_TRANSCODE_GROWTH
 * more. `delta_ns` is the distance from the event before it, `kinds` (enum alog_field_kind) and
 * `field_count` are its type's. Strings go into `strings`; on failure it is the caller's to roll
 * them back. Returns the end, or NULL: not an event of that type. *ret_job is the job id, absent if
 * it has none, and *ret_job_index its index, or UINT32_MAX when it stands in the event.
 */
uint8_t *alog_plain_transcode(const struct alog_plain_opening *opening, int64_t delta_ns,
                              const uint8_t *kinds, uint32_t field_count,
                              struct alog_block_strings *strings, uint8_t *out,
                              struct alog_string *ret_job, uint32_t *ret_job_index);

#endif
