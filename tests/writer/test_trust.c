/* Directories that are not to be trusted, links in the place of ours, and who may read what. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <agentlog/recover.h>
#include <agentlog/writer.h>

#include "support/fake_io.h"
#include "support/log_walk.h"
#include "support/scratch_dir.h"

static int setup(void **state) {
    *state = scratch_dir_make();
    return 0;
}

static int teardown(void **state) {
    scratch_dir_remove(*state);
    return 0;
}

/* Valid until the fourth call after this one. */
static char *path_in(const char *dir, const char *name) {
    static char *paths[4];
    static unsigned next;
    char **path = &paths[next++ % 4];
    char *made = NULL;
    assert_true(asprintf(&made, "%s/%s", dir, name) >= 0);
    free(*path);
    *path = made;
    return made;
}

/* The mode of the one file that a shell pattern finds, or -1. */
static int mode_of(const char *dir, const char *pattern) {
    char command[PATH_MAX + 64];
    char line[32] = "";
    snprintf(command, sizeof command, "stat -c %%a %s/%s", dir, pattern);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    bool found = fgets(line, sizeof line, out) != NULL;
    bool more = fgetc(out) != EOF;
    pclose(out);
    return found && !more ? (int)strtol(line, NULL, 8) : -1;
}

static void log_hook(struct alog_writer *writer) {
    assert_int_equal(alog_log_hook_execution(
                         writer, &(struct alog_hook_execution){.hook_name = ALOG_STR("lint"),
                                                               .status = ALOG_HOOK_STATUS_SUCCESS}),
                     ALOG_OK);
}

/* ---- Modes ----------------------------------------------------------------------------------- */

static void files_are_the_owners_and_the_groups(void **state) {
    const char *dir = *state;
    const char *log = path_in(dir, "log");
    const char *rings = path_in(dir, "rings");
    assert_int_equal(mkdir(rings, 0700), 0);
    const mode_t before = umask(0);
    struct alog_writer_options options = ALOG_WRITER_OPTIONS_INIT;
    options.ring_dir = rings;
    struct alog_writer *writer;
    assert_int_equal(alog_writer_open(log, &options, &writer, NULL), ALOG_OK);
    log_hook(writer);
    assert_int_equal(alog_writer_flush(writer, 10000, NULL), ALOG_OK);
    assert_int_equal(mode_of(dir, "log"), 0770);
    assert_int_equal(mode_of(log, ".writers"), 0770);
    assert_int_equal(mode_of(log, ".writers/*.writer"), 0600);
    assert_int_equal(mode_of(log, "20*-*"), 0770);
    assert_int_equal(mode_of(log, "20*-*/*.open"), 0640);
    assert_int_equal(mode_of(rings, "*.ring"), 0600);
    assert_int_equal(alog_writer_close(writer, NULL), ALOG_OK);
    assert_int_equal(mode_of(log, "20*-*/*.zst"), 0640);
    umask(before);
}

static void the_umask_takes_away(void **state) {
    const char *dir = *state;
    const mode_t before = umask(077);
    const char *log = path_in(dir, "log");
    struct alog_writer *writer;
    assert_int_equal(alog_writer_open(log, NULL, &writer, NULL), ALOG_OK);
    log_hook(writer);
    assert_int_equal(alog_writer_close(writer, NULL), ALOG_OK);
    umask(before);
    assert_int_equal(mode_of(dir, "log"), 0700);
    assert_int_equal(mode_of(log, "20*-*/*.zst"), 0600);
}

/* ---- Directories ----------------------------------------------------------------------------- */

static void a_directory_of_everybody_is_refused(void **state) {
    static const mode_t modes[] = {0777, 01777, 0772, 0703};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        struct alog_writer *writer = NULL;
        struct alog_error error = {.message = ""};
        assert_int_equal(chmod(*state, modes[i]), 0);
        assert_int_equal(alog_writer_open(*state, NULL, &writer, &error), ALOG_INVALID);
        assert_non_null(strstr(error.message, "everybody may write to"));
        assert_null(writer);
        error.message[0] = '\0';
        assert_int_equal(alog_recover(*state, NULL, NULL, &error), ALOG_INVALID);
        assert_non_null(strstr(error.message, "everybody may write to"));
        assert_int_not_equal(access(path_in(*state, ".writers"), F_OK), 0);
    }
    struct alog_writer *writer;
    assert_int_equal(chmod(*state, 0770), 0);
    assert_int_equal(alog_writer_open(*state, NULL, &writer, NULL), ALOG_OK);
    assert_int_equal(alog_writer_close(writer, NULL), ALOG_OK);
}

static void a_log_may_be_reached_through_a_link(void **state) {
    const char *real = path_in(*state, "real");
    const char *link = path_in(*state, "link");
    struct alog_writer *writer;
    assert_int_equal(mkdir(real, 0700), 0);
    assert_int_equal(symlink(real, link), 0);
    assert_int_equal(alog_writer_open(link, NULL, &writer, NULL), ALOG_OK);
    log_hook(writer);
    assert_int_equal(alog_writer_close(writer, NULL), ALOG_OK);
    assert_int_equal(scratch_dir_count(real, ".zst"), 1);
    assert_int_equal(alog_recover(link, NULL, NULL, NULL), ALOG_OK);
}

