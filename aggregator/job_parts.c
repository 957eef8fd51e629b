#include "job_parts.h"

#include <stdlib.h>

#include "job_json.h"

/* So many rows are sorted without memory from the heap. */
#define FEW 64u

/* How the columns of a PART table follow each other: sums, then a sample if there is one, then
 * times. */
struct shape {
    unsigned dimensions, sums, times;
    const struct alog_rollup_column *sample; /* NULL = none */
    size_t sums_offset, times_offset;        /* each an array of int64_t in the row */
};

/* From the end: there are few times. */
static struct shape shape_of(enum alog_rollup part) {
    const struct alog_rollup_kind *kind = alog_rollup_kind(part);
    const struct alog_rollup_column *end = kind->columns + kind->column_count, *at = end - 1;
    while (at->merge != ALOG_MERGE_LEAST) {
        at--;
    }
    const struct alog_rollup_column *sample = at[-1].merge == ALOG_MERGE_SAMPLE ? at - 1 : NULL;
    return (struct shape){.dimensions = kind->dimension_count,
                          .sums = (unsigned)((sample ? sample : at) - kind->columns),
                          .times = (unsigned)(end - at),
                          .sample = sample,
                          .sums_offset = kind->columns[0].offset,
                          .times_offset = at->offset};
}

static int64_t *numbers_at(void *row, size_t offset) {
    return (void *)((char *)row + offset);
}

static const struct alog_sample **sample_of(const struct shape *shape, void *row) {
    return (void *)((char *)row + shape->sample->offset);
}

/* ---- Order ---- */

/* A row and its names' ranks, two in a number. */
struct place {
    uint64_t high, low;
    uint32_t row;
};

static int by_rank(const struct place *a, const struct place *b) {
    return a->high != b->high ? (a->high > b->high) - (a->high < b->high)
                              : (a->low > b->low) - (a->low < b->low);
}

static int by_rank_of(const void *a, const void *b) {
    return by_rank(a, b);
}

/* What decides where names without a rank are. */
struct texts {
    const struct alog_part_list *list;
    const struct alog_string *names;
};

static int by_text(const void *a, const void *b, void *context) {
    const struct texts *texts = context;
    const uint32_t *x = texts->list->keys[((const struct place *)a)->row];
    const uint32_t *y = texts->list->keys[((const struct place *)b)->row];
    for (unsigned i = 0; i < ALOG_MAX_DIMENSIONS; i++) {
        if (x[i] != y[i]) {
            return alog_string_compare(texts->names[x[i]], texts->names[y[i]]);
        }
    }
    return 0;
}

/* By insertion. */
static void sort_few(struct place *places, uint32_t count) {
    for (uint32_t i = 1; i < count; i++) {
        struct place moved = places[i];
        uint32_t at = i;
        for (; at > 0 && by_rank(&moved, &places[at - 1]) < 0; at--) {
            places[at] = places[at - 1];
        }
        places[at] = moved;
    }
}

/* By the keys' texts; names that came from the database have no rank. */
static void sort(const struct alog_groups *groups, const struct alog_part_list *list,
                 bool all_ranked, struct place *places) {
    if (!all_ranked) {
        struct texts texts = {list, groups->names.texts};
        qsort_r(places, list->count, sizeof(*places), by_text, &texts);
    } else if (list->count <= FEW) {
        sort_few(places, list->count);
    } else {
        qsort(places, list->count, sizeof(*places), by_rank_of);
    }
}

/* ---- Writing ---- */

/* What is needed of a list before it is written. */
struct survey {
    size_t room;     /* that it takes at most */
    bool all_ranked; /* its names */
};

