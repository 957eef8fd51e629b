#!/usr/bin/python3
"""Everything at once, for a while: agents, rotation, ingest, archive, prune and nightly runs on one log, with kill -9 of
each of them and disks that are full now and then; then an oracle counts.

    soak_test.py AGENTLOG SOAK_AGENT

    ALOG_SOAK_SECONDS   how long (default 5; the long run is 1800)
    ALOG_SOAK_RATE      events a second of all agents together (default 20000)
    ALOG_SOAK_SEED      repeats the choices, not the scheduling

In the end: emitted = stored + counted losses, each event once, in its thread's order; what the database adds up to is
what is in the log and the archive; a rebuild gives the same database; the processes that lived all the time use no
more memory and descriptors than at half time; nothing lies about. Full disks need root (two tmpfs that are made
smaller, in a mount namespace of their own); without it they are left out, and it is said.
"""
import collections
import contextlib
import glob
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time

SKIPPED = 77
try:
    import soak_oracle
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(SKIPPED)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))
import canonical_dump

MOST_THREADS, MOST_LIVES, LEDGER_BYTES = 4, 16384, 64  # as in soak_ledger.h
ELDERS, MORTALS = 2, 3
KILLED = -signal.SIGKILL
NOT_CLOSED = 3  # soak_agent's
LOCKED, NOT_FOUND = 11, 10
USUAL = ("is not sealed; see 'agentlog help recover'", "which the log says now")  # exit 3, and nothing is wrong
LOG_DISK, OTHER_DISK = "64m", "6g"
GROWTH_KIB = 1024  # what a process may grow by in the second half, in KiB; a leak of a byte an event would be more


