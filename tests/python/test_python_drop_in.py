"""MetricsCollector in the place of a collector that keeps its metrics in SQLite by hand: the same calls, the same answers.

ByHand is such a collector: an INSERT for each call, a plain SELECT for each question. What differs is said in
agentlog/metrics.py: windows begin with the hour, no data is None.
"""
import inspect
import random
import sqlite3
import time
import unittest

import agentlog
from python_case import LogCase

HOUR_NS = 3600 * 10**9

# As programs call them, by name and by position.
SIGNATURES = {
    "start_job": "job_id, ai_agent=False, metadata=None",
    "end_job": "job_id, status, iterations=0, error_message=None",
    "record_error": "job_id, error_type, error_category, error_message, file_path=None, line_number=None",
    "record_hook_execution": "job_id, hook_name, hook_type, execution_time_ms, status",
    "record_test_execution": "job_id, total_tests, passed, failed, skipped, execution_time_ms, coverage_percent=None",
    "record_orchestration_execution":
        "job_id, execution_strategy, progress_level, ai_mode, iteration_count, strategy_switches, correlation_insights, "
        "total_execution_time_ms, hooks_execution_time_ms, tests_execution_time_ms, ai_analysis_time_ms",
    "record_strategy_decision":
        "job_id, iteration, previous_strategy, selected_strategy, decision_reason, context_data, effectiveness_score=None",
    "record_individual_test":
        "job_id, test_id, test_file, test_class, test_method, status, execution_time_ms, error_message=None, "
        "error_traceback=None",
    "track_agent_execution":
        "job_id, agent_name, issue_type, success, confidence, fixes_applied, files_modified, remaining_issues, "
        "execution_time_ms=None, **more",
    "track_provider_selection": "provider_id, success, latency_ms=None, error=None, **more",
    "get_agent_success_rate": "agent_name, issue_type=None, hours=None",
    "get_provider_availability": "provider_id, hours=24, max_latency_ms=None",
    "get_agent_confidence_distribution": "agent_name",
    "get_agent_confidence_accuracy": "agent_name, hours=None",
    "get_orchestration_stats": "",
    "get_all_time_stats": "",
    "cleanup_old_metrics": "retention_days=90",
}

SCHEMA = """
CREATE TABLE jobs(job_id PRIMARY KEY, ai_agent, status, iterations);
CREATE TABLE errors(job_id, error_type);
CREATE TABLE hooks(job_id, status);
CREATE TABLE tests(job_id, test_id, status);
CREATE TABLE orchestrations(job_id, strategy, total_ms, hooks_ms, tests_ms, ai_ms);
CREATE TABLE decisions(job_id, strategy, score);
CREATE TABLE agents(at, agent_name, issue_type, success, confidence);
CREATE TABLE providers(at, provider_id, success, latency_ms, cost_usd);
"""


