/* Asking: from what the caller wants to the parameters of the kind's statement. */
#include "query.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#include "calendar.h"
#include "fixed.h"
#include "format/error.h"
#include "query_db.h"
#include "query_window.h"
#include "sql_error.h"

#define NS_PER_S       INT64_C(1000000000)
#define DEFAULT_BINS   10u
#define MAX_BINS       1000
#define MAX_THRESHOLDS 20

const struct alog_query_form *alog_query_form(const struct alog_query *query) {
    static const struct alog_query_form *const forms[ALOG_QUERY_KINDS] = {
        [ALOG_QUERY_SUMMARY] = &alog_query_summary,
        [ALOG_QUERY_SUCCESS_RATE] = &alog_query_success_rate,
        [ALOG_QUERY_AVAILABILITY] = &alog_query_availability,
        [ALOG_QUERY_AGENTS] = &alog_query_agents,
        [ALOG_QUERY_PROVIDERS] = &alog_query_providers,
        [ALOG_QUERY_MODELS] = &alog_query_models,
        [ALOG_QUERY_ERRORS] = &alog_query_errors,
        [ALOG_QUERY_TESTS] = &alog_query_tests,
        [ALOG_QUERY_JOB] = &alog_query_job,
        [ALOG_QUERY_JOB_AGENTS] = &alog_query_job_agents,
        [ALOG_QUERY_JOB_PROVIDERS] = &alog_query_job_providers,
        [ALOG_QUERY_JOB_ERRORS] = &alog_query_job_errors,
        [ALOG_QUERY_CONFIDENCE] = &alog_query_confidence,
        [ALOG_QUERY_CALIBRATION] = &alog_query_calibration,
        [ALOG_QUERY_CALIBRATION_BINS] = &alog_query_calibration_bins,
        [ALOG_QUERY_AGENTS_PROVIDERS] = &alog_query_agents_providers,
        [ALOG_QUERY_FALLBACKS] = &alog_query_fallbacks,
        [ALOG_QUERY_ERROR_PATTERNS] = &alog_query_error_patterns,
        [ALOG_QUERY_HOOKS] = &alog_query_hooks,
        [ALOG_QUERY_ORCHESTRATION] = &alog_query_orchestration,
        [ALOG_QUERY_ORCHESTRATION_TIME] = &alog_query_orchestration_time,
        [ALOG_QUERY_PROBLEM_HOOKS] = &alog_query_problem_hooks,
        [ALOG_QUERY_RETRIES] = &alog_query_retries,
        [ALOG_QUERY_ALL_TIME] = &alog_query_all_time,
        [ALOG_QUERY_REGRESS] = &alog_query_regress,
        [ALOG_QUERY_JOB_STRATEGIES] = &alog_query_job_strategies,
        [ALOG_QUERY_JOB_TESTS] = &alog_query_job_tests,
        [ALOG_QUERY_JOB_TIMELINE] = &alog_query_job_timeline,
        [ALOG_QUERY_COMPLETENESS] = &alog_query_completeness,
        [ALOG_QUERY_KNOWN_ENVIRONMENTS] = &alog_query_known_environments,
    };
    if (query->kind == ALOG_QUERY_TREND) {
        return alog_trend_form(query->metric);
    }
    return (unsigned)query->kind < ALOG_QUERY_KINDS ? forms[query->kind] : NULL;
}

static struct alog_string environment_of(const struct alog_query *query) {
    return query->environment.data ? query->environment : ALOG_STR("production");
}

static bool about_a_job(enum alog_query_kind kind) {
    return (kind >= ALOG_QUERY_JOB && kind <= ALOG_QUERY_JOB_ERRORS) ||
           (kind >= ALOG_QUERY_JOB_STRATEGIES && kind <= ALOG_QUERY_JOB_TIMELINE);
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

static int64_t bound_or(struct alog_opt_i64 ns, int64_t bucket_s, int32_t offset_s, bool up,
                        int64_t otherwise) {
    return ns.present ? bucket_of(ns.value, bucket_s, offset_s, up) : otherwise;
}

/* The parameters of a window, whose names begin with `prefix`, where the statement has them. */
static void bind_layout(struct binding *b, const struct alog_db *db, const char *prefix,
                        int64_t since_s, int64_t until_s) {
    struct alog_query_window w;
    alog_query_window_lay_out(since_s, until_s, db->time_zone_offset_s, &w);
    const struct {
        const char *name;
        int64_t at_s;
    } bounds[] = {{"head_hour", w.head_hour},   {"head_day", w.head_day},
                  {"head_month", w.head_month}, {"tail_month", w.tail_month},
                  {"tail_day", w.tail_day},     {"tail_hour", w.tail_hour}};
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        char name[32];
        snprintf(name, sizeof(name), ":%s%s", prefix, bounds[i].name);
        bind_i64(b, name, false, bounds[i].at_s);
    }
}

