/* block_builder.c, block_compress.c, block_open.c: what goes into a block comes out of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>

#include "format/block.h"
#include "support/plain_log.h"

#define WRITER_ID UINT64_C(0x0123456789abcdef)

/* What most tests need, and what is freed after each. */
struct fixture {
    struct alog_schema *schema;
    struct alog_block_builder *builder;
    struct alog_block_compressor *compressor;
    struct alog_block block;
    struct test_plain_log log;
};

static struct alog_block_builder *make_builder(const struct alog_schema *schema,
                                               uint32_t block_bytes) {
    const struct alog_block_builder_options options = {.writer_id = WRITER_ID,
                                                       .environment = ALOG_STR("production"),
                                                       .schema = schema,
                                                       .block_bytes = block_bytes};
    struct alog_block_builder *builder = NULL;
    assert_int_equal(alog_block_builder_new(&options, &builder), ALOG_OK);
    return builder;
}

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    assert_int_equal(alog_schema_new(&fixture->schema), ALOG_OK);
    assert_int_equal(alog_block_compressor_new(1, &fixture->compressor), ALOG_OK);
    fixture->builder = make_builder(fixture->schema, 512u << 10);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    alog_block_builder_free(fixture->builder);
    alog_block_compressor_free(fixture->compressor);
    alog_block_close(&fixture->block);
    test_plain_log_free(&fixture->log);
    alog_schema_free(fixture->schema);
    free(fixture);
    return 0;
}

/* Adds the log's i-th event, in memory of exactly its length. */
static enum alog_status add(struct fixture *fixture, size_t i) {
    size_t len;
    const uint8_t *plain = test_plain_log_get(&fixture->log, i, &len);
    uint8_t *copy = malloc(len);
    assert_non_null(copy);
    memcpy(copy, plain, len);
    const enum alog_status status = alog_block_builder_add(fixture->builder, copy, len);
    free(copy);
    return status;
}

/* Finishes, compresses and opens the block, and compares it with the log's events from `first` on.
 */
static struct alog_block_facts check_block(struct fixture *fixture, uint64_t sequence, size_t first,
                                           size_t count) {
    struct alog_block_facts facts = {0};
    const uint8_t *raw, *frame;
    struct alog_error error;
    assert_int_equal(alog_block_builder_finish(fixture->builder, sequence, &raw, &facts), ALOG_OK);
    assert_int_equal(alog_block_compress(fixture->compressor, raw, facts.raw_bytes, &frame, &facts),
                     ALOG_OK);
    const enum alog_status status = alog_block_open(&fixture->block, frame, &facts, &error);
    if (status != ALOG_OK) {
        fail_msg("%s", error.message);
    }
    assert_true(fixture->block.writer_id == WRITER_ID);
    assert_int_equal(fixture->block.first_sequence, sequence);
    assert_true(alog_string_equal(fixture->block.environment, ALOG_STR("production")));
    assert_int_equal(facts.first_sequence, sequence);
    assert_int_equal(facts.last_sequence, sequence + count - 1);
    const char *what;
    if (!test_block_equals_log(&fixture->block, fixture->schema, &fixture->log, first, count,
                               &what)) {
        fail_msg("%s", what);
    }
    return facts;
}

