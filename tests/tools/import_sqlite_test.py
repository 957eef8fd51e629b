#!/usr/bin/env python3
"""`agentlog import sqlite`, against plain SQL over the source.

    import_sqlite_test.py AGENTLOG SOURCE_DIR

Databases of the older kind are made here. What stats, summary and job say after an import is what SQL says of the source;
the same again adds nothing; an import that is killed at random moments (in $ALOG_IMPORT_KILLS rounds, default 3) and run again
leaves each event once, in the log and in the database. Real events, where $ALOG_SHARED_DATA or SOURCE_DIR/../shared/data is, are
put into such a database as well: out of it, the aggregated database is that of the events logged at once.
"""
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from canonical_dump import difference, dump

KILLS = int(os.environ.get("ALOG_IMPORT_KILLS", "3"))
DAMAGES = int(os.environ.get("ALOG_IMPORT_DAMAGES", "20"))
REAL_LINES = 8000  # of each source
JOBS = 300

SCHEMA = """
CREATE TABLE jobs (job_id TEXT PRIMARY KEY, start_time TIMESTAMP NOT NULL, end_time TIMESTAMP, status TEXT NOT NULL,
    iterations INTEGER DEFAULT 0, ai_agent BOOLEAN DEFAULT 0, error_message TEXT, metadata TEXT);
CREATE TABLE errors (id INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT, timestamp TIMESTAMP NOT NULL, error_type TEXT,
    error_category TEXT, error_message TEXT, file_path TEXT, line_number INTEGER);
CREATE TABLE hook_executions (id INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT, timestamp TIMESTAMP NOT NULL, hook_name TEXT,
    hook_type TEXT, execution_time_ms INTEGER, status TEXT);
CREATE TABLE test_executions (id INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT, timestamp TIMESTAMP NOT NULL,
    total_tests INTEGER, passed INTEGER, failed INTEGER, skipped INTEGER, execution_time_ms INTEGER, coverage_percent REAL);
CREATE TABLE individual_test_executions (id INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT, timestamp TIMESTAMP NOT NULL,
    test_id TEXT NOT NULL, test_file TEXT, test_class TEXT, test_method TEXT, status TEXT, execution_time_ms INTEGER,
    error_message TEXT, error_traceback TEXT);
CREATE TABLE orchestration_executions (id INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT, timestamp TIMESTAMP NOT NULL,
    execution_strategy TEXT, progress_level TEXT, ai_mode TEXT, iteration_count INTEGER, strategy_switches INTEGER,
    correlation_insights TEXT, total_execution_time_ms INTEGER, hooks_execution_time_ms INTEGER,
    tests_execution_time_ms INTEGER, ai_analysis_time_ms INTEGER);
CREATE TABLE strategy_decisions (id INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT, iteration INTEGER,
    timestamp TIMESTAMP NOT NULL, previous_strategy TEXT, selected_strategy TEXT, decision_reason TEXT, context_data TEXT,
    effectiveness_score REAL);
CREATE TABLE agent_executions (id INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT, timestamp TIMESTAMP NOT NULL, agent_name TEXT,
    issue_type TEXT, success BOOLEAN, confidence REAL, fixes_applied INTEGER, files_modified INTEGER, remaining_issues INTEGER,
    execution_time_ms REAL, host TEXT);
CREATE TABLE provider_performance (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TIMESTAMP NOT NULL, provider_id TEXT,
    success BOOLEAN, latency_ms REAL, error_type TEXT);
"""


class Failure(Exception):
    pass


def expect(what, actual, expected):
    if actual != expected:
        raise Failure(f"{what}: {actual!r}, expected {expected!r}")


class Agentlog:
    def __init__(self, program):
        self.program = program

    def run(self, *arguments, env=None):
        return subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True,
                              env=dict(os.environ, **(env or {})), check=False)

    def __call__(self, *arguments, code=0, env=None):
        done = self.run(*arguments, env=env)
        if done.returncode != code:
            raise Failure(f"agentlog {' '.join(map(str, arguments))} exits with {done.returncode}:\n{done.stderr}")
        return done.stdout

    def json(self, *arguments, **options):
        return json.loads(self(*arguments, "--json", **options))

    def events(self, log):
        return sorted(self("cat", log).splitlines())


