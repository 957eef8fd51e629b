/* NDJSON: what is taken, what is refused and where, and that reading and writing are inverses. */
#include <agentlog/ndjson.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static int setup(void **state) {
    struct alog_ndjson_parser *parser = NULL;
    assert_int_equal(alog_ndjson_parser_new(&parser), ALOG_OK);
    *state = parser;
    return 0;
}

static int teardown(void **state) {
    alog_ndjson_parser_free(*state);
    return 0;
}

/* Parse `line` and write it again into `text`, without the newline at its end, NUL-terminated. */
static void rewrite(struct alog_ndjson_parser *parser, const char *line, size_t len,
                    struct alog_text *text) {
    const struct alog_event *event = NULL;
    struct alog_error error = {.message = ""};
    const enum alog_status status = alog_ndjson_parse(parser, line, len, &event, &error);
    if (status != ALOG_OK) {
        fail_msg("%s: %s", line, error.message);
    }
    text->len = 0;
    assert_int_equal(alog_ndjson_write(event, text), ALOG_OK);
    assert_true(text->len > 0 && text->data[text->len - 1] == '\n');
    text->data[text->len - 1] = '\0';
}

#define HOOK      "{\"event\":\"hook_execution\",\"timestamp\":\"2026-02-04T12:00:00Z\","
#define HOOK_REST "\"hook_name\":\"ruff\",\"status\":\"failed\""
#define PROVIDER  "{\"event\":\"provider_performance\",\"provider_id\":\"openai\",\"success\":true"
#define USER      "{\"event\":\"cache.flush\""

/* A line, and how it is written again; NULL = as it was. */
struct taken {
    const char *line;
    const char *written;
};