static void check_facts(struct fixture *fixture, const struct alog_block_facts *facts, size_t first,
                        size_t count) {
    uint64_t counts[ALOG_MAX_TYPES] = {0};
    int64_t min_ns = INT64_MAX, max_ns = INT64_MIN;
    struct alog_event_decoder decoder = {0};
    for (size_t i = first; i < first + count; i++) {
        size_t len;
        const uint8_t *plain = test_plain_log_get(&fixture->log, i, &len);
        struct alog_mp_cursor in = {.at = plain, .end = plain + len};
        struct alog_event event;
        assert_int_equal(alog_event_decode(&decoder, &in, fixture->schema, NULL, NULL, &event),
                         ALOG_OK);
        counts[event.type->id]++;
        min_ns = event.timestamp_ns < min_ns ? event.timestamp_ns : min_ns;
        max_ns = event.timestamp_ns > max_ns ? event.timestamp_ns : max_ns;
        if (event.job_id.data != NULL) {
            assert_true(
                alog_bloom_maybe(facts->bloom, facts->bloom_bytes, alog_bloom_hash(event.job_id)));
        }
    }
    alog_event_decoder_free(&decoder);
    assert_true(facts->min_timestamp_ns == min_ns);
    assert_true(facts->max_timestamp_ns == max_ns);
    uint32_t before = 0;
    for (uint32_t i = 0; i < facts->count_count; i++) {
        assert_true(facts->counts[i].type > before);
        before = facts->counts[i].type;
        assert_int_equal(facts->counts[i].count, counts[before]);
        counts[before] = 0;
    }
    for (uint32_t i = 0; i < ALOG_MAX_TYPES; i++) {
        assert_int_equal(counts[i], 0);
    }
    unsigned strangers = 0;
    for (unsigned i = 0; i < 1000; i++) {
        char job[32];
        snprintf(job, sizeof job, "stranger-%u", i);
        strangers +=
            alog_bloom_maybe(facts->bloom, facts->bloom_bytes, alog_bloom_hash(alog_str(job)));
    }
    assert_true(strangers < 100);
}

static void random_blocks_come_back(void **state) {
    struct fixture *fixture = *state;
    struct test_random random = {test_random_seed(31)};
    static const struct alog_field fields[] = {{.name = "size", .kind = ALOG_FIELD_F64},
                                               {.name = "who", .kind = ALOG_FIELD_NAME},
                                               {.name = "how", .kind = ALOG_FIELD_JSON},
                                               {.name = "ok", .kind = ALOG_FIELD_BOOL}};
    const struct alog_event_type *type;
    assert_int_equal(
        alog_schema_define(fixture->schema, 0, ALOG_STR("own"), fields, 4, &type, NULL), ALOG_OK);
    assert_int_equal(alog_schema_define(fixture->schema, 0, ALOG_STR("bare"), NULL, 0, &type, NULL),
                     ALOG_OK);
    test_plain_log_add_random(&fixture->log, &random, fixture->schema, 6000);
    uint64_t sequence = 1;
    for (size_t first = 0; first < fixture->log.count;) {
        size_t count = 1 + test_random_below(&random, 2000);
        count = first + count > fixture->log.count ? fixture->log.count - first : count;
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(add(fixture, first + i), ALOG_OK);
        }
        assert_int_equal(alog_block_builder_events(fixture->builder), count);
        const struct alog_block_facts facts = check_block(fixture, sequence, first, count);
        check_facts(fixture, &facts, first, count);
        alog_block_builder_reset(fixture->builder);
        assert_int_equal(alog_block_builder_events(fixture->builder), 0);
        assert_int_equal(alog_block_builder_bytes(fixture->builder), 0);
        first += count;
        sequence += count;
    }
}

/* Going on after finish gives the same as if it had not been called. */
static void a_finished_block_can_grow(void **state) {
    struct fixture *fixture = *state;
    struct test_random random = {test_random_seed(32)};
    test_plain_log_add_random(&fixture->log, &random, fixture->schema, 300);
    for (size_t i = 0; i < fixture->log.count; i++) {
        assert_int_equal(add(fixture, i), ALOG_OK);
        if (i % 50 == 0) {
            (void)check_block(fixture, 9, 0, i + 1);
        }
    }
    (void)check_block(fixture, 9, 0, fixture->log.count);
}

