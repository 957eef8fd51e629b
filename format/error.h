/* Filling in a struct alog_error and returning its status, in one statement. */
#ifndef AGENTLOG_FORMAT_ERROR_H
#define AGENTLOG_FORMAT_ERROR_H

#include <agentlog/agentlog.h>

/*
 * Describe a failure in `error`, unless it is NULL, and return `status`:
 *     return alog_fail(error, ALOG_IO, errno, -1, "cannot open %s", path);
 * `system_errno` is 0 when no system call failed, else its text is added to the message. `offset`
 * is a byte offset, or -1. A message that is too long is cut. Keeps errno. Any thread; no memory.
 */
enum alog_status alog_fail(struct alog_error *error, enum alog_status status, int system_errno,
                           int64_t offset, const char *format, ...) ALOG_PRINTF(5, 6);

/* Bytes of a string that a message may quote, for use with "%.*s": at most 64, so that the rest of
 * the message fits. */
static inline int alog_quoted_len(struct alog_string s) {
    return s.len < 64 ? (int)s.len : 64;
}

#endif
