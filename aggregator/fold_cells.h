/*
 * The fields of one event as the fold reads them: numbers in the form that the block has them in,
 * names as indexes into its string table. Most events are taken in one pass with hardly a branch
 * per field; an unusual one goes through the format's own decoder, which alone says what is
 * corrupt.
 */
#ifndef AGENTLOG_AGGREGATOR_FOLD_CELLS_H
#define AGENTLOG_AGGREGATOR_FOLD_CELLS_H

#include "format/block.h"

enum alog_cell_kind {
    ALOG_CELL_ABSENT,
    ALOG_CELL_USUAL,
    /* There in another than its usual form: */
    ALOG_CELL_REAL,    /* `real` */
    ALOG_CELL_TEXT,    /* `text` of a name that is not in the string table */
    ALOG_CELL_INTEGER, /* `number`, any */
};

union alog_cell {
    int64_t number;
    double real;
    const char *text; /* of `lens` bytes */
};

/*
 * One event. Zero-initialise; free with alog_cells_free. A field's usual form is
 *   - of a name or enumeration: `number`, its index in the block's string table;
 *   - of a boolean: `number`, 0 or 1;
 *   - of an integer: `number` below 2^32;
 *   - of a real: `number` of thousandths, below 2^32;
 *   - of a text or JSON text: `text`.
 */
struct alog_cells {
    uint32_t type_id; /* in the block's schema */
    int64_t timestamp_ns;
    uint32_t job_index; /* in the block's strings, or ALOG_NO_STRING; */
    bool has_own;       /* … then, and if it has more of its own, the next three are set: */
    struct alog_string job_id;                /* len 0 = none */
    struct alog_string event_id, environment; /* data NULL = none of its own */
    uint64_t present;                         /* bit i: field i is there, */
    uint64_t usual;                           /* … in its usual form */
    /* By field, of those that are there. */
    union alog_cell cells[ALOG_MAX_FIELDS];
    uint32_t lens[ALOG_MAX_FIELDS];
    uint8_t kinds[ALOG_MAX_FIELDS]; /* enum alog_cell_kind, of those that are not usual */
    struct alog_event_decoder decoder;
};

static inline bool alog_cells_has(const struct alog_cells *cells, unsigned i) {
    return (cells->present >> i & 1) != 0;
}

static inline bool alog_cells_is_usual(const struct alog_cells *cells, unsigned i) {
    return (cells->usual >> i & 1) != 0;
}

/* A field by itself. */
struct alog_fold_field {
    enum alog_cell_kind kind;
    uint32_t len;
    union alog_cell cell;
};

static inline struct alog_fold_field alog_cells_field(const struct alog_cells *cells, unsigned i) {
    const enum alog_cell_kind kind = !alog_cells_has(cells, i) ? ALOG_CELL_ABSENT
                                     : alog_cells_is_usual(cells, i)
                                         ? ALOG_CELL_USUAL
                                         : (enum alog_cell_kind)cells->kinds[i];
    return (struct alog_fold_field){kind, cells->lens[i], cells->cells[i]};
}

void alog_cells_free(struct alog_cells *cells);

/*
 * Take the event at the cursor, as alog_event_decode does from a block: the same facts,
 * ALOG_CORRUPT or ALOG_NO_MEMORY for the same bytes. Views point into the block and its schema.
 * Cost: some 25 instructions a field for the usual event.
 */
enum alog_status alog_cells_take(struct alog_cells *cells, struct alog_mp_cursor *cursor,
                                 const struct alog_block *block, int64_t *timestamp_ns);

#endif