/* Kinds that read days and levels of hours alike: their windows must be the same. */
static bool of_whole_days(enum alog_query_kind kind) {
    return kind == ALOG_QUERY_ALL_TIME || kind == ALOG_QUERY_COMPLETENESS;
}

/* A kind reads hours, and their levels, or days: either is in its statement. */
static void bind_window(struct binding *b, const struct alog_db *db,
                        const struct alog_query *query) {
    int32_t offset_s = db->time_zone_offset_s;
    int64_t bucket_s = of_whole_days(query->kind) ? ALOG_DAY_S : ALOG_HOUR_S;
    bind_layout(b, db, "", bound_or(query->since_ns, bucket_s, offset_s, false, INT64_MIN),
                bound_or(query->until_ns, bucket_s, offset_s, true, INT64_MAX));
}

/* Days, or with `weekly` the whole weeks that they are in: Monday is where a week begins. */
static void bind_days(struct binding *b, const struct alog_db *db, const struct alog_query *query) {
    int32_t offset_s = db->time_zone_offset_s;
    int64_t since = bound_or(query->since_ns, ALOG_DAY_S, offset_s, false, INT64_MIN);
    int64_t until = bound_or(query->until_ns, ALOG_DAY_S, offset_s, true, INT64_MAX);
    if (query->weekly && query->since_ns.present) {
        since = alog_week_start(since, offset_s);
    }
    if (query->weekly && query->until_ns.present) {
        until = alog_week_start(until + 6 * ALOG_DAY_S, offset_s);
    }
    bind_i64(b, ":since_day", false, since);
    bind_i64(b, ":until_day", false, until);
}

static int64_t now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

/* The latest day with events before `before_s`; 0 without any. */
static enum alog_status find_latest_day(struct alog_db *db, struct alog_string environment,
                                        int64_t before_s, int64_t *ret_day,
                                        struct alog_error *error) {
    static const char sql[] =
        "SELECT MAX(day_epoch) FROM daily_summary WHERE (environment = ?1 OR ?1 = '*')"
        " AND day_epoch < ?2 AND events > 0";
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL) != SQLITE_OK) {
        return alog_sql_fail(db->sqlite, error, "looking for the latest day");
    }
    sqlite3_bind_text64(statement, 1, environment.data, environment.len, SQLITE_STATIC,
                        SQLITE_UTF8);
    sqlite3_bind_int64(statement, 2, before_s);
    int64_t day = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    if (sqlite3_finalize(statement) != SQLITE_OK) {
        return alog_sql_fail(db->sqlite, error, "looking for the latest day");
    }
    *ret_day = day;
    return ALOG_OK;
}

/* What is compared must have two ends. When nobody said where it ends: with the latest day that is
 * over, since the morning of one that has only begun is not like the whole day before it; but a
 * window that begins with such a day is asked for as it is. One that begins after the latest day
 * has nothing. */
static enum alog_status bind_regress_days(struct binding *b, struct alog_db *db,
                                          const struct alog_query *query,
                                          struct alog_error *error) {
    int32_t offset_s = db->time_zone_offset_s;
    int64_t until = bound_or(query->until_ns, ALOG_DAY_S, offset_s, true, INT64_MAX);
    int64_t today = alog_bucket_start(now_s(), ALOG_DAY_S, offset_s);
    if (!query->until_ns.present) {
        bool of_today = bound_or(query->since_ns, ALOG_DAY_S, offset_s, false, INT64_MIN) >= today;
        enum alog_status status =
            find_latest_day(db, environment_of(query), of_today ? INT64_MAX : today, &until, error);
        if (status != ALOG_OK) {
            return status;
        }
        until += ALOG_DAY_S;
    }
    int64_t since = bound_or(query->since_ns, ALOG_DAY_S, offset_s, false, until - ALOG_DAY_S);
    since = since < until ? since : until;
    bind_i64(b, ":since_day", false, since);
    bind_i64(b, ":until_day", false, until);
    bind_layout(b, db, "", since, until);
    bind_layout(b, db, "before_", since - (until - since), since);
    return ALOG_OK;
}

