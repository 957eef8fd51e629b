/*
 * Archiving is killed before each of its system calls in turn (and within each write), or the call
 * fails, once or from there on, or the disk keeps other bytes than it was given: every event stays
 * in log or archive, and another run ends in the same archive. Likewise when what is archived is
 * redacted.
 *
 *     ALOG_CALL_STRIDE=1 test_archive_steps      every call, not every fifth
 */
#include <errno.h>
#include <setjmp.h>
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

#include "support/event_set.h"
#include "support/file_bytes.h"
#include "support/ingest_fixture.h"
#include "support/scratch_dir.h"
#include "support/scripted_io.h"

#define KILLED  9
#define SEGMENT ".msgpack.zst"

struct fixture {
    char *dir;
    char log_dir[4096], archive_dir[4096];
    char template[4096];       /* the log that is archived */
    struct event_set events;   /* … and what is in it */
    uint64_t calls;            /* of an undisturbed run */
    char archived[4096];       /* an archive of it, */
    struct event_set redacted; /* … what is in it after a redaction, */
    uint64_t redaction_calls;  /* … and what that takes */
};

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

static struct alog_archive_options options_with(const struct alog_io *io) {
    struct alog_archive_options options = ALOG_ARCHIVE_OPTIONS_INIT;
    options.before_ns = ALOG_I64(INT64_MAX);
    options.compression_level = 1;
    options.io = io;
    return options;
}

static enum alog_status archive(const struct fixture *f, const struct alog_io *io,
                                struct alog_archive_report *ret_report) {
    const struct alog_archive_options options = options_with(io);
    return alog_archive(f->log_dir, f->archive_dir, &options, ret_report, NULL);
}

/* What was removed from the log is in the archive, whatever happened. */
static void assert_nothing_lost(const struct fixture *f) {
    struct event_set both = {0};
    event_set_add(&both, f->log_dir);
    event_set_add(&both, f->archive_dir);
    assert_int_equal(both.damages, 0);
    assert_true(event_set_equal(&both, &f->events));
    event_set_free(&both);
}

/* One more run, and the archive is what it is without disturbance. */
static void archive_and_compare(const struct fixture *f) {
    struct alog_archive_report report;
    struct alog_segment_list list;
    struct event_set archived = {0};
    assert_int_equal(archive(f, NULL, &report), ALOG_OK);
    assert_int_equal(report.segments_left + report.segments_unsealed, 0);
    event_set_add(&archived, f->archive_dir);
    assert_int_equal(archived.damages, 0);
    assert_int_equal(archived.repeats, 0);
    assert_true(event_set_equal(&archived, &f->events));
    event_set_free(&archived);
    assert_int_equal(alog_segments_list(f->archive_dir, &list, NULL), ALOG_OK);
    for (size_t i = 0; i < list.count; i++) {
        assert_int_equal(alog_archive_check(list.segments[i].path, NULL), ALOG_OK);
    }
    alog_segments_free(&list);
    assert_int_equal(scratch_dir_count(f->log_dir, SEGMENT), 0);
    assert_int_equal(scratch_dir_count(f->archive_dir, ".archiving"), 0);
    assert_int_equal(scratch_dir_count(f->archive_dir, ".tmp"), 0);
}

/* ---- Once ------------------------------------------------------------------------------------ */

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    snprintf(f->log_dir, sizeof f->log_dir, "%s/log", f->dir);
    snprintf(f->archive_dir, sizeof f->archive_dir, "%s/archive", f->dir);
    snprintf(f->template, sizeof f->template, "%s/template", f->dir);
    ingest_fixture_make_log(f->template, 5, 2, 2, 2, 12);
    event_set_add(&f->events, f->template);
    assert_int_equal(f->events.count, 96);
    assert_int_equal(f->events.damages + f->events.repeats, 0);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    event_set_free(&f->events);
    event_set_free(&f->redacted);
    scratch_dir_remove(f->dir);
    free(f);
    return 0;
}

