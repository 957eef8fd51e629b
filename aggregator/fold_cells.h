/*
 * The fields of one event as the fold reads them: numbers in the form that the block has them in,
 * names as indexes into its string table. Most events are taken in one pass with hardly a branch
 * per field; an unusual one goes through the format's own decoder, which alone says what is
 * corrupt.
 */
#ifndef AGENTLOG_AGGREGATOR_FOLD_CELLS_H
#define AGENTLOG_AGGREGATOR_FOLD_CELLS_H

#include "format/block.h"

/* A bit each. */
enum alog_cell_kind {
    ALOG_CELL_ABSENT = 1,
    ALOG_CELL_SMALL = 2, /* `number` below 2^32: an integer, thousandths, or the index of a name */
    ALOG_CELL_BOOL = 4,  /* `number` is 0 or 1 */
    ALOG_CELL_REAL = 8,  /* `real` */
    ALOG_CELL_TEXT = 16, /* `text`, of `lens` bytes; JSON text and names that are no index too */
    ALOG_CELL_INTEGER = 32, /* `number`, any */
    ALOG_CELL_OTHER = 64    /* only while an event is being taken */
};

union alog_cell {
    int64_t number;
    double real;
    const char *text;
};

/* One event. Zero-initialise; free with alog_cells_free. */
struct alog_cells {
    const struct alog_event_type *type;
    int64_t timestamp_ns;
    uint32_t job_index; /* in the block's strings, or ALOG_NO_STRING; */
    bool has_own;       /* … then, and if it has more of its own, the next three are set: */
    struct alog_string job_id;                /* len 0 = none */
    struct alog_string event_id, environment; /* data NULL = none of its own */
    uint64_t present;                         /* bit i: field i is there */
    /* By field, for every field that its type has. */
    uint8_t kinds[ALOG_MAX_FIELDS];
    uint32_t lens[ALOG_MAX_FIELDS];
    union alog_cell cells[ALOG_MAX_FIELDS];
    struct alog_event_decoder decoder;
};

void alog_cells_free(struct alog_cells *cells);

/*
 * Take the event at the cursor, as alog_event_decode does from a block: the same facts,
 * ALOG_CORRUPT or ALOG_NO_MEMORY for the same bytes. Views point into the block and its schema.
 * Cost: 25 instructions a field for the usual event.
 */
enum alog_status alog_cells_take(struct alog_cells *cells, struct alog_mp_cursor *cursor,
                                 const struct alog_block *block, int64_t *timestamp_ns);

#endif
