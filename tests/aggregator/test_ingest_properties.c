/*
 * What must hold of every log, tried on random ones: the same database whatever the way in, and
 * sums that add up.
 *
 * ALOG_PROPERTY_CASES=N   so many cases (default 30)
 * ALOG_PROPERTY_SEED=N    the first one's seed (default 1); each case has the next number
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <agentlog/archive.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "aggregator/levels.h"
#include "support/db_dump.h"
#include "support/fault_statement.h"
#include "support/fault_vfs.h"
#include "support/ingest_fixture.h"
#include "support/random_log.h"
#include "support/scratch_dir.h"

/* Databases that are kept up to date while the log grows, each in its own steps. */
#define GROWN 2

struct property_case {
    uint64_t seed;
    struct test_random random;
    struct random_log log;
    struct alog_ingest_options options;
    char dir[300], archive[320], grown[GROWN][320], once[320];
    char *expected; /* the dump of `once` */
};

static uint64_t number_of(const char *variable, uint64_t fallback) {
    const char *text = getenv(variable);
    return text != NULL ? strtoull(text, NULL, 0) : fallback;
}

static uint32_t below(struct property_case *c, uint32_t bound) {
    return test_random_below(&c->random, bound);
}

/* ---- Ways in; blocks_per_commit: 0 = as usual ---- */

static enum alog_status ingest(struct property_case *c, const char *db, uint32_t blocks_per_commit,
                               struct alog_error *error) {
    return blocks_per_commit != 0
               ? ingest_fixture_by_blocks(c->log.log_dir, db, blocks_per_commit, &c->options, error)
               : alog_ingest(c->log.log_dir, db, &c->options, NULL, error);
}

/* A process of its own that is killed, or finds the disk full, somewhere on its way. */
static void ingest_with_fault(struct property_case *c, const char *db, uint32_t blocks_per_commit) {
    enum { DISK_FULL, KILLED_AT_CHANGE, KILLED_AT_STATEMENT } fault = below(c, 3);
    const uint32_t at = 1 + below(c, 1u << below(c, fault == KILLED_AT_STATEMENT ? 13 : 9));
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (fault == KILLED_AT_STATEMENT) {
            fault_statement_install(at);
        } else {
            fault_vfs_install(fault == DISK_FULL ? FAULT_VFS_FULL : FAULT_VFS_KILL, at);
        }
        struct alog_error error = {0};
        const enum alog_status status = ingest(c, db, blocks_per_commit, &error);
        _exit(status == ALOG_OK || fault == DISK_FULL ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
        fail_msg("an ingest that was to be killed at %s %u failed",
                 fault == KILLED_AT_STATEMENT ? "statement" : "change", at);
    }
}

static void ingest_grown(struct property_case *c) {
    const char *db = c->grown[below(c, GROWN)];
    const uint32_t blocks_per_commit = below(c, 3) == 0 ? 1 + below(c, 4) : 0;
    struct alog_error error = {0};
    c->options.threads = 1 + below(c, 8);
    if (below(c, 4) == 0) {
        ingest_with_fault(c, db, blocks_per_commit);
    } else if (ingest(c, db, blocks_per_commit, &error) != ALOG_OK) {
        fail_msg("ingest: %s", error.message);
    }
}

static void ingest_all(struct property_case *c, const char *db) {
    struct alog_error error = {0};
    if (alog_ingest(c->log.log_dir, db, &c->options, NULL, &error) != ALOG_OK) {
        fail_msg("ingest: %s", error.message);
    }
}

static void rebuild(struct property_case *c, const char *db, const char *day) {
    struct alog_error error = {0};
    c->options.day = day;
    c->options.threads = 1 + below(c, 8);
    if (alog_rebuild(c->log.log_dir, db, &c->options, NULL, &error) != ALOG_OK) {
        fail_msg("rebuild %s: %s", day != NULL ? day : "", error.message);
    }
    c->options.day = NULL;
    db_dump_assert_equal(db, c->expected, day != NULL ? day : "rebuild");
}

