/* A sliding window over a file that is read. */
#include "file_window.h"

#include <stdlib.h>

#include "error.h"

/* Read at least this much at once: most headers whole, without reading far into their frame. */
#define READ_AHEAD_BYTES (16u << 10)

static enum alog_status grow(struct alog_window *window, size_t bytes, struct alog_error *error) {
    if (bytes <= window->capacity) {
        return ALOG_OK;
    }
    uint8_t *data = realloc(window->data, bytes);
    if (data == NULL) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory to read %zu bytes", bytes);
    }
    window->data = data;
    window->capacity = bytes;
    return ALOG_OK;
}

enum alog_status alog_window_get(struct alog_window *window, uint64_t offset, size_t bytes,
                                 const uint8_t **ret_at, size_t *ret_have,
                                 struct alog_error *error) {
    uint64_t skip = offset - window->offset;
    if (offset < window->offset || skip > window->len || window->len - skip < bytes) {
        size_t wanted = bytes < READ_AHEAD_BYTES ? READ_AHEAD_BYTES : bytes;
        enum alog_status status = grow(window, wanted, error);
        if (status != ALOG_OK) {
            return status;
        }
        int64_t got = alog_io_read_full(window->io, window->fd, window->data, wanted, offset);
        if (got < 0) {
            window->len = 0;
            return alog_fail(error, ALOG_IO, (int)-got, (int64_t)offset, "cannot read");
        }
        window->offset = offset;
        window->len = (size_t)got;
        skip = 0;
    }
    size_t have = window->len - (size_t)skip;
    *ret_at = window->data + skip;
    *ret_have = have < bytes ? have : bytes;
    return ALOG_OK;
}

void alog_window_drop(struct alog_window *window) {
    window->len = 0;
}

void alog_window_free(struct alog_window *window) {
    free(window->data);
    window->data = NULL;
    window->len = window->capacity = 0;
}
