/* Sums by day that are kept in memory: which days they have whole, and what they say of those. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "aggregator/calendar.h"
#include "aggregator/day_sums.h"
#include "aggregator/deltas.h"
#include "aggregator/store.h"
#include "support/database_fixture.h"
#include "support/scratch_dir.h"

struct fixture {
    char *dir;
    sqlite3 *db;
    struct alog_groups groups;
    struct alog_day_sums sums;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    f->dir = scratch_dir_make();
    char *path = fixture_database_fill(f->dir, 0, "SELECT 1");
    assert_int_equal(sqlite3_open(path, &f->db), SQLITE_OK);
    assert_int_equal(alog_deltas_register(f->db, NULL), ALOG_OK);
    free(path);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    alog_groups_free(&f->groups);
    alog_day_sums_free(&f->sums);
    sqlite3_close(f->db);
    scratch_dir_remove(f->dir);
    free(f);
    return 0;
}

/* Count `runs` of a hook in an hour, and one time of 10 us, which is in bucket 107 (6B). */
static void count(struct fixture *f, int64_t hour_epoch, const char *hook, int64_t runs) {
    assert_int_not_equal(alog_names_add(&f->groups.names, ALOG_STR("")), ALOG_NAME_NONE);
    struct alog_group_key key = {.hour_epoch = hour_epoch,
                                 .environment = alog_names_add(&f->groups.names, ALOG_STR("p")),
                                 .dimensions = {alog_names_add(&f->groups.names, alog_str(hook))}};
    struct alog_row_rollup_hooks *row = alog_groups_row(&f->groups, ALOG_IN_rollup_hooks, &key);
    assert_non_null(row);
    row->runs += runs;
    assert_int_equal(alog_sketch_add(&row->time_hist, 10, &f->groups.arena), ALOG_OK);
}

/* Add what was counted, but for the hours from `before` on, and forget it. */
static void add(struct fixture *f, int64_t before) {
    assert_int_equal(alog_day_sums_add(&f->sums, &f->groups, before, 0), ALOG_OK);
    alog_groups_free(&f->groups);
}

/* The day from which all is there. */
static int64_t write_days(struct fixture *f) {
    int64_t from = 0;
    struct alog_error error = {0};
    assert_int_equal(alog_day_sums_write(&f->sums, f->db, &from, &error), ALOG_OK);
    return from;
}

static void expect(struct fixture *f, const char *expected) {
    char *path = strdup(sqlite3_db_filename(f->db, "main"));
    char *text = fixture_select(path, "SELECT (day_epoch - 1770163200) / 86400, hook_name, runs,"
                                      " hex(time_hist) FROM rollup_hooks_day"
                                      " ORDER BY day_epoch, hook_name");
    assert_string_equal(text, expected);
    free(text);
    free(path);
}

static void begin(struct fixture *f) {
    assert_int_equal(alog_day_sums_begin(&f->sums, f->db, NULL), ALOG_OK);
}

static const int64_t day = FIXTURE_DAY, next = FIXTURE_DAY + ALOG_DAY_S;

/* Hours of several batches add up; one that is not over is in a later batch. */
static void test_adds_up(void **state) {
    struct fixture *f = *state;
    begin(f);
    count(f, day, "a", 1);
    count(f, day + ALOG_HOUR_S, "a", 2);
    count(f, day + 23 * ALOG_HOUR_S, "b", 4);
    count(f, next, "a", 100);
    add(f, next);
    count(f, day, "b", 8);
    count(f, next, "a", 16);
    add(f, INT64_MAX);
    assert_int_equal(write_days(f), INT64_MIN);
    expect(f, "0|a|3|01006B02\n0|b|12|01006B02\n1|a|16|01006B01\n");
}

/* Once written, only a day after the last is whole. */
static void test_after_writing(void **state) {
    struct fixture *f = *state;
    begin(f);
    count(f, day, "a", 1);
    add(f, INT64_MAX);
    assert_int_equal(write_days(f), INT64_MIN);
    count(f, day, "a", 2);
    count(f, next, "a", 4);
    add(f, INT64_MAX);
    assert_int_equal(write_days(f), next);
    expect(f, "0|a|1|01006B01\n1|a|4|01006B01\n");
    assert_int_equal(write_days(f), next + ALOG_DAY_S);
}

/* Nothing is known of what a database with hours, or with pruned days, says of any day. */
static void test_not_new(void **state) {
    static const char *const sql[] = {"INSERT INTO rollup_events VALUES (0, 'p', 'error', 1, 0)",
                                      "DELETE FROM rollup_events; INSERT INTO pruned_days"
                                      " VALUES (0, 'p', 1, 1, 1)"};
    struct fixture *f = *state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(sqlite3_exec(f->db, sql[i], NULL, NULL, NULL), SQLITE_OK);
        begin(f);
        count(f, day, "a", 1);
        add(f, INT64_MAX);
        assert_int_equal(write_days(f), INT64_MAX);
        expect(f, "");
    }
}

/* When they become too many, only later days are whole. */
static void test_too_many(void **state) {
    struct fixture *f = *state;
    begin(f);
    for (int i = 0; i < 60000; i++) {
        char name[20];
        snprintf(name, sizeof(name), "hook-%d", i);
        count(f, day, name, 1);
    }
    add(f, INT64_MAX);
    assert_true(alog_groups_bytes(&f->sums.groups) < (1u << 20));
    count(f, day, "a", 1);
    count(f, next, "a", 2);
    add(f, INT64_MAX);
    assert_int_equal(write_days(f), next);
    expect(f, "1|a|2|01006B01\n");
}

static void test_overflow(void **state) {
    struct fixture *f = *state;
    struct alog_error error = {0};
    int64_t from;
    begin(f);
    count(f, day, "a", INT64_MAX);
    count(f, day + ALOG_HOUR_S, "a", 1);
    add(f, INT64_MAX);
    assert_int_equal(alog_day_sums_write(&f->sums, f->db, &from, &error), ALOG_CORRUPT);
    assert_non_null(strstr(error.message, "would leave 64 bits"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_adds_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_after_writing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_not_new, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_overflow, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
