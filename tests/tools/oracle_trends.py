"""The oracle's part that asks every metric of `trend`, by day and by week, whole and restricted by what it takes."""
import math
import random

from oracle_base import SKETCH_ERROR, compare, day_text, fail, nearest_rank, rate, same

OWN = "('writer_stats', 'writer_loss')"
AGENTS = "p WHERE event = 'agent_execution'"
CALLS = "p WHERE event = 'provider_performance'"
DECISIONS = "p WHERE event = 'strategy_decision'"
RUNS = "p WHERE event = 'orchestration_execution'"
TESTS = "p WHERE event = 'individual_test_execution'"
HOOKS = "p WHERE event = 'hook_execution'"
ERRORS = "p WHERE event = 'error'"
JOBS = "j WHERE (start IS NOT NULL OR \"end\" IS NOT NULL)"
CHOICES = """(SELECT DISTINCT day, job_id, selected_strategy, status, orchestrations, (SELECT SUM(COALESCE(iteration_count, 0)) FROM p
  WHERE p.job_id = c.job_id AND event = 'orchestration_execution') AS rounds
  FROM (SELECT j.*, p.selected_strategy FROM j JOIN p USING (job_id) WHERE event = 'strategy_decision') AS c) WHERE 1"""
OPERATIONS = """(SELECT day, agent_name, COALESCE(issue_type, '') AS issue_type, COUNT(*) AS n, SUM(success) AS s,
  MAX(success) FILTER (WHERE back = 1) AS well, COALESCE(SUM(execution_time_ms) FILTER (WHERE NOT success), 0) AS lost
  FROM (SELECT j.day AS day, p.agent_name, p.issue_type, p.success, p.execution_time_ms, job_id, ROW_NUMBER() OVER
    (PARTITION BY job_id, agent_name, issue_type ORDER BY ts DESC, success DESC) AS back
    FROM p JOIN j USING (job_id) WHERE event = 'agent_execution') GROUP BY job_id, agent_name, issue_type) WHERE 1"""

A, I, P, M = (("--agent", "agent_name"), ("--issue-type", "issue_type"), ("--provider", "provider_id"), ("--model", "model"))
AIPM, APM = (A, I, P, M), (A, P, M)


def subject(column):
    return ("--subject", column)


BY_STRATEGY, BY_RUN = (subject("selected_strategy"),), (subject("execution_strategy"),)
BY_TEST, BY_HOOK = (subject("test_id"),), (subject("hook_name"),)

