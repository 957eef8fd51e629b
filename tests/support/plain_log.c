/* A list of events in plain form. */
#include "plain_log.h"

#include <stdio.h>
#include <stdlib.h>

static void *grow(void *memory, size_t bytes) {
    void *grown = realloc(memory, bytes);
    if (grown == NULL) {
        fputs("plain_log: no memory\n", stderr);
        exit(1);
    }
    return grown;
}

static uint8_t *reserve(struct test_plain_log *log, size_t len) {
    if (log->used + len > log->capacity) {
        log->capacity = 2 * (log->used + len);
        log->bytes = grow(log->bytes, log->capacity);
    }
    if (log->count + 2 > log->start_capacity) {
        log->start_capacity = 2 * (log->count + 2);
        log->starts = grow(log->starts, log->start_capacity * sizeof *log->starts);
    }
    return log->bytes + log->used;
}

static void finish(struct test_plain_log *log, size_t len) {
    log->starts[log->count++] = log->used;
    log->used += len;
    log->starts[log->count] = log->used;
}

void test_plain_log_add_bytes(struct test_plain_log *log, const void *bytes, size_t len) {
    memcpy(reserve(log, len), bytes, len);
    finish(log, len);
}

void test_plain_log_add(struct test_plain_log *log, const struct alog_event *event) {
    uint8_t *at = reserve(log, alog_event_encoded_bound(event));
    const uint8_t *end =
        alog_event_encode(at, event->type->id, event->timestamp_ns, event->job_id, event);
    finish(log, (size_t)(end - at));
}

void test_plain_log_add_random(struct test_plain_log *log, struct test_random *random,
                               const struct alog_schema *schema, size_t count) {
    const struct alog_event_type *types[ALOG_MAX_TYPES];
    uint32_t type_count = 0;
    for (uint32_t id = 0; id < ALOG_MAX_TYPES; id++) {
        const struct alog_event_type *type = alog_schema_type(schema, id);
        if (type != NULL) {
            types[type_count++] = type;
        }
    }
    struct test_event *event = grow(NULL, sizeof *event);
    for (size_t i = 0; i < count; i++) {
        test_event_random(random, types[test_random_below(random, type_count)], event);
        test_plain_log_add(log, &event->event);
    }
    free(event);
}

const uint8_t *test_plain_log_get(const struct test_plain_log *log, size_t i, size_t *ret_len) {
    *ret_len = log->starts[i + 1] - log->starts[i];
    return log->bytes + log->starts[i];
}

void test_plain_log_free(struct test_plain_log *log) {
    free(log->bytes);
    free(log->starts);
    *log = (struct test_plain_log){0};
}

bool test_block_equals_log(const struct alog_block *block, const struct alog_schema *schema,
                           const struct test_plain_log *log, size_t first, size_t count,
                           const char **ret_what) {
    struct alog_event_decoder ours = {0}, theirs = {0};
    struct alog_mp_cursor events = block->events;
    int64_t timestamp_ns = block->base_timestamp_ns;
    *ret_what = NULL;
    for (size_t i = first; i < first + count && *ret_what == NULL; i++) {
        size_t len;
        const uint8_t *bytes = test_plain_log_get(log, i, &len);
        struct alog_mp_cursor plain = {.at = bytes, .end = bytes + len};
        struct alog_event expected, event;
        if (alog_event_decode(&ours, &plain, schema, NULL, NULL, &expected) != ALOG_OK) {
            *ret_what = "an event of the log cannot be decoded";
        } else if (alog_event_decode(&theirs, &events, block->schema, &block->strings,
                                     &timestamp_ns, &event) != ALOG_OK) {
            *ret_what = "an event of the block cannot be decoded";
        } else {
            (void)test_event_equal(&expected, &event, ret_what);
        }
    }
    if (*ret_what == NULL && events.at != events.end) {
        *ret_what = "the block has more events";
    }
    alog_event_decoder_free(&ours);
    alog_event_decoder_free(&theirs);
    return *ret_what == NULL;
}
