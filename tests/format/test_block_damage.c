/* block_open.c and event_codec.c on hostile input: cut at every byte, every bit flipped, and
 * preambles that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <xxhash.h>

#include "format/block.h"
#include "support/plain_log.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A small block of a few random events, user-defined types among them. */
struct sample {
    struct alog_schema *schema;
    struct alog_block_builder *builder;
    struct test_plain_log log;
    const uint8_t *raw;
    struct alog_block_facts facts;
};

static int make_sample(void **state) {
    static const struct alog_field fields[] = {{.name = "size", .kind = ALOG_FIELD_F64},
                                               {.name = "who", .kind = ALOG_FIELD_NAME}};
    struct sample *sample = calloc(1, sizeof *sample);
    assert_non_null(sample);
    assert_int_equal(alog_schema_new(&sample->schema), ALOG_OK);
    const struct alog_event_type *type;
    assert_int_equal(alog_schema_define(sample->schema, 0, ALOG_STR("own"), fields,
                                        COUNT_OF(fields), &type, NULL),
                     ALOG_OK);
    const struct alog_block_builder_options options = {.writer_id = 1,
                                                       .environment = ALOG_STR("test"),
                                                       .schema = sample->schema,
                                                       .block_bytes = 16u << 10};
    assert_int_equal(alog_block_builder_new(&options, &sample->builder), ALOG_OK);
    struct test_random random = {test_random_seed(41)};
    test_plain_log_add_random(&sample->log, &random, sample->schema, 14);
    for (size_t i = 0; i < sample->log.count; i++) {
        size_t len;
        const uint8_t *plain = test_plain_log_get(&sample->log, i, &len);
        assert_int_equal(alog_block_builder_add(sample->builder, plain, len), ALOG_OK);
    }
    assert_int_equal(alog_block_builder_finish(sample->builder, 5, &sample->raw, &sample->facts),
                     ALOG_OK);
    *state = sample;
    return 0;
}

static int free_sample(void **state) {
    struct sample *sample = *state;
    alog_block_builder_free(sample->builder);
    alog_schema_free(sample->schema);
    test_plain_log_free(&sample->log);
    free(sample);
    return 0;
}

/* Every byte of a string, so that the address sanitizer sees it read. */
static unsigned touch(struct alog_string text) {
    unsigned sum = 0;
    for (size_t i = 0; i < text.len; i++) {
        sum += (unsigned char)text.data[i];
    }
    return sum;
}

static unsigned touch_value(const struct alog_value *value) {
    const bool text = value->kind == ALOG_VALUE_STRING || value->kind == ALOG_VALUE_JSON;
    return text ? touch(value->string) : (unsigned)value->kind;
}

static unsigned touch_event(const struct alog_event *event) {
    unsigned sum = touch(event->name) + touch(event->job_id) + touch(event->event_id) +
                   touch(event->environment);
    for (uint32_t i = 0; i < event->value_count; i++) {
        sum += touch_value(&event->values[i]);
    }
    for (uint32_t i = 0; i < event->attribute_count; i++) {
        sum += touch(event->attributes[i].name) + touch_value(&event->attributes[i].value);
    }
    return sum;
}

/* Opens and reads everything, and says how far it came. */
struct outcome {
    enum alog_status opened, last;
    size_t events;
    unsigned sum;
};

static struct outcome read_all(struct alog_block *block, const uint8_t *raw, size_t raw_bytes) {
    struct outcome outcome = {0};
    struct alog_event_decoder decoder = {0};
    struct alog_error error = {0};
    outcome.opened = alog_block_open_raw(block, raw, raw_bytes, &error);
    assert_int_equal(error.status, outcome.opened);
    if (outcome.opened == ALOG_OK) {
        outcome.sum = touch(block->environment);
        struct alog_mp_cursor events = block->events;
        int64_t timestamp_ns = block->base_timestamp_ns;
        while (events.at < events.end && outcome.last == ALOG_OK) {
            struct alog_event event;
            outcome.last = alog_event_decode(&decoder, &events, block->schema, &block->strings,
                                             &timestamp_ns, &event);
            if (outcome.last == ALOG_OK) {
                outcome.sum += touch_event(&event);
                outcome.events++;
            }
        }
    }
    alog_event_decoder_free(&decoder);
    return outcome;
}

