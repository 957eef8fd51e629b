/* Instrumentation that is silent; see agentlog/coverage.h. */
#include <agentlog/coverage.h>

#include <time.h>

#include "calendar.h"
#include "format/error.h"
#include "query_db.h"
#include "sql_error.h"

static const struct alog_column columns[] = {
    {"environment", ALOG_COLUMN_TEXT, "where"},
    {"check_name", ALOG_COLUMN_TEXT, "what is wrong"},
    {"subject", ALOG_COLUMN_TEXT, "with what: an event type, EVENT.FIELD, an agent, a writer"},
    {"found", ALOG_COLUMN_INTEGER, "how many it concerns"},
    {"total", ALOG_COLUMN_INTEGER, "of how many, NULL where that says nothing"},
    {"last_seen", ALOG_COLUMN_TIME, "the start of the last day with one, NULL without any"},
    {"explanation", ALOG_COLUMN_TEXT, "a sentence"},
};

/* clang-format off */

/* After `catalogue(event, field, bit)`, a row per type (field NULL) and per field. */
static const char common[] =
    ", environments(environment) AS (SELECT :environment WHERE :environment <> '*' UNION"
    "   SELECT environment FROM v_environments WHERE :environment = '*' AND environment <> 'test'),"
    /* A day's events by type. */
    " days AS (SELECT environment, event, day_epoch, events, without_job FROM daily_events"
    "   WHERE day_epoch >= :since AND day_epoch < :until),"
    " seen AS (SELECT environment, event, SUM(events) AS events, SUM(without_job) AS without_job,"
    "   MAX(day_epoch) AS last_day FROM days GROUP BY environment, event),"
    " fields AS (SELECT environment, event, bits_or(fields_seen) AS bits FROM rollup_fields_day"
    "   WHERE day_epoch >= :since AND day_epoch < :until GROUP BY environment, event),"
    " busy AS (SELECT DISTINCT environment FROM seen),"
    " window_jobs AS (SELECT * FROM jobs WHERE day_epoch >= :since AND day_epoch < :until"
    "   AND environment IN environments)";

static const char no_events[] =
    "SELECT environment, 'no_events', '*', 0, NULL, NULL,"
    " 'there is no event of this environment in the window'"
    " FROM environments WHERE environment NOT IN busy";

static const char never_seen[] =
    "SELECT n.environment, iif(t.events > 0, 'event_only_in_test', 'event_never_seen'), c.event,"
    " COALESCE(t.events, 0), NULL, t.last_day * 1000000000,"
    " iif(t.events > 0, 'it was seen in the environment test alone', 'it was never seen')"
    " FROM environments n JOIN catalogue c LEFT JOIN seen s USING (environment, event)"
    " LEFT JOIN seen t ON t.environment = 'test' AND t.event = c.event"
    " WHERE c.event IS NOT NULL AND c.field IS NULL AND s.event IS NULL AND n.environment IN busy";

static const char fields_never_seen[] =
    "SELECT f.environment, iif(t.bits >> c.bit & 1, 'field_only_in_test', 'field_never_seen'),"
    " c.event || '.' || c.field, 0, s.events, NULL,"
    " iif(t.bits >> c.bit & 1, 'only events of the environment test have this field',"
    "     'no event has this field')"
    " FROM fields f JOIN catalogue c USING (event) JOIN seen s USING (environment, event)"
    " LEFT JOIN fields t ON t.environment = 'test' AND t.event = c.event"
    " WHERE c.field IS NOT NULL AND f.environment IN environments AND NOT f.bits >> c.bit & 1";

static const char stopped[] =
    "SELECT environment, 'event_stopped', event, days, NULL, last_day * 1000000000,"
    " printf('it came on %d days, at most %d days apart, and has not come for %d days', days,"
    "        longest, (:until - last_day) / 86400 - 1)"
    " FROM (SELECT environment, event, COUNT(*) AS days, MAX(day_epoch) AS last_day,"
    "   MAX((day_epoch - before) / 86400) AS longest"
    "   FROM (SELECT environment, event, day_epoch,"
    "     LAG(day_epoch) OVER (PARTITION BY environment, event ORDER BY day_epoch) AS before"
    "     FROM days) GROUP BY environment, event)"
    " WHERE environment IN environments AND days >= 5"
    " AND (:until - last_day) / 86400 - 1 > 2 * longest";

