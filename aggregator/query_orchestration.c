/* How work was orchestrated: strategies, time by execution strategy, and hooks that go wrong
 * together. */
#include "query.h"

static const struct alog_column orchestration_columns[] = {
    {"strategy", ALOG_COLUMN_TEXT, "the strategy chosen"},
    {"decisions", ALOG_COLUMN_INTEGER, "strategy_decision events: how often it was chosen"},
    ALOG_SHARE_COLUMNS("decisions", "all decisions in the window"),
    {"scores", ALOG_COLUMN_INTEGER, "decisions with an effectiveness score: n of the mean"},
    {"avg_effectiveness", ALOG_COLUMN_RATE, "mean score, NULL without any"},
    {"jobs", ALOG_COLUMN_INTEGER, "jobs that chose it, each once, on the day that they belong to"},
    {"finished_jobs", ALOG_COLUMN_INTEGER, "of them, ended: n of job_success_rate"},
    ALOG_RATE_COLUMNS("job_success_rate", "of those, ended with success"),
    {"orchestrated_jobs", ALOG_COLUMN_INTEGER,
     "jobs with an orchestration_execution: n of the next"},
    {"avg_iterations", ALOG_COLUMN_REAL,
     "mean rounds of orchestration of such a job; NULL without any"},
    {"most_used", ALOG_COLUMN_BOOL, "most decisions; on a tie the first by name"},
    {"most_effective", ALOG_COLUMN_BOOL,
     "best avg_effectiveness of those with at least min_count scores"},
};

/* Decisions and jobs are added up apart, so that a decision whose job has no orchestration counts,
 * and one whose job has several counts once. */
/* clang-format off */
static const char orchestration_sql[] =
    "WITH d AS (SELECT strategy, SUM(decisions) AS n, SUM(effectiveness_count) AS scores,"
    "   SUM(effectiveness_e6_sum) AS e6 FROM daily_strategies"
    "   WHERE" ALOG_QUERY_ENVIRONMENTS " AND day_epoch >= :since_day AND day_epoch < :until_day"
    "   GROUP BY strategy),"
    " j AS (SELECT strategy, SUM(jobs) AS jobs, SUM(orchestrated_jobs) AS orchestrated,"
    "   SUM(orchestration_iterations_sum) AS iterations, SUM(finished_jobs) AS finished,"
    "   SUM(successful_jobs) AS successful FROM rollup_strategy_jobs"
    "   WHERE" ALOG_QUERY_ENVIRONMENTS " AND day_epoch >= :since_day AND day_epoch < :until_day"
    "   GROUP BY strategy)"
    " SELECT strategy, COALESCE(n, 0)," ALOG_QUERY_SHARE("COALESCE(n, 0)", "") ","
    " COALESCE(scores, 0), e6 / (1e6 * NULLIF(scores, 0)), COALESCE(jobs, 0),"
    " COALESCE(finished, 0)," ALOG_QUERY_RATE("successful", "finished") ","
    " COALESCE(orchestrated, 0), iterations * 1.0 / NULLIF(orchestrated, 0),"
    " strategy IS (SELECT strategy FROM d WHERE strategy <> '_OTHER'"
    "   ORDER BY n DESC, strategy LIMIT 1),"
    " strategy IS (SELECT strategy FROM d WHERE strategy <> '_OTHER' AND scores >= :min_count"
    "   ORDER BY e6 * 1.0 / scores DESC, strategy LIMIT 1)"
    " FROM (SELECT strategy FROM d UNION SELECT strategy FROM j)"
    " LEFT JOIN d USING (strategy) LEFT JOIN j USING (strategy)"
    " ORDER BY COALESCE(n, 0) DESC, strategy LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_orchestration =
    ALOG_QUERY_FORM(orchestration_sql, orchestration_columns);