static void the_whole_block_is_read(void **state) {
    const struct sample *sample = *state;
    struct alog_block block = {0};
    const struct outcome outcome = read_all(&block, sample->raw, sample->facts.raw_bytes);
    assert_int_equal(outcome.opened, ALOG_OK);
    assert_int_equal(outcome.last, ALOG_OK);
    assert_int_equal(outcome.events, sample->log.count);
    alog_block_close(&block);
}

/* A block of which the end is missing yields its first events, and no others. */
static void cut_anywhere_it_is_noticed(void **state) {
    const struct sample *sample = *state;
    size_t events_before = 0;
    for (size_t len = 0; len < sample->facts.raw_bytes; len++) {
        /* A new block each time: its buffer then has exactly this length. */
        struct alog_block block = {0};
        const struct outcome outcome = read_all(&block, sample->raw, len);
        if (outcome.opened == ALOG_OK) {
            assert_true(outcome.events >= events_before);
            assert_true(outcome.events < sample->log.count);
            events_before = outcome.events;
        } else {
            assert_int_equal(outcome.opened, ALOG_CORRUPT);
            assert_int_equal(events_before, 0);
        }
        alog_block_close(&block);
    }
    assert_int_equal(events_before, sample->log.count - 1);
}

static void any_bit_may_be_flipped(void **state) {
    const struct sample *sample = *state;
    const size_t bytes = sample->facts.raw_bytes;
    uint8_t *copy = malloc(bytes);
    assert_non_null(copy);
    memcpy(copy, sample->raw, bytes);
    struct alog_block block = {0};
    for (size_t i = 0; i < bytes; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            copy[i] = (uint8_t)(copy[i] ^ 1u << bit);
            const struct outcome outcome = read_all(&block, copy, bytes);
            assert_true(outcome.opened == ALOG_OK || outcome.opened == ALOG_CORRUPT ||
                        outcome.opened == ALOG_UNSUPPORTED);
            assert_true(outcome.last == ALOG_OK || outcome.last == ALOG_CORRUPT);
            copy[i] = (uint8_t)(copy[i] ^ 1u << bit);
        }
    }
    /* And what is read after all that is not affected by it. */
    const struct outcome outcome = read_all(&block, copy, bytes);
    assert_int_equal(outcome.events, sample->log.count);
    alog_block_close(&block);
    free(copy);
}

static void any_byte_may_be_any_other(void **state) {
    const struct sample *sample = *state;
    const size_t bytes = sample->facts.raw_bytes;
    /* The tags at which msgpack's forms change, and the extremes. */
    static const uint8_t tags[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1,
                                   0xc4, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcc, 0xcf, 0xd0, 0xd3,
                                   0xd8, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff};
    uint8_t *copy = malloc(bytes);
    assert_non_null(copy);
    memcpy(copy, sample->raw, bytes);
    for (size_t i = 0; i < bytes; i++) {
        for (size_t j = 0; j < COUNT_OF(tags); j++) {
            struct alog_block block = {0};
            copy[i] = tags[j];
            (void)read_all(&block, copy, bytes);
            copy[i] = sample->raw[i];
            alog_block_close(&block);
        }
    }
    free(copy);
}

/* ---- The frame --------------------------------------------------------------------------------
 */

static XXH128_canonical_t hash_of(const uint8_t *bytes, size_t len) {
    XXH128_canonical_t hash;
    XXH128_canonicalFromHash(&hash, XXH3_128bits(bytes, len));
    return hash;
}

