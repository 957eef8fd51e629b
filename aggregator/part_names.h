/*
 * A batch's names as the lists of its jobs need them (see job_parts.h): which comes first, and each
 * as JSON, which it is made once and not again in the list of each job that has it.
 */
#ifndef AGENTLOG_AGGREGATOR_PART_NAMES_H
#define AGENTLOG_AGGREGATOR_PART_NAMES_H

#include <string.h>

#include "format/segment.h"
#include "names.h"

/* What is known of a name, in one place in memory. */
struct alog_part_name {
    size_t start;  /* in `json` */
    uint32_t len;  /* there, comma and all */
    uint32_t rank; /* ALOG_NAME_NONE: the name came after the ranks */
};

/* Zero-initialise but for the ranks, which stay the caller's; free with alog_part_names_free. */
struct alog_part_names {
    const uint32_t *ranks; /* the places, in the order of their texts, … */
    uint32_t ranked;       /* … of so many names; those that came later have none */
    uint32_t count;        /* names that are taken in */
    struct alog_part_name *names;
    struct alog_buffer json; /* strings, each with a comma behind it */
};

void alog_part_names_free(struct alog_part_names *part_names);

/* Take in the names that are new since the last time. ALOG_NO_MEMORY. */
enum alog_status alog_part_names_add(struct alog_part_names *part_names,
                                     const struct alog_names *names);

/* So many bytes are written even where a name has fewer. */
#define ALOG_PART_NAME_LEAST_BYTES 32u

/* What a name takes at most. */
static inline size_t alog_part_name_room(const struct alog_part_name *name) {
    return name->len + ALOG_PART_NAME_LEAST_BYTES;
}

/* Write a name and its comma; returns the end. */
static inline char *alog_part_name_put(char *at, const struct alog_part_names *part_names,
                                       uint32_t name) {
    const size_t len = part_names->names[name].len;
    const uint8_t *from = part_names->json.data + part_names->names[name].start;
    memcpy(at, from, ALOG_PART_NAME_LEAST_BYTES); /* of a size that is known: two instructions */
    if (len > ALOG_PART_NAME_LEAST_BYTES) {
        memcpy(at + ALOG_PART_NAME_LEAST_BYTES, from + ALOG_PART_NAME_LEAST_BYTES,
               len - ALOG_PART_NAME_LEAST_BYTES);
    }
    return at + len;
}

#endif