def insert(db, table, **row):
    db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))


def fill(db, first, last, rng):
    """Jobs first..last-1 and what happened in them, with UTC times."""
    for n in range(first, last):
        job, day = f"job-{n}", 1 + n % 20
        at = lambda: f"2026-03-{day:02d} {rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}" \
                     f".{rng.randrange(10**6):06d}"
        ended = n % 7 != 0
        insert(db, "jobs", job_id=job, start_time=f"2026-03-{day:02d}T00:00:00", end_time=f"2026-03-{day:02d}T00:20:00"
               if ended else None, status=rng.choice(("success", "failed")) if ended else "running", iterations=n % 5,
               ai_agent=n % 2, error_message=None, metadata='{"n": %d}' % n)
        for _ in range(rng.randrange(6)):
            insert(db, "agent_executions", job_id=job, timestamp=at(), agent_name=f"agent-{rng.randrange(4)}",
                   issue_type=f"type-{rng.randrange(3)}", success=rng.choice((0, 1, "true", "false")),
                   confidence=rng.randrange(1001) / 1000, fixes_applied=rng.randrange(5), files_modified=rng.randrange(5),
                   remaining_issues=0, execution_time_ms=rng.randrange(10**6) / 1000, host="h1")
            insert(db, "provider_performance", timestamp=at(), provider_id=f"cloud-{rng.randrange(3)}",
                   success=rng.randrange(2), latency_ms=rng.randrange(10**6) / 1000, error_type=None)
        for _ in range(rng.randrange(4)):
            insert(db, "hook_executions", job_id=job, timestamp=at(), hook_name=f"hook-{rng.randrange(3)}", hook_type="fast",
                   execution_time_ms=rng.randrange(5000), status=rng.choice(("success", "failed", "skipped", "passed")))
            insert(db, "errors", job_id=job, timestamp=at(), error_type=rng.choice(("lint", "hook")), error_category="c",
                   error_message="it's \"bad\"\n\x1b[31m", file_path="a.py", line_number=rng.randrange(100))
            insert(db, "strategy_decisions", job_id=job, iteration=1, timestamp=at(), previous_strategy=None,
                   selected_strategy=f"s{rng.randrange(2)}", decision_reason="r", context_data='{"k":[1,2]}',
                   effectiveness_score=rng.randrange(1001) / 1000)
        insert(db, "test_executions", job_id=job, timestamp=at(), total_tests=3, passed=2, failed=1, skipped=0,
               execution_time_ms=100, coverage_percent=81.5)
        insert(db, "individual_test_executions", job_id=job, timestamp=at(), test_id=f"t.py::test_{n % 9}", test_file="t.py",
               test_class=None, test_method=f"test_{n % 9}", status=rng.choice(("passed", "failed", "skipped", "error")),
               execution_time_ms=5, error_message=None, error_traceback=None)
        insert(db, "orchestration_executions", job_id=job, timestamp=at(), execution_strategy="adaptive", progress_level="full",
               ai_mode="auto", iteration_count=n % 4, strategy_switches=0, correlation_insights='{"problematic_hooks":[]}',
               total_execution_time_ms=900, hooks_execution_time_ms=400, tests_execution_time_ms=300, ai_analysis_time_ms=200)


def make(path, rng):
    db = sqlite3.connect(path)
    db.executescript(SCHEMA)
    fill(db, 0, JOBS, rng)
    db.commit()
    return db


EVENT_TABLES = ("errors", "hook_executions", "test_executions", "individual_test_executions", "orchestration_executions",
                "strategy_decisions", "agent_executions", "provider_performance")


def count_of(db):
    """The events that the source holds."""
    one = lambda sql: db.execute(sql).fetchone()[0]
    return sum(one(f"SELECT COUNT(*) FROM {table}") for table in EVENT_TABLES) + one(
        "SELECT COUNT(*) + COUNT(end_time) FROM jobs")


