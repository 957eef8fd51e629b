/* The event types that one writer or one block knows. */
#include "schema.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <xxhash.h>

#include "error.h"

/* Twice the number of types: linear probing stays short, and a free slot always ends it. */
#define SLOT_COUNT 2048u
_Static_assert(SLOT_COUNT >= 2 * ALOG_MAX_TYPES && (SLOT_COUNT & (SLOT_COUNT - 1)) == 0,
               "the name table is addressed by a mask");

struct alog_schema {
    _Atomic(const struct alog_event_type *) types[ALOG_MAX_TYPES];
    _Atomic(uint16_t) slots[SLOT_COUNT]; /* ids by hash of their name, 0 = free */
    uint32_t next_user_id;
    struct owned_type *owned;
};

/* A type that the schema has made, in one allocation with its fields and its texts. */
struct owned_type {
    struct owned_type *next;
    struct alog_event_type type;
    struct alog_field fields[];
};

bool alog_is_common_name(struct alog_string name) {
    static const char *const names[] = {ALOG_COMMON_NAMES};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (alog_string_equal(name, alog_str(names[i]))) {
            return true;
        }
    }
    return false;
}

static struct alog_string name_of(const struct alog_event_type *type) {
    return (struct alog_string){type->name, type->name_len};
}

/* The slot that holds the name's id, or the free one where it would be. */
static _Atomic(uint16_t) *slot_of(struct alog_schema *schema, struct alog_string name) {
    size_t at = (size_t)XXH3_64bits(name.data, name.len) & (SLOT_COUNT - 1);
    for (;; at = (at + 1) & (SLOT_COUNT - 1)) {
        const uint16_t id = atomic_load_explicit(&schema->slots[at], memory_order_relaxed);
        if (id == 0 || alog_string_equal(name_of(alog_schema_type(schema, id)), name)) {
            return &schema->slots[at];
        }
    }
}

/* Make a type known, in place of one with the same id and name if there is one. */
static void publish(struct alog_schema *schema, const struct alog_event_type *type) {
    _Atomic(uint16_t) *slot = slot_of(schema, name_of(type));
    /* Pairs with the acquire in alog_schema_type: whoever sees the pointer sees the whole type. */
    atomic_store_explicit(&schema->types[type->id], type, memory_order_release);
    /* Pairs with the acquire in alog_schema_find: whoever sees the id finds its type. */
    atomic_store_explicit(slot, (uint16_t)type->id, memory_order_release);
}

enum alog_status alog_schema_new(struct alog_schema **ret_schema) {
    struct alog_schema *schema = calloc(1, sizeof *schema);
    if (schema == NULL) {
        return ALOG_NO_MEMORY;
    }
    schema->next_user_id = ALOG_FIRST_USER_TYPE;
    size_t count;
    const struct alog_event_type *types = alog_catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        publish(schema, &types[i]);
    }
    *ret_schema = schema;
    return ALOG_OK;
}

void alog_schema_free(struct alog_schema *schema) {
    if (schema == NULL) {
        return;
    }
    for (struct owned_type *owned = schema->owned; owned != NULL;) {
        struct owned_type *next = owned->next;
        free(owned);
        owned = next;
    }
    free(schema);
}

const struct alog_event_type *alog_schema_type(const struct alog_schema *schema, uint32_t id) {
    if (id >= ALOG_MAX_TYPES) {
        return NULL;
    }
    /* Pairs with the release in publish. */
    return atomic_load_explicit(&schema->types[id], memory_order_acquire);
}

const struct alog_event_type *alog_schema_find(const struct alog_schema *schema,
                                               struct alog_string name) {
    size_t at = (size_t)XXH3_64bits(name.data, name.len) & (SLOT_COUNT - 1);
    for (;; at = (at + 1) & (SLOT_COUNT - 1)) {
        /* Pairs with the release in publish. */
        const uint16_t id = atomic_load_explicit(&schema->slots[at], memory_order_acquire);
        if (id == 0) {
            return NULL;
        }
        const struct alog_event_type *type = alog_schema_type(schema, id);
        if (alog_string_equal(name_of(type), name)) {
            return type;
        }
    }
}

/* ---- Checking a definition --------------------------------------------------------------------
 */

