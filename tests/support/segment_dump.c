/* A segment as text. */
#include "segment_dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *kind_name(enum alog_damage_kind kind) {
    switch (kind) {
    case ALOG_DAMAGE_HEADER:
        return "header";
    case ALOG_DAMAGE_BLOCK:
        return "block";
    case ALOG_DAMAGE_EVENT:
        return "event";
    case ALOG_DAMAGE_GAP:
        return "gap";
    case ALOG_DAMAGE_TAIL:
        return "tail";
    case ALOG_DAMAGE_INDEX:
        return "index";
    case ALOG_DAMAGE_TRUNCATED:
        return "truncated";
    }
    return "unknown";
}

static void append(struct alog_text *text, const char *line, size_t len) {
    char *data = realloc(text->data, text->len + len + 1);
    if (data == NULL) {
        abort();
    }
    memcpy(data + text->len, line, len + 1);
    text->data = data;
    text->len += len;
    text->capacity = text->len + 1;
}

void segment_dump_note(void *context, const struct alog_damage *damage) {
    struct segment_dump *dump = context;
    dump->damage_count += !damage->harmless;
    dump->harmless_count += damage->harmless;
    char line[640];
    int len = snprintf(
        line, sizeof line,
        "{\"kind\":\"%s\",\"harmless\":%s,\"offset\":%" PRIu64 ",\"bytes\":%" PRIu64
        ",\"first_sequence\":%" PRIu64 ",\"last_sequence\":%" PRIu64 ",\"message\":\"%s\"}\n",
        kind_name(damage->kind), damage->harmless ? "true" : "false", damage->offset, damage->bytes,
        damage->first_sequence, damage->last_sequence, damage->message);
    append(&dump->damages, line, (size_t)len);
}

enum alog_status segment_dump_read(const char *path, const struct alog_reader_filter *filter,
                                   struct segment_dump *ret_dump) {
    *ret_dump = (struct segment_dump){0};
    struct alog_reader *reader;
    enum alog_status status =
        alog_reader_open(path, filter, segment_dump_note, ret_dump, &reader, NULL);
    if (status != ALOG_OK) {
        return status;
    }
    for (;;) {
        const struct alog_event *event;
        status = alog_reader_next(reader, &event, NULL);
        if (status != ALOG_OK || event == NULL) {
            break;
        }
        ret_dump->event_count++;
        if (alog_ndjson_write(event, &ret_dump->events) != ALOG_OK) {
            abort();
        }
    }
    alog_reader_close(reader);
    return status;
}

void segment_dump_free(struct segment_dump *dump) {
    alog_text_free(&dump->events);
    free(dump->damages.data);
    *dump = (struct segment_dump){0};
}
