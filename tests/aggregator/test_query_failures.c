/* errors and tests, against figures computed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/database_fixture.h"
#include "support/scratch_dir.h"

static const char rows[] =
    "INSERT INTO rollup_errors (hour_epoch, environment, error_type, error_category, errors, "
    "first_ns, last_ns, sample) VALUES"
    " (:day, 'production', 'hook', 'ruff', 2, 500, 600, 'second hour''s is earlier'),"
    " (:day + 3600, 'production', 'hook', 'ruff', 4, 400, 550, 'earliest'),"
    " (:day, 'production', 'test', '', 3, 10, 20, ''),"
    " (:day, 'production', 'lint', 'a', 3, 10, 20, 'x' || char(0) || 'y'),"
    " (:day, 'test', 'hook', 'ruff', 88, 1, 999, 'of the test environment');"
    "INSERT INTO rollup_tests VALUES"
    " (:day, 'production', 'steady', 9, 0, 1, 0, 9, 900, 200, 0),"
    " (:day, 'production', 'flaky', 3, 0, 0, 0, 0, 0, 0, 0),"
    " (:day + 3600, 'production', 'flaky', 0, 2, 0, 0, 2, 5000, 4000, 0),"
    " (:day, 'production', 'broken', 0, 1, 0, 1, 1, 0, 0, 0),"
    " (:day, 'production', 'worst', 0, 7, 0, 2, 0, 0, 0, 0),"
    " (:day, 'production', 'skipped', 0, 0, 5, 0, 0, 0, 0, 0);"
    "INSERT INTO rollup_events VALUES (:day, 'production', 'error', 12, 0),"
    " (:day, 'test', 'error', 88, 0);"
    "INSERT INTO dirty_days VALUES ('production', :day), ('test', :day);";

static const struct {
    const char *name;
    struct alog_query query;
    const char *columns;
    const char *expected;
} cases[] = {
    {"most errors first, then by name; the sample is the earliest's",
     {.kind = ALOG_QUERY_ERRORS},
     "error_type error_category errors share first_seen last_seen",
     "hook|ruff|6|0.5|400|600\nlint|a|3|0.25|10|20\ntest||3|0.25|10|20\n"},
    {"the sample is the earliest's",
     {.kind = ALOG_QUERY_ERRORS, .limit = 1},
     "errors share sample",
     "6|0.5|earliest\n"},
    {"a share is a rate of all errors, also of those that the limit hides",
     {.kind = ALOG_QUERY_ERRORS, .limit = 1},
     "errors share_count share share_low share_high",
     "6|12|0.5|0.253782|0.746218\n"},
    {"within an hour",
     {.kind = ALOG_QUERY_ERRORS, .until_ns = {(FIXTURE_DAY + 1) * 1000000000, true}},
     "error_type errors share",
     "lint|3|0.375\ntest|3|0.375\nhook|2|0.25\n"},
    {"in all environments",
     {.kind = ALOG_QUERY_ERRORS, .environment = {"*", 1}, .limit = 1},
     "errors share first_seen last_seen sample",
     "94|0.94|1|999|of the test environment\n"},
    {"failing tests first, then flaky ones, then busy ones",
     {.kind = ALOG_QUERY_TESTS},
     "test_id runs passed failed errors skipped flaky",
     "worst|9|0|7|2|0|no\n"
     "flaky|5|3|2|0|0|yes\n"
     "broken|2|0|1|1|0|no\n"
     "steady|9|9|0|0|1|no\n"
     "skipped|0|0|0|0|5|no\n"},
    {"rates and times; what never ran has none",
     {.kind = ALOG_QUERY_TESTS},
     "failure_rate failure_rate_low failure_rate_high avg_execution_time_ms max_execution_time_ms",
     "1|0.700855|1|-|-\n"
     "0.4|0.117621|0.769276|2.5|4\n"
     "1|0.34238|1|0|0\n"
     "0|0|0.299145|0.1|0.2\n"
     "-|-|-|-|-\n"},
    {"flaky only when both are in the window",
     {.kind = ALOG_QUERY_TESTS, .since_ns = {(FIXTURE_DAY + 3600) * 1000000000, true}},
     "test_id runs flaky",
     "flaky|2|no\n"},
};

static void test_answers(void **state) {
    char *path = fixture_database_fill(*state, 0, rows);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("%s\n", cases[i].name);
        char *text = fixture_ask(path, &cases[i].query, cases[i].columns);
        assert_string_equal(text, cases[i].expected);
        free(text);
    }
    free(path);
}

/* A text with a NUL comes out whole. */
static void test_nul_in_text(void **state) {
    char *path = fixture_database_fill(*state, 0, rows);
    struct alog_db *db = NULL;
    struct alog_table *table = NULL;
    struct alog_query query = {.kind = ALOG_QUERY_ERRORS};
    assert_int_equal(alog_db_open(path, &db, NULL), ALOG_OK);
    assert_int_equal(alog_db_query(db, &query, &table, NULL), ALOG_OK);
    assert_int_equal(table->row_count, 3);
    struct alog_value sample = table->cells[2 * table->column_count - 1]; /* the last */
    assert_int_equal(sample.kind, ALOG_VALUE_STRING);
    assert_int_equal(sample.string.len, 3);
    assert_memory_equal(sample.string.data, "x\0y", 3);
    alog_table_free(table);
    alog_db_close(db);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, scratch_dir_set_up, scratch_dir_tear_down),
        cmocka_unit_test_setup_teardown(test_nul_in_text, scratch_dir_set_up,
                                        scratch_dir_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
