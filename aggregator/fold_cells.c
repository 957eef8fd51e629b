#include "fold_cells.h"

#include "catalogue_fields.h"

/* An element by its first byte. Its number is (the first eight bytes, big endian, >> shift) & mask.
 */
struct head {
    uint32_t mask;
    uint8_t shift;
    uint8_t kind;
    uint8_t bytes; /* of the whole element; 0 = another form */
};

#define TIMES_4(...)  __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__
#define TIMES_16(...) TIMES_4(TIMES_4(__VA_ARGS__))
#define TIMES_64(...) TIMES_4(TIMES_16(__VA_ARGS__))
#define FIXINT                                                                                     \
    { 0xff, 56, ALOG_CELL_SMALL, 1 }
#define FIXSTR(len)                                                                                \
    { 0, 0, ALOG_CELL_TEXT, 1 + (len) }
#define FIXSTR_4(n)  FIXSTR(n), FIXSTR((n) + 1), FIXSTR((n) + 2), FIXSTR((n) + 3)
#define FIXSTR_16(n) FIXSTR_4(n), FIXSTR_4((n) + 4), FIXSTR_4((n) + 8), FIXSTR_4((n) + 12)

/* clang-format off */
static const struct head heads[256] = {
    TIMES_64(FIXINT), TIMES_64(FIXINT),
    [0xa0] = FIXSTR_16(0), FIXSTR_16(16),
    [0xc0] = {0, 0, ALOG_CELL_ABSENT, 1},
    [0xc2] = {1, 56, ALOG_CELL_BOOL, 1},
    [0xc3] = {1, 56, ALOG_CELL_BOOL, 1},
    [0xcb] = {0, 0, ALOG_CELL_REAL, 9},
    [0xcc] = {0xff, 48, ALOG_CELL_SMALL, 2},
    [0xcd] = {0xffff, 40, ALOG_CELL_SMALL, 3},
    [0xce] = {0xffffffff, 24, ALOG_CELL_SMALL, 5},
};
/* clang-format on */

/* No element of the table is longer; `SLACK` bytes more may be read. */
#define LONGEST 32u
#define SLACK   8u

/* By type id and field: which kinds it may be of here (a bit each), and whether it is a name. */
struct rule {
    uint8_t kinds, is_name;
};

#define BIT(kind)             (uint8_t)(1u << (kind))
#define NAME_RULE             {BIT(ALOG_CELL_ABSENT) | BIT(ALOG_CELL_SMALL), 1},
#define TEXT_RULE             {BIT(ALOG_CELL_ABSENT) | BIT(ALOG_CELL_TEXT), 0},
#define RULE(kind)            {BIT(ALOG_CELL_ABSENT) | BIT(kind), 0},
#define RULE_2(kind, another) {BIT(ALOG_CELL_ABSENT) | BIT(kind) | BIT(another), 0},

/* clang-format off */
static const struct rule rules[][ALOG_MAX_FIELDS] = {
#define ALOG_EVENT(id, event, doc) [id] = {
#define ALOG_NAME(event, field, presence, otel, doc) NAME_RULE
#define ALOG_ENUMERATED(event, field, presence, enumeration, otel, doc) NAME_RULE
#define ALOG_TEXT(event, field, presence, otel, doc) TEXT_RULE
#define ALOG_JSON(event, field, presence, otel, doc) TEXT_RULE
#define ALOG_BOOLEAN(event, field, presence, otel, doc) RULE(ALOG_CELL_BOOL)
#define ALOG_INTEGER(event, field, presence, unit, from, to, otel, doc) RULE(ALOG_CELL_SMALL)
#define ALOG_REAL(event, field, presence, unit, from, to, otel, doc) RULE_2(ALOG_CELL_SMALL, ALOG_CELL_REAL)
#define ALOG_EVENT_END(event) },
#include "format/catalogue.def"
};
/* clang-format on */
#define TYPE_COUNT (sizeof(rules) / sizeof(rules[0]))

void alog_cells_free(struct alog_cells *cells) {
    alog_event_decoder_free(&cells->decoder);
}

/* ---- The usual form ---- */

static inline uint32_t number_at(const uint8_t *at, struct head head) {
    return (uint32_t)(alog_mp_load64(at) >> head.shift) & head.mask;
}

/* A real, or a text; false: something else. *at moves on. */
static inline bool take_wide(struct alog_cells *cells, unsigned i, const uint8_t **at,
                             struct head head, size_t room) {
    if (head.kind == ALOG_CELL_REAL) {
        uint64_t bits = alog_mp_load64(*at + 1);
        memcpy(&cells->cells[i].real, &bits, sizeof(bits));
        *at += head.bytes;
        return true;
    }
    if (head.kind == ALOG_CELL_TEXT) {
        cells->cells[i].text = (const char *)*at + 1;
        cells->lens[i] = head.bytes - 1u;
        *at += head.bytes;
        return true;
    }
    if (**at == 0xd9 && 2u + (*at)[1] <= room) {
        cells->kinds[i] = ALOG_CELL_TEXT;
        cells->cells[i].text = (const char *)*at + 2;
        cells->lens[i] = (*at)[1];
        *at += 2u + (*at)[1];
        return true;
    }
    return false;
}

