"""One paid exchange: room, limit, budget, tries, and the row that is written before the answer is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from trajectory_compiler.config import ModelOptions
from trajectory_compiler.errors import ContextOverflowError
from trajectory_compiler.models.budget import Budget, Reserved
from trajectory_compiler.models.estimate import Estimate, estimate_outgoing, require_price
from trajectory_compiler.models.exchange import Incoming, Outgoing
from trajectory_compiler.models.failures import PERHAPS_PAID, SLOWING, ProviderFailure, model_error
from trajectory_compiler.models.ledger import CallLedger, CallRecord, CallStatus
from trajectory_compiler.models.prices import price_of
from trajectory_compiler.models.protocol import CallPlace, ModelName, Usage
from trajectory_compiler.models.providers import Endpoint
from trajectory_compiler.models.reading import Reading, read_answer
from trajectory_compiler.models.retrying import AdaptiveLimit, Retries
from trajectory_compiler.models.surroundings import Surroundings

OUTAGE_CALLS = 3  # so many calls in a row that failed for good end the run: the next one would, too
SURELY_TOO_LONG = 1.5  # an estimate this far above the window is no error of the estimate


@dataclass(kw_only=True)
class Served:
    """A model that was opened: how it is asked, how many calls it takes at once, what it reads (in tokens, None: unknown)."""

    endpoint: Endpoint
    host: str
    wire_name: str
    limit: AdaptiveLimit
    context_tokens: int | None
    failed_in_a_row: int = 0


class Errand(NamedTuple):
    """What one exchange is about."""

    model: ModelName
    outgoing: Outgoing
    place: CallPlace
    digest: str
    answer_type: type[Any]


class Exchanged(NamedTuple):
    """An answer, what it is worth and what it cost when it was paid for."""

    incoming: Incoming
    reading: Reading
    usage: Usage
    call_id: str
    from_cache: bool


class Payer:
    """Makes paid calls: within the budget, again after failures, each written to the ledger."""

    def __init__(self, options: ModelOptions, ledger: CallLedger, surroundings: Surroundings) -> None:
        self._options = options
        self._ledger = ledger
        self._world = surroundings
        self._retries = Retries(tries=options.tries)
        self.budget = Budget(options.limits, ledger)

    async def pay(self, served: Served, errand: Errand) -> Exchanged:
        """Make a call that the store cannot answer.

        Raises: BudgetError, ContextOverflowError, ModelError: as `protocol.ModelClient.ask`.
        """
        expected = self.expected(served, errand)
        async with served.limit as ticket:
            tried = 0
            while True:
                tried += 1
                try:
                    paid = await self._once(served, errand, expected)
                except ProviderFailure as failure:
                    if failure.kind in SLOWING:
                        ticket = served.limit.slow_down(ticket)
                    await self._wait_or_raise(served, errand, failure, tried)
                else:
                    served.limit.speed_up()
                    served.failed_in_a_row = 0
                    return paid

    def expected(self, served: Served, errand: Errand, *, in_batch: bool = False) -> Estimate:
        """Return what a call will cost at most. Raises where it cannot be made: too long, or of unknown price under a limit."""
        expected = estimate_outgoing(errand.model, errand.outgoing, self._options, self._world.now(), in_batch=in_batch)
        if served.context_tokens is not None and expected.input_tokens > SURELY_TOO_LONG * served.context_tokens:
            raise ContextOverflowError(
                f"ask model '{errand.model}'",
                f"the prompt is about {expected.input_tokens} tokens and the model reads {served.context_tokens}",
                "Give it less in one prompt, or name a model that reads more.",
            )
        if self.budget.has_limit and expected.cost_pico_usd is None:
            require_price(errand.model, self._options, self._world.now())
        return expected

    async def _wait_or_raise(self, served: Served, errand: Errand, failure: ProviderFailure, tried: int) -> None:
        seconds = self._retries.wait(failure, tried, self._world.chance)
        if seconds is not None:
            await self._world.sleep(seconds)
            return
        # What is refused as malformed three times in a row will be refused a thousand times; a long prompt is this item's own.
        served.failed_in_a_row = 0 if failure.kind == "overflow" else served.failed_in_a_row + 1
        raise model_error(errand.model, failure, tried, stops=served.failed_in_a_row >= OUTAGE_CALLS) from None

    async def _once(self, served: Served, errand: Errand, expected: Estimate) -> Exchanged:
        held = await self.budget.reserve(expected.cost_pico_usd or 0, errand.place.session_id, self._world.now())
        started = self._world.monotonic()
        try:
            incoming = await served.endpoint.send(errand.outgoing)
        except ProviderFailure as failure:
            status = PERHAPS_PAID.get(failure.kind)
            if status is not None:
                self._record(errand, status, None, self._unknown_of(errand.model), self._since(started))
            await self.budget.settle(held, None if status is not None else 0)
            raise
        except BaseException:  # stopped by its user, or a defect: the provider may have answered all the same
            self._record(errand, "interrupted", None, self._unknown_of(errand.model), self._since(started))
            await self.budget.settle(held, None)
            raise
        return await self._book(errand, incoming, held, self._since(started))

    async def _book(self, errand: Errand, incoming: Incoming, held: Reserved, duration_ms: float) -> Exchanged:
        usage = self.usage_of(errand.model, incoming)
        reading = read_answer(incoming, errand.answer_type)
        call_id = self._record(errand, reading.status, msgspec.json.encode(incoming), usage, duration_ms)
        await self.budget.settle(held, usage.cost_pico_usd)
        return Exchanged(incoming, reading, usage, call_id, from_cache=False)

    def _record(self, errand: Errand, status: CallStatus, response: bytes | None, usage: Usage, duration_ms: float) -> str:
        return self._ledger.save(
            CallRecord(
                model=ModelName(errand.model.provider, errand.outgoing.model),
                place=errand.place,
                request_digest=errand.digest,
                status=status,
                response=response,
                usage=usage,
                from_cache=False,
                duration_ms=duration_ms,
            )
        )

    def usage_of(self, model: ModelName, incoming: Incoming, *, in_batch: bool = False) -> Usage:
        """Return what an answer used and costs; unknown where its provider did not count."""
        if incoming.input_tokens is None or incoming.output_tokens is None:
            return self._unknown_of(model)
        tokens = (incoming.input_tokens, incoming.cached_tokens or 0, incoming.output_tokens)
        price = price_of(model, tokens, self._options, self._world.now(), in_batch=in_batch)
        return Usage(
            input_tokens=incoming.input_tokens,
            cached_tokens=incoming.cached_tokens,
            output_tokens=incoming.output_tokens,
            cost_pico_usd=None if price is None else price.pico_usd,
            price_source=None if price is None else price.source,
            price_date=None if price is None else price.date,
        )

    def _unknown_of(self, model: ModelName) -> Usage:
        """Return the usage of a call whose tokens nobody counted: a call that costs nothing costs nothing all the same."""
        price = price_of(model, (1, 0, 1), self._options, self._world.now())
        if price is None or price.pico_usd:
            return Usage()
        return Usage(cost_pico_usd=0, price_source=price.source, price_date=price.date)

    def _since(self, started: float) -> float:
        return round((self._world.monotonic() - started) * 1000, 3)
