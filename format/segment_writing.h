/*
 * The inside of a segment that is being written, for the two files that are one: segment_writer.c
 * makes, appends and seals, segment_rebuild.c takes over what a dead writer left.
 */
#ifndef AGENTLOG_FORMAT_SEGMENT_WRITING_H
#define AGENTLOG_FORMAT_SEGMENT_WRITING_H

#include <limits.h>

#include "segment_index.h"
#include "segment_scan.h"

/* Behind the final name: while it is written, and while a dead writer's file is made anew. */
#define ALOG_OPEN_SUFFIX       ".open"
#define ALOG_RECOVERING_SUFFIX ".recovering"

struct alog_segment_writer {
    const struct alog_io *io;
    int fd;
    int source_fd; /* of the dead writer's file that this one replaces, locked; -1 = none */
    uint64_t end;  /* where the next block goes; bytes beyond it are remains of a failed write */
    size_t file_header_bytes;
    uint8_t file_id[16];
    int64_t created_ns;
    uint64_t next_block_number;
    struct alog_index_totals totals;
    struct alog_buffer index;  /* grows with each block, so that sealing reads nothing back */
    struct alog_buffer header; /* of the block being appended */
    bool names_synced;         /* the directories hold this file's name durably */
    char path[PATH_MAX];       /* ends in one of the suffixes */
};

void alog_segment_writer_free(struct alog_segment_writer *segment);

/* The failure `result` of a system call on `path`, as a status. */
enum alog_status alog_segment_io_failed(struct alog_error *error, int result, const char *what,
                                        const char *path);
enum alog_status alog_segment_no_memory(struct alog_error *error, const char *path);

#endif
