/*
 * The log that trace_blocks_test.sh traces in: 1,000 blocks in ten segments, each block with 100
 * events of 20 jobs of its own, and the job "wanted" in one of them.
 *
 *     make_trace_log LOGDIR
 */
#include <stdio.h>

#include "support/segment_maker.h"

#define SEGMENTS 10
#define BLOCKS   100 /* of a segment */
#define EVENTS   100 /* of a block */
#define JOBS     20  /* of a block */

int main(int argc, char **argv) {
    if (argc != 2) {
        return 2;
    }
    struct segment_maker maker;
    segment_maker_init(&maker, alog_io_system(), argv[1], 0xabc);
    for (int block = 0; block < SEGMENTS * BLOCKS; block++) {
        if (block % BLOCKS == 0) {
            segment_maker_begin(&maker);
        }
        for (int event = 0; event < EVENTS; event++) {
            char line[256], job[32] = "wanted";
            if (block != 537 || event % JOBS != 7) {
                snprintf(job, sizeof job, "job-%d", block * JOBS + event % JOBS);
            }
            snprintf(line, sizeof line,
                     "{\"event\":\"error\",\"timestamp\":\"2026-02-04T12:00:00Z\",\"job_id\":"
                     "\"%s\",\"error_type\":\"lint\",\"line_number\":%d}",
                     job, event);
            segment_maker_add_line(&maker, line);
        }
        if (segment_maker_end_block(&maker) != ALOG_OK) {
            return 1;
        }
        if (block % BLOCKS == BLOCKS - 1) {
            segment_maker_seal(&maker);
        }
    }
    segment_maker_free(&maker);
    return 0;
}
