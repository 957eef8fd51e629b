/* The public reader: filters, ids and environments, and segments that grow while they are read. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/file_bytes.h"
#include "support/scratch_dir.h"
#include "support/scripted_io.h"
#include "support/segment_dump.h"
#include "support/segment_maker.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

struct fixture {
    char *dir;
    struct scripted_io script;
    struct segment_maker maker;
};

/* Each row one event: `block` groups them. The sequence is the row's number from 1. */
static const struct {
    unsigned block;
    const char *line;
} events[] = {
    {0, "{\"event\":\"job_start\",\"timestamp\":100,\"job_id\":\"a\"}"},
    {0, "{\"event\":\"error\",\"timestamp\":110,\"job_id\":\"a\",\"error_type\":\"lint\"}"},
    {0, "{\"event\":\"error\",\"timestamp\":90,\"error_type\":\"hook\"}"},
    {1, "{\"event\":\"job_start\",\"timestamp\":200,\"job_id\":\"b\"}"},
    {1, "{\"event\":\"deploy\",\"timestamp\":210,\"job_id\":\"b\",\"target\":\"x\"}"},
    {1, "{\"event\":\"rollback\",\"timestamp\":220,\"job_id\":\"b\"}"},
    {2, "{\"event\":\"writer_stats\",\"timestamp\":300,\"emitted\":6,\"stored\":6,\"dropped\":0}"},
    {2, "{\"event\":\"writer_loss\",\"timestamp\":310,\"lost_event\":\"error\",\"lost_count\":1,"
        "\"reason\":\"ring_full\"}"},
    {3, "{\"event\":\"error\",\"timestamp\":400,\"job_id\":\"a\",\"error_type\":\"test\"}"},
};

static int setup(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->dir = scratch_dir_make();
    scripted_io_init(&fixture->script);
    segment_maker_init(&fixture->maker, &fixture->script.io, fixture->dir, 0xABC);
    segment_maker_begin(&fixture->maker);
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        segment_maker_add_line(&fixture->maker, events[i].line);
        if (i + 1 == COUNT_OF(events) || events[i + 1].block != events[i].block) {
            assert_int_equal(segment_maker_end_block(&fixture->maker), ALOG_OK);
        }
    }
    *state = fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    segment_maker_free(&fixture->maker);
    scratch_dir_remove(fixture->dir);
    free(fixture);
    return 0;
}

/* The sequence numbers that pass, as "1 2 3". */
static void read_sequences(const char *path, const struct alog_reader_filter *filter, char *text) {
    struct alog_reader *reader;
    const struct alog_event *event;
    assert_int_equal(alog_reader_open(path, filter, NULL, NULL, &reader, NULL), ALOG_OK);
    *text = '\0';
    for (;;) {
        assert_int_equal(alog_reader_next(reader, &event, NULL), ALOG_OK);
        if (event == NULL) {
            break;
        }
        sprintf(text + strlen(text), "%s%d", *text ? " " : "", (int)event->sequence);
    }
    alog_reader_close(reader);
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_filters(void **state) {
    struct fixture *fixture = *state;
    const struct {
        struct alog_reader_filter filter;
        const char *sequences;
    } rows[] = {
        {{.events = NULL}, "1 2 3 4 5 6 9"},
        {{.include_writer_events = true}, "1 2 3 4 5 6 7 8 9"},
        {{.since_ns = ALOG_I64(110)}, "2 4 5 6 9"},
        {{.since_ns = ALOG_I64(111)}, "4 5 6 9"},
        {{.until_ns = ALOG_I64(110)}, "1 3"},
        {{.until_ns = ALOG_I64(90)}, ""},
        {{.since_ns = ALOG_I64(0), .until_ns = ALOG_I64(INT64_MAX)}, "1 2 3 4 5 6 9"},
        {{.since_ns = ALOG_I64(100), .until_ns = ALOG_I64(211)}, "1 2 4 5"},
        {{.since_ns = ALOG_I64(401)}, ""},
        {{.job_id = ALOG_STR("a")}, "1 2 9"},
        {{.job_id = ALOG_STR("b")}, "4 5 6"},
        {{.job_id = ALOG_STR("c")}, ""},
        {{.job_id = ALOG_STR("")}, ""},
        {{.events = NAMES("error")}, "2 3 9"},
        {{.events = NAMES("error", "job_start")}, "1 2 3 4 9"},
        {{.events = NAMES("writer_loss")}, "8"},
        {{.events = NAMES("deploy")}, "5"},
        {{.events = NAMES("deploy", "error")}, "2 3 5 9"},
        {{.events = NAMES("unheard_of")}, ""},
        {{.events = NAMES("error"), .include_writer_events = true}, "2 3 9"},
        {{.events = (const char *const[]){NULL}}, ""},
        {{.events = NAMES("error"), .job_id = ALOG_STR("a"), .since_ns = ALOG_I64(200)}, "9"},
    };
    char text[100];
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        read_sequences(fixture->maker.path, &rows[i].filter, text);
        if (strcmp(text, rows[i].sequences) != 0) {
            fail_msg("row %zu: '%s', not '%s'", i, text, rows[i].sequences);
        }
    }
    read_sequences(fixture->maker.path, NULL, text);
    assert_string_equal(text, "1 2 3 4 5 6 7 8 9");
}