static const struct taken taken_lines[] = {
    {HOOK HOOK_REST "}", NULL},
    /* times */
    {"{\"event\":\"x\",\"timestamp\":0}",
     "{\"event\":\"x\",\"timestamp\":\"1970-01-01T00:00:00Z\"}"},
    {"{\"event\":\"x\",\"timestamp\":9223372036854775807}",
     "{\"event\":\"x\",\"timestamp\":\"2262-04-11T23:47:16.854775807Z\"}"},
    {"{\"event\":\"x\",\"timestamp\":\"2026-02-04T20:00:00.5+08:00\"}",
     "{\"event\":\"x\",\"timestamp\":\"2026-02-04T12:00:00.500Z\"}"},
    {"{\"event\":\"x\",\"timestamp\":null}", "{\"event\":\"x\"}"},
    /* white space, order, escapes */
    {" \t{ \"status\" : \"failed\" ,\"hook_name\":\"a,}\\\"b\" , \"event\":\"hook_execution\" } \r",
     "{\"event\":\"hook_execution\",\"hook_name\":\"a,}\\\"b\",\"status\":\"failed\"}"},
    {USER ",\"t\":\"\\u0041\\ud83d\\ude00\\u00e9\\/\"}", USER ",\"t\":\"A😀é/\"}"},
    {USER ",\"t\":\"a\\u0000b\\u0007\\n\\u007f\\u009b\"}",
     USER ",\"t\":\"a\\u0000b\\u0007\\n\\u007f\\u009b\"}"},
    {USER ",\"\\u0061\\\"b\":1}", USER ",\"a\\\"b\":1}"},
    /* what every event has: in its place */
    {"{\"environment\":\"test\",\"event_id\":\"e-1\",\"job_id\":\"j\",\"a\":1,\"event\":\"x\"}",
     "{\"event\":\"x\",\"job_id\":\"j\",\"a\":1,\"event_id\":\"e-1\",\"environment\":\"test\"}"},
    {"{\"event\":\"x\",\"job_id\":null,\"event_id\":null,\"environment\":null}",
     "{\"event\":\"x\"}"},
    /* fields: null is absent, whole reals are integers, integers are reals */
    {PROVIDER ",\"model\":null,\"latency_ms\":null}", PROVIDER "}"},
    {PROVIDER ",\"latency_ms\":5,\"input_tokens\":7.0,\"output_tokens\":1e3}",
     PROVIDER ",\"latency_ms\":5.0,\"input_tokens\":7,\"output_tokens\":1000}"},
    {PROVIDER ",\"latency_ms\":\"NaN\",\"cost_usd\":\"Infinity\"}", NULL},
    {PROVIDER ",\"cost_usd\":\"-Infinity\"}", NULL},
    {PROVIDER ",\"latency_ms\":1528.1514210000182}", NULL},
    {PROVIDER ",\"cost_usd\":0.1}", NULL},
    {PROVIDER ",\"latency_ms\":5e-324}", PROVIDER ",\"latency_ms\":4.94065645841247e-324}"},
    {PROVIDER ",\"latency_ms\":1e15}", PROVIDER ",\"latency_ms\":1e+15}"},
    {PROVIDER ",\"latency_ms\":0.30000000000000004}", NULL},
    {PROVIDER ",\"latency_ms\":-0.0}", NULL},
    /* JSON fields: text as given, nested values as text, white space gone, digits kept */
    {"{\"event\":\"job_start\",\"job_id\":\"j\",\"metadata\":\"{ \\\"a\\\": 1 }\"}", NULL},
    {"{\"event\":\"job_start\",\"job_id\":\"j\",\"metadata\": { \"a b\" : [1, 2.50, \"x  y\"] } }",
     "{\"event\":\"job_start\",\"job_id\":\"j\",\"metadata\":{\"a b\":[1,2.50,\"x  y\"]}}"},
    {"{\"event\":\"job_start\",\"job_id\":\"j\",\"metadata\":[]}", NULL},
    {"{\"event\":\"job_start\",\"job_id\":\"j\",\"metadata\":17}", NULL},
    /* attributes: every scalar, integers to the last bit, reals stay reals */
    {USER ",\"a\":null,\"b\":true,\"c\":false,\"d\":-9223372036854775808,"
          "\"e\":18446744073709551615,\"f\":9223372036854775808,\"g\":1.0,\"h\":\"NaN\"}",
     NULL},
    {USER ",\"a\":{\"b\":[{}, []], \"c\":123456789012345678901234567890,\"d\":\"\\\\\\\"]\"}}",
     USER ",\"a\":{\"b\":[{},[]],\"c\":123456789012345678901234567890,\"d\":\"\\\\\\\"]\"}}"},
    {USER ",\"a\":[\"\x7f\xc2\x9b\"],\"b\":[1],\"c\":{\"d\":null}}",
     USER ",\"a\":[\"\\u007f\\u009b\"],\"b\":[1],\"c\":{\"d\":null}}"},
    {HOOK HOOK_REST ",\"latency_ms\":5,\"deep\":[[[[1]]]]}", NULL},
};

static void test_lines_taken(void **state) {
    struct alog_text text = {0};
    struct alog_text again = {0};
    for (size_t i = 0; i < COUNT_OF(taken_lines); i++) {
        const struct taken *taken = &taken_lines[i];
        rewrite(*state, taken->line, strlen(taken->line), &text);
        assert_string_equal(text.data, taken->written ? taken->written : taken->line);
        rewrite(*state, text.data, strlen(text.data), &again);
        assert_string_equal(again.data, text.data);
    }
    alog_text_free(&text);
    alog_text_free(&again);
}

#define ANY_OFFSET (-2)

/* A line, the byte that is wrong with it, and a part of the reason. */
struct refused {
    const char *line;
    int64_t offset;
    const char *reason;
};

