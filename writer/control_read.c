/* What a dead writer's control file says; see control_read.h. */
#include "control_read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/error.h"
#include "format/msgpack.h"

/* Values that a later version may put there are passed over, if they are no deeper. */
#define MAX_DEPTH 16

static bool is(const struct alog_mp_token *token, const char *text) {
    size_t len = strlen(text);
    return token->type == ALOG_MP_STR && token->len == len && memcmp(token->data, text, len) == 0;
}

static bool is_number(const struct alog_mp_token *token, int64_t minimum, int64_t maximum) {
    return token->type == ALOG_MP_INT && token->i64 >= minimum && token->i64 <= maximum;
}

/* A path as a string; NULL when it is none, or there is no memory. */
static char *path_of(const struct alog_mp_token *token) {
    if (token->type != ALOG_MP_STR || memchr(token->data, '\0', token->len) != NULL) {
        return NULL;
    }
    return strndup((const char *)token->data, token->len);
}

/* ---- The opening ----------------------------------------------------------------------------- */

static void take_writer(struct alog_control_facts *facts, const struct alog_mp_token *value) {
    char digits[17] = "";
    if (value->type == ALOG_MP_STR && value->len == 16) {
        memcpy(digits, value->data, 16);
        facts->writer_id = strtoull(digits, NULL, 16);
    }
}

static void take_opening(struct alog_control_facts *facts, const struct alog_mp_token *key,
                         const struct alog_mp_token *value) {
    if (is(key, "agentlog_writer")) {
        facts->opened = true;
    } else if (is(key, "writer")) {
        take_writer(facts, value);
    } else if (is(key, "environment") && value->type == ALOG_MP_STR &&
               value->len <= sizeof facts->environment) {
        memcpy(facts->environment, value->data, value->len);
        facts->environment_len = value->len;
    } else if (is(key, "boot") && value->type == ALOG_MP_STR && value->len < sizeof facts->boot) {
        memcpy(facts->boot, value->data, value->len);
        facts->boot[value->len] = '\0';
    } else if (is(key, "ring_dir_id") && value->type == ALOG_MP_STR &&
               value->len < sizeof facts->ring_dir_id) {
        memcpy(facts->ring_dir_id, value->data, value->len);
        facts->ring_dir_id[value->len] = '\0';
    } else if (is(key, "ring_dir") && facts->ring_dir == NULL) {
        facts->ring_dir = path_of(value);
    }
}

/* ---- Rings and types ------------------------------------------------------------------------- */

/* The parts of a map, gathered while it is read. */
struct record {
    bool has_ring, has_type, finished;
    struct alog_control_ring ring;
    uint32_t type;
    struct alog_string name;
    struct alog_field fields[ALOG_MAX_FIELDS];
    size_t field_count;
    bool has_fields;
};