static void a_damaged_frame_is_refused(void **state) {
    const struct sample *sample = *state;
    struct alog_block_compressor *compressor;
    struct alog_block_facts facts = sample->facts;
    const uint8_t *frame;
    assert_int_equal(alog_block_compressor_new(1, &compressor), ALOG_OK);
    assert_int_equal(alog_block_compress(compressor, sample->raw, facts.raw_bytes, &frame, &facts),
                     ALOG_OK);
    struct alog_block block = {0};
    struct alog_error error;
    uint8_t *copy = malloc(facts.compressed_bytes);
    assert_non_null(copy);
    memcpy(copy, frame, facts.compressed_bytes);
    for (size_t i = 0; i < facts.compressed_bytes; i++) {
        copy[i] ^= 0x40;
        assert_int_equal(alog_block_open(&block, copy, &facts, &error), ALOG_CORRUPT);
        copy[i] ^= 0x40;
    }
    assert_int_equal(alog_block_open(&block, copy, &facts, &error), ALOG_OK);

    struct alog_block_facts wrong = facts;
    wrong.raw_bytes++;
    assert_int_equal(alog_block_open(&block, copy, &wrong, &error), ALOG_CORRUPT);
    wrong.raw_bytes = 0;
    assert_int_equal(alog_block_open(&block, copy, &wrong, &error), ALOG_CORRUPT);
    wrong.raw_bytes = UINT32_MAX;
    assert_int_equal(alog_block_open(&block, copy, &wrong, &error), ALOG_CORRUPT);
    wrong = facts;
    wrong.compressed_bytes--;
    assert_int_equal(alog_block_open(&block, copy, &wrong, &error), ALOG_CORRUPT);
    wrong.compressed_bytes = UINT32_MAX;
    assert_int_equal(alog_block_open(&block, copy, &wrong, &error), ALOG_CORRUPT);
    wrong = facts;
    wrong.hash[15] ^= 1;
    assert_int_equal(alog_block_open(&block, copy, &wrong, &error), ALOG_CORRUPT);
    assert_non_null(strstr(error.message, "hash"));
    /* Who has compared the hash is not asked again, nor is zstd, whose checksum is the last thing
     * in a frame. */
    assert_int_equal(alog_block_open_hashed(&block, copy, &wrong, &error), ALOG_OK);
    copy[facts.compressed_bytes - 1] ^= 1;
    assert_int_equal(alog_block_open_hashed(&block, copy, &facts, &error), ALOG_OK);
    const XXH128_canonical_t hash = hash_of(copy, facts.compressed_bytes);
    memcpy(wrong.hash, hash.digest, sizeof(wrong.hash));
    assert_int_equal(alog_block_open(&block, copy, &wrong, &error), ALOG_CORRUPT);
    assert_non_null(strstr(error.message, "zstd"));
    copy[facts.compressed_bytes - 1] ^= 1;
    wrong = facts;
    wrong.raw_bytes++;
    assert_int_equal(alog_block_open_hashed(&block, copy, &wrong, &error), ALOG_CORRUPT);
    wrong = facts;
    wrong.first_sequence++;
    assert_int_equal(alog_block_open(&block, copy, &wrong, &error), ALOG_CORRUPT);
    assert_int_equal(alog_block_open(&block, copy, &facts, NULL), ALOG_OK);
    alog_block_close(&block);
    alog_block_compressor_free(compressor);
    free(copy);
}

/* ---- Preambles by hand ------------------------------------------------------------------------
 */

/* The parts of a preamble; NULL leaves one out. */
#define VERSION                                                                                    \
    "\xa8"                                                                                         \
    "agentlog\x01"
#define WRITER                                                                                     \
    "\xa6"                                                                                         \
    "writer\xb0"                                                                                   \
    "00000000000000ff"
#define ENVIRONMENT                                                                                \
    "\xab"                                                                                         \
    "environment\xa1"                                                                              \
    "e"
#define SEQUENCE                                                                                   \
    "\xae"                                                                                         \
    "first_sequence\x05"
#define TIMESTAMP                                                                                  \
    "\xa9"                                                                                         \
    "timestamp\x64"
#define SCHEMA                                                                                     \
    "\xa6"                                                                                         \
    "schema\x90"
