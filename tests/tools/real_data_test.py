#!/usr/bin/env python3
"""The whole way of real events: NDJSON, log, segments, ingest, and every known truth out of the database.

    real_data_test.py AGENTLOG SOURCE_DIR

AGENTLOG is the program; the data is in $ALOG_SHARED_DATA or SOURCE_DIR/../shared/data. Without it the test is skipped
(exit 77), or, when CI is set, fails. The data's own to_events.py makes the events and, apart from us, the truths.
"""
import datetime
import decimal
import json
import math
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from canonical_dump import difference, dump, open_read

EVENTS, DAYS, JOBS = 116229, 161, 1131
SKETCH_ERROR = 0.011  # relative; the sketch promises 1.09 %
OWN = "('writer_stats', 'writer_loss')"
CHUNK_LINES = 12000
SEEDS = (1, 2, 3)


class Failure(Exception):
    pass


def expect(what, actual, expected):
    if actual != expected:
        raise Failure(f"{what}: {actual!r}, expected {expected!r}")


def expect_near(what, actual, expected):
    if actual is None or not abs(actual - expected) <= SKETCH_ERROR * expected:
        raise Failure(f"{what}: {actual!r} is not within {SKETCH_ERROR:.1%} of {expected!r}")


def expect_same_dump(what, a, b):
    if a != b:
        raise Failure(f"{what}: the databases differ:\n  {difference(a, b)}")


# ---- The program


