/* The same database, whatever the way the segments came in. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/db_dump.h"
#include "support/ingest_fixture.h"
#include "support/scratch_dir.h"

struct fixture {
    char *dir;
    char log[300], db[300];
    char *expected; /* of a one-shot ingest with one thread */
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    f->dir = scratch_dir_make();
    snprintf(f->log, sizeof(f->log), "%s/log", f->dir);
    snprintf(f->db, sizeof(f->db), "%s/a.db", f->dir);
    ingest_fixture_make_log(f->log, test_random_seed(7), 3, 4, 3, 60);
    ingest_fixture_ingest(f->log, f->db, 1, NULL);
    f->expected = db_dump(f->db, NULL);
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

static void the_sums_are_the_segments(void **state) {
    struct fixture *f = *state;
    assert_int_equal(ingest_fixture_integer(f->db, "SELECT count(*) FROM segments"), 12);
    assert_int_equal(ingest_fixture_integer(f->db, "SELECT sum(events) FROM rollup_events"),
                     3 * 4 * 3 * 60);
    assert_int_equal(
        ingest_fixture_integer(f->db, "SELECT sum(events) FROM jobs"),
        ingest_fixture_integer(f->db, "SELECT sum(events) - sum(without_job) FROM rollup_events"));
    assert_int_equal(ingest_fixture_integer(f->db, "SELECT sum(missing_events) FROM segments"),
                     ingest_fixture_integer(
                         f->db, "SELECT sum(events_lost) FROM rollup_losses WHERE reason = 'gap'"));
    assert_true(ingest_fixture_integer(f->db, "SELECT sum(not_finite) FROM rollup_agents") > 0);
    assert_int_equal(ingest_fixture_integer(f->db, "SELECT count(*) FROM dirty_days"), 0);
}

static void again_changes_nothing(void **state) {
    struct fixture *f = *state;
    struct stat before, after;
    struct alog_ingest_report report;
    assert_int_equal(stat(f->db, &before), 0);
    ingest_fixture_ingest(f->log, f->db, 2, &report);
    assert_int_equal(stat(f->db, &after), 0);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    assert_int_equal(report.segments_seen, 12);
    assert_int_equal(report.segments_skipped, 12);
    assert_int_equal(report.segments_ingested, 0);
    assert_int_equal(report.events, 0);
    db_dump_assert_equal(f->db, f->expected, "again");
}

static void any_number_of_threads(void **state) {
    struct fixture *f = *state;
    for (uint32_t threads = 1; threads <= 8; threads++) {
        char db[320];
        snprintf(db, sizeof(db), "%s/threads-%u.db", f->dir, threads);
        ingest_fixture_ingest(f->log, db, threads, NULL);
        db_dump_assert_equal(db, f->expected, "threads");
    }
}

/* A second log directory that the segments are linked into, as if they arrived there. */
static void link_segment(const char *to_log, const struct alog_segment_path *segment) {
    char day[400], path[512];
    const char *day_name = segment->name - 11;
    snprintf(day, sizeof(day), "%s/%.10s", to_log, day_name);
    mkdir(to_log, 0777);
    mkdir(day, 0777);
    snprintf(path, sizeof(path), "%s/%s", day, segment->name);
    assert_int_equal(link(segment->path, path), 0);
}

static void any_order_and_number_of_ingests(void **state) {
    struct fixture *f = *state;
    struct test_random random = {test_random_seed(11)};
    struct alog_segment_list list;
    assert_int_equal(alog_segments_list(f->log, &list, NULL), ALOG_OK);
    for (int round = 0; round < 6; round++) {
        char log[320], db[320];
        snprintf(log, sizeof(log), "%s/log-%d", f->dir, round);
        snprintf(db, sizeof(db), "%s/order-%d.db", f->dir, round);
        for (size_t i = list.count; i > 1; i--) {
            size_t j = test_random_below(&random, (uint32_t)i);
            struct alog_segment_path swap = list.segments[i - 1];
            list.segments[i - 1] = list.segments[j];
            list.segments[j] = swap;
        }
        for (size_t i = 0; i < list.count; i++) {
            link_segment(log, &list.segments[i]);
            if (round == 0 || i + 1 == list.count || test_random_below(&random, 3) == 0) {
                ingest_fixture_ingest(log, db, 1 + test_random_below(&random, 3), NULL);
            }
        }
        db_dump_assert_equal(db, f->expected, "order");
    }
    alog_segments_free(&list);
}

/* Also when several are written between commits, and hours left open from one to the next. */
static void block_by_block(void **state) {
    struct fixture *f = *state;
    static const uint32_t blocks_per_commit[] = {1, 2, 3, UINT32_MAX};
    for (size_t i = 0; i < 4; i++) {
        char db[320];
        snprintf(db, sizeof(db), "%s/blocks-%zu.db", f->dir, i);
        assert_int_equal(ingest_fixture_by_blocks(f->log, db, blocks_per_commit[i], NULL, NULL),
                         ALOG_OK);
        db_dump_assert_equal(db, f->expected, "block by block");
    }
}