#define STRINGS                                                                                    \
    "\xa7"                                                                                         \
    "strings\x90"

static const struct {
    const char *bytes;
    size_t len;
    enum alog_status status;
} preambles[] = {
#define PREAMBLE(status, bytes)                                                                    \
    { bytes, sizeof bytes - 1, status }
    PREAMBLE(ALOG_OK, "\x87" VERSION WRITER ENVIRONMENT SEQUENCE TIMESTAMP SCHEMA STRINGS),
    /* Any order; unknown keys are passed over, nested ones too. */
    PREAMBLE(ALOG_OK, "\x87" STRINGS SCHEMA TIMESTAMP SEQUENCE ENVIRONMENT WRITER VERSION),
    PREAMBLE(ALOG_OK, "\x88" VERSION "\xa3new\x81\x91\x01\x92\xc0\xc3" WRITER ENVIRONMENT SEQUENCE
                          TIMESTAMP SCHEMA STRINGS),
    PREAMBLE(ALOG_CORRUPT, "\x88" VERSION
                           "\xa3new\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
                           "\x91\x91\x91\xc0" WRITER ENVIRONMENT SEQUENCE TIMESTAMP SCHEMA STRINGS),
    PREAMBLE(ALOG_CORRUPT,
             "\x88" VERSION "\x01\x01" WRITER ENVIRONMENT SEQUENCE TIMESTAMP SCHEMA STRINGS),
    PREAMBLE(ALOG_CORRUPT,
             "\x88" VERSION VERSION WRITER ENVIRONMENT SEQUENCE TIMESTAMP SCHEMA STRINGS),
    PREAMBLE(ALOG_CORRUPT, "\x90"),
    PREAMBLE(ALOG_CORRUPT, "\x80"),
    /* One part missing. */
    PREAMBLE(ALOG_CORRUPT, "\x86" WRITER ENVIRONMENT SEQUENCE TIMESTAMP SCHEMA STRINGS),
    PREAMBLE(ALOG_CORRUPT, "\x86" VERSION ENVIRONMENT SEQUENCE TIMESTAMP SCHEMA STRINGS),
    PREAMBLE(ALOG_CORRUPT, "\x86" VERSION WRITER SEQUENCE TIMESTAMP SCHEMA STRINGS),
    PREAMBLE(ALOG_CORRUPT, "\x86" VERSION WRITER ENVIRONMENT TIMESTAMP SCHEMA STRINGS),
    PREAMBLE(ALOG_CORRUPT, "\x86" VERSION WRITER ENVIRONMENT SEQUENCE SCHEMA STRINGS),
    PREAMBLE(ALOG_CORRUPT, "\x86" VERSION WRITER ENVIRONMENT SEQUENCE TIMESTAMP STRINGS),
    PREAMBLE(ALOG_CORRUPT, "\x86" VERSION WRITER ENVIRONMENT SEQUENCE TIMESTAMP SCHEMA),
    /* One part wrong. */
    PREAMBLE(ALOG_UNSUPPORTED, "\x87"
                               "\xa8"
                               "agentlog\x02" WRITER ENVIRONMENT SEQUENCE TIMESTAMP SCHEMA STRINGS),
    PREAMBLE(ALOG_CORRUPT, "\x87"
                           "\xa8"
                           "agentlog\x00" WRITER ENVIRONMENT SEQUENCE TIMESTAMP SCHEMA STRINGS),
    PREAMBLE(ALOG_CORRUPT, "\x87" VERSION "\xa6writer\xb0"
                           "0000000000000zff" ENVIRONMENT SEQUENCE TIMESTAMP SCHEMA STRINGS),
    PREAMBLE(ALOG_CORRUPT, "\x87" VERSION "\xa6writer\xb0"
                           "00000000000000FF" ENVIRONMENT SEQUENCE TIMESTAMP SCHEMA STRINGS),
    PREAMBLE(ALOG_CORRUPT, "\x87" VERSION "\xa6writer\xa2"
                           "ff" ENVIRONMENT SEQUENCE TIMESTAMP SCHEMA STRINGS),
    PREAMBLE(ALOG_CORRUPT, "\x87" VERSION WRITER "\xab"
                           "environment\x01" SEQUENCE TIMESTAMP SCHEMA STRINGS),
    PREAMBLE(ALOG_CORRUPT, "\x87" VERSION WRITER ENVIRONMENT "\xae"
                           "first_sequence\x00" TIMESTAMP SCHEMA STRINGS),
    PREAMBLE(ALOG_CORRUPT, "\x87" VERSION WRITER ENVIRONMENT "\xae"
                           "first_sequence\xff" TIMESTAMP SCHEMA STRINGS),
    PREAMBLE(ALOG_CORRUPT,
             "\x87" VERSION WRITER ENVIRONMENT SEQUENCE "\xa9timestamp\xff" SCHEMA STRINGS),
    PREAMBLE(ALOG_CORRUPT, "\x87" VERSION WRITER ENVIRONMENT SEQUENCE
                           "\xa9timestamp\xcf\x80\0\0\0\0\0\0\0" SCHEMA STRINGS),
    PREAMBLE(ALOG_CORRUPT,
             "\x87" VERSION WRITER ENVIRONMENT SEQUENCE TIMESTAMP SCHEMA "\xa7strings\x91\x01"),
    PREAMBLE(ALOG_CORRUPT,
             "\x87" VERSION WRITER ENVIRONMENT SEQUENCE TIMESTAMP SCHEMA "\xa7strings\xc0"),
/* Schemas. */
#define WITH_SCHEMA(bytes)                                                                         \
    "\x87" VERSION WRITER ENVIRONMENT SEQUENCE TIMESTAMP "\xa6schema" bytes STRINGS
    PREAMBLE(ALOG_OK, WITH_SCHEMA("\x91\x93\x40\xa3own\x91\x92\xa1"
                                  "f\xa3"
                                  "i64")),
    PREAMBLE(ALOG_OK, WITH_SCHEMA("\x91\x94\x40\xa3own\x91\x93\xa1"
                                  "f\xa3"
                                  "i64\xc0\xc0")),
    PREAMBLE(ALOG_OK, WITH_SCHEMA("\x91\x93\x0d\xa5newer\x91\x92\xa1"
                                  "f\xa4"
                                  "enum")),
    PREAMBLE(ALOG_OK, WITH_SCHEMA("\x91\x93\x01\xa9job_start\x91\x92\xa8"
                                  "ai_agent\xa4"
                                  "bool")),
    PREAMBLE(ALOG_CORRUPT, WITH_SCHEMA("\x91\x93\x40\xa3own\x91\x92\xa1"
                                       "f\xa3"
                                       "u64")),
    PREAMBLE(ALOG_CORRUPT, WITH_SCHEMA("\x91\x93\x40\xa3own\x91\x91\xa1"
                                       "f")),
    PREAMBLE(ALOG_CORRUPT, WITH_SCHEMA("\x91\x93\x40\xa3own\x91\x92\xa1\0\xa3"
                                       "i64")),
    PREAMBLE(ALOG_CORRUPT, WITH_SCHEMA("\x91\x93\x40\xa3own\x91\x92\xa6"
                                       "job_id\xa3"
                                       "i64")),
    PREAMBLE(ALOG_CORRUPT, WITH_SCHEMA("\x91\x93\x40\xa3own\x92\x92\xa1"
                                       "f\xa3"
                                       "i64\x92\xa1"
                                       "f\xa3"
                                       "i64")),
    PREAMBLE(ALOG_CORRUPT, WITH_SCHEMA("\x91\x93\x40\xa0\x90")),
    PREAMBLE(ALOG_CORRUPT, WITH_SCHEMA("\x91\x93\x00\xa3own\x90")),
    PREAMBLE(ALOG_CORRUPT, WITH_SCHEMA("\x91\x93\xcd\x04\x00\xa3own\x90")),
    PREAMBLE(ALOG_CORRUPT, WITH_SCHEMA("\x91\x92\x40\xa3own")),
    PREAMBLE(ALOG_UNSUPPORTED, WITH_SCHEMA("\x92\x93\x40\xa3own\x90\x93\x41\xa3own\x90")),
    PREAMBLE(ALOG_UNSUPPORTED, WITH_SCHEMA("\x92\x93\x40\xa3own\x90\x93\x40\xa3odd\x90")),
    PREAMBLE(ALOG_UNSUPPORTED, WITH_SCHEMA("\x91\x93\x01\xa3own\x90")),
    PREAMBLE(ALOG_UNSUPPORTED, WITH_SCHEMA("\x91\x93\x40\xa9job_start\x90")),
    PREAMBLE(ALOG_UNSUPPORTED, WITH_SCHEMA("\x91\x93\x01\xa9job_start\x91\x92\xa8"
                                           "ai_agent\xa3"
                                           "i64")),
};

