/* The facts of segments, collected and printed. */
#include "segment_facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "safe_text.h"
#include "segment_repeats.h"

#define ID_BYTES 33

struct segment_fact {
    const char *path;
    struct alog_segment_info info;
    char writer_id[ID_BYTES], file_id[ID_BYTES], predecessor_id[ID_BYTES];
    bool repeated; /* its events are counted already */
};

enum fact_column {
    FACT_SEGMENT,
    FACT_SEALED,
    FACT_ENVIRONMENT,
    FACT_WRITER_ID,
    FACT_NUMBER,
    FACT_EVENTS,
    FACT_MIN_TIMESTAMP,
    FACT_MAX_TIMESTAMP,
    FACT_FIRST_SEQUENCE,
    FACT_LAST_SEQUENCE,
    FACT_BLOCKS,
    FACT_RAW_BYTES,
    FACT_FILE_BYTES,
    FACT_BYTES_PER_EVENT,
    FACT_DROPPED,
    FACT_DAMAGES,
    FACT_FORMAT_VERSION,
    FACT_CREATED,
    FACT_FILE_ID,
    FACT_PREDECESSOR_ID,
    FACT_COLUMNS
};

static const struct alog_column columns[FACT_COLUMNS] = {
    [FACT_SEGMENT] = {"segment", ALOG_COLUMN_TEXT, "the file"},
    [FACT_SEALED] = {"sealed", ALOG_COLUMN_BOOL, "it is whole; no = still written to, or cut"},
    [FACT_ENVIRONMENT] = {"environment", ALOG_COLUMN_TEXT, "its writer's environment"},
    [FACT_WRITER_ID] = {"writer_id", ALOG_COLUMN_TEXT, "its writer"},
    [FACT_NUMBER] = {"number", ALOG_COLUMN_INTEGER, "its number among the writer's, from 1"},
    [FACT_EVENTS] = {"events", ALOG_COLUMN_INTEGER, "events, the writer's own included"},
    [FACT_MIN_TIMESTAMP] = {"min_timestamp", ALOG_COLUMN_TIME, "the earliest event's time"},
    [FACT_MAX_TIMESTAMP] = {"max_timestamp", ALOG_COLUMN_TIME, "the latest event's time"},
    [FACT_FIRST_SEQUENCE] = {"first_sequence", ALOG_COLUMN_INTEGER, "the first event's number"},
    [FACT_LAST_SEQUENCE] = {"last_sequence", ALOG_COLUMN_INTEGER, "the last event's number"},
    [FACT_BLOCKS] = {"blocks", ALOG_COLUMN_INTEGER, "blocks"},
    [FACT_RAW_BYTES] = {"raw_bytes", ALOG_COLUMN_INTEGER, "msgpack, before compression"},
    [FACT_FILE_BYTES] = {"file_bytes", ALOG_COLUMN_INTEGER, "size of the file"},
    [FACT_BYTES_PER_EVENT] = {"bytes_per_event", ALOG_COLUMN_REAL, "file_bytes / events"},
    [FACT_DROPPED] = {"dropped", ALOG_COLUMN_INTEGER,
                      "events that the writer lost, since it opened"},
    [FACT_DAMAGES] = {"damages", ALOG_COLUMN_INTEGER, "places where it is damaged"},
    [FACT_FORMAT_VERSION] = {"format_version", ALOG_COLUMN_INTEGER, "of the segment format"},
    [FACT_CREATED] = {"created", ALOG_COLUMN_TIME, "when it was begun"},
    [FACT_FILE_ID] = {"file_id", ALOG_COLUMN_TEXT, "its own id"},
    [FACT_PREDECESSOR_ID] = {"predecessor_id", ALOG_COLUMN_TEXT,
                             "the writer's segment before it, zeros = none"},
};

static const char *const shown_columns[] = {
    "segment",   "sealed",     "environment",     "events",  "min_timestamp", "max_timestamp",
    "raw_bytes", "file_bytes", "bytes_per_event", "dropped", "damages",       NULL};

static void format_id(const uint8_t id[16], char text[ID_BYTES]) {
    for (size_t i = 0; i < 16; i++) {
        snprintf(text + 2 * i, 3, "%02x", id[i]);
    }
}

/*
 * Headers know user-defined types by id alone. Their names stand in the blocks: read events until
 * every type of the segment has its name. What cannot be read keeps its number.
 */
