/* What single events come to in the rollups, jobs and the ledger. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/database_fixture.h"
#include "support/ingest_fixture.h"
#include "support/scratch_dir.h"

struct fixture {
    char *dir;
    char log[300], db[300];
    struct segment_maker maker;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    f->dir = scratch_dir_make();
    snprintf(f->log, sizeof(f->log), "%s/log", f->dir);
    snprintf(f->db, sizeof(f->db), "%s/a.db", f->dir);
    segment_maker_init(&f->maker, alog_io_system(), f->log, 0xabc);
    segment_maker_begin(&f->maker);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    segment_maker_free(&f->maker);
    scratch_dir_remove(f->dir);
    free(f);
    return 0;
}

static void block(struct fixture *f) {
    assert_int_equal(segment_maker_end_block(&f->maker), ALOG_OK);
}

static void ingest(struct fixture *f) {
    ingest_fixture_ingest(f->log, f->db, 2, NULL);
}

static void seal_and_ingest(struct fixture *f) {
    block(f);
    segment_maker_seal(&f->maker);
    ingest(f);
}

static void add(struct fixture *f, const char *line) {
    segment_maker_add_line(&f->maker, line);
}

static void expect(struct fixture *f, const char *sql, const char *expected) {
    char *actual = fixture_select(f->db, sql);
    if (strcmp(actual, expected) != 0) {
        fail_msg("%s\n  gives    %s  expected %s", sql, actual, expected);
    }
    free(actual);
}

static void agents(void **state) {
    struct fixture *f = *state;
    add(f, "{\"event\":\"agent_execution\",\"timestamp\":\"2026-02-04T10:59:59.999999999Z\","
           "\"job_id\":\"j\",\"agent_name\":\"A\",\"issue_type\":\"t\",\"success\":true,"
           "\"confidence\":0.7,\"fixes_applied\":2,\"files_modified\":1,\"remaining_issues\":0,"
           "\"execution_time_ms\":1.0005,\"provider_id\":\"p\",\"model\":\"m\",\"attempt\":2}");
    add(f, "{\"event\":\"agent_execution\",\"timestamp\":\"2026-02-04T10:00:00Z\",\"job_id\":\"j\","
           "\"agent_name\":\"A\",\"issue_type\":\"t\",\"success\":false,\"confidence\":0.0000015,"
           "\"execution_time_ms\":1.0015,\"provider_id\":\"p\",\"model\":\"m\",\"attempt\":1}");
    add(f, "{\"event\":\"agent_execution\",\"timestamp\":\"2026-02-04T11:00:00Z\","
           "\"agent_name\":\"A\",\"success\":true,\"confidence\":\"NaN\","
           "\"execution_time_ms\":\"Infinity\",\"fixes_applied\":9007199254740993}");
    seal_and_ingest(f);
    expect(f,
           "SELECT (hour_epoch - 1770163200) / 3600, issue_type, provider_id, executions,"
           " successes, confidence_count, confidence_e6_sum, confidence_success_e6_sum,"
           " confidence_square_e9_sum, fixes_applied_sum, files_modified_sum,"
           " execution_time_count, execution_time_us_sum, retries, not_finite,"
           " length(success_time_hist), length(failure_time_hist) FROM rollup_agents"
           " ORDER BY hour_epoch",
           "10|t|p|2|1|2|700002|700000|490000000|2|1|2|2002|1|0|5|5\n"
           "11|||1|1|0|0|0|0|0|0|0|0|0|3|0|0\n");
    expect(f,
           "SELECT executions, successes, confidence_e6_sum, execution_time_us_sum,"
           " fixes_applied_sum, last_ns - first_ns FROM job_agents",
           "2|1|700002|2002|2|3599999999999\n");
}

static void providers(void **state) {
    struct fixture *f = *state;
    static const char *const calls[] = {
        ("\"success\":true,\"latency_ms\":900.5,\"input_tokens\":10,\"output_tokens\":5,"
         "\"cost_usd\":0.0001107"),
        "\"success\":true,\"latency_ms\":0,\"cost_usd\":1.5e-9",
        "\"success\":true,\"cost_usd\":5e-10,\"fallback_from\":\"q\",\"retry_count\":3",
        "\"success\":false,\"failure_class\":\"availability\",\"latency_ms\":10",
        "\"success\":false,\"failure_class\":\"execution\",\"latency_ms\":20",
        "\"success\":false,\"failure_class\":\"cancelled\"",
        "\"success\":false",
    };
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        char line[512];
        snprintf(line, sizeof(line),
                 "{\"event\":\"provider_performance\",\"timestamp\":1770163200000000000,"
                 "\"job_id\":\"j\",\"provider_id\":\"p\",%s}",
                 calls[i]);
        add(f, line);
    }
    seal_and_ingest(f);
    expect(f,
           "SELECT calls, successes, availability_failures, execution_failures, cancelled,"
           " unclassified_failures, success_latency_count, success_latency_us_sum,"
           " failure_latency_count, failure_latency_us_sum, retried_calls, retry_count_sum,"
           " fallbacks, input_tokens_sum, output_tokens_sum, cost_count, cost_nusd_sum, not_finite"
           " FROM rollup_providers",
           "7|3|1|1|1|1|2|900500|2|30000|1|3|1|10|5|3|110702|0\n");
    expect(f,
           "SELECT calls, successes, latency_count, latency_us_sum, cost_nusd_sum FROM"
           " job_providers",
           "7|3|4|930500|110702\n");
    expect(f, "SELECT provider_calls, provider_successes, input_tokens, cost_nusd FROM jobs",
           "7|3|10|110702\n");
}

static void everything_else(void **state) {
    struct fixture *f = *state;
    static const char *const lines[] = {
        "strategy_decision\",\"selected_strategy\":\"s\",\"effectiveness_score\":0.25",
        "strategy_decision\",\"selected_strategy\":\"s\"",
        "orchestration_execution\",\"execution_strategy\":\"x\",\"iteration_count\":3,"
        "\"total_execution_time_ms\":10,\"hooks_execution_time_ms\":1,"
        "\"tests_execution_time_ms\":2,\"ai_analysis_time_ms\":3.5,\"strategy_switches\":1",
        "hook_execution\",\"hook_name\":\"h\",\"status\":\"success\",\"execution_time_ms\":5",
        "hook_execution\",\"hook_name\":\"h\",\"status\":\"failed\"",
        "hook_execution\",\"hook_name\":\"h\",\"status\":\"skipped\"",
        "test_execution\",\"total_tests\":9,\"passed\":5,\"failed\":3,\"skipped\":1,"
        "\"execution_time_ms\":100,\"coverage_percent\":85.5",
        "test_execution\",\"coverage_percent\":\"NaN\"",
        "individual_test_execution\",\"test_id\":\"t\",\"status\":\"passed\","
        "\"execution_time_ms\":7",
        "individual_test_execution\",\"test_id\":\"t\",\"status\":\"error\","
        "\"execution_time_ms\":3",
        "individual_test_execution\",\"test_id\":\"t\",\"status\":\"skipped\"",
        "individual_test_execution\",\"test_id\":\"t\",\"status\":\"failed\"",
        "my.own\",\"whatever\":[1,2]",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char line[512];
        snprintf(line, sizeof(line),
                 "{\"timestamp\":1770163200000000000,\"job_id\":\"j\",\"event\":\"%s}", lines[i]);
        add(f, line);
    }
    seal_and_ingest(f);
    expect(f, "SELECT decisions, effectiveness_count, effectiveness_e6_sum FROM rollup_strategies",
           "2|1|250000\n");
    expect(f,
           "SELECT executions, iteration_count_count, iteration_count_sum, strategy_switches_sum,"
           " total_time_us_sum, hooks_time_us_sum, tests_time_us_sum, ai_time_us_sum FROM"
           " rollup_orchestrations",
           "1|1|3|1|10000|1000|2000|3500\n");
    expect(f,
           "SELECT runs, successes, failures, skips, execution_time_count, execution_time_us_sum"
           " FROM rollup_hooks",
           "3|1|1|1|1|5000\n");
    expect(f,
           "SELECT runs, total_tests_sum, passed_sum, failed_sum, skipped_sum,"
           " execution_time_us_sum, coverage_count, coverage_e6_sum, not_finite FROM"
           " rollup_test_runs",
           "2|9|5|3|1|100000|1|85500000|1\n");
    expect(f,
           "SELECT passed, failed, skipped, errors, execution_time_count, execution_time_us_sum,"
           " execution_time_us_max FROM rollup_tests",
           "1|1|1|1|2|10000|7000\n");
    expect(f, "SELECT events FROM rollup_events WHERE event = 'my.own'", "1\n");
    expect(f,
           "SELECT events, decisions, orchestrations, orchestration_iterations, hook_runs,"
           " hook_failures, tests_run, tests_failed FROM jobs",
           "13|2|1|3|3|1|4|2\n");
}

#define AGENT(second, rest)                                                                        \
    "{\"event\":\"agent_execution\",\"timestamp\":\"2026-02-04T10:00:" second "Z\","               \
    "\"job_id\":\"j\",\"agent_name\":\"A\"," rest "}"

/* Thousandths are rounded down, so that thresholds at thousandths are exact; what that leaves out
 * is kept in millionths. 0.8 is above 0.7999999, which is 0.8 in millionths. */
