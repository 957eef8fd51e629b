#include "fold_cells.h"

/*
 * An element by its first byte, in one word, when it is an integer from 0 to 2^32 - 1: the shifts
 * to the left and then to the right that leave its number of its first eight bytes (big endian),
 * and how many bytes it has. 0: it is something else.
 */
#define HEAD(left, right, bytes)                                                                   \
    ((uint32_t)(bytes) << 16 | (uint32_t)(right) << 8 | (uint32_t)(left))

#define TIMES_4(...)  __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__
#define TIMES_16(...) TIMES_4(TIMES_4(__VA_ARGS__))
#define TIMES_64(...) TIMES_4(TIMES_16(__VA_ARGS__))
#define FIXINT        HEAD(0, 56, 1)
#define OTHER         0

/* clang-format off */
static const uint32_t heads[256] = {
    TIMES_64(FIXINT), TIMES_64(FIXINT),
    TIMES_64(OTHER), TIMES_4(OTHER), TIMES_4(OTHER), TIMES_4(OTHER),
    HEAD(8, 56, 2), HEAD(8, 48, 3), HEAD(8, 32, 5), OTHER,
    TIMES_16(OTHER), TIMES_16(OTHER), TIMES_16(OTHER),
};
/* clang-format on */

/* No element that is taken without a look at where the block ends is longer; `SLACK` bytes more may
 * be read. */
#define LONGEST 32u
#define SLACK   8u

void alog_cells_free(struct alog_cells *cells) {
    alog_event_decoder_free(&cells->decoder);
}

/* ---- The usual form ---- */

static inline uint64_t number_of(uint64_t first_bytes, uint32_t head) {
    return first_bytes << (head & 63) >> (head >> 8 & 63);
}

static inline uint32_t bytes_of(uint32_t head) {
    return head >> 16;
}

/* An event whose fields are being taken, all of them there and usual until they prove not to be.
 * Each of the next functions takes one of them, and returns where it ends; NULL: it is unusual.
 * Which bytes it begins with hardly changes from event to event, so that branches are cheaper here
 * than one table for all. */
struct taking {
    struct alog_cells *cells;
    const uint8_t *end;
    uint32_t string_count;
    uint32_t present, usual;
};

static inline const uint8_t *take_absent(struct taking *t, unsigned i, const uint8_t *at) {
    t->present &= ~(UINT32_C(1) << i);
    t->usual &= ~(UINT32_C(1) << i);
    return *at == 0xc0 ? at + 1 : NULL;
}

static inline const uint8_t *take_integer(struct taking *t, unsigned i, const uint8_t *at) {
    if (*at < 0x80) {
        t->cells->cells[i].number = *at;
        return at + 1;
    }
    const uint64_t first_bytes = alog_mp_load64(at);
    const uint32_t head = heads[first_bytes >> 56];
    if (head == 0) {
        return take_absent(t, i, at);
    }
    t->cells->cells[i].number = (int64_t)number_of(first_bytes, head);
    return at + bytes_of(head);
}

static inline const uint8_t *take_name(struct taking *t, unsigned i, const uint8_t *at) {
    if (*at == 0xc0) {
        return take_absent(t, i, at);
    }
    at = take_integer(t, i, at);
    return t->cells->cells[i].number < (int64_t)t->string_count ? at : NULL;
}

static inline const uint8_t *take_boolean(struct taking *t, unsigned i, const uint8_t *at) {
    if ((*at & 0xfe) != 0xc2) {
        return take_absent(t, i, at);
    }
    t->cells->cells[i].number = *at & 1;
    return at + 1;
}

static inline const uint8_t *take_real(struct taking *t, unsigned i, const uint8_t *at) {
    if (*at != 0xcb) {
        return take_integer(t, i, at);
    }
    const uint64_t bits = alog_mp_load64(at + 1);
    t->usual &= ~(UINT32_C(1) << i);
    t->cells->kinds[i] = ALOG_CELL_REAL;
    memcpy(&t->cells->cells[i].real, &bits, sizeof(bits));
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
    t->cells->cells[i].text = (const char *)text;
    t->cells->lens[i] = len;
    return text + len;
}

/* Of 32 bits are the masks. */
#define MOST_ELEMENTS 31u

/* take_fields_of_agent_execution, …: the first `elements` fields. */
/* clang-format off */
#define TAKE(take)                                                                                 \
    if (elements == i) { goto taken; }                                                             \
    at = take;                                                                                     \
    if (!at) { return NULL; }                                                                      \
    i++;
#define ALOG_EVENT(id, event, doc)                                                                 \
    static const uint8_t *take_fields_of_##event(struct alog_cells *cells, const uint8_t *end,     \
                                                 uint32_t string_count, const uint8_t *at,         \
                                                 uint32_t elements) {                              \
        const uint32_t all = (UINT32_C(1) << elements) - 1;                                        \
        struct taking taking = {cells, end, string_count, all, all}, *t = &taking;                 \
        unsigned i = 0;
#define ALOG_NAME(event, field, presence, otel, doc) TAKE(take_name(t, i, at))
#define ALOG_ENUMERATED(event, field, presence, enumeration, otel, doc) TAKE(take_name(t, i, at))
#define ALOG_TEXT(event, field, presence, otel, doc) TAKE(take_text(t, i, at, (elements - i) * LONGEST + SLACK))
#define ALOG_JSON(event, field, presence, otel, doc) TAKE(take_text(t, i, at, (elements - i) * LONGEST + SLACK))
#define ALOG_BOOLEAN(event, field, presence, otel, doc) TAKE(take_boolean(t, i, at))
#define ALOG_INTEGER(event, field, presence, unit, from, to, otel, doc) TAKE(take_integer(t, i, at))
#define ALOG_REAL(event, field, presence, unit, from, to, otel, doc) TAKE(take_real(t, i, at))
#define ALOG_EVENT_END(event)                                                                      \
        if (elements != i) { return NULL; } /* a newer catalogue has more */                       \
    taken:                                                                                         \
        cells->present = taking.present;                                                           \
        cells->usual = taking.usual;                                                               \
        return at;                                                                                 \
    }
