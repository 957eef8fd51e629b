"""agentlog: log what software agents do, in nanoseconds, without ever blocking.

    import agentlog

    with agentlog.Writer("/var/log/agents") as log:
        with log.job("job-1", ai_agent=True):
            log.provider_performance(provider_id="cloud-a", model="large-2", success=True, latency_ms=812.5)
            log.agent_execution(agent_name="fixer", issue_type="type_error", success=True, confidence=0.9)

A log call returns True if the event is stored and False if not; it raises nothing unless the writer was opened with
strict=True. What was refused is counted (`refused`, `last_error`), what was dropped is in `stats()` and in the log.
"""
from __future__ import annotations

import atexit
import functools
import os
import sys
import weakref
from collections.abc import Callable, Collection, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _writer
from ._writer import Error
from .jobs import Job, Thread, ThreadPoolExecutor, attached, carried, current_job
from .tracking import Decorator, failure_class, tracked_agent, tracked_provider

if TYPE_CHECKING:
    from .metrics import MetricsCollector

__version__ = _writer.version
__all__ = [
    "Error", "Job", "MetricsCollector", "Thread", "ThreadPoolExecutor", "Writer", "attached", "carried", "current_job", "failure_class",
    "tracked_agent", "tracked_provider",
]

_KINDS: dict[Any, str] = {str: "name", bool: "bool", int: "int", float: "float", dict: "json", list: "json"}


class Writer(_writer.Writer):
    """A log writer. Any thread may log; a forked child goes on with a writer of its own."""

    def __init__(self, log_dir: str | os.PathLike[str], **options: Any) -> None:
        super().__init__(os.fspath(log_dir), **options)
        _open_writers.add(self)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()

    def job(self, job_id: str | None = None, *, ai_agent: bool | None = None, metadata: Any = None) -> Job:
        """A job scope, for `with` or `async with`. Without an id it gets a random one."""
        return Job(self, job_id, ai_agent=ai_agent, metadata=metadata)

    def define(self, name: str, fields: Mapping[str, type | str] | None = None, *,
               required: Collection[str] = ()) -> Callable[..., bool]:
        """Define an event type of your own, and return what logs it: a function of its fields by keyword.

        `fields` maps names to str, bool, int, float, dict, or to one of the kinds "name", "text", "json", "bool",
        "int", "float" (str is "name": text that repeats).
        """
        kinds: dict[str, Any] = {field: _KINDS.get(kind, kind) for field, kind in (fields or {}).items()}
        described = tuple((field, kind, field in required) for field, kind in kinds.items())
        unknown = set(required) - set(fields or {})
        if unknown:
            raise ValueError(f"required fields that are none: {', '.join(sorted(unknown))}")
        self._define(name, described)
        return functools.partial(self.log, name)

    def tracked_agent(self, agent_name: str, **options: Any) -> Decorator:
        """As agentlog.tracked_agent, for this writer."""
        return tracked_agent(self, agent_name, **options)

    def tracked_provider(self, provider_id: str, **options: Any) -> Decorator:
        """As agentlog.tracked_provider, for this writer."""
        return tracked_provider(self, provider_id, **options)


_open_writers: weakref.WeakSet[Writer] = weakref.WeakSet()


def _close_all() -> None:
    for writer in list(_open_writers):
        try:
            writer.close()
        except Error as error:
            print(f"agentlog: {error}", file=sys.stderr)


def _after_fork_in_child() -> None:
    # A worker of multiprocessing ends by os._exit, which runs no atexit function, only multiprocessing's own; it
    # forgets those that were there when it forked, so that they are added once it runs.
    if "multiprocessing" in sys.modules:
        from multiprocessing import util
        util.register_after_fork(_close_all, lambda close_all: util.Finalize(None, close_all, exitpriority=-100))


atexit.register(_close_all)
os.register_at_fork(after_in_child=_after_fork_in_child)


def __getattr__(name: str) -> Any:
    # SQLite is loaded by those alone who ask.
    if name == "MetricsCollector":
        from .metrics import MetricsCollector
        return MetricsCollector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
