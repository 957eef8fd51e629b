/* A segment whose file cannot be gone on with, made anew while its writer lives; see segment.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "error.h"
#include "little_endian.h"
#include "segment_frame.h"
#include "segment_writing.h"
#include "trust.h"

struct renewal {
    struct alog_segment_writer *old;
    struct alog_segment_writer *fresh;
    struct alog_buffer block; /* header frame and zstd frame */
    struct alog_block_header_room room;
    struct alog_segment_loss *loss;
    uint64_t *drops;                      /* by type, up to the block before */
    uint64_t first_missing, last_missing; /* events of the blocks since the last good one */
};

/* ---- Reading back ---------------------------------------------------------------------------- */

/* Read the zstd frame behind the header in `block`. False: it is not what was written. A disk that
 * cannot read it now cannot be expected to later, so that is the same. */
static enum alog_status read_frame(struct renewal *renewal, uint64_t offset,
                                   const struct alog_block_header *header, bool *ret_good,
                                   struct alog_error *error) {
    const struct alog_segment_writer *old = renewal->old;
    uint32_t bytes = header->facts.compressed_bytes;
    if (alog_buffer_reserve(&renewal->block, bytes) != ALOG_OK) {
        return alog_segment_no_memory(error, old->path);
    }
    uint8_t *frame = renewal->block.data + renewal->block.len;
    int64_t got = alog_io_read_full(old->io, old->fd, frame, bytes, offset);
    if (got < 0 && got != -EIO) {
        return alog_segment_io_failed(error, (int)got, "read back", old->path);
    }
    *ret_good = false;
    if (got == (int64_t)bytes) {
        XXH128_canonical_t hash;
        XXH128_canonicalFromHash(&hash, XXH3_128bits(frame, bytes));
        *ret_good = memcmp(hash.digest, header->facts.hash, sizeof hash.digest) == 0;
    }
    renewal->block.len += bytes;
    return ALOG_OK;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static enum alog_status put(struct renewal *renewal, const uint8_t *data, size_t bytes,
                            struct alog_error *error) {
    struct alog_segment_writer *fresh = renewal->fresh;
    struct iovec part = {(void *)(uintptr_t)data, bytes};
    int result = alog_io_write_all(fresh->io, fresh->fd, &part, 1, fresh->end);
    if (result < 0) {
        return alog_segment_io_failed(error, result, "write", fresh->path);
    }
    fresh->end += bytes;
    return ALOG_OK;
}

/* Where blocks were that are not good any more, up to the next that is. */
static enum alog_status put_hole(struct renewal *renewal, uint64_t until,
                                 struct alog_error *error) {
    struct alog_segment_writer *fresh = renewal->fresh;
    while (fresh->end < until) {
        fresh->header.len = 0;
        enum alog_status status =
            alog_hole_encode(fresh->file_id, alog_hole_frame_bytes(until - fresh->end),
                             renewal->first_missing, renewal->last_missing, &fresh->header);
        if (status == ALOG_OK) {
            status = put(renewal, fresh->header.data, fresh->header.len, error);
        } else {
            status = alog_segment_no_memory(error, fresh->path);
        }
        if (status != ALOG_OK) {
            return status;
        }
    }
    renewal->first_missing = renewal->last_missing = 0;
    return ALOG_OK;
}

static enum alog_status take_block(struct renewal *renewal, uint64_t offset, size_t header_bytes,
                                   const struct alog_block_header *header,
                                   struct alog_error *error) {
    struct alog_segment_writer *fresh = renewal->fresh;
    enum alog_status status = put_hole(renewal, offset, error);
    if (status == ALOG_OK &&
        alog_index_append(&fresh->index, offset, renewal->block.data, header_bytes,
                          header->facts.compressed_bytes) != ALOG_OK) {
        status = alog_segment_no_memory(error, fresh->path);
    }
    if (status == ALOG_OK) {
        status = put(renewal, renewal->block.data, renewal->block.len, error);
    }
    if (status == ALOG_OK) {
        alog_index_totals_add(&fresh->totals, &header->facts);
    }
    return status;
}

static void lose_block(struct renewal *renewal, const struct alog_block_facts *facts) {
    struct alog_segment_loss *loss = renewal->loss;
    loss->blocks++;
    for (uint32_t i = 0; i < facts->count_count; i++) {
        if (facts->counts[i].type < ALOG_MAX_TYPES) {
            loss->events[facts->counts[i].type] += facts->counts[i].count;
        }
    }
    for (uint32_t i = 0; i < facts->drop_count; i++) {
        uint32_t type = facts->drops[i].type;
        if (type < ALOG_MAX_TYPES) {
            loss->drops[type] += facts->drops[i].count - renewal->drops[type];
        }
    }
    if (renewal->first_missing == 0) {
        renewal->first_missing = facts->first_sequence;
    }
    renewal->last_missing = facts->last_sequence;
}

static void remember_drops(struct renewal *renewal, const struct alog_block_facts *facts) {
    for (uint32_t i = 0; i < facts->drop_count; i++) {
        if (facts->drops[i].type < ALOG_MAX_TYPES) {
            renewal->drops[facts->drops[i].type] = facts->drops[i].count;
        }
    }
}

/* One block, from its entry in the index, which never left memory. */
static enum alog_status copy_block(struct renewal *renewal, const uint8_t *entry,
                                   struct alog_error *error) {
    uint64_t offset = alog_le_load64(entry + ALOG_ENTRY_OFFSET);
    uint32_t payload_bytes = alog_le_load32(entry + ALOG_ENTRY_HEADER_BYTES);
    const uint8_t *payload = entry + ALOG_ENTRY_FIXED_END;
    size_t header_bytes = ALOG_FRAME_PREFIX_BYTES + payload_bytes;
    struct alog_block_header header;
    enum alog_status status =
        alog_block_payload_decode(payload, payload_bytes, &renewal->room, &header, error);
    if (status != ALOG_OK) {
        return status;
    }
    renewal->block.len = 0;
    if (alog_buffer_reserve(&renewal->block, header_bytes) != ALOG_OK) {
        return alog_segment_no_memory(error, renewal->old->path);
    }
    alog_le_store32(renewal->block.data, ALOG_SKIPPABLE_MAGIC);
    alog_le_store32(renewal->block.data + 4, payload_bytes);
    memcpy(renewal->block.data + ALOG_FRAME_PREFIX_BYTES, payload, payload_bytes);
    renewal->block.len = header_bytes;
    bool good = false;
    status = read_frame(renewal, offset + header_bytes, &header, &good, error);
    if (status == ALOG_OK && good) {
        status = take_block(renewal, offset, header_bytes, &header, error);
    } else if (status == ALOG_OK) {
        lose_block(renewal, &header.facts);
    }
    remember_drops(renewal, &header.facts);
    return status;
}

static enum alog_status copy_blocks(struct renewal *renewal, struct alog_error *error) {
    const struct alog_segment_writer *old = renewal->old;
    const uint8_t *entry = old->index.data + ALOG_FRAME_PREFIX_BYTES + ALOG_INDEX_FIXED_END;
    for (uint64_t i = 0; i < old->totals.blocks; i++) {
        enum alog_status status = copy_block(renewal, entry, error);
        if (status != ALOG_OK) {
            return status;
        }
        entry += ALOG_ENTRY_FIXED_END + alog_le_load32(entry + ALOG_ENTRY_HEADER_BYTES);
    }
    return ALOG_OK;
}

/* ---- The new file ---------------------------------------------------------------------------- */

/* The final name in `path`: what the old one is called, without .open if it was not renamed yet. */
static void final_path(const struct alog_segment_writer *old, char path[PATH_MAX]) {
    size_t len = strlen(old->path) - strlen(ALOG_OPEN_SUFFIX);
    memcpy(path, old->path, len);
    path[len] = '\0';
}

static enum alog_status create_fresh(struct renewal *renewal, struct alog_error *error) {
    struct alog_segment_writer *fresh = renewal->fresh;
    const struct alog_segment_writer *old = renewal->old;
    const struct alog_io *io = old->io;
    char dir[PATH_MAX];
    alog_segment_directory(old->path, dir);
    int result = alog_io_make_dirs(io, dir, ALOG_DIRECTORY_MODE);
    if (result < 0) {
        return alog_segment_io_failed(error, result, "create", dir);
    }
    enum alog_status trusted = alog_trust_own_dir(io, dir, error);
    if (trusted != ALOG_OK) {
        return trusted;
    }
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;
    fresh->fd = io->open(io->context, fresh->path, flags, ALOG_FILE_MODE);
    if (fresh->fd == -EEXIST) {
        /* Of an attempt before that could not even remove it. */
        io->unlink(io->context, fresh->path);
        fresh->fd = io->open(io->context, fresh->path, flags, ALOG_FILE_MODE);
    }
    if (fresh->fd < 0) {
        return alog_segment_io_failed(error, fresh->fd, "create", fresh->path);
    }
    if (alog_index_begin(&fresh->index, fresh->file_id) != ALOG_OK) {
        return alog_segment_no_memory(error, fresh->path);
    }
    return put(renewal, old->file_header.data, old->file_header.len, error);
}

/* With its final name, and only with that. */
static enum alog_status finish_fresh(struct renewal *renewal, bool sync, struct alog_error *error) {
    struct alog_segment_writer *fresh = renewal->fresh;
    const struct alog_segment_writer *old = renewal->old;
    const struct alog_io *io = old->io;
    char path[PATH_MAX];
    final_path(old, path);
    if (old->renamed) {
        /* The old file had got so far: it makes room, and takes its old name again. A reader that
         * looks for it in between finds it under that. */
        int result = io->rename(io->context, path, old->path);
        if (result < 0 && result != -ENOENT) {
            return alog_segment_io_failed(error, result, "rename", path);
        }
        renewal->old->renamed = false;
    }
    enum alog_status status = ALOG_OK;
    if (fresh->totals.blocks > 0) {
        status = alog_segment_complete(fresh, sync, error);
        if (status == ALOG_OK) {
            status = alog_segment_name_finally(fresh, sync, error);
        }
        if (status != ALOG_OK && fresh->renamed) {
            io->unlink(io->context, path);
        }
    }
    if (status != ALOG_OK || fresh->totals.blocks == 0) {
        io->unlink(io->context, fresh->path);
    }
    return status;
}

static enum alog_status renew(struct renewal *renewal, bool sync, struct alog_error *error) {
    struct alog_segment_writer *fresh = renewal->fresh;
    const struct alog_segment_writer *old = renewal->old;
    fresh->io = old->io;
    fresh->fd = fresh->source_fd = -1;
    fresh->created_ns = old->created_ns;
    fresh->file_header_bytes = old->file_header_bytes;
    memcpy(fresh->file_id, old->file_id, sizeof fresh->file_id);
    final_path(old, fresh->path);
    if (strlen(fresh->path) + sizeof ALOG_RECOVERING_SUFFIX > PATH_MAX) {
        return alog_segment_io_failed(error, -ENAMETOOLONG, "create", fresh->path);
    }
    strcat(fresh->path, ALOG_RECOVERING_SUFFIX);
    enum alog_status status = create_fresh(renewal, error);
    if (status == ALOG_OK) {
        status = copy_blocks(renewal, error);
    }
    if (status == ALOG_OK) {
        return finish_fresh(renewal, sync, error);
    }
    if (fresh->fd >= 0) {
        fresh->io->unlink(fresh->io->context, fresh->path);
    }
    return status;
}

enum alog_status alog_segment_renew(struct alog_segment_writer *segment, bool sync,
                                    const uint64_t *drops_before, struct alog_segment_loss *loss,
                                    struct alog_error *error) {
    struct renewal renewal = {
        .old = segment,
        .fresh = calloc(1, sizeof *renewal.fresh),
        .drops = malloc(ALOG_MAX_TYPES * sizeof *renewal.drops),
        .loss = loss,
    };
    enum alog_status status = ALOG_NO_MEMORY;
    if (renewal.fresh == NULL || renewal.drops == NULL) {
        alog_segment_no_memory(error, segment->path);
    } else {
        memcpy(renewal.drops, drops_before, ALOG_MAX_TYPES * sizeof *renewal.drops);
        loss->blocks = 0;
        memset(loss->events, 0, ALOG_MAX_TYPES * sizeof *loss->events);
        memset(loss->drops, 0, ALOG_MAX_TYPES * sizeof *loss->drops);
        status = renew(&renewal, sync, error);
    }
    if (status == ALOG_OK) {
        /* Readers pass it over while it is there beside the other. */
        segment->io->unlink(segment->io->context, segment->path);
        alog_segment_writer_free(segment);
    }
    if (renewal.fresh != NULL) {
        alog_segment_writer_free(renewal.fresh);
    }
    alog_buffer_free(&renewal.block);
    alog_block_header_room_free(&renewal.room);
    free(renewal.drops);
    return status;
}
