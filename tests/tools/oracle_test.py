#!/usr/bin/env python3
"""Every question, against plain SQL over a table of raw events that `agentlog cat` printed: no code is shared.

    oracle_test.py AGENTLOG SOURCE_DIR

Generated logs (seeds 1 .. ALOG_ORACLE_SEEDS, default 2), whole and in windows; and the real data, where it is
($ALOG_SHARED_DATA or SOURCE_DIR/../shared/data).
"""
import datetime
import json
import math
import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from oracle_base import (DAY_NS, SKETCH_ERROR, compare, fail, instant_ns, nearest_rank, rate, same)
from oracle_columns import Columns, Row
from oracle_history import History
from oracle_jobs import Jobs
from oracle_sketches import Sketches
from oracle_trends import Trends

START = 1770163200  # 2026-02-04 00:00 UTC
FIELDS = """job_id environment agent_name issue_type success confidence fixes_applied files_modified
 remaining_issues execution_time_ms provider_id model attempt
 failure_class latency_ms retry_count fallback_from fallback_reason input_tokens output_tokens cost_usd selected_strategy
 effectiveness_score execution_strategy iteration_count strategy_switches correlation_insights total_execution_time_ms
 hooks_execution_time_ms tests_execution_time_ms ai_analysis_time_ms hook_name hook_type status test_id error_type error_category
 error_message ai_agent iterations""".split()


# ---- The events as a table


