/* The segments that an archive file was made of, for those who know the public headers alone. */
#include <agentlog/archive.h>

#include <stdlib.h>

#include "format/archive_source.h"
#include "format/error.h"

static void fill(const struct alog_archive_source *source, struct alog_archived_segment *segment) {
    *segment = (struct alog_archived_segment){
        .writer_id = source->writer_id,
        .number = source->segment_number,
        .created_ns = source->created_ns,
        .predecessor_last_sequence = source->predecessor_last_sequence,
        .file_bytes = source->file_bytes,
        .events = source->events,
        .first_sequence = source->first_sequence,
        .last_sequence = source->last_sequence,
        .min_timestamp_ns = source->min_timestamp_ns,
        .max_timestamp_ns = source->max_timestamp_ns,
        .dropped = source->dropped,
    };
    memcpy(segment->file_id, source->file_id, sizeof segment->file_id);
    memcpy(segment->predecessor_id, source->predecessor_id, sizeof segment->predecessor_id);
    memcpy(segment->environment, source->environment, source->environment_len);
}

enum alog_status alog_archived_segments_list(const char *path,
                                             struct alog_archived_segment **ret_segments,
                                             size_t *ret_count, struct alog_error *error) {
    struct alog_archive_source *sources = NULL;
    size_t count = 0;
    enum alog_status status =
        alog_archive_sources_list(alog_io_system(), path, &sources, &count, NULL, error);
    if (status != ALOG_OK) {
        return status;
    }
    struct alog_archived_segment *segments = calloc(count + 1, sizeof *segments);
    for (size_t i = 0; segments != NULL && i < count; i++) {
        fill(&sources[i], &segments[i]);
    }
    free(sources);
    if (segments == NULL) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory to list what %.256s holds", path);
    }
    *ret_segments = segments;
    *ret_count = count;
    return ALOG_OK;
}

void alog_archived_segments_free(struct alog_archived_segment *segments) {
    free(segments);
}
