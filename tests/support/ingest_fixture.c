#include "ingest_fixture.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "aggregator/ingest_run.h"

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

static const char *const agents[] = {"Refactorer", "Formatter", "", "Reviewer"};
static const char *const providers[] = {"anthropic", "openai", "local"};
static const char *const models[] = {"m-1", "m-2"};
static const char *const environments[] = {"test", "staging"};
static const char *const reals[] = {"0.5",     "1.0005", "2.0015",    "0.0001107",   "1e-10",
                                    "\"NaN\"", "7",      "1234.5675", "\"Infinity\""};

static const char *pick(struct test_random *random, const char *const *from, uint32_t count) {
    return from[test_random_below(random, count)];
}

static bool chance(struct test_random *random, uint32_t one_in) {
    return test_random_below(random, one_in) == 0;
}

/* What every event may have; the caller closes the object. */
static void put_common(FILE *out, struct test_random *random, bool needs_job) {
    int64_t at = FIXTURE_START_NS + (int64_t)test_random_below(random, 5 * 360) * 10000000000;
    fprintf(out, "\"timestamp\":%" PRId64, at);
    if (needs_job || !chance(random, 4)) {
        fprintf(out, ",\"job_id\":\"job-%u\"", test_random_below(random, 12));
    }
    if (chance(random, 8)) {
        fprintf(out, ",\"environment\":\"%s\"", pick(random, environments, 2));
    }
    if (chance(random, 6)) {
        fprintf(out, ",\"event_id\":\"given-%u\"", test_random_below(random, 50));
    }
}

static void put_real(FILE *out, struct test_random *random, const char *field) {
    if (!chance(random, 3)) {
        fprintf(out, ",\"%s\":%s", field, pick(random, reals, COUNT(reals)));
    }
}

static void put_share(FILE *out, struct test_random *random, const char *field) {
    if (!chance(random, 3)) {
        fprintf(out, ",\"%s\":0.%03u", field, test_random_below(random, 1000));
    } else if (!chance(random, 3)) {
        fprintf(out, ",\"%s\":0.%07u", field, test_random_below(random, 10000000));
    }
}

static void put_integer(FILE *out, struct test_random *random, const char *field) {
    if (chance(random, 30)) {
        fprintf(out, ",\"%s\":9007199254740993", field);
    } else if (!chance(random, 3)) {
        fprintf(out, ",\"%s\":%u", field, test_random_below(random, 5));
    }
}

static void put_job(FILE *out, struct test_random *random) {
    static const char *const statuses[] = {"success", "failed", "cancelled"};
    if (chance(random, 2)) {
        fprintf(out, "{\"event\":\"job_start\",");
        put_common(out, random, true);
        if (!chance(random, 3)) {
            fprintf(out, ",\"ai_agent\":%s", chance(random, 2) ? "true" : "false");
        }
        if (chance(random, 2)) {
            fprintf(out, ",\"metadata\":{\"n\":%u}", test_random_below(random, 9));
        }
        return;
    }
    fprintf(out, "{\"event\":\"job_end\",");
    put_common(out, random, true);
    fprintf(out, ",\"status\":\"%s\"", pick(random, statuses, 3));
    put_integer(out, random, "iterations");
    if (chance(random, 3)) {
        fprintf(out, ",\"error_message\":\"why %u\"", test_random_below(random, 4));
    }
}

static void put_agent(FILE *out, struct test_random *random) {
    fprintf(out, "{\"event\":\"agent_execution\",");
    put_common(out, random, false);
    fprintf(out, ",\"agent_name\":\"%s\",\"success\":%s", pick(random, agents, COUNT(agents)),
            chance(random, 3) ? "false" : "true");
    if (chance(random, 2)) {
        fprintf(out, ",\"provider_id\":\"%s\",\"model\":\"%s\"",
                pick(random, providers, COUNT(providers)), pick(random, models, COUNT(models)));
    }
    put_share(out, random, "confidence");
    put_real(out, random, "execution_time_ms");
    put_integer(out, random, "fixes_applied");
    put_integer(out, random, "attempt");
}

static void put_call(FILE *out, struct test_random *random) {
    static const char *const classes[] = {"availability", "execution", "cancelled"};
    fprintf(out, "{\"event\":\"provider_performance\",");
    put_common(out, random, false);
    bool success = !chance(random, 3);
    fprintf(out, ",\"provider_id\":\"%s\",\"success\":%s",
            pick(random, providers, COUNT(providers)), success ? "true" : "false");
    if (!success && !chance(random, 3)) {
        fprintf(out, ",\"failure_class\":\"%s\"", pick(random, classes, 3));
    }
    if (chance(random, 4)) {
        fprintf(out, ",\"fallback_from\":\"%s\"", pick(random, providers, COUNT(providers)));
        if (chance(random, 2)) {
            fprintf(out, ",\"fallback_reason\":\"rate_limit\"");
        }
    }
    put_real(out, random, "latency_ms");
    put_real(out, random, "cost_usd");
    put_integer(out, random, "retry_count");
    put_integer(out, random, "input_tokens");
    put_integer(out, random, "output_tokens");
}

