/* event_codec.c: events to msgpack and back, in both forms, and what is no event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <msgpack.h>
#include <stdlib.h>

#include "format/event_codec.h"
#include "support/random_event.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static int make_schema(void **state) {
    struct alog_schema *schema;
    if (alog_schema_new(&schema) != ALOG_OK) {
        return -1;
    }
    *state = schema;
    return 0;
}

static int free_schema(void **state) {
    alog_schema_free(*state);
    return 0;
}

/* Encoded into exactly as much room as the bound says, on the heap. */
static uint8_t *encode(const struct alog_event *event, size_t *ret_len) {
    const size_t bound = alog_event_encoded_bound(event);
    uint8_t *bytes = malloc(bound);
    assert_non_null(bytes);
    const uint8_t *end =
        alog_event_encode(bytes, event->type->id, event->timestamp_ns, event->job_id, event);
    *ret_len = (size_t)(end - bytes);
    assert_true(*ret_len <= bound);
    return bytes;
}

/* There and back; msgpack-c has to find one whole value there as well. */
static void assert_round_trip(const struct alog_schema *schema, const struct alog_event *event) {
    size_t len;
    uint8_t *bytes = encode(event, &len);

    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    size_t offset = 0;
    assert_int_equal(msgpack_unpack_next(&unpacked, (const char *)bytes, len, &offset),
                     MSGPACK_UNPACK_SUCCESS);
    assert_int_equal(offset, len);
    assert_int_equal(unpacked.data.type, MSGPACK_OBJECT_ARRAY);
    assert_int_equal(unpacked.data.via.array.ptr[0].via.u64, event->type->id);
    msgpack_unpacked_destroy(&unpacked);

    struct alog_event_decoder decoder = {0};
    struct alog_mp_cursor in = {.at = bytes, .end = bytes + len};
    struct alog_event back;
    assert_int_equal(alog_event_decode(&decoder, &in, schema, NULL, NULL, &back), ALOG_OK);
    assert_ptr_equal(in.at, in.end);
    const char *what;
    if (!test_event_equal(event, &back, &what)) {
        fail_msg("%s.%s differs", event->type->name, what);
    }
    assert_true(back.has_timestamp);
    assert_int_equal(back.value_count, event->type->field_count);

    /* Cut anywhere it is refused, and nothing moves. */
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *part = malloc(cut != 0 ? cut : 1);
        assert_non_null(part);
        memcpy(part, bytes, cut);
        in = (struct alog_mp_cursor){.at = part, .end = part + cut};
        assert_int_equal(alog_event_decode(&decoder, &in, schema, NULL, NULL, &back), ALOG_CORRUPT);
        assert_ptr_equal(in.at, part);
        free(part);
    }
    alog_event_decoder_free(&decoder);
    free(bytes);
}

/* Each type of the catalogue with everything, with nothing, and with each field alone. */
static void every_field_comes_back(void **state) {
    struct test_random random = {test_random_seed(21)};
    struct test_event *made = malloc(sizeof *made);
    struct test_event *full = malloc(sizeof *full);
    assert_non_null(made);
    assert_non_null(full);
    size_t count;
    const struct alog_event_type *types = alog_catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        const uint32_t fields = types[i].field_count;
        for (uint32_t j = 0; j < fields; j++) {
            do {
                test_event_random(&random, &types[i], full);
            } while (full->values[j].kind == ALOG_VALUE_ABSENT);
            assert_round_trip(*state, &full->event);
            memset(made, 0, sizeof *made);
            made->event = full->event;
            made->event.values = made->values;
            made->values[j] = full->values[j];
            assert_round_trip(*state, &made->event);
        }
        made->event.value_count = 0;
        assert_round_trip(*state, &made->event);
    }
    free(made);
    free(full);
}

static void random_events_come_back(void **state) {
    struct test_random random = {test_random_seed(22)};
    struct test_event *made = malloc(sizeof *made);
    assert_non_null(made);
    size_t count;
    const struct alog_event_type *types = alog_catalogue(&count);
    for (int i = 0; i < 1000; i++) {
        const struct alog_event_type *type = &types[test_random_below(&random, (uint32_t)count)];
        test_event_random(&random, type, made);
        assert_int_equal(alog_event_check(type, &made->event, NULL), ALOG_OK);
        assert_round_trip(*state, &made->event);
    }
    free(made);
}

