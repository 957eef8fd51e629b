/* writer/ring.c: the ring over plain memory, its hard states made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "writer/ring.h"

#define CAPACITY 4096u

struct fixture {
    void *memory;
    struct alog_ring_header *header;
    struct alog_ring_producer producer;
    struct alog_ring_consumer consumer;
};

/* An empty ring whose positions begin at `start`. */
static void set_up_at(struct fixture *f, uint64_t start) {
    memset(f->memory, 0, alog_ring_total_bytes(CAPACITY));
    alog_ring_format(f->memory, CAPACITY, 7, 0xabc);
    f->header = f->memory;
    atomic_store(&f->header->head, start);
    atomic_store(&f->header->tail, start);
    alog_ring_producer_init(&f->producer, f->memory);
    alog_ring_consumer_init(&f->consumer, f->memory);
}

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->memory = aligned_alloc(4096, alog_ring_total_bytes(CAPACITY));
    set_up_at(f, 0);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    free(f->memory);
    free(f);
    return 0;
}

/* A payload that says its number and is filled with it. */
static bool produce(struct fixture *f, uint32_t number, uint32_t bytes) {
    uint8_t *payload = alog_ring_reserve(&f->producer, bytes);
    if (payload == NULL) {
        return false;
    }
    memset(payload, (int)(number & 0xff), bytes);
    alog_ring_publish(&f->producer, payload, bytes, number);
    return true;
}

static enum alog_ring_take take(struct fixture *f, struct alog_ring_record *record) {
    return alog_ring_take(&f->consumer, alog_ring_published(f->header), record);
}

static void expect(struct fixture *f, uint32_t number, uint32_t bytes) {
    struct alog_ring_record record;
    assert_int_equal(take(f, &record), ALOG_RING_TOOK);
    assert_int_equal(record.tag, number);
    assert_int_equal(record.bytes, bytes);
    for (uint32_t i = 0; i < bytes; i++) {
        assert_int_equal(record.payload[i], number & 0xff);
    }
}

static void expect_empty(struct fixture *f) {
    struct alog_ring_record record;
    assert_int_equal(take(f, &record), ALOG_RING_EMPTY);
}

static void release_all(struct fixture *f) {
    alog_ring_release(&f->consumer, f->consumer.taken);
}

static void an_empty_ring_gives_nothing(void **state) {
    struct fixture *f = *state;
    expect_empty(f);
    assert_true(alog_ring_valid(f->memory, alog_ring_total_bytes(CAPACITY)));
    assert_int_equal(f->header->ring_id, 7);
    assert_int_equal(f->header->writer_id, 0xabc);
}

static void what_goes_in_comes_out(void **state) {
    struct fixture *f = *state;
    static const uint32_t sizes[] = {0, 1, 7, 8, 9, 100, 1000};
    for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_true(produce(f, i, sizes[i]));
    }
    for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        expect(f, i, sizes[i]);
    }
    expect_empty(f);
    assert_int_equal(atomic_load(&f->header->published), 7);
}

static void nothing_is_seen_before_it_is_published(void **state) {
    struct fixture *f = *state;
    uint8_t *payload = alog_ring_reserve(&f->producer, 100);
    assert_non_null(payload);
    memset(payload, 0xff, 100);
    expect_empty(f);
    /* Forgotten: the next reservation is the same place. */
    assert_ptr_equal(alog_ring_reserve(&f->producer, 50), payload);
    assert_true(produce(f, 1, 10));
    expect(f, 1, 10);
    expect_empty(f);
}

static void a_full_ring_refuses_until_room_is_given_back(void **state) {
    struct fixture *f = *state;
    /* 56 + 8 bytes go 64 times into 4096. */
    for (uint32_t i = 0; i < 64; i++) {
        assert_true(produce(f, i, 56));
    }
    assert_false(produce(f, 64, 56));
    assert_false(produce(f, 64, 0));
    expect(f, 0, 56);
    /* Taken is not given back: a crash would need it again. */
    assert_false(produce(f, 64, 56));
    release_all(f);
    assert_true(produce(f, 64, 56));
    assert_false(produce(f, 65, 0));
    for (uint32_t i = 1; i <= 64; i++) {
        expect(f, i, 56);
    }
    expect_empty(f);
}

/* Every size at every place: whatever the rest of the ring holds, records come out whole. */
static void records_never_wrap(void **state) {
    struct fixture *f = *state;
    for (uint64_t start = CAPACITY - 512; start <= CAPACITY; start += 8) {
        for (uint32_t bytes = 0; bytes < 300; bytes += 13) {
            set_up_at(f, start);
            assert_true(produce(f, 1, bytes));
            assert_true(produce(f, 2, 40));
            expect(f, 1, bytes);
            expect(f, 2, 40);
            expect_empty(f);
            release_all(f);
            assert_int_equal(atomic_load(&f->header->tail), atomic_load(&f->header->head));
        }
    }
}

static void padding_counts_as_room(void **state) {
    struct fixture *f = *state;
    /* 1000 bytes are left before the end; a record of 1400 would skip them, and has no room then,
     * because all but 2000 bytes are taken. */
    set_up_at(f, CAPACITY - 1000);
    atomic_store(&f->header->tail, CAPACITY - 1000 - (CAPACITY - 2000));
    assert_false(produce(f, 1, 1400));
    assert_true(produce(f, 1, 900));
    alog_ring_release(&f->consumer, CAPACITY - 1000);
    assert_true(produce(f, 2, 1400));
    f->consumer.taken = CAPACITY - 1000;
    expect(f, 1, 900);
    expect(f, 2, 1400);
}