static void rebuild_days(struct property_case *c, const char *db) {
    sqlite3 *read = NULL;
    sqlite3_stmt *days = NULL;
    assert_int_equal(sqlite3_open_v2(c->once, &read, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(read,
                                        "SELECT DISTINCT day FROM daily_summary ORDER BY"
                                        " day_epoch % 7 LIMIT 2",
                                        -1, &days, NULL),
                     SQLITE_OK);
    while (sqlite3_step(days) == SQLITE_ROW) {
        rebuild(c, db, (const char *)sqlite3_column_text(days, 0));
    }
    sqlite3_finalize(days);
    sqlite3_close(read);
    rebuild(c, db, "2026-03-02");
}

/* Out of an archive that took the place of the segments. */
static void from_archive(struct property_case *c) {
    struct alog_archive_options archive = ALOG_ARCHIVE_OPTIONS_INIT;
    struct alog_error error = {0};
    char db[320];
    archive.compression_level = 1;
    archive.block_bytes = 64u << 10;
    archive.before_ns = (struct alog_opt_i64){INT64_MAX, true};
    if (alog_archive(c->log.log_dir, c->archive, &archive, NULL, &error) != ALOG_OK) {
        fail_msg("archive: %s", error.message);
    }
    c->options.archive_dir = c->archive;
    snprintf(db, sizeof db, "%s/archived.db", c->dir);
    ingest_all(c, db);
    db_dump_assert_equal(db, c->expected, "from the archive");
    ingest_all(c, c->grown[0]);
    db_dump_assert_equal(c->grown[0], c->expected, "archived since");
    rebuild(c, c->grown[0], NULL);
}

/* ---- What adds up ---- */

ALOG_PRINTF(2, 3)
static int64_t integer(sqlite3 *db, const char *format, ...) {
    char sql[1200];
    sqlite3_stmt *row = NULL;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sql, sizeof sql, format, arguments);
    va_end(arguments);
    if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) != SQLITE_OK ||
        sqlite3_step(row) != SQLITE_ROW) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    const int64_t value = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    return value;
}

static void assert_same(sqlite3 *db, const char *a, const char *b) {
    const int64_t left = integer(db, "SELECT COALESCE((%s), 0)", a);
    const int64_t right = integer(db, "SELECT COALESCE((%s), 0)", b);
    if (left != right) {
        fail_msg("%s gives %" PRId64 ", %s gives %" PRId64, a, left, b, right);
    }
}

/* Every sum over hours is that over days and over months, in each environment. */
static void levels_add_up(sqlite3 *db) {
    for (enum alog_rollup rollup = 0; rollup < ALOG_ROLLUP_COUNT; rollup++) {
        const struct alog_rollup_kind *kind = alog_rollup_kind(rollup);
        for (unsigned i = 0; alog_level_wanted(rollup) && i < kind->column_count; i++) {
            if (kind->columns[i].merge != ALOG_MERGE_SUM) {
                continue;
            }
            for (enum alog_level level = ALOG_LEVEL_DAY; level <= ALOG_LEVEL_MONTH; level++) {
                const char *column = kind->columns[i].name;
                if (integer(db,
                            "SELECT COUNT(*) FROM (SELECT environment, SUM(%s) FROM %s GROUP BY 1"
                            " EXCEPT SELECT environment, SUM(%s) FROM %s%s GROUP BY 1)",
                            column, kind->table, column, kind->table,
                            alog_level_suffix(level)) != 0) {
                    fail_msg("%s.%s: other sums at level %s", kind->table, column,
                             alog_level_suffix(level));
                }
            }
        }
    }
}

