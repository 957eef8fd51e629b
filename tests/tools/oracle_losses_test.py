#!/usr/bin/env python3
"""How complete the data is, against what was taken out of it: blocks damaged, segments removed or unreadable, losses that
writers logged.

    oracle_losses_test.py AGENTLOG MAKE_SEGMENTS SOURCE_DIR

Random logs (seeds 1 .. ALOG_ORACLE_SEEDS, default 6), and the real data, where it is. What is lost is known from what was
taken, not from reading what is left.
"""
import datetime
import glob
import json
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from oracle_base import compare, day_text, fail, instant_ns

START = 1770163200  # 2026-02-04 00:00 UTC
DAYS = 5
SECOND = 10**9
FRAME = bytes.fromhex("28b52ffd")  # zstd's magic number: one frame a block
OWN = ("writer_loss", "writer_stats")


class Event:
    def __init__(self, fields):
        self.name, self.environment = fields["event"], fields.get("environment", "production")
        self.ns = fields["timestamp"]
        self.lost = fields["lost_count"] if self.name == "writer_loss" and fields["reason"] != "sync_failed" else 0
        self.left_out = self.name == "provider_performance" and fields.get("latency_ms", 0) > 2**53 / 1000  # in whole us
        self.line = json.dumps(fields)


def random_events(r):
    events = []
    for ns in sorted(START * SECOND + r.randrange(DAYS * 86400 * SECOND) for _ in range(r.choice((60, 300, 900)))):
        e = {"timestamp": ns}
        if r.random() < 0.1:
            e["environment"] = "test"
        kind = r.randrange(10)
        if kind == 0:
            e |= {"event": "writer_loss", "lost_event": r.choice(("error", "own.event")), "lost_count": 1 + r.randrange(99),
                  "reason": r.choice(("ring_full", "too_big", "sync_failed"))}
        elif kind < 5:
            e |= {"event": "provider_performance", "provider_id": "p", "success": True, "latency_ms": r.choice((5, 1e15, 2**50))}
        else:
            e |= {"event": "agent_execution", "agent_name": "a", "success": False}
        events.append(Event(e))
    return events


def real_events(path):
    """By time, as one writer would have logged them."""
    events = []
    for name in sorted(glob.glob(f"{path}/*.ndjson")):
        with open(name, encoding="utf-8") as lines:
            for line in lines:
                e = json.loads(line)
                e["timestamp"] = instant_ns(e["timestamp"].replace("+00:00", "Z"))
                events.append(Event(e))
    return sorted(events, key=lambda e: e.ns)


def split(r, items, most):
    """Into parts of 1 to `most`."""
    parts = []
    while items:
        n = 1 + r.randrange(most)
        parts.append(items[:n])
        items = items[n:]
    return parts


class Segment:
    def __init__(self, path, name, blocks):
        self.path, self.name, self.blocks = path, name, blocks
        self.good = [True] * len(blocks)
        self.here = True  # and can be read

    def events(self):
        return [e for block, good in zip(self.blocks, self.good) if good for e in block] if self.here else []

    def damage(self, at):
        """A bit in the middle of a block's compressed bytes."""
        with open(self.path, "r+b") as file:
            data = file.read()
            starts = [i for i in range(len(data)) if data.startswith(FRAME, i)]
            if len(starts) != len(self.blocks):
                raise SystemExit(f"{self.name} has {len(starts)} frames for {len(self.blocks)} blocks")
            file.seek(starts[at] + 30)
            byte = file.read(1)[0]
            file.seek(starts[at] + 30)
            file.write(bytes([byte ^ 16]))
        self.good[at] = False


def make_log(make_segments, r, log, writers, most_events, most_blocks):
    """writers: events of each; {writer: its segments}."""
    made = {}
    for number, events in writers.items():
        segments = split(r, split(r, events, most_events), most_blocks)
        lines = "".join("".join("".join(e.line + "\n" for e in block) + "block\n" for block in s) + "segment\n" for s in segments)
        subprocess.run([make_segments, log, str(number)], input=lines.encode(), check=True)
        # DAY/START-WRITER-NUMBER.msgpack.zst
        paths = sorted(glob.glob(f"{log}/*/*-{number:016x}-*.zst"), key=lambda p: int(p.split("-")[-1].split(".")[0]))
        if len(paths) != len(segments):
            raise SystemExit(f"{len(paths)} files for {len(segments)} segments")
        made[number] = [Segment(p, os.path.relpath(p, log), blocks) for p, blocks in zip(paths, segments)]
    return made


def take_out(r, segments):
    """Damage, remove, make unreadable."""
    for segment in segments:
        fate = r.randrange(8)
        if fate == 0:
            os.remove(segment.path)
            segment.here = False
        elif fate == 1:
            with open(segment.path, "wb") as file:
                file.write(b"no segment")
            segment.here = False
            yield segment.name
        elif fate < 5:
            for at in range(len(segment.blocks)):
                if r.randrange(4) == 0:
                    segment.damage(at)


def losses(segments):
    """(time, events) of all that is missing between what is there of a writer, and at the end of a segment."""
    began, missing = False, 0  # before a writer's first segment nothing is said
    latest = 0
    for segment in segments:
        if not segment.here:
            missing += sum(map(len, segment.blocks)) if began else 0
            continue
        times = [e.ns for e in segment.events()]
        began = True
        if missing and (times or latest):  # if nothing is left of this one either, when it was last heard of
            yield min(times) if times else latest, missing
        missing = 0
        latest = max(times + [latest])
        gap, time = 0, None
        for block, good in zip(segment.blocks, segment.good):
            if not good:
                gap += len(block)
                time = block[0].ns
            elif gap:
                yield block[0].ns, gap
                gap = 0
        if gap:
            yield time, gap