/* Blocks that cannot match are not even read: their frames may be damaged, and nobody notices. */
static void test_blocks_are_skipped_by_their_headers(void **state) {
    struct fixture *fixture = *state;
    segment_maker_seal(&fixture->maker);
    size_t bytes;
    uint8_t *data = file_bytes_read(fixture->maker.path, &bytes);
    struct alog_segment_scan *scan;
    const struct alog_block_header *header;
    assert_int_equal(
        alog_segment_scan_open(alog_io_system(), fixture->maker.path, NULL, NULL, &scan, NULL),
        ALOG_OK);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(alog_segment_scan_next(scan, &header, NULL), ALOG_OK);
        if (i != 1) {
            data[alog_segment_scan_end(scan) - 1] ^= 1;
        }
    }
    alog_segment_scan_close(scan);
    file_bytes_write(fixture->maker.path, data, bytes);
    free(data);
    const struct alog_reader_filter only_block_1[] = {
        {.since_ns = ALOG_I64(200), .until_ns = ALOG_I64(230)},
        {.job_id = ALOG_STR("b")},
        {.events = NAMES("rollback")},
    };
    for (size_t i = 0; i < COUNT_OF(only_block_1); i++) {
        struct segment_dump dump;
        assert_int_equal(segment_dump_read(fixture->maker.path, &only_block_1[i], &dump), ALOG_OK);
        assert_int_equal(dump.damage_count, 0);
        assert_true(dump.event_count >= 1);
        segment_dump_free(&dump);
    }
    struct segment_dump dump;
    assert_int_equal(segment_dump_read(fixture->maker.path, NULL, &dump), ALOG_OK);
    assert_int_equal(dump.damage_count, 3);
    assert_int_equal(dump.event_count, 3);
    segment_dump_free(&dump);
}

static void assert_text(struct alog_string text, const char *expected) {
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.data, expected, text.len);
}

static void test_what_an_event_says(void **state) {
    struct fixture *fixture = *state;
    segment_maker_add_line(&fixture->maker,
                           "{\"event\":\"deploy\",\"timestamp\":500,\"event_id\":\"given\","
                           "\"environment\":\"test\",\"target\":\"y\",\"size\":3}");
    assert_int_equal(segment_maker_end_block(&fixture->maker), ALOG_OK);
    struct alog_reader *reader;
    const struct alog_event *event;
    assert_int_equal(alog_reader_open(fixture->maker.path, NULL, NULL, NULL, &reader, NULL),
                     ALOG_OK);
    assert_int_equal(alog_reader_next(reader, &event, NULL), ALOG_OK);
    assert_text(event->name, "job_start");
    assert_text(event->event_id, "0000000000000abc-1");
    assert_text(event->environment, "production");
    assert_text(event->job_id, "a");
    assert_true(event->has_timestamp);
    assert_int_equal(event->timestamp_ns, 100);
    assert_int_equal(event->writer_id, 0xABC);
    assert_int_equal(event->sequence, 1);
    assert_ptr_equal(event->type->name, alog_catalogue_find(ALOG_STR("job_start"))->name);
    while (event->sequence < COUNT_OF(events) + 1) {
        assert_int_equal(alog_reader_next(reader, &event, NULL), ALOG_OK);
    }
    assert_text(event->name, "deploy");
    assert_text(event->event_id, "given");
    assert_text(event->environment, "test");
    assert_null(event->job_id.data);
    assert_int_equal(event->attribute_count, 2);
    assert_text(event->attributes[0].name, "target");
    alog_reader_close(reader);
    alog_reader_close(NULL);
}

