/*
 * Archiving what a killed writer left, before it is recovered, and in the middle of a recovery:
 * then too each event is in log and archive once, and each loss is told once.
 *
 *     ALOG_CALL_STRIDE=1 test_archive_unfinished      every call of a recovery, not every third
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <agentlog/archive.h>
#include <agentlog/recover.h>
#include <agentlog/writer.h>

#include "support/scratch_dir.h"
#include "support/scripted_io.h"

#define KILLED     9
#define MOST       100000
#define ONE_BURST  20000 /* more than a ring holds */
#define IN_THE_END 300

struct fixture {
    char *dir;
    char log_dir[4096], archive_dir[4096];
    char template[4096]; /* the log as the dead writer left it */
    uint64_t calls;      /* of an undisturbed recovery */
    uint64_t events, lost;
};

/* ---- What a dead writer left ----------------------------------------------------------------- */

static void log_numbers(struct alog_writer *writer, int64_t *number, int count) {
    for (int i = 0; i < count; i++) {
        const enum alog_status status =
            alog_log_error(writer, &(struct alog_error_event){.error_type = ALOG_STR("hook"),
                                                              .line_number = ALOG_I64(*number)});
        *number += status == ALOG_OK;
    }
}

/* Sealed segments that tell of losses, and events that are in a ring alone. */
static void log_and_die(const struct fixture *f) {
    struct alog_writer_options options = ALOG_WRITER_OPTIONS_INIT;
    struct alog_writer *writer = NULL;
    char ring_dir[4200];
    int64_t number = 0;
    snprintf(ring_dir, sizeof ring_dir, "%s/.writers", f->log_dir);
    options.ring_dir = ring_dir;
    options.ring_bytes = 64 << 10;
    options.segment_age_ms = 100;
    options.flush_interval_ms = 3600000;
    options.sync = ALOG_SYNC_NONE;
    if (alog_writer_open(f->log_dir, &options, &writer, NULL) != ALOG_OK) {
        _exit(1);
    }
    for (int segment = 0; segment < 2; segment++) {
        log_numbers(writer, &number, ONE_BURST);
        if (alog_writer_flush(writer, 60000, NULL) != ALOG_OK) {
            _exit(2);
        }
        usleep(250000); /* past a segment's age: it is sealed */
    }
    log_numbers(writer, &number, IN_THE_END);
    raise(SIGKILL);
}

ALOG_PRINTF(1, 2)
static void run_command(const char *format, ...) {
    char command[16384];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    assert_int_equal(system(command), 0);
}

static void put_copy(const struct fixture *f) {
    run_command("rm -rf '%s' '%s' && cp -a '%s' '%s'", f->log_dir, f->archive_dir, f->template,
                f->log_dir);
}

/* ---- Log and archive together ---------------------------------------------------------------- */

struct count {
    uint8_t seen[MOST];
    uint64_t events, lost;
};

static void count_events(const char *directory, struct count *count) {
    struct alog_segment_list list;
    assert_int_equal(alog_segments_list(directory, &list, NULL), ALOG_OK);
    for (size_t i = 0; i < list.count; i++) {
        struct alog_reader *reader = NULL;
        const struct alog_event *event;
        assert_int_equal(alog_reader_open(list.segments[i].path, NULL, NULL, NULL, &reader, NULL),
                         ALOG_OK);
        while (alog_reader_next(reader, &event, NULL) == ALOG_OK && event != NULL) {
            if (alog_string_equal(event->name, ALOG_STR("error"))) {
                assert_in_range(event->values[4].i64, 0, MOST - 1);
                assert_int_equal(count->seen[event->values[4].i64]++, 0);
                count->events++;
            } else if (alog_string_equal(event->name, ALOG_STR("writer_loss"))) {
                count->lost += (uint64_t)event->values[1].i64;
            }
        }
        alog_reader_close(reader);
    }
    alog_segments_free(&list);
}

static void count_all(const struct fixture *f, struct count *count) {
    *count = (struct count){.events = 0};
    count_events(f->log_dir, count);
    if (access(f->archive_dir, F_OK) == 0) {
        count_events(f->archive_dir, count);
    }
}

