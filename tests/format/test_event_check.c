/* event_check.c: what is an event of a type, and what is wrong with the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "format/event_codec.h"
#include "support/random_event.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define ABSENT                                                                                     \
    { .kind = ALOG_VALUE_ABSENT }
#define NIL                                                                                        \
    { .kind = ALOG_VALUE_NULL }
#define TEXT(s)                                                                                    \
    {                                                                                              \
        .kind = ALOG_VALUE_STRING, .string = { s, sizeof s - 1 }                                   \
    }
#define JSON(s)                                                                                    \
    {                                                                                              \
        .kind = ALOG_VALUE_JSON, .string = { s, sizeof s - 1 }                                     \
    }
#define YES                                                                                        \
    { .kind = ALOG_VALUE_BOOL, .boolean = true }
#define INT(n)                                                                                     \
    { .kind = ALOG_VALUE_I64, .i64 = n }
#define UINT(n)                                                                                    \
    { .kind = ALOG_VALUE_U64, .u64 = n }
#define REAL(x)                                                                                    \
    { .kind = ALOG_VALUE_F64, .f64 = x }

/* One type with a field of each kind. */
static const char *const sizes[] = {"small", "large", NULL};
static const struct alog_field fields[] = {
    {.name = "name", .kind = ALOG_FIELD_NAME},
    {.name = "text", .kind = ALOG_FIELD_TEXT},
    {.name = "json", .kind = ALOG_FIELD_JSON},
    {.name = "bool", .kind = ALOG_FIELD_BOOL},
    {.name = "i64", .kind = ALOG_FIELD_I64},
    {.name = "f64", .kind = ALOG_FIELD_F64},
    {.name = "enum", .kind = ALOG_FIELD_ENUM, .values = sizes},
    {.name = "count", .kind = ALOG_FIELD_I64, .minimum = 1, .maximum = 10},
    {.name = "score", .kind = ALOG_FIELD_F64, .minimum = 0, .maximum = 1},
};
enum { F_NAME, F_TEXT, F_JSON, F_BOOL, F_I64, F_F64, F_ENUM, F_COUNT, F_SCORE };
static const struct alog_event_type sample = {
    .id = 64, .name = "sample", .name_len = 6, .fields = fields, .field_count = COUNT_OF(fields)};

