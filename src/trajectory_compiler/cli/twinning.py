"""Counterfactual twins in words: the same question, the log edited in one place, another answer.

A reader that gives the old answer on the edited log has remembered, not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from trajectory_compiler.cli.pair_lines import place_of
from trajectory_compiler.cli.screen import say
from trajectory_compiler.dataflow.program import decode
from trajectory_compiler.model import MISSING, Evidence, Json, Pair, Trajectory, json_text, resolve, turn_object
from trajectory_compiler.verification import Claim, Edit, Session
from trajectory_compiler.verification.proof import Case

SHOWN = 3
MAX_VALUE = 80


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One value of one turn before and after."""

    turn: int
    path: str
    old: Json
    new: Json


class Twin(msgspec.Struct, frozen=True, kw_only=True):
    """An edited log by its changes, and the answer that the question has there. `kind` is `edit` or `reroute`."""

    kind: str
    changes: tuple[Change, ...]
    answer: str


def twins_of(pair: Pair, trajectory: Trajectory) -> list[Twin]:
    """Return a few twins of each kind; none for a pair without a program.

    For an unanswerable pair there is one more thing to tell: putting the withheld turn back gives its base's answer.
    """
    if pair.program is None:
        return []
    claim = Claim(
        program=decode(pair.program),
        question=pair.question,
        answer=pair.answer,
        answer_type=pair.answer_type,
        evidence=pair.evidence,
        withheld_turns=pair.withheld_turns,
    )
    case = Case(claim, Session(trajectory.turns))
    if case.base.answer is None:
        return []
    if pair.withheld_turns:
        return [Twin(kind="restore", changes=(), answer=case.answer)]
    edited = islice(case.source_edits(), SHOWN)
    rerouted = [
        found for node, condition, _, _, source in case.bridges for found in islice(case.reroutes(node, condition, source), 1)
    ]
    return [*_told("edit", edited, trajectory), *_told("reroute", rerouted, trajectory)]


def _told(
    kind: str, found: Iterator[tuple[list[Edit], str]] | Sequence[tuple[list[Edit], str]], trajectory: Trajectory
) -> list[Twin]:
    return [
        Twin(kind=kind, changes=tuple(_change(edit, trajectory) for edit in edits), answer=answer) for edits, answer in found
    ]


def _change(edit: Edit, trajectory: Trajectory) -> Change:
    old = resolve(turn_object(trajectory.turns[edit.turn]), edit.path)
    return Change(turn=edit.turn, path=edit.path, old=None if old is MISSING else old, new=edit.value)


def print_twins(twins: Sequence[Twin], pair: Pair) -> None:
    """Print what is edited and what the answer becomes."""
    if not twins:
        say("No twin: nothing was found to edit.")
    for twin in twins:
        if twin.kind == "restore":
            listed = ", ".join(f"#{turn:03d}" for turn in pair.withheld_turns)
            say(f"- Put turn {listed} back, and the answer is {twin.answer}.")
        for change in twin.changes:
            place = place_of(Evidence(turn=change.turn, path=change.path, quote=""))
            say(f"- In #{change.turn:03d}, {place}: {_short(change.old)} becomes {_short(change.new)}.")
        if twin.changes:
            say(f"  Then the answer is {twin.answer} instead of {pair.answer}.", style="green")


def _short(value: Json) -> str:
    text = json_text(value).replace("\n", " ")
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE // 2]} … {text[-MAX_VALUE // 2 :]}"
