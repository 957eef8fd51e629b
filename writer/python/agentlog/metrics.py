"""MetricsCollector: the methods of a collector that keeps its metrics in SQLite by hand, over an event log.

    collector = MetricsCollector("/var/log/agents")
    collector.start_job("job-1", ai_agent=True)
    collector.track_agent_execution("job-1", "fixer", "lint", True, 0.9, 2, 1, 0, execution_time_ms=812)
    collector.end_job("job-1", "success")
    collector.get_agent_success_rate("fixer")        # after `agentlog ingest`, or with refresh=True

Recording never waits and never raises (unless the collector was made with strict=True). The queries answer from the
aggregated database, and differ from a SELECT over rows in this: no data is None, never 0.0; `hours` are whole hours,
from the one that holds the moment so many hours ago; a latency limit that the ingest keeps no exact count for is within
1.1 % (its thresholds are exact: `agentlog help ingest`).
"""
from __future__ import annotations

import os
import time
from types import TracebackType
from typing import Any

from . import Writer, _aggregator

_HOUR_NS = 3600 * 10**9


class MetricsCollector:
    """Records into `log_dir`, answers from `db_path` (by default LOG_DIR/metrics.db).

    With `refresh`, each query first brings the database up to date; without it, whoever runs `agentlog ingest` or
    `agentlog nightly` does.
    """

    def __init__(self, log_dir: str | os.PathLike[str], db_path: str | os.PathLike[str] | None = None, *,
                 environment: str | None = None, refresh: bool = True, **writer_options: Any) -> None:
        self.log_dir = os.fspath(log_dir)
        self.db_path = os.fspath(db_path) if db_path is not None else os.path.join(self.log_dir, "metrics.db")
        self.environment = environment
        self.refresh = refresh
        self.log = Writer(self.log_dir, environment=environment, **writer_options)

    def __enter__(self) -> MetricsCollector:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.log.close()

    # ---- Recording -----------------------------------------------------------------------------------------------

    def start_job(self, job_id: str, ai_agent: bool = False, metadata: Any = None) -> bool:
        return self.log.job_start(job_id=job_id, ai_agent=ai_agent, metadata=metadata)

    def end_job(self, job_id: str, status: str, iterations: int = 0, error_message: str | None = None) -> bool:
        return self.log.job_end(job_id=job_id, status=status, iterations=iterations, error_message=error_message)

    def record_error(self, job_id: str, error_type: str, error_category: str, error_message: str,
                     file_path: str | None = None, line_number: int | None = None) -> bool:
        return self.log.error(job_id=job_id, error_type=error_type, error_category=error_category,
                              error_message=error_message, file_path=file_path, line_number=line_number)

    def record_hook_execution(self, job_id: str, hook_name: str, hook_type: str, execution_time_ms: float,
                              status: str) -> bool:
        return self.log.hook_execution(job_id=job_id, hook_name=hook_name, hook_type=hook_type,
                                       execution_time_ms=execution_time_ms, status=status)

    def record_test_execution(self, job_id: str, total_tests: int, passed: int, failed: int, skipped: int,
                              execution_time_ms: float, coverage_percent: float | None = None) -> bool:
        return self.log.test_execution(job_id=job_id, total_tests=total_tests, passed=passed, failed=failed,
                                       skipped=skipped, execution_time_ms=execution_time_ms,
                                       coverage_percent=coverage_percent)

    def record_orchestration_execution(self, job_id: str, execution_strategy: str, progress_level: str, ai_mode: str,
                                       iteration_count: int, strategy_switches: int, correlation_insights: Any,
                                       total_execution_time_ms: float, hooks_execution_time_ms: float,
                                       tests_execution_time_ms: float, ai_analysis_time_ms: float) -> bool:
        return self.log.orchestration_execution(
            job_id=job_id, execution_strategy=execution_strategy, progress_level=progress_level, ai_mode=ai_mode,
            iteration_count=iteration_count, strategy_switches=strategy_switches,
            correlation_insights=correlation_insights, total_execution_time_ms=total_execution_time_ms,
            hooks_execution_time_ms=hooks_execution_time_ms, tests_execution_time_ms=tests_execution_time_ms,
            ai_analysis_time_ms=ai_analysis_time_ms)

    def record_strategy_decision(self, job_id: str, iteration: int, previous_strategy: str | None,
                                 selected_strategy: str, decision_reason: str | None, context_data: Any,
                                 effectiveness_score: float | None = None) -> bool:
        return self.log.strategy_decision(
            job_id=job_id, iteration=iteration, previous_strategy=previous_strategy,
            selected_strategy=selected_strategy, decision_reason=decision_reason, context_data=context_data,
            effectiveness_score=effectiveness_score)

    def record_individual_test(self, job_id: str, test_id: str, test_file: str | None, test_class: str | None,
                               test_method: str | None, status: str, execution_time_ms: float,
                               error_message: str | None = None, error_traceback: str | None = None) -> bool:
        return self.log.individual_test_execution(
            job_id=job_id, test_id=test_id, test_file=test_file, test_class=test_class, test_method=test_method,
            status=status, execution_time_ms=execution_time_ms, error_message=error_message,
            error_traceback=error_traceback)

    def track_agent_execution(self, job_id: str, agent_name: str, issue_type: str, success: bool,
                              confidence: float | None, fixes_applied: int, files_modified: int,
                              remaining_issues: int, execution_time_ms: float | None = None, **more: Any) -> bool:
        return self.log.agent_execution(
            job_id=job_id, agent_name=agent_name, issue_type=issue_type, success=success, confidence=confidence,
            fixes_applied=fixes_applied, files_modified=files_modified, remaining_issues=remaining_issues,
            execution_time_ms=execution_time_ms, **more)

    def track_provider_selection(self, provider_id: str, success: bool, latency_ms: float | None = None,
                                 error: str | BaseException | None = None, **more: Any) -> bool:
        """`error` is a message or an exception; a failure without a failure_class is taken for one of availability."""
        if error is not None:
            more.setdefault("error_message", str(error))
            if isinstance(error, BaseException):
                more.setdefault("error_type", type(error).__name__)
        if not success:
            more.setdefault("failure_class", "availability")
        return self.log.provider_performance(provider_id=provider_id, success=success, latency_ms=latency_ms, **more)

    # ---- Asking --------------------------------------------------------------------------------------------------

    def update(self) -> dict[str, int]:
        """Bring the database up to date with the log; what was done, as a dictionary."""
        if not self.log.closed:
            self.log.flush()
        return _aggregator.ingest(self.log_dir, self.db_path)

    def ask(self, kind: str, hours: float | None = None, **filters: Any) -> list[dict[str, Any]]:
        """The rows of one question (`summary`, a kind of `agentlog help stats`, `job`, `job-errors`, …), as the program's
        --json has them. Filters: agent_name, issue_type, provider_id, model, job_id, min_count, metric, weekly, bins, …
        Times are nanoseconds since 1970."""
        if self.refresh:
            self.update()
        since = None if hours is None else time.time_ns() - round(hours * _HOUR_NS)
        return _aggregator.query(self.db_path, kind, since_ns=since, environment=self.environment, **filters)

    def get_agent_success_rate(self, agent_name: str, issue_type: str | None = None,
                               hours: float | None = None) -> float | None:
        """Successes / executions, 0..1; None without any."""
        rows = self.ask("success-rate", hours, agent_name=agent_name, issue_type=issue_type)
        executions = sum(row["executions"] for row in rows)
        return sum(row["successes"] for row in rows) / executions if executions else None

    def get_provider_availability(self, provider_id: str, hours: float = 24,
                                  max_latency_ms: float | None = None) -> float | None:
        """Calls that got to run (and, with `max_latency_ms`, were fast enough) / calls not cancelled; None without any."""
        rows = self.ask("availability", hours, provider_id=provider_id, max_latency_ms=max_latency_ms)
        if max_latency_ms is None:
            calls = sum(row["not_cancelled"] for row in rows)
            good = calls - sum(row["availability_failures"] for row in rows)
        else:
            calls = sum(row["fast_enough_count"] or 0 for row in rows)
            good = sum(row["fast_enough"] or 0 for row in rows)
        return good / calls if calls else None

    def get_agent_confidence_distribution(self, agent_name: str) -> dict[str, int]:
        """How many executions were low (below 0.5), medium (below 0.8) and high in confidence."""
        names = {0.0: "low", 0.5: "medium", 0.8: "high"}
        distribution = dict.fromkeys(names.values(), 0)
        for row in self.ask("confidence", agent_name=agent_name):
            distribution[names[row["confidence_from"]]] += row["executions"]
        return distribution

    def get_agent_confidence_accuracy(self, agent_name: str, hours: float | None = None) -> dict[str, Any] | None:
        """Whether the agent is as sure as it may be: a dictionary with n, mean confidence, success rate, Brier score and
        expected calibration error; None without any execution that had a confidence."""
        rows = [row for row in self.ask("calibration", hours, agent_name=agent_name)
                if row["agent_name"] == agent_name and row["executions"]]
        return rows[0] if rows else None

    def get_orchestration_stats(self) -> dict[str, Any]:
        """Strategies, which is used most and which works best, and where the time went."""
        strategies = self.ask("orchestration")
        best = {name: next((row["strategy"] for row in strategies if row[name]), None)
                for name in ("most_used", "most_effective")}
        return {"strategies": strategies, "most_used_strategy": best["most_used"],
                "most_effective_strategy": best["most_effective"], "time": self.ask("orchestration-time"),
                "problem_hooks": self.ask("problem-hooks")}

    def get_all_time_stats(self) -> dict[str, Any]:
        """Everything so far: jobs, AI share, iterations, errors, calls, tokens, cost; and the errors by type."""
        rows = self.ask("all-time")
        return {**(rows[0] if rows else {}), "errors": self.ask("errors")}

    def cleanup_old_metrics(self, retention_days: int = 90) -> dict[str, int]:
        """Delete rows of single jobs that are older; daily summaries stay. Deleted rows by table."""
        if self.refresh:
            self.update()
        return _aggregator.prune(self.db_path, retention_days)
