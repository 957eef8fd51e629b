/* Hours and days in a reporting zone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "aggregator/calendar.h"

static void buckets(void **state) {
    (void)state;
    static const struct {
        int64_t epoch_s, bucket_s;
        int32_t offset_s;
        int64_t start_s;
    } cases[] = {
        {0, 3600, 0, 0},
        {3599, 3600, 0, 0},
        {3600, 3600, 0, 3600},
        {1770163199, 86400, 0, 1770076800},
        {1770163200, 86400, 0, 1770163200},
        {1770163200, 86400, 28800, 1770134400}, /* 08:00 in +08:00 */
        {1770134399, 86400, 28800, 1770048000},
        {1770163200, 86400, -19800, 1770096600}, /* 18:30 the day before in -05:30 */
        {1770163200, 3600, 20700, 1770160500},   /* 05:45 in +05:45 */
        {0, 86400, -3600, -82800},
        {0, 3600, -1800, -1800},
        {59, 3600, 1800, -1800},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t start = alog_bucket_start(cases[i].epoch_s, cases[i].bucket_s, cases[i].offset_s);
        if (start != cases[i].start_s) {
            fail_msg("case %zu: %lld, expected %lld", i, (long long)start,
                     (long long)cases[i].start_s);
        }
    }
}

/* Against SQLite's calendar, in several zones, over four hundred years. */
static void months(void **state) {
    (void)state;
    static const int32_t offsets[] = {0, 28800, -19800, 64800};
    sqlite3 *db;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT unixepoch(?1 + ?2, 'unixepoch', 'start of month')"
                                        " - ?2, unixepoch(?1 + ?2, 'unixepoch', 'start of month',"
                                        " '+1 month') - ?2",
                                        -1, &statement, NULL),
                     SQLITE_OK);
    for (size_t i = 0; i < 4; i++) {
        for (int64_t at = -100000; at < INT64_C(13000000000); at += 1234567) {
            sqlite3_bind_int64(statement, 1, at);
            sqlite3_bind_int64(statement, 2, offsets[i]);
            assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
            assert_true(alog_month_start(at, 0, offsets[i]) == sqlite3_column_int64(statement, 0));
            assert_true(alog_month_start(at, 1, offsets[i]) == sqlite3_column_int64(statement, 1));
            sqlite3_reset(statement);
        }
    }
    assert_true(alog_month_start(1770163200, -1, 0) == 1767225600);  /* 2026-01-01 */
    assert_true(alog_month_start(1770163200, -14, 0) == 1733011200); /* 2024-12-01 */
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

static void zones(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int32_t offset_s; /* 1 = refused */
    } cases[] = {{"UTC", 0},        {"Z", 0},          {"+00:00", 0},       {"+08:00", 28800},
                 {"-0330", -12600}, {"+18:00", 64800}, {"+18:01", 1},       {"", 1},
                 {"+", 1},          {"+8", 1},         {"+08:0", 1},        {"+08:60", 1},
                 {"+08:00x", 1},    {"08:00", 1},      {"Europe/Paris", 1}, {"utc", 1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int32_t offset_s = 1;
        struct alog_error error = {0};
        enum alog_status status = alog_time_zone_parse(cases[i].text, &offset_s, &error);
        if (offset_s != cases[i].offset_s ||
            status != (cases[i].offset_s == 1 ? ALOG_INVALID : ALOG_OK)) {
            fail_msg("\"%s\": %d", cases[i].text, offset_s);
        }
    }
}

static void days(void **state) {
    (void)state;
    int64_t day = 0;
    assert_int_equal(alog_day_parse("2026-02-04", 0, &day, NULL), ALOG_OK);
    assert_int_equal(day, 1770163200);
    assert_int_equal(alog_day_parse("2026-02-04", 28800, &day, NULL), ALOG_OK);
    assert_int_equal(day, 1770134400);
    assert_int_equal(alog_day_parse("1970-01-01", 0, &day, NULL), ALOG_OK);
    assert_int_equal(day, 0);
    /* Where the zone is behind UTC, an event of 1970 may lie in the year before. */
    assert_int_equal(alog_day_parse("1969-12-31", -28800, &day, NULL), ALOG_OK);
    assert_int_equal(day, -86400 + 28800);
    assert_int_equal(alog_day_parse("2024-02-29", 0, &day, NULL), ALOG_OK);
    assert_int_equal(day, 1709164800);
    assert_int_equal(alog_day_parse("2262-04-12", 50400, &day, NULL), ALOG_OK);
    assert_int_equal(day, 9223372800 - 50400);
    static const char *const bad[] = {
        "",           "1969-12-30", "2262-04-13",           "2023-02-29", "2026-04-31",
        "2026-00-10", "2026-01-00", "9999-12-31",           "2026-2-4",   "2026-02-30",
        "2026-13-01", "today",      "2026-02-04T00:00:00Z", "2026/02/04"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(alog_day_parse(bad[i], 0, &day, NULL), ALOG_INVALID);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(buckets), cmocka_unit_test(months),
                                       cmocka_unit_test(zones), cmocka_unit_test(days)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
