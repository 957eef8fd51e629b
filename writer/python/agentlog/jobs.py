"""Job scopes: every event that is logged within one carries the job's id without being told.

The scope is a context variable. It goes along with asyncio tasks by itself, through forks, and into threads that are
started with `Thread`, `ThreadPoolExecutor` or `carried` of this module.
"""
from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import functools
import threading
import uuid
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, TypeVar

from . import _writer

_Result = TypeVar("_Result")

_job: contextvars.ContextVar[str | None] = contextvars.ContextVar("agentlog_job", default=None)
_writer.set_current_job(_job.get)


def _leave(token: contextvars.Token[str | None]) -> None:
    # A generator may be closed in another context than it was begun in: then the scope is not here to be left.
    with contextlib.suppress(ValueError):
        _job.reset(token)


def current_job() -> str | None:
    """The id of the innermost job here, or None."""
    return _job.get()


@contextlib.contextmanager
def attached(job_id: str | None) -> Iterator[str | None]:
    """Within this, events carry `job_id` (None = no job); nothing is logged. For work that came from elsewhere."""
    token = _job.set(job_id)
    try:
        yield job_id
    finally:
        _leave(token)


def carried(function: Callable[..., _Result]) -> Callable[..., _Result]:
    """`function`, to be called in another thread within the context of now."""
    context = contextvars.copy_context()

    @functools.wraps(function)
    def in_context(*args: Any, **kwargs: Any) -> _Result:
        # A context can be entered once at a time; each call gets a copy of its own.
        return context.copy().run(function, *args, **kwargs)

    return in_context


class Thread(threading.Thread):
    """A thread that runs within the job of whoever starts it."""

    def start(self) -> None:
        self._context = contextvars.copy_context()
        super().start()

    def run(self) -> None:
        self._context.run(super().run)


class ThreadPoolExecutor(concurrent.futures.ThreadPoolExecutor):
    """A pool whose calls run within the job of whoever submits them."""

    def submit(self, fn: Callable[..., _Result], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[_Result]:
        return super().submit(carried(fn), *args, **kwargs)


class Job:
    """A job: job_start when it is entered, job_end when it is left, its id on every event in between.

    Left by an exception, it has failed (cancelled: asyncio.CancelledError, KeyboardInterrupt, GeneratorExit), with the
    exception as the error message, unless `status` was set. Use it as `with` or as `async with`.
    """

    def __init__(self, writer: _writer.Writer, job_id: str | None = None, *, ai_agent: bool | None = None,
                 metadata: Any = None) -> None:
        self.id = uuid.uuid4().hex if job_id is None else job_id
        self.status: str | None = None
        self.iterations: int | None = None
        self.error_message: str | None = None
        self._writer = writer
        self._ai_agent = ai_agent
        self._metadata = metadata
        self._token: contextvars.Token[str | None] | None = None

    def fail(self, message: str | None = None) -> None:
        """The job has failed, although no exception says so."""
        self.status = "failed"
        self.error_message = message

    def __enter__(self) -> Job:
        if self._token is not None:
            raise RuntimeError(f"job {self.id} is entered already")
        self._token = _job.set(self.id)
        self._writer.job_start(job_id=self.id, ai_agent=self._ai_agent, metadata=self._metadata)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        status, message = self.status, self.error_message
        if status is None:
            cancelled = (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit)
            status = "success" if kind is None else "cancelled" if issubclass(kind, cancelled) else "failed"
        if message is None and error is not None:
            message = f"{type(error).__name__}: {error}"
        try:
            self._writer.job_end(job_id=self.id, status=status, iterations=self.iterations, error_message=message)
        finally:
            token, self._token = self._token, None
            if token is not None:
                _leave(token)

    async def __aenter__(self) -> Job:
        return self.__enter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        self.__exit__(kind, error, traceback)