/* The whole block is a stream of msgpack values that another library reads, in this order. */
static void another_library_reads_the_block(void **state) {
    struct fixture *fixture = *state;
    const struct alog_value values[] = {{.kind = ALOG_VALUE_STRING, .string = ALOG_STR("ruff")},
                                        {.kind = ALOG_VALUE_ABSENT},
                                        {.kind = ALOG_VALUE_F64, .f64 = 12.5},
                                        {.kind = ALOG_VALUE_STRING, .string = ALOG_STR("failed")}};
    struct alog_event event = {.type = alog_catalogue_find(ALOG_STR("hook_execution")),
                               .timestamp_ns = 1000,
                               .job_id = ALOG_STR("ruff"),
                               .values = values,
                               .value_count = 4};
    test_plain_log_add(&fixture->log, &event);
    event.timestamp_ns = 900;
    event.value_count = 2;
    event.event_id = ALOG_STR("x");
    test_plain_log_add(&fixture->log, &event);
    event = (struct alog_event){.type = alog_catalogue_find(ALOG_STR("job_start")),
                                .timestamp_ns = 5000,
                                .job_id = ALOG_STR("j2")};
    test_plain_log_add(&fixture->log, &event);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(add(fixture, i), ALOG_OK);
    }
    static const char *const golden[] = {
        "{\"agentlog\"=>1, \"writer\"=>\"0123456789abcdef\", \"environment\"=>\"production\", "
        "\"first_sequence\"=>70000, \"timestamp\"=>1000, "
        "\"schema\"=>[[1, \"job_start\", [[\"ai_agent\", \"bool\"], [\"metadata\", \"json\"]]], "
        "[7, \"hook_execution\", [[\"hook_name\", \"name\"], [\"hook_type\", \"name\"], "
        "[\"execution_time_ms\", \"f64\"], [\"status\", \"enum\"]]]], "
        "\"strings\"=>[\"ruff\", \"failed\", \"j2\"]}",
        "[7, 0, 0, 0, nil, 12500, 1]",
        "[7, -100, 0, 0, {\"event_id\"=>\"x\"}]",
        "[1, 4100, 2]",
    };
    const uint8_t *raw;
    struct alog_block_facts facts;
    assert_int_equal(alog_block_builder_finish(fixture->builder, 70000, &raw, &facts), ALOG_OK);
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    size_t offset = 0;
    for (size_t i = 0; i < 4; i++) {
        char text[1024];
        assert_int_equal(
            msgpack_unpack_next(&unpacked, (const char *)raw, facts.raw_bytes, &offset),
            MSGPACK_UNPACK_SUCCESS);
        const int len = msgpack_object_print_buffer(text, sizeof text, unpacked.data);
        assert_true(len > 0 && len < (int)sizeof text);
        assert_string_equal(text, golden[i]);
    }
    assert_int_equal(offset, facts.raw_bytes);
    msgpack_unpacked_destroy(&unpacked);
    (void)check_block(fixture, 70000, 0, 3);
}

/* One field, as a block stores it: the element behind type, delta and job. */
static void assert_stored_real(struct fixture *fixture, struct alog_value value, const char *golden,
                               size_t golden_len) {
    const struct alog_value values[] = {
        {.kind = ALOG_VALUE_ABSENT}, {.kind = ALOG_VALUE_ABSENT}, value};
    const struct alog_event event = {.type = alog_catalogue_find(ALOG_STR("hook_execution")),
                                     .values = values,
                                     .value_count = 3};
    const uint8_t *raw;
    struct alog_block_facts facts;
    alog_block_builder_reset(fixture->builder);
    test_plain_log_add(&fixture->log, &event);
    assert_int_equal(add(fixture, fixture->log.count - 1), ALOG_OK);
    assert_int_equal(alog_block_builder_finish(fixture->builder, 1, &raw, &facts), ALOG_OK);
    assert_memory_equal(raw + facts.raw_bytes - golden_len, golden, golden_len);
    assert_memory_equal(raw + facts.raw_bytes - golden_len - 6, "\x96\x07\x00\xc0\xc0\xc0", 6);
}

