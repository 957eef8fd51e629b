/*
 * A recovery is killed before each of its system calls in turn (and in the middle of each write),
 * or the call fails once, or all from it on; then another recovery ends in the same log, whatever
 * the first had done.
 *
 *     ALOG_CALL_STRIDE=1 test_recover_steps      every call, not every third
 */
#include <errno.h>
#include <pthread.h>
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

#include <agentlog/ndjson.h>
#include <agentlog/recover.h>
#include <agentlog/writer.h>

#include "support/log_walk.h"
#include "support/scratch_dir.h"
#include "support/scripted_io.h"

#define KILLED    9
#define SEGMENTS  3 /* events enough for so many, in small segments */
#define PER_ROUND 1500

struct fixture {
    char *dir;
    char log_dir[4096];  /* where the writer made its log, and each copy is put */
    char template[4096]; /* what the dead writer left */
    uint64_t expected;   /* of the log after an undisturbed recovery */
    uint64_t calls;      /* … and the system calls that it took */
};

/* ---- What a dead writer left ----------------------------------------------------------------- */

static enum alog_status log_one(struct alog_writer *writer, int i) {
    return alog_log_hook_execution(
        writer, &(struct alog_hook_execution){.hook_name = i % 2 == 0 ? ALOG_STR("ruff-check")
                                                                      : ALOG_STR("mypy"),
                                              .status = ALOG_HOOK_STATUS_SUCCESS,
                                              .execution_time_ms = ALOG_F64(i)});
}

static void *log_more(void *writer) {
    for (int i = 0; i < 300; i++) {
        (void)log_one(writer, i);
    }
    return NULL;
}

static void log_and_die(const struct fixture *f) {
    struct alog_writer_options options = ALOG_WRITER_OPTIONS_INIT;
    char ring_dir[4200];
    snprintf(ring_dir, sizeof ring_dir, "%s/.writers", f->log_dir);
    options.ring_dir = ring_dir;
    options.environment = ALOG_STR("test");
    options.ring_bytes = 64 << 10;
    options.segment_age_ms = 100;
    options.flush_interval_ms = 3600000;
    options.sync = ALOG_SYNC_NONE;
    struct alog_writer *writer = NULL;
    if (alog_writer_open(f->log_dir, &options, &writer, NULL) != ALOG_OK) {
        _exit(1);
    }
    static const struct alog_field fields[] = {{.name = "colour", .kind = ALOG_FIELD_NAME}};
    uint32_t type;
    if (alog_event_define(writer, ALOG_STR("paint"), fields, 1, &type, NULL) != ALOG_OK) {
        _exit(2);
    }
    struct alog_value colour = {.kind = ALOG_VALUE_STRING, .string = ALOG_STR("blue")};
    for (int round = 0; round < SEGMENTS; round++) {
        for (int i = 0; i < PER_ROUND; i++) {
            if (log_one(writer, i) == ALOG_OK && i % 100 == 0) {
                (void)alog_log_user(writer, type, &colour, 1, NULL);
            }
        }
        if (alog_writer_flush(writer, 60000, NULL) != ALOG_OK) {
            _exit(3);
        }
        usleep(120000); /* past a segment's age */
    }
    pthread_t thread;
    if (pthread_create(&thread, NULL, log_more, writer) != 0) {
        _exit(4);
    }
    pthread_join(thread, NULL);
    /* More at once than a ring holds: some are lost, and nobody has logged that yet. Where the
     * drain thread gets all the processor's time and this one hardly any, it may take more. */
    uint64_t lost = 0;
    for (int i = 0; lost < 1000; i++) {
        lost += log_one(writer, i) != ALOG_OK;
    }
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
    run_command("rm -rf '%s' && cp -a '%s' '%s'", f->log_dir, f->template, f->log_dir);
}

/* ---- The log as it is in the end ------------------------------------------------------------- */

static uint64_t add_to_hash(uint64_t hash, const char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        hash = (hash ^ (uint8_t)bytes[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    }
    return hash;
}

static void hash_event(void *context, const struct alog_event *event) {
    uint64_t *hash = context;
    struct alog_event copy = *event;
    if (alog_string_equal(event->name, ALOG_STR("writer_loss"))) {
        copy.timestamp_ns = 0; /* when it was logged: not the same in each run */
    }
    struct alog_text text = {0};
    assert_int_equal(alog_ndjson_write(&copy, &text), ALOG_OK);
    *hash = add_to_hash(*hash, text.data, text.len);
    alog_text_free(&text);
}

static uint64_t hash_log(const struct fixture *f) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    struct log_walk_result result = log_walk(f->log_dir, hash_event, &hash);
    assert_int_equal(result.open_segments, 0);
    assert_int_equal(result.damages, 0);
    assert_int_equal(result.sequence_faults, 0);
    assert_int_equal(result.chain_faults, 0);
    assert_true(result.events > PER_ROUND);
    return hash;
}

