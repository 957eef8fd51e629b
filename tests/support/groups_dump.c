#include "groups_dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void *get(void *memory) {
    if (!memory) {
        fputs("groups_dump: no memory\n", stderr);
        exit(1);
    }
    return memory;
}

static void print_text(FILE *out, struct alog_string text) {
    fputc('"', out);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        fprintf(out, c >= 0x20 && c < 0x7f && c != '"' ? "%c" : "\\%03o", c);
    }
    fputs(text.data ? "\" " : "-\" ", out);
}

static void print_dimensions(FILE *out, const struct alog_groups *groups,
                             const uint32_t dimensions[ALOG_MAX_DIMENSIONS]) {
    for (unsigned i = 0; i < ALOG_MAX_DIMENSIONS; i++) {
        print_text(out, groups->names.texts[dimensions[i]]);
    }
}

static void print_sketch(FILE *out, const struct alog_sketch *sketch) {
    uint8_t *bytes = get(malloc(alog_sketch_encoded_bound(sketch)));
    const size_t len = alog_sketch_encode(sketch, bytes);
    for (size_t i = 0; i < len; i++) {
        fprintf(out, "%02x", bytes[i]);
    }
    free(bytes);
}

static void print_edge(FILE *out, const struct alog_job_edge *edge) {
    if (edge) {
        fprintf(out, "%" PRId64 " ", edge->timestamp_ns);
        print_text(out, edge->event_id);
        print_text(out, edge->status);
        fprintf(out, "%" PRId64 "/%d ", edge->iterations.present ? edge->iterations.value : 0,
                edge->iterations.present);
        print_text(out, edge->text);
    }
}

static void print_row(FILE *out, const struct alog_groups *groups, enum alog_rollup rollup,
                      const void *row);

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_parts(FILE *out, const struct alog_groups *groups, enum alog_rollup part,
                        const struct alog_part_list *list) {
    char **texts = get(calloc(list->count + 1, sizeof(*texts)));
    for (uint32_t i = 0; i < list->count; i++) {
        size_t len;
        FILE *text = get(open_memstream(&texts[i], &len));
        print_dimensions(text, groups, list->keys[i]);
        print_row(text, groups, part, alog_groups_part_at(part, list, i));
        fclose(text);
    }
    qsort(texts, list->count, sizeof(*texts), by_text);
    for (uint32_t i = 0; i < list->count; i++) {
        fprintf(out, "{%s} ", texts[i]);
        free(texts[i]);
    }
    free(texts);
}

static void print_row(FILE *out, const struct alog_groups *groups, enum alog_rollup rollup,
                      const void *row) {
    const struct alog_rollup_kind *kind = alog_rollup_kind(rollup);
    for (unsigned i = 0; i < kind->column_count; i++) {
        const struct alog_rollup_column *column = &kind->columns[i];
        const void *at = (const char *)row + column->offset;
        fprintf(out, "%s=", column->name);
        switch (column->merge) {
        case ALOG_MERGE_HISTOGRAM:
            print_sketch(out, at);
            break;
        case ALOG_MERGE_SAMPLE:
            print_text(out, alog_sample_text(*(const struct alog_sample *const *)at));
            break;
        case ALOG_MERGE_START:
        case ALOG_MERGE_END:
            print_edge(out, *(struct alog_job_edge *const *)at);
            break;
        case ALOG_MERGE_PARTS:
            print_parts(out, groups, column->part, at);
            break;
        default:
            fprintf(out, "%" PRId64, *(const int64_t *)at);
            break;
        }
        fputc(' ', out);
    }
}

char *groups_dump(const struct alog_groups *groups) {
    char *dump = NULL;
    size_t len;
    FILE *out = get(open_memstream(&dump, &len));
    struct alog_group_ranks ranks = {NULL, NULL};
    if (alog_names_rank(&groups->names, &ranks.names) != ALOG_OK ||
        alog_names_rank(&groups->jobs, &ranks.jobs) != ALOG_OK) {
        get(NULL);
    }
    for (enum alog_rollup rollup = 0; rollup < ALOG_ROLLUP_COUNT; rollup++) {
        struct alog_group **sorted = NULL;
        if (alog_groups_sort(groups, rollup, &ranks, &sorted) != ALOG_OK) {
            get(NULL);
        }
        for (uint32_t i = 0; i < groups->tables[rollup].count; i++) {
            const struct alog_group_key *key = &sorted[i]->key;
            fprintf(out, "%s %" PRId64 " ", alog_rollup_kind(rollup)->table, key->hour_epoch);
            print_text(out, groups->names.texts[key->environment]);
            print_text(out, groups->jobs.count != 0 ? groups->jobs.texts[key->job]
                                                    : (struct alog_string){NULL, 0});
            print_dimensions(out, groups, key->dimensions);
            print_row(out, groups, rollup, sorted[i]->row);
            fputc('\n', out);
        }
        free(sorted);
    }
    free(ranks.names);
    free(ranks.jobs);
    fclose(out);
    return get(dump);
}
