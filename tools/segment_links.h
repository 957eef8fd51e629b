/* What segments say of those before them, collected for segment_chain_check. */
#ifndef AGENTLOG_TOOLS_SEGMENT_LINKS_H
#define AGENTLOG_TOOLS_SEGMENT_LINKS_H

#include <agentlog/reader.h>

#include "segment_chain.h"

/* Zero-initialise; free with segment_links_free. */
struct segment_links {
    struct segment_link *links;
    size_t count, capacity;
};

/*
 * Add the segment at `path`, of which `lost_to` is the last event that it is known to have lost (0
 * = none); of an archive, each segment that it was made of.
 */
void segment_links_add(struct segment_links *links, const char *path,
                       const struct alog_segment_info *info, uint64_t lost_to);

/* Add a segment that cannot be read: what its name tells. */
void segment_links_add_unread(struct segment_links *links, const char *path);

void segment_links_free(struct segment_links *links);

#endif
