"""What a program's type checker sees; never run. A line that ignores an error must have that error."""
from __future__ import annotations

import datetime

import agentlog

log = agentlog.Writer("/var/log/agents", environment="test", full_wait_ns=1000)


@log.tracked_agent("fixer", issue_type="lint", describe=lambda result: {"confidence": 0.5})
def fix(issue: int) -> str:
    return str(issue)


@agentlog.tracked_provider(log, "cloud-a", model="large-2")
async def complete(prompt: str) -> bytes:
    return prompt.encode()


async def work(collector: agentlog.MetricsCollector) -> float | None:
    async with log.job("job-1", metadata={"a": 1}) as job:
        stored: bool = log.agent_execution(agent_name=fix(1), success=True, extra=1)
        log.error(error_type="hook", timestamp=datetime.datetime.now(), attributes={"answer": await complete("…")})
        log.define("deploy", {"service": str, "seconds": "float"}, required=["service"])(service="web", seconds=stored)
        job.fail("no luck")
    agentlog.ThreadPoolExecutor(2).submit(fix, 2).result().upper()
    collector.start_job(job.id, ai_agent=True)
    log.agent_execution(agent_name="fixer")  # type: ignore[call-arg]
    log.agent_execution(agent_name=5, success=True)  # type: ignore[arg-type]
    fix("text")  # type: ignore[arg-type]
    (await complete("…")).encode()  # type: ignore[attr-defined]
    collector.end_job("job-1")  # type: ignore[call-arg]
    return collector.get_agent_success_rate("fixer", hours=24)