/* How many of the database's latency thresholds are at most the latency asked for, when that is
 * one. */
static int64_t latency_bands(const struct alog_db *db, const struct alog_query *query) {
    int64_t us;
    if (query->max_latency_ms.present &&
        alog_fixed_from_double(query->max_latency_ms.value, 3, &us)) {
        for (uint32_t i = 0; i < db->latency_limits.count; i++) {
            if (db->latency_limits.us[i] == us) {
                return i + 1;
            }
        }
    }
    return 0;
}

/* The classes of confidence as JSON, in thousandths; a last one includes 1. */
#define CLASSES_BYTES (24u * (MAX_BINS + 2))
static void write_classes(const struct alog_query *query, char *text) {
    static const double usual[] = {0.5, 0.8};
    bool bins = query->kind != ALOG_QUERY_CONFIDENCE &&
                !(query->kind == ALOG_QUERY_TREND &&
                  (alog_metric_describe(query->metric)->takes & ALOG_TAKES_THRESHOLDS));
    const double *thresholds = query->thresholds ? query->thresholds : usual;
    uint32_t count = query->thresholds ? (uint32_t)query->threshold_count : 2;
    if (bins) {
        count = (query->bins == 0 ? DEFAULT_BINS : query->bins) - 1;
    }
    size_t len = (size_t)sprintf(text, "[[0,");
    for (uint32_t i = 1; i <= count; i++) {
        long edge =
            bins ? (long)((1000 * i + count) / (count + 1)) : lround(thresholds[i - 1] * 1000);
        len += (size_t)sprintf(text + len, "%ld],[%ld,", edge, edge);
    }
    sprintf(text + len, "1001]]");
}

static enum alog_status bind_classes(struct binding *b, const struct alog_query *query) {
    int index = index_of(b, ":classes", false);
    if (index > 0) {
        char *text = sqlite3_malloc64(CLASSES_BYTES);
        if (!text) {
            return ALOG_NO_MEMORY;
        }
        write_classes(query, text);
        note(b, sqlite3_bind_text(b->statement, index, text, -1, sqlite3_free));
    }
    return ALOG_OK;
}

static uint32_t min_count_of(const struct alog_query *query) {
    uint32_t usual = query->kind == ALOG_QUERY_ORCHESTRATION ? 5 : 30;
    return query->min_count == 0 ? usual : query->min_count;
}

static void bind_choices(struct binding *b, const struct alog_db *db,
                         const struct alog_query *query) {
    int index = index_of(b, ":max_latency_ms", query->max_latency_ms.present);
    if (index > 0 && query->max_latency_ms.present) {
        note(b, sqlite3_bind_double(b->statement, index, query->max_latency_ms.value));
    }
    index = index_of(b, ":max_ratio", false);
    if (index > 0) {
        note(b, sqlite3_bind_double(b->statement, index,
                                    query->max_ratio.present ? query->max_ratio.value : 1.5));
    }
    index = index_of(b, ":max_ece", false);
    if (index > 0 && query->max_ece.present) {
        note(b, sqlite3_bind_double(b->statement, index, query->max_ece.value));
    }
    bind_i64(b, ":latency_bands", false, latency_bands(db, query));
    bind_i64(b, ":by", false, query->by ? query->by : ALOG_BY_AGENT | ALOG_BY_ISSUE_TYPE);
    bind_i64(b, ":sort", false, query->sort);
    bind_i64(b, ":weekly", false, query->weekly);
    bind_i64(b, ":min_count", false, min_count_of(query));
    bind_i64(b, ":time_zone_offset_s", false, db->time_zone_offset_s);
    bind_i64(b, ":limit", false, query->limit == 0 ? -1 : (int64_t)query->limit);
}

