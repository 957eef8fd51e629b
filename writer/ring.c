/* The parts of the ring that are not on the hot path; see ring.h. */
#include "ring.h"

void alog_ring_format(void *memory, uint64_t capacity, uint64_t ring_id, uint64_t writer_id) {
    struct alog_ring_header *header = memory;
    header->version = ALOG_RING_VERSION;
    header->header_bytes = ALOG_RING_HEADER_BYTES;
    header->ring_id = ring_id;
    header->writer_id = writer_id;
    header->capacity = capacity;
    /* Last, so that a ring half made is not taken for one. */
    header->magic = ALOG_RING_MAGIC;
}

bool alog_ring_valid(const void *memory, uint64_t bytes) {
    const struct alog_ring_header *header = memory;
    if (bytes < ALOG_RING_HEADER_BYTES + ALOG_RING_MIN_BYTES || header->magic != ALOG_RING_MAGIC ||
        header->version != ALOG_RING_VERSION || header->header_bytes != ALOG_RING_HEADER_BYTES ||
        header->capacity < ALOG_RING_MIN_BYTES ||
        header->capacity > bytes - ALOG_RING_HEADER_BYTES ||
        (header->capacity & (header->capacity - 1)) != 0) {
        return false;
    }
    /* Relaxed: whoever asks this knows that nobody else writes. */
    uint64_t head = atomic_load_explicit(&header->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&header->tail, memory_order_relaxed);
    return tail <= head && head - tail <= header->capacity && head % 8 == 0 && tail % 8 == 0;
}

void alog_ring_producer_init(struct alog_ring_producer *producer, void *memory) {
    struct alog_ring_header *header = memory;
    /* Relaxed: only producers write these, and one producer follows another through a lock. */
    uint64_t head = atomic_load_explicit(&header->head, memory_order_relaxed);
    uint64_t published = atomic_load_explicit(&header->published, memory_order_relaxed);
    *producer = (struct alog_ring_producer){
        .data = (uint8_t *)memory + ALOG_RING_HEADER_BYTES,
        .header = header,
        .mask = header->capacity - 1,
        .head = head,
        .limit = head, /* nothing known: the first reservation looks */
        .published = published,
    };
}

void alog_ring_consumer_init(struct alog_ring_consumer *consumer, void *memory) {
    struct alog_ring_header *header = memory;
    *consumer = (struct alog_ring_consumer){
        .data = (const uint8_t *)memory + ALOG_RING_HEADER_BYTES,
        .header = header,
        .mask = header->capacity - 1,
        /* Relaxed: the consumer's own. */
        .taken = atomic_load_explicit(&header->tail, memory_order_relaxed),
    };
}

uint8_t *alog_ring_reserve_slowly(struct alog_ring_producer *producer, uint64_t bytes) {
    uint64_t capacity = producer->mask + 1;
    uint64_t need = ALOG_RING_RECORD_HEAD + ((bytes + 7) & ~UINT64_C(7));
    /* Acquire: pairs with the release in alog_ring_release; the consumer has read what lies below
     * the tail, so it may be overwritten. */
    uint64_t tail = atomic_load_explicit(&producer->header->tail, memory_order_acquire);
    uint64_t to_end = capacity - (producer->head & producer->mask);
    uint64_t skip = need > to_end ? to_end : 0;
    if (!alog_ring_fits(producer, bytes) || producer->head + skip + need - tail > capacity) {
        return NULL;
    }
    if (skip > 0) {
        uint32_t head[2] = {(uint32_t)(skip - ALOG_RING_RECORD_HEAD), ALOG_RING_PADDING};
        memcpy(producer->data + (producer->head & producer->mask), head, sizeof head);
        /* Not published by itself: the record that follows publishes both. */
        producer->head += skip;
    }
    uint64_t room = tail + capacity;
    uint64_t wrap = (producer->head | producer->mask) + 1;
    producer->limit = room < wrap ? room : wrap;
    return producer->data + (producer->head & producer->mask) + ALOG_RING_RECORD_HEAD;
}

void alog_ring_count_loss(struct alog_ring_producer *producer, uint32_t type) {
    struct alog_ring_header *header = producer->header;
    /* Relaxed: one writer, this thread; the release of lost_total below publishes all three. */
    uint64_t lost = atomic_load_explicit(&header->lost[type], memory_order_relaxed);
    atomic_store_explicit(&header->lost[type], lost + 1, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&header->head, memory_order_relaxed);
    atomic_store_explicit(&header->lost_at, head, memory_order_relaxed);
    uint64_t total = atomic_load_explicit(&header->lost_total, memory_order_relaxed);
    /* Release: pairs with the acquire in alog_ring_lost. */
    atomic_store_explicit(&header->lost_total, total + 1, memory_order_release);
}

enum alog_ring_take alog_ring_take(struct alog_ring_consumer *consumer, uint64_t end,
                                   struct alog_ring_record *ret_record) {
    while (consumer->taken < end) {
        uint64_t place = consumer->taken & consumer->mask;
        uint32_t head[2];
        memcpy(head, consumer->data + place, sizeof head);
        uint64_t bytes = ALOG_RING_RECORD_HEAD + (((uint64_t)head[0] + 7) & ~UINT64_C(7));
        if (bytes > end - consumer->taken || bytes > consumer->mask + 1 - place) {
            return ALOG_RING_BROKEN;
        }
        consumer->taken += bytes;
        if (head[1] != ALOG_RING_PADDING) {
            ret_record->payload = consumer->data + place + ALOG_RING_RECORD_HEAD;
            ret_record->bytes = head[0];
            ret_record->tag = head[1];
            return ALOG_RING_TOOK;
        }
    }
    return ALOG_RING_EMPTY;
}

void alog_ring_release(struct alog_ring_consumer *consumer, uint64_t position) {
    /* Release: pairs with the acquire in alog_ring_reserve_slowly. */
    atomic_store_explicit(&consumer->header->tail, position, memory_order_release);
}
