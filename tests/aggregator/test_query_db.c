/* Opening databases and things that are none; the daily summaries; what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "support/database_fixture.h"
#include "support/scratch_dir.h"

static const char rows[] =
    "INSERT INTO rollup_events VALUES (:day, 'production', 'x', 1, 0), (:day, 'test', 'x', 10, 0),"
    " (:day + 86400, 'production', 'x', 2, 0), (:day + 172800, 'production', 'x', 3, 0);"
    "INSERT INTO rollup_agents (hour_epoch, environment, agent_name, issue_type, provider_id, "
    "model, executions, successes, confidence_count, confidence_e6_sum, confidence_success_e6_sum, "
    "confidence_square_e9_sum, fixes_applied_sum, files_modified_sum, remaining_issues_sum, "
    "execution_time_count, execution_time_us_sum, success_time_hist, failure_time_hist, retries, "
    "not_finite) VALUES"
    " (:day, 'production', 'Fix', '', '', '', 4, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, x'', x'', 0, 0);"
    "INSERT INTO rollup_providers (hour_epoch, environment, provider_id, model, agent_name, calls, "
    "successes, availability_failures, execution_failures, cancelled, unclassified_failures, "
    "success_latency_count, success_latency_us_sum, failure_latency_count, failure_latency_us_sum, "
    "success_latency_hist, failure_latency_hist, retried_calls, retry_count_sum, fallbacks, "
    "input_tokens_sum, output_tokens_sum, cost_count, cost_nusd_sum, not_finite) VALUES"
    " (:day, 'production', 'acme', 'm', '', 9, 5, 2, 1, 1, 0, 0, 0, 0, 0, x'', x'', 0, 0, 0, 0, 0, "
    "0,"
    "  0, 0),"
    " (:day, 'production', 'b', 'm', '', 3, 2, 0, 1, 0, 0, 0, 0, 0, 0, x'', x'', 0, 0, 0, 0, 0, 0,"
    "  0, 0);"
    "INSERT INTO dirty_days VALUES ('production', :day), ('test', :day),"
    " ('production', :day + 86400), ('production', :day + 172800);";

#define AT(seconds)                                                                                \
    { (FIXTURE_DAY + (seconds)) * 1000000000, true }

static const struct {
    const char *name;
    struct alog_query query;
    const char *columns;
    const char *expected;
} summaries[] = {
    {"days in order",
     {.kind = ALOG_QUERY_SUMMARY},
     "day environment events",
     "2026-02-04|production|1\n2026-02-05|production|2\n2026-02-06|production|3\n"},
    {"all environments",
     {.kind = ALOG_QUERY_SUMMARY, .environment = {"*", 1}, .until_ns = AT(1)},
     "day environment events",
     "2026-02-04|production|1\n2026-02-04|test|10\n"},
    {"a limit keeps the latest",
     {.kind = ALOG_QUERY_SUMMARY, .limit = 2},
     "day",
     "2026-02-05\n2026-02-06\n"},
    {"a window widens to whole days",
     {.kind = ALOG_QUERY_SUMMARY, .since_ns = AT(90000), .until_ns = AT(100000)},
     "day",
     "2026-02-05\n"},
    {"until midnight is until the day before",
     {.kind = ALOG_QUERY_SUMMARY, .until_ns = AT(86400)},
     "day",
     "2026-02-04\n"},
    {"which environments there are",
     {.kind = ALOG_QUERY_KNOWN_ENVIRONMENTS, .environment = {"*", 1}},
     "environment",
     "production\ntest\n"},
    {"whether there is one",
     {.kind = ALOG_QUERY_KNOWN_ENVIRONMENTS, .environment = {"tes", 3}},
     "environment",
     ""},
    {"a window before everything", {.kind = ALOG_QUERY_SUMMARY, .until_ns = {0, true}}, "day", ""},
    {"rates have their n and interval",
     {.kind = ALOG_QUERY_SUMMARY, .until_ns = AT(1)},
     "agent_executions agent_success_rate agent_success_rate_low agent_success_rate_high "
     "provider_not_cancelled provider_availability provider_availability_low",
     "4|0.75|0.300642|0.954413|11|0.818182|0.523019\n"},
    {"no data is NULL",
     {.kind = ALOG_QUERY_SUMMARY, .since_ns = AT(172800)},
     "agent_executions agent_success_rate agent_success_rate_low provider_not_cancelled "
     "provider_availability provider_p50_ms avg_job_duration_ms most_used_strategy",
     "0|-|-|-|-|-|-|-\n"},
};

static void test_summaries(void **state) {
    char *path = fixture_database_fill(*state, 0, rows);
    for (size_t i = 0; i < sizeof(summaries) / sizeof(summaries[0]); i++) {
        print_message("%s\n", summaries[i].name);
        char *text = fixture_ask(path, &summaries[i].query, summaries[i].columns);
        assert_string_equal(text, summaries[i].expected);
        free(text);
    }
    free(path);
}

/* Days and hours of the window are the reporting zone's. */
static void test_window_in_zone(void **state) {
    char *path = fixture_database_fill(
        *state, 8 * 3600,
        "INSERT INTO rollup_events VALUES (:day - 28800, 'production', 'x', 1, 0),"
        " (:day + 57600, 'production', 'x', 2, 0);"
        "INSERT INTO dirty_days VALUES ('production', :day - 28800), ('production', :day + 57600)");
    struct alog_query query = {.kind = ALOG_QUERY_SUMMARY, .since_ns = AT(57599)};
    char *text = fixture_ask(path, &query, "day");
    assert_string_equal(text, "2026-02-04\n2026-02-05\n");
    free(text);
    query.since_ns = (struct alog_opt_i64)AT(57600);
    text = fixture_ask(path, &query, "day");
    assert_string_equal(text, "2026-02-05\n");
    free(text);
    free(path);
}

