/* Hours add up to days, days to months, months to the whole: every column of every rollup. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "aggregator/levels.h"
#include "aggregator/sql_functions.h"
#include "support/db_dump.h"
#include "support/ingest_fixture.h"
#include "support/scratch_dir.h"

static sqlite3 *open_db(const char *path) {
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(alog_sql_functions_register(db, NULL), ALOG_OK);
    return db;
}

/* The columns of a rollup, merged over the groups that `key` makes, as text. */
static char *merged(sqlite3 *db, const struct alog_rollup_kind *kind, const char *suffix,
                    const char *key) {
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendf(sql, "SELECT environment, %s", key);
    for (unsigned i = 0; i < kind->dimension_count; i++) {
        sqlite3_str_appendf(sql, ", %s", kind->dimensions[i]);
    }
    for (unsigned i = 0; i < kind->column_count; i++) {
        static const char *const forms[] = {
            [ALOG_MERGE_SUM] = ", SUM(%s)",
            [ALOG_MERGE_BITS] = ", bits_or(%s)",
            [ALOG_MERGE_LEAST] = ", MIN(%s)",
            [ALOG_MERGE_MOST] = ", MAX(%s)",
            [ALOG_MERGE_HISTOGRAM] = ", hex(sketch_merge(%s))",
            [ALOG_MERGE_SAMPLE] = ", earliest_text(first_ns, %s)",
        };
        char form[80];
        snprintf(form, sizeof(form), "%s", forms[kind->columns[i].merge]);
        sqlite3_str_appendf(sql, form, kind->columns[i].name);
    }
    sqlite3_str_appendf(sql, " FROM %s%s", kind->table, suffix);
    for (int clause = 0; clause < 2; clause++) {
        sqlite3_str_appendall(sql, clause == 0 ? " GROUP BY environment, 2"
                                               : " ORDER BY environment, 2");
        for (unsigned i = 0; i < kind->dimension_count; i++) {
            sqlite3_str_appendf(sql, ", %s", kind->dimensions[i]);
        }
    }
    char *text = sqlite3_str_finish(sql), *out = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&out, &bytes);
    sqlite3_stmt *row = NULL;
    if (sqlite3_prepare_v2(db, text, -1, &row, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", text, sqlite3_errmsg(db));
    }
    while (sqlite3_step(row) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(row); i++) {
            const char *value = (const char *)sqlite3_column_text(row, i);
            fprintf(stream, "%s|", value ? value : "-");
        }
        fputc('\n', stream);
    }
    if (sqlite3_finalize(row) != SQLITE_OK) {
        fail_msg("%s", sqlite3_errmsg(db));
    }
    fclose(stream);
    sqlite3_free(text);
    return out;
}

static void assert_same(sqlite3 *db, const struct alog_rollup_kind *kind, const char *a_suffix,
                        const char *a_key, const char *b_suffix, const char *b_key) {
    char *a = merged(db, kind, a_suffix, a_key), *b = merged(db, kind, b_suffix, b_key);
    if (strcmp(a, b) != 0) {
        fail_msg("%s%s and %s%s differ:\n%s\n%s", kind->table, a_suffix, kind->table, b_suffix, a,
                 b);
    }
    free(a);
    free(b);
}

static void levels_add_up(const char *db_path, int offset_s) {
    sqlite3 *db = open_db(db_path);
    char day[160], month[160];
    snprintf(day, sizeof(day), "hour_epoch - (hour_epoch + %d) %% 86400", offset_s);
    snprintf(month, sizeof(month), "unixepoch(day_epoch + %d, 'unixepoch', 'start of month') - %d",
             offset_s, offset_s);
    unsigned levelled = 0;
    for (enum alog_rollup rollup = 0; rollup < ALOG_ROLLUP_COUNT; rollup++) {
        if (alog_level_wanted(rollup)) {
            const struct alog_rollup_kind *kind = alog_rollup_kind(rollup);
            assert_same(db, kind, "", day, "_day", "day_epoch");
            assert_same(db, kind, "_day", month, "_month", "month_epoch");
            assert_same(db, kind, "", "1", "_month", "1");
            levelled++;
        }
    }
    assert_true(levelled >= 11);
    sqlite3_close(db);
}