class ByHand:
    """An INSERT a call."""

    def __init__(self):
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.executescript(SCHEMA)

    def put(self, table, *values):
        self.db.execute(f"INSERT INTO {table} VALUES({', '.join('?' * len(values))})", values)
        return True

    def ask(self, sql, *values):
        return self.db.execute(sql, values).fetchone()

    def start_job(self, job_id, ai_agent=False, metadata=None):
        return self.put("jobs", job_id, ai_agent, None, None)

    def end_job(self, job_id, status, iterations=0, error_message=None):
        self.db.execute("UPDATE jobs SET status = ?, iterations = ? WHERE job_id = ?", (status, iterations, job_id))
        return True

    def record_error(self, job_id, error_type, error_category, error_message, file_path=None, line_number=None):
        return self.put("errors", job_id, error_type)

    def record_hook_execution(self, job_id, hook_name, hook_type, execution_time_ms, status):
        return self.put("hooks", job_id, status)

    def record_test_execution(self, job_id, total_tests, passed, failed, skipped, execution_time_ms, coverage_percent=None):
        return True  # asked for nowhere

    def record_orchestration_execution(self, job_id, execution_strategy, progress_level, ai_mode, iteration_count,
                                       strategy_switches, correlation_insights, total_execution_time_ms,
                                       hooks_execution_time_ms, tests_execution_time_ms, ai_analysis_time_ms):
        return self.put("orchestrations", job_id, execution_strategy, total_execution_time_ms, hooks_execution_time_ms,
                        tests_execution_time_ms, ai_analysis_time_ms)

    def record_strategy_decision(self, job_id, iteration, previous_strategy, selected_strategy, decision_reason,
                                 context_data, effectiveness_score=None):
        return self.put("decisions", job_id, selected_strategy, effectiveness_score)

    def record_individual_test(self, job_id, test_id, test_file, test_class, test_method, status, execution_time_ms,
                               error_message=None, error_traceback=None):
        return self.put("tests", job_id, test_id, status)

    def track_agent_execution(self, job_id, agent_name, issue_type, success, confidence, fixes_applied, files_modified,
                              remaining_issues, execution_time_ms=None, **more):
        return self.put("agents", more["timestamp"], agent_name, issue_type, success, confidence)

    def track_provider_selection(self, provider_id, success, latency_ms=None, error=None, **more):
        return self.put("providers", more["timestamp"], provider_id, success, latency_ms, more.get("cost_usd"))

    def since(self, hours):
        return 0 if hours is None else time.time_ns() - hours * HOUR_NS

    def get_agent_success_rate(self, agent_name, issue_type=None, hours=None):
        return self.ask("SELECT AVG(success) FROM agents WHERE agent_name = ? AND issue_type = ifnull(?, issue_type) AND at >= ?",
                        agent_name, issue_type, self.since(hours))[0]

    def get_provider_availability(self, provider_id, hours=24, max_latency_ms=None):
        return self.ask("SELECT AVG(success AND latency_ms <= ?) FROM providers WHERE provider_id = ? AND at >= ?",
                        float("inf") if max_latency_ms is None else max_latency_ms, provider_id, self.since(hours))[0]

    def get_agent_confidence_distribution(self, agent_name):
        low, medium, high = self.ask(
            "SELECT COUNT(*) FILTER (WHERE confidence < 0.5), COUNT(*) FILTER (WHERE confidence >= 0.5 AND confidence < 0.8), "
            "COUNT(*) FILTER (WHERE confidence >= 0.8) FROM agents WHERE agent_name = ?", agent_name)
        return {"low": low, "medium": medium, "high": high}

    def get_agent_confidence_accuracy(self, agent_name, hours=None):
        n, successes, confidence, brier = self.ask(
            "SELECT COUNT(*), SUM(success), AVG(confidence), AVG((confidence - success) * (confidence - success)) "
            "FROM agents WHERE agent_name = ? AND confidence IS NOT NULL AND at >= ?", agent_name, self.since(hours))
        return {"executions": n, "successes": successes, "success_rate": successes / n, "confidence_avg": confidence,
                "brier_score": brier} if n else None

    def get_orchestration_stats(self):
        first = "SELECT strategy FROM decisions GROUP BY 1"
        return {
            "most_used_strategy": self.ask(f"{first} ORDER BY COUNT(*) DESC, 1")[0],
            "most_effective_strategy": self.ask(f"{first} HAVING COUNT(score) >= 10 ORDER BY AVG(score) DESC, 1")[0],
            "time": self.db.execute("SELECT strategy, COUNT(*), AVG(total_ms), SUM(hooks_ms), SUM(tests_ms), SUM(ai_ms) "
                                    "FROM orchestrations GROUP BY 1 ORDER BY 1").fetchall()}

    def get_all_time_stats(self):
        self.db.row_factory = sqlite3.Row
        row = self.ask("""SELECT
            (SELECT COUNT(*) FROM jobs) AS total_jobs,
            (SELECT COUNT(*) FROM jobs WHERE status = 'success') AS successful_jobs,
            (SELECT COUNT(*) FROM jobs WHERE status = 'failed') AS failed_jobs,
            (SELECT COUNT(*) FROM jobs WHERE status = 'cancelled') AS cancelled_jobs,
            (SELECT COUNT(*) FROM jobs WHERE ai_agent) AS ai_jobs,
            (SELECT COUNT(*) FROM jobs WHERE ai_agent AND status = 'success') AS total_ai_fixes,
            (SELECT AVG(iterations) FROM jobs) AS avg_iterations,
            (SELECT COUNT(*) FROM errors) AS total_errors,
            (SELECT COUNT(*) FROM errors WHERE error_type = 'hook') AS hook_errors,
            (SELECT COUNT(*) FROM errors WHERE error_type = 'test') AS test_errors,
            (SELECT COUNT(*) FROM errors WHERE error_type = 'lint') AS lint_errors,
            (SELECT COUNT(*) FROM errors WHERE error_type = 'type_check') AS type_errors,
            (SELECT COUNT(DISTINCT job_id) FROM orchestrations) AS orchestrated_jobs,
            (SELECT COUNT(*) FROM agents) AS agent_executions,
            (SELECT AVG(success) FROM agents) AS agent_success_rate,
            (SELECT COUNT(*) FROM providers) AS provider_calls,
            (SELECT AVG(success) FROM providers) AS provider_availability,
            (SELECT SUM(cost_usd) FROM providers) AS cost_usd,
            (SELECT COUNT(*) FROM hooks) AS hook_runs,
            (SELECT COUNT(*) FROM hooks WHERE status = 'failed') AS hook_failures,
            (SELECT COUNT(*) FROM tests WHERE status != 'skipped') AS tests_run,
            (SELECT COUNT(*) FROM tests WHERE status IN ('failed', 'error')) AS tests_failed""")
        return dict(row)


