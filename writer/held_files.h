/*
 * The io seam with a list of the files that are open: a child of fork must close them. A file's
 * lock belongs to what parent and child share of it, so a child that keeps its copy of a locked
 * file would let a dead parent pass for alive.
 */
#ifndef AGENTLOG_WRITER_HELD_FILES_H
#define AGENTLOG_WRITER_HELD_FILES_H

#include <pthread.h>

#include "format/io.h"

struct alog_held_files {
    struct alog_io io;           /* hand this out instead of `under` */
    const struct alog_io *under; /* makes the calls */
    pthread_mutex_t mutex;       /* guards what follows, and is held while a file is closed */
    int *fds;
    size_t count, capacity;
    uint64_t forks; /* so far: a file that was opened meanwhile is opened again */
};

void alog_held_files_init(struct alog_held_files *files, const struct alog_io *under);

/* Files that are open stay open. */
void alog_held_files_free(struct alog_held_files *files);

/* Around fork: nothing is closed between the first and the others. */
void alog_held_files_before_fork(struct alog_held_files *files);
void alog_held_files_after_fork_in_parent(struct alog_held_files *files);

/* Closes this process's copies of them all. */
void alog_held_files_after_fork_in_child(struct alog_held_files *files);

#endif
