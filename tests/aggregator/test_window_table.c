/* A window as a table has the sums that GROUP BY makes of the window's hours: every rollup, any
 * window, any dimensions, any filter. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "aggregator/levels.h"
#include "aggregator/query_window.h"
#include "aggregator/sql_functions.h"
#include "aggregator/window_table.h"
#include "support/database_fixture.h"
#include "support/ingest_fixture.h"
#include "support/scratch_dir.h"

#define START_S INT64_C(1767225600) /* 2026-01-01 */
#define SPAN_S  (200u * 86400)

static sqlite3 *open_db(const char *path) {
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, (int *)NULL);
    assert_int_equal(alog_sql_functions_register(db, NULL), ALOG_OK);
    assert_int_equal(alog_window_tables_register(db, NULL), ALOG_OK);
    return db;
}

/* The rows as lines, or the error's text. */
static char *rows_of(sqlite3 *db, const char *sql) {
    char *out = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&out, &bytes);
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &row, NULL);
    while (code == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(row); i++) {
            const char *value = (const char *)sqlite3_column_text(row, i);
            fprintf(stream, "%s|", value ? value : "-");
        }
        fputc('\n', stream);
    }
    if (sqlite3_finalize(row) != SQLITE_OK || code != SQLITE_OK) {
        fprintf(stream, "error: %s", sqlite3_errmsg(db));
    }
    fclose(stream);
    return out;
}

/* ", dimension, …" of those whose bits are set. */
static void append_dimensions(sqlite3_str *sql, const struct alog_rollup_kind *kind,
                              unsigned bits) {
    for (unsigned i = 0; i < kind->dimension_count; i++) {
        if ((bits >> i & 1) != 0) {
            sqlite3_str_appendf(sql, ", %s", kind->dimensions[i]);
        }
    }
}

static void append_sums(sqlite3_str *sql, const struct alog_rollup_kind *kind, bool grouped) {
    static const char *const forms[][2] = {
        [ALOG_MERGE_SUM] = {", SUM(", ")"},
        [ALOG_MERGE_BITS] = {", bits_or(", ")"},
        [ALOG_MERGE_LEAST] = {", MIN(", ")"},
        [ALOG_MERGE_MOST] = {", MAX(", ")"},
        [ALOG_MERGE_HISTOGRAM] = {", hex(sketch_merge(", "))"},
        [ALOG_MERGE_SAMPLE] = {", earliest_text(first_ns, ", ")"},
    };
    for (unsigned i = 0; i < kind->column_count; i++) {
        const struct alog_rollup_column *column = &kind->columns[i];
        const char *const hex[] = {", hex(", ")"}, *const plain[] = {", ", ""};
        const char *const *form = grouped                                 ? forms[column->merge]
                                  : column->merge == ALOG_MERGE_HISTOGRAM ? hex
                                                                          : plain;
        sqlite3_str_appendf(sql, "%s%s%s", form[0], column->name, form[1]);
    }
}

struct choice {
    unsigned dimensions;
    const char *environment;
    const char *filter; /* a value for the first dimension, or NULL */
    int64_t since_s, until_s;
    int32_t offset_s;
};

static char *by_window_table(sqlite3 *db, const struct alog_rollup_kind *kind,
                             const struct choice *choice) {
    struct alog_query_window w;
    alog_query_window_lay_out(choice->since_s, choice->until_s, choice->offset_s, &w);
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendall(sql, "SELECT environment");
    append_dimensions(sql, kind, choice->dimensions);
    append_sums(sql, kind, false);
    sqlite3_str_appendf(sql, " FROM window_%s(%Q, %lld, %lld, %lld, %lld, %lld, %lld", kind->table,
                        choice->environment, w.head_hour, w.head_day, w.head_month, w.tail_month,
                        w.tail_day, w.tail_hour);
    for (unsigned i = 0; i < kind->dimension_count; i++) {
        sqlite3_str_appendf(sql, ", %Q", i == 0 ? choice->filter : NULL);
    }
    sqlite3_str_appendall(sql, ") ORDER BY environment");
    append_dimensions(sql, kind, choice->dimensions);
    char *text = sqlite3_str_finish(sql), *rows = rows_of(db, text);
    sqlite3_free(text);
    return rows;
}

