/*
 * Writers of a log that have not ended: they live, or were killed and nobody has finished them yet.
 * A recovery reads in a writer's newest segment what of its rings is in the log already, and which
 * losses the log has told: without that segment it would bring them in once more.
 */
#ifndef AGENTLOG_AGGREGATOR_UNFINISHED_WRITERS_H
#define AGENTLOG_AGGREGATOR_UNFINISHED_WRITERS_H

#include <agentlog/reader.h>

struct alog_unfinished_writer {
    uint64_t writer_id;
    uint64_t newest; /* number of its newest sealed segment in the list; 0 = none */
};

struct alog_unfinished_writers {
    struct alog_unfinished_writer *writers;
    size_t count;
};

/* Those with a control file in LOGDIR/.writers, after `list` was read. ALOG_IO, ALOG_NO_MEMORY. */
enum alog_status alog_unfinished_writers_find(const char *log_dir,
                                              const struct alog_segment_list *list,
                                              struct alog_unfinished_writers *ret_unfinished,
                                              struct alog_error *error);
void alog_unfinished_writers_free(struct alog_unfinished_writers *unfinished);

/* Whether a recovery of the segment's writer needs it. */
bool alog_unfinished_writers_need(const struct alog_unfinished_writers *unfinished,
                                  const struct alog_segment_path *segment);

#endif