static void recover_and_compare(const struct fixture *f, uint64_t expected) {
    struct alog_recover_report report;
    assert_int_equal(alog_recover(f->log_dir, NULL, &report, NULL), ALOG_OK);
    assert_int_equal(report.problems + report.rings_lost, 0);
    alog_recover_report_free(&report);
    if (expected != 0) {
        assert_int_equal(hash_log(f), expected);
    }
    assert_int_equal(scratch_dir_count(f->log_dir, ".ring"), 0);
    assert_int_equal(scratch_dir_count(f->log_dir, ".writer"), 0);
    assert_int_equal(scratch_dir_count(f->log_dir, ".open"), 0);
    assert_int_equal(scratch_dir_count(f->log_dir, ".recovering"), 0);
}

/* ---- Once ------------------------------------------------------------------------------------ */

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    snprintf(f->log_dir, sizeof f->log_dir, "%s/log", f->dir);
    snprintf(f->template, sizeof f->template, "%s/template", f->dir);
    pid_t child = fork();
    if (child == 0) {
        log_and_die(f);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    run_command("mv '%s' '%s'", f->log_dir, f->template);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    scratch_dir_remove(f->dir);
    free(f);
    return 0;
}

/* Its clock goes on where the writer's stood: a new segment follows the others by name. */
static void begin_script(struct scripted_io *script) {
    scripted_io_init(script);
    script->now_ns = alog_io_system()->realtime_ns(NULL);
}

static void undisturbed(void **state) {
    struct fixture *f = *state;
    put_copy(f);
    struct scripted_io script;
    begin_script(&script);
    struct alog_recover_options options = ALOG_RECOVER_OPTIONS_INIT;
    options.io = &script.io;
    struct alog_recover_report report;
    assert_int_equal(alog_recover(f->log_dir, &options, &report, NULL), ALOG_OK);
    assert_int_equal(report.writers_finished, 1);
    assert_true(report.events_recovered > 0);
    assert_true(report.events_lost > 0);
    assert_int_equal(report.problems, 0);
    alog_recover_report_free(&report);
    f->calls = script.calls;
    f->expected = hash_log(f);
    printf("%llu system calls\n", (unsigned long long)f->calls);
}

/* A recovery with that script, in a process of its own; true if it was killed. */
static bool recover_scripted(const struct fixture *f, struct scripted_io *script) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct alog_recover_options options = ALOG_RECOVER_OPTIONS_INIT;
        options.io = &script->io;
        enum alog_status status = alog_recover(f->log_dir, &options, NULL, NULL);
        _exit(status == ALOG_OK || status == ALOG_IO ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == KILLED);
    return WEXITSTATUS(status) == KILLED;
}

/* Where recovering takes long, some calls must stand for all. */
static uint64_t stride(void) {
    const char *text = getenv("ALOG_CALL_STRIDE");
    uint64_t number = text != NULL ? strtoull(text, NULL, 10) : 0;
    return number > 0 ? number : 3;
}

/* Twice: once at `call`, and once somewhere in what is then left to do. */
static void kill_at_every_call(const struct fixture *f, uint64_t first, uint64_t bytes_of_write) {
    for (uint64_t call = first; call <= f->calls; call += stride()) {
        put_copy(f);
        struct scripted_io script;
        begin_script(&script);
        script.exit_code = KILLED;
        script.fail_at = call;
        script.fail_after_bytes = bytes_of_write;
        assert_true(recover_scripted(f, &script));
        if (call % 2 == 0) {
            script.fail_at = 1 + call * 7 % f->calls;
            (void)recover_scripted(f, &script);
        }
        recover_and_compare(f, f->expected);
    }
}

static void killed_before_every_call(void **state) {
    kill_at_every_call(*state, 1, 0);
}

static void killed_within_every_write(void **state) {
    kill_at_every_call(*state, stride() == 1 ? 1 : 2, 20);
}

static void every_call_fails(void **state) {
    struct fixture *f = *state;
    const int errors[] = {EIO, ENOSPC, EMFILE, ENOMEM};
    for (uint64_t call = stride() == 1 ? 1 : 3; call <= f->calls; call += stride()) {
        put_copy(f);
        struct scripted_io script;
        begin_script(&script);
        script.fail_at = call;
        script.fail_errno = errors[call % 4];
        script.fail_for_ever = call % 2 == 0;
        assert_false(recover_scripted(f, &script));
        recover_and_compare(f, f->expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(undisturbed), /* says what the others expect */
        cmocka_unit_test(killed_before_every_call),
        cmocka_unit_test(killed_within_every_write),
        cmocka_unit_test(every_call_fails),
    };
    return cmocka_run_group_tests_name("recover_steps", tests, set_up, tear_down);
}
