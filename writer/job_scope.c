/* Job scopes: what makes every event of a job carry its id without being told; see job_scope.h. */
#include "job_scope.h"

#include <stdlib.h>

#include <agentlog/writer.h>

#include "format/msgpack.h"
#include "thread_state.h"
#include "writer_state.h"

const struct alog_job_frame alog_job_none = {.encoded_bytes = 1, .encoded = {0xc0}};

enum alog_status alog_job_push(struct alog_string job_id, const struct alog_writer *begun_at) {
    struct alog_thread *self = &alog_self;
    if (self->job->depth == ALOG_MAX_JOB_SCOPES) {
        return ALOG_LIMIT;
    }
    struct alog_job_frame *frame = calloc(1, sizeof *frame);
    if (frame == NULL || alog_thread_watch() != ALOG_OK) {
        free(frame);
        return ALOG_NO_MEMORY;
    }
    uint8_t *end = job_id.data == NULL
                       ? alog_mp_nil(frame->encoded)
                       : alog_mp_str(frame->encoded, job_id.data, (uint32_t)job_id.len);
    frame->encoded_bytes = (uint32_t)(end - frame->encoded);
    if (job_id.data != NULL) {
        frame->job_id = (struct alog_string){(const char *)(end - job_id.len), job_id.len};
    }
    frame->begun_at = begun_at;
    frame->depth = self->job->depth + 1;
    frame->outer = self->job;
    self->job = frame;
    return ALOG_OK;
}

bool alog_job_pop(void) {
    struct alog_thread *self = &alog_self;
    const struct alog_job_frame *frame = self->job;
    if (frame->depth == 0) {
        return false;
    }
    self->job = frame->outer;
    free((void *)(uintptr_t)frame);
    return true;
}

enum alog_status alog_job_begin(struct alog_writer *writer, const struct alog_job_start *event) {
    struct alog_string job_id = event->job_id;
    if (writer == NULL || job_id.data == NULL || job_id.len == 0 ||
        job_id.len > ALOG_MAX_NAME_BYTES) {
        return alog_writer_refuse(writer);
    }
    enum alog_status status = alog_job_push(job_id, writer);
    if (status != ALOG_OK) {
        return status;
    }
    status = alog_log_job_start(writer, event);
    if (status == ALOG_INVALID) {
        alog_job_pop();
    }
    return status;
}

enum alog_status alog_job_finish(struct alog_writer *writer, const struct alog_job_end *event) {
    struct alog_string innermost = alog_self.job->job_id;
    if (writer == NULL || alog_self.job->begun_at != writer ||
        (event->job_id.data != NULL && !alog_string_equal(event->job_id, innermost))) {
        return alog_writer_refuse(writer);
    }
    struct alog_job_end full = *event;
    full.job_id = innermost;
    enum alog_status status = alog_log_job_end(writer, &full);
    if (status != ALOG_INVALID) {
        alog_job_pop();
    }
    return status;
}

struct alog_job_scope alog_job_capture(void) {
    struct alog_job_scope scope = {0};
    struct alog_string job_id = alog_self.job->job_id;
    if (job_id.data != NULL) {
        scope.job_id_len = (uint32_t)job_id.len;
        memcpy(scope.job_id, job_id.data, job_id.len);
    }
    return scope;
}

enum alog_status alog_job_attach(const struct alog_job_scope *scope) {
    if (scope->job_id_len > ALOG_MAX_NAME_BYTES) {
        return ALOG_INVALID;
    }
    /* Captured where there was no job: then there is none here either, until it is detached. */
    struct alog_string job_id = {scope->job_id_len > 0 ? scope->job_id : NULL, scope->job_id_len};
    return alog_job_push(job_id, NULL);
}

enum alog_status alog_job_detach(void) {
    return alog_job_pop() ? ALOG_OK : ALOG_INVALID;
}
