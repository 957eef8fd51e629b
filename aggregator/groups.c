#include "groups.h"

#include <stdlib.h>

#include "calendar.h"
#include "prefetch.h"

#define PAGE_GROUPS 256u

static uint32_t group_bytes(const struct alog_rollup_kind *kind) {
    size_t align = _Alignof(max_align_t);
    return (uint32_t)(sizeof(struct alog_group) + (kind->row_bytes + align - 1) / align * align);
}

static void *column_of(void *row, const struct alog_rollup_column *column) {
    return (char *)row + column->offset;
}

static inline struct alog_group *group_at(const struct alog_group_table *table, uint32_t index) {
    uint8_t *page = table->pages[index / PAGE_GROUPS];
    return (void *)(page + index % PAGE_GROUPS * table->group_bytes);
}

struct alog_group *alog_groups_at(const struct alog_groups *groups, enum alog_rollup rollup,
                                  uint32_t index) {
    return group_at(&groups->tables[rollup], index);
}

/* ---- Freeing ---- */

static uint32_t part_bytes(const struct alog_rollup_kind *kind) {
    return (uint32_t)(kind->row_bytes + sizeof(int64_t) - 1) / (uint32_t)sizeof(int64_t) *
           (uint32_t)sizeof(int64_t);
}

void alog_groups_free(struct alog_groups *groups) {
    for (enum alog_rollup rollup = 0; rollup < ALOG_ROLLUP_COUNT; rollup++) {
        struct alog_group_table *table = &groups->tables[rollup];
        free(table->pages);
        free(table->slots);
    }
    alog_arena_free(&groups->arena);
    alog_names_free(&groups->names);
    alog_names_free(&groups->jobs);
    *groups = (struct alog_groups){0};
}

/* ---- Finding ---- */

static uint64_t hash_key(const struct alog_group_key *key) {
    uint64_t words[sizeof(*key) / sizeof(uint64_t)];
    memcpy(words, key, sizeof(words));
    const uint64_t factor = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t a = (words[0] ^ UINT64_C(0xD6E8FEB86659FD93)) * factor ^ words[1];
    uint64_t b = (words[2] ^ UINT64_C(0xCA5A826395121157)) * factor ^ words[3];
    a = (a ^ a >> 32) * factor;
    b = (b ^ b >> 29) * UINT64_C(0xBF58476D1CE4E5B9);
    uint64_t hash = (a ^ b) * factor;
    return hash ^ hash >> 32;
}

/* Word by word: a call of memcmp costs more than this. */
static inline bool keys_equal(const struct alog_group_key *a, const struct alog_group_key *b) {
    return a->hour_epoch == b->hour_epoch && a->environment == b->environment && a->job == b->job &&
           a->dimensions[0] == b->dimensions[0] && a->dimensions[1] == b->dimensions[1] &&
           a->dimensions[2] == b->dimensions[2] && a->dimensions[3] == b->dimensions[3];
}

static inline uint64_t *find_slot(const struct alog_group_table *table,
                                  const struct alog_group_key *key, uint64_t hash) {
    uint32_t mask = table->slot_count - 1;
    for (uint32_t i = (uint32_t)hash & mask;; i = (i + 1) & mask) {
        uint64_t slot = table->slots[i];
        if (slot == 0 || (slot >> 32 == hash >> 32 &&
                          keys_equal(&group_at(table, (uint32_t)slot - 1)->key, key))) {
            return &table->slots[i];
        }
    }
}

static bool grow_slots(struct alog_groups *groups, enum alog_rollup rollup) {
    struct alog_group_table *table = &groups->tables[rollup];
    uint32_t slot_count = table->slot_count ? table->slot_count * 2 : 64;
    uint64_t *slots = calloc(slot_count, sizeof(*slots));
    if (!slots) {
        return false;
    }
    groups->bytes += (slot_count - table->slot_count) * sizeof(*slots);
    free(table->slots);
    table->slots = slots;
    table->slot_count = slot_count;
    for (uint32_t i = 0; i < table->count; i++) {
        const struct alog_group_key *key = &group_at(table, i)->key;
        uint64_t hash = hash_key(key);
        *find_slot(table, key, hash) = (hash >> 32 << 32) | (i + 1);
    }
    return true;
}

