/* Lines out of a file descriptor. */
#include "line_reader.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_BYTES ((size_t)256 << 10)

void line_reader_begin(struct line_reader *reader, int fd, int stop_fd, size_t max_bytes) {
    *reader = (struct line_reader){.fd = fd, .stop_fd = stop_fd, .max_bytes = max_bytes};
}

void line_reader_free(struct line_reader *reader) {
    free(reader->buffer);
    reader->buffer = NULL;
}

/* Wait for input or a stop. LINE_FOUND: there is input (or its end, or its error). */
static enum line_result wait_for_input(const struct line_reader *reader) {
    struct pollfd waits[] = {{.fd = reader->fd, .events = POLLIN},
                             {.fd = reader->stop_fd, .events = POLLIN}};
    while (poll(waits, 2, -1) < 0) {
        if (errno != EINTR) {
            return LINE_FAILED;
        }
    }
    return (waits[1].revents & POLLIN) != 0 ? LINE_STOPPED : LINE_FOUND;
}

static bool make_room(struct line_reader *reader) {
    if (reader->begin > 0) {
        memmove(reader->buffer, reader->buffer + reader->begin, reader->end - reader->begin);
        reader->end -= reader->begin;
        reader->begin = 0;
    }
    if (reader->capacity - reader->end >= CHUNK_BYTES) {
        return true;
    }
    const size_t capacity = reader->capacity == 0 ? 2 * CHUNK_BYTES : 2 * reader->capacity;
    char *buffer = realloc(reader->buffer, capacity);
    if (buffer == NULL) {
        return false;
    }
    reader->buffer = buffer;
    reader->capacity = capacity;
    return true;
}

/* Read one chunk behind what is there. LINE_FOUND, LINE_STOPPED or LINE_FAILED. */
static enum line_result fill(struct line_reader *reader) {
    if (!make_room(reader)) {
        errno = ENOMEM;
        return LINE_FAILED;
    }
    for (;;) {
        const enum line_result result = wait_for_input(reader);
        if (result != LINE_FOUND) {
            return result;
        }
        const ssize_t bytes = read(reader->fd, reader->buffer + reader->end, CHUNK_BYTES);
        if (bytes >= 0) {
            reader->end += (size_t)bytes;
            reader->bytes_read += (uint64_t)bytes;
            reader->at_end = bytes == 0;
            return LINE_FOUND;
        }
        if (errno != EINTR && errno != EAGAIN) {
            return LINE_FAILED;
        }
    }
}

/* Pass over the rest of a line that is too long; its length so far is in the buffer. */
static enum line_result pass_over(struct line_reader *reader, size_t *ret_len) {
    size_t len = 0;
    for (;;) {
        const char *at = reader->buffer + reader->begin;
        const char *feed = memchr(at, '\n', reader->end - reader->begin);
        const size_t part = feed == NULL ? reader->end - reader->begin : (size_t)(feed - at);
        len += part;
        reader->begin += part + (feed != NULL);
        if (feed != NULL || reader->at_end) {
            *ret_len = len;
            return LINE_TOO_LONG;
        }
        const enum line_result result = fill(reader);
        if (result != LINE_FOUND) {
            return result;
        }
    }
}

enum line_result line_reader_next(struct line_reader *reader, const char **ret_line,
                                  size_t *ret_len) {
    size_t searched = 0;
    for (;;) {
        const size_t left = reader->end - reader->begin;
        const char *at = reader->buffer == NULL ? "" : reader->buffer + reader->begin;
        const char *feed = memchr(at + searched, '\n', left - searched);
        const size_t len = feed == NULL ? left : (size_t)(feed - at);
        if (feed != NULL || (reader->at_end && left > 0) || len > reader->max_bytes) {
            reader->line_number++;
            if (len > reader->max_bytes) {
                return pass_over(reader, ret_len);
            }
            reader->begin += len + (feed != NULL);
            *ret_line = at;
            *ret_len = len;
            return LINE_FOUND;
        }
        if (reader->at_end) {
            return LINE_END;
        }
        searched = left;
        const enum line_result result = fill(reader);
        if (result != LINE_FOUND) {
            return result;
        }
    }
}
