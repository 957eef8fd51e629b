/* What there is to know of a segment: quickly from its index or headers, or after checking it all.
 */
#include <agentlog/reader.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "archive_source.h"
#include "block.h"
#include "error.h"
#include "event_codec.h"
#include "segment_frame.h"
#include "segment_scan.h"

struct inspection {
    struct alog_segment_scan *scan;
    /* Of an archive: the user-defined types of its sources so far, by name, for their numbers mean
     * something else in each. */
    struct alog_type_count *user_types;
    size_t user_type_count;
    uint32_t source; /* whose numbers `counts` and `names` have */
    uint64_t dropped;
    struct alog_index_totals totals;
    uint64_t counts[ALOG_MAX_TYPES];
    char *names[ALOG_MAX_TYPES]; /* of user-defined types, once a block has told */
};

/* The user-defined types of the source that is over. */
static enum alog_status settle_user_types(struct inspection *inspection, struct alog_error *error) {
    for (uint32_t id = ALOG_FIRST_USER_TYPE; id < ALOG_MAX_TYPES; id++) {
        if (inspection->counts[id] == 0) {
            continue;
        }
        struct alog_type_count type = {.type = id, .events = inspection->counts[id]};
        if (inspection->names[id] != NULL) {
            snprintf(type.name, sizeof type.name, "%s", inspection->names[id]);
        } else {
            snprintf(type.name, sizeof type.name, "type %" PRIu32, id);
        }
        size_t i = 0;
        while (i < inspection->user_type_count &&
               strcmp(inspection->user_types[i].name, type.name) != 0) {
            i++;
        }
        if (i == inspection->user_type_count) {
            struct alog_type_count *grown =
                realloc(inspection->user_types, (i + 1) * sizeof *grown);
            if (grown == NULL) {
                return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for an archive's types");
            }
            inspection->user_types = grown;
            grown[inspection->user_type_count++] = type;
        } else {
            inspection->user_types[i].events += type.events;
        }
        inspection->counts[id] = 0;
        free(inspection->names[id]);
        inspection->names[id] = NULL;
    }
    return ALOG_OK;
}

/* Before a block of a source is looked at. */
static enum alog_status enter_source(struct inspection *inspection,
                                     const struct alog_block_facts *facts,
                                     struct alog_error *error) {
    if (facts->source == inspection->source) {
        return ALOG_OK;
    }
    enum alog_status status = settle_user_types(inspection, error);
    const struct alog_archive_source *source = alog_segment_scan_source(inspection->scan);
    inspection->source = facts->source;
    inspection->dropped += source != NULL ? source->dropped : 0;
    return status;
}

static void add_block(struct inspection *inspection, const struct alog_block_facts *facts) {
    alog_index_totals_add(&inspection->totals, facts);
    for (uint32_t i = 0; i < facts->count_count; i++) {
        inspection->counts[facts->counts[i].type] += facts->counts[i].count;
    }
}

/* ---- Names --------------------------------------------------------------------------------- */

static enum alog_status note_name(struct inspection *inspection, const struct alog_event_type *type,
                                  struct alog_error *error) {
    if (inspection->names[type->id] == NULL) {
        inspection->names[type->id] = strndup(type->name, type->name_len);
        if (inspection->names[type->id] == NULL) {
            return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for a type's name");
        }
    }
    return ALOG_OK;
}

/* Is there a user-defined type among them that no block has named so far? */
static bool has_nameless(const struct inspection *inspection, const struct alog_type_tally *counts,
                         uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (counts[i].type >= ALOG_FIRST_USER_TYPE && inspection->names[counts[i].type] == NULL) {
            return true;
        }
    }
    return false;
}

/* Only a block's preamble names user-defined types, so a block that counts a nameless one is
 * opened. */
