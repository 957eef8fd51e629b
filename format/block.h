/*
 * A block: the unit that stands alone. In a segment it is a header (skippable frame) and one zstd
 * frame, whose content is one preamble map and then one array per event.
 *
 *   preamble  {"agentlog": 1, "writer": "<16 hex>", "environment": text, "first_sequence": n,
 *              "timestamp": base, "schema": [[type, name, [[field, kind]…]]…], "strings": [text…]}
 *
 * The schema names only the types that occur in the block. Events have consecutive sequence
 * numbers.
 */
#ifndef AGENTLOG_FORMAT_BLOCK_H
#define AGENTLOG_FORMAT_BLOCK_H

#include <agentlog/agentlog.h>

#include "event_codec.h"
#include "schema.h"

#define ALOG_BLOCK_MAX_RAW_BYTES        (64u << 20) /* a reader refuses more */
#define ALOG_BLOCK_MAX_COMPRESSED_BYTES (65u << 20) /* likewise */

struct alog_type_tally {
    uint32_t type;
    uint64_t count;
};

/* How far a ring has been taken when this block was closed: its positions below `end` are in this
 * or earlier blocks. */
struct alog_ring_mark {
    uint64_t ring_id; /* unique among the writer's rings */
    uint64_t end;     /* byte position since the ring was made, never wraps */
};

/* What a block's header says of it, apart from its place in a file. Arrays belong to whoever filled
 * them. */
struct alog_block_facts {
    uint64_t first_sequence, last_sequence;
    int64_t min_timestamp_ns, max_timestamp_ns;
    uint64_t emitted; /* cumulative since the writer opened, at the end of this block */
    uint64_t dropped; /* likewise: the sum of `drops` */
    uint32_t raw_bytes, compressed_bytes;
    uint8_t hash[16]; /* XXH3-128 of the compressed frame, canonical (big-endian) form */
    const struct alog_type_tally *counts;
    uint32_t count_count;
    const struct alog_type_tally *drops; /* cumulative, by type, only those > 0 */
    uint32_t drop_count;
    const struct alog_ring_mark *rings;
    uint32_t ring_count;
    uint32_t source; /* in an archive: which of its sources the block is of, from 1; else 0 */
    const uint8_t *
        bloom; /* Bloom filter of job ids, see alog_bloom; bytes is a power of two, 0 = no filter */
    uint32_t bloom_bytes;
};

/*
 * Bloom filter over job ids: k = 7 bits, 10 bits a job, 8 bytes to 16 KiB, a power of two. With low
 * and high the halves of XXH3-64 of the id, bit i (0..6) is (low + i * (high | 1)) mod 2^32 mod the
 * number of bits; bit b is 1 << b % 8 of byte b / 8. A block without jobs has 8 bytes of zeros; 0
 * bytes = no filter, which excludes nothing.
 */
#define ALOG_BLOOM_HASHES    7
#define ALOG_BLOOM_MAX_BYTES 16384u
uint64_t alog_bloom_hash(struct alog_string job_id);
uint32_t alog_bloom_bytes(uint32_t job_count);
void alog_bloom_add(uint8_t *bloom, uint32_t bloom_bytes, uint64_t hash);
bool alog_bloom_maybe(const uint8_t *bloom, uint32_t bloom_bytes, uint64_t hash);

/* ---- Building -------------------------------------------------------------------------------- */

struct alog_block_builder;

struct alog_block_builder_options {
    uint64_t writer_id;
    struct alog_string environment;
    const struct alog_schema *schema; /* must outlive the builder */
    uint32_t block_bytes;             /* full when this much msgpack is in it */
};

enum alog_status alog_block_builder_new(const struct alog_block_builder_options *options,
                                        struct alog_block_builder **ret_builder);
void alog_block_builder_free(struct alog_block_builder *builder);

/*
 * Take one event in plain form: whole, exactly `len` bytes. ALOG_LIMIT: the block is full, finish
 * it first (an event larger than block_bytes is taken by an empty block). ALOG_CORRUPT: not an
 * event of the schema; nothing was taken. ALOG_NO_MEMORY. Cost: one pass over the event, one hash
 * per name, no allocation once the buffers have grown.
 */
