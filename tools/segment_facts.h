/* The facts of segments, collected and printed: a row each, the whole at a glance, and the events
 * by type. */
#ifndef AGENTLOG_TOOLS_SEGMENT_FACTS_H
#define AGENTLOG_TOOLS_SEGMENT_FACTS_H

#include <agentlog/reader.h>

#include "log_glance.h"
#include "output.h"

struct segment_fact;

/* Zero-initialise; free with segment_facts_free. */
struct segment_facts {
    struct segment_fact *segments;
    size_t count, capacity;
    struct log_glance glance;
};

/* Add a segment. Takes over `info`; `path` must outlive the facts. */
void segment_facts_add(struct segment_facts *facts, const char *path,
                       const struct alog_segment_info *info);

/* Print a row per segment if `rows`, the whole at a glance, and the events by type; once. */
void segment_facts_print(struct segment_facts *facts, struct output *output, bool rows);
/* The same as a JSON object. */
void segment_facts_print_json(struct segment_facts *facts, struct output *output, bool rows);
void segment_facts_free(struct segment_facts *facts);

#endif
