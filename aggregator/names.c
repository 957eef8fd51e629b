#include "names.h"

#include <endian.h>
#include <stdlib.h>

void alog_names_free(struct alog_names *names) {
    alog_arena_free(&names->arena);
    free(names->texts);
    free(names->hashes);
    free(names->slots);
    *names = (struct alog_names){0};
}

int alog_string_compare(struct alog_string a, struct alog_string b) {
    size_t least = a.len < b.len ? a.len : b.len;
    int order = least != 0 ? memcmp(a.data, b.data, least) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Eight bytes at a time, multiplied and folded. */
static uint64_t hash_text(struct alog_string text) {
    const uint64_t factor = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t hash = text.len * factor;
    const char *at = text.data;
    size_t left = text.len;
    for (; left >= 8; at += 8, left -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        hash = (hash ^ word) * factor;
        hash ^= hash >> 32;
    }
    if (left != 0) {
        uint64_t word = 0;
        memcpy(&word, at, left);
        hash = (hash ^ word) * factor;
        hash ^= hash >> 32;
    }
    hash *= factor;
    return hash ^ hash >> 29;
}

/* The slot of `text`, or the free one where it belongs. */
static uint64_t *find_slot(const struct alog_names *names, struct alog_string text, uint64_t hash) {
    uint32_t mask = names->slot_count - 1;
    for (uint32_t i = (uint32_t)hash & mask;; i = (i + 1) & mask) {
        uint64_t slot = names->slots[i];
        if (slot == 0 || (slot >> 32 == hash >> 32 &&
                          alog_string_equal(names->texts[(uint32_t)slot - 1], text))) {
            return &names->slots[i];
        }
    }
}

static void fill_slots(const struct alog_names *names, uint64_t *slots, uint32_t slot_count) {
    const uint32_t mask = slot_count - 1;
    for (uint32_t id = 0; id < names->count; id++) {
        uint32_t i = (uint32_t)names->hashes[id] & mask;
        while (slots[i] != 0) {
            i = (i + 1) & mask;
        }
        slots[i] = (names->hashes[id] >> 32 << 32) | (id + 1);
    }
}

/* Slots for one name more. */
static bool grow_slots(struct alog_names *names) {
    uint32_t count = names->slot_count ? names->slot_count : 128;
    while (count / 2 <= names->count) {
        count *= 2;
    }
    uint64_t *slots = calloc(count, sizeof(*slots));
    if (!slots) {
        return false;
    }
    fill_slots(names, slots, count);
    names->bytes += (count - names->slot_count) * sizeof(*slots);
    free(names->slots);
    names->slots = slots;
    names->slot_count = count;
    return true;
}

static bool grow_texts(struct alog_names *names) {
    uint32_t capacity = names->capacity ? names->capacity : 64;
    while (capacity <= names->count) {
        capacity *= 2;
    }
    struct alog_string *texts = realloc(names->texts, capacity * sizeof(*texts));
    if (!texts) {
        return false;
    }
    names->texts = texts;
    uint64_t *hashes = realloc(names->hashes, capacity * sizeof(*hashes));
    if (!hashes) {
        return false;
    }
    names->hashes = hashes;
    names->bytes += (capacity - names->capacity) * (sizeof(*texts) + sizeof(*hashes));
    names->capacity = capacity;
    return true;
}

/* Room for one more. */
static bool make_room(struct alog_names *names) {
    return (names->count < names->capacity || grow_texts(names)) &&
           (names->count < names->slot_count / 2 || grow_slots(names));
}

static const char *keep(struct alog_names *names, struct alog_string text) {
    size_t before = names->arena.bytes;
    char *at = alog_arena_take(&names->arena, text.len, 1);
    if (at) {
        memcpy(at, text.data, text.len);
    }
    names->bytes += names->arena.bytes - before;
    return at;
}

static uint32_t add_new(struct alog_names *names, struct alog_string text, uint64_t hash) {
    if (!make_room(names)) {
        return ALOG_NAME_NONE;
    }
    struct alog_string copy = {"", 0};
    if (text.len != 0) {
        copy = (struct alog_string){keep(names, text), text.len};
    }
    if (!copy.data) {
        return ALOG_NAME_NONE;
    }
    uint32_t id = names->count++;
    names->texts[id] = copy;
    names->hashes[id] = hash;
    *find_slot(names, text, hash) = (hash >> 32 << 32) | (id + 1);
    return id;
}

static uint32_t add(struct alog_names *names, struct alog_string text, uint64_t hash) {
    if (names->count == 0) {
        struct alog_string empty = {"", 0};
        if (add_new(names, empty, hash_text(empty)) == ALOG_NAME_NONE) {
            return ALOG_NAME_NONE;
        }
    }
    uint64_t slot = *find_slot(names, text, hash);
    return slot != 0 ? (uint32_t)slot - 1 : add_new(names, text, hash);
}

uint32_t alog_names_add(struct alog_names *names, struct alog_string text) {
    return add(names, text, hash_text(text));
}

uint32_t alog_names_add_from(struct alog_names *names, const struct alog_names *from, uint32_t id) {
    return add(names, from->texts[id], from->hashes[id]);
}

uint32_t alog_names_find(const struct alog_names *names, struct alog_string text) {
    if (names->count == 0) {
        return ALOG_NAME_NONE;
    }
    return (uint32_t)*find_slot(names, text, hash_text(text)) - 1;
}

#define AT_ONCE 32u

/* Step by step for all of them, so that what one waits for is fetched while the others are looked
 * at: the slot, then the text's place, then the text. */
static void find_some(const struct alog_names *names, const struct alog_string *texts,
                      uint32_t count, uint32_t *ret_ids) {
    const uint32_t mask = names->slot_count - 1;
    uint64_t hashes[AT_ONCE];
    uint32_t likely[AT_ONCE]; /* ids; that of the empty string where there is none */
    for (uint32_t i = 0; i < count; i++) {
        hashes[i] = hash_text(texts[i]);
        __builtin_prefetch(&names->slots[hashes[i] & mask]);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t slot = names->slots[hashes[i] & mask];
        likely[i] = slot != 0 ? (uint32_t)slot - 1 : ALOG_NAME_EMPTY;
        __builtin_prefetch(&names->texts[likely[i]]);
    }
    for (uint32_t i = 0; i < count; i++) {
        __builtin_prefetch(names->texts[likely[i]].data);
    }
    for (uint32_t i = 0; i < count; i++) {
        ret_ids[i] = (uint32_t)*find_slot(names, texts[i], hashes[i]) - 1;
    }
}

void alog_names_find_all(const struct alog_names *names, const struct alog_string *texts,
                         uint32_t count, uint32_t *ret_ids) {
    for (uint32_t i = 0; names->count == 0 && i < count; i++) {
        ret_ids[i] = ALOG_NAME_NONE;
    }
    for (uint32_t i = 0; names->count != 0 && i < count; i += AT_ONCE) {
        find_some(names, texts + i, count - i < AT_ONCE ? count - i : AT_ONCE, ret_ids + i);
    }
}

/* ---- Order ---- */

struct keyed {
    uint64_t key;
    uint32_t id;
};

/* Seven bytes from `depth` on and how many there are: what follows only decides where this is equal
 * and there are more. */
static uint64_t key_of(struct alog_string text, size_t depth) {
    const size_t left = text.len - depth;
    uint8_t bytes[8] = {0};
    memcpy(bytes, text.data + depth, left < 7 ? left : 7);
    bytes[7] = left < 8 ? (uint8_t)left : 8;
    uint64_t key;
    memcpy(&key, bytes, sizeof(key));
    return be64toh(key);
}

static int by_key(const void *a, const void *b) {
    const struct keyed *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

/* How many bytes, of which `depth` are known to be, all of the names begin with. */
static size_t common_bytes(const struct alog_string *texts, const struct keyed *names,
                           uint32_t count, size_t depth) {
    const struct alog_string first = texts[names[0].id];
    size_t common = first.len;
    for (uint32_t i = 1; i < count; i++) {
        const struct alog_string text = texts[names[i].id];
        size_t at = depth;
        while (at < common && at < text.len && text.data[at] == first.data[at]) {
            at++;
        }
        common = at;
    }
    return common;
}

/* Names often begin alike, job ids above all: they are sorted by what comes behind, in numbers, and
 * those that have the same number are so again. */
static void sort_names(const struct alog_string *texts, struct keyed *names, uint32_t count,
                       size_t depth) {
    const size_t common = common_bytes(texts, names, count, depth);
    for (uint32_t i = 0; i < count; i++) {
        names[i].key = key_of(texts[names[i].id], common);
    }
    qsort(names, count, sizeof(*names), by_key);
    for (uint32_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && names[end].key == names[i].key;) {
            end++;
        }
        if (end - i > 1) {
            sort_names(texts, names + i, end - i, common + 7);
        }
    }
}

enum alog_status alog_names_rank(const struct alog_names *names, uint32_t **ret_ranks) {
    struct keyed *order = malloc((names->count + 1) * sizeof(*order));
    uint32_t *ranks = malloc((names->count + 1) * sizeof(*ranks));
    if (!order || !ranks) {
        free(order);
        free(ranks);
        return ALOG_NO_MEMORY;
    }
    for (uint32_t id = 0; id < names->count; id++) {
        order[id].id = id;
    }
    /* The first is the empty one, and has nothing in common with the others. */
    if (names->count > 1) {
        sort_names(names->texts, order + 1, names->count - 1, 0);
    }
    for (uint32_t place = 0; place < names->count; place++) {
        ranks[order[place].id] = place;
    }
    free(order);
    *ret_ranks = ranks;
    return ALOG_OK;
}
