/* The events of several places; see event_set.h. */
#include "event_set.h"

#include <stdlib.h>
#include <string.h>

#include <agentlog/ndjson.h>
#include <agentlog/reader.h>

static void note_damage(void *context, const struct alog_damage *damage) {
    struct event_set *set = context;
    set->damages += !damage->harmless && damage->kind != ALOG_DAMAGE_GAP;
}

static uint64_t hash_of(const char *bytes, size_t count) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < count; i++) {
        hash = (hash ^ (uint8_t)bytes[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    }
    return hash;
}

static void add_event(struct event_set *set, const struct alog_event *event) {
    struct alog_text text = {0};
    if (alog_ndjson_write(event, &text) != ALOG_OK) {
        abort();
    }
    if (set->count == set->capacity) {
        set->capacity = 2 * set->capacity + 256;
        set->hashes = realloc(set->hashes, set->capacity * sizeof *set->hashes);
        if (set->hashes == NULL) {
            abort();
        }
    }
    set->hashes[set->count++] = hash_of(text.data, text.len);
    alog_text_free(&text);
}

static void add_segment(struct event_set *set, const char *path) {
    struct alog_reader *reader = NULL;
    const struct alog_event *event = NULL;
    set->segments++;
    if (alog_reader_open(path, NULL, note_damage, set, &reader, NULL) != ALOG_OK) {
        set->damages++;
        return;
    }
    enum alog_status status;
    while ((status = alog_reader_next(reader, &event, NULL)) == ALOG_OK && event != NULL) {
        add_event(set, event);
    }
    set->damages += status != ALOG_OK;
    alog_reader_close(reader);
}

static int compare(const void *a, const void *b) {
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void keep_each_once(struct event_set *set) {
    size_t kept = 0;
    if (set->count > 0) {
        qsort(set->hashes, set->count, sizeof *set->hashes, compare);
    }
    for (size_t i = 0; i < set->count; i++) {
        if (kept > 0 && set->hashes[kept - 1] == set->hashes[i]) {
            set->repeats++;
        } else {
            set->hashes[kept++] = set->hashes[i];
        }
    }
    set->count = kept;
}

void event_set_add(struct event_set *set, const char *directory) {
    struct alog_segment_list list;
    if (alog_segments_list(directory, &list, NULL) != ALOG_OK) {
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        if (!list.segments[i].open) {
            add_segment(set, list.segments[i].path);
        }
    }
    alog_segments_free(&list);
    keep_each_once(set);
}

void event_set_free(struct event_set *set) {
    free(set->hashes);
    *set = (struct event_set){0};
}

bool event_set_equal(const struct event_set *a, const struct event_set *b) {
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->hashes, b->hashes, a->count * sizeof *a->hashes) == 0);
}