static void calibration(void **state) {
    struct fixture *f = *state;
    add(f, AGENT("01", "\"success\":true,\"confidence\":0.8"));
    add(f, AGENT("02", "\"success\":true,\"confidence\":0.7999999"));
    add(f, AGENT("03", "\"success\":false,\"confidence\":0.799999"));
    add(f, AGENT("04", "\"success\":false,\"confidence\":1"));
    add(f, AGENT("05", "\"success\":true,\"confidence\":0"));
    add(f, AGENT("06", "\"success\":true"));
    add(f, AGENT("07", "\"success\":true,\"confidence\":\"NaN\""));
    seal_and_ingest(f);
    expect(f,
           "SELECT agent_name, executions, hex(success_hist), hex(failure_hist), hex(rest_hist)"
           " FROM rollup_calibration",
           "A|5|01000001A00602|0100"
           "9F0601"
           "C90101"
           "|0100"
           "9F06E707\n");
}

static void attempts(void **state) {
    struct fixture *f = *state;
    add(f, AGENT("01", "\"issue_type\":\"t\",\"success\":false,\"execution_time_ms\":3"));
    add(f, AGENT("03", "\"issue_type\":\"t\",\"success\":true,\"execution_time_ms\":5"));
    add(f, AGENT("02", "\"issue_type\":\"t\",\"success\":true,\"execution_time_ms\":5"));
    add(f, AGENT("04", "\"issue_type\":\"u\",\"success\":false"));
    seal_and_ingest(f);
    expect(f,
           "SELECT issue_type, executions, failure_time_us_sum, last_ns % 60000000000,"
           " last_success_ns % 60000000000 FROM job_agents",
           "t|3|3000|3000000000|3000000000\nu|1|0|4000000000|0\n");
    expect(f, "SELECT issue_type, execution_time_us_sum, failure_time_us_sum FROM rollup_agents",
           "t|13000|3000\nu|0|0\n");
}

