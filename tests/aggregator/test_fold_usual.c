/*
 * fold.c and fold_agents.c … fold_tests.c: events of the types that come most often, which go
 * straight from the block to those that wait, count as much as each of them does that goes the long
 * way, in a block of its own: which nothing of the other way has any part in. Good or bad: of a
 * corrupt event nothing remains, and those before it count.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <stdlib.h>

#include "aggregator/fold.h"
#include "support/groups_dump.h"
#include "support/plain_log.h"

#define WRITER_ID   0x1234u
#define ENVIRONMENT ALOG_STR("production")
#define START_NS    INT64_C(1770156000000000000) /* the start of an hour */
#define HOUR_NS     INT64_C(3600000000000)
#define FIRST       1000u /* sequence number */

static const uint32_t types[] = {3, 4, 7, 9, 10}; /* the last does not wait */

struct fixture {
    struct alog_schema *schema;
    struct alog_block_builder *builder, *one; /* of blocks of one event */
    struct alog_block_compressor *compressor;
    struct alog_fold_scope scope;
    struct alog_fold *fold, *expected;
    struct alog_event_decoder decoder;
    struct alog_block block; /* as the oracle reads it */
    struct alog_block_facts facts;
    uint8_t *raw; /* the block that is folded, with some room behind it */
    size_t raw_bytes;
    uint8_t *known; /* the block as it was made: */
    size_t known_bytes;
    struct test_random random;
    uint32_t compared, skipped;
};

static struct alog_block_builder *new_builder(const struct fixture *f) {
    struct alog_block_builder *builder;
    const struct alog_block_builder_options options = {.writer_id = WRITER_ID,
                                                       .environment = ENVIRONMENT,
                                                       .schema = f->schema,
                                                       .block_bytes = 8u << 20};
    assert_int_equal(alog_block_builder_new(&options, &builder), ALOG_OK);
    return builder;
}

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    f->random.state = test_random_seed(20260711);
    assert_int_equal(alog_schema_new(&f->schema), ALOG_OK);
    assert_int_equal(alog_block_compressor_new(1, &f->compressor), ALOG_OK);
    f->builder = new_builder(f);
    f->one = new_builder(f);
    f->scope = (struct alog_fold_scope){.rollups = true,
                                        .from_epoch_s = INT64_MIN,
                                        .until_epoch_s = INT64_MAX,
                                        .jobs = true,
                                        .latency_limits = {.count = 2, .us = {1000, 500000}}};
    f->fold = alog_fold_new(&f->scope);
    f->expected = alog_fold_new(&f->scope);
    assert_true(f->fold && f->expected);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    alog_fold_free(f->fold);
    alog_fold_free(f->expected);
    alog_block_builder_free(f->builder);
    alog_block_builder_free(f->one);
    alog_block_compressor_free(f->compressor);
    alog_event_decoder_free(&f->decoder);
    alog_block_close(&f->block);
    alog_schema_free(f->schema);
    free(f->raw);
    free(f->known);
    free(f);
    return 0;
}

/* ---- Blocks ---- */

static void add_plain(struct alog_block_builder *builder, const struct alog_event *event) {
    struct test_plain_log log = {0};
    size_t len;
    test_plain_log_add(&log, event);
    const uint8_t *plain = test_plain_log_get(&log, 0, &len);
    assert_int_equal(alog_block_builder_add(builder, plain, len), ALOG_OK);
    test_plain_log_free(&log);
}

/* A random event of one of the types, of few jobs. */
static void add_random(struct fixture *f, int64_t at_ns, struct test_event *event) {
    static const struct alog_string jobs[] = {
        {"job-1", 5}, {"job-2", 5}, {"job-3", 5}, {"", 0}, {NULL, 0}};
    const uint32_t id = types[test_random_below(&f->random, sizeof(types) / sizeof(types[0]))];
    test_event_random(&f->random, alog_schema_type(f->schema, id), event);
    event->event.timestamp_ns = at_ns;
    event->event.job_id = jobs[test_random_below(&f->random, 5)];
    if (test_random_below(&f->random, 12) != 0) {
        event->event.environment = event->event.event_id = (struct alog_string){NULL, 0};
        event->event.attribute_count = 0;
    }
    add_plain(f->builder, &event->event);
}

/* A block of random events into f->raw and f->facts. Time goes on in small steps, as they are
 * usual, from shortly before the end of one hour or another. */
