/*
 * Segments for tests: events go in as NDJSON lines or as they are, blocks and files are ended when
 * the test says so. Everything that fails aborts the test program with a message.
 */
#ifndef AGENTLOG_TESTS_SEGMENT_MAKER_H
#define AGENTLOG_TESTS_SEGMENT_MAKER_H

#include <limits.h>

#include <agentlog/ndjson.h>

#include "format/segment.h"

struct segment_maker {
    const struct alog_io *io;
    uint64_t writer_id;
    struct alog_string environment; /* of the writer: "production", see segment_maker_init_in */
    uint64_t number;                /* of the open segment, or the last one */
    uint64_t next_sequence;         /* of the next event */
    struct alog_schema *schema;
    struct alog_block_builder *builder;
    struct alog_block_compressor *compressor;
    struct alog_ndjson_parser *parser;
    struct alog_segment_writer *segment; /* NULL = none open */
    uint8_t predecessor_id[16];
    uint64_t predecessor_last_sequence;
    char log_dir[PATH_MAX];
    char path[PATH_MAX]; /* of the segment: .open while it is, then final */
};

void segment_maker_init(struct segment_maker *maker, const struct alog_io *io, const char *log_dir,
                        uint64_t writer_id);

/* Likewise, in an environment of its own, of which the text stays the caller's. */
void segment_maker_init_in(struct segment_maker *maker, const struct alog_io *io,
                           const char *log_dir, uint64_t writer_id, const char *environment);
void segment_maker_free(struct segment_maker *maker); /* an open segment is abandoned */

/* Begin the writer's next segment. */
void segment_maker_begin(struct segment_maker *maker);

void segment_maker_add(struct segment_maker *maker, const struct alog_event *event);
void segment_maker_add_line(struct segment_maker *maker, const char *line);

/* Write what was added as one block. Returns what the append did; on failure the events stay. */
enum alog_status segment_maker_end_block(struct segment_maker *maker);

void segment_maker_seal(struct segment_maker *maker);
void segment_maker_abandon(struct segment_maker *maker);

#endif