# metric: form, rows, what is taken, and the sums of a day: n, s, d; of quantiles the quantile and the value.
METRICS = {
    "success-rate": ("rate", AGENTS, AIPM, "COUNT(*)", "SUM(success)"),
    "confidence-weighted-rate": ("ratio", AGENTS, AIPM, "COUNT(confidence)", "SUM(confidence) FILTER (WHERE success)", "SUM(confidence)"),
    "executions": ("count", AGENTS, AIPM, "COUNT(*)"),
    "fixes-applied": ("sum", AGENTS, AIPM, "COUNT(*)", "SUM(fixes_applied)"),
    "execution-time-p50": ("quantile", AGENTS, AIPM, 0.5, "execution_time_ms"),
    "execution-time-p95": ("quantile", AGENTS, AIPM, 0.95, "execution_time_ms"),
    "calls": ("count", CALLS, APM, "COUNT(*)"),
    "availability": ("rate", CALLS + " AND COALESCE(failure_class, '') <> 'cancelled'", APM, "COUNT(*)",
                     "SUM(COALESCE(failure_class, '') <> 'availability')"),
    "fast-enough": ("rate", CALLS + " AND COALESCE(failure_class, '') <> 'cancelled' AND NOT (success AND latency_ms IS NULL)", APM,
                    "COUNT(*)", "SUM(success AND latency_ms <= 1000)"),
    "call-success": ("rate", CALLS, APM, "COUNT(*)", "SUM(success)"),
    "execution-failures": ("rate", CALLS, APM, "COUNT(*)", "SUM(failure_class = 'execution')"),
    "cancelled-calls": ("rate", CALLS, APM, "COUNT(*)", "SUM(failure_class = 'cancelled')"),
    "latency-p50": ("quantile", CALLS + " AND success", APM, 0.5, "latency_ms"),
    "latency-p90": ("quantile", CALLS + " AND success", APM, 0.9, "latency_ms"),
    "latency-p95": ("quantile", CALLS + " AND success", APM, 0.95, "latency_ms"),
    "latency-p99": ("quantile", CALLS + " AND success", APM, 0.99, "latency_ms"),
    "cost": ("sum", CALLS, APM, "COUNT(cost_usd)", "SUM(cost_usd)"),
    "cost-per-success": ("ratio", CALLS, APM, "COUNT(cost_usd)", "SUM(cost_usd)", "SUM(success)"),
    "input-tokens": ("sum", CALLS, APM, "COUNT(*)", "SUM(input_tokens)"),
    "output-tokens": ("sum", CALLS, APM, "COUNT(*)", "SUM(output_tokens)"),
    "tokens-per-success": ("ratio", CALLS, APM, "COUNT(*)", "SUM(COALESCE(input_tokens, 0) + COALESCE(output_tokens, 0))", "SUM(success)"),
    "confidence": ("mean", AGENTS, AIPM, "COUNT(confidence)", "SUM(confidence)"),
    "confident-share": ("rate", AGENTS, (A,), "COUNT(confidence)", "SUM(confidence >= 0.8)"),
    "confident-success": ("rate", AGENTS + " AND confidence >= 0.8", (A,), "COUNT(*)", "SUM(success)"),
    "brier-score": ("mean", AGENTS, (A,), "COUNT(confidence)", "SUM((confidence - success) * (confidence - success))"),
    "reliability": ("bins", AGENTS, (A,), lambda bins, n, s: sum((c - s) ** 2 / k for k, s, c in bins) / n),
    "resolution": ("bins", AGENTS, (A,), lambda bins, n, s: sum(k * (x / k - s / n) ** 2 for k, x, _ in bins) / n),
    "uncertainty": ("bins", AGENTS, (A,), lambda bins, n, s: s / n * (1 - s / n)),
    "ece": ("bins", AGENTS, (A,), lambda bins, n, s: sum(abs(c - s) for _, s, c in bins) / n),
    "decisions": ("count", DECISIONS, BY_STRATEGY, "COUNT(*)"),
    "strategy-share": ("rate", DECISIONS, (), "COUNT(*)", "SUM(selected_strategy = 's1')"),
    "effectiveness": ("mean", DECISIONS, BY_STRATEGY, "COUNT(effectiveness_score)", "SUM(effectiveness_score)"),
    "strategy-success": ("rate", CHOICES + " AND status IS NOT NULL", BY_STRATEGY, "COUNT(*)", "SUM(status = 'success')"),
    "strategy-iterations": ("mean", CHOICES + " AND orchestrations > 0", BY_STRATEGY, "COUNT(*)", "SUM(rounds)"),
    "orchestration-iterations": ("mean", RUNS, BY_RUN, "COUNT(iteration_count)", "SUM(iteration_count)"),
    "orchestration-time": ("mean", RUNS, BY_RUN, "COUNT(total_execution_time_ms)", "SUM(total_execution_time_ms)"),
    "hooks-time-share": ("ratio", RUNS, BY_RUN, "COUNT(total_execution_time_ms)", "SUM(hooks_execution_time_ms)",
                         "SUM(total_execution_time_ms)"),
    "tests-time-share": ("ratio", RUNS, BY_RUN, "COUNT(total_execution_time_ms)", "SUM(tests_execution_time_ms)",
                         "SUM(total_execution_time_ms)"),
    "ai-time-share": ("ratio", RUNS, BY_RUN, "COUNT(total_execution_time_ms)", "SUM(ai_analysis_time_ms)",
                      "SUM(total_execution_time_ms)"),
    "problem-hooks": ("mean", RUNS, (), "COUNT(*)",
                      "SUM((SELECT COUNT(*) FROM json_each(correlation_insights, '$.problematic_hooks')))"),
    "test-failures": ("rate", TESTS + " AND status <> 'skipped'", BY_TEST, "COUNT(*)", "SUM(status IN ('failed', 'error'))"),
    "flaky-tests": ("flaky", TESTS + " AND status <> 'skipped'", ()),
    "test-time": ("mean", TESTS, BY_TEST, "COUNT(execution_time_ms)", "SUM(execution_time_ms)"),
    "errors": ("count", ERRORS, (subject("error_type"),), "COUNT(*)"),
    "category-errors": ("count", ERRORS, (subject("error_category"),), "COUNT(*)"),
    "pattern-errors": ("count", ERRORS, (), "COUNT(*)"),
    "hook-runs": ("count", HOOKS, BY_HOOK, "SUM(status <> 'skipped')"),
    "hook-failures": ("rate", HOOKS, BY_HOOK, "SUM(status <> 'skipped')", "SUM(status = 'failed')"),
    "hook-time": ("mean", HOOKS, BY_HOOK, "COUNT(execution_time_ms)", "SUM(execution_time_ms)"),
    "hook-time-p95": ("quantile", HOOKS, BY_HOOK, 0.95, "execution_time_ms"),
    "attempts": ("mean", OPERATIONS, (A, I), "COUNT(*)", "SUM(n)"),
    "retried": ("rate", OPERATIONS, (A, I), "COUNT(*)", "SUM(n > 1)"),
    "recovered": ("rate", OPERATIONS, (A, I), "SUM(n > 1)", "SUM(n > 1 AND well AND s < n)"),
    "ended-well": ("rate", OPERATIONS, (A, I), "COUNT(*)", "SUM(well)"),
    "time-lost": ("sum", OPERATIONS, (A, I), "COUNT(*)", "SUM(lost)"),
    "fallbacks": ("rate", CALLS, APM, "COUNT(*)", "SUM(COALESCE(fallback_from, '') <> '')"),
    "fallback-success": ("rate", CALLS + " AND COALESCE(fallback_from, '') <> ''", (P, subject("fallback_from")), "COUNT(*)", "SUM(success)"),
    "correlation": ("phi", AGENTS, (A, I, M), "SUM(provider_id IS 'p1')", "SUM(success AND provider_id IS 'p1')",
                    "SUM(provider_id IS NOT 'p1')", "SUM(success AND provider_id IS NOT 'p1')"),
    "jobs": ("count", JOBS, (), "COUNT(*)"),
    "job-success": ("rate", JOBS + " AND status IS NOT NULL", (), "COUNT(*)", "SUM(status = 'success')"),
    "failed-jobs": ("rate", JOBS + " AND status IS NOT NULL", (), "COUNT(*)", "SUM(status = 'failed')"),
    "cancelled-jobs": ("rate", JOBS + " AND status IS NOT NULL", (), "COUNT(*)", "SUM(status = 'cancelled')"),
    "ai-share": ("rate", JOBS, (), "COUNT(*)", "SUM(COALESCE(ai, 0))"),
    "ai-fixes": ("count", JOBS, (), "SUM(COALESCE(ai AND status = 'success', 0))"),
    "job-time": ("mean", JOBS + " AND \"end\" >= start", (), "COUNT(*)", "SUM((\"end\" - start) / 1000 / 1e3)"),
    "job-iterations": ("mean", JOBS, (), "COUNT(iterations)", "SUM(iterations)"),
    "events": ("count", f"p WHERE event NOT IN {OWN}", (), "COUNT(*)"),
    "events-lost": ("count", "p WHERE 0", (), "COUNT(*)"),
}
NEEDED = {"fast-enough": ("--max-latency-ms", 1000), "strategy-share": ("--subject", "s1"), "correlation": ("--provider", "p1")}