/* The filter is the reader's own: what the caller gave may change. */
static void test_filter_is_copied(void **state) {
    struct fixture *fixture = *state;
    char job[] = "a", name[] = "deploy";
    const char *names[] = {name, "error", NULL};
    struct alog_reader_filter filter = {.job_id = {job, 1}, .events = names};
    struct alog_reader *reader;
    const struct alog_event *event;
    assert_int_equal(alog_reader_open(fixture->maker.path, &filter, NULL, NULL, &reader, NULL),
                     ALOG_OK);
    job[0] = 'x';
    name[0] = 'x';
    names[1] = NULL;
    assert_int_equal(alog_reader_next(reader, &event, NULL), ALOG_OK);
    assert_int_equal(event->sequence, 2);
    alog_reader_close(reader);
}

static void test_goes_on_when_the_segment_grows_and_is_sealed(void **state) {
    struct fixture *fixture = *state;
    struct segment_maker *maker = &fixture->maker;
    struct segment_dump dump = {0};
    struct alog_reader *reader;
    const struct alog_event *event;
    assert_int_equal(alog_reader_open(maker->path, NULL, segment_dump_note, &dump, &reader, NULL),
                     ALOG_OK);
    uint64_t expected = COUNT_OF(events);
    for (unsigned round = 0; round < 4; round++) {
        for (uint64_t i = round == 0 ? 1 : expected; i <= expected; i++) {
            assert_int_equal(alog_reader_next(reader, &event, NULL), ALOG_OK);
            assert_int_equal(event->sequence, i);
        }
        for (unsigned again = 0; again < 2; again++) {
            assert_int_equal(alog_reader_next(reader, &event, NULL), ALOG_OK);
            assert_null(event);
        }
        segment_maker_add_line(maker, events[0].line);
        assert_int_equal(segment_maker_end_block(maker), ALOG_OK);
        expected++;
    }
    segment_maker_seal(maker); /* and renamed */
    assert_int_equal(alog_reader_next(reader, &event, NULL), ALOG_OK);
    assert_int_equal(event->sequence, expected);
    assert_int_equal(alog_reader_next(reader, &event, NULL), ALOG_OK);
    assert_null(event);
    assert_int_equal(dump.damage_count + dump.harmless_count, 0);
    alog_reader_close(reader);
    segment_dump_free(&dump);
}

/* ---- Blocks that pass every check and yet are wrong: a faulty writer's ---------------------- */

/* Write the maker's block after `spoil` has changed its content or its facts. */
static void end_spoiled_block(struct segment_maker *maker,
                              void (*spoil)(uint8_t *raw, struct alog_block_facts *facts)) {
    const uint8_t *raw, *frame;
    struct alog_block_facts facts = {0};
    assert_int_equal(alog_block_builder_finish(maker->builder, maker->next_sequence, &raw, &facts),
                     ALOG_OK);
    uint8_t *spoiled = malloc(facts.raw_bytes);
    memcpy(spoiled, raw, facts.raw_bytes);
    spoil(spoiled, &facts);
    assert_int_equal(
        alog_block_compress(maker->compressor, spoiled, facts.raw_bytes, &frame, &facts), ALOG_OK);
    assert_int_equal(alog_segment_append(maker->segment, &facts, frame, NULL), ALOG_OK);
    maker->next_sequence = facts.last_sequence + 1;
    alog_block_builder_reset(maker->builder);
    free(spoiled);
}

