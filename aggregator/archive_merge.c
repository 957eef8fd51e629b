#include "archive_merge.h"

#include <agentlog/reader.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "file_hash.h"
#include "format/error.h"

#define MAX_REDACTED_NAMES 64

/* The segment at `path`, or the source `of` of the archive there. */
static enum alog_status open_original(const struct alog_io *io, const char *path,
                                      const struct alog_archive_source *of,
                                      struct alog_segment_scan **ret_scan,
                                      struct alog_error *error) {
    return of == NULL ? alog_segment_scan_open(io, path, NULL, NULL, ret_scan, error)
                      : alog_segment_scan_open_source(io, path, of, NULL, NULL, ret_scan, error);
}

/* ---- Examining ---- */

struct first_fault {
    bool found;
    char message[256];
};

static void note_fault(void *context, const struct alog_damage *damage) {
    struct first_fault *fault = context;
    if (damage->harmless || damage->kind == ALOG_DAMAGE_GAP || fault->found) {
        return;
    }
    fault->found = true;
    snprintf(fault->message, sizeof fault->message, "byte %" PRIu64 ": %s", damage->offset,
             damage->message);
}

static bool parse_hex(const char *text, uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        unsigned byte;
        if (sscanf(text + 2 * i, "%2x", &byte) != 1) {
            return false;
        }
        bytes[i] = (uint8_t)byte;
    }
    return true;
}

static enum alog_status hash_file(const struct alog_io *io, const char *path, uint64_t *ret_bytes,
                                  uint8_t ret_sha256[32], struct alog_error *error) {
    char text[ALOG_SEGMENT_HASH_BYTES];
    enum alog_status status = alog_file_hash_whole(io, path, ret_bytes, text, error);
    if (status == ALOG_OK) {
        parse_hex(text, ret_sha256, 32);
    }
    return status;
}

static enum alog_status read_digest(const struct alog_io *io, const char *path, uint8_t digest[16],
                                    struct alog_error *error) {
    struct alog_segment_scan *scan;
    enum alog_status status = alog_segment_scan_open(io, path, NULL, NULL, &scan, error);
    if (status != ALOG_OK) {
        return status;
    }
    if (alog_segment_scan_is_archive(scan)) {
        status = alog_fail(error, ALOG_CORRUPT, 0, -1, "it is an archive already");
    } else if (alog_segment_scan_digest(scan, digest) != ALOG_OK) {
        status = alog_fail(error, ALOG_CORRUPT, 0, -1, "it is not sealed");
    }
    alog_segment_scan_close(scan);
    return status;
}

static void take_info(const struct alog_segment_info *info, struct alog_archive_source *source) {
    *source = (struct alog_archive_source){
        .writer_id = info->writer_id,
        .segment_number = info->number,
        .created_ns = info->created_ns,
        .predecessor_last_sequence = info->predecessor_last_sequence,
        .environment_len = (uint32_t)strlen(info->environment),
        .file_bytes = info->file_bytes,
        .blocks = info->blocks,
        .events = info->events,
        .first_sequence = info->first_sequence,
        .last_sequence = info->last_sequence,
        .min_timestamp_ns = info->min_timestamp_ns,
        .max_timestamp_ns = info->max_timestamp_ns,
        .dropped = info->dropped,
    };
    memcpy(source->file_id, info->file_id, 16);
    memcpy(source->predecessor_id, info->predecessor_id, 16);
    memcpy(source->environment, info->environment, sizeof source->environment);
}

