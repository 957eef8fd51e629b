/* What the folding of each type is made of: its fields, and how they are added up. */
#ifndef AGENTLOG_AGGREGATOR_FOLD_FIELDS_H
#define AGENTLOG_AGGREGATOR_FOLD_FIELDS_H

#include <math.h>

#include "catalogue_fields.h"
#include "fixed.h"
#include "fold_event.h"

/* ---- Fields ---- */

static inline bool flag_of(const struct alog_fold *fold, unsigned at) {
    return alog_cells_has(&fold->cells, at) && fold->cells.cells[at].number != 0;
}

/* A TEXT or JSON; data NULL when it is absent. */
static inline struct alog_string text_of(const struct alog_fold *fold, unsigned at) {
    return alog_cells_has(&fold->cells, at)
               ? (struct alog_string){fold->cells.cells[at].text, fold->cells.lens[at]}
               : (struct alog_string){NULL, 0};
}

/* A NAME or ENUM as a text. */
static inline struct alog_string name_text_of(const struct alog_fold *fold, unsigned at) {
    return alog_cells_is_usual(&fold->cells, at)
               ? fold->block.strings.strings[fold->cells.cells[at].number]
               : text_of(fold, at);
}

/* The numbers that are in their field's range, and those of its usual form, by type and field. */
struct range {
    double least, most;
};
struct small_range {
    uint32_t least, most;
};

/* clang-format off */
#define SMALL(number) ((number) >= UINT32_MAX ? UINT32_MAX : (uint32_t)(number))
#define RANGE(from, to) {(from) == 0 && (to) == 0 ? -HUGE_VAL : (double)(from), (from) == 0 && (to) == 0 ? HUGE_VAL : (double)(to)}
static const struct range ranges[][ALOG_MAX_FIELDS] = {
#define ALOG_INTEGER(event, field, presence, unit, from, to, otel, doc) [ALOG_ID_##event][ALOG_AT_##event##_##field] = RANGE(from, to),
#define ALOG_REAL(event, field, presence, unit, from, to, otel, doc) [ALOG_ID_##event][ALOG_AT_##event##_##field] = RANGE(from, to),
#include "format/catalogue.def"
};
#define SMALL_RANGE(from, to, unit) {SMALL((double)(from) * (unit)), (from) == 0 && (to) == 0 ? UINT32_MAX : SMALL((double)(to) * (unit))}
static const struct small_range small_ranges[][ALOG_MAX_FIELDS] = {
#define ALOG_INTEGER(event, field, presence, unit, from, to, otel, doc) [ALOG_ID_##event][ALOG_AT_##event##_##field] = SMALL_RANGE(from, to, 1),
#define ALOG_REAL(event, field, presence, unit, from, to, otel, doc) [ALOG_ID_##event][ALOG_AT_##event##_##field] = SMALL_RANGE(from, to, 1000),
#include "format/catalogue.def"
};
/* clang-format on */

/* The number of a field in its usual form, times `factor`. */
ALOG_IN_PLACE struct alog_fold_number usual_number(unsigned id, unsigned at, uint32_t value,
                                                   int64_t factor, int64_t *excluded) {
    const struct small_range *range = &small_ranges[id][at];
    if (value < range->least || value > range->most) {
        ++*excluded;
        return (struct alog_fold_number){0, false};
    }
    return (struct alog_fold_number){value * factor, true};
}

ALOG_IN_PLACE bool in_range(unsigned id, unsigned at, double value) {
    return value >= ranges[id][at].least && value <= ranges[id][at].most;
}

/* Where a field is, in the catalogue: what the next four want. */
#define FIELD(event, field) ALOG_ID_##event, ALOG_AT_##event##_##field

/* An integer; one that is out of range is counted in *excluded. */
ALOG_IN_PLACE struct alog_fold_number integer_in(unsigned id, unsigned at,
                                                 struct alog_fold_field field, int64_t *excluded) {
    const int64_t value = field.cell.number;
    if (field.kind == ALOG_CELL_USUAL) {
        return usual_number(id, at, (uint32_t)value, 1, excluded);
    }
    if (field.kind == ALOG_CELL_ABSENT) {
        return (struct alog_fold_number){0, false};
    }
    if (value > ALOG_FIXED_MAX || value < -ALOG_FIXED_MAX || !in_range(id, at, (double)value)) {
        ++*excluded;
        return (struct alog_fold_number){0, false};
    }
    return (struct alog_fold_number){value, true};
}

/* A real in units of 10^-digits, 3 or more; one that is not finite or out of range is counted. The
 * usual one is written in thousandths, which are whole units at once: a decimal of so few digits is
 * the shortest text of its double. */