static void reals_are_thousandths_where_that_is_exact(void **state) {
    static const struct {
        struct alog_value value;
        const char *bytes;
        size_t len;
    } rows[] = {
#define STORED(x, bytes) {{.kind = ALOG_VALUE_F64, .f64 = x}, bytes, sizeof bytes - 1}
        STORED(0.0, "\x00"),
        STORED(-0.0, "\xcb\x80\0\0\0\0\0\0\0"),
        STORED(0.001, "\x01"),
        STORED(-0.001, "\xff"),
        STORED(0.127, "\x7f"),
        STORED(0.128, "\xcc\x80"),
        STORED(0.255, "\xcc\xff"),
        STORED(0.256, "\xcd\x01\x00"),
        STORED(12.345, "\xcd\x30\x39"),
        STORED(65.535, "\xcd\xff\xff"),
        STORED(65.536, "\xce\x00\x01\x00\x00"),
        STORED(4294967.295, "\xce\xff\xff\xff\xff"),
        STORED(4294967.296, "\xcf\0\0\0\x01\0\0\0\0"),
        STORED(-12.345, "\xd1\xcf\xc7"),
        STORED(0.0001, "\xcb\x3f\x1a\x36\xe2\xeb\x1c\x43\x2d"),
        STORED(1e300, "\xcb\x7e\x37\xe4\x3c\x88\x00\x75\x9c"),
        STORED((double)INFINITY, "\xcb\x7f\xf0\0\0\0\0\0\0"),
        STORED((double)-INFINITY, "\xcb\xff\xf0\0\0\0\0\0\0"),
        STORED((double)NAN, "\xcb\x7f\xf8\0\0\0\0\0\0"),
        {{.kind = ALOG_VALUE_I64, .i64 = 3}, "\xcd\x0b\xb8", 3},
        {{.kind = ALOG_VALUE_I64, .i64 = -3}, "\xd1\xf4\x48", 3},
        {{.kind = ALOG_VALUE_U64, .u64 = UINT64_C(1) << 63}, "\xcb\x43\xe0\0\0\0\0\0\0", 9},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_stored_real(*state, rows[i].value, rows[i].bytes, rows[i].len);
    }
}

/* Around the largest number of thousandths that is exact. */
static void large_reals_come_back(void **state) {
    struct fixture *fixture = *state;
    double value = 0x1p53 / 1000.0;
    for (int i = 0; i < 40; i++) {
        value = nextafter(value, i < 20 ? 0.0 : (double)INFINITY);
        const struct alog_value values[] = {
            {.kind = ALOG_VALUE_ABSENT},
            {.kind = ALOG_VALUE_ABSENT},
            {.kind = ALOG_VALUE_F64, .f64 = i % 2 == 0 ? value : -value}};
        const struct alog_event event = {.type = alog_catalogue_find(ALOG_STR("hook_execution")),
                                         .values = values,
                                         .value_count = 3};
        test_plain_log_add(&fixture->log, &event);
        assert_int_equal(add(fixture, (size_t)i), ALOG_OK);
    }
    (void)check_block(fixture, 1, 0, 40);
}

/* The head of an array that loses its absent elements may become shorter. */
static void long_events_are_cut_to_short_heads(void **state) {
    struct fixture *fixture = *state;
    struct alog_value values[14] = {0};
    const struct alog_event event = {.type = alog_catalogue_find(ALOG_STR("provider_performance")),
                                     .values = values,
                                     .value_count = 14};
    for (uint32_t i = 0; i <= 14; i++) {
        memset(values, 0, sizeof values);
        if (i > 0) {
            const enum alog_field_kind kind = event.type->fields[i - 1].kind;
            values[i - 1] = (struct alog_value){.kind = ALOG_VALUE_STRING, .string = ALOG_STR("v")};
            if (kind == ALOG_FIELD_BOOL) {
                values[i - 1] = (struct alog_value){.kind = ALOG_VALUE_BOOL};
            } else if (kind == ALOG_FIELD_I64 || kind == ALOG_FIELD_F64) {
                values[i - 1] = (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = 1};
            }
        }
        test_plain_log_add(&fixture->log, &event);
        assert_int_equal(add(fixture, i), ALOG_OK);
    }
    (void)check_block(fixture, 1, 0, 15);
}

static void a_full_block_says_so(void **state) {
    struct fixture *fixture = *state;
    struct test_random random = {test_random_seed(33)};
    const uint32_t block_bytes = 16u << 10;
    alog_block_builder_free(fixture->builder);
    fixture->builder = make_builder(fixture->schema, block_bytes);
    test_plain_log_add_random(&fixture->log, &random, fixture->schema, 2000);
    size_t first = 0;
    size_t blocks = 0;
    for (size_t i = 0; i < fixture->log.count; i++) {
        enum alog_status status = add(fixture, i);
        if (status == ALOG_LIMIT) {
            const struct alog_block_facts facts = check_block(fixture, first + 1, first, i - first);
            assert_true(facts.raw_bytes <= block_bytes);
            assert_true(facts.raw_bytes > block_bytes / 2);
            alog_block_builder_reset(fixture->builder);
            first = i;
            blocks++;
            status = add(fixture, i);
        }
        assert_int_equal(status, ALOG_OK);
    }
    (void)check_block(fixture, first + 1, first, fixture->log.count - first);
    assert_true(blocks > 3);
}