static const char without_job[] =
    "SELECT environment, 'events_without_job', event, without_job, events, last_day * 1000000000,"
    " 'they carry no job id: they were logged outside of a job scope'"
    " FROM seen WHERE without_job > 0 AND environment IN environments";

static const char jobs_without_end[] =
    "SELECT environment, 'jobs_without_end', 'jobs', found, total, last_day * 1000000000,"
    " printf('they began, and nothing was heard of them for a day; one of them is %s', one)"
    " FROM (SELECT environment, COUNT(*) AS total, COUNT(*) FILTER (WHERE silent) AS found,"
    "   MAX(day_epoch) FILTER (WHERE silent) AS last_day, MIN(job_id) FILTER (WHERE silent) AS one"
    "   FROM (SELECT *, end_ns IS NULL AND last_ns / 1000000000 < :now - 86400 AS silent"
    "     FROM window_jobs WHERE start_ns IS NOT NULL) GROUP BY environment) WHERE found > 0";

static const char jobs_without_agents[] =
    "SELECT environment, 'jobs_without_agents', 'jobs', found, total, last_day * 1000000000,"
    " printf('an AI agent was to take part, and none logged an execution; one of them is %s', one)"
    " FROM (SELECT environment, COUNT(*) AS total, COUNT(*) FILTER (WHERE silent) AS found,"
    "   MAX(day_epoch) FILTER (WHERE silent) AS last_day, MIN(job_id) FILTER (WHERE silent) AS one"
    "   FROM (SELECT *, agent_executions = 0 AS silent FROM window_jobs"
    "     WHERE ai_agent = 1 AND end_ns IS NOT NULL) GROUP BY environment) WHERE found > 0";

static const char jobs_without_providers[] =
    "SELECT environment, 'jobs_without_providers', 'jobs', found, total, last_day * 1000000000,"
    " printf('their agents worked without a logged provider call; one of them is %s', one)"
    " FROM (SELECT environment, COUNT(*) AS total, COUNT(*) FILTER (WHERE silent) AS found,"
    "   MAX(day_epoch) FILTER (WHERE silent) AS last_day, MIN(job_id) FILTER (WHERE silent) AS one"
    "   FROM (SELECT *, provider_calls = 0 AS silent FROM window_jobs"
    "     WHERE agent_executions > 0) GROUP BY environment) WHERE found > 0";

/* Equal numbers have no variance: n * sum of squares = square of sum, but for the rounding of each
 * square to billionths. */
static const char constant_confidence[] =
    "SELECT environment, 'constant_confidence', agent_name, n, n, last_day * 1000000000,"
    " printf('it always says %.6g', sum_e6 / 1e6 / n)"
    " FROM (SELECT environment, agent_name, SUM(confidence_count) AS n,"
    "   SUM(confidence_e6_sum) AS sum_e6, SUM(confidence_square_e9_sum) AS square_e9,"
    "   MAX(day_epoch) AS last_day FROM rollup_agents_day"
    "   WHERE day_epoch >= :since AND day_epoch < :until AND environment IN environments"
    "   GROUP BY environment, agent_name)"
    " WHERE n >= 20 AND abs(n * 1e3 * square_e9 - 1.0 * sum_e6 * sum_e6) <= 1e3 * n * n";

static const char events_lost[] =
    "SELECT environment, 'events_lost', iif(event = '', '*', event), SUM(events_lost), NULL,"
    " MAX(hour_epoch) * 1000000000, 'they were lost: ' || reason"
    " FROM losses WHERE hour_epoch >= :since AND hour_epoch < :until"
    " AND environment IN environments GROUP BY environment, event, reason";

static const char writers_with_losses[] =
    "SELECT environment, 'writer_with_losses', writer_id, SUM(missing_events), SUM(events),"
    " NULL, 'sequence numbers are missing in its segments: they were damaged or cut'"
    " FROM segments WHERE missing_events > 0 AND environment IN environments"
    " AND max_timestamp_ns / 1000000000 >= :since AND min_timestamp_ns / 1000000000 < :until"
    " GROUP BY environment, writer_id";

/* clang-format on */

static const char *const checks[] = {
    no_events,           never_seen,       fields_never_seen,   stopped,
    without_job,         jobs_without_end, jobs_without_agents, jobs_without_providers,
    constant_confidence, events_lost,      writers_with_losses,
};

/* The writers' own events are no instrumentation. */
static bool is_own(const struct alog_event_type *type) {
    return strncmp(type->name, "writer_", 7) == 0;
}