def check_answers(agentlog, source, log, work):
    """stats, summary and job, against SQL over the source."""
    target = f"{work}/answers.db"
    agentlog("ingest", log, target)
    truth = "CASE success WHEN 'true' THEN 1 WHEN 'false' THEN 0 ELSE success END"
    rates = {(r["agent_name"], r["issue_type"]): (r["executions"], r["successes"]) for r in
             agentlog.json("stats", "success-rate", target)}
    expect("success rates", rates, {(a, i): (n, s) for a, i, n, s in source.execute(
        f"SELECT agent_name, issue_type, COUNT(*), SUM({truth}) FROM agent_executions GROUP BY 1, 2")})
    calls = {r["provider_id"]: (r["calls"], r["success_rate"]) for r in agentlog.json("stats", "providers", target)}
    expected = {p: (n, s / n) for p, n, s in source.execute(
        "SELECT provider_id, COUNT(*), SUM(success) FROM provider_performance GROUP BY 1")}
    expect("providers", {p: (n, round(rate, 9)) for p, (n, rate) in calls.items()},
           {p: (n, round(rate, 9)) for p, (n, rate) in expected.items()})
    hooks = {r["hook_name"]: (r["runs"], r["failures"], r["skips"]) for r in agentlog.json("stats", "hooks", target)}
    expect("hooks", hooks, {h: tuple(row) for h, *row in source.execute(
        "SELECT hook_name, SUM(status <> 'skipped'), SUM(status = 'failed'), SUM(status = 'skipped') FROM hook_executions GROUP BY 1")})
    tests = {r["test_id"]: (r["runs"], r["failed"], r["errors"], r["skipped"]) for r in agentlog.json("stats", "tests", target)}
    expect("tests", tests, {t: tuple(row) for t, *row in source.execute(
        "SELECT test_id, SUM(status <> 'skipped'), SUM(status = 'failed'), SUM(status = 'error'), SUM(status = 'skipped')"
        " FROM individual_test_executions GROUP BY 1")})
    days = {r["day"]: (r["total_jobs"], r["successful_jobs"], r["failed_jobs"]) for r in agentlog.json("summary", target)}
    expect("jobs by day", days, {d: tuple(row) for d, *row in source.execute(
        "SELECT substr(start_time, 1, 10), COUNT(*), SUM(status = 'success'), SUM(status = 'failed') FROM jobs GROUP BY 1")})
    for n in (1, 7, 123):
        facts = agentlog.json("job", target, f"job-{n}")["job"]
        one = lambda sql: source.execute(sql, (f"job-{n}",)).fetchone()
        status, ended = one("SELECT status, end_time IS NOT NULL FROM jobs WHERE job_id = ?")
        expect(f"status of job-{n}", facts["status"], status if ended else None)
        expect(f"errors of job-{n}", facts["errors"], one("SELECT COUNT(*) FROM errors WHERE job_id = ?")[0])
        expect(f"hooks of job-{n}", facts["hook_runs"], one("SELECT COUNT(*) FROM hook_executions WHERE job_id = ?")[0])


def check_fields(agentlog, source, log):
    """Each agent execution comes back with all that its row said."""
    back = {}
    for line in agentlog("cat", log, "--type", "agent_execution").splitlines():
        event = json.loads(line)
        back[event["id"]] = event
    source.row_factory = sqlite3.Row
    for row in source.execute("SELECT * FROM agent_executions"):
        event = back.pop(row["id"])
        for name in row.keys():
            if name == "success":
                expect("success", event[name], row[name] in (1, "true"))
            elif name == "timestamp":
                digits = row[name].replace(" ", "T").rstrip("0").rstrip(".")
                expect("timestamp", event[name].rstrip("Z").rstrip("0").rstrip("."), digits)
            else:
                expect(name, event[name], row[name])
    expect("executions that nobody logged", back, {})
    source.row_factory = None