static void a_large_event_is_taken_by_an_empty_block(void **state) {
    struct fixture *fixture = *state;
    alog_block_builder_free(fixture->builder);
    fixture->builder = make_builder(fixture->schema, 1000);
    char *text = calloc(1, 1u << 20);
    assert_non_null(text);
    const struct alog_value values[] = {{.kind = ALOG_VALUE_STRING, .string = ALOG_STR("hook")},
                                        {.kind = ALOG_VALUE_ABSENT},
                                        {.kind = ALOG_VALUE_STRING, .string = {text, 1u << 20}}};
    const struct alog_event event = {
        .type = alog_catalogue_find(ALOG_STR("error")), .values = values, .value_count = 3};
    test_plain_log_add(&fixture->log, &event);
    test_plain_log_add(&fixture->log, &event);
    assert_int_equal(add(fixture, 0), ALOG_OK);
    assert_int_equal(add(fixture, 1), ALOG_LIMIT);
    (void)check_block(fixture, 1, 0, 1);
    free(text);
}

/* More different names than a table holds: the rest stand in their events. */
static void a_full_string_table_is_no_limit(void **state) {
    struct fixture *fixture = *state;
    alog_block_builder_free(fixture->builder);
    fixture->builder = make_builder(fixture->schema, 8u << 20);
    const size_t count = 70000;
    for (size_t i = 0; i < count; i++) {
        char hook[32], job[32];
        snprintf(hook, sizeof hook, "h%zu", i % 40000);
        snprintf(job, sizeof job, "j%zu", i);
        const struct alog_value values[] = {{.kind = ALOG_VALUE_STRING, .string = alog_str(hook)}};
        const struct alog_event event = {.type = alog_catalogue_find(ALOG_STR("hook_execution")),
                                         .job_id = alog_str(job),
                                         .values = values,
                                         .value_count = 1};
        test_plain_log_add(&fixture->log, &event);
        assert_int_equal(add(fixture, i), ALOG_OK);
    }
    const struct alog_block_facts facts = check_block(fixture, 1, 0, count);
    assert_int_equal(fixture->block.strings.count, 65535);
    assert_int_equal(facts.bloom_bytes, ALOG_BLOOM_MAX_BYTES);
    for (size_t i = 0; i < count; i += 99) {
        char job[32];
        snprintf(job, sizeof job, "j%zu", i);
        assert_true(
            alog_bloom_maybe(facts.bloom, facts.bloom_bytes, alog_bloom_hash(alog_str(job))));
    }
}

/* The filter has bits for each job, not for each event. */
static void a_job_is_counted_once(void **state) {
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 1000; i++) {
        const struct alog_event event = {.type = alog_catalogue_find(ALOG_STR("test_execution")),
                                         .job_id = i % 2 == 0 ? ALOG_STR("one") : ALOG_STR("two")};
        test_plain_log_add(&fixture->log, &event);
        assert_int_equal(add(fixture, i), ALOG_OK);
    }
    const struct alog_block_facts facts = check_block(fixture, 1, 0, 1000);
    assert_int_equal(facts.bloom_bytes, alog_bloom_bytes(2));
}

/* Not those of the first and last event: clocks step. */
static void the_facts_have_least_and_greatest_timestamp(void **state) {
    struct fixture *fixture = *state;
    static const int64_t times[] = {5, 4, 7, 8, 7, 6};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        const struct alog_event event = {.type = alog_catalogue_find(ALOG_STR("test_execution")),
                                         .timestamp_ns = times[i]};
        test_plain_log_add(&fixture->log, &event);
        assert_int_equal(add(fixture, i), ALOG_OK);
    }
    const struct alog_block_facts facts = check_block(fixture, 1, 0, 6);
    assert_int_equal(facts.min_timestamp_ns, 4);
    assert_int_equal(facts.max_timestamp_ns, 8);
}