static const struct alog_column time_columns[] = {
    {"execution_strategy", ALOG_COLUMN_TEXT, "how the work was run"},
    {"executions", ALOG_COLUMN_INTEGER, "orchestration_execution events: n"},
    {"avg_iterations", ALOG_COLUMN_REAL, "mean rounds, NULL when none said"},
    {"strategy_switches", ALOG_COLUMN_INTEGER, "sum of changes of strategy"},
    {"timed_executions", ALOG_COLUMN_INTEGER, "executions with a total time: n of the next"},
    {"avg_total_time_ms", ALOG_COLUMN_MS, "mean of the whole run, NULL without any"},
    {"total_time_ms", ALOG_COLUMN_MS, "sum of it"},
    {"hooks_time_ms", ALOG_COLUMN_MS, "sum of the time in hooks"},
    {"tests_time_ms", ALOG_COLUMN_MS, "sum of the time in tests"},
    {"ai_time_ms", ALOG_COLUMN_MS, "sum of the time in AI analysis"},
    {"hooks_share", ALOG_COLUMN_RATE,
     "hooks_time_ms / total_time_ms, NULL without any; no interval: time is no count"},
    {"tests_share", ALOG_COLUMN_RATE, "tests_time_ms / total_time_ms, likewise"},
    {"ai_share", ALOG_COLUMN_RATE, "ai_time_ms / total_time_ms, likewise"},
};

/* clang-format off */
static const char time_sql[] =
    "SELECT execution_strategy, n, iterations * 1.0 / NULLIF(iterations_n, 0), switches, timed,"
      ALOG_QUERY_MEAN_MS("total_us", "timed") ","
    " total_us / 1000.0, hooks_us / 1000.0, tests_us / 1000.0, ai_us / 1000.0,"
    " hooks_us * 1.0 / NULLIF(total_us, 0), tests_us * 1.0 / NULLIF(total_us, 0),"
    " ai_us * 1.0 / NULLIF(total_us, 0)"
    " FROM (SELECT execution_strategy, SUM(executions) AS n,"
    "   SUM(iteration_count_sum) AS iterations, SUM(iteration_count_count) AS iterations_n,"
    "   SUM(strategy_switches_sum) AS switches, SUM(total_time_count) AS timed,"
    "   SUM(total_time_us_sum) AS total_us, SUM(hooks_time_us_sum) AS hooks_us,"
    "   SUM(tests_time_us_sum) AS tests_us, SUM(ai_time_us_sum) AS ai_us"
    "   FROM {rollup_orchestrations: execution_strategy, executions, iteration_count_sum,"
    "     iteration_count_count, strategy_switches_sum, total_time_count, total_time_us_sum,"
    "     hooks_time_us_sum, tests_time_us_sum, ai_time_us_sum}"
    "   GROUP BY execution_strategy)"
    " ORDER BY n DESC, execution_strategy LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_orchestration_time =
    ALOG_QUERY_FORM(time_sql, time_columns);

static const struct alog_column problem_hooks_columns[] = {
    {"hook_name", ALOG_COLUMN_TEXT, "the hook"},
    {"named", ALOG_COLUMN_INTEGER, "orchestrations whose correlation_insights name it"},
    {"orchestrations", ALOG_COLUMN_INTEGER, "all orchestrations: n"},
    ALOG_RATE_COLUMNS("named_rate", "named / orchestrations"),
    {"runs", ALOG_COLUMN_INTEGER, "its own runs, skipped ones not: n of the next"},
    {"failures", ALOG_COLUMN_INTEGER, "of them, failed"},
    ALOG_RATE_COLUMNS("failure_rate", "failures / runs"),
};

/* clang-format off */
static const char problem_hooks_sql[] =
    "WITH h AS (SELECT hook_name, SUM(executions) AS named"
    "   FROM {rollup_problem_hooks: hook_name, executions} GROUP BY hook_name),"
    " o AS (SELECT SUM(executions) AS n FROM {rollup_orchestrations: executions}),"
    " r AS (SELECT hook_name, SUM(runs - skips) AS runs, SUM(failures) AS failures"
    "   FROM {rollup_hooks: hook_name, runs, skips, failures} GROUP BY hook_name)"
    " SELECT hook_name, named, n," ALOG_QUERY_RATE("named", "n") ","
    " COALESCE(runs, 0), COALESCE(failures, 0)," ALOG_QUERY_RATE("failures", "runs")
    " FROM h JOIN o LEFT JOIN r USING (hook_name)"
    " ORDER BY named DESC, hook_name LIMIT :limit";
/* clang-format on */

const struct alog_query_form alog_query_problem_hooks =
    ALOG_QUERY_FORM(problem_hooks_sql, problem_hooks_columns);
