/* fold_cells.c: the same facts as the format's own decoder gives, for the same bytes, good or bad.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "aggregator/fold_cells.h"
#include "support/plain_log.h"

#define EVENTS 300u
#define ROUNDS 400

struct fixture {
    struct alog_schema *schema;
    struct alog_block_builder *builder;
    struct alog_block block;
    struct test_plain_log log;
    uint8_t *raw; /* of a block of random events */
    size_t raw_bytes;
    struct test_random random;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    f->random.state = test_random_seed(20260204);
    assert_int_equal(alog_schema_new(&f->schema), ALOG_OK);
    const struct alog_block_builder_options options = {.writer_id = 1,
                                                       .environment = ALOG_STR("production"),
                                                       .schema = f->schema,
                                                       .block_bytes = 8u << 20};
    assert_int_equal(alog_block_builder_new(&options, &f->builder), ALOG_OK);
    test_plain_log_add_random(&f->log, &f->random, f->schema, EVENTS);
    for (size_t i = 0; i < f->log.count; i++) {
        size_t len;
        const uint8_t *plain = test_plain_log_get(&f->log, i, &len);
        assert_int_equal(alog_block_builder_add(f->builder, plain, len), ALOG_OK);
    }
    struct alog_block_facts facts;
    const uint8_t *raw;
    assert_int_equal(alog_block_builder_finish(f->builder, 1, &raw, &facts), ALOG_OK);
    f->raw_bytes = facts.raw_bytes;
    f->raw = malloc(f->raw_bytes);
    memcpy(f->raw, raw, f->raw_bytes);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    alog_block_builder_free(f->builder);
    alog_block_close(&f->block);
    test_plain_log_free(&f->log);
    alog_schema_free(f->schema);
    free(f->raw);
    free(f);
    return 0;
}

static void check_text(const struct fixture *f, const struct alog_cells *cells, unsigned i,
                       enum alog_field_kind kind, struct alog_string expected) {
    struct alog_string text = {cells->cells[i].text, cells->lens[i]};
    if (kind == ALOG_FIELD_NAME || kind == ALOG_FIELD_ENUM) {
        if (alog_cells_is_usual(cells, i)) {
            text = f->block.strings.strings[cells->cells[i].number];
        } else {
            assert_true(alog_cells_field(cells, i).kind == ALOG_CELL_TEXT);
        }
    } else {
        assert_true(alog_cells_is_usual(cells, i));
    }
    assert_true(alog_string_equal(text, expected));
}

static void check_field(const struct fixture *f, const struct alog_cells *cells, unsigned i,
                        enum alog_field_kind kind, const struct alog_value *value) {
    const bool usual = alog_cells_is_usual(cells, i);
    assert_true(alog_cells_has(cells, i) == (value->kind != ALOG_VALUE_ABSENT));
    assert_true(alog_cells_has(cells, i) || !usual);
    double real;
    switch (value->kind) {
    case ALOG_VALUE_STRING:
    case ALOG_VALUE_JSON:
        check_text(f, cells, i, kind, value->string);
        break;
    case ALOG_VALUE_BOOL:
        assert_true(usual);
        assert_int_equal(cells->cells[i].number, value->boolean);
        break;
    case ALOG_VALUE_I64:
        assert_true(usual ? cells->cells[i].number >> 32 == 0
                          : alog_cells_field(cells, i).kind == ALOG_CELL_INTEGER);
        assert_true(cells->cells[i].number == value->i64);
        break;
    case ALOG_VALUE_F64:
        assert_true(usual ? cells->cells[i].number >> 32 == 0
                          : alog_cells_field(cells, i).kind == ALOG_CELL_REAL);
        real = usual ? (double)cells->cells[i].number / 1000.0 : cells->cells[i].real;
        assert_memory_equal(&real, &value->f64, sizeof(real));
        break;
    default:
        break;
    }
}

static struct alog_string job_id_of(const struct fixture *f, const struct alog_cells *cells) {
    if (cells->job_index != ALOG_NO_STRING) {
        return f->block.strings.strings[cells->job_index];
    }
    return cells->has_own ? cells->job_id : (struct alog_string){NULL, 0};
}