def check_again_and_growth(agentlog, path, source, log, rng):
    report = agentlog.json("import", "sqlite", path, log)
    expect("imported again", (report["imported"], report["already_there"], report["skipped"]), (0, count_of(source), 0))
    before = count_of(source)
    fill(source, JOBS, JOBS + 20, rng)
    source.execute("UPDATE jobs SET end_time = '2026-03-21 01:00:00', status = 'success' WHERE job_id = 'job-7'")
    source.execute("DELETE FROM agent_executions WHERE id < 20")
    source.commit()
    source.execute("VACUUM")
    report = agentlog.json("import", "sqlite", path, log, "--dry-run")
    new = count_of(source) + 19 - before
    expect("a dry run of what is new", (report["dry_run"], report["imported"]), (True, new))
    expect("what is new", agentlog.json("import", "sqlite", path, log)["imported"], new)
    # A copy elsewhere is the same source, and the log itself knows what it has.
    shutil.copy(path, path + ".copy")
    shutil.rmtree(f"{log}/.imports")
    expect("a copy, without the memory", agentlog.json("import", "sqlite", path + ".copy", log)["imported"], 0)
    with open(f"{log}/.imports/ids", "r+b") as f:
        f.seek(100)
        f.write(b"\xff\xff")
    expect("with a damaged memory", agentlog.json("import", "sqlite", path, log)["imported"], 0)
    # Without the memory, what was archived is found if the archive is named.
    archive = f"{log}-archive"
    agentlog("archive", log, "--to", archive, "--older-than", "2100-01-01", "--level", "1")
    expect("the memory knows of archived events", agentlog.json("import", "sqlite", path, log)["imported"], 0)
    shutil.rmtree(f"{log}/.imports")
    report = agentlog.json("import", "sqlite", path, log, "--archive", archive, "--dry-run")
    expect("asked, the archive knows as well", report["imported"], 0)
    report = agentlog.json("import", "sqlite", path, log, "--dry-run")
    expect("without it they are new", report["imported"], count_of(source))


def check_wal_and_locks(agentlog, work, rng):
    path, log = f"{work}/wal.db", f"{work}/wal-log"
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript(SCHEMA)
    fill(db, 0, 5, rng)
    db.commit()
    expect("the write-ahead log holds it", os.path.getsize(path + "-wal") > 0, True)
    expect("out of a write-ahead log", agentlog.json("import", "sqlite", path, log)["imported"], count_of(db))
    db.close()
    # Another program that holds it for a moment is waited for.
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("PRAGMA journal_mode = DELETE")
    lock.execute("BEGIN EXCLUSIVE")
    waiting = subprocess.Popen([agentlog.program, "import", "sqlite", path, log, "--json"], stdout=subprocess.PIPE)
    time.sleep(0.5)
    expect("it waits for the lock", waiting.poll(), None)
    lock.execute("COMMIT")
    report = json.loads(waiting.communicate()[0])
    expect("after a wait", (waiting.returncode, report["imported"], report["already_there"] > 0), (0, 0, True))
    lock.close()


