#include "segment_links.h"

#include <agentlog/archive.h>

#include <stdlib.h>
#include <string.h>

#include "output.h"

static void add(struct segment_links *links, const struct segment_link *link) {
    links->links = output_grow(links->links, links->count, &links->capacity, sizeof *links->links);
    links->links[links->count++] = *link;
}

static void add_archived(struct segment_links *links, const char *path) {
    struct alog_archived_segment *segments = NULL;
    size_t count = 0;
    if (alog_archived_segments_list(path, &segments, &count, NULL) != ALOG_OK) {
        return; /* it was read a moment ago: what is wrong with it was told then */
    }
    for (size_t i = 0; i < count; i++) {
        const struct alog_archived_segment *segment = &segments[i];
        struct segment_link link = {
            .writer_id = segment->writer_id,
            .number = segment->number,
            .predecessor_last_sequence = segment->predecessor_last_sequence,
            .last_sequence = segment->last_sequence,
        };
        memcpy(link.file_id, segment->file_id, sizeof link.file_id);
        memcpy(link.predecessor_id, segment->predecessor_id, sizeof link.predecessor_id);
        add(links, &link);
    }
    alog_archived_segments_free(segments);
}

void segment_links_add(struct segment_links *links, const char *path,
                       const struct alog_segment_info *info, uint64_t lost_to) {
    if (info->archived_segments > 0) {
        add_archived(links, path);
        return;
    }
    struct segment_link link = {
        .writer_id = info->writer_id,
        .number = info->number,
        .predecessor_last_sequence = info->predecessor_last_sequence,
        .last_sequence = info->last_sequence > lost_to ? info->last_sequence : lost_to,
        .empty = info->events == 0,
    };
    memcpy(link.file_id, info->file_id, sizeof link.file_id);
    memcpy(link.predecessor_id, info->predecessor_id, sizeof link.predecessor_id);
    if (link.number > 0) {
        add(links, &link);
    }
}

void segment_links_add_unread(struct segment_links *links, const char *path) {
    struct segment_link link = {.unread = true};
    const char *slash = strrchr(path, '/');
    const char *writer = strchr(slash != NULL ? slash : path, '-');
    if (writer != NULL) {
        char *end;
        link.writer_id = strtoull(writer + 1, &end, 16);
        link.number = *end == '-' ? strtoull(end + 1, NULL, 10) : 0;
    }
    if (link.number > 0) {
        add(links, &link);
    }
}

void segment_links_free(struct segment_links *links) {
    free(links->links);
    *links = (struct segment_links){0};
}
