"""What people decide about pairs holds for the text that they saw, and never past an exact gate."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from tests.store.samples import clock, pair, saved, session
from trajectory_compiler.errors import InputError
from trajectory_compiler.model import GATES, Proof
from trajectory_compiler.store import PairQuery, Review, Store
from trajectory_compiler.store.records import Verdict


@pytest.fixture
def held(place: str) -> Iterator[Store]:
    """Give a store that holds one proved pair."""
    with Store.open(place, clock=clock) as opened:
        saved(opened, pair(session()), trajectory=session())
        yield opened


def _review(verdict: Verdict, minute: int = 0, identity: str | None = None) -> Review:
    stamp = f"2026-11-24T11:{minute:02d}:00Z"
    return Review(pair_id=identity or pair(session()).id, reviewer="ann", verdict=verdict, reason="why", created_at=stamp)


def test_decisions_move_the_pair_and_are_kept_in_order(held: Store) -> None:
    """Accept makes a pair reviewed, reject takes it out, skip changes nothing, the last decision counts, all are kept."""
    assert held.add_review(_review("accept", 1)) == "reviewed"
    assert held.add_review(_review("skip", 2)) == "reviewed"
    assert held.add_review(_review("reject", 3)) == "rejected"
    assert list(held.pairs()) == []
    assert held.add_review(_review("accept", 4)) == "reviewed"
    assert [found.state for found in held.pairs()] == ["reviewed"]
    assert [review.verdict for review in held.reviews(pair(session()).id)] == ["accept", "skip", "reject", "accept"]


def test_same_review_twice_is_one(held: Store) -> None:
    """A review that is sent again, letter for letter, is stored once."""
    for _ in range(2):
        held.add_review(_review("accept"))
    assert held.reviews(pair(session()).id) == (_review("accept"),)


@pytest.mark.parametrize("verdict", ["accept", "reject"])
def test_decision_survives_compiling_again(held: Store, verdict: Verdict) -> None:
    """A pair that is compiled again with the same text keeps what was decided about it."""
    state = held.add_review(_review(verdict))
    saved(held, pair(session()), trajectory=session())
    assert [found.state for found in held.pairs(PairQuery(states=()))] == [state]


def test_acceptance_ends_with_another_answer(held: Store) -> None:
    """Nobody has seen the new answer, so the pair is proved and no longer reviewed; a rejection of the question stays."""
    held.add_review(_review("accept"))
    saved(held, pair(session(), answer="owner-9"), trajectory=session())
    assert [found.state for found in held.pairs()] == ["proved"]
    held.add_review(_review("reject", 1))
    saved(held, pair(session(), answer="owner-10"), trajectory=session())
    assert list(held.pairs()) == []
    saved(held, pair(session(), question="Another wording?"), trajectory=session())
    assert [found.state for found in held.pairs()] == ["proved"]


def test_decision_survives_absence(held: Store) -> None:
    """A rejected pair that was superseded for a while comes back as rejected."""
    held.add_review(_review("reject"))
    saved(held, trajectory=session())
    assert [found.state for found in held.pairs(PairQuery(states=()))] == ["superseded"]
    saved(held, pair(session()), trajectory=session())
    assert [found.state for found in held.pairs(PairQuery(states=()))] == ["rejected"]


def test_nobody_accepts_past_an_exact_gate(held: Store) -> None:
    """A pair whose program fails a gate cannot be accepted, whoever says so; nothing is stored of the try."""
    gates: dict[str, bool | None] = {**dict.fromkeys(GATES, True), "necessary": False}
    failed = pair(session(), 1, state="candidate", proof=Proof(gates=gates))
    untried = pair(session(), 2, state="candidate", proof=Proof(gates={}))
    saved(held, failed, untried, trajectory=session())
    with pytest.raises(InputError, match="the gate 'necessary' is false"):
        held.add_review(_review("accept", identity=failed.id))
    with pytest.raises(InputError, match="the gate 'holds' is false"):
        held.add_review(_review("accept", identity=untried.id))
    assert held.reviews(failed.id) == ()
    assert held.add_review(_review("reject", identity=failed.id)) == "rejected"


def test_inapplicable_gate_does_not_stand_in_the_way(held: Store) -> None:
    """A gate that does not apply is no failure; for prose only the quotes are decided exactly."""
    gates: dict[str, bool | None] = {**dict.fromkeys(GATES, True), "causal": None}
    partly = pair(session(), 1, proof=Proof(gates=gates))
    prose = pair(session(), 2, program=None, state="candidate", proof=Proof(gates={"holds": True, "unique": False}))
    prose = msgspec.structs.replace(prose, id="prose")
    saved(held, partly, prose, trajectory=session())
    assert held.add_review(_review("accept", identity=partly.id)) == "reviewed"
    assert held.add_review(_review("accept", identity="prose")) == "reviewed"


def test_superseded_pair_is_not_accepted(held: Store) -> None:
    """What a later compilation replaced cannot come back by a review, and a rejection of it is merely noted."""
    saved(held, trajectory=session())
    with pytest.raises(InputError, match="superseded by a later compilation"):
        held.add_review(_review("accept"))
    assert held.add_review(_review("reject")) == "superseded"


def test_review_of_no_pair(held: Store) -> None:
    """A review of a pair that is not there is refused."""
    with pytest.raises(InputError, match="no pair's id begins so"):
        held.add_review(_review("accept", identity="zz"))
