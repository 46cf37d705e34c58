"""Batches: submit, leave, collect on the next run, at about half the price.

    async with open_batch_client(options, store.call_ledger(run_id), scan) as client:
        report = await client.collect()       # the answers of earlier batches are now in the store
        try:
            reply = await client.ask(request, place)
        except DeferredError:
            ...                                # not known yet: it is in a batch, or goes out with the next one
        await client.submit()                  # one job for each model

A call in a batch is a row like any other: `submitting` while its job is made, then `submitted` with the job's handle and what
was sent, last what came back, under the digest by which `ask` finds it. A repair is a request of its own and takes one more
run. What a call may cost at most is booked on the budget of the run that sends it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import cast

import msgspec

from trajectory_compiler.config import ModelOptions
from trajectory_compiler.errors import DeferredError, TrajcError
from trajectory_compiler.models.batch_endpoint import MOST_REQUESTS, BatchEndpoint
from trajectory_compiler.models.client import Client, Scan
from trajectory_compiler.models.exchange import Incoming, Outgoing
from trajectory_compiler.models.failures import PERHAPS_PAID, ProviderFailure, model_error
from trajectory_compiler.models.ledger import BatchLedger, CallRecord, CallStatus, WaitingCall
from trajectory_compiler.models.paying import Errand, Exchanged, Served
from trajectory_compiler.models.protocol import ModelName, Usage
from trajectory_compiler.models.surroundings import Surroundings

NOTHING_PAID = Usage(input_tokens=0, cached_tokens=0, output_tokens=0, cost_pico_usd=0, price_source="not answered")
_UNSURE = frozenset({*PERHAPS_PAID, "unreachable", "server_error"})  # the job may have been made all the same


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What a waiting call keeps: its request, by which its result is read, and its job's handle once there is one."""

    outgoing: Outgoing
    handle: str | None = None


class BatchReport(msgspec.Struct, frozen=True, kw_only=True):
    """What collecting found.

    Calls `answered` now, still `waiting`, `failed` (they are asked again when they are wanted again), and `lost`: a run was
    killed while their job was made, so that nobody knows whether they were paid for. `problems` says, a sentence each, why a
    job could not be asked about; its calls are waiting.
    """

    answered: int = 0
    waiting: int = 0
    failed: int = 0
    lost: int = 0
    problems: tuple[str, ...] = ()