static void put_rest(FILE *out, struct test_random *random) {
    static const char *const hook_statuses[] = {"success", "failed", "skipped"};
    static const char *const test_statuses[] = {"passed", "failed", "skipped", "error"};
    static const char *const heads[] = {"strategy_decision",
                                        "orchestration_execution",
                                        "hook_execution",
                                        "test_execution",
                                        "error",
                                        "individual_test_execution",
                                        "writer_loss",
                                        "my.own_event"};
    uint32_t which = test_random_below(random, COUNT(heads));
    fprintf(out, "{\"event\":\"%s\",", heads[which]);
    put_common(out, random, false);
    switch (which) {
    case 0:
        fprintf(out, ",\"selected_strategy\":\"s%u\"", test_random_below(random, 3));
        put_share(out, random, "effectiveness_score");
        break;
    case 1:
        fprintf(out, ",\"execution_strategy\":\"s%u\"", test_random_below(random, 3));
        put_integer(out, random, "iteration_count");
        put_real(out, random, "total_execution_time_ms");
        put_real(out, random, "hooks_execution_time_ms");
        if (chance(random, 2)) {
            fprintf(out, ",\"correlation_insights\":{\"problematic_hooks\":[\"h%u\",\"h%u\"]}",
                    test_random_below(random, 3), test_random_below(random, 3));
        }
        break;
    case 2:
        fprintf(out, ",\"hook_name\":\"h%u\",\"status\":\"%s\"", test_random_below(random, 3),
                pick(random, hook_statuses, 3));
        put_real(out, random, "execution_time_ms");
        break;
    case 3:
        put_integer(out, random, "total_tests");
        put_real(out, random, "coverage_percent");
        break;
    case 4:
        fprintf(out, ",\"error_type\":\"e%u\",\"error_message\":\"%s %u\"",
                test_random_below(random, 2), chance(random, 2) ? "line" : "at /x/y",
                test_random_below(random, 5));
        break;
    case 5:
        fprintf(out, ",\"test_id\":\"t%u\",\"status\":\"%s\"", test_random_below(random, 4),
                pick(random, test_statuses, 4));
        if (chance(random, 2)) {
            fprintf(out, ",\"error_message\":\"m%u\"", test_random_below(random, 3));
        }
        put_real(out, random, "execution_time_ms");
        break;
    case 6:
        fprintf(out, ",\"lost_event\":\"error\",\"lost_count\":%u,\"reason\":\"ring_full\"",
                1 + test_random_below(random, 9));
        break;
    default:
        break;
    }
}

/* The NDJSON parser refuses numbers out of a field's range; a coverage above 100 is such a one. */
static bool is_valid(struct segment_maker *maker, const char *line) {
    const struct alog_event *event;
    return alog_ndjson_parse(maker->parser, line, strlen(line), &event, NULL) == ALOG_OK;
}

void ingest_fixture_add(struct segment_maker *maker, struct test_random *random) {
    for (;;) {
        char line[1024];
        FILE *out = fmemopen(line, sizeof(line), "w");
        assert_non_null(out);
        uint32_t dice = test_random_below(random, 10);
        if (dice < 2) {
            put_job(out, random);
        } else if (dice < 5) {
            put_agent(out, random);
        } else if (dice < 7) {
            put_call(out, random);
        } else {
            put_rest(out, random);
        }
        fputc('}', out);
        fclose(out);
        if (is_valid(maker, line)) {
            segment_maker_add_line(maker, line);
            return;
        }
    }
}

void ingest_fixture_make_log(const char *log_dir, uint64_t seed, unsigned writers,
                             unsigned segments, unsigned blocks, unsigned events) {
    struct test_random random = {seed};
    for (unsigned writer = 0; writer < writers; writer++) {
        struct segment_maker maker;
        segment_maker_init(&maker, alog_io_system(), log_dir, seed * 16 + writer + 1);
        for (unsigned segment = 0; segment < segments; segment++) {
            segment_maker_begin(&maker);
            for (unsigned block = 0; block < blocks; block++) {
                for (unsigned event = 0; event < events; event++) {
                    ingest_fixture_add(&maker, &random);
                }
                if (chance(&random, 4)) {
                    maker.next_sequence += 1 + test_random_below(&random, 5);
                }
                assert_int_equal(segment_maker_end_block(&maker), ALOG_OK);
            }
            segment_maker_seal(&maker);
        }
        segment_maker_free(&maker);
    }
}

void ingest_fixture_ingest(const char *log_dir, const char *db_path, uint32_t threads,
                           struct alog_ingest_report *ret_report) {
    struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
    struct alog_error error = {0};
    options.threads = threads;
    if (alog_ingest(log_dir, db_path, &options, ret_report, &error) != ALOG_OK) {
        fail_msg("ingest: %s", error.message);
    }
}

enum alog_status ingest_fixture_by_blocks(const char *log_dir, const char *db_path,
                                          uint32_t blocks_per_commit,
                                          const struct alog_ingest_options *options,
                                          struct alog_error *error) {
    struct alog_ingest_setup setup;
    struct alog_ingest_plan plan = {0};
    struct alog_ingest_report report = {0};
    struct alog_store *store = NULL;
    enum alog_status status = alog_ingest_setup(options, &setup, error);
    setup.groups_limit_bytes = 0;
    setup.batches_per_commit = blocks_per_commit;
    if (status == ALOG_OK) {
        status = alog_store_open(db_path, &setup.settings, &store, error);
    }
    if (status == ALOG_OK) {
        status = alog_ingest_plan_make(alog_store_db(store), log_dir, &setup, &plan, error);
    }
    if (status == ALOG_OK) {
        status = alog_ingest_execute(store, &plan, &setup, &report, error);
    }
    alog_ingest_plan_free(&plan);
    enum alog_status closed = alog_store_close(store, status == ALOG_OK ? error : NULL);
    return status == ALOG_OK ? closed : status;
}

int64_t ingest_fixture_integer(const char *db_path, const char *sql) {
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    if (sqlite3_open_v2(db_path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, sql, -1, &row, NULL) != SQLITE_OK ||
        sqlite3_step(row) != SQLITE_ROW) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    int64_t value = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return value;
}