class Truth:
    """What answers ought to say of a window of days."""

    def __init__(self, made, aside):
        self.aside = sorted(aside)
        self.writers = made
        self.losses = [x for segments in made.values() for x in losses(segments)]
        self.events = [e for segments in made.values() for s in segments for e in s.events()]

    def completeness(self, since, until):
        within = lambda ns: since * SECOND <= ns < until * SECOND
        own = [e for e in self.events if e.environment == "production" and within(e.ns)]
        days = sorted({e.ns // (86400 * SECOND) for e in own if e.name not in OWN})
        segments = [(number, s, s.events()) for number, all_of in self.writers.items() for s in all_of if s.here]
        segments = [(n, s, [e.ns for e in events]) for n, s, events in segments if events]
        segments = [(n, s, t) for n, s, t in segments if max(t) // SECOND >= since and min(t) // SECOND < until]
        return (day_text(days[0]) if days else None, day_text(days[-1]) if days else None, len(days),
                days[-1] - days[0] + 1 if days else 0, sum(e.name not in OWN for e in own),
                sum(n for ns, n in self.losses if within(ns)) + sum(e.lost for e in own), sum(e.left_out for e in own), 0,
                len({n for n, _, _ in segments}), len(segments), 0, sum(not all(s.good) for _, s, _ in segments),
                max((max(t) for _, _, t in segments), default=None), len(self.aside), self.aside[0] if self.aside else None)

    def by_day(self):
        """{day: [events, events lost]}."""
        found = {}
        for e in self.events:
            if e.environment == "production":
                day = found.setdefault(day_text(e.ns // (86400 * SECOND)), [0, 0])
                day[0] += e.name not in OWN
                day[1] += e.lost
        for ns, n in self.losses:
            found.setdefault(day_text(ns // (86400 * SECOND)), [0, 0])[1] += n
        return {(day,): tuple(v) for day, v in found.items() if any(v)}


COLUMNS = ("first_day", "last_day", "days", "days_between", "events", "events_lost", "not_finite", "pruned_days", "writers",
           "segments", "open_segments", "segments_with_gaps", "last_event", "segments_set_aside", "set_aside_segment")


def check(program, db, truth, windows):
    ask = lambda *words: json.loads(subprocess.run([program, *words, "--json"], check=True, stdout=subprocess.PIPE).stdout)
    text = lambda s: datetime.datetime.fromtimestamp(s, datetime.timezone.utc).strftime("%Y-%m-%d")
    for since, until in windows:
        row, = ask("stats", "completeness", db, "--since", text(since), "--until", text(until))
        row["last_event"] = instant_ns(row["last_event"]) if row["last_event"] else None
        compare(f"completeness {text(since)} {text(until)}", [row], (), {(): truth.completeness(since, until)}, COLUMNS)
    rows = [r for r in ask("summary", db) if r["events"] or r["events_lost"]]
    expected = truth.by_day()
    compare("losses by day", rows, ("day",), expected, ("events", "events_lost"))
    for metric, at in (("events", 0), ("events-lost", 1)):
        rows = [r for r in ask("stats", "trend", db, "--metric", metric) if (r["period"],) in expected or r["n"]]
        compare(f"trend {metric}", rows, ("period",), {k: (v[at], v[at]) for k, v in expected.items()}, ("n", "value"))


def check_log(program, make_segments, r, work, writers, most_events, most_blocks, windows):
    log, db = f"{work}/log", f"{work}/a.db"
    made = make_log(make_segments, r, log, writers, most_events, most_blocks)
    aside = [name for segments in made.values() for name in take_out(r, segments)]
    done = subprocess.run([program, "ingest", log, db], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    expected = 3 if aside or not all(all(s.good) for segments in made.values() for s in segments if s.here) else 0
    if done.returncode != expected:
        fail("ingest", (done.returncode, done.stderr.decode()), expected)
    truth = Truth(made, aside)
    check(program, db, truth, windows)
    return truth


def main():
    program, make_segments, source = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3]
    whole = (START - 86400 * 9000, START + 86400 * 9000)
    lost = 0
    for seed in range(1, int(os.environ.get("ALOG_ORACLE_SEEDS", "6")) + 1):
        print(f"seed {seed}", flush=True)
        r = random.Random(seed)
        with tempfile.TemporaryDirectory(prefix="agentlog-oracle-") as work:
            writers = {0xa0 + i: random_events(r) for i in range(1 + r.randrange(4))}
            windows = [whole] + [(START + a * 86400, START + b * 86400) for a, b in ((0, 1), (1, 3), (4, 5), (7, 9))]
            lost += len(check_log(program, make_segments, r, work, writers, 20, 6, windows).losses)
    if lost == 0:
        raise SystemExit("FAILED  nothing was lost")
    data = os.environ.get("ALOG_SHARED_DATA") or os.path.join(source, "..", "shared", "data")
    if os.path.isfile(os.path.join(data, "to_events.py")):
        with tempfile.TemporaryDirectory(prefix="agentlog-oracle-") as work:
            subprocess.run([sys.executable, "-B", f"{data}/to_events.py", f"{work}/events"], check=True, stdout=subprocess.DEVNULL)
            truth = check_log(program, make_segments, random.Random(1), work, {7: real_events(f"{work}/events")}, 1000, 6, [whole])
            print(f"real data: {len(truth.losses)} losses", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