static void an_event_has_these_bytes(void **state) {
    (void)state;
    const struct alog_value values[] = {
        {.kind = ALOG_VALUE_STRING, .string = ALOG_STR("ruff")},
        {.kind = ALOG_VALUE_ABSENT},
        {.kind = ALOG_VALUE_F64, .f64 = 1.5},
        {.kind = ALOG_VALUE_STRING, .string = ALOG_STR("failed")},
    };
    const struct alog_attribute attributes[] = {
        {ALOG_STR("pid"), {.kind = ALOG_VALUE_I64, .i64 = 300}},
        {ALOG_STR("args"), {.kind = ALOG_VALUE_JSON, .string = ALOG_STR("[1]")}}};
    const struct alog_event event = {.type = alog_catalogue_find(ALOG_STR("hook_execution")),
                                     .timestamp_ns = 256,
                                     .job_id = ALOG_STR("j"),
                                     .event_id = ALOG_STR("e"),
                                     .environment = ALOG_STR("test"),
                                     .values = values,
                                     .value_count = COUNT_OF(values),
                                     .attributes = attributes,
                                     .attribute_count = COUNT_OF(attributes)};
    static const char golden[] = "\x98\x07\xcd\x01\x00\xa1j\xa4"
                                 "ruff\xc0\xcb\x3f\xf8\0\0\0\0\0\0\xa6"
                                 "failed\x84\xa8"
                                 "event_id\xa1"
                                 "e\xab"
                                 "environment\xa4"
                                 "test\xa3pid\xcd\x01\x2c\xa4"
                                 "args\xc7\x03\x01[1]";
    size_t len;
    uint8_t *bytes = encode(&event, &len);
    assert_int_equal(len, sizeof golden - 1);
    assert_memory_equal(bytes, golden, len);
    free(bytes);
}

/* ---- Decoding by hand -------------------------------------------------------------------------
 */

static const struct alog_string block_strings[] = {{"ruff", 4}, {"job-7", 5}, {"failed", 6}};
static const struct alog_string_table table = {block_strings, COUNT_OF(block_strings)};

/* Decodes block form, in memory of exactly that length. */
static enum alog_status decode_block(const struct alog_schema *schema,
                                     struct alog_event_decoder *decoder, const char *bytes,
                                     size_t len, int64_t *timestamp_ns,
                                     struct alog_event *ret_event) {
    uint8_t *copy = malloc(len);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    struct alog_mp_cursor in = {.at = copy, .end = copy + len};
    const enum alog_status status =
        alog_event_decode(decoder, &in, schema, &table, timestamp_ns, ret_event);
    assert_ptr_equal(in.at, status == ALOG_OK ? copy + len : copy);
    free(copy);
    return status;
}

static void block_form_means_this(void **state) {
    struct alog_event_decoder decoder = {0};
    struct alog_event event;
    int64_t timestamp_ns = 1000;
    /* hook_execution, 10 ns earlier, job 1, names by index and wide index, 2.5 ms, in place. */
    static const char bytes[] = "\x97\x07\xf6\x01\x00\xc0\xcd\x09\xc4\xa7skipped";
    assert_int_equal(decode_block(*state, &decoder, bytes, sizeof bytes - 1, &timestamp_ns, &event),
                     ALOG_OK);
    assert_string_equal(event.type->name, "hook_execution");
    assert_int_equal(event.timestamp_ns, 990);
    assert_int_equal(timestamp_ns, 990);
    assert_true(alog_string_equal(event.job_id, ALOG_STR("job-7")));
    assert_true(alog_string_equal(event.values[0].string, ALOG_STR("ruff")));
    assert_int_equal(event.values[1].kind, ALOG_VALUE_ABSENT);
    assert_true(event.values[2].f64 == 2.5);
    assert_int_equal(decoder.job_index, 1);
    assert_int_equal(decoder.string_indexes[0], 0);
    assert_int_equal(decoder.string_indexes[1], ALOG_NO_STRING);
    assert_int_equal(decoder.string_indexes[3], ALOG_NO_STRING);

    /* Cut off at the end is absent, also after an event that had it. */
    assert_int_equal(decode_block(*state, &decoder, "\x93\x07\x00\xc0", 4, &timestamp_ns, &event),
                     ALOG_OK);
    assert_int_equal(event.value_count, 4);
    assert_null(event.job_id.data);
    assert_int_equal(decoder.job_index, ALOG_NO_STRING);
    for (uint32_t i = 0; i < event.value_count; i++) {
        assert_int_equal(event.values[i].kind, ALOG_VALUE_ABSENT);
        assert_int_equal(decoder.string_indexes[i], ALOG_NO_STRING);
    }
    alog_event_decoder_free(&decoder);
}