static void undisturbed(void **state) {
    struct fixture *f = *state;
    struct scripted_io script;
    struct alog_archive_report report;
    put_copy(f);
    scripted_io_init(&script);
    assert_int_equal(archive(f, &script.io, &report), ALOG_OK);
    assert_int_equal(report.segments, 4);
    assert_int_equal(report.segments_removed, 4);
    assert_int_equal(report.events, 96);
    f->calls = script.calls;
    printf("%llu system calls\n", (unsigned long long)f->calls);
    archive_and_compare(f);
}

static uint64_t stride(void) {
    const char *text = getenv("ALOG_CALL_STRIDE");
    const uint64_t number = text != NULL ? strtoull(text, NULL, 10) : 0;
    return number > 0 ? number : 5;
}

/* ---- Killed ---------------------------------------------------------------------------------- */

/* A run with that script, in a process of its own; true if it was killed. */
static bool archive_scripted(const struct fixture *f, struct scripted_io *script) {
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(archive(f, &script->io, NULL) == ALOG_OK ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == KILLED);
    return WEXITSTATUS(status) == KILLED;
}

/* At `call`, and now and then a second time, somewhere in what is then left to do. */
static void kill_at_every_call(const struct fixture *f, uint64_t first, uint64_t bytes_of_write) {
    for (uint64_t call = first; call <= f->calls; call += stride()) {
        struct scripted_io script;
        put_copy(f);
        scripted_io_init(&script);
        script.exit_code = KILLED;
        script.fail_at = call;
        script.fail_after_bytes = bytes_of_write;
        assert_true(archive_scripted(f, &script));
        assert_nothing_lost(f);
        if (call % 2 == 0) {
            script.fail_at = 1 + call * 7 % f->calls;
            script.seed = call; /* another process: its random numbers are others */
            (void)archive_scripted(f, &script);
            assert_nothing_lost(f);
        }
        archive_and_compare(f);
    }
}

static void killed_before_every_call(void **state) {
    kill_at_every_call(*state, 1, 0);
}

static void killed_within_every_write(void **state) {
    kill_at_every_call(*state, stride() == 1 ? 1 : 3, 20);
}

/* ---- Failing --------------------------------------------------------------------------------- */

static void fail_every_call(const struct fixture *f, uint64_t first, bool for_ever) {
    const int errors[] = {EIO, ENOSPC, EMFILE, ENOMEM};
    for (uint64_t call = first; call <= f->calls; call += stride()) {
        struct scripted_io script;
        struct alog_archive_report report = {0};
        put_copy(f);
        scripted_io_init(&script);
        script.fail_at = call;
        script.fail_errno = errors[call % 4];
        script.fail_for_ever = for_ever;
        const enum alog_status status = archive(f, &script.io, &report);
        assert_true(script.failures > 0);
        assert_nothing_lost(f);
        if (status == ALOG_OK) { /* done without that call, or with what could be read */
            assert_int_equal(report.segments + report.segments_left, 4);
        }
        archive_and_compare(f);
    }
}

static void every_call_fails_once(void **state) {
    fail_every_call(*state, 1, false);
}

static void every_call_fails_for_ever(void **state) {
    fail_every_call(*state, stride() == 1 ? 1 : 2, true);
}

/* ---- Other bytes ----------------------------------------------------------------------------- */

/* Writes through, but for one byte of one write. */
struct lying_io {
    struct alog_io io;
    uint64_t writes, lie_at;
};

static int64_t lie(void *context, int fd, const struct iovec *parts, int count, uint64_t offset) {
    struct lying_io *disk = context;
    if (++disk->writes != disk->lie_at || parts[count - 1].iov_len == 0) {
        return alog_io_system()->pwritev(NULL, fd, parts, count, offset);
    }
    const struct iovec *last = &parts[count - 1];
    uint8_t *bytes = malloc(last->iov_len);
    struct iovec changed[8];
    assert_in_range(count, 1, 8);
    memcpy(changed, parts, (size_t)count * sizeof *parts);
    memcpy(bytes, last->iov_base, last->iov_len);
    bytes[last->iov_len / 2] ^= 0x10;
    changed[count - 1].iov_base = bytes;
    const int64_t put = alog_io_system()->pwritev(NULL, fd, changed, count, offset);
    free(bytes);
    return put;
}