static void check_event(const struct fixture *f, const struct alog_cells *cells,
                        const struct alog_event_decoder *decoder, const struct alog_event *event) {
    assert_int_equal(cells->type_id, event->type->id);
    assert_true(cells->timestamp_ns == event->timestamp_ns);
    assert_int_equal(cells->job_index, decoder->job_index);
    assert_true(alog_string_equal(job_id_of(f, cells), event->job_id));
    struct alog_string none = {NULL, 0};
    struct alog_string event_id = cells->has_own ? cells->event_id : none;
    struct alog_string environment = cells->has_own ? cells->environment : none;
    assert_true(alog_string_equal(event_id, event->event_id));
    assert_true((environment.data == NULL) == (event->environment.data == NULL));
    assert_true(alog_string_equal(environment, event->environment));
    for (unsigned i = 0; i < event->value_count; i++) {
        check_field(f, cells, i, event->type->fields[i].kind, &event->values[i]);
    }
}

/* Both decoders over the block's events, as far as they go; how many that were. */
static uint64_t compare(const struct fixture *f) {
    struct alog_cells cells = {0};
    struct alog_event_decoder decoder = {0};
    struct alog_event event;
    struct alog_mp_cursor mine = f->block.events, its = f->block.events;
    int64_t my_ns = f->block.base_timestamp_ns, its_ns = my_ns;
    uint64_t events = 0;
    while (its.at != its.end) {
        enum alog_status status =
            alog_event_decode(&decoder, &its, f->block.schema, &f->block.strings, &its_ns, &event);
        assert_int_equal(alog_cells_take(&cells, &mine, &f->block, &my_ns), status);
        assert_ptr_equal(mine.at, its.at);
        assert_true(my_ns == its_ns);
        if (status != ALOG_OK) {
            break;
        }
        check_event(f, &cells, &decoder, &event);
        events++;
    }
    alog_cells_free(&cells);
    alog_event_decoder_free(&decoder);
    return events;
}

static void random_events_are_the_same(void **state) {
    struct fixture *f = *state;
    assert_int_equal(alog_block_open_raw(&f->block, f->raw, f->raw_bytes, NULL), ALOG_OK);
    assert_int_equal(compare(f), EVENTS);
}

/* Damage to a few bytes of the events: mostly still something, and the same thing to both. */
static void so_are_damaged_ones(void **state) {
    struct fixture *f = *state;
    uint8_t *copy = malloc(f->raw_bytes);
    uint64_t events = 0;
    assert_int_equal(alog_block_open_raw(&f->block, f->raw, f->raw_bytes, NULL), ALOG_OK);
    size_t start = (size_t)(f->block.events.at - f->block.raw);
    for (int round = 0; round < ROUNDS; round++) {
        memcpy(copy, f->raw, f->raw_bytes);
        for (uint32_t i = 1 + test_random_below(&f->random, 4); i > 0; i--) {
            size_t at = start + test_random_below(&f->random, (uint32_t)(f->raw_bytes - start));
            copy[at] = (uint8_t)test_random_next(&f->random);
        }
        assert_int_equal(alog_block_open_raw(&f->block, copy, f->raw_bytes, NULL), ALOG_OK);
        events += compare(f);
    }
    assert_true(events > ROUNDS * 10);
    free(copy);
}

/* Cut anywhere near its end: nothing behind the end is read (the address sanitizer looks on). */
static void so_are_cut_ones(void **state) {
    struct fixture *f = *state;
    assert_int_equal(alog_block_open_raw(&f->block, f->raw, f->raw_bytes, NULL), ALOG_OK);
    size_t start = (size_t)(f->block.events.at - f->block.raw);
    size_t least = f->raw_bytes > start + 600 ? f->raw_bytes - 600 : start;
    for (size_t bytes = least; bytes < f->raw_bytes; bytes++) {
        alog_block_close(&f->block); /* so that its room is exactly the content */
        assert_int_equal(alog_block_open_raw(&f->block, f->raw, bytes, NULL), ALOG_OK);
        assert_true(compare(f) <= EVENTS);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_events_are_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(so_are_damaged_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(so_are_cut_ones, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