static enum alog_status name_types(struct inspection *inspection,
                                   const struct alog_block_facts *facts, struct alog_block *block,
                                   struct alog_error *error) {
    if (!has_nameless(inspection, facts->counts, facts->count_count)) {
        return ALOG_OK;
    }
    enum alog_status status = alog_segment_scan_open_block(inspection->scan, block, error);
    if (status == ALOG_CORRUPT || status == ALOG_UNSUPPORTED) {
        return ALOG_OK; /* it was reported; another block may name them */
    }
    for (uint32_t i = 0; status == ALOG_OK && i < facts->count_count; i++) {
        const struct alog_event_type *type = alog_schema_type(block->schema, facts->counts[i].type);
        if (type != NULL) {
            status = note_name(inspection, type, error);
        }
    }
    return status;
}

/* ---- Fast ---------------------------------------------------------------------------------- */

static enum alog_status inspect_index(struct inspection *inspection, struct alog_error *error) {
    struct alog_window window = alog_segment_scan_window(inspection->scan);
    struct alog_block_header_room room = {0};
    struct alog_index_cursor cursor;
    enum alog_status status =
        alog_index_cursor_open(&window, alog_segment_scan_tables(inspection->scan), &cursor, error);
    while (status == ALOG_OK && cursor.left > 0) {
        struct alog_index_entry entry;
        struct alog_block_header header;
        status = alog_index_cursor_next(&cursor, &window, &entry, error);
        if (status == ALOG_OK) {
            status = alog_block_payload_decode(entry.payload, entry.payload_bytes, &room, &header,
                                               error);
        }
        if (status == ALOG_OK) {
            add_block(inspection, &header.facts);
        }
    }
    alog_block_header_room_free(&room);
    alog_window_free(&window);
    return status;
}

/* Walk the block headers: for names, and, with `add`, for the facts too. */
static enum alog_status inspect_headers(struct inspection *inspection, bool add,
                                        struct alog_error *error) {
    struct alog_block block = {0};
    enum alog_status status = ALOG_OK;
    while (status == ALOG_OK) {
        const struct alog_block_header *header;
        status = alog_segment_scan_next(inspection->scan, &header, error);
        if (status != ALOG_OK || header == NULL) {
            break;
        }
        status = enter_source(inspection, &header->facts, error);
        if (status != ALOG_OK) {
            break;
        }
        if (add) {
            add_block(inspection, &header->facts);
        }
        status = name_types(inspection, &header->facts, &block, error);
    }
    alog_block_close(&block);
    return status;
}

static bool has_user_types(const struct inspection *inspection) {
    for (uint32_t type = ALOG_FIRST_USER_TYPE; type < ALOG_MAX_TYPES; type++) {
        if (inspection->counts[type] > 0) {
            return true;
        }
    }
    return false;
}

static enum alog_status inspect_fast(struct inspection *inspection, struct alog_error *error) {
    if (alog_segment_scan_sealed(inspection->scan) &&
        !alog_segment_scan_is_archive(inspection->scan)) {
        enum alog_status status = inspect_index(inspection, NULL);
        if (status == ALOG_OK) {
            return has_user_types(inspection) ? inspect_headers(inspection, false, error) : ALOG_OK;
        }
        if (status != ALOG_CORRUPT && status != ALOG_UNSUPPORTED) {
            return alog_fail(error, status, 0, -1, "cannot read the index");
        }
        /* A good index with an entry that cannot be: the blocks themselves decide. */
        inspection->totals = (struct alog_index_totals){0};
        memset(inspection->counts, 0, sizeof inspection->counts);
    }
    return inspect_headers(inspection, true, error);
}

/* ---- Verifying ----------------------------------------------------------------------------- */

/* What the events of one block really are, to hold its header against. */
struct block_content {
    struct alog_index_totals totals; /* times only */
    uint64_t counts[ALOG_MAX_TYPES];
    uint64_t events;
    bool bloom_misses;
};

struct verifier {
    struct inspection *inspection;
    struct alog_block block;
    struct alog_event_decoder decoder;
    struct alog_window index_window;
    struct alog_index_cursor index; /* left = 0 when there is no good index */
};

