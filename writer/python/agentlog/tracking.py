"""Decorators that time a call, log how it ended, and pass on whatever it returned or raised.

    @tracked_agent(writer, "RefactoringAgent", issue_type="complexity")
    def fix(issue): ...

    @tracked_provider(writer, "cloud-a", model="large-2")
    async def complete(prompt): ...
"""
from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Protocol, TypeVar, cast

from . import _writer

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Describe = Callable[[Any], "Mapping[str, Any] | None"]
_Log = Callable[[float, Any, "BaseException | None"], None]

# What kept a call from running at all, as far as an exception can say.
_UNAVAILABLE = (ConnectionError, TimeoutError, asyncio.TimeoutError, BrokenPipeError)


class Decorator(Protocol):
    """Gives a function back with its own signature."""

    def __call__(self, function: _Function, /) -> _Function: ...


def failure_class(error: BaseException) -> str:
    """availability (it never ran), cancelled, or execution (it ran and went wrong)."""
    if isinstance(error, (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit)):
        return "cancelled"
    status = getattr(error, "status_code", getattr(getattr(error, "response", None), "status_code", None))
    if isinstance(status, int) and (status in (401, 403, 408, 429) or status >= 500):
        return "availability"
    return "availability" if isinstance(error, _UNAVAILABLE) else "execution"


class _Call:
    """One call: `log(milliseconds, result, error)` when it is over. The call's own exception goes before the log's."""

    def __init__(self, log: _Log) -> None:
        self.result: Any = None
        self._log = log
        self._begun = time.perf_counter()

    def __enter__(self) -> _Call:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        try:
            self._log((time.perf_counter() - self._begun) * 1000, self.result, error)
        except Exception:
            if error is None:
                raise


def _tracked(log: _Log) -> Decorator:
    """`log` around each call of a function, a coroutine function or a generator."""

    def decorate(function: _Function) -> _Function:
        call: Callable[..., Any]
        if inspect.iscoroutinefunction(function):

            async def call(*args: Any, **kwargs: Any) -> Any:
                with _Call(log) as this:
                    this.result = await function(*args, **kwargs)
                    return this.result
        elif inspect.isasyncgenfunction(function):

            async def call(*args: Any, **kwargs: Any) -> Any:
                with _Call(log):
                    async with contextlib.aclosing(function(*args, **kwargs)) as items:
                        async for item in items:
                            yield item
        elif inspect.isgeneratorfunction(function):

            def call(*args: Any, **kwargs: Any) -> Any:
                with _Call(log) as this:
                    this.result = yield from function(*args, **kwargs)
                    return this.result
        else:

            def call(*args: Any, **kwargs: Any) -> Any:
                with _Call(log) as this:
                    this.result = function(*args, **kwargs)
                    return this.result

        return cast(_Function, functools.wraps(function)(call))

    return decorate


def _described(describe: _Describe | None, result: Any) -> dict[str, Any]:
    """The fields that `describe` reads from a result. What it raises must not become the caller's trouble."""
    if describe is None:
        return {}
    try:
        return dict(describe(result) or {})
    except Exception as error:  # tracking never fails the work
        return {"describe_error": f"{type(error).__name__}: {error}"}


def tracked_agent(writer: _writer.Writer, agent_name: str, *, issue_type: str = "", describe: _Describe | None = None,
                  **fields: Any) -> Decorator:
    """Log an agent_execution for each call. `describe(result)` gives further fields (confidence, fixes_applied,
    success, …) of a call that returned; `fields` are the same for all."""

    def log(milliseconds: float, result: Any, error: BaseException | None) -> None:
        given: dict[str, Any] = {
            "agent_name": agent_name, "issue_type": issue_type, "success": error is None,
            "execution_time_ms": milliseconds, **fields}
        if error is None:
            given.update(_described(describe, result))
        else:
            given.update(error_type=type(error).__name__, error_message=str(error))
        writer.agent_execution(**given)

    return _tracked(log)


def tracked_provider(writer: _writer.Writer, provider_id: str, *, model: str | None = None,
                     classify: Callable[[BaseException], str] = failure_class, describe: _Describe | None = None,
                     **fields: Any) -> Decorator:
    """Log a provider_performance for each call. `describe(result)` gives further fields (input_tokens, cost_usd, …);
    `classify(error)` says what kind of failure an exception is."""

    def log(milliseconds: float, result: Any, error: BaseException | None) -> None:
        given: dict[str, Any] = {
            "provider_id": provider_id, "model": model, "success": error is None, "latency_ms": milliseconds, **fields}
        if error is None:
            given.update(_described(describe, result))
        else:
            given.update(failure_class=classify(error), error_type=type(error).__name__, error_message=str(error))
        writer.provider_performance(**given)

    return _tracked(log)
