#!/usr/bin/env python3
"""Nightly runs killed at random moments and run again: nothing is lost, nothing counts twice.

    nightly_kill_test.py AGENTLOG LOG_IN_THE_PAST

Rounds of: a few logs of old days and of today, nightly runs that are killed (kill -9) at a random moment each, and one
that is left alone. After each round the log and the archive together must hold every event that was logged exactly
once, verify must find no fault, and the database must equal one that is made anew from them. ALOG_NIGHTLY_KILLS is the
number of kills (default 24), ALOG_NIGHTLY_SEED chooses the moments.
"""
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from canonical_dump import difference, dump

KILLS_PER_ROUND = 6
EVENTS = 400
# What a run leaves beside log, archive and database, and nothing else.
LEFT = {"DB", "DB.lock", "DB.nightly.json", "DB.nightly.lock", "page.html", "LOG", "ARCHIVE", "allow"}


def check(what, good):
    if not good:
        sys.exit(f"FAILED: {what}")


class Night:
    def __init__(self, agentlog, log_in_the_past, directory):
        self.agentlog, self.log_in_the_past, self.directory, self.logged = agentlog, log_in_the_past, directory, []
        with open(os.path.join(directory, "allow"), "w", encoding="utf-8") as f:
            f.write("* *\n")
        self.nightly = ["nightly", "LOG", "DB", "--archive-to", "ARCHIVE", "--keep-raw", "2d", "--redact", "secret", "--allow",
                        "allow", "--report", "page.html", "--keep-rows", "forever", "--keep-rollups", "forever"]

    def run(self, *words, good=(0,)):
        done = subprocess.run([self.agentlog, *words], cwd=self.directory, capture_output=True, text=True, timeout=120)
        check(f"{words} exits with {done.returncode}: {done.stderr}", done.returncode in good)
        return done.stdout

    def log(self, name, days_ago):
        subprocess.run([self.log_in_the_past, "LOG", str(days_ago), name, str(EVENTS)], cwd=self.directory, check=True)
        self.logged += [f"{name}-{i}" for i in range(EVENTS)]

    def killed(self, after_s):
        """Whether the run was still at it when it was killed."""
        process = subprocess.Popen([self.agentlog, *self.nightly], cwd=self.directory, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            process.wait(after_s)
            return False
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True

    def everything(self):
        """The keys of all events, of log and archive."""
        keys = []
        for folder in ("ARCHIVE", "LOG"):
            if os.path.isdir(os.path.join(self.directory, folder)):
                keys += [json.loads(line)["key"] for line in self.run("cat", folder, "--type", "error").splitlines()]
        return keys


def round_of(night, number, chance):
    for i, days_ago in enumerate((9, 5, 5, 0)):
        night.log(f"r{number}-{i}", days_ago)
    shutil.copytree(night.directory, night.directory + ".whole", symlinks=True)
    whole = Night(night.agentlog, night.log_in_the_past, night.directory + ".whole")
    began = time.monotonic()
    whole.run(*whole.nightly)
    takes_s = time.monotonic() - began
    shutil.rmtree(whole.directory)
    kills = sum(night.killed(chance.uniform(0, takes_s)) for _ in range(KILLS_PER_ROUND))
    report = json.loads(night.run(*night.nightly).splitlines()[-1])
    check(f"the run after the kills: {report}", report["exit_code"] == 0)
    logged = set(night.logged)
    there = collections.Counter(night.everything())
    wrong = {key: there[key] for key in {*night.logged, *there} if there[key] != 1 or key not in logged}
    check(f"every event is there, once: {len(wrong)} are not: {list(wrong.items())[:3]}", not wrong)
    night.run("verify", "LOG", "--archive", "ARCHIVE")
    night.run("rebuild", "LOG", "NEW", "--archive", "ARCHIVE")
    made, anew = (dump(os.path.join(night.directory, name)) for name in ("DB", "NEW"))
    if made != anew:
        sys.exit(f"FAILED: the database differs from one made anew: {difference(made, anew)}")
    for name in list(os.listdir(night.directory)):
        if name.startswith("NEW"):
            os.remove(os.path.join(night.directory, name))
    left = set(os.listdir(night.directory)) - LEFT
    check(f"nothing is left behind: {left}", not left)
    half = [name for _, _, names in os.walk(os.path.join(night.directory, "ARCHIVE")) for name in names
            if name.endswith((".archiving", ".tmp"))]
    check(f"nothing half made is in the archive: {half}", not half)
    return kills


def main():
    agentlog, log_in_the_past = map(os.path.abspath, sys.argv[1:])
    wanted = int(os.environ.get("ALOG_NIGHTLY_KILLS", "24"))
    seed = int(os.environ.get("ALOG_NIGHTLY_SEED", "20260204"))
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="agentlog-nightly-") as directory:
        os.mkdir(os.path.join(directory, "night"))
        night = Night(agentlog, log_in_the_past, os.path.join(directory, "night"))
        rounds = max(1, wanted // KILLS_PER_ROUND)
        kills = sum(round_of(night, number, chance) for number in range(rounds))
        print(f"{rounds} rounds, {kills} of {rounds * KILLS_PER_ROUND} runs killed while they were at it, "
              f"{len(night.logged)} events, seed {seed}")


if __name__ == "__main__":
    main()