static bool add_page(struct alog_groups *groups, enum alog_rollup rollup) {
    struct alog_group_table *table = &groups->tables[rollup];
    table->group_bytes = group_bytes(alog_rollup_kind(rollup));
    size_t page_bytes = (size_t)PAGE_GROUPS * table->group_bytes;
    uint8_t **pages = realloc(table->pages, (table->page_count + 1) * sizeof(*pages));
    if (!pages) {
        return false;
    }
    table->pages = pages;
    pages[table->page_count] = alog_arena_take(&groups->arena, page_bytes, _Alignof(max_align_t));
    if (!pages[table->page_count]) {
        return false;
    }
    table->page_count++;
    groups->bytes += sizeof(*pages);
    return true;
}

static void clear_row(const struct alog_rollup_kind *kind, void *row) {
    memcpy(row, kind->empty_row, kind->row_bytes);
}

/* A group whose row is not set yet. */
static struct alog_group *add_group(struct alog_groups *groups, enum alog_rollup rollup,
                                    const struct alog_group_key *key, uint64_t hash) {
    struct alog_group_table *table = &groups->tables[rollup];
    if ((table->count == table->page_count * PAGE_GROUPS && !add_page(groups, rollup)) ||
        (table->count >= table->slot_count / 2 && !grow_slots(groups, rollup))) {
        return NULL;
    }
    uint32_t index = table->count++;
    struct alog_group *group = group_at(table, index);
    group->key = *key;
    *find_slot(table, key, hash) = (hash >> 32 << 32) | (index + 1);
    return group;
}

/* NULL: there is none. */
static struct alog_group *find_group(const struct alog_group_table *table,
                                     const struct alog_group_key *key, uint64_t hash) {
    uint64_t slot = table->slot_count != 0 ? *find_slot(table, key, hash) : 0;
    return slot != 0 ? group_at(table, (uint32_t)slot - 1) : NULL;
}

void *alog_groups_row(struct alog_groups *groups, enum alog_rollup rollup,
                      const struct alog_group_key *key) {
    uint64_t hash = hash_key(key);
    struct alog_group *group = find_group(&groups->tables[rollup], key, hash);
    if (!group && (group = add_group(groups, rollup, key, hash)) != NULL) {
        clear_row(alog_rollup_kind(rollup), group->row);
    }
    return group ? group->row : NULL;
}

/* ---- Parts ---- */

void *alog_groups_part_at(enum alog_rollup rollup, const struct alog_part_list *list,
                          uint32_t index) {
    return (uint8_t *)(list->keys + list->capacity) +
           (size_t)index * part_bytes(alog_rollup_kind(rollup));
}

/* Which of the groups' rooms have `capacity` rows, which is 4, 8, …; NULL: none do, it is too many.
 */
static void **rooms_of(struct alog_groups *groups, enum alog_rollup rollup, uint32_t capacity) {
    unsigned size = (unsigned)__builtin_ctz(capacity) - 2;
    return size < ALOG_PART_ROOMS ? &groups->rooms[rollup][size] : NULL;
}

static void *take_room(struct alog_groups *groups, enum alog_rollup rollup, uint32_t capacity,
                       size_t row_bytes) {
    void **rooms = rooms_of(groups, rollup, capacity);
    if (rooms && *rooms) {
        void *room = *rooms;
        memcpy(rooms, room, sizeof(*rooms));
        return room;
    }
    return alog_arena_take(&groups->arena,
                           capacity * (sizeof(uint32_t[ALOG_MAX_DIMENSIONS]) + row_bytes),
                           _Alignof(max_align_t));
}

static void leave_room(struct alog_groups *groups, enum alog_rollup rollup,
                       const struct alog_part_list *list) {
    void **rooms = list->capacity != 0 ? rooms_of(groups, rollup, list->capacity) : NULL;
    if (rooms) {
        memcpy(list->keys, rooms, sizeof(*rooms));
        *rooms = list->keys;
    }
}