class BatchClient(Client):
    """A client that defers what the store cannot answer: `protocol.ModelClient`, whose `ask` may raise DeferredError."""

    def __init__(
        self,
        options: ModelOptions,
        ledger: BatchLedger,
        scan: Scan | None,
        serve: Callable[[ModelName], Served],
        surroundings: Surroundings,
    ) -> None:
        super().__init__(options, ledger, scan, serve, surroundings)
        self._batches = ledger
        self._queue: dict[str, Errand] = {}
        self._sent = {call.request_digest for call in ledger.waiting()}

    @property
    def queued(self) -> int:
        """Return how many calls go out with the next batch."""
        return len(self._queue)

    async def collect(self) -> BatchReport:
        """Fetch what earlier batches brought. A job that cannot be asked about keeps the others from nothing."""
        by_job: defaultdict[tuple[ModelName, str], list[tuple[WaitingCall, Sent]]] = defaultdict(list)
        lost = 0
        for call in self._batches.waiting():
            sent = msgspec.json.decode(call.response, type=Sent)
            if sent.handle is None:
                self._batches.rewrite(call.id, "interrupted", None, Usage())
                self._sent.discard(call.request_digest)
                lost += 1
            else:
                by_job[call.model, sent.handle].append((call, sent))
        answered = waiting = failed = 0
        problems = []
        for (model, handle), calls in by_job.items():
            try:
                came = await self._collect_job(model, handle, calls)
            except TrajcError as error:
                problems.append(str(error))
                came = None
            if came is None:
                waiting += len(calls)
            else:
                answered += came
                failed += len(calls) - came
        return BatchReport(answered=answered, waiting=waiting, failed=failed, lost=lost, problems=tuple(problems))

    async def submit(self) -> int:
        """Send what was deferred, one job for each model and 10,000 calls; return how many calls that were.

        Raises: ModelError: a provider takes no job. What is known not to be sent is asked again by the next run.
        """
        by_model: defaultdict[ModelName, list[Errand]] = defaultdict(list)
        for errand in self._queue.values():
            by_model[errand.model].append(errand)
        count = 0
        for model, errands in by_model.items():
            for start in range(0, len(errands), MOST_REQUESTS):
                count += await self._submit_job(model, errands[start : start + MOST_REQUESTS])
        return count

    async def _answer(self, served: Served, errand: Errand) -> Exchanged:
        if errand.digest not in self._sent and errand.digest not in self._queue:
            expected = self._payer.expected(served, errand, in_batch=True)
            now = self._world.now()
            held = await self.budget.reserve(expected.cost_pico_usd or 0, errand.place.session_id, now)
            await self.budget.settle(held, None)
            self._queue[errand.digest] = errand
        raise DeferredError(
            f"answer a request of stage '{errand.place.stage}' now",
            "it goes out with a batch",
            "Run again later: batches take up to a day.",
        )

    async def _submit_job(self, model: ModelName, errands: Sequence[Errand]) -> int:
        rows = [(self._batches.save(_submitting(errand)), errand) for errand in errands]
        try:
            handle = await self._batch_endpoint(model).submit({errand.digest: errand.outgoing for errand in errands})
        except ProviderFailure as failure:
            is_sure = failure.kind not in _UNSURE
            for call_id, _ in rows:
                self._batches.rewrite(call_id, *(("failed", None, NOTHING_PAID) if is_sure else ("interrupted", None, Usage())))
            raise model_error(model, failure, 1) from None
        for call_id, errand in rows:
            sent = msgspec.json.encode(Sent(outgoing=errand.outgoing, handle=handle))
            self._batches.rewrite(call_id, "submitted", sent, Usage())
            self._sent.add(errand.digest)
            del self._queue[errand.digest]
        return len(rows)

    async def _collect_job(self, model: ModelName, handle: str, calls: Sequence[tuple[WaitingCall, Sent]]) -> int | None:
        """Return how many calls of a job were answered, or None while it runs."""
        requests = {call.request_digest: sent.outgoing for call, sent in calls}
        try:
            found = await self._batch_endpoint(model).collect(handle, requests)
        except ProviderFailure as failure:
            raise model_error(model, failure, 1) from None
        if found is None:
            return None
        answered = 0
        for call, _ in calls:
            answered += self._settle(model, call, found[call.request_digest])
            self._sent.discard(call.request_digest)
        return answered

    def _settle(self, model: ModelName, call: WaitingCall, result: Incoming | ProviderFailure) -> bool:
        if isinstance(result, ProviderFailure):
            is_free = result.kind not in PERHAPS_PAID
            self._batches.rewrite(call.id, *(("failed", None, NOTHING_PAID) if is_free else ("garbled", None, Usage())))
            return False
        usage = self._payer.usage_of(model, result, in_batch=True)
        status: CallStatus = "refused" if result.finish == "refused" else "received"
        self._batches.rewrite(call.id, status, msgspec.json.encode(result), usage)
        return True

    def _batch_endpoint(self, model: ModelName) -> BatchEndpoint:
        return cast("BatchEndpoint", self._opened(model).endpoint)


def _submitting(errand: Errand) -> CallRecord:
    return CallRecord(
        model=ModelName(errand.model.provider, errand.outgoing.model),
        place=errand.place,
        request_digest=errand.digest,
        status="submitting",
        response=msgspec.json.encode(Sent(outgoing=errand.outgoing)),
        usage=Usage(),
        from_cache=False,
        duration_ms=None,
    )