class Oracle(Columns, History, Jobs, Sketches, Trends):
    def __init__(self, program, log, db):
        self.program, self.log, self.db = program, log, db
        self.sql = sqlite3.connect(":memory:")
        self.sql.execute(f"CREATE TABLE e (event, ts, day, {', '.join(FIELDS)})")
        lines = subprocess.run([program, "cat", log], check=True, stdout=subprocess.PIPE).stdout.splitlines()
        rows = []
        for line in lines:
            e = json.loads(line)
            ts = instant_ns(e["timestamp"])
            values = [e.get(f) for f in FIELDS]
            values = [json.dumps(v) if isinstance(v, (dict, list)) else v for v in values]
            rows.append((e["event"], ts, ts // (86400 * 10**9), *values))
        self.sql.executemany(f"INSERT INTO e VALUES (?, ?, ?{', ?' * len(FIELDS)})", rows)
        self.sql.execute("CREATE INDEX e_by_job ON e (job_id, event)")
        self.sql.execute(f"""CREATE TABLE j AS SELECT *, (SELECT status FROM e WHERE e.job_id = k.job_id AND event = 'job_end'
                AND ts = k.end AND environment = 'production') AS status,
            (SELECT iterations FROM e WHERE e.job_id = k.job_id AND event = 'job_end' AND ts = k.end
                AND environment = 'production') AS iterations
            FROM (SELECT job_id, COALESCE(MIN(ts) FILTER (WHERE event = 'job_start'), MIN(ts)) / {DAY_NS} AS day,
                MIN(ts) FILTER (WHERE event = 'job_start') AS start, MAX(ts) FILTER (WHERE event = 'job_end') AS end,
                MAX(ai_agent) AS ai, SUM(event = 'orchestration_execution') AS orchestrations
                FROM e WHERE environment = 'production' AND job_id IS NOT NULL GROUP BY job_id) AS k""")
        self.sql.execute("CREATE VIEW p AS SELECT * FROM e WHERE environment = 'production'")
        self.window = ()
        self.exit = 0  # of the last question
        self.looked_at = {}  # kind: its columns, and those that were compared
        self.use(None, None)

    def use(self, since, until, filters=()):
        """Seconds; hours for what reads hours. Days, for what reads days, are those that they lie in. Filters: (option, column, value),
        for what reads hours."""
        self.window = ()
        self.days = ((since or 0) // 86400, -(-until // 86400) if until else 1 << 40)
        low, high = (since or 0) * 10**9, until * 10**9 if until else 1 << 62
        for option, at in (("--since", since), ("--until", until)):
            if at is not None:
                text = datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
                self.window += (option, text)
        ns = 86400 * 10**9
        self.window += tuple(x for option, _, value in filters for x in (option, value))
        where = "".join(f" AND {column} = '{value}'" for _, column, value in filters)
        self.sql.executescript(f"""
            DROP VIEW IF EXISTS h; DROP VIEW IF EXISTS d; DROP VIEW IF EXISTS jobs_of_days; DROP VIEW IF EXISTS jd;
            CREATE VIEW h AS SELECT * FROM e WHERE environment = 'production' AND ts >= {low} AND ts < {high}{where};
            CREATE VIEW jobs_of_days AS SELECT job_id FROM
                (SELECT job_id, COALESCE(MIN(CASE event WHEN 'job_start' THEN ts END), MIN(ts)) / {ns} AS day FROM e
                 WHERE environment = 'production' AND job_id IS NOT NULL GROUP BY job_id)
                WHERE day >= {low // ns} AND day < {-(-high // ns)};
            CREATE VIEW jd AS SELECT * FROM j WHERE day >= {low // ns} AND day < {-(-high // ns)};
            CREATE VIEW d AS SELECT * FROM e WHERE environment = 'production' AND day >= {low // ns} AND day < {-(-high // ns)};""")

    def rows(self, sql):
        return self.sql.execute(sql).fetchall()

    def groups(self, sql, keys):
        """{key: the other columns}; an absent key is ''."""
        return {tuple("" if v is None else v for v in row[:keys]): row[keys:] for row in self.rows(sql)}

    def stats(self, kind, *options):
        words = ["summary"] if kind == "summary" else ["stats", kind]
        done = subprocess.run([self.program, *words, self.db, *self.window, *map(str, options), "--json"], stdout=subprocess.PIPE)
        if done.returncode not in (0, 4):
            raise SystemExit(f"FAILED  stats {kind} exits with {done.returncode}")
        self.exit = done.returncode
        columns, looked_at = self.looked_at.setdefault(kind, (set(), set()))
        rows = json.loads(done.stdout)
        columns.update(*rows)
        return [Row(row, looked_at) for row in rows]

    def help_of(self, command):
        return subprocess.run([self.program, "help", command], check=True, stdout=subprocess.PIPE, text=True).stdout

    # ---- Each question

    def check_success_rates(self):
        names = {"agent": "agent_name", "issue-type": "issue_type", "provider": "provider_id", "model": "model"}
        for by in (("agent", "issue-type"), ("provider", "model"), ("agent",), ("model",)):
            keys = [names[b] for b in by]
            expected = {}
            for key, (n, s, c, cs) in self.groups(
                    f"SELECT {', '.join(keys)}, COUNT(*), SUM(success), SUM(confidence),"
                    f" SUM(confidence) FILTER (WHERE success) FROM h WHERE event = 'agent_execution'"
                    f" GROUP BY {', '.join(keys)}", len(keys)).items():
                expected[key] = (n, s, *rate(s, n), (cs or 0) / c if c else None)
            compare(f"success-rate by {by}", self.stats("success-rate", "--by", ",".join(by)), keys, expected,
                    ("executions", "successes", "success_rate", "success_rate_low", "success_rate_high",
                     "confidence_weighted_rate"))

    def check_agents(self):
        sums = ("SUM(COALESCE(fixes_applied, 0)), SUM(COALESCE(attempt, 1) > 1), AVG(execution_time_ms)")
        compare("agents", self.stats("agents"), ("agent_name",), {
            key: (n, s, *rate(s, n), *rest) for key, (n, s, *rest) in self.groups(
                "SELECT agent_name, COUNT(*), SUM(success), AVG(confidence), COUNT(DISTINCT NULLIF(issue_type, '')),"
                f" COUNT(DISTINCT NULLIF(provider_id, '')), COUNT(DISTINCT NULLIF(model, '')), {sums}"
                " FROM h WHERE event = 'agent_execution' GROUP BY 1", 1).items()},
            ("executions", "successes", "success_rate", "success_rate_low", "success_rate_high", "confidence_avg", "issue_types",
             "providers", "models", "fixes_applied", "retries", "avg_execution_time_ms"))
        compare("success-rate, further", self.stats("success-rate"), ("agent_name", "issue_type"), self.groups(
            f"SELECT agent_name, issue_type, COUNT(confidence), AVG(confidence), {sums} FROM h WHERE event = 'agent_execution'"
            " GROUP BY 1, 2", 2), ("confidence_count", "confidence_avg", "fixes_applied", "retries", "avg_execution_time_ms"))
        for row in self.stats("agents"):
            times = [v for v, in self.sql.execute("SELECT execution_time_ms FROM h WHERE event = 'agent_execution'"
                                                  " AND execution_time_ms IS NOT NULL AND agent_name = ?", (row["agent_name"],))]
            for q in (50, 95):
                if not same(row[f"execution_time_p{q}_ms"], nearest_rank(times, q / 100), SKETCH_ERROR):
                    fail(f"p{q} of {row['agent_name']}", row[f"execution_time_p{q}_ms"], nearest_rank(times, q / 100))

    def check_providers(self):
        compare("providers", self.stats("providers"), ("provider_id",), {
            key: (n, s, *rate(s, n), m, *rate(ran, m), *rest) for key, (n, s, m, ran, *rest) in self.groups(
                "SELECT provider_id, COUNT(*), SUM(success), SUM(COALESCE(failure_class, '') <> 'cancelled'),"
                " SUM(COALESCE(failure_class, '') NOT IN ('cancelled', 'availability')), COUNT(DISTINCT NULLIF(model, '')),"
                " AVG(latency_ms) FILTER (WHERE success), SUM(COALESCE(retry_count, 0) > 0), SUM(COALESCE(fallback_from, '') <> ''),"
                " SUM(COALESCE(input_tokens, 0)), SUM(COALESCE(output_tokens, 0)), SUM(cost_usd)"
                " FROM h WHERE event = 'provider_performance' GROUP BY 1", 1).items()},
            ("calls", "successes", "success_rate", "success_rate_low", "success_rate_high", "not_cancelled", "availability",
             "availability_low", "availability_high", "models", "avg_latency_ms", "retried_calls", "fallbacks", "input_tokens",
             "output_tokens", "cost_usd"))

    def check_availability(self):
        for limit, source in ((1000, "exact"), (1234.5, "sketch")):
            rows = self.stats("availability", "--max-latency-ms", limit)
            expected, latencies = {}, {}
            for key, (n, s, a, x, c, unknown, fast) in self.groups(
                    "SELECT provider_id, model, COUNT(*), SUM(success), COALESCE(SUM(failure_class = 'availability'), 0),"
                    " COALESCE(SUM(failure_class = 'execution'), 0), COALESCE(SUM(failure_class = 'cancelled'), 0),"
                    " SUM(success AND latency_ms IS NULL), SUM(success AND COALESCE(latency_ms, 1e99) <= " + str(limit) + ")"
                    " FROM h WHERE event = 'provider_performance' GROUP BY 1, 2", 2).items():
                m = n - c
                expected[key] = (n, s, a, x, c, m, *rate(m - a, m), *rate(s, n), m - unknown, source)
                latencies[key] = fast
            compare("availability", rows, ("provider_id", "model"), expected,
                    ("calls", "successes", "availability_failures", "execution_failures", "cancelled", "not_cancelled",
                     "availability", "availability_low", "availability_high", "success_rate", "success_rate_low",
                     "success_rate_high", "fast_enough_count", "latency_source"))
            for row in rows:
                key = (row["provider_id"], row["model"])
                if source == "exact" and row["fast_enough"] != latencies[key]:
                    fail(f"fast enough of {key}", row["fast_enough"], latencies[key])
                values = [v for v, in self.sql.execute(
                    "SELECT latency_ms FROM h WHERE event = 'provider_performance' AND success AND latency_ms IS NOT NULL"
                    " AND provider_id = ? AND COALESCE(model, '') = ?", key)]
                for q in (50, 90, 95, 99):
                    if not same(row[f"latency_p{q}_ms"], nearest_rank(values, q / 100), SKETCH_ERROR):
                        fail(f"p{q} of {key}", row[f"latency_p{q}_ms"], nearest_rank(values, q / 100))

    def classes(self, edges):
        """{(agent, from): [n, successes, sum of confidence]}; agent None is all."""
        found = {}
        for agent, c, s in self.rows("SELECT agent_name, confidence, success FROM h WHERE event = 'agent_execution'"
                                     " AND confidence IS NOT NULL"):
            low = max(x for x in edges if x <= c)
            for name in (agent, None):
                figures = found.setdefault((name, low), [0, 0, 0.0])
                figures[0] += 1
                figures[1] += s
                figures[2] += c
        return found

    def check_confidence(self):
        found = self.classes((0, 0.25, 0.5, 0.8))
        rows = [r for r in self.stats("confidence", "--thresholds", "0.25,0.5,0.8") if r["executions"]]
        compare("confidence", rows, ("agent_name", "confidence_from"),
                {key: (n, s, *rate(s, n), c / n) for key, (n, s, c) in found.items() if key[0] is not None},
                ("executions", "successes", "success_rate", "success_rate_low", "success_rate_high", "confidence_avg"))
        found = self.classes([i / 5 for i in range(5)])
        rows = [r for r in self.stats("calibration-bins", "--bins", 5) if r["executions"]]
        compare("calibration-bins", rows, ("confidence_from",),
                {(low,): (n, s, c / n, c / n - s / n) for (agent, low), (n, s, c) in found.items() if agent is None},
                ("executions", "successes", "confidence_avg", "gap"))
        expected = {}
        for agent in {a for a, _ in found}:
            bins = [v for (a, _), v in found.items() if a == agent]
            n, s = sum(b[0] for b in bins), sum(b[1] for b in bins)
            o = s / n
            brier, = self.sql.execute("SELECT AVG((confidence - success) * (confidence - success)) FROM h WHERE"
                                      " event = 'agent_execution' AND confidence IS NOT NULL AND (?1 IS NULL OR agent_name = ?1)",
                                      (agent,)).fetchone()
            reliability = sum(m * (c / m - t / m) ** 2 for m, t, c in bins) / n
            resolution = sum(m * (t / m - o) ** 2 for m, t, c in bins) / n
            expected[(agent,)] = (n, s, brier, reliability, resolution, o * (1 - o),
                                  brier - reliability + resolution - o * (1 - o),
                                  sum(abs(c - t) for m, t, c in bins) / n, max(abs(c - t) / m for m, t, c in bins))
        compare("calibration", self.stats("calibration", "--bins", 5), ("agent_name",), expected,
                ("executions", "successes", "brier_score", "reliability", "resolution", "uncertainty", "within_bins", "ece",
                 "max_gap"), 1e-7)
        n, ece = sorted(v[0] for v in expected.values())[len(expected) // 2] if expected else 1, 0.2
        above = {key: (v[7] > ece if v[0] >= n else None,) for key, v in expected.items()}
        compare("calibration above an ece", self.stats("calibration", "--bins", 5, "--max-ece", ece, "--min-count", n),
                ("agent_name",), above, ("above_max_ece",))
        if self.exit != (4 if (True,) in above.values() else 0):
            fail("exit code of calibration", self.exit, above)

    def check_orchestration(self):
        used = self.groups("SELECT selected_strategy, COUNT(*), COUNT(effectiveness_score), AVG(effectiveness_score)"
                           " FROM d WHERE event = 'strategy_decision' GROUP BY 1", 1)
        jobs = self.groups(
            "WITH j AS (SELECT DISTINCT job_id, selected_strategy AS s FROM e WHERE environment = 'production'"
            "   AND event = 'strategy_decision' AND job_id IN jobs_of_days),"
            " o AS (SELECT job_id, SUM(iteration_count) AS iterations FROM e WHERE environment = 'production'"
            "   AND event = 'orchestration_execution' GROUP BY job_id)"
            " SELECT s, COUNT(*), COUNT(o.job_id), SUM(COALESCE(iterations, 0)) FILTER (WHERE o.job_id IS NOT NULL)"
            " FROM j LEFT JOIN o USING (job_id) GROUP BY s", 1)
        expected = {}
        for key in {*used, *jobs}:
            n, scores, mean = used.get(key, (0, 0, None))
            count, orchestrated, iterations = jobs.get(key, (0, 0, None))
            expected[key] = (n, scores, mean, count, orchestrated, iterations / orchestrated if orchestrated else None)
        rows = self.stats("orchestration")
        compare("orchestration", rows, ("strategy",), expected,
                ("decisions", "scores", "avg_effectiveness", "jobs", "orchestrated_jobs", "avg_iterations"))
        if used:
            best = [k for k in used if used[k][1] >= 5]
            if [r["strategy"] for r in rows if r["most_used"]] != [min(used, key=lambda k: (-used[k][0], k))[0]]:
                fail("most used", rows, used)
            if [r["strategy"] for r in rows if r["most_effective"]] != [min(best, key=lambda k: (-used[k][2], k))[0]] * bool(best):
                fail("most effective", rows, used)
        compare("orchestration-time", self.stats("orchestration-time"), ("execution_strategy",), self.groups(
            "SELECT execution_strategy, COUNT(*), AVG(iteration_count), AVG(total_execution_time_ms),"
            " SUM(COALESCE(hooks_execution_time_ms, 0.0)) / NULLIF(SUM(total_execution_time_ms), 0)"
            " FROM h WHERE event = 'orchestration_execution' GROUP BY 1", 1),
            ("executions", "avg_iterations", "avg_total_time_ms", "hooks_share"))
        compare("problem-hooks", self.stats("problem-hooks"), ("hook_name",), self.groups(
            "SELECT x.value, COUNT(*) FROM h, json_each(correlation_insights, '$.problematic_hooks') AS x"
            " WHERE event = 'orchestration_execution' GROUP BY 1", 1), ("named",))

    def check_failures(self):
        compare("tests", self.stats("tests"), ("test_id",), {
            key: (p, f, x, bool(p and f + x), *rate(f + x, p + f + x), t) for key, (p, f, x, t) in self.groups(
                "SELECT test_id, SUM(status = 'passed'), SUM(status = 'failed'), SUM(status = 'error'), AVG(execution_time_ms)"
                " FROM h WHERE event = 'individual_test_execution' GROUP BY 1", 1).items()},
            ("passed", "failed", "errors", "flaky", "failure_rate", "failure_rate_low", "failure_rate_high",
             "avg_execution_time_ms"))
        compare("hooks", self.stats("hooks"), ("hook_name", "hook_type"), {
            key: (n, f, *rate(f, n), t) for key, (n, f, t) in self.groups(
                "SELECT hook_name, hook_type, SUM(status <> 'skipped'), SUM(status = 'failed'), AVG(execution_time_ms)"
                " FROM h WHERE event = 'hook_execution' GROUP BY 1, 2", 2).items()},
            ("runs", "failures", "failure_rate", "failure_rate_low", "failure_rate_high", "avg_execution_time_ms"))
        keys = ("error_type", "error_category")
        rows = self.stats("errors")
        total = sum(r["errors"] for r in rows)
        compare("errors", rows, keys, {k: (n, n / total) for k, (n,) in self.groups(
            "SELECT error_type, error_category, COUNT(*) FROM h WHERE event = 'error' GROUP BY 1, 2", 2).items()},
            ("errors", "share"))
        for row in rows:
            first, last = self.sql.execute("SELECT MIN(ts), MAX(ts) FROM h WHERE event = 'error' AND error_type = ?"
                                           " AND COALESCE(error_category, '') = ?", tuple(row[k] for k in keys)).fetchone()
            if (instant_ns(row["first_seen"]), instant_ns(row["last_seen"])) != (first, last):
                fail("first and last seen", row, (first, last))
        patterns = {}
        for row in self.stats("error-patterns"):
            patterns[row["error_type"], row["error_category"]] = patterns.get((row["error_type"], row["error_category"]), 0) + row["errors"]
        if patterns != {tuple(r[k] for k in keys): r["errors"] for r in rows}:
            fail("error patterns add up", patterns, rows)
        self.compare_patterns(total)

    def compare_patterns(self, total):
        """Of the messages that were generated; None in MESSAGES is a pattern that is the message itself."""
        expected = {}
        for error_type, category, message, ts in self.rows(
                "SELECT error_type, COALESCE(error_category, ''), COALESCE(error_message, ''), ts FROM h WHERE event = 'error'"):
            pattern = [message if p is None else p for _, match, p in MESSAGES if re.fullmatch(match, message)]
            if pattern:
                n, first, sample, last = expected.get((error_type, category, pattern[0]), (0, 1 << 63, "", 0))
                (first, sample) = min((first, sample), (ts, message))
                expected[error_type, category, pattern[0]] = (n + 1, first, sample, max(last, ts))
        rows = {(r["error_type"], r["error_category"], r["pattern"]): r for r in self.stats("error-patterns")}
        for key, (n, first, sample, last) in expected.items():
            row = rows.get(key)
            actual = row and (row["errors"], instant_ns(row["first_seen"]), row["sample"], instant_ns(row["last_seen"]))
            if actual != (n, first, sample, last) or not same(row["share"], n / total, 1e-9):
                fail(f"pattern {key}", row, (n, first, sample, last))

    def check_retries(self):
        expected = {}
        for key, values in self.groups(
                "WITH a AS (SELECT *, ROW_NUMBER() OVER (PARTITION BY job_id, agent_name, issue_type"
                "   ORDER BY ts DESC, success DESC) AS back FROM e WHERE event = 'agent_execution' AND job_id IN jobs_of_days"
                "   AND environment = 'production'),"
                " o AS (SELECT agent_name, issue_type, COUNT(*) AS n, SUM(success) AS s, MAX(success) FILTER (WHERE back = 1) AS well,"
                "   SUM(execution_time_ms) FILTER (WHERE NOT success) AS lost FROM a GROUP BY job_id, agent_name, issue_type)"
                " SELECT agent_name, issue_type, COUNT(*), SUM(n), SUM(well), SUM(n > 1), SUM(n > 1 AND well AND s < n),"
                " SUM(n > 1 AND NOT well), SUM(n = 2), SUM(n = 3), SUM(n > 3), COALESCE(SUM(lost), 0.0) FROM o GROUP BY 1, 2",
                2).items():
            expected[key] = values
        compare("retries", self.stats("retries"), ("agent_name", "issue_type"), expected,
                ("operations", "attempts", "ended_well", "retried", "recovered", "given_up", "attempts_2", "attempts_3",
                 "attempts_4_up", "time_lost_ms"))

    def check_fallbacks(self):
        compare("fallbacks", self.stats("fallbacks"), ("fallback_from", "provider_id", "fallback_reason"), {
            key: (n, s, *rate(s, n), t) for key, (n, s, t) in self.groups(
                "SELECT fallback_from, provider_id, fallback_reason, COUNT(*), SUM(success), AVG(latency_ms)"
                " FROM h WHERE event = 'provider_performance' AND fallback_from <> '' GROUP BY 1, 2, 3", 3).items()},
            ("calls", "successes", "success_rate", "success_rate_low", "success_rate_high", "avg_latency_ms"))

    def check_models(self):
        compare("models", [r for r in self.stats("models") if r["calls"]], ("model",), {
            key: (n, s, usd, usd / s if usd is not None and s else None, tokens / s if s else None)
            for key, (n, s, usd, tokens) in self.groups(
                "SELECT model, COUNT(*), SUM(success), SUM(cost_usd), SUM(COALESCE(input_tokens, 0) + COALESCE(output_tokens, 0))"
                " FROM h WHERE event = 'provider_performance' GROUP BY 1", 1).items()},
            ("calls", "successes", "cost_usd", "cost_per_success_usd", "tokens_per_success"))

    def check_agents_providers(self):
        pairs = self.groups("SELECT agent_name, provider_id, COUNT(*), SUM(success) FROM h WHERE event = 'agent_execution'"
                            " GROUP BY 1, 2", 2)
        expected = {}
        for (agent, provider), (n, s) in pairs.items():
            m = sum(v[0] for k, v in pairs.items() if k[0] == agent) - n
            t = sum(v[1] for k, v in pairs.items() if k[0] == agent) - s
            product = (n) * (m) * (s + t) * (n + m - s - t)
            expected[agent, provider] = (n, s, *rate(t, m),
                                         (s * (m - t) - (n - s) * t) / math.sqrt(product) if product else None)
        compare("agents-providers", [r for r in self.stats("agents-providers") if r["executions"]], ("agent_name", "provider_id"),
                expected, ("executions", "successes", "other_success_rate", "other_success_rate_low", "other_success_rate_high",
                          "correlation"))

    def check_all(self):
        for name in sorted(n for n in dir(self) if n.startswith("check_") and n != "check_all"):
            getattr(self, name)()


# ---- Generated logs

DAYS = 10
# What makes messages of one kind, what matches them, and the pattern that they are to be folded to.
MESSAGES = (
    (lambda r: f"line {r.randrange(99)} of /a/b{r.randrange(9)}.c", r"line \d+ of \S+", "line <n> of <path>"),
    (lambda r: f"request {r.getrandbits(128):032x} timed out after {r.randrange(90)}.5 s\n  at 7", r"request \w+ timed[^z]*",
     "request <id> timed out after <n> s"),
    (lambda r: f"no module named 'agents.v{r.randrange(3)}'", r"no module named 'agents.v\d'", None),
    (lambda r: "", r"", ""))


def generate(seed, out):
    r = random.Random(seed)
    maybe = lambda p, name, value: {name: value} if r.random() < p else {}
    shares = lambda: r.choice((0, 0.25, 0.5, 0.8, 1, round(r.random(), 2), round(r.random(), 3), round(r.random(), 6)))
    ms = lambda: r.choice((0, 0.5, 1000, 1000.001, round(r.lognormvariate(6, 2), 3)))
    for number in range(6000):
        e = {"timestamp": START * 10**9 + r.randrange(DAYS * 86400 * 10**9), **maybe(0.7, "job_id", f"job-{r.randrange(40)}"),
             **maybe(0.1, "environment", "test")}
        bad_day = e["timestamp"] >= (START + (DAYS - 1) * 86400) * 10**9
        kind = r.randrange(10)
        if kind < 3:
            e |= {"event": "agent_execution", "agent_name": f"agent {r.randrange(4)}", "success": r.random() < (0.3 if bad_day else 0.7),
                  **maybe(0.8, "issue_type", f"t{r.randrange(3)}"), **maybe(0.8, "confidence", shares()),
                  **maybe(0.6, "provider_id", f"p{r.randrange(3)}"), **maybe(0.6, "model", f"m{r.randrange(3)}"),
                  **maybe(0.8, "execution_time_ms", ms()), **maybe(0.5, "files_modified", r.randrange(9)),
                  **maybe(0.5, "remaining_issues", r.randrange(9))}
        elif kind < 6:
            provider = r.randrange(3)
            ok = r.random() < (0.4 if bad_day and provider == 0 else 0.8)
            e |= {"event": "provider_performance", "provider_id": f"p{provider}", "success": ok,
                  **maybe(0.8, "model", f"m{r.randrange(3)}"), **maybe(0.8, "latency_ms", ms() * (9 if bad_day and provider == 1 else 1)),
                  **maybe(0.2, "retry_count", r.randrange(4)), **maybe(0.2, "fallback_from", f"p{r.randrange(3)}"), **maybe(0.2, "fallback_reason", "429"),
                  **maybe(0.7, "cost_usd", r.randrange(10**7) / 10**6), **maybe(0.7, "input_tokens", r.randrange(9999)),
                  **maybe(0.7, "output_tokens", r.randrange(999)), **maybe(0.5, "agent_name", f"agent {r.randrange(5)}")}
            if not ok:
                e |= maybe(0.8, "failure_class", r.choice(("availability", "execution", "cancelled")))
        elif kind == 6:
            e |= {"event": "strategy_decision", "selected_strategy": f"s{r.randrange(4)}", **maybe(0.6, "effectiveness_score", shares())}
            if r.random() < 0.4:
                e.pop("selected_strategy"), e.pop("effectiveness_score", 0)
                e |= {"event": "orchestration_execution", "execution_strategy": f"x{r.randrange(2)}",
                      **maybe(0.8, "iteration_count", r.randrange(9)), **maybe(0.5, "strategy_switches", r.randrange(4)), **maybe(0.8, "total_execution_time_ms", 1000 + ms()),
                      **maybe(0.5, "hooks_execution_time_ms", ms()), **maybe(0.5, "tests_execution_time_ms", ms()),
                      **maybe(0.5, "ai_analysis_time_ms", ms()),
                      **maybe(0.5, "correlation_insights", {"problematic_hooks": r.sample(["ruff", "mypy", "bandit"], r.randrange(3))})}
        elif kind == 7:
            e |= {"event": "hook_execution", "hook_name": r.choice(("ruff", "mypy")), "status": r.choice(("success", "failed", "skipped")),
                  **maybe(0.7, "execution_time_ms", ms())}
        elif kind == 8:
            e |= {"event": "individual_test_execution", "test_id": f"t::{r.randrange(12)}", **maybe(0.7, "execution_time_ms", ms()),
                  "status": r.choice(("passed", "passed", "failed", "error", "skipped"))}
        else:
            e |= {"event": "error", "error_type": r.choice(("lint", "hook")), **maybe(0.5, "error_category", "c"),
                  "error_message": r.choice(MESSAGES)[0](r)}
        out.write(json.dumps(e) + "\n")
    # One start and one end a job, the end now and then before the start.
    for job in range(40):
        at = START + r.randrange(3 * 86400)
        start = {"event": "job_start", "job_id": f"job-{job}", "timestamp": at * 10**9, **maybe(0.8, "ai_agent", r.random() < 0.5)}
        end = {"event": "job_end", "job_id": f"job-{job}", "timestamp": (at + r.randrange(-600, 90000)) * 10**9,
               "status": r.choice(("success", "failed", "cancelled")), **maybe(0.7, "iterations", r.randrange(9))}
        for e in r.sample((start, end), r.choice((1, 2, 2, 2))):
            out.write(json.dumps(e) + "\n")


def check_log(program, log, db, windows):
    oracle = Oracle(program, log, db)
    for window in windows:
        oracle.use(*window)
        oracle.check_all()
    return oracle


AGENT, ISSUE_TYPE = ("--agent", "agent_name", "agent 1"), ("--issue-type", "issue_type", "t2")
PROVIDER, MODEL = ("--provider", "provider_id", "p0"), ("--model", "model", "m1")
# Filters, and what takes them, of the questions that read hours; `trend` and `regress` see to theirs.
FILTERED = (
    ((AGENT,), "success_rates agents availability providers models agents_providers confidence"),
    ((ISSUE_TYPE,), "success_rates agents agents_providers"),
    ((PROVIDER,), "success_rates agents availability providers models agents_providers fallbacks"),
    ((AGENT, MODEL), "success_rates agents availability providers models agents_providers"),
    ((AGENT, ISSUE_TYPE, PROVIDER, MODEL), "success_rates agents agents_providers"))


def check_filters(oracle, since, until):
    for filters, names in FILTERED:
        oracle.use(since, until, filters)
        for name in names.split():
            getattr(oracle, f"check_{name}")()


def main():
    program, source = os.path.abspath(sys.argv[1]), sys.argv[2]
    run = lambda *words: subprocess.run([program, *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory(prefix="agentlog-oracle-") as work:
        for seed in range(1, int(os.environ.get("ALOG_ORACLE_SEEDS", "2")) + 1):
            path, log, db = (f"{work}/{seed}{end}" for end in (".ndjson", ".log", ".db"))
            with open(path, "w", encoding="utf-8") as out:
                generate(seed, out)
            run("log", log, path)
            run("ingest", log, db)
            print(f"seed {seed}", flush=True)
            hour = 3600
            oracle = check_log(program, log, db, ((None, None), (START + 7 * hour, START + 55 * hour),
                                                  (START + 24 * hour, START + 72 * hour), (START + 5 * hour, START + 6 * hour),
                                                  (None, START + 30 * hour)))
            oracle.fail_unless_all_looked_at()
            check_filters(oracle, None, None)
            check_filters(oracle, START + 7 * hour, START + 55 * hour)
        data = os.environ.get("ALOG_SHARED_DATA") or os.path.join(source, "..", "shared", "data")
        if os.path.isfile(os.path.join(data, "to_events.py")):
            subprocess.run([sys.executable, "-B", f"{data}/to_events.py", f"{work}/events"], check=True, stdout=subprocess.DEVNULL)
            run("log", f"{work}/real", *sorted(f"{work}/events/{n}" for n in os.listdir(f"{work}/events") if n.endswith(".ndjson")))
            run("ingest", f"{work}/real", f"{work}/real.db")
            check_log(program, f"{work}/real", f"{work}/real.db", ((None, None),))
            print("real data", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