static bool grow_parts(struct alog_groups *groups, enum alog_rollup rollup,
                       struct alog_part_list *list) {
    const size_t row_bytes = part_bytes(alog_rollup_kind(rollup));
    struct alog_part_list grown = {list->count, list->capacity ? 2 * list->capacity : 4, NULL};
    grown.keys = take_room(groups, rollup, grown.capacity, row_bytes);
    if (!grown.keys) {
        return false;
    }
    if (list->count != 0) {
        memcpy(grown.keys, list->keys, list->count * sizeof(*grown.keys));
        memcpy(alog_groups_part_at(rollup, &grown, 0), alog_groups_part_at(rollup, list, 0),
               list->count * row_bytes);
    }
    leave_room(groups, rollup, list);
    *list = grown;
    return true;
}

void *alog_groups_part(struct alog_groups *groups, enum alog_rollup rollup,
                       struct alog_part_list *list,
                       const uint32_t dimensions[ALOG_MAX_DIMENSIONS]) {
    for (uint32_t i = 0; i < list->count; i++) {
        if (memcmp(list->keys[i], dimensions, sizeof(list->keys[i])) == 0) {
            return alog_groups_part_at(rollup, list, i);
        }
    }
    if (list->count == list->capacity && !grow_parts(groups, rollup, list)) {
        return NULL;
    }
    memcpy(list->keys[list->count], dimensions, sizeof(*list->keys));
    void *row = alog_groups_part_at(rollup, list, list->count++);
    clear_row(alog_rollup_kind(rollup), row);
    return row;
}

/* ---- Columns of a row ---- */

enum alog_status alog_groups_count_at(struct alog_groups *groups, struct alog_sketch *sketch,
                                      uint32_t bucket, uint64_t count) {
    return alog_sketch_add_at(sketch, bucket, count, &groups->arena);
}

enum alog_status alog_groups_offer_edge(struct alog_groups *groups, enum alog_job_edge_kind kind,
                                        struct alog_job_edge **edge,
                                        const struct alog_job_edge *offered) {
    if (*edge && alog_job_edge_compare(kind, offered, *edge) >= 0) {
        return ALOG_OK;
    }
    struct alog_job_edge *copy = alog_job_edge_copy(&groups->arena, offered);
    if (!copy) {
        return ALOG_NO_MEMORY;
    }
    *edge = copy;
    return ALOG_OK;
}

/* The text of `offered_ns` takes the place of the sample, which is of `first_ns`. */
static bool is_better(const struct alog_sample *sample, int64_t first_ns, int64_t offered_ns,
                      struct alog_string offered) {
    return offered_ns < first_ns ||
           (offered_ns == first_ns && alog_string_compare(offered, alog_sample_text(sample)) < 0);
}

static enum alog_status copy_sample(struct alog_groups *groups, struct alog_string text,
                                    const struct alog_sample **ret_sample) {
    struct alog_sample *copy = NULL;
    if (text.len != 0) {
        copy =
            alog_arena_take(&groups->arena, sizeof(*copy) + text.len, _Alignof(struct alog_sample));
        if (!copy) {
            return ALOG_NO_MEMORY;
        }
        copy->len = (uint32_t)text.len;
        memcpy(copy->text, text.data, text.len);
    }
    *ret_sample = copy;
    return ALOG_OK;
}

enum alog_status alog_groups_offer_sample(struct alog_groups *groups,
                                          const struct alog_sample **sample, int64_t first_ns,
                                          int64_t offered_ns, struct alog_string offered) {
    return is_better(*sample, first_ns, offered_ns, offered) ? copy_sample(groups, offered, sample)
                                                             : ALOG_OK;
}

/* ---- Merging ---- */

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static void merge_edge(enum alog_job_edge_kind kind, struct alog_job_edge **to,
                       struct alog_job_edge *from) {
    if (from && (!*to || alog_job_edge_compare(kind, from, *to) < 0)) {
        *to = from;
    }
}

/* One merging; names of `from` are looked up in `into` when they are first needed. What is in the
 * arena of `from` stays where it is, and is `into`'s. */
