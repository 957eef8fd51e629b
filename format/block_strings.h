/*
 * The string table of a block that is being built: each repeated string once, and its index.
 *
 * Two stages. A direct-mapped cache, whose key is the length and the first and last 8 bytes, which
 * is all there is of a string of up to 16 bytes: a hit needs no hash of the text and no pointer to
 * follow. Behind it an open-addressing table by XXH3. Measured in tests/bench/bench_layout.c.
 */
#ifndef AGENTLOG_FORMAT_BLOCK_STRINGS_H
#define AGENTLOG_FORMAT_BLOCK_STRINGS_H

#include "msgpack.h"

#define ALOG_BLOCK_MAX_STRINGS     65535u /* entries of one table: an index takes 3 bytes at most */
#define ALOG_BLOCK_MAX_STRING_TEXT (1u << 20) /* bytes of one table, as msgpack */

#define ALOG_STRING_CACHE_BITS 11

/* A recently used string. */
struct alog_string_cache_slot {
    uint64_t head, tail; /* its first and last 8 bytes; of less than 8, all of them in `head` */
    /* Its length, and the epoch in the upper half: a slot of another epoch is empty, so that a new
     * block clears nothing. */
    uint64_t len_and_epoch;
    uint32_t index;
    uint8_t code[4]; /* the index as msgpack, up to 3 bytes; the last byte says how many */
};

struct alog_string_hash_slot {
    uint64_t hash;
    uint32_t epoch;
    uint32_t index;
};

struct alog_string_entry {
    uint32_t at; /* of the text, without its msgpack head, in `text` */
    uint32_t len;
    bool is_job; /* for the builder: it stood as a job id, and is in the Bloom filter */
};

/* Zero-initialise and reset before the first use. */
struct alog_block_strings {
    uint32_t epoch;
    uint32_t count;
    uint8_t *text; /* the strings as msgpack, one behind the other: the table's body */
    size_t text_bytes, text_capacity;
    struct alog_string_entry *entries;
    uint32_t entry_capacity;
    struct alog_string_hash_slot *slots;
    size_t slot_count; /* a power of two, or 0 */
    struct alog_string_cache_slot cache[1u << ALOG_STRING_CACHE_BITS];
};

/* Empty the table; its memory stays. */
void alog_block_strings_reset(struct alog_block_strings *strings);
void alog_block_strings_free(struct alog_block_strings *strings);

/* Take back what was added since there were `count` strings of `text_bytes`. For rejected events:
 * slow. */
void alog_block_strings_rollback(struct alog_block_strings *strings, uint32_t count,
                                 size_t text_bytes);

/* The second stage: find or add the string, and put it into `slot`. False when the table is full.
 */
bool alog_block_strings_fill(struct alog_block_strings *strings,
                             struct alog_string_cache_slot *slot, const uint8_t *data, uint32_t len,
                             uint64_t head, uint64_t tail);

/* The first 8 bytes in *ret_head and the last 8 in *ret_tail; fewer than 8 entirely in *ret_head.
 */
static inline void alog_string_key(const uint8_t *data, uint32_t len, uint64_t *ret_head,
                                   uint64_t *ret_tail) {
    *ret_tail = 0;
    if (len >= 8) {
        memcpy(ret_head, data, 8);
        memcpy(ret_tail, data + len - 8, 8);
    } else if (len >= 4) {
        uint32_t first, last;
        memcpy(&first, data, 4);
        memcpy(&last, data + len - 4, 4);
        *ret_head = (uint64_t)last << 32 | first;
    } else if (len != 0) {
        *ret_head = (uint64_t)data[0] << 16 | (uint64_t)data[len / 2] << 8 | data[len - 1];
    } else {
        *ret_head = 0;
    }
}

/*
 * The string's place in the cache, with its index; it is added to the table if it is new. NULL: the
 * table is full (or there is no memory for more), and the string has to stand in the event. Valid
 * until the next call.
 */
static inline const struct alog_string_cache_slot *
alog_block_strings_look(struct alog_block_strings *strings, const uint8_t *data, uint32_t len) {
    uint64_t head, tail;
    alog_string_key(data, len, &head, &tail);
    /* Fibonacci hashing; the rotation keeps equal halves from cancelling each other. */
    const uint64_t mixed = (head ^ (tail << 23 | tail >> 41)) * UINT64_C(0x9e3779b97f4a7c15);
    struct alog_string_cache_slot *slot = &strings->cache[mixed >> (64 - ALOG_STRING_CACHE_BITS)];
    /* One branch for all three. */
    const uint64_t differs = (slot->head ^ head) | (slot->tail ^ tail) |
                             (slot->len_and_epoch ^ ((uint64_t)strings->epoch << 32 | len));
    if (__builtin_expect(differs == 0, true) &&
        (len <= 16 || memcmp(strings->text + strings->entries[slot->index].at, data, len) == 0)) {
        return slot;
    }
    return alog_block_strings_fill(strings, slot, data, len, head, tail) ? slot : NULL;
}

#endif