class Agentlog:
    def __init__(self, program):
        self.program = program

    def __call__(self, *arguments, **options):
        done = subprocess.run([self.program, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              **options)
        if done.returncode != 0:
            raise Failure(f"agentlog {' '.join(map(str, arguments))} exits with {done.returncode}:\n"
                          f"{done.stderr.decode(errors='replace')}")
        return done.stdout

    def json(self, *arguments):
        return json.loads(self(*arguments, "--json"))

    def dump_after(self, command, log, db, *arguments):
        self(command, log, db, *arguments)
        return dump(db)


# ---- The sketch's bytes, read without its code


def varints(data):
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield value
            value = shift = 0


def merge_sketches(blobs):
    """{bucket: count}; zeros are bucket None."""
    merged = {}
    for blob in blobs:
        if blob:
            expect("a sketch's version", blob[0], 1)
            numbers = list(varints(blob[1:]))
            merged[None] = merged.get(None, 0) + numbers[0]
            bucket = 0
            for step, count in zip(numbers[1::2], numbers[2::2]):
                bucket += step
                merged[bucket] = merged.get(bucket, 0) + count
    return merged


def sketch_quantile_ms(merged, q):
    """Nearest rank; the middle of the bucket (2^((b-1)/32), 2^(b/32)] in microseconds."""
    rank = max(1, math.ceil(q * sum(merged.values())))
    for bucket in sorted(merged, key=lambda b: -1 if b is None else b):
        rank -= merged[bucket]
        if rank <= 0:
            return 0.0 if bucket is None else 2 ** ((bucket - 0.5) / 32) / 1000
    return None


# ---- Every truth, against the database


def or_none(text):
    return text or "None"  # how the truths spell an absent dimension


DAY_FIGURES = ("events", "agent_executions", "agent_successes", "provider_calls", "provider_successes", "input_tokens",
               "output_tokens", "cost_nusd", "total_jobs", "successful_jobs", "failed_jobs", "total_ai_fixes",
               "ended_jobs", "job_duration_us_sum")


def check_totals(db, truth):
    one = lambda sql: db.execute(sql).fetchone()[0]
    expect("events", one(f"SELECT SUM(events) FROM rollup_events WHERE event NOT IN {OWN}"), EVENTS)
    expect("events by source", sum(truth["events_by_source"].values()), EVENTS)
    expect("events of the ledger", one("SELECT SUM(events) FROM segments"), one("SELECT SUM(events) FROM rollup_events"))
    expect("days", one("SELECT COUNT(*) FROM daily_summary"), DAYS)
    expect("jobs", one("SELECT COUNT(*) FROM jobs"), JOBS)
    expect("jobs, as the truths say", truth["jobs"], JOBS)
    expect("events lost", one("SELECT SUM(events_lost) FROM daily_summary"), 0)
    expect("dirty days", one("SELECT COUNT(*) FROM dirty_days"), 0)
    by_type = dict(db.execute("SELECT event, SUM(events) FROM daily_events GROUP BY event"))
    expect("events by type", by_type, truth["events_by_type"])


def check_days(db, truth):
    days = {}
    for row in db.execute(f"SELECT day, {', '.join(DAY_FIGURES)} FROM daily_summary WHERE environment = 'production'"):
        days[row[0]] = dict(zip(DAY_FIGURES, row[1:]), by_event={})
    for day, event, events in db.execute("SELECT day, event, events FROM daily_events"):
        days[day]["by_event"][event] = events
    expect("the days", sorted(days), sorted(truth["days"]))
    for day, figures in truth["days"].items():
        for name in (*DAY_FIGURES, "by_event"):
            expect(f"{name} of {day}", days[day][name], figures.get(name) or 0)


def check_dimensions(db, truth):
    agents = {f"{a} | {or_none(i)}": [n, s] for a, i, n, s in db.execute(
        "SELECT agent_name, issue_type, SUM(executions), SUM(successes) FROM daily_agents GROUP BY 1, 2")}
    expect("agents by issue type", agents, truth["agent_issue"])
    names = ("n", "successes", "availability_failures", "execution_failures", "input_tokens", "output_tokens", "cost_nusd")
    models = {f"{row[0]} | {or_none(row[1])}": dict(zip(names, row[2:])) for row in db.execute(
        "SELECT provider_id, model, SUM(calls), SUM(successes), SUM(availability_failures), SUM(execution_failures),"
        " SUM(input_tokens), SUM(output_tokens), SUM(cost_nusd) FROM daily_providers GROUP BY 1, 2")}
    expect("providers by model", models,
           {key: {name: value or 0 for name, value in row.items()} for key, row in truth["provider_model"].items()})
    hooks = {}
    for hook, successes, failures, skips in db.execute(
            "SELECT hook_name, SUM(successes), SUM(failures), SUM(skips) FROM daily_hooks GROUP BY 1"):
        for status, count in (("success", successes), ("failed", failures), ("skipped", skips)):
            if count:
                hooks[f"{hook} | {status}"] = count
    expect("hooks by status", hooks, truth["hooks"])
    tests = db.execute("SELECT SUM(errors), SUM(failed), SUM(passed), SUM(skipped) FROM daily_tests").fetchone()
    expect("tests by status", dict(zip(("error", "failed", "passed", "skipped"), tests)), truth["tests"])
    errors = {f"{t} | {c}": n for t, c, n in db.execute(
        "SELECT error_type, error_category, SUM(errors) FROM daily_errors GROUP BY 1, 2")}
    expect("errors by category", errors, truth["errors"])


def check_latencies(db, truth):
    for key, latency in truth["latency_ms"].items():
        provider, outcome = key.split(" | ")
        merged = merge_sketches(row[0] for row in db.execute(
            f"SELECT {outcome}_latency_hist FROM rollup_providers WHERE provider_id = ?", (provider,)))
        expect(f"latencies of {key}", sum(merged.values()), latency["n"])
        for q in (50, 90, 95, 99):
            expect_near(f"p{q} of {key}", sketch_quantile_ms(merged, q / 100), latency[f"p{q}"])


def check_database(path, truth):
    db = open_read(path)
    for check in (check_totals, check_days, check_dimensions, check_latencies):
        check(db, truth)
    db.close()


# The daily tables' percentiles: event, its dimensions, its time, whether it must have succeeded, and where they are.
PERCENTILES = (
    ("provider_performance", ("provider_id", "model"), "latency_ms", True, "daily_providers", "latency", (50, 90, 95, 99)),
    ("provider_performance", (), "latency_ms", True, "daily_summary", "provider", (50, 90, 95, 99)),
    ("agent_execution", ("agent_name", "issue_type"), "execution_time_ms", False, "daily_agents", "execution_time", (50, 95)),
    ("hook_execution", ("hook_name", "hook_type"), "execution_time_ms", False, "daily_hooks", "execution_time", (50, 95)),
)


def check_daily_percentiles(path, sources):
    """Each day's, against the nearest rank among its events; where no event has a time, NULL."""
    db = open_read(path)
    for event, dimensions, time_field, successes_only, table, prefix, percents in PERCENTILES:
        times = {}
        for e in (e for events in sources.values() for e in events if e["event"] == event):
            key = (e["timestamp"][:10], *(e.get(d, "") for d in dimensions))  # every source writes UTC
            values = times.setdefault(key, [])
            if time_field in e and (e.get("success", True) or not successes_only):
                values.append(e[time_field])
        columns = ", ".join(("day", *dimensions, *(f"{prefix}_p{p}_ms" for p in percents)))
        for row in db.execute(f"SELECT {columns} FROM {table}"):
            values = sorted(times.get(row[:1 + len(dimensions)], []))
            for percent, actual in zip(percents, row[1 + len(dimensions):]):
                what = f"p{percent} of {event} {row[:1 + len(dimensions)]}"
                if values:
                    expect_near(what, actual, values[max(0, math.ceil(percent * len(values) / 100) - 1)])
                else:
                    expect(what, actual, None)
    db.close()


# ---- The same through the command line


def nano(usd):
    return int((decimal.Decimal(repr(usd)) * 10**9).to_integral_value(rounding=decimal.ROUND_HALF_EVEN))


def check_command_line(agentlog, db, truth):
    days = agentlog.json("summary", db)
    expect("days of summary", len(days), DAYS)
    for row in days:
        for name in set(DAY_FIGURES) & set(row):
            expect(f"{name} of {row['day']}, by summary", row[name], truth["days"][row["day"]].get(name) or 0)
        cost = row["cost_usd"]
        expect(f"cost of {row['day']}", None if cost is None else nano(cost), truth["days"][row["day"]].get("cost_nusd"))
    rates = {f"{r['agent_name']} | {or_none(r['issue_type'])}": [r["executions"], r["successes"]]
             for r in agentlog.json("stats", "success-rate", db)}
    expect("stats success-rate", rates, truth["agent_issue"])
    for row in agentlog.json("stats", "availability", db):
        known = truth["provider_model"][f"{row['provider_id']} | {or_none(row['model'])}"]
        expect("calls", row["calls"], known["n"])
        rate = (known["n"] - known["availability_failures"]) / known["n"]
        expect("availability", math.isclose(row["availability"], rate, rel_tol=1e-12), True)
        if not row["availability_low"] <= row["availability"] <= row["availability_high"]:
            raise Failure(f"the interval is not around the rate: {row}")
    for row in agentlog.json("stats", "providers", db):
        latency = truth["latency_ms"].get(f"{row['provider_id']} | success")
        for q in (50, 90, 95, 99):
            if latency:
                expect_near(f"p{q} of {row['provider_id']}", row[f"latency_p{q}_ms"], latency[f"p{q}"])
            else:
                expect(f"p{q} of {row['provider_id']}", row[f"latency_p{q}_ms"], None)
    errors = {f"{r['error_type']} | {r['error_category']}": r["errors"] for r in agentlog.json("stats", "errors", db)}
    expect("stats errors", errors, truth["errors"])
    tests = agentlog.json("stats", "tests", db)
    expect("stats tests", [sum(r[k] for r in tests) for k in ("errors", "failed", "passed", "skipped")],
           [truth["tests"][k] for k in ("error", "failed", "passed", "skipped")])


def check_jobs(agentlog, db, sources):
    """A few jobs' stories, added up from the events here."""
    facts = {}
    for e in (e for events in sources.values() for e in events if "job_id" in e):
        job = facts.setdefault(e["job_id"], {"events": 0, "provider_calls": 0, "input_tokens": 0, "cost_nusd": 0, "errors": 0,
                                             "hook_runs": 0, "agent_successes": 0, "status": None})
        job["events"] += 1
        job["provider_calls"] += e["event"] == "provider_performance"
        job["input_tokens"] += e.get("input_tokens", 0)
        job["cost_nusd"] += nano(e["cost_usd"]) if "cost_usd" in e else 0
        job["errors"] += e["event"] == "error"
        job["hook_runs"] += e["event"] == "hook_execution"
        job["agent_successes"] += e["event"] == "agent_execution" and e["success"]
        if e["event"] == "job_end":
            job["status"] = e["status"]
    expect("jobs of the sources", len(facts), JOBS)
    for job_id in random.Random(0).sample(sorted(facts), 12):
        story = agentlog.json("job", db, job_id)
        job = story["job"]
        job["cost_nusd"] = nano(job["cost_usd"] or 0)
        for name, value in facts[job_id].items():
            expect(f"{name} of {job_id}", job[name], value)
        expect(f"provider calls of {job_id}", sum(p["calls"] for p in story["providers"]), facts[job_id]["provider_calls"])


# ---- Every event comes back


def instant_ns(text):
    match = re.fullmatch(r"(.*?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", text)
    whole = datetime.datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00"))
    return int(whole.timestamp()) * 10**9 + int((match[2] or "0").ljust(9, "0"))


def equal(a, b):
    """JSON equality: 1 is 1.0, but not true."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(equal, a, b))
    return a == b and isinstance(a, bool) == isinstance(b, bool) and isinstance(a, str) == isinstance(b, str)


def check_cat(agentlog, log, sources):
    """In the order logged, which is the sources' one after the other."""
    back = [json.loads(line) for line in agentlog("cat", log).splitlines()]
    given = [e for events in sources.values() for e in events]
    expect("lines of cat", len(back), len(given))
    for number, (a, b) in enumerate(zip(given, back), 1):
        a, b = dict(a), dict(b)
        for added in ("event_id", "environment"):
            if added not in a:
                expect(f"event {number} has {added}", bool(b.pop(added, None)), True)
        a["timestamp"], b["timestamp"] = instant_ns(a["timestamp"]), instant_ns(b["timestamp"])
        if not equal(a, b):
            raise Failure(f"event {number} comes back changed:\n  {a}\n  {b}")


# ---- Any order, any number of steps


def check_archive(agentlog, work, log, expected):
    """A copy of the log, archived: the same events and the same database; redacted, no text of theirs is left."""
    copy, archive, db = f"{work}/copy", f"{work}/archive", f"{work}/archive.db"
    shutil.copytree(log, copy)
    agentlog("archive", copy, "--to", archive, "--older-than", "2100-01-01", "--level", 3)
    expect("segments left in the log", segments_of(copy), [])
    agentlog("verify", archive)
    expect("the events of the archive", agentlog("cat", archive, "--all"), agentlog("cat", log, "--all"))
    expect_same_dump("out of the archive", agentlog.dump_after("rebuild", archive, db), expected)
    expect_same_dump("a day of it", agentlog.dump_after("rebuild", archive, db, "--day", "2024-04-04"), expected)
    expect_same_dump("met again in the log", agentlog.dump_after("ingest", log, db), expected)
    shutil.copytree(log, f"{work}/copy2")
    report = agentlog.json("archive", f"{work}/copy2", "--to", f"{work}/redacted", "--older-than", "2100-01-01",
                           "--level", 1, "--redact", "error_message,error_traceback")
    if report["values_redacted"] == 0:
        raise Failure("nothing was redacted")
    for line in agentlog("cat", f"{work}/redacted").splitlines():
        event = json.loads(line)
        if event.get("error_message", "[redacted]") != "[redacted]" or "error_traceback" in event:
            raise Failure(f"not redacted: {event}")


def log_in_chunks(agentlog, files, log):
    """Each chunk is logged by a process of its own, so each becomes a segment (or more)."""
    for path in files:
        with open(path, "rb") as f:
            lines = f.readlines()
        for i in range(0, len(lines), CHUNK_LINES):
            agentlog("log", log, input=b"".join(lines[i:i + CHUNK_LINES]))


def segments_of(log):
    return sorted(os.path.relpath(os.path.join(folder, name), log) for folder, _, names in os.walk(log)
                  for name in names if name.endswith(".msgpack.zst"))


def check_orders(agentlog, work, log, expected):
    """Segments come one at a time, in any order, into a log that is ingested each time."""
    names = segments_of(log)
    if len(names) < 8:
        raise Failure(f"{len(names)} segments are too few to shuffle")
    for seed in SEEDS:
        random.Random(seed).shuffle(names)
        growing, db = f"{work}/growing{seed}", f"{work}/growing{seed}.db"
        for name in names:
            os.makedirs(os.path.dirname(f"{growing}/{name}"), exist_ok=True)
            shutil.copy(f"{log}/{name}", f"{growing}/{name}")
            agentlog("ingest", growing, db, "--jobs", 1 + seed % 3)
        expect_same_dump(f"one by one, seed {seed}", dump(db), expected)


def check_while_writing(agentlog, work, files):
    """A writer writes while the ingest runs again and again; then both are done, and nothing is twice or missing."""
    log, db = f"{work}/live", f"{work}/live.db"
    # Interactively fed, so that the ingests fall between its events.
    writer = subprocess.Popen([agentlog.program, "log", log], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    seen = []
    try:
        for path in files:
            with open(path, "rb") as f:
                lines = f.readlines()
            for i in range(0, len(lines), CHUNK_LINES):
                writer.stdin.write(b"".join(lines[i:i + CHUNK_LINES]))
                writer.stdin.flush()
                while not os.path.isdir(log):
                    time.sleep(0.01)
                agentlog("ingest", log, db)
                seen.append(events_of(db))
        writer.stdin.close()
        messages = writer.stderr.read().decode(errors="replace")
        expect(f"the writer's exit code ({messages})", writer.wait(), 0)
    finally:
        writer.kill()
        writer.wait()
    if seen != sorted(seen):
        raise Failure(f"events went away again: {seen}")
    live = agentlog.dump_after("ingest", log, db)
    expect("events at last", events_of(db), EVENTS)
    expect_same_dump("while it was written", live, agentlog.dump_after("rebuild", log, f"{work}/live-again.db"))
    return f"{len(set(seen))} different states seen on the way"


def events_of(path):
    db = open_read(path)
    in_rollups, = db.execute("SELECT COALESCE(SUM(events), 0) FROM rollup_events").fetchone()
    in_ledger, = db.execute("SELECT COALESCE(SUM(events), 0) FROM segments").fetchone()
    expect("events of rollups and ledger", in_rollups, in_ledger)
    events, = db.execute(f"SELECT COALESCE(SUM(events), 0) FROM rollup_events WHERE event NOT IN {OWN}").fetchone()
    db.close()
    return events


# ---- All of it


def run(agentlog, data, work):
    def step(name, result=None):
        print(f"ok  {time.monotonic() - begun:6.1f} s  {name}{f': {result}' if result else ''}", flush=True)

    begun = time.monotonic()
    subprocess.run([sys.executable, "-B", f"{data}/to_events.py", f"{work}/events"], check=True, stdout=subprocess.DEVNULL)
    with open(f"{work}/events/expected_events.json", encoding="utf-8") as f:
        truth = json.load(f)
    files = sorted(f"{work}/events/{name}" for name in os.listdir(f"{work}/events") if name.endswith(".ndjson"))
    sources = {}
    for path in files:
        with open(path, encoding="utf-8") as f:
            sources[path] = [json.loads(line) for line in f]
    step("the events are made")

    log, db = f"{work}/log", f"{work}/a.db"
    agentlog("log", log, *files)
    first = agentlog.dump_after("ingest", log, db)
    check_database(db, truth)
    check_daily_percentiles(db, sources)
    step("every truth is in the database")
    check_command_line(agentlog, db, truth)
    check_jobs(agentlog, db, sources)
    step("and comes out of the commands")
    check_cat(agentlog, log, sources)
    step("every event comes back")

    expect_same_dump("a second ingest", agentlog.dump_after("ingest", log, db), first)
    expect_same_dump("a rebuild elsewhere", agentlog.dump_after("rebuild", log, f"{work}/b.db"), first)
    expect_same_dump("a rebuild in place", agentlog.dump_after("rebuild", log, db), first)
    expect_same_dump("a rebuild of a day", agentlog.dump_after("rebuild", log, db, "--day", "2024-04-04"), first)
    step("ingest again and rebuild change nothing")

    check_archive(agentlog, work, log, first)
    step("the archive gives the same database")

    log_in_chunks(agentlog, files, f"{work}/chunks")
    chunks = agentlog.dump_after("ingest", f"{work}/chunks", f"{work}/chunks.db")
    # Segments, writers and so event ids are others; what was logged is the same.
    expect_same_dump("logged in pieces", dump(f"{work}/chunks.db", events_alone=True), dump(db, events_alone=True))
    expect_same_dump("a rebuild of pieces", agentlog.dump_after("rebuild", f"{work}/chunks", f"{work}/c.db"), chunks)
    check_orders(agentlog, work, f"{work}/chunks", chunks)
    step("any order and number of ingests", f"{len(segments_of(f'{work}/chunks'))} segments")
    states = check_while_writing(agentlog, work, files)
    expect_same_dump("logged live", dump(f"{work}/live.db", events_alone=True), dump(db, events_alone=True))
    step("ingest while the log is written", states)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    data = os.environ.get("ALOG_SHARED_DATA") or os.path.join(sys.argv[2], "..", "shared", "data")
    if not os.path.isfile(os.path.join(data, "to_events.py")):
        print(f"{'FAILED' if os.environ.get('CI') else 'SKIPPED'}: the real data is not in {data}"
              " (ALOG_SHARED_DATA may name its place)")
        return 1 if os.environ.get("CI") else 77
    with tempfile.TemporaryDirectory(prefix="agentlog-real-data-") as work:
        try:
            run(Agentlog(os.path.abspath(sys.argv[1])), os.path.abspath(data), work)
        except Failure as failure:
            print(f"FAILED  {failure}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
