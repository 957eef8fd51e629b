"""The oracle's part that sees to it that no column of an answer is left out: the sums, rates, shares and percentiles that the
other parts do not compare, and a list of what nobody looked at."""
from oracle_base import SKETCH_ERROR, compare, fail, nearest_rank, rate, same

AGENTS, CALLS, HOOKS = (f"event = '{e}'" for e in ("agent_execution", "provider_performance", "hook_execution"))
RUNS, TESTS, ERRORS = (f"event = '{e}'" for e in ("orchestration_execution", "individual_test_execution", "error"))

# Rates with their intervals, of columns that are compared with sums of events elsewhere: successes / n.
RATES = {
    "agents-providers": (("success_rate", "successes", "executions"),),
    "availability": (("fast_enough_rate", "fast_enough", "fast_enough_count"),),
    "calibration": (("success_rate", "successes", "executions"),),
    "calibration-bins": (("success_rate", "successes", "executions"),),
    "models": (("success_rate", "successes", "calls"), ("execution_success_rate", "execution_successes", "executions")),
    "problem-hooks": (("named_rate", "named", "orchestrations"), ("failure_rate", "failures", "runs")),
    "retries": (("ended_well_rate", "ended_well", "operations"), ("recovered_rate", "recovered", "retried"))}
# What is a share of all rows' n.
SHARES = {"calibration-bins": "executions", "error-patterns": "errors", "errors": "errors", "fallbacks": "calls", "orchestration": "decisions"}
SHARE = ("share_count", "share", "share_low", "share_high")
# The percentiles of a column of events.
PERCENTILES = (
    ("agents-providers", ("agent_name", "provider_id"), "latency_p{}_ms", (95,), "latency_ms", f"{CALLS} AND success"),
    ("all-time", (), "provider_p{}_ms", (50, 95), "latency_ms", f"{CALLS} AND success"),
    ("hooks", ("hook_name", "hook_type"), "execution_time_p{}_ms", (50, 95), "execution_time_ms", HOOKS),
    ("models", ("model",), "latency_p{}_ms", (50, 90, 95, 99), "latency_ms", f"{CALLS} AND success"),
    ("providers", ("provider_id",), "latency_p{}_ms", (50, 90, 95, 99), "latency_ms", f"{CALLS} AND success"),
    ("success-rate", ("agent_name", "issue_type"), "execution_time_p{}_ms", (50, 95), "execution_time_ms", AGENTS))
# Sums over the events of a window, 0 where there are none; of `times` NULL.
SUMS = (
    ("agents", ("agent_name",), AGENTS, {"files_modified": "SUM(files_modified)", "remaining_issues": "SUM(remaining_issues)"}),
    ("agents-providers", ("agent_name", "provider_id"), f"{CALLS} AND COALESCE(agent_name, '') <> ''", {
        "calls": "COUNT(*)", "not_cancelled": "SUM(COALESCE(failure_class, '') <> 'cancelled')"}),
    ("availability", ("provider_id", "model"), CALLS, {"unclassified_failures": "SUM(NOT success AND failure_class IS NULL)"}),
    ("hooks", ("hook_name", "hook_type"), HOOKS, {"skips": "SUM(status = 'skipped')", "successes": "SUM(status = 'success')"}),
    ("models", ("model",), CALLS, {"input_tokens": "SUM(input_tokens)", "output_tokens": "SUM(output_tokens)"}),
    ("models", ("model",), AGENTS, {"executions": "COUNT(*)", "execution_successes": "SUM(success)"}),
    ("orchestration-time", ("execution_strategy",), RUNS, {
        "strategy_switches": "SUM(strategy_switches)", "timed_executions": "COUNT(total_execution_time_ms)",
        "total_time_ms": "SUM(total_execution_time_ms)", "hooks_time_ms": "SUM(hooks_execution_time_ms)",
        "tests_time_ms": "SUM(tests_execution_time_ms)", "ai_time_ms": "SUM(ai_analysis_time_ms)"}),
    ("problem-hooks", ("hook_name",), HOOKS, {"runs": "SUM(status <> 'skipped')", "failures": "SUM(status = 'failed')"}),
    ("tests", ("test_id",), TESTS, {"runs": "SUM(status <> 'skipped')", "skipped": "SUM(status = 'skipped')"}))
