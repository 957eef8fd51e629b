#!/usr/bin/python3
"""What other tools make of a segment: zstd and a msgpack library, and none of our code.

    read_segment.py SEGMENT...          each must have its events beside it, in SEGMENT.ndjson
    read_segment.py --example FORMAT.md SEGMENT
                                        the Python example in FORMAT.md must read the same events

`zstd -t` must pass, the events of `zstd -dc` must be the twin's, and the seek table of a sealed segment
must add up: its frames cover the file, each can be decompressed alone, each is as long as it says.
Exit 77 (skipped) when zstd or the msgpack library is missing.
"""
import datetime
import json
import math
import re
import shutil
import struct
import subprocess
import sys
import tempfile

SKIPPED = 77

try:
    import msgpack
except ImportError:
    print("skipped: python3-msgpack is not installed")
    sys.exit(SKIPPED)
if shutil.which("zstd") is None:
    print("skipped: zstd is not installed")
    sys.exit(SKIPPED)


def decompress(data):
    done = subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=True)
    return done.stdout


def plain(value):
    """A decoded value as NDJSON has it."""
    if isinstance(value, msgpack.ExtType):
        assert value.code == 1, value
        return json.loads(value.data)
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
    return value


def events_of(raw):
    """Every event in the decompressed stream, as FORMAT.md says."""
    unpacker = msgpack.Unpacker(max_buffer_size=0, unicode_errors="surrogateescape")
    unpacker.feed(raw)
    for value in unpacker:
        if isinstance(value, dict):
            assert value["agentlog"] == 1
            strings = value["strings"]
            schema = {number: (name, fields) for number, name, fields in value["schema"]}
            writer, sequence = value["writer"], value["first_sequence"]
            environment, timestamp = value["environment"], value["timestamp"]
            used = set()
            continue

        def text(v):
            if isinstance(v, int):
                used.add(v)
                return strings[v]
            return v

        extras = value.pop() if isinstance(value[-1], dict) else {}
        name, fields = schema[value[0]]
        timestamp += value[1]
        event = {"event": name, "timestamp": timestamp, "event_id": f"{writer}-{sequence}",
                 "environment": environment}
        if value[2] is not None:
            event["job_id"] = text(value[2])
        assert len(value) - 3 <= len(fields)
        for (field, kind), v in zip(fields, value[3:]):
            if v is None:
                continue
            if kind in ("name", "enum"):
                v = text(v)
            elif kind == "f64" and isinstance(v, int):
                v = v / 1000
            event[field] = plain(v)
        event.update((key, plain(v)) for key, v in extras.items())
        sequence += 1
        yield event


def nanoseconds(text):
    """RFC 3339 to an integer; datetime has only microseconds."""
    whole, fraction = re.fullmatch(r"([^.]*?)(?:\.(\d+))?Z", text).groups()
    seconds = datetime.datetime.fromisoformat(whole + "+00:00")
    since = seconds - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (since.days * 86400 + since.seconds) * 10**9 + int((fraction or "0").ljust(9, "0"))


def twin_of(path):
    with open(path + ".ndjson", encoding="utf-8") as f:
        for line in f:
            event = json.loads(line)
            event["timestamp"] = nanoseconds(event["timestamp"])
            yield event


def same(a, b):
    return a == b and {k: type(v) for k, v in a.items()} == {k: type(v) for k, v in b.items()}


def check_events(path, raw):
    got, expected = list(events_of(raw)), list(twin_of(path))
    assert len(got) == len(expected), (len(got), len(expected))
    for a, b in zip(got, expected):
        assert same(a, b), f"\n{a}\n{b}"
    return len(got)


def check_seek_table(data):
    """Every frame through the table alone, as the seekable format's specification has it."""
    count, descriptor, magic = struct.unpack("<IBI", data[-9:])
    assert magic == 0x8F92EAB1 and descriptor == 0
    table = len(data) - 9 - 8 * count - 8
    frame_magic, length = struct.unpack("<II", data[table:table + 8])
    assert frame_magic == 0x184D2A5E and length == len(data) - table - 8
    offset = 0
    raw = b""
    for i in range(count):
        compressed, decompressed = struct.unpack_from("<II", data, table + 8 + 8 * i)
        frame = data[offset:offset + compressed]
        if struct.unpack("<I", frame[:4])[0] & 0xFFFFFFF0 == 0x184D2A50:
            assert decompressed == 0 and struct.unpack("<I", frame[4:8])[0] == compressed - 8
        else:
            block = decompress(frame)
            assert len(block) == decompressed > 0
            raw += block
        offset += compressed
    assert offset == table, (offset, table)
    return count, raw


def check(path):
    with open(path, "rb") as f:
        data = f.read()
    with tempfile.NamedTemporaryFile(suffix=".zst") as copy:
        copy.write(data)
        copy.flush()
        subprocess.run(["zstd", "-tq", copy.name], check=True)
    raw = decompress(data)
    events = check_events(path, raw)
    if path.endswith(".open"):
        print(f"{path}: {events} events, not sealed")
        return
    frames, through_table = check_seek_table(data)
    assert through_table == raw
    print(f"{path}: {events} events, {frames} frames in the seek table")


def check_example(document, path):
    with open(document, encoding="utf-8") as f:
        examples = re.findall(r"^```python\n(.*?)^```$", f.read(), re.M | re.S)
    assert len(examples) == 1, "FORMAT.md has one Python example"
    done = subprocess.run([sys.executable, "-c", examples[0], path], stdout=subprocess.PIPE,
                          check=True, text=True)
    seen = [json.loads(line) for line in done.stdout.splitlines()]
    expected = list(twin_of(path))
    assert len(seen) == len(expected) > 0
    for shown, event in zip(seen, expected):
        shown = {key: plain(value) for key, value in shown.items()}
        for key in ("event_id", "environment"):  # the example leaves out defaults
            shown.setdefault(key, event[key])
        for key, value in event.items():  # ... and shows a nested value as its text
            if isinstance(value, (dict, list)):
                shown[key] = json.loads(shown[key])
        assert same(shown, event), f"\n{shown}\n{event}"
    print(f"{path}: the example in {document} shows its {len(seen)} events")


def main(arguments):
    if arguments[0] == "--example":
        check_example(*arguments[1:])
        return
    for path in arguments:
        check(path)


if __name__ == "__main__":
    main(sys.argv[1:])
