"""Counterfactual twins in words: the same question, the log edited in one place, another answer.

A reader that gives the old answer on the edited log has remembered, not read.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from trajectory_compiler.cli.pair_lines import place_of
from trajectory_compiler.cli.screen import say
from trajectory_compiler.dataflow.program import decode
from trajectory_compiler.model import MISSING, Evidence, Json, Pair, Trajectory, json_text, resolve, turn_object
from trajectory_compiler.verification import Edit, twins

SHOWN = 3
MAX_VALUE = 80
KIND_WORDS = {
    "reroute": "lead to another call",
    "edit": "read another value",
    "remove": "one call less",
    "add": "one call more",
    "move": "another call is meant",
    "swap": "two calls change places",
    "restore": "nothing withheld",
}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One value of one turn before and after."""

    turn: int
    path: str
    old: Json
    new: Json


class ToldTwin(msgspec.Struct, frozen=True, kw_only=True):
    """An edited log by its changes, and the answer that the question has there. Kinds: see `verification.twins`."""

    kind: str
    changes: tuple[Change, ...]
    answer: str


def twins_of(pair: Pair, trajectory: Trajectory) -> list[ToldTwin]:
    """Return up to three twins of a pair, those of its family's own kind first; none for a pair without a program."""
    if pair.program is None:
        return []
    return [
        ToldTwin(kind=twin.kind, changes=tuple(_change(edit, trajectory) for edit in twin.edits), answer=twin.answer)
        for twin in twins(decode(pair.program), trajectory.turns, SHOWN)
    ]


def _change(edit: Edit, trajectory: Trajectory) -> Change:
    old = resolve(turn_object(trajectory.turns[edit.turn]), edit.path)
    return Change(turn=edit.turn, path=edit.path, old=None if old is MISSING else old, new=edit.value)


def print_twins(found: Sequence[ToldTwin], pair: Pair) -> None:
    """Print what is edited and what the answer becomes."""
    if not found:
        say("No twin: nothing was found to edit.")
    for twin in found:
        say(f"- {KIND_WORDS.get(twin.kind, twin.kind)}:", style="bold")
        if twin.kind == "restore":
            say(f"  put turn {', '.join(f'#{turn:03d}' for turn in pair.withheld_turns)} back")
        for change in twin.changes:
            place = place_of(Evidence(turn=change.turn, path=change.path, quote=""))
            say(f"  in #{change.turn:03d}, {place}: {_short(change.old)} becomes {_short(change.new)}")
        say(f"  then the answer is {twin.answer} instead of {pair.answer}", style="green")


def _short(value: Json) -> str:
    text = json_text(value).replace("\n", " ")
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE // 2]} … {text[-MAX_VALUE // 2 :]}"