static void values_fit_their_fields_or_not(void **state) {
    (void)state;
    static const struct {
        int field;
        struct alog_value value;
        bool fits;
    } rows[] = {
        {F_NAME, TEXT("x"), true},
        {F_NAME, TEXT(""), true},
        {F_NAME, TEXT("a\0b\xff"), true},
        {F_NAME, ABSENT, true},
        {F_NAME, NIL, false},
        {F_NAME, JSON("{}"), false},
        {F_NAME, INT(1), false},
        {F_NAME, {.kind = ALOG_VALUE_STRING}, false},
        {F_TEXT, TEXT("x"), true},
        {F_TEXT, JSON("{}"), false},
        {F_TEXT, YES, false},
        {F_JSON, TEXT("{}"), true},
        {F_JSON, JSON("{}"), true},
        {F_JSON, INT(1), false},
        {F_BOOL, YES, true},
        {F_BOOL, INT(1), false},
        {F_BOOL, TEXT("true"), false},
        {F_I64, INT(INT64_MIN), true},
        {F_I64, INT(INT64_MAX), true},
        {F_I64, UINT(UINT64_C(1) << 63), false},
        {F_I64, REAL(3.0), true},
        {F_I64, REAL(-0x1p63), true},
        {F_I64, REAL(0x1p63), false},
        {F_I64, REAL(3.5), false},
        {F_I64, REAL((double)NAN), false},
        {F_I64, REAL((double)INFINITY), false},
        {F_I64, REAL((double)-INFINITY), false},
        {F_I64, YES, false},
        {F_I64, TEXT("3"), false},
        {F_F64, REAL(0.5), true},
        {F_F64, REAL((double)NAN), true},
        {F_F64, INT(-5), true},
        {F_F64, UINT(UINT64_MAX), true},
        {F_F64, TEXT("0.5"), false},
        {F_F64, YES, false},
        {F_ENUM, TEXT("small"), true},
        {F_ENUM, TEXT("large"), true},
        {F_ENUM, TEXT("Small"), false},
        {F_ENUM, TEXT(""), false},
        {F_ENUM, INT(1), false},
        {F_COUNT, INT(0), false},
        {F_COUNT, INT(1), true},
        {F_COUNT, INT(10), true},
        {F_COUNT, INT(11), false},
        {F_COUNT, REAL(11.0), false},
        {F_SCORE, REAL(0.0), true},
        {F_SCORE, REAL(1.0), true},
        {F_SCORE, REAL(1.0000001), false},
        {F_SCORE, REAL(-0.1), false},
        {F_SCORE, INT(1), true},
        {F_SCORE, INT(2), false},
        {F_SCORE, UINT(UINT64_MAX), false},
        {F_SCORE, REAL((double)NAN), true},
        {F_SCORE, REAL((double)INFINITY), true},
        {F_SCORE, {.kind = (enum alog_value_kind)99}, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct alog_value values[COUNT_OF(fields)] = {0};
        values[rows[i].field] = rows[i].value;
        const struct alog_event event = {
            .name = ALOG_STR("sample"), .values = values, .value_count = COUNT_OF(fields)};
        struct alog_error error = {0};
        const enum alog_status status = alog_event_check(&sample, &event, &error);
        assert_int_equal(status, rows[i].fits ? ALOG_OK : ALOG_INVALID);
        if (!rows[i].fits) {
            assert_non_null(strstr(error.message, "sample."));
            assert_non_null(strstr(error.message, fields[rows[i].field].name));
        }
    }
}

/* What was given and what would have been right. */
static void refusals_show_value_and_contract(void **state) {
    (void)state;
    static const struct {
        int field;
        struct alog_value value;
        const char *message;
    } rows[] = {
        {F_SCORE, REAL(1.5), "sample.score is 1.5, which is not within 0..1"},
        {F_SCORE, REAL(0x1.0000000000001p0),
         "sample.score is 1.0000000000000002, which is not within 0..1"},
        {F_COUNT, INT(-7), "sample.count is -7, which is not within 1..10"},
        {F_ENUM, TEXT("Small"), "sample.enum is \"Small\", which is none of small, large"},
        {F_ENUM, TEXT(""), "sample.enum is \"\", which is none of small, large"},
        {F_ENUM, TEXT("\x1b\0\\\xff"),
         "sample.enum is \"\\x1b\\x00\\x5c\\xff\", which is none of small, large"},
        {F_ENUM, TEXT("0123456789012345678901234567890123456789"),
         "sample.enum is \"01234567890123456789012345678901\"..., which is none of small, large"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct alog_value values[COUNT_OF(fields)] = {0};
        values[rows[i].field] = rows[i].value;
        const struct alog_event event = {
            .name = ALOG_STR("sample"), .values = values, .value_count = COUNT_OF(fields)};
        struct alog_error error = {0};
        assert_int_equal(alog_event_check(&sample, &event, &error), ALOG_INVALID);
        assert_string_equal(error.message, rows[i].message);
    }
}

/* Each required field of the catalogue, left out in turn. */
static void required_fields_are_required(void **state) {
    (void)state;
    struct test_random random = {test_random_seed(5)};
    struct test_event *made = malloc(sizeof *made);
    assert_non_null(made);
    size_t count;
    const struct alog_event_type *types = alog_catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < types[i].field_count; j++) {
            test_event_random(&random, &types[i], made);
            assert_int_equal(alog_event_check(&types[i], &made->event, NULL), ALOG_OK);
            made->values[j].kind = ALOG_VALUE_ABSENT;
            const enum alog_status expected = types[i].fields[j].required ? ALOG_INVALID : ALOG_OK;
            assert_int_equal(alog_event_check(&types[i], &made->event, NULL), expected);
            /* Cut off is absent as well. */
            made->event.value_count = j;
            const enum alog_status cut = alog_event_check(&types[i], &made->event, NULL);
            if (types[i].fields[j].required) {
                assert_int_equal(cut, ALOG_INVALID);
            }
        }
    }
    free(made);
}

static void what_every_event_has_is_checked(void **state) {
    (void)state;
    char text[ALOG_MAX_NAME_BYTES + 1];
    memset(text, 'x', sizeof text);
    const struct alog_string longest = {text, ALOG_MAX_NAME_BYTES};
    const struct alog_string too_long = {text, ALOG_MAX_NAME_BYTES + 1};
    const struct alog_value values[COUNT_OF(fields) + 1] = {0};
    const struct {
        struct alog_event event;
        enum alog_status status;
    } rows[] = {
        {{.timestamp_ns = 0, .has_timestamp = true}, ALOG_OK},
        {{.timestamp_ns = -1, .has_timestamp = true}, ALOG_INVALID},
        {{.timestamp_ns = -1, .has_timestamp = false}, ALOG_OK},
        {{.job_id = longest, .event_id = longest, .environment = longest}, ALOG_OK},
        {{.job_id = too_long}, ALOG_INVALID},
        {{.event_id = too_long}, ALOG_INVALID},
        {{.environment = too_long}, ALOG_INVALID},
        {{.values = values, .value_count = COUNT_OF(fields) + 1}, ALOG_INVALID},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(alog_event_check(&sample, &rows[i].event, NULL), rows[i].status);
    }
}

