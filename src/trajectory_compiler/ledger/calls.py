"""A tool, wrapped so that each of its calls becomes a row: plain functions, coroutines, and generators of both kinds.

The wrapper keeps name, signature and docstring. Arguments are taken by their parameter names, defaults included, `self` left
out, and put into JSON before the call: what the tool does to them afterwards does not change the row. A generator's row is
written when it ends and holds the list of what it gave. An exception becomes a row with a status and its text, and goes on.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
import types
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from typing import Any, Protocol

from trajectory_compiler.ledger.encoding import Encoded, clean, encode
from trajectory_compiler.ledger.entry import Fields

parent_key: ContextVar[str | None] = ContextVar("trajc_parent_key", default=None)
_BOUND = ("self", "cls")


class Sink(Protocol):
    """Where rows go, and the clock that says when a call began."""

    def new_key(self) -> str:
        """Return a key for a call that begins."""

    def now(self) -> float:
        """Return seconds since 1970."""

    def write(self, tool: str, arguments: Any, response: Any, fields: Fields) -> str:
        """Record a row; never raises."""


class _Running:
    """One call that is under way: its key is the parent of what is recorded meanwhile in the same context."""

    def __init__(self, sink: Sink, tool: str, arguments: Encoded, *, nests: bool) -> None:
        self._sink, self._tool, self._arguments = sink, tool, arguments
        self._fields = Fields(idempotency_key=sink.new_key(), called_at=sink.now())
        self._parent = parent_key.get()
        if self._parent is not None:
            self._fields["parent_id"] = self._parent
        self._began = time.perf_counter()
        if nests:
            self.enter()

    def enter(self) -> None:
        """Be the parent of what is recorded from here on in this context."""
        parent_key.set(self._fields["idempotency_key"])

    def leave(self) -> None:
        """Be nobody's parent any more in this context."""
        parent_key.set(self._parent)

    def ended(self, response: Any) -> None:
        """Record what the call gave back."""
        self._record(response, "ok")

    def failed(self, error: BaseException) -> None:
        """Record that the call raised."""
        self._fields["error"] = f"{type(error).__name__}: {clean(error)}"
        self._record(None, _status_of(error))

    def _record(self, response: Any, status: str) -> None:
        self.leave()
        self._fields["status"] = status
        self._fields["duration_ms"] = (time.perf_counter() - self._began) * 1000
        self._sink.write(self._tool, self._arguments, response, self._fields)


def recorded(function: Callable[..., Any], tool: str, sink: Sink) -> Callable[..., Any]:
    """Return the function, wrapped."""
    bind = _binder(function)
    wrappers: tuple[tuple[Callable[[Any], bool], Callable[..., Any]], ...] = (
        (inspect.iscoroutinefunction, _coroutine),
        (inspect.isasyncgenfunction, _async_generator),
        (inspect.isgeneratorfunction, _generator),
    )
    wrap = next((wrapper for fits, wrapper in wrappers if fits(function)), _plain)
    nests = wrap in (_plain, _coroutine)  # between what a generator gives, its caller's context is none of its business
    made: Callable[..., Any] = wrap(
        function, lambda args, kwargs: _Running(sink, tool, encode(bind(args, kwargs)), nests=nests)
    )
    return made


_Start = Callable[[tuple[Any, ...], dict[str, Any]], _Running]


def _plain(function: Callable[..., Any], start: _Start) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        running = start(args, kwargs)
        try:
            response = function(*args, **kwargs)
        except BaseException as error:
            running.failed(error)
            raise
        if type(response) is types.CoroutineType:
            running.leave()
            return _awaited(response, running)
        running.ended(response)
        return response

    return call


async def _awaited(coroutine: types.CoroutineType[Any, Any, Any], running: _Running) -> Any:
    """Await what a plain function gave back, such as one that passes on to a coroutine function; the call ends with it."""
    running.enter()
    try:
        response = await coroutine
    except BaseException as error:
        running.failed(error)
        raise
    running.ended(response)
    return response


def _coroutine(function: Callable[..., Any], start: _Start) -> Callable[..., Any]:
    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        running = start(args, kwargs)
        try:
            response = await function(*args, **kwargs)
        except BaseException as error:
            running.failed(error)
            raise
        running.ended(response)
        return response

    return call


def _generator(function: Callable[..., Any], start: _Start) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Iterator[Any]:
        running = start(args, kwargs)
        given: list[Any] = []
        try:
            for item in function(*args, **kwargs):
                given.append(item)
                yield item
        except GeneratorExit:
            running.ended(given)
            raise
        except BaseException as error:
            running.failed(error)
            raise
        running.ended(given)

    return call


def _async_generator(function: Callable[..., Any], start: _Start) -> Callable[..., Any]:
    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        running = start(args, kwargs)
        given: list[Any] = []
        try:
            async for item in function(*args, **kwargs):
                given.append(item)
                yield item
        except GeneratorExit:
            running.ended(given)
            raise
        except BaseException as error:
            running.failed(error)
            raise
        running.ended(given)

    return call


def _binder(function: Callable[..., Any]) -> Callable[[tuple[Any, ...], dict[str, Any]], dict[str, Any]]:
    """Return a function from the arguments of a call to their names and values. `Signature.bind` would take much longer."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some functions written in C say nothing of their parameters
        return lambda args, kwargs: {**({"args": list(args)} if args else {}), **kwargs}
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [parameter.name for parameter in parameters if parameter.kind in by_place]
    rest = next((parameter.name for parameter in parameters if parameter.kind is inspect.Parameter.VAR_POSITIONAL), "args")
    defaults = {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}
    bound = names[0] if names and names[0] in _BOUND else None

    def bind(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        arguments = {**defaults, **dict(zip(names, args, strict=False)), **kwargs}
        if len(args) > len(names):
            arguments[rest] = list(args[len(names) :])
        if bound is not None:
            arguments.pop(bound, None)
        return arguments

    return bind


def _status_of(error: BaseException) -> str:
    if isinstance(error, asyncio.CancelledError | KeyboardInterrupt):
        return "cancelled"
    if isinstance(error, TimeoutError):
        return "timeout"
    return "denied" if isinstance(error, PermissionError) else "error"