static const struct refused refused_lines[] = {
    /* grammar */
    {"", ANY_OFFSET, "broken JSON"},
    {"{\"event\":\"x\"", 12, "broken JSON"},
    {"{\"event\":\"x\"} {}", ANY_OFFSET, "broken JSON"},
    {"{\"event\":\"x\",}", ANY_OFFSET, "broken JSON"},
    {"{event:\"x\"}", ANY_OFFSET, "broken JSON"},
    {"nonsense", ANY_OFFSET, "broken JSON"},
    {"{\"event\":\"x\",\"a\":NaN}", ANY_OFFSET, "broken JSON"},
    {"{\"event\":\"x\",\"a\":Infinity}", ANY_OFFSET, "broken JSON"},
    {"{\"event\":\"x\",\"a\":1e999}", ANY_OFFSET, "overflow"},
    {"{\"event\":\"x\",\"a\":01}", ANY_OFFSET, "broken JSON"},
    {"{\"event\":\"x\",\"a\":\"\xff\"}", ANY_OFFSET, "UTF-8"},
    {"{\"event\":\"x\",\"a\":\"\xed\xa0\x80\"}", ANY_OFFSET, "UTF-8"},
    {"{\"event\":\"x\",\"a\":\"\\ud800\"}", ANY_OFFSET, "broken JSON"},
    {"{\"event\":\"x\",\"a\":\"tab\there\"}", ANY_OFFSET, "broken JSON"},
    {"{\"event\":\"x\",\"a\":1,\"a\":2}", ANY_OFFSET, "duplicate"},
    {"{\"event\":\"x\",\"a\\u0000\":1}", ANY_OFFSET, "NUL"},
    {"[]", 0, "object"},
    {"[1,2]", 0, "object"},
    {"\"event\"", ANY_OFFSET, "broken JSON"},
    /* no type */
    {"{}", ANY_OFFSET, "no event"},
    {"{\"timestamp\":1}", ANY_OFFSET, "no event"},
    {"{\"event\":null}", ANY_OFFSET, "no event"},
    {"{\"event\": 5}", 10, "event must be text, not an integer"},
    {"{\"event\":[\"x\"]}", 9, "event must be text, not an array"},
    {"{\"event\":\"\"}", ANY_OFFSET, "event"},
    /* times */
    {"{\"event\":\"x\",\"timestamp\":1.5}", 25, "timestamp must be an RFC 3339"},
    {"{\"event\":\"x\",\"timestamp\":1e18}", 25, "timestamp must be an RFC 3339"},
    {"{\"event\":\"x\",\"timestamp\":true}", 25, "timestamp must be an RFC 3339"},
    {"{\"event\":\"x\",\"timestamp\":-1}", 25, "before 1970"},
    {"{\"event\":\"x\",\"timestamp\":9223372036854775808}", 25, "beyond 64 bits"},
    {"{\"event\":\"x\",\"timestamp\":\"yesterday\"}", 25, "timestamp"},
    {"{\"event\":\"x\",\"timestamp\":\"2026-02-04T12:00:00\"}", 25, "timestamp"},
    {"{\"event\":\"x\",\"timestamp\":\"2026-02-30T12:00:00Z\"}", 25, "timestamp"},
    {"{\"event\":\"x\",\"timestamp\":\"1969-12-31T23:59:59Z\"}", 25, "timestamp"},
    {"{\"event\":\"x\",\"timestamp\":\"2400-01-01T00:00:00Z\"}", 25, "timestamp"},
    /* fields */
    {"{\"event\":\"hook_execution\",\"status\":\"failed\"}", ANY_OFFSET, "hook_name"},
    {HOOK "\"hook_name\":null,\"status\":\"failed\"}", ANY_OFFSET, "hook_name"},
    {HOOK "\"hook_name\":\"x\",\"status\":\"broken\"}", ANY_OFFSET, "status"},
    {HOOK "\"hook_name\":7,\"status\":\"failed\"}", 73, "hook_name must be text, not an integer"},
    {HOOK "\"status\":true}", ANY_OFFSET, "status must be text, not a boolean"},
    {"{\"event\":\"job_start\"}", ANY_OFFSET, "job_id"},
    {"{\"event\":\"job_end\",\"status\":\"failed\"}", ANY_OFFSET, "job_id"},
    {"{\"event\":\"x\",\"job_id\":5}", 22, "job_id must be text"},
    {"{\"event\":\"x\",\"environment\":{}}", 27, "environment must be text"},
    {PROVIDER ",\"latency_ms\":\"fast\"}", ANY_OFFSET, "latency_ms must be a number, not a string"},
    {PROVIDER ",\"latency_ms\":-1}", ANY_OFFSET, "latency_ms"},
    {PROVIDER ",\"latency_ms\":[1]}", ANY_OFFSET, "latency_ms must be a number, not an array"},
    {PROVIDER ",\"input_tokens\":1.5}", ANY_OFFSET, "input_tokens must be an integer, not a real"},
    {PROVIDER ",\"input_tokens\":1e19}", ANY_OFFSET, "input_tokens must be an integer"},
    {PROVIDER ",\"input_tokens\":\"5\"}", ANY_OFFSET, "input_tokens must be an integer"},
    {PROVIDER ",\"input_tokens\":9223372036854775808}", ANY_OFFSET, "beyond 64 bits"},
    {PROVIDER ",\"input_tokens\":-1}", ANY_OFFSET, "input_tokens"},
    {"{\"event\":\"provider_performance\",\"provider_id\":\"o\",\"success\":1}", ANY_OFFSET,
     "success must be true or false, not an integer"},
    {"{\"event\":\"agent_execution\",\"agent_name\":\"a\",\"success\":true,\"confidence\":1.01}",
     ANY_OFFSET, "confidence"},
    /* attributes */
    {"{\"event\":\"x\",\"a\":18446744073709551616}", 17, "beyond 64 bits"},
    {"{\"event\":\"x\",\"a\":-9223372036854775809}", 17, "beyond 64 bits"},
    {"{\"event\":\"x\",\"\":1}", ANY_OFFSET, "attribute"},
};