#define CALL(rest)                                                                                 \
    "{\"event\":\"provider_performance\",\"timestamp\":\"2026-02-04T10:00:00Z\",\"job_id\":\"j\"," \
    "\"provider_id\":\"p\"," rest "}"

static void latency_bands(void **state) {
    struct fixture *f = *state;
    static const double thresholds[] = {2000, 1000};
    struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
    struct alog_error error = {0};
    add(f, CALL("\"success\":true,\"latency_ms\":0"));
    add(f, CALL("\"success\":true,\"latency_ms\":1000"));
    add(f, CALL("\"success\":true,\"latency_ms\":1000.001"));
    add(f, CALL("\"success\":true,\"latency_ms\":2000.0004"));
    add(f, CALL("\"success\":true,\"latency_ms\":2000.001"));
    add(f, CALL("\"success\":false,\"latency_ms\":4"));
    add(f, CALL("\"success\":true"));
    block(f);
    segment_maker_seal(&f->maker);
    options.latency_thresholds_ms = thresholds;
    options.latency_threshold_count = 2;
    assert_int_equal(alog_ingest(f->log, f->db, &options, NULL, &error), ALOG_OK);
    expect(f,
           "SELECT success_band_1, success_band_2, success_band_3, value FROM rollup_providers,"
           " settings WHERE name = 'latency_thresholds_us'",
           "2|2|0|1000000,2000000\n");
    /* Others are refused, the same in any order and none are fine, a rebuild changes them. */
    static const double others[] = {1000};
    options.latency_thresholds_ms = others;
    options.latency_threshold_count = 1;
    assert_int_equal(alog_ingest(f->log, f->db, &options, NULL, &error), ALOG_INVALID);
    assert_non_null(strstr(error.message, "1000000,2000000"));
    ingest(f);
    assert_int_equal(alog_rebuild(f->log, f->db, NULL, NULL, &error), ALOG_OK);
    expect(f, "SELECT success_band_2 FROM rollup_providers", "2\n");
    assert_int_equal(alog_rebuild(f->log, f->db, &options, NULL, &error), ALOG_OK);
    expect(f, "SELECT success_band_1, success_band_2 FROM rollup_providers", "2|0\n");
}