#include "format/catalogue.def"
/* clang-format on */

/* The fields of any type of the catalogue; NULL also when it is none. */
static inline const uint8_t *take_fields(struct alog_cells *cells, const uint8_t *end,
                                         uint32_t string_count, uint32_t id, const uint8_t *at,
                                         uint32_t elements) {
    switch (id) {
#define ALOG_EVENT(id, event, doc)                                                                 \
    case (id):                                                                                     \
        return take_fields_of_##event(cells, end, string_count, at, elements);
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
    /* Events of up to 12 fields and of more take turns: without a branch. */
    const bool is_long = *at == 0xdc;
    const uint32_t short_count = *at ^ 0x90u;
    const uint32_t count =
        short_count ^ ((short_count ^ alog_mp_load16(at + 1)) & -(uint32_t)is_long);
    at += is_long ? 3 : 1;
    const uint32_t elements = count - 3;
    if (elements > MOST_ELEMENTS || (!is_long && count > 15) ||
        left < (count + 1) * LONGEST + SLACK) {
        return false;
    }
    const uint32_t id = *at++;
    const uint64_t delta_bytes = alog_mp_load64(at);
    const uint32_t delta = heads[delta_bytes >> 56];
    const int64_t now_ns = (int64_t)((uint64_t)*timestamp_ns + number_of(delta_bytes, delta));
    at += bytes_of(delta);
    const uint64_t job_bytes = alog_mp_load64(at);
    uint32_t job = heads[job_bytes >> 56];
    uint64_t job_index = number_of(job_bytes, job);
    if (job_bytes >> 56 == 0xc0) {
        job = HEAD(0, 0, 1);
        job_index = ALOG_NO_STRING;
    } else if (job == 0 || job_index >= block->strings.count) {
        return false;
    }
    if (delta == 0 || now_ns < 0) {
        return false;
    }
    at = take_fields(cells, cursor->end, block->strings.count, id, at + bytes_of(job), elements);
    if (!at) {
        return false;
    }
    cells->type_id = id;
    cells->timestamp_ns = *timestamp_ns = now_ns;
    cells->job_index = (uint32_t)job_index;
    cells->has_own = false;
    cursor->at = at;
    return true;
}

/* ---- Any form ---- */

static void set_text(struct alog_cells *cells, uint32_t i, struct alog_string text) {
    cells->cells[i].text = text.data;
    cells->lens[i] = (uint32_t)text.len;
}

/* False: it is not of its field's usual form. */
static bool set_cell(struct alog_cells *cells, uint32_t i, enum alog_field_kind kind,
                     const struct alog_value *value, uint32_t string_index) {
    switch (value->kind) {
    case ALOG_VALUE_STRING:
        if (string_index != ALOG_NO_STRING) {
            cells->cells[i].number = string_index;
            return true;
        }
        set_text(cells, i, value->string);
        cells->kinds[i] = ALOG_CELL_TEXT;
        return kind == ALOG_FIELD_TEXT || kind == ALOG_FIELD_JSON;
    case ALOG_VALUE_JSON:
        set_text(cells, i, value->string);
        return true;
    case ALOG_VALUE_BOOL:
        cells->cells[i].number = value->boolean;
        return true;
    case ALOG_VALUE_I64:
        cells->cells[i].number = value->i64;
        cells->kinds[i] = ALOG_CELL_INTEGER;
        return false;
    default:
        cells->cells[i].real = value->f64;
        cells->kinds[i] = ALOG_CELL_REAL;
        return false;
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
    cells->type_id = event.type->id;
    cells->timestamp_ns = event.timestamp_ns;
    cells->job_index = cells->decoder.job_index;
    cells->job_id = event.job_id;
    cells->has_own = true;
    cells->event_id = event.event_id;
    cells->environment = event.environment;
    cells->present = cells->usual = 0;
    for (uint32_t i = 0; i < event.value_count; i++) {
        if (event.values[i].kind != ALOG_VALUE_ABSENT) {
            bool usual = set_cell(cells, i, event.type->fields[i].kind, &event.values[i],
                                  cells->decoder.string_indexes[i]);
            cells->present |= UINT64_C(1) << i;
            cells->usual |= (uint64_t)usual << i;
        }
    }
    return ALOG_OK;
}

enum alog_status alog_cells_take(struct alog_cells *cells, struct alog_mp_cursor *cursor,
                                 const struct alog_block *block, int64_t *timestamp_ns) {
    return take_usual(cells, cursor, block, timestamp_ns)
               ? ALOG_OK
               : take_any(cells, cursor, block, timestamp_ns);
}
