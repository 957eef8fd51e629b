/* Do the segments of a writer follow each other? Each names the one before it. */
#ifndef AGENTLOG_TOOLS_SEGMENT_CHAIN_H
#define AGENTLOG_TOOLS_SEGMENT_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct segment_link {
    uint64_t writer_id, number;
    uint8_t file_id[16], predecessor_id[16];
    uint64_t predecessor_last_sequence;
    uint64_t last_sequence; /* the last that it has, or is already known to have lost; 0 = none */
    bool empty;             /* no events in it */
    bool unread;            /* only writer and number are known: nothing is said of it */
};

struct segment_break {
    bool cut; /* the segment is there and ends too early; else it is missing */
    uint64_t writer_id;
    uint64_t first_number, last_number;     /* of the segments; equal when it was cut */
    uint64_t first_sequence, last_sequence; /* of the missing events */
};

typedef void segment_break_fn(void *context, const struct segment_break *found);

/*
 * Sorts the links by writer and number, and tells of each break. What a writer had before its first
 * link is no break, nor are numbers without a segment: one without events is removed, or stays and
 * is nobody's predecessor.
 */
void segment_chain_check(struct segment_link *links, size_t count, segment_break_fn *tell,
                         void *context);

#endif
