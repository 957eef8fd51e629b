"""The oracle's part about single jobs: their facts, what was done in them, and their time line."""
import json
import random
import subprocess

from oracle_base import compare, fail, instant_ns, rate, same

FACTS = """COUNT(*) AS events, MIN(ts) AS first_seen, MAX(ts) AS last_seen, SUM(event = 'agent_execution') AS agent_executions,
 COALESCE(SUM(success) FILTER (WHERE event = 'agent_execution'), 0) AS agent_successes, SUM(event = 'provider_performance') AS provider_calls,
 COALESCE(SUM(success) FILTER (WHERE event = 'provider_performance'), 0) AS provider_successes,
 COALESCE(SUM(input_tokens) FILTER (WHERE event = 'provider_performance'), 0) AS input_tokens,
 COALESCE(SUM(output_tokens) FILTER (WHERE event = 'provider_performance'), 0) AS output_tokens,
 SUM(event = 'strategy_decision') AS decisions, SUM(event = 'orchestration_execution') AS orchestrations,
 COALESCE(SUM(iteration_count) FILTER (WHERE event = 'orchestration_execution'), 0) AS orchestration_iterations,
 COALESCE(SUM(total_execution_time_ms) FILTER (WHERE event = 'orchestration_execution'), 0.0) AS orchestration_time_ms,
 COALESCE(SUM(hooks_execution_time_ms) FILTER (WHERE event = 'orchestration_execution'), 0.0) AS hooks_time_ms, SUM(event = 'hook_execution') AS hook_runs,
 COALESCE(SUM(status = 'failed') FILTER (WHERE event = 'hook_execution'), 0) AS hook_failures,
 SUM(event = 'individual_test_execution') AS tests_run,
 SUM(event = 'individual_test_execution' AND status IN ('failed', 'error')) AS tests_failed, SUM(event = 'error') AS errors"""
# Groups of a job: name, event, keys, columns with the expressions that they are.
PARTS = (
    ("agents", "agent_execution", ("agent_name", "issue_type", "provider_id", "model"), {
        "attempts": "COUNT(*)", "successes": "SUM(success)", "confidence_avg": "AVG(confidence)",
        "total_execution_time_ms": "SUM(execution_time_ms)", "avg_execution_time_ms": "AVG(execution_time_ms)",
        "failed_time_ms": "CASE WHEN COUNT(execution_time_ms) > 0 THEN COALESCE(SUM(execution_time_ms) FILTER (WHERE NOT success), 0) END",
        "ended_well": "MAX(ts) FILTER (WHERE success) IS MAX(ts)", "fixes_applied": "SUM(COALESCE(fixes_applied, 0))"}),
    ("providers", "provider_performance", ("provider_id", "model", "agent_name"), {
        "calls": "COUNT(*)", "successes": "SUM(success)", "availability_failures": "SUM(COALESCE(failure_class = 'availability', 0))",
        "execution_failures": "SUM(COALESCE(failure_class = 'execution', 0))", "cancelled": "SUM(COALESCE(failure_class = 'cancelled', 0))",
        "avg_latency_ms": "AVG(latency_ms)", "total_latency_ms": "SUM(latency_ms)", "retries": "SUM(COALESCE(retry_count, 0))",
        "fallbacks": "SUM(COALESCE(fallback_from, '') <> '')", "input_tokens": "SUM(COALESCE(input_tokens, 0))",
        "output_tokens": "SUM(COALESCE(output_tokens, 0))", "cost_usd": "SUM(cost_usd)"}),
    ("strategies", "strategy_decision", ("strategy",), {
        "decisions": "COUNT(*)", "scores": "COUNT(effectiveness_score)", "avg_effectiveness": "AVG(effectiveness_score)"}),
    ("failed_tests", "individual_test_execution' AND status IN ('failed', 'error') AND '' = '", ("test_id",), {
        "failed": "SUM(status = 'failed')", "errors": "SUM(status = 'error')"}),
    ("errors", "error", ("error_type", "error_category"), {"errors": "COUNT(*)"}))