/* "WITH catalogue(event, field, bit) AS (VALUES …)". */
static void append_catalogue(sqlite3_str *sql) {
    size_t count;
    const struct alog_event_type *types = alog_catalogue(&count);
    sqlite3_str_appendall(sql, "WITH catalogue(event, field, bit) AS (VALUES (NULL, NULL, 0)");
    for (size_t i = 0; i < count; i++) {
        if (is_own(&types[i])) {
            continue;
        }
        sqlite3_str_appendf(sql, ", (%Q, NULL, 0)", types[i].name);
        for (uint32_t f = 0; f < types[i].field_count; f++) {
            sqlite3_str_appendf(sql, ", (%Q, %Q, %u)", types[i].name, types[i].fields[f].name, f);
        }
    }
    sqlite3_str_appendall(sql, ")");
}

/* All checks as one statement, so that they see one state; NULL without memory. */
static char *whole_sql(void) {
    sqlite3_str *sql = sqlite3_str_new(NULL);
    append_catalogue(sql);
    sqlite3_str_appendall(sql, common);
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        sqlite3_str_appendf(sql, "%s SELECT * FROM (%s)", i == 0 ? "" : " UNION ALL", checks[i]);
    }
    sqlite3_str_appendall(sql, " WHERE TRUE ORDER BY 1, 2, 3");
    return sqlite3_str_finish(sql);
}

static void bind_integer(sqlite3_stmt *statement, const char *name, int64_t value) {
    sqlite3_bind_int64(statement, sqlite3_bind_parameter_index(statement, name), value);
}

static void bind_all(const struct alog_db *db, sqlite3_stmt *statement,
                     const struct alog_coverage_options *options) {
    struct timespec clock;
    clock_gettime(CLOCK_REALTIME, &clock);
    int64_t now_ns = (int64_t)clock.tv_sec * 1000000000 + clock.tv_nsec;
    int64_t until_ns = options->until_ns.present ? options->until_ns.value : now_ns;
    int64_t since_ns = options->since_ns.present ? options->since_ns.value : 0;
    int32_t offset_s = db->time_zone_offset_s;
    /* Whole days: the one that holds the last moment before `until` is the last. */
    int64_t last = alog_bucket_of_ns(until_ns > 0 ? until_ns - 1 : 0, ALOG_DAY_S, offset_s);
    bind_integer(statement, ":since", alog_bucket_of_ns(since_ns, ALOG_DAY_S, offset_s));
    bind_integer(statement, ":until", last + ALOG_DAY_S);
    bind_integer(statement, ":now", until_ns / 1000000000);
    struct alog_string environment =
        options->environment.data != NULL ? options->environment : ALOG_STR("production");
    sqlite3_bind_text64(statement, sqlite3_bind_parameter_index(statement, ":environment"),
                        environment.data, environment.len, SQLITE_STATIC, SQLITE_UTF8);
}

static enum alog_status resolve(const struct alog_coverage_options *given,
                                struct alog_coverage_options *ret_options,
                                struct alog_error *error) {
    struct alog_coverage_options options = ALOG_COVERAGE_OPTIONS_INIT;
    if (given != NULL) {
        if (given->struct_bytes < sizeof(given->struct_bytes) ||
            given->struct_bytes > sizeof(options)) {
            return alog_fail(error, ALOG_INVALID, 0, -1,
                             "struct_bytes is %zu; start from ALOG_COVERAGE_OPTIONS_INIT",
                             given->struct_bytes);
        }
        memcpy(&options, given, given->struct_bytes);
    }
    *ret_options = options;
    return ALOG_OK;
}

enum alog_status alog_db_coverage(struct alog_db *db, const struct alog_coverage_options *options,
                                  struct alog_table **ret_table, struct alog_error *error) {
    static const struct alog_query_form form = ALOG_QUERY_FORM(NULL, columns);
    struct alog_coverage_options resolved = ALOG_COVERAGE_OPTIONS_INIT;
    enum alog_status status = resolve(options, &resolved, error);
    if (status != ALOG_OK) {
        return status;
    }
    char *sql = whole_sql();
    if (sql == NULL) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "out of memory");
    }
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL) != SQLITE_OK) {
        status = alog_sql_fail(db->sqlite, error, "looking at the coverage");
    } else {
        bind_all(db, statement, &resolved);
        status = alog_table_collect(db->sqlite, statement, &form, ret_table, error);
    }
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return status;
}
