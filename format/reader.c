/* The public reader: the events of one segment that pass a filter. */
#include <agentlog/reader.h>

#include <stdlib.h>

#include "block.h"
#include "error.h"
#include "event_codec.h"
#include "event_id.h"
#include "segment_scan.h"

#define TYPE_WORDS (ALOG_MAX_TYPES / 64)

/* A filter of its own: what the caller gave may be gone. */
struct reader_filter {
    struct alog_opt_i64 since_ns, until_ns;
    struct alog_string job_id;
    uint64_t job_hash;
    uint64_t types[TYPE_WORDS]; /* wanted types by id; of the user-defined ones all or none */
    char **names;               /* of the wanted user-defined types; NULL = all of `types` */
    size_t name_count;
};

struct alog_reader {
    struct alog_segment_scan *scan;
    struct reader_filter filter;
    bool filtered;
    uint64_t blocks, blocks_read;
    bool excluded; /* the index shows that no block can match */
    struct alog_block block;
    struct alog_event_decoder decoder;
    bool in_block;
    struct alog_mp_cursor cursor; /* the next event of the block */
    int64_t timestamp_ns;         /* of the event before it */
    uint64_t sequence;            /* of the next event */
    uint64_t last_sequence;       /* of the block, by its header */
    struct alog_event event;
    char event_id[ALOG_EVENT_ID_BYTES];
};

/* ---- The filter ---------------------------------------------------------------------------- */

static void set_type(struct reader_filter *filter, uint32_t type, bool wanted) {
    uint64_t bit = UINT64_C(1) << (type % 64);
    if (wanted) {
        filter->types[type / 64] |= bit;
    } else {
        filter->types[type / 64] &= ~bit;
    }
}

static bool has_type(const struct reader_filter *filter, uint32_t type) {
    return type < ALOG_MAX_TYPES && (filter->types[type / 64] >> (type % 64) & 1) != 0;
}

static void set_all_types(struct reader_filter *filter, bool include_writer_events) {
    memset(filter->types, 0xFF, sizeof filter->types);
    if (!include_writer_events) {
        set_type(filter, alog_catalogue_find(ALOG_STR("writer_loss"))->id, false);
        set_type(filter, alog_catalogue_find(ALOG_STR("writer_stats"))->id, false);
    }
}

/* A catalogue's name is an id. Any other may stand for any user-defined id, block by block. */
static bool add_names(struct reader_filter *filter, const char *const *events) {
    size_t count = 0;
    while (events[count] != NULL) {
        count++;
    }
    filter->names = calloc(count + 1, sizeof *filter->names);
    if (filter->names == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct alog_event_type *type = alog_catalogue_find(alog_str(events[i]));
        if (type != NULL) {
            set_type(filter, type->id, true);
            continue;
        }
        char *name = strdup(events[i]);
        if (name == NULL) {
            return false;
        }
        filter->names[filter->name_count++] = name;
    }
    for (uint32_t id = ALOG_FIRST_USER_TYPE; filter->name_count > 0 && id < ALOG_MAX_TYPES; id++) {
        set_type(filter, id, true);
    }
    return true;
}

static bool copy_filter(struct reader_filter *filter, const struct alog_reader_filter *given) {
    filter->since_ns = given->since_ns;
    filter->until_ns = given->until_ns;
    if (given->job_id.data != NULL) {
        char *job_id = malloc(given->job_id.len + 1);
        if (job_id == NULL) {
            return false;
        }
        memcpy(job_id, given->job_id.data, given->job_id.len);
        filter->job_id = (struct alog_string){job_id, given->job_id.len};
        filter->job_hash = alog_bloom_hash(filter->job_id);
    }
    if (given->events == NULL) {
        set_all_types(filter, given->include_writer_events);
        return true;
    }
    return add_names(filter, given->events);
}

static void free_filter(struct reader_filter *filter) {
    for (size_t i = 0; i < filter->name_count; i++) {
        free(filter->names[i]);
    }
    free(filter->names);
    free((void *)(uintptr_t)filter->job_id.data);
}

static bool block_may_match(const struct reader_filter *filter,
                            const struct alog_block_facts *facts) {
    if ((filter->since_ns.present && facts->max_timestamp_ns < filter->since_ns.value) ||
        (filter->until_ns.present && facts->min_timestamp_ns >= filter->until_ns.value)) {
        return false;
    }
    if (filter->job_id.data != NULL && facts->bloom_bytes > 0 &&
        !alog_bloom_maybe(facts->bloom, facts->bloom_bytes, filter->job_hash)) {
        return false;
    }
    for (uint32_t i = 0; i < facts->count_count; i++) {
        if (has_type(filter, facts->counts[i].type)) {
            return true;
        }
    }
    return false;
}

static bool name_is_wanted(const struct reader_filter *filter, struct alog_string name) {
    for (size_t i = 0; i < filter->name_count; i++) {
        if (alog_string_equal(alog_str(filter->names[i]), name)) {
            return true;
        }
    }
    return false;
}

static bool event_matches(const struct reader_filter *filter, const struct alog_event *event) {
    if ((filter->since_ns.present && event->timestamp_ns < filter->since_ns.value) ||
        (filter->until_ns.present && event->timestamp_ns >= filter->until_ns.value) ||
        !has_type(filter, event->type->id)) {
        return false;
    }
    if (filter->job_id.data != NULL &&
        (event->job_id.data == NULL || !alog_string_equal(filter->job_id, event->job_id))) {
        return false;
    }
    return filter->names == NULL || event->type->id < ALOG_FIRST_USER_TYPE ||
           name_is_wanted(filter, event->name);
}