# Likewise, NULL where there are none.
TIMES = (
    ("hooks", ("hook_name", "hook_type"), HOOKS, {"total_execution_time_ms": "SUM(execution_time_ms)"}),
    ("models", ("model",), f"{CALLS} AND success", {"avg_latency_ms": "AVG(latency_ms)"}),
    ("tests", ("test_id",), TESTS, {"max_execution_time_ms": "MAX(execution_time_ms)"}))


class Row(dict):
    """A row that remembers which of its columns were looked at."""

    def __init__(self, row, looked_at):
        super().__init__(row)
        self.looked_at = looked_at

    def __getitem__(self, column):
        self.looked_at.add(column)
        return super().__getitem__(column)


class Columns:
    def by_keys(self, keys, sql, view="h"):
        names = ", ".join(f"COALESCE({k}, '')" for k in keys)
        return {row[:len(keys)]: row[len(keys):] for row in self.rows(
            f"SELECT {names}{', ' if keys else ''}{sql.format(view=view)}{' GROUP BY ' + names if keys else ''}")}

    def check_sums(self):
        for null, all_of in ((0, SUMS), (None, TIMES)):
            for kind, keys, where, sums in all_of:
                found = self.by_keys(keys, f"{', '.join(sums.values())} FROM {{view}} WHERE {where}")
                rows = self.stats(kind)
                expected = {k: found.get(k, (None,) * len(sums)) for k in (tuple(r[k] for k in keys) for r in rows)}
                compare(f"{kind}, sums", rows, keys, {k: tuple(null if x is None else x for x in v) for k, v in expected.items()},
                        tuple(sums))

    def check_rates(self):
        for kind, rates in RATES.items():
            for row in self.stats(kind, *(("--max-latency-ms", 1000) if kind == "availability" else ())):
                for name, successes, count in rates:
                    compare(f"{kind}: {name}", [row], (), {(): rate(row[successes], row[count])},
                            (name, f"{name}_low", f"{name}_high"))

    def check_shares(self):
        for kind, count in SHARES.items():
            rows = self.stats(kind)
            total = sum(r[count] for r in rows)
            for row in rows:
                compare(f"{kind}: share", [row], (), {(): (total, *rate(row[count], total))}, SHARE)
        shares = {}
        rows = self.stats("confidence")
        for row in rows:
            shares[row["agent_name"]] = shares.get(row["agent_name"], 0) + row["executions"]
        edges = {0: 0.5, 0.5: 0.8, 0.8: 1}
        for row in rows:
            total = shares[row["agent_name"]]
            compare("confidence: share", [row], (), {(): (total, *rate(row["executions"], total), edges[row["confidence_from"]])},
                    (*SHARE, "confidence_to"))

    def check_percentiles(self):
        for kind, keys, column, percents, value, where in PERCENTILES:
            groups = {}
            view = "d" if kind == "all-time" else "h"
            for *key, x in self.rows(f"SELECT {''.join(f'''COALESCE({k}, ''), ''' for k in keys)}{value} FROM {view}"
                                     f" WHERE {where} AND {value} IS NOT NULL"):
                groups.setdefault(tuple(key), []).append(x)
            for row in self.stats(kind):
                values = groups.get(tuple(row[k] for k in keys), [])
                for q in percents:
                    if not same(row[column.format(q)], nearest_rank(values, q / 100), SKETCH_ERROR):
                        fail(f"{kind}: p{q}", row, nearest_rank(values, q / 100))

    def check_further_columns(self):
        for row in self.stats("agents-providers"):
            n, ran, others = self.rows_of_pair(row["agent_name"], row["provider_id"])
            difference = None if None in (row["success_rate"], row["other_success_rate"]) else row["success_rate"] - row["other_success_rate"]
            compare("agents-providers, further", [row], (), {(): (*rate(ran, n), others, difference)},
                    ("availability", "availability_low", "availability_high", "other_executions", "difference"))
        for row in self.stats("calibration"):
            mean, = self.rows("SELECT AVG(confidence) FROM h WHERE event = 'agent_execution'"
                              + ("" if row["agent_name"] is None else f" AND agent_name = '{row['agent_name']}'"))[0]
            if not same(row["confidence_avg"], mean, 1e-7):
                fail("calibration: confidence_avg", row, mean)
        for row in self.stats("calibration-bins"):
            if not same(row["confidence_to"], row["confidence_from"] + 0.1, 1e-9):
                fail("calibration-bins: confidence_to", row, row["confidence_from"] + 0.1)
        for row in self.stats("errors"):
            first, = self.sql.execute(f"SELECT COALESCE(error_message, '') FROM h WHERE {ERRORS} AND error_type = ? AND"
                                      " COALESCE(error_category, '') = ? ORDER BY ts, 1", (row["error_type"], row["error_category"])).fetchone()
            if row["sample"] != first[:500]:
                fail("errors: sample", row, first)
        for row in self.stats("orchestration-time"):
            for part in ("hooks", "tests", "ai"):
                share = row[f"{part}_time_ms"] / row["total_time_ms"] if row["total_time_ms"] else None
                if not same(row[f"{part}_share"], share, 1e-7):
                    fail(f"orchestration-time: {part}_share", row, share)
        runs, = self.rows(f"SELECT COUNT(*) FROM h WHERE {RUNS}")[0]
        for row in self.stats("problem-hooks"):
            if row["orchestrations"] != runs:
                fail("problem-hooks: orchestrations", row, runs)
        for row in self.stats("retries"):
            if not same(row["attempts_per_operation"], row["attempts"] / row["operations"], 1e-9):
                fail("retries: attempts_per_operation", row, row["attempts"] / row["operations"])
        for row in self.stats("regress"):
            if row["environment"] != "production" or not same(row["change"], row["value"] - row["value_before"], 1e-9):
                fail("regress: change", row, row["value"] - row["value_before"])
        for row in (*self.stats("trend"), *self.stats("summary"), *self.stats("all-time")):
            if row["environment"] != "production" or ("total_jobs" in row and row["events_lost"] != 0):
                fail("environment, events lost", row, ("production", 0))

    def rows_of_pair(self, agent, provider):
        """Calls that were not cancelled, those of them that got to run, and the agent's executions with other providers."""
        n, ran = self.sql.execute(
            f"SELECT COUNT(*), SUM(COALESCE(failure_class, '') <> 'availability') FROM h WHERE {CALLS} AND agent_name = ? AND"
            " provider_id = ? AND COALESCE(failure_class, '') <> 'cancelled'", (agent, provider)).fetchone()
        all_of, own = self.sql.execute(f"SELECT COUNT(*), COALESCE(SUM(COALESCE(provider_id, '') = ?), 0) FROM h WHERE {AGENTS}"
                                       " AND agent_name = ?", (provider, agent)).fetchone()
        return n, ran, all_of - own if own else 0

    def check_jobs_of_strategies_and_days(self):
        expected = self.by_keys(("selected_strategy",), "COUNT(*), SUM(status = 'success') FROM (SELECT DISTINCT job_id, selected_strategy,"
                                " jd.status AS status FROM jd JOIN p USING (job_id) WHERE event = 'strategy_decision') WHERE status IS NOT NULL")
        rows = self.stats("orchestration")
        compare("orchestration, jobs", rows, ("strategy",), {
            (r["strategy"],): (n, *rate(s, n)) for r in rows for n, s in [expected.get((r["strategy"],), (0, 0))]},
            ("finished_jobs", "job_success_rate", "job_success_rate_low", "job_success_rate_high"))
        ended = dict(self.rows("SELECT date(day * 86400, 'unixepoch'), COUNT(*) FROM jd WHERE start IS NOT NULL AND \"end\" IS NOT NULL"
                               " GROUP BY 1"))
        good = dict(self.rows(f"SELECT date(day * 86400, 'unixepoch'), SUM(success) FROM d WHERE {CALLS} GROUP BY 1"))
        for row in self.stats("summary"):
            expected = (ended.get(row["day"], 0), good.get(row["day"], 0))
            if (row["ended_jobs"], row["provider_successes"]) != expected:
                fail("summary: ended jobs, successful calls", row, expected)

    def fail_unless_all_looked_at(self):
        for kind, (columns, looked_at) in self.looked_at.items():
            if columns - looked_at:
                fail(f"{kind}: what nobody looked at", sorted(columns - looked_at), [])
