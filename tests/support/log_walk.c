/* Reading back what a writer wrote; see log_walk.h. */
#include "log_walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The writer whose segments are being walked: they follow each other in a list by number. */
struct writer_trace {
    uint64_t writer_id;
    uint64_t next_sequence;
    uint8_t last_file[16];
    uint64_t dropped;
    struct writer_trace *next;
};

static struct writer_trace *trace_of(struct writer_trace **all, uint64_t writer_id) {
    for (struct writer_trace *trace = *all; trace != NULL; trace = trace->next) {
        if (trace->writer_id == writer_id) {
            return trace;
        }
    }
    struct writer_trace *trace = calloc(1, sizeof *trace);
    if (trace == NULL) {
        abort();
    }
    trace->writer_id = writer_id;
    trace->next_sequence = 1;
    trace->next = *all;
    *all = trace;
    return trace;
}

static void on_damage(void *context, const struct alog_damage *damage) {
    struct log_walk_result *result = context;
    if (!damage->harmless) {
        fprintf(stderr, "%s at %llu: %s\n", damage->path, (unsigned long long)damage->offset,
                damage->message);
        result->damages++;
    }
}

static void walk_chain(const char *path, struct writer_trace *trace,
                       struct log_walk_result *result) {
    struct alog_segment_info info;
    if (alog_segment_inspect(path, true, on_damage, result, &info, NULL) != ALOG_OK) {
        result->damages++;
        return;
    }
    if (memcmp(info.predecessor_id, trace->last_file, 16) != 0 ||
        info.predecessor_last_sequence != trace->next_sequence - 1) {
        result->chain_faults++;
    }
    memcpy(trace->last_file, info.file_id, 16);
    trace->dropped = info.dropped;
    result->blocks += info.blocks;
    alog_segment_info_free(&info);
}

static void walk_segment(const char *path, struct writer_trace *trace,
                         struct log_walk_result *result, log_walk_fn *each, void *context) {
    struct alog_reader *reader = NULL;
    if (alog_reader_open(path, NULL, on_damage, result, &reader, NULL) != ALOG_OK) {
        result->damages++;
        return;
    }
    const struct alog_event *event = NULL;
    while (alog_reader_next(reader, &event, NULL) == ALOG_OK && event != NULL) {
        result->sequence_faults += event->sequence != trace->next_sequence;
        trace->next_sequence = event->sequence + 1;
        result->events++;
        if (each != NULL) {
            each(context, event);
        }
    }
    alog_reader_close(reader);
}

/* Each writer's in the order in which it made them, whatever the clock showed. */
static int compare_numbers(const void *a, const void *b) {
    const struct alog_segment_path *left = a;
    const struct alog_segment_path *right = b;
    if (left->writer_id != right->writer_id) {
        return left->writer_id < right->writer_id ? -1 : 1;
    }
    return (left->number > right->number) - (left->number < right->number);
}

struct log_walk_result log_walk(const char *log_dir, log_walk_fn *each, void *context) {
    struct log_walk_result result = {0};
    struct alog_segment_list list;
    if (alog_segments_list(log_dir, &list, NULL) != ALOG_OK) {
        result.damages++;
        return result;
    }
    if (list.count > 0) {
        qsort(list.segments, list.count, sizeof *list.segments, compare_numbers);
    }
    struct writer_trace *traces = NULL;
    for (size_t i = 0; i < list.count; i++) {
        struct writer_trace *trace = trace_of(&traces, list.segments[i].writer_id);
        result.segments++;
        result.open_segments += list.segments[i].open;
        walk_chain(list.segments[i].path, trace, &result);
        walk_segment(list.segments[i].path, trace, &result, each, context);
    }
    while (traces != NULL) {
        struct writer_trace *next = traces->next;
        result.dropped += traces->dropped;
        free(traces);
        traces = next;
    }
    alog_segments_free(&list);
    return result;
}
