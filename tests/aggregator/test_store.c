/* The database file as it is open: how much of it SQLite keeps in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "aggregator/store.h"
#include "support/scratch_dir.h"

/* Write some 70 MB in a transaction; the most that the cache has of it must be about 32 MiB. */
static void expect_small_cache(const char *path) {
    struct alog_store_settings settings = {.dimension_cap = ALOG_DEFAULT_DIMENSION_CAP};
    struct alog_store *store = NULL;
    alog_latency_limits_default(&settings.latency_limits);
    assert_int_equal(alog_store_open(path, &settings, &store, NULL), ALOG_OK);
    assert_int_equal(alog_store_begin(store, NULL), ALOG_OK);
    sqlite3 *db = alog_store_db(store);
    assert_int_equal(
        sqlite3_exec(db,
                     "CREATE TABLE IF NOT EXISTS filling (bytes BLOB);"
                     "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 4500)"
                     " INSERT INTO filling SELECT zeroblob(15000) FROM n",
                     NULL, NULL, NULL),
        SQLITE_OK);
    int now = 0, most = 0;
    assert_int_equal(sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_USED, &now, &most, 0), SQLITE_OK);
    assert_in_range(now, 8 << 20, 36 << 20);
    assert_int_equal(alog_store_commit(store, NULL), ALOG_OK);
    assert_int_equal(alog_store_close(store, NULL), ALOG_OK);
}

/* Of a new database, and of one that is there, in WAL mode. */
static void test_cache(void **state) {
    char path[600];
    snprintf(path, sizeof(path), "%s/a.db", (char *)*state);
    expect_small_cache(path);
    expect_small_cache(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cache, scratch_dir_set_up, scratch_dir_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
