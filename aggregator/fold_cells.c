#include "fold_cells.h"

/*
 * An element by its first byte, in one word: its kind, the shifts to the left and then to the right
 * that leave its number of its first eight bytes (big endian), and how many bytes it has, 0 for
 * another form.
 */
#define HEAD(kind, left, right, bytes)                                                             \
    ((uint32_t)(bytes) << 24 | (uint32_t)(right) << 16 | (uint32_t)(left) << 8 | (uint32_t)(kind))

#define TIMES_4(...)  __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__
#define TIMES_16(...) TIMES_4(TIMES_4(__VA_ARGS__))
#define TIMES_64(...) TIMES_4(TIMES_16(__VA_ARGS__))
#define FIXINT        HEAD(ALOG_CELL_SMALL, 0, 56, 1)
#define FIXSTR(len)   HEAD(ALOG_CELL_TEXT, 0, 63, 1 + (len))
#define OTHER         HEAD(ALOG_CELL_OTHER, 0, 0, 0)
#define FIXSTR_4(n)   FIXSTR(n), FIXSTR((n) + 1), FIXSTR((n) + 2), FIXSTR((n) + 3)
#define FIXSTR_16(n)  FIXSTR_4(n), FIXSTR_4((n) + 4), FIXSTR_4((n) + 8), FIXSTR_4((n) + 12)

/* clang-format off */
static const uint32_t heads[256] = {
    TIMES_64(FIXINT), TIMES_64(FIXINT),
    TIMES_16(OTHER), TIMES_16(OTHER),
    FIXSTR_16(0), FIXSTR_16(16),
    HEAD(ALOG_CELL_ABSENT, 0, 63, 1),
    OTHER,
    HEAD(ALOG_CELL_BOOL, 7, 63, 1),
    HEAD(ALOG_CELL_BOOL, 7, 63, 1),
    TIMES_4(OTHER), OTHER, OTHER, OTHER,
    HEAD(ALOG_CELL_REAL, 0, 63, 9),
    HEAD(ALOG_CELL_SMALL, 8, 56, 2),
    HEAD(ALOG_CELL_SMALL, 8, 48, 3),
    HEAD(ALOG_CELL_SMALL, 8, 32, 5),
    OTHER, TIMES_16(OTHER), TIMES_16(OTHER), TIMES_16(OTHER),
};
/* clang-format on */

/* No element of the table is longer; `SLACK` bytes more may be read. */
#define LONGEST 32u
#define SLACK   8u

void alog_cells_free(struct alog_cells *cells) {
    alog_event_decoder_free(&cells->decoder);
}

/* ---- The usual form ---- */

static inline uint8_t kind_of(uint32_t head) {
    return (uint8_t)head;
}

static inline uint64_t number_of(uint64_t first_bytes, uint32_t head) {
    return first_bytes << (head >> 8 & 63) >> (head >> 16 & 63);
}

static inline uint32_t bytes_of(uint32_t head) {
    return head >> 24;
}

/* An event whose fields are being taken. Each of the next functions takes one of them, and returns
 * where it ends; NULL: it is unusual. Which bytes it begins with hardly changes from event to
 * event, so that branches are cheaper here than one table for all. */
struct taking {
    struct alog_cells *cells;
    const uint8_t *end;
    uint32_t string_count;
    uint64_t present;
};

static inline void put_small(struct taking *t, unsigned i, uint64_t number) {
    t->cells->kinds[i] = ALOG_CELL_SMALL;
    t->cells->cells[i].number = (int64_t)number;
    t->present |= UINT64_C(1) << i;
}

static inline const uint8_t *take_absent(struct taking *t, unsigned i, const uint8_t *at) {
    t->cells->kinds[i] = ALOG_CELL_ABSENT;
    return *at == 0xc0 ? at + 1 : NULL;
}

static inline const uint8_t *take_small(struct taking *t, unsigned i, const uint8_t *at) {
    const uint64_t first_bytes = alog_mp_load64(at);
    const uint32_t head = heads[first_bytes >> 56];
    if (kind_of(head) != ALOG_CELL_SMALL) {
        return take_absent(t, i, at);
    }
    put_small(t, i, number_of(first_bytes, head));
    return at + bytes_of(head);
}

static inline const uint8_t *take_integer(struct taking *t, unsigned i, const uint8_t *at) {
    if (*at < 0x80) {
        put_small(t, i, *at);
        return at + 1;
    }
    return take_small(t, i, at);
}

static inline const uint8_t *take_name(struct taking *t, unsigned i, const uint8_t *at) {
    if (*at < 0x80 && *at < t->string_count) {
        put_small(t, i, *at);
        return at + 1;
    }
    const uint8_t *behind = take_small(t, i, at);
    return t->cells->kinds[i] != ALOG_CELL_SMALL ||
                   t->cells->cells[i].number < (int64_t)t->string_count
               ? behind
               : NULL;
}

static inline const uint8_t *take_boolean(struct taking *t, unsigned i, const uint8_t *at) {
    if ((*at & 0xfe) != 0xc2) {
        return take_absent(t, i, at);
    }
    t->cells->kinds[i] = ALOG_CELL_BOOL;
    t->cells->cells[i].number = *at & 1;
    t->present |= UINT64_C(1) << i;
    return at + 1;
}

