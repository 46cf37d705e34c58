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
from trajectory_compiler.dataflow.program import (
    Bridge,
    Call,
    Change,
    Changes,
    Condition,
    Count,
    Difference,
    Distinct,
    Expression,
    Field,
    Get,
    Literal,
    Program,
    StateAt,
    Sum,
    Walk,
)
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


def shapes() -> list[Program]:
    """Return programs of every shape that the gate must get right, over the calls that `CALLS` makes."""
    ident, city = Field(path="/response/id"), CITY
    named = Condition(path="/arguments/name", op="eq", value=Literal("a"))
    first, last = (Call(name=name, tool="address", pick=name) for name in ("first", "last"))
    anchor = Call(name="who", tool="find", pick="first", where=(named,))
    every = Call(name="every", tool="address", pick="all")
    highest = Call(name="high", tool="address", pick="max", by=Field(path="/arguments/id"))
    linked = Condition(path="/response", op="has", value=Bridge("high", Field(path="/arguments/id")))
    start = Call(name="start", tool="find", pick="last")
    walk = Walk(start="start", source="/response/id", target="/arguments/id", steps=2, label=city)
    forms: list[tuple[Expression, tuple[Call, ...]]] = [
        (Get("where", city), (anchor, Call(name="where", tool="address", pick="last", before="who"))),
        (Get("where", city), (anchor, Call(name="where", tool="address", pick="first", after="who"))),
        (Get("found", ident), (highest, Call(name="found", tool="find", pick="first", where=(linked,)))),
        (Get("third", city), (Call(name="third", tool="address", pick="nth", k=3),)),
        (Change(Get("first", city), Get("last", city)), (first, last)),
        (Difference(Get("first", Field(path="/arguments/id")), Get("last", Field(path="/arguments/id"))), (first, last)),
        (StateAt("every", city, 2), (every,)),
        (Changes("every", city), (every,)),
        (Count("every"), (every,)),
        (Distinct("every", city), (every,)),
        (Sum("every", Field(path="/arguments/id")), (every,)),
        (walk, (start,)),
    ]
    programs = [Program(version=1, family="composition", calls=calls, answer=answer) for answer, calls in forms]
    return [*programs, chain("first"), chain("last"), chain("only")]


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


@given(st.lists(CALLS, min_size=4, max_size=14), st.sampled_from(shapes()))
@settings(max_examples=400, deadline=None)
def test_distant_is_exact(calls: list[tuple[str, Any, Any]], program: Program) -> None:
    """The gate, which tries few runs of turns, says what trying every run says."""
    turns = session(*calls).turns
    proof = prove(claim(program), turns, thorough=True)
    answer, support = evaluate(program, turns).answer, proof.supporting
    if answer is None:
        assert proof.gates["distant"] is False
        return
    span = support[-1] - support[0] + 1 if support else 0
    runs = [turns[i : i + size] for size in range(1, span) for i in range(len(turns) - size + 1)]
    apart = any(later - earlier >= 2 for earlier, later in pairwise(support))
    assert proof.gates["distant"] is (apart and all(evaluate(program, run).answer != answer for run in runs))


@given(st.lists(CALLS, min_size=1, max_size=14), st.sampled_from(shapes()))
@settings(max_examples=300, deadline=None)
def test_support_is_leave_one_out(calls: list[tuple[str, Any, Any]], program: Program) -> None:
    """The read set is what the program matches, the support what it cannot do without, by evaluating anew each time."""
    turns = session(*calls).turns
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


@pytest.mark.parametrize("case", PAIRS, ids=lambda case: case.name)
def test_no_corrupted_claim_is_proved(case: Any) -> None:
    """Another answer, a quote changed, left out or moved, another withheld turn: each is turned down."""
    claim = case.claim
    broken = [msgspec.structs.replace(claim, answer=claim.answer + "1"), msgspec.structs.replace(claim, withheld_turns=(0,))]
    for at, item in enumerate(claim.evidence):
        changed = (
            (),
            (msgspec.structs.replace(item, quote=item.quote + "x"),),
            (msgspec.structs.replace(item, turn=item.turn + 1),),
            (msgspec.structs.replace(item, path=item.path + "/0"),),
            (msgspec.structs.replace(item, span=(0, len(item.quote) + 1)),),
        )
        before, behind = claim.evidence[:at], claim.evidence[at + 1 :]
        broken += [msgspec.structs.replace(claim, evidence=(*before, *other, *behind)) for other in changed]
    for other in broken:
        assert not prove(other, case.turns).passed


def test_evidence_may_quote_a_span() -> None:
    """A span counts code points of a string; what it cuts out must be the quote, and a number has no spans."""
    case = next(case for case in PAIRS if case.name == "composition-0")
    first, second = case.claim.evidence
    city = Evidence(turn=second.turn, path=second.path, quote="lisle", span=(3, 8))
    for evidence, proved in (
        (city, True),
        (msgspec.structs.replace(city, span=(3, 9)), False),
        (msgspec.structs.replace(city, span=(-6, 8)), False),
        (msgspec.structs.replace(city, path="/response/floor", quote="7", span=(0, 1)), False),
        (msgspec.structs.replace(city, path="/response/floor", quote="7", span=None), True),
    ):
        assert prove(msgspec.structs.replace(case.claim, evidence=(first, evidence)), case.turns).passed is proved