/* What rollup_jobs is to hold, as plain SQL over the jobs. */
#define JOBS_BY_DAY                                                                                \
    "SELECT environment, day_epoch, COUNT(*), COUNT(*) FILTER (WHERE named),"                      \
    " COUNT(*) FILTER (WHERE status = 'success'), COUNT(*) FILTER (WHERE status = 'failed'),"      \
    " COUNT(*) FILTER (WHERE status = 'cancelled'),"                                               \
    " COUNT(*) FILTER (WHERE start_ns IS NOT NULL AND end_ns IS NOT NULL),"                        \
    " COUNT(*) FILTER (WHERE end_ns >= start_ns),"                                                 \
    " COALESCE(SUM((end_ns - start_ns) / 1000) FILTER (WHERE end_ns >= start_ns), 0),"             \
    " COUNT(*) FILTER (WHERE named AND ai_agent = 1),"                                             \
    " COUNT(*) FILTER (WHERE ai_agent = 1 AND status = 'success'),"                                \
    " COUNT(iterations), COALESCE(SUM(iterations), 0),"                                            \
    " COUNT(*) FILTER (WHERE named AND orchestrations > 0) FROM (SELECT *,"                        \
    " start_ns IS NOT NULL OR end_ns IS NOT NULL AS named FROM jobs)"                              \
    " GROUP BY environment, day_epoch"

static void tables_add_up(sqlite3 *db) {
    static const char *const of_type[][2] = {
        {"agent_execution", "SUM(executions) FROM rollup_agents"},
        {"agent_execution", "SUM(executions) FROM daily_agents"},
        {"agent_execution", "SUM(agent_executions) FROM daily_summary"},
        {"provider_performance", "SUM(calls) FROM rollup_providers"},
        {"provider_performance", "SUM(calls) FROM daily_providers"},
        {"provider_performance", "SUM(provider_calls) FROM daily_summary"},
        {"provider_performance",
         "SUM(successes + availability_failures + execution_failures + cancelled"
         " + unclassified_failures) FROM rollup_providers"},
        {"strategy_decision", "SUM(decisions) FROM rollup_strategies"},
        {"strategy_decision", "SUM(decisions) FROM daily_strategies"},
        {"orchestration_execution", "SUM(executions) FROM rollup_orchestrations"},
        {"hook_execution", "SUM(successes + failures + skips) FROM rollup_hooks"},
        {"test_execution", "SUM(runs) FROM rollup_test_runs"},
        {"individual_test_execution", "SUM(passed + failed + skipped + errors) FROM rollup_tests"},
        {"error", "SUM(errors) FROM rollup_errors"},
        {"error", "SUM(errors) FROM daily_errors"},
        {"error", "SUM(total_errors) FROM daily_summary"}};
    for (size_t i = 0; i < sizeof of_type / sizeof of_type[0]; i++) {
        char events[200], counted[300];
        snprintf(events, sizeof events, "SELECT SUM(events) FROM rollup_events WHERE event = '%s'",
                 of_type[i][0]);
        snprintf(counted, sizeof counted, "SELECT %s", of_type[i][1]);
        assert_same(db, counted, events);
    }
    static const char *const alike[][2] = {
        {"SELECT SUM(events) FROM rollup_events", "SELECT SUM(events) FROM segments"},
        {"SELECT SUM(events) FROM daily_events",
         "SELECT SUM(events) FROM rollup_events WHERE event NOT IN ('writer_loss',"
         " 'writer_stats')"},
        {"SELECT SUM(events) FROM daily_events", "SELECT SUM(events) FROM daily_summary"},
        {"SELECT SUM(events) FROM jobs", "SELECT SUM(events - without_job) FROM rollup_events"},
        {"SELECT SUM(attempts) FROM rollup_attempts", "SELECT SUM(agent_executions) FROM jobs"},
        {"SELECT SUM(events_lost) FROM daily_summary", "SELECT SUM(events_lost) FROM losses"},
        {"SELECT COUNT(*) FROM jobs WHERE start_ns IS NOT NULL OR end_ns IS NOT NULL",
         "SELECT SUM(total_jobs) FROM daily_summary"},
        {"SELECT COUNT(*) FROM (" JOBS_BY_DAY " EXCEPT SELECT environment, day_epoch, seen, jobs,"
         " successful_jobs, failed_jobs, cancelled_jobs, ended_jobs, timed_jobs, duration_us_sum,"
         " ai_jobs, ai_successful_jobs, iterations_count, iterations_sum, orchestrated_jobs"
         " FROM rollup_jobs)",
         "SELECT 0"},
        {"SELECT COUNT(*) FROM rollup_jobs", "SELECT COUNT(*) FROM (" JOBS_BY_DAY ")"},
        {"SELECT COUNT(*) FROM dirty_days", "SELECT 0"}};
    for (size_t i = 0; i < sizeof alike / sizeof alike[0]; i++) {
        assert_same(db, alike[i][0], alike[i][1]);
    }
}

