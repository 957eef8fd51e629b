"""The Python writer: what is logged is read back by the program."""
import datetime
import gc
import inspect
import math
import threading
import unittest

import agentlog
from python_case import LogCase


class Calls(LogCase):
    def test_every_event_of_the_catalogue_is_read_back(self):
        samples = {"name": "n", "text": "t", "json": {"a": [1, None]}, "bool": True, "int": 7, "float": 0.25}
        statuses = {"status": "success", "failure_class": "execution"}
        expected = {}
        with agentlog.Writer(self.log_dir, strict=True) as log:
            for event, _, fields in agentlog._writer.catalogue():
                if event.startswith("writer_"):
                    continue
                given = {name: samples.get(kind) for name, kind, *_ in fields}
                given.update({name: statuses[name] for name, kind, *_ in fields if kind == "enum"})
                if event == "individual_test_execution":
                    given["status"] = "passed"
                self.assertTrue(getattr(log, event)(job_id="j", **given), log.last_error)
                expected[event] = given
        found = {e["event"]: e for e in self.events()}
        self.assertEqual(set(found), set(expected))
        for event, given in expected.items():
            self.assertEqual({name: found[event][name] for name in given}, given)

    def test_signatures_are_the_catalogues(self):
        for event, _, fields in agentlog._writer.catalogue():
            if event.startswith("writer_"):
                continue
            parameters = inspect.signature(getattr(agentlog.Writer, event)).parameters
            for name, _, required, *_ in fields:
                self.assertEqual(parameters[name].default is inspect.Parameter.empty, required, name)

    def test_fields_by_position_and_names_made_at_run_time(self):
        with agentlog.Writer(self.log_dir, strict=True) as log:
            log.agent_execution("fixer", "lint", True, **{"".join(["conf", "idence"]): 0.5, "job" + "_id": "j"})
        [event] = self.events()
        self.assertEqual((event["agent_name"], event["confidence"], event["job_id"]), ("fixer", 0.5, "j"))

    def test_an_argument_may_log_and_define_while_it_is_taken(self):
        class Busy:
            def __str__(self):
                log.hook_execution(status="failed", hook_name="inner", job_id="j")
                log.define("own", {"a": str, "b": str})(b="inner", a="inner")
                return "busy"

        with agentlog.Writer(self.log_dir, strict=True) as log:
            own = log.define("own", {"a": str, "b": str})
            for _ in range(3):
                log.hook_execution(hook_name=Busy(), hook_type="fast", status="success")
                own(a=Busy(), b="outer", c="more")
                log.hook_execution(status="skipped", **{f"x{i}": i for i in range(30)}, hook_name="many")
        hooks = [(e["hook_name"], e["status"], e.get("hook_type")) for e in self.events("hook_execution")]
        self.assertEqual(hooks, 3 * [("inner", "failed", None), ("busy", "success", "fast"), ("inner", "failed", None),
                                     ("many", "skipped", None)])
        owns = [(e["a"], e["b"], e.get("c")) for e in self.events("own")]
        self.assertEqual(owns, 3 * [("inner", "inner", None), ("inner", "inner", None), ("busy", "outer", "more")])

    def test_values_of_every_kind_survive(self):
        class Odd:
            def __str__(self):
                return "odd"

        attributes = {
            "none": None, "yes": True, "small": -3, "large": 2**63, "huge": 10**30, "real": 0.1, "text": "é\0\"",
            "bytes": b"raw", "list": [1, "a"], "nested": {"k": Odd()}, "object": Odd(), "empty": "",
        }
        with agentlog.Writer(self.log_dir, strict=True) as log:
            log.error(error_type="hook", attributes=attributes, further=1)
        [event] = self.events()
        for name, value in attributes.items():
            expected = {"huge": str(10**30), "bytes": "raw", "nested": {"k": "odd"}, "object": "odd"}.get(name, value)
            self.assertEqual(event[name], expected, name)
        self.assertEqual(event["further"], 1)

    def test_a_lone_surrogate_and_what_is_not_finite(self):
        with agentlog.Writer(self.log_dir, strict=True) as log:
            self.assertTrue(log.error(error_type="a\ud800b"))
            self.assertTrue(log.agent_execution(agent_name="a", issue_type="i", success=True, confidence=math.nan))
        self.assertEqual(len(self.events()), 2)

    def test_timestamps(self):
        zone = datetime.timezone(datetime.timedelta(hours=2))
        moment = datetime.datetime(2026, 2, 4, 14, 0, 0, 123456, zone)
        with agentlog.Writer(self.log_dir, strict=True) as log:
            log.error(error_type="a", timestamp=moment)
            log.error(error_type="b", timestamp=1770206400000000001)
            with self.assertRaises(TypeError):
                log.error(error_type="c", timestamp=1.5)
        self.assertEqual([e["timestamp"] for e in self.events()],
                         ["2026-02-04T12:00:00.123456Z", "2026-02-04T12:00:00.000000001Z"])

    def test_nothing_is_raised_unless_asked(self):
        class Bad:
            def __str__(self):
                raise ValueError("no text")

        with agentlog.Writer(self.log_dir) as log:
            self.assertIs(log.agent_execution(agent_name="a", issue_type="i"), False)
            self.assertIn("success is required", log.last_error)
            self.assertIs(log.error(error_type=Bad()), False)
            self.assertIn("no text", log.last_error)
            self.assertEqual(log.refused, 2)
            self.assertEqual(log.stats()["refused"], 2)
            self.assertEqual(log.stats()["emitted"], 0)
        self.assertTrue(log.closed)
        self.assertIs(log.error(error_type="late"), False)

    def test_what_only_looks_true_is_no_success(self):
        class Answer:
            def __init__(self, well):
                self.well = well

            def __bool__(self):
                return self.well

        taken = [(True, True), (False, False), (1, True), (0, False), (Answer(True), True), (Answer(False), False)]
        with agentlog.Writer(self.log_dir) as log:
            for success, _ in taken:
                self.assertIs(log.agent_execution(agent_name="a", issue_type="i", success=success), True, success)
            for success in ("false", "true", "", b"0", [], [False], {}, set(), object(), len):
                self.assertIs(log.agent_execution(agent_name="a", issue_type="i", success=success), False, success)
                self.assertIn("must be True or False", log.last_error)
        self.assertEqual([e["success"] for e in self.events()], [truth for _, truth in taken])

    def test_messages_may_be_cut_anywhere(self):
        with agentlog.Writer(self.log_dir) as log:
            for shift in range(4):
                self.assertFalse(log.error(error_type="e", **{"x" * shift + "é" * 600: 1}))
                self.assertIn("attribute", log.last_error)
            self.assertEqual(log.stats()["last_error"], "")
        with self.assertRaises(agentlog.Error):
            agentlog.Writer("/proc/" + "é" * 600)

    def test_strict_raises_with_a_status(self):
        log = agentlog.Writer(self.log_dir, strict=True)
        with self.assertRaises(agentlog.Error) as caught:
            log.agent_execution(agent_name="a")
        self.assertEqual(caught.exception.status, "ALOG_INVALID")
        log.close()
        with self.assertRaises(agentlog.Error) as caught:
            log.error(error_type="late")
        self.assertEqual(caught.exception.status, "ALOG_CLOSED")
        log.close()

    def test_options_are_checked(self):
        with self.assertRaises(agentlog.Error):
            agentlog.Writer(self.log_dir, ring_bytes=5)
        with self.assertRaises(ValueError):
            agentlog.Writer(self.log_dir, sync="sometimes")
        with self.assertRaises(TypeError):
            agentlog.Writer(self.log_dir, nonsense=1)
        with self.assertRaises(agentlog.Error):
            agentlog.Writer(self.log_dir, drain_threads=3)
        with agentlog.Writer(self.log_dir, environment="test", sync="none", flush_interval_ms=50, drain_threads=1,
                             no_recovery=True) as log:
            log.error(error_type="e")
            self.assertTrue(log.flush(timeout=30))
            self.assertEqual(log.stats()["stored"], 1)
        self.assertEqual(self.events()[0]["environment"], "test")

    def test_events_of_ones_own(self):
        with agentlog.Writer(self.log_dir, strict=True) as log:
            deploy = log.define("deploy", {"service": str, "seconds": float, "plan": dict}, required=["service"])
            deploy(service="web", seconds=1.5, plan={"n": 1}, note="x")
            log.log("deploy", service="db")
            log.log("unheard_of", a=1)
            log.log("error", error_type="by name")
            with self.assertRaises(agentlog.Error):
                deploy(seconds=1.0)
            with self.assertRaises(ValueError):
                log.define("wrong", {"a": complex})
            with self.assertRaises(ValueError):
                log.define("wrong", {"a": int}, required=["b"])
        found = self.events()
        self.assertEqual([e["event"] for e in found], ["deploy", "deploy", "unheard_of", "error"])
        self.assertEqual((found[0]["plan"], found[0]["note"]), ({"n": 1}, "x"))

    def test_a_forgotten_writer_is_closed(self):
        log = agentlog.Writer(self.log_dir)
        log.error(error_type="kept")
        del log
        gc.collect()
        self.assertEqual(len(self.events()), 1)

    def test_threads_log_while_it_closes(self):
        log = agentlog.Writer(self.log_dir, ring_bytes=1 << 16, full_wait_ns=2_000_000)
        stored = [0] * 4
        ready = threading.Barrier(5)

        def work(i):
            ready.wait()
            while not log.closed:
                stored[i] += log.hook_execution(hook_name="h", status="success")

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        ready.wait()
        while sum(stored) < 20000:
            pass
        log.close()
        for thread in threads:
            thread.join()
        self.assertEqual(len(self.events()), sum(stored))


if __name__ == "__main__":
    unittest.main()
