#include "log_glance.h"

#include <agentlog/archive.h>

#include <stdlib.h>
#include <string.h>

enum glance_column {
    GLANCE_WRITERS,
    GLANCE_WRITERS_ALIVE,
    GLANCE_WRITERS_DEAD,
    GLANCE_WRITERS_UNKNOWN,
    GLANCE_SEGMENTS,
    GLANCE_SEGMENTS_UNSEALED,
    GLANCE_SEGMENTS_REPEATED,
    GLANCE_SEGMENTS_ARCHIVED,
    GLANCE_ARCHIVE_FILES,
    GLANCE_EVENTS,
    GLANCE_MIN_TIMESTAMP,
    GLANCE_MAX_TIMESTAMP,
    GLANCE_RAW_BYTES,
    GLANCE_FILE_BYTES,
    GLANCE_COMPRESSION,
    GLANCE_BYTES_PER_EVENT,
    GLANCE_EVENTS_DROPPED,
    GLANCE_EVENTS_MISSING,
    GLANCE_DAMAGES,
    GLANCE_COLUMNS
};

static const struct alog_column columns[GLANCE_COLUMNS] = {
    [GLANCE_WRITERS] = {"writers", ALOG_COLUMN_INTEGER, "that wrote these segments"},
    [GLANCE_WRITERS_ALIVE] = {"writers_alive", ALOG_COLUMN_INTEGER, "that write to the log now"},
    [GLANCE_WRITERS_DEAD] = {"writers_dead", ALOG_COLUMN_INTEGER,
                             "killed ones that wait for 'agentlog recover'"},
    [GLANCE_WRITERS_UNKNOWN] = {"writers_unknown", ALOG_COLUMN_INTEGER,
                                "ones that cannot be looked at"},
    [GLANCE_SEGMENTS] = {"segments", ALOG_COLUMN_INTEGER, "segments with a file of their own"},
    [GLANCE_SEGMENTS_UNSEALED] = {"segments_unsealed", ALOG_COLUMN_INTEGER,
                                  "of them, still written to, or left by a crash"},
    [GLANCE_SEGMENTS_REPEATED] = {"segments_repeated", ALOG_COLUMN_INTEGER,
                                  "of them, archived as well, or copies: their events count once"},
    [GLANCE_SEGMENTS_ARCHIVED] = {"segments_archived", ALOG_COLUMN_INTEGER,
                                  "segments that archive files were made of"},
    [GLANCE_ARCHIVE_FILES] = {"archive_files", ALOG_COLUMN_INTEGER, "archive files"},
    [GLANCE_EVENTS] = {"events", ALOG_COLUMN_INTEGER, "events, the writers' own included"},
    [GLANCE_MIN_TIMESTAMP] = {"min_timestamp", ALOG_COLUMN_TIME, "the earliest event's time"},
    [GLANCE_MAX_TIMESTAMP] = {"max_timestamp", ALOG_COLUMN_TIME, "the latest event's time"},
    [GLANCE_RAW_BYTES] = {"raw_bytes", ALOG_COLUMN_INTEGER, "msgpack, before compression"},
    [GLANCE_FILE_BYTES] = {"file_bytes", ALOG_COLUMN_INTEGER, "size of all files"},
    [GLANCE_COMPRESSION] = {"compression", ALOG_COLUMN_REAL, "raw_bytes / file_bytes"},
    [GLANCE_BYTES_PER_EVENT] = {"bytes_per_event", ALOG_COLUMN_REAL, "file_bytes / events"},
    [GLANCE_EVENTS_DROPPED] = {"events_dropped", ALOG_COLUMN_INTEGER,
                               "events that the writers could not keep, as they say"},
    [GLANCE_EVENTS_MISSING] = {"events_missing", ALOG_COLUMN_INTEGER,
                               "numbers missing within segments and between them"},
    [GLANCE_DAMAGES] = {"damages", ALOG_COLUMN_INTEGER, "places where headers show damage"},
};

/* ---- Adding up ------------------------------------------------------------------------------- */

static void add_losses(struct log_glance *glance, uint64_t writer_id, uint64_t dropped) {
    glance->losses = output_grow(glance->losses, glance->loss_count, &glance->loss_capacity,
                                 sizeof *glance->losses);
    glance->losses[glance->loss_count++] = (struct writer_losses){writer_id, dropped};
}

/* What is missing from the last number before a segment to its own last. */
static uint64_t missing_in(uint64_t before, uint64_t last, uint64_t events) {
    return last > before && last - before > events ? last - before - events : 0;
}

static void add_archived(struct log_glance *glance, const char *path) {
    struct alog_archived_segment *segments = NULL;
    size_t count = 0;
    if (alog_archived_segments_list(path, &segments, &count, NULL) != ALOG_OK) {
        return; /* it was read a moment ago: what is wrong with it was told then */
    }
    for (size_t i = 0; i < count; i++) {
        const struct alog_archived_segment *segment = &segments[i];
        add_losses(glance, segment->writer_id, segment->dropped);
        glance->missing +=
            missing_in(segment->predecessor_last_sequence, segment->last_sequence, segment->events);
    }
    alog_archived_segments_free(segments);
}

