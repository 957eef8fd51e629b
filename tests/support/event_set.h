/*
 * Which events logs and archives hold together, whatever the files, blocks and order: for tests of
 * what moves events from one place to another.
 *
 *     struct event_set set = {0};
 *     event_set_add(&set, log_dir);
 *     event_set_add(&set, archive_dir);      a directory that is not there has none
 */
#ifndef AGENTLOG_TESTS_SUPPORT_EVENT_SET_H
#define AGENTLOG_TESTS_SUPPORT_EVENT_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_set {
    uint64_t *hashes; /* of whole events, event id and environment too; sorted, each once */
    size_t count, capacity;
    size_t repeats;  /* events that were added more than once */
    size_t damages;  /* told by a reader; missing sequence numbers are none */
    size_t segments; /* sealed files that were read */
};

/* Every event of the sealed segments below the directory. */
void event_set_add(struct event_set *set, const char *directory);
void event_set_free(struct event_set *set);

/* The same events, however often. */
bool event_set_equal(const struct event_set *a, const struct event_set *b);

#endif
