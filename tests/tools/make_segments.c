/*
 * A writer's segments out of lines on stdin: an event as NDJSON; "block", which ends a block; or
 * "segment", which ends a segment.
 *
 *     make_segments LOGDIR WRITER
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/segment_maker.h"

/* What stands in the open block, and the open segment, goes to the file. */
static void end(struct segment_maker *maker, unsigned *in_block, bool segment) {
    if (*in_block != 0 && segment_maker_end_block(maker) != ALOG_OK) {
        exit(1);
    }
    *in_block = 0;
    if (segment && maker->segment != NULL) {
        segment_maker_seal(maker);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) {
        return 2;
    }
    struct segment_maker maker;
    char *line = NULL;
    size_t capacity = 0;
    unsigned in_block = 0;
    ssize_t len;
    segment_maker_init(&maker, alog_io_system(), argv[1], strtoull(argv[2], NULL, 0));
    while ((len = getline(&line, &capacity, stdin)) > 0) {
        line[len - 1] = '\0';
        if (line[0] != '{') {
            end(&maker, &in_block, strcmp(line, "segment") == 0);
            continue;
        }
        if (maker.segment == NULL) {
            segment_maker_begin(&maker);
        }
        segment_maker_add_line(&maker, line);
        in_block++;
    }
    end(&maker, &in_block, true);
    segment_maker_free(&maker);
    free(line);
    return 0;
}
