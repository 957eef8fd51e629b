/* A segment as text. */
#include "segment_dump.h"

#include <inttypes.h>
#include <stdarg.h>
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

ALOG_PRINTF(2, 3)
static void append_format(struct alog_text *text, const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (len < 0 || (size_t)len >= sizeof line) {
        abort();
    }
    append(text, line, (size_t)len);
}

void segment_dump_note(void *context, const struct alog_damage *damage) {
    struct segment_dump *dump = context;
    dump->damage_count += !damage->harmless;
    dump->harmless_count += damage->harmless;
    append_format(&dump->damages,
                  "{\"kind\":\"%s\",\"harmless\":%s,\"offset\":%" PRIu64 ",\"bytes\":%" PRIu64
                  ",\"first_sequence\":%" PRIu64 ",\"last_sequence\":%" PRIu64
                  ",\"message\":\"%s\"}\n",
                  kind_name(damage->kind), damage->harmless ? "true" : "false", damage->offset,
                  damage->bytes, damage->first_sequence, damage->last_sequence, damage->message);
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

static void append_hex(struct alog_text *text, const char *name, const uint8_t id[16]) {
    append_format(text, " \"%s\":\"", name);
    for (unsigned i = 0; i < 16; i++) {
        append_format(text, "%02x", id[i]);
    }
    append_format(text, "\",\n");
}

static void append_info(struct alog_text *text, const struct alog_segment_info *info) {
    append_hex(text, "file_id", info->file_id);
    append_hex(text, "predecessor_id", info->predecessor_id);
    append_format(text,
                  " \"predecessor_last_sequence\":%" PRIu64 ",\n \"writer_id\":\"%016" PRIx64
                  "\",\n \"number\":%" PRIu64
                  ",\n \"environment\":\"%s\",\n \"created_ns\":%" PRId64
                  ",\n \"format_version\":%u,\n \"sealed\":%s,\n",
                  info->predecessor_last_sequence, info->writer_id, info->number, info->environment,
                  info->created_ns, info->format_version, info->sealed ? "true" : "false");
    append_format(text,
                  " \"file_bytes\":%" PRIu64 ",\n \"blocks\":%" PRIu64 ",\n \"events\":%" PRIu64
                  ",\n \"first_sequence\":%" PRIu64 ",\n \"last_sequence\":%" PRIu64
                  ",\n \"min_timestamp_ns\":%" PRId64 ",\n \"max_timestamp_ns\":%" PRId64
                  ",\n \"raw_bytes\":%" PRIu64 ",\n \"compressed_bytes\":%" PRIu64
                  ",\n \"dropped\":%" PRIu64 ",\n \"damages\":%" PRIu64 ",\n \"types\":{",
                  info->file_bytes, info->blocks, info->events, info->first_sequence,
                  info->last_sequence, info->min_timestamp_ns, info->max_timestamp_ns,
                  info->raw_bytes, info->compressed_bytes, info->dropped, info->damages);
    for (size_t i = 0; i < info->type_count; i++) {
        append_format(text, "%s\"%s\":%" PRIu64, i ? "," : "", info->types[i].name,
                      info->types[i].events);
    }
    append_format(text, "},\n");
}

void segment_dump_facts(const char *path, struct alog_text *text) {
    struct segment_dump dump = {0};
    struct alog_segment_info info = {0};
    enum alog_status status =
        alog_segment_inspect(path, true, segment_dump_note, &dump, &info, NULL);
    append_format(text, "{\"status\":\"%s\",\n", alog_status_name(status));
    if (status == ALOG_OK) {
        append_info(text, &info);
    }
    append_format(text, " \"faults\":[");
    const char *separator = "\n  ";
    for (char *line = dump.damages.data; line != NULL && *line != '\0';) {
        char *end = strchr(line, '\n');
        append_format(text, "%s%.*s", separator, (int)(end - line), line);
        separator = ",\n  ";
        line = end + 1;
    }
    append_format(text, "]}\n");
    alog_segment_info_free(&info);
    segment_dump_free(&dump);
}

void segment_dump_free(struct segment_dump *dump) {
    alog_text_free(&dump->events);
    free(dump->damages.data);
    *dump = (struct segment_dump){0};
}