static void test_lines_refused(void **state) {
    static const struct alog_event untouched = {0};
    for (size_t i = 0; i < COUNT_OF(refused_lines); i++) {
        const struct refused *refused = &refused_lines[i];
        const struct alog_event *event = &untouched;
        struct alog_error error = {.message = ""};
        const enum alog_status status =
            alog_ndjson_parse(*state, refused->line, strlen(refused->line), &event, &error);
        if (status != ALOG_INVALID || error.status != ALOG_INVALID || event != &untouched ||
            strstr(error.message, refused->reason) == NULL ||
            (refused->offset != ANY_OFFSET && refused->offset != error.offset)) {
            fail_msg("%s: status %d, offset %d, %s", refused->line, (int)status, (int)error.offset,
                     error.message);
        }
        /* The parser goes on as if nothing had been. */
        assert_int_equal(alog_ndjson_parse(*state, "{\"event\":\"x\"}", 13, &event, NULL), ALOG_OK);
    }
}

static void test_raw_nul_and_length(void **state) {
    const struct alog_event *event = NULL;
    struct alog_error error = {.message = ""};
    static const char nul[] = "{\"event\":\"a\0b\"}";
    assert_int_equal(alog_ndjson_parse(*state, nul, sizeof nul - 1, &event, &error), ALOG_INVALID);
    assert_int_equal(
        alog_ndjson_parse(*state, nul, (size_t)ALOG_MAX_EVENT_BYTES + 1, &event, &error),
        ALOG_INVALID);
    assert_non_null(strstr(error.message, "16777216"));

    /* A string of a megabyte, and one of deep nesting: bounded, not a crash. */
    const size_t len = 1 << 20;
    char *line = malloc(len + 64);
    assert_non_null(line);
    size_t at = (size_t)sprintf(line, "{\"event\":\"error\",\"error_type\":\"lint\",\"a\":\"");
    memset(line + at, 'x', len - at);
    memcpy(line + len, "\"}", 2);
    assert_int_equal(alog_ndjson_parse(*state, line, len + 2, &event, &error), ALOG_OK);
    assert_int_equal(event->attribute_count, 1);
    assert_int_equal(event->attributes[0].value.string.len, len - at);
    memset(line + at - 1, '[', len - at + 1);
    assert_int_equal(alog_ndjson_parse(*state, line, len, &event, &error), ALOG_INVALID);
    free(line);
}

