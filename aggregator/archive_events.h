/* The events of one segment, or of one source of an archive, one after the other, as an archive
 * keeps them. */
#ifndef AGENTLOG_AGGREGATOR_ARCHIVE_EVENTS_H
#define AGENTLOG_AGGREGATOR_ARCHIVE_EVENTS_H

#include "format/archive_source.h"
#include "format/block.h"

/* Which values are left out. Names are the caller's. */
struct alog_redaction {
    const char *const *names; /* NULL-terminated; NULL = none */
    uint64_t values;          /* how many were left out so far */
};

/* ALOG_INVALID when an event of the catalogue cannot be without one of the fields, or a name is
 * none. */
enum alog_status alog_redaction_check(const struct alog_redaction *redaction,
                                      struct alog_error *error);

/* The names as a source keeps them. ALOG_LIMIT. */
enum alog_status alog_redaction_join(const struct alog_redaction *redaction,
                                     char ret_text[ALOG_REDACTED_BYTES]);

/* Zero but for `scan`; free with alog_archive_events_free, which leaves the scan open. */
struct alog_archive_events {
    struct alog_segment_scan *scan;
    struct alog_block block;
    struct alog_event_decoder decoder;
    const struct alog_block_header *header; /* of the block at hand; NULL = none yet */
    bool block_begins;                      /* the event is its block's first, */
    bool block_ends;                        /* … its last */
    struct alog_mp_cursor cursor;
    int64_t timestamp_ns;
    uint64_t sequence; /* of the event */
    uint64_t next_sequence;
    uint8_t *plain; /* the event in plain form, without what is redacted */
    size_t plain_bytes, plain_capacity;
};
void alog_archive_events_free(struct alog_archive_events *events);

/* The next event; *ret_any is false at the end. ALOG_CORRUPT: something of the segment cannot be
 * read. ALOG_IO, ALOG_NO_MEMORY. */
enum alog_status alog_archive_events_next(struct alog_archive_events *events,
                                          struct alog_redaction *redaction, bool *ret_any,
                                          struct alog_error *error);

#endif