static void a_link_in_place_of_the_writers_directory(void **state) {
    const char *elsewhere = path_in(*state, "elsewhere");
    const char *log = path_in(*state, "log");
    assert_int_equal(mkdir(elsewhere, 0700), 0);
    assert_int_equal(mkdir(log, 0700), 0);
    assert_int_equal(symlink(elsewhere, path_in(log, ".writers")), 0);
    struct alog_writer *writer = NULL;
    struct alog_error error = {.message = ""};
    assert_int_equal(alog_writer_open(log, NULL, &writer, &error), ALOG_INVALID);
    assert_non_null(strstr(error.message, ".writers is a symbolic link"));
    assert_int_equal(alog_recover(log, NULL, NULL, &error), ALOG_INVALID);
    assert_int_equal(rmdir(elsewhere), 0); /* nothing was made in it */
}

/* Today is one: nothing is written through it, and closing says why. */
static void a_link_in_place_of_a_day(void **state) {
    const char *elsewhere = path_in(*state, "elsewhere");
    const char *log = path_in(*state, "log");
    assert_int_equal(mkdir(elsewhere, 0700), 0);
    assert_int_equal(mkdir(log, 0700), 0);
    struct fake_io fake;
    fake_io_init(&fake);
    fake_io_set_realtime(&fake, INT64_C(1770206400000000000)); /* 2026-02-04T12:00:00Z */
    assert_int_equal(symlink(elsewhere, path_in(log, "2026-02-04")), 0);
    struct alog_writer_options options = ALOG_WRITER_OPTIONS_INIT;
    options.io = &fake.io;
    options.ring_dir = elsewhere;
    struct alog_writer *writer;
    struct alog_error error = {.message = ""};
    assert_int_equal(alog_writer_open(log, &options, &writer, NULL), ALOG_OK);
    log_hook(writer);
    assert_int_not_equal(alog_writer_close(writer, &error), ALOG_OK);
    assert_int_equal(scratch_dir_count(elsewhere, ".open"), 0);
    assert_int_equal(scratch_dir_count(elsewhere, ".zst"), 0);
    assert_int_equal(alog_recover(log, NULL, NULL, &error), ALOG_INVALID);
    assert_non_null(strstr(error.message, "2026-02-04 is a symbolic link"));
}

/* ---- Rings ----------------------------------------------------------------------------------- */

/* A child logs and dies without closing. */
static void let_a_writer_die(const char *log, const char *rings) {
    pid_t child = fork();
    if (child == 0) {
        struct alog_writer_options options = ALOG_WRITER_OPTIONS_INIT;
        options.ring_dir = rings;
        options.flush_interval_ms = 3600000;
        struct alog_writer *writer;
        if (alog_writer_open(log, &options, &writer, NULL) == ALOG_OK) {
            log_hook(writer);
        }
        raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void shell(const char *format, const char *a, const char *b) {
    char command[3 * PATH_MAX];
    int len = snprintf(command, sizeof command, "cd %s && ", a);
    snprintf(command + len, sizeof command - (size_t)len, "%s %s", format, b);
    assert_int_equal(system(command), 0);
}

static uint64_t recovered_events(const char *log) {
    struct alog_recover_report report;
    assert_int_equal(alog_recover(log, NULL, &report, NULL), ALOG_OK);
    uint64_t events = report.events_recovered;
    alog_recover_report_free(&report);
    return events;
}

static void a_ring_of_another_user_is_nobodys(void **state) {
    const char *log = path_in(*state, "log");
    const char *rings = path_in(*state, "rings");
    assert_int_equal(mkdir(rings, 0700), 0);
    if (geteuid() != 0) {
        skip(); /* nobody else can give files away */
    }
    let_a_writer_die(log, rings);
    shell("chown 65534", rings, "*.ring");
    assert_int_equal(recovered_events(log), 0);
    assert_int_equal(scratch_dir_count(rings, ".ring"), 1); /* nor is it removed */
}

static void the_logs_owner_may_have_rings(void **state) {
    const char *log = path_in(*state, "log");
    const char *rings = path_in(*state, "rings");
    assert_int_equal(mkdir(rings, 0700), 0);
    if (geteuid() != 0) {
        skip();
    }
    let_a_writer_die(log, rings);
    shell("chown 65534", rings, "*.ring");
    assert_int_equal(chown(log, 65534, (gid_t)-1), 0);
    assert_int_equal(recovered_events(log), 1);
}

static void a_link_in_place_of_a_ring(void **state) {
    const char *log = path_in(*state, "log");
    const char *rings = path_in(*state, "rings");
    assert_int_equal(mkdir(rings, 0700), 0);
    let_a_writer_die(log, rings);
    shell("for ring in *.ring; do mv $ring kept && ln -s kept $ring; done; test -L", rings,
          "*.ring");
    assert_int_equal(recovered_events(log), 0);
    assert_int_equal(access(path_in(rings, "kept"), F_OK), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_are_the_owners_and_the_groups, setup, teardown),
        cmocka_unit_test_setup_teardown(the_umask_takes_away, setup, teardown),
        cmocka_unit_test_setup_teardown(a_directory_of_everybody_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_log_may_be_reached_through_a_link, setup, teardown),
        cmocka_unit_test_setup_teardown(a_link_in_place_of_the_writers_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(a_link_in_place_of_a_day, setup, teardown),
        cmocka_unit_test_setup_teardown(a_ring_of_another_user_is_nobodys, setup, teardown),
        cmocka_unit_test_setup_teardown(the_logs_owner_may_have_rings, setup, teardown),
        cmocka_unit_test_setup_teardown(a_link_in_place_of_a_ring, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
