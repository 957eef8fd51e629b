#!/usr/bin/env python3
"""`agentlog export`, read by other programs' means: Python's csv module, the rules of OTLP/JSON, and `agentlog import otlp`.

    export_test.py AGENTLOG SOURCE_DIR

Random events of every type, and real ones where $ALOG_SHARED_DATA or SOURCE_DIR/../shared/data is, go out in each form; what
comes back must be what went in. $ALOG_EXPORT_EVENTS random events, default 2000, and twice as
many of the largest real source.
"""
import csv
import json
import os
import random
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from import_sqlite_test import Agentlog, Failure, expect

EVENTS = int(os.environ.get("ALOG_EXPORT_EVENTS", "2000"))
TEXTS = ("", "x", "a,b", 'say "hi"', "line\r\nline", "=1+1", "@cmd", "-1", "naïve ☃ 𝄞", "nul\0inside", "\x1b[31mred", "\u202etxt",
         " padded ", "NaN", "{}", "tab\there")


# ---- Random events


def types_of(agentlog):
    """{event: [(field, kind text)]}, from the help."""
    types, event = {}, None
    for line in agentlog("help", "events").splitlines():
        if re.match(r"^[a-z_]+\b", line):
            event = line.split()[0].rstrip(":")
            types[event] = []
        elif event and (match := re.match(r"^  ([a-z_]+) +(.+)$", line)):
            types[event].append((match[1], match[2]))
    return {e: fields for e, fields in types.items() if fields and not e.startswith("writer_")}


def random_number(rng):
    return rng.choice((0.0, 1.0, 0.1, 0.5, 1e-9, rng.random(), rng.randrange(1000) / 1000))


def random_value(kind, rng):
    if kind.startswith("one of"):
        return rng.choice(kind.split(",")[0][len("one of "):].split("|"))
    if kind.startswith("true"):
        return rng.random() < 0.5
    if kind.startswith("integer"):
        return rng.choice((0, 1, 7, 2**53 + 1, 2**63 - 1, rng.randrange(10**6)))
    if kind.startswith("number"):
        if "0..1" not in kind and rng.random() < 0.1:
            return rng.choice(("NaN", "Infinity", "-Infinity"))
        return random_number(rng) * (1 if "0..1" in kind and "0..100" not in kind else 90)
    if kind.startswith("JSON"):
        return rng.choice(('{"a":1}', "text", {"a": [1, 2.5, None, True, "x", {"b": {}}], "c": -3}, [], [[]], [0.1, 1e300]))
    return rng.choice(TEXTS) if rng.random() < 0.5 else f"name-{rng.randrange(20)}"


def random_event(types, rng):
    event = rng.choice([*types, "own.event", "other event/../x"])
    line = {"event": event, "timestamp": rng.choice((rng.randrange(2**62), 1770206400000000000 + rng.randrange(10**15), 0))}
    if rng.random() < 0.7 or event.startswith("job_"):
        line["job_id"] = rng.choice(("job-1", "job, \"2\"", "0123456789abcdef0123456789abcdef", "ünï"))
    for field, kind in types.get(event, ()):
        if "required" in kind or rng.random() < 0.6:
            line[field] = random_value(kind, rng)
    for _ in range(rng.choice((0, 0, 1, 4))):
        name = rng.choice(("extra", "agentlog.success", "agentlog.attribute.x", "gen_ai.operation.name", "gen_ai.agent.name",
                           "error.type", "with space", "url.path"))
        line[name] = rng.choice((None, True, 5, -(2**62), 0.1, 1e300, rng.choice(TEXTS), {"n": [1, {"m": None}]}))
    if rng.random() < 0.3:
        line["environment"] = rng.choice(("test", "production", "stage é"))
    return line


# ---- OTLP/JSON, by its rules

U64, HEX = re.compile(r"\d+"), re.compile(r"[0-9a-f]+")
SPAN = {"traceId", "spanId", "traceState", "parentSpanId", "flags", "name", "kind", "startTimeUnixNano", "endTimeUnixNano",
        "attributes", "droppedAttributesCount", "events", "droppedEventsCount", "links", "droppedLinksCount", "status"}
LOG = {"timeUnixNano", "observedTimeUnixNano", "severityNumber", "severityText", "body", "attributes", "droppedAttributesCount",
       "flags", "traceId", "spanId", "eventName"}


def require(truth, what):
    if not truth:
        raise Failure(f"not OTLP/JSON: {what}")