struct merge {
    struct alog_groups *into, *from;
    bool copy;               /* `from` keeps what it has */
    uint32_t *ids, *job_ids; /* id + 1; 0 = not looked up yet */
};

static bool translate_in(struct alog_names *to, const struct alog_names *from, uint32_t *ids,
                         uint32_t *id) {
    uint32_t *known = &ids[*id];
    if (*known == 0) {
        uint32_t added = alog_names_add_from(to, from, *id);
        if (added == ALOG_NAME_NONE) {
            return false;
        }
        *known = added + 1;
    }
    *id = *known - 1;
    return true;
}

static bool translate(struct merge *merge, uint32_t *id) {
    return translate_in(&merge->into->names, &merge->from->names, merge->ids, id);
}

/* 0, where there is no job, is so everywhere. */
static bool translate_job(struct merge *merge, uint32_t *id) {
    return *id == ALOG_NAME_EMPTY ||
           translate_in(&merge->into->jobs, &merge->from->jobs, merge->job_ids, id);
}

static bool translate_dimensions(struct merge *merge, uint32_t dimensions[ALOG_MAX_DIMENSIONS]) {
    bool done = true;
    for (unsigned i = 0; done && i < ALOG_MAX_DIMENSIONS; i++) {
        done = translate(merge, &dimensions[i]);
    }
    return done;
}

static enum alog_status merge_row(struct merge *merge, const struct alog_rollup_kind *kind,
                                  void *to_row, void *from_row);

static enum alog_status merge_sample(struct merge *merge, const struct alog_sample **to,
                                     int64_t first_ns, const struct alog_sample *other,
                                     int64_t other_ns) {
    if (merge->copy) {
        return alog_groups_offer_sample(merge->into, to, first_ns, other_ns,
                                        alog_sample_text(other));
    }
    *to = is_better(*to, first_ns, other_ns, alog_sample_text(other)) ? other : *to;
    return ALOG_OK;
}

/* Make a list of `from` one of `into`. */
static enum alog_status move_parts(struct merge *merge, struct alog_part_list *to,
                                   const struct alog_part_list *from) {
    bool done = true;
    for (uint32_t i = 0; done && i < from->count; i++) {
        done = translate_dimensions(merge, from->keys[i]);
    }
    *to = *from;
    return done ? ALOG_OK : ALOG_NO_MEMORY;
}

static enum alog_status merge_parts(struct merge *merge, enum alog_rollup part,
                                    struct alog_part_list *to, const struct alog_part_list *from) {
    if (to->count == 0) {
        return move_parts(merge, to, from);
    }
    enum alog_status status = ALOG_OK;
    for (uint32_t i = 0; status == ALOG_OK && i < from->count; i++) {
        uint32_t dimensions[ALOG_MAX_DIMENSIONS];
        memcpy(dimensions, from->keys[i], sizeof(dimensions));
        void *row = translate_dimensions(merge, dimensions)
                        ? alog_groups_part(merge->into, part, to, dimensions)
                        : NULL;
        status =
            row ? merge_row(merge, alog_rollup_kind(part), row, alog_groups_part_at(part, from, i))
                : ALOG_NO_MEMORY;
    }
    return status;
}

static enum alog_status merge_column(struct merge *merge, const struct alog_rollup_column *column,
                                     void *to_row, void *from_row) {
    struct alog_groups *into = merge->into;
    void *to = column_of(to_row, column), *other = column_of(from_row, column);
    int64_t *number = to;
    switch (column->merge) {
    case ALOG_MERGE_SUM:
        alog_groups_add(into, number, *(int64_t *)other);
        return ALOG_OK;
    case ALOG_MERGE_BITS:
        *number |= *(int64_t *)other;
        return ALOG_OK;
    case ALOG_MERGE_LEAST:
        *number = smaller(*number, *(int64_t *)other);
        return ALOG_OK;
    case ALOG_MERGE_MOST:
    case ALOG_MERGE_MAYBE:
        *number = larger(*number, *(int64_t *)other);
        return ALOG_OK;
    case ALOG_MERGE_HISTOGRAM:
        return alog_sketch_merge(to, other, &into->arena);
    case ALOG_MERGE_SAMPLE:
        return merge_sample(merge, to, *(int64_t *)((char *)to_row + column->first_ns_offset),
                            *(const struct alog_sample **)other,
                            *(int64_t *)((char *)from_row + column->first_ns_offset));
    case ALOG_MERGE_START:
        merge_edge(ALOG_JOB_START, to, *(struct alog_job_edge **)other);
        return ALOG_OK;
    case ALOG_MERGE_END:
        merge_edge(ALOG_JOB_END, to, *(struct alog_job_edge **)other);
        return ALOG_OK;
    case ALOG_MERGE_PARTS:
        return merge_parts(merge, column->part, to, other);
    }
    return ALOG_OK;
}