static void preambles_are_read_or_refused(void **state) {
    (void)state;
    struct alog_block block = {0};
    for (size_t i = 0; i < COUNT_OF(preambles); i++) {
        const struct outcome outcome =
            read_all(&block, (const uint8_t *)preambles[i].bytes, preambles[i].len);
        if (outcome.opened != preambles[i].status) {
            fail_msg("preamble %zu: %s", i, alog_status_name(outcome.opened));
        }
        if (outcome.opened == ALOG_OK) {
            assert_int_equal(block.writer_id, 255);
            assert_int_equal(block.first_sequence, 5);
            assert_int_equal(block.base_timestamp_ns, 100);
            assert_ptr_equal(block.events.at, block.events.end);
        }
    }
    alog_block_close(&block);
}

/* A preamble with so many of each; the lengths are those of a name, the counts those of an array.
 */
struct sizes {
    uint32_t environment_len, strings, types, fields, field_name_len;
};

static size_t put_preamble(uint8_t *start, const struct sizes *sizes) {
    char text[UINT16_MAX + 1]; /* the compiler warns of less: it follows each form of a length */
    memset(text, 'x', sizeof text);
    uint8_t *at = alog_mp_map_head(start, 7);
    memcpy(at, VERSION WRITER SEQUENCE TIMESTAMP, sizeof VERSION WRITER SEQUENCE TIMESTAMP - 1);
    at += sizeof VERSION WRITER SEQUENCE TIMESTAMP - 1;
    at = alog_mp_str(at, "environment", 11);
    at = alog_mp_str(at, text, sizes->environment_len);
    at = alog_mp_array_head(alog_mp_str(at, "schema", 6), sizes->types);
    for (uint32_t i = 0; i < sizes->types; i++) {
        at = alog_mp_uint(alog_mp_array_head(at, 3), 64);
        at = alog_mp_array_head(alog_mp_str(at, "own", 3), sizes->fields);
        for (uint32_t j = 0; j < sizes->fields; j++) {
            text[0] = (char)('A' + j);
            at = alog_mp_str(alog_mp_array_head(at, 2), text, sizes->field_name_len);
            at = alog_mp_str(at, "i64", 3);
        }
    }
    at = alog_mp_array_head(alog_mp_str(at, "strings", 7), sizes->strings);
    for (uint32_t i = 0; i < sizes->strings; i++) {
        at = alog_mp_str(at, "", 0);
    }
    return (size_t)(at - start);
}

