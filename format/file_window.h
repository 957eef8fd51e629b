/*
 * A sliding window over a file that is read: a place of it can be looked at without a system call
 * each time. Bytes are copied out of the file, never mapped: a mapped file that somebody truncates
 * kills its reader with SIGBUS.
 */
#ifndef AGENTLOG_FORMAT_FILE_WINDOW_H
#define AGENTLOG_FORMAT_FILE_WINDOW_H

#include <agentlog/agentlog.h>

#include "io.h"

/* Zero but for io and fd; free with alog_window_free, which leaves the file open. */
struct alog_window {
    const struct alog_io *io;
    int fd;
    uint8_t *data;
    size_t len, capacity;
    uint64_t offset; /* of data[0] in the file */
};

/*
 * Make [offset, offset + bytes) available at *ret_at until the next call; *ret_have says how much
 * of it there is (less than `bytes` only at the end of the file). The caller bounds `bytes`, which
 * is also the memory that this takes. ALOG_IO with the errno, ALOG_NO_MEMORY.
 */
enum alog_status alog_window_get(struct alog_window *window, uint64_t offset, size_t bytes,
                                 const uint8_t **ret_at, size_t *ret_have,
                                 struct alog_error *error);

/* Forget what was read: the file may have changed. */
void alog_window_drop(struct alog_window *window);
void alog_window_free(struct alog_window *window);

#endif