static enum alog_status open_status(const char *path, char message[ALOG_ERROR_MESSAGE_BYTES]) {
    struct alog_db *db = NULL;
    struct alog_error error = {0};
    enum alog_status status = alog_db_open(path, &db, &error);
    memcpy(message, error.message, ALOG_ERROR_MESSAGE_BYTES);
    alog_db_close(db);
    return status;
}

static void write_file(const char *path, const char *content) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static void test_what_is_no_database(void **state) {
    static const struct {
        const char *name;
        const char *content; /* NULL: no such file */
        const char *sql;     /* what is done to a database, or NULL */
        enum alog_status status;
    } files[] = {
        {"absent", NULL, NULL, ALOG_NOT_FOUND},
        {"empty", "", NULL, ALOG_INVALID},
        {"text",
         "this is no database, and it is longer than a hundred bytes ..................."
         "............................................................",
         NULL, ALOG_INVALID},
        {"foreign", "", "PRAGMA application_id = 0; CREATE TABLE t (x)", ALOG_INVALID},
        {"newer", "", "PRAGMA application_id = 1634496359; PRAGMA user_version = 7",
         ALOG_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[600];
        snprintf(path, sizeof(path), "%s/%s", (char *)*state, files[i].name);
        if (files[i].content) {
            write_file(path, files[i].content);
        }
        if (files[i].sql) {
            sqlite3 *db = NULL;
            assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
            assert_int_equal(sqlite3_exec(db, files[i].sql, NULL, NULL, NULL), SQLITE_OK);
            sqlite3_close(db);
        }
        char message[ALOG_ERROR_MESSAGE_BYTES];
        assert_int_equal(open_status(path, message), files[i].status);
        assert_non_null(strstr(message, path)); /* which file it is about */
    }
    char message[ALOG_ERROR_MESSAGE_BYTES];
    assert_int_equal(open_status(*state, message), ALOG_INVALID); /* a directory */
    assert_int_equal(open_status(NULL, message), ALOG_INVALID);
}

/* Asking leaves the file and its directory as they are. */
static void test_reading_only(void **state) {
    char *path = fixture_database_fill(*state, 0, rows);
    struct alog_query query = {.kind = ALOG_QUERY_SUMMARY};
    assert_int_equal(scratch_dir_count(*state, ""), 1);
    assert_int_equal(chmod(path, 0400), 0);
    assert_int_equal(chmod(*state, 0500), 0);
    char *text = fixture_ask(path, &query, "events");
    assert_string_equal(text, "1\n2\n3\n");
    assert_int_equal(scratch_dir_count(*state, ""), 1);
    assert_int_equal(chmod(*state, 0700), 0);
    free(text);
    free(path);
}

/* A filter that a question does not know is refused rather than without effect. */
static void test_refusals(void **state) {
    static const struct {
        struct alog_query query;
        const char *message;
    } cases[] = {
        {{.kind = (enum alog_query_kind)0}, "there is no such question"},
        {{.kind = (enum alog_query_kind)99}, "there is no such question"},
        {{.kind = ALOG_QUERY_SUCCESS_RATE, .by = 16}, "there is no such order, or way to divide"},
        {{.kind = ALOG_QUERY_TESTS, .sort = (enum alog_test_sort)3},
         "there is no such order, or way to divide"},
        {{.kind = ALOG_QUERY_SUMMARY, .agent_name = {"a", 1}},
         "this question cannot be restricted by agent_name"},
        {{.kind = ALOG_QUERY_ERRORS, .model = {"a", 1}},
         "this question cannot be restricted by model"},
        {{.kind = ALOG_QUERY_MODELS, .issue_type = {"a", 1}},
         "this question cannot be restricted by issue_type"},
        {{.kind = ALOG_QUERY_AGENTS, .job_id = {"a", 1}},
         "this question cannot be restricted by job_id"},
        {{.kind = ALOG_QUERY_AGENTS, .max_latency_ms = {1, true}},
         "this question cannot be restricted by max_latency_ms"},
        {{.kind = ALOG_QUERY_JOB, .job_id = {"a", 1}, .since_ns = {1, true}},
         "this question cannot be restricted by time"},
        {{.kind = ALOG_QUERY_CALIBRATION, .max_ece = {NAN, true}},
         "the calibration error must be 0 or more"},
        {{.kind = ALOG_QUERY_KNOWN_ENVIRONMENTS, .until_ns = AT(1)},
         "this question cannot be restricted by time"},
        {{.kind = ALOG_QUERY_AVAILABILITY, .max_latency_ms = {-1, true}},
         "the latency must be 0 or more"},
        {{.kind = ALOG_QUERY_AVAILABILITY, .max_latency_ms = {NAN, true}},
         "the latency must be 0 or more"},
    };
    char *path = fixture_database_fill(*state, 0, rows);
    struct alog_db *db = NULL;
    assert_int_equal(alog_db_open(path, &db, NULL), ALOG_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct alog_table *table = NULL;
        struct alog_error error = {0};
        assert_int_equal(alog_db_query(db, &cases[i].query, &table, &error), ALOG_INVALID);
        assert_string_equal(error.message, cases[i].message);
        assert_null(table);
    }
    alog_db_close(db);
    free(path);
}

/* Times at the ends of 64 bits, and a handle that answers again and again, each time anew. */
static void test_again(void **state) {
    char *path = fixture_database_fill(*state, 0, rows);
    struct alog_db *db = NULL;
    assert_int_equal(alog_db_open(path, &db, NULL), ALOG_OK);
    for (int i = 0; i < 3; i++) {
        for (int kind = ALOG_QUERY_SUMMARY; kind <= ALOG_QUERY_TESTS; kind++) {
            struct alog_query query = {.kind = (enum alog_query_kind)kind,
                                       .since_ns = {INT64_MIN, true},
                                       .until_ns = {INT64_MAX, true}};
            struct alog_table *table = NULL;
            assert_int_equal(alog_db_query(db, &query, &table, NULL), ALOG_OK);
            assert_non_null(table);
            alog_table_free(table);
        }
        /* The filter of one question does not outlive it. */
        struct alog_query query = {.kind = ALOG_QUERY_AGENTS};
        struct alog_table *table = NULL;
        query.agent_name = i == 1 ? ALOG_STR("nobody") : (struct alog_string){NULL, 0};
        assert_int_equal(alog_db_query(db, &query, &table, NULL), ALOG_OK);
        assert_int_equal(table->row_count, i == 1 ? 0 : 1);
        alog_table_free(table);
    }
    alog_db_close(db);
    alog_db_close(NULL);
    alog_table_free(NULL);
    free(path);
}

/* Columns are documented and named once. */
static void test_columns(void **state) {
    char *path = fixture_database_fill(
        *state, 0,
        "INSERT INTO jobs (environment, job_id, day_epoch, start_ns, end_ns, status, ai_agent, "
        "iterations, error_message, metadata, start_event_id, end_event_id, first_ns, last_ns, "
        "events, agent_executions, agent_successes, provider_calls, provider_successes, "
        "input_tokens, output_tokens, cost_nusd, decisions, orchestrations, "
        "orchestration_iterations, hook_runs, hook_failures, tests_run, tests_failed, errors) "
        "VALUES ('production', 'j', 0, 0, 0, '', 0, 0,"
        " '', '', '', '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,"
        " 0, 0, 0)");
    struct alog_db *db = NULL;
    assert_int_equal(alog_db_open(path, &db, NULL), ALOG_OK);
    for (int kind = ALOG_QUERY_SUMMARY; kind <= ALOG_QUERY_JOB_ERRORS; kind++) {
        struct alog_query query = {.kind = (enum alog_query_kind)kind};
        if (kind >= ALOG_QUERY_JOB) {
            query.job_id = ALOG_STR("j");
        }
        struct alog_table *table = NULL;
        assert_int_equal(alog_db_query(db, &query, &table, NULL), ALOG_OK);
        for (size_t i = 0; i < table->column_count; i++) {
            assert_true(strlen(table->columns[i].doc) > 5);
            for (size_t j = 0; j < i; j++) {
                assert_string_not_equal(table->columns[i].name, table->columns[j].name);
            }
        }
        alog_table_free(table);
    }
    alog_db_close(db);
    free(path);
}

/* Every table, view and column says what it is, and every view can be read. */
static void test_schema_docs(void **state) {
    char *path = fixture_database_fill(*state, 0, rows);
    char *text = fixture_select(
        path, "SELECT m.name, '' FROM sqlite_schema m WHERE type IN ('table', 'view')"
              " AND NOT EXISTS (SELECT 1 FROM schema_docs WHERE table_name = m.name"
              "                 AND column_name = '' AND doc <> '')"
              " UNION ALL"
              " SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c"
              " WHERE m.type IN ('table', 'view') AND NOT EXISTS (SELECT 1 FROM schema_docs"
              "   WHERE table_name = m.name AND column_name = c.name AND doc <> '')");
    assert_string_equal(text, "");
    free(text);
    char *views = fixture_select(path, "SELECT name FROM sqlite_schema WHERE type = 'view'");
    assert_string_not_equal(views, "");
    for (char *name = strtok(views, "\n"); name; name = strtok(NULL, "\n")) {
        char sql[128];
        sqlite3_snprintf(sizeof(sql), sql, "SELECT * FROM %s", name);
        free(fixture_select(path, sql));
    }
    free(views);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_summaries, scratch_dir_set_up, scratch_dir_tear_down),
        cmocka_unit_test_setup_teardown(test_window_in_zone, scratch_dir_set_up,
                                        scratch_dir_tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_database, scratch_dir_set_up,
                                        scratch_dir_tear_down),
        cmocka_unit_test_setup_teardown(test_reading_only, scratch_dir_set_up,
                                        scratch_dir_tear_down),
        cmocka_unit_test_setup_teardown(test_refusals, scratch_dir_set_up, scratch_dir_tear_down),
        cmocka_unit_test_setup_teardown(test_again, scratch_dir_set_up, scratch_dir_tear_down),
        cmocka_unit_test_setup_teardown(test_columns, scratch_dir_set_up, scratch_dir_tear_down),
        cmocka_unit_test_setup_teardown(test_schema_docs, scratch_dir_set_up,
                                        scratch_dir_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
