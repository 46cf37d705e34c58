"""Model calls: the ledger of costs and the response cache in one table.

A paid call is one row with its response; an answer from the store is one more row, of cost 0 and without a response. So the
costs of all rows add up to what was paid, and what a run did is told even where it paid nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec
import zstandard

from trajectory_compiler.errors import StoreError
from trajectory_compiler.model import short_hash
from trajectory_compiler.models.ledger import REPLAYED, Cached, CallRecord, CallStatus, Spent, WaitingCall
from trajectory_compiler.models.protocol import ModelName, Usage
from trajectory_compiler.store.clock import Clock
from trajectory_compiler.store.codec import json_of
from trajectory_compiler.store.database import Database

SAVE_CALL = (
    "INSERT INTO model_calls (id, run_id, stage, provider, model, prompt_version, request_digest, source, session_id, pair_id, "
    "row_ids, status, response, input_tokens, cached_tokens, output_tokens, cost_pico_usd, price_source, price_date, "
    f"from_cache, duration_ms, created_at) VALUES ({', '.join('?' * 22)})"
)
CACHED = (
    "SELECT status, response, input_tokens, cached_tokens, output_tokens, cost_pico_usd, price_source, price_date "
    "FROM model_calls WHERE request_digest = ? AND from_cache = 0 AND response IS NOT NULL "
    f"AND status IN ({', '.join('?' * len(REPLAYED))}) ORDER BY created_at, id LIMIT 1"
)
WAITING = (
    "SELECT id, provider, model, request_digest, status, response FROM model_calls "
    "WHERE status IN ('submitting', 'submitted') ORDER BY created_at, id"
)
REWRITE = (
    "UPDATE model_calls SET status = ?, response = ?, input_tokens = ?, cached_tokens = ?, output_tokens = ?, "
    "cost_pico_usd = ?, price_source = ?, price_date = ? WHERE id = ?"
)
SPENT_SINCE = "SELECT coalesce(sum(cost_pico_usd), 0), count(*) - count(cost_pico_usd) FROM model_calls WHERE created_at >= ?"
CostsBy = Literal["run", "day", "model", "stage", "origin", "pair"]
COST_KEYS: dict[CostsBy, str] = {
    "run": "run_id",
    "day": "substr(created_at, 1, 10)",
    "model": "provider || ':' || model",
    "stage": "stage",
    # As pairs name what they come from: `model:google:gemini-3.5-flash-lite` for prose, else the stage and the model.
    "origin": "CASE stage WHEN 'synthesis' THEN 'model' ELSE stage END || ':' || provider || ':' || model",
    "pair": "coalesce(pair_id, '')",
}
COSTS = (
    "SELECT {key}, count(*) - sum(from_cache), sum(from_cache), count(*) - count(cost_pico_usd), "
    "coalesce(sum(input_tokens), 0), coalesce(sum(cached_tokens), 0), coalesce(sum(output_tokens), 0), "
    "coalesce(sum(cost_pico_usd), 0) FROM model_calls GROUP BY {key} ORDER BY {key}"
)
SELECT_CALLS = (
    "SELECT m.id, m.run_id, m.stage, m.provider, m.model, m.prompt_version, m.source, m.session_id, m.pair_id, m.status, "
    "m.input_tokens, m.cached_tokens, m.output_tokens, m.cost_pico_usd, m.price_source, m.price_date, m.from_cache, "
    "m.duration_ms, m.created_at FROM model_calls m ORDER BY m.created_at, m.id"
)


class StoredCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call as the ledger of costs shows it, without what was asked and answered."""

    id: str
    run_id: str
    stage: str
    model: ModelName
    prompt_version: str
    source: str | None
    session_id: str | None
    pair_id: str | None
    status: str
    usage: Usage
    from_cache: bool
    duration_ms: float | None
    created_at: str


class CostLine(msgspec.Struct, frozen=True, kw_only=True):
    """What the calls of one run, day, model, stage or pair came to. `unknown` calls have no known price and no part in the sum.

    `paid` calls went to a model (also those that cost nothing), `cached` ones were answered from the store.
    """

    key: str
    paid: int
    cached: int
    unknown: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_pico_usd: int