def check_any(value):
    require(isinstance(value, dict) and len(value) <= 1, value)
    for kind, inner in value.items():
        if kind in ("stringValue", "bytesValue"):
            require(isinstance(inner, str), value)
        elif kind == "intValue":
            require(isinstance(inner, str) and re.fullmatch(r"-?\d+", inner) and -2**63 <= int(inner) < 2**63, value)
        elif kind == "doubleValue":
            require(isinstance(inner, float) or inner in ("NaN", "Infinity", "-Infinity"), value)
        elif kind == "boolValue":
            require(isinstance(inner, bool), value)
        elif kind == "arrayValue":
            for item in inner["values"]:
                check_any(item)
        elif kind == "kvlistValue":
            check_attributes(inner["values"])
        else:
            require(False, kind)


def check_attributes(attributes):
    keys = [a["key"] for a in attributes]
    require(len(keys) == len(set(keys)), f"a key twice: {keys}")
    for attribute in attributes:
        require(set(attribute) == {"key", "value"} and isinstance(attribute["key"], str), attribute)
        check_any(attribute["value"])


def check_id(text, digits):
    require(len(text) == digits and HEX.fullmatch(text) and int(text, 16) != 0, text)


def check_span(span):
    require(set(span) <= SPAN, set(span) - SPAN)
    check_id(span["traceId"], 32)
    check_id(span["spanId"], 16)
    require(U64.fullmatch(span["startTimeUnixNano"]) and U64.fullmatch(span["endTimeUnixNano"]), span)
    require(int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]), "it ends before it begins")
    require(isinstance(span["name"], str) and span["name"] and span["kind"] in range(6), span)
    require(set(span["status"]) <= {"code", "message"} and span["status"].get("code", 0) in (0, 1, 2), span["status"])
    check_attributes(span["attributes"])


def check_log(record):
    require(set(record) <= LOG, set(record) - LOG)
    require(U64.fullmatch(record["timeUnixNano"]) and U64.fullmatch(record["observedTimeUnixNano"]), record)
    require(record["severityNumber"] in range(25), record["severityNumber"])
    check_any(record["body"])
    check_attributes(record["attributes"])
    if "traceId" in record:
        check_id(record["traceId"], 32)


def check_line(line, signals):
    """How many records, of one of the signals."""
    data = json.loads(line)
    require(len(data) == 1 and set(data) <= signals, list(data))
    spans = "resourceSpans" in data
    records = 0
    for resource in data["resourceSpans" if spans else "resourceLogs"]:
        check_attributes(resource["resource"]["attributes"])
        for scope in resource["scopeSpans" if spans else "scopeLogs"]:
            require(set(scope["scope"]) == {"name", "version"}, scope["scope"])
            for record in scope["spans" if spans else "logRecords"]:
                (check_span if spans else check_log)(record)
                records += 1
    return records


def trace_ids(path):
    """The trace ids of each job."""
    found = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            for resource in json.loads(line)["resourceSpans"]:
                for span in resource["scopeSpans"][0]["spans"]:
                    for attribute in span["attributes"]:
                        if attribute["key"] == "agentlog.job_id":
                            found.setdefault(attribute["value"]["stringValue"], set()).add(span["traceId"])
    return found


def check_otlp(agentlog, log, work, name):
    folder, back = f"{work}/{name}-otlp", f"{work}/{name}-back"
    agentlog("export", log, "--format", "otlp", "-o", folder + "/")
    lines = agentlog("cat", log).splitlines()
    records = 0
    for file, signal in (("traces.jsonl", "resourceSpans"), ("logs.jsonl", "resourceLogs")):
        with open(f"{folder}/{file}", encoding="utf-8") as f:
            records += sum(check_line(line, {signal}) for line in f)
    expect(f"{name}: records", records, len(lines))
    for job, ids in trace_ids(f"{folder}/traces.jsonl").items():
        expect(f"{name}: traces of {job}", len(ids), 1)
        if re.fullmatch("[0-9a-f]{32}", job):
            expect(f"{name}: the trace of {job}", ids, {job})
    report = agentlog.json("import", "otlp", f"{folder}/traces.jsonl", f"{folder}/logs.jsonl", back)
    expect(f"{name}: imported", (report["imported"], report["skipped"]), (len(lines), 0))
    # A number in a nested value may be written otherwise, 1e300 as 1e+300; json.dumps tells values apart, and 1 from 1.0.
    came, went = (sorted(json.dumps(json.loads(line)) for line in some) for some in (agentlog.events(back), lines))
    if came != went:
        for a, b in zip(came, went):
            if a != b:
                raise Failure(f"{name}: comes back changed:\n  {b}\n  {a}")
        raise Failure(f"{name}: events are missing")
    expect(f"{name}: imported again", agentlog.json("import", "otlp", f"{folder}/logs.jsonl", back)["imported"], 0)