static char *by_hours(sqlite3 *db, const struct alog_rollup_kind *kind,
                      const struct choice *choice) {
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendall(sql, "SELECT environment");
    append_dimensions(sql, kind, choice->dimensions);
    append_sums(sql, kind, true);
    sqlite3_str_appendf(sql, " FROM %s WHERE hour_epoch >= %lld AND hour_epoch < %lld", kind->table,
                        choice->since_s, choice->until_s);
    if (strcmp(choice->environment, "*") != 0) {
        sqlite3_str_appendf(sql, " AND environment = %Q", choice->environment);
    }
    if (choice->filter && kind->dimension_count > 0) {
        sqlite3_str_appendf(sql, " AND %s = %Q", kind->dimensions[0], choice->filter);
    }
    sqlite3_str_appendall(sql, " GROUP BY environment");
    append_dimensions(sql, kind, choice->dimensions);
    sqlite3_str_appendall(sql, " ORDER BY environment");
    append_dimensions(sql, kind, choice->dimensions);
    char *text = sqlite3_str_finish(sql), *rows = rows_of(db, text);
    sqlite3_free(text);
    return rows;
}

/* Days and months of events of each kind that has levels. */
static void make_log(const char *log, uint64_t seed) {
    static const char *const forms[] = {
        "\"event\":\"agent_execution\",\"agent_name\":\"a%u\",\"issue_type\":\"i%u\","
        "\"success\":true,\"confidence\":0.%u,\"execution_time_ms\":%u",
        "\"event\":\"provider_performance\",\"provider_id\":\"p%u\",\"model\":\"m%u\","
        "\"success\":true,\"cost_usd\":0.%u,\"latency_ms\":%u",
        "\"event\":\"error\",\"error_type\":\"e%u\",\"error_category\":\"c%u\","
        "\"error_message\":\"m %u is not %u\"",
        "\"event\":\"hook_execution\",\"hook_name\":\"h%u\",\"hook_type\":\"t%u\","
        "\"status\":\"failed\",\"execution_time_ms\":%u.%u",
        "\"event\":\"individual_test_execution\",\"test_id\":\"t%u\",\"test_class\":\"t%u\","
        "\"status\":\"passed\",\"execution_time_ms\":%u.%u",
        "\"event\":\"strategy_decision\",\"selected_strategy\":\"s%u\",\"previous_strategy\":"
        "\"s%u\",\"effectiveness_score\":0.%u,\"iteration\":%u",
        "\"event\":\"orchestration_execution\",\"execution_strategy\":\"s%u\",\"ai_mode\":\"m%u\","
        "\"iteration_count\":%u,\"total_execution_time_ms\":%u"};
    struct test_random random = {seed};
    for (int writer = 0; writer < 2; writer++) {
        struct segment_maker maker;
        segment_maker_init(&maker, alog_io_system(), log, 70 + (uint64_t)writer);
        segment_maker_begin(&maker);
        for (int i = 0; i < 700; i++) {
            char fields[300], line[500];
            size_t form = test_random_below(&random, sizeof(forms) / sizeof(forms[0]));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(fields, sizeof(fields), forms[form], test_random_below(&random, 3),
                     test_random_below(&random, 2), test_random_below(&random, 10),
                     test_random_below(&random, 5000));
#pragma GCC diagnostic pop
            snprintf(line, sizeof(line), "{\"timestamp\":%" PRId64 "000000000,%s}",
                     START_S + test_random_below(&random, SPAN_S), fields);
            segment_maker_add_line(&maker, line);
        }
        assert_int_equal(segment_maker_end_block(&maker), ALOG_OK);
        segment_maker_seal(&maker);
        segment_maker_free(&maker);
    }
}

