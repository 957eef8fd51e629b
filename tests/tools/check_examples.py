#!/usr/bin/env python3
"""Each example logs what it says, every event with its job, and the program answers from it.

    check_examples.py AGENTLOG EXAMPLE_DIR SOURCE_DIR [PYTHON_PACKAGE_PARENT]

Without the last the example in Python is left out (a build without the package).
"""
import json
import os
import subprocess
import sys
import tempfile

AGENTLOG, EXAMPLE_DIR, SOURCE_DIR = sys.argv[1:4]
PACKAGE_PARENT = sys.argv[4] if len(sys.argv) > 4 else None


def run(*words, **environment):
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env={**os.environ, **environment})
    assert done.returncode == 0, (words, done.returncode, done.stderr)
    return done.stdout


def events_of(log):
    events = [json.loads(line) for line in run(AGENTLOG, "cat", log).splitlines()]
    return [event for event in events if not event["event"].startswith("writer_")]


def question(log, *words):
    db = f"{log}.db"
    run(AGENTLOG, "ingest", log, db)
    return json.loads(run(AGENTLOG, *[db if word == "DB" else word for word in words], "--json"))


def agent(log):
    run(f"{EXAMPLE_DIR}/agent", log)
    events = events_of(log)
    assert [event["event"] for event in events] == [
        "job_start", "strategy_decision", "provider_performance", "provider_performance", "agent_execution", "job_end"]
    assert {event["job_id"] for event in events} == {"job-1"}
    [day] = question(log, "summary", "DB")
    assert (day["total_jobs"], day["successful_jobs"], day["provider_calls"]) == (1, 1, 2), day
    assert day["provider_availability"] == 0.5, day


def agent_py(log):
    said = run(sys.executable, "-B", "-W", "error", f"{SOURCE_DIR}/tools/examples/agent.py", log, PYTHONPATH=PACKAGE_PARENT)
    assert said.count("fixed: issue") == 3, said
    jobs = {}
    for event in events_of(log):
        jobs.setdefault(event["job_id"], []).append(event["event"])
    story = ["job_start", "provider_performance", "provider_performance", "agent_execution", "job_end"]
    assert jobs == {f"job-{n}": story for n in (1, 2, 3)}, jobs
    first, second = question(log, "stats", "availability", "DB")
    assert (first["provider_id"], first["availability"], second["provider_id"], second["availability"]) == (
        "cloud-a", 0.0, "cloud-b", 1.0), (first, second)


def job_threads(log):
    run(f"{EXAMPLE_DIR}/job_threads", log)
    hooks = sorted((event["job_id"], event["hook_name"]) for event in events_of(log) if event["event"] == "hook_execution")
    assert hooks == [(job, hook) for job in ("job-1", "job-2") for hook in ("format", "lint", "type-check")], hooks
    [day] = question(log, "summary", "DB")
    assert (day["successful_jobs"], day["hook_runs"]) == (2, 6), day


def own_event(log):
    run(f"{EXAMPLE_DIR}/own_event", log)
    fields = ("event", "service", "seconds", "rolled_back", "region")
    found = [tuple(event[field] for field in fields) for event in events_of(log)]
    assert found == [("deploy", "web", 31.5, False, "eu-1"), ("deploy", "worker", 12.25, True, "eu-1")], found
    [day] = question(log, "summary", "DB")
    assert day["events"] == 2, day


def main():
    with tempfile.TemporaryDirectory() as folder:
        for example in (agent, job_threads, own_event) + ((agent_py,) if PACKAGE_PARENT else ()):
            example(f"{folder}/{example.__name__}")
            print(f"{example.__name__}: as it says")


main()
