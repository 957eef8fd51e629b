/* A new writer finishes what dead writers of its log left. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <agentlog/writer.h>

#include "support/log_walk.h"
#include "support/scratch_dir.h"

#define EVENTS 700

struct fixture {
    char *dir;
    struct alog_writer_options options;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    f->options = (struct alog_writer_options)ALOG_WRITER_OPTIONS_INIT;
    f->options.ring_dir = f->dir;
    f->options.flush_interval_ms = 3600000;
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    scratch_dir_remove(f->dir);
    free(f);
    return 0;
}

static void log_and_die(const struct fixture *f) {
    struct alog_writer *writer = NULL;
    if (alog_writer_open(f->dir, &f->options, &writer, NULL) != ALOG_OK) {
        _exit(1);
    }
    for (int i = 0; i < EVENTS; i++) {
        if (alog_log_error(writer, &(struct alog_error_event){.error_type = ALOG_STR("hook")}) !=
            ALOG_OK) {
            _exit(2);
        }
    }
    raise(SIGKILL);
}

static void leave_dead_writers(struct fixture *f, int count) {
    bool no_recovery = f->options.no_recovery;
    f->options.no_recovery = true;
    for (int i = 0; i < count; i++) {
        pid_t child = fork();
        if (child == 0) {
            log_and_die(f);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    f->options.no_recovery = no_recovery;
    assert_int_equal(scratch_dir_count(f->dir, ".writer"), (size_t)count);
}

static struct alog_writer *open_writer(struct fixture *f) {
    struct alog_writer *writer = NULL;
    assert_int_equal(alog_writer_open(f->dir, &f->options, &writer, NULL), ALOG_OK);
    return writer;
}

static uint64_t recovered(struct alog_writer *writer) {
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    assert_int_equal(alog_writer_get_stats(writer, &stats), ALOG_OK);
    return stats.recovered;
}

static void a_new_writer_finishes_the_dead(void **state) {
    struct fixture *f = *state;
    leave_dead_writers(f, 3);
    struct alog_writer *writer = open_writer(f);
    for (int i = 0; i < 60000 && recovered(writer) == 0; i++) {
        usleep(1000);
    }
    assert_int_equal(recovered(writer), 3 * EVENTS);
    assert_int_equal(scratch_dir_count(f->dir, ".writer"), 1);
    assert_int_equal(alog_writer_close(writer, NULL), ALOG_OK);
    struct log_walk_result result = log_walk(f->dir, NULL, NULL);
    assert_int_equal(result.events, 3 * EVENTS);
    assert_int_equal(result.open_segments + result.damages + result.sequence_faults, 0);
    assert_int_equal(scratch_dir_count(f->dir, ".ring"), 0);
}

static void one_that_closes_at_once_finishes_one(void **state) {
    struct fixture *f = *state;
    leave_dead_writers(f, 1);
    assert_int_equal(alog_writer_close(open_writer(f), NULL), ALOG_OK);
    assert_int_equal(log_walk(f->dir, NULL, NULL).events, EVENTS);
    assert_int_equal(scratch_dir_count(f->dir, ".writer"), 0);
}

static void it_can_be_switched_off(void **state) {
    struct fixture *f = *state;
    leave_dead_writers(f, 1);
    f->options.no_recovery = true;
    assert_int_equal(alog_writer_close(open_writer(f), NULL), ALOG_OK);
    assert_int_equal(log_walk(f->dir, NULL, NULL).events, 0);
    assert_int_equal(scratch_dir_count(f->dir, ".writer"), 1);
}

/* The child's copy of the locks must not keep the dead from being finished, nor its own writer. */
static void a_fork_meanwhile_does_no_harm(void **state) {
    struct fixture *f = *state;
#ifdef __SANITIZE_THREAD__
    /* The thread sanitizer of GCC 12 ends a child whose new thread has the address of one of the
     * parent's ("dup thread with used id"). */
    skip();
#endif
    leave_dead_writers(f, 3);
    struct alog_writer *writer = open_writer(f);
    pid_t child = fork();
    if (child == 0) {
        enum alog_status status =
            alog_log_error(writer, &(struct alog_error_event){.error_type = ALOG_STR("child")});
        enum alog_status closed = alog_writer_close(writer, NULL);
        _exit(status == ALOG_OK && closed == ALOG_OK ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    for (int i = 0; i < 60000 && recovered(writer) == 0; i++) {
        usleep(1000);
    }
    assert_int_equal(alog_writer_close(writer, NULL), ALOG_OK);
    struct log_walk_result result = log_walk(f->dir, NULL, NULL);
    assert_true(result.events >= 3 * EVENTS + 1);
    assert_int_equal(result.open_segments + result.damages + result.sequence_faults, 0);
    assert_int_equal(scratch_dir_count(f->dir, ".writer"), 0);
    assert_int_equal(scratch_dir_count(f->dir, ".ring"), 0);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_new_writer_finishes_the_dead),
        CASE(one_that_closes_at_once_finishes_one),
        CASE(it_can_be_switched_off),
        CASE(a_fork_meanwhile_does_no_harm),
    };
    return cmocka_run_group_tests_name("recover_background", tests, NULL, NULL);
}