static void make_block(struct fixture *f, uint32_t events) {
    struct test_event *event = malloc(sizeof(*event));
    int64_t at_ns = START_NS;
    for (uint32_t i = 0; i < events; i++) {
        at_ns += test_random_below(&f->random, 40000000);
        if (test_random_below(&f->random, 50) == 0) {
            at_ns = START_NS + test_random_below(&f->random, 3) * HOUR_NS - 400000000;
        }
        add_random(f, at_ns, event);
    }
    free(event);
    const uint8_t *raw;
    assert_int_equal(alog_block_builder_finish(f->builder, FIRST, &raw, &f->facts), ALOG_OK);
    f->raw_bytes = f->facts.raw_bytes;
    free(f->raw);
    free(f->known);
    f->raw = malloc(f->raw_bytes + 4096);
    f->known = malloc(f->raw_bytes);
    f->known_bytes = f->raw_bytes;
    memcpy(f->raw, raw, f->raw_bytes);
    memcpy(f->known, raw, f->raw_bytes);
    alog_block_builder_reset(f->builder);
}

static struct alog_fold_result fold_raw(struct fixture *f, struct alog_fold *fold,
                                        const uint8_t *raw, size_t raw_bytes,
                                        struct alog_block_facts facts) {
    const uint8_t *frame;
    struct alog_fold_result result;
    assert_int_equal(alog_block_compress(f->compressor, raw, raw_bytes, &frame, &facts), ALOG_OK);
    assert_int_equal(alog_fold_block(fold, frame, &facts, ENVIRONMENT, &result), ALOG_OK);
    return result;
}

/* ---- The oracle ---- */

/* Fold the event in a block of its own. It is given the event id that it has: so it is not of the
 * usual form. False: no writer can have written such an event. */
static bool fold_alone(struct fixture *f, struct alog_event *event, uint64_t sequence) {
    char id[40];
    struct test_plain_log log = {0};
    if (!event->event_id.data) {
        int len =
            snprintf(id, sizeof(id), "%016" PRIx64 "-%" PRIu64, (uint64_t)WRITER_ID, sequence);
        event->event_id = (struct alog_string){id, (size_t)len};
    }
    size_t len;
    test_plain_log_add(&log, event);
    const uint8_t *raw, *plain = test_plain_log_get(&log, 0, &len);
    const bool added = alog_block_builder_add(f->one, plain, len) == ALOG_OK;
    test_plain_log_free(&log);
    if (added) {
        struct alog_block_facts facts;
        assert_int_equal(alog_block_builder_finish(f->one, sequence, &raw, &facts), ALOG_OK);
        assert_int_equal(fold_raw(f, f->expected, raw, facts.raw_bytes, facts).events, 1);
    }
    alog_block_builder_reset(f->one);
    return added;
}

/* What the block should come to, in f->expected. False: that cannot be said. */
static bool expect(struct fixture *f, struct alog_fold_result *ret_result) {
    const uint64_t declared = f->facts.last_sequence - f->facts.first_sequence + 1;
    struct alog_fold_result result = {0, 0, INT64_MAX, INT64_MIN};
    assert_int_equal(alog_block_open_raw(&f->block, f->raw, f->raw_bytes, NULL), ALOG_OK);
    struct alog_mp_cursor cursor = f->block.events;
    int64_t at_ns = f->block.base_timestamp_ns;
    struct alog_event event;
    while (result.events < declared && cursor.at != cursor.end &&
           alog_event_decode(&f->decoder, &cursor, f->block.schema, &f->block.strings, &at_ns,
                             &event) == ALOG_OK) {
        if (!fold_alone(f, &event, FIRST + result.events)) {
            return false;
        }
        result.min_timestamp_ns = at_ns < result.min_timestamp_ns ? at_ns : result.min_timestamp_ns;
        result.max_timestamp_ns = at_ns > result.max_timestamp_ns ? at_ns : result.max_timestamp_ns;
        result.events++;
    }
    result.undecoded = declared - result.events;
    if (result.undecoded != 0) {
        assert_int_equal(alog_fold_gap(alog_fold_groups(f->expected), &f->scope, ENVIRONMENT,
                                       f->facts.min_timestamp_ns, result.undecoded),
                         ALOG_OK);
    }
    *ret_result = result;
    return true;
}

/* Fold f->raw both ways and compare what they come to, after the block as it was made: so that its
 * names and jobs are known. */
