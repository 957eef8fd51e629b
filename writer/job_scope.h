/* The job scopes of a thread: a stack, the innermost on top, each with its id ready to be copied.
 */
#ifndef AGENTLOG_WRITER_JOB_SCOPE_H
#define AGENTLOG_WRITER_JOB_SCOPE_H

#include <agentlog/agentlog.h>

#define ALOG_MAX_JOB_SCOPES      64u
#define ALOG_JOB_ENCODED_BYTES   (2 + ALOG_MAX_NAME_BYTES)
#define ALOG_JOB_WIDE_COPY_BYTES 32u

struct alog_job_frame {
    uint32_t encoded_bytes;
    uint32_t depth; /* from 1; 0 = the bottom, no job */
    const struct alog_job_frame *outer;
    const struct alog_writer *begun_at; /* of alog_job_begin; NULL = attached */
    struct alog_string job_id;          /* points into `encoded`; absent at the bottom */
    /* The id as msgpack (nil at the bottom), with room to copy more than there is. */
    uint8_t encoded[ALOG_JOB_ENCODED_BYTES + ALOG_JOB_WIDE_COPY_BYTES];
};

/* The bottom of every stack: no job. */
extern const struct alog_job_frame alog_job_none;

/* Open a scope on the calling thread, an absent job_id for none. ALOG_LIMIT, ALOG_NO_MEMORY. */
enum alog_status alog_job_push(struct alog_string job_id, const struct alog_writer *begun_at);

/* Close the innermost one; false if there is none. */
bool alog_job_pop(void);

#endif