/* A block without jobs has a filter that excludes every job. */
static void a_block_without_jobs_excludes_all(void **state) {
    struct fixture *fixture = *state;
    const struct alog_event event = {.type = alog_catalogue_find(ALOG_STR("test_execution"))};
    test_plain_log_add(&fixture->log, &event);
    assert_int_equal(add(fixture, 0), ALOG_OK);
    const struct alog_block_facts facts = check_block(fixture, 1, 0, 1);
    assert_true(facts.bloom_bytes > 0);
    assert_false(
        alog_bloom_maybe(facts.bloom, facts.bloom_bytes, alog_bloom_hash(ALOG_STR("any"))));
}

/* Many types with long names: the preamble outgrows the room in front of the events. */
static void a_large_schema_fits(void **state) {
    struct fixture *fixture = *state;
    struct alog_field fields[ALOG_MAX_FIELDS];
    char names[ALOG_MAX_FIELDS][256];
    for (size_t i = 0; i < ALOG_MAX_FIELDS; i++) {
        memset(names[i], 'f', 255);
        names[i][255] = '\0';
        snprintf(names[i], 4, "%03zu", i);
        names[i][3] = 'f';
        fields[i] = (struct alog_field){.name = names[i], .kind = ALOG_FIELD_NAME};
    }
    for (uint32_t i = 0; i < 100; i++) {
        const struct alog_event_type *type;
        char name[32];
        snprintf(name, sizeof name, "type-%u", i);
        assert_int_equal(alog_schema_define(fixture->schema, 0, alog_str(name), fields,
                                            ALOG_MAX_FIELDS, &type, NULL),
                         ALOG_OK);
    }
    struct test_random random = {test_random_seed(34)};
    alog_block_builder_free(fixture->builder);
    fixture->builder = make_builder(fixture->schema, 8u << 20);
    test_plain_log_add_random(&fixture->log, &random, fixture->schema, 1000);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < fixture->log.count; i++) {
            assert_int_equal(add(fixture, i), ALOG_OK);
        }
        (void)check_block(fixture, 1, 0, fixture->log.count);
        alog_block_builder_reset(fixture->builder);
    }
}

/* ---- Bad input to the builder -----------------------------------------------------------------
 */

static void assert_same_block(struct fixture *fixture, const uint8_t *before, size_t bytes) {
    const uint8_t *raw;
    struct alog_block_facts facts;
    assert_int_equal(alog_block_builder_finish(fixture->builder, 1, &raw, &facts), ALOG_OK);
    assert_int_equal(facts.raw_bytes, bytes);
    assert_memory_equal(raw, before, bytes);
}

/* Cut anywhere, or with a byte more, it is no event, and the block stays what it was. */
static void what_is_no_event_is_not_taken(void **state) {
    struct fixture *fixture = *state;
    struct test_random random = {test_random_seed(35)};
    const uint8_t *raw;
    struct alog_block_facts facts;
    test_plain_log_add_random(&fixture->log, &random, fixture->schema, 60);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(add(fixture, i), ALOG_OK);
    }
    assert_int_equal(alog_block_builder_finish(fixture->builder, 1, &raw, &facts), ALOG_OK);
    const size_t bytes = facts.raw_bytes;
    uint8_t *before = malloc(bytes);
    assert_non_null(before);
    memcpy(before, raw, bytes);
    for (size_t i = 20; i < fixture->log.count; i++) {
        size_t len;
        const uint8_t *plain = test_plain_log_get(&fixture->log, i, &len);
        for (size_t cut = 0; cut <= len + 1; cut++) {
            if (cut == len) {
                continue;
            }
            uint8_t *copy = calloc(1, cut != 0 ? cut : 1);
            assert_non_null(copy);
            memcpy(copy, plain, cut < len ? cut : len);
            assert_int_equal(alog_block_builder_add(fixture->builder, copy, cut), ALOG_CORRUPT);
            free(copy);
        }
        assert_int_equal(alog_block_builder_events(fixture->builder), 20);
        assert_same_block(fixture, before, bytes);
    }
    free(before);
    for (size_t i = 20; i < fixture->log.count; i++) {
        assert_int_equal(add(fixture, i), ALOG_OK);
    }
    (void)check_block(fixture, 1, 0, fixture->log.count);
}