/* ---- Open and close ------------------------------------------------------------------------ */

/* A sealed segment whose times lie outside the window need not be walked. */
static void look_at_index(struct alog_reader *reader) {
    const struct alog_tables *tables = alog_segment_scan_tables(reader->scan);
    const struct reader_filter *filter = &reader->filter;
    if (!reader->filtered || tables->state != ALOG_TABLES_GOOD || tables->totals.blocks == 0) {
        return;
    }
    reader->excluded =
        (filter->since_ns.present && tables->totals.max_timestamp_ns < filter->since_ns.value) ||
        (filter->until_ns.present && tables->totals.min_timestamp_ns >= filter->until_ns.value);
    reader->blocks = reader->excluded ? tables->totals.blocks : 0;
}

enum alog_status alog_reader_open(const char *path, const struct alog_reader_filter *filter,
                                  alog_damage_fn *damage, void *damage_context,
                                  struct alog_reader **ret_reader, struct alog_error *error) {
    struct alog_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory to read %.256s", path);
    }
    enum alog_status status;
    if (filter != NULL && !copy_filter(&reader->filter, filter)) {
        status = alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory to read %.256s", path);
    } else {
        reader->filtered = filter != NULL;
        status = alog_segment_scan_open(alog_io_system(), path, damage, damage_context,
                                        &reader->scan, error);
    }
    if (status != ALOG_OK) {
        alog_reader_close(reader);
        return status;
    }
    look_at_index(reader);
    *ret_reader = reader;
    return ALOG_OK;
}

void alog_reader_blocks(const struct alog_reader *reader, uint64_t *ret_blocks,
                        uint64_t *ret_read) {
    *ret_blocks = reader->blocks;
    *ret_read = reader->blocks_read;
}

void alog_reader_close(struct alog_reader *reader) {
    if (reader == NULL) {
        return;
    }
    alog_segment_scan_close(reader->scan);
    alog_block_close(&reader->block);
    alog_event_decoder_free(&reader->decoder);
    free_filter(&reader->filter);
    free(reader);
}

/* ---- Events -------------------------------------------------------------------------------- */

/* The next block that may hold wanted events; *ret_any is false at the end. */
static enum alog_status next_block(struct alog_reader *reader, bool *ret_any,
                                   struct alog_error *error) {
    if (reader->excluded) {
        *ret_any = false;
        return ALOG_OK;
    }
    for (;;) {
        const struct alog_block_header *header;
        enum alog_status status = alog_segment_scan_next(reader->scan, &header, error);
        if (status != ALOG_OK || header == NULL) {
            *ret_any = false;
            return status;
        }
        reader->blocks++;
        if (reader->filtered && !block_may_match(&reader->filter, &header->facts)) {
            continue;
        }
        status = alog_segment_scan_open_block(reader->scan, &reader->block, error);
        if (status == ALOG_CORRUPT || status == ALOG_UNSUPPORTED) {
            continue; /* reported */
        }
        if (status != ALOG_OK) {
            return status;
        }
        reader->blocks_read++;
        reader->in_block = true;
        reader->cursor = reader->block.events;
        reader->timestamp_ns = reader->block.base_timestamp_ns;
        reader->sequence = header->facts.first_sequence;
        reader->last_sequence = header->facts.last_sequence;
        *ret_any = true;
        return ALOG_OK;
    }
}

static void complete_event(struct alog_reader *reader) {
    struct alog_event *event = &reader->event;
    event->writer_id = reader->block.writer_id;
    event->sequence = reader->sequence;
    if (event->environment.data == NULL) {
        event->environment = reader->block.environment;
    }
    if (event->event_id.data == NULL) {
        event->event_id = alog_event_id(event->writer_id, event->sequence, reader->event_id);
    }
}

/* The next event of the open block, wanted or not; leaves the block at its end or at a fault. */
static enum alog_status next_in_block(struct alog_reader *reader, bool *ret_any,
                                      struct alog_error *error) {
    *ret_any = false;
    bool over = reader->cursor.at == reader->cursor.end;
    if (over && reader->sequence == reader->last_sequence + 1) {
        reader->in_block = false;
        return ALOG_OK;
    }
    enum alog_status status = ALOG_CORRUPT;
    if (!over && reader->sequence <= reader->last_sequence) {
        status = alog_event_decode(&reader->decoder, &reader->cursor, reader->block.schema,
                                   &reader->block.strings, &reader->timestamp_ns, &reader->event);
    }
    if (status == ALOG_NO_MEMORY) {
        return alog_fail(error, status, 0, -1, "no memory to decode an event");
    }
    if (status != ALOG_OK) {
        reader->in_block = false;
        alog_segment_scan_report_events(reader->scan, reader->sequence, reader->last_sequence);
        return ALOG_OK;
    }
    *ret_any = true;
    return ALOG_OK;
}

enum alog_status alog_reader_next(struct alog_reader *reader, const struct alog_event **ret_event,
                                  struct alog_error *error) {
    for (;;) {
        bool any = true;
        enum alog_status status = ALOG_OK;
        if (!reader->in_block) {
            status = next_block(reader, &any, error);
            if (status == ALOG_OK && !any) {
                *ret_event = NULL;
                return ALOG_OK;
            }
        }
        if (status == ALOG_OK) {
            status = next_in_block(reader, &any, error);
        }
        if (status != ALOG_OK) {
            return status;
        }
        if (!any) {
            continue;
        }
        if (!reader->filtered || event_matches(&reader->filter, &reader->event)) {
            complete_event(reader);
            *ret_event = &reader->event;
            reader->sequence++;
            return ALOG_OK;
        }
        reader->sequence++;
    }
}
