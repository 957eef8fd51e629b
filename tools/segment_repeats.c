#include "segment_repeats.h"

#include <agentlog/archive.h>

#include <stdlib.h>
#include <string.h>

#include "output.h"

/* A segment, and the file that it was seen in. */
struct segment_sight {
    uint8_t file_id[16];
    bool archived;
    uint64_t events;
    size_t file;
};

static void add(struct segment_repeats *repeats, const uint8_t file_id[16], bool archived,
                uint64_t events) {
    repeats->sights =
        output_grow(repeats->sights, repeats->count, &repeats->capacity, sizeof *repeats->sights);
    struct segment_sight *sight = &repeats->sights[repeats->count++];
    *sight = (struct segment_sight){.archived = archived, .events = events, .file = repeats->files};
    memcpy(sight->file_id, file_id, sizeof sight->file_id);
}

void segment_repeats_add(struct segment_repeats *repeats, const char *path,
                         const struct alog_segment_info *info) {
    struct alog_archived_segment *segments = NULL;
    size_t count = 0;
    static const uint8_t unknown[16]; /* its file header is damaged */
    if (info->archived_segments == 0 && memcmp(info->file_id, unknown, sizeof unknown) != 0) {
        add(repeats, info->file_id, false, info->events);
    } else if (info->archived_segments > 0 &&
               alog_archived_segments_list(path, &segments, &count, NULL) == ALOG_OK) {
        for (size_t i = 0; i < count; i++) {
            add(repeats, segments[i].file_id, true, segments[i].events);
        }
        alog_archived_segments_free(segments);
    } /* else: it was read a moment ago, and what is wrong with it was told then */
    repeats->files++;
}

/* The sight of a segment that counts comes first. */
static int compare_sights(const void *a, const void *b) {
    const struct segment_sight *x = a;
    const struct segment_sight *y = b;
    const int ids = memcmp(x->file_id, y->file_id, sizeof x->file_id);
    if (ids != 0) {
        return ids;
    }
    if (x->archived != y->archived) {
        return x->archived ? -1 : 1;
    }
    if (x->events != y->events) {
        return x->events > y->events ? -1 : 1;
    }
    return x->file < y->file ? -1 : x->file > y->file;
}

void segment_repeats_find(struct segment_repeats *repeats, bool *ret_repeated) {
    struct segment_sight *sights = repeats->sights;
    memset(ret_repeated, 0, repeats->files * sizeof *ret_repeated);
    if (repeats->count > 0) {
        qsort(sights, repeats->count, sizeof *sights, compare_sights);
    }
    for (size_t i = 1; i < repeats->count; i++) {
        if (!sights[i].archived &&
            memcmp(sights[i].file_id, sights[i - 1].file_id, sizeof sights[i].file_id) == 0) {
            ret_repeated[sights[i].file] = true;
        }
    }
}

void segment_repeats_free(struct segment_repeats *repeats) {
    free(repeats->sights);
    *repeats = (struct segment_repeats){0};
}