static void these_are_no_plain_events(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
#define BAD(bytes) {bytes, sizeof bytes - 1}
        BAD("\xc0"),
        BAD("\x92\x07\x00"),
        BAD("\x93\x00\x00\xc0"),                             /* no type 0 */
        BAD("\x93\x0d\x00\xc0"),                             /* an unknown type */
        BAD("\x93\xcd\x04\x00\x00\xc0"),                     /* a type beyond the last */
        BAD("\x93\x07\xff\xc0"),                             /* before 1970 */
        BAD("\x93\x07\xcf\x80\0\0\0\0\0\0\0\xc0"),           /* after 2262 */
        BAD("\x93\x07\x00\x01"),                             /* a job id by index */
        BAD("\x94\x07\x00\xc0\x01"),                         /* a name by index */
        BAD("\x94\x07\x00\xc0\xc3"),                         /* NAME: a bool */
        BAD("\x96\x07\x00\xc0\xc0\xc0\xa1z"),                /* F64: text */
        BAD("\x94\x01\x00\xc0\x01"),                         /* BOOL: a number */
        BAD("\x95\x01\x00\xc0\xc0\x00"),                     /* JSON: a number */
        BAD("\x95\x01\x00\xc0\xc0\xc7\x01\x02z"),            /* JSON: another extension */
        BAD("\x95\x02\x00\xc0\xc0\xa1z"),                    /* I64: text */
        BAD("\x95\x02\x00\xc0\xc0\xcb\x3f\xf8\0\0\0\0\0\0"), /* I64: 1.5 */
        BAD("\x95\x02\x00\xc0\xc0\xcb\x43\xe0\0\0\0\0\0\0"), /* I64: 2^63 */
        BAD("\x95\x02\x00\xc0\xc0\xcf\x80\0\0\0\0\0\0\0"),   /* I64: 2^63 */
        BAD("\x96\x02\x00\xc0\xc0\xc0\xc7\x01\x01z"),        /* TEXT: JSON */
        BAD("\x98\x07\x00\xc0\xc0\xc0\xc0\xc0\xc0"),         /* a field too many */
        BAD("\x95\x07\x00\xc0\x80\xc0"),                     /* extras that are not the last */
        BAD("\x94\x07\x00\xc0\x81\x01\x01"),                 /* a key that is no text */
        BAD("\x94\x07\x00\xc0\x81\xa0\x01"),                 /* an empty key */
        BAD("\x94\x07\x00\xc0\x81\xa1z\x90"),                /* a nested value */
        BAD("\x94\x07\x00\xc0\x81\xa1z\xc4\x00"),            /* binary */
        BAD("\x94\x07\x00\xc0\x81\xa1z\xc7\x00\x02"),        /* another extension */
        BAD("\x94\x07\x00\xc0\x81\xa8"
            "event_id\x01"),         /* an event_id that is no text */
        BAD("\x93\x07\x00\xc0\xc0"), /* bytes behind the event */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const enum alog_status status =
            alog_block_builder_add(fixture->builder, (const uint8_t *)rows[i].bytes, rows[i].len);
        if (status != ALOG_CORRUPT) {
            fail_msg("row %zu was taken", i);
        }
    }
    char job[256];
    uint8_t plain[300] = {0x93, 0x07, 0x00};
    memset(job, 'j', sizeof job);
    const uint8_t *end = alog_mp_str(plain + 3, job, sizeof job);
    assert_int_equal(alog_block_builder_add(fixture->builder, plain, (size_t)(end - plain)),
                     ALOG_CORRUPT);
    end = alog_mp_str(plain + 3, job, sizeof job - 1);
    assert_int_equal(alog_block_builder_add(fixture->builder, plain, (size_t)(end - plain)),
                     ALOG_OK);
    assert_int_equal(alog_block_builder_events(fixture->builder), 1);
}

