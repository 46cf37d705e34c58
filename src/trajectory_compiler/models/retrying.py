"""How often, when and how fast a model is asked: back-off with jitter, and a limit on calls under way that adapts itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType

import msgspec

from trajectory_compiler.models.failures import RETRIED, ProviderFailure

FIRST_LIMIT = 4  # calls under way before anything is known of the provider


class Retries(msgspec.Struct, frozen=True, kw_only=True):
    """When a failed call is tried again: after `first_seconds`, twice that, and so on, each cut by chance to 50% or more.

    Source: "full jitter" of exponential back-off (AWS Architecture Blog, 2015), with a floor that gives a rate limit time.
    """

    tries: int = 7
    first_seconds: float = 1.0
    longest_seconds: float = 60.0
    longest_asked_seconds: float = 300.0  # who asks for a longer wait than this is not waited for

    def wait(self, failure: ProviderFailure, tried: int, chance: Callable[[], float]) -> float | None:
        """Return the seconds before the next try, or None to give up. `tried` is how often it was tried, 1 at first.

        What the provider asks for is a floor; a little chance above it keeps tasks from coming back at once.
        """
        if failure.kind not in RETRIED or tried >= self.tries:
            return None
        step = min(self.longest_seconds, self.first_seconds * 2.0 ** (tried - 1))
        drawn = step * (0.5 + chance() / 2)
        if failure.retry_after is None:
            return drawn
        if failure.retry_after > self.longest_asked_seconds:
            return None
        return failure.retry_after + drawn / 10


class AdaptiveLimit:
    """How many calls of one model are under way: one more after each success, half of them after a 429 or an overload.

    Source: additive increase, multiplicative decrease (Chiu and Jain, 1989), as TCP does it.
    An overload that comes from a call which was begun before the last cut does not cut again: it is old news.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = min(FIRST_LIMIT, most)
        self.under_way = 0
        self._cuts = 0
        self._free = asyncio.Condition()

    async def __aenter__(self) -> int:
        """Wait for a place; return a ticket for `slow_down`."""
        async with self._free:
            await self._free.wait_for(lambda: self.under_way < self.limit)
            self.under_way += 1
            return self._cuts

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with self._free:
            self.under_way -= 1
            self._free.notify_all()

    def speed_up(self) -> None:
        """Allow one more: a call succeeded. Who waits notices when the next place is given back."""
        self.limit = min(self.most, self.limit + 1)

    def slow_down(self, ticket: int) -> int:
        """Allow half as many, at least one, and return a new ticket."""
        if ticket == self._cuts:
            self.limit = max(1, self.limit // 2)
            self._cuts += 1
        return self._cuts
