/*
 * Any bytes as a segment file: scanned, its blocks opened and every event decoded, all from memory.
 * Checks what a reader promises of hostile input: no crash, no read outside the file, an end.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "format/segment.h"

struct memory_file {
    const uint8_t *data;
    size_t bytes;
};

static int memory_open(void *context, const char *path, int flags, mode_t mode) {
    (void)context;
    (void)path;
    (void)flags;
    (void)mode;
    return 3;
}

static int memory_close(void *context, int fd) {
    (void)context;
    (void)fd;
    return 0;
}

static int64_t memory_pread(void *context, int fd, void *buffer, size_t bytes, uint64_t offset) {
    const struct memory_file *file = context;
    (void)fd;
    if (offset >= file->bytes) {
        return 0;
    }
    size_t left = file->bytes - (size_t)offset;
    size_t take = bytes < left ? bytes : left;
    memcpy(buffer, file->data + offset, take);
    return (int64_t)take;
}

static int memory_fstat(void *context, int fd, struct stat *ret_stat) {
    const struct memory_file *file = context;
    (void)fd;
    memset(ret_stat, 0, sizeof *ret_stat);
    ret_stat->st_mode = S_IFREG | 0640;
    ret_stat->st_size = (off_t)file->bytes;
    return 0;
}

static void read_blocks(struct alog_segment_scan *scan) {
    struct alog_block block = {0};
    struct alog_event_decoder decoder = {0};
    const struct alog_block_header *header;
    const uint8_t *frame;
    while (alog_segment_scan_next(scan, &header, NULL) == ALOG_OK && header) {
        if (alog_segment_scan_frame(scan, &frame, NULL) != ALOG_OK ||
            alog_block_open(&block, frame, &header->facts, NULL) != ALOG_OK) {
            continue;
        }
        struct alog_mp_cursor cursor = block.events;
        int64_t timestamp_ns = block.base_timestamp_ns;
        struct alog_event event;
        while (cursor.at < cursor.end &&
               alog_event_decode(&decoder, &cursor, block.schema, &block.strings, &timestamp_ns,
                                 &event) == ALOG_OK) {
        }
    }
    alog_event_decoder_free(&decoder);
    alog_block_close(&block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct memory_file file = {data, size};
    struct alog_io io = *alog_io_system();
    io.context = &file;
    io.open = memory_open;
    io.close = memory_close;
    io.pread = memory_pread;
    io.fstat = memory_fstat;
    struct alog_segment_scan *scan;
    if (alog_segment_scan_open(&io, "fuzzed", NULL, NULL, &scan, NULL) == ALOG_OK) {
        read_blocks(scan);
        alog_segment_scan_close(scan);
    }
    return 0;
}
