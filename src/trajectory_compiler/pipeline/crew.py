"""Some workers over a stream of sessions or pairs whose model calls may be under way at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Generic, TypeVar

from trajectory_compiler.errors import BudgetError
from trajectory_compiler.pipeline.run import Progress

AT_ONCE = 8  # items in memory while their calls are under way
Item = TypeVar("Item")


class Crew(Generic[Item]):
    """Some workers over a stream of items. After an error no new item is begun, and those under way are finished."""

    def __init__(self, waiting: Iterator[Item], progress: Progress, total: int) -> None:
        self._waiting, self._progress, self._total = waiting, progress, total
        self._ended = 0
        self._error: Exception | None = None
        self.stopped = ""
        self._spent: BudgetError | None = None

    def raise_if_stopped(self) -> None:
        """Raise the error of a spent budget, for work that is worth nothing in parts."""
        if self._spent is not None:
            raise self._spent

    async def work(self, do: Callable[[Item], Awaitable[None]]) -> None:
        """Do all items. Raises the first error that is more than a spent budget, when everybody has ended."""
        await asyncio.gather(*(self._worker(do) for _ in range(AT_ONCE)))
        if self._error is not None:
            raise self._error

    async def _worker(self, do: Callable[[Item], Awaitable[None]]) -> None:
        for item in self._waiting:  # shared: each takes the next one
            try:
                await do(item)
            except BudgetError as error:
                self.stopped, self._spent = error.seen, error
            except Exception as error:  # noqa: BLE001  # raised by `work`, when the others have saved what they paid for
                self._error = self._error or error
            if self.stopped or self._error is not None:
                return
            self._ended += 1
            self._progress("asking", self._ended, self._total)
