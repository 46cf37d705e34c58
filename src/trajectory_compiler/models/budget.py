"""The budget: before each call, what it may cost at most is set aside; a call that might pass a limit is not made.

    reserved = await budget.reserve(pico_usd, session="s1")     # BudgetError: it does not fit
    ...                                                          # the call
    budget.settle(reserved, paid)                                # what it cost instead of what was set aside

A call that does not fit while others are under way waits for them: they usually cost less than was set aside for them. The
estimate's output stands at its limit, so what is spent passes a limit only by what an estimate of input was too low, at most
one call of each worker.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime
from decimal import Decimal

import msgspec

from trajectory_compiler.config import SpendingLimits
from trajectory_compiler.errors import BudgetError
from trajectory_compiler.models.ledger import CallLedger
from trajectory_compiler.models.prices import pico_of, usd_of


class Reserved(msgspec.Struct, frozen=True, kw_only=True):
    """An amount that was set aside for one call."""

    pico_usd: int
    session: str | None
    day: str


class Budget:
    """What was spent and set aside by a run, by session, and by the store's day. For one event loop.

    `day_usd` counts what all runs of the store spent since midnight (UTC), read from the ledger once a day and kept up here.
    """

    def __init__(self, limits: SpendingLimits, ledger: CallLedger) -> None:
        self._limits = limits
        self._ledger = ledger
        self._spent: Counter[str] = Counter()  # by scope: `run`, `day 2026-11-24`, `session s1`
        self._held: Counter[str] = Counter()
        self._known_days: set[str] = set()
        self._settled = asyncio.Condition()

    @property
    def has_limit(self) -> bool:
        """Say whether any limit is set: then the price of a call must be known before it."""
        limits = self._limits
        return any(limit is not None for limit in (limits.run_usd, limits.session_usd, limits.day_usd))

    @property
    def spent_pico_usd(self) -> int:
        """Return what this run spent so far."""
        return self._spent["run"]

    async def reserve(self, pico_usd: int, session: str | None, now: datetime) -> Reserved:
        """Set an amount aside, waiting for calls under way where it might fit after them.

        Raises: BudgetError: it does not fit.
        """
        held = Reserved(pico_usd=pico_usd, session=session, day=now.date().isoformat())
        self._read_day(held.day)
        async with self._settled:
            while (full := self._first_full(held)) is not None:
                scope, limit = full
                if not self._held[scope]:
                    raise _reached(scope, limit, self._spent[scope], pico_usd)
                await self._settled.wait()
            self._add(self._held, held, pico_usd)
        return held

    async def settle(self, held: Reserved, paid_pico_usd: int | None) -> None:
        """Book what a call cost. None (the provider did not say) books all that was set aside: too much is the safer error."""
        paid = held.pico_usd if paid_pico_usd is None else paid_pico_usd
        self._add(self._held, held, -held.pico_usd)
        self._add(self._spent, held, paid)
        async with self._settled:
            self._settled.notify_all()

    def _first_full(self, held: Reserved) -> tuple[str, Decimal] | None:
        for scope, limit in self._scopes(held):
            if limit is not None and self._spent[scope] + self._held[scope] + held.pico_usd > pico_of(limit):
                return scope, limit
        return None

    def _scopes(self, held: Reserved) -> list[tuple[str, Decimal | None]]:
        scopes = [("run", self._limits.run_usd), (f"day {held.day}", self._limits.day_usd)]
        return scopes if held.session is None else [*scopes, (f"session {held.session}", self._limits.session_usd)]

    def _add(self, amounts: Counter[str], held: Reserved, pico_usd: int) -> None:
        for scope, _ in self._scopes(held):
            amounts[scope] += pico_usd

    def _read_day(self, day: str) -> None:
        if self._limits.day_usd is not None and day not in self._known_days:
            self._known_days.add(day)
            # What this run booked for the day so far is in the ledger, too.
            self._spent[f"day {day}"] = self._ledger.spent_since(f"{day}T00:00:00Z").pico_usd


def _reached(scope: str, limit: Decimal, spent: int, wanted: int) -> BudgetError:
    whose = {"run": "this run", "day": "today"}.get(scope.partition(" ")[0], scope.replace("session ", "session '") + "'")
    return BudgetError(
        "ask a model",
        f"the limit for {whose} is ${limit}, ${usd_of(spent):f} is spent, and the next call may cost ${usd_of(wanted):f}",
        "Raise the limit, or go on tomorrow: what was paid for is kept.",
    )
