/*
 * A ring of records over memory that the caller hands in: one producer, one consumer, nothing else.
 *
 * The memory is meant to be a shared mapping of a file, so that what was published outlives the
 * process: `head` and `tail` live in it, everything private to one side does not. Positions are
 * bytes since the ring was made and never wrap (2^64); a position modulo the capacity is a place.
 *
 * A record is 8-byte aligned: [u32 payload bytes][u32 tag][payload], rounded up to 8. The tag is
 * what the producer says of it (the event's type). A record never wraps: where the rest of the ring
 * is too short, a padding record fills it. The producer writes a
 * record in place and publishes it by storing `head`; one store is the whole commit, so a producer
 * killed at any instruction leaves either the whole record or none of it.
 *
 * The consumer reads on from its private `taken` and gives room back by storing `tail`, which may
 * be long after: whatever lies between `tail` and `head` can be read again by whoever finds the
 * file.
 *
 * Nothing here allocates, blocks or calls the system.
 *
 * tests/model/ring.pml proves the memory orders below and what a kill at any step leaves.
 */
#ifndef AGENTLOG_WRITER_RING_H
#define AGENTLOG_WRITER_RING_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <agentlog/agentlog.h>

#define ALOG_RING_MAGIC        UINT64_C(0x31474e49524c4741) /* "AGLRING1" in memory */
#define ALOG_RING_VERSION      1u
#define ALOG_RING_HEADER_BYTES 12288u /* three pages: the data begin on one */
#define ALOG_RING_RECORD_HEAD  8u
#define ALOG_RING_MIN_BYTES    4096u

#define ALOG_RING_PADDING UINT32_MAX /* the tag of a padding record */

enum alog_ring_owner {
    ALOG_RING_FREE = 0,  /* its thread is gone; the next new thread takes it over */
    ALOG_RING_IN_USE = 1 /* a thread logs into it */
};

/*
 * What stands at the start of the memory. Lines that different threads write are 128 bytes apart,
 * because processors fetch cache lines in pairs.
 */
struct alog_ring_header {
    uint64_t magic;
    uint32_t version;
    uint32_t header_bytes;
    uint64_t ring_id;
    uint64_t writer_id;
    uint64_t capacity; /* bytes of data, a power of two */

    /* Written by the producer. `published` and `lost_total` are only ever stored, by one thread. */
    alignas(128) _Atomic uint64_t head;
    _Atomic uint64_t published;  /* events, since the ring was made */
    _Atomic uint64_t lost_total; /* events that found it full; the sum of `lost` */
    _Atomic uint64_t lost_at;    /* head at the latest loss: what lies below was logged before it */

    alignas(128) _Atomic uint64_t tail;  /* written by the consumer */
    alignas(128) _Atomic uint32_t owner; /* enum alog_ring_owner */

    alignas(128) _Atomic uint64_t lost[ALOG_MAX_TYPES]; /* by type; written by the producer */
};
_Static_assert(sizeof(struct alog_ring_header) <= ALOG_RING_HEADER_BYTES,
               "the header has its room");

/* The producer's side; private to the thread that logs, handed on from one to the next. */
struct alog_ring_producer {
    uint8_t *data;
    struct alog_ring_header *header;
    uint64_t mask;      /* capacity - 1 */
    uint64_t head;      /* where the next record begins */
    uint64_t limit;     /* room is known up to here, without a wrap */
    uint64_t published; /* as header->published */
};

/* The consumer's side; private to the thread that drains. */
struct alog_ring_consumer {
    const uint8_t *data;
    struct alog_ring_header *header;
    uint64_t mask;
    uint64_t taken; /* the next record to read */
};

struct alog_ring_record {
    const uint8_t *payload; /* valid until the tail passes it */
    uint32_t bytes;
    uint32_t tag;
};

/* Bytes of memory for a ring of that capacity. */
static inline uint64_t alog_ring_total_bytes(uint64_t capacity) {
    return ALOG_RING_HEADER_BYTES + capacity;
}

/* Make an empty ring in zeroed memory of alog_ring_total_bytes(capacity); a power of two. */
void alog_ring_format(void *memory, uint64_t capacity, uint64_t ring_id, uint64_t writer_id);

/*
 * Is that a ring that can be read? For memory that another process left. Checks the header and
 * that tail <= head <= tail + capacity, nothing about the records.
 */
