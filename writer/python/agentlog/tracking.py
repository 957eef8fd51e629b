"""Decorators that time a call, log how it ended, and pass on whatever it returned or raised.

    @tracked_agent(writer, "RefactoringAgent", issue_type="complexity")
    def fix(issue): ...

    @tracked_provider(writer, "cloud-a", model="large-2")
    async def complete(prompt): ...
"""
import asyncio
import functools
import inspect
import time

# What kept a call from running at all, as far as an exception can say.
_UNAVAILABLE = (ConnectionError, TimeoutError, asyncio.TimeoutError, BrokenPipeError)


def failure_class(error):
    """availability (it never ran), cancelled, or execution (it ran and went wrong)."""
    if isinstance(error, (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit)):
        return "cancelled"
    status = getattr(error, "status_code", getattr(getattr(error, "response", None), "status_code", None))
    if isinstance(status, int) and (status in (401, 403, 408, 429) or status >= 500):
        return "availability"
    return "availability" if isinstance(error, _UNAVAILABLE) else "execution"


def _tracked(log):
    """`log(milliseconds, result, error)` around each call of a function, a coroutine function or a generator."""

    def decorate(function):
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def call(*args, **kwargs):
                begun = time.perf_counter()
                try:
                    result = await function(*args, **kwargs)
                except BaseException as error:
                    log((time.perf_counter() - begun) * 1000, None, error)
                    raise
                log((time.perf_counter() - begun) * 1000, result, None)
                return result
        elif inspect.isasyncgenfunction(function):

            @functools.wraps(function)
            async def call(*args, **kwargs):
                begun = time.perf_counter()
                try:
                    async for item in function(*args, **kwargs):
                        yield item
                except BaseException as error:
                    log((time.perf_counter() - begun) * 1000, None, error)
                    raise
                log((time.perf_counter() - begun) * 1000, None, None)
        elif inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def call(*args, **kwargs):
                begun = time.perf_counter()
                try:
                    result = yield from function(*args, **kwargs)
                except BaseException as error:
                    log((time.perf_counter() - begun) * 1000, None, error)
                    raise
                log((time.perf_counter() - begun) * 1000, result, None)
                return result
        else:

            @functools.wraps(function)
            def call(*args, **kwargs):
                begun = time.perf_counter()
                try:
                    result = function(*args, **kwargs)
                except BaseException as error:
                    log((time.perf_counter() - begun) * 1000, None, error)
                    raise
                log((time.perf_counter() - begun) * 1000, result, None)
                return result

        return call

    return decorate


def _described(describe, result):
    """The fields that `describe` reads from a result. What it raises must not become the caller's trouble."""
    if describe is None:
        return {}
    try:
        return dict(describe(result) or {})
    except Exception as error:  # tracking never fails the work
        return {"describe_error": f"{type(error).__name__}: {error}"}


def tracked_agent(writer, agent_name, *, issue_type="", describe=None, **fields):
    """Log an agent_execution for each call. `describe(result)` gives further fields (confidence, fixes_applied,
    success, …) of a call that returned; `fields` are the same for all."""

    def log(milliseconds, result, error):
        given = {"success": error is None, "execution_time_ms": milliseconds, **fields}
        if error is None:
            given.update(_described(describe, result))
        else:
            given["error_type"] = type(error).__name__
            given["error_message"] = str(error)
        writer.agent_execution(agent_name=agent_name, issue_type=issue_type, **given)

    return _tracked(log)


def tracked_provider(writer, provider_id, *, model=None, classify=failure_class, describe=None, **fields):
    """Log a provider_performance for each call. `describe(result)` gives further fields (input_tokens, cost_usd, …);
    `classify(error)` says what kind of failure an exception is."""

    def log(milliseconds, result, error):
        given = {"success": error is None, "latency_ms": milliseconds, **fields}
        if error is None:
            given.update(_described(describe, result))
        else:
            given["failure_class"] = classify(error)
            given["error_type"] = type(error).__name__
            given["error_message"] = str(error)
        writer.provider_performance(provider_id=provider_id, model=model, **given)

    return _tracked(log)
