/*
 * What a dead process left, as any bytes: a control file, then a ring whose events go into blocks,
 * all in memory. The first two bytes say how long the control file is; the ring's magic numbers are
 * put in place, so that the rest of its header is looked at. Checks what recovery promises: no
 * crash, an end, and never more events than a ring has room for.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "writer/recover_state.h"

#define CONTROL_FD 3
#define RING_FD    4
#define WRITER_ID  0xab

struct memory_files {
    const uint8_t *control, *ring;
    size_t control_bytes, ring_bytes;
};

static int memory_open(void *context, const char *path, int flags, mode_t mode) {
    (void)context;
    (void)flags;
    (void)mode;
    return strcmp(path, "ring") == 0 ? RING_FD : RING_FD + 1;
}

static int memory_close(void *context, int fd) {
    (void)context;
    (void)fd;
    return 0;
}

static int64_t memory_pread(void *context, int fd, void *buffer, size_t bytes, uint64_t offset) {
    const struct memory_files *files = context;
    size_t count = fd == CONTROL_FD ? files->control_bytes : files->ring_bytes;
    if (offset >= count) {
        return 0;
    }
    size_t left = count - (size_t)offset;
    size_t take = bytes < left ? bytes : left;
    memcpy(buffer, (fd == CONTROL_FD ? files->control : files->ring) + offset, take);
    return (int64_t)take;
}

static int64_t memory_pwritev(void *context, int fd, const struct iovec *parts, int count,
                              uint64_t offset) {
    (void)context;
    (void)fd;
    (void)offset;
    int64_t bytes = 0;
    for (int i = 0; i < count; i++) {
        bytes += (int64_t)parts[i].iov_len;
    }
    return bytes;
}

static int memory_fstat(void *context, int fd, struct stat *ret_stat) {
    const struct memory_files *files = context;
    memset(ret_stat, 0, sizeof *ret_stat);
    ret_stat->st_mode = S_IFREG | 0600;
    ret_stat->st_nlink = 1;
    ret_stat->st_size = (off_t)(fd == CONTROL_FD ? files->control_bytes : files->ring_bytes);
    return 0;
}

static int memory_number(void *context, int fd) {
    (void)context;
    (void)fd;
    return 0;
}

static int memory_path(void *context, const char *path) {
    (void)context;
    (void)path;
    return 0;
}

static int memory_mkdir(void *context, const char *path, mode_t mode) {
    (void)context;
    (void)path;
    (void)mode;
    return 0;
}

static void drain(const struct alog_io *io, const struct alog_schema *schema,
                  struct alog_dead_ring *ring) {
    struct alog_past past = {.losses_known = true};
    void *memory;
    if (alog_dead_ring_load(io, ring, &memory, NULL) != ALOG_OK) {
        return;
    }
    struct alog_recover_drain drain = {.io = io, .schema = schema, .past = &past};
    static const uint8_t none[16];
    if (alog_segment_create_unlisted(io, "log", WRITER_ID, 1, ALOG_STR("test"), none, 0,
                                     &drain.segment, NULL) == ALOG_OK) {
        if (alog_recover_drain_begin(&drain, WRITER_ID, ALOG_STR("test"), 1) == ALOG_OK &&
            alog_recover_drain_ring(&drain, ring, memory, NULL) == ALOG_OK &&
            alog_recover_drain_end(&drain, NULL) == ALOG_OK &&
            drain.recovered > ring->capacity / ALOG_RING_RECORD_HEAD) {
            abort();
        }
        alog_recover_drain_free(&drain);
        alog_segment_discard(drain.segment);
    }
    free(memory);
}

static void read_ring(const struct alog_io *io, const struct alog_schema *schema, uint64_t bytes) {
    char path[] = "ring";
    struct alog_past past = {.segments = 0};
    struct alog_dead_ring ring = {.id = 1, .path = path, .file_bytes = bytes};
    if (alog_dead_ring_examine(io, RING_FD, WRITER_ID, &past, &ring, NULL) == ALOG_OK &&
        ring.state == ALOG_DEAD_RING_GOOD) {
        drain(io, schema, &ring);
    }
    free(ring.lost);
}

/* The input as a ring: a page of header, then the data, whose size is what the header must say. */
static uint8_t *make_ring(const uint8_t *data, size_t size, size_t *ret_bytes) {
    *ret_bytes = (size_t)alog_ring_total_bytes(ALOG_RING_MIN_BYTES);
    uint8_t *memory = aligned_alloc(4096, *ret_bytes);
    if (memory == NULL) {
        return NULL;
    }
    memset(memory, 0, *ret_bytes);
    struct alog_ring_header *header = (struct alog_ring_header *)memory;
    alog_ring_format(memory, ALOG_RING_MIN_BYTES, 1, WRITER_ID);
    uint64_t positions[2] = {0, 0};
    size_t head = size < sizeof positions ? size : sizeof positions;
    memcpy(positions, data, head);
    /* Near each other, else hardly any input is a ring. */
    uint64_t tail = positions[0] & ~UINT64_C(7);
    atomic_store(&header->tail, tail);
    atomic_store(&header->head, tail + (positions[1] & (ALOG_RING_MIN_BYTES - 8)));
    atomic_store(&header->lost_at, positions[1]);
    atomic_store(&header->lost[7], positions[0] >> 60);
    size_t rest = size - head;
    memcpy(memory + ALOG_RING_HEADER_BYTES, data + head,
           rest < ALOG_RING_MIN_BYTES ? rest : ALOG_RING_MIN_BYTES);
    return memory;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) {
        return 0;
    }
    size_t control_bytes = (size_t)data[0] | (size_t)data[1] << 8;
    data += 2;
    size -= 2;
    control_bytes = control_bytes < size ? control_bytes : size;
    struct memory_files files = {.control = data, .control_bytes = control_bytes};
    uint8_t *ring = make_ring(data + control_bytes, size - control_bytes, &files.ring_bytes);
    files.ring = ring;
    struct alog_io io = *alog_io_system();
    io.context = &files;
    io.open = memory_open;
    io.close = memory_close;
    io.pread = memory_pread;
    io.pwritev = memory_pwritev;
    io.fstat = memory_fstat;
    io.fsync = io.fdatasync = io.lock = memory_number;
    io.unlink = memory_path;
    io.mkdir = memory_mkdir;
    struct alog_schema *schema;
    struct alog_control_facts facts = {.opened = false};
    if (ring != NULL && alog_schema_new(&schema) == ALOG_OK) {
        if (alog_control_read(&io, CONTROL_FD, schema, &facts, NULL) == ALOG_OK) {
            read_ring(&io, schema, files.ring_bytes);
        }
        alog_control_facts_free(&facts);
        alog_schema_free(schema);
    }
    free(ring);
    return 0;
}
