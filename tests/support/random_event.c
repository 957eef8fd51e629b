/* Random events out of a seed, and the comparison of two events. */
#include "random_event.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

uint64_t test_random_next(struct test_random *random) {
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint32_t test_random_below(struct test_random *random, uint32_t bound) {
    return (uint32_t)((test_random_next(random) >> 32) * bound >> 32);
}

uint64_t test_random_seed(uint64_t fallback) {
    const char *given = getenv("ALOG_TEST_SEED");
    const uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : fallback;
    printf("ALOG_TEST_SEED=%" PRIu64 "\n", seed);
    return seed;
}

/* ---- Making events ----------------------------------------------------------------------------
 */

static bool one_in(struct test_random *random, uint32_t chances) {
    return test_random_below(random, chances) == 0;
}

static struct alog_string keep_text(struct test_event *event, const char *text, size_t len) {
    if (len > sizeof event->text - event->text_used) {
        len = sizeof event->text - event->text_used;
    }
    char *copy = event->text + event->text_used;
    memcpy(copy, text, len);
    event->text_used += len;
    return (struct alog_string){copy, len};
}

static struct alog_string random_bytes(struct test_random *random, struct test_event *event,
                                       size_t len) {
    char text[1024];
    for (size_t i = 0; i < len && i < sizeof text; i++) {
        text[i] = (char)test_random_next(random);
    }
    return keep_text(event, text, len < sizeof text ? len : sizeof text);
}

/* Lengths around the places where msgpack's string forms change. */
static struct alog_string random_text(struct test_random *random, struct test_event *event) {
    static const size_t lengths[] = {0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 255, 256, 300};
    const size_t count = sizeof lengths / sizeof lengths[0];
    return random_bytes(random, event, lengths[test_random_below(random, (uint32_t)count)]);
}

static struct alog_string random_name(struct test_random *random, struct test_event *event) {
    char text[64];
    if (one_in(random, 8)) {
        return random_text(random, event);
    }
    /* Some alike in their first and last bytes, so that the string cache has to look at the middle.
     */
    const uint32_t number = test_random_below(random, 30);
    const int len = number % 3 == 0 ? snprintf(text, sizeof text, "same-head-%u-same-tail", number)
                                    : snprintf(text, sizeof text, "name-%u", number);
    return keep_text(event, text, (size_t)len);
}

static int64_t random_integer(struct test_random *random) {
    /* Every width is as likely as every other. */
    return (int64_t)(test_random_next(random) >> test_random_below(random, 64));
}

static double random_real(struct test_random *random) {
    switch (test_random_below(random, 10)) {
    case 0:
        return NAN;
    case 1:
        return one_in(random, 2) ? INFINITY : -INFINITY;
    case 2:
        return -0.0;
    case 3:
        return (double)(test_random_next(random) >> 11) * 0x1p-53;
    case 4:
        return (double)random_integer(random);
    default:
        return (double)test_random_below(random, 5000000) / 1000.0;
    }
}

static double clamp(const struct alog_field *field, double value) {
    if (!isfinite(value) || (field->minimum == 0 && field->maximum == 0)) {
        return value;
    }
    return value < field->minimum   ? field->minimum
           : value > field->maximum ? field->maximum
                                    : value;
}

static struct alog_value random_number(struct test_random *random, const struct alog_field *field) {
    if (field->kind == ALOG_FIELD_F64) {
        const double value = clamp(field, random_real(random));
        /* A number may be given as an integer. */
        if (value > -0x1p53 && value < 0x1p53 && (double)(int64_t)value == value &&
            one_in(random, 2)) {
            return (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = (int64_t)value};
        }
        return (struct alog_value){.kind = ALOG_VALUE_F64, .f64 = value};
    }
    int64_t value = random_integer(random);
    if (field->minimum != 0 || field->maximum != 0) {
        value = (double)value < field->minimum ? (int64_t)field->minimum : value;
        value = (double)value > field->maximum ? (int64_t)field->maximum : value;
    }
    if (value < 1 << 20 && one_in(random, 4)) {
        return (struct alog_value){.kind = ALOG_VALUE_F64, .f64 = (double)value};
    }
    return (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = value};
}

static struct alog_string random_enum(struct test_random *random, const struct alog_field *field) {
    uint32_t count = 0;
    while (field->values != NULL && field->values[count] != NULL) {
        count++;
    }
    return count != 0 ? alog_str(field->values[test_random_below(random, count)])
                      : ALOG_STR("some-value");
}

static struct alog_value random_field(struct test_random *random, struct test_event *event,
                                      const struct alog_field *field) {
    if (!field->required && one_in(random, 3)) {
        return (struct alog_value){.kind = ALOG_VALUE_ABSENT};
    }
    struct alog_value value = {.kind = ALOG_VALUE_STRING};
    switch (field->kind) {
    case ALOG_FIELD_NAME:
        value.string = random_name(random, event);
        break;
    case ALOG_FIELD_ENUM:
        value.string = random_enum(random, field);
        break;
    case ALOG_FIELD_TEXT:
        value.string = random_text(random, event);
        break;
    case ALOG_FIELD_JSON:
        value.kind = one_in(random, 2) ? ALOG_VALUE_STRING : ALOG_VALUE_JSON;
        value.string = keep_text(event, "{\"a\":[1,2,{\"b\":null}]}", 22);
        break;
    case ALOG_FIELD_BOOL:
        value.kind = ALOG_VALUE_BOOL;
        value.boolean = one_in(random, 2);
        break;
    case ALOG_FIELD_I64:
    case ALOG_FIELD_F64:
        value = random_number(random, field);
        break;
    }
    return value;
}

static struct alog_value random_attribute(struct test_random *random, struct test_event *event) {
    switch (test_random_below(random, 7)) {
    case 0:
        return (struct alog_value){.kind = ALOG_VALUE_NULL};
    case 1:
        return (struct alog_value){.kind = ALOG_VALUE_BOOL, .boolean = one_in(random, 2)};
    case 2:
        return (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = -random_integer(random)};
    case 3:
        return (struct alog_value){.kind = ALOG_VALUE_U64,
                                   .u64 = test_random_next(random) | UINT64_C(1) << 63};
    case 4:
        return (struct alog_value){.kind = ALOG_VALUE_F64, .f64 = random_real(random)};
    case 5:
        return (struct alog_value){.kind = ALOG_VALUE_STRING, .string = random_text(random, event)};
    default:
        return (struct alog_value){.kind = ALOG_VALUE_JSON, .string = ALOG_STR("[1,{}]")};
    }
}

static void random_extras(struct test_random *random, struct test_event *event) {
    if (one_in(random, 2)) {
        event->event.event_id = keep_text(event, "given-id", 8);
    }
    if (one_in(random, 2)) {
        event->event.environment = keep_text(event, "staging", 7);
    }
    event->event.attribute_count = test_random_below(random, TEST_EVENT_ATTRIBUTES + 1);
    event->event.attributes = event->attributes;
    for (uint32_t i = 0; i < event->event.attribute_count; i++) {
        char name[32];
        const int len = snprintf(name, sizeof name, "attribute.%u", i);
        event->attributes[i].name = keep_text(event, name, (size_t)len);
        event->attributes[i].value = random_attribute(random, event);
    }
}

void test_event_random(struct test_random *random, const struct alog_event_type *type,
                       struct test_event *ret_event) {
    struct test_event *event = ret_event;
    event->text_used = 0;
    event->event = (struct alog_event){.name = {type->name, type->name_len},
                                       .type = type,
                                       .has_timestamp = true,
                                       .values = event->values,
                                       .value_count = type->field_count};
    /* A clock that mostly goes on, sometimes steps, and at times is nonsense. */
    event->event.timestamp_ns = INT64_C(1770000000000000000) + test_random_below(random, 2000000);
    if (one_in(random, 20)) {
        event->event.timestamp_ns = (int64_t)(test_random_next(random) >> 1);
    }
    const bool is_job = strcmp(type->name, "job_start") == 0 || strcmp(type->name, "job_end") == 0;
    if (is_job || !one_in(random, 4)) {
        char job[32];
        const int len = snprintf(job, sizeof job, "job-%u", test_random_below(random, 50));
        event->event.job_id = keep_text(event, job, (size_t)len);
    }
    for (uint32_t i = 0; i < type->field_count; i++) {
        event->values[i] = random_field(random, event, &type->fields[i]);
    }
    if (one_in(random, 4)) {
        random_extras(random, event);
    }
}

/* ---- Comparing events -------------------------------------------------------------------------
 */

static bool same_text(struct alog_string a, struct alog_string b) {
    return (a.data == NULL) == (b.data == NULL) && alog_string_equal(a, b);
}

static bool same_bits(double a, double b) {
    return memcmp(&a, &b, sizeof a) == 0;
}

static bool same_value(struct alog_value a, struct alog_value b) {
    if (a.kind != b.kind) {
        return false;
    }
    switch (a.kind) {
    case ALOG_VALUE_ABSENT:
    case ALOG_VALUE_NULL:
        return true;
    case ALOG_VALUE_BOOL:
        return a.boolean == b.boolean;
    case ALOG_VALUE_I64:
        return a.i64 == b.i64;
    case ALOG_VALUE_U64:
        return a.u64 == b.u64;
    case ALOG_VALUE_F64:
        return same_bits(a.f64, b.f64);
    case ALOG_VALUE_STRING:
    case ALOG_VALUE_JSON:
        return same_text(a.string, b.string);
    }
    return false;
}

/* The field's value in the form that the field says. */
static struct alog_value field_value(const struct alog_event *event, uint32_t i) {
    if (i >= event->value_count) {
        return (struct alog_value){.kind = ALOG_VALUE_ABSENT};
    }
    const struct alog_value value = event->values[i];
    const enum alog_field_kind kind = event->type->fields[i].kind;
    if (kind == ALOG_FIELD_F64 && value.kind == ALOG_VALUE_I64) {
        return (struct alog_value){.kind = ALOG_VALUE_F64, .f64 = (double)value.i64};
    }
    if (kind == ALOG_FIELD_F64 && value.kind == ALOG_VALUE_U64) {
        return (struct alog_value){.kind = ALOG_VALUE_F64, .f64 = (double)value.u64};
    }
    if (kind == ALOG_FIELD_I64 && value.kind == ALOG_VALUE_F64) {
        return (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = (int64_t)value.f64};
    }
    return value;
}

static const char *difference(const struct alog_event *a, const struct alog_event *b) {
    if (!alog_string_equal(a->name, b->name)) {
        return "name";
    }
    if (a->timestamp_ns != b->timestamp_ns) {
        return "timestamp";
    }
    if (!same_text(a->job_id, b->job_id)) {
        return "job_id";
    }
    if (!same_text(a->event_id, b->event_id)) {
        return "event_id";
    }
    if (!same_text(a->environment, b->environment)) {
        return "environment";
    }
    for (uint32_t i = 0; i < a->type->field_count; i++) {
        if (!same_value(field_value(a, i), field_value(b, i))) {
            return a->type->fields[i].name;
        }
    }
    if (a->attribute_count != b->attribute_count) {
        return "attribute_count";
    }
    for (uint32_t i = 0; i < a->attribute_count; i++) {
        if (!same_text(a->attributes[i].name, b->attributes[i].name) ||
            !same_value(a->attributes[i].value, b->attributes[i].value)) {
            return "attributes";
        }
    }
    return NULL;
}

bool test_event_equal(const struct alog_event *a, const struct alog_event *b,
                      const char **ret_what) {
    *ret_what = difference(a, b);
    return *ret_what == NULL;
}