static bool add_ring(struct alog_control_facts *facts, struct record *record) {
    if (facts->ring_count >= ALOG_CONTROL_MAX_RINGS) {
        return true;
    }
    /* Powers of two, from 8 on. */
    size_t count = facts->ring_count;
    if (count == 0 || (count >= 8 && (count & (count - 1)) == 0)) {
        size_t capacity = count == 0 ? 8 : 2 * count;
        struct alog_control_ring *grown = realloc(facts->rings, capacity * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        facts->rings = grown;
    }
    if (record->ring.path == NULL) {
        record->ring.path = strdup("");
        if (record->ring.path == NULL) {
            return false;
        }
    }
    facts->rings[facts->ring_count++] = record->ring;
    record->ring.path = NULL;
    return true;
}

/* [[name, kind, required]…]; the names are copied. False: not that. */
static bool take_fields(struct alog_mp_cursor *cursor, struct record *record) {
    struct alog_mp_token head, name, kind, required;
    if (!alog_mp_next(cursor, &head) || head.type != ALOG_MP_ARRAY || head.len > ALOG_MAX_FIELDS ||
        record->has_fields) {
        return false;
    }
    record->has_fields = true;
    for (uint32_t i = 0; i < head.len; i++) {
        struct alog_mp_token field;
        if (!alog_mp_next(cursor, &field) || field.type != ALOG_MP_ARRAY || field.len != 3 ||
            !alog_mp_next(cursor, &name) || !alog_mp_next(cursor, &kind) ||
            !alog_mp_next(cursor, &required) || required.type != ALOG_MP_BOOL ||
            !is_number(&kind, ALOG_FIELD_NAME, ALOG_FIELD_ENUM)) {
            return false;
        }
        struct alog_field *to = &record->fields[i];
        to->name = path_of(&name);
        to->kind = (enum alog_field_kind)kind.i64;
        to->required = required.boolean;
        to->unit = to->otel = to->doc = "";
        record->field_count = i + 1;
        if (to->name == NULL) {
            return false;
        }
    }
    return true;
}

static void free_record(struct record *record) {
    free(record->ring.path);
    for (size_t i = 0; i < record->field_count; i++) {
        free((void *)(uintptr_t)record->fields[i].name);
    }
}

/* ---- The maps -------------------------------------------------------------------------------- */

static bool take_value(struct alog_control_facts *facts, struct record *record,
                       const struct alog_mp_token *key, struct alog_mp_cursor *cursor) {
    if (is(key, "fields")) {
        return take_fields(cursor, record);
    }
    struct alog_mp_cursor before = *cursor;
    struct alog_mp_token value;
    if (!alog_mp_next(cursor, &value)) {
        return false;
    }
    if (value.type == ALOG_MP_ARRAY || value.type == ALOG_MP_MAP) {
        *cursor = before;
        return alog_mp_skip(cursor, MAX_DEPTH);
    }
    if (is(key, "ring") && is_number(&value, 1, INT64_MAX)) {
        record->has_ring = true;
        record->ring.id = (uint64_t)value.i64;
    } else if (is(key, "path") && record->ring.path == NULL) {
        record->ring.path = path_of(&value);
    } else if (is(key, "define") && is_number(&value, ALOG_FIRST_USER_TYPE, ALOG_MAX_TYPES - 1)) {
        record->has_type = true;
        record->type = (uint32_t)value.i64;
    } else if (is(key, "name") && value.type == ALOG_MP_STR) {
        record->name = (struct alog_string){(const char *)value.data, value.len};
    } else if (is(key, "finished") && value.type == ALOG_MP_BOOL) {
        record->finished = value.boolean;
    } else {
        take_opening(facts, key, &value);
    }
    return true;
}

/* One map. False: it is none, or torn. */
static bool take_map(struct alog_control_facts *facts, struct alog_schema *schema,
                     struct alog_mp_cursor *cursor, bool *ret_memory) {
    struct alog_mp_token head, key;
    struct record record = {0};
    bool whole = alog_mp_next(cursor, &head) && head.type == ALOG_MP_MAP;
    for (uint32_t i = 0; whole && i < head.len; i++) {
        whole = alog_mp_next(cursor, &key) && key.type == ALOG_MP_STR &&
                take_value(facts, &record, &key, cursor);
    }
    if (whole && record.has_ring) {
        *ret_memory = add_ring(facts, &record);
    }
    if (whole && record.has_type && record.has_fields) {
        const struct alog_event_type *type;
        /* One that cannot be: its events will be found unreadable. */
        facts->types += alog_schema_define(schema, record.type, record.name, record.fields,
                                           record.field_count, &type, NULL) == ALOG_OK;
    }
    facts->finished |= whole && record.finished;
    free_record(&record);
    return whole;
}

enum alog_status alog_control_read(const struct alog_io *io, int fd, struct alog_schema *schema,
                                   struct alog_control_facts *facts, struct alog_error *error) {
    struct stat info;
    int result = io->fstat(io->context, fd, &info);
    if (result < 0) {
        return alog_fail(error, ALOG_IO, -result, -1, "cannot look at a writer's control file");
    }
    facts->owner = info.st_uid;
    size_t bytes = info.st_size > 0 && (uint64_t)info.st_size < ALOG_CONTROL_MAX_BYTES
                       ? (size_t)info.st_size
                       : 0;
    uint8_t *data = malloc(bytes + 1);
    if (data == NULL) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for a writer's control file");
    }
    int64_t got = alog_io_read_full(io, fd, data, bytes, 0);
    bool memory = true;
    struct alog_mp_cursor cursor = {.at = data, .end = data + (got > 0 ? got : 0)};
    while (memory && cursor.at < cursor.end && take_map(facts, schema, &cursor, &memory)) {
        facts->whole_bytes = (uint64_t)(cursor.at - data);
    }
    free(data);
    if (got < 0) {
        return alog_fail(error, ALOG_IO, (int)-got, -1, "cannot read a writer's control file");
    }
    return memory
               ? ALOG_OK
               : alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for a writer's control file");
}

void alog_control_facts_free(struct alog_control_facts *facts) {
    for (size_t i = 0; i < facts->ring_count; i++) {
        free(facts->rings[i].path);
    }
    free(facts->rings);
    free(facts->ring_dir);
    *facts = (struct alog_control_facts){0};
}