enum alog_status alog_archive_examine(const struct alog_io *io, const char *path,
                                      const struct alog_redaction *redaction,
                                      struct alog_archive_source *ret_source,
                                      uint64_t *ret_raw_bytes, struct alog_error *error) {
    struct first_fault fault = {.found = false};
    struct alog_segment_info info;
    uint8_t digest[16];
    enum alog_status status = read_digest(io, path, digest, error);
    if (status == ALOG_OK) {
        status = alog_segment_inspect(path, true, note_fault, &fault, &info, error);
    }
    if (status != ALOG_OK) {
        return status;
    }
    struct alog_archive_source source;
    take_info(&info, &source);
    *ret_raw_bytes = info.raw_bytes;
    alog_segment_info_free(&info);
    memcpy(source.digest, digest, sizeof digest);
    if (fault.found) {
        return alog_fail(error, ALOG_CORRUPT, 0, -1, "it is damaged: %s", fault.message);
    }
    if (source.events == 0) {
        return alog_fail(error, ALOG_CORRUPT, 0, -1, "it holds no events");
    }
    uint64_t bytes = 0;
    status = hash_file(io, path, &bytes, source.sha256, error);
    if (status == ALOG_OK && bytes != source.file_bytes) {
        status = alog_fail(error, ALOG_CORRUPT, 0, -1, "it changes while it is read");
    }
    if (status == ALOG_OK && alog_redaction_join(redaction, source.redacted) != ALOG_OK) {
        status = alog_fail(error, ALOG_INVALID, 0, -1, "too many fields to redact");
    }
    if (status == ALOG_OK) {
        *ret_source = source;
    }
    return status;
}

/* ---- Merging ---- */

struct merge {
    const struct alog_archive_source *source;
    struct alog_segment_writer *archive;
    struct alog_schema *schema;
    struct alog_block_builder *builder;
    struct alog_block_compressor *compressor;
    struct alog_archive_events events;
    uint64_t first_sequence; /* of the block being built, */
    uint64_t next_sequence;  /* … and what must come next in it; 0 = a block must begin */
    bool behind_gap;         /* … which holds the first original block behind missing events */
    struct alog_type_tally *drops;
    struct alog_block_facts facts; /* counters of the latest original block in it */
    struct alog_error *error;
};

static enum alog_status no_memory(struct merge *merge) {
    return alog_fail(merge->error, ALOG_NO_MEMORY, 0, -1, "no memory to archive a segment");
}

static enum alog_status flush(struct merge *merge) {
    if (alog_block_builder_events(merge->builder) == 0) {
        return ALOG_OK;
    }
    const uint8_t *raw, *frame;
    struct alog_block_facts facts = merge->facts;
    enum alog_status status =
        alog_block_builder_finish(merge->builder, merge->first_sequence, &raw, &facts);
    if (status == ALOG_OK) {
        status = alog_block_compress(merge->compressor, raw, facts.raw_bytes, &frame, &facts);
    }
    if (status != ALOG_OK) {
        return no_memory(merge);
    }
    facts.source = merge->source->number;
    status = alog_segment_append(merge->archive, &facts, frame, merge->error);
    alog_block_builder_reset(merge->builder);
    return status;
}

/* The counters of the original block at hand. Its ring marks are for the recovery of an unsealed
 * file alone. */
static enum alog_status take_counters(struct merge *merge) {
    const struct alog_block_facts *facts = &merge->events.header->facts;
    struct alog_type_tally *drops = NULL;
    if (facts->drop_count > 0) {
        drops = malloc(facts->drop_count * sizeof *drops);
        if (drops == NULL) {
            return no_memory(merge);
        }
        memcpy(drops, facts->drops, facts->drop_count * sizeof *drops);
    }
    free(merge->drops);
    merge->drops = drops;
    merge->facts = (struct alog_block_facts){.emitted = facts->emitted,
                                             .dropped = facts->dropped,
                                             .drops = drops,
                                             .drop_count = facts->drop_count};
    return ALOG_OK;
}