bool alog_ring_valid(const void *memory, uint64_t bytes);

void alog_ring_producer_init(struct alog_ring_producer *producer, void *memory);
void alog_ring_consumer_init(struct alog_ring_consumer *consumer, void *memory);

/* Can a record of so many bytes ever be had? */
static inline bool alog_ring_fits(const struct alog_ring_producer *producer, uint64_t bytes) {
    return bytes <= producer->mask / 2 - 2 * ALOG_RING_RECORD_HEAD;
}

/* Reads the consumer's tail, pads over the end of the ring where needed. NULL: the ring is full. */
uint8_t *alog_ring_reserve_slowly(struct alog_ring_producer *producer, uint64_t bytes);

/* Is there room for a record of up to `bytes`, as far as the producer knows without looking? */
static inline bool alog_ring_has_room(const struct alog_ring_producer *producer, uint64_t bytes) {
    /* One comparison for "full" and "wraps": limit is the nearer of the two. */
    return __builtin_expect(producer->limit - producer->head >= bytes + ALOG_RING_RECORD_HEAD, 1);
}

/* Where the payload of the next record begins, if there is room. */
static inline uint8_t *alog_ring_place(const struct alog_ring_producer *producer) {
    return producer->data + (producer->head & producer->mask) + ALOG_RING_RECORD_HEAD;
}

/*
 * Room for a record of up to `bytes` (which must fit): where its payload begins, or NULL
 * when the ring is full. Producer only. A reservation that is not published is simply forgotten.
 */
static inline uint8_t *alog_ring_reserve(struct alog_ring_producer *producer, uint64_t bytes) {
    return alog_ring_has_room(producer, bytes) ? alog_ring_place(producer)
                                               : alog_ring_reserve_slowly(producer, bytes);
}

/* Publish the record whose payload is `bytes` at `payload`, as reserved last. Producer only. */
static inline void alog_ring_publish(struct alog_ring_producer *producer, uint8_t *payload,
                                     uint32_t bytes, uint32_t tag) {
    /* Copies: the compiler cannot know that the stores below leave them as they are. */
    struct alog_ring_header *header = producer->header;
    uint64_t published = producer->published + 1;
    uint64_t next = producer->head + ALOG_RING_RECORD_HEAD + (((uint64_t)bytes + 7) & ~UINT64_C(7));
    uint32_t head[2] = {bytes, tag};
    memcpy(payload - ALOG_RING_RECORD_HEAD, head, sizeof head);
    producer->head = next;
    producer->published = published;
    /* Relaxed: only statistics read it by itself, and the store of head below covers it. */
    atomic_store_explicit(&header->published, published, memory_order_relaxed);
    /* Release: pairs with the consumer's acquire of head in alog_ring_published. */
    atomic_store_explicit(&header->head, next, memory_order_release);
}

/* Count an event of `type` (< ALOG_MAX_TYPES) that was lost for want of room. Producer only. */
void alog_ring_count_loss(struct alog_ring_producer *producer, uint32_t type);

/* How far the producer has published. Consumer (or anybody who only looks). */
static inline uint64_t alog_ring_published(const struct alog_ring_header *header) {
    /* Acquire: pairs with the release in alog_ring_publish; the records below are then whole. */
    return atomic_load_explicit(&header->head, memory_order_acquire);
}

/* How many events found the ring full; `lost` and `lost_at` are then at least as recent. */
static inline uint64_t alog_ring_lost(const struct alog_ring_header *header) {
    /* Acquire: pairs with the release in alog_ring_count_loss. */
    return atomic_load_explicit(&header->lost_total, memory_order_acquire);
}

enum alog_ring_take { ALOG_RING_TOOK, ALOG_RING_EMPTY, ALOG_RING_BROKEN };

/*
 * The next event record below `end`, which alog_ring_published returned; padding is passed over.
 * Advances `taken`, not the tail. BROKEN: bytes that are no record (never from a live producer of
 * ours; a file may say anything). Consumer only.
 */
enum alog_ring_take alog_ring_take(struct alog_ring_consumer *consumer, uint64_t end,
                                   struct alog_ring_record *ret_record);

/* Give back what lies below `position` (<= taken). Consumer only. */
void alog_ring_release(struct alog_ring_consumer *consumer, uint64_t position);

#endif
