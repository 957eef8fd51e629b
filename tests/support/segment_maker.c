/* Segments for tests. */
#include "segment_maker.h"

#include <stdio.h>
#include <stdlib.h>

static void require(bool good, const char *what, const struct alog_error *error) {
    if (!good) {
        fprintf(stderr, "segment_maker: %s: %s\n", what, error ? error->message : "failed");
        abort();
    }
}

void segment_maker_init(struct segment_maker *maker, const struct alog_io *io, const char *log_dir,
                        uint64_t writer_id) {
    segment_maker_init_in(maker, io, log_dir, writer_id, "production");
}

void segment_maker_init_in(struct segment_maker *maker, const struct alog_io *io,
                           const char *log_dir, uint64_t writer_id, const char *environment) {
    *maker = (struct segment_maker){
        .io = io, .writer_id = writer_id, .environment = alog_str(environment), .next_sequence = 1};
    snprintf(maker->log_dir, sizeof maker->log_dir, "%s", log_dir);
    require(alog_schema_new(&maker->schema) == ALOG_OK, "schema", NULL);
    struct alog_block_builder_options options = {
        .writer_id = writer_id,
        .environment = maker->environment,
        .schema = maker->schema,
        .block_bytes = 1u << 20,
    };
    require(alog_block_builder_new(&options, &maker->builder) == ALOG_OK, "builder", NULL);
    require(alog_block_compressor_new(1, &maker->compressor) == ALOG_OK, "compressor", NULL);
    require(alog_ndjson_parser_new(&maker->parser) == ALOG_OK, "parser", NULL);
}

void segment_maker_free(struct segment_maker *maker) {
    segment_maker_abandon(maker);
    alog_ndjson_parser_free(maker->parser);
    alog_block_compressor_free(maker->compressor);
    alog_block_builder_free(maker->builder);
    alog_schema_free(maker->schema);
}

/* The path is not the writer's to tell; it follows from the rules of naming. */
static void set_path(struct segment_maker *maker, bool open) {
    char name[ALOG_SEGMENT_NAME_BYTES];
    alog_segment_name_format(alog_segment_created_ns(maker->segment), maker->writer_id,
                             maker->number, open, name);
    int len = snprintf(maker->path, sizeof maker->path, "%s/%.4s-%.2s-%.2s/%s", maker->log_dir,
                       name, name + 4, name + 6, name);
    require(len > 0 && (size_t)len < sizeof maker->path, "path", NULL);
}

void segment_maker_begin(struct segment_maker *maker) {
    struct alog_error error = {0};
    maker->number++;
    require(alog_segment_create(maker->io, maker->log_dir, maker->writer_id, maker->number,
                                maker->environment, maker->predecessor_id,
                                maker->predecessor_last_sequence, &maker->segment,
                                &error) == ALOG_OK,
            "create", &error);
    set_path(maker, true);
}

static const struct alog_event_type *type_of(struct segment_maker *maker, struct alog_string name) {
    const struct alog_event_type *type = alog_schema_find(maker->schema, name);
    struct alog_error error = {0};
    if (type == NULL) {
        require(alog_schema_define(maker->schema, 0, name, NULL, 0, &type, &error) == ALOG_OK,
                "define", &error);
    }
    return type;
}

void segment_maker_add(struct segment_maker *maker, const struct alog_event *event) {
    const struct alog_event_type *type = type_of(maker, event->name);
    struct alog_error error = {0};
    require(alog_event_check(type, event, &error) == ALOG_OK, "event", &error);
    uint8_t *plain = malloc(alog_event_encoded_bound(event));
    require(plain != NULL, "memory", NULL);
    uint8_t *end = alog_event_encode(plain, type->id, event->timestamp_ns, event->job_id, event);
    require(alog_block_builder_add(maker->builder, plain, (size_t)(end - plain)) == ALOG_OK, "add",
            NULL);
    free(plain);
}

void segment_maker_add_line(struct segment_maker *maker, const char *line) {
    const struct alog_event *event;
    struct alog_error error = {0};
    require(alog_ndjson_parse(maker->parser, line, strlen(line), &event, &error) == ALOG_OK, line,
            &error);
    segment_maker_add(maker, event);
}

enum alog_status segment_maker_end_block(struct segment_maker *maker) {
    const uint8_t *raw, *frame;
    struct alog_block_facts facts = {0};
    require(alog_block_builder_finish(maker->builder, maker->next_sequence, &raw, &facts) ==
                ALOG_OK,
            "finish", NULL);
    require(alog_block_compress(maker->compressor, raw, facts.raw_bytes, &frame, &facts) == ALOG_OK,
            "compress", NULL);
    facts.emitted = facts.last_sequence;
    enum alog_status status = alog_segment_append(maker->segment, &facts, frame, NULL);
    if (status == ALOG_OK) {
        maker->next_sequence = facts.last_sequence + 1;
        alog_block_builder_reset(maker->builder);
    }
    return status;
}

/* One without events is nobody's predecessor. */
static void note_predecessor(struct segment_maker *maker) {
    if (alog_segment_blocks(maker->segment) != 0) {
        memcpy(maker->predecessor_id, alog_segment_file_id(maker->segment), 16);
        maker->predecessor_last_sequence = alog_segment_last_sequence(maker->segment);
    }
}

void segment_maker_seal(struct segment_maker *maker) {
    struct alog_error error = {0};
    note_predecessor(maker);
    set_path(maker, false);
    require(alog_segment_seal(maker->segment, true, &error) == ALOG_OK, "seal", &error);
    maker->segment = NULL;
}

void segment_maker_abandon(struct segment_maker *maker) {
    if (maker->segment != NULL) {
        note_predecessor(maker);
        alog_segment_abandon(maker->segment);
        maker->segment = NULL;
    }
}
