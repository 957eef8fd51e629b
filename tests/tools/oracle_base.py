"""What the parts of the oracle share: how answers are compared, and statistics by their definitions."""
import datetime
import math

DAY_NS = 86400 * 10**9
SKETCH_ERROR = 0.011
Z = 1.959963984540054


def fail(what, actual, expected):
    raise SystemExit(f"FAILED  {what}:\n  agentlog says {actual!r}\n  the oracle    {expected!r}")


def same(a, b, tolerance):
    if a is None or b is None or isinstance(a, (str, bool)) or isinstance(b, str):
        return a == b
    return math.isclose(a, b, rel_tol=tolerance, abs_tol=1e-9)


def compare(what, rows, keys, expected, columns, tolerance=1e-7):
    """rows: agentlog's; expected: {key: (values of columns…)}."""
    actual = {tuple(r[k] for k in keys): tuple(r[c] for c in columns) for r in rows}
    if set(actual) != set(expected):
        fail(f"{what}: rows", sorted(map(str, set(actual) - set(expected)))[:5], sorted(map(str, set(expected) - set(actual)))[:5])
    for key, values in expected.items():
        for column, a, b in zip(columns, actual[key], values):
            if not same(a, b, tolerance):
                fail(f"{what}: {column} of {key}", a, b)


def wilson(s, n):
    if not n:
        return None, None
    p, d = s / n, 1 + Z * Z / n
    half = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    # At its ends exactly 0 and 1, which rounding would miss.
    return 0.0 if s == 0 else (p + Z * Z / (2 * n) - half) / d, 1.0 if s == n else (p + Z * Z / (2 * n) + half) / d


def rate(s, n):
    """A rate and the ends of its interval."""
    return ((s or 0) / n if n else None, *wilson(s or 0, n or 0))


def nearest_rank(values, q):
    values = sorted(values)
    return values[max(1, math.ceil(q * len(values))) - 1] if values else None


def instant_ns(text):
    seconds, _, fraction = text.rstrip("Z").partition(".")
    whole = datetime.datetime.fromisoformat(seconds).replace(tzinfo=datetime.timezone.utc)
    return int(whole.timestamp()) * 10**9 + int((fraction or "0").ljust(9, "0"))


def median(values):
    values = sorted(v for v in values if v is not None)
    middle = len(values) // 2
    return None if not values else values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def day_text(number):
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=number)).isoformat()