static void job_events_need_a_job(void **state) {
    (void)state;
    const struct alog_event_type *start = alog_catalogue_find(ALOG_STR("job_start"));
    struct alog_event event = {.name = ALOG_STR("job_start")};
    assert_int_equal(alog_event_check(start, &event, NULL), ALOG_INVALID);
    event.job_id = ALOG_STR("");
    assert_int_equal(alog_event_check(start, &event, NULL), ALOG_INVALID);
    event.job_id = ALOG_STR("j");
    assert_int_equal(alog_event_check(start, &event, NULL), ALOG_OK);
}

static void attributes_are_checked(void **state) {
    (void)state;
    char text[ALOG_MAX_NAME_BYTES + 1];
    memset(text, 'x', sizeof text);
    const struct {
        struct alog_attribute attribute;
        enum alog_status status;
    } rows[] = {
        {{ALOG_STR("a"), NIL}, ALOG_OK},
        {{ALOG_STR("a"), YES}, ALOG_OK},
        {{ALOG_STR("a"), INT(-1)}, ALOG_OK},
        {{ALOG_STR("a"), UINT(UINT64_MAX)}, ALOG_OK},
        {{ALOG_STR("a"), REAL(0.5)}, ALOG_OK},
        {{ALOG_STR("a"), TEXT("")}, ALOG_OK},
        {{ALOG_STR("a"), JSON("[]")}, ALOG_OK},
        {{{text, ALOG_MAX_NAME_BYTES}, YES}, ALOG_OK},
        {{{text, ALOG_MAX_NAME_BYTES + 1}, YES}, ALOG_INVALID},
        {{ALOG_STR(""), YES}, ALOG_INVALID},
        {{{NULL, 0}, YES}, ALOG_INVALID},
        {{ALOG_STR("name"), YES}, ALOG_INVALID},
        {{ALOG_STR("event"), YES}, ALOG_INVALID},
        {{ALOG_STR("timestamp"), YES}, ALOG_INVALID},
        {{ALOG_STR("job_id"), YES}, ALOG_INVALID},
        {{ALOG_STR("event_id"), YES}, ALOG_INVALID},
        {{ALOG_STR("environment"), YES}, ALOG_INVALID},
        {{ALOG_STR("a"), ABSENT}, ALOG_INVALID},
        {{ALOG_STR("a"), {.kind = ALOG_VALUE_STRING}}, ALOG_INVALID},
        {{ALOG_STR("a"), {.kind = ALOG_VALUE_JSON}}, ALOG_INVALID},
        {{ALOG_STR("a"), {.kind = (enum alog_value_kind)8}}, ALOG_INVALID},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct alog_event event = {.attributes = &rows[i].attribute, .attribute_count = 1};
        assert_int_equal(alog_event_check(&sample, &event, NULL), rows[i].status);
    }
}

static void sizes_are_bounded(void **state) {
    (void)state;
    char *text = calloc(1, ALOG_MAX_EVENT_BYTES);
    struct alog_attribute *attributes =
        calloc(ALOG_MAX_ATTRIBUTES + 1, sizeof(struct alog_attribute));
    assert_non_null(text);
    assert_non_null(attributes);
    const struct alog_value values[] = {
        {.kind = ALOG_VALUE_STRING, .string = {text, ALOG_MAX_EVENT_BYTES}}};
    struct alog_event event = {.values = values, .value_count = 1};
    assert_int_equal(alog_event_check(&sample, &event, NULL), ALOG_TOO_BIG);

    for (size_t i = 0; i <= ALOG_MAX_ATTRIBUTES; i++) {
        attributes[i].name = ALOG_STR("a");
        attributes[i].value.kind = ALOG_VALUE_NULL;
    }
    event = (struct alog_event){.attributes = attributes, .attribute_count = ALOG_MAX_ATTRIBUTES};
    assert_int_equal(alog_event_check(&sample, &event, NULL), ALOG_OK);
    event.attribute_count++;
    assert_int_equal(alog_event_check(&sample, &event, NULL), ALOG_INVALID);
    free(attributes);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_fit_their_fields_or_not),
        cmocka_unit_test(refusals_show_value_and_contract),
        cmocka_unit_test(required_fields_are_required),
        cmocka_unit_test(what_every_event_has_is_checked),
        cmocka_unit_test(job_events_need_a_job),
        cmocka_unit_test(attributes_are_checked),
        cmocka_unit_test(sizes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
