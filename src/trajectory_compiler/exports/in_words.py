"""Families, gates and reasons in plain words: one place for what commands and pages say about them."""

from __future__ import annotations

from trajectory_compiler.model import Family, Proof
from trajectory_compiler.sources.findings import REASONS
from trajectory_compiler.synthesis.acc import REASONS as ACC_REASONS
from trajectory_compiler.synthesis.acc import STAGE

FAMILY_WORDS: dict[Family, str] = {
    "composition": "follow a value from one call into a later one",
    "next_argument": "foretell what the agent must pass next",
    "precondition": "what had to happen before it worked",
    "state_change": "how something changed over time",
    "aggregation": "count or add up over many calls",
    "temporal": "what came last before, or first after",
    "comparison": "compare two calls, or the extremes of many",
    "provenance": "where a value first came from",
    "unanswerable": "a needed turn is missing: the log does not say",
    "recall": "the k-th of several like calls",
    "walk": "every call reached by following values",
}
DISTANCES = (
    (2, "next to each other"),
    (5, "3 to 5 turns"),
    (10, "6 to 10 turns"),
    (20, "11 to 20 turns"),
    (50, "21 to 50 turns"),
)
FAR = "over 50 turns"
GATE_WORDS: dict[str, str] = {
    "holds": "the program gives this answer on the whole session, and every quote stands in its turn",
    "sufficient": "the calls that it reads are enough to give the answer",
    "necessary": "with any supporting turn hidden the answer is gone, and it cannot be guessed",
    "distant": "the supporting turns stand apart; no shorter stretch of the session gives the answer",
    "unique": "every reading of the question gives this answer",
    "unleaked": "the question gives away neither the answer nor a value on the way to it",
    "unshortcut": "no single turn gives the answer, nor do all the other turns, nor the turn that a search finds first",
    "causal": "editing a value that it rests on changes the answer, other edits do not",
    "well_formed": "one question, its form of answer stated, and a short answer of that form",
}
FAILED_WORDS: dict[str, str] = {
    "holds": "the checker's own evaluation, or a quote, does not bear the answer out",
    "sufficient": "the turns that the question reads are not enough",
    "necessary": "answer can be guessed, or a turn that should matter does not",
    "distant": "the supporting turns stand next to each other",
    "unique": "the question can be read in more than one way",
    "unleaked": "the question gives its answer away",
    "unshortcut": "a shortcut shows the answer: one turn alone, or the turns that should not matter",
    "causal": "the answer does not follow from the values that it should rest on",
    "well_formed": "question or answer reads badly",
    "record": "what is stored beside the program does not agree with it",
}
STAGE_WORDS = {
    "sources": "rows that could not be read or were repaired",
    "sessions": "rows and sessions left out",
    "redaction": "sessions stopped at the redaction boundary",
    "proof": "candidate questions that failed a gate",
    "selection": "candidate questions that were not chosen",
    "acc": "sessions whose task and final answer made no pair",
}
_OTHER_REASONS = {
    "blocked": "the session could not be redacted with certainty, so nothing of it passes",
    "compiler_error": "the session made the compiler fail; please report it",
}


def distance_words(span_turns: int) -> str:
    """Return how far apart the supporting turns stand, from near to far in a few steps."""
    return next((words for most, words in DISTANCES if span_turns <= most), FAR)


def reason_in_words(stage: str, reason: str) -> str:
    """Return why something was dropped as a phrase that a person understands without the documentation."""
    if stage == "proof" and reason in FAILED_WORDS:
        return FAILED_WORDS[reason]
    if stage == STAGE and reason in ACC_REASONS:
        return ACC_REASONS[reason]
    if reason in REASONS:
        return REASONS[reason].sentence
    return _OTHER_REASONS.get(reason) or reason.replace("_", " ")


def is_dropped(reason: str) -> bool:
    """Say whether a reason made something go; some only say that a row was repaired and kept."""
    return reason not in REASONS or REASONS[reason].drops


def action_for(reason: str) -> str:
    """Return what the user can do about a reason, or an empty text."""
    return REASONS[reason].action if reason in REASONS else ""


def proof_in_words(proof: Proof) -> list[tuple[str, bool | None, str]]:
    """Return (gate, outcome, sentence) for every gate that was tried, in the order of the design."""
    lines = []
    for gate, outcome in proof.gates.items():
        words = FAILED_WORDS.get(gate, gate) if outcome is False else GATE_WORDS.get(gate, gate)
        if gate == "necessary" and outcome:
            words += f" (chance {proof.guess_rate:.0%})"
        if outcome is None:
            words = "does not apply to this kind of question"
        lines.append((gate, outcome, words))
    return lines
