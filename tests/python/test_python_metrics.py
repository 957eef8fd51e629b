"""MetricsCollector: what is recorded through it is what its queries answer."""
import asyncio
import datetime
import json
import os
import re
import unittest

import agentlog
from agentlog import _aggregator
from python_case import LogCase


def cell_printed(name, cell):
    """As the program prints it: 15 digits, times as text."""
    if name in ("first_seen", "last_seen", "last_event") and cell is not None:
        seconds, ns = divmod(cell, 10**9)
        return f"{datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc):%Y-%m-%dT%H:%M:%S}.{ns:09}Z"
    return float(f"{cell:.15g}") if isinstance(cell, float) else cell


def printed(rows):
    return [{name: cell_printed(name, cell) for name, cell in row.items()} for row in rows]


class Metrics(LogCase):
    def collector(self, **options):
        collector = agentlog.MetricsCollector(self.log_dir, strict=True, **options)
        self.addCleanup(collector.close)
        return collector

    def test_what_is_recorded_is_answered(self):
        with self.collector() as c:
            for n in range(10):
                job = f"job-{n}"
                self.assertTrue(c.start_job(job, ai_agent=True, metadata={"n": n}))
                c.track_agent_execution(job, "fixer", "lint", n < 7, n / 10, 1, 1, 0, execution_time_ms=5.5,
                                        model="large", note="kept")
                c.track_provider_selection("cloud-a", n < 8, latency_ms=100 * n, error=None if n < 8 else
                                           TimeoutError("late"), job_id=job)
                c.record_error(job, "lint", "style", f"message {n}", "a.py", n)
                c.record_hook_execution(job, "ruff", "fast", 3.5, "success")
                c.record_test_execution(job, 5, 4, 1, 0, 99.0, 81.5)
                c.record_strategy_decision(job, 1, None, "batch" if n < 6 else "single", "because", {"k": n}, n / 10)
                c.record_orchestration_execution(job, "parallel", "normal", "auto", 3, 1, {"problematic_hooks": ["ruff"]},
                                                 100.0, 40.0, 30.0, 20.0)
                c.record_individual_test(job, "t::a", "t.py", None, "a", "passed" if n else "failed", 1.5, None, None)
                c.end_job(job, "success" if n < 9 else "failed", iterations=2)
            self.assertAlmostEqual(c.get_agent_success_rate("fixer"), 0.7)
            self.assertAlmostEqual(c.get_agent_success_rate("fixer", issue_type="lint", hours=1), 0.7)
            self.assertIsNone(c.get_agent_success_rate("nobody"))
            self.assertAlmostEqual(c.get_provider_availability("cloud-a"), 0.8)
            self.assertAlmostEqual(c.get_provider_availability("cloud-a", max_latency_ms=500), 0.6)
            self.assertIsNone(c.get_provider_availability("nowhere"))
            self.assertEqual(c.get_agent_confidence_distribution("fixer"), {"low": 5, "medium": 3, "high": 2})
            accuracy = c.get_agent_confidence_accuracy("fixer", hours=24)
            self.assertEqual((accuracy["executions"], accuracy["successes"]), (10, 7))
            self.assertAlmostEqual(accuracy["confidence_avg"], 0.45)
            expected = sum((n / 10 - (n < 7)) ** 2 for n in range(10)) / 10
            self.assertAlmostEqual(accuracy["brier_score"], expected)
            self.assertIsNone(c.get_agent_confidence_accuracy("nobody"))
            stats = c.get_orchestration_stats()
            self.assertEqual((stats["most_used_strategy"], stats["time"][0]["executions"]), ("batch", 10))
            everything = c.get_all_time_stats()
            self.assertEqual((everything["total_jobs"], everything["successful_jobs"]), (10, 9))
            self.assertEqual(everything["errors"][0]["errors"], 10)
            self.assertEqual(c.cleanup_old_metrics(retention_days=30)["jobs"], 0)
        self.assertEqual(len(self.events("agent_execution")), 10)
        self.assertEqual(self.events("agent_execution")[0]["note"], "kept")

    def test_without_refresh_the_database_is_somebody_elses(self):
        db = os.path.join(os.path.dirname(self.log_dir), "elsewhere.db")
        with self.collector(db_path=db, refresh=False) as c:
            c.track_agent_execution("j", "fixer", "lint", True, 0.5, 0, 0, 0)
            with self.assertRaises(agentlog.Error) as caught:
                c.get_agent_success_rate("fixer")
            self.assertEqual(caught.exception.status, "ALOG_NOT_FOUND")
            c.log.flush()
            self.program("ingest", self.log_dir, db)
            self.assertEqual(c.get_agent_success_rate("fixer"), 1.0)
            self.assertEqual(c.update()["events"], 0)

    def test_every_kind_is_answered_as_by_the_program(self):
        with self.collector() as c:
            for n in range(60):
                c.track_agent_execution("j", "fixer", "lint", n % 3 > 0, n / 60, 1, 1, 0, execution_time_ms=5.5)
                c.track_provider_selection("p", n % 4 > 0, n * 10.0, model="m")
            c.update()
            c.refresh = False
            kinds = re.findall(r"^  ([a-z-]+) ", self.program("help", "stats").split("Options:")[0], re.M)
            self.assertGreater(len(kinds), 20)
            for kind in kinds:
                self.assertEqual(printed(c.ask(kind)), json.loads(self.program("stats", kind, c.db_path, "--json")), kind)
            for metric in ("cost", "latency-p99", "availability"):
                shown = self.program("stats", "trend", c.db_path, "--metric", metric, "--by", "week", "--json")
                self.assertEqual(printed(c.ask("trend", metric=metric, weekly=True)), json.loads(shown), metric)
            self.assertEqual(len(c.ask("calibration-bins", bins=3)), 3)
            self.assertEqual({r["above_max_ece"] for r in c.ask("calibration", max_ece=1, min_count=1)}, {False})
            self.assertEqual(c.ask("known-environments"), [{"environment": c.environment or "production"}])
            for wrong in ({"kind": "nonsense"}, {"kind": "trend", "metric": "nonsense"}):
                with self.assertRaises(ValueError):
                    c.ask(**wrong)

    def test_a_database_that_is_not_there_under_any_name(self):
        for name in ("nowhere.db", b"/nowhere/\xff\xfe.db", "/nowhere/" + "é" * 300 + ".db"):
            with self.assertRaises(agentlog.Error) as caught:
                _aggregator.query(name, "summary")
            self.assertEqual(caught.exception.status, "ALOG_NOT_FOUND")

    def test_environments_keep_apart(self):
        with self.collector(environment="test") as c:
            c.track_agent_execution("j", "fixer", "lint", False, 0.5, 0, 0, 0)
        with self.collector() as c:
            c.track_agent_execution("j", "fixer", "lint", True, 0.5, 0, 0, 0)
            self.assertEqual(c.get_agent_success_rate("fixer"), 1.0)

    def test_queries_run_beside_each_other(self):
        with self.collector() as c:
            c.track_provider_selection("p", True, 5)
            c.update()
            c.refresh = False

            async def main():
                return await asyncio.gather(*(asyncio.to_thread(c.get_provider_availability, "p") for _ in range(8)))

            self.assertEqual(asyncio.run(main()), [1.0] * 8)


if __name__ == "__main__":
    unittest.main()