static void test_same_as_group_by(void **state) {
    (void)state;
    static const char *const zones[] = {"UTC", "+05:45"};
    static const int32_t offsets_s[] = {0, 20700};
    char *dir = scratch_dir_make();
    char log[300], db_path[300];
    uint64_t seed = test_random_seed(11);
    unsigned with_rows = 0;
    snprintf(log, sizeof(log), "%s/log", dir);
    make_log(log, seed);
    for (int zone = 0; zone < 2; zone++) {
        struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
        options.time_zone = zones[zone];
        snprintf(db_path, sizeof(db_path), "%s/%d.db", dir, zone);
        assert_int_equal(alog_ingest(log, db_path, &options, NULL, NULL), ALOG_OK);
        sqlite3 *db = open_db(db_path);
        struct test_random random = {seed};
        for (int round = 0; round < 60; round++) {
            /* Bounds are starts of the zone's hours, in either order, or none. */
            int64_t first = START_S - offsets_s[zone] % 3600;
            int64_t since = first + test_random_below(&random, SPAN_S / 3600) * INT64_C(3600);
            int64_t until = first + test_random_below(&random, SPAN_S / 3600) * INT64_C(3600);
            struct choice choice = {.dimensions = test_random_below(&random, 16),
                                    .environment = round % 3 == 0 ? "*" : "production",
                                    .filter = round % 4 != 0   ? NULL
                                              : round % 8 == 0 ? "e1"
                                                               : "a1",
                                    .since_s = round % 7 == 0 ? INT64_MIN : since,
                                    .until_s = round % 5 == 0 ? INT64_MAX : until,
                                    .offset_s = offsets_s[zone]};
            for (enum alog_rollup rollup = 0; rollup < ALOG_ROLLUP_COUNT; rollup++) {
                if (!alog_level_wanted(rollup)) {
                    continue;
                }
                const struct alog_rollup_kind *kind = alog_rollup_kind(rollup);
                char *table = by_window_table(db, kind, &choice);
                char *hours_sum = by_hours(db, kind, &choice);
                if (strcmp(table, hours_sum) != 0) {
                    fail_msg("seed %" PRIu64 ", zone %s, round %d, %s:\n%s\n%s", seed, zones[zone],
                             round, kind->table, table, hours_sum);
                }
                with_rows += table[0] != '\0';
                free(table);
                free(hours_sum);
            }
        }
        sqlite3_close(db);
    }
    assert_true(with_rows > 200);
    scratch_dir_remove(dir);
}

static void test_refuses(void **state) {
    (void)state;
    char *dir = scratch_dir_make();
    char *path = fixture_database_fill(
        dir, 0,
        "INSERT INTO rollup_hooks (hour_epoch, environment, hook_name, runs, time_hist) VALUES"
        " (:day, 'production', 'big', 9223372036854775807, x''),"
        " (:day + 3600, 'production', 'big', 1, x''),"
        " (:day, 'production', 'torn', 1, x'01ff');");
    sqlite3 *db = open_db(path);
    static const struct {
        const char *sql, *expected;
    } cases[] = {
        {"SELECT runs FROM window_rollup_hooks('production', 0, 9e12, 9e12, 9e12, 9e12, 9e12,"
         " 'big', NULL)",
         "error: rollup_hooks: integer overflow"},
        {"SELECT length(time_hist) FROM window_rollup_hooks('production', 0, 9e12, 9e12, 9e12,"
         " 9e12, 9e12, 'torn', NULL)",
         "error: rollup_hooks: a latency sketch cannot be read"},
        {"SELECT runs FROM window_rollup_hooks('production', 0, 9e12, 9e12, 9e12, 9e12, 9e12,"
         " 'torn', NULL)",
         "1|\n"},
        {"SELECT runs FROM window_rollup_hooks('production')", "error: no query solution"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *rows = rows_of(db, cases[i].sql);
        assert_string_equal(rows, cases[i].expected);
        free(rows);
    }
    sqlite3_close(db);
    free(path);
    scratch_dir_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_as_group_by),
                                       cmocka_unit_test(test_refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
