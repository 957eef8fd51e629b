/*
 * Lines out of a file descriptor, of any length up to a limit. A signal that asks the program to
 * stop ends the reading between two chunks, so that what was read is still dealt with.
 */
#ifndef AGENTLOG_TOOLS_LINE_READER_H
#define AGENTLOG_TOOLS_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line_reader {
    int fd;
    int stop_fd;      /* readable when reading has to stop; -1 = never */
    size_t max_bytes; /* of a line without its line feed */
    char *buffer;
    size_t begin, end, capacity;
    bool at_end;          /* nothing more comes from fd */
    uint64_t line_number; /* of the line returned last, from 1 */
    uint64_t bytes_read;
};

enum line_result {
    LINE_FOUND,
    LINE_TOO_LONG, /* longer than max_bytes; it was passed over, *ret_len is its length */
    LINE_END,
    LINE_STOPPED, /* stop_fd became readable */
    LINE_FAILED   /* errno says how */
};

/* The descriptors stay the caller's. */
void line_reader_begin(struct line_reader *reader, int fd, int stop_fd, size_t max_bytes);
void line_reader_free(struct line_reader *reader);

/* The next line without its line feed, valid until the next call; the last one need not have one.
 */
enum line_result line_reader_next(struct line_reader *reader, const char **ret_line,
                                  size_t *ret_len);

#endif