/* The fields; where they end, or NULL when one is unusual. */
static inline const uint8_t *take_fields(struct alog_cells *cells, const uint8_t *at,
                                         const uint8_t *end, const struct rule *rule,
                                         uint32_t elements, uint32_t string_count) {
    unsigned wrong = 0;
    uint64_t present = 0;
    for (uint32_t i = 0; i < elements; i++) {
        const struct head head = heads[*at];
        cells->kinds[i] = head.kind;
        if (BIT(head.kind) & (BIT(ALOG_CELL_REAL) | BIT(ALOG_CELL_TEXT) | BIT(ALOG_CELL_OTHER))) {
            const size_t needed = (elements - i - 1) * LONGEST + SLACK;
            if (!take_wide(cells, i, &at, head, (size_t)(end - at) - needed)) {
                return NULL;
            }
        } else {
            const uint32_t number = number_at(at, head);
            cells->cells[i].number = number;
            wrong |= rule[i].is_name & (unsigned)(number >= string_count);
            at += head.bytes;
        }
        wrong |= ~((unsigned)rule[i].kinds >> cells->kinds[i]) & 1u;
        present |= (uint64_t)(head.kind != ALOG_CELL_ABSENT) << i;
    }
    cells->present = present;
    return wrong ? NULL : at;
}

/* False: not of the usual form, and nothing is taken. */
static inline bool take_usual(struct alog_cells *cells, struct alog_mp_cursor *cursor,
                              const struct alog_block *block, int64_t *timestamp_ns) {
    const uint8_t *at = cursor->at;
    const size_t left = (size_t)(cursor->end - at);
    if (left < 4 * LONGEST) {
        return false;
    }
    uint32_t count = *at++ ^ 0x90u;
    if (count > 15) {
        if (at[-1] != 0xdc) {
            return false;
        }
        count = alog_mp_load16(at);
        at += 2;
    }
    const uint32_t id = *at++;
    if (count < 3 || id >= TYPE_COUNT || left < (count + 1) * LONGEST + SLACK) {
        return false;
    }
    const struct alog_event_type *type = alog_schema_type(block->schema, id);
    const uint32_t elements = count - 3;
    if (!type || elements > type->field_count) {
        return false;
    }
    const struct head delta = heads[*at];
    const int64_t now_ns = (int64_t)((uint64_t)*timestamp_ns + number_at(at, delta));
    if (delta.kind != ALOG_CELL_SMALL || now_ns < 0) {
        return false;
    }
    at += delta.bytes;
    const struct head job = heads[*at];
    const uint32_t job_index = number_at(at, job);
    if (job.kind == ALOG_CELL_SMALL && job_index < block->strings.count) {
        cells->job_index = job_index;
        cells->job_id = block->strings.strings[job_index];
    } else if (job.kind == ALOG_CELL_ABSENT) {
        cells->job_index = ALOG_NO_STRING;
        cells->job_id = (struct alog_string){NULL, 0};
    } else {
        return false;
    }
    at = take_fields(cells, at + job.bytes, cursor->end, rules[id], elements, block->strings.count);
    if (!at) {
        return false;
    }
    for (uint32_t i = elements; i < type->field_count; i++) {
        cells->kinds[i] = ALOG_CELL_ABSENT;
    }
    cells->type = type;
    cells->timestamp_ns = *timestamp_ns = now_ns;
    cells->has_extras = false;
    cells->event_id = cells->environment = (struct alog_string){NULL, 0};
    cursor->at = at;
    return true;
}

/* ---- Any form ---- */

static void set_text(struct alog_cells *cells, uint32_t i, struct alog_string text) {
    cells->kinds[i] = ALOG_CELL_TEXT;
    cells->cells[i].text = text.data;
    cells->lens[i] = (uint32_t)text.len;
}

static void set_cell(struct alog_cells *cells, uint32_t i, const struct alog_value *value,
                     uint32_t string_index) {
    switch (value->kind) {
    case ALOG_VALUE_STRING:
        if (string_index != ALOG_NO_STRING) {
            cells->kinds[i] = ALOG_CELL_SMALL;
            cells->cells[i].number = string_index;
            return;
        }
        set_text(cells, i, value->string);
        return;
    case ALOG_VALUE_JSON:
        set_text(cells, i, value->string);
        return;
    case ALOG_VALUE_BOOL:
        cells->kinds[i] = ALOG_CELL_BOOL;
        cells->cells[i].number = value->boolean;
        return;
    case ALOG_VALUE_I64:
        cells->kinds[i] = ALOG_CELL_INTEGER;
        cells->cells[i].number = value->i64;
        return;
    case ALOG_VALUE_F64:
        cells->kinds[i] = ALOG_CELL_REAL;
        cells->cells[i].real = value->f64;
        return;
    default:
        cells->kinds[i] = ALOG_CELL_ABSENT;
        return;
    }
}

static enum alog_status take_any(struct alog_cells *cells, struct alog_mp_cursor *cursor,
                                 const struct alog_block *block, int64_t *timestamp_ns) {
    struct alog_event event;
    enum alog_status status = alog_event_decode(&cells->decoder, cursor, block->schema,
                                                &block->strings, timestamp_ns, &event);
    if (status != ALOG_OK) {
        return status;
    }
    cells->type = event.type;
    cells->timestamp_ns = event.timestamp_ns;
    cells->job_index = cells->decoder.job_index;
    cells->job_id = event.job_id;
    cells->has_extras = true;
    cells->event_id = event.event_id;
    cells->environment = event.environment;
    cells->present = 0;
    for (uint32_t i = 0; i < event.value_count; i++) {
        set_cell(cells, i, &event.values[i], cells->decoder.string_indexes[i]);
        cells->present |= (uint64_t)(cells->kinds[i] != ALOG_CELL_ABSENT) << i;
    }
    return ALOG_OK;
}

enum alog_status alog_cells_take(struct alog_cells *cells, struct alog_mp_cursor *cursor,
                                 const struct alog_block *block, int64_t *timestamp_ns) {
    return take_usual(cells, cursor, block, timestamp_ns)
               ? ALOG_OK
               : take_any(cells, cursor, block, timestamp_ns);
}