static void test_kinds(void **state) {
    static const char line[] = PROVIDER ",\"latency_ms\":5,\"input_tokens\":7.0,\"u\":1,\"r\":1.0,"
                                        "\"big\":18446744073709551615,\"nest\":[1, 2]}";
    const struct alog_event *event = NULL;
    assert_int_equal(alog_ndjson_parse(*state, line, sizeof line - 1, &event, NULL), ALOG_OK);
    assert_ptr_equal(event->type, alog_catalogue_find(ALOG_STR("provider_performance")));
    assert_false(event->has_timestamp);
    assert_null(event->job_id.data);
    unsigned present = 0;
    for (uint32_t i = 0; i < event->value_count; i++) {
        const char *name = event->type->fields[i].name;
        const struct alog_value *value = &event->values[i];
        present += value->kind != ALOG_VALUE_ABSENT;
        if (strcmp(name, "latency_ms") == 0) {
            assert_int_equal(value->kind, ALOG_VALUE_F64);
            assert_true(value->f64 == 5.0);
        } else if (strcmp(name, "input_tokens") == 0) {
            assert_int_equal(value->kind, ALOG_VALUE_I64);
            assert_int_equal(value->i64, 7);
        }
    }
    assert_int_equal(present, 4);
    static const enum alog_value_kind kinds[] = {ALOG_VALUE_I64, ALOG_VALUE_F64, ALOG_VALUE_U64,
                                                 ALOG_VALUE_JSON};
    assert_int_equal(event->attribute_count, COUNT_OF(kinds));
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        assert_int_equal(event->attributes[i].value.kind, kinds[i]);
    }
    assert_memory_equal(event->attributes[3].value.string.data, "[1,2]", 5);
}

/* ---- Events that no parser made ---- */

static void expect_attribute(struct alog_value value, const char *expected) {
    const struct alog_attribute attribute = {ALOG_STR("a"), value};
    const struct alog_event_type type = {.name = "x", .name_len = 1};
    const struct alog_event event = {
        .name = ALOG_STR("x"), .type = &type, .attributes = &attribute, .attribute_count = 1};
    struct alog_text text = {0};
    char line[512];
    snprintf(line, sizeof line, "{\"event\":\"x\",\"a\":%s}\n", expected);
    assert_int_equal(alog_ndjson_write(&event, &text), ALOG_OK);
    assert_int_equal(text.len, strlen(line));
    assert_memory_equal(text.data, line, text.len);
    alog_text_free(&text);
}

static struct alog_value string_value(enum alog_value_kind kind, const char *data, size_t len) {
    return (struct alog_value){.kind = kind, .string = {data, len}};
}