static void integers_in_real_fields_are_thousandths(void **state) {
    struct alog_event_decoder decoder = {0};
    struct alog_event event;
    static const struct {
        const char *bytes;
        size_t len;
        double value;
    } rows[] = {
#define THOUSANDTHS(number, value) {"\x96\x07\x00\xc0\xc0\xc0" number, sizeof number + 5, value}
        THOUSANDTHS("\x00", 0.0),
        THOUSANDTHS("\x01", 0.001),
        THOUSANDTHS("\xff", -0.001),
        THOUSANDTHS("\xcc\xff", 0.255),
        THOUSANDTHS("\xcd\x30\x39", 12.345),
        THOUSANDTHS("\xce\x00\x01\xe2\x40", 123.456),
        THOUSANDTHS("\xd1\xcf\xc7", -12.345),
        THOUSANDTHS("\xcf\x00\x1f\xff\xff\xff\xff\xff\xff", 9007199254740.991),
        THOUSANDTHS("\xcb\x3f\xf8\0\0\0\0\0\0", 1.5),
        THOUSANDTHS("\xca\x3f\xc0\0\0", 1.5),
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t timestamp_ns = 0;
        assert_int_equal(
            decode_block(*state, &decoder, rows[i].bytes, rows[i].len, &timestamp_ns, &event),
            ALOG_OK);
        assert_int_equal(event.values[2].kind, ALOG_VALUE_F64);
        assert_true(event.values[2].f64 == rows[i].value);
    }
    alog_event_decoder_free(&decoder);
}

