/* What is missing from a database; one state of it for several questions; percentiles by day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/database_fixture.h"
#include "support/scratch_dir.h"

#define AT(seconds)                                                                                \
    { (FIXTURE_DAY + (seconds)) * 1000000000, true }

/* Two days with events, of which the second is three days after the first; one more in `test`. */
static const char rows[] =
    "INSERT INTO rollup_events VALUES (:day, 'production', 'x', 10, 0),"
    " (:day + 259200, 'production', 'x', 5, 0), (:day, 'test', 'x', 1, 0);"
    "INSERT INTO rollup_losses VALUES (:day, 'production', 'x', 'ring_full', 4);"
    "INSERT INTO rollup_strategies (hour_epoch, environment, selected_strategy, previous_strategy,"
    " decisions, not_finite) VALUES (:day, 'production', 's', '', 3, 2);"
    "INSERT INTO rollup_hooks (hour_epoch, environment, hook_name, hook_type, runs, time_hist,"
    " not_finite) VALUES (:day + 259200, 'production', 'h', '', 1, x'', 1);"
    "INSERT INTO rollup_providers (hour_epoch, environment, provider_id, model, agent_name, calls,"
    " successes, success_latency_count, success_latency_hist, failure_latency_hist)"
    " VALUES (:day, 'production', 'p', '', '', 4, 4, 4,"
    "  sketch(100000, 200000, 300000, 9000000), x'');"
    "INSERT INTO segments (segment_id, writer_id, number, environment, name, state, events,"
    " first_sequence, last_sequence, min_timestamp_ns, max_timestamp_ns, missing_events) VALUES"
    " ('a', 'w1', 1, 'production', 'd/a', 'sealed', 10, 1, 12, :day * 1000000000,"
    "  (:day + 60) * 1000000000, 2),"
    " ('b', 'w1', 2, 'production', 'd/b', 'open', 5, 13, 17, (:day + 259200) * 1000000000,"
    "  (:day + 259260) * 1000000000, 0),"
    " ('c', 'w2', 1, 'production', 'd/c', 'open', 0, 0, 0, 0, 0, 0),"
    " ('d', 'w3', 1, 'test', 'd/d', 'sealed', 1, 1, 1, :day * 1000000000, :day * 1000000000, 0);"
    "INSERT INTO bad_segments VALUES ('d/z', 'cut'), ('d/y', 'damaged');"
    "INSERT INTO dirty_days VALUES ('production', :day), ('production', :day + 259200),"
    " ('test', :day);";

static const struct {
    const char *name;
    struct alog_query query;
    const char *columns;
    const char *expected;
} cases[] = {
    {"days between which nothing came, losses, gaps",
     {.kind = ALOG_QUERY_COMPLETENESS},
     "environment first_day last_day days days_between events events_lost not_finite writers "
     "segments open_segments segments_with_gaps",
     "production|2026-02-04|2026-02-07|2|4|15|4|3|1|2|1|1\n"},
    {"what is set aside belongs to no environment",
     {.kind = ALOG_QUERY_COMPLETENESS, .environment = {"nowhere", 7}},
     "environment first_day days days_between events last_event segments_set_aside "
     "set_aside_segment set_aside_reason",
     "nowhere|-|0|0|0|-|2|d/y|damaged\n"},
    {"a window is made of whole days",
     {.kind = ALOG_QUERY_COMPLETENESS, .since_ns = AT(259201)},
     "first_day days days_between events events_lost not_finite segments segments_with_gaps",
     "2026-02-07|1|1|5|0|1|1|0\n"},
    {"every environment",
     {.kind = ALOG_QUERY_COMPLETENESS, .environment = {"*", 1}},
     "environment days events writers",
     "production|2|15|1\ntest|1|1|1\n"},
    {"the median by day",
     {.kind = ALOG_QUERY_TREND, .metric = ALOG_METRIC_LATENCY_P50, .until_ns = AT(1)},
     "period n value_low",
     "2026-02-04|4|-\n"},
};

static void test_answers(void **state) {
    char *path = fixture_database_fill(*state, 0, rows);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("%s\n", cases[i].name);
        char *text = fixture_ask(path, &cases[i].query, cases[i].columns);
        assert_string_equal(text, cases[i].expected);
        free(text);
    }
    struct alog_query query = {.kind = ALOG_QUERY_TREND, .metric = ALOG_METRIC_LATENCY_P50};
    fixture_assert_near(fixture_ask_real(path, &query, 0, "value"), 200);
    query.kind = ALOG_QUERY_ALL_TIME; /* of the whole day, though it is asked for less */
    query.since_ns = (struct alog_opt_i64)AT(3600);
    fixture_assert_near(fixture_ask_real(path, &query, 0, "provider_p50_ms"), 200);
    fixture_assert_near(fixture_ask_real(path, &query, 0, "provider_p95_ms"), 9000);
    query = (struct alog_query){.kind = ALOG_QUERY_TREND, .metric = ALOG_METRIC_LATENCY_P99};
    fixture_assert_near(fixture_ask_real(path, &query, 0, "value"), 9000);
    free(path);
}

static int64_t events_seen(struct alog_db *db) {
    struct alog_query query = {.kind = ALOG_QUERY_COMPLETENESS, .environment = {"test", 4}};
    struct alog_table *table = NULL;
    int64_t events = -1;
    assert_int_equal(alog_db_query(db, &query, &table, NULL), ALOG_OK);
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, "events") == 0) {
            events = table->cells[i].i64;
        }
    }
    alog_table_free(table);
    return events;
}

/* As during an ingest, which writes beside its readers. */
static void test_held(void **state) {
    char *path = fixture_database_fill(*state, 0, rows);
    struct alog_db *db = NULL;
    sqlite3 *writer = NULL;
    assert_int_equal(sqlite3_open(path, &writer), SQLITE_OK);
    assert_int_equal(sqlite3_exec(writer, "PRAGMA journal_mode = WAL", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(alog_db_open(path, &db, NULL), ALOG_OK);
    assert_int_equal(alog_db_hold(db, NULL), ALOG_OK);
    assert_int_equal(alog_db_hold(db, NULL), ALOG_INVALID);
    assert_int_equal(sqlite3_exec(writer,
                                  "UPDATE daily_summary SET events = 7 WHERE environment = 'test'",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(events_seen(db), 1);
    alog_db_let_go(db);
    assert_int_equal(events_seen(db), 7);
    alog_db_let_go(db);
    assert_int_equal(alog_db_hold(db, NULL), ALOG_OK);
    alog_db_close(db);
    sqlite3_close(writer);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, scratch_dir_set_up, scratch_dir_tear_down),
        cmocka_unit_test_setup_teardown(test_held, scratch_dir_set_up, scratch_dir_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
