/* The metrics of trends: what each takes, and the period before the first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/database_fixture.h"
#include "support/scratch_dir.h"

#define TAKES_BITS 8

/* Two days in one week, and one two weeks later. */
static const char rows[] =
    "INSERT INTO dirty_days(environment, day_epoch) VALUES ('production', :day),"
    " ('production', :day + 86400), ('production', :day + 14 * 86400);"
    "INSERT INTO rollup_events(environment, hour_epoch, event, events) VALUES"
    " ('production', :day, 'error', 2), ('production', :day + 86400, 'error', 6),"
    " ('production', :day + 14 * 86400, 'agent_execution', 1);"
    "INSERT INTO rollup_errors(environment, hour_epoch, error_type, pattern, sample, errors) VALUES"
    " ('production', :day, 'lint', 'a', 'a', 2), ('production', :day + 86400, 'lint', 'a', 'a', 4),"
    " ('production', :day + 86400, 'test', 'b', 'b', 2);";

static void give(struct alog_query *query, uint32_t bits) {
    static const double thresholds[] = {0.5};
    query->agent_name = bits & ALOG_TAKES_AGENT ? ALOG_STR("x") : alog_str(NULL);
    query->issue_type = bits & ALOG_TAKES_ISSUE_TYPE ? ALOG_STR("x") : alog_str(NULL);
    query->provider_id = bits & ALOG_TAKES_PROVIDER ? ALOG_STR("x") : alog_str(NULL);
    query->model = bits & ALOG_TAKES_MODEL ? ALOG_STR("x") : alog_str(NULL);
    query->subject = bits & ALOG_TAKES_SUBJECT ? ALOG_STR("x") : alog_str(NULL);
    query->max_latency_ms = (struct alog_opt_f64){5, bits & ALOG_TAKES_MAX_LATENCY};
    query->thresholds = bits & ALOG_TAKES_THRESHOLDS ? thresholds : NULL;
    query->threshold_count = 1;
    query->bins = bits & ALOG_TAKES_BINS ? 2 : 0;
}

static enum alog_status ask(struct alog_db *db, enum alog_metric metric, uint32_t given) {
    struct alog_query query = {.kind = ALOG_QUERY_TREND, .metric = metric};
    struct alog_table *table = NULL;
    struct alog_error error = {.message = ""};
    give(&query, given);
    enum alog_status status = alog_db_query(db, &query, &table, &error);
    if (status != ALOG_OK && status != ALOG_INVALID) {
        fail_msg("%s: %s", alog_metric_describe(metric)->name, error.message);
    }
    alog_table_free(table);
    return status;
}

/* The SQL has a parameter for all that the table says, and nothing else is taken silently. */
static void test_takes(void **state) {
    char *path = fixture_database_fill(*state, 0, rows);
    struct alog_db *db = NULL;
    assert_int_equal(alog_db_open(path, &db, NULL), ALOG_OK);
    for (unsigned m = 0; m < ALOG_METRIC_COUNT; m++) {
        const struct alog_metric_info *info = alog_metric_describe((enum alog_metric)m);
        assert_non_null(info);
        assert_true(info->name && info->doc[0] != '\0' && (info->needs & ~info->takes) == 0);
        assert_int_equal(info->subject[0] != '\0', (info->takes & ALOG_TAKES_SUBJECT) != 0);
        assert_int_equal(ask(db, (enum alog_metric)m, info->takes), ALOG_OK);
        assert_int_equal(ask(db, (enum alog_metric)m, info->needs), ALOG_OK);
        for (unsigned bit = 0; bit < TAKES_BITS; bit++) {
            uint32_t given = info->needs | 1u << bit;
            assert_int_equal(ask(db, (enum alog_metric)m, given),
                             info->takes & 1u << bit ? ALOG_OK : ALOG_INVALID);
            if (info->needs & 1u << bit) {
                assert_int_equal(ask(db, (enum alog_metric)m, info->needs & ~(1u << bit)),
                                 ALOG_INVALID);
            }
        }
        for (unsigned other = 0; other < m; other++) {
            assert_string_not_equal(alog_metric_describe((enum alog_metric)other)->name,
                                    info->name);
        }
    }
    assert_null(alog_metric_describe((enum alog_metric)ALOG_METRIC_COUNT));
    alog_db_close(db);
    free(path);
}

#define AT(day)                                                                                    \
    { (FIXTURE_DAY + (day)*86400) * 1000000000, true }

static const struct {
    const char *name;
    struct alog_query query;
    const char *expected; /* period n value previous change change_ratio */
} cases[] = {
    {"by day", {.limit = 9}, "2026-02-04|2|2|-|-|-\n2026-02-05|6|6|2|4|2\n2026-02-18|0|0|-|-|-\n"},
    {"the day before the window is the first one's previous",
     {.since_ns = AT(1)},
     "2026-02-05|6|6|2|4|2\n2026-02-18|0|0|-|-|-\n"},
    {"by week", {.weekly = true}, "2026-02-02|8|8|-|-|-\n2026-02-16|0|0|-|-|-\n"},
    {"the latest stay", {.limit = 1}, "2026-02-18|0|0|-|-|-\n"},
    {"of one type",
     {.subject = {"test", 4}, .until_ns = AT(2)},
     "2026-02-04|0|0|-|-|-\n2026-02-05|2|2|0|2|-\n"},
};

static void test_periods(void **state) {
    char *path = fixture_database_fill(*state, 0, rows);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("%s\n", cases[i].name);
        struct alog_query query = cases[i].query;
        query.kind = ALOG_QUERY_TREND;
        query.metric = ALOG_METRIC_ERRORS;
        char *text = fixture_ask(path, &query, "period n value previous change change_ratio");
        assert_string_equal(text, cases[i].expected);
        free(text);
    }
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_takes, scratch_dir_set_up, scratch_dir_tear_down),
        cmocka_unit_test_setup_teardown(test_periods, scratch_dir_set_up, scratch_dir_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