AGENTS = [("fixer", "lint"), ("fixer", "type_error"), ("formatter", "formatting"), ("security", "")]
PROVIDERS = ["cloud-a", "cloud-b"]
STRATEGIES = ["batch", "one_by_one", "test_first"]


def an_hours_end(random_source, this_hour, hours):
    """The last millisecond of one of so many past hours: a window from some moment on has it if it has its whole hour."""
    return (this_hour - random_source.randrange(hours)) * HOUR_NS - 10**6


def work(collector, seed, jobs, this_hour):
    """What an agent program does, call by call."""
    r = random.Random(seed)
    for n in range(jobs):
        job, taken = f"job-{n}", []
        taken.append(collector.start_job(job, r.random() < 0.6, {"n": n}))
        for _ in range(r.randrange(4)):
            agent, issue = r.choice(AGENTS)
            taken.append(collector.track_agent_execution(
                job, agent, issue, r.random() < 0.7, r.choice([None, r.randrange(1001) / 1000]), r.randrange(3), 1, 0,
                execution_time_ms=r.random() * 1000, timestamp=an_hours_end(r, this_hour, 72)))
            success = r.random() < 0.8
            taken.append(collector.track_provider_selection(
                r.choice(PROVIDERS), success, latency_ms=r.randrange(1, 3000) if success else None,
                error=None if success else "no answer", cost_usd=r.randrange(10**6) / 10**6,
                timestamp=an_hours_end(r, this_hour, 72), job_id=job))
            taken.append(collector.record_strategy_decision(job, 1, None, r.choice(STRATEGIES), "because", {"n": n}, r.random()))
        for _ in range(r.randrange(3)):
            taken.append(collector.record_error(job, r.choice(["hook", "test", "lint", "type_check", "other"]), "c", f"m {n}"))
            taken.append(collector.record_hook_execution(job, "ruff", "fast", 3.5, r.choice(["success", "failed", "skipped"])))
        failed = r.randrange(3)
        taken.append(collector.record_test_execution(job, 10, 10 - failed, failed, 0, 99.0))
        for test in ("t::a", "t::b"):
            status = r.choice(["passed", "failed", "skipped", "error"])
            taken.append(collector.record_individual_test(job, test, "t.py", None, test[-1], status, 1.5, "m", "trace"))
        if n % 2:
            parts = [r.randrange(1000) for _ in range(3)]
            taken.append(collector.record_orchestration_execution(job, r.choice(STRATEGIES), "normal", "auto", 3, 1, None,
                                                                  sum(parts) + 5, *parts))
        if n % 10:
            taken.append(collector.end_job(job, r.choice(["success", "success", "failed", "cancelled"]), r.randrange(5)))
        assert all(taken), taken


