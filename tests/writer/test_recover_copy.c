/* Recovery beside the living: a copy of a log, rings that are somebody else's, writers that open.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <agentlog/recover.h>
#include <agentlog/writer.h>

#include "support/log_walk.h"
#include "support/scratch_dir.h"

#define EVENTS 500

static int set_up(void **state) {
    *state = scratch_dir_make();
    return 0;
}

static int tear_down(void **state) {
    scratch_dir_remove(*state);
    return 0;
}

static struct alog_writer *open_writer(const char *dir) {
    struct alog_writer_options options = ALOG_WRITER_OPTIONS_INIT;
    options.ring_bytes = 1 << 20;
    options.flush_interval_ms = 3600000; /* events stay in the ring */
    options.ring_dir = dir;              /* one that exists and is of this test alone */
    struct alog_writer *writer;
    struct alog_error error = {.message = ""};
    char log[300];
    snprintf(log, sizeof log, "%s/log", dir);
    if (alog_writer_open(log, &options, &writer, &error) != ALOG_OK) {
        fail_msg("%s", error.message);
    }
    return writer;
}

static void log_events(struct alog_writer *writer) {
    for (int i = 0; i < EVENTS; i++) {
        assert_int_equal(
            alog_log_error(writer, &(struct alog_error_event){.error_type = ALOG_STR("lint")}),
            ALOG_OK);
    }
}

/* In the directory. */
static void run(const char *dir, const char *command) {
    char line[900];
    snprintf(line, sizeof line, "cd '%s' && %s", dir, command);
    assert_int_equal(system(line), 0);
}

static int count_rings(const char *dir) {
    char command[400];
    int count = -1;
    snprintf(command, sizeof command, "ls '%s' | grep -c '[.]ring$'", dir);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    assert_int_equal(fscanf(out, "%d", &count), 1);
    pclose(out);
    return count;
}

static struct alog_recover_report recover(const char *dir, const char *log, bool give_up) {
    struct alog_recover_options options = ALOG_RECOVER_OPTIONS_INIT;
    struct alog_recover_report report;
    char path[300];
    snprintf(path, sizeof path, "%s/%s", dir, log);
    options.give_up_rings = give_up;
    assert_int_equal(alog_recover(path, &options, &report, NULL), ALOG_OK);
    alog_recover_report_free(&report);
    return report;
}

static void a_copy_of_a_living_log_costs_it_nothing(void **state) {
    const char *dir = *state;
    struct alog_writer *writer = open_writer(dir);
    log_events(writer);
    run(dir, "cp -a log copy");
    struct alog_recover_report report = recover(dir, "copy", false);
    assert_int_equal(report.problems, 1);
    assert_int_equal(report.writers_finished, 0);
    assert_int_equal(count_rings(dir), 1);
    report = recover(dir, "copy", true);
    assert_int_equal(report.problems, 0);
    assert_int_equal(report.rings_lost, 1);
    assert_int_equal(count_rings(dir), 1);
    log_events(writer);
    assert_int_equal(alog_writer_close(writer, NULL), ALOG_OK);
    char log[300];
    snprintf(log, sizeof log, "%s/log", dir);
    assert_int_equal(log_walk(log, NULL, NULL).events, 2 * EVENTS + 1); /* and writer_stats */
}

static pid_t log_and_die(const char *dir) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct alog_writer *writer = open_writer(dir);
        log_events(writer);
        _exit(writer != NULL ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return child;
}

static void a_dead_ones_rings_are_free_again(void **state) {
    const char *dir = *state;
    log_and_die(dir);
    struct alog_recover_report report = recover(dir, "log", false);
    assert_int_equal(report.problems, 0);
    assert_int_equal(report.events_recovered, EVENTS);
    assert_int_equal(count_rings(dir), 0);
}

static void somebody_elses_ring_keeps_nothing_from_being_finished(void **state) {
    const char *dir = *state;
    if (geteuid() != 0) {
        print_message("SKIPPED: only root can give a file away\n");
        skip();
    }
    log_and_die(dir);
    run(dir, "chown 65534 *.ring");
    struct alog_recover_report report = recover(dir, "log", false);
    assert_int_equal(report.problems, 0);
    assert_int_equal(report.rings_lost, 1);
    assert_int_equal(count_rings(dir), 1);
    report = recover(dir, "log", false);
    assert_int_equal(report.writers_dead, 0);
}

static void *recover_again_and_again(void *argument) {
    const char *dir = ((void **)argument)[0];
    atomic_bool *stop = ((void **)argument)[1];
    while (!atomic_load(stop)) {
        recover(dir, "log", false);
    }
    return NULL;
}

static void writers_open_while_others_recover(void **state) {
    const char *dir = *state;
    atomic_bool stop = false;
    void *arguments[2] = {*state, &stop};
    pthread_t threads[2];
    run(dir, "mkdir -p log/.writers");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, recover_again_and_again, arguments), 0);
    }
    for (int i = 0; i < 300; i++) {
        assert_int_equal(alog_writer_close(open_writer(dir), NULL), ALOG_OK);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_copy_of_a_living_log_costs_it_nothing),
        CASE(a_dead_ones_rings_are_free_again),
        CASE(somebody_elses_ring_keeps_nothing_from_being_finished),
        CASE(writers_open_while_others_recover),
    };
    return cmocka_run_group_tests_name("recover_copy", tests, NULL, NULL);
}