static void name_types(const char *path, struct alog_segment_info *info) {
    size_t unnamed = 0;
    for (size_t i = 0; i < info->type_count; i++) {
        unnamed += info->types[i].type >= ALOG_FIRST_USER_TYPE;
    }
    if (info->archived_segments > 0) {
        return; /* numbers mean something else in each of its sources: they are named already */
    }
    struct alog_reader *reader = NULL;
    const struct alog_event *event = NULL;
    bool seen[ALOG_MAX_TYPES] = {false};
    if (unnamed == 0 || alog_reader_open(path, NULL, NULL, NULL, &reader, NULL) != ALOG_OK) {
        return;
    }
    while (unnamed > 0 && alog_reader_next(reader, &event, NULL) == ALOG_OK && event != NULL) {
        const uint32_t id = event->type->id;
        if (id < ALOG_FIRST_USER_TYPE || id >= ALOG_MAX_TYPES || seen[id]) {
            continue;
        }
        seen[id] = true;
        for (size_t i = 0; i < info->type_count; i++) {
            if (info->types[i].type == id) {
                snprintf(info->types[i].name, sizeof info->types[i].name, "%.*s",
                         (int)event->name.len, event->name.data);
                unnamed--;
            }
        }
    }
    alog_reader_close(reader);
}

void segment_facts_add(struct segment_facts *facts, const char *path,
                       const struct alog_segment_info *info) {
    facts->segments =
        output_grow(facts->segments, facts->count, &facts->capacity, sizeof *facts->segments);
    struct segment_fact *fact = &facts->segments[facts->count++];
    fact->path = path;
    fact->info = *info;
    fact->repeated = false;
    name_types(path, &fact->info);
    snprintf(fact->writer_id, sizeof fact->writer_id, "%016" PRIx64, info->writer_id);
    format_id(info->file_id, fact->file_id);
    format_id(info->predecessor_id, fact->predecessor_id);
}

void segment_facts_free(struct segment_facts *facts) {
    for (size_t i = 0; i < facts->count; i++) {
        alog_segment_info_free(&facts->segments[i].info);
    }
    free(facts->segments);
    log_glance_free(&facts->glance);
    *facts = (struct segment_facts){0};
}

/* When all are there: only then it is known which are met twice. */
static void add_up(struct segment_facts *facts) {
    struct segment_repeats repeats = {0};
    bool *repeated = output_allocate(facts->count, sizeof *repeated);
    for (size_t i = 0; i < facts->count; i++) {
        segment_repeats_add(&repeats, facts->segments[i].path, &facts->segments[i].info);
    }
    segment_repeats_find(&repeats, repeated);
    for (size_t i = 0; i < facts->count; i++) {
        struct segment_fact *fact = &facts->segments[i];
        fact->repeated = repeated[i];
        log_glance_add(&facts->glance, fact->path, &fact->info, fact->repeated);
    }
    free(repeated);
    segment_repeats_free(&repeats);
}

/* ---- As a table ---- */

static struct alog_value text_value(const char *text) {
    return (struct alog_value){.kind = ALOG_VALUE_STRING, .string = alog_str(text)};
}

static struct alog_value count_value(uint64_t count) {
    return (struct alog_value){.kind = ALOG_VALUE_I64,
                               .i64 = count <= INT64_MAX ? (int64_t)count : INT64_MAX};
}

/* What only events have is NULL without any. */
static struct alog_value event_value(const struct alog_segment_info *info, int64_t value) {
    return info->events > 0 ? (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = value}
                            : (struct alog_value){.kind = ALOG_VALUE_NULL};
}

static void fill_row(const struct segment_fact *fact, struct alog_value *cells) {
    const struct alog_segment_info *info = &fact->info;
    cells[FACT_SEGMENT] = text_value(fact->path);
    cells[FACT_SEALED] = (struct alog_value){.kind = ALOG_VALUE_BOOL, .boolean = info->sealed};
    cells[FACT_ENVIRONMENT] = text_value(info->environment);
    cells[FACT_WRITER_ID] = text_value(fact->writer_id);
    cells[FACT_NUMBER] = count_value(info->number);
    cells[FACT_EVENTS] = count_value(info->events);
    cells[FACT_MIN_TIMESTAMP] = event_value(info, info->min_timestamp_ns);
    cells[FACT_MAX_TIMESTAMP] = event_value(info, info->max_timestamp_ns);
    cells[FACT_FIRST_SEQUENCE] = event_value(info, (int64_t)info->first_sequence);
    cells[FACT_LAST_SEQUENCE] = event_value(info, (int64_t)info->last_sequence);
    cells[FACT_BLOCKS] = count_value(info->blocks);
    cells[FACT_RAW_BYTES] = count_value(info->raw_bytes);
    cells[FACT_FILE_BYTES] = count_value(info->file_bytes);
    cells[FACT_BYTES_PER_EVENT] = event_value(info, 0);
    if (info->events > 0) {
        cells[FACT_BYTES_PER_EVENT] = (struct alog_value){
            .kind = ALOG_VALUE_F64, .f64 = (double)info->file_bytes / (double)info->events};
    }
    cells[FACT_DROPPED] = count_value(info->dropped);
    cells[FACT_DAMAGES] = count_value(info->damages);
    cells[FACT_FORMAT_VERSION] = count_value(info->format_version);
    cells[FACT_CREATED] = (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = info->created_ns};
    cells[FACT_FILE_ID] = text_value(fact->file_id);
    cells[FACT_PREDECESSOR_ID] = text_value(fact->predecessor_id);
}