class DropIn(LogCase):
    def test_signatures(self):
        for name, expected in SIGNATURES.items():
            parameters = inspect.signature(getattr(agentlog.MetricsCollector, name)).parameters.values()
            given = inspect.Signature([p.replace(annotation=inspect.Parameter.empty) for p in parameters])
            self.assertEqual(str(given), f"(self, {expected})" if expected else "(self)", name)

    def assert_same(self, given, expected, where):
        """Equal to what double precision and the sums' integers (confidence in 1e-6) leave."""
        if isinstance(expected, float) and isinstance(given, (int, float)):
            self.assertAlmostEqual(given, expected, 9, where)
        else:
            self.assertEqual(given, expected, where)

    def test_the_same_answers_as_by_hand(self):
        by_hand = ByHand()
        self.addCleanup(by_hand.db.close)
        with agentlog.MetricsCollector(self.log_dir, strict=True) as collector:
            this_hour = time.time_ns() // HOUR_NS
            work(collector, 7, 300, this_hour)
            work(by_hand, 7, 300, this_hour)
            questions = [("get_agent_success_rate", agent, issue, hours)
                         for agent in ("fixer", "formatter", "security", "nobody")
                         for issue in (None, "lint", "formatting") for hours in (None, 1, 12, 48)]
            questions += [("get_provider_availability", provider, hours, limit)
                          for provider in (*PROVIDERS, "nowhere") for hours in (1, 24, 48, None) for limit in (None, 500, 1000)]
            questions += [("get_agent_confidence_distribution", agent) for agent in ("fixer", "formatter", "nobody")]
            collector.update()
            collector.refresh = False
            for name, *arguments in questions:
                self.assert_same(getattr(collector, name)(*arguments), getattr(by_hand, name)(*arguments), (name, arguments))
            for agent in ("fixer", "formatter", "security", "nobody"):
                for hours in (None, 24):
                    given = collector.get_agent_confidence_accuracy(agent, hours)
                    expected = by_hand.get_agent_confidence_accuracy(agent, hours)
                    self.assertEqual(given is None, expected is None)
                    for key, value in (expected or {}).items():
                        self.assert_same(given[key], value, (agent, hours, key))
            self.same_orchestration(collector.get_orchestration_stats(), by_hand.get_orchestration_stats())
            given, expected = collector.get_all_time_stats(), by_hand.get_all_time_stats()
            for key, value in expected.items():
                self.assert_same(given[key], value, key)

    def same_orchestration(self, given, expected):
        for key in ("most_used_strategy", "most_effective_strategy"):
            self.assertEqual(given[key], expected[key], key)
        given_time = sorted(given["time"], key=lambda row: row["execution_strategy"])
        for row, (strategy, n, average, hooks, tests, ai) in zip(given_time, expected["time"], strict=True):
            self.assertEqual((row["execution_strategy"], row["executions"]), (strategy, n))
            for key, value in (("avg_total_time_ms", average), ("hooks_time_ms", hooks), ("tests_time_ms", tests),
                               ("ai_time_ms", ai)):
                self.assertAlmostEqual(row[key], value, 6, key)

    def test_cleanup_takes_old_jobs_and_leaves_their_sums(self):
        day_ns = 24 * HOUR_NS
        with agentlog.MetricsCollector(self.log_dir, strict=True) as collector:
            for age in (100, 95, 2):
                collector.log.job_start(job_id=f"old-{age}", timestamp=time.time_ns() - age * day_ns)
                collector.log.job_end(job_id=f"old-{age}", status="success", timestamp=time.time_ns() - age * day_ns)
            self.assertEqual(collector.get_all_time_stats()["total_jobs"], 3)
            self.assertEqual(collector.cleanup_old_metrics()["jobs"], 2)
            self.assertEqual(collector.cleanup_old_metrics(retention_days=1)["jobs"], 1)
            self.assertEqual(collector.get_all_time_stats()["total_jobs"], 3)


if __name__ == "__main__":
    unittest.main()