static inline const uint8_t *take_real(struct taking *t, unsigned i, const uint8_t *at) {
    if (*at != 0xcb) {
        return take_small(t, i, at);
    }
    const uint64_t bits = alog_mp_load64(at + 1);
    t->cells->kinds[i] = ALOG_CELL_REAL;
    memcpy(&t->cells->cells[i].real, &bits, sizeof(bits));
    t->present |= UINT64_C(1) << i;
    return at + 9;
}

/* `rest` bytes, at most, have the fields behind it. */
static inline const uint8_t *take_text(struct taking *t, unsigned i, const uint8_t *at,
                                       size_t rest) {
    uint32_t len = *at ^ 0xa0u;
    const uint8_t *text = at + 1;
    if (len >= 32) {
        if (*at != 0xd9) {
            return take_absent(t, i, at);
        }
        len = *text++;
        if (len + rest > (size_t)(t->end - text)) {
            return NULL;
        }
    }
    t->cells->kinds[i] = ALOG_CELL_TEXT;
    t->cells->cells[i].text = (const char *)text;
    t->cells->lens[i] = len;
    t->present |= UINT64_C(1) << i;
    return text + len;
}

/* take_fields_of_agent_execution, …: the first `elements` fields. */
/* clang-format off */
#define TAKE(take)                                                                                 \
    if (elements == i) { return at; }                                                              \
    at = take;                                                                                     \
    if (!at) { return NULL; }                                                                      \
    i++;
#define ALOG_EVENT(id, event, doc)                                                                 \
    static const uint8_t *take_fields_of_##event(struct taking *t, const uint8_t *at, uint32_t elements) {  \
        unsigned i = 0;
#define ALOG_NAME(event, field, presence, otel, doc) TAKE(take_name(t, i, at))
#define ALOG_ENUMERATED(event, field, presence, enumeration, otel, doc) TAKE(take_name(t, i, at))
#define ALOG_TEXT(event, field, presence, otel, doc) TAKE(take_text(t, i, at, (elements - i) * LONGEST + SLACK))
#define ALOG_JSON(event, field, presence, otel, doc) TAKE(take_text(t, i, at, (elements - i) * LONGEST + SLACK))
#define ALOG_BOOLEAN(event, field, presence, otel, doc) TAKE(take_boolean(t, i, at))
#define ALOG_INTEGER(event, field, presence, unit, from, to, otel, doc) TAKE(take_integer(t, i, at))
#define ALOG_REAL(event, field, presence, unit, from, to, otel, doc) TAKE(take_real(t, i, at))
#define ALOG_EVENT_END(event)                                                                      \
        return elements == i ? at : NULL; /* a newer catalogue has more */                         \
    }
#include "format/catalogue.def"
/* clang-format on */

/* The fields of any type of the catalogue; NULL also when it is none. */
static inline const uint8_t *take_fields(struct taking *t, uint32_t id, const uint8_t *at,
                                         uint32_t elements) {
    switch (id) {
#define ALOG_EVENT(id, event, doc)                                                                 \
    case (id):                                                                                     \
        return take_fields_of_##event(t, at, elements);
#include "format/catalogue.def"
    default:
        return NULL;
    }
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
    if (count < 3 || id >= 0x80 || left < (count + 1) * LONGEST + SLACK) {
        return false;
    }
    const struct alog_event_type *type = alog_schema_type(block->schema, id);
    const uint32_t elements = count - 3;
    if (!type || elements > type->field_count) {
        return false;
    }
    const uint64_t delta_bytes = alog_mp_load64(at);
    const uint32_t delta = heads[delta_bytes >> 56];
    const int64_t now_ns = (int64_t)((uint64_t)*timestamp_ns + number_of(delta_bytes, delta));
    if (kind_of(delta) != ALOG_CELL_SMALL || now_ns < 0) {
        return false;
    }
    at += bytes_of(delta);
    const uint64_t job_bytes = alog_mp_load64(at);
    const uint32_t job = heads[job_bytes >> 56];
    const uint64_t job_index = number_of(job_bytes, job);
    if (kind_of(job) == ALOG_CELL_SMALL && job_index < block->strings.count) {
        cells->job_index = (uint32_t)job_index;
    } else if (kind_of(job) == ALOG_CELL_ABSENT) {
        cells->job_index = ALOG_NO_STRING;
    } else {
        return false;
    }
    /* Those that are cut off; one word or two, for most types. */
    for (uint32_t i = 0; i < type->field_count; i += 8) {
        memset(&cells->kinds[i], ALOG_CELL_ABSENT, 8);
    }
    struct taking taking = {cells, cursor->end, block->strings.count, 0};
    at = take_fields(&taking, id, at + bytes_of(job), elements);
    if (!at) {
        return false;
    }
    cells->present = taking.present;
    cells->type = type;
    cells->timestamp_ns = *timestamp_ns = now_ns;
    cells->has_own = false;
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
    cells->has_own = true;
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