/* Asked in two windows, the answer is that of the whole. */
static void windows_add_up(struct property_case *c) {
    static const struct {
        enum alog_query_kind kind;
        const char *column;
    } questions[] = {{ALOG_QUERY_SUCCESS_RATE, "executions"},
                     {ALOG_QUERY_AVAILABILITY, "calls"},
                     {ALOG_QUERY_ERRORS, "errors"},
                     {ALOG_QUERY_HOOKS, "runs"},
                     {ALOG_QUERY_TESTS, "passed"},
                     {ALOG_QUERY_FALLBACKS, "calls"},
                     {ALOG_QUERY_ORCHESTRATION, "decisions"}};
    const int64_t hour_ns = INT64_C(3600000000000);
    const int64_t middle_ns = c->log.profile.start_ns - hour_ns + hour_ns * below(c, 40);
    struct alog_db *db;
    assert_int_equal(alog_db_open(c->once, &db, NULL), ALOG_OK);
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        int64_t sums[3] = {0};
        for (int part = 0; part < 3; part++) {
            struct alog_query query = {.kind = questions[i].kind, .environment = ALOG_STR("*")};
            struct alog_table *table;
            struct alog_error error = {0};
            /* Buckets are not cut: the parts meet where one ends, by day where the kind says so. */
            const int64_t zone_ns = alog_db_time_zone_offset_s(db) * INT64_C(1000000000);
            const int64_t unit_ns =
                questions[i].kind == ALOG_QUERY_ORCHESTRATION ? 24 * hour_ns : hour_ns;
            const int64_t at_ns = (middle_ns + zone_ns) / unit_ns * unit_ns - zone_ns;
            query.since_ns = (struct alog_opt_i64){at_ns, part == 2};
            query.until_ns = (struct alog_opt_i64){at_ns, part == 1};
            if (alog_db_query(db, &query, &table, &error) != ALOG_OK) {
                fail_msg("question %d: %s", (int)query.kind, error.message);
            }
            for (size_t column = 0; column < table->column_count; column++) {
                for (size_t row = 0;
                     strcmp(table->columns[column].name, questions[i].column) == 0 &&
                     row < table->row_count;
                     row++) {
                    sums[part] += table->cells[row * table->column_count + column].i64;
                }
            }
            alog_table_free(table);
        }
        if (sums[0] != sums[1] + sums[2]) {
            fail_msg("question %d: %" PRId64 " in all, %" PRId64 " and %" PRId64 " in parts",
                     (int)questions[i].kind, sums[0], sums[1], sums[2]);
        }
    }
    alog_db_close(db);
}

