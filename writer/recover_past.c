/* What a writer's segments say of it; see recover_state.h. */
#include <stdlib.h>
#include <string.h>

#include "format/error.h"
#include "format/segment_scan.h"
#include "losses.h"
#include "recover_state.h"

/* Ids of the types, as in format/catalogue.def. */
enum {
#define ALOG_EVENT(id, event, doc) TYPE_OF_##event = (id),
#include "format/catalogue.def"
};

/* The fields of writer_loss. */
enum { LOST_EVENT = 0, LOST_COUNT = 1, LOST_REASON = 2, LOST_RING = 4 };

static enum alog_status no_memory(struct alog_error *error) {
    return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for a dead writer's past");
}

/* ---- Marks and counters ---------------------------------------------------------------------- */

static bool note_mark(struct alog_past *past, const struct alog_ring_mark *mark) {
    for (size_t i = 0; i < past->mark_count; i++) {
        if (past->marks[i].ring_id == mark->ring_id) {
            if (past->marks[i].end < mark->end) {
                past->marks[i].end = mark->end;
            }
            return true;
        }
    }
    struct alog_ring_mark *grown = realloc(past->marks, (past->mark_count + 1) * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    past->marks = grown;
    past->marks[past->mark_count++] = *mark;
    return true;
}

static void note_counters(struct alog_past *past, const struct alog_block_facts *facts) {
    if (facts->last_sequence < past->last_sequence) {
        return;
    }
    past->last_sequence = facts->last_sequence;
    past->emitted = facts->emitted;
    past->dropped = facts->dropped;
    memset(past->drops, 0, sizeof past->drops);
    for (uint32_t i = 0; i < facts->drop_count; i++) {
        past->drops[facts->drops[i].type] = facts->drops[i].count;
    }
}

uint64_t alog_past_mark(const struct alog_past *past, uint64_t ring_id) {
    for (size_t i = 0; i < past->mark_count; i++) {
        if (past->marks[i].ring_id == ring_id) {
            return past->marks[i].end;
        }
    }
    return 0;
}

/* The header's sequence was given, whatever became of the content; its ring marks only hold if the
 * content is there. */
static enum alog_status note_block(struct alog_past *past, struct alog_segment_scan *scan,
                                   const struct alog_block_header *header, bool check,
                                   struct alog_error *error) {
    const uint8_t *frame;
    note_counters(past, &header->facts);
    if (check) {
        enum alog_status status = alog_segment_scan_frame(scan, &frame, error);
        if (status != ALOG_OK) {
            return status == ALOG_CORRUPT ? ALOG_OK : status;
        }
    }
    for (uint32_t i = 0; i < header->facts.ring_count; i++) {
        if (!note_mark(past, &header->facts.rings[i])) {
            return no_memory(error);
        }
    }
    return ALOG_OK;
}

/* ---- Segments -------------------------------------------------------------------------------- */

static enum alog_status read_blocks(struct alog_past *past, struct alog_segment_scan *scan,
                                    bool check, uint64_t *ret_blocks, struct alog_error *error) {
    for (;;) {
        const struct alog_block_header *header;
        enum alog_status status = alog_segment_scan_next(scan, &header, error);
        if (status != ALOG_OK || header == NULL) {
            return status;
        }
        status = note_block(past, scan, header, check, error);
        if (status != ALOG_OK) {
            return status;
        }
        ++*ret_blocks;
    }
}

static void note_file_header(struct alog_past *past, const struct alog_file_header *header) {
    if (header->predecessor_last_sequence > past->last_sequence) {
        past->last_sequence = header->predecessor_last_sequence;
    }
    if (!past->has_environment && header->environment.len > 0) {
        past->has_environment = true;
        past->environment_len = header->environment.len;
        memcpy(past->environment, header->environment.data, header->environment.len);
    }
}

static enum alog_status read_segment(const struct alog_io *io, const struct alog_log_file *file,
                                     struct alog_past *past, uint64_t *ret_blocks,
                                     struct alog_error *error) {
    struct alog_segment_scan *scan;
    enum alog_status status = alog_segment_scan_open(io, file->path, NULL, NULL, &scan, error);
    if (status != ALOG_OK) {
        /* No segment at all tells nothing; one that cannot be read could. */
        return status == ALOG_CORRUPT || status == ALOG_NOT_FOUND ? ALOG_OK : status;
    }
    const struct alog_file_header *header = alog_segment_scan_file_header(scan);
    status = read_blocks(past, scan, file->kind == ALOG_FILE_OPEN, ret_blocks, error);
    if (status == ALOG_OK) {
        note_file_header(past, header);
        static const uint8_t none[16];
        if (*ret_blocks > 0 && memcmp(past->last_id, none, 16) == 0) {
            memcpy(past->last_id, header->file_id, 16);
        }
    }
    alog_segment_scan_close(scan);
    return status;
}

enum alog_status alog_past_read(const struct alog_io *io, const struct alog_log_files *files,
                                struct alog_past *ret_past, struct alog_error *error) {
    struct alog_past past = {0};
    uint64_t blocks_seen = 0;
    enum alog_status status = ALOG_OK;
    for (size_t i = files->count; i > 0 && status == ALOG_OK; i--) {
        const struct alog_log_file *file = &files->files[i - 1];
        if (file->kind == ALOG_FILE_RECOVERING || file->superseded) {
            continue;
        }
        past.segments++;
        if (past.last_number == 0) {
            past.last_number = file->number;
        }
        /* Rings are given back before a segment is sealed, so that sealed ones before the last say
         * nothing new. */
        if (file->kind == ALOG_FILE_OPEN || blocks_seen == 0) {
            uint64_t blocks = 0;
            status = read_segment(io, file, &past, &blocks, error);
            blocks_seen += blocks;
        }
    }
    if (status != ALOG_OK) {
        alog_past_free(&past);
        return status;
    }
    *ret_past = past;
    return ALOG_OK;
}

void alog_past_free(struct alog_past *past) {
    free(past->marks);
    free(past->losses);
    *past = (struct alog_past){0};
}

/* ---- Losses that are in the log -------------------------------------------------------------- */

static struct alog_past_loss *find_loss(const struct alog_past *past, uint64_t ring_id,
                                        uint32_t type) {
    for (size_t i = 0; i < past->loss_count; i++) {
        if (past->losses[i].ring_id == ring_id && past->losses[i].type == type) {
            return &past->losses[i];
        }
    }
    return NULL;
}

uint64_t alog_past_loss(const struct alog_past *past, uint64_t ring_id, uint32_t type) {
    const struct alog_past_loss *loss = find_loss(past, ring_id, type);
    return loss != NULL ? loss->count : 0;
}

static bool add_loss(struct alog_past *past, uint64_t ring_id, uint32_t type, uint64_t count) {
    struct alog_past_loss *loss = find_loss(past, ring_id, type);
    if (loss == NULL) {
        struct alog_past_loss *grown =
            realloc(past->losses, (past->loss_count + 1) * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        past->losses = grown;
        loss = &past->losses[past->loss_count++];
        *loss = (struct alog_past_loss){.ring_id = ring_id, .type = type};
    }
    loss->count += count;
    return true;
}

/* One event; others than writer_loss of a full ring say nothing. */
static bool note_loss(struct alog_past *past, const struct alog_schema *schema,
                      const struct alog_event *event) {
    if (event->type->id != TYPE_OF_writer_loss || event->value_count <= LOST_RING ||
        event->values[LOST_RING].kind != ALOG_VALUE_I64 ||
        event->values[LOST_COUNT].kind != ALOG_VALUE_I64 ||
        event->values[LOST_EVENT].kind != ALOG_VALUE_STRING ||
        event->values[LOST_REASON].kind != ALOG_VALUE_STRING ||
        !alog_string_equal(event->values[LOST_REASON].string, ALOG_STR(ALOG_LOSS_RING_FULL_NAME))) {
        return true;
    }
    const struct alog_event_type *lost = alog_schema_find(schema, event->values[LOST_EVENT].string);
    return add_loss(past, (uint64_t)event->values[LOST_RING].i64, lost != NULL ? lost->id : 0,
                    (uint64_t)event->values[LOST_COUNT].i64);
}

static bool counts_losses(const struct alog_block_facts *facts) {
    for (uint32_t i = 0; i < facts->count_count; i++) {
        if (facts->counts[i].type == TYPE_OF_writer_loss) {
            return true;
        }
    }
    return false;
}

struct loss_reader {
    struct alog_past *past;
    const struct alog_schema *schema;
    struct alog_segment_scan *scan;
    struct alog_block block;
    struct alog_event_decoder decoder;
    uint8_t previous_id[16]; /* of the segment before, zeros = none */
};

static enum alog_status read_loss_block(struct loss_reader *reader, struct alog_error *error) {
    enum alog_status status = alog_segment_scan_open_block(reader->scan, &reader->block, error);
    if (status != ALOG_OK) {
        return status == ALOG_CORRUPT || status == ALOG_UNSUPPORTED ? ALOG_OK : status;
    }
    struct alog_mp_cursor cursor = reader->block.events;
    int64_t timestamp_ns = reader->block.base_timestamp_ns;
    struct alog_event event;
    while (cursor.at < cursor.end &&
           alog_event_decode(&reader->decoder, &cursor, reader->block.schema,
                             &reader->block.strings, &timestamp_ns, &event) == ALOG_OK) {
        if (!note_loss(reader->past, reader->schema, &event)) {
            return no_memory(error);
        }
    }
    return ALOG_OK;
}

static enum alog_status read_loss_blocks(struct loss_reader *reader, bool *ret_any,
                                         struct alog_error *error) {
    for (;;) {
        const struct alog_block_header *header;
        enum alog_status status = alog_segment_scan_next(reader->scan, &header, error);
        if (status != ALOG_OK || header == NULL) {
            return status;
        }
        *ret_any = true;
        if (counts_losses(&header->facts)) {
            status = read_loss_block(reader, error);
        }
        if (status != ALOG_OK) {
            return status;
        }
    }
}

static enum alog_status read_loss_segment(struct loss_reader *reader, const struct alog_io *io,
                                          const struct alog_log_file *file,
                                          struct alog_error *error) {
    enum alog_status status =
        alog_segment_scan_open(io, file->path, NULL, NULL, &reader->scan, error);
    if (status != ALOG_OK) {
        reader->scan = NULL;
        return status == ALOG_CORRUPT || status == ALOG_NOT_FOUND ? ALOG_OK : status;
    }
    const struct alog_file_header *header = alog_segment_scan_file_header(reader->scan);
    bool follows = memcmp(header->predecessor_id, reader->previous_id, 16) == 0;
    bool any = false;
    status = read_loss_blocks(reader, &any, error);
    if (any) {
        memcpy(reader->previous_id, header->file_id, 16);
    }
    reader->past->losses_known &= follows && alog_segment_scan_damages(reader->scan) == 0;
    alog_segment_scan_close(reader->scan);
    reader->scan = NULL;
    return status;
}

enum alog_status alog_past_read_losses(const struct alog_io *io, const struct alog_log_files *files,
                                       const struct alog_schema *schema, struct alog_past *past,
                                       struct alog_error *error) {
    struct loss_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return no_memory(error);
    }
    reader->past = past;
    reader->schema = schema;
    past->losses_known = true;
    enum alog_status status = ALOG_OK;
    for (size_t i = 0; i < files->count && status == ALOG_OK; i++) {
        const struct alog_log_file *file = &files->files[i];
        if (file->kind != ALOG_FILE_RECOVERING && !file->superseded) {
            status = read_loss_segment(reader, io, file, error);
        }
    }
    alog_block_close(&reader->block);
    alog_event_decoder_free(&reader->decoder);
    free(reader);
    return status;
}
