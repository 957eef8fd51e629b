/* Segments that were ingested in part, then archived: the database can be made anew by day from
 * what the archive holds, and goes on from there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <agentlog/archive.h>

#include "support/db_dump.h"
#include "support/ingest_fixture.h"
#include "support/scratch_dir.h"

#define BLOCKS           6
#define EVENTS_PER_BLOCK 120
#define FAR_FUTURE_NS    (INT64_C(4102444800) * 1000000000)

struct fixture {
    char *dir;
    char log_dir[512], archive[512], db[512], fresh_db[512];
    struct segment_maker maker;
    struct test_random random;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    snprintf(f->log_dir, sizeof f->log_dir, "%s/log", f->dir);
    snprintf(f->archive, sizeof f->archive, "%s/archive", f->dir);
    snprintf(f->db, sizeof f->db, "%s/db", f->dir);
    snprintf(f->fresh_db, sizeof f->fresh_db, "%s/fresh", f->dir);
    f->random = (struct test_random){test_random_seed(20260204)};
    segment_maker_init(&f->maker, alog_io_system(), f->log_dir, 17);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    segment_maker_free(&f->maker);
    scratch_dir_remove(f->dir);
    free(f);
    return 0;
}

static void add_blocks(struct fixture *f, unsigned blocks, bool gaps) {
    for (unsigned block = 0; block < blocks; block++) {
        for (unsigned event = 0; event < EVENTS_PER_BLOCK; event++) {
            ingest_fixture_add(&f->maker, &f->random);
        }
        if (gaps && block % 2 == 1) {
            f->maker.next_sequence += 3;
        }
        assert_int_equal(segment_maker_end_block(&f->maker), ALOG_OK);
    }
}

static void archive_all(const struct fixture *f) {
    struct alog_archive_options options = ALOG_ARCHIVE_OPTIONS_INIT;
    struct alog_archive_report report;
    struct alog_error error = {0};
    options.before_ns = ALOG_I64(FAR_FUTURE_NS);
    options.compression_level = 1;
    if (alog_archive(f->log_dir, f->archive, &options, &report, &error) != ALOG_OK) {
        fail_msg("archive: %s", error.message);
    }
    assert_int_equal(report.segments_removed, 1);
}

static void rebuild_day(const struct fixture *f, const char *db, const char *day) {
    struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
    struct alog_error error = {0};
    options.threads = 2;
    options.day = day;
    options.archive_dir = f->archive;
    if (alog_rebuild(f->log_dir, db, &options, NULL, &error) != ALOG_OK) {
        fail_msg("rebuild of %s: %s", day, error.message);
    }
}

/* `known` blocks of a segment are in the database when the rest is written and all is archived. */
static void check(struct fixture *f, unsigned known, bool gaps) {
    static const char *const days[] = {"2026-02-03", "2026-02-04"};
    segment_maker_begin(&f->maker);
    add_blocks(f, known, gaps);
    ingest_fixture_ingest(f->log_dir, f->db, 2, NULL);
    char *before = db_dump(f->db, NULL);
    add_blocks(f, BLOCKS - known, gaps);
    segment_maker_seal(&f->maker);
    archive_all(f);
    for (unsigned i = 0; i < sizeof days / sizeof *days; i++) {
        rebuild_day(f, f->db, days[i]);
        db_dump_assert_equal(f->db, before, "a day, of what was ingested of its segment");
    }
    free(before);
    ingest_fixture_ingest(f->archive, f->db, 2, NULL);
    ingest_fixture_ingest(f->archive, f->fresh_db, 2, NULL);
    char *fresh = db_dump(f->fresh_db, NULL);
    db_dump_assert_equal(f->db, fresh, "the rest, out of the archive");
    for (unsigned i = 0; i < sizeof days / sizeof *days; i++) {
        rebuild_day(f, f->db, days[i]);
        db_dump_assert_equal(f->db, fresh, "a day, of all of the segment");
    }
    free(fresh);
}

static void nothing_was_ingested(void **state) {
    check(*state, 0, false);
}

static void one_block_was_ingested(void **state) {
    check(*state, 1, false);
}

static void most_was_ingested(void **state) {
    check(*state, BLOCKS - 1, false);
}

static void numbers_are_missing(void **state) {
    check(*state, 4, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_was_ingested, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_block_was_ingested, set_up, tear_down),
        cmocka_unit_test_setup_teardown(most_was_ingested, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_are_missing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