/* Note the rows' places, and have their names fetched, so that none is waited for one by one. */
static struct survey look_at(const struct alog_part_names *names, const struct shape *shape,
                             enum alog_rollup part, const struct alog_part_list *list,
                             struct place *places) {
    /* A row's own brackets, and one or a comma before it; and the last bracket. */
    const size_t row_room = (shape->sums + shape->times) * (size_t)ALOG_JSON_NUMBER_BYTES + 3;
    struct survey survey = {1 + list->count * row_room, true};
    for (uint32_t i = 0; i < list->count; i++) {
        uint64_t of[ALOG_MAX_DIMENSIONS] = {0};
        for (unsigned j = 0; j < shape->dimensions; j++) {
            const struct alog_part_name *name = &names->names[list->keys[i][j]];
            __builtin_prefetch(names->json.data + name->start);
            survey.all_ranked &= name->rank != ALOG_NAME_NONE;
            survey.room += alog_part_name_room(name);
            of[j] = name->rank;
        }
        places[i] = (struct place){of[0] << 32 | of[1], of[2] << 32 | of[3], i};
        if (shape->sample) {
            void *row = alog_groups_part_at(part, list, i);
            survey.room += alog_json_string_room(alog_sample_text(*sample_of(shape, row)));
        }
    }
    return survey;
}

void alog_job_parts_fetch_samples(enum alog_rollup part, const struct alog_part_list *list) {
    const struct shape shape = shape_of(part);
    for (uint32_t i = 0; shape.sample && i < list->count; i++) {
        void *row = alog_groups_part_at(part, list, i);
        __builtin_prefetch(*sample_of(&shape, row));
    }
}

/* In room that is there. */
static char *put_row(char *at, const struct alog_part_names *names, const struct shape *shape,
                     const uint32_t *key, void *row, int64_t first_ns) {
    const int64_t *sums = numbers_at(row, shape->sums_offset);
    const int64_t *times = numbers_at(row, shape->times_offset);
    *at++ = '[';
    for (unsigned i = 0; i < shape->dimensions; i++) {
        at = alog_part_name_put(at, names, key[i]);
    }
    for (unsigned i = 0; i < shape->sums; i++) {
        at = alog_json_put_number(at, sums[i]);
        *at++ = ',';
    }
    if (shape->sample) {
        at = alog_json_put_string(at, alog_sample_text(*sample_of(shape, row)));
        *at++ = ',';
    }
    uint64_t before = (uint64_t)first_ns;
    for (unsigned i = 0; i < shape->times; i++) {
        const uint64_t time = (uint64_t)times[i];
        at = alog_json_put_number(at, (int64_t)(i < 2 ? time - before : before - time));
        *at++ = ',';
        before = i < 2 ? time : before;
    }
    at[-1] = ']';
    return at;
}

enum alog_status alog_job_parts_write(const struct alog_groups *groups,
                                      const struct alog_part_names *names, enum alog_rollup part,
                                      const struct alog_part_list *list, int64_t first_ns,
                                      struct alog_buffer *text) {
    const struct shape shape = shape_of(part);
    struct place few[FEW];
    struct place *places = list->count <= FEW ? few : malloc(list->count * sizeof(*places));
    if (!places) {
        return ALOG_NO_MEMORY;
    }
    const struct survey survey = look_at(names, &shape, part, list, places);
    enum alog_status status = alog_buffer_reserve(text, survey.room + 1);
    if (status == ALOG_OK) {
        sort(groups, list, survey.all_ranked, places);
        char *at = (char *)text->data + text->len;
        *at = '['; /* of a list without rows */
        for (uint32_t i = 0; i < list->count; i++) {
            const uint32_t row = places[i].row;
            *at++ = i == 0 ? '[' : ',';
            at = put_row(at, names, &shape, list->keys[row], alog_groups_part_at(part, list, row),
                         first_ns);
        }
        at += list->count == 0;
        *at++ = ']';
        text->len = (size_t)(at - (char *)text->data);
    }
    free(places != few ? places : NULL);
    return status == ALOG_OK ? ALOG_OK : ALOG_NO_MEMORY;
}

/* ---- Reading: what was written and nothing else ---- */

