/* A block's msgpack to a zstd frame. */
#include <stdlib.h>
#include <xxhash.h>
#include <zstd.h>

#include "block.h"

struct alog_block_compressor {
    ZSTD_CCtx *context;
    uint8_t *frame;
    size_t capacity;
};

static bool set(ZSTD_CCtx *context, ZSTD_cParameter parameter, int value) {
    return !ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value));
}

static bool configure(ZSTD_CCtx *context, int level) {
    if (!set(context, ZSTD_c_compressionLevel, level) || !set(context, ZSTD_c_checksumFlag, 1) ||
        !set(context, ZSTD_c_contentSizeFlag, 1)) {
        return false;
    }
    /*
     * By itself, level 1 picks these by the size of the input. Pinned, a block of a quiet minute
     * compresses as a full one does; matches of 5 bytes out of a table that stays in the
     * processor's first cache are what pays for short events: FORMAT.md, "Why".
     */
    return level != 1 || (set(context, ZSTD_c_minMatch, 5) && set(context, ZSTD_c_hashLog, 12));
}

enum alog_status alog_block_compressor_new(int level,
                                           struct alog_block_compressor **ret_compressor) {
    struct alog_block_compressor *compressor = calloc(1, sizeof *compressor);
    if (compressor == NULL) {
        return ALOG_NO_MEMORY;
    }
    compressor->context = ZSTD_createCCtx();
    if (compressor->context == NULL) {
        alog_block_compressor_free(compressor);
        return ALOG_NO_MEMORY;
    }
    if (!configure(compressor->context, level)) {
        alog_block_compressor_free(compressor);
        return ALOG_INVALID;
    }
    *ret_compressor = compressor;
    return ALOG_OK;
}

void alog_block_compressor_free(struct alog_block_compressor *compressor) {
    if (compressor != NULL) {
        ZSTD_freeCCtx(compressor->context);
        free(compressor->frame);
        free(compressor);
    }
}

static bool reserve(struct alog_block_compressor *compressor, size_t bytes) {
    if (bytes <= compressor->capacity) {
        return true;
    }
    /* Not realloc: what the buffer held is of no use any more. */
    free(compressor->frame);
    compressor->frame = malloc(bytes);
    compressor->capacity = compressor->frame != NULL ? bytes : 0;
    return compressor->frame != NULL;
}

enum alog_status alog_block_compress(struct alog_block_compressor *compressor, const uint8_t *raw,
                                     size_t raw_bytes, const uint8_t **ret_frame,
                                     struct alog_block_facts *facts) {
    if (raw_bytes > ALOG_BLOCK_MAX_RAW_BYTES) {
        return ALOG_LIMIT;
    }
    if (!reserve(compressor, ZSTD_compressBound(raw_bytes))) {
        return ALOG_NO_MEMORY;
    }
    const size_t bytes = ZSTD_compress2(compressor->context, compressor->frame,
                                        compressor->capacity, raw, raw_bytes);
    if (ZSTD_isError(bytes)) {
        /* With enough room for the output, only an allocation inside can fail. */
        return ALOG_NO_MEMORY;
    }
    facts->raw_bytes = (uint32_t)raw_bytes;
    facts->compressed_bytes = (uint32_t)bytes;
    XXH128_canonical_t hash;
    XXH128_canonicalFromHash(&hash, XXH3_128bits(compressor->frame, bytes));
    memcpy(facts->hash, hash.digest, sizeof facts->hash);
    *ret_frame = compressor->frame;
    return ALOG_OK;
}
