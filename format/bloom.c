/* The Bloom filter of a block's job ids; its bits are part of the format. */
#include <xxhash.h>

#include "block.h"

#define BITS_PER_JOB 10u
#define MIN_BYTES    8u

uint64_t alog_bloom_hash(struct alog_string job_id) {
    return XXH3_64bits(job_id.data, job_id.len);
}

uint32_t alog_bloom_bytes(uint32_t job_count) {
    uint32_t bytes = MIN_BYTES;
    while (bytes < ALOG_BLOOM_MAX_BYTES &&
           (uint64_t)bytes * 8 < (uint64_t)job_count * BITS_PER_JOB) {
        bytes *= 2;
    }
    return bytes;
}

/*
 * The i-th bit is (low + i * (high | 1)) mod 2^32 mod bits, where low and high are the hash's
 * halves: "Less Hashing, Same Performance", Kirsch and Mitzenmacher 2006. The step is odd, so that
 * it visits different bits.
 */
static uint32_t bit_of(uint64_t hash, uint32_t i, uint32_t bloom_bytes) {
    const uint32_t low = (uint32_t)hash;
    const uint32_t step = (uint32_t)(hash >> 32) | 1;
    return (low + i * step) & (bloom_bytes * 8 - 1);
}

void alog_bloom_add(uint8_t *bloom, uint32_t bloom_bytes, uint64_t hash) {
    for (uint32_t i = 0; i < ALOG_BLOOM_HASHES; i++) {
        const uint32_t bit = bit_of(hash, i, bloom_bytes);
        bloom[bit / 8] = (uint8_t)(bloom[bit / 8] | 1u << bit % 8);
    }
}

bool alog_bloom_maybe(const uint8_t *bloom, uint32_t bloom_bytes, uint64_t hash) {
    if (bloom_bytes == 0 || (bloom_bytes & (bloom_bytes - 1)) != 0 ||
        bloom_bytes > UINT32_MAX / 8) {
        return true; /* no filter, or none that we understand: it excludes nothing */
    }
    for (uint32_t i = 0; i < ALOG_BLOOM_HASHES; i++) {
        const uint32_t bit = bit_of(hash, i, bloom_bytes);
        if ((bloom[bit / 8] & 1u << bit % 8) == 0) {
            return false;
        }
    }
    return true;
}