/* User-defined types keep their numbers: they are the writer's. */
static enum alog_status take_types(struct merge *merge) {
    const struct alog_block *block = &merge->events.block;
    const struct alog_block_facts *facts = &merge->events.header->facts;
    for (uint32_t i = 0; i < facts->count_count; i++) {
        uint32_t id = facts->counts[i].type;
        const struct alog_event_type *type = alog_schema_type(block->schema, id), *unused;
        if (id < ALOG_FIRST_USER_TYPE || type == NULL) {
            continue;
        }
        enum alog_status status =
            alog_schema_define(merge->schema, id, (struct alog_string){type->name, type->name_len},
                               type->fields, type->field_count, &unused, merge->error);
        if (status == ALOG_EXISTS || status == ALOG_INVALID) {
            return alog_fail(merge->error, ALOG_CORRUPT, 0, -1,
                             "its type %" PRIu32 " means one thing here and another there", id);
        }
        if (status != ALOG_OK) {
            return status;
        }
    }
    return ALOG_OK;
}

/* An original block begins. */
static enum alog_status begin_block(struct merge *merge) {
    const struct alog_block *block = &merge->events.block;
    const struct alog_archive_source *source = merge->source;
    if (block->writer_id != source->writer_id ||
        !alog_string_equal(block->environment,
                           (struct alog_string){source->environment, source->environment_len})) {
        return alog_fail(merge->error, ALOG_CORRUPT, 0, -1,
                         "a block of it names another writer or environment than its header");
    }
    bool gap = merge->events.sequence != merge->next_sequence;
    enum alog_status status = gap || merge->behind_gap ? flush(merge) : ALOG_OK;
    merge->behind_gap = gap;
    if (status == ALOG_OK) {
        status = take_types(merge);
    }
    return status == ALOG_OK ? take_counters(merge) : status;
}

static enum alog_status add_event(struct merge *merge) {
    const struct alog_archive_events *events = &merge->events;
    if (alog_block_builder_events(merge->builder) == 0) {
        merge->first_sequence = events->sequence;
    }
    enum alog_status status =
        alog_block_builder_add(merge->builder, events->plain, events->plain_bytes);
    if (status == ALOG_LIMIT) {
        status = flush(merge);
        merge->first_sequence = events->sequence;
        if (status == ALOG_OK) {
            status = alog_block_builder_add(merge->builder, events->plain, events->plain_bytes);
        }
    }
    merge->next_sequence = events->sequence + 1;
    if (status == ALOG_CORRUPT || status == ALOG_LIMIT) {
        return alog_fail(merge->error, ALOG_CORRUPT, 0, -1,
                         "event %" PRIu64 " cannot be encoded again", events->sequence);
    }
    return status;
}

static enum alog_status merge_events(struct merge *merge, struct alog_redaction *redaction) {
    for (;;) {
        bool any;
        enum alog_status status =
            alog_archive_events_next(&merge->events, redaction, &any, merge->error);
        if (status == ALOG_OK && !any) {
            return flush(merge);
        }
        if (status == ALOG_OK && merge->events.block_begins) {
            status = begin_block(merge);
        }
        if (status == ALOG_OK) {
            status = add_event(merge);
        }
        if (status != ALOG_OK) {
            return status;
        }
    }
}

enum alog_status alog_archive_merge(const struct alog_io *io, const char *path,
                                    const struct alog_archive_source *of,
                                    const struct alog_archive_source *source,
                                    const struct alog_merge_options *options,
                                    struct alog_redaction *redaction,
                                    struct alog_segment_writer *archive, struct alog_error *error) {
    struct merge merge = {.source = source,
                          .archive = archive,
                          .next_sequence = source->predecessor_last_sequence + 1,
                          .error = error};
    struct alog_block_builder_options building = {
        .writer_id = source->writer_id,
        .environment = {source->environment, source->environment_len},
        .block_bytes = options->block_bytes,
    };
    enum alog_status status = alog_schema_new(&merge.schema);
    building.schema = merge.schema;
    if (status == ALOG_OK) {
        status = alog_block_builder_new(&building, &merge.builder);
    }
    if (status == ALOG_OK) {
        status = alog_block_compressor_new(options->compression_level, &merge.compressor);
    }
    if (status != ALOG_OK) {
        status = no_memory(&merge);
    } else {
        status = open_original(io, path, of, &merge.events.scan, error);
    }
    if (status == ALOG_OK) {
        status = alog_segment_append_source(archive, source, error);
    }
    if (status == ALOG_OK) {
        status = merge_events(&merge, redaction);
    }
    alog_segment_scan_close(merge.events.scan);
    alog_archive_events_free(&merge.events);
    alog_block_compressor_free(merge.compressor);
    alog_block_builder_free(merge.builder);
    alog_schema_free(merge.schema);
    free(merge.drops);
    return status;
}

