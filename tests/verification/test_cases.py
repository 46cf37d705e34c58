"""The hand-written cases: every pair is proved, every near-miss falls at the gate that is there for it."""

from __future__ import annotations

import pytest

from tests.verification.cases import Case, near_misses, pairs
from trajectory_compiler.model import FAMILIES, GATES
from trajectory_compiler.verification import ABSTENTION, Session, apply_edits, context_end, evaluate, prove, twins

PAIRS, NEAR_MISSES = pairs(), near_misses()


def test_every_family_and_every_gate_has_a_case() -> None:
    """No family goes without a pair that passes, no gate without a near-miss that only it catches."""
    assert {case.claim.program.family for case in PAIRS} == set(FAMILIES)
    assert {gate for case in NEAR_MISSES if len(case.fails) == 1 for gate in case.fails} == set(GATES) - {"sufficient"}


@pytest.mark.parametrize("case", PAIRS, ids=lambda case: case.name)
def test_pair_is_proved(case: Case) -> None:
    """All nine gates are true, and the support and the guess are those worked out by hand."""
    proof = prove(case.claim, case.turns)
    assert proof.reasons == ()
    assert proof.passed
    assert list(proof.gates) == list(GATES)
    assert list(proof.supporting) == case.pair["supporting"]
    assert proof.guess_rate == pytest.approx(case.pair["guess"], abs=1e-6)
    assert set(proof.supporting) <= set(proof.read_set)


@pytest.mark.parametrize("case", NEAR_MISSES, ids=lambda case: case.name)
def test_near_miss_falls_at_its_gate(case: Case) -> None:
    """The gate that is there for this flaw is false, and no other one but where the case says so."""
    proof = prove(case.claim, case.turns, thorough=True)
    assert {gate for gate, passed in proof.gates.items() if passed is False} == case.fails, proof.reasons
    quick = prove(case.claim, case.turns)
    assert not quick.passed
    assert quick.gates.items() <= proof.gates.items()
    assert len(quick.reasons) == 1


@pytest.mark.parametrize("case", NEAR_MISSES, ids=lambda case: case.name)
def test_reasons_hold_nothing_of_the_log(case: Case) -> None:
    """A reason names gates, turns and counts: neither the answer nor a quoted value stands in it."""
    for reason in prove(case.claim, case.turns, thorough=True).reasons:
        for item in case.claim.evidence:
            assert len(item.quote) < 4 or item.quote not in reason
        assert len(case.claim.answer) < 4 or case.claim.answer not in reason or case.claim.answer == ABSTENTION


@pytest.mark.parametrize("case", PAIRS, ids=lambda case: case.name)
def test_twins_are_the_same_question_on_another_log(case: Case) -> None:
    """Each twin's answer is what the program gives on the edited session, differs from the pair's and from the others'."""
    program = case.claim.program
    found = twins(program, case.turns, 12)
    assert {twin.kind for twin in found} >= set(case.pair["twins"])
    answers = {case.claim.answer}
    end = context_end(program, Session(case.turns))
    for twin in found:
        edited = apply_edits(case.turns, twin.edits)
        assert evaluate(program, [turn for turn in edited if end is None or turn.index < end]).answer == twin.answer
        assert twin.answer not in answers
        answers.add(twin.answer)
    assert twins(program, Session(case.turns), 1) == found[:1]