static void every_count_has_a_limit(void **state) {
    (void)state;
    static const struct {
        struct sizes sizes;
        enum alog_status status;
    } rows[] = {
        {{1, 0, 0, 0, 0}, ALOG_OK},          {{255, 0, 0, 0, 0}, ALOG_OK},
        {{256, 0, 0, 0, 0}, ALOG_CORRUPT},   {{1, 65535, 0, 0, 0}, ALOG_OK},
        {{1, 65536, 0, 0, 0}, ALOG_CORRUPT}, {{1, 0, 1024, 1, 1}, ALOG_OK},
        {{1, 0, 1025, 1, 1}, ALOG_CORRUPT},  {{1, 0, 1, 64, 1}, ALOG_OK},
        {{1, 0, 1, 65, 1}, ALOG_CORRUPT},    {{1, 0, 1, 1, 255}, ALOG_OK},
        {{1, 0, 1, 1, 256}, ALOG_CORRUPT},   {{1, 0, 1, 64, 290}, ALOG_CORRUPT},
        {{1, 0, 1, 1, 0}, ALOG_CORRUPT},
    };
    uint8_t *bytes = malloc(1u << 20);
    assert_non_null(bytes);
    struct alog_block block = {0};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const size_t len = put_preamble(bytes, &rows[i].sizes);
        const struct outcome outcome = read_all(&block, bytes, len);
        if (outcome.opened != rows[i].status) {
            fail_msg("row %zu: %s", i, alog_status_name(outcome.opened));
        }
    }
    alog_block_close(&block);
    free(bytes);
}

