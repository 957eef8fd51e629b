"""MetricsCollector: what is recorded through it is what its queries answer."""
import asyncio
import os
import unittest

import agentlog
from python_case import LogCase


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
