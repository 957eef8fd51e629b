"""What a log and its archive hold, read with zstd and a msgpack library alone: none of our code takes part.

Every event of soak_agent names its thread (in its job's id) and its number there (in the attribute n); every event
has a number among its writer's. `read` says what is missing, what is there twice, and what adds up to what.
"""
import collections
import glob
import os
import subprocess

import msgpack


class Runs:
    """Numbers that must be 1, 2, 3 ... in the end, in whichever order their runs are met."""

    def __init__(self):
        self.first = self.last = 0
        self.runs = []

    def add(self, first, last):
        if first == self.last + 1 and self.last:
            self.last = last
            return
        if self.last:
            self.runs.append((self.first, self.last))
        self.first, self.last = first, last

    def faults(self):
        """(highest number, faults); a fault is a hole or an overlap."""
        expected, faults = 1, []
        for first, last in sorted(self.runs + ([(self.first, self.last)] if self.last else [])):
            if first != expected:
                faults.append(f"{first} follows {expected - 1}")
            expected = max(expected, last + 1)
        return expected - 1, faults


class Found:
    def __init__(self):
        self.threads = collections.defaultdict(Runs)  # by (life, thread)
        self.writers = collections.defaultdict(Runs)  # by writer id
        self.events = collections.Counter()  # by name
        self.sums = collections.Counter()  # by (event, field)
        self.losses = collections.Counter()  # as writer_loss events say, by reason
        self.files = self.bytes = 0


class Block:
    """The events of one block: counted as they come, and among their writer's when the next block begins."""

    SUMMED = (("provider_performance", "input_tokens"), ("agent_execution", "fixes_applied"))

    def __init__(self, head, found):
        self.found, self.strings = found, head["strings"]
        self.writer, self.first = head["writer"], head["first_sequence"]
        self.names = {number: name for number, name, _ in head["schema"]}
        fields = {name: [field for field, _ in kinds] for _, name, kinds in head["schema"]}
        self.summed = {number: (name, field, 3 + fields[name].index(field))
                       for number, name in self.names.items() for of, field in self.SUMMED if of == name}
        self.loss = next((number for number, name in self.names.items() if name == "writer_loss"), None)
        self.counts = collections.Counter()
        self.runs = {}  # by job, as the event has it

    def text(self, value):
        return self.strings[value] if isinstance(value, int) else value

    def add(self, event):
        number, found = event[0], self.found
        self.counts[number] += 1
        if number == self.loss:
            found.losses[self.text(event[5])] += event[4]
        if not isinstance(event[-1], dict):
            return  # the writer's own
        runs = self.runs.get(event[2])
        if runs is None:
            life, thread, _ = self.text(event[2]).split("-")
            runs = self.runs[event[2]] = found.threads[int(life), int(thread)]
        n = event[-1]["n"]
        runs.add(n, n)
        if number in self.summed:
            name, field, at = self.summed[number]
            found.sums[name, field] += event[at]

    def end(self):
        self.found.writers[self.writer].add(self.first, self.first + sum(self.counts.values()) - 1)
        for number, count in self.counts.items():
            self.found.events[self.names[number]] += count


def read_stream(stream, found):
    block = None
    for value in msgpack.Unpacker(stream, max_buffer_size=0, unicode_errors="surrogateescape"):
        if not isinstance(value, dict):
            block.add(value)
            continue
        if block is not None:
            block.end()
        block = Block(value, found)
    if block is not None:
        block.end()


def read(directories):
    found = Found()
    for directory in directories:
        for path in sorted(glob.glob(os.path.join(directory, "*", "*.zst"))):
            found.files += 1
            found.bytes += os.path.getsize(path)
            with subprocess.Popen(["zstd", "-dcq", path], stdout=subprocess.PIPE) as zstd:
                read_stream(zstd.stdout, found)
            if zstd.returncode != 0:
                raise SystemExit(f"zstd cannot read {path}")
    return found