static void fallbacks(void **state) {
    struct fixture *f = *state;
    add(f, CALL("\"success\":true,\"latency_ms\":2,\"fallback_from\":\"q\","
                "\"fallback_reason\":\"429\""));
    add(f, CALL("\"success\":false,\"latency_ms\":3,\"fallback_from\":\"q\","
                "\"fallback_reason\":\"429\""));
    add(f, CALL("\"success\":true,\"fallback_from\":\"r\""));
    add(f, CALL("\"success\":true,\"fallback_reason\":\"of nothing\""));
    seal_and_ingest(f);
    expect(f,
           "SELECT fallback_from, provider_id, fallback_reason, calls, successes, latency_count,"
           " latency_us_sum FROM rollup_fallbacks",
           "q|p|429|2|1|2|5000\nr|p||1|1|0|0\n");
    expect(f, "SELECT fallbacks, latency_us_sum, failure_latency_us_sum FROM job_providers",
           "3|5000|3000\n");
}

#define RUN(event, rest)                                                                           \
    "{\"event\":\"" event "\",\"timestamp\":\"2026-02-04T10:00:00Z\",\"job_id\":\"j\"," rest "}"

static void strategies_and_tests_of_a_job(void **state) {
    struct fixture *f = *state;
    add(f, RUN("strategy_decision", "\"selected_strategy\":\"s\",\"effectiveness_score\":0.5"));
    add(f, RUN("strategy_decision", "\"selected_strategy\":\"s\",\"effectiveness_score\":\"NaN\""));
    add(f, RUN("strategy_decision", "\"selected_strategy\":\"t\",\"previous_strategy\":\"s\""));
    add(f, RUN("orchestration_execution",
               "\"execution_strategy\":\"x\",\"iteration_count\":3,\"strategy_switches\":1,"
               "\"total_execution_time_ms\":10,\"hooks_execution_time_ms\":2,"
               "\"tests_execution_time_ms\":3,\"ai_analysis_time_ms\":4,"
               "\"correlation_insights\":{\"problematic_hooks\":[\"ruff\",\"mypy\",\"ruff\"]}"));
    add(f, RUN("orchestration_execution",
               "\"execution_strategy\":\"x\",\"total_execution_time_ms\":1,"
               "\"correlation_insights\":{\"problematic_hooks\":[\"ruff\"]}"));
    add(f, RUN("individual_test_execution", "\"test_id\":\"a\",\"status\":\"passed\""));
    add(f, RUN("individual_test_execution",
               "\"test_id\":\"a\",\"status\":\"failed\",\"error_message\":\"z\""));
    add(f, RUN("individual_test_execution",
               "\"test_id\":\"a\",\"status\":\"error\",\"error_message\":\"y\""));
    add(f, RUN("individual_test_execution", "\"test_id\":\"b\",\"status\":\"skipped\""));
    seal_and_ingest(f);
    expect(f,
           "SELECT strategy, decisions, effectiveness_count, effectiveness_e6_sum"
           " FROM job_strategies",
           "s|2|1|500000\nt|1|0|0\n");
    expect(f,
           "SELECT selected_strategy, previous_strategy, decisions, not_finite"
           " FROM rollup_strategies",
           "s||2|1\nt|s|1|0\n");
    expect(f,
           "SELECT orchestrations, orchestration_iterations, strategy_switches,"
           " orchestration_time_us, hooks_time_us, tests_time_us, ai_time_us FROM jobs",
           "2|3|1|11000|2000|3000|4000\n");
    expect(f, "SELECT hook_name, executions FROM rollup_problem_hooks", "mypy|1\nruff|2\n");
    expect(f, "SELECT test_id, failed, errors, sample FROM job_tests", "a|1|1|y\n");
}