/* Of the archive's writes, any: what does not read back as the segments replaces none. */
static void a_disk_that_lies(void **state) {
    const struct fixture *f = *state;
    uint64_t found = 0;
    for (uint64_t at = 1;; at++) {
        struct lying_io disk = {.io = *alog_io_system(), .lie_at = at};
        disk.io.context = &disk;
        disk.io.pwritev = lie;
        put_copy(f);
        const enum alog_status status = archive(f, &disk.io, NULL);
        if (disk.writes < at) {
            break;
        }
        found += status != ALOG_OK;
        if (scratch_dir_count(f->log_dir, SEGMENT) < 4) {
            /* Something was removed: the byte was in what can be derived, index or manifest. */
            struct event_set archived = {0};
            event_set_add(&archived, f->archive_dir);
            event_set_add(&archived, f->log_dir);
            assert_true(event_set_equal(&archived, &f->events));
            event_set_free(&archived);
        } else {
            assert_int_equal(scratch_dir_count(f->log_dir, SEGMENT), 4);
            archive_and_compare(f);
        }
    }
    assert_true(found >= 3);
}

static void an_original_that_is_damaged(void **state) {
    const struct fixture *f = *state;
    struct alog_segment_list list;
    assert_int_equal(alog_segments_list(f->template, &list, NULL), ALOG_OK);
    char path[8192];
    snprintf(path, sizeof path, "%s%s", f->log_dir, list.segments[1].path + strlen(f->template));
    size_t size;
    uint8_t *bytes = file_bytes_read(list.segments[1].path, &size);
    for (size_t at = 3; at < size; at += stride() == 1 ? 7 : 61) {
        struct alog_archive_report report;
        put_copy(f);
        bytes[at] ^= 0x10;
        file_bytes_write(path, bytes, size);
        assert_int_equal(archive(f, NULL, &report), ALOG_OK);
        assert_int_equal(report.segments_left, 1);
        assert_int_equal(report.segments_removed, 3);
        size_t left;
        uint8_t *kept = file_bytes_read(path, &left);
        assert_int_equal(left, size);
        assert_memory_equal(kept, bytes, size);
        free(kept);
        bytes[at] ^= 0x10;
        file_bytes_write(path, bytes, size);
        archive_and_compare(f);
    }
    free(bytes);
    alog_segments_free(&list);
}

/* It is the archive's by its id, and no longer by its bytes: neither is thrown away. */
static void an_original_that_changed_since(void **state) {
    const struct fixture *f = *state;
    struct alog_archive_options options = options_with(NULL);
    struct alog_archive_report report;
    struct alog_segment_list list;
    put_copy(f);
    options.keep_segments = true;
    assert_int_equal(alog_archive(f->log_dir, f->archive_dir, &options, &report, NULL), ALOG_OK);
    assert_int_equal(report.segments, 4);
    assert_int_equal(scratch_dir_count(f->log_dir, SEGMENT), 4);
    assert_int_equal(alog_segments_list(f->log_dir, &list, NULL), ALOG_OK);
    size_t size;
    uint8_t *bytes = file_bytes_read(list.segments[2].path, &size);
    bytes[size / 2] ^= 1;
    file_bytes_write(list.segments[2].path, bytes, size);
    assert_int_equal(archive(f, NULL, &report), ALOG_OK);
    assert_int_equal(report.segments, 0);
    assert_int_equal(report.segments_removed, 3);
    assert_int_equal(report.segments_left, 1);
    assert_int_equal(access(list.segments[2].path, F_OK), 0);
    free(bytes);
    alog_segments_free(&list);
}

/* ---- Redaction of what is archived ----------------------------------------------------------- */

static enum alog_status redact(const struct fixture *f, const struct alog_io *io) {
    static const char *const names[] = {"error_message", "agent_name", NULL};
    struct alog_archive_options options = options_with(io);
    options.redact = names;
    return alog_archive_redact(f->archive_dir, &options, NULL, NULL);
}