static void compare(struct fixture *f, const char *what, size_t where) {
    struct alog_fold_result expected;
    fold_raw(f, f->fold, f->known, f->known_bytes, f->facts);
    fold_raw(f, f->expected, f->known, f->known_bytes, f->facts);
    if (!expect(f, &expected)) {
        alog_groups_free(alog_fold_groups(f->expected));
        alog_groups_free(alog_fold_groups(f->fold));
        f->skipped++;
        return;
    }
    struct alog_fold_result result = fold_raw(f, f->fold, f->raw, f->raw_bytes, f->facts);
    char *dump = groups_dump(alog_fold_groups(f->fold));
    char *expected_dump = groups_dump(alog_fold_groups(f->expected));
    if (strcmp(dump, expected_dump) != 0) {
        fail_msg("%s at %zu:\n%s\nexpected\n%s", what, where, dump, expected_dump);
    }
    assert_int_equal(result.events, expected.events);
    assert_int_equal(result.undecoded, expected.undecoded);
    if (result.events != 0) {
        assert_true(result.min_timestamp_ns == expected.min_timestamp_ns);
        assert_true(result.max_timestamp_ns == expected.max_timestamp_ns);
    }
    free(dump);
    free(expected_dump);
    alog_groups_free(alog_fold_groups(f->fold));
    alog_groups_free(alog_fold_groups(f->expected));
    f->compared++;
}

/* Where the events of f->raw begin. */
static size_t events_of(struct fixture *f) {
    assert_int_equal(alog_block_open_raw(&f->block, f->raw, f->raw_bytes, NULL), ALOG_OK);
    return (size_t)(f->block.events.at - f->block.raw);
}

/* ---- Tests ---- */

/* More events of a type and an hour than can wait, and fewer; with environments of their own among
 * them. */
static void random_events_count_as_much(void **state) {
    struct fixture *f = *state;
    for (size_t round = 0; round < 40; round++) {
        make_block(f, 1 + test_random_below(&f->random, 400));
        compare(f, "random", round);
    }
    assert_int_equal(f->compared, 40);
}

/* Each byte of the events in turn is another: what msgpack's forms begin with, and what the fields
 * before it have been taken for then is to be undone. */
static void so_do_damaged_ones(void **state) {
    struct fixture *f = *state;
    uint8_t others[] = {0x00, 0x7f, 0x80, 0x91, 0xa0, 0xa5, 0xc0, 0xc1, 0xc2, 0xc3,
                                     0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd3, 0xd9, 0xdc, 0xff, 0 /* an index that is one too high */};
    make_block(f, 8);
    const size_t start = events_of(f);
    others[sizeof(others) - 1] = (uint8_t)f->block.strings.count;
    assert_true(f->block.strings.count < 0x80);
    for (size_t at = start; at < f->raw_bytes; at++) {
        const uint8_t was = f->raw[at];
        for (size_t i = 0; i < sizeof(others); i++) {
            f->raw[at] = others[i];
            compare(f, "damaged", at);
        }
        f->raw[at] = was;
    }
    assert_true(f->compared > 9 * f->skipped);
}

static void so_do_cut_ones(void **state) {
    struct fixture *f = *state;
    make_block(f, 12);
    const size_t start = events_of(f);
    while (f->raw_bytes-- > start) {
        compare(f, "cut", f->raw_bytes);
    }
    assert_int_equal(f->skipped, 0);
}

/* Replace `len` bytes at `at` by others. */
static void replace(struct fixture *f, size_t at, size_t len, const uint8_t *by, size_t by_len) {
    memmove(f->raw + at + by_len, f->raw + at + len, f->raw_bytes - at - len);
    memcpy(f->raw + at, by, by_len);
    f->raw_bytes = f->raw_bytes - len + by_len;
}

/* Each value in turn in the widest form that it has, which no writer uses: so its event is unusual,
 * because of this field alone, and counts as much. */
static void so_do_those_with_one_unusual_field(void **state) {
    struct fixture *f = *state;
    make_block(f, 30);
    const size_t start = events_of(f);
    struct alog_mp_cursor cursor = {f->known + start, f->known + f->known_bytes, false};
    struct alog_mp_token token;
    for (const uint8_t *at = cursor.at; alog_mp_next(&cursor, &token); at = cursor.at) {
        uint8_t wide[300];
        const uint8_t *end = wide;
        if (token.type == ALOG_MP_INT) {
            wide[0] = 0xd3;
            end = alog_mp_store64(wide + 1, (uint64_t)token.i64);
        } else if (token.type == ALOG_MP_STR && token.len < 256) {
            wide[0] = 0xdb;
            memcpy(alog_mp_store32(wide + 1, (uint32_t)token.len), token.data, token.len);
            end = wide + 5 + token.len;
        }
        if (end != wide) {
            replace(f, (size_t)(at - f->known), (size_t)(cursor.at - at), wide,
                    (size_t)(end - wide));
            compare(f, "unusual", (size_t)(at - f->known));
            memcpy(f->raw, f->known, f->known_bytes);
            f->raw_bytes = f->known_bytes;
        }
    }
    assert_true(f->compared > 150);
    assert_int_equal(f->skipped, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_events_count_as_much, set_up, tear_down),
        cmocka_unit_test_setup_teardown(so_do_damaged_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(so_do_cut_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(so_do_those_with_one_unusual_field, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
