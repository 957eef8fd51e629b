/* block_part.c: any events in a row of a block are a block of their own, with the same events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "format/block_part.h"
#include "support/plain_log.h"

#define WRITER_ID UINT64_C(0x0123456789abcdef)
#define FIRST     1000
#define EVENTS    40

struct fixture {
    struct alog_schema *schema;
    struct alog_block_builder *builder;
    struct alog_block_compressor *compressor;
    struct test_plain_log log;
    struct alog_block_facts facts; /* of the whole block */
    uint8_t *frame;
    struct alog_block_part part;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    struct test_random random = {3};
    assert_int_equal(alog_schema_new(&f->schema), ALOG_OK);
    const struct alog_block_builder_options options = {.writer_id = WRITER_ID,
                                                       .environment = ALOG_STR("staging"),
                                                       .schema = f->schema,
                                                       .block_bytes = 512u << 10};
    assert_int_equal(alog_block_builder_new(&options, &f->builder), ALOG_OK);
    assert_int_equal(alog_block_compressor_new(1, &f->compressor), ALOG_OK);
    test_plain_log_add_random(&f->log, &random, f->schema, EVENTS);
    for (size_t i = 0; i < EVENTS; i++) {
        size_t len;
        const uint8_t *plain = test_plain_log_get(&f->log, i, &len);
        assert_int_equal(alog_block_builder_add(f->builder, plain, len), ALOG_OK);
    }
    const uint8_t *raw, *frame;
    assert_int_equal(alog_block_builder_finish(f->builder, FIRST, &raw, &f->facts), ALOG_OK);
    assert_int_equal(alog_block_compress(f->compressor, raw, f->facts.raw_bytes, &frame, &f->facts),
                     ALOG_OK);
    f->frame = malloc(f->facts.compressed_bytes);
    memcpy(f->frame, frame, f->facts.compressed_bytes);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    alog_block_part_free(&f->part);
    alog_block_builder_free(f->builder);
    alog_block_compressor_free(f->compressor);
    test_plain_log_free(&f->log);
    alog_schema_free(f->schema);
    free(f->frame);
    free(f);
    return 0;
}

/* From the i-th event on, `count`. */
static void check_part(struct fixture *f, size_t i, size_t count) {
    struct alog_block block = {0};
    const char *what;
    const struct alog_block_facts *facts = &f->part.facts;
    assert_int_equal(
        alog_block_part_make(&f->part, f->frame, &f->facts, FIRST + i, FIRST + i + count - 1, NULL),
        ALOG_OK);
    assert_int_equal(facts->first_sequence, FIRST + i);
    assert_int_equal(facts->last_sequence, FIRST + i + count - 1);
    assert_int_equal(alog_block_open(&block, f->part.frame, facts, NULL), ALOG_OK);
    assert_true(block.writer_id == WRITER_ID);
    assert_int_equal(block.first_sequence, FIRST + i);
    assert_true(alog_string_equal(block.environment, ALOG_STR("staging")));
    if (!test_block_equals_log(&block, f->schema, &f->log, i, count, &what)) {
        fail_msg("%zu events from %zu on: %s", count, i, what);
    }
    uint64_t counted = 0;
    for (uint32_t type = 0; type < facts->count_count; type++) {
        counted += facts->counts[type].count;
    }
    assert_int_equal(counted, count);
    assert_in_range(facts->min_timestamp_ns, f->facts.min_timestamp_ns, facts->max_timestamp_ns);
    assert_true(facts->max_timestamp_ns <= f->facts.max_timestamp_ns);
    alog_block_close(&block);
    alog_block_part_free(&f->part);
}

static void any_events_in_a_row(void **state) {
    for (size_t first = 0; first < EVENTS; first++) {
        for (size_t count = 1; first + count <= EVENTS; count += 1 + count / 3) {
            check_part(*state, first, count);
        }
        check_part(*state, first, EVENTS - first);
    }
}

/* Every byte of the frame: what does not open makes no part, and nothing that is made differs. */
static void a_damaged_block_has_no_parts(void **state) {
    struct fixture *f = *state;
    size_t refused = 0;
    for (size_t at = 0; at < f->facts.compressed_bytes; at += 7) {
        f->frame[at] ^= 0x20;
        const enum alog_status status = alog_block_part_make(&f->part, f->frame, &f->facts,
                                                             FIRST + 3, FIRST + EVENTS - 1, NULL);
        assert_int_equal(status, ALOG_CORRUPT);
        refused++;
        alog_block_part_free(&f->part);
        f->frame[at] ^= 0x20;
    }
    assert_true(refused > 50);
    check_part(f, 3, EVENTS - 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_events_in_a_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_block_has_no_parts, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("block_part", tests, NULL, NULL);
}
