/*
 * A segment is sealed, and so renamed, in the middle of an ingest: before each of the ingest's
 * opens in turn. The ingest does not fail for it, and the next one ends in the same database as if
 * nothing had happened meanwhile.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/db_dump.h"
#include "support/ingest_fixture.h"
#include "support/scratch_dir.h"

#define EVENTS 20

struct fixture {
    char *dir;
    char log[300], db[300], other_db[300];
    struct segment_maker maker;
    struct test_random random;
};

/* Which open seals the segment: of all in the process from `armed` on; 0 = none. */
static struct segment_maker *armed;
static unsigned opens, seal_at;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = va_arg(arguments, mode_t);
    va_end(arguments);
    if (armed != NULL && ++opens == seal_at) {
        struct segment_maker *maker = armed;
        armed = NULL;
        segment_maker_seal(maker);
    }
    return __real_open(path, flags, mode);
}

static void add_block(struct fixture *f) {
    for (unsigned i = 0; i < EVENTS; i++) {
        ingest_fixture_add(&f->maker, &f->random);
    }
    assert_int_equal(segment_maker_end_block(&f->maker), ALOG_OK);
}

static void begin(struct fixture *f, bool ingested_before) {
    f->dir = scratch_dir_make();
    snprintf(f->log, sizeof f->log, "%s/log", f->dir);
    snprintf(f->db, sizeof f->db, "%s/a.db", f->dir);
    snprintf(f->other_db, sizeof f->other_db, "%s/b.db", f->dir);
    f->random = (struct test_random){7};
    segment_maker_init(&f->maker, alog_io_system(), f->log, 0xabc);
    segment_maker_begin(&f->maker);
    add_block(f);
    if (ingested_before) {
        ingest_fixture_ingest(f->log, f->db, 1, NULL);
        add_block(f);
    }
}

static void end(struct fixture *f) {
    segment_maker_free(&f->maker);
    scratch_dir_remove(f->dir);
}

/* False: the ingest has not so many opens. */
static bool seal_and_compare(bool ingested_before, unsigned at) {
    struct fixture f = {.dir = NULL};
    struct alog_ingest_report report = {0};
    begin(&f, ingested_before);
    opens = 0;
    seal_at = at;
    armed = &f.maker;
    const enum alog_status status = alog_ingest(f.log, f.db, NULL, &report, NULL);
    const bool sealed = armed == NULL;
    armed = NULL;
    assert_int_equal(status, ALOG_OK);
    assert_int_equal(report.segments_bad, 0);
    if (sealed) {
        ingest_fixture_ingest(f.log, f.db, 1, &report);
        assert_int_equal(report.segments_bad, 0);
        ingest_fixture_ingest(f.log, f.other_db, 1, NULL);
        char *expected = db_dump(f.other_db, NULL);
        db_dump_assert_equal(f.db, expected, "sealed meanwhile");
        free(expected);
    }
    end(&f);
    return sealed;
}

static void seal_before_every_open(bool ingested_before) {
    unsigned at = 1;
    while (seal_and_compare(ingested_before, at)) {
        at++;
    }
    assert_in_range(at, 5, 1000); /* the segment is opened at least twice, the database as well */
}

static void new_to_the_database(void **state) {
    (void)state;
    seal_before_every_open(false);
}

static void known_in_part(void **state) {
    (void)state;
    seal_before_every_open(true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_to_the_database),
        cmocka_unit_test(known_in_part),
    };
    return cmocka_run_group_tests_name("ingest_sealed", tests, NULL, NULL);
}
