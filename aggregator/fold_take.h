/*
 * Taking an event out of its block in its usual form. What is done with each field is compiled into
 * the taking of the event, so that a field need not reach memory in between.
 *
 * alog_take_head takes what every event begins with. What takes the fields behind it is made where
 * this file is included with two macros, which it undefines:
 *
 *     ALOG_TAKER        the type of what they are taken for
 *     ALOG_TAKE_FIELD   bool (ALOG_TAKER *, unsigned at, struct alog_fold_field): what is done with
 * the field at a position of its type's; false: the event is unusual after all
 */
#ifndef AGENTLOG_AGGREGATOR_FOLD_TAKE_H
#define AGENTLOG_AGGREGATOR_FOLD_TAKE_H

#include "fold_cells.h"

/* Once for each field of each type, so that the branches are its own. */
#define ALOG_IN_PLACE static inline __attribute__((always_inline))

/* No element that is taken without a look at where the block ends is longer; ALOG_TAKE_SLACK bytes
 * more may be read. */
#define ALOG_TAKE_LONGEST 32u
#define ALOG_TAKE_SLACK   8u

/* Of the fields there are masks of 32 bits. */
#define ALOG_TAKE_MOST_FIELDS 31u

/* What every event begins with. */
struct alog_event_head {
    uint32_t type_id;   /* of any value */
    uint32_t elements;  /* how many of its fields are there or nil, at most MOST_FIELDS */
    uint32_t job_index; /* in the block's strings, or ALOG_NO_STRING */
    int64_t timestamp_ns;
};

/* An integer from 0 to 2^32 - 1; NULL: something else.
 *
 * Which byte it begins with hardly changes from event to event, and each field waits for the end of
 * the one before it: so branches, which the processor guesses, are cheaper here than a table by
 * first byte or any other way without a branch. */
