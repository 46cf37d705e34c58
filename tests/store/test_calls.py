"""Model calls in the store: what is booked comes back, and every way of adding up gives the same sum."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.conftest import Places
from trajectory_compiler.errors import StoreError
from trajectory_compiler.models.ledger import CallRecord, CallStatus
from trajectory_compiler.models.protocol import CallPlace, ModelName, Usage
from trajectory_compiler.store import CostsBy, Store

WAYS: tuple[CostsBy, ...] = ("run", "day", "model", "stage", "origin", "pair")
SMALL = st.sampled_from(["a", "b", "c"])
AMOUNT = st.one_of(st.none(), st.integers(0, 10**16))


def record(
    digest: str = "d1",
    status: CallStatus = "ok",
    cost: int | None = 5,
    response: bytes | None = b"{}",
    place: tuple[str, str, str | None] = ("small", "s", None),
) -> CallRecord:
    """Return a call; `place` is its model, its stage and its pair."""
    model, stage, pair = place
    return CallRecord(
        model=ModelName("google", model),
        place=CallPlace(stage=stage, prompt_version="1", row_ids=("r1",), pair_id=pair),
        request_digest=digest,
        status=status,
        response=response,
        usage=Usage(input_tokens=3, cached_tokens=1, output_tokens=2, cost_pico_usd=cost, price_source="l", price_date="d"),
        from_cache=response is None,
        duration_ms=1.5,
    )


def test_an_answer_comes_back_as_it_was_booked(place: str) -> None:
    """The cache gives the response, its status and what it cost; another digest gives nothing."""
    with Store.open(place) as store:
        ledger = store.call_ledger(store.begin_run("t", "log", "{}", "1"))
        saved = record(response=b'{"text": "x"}')
        identity = ledger.save(saved)
        cached = ledger.cached("d1")
        assert cached is not None
        assert (cached.status, cached.response, cached.usage) == ("ok", b'{"text": "x"}', saved.usage)
        assert ledger.cached("d2") is None
        (row,) = store.calls()
        assert (row.id, row.model, row.usage, row.from_cache) == (identity, saved.model, saved.usage, False)


def test_the_first_paid_answer_is_the_one_that_is_replayed(place: str) -> None:
    """Rows of hits and of calls without an answer never stand in for an answer; of two answers the first counts."""
    stamps = iter(["2026-11-24T10:00:00Z"] * 2 + [f"2026-11-24T10:00:0{n}Z" for n in range(1, 9)])
    with Store.open(place, clock=lambda: next(stamps)) as store:
        ledger = store.call_ledger(store.begin_run("t", "log", "{}", "1"))
        ledger.save(record(status="timed_out", response=None, cost=None))
        ledger.save(record(status="invalid", response=b"first"))
        ledger.save(record(response=None, cost=0))
        ledger.save(record(response=b"second"))
        cached = ledger.cached("d1")
        assert cached is not None
        assert (cached.status, cached.response) == ("invalid", b"first")


@settings(max_examples=30, deadline=None)
@given(calls=st.lists(st.tuples(SMALL, SMALL, st.one_of(st.none(), SMALL), AMOUNT), max_size=30))
def test_every_way_of_adding_up_gives_the_sum_of_the_stored_calls(
    places: Places, calls: list[tuple[str, str, str | None, int | None]]
) -> None:
    """By run, day, model, stage, origin and pair: one cost to the last digit, the same calls, unknown ones apart."""
    with Store.open(places()) as store:
        ledgers = [store.call_ledger(store.begin_run("t", name, "{}", "1")) for name in "xy"]
        for number, (model, stage, pair, cost) in enumerate(calls):
            ledgers[number % 2].save(record(str(number), cost=cost, place=(model, stage, pair)))
        costs = [cost for *_, cost in calls]
        for way in WAYS:
            lines = store.costs(way)
            assert sum(line.cost_pico_usd for line in lines) == sum(cost or 0 for cost in costs)
            assert sum(line.paid + line.cached for line in lines) == len(calls)
            assert sum(line.unknown for line in lines) == costs.count(None)


def test_a_call_of_a_run_that_never_began_is_refused(place: str) -> None:
    """A call belongs to a run: one that the store does not hold cannot be booked on."""
    with Store.open(place) as store, pytest.raises(StoreError):
        store.call_ledger("nonesuch").save(record())


def test_a_booked_call_is_written_through_to_the_disk(place: str) -> None:
    """A paid call is committed with a full sync; the connection is back in its faster mode afterwards."""
    modes: list[int] = []
    with Store.open(place) as store:
        ledger = store.call_ledger(store.begin_run("t", "log", "{}", "1"))
        connection = store._database._connection  # type: ignore[attr-defined]  # of SQLite
        connection.set_trace_callback(
            lambda sql: modes.append(connection.execute("PRAGMA synchronous").fetchone()[0]) if sql == "COMMIT" else None
        )
        ledger.save(record())
        connection.set_trace_callback(None)
        assert connection.execute("PRAGMA synchronous").fetchone() == (1,)
    assert modes == [2]
    assert sqlite3.connect(place).execute("SELECT count(*) FROM model_calls").fetchone() == (1,)