static void add_event(struct block_content *content, const struct alog_event *event,
                      const struct alog_block_facts *facts) {
    struct alog_index_totals *totals = &content->totals;
    if (content->events == 0 || event->timestamp_ns < totals->min_timestamp_ns) {
        totals->min_timestamp_ns = event->timestamp_ns;
    }
    if (content->events == 0 || event->timestamp_ns > totals->max_timestamp_ns) {
        totals->max_timestamp_ns = event->timestamp_ns;
    }
    content->events++;
    content->counts[event->type->id]++;
    if (event->job_id.data != NULL && facts->bloom_bytes > 0 &&
        !alog_bloom_maybe(facts->bloom, facts->bloom_bytes, alog_bloom_hash(event->job_id))) {
        content->bloom_misses = true;
    }
}

static bool counts_agree(const struct block_content *content,
                         const struct alog_block_facts *facts) {
    for (uint32_t i = 0; i < facts->count_count; i++) {
        if (content->counts[facts->counts[i].type] != facts->counts[i].count) {
            return false;
        }
    }
    /* The header's counts add up to its events, so no type is left over. */
    return true;
}

static enum alog_status verify_events(struct verifier *verifier,
                                      const struct alog_block_facts *facts,
                                      struct block_content *content, struct alog_error *error) {
    struct alog_block *block = &verifier->block;
    struct alog_mp_cursor cursor = block->events;
    int64_t timestamp_ns = block->base_timestamp_ns;
    uint64_t stated = facts->last_sequence - facts->first_sequence + 1;
    while (cursor.at < cursor.end && content->events < stated) {
        struct alog_event event;
        enum alog_status status = alog_event_decode(&verifier->decoder, &cursor, block->schema,
                                                    &block->strings, &timestamp_ns, &event);
        if (status == ALOG_NO_MEMORY) {
            return alog_fail(error, status, 0, -1, "no memory to decode an event");
        }
        if (status != ALOG_OK) {
            break;
        }
        add_event(content, &event, facts);
        status = note_name(verifier->inspection, event.type, error);
        if (status != ALOG_OK) {
            return status;
        }
    }
    if (content->events < stated || cursor.at < cursor.end) {
        alog_segment_scan_report_events(verifier->inspection->scan,
                                        facts->first_sequence + content->events,
                                        facts->last_sequence);
    }
    return ALOG_OK;
}

static void compare_header(struct alog_segment_scan *scan, const struct alog_block *block,
                           const struct block_content *content,
                           const struct alog_block_facts *facts) {
    const struct alog_file_header *file = alog_segment_scan_file_header(scan);
    if (!counts_agree(content, facts)) {
        alog_segment_scan_report_header(scan, ALOG_DAMAGE_EVENT,
                                        "its header counts other events than it holds");
    }
    if (content->totals.min_timestamp_ns != facts->min_timestamp_ns ||
        content->totals.max_timestamp_ns != facts->max_timestamp_ns) {
        alog_segment_scan_report_header(scan, ALOG_DAMAGE_EVENT,
                                        "its header states other times than its events have");
    }
    if (content->bloom_misses) {
        alog_segment_scan_report_header(scan, ALOG_DAMAGE_EVENT,
                                        "its Bloom filter misses one of its jobs");
    }
    const struct alog_archive_source *source = alog_segment_scan_source(scan);
    const bool archive = alog_segment_scan_is_archive(scan);
    if (archive && source == NULL) {
        alog_segment_scan_report_header(scan, ALOG_DAMAGE_EVENT,
                                        "the frame of its source is lost: its events can be read, "
                                        "but not counted into a database");
    } else if (archive && block->writer_id != source->writer_id) {
        alog_segment_scan_report_header(scan, ALOG_DAMAGE_EVENT,
                                        "its content names another writer than its source");
    } else if (!archive && file->number != 0 && block->writer_id != file->writer_id) {
        alog_segment_scan_report_header(scan, ALOG_DAMAGE_EVENT,
                                        "its content names another writer than the file");
    }
}

