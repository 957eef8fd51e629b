"""What the extension module asks of Python."""
import datetime
import json

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def to_json(value: object) -> str:
    """JSON text of any value; what JSON does not know is its str()."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def datetime_ns(moment: datetime.datetime) -> int:
    """Nanoseconds since 1970-01-01 UTC of a datetime; a naive one is local time."""
    if not isinstance(moment, datetime.datetime):
        raise TypeError(f"timestamp is a datetime or an int of nanoseconds, not {type(moment).__name__}")
    since = moment.astimezone(datetime.timezone.utc) - _EPOCH
    return ((since.days * 86400 + since.seconds) * 1000000 + since.microseconds) * 1000
