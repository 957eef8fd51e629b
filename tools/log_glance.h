/* A log at a glance: the sums over segments and archive files, and which writers live. */
#ifndef AGENTLOG_TOOLS_LOG_GLANCE_H
#define AGENTLOG_TOOLS_LOG_GLANCE_H

#include <agentlog/reader.h>

#include "output.h"
#include "segment_links.h"
#include "writer_counts.h"

/* The latest `dropped` of a writer: it counts since the writer opened. */
struct writer_losses {
    uint64_t writer_id, dropped;
};

/* Zero-initialise; free with log_glance_free. */
struct log_glance {
    struct writer_counts writers;
    struct segment_links links;
    struct writer_losses *losses;
    size_t loss_count, loss_capacity;
    uint64_t segments, segments_unsealed, segments_repeated, segments_archived, archive_files;
    uint64_t events, raw_bytes, file_bytes, missing, damages;
    int64_t min_timestamp_ns, max_timestamp_ns; /* of `events` > 0 */
};

/* Add a segment or archive file. Of a segment that is `repeated` the file counts, its events are
 * another's. */
void log_glance_add(struct log_glance *glance, const char *path,
                    const struct alog_segment_info *info, bool repeated);

/* The sums as a table of one row, whose cells are to be freed; after the last log_glance_add. */
struct alog_table log_glance_table(struct log_glance *glance);

void log_glance_free(struct log_glance *glance);

#endif
