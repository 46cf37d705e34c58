"""The gates of readers, with readers made by hand: each falls where it must, early, and what cannot be read decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.verification.readers.hand_made import ANSWER, QUESTION, HandMade, orders, pair, quote, sound
from trajectory_compiler.errors import ContextOverflowError, InvalidOutputError, ModelError
from trajectory_compiler.model import Pair
from trajectory_compiler.verification.readers import Grader, ReaderProof, ReadingOptions, read_pair
from trajectory_compiler.verification.readers.views import View

LONG = ContextOverflowError("show a view", "it is too long", "Name a larger model.")
UNUSABLE = InvalidOutputError("read an answer", "it is none", "Ask again.")
THREE = pair(supporting_turns=(1, 4, 7), evidence=(*pair().evidence, quote(4, "/response/mean", "m4x")))


def read(
    says: Callable[[View], str | Exception | None], asked: Pair | None = None, *, full: bool = True, thorough: bool = False
) -> tuple[ReaderProof, list[View]]:
    """Read a pair of `orders`; return what is found and the views that were read."""
    reader = HandMade(says)
    options = ReadingOptions(full=full, thorough=thorough)
    return asyncio.run(read_pair(asked or pair(), orders().turns, reader, Grader(), options)), reader.seen


def knows(name: str) -> Callable[[View], str | None]:
    """Return a sound reader that answers right from one more kind of view."""
    return lambda view: ANSWER if view.name == name or (view.name != "without_one" and sound(view)) else None


def misses(name: str) -> Callable[[View], str | None]:
    """Return a sound reader that abstains on one kind of view."""
    return lambda view: None if view.name == name else sound(view)


def test_a_sound_reading_passes() -> None:
    """All gates true, the causal one null (there is no program), every planned reading taken, the score 1."""
    found, seen = read(sound)
    assert (found.outcome, found.score, len(seen)) == ("passed", 1.0, found.planned)
    assert found.proof.gates.pop("causal") is None
    assert set(found.proof.gates.values()) == {True}
    assert found.proof.reasons == ()


@pytest.mark.parametrize(
    ("gate", "says", "asked"),
    [
        ("unleaked", knows("closed_book"), None),
        ("sufficient", misses("supporting"), None),
        ("necessary", lambda view: ANSWER if view.turns else None, None),
        ("unshortcut", knows("found_first"), None),
        ("distant", lambda view: ANSWER if view.name == "window" or {1, 4, 7} <= set(view.turns) else None, THREE),
        ("unshortcut", knows("uncited"), None),
        ("unique", misses("full"), None),
        ("unique", misses("full_reversed"), None),
    ],
)
def test_each_gate_falls_at_its_own_view_and_ends_the_readings(gate: str, says: Any, asked: Pair | None) -> None:
    """The gate is the only false one, it was the last one read, the pair failed with score 0."""
    found, seen = read(says, asked)
    assert [name for name, went in found.proof.gates.items() if went is False] == [gate]
    assert seen[-1].gate == gate
    assert (found.outcome, found.score) == ("failed", 0.0)
    assert len(found.proof.reasons) == 1


def test_thorough_goes_on_after_a_gate_fell() -> None:
    """Every gate gets its outcome."""
    found, seen = read(knows("closed_book"), thorough=True)
    assert found.outcome == "failed"
    assert {view.gate for view in seen} == {"unleaked", "sufficient", "necessary", "unshortcut", "unique"}


@pytest.mark.parametrize(
    ("gate", "asked"),
    [
        ("well_formed", pair(question="Which plan")),
        ("well_formed", pair(answer=" ")),
        ("holds", pair(evidence=(quote(1, "/response/order", "ORD-45"), quote(7, "/response/plan", ANSWER)))),
        ("holds", pair(evidence=(quote(1, "/response/order", "ORD-44"), quote(70, "/response/plan", ANSWER)))),
        ("holds", pair(evidence=(quote(7, "/response/plan", ANSWER),))),
        ("unleaked", pair(question=f"Which order got {ANSWER}?")),
        (
            "distant",
            pair(supporting_turns=(6, 7), evidence=(quote(6, "/response/mean", "m6x"), quote(7, "/response/plan", ANSWER))),
        ),
    ],
)
def test_what_a_rule_refuses_costs_no_call(gate: str, asked: Pair) -> None:
    """A form, a quote, a told answer, neighbours: the pair fails before anything is read."""
    found, seen = read(sound, asked)
    assert (found.outcome, found.score, seen) == ("failed", 0.0, [])
    assert found.proof.gates[gate] is False


@pytest.mark.parametrize(("error", "why"), [(LONG, "too long for the reader"), (UNUSABLE, "no usable answer")])
def test_what_cannot_be_read_decides_nothing(error: ModelError, why: str) -> None:
    """The gate is null and says why, the pair is undecided, the other gates are read."""
    found, seen = read(lambda view: error if view.name == "full" else sound(view))
    assert (found.outcome, found.proof.gates["unique"]) == ("undecided", None)
    assert found.proof.reasons == (f"unique: {why}",)
    assert len(seen) == found.planned


def test_a_null_gate_may_still_fall() -> None:
    """One reading of a gate could not be done, another shows that it is false."""
    found, _ = read(lambda view: LONG if view.name == "full" else misses("full_reversed")(view))
    assert (found.outcome, found.proof.gates["unique"]) == ("failed", False)


def test_an_outage_stops_the_run() -> None:
    """Where every further call would fail, the error is raised and no gate is blamed."""
    outage = ModelError("ask", "it is away", "Try later.", stops=True)
    with pytest.raises(ModelError, match="away"):
        read(lambda _: outage)


def test_the_score_is_the_smallest_margin() -> None:
    """A wrong answer that shares a word of two with the right one leaves half a margin."""
    found, _ = read(lambda view: "premium silver" if view.name == "without_one" else sound(view))
    assert (found.outcome, found.score) == ("passed", 0.5)


def test_an_unanswerable_pair_wants_abstention() -> None:
    """To abstain is right on every view of it, an answer is wrong, whatever the answer."""
    asked = pair(answer_type="abstention", answer="The log does not say.", question=QUESTION)
    assert read(lambda _: None, asked)[0].outcome == "passed"
    found, seen = read(lambda _: ANSWER, asked)
    assert (found.outcome, [view.gate for view in seen]) == ("failed", ["sufficient"])
