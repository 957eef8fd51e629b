/* What cannot be avoided: reading, hashing (once, as ingest does), decompressing and walking the
 * segments. */
#include <pthread.h>

#include "bench_ingest.h"
#include "format/segment.h"

struct floor_state {
    pthread_mutex_t lock;
    struct alog_segment_list list;
    size_t next;
    uint64_t events, values;
};

static void walk_segment(const char *path, uint64_t *events, uint64_t *values) {
    struct alog_error error;
    struct alog_segment_scan *scan;
    struct alog_block block = {0};
    if (alog_segment_scan_open(alog_io_system(), path, NULL, NULL, &scan, &error) != ALOG_OK) {
        bench_die(path, &error);
    }
    for (;;) {
        const struct alog_block_header *header;
        const uint8_t *frame;
        if (alog_segment_scan_next(scan, &header, &error) != ALOG_OK) {
            bench_die(path, &error);
        }
        if (!header) {
            break;
        }
        if (alog_segment_scan_frame(scan, &frame, &error) != ALOG_OK ||
            alog_block_open_hashed(&block, frame, &header->facts, &error) != ALOG_OK) {
            bench_die(path, &error);
        }
        struct alog_mp_cursor cursor = block.events;
        struct alog_mp_token token;
        while (alog_mp_next(&cursor, &token)) {
            *values += 1;
        }
        *events += header->facts.last_sequence - header->facts.first_sequence + 1;
    }
    alog_block_close(&block);
    alog_segment_scan_close(scan);
}

static void *walk(void *context) {
    struct floor_state *state = context;
    uint64_t events = 0, values = 0;
    for (;;) {
        pthread_mutex_lock(&state->lock);
        size_t i = state->next++;
        pthread_mutex_unlock(&state->lock);
        if (i >= state->list.count) {
            break;
        }
        walk_segment(state->list.segments[i].path, &events, &values);
    }
    pthread_mutex_lock(&state->lock);
    state->events += events;
    state->values += values;
    pthread_mutex_unlock(&state->lock);
    return NULL;
}

uint64_t bench_floor(const char *log_dir, unsigned threads) {
    struct floor_state state = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct alog_error error;
    pthread_t ids[64];
    if (alog_segments_list(log_dir, &state.list, &error) != ALOG_OK) {
        bench_die(log_dir, &error);
    }
    for (unsigned i = 0; i < threads; i++) {
        if (pthread_create(&ids[i], NULL, walk, &state) != 0) {
            bench_die("cannot start a thread", NULL);
        }
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
    }
    alog_segments_free(&state.list);
    return state.events;
}
