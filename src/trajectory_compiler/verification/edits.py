"""Edits of a log as other parts of the project see them: the kernel's own are plain tuples of the same three fields."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from trajectory_compiler.errors import ProgramError
from trajectory_compiler.model import MISSING, Json, Turn
from trajectory_compiler.verification.evaluate import View


class Edit(NamedTuple):
    """One value of one turn is replaced."""

    turn: int
    path: str
    value: Json


def apply_edits(turns: Iterable[Turn], edits: Iterable[Edit]) -> tuple[Turn, ...]:
    """Return the turns as edited; the given ones stay as they are. Raises ProgramError for a place that is not there."""
    views, edits = {turn.index: View(turn) for turn in turns}, list(edits)
    for edit in edits:
        if edit.turn not in views or not edit.path or views[edit.turn].at(edit.path) is MISSING:
            raise ProgramError("edit a session", f"turn {edit.turn} has no value at '{edit.path}'", "Make the twin anew.")
    return tuple(view.edited(edits).turn for view in views.values())