static void error_patterns(void **state) {
    struct fixture *f = *state;
    add(f, RUN("error", "\"error_type\":\"lint\",\"error_message\":\"line 3 of /a/b.c\""));
    add(f, RUN("error", "\"error_type\":\"lint\",\"error_message\":\"line 14 of src/x.py\""));
    add(f, RUN("error", "\"error_type\":\"lint\",\"error_message\":\"other\\nline 2\""));
    add(f, RUN("error", "\"error_type\":\"lint\""));
    seal_and_ingest(f);
    expect(f, "SELECT pattern, errors, sample FROM rollup_errors",
           "|1|\nline <n> of <path>|2|line 14 of src/x.py\nother|1|other\nline 2\n");
}

static void error_samples(void **state) {
    struct fixture *f = *state;
    char line[2048], text[1001];
    memset(text, 'x', 1000);
    text[1000] = '\0';
    memcpy(text + 498, "\xe2\x82\xac", 3); /* a character over the edge */
    static const char form[] = "{\"event\":\"error\",\"timestamp\":%d000000000,\"job_id\":\"j\","
                               "\"error_type\":\"hook\",\"error_message\":\"%s\"}";
    snprintf(line, sizeof(line), form, 1770163205, "later");
    add(f, line);
    block(f);
    ingest(f);
    snprintf(line, sizeof(line), form, 1770163201, text);
    add(f, line);
    block(f);
    ingest(f);
    expect(f, "SELECT errors, length(CAST(sample AS BLOB)), last_ns - first_ns FROM job_errors",
           "2|498|4000000000\n");
    snprintf(line, sizeof(line), form, 1770163201, "same time, smaller text");
    add(f, line);
    seal_and_ingest(f);
    expect(f,
           "SELECT pattern, errors, length(CAST(sample AS BLOB)) FROM rollup_errors"
           " WHERE pattern NOT LIKE 'x%'",
           "later|1|5\nsame time, smaller text|1|23\n");
    expect(f, "SELECT count(*), sum(errors), max(length(CAST(pattern AS BLOB))) FROM rollup_errors",
           "3|3|160\n");
    expect(f, "SELECT errors, sample FROM daily_errors", "3|same time, smaller text\n");
    expect(f, "SELECT errors, sample FROM job_errors", "3|same time, smaller text\n");
}

#define JOB(event, time, rest)                                                                     \
    "{\"event\":\"" event "\",\"timestamp\":\"" time "\",\"job_id\":\"j\"" rest "}"

static void job_over_midnight(void **state) {
    struct fixture *f = *state;
    /* The end comes first, and the day changes with each that is learnt. */
    add(f, JOB("job_end", "2026-02-05T00:10:00Z", ",\"status\":\"success\",\"iterations\":4"));
    block(f);
    ingest(f);
    expect(f, "SELECT day_epoch, start_ns, status, iterations FROM jobs",
           "1770249600|-|success|4\n");
    expect(f, "SELECT day, total_jobs, ended_jobs FROM daily_summary", "2026-02-05|1|0\n");
    add(f, JOB("error", "2026-02-04T23:55:00Z", ",\"error_type\":\"lint\""));
    block(f);
    ingest(f);
    expect(f, "SELECT day, total_jobs FROM daily_summary ORDER BY day",
           "2026-02-04|1\n2026-02-05|0\n");
    add(f, JOB("job_start", "2026-02-03T23:50:00Z",
               ",\"ai_agent\":true,\"metadata\":{\"a\":1},\"event_id\":\"first\""));
    block(f);
    ingest(f);
    expect(f,
           "SELECT day_epoch, start_event_id, end_event_id, metadata, ai_agent,"
           " (end_ns - start_ns) / 1000000000, first_ns = start_ns, last_ns = end_ns, events FROM"
           " jobs",
           "1770076800|first|0000000000000abc-1|{\"a\":1}|1|87600|1|1|3\n");
    expect(f,
           "SELECT day, total_jobs, successful_jobs, ended_jobs, job_duration_us_sum,"
           " total_ai_fixes FROM daily_summary ORDER BY day",
           "2026-02-03|1|1|1|87600000000|1\n2026-02-04|0|0|0|0|0\n2026-02-05|0|0|0|0|0\n");
}