ALOG_IN_PLACE struct alog_fold_number real_in(unsigned id, unsigned at,
                                              struct alog_fold_field field, unsigned digits,
                                              int64_t *excluded) {
    static const int64_t units_of_thousandth[] = {0,   0,    0,     1,      10,
                                                  100, 1000, 10000, 100000, 1000000};
    if (field.kind == ALOG_CELL_USUAL) {
        return usual_number(id, at, (uint32_t)field.cell.number, units_of_thousandth[digits],
                            excluded);
    }
    struct alog_fold_number number = {0, false};
    if (field.kind != ALOG_CELL_ABSENT) {
        number.present = in_range(id, at, field.cell.real) &&
                         alog_fixed_from_double(field.cell.real, digits, &number.units);
        *excluded += !number.present;
    }
    return number;
}

/* The same of the event in fold->cells. */
static inline struct alog_fold_number integer_of(const struct alog_fold *fold, unsigned id,
                                                 unsigned at, int64_t *excluded) {
    return integer_in(id, at, alog_cells_field(&fold->cells, at), excluded);
}

static inline struct alog_fold_number real_of(const struct alog_fold *fold, unsigned id,
                                              unsigned at, unsigned digits, int64_t *excluded) {
    return real_in(id, at, alog_cells_field(&fold->cells, at), digits, excluded);
}

#define MICROSECONDS_OF_MS 3u
#define MILLIONTHS         6u
#define NANO_USD           9u

/* Absent, to the last byte of it: so that it can be read whole soon after. */
static inline void clear_number(struct alog_fold_number *number) {
    memset(number, 0, sizeof(*number));
}

/* ---- Rows ---- */

/* Where the row of these dimensions was found last in the list, or in another one. */
static inline uint8_t *hint_of(struct alog_fold *fold, const struct alog_part_list *list,
                               const uint32_t dimensions[ALOG_MAX_DIMENSIONS]) {
    const uint64_t factor = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t hash = (uint64_t)(uintptr_t)list;
    hash ^= (uint64_t)dimensions[1] << 32 | dimensions[0];
    hash ^= ((uint64_t)dimensions[3] << 32 | dimensions[2]) * factor;
    return &fold->part_hints[hash * factor >> 32 & (ALOG_FOLD_HINTS - 1)];
}

/* The row of the event's job in one of its lists: a struct of `row_bytes`. NULL when there is no
 * memory. */
static inline void *part_of(struct alog_fold *fold, enum alog_rollup rollup, size_t row_bytes,
                            struct alog_part_list *list,
                            const uint32_t dimensions[ALOG_MAX_DIMENSIONS]) {
    uint8_t *hint = hint_of(fold, list, dimensions);
    const uint32_t i = *hint;
    if (i < list->count && memcmp(list->keys[i], dimensions, sizeof(list->keys[i])) == 0) {
        return (uint8_t *)(list->keys + list->capacity) + i * row_bytes;
    }
    uint8_t *row = alog_groups_part(&fold->groups, rollup, list, dimensions);
    if (!row) {
        fold->no_memory = true;
        return NULL;
    }
    *hint = (uint8_t)((size_t)(row - (uint8_t *)(list->keys + list->capacity)) / row_bytes);
    return row;
}
#define PART_OF(fold, part, list, dimensions)                                                      \
    part_of(fold, ALOG_IN_##part, sizeof(struct alog_row_##part), list, dimensions)

/* Fetch it, if it is where it was found last. */
static inline void fetch_part(struct alog_fold *fold, size_t row_bytes,
                              const struct alog_part_list *list,
                              const uint32_t dimensions[ALOG_MAX_DIMENSIONS]) {
    const uint32_t i = *hint_of(fold, list, dimensions);
    if (i < list->count) {
        const uint8_t *row = (const uint8_t *)(list->keys + list->capacity) + i * row_bytes;
        __builtin_prefetch(list->keys[i]);
        alog_prefetch(row, row + row_bytes);
    }
}

static inline __attribute__((always_inline)) void add(struct alog_fold *fold, int64_t *sum,
                                                      struct alog_fold_number number) {
    alog_groups_add(&fold->groups, sum, number.units);
}

/* The number, or 0: without a branch, for what nobody can predict. */
static inline struct alog_fold_number only_if(bool condition, struct alog_fold_number number) {
    return (struct alog_fold_number){number.units & -(int64_t)condition,
                                     number.present & condition};
}

static inline __attribute__((always_inline)) void
count_time(struct alog_fold *fold, struct alog_sketch *sketch, struct alog_fold_number time) {
    if (time.present && time.units > 0) {
        alog_fold_count(fold, sketch, alog_sketch_bucket((uint64_t)time.units), 1);
    } else {
        sketch->zeros += time.present;
    }
}

static inline __attribute__((always_inline)) void cover(int64_t *first_ns, int64_t *last_ns,
                                                        int64_t at_ns) {
    *first_ns = at_ns < *first_ns ? at_ns : *first_ns;
    *last_ns = at_ns > *last_ns ? at_ns : *last_ns;
}

#endif
