/*
 * An ingest that is killed, or whose disk is full, at a change of a file; then run again.
 *
 * ALOG_FAULT_PLACES=N   at about so many changes of each way (default 12; 100000 = at every one)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/db_dump.h"
#include "support/fault_vfs.h"
#include "support/ingest_fixture.h"
#include "support/scratch_dir.h"

struct fixture {
    char *dir;
    char first_log[300], log[300]; /* log: more segments, of the same writers */
    char *expected;
    unsigned calls; /* changes of files in a run that is left alone */
};

enum way { FROM_NOTHING, BY_BLOCKS, MORE, REBUILD, REBUILD_DAY, WAYS };

static enum alog_status run(const struct fixture *f, enum way way, const char *db) {
    struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
    if (way == BY_BLOCKS) {
        return ingest_fixture_by_blocks(f->log, db, NULL, NULL);
    }
    options.threads = 1;
    options.day = way == REBUILD_DAY ? "2026-02-04" : NULL;
    return way >= REBUILD ? alog_rebuild(f->log, db, &options, NULL, NULL)
                          : alog_ingest(f->log, db, &options, NULL, NULL);
}

static int set_up(void **state) {
    fault_vfs_install(FAULT_VFS_COUNT, 0);
    struct fixture *f = calloc(1, sizeof(*f));
    f->dir = scratch_dir_make();
    char db[300];
    snprintf(f->first_log, sizeof(f->first_log), "%s/first", f->dir);
    snprintf(f->log, sizeof(f->log), "%s/log", f->dir);
    snprintf(db, sizeof(db), "%s/expected.db", f->dir);
    ingest_fixture_make_log(f->log, 5, 2, 2, 2, 30);
    char command[1200];
    snprintf(command, sizeof(command), "cp -r '%s' '%s' && find '%s' -name '*-000002.*' -delete",
             f->log, f->first_log, f->first_log);
    assert_int_equal(system(command), 0);
    ingest_fixture_ingest(f->log, db, 1, NULL);
    f->expected = db_dump(db, NULL);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    scratch_dir_remove(f->dir);
    free(f->expected);
    free(f);
    return 0;
}

/* The database that a way begins with. */
static void prepare(const struct fixture *f, enum way way, const char *db) {
    char command[1200];
    snprintf(command, sizeof(command), "rm -f '%s'*", db);
    assert_int_equal(system(command), 0);
    if (way == MORE) {
        ingest_fixture_ingest(f->first_log, db, 1, NULL);
    } else if (way >= REBUILD) {
        ingest_fixture_ingest(f->log, db, 1, NULL);
    }
}

/* In a process of its own. Gives the wait status and the calls that there were. */
static int run_with_fault(const struct fixture *f, enum way way, const char *db,
                          enum fault_vfs_action action, unsigned at, unsigned *ret_calls) {
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fault_vfs_install(action, at);
        enum alog_status status = run(f, way, db);
        unsigned calls = fault_vfs_calls();
        ssize_t written = write(pipe_ends[1], &calls, sizeof(calls));
        _exit(written != sizeof(calls) ? 99 : status == ALOG_OK ? 0 : 1);
    }
    close(pipe_ends[1]);
    int status;
    if (read(pipe_ends[0], ret_calls, sizeof(*ret_calls)) != sizeof(*ret_calls)) {
        *ret_calls = 0;
    }
    close(pipe_ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void every_place(const struct fixture *f, enum way way, enum fault_vfs_action action) {
    char db[340];
    unsigned calls;
    snprintf(db, sizeof(db), "%s/%d-%d.db", f->dir, way, action);
    prepare(f, way, db);
    assert_int_equal(run_with_fault(f, way, db, FAULT_VFS_COUNT, 0, &calls), 0);
    assert_true(calls > 20);
    const char *text = getenv("ALOG_FAULT_PLACES");
    const unsigned places = text != NULL ? (unsigned)strtoul(text, NULL, 10) : 12;
    const unsigned step = 1 + calls / (places != 0 ? places : 1);
    for (unsigned at = 1; at <= calls; at += step) {
        char what[64];
        unsigned seen;
        prepare(f, way, db);
        int status = run_with_fault(f, way, db, action, at, &seen);
        snprintf(what, sizeof(what), "way %d, %s at call %u of %u", way,
                 action == FAULT_VFS_KILL ? "killed" : "disk full", at, calls);
        /* Threads may divide the work otherwise, and need fewer calls. */
        if (action == FAULT_VFS_KILL && !WIFSIGNALED(status) && seen >= at) {
            fail_msg("%s: it was not", what);
        }
        if (way >= REBUILD) {
            /* The old content or the new, which are equal. */
            ingest_fixture_ingest(f->log, db, 1, NULL);
            db_dump_assert_equal(db, f->expected, what);
        }
        if (run(f, way, db) != ALOG_OK) {
            fail_msg("%s: it could not be run again", what);
        }
        db_dump_assert_equal(db, f->expected, what);
    }
}

static void killed(void **state) {
    for (enum way way = 0; way < WAYS; way++) {
        every_place(*state, way, FAULT_VFS_KILL);
    }
}

static void disk_full(void **state) {
    for (enum way way = 0; way < WAYS; way++) {
        every_place(*state, way, FAULT_VFS_FULL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(killed), cmocka_unit_test(disk_full)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
