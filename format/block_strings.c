/* The string table of a block that is being built: its slow path. */
#include "block_strings.h"

#include <stdlib.h>
#include <xxhash.h>

#define FIRST_SLOTS   1024u
#define FIRST_ENTRIES 512u
#define FIRST_TEXT    (32u << 10)

/* A new epoch empties cache and hash table at once. */
static void next_epoch(struct alog_block_strings *strings) {
    strings->epoch++;
    if (strings->epoch == 0) {
        /* It came round: what is left from 4 billion blocks ago must not look new. */
        memset(strings->cache, 0, sizeof strings->cache);
        if (strings->slots != NULL) {
            memset(strings->slots, 0, strings->slot_count * sizeof *strings->slots);
        }
        strings->epoch = 1;
    }
}

void alog_block_strings_reset(struct alog_block_strings *strings) {
    next_epoch(strings);
    strings->count = 0;
    strings->text_bytes = 0;
}

void alog_block_strings_free(struct alog_block_strings *strings) {
    free(strings->text);
    free(strings->entries);
    free(strings->slots);
}

static void insert(struct alog_block_strings *strings, uint64_t hash, uint32_t index) {
    size_t at = hash & (strings->slot_count - 1);
    while (strings->slots[at].epoch == strings->epoch) {
        at = (at + 1) & (strings->slot_count - 1);
    }
    strings->slots[at] = (struct alog_string_hash_slot){hash, strings->epoch, index};
}

void alog_block_strings_rollback(struct alog_block_strings *strings, uint32_t count,
                                 size_t text_bytes) {
    if (strings->count == count) {
        return;
    }
    next_epoch(strings);
    strings->count = count;
    strings->text_bytes = text_bytes;
    for (uint32_t i = 0; i < count; i++) {
        const struct alog_string_entry *entry = &strings->entries[i];
        insert(strings, XXH3_64bits(strings->text + entry->at, entry->len), i);
    }
}

/* Room for one more of `len` bytes; the hash table stays at most half full. */
static bool reserve_text(struct alog_block_strings *strings, size_t len) {
    const size_t need = strings->text_bytes + ALOG_MP_MAX_STR_HEAD + len;
    size_t capacity = strings->text_capacity != 0 ? strings->text_capacity : FIRST_TEXT;
    while (capacity < need) {
        capacity *= 2;
    }
    if (capacity != strings->text_capacity) {
        uint8_t *grown = realloc(strings->text, capacity);
        if (grown == NULL) {
            return false;
        }
        strings->text = grown;
        strings->text_capacity = capacity;
    }
    return true;
}

static bool reserve_entry(struct alog_block_strings *strings) {
    if (strings->count < strings->entry_capacity) {
        return true;
    }
    const uint32_t capacity =
        strings->entry_capacity != 0 ? 2 * strings->entry_capacity : FIRST_ENTRIES;
    struct alog_string_entry *grown = realloc(strings->entries, capacity * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    strings->entries = grown;
    strings->entry_capacity = capacity;
    return true;
}

static bool reserve_slot(struct alog_block_strings *strings) {
    if (2 * (size_t)strings->count < strings->slot_count) {
        return true;
    }
    const size_t old_count = strings->slot_count;
    struct alog_string_hash_slot *old = strings->slots;
    const size_t new_count = old_count != 0 ? 2 * old_count : FIRST_SLOTS;
    struct alog_string_hash_slot *grown = calloc(new_count, sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    strings->slots = grown;
    strings->slot_count = new_count;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].epoch == strings->epoch) {
            insert(strings, old[i].hash, old[i].index);
        }
    }
    free(old);
    return true;
}

static bool add(struct alog_block_strings *strings, const uint8_t *data, uint32_t len,
                uint64_t hash, uint32_t *ret_index) {
    if (strings->count == ALOG_BLOCK_MAX_STRINGS ||
        strings->text_bytes + ALOG_MP_MAX_STR_HEAD + len > ALOG_BLOCK_MAX_STRING_TEXT ||
        !reserve_text(strings, len) || !reserve_entry(strings) || !reserve_slot(strings)) {
        return false;
    }
    const uint8_t *end = alog_mp_str(strings->text + strings->text_bytes, (const char *)data, len);
    strings->text_bytes = (size_t)(end - strings->text);
    strings->entries[strings->count] =
        (struct alog_string_entry){.at = (uint32_t)strings->text_bytes - len, .len = len};
    insert(strings, hash, strings->count);
    *ret_index = strings->count++;
    return true;
}

static bool find(const struct alog_block_strings *strings, const uint8_t *data, uint32_t len,
                 uint64_t hash, uint32_t *ret_index) {
    if (strings->slot_count == 0) {
        return false;
    }
    size_t at = hash & (strings->slot_count - 1);
    for (; strings->slots[at].epoch == strings->epoch; at = (at + 1) & (strings->slot_count - 1)) {
        const struct alog_string_hash_slot *slot = &strings->slots[at];
        const struct alog_string_entry *entry = &strings->entries[slot->index];
        if (slot->hash == hash && entry->len == len &&
            memcmp(strings->text + entry->at, data, len) == 0) {
            *ret_index = slot->index;
            return true;
        }
    }
    return false;
}

bool alog_block_strings_fill(struct alog_block_strings *strings,
                             struct alog_string_cache_slot *slot, const uint8_t *data, uint32_t len,
                             uint64_t head, uint64_t tail) {
    const uint64_t hash = XXH3_64bits(data, len);
    uint32_t index;
    if (!find(strings, data, len, hash, &index) && !add(strings, data, len, hash, &index)) {
        return false;
    }
    uint8_t code[ALOG_MP_MAX_INT] = {0};
    const size_t code_bytes = (size_t)(alog_mp_uint(code, index) - code);
    *slot = (struct alog_string_cache_slot){head,
                                            tail,
                                            (uint64_t)strings->epoch << 32 | len,
                                            index,
                                            {code[0], code[1], code[2], (uint8_t)code_bytes}};
    return true;
}