static void the_earliest_start_and_the_latest_end_count(void **state) {
    struct fixture *f = *state;
    static const char *const lines[] = {
        JOB("job_start", "2026-02-04T10:00:00Z", ",\"event_id\":\"b\",\"ai_agent\":false"),
        JOB("job_start", "2026-02-04T10:00:00Z", ",\"event_id\":\"a\""),
        JOB("job_start", "2026-02-04T11:00:00Z", ",\"event_id\":\"0\",\"ai_agent\":true"),
        JOB("job_end", "2026-02-04T12:00:00Z", ",\"event_id\":\"y\",\"status\":\"failed\""),
        JOB("job_end", "2026-02-04T12:00:00Z", ",\"event_id\":\"z\",\"status\":\"cancelled\""),
        JOB("job_end", "2026-02-04T09:00:00Z", ",\"event_id\":\"zz\",\"status\":\"success\""),
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        add(f, lines[i]);
        if (i % 2 == 0) {
            block(f);
            ingest(f);
        }
    }
    seal_and_ingest(f);
    expect(f, "SELECT start_event_id, end_event_id, status, ai_agent, events FROM jobs",
           "a|z|cancelled|1|6\n");
}

static void environments_stay_apart(void **state) {
    struct fixture *f = *state;
    add(f, JOB("job_start", "2026-02-04T10:00:00Z", ",\"environment\":\"test\""));
    add(f, JOB("job_start", "2026-02-04T10:00:00Z", ""));
    add(f, "{\"event\":\"error\",\"timestamp\":0,\"error_type\":\"e\",\"environment\":\"test\"}");
    seal_and_ingest(f);
    expect(f, "SELECT environment, job_id, events FROM jobs ORDER BY 1",
           "production|j|1\ntest|j|1\n");
    expect(f,
           "SELECT environment, hour_epoch, event, events, without_job FROM rollup_events"
           " ORDER BY 1, 2",
           "production|1770199200|job_start|1|0\ntest|0|error|1|1\n"
           "test|1770199200|job_start|1|0\n");
}

static void late_data(void **state) {
    struct fixture *f = *state;
    struct alog_ingest_report report;
    add(f, "{\"event\":\"error\",\"timestamp\":\"2026-02-04T10:00:00Z\",\"error_type\":\"lint\"}");
    add(f, "{\"event\":\"error\",\"timestamp\":\"2026-02-06T10:00:00Z\",\"error_type\":\"lint\"}");
    block(f);
    ingest_fixture_ingest(f->log, f->db, 1, &report);
    assert_int_equal(report.days, 2);
    add(f, "{\"event\":\"error\",\"timestamp\":\"2026-02-04T10:00:01Z\",\"error_type\":\"lint\"}");
    block(f);
    ingest_fixture_ingest(f->log, f->db, 1, &report);
    assert_int_equal(report.days, 1);
    expect(f, "SELECT day, lint_errors FROM daily_summary ORDER BY 1",
           "2026-02-04|2\n2026-02-06|1\n");
}

/* Events that no honest writer makes, since it checks them: straight into the block. */
static void add_unchecked(struct fixture *f, const char *name, int64_t timestamp_ns,
                          const struct alog_value *values, uint32_t count) {
    const struct alog_event_type *type = alog_catalogue_find(alog_str(name));
    struct alog_event event = {.name = alog_str(name),
                               .type = type,
                               .timestamp_ns = timestamp_ns,
                               .has_timestamp = true,
                               .values = values,
                               .value_count = count};
    uint8_t plain[1024];
    uint8_t *end = alog_event_encode(plain, type->id, timestamp_ns, event.job_id, &event);
    assert_int_equal(alog_block_builder_add(f->maker.builder, plain, (size_t)(end - plain)),
                     ALOG_OK);
}

static struct alog_value text(const char *s) {
    return (struct alog_value){.kind = ALOG_VALUE_STRING, .string = alog_str(s)};
}

static struct alog_value integer(int64_t n) {
    return (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = n};
}

static struct alog_value real(double x) {
    return (struct alog_value){.kind = ALOG_VALUE_F64, .f64 = x};
}

static struct alog_value yes(void) {
    return (struct alog_value){.kind = ALOG_VALUE_BOOL, .boolean = true};
}

