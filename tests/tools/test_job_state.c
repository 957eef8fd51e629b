/* `agentlog job` tells one state of the database, whatever is committed while it asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "commands.h"
#include "support/fault_statement.h"
#include "support/ingest_fixture.h"
#include "support/scratch_dir.h"

/* Two jobs of which the second can take the place of the first, rows and lists: the two states. */
struct fixture {
    char *dir;
    char db_path[300], out_path[300];
    sqlite3 *db; /* opened before any statement is counted */
    bool acted;
};

static void run_sql(sqlite3 *db, const char *sql) {
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
}

/* One statement for each table that has jobs, made by `sql`, which gives the rest of the text. */
static void for_each_table(sqlite3 *db, const char *sql) {
    sqlite3_stmt *tables;
    char *select = sqlite3_mprintf("SELECT printf(%Q, s.name) FROM sqlite_schema AS s,"
                                   " pragma_table_info(s.name) AS c WHERE s.type = 'table'"
                                   " AND c.name = 'job_id'",
                                   sql);
    assert_int_equal(sqlite3_prepare_v2(db, select, -1, &tables, NULL), SQLITE_OK);
    int count = 0;
    while (sqlite3_step(tables) == SQLITE_ROW) {
        run_sql(db, (const char *)sqlite3_column_text(tables, 0));
        count++;
    }
    assert_true(count >= 1);
    sqlite3_finalize(tables);
    sqlite3_free(select);
}

/* Write mode is WAL, as in an ingest: who reads and who writes do not wait for each other. */
static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    char log[300];
    f->dir = scratch_dir_make();
    snprintf(log, sizeof(log), "%s/log", f->dir);
    snprintf(f->db_path, sizeof(f->db_path), "%s/a.db", f->dir);
    snprintf(f->out_path, sizeof(f->out_path), "%s/out", f->dir);
    ingest_fixture_make_log(log, 5, 2, 2, 2, 300);
    ingest_fixture_ingest(log, f->db_path, 1, NULL);
    assert_int_equal(sqlite3_open(f->db_path, &f->db), SQLITE_OK);
    run_sql(f->db, "PRAGMA journal_mode = WAL");
    run_sql(f->db, "CREATE TEMP TABLE pair AS SELECT job_id FROM main.jobs"
                   " WHERE environment = 'production' AND errors > 0 AND provider_calls > 0"
                   " ORDER BY agent_executions DESC, job_id LIMIT 2");
    for_each_table(f->db, "DELETE FROM %s WHERE environment <> 'production'"
                          " OR job_id NOT IN (SELECT job_id FROM pair)");
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    sqlite3_close(f->db);
    scratch_dir_remove(f->dir);
    free(f);
    return 0;
}

/* The jobs swap their names, in one transaction. */
static void swap(void *context) {
    struct fixture *f = context;
    run_sql(f->db, "BEGIN IMMEDIATE");
    for_each_table(f->db,
                   "UPDATE %s SET job_id = 'x' WHERE job_id = (SELECT MIN(job_id) FROM pair)");
    for_each_table(f->db, "UPDATE %s SET job_id = (SELECT MIN(job_id) FROM pair)"
                          " WHERE job_id = (SELECT MAX(job_id) FROM pair)");
    for_each_table(f->db,
                   "UPDATE %s SET job_id = (SELECT MAX(job_id) FROM pair) WHERE job_id = 'x'");
    run_sql(f->db, "COMMIT");
    f->acted = true;
}

/* What the command prints; the caller frees it. */
static char *story(struct fixture *f, char *job_id) {
    char *operands[] = {f->db_path, job_id};
    const struct cli_arguments arguments = {.operands = operands, .operand_count = 2, .json = true};
    fflush(stdout);
    const int kept = dup(STDOUT_FILENO);
    assert_non_null(freopen(f->out_path, "w", stdout));
    const enum exit_code code = cmd_job.run(&cmd_job, &arguments);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    assert_int_equal(code, EXIT_FINE);
    size_t len = 0;
    char *text = NULL;
    FILE *in = fopen(f->out_path, "r");
    assert_non_null(in);
    assert_true(getdelim(&text, &len, '\0', in) > 0);
    fclose(in);
    return text;
}

static char *job_id_of(struct fixture *f) {
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(f->db, "SELECT MIN(job_id) FROM pair HAVING COUNT(*) = 2",
                                        -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    char *job_id = strdup((const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return job_id;
}

static void one_state_is_told(void **state) {
    struct fixture *f = *state;
    char *job_id = job_id_of(f);
    fault_statement_install(0);
    char *before = story(f, job_id);
    const unsigned statements = fault_statement_count();
    swap(f);
    char *after = story(f, job_id);
    swap(f);
    assert_string_not_equal(before, after);
    unsigned told_before = 0, told_after = 0;
    for (unsigned at = 1; at <= statements; at++) {
        f->acted = false;
        fault_statement_call(at, swap, f);
        char *told = story(f, job_id);
        assert_true(f->acted);
        if (strcmp(told, before) == 0) {
            told_before++;
        } else if (strcmp(told, after) == 0) {
            told_after++;
        } else {
            fail_msg("changed at statement %u of %u, it tells neither state:\n%s", at, statements,
                     told);
        }
        free(told);
        fault_statement_install(0);
        swap(f);
    }
    /* Late changes are not seen, early ones are. */
    assert_true(told_before >= 7 && told_after >= 1);
    free(before);
    free(after);
    free(job_id);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_state_is_told, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
