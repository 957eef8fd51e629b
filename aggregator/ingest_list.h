/* What an ingest reads: the segments of a log, and those that archives were made of, one by one. */
#ifndef AGENTLOG_AGGREGATOR_INGEST_LIST_H
#define AGENTLOG_AGGREGATOR_INGEST_LIST_H

#include <agentlog/reader.h>

#include "format/archive_source.h"

struct alog_ingest_list {
    struct alog_segment_path *segments; /* of an archive file there are as many as it has sources */
    size_t count;
    struct alog_archive_source **sources; /* by segment; NULL = the file itself */
};

/*
 * The segments below `log_dir` and, unless it is NULL, `archive_dir`; either may hold archives. An
 * archive that cannot be read, or of which some blocks' source is lost, is in it as the one file
 * that it is, too, which cannot be opened. ALOG_NOT_FOUND, ALOG_IO,
 * ALOG_NO_MEMORY.
 */
enum alog_status alog_ingest_list_make(const char *log_dir, const char *archive_dir,
                                       struct alog_ingest_list *ret_list, struct alog_error *error);
void alog_ingest_list_free(struct alog_ingest_list *list);

/* Open a segment of the list: as alog_segment_scan_open. */
enum alog_status alog_ingest_list_open(const struct alog_ingest_list *list, size_t index,
                                       alog_damage_fn *damage, void *damage_context,
                                       struct alog_segment_scan **ret_scan,
                                       struct alog_error *error);

/* "DAY/FILE", without .open: of an archived segment, as it was called. */
#define ALOG_SEGMENT_LABEL_BYTES 256
void alog_ingest_list_label(const struct alog_ingest_list *list, size_t index,
                            char ret_label[ALOG_SEGMENT_LABEL_BYTES]);

/* Its size, of an archived segment that of the original; 0 when it is gone. */
uint64_t alog_ingest_list_bytes(const struct alog_ingest_list *list, size_t index);

#endif
