/* schema.c: the catalogue is there, definitions are checked, and blocks of other versions are
 * understood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "format/schema.h"

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

static const struct alog_field two_fields[] = {
    {.name = "colour", .kind = ALOG_FIELD_NAME, .required = true},
    {.name = "weight", .kind = ALOG_FIELD_F64, .unit = "kg", .doc = "how heavy"},
};

static void the_catalogue_is_there(void **state) {
    const struct alog_schema *schema = *state;
    size_t count;
    const struct alog_event_type *types = alog_catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(alog_schema_type(schema, types[i].id), &types[i]);
        assert_ptr_equal(alog_schema_find(schema, alog_str(types[i].name)), &types[i]);
    }
    assert_null(alog_schema_type(schema, 0));
    assert_null(alog_schema_type(schema, 13));
    assert_null(alog_schema_type(schema, ALOG_FIRST_USER_TYPE));
    assert_null(alog_schema_type(schema, ALOG_MAX_TYPES));
    assert_null(alog_schema_type(schema, UINT32_MAX));
    assert_null(alog_schema_find(schema, ALOG_STR("deploy")));
    alog_schema_free(NULL);
}

static void a_type_is_defined_and_copied(void **state) {
    struct alog_schema *schema = *state;
    char name[] = "deploy";
    char field_name[] = "colour";
    struct alog_field fields[] = {two_fields[0], two_fields[1]};
    fields[0].name = field_name;
    const struct alog_event_type *type;
    assert_int_equal(
        alog_schema_define(schema, 0, (struct alog_string){name, 6}, fields, 2, &type, NULL),
        ALOG_OK);
    memset(name, 'x', sizeof name - 1);
    memset(field_name, 'x', sizeof field_name - 1);
    memset(fields, 0, sizeof fields);
    assert_int_equal(type->id, ALOG_FIRST_USER_TYPE);
    assert_string_equal(type->name, "deploy");
    assert_int_equal(type->name_len, 6);
    assert_int_equal(type->field_count, 2);
    assert_string_equal(type->fields[0].name, "colour");
    assert_true(type->fields[0].required);
    assert_string_equal(type->fields[0].unit, "");
    assert_string_equal(type->fields[1].unit, "kg");
    assert_string_equal(type->fields[1].doc, "how heavy");
    assert_int_equal(type->fields[1].kind, ALOG_FIELD_F64);
    assert_ptr_equal(alog_schema_type(schema, type->id), type);
    assert_ptr_equal(alog_schema_find(schema, ALOG_STR("deploy")), type);
}

static void the_same_definition_gives_the_same_type(void **state) {
    struct alog_schema *schema = *state;
    const struct alog_event_type *first, *again = NULL;
    struct alog_error error;
    assert_int_equal(alog_schema_define(schema, 0, ALOG_STR("deploy"), two_fields, 2, &first, NULL),
                     ALOG_OK);
    assert_int_equal(alog_schema_define(schema, 0, ALOG_STR("deploy"), two_fields, 2, &again, NULL),
                     ALOG_OK);
    assert_ptr_equal(first, again);

    again = NULL;
    assert_int_equal(
        alog_schema_define(schema, 0, ALOG_STR("deploy"), two_fields, 1, &again, &error),
        ALOG_EXISTS);
    struct alog_field other[] = {two_fields[0], two_fields[1]};
    other[0].required = false;
    assert_int_equal(alog_schema_define(schema, 0, ALOG_STR("deploy"), other, 2, &again, &error),
                     ALOG_EXISTS);
    other[0] = two_fields[0];
    other[1].kind = ALOG_FIELD_I64;
    assert_int_equal(alog_schema_define(schema, 0, ALOG_STR("deploy"), other, 2, &again, &error),
                     ALOG_EXISTS);
    assert_null(again);
    assert_non_null(strstr(error.message, "deploy"));
}

static void bad_definitions_are_refused(void **state) {
    struct alog_schema *schema = *state;
    char long_name[ALOG_MAX_NAME_BYTES + 2];
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
#define FIELD(field_name, field_kind)                                                              \
    (const struct alog_field[]) {                                                                  \
        { .name = field_name, .kind = field_kind }                                                 \
    }
    const struct {
        struct alog_string name;
        const struct alog_field *fields;
        size_t field_count;
        enum alog_status status;
    } rows[] = {
        {alog_str(NULL), NULL, 0, ALOG_INVALID},
        {ALOG_STR(""), NULL, 0, ALOG_INVALID},
        {alog_str(long_name), NULL, 0, ALOG_INVALID},
        {ALOG_STR("a\0b"), NULL, 0, ALOG_INVALID},
        {ALOG_STR("job_start"), NULL, 0, ALOG_EXISTS},
        {ALOG_STR("writer_stats"), NULL, 0, ALOG_EXISTS},
        {ALOG_STR("x"), FIELD(NULL, ALOG_FIELD_NAME), 1, ALOG_INVALID},
        {ALOG_STR("x"), FIELD("", ALOG_FIELD_NAME), 1, ALOG_INVALID},
        {ALOG_STR("x"), FIELD(long_name, ALOG_FIELD_NAME), 1, ALOG_INVALID},
        {ALOG_STR("x"), FIELD("job_id", ALOG_FIELD_NAME), 1, ALOG_INVALID},
        {ALOG_STR("x"), FIELD("event", ALOG_FIELD_NAME), 1, ALOG_INVALID},
        {ALOG_STR("x"), FIELD("timestamp", ALOG_FIELD_I64), 1, ALOG_INVALID},
        {ALOG_STR("x"), FIELD("event_id", ALOG_FIELD_NAME), 1, ALOG_INVALID},
        {ALOG_STR("x"), FIELD("environment", ALOG_FIELD_NAME), 1, ALOG_INVALID},
        {ALOG_STR("x"), FIELD("f", ALOG_FIELD_ENUM), 1, ALOG_INVALID},
        {ALOG_STR("x"), FIELD("f", (enum alog_field_kind)0), 1, ALOG_INVALID},
        {ALOG_STR("x"), FIELD("f", (enum alog_field_kind)8), 1, ALOG_INVALID},
        {ALOG_STR("x"),
         (const struct alog_field[]){{.name = "f", .kind = ALOG_FIELD_I64},
                                     {.name = "f", .kind = ALOG_FIELD_F64}},
         2, ALOG_INVALID},
        {ALOG_STR("x"), two_fields, ALOG_MAX_FIELDS + 1, ALOG_INVALID},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct alog_error error = {0};
        const struct alog_event_type *type = NULL;
        assert_int_equal(alog_schema_define(schema, 0, rows[i].name, rows[i].fields,
                                            rows[i].field_count, &type, &error),
                         rows[i].status);
        assert_null(type);
        assert_int_equal(error.status, rows[i].status);
        assert_true(strlen(error.message) > 0);
    }
    assert_null(alog_schema_find(schema, ALOG_STR("x")));
}

static void names_may_be_as_long_as_the_limit(void **state) {
    char name[ALOG_MAX_NAME_BYTES + 1];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    const struct alog_event_type *type;
    assert_int_equal(
        alog_schema_define(*state, 0, alog_str(name), FIELD(name, ALOG_FIELD_TEXT), 1, &type, NULL),
        ALOG_OK);
    assert_string_equal(type->fields[0].name, name);
}

static void there_is_a_last_user_type(void **state) {
    struct alog_schema *schema = *state;
    const struct alog_event_type *type = NULL;
    char name[32];
    for (uint32_t id = ALOG_FIRST_USER_TYPE; id < ALOG_MAX_TYPES; id++) {
        snprintf(name, sizeof name, "user-%u", id);
        assert_int_equal(alog_schema_define(schema, 0, alog_str(name), NULL, 0, &type, NULL),
                         ALOG_OK);
        assert_int_equal(type->id, id);
    }
    assert_int_equal(alog_schema_define(schema, 0, ALOG_STR("more"), NULL, 0, &type, NULL),
                     ALOG_LIMIT);
    for (uint32_t id = ALOG_FIRST_USER_TYPE; id < ALOG_MAX_TYPES; id++) {
        snprintf(name, sizeof name, "user-%u", id);
        assert_int_equal(alog_schema_find(schema, alog_str(name))->id, id);
    }
    assert_null(alog_schema_find(schema, ALOG_STR("more")));
}

/* What a reader does with a block's preamble: ids are given. */
static void given_ids_are_kept(void **state) {
    struct alog_schema *schema = *state;
    const struct alog_event_type *type, *again;
    assert_int_equal(
        alog_schema_define(schema, 70, ALOG_STR("seventy"), two_fields, 2, &type, NULL), ALOG_OK);
    assert_int_equal(type->id, 70);
    struct alog_field not_required[] = {two_fields[0], two_fields[1]};
    not_required[0].required = false;
    assert_int_equal(
        alog_schema_define(schema, 70, ALOG_STR("seventy"), not_required, 2, &again, NULL),
        ALOG_OK);
    assert_ptr_equal(type, again);
    assert_int_equal(alog_schema_define(schema, 70, ALOG_STR("other"), two_fields, 2, &again, NULL),
                     ALOG_EXISTS);
    assert_int_equal(
        alog_schema_define(schema, 71, ALOG_STR("seventy"), two_fields, 2, &again, NULL),
        ALOG_EXISTS);
    assert_int_equal(
        alog_schema_define(schema, 70, ALOG_STR("seventy"), two_fields, 1, &again, NULL),
        ALOG_EXISTS);
    assert_int_equal(
        alog_schema_define(schema, ALOG_MAX_TYPES, ALOG_STR("x"), NULL, 0, &again, NULL),
        ALOG_INVALID);
    /* A later catalogue may have this id. */
    assert_int_equal(alog_schema_define(schema, 13, ALOG_STR("newer"), FIELD("f", ALOG_FIELD_ENUM),
                                        1, &again, NULL),
                     ALOG_OK);
    assert_int_equal(again->id, 13);
    /* The next free id is none that was given. */
    for (uint32_t id = 64; id < 72; id++) {
        char name[16];
        snprintf(name, sizeof name, "n%u", id);
        assert_int_equal(alog_schema_define(schema, 0, alog_str(name), NULL, 0, &again, NULL),
                         ALOG_OK);
        assert_int_equal(again->id, id < 70 ? id : id + 1);
    }
}

