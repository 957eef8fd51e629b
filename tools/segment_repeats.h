/* Which segments are met more than once: in a log and in its archive, or as copies. */
#ifndef AGENTLOG_TOOLS_SEGMENT_REPEATS_H
#define AGENTLOG_TOOLS_SEGMENT_REPEATS_H

#include <agentlog/reader.h>

struct segment_sight;

/* Zero-initialise; free with segment_repeats_free. */
struct segment_repeats {
    struct segment_sight *sights;
    size_t count, capacity;
    size_t files; /* added so far */
};

/* Add the file at `path`, a segment or an archive of several. */
void segment_repeats_add(struct segment_repeats *repeats, const char *path,
                         const struct alog_segment_info *info);

/*
 * Set ret_repeated[i] for the i-th file that was added, if it is a segment that is archived as
 * well, or a copy of one that has no fewer events. An archive is never called repeated.
 */
void segment_repeats_find(struct segment_repeats *repeats, bool *ret_repeated);

void segment_repeats_free(struct segment_repeats *repeats);

#endif
