/* The pool's threads let the others of the process go first, and what waits for them stays small.
 */
#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "aggregator/fold_pool.h"
#include "format/segment_scan.h"
#include "support/scratch_dir.h"
#include "support/segment_maker.h"

#define THREADS   3
#define MORE_NICE 5
#define MOST_NICE 19

/* How many threads of this process have this niceness. */
static int count_nice(int niceness) {
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    int count = 0;
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        const int id = atoi(task->d_name);
        count += id > 0 && getpriority(PRIO_PROCESS, (id_t)id) == niceness;
    }
    closedir(tasks);
    return count;
}

static void its_threads_are_nicer(void **state) {
    (void)state;
    const int own = getpriority(PRIO_PROCESS, 0);
    const int theirs = own + MORE_NICE > MOST_NICE ? MOST_NICE : own + MORE_NICE;
    if (theirs == own) {
        skip(); /* nobody can be nicer than this test was started with */
    }
    const struct alog_fold_scope scope = {.rollups = true};
    struct alog_fold_pool *pool;
    assert_int_equal(alog_fold_pool_new(THREADS, &scope, &pool), ALOG_OK);
    for (int tries = 0; count_nice(theirs) < THREADS && tries < 5000; tries++) {
        nanosleep(&(struct timespec){0, 1000000}, NULL); /* they have to come that far */
    }
    assert_int_equal(count_nice(theirs), THREADS);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), own);
    alog_fold_pool_free(pool);
}

/* ---- Memory ---- */

#define BLOCKS         40
#define JOBS_PER_BLOCK 6000 /* some 3 MiB of groups, of a frame of 20 KiB */
#define BATCH_BYTES    ((size_t)8 << 20)
#define MOST_BYTES     ((size_t)72 << 20) /* all of them come to more than 120 MiB */

/* A segment of events that each have a job of their own. */
static void make_segment(struct segment_maker *maker, const char *log_dir) {
    char line[160];
    segment_maker_init(maker, alog_io_system(), log_dir, 1);
    segment_maker_begin(maker);
    for (int i = 0; i < BLOCKS * JOBS_PER_BLOCK; i++) {
        snprintf(line, sizeof(line),
                 "{\"timestamp\":177016320%010d,\"event\":\"job_start\",\"job_id\":\"job-%08d\"}",
                 i, i);
        segment_maker_add_line(maker, line);
        if ((i + 1) % JOBS_PER_BLOCK == 0) {
            assert_int_equal(segment_maker_end_block(maker), ALOG_OK);
        }
    }
    segment_maker_seal(maker);
}

/* What the groups come to, which are freed. */
static size_t take_all(struct alog_fold_pool *pool, size_t *jobs) {
    struct alog_groups groups[THREADS] = {0};
    size_t bytes = 0;
    assert_int_equal(alog_fold_pool_take(pool, groups), ALOG_OK);
    for (int i = 0; i < THREADS; i++) {
        bytes += alog_groups_bytes(&groups[i]);
        *jobs += groups[i].tables[ALOG_IN_jobs].count;
        alog_groups_free(&groups[i]);
    }
    return bytes;
}

/* Whoever takes the groups once they come to BATCH_BYTES never gets all that was handed over. */
static void what_waits_does_not_outgrow_memory(void **state) {
    const struct alog_fold_scope scope = {
        .rollups = true, .jobs = true, .from_epoch_s = INT64_MIN, .until_epoch_s = INT64_MAX};
    struct segment_maker maker;
    struct alog_segment_scan *scan;
    struct alog_fold_pool *pool;
    struct alog_fold_progress progress = {.environment = ALOG_STR("production")};
    const struct alog_block_header *header;
    size_t most = 0, jobs = 0;
    make_segment(&maker, *state);
    assert_int_equal(alog_fold_pool_new(THREADS, &scope, &pool), ALOG_OK);
    assert_int_equal(alog_segment_scan_open(alog_io_system(), maker.path, NULL, NULL, &scan, NULL),
                     ALOG_OK);
    while (alog_segment_scan_next(scan, &header, NULL) == ALOG_OK && header) {
        const uint8_t *frame;
        assert_int_equal(alog_segment_scan_frame(scan, &frame, NULL), ALOG_OK);
        assert_int_equal(alog_fold_pool_add(pool, frame, &header->facts, &progress), ALOG_OK);
        if (alog_fold_pool_bytes(pool) >= BATCH_BYTES) {
            const size_t bytes = take_all(pool, &jobs);
            most = bytes > most ? bytes : most;
        }
    }
    const size_t bytes = take_all(pool, &jobs);
    most = bytes > most ? bytes : most;
    print_message("%zu MiB at most\n", most >> 20);
    assert_int_equal(jobs, BLOCKS * JOBS_PER_BLOCK);
    assert_int_equal(progress.events, jobs);
    assert_true(most < MOST_BYTES);
    alog_segment_scan_close(scan);
    alog_fold_pool_free(pool);
    segment_maker_free(&maker);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_threads_are_nicer),
        cmocka_unit_test_setup_teardown(what_waits_does_not_outgrow_memory, scratch_dir_set_up,
                                        scratch_dir_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