/* ---- Comparing ---- */

static enum alog_status compare_events(struct alog_archive_events *original,
                                       struct alog_archive_events *archived,
                                       struct alog_redaction *redaction, uint64_t expected,
                                       struct alog_error *error) {
    struct alog_redaction none = {.names = NULL};
    for (uint64_t events = 0;; events++) {
        bool any, any_archived = false;
        enum alog_status status = alog_archive_events_next(original, redaction, &any, error);
        if (status == ALOG_OK) {
            status = alog_archive_events_next(archived, &none, &any_archived, error);
        }
        if (status != ALOG_OK) {
            return status;
        }
        if (any != any_archived || (!any && events != expected)) {
            return alog_fail(error, ALOG_CORRUPT, 0, -1,
                             "the archive has another number of its events");
        }
        if (!any) {
            return ALOG_OK;
        }
        if (original->sequence != archived->sequence ||
            original->block.writer_id != archived->block.writer_id ||
            !alog_string_equal(original->block.environment, archived->block.environment) ||
            original->plain_bytes != archived->plain_bytes ||
            memcmp(original->plain, archived->plain, original->plain_bytes) != 0) {
            return alog_fail(error, ALOG_CORRUPT, 0, -1,
                             "event %" PRIu64 " is not the same in the archive",
                             original->sequence);
        }
    }
}

/* The names in a source, taken apart in place. */
static void split_names(char *text, const char *names[MAX_REDACTED_NAMES + 1]) {
    size_t count = 0;
    char *rest = NULL;
    for (char *name = strtok_r(text, ",", &rest); name != NULL && count < MAX_REDACTED_NAMES;
         name = strtok_r(NULL, ",", &rest)) {
        names[count++] = name;
    }
    names[count] = NULL;
}

enum alog_status alog_archive_compare(const struct alog_io *io, const char *path,
                                      const struct alog_archive_source *of,
                                      const char *archive_path,
                                      const struct alog_archive_source *source,
                                      struct alog_error *error) {
    char text[ALOG_REDACTED_BYTES];
    const char *names[MAX_REDACTED_NAMES + 1];
    memcpy(text, source->redacted, sizeof text);
    split_names(text, names);
    struct alog_redaction redaction = {.names = names[0] != NULL ? names : NULL};
    struct alog_archive_events original = {0}, archived = {0};
    uint8_t sha256[32];
    uint64_t bytes = 0;
    enum alog_status status = ALOG_OK;
    if (of == NULL) {
        status = hash_file(io, path, &bytes, sha256, error);
    }
    if (status == ALOG_OK && of == NULL &&
        (bytes != source->file_bytes || memcmp(sha256, source->sha256, sizeof sha256) != 0)) {
        status = alog_fail(error, ALOG_CORRUPT, 0, -1, "it changed since it was archived");
    }
    if (status == ALOG_OK) {
        status = open_original(io, path, of, &original.scan, error);
    }
    if (status == ALOG_OK) {
        status = alog_segment_scan_open_source(io, archive_path, source, NULL, NULL, &archived.scan,
                                               error);
    }
    if (status == ALOG_OK) {
        status = compare_events(&original, &archived, &redaction, source->events, error);
    }
    if (status == ALOG_OK &&
        alog_segment_scan_damages(archived.scan) != alog_segment_scan_damages(original.scan)) {
        status = alog_fail(error, ALOG_CORRUPT, 0, -1, "the archive has other gaps than it");
    }
    alog_segment_scan_close(original.scan);
    alog_segment_scan_close(archived.scan);
    alog_archive_events_free(&original);
    alog_archive_events_free(&archived);
    return status;
}