static void catalogue_types_of_other_versions(void **state) {
    struct alog_schema *schema = *state;
    const struct alog_event_type *hook = alog_catalogue_find(ALOG_STR("hook_execution"));
    struct alog_field fields[5];
    memcpy(fields, hook->fields, 4 * sizeof fields[0]);
    fields[4] = (struct alog_field){.name = "retries", .kind = ALOG_FIELD_I64};
    const struct alog_event_type *type;

    /* The same, and an older one with fewer fields. */
    for (size_t count = 0; count <= 4; count++) {
        assert_int_equal(
            alog_schema_define(schema, 7, ALOG_STR("hook_execution"), fields, count, &type, NULL),
            ALOG_OK);
        assert_ptr_equal(type, hook);
    }
    /* A newer one. */
    assert_int_equal(
        alog_schema_define(schema, 7, ALOG_STR("hook_execution"), fields, 5, &type, NULL), ALOG_OK);
    assert_int_equal(type->field_count, 5);
    assert_string_equal(type->fields[4].name, "retries");
    assert_ptr_equal(type->fields[3].values, hook->fields[3].values);
    assert_ptr_equal(alog_schema_type(schema, 7), type);
    assert_ptr_equal(alog_schema_find(schema, ALOG_STR("hook_execution")), type);

    /* Not ours at all. */
    struct alog_field other[4];
    memcpy(other, hook->fields, sizeof other);
    other[1].kind = ALOG_FIELD_TEXT;
    assert_int_equal(
        alog_schema_define(schema, 7, ALOG_STR("hook_execution"), other, 4, &type, NULL),
        ALOG_EXISTS);
    assert_int_equal(alog_schema_define(schema, 7, ALOG_STR("hook"), fields, 4, &type, NULL),
                     ALOG_EXISTS);
    assert_int_equal(
        alog_schema_define(schema, 8, ALOG_STR("hook_execution"), fields, 4, &type, NULL),
        ALOG_EXISTS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_schema, free_schema)
        TEST(the_catalogue_is_there),
        TEST(a_type_is_defined_and_copied),
        TEST(the_same_definition_gives_the_same_type),
        TEST(bad_definitions_are_refused),
        TEST(names_may_be_as_long_as_the_limit),
        TEST(there_is_a_last_user_type),
        TEST(given_ids_are_kept),
        TEST(catalogue_types_of_other_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
