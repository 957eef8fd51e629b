/*
 * The inside of a scan, for the three files that are one: segment_open.c opens, segment_part.c says
 * what stands at a place, segment_scan.c walks.
 */
#ifndef AGENTLOG_FORMAT_SCAN_STATE_H
#define AGENTLOG_FORMAT_SCAN_STATE_H

#include "archive_source.h"
#include "file_window.h"
#include "segment_scan.h"

/* A file made to look like headers everywhere must not cost a megabyte of hashing for each: after
 * this much in vain the search gives up. Honest damage comes nowhere near. */
#define ALOG_SEARCH_BUDGET_BYTES (256u << 20)

/* A decoded block header with the bytes that it points into. */
struct header_slot {
    struct alog_buffer frame;
    struct alog_block_header_room room;
    struct alog_block_header header;
};

/* Where the walk stands. A block that turns out to be a torn tail puts it back. */
struct position {
    uint64_t end; /* where the next part begins */
    uint64_t next_block_number;
    uint64_t next_sequence; /* 0 = not known */
    uint32_t source;        /* of an archive: whose blocks come here; 0 = none yet */
    uint64_t source_last;   /* … and its last sequence; 0 = not known */
    bool source_begins;     /* none of its blocks was met: the first may go back, as a file's may */
    struct alog_index_totals totals;
};

struct alog_segment_scan {
    struct alog_window window;
    char *path;
    alog_damage_fn *damage;
    void *damage_context;
    bool named_open; /* .open: not sealed by its name, so a torn tail is no fault */
    uint64_t file_bytes;
    struct alog_file_header file_header;
    bool header_lost;
    struct alog_buffer file_header_frame; /* what file_header points into */
    struct alog_tables tables;
    /* Of an archive: the sources met so far, and one to try candidates in. */
    struct alog_archive_source *sources;
    size_t source_count, source_capacity;
    struct alog_archive_source candidate;
    /* Only this source is walked, as the segment that it was; its number is 0 for all of a file. */
    struct alog_archive_source only;
    struct alog_file_header only_header;
    struct position position, before; /* after and before the current block */
    uint64_t block_offset;            /* of the current block's header frame */
    struct header_slot slots[2];      /* the current block's, and one to try candidates in */
    unsigned current;
    struct alog_buffer frame; /* the current block's */
    bool has_block, has_frame;
    bool whole;          /* walked from the start and no block missed: the totals mean something */
    bool done;           /* the end was reached and reported, */
    uint64_t done_bytes; /* … when the file was so long */
    uint64_t tail_reported_at;
    uint64_t search_budget;
    uint64_t damages;
    uint64_t holes; /* frames of holes that were passed */
};

/* A place in the file, and the events that are missing there (0, 0 = not known). */
struct range {
    uint64_t offset, bytes;
    uint64_t first_sequence, last_sequence;
};

enum part_kind {
    PART_BAD,    /* nothing that can be believed */
    PART_BLOCK,  /* a block header with its check, and its frame lies within the file */
    PART_INDEX,  /* an index of this file with its check */
    PART_SOURCE, /* the beginning of an archive's source, with its check */
    PART_OURS,   /* a frame of ours, checked, of a kind that this version does not know */
    PART_ALIEN   /* somebody's skippable frame: no check, so its length is only tried */
};

struct part {
    enum part_kind kind;
    uint64_t bytes;  /* of it all; a block's with its frame */
    uint64_t blocks; /* INDEX: how many it lists */
    bool hole;       /* OURS: it stands for damage that was there */
};

/* Count a fault, unless it is harmless, and tell the caller's function of it. */
ALOG_PRINTF(5, 6)
void alog_scan_report(struct alog_segment_scan *scan, enum alog_damage_kind kind, bool harmless,
                      struct range range, const char *format, ...);

/* Where blocks must end: at the index, if a sane seek table says where that is. */
uint64_t alog_scan_blocks_limit(const struct alog_segment_scan *scan);

/* Whether a block of this source goes on at a position: with the numbers of its own source. */
static inline bool alog_scan_same_source(const struct position *position,
                                         const struct alog_block_facts *facts) {
    return position->source == facts->source;
}

/* What begins at `offset`. A block is decoded into the spare slot. ALOG_IO, ALOG_NO_MEMORY. */
enum alog_status alog_scan_try_part(struct alog_segment_scan *scan, uint64_t offset,
                                    struct part *ret_part, struct alog_error *error);

/* Whether a header or an index of this file seems to begin with these
 * ALOG_FRAME_PREFIX_BYTES + ALOG_HEAD_END bytes. */
bool alog_scan_looks_like_ours(const struct alog_segment_scan *scan, const uint8_t *at);

/* Find the next block or index from `offset` on: its kind, or PART_BAD and the limit. */
enum alog_status alog_scan_search(struct alog_segment_scan *scan, uint64_t offset,
                                  struct part *ret_part, uint64_t *ret_offset,
                                  struct alog_error *error);

#endif