static void these_are_no_events(void **state) {
    struct alog_event_decoder decoder = {0};
    static const struct {
        const char *bytes;
        size_t len;
        int64_t before_ns;
    } rows[] = {
#define BAD(before_ns, bytes) {bytes, sizeof bytes - 1, before_ns}
        BAD(0, "\xc0"),                     /* no array */
        BAD(0, "\x90"),                     /* too few elements */
        BAD(0, "\x92\x07\x00"),             /* likewise */
        BAD(0, "\x93\x00\x00\xc0"),         /* no type 0 */
        BAD(0, "\x93\x0d\x00\xc0"),         /* an unknown type */
        BAD(0, "\x93\xcd\x04\x00\x00\xc0"), /* a type beyond the last */
        BAD(0, "\x93\xff\x00\xc0"),         /* a negative type */
        BAD(0, "\x93\xa1"
               "7\x00\xc0"),                            /* a type as text */
        BAD(0, "\x93\x07\xff\xc0"),                     /* before 1970 */
        BAD(INT64_MAX, "\x93\x07\x01\xc0"),             /* after 2262 */
        BAD(1, "\x93\x07\xd3\x80\0\0\0\0\0\0\0\xc0"),   /* likewise, with overflow */
        BAD(0, "\x93\x07\xcf\xff\0\0\0\0\0\0\0\xc0"),   /* no such delta */
        BAD(0, "\x93\x07\xca\0\0\0\0\xc0"),             /* a delta that is a real */
        BAD(0, "\x93\x07\x00\x03"),                     /* no such string */
        BAD(0, "\x93\x07\x00\xcd\xff\xff"),             /* likewise */
        BAD(0, "\x93\x07\x00\xff"),                     /* likewise */
        BAD(0, "\x93\x07\x00\xc3"),                     /* a job id that is no string */
        BAD(0, "\x93\x07\x00\x80"),                     /* likewise */
        BAD(0, "\x94\x07\x00\xc0\x03"),                 /* NAME: no such string */
        BAD(0, "\x94\x07\x00\xc0\xc3"),                 /* NAME: a bool */
        BAD(0, "\x94\x07\x00\xc0\xcb\0\0\0\0\0\0\0\0"), /* NAME: a real */
        BAD(0, "\x94\x07\x00\xc0\xc4\x01z"),            /* NAME: binary */
        BAD(0, "\x96\x07\x00\xc0\xc0\xc0\xa1z"),        /* F64: text */
        BAD(0, "\x96\x07\x00\xc0\xc0\xc0\xc3"),         /* F64: a bool */
        BAD(0, "\x96\x07\x00\xc0\xc0\xc0\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), /* F64: too large */
        BAD(0, "\x94\x01\x00\xc0\x01"),                                         /* BOOL: a number */
        BAD(0, "\x95\x01\x00\xc0\xc0\x00"),                                     /* JSON: an index */
        BAD(0, "\x95\x01\x00\xc0\xc0\xc7\x01\x02z"),            /* JSON: another extension */
        BAD(0, "\x95\x02\x00\xc0\xc0\xa1z"),                    /* I64: text */
        BAD(0, "\x95\x02\x00\xc0\xc0\xcb\x3f\xf0\0\0\0\0\0\0"), /* I64: a real */
        BAD(0, "\x95\x02\x00\xc0\xc0\xcf\xff\0\0\0\0\0\0\0"),   /* I64: too large */
        BAD(0, "\x96\x02\x00\xc0\xc0\xc0\x00"),                 /* TEXT: an index */
        BAD(0, "\x98\x07\x00\xc0\xc0\xc0\xc0\xc0\xc0"),         /* a field too many */
        BAD(0, "\x95\x07\x00\xc0\x80\xc0"),                     /* extras that are not the last */
        BAD(0, "\x94\x07\x00\xc0\x81\x01\x01"),                 /* a key that is no text */
        BAD(0, "\x94\x07\x00\xc0\x81\xa0\x01"),                 /* an empty key */
        BAD(0, "\x94\x07\x00\xc0\x81\xa1z\x90"),                /* a nested value */
        BAD(0, "\x94\x07\x00\xc0\x81\xa1z\x80"),                /* likewise */
        BAD(0, "\x94\x07\x00\xc0\x81\xa1z\xc4\x00"),            /* binary */
        BAD(0, "\x94\x07\x00\xc0\x81\xa1z\xc7\x00\x02"),        /* another extension */
        BAD(0, "\x94\x07\x00\xc0\x81\xa8"
               "event_id\x01"), /* an event_id that is no text */
        BAD(0, "\x94\x07\x00\xc0\x81\xab"
               "environment\xc0"),                       /* likewise */
        BAD(0, "\x94\x07\x00\xc0\x82\xa1z\x01"),         /* a pair too few */
        BAD(0, "\x94\x07\x00\xc0\xde\xff\xff\xa1z\x01"), /* far too many */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct alog_event event = {.sequence = 77};
        int64_t timestamp_ns = rows[i].before_ns;
        const enum alog_status status =
            decode_block(*state, &decoder, rows[i].bytes, rows[i].len, &timestamp_ns, &event);
        if (status != ALOG_CORRUPT) {
            fail_msg("row %zu is taken for an event", i);
        }
        assert_true(timestamp_ns == rows[i].before_ns);
        assert_int_equal(event.sequence, 77);
    }
    alog_event_decoder_free(&decoder);
}

/* Plain form knows no table: an integer is none of its strings, and in a real field it is itself.
 */
static void plain_form_has_no_indexes(void **state) {
    struct alog_event_decoder decoder = {0};
    struct alog_event event;
    const uint8_t by_index[] = {0x94, 0x07, 0x00, 0xc0, 0x00};
    struct alog_mp_cursor in = {.at = by_index, .end = by_index + sizeof by_index};
    assert_int_equal(alog_event_decode(&decoder, &in, *state, NULL, NULL, &event), ALOG_CORRUPT);
    const uint8_t job_by_index[] = {0x93, 0x07, 0x00, 0x00};
    in = (struct alog_mp_cursor){.at = job_by_index, .end = job_by_index + sizeof job_by_index};
    assert_int_equal(alog_event_decode(&decoder, &in, *state, NULL, NULL, &event), ALOG_CORRUPT);
    const uint8_t whole[] = {0x96, 0x07, 0x05, 0xc0, 0xc0, 0xc0, 0x07};
    in = (struct alog_mp_cursor){.at = whole, .end = whole + sizeof whole};
    assert_int_equal(alog_event_decode(&decoder, &in, *state, NULL, NULL, &event), ALOG_OK);
    assert_true(event.values[2].f64 == 7.0);
    assert_int_equal(event.timestamp_ns, 5);
    alog_event_decoder_free(&decoder);
}

static void the_most_attributes_fit(void **state) {
    struct alog_attribute *attributes = calloc(ALOG_MAX_ATTRIBUTES, sizeof *attributes);
    assert_non_null(attributes);
    for (size_t i = 0; i < ALOG_MAX_ATTRIBUTES; i++) {
        attributes[i].name = ALOG_STR("same");
        attributes[i].value = (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = (int64_t)i};
    }
    const struct alog_event event = {.name = ALOG_STR("test_execution"),
                                     .type = alog_catalogue_find(ALOG_STR("test_execution")),
                                     .event_id = ALOG_STR("e"),
                                     .environment = ALOG_STR("x"),
                                     .attributes = attributes,
                                     .attribute_count = ALOG_MAX_ATTRIBUTES};
    size_t len;
    uint8_t *bytes = encode(&event, &len);
    struct alog_event_decoder decoder = {0};
    struct alog_mp_cursor in = {.at = bytes, .end = bytes + len};
    struct alog_event back;
    const char *what;
    assert_int_equal(alog_event_decode(&decoder, &in, *state, NULL, NULL, &back), ALOG_OK);
    assert_true(test_event_equal(&event, &back, &what));
    alog_event_decoder_free(&decoder);
    free(bytes);
    free(attributes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_schema, free_schema)
        TEST(every_field_comes_back),
        TEST(random_events_come_back),
        TEST(an_event_has_these_bytes),
        TEST(block_form_means_this),
        TEST(integers_in_real_fields_are_thousandths),
        TEST(these_are_no_events),
        TEST(plain_form_has_no_indexes),
        TEST(the_most_attributes_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