class Soak:
    def __init__(self, agentlog, agent, directory, rings):
        self.agentlog, self.agent, self.directory, self.rings = agentlog, agent, directory, rings
        self.seconds = float(os.environ.get("ALOG_SOAK_SECONDS", 5))
        self.rate = int(os.environ.get("ALOG_SOAK_RATE", 20000))
        self.seed = int(os.environ.get("ALOG_SOAK_SEED", random.randrange(1 << 32)))
        self.sanitized = "ALOG_SANITIZED" in os.environ  # their memory is not ours to judge
        self.log = os.path.join(directory, "log-disk", "log")
        other = os.path.join(directory, "other-disk")
        self.archive = os.path.join(other, "archive")
        self.databases = os.path.join(other, "databases")
        self.kept, self.pruned, self.again = (os.path.join(self.databases, n + ".db") for n in ("kept", "pruned", "again"))
        self.ledger = os.path.join(directory, "ledger")
        self.disks = {}  # mount point: size; empty when nothing can be mounted
        self.lock = threading.Lock()
        self.lives = 0
        self.done = collections.Counter()  # what happened, by name
        self.faults = []
        self.full = []  # [begin, end] of each time that a disk was full
        self.samples = collections.defaultdict(list)
        self.began = time.monotonic()
        self.over = threading.Event()

    def fault(self, text):
        with self.lock:
            self.faults.append(text)
        print(f"FAULT at {time.monotonic() - self.began:.1f} s: {text}", flush=True)

    def count(self, name, by=1):
        with self.lock:
            self.done[name] += by

    # ---- Disks

    def mount(self):
        for name, size in (("log-disk", LOG_DISK), ("other-disk", OTHER_DISK)):
            path = os.path.join(self.directory, name)
            os.mkdir(path)
            made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "agentlog-soak", path],
                                  stderr=subprocess.PIPE, text=True)
            if made.returncode == 0:
                self.disks[path] = size
            elif not self.done["no disks"]:
                self.count("no disks")
                print(f"skipped: full disks: {made.stderr.strip()}")
        os.makedirs(self.databases)

    def unmount(self):
        for path in self.disks:
            subprocess.run(["umount", "-l", path], check=True)

    def resize(self, path, size):
        return subprocess.run(["mount", "-o", f"remount,size={size}", path], stderr=subprocess.DEVNULL).returncode == 0

    def fill_disk(self, choices):
        """As small as what is on it, for a moment."""
        path = choices.choice(sorted(self.disks))
        span = [time.monotonic(), float("inf")]
        self.full.append(span)
        facts = os.statvfs(path)
        used = max(1, facts.f_blocks - facts.f_bfree) * facts.f_frsize  # 0 would be without a limit
        filled = any(self.resize(path, used + slack) for slack in (0, 64 << 10, 1 << 20))
        self.over.wait(choices.uniform(0.5, 2) if self.seconds < 60 else choices.uniform(2, 10))
        if not self.resize(path, self.disks[path]):
            self.fault(f"{path} cannot be made larger again")
        span[1] = time.monotonic() + 1  # some see it later
        self.count(f"full {os.path.basename(path)}" if filled else "disk that could not be filled")

    def was_full(self, since):
        return any(end >= since for _, end in self.full)

    # ---- Agents

    def start_agent(self, choices, threads, rate, days_back):
        with self.lock:
            life, self.lives = self.lives, self.lives + 1
        assert life < MOST_LIVES
        return subprocess.Popen([self.agent, self.log, self.rings, self.ledger, str(life), str(threads), str(rate),
                                 str(days_back), str(choices.randrange(1 << 62))])

    def end_agent(self, process):
        """It closes its writer, which a full disk may keep from sealing the segment."""
        since = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(60)
        except subprocess.TimeoutExpired:
            self.fault("an agent did not end in 60 s")
            process.kill()
            code = process.wait()
        if code == -signal.SIGTERM:
            self.count("agents ended before they began")
        elif code == 0:
            self.count("agents ended")
        elif code == NOT_CLOSED and self.was_full(since):
            self.count("agents ended, disk full")
        else:
            self.fault(f"an agent ended with {code}")

    def keep_mortals(self, choices):
        while not self.over.is_set():
            # Half of them of the last days, for archive and prune; their events come late.
            days_back = choices.choice((0, 0, 0, 1, 2, 4))
            share = self.rate // (2 * MORTALS)
            process = self.start_agent(choices, choices.randint(1, MOST_THREADS), share, days_back)
            self.over.wait(choices.choice((0.02, 0.3, 2, 8)) * choices.random())
            if choices.random() < 0.75:
                process.kill()
                if process.wait() != KILLED:
                    self.fault(f"an agent ended with {process.returncode} before it was killed")
                self.count("kills of agents")
            else:
                self.end_agent(process)

    # ---- Commands

    def run(self, name, *arguments, kill_after=None, allowed=()):
        """One command; True if it did what it should. Full disks and other runs may keep it from that."""
        since = time.monotonic()
        process = subprocess.Popen([self.agentlog, name, *arguments], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
        try:
            out, err = process.communicate(timeout=kill_after if kill_after is not None else 300)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            if kill_after is None:
                self.fault(f"{name} took 300 s")
        code = process.returncode
        if code == KILLED:
            self.count(f"kills of {name}")
        elif code == 0 or code in allowed or (code == 3 and all(line.endswith(USUAL) or "recovered" in line
                                                                for line in err.splitlines())):
            self.count(name)
        elif code in (1, 3) and self.was_full(since):
            self.count(f"{name}, disk full")
        else:
            self.fault(f"{name} {' '.join(arguments)}: exit {code}\n    " + err.strip().replace("\n", "\n    "))
        return code == 0, out

    def repeat(self, choices, every, kills, *commands):
        """Run one of the commands now and then, and kill it at a random moment of its usual time, in `kills` of all."""
        usual = {}
        while not self.over.wait(choices.uniform(0, 2 * every)):
            command = choices.choice(commands)
            kill_after = None
            if choices.random() < kills:
                kill_after = choices.uniform(0, usual.get(command[0], 0.1))
            since = time.monotonic()
            self.run(*command, kill_after=kill_after, allowed=(LOCKED, NOT_FOUND))
            if kill_after is None:
                usual[command[0]] = time.monotonic() - since

    # ---- What lives all the time

    def sample(self, name, pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            with open(f"/proc/{pid}/status", encoding="ascii") as f:
                status = dict(line.split(":", 1) for line in f)
            descriptors = len(os.listdir(f"/proc/{pid}/fd"))
            if "RssAnon" in status:
                self.samples[name].append((time.monotonic() - self.began, int(status["RssAnon"].split()[0]), descriptors))

    def sample_all(self, processes):
        while not self.over.wait(max(0.1, self.seconds / 2000)):
            for name, process in processes.items():
                self.sample(name, process.pid)

    def check_samples(self):
        """Least squares over the second half."""
        for name, samples in sorted(self.samples.items()):
            half = [s for s in samples if s[0] >= self.seconds / 2]
            if len(half) < 5:
                self.fault(f"{name}: {len(half)} samples")
                continue
            growth = [slope(half, column) * (half[-1][0] - half[0][0]) for column in (1, 2)]
            least, most = min(s[1] for s in half), max(s[1] for s in half)
            print(f"{name}: {least} to {most} KiB of memory of its own, {min(s[2] for s in half)} to"
                  f" {max(s[2] for s in half)} descriptors; grew by {growth[0]:.0f} KiB and {growth[1]:.1f} descriptors")
            if (growth[0] > GROWTH_KIB and not self.sanitized) or growth[1] > 4:
                self.fault(f"{name} grows")

    # ---- The run

    def soak(self):
        choices = random.Random(self.seed)
        with open(self.ledger, "wb") as f:
            f.truncate(LEDGER_BYTES * MOST_THREADS * MOST_LIVES)
        fork = lambda: random.Random(choices.randrange(1 << 62))
        living = {f"agent {i + 1}": self.start_agent(fork(), 2, self.rate // (2 * ELDERS), 0) for i in range(ELDERS)}
        while not os.path.exists(self.log):
            time.sleep(0.01)
        living["cat --follow"] = subprocess.Popen([self.agentlog, "cat", self.log, "--follow", "--type", "job_end"],
                                                  stdout=subprocess.DEVNULL)
        long_ago, all_days = ("--older-than", "2100-01-01"), ("--level", "1")
        pace = 1 if self.seconds < 60 else 3
        actors = [(self.keep_mortals, fork()) for _ in range(MORTALS)]
        actors += [
            (self.repeat, fork(), pace, 0.3, ("ingest", self.log, self.kept, "--archive", self.archive)),
            (self.repeat, fork(), 2 * pace, 0.3, ("archive", self.log, "--to", self.archive, *long_ago, *all_days)),
            (self.repeat, fork(), 2 * pace, 0.3, ("nightly", self.log, self.pruned, "--archive-to", self.archive,
                                                   "--keep-raw", "1d", "--keep-rows", "2d", "--allow", self.allow())),
            (self.repeat, fork(), 2 * pace, 0.5, ("recover", self.log), ("prune", self.pruned, "--keep-rows", "2d")),
            (self.repeat, fork(), pace, 0, ("summary", self.kept), ("stats", "agents", self.pruned),
             ("status", self.log, self.kept), ("info", self.log), ("trace", self.log, "0-0-1", "--archive", self.archive)),
            (self.repeat, fork(), 10 * pace, 0.3, ("rebuild", self.log, self.again, "--archive", self.archive)),
            (self.sample_all, living)]
        threads = [threading.Thread(target=self.guarded, args=actor) for actor in actors]
        for thread in threads:
            thread.start()
        while time.monotonic() - self.began < self.seconds:
            self.over.wait(choices.uniform(0.1, 0.4) * min(self.seconds / 4, 100))
            if self.disks and time.monotonic() - self.began < self.seconds:
                self.fill_disk(choices)
        self.over.set()
        for thread in threads:
            thread.join()
        follower = living.pop("cat --follow")
        if follower.poll() is not None:
            self.fault(f"cat --follow ended with {follower.returncode}")
        else:
            follower.send_signal(signal.SIGTERM)
            follower.wait()
        for process in living.values():
            self.end_agent(process)
        self.lasted = time.monotonic() - self.began

    def guarded(self, *arguments):
        try:
            arguments[0](*arguments[1:])
        except Exception as error:  # an actor that ends early would hide what it was to find
            self.fault(f"{type(error).__name__} in the test itself: {error}")
            raise

    def allow(self):
        path = os.path.join(self.directory, "allow.txt")
        with open(path, "w", encoding="ascii") as f:
            f.write("* *\n")
        return path

    # ---- The end

    def settle(self):
        """What is left to do is done, once; done again, it is nothing."""
        self.full.clear()
        # What a writer leaves that is killed while it makes its control file; recover removes what is older than any
        # writer's opening. The kills hit that moment seldom, this does always.
        os.close(os.open(f"{self.log}/.writers/{1:016x}.writer.new", os.O_CREAT | os.O_WRONLY, 0o600))
        for path in glob.glob(f"{self.log}/.writers/*.writer.new"):
            os.utime(path, (0, 0))
        self.run("recover", self.log)
        self.run("ingest", self.log, self.kept, "--archive", self.archive)
        self.run("nightly", self.log, self.pruned, "--archive-to", self.archive, "--keep-raw", "1d", "--keep-rows", "2d",
                 "--allow", self.allow())
        self.run("verify", self.log)
        self.run("archive", self.log, "--to", self.archive, "--older-than", "2100-01-01", "--level", "1")
        self.run("verify", self.archive)
        self.run("ingest", self.log, self.pruned, "--archive", self.archive)
        fine, out = self.run("ingest", self.log, self.kept, "--archive", self.archive, "--json")
        if fine and json.loads(out)["events"] != 0:
            self.fault(f"ingest again: {out}")
        self.run("rebuild", self.archive, self.again)

    def acknowledged(self):
        with open(self.ledger, "rb") as f:
            data = f.read()
        for i in range(self.lives * MOST_THREADS):
            stored, dropped = struct.unpack_from("<QQ", data, i * LEDGER_BYTES)
            yield (i // MOST_THREADS, i % MOST_THREADS), stored, dropped

    def check_events(self, found):
        """What was acknowledged is there once; of each thread's life at most one more, which was not acknowledged yet."""
        stored_sum = dropped_sum = more = 0
        for key, stored, dropped in self.acknowledged():
            last, faults = found.threads[key].faults() if key in found.threads else (0, [])
            for text in faults[:3]:
                self.fault(f"events of thread {key}: {text}")
            if not stored <= last <= stored + 1:
                self.fault(f"thread {key}: {stored} events acknowledged, {last} in the log")
            stored_sum, dropped_sum, more = stored_sum + stored, dropped_sum + dropped, more + last - stored
        for writer, runs in found.writers.items():
            for text in runs.faults()[1][:3]:
                self.fault(f"sequence numbers of writer {writer}: {text}")
        lost = sum(found.losses.values())
        # A loss is counted before the call says so.
        if not dropped_sum <= lost <= dropped_sum + self.lives * MOST_THREADS:
            self.fault(f"{dropped_sum} log calls said dropped, {lost} are in the log")
        print(f"{stored_sum} events acknowledged as stored (and {more} stored, not acknowledged yet), {dropped_sum} as"
              f" dropped, by {self.lives} processes; {stored_sum / self.lasted:.0f} stored a second")
        print(f"the log has {found.files} files, {found.bytes} bytes, {sum(found.events.values())} events; losses by reason:"
              f" {dict(found.losses)}")

    def check_sums(self, path, found):
        db = canonical_dump.open_read(path)
        one = lambda sql: db.execute(sql).fetchone()[0]
        sums = {
            "events by type": (dict(db.execute("SELECT event, SUM(events) FROM rollup_events GROUP BY event")),
                               dict(found.events)),
            "segments": (one("SELECT SUM(events) FROM segments"), sum(found.events.values())),
            "agent_execution": (one("SELECT SUM(executions) FROM rollup_agents"), found.events["agent_execution"]),
            "fixes_applied": (one("SELECT SUM(fixes_applied_sum) FROM rollup_agents"),
                              found.sums["agent_execution", "fixes_applied"]),
            "provider_performance": (one("SELECT SUM(calls) FROM rollup_providers"), found.events["provider_performance"]),
            "input_tokens": (one("SELECT SUM(input_tokens_sum) FROM rollup_providers"),
                             found.sums["provider_performance", "input_tokens"]),
            "losses": (one("SELECT COALESCE(SUM(events_lost), 0) FROM rollup_losses"), sum(found.losses.values())),
            "bad segments": (one("SELECT COUNT(*) FROM bad_segments"), 0)}
        db.close()
        for name, (there, expected) in sums.items():
            if there != expected:
                self.fault(f"{path}: {name}: {there}, the oracle has {expected}")

    def check_databases(self, found):
        for path in (self.kept, self.pruned, self.again):
            self.check_sums(path, found)
        different = canonical_dump.difference(canonical_dump.dump(self.kept), canonical_dump.dump(self.again))
        if different:
            self.fault(f"a rebuild differs: {different}")
        hourly = [row[0] for row in canonical_dump.open_read(self.kept).execute(
            "SELECT m.name FROM sqlite_schema m, pragma_table_info(m.name) c"
            " WHERE m.type = 'table' AND m.name LIKE 'rollup%' AND c.name = 'hour_epoch'")]
        for table in hourly:
            rows = [sorted(map(repr, canonical_dump.open_read(path).execute(f"SELECT * FROM {table}")))
                    for path in (self.kept, self.pruned)]
            if rows[0] != rows[1]:
                self.fault(f"the pruned database differs in {table}")
        pruned = canonical_dump.open_read(self.pruned).execute("SELECT COUNT(*) FROM pruned_days").fetchone()[0]
        print(f"databases: {os.path.getsize(self.kept)} bytes, pruned (of {pruned} days) {os.path.getsize(self.pruned)};"
              f" {len(hourly)} hourly tables compared")

    def check_strays(self):
        def walk(directory, fine):
            for base, directories, files in os.walk(directory):
                for name in files + [d + "/" for d in directories if not os.listdir(os.path.join(base, d))]:
                    relative = os.path.relpath(os.path.join(base, name.rstrip("/")), directory)
                    if not fine(relative):
                        self.fault(f"{directory}/{relative} lies about")
        walk(self.rings, lambda path: False)
        # A writer that was killed before it had a segment leaves the day's directory, which stays.
        walk(self.log, lambda path: path == ".writers" or re.fullmatch(r"\d{4}-\d\d-\d\d", path))
        walk(self.archive, lambda path: path == ".archive.lock" or path.endswith((".msgpack.zst", ".msgpack.zst.manifest.json")))
        whole = {os.path.basename(p) + s for p in (self.kept, self.pruned, self.again) for s in ("", ".lock")}
        walk(self.databases, lambda path: path in whole or path.startswith("pruned.db.nightly."))

    def keep(self):
        """A copy that outlives the mounts, for whoever looks for the fault."""
        kept = tempfile.mkdtemp(prefix="agentlog-soak-kept-")
        return shutil.copytree(self.directory, kept, dirs_exist_ok=True)

    def report(self):
        print(f"{self.lasted:.0f} s; " + ", ".join(f"{n} {c}" for n, c in sorted(self.done.items())))

    def check(self):
        self.settle()
        found = soak_oracle.read((self.log, self.archive))
        self.report()
        self.check_events(found)
        self.check_databases(found)
        self.check_samples()
        self.check_strays()
        if not self.done["kills of agents"] or not found.events["agent_execution"]:
            self.fault("nothing happened")


def slope(samples, column):
    """Per second, least squares."""
    n = len(samples)
    mean_t, mean_y = sum(s[0] for s in samples) / n, sum(s[column] for s in samples) / n
    spread = sum((s[0] - mean_t) ** 2 for s in samples)
    return sum((s[0] - mean_t) * (s[column] - mean_y) for s in samples) / spread if spread else 0.0


def in_own_namespace():
    """Mounts end with the process. Where that is not possible, go on without it, and without mounts."""
    if os.environ.get("ALOG_SOAK_NAMESPACE") is None and os.geteuid() == 0 and shutil.which("unshare"):
        if subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL).returncode == 0:
            os.environ["ALOG_SOAK_NAMESPACE"] = "own"
            os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, "-B", *sys.argv])


def main(agentlog, agent):
    in_own_namespace()
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="agentlog-soak-") as directory, \
            tempfile.TemporaryDirectory(prefix="agentlog-soak-", dir=memory) as rings:
        soak = Soak(agentlog, agent, directory, rings)
        print(f"ALOG_SOAK_SECONDS={soak.seconds:g} ALOG_SOAK_RATE={soak.rate} ALOG_SOAK_SEED={soak.seed}", flush=True)
        soak.mount()
        try:
            soak.soak()
            soak.check()
            if soak.faults:
                print(f"all of it: {soak.keep()}")
        finally:
            soak.unmount()
    if soak.faults:
        raise SystemExit(f"{len(soak.faults)} faults")
    print("no fault found")


if __name__ == "__main__":
    main(*sys.argv[1:])
