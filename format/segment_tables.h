/*
 * Finding and checking, in a file, the index and the seek table that end a sealed segment.
 *
 * Internal to the segment files.
 */
#ifndef AGENTLOG_FORMAT_SEGMENT_TABLES_H
#define AGENTLOG_FORMAT_SEGMENT_TABLES_H

#include "file_window.h"
#include "segment_index.h"

enum alog_tables_state {
    ALOG_TABLES_NONE = 0, /* no seek table ends the file */
    ALOG_TABLES_BAD = 1,  /* one does, but it or the index before it is wrong */
    ALOG_TABLES_GOOD = 2
};

struct alog_tables {
    enum alog_tables_state state;
    const char *fault;     /* BAD: what is wrong, a phrase */
    bool located;          /* index_offset is known: the seek table adds up to its own place */
    uint64_t index_offset; /* of the index's frame */
    uint64_t seek_offset;  /* of the seek table's frame */
    struct alog_index_totals totals; /* GOOD: what the index says */
    uint8_t digest[16];              /* GOOD: XXH3-128 of the index's payload, canonical form */
};

/*
 * Look at the end of a file of `file_bytes`. A faulty file is no failure but a state; failures are
 * ALOG_IO and ALOG_NO_MEMORY. Cost: reads both tables once or twice, memory is a window's.
 */
enum alog_status alog_tables_find(struct alog_window *window, uint64_t file_bytes,
                                  const uint8_t file_id[16], struct alog_tables *ret_tables,
                                  struct alog_error *error);

/*
 * Check the index whose frame of `frame_bytes` begins at `offset`: *ret_fault is NULL when it is
 * good, else a phrase. Fills in totals and digest. ALOG_IO, ALOG_NO_MEMORY.
 */
enum alog_status alog_tables_check_index(struct alog_window *window, uint64_t offset,
                                         uint64_t frame_bytes, const uint8_t file_id[16],
                                         struct alog_tables *tables, const char **ret_fault,
                                         struct alog_error *error);

/* Walks the entries of an index that was found good. */
struct alog_index_cursor {
    uint64_t at, end; /* file offsets */
    uint64_t left;    /* entries */
};
struct alog_index_entry {
    uint64_t offset;      /* of the block's header frame */
    uint32_t frame_bytes; /* of the zstd frame */
    uint32_t payload_bytes;
    const uint8_t *payload; /* the header's, valid until the window's next use */
};
enum alog_status alog_index_cursor_open(struct alog_window *window,
                                        const struct alog_tables *tables,
                                        struct alog_index_cursor *ret_cursor,
                                        struct alog_error *error);

/* The next entry. ALOG_CORRUPT when it does not fit; call while `left` > 0. */
enum alog_status alog_index_cursor_next(struct alog_index_cursor *cursor,
                                        struct alog_window *window,
                                        struct alog_index_entry *ret_entry,
                                        struct alog_error *error);

#endif
