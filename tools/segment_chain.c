/* Do the segments of a writer follow each other? */
#include "segment_chain.h"

#include <stdlib.h>
#include <string.h>

static int compare_links(const void *a, const void *b) {
    const struct segment_link *x = a;
    const struct segment_link *y = b;
    if (x->writer_id != y->writer_id) {
        return x->writer_id < y->writer_id ? -1 : 1;
    }
    if (x->number != y->number) {
        return x->number < y->number ? -1 : 1;
    }
    return memcmp(x->file_id, y->file_id, sizeof x->file_id);
}

static bool same_number(const struct segment_link *a, const struct segment_link *b) {
    return a->writer_id == b->writer_id && a->number == b->number;
}

static uint64_t end_of(const struct segment_link *link) {
    return link->last_sequence > link->predecessor_last_sequence ? link->last_sequence
                                                                 : link->predecessor_last_sequence;
}

/* Its file header was damaged, which is told elsewhere, or no segment before it had events. */
static bool names_nobody(const struct segment_link *link) {
    static const uint8_t none[16];
    return memcmp(link->predecessor_id, none, sizeof none) == 0;
}

/* Compare a segment with those that have the number before: more than one if files were copied. */
static void check_link(const struct segment_link *link, const struct segment_link *before,
                       size_t count, segment_break_fn *tell, void *context) {
    bool found = false;
    uint64_t end = 0;
    for (size_t i = 0; i < count; i++) {
        const struct segment_link *candidate = &before[i];
        if (candidate->unread) {
            return;
        }
        const bool named = memcmp(candidate->file_id, link->predecessor_id, 16) == 0;
        /* Left behind without events: both follow the same segment, and the first was compared. */
        if (!named && candidate->empty &&
            memcmp(candidate->predecessor_id, link->predecessor_id, 16) == 0) {
            return;
        }
        if (named && !found) {
            found = true;
            end = 0;
        }
        if (named == found && end_of(candidate) > end) {
            end = end_of(candidate);
        }
    }
    /* Nothing lies between the numbers: another file stands in the place of the one named. */
    const bool replaced = !found && link->number - before->number == 1;
    if (found && end >= link->predecessor_last_sequence) {
        return;
    }
    const struct segment_break result = {
        .cut = found,
        .writer_id = link->writer_id,
        .first_number = found || replaced ? before->number : before->number + 1,
        .last_number = found ? before->number : link->number - 1,
        .first_sequence = end + 1,
        .last_sequence = link->predecessor_last_sequence,
    };
    tell(context, &result);
}

void segment_chain_check(struct segment_link *links, size_t count, segment_break_fn *tell,
                         void *context) {
    if (count > 0) {
        qsort(links, count, sizeof *links, compare_links);
    }
    size_t before = 0; /* where the previous number's links begin */
    size_t start = 0;  /* where this number's do */
    for (size_t i = 1; i < count; i++) {
        if (same_number(&links[i], &links[i - 1])) {
            continue;
        }
        before = start;
        start = i;
        const struct segment_link *link = &links[i];
        if (link->writer_id == links[before].writer_id && !link->unread && !names_nobody(link)) {
            check_link(link, &links[before], start - before, tell, context);
        }
    }
}