enum alog_status alog_block_builder_add(struct alog_block_builder *builder, const uint8_t *plain,
                                        size_t len);

struct alog_plain_event {
    const uint8_t *bytes;
    uint32_t len;
};

/*
 * Take events one behind the other, as alog_block_builder_add does, up to the first that is not
 * taken: *ret_taken of them were, and the result says why the next was not. ALOG_OK: all were.
 */
enum alog_status alog_block_builder_add_all(struct alog_block_builder *builder,
                                            const struct alog_plain_event *events, uint32_t count,
                                            uint32_t *ret_taken);

uint64_t alog_block_builder_events(const struct alog_block_builder *builder);
uint64_t alog_block_builder_bytes(const struct alog_block_builder *builder); /* msgpack so far */

/*
 * Close the block. `first_sequence` numbers its first event. *ret_raw is the whole msgpack
 * (preamble and events, one piece) and *ret_facts has everything but drops, emitted, rings,
 * compressed_bytes and hash. Both are valid until the next add or reset.
 */
enum alog_status alog_block_builder_finish(struct alog_block_builder *builder,
                                           uint64_t first_sequence, const uint8_t **ret_raw,
                                           struct alog_block_facts *ret_facts);
void alog_block_builder_reset(struct alog_block_builder *builder);

/* zstd, one frame, content size and checksum in it. Level 1 is pinned to minMatch 5 and
 * hashLog 12: see FORMAT.md. Holds the context and the output buffer. */
struct alog_block_compressor;
enum alog_status alog_block_compressor_new(int level,
                                           struct alog_block_compressor **ret_compressor);
void alog_block_compressor_free(struct alog_block_compressor *compressor);

/* Compress `raw` and fill in facts->raw_bytes, compressed_bytes and hash. The frame is valid until
 * the next call. */
enum alog_status alog_block_compress(struct alog_block_compressor *compressor, const uint8_t *raw,
                                     size_t raw_bytes, const uint8_t **ret_frame,
                                     struct alog_block_facts *facts);

/* ---- Opening --------------------------------------------------------------------------------- */

/* An opened block; reused from block to block, so that its buffers stay. Zero-initialise; free with
 * alog_block_close. */
struct alog_block {
    uint64_t writer_id;
    struct alog_string environment;
    uint64_t first_sequence;
    int64_t base_timestamp_ns;  /* what the first event's delta is added to */
    struct alog_schema *schema; /* catalogue and this block's user-defined types */
    struct alog_string_table strings;
    struct alog_mp_cursor events; /* the first event */
    uint8_t *raw;
    size_t raw_bytes, raw_capacity;
    struct alog_string *string_room;
    uint32_t string_capacity;
    void *decompressor;
};

/*
 * Decompress a frame of facts->compressed_bytes and read its preamble. Checked against `facts`:
 * lengths, hash, zstd's checksum, sequence. ALOG_CORRUPT with the reason, ALOG_UNSUPPORTED (a newer
 * version, or a catalogue type that is not what this version knows), ALOG_NO_MEMORY. Events,
 * strings and types of the block before are gone, in every case.
 */
enum alog_status alog_block_open(struct alog_block *block, const uint8_t *frame,
                                 const struct alog_block_facts *facts, struct alog_error *error);

/* The same for a frame whose hash was compared by the caller, as alog_segment_scan_frame does: it
 * is what was written, and neither the hash nor zstd's checksum is calculated again, which takes a
 * tenth of the time. Nothing but lengths is then checked before zstd sees the bytes. */
enum alog_status alog_block_open_hashed(struct alog_block *block, const uint8_t *frame,
                                        const struct alog_block_facts *facts,
                                        struct alog_error *error);

/* The same for content that is decompressed already; it is copied. There are no facts to check it
 * against. */
enum alog_status alog_block_open_raw(struct alog_block *block, const uint8_t *raw, size_t raw_bytes,
                                     struct alog_error *error);
void alog_block_close(struct alog_block *block);

#endif
