/*
 * An ingest that is killed, or whose disk is full, at a change of a file, or killed as an SQL
 * statement starts; then run again.
 *
 * ALOG_FAULT_PLACES=N   at about so many changes, and statements, of each way (default 12; 100000 =
 *                       at every one). When a few events are added it is every statement anyway.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/db_dump.h"
#include "support/fault_statement.h"
#include "support/fault_vfs.h"
#include "support/ingest_fixture.h"
#include "support/scratch_dir.h"

struct fixture {
    char *dir;
    char first_log[300], log[300]; /* log: more segments, of the same writers */
    char *expected;
};

enum fault { KILLED_AT_CHANGE, DISK_FULL, KILLED_AT_STATEMENT };

enum way { FROM_NOTHING, BY_BLOCKS, MORE, REBUILD, REBUILD_DAY, WAYS };

static enum alog_status run(const struct fixture *f, enum way way, const char *db) {
    struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
    if (way == BY_BLOCKS) {
        return ingest_fixture_by_blocks(f->log, db, 2, NULL, NULL);
    }
    options.threads = 1;
    options.day = way == REBUILD_DAY ? "2026-02-04" : NULL;
    return way >= REBUILD ? alog_rebuild(f->log, db, &options, NULL, NULL)
                          : alog_ingest(f->log, db, &options, NULL, NULL);
}

/* A log of two writers with two segments each. */
static int make_fixture(void **state, unsigned blocks, unsigned events) {
    fault_vfs_install(FAULT_VFS_COUNT, 0);
    struct fixture *f = calloc(1, sizeof(*f));
    f->dir = scratch_dir_make();
    char db[300];
    snprintf(f->first_log, sizeof(f->first_log), "%s/first", f->dir);
    snprintf(f->log, sizeof(f->log), "%s/log", f->dir);
    snprintf(db, sizeof(db), "%s/expected.db", f->dir);
    ingest_fixture_make_log(f->log, 5, 2, 2, blocks, events);
    char command[1200];
    snprintf(command, sizeof(command), "cp -r '%s' '%s' && find '%s' -name '*-000002.*' -delete",
             f->log, f->first_log, f->first_log);
    assert_int_equal(system(command), 0);
    ingest_fixture_ingest(f->log, db, 1, NULL);
    f->expected = db_dump(db, NULL);
    snprintf(db, sizeof(db), "%s/first.db", f->dir);
    ingest_fixture_ingest(f->first_log, db, 1, NULL);
    *state = f;
    return 0;
}

static int set_up(void **state) {
    return make_fixture(state, 2, 30);
}

static int set_up_few(void **state) {
    return make_fixture(state, 1, 1);
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    scratch_dir_remove(f->dir);
    free(f->expected);
    free(f);
    return 0;
}

/* The database that a way begins with, a copy of one that set_up made. */
static void prepare(const struct fixture *f, enum way way, const char *db) {
    const char *base = way == MORE ? "first.db" : way >= REBUILD ? "expected.db" : NULL;
    char command[1200];
    int len = snprintf(command, sizeof(command), "rm -f '%s'*", db);
    if (base != NULL) {
        snprintf(command + len, sizeof(command) - (size_t)len, " && cp '%s/%s' '%s'", f->dir, base,
                 db);
    }
    assert_int_equal(system(command), 0);
}

/* In a process of its own. Gives the wait status and the places that there were; `at` 0 = no fault.
 */
static int run_with_fault(const struct fixture *f, enum way way, const char *db, enum fault fault,
                          unsigned at, unsigned *ret_places) {
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const bool at_statement = fault == KILLED_AT_STATEMENT;
        fault_vfs_install(at == 0 || at_statement ? FAULT_VFS_COUNT
                          : fault == DISK_FULL    ? FAULT_VFS_FULL
                                                  : FAULT_VFS_KILL,
                          at);
        fault_statement_install(at_statement ? at : 0);
        enum alog_status status = run(f, way, db);
        unsigned places = at_statement ? fault_statement_count() : fault_vfs_calls();
        ssize_t written = write(pipe_ends[1], &places, sizeof(places));
        _exit(written != sizeof(places) ? 99 : status == ALOG_OK ? 0 : 1);
    }
    close(pipe_ends[1]);
    int status;
    if (read(pipe_ends[0], ret_places, sizeof(*ret_places)) != sizeof(*ret_places)) {
        *ret_places = 0;
    }
    close(pipe_ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* One fault, and what a run after it makes of it. */
static void one_place(const struct fixture *f, enum way way, enum fault fault, const char *db,
                      unsigned at, unsigned places) {
    static const char *const names[] = {"killed at change", "disk full at change",
                                        "killed at statement"};
    char what[80];
    unsigned seen;
    prepare(f, way, db);
    int status = run_with_fault(f, way, db, fault, at, &seen);
    snprintf(what, sizeof(what), "way %d, %s %u of %u", way, names[fault], at, places);
    /* Threads may divide the work otherwise, and need fewer. */
    if (fault != DISK_FULL && !WIFSIGNALED(status) && seen >= at) {
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

/* At about so many places of a way. */
static void places_of(const struct fixture *f, enum way way, enum fault fault, unsigned wanted) {
    char db[340];
    unsigned places;
    snprintf(db, sizeof(db), "%s/%d-%d.db", f->dir, way, fault);
    prepare(f, way, db);
    assert_int_equal(run_with_fault(f, way, db, fault, 0, &places), 0);
    assert_true(places > 20);
    const unsigned step = 1 + places / (wanted != 0 ? wanted : 1);
    for (unsigned at = 1; at <= places; at += step) {
        one_place(f, way, fault, db, at, places);
    }
}

static unsigned wanted_places(void) {
    const char *text = getenv("ALOG_FAULT_PLACES");
    return text != NULL ? (unsigned)strtoul(text, NULL, 10) : 12;
}

static void killed_at_changes(void **state) {
    for (enum way way = 0; way < WAYS; way++) {
        places_of(*state, way, KILLED_AT_CHANGE, wanted_places());
    }
}

static void disk_full(void **state) {
    for (enum way way = 0; way < WAYS; way++) {
        places_of(*state, way, DISK_FULL, wanted_places());
    }
}

static void killed_at_statements(void **state) {
    for (enum way way = 0; way < WAYS; way++) {
        places_of(*state, way, KILLED_AT_STATEMENT, wanted_places());
    }
}

static void killed_at_every_statement(void **state) {
    places_of(*state, MORE, KILLED_AT_STATEMENT, UINT_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(killed_at_changes),
                                       cmocka_unit_test(disk_full),
                                       cmocka_unit_test(killed_at_statements)};
    const struct CMUnitTest few[] = {cmocka_unit_test(killed_at_every_statement)};
    const int failed = cmocka_run_group_tests(tests, set_up, tear_down);
    return failed + cmocka_run_group_tests(few, set_up_few, tear_down);
}