/* As many events of each type as a reader finds in the log. */
static void database_has_the_logs_events(struct property_case *c, sqlite3 *db) {
    struct alog_segment_list list;
    int64_t events = 0, jobs = 0, losses = 0;
    assert_int_equal(alog_segments_list(c->log.log_dir, &list, NULL), ALOG_OK);
    for (size_t i = 0; i < list.count; i++) {
        struct alog_reader *reader;
        const struct alog_event *event;
        assert_int_equal(alog_reader_open(list.segments[i].path, NULL, NULL, NULL, &reader, NULL),
                         ALOG_OK);
        for (;;) {
            assert_int_equal(alog_reader_next(reader, &event, NULL), ALOG_OK);
            if (event == NULL) {
                break;
            }
            events++;
            jobs += event->job_id.len != 0;
            if (alog_string_equal(event->name, ALOG_STR("writer_loss"))) {
                losses += event->values[1].i64;
            }
        }
        alog_reader_close(reader);
    }
    alog_segments_free(&list);
    assert_int_equal(integer(db, "SELECT COALESCE(SUM(events), 0) FROM rollup_events"), events);
    assert_int_equal(integer(db, "SELECT COALESCE(SUM(events), 0) FROM jobs"), jobs);
    assert_int_equal(integer(db, "SELECT COALESCE(SUM(events_lost), 0) FROM rollup_losses"
                                 " WHERE reason <> 'gap'"),
                     losses);
}

static void sums_add_up(struct property_case *c) {
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2(c->once, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    tables_add_up(db);
    levels_add_up(db);
    windows_add_up(c);
    if (!c->log.damaged) {
        database_has_the_logs_events(c, db);
    }
    sqlite3_close(db);
}

/* ---- Cases ---- */

static void choose_options(struct property_case *c) {
    static const char *const zones[] = {"UTC", "+05:45", "-08:00", "+14:00"};
    static const uint32_t caps[] = {10000, 10000, 1, 2, 5};
    c->options = (struct alog_ingest_options)ALOG_INGEST_OPTIONS_INIT;
    c->options.time_zone = zones[below(c, 4)];
    c->options.dimension_cap = caps[below(c, 5)];
}

static void run_case(struct property_case *c) {
    choose_options(c);
    mkdir(c->dir, 0777);
    snprintf(c->archive, sizeof c->archive, "%s/archive", c->dir);
    snprintf(c->once, sizeof c->once, "%s/once.db", c->dir);
    for (int i = 0; i < GROWN; i++) {
        snprintf(c->grown[i], sizeof c->grown[i], "%s/grown-%d.db", c->dir, i);
    }
    random_log_begin(&c->log, &c->random, c->dir);
    const uint32_t pause = 1 + below(c, 8);
    while (random_log_step(&c->log)) {
        if (below(c, pause) == 0) {
            ingest_grown(c);
        }
    }
    random_log_end(&c->log);

    c->options.threads = 1;
    ingest_all(c, c->once);
    c->expected = db_dump(c->once, NULL);
    for (int i = 0; i < GROWN; i++) {
        c->options.threads = 1 + below(c, 8);
        ingest_all(c, c->grown[i]);
        db_dump_assert_equal(c->grown[i], c->expected, "grown");
    }
    sums_add_up(c);
    rebuild_days(c, c->grown[1]);
    rebuild(c, c->grown[1], NULL);
    if (!c->log.damaged && below(c, 3) == 0) {
        from_archive(c);
    }
    free(c->expected);
}

static void every_log(void **state) {
    (void)state;
    const uint64_t cases = number_of("ALOG_PROPERTY_CASES", 30);
    const uint64_t first = number_of("ALOG_PROPERTY_SEED", 1);
    printf("ALOG_PROPERTY_SEED=%" PRIu64 " ALOG_PROPERTY_CASES=%" PRIu64 "\n", first, cases);
    fault_vfs_install(FAULT_VFS_COUNT, 0); /* which also waits for no disk */
    struct property_case *c = malloc(sizeof *c);
    assert_non_null(c);
    for (uint64_t i = 0; i < cases; i++) {
        char *dir = scratch_dir_make();
        memset(c, 0, sizeof *c);
        c->seed = first + i;
        c->random.state = c->seed;
        snprintf(c->dir, sizeof c->dir, "%s/case", dir);
        printf("seed %" PRIu64 "\n", c->seed);
        fflush(stdout); /* whatever ends this case, its seed is told */
        run_case(c);
        scratch_dir_remove(dir);
    }
    free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_log)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