static enum alog_status check_name(const char *what, struct alog_string name,
                                   struct alog_error *error) {
    if (name.data == NULL || name.len == 0 || name.len > ALOG_MAX_NAME_BYTES) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "%s must have 1 to %u bytes", what,
                         ALOG_MAX_NAME_BYTES);
    }
    if (memchr(name.data, '\0', name.len) != NULL) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "%s must not contain a NUL byte", what);
    }
    return ALOG_OK;
}

/* `given_id`: whether the definition was read from a block, where enumerations come without their
 * texts. */
static enum alog_status check_field(const struct alog_field *fields, size_t index, bool given_id,
                                    struct alog_error *error) {
    const struct alog_field *field = &fields[index];
    const struct alog_string name = alog_str(field->name);
    const enum alog_status status = check_name("a field's name", name, error);
    if (status != ALOG_OK) {
        return status;
    }
    if (alog_is_common_name(name)) {
        return alog_fail(error, ALOG_INVALID, 0, -1,
                         "field %s: every event has that name already, choose another",
                         field->name);
    }
    if (field->kind < ALOG_FIELD_NAME || field->kind > ALOG_FIELD_ENUM ||
        (field->kind == ALOG_FIELD_ENUM && !given_id)) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "field %s: kind %d is not available",
                         field->name, (int)field->kind);
    }
    for (size_t i = 0; i < index; i++) {
        if (strcmp(fields[i].name, field->name) == 0) {
            return alog_fail(error, ALOG_INVALID, 0, -1, "field %s is there twice", field->name);
        }
    }
    return ALOG_OK;
}

static enum alog_status check_definition(uint32_t id, struct alog_string name,
                                         const struct alog_field *fields, size_t field_count,
                                         struct alog_error *error) {
    enum alog_status status = check_name("an event's name", name, error);
    if (status == ALOG_OK && id >= ALOG_MAX_TYPES) {
        status = alog_fail(error, ALOG_INVALID, 0, -1, "type ids end at %u", ALOG_MAX_TYPES - 1);
    }
    if (status == ALOG_OK && field_count > ALOG_MAX_FIELDS) {
        status = alog_fail(error, ALOG_INVALID, 0, -1, "event %.*s: more than %u fields",
                           alog_quoted_len(name), name.data, ALOG_MAX_FIELDS);
    }
    for (size_t i = 0; i < field_count && status == ALOG_OK; i++) {
        status = check_field(fields, i, id != 0, error);
    }
    return status;
}

/* How many fields the two have in common from the first on. A block does not say what is required.
 */
static size_t common_fields(const struct alog_event_type *type, const struct alog_field *fields,
                            size_t field_count, bool given_id) {
    size_t i = 0;
    while (i < type->field_count && i < field_count &&
           strcmp(type->fields[i].name, fields[i].name) == 0 &&
           type->fields[i].kind == fields[i].kind &&
           (given_id || type->fields[i].required == fields[i].required)) {
        i++;
    }
    return i;
}

/* ---- Defining ---------------------------------------------------------------------------------
 */

static const char *text_or_empty(const char *text) {
    return text != NULL ? text : "";
}

static const char *copy_text(char **at, const char *text) {
    const size_t bytes = strlen(text) + 1;
    char *copy = *at;
    memcpy(copy, text, bytes);
    *at += bytes;
    return copy;
}

