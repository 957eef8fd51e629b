/* A list of events in plain form, as rings hold them: what a block is built from, and what it must
 * give back. */
#ifndef AGENTLOG_TESTS_PLAIN_LOG_H
#define AGENTLOG_TESTS_PLAIN_LOG_H

#include "format/block.h"
#include "support/random_event.h"

/* Zero-initialise; free with test_plain_log_free. The process ends when memory does. */
struct test_plain_log {
    uint8_t *bytes;
    size_t used, capacity;
    size_t *starts; /* count + 1 of them */
    size_t count, start_capacity;
};

void test_plain_log_add_bytes(struct test_plain_log *log, const void *bytes, size_t len);
void test_plain_log_add(struct test_plain_log *log, const struct alog_event *event);

/* `count` random events, of the schema's types at random. */
void test_plain_log_add_random(struct test_plain_log *log, struct test_random *random,
                               const struct alog_schema *schema, size_t count);
const uint8_t *test_plain_log_get(const struct test_plain_log *log, size_t i, size_t *ret_len);
void test_plain_log_free(struct test_plain_log *log);

/*
 * Do the events of an opened block equal those of the log from `first` on, and are they `count`?
 * `schema` is that of the log. On a difference *ret_what names it.
 */
bool test_block_equals_log(const struct alog_block *block, const struct alog_schema *schema,
                           const struct test_plain_log *log, size_t first, size_t count,
                           const char **ret_what);

#endif