def phi(n, s, other_n, other_s):
    product = n * other_n * (s + other_s) * (n + other_n - s - other_s)
    return (s * (other_n - other_s) - (n - s) * other_s) / math.sqrt(product) if product else None


FORMS = {  # n, value, low, high of the sums
    "rate": lambda n, s: (n, *rate(s, n)),
    "mean": lambda n, s: (n, s / n if n else None, None, None),
    "ratio": lambda n, s, d: (n, s / d if n and d else None, None, None),
    "sum": lambda n, s: (n, s if n else None, None, None),
    "count": lambda n: (n, n, None, None),
    "phi": lambda n, s, m, t: (n, phi(n, s, m, t), None, None)}


def bins_of(rows, count):
    """Of bins of (confidence, success): how many, how many successful, sum of confidence."""
    bins = {}
    for confidence, success in rows:
        at = bins.setdefault(min(count - 1, int(math.floor(confidence * 1000 + 1e-9)) // (1000 // count)), [0, 0, 0])
        at[0] += 1
        at[1] += success
        at[2] += confidence
    return list(bins.values())


def outcomes(rows):
    """{test: which of passed and not it was} of (test, passed)."""
    found = {}
    for test, passed in rows:
        found.setdefault(test, set()).add(passed)
    return found


class Trends:
    bins = 10  # the default

    def figures(self, form, source, where, length, what):
        """{first day of the period: (n, value, low, high)}."""
        period = "day - (day + 3) % 7" if length == 7 else "day"
        if form in FORMS:
            found = {row[0]: FORMS[form](*(v or 0 for v in row[1:])) for row in self.rows(
                f"SELECT {period}, {', '.join(what)} FROM {source} {where} GROUP BY 1")}
            if form == "count":
                found |= {day: (0, 0, None, None) for day in self.periods_with_events[length] if day not in found}
            return {day: v for day, v in found.items() if v[0] or form == "count"}
        groups = {}
        columns = {"quantile": what[-1:], "bins": ("confidence", "success"), "flaky": ("test_id", "status = 'passed'")}[form]
        given = f"AND {columns[0]} IS NOT NULL"
        for day, *values in self.rows(f"SELECT {period}, {', '.join(columns)} FROM {source} {where} {given}"):
            groups.setdefault(day, []).append(values)
        if form == "quantile":
            return {day: (len(v), nearest_rank([x for x, in v], what[0]), None, None) for day, v in groups.items()}
        if form == "bins":
            return {day: (len(v), what[0](bins_of(v, self.bins), len(v), sum(s for _, s in v)), None, None) for day, v in groups.items()}
        return {day: (len(v), *rate(sum(len(x) == 2 for x in v), len(v))) for day, v in
                ((day, list(outcomes(v).values())) for day, v in groups.items())}

    def compare_trend(self, metric, length, options, where):
        form, source, _, *what = METRICS[metric]
        values = self.figures(form, source, where, length, what)
        first, behind = self.days
        if length == 7:
            first, behind = first - (first + 3) % 7, behind + -(behind + 3) % 7
        expected = {(day_text(day),): (*v, values.get(day - length, (0, None))[1]) for day, v in values.items() if first <= day < behind}
        words = (*options, *map(str, NEEDED.get(metric, ())))
        rows = self.stats("trend", "--metric", metric, "--by", "week" if length == 7 else "day", *words)
        name = f"trend {metric} {length} {words}"
        compare(name, [r for r in rows if r["n"] or (r["period"],) in expected], ("period",), expected,
                ("n", "value", "value_low", "value_high", "previous"), SKETCH_ERROR if form == "quantile" else 1e-6)
        for row in rows:
            if row["source"] != ("sketch" if form == "quantile" else "exact"):
                fail(f"{name}: source", row, form)
            change = row["value"] - row["previous"] if row["value"] is not None and row["previous"] is not None else None
            ratio = change / row["previous"] if change is not None and row["previous"] else None
            if not same(row["change"], change, 1e-9) or not same(row["change_ratio"], ratio, 1e-9):
                fail(f"{name}: change", row, (change, ratio))
        return len(expected)

    def check_trends(self):
        days = [day for day, in self.rows(f"SELECT DISTINCT day FROM p WHERE event NOT IN {OWN}")]
        self.periods_with_events = {1: set(days), 7: {day - (day + 3) % 7 for day in days}}
        pick = random.Random(str(self.window))
        for metric, (_, source, takes, *_) in METRICS.items():
            for length in (1, 7):
                self.compare_trend(metric, length, (), "")
                if METRICS[metric][0] == "bins" and metric != "uncertainty":
                    self.bins = 5
                    self.compare_trend(metric, length, ("--bins", "5"), "")
                    self.bins = 10
                if not takes or (self.window and length == 7):
                    continue
                option, column = pick.choice(takes)
                names = [v for v, in self.rows(f"SELECT DISTINCT {column} FROM {source} AND {column} <> '' ORDER BY 1")]
                if names:
                    name = pick.choice(names)
                    quoted = name.replace("'", "''")
                    self.compare_trend(metric, length, (option, name), f"AND {column} = '{quoted}'")

    def check_metrics_are_all_known(self):
        """None is left out here."""
        text = self.help_of("stats").partition("Values of --metric:")[2].partition("\n\n")[0]
        names = {line.split()[0] for line in text.splitlines() if line.startswith("  ") and line[2] != " "}
        if names != set(METRICS):
            fail("metrics", sorted(names - set(METRICS)), sorted(set(METRICS) - names))