static void losses(void **state) {
    struct fixture *f = *state;
    const struct alog_value loss[] = {text("error"), integer(7), text("ring_full")};
    add_unchecked(f, "writer_loss", FIXTURE_DAY * 1000000000, loss, 3);
    block(f);
    f->maker.next_sequence += 10; /* a block is missing */
    add(f, "{\"event\":\"error\",\"timestamp\":\"2026-02-04T03:00:00Z\",\"error_type\":\"lint\"}");
    seal_and_ingest(f);
    expect(f,
           "SELECT (hour_epoch - 1770163200) / 3600, event, reason, events_lost FROM"
           " rollup_losses ORDER BY 1",
           "0|error|ring_full|7\n3||gap|10\n");
    expect(f, "SELECT events, missing_events, first_sequence, last_sequence, blocks FROM segments",
           "2|10|1|12|2\n");
    expect(f, "SELECT events, events_lost FROM daily_summary", "1|17\n");
    expect(f, "SELECT events FROM rollup_events WHERE event = 'writer_loss'", "1\n");
}

static void absurd_numbers_are_left_out(void **state) {
    struct fixture *f = *state;
    const int64_t day_ns = FIXTURE_DAY * 1000000000;
    const struct alog_value high[] = {text("a"),   text(""),           yes(),      real(1.5),
                                      integer(-1), integer(INT64_MAX), integer(1), real(9e15)};
    const struct alog_value low[] = {text("a"),  text(""),   yes(),      real(-0.1),
                                     integer(1), integer(1), integer(1), real(-1)};
    const struct alog_value fine[] = {text("a"),  text(""),   yes(),      real(1),
                                      integer(1), integer(1), integer(1), real(2)};
    add_unchecked(f, "agent_execution", day_ns, high, 8);
    add_unchecked(f, "agent_execution", day_ns, low, 8);
    add_unchecked(f, "agent_execution", day_ns, fine, 8);
    seal_and_ingest(f);
    expect(f,
           "SELECT executions, confidence_count, confidence_e6_sum, fixes_applied_sum,"
           " files_modified_sum, execution_time_count, execution_time_us_sum, not_finite"
           " FROM rollup_agents",
           "3|1|1000000|2|2|1|2000|6\n");
}

static void sums_never_wrap(void **state) {
    struct fixture *f = *state;
    for (int i = 0; i < 1025; i++) {
        add(f, "{\"event\":\"provider_performance\",\"timestamp\":0,\"provider_id\":\"p\","
               "\"success\":true,\"input_tokens\":9007199254740992}");
        if (i % 600 == 599) { /* the sum leaves 64 bits in the database, not in memory */
            block(f);
            ingest(f);
        }
    }
    block(f);
    struct alog_error error = {0};
    assert_int_equal(alog_ingest(f->log, f->db, NULL, NULL, &error), ALOG_CORRUPT);
    assert_non_null(strstr(error.message, "64 bits"));
    expect(f, "SELECT calls FROM rollup_providers", "600\n");
}

static void ledger_row(void **state) {
    struct fixture *f = *state;
    add(f, "{\"event\":\"error\",\"timestamp\":5,\"error_type\":\"lint\"}");
    add(f, "{\"event\":\"error\",\"timestamp\":3,\"error_type\":\"lint\"}");
    block(f);
    ingest(f);
    char sql[PATH_MAX + 256], command[PATH_MAX + 16], sha256[80] = "";
    expect(f,
           "SELECT state, digest, events, blocks, min_timestamp_ns, max_timestamp_ns,"
           " predecessor_id, predecessor_last_sequence, length(sha256), writer_id, number FROM"
           " segments",
           "open||2|1|3|5||0|64|0000000000000abc|1\n");
    segment_maker_seal(&f->maker);
    ingest(f);
    snprintf(command, sizeof(command), "sha256sum '%s'", f->maker.path);
    FILE *tool = popen(command, "r");
    assert_non_null(tool);
    assert_int_equal(fscanf(tool, "%64s", sha256), 1);
    pclose(tool);
    snprintf(
        sql, sizeof(sql),
        "SELECT state, sha256 = '%s', length(digest), events, instr('%s', name) > 0, environment"
        " FROM segments",
        sha256, f->maker.path);
    expect(f, sql, "sealed|1|32|2|1|production\n");
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(agents),
        CASE(providers),
        CASE(everything_else),
        CASE(calibration),
        CASE(attempts),
        CASE(latency_bands),
        CASE(fallbacks),
        CASE(strategies_and_tests_of_a_job),
        CASE(error_patterns),
        CASE(error_samples),
        CASE(job_over_midnight),
        CASE(the_earliest_start_and_the_latest_end_count),
        CASE(environments_stay_apart),
        CASE(late_data),
        CASE(losses),
        CASE(absurd_numbers_are_left_out),
        CASE(sums_never_wrap),
        CASE(ledger_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