def check_zones(agentlog, work):
    path = f"{work}/zones.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE errors (timestamp, error_type, n INTEGER)")
    times = ["2026-02-04 12:00:00", "2026-07-04T12:00:00.5", "2026-02-04T12:00:00Z", "2026-02-04 12:00:00+05:30", 1770206400,
             1770206400123, 1770206400123456, 1770206400123456789, 1770206400.25, "2026-02-04", "2026-02-04 12:00"]
    for n, t in enumerate(times):
        db.execute("INSERT INTO errors VALUES (?, 'lint', ?)", (t, n))
    db.commit()

    def read(log, *options, env=None):
        agentlog("import", "sqlite", path, log, *options, env=env)
        events = [json.loads(line) for line in agentlog("cat", log).splitlines()]
        return [e["timestamp"] for e in sorted(events, key=lambda e: e["n"])]

    fixed = ["2026-02-04T12:00:00Z", "2026-02-04T06:30:00Z", "2026-02-04T12:00:00Z", "2026-02-04T12:00:00.123Z",
             "2026-02-04T12:00:00.123456Z", "2026-02-04T12:00:00.123456789Z", "2026-02-04T12:00:00.250Z"]
    expect("UTC", read(f"{work}/z1"), ["2026-02-04T12:00:00Z", "2026-07-04T12:00:00.500Z"] + fixed +
           ["2026-02-04T00:00:00Z", "2026-02-04T12:00:00Z"])
    expect("an offset", read(f"{work}/z2", "--time-zone", "+02:00"),
           ["2026-02-04T10:00:00Z", "2026-07-04T10:00:00.500Z"] + fixed + ["2026-02-03T22:00:00Z", "2026-02-04T10:00:00Z"])
    expect("local", read(f"{work}/z3", "--time-zone", "local", env={"TZ": "CET-1CEST,M3.5.0,M10.5.0/3"}),
           ["2026-02-04T11:00:00Z", "2026-07-04T10:00:00.500Z"] + fixed + ["2026-02-03T23:00:00Z", "2026-02-04T11:00:00Z"])
    db.close()