static struct alog_archive_report archive(const struct fixture *f) {
    struct alog_archive_options options = ALOG_ARCHIVE_OPTIONS_INIT;
    struct alog_archive_report report;
    options.before_ns = ALOG_I64(INT64_MAX);
    options.compression_level = 1;
    assert_int_equal(alog_archive(f->log_dir, f->archive_dir, &options, &report, NULL), ALOG_OK);
    assert_int_equal(report.segments_left, 0);
    return report;
}

static void recover_all(const struct fixture *f, const struct alog_io *io) {
    struct alog_recover_options options = ALOG_RECOVER_OPTIONS_INIT;
    struct alog_recover_report report;
    options.io = io;
    assert_int_equal(alog_recover(f->log_dir, &options, &report, NULL), ALOG_OK);
    assert_int_equal(report.problems, 0);
    alog_recover_report_free(&report);
}

static void assert_all_once(const struct fixture *f) {
    struct count *count = calloc(1, sizeof *count);
    count_all(f, count);
    assert_int_equal(count->events, f->events);
    assert_int_equal(count->lost, f->lost);
    free(count);
}

/* ---- Once ------------------------------------------------------------------------------------ */

static void begin_script(struct scripted_io *script) {
    scripted_io_init(script);
    script->now_ns = alog_io_system()->realtime_ns(NULL);
}

/* Says what the others expect. */
static void recover_undisturbed(struct fixture *f) {
    struct scripted_io script;
    struct count *count = calloc(1, sizeof *count);
    put_copy(f);
    begin_script(&script);
    recover_all(f, &script.io);
    f->calls = script.calls;
    count_all(f, count);
    f->events = count->events;
    f->lost = count->lost;
    free(count);
    assert_true(f->events > IN_THE_END && f->lost > 0);
}

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    snprintf(f->log_dir, sizeof f->log_dir, "%s/log", f->dir);
    snprintf(f->archive_dir, sizeof f->archive_dir, "%s/archive", f->dir);
    snprintf(f->template, sizeof f->template, "%s/template", f->dir);
    const pid_t child = fork();
    if (child == 0) {
        log_and_die(f);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    run_command("mv '%s' '%s'", f->log_dir, f->template);
    recover_undisturbed(f);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    scratch_dir_remove(f->dir);
    free(f);
    return 0;
}

static void archived_before_a_recovery(void **state) {
    const struct fixture *f = *state;
    put_copy(f);
    struct alog_archive_report report = archive(f);
    assert_int_equal(report.segments, 1);
    assert_int_equal(report.segments_needed, 1);
    recover_all(f, NULL);
    assert_all_once(f);
    report = archive(f);
    assert_int_equal(report.segments_needed, 0);
    assert_true(report.segments > 0);
    assert_all_once(f);
    assert_int_equal(scratch_dir_count(f->log_dir, ".msgpack.zst"), 0);
}

static void recover_and_be_killed(const struct fixture *f, uint64_t call) {
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct alog_recover_options options = ALOG_RECOVER_OPTIONS_INIT;
        struct scripted_io script;
        begin_script(&script);
        script.exit_code = KILLED;
        script.fail_at = call;
        options.io = &script.io;
        _exit(alog_recover(f->log_dir, &options, NULL, NULL) == ALOG_OK ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), KILLED);
}

static uint64_t stride(void) {
    const char *text = getenv("ALOG_CALL_STRIDE");
    const uint64_t number = text != NULL ? strtoull(text, NULL, 10) : 0;
    return number > 0 ? number : 3;
}

static void archived_in_the_middle_of_a_recovery(void **state) {
    const struct fixture *f = *state;
    for (uint64_t call = 1; call <= f->calls; call += stride()) {
        put_copy(f);
        recover_and_be_killed(f, call);
        (void)archive(f);
        recover_all(f, NULL);
        assert_all_once(f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(archived_before_a_recovery),
        cmocka_unit_test(archived_in_the_middle_of_a_recovery),
    };
    return cmocka_run_group_tests_name("archive_unfinished", tests, set_up, tear_down);
}
