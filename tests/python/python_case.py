"""What the tests of the Python package share: a log directory, and what `agentlog cat` reads from it."""
import json
import os
import subprocess
import tempfile
import unittest

AGENTLOG = os.environ["ALOG_PROGRAM"]


class LogCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.log_dir = os.path.join(folder.name, "log")

    def program(self, *arguments, status=0):
        done = subprocess.run([AGENTLOG, *arguments], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout

    def events(self, name=None):
        """The log's events as dictionaries, without the writers' own."""
        found = [json.loads(line) for line in self.program("cat", self.log_dir).splitlines()]
        return [e for e in found if not e["event"].startswith("writer_") and name in (None, e["event"])]
