/* A segment as text: its events as NDJSON, and every fault of it a line. */
#ifndef AGENTLOG_TESTS_SEGMENT_DUMP_H
#define AGENTLOG_TESTS_SEGMENT_DUMP_H

#include <agentlog/ndjson.h>
#include <agentlog/reader.h>

struct segment_dump {
    struct alog_text events;  /* NDJSON */
    struct alog_text damages; /* one JSON object a line */
    uint64_t event_count;
    uint64_t damage_count;   /* harmless ones not counted */
    uint64_t harmless_count; /* the others */
};

/* Read it all. Aborts on ALOG_NO_MEMORY; other failures of open and next are returned. */
enum alog_status segment_dump_read(const char *path, const struct alog_reader_filter *filter,
                                   struct segment_dump *ret_dump);
void segment_dump_free(struct segment_dump *dump);

/*
 * Append to `text` what a full check finds of a segment, as JSON: its facts and its faults, or why
 * it cannot be opened. Paths are left out, so that it is the same wherever the file is.
 */
void segment_dump_facts(const char *path, struct alog_text *text);

/* Add one fault to `damages` and the counts; an alog_damage_fn whose context is the dump. */
void segment_dump_note(void *context, const struct alog_damage *damage);

#endif
