/* Status names, and the one place where error messages are put together. */
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

const char *alog_status_name(enum alog_status status) {
    switch (status) {
    case ALOG_OK:
        return "ALOG_OK";
    case ALOG_DROPPED:
        return "ALOG_DROPPED";
    case ALOG_TOO_BIG:
        return "ALOG_TOO_BIG";
    case ALOG_CLOSED:
        return "ALOG_CLOSED";
    case ALOG_INVALID:
        return "ALOG_INVALID";
    case ALOG_LIMIT:
        return "ALOG_LIMIT";
    case ALOG_NOT_FOUND:
        return "ALOG_NOT_FOUND";
    case ALOG_EXISTS:
        return "ALOG_EXISTS";
    case ALOG_IO:
        return "ALOG_IO";
    case ALOG_NO_MEMORY:
        return "ALOG_NO_MEMORY";
    case ALOG_LOCKED:
        return "ALOG_LOCKED";
    case ALOG_READ_ONLY:
        return "ALOG_READ_ONLY";
    case ALOG_CORRUPT:
        return "ALOG_CORRUPT";
    case ALOG_UNSUPPORTED:
        return "ALOG_UNSUPPORTED";
    }
    return "ALOG_STATUS_UNKNOWN";
}

/* The GNU strerror_r: unlike strerror it is thread-safe, and it returns the text, wherever that is.
 */
static void append_errno(struct alog_error *error, size_t at, int system_errno) {
    char room[128];
    const char *text = strerror_r(system_errno, room, sizeof room);
    snprintf(error->message + at, sizeof error->message - at, ": %s", text);
}

enum alog_status alog_fail(struct alog_error *error, enum alog_status status, int system_errno,
                           int64_t offset, const char *format, ...) {
    if (error == NULL) {
        return status;
    }
    const int caller_errno = errno;
    error->status = status;
    error->system_errno = system_errno;
    error->offset = offset;
    va_list arguments;
    va_start(arguments, format);
    const int len = vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    if (len < 0) {
        error->message[0] = '\0';
    } else if (system_errno != 0 && (size_t)len < sizeof error->message) {
        append_errno(error, (size_t)len, system_errno);
    }
    errno = caller_errno;
    return status;
}