class RunLedger:
    """The calls of one run: `models.ledger.CallLedger` and `BatchLedger` over a store."""

    def __init__(self, database: Database, run_id: str, clock: Clock) -> None:
        self._database = database
        self._run_id = run_id
        self._clock = clock
        row = database.row("SELECT count(*) FROM model_calls WHERE run_id = ?", (run_id,))
        self._number = int(row[0]) if row else 0

    def cached(self, request_digest: str) -> Cached | None:
        """Return the first answer to exactly this request, whichever run paid for it, or None."""
        row = self._database.row(CACHED, (request_digest, *REPLAYED))
        if row is None:
            return None
        return Cached(row[0], _unpacked(row[1]), _usage(row[2:8]))

    def save(self, record: CallRecord) -> str:
        """Write a call and return its id. When this returns, the call outlives a power cut: it cost money."""
        now = self._clock()
        self._number += 1
        identity = short_hash("call", self._run_id, str(self._number), record.request_digest, now)
        place, usage = record.place, record.usage
        response = _packed(record.response)
        values = (
            *(identity, self._run_id, place.stage, record.model.provider, record.model.name, place.prompt_version),
            *(record.request_digest, place.source, place.session_id, place.pair_id, json_of(list(place.row_ids))),
            *(record.status, response, usage.input_tokens, usage.cached_tokens, usage.output_tokens),
            *(usage.cost_pico_usd, usage.price_source, usage.price_date, int(record.from_cache), record.duration_ms, now),
        )
        with self._database.transaction(durable=not record.from_cache):
            self._database.execute(SAVE_CALL, values)
        return identity

    def waiting(self) -> list[WaitingCall]:
        """Return the calls of all runs that went out with a batch and were not collected yet, oldest first."""
        rows = self._database.rows(WAITING)
        return [WaitingCall(row[0], ModelName(row[1], row[2]), row[3], row[4], _unpacked(row[5])) for row in rows]

    def rewrite(self, call_id: str, status: CallStatus, response: bytes | None, usage: Usage) -> None:
        """Write what became of a waiting call in place of its row; it stays a call of the run that sent it."""
        values = (usage.input_tokens, usage.cached_tokens, usage.output_tokens)
        price = (usage.cost_pico_usd, usage.price_source, usage.price_date)
        with self._database.transaction(durable=True):
            self._database.execute(REWRITE, (status, _packed(response), *values, *price, call_id))

    def spent_since(self, stamp: str) -> Spent:
        """Return what all runs of the store spent from a stamp on."""
        row = self._database.row(SPENT_SINCE, (stamp,))
        return Spent(int(row[0]), int(row[1])) if row else Spent(0, 0)


def calls(database: Database) -> Iterator[StoredCall]:
    """Yield all calls, oldest first."""
    for row in database.rows(SELECT_CALLS):
        yield StoredCall(
            id=row[0],
            run_id=row[1],
            stage=row[2],
            model=ModelName(row[3], row[4]),
            prompt_version=row[5],
            source=row[6],
            session_id=row[7],
            pair_id=row[8],
            status=row[9],
            usage=_usage(row[10:16]),
            from_cache=bool(row[16]),
            duration_ms=row[17],
            created_at=row[18],
        )


def costs(database: Database, by: CostsBy) -> tuple[CostLine, ...]:
    """Add up all calls by one of their properties; the lines of any property come to the same sum, to the last digit."""
    names = CostLine.__struct_fields__
    rows = database.rows(COSTS.format(key=COST_KEYS[by]))
    return tuple(CostLine(**dict(zip(names, (row[0], *map(int, row[1:])), strict=True))) for row in rows)


def _packed(response: bytes | None) -> bytes | None:
    return None if response is None else zstandard.ZstdCompressor(level=3).compress(response)


def _unpacked(data: bytes) -> bytes:
    try:
        return zstandard.ZstdDecompressor().decompress(data)
    except zstandard.ZstdError as error:
        raise StoreError("read an answer of a model", "its stored form is damaged", "Restore a backup of the store.") from error


def _usage(row: tuple[object, ...]) -> Usage:
    names = ("input_tokens", "cached_tokens", "output_tokens", "cost_pico_usd", "price_source", "price_date")
    return msgspec.convert(dict(zip(names, row, strict=True)), Usage)