static enum alog_status merge_row(struct merge *merge, const struct alog_rollup_kind *kind,
                                  void *to_row, void *from_row) {
    enum alog_status status = ALOG_OK;
    for (unsigned i = 0; status == ALOG_OK && i < kind->column_count; i++) {
        status = merge_column(merge, &kind->columns[i], to_row, from_row);
    }
    return status;
}

/* Make a row of `from`, which does not keep it, one of `into`, which has no such group yet. */
static enum alog_status move_row(struct merge *merge, const struct alog_rollup_kind *kind,
                                 void *to_row, void *from_row) {
    enum alog_status status = ALOG_OK;
    memcpy(to_row, from_row, kind->row_bytes);
    for (unsigned i = 0; i < kind->column_count; i++) {
        const struct alog_rollup_column *column = &kind->columns[i];
        void *to = column_of(to_row, column), *from = column_of(from_row, column);
        if (status == ALOG_OK && column->merge == ALOG_MERGE_PARTS) {
            status = move_parts(merge, to, from);
        }
    }
    return status;
}

static enum alog_status put_row(struct merge *merge, const struct alog_rollup_kind *kind,
                                void *to_row, void *from_row) {
    if (!merge->copy) {
        return move_row(merge, kind, to_row, from_row);
    }
    clear_row(kind, to_row);
    return merge_row(merge, kind, to_row, from_row);
}

/* So many groups are looked up together. */
#define AT_ONCE 16u

/* Groups of a table that wait to be merged. */
struct waiting {
    struct merge *merge;
    enum alog_rollup rollup;
    uint32_t count;
    struct lookup {
        struct alog_group *from;
        struct alog_group_key key; /* in names of `into` */
        uint64_t hash;
    } lookups[AT_ONCE];
};

/* Step by step for all of them, as in names.c: the slot, then the group. */
static void fetch_groups(const struct alog_group_table *table, const struct lookup *lookups,
                         uint32_t count) {
    const uint32_t mask = table->slot_count - 1;
    for (uint32_t i = 0; i < count; i++) {
        __builtin_prefetch(&table->slots[lookups[i].hash & mask]);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t slot = table->slots[lookups[i].hash & mask];
        const struct alog_group *group = slot != 0 ? group_at(table, (uint32_t)slot - 1) : NULL;
        alog_prefetch(group, group ? (const char *)group + table->group_bytes : NULL);
    }
}

/* What of the groups' lists is to be translated: their keys. */
static void fetch_lists(const struct alog_rollup_column *column, const struct lookup *lookups,
                        uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const struct alog_part_list *list = column_of(lookups[i].from->row, column);
        if (list->count != 0) {
            alog_prefetch(list->keys, list->keys + list->count);
        }
    }
}

