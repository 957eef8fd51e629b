"""The oracle's part about latency sketches: read as format/FORMAT.md says, as OpenTelemetry's exponential histogram."""
import sqlite3
from fractions import Fraction

from oracle_base import fail

SCALE = 5


def index_of(value):
    """OpenTelemetry's: the i with base^i < value <= base^(i + 1), base = 2^(2^-SCALE), by whole numbers alone."""
    power = value ** 2**SCALE
    return (power - 1).bit_length() - 1


def varints(data):
    number = shift = 0
    for byte in data:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield number
            number = shift = 0


def decode(sketch):
    """(zero_count, {index: count})."""
    if not sketch:
        return 0, {}
    if sketch[0] != 1:
        fail("a sketch's version", sketch[0], 1)
    zeros, *rest = varints(sketch[1:])
    buckets, bucket = {}, 0
    for step, count in zip(rest[::2], rest[1::2]):
        bucket += step
        buckets[bucket - 1] = count
    return zeros, buckets


class Sketches:
    def check_sketches(self):
        """Every bucket of every day, provider and model."""
        if self.window:
            return
        expected = {}
        for day, *names, success, ms in self.rows(
                "SELECT day, provider_id, COALESCE(model, ''), COALESCE(agent_name, ''), success, latency_ms FROM d"
                " WHERE event = 'provider_performance'"):
            zeros, buckets = expected.setdefault((day * 86400, *names, bool(success)), ([0], {}))
            if ms is not None:
                us = round(Fraction(ms) * 1000)  # half to even
                if us == 0:
                    zeros[0] += 1
                else:
                    buckets[index_of(us)] = buckets.get(index_of(us), 0) + 1
        db = sqlite3.connect(f"file:{self.db}?mode=ro", uri=True)
        for *key, good, bad in db.execute("SELECT day_epoch, provider_id, model, agent_name, success_latency_hist,"
                                          " failure_latency_hist FROM rollup_providers_day WHERE environment = 'production'"):
            for success, sketch in ((True, good), (False, bad)):
                zeros, buckets = expected.get((*key, success), ([0], {}))
                if decode(sketch) != (zeros[0], buckets):
                    fail(f"sketch of {key}", decode(sketch), (zeros[0], buckets))
        db.close()
