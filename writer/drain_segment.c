/* The drain thread's segments: made, rotated, synced, sealed, abandoned. */
#include <string.h>

#include "drain.h"

#define DAY_NS INT64_C(86400000000000)

void alog_drain_failed(struct alog_drain *drain, enum alog_status status,
                       const struct alog_error *error, bool costs_something) {
    alog_writer_note_failure(drain->writer, -error->system_errno);
    if (costs_something && drain->result == ALOG_OK) {
        drain->result = status;
        drain->error = *error;
    }
}

enum alog_status alog_drain_make_segment(struct alog_drain *drain, struct alog_error *error) {
    struct alog_writer *writer = drain->writer;
    enum alog_status status = alog_segment_create(
        drain->io, writer->log_dir, writer->writer_id, drain->segment_number + 1,
        writer->options.environment, drain->predecessor_id, drain->predecessor_last_sequence,
        &drain->segment, error);
    if (status != ALOG_OK) {
        drain->segment = NULL;
        return status;
    }
    drain->segment_number++;
    drain->segment_began_ns = drain->io->monotonic_ns(drain->io->context);
    drain->segment_counted = 0;
    alog_drain_count(&writer->counters.segments, 1);
    return ALOG_OK;
}

void alog_drain_count_segment_bytes(struct alog_drain *drain) {
    uint64_t bytes = alog_segment_bytes(drain->segment);
    alog_drain_count(&drain->writer->counters.segment_bytes, bytes - drain->segment_counted);
    drain->segment_counted = bytes;
}

/* The next segment names the one that ends here. */
static void remember_predecessor(struct alog_drain *drain) {
    if (alog_segment_blocks(drain->segment) > 0) {
        memcpy(drain->predecessor_id, alog_segment_file_id(drain->segment), 16);
        drain->predecessor_last_sequence = alog_segment_last_sequence(drain->segment);
    }
}

enum alog_status alog_drain_seal(struct alog_drain *drain) {
    if (drain->segment == NULL) {
        return ALOG_OK;
    }
    remember_predecessor(drain);
    struct alog_error error = {0};
    enum alog_status status =
        alog_segment_seal(drain->segment, drain->writer->options.sync != ALOG_SYNC_NONE, &error);
    drain->segment = NULL;
    drain->unsynced = false;
    if (status != ALOG_OK) {
        alog_drain_failed(drain, status, &error, true);
    }
    return status;
}

void alog_drain_rotate(struct alog_drain *drain) {
    if (drain->segment == NULL) {
        return;
    }
    const struct alog_writer_options *options = &drain->writer->options;
    int64_t age = drain->io->monotonic_ns(drain->io->context) - drain->segment_began_ns;
    int64_t today = drain->io->realtime_ns(drain->io->context) / DAY_NS;
    if (alog_segment_bytes(drain->segment) >= options->segment_bytes ||
        age >= (int64_t)options->segment_age_ms * 1000000 ||
        today != alog_segment_created_ns(drain->segment) / DAY_NS) {
        /* A failure is kept for close; the next segment is begun all the same. */
        (void)alog_drain_seal(drain);
    }
}

enum alog_status alog_drain_sync(struct alog_drain *drain) {
    if (!drain->unsynced || drain->segment == NULL) {
        return ALOG_OK;
    }
    struct alog_error error = {0};
    enum alog_status status = alog_segment_sync(drain->segment, &error);
    drain->unsynced = false;
    if (status != ALOG_OK) {
        /* After a failed fsync the kernel has forgotten what it could not write: a second call on
         * this file would succeed and mean nothing. */
        alog_drain_failed(drain, status, &error, true);
        remember_predecessor(drain);
        alog_segment_abandon(drain->segment);
        drain->segment = NULL;
    }
    return status;
}