static enum alog_status merge_waiting(struct waiting *waiting) {
    struct merge *merge = waiting->merge;
    const struct alog_rollup_kind *kind = alog_rollup_kind(waiting->rollup);
    struct alog_group_table *table = &merge->into->tables[waiting->rollup];
    enum alog_status status = ALOG_OK;
    if (table->slot_count != 0) {
        fetch_groups(table, waiting->lookups, waiting->count);
    }
    for (unsigned i = 0; i < kind->column_count; i++) {
        if (kind->columns[i].merge == ALOG_MERGE_PARTS) {
            fetch_lists(&kind->columns[i], waiting->lookups, waiting->count);
        }
    }
    for (uint32_t i = 0; status == ALOG_OK && i < waiting->count; i++) {
        const struct lookup *lookup = &waiting->lookups[i];
        struct alog_group *group = find_group(table, &lookup->key, lookup->hash);
        if (group) {
            status = merge_row(merge, kind, group->row, lookup->from->row);
        } else {
            group = add_group(merge->into, waiting->rollup, &lookup->key, lookup->hash);
            status = group ? put_row(merge, kind, group->row, lookup->from->row) : ALOG_NO_MEMORY;
        }
    }
    waiting->count = 0;
    return status;
}

/* Have a group added to the one of `into` that has the key, which is still in names of `from`. */
static enum alog_status merge_group(struct waiting *waiting, const struct alog_group_key *key,
                                    struct alog_group *group) {
    struct merge *merge = waiting->merge;
    struct lookup *lookup = &waiting->lookups[waiting->count++];
    lookup->from = group;
    lookup->key = *key;
    if (!translate(merge, &lookup->key.environment) || !translate_job(merge, &lookup->key.job) ||
        !translate_dimensions(merge, lookup->key.dimensions)) {
        return ALOG_NO_MEMORY;
    }
    lookup->hash = hash_key(&lookup->key);
    return waiting->count == AT_ONCE ? merge_waiting(waiting) : ALOG_OK;
}

static enum alog_status merge_table(struct merge *merge, enum alog_rollup rollup,
                                    int64_t from_hour_epoch) {
    struct waiting waiting = {.merge = merge, .rollup = rollup};
    enum alog_status status = ALOG_OK;
    for (uint32_t i = 0; status == ALOG_OK && i < merge->from->tables[rollup].count; i++) {
        struct alog_group *group = alog_groups_at(merge->from, rollup, i);
        if (group->key.hour_epoch >= from_hour_epoch) {
            status = merge_group(&waiting, &group->key, group);
        }
    }
    return status == ALOG_OK ? merge_waiting(&waiting) : status;
}

enum alog_status alog_groups_merge(struct alog_groups *into, struct alog_groups *from) {
    into->overflow |= from->overflow;
    if (from->names.count == 0) {
        alog_groups_free(from);
        return ALOG_OK;
    }
    if (into->names.count == 0) {
        /* Nothing can be in there without a name: take the whole. */
        bool overflow = into->overflow;
        alog_groups_free(into);
        *into = *from;
        into->overflow = overflow;
        *from = (struct alog_groups){0};
        return ALOG_OK;
    }
    struct merge merge = {into, from, false, calloc(from->names.count, sizeof(*merge.ids)),
                          calloc(from->jobs.count + 1, sizeof(*merge.job_ids))};
    enum alog_status status = merge.ids && merge.job_ids ? ALOG_OK : ALOG_NO_MEMORY;
    alog_arena_join(&into->arena, &from->arena);
    for (enum alog_rollup rollup = 0; status == ALOG_OK && rollup < ALOG_ROLLUP_COUNT; rollup++) {
        status = merge_table(&merge, rollup, INT64_MIN);
    }
    free(merge.ids);
    free(merge.job_ids);
    alog_groups_free(from);
    return status;
}

/* ---- Hours and days ---- */

int64_t alog_groups_last_hour(const struct alog_groups *groups) {
    const uint32_t count = groups->tables[ALOG_IN_rollup_events].count;
    int64_t last = count != 0 ? INT64_MIN : INT64_MAX;
    for (uint32_t i = 0; i < count; i++) {
        last = larger(last, alog_groups_at(groups, ALOG_IN_rollup_events, i)->key.hour_epoch);
    }
    return last;
}

/* A merging of hourly tables; merge->ids is freed by the caller. */
static enum alog_status begin_copy(struct merge *merge, struct alog_groups *into,
                                   struct alog_groups *from) {
    *merge =
        (struct merge){into, from, true, calloc(from->names.count + 1, sizeof(*merge->ids)), NULL};
    bool ready = merge->ids && alog_names_add(&into->names, ALOG_STR("")) != ALOG_NAME_NONE;
    return ready ? ALOG_OK : ALOG_NO_MEMORY;
}

