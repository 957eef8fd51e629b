/* The facts of segments, collected and printed: a row each, their sum, and the events by type. */
#ifndef AGENTLOG_TOOLS_SEGMENT_FACTS_H
#define AGENTLOG_TOOLS_SEGMENT_FACTS_H

#include <agentlog/reader.h>

#include "output.h"

struct segment_fact;

/* Zero-initialise; free with segment_facts_free. */
struct segment_facts {
    struct segment_fact *segments;
    size_t count, capacity;
};

/* Add a segment. Takes over `info`; `path` must outlive the facts. */
void segment_facts_add(struct segment_facts *facts, const char *path,
                       const struct alog_segment_info *info);

/* Print a row per segment, their sum and the events by type; or, in JSON, an array of objects. */
void segment_facts_print(const struct segment_facts *facts, struct output *output, bool json);
void segment_facts_free(struct segment_facts *facts);

#endif
