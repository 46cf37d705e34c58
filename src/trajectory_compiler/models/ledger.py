"""What the layer needs of the store: every call is written there before its answer is used, and answered from there again."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

import msgspec

from trajectory_compiler.models.protocol import CallPlace, ModelName, Usage

CallStatus = Literal[
    "ok",
    "invalid",
    "truncated",
    "empty",
    "refused",
    "received",  # with a batch, and not read yet
    "timed_out",
    "garbled",
    "interrupted",
    "submitting",
    "submitted",
    "failed",
]
REPLAYED: tuple[CallStatus, ...] = ("ok", "invalid", "truncated", "empty", "refused", "received")  # they brought an answer


class CallRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One call as the ledger keeps it. `response` is what came back (`exchange.Incoming` as JSON), None where nothing did.

    A call that was answered from the store is a record of its own with `from_cache`, no response, no tokens and a cost of 0:
    so the costs of all records add up to what was paid.
    """

    model: ModelName
    place: CallPlace
    request_digest: str
    status: CallStatus
    response: bytes | None
    usage: Usage
    from_cache: bool
    duration_ms: float | None


class Cached(NamedTuple):
    """An answer that was paid for before, and what it cost then."""

    status: CallStatus
    response: bytes
    usage: Usage


class Spent(NamedTuple):
    """What some calls cost together, in pico-dollars, and how many of them have no known price."""

    pico_usd: int
    unknown: int


class CallLedger(Protocol):
    """The store as this layer sees it; `Store.call_ledger` makes one for a run."""

    def cached(self, request_digest: str) -> Cached | None:
        """Return the first answer to exactly this request, or None."""

    def save(self, record: CallRecord) -> str:
        """Write a call, durably, and return its id."""

    def spent_since(self, stamp: str) -> Spent:
        """Return what all runs of the store spent from a stamp (ISO 8601, UTC) on."""


class WaitingCall(NamedTuple):
    """A call that went out with a batch: `response` holds what was sent and the batch's handle (`batching.Sent` as JSON)."""

    id: str
    model: ModelName
    request_digest: str
    status: CallStatus
    response: bytes


class BatchLedger(CallLedger, Protocol):
    """What batches need beyond: the calls under way, and a row that becomes an answer."""

    def waiting(self) -> list[WaitingCall]:
        """Return the calls of all runs whose batches were not collected yet."""

    def rewrite(self, call_id: str, status: CallStatus, response: bytes | None, usage: Usage) -> None:
        """Write what became of a waiting call, durably, in place of its row."""