static enum alog_status take_key(struct alog_groups *groups, const struct shape *shape,
                                 struct alog_json_reader *in, uint32_t key[ALOG_MAX_DIMENSIONS]) {
    for (unsigned i = 0; i < shape->dimensions; i++) {
        struct alog_string string;
        enum alog_status status = alog_json_take_string(in, &string);
        if (status != ALOG_OK || !alog_json_take(in, ',')) {
            return status == ALOG_OK ? ALOG_CORRUPT : status;
        }
        key[i] = alog_names_add(&groups->names, string);
        if (key[i] == ALOG_NAME_NONE) {
            return ALOG_NO_MEMORY;
        }
    }
    return ALOG_OK;
}

/* The values of a row, merged with the row in memory. */
static enum alog_status add_row(struct alog_groups *groups, enum alog_rollup part,
                                const struct shape *shape, struct alog_json_reader *in,
                                int64_t first_ns, void *row) {
    const struct alog_rollup_column *columns = alog_rollup_kind(part)->columns;
    const struct alog_rollup_column *time_columns = columns + shape->sums + (shape->sample ? 1 : 0);
    int64_t *sums = numbers_at(row, shape->sums_offset), value;
    int64_t *times = numbers_at(row, shape->times_offset);
    uint64_t before = (uint64_t)first_ns;
    struct alog_string sample;
    for (unsigned i = 0; i < shape->sums; i++) {
        if (!alog_json_take_number(in, &value) || !alog_json_take(in, ',')) {
            return ALOG_CORRUPT;
        }
        alog_groups_add(groups, &sums[i], value);
    }
    if (shape->sample) {
        enum alog_status status = alog_json_take_string(in, &sample);
        if (status != ALOG_OK || !alog_json_take(in, ',')) {
            return status == ALOG_OK ? ALOG_CORRUPT : status;
        }
    }
    for (unsigned i = 0; i < shape->times; i++) {
        if ((i != 0 && !alog_json_take(in, ',')) || !alog_json_take_number(in, &value)) {
            return ALOG_CORRUPT;
        }
        const int64_t time_ns =
            (int64_t)(i < 2 ? before + (uint64_t)value : before - (uint64_t)value);
        before = i < 2 ? (uint64_t)time_ns : before;
        if (i == 0 && shape->sample &&
            alog_groups_offer_sample(groups, sample_of(shape, row), times[0], time_ns, sample) !=
                ALOG_OK) {
            return ALOG_NO_MEMORY;
        }
        if (time_columns[i].merge == ALOG_MERGE_LEAST ? time_ns < times[i] : time_ns > times[i]) {
            times[i] = time_ns;
        }
    }
    return alog_json_take(in, ']') ? ALOG_OK : ALOG_CORRUPT;
}

static enum alog_status read_rows(struct alog_groups *groups, enum alog_rollup part,
                                  struct alog_json_reader *in, int64_t first_ns,
                                  struct alog_part_list *list) {
    const struct shape shape = shape_of(part);
    if (!alog_json_take(in, '[')) {
        return ALOG_CORRUPT;
    }
    for (bool first = true; !alog_json_take(in, ']'); first = false) {
        uint32_t key[ALOG_MAX_DIMENSIONS] = {0};
        if ((!first && !alog_json_take(in, ',')) || !alog_json_take(in, '[')) {
            return ALOG_CORRUPT;
        }
        enum alog_status status = take_key(groups, &shape, in, key);
        void *row = status == ALOG_OK ? alog_groups_part(groups, part, list, key) : NULL;
        if (!row) {
            return status == ALOG_OK ? ALOG_NO_MEMORY : status;
        }
        status = add_row(groups, part, &shape, in, first_ns, row);
        if (status != ALOG_OK) {
            return status;
        }
    }
    return in->at == in->end ? ALOG_OK : ALOG_CORRUPT;
}

enum alog_status alog_job_parts_read(struct alog_groups *groups, enum alog_rollup part,
                                     struct alog_string json, int64_t first_ns,
                                     struct alog_part_list *list) {
    struct alog_json_reader in = {json.data, json.data + json.len, {NULL, 0, 0}};
    enum alog_status status = read_rows(groups, part, &in, first_ns, list);
    alog_buffer_free(&in.string);
    return status;
}