/* The index's copy of this block's header must be the header, and its place the place. */
static enum alog_status compare_index(struct verifier *verifier, struct alog_error *error) {
    struct alog_segment_scan *scan = verifier->inspection->scan;
    size_t bytes;
    const uint8_t *frame = alog_segment_scan_header_frame(scan, &bytes);
    while (verifier->index.left > 0) {
        struct alog_index_entry entry;
        enum alog_status status =
            alog_index_cursor_next(&verifier->index, &verifier->index_window, &entry, error);
        if (status != ALOG_OK) {
            return status;
        }
        if (entry.offset < alog_segment_scan_offset(scan)) {
            continue; /* of a block that the scan passed over as damaged */
        }
        if (entry.offset == alog_segment_scan_offset(scan) &&
            entry.payload_bytes == bytes - ALOG_FRAME_PREFIX_BYTES &&
            memcmp(entry.payload, frame + ALOG_FRAME_PREFIX_BYTES, entry.payload_bytes) == 0) {
            return ALOG_OK;
        }
        break;
    }
    alog_segment_scan_report_header(scan, ALOG_DAMAGE_INDEX, "the index has no true copy of it");
    return ALOG_OK;
}

static enum alog_status verify_block(struct verifier *verifier,
                                     const struct alog_block_header *header,
                                     struct alog_error *error) {
    struct alog_segment_scan *scan = verifier->inspection->scan;
    bool indexed = alog_segment_scan_sealed(scan);
    enum alog_status status = indexed ? compare_index(verifier, error) : ALOG_OK;
    if (status == ALOG_OK) {
        status = enter_source(verifier->inspection, &header->facts, error);
    }
    if (status == ALOG_OK) {
        status = alog_segment_scan_open_block(scan, &verifier->block, error);
        if (status == ALOG_CORRUPT || status == ALOG_UNSUPPORTED) {
            return ALOG_OK; /* reported */
        }
    }
    if (status != ALOG_OK) {
        return status;
    }
    struct block_content content = {0};
    status = verify_events(verifier, &header->facts, &content, error);
    if (status != ALOG_OK) {
        return status;
    }
    if (content.events == header->facts.last_sequence - header->facts.first_sequence + 1) {
        compare_header(scan, &verifier->block, &content, &header->facts);
    }
    add_block(verifier->inspection, &header->facts);
    return ALOG_OK;
}

static enum alog_status verify(struct inspection *inspection, struct alog_error *error) {
    struct verifier verifier = {
        .inspection = inspection,
        .index_window = alog_segment_scan_window(inspection->scan),
    };
    enum alog_status status = ALOG_OK;
    if (alog_segment_scan_sealed(inspection->scan)) {
        status = alog_index_cursor_open(&verifier.index_window,
                                        alog_segment_scan_tables(inspection->scan), &verifier.index,
                                        error);
    }
    while (status == ALOG_OK) {
        const struct alog_block_header *header;
        status = alog_segment_scan_next(inspection->scan, &header, error);
        if (status != ALOG_OK || header == NULL) {
            break;
        }
        status = verify_block(&verifier, header, error);
    }
    alog_block_close(&verifier.block);
    alog_event_decoder_free(&verifier.decoder);
    alog_window_free(&verifier.index_window);
    return status;
}

/* ---- The answer ---------------------------------------------------------------------------- */

static const char *catalogue_name(uint32_t id) {
    size_t count;
    const struct alog_event_type *types = alog_catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        if (types[i].id == id) {
            return types[i].name;
        }
    }
    return NULL;
}

