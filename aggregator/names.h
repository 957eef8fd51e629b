/*
 * Names by number: each distinct string is kept once, and groups are told apart by numbers instead
 * of texts. One thread at a time, but any number may look up together while none adds.
 */
#ifndef AGENTLOG_AGGREGATOR_NAMES_H
#define AGENTLOG_AGGREGATOR_NAMES_H

#include <agentlog/agentlog.h>

#include "arena.h"

/* The empty string, which is also what an absent name counts as. */
#define ALOG_NAME_EMPTY 0u
/* No such name, or no memory for it. */
#define ALOG_NAME_NONE UINT32_MAX

/* Zero-initialise; free with alog_names_free. texts[id] has the string of each id < count. */
struct alog_names {
    struct alog_string *texts;
    uint64_t *hashes; /* of the texts */
    uint32_t count, capacity;
    uint64_t *slots; /* hash tag above id + 1; 0 = free */
    uint32_t slot_count;
    struct alog_arena arena; /* the texts */
    size_t bytes;            /* on the heap, all together */
};

void alog_names_free(struct alog_names *names);

/* The id of a string, which is copied when it is new; ALOG_NAME_NONE when there is no memory. */
uint32_t alog_names_add(struct alog_names *names, struct alog_string text);

/* The same of a name of other names, whose hash is known there. */
uint32_t alog_names_add_from(struct alog_names *names, const struct alog_names *from, uint32_t id);

/* The id of a string that is there, else ALOG_NAME_NONE. */
uint32_t alog_names_find(const struct alog_names *names, struct alog_string text);

/* The same of many, of which hardly one is in the processor's cache: ret_ids[i] is that of
 * texts[i]. */
void alog_names_find_all(const struct alog_names *names, const struct alog_string *texts,
                         uint32_t count, uint32_t *ret_ids);

/* Bytes first, then length: the order of SQLite's BINARY collation. */
int alog_string_compare(struct alog_string a, struct alog_string b);

/* For each id, its place in the order of the texts, from 0: *ret_ranks is freed by the caller. */
enum alog_status alog_names_rank(const struct alog_names *names, uint32_t **ret_ranks);

#endif
