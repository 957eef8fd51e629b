"""What a log call takes and gives back: references, memory, and the interpreter's lock.

ALOG_PYTHON_CALLS says how many calls of each kind are looked at (default 20,000).
"""
import datetime
import gc
import os
import sys
import threading
import unittest

import agentlog
from python_case import LogCase

CALLS = int(os.environ.get("ALOG_PYTHON_CALLS", 20000))


class Text:
    def __str__(self):
        return "as text"


class NoText:
    def __str__(self):
        raise ValueError("no text")


def resident_kib():
    with open("/proc/self/smaps_rollup", encoding="ascii") as rollup:
        return sum(int(line.split()[1]) for line in rollup if line.startswith(("Private_Clean:", "Private_Dirty:")))


class Memory(LogCase):
    def calls(self, log):
        """One call of each kind, through every way that an argument can go."""
        moment = datetime.datetime(2026, 2, 4, tzinfo=datetime.timezone.utc)
        many = {f"attribute_{i}": Text() for i in range(40)}
        own = log.define("own", {"a": str, "b": float, "c": dict})
        return {
            "fields": lambda: log.agent_execution(agent_name="a", issue_type="i", success=True, confidence=0.5, attempt=3),
            "positions": lambda: log.agent_execution("a", "i", False),
            "texts of objects": lambda: log.error(error_type=Text(), error_message=b"bytes", line_number=10**30 // 10**29),
            "attributes": lambda: log.error(error_type="e", attributes=many, further=[1, {"k": None}]),
            "names of run time": lambda: log.error(**{"error" + "_type": "e", "file" + "_path": "f", "x" + "y": 2**70}),
            "times": lambda: log.error(error_type="e", timestamp=moment, event_id="1", environment="test"),
            "json": lambda: log.job_start(job_id="j", metadata={"k": [1, 2]}),
            "surrogates": lambda: log.error(error_type="a\ud800b"),
            "own events": lambda: own(a="a", b=1, c={"k": 1}, d=None),
            "unknown events": lambda: log.log("unheard_of", a=1.5),
            "refused": lambda: log.error(),
            "refused number": lambda: log.agent_execution(agent_name="a", success=True, confidence=7),
            "refused text": lambda: log.error(error_type="e", attributes={"a": NoText()}),
            "refused attributes": lambda: log.error(error_type="e", attributes=5),
            "too many positions": lambda: log.error(*range(70)),
            "defined again": lambda: log.define("own", {"a": str, "b": float, "c": dict}),
            "stats": log.stats,
        }

    def test_every_kind_of_call_gives_back_what_it_took(self):
        with agentlog.Writer(self.log_dir, ring_bytes=1 << 22) as log, agentlog.attached("job-1"):
            for name, call in self.calls(log).items():
                for _ in range(200):
                    call()
                gc.collect()
                blocks, resident = sys.getallocatedblocks(), resident_kib()
                for _ in range(CALLS):
                    call()
                gc.collect()
                # The interpreter keeps some free objects of each type.
                self.assertLess(sys.getallocatedblocks() - blocks, 1000, name)
                # What a call takes by malloc is for more attributes than usual: some KiB, where the drain thread's memory
                # moves by some MiB.
                self.assertLess(resident_kib() - resident, 16 * 1024, name)

    def test_arguments_are_not_kept(self):
        class Value(str):
            pass

        values = [Value("agent"), Value("job"), Value("extra")]
        with agentlog.Writer(self.log_dir, strict=True) as log:
            before = [sys.getrefcount(value) for value in values]
            for _ in range(100):
                log.agent_execution(agent_name=values[0], success=True, job_id=values[1], extra=values[2])
            self.assertEqual([sys.getrefcount(value) for value in values], before)

    def test_writers_come_and_go(self):
        for i in range(30):
            with agentlog.Writer(self.log_dir, ring_bytes=1 << 16) as log:
                log.define(f"event_{i}", {"a": str})(a="x")
        files = len(os.listdir("/proc/self/fd"))
        threads = threading.active_count()
        for _ in range(10):
            agentlog.Writer(self.log_dir, ring_bytes=1 << 16).close()
        self.assertEqual(len(os.listdir("/proc/self/fd")), files)
        self.assertEqual(threading.active_count(), threads)


class InterpreterLock(LogCase):
    """With a switch interval that never ends, another thread runs only while somebody gives the lock up."""

    def runs_meanwhile(self, wait):
        """Whether another thread gets to run within some calls of `wait`."""
        go, seen = threading.Event(), []

        def other():
            go.wait()
            seen.append("ran")

        thread = threading.Thread(target=other)
        interval = sys.getswitchinterval()
        thread.start()
        sys.setswitchinterval(1000)
        try:
            go.set()
            for _ in range(50):  # it may be slow to wake up
                if seen:
                    break
                wait()
            return bool(seen)
        finally:
            sys.setswitchinterval(interval)
            thread.join()

    def test_it_is_given_up_where_a_call_waits(self):
        self.assertFalse(self.runs_meanwhile(lambda: sum(range(10**5))), "the test cannot tell")
        log = agentlog.Writer(self.log_dir, ring_bytes=1 << 16, full_wait_ns=10**9)
        collector = agentlog.MetricsCollector(self.log_dir, refresh=False)

        def opens_and_closes():
            agentlog.Writer(self.log_dir, ring_bytes=1 << 16).close()

        def logs_and_flushes():
            collector.log.error(error_type="e")
            collector.log.flush(60)

        waits = [lambda: [log.error(error_type="e") for _ in range(1000)], opens_and_closes, logs_and_flushes,
                 collector.update, collector.get_all_time_stats]
        self.assertEqual([self.runs_meanwhile(wait) for wait in waits], [True] * len(waits))
        log.close()
        collector.close()


if __name__ == "__main__":
    unittest.main()
