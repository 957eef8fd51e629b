"""Job scopes in Python: every event within one carries its id, wherever it is logged."""
import asyncio
import contextvars
import multiprocessing
import os
import threading
import unittest

import agentlog
from python_case import LogCase


class Jobs(LogCase):
    def setUp(self):
        super().setUp()
        self.log = agentlog.Writer(self.log_dir, strict=True)
        self.addCleanup(lambda: self.log.closed or self.log.close())

    def say(self, what):
        self.log.error(error_type=what)

    def jobs_of_errors(self):
        self.log.close()
        return {e["error_type"]: e.get("job_id") for e in self.events("error")}

    def test_scopes_nest_and_end(self):
        self.say("before")
        with self.log.job("outer", ai_agent=True, metadata={"a": 1}):
            self.say("in outer")
            with self.log.job("inner"):
                self.say("in inner")
                self.assertEqual(agentlog.current_job(), "inner")
            self.say("in outer again")
        self.say("after")
        self.assertEqual(self.jobs_of_errors(), {"before": None, "in outer": "outer", "in inner": "inner",
                                                 "in outer again": "outer", "after": None})
        self.assertEqual([(e["event"], e["job_id"]) for e in self.events() if e["event"].startswith("job_")],
                         [("job_start", "outer"), ("job_start", "inner"), ("job_end", "inner"), ("job_end", "outer")])

    def test_how_a_job_ends(self):
        with self.assertRaises(ZeroDivisionError):
            with self.log.job("raised"):
                1 / 0
        with self.log.job("failed") as job:
            job.iterations = 3
            job.fail("no luck")
        with self.assertRaises(asyncio.CancelledError):
            with self.log.job("cancelled"):
                raise asyncio.CancelledError
        with self.log.job() as job:
            self.assertGreaterEqual(len(job.id), 16)
        self.log.close()
        ends = self.events("job_end")
        self.assertEqual([e["status"] for e in ends], ["failed", "failed", "cancelled", "success"])
        self.assertEqual(ends[0]["error_message"], "ZeroDivisionError: division by zero")
        self.assertEqual((ends[1]["error_message"], ends[1]["iterations"]), ("no luck", 3))

    def test_a_scope_that_is_left_in_another_context(self):
        def work():
            with self.log.job("j"), agentlog.attached("k"):
                yield

        items = work()
        contextvars.copy_context().run(next, items)
        items.close()
        self.assertIsNone(agentlog.current_job())
        self.log.close()
        [end] = self.events("job_end")
        self.assertEqual((end["job_id"], end["status"]), ("j", "cancelled"))

    def test_threads(self):
        with self.log.job("j"):
            threads = [
                agentlog.Thread(target=self.say, args=("own thread",)),
                threading.Thread(target=agentlog.carried(self.say), args=("carried",)),
                threading.Thread(target=self.say, args=("plain thread",)),
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            with agentlog.ThreadPoolExecutor(2) as pool:
                list(pool.map(self.say, ["pool 1", "pool 2"]))
        self.assertEqual(self.jobs_of_errors(),
                         {"own thread": "j", "carried": "j", "plain thread": None, "pool 1": "j", "pool 2": "j"})

    def test_a_scope_from_elsewhere(self):
        with agentlog.attached("far"):
            self.say("attached")
            with agentlog.attached(None):
                self.say("none")
        self.assertEqual(self.jobs_of_errors(), {"attached": "far", "none": None})

    def test_asyncio_tasks_keep_apart(self):
        async def work(n):
            async with self.log.job(f"job-{n}"):
                await asyncio.sleep(0.01 * (3 - n))
                self.say(f"first {n}")
                await asyncio.gather(inner(n), asyncio.to_thread(self.say, f"thread {n}"))

        async def inner(n):
            await asyncio.sleep(0)
            self.say(f"task {n}")

        async def main():
            await asyncio.gather(*(work(n) for n in range(3)))

        asyncio.run(main())
        found = self.jobs_of_errors()
        self.assertEqual(len(found), 9)
        for what, job in found.items():
            self.assertEqual(job, f"job-{what[-1]}", what)


def in_child(log, what):
    log.error(error_type=what)


class Forks(LogCase):
    def test_forked_workers_log_with_a_writer_of_their_own(self):
        log = agentlog.Writer(self.log_dir, strict=True)
        log.error(error_type="parent before")
        with log.job("j"):
            context = multiprocessing.get_context("fork")
            workers = [context.Process(target=in_child, args=(log, f"worker {i}")) for i in range(3)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
                self.assertEqual(worker.exitcode, 0)
            child = os.fork()
            if child == 0:
                log.error(error_type="os.fork")
                log.close()
                os._exit(0)
            self.assertEqual(os.waitpid(child, 0)[1], 0)
        log.error(error_type="parent after")
        log.close()
        found = self.events("error")
        self.assertEqual({e["error_type"]: e.get("job_id") for e in found}, {
            "parent before": None, "worker 0": "j", "worker 1": "j", "worker 2": "j", "os.fork": "j",
            "parent after": None})
        self.assertEqual(len(found), 6)
        self.assertEqual(len({e["event_id"].split("-")[0] for e in found}), 5)


if __name__ == "__main__":
    unittest.main()