ALOG_IN_PLACE const uint8_t *alog_take_number(const uint8_t *at, uint64_t *ret_number) {
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

/* Returns where its fields begin; NULL: it is unusual. */
ALOG_IN_PLACE const uint8_t *alog_take_head(const struct alog_mp_cursor *cursor,
                                            const struct alog_block *block, int64_t before_ns,
                                            struct alog_event_head *ret_head) {
    const uint8_t *at = cursor->at;
    const size_t left = (size_t)(cursor->end - at);
    if (left < 4 * ALOG_TAKE_LONGEST) {
        return NULL;
    }
    const bool is_long = *at == 0xdc;
    const uint32_t count = is_long ? alog_mp_load16(at + 1) : *at ^ 0x90u;
    at += is_long ? 3 : 1;
    const uint32_t elements = count - 3;
    if (elements > ALOG_TAKE_MOST_FIELDS || (!is_long && count > 15) ||
        left < (count + 1) * ALOG_TAKE_LONGEST + ALOG_TAKE_SLACK) {
        return NULL;
    }
    const uint32_t id = *at++;
    uint64_t delta, job_index;
    at = alog_take_number(at, &delta);
    if (!at) {
        return NULL;
    }
    const int64_t now_ns = (int64_t)((uint64_t)before_ns + delta);
    if (*at == 0xc0) {
        at++;
        job_index = ALOG_NO_STRING;
    } else {
        at = alog_take_number(at, &job_index);
        if (!at || job_index >= block->strings.count) {
            return NULL;
        }
    }
    *ret_head = (struct alog_event_head){id, elements, (uint32_t)job_index, now_ns};
    return now_ns < 0 ? NULL : at;
}

/* Each of the next functions takes a field that is there, and returns where it ends; NULL: it is
 * unusual. */

ALOG_IN_PLACE const uint8_t *alog_take_integer(const uint8_t *at, struct alog_fold_field *field) {
    uint64_t number = 0;
    at = alog_take_number(at, &number);
    *field = (struct alog_fold_field){ALOG_CELL_USUAL, 0, {.number = (int64_t)number}};
    return at;
}

ALOG_IN_PLACE const uint8_t *alog_take_name(const uint8_t *at, uint32_t string_count,
                                            struct alog_fold_field *field) {
    at = alog_take_integer(at, field);
    return at && field->cell.number < (int64_t)string_count ? at : NULL;
}

ALOG_IN_PLACE const uint8_t *alog_take_boolean(const uint8_t *at, struct alog_fold_field *field) {
    *field = (struct alog_fold_field){ALOG_CELL_USUAL, 0, {.number = *at & 1}};
    return (*at & 0xfe) == 0xc2 ? at + 1 : NULL;
}

/* Of eight bytes. */
ALOG_IN_PLACE const uint8_t *alog_take_real(const uint8_t *at, struct alog_fold_field *field) {
    const uint64_t bits = alog_mp_load64(at + 1);
    *field = (struct alog_fold_field){.kind = ALOG_CELL_REAL};
    memcpy(&field->cell.real, &bits, sizeof(bits));
    return at + 9;
}

/* `rest` bytes, at most, have the fields behind it. */
ALOG_IN_PLACE const uint8_t *alog_take_text(const uint8_t *at, const uint8_t *end, size_t rest,
                                            struct alog_fold_field *field) {
    uint32_t len = *at ^ 0xa0u;
    const uint8_t *text = at + 1;
    if (len >= 32) {
        if (*at != 0xd9) {
            return NULL;
        }
        len = *text++;
        if (len + rest > (size_t)(end - text)) {
            return NULL;
        }
    }
    *field = (struct alog_fold_field){ALOG_CELL_USUAL, len, {.text = (const char *)text}};
    return text + len;
}

#endif

#ifdef ALOG_TAKER

/*
 * Take so many fields of an event of type `id`, which begin at `at`: those that are there, in their
 * order. Returns where they end, and bit i of *ret_present says whether field i is there; NULL: the
 * event is unusual, and what was done with some of its fields is to be undone. It is made for the
 * type alone where `id` is a constant, and shorter where `elements` is.
 */
/* clang-format off */
#define TAKE(take)                                                                                 \
    if (elements == i) { goto taken; }                                                             \
    if (*at == 0xc0) { /* nil */                                                                   \
        present &= ~(UINT32_C(1) << i);                                                            \
        at++;                                                                                      \
    } else {                                                                                       \
        take                                                                                       \
    }                                                                                              \
    i++;
#define GIVE(taken_to)                                                                             \
    at = taken_to;                                                                                 \
    if (!at || !ALOG_TAKE_FIELD(taker, i, field)) { return NULL; }
#define REST ((elements - i) * ALOG_TAKE_LONGEST + ALOG_TAKE_SLACK)
ALOG_IN_PLACE const uint8_t *take_fields(ALOG_TAKER *taker, const struct alog_block *block,
                                         uint32_t id, uint32_t elements, const uint8_t *at,
                                         uint32_t *ret_present) {
    const uint32_t string_count = block->strings.count;
    const uint8_t *end = block->events.end;
    uint32_t present = (UINT32_C(1) << elements) - 1;
    __asm__("" : "+r"(present)); /* else a constant is kept for each way to have come */
    struct alog_fold_field field;
    unsigned i = 0;
    switch (id) {
#define ALOG_EVENT(id, event, doc) case (id):
#define ALOG_NAME(event, field_, presence, otel, doc) TAKE(GIVE(alog_take_name(at, string_count, &field)))
#define ALOG_ENUMERATED(event, field_, presence, enumeration, otel, doc) TAKE(GIVE(alog_take_name(at, string_count, &field)))
#define ALOG_TEXT(event, field_, presence, otel, doc) TAKE(GIVE(alog_take_text(at, end, REST, &field)))
#define ALOG_JSON(event, field_, presence, otel, doc) TAKE(GIVE(alog_take_text(at, end, REST, &field)))
#define ALOG_BOOLEAN(event, field_, presence, otel, doc) TAKE(GIVE(alog_take_boolean(at, &field)))
#define ALOG_INTEGER(event, field_, presence, unit, from, to, otel, doc) TAKE(GIVE(alog_take_integer(at, &field)))
#define ALOG_REAL(event, field_, presence, unit, from, to, otel, doc) TAKE(if (*at == 0xcb) { GIVE(alog_take_real(at, &field)) } else { GIVE(alog_take_integer(at, &field)) })
#define ALOG_EVENT_END(event) break;
#include "format/catalogue.def"
    default:
        return NULL; /* not a type of the catalogue */
    }
    if (elements != i) {
        return NULL; /* a newer catalogue has more */
    }
taken:
    *ret_present = present;
    return at;
}
/* clang-format on */

/* The same of an event that mostly has `usually` of them. */
ALOG_IN_PLACE const uint8_t *take_mostly(ALOG_TAKER *taker, const struct alog_block *block,
                                         const struct alog_event_head *head, uint32_t id,
                                         uint32_t usually, const uint8_t *at,
                                         uint32_t *ret_present) {
    return head->elements == usually
               ? take_fields(taker, block, id, usually, at, ret_present)
               : take_fields(taker, block, id, head->elements, at, ret_present);
}

/* The same of an event that is in cells, of a type with so many fields. */
static inline void give_fields(ALOG_TAKER *taker, const struct alog_cells *cells, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        if (alog_cells_has(cells, i)) {
            (void)ALOG_TAKE_FIELD(taker, i, alog_cells_field(cells, i));
        }
    }
}

#undef TAKE
#undef GIVE
#undef REST
#undef ALOG_TAKER
#undef ALOG_TAKE_FIELD

#endif