# ---- CSV


def as_cell(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def same_cell(cell, value):
    if isinstance(value, float):
        return float(cell) == value
    if isinstance(value, (dict, list)):
        return json.loads(cell) == value
    return cell == as_cell(value)


def check_csv(agentlog, log, types, work, name):
    folder = f"{work}/{name}-csv"
    agentlog("export", log, "--format", "csv", "-o", folder)
    events = {}
    for line in agentlog("cat", log).splitlines():
        event = json.loads(line)
        events.setdefault(event.pop("event"), []).append(event)
    files = {}
    for file in os.listdir(folder):
        with open(f"{folder}/{file}", "rb") as f:
            data = f.read()
        expect(f"{file}: no line feed alone outside of quotes", data.endswith(b"\r\n"), True)
        with open(f"{folder}/{file}", encoding="utf-8", newline="") as f:
            files[file] = list(csv.DictReader(f, strict=True))
    expect(f"{name}: tables", len(files), len(events))
    for kind, rows in events.items():
        table = files[re.sub(r"[^A-Za-z0-9_.-]", lambda m: f"%{ord(m[0]):02X}", kind) + ".csv"]
        expect(f"{name}: rows of {kind}", len(table), len(rows))
        columns = {"timestamp", "job_id", "event_id", "environment"} | {field for field, _ in types.get(kind, ())}
        for cells, row in zip(table, rows):
            attributes = json.loads(cells["attributes"]) if cells["attributes"] else {}
            expect(f"{kind}: attributes", attributes, {k: v for k, v in row.items() if k not in columns})
            for column in columns:
                if not same_cell(cells[column], row.get(column)):
                    raise Failure(f"{kind}.{column} is {cells[column]!r}, not {row.get(column)!r}")
    if name == "random":
        marked = agentlog("export", log, "--format", "csv", "--spreadsheet", "--type", "error")
        for cells in csv.DictReader(marked.splitlines(keepends=True)):
            for column, cell in cells.items():
                expect(f"a formula in {column}: {cell!r}", bool(re.match(r"[=+\-@\t\r]", cell)), False)


def check(agentlog, log, types, work, name):
    check_otlp(agentlog, log, work, name)
    check_csv(agentlog, log, types, work, name)
    expect(f"{name}: as NDJSON", agentlog("export", log), agentlog("cat", log))
    print(f"{name}: {len(agentlog.events(log))} events out and back")


def run(agentlog, source_dir, work):
    rng = random.Random(int(os.environ.get("ALOG_TEST_SEED", "11")))
    types = types_of(agentlog)
    expect("types", len(types), 10)
    with open(f"{work}/random.ndjson", "w", encoding="utf-8") as f:
        for _ in range(EVENTS):
            f.write(json.dumps(random_event(types, rng)) + "\n")
    agentlog("log", f"{work}/random", f"{work}/random.ndjson")
    check(agentlog, f"{work}/random", types, work, "random")
    data = os.environ.get("ALOG_SHARED_DATA") or os.path.join(source_dir, "..", "shared", "data")
    if not os.path.isfile(os.path.join(data, "to_events.py")):
        print("real events: SKIPPED, they are not there")
        return
    subprocess.run([sys.executable, os.path.join(data, "to_events.py"), f"{work}/events"], check=True, capture_output=True)
    with open(f"{work}/events/acr.ndjson", encoding="utf-8") as f, open(f"{work}/acr.ndjson", "w", encoding="utf-8") as cut:
        cut.writelines(line for number, line in enumerate(f) if number < 2 * EVENTS)
    agentlog("log", f"{work}/real", f"{work}/acr.ndjson", f"{work}/events/crackerjack.ndjson", f"{work}/events/llmperf.ndjson")
    check(agentlog, f"{work}/real", types, work, "real")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory(prefix="agentlog-export-") as work:
        try:
            run(Agentlog(os.path.abspath(sys.argv[1])), sys.argv[2], work)
        except Failure as failure:
            print(f"FAILED  {failure}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
