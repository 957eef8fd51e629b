/* Segments that get another name, vanish or change between being listed and being read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "aggregator/ingest_run.h"
#include "support/db_dump.h"
#include "support/ingest_fixture.h"
#include "support/scratch_dir.h"

#define SEGMENTS 3
#define EVENTS   20 /* of each */

struct fixture {
    char *dir;
    char log[300], db[300], away[300];
    struct segment_maker maker; /* its last segment is open */
    char paths[SEGMENTS][PATH_MAX];
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    struct test_random random = {9};
    f->dir = scratch_dir_make();
    snprintf(f->log, sizeof f->log, "%s/log", f->dir);
    snprintf(f->db, sizeof f->db, "%s/a.db", f->dir);
    snprintf(f->away, sizeof f->away, "%s/away", f->dir);
    segment_maker_init(&f->maker, alog_io_system(), f->log, 1);
    for (int i = 0; i < SEGMENTS; i++) {
        segment_maker_begin(&f->maker);
        for (int event = 0; event < EVENTS; event++) {
            ingest_fixture_add(&f->maker, &random);
        }
        assert_int_equal(segment_maker_end_block(&f->maker), ALOG_OK);
        if (i + 1 < SEGMENTS) {
            segment_maker_seal(&f->maker);
        }
        strcpy(f->paths[i], f->maker.path);
    }
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

typedef void change_fn(struct fixture *f, struct alog_ingest_plan *plan);

/* Plan, let `change` happen, read. */
static struct alog_ingest_report ingest_around(struct fixture *f, change_fn *change) {
    struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
    struct alog_ingest_setup setup;
    struct alog_ingest_plan plan;
    struct alog_ingest_report report = {0};
    struct alog_store *store;
    struct alog_error error = {0};
    options.threads = 2;
    assert_int_equal(alog_ingest_setup(&options, &setup, &error), ALOG_OK);
    assert_int_equal(alog_store_open(f->db, &setup.settings, &store, &error), ALOG_OK);
    assert_int_equal(alog_ingest_plan_make(alog_store_db(store), f->log, &setup, &plan, &error),
                     ALOG_OK);
    change(f, &plan);
    if (alog_ingest_execute(store, &plan, &setup, &report, &error) != ALOG_OK) {
        fail_msg("%s", error.message);
    }
    alog_ingest_plan_free(&plan);
    assert_int_equal(alog_store_close(store, &error), ALOG_OK);
    return report;
}

static int64_t integer(const struct fixture *f, const char *sql) {
    return ingest_fixture_integer(f->db, sql);
}

/* What a further ingest makes of it is what one from the start does. */
static void ends_as_at_once(struct fixture *f) {
    char once[320];
    snprintf(once, sizeof once, "%s/once.db", f->dir);
    ingest_fixture_ingest(f->log, f->db, 2, NULL);
    ingest_fixture_ingest(f->log, once, 1, NULL);
    char *expected = db_dump(once, NULL);
    db_dump_assert_equal(f->db, expected, "in the end");
    free(expected);
}

static void seal_it(struct fixture *f, struct alog_ingest_plan *plan) {
    (void)plan;
    segment_maker_seal(&f->maker);
}

static void sealed_before_it_is_read(void **state) {
    struct fixture *f = *state;
    struct alog_ingest_report report = ingest_around(f, seal_it);
    assert_int_equal(report.segments_ingested, SEGMENTS);
    assert_int_equal(report.events, SEGMENTS * EVENTS);
    assert_int_equal(integer(f, "SELECT COUNT(*) FROM segments WHERE state = 'sealed'"), SEGMENTS);
    ends_as_at_once(f);
}

/* The listing met the file before its name changed, and the other name after: entry `to` of the
 * plan becomes what entry `from` was called. */
static void list_twice(struct alog_ingest_plan *plan, size_t from, size_t to) {
    struct alog_segment_path *path = &plan->list.segments[to];
    const size_t bytes = strlen(plan->list.segments[from].path) + sizeof ".open";
    free(path->path);
    path->path = malloc(bytes);
    assert_non_null(path->path);
    snprintf(path->path, bytes, "%s.open", plan->list.segments[from].path);
    path->name = path->path + (plan->list.segments[from].name - plan->list.segments[from].path);
    path->open = true;
    plan->read[to] = true;
    plan->is_new[to] = false;
}

static void old_name_after(struct fixture *f, struct alog_ingest_plan *plan) {
    (void)f;
    list_twice(plan, 0, 1);
}

static void old_name_before(struct fixture *f, struct alog_ingest_plan *plan) {
    (void)f;
    list_twice(plan, 1, 0);
}

static void listed_under_both_names(void **state) {
    struct fixture *f = *state;
    struct alog_ingest_report report = ingest_around(f, old_name_after);
    assert_int_equal(report.events, 2 * EVENTS);
    assert_int_equal(report.segments_ingested, 2);
    ends_as_at_once(f);
}

static void listed_under_both_names_the_old_one_first(void **state) {
    struct fixture *f = *state;
    struct alog_ingest_report report = ingest_around(f, old_name_before);
    assert_int_equal(report.events, 2 * EVENTS);
    ends_as_at_once(f);
}

static void take_it_away(struct fixture *f, struct alog_ingest_plan *plan) {
    (void)plan;
    assert_int_equal(rename(f->paths[1], f->away), 0);
}

static void gone_before_it_is_read(void **state) {
    struct fixture *f = *state;
    struct alog_ingest_report report = ingest_around(f, take_it_away);
    assert_int_equal(report.events, 2 * EVENTS);
    assert_int_equal(report.segments_skipped, 1);
    assert_int_equal(report.segments_bad, 0);
    assert_int_equal(report.events_lost, integer(f, "SELECT SUM(events_lost) FROM losses"));
    assert_int_equal(integer(f, "SELECT SUM(events_lost) FROM lost_segments"), EVENTS);
    assert_int_equal(rename(f->away, f->paths[1]), 0);
    ends_as_at_once(f);
}

static void spoil_it(struct fixture *f, struct alog_ingest_plan *plan) {
    take_it_away(f, plan);
    FILE *file = fopen(f->paths[1], "wb");
    assert_non_null(file);
    fputs("this is no segment", file);
    fclose(file);
}

static void no_segment_any_more(void **state) {
    struct fixture *f = *state;
    struct alog_ingest_report report = ingest_around(f, spoil_it);
    assert_int_equal(report.events, 2 * EVENTS);
    assert_int_equal(report.segments_bad, 1);
    assert_int_equal(integer(f, "SELECT COUNT(*) FROM bad_segments WHERE length(reason) > 10"), 1);
    assert_int_equal(rename(f->away, f->paths[1]), 0);
    ends_as_at_once(f);
    assert_int_equal(integer(f, "SELECT COUNT(*) FROM bad_segments"), 0);
}

static void put_another_in_its_place(struct fixture *f, struct alog_ingest_plan *plan) {
    take_it_away(f, plan);
    assert_int_equal(link(f->paths[0], f->paths[1]), 0);
}

static void another_in_its_place(void **state) {
    struct fixture *f = *state;
    struct alog_ingest_report report = ingest_around(f, put_another_in_its_place);
    assert_int_equal(report.events, 2 * EVENTS);
    assert_int_equal(unlink(f->paths[1]), 0);
    assert_int_equal(rename(f->away, f->paths[1]), 0);
    ends_as_at_once(f);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(sealed_before_it_is_read),
        CASE(listed_under_both_names),
        CASE(listed_under_both_names_the_old_one_first),
        CASE(gone_before_it_is_read),
        CASE(no_segment_any_more),
        CASE(another_in_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