/* Its cells are to be freed. */
static struct alog_table make_table(const struct segment_facts *facts) {
    struct alog_value *cells =
        output_allocate(facts->count * FACT_COLUMNS, sizeof(struct alog_value));
    for (size_t i = 0; i < facts->count; i++) {
        fill_row(&facts->segments[i], cells + i * FACT_COLUMNS);
    }
    return (struct alog_table){columns, FACT_COLUMNS, cells, facts->count};
}

/* ---- Events by type ---- */

static const struct alog_column type_columns[] = {
    {"event", ALOG_COLUMN_TEXT, "the type"}, {"events", ALOG_COLUMN_INTEGER, "how many of it"}};

static size_t all_types(const struct segment_facts *facts) {
    size_t count = 0;
    for (size_t i = 0; i < facts->count; i++) {
        count += facts->segments[i].info.type_count;
    }
    return count;
}

/* By name, the most frequent first; ids of user-defined types differ from writer to writer, names
 * do not. */
static int compare_names(const void *a, const void *b) {
    return strcmp(((const struct alog_type_count *)a)->name,
                  ((const struct alog_type_count *)b)->name);
}

static int compare_counts(const void *a, const void *b) {
    const struct alog_type_count *x = a;
    const struct alog_type_count *y = b;
    return x->events != y->events ? (x->events < y->events ? 1 : -1) : compare_names(a, b);
}

/* The types of all segments, merged; to be freed. */
static struct alog_type_count *merge_types(const struct segment_facts *facts, size_t *ret_count) {
    struct alog_type_count *types = output_allocate(all_types(facts), sizeof *types);
    size_t count = 0;
    for (size_t i = 0; i < facts->count; i++) {
        const struct alog_segment_info *info = &facts->segments[i].info;
        for (size_t j = 0; j < info->type_count && !facts->segments[i].repeated; j++) {
            types[count++] = info->types[j];
        }
    }
    qsort(types, count, sizeof *types, compare_names);
    size_t merged = 0;
    for (size_t i = 0; i < count; i++) {
        if (merged > 0 && strcmp(types[merged - 1].name, types[i].name) == 0) {
            types[merged - 1].events += types[i].events;
        } else {
            types[merged++] = types[i];
        }
    }
    qsort(types, merged, sizeof *types, compare_counts);
    *ret_count = merged;
    return types;
}

static void print_types(const struct segment_facts *facts, struct output *output) {
    size_t count;
    struct alog_type_count *types = merge_types(facts, &count);
    struct alog_value *cells = output_allocate(count * 2, sizeof *cells);
    for (size_t i = 0; i < count; i++) {
        cells[2 * i] = text_value(types[i].name);
        cells[2 * i + 1] = count_value(types[i].events);
    }
    const struct alog_table table = {type_columns, 2, cells, count};
    output_table(output, &table, NULL);
    free(cells);
    free(types);
}

static json_t *types_json(const struct alog_type_count *types, size_t count) {
    json_t *object = json_object();
    for (size_t i = 0; i < count; i++) {
        size_t len;
        char *name = valid_utf8(alog_str(types[i].name), &len);
        json_object_set_new(object, name != NULL ? name : "",
                            json_integer((json_int_t)types[i].events));
        free(name);
    }
    return object;
}

/* ---- Printing ---- */

static json_t *rows_json(const struct segment_facts *facts) {
    struct alog_table table = make_table(facts);
    json_t *segments = json_array();
    for (size_t i = 0; i < facts->count; i++) {
        const struct alog_segment_info *info = &facts->segments[i].info;
        json_t *segment = output_json_row(&table, i);
        json_object_set_new(segment, "types", types_json(info->types, info->type_count));
        json_array_append_new(segments, segment);
    }
    free(table.cells);
    return segments;
}

void segment_facts_print_json(struct segment_facts *facts, struct output *output, bool rows) {
    add_up(facts);
    struct alog_table sums = log_glance_table(&facts->glance);
    size_t count;
    struct alog_type_count *types = merge_types(facts, &count);
    json_t *object = json_pack("{s:o, s:o}", "total", output_json_row(&sums, 0), "types",
                               types_json(types, count));
    if (rows) {
        json_object_set_new(object, "segments", rows_json(facts));
    }
    output_json(output, object);
    free(types);
    free(sums.cells);
}

void segment_facts_print(struct segment_facts *facts, struct output *output, bool rows) {
    add_up(facts);
    struct alog_table sums = log_glance_table(&facts->glance);
    if (rows) {
        struct alog_table table = make_table(facts);
        output_table(output, &table, shown_columns);
        output_bytes(output, "\n", 1);
        free(table.cells);
    }
    output_records(output, &sums);
    if (facts->count > 0) {
        output_bytes(output, "\n", 1);
        print_types(facts, output);
    }
    free(sums.cells);
}