static void test_hostile_values_written(void **state) {
    (void)state;
    static const struct {
        const char *data;
        size_t len;
        const char *expected;
    } strings[] = {
        {"", 0, "\"\""},
        {"a\0b", 3, "\"a\\u0000b\""},
        {"\x80", 1, "\"\xef\xbf\xbd\""},
        {"a\xffz", 3, "\"a\xef\xbf\xbdz\""},
        {"\xc0\xaf", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""},                 /* an overlong slash */
        {"\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* a surrogate */
        {"\xf0\x9f\x98", 3, "\"\xef\xbf\xbd\""}, /* cut short: one replacement */
        {"\xf0\x9f\x98\x80", 4, "\"😀\""},
        {"\xf4\x90\x80\x80", 4, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xe2\x82", 2, "\"\xef\xbf\xbd\""},
        {"\x1b[31m", 5, "\"\\u001b[31m\""},
        {"\xc2\x9b"
         "31m",
         5, "\"\\u009b31m\""},
        {"\xc2\xa0", 2, "\"\xc2\xa0\""},
    };
    for (size_t i = 0; i < COUNT_OF(strings); i++) {
        expect_attribute(string_value(ALOG_VALUE_STRING, strings[i].data, strings[i].len),
                         strings[i].expected);
    }
    static const struct {
        const char *json;
        const char *expected;
    } jsons[] = {
        {"{\"a\":1.50}", "{\"a\":1.50}"},
        {"[1,\n\t2]", "[1,2]"},
        {"123456789012345678901234567890", "123456789012345678901234567890"},
        {"[\"\x7f\"]", "[\"\\u007f\"]"},
        /* what no JSON reader would take cannot break the line */
        {"}\n{\"event\":\"forged\"", "\"}\\n{\\\"event\\\":\\\"forged\\\"\""},
        {"[1", "\"[1\""},
        {"", "\"\""},
        {"{\"a\":1,\"a\":2}", "\"{\\\"a\\\":1,\\\"a\\\":2}\""},
        {"[\"\xff\"]", "\"[\\\"\xef\xbf\xbd\\\"]\""},
    };
    for (size_t i = 0; i < COUNT_OF(jsons); i++) {
        expect_attribute(string_value(ALOG_VALUE_JSON, jsons[i].json, strlen(jsons[i].json)),
                         jsons[i].expected);
    }
    static const struct {
        double value;
        const char *expected;
    } doubles[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {0.1, "0.1"},
        {1e16, "1e+16"},
        {1e15, "1e+15"},
        {123456.0, "123456.0"},
        {1.0 / 3.0, "0.3333333333333333"},
        {5e-324, "4.94065645841247e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {(double)NAN, "\"NaN\""},
        {(double)INFINITY, "\"Infinity\""},
        {-(double)INFINITY, "\"-Infinity\""},
    };
    for (size_t i = 0; i < COUNT_OF(doubles); i++) {
        expect_attribute((struct alog_value){.kind = ALOG_VALUE_F64, .f64 = doubles[i].value},
                         doubles[i].expected);
    }
}

static uint64_t next_random(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static double random_double(uint64_t *seed) {
    double value;
    do {
        const uint64_t bits = next_random(seed);
        memcpy(&value, &bits, sizeof value);
    } while (isnan(value) || isinf(value));
    return value;
}

static const struct alog_string random_texts[] = {
    {"", 0}, {"a", 1}, {"quote\" slash\\ tab\t nul\0 end", 27}, {"grüße 😀", 12}, {"NaN?", 4}};

static struct alog_string random_text(uint64_t *seed) {
    return random_texts[next_random(seed) % COUNT_OF(random_texts)];
}

/* A value that the field takes, in the form that a parser gives it. */
static struct alog_value random_value(const struct alog_field *field, uint64_t *seed) {
    struct alog_value value = {.kind = ALOG_VALUE_ABSENT};
    if (!field->required && next_random(seed) % 3 == 0) {
        return value;
    }
    switch (field->kind) {
    case ALOG_FIELD_BOOL:
        value.kind = ALOG_VALUE_BOOL;
        value.boolean = next_random(seed) % 2 == 0;
        return value;
    case ALOG_FIELD_I64:
        value.kind = ALOG_VALUE_I64;
        value.i64 = 1 + (int64_t)(next_random(seed) >> (1 + next_random(seed) % 60));
        return value;
    case ALOG_FIELD_F64:
        value.kind = ALOG_VALUE_F64;
        value.f64 = (double)(next_random(seed) % 1000001) / 1000001.0;
        return value;
    case ALOG_FIELD_ENUM:
        value.kind = ALOG_VALUE_STRING;
        value.string = alog_str(field->values[0]);
        return value;
    case ALOG_FIELD_JSON:
        if (next_random(seed) % 2 == 0) {
            value.kind = ALOG_VALUE_JSON;
            value.string = ALOG_STR("{\"a\":[1,2.50]}");
            return value;
        }
        break;
    default:
        break;
    }
    value.kind = ALOG_VALUE_STRING;
    value.string = field->required ? ALOG_STR("name") : random_text(seed);
    return value;
}

static struct alog_value random_attribute(uint64_t *seed) {
    switch (next_random(seed) % 7) {
    case 0:
        return (struct alog_value){.kind = ALOG_VALUE_NULL};
    case 1:
        return (struct alog_value){.kind = ALOG_VALUE_BOOL, .boolean = true};
    case 2:
        return (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = (int64_t)next_random(seed)};
    case 3:
        return (struct alog_value){.kind = ALOG_VALUE_U64,
                                   .u64 = next_random(seed) | UINT64_C(1) << 63};
    case 4:
        return (struct alog_value){.kind = ALOG_VALUE_F64, .f64 = random_double(seed)};
    case 5:
        return string_value(ALOG_VALUE_JSON, "[null,{}]", 9);
    default:
        return (struct alog_value){.kind = ALOG_VALUE_STRING, .string = random_text(seed)};
    }
}

static void assert_string_same(struct alog_string a, struct alog_string b) {
    assert_int_equal(a.data == NULL, b.data == NULL);
    assert_int_equal(a.len, b.len);
    assert_true(alog_string_equal(a, b));
}

static void assert_value_same(const struct alog_value *a, const struct alog_value *b) {
    assert_int_equal(a->kind, b->kind);
    switch (a->kind) {
    case ALOG_VALUE_ABSENT:
    case ALOG_VALUE_NULL:
        break;
    case ALOG_VALUE_BOOL:
        assert_int_equal(a->boolean, b->boolean);
        break;
    case ALOG_VALUE_STRING:
    case ALOG_VALUE_JSON:
        assert_string_same(a->string, b->string);
        break;
    default: /* the bits, so that -0.0 is not 0.0 */
        assert_memory_equal(&a->u64, &b->u64, sizeof a->u64);
        break;
    }
}

static void assert_event_same(const struct alog_event *a, const struct alog_event *b) {
    assert_ptr_equal(a->type, b->type);
    assert_string_same(a->name, b->name);
    assert_string_same(a->job_id, b->job_id);
    assert_string_same(a->event_id, b->event_id);
    assert_string_same(a->environment, b->environment);
    assert_int_equal(a->has_timestamp, b->has_timestamp);
    assert_int_equal(a->timestamp_ns, b->timestamp_ns);
    assert_int_equal(a->value_count, b->value_count);
    for (uint32_t i = 0; i < a->value_count; i++) {
        assert_value_same(&a->values[i], &b->values[i]);
    }
    assert_int_equal(a->attribute_count, b->attribute_count);
    for (uint32_t i = 0; i < a->attribute_count; i++) {
        assert_string_same(a->attributes[i].name, b->attributes[i].name);
        assert_value_same(&a->attributes[i].value, &b->attributes[i].value);
    }
}

static void test_random_events_come_back(void **state) {
    static const struct alog_string names[] = {{"a", 1}, {"b\"\\", 3}, {"grün", 5}};
    uint64_t seed = 20260204;
    size_t type_count = 0;
    const struct alog_event_type *types = alog_catalogue(&type_count);
    struct alog_text text = {0};
    for (unsigned round = 0; round < 5000; round++) {
        struct alog_value values[ALOG_MAX_FIELDS];
        struct alog_attribute attributes[COUNT_OF(names)];
        const struct alog_event_type *type = &types[round % type_count];
        struct alog_event event = {.name = alog_str(type->name),
                                   .type = type,
                                   .timestamp_ns = (int64_t)(next_random(&seed) >> 1),
                                   .has_timestamp = true,
                                   .job_id = ALOG_STR("job"),
                                   .values = values,
                                   .value_count = type->field_count,
                                   .attributes = attributes,
                                   .attribute_count = (uint32_t)(next_random(&seed) % 4)};
        if (round % 2 == 0) {
            event.event_id = ALOG_STR("id-1");
            event.environment = ALOG_STR("test");
        }
        for (uint32_t i = 0; i < type->field_count; i++) {
            values[i] = random_value(&type->fields[i], &seed);
        }
        for (uint32_t i = 0; i < event.attribute_count; i++) {
            attributes[i].name = names[i];
            attributes[i].value = random_attribute(&seed);
        }
        const struct alog_event *back = NULL;
        struct alog_error error = {.message = ""};
        text.len = 0;
        assert_int_equal(alog_ndjson_write(&event, &text), ALOG_OK);
        if (alog_ndjson_parse(*state, text.data, text.len - 1, &back, &error) != ALOG_OK) {
            fail_msg("%.*s%s", (int)text.len, text.data, error.message);
        }
        assert_event_same(back, &event);
    }
    alog_text_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lines_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_raw_nul_and_length, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kinds, setup, teardown),
        cmocka_unit_test(test_hostile_values_written),
        cmocka_unit_test_setup_teardown(test_random_events_come_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