static void put_archive(const struct fixture *f) {
    run_command("rm -rf '%s' && cp -a '%s' '%s'", f->archive_dir, f->archived, f->archive_dir);
}

static void redacted_undisturbed(void **state) {
    struct fixture *f = *state;
    struct scripted_io script;
    put_copy(f);
    assert_int_equal(archive(f, NULL, NULL), ALOG_OK);
    snprintf(f->archived, sizeof f->archived, "%s/archived", f->dir);
    run_command("mv '%s' '%s'", f->archive_dir, f->archived);
    put_archive(f);
    scripted_io_init(&script);
    assert_int_equal(redact(f, &script.io), ALOG_OK);
    f->redaction_calls = script.calls;
    event_set_add(&f->redacted, f->archive_dir);
    assert_int_equal(f->redacted.count, f->events.count);
    assert_false(event_set_equal(&f->redacted, &f->events));
}

/* The one file is the old one or the new one; after another run it is the new one. */
static void assert_old_or_new_then_new(const struct fixture *f) {
    struct event_set before = {0}, after = {0};
    event_set_add(&before, f->archive_dir);
    assert_int_equal(before.damages + before.repeats, 0);
    assert_true(event_set_equal(&before, &f->events) || event_set_equal(&before, &f->redacted));
    assert_int_equal(redact(f, NULL), ALOG_OK);
    event_set_add(&after, f->archive_dir);
    assert_int_equal(after.damages + after.repeats, 0);
    assert_true(event_set_equal(&after, &f->redacted));
    event_set_free(&before);
    event_set_free(&after);
    struct alog_segment_list list;
    assert_int_equal(alog_segments_list(f->archive_dir, &list, NULL), ALOG_OK);
    assert_int_equal(list.count, 1);
    assert_int_equal(alog_archive_check(list.segments[0].path, NULL), ALOG_OK);
    alog_segments_free(&list);
    assert_int_equal(scratch_dir_count(f->archive_dir, ".archiving"), 0);
    assert_int_equal(scratch_dir_count(f->archive_dir, ".tmp"), 0);
}

static void redaction_killed_before_every_call(void **state) {
    const struct fixture *f = *state;
    for (uint64_t call = 1; call <= f->redaction_calls; call += stride()) {
        struct scripted_io script;
        put_archive(f);
        scripted_io_init(&script);
        script.exit_code = KILLED;
        script.fail_at = call;
        script.fail_after_bytes = call % 2 == 0 ? 20 : 0;
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            _exit(redact(f, &script.io) == ALOG_OK ? 0 : 1);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == KILLED);
        assert_old_or_new_then_new(f);
    }
}

static void redaction_fails_at_every_call(void **state) {
    const struct fixture *f = *state;
    const int errors[] = {EIO, ENOSPC, EMFILE, ENOMEM};
    for (uint64_t call = stride() == 1 ? 1 : 2; call <= f->redaction_calls; call += stride()) {
        struct scripted_io script;
        put_archive(f);
        scripted_io_init(&script);
        script.fail_at = call;
        script.fail_errno = errors[call % 4];
        script.fail_for_ever = call % 2 == 0;
        (void)redact(f, &script.io);
        assert_true(script.failures > 0);
        assert_old_or_new_then_new(f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(undisturbed), /* says what the others expect */
        cmocka_unit_test(killed_before_every_call),
        cmocka_unit_test(killed_within_every_write),
        cmocka_unit_test(every_call_fails_once),
        cmocka_unit_test(every_call_fails_for_ever),
        cmocka_unit_test(a_disk_that_lies),
        cmocka_unit_test(an_original_that_is_damaged),
        cmocka_unit_test(an_original_that_changed_since),
        cmocka_unit_test(redacted_undisturbed), /* says what the others expect */
        cmocka_unit_test(redaction_killed_before_every_call),
        cmocka_unit_test(redaction_fails_at_every_call),
    };
    return cmocka_run_group_tests_name("archive_steps", tests, set_up, tear_down);
}
