#include "fold_cells.h"

#include "fold_take.h"

void alog_cells_free(struct alog_cells *cells) {
    alog_event_decoder_free(&cells->decoder);
}

/* ---- The usual form ---- */

struct keeping {
    struct alog_cells *cells;
    uint32_t unusual;
};

ALOG_IN_PLACE bool keep(struct keeping *keeping, unsigned i, struct alog_fold_field field) {
    keeping->cells->cells[i] = field.cell;
    keeping->cells->lens[i] = field.len;
    if (field.kind != ALOG_CELL_USUAL) {
        keeping->cells->kinds[i] = (uint8_t)field.kind;
        keeping->unusual |= UINT32_C(1) << i;
    }
    return true;
}

#define ALOG_TAKER      struct keeping
#define ALOG_TAKE_FIELD keep
#include "fold_take.h"

/* False: not of the usual form, and nothing is taken. */
static inline bool take_usual(struct alog_cells *cells, struct alog_mp_cursor *cursor,
                              const struct alog_block *block, int64_t *timestamp_ns) {
    struct alog_event_head head;
    const uint8_t *at = alog_take_head(cursor, block, *timestamp_ns, &head);
    if (!at) {
        return false;
    }
    struct keeping keeping = {cells, 0};
    uint32_t present;
    at = take_fields(&keeping, block, head.type_id, head.elements, at, &present);
    if (!at) {
        return false;
    }
    cells->present = present;
    cells->usual = present & ~keeping.unusual;
    cells->type_id = head.type_id;
    cells->timestamp_ns = *timestamp_ns = head.timestamp_ns;
    cells->job_index = head.job_index;
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
