#include "fold_cells.h"

/* No element that is taken without a look at where the block ends is longer; `SLACK` bytes more may
 * be read. */
#define LONGEST 32u
#define SLACK   8u

void alog_cells_free(struct alog_cells *cells) {
    alog_event_decoder_free(&cells->decoder);
}

/* ---- The usual form ---- */

/* Once for each field of each type, so that the branches are its own. */
#define IN_PLACE static inline __attribute__((always_inline))

/*
 * An event whose fields are being taken, all of them there and usual until they prove not to be.
 * Each of the next functions takes one of them, and returns where it ends; NULL: it is unusual.
 * Which bytes it begins with hardly changes from event to event, and each field waits for the end
 * of the one before it: so branches, which the processor guesses, are cheaper here than a table by
 * first byte or any other way without a branch.
 */
struct taking {
    struct alog_cells *cells;
    const uint8_t *end;
    uint32_t string_count;
    uint32_t present, usual;
};

IN_PLACE const uint8_t *take_absent(struct taking *t, unsigned i, const uint8_t *at) {
    t->present &= ~(UINT32_C(1) << i);
    t->usual &= ~(UINT32_C(1) << i);
    return *at == 0xc0 ? at + 1 : NULL;
}

/* An integer from 0 to 2^32 - 1; NULL: something else. */
IN_PLACE const uint8_t *take_number(const uint8_t *at, uint64_t *ret_number) {
    if (*at < 0x80) {
        *ret_number = *at;
        return at + 1;
    }
    if (*at == 0xcd) {
        *ret_number = alog_mp_load16(at + 1);
        return at + 3;
    }
    if (*at == 0xce) {
        *ret_number = alog_mp_load32(at + 1);
        return at + 5;
    }
    if (*at == 0xcc) {
        *ret_number = at[1];
        return at + 2;
    }
    return NULL;
}

IN_PLACE const uint8_t *take_integer(struct taking *t, unsigned i, const uint8_t *at) {
    uint64_t number;
    const uint8_t *behind = take_number(at, &number);
    if (!behind) {
        return take_absent(t, i, at);
    }
    t->cells->cells[i].number = (int64_t)number;
    return behind;
}

IN_PLACE const uint8_t *take_name(struct taking *t, unsigned i, const uint8_t *at) {
    if (*at == 0xc0) {
        return take_absent(t, i, at);
    }
    at = take_integer(t, i, at);
    return t->cells->cells[i].number < (int64_t)t->string_count ? at : NULL;
}

IN_PLACE const uint8_t *take_boolean(struct taking *t, unsigned i, const uint8_t *at) {
    if ((*at & 0xfe) != 0xc2) {
        return take_absent(t, i, at);
    }
    t->cells->cells[i].number = *at & 1;
    return at + 1;
}

IN_PLACE const uint8_t *take_real(struct taking *t, unsigned i, const uint8_t *at) {
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
IN_PLACE const uint8_t *take_text(struct taking *t, unsigned i, const uint8_t *at, size_t rest) {
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
    const bool is_long = *at == 0xdc;
    const uint32_t count = is_long ? alog_mp_load16(at + 1) : *at ^ 0x90u;
    at += is_long ? 3 : 1;
    const uint32_t elements = count - 3;
    if (elements > MOST_ELEMENTS || (!is_long && count > 15) ||
        left < (count + 1) * LONGEST + SLACK) {
        return false;
    }
    const uint32_t id = *at++;
    uint64_t delta, job_index;
    at = take_number(at, &delta);
    if (!at) {
        return false;
    }
    const int64_t now_ns = (int64_t)((uint64_t)*timestamp_ns + delta);
    if (*at == 0xc0) {
        at++;
        job_index = ALOG_NO_STRING;
    } else {
        at = take_number(at, &job_index);
        if (!at || job_index >= block->strings.count) {
            return false;
        }
    }
    if (now_ns < 0) {
        return false;
    }
    at = take_fields(cells, cursor->end, block->strings.count, id, at, elements);
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
