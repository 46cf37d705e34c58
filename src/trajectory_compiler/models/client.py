"""The client: cache, scan, budget, limit, retries, repair; each call is written down before its answer is used.

One `ask` makes at most two exchanges: the second shows the model what was wrong with the first. One exchange is a look into the
store, or one paid call with its tries:

    ask ── exchange ──┬── the store holds the answer: a row of cost 0
                      └── scan ── room? ── limit ── budget ── send, again after failures ── write ── book
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import msgspec

from trajectory_compiler.config import ModelOptions
from trajectory_compiler.errors import InvalidOutputError, ModelError
from trajectory_compiler.models.budget import Budget
from trajectory_compiler.models.estimate import require_price
from trajectory_compiler.models.exchange import Incoming, Outgoing, answer_schema
from trajectory_compiler.models.ledger import Cached, CallLedger, CallRecord
from trajectory_compiler.models.paying import Errand, Exchanged, Payer, Served
from trajectory_compiler.models.protocol import Answer, CallPlace, ModelName, Reply, Request, Usage
from trajectory_compiler.models.reading import read_answer
from trajectory_compiler.models.surroundings import Surroundings

FREE = Usage(input_tokens=0, cached_tokens=0, output_tokens=0, cost_pico_usd=0, price_source="cache")


class Scan(Protocol):
    """The last look at what is about to leave; `redaction.outbound.Outbound` is one. Raises BoundaryError."""

    def __call__(self, data: bytes, place: str) -> None:
        """Look through bytes; `place` names them for people."""


class Client:
    """Asks models: `protocol.ModelClient`. `opening.open_client` makes one; use it from the thread that opened the store."""

    def __init__(
        self,
        options: ModelOptions,
        ledger: CallLedger,
        scan: Scan | None,
        serve: Callable[[ModelName], Served],
        surroundings: Surroundings,
    ) -> None:
        self._options = options
        self._ledger = ledger
        self._scan = scan
        self._serve = serve
        self._world = surroundings
        self._served: dict[ModelName, Served] = {}
        self._payer = Payer(options, ledger, surroundings)
        self._locks: dict[str, asyncio.Lock] = {}
        self._wanted: Counter[str] = Counter()

    @property
    def budget(self) -> Budget:
        """Return what this run has spent and may spend."""
        return self._payer.budget

    def check(self, model: ModelName) -> None:
        """Open a model and its price now, so that what is missing is said before the work begins.

        Raises:
            MissingExtraError: a library is missing.
            OptionError: there is no such provider or file.
            ModelError: the key is missing, or a limit is set and nobody knows the price.
        """
        if self.budget.has_limit:
            require_price(model, self._options, self._world.now())
        self._opened(model)

    def context_tokens(self, model: ModelName) -> int | None:
        """Return how many tokens a model reads and writes together, or None where nobody says. Opens it; raises as `check`."""
        return self._opened(model).context_tokens

    def limit_of(self, model: ModelName) -> int:
        """Return how many calls of a model may be under way now: it adapts itself to what the provider takes."""
        return self._opened(model).limit.limit

    async def ask(self, request: Request[Answer], place: CallPlace) -> Reply[Answer]:
        """Answer a request, from the store where it was answered before. See `protocol.ModelClient.ask`.

        The usage of a reply that needed a repair is that of both calls.
        """
        made = [await self._exchange(request, place, None)]
        first = made[0].reading
        if first.status not in ("ok", "refused"):
            made.append(await self._exchange(request, place, (made[0].incoming.text, first.complaint)))
        last = made[-1]
        if last.reading.status == "refused":
            raise ModelError(
                f"ask model '{request.model}'", last.reading.problem, "Leave this item out, or name another model."
            )
        if last.reading.status != "ok":
            raise InvalidOutputError(
                f"use the answer of model '{request.model}'",
                f"{last.reading.problem}, also after one repair",
                "Name a stronger model, or ask for less at once.",
            )
        return Reply(
            answer=last.reading.answer,
            usage=together([part.usage for part in made]),
            call_id=last.call_id,
            from_cache=all(part.from_cache for part in made),
        )

    async def close(self) -> None:
        """Close all connections."""
        for served in self._served.values():
            await served.endpoint.close()
        self._served.clear()

    def _opened(self, model: ModelName) -> Served:
        if model not in self._served:
            self._served[model] = self._serve(model)
        return self._served[model]

    async def _exchange(self, request: Request[Answer], place: CallPlace, repair: tuple[str, str] | None) -> Exchanged:
        served = self._opened(request.model)
        outgoing = Outgoing(
            provider=request.model.provider,
            host=served.host,
            model=served.wire_name,
            instructions=request.instructions,
            prompt=request.prompt,
            answer_schema=answer_schema(request.answer_type),
            max_output_tokens=request.max_output_tokens,
            temperature=request.temperature,
            seed=request.seed,
            round=request.round,
            repair=repair,
        )
        errand = Errand(request.model, outgoing, place, outgoing.digest(), request.answer_type)
        async with self._alone(errand.digest):
            cached = self._ledger.cached(errand.digest)
            if cached is not None:
                return self._replay(errand, cached)
            if self._scan is not None:
                self._scan(outgoing.texts(), _in_words(place))
            return await self._answer(served, errand)

    async def _answer(self, served: Served, errand: Errand) -> Exchanged:
        """Get the answer that the store does not hold."""
        return await self._payer.pay(served, errand)

    def _replay(self, errand: Errand, cached: Cached) -> Exchanged:
        incoming = msgspec.json.decode(cached.response, type=Incoming)
        call_id = self._ledger.save(
            CallRecord(
                model=ModelName(errand.model.provider, errand.outgoing.model),
                place=errand.place,
                request_digest=errand.digest,
                status=cached.status,
                response=None,
                usage=FREE,
                from_cache=True,
                duration_ms=None,
            )
        )
        return Exchanged(incoming, read_answer(incoming, errand.answer_type), cached.usage, call_id, from_cache=True)

    @asynccontextmanager
    async def _alone(self, digest: str) -> AsyncIterator[None]:
        """Let one of several equal requests through at a time: the others find its answer in the store."""
        lock = self._locks.setdefault(digest, asyncio.Lock())
        self._wanted[digest] += 1
        try:
            async with lock:
                yield
        finally:
            self._wanted[digest] -= 1
            if not self._wanted[digest]:
                del self._wanted[digest], self._locks[digest]


def together(usages: Sequence[Usage]) -> Usage:
    """Return what several calls used together; a sum with an unknown part is unknown."""
    return Usage(
        input_tokens=_sum([usage.input_tokens for usage in usages]),
        cached_tokens=_sum([usage.cached_tokens for usage in usages]),
        output_tokens=_sum([usage.output_tokens for usage in usages]),
        cost_pico_usd=_sum([usage.cost_pico_usd for usage in usages]),
        price_source=usages[-1].price_source,
        price_date=usages[-1].price_date,
    )


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _in_words(place: CallPlace) -> str:
    whose = place.pair_id or place.session_id
    return f"the request of stage '{place.stage}'" + (f" for '{whose}'" if whose else "")
