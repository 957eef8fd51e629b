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

#endif
