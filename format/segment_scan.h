/* What the segment files know of a scan beyond segment.h. */
#ifndef AGENTLOG_FORMAT_SEGMENT_SCAN_H
#define AGENTLOG_FORMAT_SEGMENT_SCAN_H

#include "segment.h"
#include "segment_tables.h"

/* The whole header frame, prefix included, of the block that scan_next returned; valid as long. */
const uint8_t *alog_segment_scan_header_frame(const struct alog_segment_scan *scan,
                                              size_t *ret_bytes);

/* What is known of the tables at the end of the file. */
const struct alog_tables *alog_segment_scan_tables(const struct alog_segment_scan *scan);

/* How many holes (frames that a recovery put in the place of damage) the walk has passed so far. */
uint64_t alog_segment_scan_holes(const struct alog_segment_scan *scan);

/* Where a file with good tables ends, as its index says: false when it has none, or no blocks, or
 * says what cannot be. */
bool alog_segment_scan_index_end(const struct alog_segment_scan *scan, uint64_t *ret_last_sequence,
                                 int64_t *ret_max_timestamp_ns);

/*
 * Read, check and decompress the block that scan_next returned, in one step. ALOG_CORRUPT and
 * ALOG_UNSUPPORTED have been reported as damage: go on with scan_next.
 */
enum alog_status alog_segment_scan_open_block(struct alog_segment_scan *scan,
                                              struct alog_block *block, struct alog_error *error);

/* Report that the events `first` to `last` of the current block cannot be decoded although the
 * block passed its checks (first > last: there are more than its header says). */
void alog_segment_scan_report_events(struct alog_segment_scan *scan, uint64_t first, uint64_t last);

/* Report that the current block's header is not what `what`, a phrase, says. */
void alog_segment_scan_report_header(struct alog_segment_scan *scan, enum alog_damage_kind kind,
                                     const char *what);

/* A window of one's own on the scan's file, as long as the scan is open. */
struct alog_window alog_segment_scan_window(const struct alog_segment_scan *scan);

#endif
