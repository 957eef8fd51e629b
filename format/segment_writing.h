/*
 * The inside of a segment that is being written, for the two files that are one: segment_writer.c
 * makes, appends and seals, segment_rebuild.c takes over what a dead writer left.
 */
#ifndef AGENTLOG_FORMAT_SEGMENT_WRITING_H
#define AGENTLOG_FORMAT_SEGMENT_WRITING_H

#include <limits.h>

#include "archive_source.h"
#include "segment_index.h"
#include "segment_scan.h"

/* Behind the final name: while it is written, and while a dead writer's file is made anew. */
#define ALOG_OPEN_SUFFIX       ".open"
#define ALOG_RECOVERING_SUFFIX ".recovering"
#define ALOG_ARCHIVING_SUFFIX  ".archiving"

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
    struct alog_buffer index;       /* grows with each block, so that sealing reads nothing back */
    struct alog_buffer header;      /* of the block being appended */
    struct alog_buffer file_header; /* as it was written; empty after a rebuild */
    bool names_synced;              /* the directories hold this file's name durably */
    bool sync_failed;               /* nobody knows what of it is on the disk */
    bool name_lost;                 /* it could not be renamed, because it was not there */
    bool tables_written;            /* sealing has come so far, */
    bool synced_whole;              /* … so far, */
    bool renamed;                   /* … or so far */
    char path[PATH_MAX];            /* ends in one of the suffixes */
};

void alog_segment_writer_free(struct alog_segment_writer *segment);

/* Give it its final name, which is the path without its suffix. Goes on where it failed before. */
enum alog_status alog_segment_name_finally(struct alog_segment_writer *segment, bool sync,
                                           struct alog_error *error);

/* The directory of `path`, in `dir`. */
void alog_segment_directory(const char *path, char dir[PATH_MAX]);

/* The failure `result` of a system call on `path`, as a status. */
enum alog_status alog_segment_io_failed(struct alog_error *error, int result, const char *what,
                                        const char *path);
enum alog_status alog_segment_no_memory(struct alog_error *error, const char *path);

#endif