static enum alog_status list_types(const struct inspection *inspection,
                                   struct alog_segment_info *info, struct alog_error *error) {
    size_t count = inspection->user_type_count;
    for (uint32_t id = 0; id < ALOG_MAX_TYPES; id++) {
        count += inspection->counts[id] != 0;
    }
    info->types = calloc(count + 1, sizeof *info->types);
    if (info->types == NULL) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for a segment's types");
    }
    for (uint32_t id = 0; id < ALOG_MAX_TYPES; id++) {
        if (inspection->counts[id] == 0) {
            continue;
        }
        struct alog_type_count *type = &info->types[info->type_count++];
        const char *name = inspection->names[id] ? inspection->names[id] : catalogue_name(id);
        type->type = id;
        type->events = inspection->counts[id];
        if (name != NULL) {
            snprintf(type->name, sizeof type->name, "%s", name);
        } else {
            snprintf(type->name, sizeof type->name, "type %" PRIu32, id);
        }
    }
    for (size_t i = 0; i < inspection->user_type_count; i++) {
        info->types[info->type_count++] = inspection->user_types[i];
    }
    return ALOG_OK;
}

static enum alog_status fill_info(struct inspection *inspection, struct alog_segment_info *info,
                                  struct alog_error *error) {
    const struct alog_file_header *header = alog_segment_scan_file_header(inspection->scan);
    const struct alog_index_totals *totals = &inspection->totals;
    *info = (struct alog_segment_info){
        .writer_id = header->writer_id,
        .number = header->number,
        .created_ns = header->created_ns,
        .format_version = header->version,
        .sealed = alog_segment_scan_sealed(inspection->scan),
        .predecessor_last_sequence = header->predecessor_last_sequence,
        .file_bytes = alog_segment_scan_file_bytes(inspection->scan),
        .blocks = totals->blocks,
        .events = totals->events,
        .first_sequence = totals->first_sequence,
        .last_sequence = totals->last_sequence,
        .min_timestamp_ns = totals->min_timestamp_ns,
        .max_timestamp_ns = totals->max_timestamp_ns,
        .raw_bytes = totals->raw_bytes,
        .compressed_bytes = totals->compressed_bytes,
        .dropped = totals->dropped,
        .damages = alog_segment_scan_damages(inspection->scan),
    };
    if (alog_segment_scan_is_archive(inspection->scan)) {
        size_t count;
        alog_segment_scan_sources(inspection->scan, &count);
        info->archived_segments = count;
        info->dropped = inspection->dropped;
        info->first_sequence = info->last_sequence = 0;
        enum alog_status status = settle_user_types(inspection, error);
        if (status != ALOG_OK) {
            return status;
        }
    }
    memcpy(info->file_id, header->file_id, sizeof info->file_id);
    memcpy(info->predecessor_id, header->predecessor_id, sizeof info->predecessor_id);
    memcpy(info->environment, header->environment.data, header->environment.len);
    return list_types(inspection, info, error);
}

enum alog_status alog_segment_inspect(const char *path, bool verify_all, alog_damage_fn *damage,
                                      void *damage_context, struct alog_segment_info *ret_info,
                                      struct alog_error *error) {
    struct inspection *inspection = calloc(1, sizeof *inspection);
    if (inspection == NULL) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory to inspect %.256s", path);
    }
    enum alog_status status = alog_segment_scan_open(alog_io_system(), path, damage, damage_context,
                                                     &inspection->scan, error);
    if (status == ALOG_OK) {
        status = verify_all ? verify(inspection, error) : inspect_fast(inspection, error);
    }
    struct alog_segment_info info = {0};
    if (status == ALOG_OK) {
        status = fill_info(inspection, &info, error);
    }
    alog_segment_scan_close(inspection->scan);
    for (uint32_t id = 0; id < ALOG_MAX_TYPES; id++) {
        free(inspection->names[id]);
    }
    free(inspection->user_types);
    free(inspection);
    if (status == ALOG_OK) {
        *ret_info = info;
    }
    return status;
}

void alog_segment_info_free(struct alog_segment_info *info) {
    if (info != NULL) {
        free(info->types);
        info->types = NULL;
        info->type_count = 0;
    }
}