void log_glance_add(struct log_glance *glance, const char *path,
                    const struct alog_segment_info *info, bool repeated) {
    if (info->archived_segments > 0) {
        glance->archive_files++;
        glance->segments_archived += info->archived_segments;
        add_archived(glance, path);
    } else {
        glance->segments++;
        glance->segments_unsealed += !info->sealed;
        glance->segments_repeated += repeated;
        add_losses(glance, info->writer_id, info->dropped);
        if (!repeated) {
            glance->missing +=
                missing_in(info->predecessor_last_sequence, info->last_sequence, info->events);
        }
    }
    const uint64_t events = repeated ? 0 : info->events;
    if (events > 0 && (glance->events == 0 || info->min_timestamp_ns < glance->min_timestamp_ns)) {
        glance->min_timestamp_ns = info->min_timestamp_ns;
    }
    if (events > 0 && (glance->events == 0 || info->max_timestamp_ns > glance->max_timestamp_ns)) {
        glance->max_timestamp_ns = info->max_timestamp_ns;
    }
    glance->events += events;
    glance->raw_bytes += info->raw_bytes;
    glance->file_bytes += info->file_bytes;
    glance->damages += info->damages;
    segment_links_add(&glance->links, path, info, 0);
}

/* Whole segments, and ends of them. */
static void add_break(void *context, const struct segment_break *found) {
    struct log_glance *glance = context;
    if (found->first_sequence <= found->last_sequence) {
        glance->missing += found->last_sequence - found->first_sequence + 1;
    }
}

static int compare_losses(const void *a, const void *b) {
    const struct writer_losses *x = a;
    const struct writer_losses *y = b;
    return x->writer_id != y->writer_id ? (x->writer_id < y->writer_id ? -1 : 1) : 0;
}

static void add_up_writers(struct log_glance *glance, uint64_t *ret_writers,
                           uint64_t *ret_dropped) {
    if (glance->loss_count > 0) {
        qsort(glance->losses, glance->loss_count, sizeof *glance->losses, compare_losses);
    }
    *ret_writers = *ret_dropped = 0;
    for (size_t i = 0; i < glance->loss_count;) {
        const uint64_t writer_id = glance->losses[i].writer_id;
        uint64_t dropped = 0;
        for (; i < glance->loss_count && glance->losses[i].writer_id == writer_id; i++) {
            const uint64_t its = glance->losses[i].dropped;
            dropped = its > dropped ? its : dropped;
        }
        *ret_writers += 1;
        *ret_dropped += dropped;
    }
}

/* ---- As a table ------------------------------------------------------------------------------ */

static struct alog_value count(uint64_t number) {
    return (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = (int64_t)number};
}

/* NULL when there is nothing to divide by. */
static struct alog_value ratio(uint64_t above, uint64_t below) {
    return below == 0
               ? (struct alog_value){.kind = ALOG_VALUE_NULL}
               : (struct alog_value){.kind = ALOG_VALUE_F64, .f64 = (double)above / (double)below};
}

static struct alog_value time_of(const struct log_glance *glance, int64_t time_ns) {
    return glance->events == 0 ? (struct alog_value){.kind = ALOG_VALUE_NULL}
                               : (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = time_ns};
}

struct alog_table log_glance_table(struct log_glance *glance) {
    struct alog_value *cells = output_allocate(GLANCE_COLUMNS, sizeof *cells);
    uint64_t writers, dropped;
    segment_chain_check(glance->links.links, glance->links.count, add_break, glance);
    add_up_writers(glance, &writers, &dropped);
    cells[GLANCE_WRITERS] = count(writers);
    cells[GLANCE_WRITERS_ALIVE] = count(glance->writers.alive);
    cells[GLANCE_WRITERS_DEAD] = count(glance->writers.dead);
    cells[GLANCE_WRITERS_UNKNOWN] = count(glance->writers.unknown);
    cells[GLANCE_SEGMENTS] = count(glance->segments);
    cells[GLANCE_SEGMENTS_UNSEALED] = count(glance->segments_unsealed);
    cells[GLANCE_SEGMENTS_REPEATED] = count(glance->segments_repeated);
    cells[GLANCE_SEGMENTS_ARCHIVED] = count(glance->segments_archived);
    cells[GLANCE_ARCHIVE_FILES] = count(glance->archive_files);
    cells[GLANCE_EVENTS] = count(glance->events);
    cells[GLANCE_MIN_TIMESTAMP] = time_of(glance, glance->min_timestamp_ns);
    cells[GLANCE_MAX_TIMESTAMP] = time_of(glance, glance->max_timestamp_ns);
    cells[GLANCE_RAW_BYTES] = count(glance->raw_bytes);
    cells[GLANCE_FILE_BYTES] = count(glance->file_bytes);
    cells[GLANCE_COMPRESSION] = ratio(glance->raw_bytes, glance->file_bytes);
    cells[GLANCE_BYTES_PER_EVENT] = ratio(glance->file_bytes, glance->events);
    cells[GLANCE_EVENTS_DROPPED] = count(dropped);
    cells[GLANCE_EVENTS_MISSING] = count(glance->missing);
    cells[GLANCE_DAMAGES] = count(glance->damages);
    return (struct alog_table){columns, GLANCE_COLUMNS, cells, 1};
}

void log_glance_free(struct log_glance *glance) {
    segment_links_free(&glance->links);
    free(glance->losses);
    *glance = (struct log_glance){0};
}