static void a_reservation_after_padding_may_be_forgotten(void **state) {
    struct fixture *f = *state;
    set_up_at(f, CAPACITY - 64);
    assert_non_null(alog_ring_reserve(&f->producer, 100));
    expect_empty(f);
    assert_int_equal(atomic_load(&f->header->head), CAPACITY - 64);
    assert_true(produce(f, 5, 10));
    expect(f, 5, 10);
    expect_empty(f);
}

static void what_can_never_fit_is_refused(void **state) {
    struct fixture *f = *state;
    assert_false(alog_ring_fits(&f->producer, CAPACITY / 2));
    assert_null(alog_ring_reserve(&f->producer, CAPACITY / 2));
    assert_null(alog_ring_reserve(&f->producer, UINT32_MAX));
    uint64_t largest = CAPACITY / 2;
    while (!alog_ring_fits(&f->producer, largest)) {
        largest--;
    }
    /* The largest that fits does so wherever the ring stands. */
    for (uint64_t start = 0; start <= CAPACITY; start += 8) {
        set_up_at(f, start);
        assert_true(produce(f, 3, (uint32_t)largest));
        expect(f, 3, (uint32_t)largest);
    }
}

static void positions_may_be_huge(void **state) {
    struct fixture *f = *state;
    set_up_at(f, (UINT64_C(1) << 62) + 8);
    for (uint32_t i = 0; i < 500; i++) {
        assert_true(produce(f, i, 100 + i % 50));
        expect(f, i, 100 + i % 50);
        release_all(f);
    }
}

static void losses_are_counted_by_type_and_place(void **state) {
    struct fixture *f = *state;
    assert_true(produce(f, 1, 100));
    alog_ring_count_loss(&f->producer, 3);
    alog_ring_count_loss(&f->producer, 1023);
    alog_ring_count_loss(&f->producer, 3);
    assert_int_equal(alog_ring_lost(f->header), 3);
    assert_int_equal(atomic_load(&f->header->lost[3]), 2);
    assert_int_equal(atomic_load(&f->header->lost[1023]), 1);
    assert_int_equal(atomic_load(&f->header->lost_at), atomic_load(&f->header->head));
}

/* As after kill -9: another process opens the file and goes on. */
static void another_consumer_goes_on_at_the_tail(void **state) {
    struct fixture *f = *state;
    for (uint32_t i = 0; i < 10; i++) {
        assert_true(produce(f, i, 100));
    }
    for (uint32_t i = 0; i < 6; i++) {
        expect(f, i, 100);
        if (i == 3) {
            release_all(f);
        }
    }
    /* A record half written, never published. */
    memset(alog_ring_reserve(&f->producer, 100), 0xee, 100);
    assert_true(alog_ring_valid(f->memory, alog_ring_total_bytes(CAPACITY)));
    alog_ring_consumer_init(&f->consumer, f->memory);
    for (uint32_t i = 4; i < 10; i++) {
        expect(f, i, 100);
    }
    expect_empty(f);
    /* And a producer that follows another counts on. */
    alog_ring_producer_init(&f->producer, f->memory);
    assert_true(produce(f, 10, 8));
    expect(f, 10, 8);
    assert_int_equal(atomic_load(&f->header->published), 11);
}

static void bytes_that_are_no_record_are_found(void **state) {
    struct fixture *f = *state;
    static const uint32_t lengths[] = {UINT32_MAX, CAPACITY, CAPACITY - 7, 104};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        set_up_at(f, 0);
        assert_true(produce(f, 1, 96));
        memcpy((uint8_t *)f->memory + ALOG_RING_HEADER_BYTES, &lengths[i], 4);
        struct alog_ring_record record;
        assert_int_equal(take(f, &record), ALOG_RING_BROKEN);
    }
}

static void headers_that_are_none_are_refused(void **state) {
    struct fixture *f = *state;
    const uint64_t bytes = alog_ring_total_bytes(CAPACITY);
    assert_false(alog_ring_valid(f->memory, 100));
    assert_false(alog_ring_valid(f->memory, bytes - 1));
    static const struct {
        size_t offset;
        uint64_t value;
    } cases[] = {
        {offsetof(struct alog_ring_header, magic), 1},
        {offsetof(struct alog_ring_header, version), 2},
        {offsetof(struct alog_ring_header, capacity), CAPACITY + 8},
        {offsetof(struct alog_ring_header, capacity), 8},
        {offsetof(struct alog_ring_header, capacity), UINT64_C(1) << 63},
        {offsetof(struct alog_ring_header, head), CAPACITY + 8},
        {offsetof(struct alog_ring_header, head), 4},
        {offsetof(struct alog_ring_header, tail), 8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set_up_at(f, 0);
        memcpy((uint8_t *)f->memory + cases[i].offset, &cases[i].value, 8);
        assert_false(alog_ring_valid(f->memory, bytes));
    }
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(an_empty_ring_gives_nothing),
        CASE(what_goes_in_comes_out),
        CASE(nothing_is_seen_before_it_is_published),
        CASE(a_full_ring_refuses_until_room_is_given_back),
        CASE(records_never_wrap),
        CASE(padding_counts_as_room),
        CASE(a_reservation_after_padding_may_be_forgotten),
        CASE(what_can_never_fit_is_refused),
        CASE(positions_may_be_huge),
        CASE(losses_are_counted_by_type_and_place),
        CASE(another_consumer_goes_on_at_the_tail),
        CASE(bytes_that_are_no_record_are_found),
        CASE(headers_that_are_none_are_refused),
    };
    return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
