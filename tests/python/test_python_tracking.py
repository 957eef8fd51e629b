"""The decorators: each call is logged once, as it ended; results and exceptions pass through."""
import asyncio
import unittest

import agentlog
from python_case import LogCase


class Throttled(Exception):
    status_code = 429


class Tracking(LogCase):
    def setUp(self):
        super().setUp()
        self.log = agentlog.Writer(self.log_dir, strict=True)
        self.addCleanup(lambda: self.log.closed or self.log.close())

    def logged(self):
        self.log.close()
        return self.events()

    def test_plain_functions(self):
        @self.log.tracked_agent("fixer", issue_type="lint", describe=lambda n: {"fixes_applied": n, "confidence": 0.5})
        def fix(n):
            """doc"""
            if n < 0:
                raise ValueError("negative")
            return n

        self.assertEqual(fix(3), 3)
        with self.assertRaises(ValueError):
            fix(-1)
        self.assertEqual((fix.__name__, fix.__doc__), ("fix", "doc"))
        good, bad = self.logged()
        self.assertEqual((good["success"], good["fixes_applied"], good["confidence"]), (True, 3, 0.5))
        self.assertGreaterEqual(good["execution_time_ms"], 0)
        self.assertEqual((bad["success"], bad["error_type"], bad["error_message"]), (False, "ValueError", "negative"))

    def test_coroutines_and_generators(self):
        @self.log.tracked_provider("cloud-a", model="large")
        async def complete(fail=None):
            await asyncio.sleep(0.02)
            if fail:
                raise fail
            return "text"

        @self.log.tracked_provider("cloud-b")
        async def stream():
            yield 1
            yield 2

        @self.log.tracked_provider("cloud-c")
        def parts():
            yield 1
            raise ConnectionResetError("gone")

        async def main():
            self.assertEqual(await complete(), "text")
            for failure in (TimeoutError("late"), Throttled("slow down"), KeyError("k"), asyncio.CancelledError()):
                with self.assertRaises(type(failure)):
                    await complete(failure)
            self.assertEqual([n async for n in stream()], [1, 2])

        asyncio.run(main())
        with self.assertRaises(ConnectionResetError):
            list(parts())
        found = self.logged()
        self.assertEqual([(e["provider_id"], e.get("failure_class")) for e in found], [
            ("cloud-a", None), ("cloud-a", "availability"), ("cloud-a", "availability"), ("cloud-a", "execution"),
            ("cloud-a", "cancelled"), ("cloud-b", None), ("cloud-c", "availability")])
        self.assertGreaterEqual(found[0]["latency_ms"], 15)

    def test_a_describe_that_fails_costs_nothing_else(self):
        @self.log.tracked_agent("fixer", describe=lambda result: result["missing"])
        def fix():
            return {}

        self.assertEqual(fix(), {})
        [event] = self.logged()
        self.assertTrue(event["success"])
        self.assertIn("KeyError", event["describe_error"])

    def test_a_description_may_say_what_the_decorator_said(self):
        @self.log.tracked_provider("cloud-a", model="large", describe=lambda result: {"model": result, "success": False})
        def complete():
            return "large-2025"

        self.assertEqual(complete(), "large-2025")
        [event] = self.logged()
        self.assertEqual((event["model"], event["success"]), ("large-2025", False))

    def test_the_calls_own_exception_goes_before_the_logs(self):
        class Mute(Exception):
            def __str__(self):
                raise ValueError("no text")

        @self.log.tracked_agent("fixer")
        def fix():
            self.log.close()
            raise Mute

        with self.assertRaises(Mute):
            fix()

    def test_a_generator_that_is_left_early_is_closed(self):
        steps = []

        @self.log.tracked_provider("cloud-a")
        async def stream():
            try:
                yield 1
                yield 2
            finally:
                steps.append("closed")

        async def main():
            items = stream()
            async for _ in items:
                break
            await items.aclose()
            steps.append("left")

        asyncio.run(main())
        self.assertEqual(steps, ["closed", "left"])
        [event] = self.logged()
        self.assertEqual((event["success"], event["failure_class"]), (False, "cancelled"))


if __name__ == "__main__":
    unittest.main()