static void rebuilt(void **state) {
    struct fixture *f = *state;
    struct alog_error error = {0};
    assert_int_equal(alog_rebuild(f->log, f->db, NULL, NULL, &error), ALOG_OK);
    db_dump_assert_equal(f->db, f->expected, "rebuilt");
    static const char *const days[] = {"2026-02-03", "2026-02-04", "2026-02-05", "1999-01-01"};
    for (size_t i = 0; i < 4; i++) {
        struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
        options.day = days[i];
        options.threads = 2;
        if (alog_rebuild(f->log, f->db, &options, NULL, &error) != ALOG_OK) {
            fail_msg("%s", error.message);
        }
        db_dump_assert_equal(f->db, f->expected, days[i]);
    }
}

static void other_zones_add_up_alike(void **state) {
    struct fixture *f = *state;
    char db[320];
    snprintf(db, sizeof(db), "%s/zone.db", f->dir);
    struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
    options.time_zone = "+05:45";
    assert_int_equal(alog_ingest(f->log, db, &options, NULL, NULL), ALOG_OK);
    assert_int_equal(ingest_fixture_integer(db, "SELECT sum(events) FROM daily_events"),
                     ingest_fixture_integer(f->db, "SELECT sum(events) FROM daily_events"));
    assert_int_equal(
        ingest_fixture_integer(db, "SELECT sum((day_epoch + 20700) % 86400) FROM daily_summary"),
        0);
    assert_int_equal(
        ingest_fixture_integer(db, "SELECT sum((hour_epoch + 20700) % 3600) FROM rollup_agents"),
        0);
    char *expected = db_dump(db, NULL);
    options.day = "2026-02-04";
    assert_int_equal(alog_rebuild(f->log, db, &options, NULL, NULL), ALOG_OK);
    db_dump_assert_equal(db, expected, "a day in another zone");
    free(expected);
    /* The zone is the database's: another one is refused, none is fine, a rebuild may change it. */
    options.day = NULL;
    options.time_zone = "UTC";
    struct alog_error error = {0};
    assert_int_equal(alog_ingest(f->log, db, &options, NULL, &error), ALOG_INVALID);
    ingest_fixture_ingest(f->log, db, 1, NULL);
    assert_int_equal(alog_rebuild(f->log, db, &options, NULL, &error), ALOG_OK);
    db_dump_assert_equal(db, f->expected, "another zone by rebuild");
}

/* A growing segment, ingested now and then, with a torn tail at times, and sealed in the end. */
static void growing_segment(void **state) {
    struct fixture *f = *state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct test_random random = {seed};
        char log[320], db[320], once[320];
        snprintf(log, sizeof(log), "%s/growing-%d", f->dir, (int)seed);
        snprintf(db, sizeof(db), "%s/growing-%d.db", f->dir, (int)seed);
        snprintf(once, sizeof(once), "%s/once-%d.db", f->dir, (int)seed);
        struct segment_maker maker;
        segment_maker_init(&maker, alog_io_system(), log, seed + 100);
        for (int segment = 0; segment < 3; segment++) {
            segment_maker_begin(&maker);
            ingest_fixture_ingest(log, db, 1, NULL);
            for (int block = 0; block < 4; block++) {
                for (int event = 0; event < 25; event++) {
                    ingest_fixture_add(&maker, &random);
                }
                maker.next_sequence += test_random_below(&random, 2);
                /* What a writer that stopped in the middle of a write would leave. */
                FILE *tail = fopen(maker.path, "ab");
                assert_non_null(tail);
                fwrite("\x5a\x2a\x4d\x18torn", 1, 8, tail);
                fclose(tail);
                if (test_random_below(&random, 2) == 0) {
                    ingest_fixture_ingest(log, db, 2, NULL);
                }
                assert_int_equal(segment_maker_end_block(&maker), ALOG_OK);
                if (test_random_below(&random, 2) == 0) {
                    struct alog_ingest_report report;
                    ingest_fixture_ingest(log, db, 1, &report);
                    assert_true(report.events >= 25);
                    ingest_fixture_ingest(log, db, 1, &report);
                    assert_int_equal(report.events, 0);
                }
            }
            segment_maker_seal(&maker);
            ingest_fixture_ingest(log, db, 1, NULL);
        }
        segment_maker_free(&maker);
        ingest_fixture_ingest(log, once, 3, NULL);
        char *expected = db_dump(once, NULL);
        db_dump_assert_equal(db, expected, "growing");
        free(expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sums_are_the_segments),
        cmocka_unit_test(again_changes_nothing),
        cmocka_unit_test(any_number_of_threads),
        cmocka_unit_test(any_order_and_number_of_ingests),
        cmocka_unit_test(block_by_block),
        cmocka_unit_test(rebuilt),
        cmocka_unit_test(other_zones_add_up_alike),
        cmocka_unit_test(growing_segment),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
