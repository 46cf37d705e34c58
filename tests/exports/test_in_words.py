"""Plain words for families, gates and reasons."""

from __future__ import annotations

from trajectory_compiler.exports.in_words import FAILED_WORDS, FAMILY_WORDS, GATE_WORDS, proof_in_words, reason_in_words
from trajectory_compiler.model import FAMILIES, GATES, Proof
from trajectory_compiler.sources.findings import REASONS


def test_every_family_gate_and_reason_has_words() -> None:
    """Nothing that the compiler can say is left as a code."""
    assert tuple(FAMILY_WORDS) == FAMILIES
    assert tuple(GATE_WORDS) == GATES
    assert set(GATES) <= set(FAILED_WORDS)
    assert all(reason_in_words("sources", reason) != reason for reason in REASONS)


def test_a_reason_that_nobody_worded_is_at_least_readable() -> None:
    """An unknown reason comes without underscores; a gate's name means the gate only at the proof."""
    assert reason_in_words("sources", "very_odd") == "very odd"
    assert "guessed" in reason_in_words("proof", "necessary")


def test_a_proof_says_of_each_gate_how_it_went() -> None:
    """A gate that held, one that failed and one that does not apply read differently; the chance to guess is given."""
    lines = proof_in_words(Proof(gates={"holds": True, "necessary": True, "distant": False, "causal": None}, guess_rate=0.25))
    assert [outcome for _, outcome, _ in lines] == [True, True, False, None]
    assert lines[1][2].endswith("(chance 25%)")
    assert lines[2][2] == FAILED_WORDS["distant"]
    assert "does not apply" in lines[3][2]