/* A batch goes up to the first event that is not taken, and says why. */
static void batches_stop_where_events_do(void **state) {
    struct fixture *fixture = *state;
    static const uint8_t good[] = {0x93, 0x07, 0x01, 0xc0};
    static const uint8_t bad[] = {0x93, 0x07, 0x00, 0xc0, 0xc0};
    const struct alog_plain_event events[] = {
        {good, sizeof good}, {good, sizeof good}, {bad, sizeof bad}, {good, sizeof good}};
    uint32_t taken = 9;
    assert_int_equal(alog_block_builder_add_all(fixture->builder, events, 0, &taken), ALOG_OK);
    assert_int_equal(taken, 0);
    assert_int_equal(alog_block_builder_add_all(fixture->builder, events, 2, &taken), ALOG_OK);
    assert_int_equal(taken, 2);
    assert_int_equal(alog_block_builder_add_all(fixture->builder, events, 4, &taken), ALOG_CORRUPT);
    assert_int_equal(taken, 2);
    assert_int_equal(alog_block_builder_events(fixture->builder), 4);
    for (;;) {
        const uint64_t before = alog_block_builder_events(fixture->builder);
        const enum alog_status status =
            alog_block_builder_add_all(fixture->builder, events, 2, &taken);
        assert_int_equal(alog_block_builder_events(fixture->builder), before + taken);
        if (status != ALOG_OK) {
            assert_int_equal(status, ALOG_LIMIT);
            assert_true(taken < 2);
            break;
        }
    }
}

static void options_are_checked(void **state) {
    struct fixture *fixture = *state;
    char text[256] = {0};
    const struct alog_block_builder_options rows[] = {
        {.schema = NULL, .block_bytes = 1000},
        {.schema = fixture->schema, .block_bytes = 0},
        {.schema = fixture->schema, .block_bytes = UINT32_MAX},
        {.schema = fixture->schema, .block_bytes = 1000, .environment = {text, sizeof text}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct alog_block_builder *builder = NULL;
        assert_int_equal(alog_block_builder_new(&rows[i], &builder), ALOG_INVALID);
        assert_null(builder);
    }
    const uint8_t *raw;
    struct alog_block_facts facts;
    assert_int_equal(alog_block_builder_finish(fixture->builder, 1, &raw, &facts), ALOG_INVALID);
    alog_block_builder_free(NULL);
    alog_block_compressor_free(NULL);
}

/* ---- The frame ------------------------------------------------------------------------------ */

/* The frame header descriptor: a checksum, the content's size, no dictionary. */
static void a_frame_checks_itself(void **state) {
    struct fixture *fixture = *state;
    static const uint8_t raw[1000] = {0};
    const uint8_t *frame;
    struct alog_block_facts facts;
    assert_int_equal(alog_block_compress(fixture->compressor, raw, sizeof raw, &frame, &facts),
                     ALOG_OK);
    assert_memory_equal(frame, "\x28\xb5\x2f\xfd", 4);
    assert_int_equal(frame[4] & 0x04, 0x04);
    assert_int_equal(frame[4] & 0x20, 0x20);
    assert_int_equal(frame[4] & 0x03, 0);
    assert_int_equal(facts.raw_bytes, sizeof raw);
}

static void every_level_opens(void **state) {
    struct fixture *fixture = *state;
    struct test_random random = {test_random_seed(36)};
    test_plain_log_add_random(&fixture->log, &random, fixture->schema, 500);
    for (size_t i = 0; i < fixture->log.count; i++) {
        assert_int_equal(add(fixture, i), ALOG_OK);
    }
    static const int levels[] = {-7, -1, 0, 1, 2, 3, 9, 19};
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        alog_block_compressor_free(fixture->compressor);
        assert_int_equal(alog_block_compressor_new(levels[i], &fixture->compressor), ALOG_OK);
        (void)check_block(fixture, 1, 0, fixture->log.count);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(random_blocks_come_back),
        TEST(a_finished_block_can_grow),
        TEST(another_library_reads_the_block),
        TEST(reals_are_thousandths_where_that_is_exact),
        TEST(large_reals_come_back),
        TEST(long_events_are_cut_to_short_heads),
        TEST(a_full_block_says_so),
        TEST(a_large_event_is_taken_by_an_empty_block),
        TEST(a_full_string_table_is_no_limit),
        TEST(a_job_is_counted_once),
        TEST(the_facts_have_least_and_greatest_timestamp),
        TEST(a_block_without_jobs_excludes_all),
        TEST(a_large_schema_fits),
        TEST(what_is_no_event_is_not_taken),
        TEST(these_are_no_plain_events),
        TEST(batches_stop_where_events_do),
        TEST(options_are_checked),
        TEST(a_frame_checks_itself),
        TEST(every_level_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