static struct alog_type_tally one_more, one_less;

static void state_more_events(uint8_t *raw, struct alog_block_facts *facts) {
    (void)raw;
    one_more = facts->counts[0];
    one_more.count++;
    facts->counts = &one_more;
    facts->last_sequence++;
}

static void state_fewer_events(uint8_t *raw, struct alog_block_facts *facts) {
    (void)raw;
    one_less = facts->counts[0];
    one_less.count--;
    facts->counts = &one_less;
    facts->last_sequence--;
}

static void break_the_last_event(uint8_t *raw, struct alog_block_facts *facts) {
    raw[facts->raw_bytes - 1] = 0xc1; /* no msgpack */
}

static void break_the_preamble(uint8_t *raw, struct alog_block_facts *facts) {
    (void)facts;
    raw[0] = 0xc0;
}

static void state_other_times(uint8_t *raw, struct alog_block_facts *facts) {
    (void)raw;
    facts->max_timestamp_ns++;
}

static void clear_the_filter(uint8_t *raw, struct alog_block_facts *facts) {
    (void)raw;
    static const uint8_t empty[8];
    facts->bloom = empty;
    facts->bloom_bytes = sizeof empty;
}

static void test_faulty_writers(void **state) {
    static const struct {
        const char *what;
        void (*spoil)(uint8_t *raw, struct alog_block_facts *facts);
        const char *damage; /* in a read, */
        const char *found;  /* … and in a full check */
        unsigned events;    /* of the three */
    } rows[] = {
        {"more stated", state_more_events, "\"kind\":\"event\"", "\"kind\":\"event\"", 3},
        {"fewer stated", state_fewer_events, "holds more events", "holds more events", 2},
        {"broken event", break_the_last_event, "\"kind\":\"event\"", "\"kind\":\"event\"", 2},
        {"broken preamble", break_the_preamble, "cannot be opened", "cannot be opened", 0},
        {"other times", state_other_times, NULL, "other times", 3},
        {"filter", clear_the_filter, NULL, "Bloom filter", 3},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture *fixture = *state;
        teardown(state);
        setup(state);
        fixture = *state;
        for (unsigned k = 0; k < 3; k++) {
            segment_maker_add_line(&fixture->maker, events[1].line);
        }
        end_spoiled_block(&fixture->maker, rows[i].spoil);
        segment_maker_add_line(&fixture->maker, events[0].line);
        assert_int_equal(segment_maker_end_block(&fixture->maker), ALOG_OK);
        segment_maker_seal(&fixture->maker);
        struct segment_dump dump, check = {0};
        assert_int_equal(segment_dump_read(fixture->maker.path, NULL, &dump), ALOG_OK);
        if (dump.event_count != COUNT_OF(events) + rows[i].events + 1 ||
            dump.damage_count != (rows[i].damage != NULL) ||
            (rows[i].damage && !strstr(dump.damages.data, rows[i].damage))) {
            fail_msg("%s: %d events, %s", rows[i].what, (int)dump.event_count,
                     dump.damages.data ? dump.damages.data : "no damage");
        }
        struct alog_segment_info info;
        assert_int_equal(
            alog_segment_inspect(fixture->maker.path, true, segment_dump_note, &check, &info, NULL),
            ALOG_OK);
        if (info.damages == 0 || !strstr(check.damages.data, rows[i].found)) {
            fail_msg("%s: a full check finds %s", rows[i].what,
                     check.damages.data ? check.damages.data : "nothing");
        }
        alog_segment_info_free(&info);
        segment_dump_free(&dump);
        segment_dump_free(&check);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_filters),
        TEST(test_blocks_are_skipped_by_their_headers),
        TEST(test_what_an_event_says),
        TEST(test_filter_is_copied),
        TEST(test_goes_on_when_the_segment_grows_and_is_sealed),
        TEST(test_faulty_writers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
