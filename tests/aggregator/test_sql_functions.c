/* The SQL functions at their edges: NULL, empty, broken and merged sketches, rates without trials.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "aggregator/sql_functions.h"

/* x'0100' + pairs: 0x01, zeros, then step and count of each bucket. Bucket 0 holds 1 us alone, and
 * bucket 320 ends at 2^10 us. */
static const struct {
    const char *sql;
    const char *expected; /* "!" and the message of an error */
} cases[] = {
    {"sketch_quantile_ms(NULL, 0.5)", "NULL"},
    {"sketch_quantile_ms(x'', 0.5)", "NULL"},
    {"sketch_quantile_ms(x'01000001', 0.5)", "0.001"},
    {"sketch_quantile_ms(x'0105', 0.99)", "0"},
    {"sketch_quantile_ms(x'01000001', 1.5)", "NULL"},
    {"sketch_quantile_ms(x'01000001', NULL)", "NULL"},
    {"sketch_quantile_ms(x'02000001', 0.5)", "!a latency sketch cannot be read"},
    {"sketch_quantile_ms(x'010000', 0.5)", "!a latency sketch cannot be read"},
    {"sketch_quantile_ms('text', 0.5)", "!a latency sketch cannot be read"},
    {"sketch_count_until_ms(x'01020001', 0)", "2"},
    {"sketch_count_until_ms(x'01020001', 0.001)", "3"},
    {"sketch_count_until_ms(x'01020001', 1e300)", "3"},
    {"sketch_count_until_ms(x'01020001', -1)", "0"},
    {"sketch_count_until_ms(x'01020001', NULL)", "NULL"},
    {"sketch_count_until_ms(NULL, 1)", "0"},
    {"sketch_count_until_ms(x'01', 1)", "!a latency sketch cannot be read"},
    {"(SELECT hex(sketch_merge(x)) FROM (SELECT x'01010002' AS x UNION ALL SELECT x'01020003'))",
     "01030005"},
    {"(SELECT hex(sketch_merge(x, y)) FROM (SELECT x'01000001' AS x, x'01000201' AS y))",
     "010000010201"},
    {"(SELECT sketch_merge(x) FROM (SELECT x'' AS x WHERE 0))", "NULL"},
    {"(SELECT typeof(sketch_merge(x)) || length(sketch_merge(x)) FROM (SELECT x'' AS x))", "blob0"},
    {"(SELECT hex(sketch_merge(x)) FROM (SELECT NULL AS x UNION ALL SELECT x'01000001'))",
     "01000001"},
    {"(SELECT sketch_merge(x) FROM (SELECT x'0100' AS x))", "!a latency sketch cannot be read"},
    {"(SELECT sketch_merge(x) FROM (SELECT x'010000FFFFFFFFFFFFFFFFFF01' AS x UNION ALL"
     " SELECT x'01000001'))",
     "!the counts of a latency sketch leave 64 bits"},
    {"wilson_low(0, 0)", "NULL"},
    {"wilson_high(0, 0)", "NULL"},
    {"wilson_low(NULL, 5)", "NULL"},
    {"wilson_high(1, NULL)", "NULL"},
    {"wilson_low(6, 5)", "NULL"},
    {"wilson_low(0, 5)", "0"},
    {"wilson_high(5, 5)", "1"},
};

static void test_functions(void **state) {
    (void)state;
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(alog_sql_functions_register(db, NULL), ALOG_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char sql[512];
        snprintf(sql, sizeof(sql), "SELECT %s", cases[i].sql);
        sqlite3_stmt *statement = NULL;
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
        char actual[256] = "NULL";
        if (sqlite3_step(statement) != SQLITE_ROW) {
            snprintf(actual, sizeof(actual), "!%s", sqlite3_errmsg(db));
        } else if (sqlite3_column_type(statement, 0) == SQLITE_FLOAT) {
            snprintf(actual, sizeof(actual), "%.9g", sqlite3_column_double(statement, 0));
        } else if (sqlite3_column_type(statement, 0) != SQLITE_NULL) {
            snprintf(actual, sizeof(actual), "%s", sqlite3_column_text(statement, 0));
        }
        sqlite3_finalize(statement);
        if (strcmp(actual, cases[i].expected) != 0) {
            fail_msg("%s gives %s, expected %s", cases[i].sql, actual, cases[i].expected);
        }
    }
    sqlite3_close(db);
}

/* Views must not need them: other tools could not read the database. */
static void test_not_in_views(void **state) {
    (void)state;
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(alog_sql_functions_register(db, NULL), ALOG_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE VIEW v AS SELECT wilson_low(1, 2)", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "SELECT * FROM v", NULL, NULL, NULL), SQLITE_ERROR);
    sqlite3_close(db);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_not_in_views),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
