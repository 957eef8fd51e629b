/*
 * A writer that nobody logs to is quiet: its threads are woken fewer than 50 times a second and
 * take less than half a percent of a core. Both are counts that the kernel keeps, and neither grows
 * when the machine is busy.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <agentlog/writer.h>

#include "support/scratch_dir.h"

#define SECONDS           2
#define TRIES             5
#define WAKE_UPS_A_SECOND 50
#define NS_A_SECOND       INT64_C(5000000)

/* How often threads of this process went to sleep by themselves; each time is a wake-up. */
static uint64_t wake_ups(void) {
    uint64_t sum = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *entry = readdir(tasks); entry != NULL; entry = readdir(tasks)) {
        char path[512];
        char line[256];
        snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        FILE *status = fopen(path, "r");
        while (status != NULL && fgets(line, sizeof line, status) != NULL) {
            if (strncmp(line, "voluntary_ctxt_switches:", 24) == 0) {
                sum += strtoull(line + 24, NULL, 10);
            }
        }
        if (status != NULL) {
            fclose(status);
        }
    }
    closedir(tasks);
    return sum;
}

static int64_t cpu_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Where others fill the processors, a wake-up costs several times as much: it is given some tries.
 */
static void an_idle_writer_is_quiet(void **state) {
    (void)state;
    char *dir = scratch_dir_make();
    struct alog_writer *writer;
    assert_int_equal(alog_writer_open(dir, NULL, &writer, NULL), ALOG_OK);
    struct alog_error_event event = {.error_type = ALOG_STR("hook")};
    assert_int_equal(alog_log_error(writer, &event), ALOG_OK);
    assert_int_equal(alog_writer_flush(writer, 60000, NULL), ALOG_OK);
    sleep(1); /* it calms down in steps */
    bool quiet = false;
    for (int tries = 0; !quiet && tries < TRIES; tries++) {
        uint64_t woken = wake_ups();
        int64_t used = cpu_ns();
        sleep(SECONDS);
        used = cpu_ns() - used;
        woken = wake_ups() - woken;
        printf("%.1f wake-ups a second, %.3f %% of a core\n", (double)woken / SECONDS,
               (double)used / SECONDS / 1e7);
        quiet = woken < WAKE_UPS_A_SECOND * SECONDS && used < NS_A_SECOND * SECONDS;
    }
    assert_true(quiet);
    assert_int_equal(alog_writer_close(writer, NULL), ALOG_OK);
    scratch_dir_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_writer_is_quiet),
    };
    return cmocka_run_group_tests_name("idle", tests, NULL, NULL);
}