def kill_and_finish(agentlog, path, log, database, duration, rng):
    """Import, killed up to three times; how many events the last run, which nobody killed, had left to do."""
    for number in range(1 + rng.randrange(3)):
        process = subprocess.Popen([agentlog.program, "import", "sqlite", path, log], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(rng.random() * duration)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if number == 1 and os.path.isdir(log):  # what was killed may be brought in by somebody else
            agentlog.run("ingest", log, database)
    return agentlog.json("import", "sqlite", path, log)["imported"]


def check_kills(agentlog, path, work, rng):
    """Killed at random moments, then run to its end: the same events as of one import, in log and database."""
    large = f"{work}/large.db"
    shutil.copy(path, large)
    db = sqlite3.connect(large)
    columns = "job_id, timestamp, agent_name, issue_type, success, confidence, fixes_applied"
    while db.execute("SELECT COUNT(*) FROM agent_executions").fetchone()[0] < 30000:
        db.execute(f"INSERT INTO agent_executions ({columns}) SELECT {columns} FROM agent_executions")
    db.commit()
    db.close()
    whole = f"{work}/whole"
    begun = time.monotonic()
    agentlog("import", "sqlite", large, whole)
    duration = time.monotonic() - begun
    expected, left = agentlog.events(whole), []
    for number in range(KILLS):
        killed, database = f"{work}/killed-{number}", f"{work}/killed-{number}.db"
        left.append(kill_and_finish(agentlog, large, killed, database, duration, rng))
        if agentlog.events(killed) != expected:
            raise Failure(f"round {number}: the killed import and the whole one differ")
        expect("and nothing more", agentlog.json("import", "sqlite", large, killed)["imported"], 0)
    agentlog("ingest", killed, database)
    agentlog("ingest", whole, f"{work}/whole.db")
    a, b = dump(database, events_alone=True), dump(f"{work}/whole.db", events_alone=True)
    if a != b:
        raise Failure(f"the databases differ:\n  {difference(a, b)}")
    return f"{KILLS} killed imports of {len(expected)} events: left to the last run {left}"


def check_damage(agentlog, path, work, rng):
    """Bytes flipped anywhere in the source: rows are read, named or refused, and nothing worse."""
    with open(path, "rb") as f:
        whole = f.read()
    codes = set()
    for number in range(DAMAGES):
        damaged = bytearray(whole)
        for _ in range(1 + rng.randrange(20)):
            at = rng.randrange(len(damaged)) if number % 2 else rng.randrange(min(4096, len(damaged)))
            damaged[at] = rng.randrange(256)
        with open(f"{work}/damaged.db", "wb") as f:
            f.write(damaged)
        done = agentlog.run("import", "sqlite", f"{work}/damaged.db", f"{work}/damaged", "--dry-run")
        codes.add(done.returncode)
        if done.returncode not in (0, 1, 3):
            raise Failure(f"a damaged source: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return f"{DAMAGES} damaged sources: exit codes {sorted(codes)}"


REAL_TABLES = {"error": "errors", "provider_performance": "provider_performance", **{
    f"{name}_execution": f"{name}_executions" for name in ("hook", "test", "individual_test", "orchestration", "agent")}}


def check_real_events(agentlog, data, work):
    """Rows without any key, many of them alike."""
    subprocess.run([sys.executable, os.path.join(data, "to_events.py"), f"{work}/events"], check=True, capture_output=True)
    events, tables, jobs = [], {}, {}
    for source in ("acr", "crackerjack", "llmperf"):
        with open(f"{work}/events/{source}.ndjson", encoding="utf-8") as f:
            events += [json.loads(line) for number, line in enumerate(f) if number < REAL_LINES]
    for event in events:
        row = {name: value for name, value in event.items() if name != "event"}
        if event["event"] in REAL_TABLES:
            tables.setdefault(REAL_TABLES[event["event"]], []).append(row)
        elif event["event"] == "job_start":
            jobs.setdefault(row["job_id"], {}).update(job_id=row["job_id"], start_time=row["timestamp"], ai_agent=row["ai_agent"])
        else:
            jobs.setdefault(row["job_id"], {}).update(job_id=row["job_id"], end_time=row["timestamp"], status=row["status"],
                                                      iterations=row.get("iterations"))
    tables["jobs"] = list(jobs.values())
    db = sqlite3.connect(f"{work}/real.db")
    for table, rows in tables.items():
        db.execute(f"CREATE TABLE {table} ({', '.join(sorted({name for row in rows for name in row}))})")
        for row in rows:
            insert(db, table, **row)
    db.commit()
    db.close()
    with open(f"{work}/real.ndjson", "w", encoding="utf-8") as f:
        f.writelines(json.dumps(event) + "\n" for event in events)
    agentlog("log", f"{work}/logged", f"{work}/real.ndjson")
    expect("real events", agentlog.json("import", "sqlite", f"{work}/real.db", f"{work}/moved")["imported"], len(events))
    expect("real events again", agentlog.json("import", "sqlite", f"{work}/real.db", f"{work}/moved")["imported"], 0)
    for name in ("logged", "moved"):
        agentlog("ingest", f"{work}/{name}", f"{work}/{name}.db")
    a, b = dump(f"{work}/moved.db", events_alone=True), dump(f"{work}/logged.db", events_alone=True)
    if a != b:
        raise Failure(f"the database out of a database is another:\n  {difference(a, b)}")
    return f"{len(events)} real events, by way of a database of the older kind: the same database as logged at once"


def run(agentlog, source_dir, work):
    seed = int(os.environ.get("ALOG_TEST_SEED", "7"))
    rng = random.Random(seed)
    path, log = f"{work}/metrics.db", f"{work}/log"
    source = make(path, rng)
    report = agentlog.json("import", "sqlite", path, log)
    expect("imported", (report["imported"], report["skipped"]), (count_of(source), 0))
    agentlog("verify", log)
    check_answers(agentlog, source, log, work)
    check_fields(agentlog, source, log)
    print("every answer is what SQL says of the source")
    print(check_kills(agentlog, path, work, rng))
    check_again_and_growth(agentlog, path, source, log, rng)
    print("again adds nothing, growth adds what is new")
    check_wal_and_locks(agentlog, work, rng)
    check_zones(agentlog, work)
    print("write-ahead logs and time zones")
    source.close()
    print(check_damage(agentlog, f"{work}/zones.db", work, rng))
    data = os.environ.get("ALOG_SHARED_DATA") or os.path.join(source_dir, "..", "shared", "data")
    if os.path.isfile(os.path.join(data, "to_events.py")):
        print(check_real_events(agentlog, data, work))
    else:
        print("real events: SKIPPED, they are not there")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory(prefix="agentlog-import-") as work:
        try:
            run(Agentlog(os.path.abspath(sys.argv[1])), sys.argv[2], work)
        except Failure as failure:
            print(f"FAILED  {failure}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