/* The fixture's events lie around 2026-02-03 24:00; with these offsets also around a month's end.
 */
static void test_adds_up(void **state) {
    (void)state;
    static const struct {
        const char *zone;
        int offset_s;
    } zones[] = {{"UTC", 0}, {"+05:45", 20700}, {"-03:30", -12600}};
    char *dir = scratch_dir_make();
    uint64_t seed = test_random_seed(5);
    for (int round = 0; round < 3; round++) {
        char log[300], db[300];
        struct alog_error error = {0};
        struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
        snprintf(log, sizeof(log), "%s/log-%d", dir, round);
        snprintf(db, sizeof(db), "%s/%d.db", dir, round);
        ingest_fixture_make_log(log, seed + (uint64_t)round, 2, 3, 2, 80);
        options.time_zone = zones[round].zone;
        if (alog_ingest(log, db, &options, NULL, &error) != ALOG_OK) {
            fail_msg("%s", error.message);
        }
        levels_add_up(db, zones[round].offset_s);
    }
    scratch_dir_remove(dir);
}

/* Events spread over years, in segments that arrive one by one: the levels follow. */
static void test_over_months(void **state) {
    (void)state;
    char *dir = scratch_dir_make();
    char log[300], db[300], once[300], line[300];
    snprintf(log, sizeof(log), "%s/log", dir);
    snprintf(db, sizeof(db), "%s/a.db", dir);
    snprintf(once, sizeof(once), "%s/b.db", dir);
    struct test_random random = {test_random_seed(9)};
    struct segment_maker maker;
    segment_maker_init(&maker, alog_io_system(), log, 77);
    for (int segment = 0; segment < 12; segment++) {
        segment_maker_begin(&maker);
        for (int event = 0; event < 30; event++) {
            /* Two years from 2025-01-01. */
            unsigned long long at = 1735689600ULL + test_random_below(&random, 2 * 365 * 86400);
            snprintf(line, sizeof(line),
                     "{\"event\":\"error\",\"timestamp\":%llu000000000,\"error_type\":\"e%u\","
                     "\"error_message\":\"m%u\"}",
                     at, test_random_below(&random, 3), test_random_below(&random, 50));
            segment_maker_add_line(&maker, line);
        }
        assert_int_equal(segment_maker_end_block(&maker), ALOG_OK);
        segment_maker_seal(&maker);
        ingest_fixture_ingest(log, db, 1, NULL);
    }
    segment_maker_free(&maker);
    levels_add_up(db, 0);
    assert_true(ingest_fixture_integer(
                    db, "SELECT count(DISTINCT month_epoch) FROM rollup_errors_month") > 20);
    ingest_fixture_ingest(log, once, 2, NULL);
    char *expected = db_dump(once, NULL);
    db_dump_assert_equal(db, expected, "one by one");
    free(expected);
    scratch_dir_remove(dir);
}

/* Every level's table is described. */
static void test_docs(void **state) {
    (void)state;
    char *dir = scratch_dir_make(), log[300], db[300];
    snprintf(log, sizeof(log), "%s/log", dir);
    snprintf(db, sizeof(db), "%s/a.db", dir);
    ingest_fixture_make_log(log, 1, 1, 1, 1, 5);
    ingest_fixture_ingest(log, db, 1, NULL);
    assert_int_equal(
        ingest_fixture_integer(
            db, "SELECT count(*) FROM sqlite_schema s, pragma_table_info(s.name) c"
                " WHERE s.type IN ('table', 'view') AND NOT EXISTS (SELECT 1 FROM schema_docs d"
                "  WHERE d.table_name = s.name AND d.column_name IN (c.name) AND d.doc <> '')"),
        0);
    assert_true(ingest_fixture_integer(db, "SELECT count(*) FROM schema_docs WHERE table_name ="
                                           " 'rollup_agents_month'") > 15);
    scratch_dir_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adds_up),
        cmocka_unit_test(test_over_months),
        cmocka_unit_test(test_docs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
