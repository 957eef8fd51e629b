/*
 * Any bytes as a sealed segment whose frames all pass their checks, as a broken or hostile writer
 * could make it: what stands in index, seek table and headers is then believed to be meant. The
 * checks of all frames are set right first; then every byte is verified, index and seek table held
 * against the blocks, and the facts are read from the index alone; of an archive, each source is
 * read as the segment that it was. A file in shared memory, since these calls open files
 * themselves.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <agentlog/reader.h>

#include "format/archive_source.h"
#include "format/little_endian.h"
#include "format/segment_frame.h"
#include "format/segment_scan.h"

#define MOST_SOURCES 8 /* of an input, so that none takes long */

static char path[64];

static void remove_file(void) {
    unlink(path);
}

static int file_of(const uint8_t *data, size_t size) {
    if (path[0] == '\0') {
        snprintf(path, sizeof path, "/dev/shm/agentlog-fuzz-%d.msgpack.zst", (int)getpid());
        atexit(remove_file);
    }
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) {
        abort();
    }
    return fd;
}

/* Walk the frames from the file's beginning, and set right the check of each of ours. */
static void mend_checks(uint8_t *data, size_t size) {
    for (size_t at = 0; at + ALOG_FRAME_PREFIX_BYTES < size;) {
        if (alog_le_load32(data + at) != ALOG_SKIPPABLE_MAGIC) {
            at++; /* a frame of zstd; the next of ours is found by its magic */
            continue;
        }
        uint8_t *payload = data + at + ALOG_FRAME_PREFIX_BYTES;
        const size_t bytes = alog_le_load32(data + at + 4);
        if (bytes < ALOG_HEAD_END + ALOG_FRAME_CHECK_BYTES ||
            bytes > size - at - ALOG_FRAME_PREFIX_BYTES) {
            at++;
            continue;
        }
        alog_le_store64(payload + bytes - ALOG_FRAME_CHECK_BYTES,
                        alog_frame_check_of(payload, bytes));
        at += ALOG_FRAME_PREFIX_BYTES + bytes;
    }
}

static void ignore_damage(void *context, const struct alog_damage *damage) {
    (void)context;
    if (damage->message == NULL || damage->message[0] == '\0') {
        abort();
    }
}

static void inspect(bool verify) {
    struct alog_segment_info info;
    if (alog_segment_inspect(path, verify, ignore_damage, NULL, &info, NULL) == ALOG_OK) {
        uint64_t events = 0;
        for (size_t i = 0; i < info.type_count; i++) {
            events += info.types[i].events;
        }
        /* What was counted by type is all that was counted, where every byte was looked at. */
        if (verify && info.damages == 0 && events != info.events) {
            abort();
        }
        alog_segment_info_free(&info);
    }
}

static void read_source(const struct alog_archive_source *source) {
    struct alog_segment_scan *scan;
    struct alog_block block = {0};
    const struct alog_block_header *header;
    if (alog_segment_scan_open_source(alog_io_system(), path, source, NULL, NULL, &scan, NULL) !=
        ALOG_OK) {
        return;
    }
    while (alog_segment_scan_next(scan, &header, NULL) == ALOG_OK && header != NULL) {
        (void)alog_segment_scan_open_block(scan, &block, NULL);
    }
    alog_block_close(&block);
    alog_segment_scan_close(scan);
}

static void read_sources(void) {
    struct alog_archive_source *sources = NULL;
    size_t count = 0;
    uint64_t orphans = 0;
    if (alog_archive_sources_list(alog_io_system(), path, &sources, &count, &orphans, NULL) !=
        ALOG_OK) {
        return;
    }
    for (size_t i = 0; i < count && i < MOST_SOURCES; i++) {
        read_source(&sources[i]);
    }
    free(sources);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *mended = malloc(size + 1);
    if (mended == NULL) {
        return 0;
    }
    memcpy(mended, data, size);
    mend_checks(mended, size);
    close(file_of(mended, size));
    inspect(false);
    inspect(true);
    struct alog_reader *reader;
    const struct alog_event *event;
    const struct alog_reader_filter filter = {.since_ns = ALOG_I64(1), .job_id = ALOG_STR("job-1")};
    if (alog_reader_open(path, &filter, NULL, NULL, &reader, NULL) == ALOG_OK) {
        while (alog_reader_next(reader, &event, NULL) == ALOG_OK && event != NULL) {
        }
        alog_reader_close(reader);
    }
    read_sources();
    free(mended);
    return 0;
}
