/* Asking: from what the caller wants to the parameters of the kind's statement. */
#include "query.h"

#include "calendar.h"
#include "format/error.h"
#include "query_db.h"
#include "sql_error.h"

#define NS_PER_S INT64_C(1000000000)

const struct alog_query_form *alog_query_form(enum alog_query_kind kind) {
    switch (kind) {
    case ALOG_QUERY_SUMMARY:
        return &alog_query_summary;
    case ALOG_QUERY_SUCCESS_RATE:
        return &alog_query_success_rate;
    case ALOG_QUERY_AVAILABILITY:
        return &alog_query_availability;
    case ALOG_QUERY_AGENTS:
        return &alog_query_agents;
    case ALOG_QUERY_PROVIDERS:
        return &alog_query_providers;
    case ALOG_QUERY_MODELS:
        return &alog_query_models;
    case ALOG_QUERY_ERRORS:
        return &alog_query_errors;
    case ALOG_QUERY_TESTS:
        return &alog_query_tests;
    case ALOG_QUERY_JOB:
        return &alog_query_job;
    case ALOG_QUERY_JOB_AGENTS:
        return &alog_query_job_agents;
    case ALOG_QUERY_JOB_PROVIDERS:
        return &alog_query_job_providers;
    case ALOG_QUERY_JOB_ERRORS:
        return &alog_query_job_errors;
    }
    return NULL;
}

static bool about_a_job(enum alog_query_kind kind) {
    return kind == ALOG_QUERY_JOB || kind == ALOG_QUERY_JOB_AGENTS ||
           kind == ALOG_QUERY_JOB_PROVIDERS || kind == ALOG_QUERY_JOB_ERRORS;
}

/* ---- Parameters
 * -------------------------------------------------------------------------------------------
 */

struct binding {
    sqlite3_stmt *statement;
    const char *misplaced; /* a filter that was given and that the statement does not have */
    int failure;           /* SQLite's first */
};

/* The parameter's index, or 0; `given` tells that the caller wants it to have an effect. */
static int index_of(struct binding *b, const char *name, bool given) {
    int index = sqlite3_bind_parameter_index(b->statement, name);
    if (index == 0 && given && !b->misplaced) {
        b->misplaced = name + 1;
    }
    return index;
}

static void note(struct binding *b, int result) {
    if (b->failure == SQLITE_OK) {
        b->failure = result;
    }
}

static void bind_text(struct binding *b, const char *name, struct alog_string text) {
    int index = index_of(b, name, text.data != NULL);
    if (index > 0 && text.data) {
        note(b, sqlite3_bind_text64(b->statement, index, text.data, text.len, SQLITE_STATIC,
                                    SQLITE_UTF8));
    }
}

static void bind_i64(struct binding *b, const char *name, bool given, int64_t value) {
    int index = index_of(b, name, given);
    if (index > 0) {
        note(b, sqlite3_bind_int64(b->statement, index, value));
    }
}

/* The start of the bucket that `ns` lies in, or, with `up`, the first start at or after it. */
static int64_t bucket_of(int64_t ns, int64_t bucket_s, int32_t offset_s, bool up) {
    int64_t s = ns / NS_PER_S - (ns % NS_PER_S < 0);
    int64_t start = alog_bucket_start(s, bucket_s, offset_s);
    bool on_it = start == s && ns % NS_PER_S == 0;
    return up && !on_it ? start + bucket_s : start;
}

/* A kind reads hours or days: one pair of these is in its statement. */
static void bind_window(struct binding *b, const struct alog_db *db, const struct alog_query *query,
                        const char *since_name, const char *until_name, int64_t bucket) {
    int64_t since = INT64_MIN;
    int64_t until = INT64_MAX;
    if (query->since_ns.present) {
        since = bucket_of(query->since_ns.value, bucket, db->time_zone_offset_s, false);
    }
    if (query->until_ns.present) {
        until = bucket_of(query->until_ns.value, bucket, db->time_zone_offset_s, true);
    }
    bind_i64(b, since_name, false, since);
    bind_i64(b, until_name, false, until);
}

