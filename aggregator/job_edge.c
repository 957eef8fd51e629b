#include "job_edge.h"

#include "names.h"

static struct alog_string put(char **at, struct alog_string text) {
    if (!text.data) {
        return text;
    }
    struct alog_string copy = {*at, text.len};
    if (text.len != 0) {
        memcpy(*at, text.data, text.len);
    }
    *at += text.len;
    return copy;
}

struct alog_job_edge *alog_job_edge_copy(struct alog_arena *arena,
                                         const struct alog_job_edge *edge) {
    size_t bytes = sizeof(*edge) + edge->event_id.len + edge->status.len + edge->text.len;
    struct alog_job_edge *copy = alog_arena_take(arena, bytes, _Alignof(struct alog_job_edge));
    if (!copy) {
        return NULL;
    }
    char *at = (char *)(copy + 1);
    *copy = *edge;
    copy->event_id = put(&at, edge->event_id);
    copy->status = put(&at, edge->status);
    copy->text = put(&at, edge->text);
    return copy;
}

/* Absent before present. */
static int compare_strings(struct alog_string a, struct alog_string b) {
    if (!a.data || !b.data) {
        return (a.data != NULL) - (b.data != NULL);
    }
    return alog_string_compare(a, b);
}

static int compare_numbers(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

int alog_job_edge_compare(enum alog_job_edge_kind kind, const struct alog_job_edge *a,
                          const struct alog_job_edge *b) {
    int order = compare_numbers(a->timestamp_ns, b->timestamp_ns);
    if (order == 0) {
        order = compare_strings(a->event_id, b->event_id);
    }
    if (order == 0) {
        order = compare_strings(a->status, b->status);
    }
    if (order == 0) {
        order = compare_numbers(a->iterations.present ? a->iterations.value : -1,
                                b->iterations.present ? b->iterations.value : -1);
    }
    if (order == 0) {
        order = compare_strings(a->text, b->text);
    }
    return kind == ALOG_JOB_START ? order : -order;
}
