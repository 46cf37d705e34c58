"""Whatever a trajectory or a pair holds, the store gives it back equal."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.store.conftest import Places
from tests.store.samples import clock, pair, saved, session, turn
from trajectory_compiler.dataflow.program import decode
from trajectory_compiler.errors import StoreError
from trajectory_compiler.model import FAMILIES, GATES, Evidence, Pair, Proof, Trajectory
from trajectory_compiler.store import PairQuery, Store, pack
from trajectory_compiler.store.codec import unpack

texts = st.text(st.characters(codec="utf-8"), max_size=20)
numbers = st.integers(min_value=-(10**25), max_value=10**25) | st.floats(allow_nan=False, allow_infinity=False)
documents = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
turn_numbers = st.lists(st.integers(0, 5), max_size=4).map(tuple)


@st.composite
def trajectories(draw: st.DrawFn) -> Trajectory:
    """Draw a session of one to four turns with any JSON in arguments and responses."""
    turns = tuple(
        msgspec.structs.replace(
            turn(index),
            arguments=draw(documents),
            response=draw(documents),
            agent=draw(texts),
            row_id=draw(texts),
            ok=draw(st.none() | st.booleans()),
            cost_usd=draw(st.none() | st.floats(0, 10)),
        )
        for index in range(draw(st.integers(1, 4)))
    )
    frequency = draw(st.dictionaries(texts, st.integers(0, 9), max_size=2))
    return msgspec.structs.replace(session(draw(texts), 1), turns=turns, pseudonym_frequency=frequency)


@st.composite
def pairs(draw: st.DrawFn, trajectory: Trajectory) -> Pair:
    """Draw a pair of a session with any texts, turns, evidence and outcomes."""
    spans = st.none() | st.tuples(st.integers(0, 9), st.integers(0, 9))
    quotes = st.builds(Evidence, turn=st.integers(0, 5), path=texts, quote=texts, span=spans)
    proof = Proof(
        gates=draw(st.dictionaries(st.sampled_from(GATES), st.none() | st.booleans())),
        read_set=draw(turn_numbers),
        supporting=draw(turn_numbers),
        guess_rate=draw(st.floats(0, 1)),
        reasons=tuple(draw(st.lists(texts, max_size=2))),
    )
    return msgspec.structs.replace(
        pair(trajectory),
        qa_type=draw(st.sampled_from(FAMILIES)),
        program=draw(st.sampled_from([pair(trajectory).program, None])),
        question=draw(texts),
        answer=draw(texts),
        reasoning=draw(texts),
        evidence=tuple(draw(st.lists(quotes, max_size=3))),
        supporting_turns=draw(turn_numbers),
        row_ids=tuple(draw(st.lists(texts, max_size=3))),
        context_end=draw(st.none() | st.integers(0, 5)),
        withheld_turns=draw(turn_numbers),
        proof=proof,
    )


def _holds_nul(one: Pair) -> bool:
    return b"\\u0000" in msgspec.json.encode(one)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_trajectory_and_pair_come_back_equal(places: Places, data: st.DataObject) -> None:
    """Any session and any pair of it are read back equal, the program byte for byte."""
    trajectory = data.draw(trajectories())
    one = data.draw(pairs(trajectory))
    place = places()
    assume("://" not in place or not _holds_nul(one))  # PostgreSQL has no NUL in a text; test_postgres.py says what happens
    with Store.open(place, clock=clock) as store:
        saved(store, one, trajectory=trajectory)
        assert store.trajectory_of(one) == trajectory
        assert list(store.pairs(PairQuery(states=()))) == [one]
        assert store.pair(one.id) == one
        if one.program is not None:
            assert decode(one.program).version == 1


def test_content_that_is_no_text_is_refused() -> None:
    """A session with half a surrogate pair or bottomless nesting cannot be stored, and the message names only the session."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    for response in ("secret \ud800", deep):
        broken = msgspec.structs.replace(session("s-7", 1), turns=(msgspec.structs.replace(turn(0), response=response),))
        with pytest.raises(StoreError, match="save session 's-7': its content cannot be written as JSON") as refusal:
            pack(broken)
        assert "secret" not in str(refusal.value)


def test_newer_and_damaged_content_is_named() -> None:
    """A trajectory of a newer format, and one whose bytes are damaged, are refused with different words."""
    import zstandard  # noqa: PLC0415  # only this test looks inside the bytes

    newer = zstandard.ZstdCompressor().compress(b'{"format":2,"trajectory":{}}')
    with pytest.raises(StoreError, match="it has format 2, this program reads 1"):
        unpack(newer, "d")
    with pytest.raises(StoreError, match="damaged"):
        unpack(b"nonsense", "d")