/* The first `known` fields are those of `base`, whose texts are static. */
static struct owned_type *make_type(uint32_t id, struct alog_string name,
                                    const struct alog_event_type *base, size_t known,
                                    const struct alog_field *fields, size_t field_count) {
    size_t text_bytes = name.len + 1;
    for (size_t i = known; i < field_count; i++) {
        text_bytes += strlen(fields[i].name) + strlen(text_or_empty(fields[i].unit)) +
                      strlen(text_or_empty(fields[i].otel)) + strlen(text_or_empty(fields[i].doc)) +
                      4;
    }
    const size_t field_bytes = field_count * sizeof *fields;
    struct owned_type *owned = calloc(1, sizeof *owned + field_bytes + text_bytes);
    if (owned == NULL) {
        return NULL;
    }
    char *text = (char *)owned + sizeof *owned + field_bytes;
    memcpy(text, name.data, name.len);
    owned->type = (struct alog_event_type){.id = id,
                                           .name = text,
                                           .name_len = name.len,
                                           .doc = base != NULL ? base->doc : "user-defined",
                                           .fields = owned->fields,
                                           .field_count = (uint32_t)field_count};
    text += name.len + 1;
    for (size_t i = 0; i < field_count; i++) {
        owned->fields[i] = i < known ? base->fields[i] : fields[i];
        if (i >= known) {
            owned->fields[i].name = copy_text(&text, fields[i].name);
            owned->fields[i].unit = copy_text(&text, text_or_empty(fields[i].unit));
            owned->fields[i].otel = copy_text(&text, text_or_empty(fields[i].otel));
            owned->fields[i].doc = copy_text(&text, text_or_empty(fields[i].doc));
            owned->fields[i].values = NULL;
        }
    }
    return owned;
}

static enum alog_status add_type(struct alog_schema *schema, uint32_t id, struct alog_string name,
                                 const struct alog_event_type *base, size_t known,
                                 const struct alog_field *fields, size_t field_count,
                                 const struct alog_event_type **ret_type,
                                 struct alog_error *error) {
    struct owned_type *owned = make_type(id, name, base, known, fields, field_count);
    if (owned == NULL) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for an event type");
    }
    owned->next = schema->owned;
    schema->owned = owned;
    publish(schema, &owned->type);
    *ret_type = &owned->type;
    return ALOG_OK;
}

/*
 * A type that is there already is defined again. The catalogue's grow at their end: a block of an
 * older version has fewer fields, which changes nothing; one of a newer version has more, which are
 * taken over so that nothing is lost.
 */
static enum alog_status define_again(struct alog_schema *schema, bool given_id,
                                     const struct alog_event_type *type,
                                     const struct alog_field *fields, size_t field_count,
                                     const struct alog_event_type **ret_type,
                                     struct alog_error *error) {
    const bool may_grow = given_id && type->id < ALOG_FIRST_USER_TYPE;
    const size_t same = common_fields(type, fields, field_count, given_id);
    if (same == field_count && (may_grow || same == type->field_count)) {
        *ret_type = type;
        return ALOG_OK;
    }
    if (may_grow && same == type->field_count) {
        return add_type(schema, type->id, name_of(type), type, same, fields, field_count, ret_type,
                        error);
    }
    return alog_fail(error, ALOG_EXISTS, 0, -1, "event %s is there already, with other fields",
                     type->name);
}

enum alog_status alog_schema_define(struct alog_schema *schema, uint32_t id,
                                    struct alog_string name, const struct alog_field *fields,
                                    size_t field_count, const struct alog_event_type **ret_type,
                                    struct alog_error *error) {
    const enum alog_status status = check_definition(id, name, fields, field_count, error);
    if (status != ALOG_OK) {
        return status;
    }
    const struct alog_event_type *same_name = alog_schema_find(schema, name);
    const struct alog_event_type *same_id = alog_schema_type(schema, id);
    if (id == 0 && same_name != NULL && same_name->id < ALOG_FIRST_USER_TYPE) {
        return alog_fail(error, ALOG_EXISTS, 0, -1, "event %s belongs to the catalogue",
                         same_name->name);
    }
    if (id != 0 && same_name != same_id) {
        return alog_fail(error, ALOG_EXISTS, 0, -1, "type %u or its name %.*s is taken", id,
                         alog_quoted_len(name), name.data);
    }
    if (same_name != NULL) {
        return define_again(schema, id != 0, same_name, fields, field_count, ret_type, error);
    }
    while (id == 0 && schema->next_user_id < ALOG_MAX_TYPES &&
           alog_schema_type(schema, schema->next_user_id) != NULL) {
        schema->next_user_id++;
    }
    if (id == 0 && schema->next_user_id == ALOG_MAX_TYPES) {
        return alog_fail(error, ALOG_LIMIT, 0, -1, "no more than %u user-defined event types",
                         ALOG_MAX_TYPES - ALOG_FIRST_USER_TYPE);
    }
    return add_type(schema, id != 0 ? id : schema->next_user_id, name, NULL, 0, fields, field_count,
                    ret_type, error);
}