static enum alog_status bind_all(struct alog_db *db, sqlite3_stmt *statement,
                                 const struct alog_query *query, struct alog_error *error) {
    struct binding b = {.statement = statement, .failure = SQLITE_OK};
    sqlite3_clear_bindings(statement);
    bool by_time = query->since_ns.present || query->until_ns.present;
    if (by_time && sqlite3_bind_parameter_index(statement, ":since_hour") == 0 &&
        sqlite3_bind_parameter_index(statement, ":since_day") == 0) {
        b.misplaced = "time";
    }
    bind_window(&b, db, query, ":since_hour", ":until_hour", ALOG_HOUR_S);
    bind_window(&b, db, query, ":since_day", ":until_day", ALOG_DAY_S);
    bind_text(&b, ":environment",
              query->environment.data ? query->environment : ALOG_STR("production"));
    bind_text(&b, ":agent_name", query->agent_name);
    bind_text(&b, ":issue_type", query->issue_type);
    bind_text(&b, ":provider_id", query->provider_id);
    bind_text(&b, ":model", query->model);
    bind_text(&b, ":job_id", query->job_id);
    int index = index_of(&b, ":max_latency_ms", query->max_latency_ms.present);
    if (index > 0 && query->max_latency_ms.present) {
        note(&b, sqlite3_bind_double(statement, index, query->max_latency_ms.value));
    }
    bind_i64(&b, ":limit", false, query->limit == 0 ? -1 : (int64_t)query->limit);
    if (b.misplaced) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "this question cannot be restricted by %s",
                         b.misplaced);
    }
    return b.failure == SQLITE_OK ? ALOG_OK : alog_sql_fail(db->sqlite, error, "asking");
}

/* ---- Asking
 * -----------------------------------------------------------------------------------------------
 */

/* ALOG_NOT_FOUND unless there is such a job; says where else there is one. */
static enum alog_status check_job(struct alog_db *db, const struct alog_query *query,
                                  struct alog_error *error) {
    static const char sql[] =
        "SELECT COUNT(*) FILTER (WHERE :environment IN (environment, '*')), MIN(environment)"
        " FROM jobs WHERE job_id = :job_id"
        " AND environment IN (SELECT :environment UNION SELECT environment FROM v_environments)";
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL) != SQLITE_OK) {
        return alog_sql_fail(db->sqlite, error, "looking for the job");
    }
    struct binding b = {.statement = statement, .failure = SQLITE_OK};
    struct alog_string environment =
        query->environment.data ? query->environment : ALOG_STR("production");
    bind_text(&b, ":environment", environment);
    bind_text(&b, ":job_id", query->job_id);
    enum alog_status status = ALOG_OK;
    if (b.failure != SQLITE_OK || sqlite3_step(statement) != SQLITE_ROW) {
        status = alog_sql_fail(db->sqlite, error, "looking for the job");
    } else if (sqlite3_column_int64(statement, 0) == 0) {
        const char *elsewhere = (const char *)sqlite3_column_text(statement, 1);
        bool everywhere = alog_string_equal(environment, ALOG_STR("*"));
        status = alog_fail(error, ALOG_NOT_FOUND, 0, -1, "no job %.*s%s%.*s%s%.64s",
                           alog_quoted_len(query->job_id), query->job_id.data,
                           everywhere ? "" : " in the environment ",
                           everywhere ? 0 : alog_quoted_len(environment), environment.data,
                           elsewhere ? "; there is one in " : "", elsewhere ? elsewhere : "");
    }
    sqlite3_finalize(statement);
    return status;
}

static enum alog_status check_query(const struct alog_query *query, struct alog_error *error) {
    if (about_a_job(query->kind) && !query->job_id.data) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "no job was named");
    }
    /* Written so that NaN fails. */
    if (query->max_latency_ms.present && !(query->max_latency_ms.value >= 0)) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "the latency must be 0 or more");
    }
    return ALOG_OK;
}

enum alog_status alog_db_query(struct alog_db *db, const struct alog_query *query,
                               struct alog_table **ret_table, struct alog_error *error) {
    const struct alog_query_form *form = query ? alog_query_form(query->kind) : NULL;
    if (!db || !form || !ret_table) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "there is no such question");
    }
    enum alog_status status = check_query(query, error);
    if (status != ALOG_OK) {
        return status;
    }
    sqlite3_stmt **statement = &db->statements[query->kind];
    if (!*statement && sqlite3_prepare_v3(db->sqlite, form->sql, -1, SQLITE_PREPARE_PERSISTENT,
                                          statement, NULL) != SQLITE_OK) {
        return alog_sql_fail(db->sqlite, error, "preparing the question");
    }
    struct alog_table *table = NULL;
    status = bind_all(db, *statement, query, error);
    if (status == ALOG_OK) {
        status = alog_table_collect(db->sqlite, *statement, form, &table, error);
    }
    sqlite3_reset(*statement);
    sqlite3_clear_bindings(*statement);
    if (status == ALOG_OK && about_a_job(query->kind) && table->row_count == 0) {
        status = check_job(db, query, error);
    }
    if (status != ALOG_OK) {
        alog_table_free(table);
        return status;
    }
    *ret_table = table;
    return ALOG_OK;
}