static enum alog_status bind_all(struct alog_db *db, sqlite3_stmt *statement,
                                 const struct alog_query *query, struct alog_error *error) {
    struct binding b = {.statement = statement, .failure = SQLITE_OK};
    sqlite3_clear_bindings(statement);
    bool by_time = query->since_ns.present || query->until_ns.present;
    if (by_time && sqlite3_bind_parameter_index(statement, ":head_hour") == 0 &&
        sqlite3_bind_parameter_index(statement, ":since_day") == 0) {
        b.misplaced = "time";
    }
    enum alog_status status = ALOG_OK;
    if (query->kind == ALOG_QUERY_REGRESS) {
        status = bind_regress_days(&b, db, query, error);
    } else {
        bind_window(&b, db, query);
        bind_days(&b, db, query);
    }
    bind_text(&b, ":environment", environment_of(query));
    bind_text(&b, ":agent_name", query->agent_name);
    bind_text(&b, ":issue_type", query->issue_type);
    bind_text(&b, ":provider_id", query->provider_id);
    bind_text(&b, ":model", query->model);
    bind_text(&b, ":job_id", query->job_id);
    bind_text(&b, ":subject", query->subject);
    bind_choices(&b, db, query);
    if (status == ALOG_OK && bind_classes(&b, query) != ALOG_OK) {
        status = alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for the question");
    }
    if (status != ALOG_OK) {
        return status;
    }
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
    struct alog_string environment = environment_of(query);
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

static enum alog_status check_metric(const struct alog_query *query, struct alog_error *error) {
    const char *misplaced, *missing;
    if (query->kind != ALOG_QUERY_TREND || alog_trend_takes(query, &misplaced, &missing)) {
        return ALOG_OK;
    }
    const char *name = alog_metric_describe(query->metric)->name;
    return misplaced ? alog_fail(error, ALOG_INVALID, 0, -1, "%s cannot be restricted by %s", name,
                                 misplaced)
                     : alog_fail(error, ALOG_INVALID, 0, -1, "%s needs a %s", name, missing);
}

static enum alog_status check_query(const struct alog_query *query, struct alog_error *error) {
    if (about_a_job(query->kind) && !query->job_id.data) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "no job was named");
    }
    if (query->bins > MAX_BINS || query->threshold_count > MAX_THRESHOLDS) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "there may be %d bins, or %d thresholds",
                         MAX_BINS, MAX_THRESHOLDS);
    }
    if (query->by > (ALOG_BY_AGENT | ALOG_BY_ISSUE_TYPE | ALOG_BY_PROVIDER | ALOG_BY_MODEL) ||
        (unsigned)query->sort > ALOG_SORT_SLOWEST) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "there is no such order, or way to divide");
    }
    double before = 0;
    for (size_t i = 0; query->thresholds && i < query->threshold_count; i++) {
        double thousandths = query->thresholds[i] * 1000;
        if (!(query->thresholds[i] > before && query->thresholds[i] <= 1) ||
            fabs(thousandths - round(thousandths)) > 1e-6) {
            return alog_fail(error, ALOG_INVALID, 0, -1,
                             "thresholds are thousandths above 0, up to 1, and ascending");
        }
        before = query->thresholds[i];
    }
    /* Written so that NaN fails. */
    if (query->max_ratio.present && !(query->max_ratio.value > 0)) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "the ratio must be greater than 0");
    }
    if (query->max_ece.present && !(query->max_ece.value >= 0)) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "the calibration error must be 0 or more");
    }
    if (query->max_latency_ms.present && !(query->max_latency_ms.value >= 0)) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "the latency must be 0 or more");
    }
    return check_metric(query, error);
}

/* At a kind's first question. */
static enum alog_status prepare(struct alog_db *db, const struct alog_query_form *form,
                                sqlite3_stmt **statement, struct alog_error *error) {
    if (*statement) {
        return ALOG_OK;
    }
    char *sql = alog_query_expand(form->head, form->sql);
    if (!sql) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for the question");
    }
    int result =
        sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
    sqlite3_free(sql);
    return result == SQLITE_OK ? ALOG_OK
                               : alog_sql_fail(db->sqlite, error, "preparing the question");
}

enum alog_status alog_db_query(struct alog_db *db, const struct alog_query *query,
                               struct alog_table **ret_table, struct alog_error *error) {
    const struct alog_query_form *form = query ? alog_query_form(query) : NULL;
    if (!db || !form || !ret_table) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "there is no such question");
    }
    enum alog_status status = check_query(query, error);
    if (status != ALOG_OK) {
        return status;
    }
    bool trend = query->kind == ALOG_QUERY_TREND;
    sqlite3_stmt **statement =
        &db->statements[trend ? ALOG_QUERY_KINDS + (unsigned)query->metric : (unsigned)query->kind];
    status = prepare(db, form, statement, error);
    if (status != ALOG_OK) {
        return status;
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
