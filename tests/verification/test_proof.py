"""The gates beyond their cases: what a slower way to decide them says, shared sessions, hostile turns."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.building import session, turn
from tests.verification.cases import pairs
from trajectory_compiler.dataflow.program import Bridge, Call, Condition, Field, Get, Literal, Program
from trajectory_compiler.model import Evidence, Turn
from trajectory_compiler.verification import Claim, Session, evaluate, prove

PAIRS = pairs()
CITY = Field(path="/response/city")


def claim(program: Program, answer: str = "x", question: str = "Which value is it?", *evidence: Evidence) -> Claim:
    """Return a claim that says little."""
    return Claim(program=program, question=question, answer=answer, answer_type="text", evidence=evidence)


def chain(pick: Any = "only") -> Program:
    """Return a program of two hops: the city at the address of the customer called a."""
    named = Condition(path="/arguments/name", op="eq", value=Literal("a"))
    bridge = Condition(path="/arguments/id", op="eq", value=Bridge("who", Field(path="/response/id")))
    calls = (
        Call(name="who", tool="find", pick=pick, where=(named,)),
        Call(name="where", tool="address", pick=pick, where=(bridge,)),
    )
    return Program(version=1, family="composition", calls=calls, answer=Get("where", CITY))


CALLS: st.SearchStrategy[tuple[str, Any, Any]] = st.one_of(
    st.tuples(
        st.just("find"),
        st.fixed_dictionaries({"name": st.sampled_from("ab")}),
        st.fixed_dictionaries({"id": st.integers(1, 3)}),
    ),
    st.tuples(
        st.just("address"),
        st.fixed_dictionaries({"id": st.integers(1, 3)}),
        st.fixed_dictionaries({"city": st.sampled_from("uvw")}),
    ),
    st.tuples(st.just("idle"), st.just({}), st.just({})),
)


@given(st.lists(CALLS, min_size=4, max_size=14), st.sampled_from(["first", "last", "only"]))
@settings(max_examples=120, deadline=None)
def test_distant_is_exact(calls: list[tuple[str, Any, Any]], pick: str) -> None:
    """The gate, which tries few runs of turns, says what trying every run says."""
    turns, program = session(*calls).turns, chain(pick)
    proof = prove(claim(program), turns, thorough=True)
    answer, support = evaluate(program, turns).answer, proof.supporting
    if answer is None:
        assert proof.gates["distant"] is False
        return
    span = support[-1] - support[0] + 1 if support else 0
    runs = [turns[i : i + size] for size in range(1, span) for i in range(len(turns) - size + 1)]
    apart = any(later - earlier >= 2 for earlier, later in pairwise(support))
    assert proof.gates["distant"] is (apart and all(evaluate(program, run).answer != answer for run in runs))


@given(st.lists(CALLS, min_size=1, max_size=14), st.sampled_from(["first", "last", "only"]))
@settings(max_examples=120, deadline=None)
def test_support_is_leave_one_out(calls: list[tuple[str, Any, Any]], pick: str) -> None:
    """The read set is what the program matches, the support what it cannot do without, by evaluating anew each time."""
    turns, program = session(*calls).turns, chain(pick)
    proof, outcome = prove(claim(program), turns), evaluate(program, turns)
    assert set(proof.read_set) == outcome.read
    lost = [t.index for t in turns if evaluate(program, [u for u in turns if u is not t]).answer != outcome.answer]
    assert list(proof.supporting) == (lost if outcome.answer is not None else [])


@pytest.mark.parametrize("case", PAIRS, ids=lambda case: case.name)
def test_a_session_may_be_shared(case: Any) -> None:
    """Proofs on one `Session` are those on the turns, whatever was proved on it before."""
    shared = Session(case.turns)
    for other in PAIRS:
        prove(other.claim, shared)
    assert prove(case.claim, shared) == prove(case.claim, case.turns)
    assert prove(case.claim, list(reversed(case.turns))) == prove(case.claim, case.turns)


@pytest.mark.parametrize("case", PAIRS, ids=lambda case: case.name)
def test_a_pair_stays_proved_among_more_turns(case: Any) -> None:
    """Calls of other tools behind the session change nothing."""
    count = len(case.turns)
    more = tuple(turn(i, "idle", {"n": i}, {"k": f"nothing {i}"}) for i in range(count, count + 40))
    assert prove(case.claim, case.turns + more).passed


def hostile() -> list[Turn]:
    """Return turns with what JSON can hold at its worst."""
    deep: Any = "x"
    for _ in range(10_000):
        deep = [deep]
    return [
        turn(0, "find", {"name": "a", "deep": deep}, {"id": 10**6000}),
        turn(1, "address", {"id": "\ud800", "name": "a"}, {"city": "\ud800"}),
        turn(2, "find", {"name": "a"}, {"id": float("nan"), "big": 1e308}),
        turn(3, "respond", {"content": deep}, "\x1e\x1f"),
        turn(4, "address", {"id": None}, {"city": "x" * 100_000}),
        turn(5, "idle", [[], {}, ""], None),
    ]


@pytest.mark.parametrize("pick", ["first", "last", "only", "all", "max", "nth"])
def test_hostile_turns_raise_nothing(pick: str) -> None:
    """Depth, endless integers, lone surrogates and NaN make a proof fail, not break."""
    proof = prove(claim(chain(pick)), hostile(), thorough=True)
    assert not proof.passed
    assert len(proof.gates) == 9


def test_hostile_turns_beside_a_proved_pair_are_borne() -> None:
    """A session that cannot even be printed as JSON still lets its sound pairs be proved."""
    case = PAIRS[0]
    count = len(case.turns)
    more = tuple(msgspec.structs.replace(t, index=count + t.index, tool="odd") for t in hostile())
    assert prove(case.claim, case.turns + more).reasons == ()


def test_an_empty_session_proves_nothing() -> None:
    """No turns, no answer: every gate but the form is false, and nothing raises."""
    proof = prove(claim(chain()), [], thorough=True)
    assert [gate for gate, passed in proof.gates.items() if passed] == ["well_formed"]


def test_a_gate_that_was_not_tried_does_not_look_passed() -> None:
    """After the first false gate the others are left out of the record."""
    proof = prove(claim(chain(), question="no question"), session(("find", {}, {})).turns)
    assert proof.gates == {"well_formed": False}
    assert not proof.passed


def test_the_checker_is_deterministic() -> None:
    """The same claim gives the same proof, edits drawn by chance included."""
    for case in PAIRS:
        assert prove(case.claim, case.turns) == prove(case.claim, case.turns)
