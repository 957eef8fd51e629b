/* How complete the database is: what came, what is known to be missing, what was left out. */
#include "query.h"

static const struct alog_column completeness_columns[] = {
    {"environment", ALOG_COLUMN_TEXT,
     "the environment; one that was named has a row of zeros when nothing of it ever came"},
    {"first_day", ALOG_COLUMN_TEXT, "first day with any events, YYYY-MM-DD; NULL without any"},
    {"last_day", ALOG_COLUMN_TEXT, "last day with any events"},
    {"days", ALOG_COLUMN_INTEGER, "days with any events"},
    {"days_between", ALOG_COLUMN_INTEGER,
     "days from the first to the last, both included: more than days = on some nothing came"},
    {"events", ALOG_COLUMN_INTEGER, "all events, the writers' own not"},
    {"events_lost", ALOG_COLUMN_INTEGER, "known to be missing"},
    {"not_finite", ALOG_COLUMN_INTEGER,
     "numbers that were left out of sums: NaN, infinite, out of range"},
    {"pruned_days", ALOG_COLUMN_INTEGER, "days that retention took rows from"},
    {"writers", ALOG_COLUMN_INTEGER, "different writers in the ledger's segments of these days"},
    {"segments", ALOG_COLUMN_INTEGER, "segments with events of these days"},
    {"open_segments", ALOG_COLUMN_INTEGER, "of them, not sealed: there may be more in them"},
    {"segments_with_gaps", ALOG_COLUMN_INTEGER,
     "of them, with sequence numbers missing: damaged or cut blocks"},
    {"last_event", ALOG_COLUMN_TIME,
     "the latest event of those segments, the writers' own included; NULL without any"},
    {"segments_set_aside", ALOG_COLUMN_INTEGER,
     "segments of any environment and day that could not be read"},
    {"set_aside_segment", ALOG_COLUMN_TEXT, "the first of them by name, NULL without any"},
    {"set_aside_reason", ALOG_COLUMN_TEXT, "and what is wrong with it"},
};

#define DAYS                                                                                       \
    " WHERE" ALOG_QUERY_ENVIRONMENTS " AND day_epoch >= :since_day AND day_epoch < :until_day"

#define NOT_FINITE(table)                                                                          \
    "SELECT environment, not_finite AS n FROM {" table ": environment, not_finite}"

/* clang-format off */
static const char completeness_sql[] =
    "WITH n(environment) AS (SELECT :environment WHERE :environment <> '*' UNION ALL"
    "   SELECT environment FROM v_environments WHERE :environment = '*'),"
    " d AS (SELECT environment, MIN(day) FILTER (WHERE events > 0) AS first_day,"
    "   MAX(day) FILTER (WHERE events > 0) AS last_day, COUNT(*) FILTER (WHERE events > 0) AS days,"
    "   (MAX(day_epoch) FILTER (WHERE events > 0) - MIN(day_epoch) FILTER (WHERE events > 0))"
    "     / 86400 + 1 AS between_them,"
    "   SUM(events) AS events, SUM(events_lost) AS lost FROM daily_summary" DAYS
    "   GROUP BY environment),"
    " f AS (SELECT environment, SUM(n) AS n FROM ("
      NOT_FINITE("rollup_agents") " UNION ALL " NOT_FINITE("rollup_providers") " UNION ALL "
      NOT_FINITE("rollup_strategies") " UNION ALL " NOT_FINITE("rollup_orchestrations")
    "   UNION ALL " NOT_FINITE("rollup_hooks") " UNION ALL " NOT_FINITE("rollup_test_runs")
    "   UNION ALL " NOT_FINITE("rollup_tests") ") GROUP BY environment),"
    " p AS (SELECT environment, COUNT(*) AS n FROM pruned_days" DAYS " GROUP BY environment),"
    " s AS (SELECT environment, COUNT(*) AS n, COUNT(DISTINCT writer_id) AS writers,"
    "   COUNT(*) FILTER (WHERE state = 'open') AS open,"
    "   COUNT(*) FILTER (WHERE missing_events > 0) AS with_gaps,"
    "   MAX(max_timestamp_ns) AS last_ns FROM segments"
    "   WHERE" ALOG_QUERY_ENVIRONMENTS " AND first_sequence > 0"
    "   AND max_timestamp_ns / 1000000000 >= :since_day"
    "   AND min_timestamp_ns / 1000000000 < :until_day GROUP BY environment)"
    " SELECT environment, first_day, last_day, COALESCE(days, 0), COALESCE(between_them, 0),"
    " COALESCE(d.events, 0), COALESCE(d.lost, 0), COALESCE(f.n, 0), COALESCE(p.n, 0),"
    " COALESCE(writers, 0), COALESCE(s.n, 0), COALESCE(open, 0), COALESCE(with_gaps, 0), last_ns,"
    " (SELECT COUNT(*) FROM bad_segments), (SELECT MIN(name) FROM bad_segments),"
    " (SELECT reason FROM bad_segments ORDER BY name LIMIT 1)"
    " FROM n LEFT JOIN d USING (environment) LEFT JOIN f USING (environment)"
    " LEFT JOIN p USING (environment) LEFT JOIN s USING (environment)"
    " ORDER BY environment LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_completeness =
    ALOG_QUERY_FORM(completeness_sql, completeness_columns);