/* A type that a newer version has lengthened: its further field is there by name. */
static void fields_of_a_newer_version_are_kept(void **state) {
    (void)state;
    static const char bytes[] = WITH_SCHEMA("\x91\x93\x01\xa9job_start\x93\x92\xa8"
                                            "ai_agent\xa4"
                                            "bool"
                                            "\x92\xa8metadata\xa4json\x92\xa4"
                                            "cost\xa3"
                                            "f64") "\x96\x01\x00\xa1j\xc3\xc0\xcd\x05\xdc";
    struct alog_block block = {0};
    struct alog_event_decoder decoder = {0};
    struct alog_event event;
    assert_int_equal(alog_block_open_raw(&block, (const uint8_t *)bytes, sizeof bytes - 1, NULL),
                     ALOG_OK);
    int64_t timestamp_ns = block.base_timestamp_ns;
    assert_int_equal(alog_event_decode(&decoder, &block.events, block.schema, &block.strings,
                                       &timestamp_ns, &event),
                     ALOG_OK);
    assert_int_equal(event.value_count, 3);
    assert_string_equal(event.type->fields[2].name, "cost");
    assert_true(event.values[2].f64 == 1.5);
    assert_true(event.values[0].boolean);
    alog_event_decoder_free(&decoder);
    alog_block_close(&block);
}

/* User-defined ids are the writer's own: a block must not see the types of the one before. */
static void a_block_stands_alone(void **state) {
    (void)state;
    static const char first[] = WITH_SCHEMA("\x91\x93\x40\xa3one\x90") "\x93\x40\x00\xc0";
    static const char second[] = WITH_SCHEMA("\x91\x93\x40\xa3two\x90") "\x93\x40\x00\xc0";
    static const char neither[] = WITH_SCHEMA("\x90") "\x93\x40\x00\xc0";
    struct alog_block block = {0};
    struct outcome outcome = read_all(&block, (const uint8_t *)first, sizeof first - 1);
    assert_int_equal(outcome.events, 1);
    outcome = read_all(&block, (const uint8_t *)second, sizeof second - 1);
    assert_int_equal(outcome.events, 1);
    assert_string_equal(alog_schema_type(block.schema, 64)->name, "two");
    outcome = read_all(&block, (const uint8_t *)neither, sizeof neither - 1);
    assert_int_equal(outcome.opened, ALOG_OK);
    assert_int_equal(outcome.events, 0);
    assert_int_equal(outcome.last, ALOG_CORRUPT);
    alog_block_close(&block);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_sample, free_sample)
        TEST(the_whole_block_is_read),
        TEST(cut_anywhere_it_is_noticed),
        TEST(any_bit_may_be_flipped),
        TEST(any_byte_may_be_any_other),
        TEST(a_damaged_frame_is_refused),
        cmocka_unit_test(preambles_are_read_or_refused),
        cmocka_unit_test(every_count_has_a_limit),
        cmocka_unit_test(fields_of_a_newer_version_are_kept),
        cmocka_unit_test(a_block_stands_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