enum alog_status alog_groups_copy_hours(struct alog_groups *into, struct alog_groups *from,
                                        int64_t from_hour_epoch) {
    struct merge merge;
    enum alog_status status = begin_copy(&merge, into, from);
    for (enum alog_rollup rollup = 0; status == ALOG_OK && rollup < ALOG_ROLLUP_COUNT; rollup++) {
        if (alog_rollup_kind(rollup)->scope == ALOG_SCOPE_HOUR) {
            status = merge_table(&merge, rollup, from_hour_epoch);
        }
    }
    free(merge.ids);
    return status;
}

static enum alog_status copy_days(struct merge *merge, enum alog_rollup rollup,
                                  const struct alog_day_span *span, int64_t *ret_last_day_epoch) {
    struct waiting waiting = {.merge = merge, .rollup = rollup};
    enum alog_status status = ALOG_OK;
    for (uint32_t i = 0; status == ALOG_OK && i < merge->from->tables[rollup].count; i++) {
        struct alog_group *group = alog_groups_at(merge->from, rollup, i);
        struct alog_group_key key = group->key;
        if (key.hour_epoch >= span->before_hour_epoch) {
            continue;
        }
        key.hour_epoch = alog_bucket_start(key.hour_epoch, ALOG_DAY_S, span->time_zone_offset_s);
        *ret_last_day_epoch = larger(*ret_last_day_epoch, key.hour_epoch);
        if (key.hour_epoch >= span->from_day_epoch) {
            status = merge_group(&waiting, &key, group);
        }
    }
    return status == ALOG_OK ? merge_waiting(&waiting) : status;
}

enum alog_status alog_groups_copy_days(struct alog_groups *into, struct alog_groups *from,
                                       const struct alog_day_span *span,
                                       int64_t *ret_last_day_epoch) {
    struct merge merge;
    enum alog_status status = begin_copy(&merge, into, from);
    for (enum alog_rollup rollup = 0; status == ALOG_OK && rollup < ALOG_ROLLUP_COUNT; rollup++) {
        if (alog_rollup_kind(rollup)->scope == ALOG_SCOPE_HOUR) {
            status = copy_days(&merge, rollup, span, ret_last_day_epoch);
        }
    }
    free(merge.ids);
    return status;
}

/* ---- Sorting ---- */

static int by_key(const void *a, const void *b, void *context) {
    const struct alog_group_ranks *all = context;
    const uint32_t *ranks = all->names;
    const struct alog_group_key *x = &(*(struct alog_group *const *)a)->key;
    const struct alog_group_key *y = &(*(struct alog_group *const *)b)->key;
    if (x->environment != y->environment) {
        return ranks[x->environment] < ranks[y->environment] ? -1 : 1;
    }
    if (x->hour_epoch != y->hour_epoch) {
        return x->hour_epoch < y->hour_epoch ? -1 : 1;
    }
    if (x->job != y->job) {
        return all->jobs[x->job] < all->jobs[y->job] ? -1 : 1;
    }
    for (unsigned i = 0; i < ALOG_MAX_DIMENSIONS; i++) {
        if (x->dimensions[i] != y->dimensions[i]) {
            return ranks[x->dimensions[i]] < ranks[y->dimensions[i]] ? -1 : 1;
        }
    }
    return 0;
}

enum alog_status alog_groups_sort(const struct alog_groups *groups, enum alog_rollup rollup,
                                  const struct alog_group_ranks *ranks,
                                  struct alog_group ***ret_sorted) {
    uint32_t count = groups->tables[rollup].count;
    struct alog_group **sorted = malloc((count + 1) * sizeof(*sorted));
    if (!sorted) {
        return ALOG_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        sorted[i] = alog_groups_at(groups, rollup, i);
    }
    qsort_r(sorted, count, sizeof(*sorted), by_key, (void *)(uintptr_t)ranks);
    *ret_sorted = sorted;
    return ALOG_OK;
}