class Jobs:
    def check_jobs(self):
        if self.window:
            return
        jobs = [j for j, in self.rows("SELECT job_id FROM j ORDER BY 1")]
        for job in random.Random(7).sample(jobs, min(12, len(jobs))):
            self.compare_job(job)

    def compare_job(self, job):
        self.sql.executescript("DROP VIEW IF EXISTS of_job; CREATE VIEW of_job AS SELECT *, selected_strategy AS strategy FROM e"
                               f" WHERE environment = 'production' AND job_id = '{job}'")
        story = json.loads(subprocess.run([self.program, "job", self.db, job, "--environment", "production", "--json"],
                                          check=True, stdout=subprocess.PIPE).stdout)
        facts = self.named(f"SELECT {FACTS} FROM of_job")[0]
        facts |= self.named(f"SELECT date(day * 86400, 'unixepoch') AS day, status, start, \"end\", iterations,"
                            f" CASE WHEN \"end\" >= start THEN (\"end\" - start) / 1e6 END AS duration_ms FROM j WHERE job_id = '{job}'")[0]
        for name in ("agent", "provider"):
            n, s = (facts["agent_executions"], facts["agent_successes"]) if name == "agent" else (
                facts["provider_calls"], facts["provider_successes"])
            facts[f"{name}_success_rate"], facts[f"{name}_success_rate_low"], facts[f"{name}_success_rate_high"] = rate(s, n)
        told = dict(story["job"])
        for name in ("first_seen", "last_seen", "start", "end"):
            told[name] = instant_ns(told[name]) if told[name] else None
        for name, value in facts.items():
            if not same(told[name], value, 1e-7):
                fail(f"{name} of {job}", told[name], value)
        for part, event, keys, columns in PARTS:
            groups = self.groups(f"SELECT {', '.join(keys)}, {', '.join(columns.values())}, MIN(ts), MAX(ts) FROM of_job"
                                 f" WHERE event = '{event}' GROUP BY {', '.join(keys)}", len(keys))
            rows = [r | {"first_seen": instant_ns(r["first_seen"]), "last_seen": instant_ns(r["last_seen"])} for r in story[part]]
            compare(f"{part} of {job}", rows, keys, groups, (*columns, "first_seen", "last_seen"))
        self.compare_time_line(job, story["timeline"])

    def sample(self, where):
        """Message of the earliest; of equally early ones the least; a line of at most 500 bytes for ASCII."""
        return f"(SELECT substr(COALESCE(error_message, ''), 1, 500) FROM of_job AS x WHERE {where} ORDER BY ts, COALESCE(error_message, '') LIMIT 1)"

    def compare_time_line(self, job, actual):
        of_test = "x.event = 'individual_test_execution' AND x.status IN ('failed', 'error') AND x.test_id = g.test_id"
        of_error = "x.event = 'error' AND x.error_type = g.error_type AND COALESCE(x.error_category, '') = COALESCE(g.error_category, '')"
        expected = self.rows(
            "SELECT at, until, what, name, COALESCE(detail, ''), n, failures FROM ("
            " SELECT start AS at, start AS until, 0 AS place, 'start' AS what,"
            "  CASE ai WHEN 1 THEN 'with AI' WHEN 0 THEN 'without AI' END AS name, NULL AS detail, 1 AS n, 0 AS failures"
            f"  FROM j WHERE job_id = '{job}' AND start IS NOT NULL"
            " UNION ALL SELECT MIN(ts), MAX(ts), 1, 'strategy', strategy, NULL, COUNT(*), 0 FROM of_job"
            "  WHERE event = 'strategy_decision' GROUP BY strategy"
            " UNION ALL SELECT MIN(ts), MAX(ts), 2, 'agent', agent_name, issue_type, COUNT(*), SUM(NOT success) FROM of_job"
            "  WHERE event = 'agent_execution' GROUP BY agent_name, issue_type, provider_id, model"
            " UNION ALL SELECT MIN(ts), MAX(ts), 3, 'provider', provider_id, model, COUNT(*), SUM(NOT success) FROM of_job"
            "  WHERE event = 'provider_performance' GROUP BY provider_id, model, agent_name"
            f" UNION ALL SELECT MIN(ts), MAX(ts), 4, 'test', test_id, {self.sample(of_test)}, COUNT(*), COUNT(*) FROM of_job AS g"
            "  WHERE event = 'individual_test_execution' AND status IN ('failed', 'error') GROUP BY test_id"
            " UNION ALL SELECT MIN(ts), MAX(ts), 5, 'error', error_type || CASE COALESCE(error_category, '') WHEN '' THEN ''"
            f"  ELSE ' ' || error_category END, {self.sample(of_error)}, COUNT(*), COUNT(*) FROM of_job AS g"
            "  WHERE event = 'error' GROUP BY error_type, error_category"
            " UNION ALL SELECT \"end\", \"end\", 6, 'end', status, NULL, 1, status = 'failed' FROM j"
            f"  WHERE job_id = '{job}' AND \"end\" IS NOT NULL)")
        actual = [(instant_ns(r["at"]), instant_ns(r["until"]), r["what"], r["name"],
                   "" if r["what"] in ("start", "end") else r["detail"] or "", r["count"], r["failures"]) for r in actual]
        if [r[0] for r in actual] != sorted(r[0] for r in actual):
            fail(f"the order of the time line of {job}", actual, "")
        if sorted(map(str, actual)) != sorted(map(str, expected)):
            extra = sorted(set(map(str, actual)) - set(map(str, expected)))
            fail(f"time line of {job}", extra[:3], sorted(set(map(str, expected)) - set(map(str, actual)))[:3])
